//! One check per algorithm, against the oracle, on any backend.

use std::ops::ControlFlow;

use logit_core::{Backend, Float, GradientDescent, LogisticRegression, Model, Report, StopReason};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use crate::any::{AnySubject, compile, of};
use crate::contract::Check;
use crate::oracle::{Oracle, Setup, Step, gradient_descent, loss_and_residual};
use crate::runner::{Outcome, Runner, close, must, same_bits};
use crate::strategies::{Problem, tall, tame, vector, wild};
use crate::tolerance;

type Subjects<'s, F> = &'s dyn AnySubject<F>;

compile! { loss_and_gradient, finite_differences, hessian_product, descent, mini_batches, predictions, threads }

/// The estimator that a setup describes.
pub fn estimator(setup: Setup) -> LogisticRegression {
    LogisticRegression::new()
        .l2(setup.l2)
        .fit_intercept(setup.fit_intercept)
        .standardize(setup.standardize)
}

fn widened<F: Float>(values: &[F]) -> Vec<f64> {
    values.iter().map(|v| v.widen()).collect()
}

/// Loss and gradient are the oracle's, with and without penalty, intercept and standardisation.
pub fn loss_and_gradient<F: Float>(subject: Subjects<'_, F>, runner: &Runner) -> Check {
    runner.run(of(subject, wild::<F>(2)), |problem| {
        let backend = &subject.lend(&problem.x);
        let mut objective = must(estimator(problem.setup).objective(backend, &problem.y))?;
        // With standardised columns, weights of the size of 1 are moderate.
        let parameters = if problem.setup.standardize {
            vector(&mut problem.rng(), objective.dimension())
        } else {
            problem.parameters()
        };
        let found = objective.evaluate(&parameters[..]);
        let oracle = Oracle::new(&problem.x, &problem.y, problem.setup);
        let expected = oracle.evaluate::<F>(&widened(&parameters));
        close("loss", found.loss(), expected.loss, expected.loss_bound)?;
        for (j, &got) in found.gradient().iter().enumerate() {
            let (expected, bound) = (expected.gradient[j], expected.gradient_bound[j]);
            close(&format!("gradient component {j}"), got, expected, bound)?;
        }
        Ok(())
    })
}

/// The gradient is the derivative of the loss: central differences along a random direction.
pub fn finite_differences<F: Float>(subject: Subjects<'_, F>, runner: &Runner) -> Check {
    runner.run(of(subject, tame::<F>()), |problem| {
        let backend = &subject.lend(&problem.x);
        let mut objective = must(estimator(problem.setup).objective(backend, &problem.y))?;
        let oracle = Oracle::new(&problem.x, &problem.y, problem.setup);
        let at = vector::<F>(&mut problem.rng(), objective.dimension());
        let direction = vector::<F>(&mut problem.rng(), objective.dimension());
        // A step that balances the third derivative against the rounding of the loss.
        let rows = oracle.curvature().sqrt() * 2.0 * (objective.dimension() as f64).sqrt();
        let rows = rows.max(1e-3); // of columns of zeros
        let step = tolerance::unit_roundoff::<F>().cbrt() * 2.0 / rows;
        let moved = |sign: f64| -> Vec<F> {
            let moved = |(a, p): (&F, &F)| F::narrow(a.widen() + sign * step * p.widen());
            at.iter().zip(&direction).map(moved).collect()
        };
        let (ahead, behind) = (moved(1.0), moved(-1.0));
        let [f_ahead, f_behind] = [&ahead, &behind].map(|at| objective.evaluate(&at[..]).loss());
        let found = objective.evaluate(&at[..]);
        let expected = oracle.evaluate::<F>(&widened(&at));
        // The derivative along what was really moved, parameters being rounded.
        let (mut slope, mut bound) = (0.0, 3.0 * expected.loss_bound);
        for j in 0..at.len() {
            let moved = ahead[j].widen() - behind[j].widen();
            slope += found.gradient()[j].widen() * moved;
            bound += expected.gradient_bound[j] * moved.abs();
        }
        // |f'''| ≤ max |t|³ / 10 along a direction whose logits are t; plus the second derivative
        // times the asymmetry that rounding leaves.
        bound += (step * rows).powi(3) / 10.0 + 4.0 * tolerance::unit_roundoff::<F>() * step * rows;
        close("difference of losses", f_ahead - f_behind, slope, bound)
    })
}

