//! The elementwise mathematics without branches or calls, so that loops over it vectorise.
//!
//! Everything is generic over the precision. The functions consist of additions, multiplications,
//! divisions and selections in a fixed order, without fused multiply-add. So each element has the
//! same bits on any instruction set. Results are within 4 ulp.
//!
//! Argument reduction rounds with a large constant (Muller et al., *Handbook of Floating-Point
//! Arithmetic*, 2nd ed., 2018, section 10.2). The logarithm has the form
//! `f - (f²/2 - w (f²/2 + R))` of Tang, *Table-driven implementation of the logarithm function*
//! (1990), as in fdlibm. The polynomials are Chebyshev interpolants made by mpmath's `chebyfit`.
//! They approximate `e^r` on |r| ≤ ln 2 / 2, and `(atanh(w)/w - 1) / w²` as a function of
//! `w² ≤ 0.0295`.

use crate::numbers::float::Float;

/// The value of a polynomial. Its even and odd parts are evaluated side by side.
#[inline(always)]
fn polynomial<F: Float>(coefficients: &[F], x: F) -> F {
    let square = x * x;
    let (leading, pairs) = coefficients.as_rchunks::<2>();
    let highest = leading.first().copied().unwrap_or_default();
    let Some((&[mut odd, mut even], pairs)) = pairs.split_first() else { return highest };
    if !leading.is_empty() {
        even += highest * square;
    }
    for &[a, b] in pairs {
        odd = odd * square + a;
        even = even * square + b;
    }
    even + x * odd
}

/// `e^r` and `k + ROUNDER`.
///
/// ```text
/// e^x = 2^k e^r        k = round(x / ln 2),  r = x - k ln 2
/// ```
#[inline(always)]
fn reduced_exp<F: Float>(x: F) -> (F, F) {
    let k_rounded = x * F::narrow(std::f64::consts::LOG2_E) + F::ROUNDER;
    let k = k_rounded - F::ROUNDER;
    let r = (x - k * F::LN_2_HIGH) - k * F::LN_2_LOW;
    (polynomial(F::EXP, r), k_rounded)
}

/// `e^x` for `x ≤ 0`, subnormal results included.
#[inline(always)]
fn exp_of_nonpositive<F: Float>(x: F) -> F {
    // NaN passes: the comparison is false.
    let x = if x < F::LOWEST_EXPONENT { F::LOWEST_EXPONENT } else { x };
    let (power, k_rounded) = reduced_exp(x);
    // Two factors, because 2^k itself may be subnormal; only the last product rounds.
    let k = k_rounded - F::ROUNDER;
    let first = k * F::narrow(0.5) + F::ROUNDER;
    let second = k - (first - F::ROUNDER) + F::ROUNDER;
    power * F::power_of_two(first) * F::power_of_two(second)
}

/// `e^x` for `x ≤ 0` where that is a normal number, else 0.
#[inline(always)]
pub(crate) fn normal_exp_of_nonpositive<F: Float>(x: F) -> F {
    let (power, k_rounded) = reduced_exp(x);
    // NaN passes: the comparison is false.
    if x < F::LOWEST_NORMAL_EXPONENT { F::zero() } else { power * F::power_of_two(k_rounded) }
}

/// `ln(1 + e)` for `0 ≤ e ≤ 1`.
///
/// ```text
/// ln(1 + f) = f - (f²/2 - w (f²/2 + R(w²)))      w = f / (2 + f),  R(s) = 2 s (1/3 + s/5 + …)
/// ```
///
/// Here `f = e`, or `1 + f = (1 + e) / 2` for e above √2 - 1.
#[inline(always)]
fn ln_1p_of_fraction<F: Float>(e: F) -> F {
    let half = F::narrow(0.5);
    let upper = e > F::narrow(std::f64::consts::SQRT_2 - 1.0);
    let f = if upper { (e - F::one()) * half } else { e };
    // Squares too small to count may be subnormal, and processors are slow at those.
    let g = if e < half * F::epsilon() { F::zero() } else { f };
    let w = g / (g + F::one() + F::one());
    let s = w * w;
    let half_square = half * g * g;
    let r = (s + s) * polynomial(F::ATANH, s);
    let ln = f - (half_square - w * (half_square + r));
    if upper { F::narrow(std::f64::consts::LN_2) + ln } else { ln }
}

