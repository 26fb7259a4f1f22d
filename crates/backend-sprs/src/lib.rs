//! [sprs] sparse matrices for logit.
//!
//! ```
//! # mod logit { pub use logit_core::*; pub use logit_sprs::*; }
//! use logit::{LogisticRegression, Sprs, sprs::TriMat};
//!
//! let mut words = TriMat::new((4, 1000));
//! for (document, word, count) in [(0, 7, 2.0), (1, 7, 1.0), (1, 500, 3.0), (3, 500, 1.0)] {
//!     words.add_triplet(document, word, count);
//! }
//! let x = words.to_csr::<usize>();
//! let fit = LogisticRegression::new().l2(0.1).fit(&Sprs::from(&x), [0, 1, 0, 1])?;
//! let p = fit.model.predict_proba(&Sprs::from(&x))?; // a Vec<f64>
//! assert!(p[3] > p[0]);
//! # Ok::<(), logit::Error>(())
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod svmlight;

use std::ops::{Deref, Range};

use logit_core::{Backend, ColumnMoments, Float};
use sprs::{CsMatBase, CsMatViewI, SpIndex};

pub use sprs;

/// A borrowed sprs matrix: rows are observations, columns features.
///
/// Made from a reference to any matrix (`CsMat`, `CsMatI` with other types of index, views), or
/// from a view by value. Nothing is copied, and zeros that are not stored take neither memory nor
/// time, with [`standardize`](logit_core::LogisticRegression::standardize) too. Zeros that are
/// stored are elements like any other.
///
/// Compressed rows (CSR) are what fits read best. Compressed columns (CSC), a transposed view for
/// instance, are read as they are, by searching every column for the rows wanted. On text (700 000
/// rows, 47 000 columns, 75 elements a row) a pass over them takes seven times as long as over rows,
/// and mini-batches, which want single rows, are out of the question. Where there is memory for a
/// copy, sprs's `to_csr` costs as much as three such passes.
///
/// sprs itself sees to it that indices are sorted, unique and within the shape.
#[derive(Clone, Copy, Debug)]
pub struct Sprs<'a, F, I: SpIndex = usize, Iptr: SpIndex = I> {
    x: CsMatViewI<'a, F, I, Iptr>,
}

impl<'a, F, I, Iptr, IptrStorage, IStorage, FStorage>
    From<&'a CsMatBase<F, I, IptrStorage, IStorage, FStorage, Iptr>> for Sprs<'a, F, I, Iptr>
where
    I: SpIndex,
    Iptr: SpIndex,
    IptrStorage: Deref<Target = [Iptr]>,
    IStorage: Deref<Target = [I]>,
    FStorage: Deref<Target = [F]>,
{
    fn from(x: &'a CsMatBase<F, I, IptrStorage, IStorage, FStorage, Iptr>) -> Self {
        Self { x: x.view() }
    }
}

impl<'a, F, I: SpIndex, Iptr: SpIndex> From<CsMatViewI<'a, F, I, Iptr>> for Sprs<'a, F, I, Iptr> {
    fn from(x: CsMatViewI<'a, F, I, Iptr>) -> Self {
        Self { x }
    }
}

impl<F: Float, I: SpIndex, Iptr: SpIndex> Sprs<'_, F, I, Iptr> {
    /// The indices and values of a row of compressed rows, a column of compressed columns.
    fn outer(&self, index: usize) -> (&[I], &[F]) {
        let range = self.x.indptr().outer_inds_sz(index);
        (&self.x.indices()[range.clone()], &self.x.data()[range])
    }

    /// Every stored element of some rows: its row, counted from the first of them, its column and
    /// its value.
    #[inline(always)]
    fn for_each(&self, rows: Range<usize>, mut visit: impl FnMut(usize, usize, F)) {
        if self.x.is_csr() {
            for i in rows.clone() {
                let (columns, values) = self.outer(i);
                for (j, &x) in columns.iter().zip(values) {
                    visit(i - rows.start, j.index_unchecked(), x);
                }
            }
        } else {
            for j in 0..self.x.cols() {
                let (all, values) = self.outer(j);
                let start = first_at(all, rows.start, self.x.rows());
                for (i, &x) in all[start..].iter().zip(&values[start..]) {
                    let i = i.index_unchecked();
                    if i >= rows.end {
                        break;
                    }
                    visit(i - rows.start, j, x);
                }
            }
        }
    }

    /// Every stored element of some rows, multiplied by its row's number: its column and the
    /// product.
    #[inline(always)]
    fn for_each_product(&self, rows: Range<usize>, r: &[F], mut visit: impl FnMut(usize, F)) {
        if self.x.is_csr() {
            for (i, &r) in rows.zip(r) {
                let (columns, values) = self.outer(i);
                // Four at a time, for the loop takes a share of the time.
                let (column_chunks, columns) = columns.as_chunks::<4>();
                let (value_chunks, values) = values.as_chunks::<4>();
                for (columns, values) in column_chunks.iter().zip(value_chunks) {
                    for k in 0..4 {
                        visit(columns[k].index_unchecked(), values[k] * r);
                    }
                }
                for (j, &x) in columns.iter().zip(values) {
                    visit(j.index_unchecked(), x * r);
                }
            }
        } else {
            self.for_each(rows, |i, j, x| visit(j, x * r[i]));
        }
    }
}

