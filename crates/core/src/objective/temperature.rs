//! The objective at a temperature, for offsets so large that no row of it is curved, and weights so
//! far apart that Newton's steps would go from one row to the next.
//!
//! ```text
//! T · Σᵢ ωᵢ^(1/T) cross_entropy((xᵢ·w + oᵢ)/T, yᵢ) / Σᵢ ωᵢ^(1/T)  +  l1 |w|₁ + l2/2 |w|²
//!   = T · (the same with u, oᵢ/T and T l2 in the place of w, oᵢ and l2, and without T)     w = T u
//! ```
//!
//! As T falls to 1 this becomes the objective itself, and at every T it is a fit like any other: of
//! smaller offsets, weights that are nearer to each other, and a larger ridge. Weights are powers, since
//! far from the boundary a row's term is `exp(ln ωᵢ - |zᵢ|)`. Where T is of the size of these exponents
//! second derivatives tell where to go, and the minimum is near that of the next T. (The idea is that
//! of deterministic annealing: Rose, *Deterministic annealing for clustering, compression,
//! classification, regression, and related optimization problems*, 1998.)

use std::ops::ControlFlow;

use super::{Objective, Penalty};
use crate::quasi_newton::widen;
use crate::{Backend, Error, Float, Model, Progress, StopReason, Trace};

/// Rows that lie on the wrong sides by more than this in the mean make an objective too cold.
const SATURATED_LOSS: f64 = 8.0;
/// At the first temperature they do by so much.
const FIRST_LOSS: f64 = 4.0;
/// So may the logarithms of weights be apart,
const WEIGHT_RANGE: f64 = 24.0;
/// and at the first temperature they are.
const FIRST_RANGE: f64 = 8.0;
/// At every temperature a row near the boundary may have so much to gain.
const COOLING_TOLERANCE: f64 = 0.3;
/// Each temperature is this share of the one before,
const COOLING: f64 = 0.25;
/// or more where that is too far to go, but no more than this.
const LEAST_COOLING: f64 = 0.7;

impl<B: Backend + ?Sized> Objective<'_, B> {
    fn heated(&self, temperature: f64) -> Self {
        let mut observed = self.observed.clone();
        for offset in &mut observed.offsets {
            *offset = B::Scalar::narrow(offset.widen() / temperature);
        }
        let largest = self.peers().max(self.own_largest_weight());
        for weight in &mut observed.weights {
            *weight = B::Scalar::narrow((weight.widen() / largest).powf(1.0 / temperature));
        }
        let penalty = Penalty { l2: self.penalty.l2 * temperature, ..self.penalty };
        let coordinates = self.coordinates.clone();
        let heated = Self::over(self.x, self.shard, self.rows, observed, penalty, coordinates);
        let (basis, rows_read) = (self.basis.clone(), self.rows_read.clone());
        Self { basis, rows_read, ..heated }
    }

    /// 1 where there is no need of another.
    fn first_temperature(&self) -> f64 {
        let (loss, range) = (self.null_model().loss, self.range_of_log_weights());
        let of_loss = if loss > SATURATED_LOSS { loss / FIRST_LOSS } else { 1.0 };
        let of_weights = if range > WEIGHT_RANGE { range / FIRST_RANGE } else { 1.0 };
        of_loss.max(of_weights)
    }

    /// How far the logarithms of the weights of rows that count are apart.
    fn range_of_log_weights(&self) -> f64 {
        let logs = self.observed.weights.iter().map(|weight| weight.widen().ln());
        let counting = logs.filter(|log| log.is_finite());
        let [least, most] = counting
            .fold([f64::INFINITY, f64::NEG_INFINITY], |[least, most], log| {
                [log.min(least), log.max(most)]
            });
        (self.peers().max(most) + self.peers().max(-least)).max(0.0)
    }

    /// Where offsets are too large or weights too far apart for Newton's steps, comes near the minimum
    /// by way of higher temperatures, at each of which `solve` makes a few steps, to a tolerance.
    pub(crate) fn cool(
        &mut self,
        at: &mut [B::Scalar],
        solve: impl Fn(
            &mut Self,
            &mut [B::Scalar],
            &mut Trace<'_, B::Scalar>,
            f64,
        ) -> Result<StopReason, Error>,
    ) {
        let mut temperature = self.first_temperature();
        if temperature <= 1.0 {
            return;
        }
        let loss = self.evaluate(at, &mut at.to_vec());
        if let Some(null) = self.better_start(at, loss) {
            at.copy_from_slice(&null);
        }
        let mut minima = Minima { last: (temperature, widen(at)), before: None };
        while temperature > 1.0 {
            let start = minima.extrapolated(temperature).into_iter();
            let mut near: Vec<_> = start.map(|at| B::Scalar::narrow(at / temperature)).collect();
            let mut heated = self.heated(temperature);
            let mut observe = |_: &Progress<'_, B::Scalar>| ControlFlow::Continue(());
            let mut trace = Trace::new(&heated, Model::zero(self.ncols()), &mut observe);
            let tolerance = self.cooling_tolerance(loss / temperature);
            // Whatever is wrong here may be right with the objective that is meant.
            let stop = solve(&mut heated, &mut near, &mut trace, tolerance);
            let found = matches!(stop, Ok(StopReason::Converged | StopReason::PrecisionLimit));
            let last = minima.last.0;
            if found || temperature > LEAST_COOLING * last {
                let minimum = near.iter().map(|near| near.widen() * temperature).collect();
                minima.push(temperature, minimum);
                temperature = (COOLING * temperature).max(1.0);
            } else {
                // It was too far to go.
                temperature = (temperature * last).sqrt();
            }
        }
        let mut least = f64::INFINITY;
        for candidate in [minima.extrapolated(1.0), minima.last.1] {
            let candidate: Vec<_> = candidate.into_iter().map(B::Scalar::narrow).collect();
            let loss = self.evaluate(&candidate, &mut candidate.clone());
            if loss < least {
                least = loss;
                at.copy_from_slice(&candidate);
            }
        }
    }

    /// The share of the loss to which to converge where few rows are near the boundary, as many as
    /// there are parameters, and the losses of the others are all but straight lines.
    fn cooling_tolerance(&self, loss: f64) -> f64 {
        let curved = self.dimension() as f64 / self.nrows() as f64;
        COOLING_TOLERANCE * curved.min(1.0) / loss.max(1.0)
    }
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
