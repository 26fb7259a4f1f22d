//! From the parameters that a solver moves to the coefficients that a caller reads, and back.
//!
//! Without standardisation they are the same. With it, a solver's weights `v` belong to columns of
//! mean 0 and standard deviation 1. The data is not touched; the scaling is folded into the weights:
//!
//! ```text
//! Σⱼ vⱼ (xⱼ - μⱼ) / σⱼ + c  =  Σⱼ wⱼ xⱼ + b       wⱼ = vⱼ / σⱼ,   b = c - Σⱼ wⱼ μⱼ
//! ∂/∂vⱼ = (∂/∂wⱼ - μⱼ ∂/∂b) / σⱼ
//! ```

use std::borrow::Cow;

use crate::backend::contract::Backend;
use crate::backend::error::Error;
use crate::backend::model::Model;
use crate::numbers::float::Float;
use crate::objective::columns::moments::Columns;
use crate::objective::data::Data;

/// A solver's parameters: d weights, then the intercept where there is one.
#[derive(Clone, Debug)]
pub(crate) struct Coordinates {
    ncols: usize,
    fit_intercept: bool,
    scaling: Option<Scaling>,
}

/// The location and scale of each column.
#[derive(Clone, Debug, Default)]
struct Scaling {
    mean: Vec<f64>,
    /// 1 for a column that is left out, whose `inverse` is 0.
    scale: Vec<f64>,
    /// `1 / scale`, or 0 for a column that is left out: its weight stays 0.
    inverse: Vec<f64>,
    /// The root mean square of the column before anything is taken off or divided.
    root_mean_square: Vec<f64>,
}

/// Where columns lie and how far they spread.
pub(crate) struct Moments {
    pub(crate) mean: Vec<f64>,
    /// The sum of the variances of all columns.
    pub(crate) variance: f64,
    /// Whether some column has none.
    pub(crate) constant: bool,
}

/// What columns are divided by where nothing is taken off, since there is no intercept.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Uncentred {
    /// The standard deviation, as in glmnet; the root mean square of a constant column.
    Deviation,
    RootMeanSquare,
}

impl Coordinates {
    pub(crate) fn plain(ncols: usize, fit_intercept: bool) -> Self {
        Self { ncols, fit_intercept, scaling: None }
    }

    /// Measures the columns, in a pass or a few.
    pub(crate) fn standardized<B: Backend + ?Sized>(
        data: &Data<'_, B>,
        fit_intercept: bool,
    ) -> Result<Self, Error> {
        let columns = Columns::measure(data)?;
        let scaling = Some(Scaling::new(&columns, fit_intercept, Uncentred::Deviation));
        Ok(Self { ncols: data.ncols(), fit_intercept, scaling })
    }

    /// Centred columns of standard deviation 1 for a solver whose parameters are on the columns as
    /// they are; without an intercept columns of root mean square 1. Also their moments, and how
    /// often the rows have been read for them.
    pub(crate) fn basis<B: Backend + ?Sized>(
        data: &Data<'_, B>,
        fit_intercept: bool,
    ) -> Result<(Self, Moments, usize), Error> {
        let columns = Columns::measure(data)?;
        let scaling = Scaling::new(&columns, fit_intercept, Uncentred::RootMeanSquare);
        let variance = columns.deviation.iter().map(|deviation| deviation.powi(2)).sum();
        let constant = scaling.inverse.contains(&0.0);
        let moments = Moments { mean: columns.mean, variance, constant };
        let basis = Self { ncols: data.ncols(), fit_intercept, scaling: Some(scaling) };
        Ok((basis, moments, columns.passes))
    }

    /// The same for a solver whose parameters are on standardised columns, if they are.
    pub(crate) fn basis_of_standardized(&self) -> Option<Self> {
        let own = self.scaling.as_ref()?;
        let mut scaling = Scaling::default();
        for j in 0..self.ncols {
            let size = own.root_mean_square[j] * own.inverse[j];
            let scale = if self.fit_intercept || size == 0.0 { 1.0 } else { size };
            scaling.push(0.0, scale, size > 0.0, size);
        }
        Some(Self { scaling: Some(scaling), ..*self })
    }

