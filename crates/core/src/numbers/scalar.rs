//! The elementwise mathematics: on scalars here, on slices in [`slice`](mod@slice).
//!
//! A row with the logit `z = x·w + b` is positive with probability `p = sigmoid(z)`. Every function
//! takes the label as a `bool`. So neither case needs `1 - p`, whose subtraction would cancel. Each
//! result is accurate to 2 units in the last place (ulp) for every input, subnormal results
//! included. NaN gives NaN; an infinity gives the limit.
//!
//! `f32` is evaluated in `f64` and rounded once.

use crate::numbers::float::Float;

/// The logistic function, stable in both tails.
///
/// ```text
/// sigmoid(z) = 1 / (1 + e⁻ᶻ)          z ≥ 0
///            = eᶻ / (1 + eᶻ)          z < 0, where 1 / (1 + e⁻ᶻ) would overflow to 0 too early
/// ```
///
/// Source: Hastie, Tibshirani and Friedman, *The Elements of Statistical Learning* (2nd ed.,
/// 2009), section 4.4.
///
/// ```
/// # use logit_core as logit;
/// use logit::sigmoid;
///
/// assert_eq!(sigmoid(0.0), 0.5);
/// assert_eq!(sigmoid(-745.0), 5e-324); // not 0: the smallest subnormal
/// ```
pub fn sigmoid<F: Float>(z: F) -> F {
    let z = z.widen();
    F::narrow(sigmoid_given(z, (-z.abs()).exp()))
}

/// The smooth maximum of 0 and `z`, the integral of [`sigmoid`].
///
/// ```text
/// softplus(z) = ln(1 + eᶻ) = max(z, 0) + ln_1p(e^-|z|)
/// ```
///
/// `ln_1p` keeps the left tail, which `ln(1 + e)` loses below `z ≈ -37`. Source: Mächler,
/// *Accurately computing log(1 - exp(-|a|))* (2012), equation 10.
///
/// ```
/// # use logit_core as logit;
/// use logit::softplus;
///
/// assert_eq!(softplus(0.0), std::f64::consts::LN_2);
/// assert_eq!(softplus(-100.0), (-100.0f64).exp());
/// ```
pub fn softplus<F: Float>(z: F) -> F {
    let z = z.widen();
    F::narrow(softplus_given(z, (-z.abs()).exp()))
}

/// Binary cross-entropy (log loss) of one row, from its logit: what a fit minimises.
///
/// ```text
/// cross_entropy(z, y) = -ln p       = softplus(-z)     y = 1
///                     = -ln (1 - p) = softplus(z)      y = 0
/// ```
///
/// Source: Bishop, *Pattern Recognition and Machine Learning* (2006), equation 4.90.
///
/// ```
/// # use logit_core as logit;
/// use logit::cross_entropy;
///
/// assert_eq!(cross_entropy(800.0, false), 800.0); // confident and wrong; nothing overflows
/// ```
pub fn cross_entropy<F: Float>(z: F, y: bool) -> F {
    softplus(if y { -z } else { z })
}

/// Binary cross-entropy of one row, from its probability, clamped away from 0 and 1.
///
/// ```text
/// q = p or 1 - p, the probability given to the label that was observed
/// cross_entropy_from_probability(p, y) = -ln min(max(q, ε), 1 - ε)
/// ```
///
/// where ε is [`Float::PROBABILITY_EPSILON`]: 1e-9 for `f64`, 2⁻²³ for `f32`. Use it to compare
/// with other programs, which often give only probabilities. [`cross_entropy`] needs no clamp.
///
/// ```
/// # use logit_core as logit;
/// use logit::cross_entropy_from_probability;
///
/// assert_eq!(cross_entropy_from_probability(0.0, true), -(1e-9f64).ln());
/// assert_eq!(cross_entropy_from_probability(0.25, false), -(0.75f64).ln());
/// ```
pub fn cross_entropy_from_probability<F: Float>(p: F, y: bool) -> F {
    let epsilon = F::PROBABILITY_EPSILON;
    let p = p.widen();
    // `1 - p` is exact where it is small enough to be clamped.
    let (q, rest) = if y { (p, 1.0 - p) } else { (1.0 - p, p) };
    F::narrow(if q < epsilon {
        -epsilon.ln()
    } else if rest < epsilon {
        -(-epsilon).ln_1p()
    } else if y {
        -p.ln()
    } else {
        -(-p).ln_1p()
    })
}

/// Predicted minus observed: the derivative of [`cross_entropy`] with respect to the logit.
///
/// ```text
/// residual(z, y) = sigmoid(z) - y = -sigmoid(-z)      y = 1
///                                 =  sigmoid(z)       y = 0
/// ```
///
/// Source: Bishop (2006), equation 4.91.
///
/// ```
/// # use logit_core as logit;
/// use logit::{residual, sigmoid};
///
/// assert_eq!(residual(-1.0, false), sigmoid(-1.0));
/// assert_eq!(residual(40.0, true), -(-40.0f64).exp()); // sigmoid(40) - 1 would be 0
/// ```
pub fn residual<F: Float>(z: F, y: bool) -> F {
    if y { -sigmoid(-z) } else { sigmoid(z) }
}

/// `sigmoid(z)`, given `e = exp(-|z|)`.
fn sigmoid_given(z: f64, e: f64) -> f64 {
    if z >= 0.0 {
        return 1.0 / (1.0 + e);
    }
    // `e / (1 + e)` is the same, but for small e the rounding of `1 + e` costs up to 2.5 ulp.
    if e < 0.5 { e - e * e / (1.0 + e) } else { e / (1.0 + e) }
}

/// `softplus(z)`, given `e = exp(-|z|)`.
fn softplus_given(z: f64, e: f64) -> f64 {
    z.max(0.0) + e.ln_1p() // z = NaN: max gives 0, but e is NaN too
}
