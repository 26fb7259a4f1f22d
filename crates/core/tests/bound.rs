//! The bound on how far a loss lies above its minimum.

use logit_conformance::Matrix;
use logit_core::{
    Float, GradientDescent, Lbfgs, LogisticRegression, Newton, ProximalNewton, Report, Solver,
};
use proptest::prelude::*;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

fn data<F: Float>(n: usize, d: usize, seed: u64) -> (Matrix<F>, Vec<bool>) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let values: Vec<f64> = (0..n * d).map(|_| rng.random_range(-1.0..1.0)).collect();
    let y = (0..n).map(|i| values[i * d] + rng.random_range(-1.0..1.0) > 0.0).collect();
    let value = |i: usize, j: usize| F::narrow(values[i * d + j] * 3f64.powi(j as i32));
    (Matrix::new((n, d), Default::default(), value), y)
}

/// The loss above the minimum and the bound, `None` where a fit cannot be.
fn above<F: Float>(
    estimator: &LogisticRegression<impl Solver>,
    exact: &LogisticRegression<impl Solver>,
    (n, d, seed): (usize, usize, u64),
) -> (f64, f64, Report) {
    // A matrix of `f32` is the same in `f64`.
    let ((x, y), (single, _)) = (data::<F>(n, d, seed), data::<f32>(n, d, seed));
    let value = |i: usize, j: usize| {
        if F::NAME == "f32" { f64::from(single.get(i, j)) } else { x.get(i, j).widen() }
    };
    let wide = Matrix::new((n, d), Default::default(), value);
    let report = estimator.fit(&x, &y).expect("a fit").report;
    let least = exact.fit(&wide, &y).expect("a fit").report.loss;
    (report.loss - least, report.suboptimality_bound.expect("a bound"), report)
}

proptest! {
    #[test]
    fn no_loss_lies_further_above_the_minimum(
        seed: u64, n in 20usize..100, d in 1usize..6, iterations in 0usize..40,
        strength in -4.0..0.0f64, standardize: bool, l1 in prop_oneof![Just(0.0), 1e-3..0.1f64],
    ) {
        let (_, y) = data::<f64>(n, d, seed);
        prop_assume!(y.contains(&true) && y.contains(&false));
        let estimator = LogisticRegression::new().fit_intercept(false).standardize(standardize);
        let estimator = estimator.l2(10f64.powf(strength));
        let exact = estimator.clone().solver(Newton::new().tolerance(0.0));
        let case = (n, d, seed);
        let descent = GradientDescent::new().learning_rate(1e-3).max_iterations(iterations);
        for (gap, bound, report) in [
            above::<f64>(&estimator.clone().solver(descent.clone()), &exact, case),
            above::<f64>(&estimator.clone().solver(Lbfgs::new().max_iterations(iterations)), &exact, case),
            above::<f64>(&estimator.clone().solver(Newton::new().tolerance(1e-3)), &exact, case),
        ] {
            prop_assert!(gap <= bound + 1e-14, "{gap:e} above, at most {bound:e}\n{report}");
        }
        let (gap, bound, report) = above::<f32>(&estimator.clone().solver(descent), &exact, case);
        prop_assert!(gap <= bound + 1e-5, "{gap:e} above, at most {bound:e}\n{report}");
        let sparse = estimator.l1(l1);
        let early = sparse.clone().solver(ProximalNewton::new().max_iterations(iterations / 10));
        let exact = sparse.solver(ProximalNewton::new().tolerance(0.0));
        let (gap, bound, report) = above::<f64>(&early, &exact, case);
        prop_assert!(gap <= bound + 1e-14, "{gap:e} above, at most {bound:e}\n{report}");
    }
}

#[test]
fn the_bound_is_that_of_the_formula_and_told() {
    let (x, y) = data::<f64>(50, 1, 1);
    let solver = GradientDescent::new().max_iterations(0);
    let estimator = LogisticRegression::new().fit_intercept(false).l2(0.25).solver(solver);
    let report = estimator.fit(&x, &y).expect("a fit").report;
    // Of one parameter the norm is its largest component.
    let bound = report.gradient_norm.powi(2) / 0.5;
    assert_eq!(report.suboptimality_bound, Some(bound));
    assert!(report.to_string().contains(&format!(", at most {bound:.1e} above the minimum")));
    let report = estimator.solver(Newton::new()).fit(&x, &y).expect("a fit").report;
    let (about, bound) = (report.suboptimality.unwrap(), report.suboptimality_bound.unwrap());
    let told = format!(", about {about:.1e} and at most {bound:.1e} above the minimum");
    assert!(report.to_string().contains(&told), "{report}");
}

#[test]
fn there_is_none_where_something_is_not_penalised() {
    let (x, y) = data::<f64>(50, 2, 1);
    let bound = |estimator: LogisticRegression| {
        estimator.fit(&x, &y).expect("a fit").report.suboptimality_bound
    };
    assert_eq!(bound(LogisticRegression::new().l2(0.1)), None);
    assert_eq!(bound(LogisticRegression::new().fit_intercept(false)), None);
    assert_eq!(bound(LogisticRegression::new().fit_intercept(false).l1(0.1)), None);
    assert!(bound(LogisticRegression::new().fit_intercept(false).l2(0.1)).is_some());
}
