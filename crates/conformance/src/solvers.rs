//! The solvers that go to the optimum, against the oracle's first-order conditions.

use logit_core::{Float, Lbfgs, Model, Newton, Report, Solver, TrustRegion};
use proptest::prelude::*;

use crate::algorithms::estimator;
use crate::contract::Check;
use crate::oracle::{Oracle, Setup};
use crate::runner::{Outcome, Runner, Subject, must};
use crate::strategies::{Problem, tame};

/// How far above the minimum a loss may end, as a share of itself.
fn suboptimality<F: Float>() -> f64 {
    // As far as the precision allows: coefficients are rounded to it, and a loss near its minimum
    // changes by the square of that; in f32 the rounding of the gradient weighs more.
    if F::epsilon().widen() < 1e-12 { 1e-9 } else { 1e-6 }
}

/// Newton's method ends at the optimum.
pub fn newton<F: Float>(subject: &impl for<'a> Subject<'a, F>, runner: &Runner) -> Check {
    runner.run(tame::<F>(), |problem| reaches(subject, problem, Newton::new()))
}

/// Newton's method in a trust region ends at the optimum.
pub fn trust_region<F: Float>(subject: &impl for<'a> Subject<'a, F>, runner: &Runner) -> Check {
    runner.run(tame::<F>(), |problem| reaches(subject, problem, TrustRegion::new()))
}

/// L-BFGS ends at the optimum.
pub fn lbfgs<F: Float>(subject: &impl for<'a> Subject<'a, F>, runner: &Runner) -> Check {
    runner.run(tame::<F>(), |problem| reaches(subject, problem, Lbfgs::new().tolerance(1e-13)))
}

/// With a penalty, so that there is an optimum.
fn reaches<F: Float>(
    subject: &impl for<'a> Subject<'a, F>,
    problem: Problem<F>,
    solver: impl Solver,
) -> Outcome {
    let setup = Setup { l2: problem.setup.l2 + 1e-2, ..problem.setup };
    let backend = subject.lend(&problem.x);
    let fit = must(estimator(setup).solver(solver).fit(&backend, &problem.y))?;
    is_optimum(&Oracle::new(&problem.x, &problem.y, setup), &fit.model, &fit.report)
}

/// A loss within `δ` of its minimum has a gradient of at most `√(2 L δ)`, where `L` bounds the
/// curvature; and the loss reported is that of the model.
fn is_optimum<F: Float>(oracle: &Oracle, model: &Model<F>, report: &Report) -> Outcome {
    let at = folded(oracle, model);
    let found = oracle.evaluate::<F>(&at);
    let gap = suboptimality::<F>() * found.loss;
    let rounding: f64 = found.gradient_bound.iter().map(|bound| bound * bound).sum();
    let bound = (2.0 * oracle.curvature() * gap).sqrt() + 2.0 * rounding.sqrt();
    let norm = found.gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
    prop_assert!(norm <= bound, "gradient norm {} beyond {}: {}", norm, bound, report);
    let error = (report.loss - found.loss).abs();
    // The model is rounded once more than the parameters.
    prop_assert!(error <= 4.0 * found.loss_bound + gap, "loss {} not {}", report.loss, found.loss);
    Ok(())
}

/// The parameters of a model: what [`Oracle::unfold`] undoes, which is linear.
fn folded<F: Float>(oracle: &Oracle, model: &Model<F>) -> Vec<f64> {
    let d = model.weights().len();
    let mut intercept = model.intercept().widen();
    let mut parameters = Vec::with_capacity(oracle.dimension());
    for (j, weight) in model.weights().iter().enumerate() {
        let mut unit = vec![0.0; oracle.dimension()];
        unit[j] = 1.0;
        let unfolded = oracle.unfold::<F>(&unit, 0.0);
        let per_unit = unfolded[j].0;
        let parameter = if per_unit == 0.0 { 0.0 } else { weight.widen() / per_unit };
        intercept -= parameter * unfolded[d].0;
        parameters.push(parameter);
    }
    if oracle.dimension() > d {
        parameters.push(intercept);
    }
    parameters
}
