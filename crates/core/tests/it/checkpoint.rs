//! Fits that are killed and resumed: in the same bits as those that were not, or with an error.

use std::ops::ControlFlow;

use logit_conformance::Matrix;
use logit_core::{
    Backend, Checkpoint, Error, Evaluation, Fit, Float, GradientDescent, Lbfgs, LogisticRegression,
    Newton, Objective, ProximalNewton, Solver, StopReason, Trace, TrustRegion,
};
use proptest::prelude::*;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

/// Correlated columns of different scales, and labels with noise; where `runs` is given, rows at
/// the start of every so many follow another law.
fn data<F: Float>(n: usize, d: usize, seed: u64, runs: usize) -> (Matrix<F>, Vec<bool>) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let special = |i: usize| runs > 0 && i % runs < 64;
    let rows: Vec<Vec<f64>> = (0..n)
        .map(|i| {
            let (common, scale) = (rng.random_range(-1.0..1.0), if special(i) { 0.1 } else { 1.0 });
            let column = |j| (common + rng.random_range(-1.0..1.0)) * scale * (j + 1) as f64;
            (0..d).map(column).collect()
        })
        .collect();
    let class = |(i, row): (usize, &Vec<f64>)| {
        let sign = if special(i) { -6.0 } else { 1.0 };
        sign * (row[0] - 0.3 * row[d - 1]) + rng.random_range(-2.0..2.0) > 0.2
    };
    let y = rows.iter().enumerate().map(class).collect();
    (Matrix::new((n, d), Default::default(), |i, j| F::narrow(rows[i][j])), y)
}

/// As a file gives it back: in JSON and, the same, in CBOR.
#[cfg(feature = "serde")]
fn reread(checkpoint: Checkpoint) -> Checkpoint {
    let json = serde_json::to_string(&checkpoint).expect("JSON");
    let mut bytes = Vec::new();
    ciborium::into_writer(&checkpoint, &mut bytes).expect("CBOR");
    let read: Checkpoint = serde_json::from_str(&json).expect("a checkpoint");
    assert_eq!(ciborium::from_reader::<Checkpoint, _>(&*bytes).expect("a checkpoint"), read);
    read
}

#[cfg(not(feature = "serde"))]
fn reread(checkpoint: Checkpoint) -> Checkpoint {
    checkpoint
}

/// Every number of a fit, each such that another one looks different.
fn bits<F: Float>(fit: Result<Fit<F>, Error>) -> String {
    format!("{fit:?}")
}

/// The state at the start of an iteration, of a fit that ends there.
fn killed<F: Float, S: Solver>(
    estimator: &LogisticRegression<S>,
    (x, y): &(Matrix<F>, Vec<bool>),
    at: usize,
) -> Option<Checkpoint> {
    let mut saved = None;
    let fit = estimator.fit_observed(x, y, |progress| {
        if progress.iteration < at {
            return ControlFlow::Continue(());
        }
        saved = progress.checkpoint();
        assert_eq!(saved.as_ref().expect("a checkpoint").report().losses.len(), at);
        ControlFlow::Break(())
    });
    if let (Ok(fit), Some(saved)) = (fit, &saved) {
        // A fit that is near its end says that it converged, whoever stopped it.
        let mut report = saved.report().clone();
        report.stop = fit.report.stop;
        if report.stop != StopReason::Observer {
            // It may have looked for separation then.
            assert!(fit.report.passes >= report.passes);
            report.passes = fit.report.passes;
            // And summed second derivatives to know that it is near.
            report.suboptimality = fit.report.suboptimality;
            report.left_out.clone_from(&fit.report.left_out);
        }
        assert_eq!(format!("{:?}", fit.report), format!("{report:?}"));
    }
    saved.map(reread)
}

