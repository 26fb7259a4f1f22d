//! L1 penalties as a caller sees them: zeros, invariances, reports, errors.

use std::f64::consts::LN_2;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use logit_conformance::{DynBackend, Matrix};
use logit_core::{
    Backend, Error, Fit, Float, GradientDescent, Lbfgs, LogisticRegression, Newton, ProximalNewton,
    Solver, StopReason, TrustRegion,
};
use proptest::prelude::*;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

fn value(i: usize, j: usize) -> f64 {
    ((i * 37 + j * 61) as f64 * 0.7).sin() + (i as f64 * (j + 1) as f64 * 0.11).cos()
}

fn data<F: Float>(n: usize, d: usize) -> (Matrix<F>, Vec<bool>) {
    let x = Matrix::new((n, d), Default::default(), |i, j| F::narrow(value(i, j)));
    let y = (0..n).map(|i| value(i, 0) - 0.5 * value(i, 2) + (i as f64 * 1.7).sin() > 0.2);
    (x, y.collect())
}

fn new() -> LogisticRegression {
    LogisticRegression::new()
}

/// The fits with second derivatives and without.
fn fits<B: Backend>(estimator: &LogisticRegression, x: &B, y: &[bool]) -> [Fit<B::Scalar>; 2] {
    let newton = estimator.clone().solver(ProximalNewton::new()).fit(x, y).expect("a fit");
    let solver = ProximalNewton::new().most_derivatives(0);
    [newton, estimator.clone().solver(solver).fit(x, y).expect("a fit")]
}

fn too_strong<F: Float>() {
    let (x, y) = data::<F>(90, 6);
    let ones = y.iter().filter(|y| **y).count() as f64;
    let log_odds = (ones / (90.0 - ones)).ln();
    for fit in fits(&new().l1(10.0).initial_weights([1.0; 6]), &x, &y) {
        assert!(fit.model.weights().iter().all(|w| *w == F::zero()), "{:?}", fit.model);
        let error = (fit.model.intercept().widen() - log_odds).abs();
        assert!(error <= F::epsilon().widen().sqrt(), "{:?}, not {log_odds}", fit.model);
    }
    for fit in fits(&new().l1(10.0).fit_intercept(false), &x, &y) {
        assert!(fit.model.weights().iter().all(|w| *w == F::zero()), "{:?}", fit.model);
        assert!((fit.report.loss - LN_2).abs() < 1e-6);
        assert_eq!(fit.report.gradient_norm, 0.0);
    }
}

#[test]
fn too_strong_a_penalty_leaves_the_log_odds_alone() {
    too_strong::<f32>();
    too_strong::<f64>();
}

#[test]
fn without_l1_the_methods_are_those_of_the_default() {
    let (x, y) = data::<f64>(90, 6);
    let estimator = new().l2(0.1);
    let [newton, region] = fits(&estimator, &x, &y);
    let solver = Newton::new().tolerance(1e-9);
    assert_eq!(newton, estimator.clone().solver(solver).fit(&x, &y).expect("a fit"));
    let solver = TrustRegion::new().tolerance(1e-9);
    assert_eq!(region, estimator.solver(solver).fit(&x, &y).expect("a fit"));
}

#[test]
fn a_vanishing_l1_changes_nothing() {
    let (x, y) = data::<f64>(90, 6);
    let plain = new().l2(0.1).fit(&x, &y).expect("a fit");
    for fit in fits(&new().l2(0.1).l1(1e-12), &x, &y) {
        for (got, want) in fit.model.weights().iter().zip(plain.model.weights()) {
            assert!((got - want).abs() < 1e-7, "{got}, not {want}");
        }
    }
}

