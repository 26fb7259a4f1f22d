//! A penalty per column: a factor is a scale of its column.
//!
//! With `l1`, a column of factor φ is the column divided by φ, its weight multiplied; with `l2` the same
//! holds for the root of φ. So a matrix of other scales is the reference.

use std::ops::ControlFlow;

use logit_conformance::Matrix;
use logit_core::{
    CrossValidation, Error, Fit, GradientDescent, Lbfgs, LogisticRegression, Newton, Path,
    ProximalNewton, Solver, TrustRegion,
};
use proptest::prelude::*;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

fn new() -> LogisticRegression {
    LogisticRegression::new()
}

fn draw(n: usize, d: usize, seed: u64) -> (Matrix<f64>, Vec<bool>) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let values: Vec<f64> = (0..n * d).map(|_| rng.random_range(-1.0..1.0)).collect();
    let x = Matrix::new((n, d), Default::default(), |i, j| values[i * d + j]);
    let label = |i: usize| values[i * d] + rng.random_range(-1.0..1.0) > 0.1;
    let mut y: Vec<bool> = (0..n).map(label).collect();
    (y[0], y[1]) = (false, true);
    (x, y)
}

fn scaled(x: &Matrix<f64>, rows: usize, scales: &[f64]) -> Matrix<f64> {
    Matrix::new((rows, scales.len()), Default::default(), |i, j| x.get(i, j) * scales[j])
}

fn near(a: &[f64], b: &[f64], tolerance: f64) -> Result<(), TestCaseError> {
    for (a, b) in a.iter().zip(b) {
        prop_assert!((a - b).abs() <= tolerance * (1.0 + b.abs()), "{a} is not {b}");
    }
    Ok(())
}

/// The fit with factors, beside that of columns times `scales`, and its weights times them.
fn agrees<S: Solver>(
    estimator: &LogisticRegression<S>,
    factors: &[f64],
    scales: &[f64],
    (x, y): &(Matrix<f64>, Vec<bool>),
) -> Result<Fit<f64>, TestCaseError>
where
    LogisticRegression<S>: Clone,
{
    let fail = |error: Error| TestCaseError::fail(error.to_string());
    let fit = estimator.clone().penalty_factors(factors).fit(x, y).map_err(fail)?;
    let reference = estimator.fit(&scaled(x, y.len(), scales), y).map_err(fail)?;
    let weights: Vec<f64> =
        reference.model.weights().iter().zip(scales).map(|(w, scale)| w * scale).collect();
    near(fit.model.weights(), &weights, 2e-5)?;
    near(&[fit.report.loss], &[reference.report.loss], 1e-10)?;
    // What a report promises is true.
    let excess = (fit.report.loss - reference.report.loss).max(0.0) - 1e-13;
    let told = [fit.report.suboptimality, fit.report.suboptimality_bound];
    prop_assert!(told.into_iter().flatten().all(|told| told >= excess), "{}", fit.report);
    Ok(fit)
}

