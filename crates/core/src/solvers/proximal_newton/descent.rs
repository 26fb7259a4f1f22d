//! The loop of the proximal Newton method.

use std::ops::ControlFlow;

use num_traits::Float as _;

use crate::backend::contract::Backend;
use crate::backend::error::Error;
use crate::linalg::conjugate_gradients::quotient;
use crate::linalg::lbfgs::Memory;
use crate::linalg::quadratic::Quadratic;
use crate::linalg::vectors::difference;
use crate::numbers::float::Float;
use crate::objective::Objective;
use crate::objective::evaluation::Evaluation;
use crate::objective::second::MAX_ROW_CURVATURE;
use crate::objective::sums::row_curvature::RowCurvature;
use crate::progress::report::StopReason;
use crate::progress::state::SolverState;
use crate::progress::trace::Trace;
use crate::solvers::descent::{Method, descend};
use crate::solvers::line_search::ARMIJO_C1;
use crate::solvers::proximal_newton::NAME;
use crate::solvers::proximal_newton::elastic_net::{ElasticNet, Point};
use crate::solvers::proximal_newton::local::{Local, NEGLIGIBLE, Source, Step, working};
use crate::solvers::quasi_newton::LBFGS_PAIRS;
use crate::solvers::stall::Stall;

/// A coordinate at zero whose slope is below this share of the penalty most likely stays there, so
/// the model leaves it out. Source: Tibshirani and others, *Strong rules for discarding predictors in
/// lasso-type problems* (2012).
const STRONG_RULE_FACTOR: f64 = 0.8;
/// The least number of steps by the memory alone, where there are many parameters. More follow until
/// they have cost as much as a sum of second derivatives: then neither choice can lose much.
const MIN_MEMORY_STEPS: usize = 10;
/// The products that are summed in the time of reading one element, to compare these costs.
const PRODUCTS_PER_ELEMENT: f64 = 16.0;
/// After so many of these, steps with fixed signs take their turn where second derivatives are by
/// too many parameters to be summed.
const SIGN_STEP_DELAY: usize = 24;
/// At least so many parameters move at once.
const MIN_WORKING_SET: usize = 128;
/// Second derivatives serve as long as a step leaves less than this share of what it gained.
const REFRESH_RATIO: f64 = 0.1;
/// Where a step promises less than this share of F, third derivatives count for little.
const QUADRATIC_REGION: f64 = 1e-3;
/// Coefficients change by this many tolerances at most at the end, as a share of max(1, |w|).
const COEFFICIENT_TOLERANCE: f64 = 10.0;
/// The number of step lengths that are tried before another model is.
const MAX_BACKTRACKS: usize = 5;

/// Where to stop.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) iterations: usize,
    pub(super) tolerance: f64,
}

/// The loop.
pub(super) struct Descent<'o, 'a, B: Backend + ?Sized> {
    net: ElasticNet<'o, 'a, B>,
    limits: Limits,
    /// By how many parameters second derivatives are summed at most,
    most: usize,
    /// and where; over all rows where there is none.
    sample: Option<Objective<'a, B>>,
    /// The model of the step before.
    model: Option<Local>,
    state: State,
}

/// All that goes from one iteration to the next, beside the point.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct State {
    /// The model of the step before, where this is saved and it follows from more than the memory.
    model: Option<Local>,
    /// What the step before gained, as far as the slope told, where the model was to serve.
    last_slope: Option<f64>,
    memory: Memory,
    /// So many steps have been taken before second derivatives are worth their sum; `None` once they
    /// are.
    cheap: Option<usize>,
    /// Whether a last step is being taken near the minimum.
    polished: bool,
    /// Whether F decreased by the step before.
    decreased: bool,
    stall: Stall,
    /// About how many rows the sample has.
    rows: usize,
    /// Which curvature of the rows the next sum is of.
    of_rows: RowCurvature,
}

impl SolverState for State {
    fn is_sound(&self, dimension: usize) -> bool {
        self.model.as_ref().is_none_or(|model| model.is_sound(dimension))
            && self.memory.is_sound(dimension)
    }
}

impl State {
    /// Nothing, with a sample of so many rows, and a model by all parameters if they are few.
    pub(super) fn new(rows: usize, few: bool) -> Self {
        Self {
            model: None,
            last_slope: None,
            memory: Memory::default(),
            cheap: (!few).then_some(0),
            polished: false,
            decreased: true,
            stall: Stall::default(),
            rows,
            of_rows: RowCurvature::Exact,
        }
    }
}

