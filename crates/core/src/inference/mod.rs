//! What a fit is worth: standard errors, tests, intervals, marginal effects.
//!
//! `information` holds the inverse of the second derivatives, which all others ask. `estimates` and
//! `likelihood` are plain data, `table` prints them. `optimum` tells whether a model is one.

pub(crate) mod calibration;
pub(crate) mod covariance;
pub(crate) mod diagnostics;
pub(crate) mod estimates;
mod information;
pub(crate) mod likelihood;
pub(crate) mod margins;
pub(crate) mod maximum;
mod optimum;
mod score;
mod table;

use crate::backend::contract::Backend;
use crate::backend::error::{Error, check_setting};
use crate::backend::labels::Label;
use crate::backend::model::Model;
use crate::backend::shard::Shard;
use crate::fit::estimator::LogisticRegression;
use crate::inference::estimates::Estimates;
use crate::inference::information::Information;
use crate::inference::likelihood::Likelihood;
use crate::numbers::float::Float;
use crate::objective::penalty::Penalty;
use crate::objective::{Objective, Terms};

/// What a fitted model is worth: its coefficients with their covariance, its likelihood, and more by a
/// pass over the data each.
///
/// [`LogisticRegression::inference`] makes it. It displays as the table that R and Stata print.
///
/// Sample weights are frequencies: a row of weight 2 counts as two rows. The number of observations N is
/// the sum of the weights, those of classes included. For sampling weights, as surveys have them, take
/// a [`robust`](Self::robust) covariance. The covariance of the coefficients is
///
/// ```text
/// V = (Σᵢ ωᵢ pᵢ (1 - pᵢ) aᵢ aᵢᵀ)⁻¹        aᵢ the row, and 1 for the intercept
/// ```
///
/// Source: McCullagh and Nelder, *Generalized Linear Models* (2nd ed. 1989), section 4.4.
///
/// Memory grows with the square of the number of columns, not with the number of rows.
pub struct Inference<'a, B: Backend + ?Sized> {
    objective: Objective<'a, B>,
    model: Model<f64>,
    information: Information,
    likelihood: Likelihood,
    estimates: Estimates,
}

impl<S> LogisticRegression<S> {
    /// What a model fitted by this estimator to this data is worth.
    ///
    /// The model may come from a file. The estimator says which weights, offsets and intercept the fit
    /// had. Its solver and [`standardize`](Self::standardize) do not matter: coefficients are those of
    /// the columns as they are. Takes four passes, or more if large logits raise the question whether
    /// there is an optimum.
    ///
    /// # Errors
    /// [`Error::Penalized`] with an L1 or L2 penalty. [`Error::NotOptimum`] if the model lies more
    /// than 0.01 standard errors from the optimum; what rounding hides is allowed beside.
    /// [`Error::FeatureCount`] if the model does not have one weight per column. [`Error::Separated`]
    /// if there is no optimum. Else as for [`fit`](Self::fit).
    ///
    /// ```
    /// # use logit_core as logit;
    /// use logit::{Dense, LogisticRegression};
    ///
    /// let hours = [0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0];
    /// let passed = [0, 0, 1, 0, 1, 0, 1, 1];
    /// let x = Dense::from_columns(&hours, 8, 1);
    /// let estimator = LogisticRegression::new();
    /// let fit = estimator.fit(&x, passed)?;
    /// let inference = estimator.inference(&fit.model, &x, passed)?.named(["hours"])?;
    /// println!("{inference}"); // the table
    /// let estimates = inference.estimates();
    /// assert!(estimates.p_values()[0] > 0.05); // eight students prove little
    /// let [lower, upper] = estimates.intervals(0.95)?[0];
    /// assert!(lower < 0.0 && upper > 2.5);
    /// # Ok::<(), logit::Error>(())
    /// ```
    pub fn inference<'a, B: Backend + ?Sized>(
        &self,
        model: &Model<B::Scalar>,
        x: &'a B,
        y: impl IntoIterator<Item: Label>,
    ) -> Result<Inference<'a, B>, Error> {
        let mut objective = self.plain_objective(model, x, y)?;
        let total = self.total_weight(&objective.data.observed.y, x.peers());
        let at = objective.coordinates().fold(model.weights(), model.intercept());
        let evaluation = optimum::evaluated(&mut objective, at)?;
        let information = Information::new(&mut objective, &evaluation.at, total)?;
        optimum::check(&mut objective, &evaluation, &information)?;
        let likelihood = Likelihood {
            log_likelihood: -evaluation.loss * total,
            null_log_likelihood: -objective.null_model().loss * total,
            rows: objective.data.counted_rows(),
            observations: total,
            parameters: information.rank(),
            null_parameters: usize::from(objective.coordinates().fit_intercept()),
        };
        let model = optimum::without_dependent(&information, model.widen());
        let estimates = coefficients(&information, &model);
        Ok(Inference { objective, model, information, likelihood, estimates })
    }

    /// The function that a fit minimises, on columns as they are. Fails with a penalty, or if the model
    /// does not have one weight per column.
    fn plain_objective<'a, B: Backend + ?Sized>(
        &self,
        model: &Model<B::Scalar>,
        x: &'a B,
        y: impl IntoIterator<Item: Label>,
    ) -> Result<Objective<'a, B>, Error> {
        let Terms { penalty, fit_intercept, .. } = self.terms();
        for (penalty, strength) in [("l1", penalty.l1), ("l2", penalty.l2)] {
            if strength != 0.0 {
                return Err(Error::Penalized { penalty, strength });
            }
        }
        let (given, expected) = (x.ncols(), model.weights().len());
        if given != expected {
            return Err(Error::FeatureCount { given, expected });
        }
        let intercept = model.intercept().widen();
        let holds = fit_intercept || intercept == 0.0;
        check_setting("intercept", intercept, holds, "0 where none is fitted")?;
        let observed = self.observed(x, y)?;
        let terms = Terms { penalty: Penalty::NONE, fit_intercept, standardize: false };
        Objective::new(x, Shard::of(x), observed, terms)
    }
}

/// The coefficients of a model, with the inverse of the information as their covariance.
fn coefficients(information: &Information, model: &Model<f64>) -> Estimates {
    let mut names: Vec<String> = (0..model.weights().len()).map(|j| format!("x{j}")).collect();
    let mut values = model.weights().to_vec();
    if information.dimension() > values.len() {
        names.push("(intercept)".to_owned());
        values.push(model.intercept());
    }
    Estimates::new(names, values, information.covariance(), information.left_out(), "information")
}

impl<B: Backend + ?Sized> Inference<'_, B> {
    /// Gives the columns names, for tables.
    ///
    /// # Errors
    /// [`Error::Setting`] where they are not one per column.
    pub fn named(mut self, names: impl IntoIterator<Item: Into<String>>) -> Result<Self, Error> {
        self.estimates.name_columns(names, self.model.weights().len())?;
        Ok(self)
    }

    /// The coefficients with the inverse of the information as their covariance.
    pub fn estimates(&self) -> &Estimates {
        &self.estimates
    }

    /// The log-likelihood, and the measures of fit that follow from it.
    pub fn likelihood(&self) -> &Likelihood {
        &self.likelihood
    }

    /// Fails unless estimates are the coefficients of this model, with whatever covariance.
    fn check_coefficients(&self, given: &Estimates) -> Result<(), Error> {
        let holds = given.values == self.estimates.values;
        check_setting("coefficients", &given.method, holds, "those of this inference")
    }
}
