//! The one loop: rows cut into segments, segments into blocks.
//!
//! A *block* stays in cache while it is used. A *segment* is a run of blocks that one task works
//! through. Both follow from the matrix alone, its shape and how many elements its rows store, never
//! from the number of threads, so sums are taken in the same order on any machine and come out in
//! the same bits.

use std::ops::Range;

use crate::backend::contract::Backend;

/// How rows are cut.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Partition {
    block_rows: usize,
    segments: usize,
    /// Where each segment starts; from the end of the last one on, the number of rows.
    starts: [usize; MAX_SEGMENTS + 1],
}

/// More segments than this gain nothing even on large machines, and each costs memory.
const MAX_SEGMENTS: usize = 64;
/// A segment should be worth waking a thread for: some tens of microseconds of work,
const SEGMENT_ELEMENTS: usize = 1 << 16;
/// where the loss of a row takes as long as so many elements.
const ROW_ELEMENTS: usize = 16;
/// A segment's partial sums take d numbers; this many rows keep them below 1 % of a dense matrix.
const SEGMENT_ROWS: usize = 512;
/// This many stored elements per column keep them below a few percent of a sparse one.
const SEGMENT_COLUMN_ELEMENTS: usize = 32;

impl Partition {
    /// Cuts the rows of a matrix.
    pub(crate) fn of<B: Backend + ?Sized>(x: &B) -> Self {
        Self::new(x.nrows(), x.ncols(), x.block_rows(), |row| x.stored_before(row))
    }

    /// Cuts `rows` rows into blocks of `block_rows` and segments of about equally many stored
    /// elements, given how many of those precede a row.
    pub(crate) fn new(
        rows: usize,
        ncols: usize,
        block_rows: usize,
        stored_before: impl Fn(usize) -> usize,
    ) -> Self {
        let block_rows = block_rows.max(1);
        let stored = stored_before(rows);
        let work = stored.saturating_add(ROW_ELEMENTS.saturating_mul(rows));
        let segments = (work / SEGMENT_ELEMENTS)
            .min(rows / SEGMENT_ROWS)
            .min(stored / ncols.max(1) / SEGMENT_COLUMN_ELEMENTS)
            .clamp(1, MAX_SEGMENTS);
        // A power of two, as the number of cores mostly is: five would keep two cores busy as long as six.
        let segments = 1 << segments.ilog2();
        let mut starts = [rows; MAX_SEGMENTS + 1];
        for (k, start) in starts[..segments].iter_mut().enumerate() {
            let share = stored / segments * k;
            let row = first_row(rows, |row| stored_before(row) >= share);
            *start = rows.min(row.next_multiple_of(block_rows));
        }
        Self { block_rows, segments, starts }
    }

    /// The number of rows in a full block.
    pub(crate) fn block_rows(&self) -> usize {
        self.block_rows.min(self.starts[MAX_SEGMENTS])
    }

    /// The number of segments.
    pub(crate) fn segments(&self) -> usize {
        self.segments
    }

    fn segment(&self, index: usize) -> Range<usize> {
        self.starts[index]..self.starts[index + 1]
    }

    /// A place per row, cut into one slice per segment.
    pub(crate) fn split<'a, T>(&self, mut places: &'a mut [T]) -> Vec<&'a mut [T]> {
        let segment = |k| {
            let (segment, rest) = std::mem::take(&mut places).split_at_mut(self.segment(k).len());
            places = rest;
            segment
        };
        (0..self.segments).map(segment).collect()
    }

    /// The blocks of one segment, in order.
    pub(crate) fn blocks(&self, segment: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let (end, step) = (segment.end, self.block_rows);
        segment.step_by(step).map(move |start| start..end.min(start + step))
    }

    /// Works through all segments on all cores of the current rayon pool; in the calling thread
    /// where there is only one segment.
    ///
    /// Each segment has a state of its own, or, where there are fewer states, shares one with
    /// every so-many-th segment, which are worked through in order.
    pub(crate) fn for_each_segment<S: Send>(
        &self,
        states: &mut [S],
        work: impl Fn(Range<usize>, &mut S) + Sync,
    ) {
        let count = states.len().min(self.segments);
        let states = &mut states[..count];
        let work = |(first, state): (usize, &mut S)| {
            (first..self.segments).step_by(count).for_each(|k| work(self.segment(k), state));
        };
        #[cfg(feature = "rayon")]
        if count > 1 {
            use rayon::prelude::*;
            return states.par_iter_mut().enumerate().for_each(work);
        }
        states.iter_mut().enumerate().for_each(work);
    }
}

