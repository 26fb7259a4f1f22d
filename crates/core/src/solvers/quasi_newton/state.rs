//! What goes from one iteration to the next.

use crate::linalg::lbfgs::Memory;
use crate::linalg::vectors::all_sound;
use crate::objective::sums::row_curvature::RowCurvature;
use crate::progress::state::SolverState;
use crate::solvers::stall::Stall;

/// All that goes from one iteration to the next, beside the point.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct State {
    pub(super) method: Variant,
    pub(super) base: Base,
    pub(super) memory: Memory,
    /// The decrement of the step before, where it was with the same curvature.
    pub(super) last_decrement: Option<f64>,
    /// Whether that step was neither shortened nor lengthened.
    pub(super) full: bool,
    pub(super) stall: Stall,
    /// Whether second derivatives over all rows have been summed for the last step.
    pub(super) polished: bool,
}

/// Which of the methods it is.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Variant {
    Newton,
    Lbfgs,
}

/// What the curvature follows from that steps begin with.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Base {
    /// The second derivatives at some parameters, or those of majorizing parabolas, of a sample of
    /// so many rows, or of all rows where that is not much fewer.
    Derivatives { at: Vec<f64>, rows: usize, of_rows: RowCurvature },
    /// The scale of the columns: the same curvature in every direction, the largest there can be,
    /// or its inverse times this.
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
    /// For Newton's method, with a sample of so many rows.
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
