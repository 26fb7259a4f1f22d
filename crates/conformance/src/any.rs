//! Backends of any type as one type, for which the algorithms are compiled once.
//!
//! What is generic over the backend would be compiled anew for each backend of each test program,
//! which takes far longer than to run it. Called through `dyn`, a backend runs the same code of its
//! own, whatever it overrides included.

use std::ops::Range;

use logit_core::dense::Dense;
use logit_core::{Backend, ColumnMoments, Float, Peers};

use crate::matrix::Matrix;
use crate::runner::Subject;

/// A backend of any type.
pub type AnyBackend<'a, F> = dyn Backend<Scalar = F, Vector = Vec<F>> + 'a;

/// How a backend of any type is made from a matrix: what every [`Subject`] can do.
pub trait AnySubject<F: Float> {
    /// The backend.
    fn lend<'a>(&self, matrix: &'a Matrix<F>) -> Box<AnyBackend<'a, F>>;
}

impl<F: Float, S: for<'a> Subject<'a, F>> AnySubject<F> for S {
    fn lend<'a>(&self, matrix: &'a Matrix<F>) -> Box<AnyBackend<'a, F>> {
        Box::new(ReadVector(Subject::lend(self, matrix)))
    }
}

/// A backend whose vectors are read into one type.
struct ReadVector<B>(B);

impl<B: Backend> Backend for ReadVector<B> {
    type Scalar = B::Scalar;
    type Vector = Vec<B::Scalar>;

    fn nrows(&self) -> usize {
        self.0.nrows()
    }

    fn ncols(&self) -> usize {
        self.0.ncols()
    }

    fn matvec(&self, rows: Range<usize>, w: &[B::Scalar], out: &mut [B::Scalar]) {
        self.0.matvec(rows, w, out);
    }

    fn matvec_transpose(&self, rows: Range<usize>, r: &[B::Scalar], acc: &mut [B::Scalar]) {
        self.0.matvec_transpose(rows, r, acc);
    }

    fn vector(&self, values: Vec<B::Scalar>) -> Self::Vector {
        let len = values.len();
        let vector = self.0.vector(values);
        (0..len).map(|k| vector[k]).collect()
    }

    fn dense(&self) -> Option<Dense<'_, B::Scalar>> {
        self.0.dense()
    }

    fn block_rows(&self) -> usize {
        self.0.block_rows()
    }

    fn stored_before(&self, row: usize) -> usize {
        self.0.stored_before(row)
    }

    fn matvec_transpose_wide(
        &self,
        rows: Range<usize>,
        r: &[B::Scalar],
        scratch: &mut [B::Scalar],
        sums: &mut [f64],
    ) {
        self.0.matvec_transpose_wide(rows, r, scratch, sums);
    }

    fn copy_rows(&self, rows: Range<usize>, out: &mut [B::Scalar]) {
        self.0.copy_rows(rows, out);
    }

    fn column_moments(
        &self,
        rows: Range<usize>,
        weights: &[B::Scalar],
        moments: &mut ColumnMoments<'_>,
    ) {
        self.0.column_moments(rows, weights, moments);
    }

    fn peers(&self) -> &dyn Peers {
        self.0.peers()
    }
}

/// Compiles the checks of a module here, once per precision, for its type `Subjects`.
macro_rules! compile {
    ($($check:ident),* $(,)?) => {
        #[doc(hidden)]
        #[allow(missing_docs)]
        pub trait Checks: Float {
            $( fn $check(subjects: Subjects<'_, Self>, runner: &Runner) -> Check; )*
        }

        impl Checks for f32 {
            $( fn $check(subjects: Subjects<'_, f32>, runner: &Runner) -> Check {
                $check(subjects, runner)
            } )*
        }

        impl Checks for f64 {
            $( fn $check(subjects: Subjects<'_, f64>, runner: &Runner) -> Check {
                $check(subjects, runner)
            } )*
        }
    };
}
pub(crate) use compile;
