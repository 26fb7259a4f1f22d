//! The bound on how far a loss lies above its minimum.

use std::cell::RefCell;

use logit_conformance::Matrix;
use logit_core::{
    Backend, Error, Evaluation, Fit, Float, GradientDescent, Lbfgs, LogisticRegression, Newton,
    Objective, ProximalNewton, Solver, StopReason, Trace, TrustRegion,
};
use proptest::prelude::*;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

/// What data is drawn from, and where a fit to it starts.
#[derive(Clone, Copy, Debug)]
struct Setup {
    shape: (usize, usize),
    seed: u64,
    fit_intercept: bool,
    standardize: bool,
    l2: f64,
    /// Where columns lie, and their scale.
    columns: (f64, f64),
    /// The share of class 1, but for one row and a tenth of the others.
    share: f64,
    /// The offset of every tenth row, half of which are of class 1.
    offset: f64,
    /// Powers of ten that weights of rows are spread over.
    weights: f64,
    /// The size of the weights to start from, and the intercept.
    start: (f64, f64),
}

fn setup() -> impl Strategy<Value = Setup> {
    let problem = (any::<u64>(), any::<bool>(), any::<bool>(), -4.0..1.0f64);
    let shape = (20usize..150, 1usize..5);
    let columns = (prop_oneof![Just(0.0), -30.0..30.0f64], -2.0..1.0f64);
    let rows = (
        prop_oneof![Just(0.02), Just(0.98), 0.0..1.0f64],
        prop_oneof![Just(0.0), -50.0..50.0f64],
        prop_oneof![Just(0.0), 0.0..3.0f64],
    );
    let start = (prop_oneof![Just(0.0), 0.0..3.0f64], -8.0..8.0f64);
    (problem, shape, columns, rows, start).prop_map(|(problem, shape, columns, rows, start)| {
        let (seed, fit_intercept, standardize, l2) = problem;
        Setup {
            shape,
            seed,
            fit_intercept,
            standardize,
            l2: 10f64.powf(l2),
            columns: (columns.0, 10f64.powf(columns.1)),
            share: rows.0,
            offset: rows.1,
            weights: rows.2,
            start: (start.0, if fit_intercept { start.1 } else { 0.0 }),
        }
    })
}

struct Data {
    /// Exact in both precisions, as all else.
    rows: Vec<Vec<f64>>,
    y: Vec<bool>,
    weights: Vec<f64>,
    offsets: Vec<f64>,
    start: Vec<f64>,
}

fn data(setup: Setup) -> Data {
    let ((n, d), mut rng) = (setup.shape, Xoshiro256PlusPlus::seed_from_u64(setup.seed));
    let mut draw = |low: f64, high: f64| f64::from(rng.random_range(low..high) as f32);
    let (center, scale) = setup.columns;
    let mut row =
        |_| (0..d).map(|_| f64::from((center + scale * draw(-1.0, 1.0)) as f32)).collect();
    let rows: Vec<Vec<f64>> = (0..n).map(&mut row).collect();
    let y = (0..n).map(|i| match i {
        0 => true,
        1 => false,
        _ if i.is_multiple_of(10) => i.is_multiple_of(20),
        _ => draw(0.0, 1.0) + 0.2 * (rows[i][0] - center) / scale < setup.share,
    });
    let y = y.collect();
    let offset = |i: usize| if i.is_multiple_of(10) { setup.offset as f32 } else { 0.0 };
    let weights =
        (0..n).map(|_| f64::from(10f64.powf(setup.weights * draw(-0.5, 0.5)) as f32)).collect();
    let start = (0..d).map(|_| setup.start.0 / scale * draw(-1.0, 1.0)).collect();
    Data { rows, y, weights, offsets: (0..n).map(|i| offset(i).into()).collect(), start }
}

impl Data {
    fn matrix<F: Float>(&self) -> Matrix<F> {
        let shape = (self.rows.len(), self.rows[0].len());
        Matrix::new(shape, Default::default(), |i, j| F::narrow(self.rows[i][j]))
    }

    fn estimator(&self, setup: Setup) -> LogisticRegression {
        let estimator = LogisticRegression::new()
            .fit_intercept(setup.fit_intercept)
            .standardize(setup.standardize)
            .l2(setup.l2)
            .offsets(self.offsets.iter().copied())
            .initial_weights(self.start.iter().copied())
            .initial_intercept(setup.start.1);
        match setup.weights > 0.0 {
            true => estimator.sample_weights(self.weights.iter().copied()),
            false => estimator,
        }
    }

