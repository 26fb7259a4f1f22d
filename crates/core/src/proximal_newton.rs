//! The proximal Newton method, for an L1 penalty.

use std::ops::ControlFlow;

use num_traits::Float as _;

use crate::checkpoint::Saved;
use crate::conjugate_gradients::quotient;
use crate::coordinates::Coordinates;
use crate::curvature::RowCurvature;
use crate::elastic_net::{ElasticNet, Limits, Point};
use crate::error::check_tolerance;
use crate::memory::{Memory, Stall, difference};
use crate::quadratic::{Quadratic, dot};
use crate::quasi_newton::{MEMORY, MOST_CURVATURE};
use crate::rows::sample_size;
use crate::solver::FEW;
use crate::{
    Backend, Error, Float, Model, Newton, Objective, Progress, Solver, StopReason, Trace,
    TrustRegion,
};

/// The proximal Newton method: every step goes to the minimum of a quadratic model of the
/// cross-entropy plus the L1 penalty as it is, so that weights become exactly 0.
///
/// The model has the weights that are not 0 or soon may be. Its second derivatives are summed over a
/// sample of the rows where there are many more rows than parameters, and corrected by what the
/// gradients seen have shown of the whole (as in BFGS); they are summed anew, over four times as many
/// rows, when they no longer serve. Each iteration reads the whole data once or, where a step is too
/// long, a few times.
///
/// Beyond 1024 parameters the first steps know of second derivatives only what gradients have shown
/// (as in L-BFGS), which often is enough. When those have taken as long as a sum would, second
/// derivatives are summed by the weights that are not 0 and as many of the others, the steepest
/// first, but by no more than 2048 together. Where nearly as many are not 0, the steps go on as they
/// began; after 24 of them, Newton's steps by these weights, within their signs, take turns with
/// them. Those need products with second derivatives, each of which is a read.
///
/// Without an L1 penalty this is [`Newton`], or [`TrustRegion`] beyond 1024 parameters.
///
/// Sources: Friedman, Hastie and Tibshirani, *Regularization paths for generalized linear models via
/// coordinate descent* (2010); Yuan, Ho and Lin, *An improved GLMNET for L1-regularized logistic
/// regression* (2012); Lee, Sun and Saunders, *Proximal Newton-type methods for minimizing composite
/// functions* (2014); Johnson and Guestrin, *Blitz: a principled meta-algorithm for scaling sparse
/// optimization* (2015), for the growing set of weights; Byrd, Chin, Nocedal and Oztoprak, *A family of
/// second-order methods for convex l1-regularized optimization* (2016), for steps that keep signs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProximalNewton {
    max_iterations: usize,
    tolerance: f64,
    most: usize,
}

impl Default for ProximalNewton {
    fn default() -> Self {
        Self { max_iterations: 10_000, tolerance: 1e-9, most: FEW }
    }
}

impl ProximalNewton {
    /// At most 10 000 iterations, to a relative tolerance of 1e-9, with second derivatives by 1024
    /// parameters.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many iterations to make at most. Default: 10 000.
    pub fn max_iterations(mut self, max_iterations: usize) -> Self {
        self.max_iterations = max_iterations;
        self
    }

    /// Stop once the loss is known to lie at most this far above its minimum, as a share of itself.
    /// 0 or positive, and finite. Default: 1e-9.
    ///
    /// The bound follows from the gradient over all rows by convexity, and is far above what is true
    /// near the minimum. It assumes that the intercept of the centred and
    /// scaled columns is within 1 + |intercept| of its best.
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Second derivatives are summed by all parameters up to this many, and of more by so many that
    /// are to move, or up to twice that where most of these are not 0. With 0
    /// nothing is known of them but what gradients have shown. Default: 1024.
    pub fn most_derivatives(mut self, most: usize) -> Self {
        self.most = most;
        self
    }
}