/// Kills a fit at some of its iterations and again at a later one, and resumes it each time; how
/// often. A fit that is at its end where it starts cannot be.
fn check<F: Float, S: Solver + Clone>(
    estimator: &LogisticRegression<S>,
    data: &(Matrix<F>, Vec<bool>),
    stride: usize,
) -> usize {
    let full = bits(estimator.fit(&data.0, &data.1));
    let mut kills = 0;
    while let Some(first) = killed(estimator, data, kills * stride) {
        let resumed = estimator.clone().resume(first);
        assert_eq!(bits(resumed.fit(&data.0, &data.1)), full, "killed at {}", kills * stride);
        if let Some(second) = killed(&resumed, data, kills * stride + 1) {
            let resumed = estimator.clone().resume(second);
            assert_eq!(bits(resumed.fit(&data.0, &data.1)), full, "killed again");
        }
        kills += 1;
    }
    kills
}

fn check_solvers<F: Float>(estimator: &LogisticRegression, data: &(Matrix<F>, Vec<bool>)) {
    check(estimator, data, 1);
    check(&estimator.clone().solver(Newton::new()), data, 1);
    check(&estimator.clone().solver(Newton::new().tolerance(0.0)), data, 3);
    check(&estimator.clone().solver(Lbfgs::new().memory(3).max_iterations(40)), data, 7);
    let sparse = estimator.clone().l1(0.02);
    check(&sparse.clone().solver(ProximalNewton::new()), data, 1);
    check(&sparse.clone().solver(ProximalNewton::new().tolerance(0.0)), data, 3);
    let remembering = ProximalNewton::new().most_derivatives(0);
    check(&sparse.clone().solver(remembering.max_iterations(30)), data, 4);
    check(&sparse.solver(ProximalNewton::new().most_derivatives(3)), data, 4);
    check(&estimator.clone().solver(TrustRegion::new()), data, 3);
    let descent = GradientDescent::new().learning_rate(0.02).max_iterations(12);
    for solver in [
        descent.clone(),
        descent.clone().decay(3.0).momentum(0.9),
        descent.clone().nesterov(),
        descent.clone().adaptive(),
        descent.clone().backtracking(),
        descent.clone().batch_size(7).decay(3.0),
        descent.clone().batch_size(10).momentum(0.5).seed(3),
        descent.batch_size(10).nesterov(),
    ] {
        check(&estimator.clone().solver(solver), data, 4);
    }
}

logit_conformance::properties! {
    #![cases(24)]

    #[test]
    fn a_killed_fit_ends_in_the_bits_of_one_that_was_not(
        seed: u64, n in 20usize..150, d in 1usize..6, intercept: bool, standardize: bool,
        l2 in prop_oneof![Just(0.0), Just(1e-3)], start in prop_oneof![Just(0.0), -9.0..9.0f64],
    ) {
        let estimator = LogisticRegression::new().fit_intercept(intercept).standardize(standardize);
        let estimator = estimator.l2(l2).initial_weights(vec![start; d]);
        let (double, single) = (data::<f64>(n, d, seed, 0), data::<f32>(n, d, seed, 0));
        prop_assume!(double.1.contains(&true) && double.1.contains(&false));
        check_solvers(&estimator, &double);
        check_solvers(&estimator, &single);
    }
}

/// A sample has other optima than the whole, which it takes larger and larger ones to learn.
#[test]
fn a_fit_is_resumed_among_samples_that_grow() {
    let (double, single) = (data::<f64>(70_000, 2, 1, 546), data::<f32>(70_000, 2, 1, 546));
    let estimator = LogisticRegression::new();
    let newton = estimator.clone().solver(Newton::new().tolerance(1e-15));
    assert!(check(&newton, &double, 1) > 4);
    check(&estimator, &single, 1);
    check(&estimator.clone().l1(0.01), &double, 1);
    check(&estimator.clone().l1(0.01), &single, 1);
    // Weights that leave zero late have their second derivatives summed over the larger sample.
    let wide = data::<f64>(70_000, 8, 1, 546);
    let exact = estimator.l1(1e-3).solver(ProximalNewton::new().tolerance(0.0));
    assert!(check(&exact, &wide, 2) > 1);
}

