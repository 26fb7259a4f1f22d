//! Orthant-wise L-BFGS, for an L1 penalty and more parameters than second derivatives can be had of.

use std::collections::VecDeque;

use crate::checkpoint::{Saved, all_sound};
use crate::elastic_net::{ElasticNet, Limits, Point, least_subgradient};
use crate::error::check_setting;
use crate::memory::Stall;
use crate::quadratic::{add_multiple, dot};
use crate::{Backend, Error, Float, Lbfgs, Objective, Solver, StopReason, Trace};

/// The orthant-wise limited-memory quasi-Newton method (OWL-QN), on columns scaled and centred, for
/// an L1 penalty and more parameters than [`ProximalNewton`](crate::ProximalNewton) can take.
///
/// A step stays where no weight changes its sign, so that the penalty is linear along it; a weight
/// that would change it becomes 0. The inverse curvature is that of the weights free to move. An
/// iteration costs one or a few reads of the data, and of a sparse matrix only what it stores.
/// Without an L1 penalty this is [`Lbfgs`].
///
/// On columns that are strongly correlated, or classes nearly told apart, it can need thousands of
/// iterations, or end at the maximum: the report says so.
///
/// Source: Andrew and Gao, *Scalable training of L1-regularized log-linear models* (2007).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OrthantWise {
    max_iterations: usize,
    tolerance: f64,
    memory: usize,
}

impl Default for OrthantWise {
    fn default() -> Self {
        Self { max_iterations: 10_000, tolerance: 1e-6, memory: 10 }
    }
}

impl OrthantWise {
    /// At most 10 000 iterations, to a relative tolerance of 1e-6, remembering 10 steps.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many iterations to make at most. Default: 10 000.
    pub fn max_iterations(mut self, max_iterations: usize) -> Self {
        self.max_iterations = max_iterations;
        self
    }

    /// Stop once the loss is known to lie at most this far above its minimum, as a share of itself.
    /// 0 or positive, and finite. Default: 1e-6.
    ///
    /// The bound is that of [`ProximalNewton::tolerance`](crate::ProximalNewton::tolerance), far
    /// above what is true near the minimum.
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// How many steps to remember, at least 1. Default: 10.
    pub fn memory(mut self, memory: usize) -> Self {
        self.memory = memory;
        self
    }
}

impl Solver for OrthantWise {
    fn check<F: Float>(&self) -> Result<(), Error> {
        check_setting("memory", self.memory, self.memory > 0, "at least 1")?;
        let holds = self.tolerance >= 0.0 && self.tolerance.is_finite();
        check_setting("tolerance", self.tolerance, holds, "0 or positive, and finite")
    }

    fn accepts_l1(&self) -> bool {
        true
    }

    fn minimize<B: Backend + ?Sized>(
        &self,
        objective: &mut Objective<'_, B>,
        at: &mut [B::Scalar],
        trace: &mut Trace<'_, B::Scalar>,
    ) -> Result<StopReason, Error> {
        if objective.l1() == 0.0 {
            let lbfgs = Lbfgs::new().max_iterations(self.max_iterations).memory(self.memory);
            return lbfgs.tolerance(self.tolerance).minimize(objective, at, trace);
        }
        let limits = Limits { iterations: self.max_iterations, tolerance: self.tolerance };
        let basis = objective.basis()?;
        let past = match trace.resume("OrthantWise")? {
            Some(Saved::OrthantWise(past)) => past,
            _ => Past::default(),
        };
        let mut net = ElasticNet::new(objective, basis);
        net.stall = past.stall;
        let mut descent = Descent { net, past, capacity: self.memory };
        let mut point = descent.net.evaluate(at.to_vec());
        let stop = descent.descend(&mut point, limits, trace);
        at.copy_from_slice(&point.at);
        stop
    }
}

/// p (1 - p) is at most this.
const MOST_CURVATURE: f64 = 0.25;

/// The loop.
struct Descent<'o, 'a, B: Backend + ?Sized> {
    net: ElasticNet<'o, 'a, B>,
    past: Past,
    /// How many steps to remember.
    capacity: usize,
}

/// All that goes from one iteration to the next, beside the point.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Past {
    memory: Memory,
    /// That of the net, where this is saved.
    stall: Stall,
}

impl Past {
    pub(crate) fn is_sound(&self, dimension: usize) -> bool {
        let vectors = self.memory.steps.iter().flat_map(|(step, change)| [&step[..], change]);
        all_sound(vectors, dimension)
    }
}

