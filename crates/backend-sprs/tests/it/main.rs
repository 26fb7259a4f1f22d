//! All tests from outside, in one program.

mod suite;
mod svmlight;
mod views;
