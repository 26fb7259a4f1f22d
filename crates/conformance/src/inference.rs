//! Covariances, and fits with Firth's penalty, against plain loops over the rows.

use logit_core::{AnyBackend, Error, Float, Inference, Model, Robust};
use proptest::prelude::*;

use crate::algorithms::estimator;
use crate::any::{AnySubject, compile, of};
use crate::contract::Check;
use crate::oracle::{Setup, loss_and_residual};
use crate::runner::{Outcome, Runner, must};
use crate::strategies::{Problem, tame};
use crate::tolerance;

type Subjects<'s, F> = &'s dyn AnySubject<F>;

compile! { covariances, firth }

/// If there is an optimum, the covariance is the inverse of the information, and the robust covariance
/// its sandwich. The leverages add up to the number of parameters.
pub fn covariances<F: Float>(subject: Subjects<'_, F>, runner: &Runner) -> Check {
    runner.run(of(subject, tame::<F>()), |problem| {
        let estimator = estimator(Setup { l2: 0.0, ..problem.setup });
        let backend = &subject.lend(&problem.x);
        let model = match estimator.fit(backend, &problem.y) {
            Err(Error::Separated { .. }) => return Ok(()),
            fit => must(fit)?.model,
        };
        // Where rounding has hidden that there is no optimum, it may show here.
        let inference = match estimator.inference(&model, backend, &problem.y) {
            Err(Error::Separated { .. } | Error::NotOptimum { .. }) => return Ok(()),
            inference => must(inference)?,
        };
        let rows = Rows::new(&problem, &model);
        is_inverse(&rows, &inference)?;
        is_sandwich(&rows, &inference)?;
        let leverages: f64 = inference.diagnostics().iter().map(|row| row.leverage).sum();
        let rank = inference.likelihood().parameters as f64;
        prop_assert!((leverages - rank).abs() <= tolerance::inference::<F>() * rank);
        Ok(())
    })
}

/// A fit with Firth's penalty that converges ends where the gradient of the penalised likelihood is 0,
/// whatever the data.
pub fn firth<F: Float>(subject: Subjects<'_, F>, runner: &Runner) -> Check {
    runner.run(of(subject, tame::<F>()), |problem| {
        let backend = &subject.lend(&problem.x);
        let estimator = estimator(Setup { l2: 0.0, ..problem.setup });
        let firth = match estimator.firth(backend, &problem.y) {
            // Where rows barely outnumber columns its steps can be too slow; the fit says so.
            Err(Error::NotConverged { .. }) => return Ok(()),
            firth => must(firth)?,
        };
        let (estimates, rows) = (firth.estimates(), Rows::new(&problem, firth.model()));
        let covariance = known(&estimates.covariance_matrix());
        let count = estimates.values().len();
        let magnitude: Vec<f64> = covariance.iter().map(|c| c.abs()).collect();
        let (mut score, mut lost, mut terms) = (vec![0.0; count], 0.0f64, 1.0f64);
        for (a, z, y) in rows.iter() {
            let (_, residual) = loss_and_residual(z, y);
            let (_, p) = loss_and_residual(z, false);
            let leverage = p * (1.0 - p) * form(&covariance, a, a);
            let by = leverage * (0.5 - p) - residual;
            score.iter_mut().zip(a).for_each(|(sum, a)| *sum += by * a);
            // What the leverage loses here as its terms cancel, and the size of those of the logit.
            let size: Vec<f64> = a.iter().map(|a| a.abs()).collect();
            lost = lost.max(p * (1.0 - p) * form(&magnitude, &size, &size));
            let products = a.iter().zip(estimates.values());
            terms = terms.max(products.map(|(a, w)| (a * w).abs()).sum());
        }
        let distance = form(&covariance, &score, &score).max(0.0).sqrt();
        let bound = 10.0 * tolerance::inference::<F>() * terms + tolerance::dot::<f64>(64) * lost;
        prop_assert!(distance <= bound, "{distance:e} standard errors, beyond {bound:e}");
        Ok(())
    })
}

/// The rows with 1 for the intercept, their logits and labels.
pub(crate) struct Rows {
    rows: Vec<Vec<f64>>,
    logits: Vec<f64>,
    y: Vec<bool>,
}

impl Rows {
    pub(crate) fn new<F: Float>(problem: &Problem<F>, model: &Model<F>) -> Self {
        let intercept = problem.setup.fit_intercept.then_some(1.0);
        let row = |row: Vec<F>| row.iter().map(|x| x.widen()).chain(intercept).collect();
        let rows: Vec<Vec<f64>> = problem.x.rows().into_iter().map(row).collect();
        let mut weights: Vec<f64> = model.weights().iter().map(|w| w.widen()).collect();
        weights.push(model.intercept().widen());
        let logit = |row: &Vec<f64>| row.iter().zip(&weights).map(|(x, w)| x * w).sum();
        Self { logits: rows.iter().map(logit).collect(), rows, y: problem.y.clone() }
    }

