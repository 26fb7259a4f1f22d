//! Newton's method and L-BFGS: one loop, with more or less of the second derivatives.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use num_traits::Float as _;

use crate::coordinates::Coordinates;
use crate::curvature::Curvature;
use crate::error::check_setting;
use crate::report::all_finite;
use crate::separation::Suspicion;
use crate::{Backend, Error, Float, Model, Objective, Progress, Solver, StopReason, Trace};

/// Newton's method, with second derivatives summed over a sample of the rows where that is enough.
///
/// Where there are many more rows than parameters, the objective over an evenly spread sample is
/// minimised first. From there every iteration reads the whole data once, for the loss and its
/// gradient; the step comes from the sample's second derivatives, corrected by what the gradients
/// seen have shown of the whole (as in L-BFGS). A sample that serves badly is replaced by one four
/// times as large. Where there are few rows the sample is all of them, and second derivatives are
/// summed anew when the old ones no longer serve.
///
/// Sources: Nocedal and Wright, *Numerical Optimization* (2nd ed. 2006), chapters 3 and 7; Byrd,
/// Chin, Neveitt and Nocedal, *On the use of stochastic Hessian information in optimization methods
/// for machine learning* (2011).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Newton {
    max_iterations: usize,
    tolerance: f64,
}

/// The limited-memory BFGS method, on columns centred and scaled, for more parameters than
/// [`Newton`] can take.
///
/// Classes that a plane tells apart without error it recognises as [`Error::Separated`], those told
/// apart up to ties only where a step happens to show it: the report then has a large weight.
///
/// Source: Nocedal and Wright, *Numerical Optimization* (2nd ed. 2006), section 7.2.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lbfgs {
    max_iterations: usize,
    tolerance: f64,
    memory: usize,
}

impl Default for Newton {
    fn default() -> Self {
        Self { max_iterations: 100, tolerance: 1e-11 }
    }
}

impl Default for Lbfgs {
    fn default() -> Self {
        Self { max_iterations: 10_000, tolerance: 1e-11, memory: 10 }
    }
}

impl Newton {
    /// At most 100 iterations, to a relative tolerance of 1e-11.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many iterations to make at most. Default: 100.
    pub fn max_iterations(mut self, max_iterations: usize) -> Self {
        self.max_iterations = max_iterations;
        self
    }

    /// Stop once the loss is estimated to lie this far above its minimum, as a share of itself
    /// (half the squared Newton decrement). 0 or positive, and finite. Default: 1e-11.
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }
}

impl Lbfgs {
    /// At most 10 000 iterations, to a relative tolerance of 1e-11, remembering 10 steps.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many iterations to make at most. Default: 10 000.
    pub fn max_iterations(mut self, max_iterations: usize) -> Self {
        self.max_iterations = max_iterations;
        self
    }

    /// Stop once the loss is estimated to lie this far above its minimum, as a share of itself. The
    /// estimate is that of the inverse curvature built so far, so ask for more than you need. 0 or
    /// positive, and finite. Default: 1e-11.
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

pub(crate) fn check_tolerance(tolerance: f64) -> Result<(), Error> {
    let holds = tolerance >= 0.0 && tolerance.is_finite();
    check_setting("tolerance", tolerance, holds, "0 or positive, and finite")
}

impl Solver for Newton {
    fn check<F: Float>(&self) -> Result<(), Error> {
        check_tolerance(self.tolerance)
    }

    fn minimize<B: Backend + ?Sized>(
        &self,
        objective: &mut Objective<'_, B>,
        at: &mut [B::Scalar],
        trace: &mut Trace<'_, B::Scalar>,
    ) -> Result<StopReason, Error> {
        let limits = Limits { iterations: self.max_iterations, tolerance: self.tolerance };
        let mut sample = objective.sample(SAMPLE.max(SAMPLE_PER_PARAMETER * objective.dimension()));
        let basis = sample.as_mut().unwrap_or(objective).basis()?;
        if let Some(sample) = &mut sample {
            approach(sample, &basis, at);
        }
        let source = Source::Rows { basis, sample: sample.map(Box::new) };
        Descent::new(objective, limits, MEMORY, source).run(at, trace)
    }
}

impl Solver for Lbfgs {
    fn check<F: Float>(&self) -> Result<(), Error> {
        check_setting("memory", self.memory, self.memory > 0, "at least 1")?;
        check_tolerance(self.tolerance)
    }