/// A product with second derivatives is the oracle's, with and without penalty, intercept and
/// standardisation.
pub fn hessian_product<F: Float>(subject: Subjects<'_, F>, runner: &Runner) -> Check {
    runner.run(of(subject, wild::<F>(2)), |problem| {
        let backend = &subject.lend(&problem.x);
        let mut objective = must(estimator(problem.setup).objective(backend, &problem.y))?;
        let mut rng = problem.rng();
        let mut draw = || vector::<F>(&mut rng, objective.dimension());
        let (at, direction) = if problem.setup.standardize {
            (draw(), draw())
        } else {
            let scale = |(p, v): (&F, F)| *p * v;
            (problem.parameters(), problem.parameters().iter().zip(draw()).map(scale).collect())
        };
        let mut product = vec![F::nan(); at.len()];
        objective.hessian_product(&at, &direction, &mut product);
        let oracle = Oracle::new(&problem.x, &problem.y, problem.setup);
        let expected = oracle.hessian_product::<F>(&widened(&at), &widened(&direction));
        for (j, (got, (expected, bound))) in product.into_iter().zip(expected).enumerate() {
            close(&format!("component {j}"), got, expected, bound)?;
        }
        Ok(())
    })
}

/// Full-batch descent follows the recipe, iteration by iteration.
pub fn descent<F: Float>(subject: Subjects<'_, F>, runner: &Runner) -> Check {
    runner.run(of(subject, tame::<F>()), |problem| follows(subject, &problem, problem.x.nrows()))
}

/// Mini-batch descent deals the documented batches and weighs each by its size.
pub fn mini_batches<F: Float>(subject: Subjects<'_, F>, runner: &Runner) -> Check {
    runner.run(of(subject, tame::<F>()), |problem| {
        let batch_size = 1 + (problem.seed % problem.x.nrows() as u64) as usize;
        follows(subject, &problem, batch_size)
    })
}

fn follows<F: Float>(subject: Subjects<'_, F>, problem: &Problem<F>, batch_size: usize) -> Outcome {
    const ITERATIONS: usize = 25;
    let oracle = Oracle::new(&problem.x, &problem.y, problem.setup);
    let rate = F::narrow(0.9 / oracle.curvature().max(0.1)).widen();
    let solver = GradientDescent::new()
        .learning_rate(rate)
        .max_iterations(ITERATIONS)
        .batch_size(batch_size)
        .seed(problem.seed);
    let mut seen = Vec::new();
    let backend = &subject.lend(&problem.x);
    let fit = must(estimator(problem.setup).solver(solver).fit_observed(
        backend,
        &problem.y,
        |progress| {
            seen.push((progress.loss, progress.model()));
            ControlFlow::Continue(())
        },
    ))?;
    let steps = gradient_descent::<F>(&oracle, rate, ITERATIONS, batch_size, problem.seed);
    if fit.report.stop == StopReason::Converged {
        // Every gradient component is exactly 0, as with a single constant column.
        return Ok(());
    }
    prop_assert_eq!(seen.len(), ITERATIONS);
    for (iteration, (step, (loss, model))) in steps.iter().zip(seen).enumerate() {
        prop_assert_eq!(loss.to_bits(), fit.report.losses[iteration].to_bits());
        is_at(&format!("iteration {iteration}"), &oracle, step, loss, &must(model)?)?;
    }
    let last = &steps[ITERATIONS];
    is_at("the end", &oracle, last, fit.report.loss, &fit.model)?;
    reports_truly(&fit.report, ITERATIONS, batch_size < problem.x.nrows())
}

fn is_at<F: Float>(
    when: &str,
    oracle: &Oracle,
    step: &Step,
    loss: f64,
    model: &Model<F>,
) -> Outcome {
    close(&format!("loss at {when}"), loss, step.loss, step.loss_bound)?;
    let expected = oracle.unfold::<F>(&step.parameters, step.drift);
    let coefficients = model.weights().iter().copied().chain([model.intercept()]);
    for (j, (got, (expected, bound))) in coefficients.zip(expected).enumerate() {
        close(&format!("coefficient {j} at {when}"), got, expected, bound)?;
    }
    Ok(())
}

