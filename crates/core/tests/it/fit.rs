//! Fits as a caller sees them: settings, observers, reports, errors.

use std::ops::ControlFlow;

use logit_conformance::{Layout, Matrix};
use logit_core::dense::Dense;
use logit_core::{
    Backend, Error, Fit, Float, GradientDescent, LogisticRegression, Model, StopReason, sigmoid,
};

/// Two overlapping classes along two features.
fn data() -> (Matrix<f64>, Vec<bool>) {
    let rows: Vec<[f64; 2]> = (0..60)
        .map(|i| {
            let t = f64::from(i);
            [(t * 0.7).sin() * 2.0 + t / 30.0, (t * 1.3).cos()]
        })
        .collect();
    let y = (0..60).map(|i| i % 3 == 0 || i > 40).collect();
    (Matrix::from_rows(rows), y)
}

fn descent(rate: f64, iterations: usize) -> GradientDescent {
    GradientDescent::new().learning_rate(rate).max_iterations(iterations)
}

fn fit(solver: GradientDescent) -> Fit<f64> {
    let (x, y) = data();
    LogisticRegression::new().solver(solver).fit(&x, y).expect("a fit")
}

#[test]
fn gradient_descent_is_the_classic_recipe() {
    assert_eq!(GradientDescent::new(), descent(0.001, 1000).seed(0).tolerance(0.0));
    let (x, y) = data();
    let recipe = LogisticRegression::new().solver(GradientDescent::new());
    let fit = recipe.fit(&x, &y).expect("a fit");
    assert_eq!((fit.report.iterations, fit.report.stop), (1000, StopReason::MaxIterations));
    assert!((fit.report.losses[0] - std::f64::consts::LN_2).abs() < 1e-15);
}

#[test]
fn labels_of_any_type_give_the_same_fit() {
    let (x, y) = data();
    let new = LogisticRegression::new;
    let expected = new().fit(&x, &y).expect("a fit");
    let floats: Vec<f32> = y.iter().map(|&y| f32::from(u8::from(y))).collect();
    let bytes: Vec<u8> = y.iter().map(|&y| u8::from(y)).collect();
    assert_eq!(new().fit(&x, &floats).expect("a fit"), expected);
    assert_eq!(new().fit(&x, bytes).expect("a fit"), expected);
    assert_eq!(new().fit(&x, y.iter().map(|&y| i64::from(y))).expect("a fit"), expected);
}

#[test]
fn a_backend_can_be_chosen_at_run_time() {
    let (x, y) = data();
    let expected = LogisticRegression::new().fit(&x, &y).expect("a fit");
    let chosen: Box<dyn Backend<Scalar = f64, Vector = Vec<f64>>> = Box::new(x.clone());
    assert_eq!(LogisticRegression::new().fit(&*chosen, &y).expect("a fit"), expected);
    let p = expected.model.predict_proba(&*chosen).expect("probabilities");
    assert_eq!(p, expected.model.predict_proba(&x).expect("probabilities"));
}

#[test]
fn the_tolerance_ends_a_fit() {
    let report = fit(descent(0.5, 100_000).tolerance(1e-8)).report;
    assert_eq!(report.stop, StopReason::Converged);
    assert!(report.gradient_norm <= 1e-8 && report.iterations < 100_000);
    assert!(report.regression() < 1e-15, "{report}");
}

#[test]
fn no_iterations_return_the_initial_model() {
    let (x, y) = data();
    let estimator = LogisticRegression::new().initial_weights([1.0, -0.5]).initial_intercept(0.25);
    let fit = estimator.solver(descent(0.1, 0)).fit(&x, &y).expect("a fit");
    assert_eq!(fit.model, Model::new([1.0, -0.5], 0.25).expect("finite"));
    assert_eq!((fit.report.iterations, fit.report.passes, fit.report.losses.len()), (0, 1.0, 0));
}

