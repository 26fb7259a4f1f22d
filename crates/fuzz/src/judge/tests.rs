//! What is planted in right answers is found.

use super::*;
use crate::draw::Kind;
use crate::runs::{Layout, Run};

const RUN: Run = Run { solver: Solver::Auto, layout: Layout::Rows, single: false, repeated: false };

fn faults(case: &Case, outcome: Outcome) -> Vec<Fault> {
    let answer = Answer { run: RUN, outcome, seconds: 0.0 };
    let mut verdict = Verdict::default();
    Judge { case, verdict: &mut verdict }.all(&[&answer]);
    assert!(!verdict.open);
    verdict.findings.iter().map(|finding| finding.fault).collect()
}

/// An ordinary problem, with its right answer changed by `plant`.
fn planted(plant: impl Fn(&mut Vec<f64>, &mut f64, &mut Report)) -> Vec<Fault> {
    let case = Case { single: false, l1: 0.0, l2: 0.01, ..Kind::Normals.draw(5) };
    let case = Case { intercept: true, standardize: false, ..case };
    let Outcome::Fit { mut weights, mut intercept, mut report } = RUN.answer(&case).outcome else {
        panic!("a fit");
    };
    plant(&mut weights, &mut intercept, &mut report);
    faults(&case, Outcome::Fit { weights, intercept, report })
}

#[test]
fn what_is_right_is_found_right() {
    assert_eq!(planted(|_, _, _| {}), []);
}

#[test]
fn what_is_planted_is_found() {
    assert_eq!(planted(|_, _, report| report.loss += 1e-12), [Fault::ReportedLoss]);
    assert_eq!(
        planted(|w, _, _| w[0] += 1e-4)[..],
        [Fault::ReportedLoss, Fault::Estimate, Fault::Bound, Fault::Converged, Fault::Coefficients,]
    );
    // What prints the truth and does not call it converged is right.
    let far = |w: &mut Vec<f64>, _: &mut f64, report: &mut Report| {
        w[0] += 1e-3;
        (report.suboptimality, report.suboptimality_bound) = (Some(1.0), None);
        report.stop = StopReason::PrecisionLimit;
    };
    assert_eq!(planted(far), [Fault::ReportedLoss, Fault::PrecisionLimit]);
    let nan = |_: &mut Vec<f64>, _: &mut f64, report: &mut Report| {
        report.suboptimality = Some(f64::NAN);
        report.passes = 61.0;
    };
    assert_eq!(planted(nan), [Fault::Estimate, Fault::Passes]);
}

/// Three rows of class 0 below three of class 1 on a line, beside another column.
fn separated(overlap: bool) -> Case {
    let mut x: Vec<Vec<f64>> = (0..6).map(|i| vec![f64::from(i), f64::from(i * i % 4)]).collect();
    let mut y: Vec<bool> = (0..6).map(|i| i >= 3).collect();
    if overlap {
        // Of either class on the line between, and beyond it.
        x.extend([vec![1.0, 1.0], vec![4.0, 0.0], vec![2.0, 3.0], vec![2.0, -3.0]]);
        y.extend([true, false, true, true]);
    }
    Case { x, y, intercept: true, ..Case::default() }
}

#[test]
fn separation_is_judged_both_ways() {
    for overlap in [false, true] {
        let case = separated(overlap);
        let right = RUN.answer(&case).outcome;
        assert_eq!(faults(&case, right), []);
    }
    let Outcome::Fit { weights, intercept, report } = RUN.answer(&separated(true)).outcome else {
        panic!("a fit");
    };
    let model = Outcome::Fit { weights, intercept, report };
    assert_eq!(faults(&separated(false), model), [Fault::ReportedLoss, Fault::Missed]);
    let error = RUN.answer(&separated(false)).outcome;
    assert_eq!(faults(&separated(true), error), [Fault::Separated]);
}

#[test]
fn weights_of_rounding_errors_are_noise() {
    let shares = [-0.1149128715554788, -0.11491287155547875];
    let x = shares.map(|x| vec![x]).into();
    let weights = Some(vec![23.7, 926.5]);
    let case = Case { x, y: vec![false, true], weights, intercept: true, ..Case::default() };
    let case = Case { l2: 1e-40, ..case };
    let Outcome::Fit { report, .. } = planted_report() else { panic!("a fit") };
    let outcome = Outcome::Fit { weights: vec![1e17], intercept: 1.149e16, report };
    assert!(faults(&case, outcome).contains(&Fault::Noise));
}

fn planted_report() -> Outcome {
    RUN.answer(&separated(true)).outcome
}
