//! Fits that cannot start, or come to no finite loss: each says why, and nothing that is not so.

use std::ops::{ControlFlow, Range};

use logit_conformance::{DynBackend, Matrix};
use logit_core::{
    Backend, Error, Float, GradientDescent, Lbfgs, LogisticRegression, Newton, ProximalNewton,
    Solver, TrustRegion,
};

/// Overlapping classes, with columns of some sizes.
fn data<F: Float>(sizes: [f64; 2]) -> (Matrix<F>, [u8; 6]) {
    let rows = [[1.0, 0.5], [2.0, -0.5], [3.0, 1.5], [4.0, 0.25], [5.0, 1.0], [6.0, -1.0]];
    let value = |i: usize, j: usize| F::narrow(rows[i][j] * sizes[j]);
    (Matrix::new((6, 2), Default::default(), value), [0, 1, 1, 0, 0, 1])
}

/// The errors of the solvers whose fits fail.
fn errors<F: Float>(
    estimator: &LogisticRegression,
    x: &DynBackend<'_, F>,
    y: &[u8; 6],
) -> Vec<Error> {
    fn error<F: Float>(
        estimator: LogisticRegression<impl Solver>,
        x: &DynBackend<'_, F>,
        y: &[u8],
    ) -> Option<Error> {
        let fit = estimator.fit(x, y);
        assert!(fit.as_ref().is_ok_and(|fit| fit.report.loss < 0.7) || fit.is_err());
        fit.err()
    }
    let of = |estimator: &LogisticRegression| estimator.clone();
    let descent = GradientDescent::new().learning_rate(1e-3);
    [
        error(of(estimator).solver(Newton::new()), x, y),
        error(of(estimator).solver(Lbfgs::new()), x, y),
        error(of(estimator).solver(TrustRegion::new()), x, y),
        error(of(estimator).l1(1e-3).solver(ProximalNewton::new()), x, y),
        error(of(estimator).solver(descent.clone()), x, y),
        error(of(estimator).solver(descent.clone().adaptive()), x, y),
        error(of(estimator).solver(descent.backtracking()), x, y),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn errors_of<F: Float>(estimator: &LogisticRegression, sizes: [f64; 2]) -> Vec<Error> {
    let (x, y) = data::<F>(sizes);
    errors(estimator, &x, &y)
}

/// Fails unless some solver fails, and those that do say this.
fn all_say(errors: &[Error], message: &str) {
    assert!(!errors.is_empty(), "{message}");
    for error in errors {
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn too_large_a_start_is_said_by_its_row() {
    let start = |weights: [f64; 2]| LogisticRegression::new().initial_weights(weights);
    let message = "the logit of row 3 is inf: its features are too large for these weights";
    all_say(&errors_of::<f64>(&start([5e307, 0.0]), [1.0, 1.0]), message);
    all_say(&errors_of::<f32>(&start([1e38, 0.0]), [1.0, 1.0]), message);
    let message = "the logit of row 0 is NaN: its features are too large for these weights";
    all_say(&errors_of::<f64>(&start([1e165, -1e165]), [1e145, 2e145]), message);
    let standardized = start([5e307, 0.0]).standardize(true);
    let message = "the logit of row 3 is inf: its features are too large for these weights";
    all_say(&errors_of::<f64>(&standardized, [1.0, 1.0]), message);
}

#[test]
fn what_else_makes_the_first_loss_infinite_is_said() {
    let said = |loss: &str| {
        format!(
            "the loss of the initial model is {loss} or its gradient is not finite: its weights, \
             its intercept, the offsets or the penalty are too large"
        )
    };
    let new = LogisticRegression::new;
    let penalized = new().initial_weights([1e200, 0.0]).l2(1.0);
    all_say(&errors_of::<f64>(&penalized, [1.0, 1.0]), &said("inf"));
    // The loss is within f64, its slope beyond f32.
    let steep = new().initial_weights([1e30, 0.0]).l2(1e9).fit_intercept(false);
    all_say(&errors_of::<f32>(&steep, [1e-3, 1e-3]), &said("5.000000150474663e68"));
}

#[test]
fn a_column_too_large_for_its_sums_is_named() {
    let said = |column: usize, precision: &str| {
        format!(
            "the size of column {column} is out of range: sums over it or their squares leave that \
             of {precision}; rescale it"
        )
    };
    let descent = |rate| GradientDescent::new().learning_rate(rate);
    let estimator = LogisticRegression::new().solver(descent(1e-3));
    let (x, _) = data::<f64>([1.0, 1e308]);
    let signs = Matrix::from_rows(x.rows().iter().map(|row| [row[0], row[1].abs()]));
    let error = estimator.fit(&signs, [0, 1, 1, 1, 1, 1]).unwrap_err();
    assert_eq!(error.to_string(), said(1, "f64"));
    let (x, _) = data::<f32>([5e37, 1.0]);
    let error = estimator.fit(&x, [0, 1, 1, 1, 1, 1]).unwrap_err();
    assert_eq!(error.to_string(), said(0, "f32"));
    // No rate follows from squares of slopes that are infinite or 0.
    let backtracking = estimator.solver(GradientDescent::new().backtracking()).fit_intercept(false);
    for size in [1e160, 1e-170] {
        let (x, y) = data::<f64>([0.0, size]);
        all_say(&[backtracking.fit(&x, y).unwrap_err()], &said(1, "f64"));
    }
}

/// A backend that is wrong somewhere.
struct Broken {
    x: Matrix<f64>,
    row: Option<usize>,
    column: Option<usize>,
}

impl Backend for Broken {
    type Scalar = f64;
    type Vector = Vec<f64>;

    fn nrows(&self) -> usize {
        self.x.nrows()
    }

    fn ncols(&self) -> usize {
        self.x.ncols()
    }

    fn matvec(&self, rows: Range<usize>, w: &[f64], out: &mut [f64]) {
        self.x.matvec(rows.clone(), w, out);
        if let Some(row) = self.row.filter(|row| rows.contains(row)) {
            out[row - rows.start] = f64::NAN;
        }
    }

    fn matvec_transpose(&self, rows: Range<usize>, r: &[f64], acc: &mut [f64]) {
        self.x.matvec_transpose(rows.clone(), r, acc);
        if let Some(column) = self.column.filter(|_| rows.len() > 1) {
            acc[column] = f64::INFINITY;
        }
    }

    fn vector(&self, values: Vec<f64>) -> Vec<f64> {
        values
    }
}

#[test]
fn a_backend_that_is_wrong_is_said_to_be() {
    let (x, y) = data([1.0, 1.0]);
    let new = LogisticRegression::new;
    let broken = Broken { x: x.clone(), row: Some(4), column: None };
    let message = "the backend's matvec gives NaN for row 4, where its terms add up to less";
    all_say(&errors(&new(), &broken, &y), message);
    all_say(&errors(&new().initial_weights([1.0, 2.0]), &broken, &y), message);
    let model = logit_core::Model::new([1.0, 2.0], 0.0).expect("finite");
    all_say(&[model.predict(&broken).unwrap_err()], message);
    let broken = Broken { x, row: None, column: Some(1) };
    let message =
        "the backend's matvec_transpose gives inf for column 1, where its terms add up to less";
    all_say(&errors(&new(), &broken, &y), message);
}

#[test]
fn who_has_a_learning_rate_is_told_to_lower_it() {
    let (x, y) = data::<f64>([1.0, 1.0]);
    let estimator = LogisticRegression::new().l2(1.0);
    for (solver, rate) in [
        (GradientDescent::new().learning_rate(1e3), "1000.0"),
        (GradientDescent::new().learning_rate(30.0).momentum(0.9), "30.0"),
        (GradientDescent::new().learning_rate(1e3).nesterov(), "1000.0"),
    ] {
        let error = estimator.clone().solver(solver).fit(&x, y).unwrap_err();
        let message = error.to_string();
        let advice = format!("; lower the learning rate, which is {rate}, or standardize");
        assert!(
            message.starts_with("the fit by GradientDescent diverged: at iteration "),
            "{message}"
        );
        assert!(message.ends_with(&advice), "{message}");
    }
}

/// The loss there is infinite: no step made it so.
#[test]
fn a_checkpoint_of_other_data_is_not_said_to_diverge() {
    let (x, y) = data::<f64>([1.0, 1.0]);
    let large = data::<f64>([1e308, 1.0]).0;
    let estimator = LogisticRegression::new().solver(GradientDescent::new().learning_rate(0.1));
    let mut saved = None;
    let stopped = estimator.fit_observed(&x, y, |progress| {
        saved = progress.checkpoint();
        if progress.iteration == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(stopped.is_ok());
    let error = estimator.resume(saved).fit(&large, y).unwrap_err();
    assert!(matches!(error, Error::Checkpoint { what: "loss", .. }), "{error}");
}

#[test]
fn long_labels_are_quoted_by_their_beginning() {
    struct Long;
    impl std::fmt::Display for Long {
        fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
            f.write_str(&"long ".repeat(100_000))
        }
    }
    impl logit_core::Label for Long {
        fn class(&self) -> Option<bool> {
            None
        }
    }
    let error = LogisticRegression::new().fit(&data::<f64>([1.0; 2]).0, [Long]).unwrap_err();
    let message = error.to_string();
    assert!(message.starts_with("label of row 0 is long long ") && message.len() < 200);
}
