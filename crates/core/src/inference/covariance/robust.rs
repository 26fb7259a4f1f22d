//! Covariances that hold where the model or its weights do not.

use crate::backend::contract::Backend;
use crate::backend::error::Error;
use crate::inference::Inference;
use crate::inference::estimates::Estimates;
use crate::objective::data::batches::Row;

/// Which covariance is consistent under heteroskedasticity: `V (Σᵢ fᵢ² sᵢ sᵢᵀ) V`, the sandwich.
///
/// `sᵢ = ωᵢ (yᵢ - pᵢ) aᵢ` is the score of row i, `hᵢ` its leverage. A sum of squares of weighted scores
/// makes it right for sampling weights too. Source: White, *A heteroskedasticity-consistent covariance
/// matrix estimator and a direct test for heteroskedasticity* (1980); MacKinnon and White, *Some
/// heteroskedasticity-consistent covariance matrix estimators with improved finite sample properties*
/// (1985). R's `sandwich::vcovHC` has the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Robust {
    /// Scores as they are: `fᵢ² = 1`.
    Hc0,
    /// `fᵢ² = n / (n - k)`, for n rows that count and k parameters.
    Hc1,
    /// `fᵢ² = 1 / (1 - hᵢ)`.
    Hc2,
    /// `fᵢ² = 1 / (1 - hᵢ)²`, near the jackknife.
    Hc3,
}

/// A leverage nearer to 1 than this many roundings per parameter is 1.
const LEVERAGE_ROUNDINGS: f64 = 64.0;

impl<B: Backend + ?Sized> Inference<'_, B> {
    /// The coefficients with a heteroskedasticity-consistent covariance. Takes a pass.
    ///
    /// # Errors
    /// [`Error::FullLeverage`] from HC2 and HC3 where a row has leverage 1.
    ///
    /// ```
    /// # use logit_core as logit;
    /// use logit::{Dense, LogisticRegression};
    /// use logit::Robust;
    ///
    /// let x = Dense::from_columns(&[0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0], 8, 1);
    /// let y = [0, 0, 1, 0, 1, 0, 1, 1];
    /// let estimator = LogisticRegression::new();
    /// let model = estimator.fit(&x, y)?.model;
    /// let robust = estimator.inference(&model, &x, y)?.robust(Robust::Hc3)?;
    /// println!("{robust}"); // the table with these standard errors
    /// # Ok::<(), logit::Error>(())
    /// ```
    pub fn robust(&self, kind: Robust) -> Result<Estimates, Error> {
        let (data, information) = (&self.objective.data, &self.information);
        let limit = LEVERAGE_ROUNDINGS * f64::EPSILON * information.dimension() as f64;
        let factor = |row: &Row<'_>, scratch: &mut [f64]| {
            let score = row.weight * row.residual();
            if matches!(kind, Robust::Hc0 | Robust::Hc1) {
                return Ok(score);
            }
            let left = 1.0 - information.leverage(row, scratch);
            if left <= limit {
                return Err(Error::FullLeverage { row: row.position });
            }
            Ok(if kind == Robust::Hc2 { score / left.sqrt() } else { score / left })
        };
        let mut meat = information.sum_of_squares(data, &self.model, factor)?;
        if kind == Robust::Hc1 {
            let (n, k) = (self.likelihood.rows as f64, information.rank() as f64);
            meat.iter_mut().for_each(|sum| *sum *= n / (n - k));
        }
        let name = match kind {
            Robust::Hc0 => "HC0",
            Robust::Hc1 => "HC1",
            Robust::Hc2 => "HC2",
            Robust::Hc3 => "HC3",
        };
        Ok(self.estimates.with_covariance(information.sandwich(&meat), name))
    }
}
