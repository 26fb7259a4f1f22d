//! Rao's test of columns left out, without a fit of them.

use crate::backend::contract::Backend;
use crate::backend::error::{Error, check_setting};
use crate::backend::labels::Label;
use crate::backend::model::Model;
use crate::fit::estimator::LogisticRegression;
use crate::inference::information::Information;
use crate::inference::optimum;
use crate::linalg::vectors::{dot, widen};
use crate::numbers::distributions::ChiSquareTest;
use crate::numbers::float::Float;

impl<S> LogisticRegression<S> {
    /// The score test of whether some columns of `x` would improve a model that leaves them out. It
    /// needs no fit with those columns.
    ///
    /// ```text
    /// χ² = Uᵀ I⁻¹ U        U the gradient and I the information of all columns, at the smaller model
    /// ```
    ///
    /// The model has a weight per column of `x`. Those of the columns tested are 0, and the others are
    /// the optimum without these. Columns tested that depend on earlier ones do not count. Takes four
    /// passes. Source: Rao, *Large sample tests of statistical hypotheses concerning several parameters*
    /// (1948).
    ///
    /// # Errors
    /// [`Error::Setting`] where a column tested is out of range or its weight is not 0; else as for
    /// [`inference`](Self::inference).
    ///
    /// ```
    /// # use logit_core as logit;
    /// use logit::{Dense, LogisticRegression, Model};
    ///
    /// let hours = [0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0];
    /// let passed = [0, 0, 1, 0, 1, 0, 1, 1];
    /// let null = Model::new([0.0], 0.0)?; // half of them passed
    /// let x = Dense::from_columns(&hours, 8, 1);
    /// let test = LogisticRegression::new().score_test(&null, &x, passed, &[0])?;
    /// assert!((test.statistic - 50.0 / 21.0).abs() < 1e-12);
    /// # Ok::<(), logit::Error>(())
    /// ```
    pub fn score_test<B: Backend + ?Sized>(
        &self,
        model: &Model<B::Scalar>,
        x: &B,
        y: impl IntoIterator<Item: Label>,
        columns: &[usize],
    ) -> Result<ChiSquareTest, Error> {
        for &column in columns {
            check_setting(
                "column tested",
                column,
                column < x.ncols(),
                "below the number of columns",
            )?;
        }
        let mut objective = self.plain_objective(model, x, y)?;
        for &column in columns {
            let weight = model.weights()[column].widen();
            check_setting("weight of a column tested", weight, weight == 0.0, "0")?;
        }
        let total = self.total_weight(&objective.data.observed.y, x.peers());
        let at = objective.coordinates().fold(model.weights(), model.intercept());
        let evaluation = optimum::evaluated(&mut objective, at)?;
        let information = Information::new(&mut objective, &evaluation.at, total)?;
        let gradient = widen(&evaluation.gradient);
        let mut of_others = gradient.clone();
        columns.iter().for_each(|&column| of_others[column] = 0.0);
        optimum::check_distance(&objective, &evaluation, &information, &of_others)?;
        let whitened = information.whitened(&gradient);
        let left_out = information.left_out();
        let mut tested = columns.to_vec();
        tested.sort_unstable();
        tested.dedup();
        let freedom = tested.iter().filter(|column| !left_out.contains(column)).count();
        Ok(ChiSquareTest::new(total * dot(&whitened, &whitened), freedom))
    }
}