/// Without second derivatives, columns that have much in common take many steps, and then some that
/// keep signs, of several reads each.
#[test]
fn a_fit_is_resumed_among_steps_that_keep_signs() {
    let (common, y) = data::<f64>(150, 3, 1, 0);
    let (own, _) = data::<f64>(150, 30, 2, 0);
    let x = Matrix::new((150, 30), Default::default(), |i, j| {
        common.get(i, j % 3) + 0.01 * own.get(i, j) / (j + 1) as f64
    });
    let data = (x, y);
    let solver = ProximalNewton::new().most_derivatives(0);
    let estimator = LogisticRegression::new().standardize(true).l1(1e-3).solver(solver);
    let report = estimator.fit(&data.0, &data.1).expect("a fit").report;
    assert!(report.iterations > 30 && report.passes > 1.5 * report.iterations as f64, "{report}");
    assert!(check(&estimator, &data, 5) > 6);
}

#[test]
fn a_fit_that_fails_after_it_was_resumed_fails_the_same_way() {
    let x = Matrix::new((30, 2), Default::default(), |i, j| ((i * (3 * j + 2)) % 7) as f64);
    let data = (x.clone(), (0..30).map(|i| x.get(i, 0) > 3.0).collect());
    let full = LogisticRegression::new().fit(&data.0, &data.1);
    assert!(matches!(full, Err(Error::Separated { .. })));
    assert!(check(&LogisticRegression::new(), &data, 1) > 1);
    // A row of either class, at the first row above 3 and as well below.
    let tied = Matrix::new((31, 2), Default::default(), |i, j| match i {
        30 => [4.0, -1.0][j],
        _ => x.get(i, j) * if j == 0 { 1.0 } else { 0.0 },
    });
    let tied = (tied, (0..31).map(|i| i < 30 && x.get(i, 0) > 3.0).collect::<Vec<_>>());
    let lbfgs = LogisticRegression::new().solver(Lbfgs::new());
    assert!(matches!(lbfgs.fit(&tied.0, &tied.1), Err(Error::Separated { .. })));
    assert!(check(&lbfgs, &tied, 1) > 1);
    let steep = LogisticRegression::new().l2(1.0).initial_weights([1.0, 1.0]);
    let steep = steep.solver(GradientDescent::new().learning_rate(3.0));
    assert!(matches!(steep.fit(&data.0, &data.1), Err(Error::Diverged { .. })));
    check(&steep, &data, 100);
}

#[test]
fn a_resumed_fit_may_make_more_iterations() {
    let data = data::<f64>(50, 3, 1, 0);
    let descent = |n| GradientDescent::new().learning_rate(0.1).max_iterations(n);
    let estimator = |n| LogisticRegression::new().solver(descent(n));
    let saved = killed(&estimator(5), &data, 4);
    let resumed = estimator(10).resume(saved).fit(&data.0, &data.1);
    assert_eq!(bits(resumed), bits(estimator(10).fit(&data.0, &data.1)));
    let shorter = estimator(2).resume(killed(&estimator(5), &data, 4));
    let report = shorter.fit(&data.0, &data.1).expect("a fit").report;
    assert_eq!((report.iterations, report.stop), (4, StopReason::MaxIterations));
}

#[test]
fn nothing_to_resume_is_a_start() {
    let (x, y) = data::<f64>(50, 3, 1, 0);
    let estimator = LogisticRegression::new();
    assert_eq!(bits(estimator.clone().resume(None).fit(&x, &y)), bits(estimator.fit(&x, &y)));
}

