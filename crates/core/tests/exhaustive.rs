//! Every one of the 2³² inputs in `f32`, against the textbook formula in `f64`.
//!
//! In `f64` the formulas below neither overflow nor cancel for any `f32`, and they share no code
//! with the library: even their exponential and logarithm are those of the `libm` crate. It takes
//! minutes, so it is opt-in:
//!
//! `cargo test --release -p logit-core --test exhaustive -- --ignored`

use libm::{exp, log, log1p};
use logit_core::{
    Float, cross_entropy, cross_entropy_from_probability, residual, sigmoid, slice, softplus,
};
use rayon::prelude::*;

const CHUNK: u32 = 1 << 16;

/// Fails unless `got` is within `limit` units of the last place of the exact value, or NaN for NaN.
fn check(what: &str, input: f32, got: f32, exact: f64, limit: f64) {
    if exact.is_nan() || exact.is_infinite() || got.is_infinite() {
        let same = f64::from(got) == exact || (exact.is_nan() && got.is_nan());
        assert!(same, "{what}({input:e}) is {got:e}, not {exact:e}");
        return;
    }
    let smallest = f64::from(f32::from_bits(1));
    let ulp = (exact.abs().log2().floor().exp2() * f64::from(f32::EPSILON)).max(smallest);
    let error = (f64::from(got) - exact).abs() / ulp;
    assert!(error <= limit, "{what}({input:e}) is {got:e}, not {exact:e}: off by {error} ulp");
}

/// Tries a function and its slice form on every input.
fn try_all(
    what: &str,
    scalar: impl Fn(f32) -> f32 + Sync,
    slice: impl Fn(&mut [f32]) + Sync,
    exact: impl Fn(f64) -> f64 + Sync,
) {
    (0..=u32::MAX / CHUNK).into_par_iter().for_each(|chunk| {
        let inputs: Vec<f32> = (0..CHUNK).map(|k| f32::from_bits(chunk * CHUNK + k)).collect();
        let mut outputs = inputs.clone();
        slice(&mut outputs);
        for (&input, output) in inputs.iter().zip(outputs) {
            let exact = exact(f64::from(input));
            check(what, input, scalar(input), exact, 2.0);
            check(what, input, output, exact, 4.0);
        }
    });
}

/// The same for a function of a label.
fn try_all_labelled(
    what: &str,
    scalar: fn(f32, bool) -> f32,
    slice: fn(&mut [f32], &[bool]),
    exact: fn(f64, bool) -> f64,
) {
    for y in [false, true] {
        let labels = vec![y; CHUNK as usize];
        let what = format!("{what} with label {y}");
        try_all(&what, |z| scalar(z, y), |z| slice(z, &labels), |z| exact(z, y));
    }
}

fn exact_sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + exp(-z))
}

fn exact_softplus(z: f64) -> f64 {
    if z > 700.0 { z } else { log1p(exp(z)) }
}

#[test]
#[ignore = "takes minutes: see the top of the file"]
fn sigmoid_of_every_input() {
    try_all("sigmoid", sigmoid, slice::sigmoid, exact_sigmoid);
}

#[test]
#[ignore = "takes minutes: see the top of the file"]
fn softplus_of_every_input() {
    try_all("softplus", softplus, slice::softplus, exact_softplus);
}

#[test]
#[ignore = "takes minutes: see the top of the file"]
fn cross_entropy_of_every_input() {
    let exact = |z: f64, y| exact_softplus(if y { -z } else { z });
    try_all_labelled("cross_entropy", cross_entropy, slice::cross_entropy, exact);
}

#[test]
#[ignore = "takes minutes: see the top of the file"]
fn residual_of_every_input() {
    let exact = |z: f64, y| if y { -exact_sigmoid(-z) } else { exact_sigmoid(z) };
    try_all_labelled("residual", residual, slice::residual, exact);
}

#[test]
#[ignore = "takes minutes: see the top of the file"]
fn cross_entropy_from_probability_of_every_input() {
    let exact = |p: f64, y| {
        let epsilon = f32::PROBABILITY_EPSILON;
        // An f32 is a multiple of 2⁻¹⁴⁹ and 1 - p need not fit an f64; but where it does not, p is
        // below ε and the clamp decides.
        let p = if p.is_nan() { p } else { p.clamp(epsilon, 1.0 - epsilon) };
        -if y { log(p) } else { log(1.0 - p) }
    };
    try_all_labelled(
        "cross_entropy_from_probability",
        cross_entropy_from_probability,
        slice::cross_entropy_from_probability,
        exact,
    );
}
