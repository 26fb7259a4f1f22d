//! The solvers that go to the optimum, against the oracle's first-order conditions.

use logit_core::{Error, Float, Lbfgs, Model, Newton, Report, Solver, TrustRegion};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use crate::algorithms::estimator;
use crate::any::{AnySubject, compile, of};
use crate::contract::Check;
use crate::oracle::{Oracle, Setup};
use crate::runner::{Outcome, Runner, must};
use crate::strategies::{Problem, tame};

type Subjects<'s, F> = &'s dyn AnySubject<F>;

compile! { newton, trust_region, lbfgs, separation }

/// How far above the minimum a loss may end, as a share of itself.
fn suboptimality<F: Float>() -> f64 {
    // As far as the precision allows: coefficients are rounded to it, and a loss near its minimum
    // changes by the square of that; in f32 the rounding of the gradient weighs more.
    if F::epsilon().widen() < 1e-12 { 1e-9 } else { 1e-6 }
}

/// Newton's method ends at the optimum.
pub fn newton<F: Float>(subject: Subjects<'_, F>, runner: &Runner) -> Check {
    runner.run(of(subject, tame::<F>()), |problem| reaches(subject, problem, Newton::new()))
}

/// Newton's method in a trust region ends at the optimum.
pub fn trust_region<F: Float>(subject: Subjects<'_, F>, runner: &Runner) -> Check {
    runner.run(of(subject, tame::<F>()), |problem| reaches(subject, problem, TrustRegion::new()))
}

/// L-BFGS ends at the optimum.
pub fn lbfgs<F: Float>(subject: Subjects<'_, F>, runner: &Runner) -> Check {
    runner.run(of(subject, tame::<F>()), |problem| {
        reaches(subject, problem, Lbfgs::new().tolerance(1e-13))
    })
}

/// Without a penalty, all solvers that come to large logits tell alike whether there is an optimum,
/// and a direction that says no moves rows towards their classes, and none away but by rounding.
pub fn separation<F: Float>(subject: Subjects<'_, F>, runner: &Runner) -> Check {
    runner.run(of(subject, tame::<F>()), |problem| {
        let told = [
            separated(subject, &problem, Newton::new())?,
            separated(subject, &problem, TrustRegion::new())?,
            separated(subject, &problem, Lbfgs::new())?,
        ];
        let mut some = told.iter().flatten();
        let first = some.next();
        prop_assert!(
            some.all(|other| Some(other) == first),
            "Newton, TrustRegion, Lbfgs: {told:?}"
        );
        Ok(())
    })
}

/// What a solver tells: an optimum, or classes that are separated, perhaps completely. Nothing where
/// it ends with logits too small to ask, as rounding makes it in `f32` where rows are much alike.
#[derive(Debug, PartialEq)]
enum Told {
    Optimum,
    Separated { complete: bool },
}

fn separated<F: Float>(
    subject: Subjects<'_, F>,
    problem: &Problem<F>,
    solver: impl Solver,
) -> Result<Option<Told>, TestCaseError> {
    const ASKED: f64 = 8.0;
    let backend = &subject.lend(&problem.x);
    let estimator = estimator(Setup { l2: 0.0, ..problem.setup }).solver(solver);
    let (complete, direction) = match estimator.fit(backend, &problem.y) {
        Err(Error::Separated { complete, direction, .. }) => (complete, direction),
        fit => {
            let logits = must(must(fit)?.model.decision_function(&problem.x))?;
            let large = logits.iter().any(|z| z.widen().abs() > ASKED);
            return Ok(large.then_some(Told::Optimum));
        }
    };
    let terms = (direction.weights().len() + 1) as f64;
    let mut moved = false;
    for (row, &y) in problem.x.rows().iter().zip(&problem.y) {
        let products = row.iter().zip(direction.weights()).map(|(x, w)| x.widen() * w);
        let (mut z, mut size) = (direction.intercept(), direction.intercept().abs());
        products.for_each(|product| (z, size) = (z + product, size + product.abs()));
        // Sixteen roundings, and that of the sum here.
        let (margin, rounding) = (if y { z } else { -z }, 17.0 * terms * f64::EPSILON * size);
        prop_assert!(margin >= -rounding && (margin > 0.0 || !complete), "{margin} of {size}");
        moved |= margin > rounding;
    }
    prop_assert!(moved);
    Ok(Some(Told::Separated { complete }))
}

/// With a penalty, so that there is an optimum.
fn reaches<F: Float>(
    subject: Subjects<'_, F>,
    problem: Problem<F>,
    solver: impl Solver,
) -> Outcome {
    let setup = Setup { l2: problem.setup.l2 + 1e-2, ..problem.setup };
    let backend = &subject.lend(&problem.x);
    let fit = must(estimator(setup).solver(solver).fit(backend, &problem.y))?;
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
