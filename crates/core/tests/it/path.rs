//! Regularisation paths and cross-validation as a caller sees them.

use logit_conformance::Matrix;
use logit_core::{
    Backend, CrossValidated, CrossValidation, Error, Fit, Float, LogisticRegression, Newton, Path,
    metrics,
};

fn value(i: usize, j: usize) -> f64 {
    ((i * 37 + j * 61) as f64 * 0.7).sin() + (i as f64 * (j + 1) as f64 * 0.11).cos()
}

fn data<F: Float>(n: usize, d: usize) -> (Matrix<F>, Vec<bool>) {
    let x = Matrix::new((n, d), Default::default(), |i, j| F::narrow(value(i, j)));
    let y = (0..n).map(|i| value(i, 0) - 0.5 * value(i, 2) + (i as f64 * 1.7).sin() > 0.7);
    (x, y.collect())
}

fn new() -> LogisticRegression {
    LogisticRegression::new()
}

fn kept<F: Float>(fit: &Fit<F>) -> usize {
    fit.model.weights().iter().filter(|w| **w != F::zero()).count()
}

fn begins_with_nothing<F: Float>(estimator: &LogisticRegression, l1_ratio: f64) {
    let (x, y) = data::<F>(90, 6);
    let path = Path::new().l1_ratio(l1_ratio).steps(2).least_ratio(0.99);
    let path = path.fit(estimator, &x, &y).expect("a path");
    assert_eq!(kept(&path.fits[0]), 0, "{:?}", path.fits[0].model);
    assert_eq!(kept(&path.fits[1]), 1, "{:?}", path.fits[1].model);
}

#[test]
fn the_largest_strength_is_the_least_without_weights() {
    let weights = |i: usize| (i % 3) as f64;
    let offsets = |i: usize| 2.0 * value(i, 7) - 3.0;
    for standardize in [false, true] {
        for fit_intercept in [false, true] {
            let estimator = new().standardize(standardize).fit_intercept(fit_intercept);
            for l1_ratio in [1.0, 0.4] {
                begins_with_nothing::<f64>(&estimator, l1_ratio);
                begins_with_nothing::<f32>(&estimator, l1_ratio);
                let estimator = estimator.clone().sample_weights((0..90).map(weights));
                begins_with_nothing::<f64>(&estimator.offsets((0..90).map(offsets)), l1_ratio);
            }
        }
    }
}

#[test]
fn strengths_are_those_of_glmnet() {
    let (x, y) = data::<f64>(90, 6);
    let lasso = Path::new().fit(&new(), &x, &y).expect("a path").strengths;
    assert_eq!(lasso.len(), 100);
    assert!((lasso[99] / lasso[0] / 1e-4 - 1.0).abs() < 1e-9);
    assert!((lasso[1] / lasso[0] - lasso[99] / lasso[98]).abs() < 1e-9);
    let ridge = Path::new().l1_ratio(0.0).steps(3).fit(&new(), &x, &y).expect("a path");
    assert!((ridge.strengths[0] / lasso[0] / 1000.0 - 1.0).abs() < 1e-9);
    assert!(ridge.fits.iter().all(|fit| kept(fit) == 6));
    let (x, y) = data::<f64>(20, 30);
    let wide = Path::new().steps(3).fit(&new(), &x, &y).expect("a path").strengths;
    assert!((wide[2] / wide[0] / 1e-2 - 1.0).abs() < 1e-9);
    let one = Path::new().steps(1).fit(&new(), &x, &y).expect("a path").strengths;
    assert_eq!(one, wide[..1]);
}

#[test]
fn every_fit_of_a_path_is_that_of_its_strength() {
    let (x, y) = data::<f64>(90, 6);
    for l1_ratio in [1.0, 0.3, 0.0] {
        let estimator = new().standardize(true);
        let path =
            Path::new().l1_ratio(l1_ratio).steps(12).fit(&estimator, &x, &y).expect("a path");
        for (strength, fit) in path.strengths.iter().zip(&path.fits) {
            let estimator =
                estimator.clone().l1(l1_ratio * strength).l2((1.0 - l1_ratio) * strength);
            let alone = estimator.fit(&x, &y).expect("a fit");
            for (a, b) in fit.model.weights().iter().zip(alone.model.weights()) {
                assert!((a - b).abs() < 1e-6 && (*a == 0.0) == (*b == 0.0), "{a} and {b}");
            }
            assert!((fit.report.loss - alone.report.loss).abs() < 1e-12);
        }
    }
}

