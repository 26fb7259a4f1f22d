//! The second derivatives of the objective: summed over rows, factored, solved with.
//!
//! ```text
//! H = Σᵢ ωᵢ pᵢ (1 - pᵢ) aᵢ aᵢᵀ / Σᵢ ωᵢ  +  l2 on the diagonal of the weights
//! ```
//!
//! with `aᵢ` the row, and 1 for the intercept. Columns are centred and scaled for it, whatever the
//! solver's parameters belong to: a Gram matrix of columns as they are squares their condition.

use std::ops::Range;

use multiversion::multiversion;

use crate::backend::contract::Backend;
use crate::backend::model::Model;
use crate::linalg::cholesky::Cholesky;
use crate::linalg::factor::Factor;
use crate::numbers::float::Float;
use crate::numbers::gram::{add_gram, padded};
use crate::numbers::vector;
use crate::objective::blocks::Partition;
use crate::objective::coordinates::Coordinates;
use crate::objective::rows::{Observed, Rows};

/// The rows to sum over.
pub(crate) struct Gram<'a, F> {
    pub(crate) rows: Rows<'static>,
    pub(crate) partition: Partition,
    pub(crate) observed: &'a Observed<F>,
    /// Which of the columns, the intercept the last of them, the result is for.
    pub(crate) columns: &'a [usize],
    pub(crate) of_rows: RowCurvature,
    /// The Gram matrix is that of the rows times the inverse of this factor, transposed.
    pub(crate) factor: Option<&'a Cholesky>,
}

/// The curvature of a row's cross-entropy as a function of its logit z.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum RowCurvature {
    /// The second derivative, `p (1 - p)`.
    Exact,
    /// That of the parabola that touches at z and nowhere lies below the cross-entropy:
    /// `tanh(z/2) / (2 z)` (Jaakkola and Jordan, *Bayesian parameter estimation via variational
    /// methods*, 2000). A step to the minimum of these parabolas never raises the loss, and is as
    /// long as the logits are, where second derivatives have vanished.
    Majorizer,
    /// 1 in every row that counts, for the dependence of columns alone.
    One,
}

/// Steps by majorizing parabolas go on while they promise more than this share of the loss,
const MAJORIZER_SHARE: f64 = 0.1;
/// and while rows lie on the wrong sides by more than this in the mean.
const SATURATED_LOSS: f64 = 1.0;

impl RowCurvature {
    /// What follows a step by majorizing parabolas that promises a share of the loss.
    pub(crate) fn after_majorizer(share: f64, loss: f64) -> Self {
        let goes_on = share > MAJORIZER_SHARE && loss > SATURATED_LOSS;
        if goes_on { RowCurvature::Majorizer } else { RowCurvature::Exact }
    }

    /// At a logit of either sign, given `e^-|z|`.
    #[inline(always)]
    fn at(self, z: f64, tail: f64) -> f64 {
        // Below, 1 - tail has lost digits, and the majorizer is 1/4 within rounding.
        const NEAR_ZERO: f64 = 1e-6;
        match self {
            RowCurvature::Majorizer if z.abs() > NEAR_ZERO => {
                (1.0 - tail) / (2.0 * z.abs() * (1.0 + tail))
            }
            RowCurvature::One => 1.0,
            _ => tail / (1.0 + tail).powi(2),
        }
    }
}

/// So many rows are copied and multiplied at once at most,
const BATCH: usize = 64;
/// and at most so many numbers, to stay in cache.
const BATCH_NUMBERS: usize = 1 << 16;
/// So many sums are held at once, each of the size of the result.
const MAX_SUMS: usize = 8;

/// What one sum works with and comes to.
struct Partial<F> {
    logits: Vec<F>,
    rows: Vec<F>,
    /// The roots of the rows' curvatures times their weights.
    roots: Vec<f64>,
    /// The columns that are asked for, centred, scaled and times the root.
    folded: Vec<f64>,
    sum: Vec<f64>,
}

