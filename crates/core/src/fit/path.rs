//! The regularisation path: fits from the strongest penalty of interest down.

use std::ops::ControlFlow;

use num_traits::{Float as _, Zero};

use crate::backend::contract::Backend;
use crate::backend::error::{Error, check_setting};
use crate::backend::labels::Label;
use crate::backend::model::Model;
use crate::fit::estimator::{Fit, LogisticRegression};
use crate::linalg::vectors::all_finite;
use crate::numbers::float::{Float, Number};
use crate::objective::Objective;
use crate::objective::columns::coordinates::Coordinates;
use crate::objective::penalty::Penalty;
use crate::progress::trace::{Progress, Trace};
use crate::solvers::proximal_newton::ProximalNewton;
use crate::solvers::solver::Solver;

/// Fits along a grid of penalties, from the least strength at which all weights are 0 down, each
/// starting from the one before.
///
/// ```text
/// l1 = l1_ratio · strength,   l2 = (1 - l1_ratio) · strength
/// ```
///
/// With an `l1_ratio` of 1, the default, this is the lasso; with 0 it is ridge regression, which has
/// no such least strength: as in glmnet it starts where an `l1_ratio` of 0.001 would.
///
/// Source: Friedman, Hastie and Tibshirani, *Regularization paths for generalized linear models via
/// coordinate descent* (2010), section 2.5; the defaults are those of their package, glmnet, except
/// that columns are standardised only where the estimator says so.
///
/// ```
/// # use logit_core as logit;
/// use logit::{Dense, Fit, LogisticRegression, Path};
///
/// let values: [f64; 120] = std::array::from_fn(|i| ((7 * i) % 11) as f64);
/// let x = Dense::from_rows(&values, 40, 3); // or any other backend
/// let y = (0..40).map(|i| (i * 3) % 11 > i % 7);
/// let path = Path::new().steps(20).fit(&LogisticRegression::new(), &x, y)?;
/// let kept = |fit: &Fit<f64>| fit.model.weights().iter().filter(|w| **w != 0.0).count();
/// assert_eq!(kept(&path.fits[0]), 0);
/// assert_eq!(kept(&path.fits[19]), 3);
/// assert!(path.strengths[0] > path.strengths[19]);
/// # Ok::<(), logit::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    l1_ratio: f64,
    steps: usize,
    least_ratio: Option<f64>,
    /// The strengths that are asked for, if it is not a grid of these steps.
    strengths: Option<Vec<f64>>,
}

/// What comes of a path.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PathFit<F: Float> {
    /// The strengths, from the largest down.
    pub strengths: Vec<f64>,
    /// The fit at each.
    pub fits: Vec<Fit<F>>,
}

/// With less of L1 than this the strength at which all weights are 0 is of no interest.
const LEAST_L1_RATIO: f64 = 1e-3;

/// Each takes the memory of a model.
const MOST_STEPS: usize = 100_000;

/// A slope is rounding if it is at most so many times the machine epsilon and the root mean square
/// of its column: residuals are at most 1, and sums of a block grow by the root of its rows.
const ROUNDING_EPSILONS: f64 = 16.0;

/// A strength is lost beside the largest if it is less than so many times the machine epsilon and
/// that.
const LEAST_RATIO_EPSILONS: f64 = 256.0;

/// The least ratio of strengths that a precision tells apart.
fn least_ratio<F: Float>() -> f64 {
    LEAST_RATIO_EPSILONS * F::epsilon().widen()
}

impl Default for Path {
    fn default() -> Self {
        Self { l1_ratio: 1.0, steps: 100, least_ratio: None, strengths: None }
    }
}

impl Path {
    /// The lasso, at 100 strengths.
    pub fn new() -> Self {
        Self::default()
    }

    /// L1's share of the penalty, within 0 to 1. Default: 1.
    pub fn l1_ratio(mut self, l1_ratio: f64) -> Self {
        self.l1_ratio = l1_ratio;
        self
    }

    /// How many strengths to fit, 1 to 100 000. Default: 100.
    pub fn steps(mut self, steps: usize) -> Self {
        self.steps = steps;
        self
    }

