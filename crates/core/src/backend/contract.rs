//! The contract between the algorithms and a matrix.

use std::ops::{Index, Range};

use num_traits::{Float as _, One, Zero};

use crate::backend::column_moments::ColumnMoments;
use crate::backend::dense::Dense;
use crate::backend::error::Error;
use crate::backend::peers::{Alone, Peers};
use crate::numbers::float::Float;

/// A design matrix that a linear-algebra library lends to the algorithms: n rows, one per
/// observation, and d columns, one per feature.
///
/// An implementation is a *value that borrows a matrix*. It needs the four required methods of
/// linear algebra below and [`vector`](Self::vector), about 30 lines. `examples/custom_backend.rs`
/// of the `logit` crate is complete. Vectors are passed as slices, which every library can view as
/// its own. The trait can be used as `dyn Backend<Scalar = F, Vector = V>`;
/// [`AnyBackend`](crate::AnyBackend) hides the vector too.
///
/// # Contract
///
/// Every sentence here has a check in the `logit-conformance` crate. One macro line runs them all
/// on any backend.
///
/// - **Shape.** [`nrows`](Self::nrows) and [`ncols`](Self::ncols) are the shape of the matrix, and
///   never change while the backend exists.
/// - **Product.** [`matvec`](Self::matvec) sets `out[i] = Σⱼ x[rows.start + i, j] · w[j]`, within
///   the rounding of a sum of d terms in any order. It overwrites whatever `out` held, NaN
///   included.
/// - **Accumulation.** [`matvec_transpose`](Self::matvec_transpose) *adds*
///   `Σᵢ x[rows.start + i, j] · r[i]` to `acc[j]`, within the rounding of a sum of
///   `rows.len() + 1` terms in any order.
/// - **Ranges.** Both work on any range within `0..nrows`. An empty range changes nothing. A range
///   cut in two computes the same as the whole, within rounding.
/// - **Exact rows.** With one row and `r = [1]`, `matvec_transpose` onto zeros gives that row
///   itself, exactly. Nothing is rescaled, and nothing of other rows leaks in.
/// - **Non-finite values.** A NaN or infinity in the matrix, in `w` or in `r` propagates as in IEEE
///   754 arithmetic. In particular 0 · NaN and 0 · ∞ are NaN, so no term may be skipped because its
///   factor is 0.
/// - **Layout.** Rows and columns are those of the matrix as its library indexes it, whatever its
///   strides: transposed, sliced, stepped, reversed.
/// - **Repeatability.** Equal calls give equal bits, whichever thread makes them and whatever
///   calls are under way on others.
/// - **Order.** [`vector`](Self::vector) keeps the values and their order.
/// - **Stored elements.** [`stored_before`](Self::stored_before) is 0 for row 0 and never falls. It
///   ends between the number of elements that are not zero and n · d. If it ends below n · d, the
///   matrix is sparse. Elements that it does not store are zeros that take part in nothing: neither
///   NaN nor infinity in `w` or `r` reaches anything through them.
/// - **Wide accumulation.** [`matvec_transpose_wide`](Self::matvec_transpose_wide), where
///   overridden, adds what the provided one adds, within rounding.
/// - **Copied rows.** [`copy_rows`](Self::copy_rows), where overridden, copies what the provided
///   one copies, exactly.
/// - **Moments.** [`column_moments`](Self::column_moments), where overridden, adds what the
///   provided one adds, sums within rounding and largest deviations exactly. Sums are exactly zero
///   for a column equal to its origin. A row of weight 0 adds nothing, whatever it holds.
///
/// The algorithms guarantee that `rows` lies within `0..nrows` and that slices have the lengths
/// that the methods name. For other calls a backend may panic, as slicing does by itself.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `Backend`",
    label = "a matrix of a library must be wrapped",
    note = "wrap the matrix of a library: `Ndarray::from(&x)`, `Nalgebra::from(&x)`, `Faer::from(&x)`, `Sprs::from(&x)`",
    note = "numbers in a slice: `Dense::from_rows(&values, nrows, ncols)` or `Dense::from_columns(&values, nrows, ncols)`",
    note = "the numbers of the matrix must be `f32` or `f64`"
)]
pub trait Backend: Sync {
    /// The precision of the matrix.
    type Scalar: Float;

