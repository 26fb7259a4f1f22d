//! The products of a dense matrix, cut into blocks that suit the caches.

use std::iter::repeat;
use std::ops::Range;

use multiversion::multiversion;

use crate::backend::column_moments::{ColumnMoments, add_elements};
use crate::backend::contract::{Backend, column_block_rows, weight_of};
use crate::backend::dense::Dense;
use crate::numbers::float::Float;
use crate::numbers::lines::Ahead;
use crate::numbers::products::{add_dots, add_multiples};

/// The size of a block of short rows or of few columns, which stays in the L1 cache between its two
/// products.
const SMALL_BLOCK_BYTES: usize = 16 * 1024;
/// The smallest piece of a column that is worth reading on its own. If a small block would hold
/// less of each column, the block is larger.
const PIECE_BYTES: usize = 256;
/// The number of columns from which on a row is long.
const LONG_ROW: usize = 256;
/// The size of a block of long rows, which goes to the L2 cache.
const LONG_BLOCK_BYTES: usize = 128 * 1024;
/// The number of rows from which on sums over long rows are taken in strips that stay in registers.
/// Rows of about 4 KiB share their place in cache with the sums, and the processor would take one
/// for the other.
const MANY_ROWS: usize = 16;
/// The distance at which memory is prefetched for short rows: not quite a block.
const AHEAD_BYTES: usize = 12 * 1024;

impl<F: Float> Dense<'_, F> {
    /// The memory to prefetch while a block of rows is multiplied. If the block lies in the L1
    /// cache, each product prefetches the given half of the next block. Longer pieces of columns
    /// prefetch those of the next columns.
    fn ahead(&self, rows: usize, half: [bool; 2]) -> Ahead {
        if self.rows_are_lines {
            Ahead { distance: (AHEAD_BYTES / size_of::<F>()) as isize, fours: half }
        } else if self.is_small(rows) {
            Ahead { distance: rows as isize, fours: half }
        } else {
            Ahead { distance: self.lines.stride.wrapping_mul(4), fours: [true; 2] }
        }
    }

    /// Whether a block of `rows` rows lies in the L1 cache.
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
        // The number of losses that are computed at a time.
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

/// The moments of a line's deviations from the origin, as eight partial sums.
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
