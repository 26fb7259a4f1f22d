//! Fits that stop where rows held out are predicted no better.

use std::ops::ControlFlow;

use logit_conformance::Matrix;
use logit_core::{
    EarlyStopped, EarlyStopping, Error, GradientDescent, Lbfgs, LogisticRegression, Model,
    StopReason, cross_entropy,
};
use proptest::prelude::*;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

const COLUMNS: usize = 30;

type Data = (Matrix<f64>, Vec<bool>);

/// One column that tells something and many that tell nothing.
fn data(n: usize, seed: u64) -> Data {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let x: Vec<Vec<f64>> =
        (0..n).map(|_| (0..COLUMNS).map(|_| rng.random_range(-1.0..1.0)).collect()).collect();
    let y = x.iter().map(|row| row[0] + rng.random_range(-1.0..1.0) > 0.0).collect();
    (Matrix::from_rows(x), y)
}

/// The mean cross-entropy, by the book.
fn loss(model: &Model<f64>, (x, y): &Data) -> f64 {
    let logits = model.decision_function(x).expect("logits");
    logits.iter().zip(y).map(|(&z, &y)| cross_entropy(z, y)).sum::<f64>() / y.len() as f64
}

fn descent(iterations: usize) -> LogisticRegression<GradientDescent> {
    let solver = GradientDescent::new().learning_rate(2.0).max_iterations(iterations);
    LogisticRegression::new().solver(solver)
}

/// Stops with a patience, and tells the loss by the book of every model on the way.
fn stopped(
    estimator: &LogisticRegression<impl logit_core::Solver>,
    patience: usize,
    seed: u64,
) -> (EarlyStopped<f64>, Vec<f64>, Data) {
    let ((x, y), held_out) = (data(25, seed), data(60, seed ^ 1));
    let mut early = EarlyStopping::new(&held_out.0, &held_out.1).expect("rows").patience(patience);
    let mut losses = Vec::new();
    let fit = estimator.fit_observed(&x, &y, |progress| {
        losses.push(loss(&progress.model().expect("finite"), &held_out));
        early.observe(progress)
    });
    let fit = fit.expect("a fit");
    if fit.report.stop != StopReason::Observer {
        losses.push(loss(&fit.model, &held_out));
    }
    (early.finish(fit).expect("a model"), losses, held_out)
}

logit_conformance::properties! {
    #[test]
    fn the_model_is_the_best_of_all_on_the_way(
        seed: u64, patience in 0usize..8, iterations in 0usize..200,
    ) {
        let (best, losses, held_out) = stopped(&descent(iterations), patience, seed);
        prop_assert_eq!(best.losses.len(), losses.len());
        for (got, expected) in best.losses.iter().zip(&losses) {
            prop_assert!((got - expected).abs() <= 1e-13 * expected);
        }
        let least = best.losses.iter().copied().fold(f64::INFINITY, f64::min);
        prop_assert_eq!(best.loss, least);
        prop_assert_eq!(best.losses.iter().position(|loss| *loss == least), Some(best.iteration));
        prop_assert!((loss(&best.model, &held_out) - least).abs() <= 1e-13 * least);
        // It stops with patience, and not before.
        let since = best.losses.len() - 1 - best.iteration;
        let by_itself = best.report.stop == StopReason::Observer;
        prop_assert_eq!(by_itself, since == patience.max(1) && best.report.iterations < iterations);
        prop_assert!(since <= patience.max(1));
    }
}

#[test]
fn a_fit_that_would_learn_the_noise_is_stopped() {
    let (best, _, held_out) = stopped(&descent(100_000), 5, 3);
    assert_eq!(best.report.stop, StopReason::Observer);
    assert!(best.iteration > 0, "{:?}", best.losses);
    let (x, y) = data(25, 3);
    let overfitted = descent(5000).fit(&x, &y).expect("a fit");
    assert!(best.loss < 0.7 * loss(&overfitted.model, &held_out));
    // Without a penalty the classes are told apart, which the fit no longer comes to find out.
    let lbfgs = LogisticRegression::new().solver(Lbfgs::new());
    assert!(matches!(lbfgs.fit(&x, &y), Err(Error::Separated { .. })));
    let (best, ..) = stopped(&lbfgs, 2, 3);
    assert_eq!(best.report.stop, StopReason::Observer);
}

#[test]
fn some_of_the_iterations_will_do() {
    let ((x, y), held_out) = (data(25, 3), data(60, 2));
    let mut early = EarlyStopping::new(&held_out.0, &held_out.1).expect("rows").patience(2);
    let fit = descent(1000).fit_observed(&x, &y, |progress| match progress.iteration % 10 {
        0 => early.observe(progress),
        _ => ControlFlow::Continue(()),
    });
    let best = early.finish(fit.expect("a fit")).expect("a model");
    assert_eq!(best.report.iterations, 10 * (best.losses.len() - 1));
    assert_eq!(best.iteration + 20, best.report.iterations);
}

#[test]
fn rows_that_cannot_be_judged_are_an_error() {
    let (x, y) = data(25, 3);
    let error = |rows: Vec<Vec<f64>>, labels: Vec<u8>| {
        let held_out = Matrix::from_rows(rows);
        let mut early = EarlyStopping::new(&held_out, labels)?;
        let fit = descent(100).fit_observed(&x, &y, |progress| early.observe(progress))?;
        assert_eq!((fit.report.stop, fit.report.iterations), (StopReason::Observer, 0));
        early.finish(fit)
    };
    let one = vec![0.0; COLUMNS];
    assert!(matches!(error(vec![one.clone()], vec![0, 1]), Err(Error::LabelCount { .. })));
    assert!(matches!(error(vec![one.clone()], vec![2]), Err(Error::Label { .. })));
    assert!(matches!(error(vec![vec![0.0]], vec![0]), Err(Error::FeatureCount { .. })));
    let mut nan = one;
    nan[7] = f64::NAN;
    let expected = Error::NonFiniteFeature { row: 0, column: 7, value: f64::NAN }.to_string();
    assert_eq!(error(vec![nan], vec![0]).expect_err("NaN").to_string(), expected);
    let none = Matrix::new((0, COLUMNS), Default::default(), |_, _| 0.0f64);
    assert_eq!(EarlyStopping::new(&none, [0u8; 0]).err(), Some(Error::NoRows));
}
