//! [ndarray] matrices for logit.
//!
//! ```
//! # mod logit { pub use logit_core::*; pub use logit_ndarray::*; }
//! use logit::{LogisticRegression, Ndarray, ndarray::{array, s}};
//!
//! let x = array![[0.2, 9.0], [0.7, 9.0], [0.4, 9.0], [0.9, 9.0]];
//! let column = x.slice(s![.., ..1]); // views are as good as arrays, whatever their strides
//! let fit = LogisticRegression::new().l2(0.1).fit(&Ndarray::from(column), [0, 1, 0, 1])?;
//! let p = fit.model.predict_proba(&Ndarray::from(column))?; // an Array1<f64>
//! assert!(p[1] > p[0]);
//! # Ok::<(), logit::Error>(())
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

mod lines;

use std::ops::Range;

use logit_core::dense::Dense;
use logit_core::{Backend, Float};
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
    own_products: bool,
}

impl<F: Float> Ndarray<'_, F> {
    /// Multiplies with ndarray's own `general_mat_vec_mul` instead of the faster kernels of logit.
    ///
    /// It is the BLAS where you enable the feature `blas` of ndarray and link one; set that to one
    /// thread (`OPENBLAS_NUM_THREADS=1`), since blocks of rows are on all cores already.
    ///
    /// ```
    /// # mod logit { pub use logit_core::*; pub use logit_ndarray::*; }
    /// use logit::{LogisticRegression, Ndarray, ndarray::array};
    ///
    /// let x = array![[0.2], [0.7], [0.4], [0.9]];
    /// let x = Ndarray::from(&x).with_own_products();
    /// let fit = LogisticRegression::new().l2(0.1).fit(&x, [0, 1, 0, 1])?;
    /// assert!(fit.model.weights()[0] > 0.0);
    /// # Ok::<(), logit::Error>(())
    /// ```
    pub fn with_own_products(mut self) -> Self {
        self.own_products = true;
        self
    }

    /// The matrix for the kernels, where they can multiply it and are to.
    fn lines(&self) -> Option<Dense<'_, F>> {
        if self.own_products { None } else { lines::dense(self.x) }
    }
}

impl<'a, F, S: Data<Elem = F>> From<&'a ArrayBase<S, Ix2>> for Ndarray<'a, F> {
    fn from(x: &'a ArrayBase<S, Ix2>) -> Self {
        Self::from(x.view())
    }
}

impl<'a, F> From<ArrayView2<'a, F>> for Ndarray<'a, F> {
    fn from(x: ArrayView2<'a, F>) -> Self {
        Self { x, own_products: false }
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
        match self.lines() {
            Some(dense) => dense.matvec(rows, w, out),
            None => product(self.x.slice(s![rows, ..]), w, F::zero(), out),
        }
    }

    fn matvec_transpose(&self, rows: Range<usize>, r: &[F], acc: &mut [F]) {
        match self.lines() {
            Some(dense) => dense.matvec_transpose(rows, r, acc),
            None => product(self.x.slice(s![rows, ..]).reversed_axes(), r, F::one(), acc),
        }
    }

    /// Calls of the library's own products are worth making for 256 KiB.
    fn block_rows(&self) -> usize {
        let row_bytes = size_of::<F>() * self.ncols().max(1);
        self.lines().map_or((256 * 1024 / row_bytes).clamp(8, 1024), |dense| dense.block_rows())
    }

    fn dense(&self) -> Option<Dense<'_, F>> {
        lines::dense(self.x)
    }

    fn vector(&self, values: Vec<F>) -> Array1<F> {
        values.into()
    }
}

/// `y = a · x + β y`, by ndarray.
fn product<F: Float>(a: ArrayView2<'_, F>, x: &[F], beta: F, y: &mut [F]) {
    let (x, mut y) = (ArrayView1::from(x), ArrayViewMut1::from(y));
    general_mat_vec_mul(F::one(), &a, &x, beta, &mut y);
}
