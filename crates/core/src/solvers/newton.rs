//! Newton's method, with second derivatives of a sample.

use std::ops::ControlFlow;

use crate::backend::contract::Backend;
use crate::backend::error::{Error, check_tolerance};
use crate::numbers::float::Float;
use crate::objective::Objective;
use crate::objective::columns::coordinates::Coordinates;
use crate::objective::data::rows::sample_size;
use crate::objective::evaluation::Evaluation;
use crate::progress::report::StopReason;
use crate::progress::trace::{Progress, Trace};
use crate::solvers::cooling::cool;
use crate::solvers::descent::Limits;
use crate::solvers::quasi_newton::{LBFGS_PAIRS, QuasiNewton, State};
use crate::solvers::solver::Solver;

/// Newton's method, with second derivatives summed over a sample of the rows where that is enough.
///
/// With many more rows than parameters, the objective over an evenly spread sample is minimised
/// first. From there, every iteration makes one pass over the whole data, for the loss and its
/// gradient. The step comes from the sample's second derivatives, corrected by the gradients seen
/// so far (as in L-BFGS). A sample that gives poor steps is replaced by one four times as large.
/// With few rows, the sample is all of them. Second derivatives are summed again when the old ones
/// give poor steps.
///
/// Sources: Nocedal and Wright, *Numerical Optimization* (2nd ed. 2006), chapters 3 and 7; Byrd,
/// Chin, Neveitt and Nocedal, *On the use of stochastic Hessian information in optimization methods
/// for machine learning* (2011).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Newton {
    max_iterations: usize,
    tolerance: f64,
}

impl Default for Newton {
    fn default() -> Self {
        Self { max_iterations: 100, tolerance: 1e-11 }
    }
}

impl Newton {
    /// The default settings: at most 100 iterations, and a relative tolerance of 1e-11.
    pub fn new() -> Self {
        Self::default()
    }

    /// The maximum number of iterations. Default: 100.
    pub fn max_iterations(mut self, max_iterations: usize) -> Self {
        self.max_iterations = max_iterations;
        self
    }

    /// Stops once the loss is estimated to lie at most this far above its minimum, as a share of
    /// itself. The estimate is half the squared Newton decrement. 0 or positive, and finite.
    /// Default: 1e-11.
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }
}

impl Solver for Newton {
    fn check<F: Float>(&self) -> Result<(), Error> {
        check_tolerance(self.tolerance)
    }

    fn minimize<B: Backend + ?Sized>(
        &self,
        objective: &mut Objective<'_, B>,
        mut start: Vec<B::Scalar>,
        trace: &mut Trace<'_, B::Scalar>,
    ) -> Result<(Evaluation<B::Scalar>, StopReason), Error> {
        let saved = trace.resume("Newton", &start)?;
        if saved.is_none() && self.max_iterations > 0 {
            start = cool(objective, start, |heated, start, trace, tolerance| {
                let few = Self { max_iterations: COOLING_STEPS, tolerance };
                few.run(heated, None, start, trace)
            });
        }
        self.run(objective, saved, start, trace)
    }
}

/// The largest number of steps at a temperature other than 1.
pub(crate) const COOLING_STEPS: usize = 8;

impl Newton {
    fn run<B: Backend + ?Sized>(
        &self,
        objective: &mut Objective<'_, B>,
        saved: Option<State>,
        mut start: Vec<B::Scalar>,
        trace: &mut Trace<'_, B::Scalar>,
    ) -> Result<(Evaluation<B::Scalar>, StopReason), Error> {
        let (max_iterations, tolerance) = (self.max_iterations, self.tolerance);
        let limits = Limits { max_iterations, tolerance };
        let rows = sample_size(objective.dimension());
        let mut sample = objective.sample(rows);
        let basis = objective.basis_from(sample.as_ref())?;
        basis.leave_out_constants(&mut start);
        let missing = sample.as_ref().map_or_else(Vec::new, |s| s.columns_not_shown(&basis));
        if let (None, Some(sample)) = (&saved, &mut sample) {
            let mut shown = basis.clone();
            shown.leave_out(&missing);
            start = approach(sample, &shown, start);
        }
        // Second derivatives with respect to columns that the sample does not show have to be
        // summed over all rows in the end.
        let (sample, rows) = if missing.is_empty() { (sample, rows) } else { (None, usize::MAX) };
        QuasiNewton::new(objective, limits, LBFGS_PAIRS, basis, sample, State::newton(rows))
            .run(saved, start, trace)
    }
}

/// The limits of the minimisation over a sample, after which a fit begins.
const APPROACH: Limits = Limits { max_iterations: 20, tolerance: 1e-5 };

/// Minimises the objective over a sample, as far as that helps the fit to all rows.
fn approach<B: Backend + ?Sized>(
    objective: &mut Objective<'_, B>,
    basis: &Coordinates,
    start: Vec<B::Scalar>,
) -> Vec<B::Scalar> {
    let mut observe = |_: &Progress<'_, B::Scalar>| ControlFlow::Continue(());
    let mut trace = Trace::aside(objective, &mut observe);
    let state = State::newton(usize::MAX);
    let method = QuasiNewton::new(objective, APPROACH, LBFGS_PAIRS, basis.clone(), None, state);
    // An error with the sample need not occur with all rows.
    method.run(None, start.clone(), &mut trace).map_or(start, |(point, _)| point.at)
}
