//! The way to the maximum of a likelihood, where one parameter may be held fixed.

use crate::backend::contract::Backend;
use crate::backend::error::Error;
use crate::backend::model::Model;
use crate::inference::information::{Information, MAX_SUMS, add_lower};
use crate::inference::optimum;
use crate::linalg::cholesky::Cholesky;
use crate::linalg::vectors::{add_multiple, dot, widen};
use crate::numbers::float::Float;
use crate::numbers::gram::{add_gram, padded};
use crate::objective::Objective;
use crate::objective::data::batches::BATCH;

/// Where few rows are beside the columns, leverages change along the way, and steps gain a digit in ten or
/// twenty iterations.
const MAX_ITERATIONS: usize = 1000;
const MAX_HALVINGS: usize = 30;
/// Shorter steps than this share lead nowhere.
const MIN_LENGTH: f64 = 1e-2;
/// A point this many standard errors from the maximum is the maximum; in `f32` what rounding hides is
/// added.
const TOLERANCE: f64 = 1e-10;
/// Of gains below this many roundings of the likelihood, the gradient tells and the likelihood does not.
const ROUNDINGS: f64 = 16.0;

/// A log-likelihood, with Jeffreys' prior or without.
///
/// ```text
/// ℓ*(θ) = ℓ(θ) + ½ ln |I(θ)|        U* = Σᵢ (ωᵢ (yᵢ - pᵢ) + hᵢ (½ - pᵢ)) aᵢ
/// ```
///
/// with the leverages `hᵢ`. Source: Firth, *Bias reduction of maximum likelihood estimates* (1993);
/// Heinze and Schemper, *A solution to the problem of separation in logistic regression* (2002).
pub(super) struct Ascent<'o, 'a, B: Backend + ?Sized> {
    pub(super) objective: &'o mut Objective<'a, B>,
    /// The total weight as the caller gave the weights.
    pub(super) total: f64,
    pub(super) has_prior: bool,
}

/// What is known at a point.
pub(super) struct Local {
    pub(super) at: Vec<f64>,
    /// The log-likelihood.
    pub(super) value: f64,
    /// Its gradient.
    pub(super) score: Vec<f64>,
    pub(super) information: Information,
    /// With a prior, the factor of the curvature on whitened rows.
    curvature: Option<Cholesky>,
    /// The square of the distance that rounding may hide, in standard errors.
    hidden: f64,
    /// By how much the value may be off.
    rounding: f64,
}

/// What the prior adds.
struct Prior {
    score: Vec<f64>,
    /// The factor of the curvature with it, on whitened rows.
    curvature: Cholesky,
}

/// What one sum for the prior works with and comes to.
struct PriorSums {
    whitened: Vec<f64>,
    score: Vec<f64>,
    gram: Vec<f64>,
}

impl PriorSums {
    fn new(dimension: usize) -> Self {
        let order = padded(dimension);
        let (whitened, gram) = (vec![0.0; BATCH * order], vec![0.0; order * order]);
        Self { whitened, score: vec![0.0; dimension], gram }
    }
}

impl<B: Backend + ?Sized> Ascent<'_, '_, B> {
    /// The likelihood at some parameters.
    pub(super) fn local(&mut self, at: &[f64]) -> Result<Local, Error> {
        let narrowed = at.iter().map(|&x| B::Scalar::narrow(x)).collect();
        let evaluation = optimum::evaluated(self.objective, narrowed)?;
        let information = Information::new(self.objective, &evaluation.at, self.total)?;
        let hidden = optimum::hidden(self.objective, &evaluation, &information);
        let (at, loss, basis) = (&evaluation.at, evaluation.loss, information.basis());
        let mut rounding = self.total * self.objective.rounding_of_loss(at, loss, basis);
        // Logits that are off by δ change the logarithm of the determinant by less than δ per parameter.
        let of_logits = self.objective.rounding_of_logits(at, basis).sqrt();
        rounding += if self.has_prior { information.rank() as f64 * of_logits } else { 0.0 };
        let mut value = -self.total * loss;
        let mut score: Vec<f64> =
            widen(&evaluation.gradient).iter().map(|slope| -self.total * slope).collect();
        let (at, mut curvature) = (widen(&evaluation.at), None);
        if self.has_prior {
            let prior = self.prior(&at, &information);
            value += information.log_determinant() / 2.0;
            add_multiple(&mut score, 1.0, &prior.score);
            curvature = Some(prior.curvature);
        }
        Ok(Local { at, value, score, information, curvature, hidden, rounding })
    }

