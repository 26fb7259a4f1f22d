//! A smaller case with the same fault.

use crate::case::Case;
use crate::judge::judge;
use crate::runs::Solver;
use crate::verdict::Fault;

/// Leaves out rows, columns and settings, and rounds numbers, as long as a fit by the solver has the
/// fault.
pub(crate) fn shrink(case: &Case, seed: u64, fault: Fault, solver: Option<Solver>) -> Case {
    let fails = |case: &Case| {
        case.has_both_classes()
            && judge(case, seed)
                .findings
                .iter()
                .any(|of| of.fault == fault && of.run.map(|run| run.solver) == solver)
    };
    let mut best = case.clone();
    loop {
        let smaller = settings(&best)
            .into_iter()
            .chain(rows(&best))
            .chain(columns(&best))
            .chain(rounded(&best))
            .find(|smaller| fails(smaller));
        match smaller {
            Some(smaller) => best = smaller,
            None => return best,
        }
    }
}

/// With a setting less.
fn settings(case: &Case) -> Vec<Case> {
    let mut simpler = Vec::new();
    if case.start.is_some() {
        simpler.push(Case { start: None, ..case.clone() });
    }
    if case.offsets.is_some() {
        simpler.push(Case { offsets: None, ..case.clone() });
    }
    if case.weights.is_some() {
        simpler.push(Case { weights: None, ..case.clone() });
    }
    if case.class_weights.is_some() {
        simpler.push(Case { class_weights: None, ..case.clone() });
    }
    if case.standardize {
        simpler.push(Case { standardize: false, ..case.clone() });
    }
    if case.single {
        simpler.push(Case { single: false, ..case.clone() });
    }
    if case.l1 > 0.0 && case.l2 > 0.0 {
        simpler.push(Case { l1: 0.0, ..case.clone() });
        simpler.push(Case { l2: 0.0, ..case.clone() });
    }
    simpler
}

/// With a half, a quarter, … a row less, from everywhere.
fn rows(case: &Case) -> impl Iterator<Item = Case> {
    let n = case.nrows();
    let chunks = std::iter::successors(Some(n / 2), |chunk| Some(chunk / 2));
    chunks.take_while(|&chunk| chunk > 0).flat_map(move |chunk| {
        (0..n).step_by(chunk).map(move |start| {
            let keep = |i: usize| i < start || i >= start + chunk;
            let kept = |values: &Option<Vec<f64>>| {
                let values = values.as_ref()?.iter().enumerate();
                Some(values.filter(|of| keep(of.0)).map(|of| *of.1).collect())
            };
            let x = case.x.iter().enumerate().filter(|of| keep(of.0));
            let y = case.y.iter().enumerate().filter(|of| keep(of.0));
            Case {
                x: x.map(|of| of.1.clone()).collect(),
                y: y.map(|of| *of.1).collect(),
                weights: kept(&case.weights),
                offsets: kept(&case.offsets),
                ..case.clone()
            }
        })
    })
}

/// With a column less.
fn columns(case: &Case) -> impl Iterator<Item = Case> {
    let some = if case.ncols() > 1 { case.ncols() } else { 0 };
    (0..some).map(|j| {
        let mut smaller = case.clone();
        for row in &mut smaller.x {
            row.remove(j);
        }
        if let Some((weights, _)) = &mut smaller.start {
            weights.remove(j);
        }
        smaller
    })
}

/// With few digits in every number, or in those of a column.
fn rounded(case: &Case) -> Vec<Case> {
    let short = |value: f64, digits: usize| -> f64 {
        format!("{value:.digits$e}").parse().expect("a number as it was printed")
    };
    let mut simpler = Vec::new();
    for digits in [0, 1, 2] {
        let mut all = case.clone();
        let rows = all.weights.iter_mut().chain(&mut all.offsets).flatten();
        let numbers = all.x.iter_mut().flatten().chain(rows).chain([&mut all.l1, &mut all.l2]);
        numbers.for_each(|value| *value = short(*value, digits));
        simpler.push(all);
        for j in 0..case.ncols() {
            let mut one = case.clone();
            one.x.iter_mut().for_each(|row| row[j] = short(row[j], digits));
            simpler.push(one);
        }
    }
    for simpler in &mut simpler {
        simpler.round();
    }
    let differs = |other: &Case| other.to_string() != case.to_string();
    // Rounding to more digits than there are changes nothing, and must not go on for ever.
    simpler.into_iter().filter(differs).filter(|other| digits(other) < digits(case)).collect()
}

/// How long the numbers are, printed.
fn digits(case: &Case) -> usize {
    let rows = case.weights.iter().chain(&case.offsets).flatten();
    let numbers = case.x.iter().flatten().chain(rows).chain([&case.l1, &case.l2]);
    // `f32` values print long as `f64`.
    let length = |value: &f64| match case.single {
        true => format!("{:e}", *value as f32).len(),
        false => format!("{value:e}").len(),
    };
    numbers.map(length).sum()
}
