//! Prediction: the probabilities of all rows.

use benches::by_hand::{self, Products};
use benches::{Operation, Problem, bench};
use criterion::{criterion_group, criterion_main};
use logit::{Backend, Float, Model};

struct Predict;

impl Operation for Predict {
    const NAME: &'static str = "predict";

    fn logit<'a, B: Backend + ?Sized>(
        x: &'a B,
        problem: &'a Problem<B::Scalar>,
    ) -> impl FnMut() -> Vec<B::Scalar> + Send + 'a {
        move || {
            let model = Model::new(&problem.weights, problem.intercept).expect("finite");
            let p = model.predict_proba(x).expect("a valid problem");
            (0..x.nrows()).map(|i| p[i]).collect()
        }
    }

    fn by_hand<F: Float>(x: &impl Products<F>, problem: &Problem<F>, _: usize) -> Vec<F> {
        by_hand::predict(x, problem.y.len(), &problem.weights, problem.intercept)
    }
}

criterion_group!(benches, bench::<Predict>);
criterion_main!(benches);
