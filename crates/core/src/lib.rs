//! Logistic regression, generic over the linear-algebra library.
//!
//! This crate knows no such library. It defines what a library must lend, the [`Backend`] trait,
//! and holds every algorithm, written once over it and over the two precisions of [`Float`].
//! Users depend on the `logit` crate, which adds backends; authors of backends depend on this one.
//!
//! - [`LogisticRegression`] takes settings and fits; [`Fit`] is the [`Model`] and the [`Report`].
//! - [`Newton`], [`TrustRegion`], [`Lbfgs`], [`GradientDescent`] and, with an L1 penalty,
//!   [`ProximalNewton`] are the solvers; they see an [`Objective`], never a matrix.
//! - [`AnyBackend`] is a backend of any library, [`AnySolver`] any solver: choices made at run time.
//! - [`sigmoid`], [`softplus`], [`cross_entropy`], [`cross_entropy_from_probability`] and
//!   [`residual`] are the mathematics, on slices in [`slice`](mod@slice).
//! - [`Checkpoint`] is the state of a fit half way; [`EarlyStopping`] ends one by rows held out.
//! - [`Path`] fits along a grid of penalties, and [`CrossValidation`] chooses among them.
//! - [`metrics`] judges predictions.

#![cfg_attr(docsrs, feature(doc_cfg))]

// The layers, from the ground up: each knows only those above it in this list, as `.ci/layers` checks.

// The two precisions, the mathematics of single numbers, products with lines of them.
mod numbers;

// What a library lends: the trait, matrices in plain memory, labels, processes, errors.
mod backend;

// Linear algebra of the size of the parameters.
mod linalg;

// The loss over the rows, with its derivatives: the only place that reads a matrix to fit.
mod objective;

// Whether there is an optimum at all.
mod separation;

// What a fitted model predicts, and how good that is.
mod model;

// What a fit tells of itself, and its state half way.
mod progress;

// The methods that minimise an objective.
mod solvers;

// What users call.
mod fit;

// What a fit is worth.
mod inference;

pub use backend::any::AnyBackend;
pub use backend::column_moments::ColumnMoments;
pub use backend::contract::Backend;
pub use backend::dense::{self, Dense};
pub use backend::error::Error;
pub use backend::labels::Label;
pub use backend::model::Model;
pub use backend::peers::Peers;
pub use fit::cross_validation::{CrossValidated, CrossValidation};
pub use fit::early_stopping::{EarlyStopped, EarlyStopping};
pub use fit::estimator::{Fit, LogisticRegression};
pub use fit::path::{Path, PathFit};
pub use inference::Inference;
pub use inference::covariance::clusters::{ClusterCorrection, Clusters};
pub use inference::covariance::robust::Robust;
pub use inference::diagnostics::{Prediction, RowDiagnostics};
pub use inference::estimates::{Contrast, Estimates};
pub use inference::likelihood::Likelihood;
pub use inference::margins::Margins;
pub use inference::maximum::firth::Firth;
pub use numbers::distributions::ChiSquareTest;
pub use numbers::float::{Float, Number};
pub use numbers::scalar::{
    cross_entropy, cross_entropy_from_probability, residual, sigmoid, softplus,
};
pub use numbers::slice;
pub use objective::Objective;
pub use objective::evaluation::Evaluation;
pub use progress::checkpoint::Checkpoint;
pub use progress::report::{Report, StopReason};
pub use progress::state::SolverState;
pub use progress::trace::{Progress, Trace};
pub use solvers::any::AnySolver;
pub use solvers::auto::Auto;
pub use solvers::gradient_descent::GradientDescent;
pub use solvers::lbfgs::Lbfgs;
pub use solvers::newton::Newton;
pub use solvers::proximal_newton::ProximalNewton;
pub use solvers::solver::Solver;
pub use solvers::trust_region::TrustRegion;

/// Metrics of a classifier. Class 1 is "positive".
///
/// Wherever classes observed are asked for, a row can be a [`Label`], or a pair of a label and the row's
/// weight. A row of weight 2 counts as two rows. (See [`Observation`](metrics::Observation).)
///
/// ```
/// # use logit_core as logit;
/// use logit::metrics::{Confusion, log_loss, roc_auc};
///
/// let observed = [1, 1, 0, 0];
/// let probabilities = [0.9, 0.4, 0.6, 0.1];
/// let confusion = Confusion::new(observed, probabilities.map(|p| p >= 0.5))?;
/// assert_eq!((confusion.accuracy(), confusion.precision()), (0.5, 0.5));
/// assert_eq!(roc_auc(observed, probabilities)?, 0.75);
/// assert!(log_loss(observed, probabilities)? < 0.6);
///
/// let weights = [1.0, 3.0, 1.0, 1.0];
/// assert_eq!(roc_auc(observed.into_iter().zip(weights), probabilities)?, 0.625);
/// # Ok::<(), logit::Error>(())
/// ```
pub mod metrics {
    pub use crate::inference::calibration::{Calibration, calibration};
    pub use crate::model::metrics::{
        Bins, CalibrationBin, Confusion, Observation, PrecisionRecallPoint, RocPoint,
        average_precision, brier_score, calibration_bins, expected_calibration_error,
        hosmer_lemeshow, log_loss, precision_recall_curve, roc_auc, roc_curve,
    };
}
