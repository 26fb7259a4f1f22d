//! The tests that every logit backend passes.
//!
//! # Where it goes
//!
//! `logit-conformance` is a dev-dependency of the crate that has the backend. The suite is named in a file
//! of tests there, `tests/suite.rs` for instance, once per precision. Each check is a `#[test]` then:
//!
//! ```
//! # // Tests defined in a doctest do not run; the lines only have to compile here.
//! use logit_conformance::Matrix;
//! use logit_core::{Backend, Dense, Float};
//!
//! /// The backend for a matrix of the suite, in either precision.
//! fn lend<F: Float>(matrix: &Matrix<F>) -> Dense<'_, F> {
//!     Dense::from_columns(matrix.columns(), matrix.nrows(), matrix.ncols())
//! }
//!
//! logit_conformance::suite!(dense_f64: f64, lend::<f64>);
//! logit_conformance::suite!(dense_f32: f32, lend::<f32>);
//! # fn main() {}
//! ```
//!
//! The function decides how the values reach the backend:
//!
//! | from | what the backend gets |
//! |---|---|
//! | [`Matrix::rows`] | a copy, one `Vec` per row; a closure will do: `\|m: &Matrix<f64>\| Mine::new(m.rows())` |
//! | [`Matrix::columns`] | borrowed, one column after the other |
//! | [`Matrix::buffer`], [`Matrix::first`], [`Matrix::strides`] | borrowed, in the layout that the case has drawn |
//! | [`Matrix::kept`] | borrowed, in a form of the backend's own |
//!
//! **Storage that rounds**, to 8 or 16 bits for instance, cannot hold every matrix. `subject` is then a
//! pair: the function above, and one that gives the matrix that the backend holds instead
//! ([`Subject::represented`]).
//!
//! **A wrapper** of another backend should forward every method: [`not_forwarded`] names those that it
//! does not.
//!
//! # What a failure says
//!
//! It names the check, the quantity that is off, what to look for, and the smallest case found. The seed
//! of that case is kept beside the test file, to be committed. Cases are the same in every run, as
//! [`seeds`] says. The [`contract`] has one check per sentence of
//! [`Backend`](logit_core::Backend)'s. [`algorithms`], [`solvers`], [`penalties`], [`inference`] and
//! [`bad_input`] run everything built on it: they are skipped, and fail with a line that says so, where a check of the
//! contract fails. All take the backend as an [`AnyBackend`](logit_core::AnyBackend), so that they are
//! compiled once, and compare with the [`oracle`] within one table of [`tolerance`]s.
//!
//! [`agreement!`] sets two backends against each other, [`properties!`] is for other properties.
//!
//! # What to override for speed
//!
//! A backend with the required methods alone passes. The provided ones are there to be overridden where
//! a library has something faster. Below, d is the number of columns.
//!
//! | method | worth overriding for | without it |
//! |---|---|---|
//! | `dense` | rows or columns that are contiguous in memory | `block_rows`, `copy_rows` and `column_moments` work as for a matrix of unknown form |
//! | `block_rows` | storage whose rows are larger or smaller in memory than d numbers, as of a sparse matrix | a block holds 8 to 1024 rows of d numbers: of a wide sparse matrix 8 rows with a few elements each, so overhead per block outweighs the products |
//! | `stored_before` | sparse matrices, which **must** override it | the matrix does not pass: it claims n · d elements; rows are dealt to threads as if each had d |
//! | `matvec_transpose_wide` | sparse matrices | each block touches d numbers twice more, to clear `scratch` and to add it up, however few elements its rows store |
//! | `copy_rows` | all that is not `dense`; `Newton` reads rows through it | a call of `matvec_transpose` per row, which multiplies d numbers by 1 |
//! | `column_moments` | sparse matrices, with `standardize`; storage by columns | a call of `matvec_transpose` per row, and d deviations per row, of zeros too |
//! | `peers` | rows spread over processes | each process fits to its own rows alone |

#![cfg_attr(docsrs, feature(doc_cfg))]
// The error of a check is its finding, as `contract::Check` says once for all.
#![allow(clippy::missing_errors_doc)]

pub mod agreement;
pub mod algorithms;
mod any;
pub mod bad_input;
pub mod contract;
mod forwarding;
pub mod inference;
mod matrix;
pub mod oracle;
pub mod penalties;
#[cfg(test)]
mod planted;
mod products;
mod runner;
mod sentences;
pub mod solvers;
pub mod strategies;
mod sum;
pub mod tolerance;

pub use any::{AnySubject, DynBackend};
pub use forwarding::{Recorder, not_forwarded};
pub use logit_properties::{self as seeds, properties};
pub use matrix::{Layout, Matrix};
pub use runner::{Outcome, Runner, Subject, close, same_bits};
#[doc(hidden)]
pub use sentences::{Contract, report};

/// Defines a module with every check of a backend as a test.
///
/// `suite!(name: f64, subject)`, where `subject` is any function from `&Matrix<f64>` to the
/// backend; it may borrow from the matrix. Where storage rounds, `subject` is a pair of functions: see
/// [`Subject`].
#[macro_export]
macro_rules! suite {
    ($module:ident: $scalar:ty, $subject:expr) => {
        $crate::suite_checks! {
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

/// Names one test per check: of the contract, and of what builds on it. [`suite!`] expands to it.
#[doc(hidden)]
#[macro_export]
macro_rules! suite_checks {
    (
        $module:ident, $scalar:ty, $subject:expr;
        contract::{$($sentence:ident),* $(,)?}
        $($group:ident::{$($check:ident),* $(,)?})*
    ) => {
        mod $module {
            #[allow(unused_imports)]
            use super::*;

            static CONTRACT: $crate::Contract<{ [$(stringify!($sentence)),*].len() }> =
                $crate::Contract::new([$( (stringify!($sentence), || {
                    let test = concat!(module_path!(), "::contract::", stringify!($sentence));
                    let runner = $crate::Runner::new(file!(), test);
                    <$scalar as $crate::contract::Checks>::$sentence($subject, &runner)
                }) ),*]);

            mod contract {
                $( #[test]
                fn $sentence() {
                    super::CONTRACT.test(stringify!($sentence));
                } )*
            }

            $( mod $group {
                use super::*;

                $( #[test]
                fn $check() {
                    CONTRACT.require();
                    let test = concat!(module_path!(), "::", stringify!($check));
                    let runner = $crate::Runner::new(file!(), test);
                    let outcome = <$scalar as $crate::$group::Checks>::$check($subject, &runner);
                    $crate::report(stringify!($group), stringify!($check), outcome);
                } )*
            } )*
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

/// Names one test per check; [`agreement!`] expands to it.
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
                    let outcome = <$scalar as $crate::$group::Checks>::$check($subjects, &runner);
                    $crate::report(stringify!($group), stringify!($check), outcome);
                } )*
            } )*
        }
    };
}
