//! `tests/suite.rs` and `src/bin/roofline.rs` are all there is.
