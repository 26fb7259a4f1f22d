//! The memory of L-BFGS: the last steps.

use std::collections::VecDeque;

use crate::linalg::vectors::{add_multiple, all_sound, dot};

/// The last steps and the changes of the gradient along them.
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
    /// Remembers a step and the change of the gradient along it, if they show curvature beyond
    /// rounding. Only the last `capacity` steps are kept.
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

    /// The steps, oldest first, and the changes along them.
    pub(crate) fn steps(&self) -> impl Iterator<Item = (&[f64], &[f64])> {
        self.steps.iter().map(|seen| (&seen.step[..], &seen.change[..]))
    }

    pub(crate) fn clear(&mut self) {
        self.steps.clear();
    }

    /// The inverse curvature along the last step, as a multiple of the inverse that `solved`
    /// applies.
    pub(crate) fn last_scale(&self, solved: impl Fn(&[f64]) -> Vec<f64>) -> Option<f64> {
        let last = self.steps.back()?;
        let scale = last.product / dot(&last.change, &solved(&last.change));
        scale.is_finite().then_some(scale)
    }

    /// The inverse curvature times a gradient: two loops over the steps around one solution
    /// (Nocedal and Wright, *Numerical Optimization*, 2nd ed. 2006, algorithm 7.4).
    pub(crate) fn solve(&self, gradient: &[f64], inverse: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
        let mut direction = gradient.to_vec();
        let mut shares = Vec::with_capacity(self.steps.len());
        for Step { step, change, product } in self.steps.iter().rev() {
            let share = dot(step, &direction) / product;
            add_multiple(&mut direction, -share, change);
            shares.push(share);
        }
        direction = inverse(&direction);
        for (Step { step, change, product }, share) in self.steps.iter().zip(shares.iter().rev()) {
            let other = dot(change, &direction) / product;
            add_multiple(&mut direction, share - other, step);
        }
        direction
    }

    /// Whether a memory read from a file is valid.
    pub(crate) fn is_sound(&self, dimension: usize) -> bool {
        let sound = |Step { step, change, product }: &Step| {
            *product > 0.0 && all_sound([&step[..], change], dimension)
        };
        self.steps.iter().all(sound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    logit_properties::properties! {
        /// The secant equation holds for a symmetric matrix, whatever was remembered before.
        #[test]
        fn the_change_of_the_gradient_along_the_last_step_is_solved_by_that_step(
            steps in prop::collection::vec(prop::collection::vec(-1.0..1.0f64, 4), 1..6),
            diagonal in prop::collection::vec(0.5..2.0f64, 4),
        ) {
            let mut memory = Memory::default();
            let hessian = |v: &[f64]| -> Vec<f64> {
                let sum: f64 = v.iter().sum();
                v.iter().zip(&diagonal).map(|(v, d)| d * v + 0.3 * sum).collect()
            };
            for step in &steps {
                memory.push(step.clone(), hessian(step), 1e-12, 10);
            }
            prop_assume!(steps.iter().all(|step| dot(step, step) > 1e-3));
            let last = steps.last().expect("one");
            let solved = memory.solve(&hessian(last), |v| v.iter().map(|v| 0.7 * v).collect());
            for (got, expected) in solved.iter().zip(last) {
                prop_assert!((got - expected).abs() < 1e-8, "{got} is not {expected}");
            }
            // And the inverse is symmetric.
            let scaled = |v: &[f64]| memory.solve(v, |v| v.iter().map(|v| 0.7 * v).collect());
            let (one, other) = ([1.0, -0.5, 2.0, 0.25], [0.5, 1.0, -1.0, 2.0]);
            let sides = [dot(&scaled(&one), &other), dot(&scaled(&other), &one)];
            let size = sides[0].abs() + sides[1].abs() + 1.0;
            prop_assert!((sides[0] - sides[1]).abs() < 1e-8 * size, "{sides:?}");
        }
    }
}
