//! Gradient descent, the classic recipe.

mod backtracking;
mod batches;
mod steps;

use crate::backend::contract::Backend;
use crate::backend::error::{Error, check_setting, check_tolerance};
use crate::numbers::float::Float;
use crate::objective::Objective;
use crate::objective::evaluation::Evaluation;
use crate::progress::report::StopReason;
use crate::progress::same::require_same;
use crate::progress::trace::Trace;
use crate::solvers::gradient_descent::batches::Batches;
use crate::solvers::gradient_descent::steps::{State, Step};
use crate::solvers::solver::Solver;

/// Gradient descent, over all rows or in mini-batches.
///
/// ```text
/// parameters ← parameters - learning_rate · gradient
/// ```
///
/// One iteration is one sweep over the rows. It makes a single update from all of them or, with
/// [`batch_size`](Self::batch_size), an update per batch. Let L bound the curvature: a quarter of
/// the largest eigenvalue of `XᵀX / n`, plus `l2`. With a learning rate below 2 / L, full-batch
/// descent decreases the loss in every iteration. Standardised columns make that easy to satisfy.
///
/// [`momentum`](Self::momentum), [`nesterov`](Self::nesterov), [`adaptive`](Self::adaptive) and
/// [`backtracking`](Self::backtracking) replace this step; the last one that is set counts. The
/// latter two do not use the learning rate.
///
/// Sources: Boyd and Vandenberghe, *Convex Optimization* (2004), section 9.3; for mini-batches
/// Bottou, *Stochastic Gradient Descent Tricks* (2012). The methods that replace the step name
/// their own.
///
/// ```
/// # use logit_core as logit;
/// use logit::{Dense, GradientDescent, LogisticRegression};
///
/// let x = Dense::from_rows(&[0.5, 1.0, 2.0, 4.0], 4, 1); // or any other backend
/// let solver = GradientDescent::new().learning_rate(0.1).max_iterations(200).batch_size(32);
/// let fit = LogisticRegression::new().l2(0.1).solver(solver).fit(&x, [0, 1, 0, 1])?;
/// assert!(fit.report.iterations <= 200);
/// # Ok::<(), logit::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct GradientDescent {
    learning_rate: f64,
    max_iterations: usize,
    batch_size: Option<usize>,
    seed: u64,
    tolerance: f64,
    decay: f64,
    /// `None` for backtracking.
    step: Option<Step>,
}

impl Default for GradientDescent {
    fn default() -> Self {
        Self {
            learning_rate: 0.001,
            max_iterations: 1000,
            batch_size: None,
            seed: 0,
            tolerance: 0.0,
            decay: f64::INFINITY,
            step: Some(Step::Plain),
        }
    }
}

impl GradientDescent {
    /// The classic settings: a rate of 0.001, 1000 iterations over all rows, no tolerance.
    pub fn new() -> Self {
        Self::default()
    }

    /// The step length, positive and finite. Default: 0.001.
    pub fn learning_rate(mut self, learning_rate: f64) -> Self {
        self.learning_rate = learning_rate;
        self
    }

    /// Lowers the rate to `learning_rate / (1 + k / decay)` in iteration k, counted from 0.
    /// Mini-batches need that to settle (Robbins and Monro, *A stochastic approximation method*,
    /// 1951). Positive. Default: infinity, for a fixed rate.
    pub fn decay(mut self, decay: f64) -> Self {
        self.decay = decay;
        self
    }

