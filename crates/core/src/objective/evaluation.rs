//! What a pass finds at a point.

use std::borrow::Cow;

use crate::linalg::vectors::{all_finite, shrunk};
use crate::numbers::float::Float;
use crate::objective::penalty::Penalty;

/// The loss and its gradient at some parameters, as one pass over the data found them.
///
/// [`Objective::evaluate`](crate::Objective::evaluate) makes it. A [`Solver`](crate::Solver) records and
/// returns it, so that a report tells only what was measured at the parameters returned.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation<F> {
    pub(crate) at: Vec<F>,
    pub(crate) loss: f64,
    pub(crate) gradient: Vec<F>,
    /// The largest logit of the rows held here, in absolute value.
    pub(crate) own_largest_logit: f64,
    pub(super) penalty: Penalty,
    /// The number of weights.
    pub(super) ncols: usize,
    /// Which objective made this.
    pub(super) objective: usize,
}

impl<F: Float> Evaluation<F> {
    /// Where the objective was evaluated: a weight per column, then the intercept, if there is one.
    pub fn parameters(&self) -> &[F] {
        &self.at
    }

    /// The same, without a copy.
    pub fn into_parameters(self) -> Vec<F> {
        self.at
    }

    /// The value of the objective, its penalties included.
    pub fn loss(&self) -> f64 {
        self.loss
    }

    /// The gradient with respect to the parameters. The L1 term is left out, since it has none where
    /// a weight is 0.
    pub fn gradient(&self) -> &[F] {
        &self.gradient
    }

    /// The subgradient of least norm, the L1 term included; without an L1 penalty the gradient.
    pub fn subgradient(&self) -> Cow<'_, [F]> {
        let mut subgradient = Cow::Borrowed(&self.gradient[..]);
        if self.penalty.l1 > 0.0 {
            for (j, slope) in subgradient.to_mut().iter_mut().enumerate().take(self.ncols) {
                let l1 = self.penalty.l1_of(j);
                *slope = F::narrow(least_subgradient(slope.widen(), self.at[j].widen(), l1));
            }
        }
        subgradient
    }

    /// The largest component of the [`subgradient`](Self::subgradient), in absolute value.
    pub fn gradient_norm(&self) -> f64 {
        self.subgradient().iter().fold(0.0, |max: f64, g| max.max(g.widen().abs()))
    }

    /// Becomes a copy of another evaluation, in the memory of this one.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        let (mut at, mut gradient) =
            (std::mem::take(&mut self.at), std::mem::take(&mut self.gradient));
        at.clone_from(&other.at);
        gradient.clone_from(&other.gradient);
        *self = Self { at, gradient, penalty: other.penalty.clone(), ..*other };
    }

    /// Whether the loss and the gradient are finite.
    pub fn is_finite(&self) -> bool {
        self.loss.is_finite() && all_finite(&self.gradient)
    }
}

/// The subgradient nearest to 0 of a function with this slope plus `l1 · |v|`.
pub(crate) fn least_subgradient(slope: f64, v: f64, l1: f64) -> f64 {
    if v == 0.0 { shrunk(slope, l1) } else { slope + l1 * v.signum() }
}
