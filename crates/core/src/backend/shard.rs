//! The rows of the whole matrix that a process holds.

use crate::backend::contract::Backend;

/// The rows of the whole matrix that a process holds: `len` rows from `first` on, of `of` rows in
/// all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shard {
    pub(crate) first: usize,
    pub(crate) len: usize,
    pub(crate) of: usize,
}

impl Shard {
    /// The rows that `x` holds.
    pub(crate) fn of<B: Backend + ?Sized>(x: &B) -> Self {
        let (peers, len) = (x.peers(), x.nrows());
        let counts = peers.gather(len as f64);
        let sum = |counts: &[f64]| counts.iter().sum::<f64>() as usize;
        Self { first: sum(&counts[..peers.rank()]), len, of: sum(&counts) }
    }

    /// The position of a row of the whole matrix among those held.
    pub(crate) fn position(&self, row: usize) -> Option<usize> {
        row.checked_sub(self.first).filter(|&position| position < self.len)
    }
}
