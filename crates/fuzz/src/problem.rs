//! What a fit is to minimise, from the definition, in doubled precision.
//!
//! ```text
//! f(w, b) = Σᵢ ωᵢ cross_entropy(xᵢ·w + b + oᵢ, yᵢ) / Σᵢ ωᵢ  +  Σⱼ l1 qⱼ |wⱼ|  +  l2/2 (qⱼ wⱼ)²
//! ```
//!
//! `qⱼ` is 1, or with `standardize` the weighted standard deviation of the column (of a constant one,
//! without an intercept, its root mean square). Rows of weight 0 are left out.
//!
//! The reference works on columns less their means (with an intercept), divided by powers of two,
//! so that nothing is rounded: `uⱼ = wⱼ sⱼ`, `c = b + Σⱼ wⱼ mⱼ`.

use crate::case::Case;
use crate::dd::{Dd, dot};

/// The data and the penalties.
#[derive(Clone)]
pub(crate) struct Problem {
    /// Rows of centred and scaled columns, with a 1 for the intercept at the end.
    pub(crate) x: Vec<Vec<Dd>>,
    pub(crate) y: Vec<bool>,
    /// They sum to 1.
    pub(crate) weights: Vec<Dd>,
    offsets: Vec<f64>,
    /// The features as they are, of the same rows.
    raw: Vec<Vec<f64>>,
    intercept: bool,
    mean: Vec<f64>,
    scale: Vec<f64>,
    /// The strengths of the penalties for each of `u` (0 for the intercept).
    pub(crate) l1: Vec<Dd>,
    pub(crate) l2: Vec<Dd>,
    /// Columns whose weight must be 0, since `standardize` takes them as constant.
    pub(crate) constant: Vec<bool>,
    /// Whether rounding may decide which columns are constant.
    pub(crate) doubtful: bool,
    unit_roundoff: f64,
}

/// Columns of at most this standard deviation, in units of the rounding of their mean, are constant:
/// what the library documents for `f64` and `f32`.
const CONSTANT: [f64; 2] = [32.0, 3.0];
/// Columns with elements that deviate by so many times that are not.
const OUTLIER: f64 = 8.0;
/// Within this factor of these limits either answer is right.
const DOUBT: f64 = 2.0;

/// Columns count as dependent where what is left of one is so many times the error of a logit.
pub(crate) const DEPENDENT: f64 = 32.0;

/// A point in the coordinates of the reference.
pub(crate) type Point = Vec<Dd>;

/// The loss of a model and how well its digits can be known in the precision of the fit.
pub(crate) struct Loss {
    pub(crate) value: Dd,
    /// By how much the rounding of the logits may change the loss.
    pub(crate) rounding: f64,
    /// What rounding errors of the features, of a few units each, would add to the loss.
    pub(crate) noise: f64,
}

impl Problem {
    pub(crate) fn new(case: &Case) -> Self {
        let counts: Vec<usize> = (0..case.nrows()).filter(|&i| case.counts(i)).collect();
        let raw: Vec<Vec<f64>> = counts.iter().map(|&i| case.x[i].clone()).collect();
        let weights = shares(&counts.iter().map(|&i| case.weights(i)).collect::<Vec<_>>());
        let d = case.ncols();
        let columns: Vec<Column> =
            (0..d).map(|j| Column::measure(case, &raw, &weights, j)).collect();
        let row = |row: &Vec<f64>| {
            let centred = row.iter().zip(&columns);
            let centred = centred.map(|(&x, column)| match column.constant {
                true => Dd::ZERO,
                false => (Dd::from(x) - Dd::from(column.mean)).scaled(1.0 / column.scale),
            });
            centred.chain(case.intercept.then_some(Dd::ONE)).collect()
        };
        let strength = |of: &dyn Fn(&Column) -> Dd| -> Vec<Dd> {
            columns.iter().map(of).chain(case.intercept.then_some(Dd::ZERO)).collect()
        };
        Self {
            x: raw.iter().map(row).collect(),
            y: counts.iter().map(|&i| case.y[i]).collect(),
            offsets: counts.iter().map(|&i| case.offset(i)).collect(),
            weights,
            intercept: case.intercept,
            mean: columns.iter().map(|column| column.mean).collect(),
            scale: columns.iter().map(|column| column.scale).collect(),
            l1: strength(&|column| column.penalty.scaled(1.0 / column.scale) * case.l1),
            l2: strength(&|column| {
                let share = column.penalty.scaled(1.0 / column.scale);
                share * share * case.l2
            }),
            constant: columns.iter().map(|column| column.constant).collect(),
            doubtful: columns.iter().any(|column| column.doubtful),
            raw,
            unit_roundoff: case.unit_roundoff(),
        }
    }

