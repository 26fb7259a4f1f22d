//! The columns of the matrix: their moments, and the coordinates in which a solver sees them.

pub(crate) mod coordinates;
mod moments;
