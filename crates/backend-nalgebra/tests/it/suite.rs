//! Every check of the conformance suite, with any strides, borrowed without copies.

use logit_conformance::Matrix;
use logit_core::{Backend, Float};
use logit_nalgebra::Nalgebra;
use logit_nalgebra::nalgebra::{DMatrixView, Dyn, MatrixView};

fn lend<F: Float>(matrix: &Matrix<F>) -> Nalgebra<'_, F> {
    let (nrows, ncols) = (matrix.nrows(), matrix.ncols());
    let (rows, columns) = matrix.strides();
    match (usize::try_from(rows), usize::try_from(columns)) {
        (Ok(row_stride), Ok(column_stride)) => {
            let shape = (Dyn(nrows), Dyn(ncols), Dyn(row_stride), Dyn(column_stride));
            let x: MatrixView<'_, F, Dyn, Dyn, Dyn, Dyn> =
                MatrixView::from_slice_with_strides_generic(
                    matrix.buffer(),
                    shape.0,
                    shape.1,
                    shape.2,
                    shape.3,
                );
            x.into()
        }
        // nalgebra has no negative strides.
        _ => DMatrixView::from_slice(matrix.columns(), nrows, ncols).into(),
    }
}

logit_conformance::suite!(nalgebra_f64: f64, lend::<f64>);
logit_conformance::suite!(nalgebra_f32: f32, lend::<f32>);
