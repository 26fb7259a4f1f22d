//! What descents remember: the last steps, and for how long they have gained nothing.

use std::collections::VecDeque;

use crate::Float;
use crate::checkpoint::all_sound;
use crate::curvature::Curvature;
use crate::quadratic::{add_multiple, dot};

/// The last steps with the changes of the gradient along them.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Memory {
    steps: VecDeque<Step>,
}

#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Step {
    step: Vec<f64>,
    change: Vec<f64>,
    product: f64,
}

impl Memory {
    /// Remembers a step, and the change of the gradient along it, if it shows curvature beyond
    /// rounding; at most `capacity` steps.
    pub(crate) fn push(&mut self, step: Vec<f64>, change: Vec<f64>, epsilon: f64, capacity: usize) {
        let product = dot(&step, &change);
        // Rounding can leave no curvature along a tiny step.
        let size = (dot(&step, &step) * dot(&change, &change)).sqrt();
        if product > epsilon * size {
            self.steps.push_back(Step { step, change, product });
            let excess = self.steps.len().saturating_sub(capacity);
            self.steps.drain(..excess);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The steps, the last one last, and the changes along them.
    pub(crate) fn steps(&self) -> impl Iterator<Item = (&[f64], &[f64])> {
        self.steps.iter().map(|seen| (&seen.step[..], &seen.change[..]))
    }

    pub(crate) fn clear(&mut self) {
        self.steps.clear();
    }

    /// How large the inverse curvature was along the last step, as a multiple of another one, which
    /// `solved` applies.
    pub(crate) fn last_scale(&self, solved: impl Fn(&[f64]) -> Vec<f64>) -> Option<f64> {
        let last = self.steps.back()?;
        let scale = last.product / dot(&last.change, &solved(&last.change));
        scale.is_finite().then_some(scale)
    }

    /// The inverse curvature times a gradient: two loops over the steps around one solution
    /// (Nocedal and Wright, *Numerical Optimization*, 2nd ed. 2006, algorithm 7.4).
    pub(crate) fn solve(&self, inverse: &Curvature, gradient: &[f64]) -> Vec<f64> {
        let mut direction = gradient.to_vec();
        let mut shares = Vec::with_capacity(self.steps.len());
        for Step { step, change, product } in self.steps.iter().rev() {
            let share = dot(step, &direction) / product;
            add_multiple(&mut direction, -share, change);
            shares.push(share);
        }
        direction = inverse.solved(&direction);
        for (Step { step, change, product }, share) in self.steps.iter().zip(shares.iter().rev()) {
            let other = dot(change, &direction) / product;
            add_multiple(&mut direction, share - other, step);
        }
        direction
    }

    /// Whether what was read from a file can be what steps left.
    pub(crate) fn is_sound(&self, dimension: usize) -> bool {
        let sound = |Step { step, change, product }: &Step| {
            *product > 0.0 && all_sound([&step[..], change], dimension)
        };
        self.steps.iter().all(sound)
    }
}

/// For how long steps have gained nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Stall {
    /// The least that there was to gain.
    least: Option<f64>,
    /// For how many steps in a row it has not been halved.
    steps: usize,
}

/// So many steps in a row without progress, when less is to be gained than rounding, are the end,
const STALLED: usize = 10;
/// or so many where what is to be gained is rounding.
const BEGUN: usize = 2;

impl Stall {
    /// The same after a step that leaves so much to gain.
    pub(crate) fn after(self, gain: f64) -> Self {
        let least = self.least.unwrap_or(f64::INFINITY);
        let steps = if gain < least / 2.0 { 0 } else { self.steps.saturating_add(1) };
        Self { least: Some(least.min(gain)), steps }
    }

    /// The same where steps count only while there is no more to gain than the noise of the losses.
    pub(crate) fn in_noise(self, gain: f64, noise: f64) -> Self {
        if gain <= noise { self.after(gain) } else { self }
    }

    pub(crate) fn is_long(self) -> bool {
        self.steps > STALLED
    }

    pub(crate) fn has_begun(self) -> bool {
        self.steps > BEGUN
    }
}

pub(crate) fn difference<F: Float>(a: &[F], b: &[F]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a.widen() - b.widen()).collect()
}
