//! Ten million rows in `f32`, made up as they are read.

use std::ops::Range;

use logit_core::{Backend, LogisticRegression, cross_entropy, residual};

const ROWS: usize = 10_000_000;

/// Two columns that take no memory.
struct Procedural;

fn value(i: usize, j: usize) -> f32 {
    let step = [0.618_034, 0.414_213_57][j];
    (i as f64 * step).fract() as f32 + 0.5
}

impl Backend for Procedural {
    type Scalar = f32;
    type Vector = Vec<f32>;

    fn nrows(&self) -> usize {
        ROWS
    }

    fn ncols(&self) -> usize {
        2
    }

    fn matvec(&self, rows: Range<usize>, w: &[f32], out: &mut [f32]) {
        for (i, out) in rows.zip(out) {
            *out = value(i, 0) * w[0] + value(i, 1) * w[1];
        }
    }

    fn matvec_transpose(&self, rows: Range<usize>, r: &[f32], acc: &mut [f32]) {
        for (i, r) in rows.zip(r) {
            acc[0] += value(i, 0) * r;
            acc[1] += value(i, 1) * r;
        }
    }

    fn vector(&self, values: Vec<f32>) -> Vec<f32> {
        values
    }
}

/// One sum over all rows in `f32` would be off by a thousandth or more; hierarchical ones are not.
#[test]
fn sums_in_single_precision_stay_accurate_over_ten_million_rows() {
    let label = |i: usize| !i.is_multiple_of(3);
    let objective = LogisticRegression::new().objective(&Procedural, (0..ROWS).map(label));
    let found = objective.expect("valid").evaluate([0.5, -0.25, 0.125]);
    let (loss, gradient) = (found.loss(), found.gradient());
    let (mut exact_loss, mut exact) = (0.0, [0.0; 3]);
    for i in 0..ROWS {
        let x = [0, 1].map(|j| f64::from(value(i, j)));
        let z = 0.5 * x[0] - 0.25 * x[1] + 0.125;
        let r = residual(z, label(i));
        exact_loss += cross_entropy(z, label(i)) / ROWS as f64;
        exact[0] += r * x[0] / ROWS as f64;
        exact[1] += r * x[1] / ROWS as f64;
        exact[2] += r / ROWS as f64;
    }
    assert!((loss - exact_loss).abs() < 1e-7 * exact_loss, "{loss} is not {exact_loss}");
    for (got, exact) in gradient.iter().zip(exact) {
        assert!((f64::from(*got) - exact).abs() < 1e-6 * exact.abs(), "{got} is not {exact}");
    }
}
