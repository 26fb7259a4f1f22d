//! The part that Newton's method and L-BFGS share. They differ in what they know about second
//! derivatives.

mod base;
mod state;

use std::ops::ControlFlow;

use num_traits::Float as _;

use crate::backend::contract::Backend;
use crate::backend::error::Error;
use crate::linalg::vectors::{all_finite, difference, dot, widen};
use crate::numbers::float::Float;
use crate::objective::Objective;
use crate::objective::columns::coordinates::Coordinates;
use crate::objective::curvature::Curvature;
use crate::objective::evaluation::Evaluation;
use crate::objective::second::MAX_ROW_CURVATURE;
use crate::objective::sums::row_curvature::RowCurvature;
use crate::progress::report::StopReason;
use crate::progress::trace::Trace;
use crate::solvers::descent::{Limits, Method, descend};
use crate::solvers::line_search::{Trial, backtrack};
use crate::solvers::quasi_newton::state::Base;
use crate::solvers::stall::Stall;

pub(crate) use crate::solvers::quasi_newton::state::State;

/// The number of steps that Newton's methods remember, on top of second derivatives or in their
/// place.
pub(crate) const LBFGS_PAIRS: usize = 10;
/// The factor by which second derivatives of a sample may exceed those of all rows. Distances to
/// the minimum may fall short by it.
pub(crate) const SAMPLE_FACTOR: f64 = 2.0;
/// The share of the loss below which a squared decrement that a step has shrunk bounds the distance
/// to the minimum. Third derivatives hardly matter there.
const QUADRATIC_REGION: f64 = 1e-2;
/// The smallest factor that shortens a step at once.
const SHORTEST: f64 = 0.1;
/// The number of step lengths that are tried before other second derivatives.
const MAX_BACKTRACKS: usize = 5;
/// A step is lengthened if the slope at its end is at least this share of the slope at its start.
const EXPANSION_SLOPE: f64 = 0.5;
/// The factor by which a step is lengthened.
const EXPANSION_FACTOR: f64 = 4.0;
/// The largest number of times that a step is lengthened.
const MAX_EXPANSIONS: usize = 12;
/// With second derivatives of a sample: the number of tolerances, times max(1, |w|), by which
/// another step may still move a coefficient at the end.
const COEFFICIENT_TOLERANCE: f64 = 1e3;

/// The method in progress.
pub(crate) struct QuasiNewton<'o, 'a, B: Backend + ?Sized> {
    objective: &'o mut Objective<'a, B>,
    limits: Limits,
    /// The number of steps that are remembered.
    max_pairs: usize,
    /// The centred and scaled columns.
    basis: Coordinates,
    /// The sample over which second derivatives are summed; `None` for all rows.
    sample: Option<Objective<'a, B>>,
    state: State,
    curvature: Curvature,
}

/// A step and what it promises.
pub(crate) struct Direction {
    /// The step, which is to be subtracted.
    step: Vec<f64>,
    /// The slope of the loss along the step: the squared Newton decrement.
    decrement: f64,
    /// Whether no more is to be gained than the tolerance.
    near: bool,
    /// The count of steps without gain, this one included.
    stall: Stall,
}

impl<'o, 'a, B: Backend + ?Sized> QuasiNewton<'o, 'a, B> {
    pub(crate) fn new(
        objective: &'o mut Objective<'a, B>,
        limits: Limits,
        max_pairs: usize,
        basis: Coordinates,
        sample: Option<Objective<'a, B>>,
        state: State,
    ) -> Self {
        let curvature = Curvature::separate(MAX_ROW_CURVATURE, objective.penalty(), &basis);
        Self { objective, limits, max_pairs, basis, sample, state, curvature }
    }

    pub(crate) fn run(
        mut self,
        saved: Option<State>,
        start: Vec<B::Scalar>,
        trace: &mut Trace<'_, B::Scalar>,
    ) -> Result<(Evaluation<B::Scalar>, StopReason), Error> {
        let point = if let Some(state) = saved {
            if let Base::Derivatives { rows, .. } = state.base {
                self.sample = self.objective.sample(rows);
            }
            self.state = state;
            self.objective.evaluate(start)
        } else {
            let point = self.objective.start(start);
            if let Base::Derivatives { at, .. } = &mut self.state.base {
                *at = widen(&point.at);
            }
            point
        };
        self.curvature = self.of_base();
        let max_iterations = self.limits.max_iterations;
        descend(self, point, trace, max_iterations)
    }
}

impl<'a, B: Backend + ?Sized> Method<'a, B> for QuasiNewton<'_, 'a, B> {
    type Point = Evaluation<B::Scalar>;
    type Step = Direction;
    type State = State;

