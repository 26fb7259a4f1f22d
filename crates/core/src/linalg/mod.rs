//! Linear algebra of the size of the parameters, in `f64`.

pub(crate) mod cholesky;
pub(crate) mod conjugate_gradients;
pub(crate) mod eigen;
pub(crate) mod factor;
pub(crate) mod hull;
pub(crate) mod lasso;
pub(crate) mod lbfgs;
pub(crate) mod low_rank;
pub(crate) mod quadratic;
pub(crate) mod vectors;
