//! The choice of a penalty by k-fold cross-validation.

use std::hash::Hash;

use num_traits::Zero;

use crate::backend::contract::Backend;
use crate::backend::error::Error;
use crate::backend::labels::Label;
use crate::backend::shard::Shard;
use crate::fit::estimator::{Fit, LogisticRegression};
use crate::fit::folds::Folds;
use crate::fit::path::{Path, PathFit};
use crate::numbers::float::Float;
use crate::objective::Objective;
use crate::objective::data::observed::Observed;
use crate::solvers::solver::Solver;

/// Chooses the strength of the penalty by k-fold cross-validation along a [`Path`].
///
/// Rows are dealt into folds, each with as large a share of either class as any other, give or take
/// a row. Rows of one group can be kept together ([`groups`](Self::groups)), or the folds be given
/// ([`fold_of_rows`](Self::fold_of_rows)). For every fold the path is fitted to the other rows, and each of its models judged by the
/// mean cross-entropy over the fold. Where several processes hold the rows, folds are dealt from those
/// of the whole, at the cost of 8 bytes for each of them. The matrix is not copied: rows of the fold count 0 in the
/// fit.
///
/// Strengths are those of all rows. With [`standardize`](LogisticRegression::standardize) each fit
/// scales the columns by its own rows, as in glmnet: rows held out have no influence. A strength is
/// then the same number in all folds, on columns of standard deviation 1 in each.
///
/// Source: Hastie, Tibshirani and Friedman, *The Elements of Statistical Learning* (2nd ed. 2009),
/// section 7.10.
///
/// ```
/// # use logit_core as logit;
/// use logit::{CrossValidation, Dense, LogisticRegression, Path};
///
/// let values: [f64; 120] = std::array::from_fn(|i| ((7 * i) % 11) as f64);
/// let x = Dense::from_rows(&values, 40, 3); // or any other backend
/// let y = (0..40).map(|i| (i * 3) % 11 > i % 7);
/// let chosen = CrossValidation::new()
///     .path(Path::new().l1_ratio(0.9).steps(20))
///     .folds(5)
///     .fit(&LogisticRegression::new(), &x, y)?;
/// println!("strength {:.2e}", chosen.path.strengths[chosen.best]);
/// let p = chosen.best_fit().model.predict_proba(&x)?;
/// assert!(chosen.one_standard_error <= chosen.best); // a larger strength comes first
/// assert_eq!(p.len(), 40);
/// # Ok::<(), logit::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct CrossValidation {
    path: Path,
    folds: Folds,
}

/// What comes of a cross-validation.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CrossValidated<F: Float> {
    /// The path fitted to all rows: the strengths, and the model at each.
    pub path: PathFit<F>,
    /// The fold of each row that this process holds.
    pub folds: Vec<usize>,
    /// For each strength the mean cross-entropy of rows by models fitted without them, weighted
    /// like the rows.
    pub losses: Vec<f64>,
    /// The standard error of each, from how the folds differ.
    pub standard_errors: Vec<f64>,
    /// Where among the strengths the loss is least.
    pub best: usize,
    /// Where the largest strength is whose loss is at most a standard error above the least.
    pub one_standard_error: usize,
}

impl<F: Float> CrossValidated<F> {
    /// The fit to all rows at the strength whose loss is least.
    pub fn best_fit(&self) -> &Fit<F> {
        &self.path.fits[self.best]
    }

    /// The fit to all rows at the largest strength whose loss is at most a standard error above
    /// the least: the simplest model that is about as good.
    pub fn one_standard_error_fit(&self) -> &Fit<F> {
        &self.path.fits[self.one_standard_error]
    }
}

impl Default for CrossValidation {
    fn default() -> Self {
        Self { path: Path::new(), folds: Folds::default() }
    }
}

impl CrossValidation {
    /// Ten folds, along the path of the lasso.
    pub fn new() -> Self {
        Self::default()
    }

    /// The penalties to choose from. Default: [`Path::new`].
    pub fn path(mut self, path: Path) -> Self {
        self.path = path;
        self
    }

    /// How many folds to deal, at least 2, and at most as many as the rarer class has rows that
    /// count, so that each holds both. Default: 10.
    pub fn folds(mut self, folds: usize) -> Self {
        self.folds.count = folds;
        self
    }

    /// Decides which rows make a fold; equal seeds give equal folds. Default: 0.
    pub fn seed(mut self, seed: u64) -> Self {
        self.folds.seed = seed;
        self
    }

