//! Every check of the conformance suite, in every layout, borrowed without copies.

use logit_conformance::Matrix;
use logit_core::{Backend, Float};
use logit_faer::Faer;
use logit_faer::faer::MatRef;

#[allow(unsafe_code)]
fn lend<F: Float>(matrix: &Matrix<F>) -> Faer<'_, F> {
    let (shape, (rows, columns)) = ((matrix.nrows(), matrix.ncols()), matrix.strides());
    let first = matrix.buffer().as_ptr().wrapping_add(matrix.first());
    // SAFETY: the matrix, borrowed for as long as the view, has its elements at these strides.
    unsafe { MatRef::from_raw_parts(first, shape.0, shape.1, rows, columns) }.into()
}

logit_conformance::suite!(faer_f64: f64, lend::<f64>);
logit_conformance::suite!(faer_f32: f32, lend::<f32>);
