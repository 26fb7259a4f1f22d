//! The fitted model: what it predicts, how good that is, how it is saved.

pub(crate) mod metrics;
pub(crate) mod predict;
#[cfg(feature = "serde")]
mod saved;
