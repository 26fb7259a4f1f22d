//! The steps of the proximal Newton method.

use std::ops::ControlFlow;

use num_traits::Float as _;

use crate::backend::contract::Backend;
use crate::backend::error::Error;
use crate::linalg::lbfgs::Memory;
use crate::linalg::vectors::difference;
use crate::numbers::float::Float;
use crate::objective::Objective;
use crate::objective::evaluation::Evaluation;
use crate::objective::sums::row_curvature::{MAJORIZER_SHARE, RowCurvature};
use crate::progress::report::StopReason;
use crate::progress::state::SolverState;
use crate::progress::trace::Trace;
use crate::solvers::descent::{Limits, Method, descend};
use crate::solvers::line_search::ARMIJO_C1;
use crate::solvers::proximal_newton::NAME;
use crate::solvers::proximal_newton::composite::{Composite, Point};
use crate::solvers::proximal_newton::quadratic_model::{NEGLIGIBLE, QuadraticModel, Source, Step};
use crate::solvers::quasi_newton::LBFGS_PAIRS;
use crate::solvers::stall::Stall;

/// The number of steps from memory after which steps with fixed signs take turns with them. This is
/// for too many parameters to sum second derivatives.
const SIGN_STEP_DELAY: usize = 24;
/// If a step promises less than this share of F, third derivatives hardly matter.
const QUADRATIC_REGION: f64 = 1e-3;
/// The number of tolerances, times max(1, |w|), by which another step may still move a coefficient
/// at the end.
const COEFFICIENT_TOLERANCE: f64 = 10.0;
/// The number of step lengths that are tried before another model.
const MAX_BACKTRACKS: usize = 5;

/// The method in progress.
pub(super) struct ProximalMethod<'o, 'a, B: Backend + ?Sized> {
    pub(super) composite: Composite<'o, 'a, B>,
    pub(super) limits: Limits,
    /// The number of parameters up to which second derivatives are summed.
    pub(super) most: usize,
    /// The sample over which second derivatives are summed; `None` for all rows.
    pub(super) sample: Option<Objective<'a, B>>,
    /// The model of the step before.
    pub(super) model: Option<QuadraticModel>,
    pub(super) state: State,
}

/// The state that passes from one iteration to the next, beside the point.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct State {
    /// The model of the step before, in a saved state, unless it follows from the memory alone.
    pub(super) model: Option<QuadraticModel>,
    /// The decrease that the slope promised for the step before, if its model was kept.
    pub(super) last_slope: Option<f64>,
    pub(super) memory: Memory,
    /// The number of steps taken before second derivatives are worth their sum; `None` once they
    /// are.
    pub(super) memory_steps: Option<usize>,
    /// Whether a last step is being taken near the minimum.
    pub(super) polished: bool,
    /// How far F was above the minimum before that step, if second derivatives showed it.
    pub(super) last_distance: Option<f64>,
    /// Whether the step before used majorizing parabolas and gained little.
    pub(super) majorizer_crept: bool,
    /// Whether the step before decreased F.
    pub(super) decreased: bool,
    pub(super) stall: Stall,
    /// The approximate number of rows of the sample.
    pub(super) rows: usize,
    /// The kind of row curvature that is summed next.
    pub(super) of_rows: RowCurvature,
}

impl SolverState for State {
    fn is_sound(&self, dimension: usize) -> bool {
        self.model.as_ref().is_none_or(|model| model.is_sound(dimension))
            && self.memory.is_sound(dimension)
    }
}

impl State {
    /// The initial state, with a sample of `rows` rows. If the parameters are `few`, the model has
    /// all of them from the start.
    pub(super) fn new(rows: usize, few: bool) -> Self {
        Self {
            model: None,
            last_slope: None,
            memory: Memory::default(),
            memory_steps: (!few).then_some(0),
            polished: false,
            last_distance: None,
            majorizer_crept: false,
            decreased: true,
            stall: Stall::default(),
            rows,
            of_rows: RowCurvature::Exact,
        }
    }
}

