//! What was observed in each row, beside its numbers: the class, and a weight and an offset where given.

use std::ops::Range;

use crate::backend::peers::Peers;
use crate::numbers::float::Float;
use crate::numbers::slice;
use crate::objective::data::rows::Rows;

/// What was observed in each row.
#[derive(Clone, Debug)]
pub(crate) struct Observed<F> {
    /// The class.
    pub(crate) y: Vec<bool>,
    /// How much the row counts; empty where all count 1.
    pub(crate) weights: Vec<F>,
    /// What is known of the logit already; empty where nothing is.
    pub(crate) offsets: Vec<F>,
}

/// The same for a block of rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block<'a, F> {
    pub(crate) y: &'a [bool],
    pub(crate) weights: &'a [F],
    pub(crate) offsets: &'a [F],
}

impl<F: Float> Block<'_, F> {
    /// Turns products `x·w` into logits, but for the intercept.
    #[inline]
    pub(crate) fn add_offsets(&self, products: &mut [F]) {
        for (z, offset) in products.iter_mut().zip(self.offsets) {
            *z += *offset;
        }
    }

    /// Whether a row has a weight other than 0.
    #[inline]
    pub(crate) fn counts(&self, row: usize) -> bool {
        self.weights.get(row).is_none_or(|weight| !weight.is_zero())
    }
}

impl<F: Float> Observed<F> {
    pub(crate) fn block(&self, rows: Range<usize>) -> Block<'_, F> {
        let part = |values| -> &[F] {
            let values: &Vec<F> = values;
            if values.is_empty() { values } else { &values[rows.clone()] }
        };
        Block {
            y: &self.y[rows.clone()],
            weights: part(&self.weights),
            offsets: part(&self.offsets),
        }
    }

    /// Nothing yet, for [`gather`](Self::gather).
    pub(crate) fn none() -> Self {
        Self { y: Vec::new(), weights: Vec::new(), offsets: Vec::new() }
    }

    /// Replaces this by what was observed at some positions among the rows.
    pub(crate) fn gather(&mut self, from: &Self, rows: &Rows<'_>, positions: Range<usize>) {
        rows.gather(positions.clone(), &from.y, &mut self.y);
        rows.gather(positions.clone(), &from.weights, &mut self.weights);
        rows.gather(positions, &from.offsets, &mut self.offsets);
    }

    /// How much the rows of class 0 and of class 1 count together, in all processes.
    pub(crate) fn class_totals(&self, peers: &dyn Peers) -> (f64, f64) {
        let mut totals = [0.0; 2];
        if self.weights.is_empty() {
            let ones = self.y.iter().filter(|&&y| y).count();
            totals = [(self.y.len() - ones) as f64, ones as f64];
        }
        for (&y, weight) in self.y.iter().zip(&self.weights) {
            totals[usize::from(y)] += weight.widen();
        }
        peers.sum(&mut totals);
        totals.into()
    }

    /// How much a row held here counts at most; 0 where there is none.
    pub(crate) fn largest_weight(&self) -> f64 {
        match self.weights.is_empty() {
            true => self.y.len().min(1) as f64,
            false => self.weights.iter().fold(0.0, |largest, weight| weight.widen().max(largest)),
        }
    }

    /// The least and the largest offset of the rows held here that count; of none, infinities.
    pub(crate) fn offset_range(&self) -> [f64; 2] {
        let counts = |&i: &usize| self.weights.get(i).is_none_or(|weight: &F| !weight.is_zero());
        let offset = |i| self.offsets.get(i).map_or(0.0, |offset: &F| offset.widen());
        let offsets = (0..self.y.len()).filter(counts).map(offset);
        offsets.fold([f64::INFINITY, f64::NEG_INFINITY], |[least, most], o| {
            [o.min(least), o.max(most)]
        })
    }

    /// The sum of the squares of the offsets held here, each times what its row counts.
    pub(crate) fn offset_squares(&self) -> f64 {
        let weight = |i| self.weights.get(i).map_or(1.0, |weight: &F| weight.widen());
        self.offsets.iter().enumerate().map(|(i, o)| weight(i) * o.widen().powi(2)).sum()
    }

    /// How much the rows count together.
    pub(crate) fn total_weight(&self) -> f64 {
        match self.weights.is_empty() {
            true => self.y.len() as f64,
            false => slice::sum(&self.weights),
        }
    }
}
