//! The elementwise mathematics on slices: each function replaces its argument, element by element.
//!
//! Results are within 4 ulp of the exact ones, and the same on any machine. On x86-64 the loops are
//! compiled for AVX-512 and AVX2 as well as for the baseline, and the best is chosen at run time.

use multiversion::multiversion;

use crate::{Float, kernels, vector};

/// Replaces each logit by its [`sigmoid`](crate::sigmoid).
///
/// ```
/// let mut z = [0.0f32, f32::INFINITY];
/// logit_core::slice::sigmoid(&mut z);
/// assert_eq!(z, [0.5, 1.0]);
/// ```
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
pub fn sigmoid<F: Float>(z: &mut [F]) {
    for z in z {
        *z = vector::sigmoid(*z);
    }
}

/// Replaces each number by its [`softplus`](crate::softplus).
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
pub fn softplus<F: Float>(z: &mut [F]) {
    for z in z {
        *z = vector::softplus(*z);
    }
}

/// Replaces each logit by its [`cross_entropy`](crate::cross_entropy) with its label.
///
/// # Panics
/// If the slices differ in length.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
pub fn cross_entropy<F: Float>(z: &mut [F], y: &[bool]) {
    same_length(z, y);
    for (z, &y) in z.iter_mut().zip(y) {
        *z = vector::cross_entropy(*z, y);
    }
}

/// Replaces each probability by its
/// [`cross_entropy_from_probability`](crate::cross_entropy_from_probability) with its label.
///
/// # Panics
/// If the slices differ in length.
pub fn cross_entropy_from_probability<F: Float>(p: &mut [F], y: &[bool]) {
    same_length(p, y);
    for (p, &y) in p.iter_mut().zip(y) {
        *p = kernels::cross_entropy_from_probability(*p, y);
    }
}

/// Replaces each logit by its [`residual`](crate::residual) with its label.
///
/// # Panics
/// If the slices differ in length.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
pub fn residual<F: Float>(z: &mut [F], y: &[bool]) {
    same_length(z, y);
    for (z, &y) in z.iter_mut().zip(y) {
        *z = vector::residual(*z, y);
    }
}

/// What [`losses_and_residuals`] sums up over a block of rows.
#[derive(Clone, Copy, Default)]
pub(crate) struct BlockSums {
    /// The largest logit in absolute value; NaN aside.
    pub(crate) largest_logit: f64,
    pub(crate) residual: f64,
    pub(crate) loss: f64,
}

/// Adds the intercept to each product `x·w`, replaces the logit by its residual, and sums up
/// cross-entropies; both times the weights, if there are any. `losses` is scratch.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
pub(crate) fn losses_and_residuals<F: Float>(
    z: &mut [F],
    intercept: F,
    y: &[bool],
    weights: &[F],
    losses: &mut [F],
) -> BlockSums {
    let mut sums = BlockSums::default();
    for (k, z) in z.chunks_mut(GROUP).enumerate() {
        let rows = k * GROUP..k * GROUP + z.len();
        let weights = weights.get(rows.clone()).unwrap_or_default();
        add_group(z, intercept, &y[rows.clone()], weights, &mut losses[rows], &mut sums);
    }
    sums
}

/// How many numbers are worked on side by side.
const LANES: usize = 16;
/// How many rows are summed in the precision at hand: 16 by each lane. The product of so many
/// numbers up to 2 must be finite in `f64`.
const GROUP: usize = 16 * LANES;

