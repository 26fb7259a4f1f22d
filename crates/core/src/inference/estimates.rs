//! Estimates with their covariance: errors, tests and intervals.

use crate::backend::error::{Error, check_setting};
use crate::linalg::cholesky::Cholesky;
use crate::linalg::vectors::dot;
use crate::numbers::distributions::{ChiSquareTest, two_sided, two_sided_quantile};

/// Estimates and their covariance: of the coefficients of a model, or of marginal effects.
///
/// All vectors have an entry per estimate, in one order: for coefficients the columns, then the
/// intercept where one is fitted. A column that depends on others is [left out](Self::left_out). Its
/// coefficient is 0; its standard error, z and p-value are NaN.
///
/// It is plain data. It displays as a table with intervals of 95 %.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Estimates {
    pub(super) names: Vec<String>,
    pub(super) values: Vec<f64>,
    /// Row by row; 0 where a column is left out.
    pub(super) covariance: Vec<f64>,
    pub(super) left_out: Vec<usize>,
    /// What the covariance follows from.
    pub(super) method: String,
}

/// A combination of coefficients: [`Estimates::contrast`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Contrast {
    /// The combination of the estimates.
    pub estimate: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// The estimate in standard errors.
    pub z: f64,
    /// The two-sided p-value of the hypothesis that the combination is 0.
    pub p_value: f64,
}

impl Estimates {
    /// The names: those given to [`Inference::named`](crate::Inference::named), else `x0`, `x1`, …, and
    /// `(intercept)`.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The estimates.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// What the covariance follows from, in words: `"information"`, or `"HC3"`.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The columns that are constant or depend on earlier ones, in rising order.
    pub fn left_out(&self) -> &[usize] {
        &self.left_out
    }

    /// The covariance of two estimates.
    ///
    /// # Panics
    /// If there are not so many estimates.
    pub fn covariance(&self, i: usize, j: usize) -> f64 {
        let count = self.values.len();
        assert!(i < count && j < count, "indices of estimates");
        let known = !self.left_out.contains(&i) && !self.left_out.contains(&j);
        if known { self.covariance[i * count + j] } else { f64::NAN }
    }

    /// The covariance matrix, row by row; it is symmetric.
    pub fn covariance_matrix(&self) -> Vec<f64> {
        let count = self.values.len();
        (0..count * count).map(|at| self.covariance(at / count, at % count)).collect()
    }

    /// The standard errors: the roots of the variances.
    pub fn standard_errors(&self) -> Vec<f64> {
        (0..self.values.len()).map(|j| self.covariance(j, j).sqrt()).collect()
    }

    /// The estimates in standard errors.
    pub fn z(&self) -> Vec<f64> {
        self.values.iter().zip(self.standard_errors()).map(|(value, error)| value / error).collect()
    }

    /// The two-sided p-values of the hypotheses that an estimate is 0 (Wald): `erfc(|z| / √2)`, which
    /// is right in the far tail.
    pub fn p_values(&self) -> Vec<f64> {
        self.z().into_iter().map(two_sided).collect()
    }

    /// Intervals `[lower, upper]` that hold the true value with probability `level` (Wald).
    ///
    /// # Errors
    /// [`Error::Setting`] where `level` is not between 0 and 1.
    pub fn intervals(&self, level: f64) -> Result<Vec<[f64; 2]>, Error> {
        let quantile = quantile(level)?;
        let interval = |(value, error): (&f64, f64)| {
            let by = quantile * error;
            [value - by, value + by]
        };
        Ok(self.values.iter().zip(self.standard_errors()).map(interval).collect())
    }

    /// The odds ratios `exp(w)` with their intervals, as `[ratio, lower, upper]`. The odds of class 1 are
    /// multiplied by the ratio when a column grows by 1.
    ///
    /// # Errors
    /// As for [`intervals`](Self::intervals).
    pub fn odds_ratios(&self, level: f64) -> Result<Vec<[f64; 3]>, Error> {
        let intervals = self.intervals(level)?;
        let ratio =
            |(value, [lower, upper]): (&f64, [f64; 2])| [*value, lower, upper].map(f64::exp);
        Ok(self.values.iter().zip(intervals).map(ratio).collect())
    }

