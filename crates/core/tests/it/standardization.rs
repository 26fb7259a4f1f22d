//! Means and standard deviations of columns: by weight, of columns constant but for rounding, and
//! of columns whose spread is at the limits of the precision.

use logit_conformance::Matrix;
use logit_core::{
    Error, Fit, Float, GradientDescent, Lbfgs, LogisticRegression, Newton, Path, ProximalNewton,
    Solver, TrustRegion,
};
use proptest::prelude::*;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

type Rows = Vec<Vec<f64>>;

fn new() -> LogisticRegression {
    LogisticRegression::new()
}

fn matrix<F: Float>(rows: &[Vec<f64>]) -> Matrix<F> {
    Matrix::new((rows.len(), rows[0].len()), Default::default(), |i, j| F::narrow(rows[i][j]))
}

/// Columns of several places and scales, and labels with noise.
fn noisy(n: usize, d: usize, seed: u64) -> (Rows, Vec<bool>) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut row =
        |_| (0..d).map(|j| j as f64 + rng.random_range(-1.0..1.0) * (1.0 + j as f64)).collect();
    let rows: Rows = (0..n).map(&mut row).collect();
    let mut y: Vec<bool> =
        rows.iter().map(|row| rng.random_bool(if row[0] > 0.0 { 0.7 } else { 0.3 })).collect();
    (y[0], y[n - 1]) = (true, false);
    (rows, y)
}

/// Fits by every solver that takes the penalty and measures columns.
fn fits<F: Float>(
    estimator: &LogisticRegression,
    l1: f64,
    rows: &[Vec<f64>],
    y: &[bool],
) -> Vec<Fit<F>> {
    fn fit<F: Float>(
        estimator: LogisticRegression<impl Solver>,
        rows: &[Vec<f64>],
        y: &[bool],
    ) -> Fit<F> {
        estimator.fit(&matrix::<F>(rows), y).expect("a fit")
    }
    let solver = |l1| estimator.clone().l1(l1);
    if l1 > 0.0 {
        let alone = ProximalNewton::new().most_derivatives(0);
        return vec![fit(solver(l1), rows, y), fit(solver(l1).solver(alone), rows, y)];
    }
    let lbfgs = Lbfgs::new().tolerance(1e-16);
    vec![
        fit(solver(0.0).solver(Newton::new()), rows, y),
        fit(solver(0.0).solver(lbfgs), rows, y),
        fit(solver(0.0).solver(TrustRegion::new()), rows, y),
    ]
}

fn assert_same<F: Float>(got: &Fit<F>, expected: &Fit<F>, tolerance: f64) {
    let all = |fit: &Fit<F>| -> Vec<f64> {
        fit.model.weights().iter().chain([&fit.model.intercept()]).map(|w| w.widen()).collect()
    };
    for (j, (a, b)) in all(got).into_iter().zip(all(expected)).enumerate() {
        let what = format!("coefficient {j}: {a} is not {b}\n{}", got.report);
        assert!((a - b).abs() <= tolerance * b.abs().max(1.0), "{what}");
    }
}

fn penalty() -> impl Strategy<Value = (f64, f64)> {
    prop_oneof![Just((0.05, 0.0)), Just((0.0, 0.1)), Just((0.02, 0.03))]
}