    fn iter(&self) -> impl Iterator<Item = (&[f64], f64, bool)> {
        let rows = self.rows.iter().map(Vec::as_slice);
        rows.zip(&self.logits).zip(&self.y).map(|((row, z), y)| (row, *z, *y))
    }

    /// `Σᵢ pᵢ (1 - pᵢ) aᵢ aᵢᵀ`
    fn information(&self) -> Vec<f64> {
        self.sum(|z, _| 1.0 / ((1.0 + z.exp()) * (1.0 + (-z).exp())))
    }

    /// The tolerance, which grows with the logits and with what plain sums lose to the inflation of
    /// variances by correlated columns.
    fn rounding<F: Float>(&self, covariance: &[f64], count: usize) -> f64 {
        let information = self.information();
        let inflation = |k: usize| (information[k * count + k] * covariance[k * count + k]).sqrt();
        let inflation: f64 = (0..count).map(inflation).sum();
        let largest_logit = self.logits.iter().fold(0.0, |max: f64, z| max.max(z.abs()));
        let of_logits = tolerance::inference::<F>() * (1.0 + largest_logit);
        of_logits + tolerance::dot::<f64>(64) * inflation.powi(2)
    }

    /// `Σᵢ fᵢ aᵢ aᵢᵀ`
    fn sum(&self, factor: impl Fn(f64, bool) -> f64) -> Vec<f64> {
        let count = self.rows[0].len();
        let mut sum = vec![0.0; count * count];
        for (a, z, y) in self.iter() {
            let by = factor(z, y);
            for (at, sum) in sum.iter_mut().enumerate() {
                *sum += by * a[at / count] * a[at % count];
            }
        }
        sum
    }
}

fn is_inverse<F: Float>(rows: &Rows, inference: &Inference<'_, AnyBackend<'_, F>>) -> Outcome {
    let estimates = inference.estimates();
    let (count, left_out) = (estimates.values().len(), estimates.left_out());
    let covariance = known(&estimates.covariance_matrix());
    let information = rows.information();
    let rounding = rows.rounding::<F>(&covariance, count);
    for i in (0..count).filter(|i| !left_out.contains(i)) {
        for j in (0..count).filter(|j| !left_out.contains(j)) {
            let element = |k: usize| information[i * count + k] * covariance[k * count + j];
            let product: f64 = (0..count).map(element).sum();
            let size = (information[i * count + i] * covariance[j * count + j]).sqrt();
            let error = (product - f64::from(u8::from(i == j))).abs();
            let bound = rounding * size.max(1.0);
            prop_assert!(error <= bound, "element {i}, {j} of I V is off by {error:e}");
        }
    }
    Ok(())
}

fn is_sandwich<F: Float>(rows: &Rows, inference: &Inference<'_, AnyBackend<'_, F>>) -> Outcome {
    let estimates = inference.estimates();
    let robust = must(inference.robust(Robust::Hc0))?;
    let (count, left_out) = (estimates.values().len(), estimates.left_out());
    let covariance = known(&estimates.covariance_matrix());
    let meat = rows.sum(|z, y| loss_and_residual(z, y).1.powi(2));
    let rounding = rows.rounding::<F>(&covariance, count);
    let row = |i: usize| &covariance[i * count..][..count];
    for i in (0..count).filter(|i| !left_out.contains(i)) {
        for j in (0..count).filter(|j| !left_out.contains(j)) {
            let (got, want) = (robust.covariance(i, j), form(&meat, row(i), row(j)));
            let size = (form(&meat, row(i), row(i)) * form(&meat, row(j), row(j))).sqrt();
            let error = (got - want).abs();
            prop_assert!(error <= rounding * size, "{got:e} is not {want:e}");
        }
    }
    Ok(())
}

/// What is left out has no variance.
fn known(covariance: &[f64]) -> Vec<f64> {
    covariance.iter().map(|c| if c.is_nan() { 0.0 } else { *c }).collect()
}

/// `aᵀ·M·b`
fn form(matrix: &[f64], a: &[f64], b: &[f64]) -> f64 {
    let rows = matrix.chunks_exact(b.len());
    let row = |row: &[f64]| row.iter().zip(b).map(|(m, b)| m * b).sum::<f64>();
    rows.zip(a).map(|(m, a)| a * row(m)).sum()
}
