//! What the solvers for many columns take on sparse rows like text, for a mild and a weak penalty.
//!
//! `cargo run --release -p benches --bin text -- 700000 47000` (rows, columns) prints a line per
//! solver, tolerance and penalty: how far above the least loss found the fit ended, as a share of
//! it, reads of the data and seconds.

use std::time::Instant;

use logit::sprs::CsMatI;
use logit::{Fit, Lbfgs, LogisticRegression, Model, Solver, Sprs, TrustRegion};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

const WORDS: usize = 75;

fn main() {
    let mut sizes = std::env::args().skip(1).map(|size| size.parse().expect("a number"));
    let (n, d) = (sizes.next().unwrap_or(700_000), sizes.next().unwrap_or(47_000));
    let rng = &mut Xoshiro256PlusPlus::seed_from_u64(1);
    let x: CsMatI<f64, u32, usize> = benches::text((n, d), WORDS, rng);
    let x = Sprs::from(&x);
    let weights = (0..d).map(|_| rng.random_range(-2.0..2.0));
    let truth = Model::new(weights, -0.5).expect("finite");
    let p = truth.predict_proba(&x).expect("probabilities");
    let y: Vec<bool> = p.iter().map(|&p| rng.random_bool(p)).collect();
    for strength in [100.0, 1.0, 0.01] {
        let estimator = LogisticRegression::new().l2(strength / n as f64);
        let exact = estimator.clone().solver(TrustRegion::new().tolerance(1e-14));
        let least = exact.fit(&x, &y).expect("a fit").report.loss;
        println!("l2 = {strength} / n: least loss {least}");
        for tolerance in [1e-5, 1e-7, 1e-9, 1e-11] {
            let region = TrustRegion::new().tolerance(tolerance);
            measure(&x, &y, &estimator, region, &format!("region {tolerance:e}"), least);
            let lbfgs = Lbfgs::new().tolerance(tolerance);
            measure(&x, &y, &estimator, lbfgs, &format!("lbfgs  {tolerance:e}"), least);
        }
    }
}

fn measure(
    x: &Sprs<'_, f64, u32, usize>,
    y: &[bool],
    estimator: &LogisticRegression,
    solver: impl Solver,
    name: &str,
    least: f64,
) {
    let start = Instant::now();
    let Fit { report, .. } = estimator.clone().solver(solver).fit(x, y).expect("a fit");
    let seconds = start.elapsed().as_secs_f64();
    let above = report.loss / least - 1.0;
    let (iterations, passes, stop) = (report.iterations, report.passes, report.stop);
    println!(
        "{name}: {above:8.1e} {passes:5} reads {iterations:4} iterations {seconds:6.2} s {stop}"
    );
}
