//! Fits with L1 penalties against scikit-learn and glmnet, with second derivatives and without.
//!
//! `tests/references/references.py` and `glmnet.R` there make the references and say how.
#![cfg(feature = "ndarray")]

use logit::ndarray::Array2;
use logit::{LogisticRegression, Model, Ndarray, ProximalNewton, Solver, StopReason};
use serde_json::Value;

fn json() -> Value {
    serde_json::from_str(include_str!("../references/references.json")).expect("JSON")
}

fn numbers(value: &Value) -> Vec<f64> {
    let values = value.as_array().expect("an array");
    values.iter().map(|v| v.as_f64().expect("a number")).collect()
}

fn matrix(rows: Vec<Vec<f64>>) -> Array2<f64> {
    Array2::from_shape_fn((rows.len(), rows[0].len()), |(i, j)| rows[i][j])
}

fn breast_cancer() -> (Array2<f64>, Vec<f64>) {
    let text = include_str!("../../data/breast_cancer.csv");
    let (mut rows, mut y) = (Vec::new(), Vec::new());
    for line in text.lines().skip(1) {
        let (features, label) = line.rsplit_once(',').expect("a label");
        rows.push(features.split(',').map(|x| x.parse().expect("a number")).collect());
        y.push(f64::from(u8::from(label == "benign")));
    }
    (matrix(rows), y)
}

fn assert_same(key: &str, reference: &Value, model: &Model<f64>, tolerance: f64) {
    let expected = numbers(&reference["weights"]);
    let size = expected.iter().fold(0.0f64, |max, w| max.max(w.abs()));
    for (j, (&got, &want)) in model.weights().iter().zip(&expected).enumerate() {
        assert_eq!(got == 0.0, want == 0.0, "{key}: weight {j} is {got:e}, not {want:e}");
        // Relative to itself; a weight that has just left zero is small among the others.
        let error = (got - want).abs() / want.abs().max(1e-3 * size);
        assert!(error <= tolerance, "{key}: weight {j} is {got:e}, not {want:e}");
    }
    let want = reference["intercept"].as_f64().expect("a number");
    let error = (model.intercept() - want).abs() / want.abs().max(1.0);
    assert!(error <= tolerance, "{key}: intercept {} not {want}", model.intercept());
}

fn reaches(key: &str, x: &Array2<f64>, y: &[f64], estimator: &LogisticRegression) {
    let reference = &json()[key];
    fn solve<S: Solver>(
        estimator: LogisticRegression<S>,
        x: &Array2<f64>,
        y: &[f64],
    ) -> (Model<f64>, String) {
        let fit = estimator.fit(&Ndarray::from(x), y).expect("a fit");
        let stops = [StopReason::Converged, StopReason::PrecisionLimit];
        assert!(stops.contains(&fit.report.stop), "{}", fit.report);
        (fit.model, fit.report.to_string())
    }
    // With second derivatives by all parameters, by some, by none. Without them all a fit may end
    // where the loss is at its minimum to all digits; coefficients then have fewer.
    for (most, tolerance) in [(1024, 1e-7), (4, 1e-5), (0, 1e-5)] {
        let solver = ProximalNewton::new().most_derivatives(most);
        let (model, report) = solve(estimator.clone().solver(solver), x, y);
        println!("{key}, derivatives by {most}: {report}");
        assert_same(key, reference, &model, tolerance);
    }
}

#[test]
fn elastic_nets_have_the_values_and_zeros_of_scikit_learn() {
    let json = json();
    let rows =
        |key: &str| matrix(json[key].as_array().expect("rows").iter().map(numbers).collect());
    let (x, narrow, y) = (rows("x"), rows("narrow_x"), numbers(&json["y"]));
    let new = LogisticRegression::new;
    reaches("lasso", &narrow, &y, &new().l1(0.05));
    reaches("lasso_without_intercept", &narrow, &y, &new().l1(0.03).fit_intercept(false));
    reaches("elastic_net", &narrow, &y, &new().l1(0.04).l2(0.02));
    let standardized = new().standardize(true);
    reaches("elastic_net_standardized", &x, &y, &standardized.clone().l1(0.04).l2(0.02));

    let (x, y) = breast_cancer();
    reaches("lasso_breast_cancer", &x, &y, &standardized.clone().l1(0.01));
    reaches("elastic_net_breast_cancer", &x, &y, &standardized.l1(0.005).l2(0.005));

    let (x, y) = (rows("wide_x"), numbers(&json["wide_y"]));
    reaches("lasso_wide", &x, &y, &new().l1(0.05));
    reaches("elastic_net_wide", &x, &y, &new().l1(0.05).l2(0.05));
}

/// As README's table of names says, with and without weights and an intercept, to what glmnet
/// reaches: it ends 2e-6 off at its strictest.
#[test]
fn glmnet_agrees() {
    let nets: Value =
        serde_json::from_str(include_str!("../references/glmnet.json")).expect("JSON");
    let (x, y) = breast_cancer();
    // Rows that count 0 to 3 times.
    let weights =
        |uneven: bool| (0..y.len()).map(move |i| if uneven { (i % 4) as f64 } else { 1.0 });
    for net in nets["nets"].as_array().expect("an array") {
        let number = |name: &str| net[name].as_f64().expect("a number");
        let (alpha, lambda) = (number("alpha"), number("lambda"));
        let estimator = LogisticRegression::new()
            .standardize(net["standardize"] == true)
            .fit_intercept(net["fit_intercept"] == true)
            .sample_weights(net["weighted"].as_bool().map(weights).expect("a bool"))
            .l1(alpha * lambda)
            .l2((1.0 - alpha) * lambda)
            .solver(ProximalNewton::new().tolerance(1e-14));
        let fit = estimator.fit(&Ndarray::from(&x), &y).expect("a fit");
        let intercept = &net["fit_intercept"];
        let key = format!("alpha {alpha}, lambda {lambda}, intercept {intercept}");
        assert_same(&key, net, &fit.model, 1e-5);
    }
}
