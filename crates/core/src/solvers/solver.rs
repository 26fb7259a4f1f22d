//! What minimises: the trait, and the choice of a method where none is made.

use crate::backend::contract::Backend;
use crate::backend::error::Error;
use crate::backend::error::check_setting;
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
/// use logit_core::{Backend, Error, Float, LogisticRegression, Objective, Solver, StopReason, Trace};
///
/// /// One step down the gradient, as long as it is.
/// struct OneStep;
///
/// impl Solver for OneStep {
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
///         loop {
///             let loss = objective.evaluate(at, &mut gradient);
///             trace.record(objective, at, loss, &gradient)?;
///             if let Some(stop) = trace.proceed(objective, at, 1) {
///                 return Ok(stop);
///             }
///             at.iter_mut().zip(&gradient).for_each(|(at, slope)| *at -= *slope);
///         }
///     }
/// }
///
/// let x = Matrix::from_rows([[-1.0], [3.0]]);
/// let fit = LogisticRegression::new().solver(OneStep).fit(&x, [0, 1])?;
/// assert_eq!(fit.model.weights(), [1.0]);
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