    pub(crate) fn dimension(&self) -> usize {
        self.l1.len()
    }

    pub(crate) fn ncols(&self) -> usize {
        self.mean.len()
    }

    /// The largest value of a column, as it is, in absolute value.
    pub(crate) fn largest(&self, j: usize) -> f64 {
        self.raw.iter().fold(0.0, |most: f64, row| most.max(row[j].abs()))
    }

    pub(crate) fn mean(&self, j: usize) -> f64 {
        self.mean[j]
    }

    pub(crate) fn scale(&self, j: usize) -> f64 {
        self.scale[j]
    }

    /// The sum of the terms of a row's logit, in absolute values.
    pub(crate) fn terms(&self, i: usize, at: &[Dd]) -> f64 {
        let (weights, intercept) = self.model(at);
        let terms = self.raw[i].iter().zip(&weights).map(|(x, w)| (x * w.hi).abs());
        terms.sum::<f64>() + intercept.hi.abs() + self.offsets[i].abs()
    }

    /// The share of all weights that the rows of a class have.
    pub(crate) fn class_share(&self, class: bool) -> f64 {
        let rows = self.weights.iter().zip(&self.y).filter(|(_, y)| **y == class);
        rows.map(|(&weight, _)| weight).sum::<Dd>().hi
    }

    /// The least weight of a row as a share of the largest.
    pub(crate) fn weight_ratio(&self) -> f64 {
        let weights = || self.weights.iter().map(|weight| weight.hi);
        weights().fold(f64::INFINITY, f64::min) / weights().fold(0.0, f64::max)
    }

    /// The relative error that the sum of the terms of a logit may have.
    pub(crate) fn logit_error(&self) -> f64 {
        (self.mean.len() + 3) as f64 * self.unit_roundoff
    }

    /// The same problem with a penalty for weights so large that the rounding of the features
    /// counts: what logits would change by if features did by their rounding errors.
    pub(crate) fn robust(&self) -> Self {
        let mut l2 = self.l2.clone();
        for (j, l2) in l2.iter_mut().enumerate().take(self.mean.len()) {
            let squares = self.raw.iter().zip(&self.weights);
            let square = squares.map(|(row, &weight)| {
                let share = Dd::from(row[j] / self.scale[j]);
                share * share * weight
            });
            *l2 += square.sum::<Dd>() * ((DEPENDENT * self.logit_error()).powi(2) / 4.0);
        }
        Self { l2, ..self.clone() }
    }

    /// The same rows, of equal weight and without offsets.
    pub(crate) fn plain(&self) -> Self {
        let n = self.y.len();
        let weights = vec![Dd::ONE / Dd::from(n as f64); n];
        Self { weights, offsets: vec![0.0; n], ..self.clone() }
    }

    /// The logits at a point, offsets included.
    pub(crate) fn logits(&self, at: &[Dd]) -> Vec<Dd> {
        let rows = self.x.iter().zip(&self.offsets);
        rows.map(|(row, &offset)| dot(row, at) + Dd::from(offset)).collect()
    }

    /// The mean cross-entropy of logits.
    fn cross_entropy(&self, logits: &[Dd]) -> Dd {
        let rows = logits.iter().zip(&self.y).zip(&self.weights);
        rows.map(|((&z, &y), &weight)| weight * softplus(if y { -z } else { z })).sum()
    }

    /// The loss at a point, given its logits.
    pub(crate) fn loss(&self, at: &[Dd], logits: &[Dd]) -> Dd {
        self.cross_entropy(logits) + self.penalty(at)
    }

    pub(crate) fn loss_at(&self, at: &[Dd]) -> Dd {
        self.loss(at, &self.logits(at))
    }

