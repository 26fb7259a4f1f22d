//! The line through the logits of predictions that fits the classes best.

use crate::backend::dense::Dense;
use crate::backend::error::Error;
use crate::fit::estimator::LogisticRegression;
use crate::model::metrics::observation::{Observation, read_probabilities};
use crate::numbers::float::{Float, Number};

/// What [`calibration`] finds.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Calibration {
    /// 1 where predictions are calibrated; below 1 where they are too extreme.
    pub slope: f64,
    /// The intercept beside that slope.
    pub intercept: f64,
    /// The intercept where the slope is held at 1: 0 where predictions are calibrated on average.
    pub in_the_large: f64,
}

/// Cox's calibration slope and intercept: a logistic regression of the classes on the logits of the
/// probabilities predicted.
///
/// ```text
/// logit P(y = 1) = intercept + slope · logit p
/// ```
///
/// Source: Cox, *Two further applications of a model for binary regression* (1958).
///
/// # Errors
/// [`Error::RowSetting`] on a probability of 0 or 1; [`Error::Separated`] where the
/// probabilities tell the classes apart; else as for [`log_loss`](crate::metrics::log_loss).
///
/// ```
/// # use logit_core as logit;
/// use logit::metrics::calibration;
///
/// let observed = [1, 0, 0, 0, 0, 1, 1, 1];
/// let found = calibration(observed, [0.1, 0.1, 0.1, 0.1, 0.9, 0.9, 0.9, 0.9])?;
/// assert!((found.slope - 0.5).abs() < 1e-9); // odds of 3 where 9 were predicted
/// assert!(found.intercept.abs() < 1e-9 && found.in_the_large.abs() < 1e-9);
/// # Ok::<(), logit::Error>(())
/// ```
pub fn calibration(
    observed: impl IntoIterator<Item: Observation>,
    probabilities: impl IntoIterator<Item: Number>,
) -> Result<Calibration, Error> {
    let probabilities: Vec<f64> = probabilities.into_iter().map(|p| p.float().widen()).collect();
    if let Some(row) = probabilities.iter().position(|p| *p == 0.0 || *p == 1.0) {
        let (name, accepted) = ("probability", "between 0 and 1, and neither of them");
        return Err(Error::RowSetting { name, row, value: probabilities[row], accepted });
    }
    let rows = read_probabilities(observed, probabilities)?;
    let logits: Vec<f64> = rows.iter().map(|row| (row.value / (1.0 - row.value)).ln()).collect();
    let (x, y) = (Dense::from_columns(&logits, rows.len(), 1), rows.iter().map(|row| row.positive));
    let estimator = LogisticRegression::new().sample_weights(rows.iter().map(|row| row.weight));
    let line = estimator.fit(&x, y.clone())?.model;
    let shift = estimator.offsets(&logits).objective(&x, y)?.null_model().intercept;
    Ok(Calibration { slope: line.weights()[0], intercept: line.intercept(), in_the_large: shift })
}
