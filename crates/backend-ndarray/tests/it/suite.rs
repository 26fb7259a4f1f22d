//! Every check of the conformance suite, in every layout, borrowed without copies.

use logit_conformance::Matrix;
use logit_core::{Backend, Float};
use logit_ndarray::Ndarray;
use logit_ndarray::ndarray::{ArrayView2, Axis, ShapeBuilder};

fn lend<F: Float>(matrix: &Matrix<F>) -> Ndarray<'_, F> {
    let (shape, (rows, columns)) = ((matrix.nrows(), matrix.ncols()), matrix.strides());
    if matrix.buffer().is_empty() {
        return ArrayView2::from_shape(shape, &[]).expect("nothing to hold").into();
    }
    let shape = shape.strides((rows.unsigned_abs(), columns.unsigned_abs()));
    let mut x = ArrayView2::from_shape(shape, matrix.buffer()).expect("the buffer holds it");
    let (reversed_rows, reversed_columns) = matrix.layout().reversed;
    if reversed_rows {
        x.invert_axis(Axis(0));
    }
    if reversed_columns {
        x.invert_axis(Axis(1));
    }
    x.into()
}

fn lend_own_products<F: Float>(matrix: &Matrix<F>) -> Ndarray<'_, F> {
    lend(matrix).with_own_products()
}

logit_conformance::suite!(own_products_f64: f64, lend_own_products::<f64>);
logit_conformance::suite!(own_products_f32: f32, lend_own_products::<f32>);
logit_conformance::suite!(ndarray_f64: f64, lend::<f64>);
logit_conformance::suite!(ndarray_f32: f32, lend::<f32>);