/// What does not fit: the checkpoint's own and what is here.
fn refused<F: Float>(
    estimator: LogisticRegression<impl Solver>,
    (x, y): &(Matrix<F>, Vec<bool>),
) -> (&'static str, String, String) {
    match estimator.fit(x, y) {
        Err(Error::Checkpoint { what, given, expected }) => (what, given, expected),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_checkpoint_of_another_fit_is_refused_by_what_differs() {
    let own = data::<f64>(50, 3, 1, 0);
    let new = LogisticRegression::new;
    let saved = || killed(&new().l1(0.0).l2(0.01).solver(Newton::new()), &own, 1);
    let same = || new().l2(0.01).resume(saved());
    let of = |what, given: &str, expected: &str| (what, given.to_owned(), expected.to_owned());
    let newton = || same().solver(Newton::new());
    assert!(newton().fit(&own.0, &own.1).is_ok());
    assert_eq!(refused(newton().l2(0.5), &own), of("l2", "0.01", "0.5"));
    assert_eq!(refused(same().l1(0.5), &own), of("l1", "0", "0.5"));
    assert_eq!(refused(newton().standardize(true), &own), of("standardize", "false", "true"));
    assert_eq!(refused(newton().fit_intercept(false), &own), of("fit_intercept", "true", "false"));
    assert_eq!(refused(same().solver(Lbfgs::new()), &own), of("solver", "Newton", "Lbfgs"));
    let descent = same().solver(GradientDescent::new());
    assert_eq!(refused(descent, &own), of("solver", "Newton", "GradientDescent"));
    let single = data::<f32>(50, 3, 1, 0);
    assert_eq!(refused(newton(), &single), of("precision", "f64", "f32"));
    let rows = data::<f64>(51, 3, 1, 0);
    assert_eq!(refused(newton(), &rows), of("number of rows", "50", "51"));
    let columns = data::<f64>(50, 4, 1, 0);
    assert_eq!(refused(newton(), &columns), of("number of columns", "3", "4"));
    let (x, mut y) = own.clone();
    y[0] = !y[0];
    assert_eq!(refused(newton(), &(x, y)).0, "loss");
    assert_eq!(
        refused(newton().sample_weights(vec![2.0; 49].into_iter().chain([1.0])), &own).0,
        "loss"
    );
}

#[test]
fn other_data_shows_at_the_very_start() {
    let own = data::<f64>(50, 3, 1, 0);
    let estimator = LogisticRegression::new().solver(GradientDescent::new());
    let saved = killed(&estimator, &own, 0);
    // All coefficients are 0, and with them all logits.
    let other = data::<f64>(50, 3, 2, 0);
    assert_eq!(refused(estimator.resume(saved), &other).0, "gradient norm");
}

#[test]
fn another_kind_of_step_is_refused() {
    let own = data::<f64>(50, 3, 1, 0);
    let estimator = LogisticRegression::new();
    let saved = killed(&estimator.clone().solver(GradientDescent::new().nesterov()), &own, 2);
    let momentum = estimator.resume(saved).solver(GradientDescent::new().momentum(0.5));
    let expected = ("step", "Nesterov".to_owned(), "Momentum(0.5)".to_owned());
    assert_eq!(refused(momentum, &own), expected);
}

/// A solver that knows of no checkpoints.
struct Own;

impl Solver for Own {
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
            if let Some(stop) = trace.proceed(objective, 3) {
                return Ok((point, stop));
            }
            let downhill = |(at, slope): (&B::Scalar, &B::Scalar)| *at - *slope;
            let at: Vec<_> =
                point.parameters().iter().zip(point.gradient()).map(downhill).collect();
            point = objective.evaluate(at);
        }
    }
}

#[test]
fn a_solver_of_ones_own_needs_no_checkpoints_and_refuses_them() {
    let own = data::<f64>(50, 3, 1, 0);
    let estimator = LogisticRegression::new().solver(Own);
    let fit = estimator.fit_observed(&own.0, &own.1, |progress| {
        assert_eq!(progress.checkpoint(), None);
        ControlFlow::Continue(())
    });
    assert_eq!(fit.expect("a fit").report.iterations, 3);
    let saved = killed(&LogisticRegression::new(), &own, 1);
    let (what, given, _) = refused(estimator.resume(saved), &own);
    assert_eq!((what, &given[..]), ("solver", "Newton"));
}

#[cfg(feature = "serde")]
mod damaged {
    use super::*;
    use serde_json::Value;

    fn numbers(value: &mut Value, visit: &mut dyn FnMut(&mut Vec<Value>)) {
        match value {
            Value::Array(values) if values.first().is_some_and(Value::is_number) => visit(values),
            Value::Array(values) => values.iter_mut().for_each(|value| numbers(value, visit)),
            Value::Object(fields) => {
                fields.values_mut().for_each(|value| numbers(value, visit));
            }
            _ => {}
        }
    }

    /// The same with the checksum that it would have if somebody had made it so: the hash FNV-1a of
    /// its JSON without one.
    fn forged(mut value: Value) -> Option<Value> {
        let read = serde_json::from_value::<Checkpoint>(value.clone()).ok()?;
        let text = serde_json::to_string(&read).expect("JSON");
        let own = format!("\"checksum\":{}", value["checksum"]);
        assert!(text.contains(&own), "{text}");
        let hash = text
            .replace(&own, "\"checksum\":null")
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
        value["checksum"] = format!("{hash:016x}").into();
        Some(value)
    }

