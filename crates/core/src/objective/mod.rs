//! The mean cross-entropy over the rows plus the penalty, with its gradient, from one pass.

pub(crate) mod bound;
pub(crate) mod columns;
pub(crate) mod curvature;
pub(crate) mod data;
pub(crate) mod evaluation;
mod null_model;
pub(crate) mod penalty;
mod product;
pub(crate) mod second;
pub(crate) mod sums;
mod temperature;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::backend::contract::Backend;
use crate::backend::error::Error;
use crate::backend::model::Model;
use crate::backend::shard::Shard;
use crate::objective::columns::coordinates::{Coordinates, Moments};
use crate::objective::data::Data;
use crate::objective::data::observed::Observed;
use crate::objective::evaluation::Evaluation;
use crate::objective::penalty::Penalty;
use crate::objective::sums::RowSums;

/// What a fit minimises, as a function of d weights and, unless the intercept is left out, the
/// intercept as the last parameter.
///
/// ```text
/// f(w, b) = Σᵢ ωᵢ cross_entropy(xᵢ·w + b + oᵢ, yᵢ) / Σᵢ ωᵢ  +  l2/2 Σⱼ φⱼ wⱼ²
/// ```
///
/// The sample weights `ωᵢ` and the penalty factors `φⱼ` are 1 and the offsets `oᵢ` are 0 unless they
/// are given. With standardisation,
/// `xᵢ` and `w` are those of the standardised columns. An L1 penalty adds `l1 Σⱼ φⱼ |wⱼ|`. That term has no
/// gradient where a weight is 0, so [`Evaluation::gradient`] leaves it out.
///
/// [`LogisticRegression::objective`](crate::LogisticRegression::objective) makes one. Solvers of your own
/// minimise it; a fit needs no knowledge of it.
///
/// Residuals below `min_positive_value() / epsilon()`, 1e-292 or in `f32` 1e-31, count as 0.
/// Losses are `f64` in either precision. Sums within a block of rows are taken in the precision of
/// the matrix, sums of blocks in `f64`, so that `f32` stays useful for tens of millions of rows.
/// Passes allocate nothing that grows with the number of rows.
pub struct Objective<'a, B: Backend + ?Sized> {
    pub(crate) data: Data<'a, B>,
    sums: RowSums<B::Scalar>,
    coordinates: Coordinates,
    penalty: Penalty,
    /// The moments of the columns that the weights belong to, where they have been measured.
    moments: OnceLock<Moments>,
    /// Those columns centred and scaled, where they have been measured.
    basis: OnceLock<Coordinates>,
    /// The model at the parameters last evaluated, on the caller's scale.
    model: Model<B::Scalar>,
    /// The rows of a batch that this process holds.
    batch: Vec<usize>,
    /// Tells the evaluations of this function from those of others.
    id: usize,
}

/// A number that no other function has.
fn new_id() -> usize {
    static LAST: AtomicUsize = AtomicUsize::new(0);
    LAST.fetch_add(1, Ordering::Relaxed)
}

/// What is to be minimised, apart from the data.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Terms {
    pub(crate) penalty: Penalty,
    pub(crate) fit_intercept: bool,
    pub(crate) standardize: bool,
}

impl<'a, B: Backend + ?Sized> Objective<'a, B> {
    /// Measures the columns where they are to be standardised; `observed` fits the rows.
    pub(crate) fn new(
        x: &'a B,
        shard: Shard,
        observed: Observed<B::Scalar>,
        terms: Terms,
    ) -> Result<Self, Error> {
        Self::of(Data::new(x, shard, observed), terms)
    }

    fn of(data: Data<'a, B>, terms: Terms) -> Result<Self, Error> {
        let coordinates = if terms.standardize {
            Coordinates::standardized(&data, terms.fit_intercept)?
        } else {
            Coordinates::plain(data.ncols(), terms.fit_intercept)
        };
        Ok(Self::over(data, terms.penalty, coordinates))
    }

