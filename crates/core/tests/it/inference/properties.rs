//! What holds of inference whatever the data.

use logit_core::{
    ClusterCorrection, Clusters, Dense, Error, Estimates, Inference, LogisticRegression, Margins,
    Newton, Robust,
};
use proptest::prelude::*;

use super::data::Set;
use crate::peers::{Data, together};

/// Relative to the largest.
fn assert_near(got: &[f64], want: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), want.len(), "{what}");
    let size = want.iter().fold(0.0f64, |most, x| most.max(x.abs()));
    for (got, want) in got.iter().zip(want) {
        assert!((got - want).abs() <= tolerance * size, "{what}: {got:e} is not {want:e}");
    }
}

fn rows(count: usize) -> Data {
    Data::new(count, 3, 17)
}

fn estimator(data: &Data) -> LogisticRegression<Newton> {
    let solver = Newton::new().tolerance(0.0);
    let estimator = LogisticRegression::new().solver(solver);
    estimator.sample_weights(&data.weights).offsets(&data.offsets)
}

logit_conformance::properties! {
    /// Frequency weights: all that is not robust.
    #[test]
    fn a_weight_is_the_row_as_many_times(
        counts in prop::collection::vec(0usize..4, 40), seed in 0u64..1000,
    ) {
        let mut data = Data::new(40, 3, seed);
        data.weights = counts.iter().map(|&count| count as f64).collect();
        let mut repeated = data.clone();
        let of_row: Vec<usize> =
            (0..40).flat_map(|i| std::iter::repeat_n(i, counts[i])).collect();
        repeated.rows = of_row.iter().map(|&i| data.rows[i].clone()).collect();
        repeated.y = of_row.iter().map(|&i| data.y[i]).collect();
        repeated.offsets = of_row.iter().map(|&i| data.offsets[i]).collect();
        repeated.weights = vec![1.0; of_row.len()];
        let (x, each) = (data.matrix(3), repeated.matrix(3));
        let (weighted, plain) = (estimator(&data), estimator(&repeated));
        // Few rows may be separated.
        let Ok(fit) = weighted.fit(&x, &data.y) else { return Ok(()) };
        let weighted_inference = weighted.inference(&fit.model, &x, &data.y);
        let plain_inference = plain.inference(&fit.model, &each, &repeated.y);
        let (Ok(mut a), Ok(mut b)) = (weighted_inference, plain_inference) else { return Ok(()) };
        let errors = b.estimates().standard_errors();
        assert_near(&a.estimates().standard_errors(), &errors, 1e-9, "errors");
        let measures = |inference: &Inference<'_, _>| {
            let fit = inference.likelihood();
            [fit.aicc(), fit.bic(), fit.test().statistic, fit.null_deviance(), fit.nagelkerke()]
        };
        assert_near(&measures(&a), &measures(&b), 1e-9, "measures of fit");
        let effects = |inference: &Inference<'_, _>| {
            let effects = inference.margins(Margins::Average, inference.estimates()).expect("effects");
            [effects.values(), &effects.standard_errors()].concat()
        };
        assert_near(&effects(&a), &effects(&b), 1e-9, "effects");
        let leverages = b.diagnostics().into_iter().map(|row| row.leverage);
        let mut sums = vec![0.0; 40];
        of_row.iter().zip(leverages).for_each(|(&i, leverage)| sums[i] += leverage);
        let got: Vec<f64> = a.diagnostics().iter().map(|row| row.leverage).collect();
        assert_near(&got, &sums, 1e-9, "leverages");
        let (p, q) = (a.profile_intervals(&[0], 0.9), b.profile_intervals(&[0], 0.9));
        assert_near(&p.expect("ends")[0], &q.expect("ends")[0], 1e-7, "profile");
        let firth = |estimator: &LogisticRegression<Newton>, x: &_, y: &[f64]| {
            let mut firth = estimator.firth(x, y).expect("a fit");
            let value = firth.penalized_log_likelihood();
            let p = firth.test(1).expect("a test").p_value;
            [firth.estimates().values(), &[value, p]].concat()
        };
        let want = firth(&plain, &each, &repeated.y);
        assert_near(&firth(&weighted, &x, &data.y), &want, 1e-7, "Firth");
    }

    /// In other units, and in another place, a column has the same z, leverages and effects.
    #[test]
    fn units_and_origins_do_not_matter(
        scale in prop_oneof![Just(1e-4), Just(1.0), Just(1e3)], shift in -5.0..5.0f64, seed in 0u64..1000,
    ) {
        let data = Data::new(60, 3, seed);
        let mut moved = data.clone();
        moved.rows.iter_mut().for_each(|row| row[1] = scale * (row[1] + shift));
        let infer = |data: &Data| {
            let (x, estimator) = (data.matrix(3), estimator(data));
            let model = estimator.fit(&x, &data.y).ok()?.model;
            let inference = estimator.inference(&model, &x, &data.y).ok()?;
            let clusters = Clusters::new((0..60).map(|i| i % 7));
            let covariances = [
                inference.estimates().clone(),
                inference.robust(Robust::Hc2).expect("a covariance"),
                inference.clustered(&clusters).expect("a covariance"),
            ];
            let z = covariances.iter().flat_map(|estimates| estimates.z()[..3].to_vec());
            let rows = inference.diagnostics();
            let rows = rows.into_iter().flat_map(|row| [row.leverage, row.cooks_distance]);
            Some(z.chain(rows).collect::<Vec<f64>>())
        };
        let (Some(a), Some(b)) = (infer(&data), infer(&moved)) else { return Ok(()) };
        assert_near(&a, &b, 1e-7, "z and rows");
    }

    /// Rows held apart, clusters spread over processes.
    #[test]
    fn processes_together_find_what_one_finds(cuts in any::<[prop::sample::Index; 2]>()) {
        let data = rows(90);
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(91)).collect();
        ends.sort_unstable();
        ends.push(90);
        let infer = |x: &crate::peers::Any<'_>, part: &Data| -> Vec<f64> {
            let estimator = estimator(part);
            let model = estimator.fit(x, &part.y).expect("a fit").model;
            let mut inference = estimator.inference(&model, x, &part.y).expect("inference");
            // Rows know their clusters by what is in them.
            let label = |row: &Vec<f64>, j: usize| (row[j] * 3.0) as i64;
            let one = Clusters::new(part.rows.iter().map(|row| label(row, 0)));
            let two = one.clone().and(part.rows.iter().map(|row| label(row, 1))).repaired(true);
            let all = [
                inference.estimates().clone(),
                inference.robust(Robust::Hc1).expect("a covariance"),
                inference.robust(Robust::Hc3).expect("a covariance"),
                inference.clustered(&one).expect("a covariance"),
                inference.clustered(&two).expect("a covariance"),
                inference.margins(Margins::Average, inference.estimates()).expect("effects"),
                inference.margins(Margins::AtMeans, inference.estimates()).expect("effects"),
                estimator.firth(x, &part.y).expect("a fit").estimates().clone(),
            ];
            let errors = all.iter().flat_map(Estimates::standard_errors);
            let fit = inference.likelihood();
            let measures = [fit.log_likelihood, fit.bic(), fit.null_log_likelihood];
            let ends = inference.profile_intervals(&[1], 0.95).expect("ends").concat();
            errors.chain(measures).chain(ends).collect()
        };
        let whole = together(&data, &[90], infer).remove(0).0;
        let parts = together(&data, &ends, infer);
        for (part, _) in &parts {
            assert_eq!(part, &parts[0].0);
            for (got, want) in part.iter().zip(&whole) {
                prop_assert!((got - want).abs() <= 1e-8 * want.abs(), "{got:e} is not {want:e}");
            }
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let data = Data::new(5000, 20, 3);
    let found = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| {
            let (x, estimator) = (data.matrix(20), estimator(&data));
            let model = estimator.fit(&x, &data.y).expect("a fit").model;
            let inference = estimator.inference(&model, &x, &data.y).expect("inference");
            let clusters = Clusters::new((0..5000).map(|i| i % 9));
            let found = [
                inference.estimates().clone(),
                inference.robust(Robust::Hc3).expect("a covariance"),
                inference.clustered(&clusters).expect("a covariance"),
                inference.margins(Margins::Average, inference.estimates()).expect("effects"),
                estimator.firth(&x, &data.y).expect("a fit").estimates().clone(),
            ];
            (found, *inference.likelihood(), inference.diagnostics())
        })
    };
    assert_eq!(found(1), found(3));
}

