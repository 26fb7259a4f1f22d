//! The count of steps without gain.

/// The count of steps without gain.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Stall {
    /// The least that was left to gain.
    least: Option<f64>,
    /// The number of steps in a row that have not halved it.
    steps: usize,
}

/// The number of steps without progress after which a fit ends, when less is to be gained than
/// rounding.
const MAX_STALLED_STEPS: usize = 10;
/// The number of steps without progress after which a fit ends, when only rounding is to be gained.
const MIN_STALLED_STEPS: usize = 2;

impl Stall {
    /// The stall after a step that leaves `gain` to be gained.
    pub(crate) fn after(self, gain: f64) -> Self {
        let least = self.least.unwrap_or(f64::INFINITY);
        let steps = if gain < least / 2.0 { 0 } else { self.steps.saturating_add(1) };
        Self { least: Some(least.min(gain)), steps }
    }

    /// As [`after`](Self::after), but a step counts only if no more is to be gained than the noise
    /// of the losses.
    pub(crate) fn in_noise(self, gain: f64, noise: f64) -> Self {
        if gain <= noise { self.after(gain) } else { self }
    }

    pub(crate) fn is_long(self) -> bool {
        self.steps > MAX_STALLED_STEPS
    }

    pub(crate) fn has_begun(self) -> bool {
        self.steps > MIN_STALLED_STEPS
    }
}
