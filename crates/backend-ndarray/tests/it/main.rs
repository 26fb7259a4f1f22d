//! All tests from outside, in one program.

mod suite;
mod views;