#[test]
fn the_penalised_loss_falls_with_the_strength() {
    let (x, y) = data::<f64>(40, 60);
    for l1_ratio in [1.0, 0.5] {
        let path = Path::new().l1_ratio(l1_ratio).steps(30).fit(&new(), &x, &y).expect("a path");
        let losses: Vec<f64> = path.fits.iter().map(|fit| fit.report.loss).collect();
        assert!(losses.is_sorted_by(|a, b| a > b), "{losses:?}");
    }
}

#[test]
fn columns_that_tell_nothing_have_a_path_of_zeros() {
    let x = Matrix::from_rows([[1.0], [1.0], [1.0], [1.0]]);
    let estimator = new().standardize(true);
    let path = Path::new().steps(3).fit(&estimator, &x, [0, 1, 1, 1]).expect("a path");
    assert!(path.fits.iter().all(|fit| kept(fit) == 0));
    assert!((path.fits[2].model.intercept() - 3f64.ln()).abs() < 1e-9);
}

/// Whatever the rounding of the slopes makes of a grid.
#[test]
fn a_constant_column_has_a_ridge_path_of_zeros() {
    fn check<F: Float>(n: usize, value: f64, estimator: &LogisticRegression) {
        let x = Matrix::new((n, 1), Default::default(), |_, _| F::narrow(value));
        let y = (0..n).map(|i| i % 5 == 1 || i % 7 == 2);
        for l1_ratio in [0.0, 0.5] {
            let path = Path::new().l1_ratio(l1_ratio).steps(7).fit(estimator, &x, y.clone());
            for fit in path.expect("a path").fits {
                // What it adds to the logits.
                let moved = (fit.model.weights()[0].widen() * value).abs();
                let within = f64::max(1e-9, 1e3 * F::epsilon().widen());
                assert!(moved < within, "{moved} of {n} times {value}: {}", fit.report);
            }
        }
    }
    for n in [7, 9, 11, 23, 49, 101] {
        for value in [1.0, 0.1, -3.7e-5, 1.0 / 3.0, 12345.678] {
            check::<f64>(n, value, &new());
            check::<f64>(n, value, &new().standardize(true));
            check::<f32>(n, value, &new());
        }
    }
}

#[test]
fn a_least_ratio_below_rounding_is_an_error() {
    let (x, y) = data::<f64>(90, 6);
    let (single, _) = data::<f32>(90, 6);
    let path = |least| Path::new().steps(9).least_ratio(least);
    let validation = |least| CrossValidation::new().path(path(least));
    for least in [1e-300, 1e-14, 0.0, f64::NAN, 1.0] {
        let errors = [
            path(least).fit(&new(), &x, &y).unwrap_err(),
            path(least).fit(&new(), &single, &y).unwrap_err(),
            validation(least).fit(&new(), &x, &y).unwrap_err(),
        ];
        for error in errors {
            let expected = format!(
                "least_ratio is {least:?}: it must be at least 256 machine epsilons, 6e-14 (f32: \
                 3e-5), and below 1"
            );
            assert_eq!(error.to_string(), expected);
        }
    }
    assert!(path(1e-6).fit(&new(), &single, &y).is_err());
    assert!(path(4e-5).fit(&new(), &single, &y).is_ok());
    let fits = path(6e-14).fit(&new(), &x, &y).expect("a path").fits;
    assert!(fits.iter().all(|fit| fit.report.iterations < 100));
}

