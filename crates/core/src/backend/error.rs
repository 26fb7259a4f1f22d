//! Everything that can be wrong, with what was given, where, and what is accepted.

use std::fmt::Debug;

use crate::backend::model::Model;

/// Why a fit, a prediction or a metric could not be computed. Rows and columns count from 0.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is nothing to fit.
    #[error("no rows: the data must have at least one row")]
    NoRows,

    /// There are no features.
    #[error("no columns: the data must have at least one column")]
    NoColumns,

    /// Rows and labels (or labels and predictions) are not as many.
    #[error("{labels} labels for {rows} rows: give one label per row")]
    LabelCount {
        /// The number of rows.
        rows: usize,
        /// The number of labels.
        labels: usize,
    },

    /// A label names neither class.
    #[error("label of row {row} is {value}: labels are 0 or 1 (false or true)")]
    Label {
        /// The row of the label.
        row: usize,
        /// The label, as it displays, or how that begins.
        value: String,
    },

    /// All labels are the same.
    #[error("every label that counts is {class}: both classes, 0 and 1, must occur")]
    OneClass {
        /// The only class, 0 or 1.
        class: u8,
    },

    /// The matrix has a NaN or an infinity.
    #[error("row {row}, column {column} is {value:?}: features must be finite")]
    NonFiniteFeature {
        /// The row of the first such value.
        row: usize,
        /// The column of the first such value.
        column: usize,
        /// The value.
        value: f64,
    },

    /// The standard deviation of a column is so small or so large that its square, or its products
    /// with residuals, leave the range of the precision.
    #[error(
        "the standard deviation of column {column} comes to {deviation:.1e}: it must be {accepted}; \
         multiply the column by a constant"
    )]
    ColumnSpread {
        /// The column.
        column: usize,
        /// The standard deviation, 0 or infinite where that is what its square has become.
        deviation: f64,
        /// What is accepted in the precision of the fit.
        accepted: &'static str,
    },

    /// Weights do not fit the columns.
    #[error("{given} initial weights for {expected} columns: give one weight per column")]
    InitialWeightCount {
        /// The number of weights given.
        given: usize,
        /// The number of columns.
        expected: usize,
    },

    /// A weight or intercept is not finite in the precision of the model.
    #[error("{parameter} is {value:?}: it must be finite in {precision}")]
    NonFiniteParameter {
        /// `"intercept"`, or `"weight 3"` for the weight of column 3.
        parameter: String,
        /// The value.
        value: f64,
        /// `"f32"` or `"f64"`.
        precision: &'static str,
    },

    /// A setting is outside what is accepted.
    #[error("{name} is {value}: it must be {accepted}")]
    Setting {
        /// The setting's name, as its setter's.
        name: &'static str,
        /// The value.
        value: String,
        /// What is accepted.
        accepted: &'static str,
    },

    /// The loss or its gradient left the range of the precision during the fit.
    #[error(
        "the fit diverged: at iteration {iteration} the loss is {loss:?} or its gradient is not \
         finite (best loss so far: {best_loss:?}){}",
        learning_rate.map_or(String::new(), |rate| {
            format!("; lower the learning rate, which is {rate:?}, or standardize")
        })
    )]
    Diverged {
        /// The iteration, that is the number of updates made before.
        iteration: usize,
        /// The loss there.
        loss: f64,
        /// The parameters with the lowest loss so far, which are the initial ones where no loss
        /// was finite. [`Model::cast`] brings them back to the precision of the fit, exactly.
        best: Box<Model<f64>>,
        /// Their loss, infinite where no loss was finite.
        best_loss: f64,
        /// The learning rate, where the solver was given one.
        learning_rate: Option<f64>,
    },

    /// The loss of the model that a fit starts from, or its gradient, is out of range, though no
    /// product of features and weights is.
    #[error(
        "the loss of the initial model is {loss:?} or its gradient is not finite: its weights, its \
         intercept, the offsets or the penalty are too large"
    )]
    InitialLoss {
        /// The loss.
        loss: f64,
    },

    /// The slope by a weight, or its square where that is needed, is out of range where a fit
    /// starts, though the loss is not.
    #[error(
        "the size of column {column} is out of range: sums over it or their squares leave that of \
         {precision}; rescale it"
    )]
    ColumnSize {
        /// The column.
        column: usize,
        /// `"f32"` or `"f64"`.
        precision: &'static str,
    },

    /// A backend's product is not finite, though all that goes into it is and no sum of it can
    /// leave the range of the precision. It breaks the contract of [`Backend`](crate::Backend).
    #[error("the backend's {method} gives {value:?} for {place}, where its terms add up to less")]
    BackendProduct {
        /// The method of [`Backend`](crate::Backend).
        method: &'static str,
        /// `"row 3"`, or `"column 3"` for the transpose.
        place: String,
        /// What it gives.
        value: f64,
    },

    /// The classes can be told apart without error, or with ties alone, so that without a penalty
    /// larger coefficients are always better.
    #[error(
        "the classes are {}separated by {}: along the direction found no logit moves the wrong way, \
         so the loss has no minimum; penalise (l2), or leave columns out",
        if *complete { "" } else { "quasi-completely " },
        named(columns)
    )]
    Separated {
        /// Whether the direction puts every row on the right side of 0, none of them on it.
        complete: bool,
        /// Weights and intercept that separate: `x·w + b` is at least 0, up to rounding, where the
        /// label is 1, at most 0 where it is 0, and not 0 in all rows. (Albert and Anderson, *On
        /// the existence of maximum likelihood estimates in logistic regression models*, 1984.)
        direction: Box<Model<f64>>,
        /// The columns whose weight in the direction is not 0: by that weight times the spread of
        /// the column, the largest first.
        columns: Vec<usize>,
    },

    /// A checkpoint is not of this fit, or what was read of it is damaged.
    #[error("the checkpoint does not fit: its {what} is {given}, and it must be {expected}")]
    Checkpoint {
        /// A setting, the solver, or a fact about the data. Of data that differs in nothing else,
        /// the loss or gradient at the checkpoint's parameters, which must be the same to the bit.
        what: &'static str,
        /// What the checkpoint has.
        given: String,
        /// What the fit that is to resume has.
        expected: String,
    },

    /// A number given per row is not acceptable.
    #[error("{name} of row {row} is {value:?}: it must be {accepted}")]
    RowSetting {
        /// The setting's name.
        name: &'static str,
        /// The row.
        row: usize,
        /// The value.
        value: f64,
        /// What is accepted.
        accepted: &'static str,
    },

    /// A number given per column is not acceptable.
    #[error("{name} of column {column} is {value:?}: it must be {accepted}")]
    ColumnSetting {
        /// The setting's name.
        name: &'static str,
        /// The column.
        column: usize,
        /// The value.
        value: f64,
        /// What is accepted.
        accepted: &'static str,
    },

    /// The number of numbers given per column is not that of the columns.
    #[error("{given} {name}s for {columns} columns: give one per column")]
    ColumnCount {
        /// The setting's name.
        name: &'static str,
        /// How many were given.
        given: usize,
        /// The number of columns.
        columns: usize,
    },

    /// All sample weights, times their class's, are 0.
    #[error("the weights of all rows are 0: some rows of both classes must count")]
    NoWeight,

    /// The rows of one class count too little beside those of the other: at the optimum, residuals
    /// of their share of all weights would be lost.
    #[error(
        "the rows of class {class} have {share:e} of all weights: it must be at least {least:.0e}"
    )]
    ClassShare {
        /// The class, 0 or 1.
        class: u8,
        /// Its share of the weights of all rows; 0 where that is out of the range of `f64`.
        share: f64,
        /// The least share in the precision of the data.
        least: f64,
    },

    /// Numbers given per row are not as many.
    #[error("{given} {name}s for {rows} rows: give one per row")]
    RowCount {
        /// The setting's name.
        name: &'static str,
        /// How many were given.
        given: usize,
        /// The number of rows.
        rows: usize,
    },

    /// The model has another number of features than the data.
    #[error("{given} columns for a model of {expected} features")]
    FeatureCount {
        /// The number of columns given.
        given: usize,
        /// The number of features of the model.
        expected: usize,
    },

    /// The product of finite features with the weights of a model, to predict with or to start a
    /// fit from, left the range of the precision.
    #[error("the logit of row {row} is {value:?}: its features are too large for these weights")]
    NonFiniteLogit {
        /// The row.
        row: usize,
        /// The logit.
        value: f64,
    },

    /// A place for results has the wrong length.
    #[error("{given} places for the results of {rows} rows: give one per row")]
    OutputLength {
        /// The number of places given.
        given: usize,
        /// The number of rows.
        rows: usize,
    },

    /// Another of the processes that hold the rows together failed. (See [`Peers`](crate::Peers).)
    #[error("process {rank}: {message}")]
    Elsewhere {
        /// The rank of that process; of the first, where several failed.
        rank: usize,
        /// What its own error says; it counts its own rows.
        message: String,
    },

    /// A probability is outside 0 to 1.
    #[error("probability of row {row} is {value:?}: it must be within 0 to 1")]
    Probability {
        /// The row.
        row: usize,
        /// The value.
        value: f64,
    },

    /// A score to be ranked is NaN.
    #[error("score of row {row} is NaN: scores must be comparable")]
    Score {
        /// The row.
        row: usize,
    },
}

