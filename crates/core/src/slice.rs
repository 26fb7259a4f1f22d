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

/// Adds the intercept to each product `x·w`, replaces the logit by its residual, and writes its
/// cross-entropy to `losses`; both times the weights, if there are any.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
pub(crate) fn losses_and_residuals<F: Float>(
    z: &mut [F],
    intercept: F,
    y: &[bool],
    weights: &[F],
    losses: &mut [F],
) -> BlockSums {
    let largest_logit = largest(z, intercept).widen();
    for ((z, &y), loss) in z.iter_mut().zip(y).zip(&mut *losses) {
        (*loss, *z) = vector::loss_and_residual(*z + intercept, y);
    }
    for ((r, loss), weight) in z.iter_mut().zip(&mut *losses).zip(weights) {
        *r *= *weight;
        *loss *= *weight;
    }
    BlockSums { largest_logit, residual: sum(z), loss: sum(losses) }
}

/// The largest of some logits, given without their intercept, in absolute value; NaN aside.
#[inline(always)]
fn largest<F: Float>(z: &[F], intercept: F) -> F {
    let mut largest = [F::zero(); 16];
    let (chunks, rest) = z.as_chunks::<16>();
    for chunk in chunks {
        for (largest, &z) in largest.iter_mut().zip(chunk) {
            let size = (z + intercept).abs();
            *largest = if size > *largest { size } else { *largest };
        }
    }
    for &z in rest {
        let size = (z + intercept).abs();
        largest[0] = if size > largest[0] { size } else { largest[0] };
    }
    let mut all = F::zero();
    for size in largest {
        all = if size > all { size } else { all };
    }
    all
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