impl<'o, 'a, B: Backend + ?Sized> Descent<'o, 'a, B> {
    pub(super) fn new(
        net: ElasticNet<'o, 'a, B>,
        limits: Limits,
        most: usize,
        mut state: State,
    ) -> Self {
        let (sample, model) = (net.objective.sample(state.rows), state.model.take());
        Self { net, limits, most, sample, model, state }
    }

    /// Goes down from a point.
    pub(super) fn run(
        self,
        point: Point<B::Scalar>,
        trace: &mut Trace<'_, B::Scalar>,
    ) -> Result<(Evaluation<B::Scalar>, StopReason), Error> {
        let max_iterations = self.limits.iterations;
        descend(self, point, trace, max_iterations)
    }
}

impl<'a, B: Backend + ?Sized> Method<'a, B> for Descent<'_, 'a, B> {
    type Point = Point<B::Scalar>;
    type Step = (Local, Step);
    type State = State;

    fn name(&self) -> &'static str {
        NAME
    }

    fn objective_mut(&mut self) -> &mut Objective<'a, B> {
        self.net.objective
    }

    fn objective(&self) -> &Objective<'a, B> {
        self.net.objective
    }

    fn step(
        &mut self,
        point: &Point<B::Scalar>,
        trace: &mut Trace<'_, B::Scalar>,
    ) -> ControlFlow<StopReason, (Local, Step)> {
        let bound = self.net.estimate(point, trace);
        let near = bound <= self.limits.tolerance * point.loss();
        if near && self.is_settled(point) {
            return ControlFlow::Break(StopReason::Converged);
        }
        if trace.iterations() >= self.limits.iterations {
            return ControlFlow::Break(StopReason::MaxIterations);
        }
        let (local, mut step) = self.model_and_step(point);
        step.near = near;
        if let Some(Distance { most, rounding }) = self.distance(point, &local, &step) {
            trace.estimate(most.min(bound));
            if step.slope <= rounding.max(NEGLIGIBLE * point.loss()) {
                let near = most <= self.limits.tolerance * point.loss();
                let limit = StopReason::PrecisionLimit;
                return ControlFlow::Break(if near { StopReason::Converged } else { limit });
            }
        }
        step.stall = self.stall(point, &step);
        match step.stall.is_long() {
            true => ControlFlow::Break(StopReason::PrecisionLimit),
            false => ControlFlow::Continue((local, step)),
        }
    }

    fn state(&self, (local, _): &(Local, Step)) -> State {
        let model = Some(local.clone()).filter(|local| local.source != Source::Memory);
        State { model, ..self.state.clone() }
    }

    fn advance(
        &mut self,
        point: &Point<B::Scalar>,
        (local, step): (Local, Step),
        _: usize,
    ) -> ControlFlow<StopReason, Point<B::Scalar>> {
        (self.state.stall, self.state.polished) = (step.stall, step.near);
        match self.next(point, local, step) {
            Some(next) => ControlFlow::Continue(next),
            None => ControlFlow::Break(StopReason::PrecisionLimit),
        }
    }

    fn last_stop(
        &mut self,
        _: &Point<B::Scalar>,
        _: &(Local, Step),
        stop: StopReason,
        _: &mut Trace<'_, B::Scalar>,
    ) -> StopReason {
        stop
    }
}

impl<B: Backend + ?Sized> Descent<'_, '_, B> {
    /// Whether a point near the minimum is the last one: another step moves no coefficient by much, or
    /// has been taken.
    fn is_settled(&mut self, point: &Point<B::Scalar>) -> bool {
        if self.state.polished {
            return true;
        }
        let model = self.model.take().filter(|local| local.holds(point, &self.net.l1));
        let local = model.unwrap_or_else(|| self.local(point, RowCurvature::Exact));
        let next = self.net.parameters(&local.step(point, &self.net.l1).target);
        let rounding = 64.0 * B::Scalar::epsilon().widen();
        let most = rounding.max(COEFFICIENT_TOLERANCE * self.limits.tolerance);
        let small = |(a, b): (&B::Scalar, &B::Scalar)| {
            (a.widen() - b.widen()).abs() <= most * a.widen().abs().max(1.0)
        };
        let settled = local.source == Source::Memory || point.at().iter().zip(&next).all(small);
        self.model = (local.source != Source::Memory).then_some(local);
        settled
    }

    /// The stall after a step that promises no more than rounding, or follows one that brought nothing
    /// and may do so again: only a share of what is promised must come true.
    fn stall(&self, point: &Point<B::Scalar>, step: &Step) -> Stall {
        let noise = self.net.noise(point);
        let noise = if self.state.decreased { noise } else { noise / ARMIJO_C1 };
        self.state.stall.in_noise(step.slope.max(0.0), noise)
    }

