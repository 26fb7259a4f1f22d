//! What a fit tells of itself on the way and at the end, and its state half way.

pub(crate) mod checkpoint;
#[cfg(feature = "serde")]
mod checkpoint_serde;
pub(crate) mod report;
pub(crate) mod same;
pub(crate) mod state;
pub(crate) mod trace;
