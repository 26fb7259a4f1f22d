//! By how much the probability of class 1 changes with a column.

use crate::backend::contract::Backend;
use crate::backend::error::Error;
use crate::inference::Inference;
use crate::inference::estimates::Estimates;
use crate::linalg::vectors::{add_multiple, dot};
use crate::numbers::float::Float;
use crate::numbers::scalar::sigmoid;

/// Where marginal effects are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Margins {
    /// In each row, then averaged by the weights of the rows: average marginal effects.
    Average,
    /// At the mean of the columns and the offsets: effects at the mean.
    AtMeans,
}

impl<B: Backend + ?Sized> Inference<'_, B> {
    /// The marginal effects of the columns on the probability of class 1, with standard errors by the
    /// delta method. `coefficients` are [`estimates`](Self::estimates) or those with another covariance.
    ///
    /// ```text
    /// ∂p/∂xⱼ = p (1 - p) wⱼ              of most columns
    /// p(xⱼ = 1) - p(xⱼ = 0)              of a column that holds nothing but 0 and 1
    /// ```
    ///
    /// Takes two passes. The result has an entry per column. Source: Greene, *Econometric Analysis*
    /// (7th ed. 2012), section 17.3.2.
    ///
    /// # Errors
    /// [`Error::Setting`] where the coefficients are not of this model.
    ///
    /// ```
    /// # use logit_core as logit;
    /// use logit::{Dense, LogisticRegression};
    /// use logit::{Margins, Robust};
    ///
    /// let x = Dense::from_columns(&[0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0], 8, 1);
    /// let y = [0, 0, 1, 0, 1, 0, 1, 1];
    /// let estimator = LogisticRegression::new();
    /// let model = estimator.fit(&x, y)?.model;
    /// let inference = estimator.inference(&model, &x, y)?;
    /// let effects = inference.margins(Margins::Average, &inference.robust(Robust::Hc1)?)?;
    /// assert!(effects.values()[0] > 0.1 && effects.standard_errors()[0] < 0.1);
    /// # Ok::<(), logit::Error>(())
    /// ```
    pub fn margins(&self, at: Margins, coefficients: &Estimates) -> Result<Estimates, Error> {
        self.check_coefficients(coefficients)?;
        let means = self.column_means();
        let mut effects = match at {
            Margins::Average => self.effects_of_rows(&means.is_binary),
            Margins::AtMeans => {
                let mut effects = Effects::new(&means.is_binary, self.information.dimension());
                let z = dot(&means.mean, self.model.weights()) + means.offset;
                effects.add(&means.mean, z + self.model.intercept(), 1.0, self.model.weights());
                effects
            }
        };
        if at == Margins::Average {
            self.objective.data.peers().sum(&mut effects.sums);
            effects.sums.iter_mut().for_each(|sum| *sum /= self.information.scaled_total);
        }
        let (values, jacobian) = effects.finish(self.model.weights());
        let pairs = jacobian.iter().flat_map(|a| jacobian.iter().map(move |b| (a, b)));
        let covariance = pairs.map(|(a, b)| coefficients.joint(a, b)).collect();
        let names = self.estimates.names[..values.len()].to_vec();
        let left_out: Vec<_> =
            self.estimates.left_out.iter().copied().filter(|j| *j < values.len()).collect();
        let method = format!("delta method, {}", coefficients.method);
        Ok(Estimates::new(names, values, covariance, left_out, method))
    }

    fn effects_of_rows(&self, is_binary: &[bool]) -> Effects {
        let data = &self.objective.data;
        let new = || Effects::new(is_binary, self.information.dimension());
        let count = data.segments().min(8);
        let mut partials: Vec<_> = (0..count).map(|_| new()).collect();
        data.for_each_batch(&self.model, &mut partials, |effects, batch| {
            for row in batch.rows().filter(|row| row.weight > 0.0) {
                effects.add(row.x, row.logit, row.weight, self.model.weights());
            }
        });
        let mut total = new();
        for partial in &partials {
            add_multiple(&mut total.sums, 1.0, &partial.sums);
        }
        total
    }

    /// The weighted means of the columns and offsets, and which columns hold nothing but 0 and 1.
    fn column_means(&self) -> Means {
        let (data, d) = (&self.objective.data, self.objective.ncols());
        let new = || (vec![0.0; d], vec![0.0; d]);
        let mut partials: Vec<_> = (0..data.segments().min(8)).map(|_| new()).collect();
        data.for_each_batch(&self.model, &mut partials, |(sums, others), batch| {
            for row in batch.rows().filter(|row| row.weight > 0.0) {
                add_multiple(sums, row.weight, row.x);
                for (other, x) in others.iter_mut().zip(row.x) {
                    *other += f64::from(u8::from(*x != 0.0 && *x != 1.0));
                }
            }
        });
        let mut totals = vec![0.0; 2 * d + 1];
        for (sums, others) in &partials {
            add_multiple(&mut totals[..d], 1.0, sums);
            add_multiple(&mut totals[d..], 1.0, others);
        }
        let weights = &data.observed.weights;
        let weight = |i: usize| weights.get(i).map_or(1.0, |weight| weight.widen());
        let offsets = data.observed.offsets.iter().enumerate();
        totals[2 * d] = offsets.map(|(i, offset)| weight(i) * offset.widen()).sum();
        data.peers().sum(&mut totals);
        let total = data.total_weight();
        Means {
            mean: totals[..d].iter().map(|sum| sum / total).collect(),
            is_binary: totals[d..2 * d].iter().map(|others| *others == 0.0).collect(),
            offset: totals[2 * d] / total,
        }
    }
}

