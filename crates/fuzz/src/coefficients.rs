//! Which digits of the coefficients a fit must have.

use crate::dd::Dd;
use crate::problem::{Problem, sigmoid};
use crate::quadratic::{Matrix, solve};
use crate::reference::Minimum;
use crate::verdict::within;

/// The share of a coefficient, or of 1, that it may be off by,
const SHARE: f64 = 1e-7;
/// where the condition of the columns, centred and of one scale, is less.
const MOST_CONDITION: f64 = 1e6;

/// The coefficients at the minimum, and by how much each may be off.
pub(crate) struct Coefficients {
    weights: Vec<(f64, f64)>,
    intercept: Option<(f64, f64)>,
}

/// A coefficient beyond what is tolerated.
pub(crate) struct Tolerated {
    pub(crate) name: String,
    pub(crate) got: f64,
    pub(crate) expected: f64,
    pub(crate) tolerated: f64,
}

impl Coefficients {
    /// `None` where the columns are ill-conditioned or the reference is not at the minimum.
    ///
    /// What the rounding of the gradient moves the minimum by is tolerated too.
    pub(crate) fn of(problem: &Problem, minimum: &Minimum) -> Option<Self> {
        let well_conditioned = condition(&problem.plain_gram())? < MOST_CONDITION;
        if !(minimum.is_found() && well_conditioned) {
            return None;
        }
        let inverse = inverse(&minimum.hessian(problem))?;
        let rounding = gradient_rounding(problem, &minimum.at);
        let off = |j: usize| -> f64 {
            inverse[j].iter().zip(&rounding).map(|(h, rounding)| h.hi.abs() * rounding).sum()
        };
        let (weights, intercept) = problem.model(&minimum.at);
        let mut shift = 0.0;
        let weights: Vec<(f64, f64)> = weights
            .iter()
            .enumerate()
            .map(|(j, w)| {
                let tolerated = SHARE * w.hi.abs().max(1.0) + off(j) / problem.scale(j);
                shift += tolerated * problem.mean(j).abs();
                (w.hi, tolerated)
            })
            .collect();
        let last = weights.len();
        let intercept = (problem.dimension() > last)
            .then(|| (intercept.hi, SHARE * intercept.hi.abs().max(1.0) + off(last) + shift));
        Some(Self { weights, intercept })
    }

    /// The first coefficient of a model that is off by too much.
    pub(crate) fn off(&self, weights: &[f64], intercept: f64) -> Option<Tolerated> {
        let weights = weights.iter().zip(&self.weights).enumerate();
        let weights = weights.map(|(j, (&got, &of))| (format!("weight {j}"), got, of));
        let intercept = self.intercept.map(|of| ("intercept".to_owned(), intercept, of));
        weights
            .chain(intercept)
            .find(|(_, got, (expected, tolerated))| !within((got - expected).abs(), *tolerated))
            .map(|(name, got, (expected, tolerated))| Tolerated { name, got, expected, tolerated })
    }
}

/// What the rounding of logits and residuals in `f64` may do to each component of the gradient.
fn gradient_rounding(problem: &Problem, at: &[Dd]) -> Vec<f64> {
    const ROUNDINGS: f64 = 4.0 * f64::EPSILON;
    let mut rounding = vec![0.0; at.len()];
    let logits = problem.logits(at);
    for (i, row) in problem.x.iter().enumerate() {
        let (p, q) = (sigmoid(logits[i]).hi, sigmoid(-logits[i]).hi);
        let residual = if problem.y[i] { q } else { p };
        let error = ROUNDINGS * problem.weights[i].hi * (residual + p * q * problem.terms(i, at));
        rounding.iter_mut().zip(row).for_each(|(sum, x)| *sum += error * x.hi.abs());
    }
    rounding
}

/// An upper bound, above the condition by the number of columns at most.
fn condition(gram: &Matrix) -> Option<f64> {
    let m = gram.len();
    let root = |j: usize| gram[j][j].hi.sqrt();
    let scaled: Matrix = (0..m)
        .map(|j| (0..m).map(|k| gram[j][k].scaled(1.0 / (root(j) * root(k)))).collect())
        .collect();
    let inverse = inverse(&scaled)?;
    let trace: f64 = (0..m).map(|j| inverse[j][j].hi).sum();
    Some((trace * m as f64).sqrt())
}

/// `None` for a matrix that is singular, but for rounding.
fn inverse(a: &Matrix) -> Option<Matrix> {
    let all: Vec<usize> = (0..a.len()).collect();
    let unit = |j: usize| -> Vec<Dd> {
        all.iter().map(|&k| if k == j { Dd::ONE } else { Dd::ZERO }).collect()
    };
    let inverse: Matrix = all.iter().map(|&j| solve(a, &all, &unit(j))).collect();
    (0..a.len()).all(|j| inverse[j][j].hi > 0.0 && inverse[j][j].is_finite()).then_some(inverse)
}
