//! The loop of Newton's method and of L-BFGS, which differ in what they know of second derivatives.

use num_traits::{Float as _, Zero};

use crate::checkpoint::{Saved, all_sound};
use crate::coordinates::Coordinates;
use crate::curvature::Curvature;
use crate::memory::{Memory, Stall, difference};
use crate::quadratic::dot;
use crate::report::all_finite;
use crate::{Backend, Error, Float, Objective, StopReason, Trace};

/// How many steps Newton's methods remember, on top of second derivatives or in their place.
pub(crate) const MEMORY: usize = 10;
/// Second derivatives serve as long as a step leaves less than this share of the decrement: their sum
/// takes as long as some steps.
const SERVES: f64 = 0.3;
/// So many times more than there could be to gain by a column that depends on others is missed.
const MISSED: f64 = 4.0;
/// p (1 - p) is at most this.
pub(crate) const MOST_CURVATURE: f64 = 0.25;
/// The share of the predicted decrease that a step must bring.
const SUFFICIENT: f64 = 1e-4;
/// The loss of a model that knows nothing.
const NONE: f64 = std::f64::consts::LN_2;
/// A step that promises so many times less than another promises nothing.
const NOTHING: f64 = 1e6;

/// Where to stop, and how many steps to remember.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) iterations: usize,
    pub(crate) tolerance: f64,
    pub(crate) memory: usize,
}

/// The loop.
pub(crate) struct Descent<'o, 'a, B: Backend + ?Sized> {
    pub(crate) objective: &'o mut Objective<'a, B>,
    pub(crate) limits: Limits,
    /// The columns centred and scaled.
    pub(crate) basis: Coordinates,
    /// Where second derivatives are summed, if not over all rows.
    pub(crate) sample: Option<Objective<'a, B>>,
    pub(crate) past: Past,
}

/// All that goes from one iteration to the next, beside the point.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Past {
    base: Base,
    memory: Memory,
    /// The decrement of the step before, where it was with the same curvature.
    before: Option<f64>,
    stall: Stall,
    polished: bool,
}

/// What the curvature follows from that steps begin with.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Base {
    /// The second derivatives at some parameters, of a sample of so many rows, or of all rows where
    /// that is not much fewer.
    Derivatives { at: Vec<f64>, rows: usize },
    /// The scale of the columns: the same curvature in every direction, the largest there can be,
    /// or its inverse times this.
    Columns { scale: Option<f64> },
}

impl Past {
    pub(crate) fn new(base: Base) -> Self {
        Self {
            base,
            memory: Memory::default(),
            before: None,
            stall: Stall::default(),
            polished: false,
        }
    }

    pub(crate) fn solver(&self) -> &'static str {
        match self.base {
            Base::Derivatives { .. } => "Newton",
            Base::Columns { .. } => "Lbfgs",
        }
    }

    pub(crate) fn is_sound(&self, dimension: usize) -> bool {
        let base = match &self.base {
            Base::Derivatives { at, .. } => all_sound([&at[..]], dimension),
            Base::Columns { .. } => true,
        };
        base && self.memory.is_sound(dimension)
    }
}

/// A point with what is known there.
pub(crate) struct Point<F> {
    pub(crate) at: Vec<F>,
    pub(crate) loss: f64,
    pub(crate) gradient: Vec<F>,
}

