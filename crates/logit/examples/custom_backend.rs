//! A backend of one's own: rows in a `Vec<Vec<f64>>`, in about 30 lines.
//!
//! `cargo run --example custom_backend` fits with it; `cargo test --example custom_backend` runs
//! the whole conformance suite on it.

use std::ops::Range;

use logit::{Backend, GradientDescent, LogisticRegression};

/// A matrix as a list of rows of one length.
struct Rows(Vec<Vec<f64>>);

impl Backend for Rows {
    type Scalar = f64;
    type Vector = Vec<f64>;

    fn nrows(&self) -> usize {
        self.0.len()
    }

    fn ncols(&self) -> usize {
        self.0.first().map_or(0, Vec::len)
    }

    fn matvec(&self, rows: Range<usize>, w: &[f64], out: &mut [f64]) {
        for (row, out) in self.0[rows].iter().zip(out) {
            *out = row.iter().zip(w).map(|(x, w)| x * w).sum();
        }
    }

    fn matvec_transpose(&self, rows: Range<usize>, r: &[f64], acc: &mut [f64]) {
        for (row, r) in self.0[rows].iter().zip(r) {
            for (acc, x) in acc.iter_mut().zip(row) {
                *acc += r * x;
            }
        }
    }

    fn vector(&self, values: Vec<f64>) -> Vec<f64> {
        values
    }
}

fn main() -> Result<(), logit::Error> {
    let hours_and_sleep = [[0.5, 6.0], [1.0, 8.0], [2.0, 7.0], [3.5, 5.0], [4.0, 8.0]];
    let x = Rows(hours_and_sleep.map(Vec::from).to_vec());
    let passed = [false, false, true, false, true];
    let fit = LogisticRegression::new()
        .standardize(true)
        .l2(0.1)
        .solver(GradientDescent::new().learning_rate(1.0).tolerance(1e-6))
        .fit(&x, passed)?;
    println!("{}", fit.report);
    println!("weights {:.3?}, intercept {:.3}", fit.model.weights(), fit.model.intercept());
    println!("probabilities {:.3?}", fit.model.predict_proba(&x)?);
    Ok(())
}

#[cfg(test)]
logit_conformance::suite!(rows: f64, |matrix: &logit_conformance::Matrix<f64>| Rows(matrix.rows()));
