//! The elementwise mathematics on slices: each function replaces its argument, element by element.
//!
//! Results are within 4 ulp of the exact ones, and the same on any machine. On x86-64 the loops are
//! compiled for AVX-512 and AVX2 as well as for the baseline, and the best is chosen at run time.

use multiversion::multiversion;

use crate::numbers::float::Float;
use crate::numbers::{scalar, vector};

/// Replaces each logit by its [`sigmoid`](crate::sigmoid).
///
/// ```
/// # use logit_core as logit;
/// let mut z = [0.0f32, f32::INFINITY];
/// logit::slice::sigmoid(&mut z);
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
        *p = scalar::cross_entropy_from_probability(*p, y);
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

/// The sum in `f64`, as eight partial sums.
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
