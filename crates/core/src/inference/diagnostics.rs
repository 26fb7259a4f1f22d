//! How each row bears on the fit, and how sure a prediction is.

use crate::backend::contract::{Backend, check_finite};
use crate::backend::error::Error;
use crate::inference::Inference;
use crate::inference::estimates::{Estimates, quantile};
use crate::numbers::scalar::{cross_entropy, sigmoid};
use crate::objective::data::batches::{Batches, Row};
use crate::objective::data::blocks::Partition;
use crate::objective::data::observed::Observed;
use crate::objective::data::rows::Rows;

/// How a row bears on the fit. A row of weight 0 does not: all is 0.
///
/// At leverage 1 what divides by `1 - h` is infinite or NaN. Source: Pregibon, *Logistic regression
/// diagnostics* (1981).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct RowDiagnostics {
    /// `h = ω p (1 - p) aᵀ·V·a`, from 0 to 1; the leverages add up to the number of parameters.
    pub leverage: f64,
    /// `√ω (y - p) / √(p (1 - p))`.
    pub pearson_residual: f64,
    /// `±√(-2 ω ln P(y))`, with the sign of `y - p`. Their squares add up to the deviance.
    pub deviance_residual: f64,
    /// The Pearson residual over `√(1 - h)`: its variance is about 1.
    pub standardized_residual: f64,
    /// About the deviance residual of the row in a fit without it: R's `rstudent`. Source: Williams,
    /// *Generalized linear model diagnostics using the deviance and single case deletions* (1987).
    pub studentized_residual: f64,
    /// How far the fit would move without the row: `h / k · (pearson / (1 - h))²`.
    pub cooks_distance: f64,
}

/// A predicted probability with its interval.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Prediction {
    /// The probability of class 1.
    pub probability: f64,
    /// Its standard error by the delta method: `p (1 - p)` times that of the logit.
    pub standard_error: f64,
    /// The lower end of its interval, which is that of the logit, so it is within 0 to 1.
    pub lower: f64,
    /// The upper end.
    pub upper: f64,
}

impl<B: Backend + ?Sized> Inference<'_, B> {
    /// How each row held here bears on the fit. Takes a pass, and no memory beside the result that
    /// grows with the number of rows.
    ///
    /// ```
    /// # use logit_core as logit;
    /// use logit::{Dense, LogisticRegression};
    /// let x = Dense::from_columns(&[0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0], 8, 1);
    /// let y = [0, 0, 1, 0, 1, 0, 1, 1];
    /// let estimator = LogisticRegression::new();
    /// let model = estimator.fit(&x, y)?.model;
    /// let rows = estimator.inference(&model, &x, y)?.diagnostics();
    /// let leverages: f64 = rows.iter().map(|row| row.leverage).sum();
    /// assert!((leverages - 2.0).abs() < 1e-12); // a slope and an intercept
    /// # Ok::<(), logit::Error>(())
    /// ```
    pub fn diagnostics(&self) -> Vec<RowDiagnostics> {
        let unit = self.information.total / self.information.scaled_total;
        let k = self.information.rank() as f64;
        let of_row = |row: &Row<'_>, scratch: &mut [f64]| {
            if row.weight == 0.0 {
                return RowDiagnostics::default();
            }
            let leverage = self.information.leverage(row, scratch);
            let (root, sign) = ((row.weight * unit).sqrt(), if row.y { 1.0 } else { -1.0 });
            let pearson = sign * root * (-sign * row.logit / 2.0).exp();
            let deviance = sign * root * (2.0 * cross_entropy(row.logit, row.y)).sqrt();
            let left = 1.0 - leverage;
            let deleted = deviance * deviance + leverage * pearson * pearson / left;
            RowDiagnostics {
                leverage,
                pearson_residual: pearson,
                deviance_residual: deviance,
                standardized_residual: pearson / left.sqrt(),
                studentized_residual: sign * deleted.sqrt(),
                cooks_distance: leverage / k * (pearson / left).powi(2),
            }
        };
        let data = &self.objective.data;
        let (x, rows, partition, observed) = (data.x, data.rows, data.partition, &data.observed);
        self.map_rows(&Batches { x, rows, partition, observed }, of_row)
    }

    /// The probability of class 1 for each row of `x`, with its standard error and interval.
    /// `coefficients` are [`estimates`](Self::estimates) or those with another covariance. Offsets are
    /// taken to be 0. Takes a pass.
    ///
    /// # Errors
    /// [`Error::FeatureCount`] where `x` has another number of columns than the model;
    /// [`Error::Setting`] where the level is not between 0 and 1, or the coefficients are not of this
    /// model; [`Error::NonFiniteFeature`] on a NaN or infinity in `x`.
    ///
    /// ```
    /// # use logit_core as logit;
    /// use logit::{Dense, LogisticRegression};
    /// let x = Dense::from_columns(&[0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0], 8, 1);
    /// let y = [0, 0, 1, 0, 1, 0, 1, 1];
    /// let estimator = LogisticRegression::new();
    /// let model = estimator.fit(&x, y)?.model;
    /// let inference = estimator.inference(&model, &x, y)?;
    /// let new = Dense::from_columns(&[10.0], 1, 1);
    /// let p = inference.predictions(&new, inference.estimates(), 0.95)?[0];
    /// assert!(p.probability > 0.99 && p.lower < 0.5); // far beyond the data
    /// # Ok::<(), logit::Error>(())
    /// ```
    pub fn predictions<X: Backend + ?Sized>(
        &self,
        x: &X,
        coefficients: &Estimates,
        level: f64,
    ) -> Result<Vec<Prediction>, Error> {
        let (given, expected) = (x.ncols(), self.model.weights().len());
        if given != expected {
            return Err(Error::FeatureCount { given, expected });
        }
        self.check_coefficients(coefficients)?;
        let quantile = quantile(level)?;
        let y = vec![false; x.nrows()];
        let observed = &Observed { y, weights: vec![], offsets: vec![] };
        let (rows, partition) = (Rows::All(x.nrows()), Partition::of(x));
        let of_row = |row: &Row<'_>, scratch: &mut [f64]| {
            scratch[..expected].copy_from_slice(row.x);
            scratch[expected..].fill(1.0);
            let by = coefficients.joint(scratch, scratch).max(0.0).sqrt();
            Prediction {
                probability: row.probability(),
                standard_error: row.curvature() * by,
                lower: sigmoid(row.logit - quantile * by),
                upper: sigmoid(row.logit + quantile * by),
            }
        };
        let predictions = self.map_rows(&Batches { x, rows, partition, observed }, of_row);
        if predictions.iter().any(|prediction| prediction.standard_error.is_nan()) {
            check_finite(x, 0..x.nrows())?;
        }
        Ok(predictions)
    }

    /// What is made of each row, with the work of segments side by side.
    fn map_rows<X: Backend + ?Sized, T: Default + Clone + Send>(
        &self,
        batches: &Batches<'_, X>,
        of_row: impl Fn(&Row<'_>, &mut [f64]) -> T + Sync,
    ) -> Vec<T> {
        let mut out = vec![T::default(); batches.x.nrows()];
        let scratch = || vec![0.0; self.information.dimension()];
        let segments = batches.partition.split(&mut out).into_iter();
        let mut states: Vec<_> = segments.map(|places| (places.iter_mut(), scratch())).collect();
        batches.for_each(&self.model, &mut states, |(places, scratch), batch| {
            for (row, place) in batch.rows().zip(places) {
                *place = of_row(&row, scratch);
            }
        });
        drop(states);
        out
    }
}
