//! Rows spread over the processes of MPI, for logit.
//!
//! Each process reads its own rows into a matrix of any library, and [`Distributed`] joins them: a
//! fit, a path or a cross-validation is then over all rows, whatever the solver, penalty or weighting, and every process ends with
//! the same model. Per pass over the data, one all-reduce of d + 2 numbers is all that travels.
//!
//! ```
//! use logit::{Dense, LogisticRegression};
//! use logit_mpi::{Distributed, mpi::{self, Threading, traits::*}};
//!
//! let (universe, _) = mpi::initialize_with_threading(Threading::Funneled).expect("MPI, once");
//! let world = universe.world();
//! // Every process has other rows, and may have none.
//! let x = [0.2, 0.7, 0.4, 0.9].map(|x| x + f64::from(world.rank()));
//! let x = Distributed::new(&world, Dense::from_rows(&x, 4, 1))?;
//! let fit = LogisticRegression::new().l2(0.1).fit(&x, [0, 1, 0, 1])?;
//! let p = fit.model.predict_proba(&x)?; // of the rows of this process
//! assert_eq!(p.len(), 4);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Run it with `mpirun -n 4 …`. [`Peers`] says what every process owes to the others.

#![cfg_attr(docsrs, feature(doc_cfg))]

use std::ops::Range;

use logit_core::{Backend, ColumnMoments, Dense, Peers};
use mpi::collective::SystemOperation;
use mpi::traits::{Communicator, CommunicatorCollectives};
use send_wrapper::SendWrapper;

pub use mpi;

/// A backend for the rows of this process, and the communicator whose processes hold the others.
///
/// # Panics
/// A fit with more than one process panics on another thread than the one that made this, since
/// MPI may not be called there. Its own work is on all threads.
#[derive(Debug)]
pub struct Distributed<'a, C, B> {
    communicator: SendWrapper<&'a C>,
    size: usize,
    rank: usize,
    local: B,
}

/// The processes have different numbers of columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("process {rank} has {columns} columns and process 0 has {expected}: all need the same")]
pub struct ColumnsDiffer {
    /// The first process that differs from process 0.
    pub rank: usize,
    /// How many it has.
    pub columns: usize,
    /// How many process 0 has.
    pub expected: usize,
}

impl<'a, C: Communicator, B: Backend> Distributed<'a, C, B> {
    /// Joins the rows of `local` with those of all processes of the communicator, which all call
    /// this. A process without rows has all the columns too.
    ///
    /// # Errors
    /// [`ColumnsDiffer`], in every process, where columns are not equally many.
    pub fn new(communicator: &'a C, local: B) -> Result<Self, ColumnsDiffer> {
        let index = |number: i32| number.unsigned_abs() as usize;
        let (size, rank) = (index(communicator.size()), index(communicator.rank()));
        let joined = Self { communicator: SendWrapper::new(communicator), size, rank, local };
        let mut columns = vec![0.0; size];
        columns[rank] = joined.ncols() as f64;
        joined.sum(&mut columns);
        match columns.iter().position(|count| *count != columns[0]) {
            None => Ok(joined),
            Some(rank) => {
                let (columns, expected) = (columns[rank] as usize, columns[0] as usize);
                Err(ColumnsDiffer { rank, columns, expected })
            }
        }
    }

    /// The backend for the rows of this process.
    pub fn local(&self) -> &B {
        &self.local
    }
}

/// MPI counts in 32 bits.
const MOST: usize = 1 << 30;

impl<C: Communicator, B> Peers for Distributed<'_, C, B> {
    fn size(&self) -> usize {
        self.size
    }

    fn rank(&self) -> usize {
        self.rank
    }

    fn sum(&self, numbers: &mut [f64]) {
        if self.size == 1 {
            return;
        }
        assert!(self.communicator.valid(), "a fit must run on the thread that made `Distributed`");
        for numbers in numbers.chunks_mut(MOST) {
            let own = numbers.to_vec();
            self.communicator.all_reduce_into(&own[..], numbers, SystemOperation::sum());
        }
    }
}

impl<C: Communicator, B: Backend> Backend for Distributed<'_, C, B> {
    type Scalar = B::Scalar;
    type Vector = B::Vector;

    fn nrows(&self) -> usize {
        self.local.nrows()
    }

    fn ncols(&self) -> usize {
        self.local.ncols()
    }

    fn matvec(&self, rows: Range<usize>, w: &[B::Scalar], out: &mut [B::Scalar]) {
        self.local.matvec(rows, w, out);
    }

    fn matvec_transpose(&self, rows: Range<usize>, r: &[B::Scalar], acc: &mut [B::Scalar]) {
        self.local.matvec_transpose(rows, r, acc);
    }

    fn vector(&self, values: Vec<B::Scalar>) -> B::Vector {
        self.local.vector(values)
    }

    fn dense(&self) -> Option<Dense<'_, B::Scalar>> {
        self.local.dense()
    }

    fn block_rows(&self) -> usize {
        self.local.block_rows()
    }

    fn stored_before(&self, row: usize) -> usize {
        self.local.stored_before(row)
    }

    fn matvec_transpose_wide(
        &self,
        rows: Range<usize>,
        r: &[B::Scalar],
        scratch: &mut [B::Scalar],
        sums: &mut [f64],
    ) {
        self.local.matvec_transpose_wide(rows, r, scratch, sums);
    }

    fn copy_rows(&self, rows: Range<usize>, out: &mut [B::Scalar]) {
        self.local.copy_rows(rows, out);
    }

    fn column_moments(
        &self,
        rows: Range<usize>,
        weights: &[B::Scalar],
        moments: &mut ColumnMoments<'_>,
    ) {
        self.local.column_moments(rows, weights, moments);
    }

    fn peers(&self) -> &dyn Peers {
        self
    }
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