/// In `f32` the columns, the coefficients and their logits are rounded: z is off by 2e-4 at most.
#[test]
fn single_precision_is_within_its_bound() {
    const TOLERANCE: f64 = 2e-4;
    for name in ["spector", "fair", "anes96", "sparse", "weighted"] {
        let set = Set::read(name);
        let narrowed: Vec<f32> = set.values.iter().map(|&x| x as f32).collect();
        let x = Dense::from_rows(&narrowed, set.y.len(), set.columns());
        let estimator = set.estimator();
        let model = estimator.fit(&x, &set.y).expect("a fit").model;
        let inference = estimator.inference(&model, &x, &set.y).expect("inference");
        let clusters = Clusters::new(0..set.y.len()).correction(ClusterCorrection::None);
        let narrow = [
            inference.estimates().clone(),
            inference.robust(Robust::Hc3).expect("a covariance"),
            inference.clustered(&clusters).expect("a covariance"),
            estimator.firth(&x, &set.y).expect("a fit").estimates().clone(),
        ];
        set.infer(|wide| {
            let x = set.x();
            let wide = [
                wide.estimates().clone(),
                wide.robust(Robust::Hc3).expect("a covariance"),
                wide.robust(Robust::Hc0).expect("a covariance"), // a cluster per row
                set.estimator().firth(&x, &set.y).expect("a fit").estimates().clone(),
            ];
            for (narrow, wide) in narrow.iter().zip(&wide) {
                let what = format!("{name}: {}", wide.method());
                for (got, want) in narrow.z().iter().zip(wide.z()) {
                    assert!((got - want).abs() <= TOLERANCE * want.abs().max(1.0), "{what}: {got}");
                }
                let errors = narrow.standard_errors().into_iter().zip(wide.standard_errors());
                for (got, want) in errors {
                    assert!((got - want).abs() <= TOLERANCE * want, "{what}: {got:e}, {want:e}");
                }
            }
        });
    }
}

