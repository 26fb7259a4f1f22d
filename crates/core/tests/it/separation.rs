//! Data with and without an optimum, told apart by every solver as a linear programme does.

use std::ops::ControlFlow;

use logit_conformance::Matrix;
use logit_core::{
    Backend, Error, Evaluation, Fit, Float, GradientDescent, Lbfgs, LogisticRegression, Model,
    Newton, Objective, ProximalNewton, Report, Solver, StopReason, Trace, TrustRegion,
};
use microlp::{ComparisonOp, OptimizationDirection, Problem, SolveOutcome};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

/// Rows exact in either precision, and how they are to be fitted.
#[derive(Clone, Debug)]
struct Case {
    rows: Vec<Vec<f64>>,
    y: Vec<bool>,
    weights: Vec<f64>,
    intercept: bool,
    standardize: bool,
}

/// Columns and labels of some kind.
fn case(kind: u8, seed: u64) -> Case {
    let rng = &mut Xoshiro256PlusPlus::seed_from_u64(seed);
    let (n, d) = (rng.random_range(12..70), rng.random_range(1..6));
    let tail = |x: f64| if kind == 3 { (1.55 * x).tan() } else { x };
    let mut rows: Vec<Vec<f64>> =
        (0..n).map(|_| (0..d).map(|_| tail(rng.random_range(-1.0..1.0))).collect()).collect();
    if kind >= 5 {
        // Few values, so that many rows lie on the same planes.
        let levels = rng.random_range(2..5);
        rows.iter_mut().flatten().for_each(|x| *x = f64::from(rng.random_range(0..levels)));
    }
    let side = |row: &[f64]| row.iter().sum::<f64>() - if kind >= 5 { d as f64 } else { 0.05 };
    let noise = match kind {
        0 | 1 | 5 => 0.0,
        _ => rng.random_range(0.0..1.0),
    };
    let mut y: Vec<bool> = rows
        .iter()
        .map(|row| match side(row) {
            0.0 => rng.random(),
            _ if rng.random_bool(noise) => rng.random(),
            side => side > 0.0,
        })
        .collect();
    match kind {
        // A row twice, with either label.
        1 => {
            let twice = rng.random_range(0..n);
            rows.push(rows[twice].clone());
            y.push(!y[twice]);
        }
        // A column that only rows of one class have, but perhaps one.
        2 => {
            let exception = rng.random_bool(0.3).then(|| rng.random_range(0..n));
            for (i, row) in rows.iter_mut().enumerate() {
                let has = y[i] && rng.random_bool(0.2) || exception == Some(i);
                row.push(f64::from(u8::from(has)));
            }
        }
        // Columns that say which category a row is of, all of them.
        7 => {
            let categories = rng.random_range(2..8);
            for row in &mut rows {
                let of = rng.random_range(0..categories);
                row.extend((0..categories).map(|k| f64::from(u8::from(k == of))));
            }
        }
        _ => {}
    }
    if rng.random_bool(0.3) {
        // Exact for whole numbers.
        let (scale, shift) = (2f64.powi(rng.random_range(-4..5)), rng.random_range(-50..50));
        let shift = f64::from(shift);
        rows.iter_mut().for_each(|row| row[0] = scale * (row[0] + shift));
    }
    rows.iter_mut().flatten().for_each(|x| *x = f64::from(*x as f32));
    let some = rng.random_bool(0.2);
    let weights = y.iter().map(|_| if some && rng.random_bool(0.2) { 0.0 } else { 1.0 }).collect();
    Case { rows, y, weights, intercept: rng.random_bool(0.8), standardize: rng.random() }
}

impl Case {
    /// The rows that count, with an element for the intercept, as many times -1 as labels are 0.
    fn signed(&self) -> Vec<Vec<f64>> {
        let counts = (0..self.y.len()).filter(|&i| self.weights[i] > 0.0);
        let signed = counts.map(|i| {
            let sign = if self.y[i] { 1.0 } else { -1.0 };
            let one = self.intercept.then_some(1.0);
            self.rows[i].iter().copied().chain(one).map(|x| sign * x).collect()
        });
        signed.collect()
    }