    /// A model that serves at a point, and the step to its minimum.
    fn model_and_step(&mut self, point: &Point<B::Scalar>) -> (Local, Step) {
        let l1 = &self.net.l1;
        let mut local = match self.model.take().filter(|local| local.holds(point, l1)) {
            Some(local) => local,
            None => self.local(point, self.state.of_rows),
        };
        loop {
            let step = local.step(point, &self.net.l1);
            match self.better(point, &local, &step) {
                Some(better) => local = better,
                None => return (local, step),
            }
        }
    }

    /// Another model, where the present one does not serve at a point.
    fn better(&mut self, point: &Point<B::Scalar>, local: &Local, step: &Step) -> Option<Local> {
        let here = match local.source {
            Source::Here(RowCurvature::Exact) => true,
            Source::Before => false,
            _ => return None,
        };
        // F does not fall below 0.
        let credible = step.gain.is_finite() && step.gain <= point.loss();
        let worn = self.state.last_slope.is_some_and(|before| step.slope > REFRESH_RATIO * before);
        if credible && !worn && !self.is_rounding_of_part(point, local, step) {
            return None;
        }
        match (here, credible) {
            (true, false) => return Some(self.local(point, RowCurvature::Majorizer)),
            (true, true) if self.sample.is_none() => return None,
            (_, true) => self.enlarge_sample(),
            (false, false) => {}
        }
        Some(self.local(point, RowCurvature::Exact))
    }

    /// Whether a step promises nothing but rounding by a model that is not the best there can be.
    fn is_rounding_of_part(&self, point: &Point<B::Scalar>, local: &Local, step: &Step) -> bool {
        let best = self.sample.is_none() && local.source == Source::Here(RowCurvature::Exact);
        let small = step.slope <= QUADRATIC_REGION * self.limits.tolerance * point.loss();
        let rounding = || self.rounding(point, local, step).max(NEGLIGIBLE * point.loss());
        small && !best && step.slope <= rounding()
    }

    /// What a step promises through the rounding of the gradient and of the logits alone.
    fn rounding(&self, point: &Point<B::Scalar>, local: &Local, step: &Step) -> f64 {
        let squares = self.net.squares_of_rounding(point);
        local.expected_decrement(&step.target, &self.net.l1, &squares)
            + self.net.hidden_by_logits(point)
    }