    fn minimize<B: Backend + ?Sized>(
        &self,
        objective: &mut Objective<'_, B>,
        at: &mut [B::Scalar],
        trace: &mut Trace<'_, B::Scalar>,
    ) -> Result<StopReason, Error> {
        let limits = Limits { iterations: self.max_iterations, tolerance: self.tolerance };
        let source = Source::Columns { basis: objective.basis()? };
        Descent::new(objective, limits, self.memory, source).run(at, trace)
    }
}

/// How many steps Newton's methods remember, on top of second derivatives or in their place.
pub(crate) const MEMORY: usize = 10;
/// A sample of this many rows per parameter has second derivatives within a fifth or so of those
/// of the whole.
const SAMPLE_PER_PARAMETER: usize = 32;
/// And of at least this many, which are read in no time.
const SAMPLE: usize = 8192;
/// Second derivatives serve as long as a step leaves less than this share of the decrement.
const SERVES: f64 = 0.1;
/// p (1 - p) is at most this.
pub(crate) const MOST_CURVATURE: f64 = 0.25;
/// The share of the predicted decrease that a step must bring.
const SUFFICIENT: f64 = 1e-4;
/// From this logit on second derivatives are next to nothing, and zero is a better start.
const SATURATED: f64 = 30.0;
/// A step that promises so many times less than another promises nothing.
const NOTHING: f64 = 1e6;
/// So many steps in a row without progress, when less is to be gained than rounding, are the end.
pub(crate) const STALLED: usize = 10;

/// Where to stop.
#[derive(Clone, Copy)]
struct Limits {
    iterations: usize,
    tolerance: f64,
}

/// Minimises the objective over a sample, as far as that brings the whole nearer.
fn approach<B: Backend + ?Sized>(
    sample: &mut Objective<'_, B>,
    basis: &Coordinates,
    at: &mut [B::Scalar],
) {
    let limits = Limits { iterations: 8, tolerance: 1e-5 };
    let mut observe = |_: &Progress<'_, B::Scalar>| ControlFlow::Continue(());
    let mut trace = Trace::new(Model::zero(sample.ncols()), &mut observe);
    let mut near = at.to_vec();
    let source = Source::Rows { basis: basis.clone(), sample: None };
    // Whatever is wrong with the sample may be right with the whole.
    if Descent::new(sample, limits, MEMORY, source).run(&mut near, &mut trace).is_ok() {
        at.copy_from_slice(&near);
    }
}

/// Where the curvature comes from that steps begin with.
enum Source<'a, B: Backend + ?Sized> {
    /// The second derivatives of a sample, or of all rows.
    Rows { basis: Coordinates, sample: Option<Box<Objective<'a, B>>> },
    /// The scale of the columns: the same curvature in every direction.
    Columns { basis: Coordinates },
}

/// The loop.
struct Descent<'o, 'a, B: Backend + ?Sized> {
    objective: &'o mut Objective<'a, B>,
    limits: Limits,
    source: Source<'a, B>,
    memory: Memory,
    suspicion: Suspicion,
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

impl<'o, 'a, B: Backend + ?Sized> Descent<'o, 'a, B> {
    fn new(
        objective: &'o mut Objective<'a, B>,
        limits: Limits,
        memory: usize,
        source: Source<'a, B>,
    ) -> Self {
        let memory = Memory::new(memory);
        Self { objective, limits, source, memory, suspicion: Suspicion::default() }
    }

    fn run(
        mut self,
        at: &mut [B::Scalar],
        trace: &mut Trace<'_, B::Scalar>,
    ) -> Result<StopReason, Error> {
        let mut point = self.evaluate(at.to_vec());
        if self.objective.largest_logit() > SATURATED {
            let zero = self.evaluate(vec![B::Scalar::default(); at.len()]);
            if zero.loss < point.loss || point.loss.is_nan() {
                point = zero;
            }
        }
        let stop = self.descend(&mut point, trace);
        at.copy_from_slice(&point.at);
        if let Source::Rows { sample: Some(sample), .. } = &self.source {
            self.objective.add_rows_read(sample.rows_read());
        }
        stop
    }

    fn descend(
        &mut self,
        point: &mut Point<B::Scalar>,
        trace: &mut Trace<'_, B::Scalar>,
    ) -> Result<StopReason, Error> {
        trace.record(self.objective, &point.at, point.loss, &point.gradient)?;
        let mut curvature = self.curvature(&point.at);
        let (mut before, mut least, mut stalled) = (f64::INFINITY, f64::INFINITY, 0);
        let mut polished = false;
        loop {
            let gradient = widen(&point.gradient);
            let (mut step, mut decrement) = self.step(&curvature, &gradient);
            if decrement > SERVES * before {
                curvature = self.renewed(&point.at);
                (step, decrement) = self.step(&curvature, &gradient);
            }
            trace.estimate(decrement / 2.0);
            let near = decrement / 2.0 <= self.limits.tolerance * point.loss;
            let (Source::Rows { basis, .. } | Source::Columns { basis }) = &self.source;
            self.suspicion.check(self.objective, basis, &point.at, &step, near)?;
            if near && (polished || !self.is_exact()) {
                return Ok(StopReason::Converged);
            }
            stalled = if decrement < least / 2.0 { 0 } else { stalled + 1 };
            least = least.min(decrement);
            if stalled > STALLED && decrement / 2.0 <= noise::<B::Scalar>(point.loss) {
                return Ok(StopReason::PrecisionLimit);
            }
            if let Some(stop) = trace.proceed(self.objective, &point.at, self.limits.iterations) {
                return Ok(if near { StopReason::Converged } else { stop });
            }
            if near {
                // The last step squares the error where the second derivatives are exact.
                polished = true;
                curvature = self.renewed(&point.at);
                step = curvature.solved(&gradient);
            }
            let Some(next) = self.search(point, &step, decrement) else {
                return Ok(if near { StopReason::Converged } else { StopReason::PrecisionLimit });
            };
            let epsilon = B::Scalar::epsilon().widen();
            self.memory.push(
                difference(&next.at, &point.at),
                difference(&next.gradient, &point.gradient),
                epsilon,
            );
            (*point, before) = (next, decrement);
            trace.record(self.objective, &point.at, point.loss, &point.gradient)?;
        }
    }

