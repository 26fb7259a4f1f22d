//! Whether data without a penalty has an optimum, with a proof either way.
//!
//! By Stiemke's theorem no direction separates the classes exactly if there are `λᵢ > 0` with
//! `Σ λᵢ sᵢ xᵢ = 0`, where `sᵢ` is ±1 by class. A minimum has nearly that, with the residuals for
//! `λ`, and is corrected to it. A direction that separates is its own proof. Candidates are
//! the last step of the reference, which follows it where there is no minimum, and the solution of
//! a linear program. Both proofs are checked in doubled precision, far beyond the
//! rounding of the data.

use microlp::{ComparisonOp, OptimizationDirection, SolveOutcome};

use crate::dd::{Dd, dot};
use crate::problem::{Point, Problem, sigmoid};
use crate::quadratic::solve;
use crate::reference::Minimum;

/// What is true of a problem without a penalty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Truth {
    /// There is an optimum, of this data or of data within its rounding.
    Overlap,
    /// There is none.
    Separated,
    /// There is none, but the direction that separates is one of rounding errors: each row's margin
    /// is less than they may add up to. Either answer is right.
    SeparatedByRounding,
    /// Neither proof was found.
    Open,
}

/// What sums of columns of size 1 may be off by in doubled precision, and more.
const EXACT: f64 = 1e-24;

/// A margin must be this multiple of what the rounding of features and logits may come to.
const BEYOND_ROUNDING: f64 = 8.0;

/// Decides, given where the reference ended.
///
/// The reference is asked for the same rows without offsets and weights, which are nothing to
/// separation, unless it has an answer for these.
pub(crate) fn decide(problem: &Problem, minimum: &Minimum) -> Truth {
    match prove(problem, minimum) {
        Truth::Open => {
            let plain = problem.plain();
            prove(&plain, &plain.minimize(plain.origin(), 100))
        }
        truth => truth,
    }
}

fn prove(problem: &Problem, minimum: &Minimum) -> Truth {
    if minimum.is_found() && overlap_is_proven(problem, &minimum.at) {
        return Truth::Overlap;
    }
    if let Some(truth) = separates(problem, minimum.step.clone()) {
        return truth;
    }
    let truth = linear_program(problem).and_then(|direction| separates(problem, direction));
    truth.unwrap_or(Truth::Open)
}

/// Whether the residuals at a point, corrected, are Stiemke's `λ`.
fn overlap_is_proven(problem: &Problem, at: &[Dd]) -> bool {
    let logits = problem.logits(at);
    let rows = logits.iter().zip(&problem.y).zip(&problem.weights);
    let lambda: Vec<Dd> =
        rows.map(|((&z, &y), &weight)| weight * sigmoid(if y { -z } else { z })).collect();
    if lambda.iter().any(|lambda| lambda.hi <= 0.0) {
        return false;
    }
    let mut sum = vec![Dd::ZERO; problem.dimension()];
    let mut size = vec![0.0; problem.dimension()];
    for ((row, &lambda), &y) in problem.x.iter().zip(&lambda).zip(&problem.y) {
        let signed = if y { lambda } else { -lambda };
        for ((sum, size), &x) in sum.iter_mut().zip(&mut size).zip(row) {
            *sum += x * signed;
            *size += (x * lambda).hi.abs();
        }
    }
    // With λᵢ (1 - sᵢ xᵢ·c) for λᵢ the sum is 0.
    let gram = problem.gram(&lambda);
    let all: Vec<usize> = (0..sum.len()).collect();
    let c = solve(&gram, &all, &sum);
    let left = gram.iter().zip(&sum).map(|(row, &sum)| (sum - dot(row, &c)).abs().hi);
    // What is left along columns that depend on others but for rounding is that of other data,
    // within rounding of this.
    let exact = left.zip(&size).all(|(left, size)| left <= problem.logit_error() * size);
    let positive = problem.x.iter().zip(&problem.y).all(|(row, &y)| {
        let share = dot(row, &c).hi;
        (if y { share } else { -share }) < 0.5
    });
    exact && positive
}

