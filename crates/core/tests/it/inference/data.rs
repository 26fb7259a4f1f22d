//! The data sets and references of `tests/references/inference`.

use logit_core::{Dense, Inference, LogisticRegression, Model, Newton};
use serde_json::Value;

/// Relative, in `f64`.
pub(super) const TOLERANCE: f64 = 1e-8;

/// A data set: columns, labels, and weights, offsets and groups where there are any.
#[derive(Clone, Default)]
pub(super) struct Set {
    pub(super) names: Vec<String>,
    pub(super) values: Vec<f64>,
    pub(super) y: Vec<bool>,
    pub(super) weights: Option<Vec<f64>>,
    pub(super) offsets: Option<Vec<f64>>,
    pub(super) groups: Vec<i64>,
    pub(super) others: Vec<i64>,
}

pub(super) fn numbers(value: &Value) -> Vec<f64> {
    let number = |v: &Value| if v.is_null() { f64::NAN } else { v.as_f64().expect("a number") };
    value.as_array().expect("an array").iter().map(number).collect()
}

/// The numbers of rows, one row after the other.
pub(super) fn matrix(value: &Value) -> Vec<f64> {
    value.as_array().expect("rows").iter().flat_map(numbers).collect()
}

impl Set {
    pub(super) fn read(name: &str) -> Self {
        let json = match name {
            "endometrial" | "two_way" => include_str!("../../references/inference/from_r.json"),
            _ => include_str!("../../references/inference/data.json"),
        };
        let json: Value = serde_json::from_str(json).expect("JSON");
        let set = &json[name];
        let whole = |key: &str| -> Vec<i64> {
            let values = set[key].as_array().into_iter().flatten();
            values.map(|v| v.as_i64().expect("whole")).collect()
        };
        let names = set["names"].as_array().expect("names").iter();
        Self {
            names: names.map(|name| name.as_str().expect("a name").to_owned()).collect(),
            values: matrix(&set["x"]),
            y: numbers(&set["y"]).iter().map(|y| *y == 1.0).collect(),
            weights: set.get("weights").map(numbers),
            offsets: set.get("offsets").map(numbers),
            groups: whole("groups"),
            others: whole("others"),
        }
    }

    pub(super) fn columns(&self) -> usize {
        self.names.len()
    }

    pub(super) fn x(&self) -> Dense<'_, f64> {
        Dense::from_rows(&self.values, self.y.len(), self.columns())
    }

    /// With weights and offsets; to the last digit.
    pub(super) fn estimator(&self) -> LogisticRegression<Newton> {
        let mut estimator = LogisticRegression::new().solver(Newton::new().tolerance(0.0));
        if let Some(weights) = &self.weights {
            estimator = estimator.sample_weights(weights);
        }
        if let Some(offsets) = &self.offsets {
            estimator = estimator.offsets(offsets);
        }
        estimator
    }

    pub(super) fn model(&self) -> Model<f64> {
        self.estimator().fit(&self.x(), &self.y).expect("a fit").model
    }

    /// Calls `work` with the inference of a fit.
    pub(super) fn infer<T>(&self, work: impl FnOnce(&mut Inference<'_, Dense<'_, f64>>) -> T) -> T {
        let x = self.x();
        let inference = self.estimator().inference(&self.model(), &x, &self.y);
        work(&mut inference.expect("inference").named(&self.names).expect("names"))
    }

    /// The columns of such numbers.
    pub(super) fn with_columns(&self, columns: &[usize]) -> Self {
        let rows = self.values.chunks(self.columns());
        Self {
            names: columns.iter().map(|&j| self.names[j].clone()).collect(),
            values: rows.flat_map(|row| columns.iter().map(|&j| row[j])).collect(),
            ..self.clone()
        }
    }

    /// The references of a data set.
    pub(super) fn reference(name: &str) -> Value {
        let json = include_str!("../../references/inference/reference.json");
        let mut json: Value = serde_json::from_str(json).expect("JSON");
        json[name].take()
    }
}

pub(super) fn assert_close(got: f64, want: f64, tolerance: f64, what: &str) {
    let close = (got - want).abs() <= tolerance * want.abs();
    assert!(close || got.is_nan() && want.is_nan(), "{what} is {got:e}, not {want:e}");
}

pub(super) fn assert_all_close(got: &[f64], want: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (k, (got, want)) in got.iter().zip(want).enumerate() {
        assert_close(*got, *want, tolerance, &format!("{what} {k}"));
    }
}

/// Each element relative to the root of the product of its variances.
pub(super) fn assert_covariance(got: &[f64], want: &Value, tolerance: f64, what: &str) {
    let want = matrix(want);
    let order = want.len().isqrt();
    assert_eq!(got.len(), want.len(), "{what}");
    for (at, (got, want_at)) in got.iter().zip(&want).enumerate() {
        let [a, b] = [at / order, at % order].map(|j| want[j * order + j].abs());
        let close = (got - want_at).abs() <= tolerance * (a * b).sqrt();
        let missing = got.is_nan() && want_at.is_nan();
        assert!(close || missing, "{what}: element {at} is {got:e}, not {want_at:e}");
    }
}