impl<'o, 'a, B: Backend + ?Sized> ProximalMethod<'o, 'a, B> {
    pub(super) fn new(
        composite: Composite<'o, 'a, B>,
        limits: Limits,
        most: usize,
        mut state: State,
    ) -> Self {
        let (sample, model) = (composite.objective.sample(state.rows), state.model.take());
        Self { composite, limits, most, sample, model, state }
    }

    /// Descends from a point.
    pub(super) fn run(
        self,
        point: Point<B::Scalar>,
        trace: &mut Trace<'_, B::Scalar>,
    ) -> Result<(Evaluation<B::Scalar>, StopReason), Error> {
        let max_iterations = self.limits.max_iterations;
        descend(self, point, trace, max_iterations)
    }
}

impl<'a, B: Backend + ?Sized> Method<'a, B> for ProximalMethod<'_, 'a, B> {
    type Point = Point<B::Scalar>;
    type Step = (QuadraticModel, Step);
    type State = State;

    fn name(&self) -> &'static str {
        NAME
    }

    fn objective_mut(&mut self) -> &mut Objective<'a, B> {
        self.composite.objective
    }

    fn objective(&self) -> &Objective<'a, B> {
        self.composite.objective
    }

    fn step(
        &mut self,
        point: &Point<B::Scalar>,
        trace: &mut Trace<'_, B::Scalar>,
    ) -> ControlFlow<StopReason, (QuadraticModel, Step)> {
        let bound = self.composite.estimate(point, trace);
        // F has not risen since the step before, except by rounding.
        let distance = self.state.last_distance.map(|last| last + self.composite.noise(point));
        if let Some(distance) = distance.filter(|d| self.limits.tolerate(*d, point.loss()))
            && self.moves_little(point)
        {
            trace.estimate(bound.min(distance));
            return ControlFlow::Break(StopReason::Converged);
        }
        let near = self.limits.tolerate(bound, point.loss());
        if near && self.is_settled(point) {
            return ControlFlow::Break(StopReason::Converged);
        }
        if trace.iterations() >= self.limits.max_iterations {
            return ControlFlow::Break(StopReason::MaxIterations);
        }
        let (local, mut step) = self.model_and_step(point, near);
        if let Some(Distance { most, rounding }) = self.distance(point, &local, &step) {
            trace.estimate(most.min(bound));
            let is_near = self.limits.tolerate(most, point.loss());
            if step.slope <= rounding.max(NEGLIGIBLE * point.loss()) {
                let limit = StopReason::PrecisionLimit;
                return ControlFlow::Break(if is_near { StopReason::Converged } else { limit });
            }
            (step.near, step.distance) = (near || is_near, is_near.then_some(most));
        }
        step.stall = self.stall(point, &step);
        match step.stall.is_long() {
            true => ControlFlow::Break(StopReason::PrecisionLimit),
            false => ControlFlow::Continue((local, step)),
        }
    }

    fn state(&self, (local, _): &(QuadraticModel, Step)) -> State {
        let model = Some(local.clone()).filter(|local| local.source != Source::Memory);
        State { model, ..self.state.clone() }
    }

    fn advance(
        &mut self,
        point: &Point<B::Scalar>,
        (local, step): (QuadraticModel, Step),
        _: usize,
    ) -> ControlFlow<StopReason, Point<B::Scalar>> {
        (self.state.stall, self.state.polished) = (step.stall, step.near);
        self.state.last_distance = step.distance;
        match self.next(point, local, step) {
            Some(next) => ControlFlow::Continue(next),
            None => ControlFlow::Break(StopReason::PrecisionLimit),
        }
    }

    fn last_stop(
        &mut self,
        _: &Point<B::Scalar>,
        _: &(QuadraticModel, Step),
        stop: StopReason,
        _: &mut Trace<'_, B::Scalar>,
    ) -> StopReason {
        stop
    }
}

