//! Cross-entropies and residuals of rows, added up side by side while blocks come by.
//!
//! ```text
//! Σ cross_entropy(zᵢ, yᵢ) = Σ max(aᵢ, 0) + ln Π (1 + e^-|zᵢ|)      aᵢ = ±zᵢ, the logit of the other label
//! ```
//!
//! takes one logarithm for many rows, unless they have weights. Nothing is added up across lanes
//! before the end, or a logarithm, is due, so a block of a few rows costs no more than its exponentials.

use multiversion::multiversion;

use crate::numbers::float::Float;
use crate::numbers::vector;

/// The most rows that are worked on side by side.
const LANES: usize = 16;
/// So many rows take one logarithm. The product of as many factors up to 2 must be finite in `f64`.
const ROWS: usize = 512;

/// How many rows are worked on side by side.
const fn lanes<F>() -> usize {
    64 / size_of::<F>()
}

/// What rows come to, by lanes.
#[derive(Clone, Copy, Default)]
pub(crate) struct LaneSums<F> {
    /// NaN aside.
    largest_logits: [F; LANES],
    /// Of logits on the wrong side of 0, in absolute value.
    ramps: [F; LANES],
    /// `Π (1 + e^-|z|) - 1`: less 1, so that the tiniest loss counts.
    products: [F; LANES],
    /// How many rows ramps and products have taken by lane.
    steps: usize,
    losses: [f64; LANES],
    residuals: [f64; LANES],
}

/// What rows come to.
pub(crate) struct Sums {
    /// In absolute value; NaN aside.
    pub(crate) largest_logit: f64,
    pub(crate) loss: f64,
    pub(crate) residual: f64,
}

impl<F: Float> LaneSums<F> {
    /// Adds rows, each times its weight if there are any. The intercept is added to each product
    /// `x·w`, whose place the residual of the logit takes, times the weight.
    pub(crate) fn add(&mut self, z: &mut [F], intercept: F, y: &[bool], weights: &[F]) {
        if weights.is_empty() {
            add_rows(self, z, intercept, y);
        } else {
            add_weighted_rows(self, z, intercept, y, weights);
        }
    }

    /// Adds up the lanes.
    pub(crate) fn finish(mut self) -> Sums {
        self.take_logarithm();
        Sums {
            largest_logit: self.largest_logits.into_iter().fold(F::zero(), F::max).widen(),
            loss: self.losses.iter().sum(),
            residual: self.residuals.iter().sum(),
        }
    }

    /// One row by lane, or none by the last ones.
    #[inline(always)]
    fn step(&mut self, z: &mut [F], intercept: F, y: &[bool]) {
        for (k, (z, &y)) in z.iter_mut().zip(y).enumerate() {
            let logit = *z + intercept;
            let (tail, residual) = vector::tail_and_residual(logit, y);
            self.ramps[k] += vector::ramp(vector::against(logit, y));
            self.products[k] = times_one_plus(self.products[k], tail);
            self.largest_logits[k] = logit.abs().max(self.largest_logits[k]);
            *z = residual;
        }
        add_widened(&mut self.residuals, z);
        self.steps += 1;
        if self.steps == ROWS / lanes::<F>() {
            self.take_logarithm();
        }
    }

    /// The same with weights, at a logarithm each.
    #[inline(always)]
    fn weighted_step(&mut self, z: &mut [F], intercept: F, y: &[bool], weights: &[F]) {
        let mut losses = [F::zero(); LANES];
        for (k, ((z, &y), &weight)) in z.iter_mut().zip(y).zip(weights).enumerate() {
            let logit = *z + intercept;
            let (loss, residual) = vector::loss_and_residual(logit, y);
            self.largest_logits[k] = logit.abs().max(self.largest_logits[k]);
            losses[k] = loss * weight;
            *z = residual * weight;
        }
        add_widened(&mut self.losses, &losses);
        add_widened(&mut self.residuals, z);
    }

    /// Turns ramps and products into losses.
    fn take_logarithm(&mut self) {
        add_widened(&mut self.losses, &self.ramps);
        let mut products = [0.0; LANES];
        add_widened(&mut products, &self.products);
        let mut count = LANES;
        while count > 1 {
            count /= 2;
            for k in 0..count {
                products[k] = times_one_plus(products[k], products[count + k]);
            }
        }
        self.losses[0] += vector::ln_1p(products[0]);
        (self.ramps, self.products, self.steps) = ([F::zero(); LANES], [F::zero(); LANES], 0);
    }
}

/// By itself, since the compiler would do a loop with it by as few lanes as `f64` has.
#[inline(always)]
fn add_widened<F: Float>(sums: &mut [f64; LANES], values: &[F]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += value.widen();
    }
}