impl Solver for ProximalNewton {
    fn check<F: Float>(&self) -> Result<(), Error> {
        check_tolerance(self.tolerance)
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
        let few = objective.dimension() <= self.most;
        if objective.l1() == 0.0 {
            let (iterations, tolerance) = (self.max_iterations, self.tolerance);
            return if few {
                let newton = Newton::new().max_iterations(iterations).tolerance(tolerance);
                newton.minimize(objective, at, trace)
            } else {
                let region = TrustRegion::new().max_iterations(iterations).tolerance(tolerance);
                region.minimize(objective, at, trace)
            };
        }
        let limits = Limits { iterations: self.max_iterations, tolerance: self.tolerance };
        let parameters = objective.dimension().min(self.most);
        let mut past =
            Past { rows: sample_size(parameters), cheap: (!few).then_some(0), ..Past::default() };
        let mut sample = objective.sample(past.rows);
        // A sample tells little of columns that are hardly ever other than 0.
        let basis = objective.basis_from(sample.as_ref().filter(|_| few))?;
        basis.leave_out_constants(at);
        let saved = trace.resume("ProximalNewton")?;
        let mut net = ElasticNet::new(objective, basis);
        let mut point = net.evaluate(at.to_vec());
        if let Some(Saved::ProximalNewton(saved)) = saved {
            past = saved;
            sample = net.objective.sample(past.rows);
            net.stall = past.stall;
        } else if let (true, Some(sample), 1..) = (few, &mut sample, self.max_iterations) {
            let near = approach(sample, net.basis(), at);
            let near = net.evaluate(near);
            // A start from a fit to much the same may be better than the best of a sample.
            if near.loss < point.loss {
                point = near;
            }
        }
        Descent { net, sample, most: self.most, past }.run(point, limits, at, trace)
    }
}

/// Coordinates at zero whose slope is less than this share of the penalty will stay there, most
/// likely (Tibshirani and others, *Strong rules for discarding predictors in lasso-type problems*,
/// 2012); second derivatives by them are not needed.
const NEARLY: f64 = 0.8;
/// So many steps are taken, where parameters are many, before second derivatives are summed,
const CHEAP: usize = 10;
/// and as many as take as long as the sum, if so many products are summed while an element is read:
/// had those steps been enough, little was lost, and nor was it if they were not.
const PRODUCTS: f64 = 16.0;
/// After so many of these, steps with fixed signs take their turn where second derivatives are by
/// too many parameters to be summed.
const PATIENT: usize = 24;
/// At least so many parameters move at once.
const FEWEST: usize = 128;
/// Second derivatives serve as long as a step leaves less than this share of what it gained.
const SERVES: f64 = 0.1;

/// About the minimum of the objective over a sample.
fn approach<B: Backend + ?Sized>(
    sample: &mut Objective<'_, B>,
    basis: &Coordinates,
    at: &[B::Scalar],
) -> Vec<B::Scalar> {
    let limits = Limits { iterations: 8, tolerance: 1e-3 };
    let mut observe = |_: &Progress<'_, B::Scalar>| ControlFlow::Continue(());
    let mut trace = Trace::new(sample, Model::zero(sample.ncols()), &mut observe);
    let mut near = at.to_vec();
    let mut net = ElasticNet::new(sample, basis.clone());
    let point = net.evaluate(at.to_vec());
    // Whatever is wrong with the sample may be right with the whole, which judges the outcome.
    let (most, past) = (at.len(), Past::default());
    let _ = Descent { net, sample: None, most, past }.run(point, limits, &mut near, &mut trace);
    near
}

/// The loop.
struct Descent<'o, 'a, B: Backend + ?Sized> {
    net: ElasticNet<'o, 'a, B>,
    /// Where second derivatives are summed; over all rows where there is none.
    sample: Option<Objective<'a, B>>,
    /// By how many parameters at most.
    most: usize,
    past: Past,
}

/// All that goes from one iteration to the next, beside the point.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Past {
    model: Option<Local>,
    /// What the step before gained, as far as the slope told, where the model was to serve.
    before: Option<f64>,
    memory: Memory,
    /// So many steps have been taken before second derivatives are worth their sum; `None` once they
    /// are.
    cheap: Option<usize>,
    /// That of the net, where this is saved.
    stall: Stall,
    /// About how many rows the sample has.
    rows: usize,
}

impl Past {
    pub(crate) fn is_sound(&self, dimension: usize) -> bool {
        self.model.as_ref().is_none_or(|model| model.is_sound(dimension))
            && self.memory.is_sound(dimension)
    }
}

