//! Metrics of a classifier. Class 1 is "positive".
//!
//! ```
//! # use logit_core as logit;
//! use logit::metrics::{Confusion, log_loss, roc_auc};
//!
//! let observed = [1, 1, 0, 0];
//! let probabilities = [0.9, 0.4, 0.6, 0.1];
//! let confusion = Confusion::new(observed, probabilities.map(|p| p >= 0.5))?;
//! assert_eq!((confusion.accuracy(), confusion.precision()), (0.5, 0.5));
//! assert_eq!(roc_auc(observed, probabilities)?, 0.75);
//! assert!(log_loss(observed, probabilities)? < 0.6);
//! # Ok::<(), logit::Error>(())
//! ```

use crate::backend::error::Error;
use crate::backend::labels;
use crate::backend::labels::Label;
use crate::numbers::float::{Float, Number};
use crate::numbers::scalar::cross_entropy_from_probability;

/// The confusion matrix: the number of rows of each class, by predicted class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Confusion {
    /// Class 1, predicted as 1.
    pub true_positives: usize,
    /// Class 0, predicted as 1.
    pub false_positives: usize,
    /// Class 0, predicted as 0.
    pub true_negatives: usize,
    /// Class 1, predicted as 0.
    pub false_negatives: usize,
}

impl Confusion {
    /// Counts pairs of observed and predicted classes.
    ///
    /// # Errors
    /// [`Error::NoRows`] without any pairs; [`Error::LabelCount`] if there are not as many observed
    /// as predicted classes; [`Error::Label`] for a value that is not 0 or 1.
    pub fn new(
        observed: impl IntoIterator<Item: Label>,
        predicted: impl IntoIterator<Item: Label>,
    ) -> Result<Self, Error> {
        let predicted = read_all(predicted)?;
        let observed = read_non_empty(predicted.len(), observed)?;
        let count = |y: bool, p: bool| {
            observed.iter().zip(&predicted).filter(|&(&a, &b)| (a, b) == (y, p)).count()
        };
        Ok(Self {
            true_positives: count(true, true),
            false_positives: count(false, true),
            true_negatives: count(false, false),
            false_negatives: count(true, false),
        })
    }

    /// The share of rows predicted correctly.
    pub fn accuracy(&self) -> f64 {
        let correct = self.true_positives + self.true_negatives;
        ratio(correct, correct + self.false_positives + self.false_negatives)
    }

    /// The share of predicted positives that are positive; 0 if none was predicted.
    pub fn precision(&self) -> f64 {
        ratio(self.true_positives, self.true_positives + self.false_positives)
    }

    /// The share of positives that were predicted as such; 0 if there are none.
    pub fn recall(&self) -> f64 {
        ratio(self.true_positives, self.true_positives + self.false_negatives)
    }

    /// The harmonic mean of precision and recall; 0 if no row is positive or predicted as such.
    pub fn f1(&self) -> f64 {
        let hits = 2 * self.true_positives;
        ratio(hits, hits + self.false_positives + self.false_negatives)
    }
}

/// The mean cross-entropy of probabilities of class 1, each clamped as in
/// [`cross_entropy_from_probability`].
///
/// # Errors
/// [`Error::Probability`] for a number outside 0 to 1, NaN included; else as for
/// [`Confusion::new`].
pub fn log_loss(
    observed: impl IntoIterator<Item: Label>,
    probabilities: impl IntoIterator<Item: Number>,
) -> Result<f64, Error> {
    let probabilities: Vec<_> = probabilities.into_iter().map(|p| p.float()).collect();
    let observed = read_non_empty(probabilities.len(), observed)?;
    let mut sum = 0.0;
    for (row, (&p, y)) in probabilities.iter().zip(observed).enumerate() {
        let value = p.widen();
        if !(0.0..=1.0).contains(&value) {
            return Err(Error::Probability { row, value });
        }
        sum += cross_entropy_from_probability(p, y).widen();
    }
    Ok(sum / probabilities.len() as f64)
}

/// The area under the receiver operating characteristic: the probability that a random positive
/// scores above a random negative, ties counted as one half.
///
/// ```text
/// AUC = (Σ ranks of positives - n₁ (n₁ + 1) / 2) / (n₁ n₀)        tied scores share their mean rank
/// ```
///
/// Scores may be probabilities or logits, infinities included. Source: Hanley and McNeil, *The
/// meaning and use of the area under a receiver operating characteristic curve* (1982).
///
/// # Errors
/// [`Error::Score`] for NaN; [`Error::OneClass`] if only one class occurs; else as for
/// [`Confusion::new`].
pub fn roc_auc(
    observed: impl IntoIterator<Item: Label>,
    scores: impl IntoIterator<Item: Number>,
) -> Result<f64, Error> {
    let scores: Vec<f64> = scores.into_iter().map(|score| score.float().widen()).collect();
    let observed = read_non_empty(scores.len(), observed)?;
    if let Some(row) = scores.iter().position(|score| score.is_nan()) {
        return Err(Error::Score { row });
    }
    labels::require_both_classes(&observed)?;
    let mut ranked: Vec<(f64, bool)> = scores.into_iter().zip(observed).collect();
    ranked.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    // Each positive wins against every negative below it and half-wins against its ties. Wins are
    // counted in halves, so the sum is exact.
    let (mut negatives_below, mut positives, mut half_wins) = (0u128, 0u128, 0u128);
    for ties in ranked.chunk_by(|a, b| a.0 == b.0) {
        let tied_positives = ties.iter().filter(|(_, positive)| *positive).count() as u128;
        let tied_negatives = ties.len() as u128 - tied_positives;
        half_wins += tied_positives * (2 * negatives_below + tied_negatives);
        positives += tied_positives;
        negatives_below += tied_negatives;
    }
    Ok(half_wins as f64 / (2 * positives * negatives_below) as f64)
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn read_all<L: Label>(labels: impl IntoIterator<Item = L>) -> Result<Vec<bool>, Error> {
    let labels = labels.into_iter().enumerate().map(|(row, label)| {
        label.class().ok_or_else(|| Error::Label { row, value: label.to_string() })
    });
    labels.collect()
}

fn read_non_empty<L: Label>(
    rows: usize,
    observed: impl IntoIterator<Item = L>,
) -> Result<Vec<bool>, Error> {
    let observed = labels::read(rows, observed)?;
    if rows == 0 { Err(Error::NoRows) } else { Ok(observed) }
}
