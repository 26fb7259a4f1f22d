//! Conjugate gradients that end at the boundary of a region (Steihaug, 1983).
//!
//! Those of `linalg` solve a system by a diagonal preconditioner. These measure the length of the step
//! too, in a metric of which only the inverse is known, so they are another loop.

use crate::linalg::vectors::{add_multiple, dot};
use crate::objective::curvature::Curvature;
use crate::solvers::stall::Stall;

/// A step, which is to be subtracted.
pub(crate) struct Step {
    pub(super) step: Vec<f64>,
    /// The decrease of the loss, if second derivatives stay as they are.
    pub(super) gain: f64,
    pub(super) length: f64,
    /// Whether the region cut it short.
    pub(super) cut: bool,
    /// The count of steps without gain, this one included.
    pub(super) stall: Stall,
}

/// Conjugate gradients in progress. Only the inverse of the metric is known, so lengths follow from
/// recurrences.
pub(super) struct Gradients {
    pub(super) step: Step,
    /// The gradient after the step, if second derivatives stay as they are.
    pub(super) residual: Vec<f64>,
    pub(super) direction: Vec<f64>,
    /// The slope of the loss along the direction.
    pub(super) slope: f64,
    /// The products of the direction with itself and with the step, in the metric.
    square: f64,
    product: f64,
}

impl Gradients {
    pub(super) fn new(residual: Vec<f64>, metric: &Curvature) -> Self {
        let direction = metric.solved(&residual);
        let slope = dot(&residual, &direction);
        let (step, stall) = (vec![0.0; residual.len()], Stall::default());
        let step = Step { step, gain: 0.0, length: 0.0, cut: false, stall };
        Self { step, residual, direction, slope, square: slope, product: 0.0 }
    }

    /// The length of the step with a share of the direction.
    pub(super) fn length(&self, share: f64) -> f64 {
        (self.step.length.powi(2) + share * (2.0 * self.product + share * self.square)).sqrt()
    }

    /// Minimises along the direction, turns to the next one, and returns the gain.
    pub(super) fn follow(&mut self, curvature: f64, along: &[f64], metric: &Curvature) -> f64 {
        let share = self.slope / curvature;
        let gain = share * self.slope / 2.0;
        self.step.length = self.length(share);
        self.step.gain += gain;
        add_multiple(&mut self.step.step, share, &self.direction);
        add_multiple(&mut self.residual, -share, along);
        let solved = metric.solved(&self.residual);
        let slope = dot(&self.residual, &solved);
        let keep = slope / self.slope;
        self.product = keep * (self.product + share * self.square);
        self.square = slope + keep * keep * self.square;
        self.slope = slope;
        self.direction.iter_mut().zip(&solved).for_each(|(d, solved)| *d = solved + keep * *d);
        gain
    }

    /// The step up to the boundary of the region.
    pub(super) fn cut(mut self, radius: f64, curvature: f64) -> Step {
        let rest = radius.powi(2) - self.step.length.powi(2);
        let root = (self.product.powi(2) + self.square * rest).sqrt();
        let share = (root - self.product) / self.square;
        add_multiple(&mut self.step.step, share, &self.direction);
        self.step.gain += share * (self.slope - share / 2.0 * curvature);
        Step { length: radius, cut: true, ..self.step }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objective::columns::coordinates::Coordinates;
    use crate::objective::penalty::Penalty;

    /// Lengths are measured in the metric, a quarter of the identity.
    #[test]
    fn a_step_that_is_cut_is_as_long_as_the_radius() {
        let metric = Curvature::separate(0.25, &Penalty::NONE, &Coordinates::plain(3, false));
        let mut gradients = Gradients::new(vec![1.0, -2.0, 0.5], &metric);
        let scaled = (1..).map(f64::from).zip(&gradients.direction);
        let along: Vec<f64> = scaled.map(|(eigenvalue, d)| eigenvalue * d).collect();
        let curvature = dot(&gradients.direction, &along);
        gradients.follow(curvature, &along, &metric);
        let radius = 1.5 * gradients.step.length;
        let step = gradients.cut(radius, curvature);
        let length = (0.25 * dot(&step.step, &step.step)).sqrt();
        assert!((length - radius).abs() < 1e-12, "{length} is not {radius}");
    }
}
