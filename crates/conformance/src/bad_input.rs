//! Every kind of bad input is its own error, on any backend, and nothing panics.

use logit_core::{Backend, Error, Float, GradientDescent, LogisticRegression, Model};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use crate::any::{AnySubject, compile, of};
use crate::contract::Check;
use crate::matrix::{Layout, Matrix};
use crate::runner::{Outcome, Runner, close, must};
use crate::strategies::{layout, wild};

type Subjects<'s, F> = &'s dyn AnySubject<F>;

compile! { shapes_and_labels, settings, non_finite_features, overflow }

fn small<F: Float>() -> Matrix<F> {
    let values = [[1.0, -2.0], [0.5, 3.0], [-1.5, 0.25], [2.0, 1.0]];
    Matrix::from_rows(values.map(|row| row.map(F::narrow)))
}

fn descent() -> GradientDescent {
    GradientDescent::new()
}

/// The error of a call that must not succeed.
fn refused<T>(result: Result<T, Error>) -> Result<Error, TestCaseError> {
    result.err().ok_or_else(|| TestCaseError::fail("bad input was accepted"))
}

fn once(check: impl Fn() -> Outcome) -> Check {
    check().map_err(|error| error.to_string())
}

/// Empty matrices, labels that do not fit, labels of one class.
pub fn shapes_and_labels<F: Float>(subject: Subjects<'_, F>, _: &Runner) -> Check {
    let empty = |shape| Matrix::new(shape, Layout::default(), |_, _| F::one());
    let (no_rows, no_columns, x) = (empty((0, 3)), empty((3, 0)), small::<F>());
    let (no_rows, no_columns) = (&subject.lend(&no_rows), &subject.lend(&no_columns));
    let x = &subject.lend(&x);
    let fit = LogisticRegression::new();
    once(|| {
        prop_assert_eq!(refused(fit.fit(no_rows, [0u8; 0]))?, Error::NoRows);
        prop_assert_eq!(refused(fit.fit(no_columns, [0, 1, 0]))?, Error::NoColumns);
        for labels in [vec![], vec![0, 1, 0], vec![0, 1, 0, 1, 1]] {
            let expected = Error::LabelCount { rows: 4, labels: labels.len() };
            prop_assert_eq!(refused(fit.fit(x, labels))?, expected);
        }
        let expected = Error::LabelCount { rows: 4, labels: usize::MAX };
        prop_assert_eq!(refused(fit.fit(x, std::iter::repeat(1)))?, expected);
        let expected = Error::Label { row: 2, value: "-1".to_owned() };
        prop_assert_eq!(refused(fit.fit(x, [0, 1, -1, 2]))?, expected);
        let expected = Error::Label { row: 1, value: "NaN".to_owned() };
        prop_assert_eq!(refused(fit.fit(x, [0.0, f64::NAN, 1.0, 0.5]))?, expected);
        for class in [0, 1] {
            let expected = Error::OneClass { class };
            prop_assert_eq!(refused(fit.fit(x, [class; 4]))?, expected);
        }
        Ok(())
    })
}

/// Settings and initial parameters out of range.
pub fn settings<F: Float>(subject: Subjects<'_, F>, _: &Runner) -> Check {
    let x = small::<F>();
    let x = &subject.lend(&x);
    let y = [0, 1, 1, 0];
    let new = LogisticRegression::new;
    let fit = |estimator: LogisticRegression| refused(estimator.fit(x, y));
    let descend = |solver: GradientDescent| refused(new().solver(solver).fit(x, y));
    let is_setting = |error: Error, expected: &str| {
        prop_assert!(
            matches!(error, Error::Setting { name, .. } if name == expected),
            "{} instead of an error about {}",
            error,
            expected
        );
        Ok(())
    };
    once(|| {
        for rate in [0.0, -0.1, f64::NAN, f64::INFINITY, 1e-320 * F::epsilon().widen()] {
            is_setting(descend(descent().learning_rate(rate))?, "learning_rate")?;
        }
        for bad in [-1e-9, f64::NAN, f64::INFINITY] {
            is_setting(descend(descent().tolerance(bad))?, "tolerance")?;
            is_setting(fit(new().l2(bad))?, "l2")?;
        }
        is_setting(descend(descent().batch_size(0))?, "batch_size")?;
        is_setting(fit(new().fit_intercept(false).initial_intercept(1.0))?, "initial_intercept")?;
        for given in [0, 1, 3] {
            let expected = Error::InitialWeightCount { given, expected: 2 };
            prop_assert_eq!(fit(new().initial_weights(vec![0.5; given]))?, expected);
        }
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let error = fit(new().initial_weights([0.0, bad]))?.to_string();
            prop_assert!(error.starts_with(&format!("weight 1 is {bad}")), "{}", error);
            let error = fit(new().initial_intercept(bad))?.to_string();
            prop_assert!(error.starts_with(&format!("intercept is {bad}")), "{}", error);
        }
        let model = must(Model::new([F::one(), F::one()], F::zero()))?;
        for threshold in [-1e-9, 1.0 + 1e-9, f64::NAN] {
            is_setting(refused(model.predict_at(x, threshold))?, "threshold")?;
        }
        Ok(())
    })
}

