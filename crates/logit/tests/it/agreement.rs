//! Every pair of backends gives the same answers.
#![cfg(all(feature = "ndarray", feature = "nalgebra"))]

use logit::nalgebra::DMatrixView;
use logit::ndarray::{ArrayView2, ShapeBuilder};
use logit::{Backend, Float, Nalgebra, Ndarray};
use logit_conformance::{Matrix, agreement};

fn ndarray<F: Float>(matrix: &Matrix<F>) -> Ndarray<'_, F> {
    let shape = (matrix.nrows(), matrix.ncols()).f();
    ArrayView2::from_shape(shape, matrix.columns()).expect("the slice holds it").into()
}

fn nalgebra<F: Float>(matrix: &Matrix<F>) -> Nalgebra<'_, F> {
    DMatrixView::from_slice(matrix.columns(), matrix.nrows(), matrix.ncols()).into()
}

agreement!(ndarray_nalgebra_f64: f64, ndarray::<f64>, nalgebra::<f64>);
agreement!(ndarray_nalgebra_f32: f32, ndarray::<f32>, nalgebra::<f32>);

#[cfg(feature = "faer")]
mod with_faer {
    use logit::Faer;
    use logit::faer::{MatRef, traits::ComplexField};

    use super::*;

    pub(super) fn faer<F: Float + ComplexField>(matrix: &Matrix<F>) -> Faer<'_, F> {
        MatRef::from_column_major_slice(matrix.columns(), matrix.nrows(), matrix.ncols()).into()
    }

    agreement!(ndarray_faer_f64: f64, ndarray::<f64>, faer::<f64>);
    agreement!(ndarray_faer_f32: f32, ndarray::<f32>, faer::<f32>);
    agreement!(nalgebra_faer_f64: f64, nalgebra::<f64>, faer::<f64>);
    agreement!(nalgebra_faer_f32: f32, nalgebra::<f32>, faer::<f32>);
}

#[cfg(feature = "sprs")]
mod with_sprs {
    use logit::{Sprs, sprs::TriMat};

    use super::*;

    pub(super) fn sprs<F: Float>(matrix: &Matrix<F>) -> Sprs<'_, F> {
        Sprs::from(matrix.kept(|matrix| {
            let mut stored = TriMat::new((matrix.nrows(), matrix.ncols()));
            for (i, row) in matrix.rows().into_iter().enumerate() {
                for (j, x) in row.into_iter().enumerate().filter(|&(_, x)| x != F::zero()) {
                    stored.add_triplet(i, j, x);
                }
            }
            stored.to_csr::<usize>()
        }))
    }

    agreement!(ndarray_sprs_f64: f64, ndarray::<f64>, sprs::<f64>);
    agreement!(ndarray_sprs_f32: f32, ndarray::<f32>, sprs::<f32>);
    agreement!(nalgebra_sprs_f64: f64, nalgebra::<f64>, sprs::<f64>);
    agreement!(nalgebra_sprs_f32: f32, nalgebra::<f32>, sprs::<f32>);
}

#[cfg(all(feature = "faer", feature = "sprs"))]
mod with_both {
    use super::{agreement, with_faer::faer, with_sprs::sprs};

    agreement!(faer_sprs_f64: f64, faer::<f64>, sprs::<f64>);
    agreement!(faer_sprs_f32: f32, faer::<f32>, sprs::<f32>);
}
