//! Sample and class weights of any size: only their ratios matter.

use logit_conformance::Matrix;
use logit_core::{
    Error, Fit, Float, GradientDescent, LogisticRegression, Number, Solver, StopReason,
};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

/// Rows, labels of both classes and a weight per row.
fn data<F: Float>(seed: u64) -> (Matrix<F>, Vec<bool>, Vec<f64>) {
    let rng = &mut Xoshiro256PlusPlus::seed_from_u64(seed);
    let rows: Vec<[f64; 2]> =
        (0..40).map(|_| [rng.random_range(-1.0..1.0), rng.random_range(-1.0..1.0)]).collect();
    let mut y: Vec<bool> =
        rows.iter().map(|row| row[0] + rng.random_range(-1.5..1.5) > 0.2).collect();
    (y[0], y[1]) = (true, false);
    let weights = rows.iter().map(|_| rng.random_range(0.0..3.0)).collect();
    (Matrix::new((40, 2), Default::default(), |i, j| F::narrow(rows[i][j])), y, weights)
}

fn fit<F: Float>(
    (x, y, _): &(Matrix<F>, Vec<bool>, Vec<f64>),
    weights: impl IntoIterator<Item: Number>,
    estimator: &LogisticRegression<impl Solver + Clone>,
) -> Result<Fit<F>, Error> {
    estimator.clone().sample_weights(weights).fit(x, y)
}

fn new() -> LogisticRegression {
    LogisticRegression::new().l2(0.01)
}

/// `x · 2^k`
fn scaled(x: f64, k: i32) -> f64 {
    x * 2f64.powi(k / 2) * 2f64.powi(k - k / 2)
}

fn powers_of_two_change_nothing<F: Float>(seed: u64, by: i32, classes: i32) {
    let data = data::<F>(seed);
    let weights = |k| data.2.iter().map(move |&weight| scaled(weight, k));
    let class_weights = |k| new().class_weights(scaled(1.25, k), scaled(0.7, k));
    let expected = fit(&data, weights(0), &class_weights(0)).expect("a fit");
    let at_once = fit(&data, weights(by), &class_weights(classes)).expect("a fit");
    assert_eq!(at_once, expected);
    let expected = fit(&data, weights(0), &new().balanced()).expect("a fit");
    assert_eq!(fit(&data, weights(by), &new().balanced()).expect("a fit"), expected);
}

logit_conformance::properties! {
    #![cases(32)]

    /// To the bit, as far as no weight is rounded.
    #[test]
    fn weights_times_a_power_of_two_are_the_same_weights(
        seed: u64, by in -950i32..950, classes in -950i32..950,
    ) {
        powers_of_two_change_nothing::<f64>(seed, by, classes);
        powers_of_two_change_nothing::<f32>(seed, by, classes);
    }
}

fn assert_close<F: Float>(fit: Result<Fit<F>, Error>, expected: &Fit<F>) {
    let fit = fit.expect("a fit");
    let within = 1e5 * F::epsilon().widen();
    for (weight, expected) in fit.model.weights().iter().zip(expected.model.weights()) {
        assert!((weight.widen() - expected.widen()).abs() <= within, "{weight} for {expected}");
    }
    assert_eq!(fit.report.stop, expected.report.stop);
}

fn any_size_of_all_serves<F: Float>() {
    let data = data::<F>(1);
    let alike = |weight: f64| vec![weight; 40];
    let plain = fit(&data, alike(1.0), &new()).expect("a fit");
    for weight in [5e-324, 3e-320, 1e-300, 1e-45, 1e39, 1e300, f64::MAX] {
        assert_close(fit(&data, alike(weight), &new()), &plain);
        assert_close(fit(&data, alike(1.0), &new().class_weights(weight, weight)), &plain);
        assert_close(fit(&data, alike(weight), &new().class_weights(weight, weight)), &plain);
        assert_close(fit(&data, alike(weight), &new().class_weights(1e-308, 1e-308)), &plain);
    }
    // Sizes that the weights of the classes take back.
    let by_class = |zero: f64, one: f64| data.1.iter().map(move |&y| if y { one } else { zero });
    let back = new().class_weights(1e-300, 1e300);
    assert_close(fit(&data, by_class(1e300, 1e-300), &back), &plain);
    let balanced = fit(&data, alike(1.0), &new().balanced()).expect("a fit");
    assert_close(fit(&data, by_class(f64::MAX, 5e-324), &new().balanced()), &balanced);
    assert_close(fit(&data, by_class(1e-310, 1e308), &new().balanced()), &balanced);
}

#[test]
fn weights_of_any_size_are_those_of_1_if_all_are_alike() {
    any_size_of_all_serves::<f64>();
    any_size_of_all_serves::<f32>();
}

fn share<F: Float>(weight: f64) -> Result<Fit<F>, Error> {
    let data = data::<F>(1);
    let by_class = data.1.iter().map(|&y| if y { weight } else { 1.0 });
    let by_rows = fit(&data, by_class, &LogisticRegression::new());
    let estimator = LogisticRegression::new().class_weights(1.0, weight);
    let by_class = fit(&data, vec![1.0; 40], &estimator);
    match (&by_rows, &by_class) {
        (Err(Error::ClassShare { class, .. }), Err(Error::ClassShare { class: same, .. })) => {
            assert_eq!(class, same);
        }
        _ => assert_eq!(by_rows, by_class),
    }
    by_class
}

