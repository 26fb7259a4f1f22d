//! Running one check over many cases.

use logit_core::{Backend, Float};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

use crate::matrix::Matrix;
use crate::seeds;

/// How a backend is made from a matrix: any function from `&Matrix<F>` to a backend.
///
/// The backend may borrow from the matrix, through [`Matrix::buffer`], or hold a copy of its
/// [`rows`](Matrix::rows).
pub trait Subject<'a, F: Float> {
    /// The backend.
    type Backend: Backend<Scalar = F> + 'a;

    /// Makes the backend.
    fn lend(&self, matrix: &'a Matrix<F>) -> Self::Backend;

    /// The matrix that the backend holds where it is to hold this one: another where its storage
    /// rounds. That matrix itself must be held exactly. The provided one gives the same matrix.
    fn represented(&self, matrix: &Matrix<F>) -> Matrix<F> {
        matrix.clone()
    }
}

/// A function that makes the backend, and one for [`represented`](Subject::represented).
impl<'a, F, B, S, R> Subject<'a, F> for (S, R)
where
    F: Float,
    B: Backend<Scalar = F> + 'a,
    S: Fn(&'a Matrix<F>) -> B,
    R: Fn(&Matrix<F>) -> Matrix<F>,
{
    type Backend = B;

    fn lend(&self, matrix: &'a Matrix<F>) -> B {
        (self.0)(matrix)
    }

    fn represented(&self, matrix: &Matrix<F>) -> Matrix<F> {
        (self.1)(matrix)
    }
}

impl<'a, F, B, S> Subject<'a, F> for S
where
    F: Float,
    B: Backend<Scalar = F> + 'a,
    S: Fn(&'a Matrix<F>) -> B,
{
    type Backend = B;

    fn lend(&self, matrix: &'a Matrix<F>) -> B {
        self(matrix)
    }
}

/// The outcome of one case.
pub type Outcome = Result<(), TestCaseError>;

/// Draws cases and keeps the seeds of failing ones beside the test that found them.
pub struct Runner {
    config: Config,
}

impl Runner {
    /// A runner for the test `test`, named with its path, in `source_file`, as `file!()` names it.
    ///
    /// Cases are drawn as [`seeds::config`] says, as many as [`seeds::cases`].
    pub fn new(source_file: &'static str, test: &str) -> Self {
        let config = seeds::config(test, seeds::cases());
        Self { config: Config { source_file: Some(source_file), ..config } }
    }

    /// A runner for checks that are to fail: their seeds are not kept.
    #[cfg(test)]
    pub(crate) fn unsaved() -> Self {
        let config = seeds::config("unsaved", 256);
        Self { config: Config { failure_persistence: None, ..config } }
    }

    /// The same with a fraction of the cases, for slow checks.
    #[must_use]
    pub fn fewer(&self, divisor: u32) -> Self {
        let cases = (self.config.cases / divisor).max(1);
        Self { config: Config { cases, ..self.config.clone() } }
    }

    /// Tries `check` on every case that `strategy` draws.
    ///
    /// # Errors
    /// Describes the smallest failing case found.
    pub fn run<S: Strategy>(
        &self,
        strategy: S,
        check: impl Fn(S::Value) -> Outcome,
    ) -> Result<(), String> {
        TestRunner::new(self.config.clone()).run(&strategy, check).map_err(|error| match error {
            TestError::Fail(reason, case) => {
                format!("{}\nsmallest case: {}", cut(reason.to_string()), cut(format!("{case:?}")))
            }
            TestError::Abort(reason) => format!("gave up: {reason}"),
        })
    }
}

/// The beginning of a message.
fn cut(message: String) -> String {
    const LONGEST: usize = 3000;
    match message.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{} … {} bytes in all", &message[..end], message.len()),
        None => message,
    }
}

/// Fails unless `got` is within `bound` of `expected`; NaN is never within anything.
///
/// # Errors
/// Names the quantity, both values and the bound.
pub fn close<F: Float>(what: &str, got: F, expected: f64, bound: f64) -> Outcome {
    let error = (got.widen() - expected).abs();
    prop_assert!(error <= bound, "{what}: {got:e}, expected {expected:e} within {bound:e}");
    Ok(())
}

/// Fails unless both have the same bits.
///
/// # Errors
/// Names the first difference.
pub fn same_bits<F: Float>(what: &str, a: &[F], b: &[F]) -> Outcome {
    prop_assert_eq!(a.len(), b.len());
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        let (p, q) = (a.widen().to_bits(), b.widen().to_bits());
        prop_assert!(p == q, "{what}: component {i} is {a:e} and {b:e}");
    }
    Ok(())
}

/// Turns an error of the library under test into a failed case.
pub(crate) fn must<T>(result: Result<T, logit_core::Error>) -> Result<T, TestCaseError> {
    result.map_err(|error| TestCaseError::fail(format!("unexpected error: {error}")))
}