    /// The same, to start at zero.
    fn near(&self, setup: Setup) -> LogisticRegression {
        let zeros = vec![0.0; self.start.len()];
        self.estimator(setup).initial_weights(zeros).initial_intercept(0.0)
    }

    /// The most that the terms of a logit add up to without their signs.
    fn size<F: Float>(&self, fit: &Fit<F>) -> f64 {
        let of_row = |(row, offset): (&Vec<f64>, &f64)| {
            let terms = row.iter().zip(fit.model.weights()).map(|(x, w)| (x * w.widen()).abs());
            terms.sum::<f64>() + fit.model.intercept().widen().abs() + offset.abs()
        };
        self.rows.iter().zip(&self.offsets).map(of_row).fold(0.0, f64::max)
    }

    /// Fails where a loss lies further above the least one than the bound, but for rounding.
    ///
    /// A logit is off by no more roundings than it has terms, of the size of all of them; the loss by
    /// as much; a residual by a quarter of it, which the gradient takes times the way to the minimum,
    /// no longer than both logits; sums add a rounding per row. The penalty is part of the loss.
    fn check<F: Float>(
        &self,
        estimator: &LogisticRegression<impl Solver>,
        exact: &LogisticRegression<impl Solver>,
    ) {
        let fit = estimator.fit(&self.matrix::<F>(), &self.y).expect("a fit");
        let least = exact.fit(&self.matrix::<f64>(), &self.y).expect("a fit");
        let report = &fit.report;
        let bound = report.suboptimality_bound.expect("a bound");
        assert!(bound.is_finite() && bound >= 0.0);
        assert!(bound > 0.0 || report.gradient_norm == 0.0);
        let size = 1.0 + self.size(&fit) + self.size(&least);
        let roundings = (self.rows.len() + self.rows[0].len() + 8) as f64;
        let rounding = F::epsilon().widen() * roundings * (size * size + report.loss);
        let gap = report.loss - least.report.loss;
        assert!(gap <= bound + rounding, "{gap:e} above, at most {bound:e}\n{report}");
    }
}

