//! The base of the curvature of steps: which second derivatives, and when to change them.

use crate::backend::contract::Backend;
use crate::linalg::vectors::widen;
use crate::numbers::float::Float;
use crate::objective::curvature::Curvature;
use crate::objective::data::rows::sample_size;
use crate::objective::evaluation::Evaluation;
use crate::objective::second::{DENSE_HESSIAN_LIMIT, MAX_ROW_CURVATURE};
use crate::objective::sums::row_curvature::RowCurvature;
use crate::progress::trace::Trace;
use crate::solvers::quasi_newton::state::Base;
use crate::solvers::quasi_newton::{Direction, QuasiNewton};

/// The share of the last decrement above which second derivatives are summed again. Their sum takes
/// as long as some steps.
const REFRESH_RATIO: f64 = 0.3;
/// The logit from which on a row has about a thousandth of its largest curvature, or less.
const SATURATED_LOGIT: f64 = 8.0;

impl<B: Backend + ?Sized> QuasiNewton<'_, '_, B> {
    /// A better base for the steps at a point, if the present curvature is not good enough.
    pub(super) fn better_base(
        &self,
        point: &Evaluation<B::Scalar>,
        direction: &Direction,
        trace: &Trace<'_, B::Scalar>,
    ) -> Option<Base> {
        let gain = direction.decrement / 2.0;
        // Where rows have lost their curvature, independent columns may look dependent.
        let misses = self.objective.misses_columns(point, &self.basis, &self.curvature);
        let logit = self.objective.data.peers().max(point.own_largest_logit);
        let is_lost = misses && self.sample.is_none() && logit > SATURATED_LOGIT;
        // No loss can fall below 0.
        let is_credible = gain.is_finite() && gain <= point.loss && !is_lost;
        let worn = self
            .state
            .last_decrement
            .is_some_and(|before| direction.decrement > REFRESH_RATIO * before);
        let near_but_misses = direction.near && misses;
        if let Base::Columns { .. } = self.state.base {
            return if direction.near && !self.is_proven(point, trace) {
                self.verification(point)
            } else {
                worn.then(|| self.learnt_scale())
            };
        }
        let rows = if is_credible { self.more_rows() } else { self.rows() };
        if !self.is_fresh(point) {
            if self.majorizes() {
                let of_rows = RowCurvature::after_majorizer(gain / point.loss, point.loss);
                return Some(self.derivatives(point, of_rows, self.rows()));
            }
            let serves = is_credible && !worn && !near_but_misses;
            return (!serves).then(|| self.derivatives(point, RowCurvature::Exact, rows));
        }
        if self.majorizes() {
            return None;
        }
        if !is_credible {
            return Some(self.derivatives(point, RowCurvature::Majorizer, rows));
        }
        let more = near_but_misses && self.sample.is_some();
        more.then(|| self.derivatives(point, RowCurvature::Exact, rows))
    }

    /// The columns, on the scale that the last step has shown.
    fn learnt_scale(&self) -> Base {
        let most = Curvature::separate(MAX_ROW_CURVATURE, self.objective.penalty(), &self.basis);
        Base::Columns { scale: self.state.memory.last_scale(|change| most.solved(change)) }
    }

    /// Another base for the steps at a point, after a step that did not lower the loss.
    pub(super) fn base_to_fall_back_on(&self, point: &Evaluation<B::Scalar>) -> Option<Base> {
        match &self.state.base {
            Base::Columns { .. } if !self.state.memory.is_empty() => {
                Some(Base::Columns { scale: None })
            }
            Base::Columns { .. } => self.verification(point),
            _ if !self.is_fresh(point) => {
                Some(self.derivatives(point, self.of_rows(), self.rows()))
            }
            _ if !self.majorizes() => {
                Some(self.derivatives(point, RowCurvature::Majorizer, self.rows()))
            }
            _ if self.sample.is_some() => {
                Some(self.derivatives(point, RowCurvature::Exact, self.more_rows()))
            }
            _ => None,
        }
    }

    pub(super) fn derivatives(
        &self,
        point: &Evaluation<B::Scalar>,
        of_rows: RowCurvature,
        rows: usize,
    ) -> Base {
        Base::Derivatives { at: widen(&point.at), rows, of_rows }
    }

    /// The approximate number of rows over which second derivatives are summed.
    pub(super) fn rows(&self) -> usize {
        match self.state.base {
            Base::Derivatives { rows, .. } => rows,
            Base::Columns { .. } => sample_size(self.objective.dimension()),
        }
    }

    pub(super) fn more_rows(&self) -> usize {
        self.sample.as_ref().map_or(self.rows(), |sample| 4 * sample.nrows())
    }

    pub(super) fn of_rows(&self) -> RowCurvature {
        match self.state.base {
            Base::Derivatives { of_rows, .. } => of_rows,
            Base::Columns { .. } => RowCurvature::Exact,
        }
    }

    pub(super) fn majorizes(&self) -> bool {
        self.of_rows() == RowCurvature::Majorizer
    }

    /// Whether the curvature is that of this very point, and no step has been learnt since.
    pub(super) fn is_fresh(&self, point: &Evaluation<B::Scalar>) -> bool {
        let here = |at: &Vec<f64>| at.iter().zip(&point.at).all(|(a, b)| *a == b.widen());
        let fresh = matches!(&self.state.base, Base::Derivatives { at, .. } if here(at));
        fresh && self.state.memory.is_empty()
    }

    /// Second derivatives to replace gradients alone, which have shown the curvature only along the
    /// steps taken. `None` if there are too many parameters.
    pub(super) fn verification(&self, point: &Evaluation<B::Scalar>) -> Option<Base> {
        let few = point.at.len() <= DENSE_HESSIAN_LIMIT
            && matches!(self.state.base, Base::Columns { .. });
        few.then(|| self.derivatives(point, RowCurvature::Exact, sample_size(point.at.len())))
    }

    /// The curvature that follows from the base.
    pub(super) fn of_base(&mut self) -> Curvature {
        let most = || Curvature::separate(MAX_ROW_CURVATURE, self.objective.penalty(), &self.basis);
        match &self.state.base {
            Base::Derivatives { at, of_rows, .. } => {
                let at: Vec<_> = at.iter().map(|&at| B::Scalar::narrow(at)).collect();
                let rows = self.sample.as_mut().unwrap_or(self.objective);
                rows.curvature(&at, &self.basis, *of_rows)
            }
            Base::Columns { scale: Some(scale) } => most().divided(*scale),
            Base::Columns { scale: None } => most(),
        }
    }

    /// Changes the base of the steps. The memory of steps is cleared, unless the new base knows
    /// nothing else.
    pub(super) fn renew(&mut self, base: Base) {
        let learning = matches!(base, Base::Columns { scale: Some(_) });
        if !learning {
            self.state.memory.clear();
        }
        if let Base::Derivatives { rows, .. } = base
            && !(rows == self.rows() && matches!(self.state.base, Base::Derivatives { .. }))
        {
            self.sample = self.objective.sample(rows);
        }
        (self.state.base, self.state.last_decrement) = (base, None);
        // Two factors at once would take much memory.
        self.curvature =
            Curvature::separate(MAX_ROW_CURVATURE, self.objective.penalty(), &self.basis);
        self.curvature = self.of_base();
    }
}
