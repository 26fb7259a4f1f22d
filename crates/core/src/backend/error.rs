//! Errors that say what was given, where, and what is accepted.

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

    /// The number of labels is not the number of rows (or of predictions).
    #[error("{} for {}: give one label per row", count(*labels, "label"), count(*rows, "row"))]
    LabelCount {
        /// The number of rows.
        rows: usize,
        /// The number of labels.
        labels: usize,
    },

    /// A label names neither class.
    #[error(
        "label of row {row} is {value}: labels are 0 or 1 (false or true){}",
        label_hint(value)
    )]
    Label {
        /// The row of the label.
        row: usize,
        /// The label as it displays, or the beginning of that.
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

    /// The standard deviation of a column is too small or too large: its square or its products
    /// with residuals leave the range of the precision.
    #[error(
        "the standard deviation of column {column} comes to {deviation:.1e}: it must be {accepted}; \
         multiply the column by a constant"
    )]
    ColumnSpread {
        /// The column.
        column: usize,
        /// The standard deviation: 0 or infinite if its square is.
        deviation: f64,
        /// What is accepted in the precision of the fit.
        accepted: &'static str,
    },

    /// The number of initial weights is not the number of columns.
    #[error(
        "{} for {}: give one weight per column",
        count(*given, "initial weight"), count(*expected, "column")
    )]
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

    /// A setting has a value that is not accepted.
    #[error("{name} is {value}: it must be {accepted}")]
    Setting {
        /// The name of the setting and of its setter.
        name: &'static str,
        /// The value.
        value: String,
        /// What is accepted.
        accepted: &'static str,
    },

    /// The loss or its gradient left the range of the precision during the fit.
    #[error(
        "the fit {}diverged: at iteration {iteration} the loss is {loss:?} or its gradient is not \
         finite (best loss so far: {best_loss:?}){}",
        if solver.is_empty() { String::new() } else { format!("by {solver} ") },
        learning_rate.map_or(String::new(), |rate| {
            format!("; lower the learning rate, which is {rate:?}, or standardize")
        })
    )]
    Diverged {
        /// The iteration: the number of updates made before.
        iteration: usize,
        /// The loss there.
        loss: f64,
        /// The parameters with the lowest loss so far; the initial ones if no loss was finite.
        /// [`Model::cast`] converts them back to the precision of the fit, exactly.
        best: Box<Model<f64>>,
        /// Their loss, infinite if no loss was finite.
        best_loss: f64,
        /// The learning rate, if the solver was given one.
        learning_rate: Option<f64>,
        /// The name of the solver; empty where a solver is called without a fit.
        solver: &'static str,
    },

    /// The loss or the gradient of the initial model is out of range, though no product of features
    /// and weights is.
    #[error(
        "the loss of the initial model is {loss:?} or its gradient is not finite: its weights, its \
         intercept, the offsets or the penalty are too large"
    )]
    InitialLoss {
        /// The loss.
        loss: f64,
    },

    /// At the start of a fit, the slope with respect to a weight is out of range, or its square
    /// where that is needed. The loss is in range.
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

    /// A backend's product is not finite, although its terms are and no sum of them can leave the
    /// range of the precision. The backend breaks the contract of [`Backend`](crate::Backend).
    #[error("the backend's {method} gives {value:?} for {place}, where its terms add up to less")]
    BackendProduct {
        /// The method of [`Backend`](crate::Backend).
        method: &'static str,
        /// `"row 3"`, or `"column 3"` for the transpose.
        place: String,
        /// The value of the product.
        value: f64,
    },

    /// A hyperplane separates the classes, perhaps with some rows on the plane itself. Without a
    /// penalty, larger coefficients are then always better.
    #[error(
        "the classes are {}separated by {}: along the direction found no logit moves the wrong way, \
         so the loss has no minimum; penalise (l2), fit by Firth's penalty, or leave columns out",
        if *complete { "" } else { "quasi-completely " },
        named_with(columns, |column| {
            let falls = direction.weights().get(column).is_some_and(|weight| *weight < 0.0);
            if falls { " (-inf)" } else { " (+inf)" }
        })
    )]
    Separated {
        /// Whether every row is on the right side of the plane, and none is on the plane itself.
        complete: bool,
        /// Weights and intercept that separate. Up to rounding, `x·w + b` is at least 0 where the
        /// label is 1, and at most 0 where it is 0. It is not 0 in all rows. Coefficients
        /// grow along it without bound: to +∞ where its weight is positive, to -∞ where it is negative.
        /// (Albert and Anderson, *On the existence of maximum likelihood estimates in logistic
        /// regression models*, 1984.)
        direction: Box<Model<f64>>,
        /// The columns whose weight in the direction is not 0. They are ordered by that weight
        /// times the spread of the column, the largest first.
        columns: Vec<usize>,
    },

    /// The estimates of a fit with a penalty are biased towards 0, so they have no standard errors.
    #[error(
        "{penalty} is {strength}: inference is for fits without a penalty; refit with {penalty} 0"
    )]
    Penalized {
        /// `"l1"` or `"l2"`.
        penalty: &'static str,
        /// Its strength.
        strength: f64,
    },

    /// The model is not the optimum for the data: not of this data, or of a fit that stopped early.
    #[error(
        "the model lies {distance:.1e} standard errors from the optimum: it must be within \
         {accepted:.1e}; fit it to this data, with a lower tolerance"
    )]
    NotOptimum {
        /// The distance of the model from the optimum, in standard errors of the combination of
        /// coefficients where it is largest.
        distance: f64,
        /// The largest distance accepted in the precision of the data.
        accepted: f64,
    },

    /// A row determines the fit by itself, so a residual that leaves it out does not exist.
    #[error("row {row} has leverage 1: HC2 and HC3 do not exist; use HC1, or leave the row out")]
    FullLeverage {
        /// The row.
        row: usize,
    },

    /// A covariance of two-way clusters is not positive semidefinite.
    #[error(
        "the two-way clustered variance of {parameter} is {variance:.3e}: a variance is 0 or more; \
         cluster one way, or repair the covariance"
    )]
    NegativeVariance {
        /// `"intercept"`, or `"weight 3"` for the weight of column 3.
        parameter: String,
        /// The variance.
        variance: f64,
    },

    /// A search for a maximum of a likelihood does not come to an end.
    #[error("{what} does not converge in {iterations} iterations")]
    NotConverged {
        /// What was searched.
        what: &'static str,
        /// The number of iterations.
        iterations: usize,
    },

    /// A checkpoint is of another fit, or is damaged.
    #[error("the checkpoint does not fit: its {what} is {given}, and it must be {expected}")]
    Checkpoint {
        /// A setting, the solver, or a fact about the data. If nothing else differs, it is the loss
        /// or gradient at the checkpoint's parameters, which must be the same to the bit.
        what: &'static str,
        /// The value in the checkpoint.
        given: String,
        /// The value in the fit that is to resume.
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

    /// The number of values given per column is not the number of columns.
    #[error("{given} {name}s for {columns} columns: give one per column")]
    ColumnCount {
        /// The setting's name.
        name: &'static str,
        /// How many were given.
        given: usize,
        /// The number of columns.
        columns: usize,
    },

    /// All sample weights, times the weights of their classes, are 0.
    #[error("the weights of all rows are 0: some rows of both classes must count")]
    NoWeight,

    /// The rows of one class have too little weight beside those of the other. At the optimum,
    /// residuals as small as their share of all weights would be lost.
    #[error(
        "the rows of class {class} have {share:e} of all weights: it must be at least {least:.0e}"
    )]
    ClassShare {
        /// The class, 0 or 1.
        class: u8,
        /// Its share of the weights of all rows; 0 if it is out of the range of `f64`.
        share: f64,
        /// The least share in the precision of the data.
        least: f64,
    },

    /// The number of values given per row is not the number of rows.
    #[error("{} for {}: give one per row", count(*given, name), count(*rows, "row"))]
    RowCount {
        /// The setting's name.
        name: &'static str,
        /// The number of values given.
        given: usize,
        /// The number of rows.
        rows: usize,
    },

    /// The model has another number of features than the data.
    #[error("{} for a model of {}", count(*given, "column"), count(*expected, "feature"))]
    FeatureCount {
        /// The number of columns given.
        given: usize,
        /// The number of features of the model.
        expected: usize,
    },

    /// In a prediction or at the start of a fit, a product of finite features and weights left the
    /// range of the precision.
    #[error("the logit of row {row} is {value:?}: its features are too large for these weights")]
    NonFiniteLogit {
        /// The row.
        row: usize,
        /// The logit.
        value: f64,
    },

    /// The slice for results has the wrong length.
    #[error(
        "{} for the results of {}: give one per row", count(*given, "place"), count(*rows, "row")
    )]
    OutputLength {
        /// The number of places given.
        given: usize,
        /// The number of rows.
        rows: usize,
    },

    /// Another process that holds rows of the same matrix failed. See [`Peers`](crate::Peers).
    #[error("process {rank}: {message}")]
    Elsewhere {
        /// The rank of that process, or of the first if several failed.
        rank: usize,
        /// The message of its error, which counts rows within that process.
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

/// Fails with the error for a setting, unless `holds`.
pub(crate) fn check_setting(
    name: &'static str,
    value: impl Debug,
    holds: bool,
    accepted: &'static str,
) -> Result<(), Error> {
    if holds { Ok(()) } else { Err(Error::Setting { name, value: format!("{value:?}"), accepted }) }
}

/// Fails unless `tolerance` can be a share of the loss at which a solver stops.
pub(crate) fn check_tolerance(tolerance: f64) -> Result<(), Error> {
    let holds = tolerance >= 0.0 && tolerance.is_finite();
    check_setting("tolerance", tolerance, holds, "0 or positive, and finite")
}

/// The largest number of characters that an error quotes of a value.
const QUOTED_CHARACTERS: usize = 60;

/// A value as it was given, or its beginning: an error must not send megabytes back.
pub(crate) fn quoted(given: &str) -> String {
    let mut quoted: String = given.chars().take(QUOTED_CHARACTERS).collect();
    if quoted.len() < given.len() {
        quoted.push('…');
    }
    quoted
}

/// A number of things in words, as in "1 row" and "2 rows".
pub(crate) fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// What makes classes of labels of other kinds.
fn label_hint(value: &str) -> &'static str {
    match value {
        "-1" => "; of labels -1 and 1, give `y.iter().map(|&y| y > 0)`, or `y > 0.0`",
        "2" => "; of labels 1 and 2, give `y.iter().map(|&y| y > 1)`, or `y > 1.0`",
        _ => "",
    }
}