    fn has_both_classes(&self) -> bool {
        let counts = |class| (0..self.y.len()).any(|i| self.weights[i] > 0.0 && self.y[i] == class);
        counts(true) && counts(false)
    }

    /// How many rows a direction can move towards their class while none moves away, and of how
    /// many: the most of `Σ tᵢ` for `tᵢ ≤ 1` and `tᵢ ≤ ± aᵢ·u`.
    fn separable(&self) -> (usize, usize) {
        let rows = self.signed();
        let mut problem = Problem::new(OptimizationDirection::Maximize);
        let u: Vec<_> = rows[0]
            .iter()
            .map(|_| problem.add_var(0.0, (f64::NEG_INFINITY, f64::INFINITY)))
            .collect();
        let size = (0..rows[0].len())
            .map(|j| rows.iter().map(|row| row[j].abs()).fold(f64::MIN_POSITIVE, f64::max));
        let size: Vec<f64> = size.collect();
        for row in &rows {
            let t = problem.add_var(1.0, (0.0, 1.0));
            let terms = row.iter().zip(&size).map(|(x, size)| x / size);
            let terms: Vec<_> = u.iter().copied().zip(terms).chain([(t, -1.0)]).collect();
            problem.add_constraint(&*terms, ComparisonOp::Ge, 0.0);
        }
        let most = match problem.solve().expect("an answer") {
            SolveOutcome::Solution(solution) => solution.objective(),
            SolveOutcome::Interrupted(_) => unreachable!("without a limit"),
        };
        (most.round() as usize, rows.len())
    }

    fn fit<F: Float>(&self, solver: impl Solver) -> Result<(Report, f64), Error> {
        let value = |i: usize, j: usize| F::narrow(self.rows[i][j]);
        let x = Matrix::<F>::new((self.rows.len(), self.rows[0].len()), Default::default(), value);
        let estimator = LogisticRegression::new()
            .fit_intercept(self.intercept)
            .standardize(self.standardize)
            .sample_weights(&self.weights)
            .solver(solver);
        let fit = estimator.fit(&x, &self.y)?;
        let logits = fit.model.decision_function(&x)?;
        Ok((fit.report, logits.iter().fold(0.0, |max, z| z.widen().abs().max(max))))
    }

    /// Fails unless a solver finds out what the linear programme knows; one that is not `patient` may
    /// end before, with small logits or after the most iterations.
    fn check<F: Float>(&self, solver: impl Solver, patient: bool) -> Result<(), TestCaseError> {
        let (some, all) = self.separable();
        match self.fit::<F>(solver) {
            Ok((report, largest)) => {
                let ended = report.stop == StopReason::MaxIterations || largest <= 8.0;
                let may_end = some == 0 || !patient && ended;
                prop_assert!(may_end, "{some} of {all}, logits to {largest}: {report}");
            }
            Err(Error::Separated { complete, direction, .. }) => {
                prop_assert!(some > 0, "there is an optimum, not {direction:?}");
                prop_assert_eq!(complete, some == all);
                self.check_direction(complete, &direction)?;
            }
            Err(Error::Diverged { .. }) if !patient => {}
            Err(error) => prop_assert!(false, "{error}"),
        }
        Ok(())
    }

    /// Fails unless a direction moves rows towards their classes, and none away but by rounding.
    fn check_direction(&self, complete: bool, u: &Model<f64>) -> Result<(), TestCaseError> {
        let u: Vec<f64> = u.weights().iter().copied().chain([u.intercept()]).collect();
        let mut moved = false;
        for row in self.signed() {
            let terms = row.iter().zip(&u).map(|(x, u)| x * u);
            let (z, size) = terms.fold((0.0, 0.0), |(z, size), t: f64| (z + t, size + t.abs()));
            // Sixteen roundings, and that of the sum here.
            let rounding = 17.0 * u.len() as f64 * f64::EPSILON * size;
            prop_assert!(z >= -rounding && (z > 0.0 || !complete), "{z} of {size}");
            moved |= z > 1e-6 * size;
        }
        prop_assert!(moved || complete);
        Ok(())
    }
}

