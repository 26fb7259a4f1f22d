//! The naive answers: plain loops over rows in `f64` with compensated sums, each with a bound on
//! what rounding may do to a correct implementation in the precision under test.
//!
//! Nothing here is shared with the code it judges: the formulas are written another way.

use logit_core::{Backend, Float, Model};
use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;

use crate::matrix::Matrix;
use crate::sum::{Sum, mean};
use crate::tolerance;

/// The settings of an objective.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// The L2 penalty.
    pub l2: f64,
    /// Whether the last parameter is an intercept.
    pub fit_intercept: bool,
    /// Whether columns are standardised.
    pub standardize: bool,
}

/// A logistic regression problem, spelled out.
pub struct Oracle {
    setup: Setup,
    /// The columns that a solver works on, standardised where asked for.
    x: Vec<Vec<f64>>,
    /// The magnitudes that a folded computation of `x` sums: |x|, or (|x| + |μ|) / σ.
    magnitude: Vec<Vec<f64>>,
    mean: Vec<f64>,
    /// Standard deviations, 0 for a constant column, whose standardised form is 0.
    scale: Vec<f64>,
    /// How far each scale may be off, relative to itself.
    scale_bound: Vec<f64>,
    y: Vec<bool>,
}

/// A loss with its gradient, and how far a correct implementation may be off.
pub struct Evaluation {
    /// The loss.
    pub loss: f64,
    /// How far the loss may be off.
    pub loss_bound: f64,
    /// The gradient by the solver's parameters.
    pub gradient: Vec<f64>,
    /// How far each component may be off.
    pub gradient_bound: Vec<f64>,
}

impl Oracle {
    /// The problem of a matrix and its labels.
    pub fn new<F: Float>(x: &Matrix<F>, y: &[bool], setup: Setup) -> Self {
        let rows = x.rows();
        let (n, d) = (x.nrows(), x.ncols());
        let (mut means, mut scales, mut bounds) = (vec![0.0; d], vec![1.0; d], vec![0.0; d]);
        if setup.standardize {
            for j in 0..d {
                let (column, first) =
                    (|| rows.iter().map(|row| row[j].widen()), rows[0][j].widen());
                let average = mean(column());
                let deviation = mean(column().map(|v| (v - average).powi(2))).sqrt();
                let constant = column().all(|v| v == first);
                scales[j] = match (constant, setup.fit_intercept) {
                    (false, _) => deviation,
                    (true, true) => 0.0,
                    (true, false) => first.abs(),
                };
                means[j] = if setup.fit_intercept { average } else { 0.0 };
                bounds[j] = tolerance::scale(n, (first - average) / deviation);
            }
        }
        let table = |value: &dyn Fn(f64, usize) -> f64| -> Vec<Vec<f64>> {
            let scaled = |v: f64, j: usize| if scales[j] == 0.0 { 0.0 } else { v / scales[j] };
            (0..n)
                .map(|i| (0..d).map(|j| scaled(value(rows[i][j].widen(), j), j)).collect())
                .collect()
        };
        Self {
            setup,
            x: table(&|v, j| v - means[j]),
            magnitude: table(&|v, j| v.abs() + means[j].abs()),
            mean: means,
            scale: scales,
            scale_bound: bounds,
            y: y.to_vec(),
        }
    }

    /// The number of parameters.
    pub fn dimension(&self) -> usize {
        self.scale.len() + usize::from(self.setup.fit_intercept)
    }

    /// The logits at some parameters, and how far each may be off.
    pub fn logits<F: Float>(&self, parameters: &[f64]) -> Vec<(f64, f64)> {
        let d = self.scale.len();
        let (v, c) = parameters.split_at(d);
        let c = c.first().copied().unwrap_or(0.0);
        let row = |(x, magnitude): (&Vec<f64>, &Vec<f64>)| {
            let (mut z, mut size, mut bound) = (Sum::default(), c.abs(), 0.0);
            z.add(c);
            for j in 0..d {
                z.add_product(x[j], v[j]);
                size += magnitude[j] * v[j].abs();
                bound += self.scale_bound[j] * (x[j] * v[j]).abs();
            }
            (z.value(), bound + tolerance::logit::<F>(d) * size + tolerance::underflow::<F>(d))
        };
        self.x.iter().zip(&self.magnitude).map(row).collect()
    }

    /// Loss and gradient over all rows, as the precision `F` should give them.
    pub fn evaluate<F: Float>(&self, parameters: &[f64]) -> Evaluation {
        let all: Vec<usize> = (0..self.y.len()).collect();
        self.evaluate_batch::<F>(&all, parameters)
    }

