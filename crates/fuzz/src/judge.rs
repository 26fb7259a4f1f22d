//! What must hold of every answer, judged without the library.

use logit::{Error, Report, StopReason};

use crate::case::Case;
use crate::coefficients::{Coefficients, Tolerated};
use crate::dd::Dd;
use crate::problem::{DEPENDENT, Loss, Problem};
use crate::reference::Minimum;
use crate::runs::{Answer, Outcome, Solver, path, plan};
use crate::separation::{Truth, decide, holds};
use crate::verdict::{Fault, Finding, Verdict, within};

/// More passes than any problem may take.
const MOST_PASSES: f64 = 60.0;
/// Longer than any fit of these sizes may take, in seconds.
const MOST_SECONDS: f64 = 10.0;
/// Losses are sums of blocks in the precision of the fit, of up to some hundred rows a lane.
const SUM_ERROR: f64 = 256.0;
/// At the precision's limit a fit may be off by so many roundings of its loss.
const LIMIT_ERROR: f64 = 16.0;
/// A model whose logits may be off by 0.4 owes its loss to rounding errors.
const MOST_NOISE: f64 = 0.02;
/// Weights at the minimum that owe less than this to rounding errors owe nothing to them.
const NO_NOISE: f64 = 1e-17;
/// A fit is converged if it is within this multiple of its tolerance.
const CONVERGED: f64 = 10.0;

/// Fits a case in all ways and judges the answers.
pub(crate) fn judge(case: &Case, seed: u64) -> Verdict {
    let answers: Vec<Answer> = plan(case, seed).into_iter().map(|run| run.answer(case)).collect();
    let mut verdict = Verdict { fits: answers.len(), ..Verdict::default() };
    // What counts as rounding is a matter of the precision in which the data is given.
    for single in [false, true] {
        let of_precision = answers.iter().filter(|answer| answer.run.single == single);
        let of_precision: Vec<&Answer> = of_precision.collect();
        if !of_precision.is_empty() {
            let case = Case { single, ..case.clone() };
            Judge { case: &case, verdict: &mut verdict }.all(&of_precision);
        }
    }
    if case.penalized() && seed.is_multiple_of(4) {
        for (case, answer) in path(case) {
            verdict.fits += 1;
            Judge { case: &case, verdict: &mut verdict }.all(&[&answer]);
        }
    }
    verdict
}

/// The least loss that makes no use of rounding errors in the features: without those of columns
/// that depend on others, and with what they cost in others.
fn enough(problem: &Problem, minimum: &Minimum) -> Dd {
    let cleaned = problem.cleaned().minimize(problem.origin(), 300).loss;
    let robust = problem.robust().minimize(minimum.at.clone(), 100);
    cleaned.max(problem.loss_at(&robust.at))
}

/// Of the answers in one precision.
struct Judge<'a> {
    case: &'a Case,
    verdict: &'a mut Verdict,
}

/// An answer that is a model.
struct Fitted<'a> {
    answer: &'a Answer,
    weights: &'a [f64],
    intercept: f64,
    report: &'a Report,
    loss: Loss,
}