logit_properties::properties! {
    #[test]
    fn a_factor_is_a_scale(
        seed: u64, n in 30..120usize, factors in prop::collection::vec(0.05..20.0f64, 2..7),
        l2 in 1e-4..1.0f64, l1 in 1e-4..0.05f64, fit_intercept: bool,
    ) {
        let data = draw(n, factors.len(), seed);
        let estimator = new().fit_intercept(fit_intercept);
        let (ridge, lasso) = (estimator.clone().l2(l2), estimator.l1(l1));
        let roots: Vec<f64> = factors.iter().map(|factor| 1.0 / factor.sqrt()).collect();
        let inverse: Vec<f64> = factors.iter().map(|factor| 1.0 / factor).collect();
        agrees(&ridge.clone().solver(Newton::new()), &factors, &roots, &data)?;
        agrees(&ridge.clone().solver(Lbfgs::new()), &factors, &roots, &data)?;
        agrees(&ridge.clone().solver(TrustRegion::new()), &factors, &roots, &data)?;
        let descent = GradientDescent::new().backtracking().max_iterations(20_000);
        agrees(&ridge.solver(descent), &factors, &roots, &data)?;
        agrees(&lasso, &factors, &inverse, &data)?;
        let few = ProximalNewton::new().most_derivatives(0);
        agrees(&lasso.solver(few), &factors, &inverse, &data)?;
    }

    #[test]
    fn a_column_of_factor_0_is_without_a_penalty(
        seed: u64, n in 40..120usize, d in 2..6usize, strength in 0.01..2.0f64, standardize: bool,
    ) {
        let (x, y) = draw(n, d, seed);
        let factors: Vec<f64> = (0..d).map(|j| if j == 0 { 0.0 } else { 1.0 }).collect();
        for estimator in [new().l1(strength), new().l2(strength), new().l1(strength).l2(0.1)] {
            let estimator = estimator.standardize(standardize).penalty_factors(&factors);
            let fit = estimator.fit(&x, &y).expect("a fit");
            // The slope along the column is 0 where others are as they are.
            let at = [fit.model.weights(), &[fit.model.intercept()]].concat();
            let slope = new().objective(&x, &y).expect("valid").evaluate(at).gradient()[0];
            prop_assert!(slope.abs() <= 1e-6, "{slope} at {:?}", fit.model);
            let none = new().fit(&x, &y).expect("a fit");
            let size = |fit: &Fit<f64>| fit.model.weights()[1..].iter().map(|w| w.abs()).sum::<f64>();
            prop_assert!(size(&fit) < size(&none));
        }
    }

    #[test]
    fn a_path_starts_from_the_columns_without_a_penalty(
        seed: u64, n in 40..120usize, d in 2..6usize, standardize: bool, l1_ratio in 0.3..1.0f64,
    ) {
        let (x, y) = draw(n, d, seed);
        let factors = (0..d).map(|j| [0.0, 1.0, 3.0][j % 3]);
        let estimator = new().standardize(standardize).penalty_factors(factors);
        let path = Path::new().l1_ratio(l1_ratio).steps(3).least_ratio(0.5);
        let fits = path.fit(&estimator, &x, &y).expect("a path").fits;
        let penalised = |fit: &Fit<f64>| -> Vec<f64> {
            (0..d).filter(|j| j % 3 != 0).map(|j| fit.model.weights()[j]).collect()
        };
        prop_assert!(penalised(&fits[0]).iter().all(|w| *w == 0.0), "{:?}", fits[0].model);
        prop_assert!(fits[0].model.weights()[0] != 0.0);
        // A little less strength, and some weight is not 0.
        prop_assert!(penalised(&fits[2]).iter().any(|w| *w != 0.0), "{:?}", fits[2].model);
    }
}

#[test]
fn only_columns_without_a_penalty_can_separate() {
    let (x, y) = draw(60, 3, 5);
    let told = Matrix::new((60, 3), Default::default(), |i, j| match (j, y[i]) {
        (0, label) => f64::from(u8::from(label)),
        _ => x.get(i, j),
    });
    for estimator in [new().l2(0.1), new().l1(0.01)] {
        let free = estimator.clone().penalty_factors([0.0, 1.0, 1.0]).fit(&told, &y);
        let Err(Error::Separated { columns, .. }) = free else { panic!("an optimum") };
        assert_eq!(columns, [0]);
        let other = estimator.clone().penalty_factors([1.0, 0.0, 1.0]).fit(&told, &y);
        assert!(other.is_ok());
        assert!(estimator.fit(&told, &y).is_ok());
    }
}

#[test]
fn a_checkpoint_is_of_its_factors() {
    let (x, y) = draw(60, 3, 5);
    let estimator = new().l2(0.1);
    let mut saved = None;
    let observed =
        estimator.clone().penalty_factors([1.0, 2.0, 3.0]).fit_observed(&x, &y, |progress| {
            saved = progress.checkpoint();
            ControlFlow::Continue(())
        });
    let resumed =
        estimator.clone().penalty_factors([1.0, 2.0, 3.0]).resume(saved.clone()).fit(&x, &y);
    assert_eq!(resumed.expect("a fit"), observed.expect("a fit"));
    let other = estimator.penalty_factors([1.0, 2.0, 4.0]).resume(saved).fit(&x, &y);
    assert!(matches!(other, Err(Error::Checkpoint { what: "penalty factors", .. })), "{other:?}");
}

#[test]
fn bad_factors_are_named() {
    let (x, y) = draw(60, 3, 5);
    let message = |factors: &[f64]| {
        new().l2(0.1).penalty_factors(factors).fit(&x, &y).expect_err("an error").to_string()
    };
    assert_eq!(message(&[1.0]), "1 penalty factors for 3 columns: give one per column");
    let expected = "penalty factor of column 1 is -1.0: it must be 0 or positive, and finite";
    assert_eq!(message(&[1.0, -1.0, 1.0]), expected);
    assert!(message(&[1.0, f64::NAN, 1.0]).contains("column 1 is NaN"));
}

#[test]
fn cross_validation_keeps_the_factors() {
    let (x, y) = draw(90, 4, 5);
    let estimator = new().penalty_factors([0.0, 1.0, 1.0, 1.0]);
    let chosen = CrossValidation::new().folds(3).fit(&estimator, &x, &y).expect("a choice");
    assert!(chosen.path.fits[0].model.weights()[0] != 0.0);
    assert!(chosen.path.fits[0].model.weights()[1..].iter().all(|w| *w == 0.0));
}