fn check_all<F: Float>(case: &Case) -> Result<(), TestCaseError> {
    case.check::<F>(Newton::new(), true)?;
    case.check::<F>(TrustRegion::new(), true)?;
    case.check::<F>(Lbfgs::new(), true)?;
    case.check::<F>(ProximalNewton::new(), true)?;
    let descent = GradientDescent::new().max_iterations(300);
    case.check::<F>(descent.clone().backtracking(), false)?;
    case.check::<F>(descent.clone().adaptive(), false)?;
    case.check::<F>(descent.learning_rate(0.5).nesterov(), false)
}

logit_conformance::properties! {
    #[test]
    fn every_solver_tells_what_a_linear_programme_does(kind in 0u8..8, seed: u64) {
        let case = case(kind, seed);
        prop_assume!(case.has_both_classes());
        check_all::<f64>(&case)?;
        check_all::<f32>(&case)?;
    }
}

fn quasi_separated<F: Float>(result: Result<Fit<F>, Error>) -> Model<f64> {
    match result {
        Err(Error::Separated { complete: false, direction, .. }) => *direction,
        other => panic!("{other:?}"),
    }
}

/// Of classes that overlap a few rows show it, whatever the others.
#[test]
fn large_logits_of_many_rows_cost_no_further_reads() {
    let rng = &mut Xoshiro256PlusPlus::seed_from_u64(5);
    let n = 100_000;
    let rows: Vec<Vec<f64>> =
        (0..n).map(|_| (0..3).map(|_| rng.random_range(-9.0..9.0)).collect()).collect();
    let y = rows.iter().map(|row| row[0] + row[1] + rng.random_range(-3.0..3.0) > 0.5);
    let y: Vec<bool> = y.collect();
    let x = Matrix::from_rows(&rows);
    let fit = LogisticRegression::new().fit(&x, &y).expect("an optimum");
    let logits = fit.model.decision_function(&x).expect("logits");
    assert!(logits.iter().any(|z| z.abs() > 15.0));
    assert!(fit.report.passes < 12.0, "{}", fit.report);
}

/// A category that one row of many is of, for the loss of which no solver goes on for long.
#[test]
fn one_row_of_many_is_found() {
    fn check<F: Float>(n: usize, solver: impl Solver) {
        let value = |i: usize, j: usize| match j {
            0 => F::narrow(((i * 7919) % 1000) as f64 / 1000.0),
            _ => F::narrow(f64::from(u8::from(i == 777))),
        };
        let x = Matrix::new((n, 2), Default::default(), value);
        let y = (0..n).map(|i| i == 777 || (i * 31) % 1000 < 300 + i % 400);
        let estimator = LogisticRegression::new().solver(solver);
        let direction = quasi_separated(estimator.fit(&x, y.collect::<Vec<bool>>()));
        assert!(direction.weights()[0] == 0.0 && direction.weights()[1] > 0.0);
        assert_eq!(direction.intercept(), 0.0);
    }
    check::<f64>(200_000, Newton::new());
    check::<f64>(200_000, TrustRegion::new());
    check::<f64>(200_000, Lbfgs::new());
}

#[test]
fn more_columns_than_second_derivatives_have_room_for() {
    let rng = &mut Xoshiro256PlusPlus::seed_from_u64(3);
    let (n, d) = (60, 1500);
    let mut rows: Vec<Vec<f64>> =
        (0..n).map(|_| (0..d).map(|_| rng.random_range(-1.0..1.0)).collect()).collect();
    let mut y: Vec<bool> = (0..n).map(|_| rng.random()).collect();
    rows.push(rows[0].clone());
    y.push(!y[0]);
    let direction = quasi_separated(LogisticRegression::new().fit(&Matrix::from_rows(&rows), &y));
    for (i, (row, &y)) in rows.iter().zip(&y).enumerate() {
        let z = row.iter().zip(direction.weights()).map(|(x, w)| x * w).sum::<f64>();
        let z = z + direction.intercept();
        assert!(if i % n == 0 { z.abs() < 1e-9 } else { (z > 1e-9) == y && z.abs() > 1e-9 }, "{z}");
    }
}

