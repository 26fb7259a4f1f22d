//! The second derivatives as a matrix: summed over the rows, factored, with what rounding leaves of it.

use num_traits::Float as _;

use crate::backend::contract::Backend;
use crate::backend::model::Model;
use crate::linalg::cholesky::Cholesky;
use crate::linalg::factor::Factor;
use crate::linalg::vectors::{add_multiple, widen};
use crate::numbers::float::Float;
use crate::objective::Objective;
use crate::objective::columns::coordinates::Coordinates;
use crate::objective::curvature::Curvature;
use crate::objective::evaluation::Evaluation;
use crate::objective::sums::gram::Gram;
use crate::objective::sums::row_curvature::RowCurvature;

/// A matrix of second derivatives by more parameters takes too long to sum and factor.
pub(crate) const DENSE_HESSIAN_LIMIT: usize = 1024;
/// p (1 - p) is at most this.
pub(crate) const MAX_ROW_CURVATURE: f64 = 0.25;
/// Elements of a column that are computed from others are off by fewer roundings than this.
const COLUMN_ROUNDING: f64 = 32.0;
/// Few rows lie so many spreads from the mean of a column.
const LARGE_DEVIATION: f64 = 8.0;
/// A slope, which is summed by blocks, is off by fewer roundings than this.
const SLOPE_ROUNDING: f64 = 4.0;