#[test]
fn with_standardised_columns_their_scale_and_place_do_not_matter() {
    let (x, y) = data::<f64>(90, 6);
    let scale = |j: usize| 10f64.powi(3 - j as i32);
    let scaled = Matrix::new((90, 6), Default::default(), |i, j| {
        x.get(i, j) * scale(j) + if j % 2 == 0 { 0.0 } else { 7.0 }
    });
    let estimator = new().standardize(true).l1(0.03);
    let pairs = fits(&estimator, &x, &y).into_iter().zip(fits(&estimator, &scaled, &y));
    for (a, b) in pairs {
        assert!((a.report.loss - b.report.loss).abs() < 1e-12);
        let weights = a.model.weights();
        assert!(weights.contains(&0.0) && weights.iter().any(|w| *w != 0.0));
        for (j, (a, b)) in weights.iter().zip(b.model.weights()).enumerate() {
            assert!((a - b * scale(j)).abs() < 1e-7, "{a} and {b} at {j}");
            assert_eq!(*a == 0.0, *b == 0.0);
        }
    }
}

#[test]
fn without_standardisation_the_place_of_columns_does_not_matter() {
    let (x, y) = data::<f64>(90, 6);
    let far = Matrix::new((90, 6), Default::default(), |i, j| x.get(i, j) + 1000.0 * j as f64);
    let pairs = fits(&new().l1(0.03), &x, &y).into_iter().zip(fits(&new().l1(0.03), &far, &y));
    for (a, b) in pairs {
        for (a, b) in a.model.weights().iter().zip(b.model.weights()) {
            assert!((a - b).abs() < 1e-6 && (*a == 0.0) == (*b == 0.0), "{a} and {b}");
        }
    }
}

#[test]
fn a_column_given_twice_shares_its_weight() {
    let (x, y) = data::<f64>(90, 3);
    let twice = Matrix::new((90, 4), Default::default(), |i, j| x.get(i, j.min(2)));
    let once = new().l1(0.03).fit(&x, &y).expect("a fit");
    for fit in fits(&new().l1(0.03), &twice, &y) {
        let w = fit.model.weights();
        let want = once.model.weights()[2];
        assert!((w[2] + w[3] - want).abs() < 1e-6 && want != 0.0, "{w:?}, not {want}");
        assert!((fit.report.loss - once.report.loss).abs() < 1e-12);
    }
}

#[test]
fn a_constant_column_is_left_to_the_intercept() {
    let (x, y) = data::<f64>(90, 3);
    let with =
        Matrix::new((90, 4), Default::default(), |i, j| if j < 3 { x.get(i, j) } else { 5.0 });
    for standardize in [false, true] {
        for fit in fits(&new().l1(0.03).standardize(standardize), &with, &y) {
            assert_eq!(fit.model.weights()[3], 0.0);
        }
    }
}

#[test]
fn a_weight_of_two_is_the_row_twice() {
    let (x, y) = data::<f64>(60, 4);
    let double = Matrix::new((80, 4), Default::default(), |i, j| x.get(i % 60, j));
    let labels: Vec<bool> = (0..80).map(|i| y[i % 60]).collect();
    let weights = (0..60).map(|i| if i < 20 { 2.0 } else { 1.0 });
    let offset = |i: usize| value(i % 60, 9);
    let weighted = new().l1(0.02).sample_weights(weights).offsets((0..60).map(offset));
    let doubled = new().l1(0.02).offsets((0..80).map(offset));
    let pairs = fits(&weighted, &x, &y).into_iter().zip(fits(&doubled, &double, &labels));
    for (a, b) in pairs {
        for (a, b) in a.model.weights().iter().zip(b.model.weights()) {
            assert!((a - b).abs() < 1e-7, "{a} and {b}");
        }
    }
}

#[test]
fn separated_classes_have_an_optimum() {
    let x = Matrix::from_rows([[-2.0], [-1.0], [1.0], [2.0]]);
    for fit in fits(&new().l1(1e-3), &x, &[false, false, true, true]) {
        assert_eq!(fit.report.stop, StopReason::Converged, "{}", fit.report);
        assert!(fit.model.weights()[0] > 3.0);
    }
}

