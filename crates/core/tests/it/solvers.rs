//! The solvers that reach the optimum: on good data, on bad data, and on data without one.

use logit_conformance::Matrix;
use logit_core::{
    AnySolver, Auto, Dense, Error, Fit, Float, Lbfgs, LogisticRegression, Model, Newton,
    ProximalNewton, Solver, StopReason, TrustRegion,
};
use proptest::prelude::*;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

type Rows = Vec<Vec<f64>>;

fn new() -> LogisticRegression {
    LogisticRegression::new()
}

fn matrix<F: Float>(rows: &Rows) -> Matrix<F> {
    let value = |i: usize, j: usize| F::narrow(rows[i][j]);
    Matrix::new((rows.len(), rows[0].len()), Default::default(), value)
}

/// Uniform columns, and labels of which a third is noise: with many more rows than columns, no
/// plane separates them.
fn noisy(n: usize, d: usize, seed: u64) -> (Rows, Vec<bool>) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let rows: Rows =
        (0..n).map(|_| (0..d).map(|_| rng.random_range(-1.0..1.0)).collect()).collect();
    let y = rows.iter().map(|row| if rng.random_bool(0.33) { rng.random() } else { row[0] > 0.1 });
    let y = y.collect();
    (rows, y)
}

fn fitted<F: Float>(
    estimator: &LogisticRegression<impl Solver>,
    rows: &Rows,
    y: &[bool],
) -> Fit<F> {
    let fit = estimator.fit(&matrix::<F>(rows), y).expect("a fit");
    let reached = [StopReason::Converged, StopReason::PrecisionLimit];
    assert!(reached.contains(&fit.report.stop), "{}", fit.report);
    fit
}

fn assert_same<F: Float>(got: &Model<F>, expected: &Model<F>, tolerance: f64) {
    let all = |model: &Model<F>| -> Vec<f64> {
        model.weights().iter().chain([&model.intercept()]).map(|w| w.widen()).collect()
    };
    for (j, (got, expected)) in all(got).into_iter().zip(all(expected)).enumerate() {
        let error = (got - expected).abs();
        assert!(error <= tolerance * expected.abs().max(1.0), "{j}: {got} is not {expected}");
    }
}

