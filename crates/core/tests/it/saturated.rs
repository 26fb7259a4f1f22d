//! Offsets, weights, starts and penalties at which no row is curved: how soon the optimum is found,
//! and that it is one.

use logit_conformance::Matrix;
use logit_core::{
    Error, Fit, Float, Lbfgs, LogisticRegression, ProximalNewton, Solver, StopReason, TrustRegion,
    sigmoid,
};
use proptest::prelude::*;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

/// No fit by the default solver reads the data more often.
const MOST_PASSES: f64 = 60.0;

fn new() -> LogisticRegression {
    LogisticRegression::new()
}

fn rng(seed: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed)
}

/// Rows of numbers in [-2, 2), and classes by a logistic model of the first of them.
fn data<F: Float>(n: usize, d: usize, seed: u64) -> (Matrix<F>, Vec<bool>) {
    let mut rng = rng(seed);
    let rows: Vec<Vec<f64>> =
        (0..n).map(|_| (0..d).map(|_| rng.random_range(-2.0..2.0)).collect()).collect();
    let y = rows.iter().map(|row| rng.random::<f64>() < sigmoid(row[0] - 0.3)).collect();
    (Matrix::new((n, d), Default::default(), |i, j| F::narrow(rows[i][j])), y)
}

/// By how much a model lies above its neighbours in steps of some size along each weight and the
/// intercept, as a share of its loss; at the minimum it does not.
fn excess<F: Float, S: Solver + Clone>(
    estimator: &LogisticRegression<S>,
    l1: f64,
    x: &Matrix<F>,
    y: &[bool],
    fit: &Fit<F>,
    step: f64,
) -> Result<f64, Error> {
    let mut objective = estimator.clone().l1(l1).objective(x, y)?;
    let at: Vec<f64> = fit.model.weights().iter().map(|w| w.widen()).collect();
    let at = [at, vec![fit.model.intercept().widen()]].concat();
    let mut loss = |at: &[f64]| {
        let narrow: Vec<F> = at.iter().map(|&at| F::narrow(at)).collect();
        objective.evaluate(narrow).loss()
    };
    let here = loss(&at);
    let mut most = f64::NEG_INFINITY;
    for j in 0..at.len() {
        for sign in [-1.0, 1.0] {
            let mut moved = at.clone();
            moved[j] += sign * step;
            most = most.max((here - loss(&moved)) / here);
        }
    }
    Ok(most)
}

fn check<F: Float>(
    estimator: &LogisticRegression,
    l1: f64,
    x: &Matrix<F>,
    y: &[bool],
) -> Result<Fit<F>, TestCaseError> {
    let single = F::NAME == "f32";
    let fit = estimator.clone().l1(l1).fit(x, y).map_err(|e| TestCaseError::fail(e.to_string()))?;
    let Fit { report, .. } = &fit;
    prop_assert!(report.passes <= MOST_PASSES, "{report}");
    let ended = report.stop == StopReason::Converged;
    prop_assert!(ended || single && report.stop == StopReason::PrecisionLimit, "{report}");
    let step = if single { 1e-2 } else { 1e-4 };
    let most = excess(estimator, l1, x, y, &fit, step).expect("a loss");
    prop_assert!(most <= if single { 1e-6 } else { 1e-9 }, "{most:e} too high: {report}");
    if let Some(above) = report.suboptimality {
        prop_assert!(above <= report.loss, "{report}");
    }
    Ok(fit)
}

fn strength() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), (-6.0..-1.0f64).prop_map(|exponent| 10f64.powf(exponent))]
}

