//! Inference where there is none, and its tables.

use logit_core::metrics::calibration;
use logit_core::{
    Clusters, Dense, Error, GradientDescent, Lbfgs, LogisticRegression, Model, Newton, Robust,
    TrustRegion,
};
use serde_json::Value;

use super::data::{Set, assert_close};

#[test]
fn a_penalty_is_told() {
    let set = Set::read("spector");
    let (x, model) = (set.x(), set.model());
    let told = |estimator: LogisticRegression<Newton>| {
        (
            estimator.inference(&model, &x, &set.y).err(),
            estimator.score_test(&model, &x, &set.y, &[0]).err(),
            estimator.firth(&x, &set.y).err(),
        )
    };
    for (penalty, estimator) in [("l1", set.estimator().l1(0.5)), ("l2", set.estimator().l2(0.5))] {
        let error = Some(Error::Penalized { penalty, strength: 0.5 });
        assert_eq!(told(estimator), (error.clone(), error.clone(), error));
    }
}

#[test]
fn a_model_that_is_not_the_optimum_is_told_by_how_much() {
    let set = Set::read("spector");
    let (x, estimator, model) = (set.x(), set.estimator(), set.model());
    let errors = estimator.inference(&model, &x, &set.y).expect("inference");
    let error = errors.estimates().standard_errors()[2];
    let moved = |by: f64| {
        let w = model.weights();
        let moved = Model::new([w[0], w[1], w[2] + by * error], model.intercept());
        estimator.inference(&moved.expect("a model"), &x, &set.y).map(|_| ())
    };
    assert_eq!(moved(1e-3), Ok(()));
    // A weight that is off by a standard error, others as they were, is further off in theirs.
    let Err(Error::NotOptimum { distance, accepted }) = moved(0.1) else { panic!("no error") };
    assert!(0.1 < distance && distance < 0.5 && (accepted - 0.01).abs() < 1e-6, "{distance}");
    let descent = GradientDescent::new().learning_rate(0.001).max_iterations(10);
    let early = estimator.clone().solver(descent).fit(&x, &set.y).expect("a fit").model;
    let told = estimator.inference(&early, &x, &set.y).err();
    assert!(matches!(told, Some(Error::NotOptimum { .. })));
}

#[test]
fn standardised_and_other_fits_have_the_same_inference() {
    let set = Set::read("fair");
    let (x, y) = (set.x(), &set.y);
    let estimator = LogisticRegression::new().standardize(true);
    let model = estimator.fit(&x, y).expect("a fit").model;
    let inference = estimator.inference(&model, &x, y).expect("inference");
    set.infer(|own| {
        let z = own.estimates().z();
        inference.estimates().z().iter().zip(z).for_each(|(a, b)| assert_close(*a, b, 1e-6, "z"));
    });
}

/// Whatever the solver, in either precision.
#[test]
fn fits_by_default_are_near_enough_to_the_optimum() {
    for name in ["spector", "fair", "anes96", "breast_cancer", "sparse", "weighted", "dependent"] {
        let set = Set::read(name);
        let (x, y) = (set.x(), &set.y);
        let narrowed: Vec<f32> = set.values.iter().map(|&x| x as f32).collect();
        let narrow = Dense::from_rows(&narrowed, y.len(), set.columns());
        let auto = set.estimator().solver(logit_core::Auto);
        let model = auto.fit(&x, y).expect("a fit").model;
        let inference = auto.inference(&model, &x, y).expect("inference");
        set.infer(|own| {
            let z = own.estimates().z().into_iter().zip(inference.estimates().z());
            z.for_each(|(a, b)| assert!((a - b).abs() <= 0.01 || a.is_nan(), "{name}: {a}, {b}"));
        });
        let model = auto.fit(&narrow, y).expect("a fit").model;
        assert!(auto.inference(&model, &narrow, y).is_ok(), "{name} in f32");
        let model = auto.clone().solver(TrustRegion::new()).fit(&x, y).expect("a fit").model;
        assert!(auto.inference(&model, &x, y).is_ok(), "{name} by a trust region");
        let model = auto.clone().solver(Lbfgs::new()).fit(&x, y).expect("a fit").model;
        assert!(auto.inference(&model, &x, y).is_ok(), "{name} by L-BFGS");
    }
}

#[test]
fn separated_data_has_no_inference_and_says_which_coefficients_have_no_bound() {
    let set = Set::read("endometrial");
    let (x, y) = (set.x(), &set.y);
    let error = set.estimator().fit(&x, y).expect_err("separated");
    let message = error.to_string();
    assert!(message.contains("quasi-completely separated by column 0 (+inf)"), "{message}");
    let Error::Separated { direction, columns, .. } = error else { panic!("{message}") };
    // Heinze and Schemper (2002): NV is infinite, the others are finite.
    assert_eq!(columns, [0]);
    assert!(direction.weights()[0] > 0.0 && direction.weights()[1..] == [0.0, 0.0]);
    // So far along that direction that the gradient is rounding.
    let far = Model::new([60.0, -0.042, -2.903], 4.305).expect("a model");
    let told = set.estimator().inference(&far, &x, y).err();
    assert!(matches!(told, Some(Error::Separated { .. } | Error::NotOptimum { .. })), "{told:?}");
}

