//! Models from coefficients, which must be finite.

use crate::backend::error::Error;
use crate::backend::model::Model;
use crate::numbers::float::{Float, Number};

impl<F: Float> Model<F> {
    /// A model from known coefficients.
    ///
    /// # Errors
    /// [`Error::NoColumns`] without weights; [`Error::NonFiniteParameter`] if a number is not
    /// finite.
    pub fn new(
        weights: impl IntoIterator<Item: Number<Float = F>>,
        intercept: F,
    ) -> Result<Self, Error> {
        let weights = weights.into_iter().map(|weight| weight.float()).collect();
        let model = Self { weights, intercept };
        model.check()?;
        Ok(model)
    }

    /// The same model in the other precision: exact from `f32` to `f64`, rounded the other way.
    ///
    /// # Errors
    /// [`Error::NonFiniteParameter`] if a coefficient is beyond the range of `f32`.
    pub fn cast<G: Float>(&self) -> Result<Model<G>, Error> {
        let cast = |value: F| match G::narrow(value.widen()) {
            cast if cast.is_finite() => Ok(cast),
            _ => Err(value.widen()),
        };
        let weights = self.weights.iter().enumerate().map(|(j, &weight)| {
            cast(weight).map_err(|value| non_finite::<G>(format!("weight {j}"), value))
        });
        let weights = weights.collect::<Result<_, _>>()?;
        let intercept =
            cast(self.intercept).map_err(|value| non_finite::<G>("intercept".to_owned(), value))?;
        Ok(Model { weights, intercept })
    }

    /// Fails on the first coefficient that is not finite.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.weights.is_empty() {
            return Err(Error::NoColumns);
        }
        if let Some(j) = self.weights.iter().position(|weight| !weight.is_finite()) {
            return Err(non_finite::<F>(format!("weight {j}"), self.weights[j].widen()));
        }
        if !self.intercept.is_finite() {
            return Err(non_finite::<F>("intercept".to_owned(), self.intercept.widen()));
        }
        Ok(())
    }
}

fn non_finite<F: Float>(parameter: String, value: f64) -> Error {
    Error::NonFiniteParameter { parameter, value, precision: F::NAME }
}