impl<B: Backend + ?Sized> ProximalMethod<'_, '_, B> {
    /// Whether a point near the minimum is the last one: the last step has been taken, or another
    /// one moves no coefficient by much.
    fn is_settled(&mut self, point: &Point<B::Scalar>) -> bool {
        self.state.polished || self.moves_little(point)
    }

    /// Whether another step moves no coefficient by much.
    fn moves_little(&mut self, point: &Point<B::Scalar>) -> bool {
        let model = self.model.take().filter(|local| local.covers(point, &self.composite.l1));
        let local = model.unwrap_or_else(|| self.local(point, RowCurvature::Exact));
        let next = self.composite.parameters(&local.step(point, &self.composite.l1).target);
        let rounding = 64.0 * B::Scalar::epsilon().widen();
        let most = rounding.max(COEFFICIENT_TOLERANCE * self.limits.tolerance);
        let small = |(a, b): (&B::Scalar, &B::Scalar)| {
            (a.widen() - b.widen()).abs() <= most * a.widen().abs().max(1.0)
        };
        let little = local.source == Source::Memory || point.at().iter().zip(&next).all(small);
        self.model = (local.source != Source::Memory).then_some(local);
        little
    }

    /// The stall after a step that promises no more than rounding. If the step before did not lower
    /// F, the limit is higher: only a share of the promised decrease must come true.
    fn stall(&self, point: &Point<B::Scalar>, step: &Step) -> Stall {
        let noise = self.composite.noise(point);
        let noise = if self.state.decreased { noise } else { noise / ARMIJO_C1 };
        self.state.stall.in_noise(step.slope.max(0.0), noise)
    }

    /// A model that is good enough at a point, and the step to its minimum.
    fn model_and_step(&mut self, point: &Point<B::Scalar>, near: bool) -> (QuadraticModel, Step) {
        let l1 = &self.composite.l1;
        let mut local = match self.model.take().filter(|local| local.covers(point, l1)) {
            Some(local) => local,
            None => self.local(point, self.state.of_rows),
        };
        loop {
            let step = Step { near, ..local.step(point, &self.composite.l1) };
            match self.better(point, &local, &step) {
                Some(better) => local = better,
                None => return (local, step),
            }
        }
    }

    /// Whether a step promises less than the tolerance by second derivatives of another point, and
    /// no bound confirms it. They do not show how far the minimum is.
    pub(super) fn is_to_be_verified(
        &self,
        point: &Point<B::Scalar>,
        local: &QuadraticModel,
        step: &Step,
    ) -> bool {
        let small = self.limits.tolerate(step.slope, point.loss());
        small && !step.near && self.sample.is_none() && local.source == Source::Before
    }

    /// Whether a step promises only rounding, by a model that can be improved.
    pub(super) fn is_rounding_of_part(
        &self,
        point: &Point<B::Scalar>,
        local: &QuadraticModel,
        step: &Step,
    ) -> bool {
        let best = self.sample.is_none() && local.source == Source::Here(RowCurvature::Exact);
        let small = step.slope <= QUADRATIC_REGION * self.limits.tolerance * point.loss();
        let rounding = || self.rounding(point, local, step).max(NEGLIGIBLE * point.loss());
        small && !best && step.slope <= rounding()
    }

    /// The decrease that a step promises because of rounding alone, of the gradient and of the
    /// logits.
    fn rounding(&self, point: &Point<B::Scalar>, local: &QuadraticModel, step: &Step) -> f64 {
        let squares = self.composite.squares_of_rounding(point);
        local.expected_decrement(&step.target, &self.composite.l1, &squares)
            + self.composite.hidden_by_logits(point)
    }

