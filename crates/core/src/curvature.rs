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

use crate::blocks::Partition;
use crate::cholesky::Cholesky;
use crate::coordinates::Coordinates;
use crate::dense;
use crate::rows::{Observed, Rows};
use crate::{Backend, Float, Model, slice};

/// The rows to sum over.
pub(crate) struct Gram<'a, F> {
    pub(crate) rows: Rows<'static>,
    pub(crate) partition: Partition,
    pub(crate) observed: &'a Observed<F>,
    /// Which of the columns, the intercept the last of them, the result is for.
    pub(crate) columns: &'a [usize],
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
    /// Of one row, the columns that are asked for.
    picked: Vec<F>,
    scaled: Vec<f64>,
    weighted: Vec<f64>,
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
        let (d, order) = (x.ncols(), dense::padded(self.columns.len()));
        let batch = (BATCH_NUMBERS / d.max(1)).clamp(1, BATCH);
        let columns = Columns::new(self.columns, d, basis);
        let partial = || Partial {
            logits: vec![F::zero(); batch],
            rows: vec![F::zero(); batch * d],
            picked: Vec::with_capacity(columns.mean.len()),
            scaled: vec![0.0; batch * order],
            weighted: vec![0.0; batch * order],
            sum: vec![0.0; order * order],
        };
        // Fewer rows than some times the numbers in a row of the sum are not worth one of their own.
        let sums = (self.rows.len() / (4 * order.max(1)))
            .clamp(1, MAX_SUMS)
            .min(self.partition.segments());
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
        unpadded(&total, order, self.columns.len())
    }

    fn add<B: Backend<Scalar = F> + ?Sized>(
        &self,
        x: &B,
        positions: Range<usize>,
        model: &Model<F>,
        columns: &Columns<'_>,
        partial: &mut Partial<F>,
    ) {
        let (d, order) = (x.ncols(), dense::padded(self.columns.len()));
        let count = positions.len();
        let logits = &mut partial.logits[..count];
        self.rows.matvec(x, positions.clone(), model.weights(), logits);
        self.rows.copy(x, positions.clone(), &mut partial.rows);
        let block = self.observed.block(positions);
        for (k, z) in logits.iter_mut().enumerate() {
            *z += model.intercept() + block.offsets.get(k).copied().unwrap_or_default();
        }
        slice::sigmoid(logits);
        for (k, p) in logits.iter().enumerate() {
            let p = p.widen();
            let weight = block.weights.get(k).map_or(1.0, |weight| weight.widen());
            let row = columns.pick(&partial.rows[k * d..][..d], &mut partial.picked);
            let scaled = &mut partial.scaled[k * order..][..order];
            let weighted = &mut partial.weighted[k * order..][..order];
            columns.fold(row, weight * p * (1.0 - p), scaled, weighted);
        }
        let rows = 0..count * order;
        let (weighted, scaled) = (&partial.weighted[rows.clone()], &partial.scaled[rows]);
        dense::add_gram(weighted, scaled, &mut partial.sum, order);
    }
}

/// The columns that are asked for.
struct Columns<'a> {
    of_matrix: &'a [usize],
    with_intercept: bool,
    /// Whether they are the first ones, in order.
    leading: bool,
    mean: Vec<f64>,
    inverse_scale: Vec<f64>,
}

impl<'a> Columns<'a> {
    /// `columns` of `d`, the intercept, if any, as the last of them.
    fn new(columns: &'a [usize], d: usize, basis: &Coordinates) -> Self {
        let with_intercept = columns.last() == Some(&d);
        let of_matrix = &columns[..columns.len() - usize::from(with_intercept)];
        Self {
            of_matrix,
            with_intercept,
            leading: of_matrix.iter().copied().eq(0..of_matrix.len()),
            mean: of_matrix.iter().map(|&j| basis.mean(j)).collect(),
            inverse_scale: of_matrix.iter().map(|&j| basis.inverse_scale(j)).collect(),
        }
    }

