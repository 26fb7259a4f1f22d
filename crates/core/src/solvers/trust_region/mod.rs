//! Newton's method in a trust region, which needs only products with second derivatives.

mod conjugate_gradients;

use std::ops::ControlFlow;

use crate::backend::contract::Backend;
use crate::backend::error::{Error, check_tolerance};
use crate::linalg::vectors::{all_sound, dot, widen};
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
use crate::solvers::quasi_newton::SAMPLE_FACTOR;
use crate::solvers::solver::Solver;
use crate::solvers::stall::Stall;
use crate::solvers::trust_region::conjugate_gradients::{Gradients, Step};

/// Newton's method without a matrix of second derivatives, for any number of parameters. Conjugate
/// gradients find the step within the region where the second derivatives have proved to describe
/// the loss.
///
/// A conjugate gradient takes one pass ([`Objective::hessian_product`]), and so does the loss with
/// its gradient at the end of the step. Steps need not be exact far from the optimum: a gradient
/// ten times smaller is enough, and a thousand times smaller at the end. A step that would leave
/// the region ends at its boundary. The region grows and shrinks with the quality of the predicted
/// loss. Columns may be of any scale.
///
/// Sources: Lin, Weng and Keerthi, *Trust region Newton method for large-scale logistic regression*
/// (2008); Steihaug, *The conjugate gradient method and trust regions in large scale optimization*
/// (1983); Conn, Gould and Toint, *Trust-Region Methods* (2000), algorithm 7.5.1 and, for the
/// rounding of losses, section 17.4.2.
///
/// ```
/// # use logit_core as logit;
/// use logit::{Dense, LogisticRegression, TrustRegion};
///
/// let x = Dense::from_rows(&[1.0, 2.0, 3.0, 4.0], 4, 1); // or any other backend
/// let estimator = LogisticRegression::new().solver(TrustRegion::new());
/// let fit = estimator.fit(&x, [0, 1, 0, 1])?;
/// assert!(fit.report.gradient_norm < 1e-6);
/// # Ok::<(), logit::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrustRegion {
    max_iterations: usize,
    tolerance: f64,
}

impl Default for TrustRegion {
    fn default() -> Self {
        Self { max_iterations: 1000, tolerance: 1e-11 }
    }
}

impl TrustRegion {
    /// The default settings: at most 1000 iterations, and a relative tolerance of 1e-11.
    pub fn new() -> Self {
        Self::default()
    }

    /// The maximum number of iterations, including those whose step is not taken because the loss
    /// would not fall. Default: 1000.
    pub fn max_iterations(mut self, max_iterations: usize) -> Self {
        self.max_iterations = max_iterations;
        self
    }

    /// Takes the last step once a step within the region promises to lower the loss by no more than
    /// this share of itself. Mostly far less is then left to gain, but not if columns differ by
    /// only a ten-thousandth. 0 or positive, and finite. Default: 1e-11.
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }
}

/// The name in checkpoints.
const NAME: &str = "TrustRegion";

impl Solver for TrustRegion {
    fn check<F: Float>(&self) -> Result<(), Error> {
        check_tolerance(self.tolerance)
    }

    fn minimize<B: Backend + ?Sized>(
        &self,
        objective: &mut Objective<'_, B>,
        mut start: Vec<B::Scalar>,
        trace: &mut Trace<'_, B::Scalar>,
    ) -> Result<(Evaluation<B::Scalar>, StopReason), Error> {
        let basis = objective.basis()?;
        let metric = Curvature::separate(MAX_ROW_CURVATURE, objective.penalty(), &basis);
        basis.leave_out_constants(&mut start);
        let (point, state) = match trace.resume(NAME, &start)? {
            Some(state) => (objective.evaluate(start), state),
            None => {
                let point = objective.start(start);
                let state = State::new(&point, &metric);
                (point, state)
            }
        };
        let mut method = TrustRegionMethod { settings: *self, objective, basis, metric, state };
        if let Some(at) = method.state.metric_at.clone() {
            let at: Vec<_> = at.into_iter().map(B::Scalar::narrow).collect();
            let exact = RowCurvature::Exact;
            method.metric = method.objective.curvature(&at, &method.basis, exact);
        }
        descend(method, point, trace, self.max_iterations)
    }
}

