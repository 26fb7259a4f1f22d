//! Products with a dense matrix at the speed of memory, for backends whose library has none.
//!
//! A dense matrix is a set of contiguous *lines*: its rows in C order, its columns in F order. Both
//! products of the [`Backend`] contract are then one of two loops over lines, which
//! are compiled for AVX-512, AVX2 and the baseline and chosen at run time. Sums are taken in a
//! fixed order without fused multiply-add: all instruction sets give the same bits.

use std::iter::repeat;
use std::marker::PhantomData;
use std::ops::Range;

use multiversion::multiversion;

use crate::backend::{column_block_rows, weight_of};
use crate::moments::add_elements;
#[cfg(target_arch = "x86_64")]
use crate::registers;
use crate::{Backend, ColumnMoments, Float};

/// A borrowed dense matrix of which the rows or the columns are contiguous.
///
/// It is a backend of its own, for numbers in a plain slice, and the products of others.
///
/// ```
/// use logit_core::{LogisticRegression, dense::Dense};
///
/// let hours_and_sleep = [0.5, 6.0, 1.0, 8.0, 3.5, 5.0, 4.0, 8.0];
/// let x = Dense::from_rows(&hours_and_sleep, 4, 2);
/// let fit = LogisticRegression::new().l2(0.1).fit(&x, [false, false, true, true])?;
/// assert_eq!(fit.model.predict_proba(&x)?.len(), 4); // a Vec<f64>
/// # Ok::<(), logit_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Dense<'a, F> {
    lines: Lines<'a, F>,
    rows_are_lines: bool,
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

impl<F: Float> Dense<'_, F> {
    /// What memory is asked for while a block of rows is multiplied: where it lies in the L1 cache
    /// each product asks for half of the next one, as given; of a longer part of columns for that of
    /// the next columns.
    fn ahead(&self, rows: usize, half: [bool; 2]) -> Ahead {
        if self.rows_are_lines {
            Ahead { distance: (AHEAD_BYTES / size_of::<F>()) as isize, fours: half }
        } else if self.is_small(rows) {
            Ahead { distance: rows as isize, fours: half }
        } else {
            Ahead { distance: self.lines.stride.wrapping_mul(4), fours: [true; 2] }
        }
    }

    /// Whether so many rows lie in the L1 cache.
    fn is_small(&self, rows: usize) -> bool {
        size_of::<F>().saturating_mul(rows).saturating_mul(self.ncols()) <= SMALL_BLOCK_BYTES
    }
}

impl<F: Float> Backend for Dense<'_, F> {
    type Scalar = F;
    type Vector = Vec<F>;

    fn nrows(&self) -> usize {
        if self.rows_are_lines { self.lines.count } else { self.lines.len }
    }

    fn ncols(&self) -> usize {
        if self.rows_are_lines { self.lines.len } else { self.lines.count }
    }

    fn matvec(&self, rows: Range<usize>, w: &[F], out: &mut [F]) {
        out.fill(F::zero());
        let ahead = self.ahead(rows.len(), [true, false]);
        if self.rows_are_lines {
            add_dots(self.lines.some(rows), w, out, ahead);
        } else {
            let in_strips = self.is_small(rows.len());
            add_multiples(self.lines.part(rows), w, out, ahead, in_strips);
        }
    }

    fn matvec_transpose(&self, rows: Range<usize>, r: &[F], acc: &mut [F]) {
        let ahead = self.ahead(rows.len(), [false, true]);
        if self.rows_are_lines {
            add_multiples(self.lines.some(rows), r, acc, ahead, r.len() >= MANY_ROWS);
        } else {
            add_dots(self.lines.part(rows), r, acc, ahead);
        }
    }

    fn vector(&self, values: Vec<F>) -> Vec<F> {
        values
    }

    fn block_rows(&self) -> usize {
        let row_bytes = size_of::<F>().saturating_mul(self.ncols().max(1));
        let small = |multiple| SMALL_BLOCK_BYTES / row_bytes / multiple * multiple;
        if !self.rows_are_lines {
            let rows = small(PIECE_BYTES / size_of::<F>());
            return if rows > 0 { rows } else { column_block_rows(row_bytes) };
        }
        // Losses are worked out so many at a time.
        let lanes = 64 / size_of::<F>();
        match self.ncols() {
            LONG_ROW.. => (LONG_BLOCK_BYTES / row_bytes).max(8),
            _ => small(lanes).max(lanes),
        }
    }

    fn copy_rows(&self, rows: Range<usize>, out: &mut [F]) {
        let d = self.ncols();
        assert_eq!(Some(out.len()), rows.len().checked_mul(d), "as many places as elements");
        if d == 0 {
            return;
        }
        if self.rows_are_lines {
            let lines = self.lines.some(rows);
            if let Some(all) = lines.joined() {
                return out.copy_from_slice(all);
            }
            let out = out.chunks_exact_mut(d).enumerate();
            out.for_each(|(i, row)| row.copy_from_slice(lines.get(i)));
        } else {
            let lines = self.lines.part(rows);
            for j in 0..d {
                let column = out.iter_mut().skip(j).step_by(d);
                column.zip(lines.get(j)).for_each(|(out, &value)| *out = value);
            }
        }
    }

    fn column_moments(&self, rows: Range<usize>, weights: &[F], moments: &mut ColumnMoments<'_>) {
        if self.rows_are_lines {
            let lines = self.lines.some(rows);
            for i in 0..lines.count {
                moments.add_row(weight_of(weights, i), lines.get(i));
            }
        } else {
            let lines = self.lines.part(rows);
            for j in 0..lines.count {
                moments.join(j, line_moments(lines.get(j), weights, moments.origin()[j]));
            }
        }
    }
}