/// Fits that begin with a sample of the rows end at the optimum of all of them.
fn many_rows<F: Float>(tolerance: f64) {
    let (x, y) = data::<F>(60_000, 5);
    let estimator = new().l1(0.05).standardize(true);
    let fit = estimator.clone().fit(&x, &y).expect("a fit");
    let stops = [StopReason::Converged, StopReason::PrecisionLimit];
    assert!(stops.contains(&fit.report.stop) && fit.report.passes < 20.0, "{}", fit.report);
    let zeros = fit.model.weights().iter().filter(|w| **w == F::zero()).count();
    assert!(zeros > 0 && zeros < 5);
    assert!(fit.report.gradient_norm <= tolerance, "{}", fit.report);
    // The report is that of the model.
    let again = estimator.start_from(&fit.model).solver(ProximalNewton::new().max_iterations(0));
    let again = again.fit(&x, &y).expect("a fit").report;
    assert!((again.loss - fit.report.loss).abs() <= tolerance, "{again}");
}

#[test]
fn fits_from_samples_end_at_the_optimum_of_all_rows() {
    many_rows::<f64>(1e-9);
    many_rows::<f32>(1e-5);
}

#[test]
fn the_bound_lies_above_what_is_left() {
    let (x, y) = data::<f64>(90, 6);
    let estimator = new().l1(0.01);
    let least = estimator.fit(&x, &y).expect("a fit").report.loss;
    for iterations in 0..8 {
        let newton = ProximalNewton::new().max_iterations(iterations);
        let newton = estimator.clone().solver(newton).fit(&x, &y).expect("a fit").report;
        let without = ProximalNewton::new().most_derivatives(0).max_iterations(iterations);
        let without = estimator.clone().solver(without).fit(&x, &y).expect("a fit").report;
        for report in [newton, without] {
            let bound = report.suboptimality.expect("a bound");
            assert!(bound >= report.loss - least - 1e-15, "{report}, least {least}");
        }
    }
}

fn refused<S: Solver>(solver: S, name: &str) {
    let (x, y) = data::<f64>(90, 6);
    let error = new().l1(0.25).solver(solver).fit(&x, &y).expect_err("an error");
    let told = format!(
        "l1 is 0.25 for the solver {name}: it must be 0, or the solver must take an L1 penalty \
         (accepts_l1), as Auto and ProximalNewton do"
    );
    assert_eq!(error.to_string(), told);
}

#[test]
fn solvers_that_would_ignore_an_l1_penalty_refuse_it() {
    refused(Newton::new(), "Newton");
    refused(Lbfgs::new(), "Lbfgs");
    refused(GradientDescent::new(), "GradientDescent");
}

#[test]
fn settings_out_of_range_are_named() {
    let (x, y) = data::<f64>(90, 6);
    let setting = |result: Result<Fit<f64>, Error>| match result {
        Err(Error::Setting { name, .. }) => name,
        other => panic!("{other:?}"),
    };
    for l1 in [-1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(setting(new().l1(l1).fit(&x, &y)), "l1");
        let solver = ProximalNewton::new().tolerance(l1);
        assert_eq!(setting(new().l1(0.1).solver(solver).fit(&x, &y)), "tolerance");
    }
}