/// The largest number of columns that a message names.
const NAMED_COLUMNS: usize = 5;

/// The first few columns in words, and the number of the others.
pub(crate) fn named(columns: &[usize]) -> String {
    named_with(columns, |_| "")
}

/// The same with something to say of each.
fn named_with(columns: &[usize], of_column: impl Fn(usize) -> &'static str) -> String {
    let named = |&column: &usize| format!("{column}{}", of_column(column));
    let first: Vec<_> = columns.iter().take(NAMED_COLUMNS).map(named).collect();
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
    fn one_thing_is_singular() {
        let told = |labels, rows| Error::LabelCount { labels, rows }.to_string();
        assert_eq!(told(1, 2), "1 label for 2 rows: give one label per row");
        assert_eq!(told(0, 1), "0 labels for 1 row: give one label per row");
        let told = Error::FeatureCount { given: 1, expected: 3 }.to_string();
        assert_eq!(told, "1 column for a model of 3 features");
        let told = Error::RowCount { name: "offset", given: 1, rows: 3 }.to_string();
        assert_eq!(told, "1 offset for 3 rows: give one per row");
    }

    #[test]
    fn labels_of_other_numbers_are_told_how_to_become_classes() {
        let told = |value: &str| Error::Label { row: 3, value: value.into() }.to_string();
        let accepted = "labels are 0 or 1 (false or true)";
        assert_eq!(told("0.5"), format!("label of row 3 is 0.5: {accepted}"));
        let hint = "of labels -1 and 1, give `y.iter().map(|&y| y > 0)`, or `y > 0.0`";
        assert_eq!(told("-1"), format!("label of row 3 is -1: {accepted}; {hint}"));
        let hint = "of labels 1 and 2, give `y.iter().map(|&y| y > 1)`, or `y > 1.0`";
        assert_eq!(told("2"), format!("label of row 3 is 2: {accepted}; {hint}"));
    }

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
