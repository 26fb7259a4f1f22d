//! The second derivatives of the objective: summed over rows, factored, solved with.
//!
//! ```text
//! H = Σᵢ ωᵢ pᵢ (1 - pᵢ) aᵢ aᵢᵀ / Σᵢ ωᵢ  +  l2 on the diagonal of the weights
//! ```
//!
//! with `aᵢ` the row, and 1 for the intercept. Columns are centred and scaled for it, whatever the
//! solver's parameters belong to: a Gram matrix of columns as they are squares their condition.

use std::ops::Range;

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

/// So many rows are copied and multiplied at once.
const BATCH: usize = 64;
/// So many sums are held at once, each of the size of the result.
const MAX_SUMS: usize = 16;

/// What one sum works with and comes to.
struct Partial<F> {
    logits: Vec<F>,
    rows: Vec<F>,
    folded: Vec<f64>,
    scaled: Vec<f64>,
    weights: Vec<f64>,
    scratch: Vec<f64>,
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
        let (d, order) = (x.ncols(), self.columns.len());
        let partial = || Partial {
            logits: vec![F::zero(); BATCH],
            rows: vec![F::zero(); BATCH * d],
            folded: vec![0.0; basis.dimension()],
            scaled: vec![0.0; BATCH * order],
            weights: vec![0.0; BATCH],
            scratch: vec![0.0; BATCH],
            sum: vec![0.0; order * order],
        };
        // As many rows as there are numbers in a row of the sum are worth a sum of their own.
        let sums =
            (self.rows.len() / order.max(1)).clamp(1, MAX_SUMS).min(self.partition.segments());
        let mut partials: Vec<_> = (0..sums).map(|_| partial()).collect();
        self.partition.for_each_segment(&mut partials, |segment, partial| {
            let end = segment.end;
            for start in segment.step_by(BATCH) {
                self.add(x, start..end.min(start + BATCH), model, basis, partial);
            }
        });
        let mut partials = partials.into_iter();
        let mut total = partials.next().map_or_else(Vec::new, |partial| partial.sum);
        for partial in partials {
            total.iter_mut().zip(&partial.sum).for_each(|(total, sum)| *total += sum);
        }
        total
    }

    fn add<B: Backend<Scalar = F> + ?Sized>(
        &self,
        x: &B,
        positions: Range<usize>,
        model: &Model<F>,
        basis: &Coordinates,
        partial: &mut Partial<F>,
    ) {
        let (d, order, count) = (x.ncols(), self.columns.len(), positions.len());
        let logits = &mut partial.logits[..count];
        self.rows.matvec(x, positions.clone(), model.weights(), logits);
        let mut done = 0;
        self.rows.for_each_piece(positions.clone(), |rows| {
            let out = &mut partial.rows[done * d..][..rows.len() * d];
            done += rows.len();
            x.copy_rows(rows, out);
        });
        let block = self.observed.block(positions);
        for (k, z) in logits.iter_mut().enumerate() {
            *z += model.intercept() + block.offsets.get(k).copied().unwrap_or_default();
        }
        slice::sigmoid(logits);
        for (k, p) in logits.iter().enumerate() {
            let p = p.widen();
            let weight = block.weights.get(k).map_or(1.0, |weight| weight.widen());
            partial.weights[k] = weight * p * (1.0 - p);
            basis.fold_row(&partial.rows[k * d..][..d], &mut partial.folded);
            for (scaled, &j) in partial.scaled[k * order..].iter_mut().zip(self.columns) {
                *scaled = partial.folded[j];
            }
        }
        let rows = &partial.scaled[..count * order];
        dense::add_gram(rows, &partial.weights[..count], &mut partial.sum, &mut partial.scratch);
    }
}

/// An approximation of the inverse of the second derivatives.
pub(crate) struct Curvature {
    inverse: Inverse,
    /// What the inverse belongs to, where that is not what the solver moves.
    basis: Option<Coordinates>,
}

enum Inverse {
    Factored(Cholesky),
    Scaled(f64),
}

impl Curvature {
    pub(crate) fn new(derivatives: Vec<f64>, basis: &Coordinates, same: bool) -> Self {
        Self {
            inverse: Inverse::Factored(Cholesky::new(derivatives, basis.dimension())),
            basis: (!same).then(|| basis.clone()),
        }
    }

    /// A multiple of the identity where columns are centred and scaled.
    pub(crate) fn scaled(factor: f64, basis: &Coordinates) -> Self {
        Self { inverse: Inverse::Scaled(factor), basis: Some(basis.clone()) }
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
            Inverse::Scaled(by) => gradient.iter_mut().for_each(|g| *g *= by),
        }
    }
}