    fn over(data: Data<'a, B>, penalty: Penalty, coordinates: Coordinates) -> Self {
        Self {
            sums: RowSums::new(&data),
            moments: coordinates.moments().map_or_else(OnceLock::new, OnceLock::from),
            basis: OnceLock::new(),
            model: Model::zero(data.ncols()),
            batch: Vec::new(),
            id: new_id(),
            data,
            coordinates,
            penalty,
        }
    }

    /// The same objective with other observations of the same rows, by which columns are standardised
    /// anew.
    pub(crate) fn with_observed(&self, observed: Observed<B::Scalar>) -> Result<Self, Error> {
        let (fit_intercept, standardize) =
            (self.coordinates.fit_intercept(), self.coordinates.is_standardized());
        let terms = Terms { penalty: self.penalty.clone(), fit_intercept, standardize };
        Self::of(self.data.with_observed(observed), terms)
    }

    /// The same objective without penalties and standardisation, with an intercept.
    pub(crate) fn plain(&self) -> Self {
        let data = self.data.with_observed(self.data.observed.clone());
        let coordinates = Coordinates::plain(data.ncols(), true);
        Self::over(data, Penalty::NONE, coordinates)
    }

    /// The same objective over about `wanted` of the rows, evenly spread; `None` where that is not much
    /// less.
    pub(crate) fn sample(&self, wanted: usize) -> Option<Self> {
        let data = self.data.sample(wanted)?;
        Some(Self::over(data, self.penalty.clone(), self.coordinates.clone()))
    }

    /// The number of parameters: one per column, plus one for the intercept where it is fitted.
    pub fn dimension(&self) -> usize {
        self.coordinates.dimension()
    }

    /// The number of columns.
    pub(crate) fn ncols(&self) -> usize {
        self.data.ncols()
    }

    /// The number of rows that the objective is over, in all processes.
    pub fn nrows(&self) -> usize {
        self.data.nrows()
    }

    /// The loss and its gradient at some parameters, in one pass.
    ///
    /// The same bits come out for any number of threads.
    ///
    /// # Panics
    /// If the number of parameters is not [`dimension`](Self::dimension).
    ///
    /// ```
    /// # use logit_core as logit;
    /// use logit::{Dense, LogisticRegression};
    ///
    /// let x = Dense::from_rows(&[-1.0, 3.0], 2, 1); // any backend
    /// let mut objective = LogisticRegression::new().objective(&x, [0, 1])?;
    /// let zero = objective.evaluate([0.0, 0.0]);
    /// assert_eq!(zero.loss(), std::f64::consts::LN_2); // every probability is 1/2 …
    /// assert_eq!(zero.gradient(), [-1.0, 0.0]); // … so the residuals are 1/2 and -1/2
    /// # Ok::<(), logit::Error>(())
    /// ```
    pub fn evaluate(&mut self, parameters: impl Into<Vec<B::Scalar>>) -> Evaluation<B::Scalar> {
        let at = parameters.into();
        let mut evaluation = Evaluation {
            gradient: at.clone(),
            loss: f64::NAN,
            own_largest_logit: 0.0,
            penalty: self.penalty.clone(),
            ncols: self.ncols(),
            objective: self.id,
            at,
        };
        self.evaluate_again(&mut evaluation);
        evaluation
    }

    /// Evaluates anew where the parameters of an evaluation of this function were changed. Allocates
    /// nothing.
    pub(crate) fn evaluate_again(&mut self, evaluation: &mut Evaluation<B::Scalar>) {
        let Evaluation { at, gradient, .. } = evaluation;
        assert_eq!(at.len(), self.dimension(), "the number of parameters");
        self.data.count_read(self.nrows());
        self.coordinates.unfold_into(at, &mut self.model);
        let totals = self.sums.losses(&self.data, None, &self.model);
        let (total_weight, penalty) = (self.data.total_weight(), &self.penalty);
        let mean = |sum: f64| sum / total_weight;
        let weights = &at[..self.coordinates.ncols()];
        let products = totals.products.iter().copied().map(mean);
        let (residual, ridge) = (mean(totals.factors), |j| penalty.l2_of(j));
        self.coordinates.gradient(products, residual, ridge, weights, gradient);
        // Infinite weights can leave a cross-entropy of 0; here they make the loss NaN or infinite
        // even without a penalty, 0 · ∞ being NaN.
        evaluation.loss = mean(totals.loss) + penalty.of(weights);
        evaluation.own_largest_logit = totals.own_largest_logit;
    }

