//! The information that the rows hold about the parameters, and sums of scores.
//!
//! ```text
//! I = Σᵢ ωᵢ pᵢ (1 - pᵢ) aᵢ aᵢᵀ = N H        sᵢ = ωᵢ (yᵢ - pᵢ) aᵢ
//! ```
//!
//! with `aᵢ` the row and 1 for the intercept, N the total weight and H the second derivatives of the mean
//! loss. `H = (L M)(L M)ᵀ` on columns centred and scaled; a vector *whitened* is times `(L M)⁻¹`.

use crate::backend::contract::Backend;
use crate::backend::error::Error;
use crate::backend::model::Model;
use crate::linalg::cholesky::Cholesky;
use crate::linalg::factor::Factor;
use crate::linalg::vectors::dot;
use crate::numbers::gram::{add_gram, padded};
use crate::objective::Objective;
use crate::objective::columns::coordinates::Coordinates;
use crate::objective::data::Data;
use crate::objective::data::batches::{BATCH, Row};
use crate::objective::sums::row_curvature::RowCurvature;

/// The largest number of sums at once, each of the size of the result.
pub(super) const MAX_SUMS: usize = 8;

/// The information at a model.
pub(super) struct Information {
    basis: Coordinates,
    factor: Factor,
    /// The total weight on the scale of the weights that the data has: only ratios of those matter.
    pub(super) scaled_total: f64,
    /// The total weight as the caller gave the weights.
    pub(super) total: f64,
}

impl Information {
    /// That of parameters of an objective without penalty and standardisation. Takes two passes, or
    /// one more where columns are nearly dependent; the first time also one for the columns.
    pub(super) fn new<B: Backend + ?Sized>(
        objective: &mut Objective<'_, B>,
        at: &[B::Scalar],
        total: f64,
    ) -> Result<Self, Error> {
        let basis = objective.basis()?;
        let factor = objective.factor(at, &basis, RowCurvature::Exact);
        Ok(Self { basis, factor, scaled_total: objective.data.total_weight(), total })
    }

    pub(super) fn factor(&self) -> &Factor {
        &self.factor
    }

    pub(super) fn basis(&self) -> &Coordinates {
        &self.basis
    }

    /// The number of parameters.
    pub(super) fn dimension(&self) -> usize {
        self.basis.dimension()
    }

    /// The parameters that depend on earlier ones, in rising order.
    pub(super) fn left_out(&self) -> Vec<usize> {
        let mut left_out: Vec<usize> = self.factor.left_out().collect();
        left_out.sort_unstable();
        left_out
    }

    /// The number of parameters that do not depend on others.
    pub(super) fn rank(&self) -> usize {
        self.dimension() - self.factor.left_out().count()
    }

    /// A row, or any vector that a parameter vector is multiplied with, on columns centred and scaled.
    pub(super) fn fold(&self, x: &[f64], intercept: f64, folded: &mut [f64]) {
        for (j, (folded, x)) in folded.iter_mut().zip(x).enumerate() {
            *folded = (x - self.basis.mean(j) * intercept) * self.basis.inverse_scale(j);
        }
        if self.basis.fit_intercept() {
            folded[x.len()] = intercept;
        }
    }

    /// The same of a vector with a number per parameter, whitened.
    pub(super) fn whitened(&self, vector: &[f64]) -> Vec<f64> {
        let d = self.dimension() - usize::from(self.basis.fit_intercept());
        let mut folded = vec![0.0; self.dimension()];
        self.fold(&vector[..d], vector.get(d).copied().unwrap_or(0.0), &mut folded);
        self.factor.whiten(&mut folded);
        folded
    }

    /// Each parameter by itself, whitened: row by row.
    fn whitened_units(&self) -> Vec<Vec<f64>> {
        let unit = |j| {
            let mut unit = vec![0.0; self.dimension()];
            unit[j] = 1.0;
            self.whitened(&unit)
        };
        (0..self.dimension()).map(unit).collect()
    }

    /// The inverse of the information, row by row; 0 for parameters left out.
    pub(super) fn covariance(&self) -> Vec<f64> {
        let units = self.whitened_units();
        let all = units.iter().flat_map(|a| units.iter().map(|b| dot(a, b) / self.total));
        all.collect()
    }

    /// `I⁻¹·g` of a vector with a number per parameter; 0 for parameters left out. Or of another matrix,
    /// whose factor on whitened rows is given.
    pub(super) fn solved(&self, vector: &[f64], whitened: Option<&Cholesky>) -> Vec<f64> {
        let mut folded = self.whitened(vector);
        if let Some(factor) = whitened {
            factor.solve(&mut folded);
        }
        self.factor.unwhiten(&mut folded);
        let mut solution = Model::zero(self.basis.ncols());
        self.basis.unfold_into(&folded, &mut solution);
        let intercept = self.basis.fit_intercept().then_some(solution.intercept);
        solution.weights.into_iter().chain(intercept).map(|x| x / self.total).collect()
    }