    /// The step, to be subtracted, and how steeply it goes down.
    ///
    /// Second derivatives vanish where all logits are large, and the step with them. Where it
    /// promises nothing beside one down the gradient, on columns of the same scale and as short as
    /// the largest curvature asks, that one is taken.
    fn step(&self, curvature: &Curvature, gradient: &[f64]) -> (Vec<f64>, f64) {
        let step = self.memory.solve(curvature, gradient);
        let decrement = dot(gradient, &step);
        let (Source::Rows { basis, .. } | Source::Columns { basis }) = &self.source;
        let most = MOST_CURVATURE * gradient.len() as f64;
        let safe = Curvature::separate(most, self.objective.l2(), basis).solved(gradient);
        let least = dot(gradient, &safe);
        if least > NOTHING * decrement { (safe, least) } else { (step, decrement) }
    }

    fn evaluate(&mut self, at: Vec<B::Scalar>) -> Point<B::Scalar> {
        Point::new(self.objective, at)
    }

    fn curvature(&mut self, at: &[B::Scalar]) -> Curvature {
        match &mut self.source {
            Source::Rows { basis, sample } => match sample {
                Some(sample) => sample.curvature(at, basis),
                None => self.objective.curvature(at, basis),
            },
            Source::Columns { basis } => {
                let most = Curvature::separate(MOST_CURVATURE, self.objective.l2(), basis);
                match self.memory.last_scale(|change| most.solved(change)) {
                    Some(scale) => most.divided(scale),
                    None => most,
                }
            }
        }
    }

    /// Whether second derivatives are summed over all rows.
    fn is_exact(&self) -> bool {
        matches!(self.source, Source::Rows { sample: None, .. })
    }

    /// A better curvature, where steps have stopped to serve.
    fn renewed(&mut self, at: &[B::Scalar]) -> Curvature {
        if let Source::Rows { sample, .. } = &mut self.source {
            self.memory.steps.clear();
            if let Some(small) = sample.take() {
                self.objective.add_rows_read(small.rows_read());
                *sample = self.objective.sample(4 * small.nrows()).map(Box::new);
            }
        }
        self.curvature(at)
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

/// The last steps with the changes of the gradient along them.
pub(crate) struct Memory {
    pub(crate) steps: VecDeque<Step>,
    capacity: usize,
}

pub(crate) struct Step {
    pub(crate) step: Vec<f64>,
    pub(crate) change: Vec<f64>,
    product: f64,
}

impl Memory {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { steps: VecDeque::new(), capacity }
    }

    /// Remembers a step, and the change of the gradient along it, that shows curvature.
    pub(crate) fn push(&mut self, step: Vec<f64>, change: Vec<f64>, epsilon: f64) {
        let product = dot(&step, &change);
        // Rounding can leave no curvature along a tiny step.
        let size = (dot(&step, &step) * dot(&change, &change)).sqrt();
        if product > epsilon * size {
            if self.steps.len() == self.capacity {
                self.steps.pop_front();
            }
            self.steps.push_back(Step { step, change, product });
        }
    }

    /// How large the inverse curvature was along the last step, as a multiple of another one, which
    /// `solved` applies.
    pub(crate) fn last_scale(&self, solved: impl Fn(&[f64]) -> Vec<f64>) -> Option<f64> {
        let last = self.steps.back()?;
        let scale = last.product / dot(&last.change, &solved(&last.change));
        scale.is_finite().then_some(scale)
    }

    /// The inverse curvature times a gradient: two loops over the steps around one solution
    /// (Nocedal and Wright, algorithm 7.4).
    fn solve(&self, inverse: &Curvature, gradient: &[f64]) -> Vec<f64> {
        let mut direction = gradient.to_vec();
        let mut shares = Vec::with_capacity(self.steps.len());
        for Step { step, change, product } in self.steps.iter().rev() {
            let share = dot(step, &direction) / product;
            add_multiple(&mut direction, -share, change);
            shares.push(share);
        }
        direction = inverse.solved(&direction);
        for (Step { step, change, product }, share) in self.steps.iter().zip(shares.iter().rev()) {
            let other = dot(change, &direction) / product;
            add_multiple(&mut direction, share - other, step);
        }
        direction
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add_multiple(to: &mut [f64], factor: f64, from: &[f64]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += factor * from);
}

fn difference<F: Float>(a: &[F], b: &[F]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a.widen() - b.widen()).collect()
}

pub(crate) fn widen<F: Float>(values: &[F]) -> Vec<f64> {
    values.iter().map(|value| value.widen()).collect()
}
