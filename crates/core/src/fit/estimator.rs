//! The estimator: settings, checked, then a fit.

use std::ops::ControlFlow;

use crate::backend::contract::Backend;
use crate::backend::error::{Error, check_setting};
use crate::backend::labels;
use crate::backend::labels::Label;
use crate::backend::model::Model;
use crate::backend::peers::Peers;
use crate::backend::shard::Shard;
use crate::fit::explain;
use crate::numbers::float::{Float, Number};
use crate::objective::data::observed::Observed;
use crate::objective::data::weights;
use crate::objective::data::weights::ClassWeights;
use crate::objective::penalty::Penalty;
use crate::objective::{Objective, Terms};
use crate::progress::checkpoint::Checkpoint;
use crate::progress::report::Report;
use crate::progress::trace::{Observer, Progress, Trace};
use crate::solvers::auto::Auto;
use crate::solvers::solver;
use crate::solvers::solver::Solver;

/// Binary logistic regression: the probability of class 1 is `sigmoid(x·w + b)`.
///
/// A fit minimises the mean cross-entropy plus optional L1 and L2 penalties (see [`Objective`]). The
/// settings are independent of matrix library and precision; those follow from what
/// [`fit`](Self::fit) is given.
///
/// ```
/// # use logit_core as logit;
/// use logit::{Dense, GradientDescent, LogisticRegression, StopReason};
///
/// let hours = Dense::from_rows(&[0.5, 1.0, 2.0, 3.5, 4.0], 5, 1); // or any other backend
/// let passed = [false, false, true, false, true];
/// let fit = LogisticRegression::new()
///     .solver(GradientDescent::new().learning_rate(0.5).tolerance(1e-6).max_iterations(10_000))
///     .fit(&hours, passed)?;
/// assert!(fit.model.weights()[0] > 0.0);
/// assert_eq!(fit.report.stop, StopReason::Converged);
/// # Ok::<(), logit::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogisticRegression<S = Auto> {
    settings: Settings,
    solver: S,
}

#[derive(Clone, Debug, PartialEq)]
struct Settings {
    terms: Terms,
    class_weights: ClassWeights,
    sample_weights: Option<Vec<f64>>,
    offsets: Option<Vec<f64>>,
    initial_weights: Option<Vec<f64>>,
    initial_intercept: f64,
    checkpoint: Option<Checkpoint>,
}

/// What comes of a fit: the model, and how it was reached.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Fit<F: Float> {
    /// The fitted model.
    pub model: Model<F>,
    /// The course of the fit.
    pub report: Report,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            terms: Terms { penalty: Penalty::NONE, fit_intercept: true, standardize: false },
            class_weights: ClassWeights::Given(1.0, 1.0),
            sample_weights: None,
            offsets: None,
            initial_weights: None,
            initial_intercept: 0.0,
            checkpoint: None,
        }
    }
}

impl LogisticRegression {
    /// No penalty, an intercept, columns and rows as they are, weights from zero, the solver
    /// [`Auto`].
    pub fn new() -> Self {
        Self::default()
    }
}

impl<S> LogisticRegression<S> {
    /// The strength of the L2 penalty, which adds `l2/2 · |w|²` to the *mean* cross-entropy; the
    /// intercept is not penalised. 0 or positive, and finite. Default: 0.
    ///
    /// From scikit-learn's `C`, which weighs the *sum* over n rows: `l2 = 1 / (C · n)`.
    pub fn l2(mut self, l2: f64) -> Self {
        self.settings.terms.penalty.l2 = l2;
        self
    }

