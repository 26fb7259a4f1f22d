//! Means over the rows of how far probabilities are off.

use crate::backend::error::Error;
use crate::model::metrics::observation::{Observation, Row, read_probabilities, total};
use crate::numbers::float::{Float, Number};
use crate::numbers::scalar::cross_entropy_from_probability;

/// The mean cross-entropy of probabilities of class 1, each clamped as in
/// [`cross_entropy_from_probability`].
///
/// # Errors
/// [`Error::Probability`] for a number outside 0 to 1, NaN included; else as for
/// [`Confusion::new`](super::Confusion::new).
pub fn log_loss(
    observed: impl IntoIterator<Item: Observation>,
    probabilities: impl IntoIterator<Item: Number>,
) -> Result<f64, Error> {
    let rows = read_probabilities(observed, probabilities)?;
    Ok(mean(&rows, |row| cross_entropy_from_probability(row.value, row.positive).widen()))
}

/// The Brier score: the mean squared difference between the probability of class 1 and the class.
///
/// It is 0 for a perfect forecast and 0.25 for probabilities of one half. Source: Brier,
/// *Verification of forecasts expressed in terms of probability* (1950), halved as is usual for two
/// classes.
///
/// # Errors
/// As for [`log_loss`].
///
/// ```
/// # use logit_core as logit;
/// assert_eq!(logit::metrics::brier_score([1, 0], [0.5, 0.0])?, 0.125);
/// # Ok::<(), logit::Error>(())
/// ```
pub fn brier_score(
    observed: impl IntoIterator<Item: Observation>,
    probabilities: impl IntoIterator<Item: Number>,
) -> Result<f64, Error> {
    let rows = read_probabilities(observed, probabilities)?;
    Ok(mean(&rows, |row| (row.value.widen() - f64::from(u8::from(row.positive))).powi(2)))
}

fn mean<T>(rows: &[Row<T>], of_row: impl Fn(&Row<T>) -> f64) -> f64 {
    rows.iter().map(|row| row.weight * of_row(row)).sum::<f64>() / total(rows)
}