logit_conformance::properties! {
    #![cases(48)]

    #[test]
    fn a_weight_is_the_row_so_many_times(
        seed: u64, n in 20usize..60, d in 1usize..4, (l1, l2) in penalty(), intercept: bool,
    ) {
        let (rows, y) = noisy(n, d, seed);
        let weights: Vec<usize> =
            (0..n).map(|i| if i + 1 < n { (i + seed as usize % 5) % 4 } else { 2 }).collect();
        let repeated = |i: usize| std::iter::repeat_n(i, weights[i]);
        let all: Vec<usize> = (0..n).flat_map(repeated).collect();
        let (many, labels): (Rows, Vec<bool>) =
            all.into_iter().map(|i| (rows[i].clone(), y[i])).unzip();
        prop_assume!(labels.contains(&true));
        let estimator = new().standardize(true).l2(l2).fit_intercept(intercept);
        let expected = fits::<f64>(&estimator, l1, &many, &labels);
        let weighted = estimator.sample_weights(weights.iter().map(|w| *w as f64));
        let got = fits::<f64>(&weighted, l1, &rows, &y);
        for (got, expected) in got.iter().zip(&expected) {
            assert_same(got, expected, 1e-6);
        }
    }

    /// Whatever they hold, and wherever they are.
    #[test]
    fn rows_of_weight_0_have_no_influence(
        seed: u64, n in 20usize..60, d in 1usize..4, (l1, l2) in penalty(), intercept: bool,
        size in prop_oneof![Just(1.0), Just(50.0), Just(1e8)],
    ) {
        let (rows, y) = noisy(n, d, seed);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let (mut others, mut labels, mut weights) = (Rows::new(), Vec::new(), Vec::new());
        for (row, y) in rows.iter().zip(&y) {
            for _ in 0..rng.random_range(0..3) {
                others.push(row.iter().map(|x| size * (2.0 + x)).collect());
                labels.push(!y);
                weights.push(0.0);
            }
            others.push(row.clone());
            labels.push(*y);
            weights.push(1.0);
        }
        let estimator = new().standardize(true).l2(l2).fit_intercept(intercept);
        let expected = fits::<f64>(&estimator, l1, &rows, &y);
        let got = fits::<f64>(&estimator.sample_weights(&weights), l1, &others, &labels);
        for (got, expected) in got.iter().zip(&expected) {
            assert_same(got, expected, 1e-6);
        }
    }
}

/// A number so many units in the last place from another.
fn ulps_from<F: Float>(x: f64, ulps: i32) -> f64 {
    let x = F::narrow(x).widen();
    let ulp = F::epsilon().widen() * x.abs().log2().floor().exp2();
    F::narrow(x + f64::from(ulps) * ulp).widen()
}

/// The rows with another column, the last.
fn with_column(rows: &[Vec<f64>], column: impl Fn(usize) -> f64) -> Rows {
    let with = |(i, row): (usize, &Vec<f64>)| row.iter().copied().chain([column(i)]).collect();
    rows.iter().enumerate().map(with).collect()
}

/// Fails unless every solver leaves the last column out, and its initial weight changes nothing.
fn assert_left_out<F: Float>(
    estimator: &LogisticRegression,
    l1: f64,
    rows: &[Vec<f64>],
    y: &[bool],
    tolerance: f64,
) {
    let d = rows[0].len() - 1;
    let without: Rows = rows.iter().map(|row| row[..d].to_vec()).collect();
    let mut start = vec![0.0; d + 1];
    start[d] = 2.0 / rows[0][d];
    let started = estimator.clone().initial_weights(start).initial_intercept(-2.0);
    let expected = fits::<F>(estimator, l1, &without, y);
    for estimator in [estimator, &started] {
        let got = fits::<F>(estimator, l1, rows, y);
        for (got, expected) in got.iter().zip(&expected) {
            assert!(got.model.weights()[d].is_zero(), "{:?}\n{}", got.model, got.report);
            for (a, b) in got.model.weights().iter().zip(expected.model.weights()) {
                assert!((a.widen() - b.widen()).abs() <= tolerance, "{a} is not {b}");
            }
        }
    }
}

