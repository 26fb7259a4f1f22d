//! Products with second derivatives, and Newton's method in a trust region where it is hard.

use logit_conformance::Matrix;
use logit_core::{Error, Fit, Float, LogisticRegression, Newton, StopReason, TrustRegion};
use proptest::prelude::*;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

fn new() -> LogisticRegression {
    LogisticRegression::new()
}

fn draw(rng: &mut Xoshiro256PlusPlus, n: usize) -> Vec<f64> {
    (0..n).map(|_| rng.random_range(-1.0..1.0)).collect()
}

/// Columns that are `alike`, one as the other but for that share, and noisy labels.
fn problem<F: Float>((n, d): (usize, usize), alike: f64, seed: u64) -> (Matrix<F>, Vec<bool>) {
    let rng = &mut Xoshiro256PlusPlus::seed_from_u64(seed);
    let (common, values) = (draw(rng, n), draw(rng, n * d));
    let y = common.iter().map(|x| x + rng.random_range(-1.5..1.5) > 0.2).collect();
    let value = |i: usize, j: usize| F::narrow(common[i] + alike * values[i * d + j]);
    (Matrix::new((n, d), Default::default(), value), y)
}

fn fit<F: Float>(
    estimator: &LogisticRegression,
    x: &Matrix<F>,
    y: &[bool],
) -> Result<Fit<F>, Error> {
    let fit = estimator.clone().solver(TrustRegion::new()).fit(x, y)?;
    let reached = [StopReason::Converged, StopReason::PrecisionLimit];
    assert!(reached.contains(&fit.report.stop), "{}", fit.report);
    Ok(fit)
}

logit_conformance::properties! {
    #![cases(100)]

    #[test]
    fn products_are_differences_of_gradients(
        seed: u64, n in 2..60usize, d in 1..6usize, l2 in 0.0..2.0, flags: [bool; 3],
    ) {
        let [intercept, standardize, per_row] = flags;
        let rng = &mut Xoshiro256PlusPlus::seed_from_u64(seed);
        let (x, mut y) = problem::<f64>((n, d), 0.5, seed);
        (y[0], y[1]) = (true, false);
        let mut estimator = new().l2(l2).fit_intercept(intercept).standardize(standardize);
        if per_row {
            let weights = draw(rng, n).into_iter().map(|weight| 1.5 + weight);
            estimator = estimator.sample_weights(weights).offsets(draw(rng, n));
        }
        let mut objective = estimator.objective(&x, &y).expect("an objective");
        let dimension = objective.dimension();
        let (at, direction) = (draw(rng, dimension), draw(rng, dimension));
        let mut gradient = |step: f64| {
            let at: Vec<_> = at.iter().zip(&direction).map(|(at, u)| at + step * u).collect();
            objective.evaluate(at).gradient().to_vec()
        };
        let (ahead, behind) = (gradient(1e-5), gradient(-1e-5));
        let mut product = vec![f64::NAN; dimension];
        objective.hessian_product(&at, &direction, &mut product);
        for ((got, ahead), behind) in product.iter().zip(ahead).zip(behind) {
            let expected = (ahead - behind) / 2e-5;
            prop_assert!((got - expected).abs() <= 1e-8, "{} is not {}", got, expected);
        }
    }

    #[test]
    fn columns_that_are_alike_keep_nothing_from_the_optimum(
        seed: u64, d in 2..8usize, digits in 0..4i32, l2 in prop_oneof![Just(0.0), Just(1e-4)],
    ) {
        let (x, y) = problem::<f64>((200, d), 10f64.powi(-digits), seed);
        let estimator = new().l2(l2);
        let expected = estimator.clone().solver(Newton::new()).fit(&x, &y).expect("an optimum");
        let report = fit(&estimator, &x, &y).expect("an optimum").report;
        let above = report.loss - expected.report.loss;
        prop_assert!(above <= 1e-9 * report.loss, "{above:e}: {}", report);
        // Beyond, what tells the columns apart is lost in f32.
        let alike = 10f64.powi(-digits.min(2));
        let expected = estimator.clone().solver(Newton::new());
        let expected = expected.fit(&problem::<f64>((200, d), alike, seed).0, &y).expect("a fit");
        let (x, y) = problem::<f32>((200, d), alike, seed);
        let report = fit(&estimator, &x, &y).expect("an optimum").report;
        let above = report.loss - expected.report.loss;
        prop_assert!(above <= 1e-5 * report.loss, "{above:e}: {}", report);
    }

    #[test]
    fn a_rare_class_is_fitted_in_either_precision(seed: u64, single: bool) {
        let (x, y) = problem::<f64>((20_000, 3), 1.0, seed);
        let rare: Vec<bool> = (0..y.len()).map(|i| y[i] && i % 500 == 3).collect();
        prop_assume!(rare.contains(&true));
        let l2 = new().l2(1e-3);
        let expected = l2.clone().solver(Newton::new()).fit(&x, &rare).expect("an optimum").report;
        let loss = if single {
            fit(&l2, &problem::<f32>((20_000, 3), 1.0, seed).0, &rare).expect("a fit").report.loss
        } else {
            fit(&l2, &x, &rare).expect("a fit").report.loss
        };
        let tolerance = if single { 1e-5 } else { 1e-10 };
        prop_assert!(loss - expected.loss <= tolerance * loss, "{loss} above {}", expected.loss);
    }
}

#[test]
fn a_conjugate_gradient_is_one_read_of_the_data() {
    let (x, y) = problem::<f64>((50, 1), 1.0, 1);
    let estimator = new().l2(0.1).fit_intercept(false).standardize(true);
    let passes = |iterations| {
        let solver = TrustRegion::new().max_iterations(iterations);
        estimator.clone().solver(solver).fit(&x, &y).expect("a fit").report.passes
    };
    // For the loss, and for the only product that one parameter needs.
    assert_eq!((passes(0), passes(1), passes(2)), (2.0, 4.0, 6.0));
}

#[test]
fn more_parameters_than_second_derivatives_have_room_for() {
    let rng = &mut Xoshiro256PlusPlus::seed_from_u64(5);
    let (n, d) = (300, 4000);
    let values = draw(rng, n * d);
    let x = Matrix::<f32>::new((n, d), Default::default(), |i, j| f32::narrow(values[i * d + j]));
    let y: Vec<bool> = (0..n).map(|i| values[i * d] > 0.0).collect();
    let report = fit(&new().l2(1e-2), &x, &y).expect("an optimum").report;
    assert!(report.passes < 100.0 && report.gradient_norm < 1e-5, "{report}");
    assert!(matches!(fit(&new(), &x, &y), Err(Error::Separated { complete: true, .. })));
}

#[test]
fn a_gradient_of_zero_is_the_optimum() {
    let x = Matrix::from_rows([[1.0], [1.0], [-1.0], [-1.0]]);
    let fit = fit(&new(), &x, &[true, false, true, false]).expect("a fit");
    assert_eq!(fit.report.stop, StopReason::Converged, "{}", fit.report);
    assert_eq!((fit.model.weights(), fit.report.passes), (&[0.0][..], 2.0));
}
