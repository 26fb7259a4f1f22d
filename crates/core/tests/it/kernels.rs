//! The elementwise functions against mpmath, within 2 ulp as scalars and 4 as slices.
//!
//! `tests/references/kernels.py` makes the references and says how.

use logit_core::{
    Float, cross_entropy, cross_entropy_from_probability, residual, sigmoid, slice, softplus,
};
use serde_json::Value;

const REFERENCES: &str = include_str!("../references/kernels.jsonl");
const SCALAR_ULP: f64 = 2.0;
const SLICE_ULP: f64 = 4.0;

/// The exact value as a sum of two doubles.
#[derive(Clone, Copy, Debug)]
struct Exact {
    high: f64,
    low: f64,
}

impl Exact {
    fn read(value: &Value) -> Self {
        let part = |k: usize| value[k].as_f64().expect("a number");
        Self { high: part(0), low: part(1) }
    }

    /// The distance of `got` in units of the last place that a number of this size has.
    fn ulp_error<F: Float>(self, got: F) -> f64 {
        let smallest = F::min_positive_value().widen() * F::epsilon().widen();
        let exponent = self.high.abs().log2().floor();
        let ulp = (exponent.exp2() * F::epsilon().widen()).max(smallest);
        ((got.widen() - self.high) - self.low).abs() / ulp
    }

    fn check<F: Float>(self, what: &str, at: f64, got: F, limit: f64) {
        let error = self.ulp_error(got);
        let name = F::NAME;
        assert!(error <= limit, "{what}({at:e}) in {name}: {got:e}, off by {error} ulp");
    }
}

fn records(key: &str) -> impl Iterator<Item = (f64, Value)> {
    REFERENCES.lines().filter_map(move |line| {
        let record: Value = serde_json::from_str(line).expect("a record");
        Some((record.get(key)?.as_f64().expect("a number"), record))
    })
}

fn logits_within<F: Float>() -> usize {
    let mut count = 0;
    for (at, record) in records("z").filter(|(z, _)| F::narrow(*z).widen() == *z) {
        let z = F::narrow(at);
        let both = |scalar: fn(F) -> F, slice: fn(&mut [F]), name: &str| {
            let exact = Exact::read(&record[name]);
            exact.check(name, at, scalar(z), SCALAR_ULP);
            let mut values = [z; 3];
            slice(&mut values);
            values.iter().for_each(|&got| exact.check(name, at, got, SLICE_ULP));
        };
        both(sigmoid, slice::sigmoid, "sigmoid");
        both(softplus, slice::softplus, "softplus");
        type OfLabel<F> = fn(F, bool) -> F;
        type OfLabels<F> = fn(&mut [F], &[bool]);
        let both = |scalar: OfLabel<F>, slice: OfLabels<F>, name: &str| {
            let exact = [0, 1].map(|label: usize| Exact::read(&record[name][label]));
            let mut values = [z; 2];
            slice(&mut values, &[false, true]);
            for (label, exact) in exact.into_iter().enumerate() {
                exact.check(name, at, scalar(z, label == 1), SCALAR_ULP);
                exact.check(name, at, values[label], SLICE_ULP);
            }
        };
        both(cross_entropy, slice::cross_entropy, "cross_entropy");
        both(residual, slice::residual, "residual");
        count += 1;
    }
    count
}

fn probabilities_within<F: Float>() -> usize {
    let mut count = 0;
    for (at, record) in records("p").filter(|(p, _)| F::narrow(*p).widen() == *p) {
        let p = F::narrow(at);
        let mut values = [p; 2];
        slice::cross_entropy_from_probability(&mut values, &[false, true]);
        for label in [0, 1] {
            let exact = Exact::read(&record[F::NAME][label]);
            let scalar = cross_entropy_from_probability(p, label == 1);
            exact.check("cross_entropy_from_probability", at, scalar, SCALAR_ULP);
            exact.check("cross_entropy_from_probability", at, values[label], SLICE_ULP);
        }
        count += 1;
    }
    count
}

#[test]
fn functions_of_logits_are_within_two_ulp_of_mpmath() {
    assert!(logits_within::<f64>() > 3000);
    assert!(logits_within::<f32>() > 1000);
}

#[test]
fn cross_entropy_from_probabilities_is_within_two_ulp_of_mpmath() {
    assert!(probabilities_within::<f64>() > 500);
    assert!(probabilities_within::<f32>() > 300);
}

fn limits<F: Float>() {
    let (inf, nan, zero, one) = (F::infinity(), F::nan(), F::zero(), F::one());
    assert_eq!((sigmoid(inf), sigmoid(-inf)), (one, zero));
    assert_eq!((softplus(inf), softplus(-inf)), (inf, zero));
    assert_eq!((cross_entropy(inf, true), cross_entropy(-inf, true)), (zero, inf));
    assert_eq!((cross_entropy(inf, false), cross_entropy(-inf, false)), (inf, zero));
    assert_eq!((residual(inf, true), residual(-inf, true)), (zero, -one));
    assert_eq!((residual(inf, false), residual(-inf, false)), (one, zero));
    let clamped = F::narrow(-F::PROBABILITY_EPSILON.ln());
    let beyond = F::narrow(1.5);
    assert_eq!(cross_entropy_from_probability(-beyond, true), clamped);
    assert_eq!(cross_entropy_from_probability(beyond, false), clamped);
    for y in [false, true] {
        assert!(cross_entropy(nan, y).is_nan() && residual(nan, y).is_nan());
        assert!(cross_entropy_from_probability(nan, y).is_nan());
    }
    assert!(sigmoid(nan).is_nan() && softplus(nan).is_nan());
}

#[test]
fn infinities_take_their_limits_and_nan_stays_nan() {
    limits::<f64>();
    limits::<f32>();
}

#[test]
#[should_panic(expected = "as many values as labels")]
fn slices_of_different_length_are_refused() {
    slice::residual(&mut [0.0f32; 3], &[true, false]);
}
