//! [ndarray] matrices for logit.
//!
//! ```
//! use logit_core::LogisticRegression;
//! use logit_ndarray::{Ndarray, ndarray::{array, s}};
//!
//! let x = array![[0.2, 9.0], [0.7, 9.0], [0.4, 9.0], [0.9, 9.0]];
//! let column = x.slice(s![.., ..1]); // views are as good as arrays, whatever their strides
//! let fit = LogisticRegression::new().fit(&Ndarray::from(column), [0, 1, 0, 1])?;
//! let p = fit.model.predict_proba(&Ndarray::from(column))?; // an Array1<f64>
//! assert!(p[1] > p[0]);
//! # Ok::<(), logit_core::Error>(())
//! ```

use std::ops::Range;

use logit_core::{Backend, Float};
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
        out.fill(F::zero());
        add_product(self.x.slice(s![rows, ..]), w, out);
    }

    fn matvec_transpose(&self, rows: Range<usize>, r: &[F], acc: &mut [F]) {
        add_product(self.x.slice(s![rows, ..]).reversed_axes(), r, acc);
    }

    fn vector(&self, values: Vec<F>) -> Array1<F> {
        values.into()
    }
}

/// `y += a · x`, passing through `a` in the order in which it lies in memory.
fn add_product<F: Float>(a: ArrayView2<'_, F>, x: &[F], y: &mut [F]) {
    let (row_stride, column_stride) = (a.strides()[0].abs(), a.strides()[1].abs());
    if column_stride <= row_stride {
        let x = ArrayView1::from(x);
        for (y, row) in y.iter_mut().zip(a.rows()) {
            *y += row.dot(&x);
        }
    } else {
        let mut y = ArrayViewMut1::from(y);
        for (&x, column) in x.iter().zip(a.columns()) {
            y.scaled_add(x, &column);
        }
    }
}