    /// The strength of the L1 penalty, which adds `l1 · |w|₁` (the sum of absolute values) to the
    /// *mean* cross-entropy; the intercept is not penalised. 0 or positive, and finite. Default: 0.
    ///
    /// It makes weights exactly 0, the more the stronger it is. Together with [`l2`](Self::l2) it
    /// is the elastic net (Zou and Hastie, *Regularization and variable selection via the elastic
    /// net*, 2005). Solvers that take it are [`Auto`] and
    /// [`ProximalNewton`](crate::ProximalNewton).
    ///
    /// From glmnet's `lambda` and `alpha`: `l1 = alpha · lambda`, `l2 = (1 - alpha) · lambda`; from
    /// scikit-learn's `C` and `l1_ratio`, over n rows: the same with `lambda = 1 / (C · n)`.
    ///
    /// ```
    /// # use logit_core as logit;
    /// use logit::{Dense, LogisticRegression};
    ///
    /// let x = Dense::from_rows(&[0.2, 1.0, 1.1, -1.0, 1.9, -1.0, 3.2, 1.0], 4, 2);
    /// let fit = LogisticRegression::new().l1(0.05).fit(&x, [0, 1, 0, 1])?;
    /// assert!(fit.model.weights()[0] > 0.0);
    /// assert_eq!(fit.model.weights()[1], 0.0); // exactly
    /// # Ok::<(), logit::Error>(())
    /// ```
    pub fn l1(mut self, l1: f64) -> Self {
        self.settings.terms.penalty.l1 = l1;
        self
    }

    /// The factor of each column in both penalties: `l1 · φⱼ` and `l2 · φⱼ` are the strengths of
    /// column j. 0 or positive, and finite. Default: all 1.
    ///
    /// A factor of 0 leaves a column without a penalty. Such columns alone can separate the classes,
    /// and then there is no optimum ([`Error::Separated`]).
    ///
    /// glmnet scales its `penalty.factor` to a mean of 1 first. For the same fit, do so too.
    ///
    /// ```
    /// # use logit_core as logit;
    /// use logit::{Dense, LogisticRegression};
    ///
    /// let x = Dense::from_rows(&[0.2, 1.0, 1.1, -1.0, 1.9, -1.0, 3.2, 1.0], 4, 2); // any backend
    /// let strong = LogisticRegression::new().l1(1.0);
    /// assert_eq!(strong.fit(&x, [0, 1, 0, 1])?.model.weights(), [0.0, 0.0]);
    /// let first_is_free = strong.penalty_factors([0.0, 1.0]).fit(&x, [0, 1, 0, 1])?;
    /// assert!(first_is_free.model.weights()[0] > 0.0);
    /// assert_eq!(first_is_free.model.weights()[1], 0.0);
    /// # Ok::<(), logit::Error>(())
    /// ```
    pub fn penalty_factors(mut self, factors: impl IntoIterator<Item: Number>) -> Self {
        self.settings.terms.penalty.factors = Some(widened(factors).into());
        self
    }

    /// Whether the model has an intercept. Default: true.
    pub fn fit_intercept(mut self, fit_intercept: bool) -> Self {
        self.settings.terms.fit_intercept = fit_intercept;
        self
    }

    /// Whether the solver works on columns scaled to mean 0 and standard deviation 1 (with
    /// divisor n). Default: false.
    ///
    /// The matrix is neither changed nor copied, and the coefficients come back on its own scale.
    /// Gradient descent then needs no learning rate tuned to the data; the penalty acts on the
    /// coefficients of the standardised columns. Means and deviations are by the weights of the
    /// rows. A column that is constant but for rounding gets the coefficient 0.
    ///
    /// Without an intercept columns are not shifted, only divided by their standard deviation, as in
    /// glmnet. A constant column, which glmnet leaves out, is divided by its absolute value.
    ///
    /// A column whose mean is k standard deviations from 0 costs log₁₀ k digits; in `f32`, shift
    /// columns with k above a thousand or so yourself.
    pub fn standardize(mut self, standardize: bool) -> Self {
        self.settings.terms.standardize = standardize;
        self
    }

    /// Starts from these weights, one per column on the scale of the data, instead of zeros.
    pub fn initial_weights(mut self, weights: impl IntoIterator<Item: Number>) -> Self {
        self.settings.initial_weights = Some(widened(weights));
        self
    }

    /// Starts from this intercept, on the scale of the data, instead of 0. It must be 0 where no
    /// intercept is fitted.
    pub fn initial_intercept(mut self, intercept: impl Number) -> Self {
        self.settings.initial_intercept = intercept.float().widen();
        self
    }

    /// Starts from a model, of any precision.
    pub fn start_from<F: Float>(self, model: &Model<F>) -> Self {
        let weights: Vec<f64> = model.weights().iter().map(|w| w.widen()).collect();
        self.initial_weights(weights).initial_intercept(model.intercept().widen())
    }