    /// A combination of the estimates: `Σⱼ weights[j] · value[j]`, tested against 0.
    ///
    /// # Errors
    /// [`Error::Setting`] if the weights are not finite, or not one per estimate. Also if an estimate
    /// that is left out has a weight.
    pub fn contrast(&self, weights: &[f64]) -> Result<Contrast, Error> {
        self.check_contrast(weights)?;
        let estimate = dot(weights, &self.values);
        let standard_error = self.joint(weights, weights).sqrt();
        let z = estimate / standard_error;
        Ok(Contrast { estimate, standard_error, z, p_value: two_sided(z) })
    }

    /// The Wald test of the hypothesis that some estimates are all 0.
    ///
    /// # Errors
    /// [`Error::Setting`] where an index is out of range or left out.
    pub fn wald_test(&self, which: &[usize]) -> Result<ChiSquareTest, Error> {
        let count = self.values.len();
        let contrast = |&j: &usize| {
            check_setting("index of an estimate", j, j < count, "below their number")?;
            let mut unit = vec![0.0; count];
            unit[j] = 1.0;
            Ok(unit)
        };
        self.wald_test_of(&which.iter().map(contrast).collect::<Result<Vec<_>, _>>()?)
    }

    /// The Wald test of the hypothesis that some combinations of the estimates are all 0.
    ///
    /// ```text
    /// χ² = (C β)ᵀ (C V Cᵀ)⁻¹ (C β)        as many degrees of freedom as C has independent rows
    /// ```
    ///
    /// # Errors
    /// As for [`contrast`](Self::contrast).
    pub fn wald_test_of(&self, contrasts: &[Vec<f64>]) -> Result<ChiSquareTest, Error> {
        contrasts.iter().try_for_each(|contrast| self.check_contrast(contrast))?;
        let order = contrasts.len();
        let pair = |at: usize| self.joint(&contrasts[at / order], &contrasts[at % order]);
        let factor = Cholesky::new((0..order * order).map(pair).collect(), order);
        let mut values: Vec<f64> = contrasts.iter().map(|c| dot(c, &self.values)).collect();
        factor.solve_lower(&mut values);
        Ok(ChiSquareTest::new(dot(&values, &values), order - factor.left_out().count()))
    }

    /// The covariance of two combinations. What is left out is 0 for certain.
    pub(super) fn joint(&self, a: &[f64], b: &[f64]) -> f64 {
        let rows = self.covariance.chunks_exact(self.values.len()).zip(a);
        rows.map(|(row, a)| a * dot(row, b)).sum()
    }

    fn check_contrast(&self, weights: &[f64]) -> Result<(), Error> {
        let count = self.values.len();
        let accepted = "one per estimate";
        check_setting("number of weights", weights.len(), weights.len() == count, accepted)?;
        for (j, &weight) in weights.iter().enumerate() {
            let holds = weight == 0.0 || weight.is_finite() && !self.left_out.contains(&j);
            check_setting("weight of an estimate", weight, holds, "finite, and 0 where left out")?;
        }
        Ok(())
    }

    pub(super) fn name_columns(
        &mut self,
        names: impl IntoIterator<Item: Into<String>>,
        columns: usize,
    ) -> Result<(), Error> {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        let holds = names.len() == columns;
        check_setting("number of names", names.len(), holds, "one per column")?;
        self.names.splice(..columns, names);
        Ok(())
    }

    pub(super) fn with_covariance(&self, covariance: Vec<f64>, method: impl Into<String>) -> Self {
        let (names, values) = (self.names.clone(), self.values.clone());
        Self::new(names, values, covariance, self.left_out.clone(), method)
    }

    pub(super) fn new(
        names: Vec<String>,
        values: Vec<f64>,
        covariance: Vec<f64>,
        left_out: Vec<usize>,
        method: impl Into<String>,
    ) -> Self {
        Self { names, values, covariance, left_out, method: method.into() }
    }
}

/// The quantile of a two-sided interval.
pub(super) fn quantile(level: f64) -> Result<f64, Error> {
    check_setting("level", level, level > 0.0 && level < 1.0, "between 0 and 1")?;
    Ok(two_sided_quantile(level))
}
