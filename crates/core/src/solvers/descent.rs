//! The loop that the descent methods share.

use std::borrow::Borrow;
use std::ops::ControlFlow;

use crate::backend::contract::Backend;
use crate::backend::error::Error;
use crate::objective::Objective;
use crate::objective::evaluation::Evaluation;
use crate::progress::report::StopReason;
use crate::progress::state::SolverState;
use crate::progress::trace::Trace;

/// When to stop.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) max_iterations: usize,
    /// The share of the loss that may be left to gain.
    pub(crate) tolerance: f64,
}

impl Limits {
    /// Whether a gain is within the tolerance, at a loss.
    pub(crate) fn tolerate(&self, gain: f64, loss: f64) -> bool {
        gain <= self.tolerance * loss
    }
}

/// The parts of the loop that each method provides.
pub(crate) trait Method<'a, B: Backend + ?Sized> {
    /// A point and what the method knows about it.
    type Point: Borrow<Evaluation<B::Scalar>> + Into<Evaluation<B::Scalar>>;
    type Step;
    /// The state that passes from one iteration to the next, beside the point.
    type State: SolverState;

    /// The name of the method in checkpoints.
    fn name(&self) -> &'static str;

    fn objective_mut(&mut self) -> &mut Objective<'a, B>;

    fn objective(&self) -> &Objective<'a, B>;

    /// The step from a point, or the reason why the point is the last one. Records the distance to
    /// the minimum, if it is known.
    fn step(
        &mut self,
        point: &Self::Point,
        trace: &mut Trace<'_, B::Scalar>,
    ) -> ControlFlow<StopReason, Self::Step>;

    /// The state from which a resumed fit finds the same step.
    fn state(&self, step: &Self::Step) -> Self::State;

    /// The point after a step. If no step lowers the loss by more than rounding, the reason why the
    /// fit ends.
    fn advance(
        &mut self,
        point: &Self::Point,
        step: Self::Step,
        iteration: usize,
    ) -> ControlFlow<StopReason, Self::Point>;

    /// The reason why a fit ends that may not take a step. It may have converged all the same.
    fn last_stop(
        &mut self,
        point: &Self::Point,
        step: &Self::Step,
        stop: StopReason,
        trace: &mut Trace<'_, B::Scalar>,
    ) -> StopReason;
}

/// Descends from a point to the minimum, in at most `max_iterations` iterations.
///
/// Gradient descent has a loop of its own: it does not check for separation, and measures
/// convergence by the gradient alone.
pub(crate) fn descend<'a, B: Backend + ?Sized + 'a, M: Method<'a, B>>(
    mut method: M,
    mut point: M::Point,
    trace: &mut Trace<'_, B::Scalar>,
    max_iterations: usize,
) -> Result<(Evaluation<B::Scalar>, StopReason), Error> {
    loop {
        trace.record(method.objective(), point.borrow())?;
        let step = match method.step(&point, trace) {
            ControlFlow::Continue(step) => step,
            ControlFlow::Break(stop) => return Ok((point.into(), stop)),
        };
        trace.refuse_separated(method.objective_mut(), max_iterations)?;
        // A resumed fit reaches this line again without any change.
        let (objective, save) = (method.objective(), || method.state(&step));
        let stop = trace.proceed_from(objective, max_iterations, method.name(), save);
        if let Some(stop) = stop {
            let stop = method.last_stop(&point, &step, stop, trace);
            return Ok((point.into(), stop));
        }
        match method.advance(&point, step, trace.iterations()) {
            ControlFlow::Continue(next) => point = next,
            ControlFlow::Break(stop) => return Ok((point.into(), stop)),
        }
    }
}
