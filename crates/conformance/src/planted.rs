//! Planted bugs: each is found, and its message names what is wrong.

use std::ops::Range;

use logit_core::{Backend, ColumnMoments};

use crate::any::AnySubject;
use crate::contract::{self, Check};
use crate::matrix::Matrix;
use crate::runner::Runner;

#[derive(Clone, Copy, PartialEq)]
enum Bug {
    None,
    SwapsShape,
    AddsToOut,
    OverwritesAcc,
    CountsFromZero,
    PanicsOnEmpty,
    SkipsZeros,
    SkipsZeroFactors,
    ReversesVector,
    KeepsScratch,
    FillsByColumns,
    IgnoresWeights,
    Forgets,
}

/// Plain loops with a bug.
struct Planted {
    x: Matrix<f64>,
    bug: Bug,
    calls: std::sync::atomic::AtomicUsize,
}

impl Planted {
    fn is(&self, bug: Bug) -> bool {
        self.bug == bug
    }

    fn rows(&self, rows: Range<usize>) -> Range<usize> {
        assert!(!self.is(Bug::PanicsOnEmpty) || !rows.is_empty(), "lines {rows:?}");
        if self.is(Bug::CountsFromZero) { 0..rows.len() } else { rows }
    }
}

impl Backend for Planted {
    type Scalar = f64;
    type Vector = Vec<f64>;

    fn nrows(&self) -> usize {
        if self.is(Bug::SwapsShape) { self.x.ncols() } else { self.x.nrows() }
    }

    fn ncols(&self) -> usize {
        if self.is(Bug::SwapsShape) { self.x.nrows() } else { self.x.ncols() }
    }

    fn matvec(&self, rows: Range<usize>, w: &[f64], out: &mut [f64]) {
        let noise = self.calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed) as f64;
        for (i, out) in self.rows(rows).zip(out) {
            let terms = w.iter().enumerate().map(|(j, w)| (self.x.get(i, j), *w));
            let skips = |x: f64, w: f64| {
                (self.is(Bug::SkipsZeros) && x == 0.0)
                    || (self.is(Bug::SkipsZeroFactors) && w == 0.0)
            };
            let sum: f64 = terms.filter(|&(x, w)| !skips(x, w)).map(|(x, w)| x * w).sum();
            let noise = if self.is(Bug::Forgets) { sum * noise * f64::EPSILON } else { 0.0 };
            *out = if self.is(Bug::AddsToOut) { *out + sum } else { sum + noise };
        }
    }

    fn matvec_transpose(&self, rows: Range<usize>, r: &[f64], acc: &mut [f64]) {
        if self.is(Bug::OverwritesAcc) {
            acc.fill(0.0);
        }
        for (i, &r) in self.rows(rows).zip(r) {
            for (j, acc) in acc.iter_mut().enumerate() {
                let x = self.x.get(i, j);
                let skips = (self.is(Bug::SkipsZeros) && x == 0.0)
                    || (self.is(Bug::SkipsZeroFactors) && r == 0.0);
                *acc += if skips { 0.0 } else { x * r };
            }
        }
    }

    fn vector(&self, mut values: Vec<f64>) -> Vec<f64> {
        if self.is(Bug::ReversesVector) {
            values.reverse();
        }
        values
    }

    fn matvec_transpose_wide(
        &self,
        rows: Range<usize>,
        r: &[f64],
        scratch: &mut [f64],
        sums: &mut [f64],
    ) {
        if !self.is(Bug::KeepsScratch) {
            scratch.fill(0.0);
        }
        self.matvec_transpose(rows, r, scratch);
        sums.iter_mut().zip(scratch).for_each(|(sum, value)| *sum += *value);
    }

    fn copy_rows(&self, rows: Range<usize>, out: &mut [f64]) {
        let (n, d) = (rows.len(), self.ncols());
        for (k, i) in rows.enumerate() {
            for j in 0..d {
                let place = if self.is(Bug::FillsByColumns) { j * n + k } else { k * d + j };
                out[place] = self.x.get(i, j);
            }
        }
    }

    fn column_moments(&self, rows: Range<usize>, weights: &[f64], moments: &mut ColumnMoments<'_>) {
        let weights = if self.is(Bug::IgnoresWeights) { &[] } else { weights };
        self.x.column_moments(rows, weights, moments);
    }
}