/// In whatever units they are.
#[test]
fn the_message_names_the_columns_that_separate_most_first() {
    let units = [1e6, 1.0, 1e-6, 1e3, 1.0, 1e9, 1e-3, 1.0];
    let rng = &mut Xoshiro256PlusPlus::seed_from_u64(8);
    let mut rows: Vec<Vec<f64>> =
        (0..200).map(|_| (0..8).map(|_| rng.random_range(-1.0..1.0)).collect()).collect();
    // Where there is a gap between the classes, the fit itself soon separates them.
    for gap in [0.0, 2.0] {
        let z = |row: &Vec<f64>| 8.0 * row[2] + 4.0 * row[5] + row[0];
        rows.retain(|row| z(row).abs() >= gap);
        let y: Vec<bool> = rows.iter().map(|row| z(row) > 0.0).collect();
        let x = Matrix::new((rows.len(), 8), Default::default(), |i, j| rows[i][j] * units[j]);
        let estimator = LogisticRegression::new();
        for error in [
            estimator.fit(&x, &y).unwrap_err(),
            estimator.clone().standardize(true).fit(&x, &y).unwrap_err(),
            estimator.clone().solver(Lbfgs::new()).fit(&x, &y).unwrap_err(),
        ] {
            let message = error.to_string();
            let Error::Separated { columns, .. } = error else { panic!("{message}") };
            assert_eq!((columns.len(), &columns[..2]), (8, &[2, 5][..]));
            let start = "the classes are separated by columns 2 (+inf), 5 (+inf), ";
            assert!(message.starts_with(start) && message.contains(" and 3 more: "), "{message}");
        }
    }
}

/// What a solver of one's own need not know.
#[test]
fn a_solver_of_ones_own_ends_with_the_same_error() {
    struct Steps(usize);

    impl Solver for Steps {
        fn check<F: Float>(&self) -> Result<(), Error> {
            Ok(())
        }

        fn minimize<B: Backend + ?Sized>(
            &self,
            objective: &mut Objective<'_, B>,
            start: Vec<B::Scalar>,
            trace: &mut Trace<'_, B::Scalar>,
        ) -> Result<(Evaluation<B::Scalar>, StopReason), Error> {
            let mut point = objective.evaluate(start);
            loop {
                trace.record(objective, &point)?;
                match trace.proceed(objective, self.0) {
                    // It goes no further whatever there is to gain.
                    Some(StopReason::MaxIterations) => return Ok((point, StopReason::Converged)),
                    Some(stop) => return Ok((point, stop)),
                    None => {}
                }
                let rate = B::Scalar::narrow(10.0);
                let downhill = |(at, slope): (&B::Scalar, &B::Scalar)| *at - rate * *slope;
                let at: Vec<_> =
                    point.parameters().iter().zip(point.gradient()).map(downhill).collect();
                point = objective.evaluate(at);
            }
        }
    }

    let x = Matrix::from_rows([[-2.0f64], [0.0], [0.0], [1.0]]);
    let estimator = |steps| LogisticRegression::new().solver(Steps(steps));
    let direction = quasi_separated(estimator(1000).fit(&x, [0, 0, 1, 1]));
    assert!(direction.weights()[0] > 0.0 && direction.intercept() == 0.0);
    // Few steps end where logits are ordinary, and so does an observer.
    assert!(estimator(3).fit(&x, [0, 0, 1, 1]).is_ok());
    let stop = |progress: &logit_core::Progress<'_, f64>| match progress.iteration {
        999 => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    let report = estimator(1000).fit_observed(&x, [0, 0, 1, 1], stop).expect("a fit").report;
    assert_eq!(report.stop, StopReason::Observer);
}
