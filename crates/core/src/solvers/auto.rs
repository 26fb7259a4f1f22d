//! The default solver, which chooses a method.

use crate::backend::contract::Backend;
use crate::backend::error::{Error, check_tolerance};
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
/// parameters, and [`TrustRegion`] beyond.
///
/// ```
/// # use logit_core as logit;
/// use logit::{Auto, Dense, LogisticRegression, StopReason};
///
/// let x = Dense::from_rows(&[0.5, 1.0, 2.0, 4.0], 4, 1); // or any other backend
/// let solver = Auto::new().max_iterations(1).tolerance(0.0);
/// let fit = LogisticRegression::new().l2(0.1).solver(solver).fit(&x, [0, 1, 0, 1])?;
/// assert_eq!(fit.report.stop, StopReason::MaxIterations);
/// # Ok::<(), logit::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Auto {
    /// `None` for the default of the method chosen, here and below.
    max_iterations: Option<usize>,
    tolerance: Option<f64>,
}

impl Auto {
    /// The maximum of iterations and the tolerance that are the default of the method chosen.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many iterations to make at most. Default: that of the method chosen.
    pub fn max_iterations(mut self, max_iterations: usize) -> Self {
        self.max_iterations = Some(max_iterations);
        self
    }

    /// Stop once the loss is estimated to lie this far above its minimum, as a share of itself. 0 or
    /// positive, and finite. Default: that of the method chosen, 1e-11 or, with an L1 penalty, 1e-9.
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = Some(tolerance);
        self
    }

    /// A method with the limits that were given.
    fn limited<S>(
        &self,
        mut solver: S,
        max_iterations: fn(S, usize) -> S,
        tolerance: fn(S, f64) -> S,
    ) -> S {
        if let Some(most) = self.max_iterations {
            solver = max_iterations(solver, most);
        }
        if let Some(share) = self.tolerance {
            solver = tolerance(solver, share);
        }
        solver
    }
}

impl Solver for Auto {
    fn check<F: Float>(&self) -> Result<(), Error> {
        self.tolerance.map_or(Ok(()), check_tolerance)
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
            use ProximalNewton as Method;
            let method = self.limited(Method::new(), Method::max_iterations, Method::tolerance);
            method.minimize(objective, start, trace)
        } else if objective.dimension() <= DENSE_HESSIAN_LIMIT {
            let method = self.limited(Newton::new(), Newton::max_iterations, Newton::tolerance);
            method.minimize(objective, start, trace)
        } else {
            use TrustRegion as Method;
            let method = self.limited(Method::new(), Method::max_iterations, Method::tolerance);
            method.minimize(objective, start, trace)
        }
    }
}
