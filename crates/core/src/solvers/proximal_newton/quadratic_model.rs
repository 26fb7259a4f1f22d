//! The quadratic model of the cross-entropy about a point, from which a step is taken.

use crate::linalg::lasso::minimum;
use crate::linalg::quadratic::Quadratic;
use crate::linalg::vectors::{difference, dot};
use crate::numbers::float::Float;
use crate::objective::sums::row_curvature::RowCurvature;
use crate::solvers::proximal_newton::composite::Point;
use crate::solvers::stall::Stall;

/// The share of F below which a gain of the model is ignored.
pub(super) const NEGLIGIBLE: f64 = 1e-22;

/// A quadratic model of the coordinates that may move.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) struct QuadraticModel {
    pub(super) quadratic: Quadratic,
    pub(super) columns: Vec<usize>,
    pub(super) source: Source,
}

/// The source of a model's second derivatives.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) enum Source {
    /// The steps in memory alone.
    Memory,
    /// Curvatures of rows, summed at this very point.
    Here(RowCurvature),
    /// Second derivatives at an earlier point, and the steps since.
    Before,
}

/// A step to the minimum of a model.
pub(super) struct Step {
    pub(super) target: Vec<f64>,
    /// The fall of F on the way that its slope promises.
    pub(super) slope: f64,
    /// The fall of the model.
    pub(super) gain: f64,
    /// Whether the minimum was found, and no other coordinate is to move.
    pub(super) certain: bool,
    /// Whether a bound says that the minimum is near.
    pub(super) near: bool,
    /// An upper bound on how far F lies above the minimum, if it is within the tolerance.
    pub(super) distance: Option<f64>,
    /// The count of steps without gain, this one included.
    pub(super) stall: Stall,
}

impl QuadraticModel {
    pub(super) fn is_sound(&self, dimension: usize) -> bool {
        self.quadratic.is_sound(self.columns.len())
            && self.columns.is_sorted_by(|a, b| a < b)
            && self.columns.last().is_none_or(|&last| last < dimension)
    }

    fn part(&self, of: &[f64]) -> Vec<f64> {
        self.columns.iter().map(|&j| of[j]).collect()
    }

    /// Whether no other coordinate is to leave zero.
    pub(super) fn covers<F: Float>(&self, point: &Point<F>, l1: &[f64]) -> bool {
        working(point, l1, 1.0).iter().all(|j| self.columns.binary_search(j).is_ok())
    }

    /// The step from a point to the minimum.
    pub(super) fn step<F: Float>(&self, point: &Point<F>, l1: &[f64]) -> Step {
        let (gradient, from) = (self.part(&point.gradient), self.part(&point.v));
        let (least, found) =
            minimum(&self.quadratic, &gradient, &from, &self.part(l1), NEGLIGIBLE * point.loss());
        let by = difference(&least, &from);
        let curvature = dot(&by, &self.quadratic.product(&by));
        let mut target = vec![0.0; l1.len()];
        self.columns.iter().zip(least).for_each(|(&j, at)| target[j] = at);
        // Near the minimum, large terms of opposite signs nearly cancel.
        let fall = |j: usize| {
            let (from, to, slope) = (point.v[j], target[j], point.gradient[j]);
            match from * to > 0.0 {
                true => (slope + l1[j] * from.signum()) * (from - to),
                false => slope * (from - to) + l1[j] * (from.abs() - to.abs()),
            }
        };
        let slope: f64 = (0..l1.len()).map(fall).sum();
        let certain = found && self.covers(point, l1);
        let (gain, stall) = (slope - curvature / 2.0, Stall::default());
        Step { target, slope, gain, certain, near: false, distance: None, stall }
    }

    /// Updates the model with the change of the gradient along a step.
    pub(super) fn learn(&mut self, step: &[f64], change: &[f64], epsilon: f64) {
        let (step, change) = (self.part(step), self.part(change));
        self.quadratic.learn(&step, &change, epsilon);
        self.source = Source::Before;
    }

    /// The expected squared decrement from errors of the slopes alone, given their mean squares.
    pub(super) fn expected_decrement(&self, target: &[f64], l1: &[f64], squares: &[f64]) -> f64 {
        let is_free = |&k: &usize| target[self.columns[k]] != 0.0 || l1[self.columns[k]] == 0.0;
        let free: Vec<usize> = (0..self.columns.len()).filter(is_free).collect();
        self.quadratic.expected_decrement(&free, &self.part(squares))
    }
}

/// The coordinates that are not zero, or whose slope reaches a share of the penalty.
pub(super) fn working<F: Float>(point: &Point<F>, l1: &[f64], share: f64) -> Vec<usize> {
    let moves = |&j: &usize| point.v[j] != 0.0 || point.gradient[j].abs() >= share * l1[j];
    (0..l1.len()).filter(moves).collect()
}