    /// Goes on from where another fit was, instead of starting: the model and the report will be
    /// the same, to the bit, as if that fit had gone on. Of an `Option` that is `None` it starts.
    ///
    /// The fit must be the same: the data, the backend, the number of processes, all settings. The
    /// numbers given to the solver may differ, to allow more iterations for instance, and count from
    /// here on. The observer is asked about the iteration that the checkpoint was made in, once
    /// more. What a solver reads again to come back to its state is not among the report's reads.
    ///
    /// A fit is [`Error::Checkpoint`] where its settings or its data are not those of the
    /// checkpoint; to go on with others, [`start_from`](Self::start_from) its model.
    ///
    /// ```
    /// # use logit_core as logit;
    /// use std::ops::ControlFlow;
    /// use logit::{Dense, LogisticRegression};
    ///
    /// let values: [f64; 120] = std::array::from_fn(|i| ((7 * i) % 11) as f64);
    /// let x = Dense::from_rows(&values, 40, 3);
    /// let y: Vec<bool> = (0..40).map(|i| (i * 3) % 11 > i % 7).collect();
    ///
    /// let estimator = LogisticRegression::new();
    /// let mut saved = None; // with the feature `serde`, a file
    /// estimator.fit_observed(&x, &y, |progress| {
    ///     saved = progress.checkpoint();
    ///     if progress.iteration == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    /// })?;
    /// assert_eq!(estimator.clone().resume(saved).fit(&x, &y)?, estimator.fit(&x, &y)?);
    /// # Ok::<(), logit::Error>(())
    /// ```
    pub fn resume(mut self, checkpoint: impl Into<Option<Checkpoint>>) -> Self {
        self.settings.checkpoint = checkpoint.into();
        self
    }

    /// How much each row counts, one number per row, 0 or positive, and finite. Default: all 1.
    ///
    /// The loss is the weighted mean, so a weight of 2 is the row twice, and only ratios matter:
    /// weights that are all the same, of whatever size, change nothing.
    ///
    /// The rows of a class must have a share of all weights of at least 1e-140, in `f32` 1e-25;
    /// less is [`Error::ClassShare`]. A weight of a row is 0 or at least 1e-307 of the largest, in
    /// `f32` 1e-37; less is [`Error::RowSetting`]. Weights of classes are included in both.
    pub fn sample_weights(mut self, weights: impl IntoIterator<Item: Number>) -> Self {
        self.settings.sample_weights = Some(widened(weights));
        self
    }

    /// How much the rows of class 0 and of class 1 count, beside their own weights. 0 or positive,
    /// and finite. Default: 1 each.
    ///
    /// Only their ratio matters. See [`sample_weights`](Self::sample_weights) for its limits.
    pub fn class_weights(mut self, zero: f64, one: f64) -> Self {
        self.settings.class_weights = ClassWeights::Given(zero, one);
        self
    }

    /// Weighs the classes so that both count the same, whatever their numbers of rows: scikit-learn's
    /// `class_weight="balanced"`.
    pub fn balanced(mut self) -> Self {
        self.settings.class_weights = ClassWeights::Balanced;
        self
    }

    /// What is known of each row's logit already, added to `x·w + b`: one number per row, finite in
    /// the precision of the data. Default: all 0.
    ///
    /// A model predicts without them: add those of new rows to its logits.
    pub fn offsets(mut self, offsets: impl IntoIterator<Item: Number>) -> Self {
        self.settings.offsets = Some(widened(offsets));
        self
    }

    /// How to minimise. Default: [`Auto`].
    pub fn solver<T: Solver>(self, solver: T) -> LogisticRegression<T> {
        LogisticRegression { settings: self.settings, solver }
    }