#[test]
fn a_fit_starts_from_the_initial_parameters_on_either_scale() {
    let (x, y) = data();
    let weights = [1.0f32, -0.5];
    let estimator = LogisticRegression::new().initial_weights(weights).initial_intercept(0.25);
    let estimator = estimator.solver(descent(0.1, 1));
    let plain = estimator.clone().fit(&x, &y).expect("a fit").report.losses[0];
    let standardized = estimator.standardize(true).fit(&x, &y).expect("a fit").report.losses[0];
    let model = Model::new([1.0, -0.5], 0.25).expect("finite");
    let p = model.predict_proba(&x).expect("probabilities");
    let expected = logit_core::metrics::log_loss(&y, &p).expect("a loss");
    assert!((plain - expected).abs() < 1e-14 && (standardized - expected).abs() < 1e-14);
    let again = LogisticRegression::new().initial_intercept(-1.0).solver(descent(0.1, 0));
    assert_eq!(again.fit(&x, &y).expect("a fit").model.intercept(), -1.0);
}

#[test]
fn initial_parameters_must_be_finite_in_the_precision_of_the_fit() {
    let x = Matrix::from_rows([[1.0f32], [2.0]]);
    let error = LogisticRegression::new().initial_weights([1e39]).fit(&x, [0, 1]).unwrap_err();
    assert_eq!(error.to_string(), "weight 0 is 1e39: it must be finite in f32");
}

