//! The curvature of a row's cross-entropy along its logit.

/// The curvature of a row's cross-entropy as a function of its logit z.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum RowCurvature {
    /// The second derivative, `p (1 - p)`.
    Exact,
    /// That of the parabola that touches at z and nowhere lies below the cross-entropy:
    /// `tanh(z/2) / (2 z)` (Jaakkola and Jordan, *Bayesian parameter estimation via variational
    /// methods*, 2000). A step to the minimum of these parabolas never raises the loss, and is as
    /// long as the logits are, where second derivatives have vanished.
    Majorizer,
    /// 1 in every row that counts, for the dependence of columns alone.
    One,
}

/// Steps by majorizing parabolas go on while they promise more than this share of the loss,
pub(crate) const MAJORIZER_SHARE: f64 = 0.1;
/// and while rows lie on the wrong sides by more than this in the mean.
const SATURATED_LOSS: f64 = 1.0;

impl RowCurvature {
    /// What follows a step by majorizing parabolas that promises a share of the loss.
    pub(crate) fn after_majorizer(share: f64, loss: f64) -> Self {
        let goes_on = share > MAJORIZER_SHARE && loss > SATURATED_LOSS;
        if goes_on { RowCurvature::Majorizer } else { RowCurvature::Exact }
    }

    /// At a logit of either sign, given `e^-|z|`.
    #[inline(always)]
    pub(super) fn at(self, z: f64, tail: f64) -> f64 {
        // Below, 1 - tail has lost digits, and the majorizer is 1/4 within rounding.
        const NEAR_ZERO: f64 = 1e-6;
        match self {
            RowCurvature::Majorizer if z.abs() > NEAR_ZERO => {
                (1.0 - tail) / (2.0 * z.abs() * (1.0 + tail))
            }
            RowCurvature::One => 1.0,
            _ => tail / (1.0 + tail).powi(2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numbers::scalar;
    use proptest::prelude::*;

    logit_properties::properties! {
        #[test]
        fn the_majorizing_parabola_lies_nowhere_below_the_cross_entropy(
            z in prop_oneof![-1e-5..1e-5f64, -8.0..8.0f64, -900.0..900.0f64],
            to in prop_oneof![-8.0..8.0f64, -900.0..900.0f64],
        ) {
            let curvature = RowCurvature::Majorizer.at(z, (-z.abs()).exp());
            let by = to - z;
            let parabola =
                scalar::softplus(z) + scalar::sigmoid(z) * by + curvature * by * by / 2.0;
            let rounding = 1e-14 * (1.0 + parabola.abs() + by.abs());
            prop_assert!(scalar::softplus(to) <= parabola + rounding);
            // It touches on the other side of 0 too.
            let other = scalar::softplus(z) - scalar::sigmoid(z) * 2.0 * z + curvature * 2.0 * z * z;
            prop_assert!((scalar::softplus(-z) - other).abs() <= 1e-13 * (1.0 + z.abs()));
        }
    }
}
