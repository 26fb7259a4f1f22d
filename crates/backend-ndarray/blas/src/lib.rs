//! `tests/suite.rs` is all there is.
