//! Backends behind a reference or a box.

use std::ops::Range;

use crate::backend::column_moments::ColumnMoments;
use crate::backend::contract::Backend;
use crate::backend::dense::Dense;
use crate::backend::peers::Peers;

/// The methods of [`Backend`] that answer what another backend answers: all but `vector`.
///
/// A provided method that is not forwarded would compute the same, but slowly: the other backend may
/// have a better one.
macro_rules! forward {
    ($self:ident => $inner:expr) => {
        fn nrows(&$self) -> usize {
            $inner.nrows()
        }

        fn ncols(&$self) -> usize {
            $inner.ncols()
        }

        fn matvec(&$self, rows: Range<usize>, w: &[Self::Scalar], out: &mut [Self::Scalar]) {
            $inner.matvec(rows, w, out);
        }

        fn matvec_transpose(
            &$self,
            rows: Range<usize>,
            r: &[Self::Scalar],
            acc: &mut [Self::Scalar],
        ) {
            $inner.matvec_transpose(rows, r, acc);
        }

        fn dense(&$self) -> Option<Dense<'_, Self::Scalar>> {
            $inner.dense()
        }

        fn block_rows(&$self) -> usize {
            $inner.block_rows()
        }

        fn stored_before(&$self, row: usize) -> usize {
            $inner.stored_before(row)
        }

        fn matvec_transpose_wide(
            &$self,
            rows: Range<usize>,
            r: &[Self::Scalar],
            scratch: &mut [Self::Scalar],
            sums: &mut [f64],
        ) {
            $inner.matvec_transpose_wide(rows, r, scratch, sums);
        }

        fn copy_rows(&$self, rows: Range<usize>, out: &mut [Self::Scalar]) {
            $inner.copy_rows(rows, out);
        }

        fn column_moments(
            &$self,
            rows: Range<usize>,
            weights: &[Self::Scalar],
            moments: &mut ColumnMoments<'_>,
        ) {
            $inner.column_moments(rows, weights, moments);
        }

        fn peers(&$self) -> &dyn Peers {
            $inner.peers()
        }
    };
}
pub(crate) use forward;

#[warn(clippy::missing_trait_methods)]
impl<B: Backend + ?Sized> Backend for &B {
    type Scalar = B::Scalar;
    type Vector = B::Vector;

    forward!(self => (**self));

    fn vector(&self, values: Vec<Self::Scalar>) -> Self::Vector {
        (**self).vector(values)
    }
}

#[warn(clippy::missing_trait_methods)]
impl<B: Backend + ?Sized> Backend for Box<B> {
    type Scalar = B::Scalar;
    type Vector = B::Vector;

    forward!(self => (**self));

    fn vector(&self, values: Vec<Self::Scalar>) -> Self::Vector {
        (**self).vector(values)
    }
}