    /// Loss and gradient over some rows.
    pub fn evaluate_batch<F: Float>(&self, batch: &[usize], parameters: &[f64]) -> Evaluation {
        let (d, n) = (self.scale.len(), batch.len());
        let logits = self.logits::<F>(parameters);
        let rows: Vec<_> = batch
            .iter()
            .map(|&i| {
                let (z, z_bound) = logits[i];
                let (loss, residual) = loss_and_residual(z, self.y[i]);
                let elementwise = tolerance::elementwise::<F>();
                (i, loss, z_bound + elementwise * loss, residual, z_bound / 4.0)
            })
            .collect();
        let penalty: Sum = parameters[..d].iter().map(|v| v * v * self.setup.l2 / 2.0).collect();
        let loss = mean(rows.iter().map(|row| row.1)) + penalty.value();
        let rounding = tolerance::mean::<F>(n);
        let loss_bound = mean(rows.iter().map(|row| row.2))
            + tolerance::mean::<f64>(n) * loss
            + tolerance::dot::<f64>(d) * penalty.value();
        let component = |x: &dyn Fn(usize) -> f64, magnitude: &dyn Fn(usize) -> f64| {
            let exact = mean(rows.iter().map(|row| row.3 * x(row.0)));
            let bound = mean(rows.iter().map(|row| {
                magnitude(row.0) * (row.4 + rounding * row.3.abs())
                    + tolerance::underflow::<F>(1) * (1.0 + magnitude(row.0))
            }));
            (exact, bound)
        };
        let mut components: Vec<_> = (0..d)
            .map(|j| {
                let (exact, bound) = component(&|i| self.x[i][j], &|i| self.magnitude[i][j]);
                let penalty = self.setup.l2 * parameters[j];
                let bound = bound + self.scale_bound[j] * exact.abs();
                (exact + penalty, bound + tolerance::dot::<F>(2) * (exact.abs() + penalty.abs()))
            })
            .collect();
        if self.setup.fit_intercept {
            components.push(component(&|_| 1.0, &|_| 1.0));
        }
        let (gradient, gradient_bound) = components.into_iter().unzip();
        Evaluation { loss, loss_bound, gradient, gradient_bound }
    }

    /// The second derivatives at some parameters times a direction, and how far each component may
    /// be off.
    pub fn hessian_product<F: Float>(
        &self,
        parameters: &[f64],
        direction: &[f64],
    ) -> Vec<(f64, f64)> {
        let (d, n) = (self.scale.len(), self.y.len());
        let rounding = tolerance::mean::<F>(n) + 3.0 * tolerance::elementwise::<F>();
        let logits = self.logits::<F>(parameters).into_iter();
        let rows: Vec<_> = logits
            .zip(self.logits::<F>(direction))
            .map(|((z, z_bound), (change, change_bound))| {
                let curvature = 1.0 / ((1.0 + z.exp()) * (1.0 + (-z).exp()));
                // p (1 - p) changes by at most 1 / √108 < 0.1 of the logit.
                let bound = 0.1 * z_bound * change.abs()
                    + curvature * (change_bound + rounding * change.abs())
                    + tolerance::underflow::<F>(1) * (1.0 + change.abs());
                (curvature * change, bound)
            })
            .collect();
        let component = |x: &dyn Fn(usize) -> f64, magnitude: &dyn Fn(usize) -> f64| {
            let exact = mean(rows.iter().enumerate().map(|(i, row)| row.0 * x(i)));
            let bound = |(i, row): (usize, &(f64, f64))| {
                magnitude(i) * row.1 + tolerance::underflow::<F>(1)
            };
            (exact, mean(rows.iter().enumerate().map(bound)))
        };
        let by_weight = |j: usize| {
            let (exact, bound) = component(&|i| self.x[i][j], &|i| self.magnitude[i][j]);
            let penalty = self.setup.l2 * direction[j];
            let bound = bound + self.scale_bound[j] * exact.abs();
            (exact + penalty, bound + tolerance::dot::<F>(2) * (exact.abs() + penalty.abs()))
        };
        let by_intercept = self.setup.fit_intercept.then(|| component(&|_| 1.0, &|_| 1.0));
        (0..d).map(by_weight).chain(by_intercept).collect()
    }

    /// The largest curvature that any batch of rows can have: gradient descent at a rate below its
    /// inverse never lets two trajectories drift apart.
    pub fn curvature(&self) -> f64 {
        let intercept = f64::from(u8::from(self.setup.fit_intercept));
        let squares = |row: &Vec<f64>| row.iter().map(|x| x * x).sum::<f64>() + intercept;
        self.x.iter().map(squares).fold(0.0, f64::max) / 4.0 + self.setup.l2
    }

