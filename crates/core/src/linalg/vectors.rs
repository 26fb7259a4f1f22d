//! Vectors of parameters.

use crate::numbers::float::Float;

/// The minimum of `(u - value)² / 2 + by · |u|`: `value` moved towards 0 by `by`, at most to 0.
pub(crate) fn shrunk(value: f64, by: f64) -> f64 {
    value - value.clamp(-by, by)
}

/// The dot product, as eight partial sums.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let mut sums = [0.0; 8];
    for (a, b) in a.iter().zip(b) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

pub(crate) fn add_multiple(to: &mut [f64], factor: f64, from: &[f64]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += factor * from);
}

pub(crate) fn difference<F: Float>(a: &[F], b: &[F]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a.widen() - b.widen()).collect()
}

pub(crate) fn widen<F: Float>(values: &[F]) -> Vec<f64> {
    values.iter().map(|value| value.widen()).collect()
}

pub(crate) fn all_finite<F: Float>(values: &[F]) -> bool {
    values.iter().all(|value| value.is_finite())
}

/// Whether vectors read from a file are finite and of the given length.
pub(crate) fn all_sound<'v>(vectors: impl IntoIterator<Item = &'v [f64]>, length: usize) -> bool {
    vectors.into_iter().all(|vector| vector.len() == length && all_finite(vector))
}