/// A grid has to start somewhere, whatever is known of the logits already.
#[test]
fn large_offsets_shift_the_intercept_of_a_path() {
    let (x, y) = data::<f64>(90, 6);
    for far in [50.0, -300.0, 1e6] {
        for l1_ratio in [0.0, 1.0] {
            let path = Path::new().steps(5).l1_ratio(l1_ratio);
            let expected = path.fit(&new(), &x, &y).expect("a path");
            let shifted = path.fit(&new().offsets(vec![far; 90]), &x, &y).expect("a path");
            for (fit, expected) in shifted.fits.iter().zip(&expected.fits) {
                let (a, b) = (fit.report.loss, expected.report.loss);
                assert!((a - b).abs() < 1e-9 * b, "{a} and {b}");
            }
        }
    }
}

fn cross_validate(estimator: &LogisticRegression, seed: u64) -> CrossValidated<f64> {
    let (x, y) = data::<f64>(90, 6);
    let validation = CrossValidation::new().path(Path::new().steps(8)).folds(4).seed(seed);
    validation.fit(estimator, &x, &y).expect("a choice")
}

#[test]
fn folds_are_equal_shares_of_either_class() {
    let (_, y) = data::<f64>(90, 6);
    let weights: Vec<f64> = (0..90).map(|i| if i % 7 == 0 { 0.0 } else { 1.0 }).collect();
    let folds = cross_validate(&new().sample_weights(&weights), 5).folds;
    assert_eq!(folds.len(), 90);
    let even =
        |counts: [usize; 4]| counts.iter().max() <= counts.iter().min().map(|m| m + 1).as_ref();
    let sizes = |group: &dyn Fn(usize) -> bool| {
        let mut sizes = [0; 4];
        (0..90).filter(|&i| group(i)).for_each(|i| sizes[folds[i]] += 1);
        sizes
    };
    assert!(even(sizes(&|_| true)));
    for class in [false, true] {
        assert!(even(sizes(&|i| y[i] == class && weights[i] > 0.0)));
    }
}

#[test]
fn equal_seeds_give_equal_choices_and_others_other_folds() {
    let first = cross_validate(&new(), 5);
    assert_eq!(first, cross_validate(&new(), 5));
    assert_ne!(first.folds, cross_validate(&new(), 6).folds);
}

/// The loss of a model fitted without a fold, on the fold.
fn by_hand(
    estimator: &LogisticRegression,
    strength: f64,
    folds: &[usize],
    fold: usize,
) -> (f64, f64) {
    let (x, y) = data::<f64>(90, 6);
    let part = |inside: bool| {
        let rows: Vec<usize> = (0..90).filter(|&i| (folds[i] == fold) == inside).collect();
        let labels: Vec<bool> = rows.iter().map(|&i| y[i]).collect();
        let x = Matrix::from_rows(
            rows.iter().map(|&i| (0..6).map(|j| x.get(i, j)).collect::<Vec<_>>()),
        );
        (x, labels)
    };
    let ((train, labels), (test, truth)) = (part(false), part(true));
    let model = estimator.clone().l1(strength).fit(&train, &labels).expect("a fit").model;
    let p = model.predict_proba(&test).expect("probabilities");
    (metrics::log_loss(&truth, &p).expect("a loss"), truth.len() as f64)
}

/// Standardised without it too.
#[test]
fn losses_are_those_of_models_fitted_without_the_fold() {
    losses_are_those_by_hand(&new());
    losses_are_those_by_hand(&new().standardize(true));
}

fn losses_are_those_by_hand(estimator: &LogisticRegression) {
    let chosen = cross_validate(estimator, 5);
    for (k, &strength) in chosen.path.strengths.iter().enumerate() {
        let fold = |fold| by_hand(estimator, strength, &chosen.folds, fold);
        let folds: Vec<_> = (0..4).map(fold).collect();
        let mean = folds.iter().map(|(loss, rows)| loss * rows).sum::<f64>() / 90.0;
        assert!((chosen.losses[k] - mean).abs() < 1e-8, "{} not {mean}", chosen.losses[k]);
        let squares = folds.iter().map(|(loss, rows)| (loss - mean).powi(2) * rows).sum::<f64>();
        let error = (squares / 90.0 / 3.0).sqrt();
        assert!((chosen.standard_errors[k] - error).abs() < 1e-8);
    }
}