logit_conformance::properties! {
    #![cases(32)]

    #[test]
    fn a_column_constant_but_for_rounding_is_left_out(
        seed: u64, n in 60usize..150, ulps in 1i32..5, computed in 1..8, exponent in -12.0..12.0f64,
        (l1, l2) in prop_oneof![Just((0.0, 0.0)), penalty()], standardize: bool, weighted: bool,
    ) {
        let (rows, y) = noisy(n, 2, seed);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let value = if rng.random() { 10f64.powf(exponent) } else { -10f64.powf(exponent) };
        let by: Vec<i32> = (0..n).map(|_| rng.random_range(-ulps..=ulps)).collect();
        let mut estimator = new().l2(l2).standardize(standardize);
        if weighted {
            estimator = estimator.sample_weights((0..n).map(|i| 0.5 + (i % 3) as f64));
        }
        let x = with_column(&rows, |i| ulps_from::<f64>(value, computed * by[i]));
        assert_left_out::<f64>(&estimator, l1, &x, &y, 1e-6);
        let x = with_column(&rows, |i| ulps_from::<f32>(value, by[i]));
        assert_left_out::<f32>(&estimator, l1, &x, &y, 1e-2);
    }
}

/// Three shares of a whole and their computed sum.
#[test]
fn a_computed_sum_of_shares_is_left_out() {
    let (rows, y) = noisy(200, 2, 7);
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
    let mut shares = || {
        let parts: [f64; 3] = std::array::from_fn(|_| rng.random_range(0.1..1.0));
        let whole: f64 = parts.iter().sum();
        parts.map(|part| part / whole)
    };
    let shares: Vec<[f64; 3]> = rows.iter().map(|_| shares()).collect();
    let sum = |i: usize| shares[i].iter().sum::<f64>();
    assert!((0..200).any(|i| sum(i) != 1.0), "rounded");
    let x = with_column(&with_column(&with_column(&rows, |i| shares[i][0]), |i| shares[i][1]), sum);
    for standardize in [false, true] {
        assert_left_out::<f64>(&new().standardize(standardize), 0.0, &x, &y, 1e-6);
        let ridge = new().standardize(standardize).l2(0.01);
        assert_left_out::<f64>(&ridge, 0.0, &x, &y, 1e-6);
        assert_left_out::<f64>(&ridge, 0.01, &x, &y, 1e-6);
        let path = Path::new().steps(5).least_ratio(0.01);
        let estimator = new().standardize(standardize);
        let path = path.fit(&estimator, &matrix::<f64>(&x), &y).expect("a path");
        assert!(path.fits.iter().all(|fit| fit.model.weights()[4] == 0.0));
    }
    let descent = new().standardize(true).solver(GradientDescent::new().learning_rate(0.1));
    let fit = descent.fit(&matrix::<f64>(&x), &y).expect("a fit");
    assert_eq!(fit.model.weights()[4], 0.0);
}

#[test]
fn two_rows_that_differ_by_rounding_have_an_intercept_alone() {
    let x = matrix::<f64>(&[vec![-0.1149128715554788], vec![-0.11491287155547875]]);
    for standardize in [false, true] {
        let estimator = new().sample_weights([23.7, 926.5]).standardize(standardize);
        let fit = estimator.fit(&x, [0, 1]).expect("a fit");
        assert_eq!(fit.model.weights(), [0.0]);
        let intercept = (926.5f64 / 23.7).ln();
        assert!((fit.model.intercept() - intercept).abs() < 1e-9, "{:?}", fit.model);
    }
}

/// Years and seconds since 1970 are columns like any other.
#[test]
fn columns_far_from_0_have_the_weight_of_shifted_ones() {
    fn same<F: Float>(rows: &[Vec<f64>], y: &[bool], column: &[f64], shift: f64, tolerance: f64) {
        let fit = |x: Rows| new().fit(&matrix::<F>(&x), y).expect("a fit").model;
        let [far, near] = [shift, 0.0].map(|by| fit(with_column(rows, |i| by + column[i])));
        let (got, expected) = (far.weights()[2].widen(), near.weights()[2].widen());
        assert!((got - expected).abs() <= tolerance * expected.abs(), "{got} is not {expected}");
    }
    let (rows, mut y) = noisy(400, 2, 5);
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(5);
    let draws: Vec<f64> = (0..400).map(|_| rng.random_range(-1.0..1.0)).collect();
    y.iter_mut().zip(&draws).for_each(|(y, draw)| *y = *y != (*draw > 0.5));
    let years: Vec<f64> = draws.iter().map(|draw| (5.0 * draw).round()).collect();
    same::<f64>(&rows, &y, &years, 2000.0, 1e-9);
    same::<f32>(&rows, &y, &years, 2000.0, 1e-3);
    let seconds: Vec<f64> = draws.iter().map(|draw| (1e3 * draw).round()).collect();
    same::<f64>(&rows, &y, &seconds, 1.7e9, 1e-4);
    let microseconds: Vec<f64> = draws.iter().map(|draw| (1e9 * draw).round()).collect();
    same::<f64>(&rows, &y, &microseconds, 1.7e15, 1e-4);
}