    /// The function that a fit would minimise.
    ///
    /// # Errors
    /// As for [`fit`](Self::fit), as far as the penalty, shape, labels, weights and offsets are
    /// concerned; with [`standardize`](Self::standardize) also on non-finite values.
    pub fn objective<'a, B: Backend + ?Sized>(
        &self,
        x: &'a B,
        y: impl IntoIterator<Item: Label>,
    ) -> Result<Objective<'a, B>, Error> {
        let observed = self.observed(x, y)?;
        Objective::new(x, Shard::of(x), observed, self.terms())
    }

    /// Labels, weights and offsets, checked as are the penalties and the shape of `x`.
    pub(crate) fn observed<B: Backend + ?Sized>(
        &self,
        x: &B,
        y: impl IntoIterator<Item: Label>,
    ) -> Result<Observed<B::Scalar>, Error> {
        self.settings.terms.penalty.check(x.ncols())?;
        if Shard::of(x).of == 0 {
            return Err(Error::NoRows);
        }
        if x.ncols() == 0 {
            return Err(Error::NoColumns);
        }
        self.settings.observed(labels::read(x.nrows(), y), x.peers())
    }

    /// The total weight of rows of such classes, as the caller gave the weights of rows and of classes.
    pub(crate) fn total_weight(&self, y: &[bool], peers: &dyn Peers) -> f64 {
        let mut totals = [0.0; 2];
        for (row, &y) in y.iter().enumerate() {
            let given = self.settings.sample_weights.as_ref();
            totals[usize::from(y)] += given.map_or(1.0, |weights| weights[row]);
        }
        peers.sum(&mut totals);
        match self.settings.class_weights {
            ClassWeights::Given(zero, one) => zero * totals[0] + one * totals[1],
            ClassWeights::Balanced => totals[0] + totals[1],
        }
    }

    /// What is to be minimised, apart from the data.
    pub(crate) fn terms(&self) -> Terms {
        self.settings.terms.clone()
    }
}

impl<S: Solver> LogisticRegression<S> {
    /// Fits to the rows of `x` and one label per row.
    ///
    /// Labels are 0 and 1 of any type that is a [`Label`]: `Vec<bool>`, `[u8; 4]`, `&Array1<f64>`,
    /// `&DVector<f32>`. Both classes must occur.
    ///
    /// # Errors
    /// On settings out of range, on an empty matrix, on labels that do not fit, on a non-finite
    /// value in `x`. As [`Error::NonFiniteLogit`], [`Error::InitialLoss`] or [`Error::ColumnSize`]
    /// when the loss of the initial model or its gradient is out of the range of the precision; as
    /// [`Error::Diverged`] when a later one is. As [`Error::Separated`] when there is no penalty,
    /// logits have become large and the data has no optimum, unless the observer or the maximum of
    /// iterations ended the fit.
    pub fn fit<B: Backend + ?Sized>(
        &self,
        x: &B,
        y: impl IntoIterator<Item: Label>,
    ) -> Result<Fit<B::Scalar>, Error> {
        self.fit_observed(x, y, |_| ControlFlow::Continue(()))
    }

