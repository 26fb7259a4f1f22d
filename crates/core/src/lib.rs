//! Logistic regression, generic over the linear-algebra library.
//!
//! This crate knows no such library. It defines what a library must lend, the [`Backend`] trait,
//! and holds every algorithm, written once over it and over the two precisions of [`Float`].
//! Users depend on the `logit` crate, which adds backends; authors of backends depend on this one.
//!
//! - [`LogisticRegression`] takes settings and fits; [`Fit`] is the [`Model`] and the [`Report`].
//! - [`Newton`], [`TrustRegion`], [`Lbfgs`], [`GradientDescent`] and, with an L1 penalty,
//!   [`ProximalNewton`] are the solvers; they see an [`Objective`], never a matrix.
//! - [`sigmoid`], [`softplus`], [`cross_entropy`], [`cross_entropy_from_probability`] and
//!   [`residual`] are the mathematics, on slices in [`slice`](mod@slice).
//! - [`Checkpoint`] is the state of a fit half way; [`EarlyStopping`] ends one by rows held out.
//! - [`Path`] fits along a grid of penalties, and [`CrossValidation`] chooses among them.
//! - [`metrics`] judges predictions.

mod backend;
mod backtracking;
mod blocks;
mod bound;
mod checkpoint;
#[cfg(feature = "serde")]
mod checkpoint_serde;
mod cholesky;
mod conjugate_gradients;
mod coordinates;
mod cross_validation;
mod curvature;
pub mod dense;
mod descent;
mod early_stopping;
mod elastic_net;
mod error;
mod estimator;
mod existence;
mod explain;
mod factor;
mod float;
mod hull;
mod kernels;
mod labels;
mod lbfgs;
mod losses;
mod memory;
pub mod metrics;
mod model;
#[cfg(feature = "serde")]
mod model_serde;
mod moments;
mod newton;
mod null_model;
mod objective;
mod path;
mod peers;
mod proximal_newton;
mod quadratic;
mod quasi_newton;
#[cfg(target_arch = "x86_64")]
mod registers;
mod report;
mod rows;
mod separation;
pub mod slice;
mod solver;
mod squares;
mod trust_region;
mod vector;
mod weights;

pub use backend::Backend;
pub use checkpoint::Checkpoint;
pub use cross_validation::{CrossValidated, CrossValidation};
pub use descent::GradientDescent;
pub use early_stopping::{EarlyStopped, EarlyStopping};
pub use error::Error;
pub use estimator::{Fit, LogisticRegression};
pub use float::{Float, Number};
pub use kernels::{cross_entropy, cross_entropy_from_probability, residual, sigmoid, softplus};
pub use labels::Label;
pub use lbfgs::Lbfgs;
pub use model::Model;
pub use moments::ColumnMoments;
pub use newton::Newton;
pub use objective::Objective;
pub use path::{Path, PathFit};
pub use peers::Peers;
pub use proximal_newton::ProximalNewton;
pub use report::{Progress, Report, StopReason, Trace};
pub use solver::{Auto, Solver};
pub use trust_region::TrustRegion;