    /// What takes the columns as they are to a basis for these coordinates.
    pub(crate) fn composed<'b>(&'b self, basis: &'b Self) -> Cow<'b, Self> {
        let (Some(own), Some(then)) = (&self.scaling, &basis.scaling) else {
            return Cow::Borrowed(if self.scaling.is_some() { self } else { basis });
        };
        let mut scaling = Scaling::default();
        for j in 0..self.ncols {
            let mean = own.mean[j] + then.mean[j] * own.scale[j];
            let varies = own.inverse[j] * then.inverse[j] != 0.0;
            scaling.push(mean, own.scale[j] * then.scale[j], varies, own.root_mean_square[j]);
        }
        Cow::Owned(Self { scaling: Some(scaling), ..*self })
    }

    /// The moments of the columns that a solver's weights belong to, where these are standardised.
    pub(crate) fn moments(&self) -> Option<Moments> {
        let scaling = self.scaling.as_ref()?;
        let varying = scaling.inverse.iter().filter(|inverse| **inverse != 0.0).count();
        let constant = varying < self.ncols;
        Some(Moments { mean: vec![0.0; self.ncols], variance: varying as f64, constant })
    }

    pub(crate) fn ncols(&self) -> usize {
        self.ncols
    }

    pub(crate) fn is_standardized(&self) -> bool {
        self.scaling.is_some()
    }

    pub(crate) fn fit_intercept(&self) -> bool {
        self.fit_intercept
    }

    /// The factor by which column `j` is scaled; 0 for one that is left out.
    pub(crate) fn inverse_scale(&self, j: usize) -> f64 {
        self.scaling.as_ref().map_or(1.0, |scaling| scaling.inverse[j])
    }

    /// What is taken off column `j` before it is scaled.
    pub(crate) fn mean(&self, j: usize) -> f64 {
        self.scaling.as_ref().map_or(0.0, |scaling| scaling.mean[j])
    }

    /// Whether column `j` is left out, its weight 0: it is constant but for rounding, so that the
    /// intercept can take its place; without an intercept, it is 0.
    pub(crate) fn is_constant(&self, j: usize) -> bool {
        self.inverse_scale(j) == 0.0
    }

    /// Moves the weights of columns that are left out to the intercept, which changes no logit.
    pub(crate) fn leave_out_constants<F: Float>(&self, parameters: &mut [F]) {
        let Some(scaling) = &self.scaling else { return };
        let (weights, intercept) = parameters.split_at_mut(self.ncols);
        let mut shift = 0.0;
        for (j, weight) in weights.iter_mut().enumerate().filter(|(j, _)| self.is_constant(*j)) {
            shift += weight.widen() * scaling.mean[j];
            *weight = F::zero();
        }
        if let Some(intercept) = intercept.first_mut().filter(|_| shift != 0.0) {
            *intercept = F::narrow(intercept.widen() + shift);
        }
    }

    /// The number of parameters a solver moves.
    pub(crate) fn dimension(&self) -> usize {
        self.ncols + usize::from(self.fit_intercept)
    }

    /// Lets some columns, the intercept aside, count as constant.
    pub(crate) fn leave_out(&mut self, columns: &[usize]) {
        let Some(scaling) = &mut self.scaling else { return };
        for &column in columns.iter().filter(|column| **column < self.ncols) {
            scaling.inverse[column] = 0.0;
        }
    }

    /// Replaces the weights, and the intercept, that are nothing beside the largest weight, each on
    /// the scale of its column, by 0.
    pub(crate) fn drop_small(&self, model: &mut Model<f64>, share: f64) {
        let Some(scaling) = &self.scaling else { return };
        let sizes = model.weights.iter().zip(&scaling.scale).map(|(w, scale)| (w * scale).abs());
        let small = share * sizes.fold(0.0, f64::max);
        for (j, weight) in model.weights.iter_mut().enumerate() {
            if (*weight * scaling.scale[j]).abs() < small {
                model.intercept += *weight * scaling.mean[j];
                *weight = 0.0;
            }
        }
        if model.intercept.abs() < small {
            model.intercept = 0.0;
        }
    }