    /// How far F lies above its minimum, where second derivatives of all rows tell.
    ///
    /// Near the minimum twice what the model gains is a bound (Boyd and Vandenberghe, *Convex
    /// Optimization*, 2004, equation 9.50); rounding hides some of it.
    fn distance(&self, point: &Point<B::Scalar>, local: &Local, step: &Step) -> Option<Distance> {
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

    /// The next point; `None` where no step lowers F by more than rounding.
    fn next(
        &mut self,
        point: &Point<B::Scalar>,
        mut local: Local,
        mut step: Step,
    ) -> Option<Point<B::Scalar>> {
        let creeps = local.source == Source::Memory
            && self.state.cheap.is_none_or(|taken| taken >= SIGN_STEP_DELAY);
        let with_signs = creeps.then(|| self.net.move_with_signs(point)).flatten();
        let next = match with_signs {
            Some(next) => next,
            None => loop {
                if let Some(next) = self.search(point, &local, &step) {
                    break next;
                }
                let in_noise = step.slope <= self.net.noise(point);
                if in_noise && local.source != Source::Memory {
                    return None;
                }
                local = self.local_to_fall_back_on(point, &local)?;
                step = local.step(point, &self.net.l1);
            },
        };
        self.learn(point, &next, local, &step);
        Some(next)
    }

    /// A model to try where a step did not lower F.
    fn local_to_fall_back_on(&mut self, point: &Point<B::Scalar>, local: &Local) -> Option<Local> {
        match local.source {
            Source::Memory if self.state.memory.is_empty() => return None,
            // What is remembered promises nothing; without it there may be more.
            Source::Memory => {
                self.state.memory.clear();
                self.state.cheap = None;
            }
            Source::Here(RowCurvature::Exact) => {
                return Some(self.local(point, RowCurvature::Majorizer));
            }
            Source::Here(_) if self.sample.is_none() => return None,
            Source::Here(_) => self.enlarge_sample(),
            Source::Before => {}
        }
        Some(self.local(point, RowCurvature::Exact))
    }

    fn search(
        &mut self,
        point: &Point<B::Scalar>,
        local: &Local,
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
        self.net.search(point, path, if last { usize::MAX } else { MAX_BACKTRACKS })
    }

    /// Lets what is known follow a step.
    fn learn(
        &mut self,
        point: &Point<B::Scalar>,
        next: &Point<B::Scalar>,
        mut local: Local,
        step: &Step,
    ) {
        let epsilon = B::Scalar::epsilon().widen();
        let by = difference(&next.v, &point.v);
        let change = difference(&next.gradient, &point.gradient);
        let saturated = local.source == Source::Here(RowCurvature::Majorizer);
        // A model that lacks second derivatives, or parameters that are to move, is not expected
        // to serve.
        let complete = local.source != Source::Memory && !saturated;
        let complete = complete && local.holds(point, &self.net.l1);
        self.state.last_slope = complete.then_some(step.slope);
        self.model = complete.then(|| {
            local.learn(&by, &change, epsilon);
            local
        });
        self.state.of_rows = match saturated {
            true => RowCurvature::after_majorizer(step.slope / point.loss(), next.loss()),
            false => RowCurvature::Exact,
        };
        self.state.decreased = next.loss() < point.loss();
        self.state.memory.push(by, change, epsilon, LBFGS_PAIRS);
        self.state.cheap = self.state.cheap.map(|taken| taken.saturating_add(1));
    }

    /// The model by sums over rows or, where these are not worth their while, by memory.
    fn local(&mut self, point: &Point<B::Scalar>, of_rows: RowCurvature) -> Local {
        self.state.last_slope = None;
        let Some(columns) = self.columns(point) else { return self.remembered() };
        self.state.cheap = None;
        let basis = self.net.basis().clone();
        let rows = self.sample.as_mut().unwrap_or(self.net.objective);
        let derivatives = rows.second_derivatives(point.at(), &basis, &columns, of_rows);
        let quadratic = Quadratic::new(derivatives, columns.len());
        Local { quadratic, columns, source: Source::Here(of_rows) }
    }

    /// A model by all coordinates from the steps remembered (limited-memory BFGS).
    fn remembered(&self) -> Local {
        let mut diagonal = self.net.most_curvature(MAX_ROW_CURVATURE);
        if let Some(scale) = self.state.memory.last_scale(|change| quotient(change, &diagonal)) {
            diagonal.iter_mut().for_each(|element| *element /= scale);
        }
        let columns = (0..diagonal.len()).collect();
        let mut quadratic = Quadratic::separate(diagonal);
        for (step, change) in self.state.memory.steps() {
            quadratic.learn(step, change, B::Scalar::epsilon().widen());
        }
        Local { quadratic, columns, source: Source::Memory }
    }

    /// The coordinates to have second derivatives by: those that may move or, where they are too
    /// many, those that are not zero and as many of the steepest, up to twice the number meant;
    /// `None` where there is hardly room for these.
    fn columns(&self, point: &Point<B::Scalar>) -> Option<Vec<usize>> {
        if self.state.cheap.is_some_and(|taken| taken < MIN_MEMORY_STEPS) {
            return None;
        }
        let l1 = &self.net.l1;
        let mut columns = working(point, l1, STRONG_RULE_FACTOR);
        if columns.len() > self.most {
            let fixed = |&&j: &&usize| point.v[j] != 0.0 || l1[j] == 0.0;
            let not_zero = columns.iter().filter(fixed).count();
            let wanted = MIN_WORKING_SET.min(self.most).max(2 * not_zero + 1).min(2 * self.most);
            // There must be room for some that are to leave zero.
            if not_zero + not_zero / 16 >= wanted {
                return None;
            }
            let steepness = |j: usize| match fixed(&&j) {
                true => f64::INFINITY,
                false => point.gradient[j].abs() / l1[j],
            };
            columns.sort_by(|&a, &b| steepness(b).total_cmp(&steepness(a)));
            columns.truncate(wanted);
            columns.sort_unstable();
        }
        let rows = self.sample.as_ref().unwrap_or(self.net.objective).nrows();
        let products = rows as f64 * (columns.len() as f64).powi(2) / 2.0;
        let read = || PRODUCTS_PER_ELEMENT * self.net.objective.data.stored();
        let worth = |taken: usize| taken as f64 * read() >= products;
        self.state.cheap.is_none_or(worth).then_some(columns)
    }

    fn enlarge_sample(&mut self) {
        if let Some(small) = self.sample.take() {
            self.state.rows = 4 * small.nrows();
            self.sample = self.net.objective.sample(self.state.rows);
        }
    }
}

/// How far F lies above its minimum.
struct Distance {
    /// At most, near the minimum.
    most: f64,
    /// As far as rounding alone tells.
    rounding: f64,
}
