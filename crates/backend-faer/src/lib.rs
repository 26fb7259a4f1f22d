//! [faer] matrices for logit.
//!
//! ```
//! # mod logit { pub use logit_core::*; pub use logit_faer::*; }
//! use logit::{Faer, LogisticRegression, faer::mat};
//!
//! let x = mat![[0.2, 9.0], [0.7, 9.0], [0.4, 9.0], [0.9, 9.0f64]];
//! let column = x.subcols(0, 1); // views are as good as matrices, whatever their strides
//! let fit = LogisticRegression::new().l2(0.1).fit(&Faer::from(column), [0, 1, 0, 1])?;
//! let p = fit.model.predict_proba(&Faer::from(column))?; // a Col<f64>
//! assert!(p[1] > p[0]);
//! # Ok::<(), logit::Error>(())
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

mod lines;

use std::ops::Range;

use faer::linalg::matmul::matmul;
use faer::mat::AsMatRef;
use faer::traits::ComplexField;
use faer::{Accum, Col, ColMut, ColRef, MatRef, Par, Shape, Stride};
use logit_core::dense::Dense;
use logit_core::{Backend, Float};

pub use faer;

/// A borrowed faer matrix: rows are observations, columns features.
///
/// Made from a reference to any matrix or view (`Mat`, `MatRef`, `MatMut`), or from a `MatRef` by
/// value. Any strides will do: either order, gaps, transposes, reversed rows and columns. Nothing
/// is copied.
#[derive(Clone, Copy, Debug)]
pub struct Faer<'a, F> {
    x: MatRef<'a, F>,
}

impl<'a, F, M: AsMatRef<T = F>> From<&'a M> for Faer<'a, F> {
    fn from(x: &'a M) -> Self {
        Self { x: x.as_mat_ref().as_dyn() }
    }
}

impl<'a, F, Rows, Cols, RStride, CStride> From<MatRef<'a, F, Rows, Cols, RStride, CStride>>
    for Faer<'a, F>
where
    Rows: Shape,
    Cols: Shape,
    RStride: Stride,
    CStride: Stride,
{
    fn from(x: MatRef<'a, F, Rows, Cols, RStride, CStride>) -> Self {
        Self { x: x.as_dyn_stride().as_dyn() }
    }
}

impl<F: Float + ComplexField> Backend for Faer<'_, F> {
    type Scalar = F;
    type Vector = Col<F>;

    fn nrows(&self) -> usize {
        self.x.nrows()
    }

    fn ncols(&self) -> usize {
        self.x.ncols()
    }

    fn matvec(&self, rows: Range<usize>, w: &[F], out: &mut [F]) {
        match self.dense() {
            Some(dense) => dense.matvec(rows, w, out),
            None => product(self.x.subrows(rows.start, rows.len()), w, Accum::Replace, out),
        }
    }

    fn matvec_transpose(&self, rows: Range<usize>, r: &[F], acc: &mut [F]) {
        match self.dense() {
            Some(dense) => dense.matvec_transpose(rows, r, acc),
            None => {
                let x = self.x.subrows(rows.start, rows.len());
                product(x.transpose(), r, Accum::Add, acc);
            }
        }
    }

    fn dense(&self) -> Option<Dense<'_, F>> {
        lines::dense(self.x)
    }

    fn vector(&self, values: Vec<F>) -> Col<F> {
        values.into_iter().collect()
    }
}

/// `y = a · x`, or `y += a · x`, for matrices with gaps both ways.
fn product<F: ComplexField>(a: MatRef<'_, F>, x: &[F], accum: Accum, y: &mut [F]) {
    let (x, y) = (ColRef::from_slice(x).as_mat(), ColMut::from_slice_mut(y).as_mat_mut());
    matmul(y, accum, a, x, F::one_impl(), Par::Seq);
}
