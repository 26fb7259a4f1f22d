//! What a matrix library provides: the trait, matrices in plain memory, labels, processes, errors.

pub(crate) mod any;
pub(crate) mod column_moments;
pub(crate) mod contract;
pub mod dense;
mod dense_backend;
pub(crate) mod error;
mod finite;
mod forward;
pub(crate) mod labels;
pub(crate) mod model;
pub(crate) mod peers;
pub(crate) mod shard;