/// Adds what [`losses_and_residuals`] does to up to [`GROUP`] rows.
///
/// ```text
/// Σ cross_entropy(zᵢ, yᵢ) = Σ max(aᵢ, 0) + ln Π (1 + e^-|zᵢ|)      aᵢ = ±zᵢ, the logit of the other label
/// ```
///
/// takes one logarithm for all rows, unless they have weights.
#[inline(always)]
fn add_group<F: Float>(
    z: &mut [F],
    intercept: F,
    y: &[bool],
    weights: &[F],
    losses: &mut [F],
    sums: &mut BlockSums,
) {
    let (largest_logit, ramps) = largest_and_ramps(z, intercept, y);
    sums.largest_logit = sums.largest_logit.max(largest_logit);
    if weights.is_empty() {
        for ((z, &y), tail) in z.iter_mut().zip(y).zip(&mut *losses) {
            (*tail, *z) = vector::tail_and_residual(*z + intercept, y);
        }
        sums.loss += ramps + vector::ln_1p(product_of_one_plus(losses));
    } else {
        for (((z, &y), loss), &weight) in z.iter_mut().zip(y).zip(&mut *losses).zip(weights) {
            (*loss, *z) = vector::loss_and_residual(*z + intercept, y);
            *z *= weight;
            *loss *= weight;
        }
        sums.loss += sum(losses);
    }
    sums.residual += sum(z);
}

/// The largest of some logits, given without their intercept, in absolute value; NaN aside. And the
/// sum of those on the wrong side of 0, in absolute value.
#[inline(always)]
fn largest_and_ramps<F: Float>(z: &[F], intercept: F, y: &[bool]) -> (f64, f64) {
    let (mut largest, mut ramps) = ([F::zero(); LANES], [F::zero(); LANES]);
    let ((z, z_rest), (y, y_rest)) = (z.as_chunks::<LANES>(), y.as_chunks::<LANES>());
    for (z, y) in z.iter().zip(y) {
        note_sizes(&mut largest, &mut ramps, z, intercept, y);
    }
    note_sizes(&mut largest, &mut ramps, z_rest, intercept, y_rest);
    let largest = largest.into_iter().fold(F::zero(), |a, b| if b > a { b } else { a });
    (largest.widen(), sum(&ramps))
}

#[inline(always)]
fn note_sizes<F: Float>(
    largest: &mut [F; LANES],
    ramps: &mut [F; LANES],
    z: &[F],
    intercept: F,
    y: &[bool],
) {
    for (((largest, ramp), &z), &y) in largest.iter_mut().zip(ramps).zip(z).zip(y) {
        let z = z + intercept;
        let size = z.abs();
        *largest = if size > *largest { size } else { *largest };
        *ramp += vector::ramp(vector::against(z, y));
    }
}

/// `Π (1 + eᵢ) - 1`, where each `eᵢ` is from 0 to 1.
///
/// ```text
/// (1 + q) (1 + e) - 1 = q + e + q e
/// ```
///
/// loses nothing of the smallest `e`.
#[inline(always)]
fn product_of_one_plus<F: Float>(e: &[F]) -> f64 {
    let mut products = [F::zero(); LANES];
    let (chunks, rest) = e.as_chunks::<LANES>();
    for chunk in chunks {
        multiply(&mut products, chunk);
    }
    multiply(&mut products, rest);
    let mut all = [0.0; LANES];
    for (all, product) in all.iter_mut().zip(products) {
        *all = product.widen();
    }
    let mut count = LANES;
    while count > 1 {
        count /= 2;
        let (lower, upper) = all.split_at_mut(count);
        multiply(lower, &upper[..count]);
    }
    all[0]
}

#[inline(always)]
fn multiply<F: Float>(products: &mut [F], e: &[F]) {
    for (q, &e) in products.iter_mut().zip(e) {
        *q += e + *q * e;
    }
}

