//! The record of a fit: trace, report, and checkpoints to resume it.

pub(crate) mod checkpoint;
#[cfg(feature = "serde")]
mod checkpoint_serde;
pub(crate) mod report;
pub(crate) mod same;
pub(crate) mod state;
pub(crate) mod trace;