/// Fails unless what is accepted of a setting `holds`.
pub(crate) fn check_setting(
    name: &'static str,
    value: impl Debug,
    holds: bool,
    accepted: &'static str,
) -> Result<(), Error> {
    if holds { Ok(()) } else { Err(Error::Setting { name, value: format!("{value:?}"), accepted }) }
}

/// Fails unless it is the share of the loss at which a solver may stop.
pub(crate) fn check_tolerance(tolerance: f64) -> Result<(), Error> {
    let holds = tolerance >= 0.0 && tolerance.is_finite();
    check_setting("tolerance", tolerance, holds, "0 or positive, and finite")
}

/// The most characters that an error quotes of what was given.
const QUOTED_CHARACTERS: usize = 60;

/// What was given, or how it begins: whoever gives megabytes must not be sent them back.
pub(crate) fn quoted(given: &str) -> String {
    let mut quoted: String = given.chars().take(QUOTED_CHARACTERS).collect();
    if quoted.len() < given.len() {
        quoted.push('…');
    }
    quoted
}

/// The most columns that a message names.
const NAMED_COLUMNS: usize = 5;

/// Columns in words: the first few, and how many more there are.
pub(crate) fn named(columns: &[usize]) -> String {
    let first: Vec<_> = columns.iter().take(NAMED_COLUMNS).map(usize::to_string).collect();
    let noun = if columns.len() == 1 { "column" } else { "columns" };
    let more = match columns.len() - first.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{noun} {}{more}", first.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_columns_the_first_five_are_named() {
        let named = |columns: usize| named(&(0..columns).map(|k| 9 - k).collect::<Vec<_>>());
        assert_eq!(named(1), "column 9");
        assert_eq!(named(2), "columns 9, 8");
        assert_eq!(named(5), "columns 9, 8, 7, 6, 5");
        assert_eq!(named(6), "columns 9, 8, 7, 6, 5 and 1 more");
        assert_eq!(named(10), "columns 9, 8, 7, 6, 5 and 5 more");
    }
}
