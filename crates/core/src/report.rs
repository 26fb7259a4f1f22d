//! What a fit tells about itself.

use std::fmt;
use std::ops::ControlFlow;

use crate::coordinates::Coordinates;
use crate::{Error, Float, Model};

/// Why a fit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StopReason {
    /// The gradient is at most the tolerance in every component.
    Converged,
    /// All iterations were made.
    MaxIterations,
    /// The observer asked for it.
    Observer,
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            StopReason::Converged => "converged",
            StopReason::MaxIterations => "max iterations",
            StopReason::Observer => "observer",
        })
    }
}

/// The course of a fit and how it ended.
///
/// Losses are those of the [`Objective`](crate::Objective), penalty included, over all rows.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// Why the fit ended.
    pub stop: StopReason,
    /// The number of iterations made.
    pub iterations: usize,
    /// How often the matrix was read for losses and gradients.
    pub passes: usize,
    /// The loss at the start of every iteration: `iterations` numbers, the first of them that of
    /// the initial parameters.
    pub losses: Vec<f64>,
    /// The loss of the model returned.
    pub loss: f64,
    /// The largest component of its gradient in absolute value.
    pub gradient_norm: f64,
    /// The lowest loss seen at the start of an iteration or at the end.
    pub best_loss: f64,
    /// The iteration that started there; `iterations` where it is the model returned.
    pub best_iteration: usize,
}

impl Report {
    /// How far the loss of the model returned lies above the best one seen; 0 where it is the best.
    pub fn regression(&self) -> f64 {
        self.loss - self.best_loss
    }
}

/// The share of the loss from which a regression is more than the rounding of either precision.
const NOTABLE: f64 = 1e-6;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.stop {
            StopReason::Converged => "the gradient is within tolerance",
            StopReason::MaxIterations => "the maximum was reached before the tolerance",
            StopReason::Observer => "the observer asked to stop",
        };
        writeln!(f, "{} iterations, {} reads of the data: {why}", self.iterations, self.passes)?;
        write!(f, "loss {:.6e}, gradient norm {:.1e}", self.loss, self.gradient_norm)?;
        // At the bottom the loss moves by its own rounding, about which there is nothing to say.
        if self.regression() > NOTABLE * self.best_loss {
            write!(
                f,
                "\nthe last loss is not the best: at iteration {} it was {:.6e}, lower by {:.3e}",
                self.best_iteration,
                self.best_loss,
                self.regression()
            )?;
        }
        Ok(())
    }
}

/// Where a fit stands at the start of an iteration, for an observer.
pub struct Progress<'a, F> {
    /// The number of iterations made so far.
    pub iteration: usize,
    /// The loss at the present parameters.
    pub loss: f64,
    /// The largest component of the gradient in absolute value.
    pub gradient_norm: f64,
    pub(crate) parameters: &'a [F],
    pub(crate) coordinates: &'a Coordinates,
}

impl<F: Float> Progress<'_, F> {
    /// The model at the present parameters, on the scale of the data.
    ///
    /// # Errors
    /// [`Error::NonFiniteParameter`] where the coefficients leave the range of the precision.
    pub fn model(&self) -> Result<Model<F>, Error> {
        self.coordinates.unfold(self.parameters)
    }
}

/// Called at the start of every iteration; `Break` ends the fit there.
pub(crate) type Observer<'a, F> = &'a mut dyn FnMut(&Progress<'_, F>) -> ControlFlow<()>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regression_is_told_where_it_is_more_than_rounding() {
        let told = |best_loss: f64, loss: f64| {
            let report = Report {
                stop: StopReason::MaxIterations,
                iterations: 1,
                passes: 2,
                losses: vec![best_loss],
                loss,
                gradient_norm: 0.0,
                best_loss,
                best_iteration: 0,
            };
            report.to_string().contains("not the best")
        };
        assert!(told(0.7, 0.71) && told(100.0, 100.001) && told(0.001, 0.001_01));
        assert!(!told(0.7, 0.7) && !told(100.0, 100.000_01) && !told(0.0, 0.0));
    }
}