#[test]
fn the_observer_sees_every_iteration_and_can_stop() {
    let (x, y) = data();
    let estimator = LogisticRegression::new().standardize(true).solver(descent(0.5, 50));
    let mut seen = Vec::new();
    let stopped = estimator
        .fit_observed(&x, &y, |progress| {
            assert_eq!(progress.iteration, seen.len());
            seen.push((progress.loss, progress.gradient_norm, progress.model().expect("finite")));
            if seen.len() > 7 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .expect("a fit");
    assert_eq!(stopped.report.stop, StopReason::Observer);
    assert_eq!((stopped.report.iterations, seen.len()), (7, 8));
    let (loss, gradient_norm, model) = seen.pop().expect("the last");
    assert_eq!((loss, gradient_norm), (stopped.report.loss, stopped.report.gradient_norm));
    assert_eq!(model, stopped.model);
    let losses: Vec<f64> = seen.iter().map(|seen| seen.0).collect();
    assert_eq!(losses, stopped.report.losses);
    let full = estimator.fit(&x, &y).expect("a fit");
    assert_eq!(full.report.losses[..7], losses);
    assert_ne!(full.model, stopped.model);
}

#[test]
fn mini_batches_learn_from_data_sorted_by_label() {
    let (x, y) = data();
    let mut order: Vec<usize> = (0..60).collect();
    order.sort_by_key(|&i| y[i]);
    let rows = x.rows();
    let sorted = Matrix::from_rows(order.iter().map(|&i| rows[i].clone()));
    let labels: Vec<bool> = order.iter().map(|&i| y[i]).collect();
    let optimum = fit(descent(0.5, 20_000).tolerance(1e-9)).report.loss;
    for batch_size in [1, 7, 32, 59] {
        let solver = descent(0.01, 2000).batch_size(batch_size);
        let report =
            LogisticRegression::new().solver(solver).fit(&sorted, &labels).expect("a fit").report;
        assert!(report.loss < optimum + 2e-3, "{batch_size}: {} for {optimum}", report.loss);
        assert_eq!(report.passes, 4001.0);
    }
}

#[test]
fn a_batch_of_all_rows_is_no_mini_batch() {
    let full = fit(descent(0.1, 20));
    assert_eq!(fit(descent(0.1, 20).batch_size(60).seed(5)), full);
    assert_eq!(fit(descent(0.1, 20).batch_size(usize::MAX)), full);
    assert_eq!(full.report.passes, 21.0);
    assert_ne!(fit(descent(0.1, 20).batch_size(59)), full);
}

#[test]
fn the_seed_decides_the_batches() {
    let seeded = |seed| fit(descent(0.1, 5).batch_size(8).seed(seed)).model;
    assert_eq!(seeded(3), seeded(3));
    assert_ne!(seeded(3), seeded(4));
}

#[test]
fn an_oscillating_fit_runs_to_its_end_and_says_so() {
    let (x, y) = data();
    let scaled = Matrix::from_rows(x.rows().iter().map(|row| [row[0] * 500.0, row[1]]));
    let fit = LogisticRegression::new().solver(descent(0.1, 200)).fit(&scaled, &y).expect("a fit");
    let report = fit.report;
    assert_eq!((report.iterations, report.stop), (200, StopReason::MaxIterations));
    assert!(report.regression() > 0.0 && report.loss > report.best_loss);
    let expected = format!(
        "200 iterations, 201 passes over the data: the maximum was reached before the tolerance\n\
         loss {:.6e}, gradient norm {:.1e}\n\
         the last loss is not the best: at iteration {} it was {:.6e}, lower by {:.3e}",
        report.loss,
        report.gradient_norm,
        report.best_iteration,
        report.best_loss,
        report.loss - report.best_loss,
    );
    assert_eq!(report.to_string(), expected);
}

#[test]
fn the_first_of_equal_losses_is_the_best() {
    let report = fit(descent(1e-300, 10)).report;
    assert_eq!((report.best_iteration, report.best_loss), (0, report.loss));
}

#[test]
fn a_report_on_the_best_loss_has_no_more_to_say() {
    let report = fit(descent(0.1, 10)).report.to_string();
    assert_eq!(report.lines().count(), 2, "{report}");
    assert!(
        fit(descent(0.5, 9999).tolerance(1e-3)).report.to_string().contains("the tolerance is met")
    );
    assert_eq!(
        format!("{:>10}|{}", StopReason::Converged, StopReason::Observer),
        " converged|observer"
    );
}

#[test]
fn a_diverging_fit_ends_with_its_best_parameters() {
    // The curvature of the penalty alone is 1: a rate of 3 doubles the weights each time.
    let (x, y) = data();
    let estimator = LogisticRegression::new().l2(1.0).solver(descent(3.0, 100_000));
    let start = estimator.clone().initial_weights([1.0, 1.0]);
    let Error::Diverged { iteration, loss, best, best_loss, learning_rate, solver } =
        start.fit(&x, &y).unwrap_err()
    else {
        panic!("no divergence");
    };
    assert_eq!(solver, "GradientDescent");
    assert!(iteration > 100 && !loss.is_finite() && learning_rate == Some(3.0));
    let mut losses = Vec::new();
    let mut models = Vec::new();
    let cut = estimator.initial_weights([1.0, 1.0]).solver(descent(3.0, iteration - 1));
    let full = cut.fit_observed(&x, &y, |progress| {
        losses.push(progress.loss);
        models.push(progress.model().expect("finite"));
        ControlFlow::Continue(())
    });
    losses.push(full.expect("still finite").report.loss);
    let best_seen = (0..losses.len()).min_by(|&a, &b| losses[a].total_cmp(&losses[b])).unwrap();
    assert_eq!((best_loss, *best), (losses[best_seen], models[best_seen].clone()));
}

#[test]
fn infinite_coefficients_do_not_pass_for_a_perfect_fit() {
    // One step of this size leaves weights beyond f64, whose logits are infinite with the right
    // sign: the loss there is exactly 0.
    let x = Matrix::from_rows([[-1e10], [1e10]]);
    let estimator = LogisticRegression::new().fit_intercept(false).solver(descent(1e300, 5));
    let error = estimator.fit(&x, [0, 1]).unwrap_err();
    assert!(matches!(error, Error::Diverged { iteration: 1, .. }), "{error}");
}

#[test]
fn a_constant_column_gets_the_coefficient_zero() {
    let (x, y) = data();
    let with = Matrix::from_rows(x.rows().iter().map(|row| [row[0], 0.1, row[1]]));
    let estimator = LogisticRegression::new().standardize(true).solver(descent(0.5, 50));
    let without = estimator.fit(&x, &y).expect("a fit");
    // Its initial weight acts through the intercept.
    let given = estimator.clone().initial_weights([0.0, 20.0, 0.0]).initial_intercept(-2.0);
    for estimator in [estimator, given] {
        let fit = estimator.fit(&with, &y).expect("a fit");
        assert_eq!(fit.model.weights()[1], 0.0);
        assert_eq!(fit.model.weights()[0], without.model.weights()[0]);
        assert!((fit.model.intercept() - without.model.intercept()).abs() < 1e-14);
    }
}

#[test]
fn standardising_copes_with_columns_far_from_zero_and_refuses_the_immeasurable() {
    let (x, y) = data();
    let estimator = LogisticRegression::new().standardize(true).solver(descent(0.5, 50));
    let near = estimator.fit(&x, &y).expect("a fit").report.loss;
    let far = Matrix::from_rows(x.rows().iter().map(|row| [row[0] + 1e6, row[1] * 1e-9]));
    let far = estimator.fit(&far, &y).expect("a fit").report.loss;
    assert!((far - near).abs() < 1e-9, "{far} and {near}");
    for scale in [1e200, 1e-200] {
        let x = Matrix::from_rows(x.rows().iter().map(|row| [row[0], row[1] * scale]));
        let error = estimator.fit(&x, &y).unwrap_err();
        assert!(matches!(error, Error::ColumnSpread { column: 1, .. }), "{error}");
    }
    // The sum of squares is a subnormal number, and the variance 0.
    let lone = Matrix::from_rows((0..60).map(|i| [if i == 7 { 3e-162 } else { 0.0 }]));
    let error = estimator.fit(&lone, &y).unwrap_err();
    assert!(matches!(error, Error::ColumnSpread { column: 0, .. }), "{error}");
}

#[test]
fn models_are_checked_and_cast() {
    let model = Model::new([0.1f32, -2.5], 3.0).expect("finite");
    let wide: Model<f64> = model.cast().expect("in range");
    assert_eq!((wide.weights(), wide.intercept()), (&[f64::from(0.1f32), -2.5][..], 3.0));
    assert_eq!(wide.cast::<f32>().expect("in range"), model);
    let large = Model::new([1.0, 1e39], 0.0).expect("finite");
    let error = large.cast::<f32>().unwrap_err();
    assert_eq!(error.to_string(), "weight 1 is 1e39: it must be finite in f32");
    let large = Model::new([1.0], -1e39).expect("finite");
    let error = large.cast::<f32>().unwrap_err();
    assert_eq!(error.to_string(), "intercept is -1e39: it must be finite in f32");
    assert_eq!(Model::new([0.0; 0], 0.0).unwrap_err(), Error::NoColumns);
    assert!(Model::new([f64::NAN], 0.0).is_err() && Model::new([0.0], f64::NAN).is_err());
}

#[test]
fn no_rows_to_predict_give_no_predictions() {
    let model = Model::new([1.0, 2.0], 0.5).expect("finite");
    let x = Matrix::new((0, 2), Layout::default(), |_, _| 0.0);
    assert!(model.predict_proba(&x).expect("nothing").is_empty());
    assert!(model.predict(&x).expect("nothing").is_empty());
}

#[test]
fn the_threshold_is_inclusive() {
    let model = Model::new([1.0], 0.0).expect("finite");
    let x = Matrix::from_rows([[-800.0], [0.0], [40.0]]);
    assert_eq!(model.predict(&x).expect("classes"), [false, true, true]);
    assert_eq!(model.predict_at(&x, 0.0).expect("classes"), [true; 3]);
    assert_eq!(model.predict_at(&x, 1.0).expect("classes"), [false, false, true]);
    let p = model.predict_proba(&x).expect("probabilities");
    assert_eq!(p, [sigmoid(-800.0), 0.5, 1.0]);
}

#[test]
#[should_panic(expected = "the number of parameters")]
fn an_objective_refuses_parameters_of_another_length() {
    let x = Matrix::from_rows([[1.0], [2.0]]);
    let objective = LogisticRegression::new().objective(&x, [0, 1]);
    objective.expect("an objective").evaluate([0.0]);
}

#[test]
fn errors_say_what_was_given_where_and_what_is_accepted() {
    for (error, message) in [
        (Error::NoRows, "no rows: the data must have at least one row"),
        (Error::LabelCount { rows: 3, labels: 5 }, "5 labels for 3 rows: give one label per row"),
        (
            Error::Label { row: 2, value: "7".into() },
            "label of row 2 is 7: labels are 0 or 1 (false or true)",
        ),
        (
            Error::OneClass { class: 1 },
            "every label that counts is 1: both classes, 0 and 1, must occur",
        ),
        (
            Error::NonFiniteFeature { row: 4, column: 1, value: f64::NAN },
            "row 4, column 1 is NaN: features must be finite",
        ),
        (Error::FeatureCount { given: 2, expected: 3 }, "2 columns for a model of 3 features"),
        (
            Error::Diverged {
                iteration: 3,
                loss: f64::INFINITY,
                best: Box::new(Model::new([0.0], 0.0).expect("finite")),
                best_loss: 0.5,
                learning_rate: Some(1.0),
                solver: "GradientDescent",
            },
            "the fit by GradientDescent diverged: at iteration 3 the loss is inf or its gradient is not finite \
             (best loss so far: 0.5); lower the learning rate, which is 1.0, or standardize",
        ),
        (
            Error::Diverged {
                iteration: 3,
                loss: 0.25,
                best: Box::new(Model::new([0.0], 0.0).expect("finite")),
                best_loss: 0.25,
                learning_rate: None,
                solver: "",
            },
            "the fit diverged: at iteration 3 the loss is 0.25 or its gradient is not finite \
             (best loss so far: 0.25)",
        ),
        (
            Error::Setting {
                name: "l2",
                value: "-1.0".into(),
                accepted: "0 or positive, and finite",
            },
            "l2 is -1.0: it must be 0 or positive, and finite",
        ),
    ] {
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn blocks_hold_256_kib_or_up_to_1_mib_within_8_to_1024_rows() {
    let wide = |ncols| Matrix::new((2, ncols), Layout::default(), |_, _| 0.0f64).block_rows();
    let columns = [1, 16, 30, 100, 400, 1000, 5000, 1_000_000];
    assert_eq!(columns.map(wide), [1024, 1024, 1024, 320, 128, 128, 26, 8]);
    let single = Matrix::new((2, 100), Layout::default(), |_, _| 0.0f32);
    assert_eq!(single.block_rows(), 640);
    assert_eq!(Matrix::new((2, 0), Layout::default(), |_, _| 0.0f64).block_rows(), 1024);
}

#[test]
fn blocks_of_contiguous_rows_hold_16_kib_or_128_of_long_rows() {
    let values = vec![0.0f64; 80_000];
    let rows = |ncols: usize| Dense::from_rows(&values[..2 * ncols], 2, ncols).block_rows();
    let columns = [0, 1, 16, 30, 100, 255, 256, 1000, 40_000];
    assert_eq!(columns.map(rows), [2048, 2048, 128, 64, 16, 8, 64, 16, 8]);
}

#[test]
fn blocks_of_few_columns_hold_16_kib_in_pieces_of_256_bytes_or_as_much_as_others() {
    let values = vec![0.0f64; 80_000];
    let columns = |ncols| Dense::from_columns(&values[..16 * ncols], 16, ncols).block_rows();
    assert_eq!([0, 1, 16, 64, 65, 5000].map(columns), [2048, 2048, 128, 32, 448, 26]);
    let single = vec![0.0f32; 1000];
    assert_eq!(Dense::from_columns(&single, 10, 100).block_rows(), 640);
    assert_eq!(Dense::from_columns(&single, 20, 50).block_rows(), 64);
}

#[test]
fn standardising_does_not_depend_on_the_first_row_being_typical() {
    let gradient = |place| {
        let value = |i, _| if i == place { 0.7f64 } else { 0.0 };
        let x = Matrix::new((100_000, 1), Layout::default(), value);
        let y = (0..100_000).map(|i| i % 3 == 0);
        let mut objective =
            LogisticRegression::new().standardize(true).objective(&x, y).expect("valid");
        objective.evaluate([0.1, 0.2]).gradient()[0]
    };
    let (first, last) = (gradient(0), gradient(99_999));
    assert!((first - last).abs() <= 1e-11 * last.abs(), "{first:e} is not {last:e}");
}

/// Descends on standardised data until the gradient is small.
fn descended(solver: GradientDescent) -> Fit<f64> {
    let (x, y) = data();
    let solver = solver.max_iterations(100_000).tolerance(1e-9);
    LogisticRegression::new().standardize(true).l2(0.01).solver(solver).fit(&x, &y).expect("a fit")
}

#[test]
fn every_kind_of_step_reaches_the_optimum() {
    let (x, y) = data();
    let optimum = LogisticRegression::new().standardize(true).l2(0.01).fit(&x, &y).expect("a fit");
    let plain = descended(GradientDescent::new().learning_rate(0.5));
    let momentum = descended(GradientDescent::new().learning_rate(0.5).momentum(0.8));
    let nesterov = descended(GradientDescent::new().learning_rate(0.5).nesterov());
    let adaptive = descended(GradientDescent::new().adaptive());
    let backtracking = descended(GradientDescent::new().backtracking());
    let steps = [&plain, &momentum, &nesterov, &adaptive, &backtracking];
    for (fit, end) in steps.into_iter().zip([0, 0, 0, 0, 1]) {
        let end = [StopReason::Converged, StopReason::PrecisionLimit][end];
        assert_eq!(fit.report.stop, end, "{}", fit.report);
        for (got, expected) in fit.model.weights().iter().zip(optimum.model.weights()) {
            assert!((got - expected).abs() < 1e-6, "{}", fit.report);
        }
    }
    let faster = |fit: &Fit<f64>| fit.report.iterations < plain.report.iterations;
    assert!(faster(&momentum) && faster(&nesterov));
}

#[test]
fn steps_are_those_of_their_formulas() {
    let (x, y) = data();
    let gradient_at = |at: &[f64]| {
        let objective = LogisticRegression::new().objective(&x, &y);
        objective.expect("valid").evaluate(at).gradient().to_vec()
    };
    let after = |solver: GradientDescent, iterations| {
        let Fit { model, .. } = fit(solver.max_iterations(iterations));
        [model.weights(), &[model.intercept()]].concat()
    };
    let combined = |a: &[f64], by: f64, b: &[f64]| -> Vec<f64> {
        a.iter().zip(b).map(|(a, b)| a + by * b).collect()
    };
    let assert_near = |got: Vec<f64>, expected: Vec<f64>| {
        assert!(
            got.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-14),
            "{got:?} {expected:?}"
        );
    };
    let zero = vec![0.0; 3];
    let first = combined(&zero, -0.3, &gradient_at(&zero));
    let plain = combined(&first, -0.3, &gradient_at(&first));
    let solver = GradientDescent::new().learning_rate(0.3);
    assert_near(after(solver.clone(), 2), plain.clone());
    assert_near(after(solver.clone().momentum(0.0), 2), plain.clone());
    let momentum = combined(&plain, 0.9, &first);
    assert_near(after(solver.clone().momentum(0.9), 2), momentum);
    let decayed = combined(&first, -0.3 / (1.0 + 1.0 / 4.0), &gradient_at(&first));
    assert_near(after(solver.clone().decay(4.0), 2), decayed);
    // Nesterov's t: 1, then 1.618…
    let t = (1.0 + 5f64.sqrt()) / 2.0;
    let next = (1.0 + (1.0 + 4.0 * t * t).sqrt()) / 2.0;
    let moved = combined(&plain, -1.0, &first);
    let nesterov = combined(&plain, (t - 1.0) / next, &moved);
    assert_near(after(solver.nesterov(), 2), nesterov);
}

#[test]
fn the_adaptive_rate_needs_no_scale() {
    let (x, y) = data();
    for scale in [1e-3, 1.0, 1e3] {
        let scaled = Matrix::new((60, 2), Default::default(), |i, j| x.get(i, j) * scale);
        let solver = GradientDescent::new().adaptive().max_iterations(3000).tolerance(1e-6 * scale);
        let fit = LogisticRegression::new().fit_intercept(false).solver(solver).fit(&scaled, &y);
        let report = fit.expect("a fit").report;
        assert_eq!(report.stop, StopReason::Converged, "{scale}: {report}");
    }
}

logit_conformance::properties! {
    /// On columns of any scale, in either precision, to where nothing but rounding is left.
    #[test]
    fn backtracking_lowers_the_loss_in_every_iteration(
        exponents: [i8; 2], start in -5.0..5.0, l2 in 0.0..1.0, iterations in 0..300usize,
    ) {
        fn check<F: Float>(scales: [f64; 2], start: f64, l2: f64, iterations: usize) {
            let (x, y) = data();
            let value = |i: usize, j: usize| F::narrow(x.get(i, j) * scales[j]);
            let scaled = Matrix::<F>::new((60, 2), Default::default(), value);
            let solver = GradientDescent::new().backtracking().max_iterations(iterations);
            let estimator = LogisticRegression::new().l2(l2).solver(solver);
            let start = scales.map(|scale| start / scale);
            let report = estimator.initial_weights(start).fit(&scaled, &y).expect("a fit").report;
            assert!(report.losses.is_sorted_by(|a, b| a > b), "{report}");
            // The last iteration may find no step.
            assert!(report.losses.iter().all(|loss| *loss >= report.loss), "{report}");
            assert!(report.passes >= report.iterations as f64);
            let ends = [StopReason::MaxIterations, StopReason::PrecisionLimit];
            assert!(ends.contains(&report.stop), "{report}");
        }
        let scales = exponents.map(|exponent| 10f64.powf(f64::from(exponent) / 10.0));
        check::<f64>(scales, start, l2, iterations);
        check::<f32>(scales, start, l2, iterations);
    }
}

/// The first step tried would halve the loss if half of what the slope promises came true.
#[test]
fn backtracking_halves_the_step_until_it_is_short_enough() {
    let x = Matrix::from_rows([[16.0f64], [-16.0]]);
    let solver = GradientDescent::new().backtracking().max_iterations(1);
    let estimator = LogisticRegression::new().fit_intercept(false).l2(64.0).solver(solver);
    let Fit { model, report, .. } = estimator.fit(&x, [1, 0]).expect("a fit");
    // The slope is -8 and the curvature 128: of 1/92, 1/185, … the second is below 1/128.
    assert_eq!(model.weights(), [8.0 * std::f64::consts::LN_2 / 64.0 / 2.0]);
    assert_eq!(report.passes, 3.0);
}

#[test]
fn settings_of_steps_are_checked() {
    let (x, y) = data();
    for (solver, name) in [
        (GradientDescent::new().decay(0.0), "decay"),
        (GradientDescent::new().decay(f64::NAN), "decay"),
        (GradientDescent::new().momentum(1.0), "momentum"),
        (GradientDescent::new().momentum(-0.1), "momentum"),
        (GradientDescent::new().adaptive().batch_size(8), "batch_size"),
        (GradientDescent::new().backtracking().batch_size(8), "batch_size"),
    ] {
        let error = LogisticRegression::new().solver(solver).fit(&x, &y).expect_err(name);
        assert!(
            matches!(error, logit_core::Error::Setting { name: n, .. } if n == name),
            "{error}"
        );
    }
}

#[test]
fn predictions_fill_a_slice_of_the_callers() {
    let values: Vec<f64> = (0..2400).map(|k| f64::from(k * 7 % 31) - 15.0).collect();
    let x = Dense::from_columns(&values, 800, 3);
    let model = Model::new([0.5, -0.25, 0.125], 1.0).expect("finite");
    let mut out = vec![f64::NAN; 800];
    model.decision_function_into(&x, &mut out).expect("logits");
    assert_eq!(Ok(&out), model.decision_function(&x).as_ref());
    model.predict_proba_into(&x, &mut out).expect("probabilities");
    assert_eq!(Ok(&out), model.predict_proba(&x).as_ref());
    let error = model.predict_proba_into(&x, &mut out[1..]).expect_err("an error");
    assert_eq!(error, Error::OutputLength { given: 799, rows: 800 });
}

#[test]
fn predictions_with_offsets_are_those_of_the_logits_plus_the_offsets() {
    let x = Matrix::from_rows([[-2.0], [0.0], [3.0]]);
    let model = Model::new([0.5], -0.25).expect("a model");
    let offsets = [1.5f32, -700.0, 0.0];
    let p = model.predict_proba_with_offsets(&x, offsets).expect("probabilities");
    let z = model.decision_function(&x).expect("logits");
    for i in 0..3 {
        let expected = sigmoid(z[i] + f64::from(offsets[i]));
        assert!((p[i] - expected).abs() <= 1e-15 * expected, "{} is not {expected}", p[i]);
    }
    let few = model.predict_proba_with_offsets(&x, [1.0]).expect_err("an error").to_string();
    assert_eq!(few, "1 offset for 3 rows: give one per row");
    let bad = model.predict_proba_with_offsets(&x, [1.0, f64::NAN, 0.0]).expect_err("an error");
    assert!(matches!(bad, Error::RowSetting { name: "offset", row: 1, .. }), "{bad}");
}
