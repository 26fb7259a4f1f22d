//! The proximal Newton method, for an L1 penalty.

mod composite;
mod method;
mod models;
mod quadratic_model;
mod signs;

use std::ops::ControlFlow;

use crate::backend::contract::Backend;
use crate::backend::error::{Error, check_tolerance};
use crate::numbers::float::Float;
use crate::objective::Objective;
use crate::objective::columns::coordinates::Coordinates;
use crate::objective::data::rows::sample_size;
use crate::objective::evaluation::Evaluation;
use crate::objective::second::DENSE_HESSIAN_LIMIT;
use crate::progress::report::StopReason;
use crate::progress::trace::{Progress, Trace};
use crate::solvers::cooling::cool;
use crate::solvers::descent::Limits;
use crate::solvers::newton::{COOLING_STEPS, Newton};
use crate::solvers::proximal_newton::composite::Composite;
use crate::solvers::solver::Solver;
use crate::solvers::trust_region::TrustRegion;

use method::ProximalMethod;

pub(crate) use method::State;

/// The proximal Newton method. Every step goes to the minimum of a quadratic model of the
/// cross-entropy plus the exact L1 penalty, so weights become exactly 0.
///
/// The model has the non-zero weights and those that may soon become non-zero. With many more rows
/// than parameters, its second derivatives are summed over a sample of the rows. The gradients seen
/// so far correct them for all rows (as in BFGS). When they give poor steps, they are summed again,
/// over four times as many rows. Each iteration makes one pass over the whole data, or a few where
/// a step is too long.
///
/// Beyond 1024 parameters, the first steps know the second derivatives only from gradients (as in
/// L-BFGS), which often is enough. When these steps have taken as long as a sum would, second
/// derivatives are summed. The sum is with respect to the non-zero weights and as many of the
/// others, the steepest first, but at most 2048 weights. If nearly as many weights are non-zero,
/// the steps go on as they began. After 24 of them, Newton's steps with respect to the non-zero
/// weights, within their signs, take turns with them. Those need products with second derivatives,
/// each of which takes a pass.
///
/// Without an L1 penalty this is [`Newton`], or [`TrustRegion`] beyond 1024 parameters.
///
/// Sources: Friedman, Hastie and Tibshirani, *Regularization paths for generalized linear models
/// via coordinate descent* (2010); Yuan, Ho and Lin, *An improved GLMNET for L1-regularized
/// logistic regression* (2012); Lee, Sun and Saunders, *Proximal Newton-type methods for minimizing
/// composite functions* (2014); Johnson and Guestrin, *Blitz: a principled meta-algorithm for
/// scaling sparse optimization* (2015), for the growing set of weights; Byrd, Chin, Nocedal and
/// Oztoprak, *A family of second-order methods for convex l1-regularized optimization* (2016), for
/// steps that keep signs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProximalNewton {
    max_iterations: usize,
    tolerance: f64,
    most: usize,
}

impl Default for ProximalNewton {
    fn default() -> Self {
        Self { max_iterations: 10_000, tolerance: 1e-9, most: DENSE_HESSIAN_LIMIT }
    }
}

impl ProximalNewton {
    /// The default settings: at most 10 000 iterations, a relative tolerance of 1e-9, and second
    /// derivatives with respect to at most 1024 parameters.
    pub fn new() -> Self {
        Self::default()
    }

    /// The maximum number of iterations. Default: 10 000.
    pub fn max_iterations(mut self, max_iterations: usize) -> Self {
        self.max_iterations = max_iterations;
        self
    }

    /// Stops once the loss is known to lie at most this far above its minimum, as a share of
    /// itself. 0 or positive, and finite. Default: 1e-9.
    ///
    /// The gap is known from a bound that follows from the gradient by convexity. The bound holds
    /// if the intercept of the centred and scaled columns is within 1 + |intercept| of its best.
    /// Where the penalty is too small for it, second derivatives over all rows show the gap, as for
    /// [`Newton`]. With second derivatives a last step is taken, unless it moves every coefficient
    /// by less than 10 tolerances times max(1, |w|).
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// The number of parameters up to which second derivatives are summed with respect to all of
    /// them. With more parameters, they are summed with respect to this many that are to move. If
    /// most of those are not 0, up to twice as many are taken. With 0, second derivatives are known
    /// only from gradients. Default: 1024.
    pub fn most_derivatives(mut self, most: usize) -> Self {
        self.most = most;
        self
    }
}

