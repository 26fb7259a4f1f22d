//! For how long a descent has gained nothing.

/// For how long steps have gained nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Stall {
    /// The least that there was to gain.
    least: Option<f64>,
    /// For how many steps in a row it has not been halved.
    steps: usize,
}

/// So many steps in a row without progress, when less is to be gained than rounding, are the end,
const MAX_STALLED_STEPS: usize = 10;
/// or so many where what is to be gained is rounding.
const MIN_STALLED_STEPS: usize = 2;

impl Stall {
    /// The same after a step that leaves so much to gain.
    pub(crate) fn after(self, gain: f64) -> Self {
        let least = self.least.unwrap_or(f64::INFINITY);
        let steps = if gain < least / 2.0 { 0 } else { self.steps.saturating_add(1) };
        Self { least: Some(least.min(gain)), steps }
    }

    /// The same where steps count only while there is no more to gain than the noise of the losses.
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