impl<F: Float> Gram<'_, F> {
    /// The lower triangle of `Σᵢ ωᵢ pᵢ (1 - pᵢ) aᵢ aᵢᵀ` at a model, row by row.
    pub(crate) fn sum<B: Backend<Scalar = F> + ?Sized>(
        &self,
        x: &B,
        model: &Model<F>,
        basis: &Coordinates,
    ) -> Vec<f64> {
        let (d, order) = (x.ncols(), padded(self.columns.len()));
        let batch = (BATCH_NUMBERS / d.max(1)).clamp(1, BATCH);
        let columns = Columns::new(self.columns, d, basis);
        let partial = || Partial {
            logits: vec![F::zero(); batch],
            rows: vec![F::zero(); batch * d],
            roots: vec![0.0; batch],
            folded: vec![0.0; batch * order],
            // Adding to -0.0 changes nothing, and it is written at once: of memory that is all zeros
            // the system makes pages when they are read, and makes them anew when they are written.
            sum: vec![-0.0; order * order],
        };
        // Fewer rows than some times the numbers in a row of the sum are not worth one of their own,
        // and beyond two they are to take less than 1 % of what the matrix does.
        let worthwhile = self.rows.len() / (4 * order.max(1));
        let affordable = x.nrows().saturating_mul(d) / (100 * order * order).max(1);
        let sums =
            worthwhile.clamp(1, affordable.clamp(2, MAX_SUMS)).min(self.partition.segments());
        let mut partials: Vec<_> = (0..sums).map(|_| partial()).collect();
        self.partition.for_each_segment(&mut partials, |segment, partial| {
            let end = segment.end;
            for start in segment.step_by(batch) {
                self.add(x, start..end.min(start + batch), model, &columns, partial);
            }
        });
        let mut partials = partials.into_iter();
        let mut total = partials.next().map_or_else(Vec::new, |partial| partial.sum);
        for partial in partials {
            total.iter_mut().zip(&partial.sum).for_each(|(total, sum)| *total += sum);
        }
        unpadded(total, order, self.columns.len())
    }

    fn add<B: Backend<Scalar = F> + ?Sized>(
        &self,
        x: &B,
        positions: Range<usize>,
        model: &Model<F>,
        columns: &Columns<'_>,
        partial: &mut Partial<F>,
    ) {
        let (d, order) = (x.ncols(), padded(self.columns.len()));
        let count = positions.len();
        let logits = &mut partial.logits[..count];
        self.rows.matvec(x, positions.clone(), model.weights(), logits);
        self.rows.copy(x, positions.clone(), &mut partial.rows);
        let block = self.observed.block(positions);
        for (k, z) in logits.iter_mut().enumerate() {
            *z += model.intercept() + block.offsets.get(k).copied().unwrap_or_default();
        }
        let roots = &mut partial.roots[..count];
        roots_of_weights(self.of_rows, logits, block.weights, roots);
        let folded = &mut partial.folded[..count * order];
        columns.fold(&partial.rows[..count * d], roots, folded);
        if let Some(factor) = self.factor {
            folded.chunks_exact_mut(order).for_each(|row| factor.solve_lower(row));
        }
        add_gram(folded, &mut partial.sum, order);
    }
}

/// The roots of the rows' curvatures at their logits, times their weights, if there are any.
///
/// In `f64`, whose tails reach further: a second derivative is 0 from logits of 708 on.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn roots_of_weights<F: Float>(
    of_rows: RowCurvature,
    logits: &[F],
    weights: &[F],
    roots: &mut [f64],
) {
    for (root, z) in roots.iter_mut().zip(logits) {
        let z = z.widen();
        *root = of_rows.at(z, vector::normal_exp_of_nonpositive(-z.abs())).sqrt();
    }
    let every_row = of_rows == RowCurvature::One;
    for (root, weight) in roots.iter_mut().zip(weights) {
        let weight = weight.widen();
        *root *= if every_row && weight > 0.0 { 1.0 } else { weight.sqrt() };
    }
}

/// The columns that are asked for.
struct Columns<'a> {
    /// The columns of the matrix.
    ncols: usize,
    of_matrix: &'a [usize],
    with_intercept: bool,
    mean: Vec<f64>,
    inverse_scale: Vec<f64>,
}

impl<'a> Columns<'a> {
    /// `columns` of `ncols`, the intercept, if any, as the last of them.
    fn new(columns: &'a [usize], ncols: usize, basis: &Coordinates) -> Self {
        let with_intercept = columns.last() == Some(&ncols);
        let of_matrix = &columns[..columns.len() - usize::from(with_intercept)];
        Self {
            ncols,
            of_matrix,
            with_intercept,
            mean: of_matrix.iter().map(|&j| basis.mean(j)).collect(),
            inverse_scale: of_matrix.iter().map(|&j| basis.inverse_scale(j)).collect(),
        }
    }

    /// Their part of each row, centred, scaled and times the row's root, row by row.
    fn fold<F: Float>(&self, rows: &[F], roots: &[f64], folded: &mut [f64]) {
        let order = folded.len() / roots.len();
        let asked = self.of_matrix.len();
        if self.of_matrix.iter().copied().eq(0..asked) {
            fold(rows, self.ncols, &self.mean, &self.inverse_scale, roots, folded);
        } else {
            let picked: Vec<F> = rows
                .chunks_exact(self.ncols)
                .flat_map(|row| self.of_matrix.iter().map(|&j| row[j]))
                .collect();
            fold(&picked, asked, &self.mean, &self.inverse_scale, roots, folded);
        }
        if self.with_intercept {
            let intercepts = folded.iter_mut().skip(asked).step_by(order);
            intercepts.zip(roots).for_each(|(folded, root)| *folded = *root);
        }
    }
}

