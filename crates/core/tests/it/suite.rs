//! The suite on the oracle itself, with no library in between, and on slices.

use logit_conformance::Matrix;
use logit_core::dense::Dense;
use logit_core::{Backend, Float};

fn columns<F: Float>(matrix: &Matrix<F>) -> Dense<'_, F> {
    Dense::from_columns(matrix.columns(), matrix.nrows(), matrix.ncols())
}

logit_conformance::suite!(oracle_f64: f64, Matrix::<f64>::clone);
logit_conformance::suite!(oracle_f32: f32, Matrix::<f32>::clone);
logit_conformance::suite!(columns_f64: f64, columns::<f64>);
logit_conformance::suite!(columns_f32: f32, columns::<f32>);

/// A row-major matrix is the transpose of a column-major one, so its products can be had from
/// slices of the same values.
mod rows {
    use super::*;

    #[test]
    fn slices_of_rows_give_the_products_of_slices_of_columns() {
        let values: Vec<f64> = (0..33 * 29).map(|k| (k as f64 * 0.37).sin()).collect();
        for ncols in 1..=33 {
            let values = &values[..29 * ncols];
            let by_rows = Dense::from_rows(values, 29, ncols);
            let transposed = Dense::from_columns(values, ncols, 29);
            let w: Vec<f64> = (0..ncols).map(|j| 1.0 - j as f64 / 7.0).collect();
            let (mut out, mut acc) = (vec![f64::NAN; 20], vec![0.0; 29]);
            by_rows.matvec(3..23, &w, &mut out);
            transposed.matvec_transpose(0..ncols, &w, &mut acc);
            assert_eq!(out, acc[3..23]);
            let r: Vec<f64> = (0..29).map(|i| 0.5 - i as f64 / 11.0).collect();
            let (mut acc, mut out) = (vec![0.0; ncols], vec![f64::NAN; ncols]);
            by_rows.matvec_transpose(0..29, &r, &mut acc);
            transposed.matvec(0..ncols, &r, &mut out);
            assert_eq!(acc, out);
        }
    }
}