impl<F: Float> Point<F> {
    pub(crate) fn new<B>(objective: &mut Objective<'_, B>, at: Vec<F>) -> Self
    where
        B: Backend<Scalar = F> + ?Sized,
    {
        let mut gradient = at.clone();
        let loss = objective.evaluate(&at, &mut gradient);
        Self { at, loss, gradient }
    }
}

impl<B: Backend + ?Sized> Descent<'_, '_, B> {
    pub(crate) fn run(
        mut self,
        saved: Option<Saved>,
        at: &mut [B::Scalar],
        trace: &mut Trace<'_, B::Scalar>,
    ) -> Result<StopReason, Error> {
        let mut point = self.evaluate(at.to_vec());
        if let Some(Saved::QuasiNewton(past)) = saved {
            self.resume(past);
        } else {
            // Where a start is worse than none, second derivatives can be next to nothing, and steps
            // by them lead anywhere.
            let starts_somewhere = point.at.iter().any(|at| !at.is_zero());
            if starts_somewhere && (point.loss.is_nan() || point.loss > NONE) {
                let zero = self.evaluate(vec![B::Scalar::default(); at.len()]);
                let better = zero.loss < point.loss || point.loss.is_nan();
                // What is evaluated last is what is recorded.
                point = if better { zero } else { self.evaluate(point.at) };
            }
            if let Base::Derivatives { at, .. } = &mut self.past.base {
                *at = widen(&point.at);
            }
        }
        let stop = self.descend(&mut point, trace);
        at.copy_from_slice(&point.at);
        stop
    }

    fn resume(&mut self, past: Past) {
        if let Base::Derivatives { rows, .. } = past.base {
            self.sample = self.objective.sample(rows);
        }
        self.past = past;
    }

    fn descend(
        &mut self,
        point: &mut Point<B::Scalar>,
        trace: &mut Trace<'_, B::Scalar>,
    ) -> Result<StopReason, Error> {
        trace.record(self.objective, &point.at, point.loss, &point.gradient)?;
        let mut curvature = self.curvature();
        loop {
            let gradient = widen(&point.gradient);
            let (mut step, mut decrement) = self.step(&curvature, &gradient);
            while !self.serves(&curvature, &gradient, decrement) {
                drop(curvature); // Two at once would be much memory.
                curvature = self.renewed(&point.at);
                (step, decrement) = self.step(&curvature, &gradient);
            }
            trace.estimate(decrement / 2.0);
            let near = decrement / 2.0 <= self.limits.tolerance * point.loss;
            if near && (self.past.polished || !self.is_exact()) {
                return Ok(StopReason::Converged);
            }
            let stall = self.past.stall.in_noise(decrement / 2.0, noise::<B::Scalar>(point.loss));
            if stall.is_long() {
                return Ok(StopReason::PrecisionLimit);
            }
            trace.refuse_separated(self.objective, &point.at, self.limits.iterations)?;
            // A fit resumed from here comes down to this line again without any change.
            let save = || Saved::QuasiNewton(self.past.clone());
            let (objective, iterations) = (&*self.objective, self.limits.iterations);
            if let Some(stop) = trace.proceed_from(objective, &point.at, iterations, Some(&save)) {
                return Ok(if near { StopReason::Converged } else { stop });
            }
            self.past.stall = stall;
            if near {
                // The last step squares the error where the second derivatives are exact.
                self.past.polished = true;
                drop(curvature);
                curvature = self.renewed(&point.at);
                step = curvature.solved(&gradient);
            }
            let Some(next) = self.search(point, &step, decrement) else {
                return Ok(if near { StopReason::Converged } else { StopReason::PrecisionLimit });
            };
            let along = difference(&next.at, &point.at);
            let change = difference(&next.gradient, &point.gradient);
            let epsilon = B::Scalar::epsilon().widen();
            self.past.memory.push(along, change, epsilon, self.limits.memory);
            self.past.before = Some(decrement);
            *point = next;
            trace.record(self.objective, &point.at, point.loss, &point.gradient)?;
        }
    }

    /// The step, to be subtracted, and how steeply it goes down.
    ///
    /// Second derivatives vanish where all logits are large, and the step with them. Where it
    /// promises nothing beside one down the gradient, on columns of the same scale and as short as
    /// the largest curvature asks, that one is taken.
    fn step(&self, curvature: &Curvature, gradient: &[f64]) -> (Vec<f64>, f64) {
        let step = self.past.memory.solve(curvature, gradient);
        let decrement = dot(gradient, &step);
        let most = MOST_CURVATURE * gradient.len() as f64;
        let safe = Curvature::separate(most, self.objective.l2(), &self.basis).solved(gradient);
        let least = dot(gradient, &safe);
        let serves = least <= NOTHING * decrement && decrement.is_finite();
        if serves { (step, decrement) } else { (safe, least) }
    }

