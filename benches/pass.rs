//! One pass: loss and gradient at given parameters.

use benches::by_hand::{self, Products};
use benches::{Operation, Problem, bench};
use criterion::{criterion_group, criterion_main};
use logit::{Backend, Float, LogisticRegression};

struct Pass;

impl Operation for Pass {
    const NAME: &'static str = "pass";

    /// Blocks of 512 rows stay in cache, as the library's own do.
    const BY_HAND: &'static [(&'static str, usize)] =
        &[("by-hand", usize::MAX), ("by-hand-blocked", 512)];

    fn logit<'a, B: Backend + ?Sized>(
        x: &'a B,
        problem: &'a Problem<B::Scalar>,
    ) -> impl FnMut() -> Vec<B::Scalar> + Send + 'a {
        let objective = LogisticRegression::new().objective(x, &problem.y);
        let mut objective = objective.expect("a valid problem");
        let parameters = [&problem.weights[..], &[problem.intercept]].concat();
        move || {
            let found = objective.evaluate(&parameters[..]);
            let loss = B::Scalar::narrow(found.loss());
            [found.gradient(), &[loss]].concat()
        }
    }

    fn by_hand<F: Float>(x: &impl Products<F>, problem: &Problem<F>, rows: usize) -> Vec<F> {
        let (weights, intercept) = (&problem.weights, problem.intercept);
        let (loss, mut gradient) = by_hand::pass(x, &problem.y, weights, intercept, rows);
        gradient.push(F::narrow(loss));
        gradient
    }
}

criterion_group!(benches, bench::<Pass>);
criterion_main!(benches);
