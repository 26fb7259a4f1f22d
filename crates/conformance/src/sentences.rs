//! The contract of one subject: every check of it is run once, whoever asks.

use std::sync::OnceLock;

use crate::contract::Check;

/// A check by its name.
type Named = (&'static str, fn() -> Check);

/// The checks of the contract on one subject, each with its outcome once it has run.
///
/// What is built on the contract fails in many ways where the contract is broken, so those checks are
/// skipped then.
pub struct Contract<const CHECKS: usize> {
    checks: [Named; CHECKS],
    outcomes: [OnceLock<Check>; CHECKS],
}

impl<const CHECKS: usize> Contract<CHECKS> {
    /// The checks, by their names.
    pub const fn new(checks: [Named; CHECKS]) -> Self {
        Self { checks, outcomes: [const { OnceLock::new() }; CHECKS] }
    }

    fn outcome(&self, check: usize) -> &Check {
        self.outcomes[check].get_or_init(self.checks[check].1)
    }

    /// Runs a check, as a test.
    ///
    /// # Panics
    /// If the check fails, or there is none of this name.
    pub fn test(&self, name: &str) {
        let check = self.checks.iter().position(|check| check.0 == name).expect("a check");
        report("contract", name, self.outcome(check).clone());
    }

    /// Runs all checks, for a test that builds on them.
    ///
    /// # Panics
    /// If one fails.
    pub fn require(&self) {
        for (check, (name, _)) in self.checks.iter().enumerate() {
            if self.outcome(check).is_err() {
                panic!("skipped, because contract::{name} fails and this check builds on it");
            }
        }
    }
}

/// Ends a test with the outcome of its check.
///
/// # Panics
/// If it is a failure.
pub fn report(group: &str, name: &str, outcome: Check) {
    if let Err(failure) = outcome {
        panic!("{group}::{name}: {failure}\nlook for: {}", look_for(group, name));
    }
}

/// What a failure of a check mostly comes from.
pub(crate) fn look_for(group: &str, name: &str) -> &'static str {
    match name {
        _ if group != "contract" => {
            "what the contract's own cases lack, such as more rows than a block, or a call on another \
             thread; if the contract holds, the error may be logit's: report it"
        }
        "shape" => "rows and columns swapped, or a length that counts padding",
        "product" => {
            "`out` added to instead of overwritten; rows counted from 0 instead of `rows.start`; a \
             column left out"
        }
        "accumulation" => {
            "`acc` overwritten instead of added to; rows counted from 0 instead of `rows.start`"
        }
        "ranges" => {
            "an empty range, `n..n` among them, that panics or changes `acc`; a range that does not \
             start at 0, or ends before the last row"
        }
        "exact_rows" => "elements that are rescaled or rounded, or of a neighbouring row; padding",
        "non_finite_values" => {
            "a loop that skips factors of 0: 0 · NaN is NaN; padding that is multiplied too"
        }
        "layouts" => "strides that are ignored: of a transposed, stepped or reversed matrix",
        "stored_elements" => {
            "a loop that skips elements of 0, while `stored_before` counts them; a sparse matrix \
             without its own `stored_before`"
        }
        "repeatability" => "scratch memory shared by calls; sums whose order depends on threads",
        "order" => "values that `vector` reorders, rounds or pads",
        "wide_accumulation" => "`scratch` used without clearing it; `sums` overwritten",
        "copied_rows" => {
            "rows counted from 0 instead of `rows.start`; `out` filled by columns; zeros of a sparse \
             matrix left unwritten"
        }
        "moments" => {
            "weights that are ignored, or counted from row 0 instead of `rows.start`; 0 · NaN in a row \
             of weight 0; zeros of a sparse matrix left out"
        }
        _ => "the sentence of this name in the contract of `Backend`",
    }
}
