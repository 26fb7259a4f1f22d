//! The one table of tolerances: what rounding may do to each operation, scaled by its size.
//!
//! Each is an a-priori bound with a small factor of safety, so a correct backend never fails by
//! bad luck and a wrong one has no room. Bounds multiply the magnitude that the operation sums,
//! such as `Σ |xⱼ| |wⱼ|`. Source: Higham, *Accuracy and Stability of Numerical Algorithms*
//! (2nd ed., 2002), section 3.1.

use logit_core::Float;

/// Half the distance from 1 to the next number.
pub fn unit_roundoff<F: Float>() -> f64 {
    F::epsilon().widen() / 2.0
}

/// What may be lost to underflow in a sum of `terms` products.
pub fn underflow<F: Float>(terms: usize) -> f64 {
    (terms + 1) as f64 * F::min_positive_value().widen()
}

/// A dot product of `terms` terms in any order, relative to the sum of magnitudes.
pub fn dot<F: Float>(terms: usize) -> f64 {
    (terms + 2) as f64 * unit_roundoff::<F>()
}

/// A logit: a dot product over the columns, the intercept and, with standardised columns, the
/// rounding of each folded weight and of the folded intercept.
pub fn logit<F: Float>(ncols: usize) -> f64 {
    dot::<F>(ncols + 6)
}

/// A probability, residual or loss from an exact logit, relative to itself: 4 ulp.
pub fn elementwise<F: Float>() -> f64 {
    8.0 * unit_roundoff::<F>()
}

/// A mean over rows, relative to the mean of magnitudes.
pub fn mean<F: Float>(nrows: usize) -> f64 {
    dot::<F>(nrows + 8)
}

/// A parameter update, relative to the parameter.
pub fn update<F: Float>() -> f64 {
    2.0 * unit_roundoff::<F>()
}

/// A slope at a point whose loss is within `gap` of the minimum, or within the rounding of the loss
/// that a search along a line allows for, relative to it: at curvature at most `curvature` a larger
/// slope would leave more to gain.
pub fn optimality<F: Float>(gap: f64, curvature: f64, loss: f64) -> f64 {
    (2.0 * curvature * loss * gap.max(128.0 * unit_roundoff::<F>())).sqrt()
}

/// A standard deviation of `nrows` numbers about the first, which lies some deviations from the
/// mean, relative to itself. Where those are more than 4, a better origin is due.
pub fn scale(nrows: usize, deviations: f64) -> f64 {
    (1.0 + deviations.abs().min(4.0).powi(2)) * dot::<f64>(nrows) / 2.0
}

/// An element of a covariance, relative to the standard errors of its row and column. A logit that is
/// off by δ changes the information and the score of its row by less than δ of them; logits here have
/// some tens of roundings of some tens. An inverse in `f64` loses as many digits as its condition
/// number has, here up to 6.
pub fn inference<F: Float>() -> f64 {
    4096.0 * unit_roundoff::<F>() + 1e-10
}
