//! Which rows a sum is over: all, a sample, or a batch.

use std::ops::Range;

use crate::backend::contract::Backend;
use crate::backend::shard::Shard;
use crate::objective::data::blocks::Partition;

/// The rows that a sum is over; positions among them count from 0.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rows<'a> {
    /// This many, all of them.
    All(usize),
    /// This many runs of [`RUN_LENGTH`] consecutive rows, evenly spread over the whole matrix, as far as
    /// this shard holds them.
    Runs(usize, Shard),
    /// These.
    Listed(&'a [usize]),
}

/// Enough rows to multiply at once, few enough to represent data in any order.
const RUN_LENGTH: usize = 64;

/// So many rows are a sample for so many parameters: 32 of each have second derivatives within a fifth
/// or so of those of the whole, and 8192 are read in no time.
pub(crate) fn sample_size(parameters: usize) -> usize {
    (32 * parameters).max(8192)
}

impl Rows<'_> {
    /// About `wanted` rows of the whole matrix, or all of them where that is not much fewer.
    pub(crate) fn sample(wanted: usize, shard: Shard) -> Rows<'static> {
        if wanted.saturating_mul(2) >= shard.of {
            Rows::All(shard.len)
        } else {
            Rows::Runs(wanted.div_ceil(RUN_LENGTH).max(1), shard)
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Rows::All(rows) => *rows,
            Rows::Runs(runs, shard) => {
                let before = |row| in_runs_before(row, *runs, shard.of);
                before(shard.first + shard.len) - before(shard.first)
            }
            Rows::Listed(list) => list.len(),
        }
    }

    /// How the positions are cut into segments and blocks.
    pub(crate) fn partition<B: Backend + ?Sized>(&self, x: &B) -> Partition {
        let (n, block_rows) = (x.nrows(), x.block_rows());
        match self {
            Rows::All(_) => Partition::of(x),
            _ => {
                let mean = x.stored_before(n) / n.max(1);
                Partition::new(self.len(), x.ncols(), block_rows, |rows| mean * rows)
            }
        }
    }

    /// Calls `work` with the consecutive rows that some positions are, piece by piece.
    #[inline]
    pub(crate) fn for_each_piece(
        &self,
        positions: Range<usize>,
        mut work: impl FnMut(Range<usize>),
    ) {
        match self {
            Rows::All(_) => work(positions),
            Rows::Listed(list) => list[positions].iter().for_each(|&i| work(i..i + 1)),
            Rows::Runs(runs, shard) => {
                let before = in_runs_before(shard.first, *runs, shard.of);
                let (mut at, end) = (before + positions.start, before + positions.end);
                while at < end {
                    let (run, offset) = (at / RUN_LENGTH, at % RUN_LENGTH);
                    let len = (RUN_LENGTH - offset).min(end - at);
                    let start = run * (shard.of / runs) + offset - shard.first;
                    work(start..start + len);
                    at += len;
                }
            }
        }
    }

    /// Replaces `gathered` by what `values` holds for the rows, one after the other.
    pub(crate) fn gather<T: Copy>(
        &self,
        positions: Range<usize>,
        values: &[T],
        gathered: &mut Vec<T>,
    ) {
        gathered.clear();
        if !values.is_empty() {
            self.for_each_piece(positions, |rows| gathered.extend_from_slice(&values[rows]));
        }
    }

    /// Copies the rows, one after the other.
    pub(crate) fn copy<B: Backend + ?Sized>(
        &self,
        x: &B,
        positions: Range<usize>,
        mut out: &mut [B::Scalar],
    ) {
        self.for_each_piece(positions, |rows| {
            let (piece, rest) = std::mem::take(&mut out).split_at_mut(rows.len() * x.ncols());
            x.copy_rows(rows, piece);
            out = rest;
        });
    }

    /// `out = X[rows] · w`
    pub(crate) fn matvec<B: Backend + ?Sized>(
        &self,
        x: &B,
        positions: Range<usize>,
        w: &[B::Scalar],
        mut out: &mut [B::Scalar],
    ) {
        self.for_each_piece(positions, |rows| {
            let (piece, rest) = std::mem::take(&mut out).split_at_mut(rows.len());
            x.matvec(rows, w, piece);
            out = rest;
        });
    }

    /// `sums += X[rows]ᵀ · r`
    pub(crate) fn matvec_transpose<B: Backend + ?Sized>(
        &self,
        x: &B,
        positions: Range<usize>,
        mut r: &[B::Scalar],
        scratch: &mut [B::Scalar],
        sums: &mut [f64],
    ) {
        self.for_each_piece(positions, |rows| {
            let (piece, rest) = r.split_at(rows.len());
            x.matvec_transpose_wide(rows, piece, scratch, sums);
            r = rest;
        });
    }
}

/// How many rows of all runs come before a row.
fn in_runs_before(row: usize, runs: usize, rows: usize) -> usize {
    let (run, offset) = (row / (rows / runs), row % (rows / runs));
    let before =
        if run < runs { run * RUN_LENGTH + offset.min(RUN_LENGTH) } else { runs * RUN_LENGTH };
    before.min(row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    logit_properties::properties! {
        #[test]
        fn a_sample_holds_as_many_different_rows_as_it_says_in_any_pieces(
            rows in 1usize..5000, wanted in 0usize..3000, cut in any::<prop::sample::Index>(),
        ) {
            let sample = Rows::sample(wanted, Shard { first: 0, len: rows, of: rows });
            let all: Vec<usize> = (0..rows).collect();
            let gather = |positions| {
                let mut gathered = Vec::new();
                sample.gather(positions, &all, &mut gathered);
                gathered
            };
            let gathered = gather(0..sample.len());
            prop_assert_eq!(gathered.len(), sample.len());
            prop_assert!(sample.len() >= wanted.min(rows));
            prop_assert!(gathered.is_sorted_by(|a, b| a < b));
            let cut = cut.index(sample.len());
            let mut pieces = gather(0..cut);
            pieces.extend(gather(cut..sample.len()));
            prop_assert_eq!(pieces, gathered);
        }

        #[test]
        fn shards_hold_the_same_sample_together(
            rows in 1usize..5000, wanted in 0usize..3000, cuts in any::<[prop::sample::Index; 2]>(),
        ) {
            let mut cuts = cuts.map(|cut| cut.index(rows + 1));
            cuts.sort_unstable();
            let gather = |first: usize, end: usize| {
                let sample = Rows::sample(wanted, Shard { first, len: end - first, of: rows });
                let mut gathered = Vec::new();
                let own: Vec<usize> = (first..end).collect();
                sample.gather(0..sample.len(), &own, &mut gathered);
                gathered
            };
            let parts = [gather(0, cuts[0]), gather(cuts[0], cuts[1]), gather(cuts[1], rows)];
            prop_assert_eq!(parts.concat(), gather(0, rows));
        }
    }
}