impl<B: Backend + ?Sized> Descent<'_, '_, B> {
    fn run(
        mut self,
        mut point: Point<B::Scalar>,
        limits: Limits,
        at: &mut [B::Scalar],
        trace: &mut Trace<'_, B::Scalar>,
    ) -> Result<StopReason, Error> {
        let stop = self.descend(&mut point, limits, trace);
        at.copy_from_slice(&point.at);
        stop
    }

    fn descend(
        &mut self,
        point: &mut Point<B::Scalar>,
        limits: Limits,
        trace: &mut Trace<'_, B::Scalar>,
    ) -> Result<StopReason, Error> {
        loop {
            let past = &self.past;
            let save = |stall| Saved::ProximalNewton(Past { stall, ..past.clone() });
            if let Some(stop) = self.net.proceed(point, limits, trace, save)? {
                return Ok(stop);
            }
            let (mut local, anew) = match self.past.model.take() {
                Some(local) if local.holds(point, &self.net.l1) => (local, false),
                _ => (self.local(point), true),
            };
            let (mut target, mut gain) = self.step(&local, point);
            // Sums over all rows taken here and now cannot be bettered.
            let best = anew && self.sample.is_none();
            if !best && self.past.before.is_some_and(|before| gain > SERVES * before) {
                self.enlarge_sample();
                local = self.local(point);
                (target, gain) = self.step(&local, point);
            }
            let path = |length: f64| {
                let along = point.v.iter().zip(&target);
                let between = |(from, to): (&f64, &f64)| match length == 1.0 {
                    true => *to,
                    false => from + length * (to - from),
                };
                (along.map(between).collect(), length * gain)
            };
            let creeps = !local.exact && self.past.cheap.is_none_or(|taken| taken >= PATIENT);
            let with_signs = creeps.then(|| self.net.move_with_signs(point)).flatten();
            let next = with_signs.or_else(|| match self.net.is_exhausted(point, gain) {
                true => None,
                false => self.net.search(point, path),
            });
            let Some(next) = next else {
                if local.exact || self.past.memory.is_empty() {
                    return Ok(StopReason::PrecisionLimit);
                }
                // What is remembered promises nothing; without it there may be more.
                self.past.memory.clear();
                self.past.cheap = None;
                continue;
            };
            let epsilon = B::Scalar::epsilon().widen();
            let step = difference(&next.v, &point.v);
            let change = difference(&next.gradient, &point.gradient);
            // A model that lacks second derivatives, or parameters that are to move, is not expected
            // to serve.
            let complete = local.exact && local.holds(point, &self.net.l1);
            self.past.before = complete.then_some(gain);
            self.past.model = complete.then(|| {
                local.learn(&step, &change, epsilon);
                local
            });
            self.past.memory.push(step, change, epsilon, MEMORY);
            self.past.cheap = self.past.cheap.map(|taken| taken.saturating_add(1));
            *point = next;
        }
    }

    /// Where the model is least, and by how much F falls on the way as far as its slope tells.
    fn step(&self, local: &Local, point: &Point<B::Scalar>) -> (Vec<f64>, f64) {
        let l1 = &self.net.l1;
        let target = local.minimum(point, l1);
        let size = |v: &[f64]| v.iter().zip(l1).map(|(v, l1)| l1 * v.abs()).sum::<f64>();
        let slope = dot(&point.gradient, &difference(&target, &point.v));
        let gain = size(&point.v) - size(&target) - slope;
        (target, gain)
    }

    fn local(&mut self, point: &Point<B::Scalar>) -> Local {
        let Some(columns) = self.columns(point) else { return self.remembered() };
        self.past.cheap = None;
        let basis = self.net.basis().clone();
        let rows = self.sample.as_mut().unwrap_or(self.net.objective);
        let derivatives = rows.second_derivatives(&point.at, &basis, &columns, RowCurvature::Exact);
        Local { quadratic: Quadratic::new(derivatives, columns.len()), columns, exact: true }
    }

