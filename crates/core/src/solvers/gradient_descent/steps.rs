//! The steps of gradient descent.

use crate::linalg::vectors::all_sound;
use crate::numbers::float::Float;
use crate::progress::state::SolverState;

/// The rule that turns a gradient into a step.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) enum Step {
    Plain,
    Momentum(f64),
    Nesterov,
    Adaptive,
}

/// What the rule remembers of the steps before.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct State<F> {
    pub(super) kind: Step,
    /// The last step with momentum; the last point before extrapolation with Nesterov's rule; the
    /// last point with the adaptive rule; else empty.
    last: Vec<F>,
    /// The last gradient, if the rule needs it.
    gradient: Vec<F>,
    /// Nesterov's `t`, from which his momentum follows.
    t: f64,
    /// The last rate chosen, and its ratio to the one before.
    rate: f64,
    growth: Option<f64>,
}

impl<F: Float> State<F> {
    pub(super) fn new(kind: Step, parameters: usize) -> Self {
        let zeros = |needed: bool| vec![F::zero(); if needed { parameters } else { 0 }];
        Self {
            kind,
            last: zeros(kind != Step::Plain),
            gradient: zeros(kind == Step::Adaptive),
            t: 0.0,
            rate: 0.0,
            growth: None,
        }
    }

    /// The same state in another precision.
    pub(super) fn cast<G: Float>(&self) -> State<G> {
        let cast = |values: &[F]| values.iter().map(|value| G::narrow(value.widen())).collect();
        let (last, gradient) = (cast(&self.last), cast(&self.gradient));
        State { kind: self.kind, last, gradient, t: self.t, rate: self.rate, growth: self.growth }
    }

    pub(super) fn step(&mut self, rate: F, at: &mut [F], gradient: &[F]) {
        match self.kind {
            Step::Plain => descend(at, rate, gradient),
            Step::Momentum(momentum) => {
                let momentum = F::narrow(momentum);
                for ((at, last), &slope) in at.iter_mut().zip(&mut self.last).zip(gradient) {
                    *last = momentum * *last - rate * slope;
                    *at += *last;
                }
            }
            Step::Nesterov => self.accelerated(rate, at, gradient),
            Step::Adaptive => {
                let rate = self.adapted(at, gradient);
                self.last.copy_from_slice(at);
                self.gradient.copy_from_slice(gradient);
                descend(at, F::narrow(rate), gradient);
            }
        }
    }

    fn accelerated(&mut self, rate: F, at: &mut [F], gradient: &[F]) {
        let first = self.t == 0.0;
        let uphill =
            at.iter().zip(&self.last).zip(gradient).fold(0.0, |sum, ((at, last), slope)| {
                sum + slope.widen() * (*at - rate * *slope - *last).widen()
            });
        if first || uphill > 0.0 {
            self.t = 1.0;
        }
        let next = (1.0 + (1.0 + 4.0 * self.t * self.t).sqrt()) / 2.0;
        let momentum = F::narrow((self.t - 1.0) / next);
        for ((at, last), &slope) in at.iter_mut().zip(&mut self.last).zip(gradient) {
            let new = *at - rate * slope;
            *at = new + momentum * (new - *last);
            *last = new;
        }
        self.t = next;
    }

    /// The next rate: `min(√(1 + growth) · rate, |Δ parameters| / (2 |Δ gradient|))`.
    fn adapted(&mut self, at: &[F], gradient: &[F]) -> f64 {
        let distance = |a: &[F], b: &[F]| -> f64 {
            a.iter().zip(b).map(|(a, b)| (a.widen() - b.widen()).powi(2)).sum::<f64>().sqrt()
        };
        let rate = if self.rate == 0.0 {
            FIRST_STEP / distance(gradient, &self.gradient)
        } else {
            let straight = distance(at, &self.last) / (2.0 * distance(gradient, &self.gradient));
            let most =
                self.growth.map_or(f64::INFINITY, |growth| (1.0 + growth).sqrt() * self.rate);
            let rate = straight.min(most);
            self.growth = Some(rate / self.rate);
            rate
        };
        self.rate = rate;
        rate
    }
}

impl SolverState for State<f64> {
    fn is_sound(&self, dimension: usize) -> bool {
        let new = Self::new(self.kind, dimension);
        all_sound([&self.last[..]], new.last.len())
            && all_sound([&self.gradient[..]], new.gradient.len())
    }
}

/// The length of the first step, before anything is known about the curvature.
const FIRST_STEP: f64 = 1e-4;

fn descend<F: Float>(at: &mut [F], rate: F, gradient: &[F]) {
    for (parameter, &slope) in at.iter_mut().zip(gradient) {
        *parameter -= rate * slope;
    }
}
