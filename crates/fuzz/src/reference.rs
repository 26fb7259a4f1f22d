//! The minimum, by a solver of our own in doubled precision.
//!
//! Newton's method, with as much of the largest curvature that the cross-entropy can have added
//! to its second derivatives as the last steps have shown to be needed (Levenberg and Marquardt).
//! With all of it the quadratic model lies above the loss (Böhning and Lindsay, *Monotonicity of
//! quadratic-approximation algorithms*, 1988), so that every step goes down, from any start.

use crate::dd::Dd;
use crate::problem::{Point, Problem, sigmoid};
use crate::quadratic::{Matrix, Quadratic};

/// Where the reference ended.
pub(crate) struct Minimum {
    pub(crate) at: Point,
    pub(crate) loss: Dd,
    /// What the next step promises, a share of the loss; far below 1e-20 where it is the minimum.
    pub(crate) promised: f64,
    /// The last step that was taken.
    pub(crate) step: Point,
    /// The largest logit there, in absolute value.
    pub(crate) largest_logit: f64,
}

/// Half of what the promise must fall below for the loss to be right to all digits of an `f64`, and
/// more.
const DONE: f64 = 1e-22;

impl Minimum {
    pub(crate) fn is_found(&self) -> bool {
        self.promised <= DONE
    }

    /// The second derivatives there.
    pub(crate) fn hessian(&self, problem: &Problem) -> Matrix {
        problem.expand(&self.at).hessian
    }
}

/// A loss with its derivatives.
struct Expansion {
    logits: Vec<Dd>,
    loss: Dd,
    gradient: Vec<Dd>,
    hessian: Matrix,
}

impl Problem {
    fn expand(&self, at: &[Dd]) -> Expansion {
        let logits = self.logits(at);
        let loss = self.loss(at, &logits);
        let (mut slopes, mut curvatures) = (Vec::new(), Vec::new());
        for ((&z, &y), &weight) in logits.iter().zip(&self.y).zip(&self.weights) {
            let (p, q) = (sigmoid(z), sigmoid(-z));
            slopes.push(weight * if y { -q } else { p });
            curvatures.push(weight * p * q);
        }
        let mut gradient: Vec<Dd> = at.iter().zip(&self.l2).map(|(&u, &l2)| l2 * u).collect();
        for (row, &slope) in self.x.iter().zip(&slopes) {
            gradient.iter_mut().zip(row).for_each(|(g, &x)| *g += x * slope);
        }
        Expansion { logits, loss, gradient, hessian: self.curvature(&curvatures) }
    }

    /// `Xᵀ W X`, plus the L2 penalty.
    fn curvature(&self, weights: &[Dd]) -> Matrix {
        let mut gram = self.gram(weights);
        for (j, &l2) in self.l2.iter().enumerate() {
            gram[j][j] += l2;
        }
        gram
    }

    /// `Xᵀ W X` with the weights of the rows.
    pub(crate) fn plain_gram(&self) -> Matrix {
        self.gram(&self.weights)
    }

    /// `Xᵀ W X`
    pub(crate) fn gram(&self, weights: &[Dd]) -> Matrix {
        let m = self.dimension();
        let mut gram = vec![vec![Dd::ZERO; m]; m];
        for (row, &weight) in self.x.iter().zip(weights) {
            for (sums, &x) in gram.iter_mut().zip(row) {
                let scaled = x * weight;
                if scaled.hi != 0.0 {
                    sums.iter_mut().zip(row).for_each(|(sum, &x)| *sum += scaled * x);
                }
            }
        }
        gram
    }

    /// Goes down from a point until nothing is left to gain, or for so many iterations.
    pub(crate) fn minimize(&self, start: Point, iterations: usize) -> Minimum {
        // Along directions in which the model is flat the L1 term alone decides: a step to its
        // next corner needs an end.
        let flat = if self.l1.iter().any(|l1| l1.hi > 0.0) { 1e-22 } else { 0.0 };
        let quarter: Vec<Dd> = self.weights.iter().map(|weight| weight.scaled(0.25)).collect();
        let most = self.curvature(&quarter);
        let mut at: Point = start;
        let (mut damping, mut step) = (0.0, vec![Dd::ZERO; at.len()]);
        let mut here = self.expand(&at);
        let mut promised = f64::INFINITY;
        for _ in 0..iterations {
            let model = damped(&here.hessian, &most, damping, flat);
            let (gradient, l1) = (&here.gradient, &self.l1);
            let quadratic = Quadratic { a: &model, gradient, at: &at, l1 };
            let there = quadratic.minimize();
            let promise = -quadratic.change(&there).hi;
            if damping == 0.0 {
                promised = promise.max(0.0) / here.loss.hi.max(f64::MIN_POSITIVE);
                if promised <= DONE {
                    break;
                }
            }
            let logits = self.logits(&there);
            let gain = here.loss - self.loss(&there, &logits);
            let share = if promise > 0.0 { gain.hi / promise } else { 0.0 };
            if gain.is_finite() && share > 1e-3 {
                step = there.iter().zip(&at).map(|(&new, &old)| new - old).collect();
                at = there;
                here = self.expand(&at);
            }
            damping = match share {
                share if share > 0.75 => damping / 10.0,
                share if share > 0.25 => damping,
                // NaN too.
                _ => (damping * 10.0).clamp(1e-4, 1.0),
            };
            if damping < 1e-6 {
                damping = 0.0;
            }
            if promise.max(0.0) <= DONE * DONE * here.loss.hi {
                // Nothing moves at all.
                break;
            }
        }
        let largest_logit = here.logits.iter().fold(0.0, |max: f64, z| max.max(z.abs().hi));
        Minimum { at, loss: here.loss, promised, step, largest_logit }
    }
}

/// `H + damping B`, with a share of the diagonal more.
fn damped(hessian: &Matrix, most: &Matrix, damping: f64, flat: f64) -> Matrix {
    let mut sum = hessian.clone();
    for (j, (row, most)) in sum.iter_mut().zip(most).enumerate() {
        if damping > 0.0 {
            row.iter_mut().zip(most).for_each(|(h, &most)| *h += most * damping);
        }
        row[j] += most[j] * flat;
    }
    sum
}