    fn penalty(&self, at: &[Dd]) -> Dd {
        let terms = at.iter().zip(&self.l1).zip(&self.l2);
        terms.map(|((&u, &l1), &l2)| l1 * u.abs() + (l2 * u * u).scaled(0.5)).sum()
    }

    /// The loss of a model of the library: logits from the features as they are.
    pub(crate) fn loss_of(&self, weights: &[f64], intercept: f64) -> Loss {
        let mut largest_terms = Vec::with_capacity(self.raw.len());
        let mut noise = 0.0;
        let logits: Vec<Dd> = (self.raw.iter().zip(&self.offsets).zip(&self.weights))
            .map(|((row, &offset), share)| {
                let mut sum = Dd::from(intercept) + Dd::from(offset);
                let (mut terms, mut squares) = (intercept.abs() + offset.abs(), 0.0);
                for (&x, &w) in row.iter().zip(weights) {
                    sum += Dd::product(x, w);
                    terms += (x * w).abs();
                    squares += (x * w).powi(2);
                }
                largest_terms.push(terms);
                noise += share.hi * squares * self.logit_error().powi(2) / 8.0;
                sum
            })
            .collect();
        let at = self.point(weights, intercept);
        let mut rounding = 0.0;
        for (i, &z) in logits.iter().enumerate() {
            let error = self.logit_error() * largest_terms[i];
            let residual = sigmoid(if self.y[i] { -z } else { z }).hi;
            rounding += self.weights[i].hi * (error * residual + (error * error / 8.0).min(error));
        }
        let value = self.loss(&at, &logits);
        rounding += 8.0 * self.unit_roundoff * value.hi;
        Loss { value, rounding, noise }
    }

    /// The coordinates of a model of the library.
    pub(crate) fn point(&self, weights: &[f64], intercept: f64) -> Point {
        let mut at: Point = weights
            .iter()
            .enumerate()
            .map(
                |(j, &w)| {
                    if self.constant[j] { Dd::ZERO } else { Dd::from(w).scaled(self.scale[j]) }
                },
            )
            .collect();
        if self.intercept {
            let shift: Dd =
                weights.iter().zip(&self.mean).map(|(&w, &mean)| Dd::product(w, mean)).sum();
            at.push(shift + Dd::from(intercept));
        }
        at
    }

    /// The weights and the intercept, on the scale of the data, of a point.
    pub(crate) fn model(&self, at: &[Dd]) -> (Vec<Dd>, Dd) {
        let d = self.mean.len();
        let weights: Vec<Dd> = (0..d).map(|j| at[j].scaled(1.0 / self.scale[j])).collect();
        let shift: Dd = weights.iter().zip(&self.mean).map(|(&w, &mean)| w * mean).sum();
        let intercept = if self.intercept { at[d] - shift } else { Dd::ZERO };
        (weights, intercept)
    }

    /// The same in `f64`.
    pub(crate) fn rounded_model(&self, at: &[Dd]) -> (Vec<f64>, f64) {
        let (weights, intercept) = self.model(at);
        (weights.iter().map(|w| w.hi).collect(), intercept.hi)
    }

    /// `s (x·w + b)`, offsets left out, and `Σ |xⱼ wⱼ| + |b|` of each row: how far a direction moves
    /// the row towards its class, and the size of the terms.
    pub(crate) fn margins(&self, weights: &[Dd], intercept: Dd) -> Vec<(Dd, f64)> {
        let rows = self.raw.iter().zip(&self.y);
        let margin = |(row, &y): (&Vec<f64>, &bool)| {
            let mut sum = intercept;
            let mut terms = intercept.hi.abs();
            for (&x, &w) in row.iter().zip(weights) {
                sum += w * x;
                terms += (x * w.hi).abs();
            }
            (if y { sum } else { -sum }, terms)
        };
        rows.map(margin).collect()
    }

    /// A point with all weights 0 and the intercept that is best there.
    pub(crate) fn origin(&self) -> Point {
        let mut at = vec![Dd::ZERO; self.dimension()];
        if self.intercept {
            let slope = |c: f64| -> f64 {
                let rows = self.offsets.iter().zip(&self.y).zip(&self.weights);
                rows.map(|((&offset, &y), weight)| {
                    let z = c + offset;
                    let miss = if y { -1.0 / (1.0 + z.exp()) } else { 1.0 / (1.0 + (-z).exp()) };
                    weight.hi * miss
                })
                .sum()
            };
            let (mut low, mut high) = (-1e4, 1e4);
            for _ in 0..60 {
                let middle = (low + high) / 2.0;
                *(if slope(middle) > 0.0 { &mut high } else { &mut low }) = middle;
            }
            *at.last_mut().expect("an intercept") = Dd::from((low + high) / 2.0);
        }
        at
    }
}

