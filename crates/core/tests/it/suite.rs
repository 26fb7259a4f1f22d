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

/// Rows and columns that begin a stride apart, in a slice.
mod strided {
    use super::*;

    fn lend<F: Float>(matrix: &Matrix<F>) -> Dense<'_, F> {
        let (n, d) = (matrix.nrows(), matrix.ncols());
        let values = matrix.kept(|matrix| {
            // What lies between rows must not be read.
            let rows = matrix.rows().into_iter();
            rows.flat_map(|row| row.into_iter().chain([F::nan(); 3])).collect::<Vec<F>>()
        });
        let end = if n == 0 { 0 } else { n * (d + 3) - 3 };
        Dense::from_rows_with_stride(&values[..end], n, d, d + 3)
    }

    logit_conformance::suite!(rows_f64: f64, lend::<f64>);

    #[test]
    fn columns_with_a_stride_are_those_of_the_rest() {
        let values: Vec<f64> = (0..40).map(f64::from).collect();
        let x = Dense::from_columns_with_stride(&values, 3, 4, 10);
        let mut rows = [f64::NAN; 12];
        x.copy_rows(0..3, &mut rows);
        assert_eq!(rows, [0.0, 10.0, 20.0, 30.0, 1.0, 11.0, 21.0, 31.0, 2.0, 12.0, 22.0, 32.0]);
    }

    #[test]
    fn rows_may_overlap() {
        let series = [1.0, 2.0, 3.0, 4.0];
        let mut rows = [f64::NAN; 6];
        Dense::from_rows_with_stride(&series, 3, 2, 1).copy_rows(0..3, &mut rows);
        assert_eq!(rows, [1.0, 2.0, 2.0, 3.0, 3.0, 4.0]);
    }

    #[test]
    fn empty_matrices_need_no_values() {
        assert_eq!(Dense::<f64>::from_rows_with_stride(&[], 0, 3, usize::MAX).ncols(), 3);
        assert_eq!(Dense::<f64>::from_rows_with_stride(&[], 3, 0, usize::MAX).nrows(), 3);
    }

    #[test]
    #[should_panic(expected = "7 values for 3 lines of 2, 3 apart")]
    fn values_that_end_too_early_are_refused() {
        Dense::from_rows_with_stride(&[0.0; 7], 3, 2, 3);
    }

    #[test]
    #[should_panic(expected = "4 values for 3 lines of 2")]
    fn strides_that_overflow_are_refused() {
        Dense::from_rows_with_stride(&[0.0; 4], 3, 2, usize::MAX / 2 + 1);
    }
}
