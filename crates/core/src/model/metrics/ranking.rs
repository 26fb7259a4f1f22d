//! How well scores rank positives above negatives. Tied scores are one step, in any order of rows.

use crate::backend::error::Error;
use crate::model::metrics::observation::{Observation, Row, positive, ratio, read, total};
use crate::numbers::float::{Float, Number};

/// A point of [`roc_curve`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RocPoint {
    /// Rows with at least this score are predicted positive.
    pub threshold: f64,
    /// The share of negatives that are predicted positive.
    pub false_positive_rate: f64,
    /// The share of positives that are predicted positive: the recall.
    pub true_positive_rate: f64,
}

/// A point of [`precision_recall_curve`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PrecisionRecallPoint {
    /// Rows with at least this score are predicted positive.
    pub threshold: f64,
    /// The share of predicted positives that are positive.
    pub precision: f64,
    /// The share of positives that are predicted positive.
    pub recall: f64,
}

/// The area under the receiver operating characteristic: the probability that a random positive
/// scores above a random negative, ties counted as one half.
///
/// ```text
/// AUC = Σ ω₁ ω₀ (s₁ > s₀, or 1/2 where s₁ = s₀) / Σ ω₁ ω₀        over pairs of a positive and a negative
/// ```
///
/// Scores may be probabilities or logits, infinities included. Source: Hanley and McNeil, *The
/// meaning and use of the area under a receiver operating characteristic curve* (1982).
///
/// # Errors
/// [`Error::Score`] for NaN; [`Error::OneClass`] if only one class occurs; else as for
/// [`Confusion::new`](super::Confusion::new).
pub fn roc_auc(
    observed: impl IntoIterator<Item: Observation>,
    scores: impl IntoIterator<Item: Number>,
) -> Result<f64, Error> {
    let ranked = ranked(observed, scores)?;
    // Each positive wins against every negative below it and half-wins against its ties. Wins are
    // counted in halves, so without weights the sum is exact.
    let (mut negatives_below, mut half_wins) = (0.0, 0.0);
    for ties in steps(&ranked).rev() {
        let tied_positives = positive(ties);
        let tied_negatives = total(ties) - tied_positives;
        half_wins += tied_positives * (2.0 * negatives_below + tied_negatives);
        negatives_below += tied_negatives;
    }
    Ok(half_wins / (2.0 * positive(&ranked) * negatives_below))
}

/// The receiver operating characteristic: a point per distinct score, from the highest down. The first
/// point is at the threshold `+∞`, where nothing is predicted positive.
///
/// # Errors
/// As for [`roc_auc`].
///
/// ```
/// # use logit_core as logit;
/// let curve = logit::metrics::roc_curve([1, 0, 1, 0], [0.9, 0.5, 0.5, 0.1])?;
/// assert_eq!(curve.len(), 4); // +∞ and three distinct scores
/// let tied = curve[2];
/// assert_eq!((tied.threshold, tied.false_positive_rate, tied.true_positive_rate), (0.5, 0.5, 1.0));
/// # Ok::<(), logit::Error>(())
/// ```
pub fn roc_curve(
    observed: impl IntoIterator<Item: Observation>,
    scores: impl IntoIterator<Item: Number>,
) -> Result<Vec<RocPoint>, Error> {
    let ranked = ranked(observed, scores)?;
    let positives = positive(&ranked);
    let negatives = total(ranked.iter().filter(|row| !row.positive));
    let start = Counts { threshold: f64::INFINITY, positives: 0.0, negatives: 0.0 };
    let points = std::iter::once(start).chain(cumulative(&ranked)).map(|counts| RocPoint {
        threshold: counts.threshold,
        false_positive_rate: counts.negatives / negatives,
        true_positive_rate: counts.positives / positives,
    });
    Ok(points.collect())
}

/// Precision and recall, a point per distinct score, from the highest down.
///
/// # Errors
/// As for [`roc_auc`].
///
/// ```
/// # use logit_core as logit;
/// let curve = logit::metrics::precision_recall_curve([1, 0, 1, 0], [0.9, 0.5, 0.5, 0.1])?;
/// assert_eq!((curve[0].precision, curve[0].recall), (1.0, 0.5));
/// assert_eq!((curve[2].precision, curve[2].recall), (0.5, 1.0));
/// # Ok::<(), logit::Error>(())
/// ```
pub fn precision_recall_curve(
    observed: impl IntoIterator<Item: Observation>,
    scores: impl IntoIterator<Item: Number>,
) -> Result<Vec<PrecisionRecallPoint>, Error> {
    let ranked = ranked(observed, scores)?;
    let positives = positive(&ranked);
    let points = cumulative(&ranked).map(|counts| PrecisionRecallPoint {
        threshold: counts.threshold,
        precision: ratio(counts.positives, counts.positives + counts.negatives),
        recall: counts.positives / positives,
    });
    Ok(points.collect())
}

/// The mean precision over the positives: the area under the steps of
/// [`precision_recall_curve`], without interpolation.
///
/// ```text
/// AP = Σₖ (recallₖ - recallₖ₋₁) · precisionₖ
/// ```
///
/// # Errors
/// As for [`roc_auc`].
pub fn average_precision(
    observed: impl IntoIterator<Item: Observation>,
    scores: impl IntoIterator<Item: Number>,
) -> Result<f64, Error> {
    let (mut area, mut recall) = (0.0, 0.0);
    for point in precision_recall_curve(observed, scores)? {
        area += (point.recall - recall) * point.precision;
        recall = point.recall;
    }
    Ok(area)
}

/// How much the rows of either class with at least some score count together.
struct Counts {
    threshold: f64,
    positives: f64,
    negatives: f64,
}

/// The rows that count, by falling score.
fn ranked(
    observed: impl IntoIterator<Item: Observation>,
    scores: impl IntoIterator<Item: Number>,
) -> Result<Vec<Row<f64>>, Error> {
    let scores: Vec<f64> = scores.into_iter().map(|score| score.float().widen()).collect();
    let not_a_number = scores.iter().position(|score| score.is_nan());
    let mut rows = read(observed, scores)?;
    if let Some(row) = not_a_number {
        return Err(Error::Score { row });
    }
    let class = rows[0].positive;
    if rows.iter().all(|row| row.positive == class) {
        return Err(Error::OneClass { class: class.into() });
    }
    rows.sort_by(|a, b| b.value.total_cmp(&a.value));
    Ok(rows)
}

/// The rows of each distinct score; -0.0 is 0.0.
fn steps(ranked: &[Row<f64>]) -> impl DoubleEndedIterator<Item = &[Row<f64>]> {
    ranked.chunk_by(|a, b| a.value == b.value)
}

fn cumulative(ranked: &[Row<f64>]) -> impl Iterator<Item = Counts> {
    steps(ranked).scan((0.0, 0.0), |(positives, all), ties| {
        *positives += positive(ties);
        *all += total(ties);
        let negatives = *all - *positives;
        Some(Counts { threshold: ties[0].value, positives: *positives, negatives })
    })
}