/// What a direction proves, once rows that it hardly moves are not moved at all.
fn separates(problem: &Problem, mut direction: Point) -> Option<Truth> {
    let margins: Vec<f64> = problem.x.iter().map(|row| dot(row, &direction).hi.abs()).collect();
    let most = margins.iter().copied().fold(0.0, f64::max);
    if !(most > 0.0 && most.is_finite()) {
        return None;
    }
    let on_the_plane: Vec<Dd> = margins
        .iter()
        .map(|&margin| if margin <= 1e-6 * most { Dd::ONE } else { Dd::ZERO })
        .collect();
    let gram = problem.gram(&on_the_plane);
    let all: Vec<usize> = (0..direction.len()).collect();
    for _ in 0..2 {
        let off: Vec<Dd> = gram.iter().map(|row| -dot(row, &direction)).collect();
        let correction = solve(&gram, &all, &off);
        direction.iter_mut().zip(correction).for_each(|(u, by)| *u += by);
    }
    verdict(problem, &direction)
}

/// What a direction proves whose components may be off by some roundings of the largest, as those
/// of columns that have no part in it are.
fn verdict(problem: &Problem, direction: &[Dd]) -> Option<Truth> {
    let largest = direction.iter().map(|u| u.hi.abs()).fold(0.0, f64::max);
    let (weights, intercept) = problem.model(direction);
    let mut most = 0.0f64;
    for (margin, terms) in problem.margins(&weights, intercept) {
        if margin.hi < -EXACT * largest {
            return None;
        }
        if margin.hi > EXACT.sqrt() * largest {
            most = most.max(margin.hi / terms);
        }
    }
    if most > BEYOND_ROUNDING * problem.logit_error() {
        Some(Truth::Separated)
    } else if most > 0.0 {
        Some(Truth::SeparatedByRounding)
    } else {
        None
    }
}

/// Whether a direction of the library's separates as it is documented to: up to rounding, and, unless
/// the classes are separated by rounding alone, some rows by more than that.
pub(crate) fn holds(problem: &Problem, weights: &[f64], intercept: f64, truth: Truth) -> bool {
    let weights: Vec<Dd> = weights.iter().map(|&w| Dd::from(w)).collect();
    let error = BEYOND_ROUNDING * problem.logit_error();
    let margins = problem.margins(&weights, Dd::from(intercept));
    let least = if truth == Truth::SeparatedByRounding { 0.0 } else { error };
    margins.iter().all(|(margin, terms)| margin.hi >= -error * terms)
        && margins.iter().any(|(margin, terms)| margin.hi > least * terms)
}

/// The direction with the most of `Σ tᵢ` for `tᵢ <= 1` and `tᵢ <= sᵢ xᵢ·u`, where that is not too
/// much work.
fn linear_program(problem: &Problem) -> Option<Point> {
    if problem.x.len() * problem.dimension() > 5000 {
        return None;
    }
    let mut program = microlp::Problem::new(OptimizationDirection::Maximize);
    let free = (f64::NEG_INFINITY, f64::INFINITY);
    let u: Vec<_> = (0..problem.dimension()).map(|_| program.add_var(0.0, free)).collect();
    for (row, &y) in problem.x.iter().zip(&problem.y) {
        let t = program.add_var(1.0, (0.0, 1.0));
        let sign = if y { 1.0 } else { -1.0 };
        let terms: Vec<_> = u.iter().copied().zip(row.iter().map(|x| sign * x.hi)).collect();
        let terms = [terms, vec![(t, -1.0)]].concat();
        program.add_constraint(&*terms, ComparisonOp::Ge, 0.0);
    }
    match program.solve() {
        Ok(SolveOutcome::Solution(solution)) => {
            Some(u.iter().map(|&u| Dd::from(solution.var_value(u))).collect())
        }
        _ => None,
    }
}
