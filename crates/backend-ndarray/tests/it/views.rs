//! Anything that owns or shares an ndarray matrix can be lent, in any layout.

use logit_core::{Backend, LogisticRegression};
use logit_ndarray::Ndarray;
use logit_ndarray::ndarray::{Array1, Array2, ArrayView2, Axis, CowArray, ShapeBuilder, s};

/// The values of a backend, read through it.
fn read(x: &Ndarray<'_, f64>) -> Array2<f64> {
    let mut rows = Array2::zeros((x.nrows(), x.ncols()));
    for (i, mut row) in rows.rows_mut().into_iter().enumerate() {
        x.matvec_transpose(i..i + 1, &[1.0], row.as_slice_mut().expect("contiguous"));
    }
    rows
}

fn data() -> Array2<f64> {
    Array2::from_shape_fn((12, 5), |(i, j)| ((i * 7 + j * 3) % 11) as f64 - 4.0)
}

#[test]
fn references_to_arrays_of_any_ownership() {
    let x = data();
    assert_eq!(read(&Ndarray::from(&x)), x);
    assert_eq!(read(&Ndarray::from(&x.view())), x);
    assert_eq!(read(&Ndarray::from(&x.to_shared())), x);
    assert_eq!(read(&Ndarray::from(&CowArray::from(x.view()))), x);
    let mut changed = x.clone();
    assert_eq!(read(&Ndarray::from(&changed.view_mut())), x);
}

#[test]
fn slices_steps_transposes_and_reversals() {
    let x = data();
    let from_view = |view: ArrayView2<'_, f64>| assert_eq!(read(&view.into()), view);
    from_view(x.slice(s![2..9, 1..]));
    from_view(x.slice(s![..;3, ..;2]));
    from_view(x.t());
    from_view(x.slice(s![..;-1, ..]));
    from_view(x.slice(s![..;-2, ..;-1]));
    from_view(x.t().slice_move(s![1..;-1, ..;4]));
    from_view(x.broadcast((12, 5)).expect("the same shape"));
    from_view(x.row(3).broadcast((4, 5)).expect("repeated rows"));
    let column_major = Array2::from_shape_vec((5, 12).f(), x.iter().copied().collect());
    from_view(column_major.expect("60 values").view());
    let mut reversed = x.view();
    reversed.invert_axis(Axis(1));
    from_view(reversed);
}

#[test]
fn a_fit_does_not_depend_on_the_layout() {
    let x = data();
    let y = (0..12).map(|i| i % 3 == 0);
    let fit = |x: ArrayView2<'_, f64>| {
        let fit = LogisticRegression::new().l2(0.1).fit(&Ndarray::from(x), y.clone());
        fit.expect("a fit").model
    };
    let expected = fit(x.view());
    let mut column_major = Array2::zeros(x.raw_dim().f());
    column_major.assign(&x);
    let model = fit(column_major.view());
    for (a, b) in model.weights().iter().zip(expected.weights()) {
        assert!((a - b).abs() < 1e-14);
    }
}

#[test]
fn vectors_come_back_as_arrays() {
    let x = data();
    let vector = Ndarray::from(&x).vector(vec![1.0, 2.0, 3.0]);
    assert_eq!(vector, logit_ndarray::ndarray::array![1.0, 2.0, 3.0]);
}

#[test]
fn labels_may_be_a_vector_of_the_library() {
    let x = data();
    let y: Vec<bool> = (0..12).map(|i| i % 3 == 0).collect();
    let vector: Array1<f32> = y.iter().map(|&y| f32::from(u8::from(y))).collect();
    let fit = LogisticRegression::new().l2(0.1).fit(&Ndarray::from(&x), &vector).expect("a fit");
    assert_eq!(fit, LogisticRegression::new().l2(0.1).fit(&Ndarray::from(&x), y).expect("a fit"));
}