/// `(1 + q) (1 + e) - 1`, which loses nothing of the smallest `e`.
#[inline(always)]
fn times_one_plus<F: Float>(q: F, e: F) -> F {
    q + e * (F::one() + q)
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn add_rows<F: Float>(sums: &mut LaneSums<F>, z: &mut [F], intercept: F, y: &[bool]) {
    let lanes = lanes::<F>();
    let (z, z_rest) = z.split_at_mut(z.len() / lanes * lanes);
    let (y, y_rest) = y.split_at(z.len());
    for (z, y) in z.chunks_exact_mut(lanes).zip(y.chunks_exact(lanes)) {
        sums.step(z, intercept, y);
    }
    if !z_rest.is_empty() {
        sums.step(z_rest, intercept, y_rest);
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn add_weighted_rows<F: Float>(
    sums: &mut LaneSums<F>,
    z: &mut [F],
    intercept: F,
    y: &[bool],
    weights: &[F],
) {
    let lanes = lanes::<F>();
    let (z, z_rest) = z.split_at_mut(z.len() / lanes * lanes);
    let ((y, y_rest), (weights, weights_rest)) = (y.split_at(z.len()), weights.split_at(z.len()));
    let steps = z.chunks_exact_mut(lanes).zip(y.chunks_exact(lanes));
    for ((z, y), weights) in steps.zip(weights.chunks_exact(lanes)) {
        sums.weighted_step(z, intercept, y, weights);
    }
    sums.weighted_step(z_rest, intercept, y_rest, weights_rest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numbers::scalar;
    use proptest::prelude::*;

    /// Any number of rows, of logits near 0, at all scales, and far out on either side.
    fn rows() -> impl Strategy<Value = Vec<(f64, bool, f64)>> {
        let scale = prop_oneof![Just(1e-3), Just(1.0), Just(30.0), Just(100.0), Just(800.0)];
        (scale, any::<bool>(), 0usize..5000).prop_flat_map(|(scale, all_right, n)| {
            let row = (-scale..scale, any::<bool>(), 0.0..2.0);
            prop::collection::vec(row, n).prop_map(move |mut rows: Vec<(f64, bool, f64)>| {
                for (z, y, _) in rows.iter_mut().filter(|_| all_right) {
                    *z = if *y { z.abs() } else { -z.abs() };
                }
                rows
            })
        })
    }

    /// Replaces the products by residuals, block by block.
    fn sums<F: Float>(
        z: &mut [F],
        intercept: F,
        y: &[bool],
        weights: &[F],
        block_rows: usize,
    ) -> Sums {
        let mut sums = LaneSums::default();
        for (k, z) in z.chunks_mut(block_rows).enumerate() {
            let rows = k * block_rows..k * block_rows + z.len();
            let weights = weights.get(rows.clone()).unwrap_or_default();
            sums.add(z, intercept, &y[rows], weights);
        }
        sums.finish()
    }

    fn agrees<F: Float>(
        rows: &[(f64, bool, f64)],
        intercept: f64,
        weighted: bool,
        block_rows: usize,
    ) {
        let intercept = F::narrow(intercept);
        let mut z: Vec<F> = rows.iter().map(|row| F::narrow(row.0)).collect();
        let y: Vec<bool> = rows.iter().map(|row| row.1).collect();
        let weights: Vec<F> = rows.iter().map(|row| F::narrow(row.2)).collect();
        let logits: Vec<F> = z.iter().map(|&z| z + intercept).collect();
        let weight = |i: usize| if weighted { weights[i].widen() } else { 1.0 };
        let given: &[F] = if weighted { &weights } else { &[] };
        let sums = sums(&mut z, intercept, &y, given, block_rows);

        let (mut loss, mut residual, mut size, mut largest) = (0.0, 0.0, 0.0, 0.0f64);
        let least = (F::min_positive_value() / F::epsilon()).widen();
        for (i, logit) in logits.iter().enumerate() {
            let exact = scalar::residual(logit.widen(), y[i]) * weight(i);
            loss += scalar::cross_entropy(logit.widen(), y[i]) * weight(i);
            residual += exact;
            size += exact.abs();
            largest = largest.max(logit.widen().abs());
            let (got, tiny) = (z[i].widen(), exact.abs() < 1.01 * least * weight(i));
            let close = (got - exact).abs() <= 5.0 * F::epsilon().widen() * exact.abs();
            assert!(close || tiny && got == 0.0, "{got} for {exact}");
            assert!(weighted || got == 0.0 || (z[i] * F::epsilon()).is_normal());
        }
        // A lane's factors round one and a half times each, beside an exponential off by 4 ulp.
        let bound = (1.5 * (ROWS / lanes::<F>()) as f64 + 8.0) * F::epsilon().widen();
        let tiny = rows.len() as f64 * 4.0 * F::min_positive_value().widen();
        assert!((sums.loss - loss).abs() <= bound * loss + tiny, "{} for {loss}", sums.loss);
        let tiny = rows.len() as f64 * 2.02 * least;
        assert!((sums.residual - residual).abs() <= bound * size + tiny);
        assert_eq!(sums.largest_logit, largest);
    }

    logit_properties::properties! {
        #[test]
        fn blocks_have_the_losses_and_residuals_of_their_rows(
            rows in rows(),
            intercept in -2.0f64..2.0,
            weighted: bool,
            block_rows in prop_oneof![1usize..40, 1usize..1500],
        ) {
            agrees::<f64>(&rows, intercept, weighted, block_rows);
            agrees::<f32>(&rows, intercept, weighted, block_rows);
        }
    }

    fn counts_alone<F: Float>(logit: f64) {
        let logit = F::narrow(logit);
        let loss = sums(&mut [logit], F::zero(), &[true], &[], 1).loss;
        let exact = (-logit.widen()).exp();
        assert!((loss / exact - 1.0).abs() < 4.0 * F::epsilon().widen(), "{loss} for {exact}");
    }

    #[test]
    fn any_normal_loss_counts() {
        counts_alone::<f64>(707.9);
        counts_alone::<f32>(86.9);
    }

    #[test]
    fn tiny_losses_count_beside_each_other_and_nan_stays_nan() {
        let loss = |z: &[f64]| sums(&mut z.to_vec(), 0.0, &vec![true; z.len()], &[], 16).loss;
        let expected = 40.0 * (-100.0f64).exp();
        assert!((loss(&[100.0; 40]) / expected - 1.0).abs() < 1e-14);
        assert_eq!(loss(&[f64::INFINITY; 3]), 0.0);
        assert_eq!(loss(&[1.0, f64::NEG_INFINITY]), f64::INFINITY);
        assert!(loss(&[1.0, f64::NAN, 1.0]).is_nan());
    }
}
