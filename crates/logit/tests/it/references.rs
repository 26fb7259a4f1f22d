//! Fits against NumPy, statsmodels and scikit-learn, on both backends.
//!
//! `tests/references/references.py` makes the references and says how.
#![cfg(all(feature = "ndarray", feature = "nalgebra"))]

use logit::metrics::{Confusion, log_loss, roc_auc};
use logit::nalgebra::DMatrix;
use logit::ndarray::Array2;
use logit::{
    Backend, GradientDescent, Lbfgs, LogisticRegression, Model, Nalgebra, Ndarray, Newton,
    StopReason, TrustRegion,
};
use serde_json::Value;

struct References {
    json: Value,
    breast_cancer: (Vec<Vec<f64>>, Vec<f64>),
}

fn references() -> References {
    let json = serde_json::from_str(include_str!("../references/references.json"));
    let csv = include_str!("../../data/breast_cancer.csv");
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for record in csv::Reader::from_reader(csv.as_bytes()).records() {
        let record = record.expect("a record");
        let (label, features) = record.iter().collect::<Vec<_>>().split_last().map(split).unwrap();
        x.push(features);
        y.push(label);
    }
    References { json: json.expect("JSON"), breast_cancer: (x, y) }
}

fn split((label, features): (&&str, &[&str])) -> (f64, Vec<f64>) {
    let number = |text: &&str| text.parse().expect("a number");
    (f64::from(u8::from(*label == "benign")), features.iter().map(number).collect())
}

fn numbers(value: &Value) -> Vec<f64> {
    let values = value.as_array().expect("an array");
    values.iter().map(|v| v.as_f64().expect("a number")).collect()
}

impl References {
    fn rows(&self, key: &str) -> Vec<Vec<f64>> {
        self.json[key].as_array().expect("rows").iter().map(numbers).collect()
    }

    fn labels(&self) -> Vec<f64> {
        numbers(&self.json["y"])
    }

    fn assert_coefficients(&self, key: &str, model: &Model<f64>, tolerance: f64, what: &str) {
        let expected = numbers(&self.json[key]["weights"]);
        // Relative to the largest, on the scale where the columns are comparable: their own.
        for (j, (&got, &want)) in model.weights().iter().zip(&expected).enumerate() {
            let error = (got - want).abs() / want.abs().max(1e-3);
            assert!(error <= tolerance, "{key}, {what}: weight {j} is {got:e}, not {want:e}");
        }
        let want = self.json[key]["intercept"].as_f64().expect("a number");
        let error = (model.intercept() - want).abs() / want.abs().max(1.0);
        assert!(error <= tolerance, "{key}, {what}: intercept {} not {want}", model.intercept());
    }
}

/// Runs `check` on the same rows in either library.
fn on_both(rows: &[Vec<f64>], check: impl Fn(&str, &dyn Check)) {
    let (n, d) = (rows.len(), rows[0].len());
    let x = Array2::from_shape_fn((n, d), |(i, j)| rows[i][j]);
    check("ndarray", &Ndarray::from(&x));
    let x = DMatrix::from_fn(n, d, |i, j| rows[i][j]);
    check("nalgebra", &Nalgebra::from(&x));
}

/// A backend without its vector type, so that both fit one closure.
trait Check {
    fn descend(&self, estimator: &Recipe, y: &[f64]) -> logit::Fit<f64>;
    fn newton(&self, estimator: &LogisticRegression, y: &[f64]) -> logit::Fit<f64>;
    fn trust_region(&self, estimator: &LogisticRegression, y: &[f64]) -> logit::Fit<f64>;
    fn lbfgs(&self, estimator: &LogisticRegression, y: &[f64]) -> logit::Fit<f64>;
}

type Recipe = LogisticRegression<GradientDescent>;

impl<B: Backend<Scalar = f64>> Check for B {
    fn descend(&self, estimator: &Recipe, y: &[f64]) -> logit::Fit<f64> {
        estimator.fit(self, y).expect("a fit")
    }

    fn newton(&self, estimator: &LogisticRegression, y: &[f64]) -> logit::Fit<f64> {
        estimator.clone().solver(Newton::new()).fit(self, y).expect("a fit")
    }

    fn trust_region(&self, estimator: &LogisticRegression, y: &[f64]) -> logit::Fit<f64> {
        estimator.clone().solver(TrustRegion::new()).fit(self, y).expect("a fit")
    }

    fn lbfgs(&self, estimator: &LogisticRegression, y: &[f64]) -> logit::Fit<f64> {
        let solver = Lbfgs::new().tolerance(1e-18);
        estimator.clone().solver(solver).fit(self, y).expect("a fit")
    }
}

fn follows_the_recipe(
    references: &References,
    key: &str,
    rows: &[Vec<f64>],
    y: &[f64],
    estimator: &Recipe,
) {
    let losses = numbers(&references.json[key]["losses"]);
    on_both(rows, |backend, x| {
        let fit = x.descend(estimator, y);
        assert_eq!((fit.report.iterations, fit.report.losses.len()), (1000, losses.len()));
        for (iteration, (got, want)) in fit.report.losses.iter().zip(&losses).enumerate() {
            let error = (got - want).abs() / want;
            assert!(error <= 1e-10, "{key}, {backend}: loss {iteration} is {got}, not {want}");
        }
        references.assert_coefficients(key, &fit.model, 1e-10, backend);
    });
}