#[test]
fn the_choices_are_the_least_loss_and_the_strongest_about_as_good() {
    let chosen = cross_validate(&new().standardize(true), 5);
    let least = chosen.losses[chosen.best];
    assert!(chosen.losses.iter().all(|loss| *loss >= least));
    let enough = least + chosen.standard_errors[chosen.best];
    assert!(chosen.losses[chosen.one_standard_error] <= enough);
    assert!(chosen.losses[..chosen.one_standard_error].iter().all(|loss| *loss > enough));
    assert!(chosen.one_standard_error < chosen.best);
    assert!(kept(chosen.one_standard_error_fit()) <= kept(chosen.best_fit()));
    let (x, y) = data::<f64>(90, 6);
    let alone = new().standardize(true).l1(chosen.path.strengths[chosen.best]);
    let alone = alone.fit(&x, &y).expect("a fit").model;
    for (a, b) in chosen.best_fit().model.weights().iter().zip(alone.weights()) {
        assert!((a - b).abs() < 1e-7, "{a} and {b}");
    }
}

#[test]
fn rows_that_do_not_count_change_no_losses() {
    // Labels of rows of weight 0 are as good as any others.
    let (x, y) = data::<f64>(90, 6);
    let weights: Vec<f64> = (0..90).map(|i| if i % 7 == 0 { 0.0 } else { 2.5 }).collect();
    let estimator = new().sample_weights(&weights);
    let other = y.iter().zip(&weights).map(|(y, weight)| *y != (*weight == 0.0));
    let validation = CrossValidation::new().path(Path::new().steps(8)).folds(4);
    let a = validation.fit(&estimator, &x, &y).expect("a choice");
    let b = validation.fit(&estimator, &x, other).expect("a choice");
    for (a, b) in a.losses.iter().zip(&b.losses) {
        assert!((a - b).abs() < 1e-12, "{a} and {b}");
    }
}

fn setting<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    match result {
        Err(Error::Setting { name, .. }) => name,
        other => panic!("{other:?}"),
    }
}

#[test]
fn settings_out_of_range_are_named() {
    let (x, y) = data::<f64>(90, 6);
    let path = |path: Path| setting(path.fit(&new(), &x, &y));
    for bad in [-0.1, 1.1, f64::NAN] {
        assert_eq!(path(Path::new().l1_ratio(bad)), "l1_ratio");
        assert_eq!(path(Path::new().least_ratio(bad)), "least_ratio");
    }
    assert_eq!(path(Path::new().least_ratio(0.0)), "least_ratio");
    assert_eq!(path(Path::new().least_ratio(1.0)), "least_ratio");
    assert_eq!(path(Path::new().steps(0)), "steps");
    assert_eq!(path(Path::new().steps(usize::MAX)), "steps");
    assert_eq!(setting(Path::new().fit(&new().l1(0.1), &x, &y)), "l1");
    assert_eq!(setting(Path::new().fit(&new().l2(0.1), &x, &y)), "l2");
    assert_eq!(setting(Path::new().fit(&new().solver(Newton::new()), &x, &y)), "l1");
    let newton = new().solver(Newton::new().tolerance(-1.0));
    assert_eq!(setting(Path::new().l1_ratio(0.0).fit(&newton, &x, &y)), "tolerance");
    let ones = y.iter().filter(|y| **y).count();
    let most = ones.min(90 - ones);
    let folds = |folds: usize| CrossValidation::new().folds(folds).path(Path::new().steps(2));
    for bad in [0, 1, most + 1, usize::MAX] {
        assert_eq!(setting(folds(bad).fit(&new(), &x, &y)), "folds");
    }
    assert!(folds(most).fit(&new(), &x, &y).is_ok());
}

