//! Counts of the four pairs of class observed and class predicted.

use crate::backend::error::{Error, quoted};
use crate::backend::labels::Label;
use crate::model::metrics::observation::{Observation, ratio, read};

/// The confusion matrix: the number of rows of each class, or the sum of their weights, by predicted
/// class.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Confusion {
    /// Class 1, predicted as 1.
    pub true_positives: f64,
    /// Class 0, predicted as 1.
    pub false_positives: f64,
    /// Class 0, predicted as 0.
    pub true_negatives: f64,
    /// Class 1, predicted as 0.
    pub false_negatives: f64,
}

impl Confusion {
    /// Counts pairs of observed and predicted classes.
    ///
    /// # Errors
    /// [`Error::NoRows`] without any pairs; [`Error::LabelCount`] if there are not as many observed
    /// as predicted classes; [`Error::Label`] for a value that is not 0 or 1; [`Error::RowSetting`] for
    /// a weight that is negative or not finite; [`Error::NoWeight`] if all are 0.
    pub fn new(
        observed: impl IntoIterator<Item: Observation>,
        predicted: impl IntoIterator<Item: Label>,
    ) -> Result<Self, Error> {
        let predicted = predicted.into_iter().enumerate().map(|(row, label)| {
            label.class().ok_or_else(|| Error::Label { row, value: quoted(&label.to_string()) })
        });
        let rows = read(observed, predicted.collect::<Result<Vec<bool>, _>>()?)?;
        let mut confusion = Self::default();
        for row in rows {
            *match (row.positive, row.value) {
                (true, true) => &mut confusion.true_positives,
                (false, true) => &mut confusion.false_positives,
                (false, false) => &mut confusion.true_negatives,
                (true, false) => &mut confusion.false_negatives,
            } += row.weight;
        }
        Ok(confusion)
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
        let hits = 2.0 * self.true_positives;
        ratio(hits, hits + self.false_positives + self.false_negatives)
    }
}
