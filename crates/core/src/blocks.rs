//! The one loop: rows cut into segments, segments into blocks.
//!
//! A *block* stays in cache while it is used. A *segment* is a run of blocks that one task works
//! through. Both follow from the shape alone, never from the number of threads, so sums are taken
//! in the same order on any machine and come out in the same bits.

use std::ops::Range;

/// How `rows` rows are cut.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Partition {
    rows: usize,
    block_rows: usize,
    segment_rows: usize,
}

/// More segments than this gain nothing even on large machines, and each costs memory.
const MAX_SEGMENTS: usize = 64;
/// A segment should be worth waking a thread for: some tens of microseconds of work.
const SEGMENT_ELEMENTS: usize = 1 << 16;
/// A segment's partial sums take d numbers; this many rows keep them below 1 % of the matrix.
const SEGMENT_ROWS: usize = 512;

impl Partition {
    /// Cuts `rows` rows of `ncols` numbers into blocks of `block_rows`.
    pub(crate) fn new(rows: usize, ncols: usize, block_rows: usize) -> Self {
        let block_rows = block_rows.max(1);
        let segments = (rows.saturating_mul(ncols) / SEGMENT_ELEMENTS)
            .min(rows / SEGMENT_ROWS)
            .clamp(1, MAX_SEGMENTS);
        let segment_rows = rows.div_ceil(segments).next_multiple_of(block_rows);
        Self { rows, block_rows, segment_rows: segment_rows.max(1) }
    }

    /// The number of rows in a full block.
    pub(crate) fn block_rows(&self) -> usize {
        self.block_rows.min(self.rows)
    }

    /// The number of rows in a full segment.
    pub(crate) fn segment_rows(&self) -> usize {
        self.segment_rows
    }

    /// The number of segments.
    pub(crate) fn segments(&self) -> usize {
        self.rows.div_ceil(self.segment_rows)
    }

    fn segment(&self, index: usize) -> Range<usize> {
        let start = index * self.segment_rows;
        start..self.rows.min(start + self.segment_rows)
    }

    /// The blocks of one segment, in order.
    pub(crate) fn blocks(&self, segment: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let (end, step) = (segment.end, self.block_rows);
        segment.step_by(step).map(move |start| start..end.min(start + step))
    }

    /// Works through all segments, each with a state of its own, on all cores of the current
    /// rayon pool; in the calling thread where there is only one segment.
    pub(crate) fn for_each_segment<S: Send>(
        &self,
        states: &mut [S],
        work: impl Fn(Range<usize>, &mut S) + Sync,
    ) {
        debug_assert!(states.len() >= self.segments());
        let states = &mut states[..self.segments()];
        #[cfg(feature = "rayon")]
        if states.len() > 1 {
            use rayon::prelude::*;
            let states = states.par_iter_mut().enumerate();
            return states.for_each(|(k, state)| work(self.segment(k), state));
        }
        for (k, state) in states.iter_mut().enumerate() {
            work(self.segment(k), state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn segments_and_blocks_cover_every_row_once_in_order(
            rows in 0usize..300_000, ncols in 1usize..300, block_rows in 0usize..2000,
        ) {
            let partition = Partition::new(rows, ncols, block_rows);
            let mut states = vec![Vec::new(); partition.segments()];
            partition.for_each_segment(&mut states, |segment, blocks| {
                assert!(segment.len() <= partition.segment_rows());
                blocks.extend(partition.blocks(segment));
            });
            let blocks: Vec<_> = states.into_iter().flatten().collect();
            let mut next = 0;
            for block in &blocks {
                prop_assert_eq!(block.start, next);
                prop_assert!(!block.is_empty() && block.len() <= partition.block_rows());
                next = block.end;
            }
            prop_assert_eq!(next, rows);
        }
    }

    #[test]
    fn small_data_is_one_segment_and_large_data_many() {
        assert_eq!(Partition::new(569, 30, 500).segments(), 1);
        assert_eq!(Partition::new(511, 100_000, 8).segments(), 1);
        assert_eq!(Partition::new(10_000_000, 100, 100).segments(), MAX_SEGMENTS);
        assert_eq!(Partition::new(4096, 64, 64).segments(), 4);
    }

    #[cfg(feature = "rayon")]
    #[test]
    fn one_segment_stays_in_the_calling_thread_and_several_go_to_the_pool() {
        let workers = |rows| {
            let partition = Partition::new(rows, 64, 64);
            let mut threads = vec![None; partition.segments()];
            let note = |_, thread: &mut _| *thread = rayon::current_thread_index();
            partition.for_each_segment(&mut threads, note);
            threads
        };
        assert_eq!(workers(2047), [None]);
        assert!(workers(4096).iter().all(Option::is_some));
    }
}