/// More columns could move than second derivatives may be by: the set of those that do grows until
/// it has all that are not zero at the optimum.
#[test]
fn a_working_set_comes_to_the_optimum_of_all_columns() {
    let (n, d) = (200, 150);
    let common = |i: usize| (i as f64 * 2.3).sin();
    let noise = |i: usize, j: usize| ((i * 7919 + j * 104_729) as f64 * 0.618).sin();
    let x = Matrix::new((n, d), Default::default(), |i, j| 10.0 * common(i) + noise(i, j));
    let y: Vec<bool> = (0..n).map(|i| common(i) + noise(i, 3) - noise(i, 70) > 0.1).collect();
    let estimator = new().l1(0.03);
    let all = estimator.fit(&x, &y).expect("a fit");
    let solver = ProximalNewton::new().most_derivatives(40);
    let some = estimator.clone().solver(solver).fit(&x, &y).expect("a fit");
    let none = ProximalNewton::new().most_derivatives(0);
    let none = estimator.clone().solver(none).fit(&x, &y).expect("a fit");
    assert_eq!(some.report.stop, StopReason::Converged, "{}", some.report);
    assert!(some.report.passes < none.report.passes / 2.0, "{}\n{}", some.report, none.report);
    for (got, want) in some.model.weights().iter().zip(all.model.weights()) {
        assert!((got - want).abs() < 1e-6 && (*got == 0.0) == (*want == 0.0), "{got}, not {want}");
    }
}

/// A matrix that may be sparse, and how often rows of it are copied, which second derivatives take.
struct Counted {
    x: Matrix<f64>,
    stored: usize,
    copies: AtomicUsize,
}

impl Backend for Counted {
    type Scalar = f64;
    type Vector = Vec<f64>;

    fn nrows(&self) -> usize {
        self.x.nrows()
    }

    fn ncols(&self) -> usize {
        self.x.ncols()
    }

    fn matvec(&self, rows: Range<usize>, w: &[f64], out: &mut [f64]) {
        self.x.matvec(rows, w, out);
    }

    fn matvec_transpose(&self, rows: Range<usize>, r: &[f64], acc: &mut [f64]) {
        self.x.matvec_transpose(rows, r, acc);
    }

    fn vector(&self, values: Vec<f64>) -> Vec<f64> {
        values
    }

    fn stored_before(&self, row: usize) -> usize {
        self.stored * row
    }

    fn copy_rows(&self, rows: Range<usize>, out: &mut [f64]) {
        self.copies.fetch_add(1, Ordering::Relaxed);
        self.x.copy_rows(rows, out);
    }
}

/// A sum of second derivatives takes as long as very many reads of few elements a row.
#[test]
fn second_derivatives_wait_until_steps_have_taken_as_long_as_their_sum() {
    let rng = &mut Xoshiro256PlusPlus::seed_from_u64(2);
    let (n, d, stored) = (400, 100, 2);
    let mut rows = vec![vec![0.0; d]; n];
    for row in &mut rows {
        (0..stored).for_each(|_| row[rng.random_range(0..d)] = rng.random_range(-2.0..2.0));
    }
    let y: Vec<bool> = rows.iter().map(|row| row.iter().sum::<f64>() > rng.random()).collect();
    let fit = |stored| {
        let x = Counted { x: Matrix::from_rows(&rows), stored, copies: AtomicUsize::new(0) };
        let solver = ProximalNewton::new().most_derivatives(80).tolerance(1e-12);
        let any: &DynBackend<'_, f64> = &x;
        let fit = new().l1(1e-3).solver(solver).fit(any, &y).expect("a fit");
        assert!((11..100).contains(&fit.report.iterations), "{}", fit.report);
        (fit.report.loss, x.copies.into_inner())
    };
    let ((few_loss, few_copies), (all_loss, all_copies)) = (fit(stored), fit(d));
    assert_eq!(few_copies, 0);
    assert!(all_copies > 0);
    assert!((few_loss - all_loss).abs() < 1e-10);
}

/// Columns far from 0 that have much in common, on scales of their own.
fn far_columns(n: usize, d: usize, seed: u64) -> (Matrix<f64>, Vec<bool>) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut draw =
        |count: usize| -> Vec<f64> { (0..count).map(|_| rng.random_range(-1.0..1.0)).collect() };
    let (common, share, scale, far) = (draw(n), draw(d), draw(d), draw(d));
    let (own, luck) = (draw(n * d), draw(n));
    let y = (0..n).map(|i| common[i] + 0.7 * luck[i] > 0.0).collect();
    let x = Matrix::new((n, d), Default::default(), |i, j| {
        let value = common[i] * share[j] + 0.01 * own[i * d + j] + 10.0 * far[j];
        100f64.powf(scale[j]) * value
    });
    (x, y)
}