#[test]
fn leverage_one_is_told() {
    // Of two rows at x = 1 the first has nearly all the weight, and so determines both coefficients' sum.
    let x = Dense::from_columns(&[1.0, 1.0, 0.0, 0.0], 4, 1);
    let y = [1, 0, 1, 0];
    let solver = Newton::new().tolerance(0.0);
    let estimator = LogisticRegression::new().solver(solver).sample_weights([1e15, 1.0, 1.0, 1.0]);
    let model = Model::new([1e15f64.ln()], 0.0).expect("a model");
    let inference = estimator.inference(&model, &x, y).expect("inference");
    for kind in [Robust::Hc2, Robust::Hc3] {
        assert_eq!(inference.robust(kind), Err(Error::FullLeverage { row: 0 }));
    }
    assert!(inference.robust(Robust::Hc1).is_ok());
}

#[test]
fn bad_input_is_named() {
    let set = Set::read("spector");
    let (x, y) = (set.x(), &set.y);
    let narrow = Model::new([1.0], 0.0).expect("a model");
    let told = set.estimator().inference(&narrow, &x, y).err();
    assert_eq!(told, Some(Error::FeatureCount { given: 3, expected: 1 }));
    set.infer(|inference| {
        let setting = |error: Option<Error>, expected: &str| match error {
            Some(Error::Setting { name, .. }) => assert_eq!(name, expected),
            other => panic!("{other:?}"),
        };
        let estimates = inference.estimates();
        setting(estimates.intervals(1.0).err(), "level");
        setting(estimates.odds_ratios(f64::NAN).err(), "level");
        setting(estimates.wald_test(&[4]).err(), "index of an estimate");
        setting(estimates.contrast(&[1.0]).err(), "number of weights");
        setting(inference.clustered(&Clusters::new(vec![0; 32])).err(), "number of clusters");
        let short = inference.clustered(&Clusters::new([1, 2]));
        let (name, given, rows) = ("cluster label", 2, 32);
        assert_eq!(short, Err(Error::RowCount { name, given, rows }));
        let robust = inference.robust(Robust::Hc0).expect("a covariance");
        let nan = Dense::from_columns(&[1.0, f64::NAN, 0.0], 1, 3);
        let told = inference.predictions(&nan, &robust, 0.95).err();
        assert!(matches!(told, Some(Error::NonFiniteFeature { row: 0, column: 1, .. })));
        let (row, one) = ([1.0], Dense::from_columns(&[1.0], 1, 1));
        let told = inference.predictions(&one, &robust, 0.95).err();
        assert_eq!(told, Some(Error::FeatureCount { given: row.len(), expected: 3 }));
        setting(inference.profile_intervals(&[4], 0.95).err(), "column");
    });
    let named = set.estimator().inference(&set.model(), &x, y).expect("inference").named(["a"]);
    assert!(matches!(named.err(), Some(Error::Setting { name: "number of names", .. })));
}

#[test]
fn the_table_is_one_that_people_know() {
    let expected = "\
32 rows, log-likelihood -12.890, null -20.592
likelihood ratio chi²(3) = 15.404, p = 0.0015, McFadden R² 0.37404
AIC 33.779, BIC 39.642
             estimate  std. error        z       p  95 % from       to
GPA            2.8261      1.2629   2.2377  0.0252    0.35079   5.3014
TUCE         0.095158     0.14155  0.67223  0.5014   -0.18228  0.37260
PSI            2.3787      1.0646   2.2344  0.0255    0.29218   4.4652
(intercept)   -13.021      4.9313  -2.6405  0.0083    -22.687  -3.3561
standard errors: information";
    Set::read("spector").infer(|inference| assert_eq!(inference.to_string(), expected));
    Set::read("dependent").infer(|inference| {
        let table = inference.estimates().to_string();
        assert!(table.contains("\nBOTH         left out\n"), "{table}");
    });
}

#[test]
fn calibration_is_that_of_a_fit_by_statsmodels() {
    let json = include_str!("../../references/inference/metrics.json");
    let json: Value = serde_json::from_str(json).expect("JSON");
    let (y, p) = (super::data::numbers(&json["y"]), super::data::numbers(&json["p"]));
    let weights = super::data::numbers(&json["weights"]);
    let rows = y.iter().copied().zip(weights);
    for (key, found) in [("plain", calibration(&y, &p)), ("weighted", calibration(rows, &p))] {
        let (found, want) = (found.expect("a line"), &json[key]["calibration"]);
        let number = |name: &str| want[name].as_f64().expect("a number");
        assert_close(found.slope, number("slope"), 1e-6, "slope");
        assert_close(found.intercept, number("intercept"), 1e-6, "intercept");
        assert_close(found.in_the_large, number("in_the_large"), 1e-6, "in the large");
    }
    let told = calibration([1, 0], [1.0, 0.5]).unwrap_err();
    assert!(matches!(told, Error::RowSetting { name: "probability", row: 0, .. }));
}

#[cfg(feature = "serde")]
#[test]
fn results_are_saved_and_read() {
    Set::read("dependent").infer(|inference| {
        let estimates = inference.estimates();
        let json = serde_json::to_string(estimates).expect("JSON");
        let read: logit_core::Estimates = serde_json::from_str(&json).expect("estimates");
        assert_eq!(&read, estimates);
        let json = serde_json::to_string(inference.likelihood()).expect("JSON");
        let read: logit_core::Likelihood = serde_json::from_str(&json).expect("a likelihood");
        assert_eq!(&read, inference.likelihood());
    });
}