    /// The least strength as a share of the largest, below 1; those between are spaced evenly by
    /// their logarithms. Default: 1e-4, or 1e-2 unless there are more rows than columns.
    ///
    /// At least 256 machine epsilons, 6e-14 or in `f32` 3e-5: weaker penalties are lost in the
    /// rounding of the loss.
    pub fn least_ratio(mut self, least_ratio: f64) -> Self {
        self.least_ratio = Some(least_ratio);
        self
    }

    /// Fits at these strengths, in place of a grid: 0 or positive, and finite, at least one. They are
    /// fitted from the largest down, whatever their order.
    pub fn strengths(mut self, strengths: impl IntoIterator<Item: Number>) -> Self {
        let strengths = strengths.into_iter().map(|strength| strength.float().widen());
        self.strengths = Some(strengths.collect());
        self
    }

    /// Fits the path with the estimator's settings other than its penalties, which must be 0, and
    /// its initial model or checkpoint: the first fit starts from the intercept alone.
    ///
    /// # Errors
    /// On settings out of range, on an L1 penalty for a solver that does not take it, and as
    /// [`LogisticRegression::fit`].
    pub fn fit<B: Backend + ?Sized, S: Solver>(
        &self,
        estimator: &LogisticRegression<S>,
        x: &B,
        y: impl IntoIterator<Item: Label>,
    ) -> Result<PathFit<B::Scalar>, Error> {
        self.check::<B::Scalar, S>(estimator)?;
        let mut objective = estimator.objective(x, y)?;
        let strengths = self.grid(&mut objective)?;
        self.fit_at(strengths, estimator, x, &mut objective)
    }

    pub(crate) fn check<F: Float, S: Solver>(
        &self,
        estimator: &LogisticRegression<S>,
    ) -> Result<(), Error> {
        estimator.check_solver::<F>(self.l1_ratio)?;
        let holds = (0.0..=1.0).contains(&self.l1_ratio);
        check_setting("l1_ratio", self.l1_ratio, holds, "within 0 to 1")?;
        let holds = (1..=MOST_STEPS).contains(&self.steps);
        check_setting("steps", self.steps, holds, "1 to 100000")?;
        let least = self.least_ratio.unwrap_or(0.5);
        let holds = (least_ratio::<F>()..1.0).contains(&least);
        let accepted = "at least 256 machine epsilons, 6e-14 (f32: 3e-5), and below 1";
        check_setting("least_ratio", least, holds, accepted)?;
        let strengths = self.strengths.as_deref().unwrap_or(&[1.0]);
        let holds = |strength: &f64| *strength >= 0.0 && strength.is_finite();
        let accepted = "at least one, each 0 or positive, and finite";
        let all = !strengths.is_empty() && strengths.iter().all(holds);
        check_setting("strengths", format_args!("{strengths:?}"), all, accepted)?;
        let Penalty { l1, l2, .. } = estimator.terms().penalty;
        for (name, strength) in [("l1", l1), ("l2", l2)] {
            check_setting(name, strength, strength == 0.0, "0, since a path sets the penalties")?;
        }
        Ok(())
    }

    /// The grid for some data.
    pub(crate) fn grid<B: Backend + ?Sized>(
        &self,
        objective: &mut Objective<'_, B>,
    ) -> Result<Vec<f64>, Error> {
        if let Some(strengths) = &self.strengths {
            let mut strengths = strengths.clone();
            strengths.sort_by(|a, b| b.total_cmp(a));
            return Ok(strengths);
        }
        let Some(slope) = largest_slope(objective)? else {
            // The first fit says what is wrong.
            return Ok(vec![1.0]);
        };
        // A little more, so that rounding leaves no weight. The slope beside columns without a penalty
        // is that of a fit.
        let epsilon = B::Scalar::epsilon().widen();
        let has_free_columns = objective.penalty().free_columns().next().is_some();
        let more = if has_free_columns { epsilon.sqrt() } else { 16.0 * epsilon };
        let largest = slope * (1.0 + more) / self.l1_ratio.max(LEAST_L1_RATIO);
        let narrow = objective.nrows() > objective.ncols();
        let least = self.least_ratio.unwrap_or(if narrow { 1e-4 } else { 1e-2 });
        let strength = |k: usize| largest * least.powf(k as f64 / (self.steps - 1).max(1) as f64);
        Ok((0..self.steps).map(strength).collect())
    }

