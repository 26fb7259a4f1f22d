//! What minimises: the trait, and the choice of a method where none is made.

use crate::backend::contract::Backend;
use crate::backend::error::{Error, check_setting};
use crate::numbers::float::Float;
use crate::objective::Objective;
use crate::progress::report::StopReason;
use crate::progress::trace::Trace;

/// A method of minimising an [`Objective`].
///
/// It sees losses, gradients and second derivatives, never a matrix. Whether the data has no optimum
/// it need not ask: where there is no penalty and logits are large, a fit does when a solver ends as
/// [`Converged`](StopReason::Converged) or at the [`PrecisionLimit`](StopReason::PrecisionLimit)
/// ([`Error::Separated`]). Implement it for a method of your own:
///
/// ```
/// # use logit_conformance::Matrix;
/// # use std::ops::ControlFlow;
/// use logit_core::{Backend, Error, Float, LogisticRegression, Objective, Solver, StopReason, Trace};
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
///         at: &mut [B::Scalar],
///         trace: &mut Trace<'_, B::Scalar>,
///     ) -> Result<StopReason, Error> {
///         let mut gradient = at.to_vec();
///         // The last step, or that of the fit to resume.
///         let mut step = trace.resume("HeavyBall", at)?.unwrap_or(vec![0.0; at.len()]);
///         loop {
///             let loss = objective.evaluate(at, &mut gradient);
///             if trace.record(objective, at, loss, &gradient)? <= 1e-6 {
///                 return Ok(StopReason::Converged);
///             }
///             let stop = trace.proceed_from(objective, at, 1000, "HeavyBall", || step.clone());
///             if let Some(stop) = stop {
///                 return Ok(stop);
///             }
///             for ((at, step), slope) in at.iter_mut().zip(&mut step).zip(&gradient) {
///                 *step = 0.9 * *step - 0.5 * slope.widen();
///                 *at = B::Scalar::narrow(at.widen() + *step);
///             }
///         }
///     }
/// }
///
/// let (x, y) = (Matrix::from_rows([[-1.0], [3.0], [0.0], [1.0]]), [0, 1, 1, 0]);
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
/// # Ok::<(), Error>(())
/// ```
pub trait Solver {
    /// Checks the settings for the precision they will be used in.
    ///
    /// # Errors
    /// [`Error::Setting`], naming the setting.
    fn check<F: Float>(&self) -> Result<(), Error>;

    /// Whether the solver minimises an objective with an L1 term, which
    /// [`Objective::evaluate`] leaves out; a fit with [`l1`](crate::LogisticRegression::l1) is an
    /// error otherwise. The provided one says no.
    fn accepts_l1(&self) -> bool {
        false
    }

    /// Moves the parameters `at` from where to start to where the objective is least, recording
    /// every evaluation in `trace`, and says why it stopped.
    ///
    /// # Errors
    /// [`Error::Diverged`] where a loss or gradient is not finite, as [`Trace::record`] has it, and
    /// [`Error::Separated`] where the data is found to have no optimum on the way.
    fn minimize<B: Backend + ?Sized>(
        &self,
        objective: &mut Objective<'_, B>,
        at: &mut [B::Scalar],
        trace: &mut Trace<'_, B::Scalar>,
    ) -> Result<StopReason, Error>;
}

/// Fails where an L1 penalty is asked of a solver that would ignore it.
pub(crate) fn check_l1<S: Solver>(solver: &S, l1: f64) -> Result<(), Error> {
    let path = std::any::type_name::<S>();
    let name = path.rsplit("::").next().unwrap_or(path);
    let accepted = "0, or the solver Auto or ProximalNewton";
    let value = format_args!("{l1} for the solver {name}");
    check_setting("l1", value, l1 == 0.0 || solver.accepts_l1(), accepted)
}