    /// How far F lies above its minimum, if second derivatives of all rows show it.
    ///
    /// Near the minimum, twice the gain of the model is a bound (Boyd and Vandenberghe, *Convex
    /// Optimization*, 2004, equation 9.50). Rounding hides some of it.
    fn distance(
        &self,
        point: &Point<B::Scalar>,
        local: &QuadraticModel,
        step: &Step,
    ) -> Option<Distance> {
        let known = step.certain
            && self.sample.is_none()
            && local.source == Source::Here(RowCurvature::Exact)
            && step.gain <= QUADRATIC_REGION * point.loss();
        known.then(|| {
            let rounding = self.rounding(point, local, step);
            let most = ((2.0 * step.gain).max(0.0).sqrt() + rounding.sqrt()).powi(2);
            Distance { most, rounding }
        })
    }

    /// The next point; `None` if no step lowers F by more than rounding.
    fn next(
        &mut self,
        point: &Point<B::Scalar>,
        mut local: QuadraticModel,
        mut step: Step,
    ) -> Option<Point<B::Scalar>> {
        let takes_sign_step = local.source == Source::Memory
            && self.state.memory_steps.is_none_or(|taken| taken >= SIGN_STEP_DELAY);
        let with_signs = takes_sign_step.then(|| self.composite.move_with_signs(point)).flatten();
        let next = match with_signs {
            Some(next) => next,
            None => loop {
                if let Some(next) = self.search(point, &local, &step) {
                    break next;
                }
                let in_noise = step.slope <= self.composite.noise(point);
                if in_noise && local.source != Source::Memory {
                    return None;
                }
                local = self.local_to_fall_back_on(point, &local)?;
                step = local.step(point, &self.composite.l1);
            },
        };
        self.learn(point, &next, local, &step);
        Some(next)
    }

    fn search(
        &mut self,
        point: &Point<B::Scalar>,
        local: &QuadraticModel,
        step: &Step,
    ) -> Option<Point<B::Scalar>> {
        let last = match local.source {
            Source::Memory => true,
            Source::Here(RowCurvature::Majorizer) => self.sample.is_none(),
            _ => false,
        };
        let path = |length: f64| {
            let along = point.v.iter().zip(&step.target);
            let between = |(from, to): (&f64, &f64)| match length == 1.0 {
                true => *to,
                false => from + length * (to - from),
            };
            (along.map(between).collect(), length * step.slope)
        };
        // F cannot fall below 0.
        let longest = (point.loss() / step.slope).min(1.0);
        let path = |length: f64| path(length * longest);
        self.composite.search(point, path, if last { usize::MAX } else { MAX_BACKTRACKS })
    }

    /// Updates the state after a step.
    fn learn(
        &mut self,
        point: &Point<B::Scalar>,
        next: &Point<B::Scalar>,
        mut local: QuadraticModel,
        step: &Step,
    ) {
        let epsilon = B::Scalar::epsilon().widen();
        let by = difference(&next.v, &point.v);
        let change = difference(&next.gradient, &point.gradient);
        let saturated = local.source == Source::Here(RowCurvature::Majorizer);
        // A model without second derivatives, or without parameters that are to move, is not kept.
        let complete = local.source != Source::Memory && !saturated;
        let complete = complete && local.covers(point, &self.composite.l1);
        self.state.last_slope = complete.then_some(step.slope);
        self.model = complete.then(|| {
            local.learn(&by, &change, epsilon);
            local
        });
        self.state.of_rows = match saturated {
            true => RowCurvature::after_majorizer(step.slope / point.loss(), next.loss()),
            false => RowCurvature::Exact,
        };
        self.state.majorizer_crept = saturated && step.slope < MAJORIZER_SHARE * point.loss();
        self.state.decreased = next.loss() < point.loss();
        self.state.memory.push(by, change, epsilon, LBFGS_PAIRS);
        self.state.memory_steps = self.state.memory_steps.map(|taken| taken.saturating_add(1));
    }
}

/// How far F lies above its minimum.
struct Distance {
    /// An upper bound, near the minimum.
    most: f64,
    /// The part that rounding alone explains.
    rounding: f64,
}
