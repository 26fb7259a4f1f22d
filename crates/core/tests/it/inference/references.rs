//! Every statistic against R 4.2 (glm, sandwich) and statsmodels, as `tests/references/inference` says.

use logit_core::{
    ClusterCorrection, Clusters, Error, Estimates, Inference, Margins, Robust,
};
use serde_json::Value;

use super::data::{
    Set, TOLERANCE, assert_all_close, assert_close, assert_covariance, matrix, numbers,
};

const SETS: [&str; 7] =
    ["spector", "fair", "anes96", "breast_cancer", "sparse", "weighted", "dependent"];

type Dense<'a> = logit_core::Dense<'a, f64>;

#[test]
fn coefficients_errors_and_tests_are_those_of_glm() {
    for name in SETS {
        let want = Set::reference(name);
        Set::read(name).infer(|inference| {
            let estimates = inference.estimates();
            let check = |key: &str, got: &[f64]| {
                assert_all_close(got, &numbers(&want[key]), TOLERANCE, &format!("{name}: {key}"));
            };
            let mut values = estimates.values().to_vec();
            estimates.left_out().iter().for_each(|&j| values[j] = f64::NAN);
            check("coefficients", &values);
            check("z", &estimates.z());
            check("p", &estimates.p_values());
            assert_covariance(&estimates.covariance_matrix(), &want["covariance"], TOLERANCE, name);
            let intervals = estimates.intervals(0.95).expect("intervals").concat();
            let error = |k: usize| estimates.standard_errors()[k / 2];
            for (k, (got, want)) in intervals.iter().zip(matrix(&want["intervals"])).enumerate() {
                let close = (got - want).abs() <= TOLERANCE * error(k) || want.is_nan();
                assert!(close, "{name}: end {k} is {got}, not {want}");
            }
        });
    }
}

#[test]
fn likelihoods_and_measures_of_fit_are_those_of_glm() {
    for name in SETS {
        let want = Set::reference(name);
        Set::read(name).infer(|inference| {
            let fit = inference.likelihood();
            let check = |key: &str, got: f64| {
                let want = want[key].as_f64().expect("a number");
                assert_close(got, want, TOLERANCE, &format!("{name}: {key}"));
            };
            check("log_likelihood", fit.log_likelihood);
            check("null_log_likelihood", fit.null_log_likelihood);
            check("deviance", fit.deviance());
            check("null_deviance", fit.null_deviance());
            check("lr", fit.test().statistic);
            check("lr_p", fit.test().p_value);
            check("aic", fit.aic());
            check("aicc", fit.aicc());
            check("bic", fit.bic());
            check("mcfadden", fit.mcfadden());
            check("cox_snell", fit.cox_snell());
            check("nagelkerke", fit.nagelkerke());
        });
    }
}

#[test]
fn columns_that_depend_on_others_are_left_out_as_by_glm() {
    Set::read("dependent").infer(|inference| {
        let estimates = inference.estimates();
        assert_eq!(estimates.left_out(), [2]);
        assert_eq!((estimates.values()[2], inference.likelihood().parameters), (0.0, 4));
        assert!(estimates.standard_errors()[2].is_nan() && estimates.p_values()[2].is_nan());
    });
}

#[test]
fn wald_score_and_likelihood_ratio_tests_are_those_of_r() {
    for name in SETS.into_iter().filter(|name| *name != "dependent") {
        let (set, want) = (Set::read(name), Set::reference(name));
        let d = set.columns();
        let number = |value: &Value| value.as_f64().expect("a number");
        let small = set.with_columns(&(0..d - 2).collect::<Vec<_>>());
        let (mut padded, model) = (vec![0.0; d], small.model());
        padded[..d - 2].copy_from_slice(model.weights());
        let padded = logit_core::Model::new(padded, model.intercept()).expect("a model");
        let score = set.estimator().score_test(&padded, &set.x(), &set.y, &[d - 2, d - 1]);
        let score = score.expect("a test");
        assert_close(score.statistic, number(&want["score"]), TOLERANCE, &format!("{name}: score"));
        assert_eq!(score.degrees_of_freedom, 2);
        let nested = small.infer(|inference| *inference.likelihood());
        set.infer(|inference| {
            let ratio = inference.likelihood().test_against(&nested).expect("a test");
            // A difference of deviances loses their common digits.
            let rounding = 1e-14 * nested.deviance();
            let nested_lr = number(&want["nested_lr"]);
            assert!((ratio.statistic - nested_lr).abs() <= TOLERANCE * nested_lr + rounding);
            let estimates = inference.estimates();
            let wald = estimates.wald_test(&[d - 2, d - 1]).expect("a test");
            assert_close(
                wald.statistic,
                number(&want["wald"]),
                TOLERANCE,
                &format!("{name}: Wald"),
            );
            assert_close(wald.p_value, number(&want["wald_p"]), TOLERANCE, &format!("{name}: p"));
            let mut weights = vec![0.0; d + 1];
            (weights[0], weights[1], weights[d]) = (1.0, -2.0, 0.5);
            let contrast = estimates.contrast(&weights).expect("a contrast");
            let want = &want["contrast"];
            assert_close(contrast.estimate, number(&want["value"]), TOLERANCE, "contrast");
            assert_close(contrast.standard_error, number(&want["error"]), TOLERANCE, "its error");
        });
    }
}