    /// A solver's parameters for a model on the caller's scale.
    pub fn fold<F: Float>(&self, model: &Model<F>) -> Vec<f64> {
        let mut intercept: Sum = [model.intercept().widen()].into_iter().collect();
        let mut parameters = Vec::new();
        for (j, w) in model.weights().iter().enumerate() {
            parameters.push(w.widen() * self.scale[j]);
            intercept.add_product(w.widen(), self.mean[j]);
        }
        if self.setup.fit_intercept {
            parameters.push(intercept.value());
        }
        parameters
    }

    /// The caller's weights and intercept for a solver's parameters that may be off by `error`, and
    /// how far each may then be off.
    pub fn unfold<F: Float>(&self, parameters: &[f64], error: f64) -> Vec<(f64, f64)> {
        let d = self.scale.len();
        let rounding = tolerance::logit::<F>(d);
        let (weights, rest) = parameters.split_at(d);
        let mut intercept: Sum = rest.iter().copied().collect();
        let mut intercept_bound = error + rest.iter().map(|c| rounding * c.abs()).sum::<f64>();
        let mut coefficients = Vec::new();
        for (j, v) in weights.iter().enumerate() {
            let inverse = if self.scale[j] == 0.0 { 0.0 } else { 1.0 / self.scale[j] };
            let w = v * inverse;
            let rounding = rounding + self.scale_bound[j];
            let bound = (error + rounding * v.abs()) * inverse + tolerance::underflow::<F>(1);
            coefficients.push((w, bound));
            intercept.add_product(-w, self.mean[j]);
            intercept_bound += bound * self.mean[j].abs();
        }
        coefficients.push((intercept.value(), intercept_bound));
        coefficients
    }
}

/// The course of gradient descent: before each iteration the parameters, their loss, and how far a
/// correct implementation may have drifted from them (Euclidean distance) and from their loss.
pub struct Step {
    /// The solver's parameters.
    pub parameters: Vec<f64>,
    /// How far off they may be.
    pub drift: f64,
    /// The loss there.
    pub loss: f64,
    /// How far off it may be.
    pub loss_bound: f64,
}

/// Gradient descent from zero, `iterations` sweeps, with the state before each and at the end.
///
/// Batches are dealt as the library documents: a Xoshiro256++ generator seeded with `seed`
/// shuffles the order left by the sweep before. `rate` must be at most the inverse curvature.
pub fn gradient_descent<F: Float>(
    oracle: &Oracle,
    rate: f64,
    iterations: usize,
    batch_size: usize,
    seed: u64,
) -> Vec<Step> {
    let n = oracle.y.len();
    let mut order: Vec<usize> = (0..n).collect();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let (mut at, mut drift) = (vec![0.0; oracle.dimension()], 0.0);
    let mut steps = Vec::new();
    for iteration in 0..=iterations {
        let here = oracle.evaluate::<F>(&at);
        let loss_bound =
            here.loss_bound + norm(&here.gradient) * drift + oracle.curvature() * drift * drift;
        steps.push(Step { parameters: at.clone(), drift, loss: here.loss, loss_bound });
        if iteration == iterations {
            break;
        }
        if batch_size < n {
            order.shuffle(&mut rng);
        }
        for batch in order.chunks(batch_size) {
            let evaluation = oracle.evaluate_batch::<F>(batch, &at);
            for (parameter, slope) in at.iter_mut().zip(&evaluation.gradient) {
                *parameter -= rate * slope;
            }
            // The bound was taken at these parameters; twice covers those nearby.
            drift += 2.0 * rate * norm(&evaluation.gradient_bound)
                + tolerance::update::<F>() * (norm(&at) + rate * norm(&evaluation.gradient));
        }
    }
    steps
}

/// Cross-entropy and residual of one row, by the textbook where that is safe.
pub fn loss_and_residual(z: f64, y: bool) -> (f64, f64) {
    let against = if y { -z } else { z };
    // Above 40 the rest of ln(1 + e^z) lies below the last place of z.
    let loss = if against > 40.0 { against } else { against.exp().ln_1p() };
    let miss = if y { -1.0 / (1.0 + z.exp()) } else { 1.0 / (1.0 + (-z).exp()) };
    (loss, miss)
}

fn norm(values: &[f64]) -> f64 {
    values.iter().map(|v| v * v).sum::<f64>().sqrt()
}
