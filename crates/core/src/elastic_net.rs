//! The objective together with its L1 term, for the solvers that know of it.
//!
//! ```text
//! F(v) = f(v) + Σⱼ λⱼ |vⱼ|          f: the smooth part, an Objective
//! ```
//!
//! Here `v` belongs to columns centred and scaled, whatever the caller's are: what is scaled by `s`
//! has `λⱼ = l1 · s`, and centring moves the intercept alone, which is not penalised. So the
//! minimum is the same, zero for zero, and second derivatives are well conditioned.

mod signs;

use num_traits::Float as _;

use crate::checkpoint::Saved;
use crate::coordinates::Coordinates;
use crate::memory::Stall;
use crate::report::all_finite;
use crate::{Backend, Error, Float, Model, Objective, StopReason, Trace};

/// The objective with its L1 term.
pub(crate) struct ElasticNet<'o, 'a, B: Backend + ?Sized> {
    pub(crate) objective: &'o mut Objective<'a, B>,
    basis: Coordinates,
    /// The strength for each coordinate, 0 for the intercept.
    pub(crate) l1: Vec<f64>,
    /// For how long the bound has not been halved.
    pub(crate) stall: Stall,
}

/// A point with what is known there.
pub(crate) struct Point<F> {
    /// The objective's parameters.
    pub(crate) at: Vec<F>,
    /// The same on columns centred and scaled.
    pub(crate) v: Vec<f64>,
    /// F(v).
    pub(crate) loss: f64,
    /// The gradient of f by `v`.
    pub(crate) gradient: Vec<f64>,
    /// The least subgradient of F by `at`.
    subgradient: Vec<F>,
}

/// The share of the predicted decrease that a step must bring.
const SUFFICIENT: f64 = 1e-4;

impl<'o, 'a, B: Backend + ?Sized> ElasticNet<'o, 'a, B> {
    pub(crate) fn new(objective: &'o mut Objective<'a, B>, basis: Coordinates) -> Self {
        let strength = objective.l1();
        // A column that is left out has a penalty like any other weight of 0.
        let scale = |j| if basis.is_constant(j) { 1.0 } else { basis.inverse_scale(j) };
        let mut l1: Vec<f64> = (0..objective.ncols()).map(|j| strength * scale(j)).collect();
        l1.resize(objective.dimension(), 0.0);
        Self { objective, basis, l1, stall: Stall::default() }
    }

    pub(crate) fn basis(&self) -> &Coordinates {
        &self.basis
    }

    /// The largest curvature by each coordinate, where that of the cross-entropy is at most `most`.
    pub(crate) fn most_curvature(&self, most: f64) -> Vec<f64> {
        let (d, l2) = (self.objective.ncols(), self.objective.l2());
        let scale = |j: usize| if j < d { self.basis.inverse_scale(j) } else { 0.0 };
        (0..self.l1.len()).map(|j| most + l2 * scale(j).powi(2)).collect()
    }

    /// Reads the matrix once.
    pub(crate) fn evaluate(&mut self, at: Vec<B::Scalar>) -> Point<B::Scalar> {
        let mut subgradient = at.clone();
        let smooth = self.objective.evaluate(&at, &mut subgradient);
        let (strength, d) = (self.objective.l1(), self.objective.ncols());
        let (weights, intercept) = widened(&at, d);
        let gradient = self.slopes(&subgradient);
        for (slope, weight) in subgradient.iter_mut().zip(&weights) {
            *slope = B::Scalar::narrow(least_subgradient(slope.widen(), *weight, strength));
        }
        let loss = smooth + strength * weights.iter().map(|w| w.abs()).sum::<f64>();
        Point { v: self.basis.fold(&weights, intercept), at, loss, gradient, subgradient }
    }

    /// The slopes by `v`, given those by the objective's parameters.
    fn slopes(&self, slopes: &[B::Scalar]) -> Vec<f64> {
        let d = self.objective.ncols();
        let (by_weight, by_intercept) = widened(slopes, d);
        let (mut by_v, none) = (vec![0.0; slopes.len()], vec![0.0; d]);
        self.basis.gradient(by_weight.into_iter(), by_intercept, 0.0, &none, &mut by_v);
        by_v
    }

