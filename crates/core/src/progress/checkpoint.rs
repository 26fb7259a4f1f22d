//! The state of an unfinished fit, which resumes as if it had not been interrupted.
//!
//! Some parts of a state are saved as the smaller data they follow from. The gradient and the
//! second derivatives are saved as the parameters where they were taken. The order of mini-batches
//! is saved as the number of times rows were dealt. A resumed fit computes these parts again, to
//! the same bits.

use crate::backend::contract::Backend;
use crate::backend::error::Error;
use crate::backend::model::Model;
use crate::linalg::vectors::all_sound;
use crate::numbers::float::Float;
use crate::objective::Objective;
use crate::progress::report::Report;
use crate::progress::same::require_same;
use crate::progress::state::Saved;
use crate::separation::Suspicion;

/// The state of a fit at the start of an iteration, as [`Progress::checkpoint`] gives it and
/// [`LogisticRegression::resume`](crate::LogisticRegression::resume) takes it.
///
/// With the feature `serde` it can be saved. JSON keeps every bit, and a checksum detects a damaged
/// file. It holds the parameters, the report so far and the solver's state, but none of the data.
/// With d parameters the state has some dozens of times d numbers. That of
/// [`ProximalNewton`](crate::ProximalNewton) also has the square of the number of non-zero weights.
///
/// [`Progress::checkpoint`]: crate::Progress::checkpoint
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
// The serde traits are implemented around the derived ones, to add the checksum.
#[cfg_attr(feature = "serde", serde(remote = "Self", deny_unknown_fields))]
pub struct Checkpoint {
    problem: Problem,
    parameters: Vec<f64>,
    pub(super) report: Report,
    pub(super) best: Model<f64>,
    pub(super) suspicion: Suspicion,
    pub(super) solver: Saved,
    /// The checksum in a file; `None` once it is verified.
    #[cfg_attr(feature = "serde", serde(default))]
    pub(crate) checksum: Option<String>,
    /// Whether this was made here, or read with a verified checksum.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(crate) is_verified: bool,
}

/// A short description of the problem that is fitted.
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
    penalty_factors: Option<Vec<f64>>,
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

    /// The parameters to resume from, in any precision.
    pub(crate) fn parameters<F: Float>(&self) -> Vec<F> {
        self.parameters.iter().map(|&at| F::narrow(at)).collect()
    }

    pub(super) fn check<B: Backend + ?Sized>(
        &self,
        objective: &Objective<'_, B>,
    ) -> Result<(), Error> {
        let here = Problem::of(objective);
        // Another version may save another state, so versions come first. Other facts are worth
        // comparing only in an undamaged file.
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
            && self.report.gradient_norms.len() == iterations;
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
            l2: objective.penalty().l2,
            penalty_factors: objective.penalty().factors.as_ref().map(|factors| factors.to_vec()),
        }
    }

    fn facts(&self) -> [(&'static str, String); 8] {
        [
            ("precision", self.precision.clone()),
            ("number of rows", self.rows.to_string()),
            ("number of columns", self.columns.to_string()),
            ("fit_intercept", self.fit_intercept.to_string()),
            ("standardize", self.standardize.to_string()),
            ("l1", self.l1.to_string()),
            ("l2", self.l2.to_string()),
            ("penalty factors", format!("{:?}", self.penalty_factors)),
        ]
    }
}