logit_conformance::properties! {
    #[test]
    fn the_solvers_agree(seed: u64, d in 1usize..8, intercept: bool, standardize: bool) {
        let (rows, y) = noisy(30 * d + 20, d, seed);
        let estimator = new().fit_intercept(intercept).standardize(standardize);
        let newton = fitted::<f64>(&estimator.clone().solver(Newton::new()), &rows, &y);
        let lbfgs = fitted::<f64>(&estimator.clone().solver(Lbfgs::new().tolerance(1e-15)), &rows, &y);
        assert_same(&lbfgs.model, &newton.model, 1e-6);
        let region = estimator.clone().solver(TrustRegion::new());
        assert_same(&fitted::<f64>(&region, &rows, &y).model, &newton.model, 1e-6);
        let single = fitted::<f32>(&region, &rows, &y);
        assert_same(&single.model.cast().expect("finite"), &newton.model, 1e-4);
        assert_eq!(fitted::<f64>(&estimator, &rows, &y), newton);
        let single = fitted::<f32>(&estimator, &rows, &y);
        assert_same(&single.model.cast().expect("finite"), &newton.model, 1e-4);
    }

    #[test]
    fn scaling_a_column_scales_its_weight_back(seed: u64, exponent in -30i32..30) {
        let (rows, y) = noisy(100, 3, seed);
        let expected = fitted::<f64>(&new(), &rows, &y).model;
        let scale = 10f64.powi(exponent);
        let scaled: Rows = rows.iter().map(|row| vec![row[0], row[1] * scale, row[2]]).collect();
        let scaled_back = |model: Model<f64>| {
            let mut weights = model.weights().to_vec();
            weights[1] *= scale;
            Model::new(weights, model.intercept()).expect("finite")
        };
        let got = fitted::<f64>(&new(), &scaled, &y).model;
        assert_same(&scaled_back(got), &expected, 1e-8);
        let region = new().solver(TrustRegion::new());
        let got = fitted::<f64>(&region, &scaled, &y).model;
        assert_same(&scaled_back(got), &expected, 1e-6);
        let got = fitted::<f32>(&region, &scaled, &y).model.cast().expect("finite");
        assert_same(&scaled_back(got), &expected, 1e-3);
    }

    #[test]
    fn a_start_far_away_costs_some_steps_and_nothing_else(
        seed: u64,
        l2 in -3.0..1.5f64,
        scale in -2.0..2.0f64,
        weight in -30.0..30.0f64,
        intercept in -30.0..30.0f64,
    ) {
        let (mut rows, y) = noisy(100, 2, seed);
        let scale = 10f64.powf(scale);
        rows.iter_mut().for_each(|row| row[1] *= scale);
        let near = new().l2(10f64.powf(l2));
        let expected = fitted::<f64>(&near.clone().solver(Newton::new()), &rows, &y);
        let start = [weight, weight / scale];
        let far = near.initial_weights(start).initial_intercept(intercept);
        let newton = fitted::<f64>(&far.clone().solver(Newton::new().max_iterations(40)), &rows, &y);
        assert_same(&newton.model, &expected.model, 1e-8);
        let single = fitted::<f32>(&far.clone().solver(Newton::new()), &rows, &y);
        assert_same(&single.model.cast().expect("finite"), &expected.model, 1e-4);
        let lbfgs = fitted::<f64>(&far.clone().solver(Lbfgs::new().tolerance(1e-15)), &rows, &y);
        assert_same(&lbfgs.model, &expected.model, 1e-6);
        let region = fitted::<f64>(&far.solver(TrustRegion::new()), &rows, &y);
        assert_same(&region.model, &expected.model, 1e-6);
    }

    #[test]
    fn the_order_of_rows_is_nothing_but_rounding(seed: u64, by in 1usize..99) {
        let (mut rows, mut y) = noisy(100, 3, seed);
        let expected = fitted::<f64>(&new(), &rows, &y).model;
        rows.rotate_left(by);
        y.rotate_left(by);
        assert_same(&fitted::<f64>(&new(), &rows, &y).model, &expected, 1e-9);
    }

    #[test]
    fn flipping_the_labels_flips_the_signs(seed: u64) {
        let (rows, y) = noisy(100, 3, seed);
        let Fit { model, .. } = fitted::<f64>(&new().l2(0.01), &rows, &y);
        let flipped: Vec<bool> = y.iter().map(|y| !y).collect();
        let got = fitted::<f64>(&new().l2(0.01), &rows, &flipped).model;
        let negated = got.weights().iter().map(|w| -w);
        assert_same(&Model::new(negated, -got.intercept()).expect("finite"), &model, 1e-9);
    }

    #[test]
    fn weights_are_rows_repeated(seed: u64, l2 in prop_oneof![Just(0.0), Just(0.1)]) {
        let (rows, y) = noisy(80, 3, seed);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let weights: Vec<u8> = (0..80).map(|_| rng.random_range(0..4)).collect();
        let numbers: Vec<f32> = weights.iter().map(|&weight| weight.into()).collect();
        let estimator = new().l2(l2).standardize(false);
        let weighted = fitted::<f64>(&estimator.clone().sample_weights(&numbers), &rows, &y);
        let repeat = |i: usize| std::iter::repeat_n(i, weights[i].into());
        let (repeated, labels): (Rows, Vec<bool>) =
            (0..80).flat_map(repeat).map(|i| (rows[i].clone(), y[i])).unzip();
        let repeated = fitted::<f64>(&estimator, &repeated, &labels);
        assert_same(&weighted.model, &repeated.model, 1e-8);
        assert!((weighted.report.loss - repeated.report.loss).abs() < 1e-12);
    }

    #[test]
    fn an_offset_is_a_column_of_weight_one(seed: u64) {
        let (rows, y) = noisy(100, 3, seed);
        let offsets: Vec<f64> = rows.iter().map(|row| 0.5 * row[1] - 0.25).collect();
        let plain = fitted::<f64>(&new(), &rows, &y).model;
        let shifted = fitted::<f64>(&new().offsets(&offsets), &rows, &y).model;
        let weights = [plain.weights()[0], plain.weights()[1] - 0.5, plain.weights()[2]];
        let expected = Model::new(weights, plain.intercept() + 0.25).expect("finite");
        assert_same(&shifted, &expected, 1e-8);
    }

    #[test]
    fn a_plane_between_the_classes_is_found(
        seed: u64, d in 1usize..6, standardize: bool,
    ) {
        let (rows, _) = noisy(60, d, seed);
        let y: Vec<bool> = rows.iter().map(|row| row.iter().sum::<f64>() > 0.05).collect();
        prop_assume!(y.contains(&true) && y.contains(&false));
        let x = matrix::<f64>(&rows);
        for result in [
            new().standardize(standardize).fit(&x, &y),
            new().standardize(standardize).solver(Lbfgs::new()).fit(&x, &y),
            new().standardize(standardize).solver(TrustRegion::new()).fit(&x, &y),
        ] {
            let Err(Error::Separated { complete, direction, .. }) = result else {
                panic!("{result:?}");
            };
            prop_assert!(complete);
            prop_assert!(direction.predict(&x).expect("classes") == y);
        }
        prop_assert!(new().l2(1e-6).fit(&x, &y).is_ok());
    }

    #[test]
    fn a_column_that_tells_one_class_is_quasi_separation(seed: u64, single: bool) {
        let (mut rows, y) = noisy(150, 3, seed);
        for (i, row) in rows.iter_mut().enumerate() {
            row.push(f64::from(u8::from(y[i] && i % 5 == 0)));
        }
        prop_assume!(rows.iter().any(|row| row[3] > 0.0));
        let result = match single {
            true => new().fit(&matrix::<f32>(&rows), &y).map(|fit| fit.report),
            false => new().fit(&matrix::<f64>(&rows), &y).map(|fit| fit.report),
        };
        let Err(Error::Separated { complete, direction, columns }) = result else {
            panic!("{result:?}");
        };
        prop_assert!(!complete);
        prop_assert_eq!(columns, [3]);
        prop_assert_eq!(&direction.weights()[..3], [0.0; 3]);
        prop_assert!(direction.weights()[3] > 0.0 && direction.intercept() == 0.0);
    }
}