    fn name(&self) -> &'static str {
        self.state.solver()
    }

    fn objective_mut(&mut self) -> &mut Objective<'a, B> {
        self.objective
    }

    fn objective(&self) -> &Objective<'a, B> {
        self.objective
    }

    fn step(
        &mut self,
        point: &Evaluation<B::Scalar>,
        trace: &mut Trace<'_, B::Scalar>,
    ) -> ControlFlow<StopReason, Direction> {
        loop {
            let mut direction = self.direction(point, trace);
            self.report(point, &direction, trace);
            if direction.near && self.is_settled(point, &direction) {
                return ControlFlow::Break(StopReason::Converged);
            }
            let stall = self.state.stall.in_noise(direction.decrement / 2.0, self.noise(point));
            let is_last =
                stall.is_long() || stall.has_begun() && self.is_rounding(point, &direction);
            direction.stall = stall;
            if !is_last {
                return ControlFlow::Continue(direction);
            }
            // Gradients alone may make slow progress; second derivatives show how much is left to
            // gain.
            match self.verification(point) {
                Some(base) => self.renew(base),
                None if direction.near => return ControlFlow::Break(StopReason::Converged),
                None => return ControlFlow::Break(StopReason::PrecisionLimit),
            }
            self.state.stall = Stall::default();
        }
    }

    fn state(&self, _: &Direction) -> State {
        self.state.clone()
    }

    fn advance(
        &mut self,
        point: &Evaluation<B::Scalar>,
        direction: Direction,
        _: usize,
    ) -> ControlFlow<StopReason, Evaluation<B::Scalar>> {
        self.state.stall = direction.stall;
        match self.next(point, &direction) {
            Some(next) => ControlFlow::Continue(next),
            None if direction.near => ControlFlow::Break(StopReason::Converged),
            None => ControlFlow::Break(StopReason::PrecisionLimit),
        }
    }

    fn last_stop(
        &mut self,
        _: &Evaluation<B::Scalar>,
        direction: &Direction,
        stop: StopReason,
        _: &mut Trace<'_, B::Scalar>,
    ) -> StopReason {
        if direction.near { StopReason::Converged } else { stop }
    }
}

impl<B: Backend + ?Sized> QuasiNewton<'_, '_, B> {
    /// The step from a point, with a curvature that is good enough there.
    fn direction(
        &mut self,
        point: &Evaluation<B::Scalar>,
        trace: &Trace<'_, B::Scalar>,
    ) -> Direction {
        loop {
            let direction = self.direction_by_base(point);
            match self.better_base(point, &direction, trace) {
                Some(base) => self.renew(base),
                None => return direction,
            }
        }
    }

    fn direction_by_base(&self, point: &Evaluation<B::Scalar>) -> Direction {
        let gradient = widen(&point.gradient);
        let step = self.state.memory.solve(&gradient, |v| self.curvature.solved(v));
        let decrement = dot(&gradient, &step);
        let near = self.limits.tolerate(decrement / 2.0, point.loss);
        let (near, stall) = (near && !self.majorizes(), self.state.stall);
        Direction { step, decrement, near, stall }
    }

    /// Whether a bound proves that a point is near the minimum.
    fn is_proven(&self, point: &Evaluation<B::Scalar>, trace: &Trace<'_, B::Scalar>) -> bool {
        trace.bound().is_some_and(|bound| self.limits.tolerate(bound, point.loss))
    }

    /// Whether a step promises no more than rounding of the gradient and the logits would.
    fn is_rounding(&self, point: &Evaluation<B::Scalar>, direction: &Direction) -> bool {
        self.curvature.factor().is_some_and(|factor| {
            let (at, basis) = (&point.at, &self.basis);
            let rounding = self.objective.rounding_of_decrement(point.loss, basis, factor)
                + self.objective.hidden_by_logits(at, point.loss, basis);
            direction.decrement <= rounding
        })
    }

    /// Whether a point near the minimum is the last one.
    fn is_settled(&self, point: &Evaluation<B::Scalar>, direction: &Direction) -> bool {
        match self.state.base {
            Base::Columns { .. } => true,
            Base::Derivatives { .. } if self.sample.is_none() => self.state.polished,
            Base::Derivatives { .. } => {
                let rounding = 64.0 * B::Scalar::epsilon().widen();
                let most = rounding.max(COEFFICIENT_TOLERANCE * self.limits.tolerance);
                let steps = direction.step.iter().zip(&point.at);
                steps.into_iter().all(|(by, at)| by.abs() <= most * at.widen().abs().max(1.0))
            }
        }
    }

