//! The state that passes from one iteration to the next.

use crate::linalg::lbfgs::Memory;
use crate::linalg::vectors::all_sound;
use crate::objective::sums::row_curvature::RowCurvature;
use crate::progress::state::SolverState;
use crate::solvers::stall::Stall;

/// The state that passes from one iteration to the next, beside the point.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct State {
    pub(super) method: Variant,
    pub(super) base: Base,
    pub(super) memory: Memory,
    /// The decrement of the step before, if it had the same curvature.
    pub(super) last_decrement: Option<f64>,
    /// Whether that step was neither shortened nor lengthened.
    pub(super) full: bool,
    pub(super) stall: Stall,
    /// Whether second derivatives over all rows have been summed for the last step.
    pub(super) polished: bool,
}

/// The method that uses this state.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Variant {
    Newton,
    Lbfgs,
}

/// The curvature that steps begin with.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Base {
    /// The second derivatives at some parameters, exact or of majorizing parabolas. They are summed
    /// over a sample of `rows` rows, or over all rows if these are not many more.
    Derivatives { at: Vec<f64>, rows: usize, of_rows: RowCurvature },
    /// The scale of the columns: the same curvature in every direction. It is the largest possible
    /// curvature, divided by `scale` if that is given.
    Columns { scale: Option<f64> },
}

impl SolverState for State {
    fn is_sound(&self, dimension: usize) -> bool {
        let base = match &self.base {
            Base::Derivatives { at, .. } => all_sound([&at[..]], dimension),
            Base::Columns { .. } => true,
        };
        base && self.memory.is_sound(dimension)
    }
}

impl State {
    /// The initial state of Newton's method, with a sample of `rows` rows.
    pub(crate) fn newton(rows: usize) -> Self {
        let base = Base::Derivatives { at: Vec::new(), rows, of_rows: RowCurvature::Exact };
        Self::new(Variant::Newton, base)
    }

    pub(crate) fn lbfgs() -> Self {
        Self::new(Variant::Lbfgs, Base::Columns { scale: None })
    }

    fn new(method: Variant, base: Base) -> Self {
        let (memory, stall) = (Memory::default(), Stall::default());
        Self { method, base, memory, last_decrement: None, full: false, stall, polished: false }
    }

    pub(crate) fn solver(&self) -> &'static str {
        match self.method {
            Variant::Newton => "Newton",
            Variant::Lbfgs => "Lbfgs",
        }
    }
}
