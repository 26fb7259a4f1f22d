//! [nalgebra] matrices for logit.
//!
//! ```
//! # mod logit { pub use logit_core::*; pub use logit_nalgebra::*; }
//! use logit::{LogisticRegression, Nalgebra, nalgebra::Matrix4x2};
//!
//! let x = Matrix4x2::<f32>::new(0.2, 9.0, 0.7, 9.0, 0.4, 9.0, 0.9, 9.0);
//! let column = x.columns(0, 1); // views are as good as matrices, whatever their strides
//! let fit = LogisticRegression::new().l2(0.1).fit(&Nalgebra::from(column), [0, 1, 0, 1])?;
//! let p = fit.model.predict_proba(&Nalgebra::from(column))?; // a DVector<f32>
//! assert!(p[1] > p[0]);
//! # Ok::<(), logit::Error>(())
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

mod view;

use std::ops::Range;

use logit_core::dense::Dense;
use logit_core::{Backend, Float};
use nalgebra::{DVector, DVectorView, DVectorViewMut, Dim, Dyn, Matrix, MatrixView, RawStorage};

pub use nalgebra;

/// A borrowed nalgebra matrix: rows are observations, columns features.
///
/// Made from a reference to any matrix, `DMatrix`, a statically sized `SMatrix` or a view with any
/// strides, or from a view by value. Nothing is copied.
#[derive(Clone, Copy, Debug)]
pub struct Nalgebra<'a, F: Float> {
    x: view::DynamicView<'a, F>,
}

impl<'a, F, R, C, S> From<&'a Matrix<F, R, C, S>> for Nalgebra<'a, F>
where
    F: Float,
    R: Dim,
    C: Dim,
    S: RawStorage<F, R, C>,
{
    fn from(x: &'a Matrix<F, R, C, S>) -> Self {
        let shape = (Dyn(x.nrows()), Dyn(x.ncols()));
        Self { x: x.generic_view_with_steps((0, 0), shape, (0, 0)) }
    }
}

impl<'a, F, R, C, RStride, CStride> From<MatrixView<'a, F, R, C, RStride, CStride>>
    for Nalgebra<'a, F>
where
    F: Float,
    R: Dim,
    C: Dim,
    RStride: Dim,
    CStride: Dim,
{
    fn from(x: MatrixView<'a, F, R, C, RStride, CStride>) -> Self {
        Self { x: view::dynamic(x) }
    }
}

impl<F: Float> Backend for Nalgebra<'_, F> {
    type Scalar = F;
    type Vector = DVector<F>;

    fn nrows(&self) -> usize {
        self.x.nrows()
    }

    fn ncols(&self) -> usize {
        self.x.ncols()
    }

    fn matvec(&self, rows: Range<usize>, w: &[F], out: &mut [F]) {
        match self.dense() {
            Some(dense) => dense.matvec(rows, w, out),
            None => {
                out.fill(F::zero());
                add_product(view::transposed(self.x.rows_range(rows)), w, out);
            }
        }
    }

    fn matvec_transpose(&self, rows: Range<usize>, r: &[F], acc: &mut [F]) {
        match self.dense() {
            Some(dense) => dense.matvec_transpose(rows, r, acc),
            None => add_product(view::dynamic(self.x.rows_range(rows)), r, acc),
        }
    }

    fn dense(&self) -> Option<Dense<'_, F>> {
        view::dense(self.x)
    }

    fn vector(&self, values: Vec<F>) -> DVector<F> {
        values.into()
    }
}

/// `y += aᵀ · x`, by dot products with the columns of `a`.
///
/// Both products take this form, on the matrix or on its transposed view. The other one, `gemv`,
/// must not see a column with gaps: in nalgebra 0.35 its `axcpy` then runs out of bounds
/// (github.com/dimforge/nalgebra/issues/1616).
fn add_product<F: Float>(a: view::DynamicView<'_, F>, x: &[F], y: &mut [F]) {
    let x = DVectorView::from_slice(x, a.nrows());
    DVectorViewMut::from_slice(y, a.ncols()).gemv_tr(F::one(), &a, &x, F::one());
}