type OneCheck = fn(&dyn AnySubject<f64>, &Runner) -> Check;

/// The failure of a check on a backend with a bug, as a test prints it.
fn failure(name: &str, check: OneCheck, bug: Bug) -> Option<String> {
    let subject = move |x: &Matrix<f64>| Planted { x: x.clone(), bug, calls: 0.into() };
    let told = check(&subject, &Runner::unsaved()).err()?;
    Some(format!("{told}\nlook for: {}", crate::sentences::look_for("contract", name)))
}

/// Each bug, a check that finds it, and what its message says.
const FOUND: [(Bug, &str, OneCheck, &[&str]); 12] = [
    (Bug::SwapsShape, "shape", contract::shape, &["rows and columns swapped"]),
    (Bug::AddsToOut, "product", contract::product, &["`out` held NaN, and must be overwritten"]),
    (
        Bug::OverwritesAcc,
        "accumulation",
        contract::accumulation,
        &["`acc` held numbers, and must be added to, not overwritten"],
    ),
    (
        Bug::CountsFromZero,
        "product",
        contract::product,
        &["it is the product of row 0: `out[0]` is for row `rows.start`"],
    ),
    (Bug::PanicsOnEmpty, "ranges", contract::ranges, &["lines 0..0", "an empty range"]),
    (
        Bug::SkipsZeros,
        "stored_elements",
        contract::stored_elements,
        &["which is 0, for one", "a loop that skips elements of 0"],
    ),
    (
        Bug::SkipsZeroFactors,
        "non_finite_values",
        contract::non_finite_values,
        &["must be NaN: no term may be skipped", "a loop that skips factors of 0"],
    ),
    (Bug::ReversesVector, "order", contract::order, &["component 0", "`vector` reorders"]),
    (
        Bug::KeepsScratch,
        "wide_accumulation",
        contract::wide_accumulation,
        &["wide sum of column 0: NaN", "`scratch` used without clearing it"],
    ),
    (
        Bug::FillsByColumns,
        "copied_rows",
        contract::copied_rows,
        &["copied rows, place 1", "`out` filled by columns"],
    ),
    (
        Bug::IgnoresWeights,
        "moments",
        contract::moments,
        &["sum of deviations", "weights that are ignored"],
    ),
    (
        Bug::Forgets,
        "repeatability",
        contract::repeatability,
        &["matvec: component", "scratch memory shared by calls"],
    ),
];

#[test]
fn each_bug_is_found_and_named_in_few_words() {
    for (bug, name, check, phrases) in FOUND {
        let told = failure(name, check, bug).unwrap_or_else(|| panic!("{name} finds nothing"));
        for phrase in phrases {
            assert!(told.contains(phrase), "{name} does not say {phrase:?}:\n{told}");
        }
        assert!(told.len() < 8000, "{} bytes:\n{told}", told.len());
        assert_eq!(failure(name, check, Bug::None), None);
    }
}

mod broken {
    use super::*;

    static CONTRACT: crate::Contract<2> =
        crate::Contract::new([("shape", || Ok(())), ("product", || Err("off".to_owned()))]);

    #[test]
    #[should_panic(expected = "skipped, because contract::product fails")]
    fn what_builds_on_the_contract_is_skipped() {
        CONTRACT.require();
    }

    #[test]
    fn a_sentence_that_holds_passes() {
        CONTRACT.test("shape");
    }

    #[test]
    #[should_panic(expected = "contract::product: off\nlook for: `out` added to")]
    fn a_sentence_that_is_broken_fails() {
        CONTRACT.test("product");
    }

    #[test]
    fn each_sentence_has_a_hint_of_its_own() {
        let other = crate::sentences::look_for("contract", "none");
        for (_, name, ..) in FOUND {
            assert_ne!(crate::sentences::look_for("contract", name), other, "{name}");
        }
    }
}