/// A column's place and size.
struct Column {
    /// What is taken off: near the mean, 0 without an intercept.
    mean: f64,
    /// A power of two near what is left.
    scale: f64,
    /// What the penalty counts weights in.
    penalty: Dd,
    constant: bool,
    doubtful: bool,
}

impl Column {
    fn measure(case: &Case, raw: &[Vec<f64>], weights: &[Dd], j: usize) -> Self {
        let column = || raw.iter().map(|row| row[j]).zip(weights);
        let most = column().map(|(x, _)| x.abs()).fold(0.0, f64::max);
        // Powers of two keep squares in range.
        let unit = power_of_two(most);
        let mean = if case.intercept {
            column().map(|(x, &weight)| weight * (x / unit)).sum::<Dd>().hi * unit
        } else {
            0.0
        };
        let most_left = column().map(|(x, _)| (x - mean).abs()).fold(0.0, f64::max);
        let scale = power_of_two(most_left);
        let left = |x: f64| (Dd::from(x) - Dd::from(mean)).scaled(1.0 / scale);
        let shift: Dd = column().map(|(x, &weight)| weight * left(x)).sum();
        let mean_square = |from: Dd| -> Dd {
            let square = |(x, &weight): (f64, &Dd)| weight * (left(x) - from) * (left(x) - from);
            column().map(square).sum()
        };
        let deviation = mean_square(shift).sqrt().scaled(scale);
        let own_mean = (Dd::from(mean) + shift.scaled(scale)).hi;
        let roundings = CONSTANT[usize::from(case.single)];
        let rounding = roundings * 2.0 * case.unit_roundoff() * own_mean.abs();
        let varies_little = case.standardize && deviation.hi <= rounding;
        let in_doubt = rounding / DOUBT..=rounding * DOUBT;
        let outliers = varies_little && most_left > OUTLIER / DOUBT * rounding;
        let doubtful =
            case.standardize && rounding > 0.0 && in_doubt.contains(&deviation.hi) || outliers;
        let penalty = match (case.standardize, varies_little, case.intercept) {
            (false, ..) => Dd::ONE,
            (true, false, _) => deviation,
            // The intercept takes its place; without one it is divided by its size.
            (true, true, true) => Dd::ZERO,
            (true, true, false) => mean_square(Dd::ZERO).sqrt().scaled(scale),
        };
        let constant = varies_little && case.intercept;
        Self { mean, scale, penalty, constant, doubtful }
    }
}

/// The power of two at or below a positive number; 1 for 0.
fn power_of_two(of: f64) -> f64 {
    if of > 0.0 { of.log2().floor().exp2() } else { 1.0 }
}

/// Weights, of rows times of their classes, as shares of their sum; none of these need be in range.
fn shares(weights: &[(f64, f64)]) -> Vec<Dd> {
    let unit =
        |of: &dyn Fn(&(f64, f64)) -> f64| power_of_two(weights.iter().map(of).fold(0.0, f64::max));
    let (own, of_class) = (unit(&|weight| weight.0), unit(&|weight| weight.1));
    let product = |weight: &(f64, f64)| Dd::product(weight.0 / own, weight.1 / of_class);
    let total: Dd = weights.iter().map(product).sum();
    weights.iter().map(|weight| product(weight) / total).collect()
}

/// `ln(1 + e^z)`
fn softplus(z: Dd) -> Dd {
    let tail = (-z.abs()).exp().ln_1p();
    if z.hi > 0.0 { z + tail } else { tail }
}

/// `1 / (1 + e^-z)`, which keeps its digits near 0.
pub(crate) fn sigmoid(z: Dd) -> Dd {
    let tail = (-z.abs()).exp();
    if z.hi > 0.0 { Dd::ONE / (Dd::ONE + tail) } else { tail / (Dd::ONE + tail) }
}