/// The means of columns and offsets.
struct Means {
    mean: Vec<f64>,
    is_binary: Vec<bool>,
    offset: f64,
}

/// Sums over rows that marginal effects and their derivatives follow from.
struct Effects {
    /// The columns whose effect is a difference.
    binary: Vec<usize>,
    /// The number of coefficients.
    dimension: usize,
    /// First of `p (1 - p)`, then of its derivatives with respect to the coefficients. For each binary
    /// column, the difference of probabilities and its derivatives follow.
    sums: Vec<f64>,
}

impl Effects {
    fn new(is_binary: &[bool], dimension: usize) -> Self {
        let binary: Vec<usize> = (0..is_binary.len()).filter(|j| is_binary[*j]).collect();
        let sums = vec![0.0; (1 + dimension) * (1 + binary.len())];
        Self { binary, dimension, sums }
    }

    fn add(&mut self, x: &[f64], logit: f64, weight: f64, coefficients: &[f64]) {
        let curvature = |z: f64| sigmoid(z) * sigmoid(-z);
        let (sums, differences) = self.sums.split_at_mut(1 + self.dimension);
        sums[0] += weight * curvature(logit);
        let slope = curvature(logit) * (sigmoid(-logit) - sigmoid(logit));
        add_row(&mut sums[1..], weight * slope, x);
        let differences = differences.chunks_exact_mut(1 + self.dimension);
        for (&j, sums) in self.binary.iter().zip(differences) {
            let zero = logit - x[j] * coefficients[j];
            let one = zero + coefficients[j];
            sums[0] += weight * (sigmoid(one) - sigmoid(zero));
            let by = weight * (curvature(one) - curvature(zero));
            add_row(&mut sums[1..], by, x);
            sums[1 + j] += weight * curvature(one) - by * x[j];
        }
    }

    /// The effects, and for each its derivatives with respect to the coefficients.
    fn finish(&self, coefficients: &[f64]) -> (Vec<f64>, Vec<Vec<f64>>) {
        let (sums, differences) = self.sums.split_at(1 + self.dimension);
        let slope = |(j, weight): (usize, &f64)| {
            let mut derivatives: Vec<f64> = sums[1..].iter().map(|sum| weight * sum).collect();
            derivatives[j] += sums[0];
            (weight * sums[0], derivatives)
        };
        let mut effects: Vec<_> = coefficients.iter().enumerate().map(slope).collect();
        for (&j, sums) in self.binary.iter().zip(differences.chunks_exact(1 + self.dimension)) {
            effects[j] = (sums[0], sums[1..].to_vec());
        }
        effects.into_iter().unzip()
    }
}

/// Adds a multiple of a row, and of 1 for the intercept if there is one.
fn add_row(sums: &mut [f64], by: f64, x: &[f64]) {
    add_multiple(sums, by, x);
    if let Some(intercept) = sums.get_mut(x.len()) {
        *intercept += by;
    }
}