/// The share of the predicted decrease that a step must bring.
const ETA_ACCEPT: f64 = 1e-4;
/// The share of the predicted decrease below which the region shrinks.
const ETA_SHRINK: f64 = 0.25;
/// The share from which on the region grows, if the step was cut.
const ETA_EXPAND: f64 = 0.75;
/// The number of iterations after which second derivatives are worth their sum.
const METRIC_DELAY: usize = 50;
/// The factor by which the region shrinks and grows.
const RADIUS_FACTOR: f64 = 4.0;
/// The share of its initial size to which conjugate gradients reduce the gradient of the quadratic
/// model.
const FORCING_TERM: f64 = 0.1;
/// The same share for a step that promises to be the last. A direction of little curvature that has
/// not had its turn would make it larger.
const FINAL_FORCING_TERM: f64 = 1e-3;
/// The share of their average gain below which a conjugate gradient may be the last.
const CG_GAIN_RATIO: f64 = 0.5;

/// The method in progress.
struct TrustRegionMethod<'o, 'a, B: Backend + ?Sized> {
    settings: TrustRegion,
    objective: &'o mut Objective<'a, B>,
    /// The centred and scaled columns.
    basis: Coordinates,
    /// The inverse of the matrix `M`, which makes columns comparable. In its norm, `√(s·M·s)`, the
    /// region is a ball.
    metric: Curvature,
    state: State,
}

/// The state that passes from one iteration to the next, beside the point.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct State {
    radius: f64,
    stall: Stall,
    /// Whether the step before promised no more than the tolerance.
    last_was_near: bool,
    /// Whether steps have stalled before, and second derivatives have been tried.
    has_stalled: bool,
    /// The parameters whose second derivatives are the metric; `None` while the metric is that of
    /// the columns.
    metric_at: Option<Vec<f64>>,
}

impl SolverState for State {
    fn is_sound(&self, dimension: usize) -> bool {
        all_sound(self.metric_at.as_deref(), dimension)
    }
}

impl State {
    fn new<F: Float>(point: &Evaluation<F>, metric: &Curvature) -> Self {
        let radius = squared_decrement(point, metric).sqrt();
        let stall = Stall::default();
        Self { radius, stall, last_was_near: false, has_stalled: false, metric_at: None }
    }
}

fn squared_decrement<F: Float>(point: &Evaluation<F>, curvature: &Curvature) -> f64 {
    let gradient = widen(&point.gradient);
    dot(&gradient, &curvature.solved(&gradient))
}

impl<'a, B: Backend + ?Sized> Method<'a, B> for TrustRegionMethod<'_, 'a, B> {
    type Point = Evaluation<B::Scalar>;
    type Step = Step;
    type State = State;

