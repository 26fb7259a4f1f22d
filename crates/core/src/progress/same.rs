//! Facts that a checkpoint must share with the fit.

use std::fmt::Display;

use crate::backend::error::{Error, quoted};

/// Fails unless a fact of a checkpoint is as expected. Numbers are the same if they display the
/// same.
pub(crate) fn require_same(
    what: &'static str,
    given: impl Display,
    expected: impl Display,
) -> Result<(), Error> {
    let (given, expected) = (given.to_string(), expected.to_string());
    if given == expected {
        return Ok(());
    }
    Err(Error::Checkpoint { what, given: quoted(&given), expected: quoted(&expected) })
}