logit_conformance::properties! {
    #![cases(512)]
    #[test]
    fn no_loss_lies_further_above_the_minimum(
        setup in setup(), iterations in 0usize..12, l1 in prop_oneof![Just(0.0), 1e-3..0.1f64],
    ) {
        let data = data(setup);
        let estimator = data.estimator(setup);
        let near = data.near(setup);
        let exact = estimator.clone().solver(Newton::new().tolerance(0.0));
        // Descents that measure columns know of a bound with an intercept on any.
        if setup.standardize || !setup.fit_intercept {
            let descent = GradientDescent::new().learning_rate(1e-3).max_iterations(iterations);
            data.check::<f64>(&estimator.clone().solver(descent.clone()), &exact);
            data.check::<f32>(&estimator.clone().solver(descent), &exact);
        }
        let lbfgs = estimator.clone().solver(Lbfgs::new().max_iterations(iterations));
        data.check::<f64>(&lbfgs, &exact);
        data.check::<f32>(&lbfgs, &exact);
        let few = iterations / 3;
        data.check::<f64>(&estimator.clone().solver(Newton::new().max_iterations(few)), &exact);
        let region = TrustRegion::new().max_iterations(few);
        data.check::<f64>(&estimator.solver(region), &exact);
        let sparse = near.l1(l1);
        let early = sparse.clone().solver(ProximalNewton::new().max_iterations(few));
        let exact = sparse.solver(ProximalNewton::new().tolerance(0.0).max_iterations(100));
        data.check::<f64>(&early, &exact);
    }

    #[test]
    fn the_bound_is_that_of_the_formula(setup in setup()) {
        let data = data(setup);
        let look = Look::default();
        let x = data.matrix::<f64>();
        let report = data.estimator(setup).solver(&look).fit(&x, &data.y).expect("a fit").report;
        let (at, gradient) = look.seen.take();
        let (got, expected) = if setup.standardize || !setup.fit_intercept {
            let standardized = (vec![0.0; setup.shape.1], setup.shape.1 as f64);
            (report.suboptimality_bound, bound(&data, setup, &at, &gradient, standardized))
        } else {
            prop_assert_eq!(report.suboptimality_bound, None);
            let lbfgs = data.estimator(setup).solver(Lbfgs::new().max_iterations(0));
            let fit = lbfgs.fit(&x, &data.y).expect("a fit");
            // From logits that are too large it starts at zero.
            let start = [fit.model.weights(), &[fit.model.intercept()]].concat();
            prop_assume!(start == at);
            let bound = bound(&data, setup, &at, &gradient, moments(&data));
            (fit.report.suboptimality_bound, bound)
        };
        let (got, expected) = (got.expect("a bound"), expected.min(report.loss));
        prop_assert!((got - expected).abs() <= 1e-9 * report.loss, "{got:e} is not {expected:e}");
    }

    #[test]
    fn at_the_minimum_it_is_as_small_as_the_tolerance_makes_the_gradient(setup in setup()) {
        const TOLERANCE: f64 = 1e-6;
        let setup = Setup { fit_intercept: true, standardize: false, weights: 0.0, ..setup };
        let data = data(setup);
        let estimator = data.near(setup).solver(Newton::new().tolerance(TOLERANCE));
        let fit = estimator.fit(&data.matrix::<f64>(), &data.y).expect("a fit");
        prop_assume!(fit.report.stop == StopReason::Converged);
        // The squared decrement is g·H⁻¹g, so a slope is at most the decrement times the root of
        // the curvature along it: of mean p(1 - p) |x|², of l2 and of mean p(1 - p). It is twice
        // what is estimated to be gained, and twice that again for second derivatives of the step
        // before.
        let decrement = (4.0 * TOLERANCE * fit.report.loss).sqrt();
        let (mean, variance) = moments(&data);
        let slope = decrement * (variance / 4.0 + setup.l2).sqrt();
        let most = [-0.5, 0.5].map(|root| {
            let h = root * decrement;
            let mut gradient: Vec<f64> = mean.iter().map(|mean| mean * h).chain([h]).collect();
            gradient[0] += slope;
            let at = [fit.model.weights(), &[fit.model.intercept()]].concat();
            bound(&data, setup, &at, &gradient, (mean.clone(), variance))
        });
        let (got, most) = (fit.report.suboptimality_bound.expect("a bound"), most[0].max(most[1]));
        prop_assert!(got <= most, "{got:e}, at most {most:e}\n{}", fit.report);
    }
}

#[test]
fn the_bound_is_told() {
    let setup = plain(50, 1);
    let data = data(setup);
    let (x, estimator) = (data.matrix::<f64>(), data.estimator(setup));
    let report = estimator.clone().solver(Newton::new()).fit(&x, &data.y).expect("a fit").report;
    let (about, bound) = (report.suboptimality.unwrap(), report.suboptimality_bound.unwrap());
    let told = format!(", about {about:.1e} and at most {bound:.1e} above the minimum");
    assert!(report.to_string().contains(&told), "{report}");
    let estimator = estimator.standardize(true).solver(GradientDescent::new().max_iterations(0));
    let report = estimator.fit(&x, &data.y).expect("a fit").report;
    let bound = report.suboptimality_bound.unwrap();
    assert!(report.to_string().contains(&format!(", at most {bound:.1e} above the minimum")));
}

#[test]
fn there_is_none_without_a_penalty_nor_where_columns_are_not_measured() {
    let has = |n: usize, of: fn(LogisticRegression) -> LogisticRegression, solver: usize| {
        let data = data(plain(n, 2));
        let (x, estimator) = (data.matrix::<f64>(), of(LogisticRegression::new().l2(0.1)));
        let report = match solver {
            0 => estimator.fit(&x, &data.y),
            1 => estimator.solver(Lbfgs::new()).fit(&x, &data.y),
            2 => estimator.solver(TrustRegion::new()).fit(&x, &data.y),
            3 => estimator.l1(0.01).fit(&x, &data.y),
            4 => {
                let wide = ProximalNewton::new().most_derivatives(0);
                estimator.l1(0.01).solver(wide).fit(&x, &data.y)
            }
            _ => {
                let descent = GradientDescent::new().learning_rate(0.1).max_iterations(2);
                estimator.solver(descent).fit(&x, &data.y)
            }
        };
        report.expect("a fit").report.suboptimality_bound.is_some()
    };
    // Newton's methods measure a sample where rows are many, gradient descent nothing.
    assert_eq!(
        [0, 1, 2, 3, 4, 5].map(|solver| has(50, |of| of, solver)),
        [true, true, true, true, true, false]
    );
    assert_eq!(
        [0, 1, 2, 3, 4, 5].map(|solver| has(20_000, |of| of, solver)),
        [false, true, true, false, true, false]
    );
    for n in [50, 20_000] {
        for solver in 0..6 {
            assert!(has(n, |of| of.standardize(true), solver));
            assert!(has(n, |of| of.fit_intercept(false), solver));
            assert!(!has(n, |of| of.l2(0.0).standardize(true), solver));
            assert!(!has(n, |of| of.l2(0.0).fit_intercept(false), solver));
        }
    }
}

