//! The choice of the quadratic model at a point: its coordinates and its second derivatives.

use num_traits::Float as _;

use crate::backend::contract::Backend;
use crate::linalg::conjugate_gradients::quotient;
use crate::linalg::quadratic::Quadratic;
use crate::numbers::float::Float;
use crate::objective::second::MAX_ROW_CURVATURE;
use crate::objective::sums::row_curvature::RowCurvature;
use crate::solvers::proximal_newton::composite::Point;
use crate::solvers::proximal_newton::method::ProximalMethod;
use crate::solvers::proximal_newton::quadratic_model::{QuadraticModel, Source, Step, working};

/// The share of its penalty below which the slope of a zero coordinate keeps it out of the model.
/// It most likely stays at zero. Source: Tibshirani and others, *Strong rules for discarding
/// predictors in lasso-type problems* (2012).
const STRONG_RULE_FACTOR: f64 = 0.8;
/// The least number of steps from the memory alone, if there are many parameters. More follow until
/// they have cost as much as a sum of second derivatives: then neither choice can lose much.
const MIN_MEMORY_STEPS: usize = 10;
/// The number of products that are summed in the time of reading one element, to compare these
/// costs.
const PRODUCTS_PER_ELEMENT: f64 = 16.0;
/// The least number of parameters that move at once.
const MIN_WORKING_SET: usize = 128;
/// The share of the last promised decrease above which the next one calls for new second
/// derivatives.
const REFRESH_RATIO: f64 = 0.1;

impl<B: Backend + ?Sized> ProximalMethod<'_, '_, B> {
    /// A better model, if the present one is not good enough at a point.
    pub(super) fn better(
        &mut self,
        point: &Point<B::Scalar>,
        local: &QuadraticModel,
        step: &Step,
    ) -> Option<QuadraticModel> {
        let here = match local.source {
            Source::Here(RowCurvature::Exact) => true,
            Source::Before => false,
            _ => return None,
        };
        // F cannot fall below 0. Where majorizing parabolas gain little, the direction may still be
        // right.
        let credible = step.gain.is_finite()
            && (step.gain <= point.loss() || here && self.state.majorizer_crept);
        let worn = self.state.last_slope.is_some_and(|before| step.slope > REFRESH_RATIO * before);
        let serves = credible && !worn && !self.is_to_be_verified(point, local, step);
        if serves && !self.is_rounding_of_part(point, local, step) {
            return None;
        }
        match (here, credible) {
            (true, false) => return Some(self.local(point, RowCurvature::Majorizer)),
            (true, true) if self.sample.is_none() => return None,
            (_, true) => self.enlarge_sample(),
            (false, false) => {}
        }
        Some(self.local(point, RowCurvature::Exact))
    }

    /// A model to try after a step that did not lower F.
    pub(super) fn local_to_fall_back_on(
        &mut self,
        point: &Point<B::Scalar>,
        local: &QuadraticModel,
    ) -> Option<QuadraticModel> {
        match local.source {
            Source::Memory if self.state.memory.is_empty() => return None,
            // The memory promises nothing; without it there may be more to gain.
            Source::Memory => {
                self.state.memory.clear();
                self.state.memory_steps = None;
            }
            Source::Here(RowCurvature::Exact) => {
                return Some(self.local(point, RowCurvature::Majorizer));
            }
            Source::Here(_) if self.sample.is_none() => return None,
            Source::Here(_) => self.enlarge_sample(),
            Source::Before => {}
        }
        Some(self.local(point, RowCurvature::Exact))
    }

    /// The model from sums over rows or, if these are not worth their cost, from memory.
    pub(super) fn local(
        &mut self,
        point: &Point<B::Scalar>,
        of_rows: RowCurvature,
    ) -> QuadraticModel {
        self.state.last_slope = None;
        let Some(columns) = self.columns(point) else { return self.remembered() };
        self.state.memory_steps = None;
        let basis = self.composite.basis().clone();
        let rows = self.sample.as_mut().unwrap_or(self.composite.objective);
        let derivatives = rows.second_derivatives(point.at(), &basis, &columns, of_rows);
        let quadratic = Quadratic::new(derivatives, columns.len());
        QuadraticModel { quadratic, columns, source: Source::Here(of_rows) }
    }

    /// A model of all coordinates, from the steps in memory (limited-memory BFGS).
    pub(super) fn remembered(&self) -> QuadraticModel {
        let mut diagonal = self.composite.most_curvature(MAX_ROW_CURVATURE);
        if let Some(scale) = self.state.memory.last_scale(|change| quotient(change, &diagonal)) {
            diagonal.iter_mut().for_each(|element| *element /= scale);
        }
        let columns = (0..diagonal.len()).collect();
        let mut quadratic = Quadratic::separate(diagonal);
        for (step, change) in self.state.memory.steps() {
            quadratic.learn(step, change, B::Scalar::epsilon().widen());
        }
        QuadraticModel { quadratic, columns, source: Source::Memory }
    }

    /// The coordinates for which to sum second derivatives: those that may move. If these are too
    /// many, the non-zero ones and as many of the steepest, up to twice the limit. `None` if there
    /// is hardly room for these.
    pub(super) fn columns(&self, point: &Point<B::Scalar>) -> Option<Vec<usize>> {
        if self.state.memory_steps.is_some_and(|taken| taken < MIN_MEMORY_STEPS) {
            return None;
        }
        let l1 = &self.composite.l1;
        let mut columns = working(point, l1, STRONG_RULE_FACTOR);
        if columns.len() > self.most {
            let fixed = |&&j: &&usize| point.v[j] != 0.0 || l1[j] == 0.0;
            let not_zero = columns.iter().filter(fixed).count();
            let wanted = MIN_WORKING_SET.min(self.most).max(2 * not_zero + 1).min(2 * self.most);
            // There must be room for some coordinates that are to leave zero.
            if not_zero + not_zero / 16 >= wanted {
                return None;
            }
            let steepness = |j: usize| match fixed(&&j) {
                true => f64::INFINITY,
                false => point.gradient[j].abs() / l1[j],
            };
            columns.sort_by(|&a, &b| steepness(b).total_cmp(&steepness(a)));
            columns.truncate(wanted);
            columns.sort_unstable();
        }
        let rows = self.sample.as_ref().unwrap_or(self.composite.objective).nrows();
        let products = rows as f64 * (columns.len() as f64).powi(2) / 2.0;
        let read = || PRODUCTS_PER_ELEMENT * self.composite.objective.data.stored();
        let worth = |taken: usize| taken as f64 * read() >= products;
        self.state.memory_steps.is_none_or(worth).then_some(columns)
    }

    pub(super) fn enlarge_sample(&mut self) {
        if let Some(small) = self.sample.take() {
            self.state.rows = 4 * small.nrows();
            self.sample = self.composite.objective.sample(self.state.rows);
        }
    }
}
