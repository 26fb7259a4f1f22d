//! From the parameters that a solver moves to the coefficients that a caller reads, and back.
//!
//! Without standardisation they are the same. With it, a solver's weights `v` belong to columns of
//! mean 0 and standard deviation 1. The data is not touched; the scaling is folded into the weights:
//!
//! ```text
//! Σⱼ vⱼ (xⱼ - μⱼ) / σⱼ + c  =  Σⱼ wⱼ xⱼ + b       wⱼ = vⱼ / σⱼ,   b = c - Σⱼ wⱼ μⱼ
//! ∂/∂vⱼ = (∂/∂wⱼ - μⱼ ∂/∂b) / σⱼ
//! ```

use num_traits::Zero;

use crate::backend::{copy_row, explain};
use crate::peers::Shard;
use crate::rows::Rows;
use crate::{Backend, Error, Float, Model};

/// A solver's parameters: d weights, then the intercept where there is one.
#[derive(Clone, Debug)]
pub(crate) struct Coordinates {
    ncols: usize,
    fit_intercept: bool,
    scaling: Option<Scaling>,
}

/// The location and scale of each column.
#[derive(Clone, Debug)]
struct Scaling {
    mean: Vec<f64>,
    /// The standard deviation; 1 for a constant column, whose `inverse` is 0.
    scale: Vec<f64>,
    /// `1 / scale`, or 0 for a constant column: its weight stays 0.
    inverse: Vec<f64>,
}

/// Where columns lie and how far they spread.
pub(crate) struct Moments {
    pub(crate) mean: Vec<f64>,
    /// The sum of the variances of all columns.
    pub(crate) variance: f64,
    /// Whether some column has none.
    pub(crate) constant: bool,
}

impl Coordinates {
    pub(crate) fn plain(ncols: usize, fit_intercept: bool) -> Self {
        Self { ncols, fit_intercept, scaling: None }
    }

    /// Measures the columns of `x`, in a pass or two.
    pub(crate) fn standardized<B: Backend + ?Sized>(
        x: &B,
        rows: &Rows<'_>,
        fit_intercept: bool,
    ) -> Result<Self, Error> {
        let scaling = Some(Scaling::measure(x, rows, fit_intercept)?);
        Ok(Self { ncols: x.ncols(), fit_intercept, scaling })
    }

    /// The same, but a constant column keeps its scale, so that every change of the weights can be
    /// expressed; and the moments of the columns as they are.
    pub(crate) fn basis<B: Backend + ?Sized>(
        x: &B,
        rows: &Rows<'_>,
        fit_intercept: bool,
    ) -> Result<(Self, Moments), Error> {
        let mut scaling = Scaling::measure(x, rows, fit_intercept)?;
        let varying = scaling.scale.iter().zip(&scaling.inverse).filter(|of| *of.1 != 0.0);
        let variance = varying.map(|(scale, _)| scale * scale).sum();
        let constant = scaling.inverse.contains(&0.0);
        let moments = Moments { mean: scaling.mean.clone(), variance, constant };
        for (inverse, scale) in scaling.inverse.iter_mut().zip(&scaling.scale) {
            *inverse = 1.0 / scale;
        }
        Ok((Self { ncols: x.ncols(), fit_intercept, scaling: Some(scaling) }, moments))
    }

    /// The moments of the columns that a solver's weights belong to, where these are standardised.
    pub(crate) fn moments(&self) -> Option<Moments> {
        let scaling = self.scaling.as_ref()?;
        let varying = scaling.inverse.iter().filter(|inverse| **inverse != 0.0).count();
        let constant = varying < self.ncols;
        Some(Moments { mean: vec![0.0; self.ncols], variance: varying as f64, constant })
    }

    pub(crate) fn is_standardized(&self) -> bool {
        self.scaling.is_some()
    }

    pub(crate) fn fit_intercept(&self) -> bool {
        self.fit_intercept
    }

    /// The factor by which column `j` is scaled.
    pub(crate) fn inverse_scale(&self, j: usize) -> f64 {
        self.scaling.as_ref().map_or(1.0, |scaling| scaling.inverse[j])
    }

