//! How well a model fits: the likelihood, and what is made of it.

use crate::backend::error::{Error, check_setting};
use crate::numbers::distributions::ChiSquareTest;

/// The log-likelihood of a fit and of the null model, and the measures of fit that follow.
///
/// ```text
/// ℓ = Σᵢ ωᵢ (yᵢ ln pᵢ + (1 - yᵢ) ln(1 - pᵢ))
/// ```
///
/// The null model has the intercept alone, or nothing where none is fitted; offsets stay. N is the
/// number of observations, the sum of the weights; k the number of parameters without columns left out.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Likelihood {
    /// The log-likelihood ℓ of the model.
    pub log_likelihood: f64,
    /// The log-likelihood ℓ₀ of the null model.
    pub null_log_likelihood: f64,
    /// The number of rows whose weight is not 0.
    pub rows: usize,
    /// N: the sum of the weights; the number of rows where all weights are 1.
    pub observations: f64,
    /// k: the number of parameters fitted.
    pub parameters: usize,
    /// The number of parameters of the null model, 1 or 0.
    pub null_parameters: usize,
}

impl Likelihood {
    /// `-2 ℓ`, as the likelihood of the classes observed is at most 1.
    pub fn deviance(&self) -> f64 {
        -2.0 * self.log_likelihood
    }

    /// `-2 ℓ₀`.
    pub fn null_deviance(&self) -> f64 {
        -2.0 * self.null_log_likelihood
    }

    /// `N - k`, the residual degrees of freedom.
    pub fn residual_degrees_of_freedom(&self) -> f64 {
        self.observations - self.parameters as f64
    }

    /// Akaike's information criterion, `2 k - 2 ℓ`.
    pub fn aic(&self) -> f64 {
        2.0 * self.parameters as f64 + self.deviance()
    }

    /// The AIC for small samples, `AIC + 2 k (k + 1) / (N - k - 1)`. It is infinite if `N ≤ k + 1`.
    /// Source: Hurvich and Tsai, *Regression and time series model selection in small samples* (1989).
    pub fn aicc(&self) -> f64 {
        let k = self.parameters as f64;
        let left = self.observations - k - 1.0;
        if left > 0.0 { self.aic() + 2.0 * k * (k + 1.0) / left } else { f64::INFINITY }
    }

    /// The Bayesian information criterion, `k ln N - 2 ℓ`.
    pub fn bic(&self) -> f64 {
        self.parameters as f64 * self.observations.ln() + self.deviance()
    }

    /// McFadden's pseudo R², `1 - ℓ / ℓ₀`.
    pub fn mcfadden(&self) -> f64 {
        1.0 - self.log_likelihood / self.null_log_likelihood
    }

    /// Cox and Snell's pseudo R², `1 - exp(2 (ℓ₀ - ℓ) / N)`.
    pub fn cox_snell(&self) -> f64 {
        let gain = self.null_log_likelihood - self.log_likelihood;
        -(2.0 * gain / self.observations).exp_m1()
    }

    /// Nagelkerke's pseudo R²: Cox and Snell's as a share of the largest there can be.
    pub fn nagelkerke(&self) -> f64 {
        self.cox_snell() / -(2.0 * self.null_log_likelihood / self.observations).exp_m1()
    }

    /// The likelihood-ratio test against the null model: `2 (ℓ - ℓ₀)`.
    pub fn test(&self) -> ChiSquareTest {
        let statistic = self.null_deviance() - self.deviance();
        ChiSquareTest::new(statistic, self.parameters - self.null_parameters)
    }

    /// The likelihood-ratio test of a model nested in this one. That has some of the columns only, and
    /// is fitted to the same rows.
    ///
    /// # Errors
    /// [`Error::Setting`] where the other model is not smaller, or not of as many rows of as much weight.
    pub fn test_against(&self, nested: &Likelihood) -> Result<ChiSquareTest, Error> {
        let same = nested.observations == self.observations && nested.rows == self.rows;
        check_setting("observations", nested.observations, same, "those of the larger model")?;
        let smaller = nested.parameters < self.parameters;
        check_setting("parameters", nested.parameters, smaller, "fewer than the larger model's")?;
        let freedom = self.parameters - nested.parameters;
        Ok(ChiSquareTest::new(nested.deviance() - self.deviance(), freedom))
    }
}
