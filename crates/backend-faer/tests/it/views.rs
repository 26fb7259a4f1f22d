//! Any faer matrix or view can be lent, in any layout.

use logit_core::{Backend, LogisticRegression};
use logit_faer::Faer;
use logit_faer::faer::{Col, Mat, MatRef};

/// The values of a backend, read through it.
fn read(x: &Faer<'_, f64>) -> Mat<f64> {
    let mut rows = vec![0.0; x.nrows() * x.ncols()];
    for (i, row) in rows.chunks_mut(x.ncols()).enumerate() {
        x.matvec_transpose(i..i + 1, &[1.0], row);
    }
    MatRef::from_row_major_slice(&rows, x.nrows(), x.ncols()).to_owned()
}

fn data() -> Mat<f64> {
    Mat::from_fn(12, 5, |i, j| ((i * 7 + j * 3) % 11) as f64 - 4.0)
}

#[test]
fn references_to_matrices_and_views_of_any_ownership() {
    let mut x = data();
    assert_eq!(read(&Faer::from(&x)), data());
    assert_eq!(read(&Faer::from(&x.as_ref())), data());
    assert_eq!(read(&Faer::from(&x.as_mut())), data());
    assert_eq!(read(&Faer::from(&x.col(2).as_mat())), x.subcols(2, 1));
}

#[test]
fn views_by_value_with_any_strides() {
    let x = data();
    let from_view = |view: MatRef<'_, f64>| assert_eq!(read(&view.into()), view);
    from_view(x.submatrix(2, 1, 7, 3));
    from_view(x.transpose());
    from_view(x.reverse_rows());
    from_view(x.reverse_rows_and_cols().submatrix(1, 1, 6, 4));
    from_view(x.reverse_rows().transpose());
    from_view(MatRef::from_repeated_row(x.row(3), 4));
    let row_major: Vec<f64> = (0..12).flat_map(|i| (0..5).map(move |j| (i * j) as f64)).collect();
    from_view(MatRef::from_row_major_slice_with_stride(&row_major, 12, 4, 5));
    let contiguous = x.as_ref().try_as_col_major().expect("contiguous columns");
    assert_eq!(read(&contiguous.into()), x);
}

/// The borrow lasts as long as the matrix, not as long as the view it was made through.
#[test]
fn a_backend_outlives_the_view_it_was_made_from() {
    let x = data();
    let lent = {
        let view = x.subrows(0, 6);
        Faer::from(view)
    };
    assert_eq!(read(&lent), x.subrows(0, 6));
}

#[test]
fn a_fit_does_not_depend_on_the_layout() {
    let x = data();
    let y = (0..12).map(|i| i % 3 == 0);
    let fit = |x: MatRef<'_, f64>| {
        let fit = LogisticRegression::new().l2(0.1).fit(&Faer::from(x), y.clone());
        fit.expect("a fit").model
    };
    let expected = fit(x.as_ref());
    let (transposed, reversed) = (x.transpose().to_owned(), x.reverse_rows().to_owned());
    for model in [fit(transposed.transpose()), fit(reversed.reverse_rows())] {
        for (a, b) in model.weights().iter().zip(expected.weights()) {
            assert!((a - b).abs() < 1e-14);
        }
    }
}

#[test]
fn vectors_come_back_as_columns() {
    let vector = Faer::from(&data()).vector(vec![1.0, 2.0, 3.0]);
    assert_eq!(vector, Col::from_fn(3, |i| 1.0 + i as f64));
}

#[test]
fn labels_may_be_a_vector_of_the_library() {
    let x = data();
    let y: Vec<bool> = (0..12).map(|i| i % 3 == 0).collect();
    let vector: Col<f32> = y.iter().map(|&y| f32::from(u8::from(y))).collect();
    let fit = LogisticRegression::new().l2(0.1).fit(&Faer::from(&x), vector.iter()).expect("a fit");
    assert_eq!(fit, LogisticRegression::new().l2(0.1).fit(&Faer::from(&x), y).expect("a fit"));
}