    /// The logarithm of the determinant of the information, without parameters left out.
    pub(super) fn log_determinant(&self) -> f64 {
        let left_out = self.left_out();
        let columns = (0..self.basis.ncols()).filter(|j| !left_out.contains(j));
        let scales: f64 = columns.map(|j| self.basis.inverse_scale(j).ln()).sum();
        self.factor.log_determinant() + self.rank() as f64 * self.total.ln() - 2.0 * scales
    }

    /// `I⁻¹·M·I⁻¹` of a sum of squares of scores, as [`sum_of_squares`](Self::sum_of_squares) gives it.
    pub(super) fn sandwich(&self, meat: &[f64]) -> Vec<f64> {
        let order = self.dimension();
        let transposed = |matrix: &[f64]| -> Vec<f64> {
            (0..order * order).map(|at| matrix[at % order * order + at / order]).collect()
        };
        let whiten_rows = |mut matrix: Vec<f64>| {
            matrix.chunks_exact_mut(order).for_each(|row| self.factor.whiten(row));
            matrix
        };
        // Rows whitened, then columns.
        let meat = whiten_rows(transposed(&whiten_rows(meat.to_vec())));
        let units = self.whitened_units();
        let product = |b: &Vec<f64>| -> Vec<f64> {
            meat.chunks_exact(order).map(|row| dot(row, b)).collect()
        };
        let products: Vec<Vec<f64>> = units.iter().map(product).collect();
        let square = self.scaled_total * self.scaled_total;
        let element = |i: usize, j: usize| dot(&units[i], &products[j]) / square;
        // The mean of an element and its mirror image, so that rounding leaves it symmetric.
        let symmetric = |at: usize| {
            let (i, j) = (at / order, at % order);
            f64::midpoint(element(i, j), element(j, i))
        };
        (0..order * order).map(symmetric).collect()
    }

    /// The leverage of a row: `ωᵢ pᵢ (1 - pᵢ) aᵢᵀ·I⁻¹·aᵢ`. `scratch`, a number per parameter, becomes the row
    /// whitened.
    pub(super) fn leverage(&self, row: &Row<'_>, scratch: &mut [f64]) -> f64 {
        self.whiten_row(row, scratch);
        row.weight * row.curvature() * dot(scratch, scratch) / self.scaled_total
    }

    /// A row, whitened.
    fn whiten_row(&self, row: &Row<'_>, whitened: &mut [f64]) {
        self.fold(row.x, 1.0, whitened);
        self.factor.whiten(whitened);
    }

    /// `Σᵢ (fᵢ aᵢ)(fᵢ aᵢ)ᵀ` for a factor of each row, over all processes, on columns centred and scaled.
    /// One pass.
    ///
    /// # Errors
    /// The first that a row gives.
    pub(super) fn sum_of_squares<B: Backend + ?Sized>(
        &self,
        data: &Data<'_, B>,
        model: &Model<f64>,
        factor: impl Fn(&Row<'_>, &mut [f64]) -> Result<f64, Error> + Sync,
    ) -> Result<Vec<f64>, Error> {
        let (dimension, order) = (self.dimension(), padded(self.dimension()));
        let count = (data.x.nrows() / (4 * order)).clamp(1, MAX_SUMS).min(data.segments());
        let mut partials: Vec<_> = (0..count).map(|_| Squares::new(dimension)).collect();
        data.for_each_batch(model, &mut partials, |partial, batch| {
            let mut filled = 0;
            for (row, folded) in batch.rows().zip(partial.folded.chunks_exact_mut(order)) {
                match factor(&row, &mut partial.scratch) {
                    Ok(by) => {
                        self.fold(row.x, 1.0, folded);
                        folded.iter_mut().for_each(|x| *x *= by);
                    }
                    Err(error) => {
                        partial.error.get_or_insert(error);
                    }
                }
                filled += order;
            }
            add_gram(&partial.folded[..filled], &mut partial.sum, order);
        });
        let failed = partials.iter_mut().find_map(|partial| partial.error.take());
        data.peers().agree(failed.map_or(Ok(()), Err))?;
        let mut sum = vec![0.0; dimension * dimension];
        for partial in &partials {
            add_lower(&partial.sum, order, &mut sum, dimension);
        }
        data.peers().sum(&mut sum);
        Ok(sum)
    }
}

/// What one sum of squares works with and comes to.
struct Squares {
    scratch: Vec<f64>,
    folded: Vec<f64>,
    sum: Vec<f64>,
    error: Option<Error>,
}

impl Squares {
    fn new(dimension: usize) -> Self {
        let order = padded(dimension);
        Self {
            scratch: vec![0.0; dimension],
            folded: vec![0.0; BATCH * order],
            sum: vec![0.0; order * order],
            error: None,
        }
    }
}

/// Adds the leading rows and columns of a lower triangle to a whole symmetric matrix.
pub(super) fn add_lower(lower: &[f64], order: usize, whole: &mut [f64], leading: usize) {
    for i in 0..leading {
        for j in 0..leading {
            whole[i * leading + j] += lower[i.max(j) * order + i.min(j)];
        }
    }
}
