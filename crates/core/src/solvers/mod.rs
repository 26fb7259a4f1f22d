//! Methods that minimise an objective. None of them sees a matrix.

pub(crate) mod any;
pub(crate) mod auto;
mod cooling;
mod descent;
pub(crate) mod gradient_descent;
pub(crate) mod lbfgs;
mod line_search;
pub(crate) mod newton;
pub(crate) mod proximal_newton;
pub(crate) mod quasi_newton;
pub(crate) mod solver;
mod stall;
pub(crate) mod trust_region;
