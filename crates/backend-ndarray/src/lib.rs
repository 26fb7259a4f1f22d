//! [ndarray] matrices for logit.
//!
//! ```
//! use logit_core::LogisticRegression;
//! use logit_ndarray::{Ndarray, ndarray::{array, s}};
//!
//! let x = array![[0.2, 9.0], [0.7, 9.0], [0.4, 9.0], [0.9, 9.0]];
//! let column = x.slice(s![.., ..1]); // views are as good as arrays, whatever their strides
//! let fit = LogisticRegression::new().l2(0.1).fit(&Ndarray::from(column), [0, 1, 0, 1])?;
//! let p = fit.model.predict_proba(&Ndarray::from(column))?; // an Array1<f64>
//! assert!(p[1] > p[0]);
//! # Ok::<(), logit_core::Error>(())
//! ```

mod lines;

use std::ops::Range;

use logit_core::{Backend, Float, column_moments_by_row, copy_rows_by_row};
use ndarray::linalg::general_mat_vec_mul;
use ndarray::{Array1, ArrayBase, ArrayView1, ArrayView2, ArrayViewMut1, Data, Ix2, s};

pub use ndarray;

/// A borrowed ndarray matrix: rows are observations, columns features.
///
/// Made from a reference to anything that owns or shares a matrix, or from a view by value. Any
/// memory layout will do: C or F order, slices, steps, transposes, reversed axes. Nothing is
/// copied.
#[derive(Clone, Copy, Debug)]
pub struct Ndarray<'a, F> {
    x: ArrayView2<'a, F>,
}

impl<'a, F, S: Data<Elem = F>> From<&'a ArrayBase<S, Ix2>> for Ndarray<'a, F> {
    fn from(x: &'a ArrayBase<S, Ix2>) -> Self {
        Self { x: x.view() }
    }
}

impl<'a, F> From<ArrayView2<'a, F>> for Ndarray<'a, F> {
    fn from(x: ArrayView2<'a, F>) -> Self {
        Self { x }
    }
}

impl<F: Float> Backend for Ndarray<'_, F> {
    type Scalar = F;
    type Vector = Array1<F>;

    fn nrows(&self) -> usize {
        self.x.nrows()
    }

    fn ncols(&self) -> usize {
        self.x.ncols()
    }

    fn matvec(&self, rows: Range<usize>, w: &[F], out: &mut [F]) {
        match lines::dense(self.x) {
            Some(dense) => dense.matvec(rows, w, out),
            None => product(self.x.slice(s![rows, ..]), w, F::zero(), out),
        }
    }

    fn matvec_transpose(&self, rows: Range<usize>, r: &[F], acc: &mut [F]) {
        match lines::dense(self.x) {
            Some(dense) => dense.matvec_transpose(rows, r, acc),
            None => product(self.x.slice(s![rows, ..]).reversed_axes(), r, F::one(), acc),
        }
    }

    fn column_moments(
        &self,
        rows: Range<usize>,
        origin: &[f64],
        sums: &mut [f64],
        squares: &mut [f64],
    ) {
        match lines::dense(self.x) {
            Some(dense) => dense.column_moments(rows, origin, sums, squares),
            None => column_moments_by_row(self, rows, origin, sums, squares),
        }
    }

    fn copy_rows(&self, rows: Range<usize>, out: &mut [F]) {
        match lines::dense(self.x) {
            Some(dense) => dense.copy_rows(rows, out),
            None => copy_rows_by_row(self, rows, out),
        }
    }

    fn vector(&self, values: Vec<F>) -> Array1<F> {
        values.into()
    }
}

/// `y = a · x + β y`, for matrices with gaps both ways.
fn product<F: Float>(a: ArrayView2<'_, F>, x: &[F], beta: F, y: &mut [F]) {
    let (x, mut y) = (ArrayView1::from(x), ArrayViewMut1::from(y));
    general_mat_vec_mul(F::one(), &a, &x, beta, &mut y);
}