#[test]
fn robust_covariances_are_those_of_sandwich() {
    let kinds =
        [("HC0", Robust::Hc0), ("HC1", Robust::Hc1), ("HC2", Robust::Hc2), ("HC3", Robust::Hc3)];
    for name in SETS.into_iter().filter(|name| *name != "dependent") {
        let want = Set::reference(name);
        Set::read(name).infer(|inference| {
            for (key, kind) in kinds {
                let robust = inference.robust(kind).expect("a covariance");
                assert_eq!(robust.method(), key);
                let what = format!("{name}: {key}");
                assert_covariance(&robust.covariance_matrix(), &want["hc"][key], TOLERANCE, &what);
            }
        });
    }
}

#[test]
fn clustered_covariances_are_those_of_sandwich() {
    let corrections = [
        ("cr0", ClusterCorrection::None),
        ("clusters", ClusterCorrection::Clusters),
        ("small", ClusterCorrection::ClustersAndParameters),
    ];
    for name in ["fair", "anes96", "sparse", "weighted"] {
        let (set, want) = (Set::read(name), Set::reference(name));
        set.infer(|inference| {
            for (key, correction) in corrections {
                let clusters = Clusters::new(&set.groups).correction(correction);
                let check = |clusters: &Clusters, key: &str| {
                    let got = inference.clustered(clusters).expect("a covariance");
                    let (got, want) = (got.covariance_matrix(), &want["clusters"][key]);
                    assert_covariance(&got, want, TOLERANCE, &format!("{name}: {key}"));
                };
                check(&clusters, key);
                if !set.others.is_empty() {
                    let labels = set.others.iter().map(|other| format!("group {other}"));
                    check(&clusters.and(labels), &format!("two_{key}"));
                }
            }
        });
    }
}

#[test]
fn a_negative_variance_of_two_way_clusters_is_told_or_repaired() {
    let (set, want) = (Set::read("two_way"), &Set::reference("two_way")["clusters"]);
    let clusters = Clusters::new(&set.groups).correction(ClusterCorrection::None).and(&set.others);
    set.infer(|inference| {
        // R has the variances as they are, its intercept first.
        let told = inference.clustered(&clusters).expect_err("a negative variance");
        let Error::NegativeVariance { parameter, variance } = told else { panic!("{told}") };
        let column = if parameter == "weight 0" { 0 } else { 1 };
        let raw = want["two_cr0"][column][column].as_f64().expect("a number");
        assert_close(variance, raw, TOLERANCE, "variance");
        assert!(raw < 0.0);
        let repaired = inference.clustered(&clusters.clone().repaired(true)).expect("a covariance");
        let got = repaired.covariance_matrix();
        assert_covariance(&got, &want["two_repaired"], TOLERANCE, "repaired");
    });
}