#[test]
fn bad_data_is_named() {
    let mut x = data::<f64>(90, 6).0;
    let y = data::<f64>(90, 6).1;
    x.set(4, 2, f64::NAN);
    let error = Path::new().fit(&new(), &x, &y).expect_err("an error");
    assert!(matches!(error, Error::NonFiniteFeature { row: 4, column: 2, .. }), "{error}");
    let error = CrossValidation::new().fit(&new(), &x, &y).expect_err("an error");
    assert!(matches!(error, Error::NonFiniteFeature { row: 4, column: 2, .. }), "{error}");
    let x = Matrix::<f64>::new((0, 3), Default::default(), |_, _| 0.0);
    assert_eq!(Path::new().fit(&new(), &x, [0u8; 0]), Err(Error::NoRows));
    assert!(x.nrows() == 0 && CrossValidation::new().fit(&new(), &x, [0u8; 0]).is_err());
}

#[test]
fn strengths_of_ones_own_are_fitted_from_the_largest_down() {
    let (x, y) = data::<f64>(90, 6);
    let path = Path::new().strengths([0.001, 0.1, 0.0, 0.01]).fit(&new(), &x, &y).expect("a path");
    assert_eq!(path.strengths, [0.1, 0.01, 0.001, 0.0]);
    for (fit, strength) in path.fits.iter().zip(&path.strengths) {
        let alone = new().l1(*strength).fit(&x, &y).expect("a fit");
        for (a, b) in fit.model.weights().iter().zip(alone.model.weights()) {
            assert!((a - b).abs() < 1e-6, "{a} is not {b} at {strength}");
        }
    }
    for strengths in [vec![], vec![-1.0], vec![0.1, f64::NAN]] {
        let error = Path::new().strengths(&strengths).fit(&new(), &x, &y).expect_err("an error");
        assert!(matches!(error, Error::Setting { name: "strengths", .. }), "{error}");
    }
}

#[test]
fn rows_of_a_group_are_in_one_fold_and_folds_are_even() {
    let (x, y) = data::<f64>(120, 3);
    for seed in 0..20 {
        let group = |i: usize| format!("group {}", (i * i + 3 * i) % 31);
        let groups: Vec<_> = (0..120).map(group).collect();
        let validation = CrossValidation::new().folds(4).seed(seed).groups(&groups);
        let folds = validation.path(Path::new().steps(2)).fit(&new(), &x, &y).expect("folds").folds;
        let mut sizes = [0; 4];
        for i in 0..120 {
            sizes[folds[i]] += 1;
            assert!((0..i).all(|k| groups[k] != groups[i] || folds[k] == folds[i]));
        }
        let largest =
            groups.iter().map(|g| groups.iter().filter(|other| g == *other).count()).max();
        let spread = sizes.iter().max().expect("4") - sizes.iter().min().expect("4");
        assert!(spread <= largest.expect("a group"), "{sizes:?}");
    }
}

#[test]
fn folds_of_ones_own_are_kept_and_bad_ones_refused() {
    let (x, y) = data::<f64>(90, 3);
    let path = Path::new().steps(2);
    let fit = |folds: &[usize]| {
        let validation = CrossValidation::new().path(path.clone());
        validation.fold_of_rows(folds.iter().copied()).fit(&new(), &x, &y)
    };
    let folds: Vec<usize> = (0..90).map(|i| i % 3).collect();
    assert_eq!(fit(&folds).expect("folds").folds, folds);
    let refused = |folds: &[usize]| fit(folds).expect_err("an error").to_string();
    assert!(refused(&[0, 1]).contains("2 folds for 90 rows"));
    assert!(refused(&[0; 90]).contains("folds is 1"));
    let gap: Vec<usize> = (0..90).map(|i| 2 * (i % 2)).collect();
    assert!(refused(&gap).contains("no row that counts in fold 1"), "{}", refused(&gap));
    assert!(refused(&vec![usize::MAX; 90]).contains("no more than rows"));
    // All rows of one class in one fold leave none outside.
    let by_class: Vec<usize> = y.iter().map(|&y| usize::from(y)).collect();
    assert!(matches!(fit(&by_class), Err(Error::OneClass { .. })));
    let groups = CrossValidation::new().folds(3).groups(y.clone()).fit(&new(), &x, &y);
    assert!(groups.expect_err("an error").to_string().contains("number of groups"));
}
