//! What users call: settings, a fit, fits along a path, the choice among them.

pub(crate) mod cross_validation;
pub(crate) mod early_stopping;
pub(crate) mod estimator;
pub(crate) mod explain;
mod folds;
pub(crate) mod path;
