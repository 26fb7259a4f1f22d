//! The loop of Newton's method and of L-BFGS, which differ in what they know of second derivatives.

use std::ops::ControlFlow;

use num_traits::Float as _;

use crate::backend::contract::Backend;
use crate::backend::error::Error;
use crate::linalg::lbfgs::Memory;
use crate::linalg::vectors::{all_finite, all_sound, difference, dot, widen};
use crate::numbers::float::Float;
use crate::objective::Objective;
use crate::objective::columns::coordinates::Coordinates;
use crate::objective::curvature::Curvature;
use crate::objective::data::rows::sample_size;
use crate::objective::evaluation::Evaluation;
use crate::objective::second::{DENSE_HESSIAN_LIMIT, MAX_ROW_CURVATURE};
use crate::objective::sums::row_curvature::RowCurvature;
use crate::progress::report::StopReason;
use crate::progress::state::SolverState;
use crate::progress::trace::Trace;
use crate::solvers::descent::{Method, descend};
use crate::solvers::line_search::{Trial, backtrack};
use crate::solvers::stall::Stall;

/// How many steps Newton's methods remember, on top of second derivatives or in their place.
pub(crate) const LBFGS_PAIRS: usize = 10;
/// Second derivatives are summed anew when a step leaves more than this share of the decrement:
/// their sum takes as long as some steps.
const REFRESH_RATIO: f64 = 0.3;
/// Second derivatives of a sample may exceed those of all rows by this factor, and distances to the
/// minimum fall short by it.
pub(crate) const SAMPLE_FACTOR: f64 = 2.0;
/// After a step that shrank it, a squared decrement below this share of the loss bounds the distance
/// to the minimum: third derivatives count for little.
const QUADRATIC_REGION: f64 = 1e-2;
/// From this logit on a row has less than a thousandth of the curvature that it may have.
const SATURATED_LOGIT: f64 = 8.0;
/// A step is shortened by no more than this factor at once.
const SHORTEST: f64 = 0.1;
/// The number of step lengths that are tried before other second derivatives are.
const MAX_BACKTRACKS: usize = 5;
/// A step is lengthened where the loss falls at its end this share as steeply as at its start,
const EXPANSION_SLOPE: f64 = 0.5;
/// by this factor,
const EXPANSION_FACTOR: f64 = 4.0;
/// so often at most.
const MAX_EXPANSIONS: usize = 12;
/// With second derivatives of a sample, coefficients change by this many tolerances at most at the
/// end, as a share of max(1, |w|).
const COEFFICIENT_TOLERANCE: f64 = 1e3;

/// Where to stop, and how many steps to remember.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) iterations: usize,
    pub(crate) tolerance: f64,
    pub(crate) memory: usize,
}

/// The loop.
pub(crate) struct Descent<'o, 'a, B: Backend + ?Sized> {
    objective: &'o mut Objective<'a, B>,
    limits: Limits,
    /// The columns centred and scaled.
    basis: Coordinates,
    /// Where second derivatives are summed, if not over all rows.
    sample: Option<Objective<'a, B>>,
    state: State,
    curvature: Curvature,
}

/// All that goes from one iteration to the next, beside the point.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct State {
    method: Variant,
    base: Base,
    memory: Memory,
    /// The decrement of the step before, where it was with the same curvature.
    last_decrement: Option<f64>,
    /// Whether that step was neither shortened nor lengthened.
    full: bool,
    stall: Stall,
    /// Whether second derivatives over all rows have been summed for the last step.
    polished: bool,
}

/// Which of the methods it is.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Variant {
    Newton,
    Lbfgs,
}

/// What the curvature follows from that steps begin with.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Base {
    /// The second derivatives at some parameters, or those of majorizing parabolas, of a sample of
    /// so many rows, or of all rows where that is not much fewer.
    Derivatives { at: Vec<f64>, rows: usize, of_rows: RowCurvature },
    /// The scale of the columns: the same curvature in every direction, the largest there can be,
    /// or its inverse times this.
    Columns { scale: Option<f64> },
}

impl SolverState for State {
    fn is_sound(&self, dimension: usize) -> bool {
        let base = match &self.base {
            Base::Derivatives { at, .. } => all_sound([&at[..]], dimension),
            Base::Columns { .. } => true,
        };
        base && self.memory.is_sound(dimension)
    }
}

impl State {
    /// For Newton's method, with a sample of so many rows.
    pub(crate) fn newton(rows: usize) -> Self {
        let base = Base::Derivatives { at: Vec::new(), rows, of_rows: RowCurvature::Exact };
        Self::new(Variant::Newton, base)
    }

    pub(crate) fn lbfgs() -> Self {
        Self::new(Variant::Lbfgs, Base::Columns { scale: None })
    }

    fn new(method: Variant, base: Base) -> Self {
        let (memory, stall) = (Memory::default(), Stall::default());
        Self { method, base, memory, last_decrement: None, full: false, stall, polished: false }
    }

    pub(crate) fn solver(&self) -> &'static str {
        match self.method {
            Variant::Newton => "Newton",
            Variant::Lbfgs => "Lbfgs",
        }
    }
}