/// A NaN or infinity in the matrix is found and named, at fit and at prediction.
pub fn non_finite_features<F: Float>(subject: Subjects<'_, F>, runner: &Runner) -> Check {
    let bad = prop_oneof![Just(F::nan()), Just(F::infinity()), Just(F::neg_infinity())];
    runner.run((of(subject, wild::<F>(2)), bad, layout()), |(problem, bad, layout)| {
        let (n, d) = (problem.x.nrows(), problem.x.ncols());
        let (row, column) = ((problem.seed % n as u64) as usize, problem.seed as usize / 7 % d);
        let mut x = problem.x.laid_out(layout);
        x.set(row, column, bad);
        let x = subject.represented(&x);
        if x.get(row, column).widen().to_bits() != bad.widen().to_bits() {
            return Ok(()); // Storage of few bits may have neither NaN nor infinity.
        }
        let backend = &subject.lend(&x);
        let is_named = |error: Error| {
            let named = matches!(error, Error::NonFiniteFeature { row: i, column: j, value }
                if (i, j) == (row, column) && value.to_bits() == bad.widen().to_bits());
            prop_assert!(named, "{} instead of row {}, column {}", error, row, column);
            Ok(())
        };
        let estimator =
            crate::algorithms::estimator(problem.setup).initial_weights(&problem.weights);
        is_named(refused(estimator.fit(backend, &problem.y))?)?;
        let model = must(Model::new(&problem.weights, problem.intercept))?;
        is_named(refused(model.predict(backend))?)
    })
}

/// Overflow ends a fit with the best parameters so far, and a prediction with the row.
pub fn overflow<F: Float>(subject: Subjects<'_, F>, _: &Runner) -> Check {
    let huge = F::max_value().sqrt() * F::narrow(2.0);
    let x = subject.represented(&Matrix::from_rows([[huge], [-huge], [huge]]));
    if x.get(0, 0) != huge {
        return Ok(()); // Storage of few bits has a smaller range.
    }
    let x = &subject.lend(&x);
    once(|| {
        let solver = descent().learning_rate(huge.widen() / 1e3).max_iterations(10);
        let estimator = LogisticRegression::new().fit_intercept(false).solver(solver);
        match refused(estimator.fit(x, [1, 0, 0]))? {
            Error::Diverged { iteration: 1, loss, best, best_loss, .. } => {
                prop_assert!(!loss.is_finite());
                prop_assert_eq!((best.weights(), best.intercept()), (&[0.0][..], 0.0));
                close("best loss", best_loss, std::f64::consts::LN_2, F::epsilon().widen())?;
            }
            error => prop_assert!(false, "{} instead of divergence", error),
        }
        let model = must(Model::new([huge], F::zero()))?;
        let expected = Error::NonFiniteLogit { row: 0, value: f64::INFINITY };
        prop_assert_eq!(model.decision_function(x).err(), Some(expected));
        let model = must(Model::new([F::one(), F::one()], F::zero()))?;
        let expected = Error::FeatureCount { given: 1, expected: 2 };
        prop_assert_eq!(refused(model.predict(x))?, expected);
        Ok(())
    })
}