#[test]
fn coefficients_of_dependent_columns_may_come_in_any_way() {
    let set = Set::read("dependent");
    let (x, estimator) = (set.x(), set.estimator());
    let model = set.model();
    // BOTH is GPA and TUCE together.
    let w = model.weights();
    let spread = [w[0] - 0.5, w[1] - 0.5, w[2] + 0.5, w[3]];
    let spread = logit_core::Model::new(spread, model.intercept()).expect("a model");
    let a = estimator.inference(&model, &x, &set.y).expect("inference");
    let b = estimator.inference(&spread, &x, &set.y).expect("inference");
    let (a, b) = (a.estimates(), b.estimates());
    assert_eq!(b.left_out(), [2]);
    assert_near(b.values(), a.values(), 1e-10, "coefficients");
    let errors = |estimates: &Estimates| {
        let errors = estimates.standard_errors();
        [errors[0], errors[1], errors[3], errors[4]]
    };
    assert_near(&errors(b), &errors(a), 1e-10, "errors");
    let told = b.contrast(&[0.0, 0.0, 1.0, 0.0, 0.0]);
    assert!(matches!(told, Err(Error::Setting { .. })));
    let effects = |inference: Result<Inference<'_, _>, _>| {
        let inference: Inference<'_, _> = inference.expect("inference");
        inference.margins(Margins::Average, inference.estimates()).expect("effects")
    };
    let effects = effects(estimator.inference(&model, &x, &set.y));
    assert!(effects.standard_errors()[2].is_nan() && effects.standard_errors()[0] > 0.0);
}
