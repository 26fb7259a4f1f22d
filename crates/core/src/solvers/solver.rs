//! The trait of solvers.

use crate::backend::contract::Backend;
use crate::backend::error::{Error, check_setting};
use crate::numbers::float::Float;
use crate::objective::Objective;
use crate::objective::evaluation::Evaluation;
use crate::progress::report::StopReason;
use crate::progress::trace::Trace;

/// A method of minimising an [`Objective`].
///
/// A solver sees losses, gradients and second derivatives, never a matrix. It does not check
/// whether an optimum exists; the fit does, if there is no penalty and logits are large. It checks
/// after a solver has ended as [`Converged`](StopReason::Converged) or
/// [`PrecisionLimit`](StopReason::PrecisionLimit), and fails with [`Error::Separated`].
///
/// Implement it for a method of your own. [`minimize`](Self::minimize) keeps to these steps:
///
/// 1. A solver that can resume takes its state from [`Trace::resume`].
/// 2. It evaluates the objective where it starts: [`Objective::evaluate`]. It may evaluate other
///    points at any time.
/// 3. At the start of an iteration it records its point: [`Trace::record`].
/// 4. If the point is a minimum, it returns the point's [`Evaluation`] and
///    [`Converged`](StopReason::Converged).
/// 5. It asks whether to go on: [`Trace::proceed_from`], or [`Trace::proceed`] without a state. If
///    not, it returns the point and the reason.
/// 6. It moves to its next point, and goes on with 3.
///
/// The model and the report are those of the evaluation returned.
///
/// ```
/// # use logit_core as logit;
/// use std::ops::ControlFlow;
/// use logit::{
///     Backend, Dense, Error, Evaluation, Float, LogisticRegression, Objective, Solver, StopReason, Trace,
/// };
///
/// /// Gradient descent with momentum.
/// struct HeavyBall;
///
/// impl Solver for HeavyBall {
///     fn check<F: Float>(&self) -> Result<(), Error> {
///         Ok(())
///     }
///
///     fn minimize<B: Backend + ?Sized>(
///         &self,
///         objective: &mut Objective<'_, B>,
///         start: Vec<B::Scalar>,
///         trace: &mut Trace<'_, B::Scalar>,
///     ) -> Result<(Evaluation<B::Scalar>, StopReason), Error> {
///         // The last step, or that of the fit to resume.
///         let mut step = trace.resume("HeavyBall", &start)?.unwrap_or(vec![0.0; start.len()]);
///         let mut point = objective.evaluate(start);
///         loop {
///             trace.record(objective, &point)?;
///             if point.gradient_norm() <= 1e-6 {
///                 return Ok((point, StopReason::Converged));
///             }
///             let state = || step.clone();
///             if let Some(stop) = trace.proceed_from(objective, 1000, "HeavyBall", state) {
///                 return Ok((point, stop));
///             }
///             let mut at = point.parameters().to_vec();
///             for ((at, step), slope) in at.iter_mut().zip(&mut step).zip(point.gradient()) {
///                 *step = 0.9 * *step - 0.5 * slope.widen();
///                 *at = B::Scalar::narrow(at.widen() + *step);
///             }
///             point = objective.evaluate(at);
///         }
///     }
/// }
///
/// let x = Dense::from_rows(&[-1.0, 3.0, 0.0, 1.0], 4, 1); // any backend
/// let y = [0, 1, 1, 0];
/// let estimator = LogisticRegression::new().l2(0.1).solver(HeavyBall);
/// let mut saved = None;
/// let fit = estimator.fit_observed(&x, y, |progress| {
///     if progress.iteration == 7 {
///         saved = progress.checkpoint();
///     }
///     ControlFlow::Continue(())
/// })?;
/// assert_eq!(fit.report.stop, StopReason::Converged);
/// assert_eq!(estimator.resume(saved).fit(&x, y)?, fit); // in the same bits
/// # Ok::<(), logit::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `Solver`",
    label = "a solver must be a value, such as `Newton::new()`",
    note = "the solvers are `Auto`, `Newton`, `TrustRegion`, `Lbfgs`, `ProximalNewton` and `GradientDescent`",
    note = "a solver by its name: `\"newton\".parse::<AnySolver>()?`"
)]
pub trait Solver {
    /// The method's name, for messages. The provided one is that of the type, without its path.
    fn name(&self) -> &'static str {
        let path = std::any::type_name::<Self>();
        let path = path.split('<').next().unwrap_or(path);
        path.rsplit("::").next().unwrap_or(path)
    }

    /// Checks the settings for the precision in which they will be used.
    ///
    /// # Errors
    /// [`Error::Setting`], naming the setting.
    fn check<F: Float>(&self) -> Result<(), Error>;

    /// Whether the solver handles an L1 penalty ([`Objective::l1`]), which [`Evaluation::gradient`]
    /// leaves out. Otherwise a fit with [`l1`](crate::LogisticRegression::l1) is an error. The
    /// provided method returns `false`.
    fn accepts_l1(&self) -> bool {
        false
    }

    /// Moves from the parameters `start` to the minimum of the objective, in the steps above.
    /// Returns the last point, and why it stopped there.
    ///
    /// # Errors
    /// [`Error::Diverged`] if a loss or gradient is not finite, as from [`Trace::record`];
    /// [`Error::Separated`] if the data is found to have no optimum on the way.
    fn minimize<B: Backend + ?Sized>(
        &self,
        objective: &mut Objective<'_, B>,
        start: Vec<B::Scalar>,
        trace: &mut Trace<'_, B::Scalar>,
    ) -> Result<(Evaluation<B::Scalar>, StopReason), Error>;
}

/// Fails if a solver cannot serve in a precision, or would ignore an L1 penalty.
pub(crate) fn check<F: Float, S: Solver>(solver: &S, l1: f64) -> Result<(), Error> {
    let name = solver.name();
    solver.check::<F>().map_err(|error| match error {
        Error::Setting { name: setting, value, accepted } => Error::Setting {
            name: setting,
            value: format!("{value} for the solver {name}"),
            accepted,
        },
        other => other,
    })?;
    let accepted =
        "0, or the solver must take an L1 penalty (accepts_l1), as Auto and ProximalNewton do";
    let value = format_args!("{l1} for the solver {name}");
    check_setting("l1", value, l1 == 0.0 || solver.accepts_l1(), accepted)
}