/// Overlapping classes of half the rows each, in columns as they are.
fn plain(n: usize, d: usize) -> Setup {
    Setup {
        shape: (n, d),
        seed: 1,
        fit_intercept: true,
        standardize: false,
        l2: 0.1,
        columns: (0.0, 1.0),
        share: 0.5,
        offset: 0.0,
        weights: 0.0,
        start: (0.0, 0.0),
    }
}

/// The centre of the columns and the sum of their variances.
fn moments(data: &Data) -> (Vec<f64>, f64) {
    let total: f64 = data.weights.iter().sum();
    let weighted = |f: &dyn Fn(&[f64]) -> f64| {
        data.rows.iter().zip(&data.weights).map(|(row, weight)| weight * f(row)).sum::<f64>()
            / total
    };
    let mean: Vec<f64> = (0..data.rows[0].len()).map(|j| weighted(&|row| row[j])).collect();
    let square = |j: usize| weighted(&|row| (row[j] - mean[j]).powi(2));
    let variance = (0..mean.len()).map(square).sum();
    (mean, variance)
}

/// The formula: strong convexity by the weights, and the intercept at most as far from its best as
/// Chebyshev's inequality has it.
fn bound(
    data: &Data,
    setup: Setup,
    at: &[f64],
    gradient: &[f64],
    (mean, variance): (Vec<f64>, f64),
) -> f64 {
    let norm = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>().sqrt();
    let d = mean.len();
    if !setup.fit_intercept {
        return norm(gradient).powi(2) / (2.0 * setup.l2);
    }
    let total: f64 = data.weights.iter().sum();
    let weighted = |f: &dyn Fn(usize) -> f64| {
        data.weights.iter().enumerate().map(|(i, weight)| weight * f(i)).sum::<f64>() / total
    };
    let y = weighted(&|i| f64::from(u8::from(data.y[i])));
    let offset = weighted(&|i| data.offsets[i].powi(2)).sqrt();
    let sigma = variance.sqrt();
    let h = gradient[d];
    let g: Vec<f64> = gradient[..d].iter().zip(&mean).map(|(g, mean)| g - h * mean).collect();
    let b = at[d] + at[..d].iter().zip(&mean).map(|(w, mean)| w * mean).sum::<f64>();
    let (k, distance) = if h > 0.0 {
        ((2.0 / y).sqrt(), b + (2.0 * (1.0 - y) / y).ln())
    } else {
        ((2.0 / (1.0 - y)).sqrt(), (2.0 * y / (1.0 - y)).ln() - b)
    };
    let distance = distance + k * (sigma * norm(&at[..d]) + offset);
    (norm(&g) + k * sigma * h.abs()).powi(2) / (2.0 * setup.l2) + h.abs() * distance
}

/// Stays where it starts, and keeps the parameters and the gradient there.
#[derive(Default)]
struct Look {
    seen: RefCell<(Vec<f64>, Vec<f64>)>,
}

impl Solver for &Look {
    fn check<F: Float>(&self) -> Result<(), Error> {
        Ok(())
    }

    fn minimize<B: Backend + ?Sized>(
        &self,
        objective: &mut Objective<'_, B>,
        start: Vec<B::Scalar>,
        trace: &mut Trace<'_, B::Scalar>,
    ) -> Result<(Evaluation<B::Scalar>, StopReason), Error> {
        let point = objective.evaluate(start);
        trace.record(objective, &point)?;
        let widen = |values: &[B::Scalar]| values.iter().map(|value| value.widen()).collect();
        self.seen.replace((widen(point.parameters()), widen(point.gradient())));
        Ok((point, trace.proceed(objective, 0).expect("the end")))
    }
}