impl Judge<'_> {
    fn fail(&mut self, fault: Fault, answer: &Answer, text: String) {
        self.verdict.findings.push(Finding { fault, run: Some(answer.run), text });
    }

    fn all(&mut self, answers: &[&Answer]) {
        if !self.case.has_both_classes() {
            return self.one_class(answers);
        }
        let problem = Problem::new(self.case);
        if problem.doubtful {
            self.verdict.open = true;
            return;
        }
        let fitted = self.fitted(&problem, answers);
        let minimum = self.minimum(&problem, &fitted);
        let truth = match self.case.penalized() {
            true => Truth::Overlap,
            false => decide(&problem, &minimum),
        };
        self.verdict.log.push(format!(
            "minimum {:.17e}, promised {:.1e} of it, largest logit {:.3}, {truth:?}",
            minimum.loss.hi, minimum.promised, minimum.largest_logit
        ));
        if !minimum.loss.is_finite() {
            // The squares of such scales are out of the reference's range.
            self.verdict.open = true;
            return;
        }
        self.verdict.open |= truth == Truth::Open || truth == Truth::Overlap && !minimum.is_found();
        for &answer in answers {
            self.errors(&problem, answer, truth);
        }
        self.layouts(answers);
        for fit in &fitted {
            self.reported_loss(fit);
            if truth != Truth::Separated {
                self.model(&problem, fit);
            }
        }
        match truth {
            Truth::Overlap => self.overlap(&problem, &fitted, &minimum),
            Truth::Separated => fitted.iter().for_each(|fit| self.missed(fit)),
            Truth::SeparatedByRounding => self.distances(&fitted, enough(&problem, &minimum)),
            Truth::Open => {}
        }
    }

    /// Of data with a minimum.
    fn overlap(&mut self, problem: &Problem, fitted: &[Fitted<'_>], minimum: &Minimum) {
        let (weights, intercept) = problem.rounded_model(&minimum.at);
        let noise = problem.loss_of(&weights, intercept).noise * DEPENDENT * DEPENDENT;
        let uses_all = fitted.iter().all(|fit| fit.report.left_out.is_empty());
        let enough = match noise < NO_NOISE && uses_all {
            true => minimum.loss,
            false => enough(problem, minimum),
        };
        let sound = fitted.iter().filter(|fit| fit.loss.noise <= MOST_NOISE);
        let lowest = sound.map(|fit| fit.loss.value).fold(minimum.loss, Dd::min);
        self.distances(fitted, lowest.max(enough));
        if let Some(coefficients) = Coefficients::of(problem, minimum) {
            self.coefficients(fitted, &coefficients);
        }
    }

    fn one_class(&mut self, answers: &[&Answer]) {
        for &answer in answers {
            match &answer.outcome {
                Outcome::Error(Error::OneClass { .. } | Error::NoWeight) => {}
                other => self.fail(Fault::Error, answer, format!("one class, and {other}")),
            }
        }
    }

    fn fitted<'a>(&mut self, problem: &Problem, answers: &[&'a Answer]) -> Vec<Fitted<'a>> {
        let mut fitted = Vec::new();
        for &answer in answers {
            if answer.seconds > MOST_SECONDS {
                self.fail(Fault::Slow, answer, format!("{:.1} s", answer.seconds));
            }
            if let Outcome::Fit { weights, intercept, report } = &answer.outcome {
                let loss = problem.loss_of(weights, *intercept);
                self.verdict.log.push(format!(
                    "{}: {}, {} iterations, {:.1} passes, loss {:.17e} ± {:.1e}, about {:?}, at most {:?}, \
                     noise {:.1e}, weights {:?}, intercept {intercept:?}",
                    answer.run,
                    report.stop,
                    report.iterations,
                    report.passes,
                    loss.value.hi,
                    loss.rounding,
                    report.suboptimality,
                    report.suboptimality_bound,
                    loss.noise,
                    &weights[..weights.len().min(8)]
                ));
                let intercept = *intercept;
                fitted.push(Fitted { answer, weights, intercept, report, loss });
            } else {
                self.verdict.log.push(format!("{}: {}", answer.run, answer.outcome));
            }
        }
        fitted
    }

    /// The lower of where the reference comes from the best answer and from the origin.
    fn minimum(&self, problem: &Problem, fitted: &[Fitted<'_>]) -> Minimum {
        let best = fitted
            .iter()
            .filter(|fit| fit.loss.noise <= MOST_NOISE && fit.loss.value.is_finite())
            .min_by(|a, b| a.loss.value.hi.total_cmp(&b.loss.value.hi));
        let iterations = if self.case.penalized() { 300 } else { 100 };
        let from_origin = problem.minimize(problem.origin(), iterations);
        let Some(best) = best else { return from_origin };
        if from_origin.is_found() && from_origin.loss <= best.loss.value {
            return from_origin;
        }
        let start = problem.point(best.weights, best.intercept);
        let from_best = problem.minimize(start, iterations);
        // Where neither is found the way from the origin is the one that knows directions.
        let better = from_best.is_found() && !from_origin.is_found()
            || from_best.is_found() == from_origin.is_found() && from_best.loss < from_origin.loss;
        if better { from_best } else { from_origin }
    }

    fn errors(&mut self, problem: &Problem, answer: &Answer, truth: Truth) {
        match &answer.outcome {
            Outcome::Fit { .. } => {}
            Outcome::Panic(text) => self.fail(Fault::Panic, answer, text.clone()),
            Outcome::Error(Error::Separated { direction, .. }) => {
                let right = !self.case.penalized()
                    && holds(problem, direction.weights(), direction.intercept(), truth);
                if !right {
                    let text = format!("{truth:?}, and the direction found is {direction:?}");
                    self.fail(Fault::Separated, answer, text);
                }
            }
            Outcome::Error(error) if self.is_documented(problem, error) => {}
            Outcome::Error(error) => self.fail(Fault::Error, answer, format!("{error:?}: {error}")),
        }
    }

    /// Whether weights are as far apart as the error says, and further than the documentation of
    /// `sample_weights` has it.
    fn is_documented(&self, problem: &Problem, error: &Error) -> bool {
        let (class_share, row_ratio) =
            if self.case.single { (1e-25, 1e-37) } else { (1e-140, 1e-307) };
        match *error {
            Error::ClassShare { class, share, .. } => {
                let own = problem.class_share(class == 1);
                own < 1.01 * class_share && (share - own).abs() <= 1e-6 * own
            }
            Error::RowSetting { name: "sample weight", .. } => problem.weight_ratio() < row_ratio,
            _ => false,
        }
    }

    /// The same solver must say the same in every layout.
    fn layouts(&mut self, answers: &[&Answer]) {
        let separated =
            |answer: &&Answer| matches!(answer.outcome, Outcome::Error(Error::Separated { .. }));
        let default = answers.iter().copied().filter(|answer| answer.run.solver == Solver::Auto);
        let (yes, no): (Vec<&Answer>, Vec<&Answer>) = default.partition(separated);
        if let (Some(yes), Some(no)) = (yes.first(), no.first()) {
            self.fail(Fault::Layouts, yes, format!("separated, but not {}", no.run));
        }
    }

    fn missed(&mut self, fit: &Fitted<'_>) {
        let stop = fit.report.stop;
        // Gradient descent may just be told to stop.
        if stop != StopReason::MaxIterations || fit.answer.run.solver != Solver::GradientDescent {
            let text = format!("{stop} at loss {:.3e}, and classes are separated", fit.report.loss);
            self.fail(Fault::Missed, fit.answer, text);
        }
    }

    /// How far the answers are above a loss, and how far they say they are.
    fn distances(&mut self, fitted: &[Fitted<'_>], enough: Dd) {
        for fit in fitted {
            let distance = (fit.loss.value - enough).hi;
            self.printed(fit, distance);
            self.stop(fit, distance);
        }
    }

    fn reported_loss(&mut self, fit: &Fitted<'_>) {
        let Fitted { report, loss, .. } = fit;
        let error = 2.0 * loss.rounding + SUM_ERROR * self.case.unit_roundoff() * loss.value.hi;
        let off = (report.loss - loss.value.hi).abs();
        if !within(off, error) {
            let text = format!(
                "reports {:e}, is {:e}: off by {off:.1e}, may be by {error:.1e}",
                report.loss, loss.value.hi
            );
            self.fail(Fault::ReportedLoss, fit.answer, text);
        }
    }

    /// What the report says of the distance.
    fn printed(&mut self, fit: &Fitted<'_>, distance: f64) {
        let Fitted { report, loss, .. } = fit;
        let stop = report.stop;
        for (fault, printed) in
            [(Fault::Estimate, report.suboptimality), (Fault::Bound, report.suboptimality_bound)]
        {
            // NaN is no estimate.
            let false_ = |&printed: &f64| !within(distance, printed + loss.rounding);
            if let Some(printed) = printed.filter(false_) {
                let text = format!(
                    "{stop}, prints {printed:.2e}, is {distance:.2e} above the minimum {:.6e} \
                     (rounding {:.1e})",
                    loss.value.hi - distance,
                    loss.rounding
                );
                self.fail(fault, fit.answer, text);
            }
        }
    }

    /// Whether the reason to stop is true.
    fn stop(&mut self, fit: &Fitted<'_>, distance: f64) {
        let Fitted { report, loss, answer, .. } = fit;
        let tolerated = CONVERGED * answer.run.solver.tolerance(self.case) * loss.value.hi;
        let (fault, allowed) = match report.stop {
            StopReason::Converged => (Fault::Converged, tolerated + loss.rounding),
            StopReason::PrecisionLimit => {
                (Fault::PrecisionLimit, tolerated + LIMIT_ERROR * loss.rounding)
            }
            _ => (Fault::Iterations, 0.0),
        };
        let descent = answer.run.solver == Solver::GradientDescent;
        let ended_early = fault == Fault::Iterations;
        if !descent && (ended_early || !within(distance, allowed)) {
            let text = format!(
                "after {} iterations {distance:.2e} above the minimum {:.6e}, allowed {allowed:.1e}",
                report.iterations,
                loss.value.hi - distance
            );
            self.fail(fault, answer, text);
        }
        let default = matches!(answer.run.solver, Solver::Auto | Solver::Path);
        if default && report.passes > MOST_PASSES {
            self.fail(Fault::Passes, answer, format!("{:.0} passes", report.passes));
        }
    }

    /// Whether weights are where there is something to weigh.
    fn model(&mut self, problem: &Problem, fit: &Fitted<'_>) {
        if !within(fit.loss.noise, MOST_NOISE) {
            let text = format!(
                "rounding errors of the features change the loss by {:.1e}; weights {:?}, intercept {:e}",
                fit.loss.noise, fit.weights, fit.intercept
            );
            self.fail(Fault::Noise, fit.answer, text);
        }
        let constant = problem.constant.iter().zip(fit.weights).position(|(&c, &w)| c && w != 0.0);
        if let Some(j) = constant {
            let text = format!("weight {j} is {:e}", fit.weights[j]);
            self.fail(Fault::Constant, fit.answer, text);
        }
    }

    fn coefficients(&mut self, fitted: &[Fitted<'_>], coefficients: &Coefficients) {
        for fit in fitted.iter().filter(|fit| tells_coefficients(fit)) {
            if let Some(Tolerated { name, got, expected, tolerated }) =
                coefficients.off(fit.weights, fit.intercept)
            {
                let text =
                    format!("{name} is {got:e}, expected {expected:e} within {tolerated:.1e}");
                self.fail(Fault::Coefficients, fit.answer, text);
            }
        }
    }
}

/// Whether the fit is one whose coefficients are promised: of the default solver, in `f64`.
fn tells_coefficients(fit: &Fitted<'_>) -> bool {
    fit.answer.run.solver == Solver::Auto
        && !fit.answer.run.single
        && fit.report.stop == StopReason::Converged
}

#[cfg(test)]
mod tests;