logit_conformance::properties! {
    #![cases(32)]

    #[test]
    fn offsets_of_any_sign_and_size(
        n in 60usize..300, d in 1usize..6, seed: u64, l1 in strength(),
        size in 1.0..2.4f64, shape in 0..3,
    ) {
        let size = 10f64.powf(size);
        let mut draws = rng(seed ^ 1);
        let mut offset = |_| match shape {
            0 => size,
            1 => draws.random_range(-size..size),
            _ => if draws.random() { size } else { -size },
        };
        let offsets: Vec<f64> = (0..n).map(&mut offset).collect();
        let (x, y) = data::<f64>(n, d, seed);
        check(&new().offsets(&offsets), l1, &x, &y)?;
        let (x, y) = data::<f32>(n, d, seed);
        check(&new().offsets(&offsets), l1, &x, &y)?;
    }

    #[test]
    fn any_start(n in 60usize..300, d in 1usize..6, seed: u64, l1 in strength(), size in 0.0..6.0f64) {
        let mut draws = rng(seed ^ 1);
        let mut number = || 10f64.powf(size) * draws.random_range(-1.0..1.0);
        let weights: Vec<f64> = (0..d).map(|_| number()).collect();
        let estimator = new().initial_weights(weights).initial_intercept(number());
        let (x, y) = data::<f64>(n, d, seed);
        check(&estimator, l1, &x, &y)?;
        let (x, y) = data::<f32>(n, d, seed);
        check(&estimator, l1, &x, &y)?;
    }

    #[test]
    fn weights_of_rows_and_classes_over_many_orders(
        n in 60usize..300, d in 1usize..6, seed: u64, l1 in (-4.0..-1.0f64), orders in 0.0..16.0f64,
        class in -8.0..8.0f64,
    ) {
        let mut draws = rng(seed ^ 1);
        let weight = |_| 10f64.powf(orders * draws.random_range(-0.5..0.5));
        let weights: Vec<f64> = (0..n).map(weight).collect();
        let estimator = new().sample_weights(weights).class_weights(1.0, 10f64.powf(class));
        let (x, y) = data::<f64>(n, d, seed);
        check(&estimator, 10f64.powf(l1), &x, &y)?;
    }

    /// What the offset is does not matter where the intercept can take it back.
    #[test]
    fn an_offset_of_all_rows_is_the_intercepts(
        n in 60usize..300, d in 1usize..5, seed: u64, l1 in strength(), offset in -300.0..300.0f64,
    ) {
        let (x, y) = data::<f64>(n, d, seed);
        let with = check(&new().offsets(vec![offset; n]), l1, &x, &y)?;
        let without = check(&new(), l1, &x, &y)?;
        prop_assert!((with.report.loss - without.report.loss).abs() <= 1e-9);
        for (a, b) in with.model.weights().iter().zip(without.model.weights()) {
            prop_assert!((a - b).abs() <= 1e-6, "{a} {b}");
        }
    }
}

#[test]
fn a_start_that_is_far_on_the_wrong_side_is_left_at_once() {
    let x = Matrix::<f64>::from_rows([[1.0], [0.0]]);
    let estimator = new().l1(0.0076).initial_weights([-236.0]).initial_intercept(287.0);
    let fit = estimator.fit(&x, [false, true]).expect("a fit");
    assert!(fit.model.weights()[0] < -1.0 && fit.report.passes <= MOST_PASSES, "{}", fit.report);
    let from_zero = new().l1(0.0076).fit(&x, [false, true]).expect("a fit");
    assert!((fit.report.loss - from_zero.report.loss).abs() < 1e-9, "{}", fit.report);
}

/// As little an L1 penalty as this bounds nothing; second derivatives still tell where the minimum is.
#[test]
fn the_least_penalties_are_no_precision_limit() {
    let mut draws = rng(3);
    let year: Vec<f64> = (0..300).map(|i| 1990.0 + f64::from(i % 30)).collect();
    let y: Vec<bool> =
        year.iter().map(|year| draws.random::<f64>() < sigmoid((year - 2004.0) / 4.0)).collect();
    let x = Matrix::<f64>::new((300, 3), Default::default(), |i, j| year[i].powi(j as i32 + 1));
    let free = new().fit(&x, &y).expect("a fit");
    for l1 in [1e-12, 1e-10] {
        let fit = new().l1(l1).fit(&x, &y).expect("a fit");
        let size: f64 = free.model.weights().iter().map(|w| w.abs()).sum();
        let (least, most) = (free.report.loss, free.report.loss + l1 * size);
        assert_eq!(fit.report.stop, StopReason::Converged, "{}", fit.report);
        assert!(fit.report.suboptimality.is_some_and(|above| above < 1e-9), "{}", fit.report);
        assert!(fit.report.loss >= least - 1e-12 && fit.report.loss <= most + 1e-9);
    }
}