#[test]
fn a_thousand_iterations_follow_the_recipe_in_numpy() {
    let references = references();
    let solver = GradientDescent::new().max_iterations(1000);
    let estimator = LogisticRegression::new().solver(solver.clone().learning_rate(0.01));
    let (rows, y) = (references.rows("narrow_x"), references.labels());
    follows_the_recipe(&references, "recipe", &rows, &y, &estimator);

    let estimator = LogisticRegression::new().standardize(true).l2(0.01);
    let estimator = estimator.solver(solver.learning_rate(0.1));
    let (rows, y) = &references.breast_cancer;
    follows_the_recipe(&references, "recipe_breast_cancer", rows, y, &estimator);
}

fn reaches(
    references: &References,
    key: &str,
    rows: &[Vec<f64>],
    y: &[f64],
    rate: f64,
    estimator: LogisticRegression,
) {
    let solver = GradientDescent::new().learning_rate(rate).tolerance(1e-10);
    let descent = estimator.clone().solver(solver.max_iterations(200_000));
    on_both(rows, |backend, x| {
        let fit = x.descend(&descent, y);
        assert_eq!(fit.report.stop, StopReason::Converged, "{key}, {backend}: {}", fit.report);
        references.assert_coefficients(key, &fit.model, 1e-6, backend);
        reaches_fast(references, key, y, backend, x, &estimator);
    });
}

fn reaches_fast(
    references: &References,
    key: &str,
    y: &[f64],
    backend: &str,
    x: &dyn Check,
    estimator: &LogisticRegression,
) {
    let fits = [
        ("newton", x.newton(estimator, y), 1e-8),
        ("trust region", x.trust_region(estimator, y), 1e-4),
        ("lbfgs", x.lbfgs(estimator, y), 1e-3),
    ];
    // All end where the loss is at its minimum to all digits; coefficients have fewer, the fewer
    // the stronger the columns are correlated.
    for (name, fit, tolerance) in fits {
        let what = format!("{backend}, {name}: {}", fit.report);
        let stops = [StopReason::Converged, StopReason::PrecisionLimit];
        assert!(stops.contains(&fit.report.stop), "{key}, {what}");
        references.assert_coefficients(key, &fit.model, tolerance, &what);
    }
}

/// Reached by the fast solvers, whatever the scale of the columns.
fn optimum(
    references: &References,
    key: &str,
    rows: &[Vec<f64>],
    y: &[f64],
    estimator: LogisticRegression,
) {
    on_both(rows, |backend, x| reaches_fast(references, key, y, backend, x, &estimator));
}

#[test]
fn optima_on_columns_as_they_are_are_the_same() {
    let references = references();
    let (rows, y) = (references.rows("x"), references.labels());
    let new = LogisticRegression::new;
    optimum(&references, "statsmodels", &rows, &y, new());
    let (rows, y) = &references.breast_cancer;
    optimum(&references, "scikit_learn_breast_cancer_plain", rows, y, new().l2(1e-4));
}

#[test]
fn weighted_optima_are_those_of_scikit_learn_and_statsmodels() {
    let references = references();
    let (rows, y) = (references.rows("narrow_x"), references.labels());
    let (weights, offsets) =
        (numbers(&references.json["weights"]), numbers(&references.json["offsets"]));
    let new = LogisticRegression::new;
    let reaches = |key, estimator| optimum(&references, key, &rows, &y, estimator);
    reaches("weighted", new().l2(0.05).sample_weights(&weights));
    reaches("balanced", new().l2(0.05).balanced());
    reaches("class_weighted", new().l2(0.05).class_weights(0.5, 3.0).sample_weights(&weights));
    reaches("offset", new().offsets(&offsets).sample_weights(&weights));
}

#[test]
fn unpenalised_optima_are_those_of_statsmodels() {
    let references = references();
    let y = references.labels();
    let new = || LogisticRegression::new().standardize(true);
    reaches(&references, "statsmodels", &references.rows("x"), &y, 1.0, new());
    let (key, rows) = ("statsmodels_without_intercept", references.rows("narrow_x"));
    reaches(&references, key, &rows, &y, 1.0, new().fit_intercept(false));
}

#[test]
fn penalised_optima_are_those_of_scikit_learn() {
    let references = references();
    let (y, narrow) = (references.labels(), references.rows("narrow_x"));
    let new = LogisticRegression::new;
    let standardized = new().standardize(true);
    let fit = standardized.clone().l2(0.05);
    reaches(&references, "scikit_learn", &references.rows("x"), &y, 1.0, fit);
    reaches(&references, "scikit_learn_plain", &narrow, &y, 0.5, new().l2(0.05));
    let fit = new().l2(0.05).fit_intercept(false);
    reaches(&references, "scikit_learn_without_intercept", &narrow, &y, 0.5, fit);
    let (rows, y) = &references.breast_cancer;
    reaches(&references, "scikit_learn_breast_cancer", rows, y, 0.5, standardized.l2(0.02));
}

#[test]
fn metrics_are_those_of_scikit_learn() {
    let json = &references().json["metrics"];
    let (y, p) = (numbers(&json["y"]), numbers(&json["p"]));
    let confusion = Confusion::new(&y, p.iter().map(|&p| p >= 0.5)).expect("counts");
    for (name, got) in [
        ("accuracy", confusion.accuracy()),
        ("precision", confusion.precision()),
        ("recall", confusion.recall()),
        ("f1", confusion.f1()),
        ("log_loss", log_loss(&y, &p).expect("a loss")),
        ("roc_auc", roc_auc(&y, &p).expect("an area")),
    ] {
        let want = json[name].as_f64().expect("a number");
        assert!((got - want).abs() <= 1e-14, "{name} is {got}, not {want}");
    }
}