#[test]
fn marginal_effects_are_those_of_statsmodels() {
    for name in ["spector", "fair", "anes96"] {
        let want = &Set::reference(name)["margins"];
        Set::read(name).infer(|inference| {
            let robust = inference.robust(Robust::Hc0).expect("a covariance");
            let check = |at, place: &str, coefficients: &Estimates, covariance: &str| {
                let key = format!("{covariance}_{place}_dummy");
                let effects = inference.margins(at, coefficients).expect("effects");
                let want = &want[&key];
                let what = format!("{name}: {key}");
                assert_all_close(effects.values(), &numbers(&want["effects"]), TOLERANCE, &what);
                let errors = effects.standard_errors();
                assert_all_close(&errors, &numbers(&want["errors"]), TOLERANCE, &what);
            };
            for (at, place) in [(Margins::Average, "overall"), (Margins::AtMeans, "mean")] {
                check(at, place, inference.estimates(), "nonrobust");
                check(at, place, &robust, "HC0");
            }
        });
    }
}

#[test]
fn what_rows_bear_on_the_fit_is_as_in_r() {
    for name in ["spector", "weighted"] {
        let (set, want) = (Set::read(name), &Set::reference(name)["rows"]);
        let counts = |i: &usize| set.weights.as_ref().is_none_or(|weights| weights[*i] > 0.0);
        set.infer(|inference: &mut Inference<'_, Dense<'_>>| {
            let rows = inference.diagnostics();
            let rows: Vec<_> = (0..rows.len()).filter(counts).map(|i| rows[i]).collect();
            let check = |key: &str, of: fn(&logit_core::RowDiagnostics) -> f64| {
                let got: Vec<f64> = rows.iter().map(of).collect();
                assert_all_close(&got, &numbers(&want[key]), TOLERANCE, &format!("{name}: {key}"));
            };
            check("leverage", |row| row.leverage);
            check("pearson", |row| row.pearson_residual);
            check("deviance", |row| row.deviance_residual);
            check("standardized_pearson", |row| row.standardized_residual);
            check("studentized", |row| row.studentized_residual);
            check("cook", |row| row.cooks_distance);
        });
    }
    let (set, want) = (Set::read("spector"), &Set::reference("spector")["rows"]);
    set.infer(|inference| {
        let predictions = inference.predictions(&set.x(), inference.estimates(), 0.95);
        let predictions = predictions.expect("predictions");
        for (p, error) in predictions.iter().zip(numbers(&want["logit_error"])) {
            let logit = |p: f64| (p / (1.0 - p)).ln();
            let slope = p.probability * (1.0 - p.probability);
            assert_close(p.standard_error, slope * error, TOLERANCE, "standard error");
            // 2 · 1.959963984540054
            let width = logit(p.upper) - logit(p.lower);
            assert_close(width, 3.919_927_969_080_108 * error, 1e-7, "width");
        }
    });
}

#[test]
fn profile_intervals_are_the_roots_that_r_finds() {
    for name in ["spector", "fair", "weighted"] {
        let (set, want) = (Set::read(name), matrix(&Set::reference(name)["profile"]));
        set.infer(|inference| {
            let columns: Vec<usize> = (0..set.columns()).collect();
            let got = inference.profile_intervals(&columns, 0.95).expect("intervals").concat();
            assert_all_close(&got, &want, 1e-6, &format!("{name}: end"));
        });
    }
}

#[test]
fn firth_fits_are_those_of_brglm2_and_firthmodels() {
    for name in ["endometrial", "spector", "breast_cancer", "weighted"] {
        let (set, want) = (Set::read(name), &Set::reference(name)["firth"]);
        let x = set.x();
        let mut firth = set.estimator().firth(&x, &set.y).expect("a fit");
        let (got, coefficients) = (firth.estimates(), numbers(&want["coefficients"]));
        assert_all_close(got.values(), &coefficients, 1e-6, &format!("{name}: coefficient"));
        assert_covariance(&got.covariance_matrix(), &want["covariance"], 1e-6, name);
        // firthmodels takes weights of another kind.
        let Some(value) = want["log_likelihood"].as_f64() else { continue };
        assert_close(firth.penalized_log_likelihood(), value, 1e-10, name);
        let parameters: Vec<usize> = (0..=set.columns()).collect();
        let tests = parameters.iter().map(|&j| firth.test(j).expect("a test").p_value);
        let tests: Vec<f64> = tests.collect();
        assert_all_close(&tests, &numbers(&want["p"]), 1e-6, &format!("{name}: p"));
        let got = firth.profile_intervals(&parameters, 0.95).expect("intervals").concat();
        assert_all_close(&got, &matrix(&want["intervals"]), 1e-6, &format!("{name}: end"));
    }
}