#[test]
fn many_rows_take_few_reads() {
    for (n, d) in [(60_000, 3), (40_000, 20)] {
        let (rows, y) = noisy(n, d, 3);
        let Fit { report, model, .. } = fitted::<f64>(&new(), &rows, &y);
        assert!(report.passes <= 10.0 && report.passes.fract() > 0.0, "{report}");
        let exact = fitted::<f64>(&new().start_from(&model), &rows, &y).report;
        assert!(report.loss - exact.loss <= 1e-9 * exact.loss, "{report}\n{exact}");
        let sorted = {
            let mut pairs: Vec<_> = rows.iter().cloned().zip(y.iter().copied()).collect();
            pairs.sort_by_key(|(_, y)| *y);
            pairs.into_iter().unzip::<_, _, Rows, Vec<bool>>()
        };
        let sorted = fitted::<f64>(&new(), &sorted.0, &sorted.1);
        assert_same(&sorted.model, &model, 1e-5);
    }
}

#[test]
fn a_sample_of_one_class_or_a_tell_tale_sample_does_no_harm() {
    let (rows, _) = noisy(50_000, 3, 7);
    // Six rows of class 1, none of them in a run of the sample.
    let rare: Vec<bool> = (0..50_000).map(|i| i % 7919 == 300).collect();
    let fit = fitted::<f64>(&new(), &rows, &rare);
    assert!(fit.model.intercept() < -8.0);
    let region = fitted::<f64>(&new().solver(TrustRegion::new()), &rows, &rare);
    assert_same(&region.model, &fit.model, 1e-5);
    // Rows 0 to 24 999 are told apart by their first column, the rest is noise.
    let (_, noise) = noisy(50_000, 3, 8);
    let y: Vec<bool> =
        (0..50_000).map(|i| if i < 25_000 { rows[i][0] > 0.0 } else { noise[i] }).collect();
    fitted::<f64>(&new(), &rows, &y);
}