impl<B: Backend + ?Sized> Descent<'_, '_, B> {
    fn descend(
        &mut self,
        point: &mut Point<B::Scalar>,
        limits: Limits,
        trace: &mut Trace<'_, B::Scalar>,
    ) -> Result<StopReason, Error> {
        loop {
            let past = &self.past;
            let save = |stall| Saved::OrthantWise(Past { stall, ..past.clone() });
            if let Some(stop) = self.net.proceed(point, limits, trace, save)? {
                return Ok(stop);
            }
            let slopes = point.gradient.iter().zip(&point.v).zip(&self.net.l1);
            let slopes: Vec<f64> =
                slopes.map(|((&g, &v), &l1)| least_subgradient(g, v, l1)).collect();
            let step = self.step(&slopes, &point.v);
            if self.net.is_exhausted(point, dot(&slopes, &step)) {
                if self.past.memory.steps.is_empty() {
                    return Ok(StopReason::PrecisionLimit);
                }
                // The curvature remembered promises nothing; without it there may be more.
                self.past.memory.steps.clear();
                continue;
            }
            let l1 = self.net.l1.clone();
            let path = |length: f64| {
                let along = |j: usize| {
                    let (from, to) = (point.v[j], point.v[j] - length * step[j]);
                    let sign = if from == 0.0 { -slopes[j] } else { from };
                    if l1[j] > 0.0 && to * sign <= 0.0 { 0.0 } else { to }
                };
                let to: Vec<f64> = (0..step.len()).map(along).collect();
                let gain = to.iter().zip(&point.v).zip(&slopes).map(|((to, v), g)| (v - to) * g);
                let gain = gain.sum();
                (to, gain)
            };
            let Some(next) = self.net.search(point, path) else {
                if self.past.memory.steps.is_empty() {
                    return Ok(StopReason::PrecisionLimit);
                }
                // The remembered curvature can point uphill in every weight by itself.
                self.past.memory.steps.clear();
                continue;
            };
            self.past.memory.push(point, &next, self.capacity);
            *point = next;
        }
    }

    /// The inverse curvature times the slopes, where that is downhill in each weight by itself.
    fn step(&self, slopes: &[f64], v: &[f64]) -> Vec<f64> {
        let free: Vec<bool> = slopes.iter().zip(v).map(|(g, v)| *g != 0.0 || *v != 0.0).collect();
        let otherwise = 1.0 / (MOST_CURVATURE + self.net.objective.l2());
        let mut step = self.past.memory.solve(slopes, &free, otherwise);
        for ((step, slope), l1) in step.iter_mut().zip(slopes).zip(&self.net.l1) {
            if *l1 > 0.0 && *step * slope <= 0.0 {
                *step = 0.0;
            }
        }
        step
    }
}

/// The last steps with the changes of the smooth gradient along them.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Memory {
    steps: VecDeque<(Vec<f64>, Vec<f64>)>,
}

impl Memory {
    fn push<F: Float>(&mut self, from: &Point<F>, to: &Point<F>, capacity: usize) {
        let difference = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a - b).collect();
        self.steps
            .push_back((difference(&to.v, &from.v), difference(&to.gradient, &from.gradient)));
        let excess = self.steps.len().saturating_sub(capacity);
        self.steps.drain(..excess);
    }

    /// The inverse curvature among the free coordinates times `slopes`, by two loops over the steps
    /// (Nocedal and Wright, *Numerical Optimization*, 2nd ed. 2006, algorithm 7.4), or `otherwise`
    /// times `slopes` where no step has shown any.
    fn solve(&self, slopes: &[f64], free: &[bool], otherwise: f64) -> Vec<f64> {
        let product = |a: &[f64], b: &[f64]| -> f64 {
            a.iter().zip(b).zip(free).map(|((a, b), free)| if *free { a * b } else { 0.0 }).sum()
        };
        let mut direction = slopes.to_vec();
        let mut scale = None;
        let mut shares = Vec::new();
        for (step, change) in self.steps.iter().rev() {
            let (seen, length) = (product(step, change), product(change, change));
            // Rounding, or the coordinates left out, can leave no curvature along a step.
            if seen > f64::EPSILON * (product(step, step) * length).sqrt() {
                let share = product(step, &direction) / seen;
                add_multiple(&mut direction, -share, change);
                scale.get_or_insert(seen / length);
                shares.push((share, seen, step, change));
            }
        }
        let scale = scale.unwrap_or(otherwise);
        direction.iter_mut().zip(free).for_each(|(x, free)| *x *= if *free { scale } else { 0.0 });
        for (share, seen, step, change) in shares.into_iter().rev() {
            let other = product(change, &direction) / seen;
            add_multiple(&mut direction, share - other, step);
        }
        direction
    }
}
