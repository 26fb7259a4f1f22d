//! Inference: against R and statsmodels, by its properties, and at its edges.

mod data;
mod edges;
mod properties;
mod references;