    /// Fits at each of the strengths.
    pub(crate) fn fit_at<B: Backend + ?Sized, S: Solver>(
        &self,
        strengths: Vec<f64>,
        estimator: &LogisticRegression<S>,
        x: &B,
        objective: &mut Objective<'_, B>,
    ) -> Result<PathFit<B::Scalar>, Error> {
        let model = start(objective)?;
        let mut fits: Vec<Fit<B::Scalar>> = Vec::with_capacity(strengths.len());
        for &strength in &strengths {
            let (l1, l2) = (self.l1_ratio * strength, (1.0 - self.l1_ratio) * strength);
            let penalty = objective.penalty().with(l1, l2);
            objective.set_penalty(penalty);
            let mut observe = |_: &Progress<'_, B::Scalar>| ControlFlow::Continue(());
            let start = fits.last().map_or(&model, |fit| &fit.model).clone();
            fits.push(estimator.minimize(x, objective, start, &mut observe)?);
        }
        Ok(PathFit { strengths, fits })
    }
}

/// The best model of the weights without a penalty, the others being 0.
fn start<B: Backend + ?Sized>(objective: &mut Objective<'_, B>) -> Result<Model<B::Scalar>, Error> {
    if objective.penalty().free_columns().next().is_none() {
        let mut model = Model::zero(objective.ncols());
        model.intercept = B::Scalar::narrow(objective.null_model().intercept);
        return Ok(model);
    }
    let basis = objective.basis()?;
    let penalty = objective.penalty();
    // No slope comes up to this strength.
    let least =
        |least: f64, j| if penalty.factor(j) > 0.0 { penalty.factor(j).min(least) } else { least };
    let least_factor = (0..objective.ncols()).fold(f64::INFINITY, least);
    let strength =
        (0..objective.ncols()).map(|j| size(&basis, j)).fold(1.0, f64::max) / least_factor;
    let unreachable = penalty.with(strength.max(f64::MIN_POSITIVE), 0.0);
    objective.set_penalty(unreachable);
    let mut observe = |_: &Progress<'_, B::Scalar>| ControlFlow::Continue(());
    let mut trace = Trace::aside(objective, &mut observe);
    let zeros = vec![B::Scalar::zero(); objective.dimension()];
    let (point, _) = ProximalNewton::new().tolerance(0.0).minimize(objective, zeros, &mut trace)?;
    objective.coordinates().unfold(&point.at)
}

/// The largest slope with respect to a weight where all with a penalty are 0, divided by its factor;
/// `None` where one is not finite.
///
/// Where all are rounding, no column tells anything. Then it is the largest slope that residuals
/// of root mean square ½ can have, by Cauchy and Schwarz's inequality. A grid from there down keeps
/// all weights at 0, as it should; a grid of the size of the rounding would leave them to it.
fn largest_slope<B: Backend + ?Sized>(
    objective: &mut Objective<'_, B>,
) -> Result<Option<f64>, Error> {
    let model = start(objective)?;
    let none = objective.penalty().with(0.0, 0.0);
    objective.set_penalty(none);
    let at = objective.coordinates().fold(model.weights(), model.intercept());
    let gradient = objective.evaluate(at).gradient;
    if !all_finite(&gradient) {
        return Ok(None);
    }
    let basis = objective.basis()?;
    let rounding = ROUNDING_EPSILONS * B::Scalar::epsilon().widen();
    let (mut largest, mut possible) = (0.0, 0.0);
    for (j, slope) in gradient.iter().enumerate().take(objective.ncols()) {
        let (size, factor) = (size(&basis, j), objective.penalty().factor(j));
        if factor == 0.0 {
            continue;
        }
        let slope = slope.widen().abs();
        possible = f64::max(possible, size / 2.0 / factor);
        largest = f64::max(largest, if slope > rounding * size { slope / factor } else { 0.0 });
    }
    let any = if possible > 0.0 { possible } else { 1.0 };
    Ok(Some(if largest > 0.0 { largest } else { any }))
}

/// The root mean square of a column.
fn size(basis: &Coordinates, column: usize) -> f64 {
    let inverse = basis.inverse_scale(column);
    let spread = if inverse > 0.0 { 1.0 / inverse } else { 0.0 };
    basis.mean(column).hypot(spread)
}
