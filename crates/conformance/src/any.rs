//! Backends of any type as one type, for which the algorithms are compiled once.
//!
//! What is generic over the backend would be compiled anew for each backend of each test program,
//! which takes far longer than to run it. Called through `dyn`, a backend runs the same code of its
//! own, the provided methods that it overrides included.

use logit_core::{AnyBackend, Backend, Float};
use proptest::prelude::Strategy;

use crate::matrix::Matrix;
use crate::runner::Subject;
use crate::strategies::Problem;

/// A backend of any type that hands back a `Vec`.
pub type DynBackend<'a, F> = dyn Backend<Scalar = F, Vector = Vec<F>> + 'a;

/// How a backend of any type is made from a matrix: what every [`Subject`] can do.
pub trait AnySubject<F: Float> {
    /// The backend.
    fn lend<'a>(&self, matrix: &'a Matrix<F>) -> AnyBackend<'a, F>;

    /// The matrix that the backend holds where it is to hold this one.
    fn represented(&self, matrix: &Matrix<F>) -> Matrix<F>;

    /// What the backend's own vector of these values holds.
    fn vector(&self, matrix: &Matrix<F>, values: Vec<F>) -> Vec<F>;
}

impl<F: Float, S: for<'a> Subject<'a, F>> AnySubject<F> for S {
    fn lend<'a>(&self, matrix: &'a Matrix<F>) -> AnyBackend<'a, F> {
        AnyBackend::new(Subject::lend(self, matrix))
    }

    fn represented(&self, matrix: &Matrix<F>) -> Matrix<F> {
        <S as Subject<'_, F>>::represented(self, matrix)
    }

    fn vector(&self, matrix: &Matrix<F>, values: Vec<F>) -> Vec<F> {
        let len = values.len();
        let vector = Subject::lend(self, matrix).vector(values);
        (0..len).map(|k| vector[k]).collect()
    }
}

/// The problems of a strategy, with matrices that the subject's backend can hold.
pub(crate) fn of<'s, F: Float>(
    subject: &'s dyn AnySubject<F>,
    problems: impl Strategy<Value = Problem<F>> + 's,
) -> impl Strategy<Value = Problem<F>> + 's {
    problems.prop_map(move |problem| Problem { x: subject.represented(&problem.x), ..problem })
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
