//! Fits with Jeffreys' prior, which have an optimum whatever the data.

use crate::backend::contract::Backend;
use crate::backend::error::{Error, check_setting};
use crate::backend::labels::Label;
use crate::backend::model::Model;
use crate::fit::estimator::LogisticRegression;
use crate::inference::coefficients;
use crate::inference::estimates::Estimates;
use crate::inference::maximum::ascent::{Ascent, Local};
use crate::inference::maximum::profile;
use crate::numbers::distributions::ChiSquareTest;
use crate::objective::Objective;

/// A fit with Firth's penalty, Jeffreys' prior: for rare events, and for classes that a hyperplane
/// separates. Its bias is of a smaller order than that of the maximum likelihood, and it always exists.
///
/// ```text
/// max ℓ(w) + ½ ln |I(w)|
/// ```
///
/// Source: Firth, *Bias reduction of maximum likelihood estimates* (1993); Heinze and Schemper, *A
/// solution to the problem of separation in logistic regression* (2002). R's `brglm2` and `logistf` have
/// the same estimates. Tests and intervals by the penalised likelihood are better than Wald's here.
///
/// It displays as the table of [`Estimates`].
pub struct Firth<'a, B: Backend + ?Sized> {
    objective: Objective<'a, B>,
    top: Local,
    model: Model<B::Scalar>,
    estimates: Estimates,
}

impl<S> LogisticRegression<S> {
    /// Fits with Firth's penalty. The estimator's solver and [`standardize`](Self::standardize) do not
    /// matter. Takes about five passes per iteration, and three to twenty iterations.
    ///
    /// # Errors
    /// [`Error::Penalized`] with an L1 or L2 penalty besides. [`Error::NotConverged`] where rounding ends
    /// the search early, or 1000 iterations are too few: that has been seen with few rows per column.
    /// Else as for [`fit`](Self::fit), but for [`Error::Separated`].
    ///
    /// ```
    /// # use logit_core as logit;
    /// use logit::{Dense, LogisticRegression};
    ///
    /// let dose = [1.0, 2.0, 3.0, 4.0];
    /// let died = [0, 0, 1, 1]; // separated: `fit` is an error
    /// let x = Dense::from_columns(&dose, 4, 1);
    /// let mut firth = LogisticRegression::new().firth(&x, died)?;
    /// println!("{firth}"); // the table
    /// assert!(firth.model().weights()[0] > 0.5);
    /// assert!(firth.test(0)?.p_value > 0.05); // four rows prove little
    /// let [lower, upper] = firth.profile_intervals(&[0], 0.95)?[0];
    /// assert!(lower < 0.1 && upper > 5.0);
    /// # Ok::<(), logit::Error>(())
    /// ```
    pub fn firth<'a, B: Backend + ?Sized>(
        &self,
        x: &'a B,
        y: impl IntoIterator<Item: Label>,
    ) -> Result<Firth<'a, B>, Error> {
        let mut objective = self.plain_objective(&Model::zero(x.ncols()), x, y)?;
        let total = self.total_weight(&objective.data.observed.y, x.peers());
        let mut start = vec![0.0; objective.dimension()];
        if let Some(intercept) = start.get_mut(x.ncols()) {
            *intercept = objective.null_model().intercept;
        }
        let mut ascent = Ascent { objective: &mut objective, total, has_prior: true };
        let top = ascent.maximum(&start, None)?;
        let widened: Model<f64> = objective.coordinates().unfold(&top.at)?;
        let model = widened.cast()?;
        let estimates = coefficients(&top.information, &widened);
        Ok(Firth { objective, top, model, estimates })
    }
}

impl<'a, B: Backend + ?Sized> Firth<'a, B> {
    /// The fitted model.
    pub fn model(&self) -> &Model<B::Scalar> {
        &self.model
    }

    /// The coefficients with the inverse of the information as their covariance, for Wald's tests and
    /// intervals.
    pub fn estimates(&self) -> &Estimates {
        &self.estimates
    }

    /// Gives the columns names, for tables.
    ///
    /// # Errors
    /// [`Error::Setting`] where they are not one per column.
    pub fn named(mut self, names: impl IntoIterator<Item: Into<String>>) -> Result<Self, Error> {
        self.estimates.name_columns(names, self.model.weights().len())?;
        Ok(self)
    }

    /// The log-likelihood with the penalty, `ℓ + ½ ln |I|`.
    pub fn penalized_log_likelihood(&self) -> f64 {
        self.top.value
    }

    /// The penalised likelihood-ratio test of whether a coefficient is 0: of a column, or of the
    /// intercept by the number of columns. The penalty is that of all parameters in both fits.
    ///
    /// # Errors
    /// [`Error::Setting`] where the column is out of range or left out; [`Error::NotConverged`] where
    /// the search does not end.
    pub fn test(&mut self, which: usize) -> Result<ChiSquareTest, Error> {
        let holds = which < self.top.at.len() && !self.estimates.left_out.contains(&which);
        check_setting("column", which, holds, "within range, and not left out")?;
        let mut at = self.top.at.clone();
        at[which] = 0.0;
        let restricted = self.ascent().maximum(&at, Some(which))?;
        Ok(ChiSquareTest::new(2.0 * (self.top.value - restricted.value), 1))
    }

    /// Intervals by the penalised profile likelihood, as
    /// [`Inference::profile_intervals`](crate::Inference::profile_intervals) has them. Each point is
    /// searched from two sides, as there may be several maxima.
    ///
    /// # Errors
    /// As there.
    pub fn profile_intervals(
        &mut self,
        which: &[usize],
        level: f64,
    ) -> Result<Vec<[f64; 2]>, Error> {
        let near = self.top.at.clone();
        profile::intervals(self.ascent(), &near, which, level)
    }

    fn ascent(&mut self) -> Ascent<'_, 'a, B> {
        let total = self.top.information.total;
        Ascent { objective: &mut self.objective, total, has_prior: true }
    }
}