/// What a fit makes of a fourth column.
fn with_column(column: impl Fn(&[f64]) -> f64, estimator: &LogisticRegression) -> Model<f64> {
    let (mut rows, y) = noisy(100, 3, 1);
    rows.iter_mut().for_each(|row| row.push(column(row)));
    fitted(estimator, &rows, &y).model
}

#[test]
fn columns_that_add_nothing_keep_a_weight_of_zero() {
    let (rows, y) = noisy(100, 3, 1);
    let expected = fitted::<f64>(&new(), &rows, &y).model;
    let expected =
        Model::new(expected.weights().iter().copied().chain([0.0]), expected.intercept());
    let expected = expected.expect("finite");
    assert_same(&with_column(|_| 7.0, &new()), &expected, 1e-9);
    assert_same(&with_column(|_| 0.0, &new()), &expected, 1e-9);
    assert_same(&with_column(|row| row[1], &new()), &expected, 1e-9);
    assert_same(&with_column(|row| 3.0 - 2.0 * row[1] + row[0], &new()), &expected, 1e-9);
}

#[test]
fn a_penalty_shares_a_weight_among_equal_columns_and_shrinks_useless_ones() {
    let ridge = new().l2(0.01);
    let weights = with_column(|row| row[1], &ridge).weights().to_vec();
    assert!((weights[1] - weights[3]).abs() < 1e-9);
    let start = [0.0, 0.0, 0.0, 5.0];
    let weights = with_column(|_| 7.0, &ridge.initial_weights(start)).weights().to_vec();
    assert!(weights[3].abs() < 1e-9, "{weights:?}");
}

#[test]
fn columns_out_of_range_are_refused_by_name() {
    let (rows, y) = noisy(100, 3, 1);
    for scale in [1e300, 1e-300] {
        let scaled: Rows = rows.iter().map(|row| vec![row[0], row[1] * scale, row[2]]).collect();
        let error = new().fit(&matrix::<f64>(&scaled), &y).expect_err("out of range");
        assert!(matches!(error, Error::ColumnSpread { column: 1, .. }), "{error}");
    }
}

#[test]
fn one_row_far_away_is_no_separation() {
    let rows: Rows =
        (0..50).map(|i| vec![if i == 7 { 1e8 } else { (f64::from(i) * 0.37).sin() }]).collect();
    let y: Vec<bool> = (0..50).map(|i| i % 3 == 0).collect();
    let model = fitted::<f64>(&new(), &rows, &y).model;
    assert!(model.weights()[0] < 0.0 && model.weights()[0] > -1e-6);
}

#[test]
fn a_start_where_everything_is_certain_is_left() {
    let (rows, y) = noisy(200, 4, 9);
    let expected = fitted::<f64>(&new(), &rows, &y).model;
    let far = new().initial_weights([100.0, -300.0, 5.0, 1e4]);
    assert_same(&fitted::<f64>(&far, &rows, &y).model, &expected, 1e-9);
    let region = far.solver(TrustRegion::new());
    assert_same(&fitted::<f64>(&region, &rows, &y).model, &expected, 1e-6);
    let near = new().start_from(&expected);
    assert!(fitted::<f64>(&near, &rows, &y).report.iterations <= 2);
}

#[test]
fn more_columns_than_rows_need_a_penalty() {
    let (rows, y) = noisy(12, 40, 2);
    let x = matrix::<f64>(&rows);
    assert!(matches!(new().fit(&x, &y), Err(Error::Separated { complete: true, .. })));
    fitted::<f64>(&new().l2(1e-3), &rows, &y);
}