/// Where a step leads.
pub(crate) struct Direction {
    /// To be subtracted.
    step: Vec<f64>,
    /// How steeply the loss falls along the step: the squared Newton decrement.
    decrement: f64,
    /// Whether less is to be gained than the tolerance.
    near: bool,
    /// How long steps have gained nothing, this one included.
    stall: Stall,
}

impl<'o, 'a, B: Backend + ?Sized> Descent<'o, 'a, B> {
    pub(crate) fn new(
        objective: &'o mut Objective<'a, B>,
        limits: Limits,
        basis: Coordinates,
        sample: Option<Objective<'a, B>>,
        state: State,
    ) -> Self {
        let curvature = Curvature::separate(MAX_ROW_CURVATURE, objective.l2(), &basis);
        Self { objective, limits, basis, sample, state, curvature }
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
        let max_iterations = self.limits.iterations;
        descend(self, point, trace, max_iterations)
    }
}

impl<'a, B: Backend + ?Sized> Method<'a, B> for Descent<'_, 'a, B> {
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
            // Gradients alone may creep; second derivatives tell.
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

impl<B: Backend + ?Sized> Descent<'_, '_, B> {
    /// The step from a point, by a curvature that serves there.
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
        let near = decrement / 2.0 <= self.limits.tolerance * point.loss;
        let (near, stall) = (near && !self.majorizes(), self.state.stall);
        Direction { step, decrement, near, stall }
    }

    /// What steps should begin with at a point instead, if the present curvature does not serve.
    fn better_base(
        &self,
        point: &Evaluation<B::Scalar>,
        direction: &Direction,
        trace: &Trace<'_, B::Scalar>,
    ) -> Option<Base> {
        let gain = direction.decrement / 2.0;
        // Where rows have lost their curvature, columns depend on others that do not otherwise.
        let misses = self.objective.misses_columns(point, &self.basis, &self.curvature);
        let logit = self.objective.data.peers().max(point.own_largest_logit);
        let is_lost = misses && self.sample.is_none() && logit > SATURATED_LOGIT;
        // No loss falls below 0.
        let is_credible = gain.is_finite() && gain <= point.loss && !is_lost;
        let worn = self
            .state
            .last_decrement
            .is_some_and(|before| direction.decrement > REFRESH_RATIO * before);
        match &self.state.base {
            Base::Derivatives { .. } if self.is_fresh(point) => match self.of_rows() {
                RowCurvature::Exact if !is_credible => {
                    Some(self.derivatives(point, RowCurvature::Majorizer, self.rows()))
                }
                RowCurvature::Exact if direction.near && misses && self.sample.is_some() => {
                    Some(self.derivatives(point, RowCurvature::Exact, self.more_rows()))
                }
                _ => None,
            },
            Base::Derivatives { of_rows: RowCurvature::Majorizer, .. } => {
                let of_rows = RowCurvature::after_majorizer(gain / point.loss, point.loss);
                Some(self.derivatives(point, of_rows, self.rows()))
            }
            Base::Derivatives { .. } if !is_credible => {
                Some(self.derivatives(point, RowCurvature::Exact, self.rows()))
            }
            Base::Derivatives { .. } if worn || direction.near && misses => {
                Some(self.derivatives(point, RowCurvature::Exact, self.more_rows()))
            }
            Base::Columns { .. } if direction.near && !self.is_proven(point, trace) => {
                self.verification(point)
            }
            Base::Columns { .. } if worn => {
                let most = Curvature::separate(MAX_ROW_CURVATURE, self.objective.l2(), &self.basis);
                let scale = self.state.memory.last_scale(|change| most.solved(change));
                Some(Base::Columns { scale })
            }
            _ => None,
        }
    }

    /// What steps can begin with at a point where one did not lower the loss.
    fn base_to_fall_back_on(&self, point: &Evaluation<B::Scalar>) -> Option<Base> {
        match &self.state.base {
            Base::Columns { .. } if !self.state.memory.is_empty() => {
                Some(Base::Columns { scale: None })
            }
            Base::Columns { .. } => self.verification(point),
            _ if !self.is_fresh(point) => {
                Some(self.derivatives(point, self.of_rows(), self.rows()))
            }
            _ if !self.majorizes() => {
                Some(self.derivatives(point, RowCurvature::Majorizer, self.rows()))
            }
            _ if self.sample.is_some() => {
                Some(self.derivatives(point, RowCurvature::Exact, self.more_rows()))
            }
            _ => None,
        }
    }

    fn derivatives(
        &self,
        point: &Evaluation<B::Scalar>,
        of_rows: RowCurvature,
        rows: usize,
    ) -> Base {
        Base::Derivatives { at: widen(&point.at), rows, of_rows }
    }

    /// About how many rows second derivatives are summed over.
    fn rows(&self) -> usize {
        match self.state.base {
            Base::Derivatives { rows, .. } => rows,
            Base::Columns { .. } => sample_size(self.objective.dimension()),
        }
    }