/// What a few units in the last place hide is known of many of them, be it in few rows.
#[test]
fn columns_that_vary_by_more_than_rounding_stay() {
    fn stays<F: Float>(column: impl Fn(usize) -> f64) {
        let (rows, y) = noisy(400, 2, 5);
        let descent = GradientDescent::new().learning_rate(0.1).max_iterations(10);
        let estimator = new().standardize(true).solver(descent);
        let x = matrix::<F>(&with_column(&rows, column));
        let model = estimator.fit(&x, &y).expect("a fit").model;
        assert!(!model.weights()[2].is_zero(), "{model:?}");
    }
    let few = |i: usize| i32::from(i % 199 == 7);
    stays::<f64>(|i| ulps_from::<f64>(1000.0, 600 * few(i)));
    stays::<f32>(|i| ulps_from::<f32>(1000.0, 100 * few(i)));
    stays::<f64>(|i| ulps_from::<f64>(-0.3, 20 * ((i % 21) as i32 - 10)));
    stays::<f32>(|i| ulps_from::<f32>(-0.3, (i % 21) as i32 - 10));
    stays::<f32>(|i| 1.7e9 + 1e3 * (i as f64).sin());
    stays::<f64>(|i| 1e-40 * (i as f64).sin());
    stays::<f64>(|i| f64::from(u8::from(i == 7)));
}

/// Of a column times a power of ten the weight is that of the column divided by it, or the column is
/// refused by name, with the range.
fn right_or_refused<F: Float>(exponent: i32, tolerance: f64, range: &str) {
    let (rows, y) = noisy(100, 2, 3);
    let scale = 10f64.powi(exponent);
    let scaled: Rows = rows.iter().map(|row| vec![row[0], row[1] * scale]).collect();
    let cases =
        [(new(), 0.0), (new().standardize(true).l2(0.02), 0.0), (new().standardize(true), 0.02)];
    for (estimator, l1) in cases {
        let expected = fits::<F>(&estimator, l1, &rows, &y);
        let x = matrix::<F>(&scaled);
        match estimator.clone().l1(l1).fit(&x, &y) {
            Err(error @ Error::ColumnSpread { column: 1, .. }) => {
                let text = error.to_string();
                assert!(text.contains(range) && !text.contains("standardiz"), "{text}");
                continue;
            }
            other => other.expect("a fit or a column out of range"),
        };
        for (got, expected) in fits::<F>(&estimator, l1, &scaled, &y).iter().zip(&expected) {
            let got = [got.model.weights()[0].widen(), got.model.weights()[1].widen() * scale];
            for (got, expected) in got.into_iter().zip(expected.model.weights()) {
                let error = (got - expected.widen()).abs();
                assert!(error <= tolerance, "1e{exponent}: {got} is not {expected}");
            }
        }
    }
}

#[test]
fn columns_of_any_spread_are_fitted_or_refused() {
    for exponent in [-300, -200, -162, -160, -158, -156, -155, -154, -149, -100, 100, 149, 154, 200]
    {
        right_or_refused::<f64>(exponent, 1e-6, "1e-150 to 1e150");
    }
    for exponent in [-44, -42, -40, -38, -34, -20, 20, 34, 36] {
        right_or_refused::<f32>(exponent, 3e-2, "1e-35 to 1e35");
    }
}