/// The sum in `f64`, by eight partial sums.
#[inline(always)]
pub(crate) fn sum<F: Float>(values: &[F]) -> f64 {
    let (chunks, rest) = values.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for chunk in chunks {
        for (sum, &value) in sums.iter_mut().zip(chunk) {
            *sum += value.widen();
        }
    }
    for (sum, &value) in sums.iter_mut().zip(rest) {
        *sum += value.widen();
    }
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

fn same_length<F>(values: &[F], y: &[bool]) {
    assert_eq!(values.len(), y.len(), "as many values as labels");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Blocks of any size, of logits near 0, at all scales, and far out on either side.
    fn rows() -> impl Strategy<Value = Vec<(f64, bool, f64)>> {
        let scale = prop_oneof![Just(1e-3), Just(1.0), Just(30.0), Just(700.0)];
        (scale, any::<bool>(), 0usize..1500).prop_flat_map(|(scale, all_right, n)| {
            let row = (-scale..scale, any::<bool>(), 0.0..2.0);
            prop::collection::vec(row, n).prop_map(move |mut rows: Vec<(f64, bool, f64)>| {
                for (z, y, _) in rows.iter_mut().filter(|_| all_right) {
                    *z = if *y { z.abs() } else { -z.abs() };
                }
                rows
            })
        })
    }

    fn agrees<F: Float>(rows: &[(f64, bool, f64)], intercept: f64, weighted: bool) {
        let intercept = F::narrow(intercept);
        let mut z: Vec<F> = rows.iter().map(|row| F::narrow(row.0)).collect();
        let y: Vec<bool> = rows.iter().map(|row| row.1).collect();
        let weights: Vec<F> = rows.iter().map(|row| F::narrow(row.2)).collect();
        let logits: Vec<F> = z.iter().map(|&z| z + intercept).collect();
        let weight = |i: usize| if weighted { weights[i].widen() } else { 1.0 };
        let given: &[F] = if weighted { &weights } else { &[] };
        let mut scratch = vec![F::nan(); z.len()];
        let sums = losses_and_residuals(&mut z, intercept, &y, given, &mut scratch);

        let (mut loss, mut residual, mut size, mut largest) = (0.0, 0.0, 0.0, 0.0f64);
        for (i, logit) in logits.iter().enumerate() {
            let exact = kernels::residual(logit.widen(), y[i]) * weight(i);
            loss += kernels::cross_entropy(logit.widen(), y[i]) * weight(i);
            residual += exact;
            size += exact.abs();
            largest = largest.max(logit.widen().abs());
            let (got, tiny) = (z[i].widen(), F::min_positive_value().widen());
            assert!((got - exact).abs() <= 5.0 * F::epsilon().widen() * exact.abs() + tiny);
        }
        // Sixteen factors round one and a half times each, beside an exponential off by 4 ulp.
        let bound = (1.5 * 16.0 + 8.0) * F::epsilon().widen();
        let tiny = F::min_positive_value().widen() * rows.len() as f64;
        assert!((sums.loss - loss).abs() <= bound * loss + tiny, "{} for {loss}", sums.loss);
        assert!((sums.residual - residual).abs() <= bound * size + tiny);
        assert_eq!(sums.largest_logit, largest);
    }

    proptest! {
        #[test]
        fn a_block_has_the_losses_and_residuals_of_its_rows(
            rows in rows(), intercept in -2.0f64..2.0, weighted: bool,
        ) {
            agrees::<f64>(&rows, intercept, weighted);
            agrees::<f32>(&rows, intercept, weighted);
        }
    }

    #[test]
    fn tiny_losses_count_beside_each_other_and_nan_stays_nan() {
        let loss = |z: &[f64]| {
            let labels = vec![true; z.len()];
            losses_and_residuals(&mut z.to_vec(), 0.0, &labels, &[], &mut vec![0.0; z.len()]).loss
        };
        let expected = 40.0 * (-100.0f64).exp();
        assert!((loss(&[100.0; 40]) / expected - 1.0).abs() < 1e-14);
        assert_eq!(loss(&[f64::INFINITY; 3]), 0.0);
        assert_eq!(loss(&[1.0, f64::NEG_INFINITY]), f64::INFINITY);
        assert!(loss(&[1.0, f64::NAN, 1.0]).is_nan());
    }
}
