//! The rows that an objective is over: of a matrix, with what was observed in each.

pub(crate) mod batches;
pub(crate) mod blocks;
pub(crate) mod observed;
pub(crate) mod rows;
pub(crate) mod weights;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use num_traits::Zero;

use crate::backend::contract::Backend;
use crate::backend::peers::Peers;
use crate::backend::shard::Shard;
use crate::numbers::float::Float;
use crate::objective::data::blocks::Partition;
use crate::objective::data::observed::Observed;
use crate::objective::data::rows::Rows;

/// The rows of a matrix, all or a sample, with their labels, weights and offsets. Counts how often
/// they are read.
pub(crate) struct Data<'a, B: Backend + ?Sized> {
    pub(crate) x: &'a B,
    pub(crate) shard: Shard,
    pub(crate) rows: Rows<'static>,
    pub(crate) partition: Partition,
    pub(crate) observed: Observed<B::Scalar>,
    /// The number of rows, in all processes.
    nrows: usize,
    /// The sum of the weights of all rows.
    total_weight: f64,
    /// How many rows have been read, of this and of its samples.
    rows_read: Arc<AtomicUsize>,
}

impl<'a, B: Backend + ?Sized> Data<'a, B> {
    /// All rows of a matrix; `observed` fits them.
    pub(crate) fn new(x: &'a B, shard: Shard, observed: Observed<B::Scalar>) -> Self {
        Self::over(x, shard, Rows::All(x.nrows()), observed, Arc::default())
    }

    fn over(
        x: &'a B,
        shard: Shard,
        rows: Rows<'static>,
        observed: Observed<B::Scalar>,
        rows_read: Arc<AtomicUsize>,
    ) -> Self {
        let mut totals = [observed.total_weight(), rows.len() as f64];
        x.peers().sum(&mut totals);
        let [total_weight, nrows] = totals;
        let (partition, nrows) = (rows.partition(x), nrows as usize);
        Self { x, shard, rows, partition, observed, nrows, total_weight, rows_read }
    }

    /// The same rows with other observations. They count together.
    pub(crate) fn with_observed(&self, observed: Observed<B::Scalar>) -> Self {
        Self::over(self.x, self.shard, self.rows, observed, self.rows_read.clone())
    }

    /// About `wanted` of the rows, evenly spread; `None` where that is not much less. They count
    /// together.
    pub(crate) fn sample(&self, wanted: usize) -> Option<Self> {
        let rows = Rows::sample(wanted, self.shard);
        let (Rows::All(_), Rows::Runs(..)) = (self.rows, rows) else { return None };
        let mut observed = Observed::none();
        observed.gather(&self.observed, &rows, 0..rows.len());
        Some(Self::over(self.x, self.shard, rows, observed, self.rows_read.clone()))
    }

    /// The number of columns.
    pub(crate) fn ncols(&self) -> usize {
        self.x.ncols()
    }

    /// The number of rows, in all processes.
    pub(crate) fn nrows(&self) -> usize {
        self.nrows
    }

    /// The processes that hold the rows.
    pub(crate) fn peers(&self) -> &dyn Peers {
        self.x.peers()
    }

    /// The number of elements that the rows of the matrix store, in all processes.
    pub(crate) fn stored(&self) -> f64 {
        let mut stored = [self.x.stored_before(self.x.nrows()) as f64];
        self.peers().sum(&mut stored);
        stored[0]
    }

    /// The number of rows read so far, samples included.
    pub(crate) fn rows_read(&self) -> usize {
        self.rows_read.load(Ordering::Relaxed)
    }

    pub(crate) fn count_read(&self, rows: usize) {
        self.rows_read.fetch_add(rows, Ordering::Relaxed);
    }

    /// The number of rows whose weight is not 0, in all processes.
    pub(crate) fn counted_rows(&self) -> usize {
        let block = self.observed.block(0..self.rows.len());
        let mut rows = [(0..block.y.len()).filter(|&row| block.counts(row)).count() as f64];
        self.peers().sum(&mut rows);
        rows[0] as usize
    }

    /// The sum of the weights of all rows.
    pub(crate) fn total_weight(&self) -> f64 {
        self.total_weight
    }

    /// The sum of the weights of some rows held here and of those of other processes.
    pub(crate) fn batch_weight(&self, batch: &[usize]) -> f64 {
        let weight =
            |&i| self.observed.weights.get(i).map_or(1.0, |weight: &B::Scalar| weight.widen());
        let mut total = [batch.iter().map(weight).sum()];
        self.peers().sum(&mut total);
        total[0]
    }

    /// The sums of the weights of the rows of class 0 and of class 1.
    pub(crate) fn class_totals(&self) -> (f64, f64) {
        self.observed.class_totals(self.peers())
    }

    /// The least and the largest offset of a row that counts.
    pub(crate) fn offset_range(&self) -> [f64; 2] {
        let [least, most] = self.observed.offset_range();
        [-self.peers().max(-least), self.peers().max(most)]
    }

    /// The weighted mean of the squares of the offsets.
    pub(crate) fn mean_square_offset(&self) -> f64 {
        let mut sum = [self.observed.offset_squares()];
        self.peers().sum(&mut sum);
        sum[0] / self.total_weight
    }

    /// The number of segments that the rows held here are cut into.
    pub(crate) fn segments(&self) -> usize {
        self.partition.segments()
    }

    /// Calls `work` with each row held here that counts, its class, and the number of such rows before
    /// it in its segment. Each segment has one of the states. Reads the matrix once.
    pub(crate) fn for_each_row<S: Send>(
        &self,
        states: &mut [S],
        work: impl Fn(&mut S, usize, &[B::Scalar], bool) + Sync,
    ) {
        const BATCH: usize = 64;
        self.count_read(self.nrows);
        let (d, x, rows, observed) = (self.ncols(), self.x, self.rows, &self.observed);
        self.partition.for_each_segment(states, |segment, state| {
            let mut copied = vec![B::Scalar::zero(); BATCH * d];
            let (end, mut index) = (segment.end, 0);
            for start in segment.step_by(BATCH) {
                let positions = start..end.min(start + BATCH);
                rows.copy(x, positions.clone(), &mut copied);
                let block = observed.block(positions);
                for (k, row) in copied.chunks_exact(d).take(block.y.len()).enumerate() {
                    if block.counts(k) {
                        work(state, index, row, block.y[k]);
                        index += 1;
                    }
                }
            }
        });
    }
}
