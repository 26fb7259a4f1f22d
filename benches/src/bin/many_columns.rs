//! What the solvers for many columns take on sparse rows like text, and where a few factors move
//! all columns.
//!
//! `cargo run --release -p benches --bin many_columns -- text 700000 47000` (or `factors 5000 600`:
//! what to draw, rows, columns) prints a line per penalty, solver and tolerance: how far above the
//! least loss found the fit ended, as a share of it, reads of the data and seconds. `lasso 2000 600`
//! has factors and an L1 penalty instead, and a line per penalty, precision and number of second
//! derivatives.

use std::time::Instant;

use logit::ndarray::Array2;
use logit::{
    Backend, Fit, Lbfgs, LogisticRegression, Model, Ndarray, ProximalNewton, Solver, Sprs,
    TrustRegion,
};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

const WORDS: usize = 75;
const FACTORS: usize = 10;
/// What of a column is its own.
const OWN: f64 = 0.1;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, rows, columns] = &arguments[..] else { panic!("what to draw, rows, columns") };
    let [n, d] = [rows, columns].map(|size| size.parse().expect("a number"));
    let rng = &mut Xoshiro256PlusPlus::seed_from_u64(1);
    match kind.as_str() {
        "text" => compare(&Sprs::from(&benches::text::<f64>((n, d), WORDS, rng)), rng),
        "factors" => compare(&Ndarray::from(&factors((n, d), rng)), rng),
        "lasso" => compare_derivatives(&factors((n, d), rng), rng),
        _ => panic!("text, factors or lasso, not {kind}"),
    }
}

/// Columns that are sums of a few factors, but for a little.
fn factors((n, d): (usize, usize), rng: &mut Xoshiro256PlusPlus) -> Array2<f64> {
    let mut draw = |shape| Array2::from_shape_simple_fn(shape, || rng.random_range(-1.0..1.0));
    draw((n, FACTORS)).dot(&draw((FACTORS, d))) + OWN * draw((n, d))
}

/// Labels by a model in which every column counts.
fn labels<B: Backend<Scalar = f64>>(x: &B, rng: &mut Xoshiro256PlusPlus) -> Vec<bool> {
    let weights = (0..x.ncols()).map(|_| rng.random_range(-2.0..2.0));
    let truth = Model::new(weights, -0.5).expect("finite");
    let p = truth.predict_proba(x).expect("probabilities");
    (0..x.nrows()).map(|i| rng.random_bool(p[i])).collect()
}

fn compare_derivatives(x: &Array2<f64>, rng: &mut Xoshiro256PlusPlus) {
    let (single, x) = (x.mapv(|x| x as f32), Ndarray::from(x));
    let (single, y) = (Ndarray::from(&single), labels(&x, rng));
    for strength in [1e-2, 1e-3, 1e-4] {
        let estimator = LogisticRegression::new().l1(strength);
        let exact = ProximalNewton::new().most_derivatives(usize::MAX).tolerance(1e-14);
        let Fit { model, report, .. } = estimator.clone().solver(exact).fit(&x, &y).expect("a fit");
        let least = report.loss;
        let kept = model.weights().iter().filter(|weight| **weight != 0.0).count();
        println!("l1 = {strength}: least loss {least}, {kept} weights are not 0");
        for most in [1024, 64, 0] {
            let solver = ProximalNewton::new().most_derivatives(most);
            measure(&x, &y, &estimator, solver, &format!("f64 {most}"), least);
            measure(&single, &y, &estimator, solver, &format!("f32 {most}"), least);
        }
    }
}

fn compare<B: Backend<Scalar = f64>>(x: &B, rng: &mut Xoshiro256PlusPlus) {
    let y = labels(x, rng);
    for strength in [100.0, 1.0, 0.01] {
        let estimator = LogisticRegression::new().l2(strength / x.nrows() as f64);
        let exact = estimator.clone().solver(TrustRegion::new().tolerance(1e-14));
        let least = exact.fit(x, &y).expect("a fit").report.loss;
        println!("l2 = {strength} / n: least loss {least}");
        for tolerance in [1e-5, 1e-7, 1e-9, 1e-11] {
            let name = format!("{tolerance:e}");
            let region = TrustRegion::new().tolerance(tolerance);
            measure(x, &y, &estimator, region, &format!("region {name}"), least);
            let lbfgs = Lbfgs::new().tolerance(tolerance);
            measure(x, &y, &estimator, lbfgs, &format!("lbfgs  {name}"), least);
        }
    }
}

fn measure<B: Backend>(
    x: &B,
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