    fn name(&self) -> &'static str {
        NAME
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
    ) -> ControlFlow<StopReason, Step> {
        if self.state.last_was_near && self.is_optimal(point, trace) {
            return ControlFlow::Break(StopReason::Converged);
        }
        loop {
            let mut step = self.step_within(point, self.state.radius);
            let noise = self.objective.rounding_of_loss(&point.at, point.loss, &self.basis);
            step.stall = self.state.stall.in_noise(step.gain, noise);
            if !step.stall.is_long() {
                return ControlFlow::Continue(step);
            }
            if !self.takes_metric_here(point) {
                return ControlFlow::Break(StopReason::PrecisionLimit);
            }
        }
    }

    fn state(&self, _: &Step) -> State {
        self.state.clone()
    }

    fn advance(
        &mut self,
        point: &Evaluation<B::Scalar>,
        step: Step,
        iteration: usize,
    ) -> ControlFlow<StopReason, Evaluation<B::Scalar>> {
        let near = self.is_near(point, &step);
        (self.state.stall, self.state.last_was_near) = (step.stall, near);
        if iteration == METRIC_DELAY && point.at.len() <= DENSE_HESSIAN_LIMIT {
            self.take_metric(point);
        }
        let Some(next) = self.moved(point, &step.step) else {
            return match near {
                true => ControlFlow::Continue(point.clone()),
                false => ControlFlow::Break(StopReason::PrecisionLimit),
            };
        };
        let noise = self.objective.rounding_of_loss(&point.at, point.loss, &self.basis);
        let reduction_ratio = reduction_ratio(point, &next, step.gain, noise);
        self.state.radius = match reduction_ratio {
            ETA_EXPAND.. if step.cut => RADIUS_FACTOR * self.state.radius,
            ETA_SHRINK.. => self.state.radius,
            _ => step.length / RADIUS_FACTOR,
        };
        let is_accepted = reduction_ratio >= ETA_ACCEPT;
        ControlFlow::Continue(if is_accepted { next } else { point.clone() })
    }

    fn last_stop(
        &mut self,
        point: &Evaluation<B::Scalar>,
        step: &Step,
        stop: StopReason,
        trace: &mut Trace<'_, B::Scalar>,
    ) -> StopReason {
        let converged = self.is_near(point, step) && self.is_optimal(point, trace);
        if converged { StopReason::Converged } else { stop }
    }
}

impl<B: Backend + ?Sized> TrustRegionMethod<'_, '_, B> {
    /// Whether a step promises no more than the tolerance.
    fn is_near(&self, point: &Evaluation<B::Scalar>, step: &Step) -> bool {
        !step.cut && step.gain <= self.settings.tolerance * point.loss
    }

    /// Whether second derivatives, if they can be summed, find no more to gain at a point than the
    /// tolerance. If they find more, they become the metric.
    ///
    /// Conjugate gradients that stop early have not seen directions of little curvature.
    fn is_optimal(
        &mut self,
        point: &Evaluation<B::Scalar>,
        trace: &mut Trace<'_, B::Scalar>,
    ) -> bool {
        let tolerable = self.settings.tolerance * point.loss;
        let proven = trace.bound().is_some_and(|bound| bound <= tolerable);
        let flat = point.gradient.iter().all(|slope| slope.widen() == 0.0);
        if proven || flat || point.at.len() > DENSE_HESSIAN_LIMIT {
            return true;
        }
        if let Some(mut sample) = self.objective.sample(sample_size(point.at.len())) {
            let curvature = sample.curvature(&point.at, &self.basis, RowCurvature::Exact);
            if self.finds_no_more(point, &curvature, SAMPLE_FACTOR, trace) {
                return true;
            }
        }
        let curvature = self.objective.curvature(&point.at, &self.basis, RowCurvature::Exact);
        if self.finds_no_more(point, &curvature, 1.0, trace) {
            return true;
        }
        self.take_metric_of(point, curvature);
        false
    }

    /// Makes the second derivatives at a point the metric. Conjugate gradients then take few steps,
    /// however ill-conditioned the columns are.
    fn take_metric(&mut self, point: &Evaluation<B::Scalar>) {
        let curvature = self.objective.curvature(&point.at, &self.basis, RowCurvature::Exact);
        self.take_metric_of(point, curvature);
    }

    /// Takes the second derivatives as metric where steps have stalled, because conjugate gradients
    /// may be slow without them. Returns whether that changed the metric.
    fn takes_metric_here(&mut self, point: &Evaluation<B::Scalar>) -> bool {
        if point.at.len() > DENSE_HESSIAN_LIMIT || self.state.has_stalled {
            return false;
        }
        self.take_metric(point);
        (self.state.stall, self.state.has_stalled) = (Stall::default(), true);
        self.state.metric_at == Some(widen(&point.at))
    }