    /// Whether an evaluation is of this function.
    pub(crate) fn made(&self, evaluation: &Evaluation<B::Scalar>) -> bool {
        evaluation.objective == self.id
    }

    /// The loss but for the L1 term over some rows only, and its gradient written to `gradient`. The
    /// mean is over those rows; where none of them counts it is 0.
    pub(crate) fn evaluate_batch(
        &mut self,
        batch: &[usize],
        parameters: &[B::Scalar],
        gradient: &mut [B::Scalar],
    ) -> f64 {
        let Self { data, sums, coordinates, model, batch: held, .. } = self;
        held.clear();
        held.extend(batch.iter().filter_map(|&row| data.shard.position(row)));
        let total_weight = Some(data.batch_weight(held)).filter(|total| *total > 0.0);
        data.count_read(batch.len());
        coordinates.unfold_into(parameters, model);
        let totals = sums.losses(data, Some(held), model);
        let mean = |sum: f64| sum / total_weight.unwrap_or(1.0);
        let weights = &parameters[..data.ncols()];
        let products = totals.products.iter().copied().map(mean);
        let penalty = self.penalty.with(0.0, self.penalty.l2);
        let ridge = |j| penalty.l2_of(j);
        coordinates.gradient(products, mean(totals.factors), ridge, weights, gradient);
        mean(totals.loss) + penalty.of(weights)
    }

    pub(crate) fn coordinates(&self) -> &Coordinates {
        &self.coordinates
    }

    /// The strength of the L1 penalty, before factors of columns.
    pub fn l1(&self) -> f64 {
        self.penalty.l1
    }

    pub(crate) fn penalty(&self) -> &Penalty {
        &self.penalty
    }

    pub(crate) fn set_penalty(&mut self, penalty: Penalty) {
        (self.penalty, self.id) = (penalty, new_id());
    }

    /// The moments of the columns that the weights belong to, where they have been measured over
    /// all rows.
    pub(crate) fn moments(&self) -> Option<&Moments> {
        self.moments.get()
    }

    /// A basis of centred and scaled columns for [`curvature`](Self::curvature), measured over these
    /// rows unless the solver's own columns are standardised.
    pub(crate) fn basis(&self) -> Result<Coordinates, Error> {
        if let Some(basis) = self.coordinates.basis_of_standardized() {
            return Ok(basis);
        }
        if let Some(basis) = self.basis.get() {
            return Ok(basis.clone());
        }
        let fit_intercept = self.coordinates.fit_intercept();
        let (basis, moments, passes) = Coordinates::basis(&self.data, fit_intercept)?;
        self.data.count_read(passes * self.nrows());
        self.moments.get_or_init(|| moments);
        Ok(self.basis.get_or_init(|| basis).clone())
    }

    /// The same measured over a sample, if there is one, unless columns are constant there.
    pub(crate) fn basis_from(&self, sample: Option<&Self>) -> Result<Coordinates, Error> {
        if let Some(sample) = sample.filter(|_| !self.coordinates.is_standardized()) {
            let basis = sample.basis()?;
            if !sample.moments().is_some_and(|moments| moments.constant) {
                return Ok(basis);
            }
        }
        self.basis()
    }

    /// The columns that vary in a basis, but not among these rows.
    pub(crate) fn columns_not_shown(&self, basis: &Coordinates) -> Vec<usize> {
        let Ok(own) = self.basis() else { return Vec::new() };
        let is_missing = |&j: &usize| own.is_constant(j) && !basis.is_constant(j);
        (0..self.ncols()).filter(is_missing).collect()
    }
}
