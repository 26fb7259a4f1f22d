//! L-BFGS, whose steps need no second derivatives.

use crate::backend::contract::Backend;
use crate::backend::error::{Error, check_setting, check_tolerance};
use crate::numbers::float::Float;
use crate::objective::Objective;
use crate::objective::evaluation::Evaluation;
use crate::progress::report::StopReason;
use crate::progress::trace::Trace;
use crate::solvers::descent::Limits;
use crate::solvers::quasi_newton::{QuasiNewton, State};
use crate::solvers::solver::Solver;

/// The limited-memory BFGS method, on centred and scaled columns, for more parameters than
/// [`Newton`](crate::Newton) can take.
///
/// Source: Nocedal and Wright, *Numerical Optimization* (2nd ed. 2006), section 7.2.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lbfgs {
    max_iterations: usize,
    tolerance: f64,
    memory: usize,
}

impl Default for Lbfgs {
    fn default() -> Self {
        Self { max_iterations: 10_000, tolerance: 1e-11, memory: 10 }
    }
}

impl Lbfgs {
    /// The default settings: at most 10 000 iterations, a relative tolerance of 1e-11, and a memory
    /// of 10 steps.
    pub fn new() -> Self {
        Self::default()
    }

    /// The maximum number of iterations. Default: 10 000.
    pub fn max_iterations(mut self, max_iterations: usize) -> Self {
        self.max_iterations = max_iterations;
        self
    }

    /// Stops once the loss is estimated to lie at most this far above its minimum, as a share of
    /// itself. The estimate comes from the inverse curvature built so far, so set a smaller
    /// tolerance than you need. 0 or positive, and finite. Default: 1e-11.
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// The number of steps to remember, at least 1. Default: 10.
    pub fn memory(mut self, memory: usize) -> Self {
        self.memory = memory;
        self
    }
}

impl Solver for Lbfgs {
    fn check<F: Float>(&self) -> Result<(), Error> {
        check_setting("memory", self.memory, self.memory > 0, "at least 1")?;
        check_tolerance(self.tolerance)
    }

    fn minimize<B: Backend + ?Sized>(
        &self,
        objective: &mut Objective<'_, B>,
        mut start: Vec<B::Scalar>,
        trace: &mut Trace<'_, B::Scalar>,
    ) -> Result<(Evaluation<B::Scalar>, StopReason), Error> {
        let (max_iterations, tolerance) = (self.max_iterations, self.tolerance);
        let limits = Limits { max_iterations, tolerance };
        let basis = objective.basis()?;
        basis.leave_out_constants(&mut start);
        let saved = trace.resume("Lbfgs", &start)?;
        let state = State::lbfgs();
        QuasiNewton::new(objective, limits, self.memory, basis, None, state)
            .run(saved, start, trace)
    }
}