    fn take_metric_of(&mut self, point: &Evaluation<B::Scalar>, curvature: Curvature) {
        if !self.objective.misses_columns(point, &self.basis, &curvature) {
            self.state.metric_at = Some(widen(&point.at));
            self.state.radius = squared_decrement(point, &curvature).sqrt();
            self.metric = curvature;
        }
    }

    /// Whether a curvature finds no more to gain than the tolerance. If so, records the distance
    /// from the minimum and the columns left out.
    fn finds_no_more(
        &self,
        point: &Evaluation<B::Scalar>,
        curvature: &Curvature,
        sample_factor: f64,
        trace: &mut Trace<'_, B::Scalar>,
    ) -> bool {
        let decrement = squared_decrement(point, curvature);
        let small = decrement / 2.0 <= self.settings.tolerance * point.loss;
        let Some(factor) = curvature.factor().filter(|_| small) else { return false };
        if self.objective.misses_columns(point, &self.basis, curvature) {
            return false;
        }
        trace.leave_out(factor.left_out().filter(|&j| j < self.objective.ncols()));
        let distance = self.objective.distance_bound(point, &self.basis, factor, decrement);
        trace.estimate(sample_factor * distance);
        true
    }

    /// The point after a step; `None` if it does not move.
    fn moved(
        &mut self,
        from: &Evaluation<B::Scalar>,
        step: &[f64],
    ) -> Option<Evaluation<B::Scalar>> {
        let moved = |(at, step): (&B::Scalar, &f64)| B::Scalar::narrow(at.widen() - step);
        let at: Vec<_> = from.at.iter().zip(step).map(moved).collect();
        (at != from.at).then(|| self.objective.evaluate(at))
    }

    /// The step by conjugate gradients, preconditioned by the metric.
    fn step_within(&mut self, point: &Evaluation<B::Scalar>, radius: f64) -> Step {
        let mut gradients = Gradients::new(widen(&point.gradient), &self.metric);
        let first = gradients.slope;
        for count in 1..=gradients.residual.len() {
            if gradients.slope <= 0.0 {
                break;
            }
            let along = self.curvature(point, &gradients.direction);
            let curvature = dot(&gradients.direction, &along);
            let curvature = if curvature.is_finite() { curvature.max(0.0) } else { 0.0 };
            let length = gradients.length(gradients.slope / curvature);
            if length.is_nan() || length >= radius {
                return gradients.cut(radius, curvature);
            }
            let gain = gradients.follow(curvature, &along, &self.metric);
            let last = gradients.step.gain <= self.settings.tolerance * point.loss;
            let small = gradients.slope
                <= if last { FINAL_FORCING_TERM } else { FORCING_TERM }.powi(2) * first;
            if small && count as f64 * gain <= CG_GAIN_RATIO * gradients.step.gain {
                break;
            }
        }
        gradients.step
    }

    /// The second derivatives times a direction.
    fn curvature(&mut self, point: &Evaluation<B::Scalar>, direction: &[f64]) -> Vec<f64> {
        let direction: Vec<_> = direction.iter().map(|&d| B::Scalar::narrow(d)).collect();
        let mut product = direction.clone();
        self.objective.hessian_product(&point.at, &direction, &mut product);
        widen(&product)
    }
}

/// The share of the predicted decrease that came true, up to the rounding of the losses.
fn reduction_ratio<F: Float>(
    from: &Evaluation<F>,
    to: &Evaluation<F>,
    gain: f64,
    noise: f64,
) -> f64 {
    let reduction_ratio = (from.loss - to.loss + noise) / (gain + noise);
    if to.is_finite() && reduction_ratio.is_finite() { reduction_ratio } else { f64::NEG_INFINITY }
}
