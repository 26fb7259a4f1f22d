//! The Bernoulli likelihood of a block of rows: one logit a row, from which its loss, residual and
//! second derivative follow.
//!
//! ```text
//! loss     = cross_entropy(z, y) = softplus(z) - y z
//! residual = p - y                                      p = sigmoid(z)
//! second derivative = p (1 - p)
//! ```
//!
//! All that a pass does to a block beside multiplying it stands here.

use multiversion::multiversion;

use crate::numbers::float::Float;
use crate::numbers::{scalar, slice, vector};
use crate::objective::data::observed::Block;
use crate::objective::sums::losses::LaneSums;
use crate::objective::sums::row_curvature::RowCurvature;

impl<F: Float> Block<'_, F> {
    /// Adds the losses of the rows, times their weights. Their residuals, times their weights, take the
    /// place of the products `x·w`.
    pub(super) fn residuals(&self, products: &mut [F], intercept: F, losses: &mut LaneSums<F>) {
        self.add_offsets(products);
        losses.add(products, intercept, self.y, self.weights);
    }

    /// The second derivative of each row times the change of its logit along a direction, times its
    /// weight. Takes the place of the products `x·w`.
    pub(super) fn hessian_products(
        &self,
        products: &mut [F],
        intercept: F,
        changes: &[F],
        change_of_intercept: F,
    ) {
        self.add_offsets(products);
        // p (1 - p) is the same for either sign, and does not cancel for this one.
        products.iter_mut().for_each(|z| *z = -(*z + intercept).abs());
        slice::sigmoid(products);
        for (p, change) in products.iter_mut().zip(changes) {
            *p = *p * (F::one() - *p) * (*change + change_of_intercept);
        }
        for (product, weight) in products.iter_mut().zip(self.weights) {
            *product *= *weight;
        }
    }

    /// The square roots of the rows' curvatures, times their weights. The products `x·w` become
    /// logits.
    pub(super) fn roots_of_curvature(
        &self,
        of_rows: RowCurvature,
        products: &mut [F],
        intercept: F,
        roots: &mut [f64],
    ) {
        self.add_offsets(products);
        products.iter_mut().for_each(|z| *z += intercept);
        roots_of_weights(of_rows, products, self.weights, roots);
    }

    /// The largest shift of a row that counts: the change of its logit towards the side of its class
    /// times the probability that it has there already. Infinite where a logit is not finite.
    ///
    /// `products` are `x·w` at a point, along a step, and along what the step may be off by;
    /// `intercepts` those of the same three.
    pub(super) fn largest_shift(&self, products: [&mut [F]; 3], intercepts: [f64; 3]) -> f64 {
        let [logits, changes, roundings] = products;
        self.add_offsets(logits);
        let shift = |row: usize| {
            let z = logits[row].widen() + intercepts[0];
            let by = changes[row].widen() + intercepts[1];
            let off = (roundings[row].widen() + intercepts[2]).abs();
            let (z, by) = if self.y[row] { (z, by) } else { (-z, -by) };
            let shift = scalar::sigmoid(z) * (by + off);
            if shift.is_nan() { f64::INFINITY } else { shift }
        };
        let counting = (0..self.y.len()).filter(|row| self.counts(*row));
        counting.map(shift).fold(f64::NEG_INFINITY, f64::max)
    }
}

/// The square roots of the rows' curvatures at their logits, times their weights, if there are any.
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