    /// The caller's model for a solver's `parameters`.
    pub(crate) fn unfold<F: Float>(&self, parameters: &[F]) -> Result<Model<F>, Error> {
        let mut model = Model::zero(self.ncols);
        self.unfold_into(parameters, &mut model);
        model.check()?;
        Ok(model)
    }

    /// The same without allocation and without a check that the result is finite.
    pub(crate) fn unfold_into<F: Float>(&self, parameters: &[F], model: &mut Model<F>) {
        let (v, c) = parameters.split_at(self.ncols);
        let c = c.first().copied().unwrap_or_default();
        let Some(scaling) = &self.scaling else {
            model.weights.copy_from_slice(v);
            model.intercept = c;
            return;
        };
        let mut shift = 0.0;
        for (j, weight) in model.weights.iter_mut().enumerate() {
            *weight = F::narrow(v[j].widen() * scaling.inverse[j]);
            // With the rounded weight, so that weight and intercept fit together.
            shift += weight.widen() * scaling.mean[j];
        }
        model.intercept = F::narrow(c.widen() - shift);
    }

    /// A solver's parameters for the caller's weights and intercept.
    pub(crate) fn fold<F: Float>(&self, weights: &[F], intercept: F) -> Vec<F> {
        let mut parameters = weights.to_vec();
        let mut intercept = intercept.widen();
        if let Some(scaling) = &self.scaling {
            for (j, v) in parameters.iter_mut().enumerate() {
                let w = v.widen();
                intercept += w * scaling.mean[j];
                // A constant column acts through the intercept alone.
                let varies = scaling.inverse[j] != 0.0;
                *v = if varies { F::narrow(w * scaling.scale[j]) } else { F::zero() };
            }
        }
        if self.fit_intercept {
            parameters.push(F::narrow(intercept));
        }
        parameters
    }

    /// The gradient by a solver's parameters, given the means over rows of `residual · x` and of
    /// `residual`, plus the L2 term: `penalty` of a column times its parameter.
    pub(crate) fn gradient<F: Float>(
        &self,
        mean_products: impl Iterator<Item = f64>,
        mean_residual: f64,
        penalty: impl Fn(usize) -> f64,
        parameters: &[F],
        gradient: &mut [F],
    ) {
        for (j, by_weight) in mean_products.enumerate() {
            let by_weight = match &self.scaling {
                Some(s) => (by_weight - s.mean[j] * mean_residual) * s.inverse[j],
                None => by_weight,
            };
            gradient[j] = F::narrow(by_weight + penalty(j) * parameters[j].widen());
        }
        if self.fit_intercept {
            gradient[self.ncols] = F::narrow(mean_residual);
        }
    }
}

impl Scaling {
    fn new(columns: &Columns, center: bool, uncentred: Uncentred) -> Self {
        let mut scaling = Self::default();
        for j in 0..columns.mean.len() {
            let (mean, deviation) = (columns.mean[j], columns.deviation[j]);
            let constant = columns.constant[j];
            let root_mean_square = mean.hypot(deviation);
            let by_deviation = center || uncentred == Uncentred::Deviation && !constant;
            let scale = if by_deviation { deviation } else { root_mean_square };
            let varies = if center { !constant } else { scale > 0.0 };
            scaling.push(if center { mean } else { 0.0 }, scale, varies, root_mean_square);
        }
        scaling
    }

    fn push(&mut self, mean: f64, scale: f64, varies: bool, root_mean_square: f64) {
        self.mean.push(mean);
        self.scale.push(if varies { scale } else { 1.0 });
        self.inverse.push(if varies { 1.0 / scale } else { 0.0 });
        self.root_mean_square.push(root_mean_square);
    }
}
