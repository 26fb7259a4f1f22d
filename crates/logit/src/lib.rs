#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(all(feature = "ndarray", feature = "nalgebra"), doc = include_str!("../README.md"))]
#![cfg_attr(
    not(all(feature = "ndarray", feature = "nalgebra")),
    doc = "Logistic regression for the matrices you already have; the README needs both backends."
)]

pub use logit_core::*;

#[cfg(feature = "faer")]
pub use logit_faer::{Faer, faer};
#[cfg(feature = "nalgebra")]
pub use logit_nalgebra::{Nalgebra, nalgebra};
#[cfg(feature = "ndarray")]
pub use logit_ndarray::{Ndarray, ndarray};
#[cfg(feature = "sprs")]
pub use logit_sprs::{Sprs, sprs, svmlight};
