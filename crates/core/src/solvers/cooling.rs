//! An approach to the minimum through higher temperatures.

use std::ops::ControlFlow;

use crate::backend::contract::Backend;
use crate::backend::error::Error;
use crate::linalg::vectors::widen;
use crate::numbers::float::Float;
use crate::objective::Objective;
use crate::objective::evaluation::Evaluation;
use crate::progress::report::StopReason;
use crate::progress::trace::{Progress, Trace};

/// The decrease in loss that may be left at each temperature, per row near the boundary.
const COOLING_TOLERANCE: f64 = 0.3;
/// The ratio of a temperature to the one before.
const COOLING: f64 = 0.25;
/// The largest ratio that is tried where [`COOLING`] is too far to go.
const LEAST_COOLING: f64 = 0.7;

/// Finds a start near the minimum where offsets are too large, or weights too far apart, for
/// Newton's steps. The temperature falls to 1. At each temperature above, `solve` makes a few
/// steps, to a tolerance.
pub(crate) fn cool<'a, B: Backend + ?Sized>(
    objective: &mut Objective<'a, B>,
    start: Vec<B::Scalar>,
    solve: impl Fn(
        &mut Objective<'a, B>,
        Vec<B::Scalar>,
        &mut Trace<'_, B::Scalar>,
        f64,
    ) -> Result<(Evaluation<B::Scalar>, StopReason), Error>,
) -> Vec<B::Scalar> {
    let mut temperature = objective.first_temperature();
    if temperature <= 1.0 {
        return start;
    }
    let start = objective.start(start);
    let mut minima = Minima { last: (temperature, widen(&start.at)), before: None };
    while temperature > 1.0 {
        let guess = minima.extrapolated(temperature).into_iter();
        let guess = guess.map(|at| B::Scalar::narrow(at / temperature)).collect();
        let mut heated = objective.heated(temperature);
        let mut observe = |_: &Progress<'_, B::Scalar>| ControlFlow::Continue(());
        let mut trace = Trace::aside(&heated, &mut observe);
        let tolerance = cooling_tolerance(objective, start.loss / temperature);
        // An error at this temperature need not occur with the objective itself.
        let minimum = solve(&mut heated, guess, &mut trace, tolerance).ok();
        temperature = minima.take(temperature, minimum);
    }
    let candidates = [minima.extrapolated(1.0), minima.last.1].map(|candidate| {
        let candidate: Vec<_> = candidate.into_iter().map(B::Scalar::narrow).collect();
        objective.evaluate(candidate)
    });
    let [foretold, last] = candidates;
    if last.loss < foretold.loss { last.at } else { foretold.at }
}

/// The tolerance at a temperature, as a share of the loss. About as many rows as parameters are
/// near the boundary. The losses of the other rows are almost straight lines.
fn cooling_tolerance<B: Backend + ?Sized>(objective: &Objective<'_, B>, loss: f64) -> f64 {
    let curved = objective.dimension() as f64 / objective.nrows() as f64;
    COOLING_TOLERANCE * curved.min(1.0) / loss.max(1.0)
}

/// The minima at the last two temperatures.
struct Minima {
    last: (f64, Vec<f64>),
    before: Option<(f64, Vec<f64>)>,
}

impl Minima {
    /// Keeps what was found at a temperature; returns the next one.
    fn take<F: Float>(
        &mut self,
        temperature: f64,
        found: Option<(Evaluation<F>, StopReason)>,
    ) -> f64 {
        let is_minimum = |stop| matches!(stop, StopReason::Converged | StopReason::PrecisionLimit);
        let last = self.last.0;
        let cannot_be_nearer = temperature > LEAST_COOLING * last;
        match found {
            Some((point, stop)) if is_minimum(stop) || cannot_be_nearer => {
                let minimum = point.at.iter().map(|near| near.widen() * temperature).collect();
                self.push(temperature, minimum);
                (COOLING * temperature).max(1.0)
            }
            None if cannot_be_nearer => (COOLING * temperature).max(1.0),
            // The temperature fell too far.
            _ => (temperature * last).sqrt(),
        }
    }

    fn push(&mut self, temperature: f64, minimum: Vec<f64>) {
        let start = std::mem::replace(&mut self.last, (temperature, minimum));
        // The first was no minimum.
        self.before = Some(start).filter(|start| start.0 > temperature);
    }

    /// The minimum at another temperature, by extrapolation: minima at small temperatures lie on a
    /// line. Parameters that are 0 stay 0.
    fn extrapolated(&self, temperature: f64) -> Vec<f64> {
        let (last, minimum) = &self.last;
        let Some((before, start)) = &self.before else { return minimum.clone() };
        let share = (last - temperature) / (before - last);
        let next = |(at, before): (&f64, &f64)| match *at == 0.0 || *before == 0.0 {
            true => *at,
            false => at + share * (at - before),
        };
        minimum.iter().zip(start).map(next).collect()
    }
}
