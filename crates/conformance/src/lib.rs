//! The tests that every logit backend passes.
//!
//! One line gives a backend the whole suite, a `#[test]` per check. It names the module to make,
//! the precision, and a function from [`&Matrix<F>`](Matrix) to the backend:
//!
//! ```
//! # // Tests defined in a doctest do not run; the line only has to compile here.
//! use logit_conformance::Matrix;
//!
//! // The oracle itself is a backend.
//! logit_conformance::suite!(oracle: f64, Matrix::<f64>::clone);
//! # fn main() {}
//! ```
//!
//! The function decides how the values reach the backend: copied from [`Matrix::rows`] (then a closure
//! will do, `|m: &Matrix<f64>| Mine::new(m.rows())`), borrowed in column-major order from
//! [`Matrix::columns`], or borrowed in the layout that the case has drawn, from [`Matrix::buffer`],
//! [`Matrix::first`] and [`Matrix::strides`], or borrowed in a form of the backend's own, from
//! [`Matrix::kept`]. What borrows is written as a function,
//! `fn lend(m: &Matrix<f64>) -> Mine<'_>`.
//!
//! A check fails by naming itself, the quantity that is off, and the smallest case found; the seed
//! of that case is kept beside the test file, to be committed. Cases are the same in every run, as
//! [`seeds`] says. [`agreement!`] sets two backends against each other, [`properties!`] is for
//! other properties.
//!
//! The [`contract`] has one check per sentence of [`Backend`](logit_core::Backend)'s;
//! [`algorithms`], [`solvers`], [`penalties`], [`inference`] and [`bad_input`] run everything built on it.
//! All take the backend as `dyn Backend`, so that they are compiled once, and compare with the [`oracle`]
//! within one table of [`tolerance`]s.

#![cfg_attr(docsrs, feature(doc_cfg))]
// The error of a check is its finding, as `contract::Check` says once for all.
#![allow(clippy::missing_errors_doc)]

pub mod agreement;
pub mod algorithms;
mod any;
pub mod bad_input;
pub mod contract;
pub mod inference;
mod matrix;
pub mod oracle;
pub mod penalties;
mod runner;
pub mod solvers;
pub mod strategies;
mod sum;
pub mod tolerance;

pub use any::{AnyBackend, AnySubject};
pub use logit_properties::{self as seeds, properties};
pub use matrix::{Layout, Matrix};
pub use runner::{Outcome, Runner, Subject, close, same_bits};

/// Defines a module with every check of a backend as a test.
///
/// `suite!(name: f64, subject)`, where `subject` is any function from `&Matrix<f64>` to the
/// backend; it may borrow from the matrix.
#[macro_export]
macro_rules! suite {
    ($module:ident: $scalar:ty, $subject:expr) => {
        $crate::checks! {
            $module, $scalar, &$subject;
            contract::{
                shape, product, accumulation, ranges, exact_rows, non_finite_values, layouts,
                stored_elements, repeatability, order, wide_accumulation, copied_rows, moments,
            }
            algorithms::{
                loss_and_gradient, finite_differences, hessian_product, descent, mini_batches,
                predictions, threads,
            }
            solvers::{newton, trust_region, lbfgs, separation}
            penalties::{elastic_net}
            inference::{covariances, firth}
            bad_input::{shapes_and_labels, settings, non_finite_features, overflow}
        }
    };
}

/// Defines a module with every comparison of two backends as a test.
///
/// `agreement!(name: f64, subject_a, subject_b)`, with functions as for [`suite!`].
#[macro_export]
macro_rules! agreement {
    ($module:ident: $scalar:ty, $a:expr, $b:expr) => {
        $crate::checks! {
            $module, $scalar, (&$a, &$b);
            agreement::{loss_and_gradient, descent, predictions, covariances}
        }
    };
}

/// Names one test per check; what [`suite!`] and [`agreement!`] expand to.
#[doc(hidden)]
#[macro_export]
macro_rules! checks {
    ($module:ident, $scalar:ty, $subjects:expr; $($group:ident::{$($check:ident),* $(,)?})*) => {
        mod $module {
            #[allow(unused_imports)]
            use super::*;

            $( mod $group {
                use super::*;

                $( #[test]
                fn $check() {
                    let test = concat!(module_path!(), "::", stringify!($check));
                    let runner = $crate::Runner::new(file!(), test);
                    let outcome =
                        <$scalar as $crate::$group::Checks>::$check($subjects, &runner);
                    if let Err(failure) = outcome {
                        panic!("{}::{}: {failure}", stringify!($group), stringify!($check));
                    }
                } )*
            } )*
        }
    };
}
