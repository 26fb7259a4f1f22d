//! A fit: ten iterations of the recipe, losses kept.

use benches::{Operation, Problem, bench, by_hand};
use criterion::{criterion_group, criterion_main};
use logit::{Backend, Float, GradientDescent, LogisticRegression};

const ITERATIONS: usize = 10;
const RATE: f64 = 0.01;

struct Fit;

impl Operation for Fit {
    const NAME: &'static str = "fit";

    fn logit<B: Backend>(x: &B, problem: &Problem<B::Scalar>) -> Vec<B::Scalar> {
        let solver = GradientDescent::new().learning_rate(RATE).max_iterations(ITERATIONS);
        let fit = LogisticRegression::new().solver(solver).fit(x, &problem.y);
        let fit = fit.expect("a valid problem");
        let mut results = fit.model.weights().to_vec();
        results.push(fit.model.intercept());
        results.extend(fit.report.losses.iter().map(|&loss| B::Scalar::narrow(loss)));
        results
    }

    fn ndarray<F: Float>(problem: &Problem<F>) -> Vec<F> {
        by_hand(&problem.ndarray, problem)
    }

    fn nalgebra<F: Float>(problem: &Problem<F>) -> Vec<F> {
        by_hand(&problem.nalgebra, problem)
    }
}

fn by_hand<F: Float>(x: &impl by_hand::Products<F>, problem: &Problem<F>) -> Vec<F> {
    let ncols = problem.weights.len();
    let (losses, mut results) = by_hand::fit(x, &problem.y, ncols, F::narrow(RATE), ITERATIONS);
    results.extend(losses.into_iter().map(F::narrow));
    results
}

criterion_group!(benches, bench::<Fit>);
criterion_main!(benches);
