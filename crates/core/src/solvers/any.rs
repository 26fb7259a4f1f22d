//! Any of the solvers, for a program that takes its name.

use std::fmt;
use std::str::FromStr;

use crate::backend::contract::Backend;
use crate::backend::error::{Error, quoted};
use crate::numbers::float::Float;
use crate::objective::Objective;
use crate::objective::evaluation::Evaluation;
use crate::progress::report::StopReason;
use crate::progress::trace::Trace;
use crate::solvers::auto::Auto;
use crate::solvers::gradient_descent::GradientDescent;
use crate::solvers::lbfgs::Lbfgs;
use crate::solvers::newton::Newton;
use crate::solvers::proximal_newton::ProximalNewton;
use crate::solvers::solver::Solver;
use crate::solvers::trust_region::TrustRegion;

/// One of the solvers, chosen when the program runs: by a `--solver` option, for instance.
///
/// It is parsed from a name of [`NAMES`](Self::NAMES), which is also how it displays.
///
/// ```
/// # use logit_core as logit;
/// use logit::{AnySolver, Dense, LogisticRegression};
///
/// let x = Dense::from_rows(&[0.5, 1.0, 2.0, 4.0], 4, 1); // or any other backend
/// for name in ["auto", "trust-region"] {
///     let solver: AnySolver = name.parse()?;
///     let solver = solver.max_iterations(50).tolerance(1e-8);
///     let fit = LogisticRegression::new().l2(0.1).solver(solver).fit(&x, [0, 1, 0, 1])?;
///     assert!(fit.report.iterations <= 50);
/// }
/// let error = "sgd".parse::<AnySolver>().unwrap_err();
/// assert!(error.to_string().starts_with("solver is sgd: it must be auto, newton, "));
/// # Ok::<(), logit::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum AnySolver {
    /// `auto`
    Auto(Auto),
    /// `newton`
    Newton(Newton),
    /// `trust-region`
    TrustRegion(TrustRegion),
    /// `lbfgs`
    Lbfgs(Lbfgs),
    /// `proximal-newton`
    ProximalNewton(ProximalNewton),
    /// `gradient-descent`
    GradientDescent(GradientDescent),
}

/// An expression with the solver inside, whatever its type: [`Solver`] has generic methods, so it
/// cannot be `dyn`.
macro_rules! inside {
    ($any:expr, $solver:ident => $value:expr) => {
        match $any {
            AnySolver::Auto($solver) => $value,
            AnySolver::Newton($solver) => $value,
            AnySolver::TrustRegion($solver) => $value,
            AnySolver::Lbfgs($solver) => $value,
            AnySolver::ProximalNewton($solver) => $value,
            AnySolver::GradientDescent($solver) => $value,
        }
    };
}

impl AnySolver {
    /// The names that can be parsed.
    pub const NAMES: [&str; 6] =
        ["auto", "newton", "trust-region", "lbfgs", "proximal-newton", "gradient-descent"];

    /// How many iterations to make at most. The default is that of the solver.
    pub fn max_iterations(self, max_iterations: usize) -> Self {
        inside!(self, solver => solver.max_iterations(max_iterations).into())
    }

    /// When to stop, as the solver's own `tolerance`: a bound on the gradient for
    /// [`GradientDescent`], a share of the loss for the others. The default is that of the solver.
    pub fn tolerance(self, tolerance: f64) -> Self {
        inside!(self, solver => solver.tolerance(tolerance).into())
    }
}

impl FromStr for AnySolver {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Ok(match name {
            "auto" => Auto::new().into(),
            "newton" => Newton::new().into(),
            "trust-region" => TrustRegion::new().into(),
            "lbfgs" => Lbfgs::new().into(),
            "proximal-newton" => ProximalNewton::new().into(),
            "gradient-descent" => GradientDescent::new().into(),
            other => {
                let accepted =
                    "auto, newton, trust-region, lbfgs, proximal-newton or gradient-descent";
                return Err(Error::Setting { name: "solver", value: quoted(other), accepted });
            }
        })
    }
}

impl fmt::Display for AnySolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Auto(_) => "auto",
            Self::Newton(_) => "newton",
            Self::TrustRegion(_) => "trust-region",
            Self::Lbfgs(_) => "lbfgs",
            Self::ProximalNewton(_) => "proximal-newton",
            Self::GradientDescent(_) => "gradient-descent",
        })
    }
}

impl Solver for AnySolver {
    fn name(&self) -> &'static str {
        inside!(self, solver => solver.name())
    }

    fn check<F: Float>(&self) -> Result<(), Error> {
        inside!(self, solver => solver.check::<F>())
    }

    fn accepts_l1(&self) -> bool {
        inside!(self, solver => solver.accepts_l1())
    }

    fn minimize<B: Backend + ?Sized>(
        &self,
        objective: &mut Objective<'_, B>,
        start: Vec<B::Scalar>,
        trace: &mut Trace<'_, B::Scalar>,
    ) -> Result<(Evaluation<B::Scalar>, StopReason), Error> {
        inside!(self, solver => solver.minimize(objective, start, trace))
    }
}

impl From<Auto> for AnySolver {
    fn from(solver: Auto) -> Self {
        Self::Auto(solver)
    }
}

impl From<Newton> for AnySolver {
    fn from(solver: Newton) -> Self {
        Self::Newton(solver)
    }
}

impl From<TrustRegion> for AnySolver {
    fn from(solver: TrustRegion) -> Self {
        Self::TrustRegion(solver)
    }
}

impl From<Lbfgs> for AnySolver {
    fn from(solver: Lbfgs) -> Self {
        Self::Lbfgs(solver)
    }
}

impl From<ProximalNewton> for AnySolver {
    fn from(solver: ProximalNewton) -> Self {
        Self::ProximalNewton(solver)
    }
}

impl From<GradientDescent> for AnySolver {
    fn from(solver: GradientDescent) -> Self {
        Self::GradientDescent(solver)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_parsed_displayed_and_listed_in_the_error() {
        let error = AnySolver::from_str("simplex").unwrap_err().to_string();
        for name in AnySolver::NAMES {
            assert_eq!(name.parse::<AnySolver>().unwrap().to_string(), name);
            assert!(error.contains(name), "{error}");
        }
        assert_eq!(format!("{:8}|", AnySolver::from(Lbfgs::new())), "lbfgs   |");
    }

    #[test]
    fn settings_reach_the_solver_inside() {
        let any = AnySolver::from(Newton::new()).tolerance(1e-3).max_iterations(7);
        assert_eq!(any, AnySolver::Newton(Newton::new().tolerance(1e-3).max_iterations(7)));
        for name in AnySolver::NAMES {
            let any: AnySolver = name.parse().unwrap();
            assert!(any.check::<f32>().is_ok() && any.tolerance(-1.0).check::<f32>().is_err());
        }
    }

    #[test]
    fn the_name_is_that_of_the_solver_inside() {
        let names = AnySolver::NAMES.map(|name| name.parse::<AnySolver>().unwrap().name());
        let types = ["Auto", "Newton", "TrustRegion", "Lbfgs", "ProximalNewton", "GradientDescent"];
        assert_eq!(names, types);
    }
}