/// The sums of a line's deviations from the origin, by eight partial sums.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn line_moments<F: Float>(line: &[F], weights: &[F], origin: f64) -> [f64; 3] {
    const LANES: usize = 8;
    let [mut sums, mut squares, mut largest] = [[0.0; LANES]; 3];
    let mut of_rows = [1.0; LANES];
    for (k, chunk) in line.chunks(LANES).enumerate() {
        if !weights.is_empty() {
            let weights = &weights[k * LANES..][..chunk.len()];
            of_rows.iter_mut().zip(weights).for_each(|(of_row, weight)| *of_row = weight.widen());
        }
        let of_rows = of_rows.iter().copied();
        add_elements(chunk, of_rows, repeat(origin), &mut sums, &mut squares, &mut largest);
    }
    [sums.iter().sum(), squares.iter().sum(), largest.into_iter().fold(0.0, f64::max)]
}

/// The row length for [`add_gram`]: whole tiles, and not a power of two, by which rows would share
/// their place in cache.
pub(crate) fn padded(order: usize) -> usize {
    let tiles = order.div_ceil(TILE);
    TILE * if tiles.is_multiple_of(8) { tiles + 1 } else { tiles }
}

/// How many columns a tile of [`add_gram`] has; it has as many rows, or half.
const TILE: usize = 8;

/// Adds the product of a matrix with [`padded`] rows, as many as one likes, and itself to the lower
/// triangle of another, and to some of the upper one.
///
/// ```text
/// gram[j, k] += Σᵢ a[i, j] · a[i, k]        k ≤ j
/// ```
pub(crate) fn add_gram(a: &[f64], gram: &mut [f64], order: usize) {
    // Tiles that leave some of the registers for the factors.
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") {
        return add_gram_by::<8>(a, gram, order);
    }
    add_gram_by::<4>(a, gram, order);
}

fn add_gram_by<const ROWS: usize>(a: &[f64], gram: &mut [f64], order: usize) {
    for j in (0..order).step_by(ROWS) {
        for k in (0..j + ROWS).step_by(TILE) {
            add_gram_tile::<ROWS>(a, gram, order, j, k);
        }
    }
}

/// The products of some columns, from `j` on, with eight, from `k` on, in registers.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn add_gram_tile<const ROWS: usize>(a: &[f64], gram: &mut [f64], order: usize, j: usize, k: usize) {
    let mut tile = [[0.0; TILE]; ROWS];
    for row in a.chunks_exact(order) {
        let (Some(left), Some(right)) = (row[j..].first_chunk(), row[k..].first_chunk()) else {
            return;
        };
        let (left, right): (&[f64; ROWS], &[f64; TILE]) = (left, right);
        for row in 0..ROWS {
            for column in 0..TILE {
                tile[row][column] += left[row] * right[column];
            }
        }
    }
    for (row, sums) in tile.iter().enumerate() {
        let gram = &mut gram[(j + row) * order + k..][..TILE];
        gram.iter_mut().zip(sums).for_each(|(gram, sum)| *gram += sum);
    }
}

