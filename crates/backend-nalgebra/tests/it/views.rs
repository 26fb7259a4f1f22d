//! Any nalgebra matrix or view can be lent, whatever its type says of shape and strides.

use logit_core::{Backend, LogisticRegression};
use logit_nalgebra::Nalgebra;
use logit_nalgebra::nalgebra::{
    DMatrix, DMatrixView, DVector, Dyn, Matrix, Matrix3x4, RawStorage, RowDVector, SMatrix,
};

/// The values of a backend, read through it.
fn read(x: &Nalgebra<'_, f64>) -> DMatrix<f64> {
    let mut values = DMatrix::zeros(x.nrows(), x.ncols());
    for i in 0..x.nrows() {
        let mut row = vec![0.0; x.ncols()];
        x.matvec_transpose(i..i + 1, &[1.0], &mut row);
        values.set_row(i, &RowDVector::from_vec(row));
    }
    values
}

fn data() -> DMatrix<f64> {
    DMatrix::from_fn(12, 5, |i, j| ((i * 7 + j * 3) % 11) as f64 - 4.0)
}

#[test]
fn references_to_dynamic_and_static_matrices() {
    let x = data();
    assert_eq!(read(&Nalgebra::from(&x)), x);
    let x: SMatrix<f64, 12, 5> = x.fixed_view::<12, 5>(0, 0).into_owned();
    assert_eq!(read(&Nalgebra::from(&x)), data());
    let x = Matrix3x4::from_fn(|i, j| (10 * i + j) as f64);
    assert_eq!(read(&Nalgebra::from(&x))[(2, 1)], 21.0);
    let column = DVector::from_vec(vec![1.0, 2.0, 3.0]);
    assert_eq!(read(&Nalgebra::from(&column)), column);
    let row = RowDVector::from_vec(vec![1.0, 2.0, 3.0]);
    assert_eq!(read(&Nalgebra::from(&row)), row);
}

#[test]
fn views_with_any_strides_by_reference_and_by_value() {
    let x = data();
    let part = x.view((2, 1), (7, 3));
    assert_eq!(read(&Nalgebra::from(part)), part.into_owned());
    assert_eq!(read(&Nalgebra::from(&part)), part.into_owned());
    let stepped = x.view_with_steps((1, 0), (4, 2), (1, 2));
    assert_eq!(read(&Nalgebra::from(stepped)), stepped.into_owned());
    let fixed = x.fixed_view::<6, 2>(3, 2);
    assert_eq!(read(&Nalgebra::from(fixed)), fixed.into_owned());
    let mut changed = x.clone();
    let view = changed.view_mut((0, 0), (3, 3));
    assert_eq!(read(&Nalgebra::from(&view)), x.view((0, 0), (3, 3)).into_owned());
    let row_major: Vec<f64> = x.transpose().iter().copied().collect();
    let transposed =
        DMatrixView::from_slice_with_strides_generic(&row_major, Dyn(12), Dyn(5), Dyn(5), Dyn(1));
    assert_eq!(read(&Nalgebra::from(transposed)), x);
}

/// The borrow lasts as long as the matrix, not as long as the view it was made through.
#[test]
fn a_backend_outlives_the_view_it_was_made_from() {
    let x = data();
    let lent = {
        let view = x.rows(0, 6);
        Nalgebra::from(view)
    };
    assert_eq!(read(&lent), x.rows(0, 6).into_owned());
}

#[test]
fn a_fit_does_not_depend_on_the_layout() {
    fn fit<R, C, S>(x: &Matrix<f64, R, C, S>) -> logit_core::Model<f64>
    where
        R: logit_nalgebra::nalgebra::Dim,
        C: logit_nalgebra::nalgebra::Dim,
        S: RawStorage<f64, R, C>,
    {
        let y = (0..12).map(|i| i % 3 == 0);
        LogisticRegression::new().l2(0.1).fit(&Nalgebra::from(x), y).expect("a fit").model
    }
    let x = data();
    let expected = fit(&x);
    let wide = DMatrix::from_fn(24, 10, |i, j| x[(i / 2, j / 2)]);
    let row_major: Vec<f64> = x.transpose().iter().copied().collect();
    let transposed =
        DMatrixView::from_slice_with_strides_generic(&row_major, Dyn(12), Dyn(5), Dyn(5), Dyn(1));
    let models = [
        fit(&x.fixed_view::<12, 5>(0, 0).into_owned()),
        fit(&wide.view_with_steps((0, 0), (12, 5), (1, 1))),
        fit(&transposed),
    ];
    for model in models {
        for (a, b) in model.weights().iter().zip(expected.weights()) {
            assert!((a - b).abs() < 1e-14);
        }
    }
}

#[test]
fn vectors_come_back_as_vectors() {
    let x = data();
    let vector = Nalgebra::from(&x).vector(vec![1.0, 2.0, 3.0]);
    assert_eq!(vector, DVector::from_vec(vec![1.0, 2.0, 3.0]));
}

#[test]
fn labels_may_be_a_vector_of_the_library() {
    let x = data();
    let y: Vec<bool> = (0..12).map(|i| i % 3 == 0).collect();
    let vector = DVector::from_iterator(12, y.iter().map(|&y| f32::from(u8::from(y))));
    let fit = LogisticRegression::new().l2(0.1).fit(&Nalgebra::from(&x), &vector).expect("a fit");
    assert_eq!(fit, LogisticRegression::new().l2(0.1).fit(&Nalgebra::from(&x), y).expect("a fit"));
}
