//! The fitted model, which is plain data.

use crate::numbers::float::Float;

/// A logistic regression model: a weight per feature, and an intercept, all finite.
///
/// It carries no backend: fit with one matrix library, save, predict with another.
///
/// With the feature `serde` a model can be serialised. JSON keeps every bit; the format is
///
/// ```json
/// { "version": 1, "weights": [0.5, -1.25], "intercept": 0.0625 }
/// ```
///
/// Anything else is an error, such as an unknown version or a non-finite number. Reading `f64`
/// numbers into a `Model<f32>` rounds them.
#[derive(Clone, Debug, PartialEq)]
pub struct Model<F> {
    pub(crate) weights: Vec<F>,
    pub(crate) intercept: F,
}

impl<F: Float> Model<F> {
    /// The weights, one per feature.
    pub fn weights(&self) -> &[F] {
        &self.weights
    }

    /// The intercept; 0 if none was fitted.
    pub fn intercept(&self) -> F {
        self.intercept
    }

    /// The same model in `f64`, exactly.
    pub(crate) fn widen(&self) -> Model<f64> {
        let weights = self.weights.iter().map(|weight| weight.widen()).collect();
        Model { weights, intercept: self.intercept.widen() }
    }

    pub(crate) fn zero(features: usize) -> Self {
        Self { weights: vec![F::zero(); features], intercept: F::zero() }
    }
}