/// `ln(1 + q)` for `q ≥ 0`, of any size.
///
/// ```text
/// ln(1 + q) = k ln 2 + ln(1 + e)      1 + q = 2^k (1 + e),  0 ≤ e < 1
/// ```
pub(crate) fn ln_1p(q: f64) -> f64 {
    const MANTISSA_BITS: u32 = f64::MANTISSA_DIGITS - 1;
    if q > 1.0 {
        let k = ((1.0 + q).to_bits() >> MANTISSA_BITS) - 1023;
        let power = f64::from_bits((1023 + k) << MANTISSA_BITS);
        k as f64 * std::f64::consts::LN_2 + ln_1p_of_fraction((1.0 + q) / power - 1.0)
    } else {
        ln_1p_of_fraction(q)
    }
}

/// `e^-|z|`, from which sigmoid and softplus follow.
#[inline(always)]
fn tail<F: Float>(z: F) -> F {
    exp_of_nonpositive(-z.abs())
}

#[inline(always)]
fn sigmoid_given<F: Float>(z: F, tail: F) -> F {
    let above = if z >= F::zero() { F::one() } else { tail };
    above / (F::one() + tail)
}

#[inline(always)]
fn softplus_given<F: Float>(z: F, tail: F) -> F {
    ramp(z) + ln_1p_of_fraction(tail)
}

/// `z`, or 0 if 0 is larger.
#[inline(always)]
pub(crate) fn ramp<F: Float>(z: F) -> F {
    if z > F::zero() { z } else { F::zero() }
}

/// The logit of the label that was not observed.
#[inline(always)]
pub(crate) fn against<F: Float>(z: F, y: bool) -> F {
    z * sign(y)
}

/// -1 for class 1, else 1. A product costs less than a selection, and is as exact.
#[inline(always)]
fn sign<F: Float>(y: bool) -> F {
    if y { -F::one() } else { F::one() }
}

#[inline(always)]
pub(crate) fn sigmoid<F: Float>(z: F) -> F {
    sigmoid_given(z, tail(z))
}

#[inline(always)]
pub(crate) fn softplus<F: Float>(z: F) -> F {
    softplus_given(z, tail(z))
}

#[inline(always)]
pub(crate) fn cross_entropy<F: Float>(z: F, y: bool) -> F {
    softplus(against(z, y))
}

#[inline(always)]
pub(crate) fn residual<F: Float>(z: F, y: bool) -> F {
    sigmoid(against(z, y)) * sign(y)
}

/// `e^-|z|` and [`residual`], for sums. Subnormal numbers are avoided, because processors are slow
/// at them.
///
/// A tail below the normal range is 0. A residual is 0 if its product with a feature of the size of
/// [`epsilon`](num_traits::Float::epsilon) would be below that range.
#[inline(always)]
pub(crate) fn tail_and_residual<F: Float>(z: F, y: bool) -> (F, F) {
    let tail = normal_exp_of_nonpositive(-z.abs());
    let least = F::min_positive_value() / F::epsilon();
    let counted = if tail < least { F::zero() } else { tail };
    let above = if against(z, y) >= F::zero() { F::one() } else { counted };
    (tail, above / (F::one() + tail) * sign(y))
}

/// [`cross_entropy`] and [`residual`] for the price of one exponential.
#[inline(always)]
pub(crate) fn loss_and_residual<F: Float>(z: F, y: bool) -> (F, F) {
    let (tail, residual) = tail_and_residual(z, y);
    (softplus_given(against(z, y), tail), residual)
}
