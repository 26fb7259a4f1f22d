//! The suite on the oracle itself: the algorithms, with no library in between.

use logit_conformance::Matrix;

logit_conformance::suite!(oracle_f64: f64, Matrix::<f64>::clone);
logit_conformance::suite!(oracle_f32: f32, Matrix::<f32>::clone);
