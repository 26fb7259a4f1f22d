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
    let (largest_logit, ramps) = largest_and_ramps(z, intercept, y);
    let loss = if weights.is_empty() {
        for ((z, &y), tail) in z.iter_mut().zip(y).zip(&mut *losses) {
            (*tail, *z) = vector::tail_and_residual(*z + intercept, y);
        }
        ramps + losses.chunks(FACTORS).map(ln_of_product).sum::<f64>()
    } else {
        for (((z, &y), loss), &weight) in z.iter_mut().zip(y).zip(&mut *losses).zip(weights) {
            (*loss, *z) = vector::loss_and_residual(*z + intercept, y);
            *z *= weight;
            *loss *= weight;
        }
        sum(losses)
    };
    BlockSums { largest_logit, residual: sum(z), loss }
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

/// How many numbers are worked on side by side.
const LANES: usize = 16;
/// How many numbers `1 + e` between 1 and 2 are multiplied: each rounds, and their product in `f64`
/// must be finite.
const FACTORS: usize = 16 * LANES;

/// `ln Π (1 + eᵢ)`, where `eᵢ` is from 0 to 1.
///
/// ```text
/// (1 + q) (1 + e) - 1 = q + e + q e
/// ```
///
/// loses nothing of the smallest `e`.
#[inline(always)]
fn ln_of_product<F: Float>(e: &[F]) -> f64 {
    let mut products = [F::zero(); LANES];
    let (chunks, rest) = e.as_chunks::<LANES>();
    for chunk in chunks {
        multiply(&mut products, chunk);
    }
    multiply(&mut products, rest);
    vector::ln_1p(products.iter().fold(0.0, |q, e| q + (e.widen() + q * e.widen())))
}

#[inline(always)]
fn multiply<F: Float>(products: &mut [F; LANES], e: &[F]) {
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
