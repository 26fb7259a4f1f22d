//! The objective at a temperature, for offsets so large that no row of it is curved.
//!
//! ```text
//! T · mean cross_entropy((x·w + o)/T, y) + l1 |w|₁ + l2/2 |w|²
//!   = T · (mean cross_entropy(x·u + o/T, y) + l1 |u|₁ + T l2/2 |u|²)        w = T u
//! ```
//!
//! As T falls to 1 this becomes the objective itself, and at every T it is a fit like any other: of
//! smaller offsets and a larger ridge. Where T is of the size of the logits second derivatives tell
//! where to go, and the minimum is near that of the next T. (The same idea as deterministic
//! annealing: Rose, *Deterministic annealing for clustering, compression, classification, regression
//! and related optimization problems*, 1998.)

use std::ops::ControlFlow;

use super::{Objective, Penalty};
use crate::{Backend, Error, Float, Model, Progress, StopReason, Trace};

/// Rows that lie on the wrong sides by more than this in the mean make an objective too cold.
const SATURATED_LOSS: f64 = 8.0;
/// At the first temperature they do by so much.
const FIRST_LOSS: f64 = 4.0;
/// Each temperature is this share of the one before.
const COOLING: f64 = 0.25;

impl<B: Backend + ?Sized> Objective<'_, B> {
    fn heated(&self, temperature: f64) -> Self {
        let mut observed = self.observed.clone();
        for offset in &mut observed.offsets {
            *offset = B::Scalar::narrow(offset.widen() / temperature);
        }
        let penalty = Penalty { l2: self.penalty.l2 * temperature, ..self.penalty };
        let coordinates = self.coordinates.clone();
        let heated = Self::over(self.x, self.shard, self.rows, observed, penalty, coordinates);
        let (basis, rows_read) = (self.basis.clone(), self.rows_read.clone());
        Self { basis, rows_read, ..heated }
    }

    /// Where offsets are too large for second derivatives, comes near the minimum by way of higher
    /// temperatures, at each of which `solve` makes a few steps.
    pub(crate) fn cool(
        &mut self,
        at: &mut [B::Scalar],
        solve: impl Fn(
            &mut Self,
            &mut [B::Scalar],
            &mut Trace<'_, B::Scalar>,
        ) -> Result<StopReason, Error>,
    ) {
        let null = self.null_model();
        if null.loss <= SATURATED_LOSS {
            return;
        }
        let loss = self.evaluate(at, &mut at.to_vec());
        if loss <= SATURATED_LOSS {
            return;
        }
        if let Some(null) = self.better_start(at, loss) {
            at.copy_from_slice(&null);
        }
        let mut temperature = null.loss / FIRST_LOSS;
        let mut before: Option<Vec<f64>> = None;
        while temperature > 1.0 {
            let start = extrapolated(at, before.as_deref());
            before = Some(at.iter().map(|at| at.widen()).collect());
            let mut near: Vec<_> =
                start.iter().map(|at| B::Scalar::narrow(at / temperature)).collect();
            self.heated(temperature).approach(&mut near, &solve);
            let cooled = near.iter().map(|near| B::Scalar::narrow(near.widen() * temperature));
            at.iter_mut().zip(cooled).for_each(|(at, cooled)| *at = cooled);
            temperature *= COOLING;
        }
    }

    /// Moves to about the minimum, of which nobody is told.
    fn approach(
        &mut self,
        at: &mut [B::Scalar],
        solve: impl Fn(
            &mut Self,
            &mut [B::Scalar],
            &mut Trace<'_, B::Scalar>,
        ) -> Result<StopReason, Error>,
    ) {
        let mut observe = |_: &Progress<'_, B::Scalar>| ControlFlow::Continue(());
        let mut trace = Trace::new(self, Model::zero(self.ncols()), &mut observe);
        let mut near = at.to_vec();
        // Whatever is wrong here may be right with the objective that is meant.
        if solve(self, &mut near, &mut trace).is_ok() {
            at.copy_from_slice(&near);
        }
    }
}

/// The minima of small temperatures lie on a line; what is 0 stays there.
fn extrapolated<F: Float>(at: &[F], before: Option<&[f64]>) -> Vec<f64> {
    let at = at.iter().map(|at| at.widen());
    let Some(before) = before else { return at.collect() };
    let next = |(at, before): (f64, &f64)| match at == 0.0 || *before == 0.0 {
        true => at,
        false => at + COOLING * (at - before),
    };
    at.zip(before).map(next).collect()
}