    /// The gradient of the prior, `Σᵢ hᵢ (½ - pᵢ) aᵢ`, and the curvature with it, in a pass.
    fn prior(&self, at: &[f64], information: &Information) -> Prior {
        let data = &self.objective.data;
        let (dimension, d) = (information.dimension(), data.ncols());
        let order = padded(dimension);
        let intercept = at.get(d).copied().unwrap_or(0.0);
        let model = Model { weights: at[..d].to_vec(), intercept };
        let count = (data.x.nrows() / (4 * order)).clamp(1, data.segments().min(MAX_SUMS));
        let mut partials: Vec<_> = (0..count).map(|_| PriorSums::new(dimension)).collect();
        data.for_each_batch(&model, &mut partials, |sums, batch| {
            let mut filled = 0;
            let rows = batch.rows().filter(|row| row.weight > 0.0);
            for (row, whitened) in rows.zip(sums.whitened.chunks_exact_mut(order)) {
                let leverage = information.leverage(&row, &mut whitened[..dimension]);
                let by = leverage * (0.5 - row.probability());
                add_multiple(&mut sums.score, by, row.x);
                if let Some(intercept) = sums.score.get_mut(d) {
                    *intercept += by;
                }
                let root = (leverage * row.curvature() / information.total).sqrt();
                whitened[..dimension].iter_mut().for_each(|x| *x *= root);
                filled += order;
            }
            add_gram(&sums.whitened[..filled], &mut sums.gram, order);
        });
        let mut sums = vec![0.0; dimension * (dimension + 1)];
        for partial in &partials {
            add_multiple(&mut sums[..dimension], 1.0, &partial.score);
            add_lower(&partial.gram, order, &mut sums[dimension..], dimension);
        }
        data.peers().sum(&mut sums);
        let mut curvature = sums.split_off(dimension);
        curvature.iter_mut().step_by(dimension + 1).for_each(|element| *element += 1.0);
        Prior { score: sums, curvature: Cholesky::new(curvature, dimension) }
    }

    /// The maximum, from some parameters on; one of them may stay where it is.
    ///
    /// By Newton's method, whose steps are halved until they gain. With the prior, the curvature is
    /// `J = Σᵢ (ωᵢ + hᵢ) pᵢ (1 - pᵢ) aᵢ aᵢᵀ`, as if leverages were constant. Steps by the information alone would
    /// be twice too long where leverages are near 1.
    pub(super) fn maximum(&mut self, start: &[f64], fixed: Option<usize>) -> Result<Local, Error> {
        let (mut here, mut length) = (self.local(start)?, 1.0);
        for _ in 0..MAX_ITERATIONS {
            let step = here.step(fixed);
            let gain = dot(&step, &here.score);
            if gain <= TOLERANCE * TOLERANCE + here.hidden {
                return Ok(here);
            }
            if gain > ROUNDINGS * here.rounding {
                let Some(next) = self.better(&here, &step)? else { break };
                here = next;
                continue;
            }
            let mut at = here.at.clone();
            add_multiple(&mut at, length, &step);
            let next = self.local(&at)?;
            // Where the gradient has turned, the step was too long.
            let turned = dot(&step, &next.score) / gain;
            let shorter = length / (1.0 - turned.min(0.0));
            if dot(&next.step(fixed), &next.score) < gain {
                here = next;
            } else if shorter > 0.99 * length || length < MIN_LENGTH {
                return Ok(here);
            }
            length = shorter;
        }
        Err(Error::NotConverged { what: "the maximum of a likelihood", iterations: MAX_ITERATIONS })
    }

    /// The end of a step, or of the first half of it that gains.
    fn better(&mut self, here: &Local, step: &[f64]) -> Result<Option<Local>, Error> {
        let mut by = 1.0;
        for _ in 0..MAX_HALVINGS {
            let mut at = here.at.clone();
            add_multiple(&mut at, by, step);
            // A step too far may leave the range of the precision.
            match self.local(&at) {
                Ok(next) if next.value > here.value => return Ok(Some(next)),
                Ok(_) | Err(Error::NonFiniteLogit { .. } | Error::InitialLoss { .. }) => by /= 2.0,
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}

impl Local {
    /// The step, with one parameter held fixed: `J⁻¹ (U + λ e)` with λ such that it does not move.
    fn step(&self, fixed: Option<usize>) -> Vec<f64> {
        let curvature = self.curvature.as_ref();
        let mut step = self.information.solved(&self.score, curvature);
        if let Some(j) = fixed {
            let column = self.information.solved(&self.unit(j), curvature);
            let by = -step[j] / column[j];
            add_multiple(&mut step, by, &column);
            step[j] = 0.0;
        }
        step
    }

    fn unit(&self, j: usize) -> Vec<f64> {
        let mut unit = vec![0.0; self.at.len()];
        unit[j] = 1.0;
        unit
    }

    /// The standard error of a parameter.
    pub(super) fn standard_error(&self, j: usize) -> f64 {
        self.information.solved(&self.unit(j), None)[j].sqrt()
    }
}