/// The first of some rows from which on something holds, or their number.
fn first_row(rows: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut start, mut end) = (0, rows);
    while start < end {
        let middle = start.midpoint(end);
        if holds(middle) {
            end = middle;
        } else {
            start = middle + 1;
        }
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn dense(rows: usize, ncols: usize, block_rows: usize) -> Partition {
        Partition::new(rows, ncols, block_rows, |row| row * ncols)
    }

    logit_properties::properties! {
        #[test]
        fn segments_and_blocks_cover_every_row_once_in_order(
            rows in 0usize..300_000,
            ncols in 1usize..300,
            block_rows in 0usize..2000,
            skew in 0usize..200_000_000,
        ) {
            // Any answers will do, falling ones too.
            let partition = Partition::new(rows, ncols, block_rows, |row| (row * ncols) ^ skew);
            let mut states = vec![Vec::new(); partition.segments()];
            partition.for_each_segment(&mut states, |segment, blocks| {
                blocks.extend(partition.blocks(segment));
            });
            let mut places: Vec<usize> = (0..rows).collect();
            let places = partition.split(&mut places);
            let mut next = 0;
            for (blocks, places) in states.into_iter().zip(places) {
                prop_assert!(places.iter().copied().eq(next..next + places.len()));
                for block in &blocks {
                    prop_assert_eq!(block.start, next);
                    let full = block.len() == partition.block_rows();
                    prop_assert!(full || !block.is_empty() && block.end == rows);
                    next = block.end;
                }
                prop_assert_eq!(places.last().map(|last| last + 1), blocks.last().map(|b| b.end));
            }
            prop_assert_eq!(next, rows);
        }

        #[test]
        fn segments_store_about_equally_much(
            lengths in prop::collection::vec(0usize..2000, 1..40), block_rows in 1usize..50,
        ) {
            // Rows of each length in turn, a thousand of them.
            let rows = 1000 * lengths.len();
            let before = |row: usize| -> usize {
                let whole = lengths[..row / 1000].iter().sum::<usize>() * 1000;
                whole + lengths.get(row / 1000).map_or(0, |length| row % 1000 * length)
            };
            let partition = Partition::new(rows, 1, block_rows, before);
            let share = before(rows) / partition.segments();
            for k in 0..partition.segments() {
                let Range { start, end } = partition.segment(k);
                let stored = before(end) - before(start);
                // A cut comes after the row that completes the share, at the end of its block.
                prop_assert!(stored.abs_diff(share) <= 64 + 2000 * block_rows);
            }
        }
    }

    #[test]
    fn small_data_is_one_segment_and_large_data_many() {
        assert_eq!(dense(569, 30, 500).segments(), 1);
        assert_eq!(dense(511, 100_000, 8).segments(), 1);
        assert_eq!(dense(10_000_000, 100, 100).segments(), MAX_SEGMENTS);
        assert_eq!(dense(4096, 64, 64).segments(), 4);
        // The losses of many rows are work too.
        assert_eq!(dense(100_000, 2, 1024).segments(), 16);
        let sparse = |rows, ncols| Partition::new(rows, ncols, 64, |row| 75 * row).segments();
        assert_eq!(sparse(700_000, 47_000), 32);
        assert_eq!(sparse(100_000, 10_000_000), 1);
        assert_eq!(sparse(2000, 100), 2);
    }

    #[cfg(feature = "rayon")]
    #[test]
    fn one_segment_stays_in_the_calling_thread_and_several_go_to_the_pool() {
        let workers = |rows| {
            let partition = dense(rows, 64, 64);
            let mut threads = vec![None; partition.segments()];
            let note = |_, thread: &mut _| *thread = rayon::current_thread_index();
            partition.for_each_segment(&mut threads, note);
            threads
        };
        assert_eq!(workers(1000), [None]);
        assert!(workers(4096).iter().all(Option::is_some));
    }
}
