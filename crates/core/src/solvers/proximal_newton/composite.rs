//! The objective together with its L1 term, for solvers that handle it.
//!
//! ```text
//! F(v) = f(v) + Σⱼ λⱼ |vⱼ|          f: the smooth part, an Objective
//! ```
//!
//! Here `v` belongs to centred and scaled columns, whatever the caller's are. A column scaled by
//! `s` has `λⱼ = l1 · s`. Centring moves only the intercept, which is not penalised. So the minimum
//! has the same zeros, and second derivatives are well conditioned.

use std::borrow::Borrow;

use num_traits::Float as _;

use crate::backend::contract::Backend;
use crate::backend::model::Model;
use crate::linalg::vectors::all_finite;
use crate::numbers::float::Float;
use crate::objective::Objective;
use crate::objective::bound::InterceptReach;
use crate::objective::columns::coordinates::Coordinates;
use crate::objective::evaluation::Evaluation;
use crate::progress::trace::Trace;
use crate::solvers::line_search::{Trial, backtrack};

/// The objective with its L1 term.
pub(crate) struct Composite<'o, 'a, B: Backend + ?Sized> {
    pub(crate) objective: &'o mut Objective<'a, B>,
    basis: Coordinates,
    /// The L1 penalty of each coordinate; 0 for the intercept.
    pub(crate) l1: Vec<f64>,
    /// A bound on how far the intercept can be from its best, if there is an intercept.
    reach: Option<InterceptReach>,
}

/// A point with its evaluation and its gradient.
pub(crate) struct Point<F> {
    /// F at the objective's parameters.
    evaluation: Evaluation<F>,
    /// The parameters on centred and scaled columns.
    pub(crate) v: Vec<f64>,
    /// The gradient of f with respect to `v`.
    pub(crate) gradient: Vec<f64>,
}

impl<F> Point<F> {
    /// The objective's parameters.
    pub(super) fn at(&self) -> &[F] {
        &self.evaluation.at
    }

    /// F(v).
    pub(super) fn loss(&self) -> f64 {
        self.evaluation.loss
    }
}

impl<F> Borrow<Evaluation<F>> for Point<F> {
    fn borrow(&self) -> &Evaluation<F> {
        &self.evaluation
    }
}

impl<F> From<Point<F>> for Evaluation<F> {
    fn from(point: Point<F>) -> Self {
        point.evaluation
    }
}

/// The smallest factor that shortens a step at once.
const SHORTEST: f64 = 0.25;

impl<'o, 'a, B: Backend + ?Sized> Composite<'o, 'a, B> {
    pub(crate) fn new(objective: &'o mut Objective<'a, B>, basis: Coordinates) -> Self {
        // A column that is left out has a penalty like any other weight of 0.
        let scale = |j| if basis.is_constant(j) { 1.0 } else { basis.inverse_scale(j) };
        let strength = |j| objective.penalty().l1_of(j) * scale(j);
        let mut l1: Vec<f64> = (0..objective.ncols()).map(strength).collect();
        l1.resize(objective.dimension(), 0.0);
        let reach = InterceptReach::new(objective);
        Self { objective, basis, l1, reach }
    }

    pub(crate) fn basis(&self) -> &Coordinates {
        &self.basis
    }

    /// The largest curvature with respect to each coordinate, if that of the cross-entropy is at
    /// most `most`.
    pub(crate) fn most_curvature(&self, most: f64) -> Vec<f64> {
        let (d, penalty) = (self.objective.ncols(), self.objective.penalty());
        let ridge = |j| penalty.l2_of(j) * self.basis.inverse_scale(j).powi(2);
        (0..self.l1.len()).map(|j| most + if j < d { ridge(j) } else { 0.0 }).collect()
    }

    /// Evaluates F and the gradient of f, in one pass.
    pub(crate) fn evaluate(&mut self, at: Vec<B::Scalar>) -> Point<B::Scalar> {
        let evaluation = self.objective.evaluate(at);
        let (weights, intercept) = widened(&evaluation.at, self.objective.ncols());
        let gradient = self.slopes(&evaluation.gradient);
        Point { evaluation, v: self.basis.fold(&weights, intercept), gradient }
    }

    /// The slopes with respect to `v`, given those with respect to the objective's parameters.
    pub(super) fn slopes(&self, slopes: &[B::Scalar]) -> Vec<f64> {
        let d = self.objective.ncols();
        let (by_weight, by_intercept) = widened(slopes, d);
        let (mut by_v, none) = (vec![0.0; slopes.len()], vec![0.0; d]);
        self.basis.gradient(by_weight.into_iter(), by_intercept, |_| 0.0, &none, &mut by_v);
        by_v
    }

    /// The objective's parameters for a point on centred and scaled columns. Zeros stay zeros.
    pub(crate) fn parameters(&self, v: &[f64]) -> Vec<B::Scalar> {
        let v: Vec<_> = v.iter().map(|&v| B::Scalar::narrow(v)).collect();
        let mut model = Model::zero(self.objective.ncols());
        self.basis.unfold_into(&v, &mut model);
        let intercept = self.basis.fit_intercept().then_some(model.intercept);
        model.weights.into_iter().chain(intercept).collect()
    }

