//! Backends behind references, in boxes and of any type.

use logit_conformance::{Matrix, not_forwarded};
use logit_core::{AnyBackend, Backend, Dense, LogisticRegression};

#[test]
fn every_method_is_that_of_the_backend_inside() {
    assert_eq!(not_forwarded(|inner| &*Box::leak(Box::new(inner))), [""; 0]);
    assert_eq!(not_forwarded(Box::new), [""; 0]);
    assert_eq!(not_forwarded(AnyBackend::new), [""; 0]);
    assert_eq!(not_forwarded(|inner| Box::new(AnyBackend::new(inner))), [""; 0]);
}

#[test]
fn fits_are_the_same_however_a_backend_is_held() {
    let values: Vec<f64> = (0..600).map(|k| f64::from(k * 7 % 31)).collect();
    let x = Dense::from_rows(&values, 200, 3);
    let y = (0..200).map(|i| i * 5 % 7 < 3);
    let estimator = LogisticRegression::new().standardize(true).l2(0.1);
    let fit = estimator.fit(&x, y.clone()).expect("a fit");
    let boxed: Box<dyn Backend<Scalar = f64, Vector = Vec<f64>>> = Box::new(x);
    assert_eq!(estimator.fit(&&x, y.clone()), Ok(fit.clone()));
    assert_eq!(estimator.fit(&boxed, y.clone()), Ok(fit.clone()));
    let any = AnyBackend::new(&x);
    assert_eq!(estimator.fit(&any, y), Ok(fit));
    assert_eq!(format!("{any:?}"), "AnyBackend(200 x 3 of f64)");
}

logit_conformance::suite!(boxed: f64, |matrix: &Matrix<f64>| Box::new(matrix.clone()));