    fn more_rows(&self) -> usize {
        self.sample.as_ref().map_or(self.rows(), |sample| 4 * sample.nrows())
    }

    fn of_rows(&self) -> RowCurvature {
        match self.state.base {
            Base::Derivatives { of_rows, .. } => of_rows,
            Base::Columns { .. } => RowCurvature::Exact,
        }
    }

    fn majorizes(&self) -> bool {
        self.of_rows() == RowCurvature::Majorizer
    }

    /// Whether the curvature is that of this very point, and nothing was learnt since.
    fn is_fresh(&self, point: &Evaluation<B::Scalar>) -> bool {
        let here = |at: &Vec<f64>| at.iter().zip(&point.at).all(|(a, b)| *a == b.widen());
        let fresh = matches!(&self.state.base, Base::Derivatives { at, .. } if here(at));
        fresh && self.state.memory.is_empty()
    }

    /// Second derivatives in the place of gradients alone, which have shown the curvature only along
    /// the steps taken; `None` where there are too many parameters.
    fn verification(&self, point: &Evaluation<B::Scalar>) -> Option<Base> {
        let few = point.at.len() <= DENSE_HESSIAN_LIMIT
            && matches!(self.state.base, Base::Columns { .. });
        few.then(|| self.derivatives(point, RowCurvature::Exact, sample_size(point.at.len())))
    }

    /// Whether a bound says that a point is near the minimum.
    fn is_proven(&self, point: &Evaluation<B::Scalar>, trace: &Trace<'_, B::Scalar>) -> bool {
        trace.bound().is_some_and(|bound| bound <= self.limits.tolerance * point.loss)
    }

    /// Whether a step promises no more than the rounding of the gradient and of the logits does.
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

    /// Tells how far the loss may lie above its minimum, where that is known, and which columns
    /// are left out. A full step that shrank the decrement shows that the minimum is near.
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
        // Elsewhere rounding is nothing beside the decrement.
        let last = near && self.is_settled(point, direction);
        let distance = match last || decrement / 2.0 <= self.noise(point) {
            true => self.objective.distance_bound(point, &self.basis, factor, decrement),
            false => decrement,
        };
        let sampled = self.sample.is_some();
        trace.estimate(if sampled { SAMPLE_FACTOR * distance } else { distance });
    }

    /// By how much the loss of a point may be off.
    fn noise(&self, point: &Evaluation<B::Scalar>) -> f64 {
        self.objective.rounding_of_loss(&point.at, point.loss, &self.basis)
    }

    /// The curvature that follows from the base.
    fn of_base(&mut self) -> Curvature {
        let most = || Curvature::separate(MAX_ROW_CURVATURE, self.objective.l2(), &self.basis);
        match &self.state.base {
            Base::Derivatives { at, of_rows, .. } => {
                let at: Vec<_> = at.iter().map(|&at| B::Scalar::narrow(at)).collect();
                let rows = self.sample.as_mut().unwrap_or(self.objective);
                rows.curvature(&at, &self.basis, *of_rows)
            }
            Base::Columns { scale: Some(scale) } => most().divided(*scale),
            Base::Columns { scale: None } => most(),
        }
    }

    /// Lets steps begin with another base. What was learnt about the last one goes, unless it is
    /// all that is known.
    fn renew(&mut self, base: Base) {
        let learning = matches!(base, Base::Columns { scale: Some(_) });
        if !learning {
            self.state.memory.clear();
        }
        if let Base::Derivatives { rows, .. } = base
            && !(rows == self.rows() && matches!(self.state.base, Base::Derivatives { .. }))
        {
            self.sample = self.objective.sample(rows);
        }
        (self.state.base, self.state.last_decrement) = (base, None);
        // Two factors at once would be much memory.
        self.curvature = Curvature::separate(MAX_ROW_CURVATURE, self.objective.l2(), &self.basis);
        self.curvature = self.of_base();
    }

    /// The next point; `None` where no step lowers the loss by more than rounding.
    fn next(
        &mut self,
        point: &Evaluation<B::Scalar>,
        direction: &Direction,
    ) -> Option<Evaluation<B::Scalar>> {
        let derivatives = matches!(self.state.base, Base::Derivatives { .. });
        let mut polished = None;
        if direction.near && derivatives && self.sample.is_none() {
            // The last step squares the error where the second derivatives are exact.
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
        self.state.memory.push(along, change, epsilon, self.limits.memory);
        (self.state.last_decrement, self.state.full) = (Some(direction.decrement), full);
        Some(next)
    }

    /// Steps back along the step until the loss falls as much as it should, give or take its
    /// rounding; `None` where nothing but rounding is left, or where another base promises more. Also
    /// whether it was a full step.
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

    /// Goes on along a step where the curvature that it came from is not met: where rows are
    /// saturated, the loss is all but a straight line.
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

/// Where a multiple of a step, which is to be subtracted, leads.
fn moved<F: Float>(from: &[F], step: &[f64], length: f64) -> Vec<F> {
    let along = from.iter().zip(step);
    along.map(|(at, step)| F::narrow(at.widen() - length * step)).collect()
}
