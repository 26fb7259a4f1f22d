//! Gradient descent, the classic recipe.

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;

use crate::error::check_setting;
use crate::{Backend, Error, Float, Objective, Solver, StopReason, Trace};

/// Gradient descent with a fixed learning rate, over all rows or in mini-batches.
///
/// ```text
/// parameters ← parameters - learning_rate · gradient
/// ```
///
/// One iteration is one sweep over the rows: a single update from all of them, or, with
/// [`batch_size`](Self::batch_size), an update per batch. With a learning rate below 2 / L, where L
/// bounds the curvature (a quarter of the largest eigenvalue of `XᵀX / n`, plus `l2`), full-batch
/// descent decreases the loss in every iteration; standardised columns make that easy to satisfy.
///
/// Sources: Boyd and Vandenberghe, *Convex Optimization* (2004), section 9.3; for mini-batches
/// Bottou, *Stochastic Gradient Descent Tricks* (2012).
///
/// ```
/// use logit_core::GradientDescent;
///
/// let solver = GradientDescent::new().learning_rate(0.1).max_iterations(200).batch_size(32);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct GradientDescent {
    learning_rate: f64,
    max_iterations: usize,
    batch_size: Option<usize>,
    seed: u64,
    tolerance: f64,
}

impl Default for GradientDescent {
    fn default() -> Self {
        Self {
            learning_rate: 0.001,
            max_iterations: 1000,
            batch_size: None,
            seed: 0,
            tolerance: 0.0,
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

    /// How many iterations to make at most; with 0 the initial parameters are the result.
    /// Default: 1000.
    pub fn max_iterations(mut self, max_iterations: usize) -> Self {
        self.max_iterations = max_iterations;
        self
    }

    /// How many rows to take per update, at least 1; from the number of rows up it means all of
    /// them, which is the default.
    ///
    /// Rows are dealt into batches anew in every iteration, in an order drawn from
    /// [`seed`](Self::seed), so data sorted by label does no harm. A last short batch counts by its
    /// real size. Each iteration then reads the data twice: for the loss over all rows, which the
    /// report, the tolerance and the observer refer to, and for the updates.
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.batch_size = Some(batch_size);
        self
    }

    /// Decides the order of rows in mini-batches; equal seeds give equal fits. Default: 0.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Stop once every component of the gradient is at most this in absolute value. Default: 0,
    /// which only a gradient of exactly zero meets.
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }
}

impl Solver for GradientDescent {
    fn check<F: Float>(&self) -> Result<(), Error> {
        let rate = F::narrow(self.learning_rate);
        check_setting(
            "learning_rate",
            self.learning_rate,
            rate > F::zero() && rate.is_finite(),
            "positive and finite in the precision of the data",
        )?;
        let batch = self.batch_size.unwrap_or(1);
        check_setting("batch_size", batch, batch > 0, "at least 1")?;
        let holds = self.tolerance >= 0.0 && self.tolerance.is_finite();
        check_setting("tolerance", self.tolerance, holds, "0 or positive, and finite")
    }

    fn minimize<B: Backend + ?Sized>(
        &self,
        objective: &mut Objective<'_, B>,
        at: &mut [B::Scalar],
        trace: &mut Trace<'_, B::Scalar>,
    ) -> Result<StopReason, Error> {
        let mut gradient = at.to_vec();
        let mut batches = self.batch_size.and_then(|size| Batches::new(size, self.seed, objective));
        loop {
            let loss = objective.evaluate(at, &mut gradient);
            if trace.record(objective, at, loss, &gradient)? <= self.tolerance {
                return Ok(StopReason::Converged);
            }
            if let Some(stop) = trace.proceed(objective, at, self.max_iterations) {
                return Ok(stop);
            }
            match &mut batches {
                None => self.step(at, &gradient),
                Some(batches) => {
                    for batch in batches.deal() {
                        objective.evaluate_batch(batch, at, &mut gradient);
                        self.step(at, &gradient);
                    }
                }
            }
        }
    }
}

impl GradientDescent {
    fn step<F: Float>(&self, at: &mut [F], gradient: &[F]) {
        let rate = F::narrow(self.learning_rate);
        for (parameter, &slope) in at.iter_mut().zip(gradient) {
            *parameter -= rate * slope;
        }
    }
}

/// The rows in an order drawn anew for every iteration, cut into batches.
struct Batches {
    rows: Vec<usize>,
    size: usize,
    rng: Xoshiro256PlusPlus,
}

impl Batches {
    /// `None` where one batch would hold all rows.
    fn new<B: Backend + ?Sized>(
        size: usize,
        seed: u64,
        objective: &Objective<'_, B>,
    ) -> Option<Self> {
        let n = objective.nrows();
        let rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        (size < n).then(|| Self { rows: (0..n).collect(), size, rng })
    }

    fn deal(&mut self) -> impl Iterator<Item = &[usize]> {
        self.rows.shuffle(&mut self.rng);
        self.rows.chunks(self.size)
    }
}
