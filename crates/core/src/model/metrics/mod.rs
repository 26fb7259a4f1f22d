//! What people report of a classifier: [`metrics`](crate::metrics).

mod calibration;
mod confusion;
mod losses;
pub(crate) mod observation;
mod ranking;

pub use calibration::{
    Bins, CalibrationBin, calibration_bins, expected_calibration_error, hosmer_lemeshow,
};
pub use confusion::Confusion;
pub use losses::{brier_score, log_loss};
pub use observation::Observation;
pub use ranking::{
    PrecisionRecallPoint, RocPoint, average_precision, precision_recall_curve, roc_auc, roc_curve,
};