impl<F: Float, I: SpIndex, Iptr: SpIndex> Backend for Sprs<'_, F, I, Iptr> {
    type Scalar = F;
    type Vector = Vec<F>;

    fn nrows(&self) -> usize {
        self.x.rows()
    }

    fn ncols(&self) -> usize {
        self.x.cols()
    }

    fn matvec(&self, rows: Range<usize>, w: &[F], out: &mut [F]) {
        if self.x.is_csr() {
            for (i, out) in rows.zip(out) {
                *out = dot(self.outer(i), w);
            }
        } else {
            out.fill(F::zero());
            self.for_each(rows, |i, j, x| out[i] += x * w[j]);
        }
    }

    fn matvec_transpose(&self, rows: Range<usize>, r: &[F], acc: &mut [F]) {
        self.for_each_product(rows, r, |j, product| acc[j] += product);
    }

    fn matvec_transpose_wide(
        &self,
        rows: Range<usize>,
        r: &[F],
        _scratch: &mut [F],
        sums: &mut [f64],
    ) {
        self.for_each_product(rows, r, |j, product| sums[j] += product.widen());
    }

    fn vector(&self, values: Vec<F>) -> Vec<F> {
        values
    }

    /// Rows of 256 KiB, within 8 to 1024; with compressed columns so many that their elements
    /// outweigh the searches for them.
    fn block_rows(&self) -> usize {
        let rows_of = |stored: usize| stored.saturating_mul(self.x.rows()) / self.x.nnz().max(1);
        if self.x.is_csr() {
            rows_of(256 * 1024 / (size_of::<F>() + size_of::<I>())).clamp(8, 1024)
        } else {
            rows_of(self.x.cols().saturating_mul(128).max(1 << 16)).max(1)
        }
    }

    fn stored_before(&self, row: usize) -> usize {
        if self.x.is_csr() {
            self.x.indptr().index(row).index_unchecked()
        } else {
            let share = self.x.nnz() as u128 * row as u128 / self.x.rows().max(1) as u128;
            share as usize
        }
    }

    /// Zeros that are not stored are counted, and added together.
    fn column_moments(&self, rows: Range<usize>, weights: &[F], moments: &mut ColumnMoments<'_>) {
        let weight = |i: usize| if weights.is_empty() { 1.0 } else { weights[i].widen() };
        let mut all = Total::default();
        (0..rows.len()).for_each(|i| all.add(weight(i)));
        let mut absent = vec![all; self.x.cols()];
        self.for_each(rows, |i, j, x| {
            moments.add(j, weight(i), x.widen());
            absent[j].subtract(weight(i));
        });
        for (j, total) in absent.into_iter().enumerate().filter(|(_, total)| total.rows > 0) {
            moments.add(j, total.weight + total.lost, 0.0);
        }
    }
}

/// How many rows count, and how much together: in twice the precision, since what is left when most
/// are subtracted would be rounding.
#[derive(Clone, Copy, Default)]
struct Total {
    rows: usize,
    weight: f64,
    lost: f64,
}

impl Total {
    #[inline(always)]
    fn add(&mut self, weight: f64) {
        self.rows += usize::from(weight != 0.0);
        self.add_weight(weight);
    }

    #[inline(always)]
    fn subtract(&mut self, weight: f64) {
        self.rows -= usize::from(weight != 0.0);
        self.add_weight(-weight);
    }

    /// Knuth's error-free sum.
    #[inline(always)]
    fn add_weight(&mut self, weight: f64) {
        let sum = self.weight + weight;
        let part = sum - self.weight;
        self.lost += (self.weight - (sum - part)) + (weight - part);
        self.weight = sum;
    }
}

/// The product of a row with a vector, in eight partial sums.
#[inline(always)]
fn dot<F: Float, I: SpIndex>((columns, values): (&[I], &[F]), w: &[F]) -> F {
    let (column_chunks, columns) = columns.as_chunks::<8>();
    let (value_chunks, values) = values.as_chunks::<8>();
    let mut sums = [F::zero(); 8];
    for (columns, values) in column_chunks.iter().zip(value_chunks) {
        for k in 0..8 {
            sums[k] += values[k] * w[columns[k].index_unchecked()];
        }
    }
    for (j, &x) in columns.iter().zip(values) {
        sums[0] += x * w[j.index_unchecked()];
    }
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + b) + (c + d)) + ((e + f) + (g + h))
}

/// Where in the sorted indices of a column those from `row` on start.
///
/// A search by doubling steps from where it would be if they were evenly spread: for most columns
/// that touches only memory that is read next, while halving them would miss the cache every time.
#[inline(always)]
fn first_at<I: SpIndex>(indices: &[I], row: usize, nrows: usize) -> usize {
    let before = |k: usize| indices[k].index_unchecked() < row;
    let guess = (indices.len() as f64 * (row as f64 / nrows.max(1) as f64)) as usize;
    let (mut low, mut high, mut step) = (guess, guess, 4);
    while high < indices.len() && before(high) {
        low = high + 1;
        high = low + step;
        step *= 2;
    }
    while low > 0 && !before(low - 1) {
        high = low - 1;
        low = high.saturating_sub(step);
        step *= 2;
    }
    let high = high.min(indices.len());
    low + indices[low..high].partition_point(|i| i.index_unchecked() < row)
}
