//! One pass: loss and gradient at given parameters.

use benches::{Operation, Problem, bench, by_hand};
use criterion::{criterion_group, criterion_main};
use logit::{Backend, Float, LogisticRegression};

struct Pass;

impl Operation for Pass {
    const NAME: &'static str = "pass";

    fn logit<B: Backend>(x: &B, problem: &Problem<B::Scalar>) -> Vec<B::Scalar> {
        let objective = LogisticRegression::new().objective(x, &problem.y);
        let mut objective = objective.expect("a valid problem");
        let parameters = [&problem.weights[..], &[problem.intercept]].concat();
        let mut gradient = parameters.clone();
        let loss = objective.evaluate(&parameters, &mut gradient);
        gradient.push(B::Scalar::narrow(loss));
        gradient
    }

    fn ndarray<F: Float>(problem: &Problem<F>) -> Vec<F> {
        by_hand(&problem.ndarray, problem)
    }

    fn nalgebra<F: Float>(problem: &Problem<F>) -> Vec<F> {
        by_hand(&problem.nalgebra, problem)
    }
}

fn by_hand<F: Float>(x: &impl by_hand::Products<F>, problem: &Problem<F>) -> Vec<F> {
    let (loss, mut gradient) = by_hand::pass(x, &problem.y, &problem.weights, problem.intercept);
    gradient.push(F::narrow(loss));
    gradient
}

criterion_group!(benches, bench::<Pass>);
criterion_main!(benches);