impl<B: Backend + ?Sized> Objective<'_, B> {
    /// The second derivatives at `parameters`, or those of other curvatures of the rows, ready to
    /// solve with. Reads the rows twice, the first time once more, and as often again where
    /// columns are nearly dependent.
    pub(crate) fn curvature(
        &mut self,
        parameters: &[B::Scalar],
        basis: &Coordinates,
        of_rows: RowCurvature,
    ) -> Curvature {
        Curvature::factored(self.factor(parameters, basis, of_rows), basis.clone())
    }

    /// The factor of the second derivatives by what `basis` moves. Reads the rows as
    /// [`curvature`](Self::curvature) does.
    pub(crate) fn factor(
        &mut self,
        parameters: &[B::Scalar],
        basis: &Coordinates,
        of_rows: RowCurvature,
    ) -> Factor {
        let all: Vec<usize> = (0..self.dimension()).collect();
        let gram = self.second_derivatives(parameters, basis, &all, of_rows);
        let rounding = self.rounding_of_columns(&gram, basis);
        Factor::new(gram, &rounding, |first| {
            let mut sums = self.gram(parameters, basis, &all, of_rows, Some(first));
            let penalty = |j| self.penalty.l2_of(j) * basis.inverse_scale(j).powi(2);
            add_diagonal(&mut sums, first, self.ncols(), penalty);
            sums
        })
    }

    /// The second derivatives at `parameters` by some of what `basis` moves: the lower triangle,
    /// row by row. Reads the rows as [`curvature`](Self::curvature) does. Other curvatures of the
    /// rows can take the place of the exact ones.
    pub(crate) fn second_derivatives(
        &mut self,
        parameters: &[B::Scalar],
        basis: &Coordinates,
        columns: &[usize],
        of_rows: RowCurvature,
    ) -> Vec<f64> {
        let mut sums = self.gram(parameters, basis, columns, of_rows, None);
        for (k, &j) in columns.iter().enumerate().filter(|(_, j)| **j < self.ncols()) {
            sums[k * columns.len() + k] += self.penalty.l2_of(j) * basis.inverse_scale(j).powi(2);
        }
        sums
    }

    /// The same without the penalty, of rows times the inverse of a factor, transposed.
    fn gram(
        &mut self,
        parameters: &[B::Scalar],
        basis: &Coordinates,
        columns: &[usize],
        of_rows: RowCurvature,
        factor: Option<&Cholesky>,
    ) -> Vec<f64> {
        self.coordinates.unfold_into(parameters, &mut self.model);
        let data = &self.data;
        data.count_read(data.nrows());
        let gram = Gram { data, columns, of_rows, factor };
        let mut sums = gram.sum(&self.model, &self.coordinates.composed(basis));
        data.peers().sum(&mut sums);
        sums.iter_mut().for_each(|sum| *sum /= data.total_weight());
        sums
    }

    /// The mean squares of the rounding of the columns that a Gram matrix is of, weighted like it.
    fn rounding_of_columns(&self, gram: &[f64], basis: &Coordinates) -> Vec<f64> {
        let (d, order) = (self.ncols(), self.dimension());
        let scaled = self.coordinates.composed(basis);
        let epsilon = COLUMN_ROUNDING * B::Scalar::epsilon().widen();
        let of_column = |j: usize| {
            // The mean square of the column where it lies, not centred.
            let mean = scaled.mean(j) * scaled.inverse_scale(j);
            let by_intercept = |k: usize| if order > d { gram[d * order + k] } else { 0.0 };
            let square =
                gram[j * order + j] + mean * (2.0 * by_intercept(j) + mean * by_intercept(d));
            epsilon * epsilon * square.max(0.0)
        };
        // The intercept's ones are exact.
        (0..order).map(|j| if j < d { of_column(j) } else { 0.0 }).collect()
    }

    /// By what the slopes along centred and scaled columns may be off where the loss is so much: no
    /// residual exceeds its cross-entropy, so the root of the loss bounds the residuals' mean square's.
    pub(crate) fn rounding_of_slopes(&self, basis: &Coordinates, loss: f64) -> Vec<f64> {
        let (d, scaled) = (self.ncols(), self.coordinates.composed(basis));
        let epsilon = SLOPE_ROUNDING
            * B::Scalar::epsilon().widen()
            * loss.min(1.0).sqrt().min(LARGE_DEVIATION * loss);
        let shift = |j| if j < d { (scaled.mean(j) * scaled.inverse_scale(j)).abs() } else { 0.0 };
        (0..self.dimension()).map(|j| epsilon * (1.0 + shift(j))).collect()
    }

    /// The mean square of the rounding of the logits at `parameters`, as far as the spreads of the
    /// columns tell.
    pub(crate) fn rounding_of_logits(&self, parameters: &[B::Scalar], basis: &Coordinates) -> f64 {
        let (d, scaled) = (self.ncols(), self.coordinates.composed(basis));
        let mut model = Model::zero(d);
        self.coordinates.unfold_into(parameters, &mut model);
        let square = |(j, w): (usize, &B::Scalar)| {
            let (mean, inverse) = (scaled.mean(j), scaled.inverse_scale(j));
            let spread = if inverse > 0.0 { 1.0 / inverse } else { 0.0 };
            w.widen().powi(2) * (mean * mean + spread * spread)
        };
        let squares = model.weights.iter().enumerate().map(square).sum::<f64>();
        B::Scalar::epsilon().widen().powi(2) * (squares + model.intercept.widen().powi(2))
    }

    /// By how much the loss at a point may be off. Logits that are off by δ change it by
    /// `p (1 - p) δ² / 2` in the mean, and by the mean of `residual · δ`, whose signs are mixed.
    pub(crate) fn rounding_of_loss(&self, at: &[B::Scalar], loss: f64, basis: &Coordinates) -> f64 {
        let logits = self.rounding_of_logits(at, basis);
        let residuals = (loss.min(1.0) / self.nrows() as f64).min(loss.powi(2));
        noise::<B::Scalar>(loss)
            + (residuals * logits).sqrt()
            + MAX_ROW_CURVATURE.min(loss) * logits / 2.0
    }

    /// The squared decrement that the rounding of the logits hides, whatever the condition: a row's
    /// curvature is no more than its loss.
    pub(crate) fn hidden_by_logits(&self, at: &[B::Scalar], loss: f64, basis: &Coordinates) -> f64 {
        loss.min(1.0) * self.rounding_of_logits(at, basis)
    }

    /// The squared decrement that the rounding of a gradient alone makes, where the loss is so much.
    pub(crate) fn rounding_of_decrement(
        &self,
        loss: f64,
        basis: &Coordinates,
        factor: &Factor,
    ) -> f64 {
        let slopes = self.rounding_of_slopes(basis, loss);
        let squares: Vec<f64> = slopes.iter().map(|slope| slope * slope).collect();
        factor.expected_decrement(&squares)
    }

    /// How far the loss near the minimum lies above it at most, given the squared Newton decrement,
    /// and rounding included.
    ///
    /// The squared decrement, not its half, is a bound near the minimum (Boyd and Vandenberghe,
    /// *Convex Optimization*, 2004, equation 9.50). The rounding e of the gradient hides `eᵀ·H⁻¹·e`
    /// of it, that of the logits some more.
    pub(crate) fn distance_bound(
        &self,
        point: &Evaluation<B::Scalar>,
        basis: &Coordinates,
        factor: &Factor,
        decrement: f64,
    ) -> f64 {
        let hidden = self.rounding_of_decrement(point.loss, basis, factor)
            + self.hidden_by_logits(&point.at, point.loss, basis);
        (decrement.max(0.0).sqrt() + hidden.sqrt()).powi(2)
    }

    /// Whether there may be something to gain by a column that depends on others as far as a
    /// curvature tells: rounding alone does not explain the slope along them.
    pub(crate) fn misses_columns(
        &self,
        point: &Evaluation<B::Scalar>,
        basis: &Coordinates,
        curvature: &Curvature,
    ) -> bool {
        let Some(factor) = curvature.factor() else { return false };
        if factor.left_out().next().is_none() {
            return false;
        }
        let folded = curvature.folded(&widen(&point.gradient));
        let rounding = self.rounding_of_slopes(basis, point.loss);
        let slopes = factor.slopes_left_out(&folded, &rounding);
        slopes.into_iter().any(|(slope, rounding)| slope.abs() > rounding)
    }
}

/// By how much a loss may be off, beside the rounding of its logits.
pub(crate) fn noise<F: Float>(loss: f64) -> f64 {
    16.0 * F::epsilon().widen() * loss
}

/// Adds a diagonal matrix, in the coordinates of a factor L, as `L⁻¹·D·L⁻ᵀ`, to a lower triangle.
fn add_diagonal(
    matrix: &mut [f64],
    factor: &Cholesky,
    leading: usize,
    diagonal: impl Fn(usize) -> f64,
) {
    let order = factor.order();
    for (j, element) in (0..leading).map(|j| (j, diagonal(j))).filter(|(_, d)| *d > 0.0) {
        let mut column = vec![0.0; order];
        column[j] = element.sqrt();
        factor.solve_lower(&mut column);
        for (row, by) in matrix.chunks_mut(order).zip(&column).skip(j) {
            add_multiple(row, *by, &column);
        }
    }
}
