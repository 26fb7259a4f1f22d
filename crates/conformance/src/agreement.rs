//! Two backends give the same answers: each within the oracle's bound, so within twice it of
//! each other.

use logit_core::{Backend, Float, GradientDescent, Model, Robust, StopReason};
use proptest::prelude::*;

use crate::algorithms::estimator;
use crate::any::{AnySubject, compile};
use crate::contract::Check;
use crate::oracle::{Oracle, gradient_descent};
use crate::runner::{Runner, close, must};
use crate::strategies::{tame, vector, wild};
use crate::tolerance;

type Subjects<'s, F> = (&'s dyn AnySubject<F>, &'s dyn AnySubject<F>);

compile! { loss_and_gradient, descent, predictions, covariances }

/// Loss and gradient of the same objective.
pub fn loss_and_gradient<F: Float>((a, b): Subjects<'_, F>, runner: &Runner) -> Check {
    runner.run(wild::<F>(2), |problem| {
        let oracle = Oracle::new(&problem.x, &problem.y, problem.setup);
        let parameters: Vec<F> = vector(&mut problem.rng(), oracle.dimension());
        let parameters: Vec<F> =
            if problem.setup.standardize { parameters } else { problem.parameters() };
        let (x_a, x_b) = (&a.lend(&problem.x), &b.lend(&problem.x));
        let found_a =
            must(estimator(problem.setup).objective(x_a, &problem.y))?.evaluate(&parameters[..]);
        let found_b =
            must(estimator(problem.setup).objective(x_b, &problem.y))?.evaluate(&parameters[..]);
        let wide: Vec<f64> = parameters.iter().map(|v| v.widen()).collect();
        let bounds = oracle.evaluate::<F>(&wide);
        close("losses", found_a.loss(), found_b.loss(), 2.0 * bounds.loss_bound)?;
        for (j, (&g_a, g_b)) in found_a.gradient().iter().zip(found_b.gradient()).enumerate() {
            let bound = 2.0 * bounds.gradient_bound[j];
            close(&format!("gradient components {j}"), g_a, g_b.widen(), bound)?;
        }
        Ok(())
    })
}

/// The losses of gradient descent, and the model at its end.
pub fn descent<F: Float>((a, b): Subjects<'_, F>, runner: &Runner) -> Check {
    const ITERATIONS: usize = 25;
    runner.run(tame::<F>(), |problem| {
        let oracle = Oracle::new(&problem.x, &problem.y, problem.setup);
        let rate = F::narrow(0.9 / oracle.curvature().max(0.1)).widen();
        let batch_size = 1 + (problem.seed % problem.x.nrows() as u64) as usize;
        let solver = GradientDescent::new()
            .learning_rate(rate)
            .max_iterations(ITERATIONS)
            .batch_size(batch_size);
        let estimator = estimator(problem.setup).solver(solver);
        let fit_a = must(estimator.fit(&a.lend(&problem.x), &problem.y))?;
        let fit_b = must(estimator.fit(&b.lend(&problem.x), &problem.y))?;
        if [fit_a.report.stop, fit_b.report.stop].contains(&StopReason::Converged) {
            // A gradient of exactly 0, as with a single constant column, ends the fit; in the other
            // it may be mere rounding, and the batches go on.
            return Ok(());
        }
        prop_assert_eq!(fit_a.report.iterations, fit_b.report.iterations);
        let steps = gradient_descent::<F>(&oracle, rate, ITERATIONS, batch_size, 0);
        let losses = fit_a.report.losses.iter().zip(&fit_b.report.losses);
        for (iteration, (&loss_a, &loss_b)) in losses.enumerate() {
            let bound = 2.0 * steps[iteration].loss_bound;
            close(&format!("losses {iteration}"), loss_a, loss_b, bound)?;
        }
        let last = &steps[ITERATIONS];
        let bounds = oracle.unfold::<F>(&last.parameters, last.drift);
        for (j, w_a) in fit_a.model.weights().iter().enumerate() {
            let w_b = fit_b.model.weights()[j].widen();
            close(&format!("weights {j}"), *w_a, w_b, 2.0 * bounds[j].1)?;
        }
        Ok(())
    })
}

/// The logits of the same model.
pub fn predictions<F: Float>((a, b): Subjects<'_, F>, runner: &Runner) -> Check {
    runner.run(wild::<F>(1), |mut problem| {
        problem.setup.fit_intercept = true;
        problem.setup.standardize = false;
        let model = must(Model::new(&problem.weights, problem.intercept))?;
        let z_a = must(model.decision_function(&a.lend(&problem.x)))?;
        let z_b = must(model.decision_function(&b.lend(&problem.x)))?;
        let wide: Vec<f64> = problem.parameters().iter().map(|v| v.widen()).collect();
        let bounds = Oracle::new(&problem.x, &problem.y, problem.setup).logits::<F>(&wide);
        for (i, (_, bound)) in bounds.into_iter().enumerate() {
            close(&format!("logits {i}"), z_a[i], z_b[i].widen(), 2.0 * bound)?;
        }
        Ok(())
    })
}

/// The standard errors of the same model, where it is an optimum.
pub fn covariances<F: Float>((a, b): Subjects<'_, F>, runner: &Runner) -> Check {
    runner.run(tame::<F>(), |mut problem| {
        problem.setup.l2 = 0.0;
        let (x_a, x_b) = (&a.lend(&problem.x), &b.lend(&problem.x));
        let estimator = estimator(problem.setup);
        // Separated classes have none.
        let Ok(fit) = estimator.fit(x_a, &problem.y) else { return Ok(()) };
        let inference_a = estimator.inference(&fit.model, x_a, &problem.y);
        let inference_b = estimator.inference(&fit.model, x_b, &problem.y);
        let (Ok(a), Ok(b)) = (inference_a, inference_b) else { return Ok(()) };
        for kind in [Robust::Hc0, Robust::Hc3] {
            let (Ok(a), Ok(b)) = (a.robust(kind), b.robust(kind)) else { return Ok(()) };
            let errors = a.standard_errors().into_iter().zip(b.standard_errors());
            for (j, (a, b)) in errors.enumerate().filter(|(_, (a, _))| !a.is_nan()) {
                // A flat likelihood has a large error, and its information a large condition number.
                let bound = 2.0 * tolerance::inference::<F>() * b * b.max(1.0);
                close(&format!("errors {j}"), a, b, bound)?;
            }
        }
        Ok(())
    })
}