    /// Fits with one array of numbers after the other damaged, in both ways.
    fn each_array(estimator: &LogisticRegression<impl Solver + Clone>, at: usize) {
        let own = data::<f64>(60, 4, 1, 0);
        let saved = killed(estimator, &own, at).expect("a checkpoint");
        let whole = serde_json::to_value(&saved).expect("JSON");
        let mut arrays = 0;
        numbers(&mut whole.clone(), &mut |_| arrays += 1);
        assert!(arrays >= 4);
        for damaged in 0..2 * arrays {
            let (mut value, mut array) = (whole.clone(), 0);
            numbers(&mut value, &mut |numbers| {
                if array == damaged / 2 {
                    numbers.pop();
                    numbers.extend(vec![Value::from(1.0); 2 * (damaged % 2)]);
                }
                array += 1;
            });
            for value in [forged(value.clone()), Some(value)].into_iter().flatten() {
                if let Ok(read) = serde_json::from_value::<Checkpoint>(value) {
                    let (what, given, _) = refused(estimator.clone().resume(read), &own);
                    assert_eq!((what, &given[..]), ("state", "damaged"), "array {damaged}");
                }
            }
        }
    }

    #[test]
    fn an_array_of_another_length_is_an_error() {
        let new = LogisticRegression::new;
        let descent = GradientDescent::new().learning_rate(0.1);
        each_array(&new().solver(descent.clone().momentum(0.5)), 3);
        each_array(&new().solver(descent.adaptive()), 3);
        each_array(&new(), 2);
        each_array(&new().solver(Lbfgs::new()), 3);
        each_array(&new().l1(0.01), 2);
        each_array(&new().l1(0.01).solver(ProximalNewton::new().most_derivatives(0)), 3);
    }

    /// Each solver's, from late enough that it remembers something.
    fn each_solver(check: impl Fn(Checkpoint, &dyn Fn(Checkpoint) -> Result<Fit<f64>, Error>)) {
        let own = data::<f64>(60, 4, 1, 0);
        fn one<S: Solver + Clone>(
            check: &impl Fn(Checkpoint, &dyn Fn(Checkpoint) -> Result<Fit<f64>, Error>),
            estimator: &LogisticRegression<S>,
            own: &(Matrix<f64>, Vec<bool>),
        ) {
            let saved = killed(estimator, own, 3).expect("a checkpoint");
            check(saved, &|saved| estimator.clone().resume(saved).fit(&own.0, &own.1));
        }
        let new = LogisticRegression::new;
        let descent = GradientDescent::new().learning_rate(0.1);
        let few = ProximalNewton::new().most_derivatives(0);
        one(&check, &new().solver(Newton::new().tolerance(0.0)), &own);
        one(&check, &new().solver(Lbfgs::new()), &own);
        one(&check, &new().solver(TrustRegion::new()), &own);
        one(&check, &new().l1(1e-3).solver(ProximalNewton::new().tolerance(0.0)), &own);
        one(&check, &new().l1(1e-3).solver(few), &own);
        one(&check, &new().solver(descent.clone().momentum(0.5)), &own);
        one(&check, &new().solver(descent.clone().adaptive()), &own);
        one(&check, &new().solver(descent.backtracking()), &own);
    }

    /// Wherever it is, unless another digit stands for the same number.
    #[test]
    fn another_digit_anywhere_is_an_error() {
        const STRIDE: usize = 11;
        each_solver(|saved, resume| {
            let json = serde_json::to_string(&saved).expect("JSON");
            let digits = (0..json.len()).filter(|&at| json.as_bytes()[at].is_ascii_digit());
            let mut refused = 0;
            for at in digits.skip(json.len() % STRIDE).step_by(STRIDE) {
                let mut damaged = json.clone().into_bytes();
                damaged[at] = b'0' + (damaged[at] - b'0' + 1) % 10;
                match serde_json::from_slice::<Checkpoint>(&damaged) {
                    Ok(read) if read == saved => {}
                    Ok(read) => {
                        let error = resume(read).expect_err(&json[..at]);
                        assert!(matches!(error, Error::Checkpoint { .. }), "{error}");
                        refused += 1;
                    }
                    Err(_) => refused += 1,
                }
            }
            assert!(refused > 20);
            assert!(resume(saved).is_ok());
        });
    }

