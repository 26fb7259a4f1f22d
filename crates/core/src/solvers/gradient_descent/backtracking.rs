//! Gradient descent with a backtracking search for the rate.

use num_traits::Float as _;

use crate::backend::contract::Backend;
use crate::backend::error::Error;
use crate::numbers::float::Float;
use crate::objective::Objective;
use crate::objective::evaluation::Evaluation;
use crate::progress::report::StopReason;
use crate::progress::state::SolverState;
use crate::progress::trace::Trace;

/// The name in checkpoints.
pub(crate) const NAME: &str = "GradientDescent with backtracking";

/// The share of the decrease promised by the slope that a step must bring. A rate of the inverse
/// curvature brings it.
const ARMIJO_C1: f64 = 0.5;
/// The factor by which the first rate exceeds the last one, and by which a rate that is too large
/// is divided.
const BACKTRACKING_FACTOR: f64 = 2.0;

/// Descends along the gradient until none of its components exceeds the tolerance, or only rounding
/// is left. The loss falls in every iteration.
pub(crate) fn minimize<B: Backend + ?Sized>(
    (iterations, tolerance): (usize, f64),
    objective: &mut Objective<'_, B>,
    start: Vec<B::Scalar>,
    trace: &mut Trace<'_, B::Scalar>,
) -> Result<(Evaluation<B::Scalar>, StopReason), Error> {
    let saved = trace.resume(NAME, &start)?;
    let mut point = objective.evaluate(start);
    let mut rate = match saved {
        Some(Rate { rate }) => rate,
        // A loss cannot fall by more than itself.
        None => point.loss / slope(&point.gradient),
    };
    loop {
        trace.record(objective, &point)?;
        if point.gradient_norm() <= tolerance {
            return Ok((point, StopReason::Converged));
        }
        if trace.iterations() == 0 {
            check_slope(&point.gradient, objective.ncols())?;
        }
        if let Some(stop) = trace.proceed_from(objective, iterations, NAME, || Rate { rate }) {
            return Ok((point, stop));
        }
        match search(objective, &point, rate) {
            Some((next, found)) => (point, rate) = (next, BACKTRACKING_FACTOR * found),
            None => return Ok((point, StopReason::PrecisionLimit)),
        }
    }
}

/// The point at the first rate, from `rate` down, that meets the Armijo condition. `None` where the
/// decrease would be less than the rounding of the loss.
fn search<B: Backend + ?Sized>(
    objective: &mut Objective<'_, B>,
    from: &Evaluation<B::Scalar>,
    mut rate: f64,
) -> Option<(Evaluation<B::Scalar>, f64)> {
    let slope = slope(&from.gradient);
    let rounding = B::Scalar::epsilon().widen() * from.loss;
    while ARMIJO_C1 * rate * slope > rounding {
        let moved = |(at, g): (&B::Scalar, &B::Scalar)| at.widen() - rate * g.widen();
        let at = from.at.iter().zip(&from.gradient).map(moved).map(B::Scalar::narrow);
        let next = objective.evaluate(at.collect::<Vec<_>>());
        if next.loss <= from.loss - ARMIJO_C1 * rate * slope {
            return Some((next, rate));
        }
        rate /= BACKTRACKING_FACTOR;
    }
    None
}

/// Fails if the squares of slopes are out of range, because no rate would follow from them. The
/// error names the steepest column.
fn check_slope<F: Float>(gradient: &[F], columns: usize) -> Result<(), Error> {
    let steepest = (0..columns).max_by(|&i, &j| {
        let size = |k: usize| gradient[k].widen().abs();
        size(i).total_cmp(&size(j))
    });
    match steepest {
        Some(column) if !gradient[column].is_zero() && !slope(gradient).is_normal() => {
            Err(Error::ColumnSize { column, precision: "f64" })
        }
        _ => Ok(()),
    }
}

/// The decrease of the loss down the gradient, per unit of the rate.
fn slope<F: Float>(gradient: &[F]) -> f64 {
    gradient.iter().map(|g| g.widen().powi(2)).sum()
}

/// The state that passes from one iteration to the next.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Rate {
    rate: f64,
}

impl SolverState for Rate {}