/// The name in checkpoints.
const NAME: &str = "ProximalNewton";

impl Solver for ProximalNewton {
    fn check<F: Float>(&self) -> Result<(), Error> {
        check_tolerance(self.tolerance)
    }

    fn accepts_l1(&self) -> bool {
        true
    }

    fn minimize<B: Backend + ?Sized>(
        &self,
        objective: &mut Objective<'_, B>,
        mut start: Vec<B::Scalar>,
        trace: &mut Trace<'_, B::Scalar>,
    ) -> Result<(Evaluation<B::Scalar>, StopReason), Error> {
        let few = objective.dimension() <= self.most;
        if objective.l1() == 0.0 {
            let (iterations, tolerance) = (self.max_iterations, self.tolerance);
            return if few {
                let newton = Newton::new().max_iterations(iterations).tolerance(tolerance);
                newton.minimize(objective, start, trace)
            } else {
                let region = TrustRegion::new().max_iterations(iterations).tolerance(tolerance);
                region.minimize(objective, start, trace)
            };
        }
        let saved = trace.resume(NAME, &start)?;
        if saved.is_none() && self.max_iterations > 0 {
            start = cool(objective, start, |heated, start, trace, tolerance| {
                let few = Self { max_iterations: COOLING_STEPS, tolerance, ..*self };
                few.run(heated, None, start, trace)
            });
        }
        self.run(objective, saved, start, trace)
    }
}

impl ProximalNewton {
    fn run<B: Backend + ?Sized>(
        &self,
        objective: &mut Objective<'_, B>,
        saved: Option<State>,
        mut start: Vec<B::Scalar>,
        trace: &mut Trace<'_, B::Scalar>,
    ) -> Result<(Evaluation<B::Scalar>, StopReason), Error> {
        let few = objective.dimension() <= self.most;
        let rows = sample_size(objective.dimension().min(self.most));
        let mut sample = objective.sample(rows);
        // A sample tells little about columns that are almost always 0.
        let basis = objective.basis_from(sample.as_ref().filter(|_| few))?;
        basis.leave_out_constants(&mut start);
        let limits = Limits { max_iterations: self.max_iterations, tolerance: self.tolerance };
        if let Some(state) = saved {
            let mut composite = Composite::new(objective, basis);
            let point = composite.evaluate(start);
            return ProximalMethod::new(composite, limits, self.most, state).run(point, trace);
        }
        let near = match &mut sample {
            Some(sample) if few && self.max_iterations > 0 => {
                let mut shown = basis.clone();
                shown.leave_out(&sample.columns_not_shown(&basis));
                approach(sample, &shown, &start)
            }
            _ => None,
        };
        let mut composite = Composite::new(objective, basis);
        let point = composite.start(start, near);
        let state = State::new(rows, few);
        ProximalMethod::new(composite, limits, self.most, state).run(point, trace)
    }
}

/// A point near the minimum of the objective over a sample.
fn approach<B: Backend + ?Sized>(
    sample: &mut Objective<'_, B>,
    basis: &Coordinates,
    start: &[B::Scalar],
) -> Option<Vec<B::Scalar>> {
    let limits = Limits { max_iterations: 8, tolerance: 1e-3 };
    let mut observe = |_: &Progress<'_, B::Scalar>| ControlFlow::Continue(());
    let mut trace = Trace::aside(sample, &mut observe);
    let mut composite = Composite::new(sample, basis.clone());
    let point = composite.start(start.to_vec(), None);
    let state = State::new(usize::MAX, true);
    // An error with the sample need not occur with all rows, which judge the result.
    let minimum = ProximalMethod::new(composite, limits, start.len(), state).run(point, &mut trace);
    minimum.ok().map(|(point, _)| point.at)
}
