//! What is found of a case.

use std::fmt;

use crate::runs::Run;

/// What a failure is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// The loss in the report is not that of the model.
    ReportedLoss,
    /// The estimate of the distance from the minimum is below it.
    Estimate,
    /// So is the bound.
    Bound,
    /// `Converged`, and it is further from the minimum than ten times the tolerance.
    Converged,
    /// `PrecisionLimit`, and it is further from the minimum than rounding explains.
    PrecisionLimit,
    /// All iterations were made.
    Iterations,
    /// The default solver took more than 60 passes.
    Passes,
    /// A fit took more than ten seconds.
    Slow,
    /// Coefficients are not those of the minimum.
    Coefficients,
    /// Weights make something of the rounding errors of the features.
    Noise,
    /// `standardize` left a weight to a constant column.
    Constant,
    /// There is no optimum, and an answer was given.
    Missed,
    /// `Separated` with a direction that does not separate, or with a penalty.
    Separated,
    /// The same solver says `Separated` or not, as the layout may be.
    Layouts,
    /// An error that is not right.
    Error,
    Panic,
    /// A case did not end.
    Hang,
}

/// One failure: which fit, and what was expected and came.
pub(crate) struct Finding {
    pub(crate) fault: Fault,
    pub(crate) run: Option<Run>,
    pub(crate) text: String,
}

/// What is known of a case, and what its answers were.
#[derive(Default)]
pub(crate) struct Verdict {
    pub(crate) findings: Vec<Finding>,
    pub(crate) fits: usize,
    /// The reference did not come to the minimum, or whether there is one was not proven.
    pub(crate) open: bool,
    pub(crate) log: Vec<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{self:?}"))
    }
}

impl Verdict {
    /// Of a case that did not end.
    pub(crate) fn hang(text: String) -> Self {
        let finding = Finding { fault: Fault::Hang, run: None, text };
        Self { findings: vec![finding], ..Self::default() }
    }
}

/// Whether a value is at most a bound; NaN never is.
pub(crate) fn within(value: f64, bound: f64) -> bool {
    value <= bound
}
