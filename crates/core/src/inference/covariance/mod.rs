//! Covariances that hold where rows are not independent draws of the model.

pub(crate) mod clusters;
pub(crate) mod robust;