    #[test]
    fn another_bit_anywhere_is_an_error() {
        const STRIDE: usize = 7;
        each_solver(|saved, resume| {
            let mut bytes = Vec::new();
            ciborium::into_writer(&saved, &mut bytes).expect("CBOR");
            for at in (bytes.len() % STRIDE..bytes.len()).step_by(STRIDE) {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << (at % 8);
                match ciborium::from_reader::<Checkpoint, _>(&*damaged) {
                    // Some names may be bytes as well as text.
                    Ok(read) if read == saved => {}
                    Ok(read) => assert!(matches!(resume(read), Err(Error::Checkpoint { .. }))),
                    Err(_) => {}
                }
            }
        });
    }

    #[test]
    fn a_file_without_a_checksum_is_an_error() {
        each_solver(|saved, resume| {
            let mut value = serde_json::to_value(&saved).expect("JSON");
            value.as_object_mut().expect("an object").remove("checksum").expect("a checksum");
            let read: Checkpoint = serde_json::from_value(value).expect("a checkpoint");
            // Nor has it one when it is written again.
            let error = resume(reread(read)).unwrap_err();
            let message = "the checkpoint does not fit: its state is without a checksum, and it \
                           must be whole";
            assert_eq!(error.to_string(), message);
        });
    }

    #[test]
    fn another_version_is_named_before_anything_else() {
        each_solver(|saved, resume| {
            let mut value = serde_json::to_value(&saved).expect("JSON");
            value["problem"]["version"] = Value::from("0.0.9");
            value["problem"]["rows"] = Value::from(7);
            let read: Checkpoint = serde_json::from_value(value).expect("a checkpoint");
            let error = resume(read).unwrap_err();
            assert!(matches!(error, Error::Checkpoint { what: "version of logit", .. }), "{error}");
        });
    }

    #[test]
    fn a_damaged_checkpoint_is_not_mended_by_saving_it() {
        each_solver(|saved, resume| {
            let mut value = serde_json::to_value(&saved).expect("JSON");
            value["parameters"][0] = Value::from(0.25);
            let read: Checkpoint = serde_json::from_value(value).expect("a checkpoint");
            let error = resume(reread(read)).unwrap_err();
            assert!(matches!(error, Error::Checkpoint { what: "state", .. }), "{error}");
        });
    }

    #[test]
    fn a_file_cut_short_is_an_error() {
        let own = data::<f64>(60, 4, 1, 0);
        let saved = killed(&LogisticRegression::new(), &own, 2).expect("a checkpoint");
        let json = serde_json::to_string(&saved).expect("JSON");
        let mut bytes = Vec::new();
        ciborium::into_writer(&saved, &mut bytes).expect("CBOR");
        assert!(
            (0..json.len())
                .all(|end| { serde_json::from_str::<Checkpoint>(&json[..end]).is_err() })
        );
        assert!(
            (0..bytes.len())
                .all(|end| { ciborium::from_reader::<Checkpoint, _>(&bytes[..end]).is_err() })
        );
    }

    #[test]
    fn a_number_that_is_none_is_an_error() {
        let own = data::<f64>(60, 4, 1, 0);
        let estimator = LogisticRegression::new().solver(Lbfgs::new());
        let saved = killed(&estimator, &own, 3).expect("a checkpoint");
        let mut value = ciborium::Value::serialized(&saved).expect("CBOR");
        let ciborium::Value::Map(fields) = &mut value else { panic!("{value:?}") };
        let (_, parameters) =
            fields.iter_mut().find(|(name, _)| name.as_text() == Some("parameters")).expect("them");
        *parameters = ciborium::Value::Array(vec![f64::NAN.into(); 5]);
        let read: Checkpoint = value.deserialized().expect("CBOR has NaN");
        let (what, given, _) = refused(estimator.resume(read), &own);
        assert_eq!((what, &given[..]), ("state", "damaged"));
    }
}
