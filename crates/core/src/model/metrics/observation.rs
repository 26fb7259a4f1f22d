//! The classes observed in rows, and how much each row counts.

use crate::backend::error::{Error, quoted};
use crate::backend::labels::Label;
use crate::numbers::float::{Float, Number};

/// The class observed in a row, and how much the row counts. It is a [`Label`], or a pair of a label and
/// a weight.
///
/// ```
/// # use logit_core as logit;
/// use logit::metrics::brier_score;
///
/// let (observed, weights) = ([true, false], [3.0, 1.0]);
/// assert_eq!(brier_score(observed, [1.0, 1.0])?, 0.5);
/// assert_eq!(brier_score(observed.iter().zip(&weights), [1.0, 1.0])?, 0.25);
/// # Ok::<(), logit::Error>(())
/// ```
pub trait Observation {
    /// The class.
    fn label(&self) -> &dyn Label;

    /// How much the row counts: 0 or positive, and finite.
    fn weight(&self) -> f64;
}

impl<L: Label> Observation for L {
    fn label(&self) -> &dyn Label {
        self
    }

    fn weight(&self) -> f64 {
        1.0
    }
}

impl<L: Label, W: Number> Observation for (L, W) {
    fn label(&self) -> &dyn Label {
        &self.0
    }

    fn weight(&self) -> f64 {
        self.1.float().widen()
    }
}

/// A row that counts, and a number about it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Row<T> {
    pub(crate) positive: bool,
    pub(crate) weight: f64,
    pub(crate) value: T,
}

/// Pairs observations with one value each, and leaves out rows of weight 0.
///
/// # Errors
/// As [`Confusion::new`](super::Confusion::new) says of observations.
pub(crate) fn read<T>(
    observed: impl IntoIterator<Item: Observation>,
    values: Vec<T>,
) -> Result<Vec<Row<T>>, Error> {
    let rows = values.len();
    let mut observed = observed.into_iter();
    let mut pairs = Vec::with_capacity(rows);
    for (row, value) in values.into_iter().enumerate() {
        let Some(observation) = observed.next() else {
            return Err(Error::LabelCount { rows, labels: row });
        };
        let label = observation.label();
        let unknown = || Error::Label { row, value: quoted(&label.to_string()) };
        let positive = label.class().ok_or_else(unknown)?;
        let weight = observation.weight();
        if !(weight >= 0.0 && weight.is_finite()) {
            let (name, accepted) = ("sample weight", "0 or positive, and finite");
            return Err(Error::RowSetting { name, row, value: weight, accepted });
        }
        pairs.push(Row { positive, weight, value });
    }
    // An iterator without end says so, and is not counted.
    let more = match observed.size_hint() {
        (usize::MAX, None) => usize::MAX - rows,
        _ => observed.count(),
    };
    if more > 0 {
        return Err(Error::LabelCount { rows, labels: rows + more });
    }
    if rows == 0 {
        return Err(Error::NoRows);
    }
    pairs.retain(|pair| pair.weight > 0.0);
    if pairs.is_empty() { Err(Error::NoWeight) } else { Ok(pairs) }
}

/// The same for probabilities.
///
/// # Errors
/// [`Error::Probability`] on a number outside 0 to 1, NaN included.
pub(crate) fn read_probabilities<P: Number>(
    observed: impl IntoIterator<Item: Observation>,
    probabilities: impl IntoIterator<Item = P>,
) -> Result<Vec<Row<P::Float>>, Error> {
    let probabilities: Vec<_> = probabilities.into_iter().map(|p| p.float()).collect();
    let bad = |p: &P::Float| !(0.0..=1.0).contains(&p.widen());
    match probabilities.iter().position(bad) {
        Some(row) => Err(Error::Probability { row, value: probabilities[row].widen() }),
        None => read(observed, probabilities),
    }
}

/// The total weight of the rows.
pub(crate) fn total<'r, T: 'r>(rows: impl IntoIterator<Item = &'r Row<T>>) -> f64 {
    rows.into_iter().map(|row| row.weight).sum()
}

/// The total weight of the rows of class 1.
pub(crate) fn positive<'r, T: 'r>(rows: impl IntoIterator<Item = &'r Row<T>>) -> f64 {
    total(rows.into_iter().filter(|row| row.positive))
}

/// `part / whole`, or 0 where there is nothing.
pub(crate) fn ratio(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 0.0 } else { part / whole }
}