    /// Keeps a share of the last step, at least 0 and below 1 (Polyak, *Some methods of speeding up
    /// the convergence of iteration methods*, 1964).
    ///
    /// ```text
    /// step ← momentum · step - learning_rate · gradient,   parameters ← parameters + step
    /// ```
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.step = Some(Step::Momentum(momentum));
        self
    }

    /// Nesterov's accelerated gradient, restarted where the momentum points uphill (O'Donoghue and
    /// Candès, *Adaptive restart for accelerated gradient schemes*, 2015). The rate should be at
    /// most 1 / L.
    pub fn nesterov(mut self) -> Self {
        self.step = Some(Step::Nesterov);
        self
    }

    /// Chooses the rate from the change of the gradient along the last step (Malitsky and
    /// Mishchenko, *Adaptive gradient descent without descent*, 2020). It does not take
    /// mini-batches, whose gradients change for other reasons.
    pub fn adaptive(mut self) -> Self {
        self.step = Some(Step::Adaptive);
        self
    }

    /// Searches for the rate: the first try is twice the last rate, and each further try halves it.
    /// A rate is taken once the loss falls by half of the decrease that the slope promises (Armijo,
    /// *Minimization of functions having Lipschitz continuous first partial derivatives*, 1966). So
    /// the loss falls in every iteration. Each try takes a pass; most iterations need one or two. A
    /// fit ends as [`PrecisionLimit`](StopReason::PrecisionLimit) where no step promises more than
    /// rounding. It does not take mini-batches, whose losses are not those over all rows.
    pub fn backtracking(mut self) -> Self {
        self.step = None;
        self
    }

    /// The maximum number of iterations. With 0 the initial parameters are the result. Default:
    /// 1000.
    pub fn max_iterations(mut self, max_iterations: usize) -> Self {
        self.max_iterations = max_iterations;
        self
    }

    /// The number of rows per update, at least 1. From the number of rows up it means all of them,
    /// which is the default.
    ///
    /// Rows are dealt into batches anew in every iteration, in an order drawn from
    /// [`seed`](Self::seed), so data sorted by label does no harm. A last short batch counts by its
    /// real size. Each iteration then takes two passes: one for the updates, and one for the loss
    /// over all rows. The report, the tolerance and the observer refer to that loss.
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.batch_size = Some(batch_size);
        self
    }

    /// The seed of the order of rows in mini-batches. Equal seeds give equal fits. Default: 0.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Adds the learning rate to the error of a fit that diverged, if the rate was used.
    fn with_rate(&self, mut error: Error) -> Error {
        if let Error::Diverged { learning_rate, .. } = &mut error
            && self.step != Some(Step::Adaptive)
        {
            *learning_rate = Some(self.learning_rate);
        }
        error
    }

    /// The largest absolute component of the gradient at which a fit stops. Default: 0, which only
    /// a gradient of exactly zero meets.
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }
}

/// The name in checkpoints.
const NAME: &str = "GradientDescent";

impl Solver for GradientDescent {
    fn check<F: Float>(&self) -> Result<(), Error> {
        let rate = F::narrow(self.learning_rate);
        check_setting(
            "learning_rate",
            self.learning_rate,
            rate > F::zero() && rate.is_finite(),
            "positive and finite in the precision of the data",
        )?;
        check_setting("decay", self.decay, self.decay > 0.0, "positive")?;
        if let Some(Step::Momentum(momentum)) = self.step {
            let holds = (0.0..1.0).contains(&momentum);
            check_setting("momentum", momentum, holds, "at least 0 and below 1")?;
        }
        let full = !matches!(self.step, None | Some(Step::Adaptive)) || self.batch_size.is_none();
        let accepted = "left out with adaptive() and backtracking()";
        check_setting("batch_size", self.batch_size, full, accepted)?;
        let batch = self.batch_size.unwrap_or(1);
        check_setting("batch_size", batch, batch > 0, "at least 1")?;
        check_tolerance(self.tolerance)
    }

    fn minimize<B: Backend + ?Sized>(
        &self,
        objective: &mut Objective<'_, B>,
        start: Vec<B::Scalar>,
        trace: &mut Trace<'_, B::Scalar>,
    ) -> Result<(Evaluation<B::Scalar>, StopReason), Error> {
        let Some(step) = self.step else {
            let limits = (self.max_iterations, self.tolerance);
            return backtracking::minimize(limits, objective, start, trace);
        };
        let mut state = match trace.resume::<State<f64>>(NAME, &start)? {
            Some(saved) => saved.cast(),
            None => State::new(step, start.len()),
        };
        require_same("step", format!("{:?}", state.kind), format!("{step:?}"))?;
        let mut iteration = trace.iterations() as f64;
        let mut batches = self.batch_size.and_then(|size| Batches::new(size, self.seed, objective));
        if let Some(batches) = &mut batches {
            (0..trace.iterations()).for_each(|_| batches.shuffle());
        }
        let mut point = objective.evaluate(start);
        loop {
            trace.record(objective, &point).map_err(|error| self.with_rate(error))?;
            if point.gradient_norm() <= self.tolerance {
                return Ok((point, StopReason::Converged));
            }
            let save = || state.cast::<f64>();
            if let Some(stop) = trace.proceed_from(objective, self.max_iterations, NAME, save) {
                return Ok((point, stop));
            }
            let rate = B::Scalar::narrow(self.learning_rate / (1.0 + iteration / self.decay));
            iteration += 1.0;
            sweep(objective, &mut batches, rate, &mut state, &mut point);
            objective.evaluate_again(&mut point);
        }
    }
}

/// One step along the gradient at a point, or a step per batch.
fn sweep<B: Backend + ?Sized>(
    objective: &mut Objective<'_, B>,
    batches: &mut Option<Batches>,
    rate: B::Scalar,
    state: &mut State<B::Scalar>,
    point: &mut Evaluation<B::Scalar>,
) {
    let Evaluation { at, gradient, .. } = point;
    let Some(batches) = batches else { return state.step(rate, at, gradient) };
    for batch in batches.deal() {
        objective.evaluate_batch(batch, at, gradient);
        state.step(rate, at, gradient);
    }
}
