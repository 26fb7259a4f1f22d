#![cfg_attr(all(feature = "ndarray", feature = "nalgebra"), doc = include_str!("../README.md"))]

pub use logit_core::*;

#[cfg(feature = "nalgebra")]
pub use logit_nalgebra::{Nalgebra, nalgebra};
#[cfg(feature = "ndarray")]
pub use logit_ndarray::{Ndarray, ndarray};
