//! One pass over all rows, a batch at a time, with their logits at a model.

use num_traits::Zero;

use crate::backend::contract::Backend;
use crate::backend::model::Model;
use crate::linalg::vectors::dot;
use crate::numbers::float::Float;
use crate::numbers::scalar;
use crate::objective::data::Data;
use crate::objective::data::blocks::Partition;
use crate::objective::data::observed::{Block, Observed};
use crate::objective::data::rows::Rows;

/// The largest number of rows in a batch,
pub(crate) const BATCH: usize = 64;
/// and of matrix elements, so that they stay in cache.
const BATCH_NUMBERS: usize = 1 << 16;

/// Some consecutive rows.
pub(crate) struct Batch<'a, F> {
    /// The position of the first of them among the rows held here.
    pub(crate) start: usize,
    /// The rows, one after the other, widened.
    pub(crate) rows: &'a [f64],
    /// Their logits, with intercept and offset.
    pub(crate) logits: &'a [f64],
    observed: Block<'a, F>,
}

/// A row as a model sees it.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    /// Its position among the rows held here.
    pub(crate) position: usize,
    pub(crate) x: &'a [f64],
    pub(crate) logit: f64,
    pub(crate) y: bool,
    /// How much it counts, on the scale of [`Data::total_weight`].
    pub(crate) weight: f64,
}

impl<F: Float> Batch<'_, F> {
    /// The rows, one by one.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let ncols = self.rows.len() / self.logits.len().max(1);
        self.rows.chunks_exact(ncols).zip(self.logits).enumerate().map(|(k, (x, &logit))| Row {
            position: self.start + k,
            x,
            logit,
            y: self.observed.y[k],
            weight: self.observed.weights.get(k).map_or(1.0, |weight| weight.widen()),
        })
    }
}

impl Row<'_> {
    /// The probability of class 1.
    pub(crate) fn probability(&self) -> f64 {
        scalar::sigmoid(self.logit)
    }

    /// `p - y`, which does not cancel.
    pub(crate) fn residual(&self) -> f64 {
        scalar::residual(self.logit, self.y)
    }

    /// `p (1 - p)`, which does not cancel.
    pub(crate) fn curvature(&self) -> f64 {
        scalar::sigmoid(self.logit) * scalar::sigmoid(-self.logit)
    }
}

/// The rows of a matrix held here, with what was observed in each.
pub(crate) struct Batches<'b, B: Backend + ?Sized> {
    pub(crate) x: &'b B,
    pub(crate) rows: Rows<'b>,
    pub(crate) partition: Partition,
    pub(crate) observed: &'b Observed<B::Scalar>,
}

impl<B: Backend + ?Sized> Data<'_, B> {
    /// Calls `work` with each batch of the rows held here. Segments share the states. Reads the matrix
    /// once.
    pub(crate) fn for_each_batch<S: Send>(
        &self,
        model: &Model<f64>,
        states: &mut [S],
        work: impl Fn(&mut S, &Batch<'_, B::Scalar>) + Sync,
    ) {
        self.count_read(self.nrows());
        let (x, rows, partition, observed) = (self.x, self.rows, self.partition, &self.observed);
        Batches { x, rows, partition, observed }.for_each(model, states, work);
    }
}

impl<B: Backend + ?Sized> Batches<'_, B> {
    /// Calls `work` with each batch of the rows. Segments share the states. Reads the matrix once, and
    /// asks no other process.
    pub(crate) fn for_each<S: Send>(
        &self,
        model: &Model<f64>,
        states: &mut [S],
        work: impl Fn(&mut S, &Batch<'_, B::Scalar>) + Sync,
    ) {
        let d = self.x.ncols();
        let size = (BATCH_NUMBERS / d.max(1)).clamp(1, BATCH);
        self.partition.for_each_segment(states, |segment, state| {
            let mut copied = vec![B::Scalar::zero(); size * d];
            let (mut widened, mut logits) = (vec![0.0; size * d], vec![0.0; size]);
            let end = segment.end;
            for start in segment.step_by(size) {
                let positions = start..end.min(start + size);
                let (count, observed) = (positions.len(), self.observed.block(positions.clone()));
                self.rows.copy(self.x, positions, &mut copied);
                widened.iter_mut().zip(&copied).for_each(|(wide, x)| *wide = x.widen());
                let (rows, logits) = (&widened[..count * d], &mut logits[..count]);
                for (k, (z, x)) in logits.iter_mut().zip(rows.chunks_exact(d)).enumerate() {
                    let offset = observed.offsets.get(k).map_or(0.0, |offset| offset.widen());
                    *z = dot(x, model.weights()) + model.intercept() + offset;
                }
                work(state, &Batch { start, rows, logits, observed });
            }
        });
    }
}
