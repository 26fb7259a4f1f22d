//! The two precisions, elementwise functions, and products with lines: contiguous rows or columns.

pub(crate) mod distributions;
pub(crate) mod float;
pub(crate) mod gram;
pub(crate) mod lines;
pub(crate) mod precision;
pub(crate) mod products;
#[cfg(target_arch = "x86_64")]
mod register_products;
#[cfg(target_arch = "x86_64")]
mod registers;
pub(crate) mod scalar;
pub mod slice;
pub(crate) mod vector;
