//! A report tells of the point that a solver of one's own returns, whatever it has evaluated or recorded.

use std::any::Any;
use std::cell::RefCell;

use logit_conformance::Matrix;
use logit_core::{
    Backend, Error, Evaluation, Fit, Float, LogisticRegression, Objective, Solver, StopReason,
    Trace,
};

/// What a careless solver does.
#[derive(Clone, Copy, PartialEq)]
enum Habit {
    /// Evaluates another point between an evaluation and its record.
    LooksAside,
    /// Records nothing.
    Silent,
    /// Moves once more after the last record.
    MovesOn,
    /// Returns what it found in the fit before.
    Recalls,
}

/// Gradient descent with a habit.
struct Careless {
    habit: Habit,
    memory: RefCell<Option<Box<dyn Any>>>,
}

impl Careless {
    fn new(habit: Habit) -> Self {
        Self { habit, memory: RefCell::default() }
    }
}

fn moved<F: Float>(point: &Evaluation<F>) -> Vec<F> {
    let rate = F::narrow(0.5);
    let downhill = |(at, slope): (&F, &F)| *at - rate * *slope;
    point.parameters().iter().zip(point.gradient()).map(downhill).collect()
}

impl Solver for &Careless {
    fn check<F: Float>(&self) -> Result<(), Error> {
        Ok(())
    }

    fn minimize<B: Backend + ?Sized>(
        &self,
        objective: &mut Objective<'_, B>,
        start: Vec<B::Scalar>,
        trace: &mut Trace<'_, B::Scalar>,
    ) -> Result<(Evaluation<B::Scalar>, StopReason), Error> {
        let zeros = vec![B::Scalar::default(); start.len()];
        let mut point = objective.evaluate(start);
        for _ in 0..500 {
            if self.habit == Habit::LooksAside {
                objective.evaluate(&zeros[..]);
            }
            if self.habit != Habit::Silent {
                trace.record(objective, &point)?;
            }
            point = objective.evaluate(moved(&point));
        }
        if self.habit == Habit::LooksAside {
            trace.record(objective, &point)?;
            objective.evaluate(&zeros[..]);
        }
        if let Some(before) = self.memory.replace(Some(Box::new(point.clone()))) {
            point = *before.downcast().expect("a point of the same precision");
        }
        Ok((point, StopReason::Converged))
    }
}

fn overlapping() -> (Matrix<f64>, [u8; 6]) {
    (Matrix::from_rows([[-2.0], [-1.0], [0.5], [0.0], [1.0], [2.0]]), [0, 0, 0, 1, 1, 1])
}

/// Whether a fit's report tells the loss and the gradient at its model.
fn tells_of_its_model(estimator: &LogisticRegression, fit: &Fit<f64>) {
    let (x, y) = overlapping();
    let at = [fit.model.weights(), &[fit.model.intercept()]].concat();
    let found = estimator.objective(&x, y).expect("valid").evaluate(at);
    assert_eq!(fit.report.loss, found.loss());
    assert_eq!(fit.report.gradient_norm, found.gradient_norm());
    assert!(fit.report.best_loss <= found.loss());
}

#[test]
fn a_report_tells_of_the_point_returned() {
    let (x, y) = overlapping();
    let estimator = LogisticRegression::new().l2(0.1);
    for habit in [Habit::LooksAside, Habit::Silent, Habit::MovesOn] {
        let solver = Careless::new(habit);
        let fit = estimator.clone().solver(&solver).fit(&x, y).expect("a fit");
        tells_of_its_model(&estimator, &fit);
    }
}

#[test]
fn a_point_of_another_objective_is_evaluated_anew() {
    let (x, y) = overlapping();
    let solver = Careless::new(Habit::Recalls);
    let weak = LogisticRegression::new().l2(0.1).solver(&solver).fit(&x, y).expect("a fit");
    let strong = LogisticRegression::new().l2(2.0);
    let fit = strong.clone().solver(&solver).fit(&x, y).expect("a fit");
    assert_eq!(fit.model, weak.model);
    assert!(fit.report.loss > weak.report.loss);
    tells_of_its_model(&strong, &fit);
}

#[test]
fn separated_classes_are_told_however_a_solver_looks_aside() {
    let x = Matrix::from_rows([[-3.0], [-2.0], [2.0], [300.0]]);
    for habit in [Habit::LooksAside, Habit::Silent, Habit::MovesOn] {
        let solver = Careless::new(habit);
        let fit = LogisticRegression::new().solver(&solver).fit(&x, [0, 0, 1, 1]);
        assert!(matches!(fit, Err(Error::Separated { .. })), "{:?}", fit.map(|fit| fit.model));
    }
}