    /// The point to start from: the one given, a better one near the minimum of a sample, or the
    /// null model.
    pub(crate) fn start(
        &mut self,
        start: Vec<B::Scalar>,
        near: Option<Vec<B::Scalar>>,
    ) -> Point<B::Scalar> {
        let mut point = self.evaluate(start.clone());
        if let Some(near) = near {
            // A start from a similar fit may be better than the minimum of a sample.
            let near = self.evaluate(near);
            if near.loss() < point.loss() {
                point = near;
            }
        }
        match self.objective.better_start(&start, point.loss()) {
            Some(null) => self.evaluate(null),
            None => point,
        }
    }

    /// An upper bound on how far F lies above its minimum. `reach` is the distance of a parameter
    /// without a penalty from its best.
    ///
    /// By convexity `F(v) - F(u) ≤ Σⱼ (λⱼ|vⱼ| + gⱼvⱼ) - Σⱼ (λⱼ|uⱼ| + gⱼuⱼ)` for the weights of any
    /// `u`. At the minimum `Σⱼ λⱼ|uⱼ| ≤ F(u) ≤ F(v)`.
    fn bound(&self, point: &Point<B::Scalar>, reach: impl Fn(usize) -> f64) -> f64 {
        let (mut sum, mut excess) = (0.0, 0.0f64);
        let parameters = point.gradient.iter().zip(&point.v).zip(&self.l1);
        for (j, ((&g, &v), &l1)) in parameters.enumerate() {
            if l1 > 0.0 {
                // Avoids 0 · ∞, where a column hardly varies.
                sum += if v == 0.0 { 0.0 } else { v * (g + l1 * v.signum()) };
                excess = excess.max(g.abs() / l1 - 1.0);
            } else if g != 0.0 {
                sum += g.abs() * reach(j);
            }
        }
        (sum + excess * point.loss()).max(0.0)
    }

    /// The largest distance of the intercept from its best, given its slope. The penalty limits the
    /// weights at the minimum; unless all have one, nothing is known.
    fn intercept_reach(&self, point: &Point<B::Scalar>) -> f64 {
        let d = self.objective.ncols();
        let (Some(reach), Some(&c)) = (&self.reach, point.v.get(d)) else { return f64::INFINITY };
        if self.l1[..d].contains(&0.0) {
            return f64::INFINITY;
        }
        let weakest = self.l1.iter().filter(|l1| **l1 > 0.0).fold(f64::INFINITY, |a, &b| a.min(b));
        let slope = point.gradient[d];
        // Centred and scaled columns have mean squares of 1.
        reach.farthest(c, slope, point.loss() / weakest)
    }

    /// An upper bound on how far F lies above its minimum, if the intercept c is within 1 + |c| of
    /// its best. Records the bound without that assumption.
    pub(crate) fn estimate(
        &self,
        point: &Point<B::Scalar>,
        trace: &mut Trace<'_, B::Scalar>,
    ) -> f64 {
        let near = self.bound(point, |j| 1.0 + point.v[j].abs());
        let reach = self.intercept_reach(point);
        trace.estimate(near.max(self.bound(point, |_| reach)));
        near
    }

    /// The rounding error of F.
    pub(crate) fn noise(&self, point: &Point<B::Scalar>) -> f64 {
        self.objective.rounding_of_loss(point.at(), point.loss(), &self.basis)
    }

    /// The squared decrement that the rounding of the logits hides.
    pub(crate) fn hidden_by_logits(&self, point: &Point<B::Scalar>) -> f64 {
        self.objective.hidden_by_logits(point.at(), point.loss(), &self.basis)
    }

    /// The squares of the rounding errors of the slopes.
    pub(crate) fn squares_of_rounding(&self, point: &Point<B::Scalar>) -> Vec<f64> {
        let slopes = self.objective.rounding_of_slopes(&self.basis, point.loss());
        slopes.into_iter().map(|slope| slope * slope).collect()
    }

    /// Backtracks along a path until F falls enough, up to its rounding. `None` where only rounding
    /// is left, or the step has left the range of the precision.
    ///
    /// `path` gives the point at a share of the step, and the fall of F promised up to there.
    pub(crate) fn search(
        &mut self,
        from: &Point<B::Scalar>,
        path: impl Fn(f64) -> (Vec<f64>, f64),
        tries: usize,
    ) -> Option<Point<B::Scalar>> {
        let noise = self.noise(from);
        let mut least = f64::INFINITY;
        let found = backtrack(tries, SHORTEST, noise, |length| {
            let (v, promised) = path(length);
            let at = self.parameters(&v);
            // Even a tiny step may not lead back to the parameters of `from`, because its
            // coordinates are rounded.
            let is_lost = least <= B::Scalar::epsilon().widen() * from.loss();
            if is_lost || at == from.at() || !all_finite(&at) {
                return None;
            }
            least = promised;
            let point = self.evaluate(at);
            let rise = point.loss() - from.loss();
            let is_finite = all_finite(&point.gradient);
            Some(Trial { point, rise, promised, is_finite })
        });
        found.map(|(point, _)| point)
    }
}

/// The weights and the intercept, which is 0 if there is none.
fn widened<F: Float>(parameters: &[F], d: usize) -> (Vec<f64>, f64) {
    let weights = parameters[..d].iter().map(|v| v.widen()).collect();
    (weights, parameters.get(d).map_or(0.0, |c| c.widen()))
}