/// Columns that are sums of three factors, but for a share that is their own.
fn factors(n: usize, d: usize, own: f64, seed: u64) -> (Matrix<f64>, Vec<bool>) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut draw =
        |count: usize| -> Vec<f64> { (0..count).map(|_| rng.random_range(-1.0..1.0)).collect() };
    let (common, loads, noise, luck) = (draw(3 * n), draw(3 * d), draw(n * d), draw(n));
    let x = Matrix::new((n, d), Default::default(), |i, j| {
        let shared = (0..3).map(|k| common[3 * i + k] * loads[3 * j + k]).sum::<f64>();
        shared + own * noise[i * d + j]
    });
    let y = (0..n).map(|i| common[3 * i] + common[3 * i + 1] + luck[i] > 0.0).collect();
    (x, y)
}

#[test]
fn the_corner_of_dependent_columns_is_found() {
    let x = Matrix::from_rows([[-2.0, -2.0, -6.0], [2.0, -2.0, -6.0], [-2.0, -1.0, -3.0]]);
    for fit in fits(&new().l1(8.06e-5).fit_intercept(false), &x, &[false, true, true]) {
        assert_eq!(fit.report.stop, StopReason::Converged, "{}", fit.report);
        // By Newton's method in doubled precision.
        assert!((fit.report.loss - 0.595_432_399_62).abs() < 1e-11, "{}", fit.report);
        assert_eq!(fit.model.weights()[1], 0.0);
    }
    for strength in (0..40).map(|k| 10f64.powf(-0.2 * f64::from(k))) {
        let estimator = new().l1(strength).fit_intercept(false);
        the_larger_of_two_multiples_takes_all(&x, &[false, true, true], (1, 2), &estimator);
    }
}

/// Two columns, one a multiple of the other, of which only the larger one is worth its penalty: the
/// fit is that without the smaller one, whose weight is 0.
fn the_larger_of_two_multiples_takes_all(
    x: &Matrix<f64>,
    y: &[bool],
    (smaller, larger): (usize, usize),
    estimator: &LogisticRegression,
) {
    assert!(x.get(0, smaller).abs() < x.get(0, larger).abs() || x.get(0, larger) == 0.0);
    let d = x.ncols() - 1;
    let place = |j: usize| if j < smaller { j } else { j + 1 };
    let without = Matrix::new((y.len(), d), Default::default(), |i, j| x.get(i, place(j)));
    let least = estimator.fit(&without, y).expect("a fit").report.loss;
    let fit = estimator.fit(x, y).expect("a fit");
    assert!(fit.report.passes < 100.0, "{}", fit.report);
    assert!(fit.report.loss <= least * (1.0 + 1e-10), "{} above {least}", fit.report);
    assert_eq!(fit.model.weights()[smaller], 0.0, "{}", fit.report);
}

/// Where a step that keeps signs goes on for too long, only the reads tell.
#[test]
fn steps_that_keep_signs_are_broken_off_in_time() {
    let reads = |seed| {
        let (x, y) = factors(200, 100, 1e-3, seed);
        let solver = ProximalNewton::new().most_derivatives(0);
        let fit = new().standardize(true).l1(3e-4).solver(solver).fit(&x, &y).expect("a fit");
        assert_eq!(fit.report.stop, StopReason::Converged);
        fit.report.passes
    };
    let reads = (0..10).map(reads).sum::<f64>() / 10.0;
    assert!(reads < 700.0, "{reads} reads on average");
}