#[test]
fn a_class_of_too_small_a_share_is_an_error() {
    assert!(share::<f64>(1e-14).is_ok() && share::<f32>(1e-14).is_ok());
    for weight in [1e-141, 1e-200, 1e-308, 5e-324] {
        let error = share::<f64>(weight).unwrap_err();
        assert!(matches!(error, Error::ClassShare { class: 1, .. }), "{error}");
    }
    for weight in [1e-26, 1e-40, 1e-308] {
        let error = share::<f32>(weight).unwrap_err();
        assert!(matches!(error, Error::ClassShare { class: 1, .. }), "{error}");
    }
    let error = share::<f64>(1e300).unwrap_err();
    assert!(matches!(error, Error::ClassShare { class: 0, .. }), "{error}");
    let error = Error::ClassShare { class: 1, share: 2.5e-200, least: 1.49e-140 };
    let message = "the rows of class 1 have 2.5e-200 of all weights: it must be at least 1e-140";
    assert_eq!(error.to_string(), message);
}

/// It must not be lost in silence: without it the data may have no optimum.
#[test]
fn a_row_of_too_small_a_weight_is_an_error() {
    fn check<F: Float>(small: f64, smaller: f64) {
        let data = data::<F>(1);
        let weights = |weight: f64| (0..40).map(move |i| if i == 7 { weight } else { 3.0 });
        assert!(fit(&data, weights(3.0 * small), &new()).is_ok());
        assert!(fit(&data, weights(0.0), &new()).is_ok());
        let error = fit(&data, weights(3.0 * smaller), &new()).unwrap_err();
        let expected = format!(
            "sample weight of row 7 is {:?}: it must be 0, or at least 1e-37 (in f64 1e-307) of the \
             largest, classes' weights included",
            3.0 * smaller
        );
        assert_eq!(error.to_string(), expected);
    }
    check::<f64>(1e-307, 1e-308);
    check::<f32>(1e-37, 1e-39);
}

#[test]
fn weights_that_leave_no_rows_or_one_class_are_named_as_such() {
    let data = data::<f64>(1);
    let zeros = || vec![0.0; 40];
    let class = |kept: bool| data.1.iter().map(move |&y| if y == kept { 1e-320 } else { 0.0 });
    let new = LogisticRegression::new;
    assert_eq!(fit(&data, zeros(), &new()), Err(Error::NoWeight));
    assert_eq!(fit(&data, zeros(), &new().balanced()), Err(Error::NoWeight));
    assert_eq!(fit(&data, class(true), &new()), Err(Error::OneClass { class: 1 }));
    assert_eq!(fit(&data, class(false), &new().balanced()), Err(Error::OneClass { class: 0 }));
    let one = new().class_weights(0.0, 1e-320);
    assert_eq!(fit(&data, vec![1e300; 40], &one), Err(Error::OneClass { class: 1 }));
}

/// They have no mean; the penalty alone moves the weights.
#[test]
fn batches_whose_rows_do_not_count_are_no_divergence() {
    let data = data::<f64>(1);
    let weights = || (0..40).map(|i| if i < 20 { 1.0 } else { 0.0 });
    let descent = GradientDescent::new().learning_rate(0.1).max_iterations(20).batch_size(1);
    let fit = fit(&data, weights(), &new().solver(descent)).expect("a fit");
    assert!(fit.report.loss < fit.report.losses[0], "{}", fit.report);
}

/// Shares for which logits become large, but are within the precision.
#[test]
fn a_class_of_a_small_share_has_the_optimum_of_its_weights() {
    fn check<F: Float>(estimator: impl Fn(f64) -> LogisticRegression, shares: [f64; 2]) {
        let data = data::<F>(1);
        let weights = |weight: f64| data.1.iter().map(move |&y| if y { weight } else { 1.0 });
        let [small, smaller] = shares.map(|share| {
            let fit = fit(&data, weights(share), &estimator(share)).expect("a fit");
            assert!(fit.report.stop == StopReason::Converged, "{}", fit.report);
            fit.model
        });
        // In the limit they differ in the intercept alone, by the logarithm of the share.
        for (a, b) in small.weights().iter().zip(smaller.weights()) {
            assert!((a.widen() - b.widen()).abs() < 1e-4, "{a} and {b}");
        }
        let difference = (small.intercept() - smaller.intercept()).widen();
        assert!((difference - (shares[0] / shares[1]).ln()).abs() < 1e-3, "{difference}");
    }
    let new = LogisticRegression::new;
    check::<f64>(|_| new(), [1e-60, 1e-139]);
    check::<f64>(|share| new().l2(1e-2 * share), [1e-60, 1e-139]);
    check::<f64>(|share| new().l1(1e-2 * share), [1e-60, 1e-139]);
    check::<f32>(|_| new(), [1e-12, 3e-25]);
    check::<f32>(|share| new().l2(1e-2 * share), [1e-12, 3e-25]);
}
