//! Double-double arithmetic: numbers of some 31 decimal digits, as sums of two `f64`.
//!
//! Sources: Dekker, *A floating-point technique for extending the available precision* (1971);
//! Joldes, Muller and Popescu, *Tight and rigorous error bounds for basic building blocks of
//! double-word arithmetic* (2017), algorithms 4, 6, 7, 9, 11 (with a correction more) and 12.
//! The crate `twofloat` has the same arithmetic, but an exponential of 20 digits.

use std::cmp::Ordering;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub, SubAssign};

/// `hi + lo`, with `lo` below half a unit in the last place of `hi`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Dd {
    pub(crate) hi: f64,
    pub(crate) lo: f64,
}

/// `ln 2` to 32 digits.
const LN_2: Dd = Dd { hi: std::f64::consts::LN_2, lo: 2.319_046_813_846_299_6e-17 };

/// `a + b` exactly, in any order of size.
fn two_sum(a: f64, b: f64) -> Dd {
    let hi = a + b;
    let of_b = hi - a;
    Dd { hi, lo: (a - (hi - of_b)) + (b - of_b) }
}

/// `a + b` exactly, for `|a| >= |b|`.
fn fast_two_sum(a: f64, b: f64) -> Dd {
    let hi = a + b;
    Dd { hi, lo: b - (hi - a) }
}

impl Dd {
    pub(crate) const ZERO: Self = Self { hi: 0.0, lo: 0.0 };
    pub(crate) const ONE: Self = Self { hi: 1.0, lo: 0.0 };

    /// The product of two `f64`, exactly.
    pub(crate) fn product(a: f64, b: f64) -> Self {
        let hi = a * b;
        Self { hi, lo: a.mul_add(b, -hi) }
    }

    pub(crate) fn abs(self) -> Self {
        if self.hi < 0.0 { -self } else { self }
    }

    pub(crate) fn min(self, other: Self) -> Self {
        if other < self { other } else { self }
    }

    pub(crate) fn max(self, other: Self) -> Self {
        if self < other { other } else { self }
    }

    pub(crate) fn is_finite(self) -> bool {
        self.hi.is_finite() && self.lo.is_finite()
    }

    /// Times a power of two.
    pub(crate) fn scaled(self, by: f64) -> Self {
        Self { hi: self.hi * by, lo: self.lo * by }
    }

    /// The square root; 0 for what is negative.
    pub(crate) fn sqrt(self) -> Self {
        if self.hi <= 0.0 {
            return Self::ZERO;
        }
        let root = Self::from(self.hi.sqrt());
        root + ((self - root * root) / root).scaled(0.5)
    }

    /// `e^x`: a Taylor series of `x / 512` less a multiple of `ln 2`, squared nine times.
    pub(crate) fn exp(self) -> Self {
        if self.hi < -745.0 {
            return Self::ZERO;
        }
        const SQUARINGS: u32 = 9;
        const TERMS: u32 = 9;
        let k = (self.hi / std::f64::consts::LN_2).round();
        let r = (self - LN_2 * k).scaled(0.5f64.powi(SQUARINGS as i32));
        // e^r - 1, which squaring does not round to 1.
        let mut sum = Self::ZERO;
        for term in (1..=TERMS).rev() {
            sum = (Self::ONE + sum) * r / Self::from(f64::from(term));
        }
        for _ in 0..SQUARINGS {
            sum = sum.scaled(2.0) + sum * sum;
        }
        // In two steps, since 2^k may be subnormal.
        let half = (k / 2.0).floor();
        (Self::ONE + sum).scaled(2f64.powi(half as i32)).scaled(2f64.powi((k - half) as i32))
    }

    /// `ln(1 + x)` for x within 0 to 1.
    pub(crate) fn ln_1p(self) -> Self {
        if self.hi < 1e-3 {
            // Twelve terms of the series leave 1e-36 of the first.
            let mut sum = Self::ZERO;
            for term in (1..=12).rev() {
                sum = Self::ONE / Self::from(f64::from(term)) - sum * self;
            }
            return sum * self;
        }
        // A step of Newton's method doubles the digits.
        let y = Self::from(self.hi.ln_1p());
        y + ((Self::ONE + self) * (-y).exp() - Self::ONE)
    }
}