#[test]
fn numbers_per_row_are_checked() {
    let (rows, y) = noisy(4, 1, 1);
    let (x, y) = (matrix::<f32>(&rows), [y[0], !y[0], true, false]);
    let refused = |estimator: LogisticRegression| {
        estimator.l2(1.0).fit(&x, y).expect_err("bad numbers").to_string()
    };
    assert_eq!(
        refused(new().sample_weights([1.0, 2.0])),
        "2 sample weights for 4 rows: give one per row"
    );
    assert_eq!(
        refused(new().sample_weights([1.0, 2.0, -1.0, 0.0])),
        "sample weight of row 2 is -1.0: it must be 0 or positive, and finite"
    );
    assert_eq!(
        refused(new().offsets([0.0, 1e39, 0.0, 0.0])),
        "offset of row 1 is 1e39: it must be within 1 / epsilon of the precision: 4.5e15 in f64, \
         8.3e6 in f32"
    );
    assert!(refused(new().sample_weights([0.0; 4])).contains("weights of all rows are 0"));
    let one_class = y.map(|y| f32::from(u8::from(y)));
    assert!(refused(new().sample_weights(one_class)).contains("every label that counts is 1"));
    assert!(refused(new().class_weights(f64::NAN, 1.0)).starts_with("class weight of 0 is NaN"));
    assert!(refused(new().class_weights(1.0, 0.0)).contains("every label that counts is 0"));
}

#[test]
fn settings_of_the_solvers_are_checked() {
    let (rows, y) = noisy(100, 2, 1);
    let x = matrix::<f64>(&rows);
    for tolerance in [-1.0, f64::NAN, f64::INFINITY] {
        let newton = new().solver(Newton::new().tolerance(tolerance)).fit(&x, &y);
        let lbfgs = new().solver(Lbfgs::new().tolerance(tolerance)).fit(&x, &y);
        let region = new().solver(TrustRegion::new().tolerance(tolerance)).fit(&x, &y);
        for result in [newton, lbfgs, region] {
            let error = result.expect_err("bad");
            assert!(matches!(error, Error::Setting { name: "tolerance", .. }), "{error}");
        }
    }
    let error = new().solver(Lbfgs::new().memory(0)).fit(&x, &y).expect_err("no memory");
    assert!(matches!(error, Error::Setting { name: "memory", .. }), "{error}");
    let few = new().solver(Newton::new().max_iterations(1)).fit(&x, &y).expect("a fit").report;
    assert_eq!((few.iterations, few.stop), (1, StopReason::MaxIterations));
    let few = new().solver(Lbfgs::new().max_iterations(2)).fit(&x, &y).expect("a fit").report;
    assert_eq!((few.iterations, few.stop), (2, StopReason::MaxIterations));
    let few = new().solver(TrustRegion::new().max_iterations(1)).fit(&x, &y).expect("a fit").report;
    assert_eq!((few.iterations, few.stop), (1, StopReason::MaxIterations));
}

#[test]
fn a_tolerance_of_zero_ends_at_the_limit_of_the_precision() {
    fn ends<F: Float>(solver: impl Solver) {
        let (rows, y) = noisy(300, 3, 4);
        let fit = new().solver(solver).fit(&matrix::<F>(&rows), &y).expect("a fit");
        assert_eq!(fit.report.stop, StopReason::PrecisionLimit, "{}", fit.report);
    }
    ends::<f64>(Newton::new().tolerance(0.0));
    ends::<f32>(Newton::new().tolerance(0.0));
    ends::<f64>(Lbfgs::new().tolerance(0.0));
    ends::<f32>(Lbfgs::new().tolerance(0.0));
    ends::<f64>(TrustRegion::new().tolerance(0.0));
    ends::<f32>(TrustRegion::new().tolerance(0.0));
}

