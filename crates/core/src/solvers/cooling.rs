//! Coming near the minimum by way of higher temperatures.

use std::ops::ControlFlow;

use crate::backend::contract::Backend;
use crate::backend::error::Error;
use crate::linalg::vectors::widen;
use crate::numbers::float::Float;
use crate::objective::Objective;
use crate::objective::evaluation::Evaluation;
use crate::progress::report::StopReason;
use crate::progress::trace::{Progress, Trace};

/// At every temperature a row near the boundary may have so much to gain.
const COOLING_TOLERANCE: f64 = 0.3;
/// Each temperature is this share of the one before,
const COOLING: f64 = 0.25;
/// or more where that is too far to go, but no more than this.
const LEAST_COOLING: f64 = 0.7;

/// Where offsets are too large or weights too far apart for Newton's steps, comes near the minimum
/// by way of higher temperatures, at each of which `solve` makes a few steps, to a tolerance.
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
        // Whatever is wrong here may be right with the objective that is meant.
        let minimum = solve(&mut heated, guess, &mut trace, tolerance);
        let last = minima.last.0;
        match minimum {
            Ok((point, stop)) if is_minimum(stop) || temperature > LEAST_COOLING * last => {
                let minimum = point.at.iter().map(|near| near.widen() * temperature).collect();
                minima.push(temperature, minimum);
                temperature = (COOLING * temperature).max(1.0);
            }
            Err(_) if temperature > LEAST_COOLING * last => temperature *= COOLING,
            // It was too far to go.
            _ => temperature = (temperature * last).sqrt(),
        }
    }
    let candidates = [minima.extrapolated(1.0), minima.last.1].map(|candidate| {
        let candidate: Vec<_> = candidate.into_iter().map(B::Scalar::narrow).collect();
        objective.evaluate(candidate)
    });
    let [foretold, last] = candidates;
    if last.loss < foretold.loss { last.at } else { foretold.at }
}

fn is_minimum(stop: StopReason) -> bool {
    matches!(stop, StopReason::Converged | StopReason::PrecisionLimit)
}

/// The share of the loss to which to converge where few rows are near the boundary, as many as
/// there are parameters, and the losses of the others are all but straight lines.
fn cooling_tolerance<B: Backend + ?Sized>(objective: &Objective<'_, B>, loss: f64) -> f64 {
    let curved = objective.dimension() as f64 / objective.nrows() as f64;
    COOLING_TOLERANCE * curved.min(1.0) / loss.max(1.0)
}

/// Where the minima at the last two temperatures were found.
struct Minima {
    last: (f64, Vec<f64>),
    before: Option<(f64, Vec<f64>)>,
}

impl Minima {
    fn push(&mut self, temperature: f64, minimum: Vec<f64>) {
        let start = std::mem::replace(&mut self.last, (temperature, minimum));
        // The first was no minimum.
        self.before = Some(start).filter(|start| start.0 > temperature);
    }

    /// At another temperature: the minima of small temperatures lie on a line. What is 0 stays 0.
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