fn reports_truly(report: &Report, iterations: usize, mini_batches: bool) -> Outcome {
    prop_assert_eq!(report.stop, StopReason::MaxIterations);
    prop_assert_eq!(report.iterations, iterations);
    prop_assert_eq!(report.losses.len(), iterations);
    let passes = 1 + iterations * if mini_batches { 2 } else { 1 };
    prop_assert_eq!(report.passes, passes as f64);
    let best = report.losses.iter().copied().fold(report.loss, f64::min);
    prop_assert_eq!(report.best_loss, best);
    prop_assert_eq!(report.regression(), report.loss - best);
    let best_seen = report.losses.get(report.best_iteration).copied().unwrap_or(report.loss);
    prop_assert_eq!(best_seen, best);
    Ok(())
}

/// Logits, probabilities and classes are those of the model's formula.
pub fn predictions<F: Float>(subject: Subjects<'_, F>, runner: &Runner) -> Check {
    runner.run((of(subject, wild::<F>(1)), 0.0..=1.0), |(problem, threshold)| {
        let backend = &subject.lend(&problem.x);
        let n = problem.x.nrows();
        let model = must(Model::new(&problem.weights, problem.intercept))?;
        let setup = Setup { l2: 0.0, fit_intercept: true, standardize: false };
        let mut parameters = widened(&problem.weights);
        parameters.push(problem.intercept.widen());
        let expected = Oracle::new(&problem.x, &problem.y, setup).logits::<F>(&parameters);
        let logits = must(model.decision_function(backend))?;
        let probabilities = must(model.predict_proba(backend))?;
        for (i, (z, bound)) in expected.into_iter().enumerate() {
            close(&format!("logit {i}"), logits[i], z, bound)?;
            let (_, p) = loss_and_residual(z, false);
            let bound = bound / 4.0 + tolerance::elementwise::<F>() * p;
            let what = format!("probability {i}");
            close(&what, probabilities[i], p, bound + tolerance::underflow::<F>(0))?;
        }
        let at = |threshold: f64| -> Vec<bool> {
            (0..n).map(|i| probabilities[i].widen() >= threshold).collect()
        };
        prop_assert_eq!(must(model.predict(backend))?, at(0.5));
        prop_assert_eq!(must(model.predict_at(backend, threshold))?, at(threshold));
        Ok(())
    })
}

/// Any number of threads gives the same bits: objective, fit and prediction.
pub fn threads<F: Float>(subject: Subjects<'_, F>, runner: &Runner) -> Check {
    let pool = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.map_err(|error| TestCaseError::fail(error.to_string()))
    };
    runner.fewer(64).run(of(subject, tall::<F>()), |problem| {
        let backend = &subject.lend(&problem.x);
        let solver =
            GradientDescent::new().learning_rate(0.1).max_iterations(2).batch_size(problem.y.len());
        let estimator = estimator(problem.setup).solver(solver).standardize(true);
        let run = || -> Result<_, TestCaseError> {
            let mut objective = must(estimator.objective(backend, &problem.y))?;
            let parameters = vector(&mut problem.rng(), objective.dimension());
            let found = objective.evaluate(&parameters[..]);
            let (loss, mut results) = (found.loss(), found.gradient().to_vec());
            let mut product = parameters.clone();
            objective.hessian_product(&parameters, &results, &mut product);
            results.extend(product);
            let fit = must(estimator.fit(backend, &problem.y))?;
            let p = must(fit.model.predict_proba(backend))?;
            results.extend((0..problem.y.len()).map(|i| p[i]));
            results.extend(fit.model.weights());
            results.push(fit.model.intercept());
            let losses = [loss, fit.report.loss, fit.report.losses[1], fit.report.gradient_norm];
            Ok((results, losses))
        };
        let (results, losses) = pool(1)?.install(run)?;
        for threads in [2, 3, 8] {
            let (again, losses_again) = pool(threads)?.install(run)?;
            same_bits("gradient, product, probabilities and coefficients", &results, &again)?;
            same_bits("losses", &losses, &losses_again)?;
        }
        Ok(())
    })
}
