//! A fit: ten iterations of the recipe, losses kept.

use benches::by_hand::{self, Products};
use benches::{Operation, Problem, bench};
use criterion::{criterion_group, criterion_main};
use logit::{Backend, Float, GradientDescent, LogisticRegression};

const ITERATIONS: usize = 10;
const RATE: f64 = 0.01;

struct Fit;

impl Operation for Fit {
    const NAME: &'static str = "fit";

    fn logit<'a, B: Backend + ?Sized>(
        x: &'a B,
        problem: &'a Problem<B::Scalar>,
    ) -> impl FnMut() -> Vec<B::Scalar> + Send + 'a {
        move || {
            let solver = GradientDescent::new().learning_rate(RATE).max_iterations(ITERATIONS);
            let fit = LogisticRegression::new().solver(solver).fit(x, &problem.y);
            let fit = fit.expect("a valid problem");
            let mut results = fit.model.weights().to_vec();
            results.push(fit.model.intercept());
            results.extend(fit.report.losses.iter().map(|&loss| B::Scalar::narrow(loss)));
            results
        }
    }

    fn by_hand<F: Float>(x: &impl Products<F>, problem: &Problem<F>, _: usize) -> Vec<F> {
        let (ncols, rate) = (problem.weights.len(), F::narrow(RATE));
        let (losses, mut results) = by_hand::fit(x, &problem.y, ncols, rate, ITERATIONS);
        results.extend(losses.into_iter().map(F::narrow));
        results
    }
}

criterion_group!(benches, bench::<Fit>);
criterion_main!(benches);