/// `Σ aᵢ bᵢ`
pub(crate) fn dot(a: &[Dd], b: &[Dd]) -> Dd {
    a.iter().zip(b).map(|(&a, &b)| a * b).sum()
}

impl From<f64> for Dd {
    fn from(hi: f64) -> Self {
        Self { hi, lo: 0.0 }
    }
}

impl Add for Dd {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let high = two_sum(self.hi, other.hi);
        let low = two_sum(self.lo, other.lo);
        let sum = fast_two_sum(high.hi, high.lo + low.hi);
        fast_two_sum(sum.hi, sum.lo + low.lo)
    }
}

impl Neg for Dd {
    type Output = Self;

    fn neg(self) -> Self {
        Self { hi: -self.hi, lo: -self.lo }
    }
}

impl Sub for Dd {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Mul for Dd {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        let high = Self::product(self.hi, other.hi);
        fast_two_sum(high.hi, high.lo + self.hi.mul_add(other.lo, self.lo * other.hi))
    }
}

impl Mul<f64> for Dd {
    type Output = Self;

    fn mul(self, other: f64) -> Self {
        let high = Self::product(self.hi, other);
        fast_two_sum(high.hi, self.lo.mul_add(other, high.lo))
    }
}

impl Div for Dd {
    type Output = Self;

    fn div(self, other: Self) -> Self {
        let first = self.hi / other.hi;
        let rest = self - other * first;
        let second = rest.hi / other.hi;
        let third = (rest - other * second).hi / other.hi;
        fast_two_sum(first, second) + Self::from(third)
    }
}

impl AddAssign for Dd {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Dd {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Sum for Dd {
    fn sum<I: Iterator<Item = Self>>(values: I) -> Self {
        values.fold(Self::ZERO, |sum, value| sum + value)
    }
}

impl PartialOrd for Dd {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match self.hi.partial_cmp(&other.hi) {
            Some(Ordering::Equal) => self.lo.partial_cmp(&other.lo),
            order => order,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_close(got: Dd, expected: Dd) {
        let error = (got - expected).abs().hi;
        assert!(error <= 4e-31 * expected.hi.abs(), "{got:?} for {expected:?}, off by {error:e}");
    }

    #[test]
    fn constants_have_thirty_digits() {
        // Both halves of e and of ln(3/2) from mpmath.
        let e = Dd { hi: std::f64::consts::E, lo: 1.445_646_891_729_250_2e-16 };
        assert_close(Dd::ONE.exp(), e);
        assert_close((-Dd::ONE).exp(), Dd::ONE / e);
        let ln = Dd { hi: 0.405_465_108_108_164_4, lo: -2.881_138_025_962_642_6e-18 };
        assert_close(Dd::from(0.5).ln_1p(), ln);
        assert_close(Dd::ONE.ln_1p(), LN_2);
    }

    #[test]
    fn functions_obey_their_laws() {
        for k in 0..200 {
            let x = Dd::from(0.137) * f64::from(k) / Dd::from(3.0);
            assert_close((-x).exp() * x.exp(), Dd::ONE);
            assert_close((x / Dd::from(3.0)) * 3.0, x);
            assert_close(x.sqrt() * x.sqrt(), x);
            let e = (-x).exp();
            assert_close(e.ln_1p().exp(), Dd::ONE + e);
        }
        // Where 1 + x is rounded, the series still knows x.
        let tiny = Dd::from(1e-20);
        assert_close(tiny.ln_1p(), tiny - Dd::from(0.5e-40) + Dd::from(1e-60 / 3.0));
        // Both ways to the logarithm agree where one takes over.
        let (below, above) = (Dd::from(1e-3 - 1e-19), Dd::from(1e-3));
        let change = above.ln_1p() - below.ln_1p() - (above - below) / (Dd::ONE + above);
        assert!(change.abs().hi < 1e-31, "{change:?}");
    }
}