    /// What is taken off column `j` before it is scaled.
    pub(crate) fn mean(&self, j: usize) -> f64 {
        self.scaling.as_ref().map_or(0.0, |scaling| scaling.mean[j])
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
    /// `residual`, plus the L2 term `penalty · v`.
    pub(crate) fn gradient<F: Float>(
        &self,
        mean_products: impl Iterator<Item = f64>,
        mean_residual: f64,
        penalty: f64,
        parameters: &[F],
        gradient: &mut [F],
    ) {
        for (j, by_weight) in mean_products.enumerate() {
            let by_weight = match &self.scaling {
                Some(s) => (by_weight - s.mean[j] * mean_residual) * s.inverse[j],
                None => by_weight,
            };
            gradient[j] = F::narrow(by_weight + penalty * parameters[j].widen());
        }
        if self.fit_intercept {
            gradient[self.ncols] = F::narrow(mean_residual);
        }
    }
}

impl Scaling {
    /// Mean and standard deviation of every column, from sums of deviations from the first row.
    ///
    /// That origin makes a constant column exactly constant, and loses digits to cancellation only
    /// by the square of the first row's own distance from the mean in standard deviations
    /// (Chan, Golub and LeVeque, *Algorithms for computing the sample variance*, 1983). Where that
    /// is far, as with the elements that a sparse first row stores, the means found serve as
    /// another origin.
    ///
    /// Without an intercept nothing may be shifted: the mean is 0 and the scale the root mean
    /// square about 0.
    fn measure<B: Backend + ?Sized>(x: &B, rows: &Rows<'_>, center: bool) -> Result<Self, Error> {
        const FAR: f64 = 4.0;
        let d = x.ncols();
        let mut origin = vec![0.0; d];
        if center {
            if Shard::of(x).position(0).is_some() {
                let mut first = vec![B::Scalar::zero(); d];
                copy_row(x, 0, &mut first);
                origin = first.iter().map(|x| x.widen()).collect();
            }
            x.peers().sum(&mut origin);
        }
        let mut scaling = Self::measure_from(x, rows, &origin, center)?;
        let columns = || scaling.mean.iter().zip(&origin).zip(&scaling.scale);
        if columns().any(|((mean, origin), scale)| (mean - origin).abs() > FAR * scale) {
            let means = std::mem::take(&mut scaling.mean);
            scaling = Self::measure_from(x, rows, &means, center)?;
        }
        Ok(scaling)
    }

    fn measure_from<B: Backend + ?Sized>(
        x: &B,
        rows: &Rows<'_>,
        origin: &[f64],
        center: bool,
    ) -> Result<Self, Error> {
        let d = x.ncols();
        let partition = rows.partition(x);
        let mut moments = vec![(vec![0.0; d], vec![0.0; d]); partition.segments()];
        partition.for_each_segment(&mut moments, |segment, (sums, squares)| {
            rows.for_each_piece(segment, |rows| x.column_moments(rows, origin, sums, squares));
        });
        // Of each column, then the squares, then the number of rows.
        let mut totals = vec![0.0; 2 * d];
        for (sums, squares) in &moments {
            let parts = sums.iter().chain(squares);
            totals.iter_mut().zip(parts).for_each(|(total, part)| *total += part);
        }
        totals.push(rows.len() as f64);
        x.peers().sum(&mut totals);
        let n = totals[2 * d];
        let mut scaling =
            Self { mean: origin.to_vec(), scale: vec![1.0; d], inverse: vec![0.0; d] };
        for j in 0..d {
            let (shift, scale) = Self::column(totals[j], totals[d + j], n, center)
                .ok_or_else(|| explain(Error::ColumnSpread { column: j }, x))?;
            scaling.mean[j] += shift;
            if scale > 0.0 {
                scaling.scale[j] = scale;
                scaling.inverse[j] = 1.0 / scale;
            }
        }
        Ok(scaling)
    }

    /// The mean deviation and standard deviation of a column, the latter 0 for a constant one;
    /// `None` where they are out of range.
    fn column(sum: f64, squares: f64, n: f64, center: bool) -> Option<(f64, f64)> {
        if squares == 0.0 {
            return (sum == 0.0).then_some((0.0, 0.0));
        }
        let shift = if center { sum / n } else { 0.0 };
        let variance = squares / n - shift * shift;
        let scale = variance.sqrt();
        (scale.is_finite() && scale > 0.0).then_some((shift, scale))
    }
}