logit_conformance::properties! {
    #[test]
    fn of_multiples_the_larger_takes_all(
        rows in (1usize..5).prop_flat_map(|d| {
            prop::collection::vec(prop::collection::vec(-3i32..4, d), 6..50)
        }),
        luck in prop::collection::vec(-2.0..2.0f64, 50),
        strength in -8.0..-1.0f64,
        fit_intercept: bool,
    ) {
        let d = rows[0].len();
        let x = Matrix::new((rows.len(), d + 1), Default::default(), |i, j| {
            f64::from(if j < d { rows[i][j] } else { 3 * rows[i][d - 1] })
        });
        let classes = rows.iter().zip(&luck).map(|(row, luck)| f64::from(row[0]) > *luck);
        let y: Vec<bool> = classes.collect();
        prop_assume!(y.contains(&true) && y.contains(&false));
        let estimator = new().l1(10f64.powf(strength)).fit_intercept(fit_intercept);
        the_larger_of_two_multiples_takes_all(&x, &y, (d - 1, d), &estimator);
    }

    /// Without an intercept they are not left out, and next to nothing tells them apart.
    #[test]
    fn of_nearly_equal_constants_the_larger_takes_all(
        seed: u64, n in 10usize..60, d in 1usize..6, constant in -2.0..2.0f64,
        excess in -7.0..-2.0f64, strength in -4.0..-1.0f64,
    ) {
        let (own, y) = far_columns(n, d, seed);
        prop_assume!(y.contains(&true) && y.contains(&false));
        let larger = constant * (1.0 + 10f64.powf(excess));
        let x = Matrix::new((n, d + 2), Default::default(), |i, j| match j {
            0 => constant,
            _ if j <= d => own.get(i, j - 1) - own.get(0, j - 1),
            _ => larger,
        });
        let estimator = new().fit_intercept(false).l1(10f64.powf(strength));
        the_larger_of_two_multiples_takes_all(&x, &y, (0, d + 1), &estimator);
    }

    /// However few second derivatives are summed, fits come to the optimum of those that sum all.
    #[test]
    fn few_second_derivatives_are_enough_where_columns_have_much_in_common(
        seed: u64, n in 20usize..200, d in 2usize..60, own in -3.0..0.0f64, strength in -4.0..-1.0f64,
        most in prop_oneof![Just(0usize), 1usize..10],
    ) {
        let (x, y) = factors(n, d, 10f64.powf(own), seed);
        let estimator = new().standardize(true).l1(10f64.powf(strength));
        let least = estimator.fit(&x, &y).expect("a fit").report;
        prop_assert_eq!(least.stop, StopReason::Converged);
        let few = ProximalNewton::new().most_derivatives(most);
        let fit = estimator.clone().solver(few).fit(&x, &y).expect("a fit").report;
        prop_assert_eq!(fit.stop, StopReason::Converged, "{}\n{}", fit, least);
        prop_assert!(fit.loss <= least.loss * (1.0 + 1e-9), "{fit}\n{least}");
        let single = Matrix::new((n, d), Default::default(), |i, j| x.get(i, j) as f32);
        let fit = estimator.solver(few).fit(&single, &y).expect("a fit").report;
        prop_assert!(fit.loss <= least.loss * 1.05, "{fit}\n{least}");
    }

    /// Where nothing but the rounding of the intercept is left, a step is not shortened for ever.
    #[test]
    fn every_fit_comes_to_an_end(
        seed: u64, n in 20usize..120, d in 2usize..30, standardize: bool, strength in -4.0..-1.0f64,
    ) {
        let (x, y) = far_columns(n, d, seed);
        prop_assume!(y.contains(&true) && y.contains(&false));
        let solver = ProximalNewton::new().tolerance(1e-14).max_iterations(100);
        let estimator = new().standardize(standardize).l1(10f64.powf(strength));
        let fit = estimator.solver(solver).fit(&x, &y).expect("a fit");
        prop_assert!(fit.report.passes < 1e4, "{}", fit.report);
    }
}