    /// Their part of a row.
    fn pick<'r, F: Float>(&self, row: &'r [F], picked: &'r mut Vec<F>) -> &'r [F] {
        if self.leading {
            return &row[..self.of_matrix.len()];
        }
        picked.clear();
        picked.extend(self.of_matrix.iter().map(|&j| row[j]));
        picked
    }

    /// A row centred and scaled, and the same times its weight.
    fn fold<F: Float>(&self, row: &[F], weight: f64, scaled: &mut [f64], weighted: &mut [f64]) {
        fold(row, &self.mean, &self.inverse_scale, weight, scaled, weighted);
        if self.with_intercept {
            (scaled[row.len()], weighted[row.len()]) = (1.0, weight);
        }
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn fold<F: Float>(
    row: &[F],
    mean: &[f64],
    inverse_scale: &[f64],
    weight: f64,
    scaled: &mut [f64],
    weighted: &mut [f64],
) {
    let basis = mean.iter().zip(inverse_scale);
    for (((x, (mean, inverse)), scaled), weighted) in
        row.iter().zip(basis).zip(scaled).zip(weighted)
    {
        *scaled = (x.widen() - mean) * inverse;
        *weighted = weight * *scaled;
    }
}

/// The leading rows and columns of a square matrix.
fn unpadded(matrix: &[f64], order: usize, leading: usize) -> Vec<f64> {
    matrix.chunks(order).take(leading).flat_map(|row| &row[..leading]).copied().collect()
}

/// An approximation of the inverse of the second derivatives.
pub(crate) struct Curvature {
    inverse: Inverse,
    /// What the inverse belongs to, where that is not what the solver moves.
    basis: Option<Coordinates>,
}

enum Inverse {
    Factored(Cholesky),
    Diagonal(Vec<f64>),
}

impl Curvature {
    pub(crate) fn new(derivatives: Vec<f64>, basis: &Coordinates, same: bool) -> Self {
        Self {
            inverse: Inverse::Factored(Cholesky::new(derivatives, basis.dimension())),
            basis: (!same).then(|| basis.clone()),
        }
    }

    /// Of each parameter by itself, where columns are centred and scaled: `most` and its penalty.
    pub(crate) fn separate(most: f64, l2: f64, basis: &Coordinates) -> Self {
        let weights = basis.dimension() - usize::from(basis.fit_intercept());
        let inverse = (0..basis.dimension()).map(|j| {
            let scale = if j < weights { basis.inverse_scale(j) } else { 0.0 };
            1.0 / (most + l2 * scale * scale)
        });
        Self { inverse: Inverse::Diagonal(inverse.collect()), basis: Some(basis.clone()) }
    }

    /// The same with the curvature divided by a factor.
    pub(crate) fn divided(mut self, by: f64) -> Self {
        if let Inverse::Diagonal(inverse) = &mut self.inverse {
            inverse.iter_mut().for_each(|inverse| *inverse *= by);
        }
        self
    }

    /// The solution of `H·x = gradient`.
    pub(crate) fn solved(&self, gradient: &[f64]) -> Vec<f64> {
        let mut folded = gradient.to_vec();
        let Some(basis) = &self.basis else {
            self.inverse.apply(&mut folded);
            return folded;
        };
        let d = gradient.len() - usize::from(basis.fit_intercept());
        let (by_weight, by_intercept) = gradient.split_at(d);
        let by_intercept = by_intercept.first().copied().unwrap_or(0.0);
        basis.gradient(by_weight.iter().copied(), by_intercept, 0.0, by_weight, &mut folded);
        self.inverse.apply(&mut folded);
        let mut step = Model::zero(d);
        basis.unfold_into(&folded, &mut step);
        let intercept = basis.fit_intercept().then_some(step.intercept());
        step.weights().iter().copied().chain(intercept).collect()
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