/// `y[i] += matrix[rows.start + i, columns] · x` for a square matrix.
pub(crate) fn add_square_dots(
    matrix: &[f64],
    order: usize,
    rows: Range<usize>,
    columns: Range<usize>,
    x: &[f64],
    y: &mut [f64],
) {
    let lines = Lines::from_slice(matrix, order, order).some(rows).part(columns);
    add_dots(lines, x, y, Ahead::NOTHING);
}

/// Blocks of short rows or of few columns stay in the L1 cache while they are multiplied twice,
const SMALL_BLOCK_BYTES: usize = 16 * 1024;
/// unless so little of each column would be less than is worth reading on its own.
const PIECE_BYTES: usize = 256;
/// The length of a long row.
const LONG_ROW: usize = 256;
/// Of long rows a block goes to the L2 cache.
const LONG_BLOCK_BYTES: usize = 128 * 1024;
/// From so many rows on sums by long rows are taken in strips, which stay in registers: rows of about
/// 4 KiB share their place in cache with the sums, and those would be taken for one another.
const MANY_ROWS: usize = 16;
/// How far ahead of short rows that are multiplied memory is asked for: not quite a block.
const AHEAD_BYTES: usize = 12 * 1024;

/// What memory is asked for while lines are multiplied, so that it works all the time.
#[derive(Clone, Copy)]
#[cfg_attr(not(target_arch = "x86_64"), expect(dead_code))]
pub(crate) struct Ahead {
    /// How far beyond the numbers that are read lie those asked for, counted in numbers.
    pub(crate) distance: isize,
    /// Of every eight lines, whether the first four ask, and whether the last four do.
    pub(crate) fours: [bool; 2],
}

impl Ahead {
    const NOTHING: Self = Self { distance: 0, fours: [false; 2] };

    /// At what distance a line asks, if it does.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(crate) fn asked_by(&self, line: usize) -> Option<isize> {
        self.fours[line / 4 % 2].then_some(self.distance)
    }
}

/// `y[i] += line(i) · x` for every line.
#[cfg_attr(not(target_arch = "x86_64"), expect(unused_variables))]
fn add_dots<F: Float>(lines: Lines<'_, F>, x: &[F], y: &mut [F], ahead: Ahead) {
    #[cfg(target_arch = "x86_64")]
    if registers::add_dots(lines, x, y, ahead) {
        return;
    }
    if size_of::<F>() == 8 {
        add_dots_by::<F, 32>(lines, x, y);
    } else {
        add_dots_by::<F, 64>(lines, x, y);
    }
}

/// By `SUMS` partial sums, which are added up in halves.
pub(crate) fn add_dots_by<F: Float, const SUMS: usize>(lines: Lines<'_, F>, x: &[F], y: &mut [F]) {
    assert_eq!((x.len(), y.len()), lines.shape(), "lengths of vectors");
    for (i, y) in y.iter_mut().enumerate() {
        let mut sums = [F::zero(); SUMS];
        for (line, x) in lines.get(i).chunks(SUMS).zip(x.chunks(SUMS)) {
            for (sum, (&a, &b)) in sums.iter_mut().zip(line.iter().zip(x)) {
                *sum += a * b;
            }
        }
        let mut half = SUMS / 2;
        while half > 0 {
            for k in 0..half {
                let upper = sums[half + k];
                sums[k] += upper;
            }
            half /= 2;
        }
        *y += sums[0];
    }
}