/// Of separable rows with next to no penalty, in `f32`.
#[test]
fn a_lasso_of_separable_rows_takes_some_dozens_of_reads() {
    let (x, _) = data::<f32>(60, 80, 5);
    let y: Vec<bool> = (0..60).map(|i| x.get(i, 0) > 0.0).collect();
    for l1 in [1e-7, 1e-9, 1e-11] {
        let fit = new().l1(l1).fit(&x, &y).expect("a fit");
        assert!(fit.report.passes <= 100.0, "{}", fit.report);
        assert!(fit.report.suboptimality.is_some_and(|by| by <= 1e-3 * fit.report.loss));
    }
}

/// Without second derivatives, two nearly equal columns.
#[test]
fn nearly_equal_columns_are_no_creep() {
    let mut draws = rng(9);
    let first: Vec<f64> = (0..22).map(|_| draws.random_range(-1.0..1.0)).collect();
    let constants = [-0.599_855_765_840_867, -0.599_856_128_371_185_4];
    let x = Matrix::<f64>::new((22, 8), Default::default(), |i, j| match j {
        0..2 => constants[j],
        _ => first[(i * j) % 22],
    });
    let y: Vec<bool> = (0..22).map(|i| draws.random::<f64>() < sigmoid(first[i])).collect();
    for exponent in 2..8 {
        let estimator = new().fit_intercept(false).l1(10f64.powi(-exponent));
        let least = estimator.fit(&x, &y).expect("a fit").report.loss;
        let few = ProximalNewton::new().most_derivatives(0);
        let report = estimator.solver(few).fit(&x, &y).expect("a fit").report;
        assert!(report.passes < 1000.0 && report.loss <= least * (1.0 + 1e-9), "{report}");
    }
}

/// On how many reads the methods that know gradients or products alone come to the optimum, on average.
fn reads(solver: impl Solver + Clone, offset: f64) -> f64 {
    let reads = |seed| {
        let (x, y) = data::<f64>(200, 8, seed);
        let x = Matrix::<f64>::new((200, 8), Default::default(), |i, j| {
            x.get(i, j) + if j > 0 { 0.9 * x.get(i, j - 1) } else { 0.0 }
        });
        let mut draws = rng(seed);
        let offsets: Vec<f64> = y.iter().map(|_| draws.random_range(-offset..=offset)).collect();
        let fit = new().solver(solver.clone()).offsets(offsets).fit(&x, &y).expect("a fit");
        assert_eq!(fit.report.stop, StopReason::Converged, "{}", fit.report);
        fit.report.passes
    };
    (0..10).map(reads).sum::<f64>() / 10.0
}

#[test]
fn lbfgs_and_the_trust_region_take_few_reads_near_and_far() {
    let found = [
        reads(Lbfgs::new(), 0.0),
        reads(Lbfgs::new(), 30.0),
        reads(TrustRegion::new(), 0.0),
        reads(TrustRegion::new(), 30.0),
    ];
    let most = [35.0, 50.0, 60.0, 100.0];
    assert!(found.iter().zip(&most).all(|(found, most)| found <= most), "{found:?} of {most:?}");
}

/// With penalties that bound nothing, second derivatives tell how far the minimum is.
#[test]
fn what_is_printed_of_an_l1_fit_cut_short_is_no_less_than_the_truth() {
    for seed in 0..20 {
        let (x, y) = data::<f64>(100, 4, seed);
        let estimator = new().l1(1e-9);
        let least = estimator.fit(&x, &y).expect("a fit").report.loss;
        for iterations in 0..10 {
            let solver = ProximalNewton::new().max_iterations(iterations);
            let report = estimator.clone().solver(solver).fit(&x, &y).expect("a fit").report;
            let above = report.suboptimality.expect("an estimate");
            assert!(report.loss - least <= above + 1e-15, "{above:e} is less: {report}");
        }
    }
}

/// Without a penalty the rows of small weight decide what those of large weight leave open.
#[test]
fn weights_over_sixteen_orders_take_no_more_reads() {
    for seed in 0..40 {
        let mut draws = rng(seed);
        let (n, d) = (draws.random_range(60..300), draws.random_range(1..6));
        let (x, y) = data::<f64>(n, d, seed);
        let weights = (0..n).map(|_| 10f64.powf(draws.random_range(-8.0..8.0)));
        let fit = new().sample_weights(weights).fit(&x, &y).expect("a fit");
        assert_eq!(fit.report.stop, StopReason::Converged, "{seed}: {}", fit.report);
        assert!(fit.report.passes <= MOST_PASSES, "{seed}: {}", fit.report);
    }
}
