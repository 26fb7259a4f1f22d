//! The objective at a temperature, for offsets so large that no row of it is curved, and weights so
//! far apart that Newton's steps would go from one row to the next.
//!
//! ```text
//! T · Σᵢ ωᵢ^(1/T) cross_entropy((xᵢ·w + oᵢ)/T, yᵢ) / Σᵢ ωᵢ^(1/T)  +  l1 |w|₁ + l2/2 |w|²
//!   = T · (the same with u, oᵢ/T and T l2 in the place of w, oᵢ and l2, and without T)     w = T u
//! ```
//!
//! As T falls to 1 this becomes the objective itself, and at every T it is a fit like any other: of
//! smaller offsets, weights that are nearer to each other, and a larger ridge. Weights are powers, since
//! far from the boundary a row's term is `exp(ln ωᵢ - |zᵢ|)`. Where T is of the size of these exponents
//! second derivatives tell where to go, and the minimum is near that of the next T. (The idea is that
//! of deterministic annealing: Rose, *Deterministic annealing for clustering, compression,
//! classification, regression, and related optimization problems*, 1998.)

use crate::backend::contract::Backend;
use crate::numbers::float::Float;
use crate::objective::Objective;

/// Rows that lie on the wrong sides by more than this in the mean make an objective too cold.
const SATURATED_LOSS: f64 = 8.0;
/// At the first temperature they do by so much.
const FIRST_LOSS: f64 = 4.0;
/// So may the logarithms of weights be apart,
const WEIGHT_RANGE: f64 = 24.0;
/// and at the first temperature they are.
const FIRST_RANGE: f64 = 8.0;

impl<B: Backend + ?Sized> Objective<'_, B> {
    /// The same at a temperature: its parameters are those of this over the temperature.
    pub(crate) fn heated(&self, temperature: f64) -> Self {
        let data = &self.data;
        let mut observed = data.observed.clone();
        for offset in &mut observed.offsets {
            *offset = B::Scalar::narrow(offset.widen() / temperature);
        }
        let largest = data.peers().max(observed.largest_weight());
        for weight in &mut observed.weights {
            *weight = B::Scalar::narrow((weight.widen() / largest).powf(1.0 / temperature));
        }
        let penalty = self.penalty.with(self.penalty.l1, self.penalty.l2 * temperature);
        let data = data.with_observed(observed);
        Self { basis: self.basis.clone(), ..Self::over(data, penalty, self.coordinates.clone()) }
    }

    /// 1 where there is no need of another.
    pub(crate) fn first_temperature(&self) -> f64 {
        let (loss, range) = (self.null_model().loss, self.range_of_log_weights());
        let of_loss = if loss > SATURATED_LOSS { loss / FIRST_LOSS } else { 1.0 };
        let of_weights = if range > WEIGHT_RANGE { range / FIRST_RANGE } else { 1.0 };
        of_loss.max(of_weights)
    }

    /// How far the logarithms of the weights of rows that count are apart.
    fn range_of_log_weights(&self) -> f64 {
        let logs = self.data.observed.weights.iter().map(|weight| weight.widen().ln());
        let counting = logs.filter(|log| log.is_finite());
        let [least, most] = counting
            .fold([f64::INFINITY, f64::NEG_INFINITY], |[least, most], log| {
                [log.min(least), log.max(most)]
            });
        let peers = self.data.peers();
        (peers.max(most) + peers.max(-least)).max(0.0)
    }
}
