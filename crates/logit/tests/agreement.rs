//! Every pair of backends gives the same answers.
#![cfg(all(feature = "ndarray", feature = "nalgebra"))]

use logit::nalgebra::DMatrixView;
use logit::ndarray::{ArrayView2, ShapeBuilder};
use logit::{Backend, Float, Nalgebra, Ndarray};
use logit_conformance::Matrix;

fn ndarray<F: Float>(matrix: &Matrix<F>) -> Ndarray<'_, F> {
    let shape = (matrix.nrows(), matrix.ncols()).f();
    ArrayView2::from_shape(shape, matrix.columns()).expect("the slice holds it").into()
}

fn nalgebra<F: Float>(matrix: &Matrix<F>) -> Nalgebra<'_, F> {
    DMatrixView::from_slice(matrix.columns(), matrix.nrows(), matrix.ncols()).into()
}

logit_conformance::agreement!(ndarray_nalgebra_f64: f64, ndarray::<f64>, nalgebra::<f64>);
logit_conformance::agreement!(ndarray_nalgebra_f32: f32, ndarray::<f32>, nalgebra::<f32>);
