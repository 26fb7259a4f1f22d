//! The second derivatives times a vector, from one read of X and without a matrix of them.

use std::ops::Range;

use crate::backend::contract::Backend;
use crate::backend::model::Model;
use crate::numbers::float::Float;
use crate::numbers::{scalar, slice};
use crate::objective::rows::{Observed, Rows};
use crate::objective::{Objective, Partial};

impl<B: Backend + ?Sized> Objective<'_, B> {
    /// The second derivatives at `parameters` times a `direction`, written to `product`. Reads the
    /// matrix once, and needs no memory beyond that of [`evaluate`](Self::evaluate), whatever the
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
    /// # use logit_conformance::Matrix;
    /// # use logit_core::LogisticRegression;
    /// let x = Matrix::from_rows([[-1.0], [3.0]]); // any backend
    /// let mut objective = LogisticRegression::new().objective(&x, [0, 1])?;
    /// let mut product = [0.0; 2];
    /// objective.hessian_product(&[0.0, 0.0], &[1.0, 0.0], &mut product);
    /// // p (1 - p) is 1/4 in either row: the means of x² / 4 and of x / 4.
    /// assert_eq!(product, [1.25, 0.25]);
    /// # Ok::<(), logit_core::Error>(())
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
        self.count_read(self.nrows);
        let (x, rows, partition) = (self.x, self.rows, self.partition);
        let (observed, model) = (&self.observed, &self.model);
        partition.for_each_segment(&mut self.partials, |segment, partial| {
            partial.sums.fill(0.0);
            for block in partition.blocks(segment) {
                partial.add_product(x, observed, &rows, block, model, &along);
            }
        });
        self.join(partition);
        let mean = |k: usize| self.sums[k] / self.total_weight;
        let v = &direction[..d];
        self.coordinates.gradient((0..d).map(mean), mean(d), self.l2(), v, product);
    }
}

impl<B: Backend + ?Sized> Objective<'_, B> {
    /// By how much a `step`, give or take what it is `off` by, moves a row's logit to the side of
    /// its class at most, times the probability that the row has there already. Infinite where a
    /// logit is not finite. Reads the matrix once.
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
        self.count_read(self.nrows);
        let (x, rows, partition, observed) = (self.x, self.rows, self.partition, &self.observed);
        partition.for_each_segment(&mut self.partials, |segment, partial| {
            partial.largest_shift = f64::NEG_INFINITY;
            for block in partition.blocks(segment) {
                partial.add_shifts(x, observed, &rows, block, &models);
            }
        });
        let partials = self.partials[..partition.segments()].iter();
        let own = partials.fold(f64::NEG_INFINITY, |max, partial| partial.largest_shift.max(max));
        self.peers().max(own)
    }
}

impl<F: Float> Partial<F> {
    /// Takes the largest shift of a block.
    fn add_shifts<B: Backend<Scalar = F> + ?Sized>(
        &mut self,
        x: &B,
        observed: &Observed<F>,
        rows: &Rows<'_>,
        positions: Range<usize>,
        models: &[Model<F>; 3],
    ) {
        self.roundings.resize(self.logits.len(), F::zero());
        let mut products = [&mut self.logits, &mut self.changes, &mut self.roundings]
            .map(|product| &mut product[..positions.len()]);
        for (product, model) in products.iter_mut().zip(models) {
            rows.matvec(x, positions.clone(), &model.weights, product);
        }
        let [logits, changes, roundings] = products;
        let intercepts = models.each_ref().map(|model| model.intercept.widen());
        let block = observed.block(positions);
        for (i, &y) in block.y.iter().enumerate() {
            if block.weights.get(i).is_some_and(|weight| weight.is_zero()) {
                continue;
            }
            let offset = block.offsets.get(i).map_or(0.0, |offset| offset.widen());
            let z = logits[i].widen() + intercepts[0] + offset;
            let by = changes[i].widen() + intercepts[1];
            let off = (roundings[i].widen() + intercepts[2]).abs();
            let (z, by) = if y { (z, by) } else { (-z, -by) };
            let shift = scalar::sigmoid(z) * (by + off);
            let shift = if shift.is_nan() { f64::INFINITY } else { shift };
            self.largest_shift = self.largest_shift.max(shift);
        }
    }

    /// Adds one block: logits, how they change along the direction, and the products of what comes
    /// of both with the columns, while its rows are in cache.
    fn add_product<B: Backend<Scalar = F> + ?Sized>(
        &mut self,
        x: &B,
        observed: &Observed<F>,
        rows: &Rows<'_>,
        positions: Range<usize>,
        model: &Model<F>,
        along: &Model<F>,
    ) {
        let d = model.weights.len();
        let p = &mut self.logits[..positions.len()];
        let changes = &mut self.changes[..positions.len()];
        rows.matvec(x, positions.clone(), &model.weights, p);
        rows.matvec(x, positions.clone(), &along.weights, changes);
        let block = observed.block(positions.clone());
        for (z, offset) in p.iter_mut().zip(block.offsets) {
            *z += *offset;
        }
        // p (1 - p) is the same for either sign, and does not cancel for this one.
        p.iter_mut().for_each(|z| *z = -(*z + model.intercept).abs());
        slice::sigmoid(p);
        for (p, change) in p.iter_mut().zip(&*changes) {
            *p = *p * (F::one() - *p) * (*change + along.intercept);
        }
        for (product, weight) in p.iter_mut().zip(block.weights) {
            *product *= *weight;
        }
        rows.matvec_transpose(x, positions, p, &mut self.block, &mut self.sums[..d]);
        self.sums[d] += slice::sum(p);
    }
}

#[cfg(test)]
mod tests {
    use crate::backend::dense::Dense;
    use crate::backend::error::Error;
    use crate::fit::estimator::LogisticRegression;
    use crate::objective::coordinates::Coordinates;
    use crate::objective::curvature::RowCurvature;

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
