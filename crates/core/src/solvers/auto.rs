//! The default solver, which chooses a method.

use crate::backend::contract::Backend;
use crate::backend::error::Error;
use crate::numbers::float::Float;
use crate::objective::Objective;
use crate::objective::evaluation::Evaluation;
use crate::objective::second::DENSE_HESSIAN_LIMIT;
use crate::progress::report::StopReason;
use crate::progress::trace::Trace;
use crate::solvers::newton::Newton;
use crate::solvers::proximal_newton::ProximalNewton;
use crate::solvers::solver::Solver;
use crate::solvers::trust_region::TrustRegion;

/// The default solver. With an L1 penalty it is [`ProximalNewton`]; otherwise [`Newton`] up to 1024
/// parameters, and [`TrustRegion`] beyond. Each has its default settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Auto;

impl Solver for Auto {
    fn check<F: Float>(&self) -> Result<(), Error> {
        Ok(())
    }

    fn accepts_l1(&self) -> bool {
        true
    }

    fn minimize<B: Backend + ?Sized>(
        &self,
        objective: &mut Objective<'_, B>,
        start: Vec<B::Scalar>,
        trace: &mut Trace<'_, B::Scalar>,
    ) -> Result<(Evaluation<B::Scalar>, StopReason), Error> {
        if objective.l1() > 0.0 {
            ProximalNewton::new().minimize(objective, start, trace)
        } else if objective.dimension() <= DENSE_HESSIAN_LIMIT {
            Newton::new().minimize(objective, start, trace)
        } else {
            TrustRegion::new().minimize(objective, start, trace)
        }
    }
}