    /// The objective's parameters for a point on columns centred and scaled; zero stays zero.
    fn parameters(&self, v: &[f64]) -> Vec<B::Scalar> {
        let v: Vec<_> = v.iter().map(|&v| B::Scalar::narrow(v)).collect();
        let mut model = Model::zero(self.objective.ncols());
        self.basis.unfold_into(&v, &mut model);
        let intercept = self.basis.fit_intercept().then_some(model.intercept);
        model.weights.into_iter().chain(intercept).collect()
    }

    /// How far F may at most lie above its minimum, as far as the intercept is within 1 + |c| of
    /// its best.
    ///
    /// By convexity `F(v) - F(u) ≤ Σⱼ (λⱼ|vⱼ| + gⱼvⱼ) - Σⱼ (λⱼ|uⱼ| + gⱼuⱼ)` for the weights of any
    /// `u`, and at the minimum `Σⱼ λⱼ|uⱼ| ≤ F(u) ≤ F(v)`.
    pub(crate) fn bound(&self, point: &Point<B::Scalar>) -> f64 {
        let (mut sum, mut excess) = (0.0, 0.0f64);
        for ((&g, &v), &l1) in point.gradient.iter().zip(&point.v).zip(&self.l1) {
            if l1 > 0.0 {
                // Not 0 · ∞, where a column hardly varies.
                sum += if v == 0.0 { 0.0 } else { l1 * v.abs() + g * v };
                excess = excess.max(g.abs() / l1 - 1.0);
            } else {
                sum += g.abs() * (1.0 + v.abs());
            }
        }
        (sum + excess * point.loss).max(0.0)
    }

    /// Records the point at the start of an iteration, or says why there is none. `save` is what to
    /// resume from, with what is known here.
    pub(crate) fn proceed(
        &mut self,
        point: &Point<B::Scalar>,
        limits: Limits,
        trace: &mut Trace<'_, B::Scalar>,
        save: impl Fn(Stall) -> Saved,
    ) -> Result<Option<StopReason>, Error> {
        trace.record(self.objective, &point.at, point.loss, &point.subgradient)?;
        let bound = self.bound(point);
        trace.estimate(bound);
        if bound <= limits.tolerance * point.loss {
            return Ok(Some(StopReason::Converged));
        }
        let (objective, stall) = (&*self.objective, self.stall);
        self.stall = stall.after(bound);
        let save = || save(stall);
        Ok(trace.proceed_from(objective, &point.at, limits.iterations, Some(&save)))
    }

    /// Whether steps bring nothing any more, where one is to gain so much.
    pub(crate) fn is_exhausted(&self, point: &Point<B::Scalar>, gain: f64) -> bool {
        self.stall.is_long() && gain <= noise::<B::Scalar>(point.loss)
    }

    /// Steps back along a path until F falls as much as it should, give or take its rounding;
    /// `None` where nothing but rounding is left, or the step has left the range of the precision.
    ///
    /// `path` is the point at a share of the step, and how much F should fall up to there.
    pub(crate) fn search(
        &mut self,
        from: &Point<B::Scalar>,
        path: impl Fn(f64) -> (Vec<f64>, f64),
    ) -> Option<Point<B::Scalar>> {
        let mut length = 1.0;
        loop {
            let (v, gain) = path(length);
            let at = self.parameters(&v);
            if at == from.at || !all_finite(&at) {
                return None;
            }
            let next = self.evaluate(at);
            let rise = next.loss - from.loss + SUFFICIENT * gain;
            if rise <= noise::<B::Scalar>(from.loss) && all_finite(&next.gradient) {
                return Some(next);
            }
            // The parameters need not become those of `from`: it is rounded between coordinates.
            if gain <= B::Scalar::epsilon().widen() * from.loss {
                return None;
            }
            length *= 0.5;
        }
    }
}

/// Where to stop.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) iterations: usize,
    pub(crate) tolerance: f64,
}

/// The weights and the intercept, 0 where there is none.
fn widened<F: Float>(parameters: &[F], d: usize) -> (Vec<f64>, f64) {
    let weights = parameters[..d].iter().map(|v| v.widen()).collect();
    (weights, parameters.get(d).map_or(0.0, |c| c.widen()))
}

/// The subgradient nearest to 0 of a function with this slope plus `l1 · |v|`.
fn least_subgradient(slope: f64, v: f64, l1: f64) -> f64 {
    if v == 0.0 { crate::quadratic::shrunk(slope, l1) } else { slope + l1 * v.signum() }
}

/// By how much a loss may be off.
fn noise<F: Float>(loss: f64) -> f64 {
    16.0 * F::epsilon().widen() * loss
}