    /// Whether steps by a curvature gain enough, and a sample does not miss a column by which there is
    /// more to gain.
    ///
    /// Of columns that depend on others in all rows, the squared slope is no more than their curvature
    /// times the decrement, by Cauchy and Schwarz's inequality.
    fn serves(&self, curvature: &Curvature, gradient: &[f64], decrement: f64) -> bool {
        let missed = || curvature.steepest_left_out(gradient) > MISSED * MOST_CURVATURE * decrement;
        let gains = self.past.before.is_none_or(|before| decrement <= SERVES * before);
        gains && !(self.sample.is_some() && missed())
    }

    fn evaluate(&mut self, at: Vec<B::Scalar>) -> Point<B::Scalar> {
        Point::new(self.objective, at)
    }

    /// The curvature that follows from the base.
    fn curvature(&mut self) -> Curvature {
        match &self.past.base {
            Base::Derivatives { at, .. } => {
                let at: Vec<_> = at.iter().map(|&at| B::Scalar::narrow(at)).collect();
                let rows = self.sample.as_mut().unwrap_or(self.objective);
                rows.curvature(&at, &self.basis)
            }
            Base::Columns { scale: Some(scale) } => self.most_curvature().divided(*scale),
            Base::Columns { scale: None } => self.most_curvature(),
        }
    }

    fn most_curvature(&self) -> Curvature {
        Curvature::separate(MOST_CURVATURE, self.objective.l2(), &self.basis)
    }

    /// Whether second derivatives are summed over all rows.
    fn is_exact(&self) -> bool {
        matches!(self.past.base, Base::Derivatives { .. }) && self.sample.is_none()
    }

    /// A better curvature, where steps have stopped to serve.
    fn renewed(&mut self, at: &[B::Scalar]) -> Curvature {
        self.past.base = match self.past.base {
            Base::Derivatives { rows, .. } => {
                self.past.memory.clear();
                Base::Derivatives { at: widen(at), rows: self.enlarge_sample(rows) }
            }
            Base::Columns { .. } => {
                let most = self.most_curvature();
                let scale = self.past.memory.last_scale(|change| most.solved(change));
                Base::Columns { scale }
            }
        };
        self.past.before = None;
        self.curvature()
    }

    fn enlarge_sample(&mut self, rows: usize) -> usize {
        let Some(small) = self.sample.take() else { return rows };
        let rows = 4 * small.nrows();
        self.sample = self.objective.sample(rows);
        rows
    }

    /// Steps back along the step until the loss falls as much as it should, give or take its
    /// rounding; `None` where nothing but rounding is left.
    fn search(
        &mut self,
        from: &Point<B::Scalar>,
        step: &[f64],
        decrement: f64,
    ) -> Option<Point<B::Scalar>> {
        let mut length = 1.0;
        loop {
            let along = from.at.iter().zip(step);
            let at: Vec<_> =
                along.map(|(at, step)| B::Scalar::narrow(at.widen() - length * step)).collect();
            if at == from.at {
                return None;
            }
            let next = self.evaluate(at);
            let expected = from.loss - SUFFICIENT * length * decrement;
            let rise = next.loss - expected;
            if rise <= noise::<B::Scalar>(from.loss) && all_finite(&next.gradient) {
                return Some(next);
            }
            // The minimum of the parabola through both losses and the slope, within reason.
            let parabola =
                length * decrement / (2.0 * (next.loss - from.loss + length * decrement));
            length *= if parabola.is_finite() { parabola.clamp(0.1, 0.5) } else { 0.1 };
        }
    }
}

/// By how much a loss may be off.
pub(crate) fn noise<F: Float>(loss: f64) -> f64 {
    16.0 * F::epsilon().widen() * loss
}

pub(crate) fn widen<F: Float>(values: &[F]) -> Vec<f64> {
    values.iter().map(|value| value.widen()).collect()
}
