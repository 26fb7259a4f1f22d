//! Optima under penalties that have no gradient, against their conditions by the oracle.

use logit_core::{AnyBackend, Float, LogisticRegression, ProximalNewton, Solver, StopReason};
use proptest::prelude::*;
use rand::RngExt;

use crate::algorithms::estimator;
use crate::any::{AnySubject, compile, of};
use crate::contract::Check;
use crate::oracle::Oracle;
use crate::runner::{Outcome, Runner, close, must};
use crate::strategies::{Problem, tame};
use crate::tolerance;

type Subjects<'s, F> = &'s dyn AnySubject<F>;

compile! { elastic_net }

/// How near to the minimum the solvers are asked to come, relative to the loss.
const TOLERANCE: f64 = 1e-9;

/// Fits with an L1 penalty end where every slope is that of a minimum, and report that loss.
pub fn elastic_net<F: Float>(subject: Subjects<'_, F>, runner: &Runner) -> Check {
    runner.run(of(subject, tame::<F>()), |problem| {
        let backend = &subject.lend(&problem.x);
        let l1 = 10f64.powf(problem.rng().random_range(-3.0..0.0));
        let estimator = estimator(problem.setup).l1(l1);
        // Second derivatives by all parameters, by some of them, by none.
        for most in [1024, 3, 0] {
            let solver = ProximalNewton::new().tolerance(TOLERANCE).most_derivatives(most);
            is_minimum(backend, &problem, l1, &estimator.clone().solver(solver))?;
        }
        Ok(())
    })
}

fn is_minimum<F: Float, S: Solver>(
    backend: &AnyBackend<'_, F>,
    problem: &Problem<F>,
    l1: f64,
    estimator: &LogisticRegression<S>,
) -> Outcome {
    let fit = must(estimator.fit(backend, &problem.y))?;
    let stops = [StopReason::Converged, StopReason::PrecisionLimit];
    prop_assert!(stops.contains(&fit.report.stop), "{}", fit.report);
    let oracle = Oracle::new(&problem.x, &problem.y, problem.setup);
    let at = oracle.fold(&fit.model);
    let here = oracle.evaluate::<F>(&at);
    let weights = &at[..fit.model.weights().len()];
    let loss = here.loss + l1 * weights.iter().map(|v| v.abs()).sum::<f64>();
    close("loss", fit.report.loss, loss, here.loss_bound + tolerance::logit::<F>(at.len()) * loss)?;
    let slack = tolerance::optimality::<F>(TOLERANCE, oracle.curvature(), loss);
    for (j, (&slope, &bound)) in here.gradient.iter().zip(&here.gradient_bound).enumerate() {
        let bound = bound + slack;
        match weights.get(j) {
            Some(0.0) => close(&format!("slope at the zero {j}"), slope, 0.0, l1 + bound)?,
            Some(v) => close(&format!("slope {j} at {v:e}"), slope, -l1 * v.signum(), bound)?,
            None => close("slope by the intercept", slope, 0.0, bound)?,
        }
    }
    Ok(())
}
