//! The processes that hold the rows of one matrix together.

use crate::backend::error::Error;

/// Processes that each hold some rows of one matrix, and fit one model to all of them together.
///
/// The rows of the whole matrix are those of rank 0, then those of rank 1, and so on; a process may
/// hold none. Every process makes the same calls with the same settings, and gives labels, weights
/// and offsets for its own rows. A fit takes every decision from the results of [`sum`](Self::sum),
/// so all processes end with the same model. An error in one process ends all; the others fail with
/// [`Error::Elsewhere`]. Rows are counted within a process. A process predicts for its own rows and
/// calls no other.
///
/// Your own observers and solvers must decide alike in every process. They see the same numbers in
/// each.
///
/// # Contract
///
/// - [`size`](Self::size) and [`rank`](Self::rank) never change, and no two processes have the same
///   rank.
/// - [`sum`](Self::sum) gives the same bits in every process.
pub trait Peers {
    /// The number of processes, at least 1.
    fn size(&self) -> usize;

    /// The rank of this process, below [`size`](Self::size).
    fn rank(&self) -> usize;

    /// Replaces each number by its sum over all processes. All of them call this with equally many
    /// numbers.
    fn sum(&self, numbers: &mut [f64]);
}

/// One process that holds all rows.
pub(crate) struct Alone;

impl Peers for Alone {
    fn size(&self) -> usize {
        1
    }

    fn rank(&self) -> usize {
        0
    }

    fn sum(&self, _: &mut [f64]) {}
}

impl dyn Peers + '_ {
    /// The numbers of all processes, in the order of ranks.
    pub(crate) fn gather(&self, own: f64) -> Vec<f64> {
        let mut all = vec![0.0; self.size()];
        all[self.rank()] = own;
        self.sum(&mut all);
        all
    }

    /// The largest of the numbers of all processes.
    pub(crate) fn max(&self, own: f64) -> f64 {
        self.gather(own).into_iter().fold(f64::NEG_INFINITY, f64::max)
    }

    /// Vectors of all processes, in the order of ranks. Each process gives its part of `together`
    /// vectors, rounded up. All vectors have the same length.
    pub(crate) fn share(
        &self,
        own: impl Iterator<Item = Vec<f64>>,
        together: usize,
        length: usize,
    ) -> Vec<Vec<f64>> {
        let each = together.div_ceil(self.size());
        let own: Vec<_> = own.take(each).collect();
        if self.size() == 1 {
            return own;
        }
        let counts = self.gather(own.len() as f64);
        let before = |rank: usize| counts[..rank].iter().sum::<f64>() as usize * length;
        let mut all = vec![0.0; before(self.size())];
        let start = before(self.rank());
        for (place, vector) in all[start..].chunks_mut(length).zip(&own) {
            place.copy_from_slice(vector);
        }
        self.sum(&mut all);
        all.chunks(length).map(<[f64]>::to_vec).collect()
    }

    /// Fails in all processes if it fails in one, with the error of the first.
    pub(crate) fn agree<T>(&self, own: Result<T, Error>) -> Result<T, Error> {
        let message = own.as_ref().err().map(Error::to_string).unwrap_or_default();
        let lengths = self.gather(message.len() as f64);
        let Some(rank) = lengths.iter().position(|&length| length > 0.0) else { return own };
        let mut bytes = vec![0.0; lengths[rank] as usize];
        if rank == self.rank() {
            bytes.iter_mut().zip(message.bytes()).for_each(|(to, from)| *to = from.into());
        }
        self.sum(&mut bytes);
        if rank == self.rank() {
            return own;
        }
        let bytes: Vec<u8> = bytes.into_iter().map(|byte| byte as u8).collect();
        Err(Error::Elsewhere { rank, message: String::from_utf8_lossy(&bytes).into_owned() })
    }
}
