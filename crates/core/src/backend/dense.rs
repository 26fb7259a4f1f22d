//! Products with a dense matrix at the speed of memory, for backends whose library has none.
//!
//! A dense matrix is a set of contiguous *lines*: its rows in C order, its columns in F order. Each
//! product of the [`Backend`](crate::Backend) contract is then one of two loops over lines. The
//! loops are compiled for AVX-512, AVX2 and the baseline, and chosen at run time. Sums are taken in
//! a fixed order without fused multiply-add, so all instruction sets give the same bits.

use std::marker::PhantomData;

use crate::numbers::float::Float;
use crate::numbers::lines::Lines;

/// Numbers in a slice, from any library: a matrix whose rows or columns are contiguous.
///
/// It borrows the slice, and computes the products of other backends too.
///
/// ```
/// # use logit_core as logit;
/// use logit::{Dense, LogisticRegression};
///
/// let hours_and_sleep = [0.5, 6.0, 1.0, 8.0, 3.5, 5.0, 4.0, 8.0];
/// let x = Dense::from_rows(&hours_and_sleep, 4, 2);
/// let fit = LogisticRegression::new().l2(0.1).fit(&x, [false, false, true, true])?;
/// assert_eq!(fit.model.predict_proba(&x)?.len(), 4); // a Vec<f64>
/// # Ok::<(), logit::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Dense<'a, F> {
    pub(super) lines: Lines<'a, F>,
    pub(super) rows_are_lines: bool,
}

impl<'a, F: Float> Dense<'a, F> {
    /// A matrix of `nrows` rows of `ncols` numbers, one row after the other.
    ///
    /// # Panics
    /// If there are not `nrows · ncols` values.
    pub fn from_rows(values: &'a [F], nrows: usize, ncols: usize) -> Self {
        Self { lines: Lines::from_slice(values, nrows, ncols), rows_are_lines: true }
    }

    /// A matrix of `ncols` columns of `nrows` numbers, one column after the other.
    ///
    /// # Panics
    /// If there are not `nrows · ncols` values.
    pub fn from_columns(values: &'a [F], nrows: usize, ncols: usize) -> Self {
        Self { lines: Lines::from_slice(values, ncols, nrows), rows_are_lines: false }
    }

    /// A matrix of `nrows` rows of `ncols` numbers, each row `stride` numbers after the one before.
    ///
    /// Rows may overlap: with a stride of 1, a row is a window on a series.
    ///
    /// ```
    /// # use logit_core as logit;
    /// use logit::{Dense, LogisticRegression};
    ///
    /// // The third number of each row is no feature.
    /// let table = [0.5, 6.0, 17.0, 1.0, 8.0, 18.0, 3.5, 5.0, 19.0, 4.0, 8.0, 20.0];
    /// let x = Dense::from_rows_with_stride(&table, 4, 2, 3);
    /// let fit = LogisticRegression::new().l2(0.1).fit(&x, [0, 1, 0, 1])?;
    /// assert_eq!(fit.model.weights().len(), 2);
    /// # Ok::<(), logit::Error>(())
    /// ```
    ///
    /// # Panics
    /// If the last row does not end within the values.
    pub fn from_rows_with_stride(
        values: &'a [F],
        nrows: usize,
        ncols: usize,
        stride: usize,
    ) -> Self {
        Self { lines: Lines::with_stride(values, nrows, ncols, stride), rows_are_lines: true }
    }

    /// A matrix of `ncols` columns of `nrows` numbers, each column `stride` numbers after the one
    /// before: the leading dimension of LAPACK.
    ///
    /// # Panics
    /// If the last column does not end within the values.
    pub fn from_columns_with_stride(
        values: &'a [F],
        nrows: usize,
        ncols: usize,
        stride: usize,
    ) -> Self {
        Self { lines: Lines::with_stride(values, ncols, nrows, stride), rows_are_lines: false }
    }

    /// A matrix of `nrows` by `ncols` numbers in memory, if its rows or columns are contiguous.
    ///
    /// # Safety
    /// For `'a` every element (i, j) within the shape, at `first + i · strides.0 + j · strides.1`,
    /// may be read and is not written.
    #[allow(unsafe_code)]
    pub unsafe fn from_raw_parts(
        first: *const F,
        (nrows, ncols): (usize, usize),
        strides: (isize, isize),
    ) -> Option<Self> {
        let lines = |count, len, stride| Lines { first, count, len, stride, life: PhantomData };
        // A line of one element is contiguous whatever its stride.
        if strides.1 == 1 || ncols <= 1 {
            Some(Self { lines: lines(nrows, ncols, strides.0), rows_are_lines: true })
        } else if strides.0 == 1 || nrows <= 1 {
            Some(Self { lines: lines(ncols, nrows, strides.1), rows_are_lines: false })
        } else {
            None
        }
    }
}