/// `y += Σᵢ x[i] · line(i)`, in strips if there are registers for them.
#[cfg_attr(not(target_arch = "x86_64"), expect(unused_variables))]
fn add_multiples<F: Float>(
    lines: Lines<'_, F>,
    x: &[F],
    y: &mut [F],
    ahead: Ahead,
    in_strips: bool,
) {
    #[cfg(target_arch = "x86_64")]
    if registers::add_multiples(lines, x, y, ahead, in_strips) {
        return;
    }
    add_multiples_by(lines, x, y);
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
pub(crate) fn add_multiples_by<F: Float>(lines: Lines<'_, F>, x: &[F], y: &mut [F]) {
    assert_eq!((y.len(), x.len()), lines.shape(), "lengths of vectors");
    let (fours, rest) = x.as_chunks::<4>();
    for (k, &[a, b, c, d]) in fours.iter().enumerate() {
        // Not through a closure: it would not be compiled for the instruction set.
        let (p, q) = (lines.get(4 * k), lines.get(4 * k + 1));
        let (r, s) = (lines.get(4 * k + 2), lines.get(4 * k + 3));
        for (y, ((&p, &q), (&r, &s))) in y.iter_mut().zip(p.iter().zip(q).zip(r.iter().zip(s))) {
            *y += (a * p + b * q) + (c * r + d * s);
        }
    }
    for (k, &a) in rest.iter().enumerate() {
        for (y, &p) in y.iter_mut().zip(lines.get(lines.count - rest.len() + k)) {
            *y += a * p;
        }
    }
}

/// Contiguous lines of equal length, a stride apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lines<'a, F> {
    first: *const F,
    count: usize,
    len: usize,
    stride: isize,
    life: PhantomData<&'a [F]>,
}

#[allow(unsafe_code)]
mod lines {
    //! The unsafe part: lines as slices of memory that somebody has vouched for.

    use super::{Float, Lines, PhantomData, Range};

    // SAFETY: lines are shared references to numbers, which any thread may hold.
    unsafe impl<F: Sync> Send for Lines<'_, F> {}
    // SAFETY: as above.
    unsafe impl<F: Sync> Sync for Lines<'_, F> {}

    impl<'a, F: Float> Lines<'a, F> {
        pub(crate) fn from_slice(values: &'a [F], count: usize, len: usize) -> Self {
            assert_eq!(Some(values.len()), count.checked_mul(len), "as many values as elements");
            let (first, stride) = (values.as_ptr(), len as isize);
            Self { first, count, len, stride, life: PhantomData }
        }

        /// The lines of a range.
        pub(crate) fn some(self, range: Range<usize>) -> Self {
            assert!(range.start <= range.end && range.end <= self.count, "lines {range:?}");
            let first = self.first.wrapping_offset(range.start as isize * self.stride);
            Self { first, count: range.len(), ..self }
        }

        /// A range of every line.
        pub(crate) fn part(self, range: Range<usize>) -> Self {
            assert!(range.start <= range.end && range.end <= self.len, "elements {range:?}");
            Self { first: self.first.wrapping_add(range.start), len: range.len(), ..self }
        }

        #[cfg(all(test, target_arch = "x86_64"))]
        pub(crate) fn every_second(self) -> Self {
            let first = self.first.wrapping_offset(self.stride);
            Self { first, count: self.count / 2, stride: 2 * self.stride, ..self }
        }

        /// All numbers of all lines, if no others lie between them.
        pub(super) fn joined(self) -> Option<&'a [F]> {
            let len = self.count.checked_mul(self.len)?;
            let joined = self.stride == self.len as isize;
            joined.then(|| Self { count: 1, len, ..self }.get(0))
        }

        /// The length and the number of lines.
        pub(crate) fn shape(&self) -> (usize, usize) {
            (self.len, self.count)
        }

        /// Where a line begins, or would if there were so many.
        #[inline(always)]
        pub(crate) fn pointer(&self, index: usize) -> *const F {
            self.first.wrapping_offset(index as isize * self.stride)
        }

        #[inline(always)]
        pub(crate) fn get(&self, index: usize) -> &'a [F] {
            assert!(index < self.count, "line {index} of {}", self.count);
            // SAFETY: whoever made the first `Lines` vouched for each of its `count` lines of `len`
            // contiguous elements, `stride` apart, for 'a: `from_slice` by its slice, which it has
            // checked to hold them all; `Dense::from_raw_parts` by its own contract. `some` and
            // `part` only narrow, within bounds that they check; `joined` has the same numbers in one
            // line. An empty line may have any address that is not null, and offsets from one that
            // is not null stay so.
            unsafe { std::slice::from_raw_parts(self.pointer(index), self.len) }
        }
    }
}
