//! Whether events of probability p happen in a share p of the rows.

use crate::backend::error::{Error, check_setting};
use crate::model::metrics::observation::{Observation, Row, positive, read_probabilities, total};
use crate::numbers::distributions::ChiSquareTest;
use crate::numbers::float::{Float, Number};

/// How [`calibration_bins`] cuts the rows by their probabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bins {
    /// Into this many intervals of equal width, each with its upper end: scikit-learn's `"uniform"`.
    Uniform(usize),
    /// Into this many groups of about equal weight. Rows of equal probability are never separated:
    /// they go where the middle of their weight lies.
    Quantile(usize),
}

/// The rows of one bin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CalibrationBin {
    /// The number of rows, or the sum of their weights.
    pub weight: f64,
    /// The mean of the probabilities predicted.
    pub predicted: f64,
    /// The share of rows of class 1.
    pub observed: f64,
}

/// The reliability diagram: mean probability and share of class 1 per bin, from the lowest
/// probability up. Empty bins are left out.
///
/// # Errors
/// [`Error::Setting`] on 0 bins; else as for [`log_loss`](super::log_loss).
///
/// ```
/// # use logit_core as logit;
/// use logit::metrics::{Bins, calibration_bins};
///
/// let bins = calibration_bins([0, 1, 1, 1], [0.25, 0.25, 0.75, 1.0], Bins::Uniform(2))?;
/// assert_eq!((bins[0].weight, bins[0].predicted, bins[0].observed), (2.0, 0.25, 0.5));
/// assert_eq!((bins[1].weight, bins[1].predicted, bins[1].observed), (2.0, 0.875, 1.0));
/// # Ok::<(), logit::Error>(())
/// ```
pub fn calibration_bins(
    observed: impl IntoIterator<Item: Observation>,
    probabilities: impl IntoIterator<Item: Number>,
    bins: Bins,
) -> Result<Vec<CalibrationBin>, Error> {
    let (Bins::Uniform(count) | Bins::Quantile(count)) = bins;
    check_setting("bins", count, count > 0, "at least 1")?;
    let mut rows = read_probabilities(observed, probabilities)?;
    rows.sort_by(|a, b| a.value.widen().total_cmp(&b.value.widen()));
    let whole = total(&rows);
    let (mut below, mut binned) = (0.0, Vec::new());
    for ties in rows.chunk_by(|a, b| a.value == b.value) {
        let weight = total(ties);
        let p = ties[0].value.widen();
        let bin = match bins {
            Bins::Uniform(_) => ((p * count as f64).ceil() as usize).saturating_sub(1),
            Bins::Quantile(_) => ((below + weight / 2.0) / whole * count as f64) as usize,
        };
        below += weight;
        binned.extend(ties.iter().map(|row| (bin.min(count - 1), *row)));
    }
    Ok(binned.chunk_by(|a, b| a.0 == b.0).map(bin).collect())
}

fn bin<F: Float>(rows: &[(usize, Row<F>)]) -> CalibrationBin {
    let rows = rows.iter().map(|(_, row)| row);
    let weight = total(rows.clone());
    let predicted = rows.clone().map(|row| row.weight * row.value.widen()).sum::<f64>() / weight;
    CalibrationBin { weight, predicted, observed: positive(rows) / weight }
}

/// The mean distance between probability and share of class 1 over the bins, by their weights.
///
/// ```text
/// ECE = Σ_bins (weight / total weight) · |predicted - observed|
/// ```
///
/// Source: Naeini, Cooper and Hauskrecht, *Obtaining well calibrated probabilities using Bayesian
/// binning* (2015).
///
/// # Errors
/// As for [`calibration_bins`].
pub fn expected_calibration_error(
    observed: impl IntoIterator<Item: Observation>,
    probabilities: impl IntoIterator<Item: Number>,
    bins: Bins,
) -> Result<f64, Error> {
    let bins = calibration_bins(observed, probabilities, bins)?;
    let whole: f64 = bins.iter().map(|bin| bin.weight).sum();
    let distance = |bin: &CalibrationBin| bin.weight * (bin.predicted - bin.observed).abs();
    Ok(bins.iter().map(distance).sum::<f64>() / whole)
}

/// The Hosmer-Lemeshow test of calibration, over groups of about equal weight as by
/// [`Bins::Quantile`].
///
/// ```text
/// χ² = Σ_groups (O - E)² / (E (1 - E / n))        n rows, O of class 1, E expected; groups - 2 degrees of freedom
/// ```
///
/// It is for probabilities of the rows that the model was fitted to. Source: Hosmer and Lemeshow,
/// *Goodness of fit tests for the multiple logistic regression model* (1980).
///
/// # Errors
/// [`Error::Setting`] where fewer than 3 groups are asked for, or are left because of ties; else as
/// for [`log_loss`](super::log_loss).
pub fn hosmer_lemeshow(
    observed: impl IntoIterator<Item: Observation>,
    probabilities: impl IntoIterator<Item: Number>,
    groups: usize,
) -> Result<ChiSquareTest, Error> {
    let accepted = "at least 3, of different probabilities";
    check_setting("groups", groups, groups >= 3, accepted)?;
    let bins = calibration_bins(observed, probabilities, Bins::Quantile(groups))?;
    check_setting("groups", bins.len(), bins.len() >= 3, accepted)?;
    let term = |bin: &CalibrationBin| {
        let square = bin.weight * (bin.observed - bin.predicted).powi(2);
        // Where all events are certain, and happened, nothing is off.
        if square == 0.0 { 0.0 } else { square / (bin.predicted * (1.0 - bin.predicted)) }
    };
    Ok(ChiSquareTest::new(bins.iter().map(term).sum(), bins.len() - 2))
}
