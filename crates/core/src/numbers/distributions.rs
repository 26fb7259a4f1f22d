//! The normal and the chi-square distribution, right in the far tail.

use statrs::function::erf::erfc_inv;
use statrs::function::gamma::gamma_ur;

/// The outcome of a test whose statistic has a chi-square distribution under the hypothesis.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ChiSquareTest {
    /// The statistic.
    pub statistic: f64,
    /// The number of restrictions that the hypothesis makes.
    pub degrees_of_freedom: usize,
    /// The probability of a statistic at least as large under the hypothesis; 1 where that makes
    /// no restriction.
    pub p_value: f64,
}

impl ChiSquareTest {
    pub(crate) fn new(statistic: f64, degrees_of_freedom: usize) -> Self {
        let p_value = chi_square_tail(statistic, degrees_of_freedom);
        Self { statistic, degrees_of_freedom, p_value }
    }
}

/// The probability that a standard normal number is at least as far from 0 as `z`.
pub(crate) fn two_sided(z: f64) -> f64 {
    // libm's, as that of statrs is off by 1e-11 of it.
    libm::erfc(z.abs() / std::f64::consts::SQRT_2)
}

/// The number that a standard normal number exceeds, on either side of 0, with probability
/// `1 - level`.
pub(crate) fn two_sided_quantile(level: f64) -> f64 {
    std::f64::consts::SQRT_2 * erfc_inv(1.0 - level)
}

/// The probability that a chi-square number exceeds `x`.
fn chi_square_tail(x: f64, degrees_of_freedom: usize) -> f64 {
    match degrees_of_freedom {
        _ if x.is_nan() => f64::NAN,
        // Rounding can leave a statistic of 0 below it.
        0 => 1.0,
        _ if x <= 0.0 => 1.0,
        1 => two_sided(x.sqrt()),
        _ if x == f64::INFINITY => 0.0,
        freedom => gamma_ur(freedom as f64 / 2.0, x / 2.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_close(got: f64, want: f64) {
        assert!((got - want).abs() <= 1e-11 * want, "{got:e} is not {want:e}");
    }

    /// By SciPy 1.17.1: `2 * norm.sf(z)`, `norm.ppf((1 + level) / 2)`, `chi2.sf(x, k)`.
    #[test]
    fn tails_and_quantiles_are_those_of_scipy() {
        assert_close(two_sided(0.1), 9.203_443_254_459_42e-1);
        assert_close(two_sided(-1.96), 4.999_579_029_644_087e-2);
        assert_close(two_sided(10.0), 1.523_970_604_832_094e-23);
        assert_close(two_sided(37.0), 1.145_114_244_504_785_3e-299);
        assert_close(two_sided(37.5), 9.210_706_019_163_908e-308);
        assert_close(two_sided_quantile(0.5), 6.744_897_501_960_817e-1);
        assert_close(two_sided_quantile(0.95), 1.959_963_984_540_054);
        assert_close(two_sided_quantile(0.999_999), 4.891_638_475_671_085);
        assert_close(chi_square_tail(3.84, 1), 5.004_352_124_870_519e-2);
        assert_close(chi_square_tail(0.1, 3), 9.918_374_237_318_764e-1);
        assert_close(chi_square_tail(50.0, 3), 7.989_179_244_951_495e-11);
        assert_close(chi_square_tail(7.3, 8), 5.046_378_000_679_683e-1);
        assert_close(chi_square_tail(300.0, 100), 7.412_100_857_323_018e-22);
        assert_close(chi_square_tail(1000.0, 10), 1.870_290_720_915_977e-208);
        assert_close(chi_square_tail(1400.0, 2), 9.859_676_543_759_39e-305);
    }

    #[test]
    fn tails_have_their_limits() {
        assert_eq!((two_sided(0.0), two_sided(f64::INFINITY)), (1.0, 0.0));
        assert!(two_sided(f64::NAN).is_nan() && chi_square_tail(f64::NAN, 2).is_nan());
        assert_eq!((chi_square_tail(-1e-9, 3), chi_square_tail(f64::INFINITY, 3)), (1.0, 0.0));
        assert_eq!(ChiSquareTest::new(0.0, 0).p_value, 1.0);
    }
}