    /// A model by all coordinates from the steps remembered (limited-memory BFGS).
    fn remembered(&self) -> Local {
        let mut diagonal = self.net.most_curvature(MOST_CURVATURE);
        if let Some(scale) = self.past.memory.last_scale(|change| quotient(change, &diagonal)) {
            diagonal.iter_mut().for_each(|element| *element /= scale);
        }
        let columns = (0..diagonal.len()).collect();
        let mut quadratic = Quadratic::separate(diagonal);
        for (step, change) in self.past.memory.steps() {
            quadratic.learn(step, change, B::Scalar::epsilon().widen());
        }
        Local { quadratic, columns, exact: false }
    }

    /// The coordinates to have second derivatives by: those that may move or, where they are too
    /// many, those that are not zero and as many of the steepest, up to twice the number meant;
    /// `None` where there is hardly room for these.
    fn columns(&self, point: &Point<B::Scalar>) -> Option<Vec<usize>> {
        if self.past.cheap.is_some_and(|taken| taken < CHEAP) {
            return None;
        }
        let l1 = &self.net.l1;
        let mut columns = working(point, l1, NEARLY);
        if columns.len() > self.most {
            let fixed = |&&j: &&usize| point.v[j] != 0.0 || l1[j] == 0.0;
            let not_zero = columns.iter().filter(fixed).count();
            let wanted = FEWEST.min(self.most).max(2 * not_zero + 1).min(2 * self.most);
            // There must be room for some that are to leave zero.
            if not_zero + not_zero / 16 >= wanted {
                return None;
            }
            let steepness = |j: usize| match fixed(&&j) {
                true => f64::INFINITY,
                false => point.gradient[j].abs() / l1[j],
            };
            columns.sort_by(|&a, &b| steepness(b).total_cmp(&steepness(a)));
            columns.truncate(wanted);
            columns.sort_unstable();
        }
        let rows = self.sample.as_ref().unwrap_or(self.net.objective).nrows();
        let products = rows as f64 * (columns.len() as f64).powi(2) / 2.0;
        let read = || PRODUCTS * self.net.objective.stored();
        let worth = |taken: usize| taken as f64 * read() >= products;
        self.past.cheap.is_none_or(worth).then_some(columns)
    }

    fn enlarge_sample(&mut self) {
        if let Some(small) = self.sample.take() {
            self.past.rows = 4 * small.nrows();
            self.sample = self.net.objective.sample(self.past.rows);
        }
    }
}

/// The quadratic model of the cross-entropy about a point, by the coordinates that may move.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Local {
    quadratic: Quadratic,
    columns: Vec<usize>,
    /// Whether the second derivatives are sums over rows.
    exact: bool,
}

impl Local {
    fn is_sound(&self, dimension: usize) -> bool {
        self.quadratic.is_sound(self.columns.len())
            && self.columns.is_sorted_by(|a, b| a < b)
            && self.columns.last().is_none_or(|&last| last < dimension)
    }

    fn part(&self, of: &[f64]) -> Vec<f64> {
        self.columns.iter().map(|&j| of[j]).collect()
    }

    /// Whether no other coordinate is to leave zero.
    fn holds<F: Float>(&self, point: &Point<F>, l1: &[f64]) -> bool {
        working(point, l1, 1.0).iter().all(|j| self.columns.binary_search(j).is_ok())
    }

    fn minimum<F: Float>(&self, point: &Point<F>, l1: &[f64]) -> Vec<f64> {
        let (gradient, from) = (self.part(&point.gradient), self.part(&point.v));
        let minimum = self.quadratic.minimum(&gradient, &from, &self.part(l1));
        let mut v = vec![0.0; l1.len()];
        self.columns.iter().zip(minimum).for_each(|(&j, at)| v[j] = at);
        v
    }

    fn learn(&mut self, step: &[f64], change: &[f64], epsilon: f64) {
        let (step, change) = (self.part(step), self.part(change));
        self.quadratic.learn(&step, &change, epsilon);
    }
}

/// The coordinates that are not zero, or whose slope comes up to a share of the penalty.
fn working<F: Float>(point: &Point<F>, l1: &[f64], share: f64) -> Vec<usize> {
    let moves = |&j: &usize| point.v[j] != 0.0 || point.gradient[j].abs() >= share * l1[j];
    (0..l1.len()).filter(moves).collect()
}