/// The first numbers of each of the rows of `ncols` numbers.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn fold<F: Float>(
    rows: &[F],
    ncols: usize,
    mean: &[f64],
    inverse_scale: &[f64],
    roots: &[f64],
    folded: &mut [f64],
) {
    let order = folded.len() / roots.len();
    for (k, root) in roots.iter().enumerate() {
        let row = &rows[k * ncols..][..mean.len()];
        let folded = &mut folded[k * order..][..mean.len()];
        for ((folded, x), (mean, inverse)) in
            folded.iter_mut().zip(row).zip(mean.iter().zip(inverse_scale))
        {
            *folded = (x.widen() - mean) * inverse * root;
        }
    }
}

/// The leading rows and columns of a square matrix.
fn unpadded(mut matrix: Vec<f64>, order: usize, leading: usize) -> Vec<f64> {
    for j in 0..leading {
        matrix.copy_within(j * order..j * order + leading, j * leading);
    }
    matrix.truncate(leading * leading);
    matrix
}

/// An approximation of the inverse of the second derivatives.
pub(crate) struct Curvature {
    inverse: Inverse,
    /// What the inverse belongs to.
    basis: Coordinates,
}

enum Inverse {
    Factored(Factor),
    Diagonal(Vec<f64>),
}

impl Curvature {
    pub(crate) fn factored(factor: Factor, basis: Coordinates) -> Self {
        Self { inverse: Inverse::Factored(factor), basis }
    }

    /// Of each parameter by itself, where columns are centred and scaled: `most` and its penalty.
    pub(crate) fn separate(most: f64, l2: f64, basis: &Coordinates) -> Self {
        let weights = basis.dimension() - usize::from(basis.fit_intercept());
        let inverse = (0..basis.dimension()).map(|j| {
            let scale = if j < weights { basis.inverse_scale(j) } else { 0.0 };
            1.0 / (most + l2 * scale * scale)
        });
        Self { inverse: Inverse::Diagonal(inverse.collect()), basis: basis.clone() }
    }

    /// The same with the curvature divided by a factor.
    pub(crate) fn divided(mut self, by: f64) -> Self {
        if let Inverse::Diagonal(inverse) = &mut self.inverse {
            inverse.iter_mut().for_each(|inverse| *inverse *= by);
        }
        self
    }

    /// The factor of the second derivatives, if it is not only their diagonal that is known.
    pub(crate) fn factor(&self) -> Option<&Factor> {
        match &self.inverse {
            Inverse::Factored(factor) => Some(factor),
            Inverse::Diagonal(_) => None,
        }
    }

    /// The solution of `H·x = gradient`.
    pub(crate) fn solved(&self, gradient: &[f64]) -> Vec<f64> {
        self.solved_folded(self.folded(gradient))
    }

    /// The same of a gradient by the parameters that the inverse belongs to.
    pub(crate) fn solved_folded(&self, mut folded: Vec<f64>) -> Vec<f64> {
        self.inverse.apply(&mut folded);
        let basis = &self.basis;
        let mut step = Model::zero(folded.len() - usize::from(basis.fit_intercept()));
        basis.unfold_into(&folded, &mut step);
        let intercept = basis.fit_intercept().then_some(step.intercept());
        step.weights().iter().copied().chain(intercept).collect()
    }

    /// A gradient by the parameters that the inverse belongs to.
    pub(crate) fn folded(&self, gradient: &[f64]) -> Vec<f64> {
        let (basis, mut folded) = (&self.basis, gradient.to_vec());
        let d = gradient.len() - usize::from(basis.fit_intercept());
        let (by_weight, by_intercept) = gradient.split_at(d);
        let by_intercept = by_intercept.first().copied().unwrap_or(0.0);
        basis.gradient(by_weight.iter().copied(), by_intercept, 0.0, by_weight, &mut folded);
        folded
    }
}

impl Inverse {
    fn apply(&self, gradient: &mut [f64]) {
        match self {
            Inverse::Factored(factor) => factor.solve(gradient),
            Inverse::Diagonal(inverse) => {
                gradient.iter_mut().zip(inverse).for_each(|(g, inverse)| *g *= inverse);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numbers::scalar;
    use proptest::prelude::*;

    logit_conformance::properties! {
        #[test]
        fn the_majorizing_parabola_lies_nowhere_below_the_cross_entropy(
            z in prop_oneof![-1e-5..1e-5f64, -8.0..8.0f64, -900.0..900.0f64],
            to in prop_oneof![-8.0..8.0f64, -900.0..900.0f64],
        ) {
            let curvature = RowCurvature::Majorizer.at(z, (-z.abs()).exp());
            let by = to - z;
            let parabola =
                scalar::softplus(z) + scalar::sigmoid(z) * by + curvature * by * by / 2.0;
            let rounding = 1e-14 * (1.0 + parabola.abs() + by.abs());
            prop_assert!(scalar::softplus(to) <= parabola + rounding);
            // It touches on the other side of 0 too.
            let other = scalar::softplus(z) - scalar::sigmoid(z) * 2.0 * z + curvature * 2.0 * z * z;
            prop_assert!((scalar::softplus(-z) - other).abs() <= 1e-13 * (1.0 + z.abs()));
        }
    }
}