    /// Records how far the loss may lie above its minimum, if that is known, and the columns left
    /// out. A full step that shrank the decrement shows that the minimum is near.
    fn report(
        &mut self,
        point: &Evaluation<B::Scalar>,
        direction: &Direction,
        trace: &mut Trace<'_, B::Scalar>,
    ) {
        let Some(factor) = self.curvature.factor() else { return };
        trace.leave_out(factor.left_out().filter(|&j| j < self.objective.ncols()));
        let Direction { decrement, near, .. } = *direction;
        let full = self.state.last_decrement.is_some() && self.state.full;
        let shrunk = full && decrement <= QUADRATIC_REGION * point.loss;
        if self.majorizes() || !(near || shrunk) {
            return;
        }
        // Elsewhere rounding is negligible beside the decrement.
        let last = near && self.is_settled(point, direction);
        let distance = match last || decrement / 2.0 <= self.noise(point) {
            true => self.objective.distance_bound(point, &self.basis, factor, decrement),
            false => decrement,
        };
        let sampled = self.sample.is_some();
        trace.estimate(if sampled { SAMPLE_FACTOR * distance } else { distance });
    }

    /// The rounding error of the loss at a point.
    fn noise(&self, point: &Evaluation<B::Scalar>) -> f64 {
        self.objective.rounding_of_loss(&point.at, point.loss, &self.basis)
    }

    /// The next point; `None` if no step lowers the loss by more than rounding.
    fn next(
        &mut self,
        point: &Evaluation<B::Scalar>,
        direction: &Direction,
    ) -> Option<Evaluation<B::Scalar>> {
        let derivatives = matches!(self.state.base, Base::Derivatives { .. });
        let mut polished = None;
        if direction.near && derivatives && self.sample.is_none() {
            // With exact second derivatives, the last step squares the error.
            if !self.is_fresh(point) {
                self.renew(self.derivatives(point, RowCurvature::Exact, self.rows()));
                polished = Some(self.direction_by_base(point));
            }
            self.state.polished = true;
        }
        let mut direction = polished.as_ref().unwrap_or(direction);
        let mut fallen_back;
        let (next, full) = loop {
            if let Some(next) = self.search(point, direction) {
                break next;
            }
            let in_noise = direction.decrement / 2.0 <= self.noise(point);
            if direction.near || in_noise && self.curvature.factor().is_some() {
                return None;
            }
            self.renew(self.base_to_fall_back_on(point)?);
            fallen_back = self.direction_by_base(point);
            direction = &fallen_back;
        };
        let along = difference(&next.at, &point.at);
        let change = difference(&next.gradient, &point.gradient);
        let epsilon = B::Scalar::epsilon().widen();
        self.state.memory.push(along, change, epsilon, self.max_pairs);
        (self.state.last_decrement, self.state.full) = (Some(direction.decrement), full);
        Some(next)
    }

    /// Backtracks along the step until the loss falls enough, up to its rounding. Also returns
    /// whether it was a full step. `None` where only rounding is left, or another base promises
    /// more.
    fn search(
        &mut self,
        from: &Evaluation<B::Scalar>,
        direction: &Direction,
    ) -> Option<(Evaluation<B::Scalar>, bool)> {
        let Direction { step, decrement, .. } = direction;
        if !all_finite(step) {
            return None;
        }
        let alone = self.base_to_fall_back_on(from).is_none();
        let tries = if alone { usize::MAX } else { MAX_BACKTRACKS };
        let noise = self.noise(from);
        let objective = &mut *self.objective;
        let (next, length) = backtrack(tries, SHORTEST, noise, |length| {
            let at = moved(&from.at, step, length);
            (at != from.at).then(|| {
                let point = objective.evaluate(at);
                let rise = point.loss - from.loss;
                let is_finite = all_finite(&point.gradient);
                Trial { point, rise, promised: length * decrement, is_finite }
            })
        })?;
        Some(match length == 1.0 && decrement / 2.0 > noise {
            true => self.lengthened(from, direction, next),
            false => (next, length == 1.0),
        })
    }

    /// Lengthens a step if the loss curves less than expected: where rows are saturated, it is
    /// almost a straight line.
    fn lengthened(
        &mut self,
        from: &Evaluation<B::Scalar>,
        direction: &Direction,
        mut next: Evaluation<B::Scalar>,
    ) -> (Evaluation<B::Scalar>, bool) {
        let mut length = 1.0;
        let mut full = true;
        for _ in 0..MAX_EXPANSIONS {
            let slope = dot(&widen(&next.gradient), &direction.step);
            if slope < EXPANSION_SLOPE * direction.decrement {
                break;
            }
            length *= EXPANSION_FACTOR;
            let at = moved(&from.at, &direction.step, length);
            let further = self.objective.evaluate(at);
            if !(further.loss < next.loss && all_finite(&further.gradient)) {
                break;
            }
            (next, full) = (further, false);
        }
        (next, full)
    }
}

/// The point after a multiple of a step is subtracted.
fn moved<F: Float>(from: &[F], step: &[f64], length: f64) -> Vec<F> {
    let along = from.iter().zip(step);
    along.map(|(at, step)| F::narrow(at.widen() - length * step)).collect()
}