/// A column that is 0 in every row of a sample, and one that is so but for rows of another column.
#[test]
fn columns_that_a_sample_does_not_show_are_fitted() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
    // A sample has the first rows of every so many.
    let (n, every) = (99_968, 781);
    let category = |i: usize| match i % every {
        500 if i < 8_000 => [1.0, 0.0],
        0..8 => [0.0, 1.0],
        _ => [0.0, 0.0],
    };
    let rows: Rows = (0..n)
        .map(|i| {
            let [rare, frequent] = category(i);
            vec![rng.random_range(-1.0..1.0), rare, frequent, rare + frequent]
        })
        .collect();
    let y = rows.iter().map(|row| rng.random_bool(if row[1] == 1.0 { 0.8 } else { 0.4 }));
    let y: Vec<bool> = y.collect();
    let three: Rows = rows.iter().map(|row| row[..3].to_vec()).collect();
    for standardize in [false, true] {
        let estimator = new().standardize(standardize);
        let exact =
            fitted::<f64>(&estimator.clone().solver(Lbfgs::new().tolerance(1e-15)), &three, &y);
        let fit = fitted::<f64>(&estimator, &three, &y);
        assert_same(&fit.model, &exact.model, 1e-4);
        assert!(fit.model.weights()[1] != 0.0);
        // The last column is the sum of two others; in a sample it is one of them.
        for columns in [&[0, 1, 2, 3][..], &[0, 2, 3]] {
            let some = |row: &Vec<f64>| columns.iter().map(|&j| row[j]).collect();
            let fit = fitted::<f64>(&estimator, &rows.iter().map(some).collect(), &y);
            assert!((fit.report.loss - exact.report.loss).abs() < 1e-10, "{}", fit.report);
        }
        let sparse = estimator.l1(1e-5).solver(ProximalNewton::new());
        let exact = fitted_without_a_sample(standardize, &three, &y);
        let fit = fitted::<f64>(&sparse, &three, &y);
        assert_same(&fit.model, &exact, 1e-4);
    }
}

/// With an L1 penalty, and no sample.
fn fitted_without_a_sample(standardize: bool, rows: &Rows, y: &[bool]) -> Model<f64> {
    let solver = ProximalNewton::new().most_derivatives(0);
    let estimator = new().standardize(standardize).l1(1e-5).solver(solver);
    fitted::<f64>(&estimator, rows, y).model
}

#[test]
fn an_error_of_a_setting_names_the_solver() {
    let told = |solver: AnySolver| {
        let fit = LogisticRegression::new().solver(solver.tolerance(-1.0));
        fit.fit(&Dense::from_rows(&[0.0, 1.0], 2, 1), [0, 1]).unwrap_err().to_string()
    };
    let accepted = "it must be 0 or positive, and finite";
    assert_eq!(
        told(Auto::new().into()),
        format!("tolerance is -1.0 for the solver Auto: {accepted}")
    );
    assert_eq!(
        told(Newton::new().into()),
        format!("tolerance is -1.0 for the solver Newton: {accepted}")
    );
}

#[test]
fn auto_passes_its_limits_on() {
    let values: Vec<f64> = (0..240).map(|k| ((k * k) as f64).sin()).collect();
    let x = Dense::from_rows(&values, 80, 3);
    let y: Vec<bool> = (0..80).map(|i| values[3 * i] + (i as f64).cos() > 0.0).collect();
    let new = || LogisticRegression::new().l2(0.01);
    for l1 in [0.0, 0.01] {
        let fit = new().l1(l1).solver(Auto::new().max_iterations(1).tolerance(0.0)).fit(&x, &y);
        let report = fit.expect("a fit").report;
        assert_eq!((report.iterations, report.stop), (1, StopReason::MaxIterations));
        let rough = new().l1(l1).solver(Auto::new().tolerance(0.1)).fit(&x, &y).expect("a fit");
        let fine = new().l1(l1).fit(&x, &y).expect("a fit");
        assert!(rough.report.iterations < fine.report.iterations);
    }
}
