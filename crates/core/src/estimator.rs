//! The estimator: settings, checked, then a fit.

use std::ops::ControlFlow;

use crate::backend::find_non_finite;
use crate::error::check_setting;
use crate::{
    Backend, Error, Float, GradientDescent, Label, Model, Number, Objective, Progress, Report,
};

/// Binary logistic regression: the probability of class 1 is `sigmoid(x·w + b)`.
///
/// A fit minimises the mean cross-entropy plus an optional L2 penalty (see [`Objective`]). The
/// settings are independent of matrix library and precision; those follow from what
/// [`fit`](Self::fit) is given.
///
/// ```
/// # use logit_conformance::Matrix;
/// # use logit_core::{GradientDescent, LogisticRegression};
/// let hours = Matrix::from_rows([[0.5], [1.0], [2.0], [3.5], [4.0]]); // any backend
/// let passed = [false, false, true, false, true];
/// let fit = LogisticRegression::new()
///     .solver(GradientDescent::new().learning_rate(0.5).tolerance(1e-6).max_iterations(10_000))
///     .fit(&hours, passed)?;
/// assert!(fit.model.weights()[0] > 0.0);
/// assert_eq!(fit.report.stop, logit_core::StopReason::Converged);
/// # Ok::<(), logit_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LogisticRegression {
    l2: f64,
    fit_intercept: bool,
    standardize: bool,
    initial_weights: Option<Vec<f64>>,
    initial_intercept: f64,
    solver: GradientDescent,
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

impl Default for LogisticRegression {
    fn default() -> Self {
        Self {
            l2: 0.0,
            fit_intercept: true,
            standardize: false,
            initial_weights: None,
            initial_intercept: 0.0,
            solver: GradientDescent::new(),
        }
    }
}

impl LogisticRegression {
    /// No penalty, an intercept, columns as they are, weights from zero, the classic
    /// [`GradientDescent`].
    pub fn new() -> Self {
        Self::default()
    }

    /// The strength of the L2 penalty, which adds `l2/2 · |w|²` to the *mean* cross-entropy; the
    /// intercept is not penalised. 0 or positive, and finite. Default: 0.
    ///
    /// From scikit-learn's `C`, which weighs the *sum* over n rows: `l2 = 1 / (C · n)`.
    pub fn l2(mut self, l2: f64) -> Self {
        self.l2 = l2;
        self
    }

    /// Whether the model has an intercept. Default: true.
    pub fn fit_intercept(mut self, fit_intercept: bool) -> Self {
        self.fit_intercept = fit_intercept;
        self
    }

    /// Whether the solver works on columns scaled to mean 0 and standard deviation 1 (with
    /// divisor n). Default: false.
    ///
    /// The matrix is neither changed nor copied, and the coefficients come back on its own scale.
    /// Gradient descent then needs no learning rate tuned to the data; the penalty acts on the
    /// coefficients of the standardised columns. A constant column gets the coefficient 0. Without
    /// an intercept columns are not shifted, only divided by their root mean square.
    ///
    /// A column whose mean is k standard deviations from 0 costs log₁₀ k digits; in `f32`, shift
    /// columns with k above a thousand or so yourself.
    pub fn standardize(mut self, standardize: bool) -> Self {
        self.standardize = standardize;
        self
    }

    /// Starts from these weights, one per column on the scale of the data, instead of zeros.
    pub fn initial_weights(mut self, weights: impl IntoIterator<Item: Number>) -> Self {
        self.initial_weights = Some(weights.into_iter().map(|w| w.float().widen()).collect());
        self
    }

    /// Starts from this intercept, on the scale of the data, instead of 0. It must be 0 where no
    /// intercept is fitted.
    pub fn initial_intercept(mut self, intercept: impl Number) -> Self {
        self.initial_intercept = intercept.float().widen();
        self
    }

    /// How to minimise. Default: [`GradientDescent::new`].
    pub fn solver(mut self, solver: GradientDescent) -> Self {
        self.solver = solver;
        self
    }

    /// Fits to the rows of `x` and one label per row.
    ///
    /// Labels are 0 and 1 of any type that is a [`Label`]: `Vec<bool>`, `[u8; 4]`, `&Array1<f64>`,
    /// `&DVector<f32>`. Both classes must occur.
    ///
    /// # Errors
    /// On settings out of range, on an empty matrix, on labels that do not fit, on a non-finite
    /// value in `x`, and as [`Error::Diverged`] when the loss or its gradient leaves the range of
    /// the precision.
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
    /// # use logit_conformance::Matrix;
    /// # use logit_core::LogisticRegression;
    /// use std::ops::ControlFlow;
    ///
    /// # let x = Matrix::from_rows([[1.0], [2.0]]);
    /// let fit = LogisticRegression::new().fit_observed(&x, [0, 1], |progress| {
    ///     if progress.loss < 0.693 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    /// })?;
    /// assert!(fit.report.loss < 0.693);
    /// # Ok::<(), logit_core::Error>(())
    /// ```
    pub fn fit_observed<B: Backend + ?Sized>(
        &self,
        x: &B,
        y: impl IntoIterator<Item: Label>,
        mut observe: impl FnMut(&Progress<'_, B::Scalar>) -> ControlFlow<()>,
    ) -> Result<Fit<B::Scalar>, Error> {
        self.solver.check::<B::Scalar>()?;
        let mut objective = self.objective(x, y)?;
        let initial = self.initial(x.ncols())?;
        let (parameters, report) = self
            .solver
            .minimize(&mut objective, initial, &mut observe)
            .map_err(|error| explain(error, x))?;
        Ok(Fit { model: objective.coordinates().unfold(&parameters)?, report })
    }

    /// The function that a fit would minimise.
    ///
    /// # Errors
    /// As for [`fit`](Self::fit), as far as `l2`, shape and labels are concerned; with
    /// [`standardize`](Self::standardize) also on non-finite values.
    pub fn objective<'a, B: Backend + ?Sized>(
        &self,
        x: &'a B,
        y: impl IntoIterator<Item: Label>,
    ) -> Result<Objective<'a, B>, Error> {
        let holds = self.l2 >= 0.0 && self.l2.is_finite();
        check_setting("l2", self.l2, holds, "0 or positive, and finite")?;
        Objective::new(x, y, self.l2, self.fit_intercept, self.standardize)
    }

    fn initial<F: Float>(&self, ncols: usize) -> Result<Model<F>, Error> {
        let holds = self.fit_intercept || self.initial_intercept == 0.0;
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

/// A fit that diverges at once may owe it to a value in the matrix: any non-finite one makes the
/// very first gradient non-finite, so good data is never searched.
fn explain<B: Backend + ?Sized>(error: Error, x: &B) -> Error {
    match &error {
        Error::Diverged { iteration: 0, .. } => match find_non_finite(x, 0..x.nrows()) {
            Some((row, column, value)) => Error::NonFiniteFeature { row, column, value },
            None => error,
        },
        _ => error,
    }
}
