//! The state of a fit half way, from which it goes on as if it had not been interrupted.
//!
//! A state is held by its cause where that is smaller: the gradient and the second derivatives by
//! where they were taken, the order of mini-batches by how often rows were dealt. A resumed fit
//! takes them again, and arrives at the same bits.

use std::fmt::Display;

use crate::error::quoted;
use crate::report::{Observer, Trace};
use crate::separation::Suspicion;
use crate::{Backend, Error, Float, Model, Objective, Report};
use crate::{backtracking, descent, proximal_newton, quasi_newton, trust_region};

/// The state of a fit at the start of an iteration, as [`Progress::checkpoint`] gives it and
/// [`LogisticRegression::resume`](crate::LogisticRegression::resume) takes it.
///
/// With the feature `serde` it can be saved; JSON keeps every bit, and a checksum tells a damaged
/// file. It holds the parameters, the report so far and what the solver remembers: with d parameters some dozens of times d numbers,
/// and with [`ProximalNewton`](crate::ProximalNewton) the square of the number of weights that are
/// not 0. None of the data is in it.
///
/// [`Progress::checkpoint`]: crate::Progress::checkpoint
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
// The traits are implemented around what this derives, for the sake of the checksum.
#[cfg_attr(feature = "serde", serde(remote = "Self", deny_unknown_fields))]
pub struct Checkpoint {
    problem: Problem,
    parameters: Vec<f64>,
    report: Report,
    best: Model<f64>,
    suspicion: Suspicion,
    solver: Saved,
    /// What a file has, until it is known to be right.
    #[cfg_attr(feature = "serde", serde(default))]
    pub(crate) checksum: Option<String>,
    /// Whether this is as it was made.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(crate) is_verified: bool,
}

/// What the fit is of, as far as a few words tell.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Problem {
    version: String,
    precision: String,
    rows: usize,
    columns: usize,
    fit_intercept: bool,
    standardize: bool,
    l1: f64,
    l2: f64,
}

/// What a solver needs to know of the iterations before, beside its parameters.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Saved {
    GradientDescent(descent::State<f64>),
    QuasiNewton(quasi_newton::Past),
    ProximalNewton(proximal_newton::Past),
    TrustRegion(trust_region::Past),
    Backtracking { rate: f64 },
}

impl Saved {
    pub(crate) fn solver(&self) -> &'static str {
        match self {
            Saved::GradientDescent(_) => "GradientDescent",
            Saved::QuasiNewton(past) => past.solver(),
            Saved::ProximalNewton(_) => "ProximalNewton",
            Saved::TrustRegion(_) => "TrustRegion",
            Saved::Backtracking { .. } => backtracking::NAME,
        }
    }

    fn is_sound(&self, dimension: usize) -> bool {
        match self {
            Saved::GradientDescent(state) => state.is_sound(dimension),
            Saved::QuasiNewton(past) => past.is_sound(dimension),
            Saved::ProximalNewton(past) => past.is_sound(dimension),
            Saved::TrustRegion(past) => past.is_sound(dimension),
            Saved::Backtracking { .. } => true,
        }
    }
}

impl Checkpoint {
    /// The report of the fit if it had been stopped here.
    pub fn report(&self) -> &Report {
        &self.report
    }

    pub(crate) fn new<B: Backend + ?Sized>(
        objective: &Objective<'_, B>,
        at: &[B::Scalar],
        report: &Report,
        best: &Model<B::Scalar>,
        suspicion: &Suspicion,
        solver: Saved,
    ) -> Self {
        let (problem, report, best) = (Problem::of(objective), report.clone(), best.widen());
        let parameters = at.iter().map(|at| at.widen()).collect();
        let (suspicion, checksum, is_verified) = (suspicion.clone(), None, true);
        Self { problem, parameters, report, best, suspicion, solver, checksum, is_verified }
    }

    /// The parameters to go on from, in any precision.
    pub(crate) fn parameters<F: Float>(&self) -> Vec<F> {
        self.parameters.iter().map(|&at| F::narrow(at)).collect()
    }

    /// A trace that goes on from the report, where the checkpoint is of this objective.
    pub(crate) fn trace<'a, B: Backend + ?Sized>(
        &self,
        objective: &Objective<'_, B>,
        observe: Observer<'a, B::Scalar>,
    ) -> Result<Trace<'a, B::Scalar>, Error> {
        self.check(objective)?;
        let (best, Self { report, suspicion, solver, .. }) = (self.best.cast()?, self);
        Ok(Trace::from_checkpoint(objective, best, report, suspicion, solver, observe))
    }

    fn check<B: Backend + ?Sized>(&self, objective: &Objective<'_, B>) -> Result<(), Error> {
        let here = Problem::of(objective);
        // Another version may save something else; in this one, other facts are worth comparing
        // only in a file that is whole.
        require_same("version of logit", &self.problem.version, &here.version)?;
        let as_made = match &self.checksum {
            Some(_) => "damaged",
            None if self.is_verified => "whole",
            None => "without a checksum",
        };
        require_same("state", as_made, "whole")?;
        for ((what, given), (_, expected)) in self.problem.facts().into_iter().zip(here.facts()) {
            require_same(what, given, expected)?;
        }
        let (n, report) = (objective.dimension(), &self.report);
        let iterations = report.losses.len();
        let whole = all_sound([&self.parameters[..]], n)
            && self.best.weights().len() == objective.ncols()
            && (report.iterations, report.gradient_norms.len()) == (iterations, iterations)
            && self.solver.is_sound(n);
        require_same("state", if whole { "whole" } else { "damaged" }, "whole")
    }
}

impl Problem {
    fn of<B: Backend + ?Sized>(objective: &Objective<'_, B>) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            precision: B::Scalar::NAME.to_owned(),
            rows: objective.nrows(),
            columns: objective.ncols(),
            fit_intercept: objective.coordinates().fit_intercept(),
            standardize: objective.coordinates().is_standardized(),
            l1: objective.l1(),
            l2: objective.l2(),
        }
    }

    fn facts(&self) -> [(&'static str, String); 7] {
        [
            ("precision", self.precision.clone()),
            ("number of rows", self.rows.to_string()),
            ("number of columns", self.columns.to_string()),
            ("fit_intercept", self.fit_intercept.to_string()),
            ("standardize", self.standardize.to_string()),
            ("l1", self.l1.to_string()),
            ("l2", self.l2.to_string()),
        ]
    }
}

/// Fails unless something in a checkpoint is as it must be here; numbers are the same if they
/// display the same.
pub(crate) fn require_same(
    what: &'static str,
    given: impl Display,
    expected: impl Display,
) -> Result<(), Error> {
    let (given, expected) = (given.to_string(), expected.to_string());
    if given == expected {
        return Ok(());
    }
    Err(Error::Checkpoint { what, given: quoted(&given), expected: quoted(&expected) })
}

/// Whether vectors read from a file are of one length and finite.
pub(crate) fn all_sound<'v>(vectors: impl IntoIterator<Item = &'v [f64]>, length: usize) -> bool {
    vectors.into_iter().all(|vector| vector.len() == length && crate::report::all_finite(vector))
}