    /// The group of each row, of any type that can be hashed: rows of one group are never on both sides
    /// of a fit. Folds are made of whole groups, the largest group first, each to the fold with the
    /// fewest rows. There must be at least as many groups as folds. Classes need not be even then.
    ///
    /// ```
    /// # use logit_core as logit;
    /// use logit::{CrossValidation, Dense, LogisticRegression};
    ///
    /// let x = Dense::from_rows(&[0.5, 1.0, 2.0, 1.5, 3.0, 2.5, 1.0, 4.0], 8, 1); // any backend
    /// let patients = ["ann", "ann", "bob", "bob", "cem", "cem", "dan", "dan"];
    /// let validation = CrossValidation::new().folds(2).groups(patients);
    /// let folds = validation.fit(&LogisticRegression::new(), &x, [0, 1, 0, 1, 0, 1, 0, 1])?.folds;
    /// assert!(folds.chunks(2).all(|patient| patient[0] == patient[1]));
    /// # Ok::<(), logit::Error>(())
    /// ```
    pub fn groups(mut self, groups: impl IntoIterator<Item: Hash>) -> Self {
        self.folds.set_groups(groups);
        self
    }

    /// The fold of each row, counted from 0; the number of folds and the seed then have no effect.
    pub fn fold_of_rows(mut self, folds: impl IntoIterator<Item = usize>) -> Self {
        self.folds.set_given(folds);
        self
    }

    /// Fits the path to all rows and to all but each fold, as [`Path::fit`].
    ///
    /// # Errors
    /// As for [`Path::fit`], and on folds or groups that do not fit. [`Error::OneClass`] where the rows
    /// outside a fold are of one class.
    pub fn fit<B: Backend + ?Sized, S: Solver>(
        &self,
        estimator: &LogisticRegression<S>,
        x: &B,
        y: impl IntoIterator<Item: Label>,
    ) -> Result<CrossValidated<B::Scalar>, Error> {
        self.path.check::<B::Scalar, S>(estimator)?;
        let observed = estimator.observed(x, y)?;
        let shard = Shard::of(x);
        let folds = self.folds.deal(&observed, shard, x.peers())?;
        let mut objective = Objective::new(x, shard, observed.clone(), estimator.terms())?;
        let strengths = self.path.grid(&mut objective)?;
        let mut judge = objective.plain();
        let mut outcomes = Vec::new();
        let count = x.peers().max(folds.iter().copied().max().map_or(0.0, |last| last as f64));
        for fold in 0..=count as usize {
            let mut training = objective.with_observed(without(&observed, &folds, fold))?;
            let path = self.path.fit_at(strengths.clone(), estimator, x, &mut training)?;
            let rows: Vec<usize> = (0..folds.len()).filter(|&i| folds[i] == fold).collect();
            outcomes.push(Outcome::new(&mut judge, &rows, shard, &path));
        }
        let path = self.path.fit_at(strengths, estimator, x, &mut objective)?;
        Ok(summary(path, folds, &outcomes))
    }
}

/// The same observations, of which those of a fold count 0.
fn without<F: Float>(observed: &Observed<F>, folds: &[usize], fold: usize) -> Observed<F> {
    let mut others = observed.clone();
    others.weights.resize(folds.len(), F::one());
    for (weight, _) in others.weights.iter_mut().zip(folds).filter(|(_, of)| **of == fold) {
        *weight = F::zero();
    }
    others
}

/// How the models of a path do on a fold.
struct Outcome {
    losses: Vec<f64>,
    /// How much the rows of the fold count.
    weight: f64,
}

impl Outcome {
    fn new<B: Backend + ?Sized>(
        judge: &mut Objective<'_, B>,
        rows: &[usize],
        shard: Shard,
        path: &PathFit<B::Scalar>,
    ) -> Self {
        let mut gradient = vec![B::Scalar::zero(); judge.dimension()];
        let batch: Vec<usize> = rows.iter().map(|i| shard.first + i).collect();
        let loss = |fit: &Fit<B::Scalar>| {
            let (weights, intercept) = (fit.model.weights(), fit.model.intercept());
            let at: Vec<_> = weights.iter().copied().chain([intercept]).collect();
            judge.evaluate_batch(&batch, &at, &mut gradient)
        };
        let losses = path.fits.iter().map(loss).collect();
        Self { losses, weight: judge.data.batch_weight(rows) }
    }
}

fn summary<F: Float>(
    path: PathFit<F>,
    folds: Vec<usize>,
    outcomes: &[Outcome],
) -> CrossValidated<F> {
    let total: f64 = outcomes.iter().map(|outcome| outcome.weight).sum();
    let mean = |value: &dyn Fn(&Outcome) -> f64| {
        outcomes.iter().map(|outcome| outcome.weight * value(outcome)).sum::<f64>() / total
    };
    let steps = 0..path.strengths.len();
    let losses: Vec<f64> = steps.clone().map(|k| mean(&|outcome| outcome.losses[k])).collect();
    let degrees = (outcomes.len() - 1) as f64;
    let standard_error =
        |k: usize| (mean(&|outcome| (outcome.losses[k] - losses[k]).powi(2)) / degrees).sqrt();
    let standard_errors: Vec<f64> = steps.clone().map(standard_error).collect();
    let best = steps.min_by(|&a, &b| losses[a].total_cmp(&losses[b])).unwrap_or_default();
    let enough = losses[best] + standard_errors[best];
    let one_standard_error = losses.iter().position(|&loss| loss <= enough).unwrap_or(best);
    CrossValidated { path, folds, losses, standard_errors, best, one_standard_error }
}