    /// The library's own vector, in which predictions are returned.
    ///
    /// Code that is generic over `Backend` can only index it. It takes predictions into a slice of its
    /// own instead: [`Model::predict_proba_into`](crate::Model::predict_proba_into).
    type Vector: Index<usize, Output = Self::Scalar>;

    /// The number of rows, n.
    fn nrows(&self) -> usize;

    /// The number of columns, d.
    fn ncols(&self) -> usize;

    /// The product of some rows with a vector.
    ///
    /// ```text
    /// out = X[rows] · w          w: d numbers, out: rows.len() numbers
    /// ```
    fn matvec(&self, rows: Range<usize>, w: &[Self::Scalar], out: &mut [Self::Scalar]);

    /// Adds the product of the transpose of some rows with a vector.
    ///
    /// ```text
    /// acc += X[rows]ᵀ · r        r: rows.len() numbers, acc: d numbers
    /// ```
    fn matvec_transpose(&self, rows: Range<usize>, r: &[Self::Scalar], acc: &mut [Self::Scalar]);

    /// Converts values to the library's own vector.
    fn vector(&self, values: Vec<Self::Scalar>) -> Self::Vector;

    /// The matrix in plain memory, if its rows or its columns are contiguous.
    ///
    /// The provided methods use it, and both products may. The provided method returns `None`.
    fn dense(&self) -> Option<Dense<'_, Self::Scalar>> {
        None
    }

    /// The number of rows of a good block: few enough to stay in cache between the two products,
    /// and enough to make the calls worthwhile.
    ///
    /// It is fixed by the matrix alone, because it decides the order of summation. The provided
    /// method aims at 256 KiB of a dense matrix, and up to 1 MiB if that makes fewer than 128 rows.
    /// It returns 8 to 1024 rows. Contiguous rows that do not fit a cache together get much smaller
    /// blocks.
    fn block_rows(&self) -> usize {
        if let Some(dense) = self.dense() {
            return dense.block_rows();
        }
        column_block_rows(size_of::<Self::Scalar>().saturating_mul(self.ncols()))
    }

    /// The number of elements that the rows before `row` store, for `row` within `0..=nrows`.
    ///
    /// It decides how rows are dealt to threads, so an estimate is enough, except at `nrows`. The
    /// provided method returns `row · ncols`, as for a dense matrix, which stores every element.
    fn stored_before(&self, row: usize) -> usize {
        row.saturating_mul(self.ncols())
    }

    /// Adds the product of the transpose of some rows with a vector to sums in `f64`.
    ///
    /// ```text
    /// sums += X[rows]ᵀ · r        r: rows.len() numbers, scratch, of any value, and sums: d
    /// ```
    ///
    /// The provided method first sums in the precision of the matrix, with
    /// [`matvec_transpose`](Self::matvec_transpose) onto `scratch`. That touches d numbers: far too
    /// many for a few rows of a wide sparse matrix, which adds its stored elements one by one.
    fn matvec_transpose_wide(
        &self,
        rows: Range<usize>,
        r: &[Self::Scalar],
        scratch: &mut [Self::Scalar],
        sums: &mut [f64],
    ) {
        scratch.fill(Self::Scalar::zero());
        self.matvec_transpose(rows, r, scratch);
        add_widened(scratch, sums);
    }

    /// Copies some rows, one after the other; elements that are not stored are zeros.
    ///
    /// Newton's method uses it for the weighted Gram matrix of some rows. The provided method
    /// extracts rows with [`matvec_transpose`](Self::matvec_transpose), unless the matrix is
    /// [`dense`](Self::dense).
    ///
    /// # Panics
    /// If the lengths or the rows do not fit.
    fn copy_rows(&self, rows: Range<usize>, out: &mut [Self::Scalar]) {
        if let Some(dense) = self.dense() {
            return dense.copy_rows(rows, out);
        }
        let d = self.ncols();
        assert_eq!(Some(out.len()), rows.len().checked_mul(d), "as many places as elements");
        for (k, i) in rows.enumerate() {
            copy_row(self, i, &mut out[k * d..][..d]);
        }
    }

    /// Adds some rows to sums of each column's deviations from an origin.
    ///
    /// `weights` has one finite number per row, 0 or positive. It is empty if all rows count 1. A
    /// weight of 2 counts the row twice. A fit calls this once or twice, for standard deviations.
    /// The provided method extracts rows with [`matvec_transpose`](Self::matvec_transpose), unless
    /// the matrix is [`dense`](Self::dense).
    ///
    /// # Panics
    /// If the lengths or the rows do not fit.
    fn column_moments(
        &self,
        rows: Range<usize>,
        weights: &[Self::Scalar],
        moments: &mut ColumnMoments<'_>,
    ) {
        if let Some(dense) = self.dense() {
            return dense.column_moments(rows, weights, moments);
        }
        let mut row = vec![Self::Scalar::zero(); self.ncols()];
        for (k, i) in rows.enumerate() {
            let weight = weight_of(weights, k);
            if weight != 0.0 {
                copy_row(self, i, &mut row);
                moments.add_row(weight, &row);
            }
        }
    }

    /// The processes that together hold the rows of one matrix, this process included.
    ///
    /// The provided method returns this process alone, which holds all rows.
    fn peers(&self) -> &dyn Peers {
        &Alone
    }
}

