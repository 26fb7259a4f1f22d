//! Mini-batches.

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;

use crate::backend::contract::Backend;
use crate::objective::Objective;

/// The rows in an order drawn anew for every iteration, cut into batches.
pub(super) struct Batches {
    rows: Vec<usize>,
    size: usize,
    rng: Xoshiro256PlusPlus,
}

impl Batches {
    /// `None` if one batch would hold all rows.
    pub(super) fn new<B: Backend + ?Sized>(
        size: usize,
        seed: u64,
        objective: &Objective<'_, B>,
    ) -> Option<Self> {
        let n = objective.nrows();
        let rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        (size < n).then(|| Self { rows: (0..n).collect(), size, rng })
    }

    pub(super) fn shuffle(&mut self) {
        self.rows.shuffle(&mut self.rng);
    }

    pub(super) fn deal(&mut self) -> impl Iterator<Item = &[usize]> {
        self.shuffle();
        self.rows.chunks(self.size)
    }
}
