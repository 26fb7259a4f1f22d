//! Backends of any library as one type.

use std::fmt;
use std::ops::Range;

use crate::backend::column_moments::ColumnMoments;
use crate::backend::contract::Backend;
use crate::backend::dense::Dense;
use crate::backend::forward::forward;
use crate::backend::peers::Peers;
use crate::numbers::float::Float;

/// A backend of any library: matrices of several libraries stand in one list, or one variable.
///
/// Every method is that of the backend inside, so a fit is as fast and gives the same bits; each call
/// for a block of rows costs one indirect call more. Predictions are a `Vec<F>`.
///
/// ```
/// # use logit_core as logit;
/// use logit::{AnyBackend, Dense, LogisticRegression};
///
/// let values = [0.5, 6.0, 1.0, 8.0, 3.5, 5.0, 4.0, 8.0];
/// // `Ndarray`, `Nalgebra`, `Faer`, `Sprs` and backends of your own can stand in this list too.
/// let matrices = [
///     AnyBackend::new(Dense::from_rows(&values, 4, 2)),
///     AnyBackend::new(Dense::from_columns(&values, 4, 2)),
/// ];
/// for x in &matrices {
///     let fit = LogisticRegression::new().l2(0.1).fit(x, [0, 1, 0, 1])?;
///     assert_eq!(fit.model.predict_proba(x)?.len(), 4);
/// }
/// # Ok::<(), logit::Error>(())
/// ```
pub struct AnyBackend<'a, F> {
    x: Box<dyn Backend<Scalar = F, Vector = Vec<F>> + 'a>,
}

impl<'a, F: Float> AnyBackend<'a, F> {
    /// Puts a backend into a box and hides its type.
    pub fn new(x: impl Backend<Scalar = F> + 'a) -> Self {
        Self { x: Box::new(WithoutVector(x)) }
    }
}

#[warn(clippy::missing_trait_methods)]
impl<F: Float> Backend for AnyBackend<'_, F> {
    type Scalar = F;
    type Vector = Vec<F>;

    forward!(self => self.x);

    fn vector(&self, values: Vec<F>) -> Vec<F> {
        values
    }
}

impl<F: Float> fmt::Debug for AnyBackend<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AnyBackend({} x {} of {})", self.nrows(), self.ncols(), F::NAME)
    }
}

/// A backend without the vector of its library.
struct WithoutVector<B>(B);

#[warn(clippy::missing_trait_methods)]
impl<B: Backend> Backend for WithoutVector<B> {
    type Scalar = B::Scalar;
    type Vector = Vec<B::Scalar>;

    forward!(self => self.0);

    fn vector(&self, values: Vec<B::Scalar>) -> Vec<B::Scalar> {
        values
    }
}