/// The weight of the row at a position: 1 without weights.
#[inline(always)]
pub(crate) fn weight_of<F: Float>(weights: &[F], position: usize) -> f64 {
    if weights.is_empty() { 1.0 } else { weights[position].widen() }
}

/// `sums += values`
pub(crate) fn add_widened<F: Float>(values: &[F], sums: &mut [f64]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += value.widen();
    }
}

/// The number of rows of a block whose rows are not contiguous.
///
/// A block should stay in a core's own L2 cache, which is 512 KiB or more nearly everywhere. Fewer
/// than 128 rows are slower although the block is smaller: columns are then read in short pieces.
/// Pieces of whole cache lines are best.
pub(crate) fn column_block_rows(row_bytes: usize) -> usize {
    let rows = |kib: usize| (kib * 1024) / row_bytes.max(1);
    match rows(256).max(rows(1024).min(128)).clamp(8, 1024) {
        few @ ..64 => few,
        rows => rows / 64 * 64,
    }
}

/// Copies row `i` into `out`, exactly.
pub(crate) fn copy_row<B: Backend + ?Sized>(x: &B, i: usize, out: &mut [B::Scalar]) {
    out.fill(B::Scalar::zero());
    x.matvec_transpose(i..i + 1, &[B::Scalar::one()], out);
}

/// The error about a non-finite value, if any process has one; else `error`.
pub(crate) fn explain<B: Backend + ?Sized>(error: Error, x: &B) -> Error {
    x.peers().agree(check_finite(x, 0..x.nrows())).err().unwrap_or(error)
}

/// Fails on the first non-finite value, row by row.
///
/// The product with zeros is NaN for a row with a non-finite value, and 0 for others.
pub(crate) fn check_finite<B: Backend + ?Sized>(x: &B, rows: Range<usize>) -> Result<(), Error> {
    check_products(x, rows, &vec![B::Scalar::zero(); x.ncols()])
}

/// Fails on the first row whose product with finite weights is not finite, and says why.
pub(crate) fn check_products<B: Backend + ?Sized>(
    x: &B,
    rows: Range<usize>,
    weights: &[B::Scalar],
) -> Result<(), Error> {
    let mut products = vec![B::Scalar::zero(); rows.len().min(x.block_rows().max(1))];
    for start in rows.clone().step_by(products.len().max(1)) {
        let block = start..rows.end.min(start + products.len());
        let products = &mut products[..block.len()];
        x.matvec(block, weights, products);
        if let Some(i) = products.iter().position(|product| !product.is_finite()) {
            return Err(bad_product(x, start + i, weights, products[i].widen()));
        }
    }
    Ok(())
}

/// Why the product of a row with finite weights is not finite.
fn bad_product<B: Backend + ?Sized>(x: &B, row: usize, weights: &[B::Scalar], value: f64) -> Error {
    let mut features = vec![B::Scalar::zero(); x.ncols()];
    copy_row(x, row, &mut features);
    if let Some(column) = features.iter().position(|x| !x.is_finite()) {
        return Error::NonFiniteFeature { row, column, value: features[column].widen() };
    }
    let sizes = features.iter().zip(weights).map(|(x, w)| (x.widen() * w.widen()).abs());
    if in_range::<B::Scalar>(sizes.sum()) {
        return Error::BackendProduct { method: "matvec", place: format!("row {row}"), value };
    }
    Error::NonFiniteLogit { row, value }
}

/// Whether no sum of terms overflows, in any order, if their absolute values add up to `size`.
pub(crate) fn in_range<F: Float>(size: f64) -> bool {
    size < F::max_value().widen() / 2.0
}
