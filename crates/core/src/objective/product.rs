//! The second derivatives times a vector, from one pass and without a matrix of them.

use crate::backend::contract::Backend;
use crate::backend::model::Model;
use crate::objective::Objective;

impl<B: Backend + ?Sized> Objective<'_, B> {
    /// The second derivatives at `parameters` times a `direction`, written to `product`. Takes
    /// one pass, and needs no memory beyond that of [`evaluate`](Self::evaluate), whatever the
    /// number of columns.
    ///
    /// ```text
    /// H·u = Σᵢ ωᵢ pᵢ (1 - pᵢ) (aᵢ·u) aᵢ / Σᵢ ωᵢ  +  l2 · u, but for the intercept
    /// ```
    ///
    /// with `aᵢ` the row, standardised where columns are, and 1 for the intercept; and `pᵢ` its
    /// probability. The same bits come out for any number of threads.
    ///
    /// # Panics
    /// If any slice is not [`dimension`](Self::dimension) long.
    ///
    /// ```
    /// # use logit_core as logit;
    /// use logit::{Dense, LogisticRegression};
    ///
    /// let x = Dense::from_rows(&[-1.0, 3.0], 2, 1); // any backend
    /// let mut objective = LogisticRegression::new().objective(&x, [0, 1])?;
    /// let mut product = [0.0; 2];
    /// objective.hessian_product(&[0.0, 0.0], &[1.0, 0.0], &mut product);
    /// // p (1 - p) is 1/4 in either row: the means of x² / 4 and of x / 4.
    /// assert_eq!(product, [1.25, 0.25]);
    /// # Ok::<(), logit::Error>(())
    /// ```
    pub fn hessian_product(
        &mut self,
        parameters: &[B::Scalar],
        direction: &[B::Scalar],
        product: &mut [B::Scalar],
    ) {
        let given = (parameters.len(), direction.len(), product.len());
        let expected = self.dimension();
        let lengths = "lengths of parameters, direction and product";
        assert_eq!(given, (expected, expected, expected), "{lengths}");
        let d = self.ncols();
        let mut along = Model::zero(d);
        self.coordinates.unfold_into(direction, &mut along);
        self.coordinates.unfold_into(parameters, &mut self.model);
        self.data.count_read(self.nrows());
        let totals = self.sums.hessian_product(&self.data, &self.model, &along);
        let mean = |sum: f64| sum / self.data.total_weight();
        let products = totals.products.iter().copied().map(mean);
        let (residual, ridge) = (mean(totals.factors), |j| self.penalty.l2_of(j));
        self.coordinates.gradient(products, residual, ridge, &direction[..d], product);
    }

    /// By how much a `step`, give or take what it is `off` by, moves a row's logit to the side of
    /// its class at most, times the probability that the row has there already. Infinite where a
    /// logit is not finite. Takes one pass.
    pub(crate) fn largest_shift(
        &mut self,
        at: &[B::Scalar],
        step: &[B::Scalar],
        off: &[B::Scalar],
    ) -> f64 {
        let models = [at, step, off].map(|parameters| {
            let mut model = Model::zero(self.ncols());
            self.coordinates.unfold_into(parameters, &mut model);
            model
        });
        self.data.count_read(self.nrows());
        self.sums.largest_shift(&self.data, &models)
    }
}

#[cfg(test)]
mod tests {
    use crate::backend::dense::Dense;
    use crate::backend::error::Error;
    use crate::fit::estimator::LogisticRegression;
    use crate::objective::columns::coordinates::Coordinates;
    use crate::objective::sums::row_curvature::RowCurvature;

    #[test]
    fn products_with_unit_vectors_are_the_columns_of_second_derivatives() -> Result<(), Error> {
        let values: Vec<f64> = (0..100 * 4).map(|k| 2.0 + f64::from(k * k % 103) / 50.0).collect();
        let x = Dense::from_rows(&values, 100, 4);
        let y = (0..100).map(|i| i % 3 == 0);
        let weights = (0..100).map(|i| f64::from(i % 5));
        let offsets = (0..100).map(|i| f64::from(i).sin());
        let estimator = LogisticRegression::new().l2(0.5).sample_weights(weights).offsets(offsets);
        let mut objective = estimator.objective(&x, y)?;
        let at = [0.5, -0.25, 1.0, -1.5, 0.75];
        let all = [0, 1, 2, 3, 4];
        let expected = objective.second_derivatives(
            &at,
            &Coordinates::plain(4, true),
            &all,
            RowCurvature::Exact,
        );
        let mut product = [0.0; 5];
        for j in all {
            let mut unit = [0.0; 5];
            unit[j] = 1.0;
            objective.hessian_product(&at, &unit, &mut product);
            for i in j..5 {
                let (got, expected) = (product[i], expected[i * 5 + j]);
                assert!((got - expected).abs() < 1e-14, "{i}, {j}: {got} is not {expected}");
            }
        }
        Ok(())
    }
}
