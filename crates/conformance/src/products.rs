//! Products of a backend beside those of plain loops, and what their difference tells.

use std::ops::Range;

use logit_core::{AnyBackend, Backend, Float};
use proptest::test_runner::TestCaseError;

use crate::matrix::Matrix;
use crate::runner::{Outcome, close};
use crate::sum::Sum;
use crate::tolerance;

/// Fails unless `matvec` of some rows is their product, whatever `out` held.
pub(crate) fn is_product<F: Float>(
    backend: &AnyBackend<'_, F>,
    x: &Matrix<F>,
    rows: Range<usize>,
    w: &[F],
) -> Outcome {
    let mut out = vec![F::nan(); rows.len()];
    backend.matvec(rows.clone(), w, &mut out);
    for (k, (i, got)) in rows.clone().zip(out).enumerate() {
        let terms = |i| w.iter().enumerate().map(move |(j, w)| (x.get(i, j).widen(), w.widen()));
        let is_row = |i| within_dot("", got, 0.0, || terms(i)).is_ok();
        if is_row(i) {
            continue;
        }
        let reason = if got.is_nan() {
            "; `out` held NaN, and must be overwritten, not added to".to_owned()
        } else if let Some(other) = (0..x.nrows()).find(|&other| is_row(other)) {
            format!("; it is the product of row {other}: `out[0]` is for row `rows.start`")
        } else {
            String::new()
        };
        let what = format!("matvec of rows {rows:?}, out[{k}], for row {i}");
        return because(&reason, within_dot(&what, got, 0.0, || terms(i)));
    }
    Ok(())
}

/// Fails unless `matvec_transpose` of some rows adds to what was there before.
pub(crate) fn is_accumulated<F: Float>(
    backend: &AnyBackend<'_, F>,
    x: &Matrix<F>,
    rows: Range<usize>,
    r: &[F],
    before: &[F],
) -> Outcome {
    let mut acc = before.to_vec();
    backend.matvec_transpose(rows.clone(), r, &mut acc);
    within_accumulation(x, rows, r, before, &acc)
}

/// Fails unless `acc` is `before` and the products of the columns.
pub(crate) fn within_accumulation<F: Float>(
    x: &Matrix<F>,
    rows: Range<usize>,
    r: &[F],
    before: &[F],
    acc: &[F],
) -> Outcome {
    let terms = |j, rows: &Range<usize>| {
        rows.clone().zip(r).map(move |(i, r)| (x.get(i, j).widen(), r.widen()))
    };
    let is = |start: &dyn Fn(usize) -> f64, rows: &Range<usize>| {
        (0..acc.len()).all(|j| within_dot("", acc[j], start(j), || terms(j, rows)).is_ok())
    };
    let reason = if is(&|_| 0.0, &rows) {
        "; `acc` held numbers, and must be added to, not overwritten"
    } else if is(&|j| before[j].widen(), &(0..rows.len())) {
        "; they are the sums of rows from 0 on: `r[0]` is for row `rows.start`"
    } else {
        ""
    };
    for (j, (&got, before)) in acc.iter().zip(before).enumerate() {
        let what = format!("matvec_transpose of rows {rows:?}, acc[{j}]");
        because(reason, within_dot(&what, got, before.widen(), || terms(j, &rows)))?;
    }
    Ok(())
}

/// The outcome, with a reason where it is a failure.
fn because(reason: &str, outcome: Outcome) -> Outcome {
    outcome.map_err(|error| match error {
        TestCaseError::Fail(message) => TestCaseError::fail(format!("{message}{reason}")),
        other => other,
    })
}

fn within_dot<F: Float, I: Iterator<Item = (f64, f64)>>(
    what: &str,
    got: F,
    start: f64,
    terms: impl Fn() -> I,
) -> Outcome {
    let (sum, bound) = dot::<F, I>(start, terms);
    close(what, got, sum, bound)
}

/// A sum of products, and how far it may be off in the precision `F`.
pub(crate) fn dot<F: Float, I: Iterator<Item = (f64, f64)>>(
    start: f64,
    terms: impl Fn() -> I,
) -> (f64, f64) {
    let (mut sum, mut size, mut count) = (Sum::default(), start.abs(), 1);
    sum.add(start);
    for (a, b) in terms() {
        sum.add_product(a, b);
        size += (a * b).abs();
        count += 1;
    }
    (sum.value(), tolerance::dot::<F>(count) * size + tolerance::underflow::<F>(count))
}