    /// The same, calling `observe` at the start of every iteration; `Break` ends the fit there,
    /// with [`StopReason::Observer`](crate::StopReason::Observer).
    ///
    /// # Errors
    /// As for [`fit`](Self::fit).
    ///
    /// ```
    /// # use logit_core as logit;
    /// use std::ops::ControlFlow;
    /// use logit::{Dense, LogisticRegression};
    ///
    /// let x = Dense::from_rows(&[1.0, 2.0], 2, 1);
    /// let fit = LogisticRegression::new().fit_observed(&x, [0, 1], |progress| {
    ///     if progress.loss < 0.693 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    /// })?;
    /// assert!(fit.report.loss < 0.693);
    /// # Ok::<(), logit::Error>(())
    /// ```
    pub fn fit_observed<B: Backend + ?Sized>(
        &self,
        x: &B,
        y: impl IntoIterator<Item: Label>,
        mut observe: impl FnMut(&Progress<'_, B::Scalar>) -> ControlFlow<()>,
    ) -> Result<Fit<B::Scalar>, Error> {
        self.check_solver::<B::Scalar>(self.settings.terms.penalty.l1)?;
        let mut objective = self.objective(x, y)?;
        if let Some(checkpoint) = &self.settings.checkpoint {
            let trace = Trace::from_checkpoint(&objective, checkpoint, &mut observe)?;
            return self.run(x, &mut objective, checkpoint.parameters(), trace);
        }
        let initial = self.settings.initial(x.ncols())?;
        self.minimize(x, &mut objective, initial, &mut observe)
    }

    /// Fails on a solver that cannot serve in a precision, or with an L1 penalty.
    pub(crate) fn check_solver<F: Float>(&self, l1: f64) -> Result<(), Error> {
        solver::check::<F, S>(&self.solver, l1)
    }

    /// Minimises an objective over `x` from a model on.
    pub(crate) fn minimize<B: Backend + ?Sized>(
        &self,
        x: &B,
        objective: &mut Objective<'_, B>,
        initial: Model<B::Scalar>,
        observe: Observer<'_, B::Scalar>,
    ) -> Result<Fit<B::Scalar>, Error> {
        let at = objective.coordinates().fold(initial.weights(), initial.intercept());
        let trace = Trace::new(objective, initial, observe);
        self.run(x, objective, at, trace)
    }

    fn run<B: Backend + ?Sized>(
        &self,
        x: &B,
        objective: &mut Objective<'_, B>,
        at: Vec<B::Scalar>,
        mut trace: Trace<'_, B::Scalar>,
    ) -> Result<Fit<B::Scalar>, Error> {
        let minimum = self.solver.minimize(objective, at, &mut trace).map_err(|mut error| {
            if let Error::Diverged { solver, .. } = &mut error {
                *solver = self.solver.name();
            }
            // Good data is not searched on the way: a non-finite value in the matrix, for one,
            // makes the very first gradient non-finite.
            match &error {
                Error::Diverged { iteration: 0, loss, best, .. } => {
                    explain::start(x, objective, best, *loss).err().unwrap_or(error)
                }
                _ => error,
            }
        })?;
        let (mut point, stop) = minimum;
        if !objective.made(&point) {
            // It tells of another function: of a sample, for one.
            point = objective.evaluate(point.at);
        }
        let report = trace.finish(objective, &point, stop)?;
        Ok(Fit { model: objective.coordinates().unfold(&point.at)?, report })
    }
}

fn widened(numbers: impl IntoIterator<Item: Number>) -> Vec<f64> {
    numbers.into_iter().map(|number| number.float().widen()).collect()
}

impl Settings {
    /// Labels, weights and offsets, checked in every process.
    fn observed<F: Float>(
        &self,
        y: Result<Vec<bool>, Error>,
        peers: &dyn Peers,
    ) -> Result<Observed<F>, Error> {
        let given = y.and_then(|y| {
            let holds = |weight: f64| weight >= 0.0 && weight.is_finite();
            let accepted = "0 or positive, and finite";
            check_per_row("sample weight", &self.sample_weights, y.len(), holds, accepted)?;
            // Beyond, a logit has no digit left for what the model adds.
            let holds = |offset: f64| offset.abs() <= F::epsilon().recip().widen();
            let accepted = "within 1 / epsilon of the precision: 4.5e15 in f64, 8.3e6 in f32";
            check_per_row("offset", &self.offsets, y.len(), holds, accepted)?;
            Ok(y)
        });
        let y = peers.agree(given)?;
        let sample = self.sample_weights.as_deref().unwrap_or_default();
        let weights = weights::scaled(sample, &y, self.class_weights, peers)?;
        let offsets = self.offsets.iter().flatten().map(|&offset| F::narrow(offset)).collect();
        Ok(Observed { y, weights, offsets })
    }

    fn initial<F: Float>(&self, ncols: usize) -> Result<Model<F>, Error> {
        let holds = self.terms.fit_intercept || self.initial_intercept == 0.0;
        let accepted = "0 where no intercept is fitted";
        check_setting("initial_intercept", self.initial_intercept, holds, accepted)?;
        let weights = match &self.initial_weights {
            None => vec![0.0; ncols],
            Some(weights) if weights.len() == ncols => weights.clone(),
            Some(weights) => {
                let (given, expected) = (weights.len(), ncols);
                return Err(Error::InitialWeightCount { given, expected });
            }
        };
        Model::new(weights, self.initial_intercept)?.cast()
    }
}

/// Fails unless there is a number per row, if there are any, and each `holds`.
fn check_per_row(
    name: &'static str,
    values: &Option<Vec<f64>>,
    rows: usize,
    holds: impl Fn(f64) -> bool,
    accepted: &'static str,
) -> Result<(), Error> {
    let Some(values) = values else { return Ok(()) };
    if values.len() != rows {
        return Err(Error::RowCount { name, given: values.len(), rows });
    }
    match values.iter().position(|&value| !holds(value)) {
        Some(row) => Err(Error::RowSetting { name, row, value: values[row], accepted }),
        None => Ok(()),
    }
}
