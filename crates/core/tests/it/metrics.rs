//! Metrics against scikit-learn (`tests/references/inference/reference.py`), at their edges, and by their
//! definitions.

use logit_core::Error;
use logit_core::metrics::{
    Bins, CalibrationBin, Confusion, average_precision, brier_score, calibration_bins,
    expected_calibration_error, hosmer_lemeshow, log_loss, precision_recall_curve, roc_auc,
    roc_curve,
};
use proptest::prelude::*;
use serde_json::Value;

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("an array").iter().map(|v| v.as_f64().expect("a number")).collect()
}

fn assert_close(got: f64, want: &Value, what: &str) {
    let want = want.as_f64().expect("a number");
    assert!((got - want).abs() <= 1e-13 * want.abs().max(1.0), "{what} is {got}, not {want}");
}

fn assert_all_close(got: &[f64], want: &Value, what: &str) {
    let want = want.as_array().expect("an array");
    assert_eq!(got.len(), want.len(), "{what}");
    got.iter().zip(want).for_each(|(got, want)| assert_close(*got, want, what));
}

fn agrees_with_scikit_learn(rows: &[(bool, f64)], p: &[f64], want: &Value) {
    let y = || rows.iter().copied();
    let confusion = Confusion::new(y(), p.iter().map(|&p| p >= 0.5)).expect("counts");
    let Confusion { true_positives, false_positives, true_negatives, false_negatives } = confusion;
    let counts = [true_negatives, false_positives, false_negatives, true_positives];
    assert_all_close(&counts, &want["confusion"], "confusion");
    let values = [
        ("log_loss", log_loss(y(), p)),
        ("brier", brier_score(y(), p)),
        ("roc_auc", roc_auc(y(), p)),
        ("average_precision", average_precision(y(), p)),
        ("ece", expected_calibration_error(y(), p, Bins::Uniform(10))),
    ];
    for (name, got) in values {
        assert_close(got.expect("a value"), &want[name], name);
    }
    let test = hosmer_lemeshow(y(), p, 10).expect("a test");
    let want_test = &want["hosmer_lemeshow"];
    assert_close(test.statistic, &want_test["statistic"], "Hosmer-Lemeshow");
    assert_close(test.p_value, &want_test["p"], "its p");
    assert_eq!(test.degrees_of_freedom as u64, want_test["df"].as_u64().expect("a number"));
    let bins = calibration_bins(y(), p, Bins::Quantile(7)).expect("bins");
    let of = |f: fn(&CalibrationBin) -> f64| bins.iter().map(f).collect::<Vec<_>>();
    assert_all_close(&of(|bin| bin.predicted), &want["quantile_bins"]["predicted"], "predicted");
    assert_all_close(&of(|bin| bin.observed), &want["quantile_bins"]["observed"], "observed");
    curves_agree(rows, p, want);
}

fn curves_agree(rows: &[(bool, f64)], p: &[f64], want: &Value) {
    let roc = roc_curve(rows.iter().copied(), p).expect("a curve");
    let rates: Vec<f64> = roc.iter().map(|point| point.false_positive_rate).collect();
    assert_all_close(&rates, &want["roc"]["fpr"], "false positive rates");
    let rates: Vec<f64> = roc.iter().map(|point| point.true_positive_rate).collect();
    assert_all_close(&rates, &want["roc"]["tpr"], "true positive rates");
    let curve = precision_recall_curve(rows.iter().copied(), p).expect("a curve");
    let want = &want["precision_recall"];
    // scikit-learn has a threshold too for scores of rows of weight 0 alone, with the point before it.
    let thresholds = numbers(&want["thresholds"]);
    let at = |threshold: f64| thresholds.iter().position(|&t| t == threshold).expect("a threshold");
    for point in &curve {
        let at = at(point.threshold);
        assert_close(point.precision, &want["precision"][at], "precision");
        assert_close(point.recall, &want["recall"][at], "recall");
    }
    let counted = rows.iter().zip(p).filter(|((_, weight), _)| *weight > 0.0);
    let mut scores: Vec<f64> = counted.map(|(_, p)| *p).collect();
    scores.sort_by(|a, b| b.total_cmp(a));
    scores.dedup();
    assert!(curve.iter().map(|point| point.threshold).eq(scores));
}

#[test]
fn metrics_are_those_of_scikit_learn_with_and_without_weights() {
    let json = include_str!("../references/inference/metrics.json");
    let json: Value = serde_json::from_str(json).expect("JSON");
    let (y, p, weights) = (numbers(&json["y"]), numbers(&json["p"]), numbers(&json["weights"]));
    let rows = |weight: &dyn Fn(usize) -> f64| -> Vec<(bool, f64)> {
        y.iter().enumerate().map(|(i, y)| (*y == 1.0, weight(i))).collect()
    };
    agrees_with_scikit_learn(&rows(&|_| 1.0), &p, &json["plain"]);
    agrees_with_scikit_learn(&rows(&|i| weights[i]), &p, &json["weighted"]);
    let bins = calibration_bins(&y, &p, Bins::Uniform(8)).expect("bins");
    let predicted: Vec<f64> = bins.iter().map(|bin| bin.predicted).collect();
    assert_all_close(&predicted, &json["uniform_bins"]["predicted"], "predicted");
    let observed: Vec<f64> = bins.iter().map(|bin| bin.observed).collect();
    assert_all_close(&observed, &json["uniform_bins"]["observed"], "observed");
}

#[test]
fn a_confusion_counts_each_pair() {
    let observed = [1, 1, 1, 1, 0, 0, 0, 1, 1, 0, 0];
    let predicted = [1, 1, 1, 0, 1, 1, 0, 1, 0, 0, 1];
    let confusion = Confusion::new(observed, predicted.map(|p| p == 1)).expect("counts");
    let expected = Confusion {
        true_positives: 4.0,
        false_positives: 3.0,
        true_negatives: 2.0,
        false_negatives: 2.0,
    };
    assert_eq!(confusion, expected);
    let shares = [confusion.accuracy(), confusion.precision(), confusion.recall(), confusion.f1()];
    assert_eq!(shares, [6.0 / 11.0, 4.0 / 7.0, 4.0 / 6.0, 8.0 / 13.0]);
}

#[test]
fn shares_of_nothing_are_zero() {
    let confusion = Confusion::new([0, 0], [0, 0]).expect("counts");
    assert_eq!((confusion.accuracy(), confusion.precision()), (1.0, 0.0));
    assert_eq!((confusion.recall(), confusion.f1()), (0.0, 0.0));
    assert_eq!(Confusion::default().accuracy(), 0.0);
}

#[test]
fn bad_input_is_named() {
    assert_eq!(Confusion::new([0u8; 0], [0u8; 0]).unwrap_err(), Error::NoRows);
    let expected = Error::LabelCount { rows: 3, labels: 2 };
    assert_eq!(Confusion::new([0, 1], [0, 1, 1]).unwrap_err(), expected);
    assert_eq!(log_loss([0, 1], [0.5, 0.5, 0.5]).unwrap_err(), expected);
    let expected = Error::Label { row: 1, value: "2".into() };
    assert_eq!(Confusion::new([0, 2], [0, 1]).unwrap_err(), expected);
    assert_eq!(Confusion::new([0, 1], [0, 2]).unwrap_err(), expected);
    let expected = Error::Probability { row: 1, value: 1.5 };
    assert_eq!(log_loss([0, 1], [0.5, 1.5]).unwrap_err(), expected);
    assert!(matches!(log_loss([0], [f64::NAN]), Err(Error::Probability { row: 0, .. })));
    assert_eq!(log_loss([0u8; 0], [0.0; 0]).unwrap_err(), Error::NoRows);
    assert_eq!(roc_auc([0, 1], [0.5, f32::NAN]).unwrap_err(), Error::Score { row: 1 });
    assert_eq!(roc_auc([1, 1], [0.5, 0.6]).unwrap_err(), Error::OneClass { class: 1 });
    // A class whose rows have no weight does not occur.
    let weighted = [(1, 1.0), (0, 0.0)];
    assert_eq!(roc_curve(weighted, [0.5, 0.6]).unwrap_err(), Error::OneClass { class: 1 });
    assert_eq!(brier_score([(1, 0.0)], [0.5]).unwrap_err(), Error::NoWeight);
    let negative = brier_score([(1, 1.0), (0, -1.0)], [0.5, 0.5]).unwrap_err();
    assert!(matches!(negative, Error::RowSetting { name: "sample weight", row: 1, .. }));
    let bins = |bins| calibration_bins([0, 1], [0.5, 0.5], bins);
    assert!(matches!(bins(Bins::Uniform(0)), Err(Error::Setting { name: "bins", .. })));
    // All rows are tied, so there is one group.
    let test = hosmer_lemeshow([0, 1], [0.5, 0.5], 10);
    assert!(matches!(test, Err(Error::Setting { name: "groups", .. })));
}

#[test]
fn certain_probabilities_are_calibrated_or_refuted() {
    let p = [0.0, 0.0, 0.5, 0.5, 1.0, 1.0];
    let test = hosmer_lemeshow([0, 0, 0, 1, 1, 1], p, 3).expect("a test");
    assert_eq!((test.statistic, test.degrees_of_freedom, test.p_value), (0.0, 1, 1.0));
    let test = hosmer_lemeshow([1, 0, 0, 1, 1, 1], p, 3).expect("a test");
    assert_eq!((test.statistic, test.p_value), (f64::INFINITY, 0.0));
}

#[test]
fn log_loss_is_clamped_as_the_precision_allows() {
    assert_eq!(log_loss([1], [0.0f64]).expect("a loss"), -(1e-9f64).ln());
    let expected = f64::from(-f32::EPSILON.ln());
    assert!((log_loss([1], [0.0f32]).expect("a loss") - expected).abs() < 1e-5);
    assert_eq!(log_loss([true, false], [0.5, 0.5]).expect("a loss"), std::f64::consts::LN_2);
}

#[test]
fn signed_zeros_and_infinities_rank_as_numbers() {
    assert_eq!(roc_auc([0, 1], [0.0, -0.0]).expect("an area"), 0.5);
    assert_eq!(roc_auc([0, 1, 1], [f64::NEG_INFINITY, 0.0, f64::INFINITY]).expect("an area"), 1.0);
}

logit_conformance::properties! {
    /// The definition itself: all pairs, ties as one half.
    #[test]
    fn the_area_is_the_share_of_pairs_in_order(
        rows in prop::collection::vec((any::<bool>(), -3i8..3), 2..60)
    ) {
        let y: Vec<bool> = rows.iter().map(|row| row.0).collect();
        let scores: Vec<f64> = rows.iter().map(|row| f64::from(row.1)).collect();
        prop_assume!(y.contains(&true) && y.contains(&false));
        let (mut wins, mut pairs) = (0.0, 0.0);
        for (_, positive) in rows.iter().filter(|row| row.0) {
            for (_, negative) in rows.iter().filter(|row| !row.0) {
                pairs += 1.0;
                wins += match positive.cmp(negative) {
                    std::cmp::Ordering::Greater => 1.0,
                    std::cmp::Ordering::Equal => 0.5,
                    std::cmp::Ordering::Less => 0.0,
                };
            }
        }
        prop_assert_eq!(roc_auc(&y, &scores).expect("an area"), wins / pairs);
    }

    #[test]
    fn a_weight_is_the_row_as_many_times_in_any_order(
        rows in prop::collection::vec((any::<bool>(), 0u8..5, 0usize..4), 3..40),
        order in any::<prop::sample::Index>(),
    ) {
        let repeated: Vec<_> = rows
            .iter()
            .flat_map(|&(y, p, weight)| std::iter::repeat_n((y, f64::from(p) / 4.0), weight))
            .collect();
        let mut weighted = rows.clone();
        weighted.rotate_left(order.index(rows.len()));
        let y = || weighted.iter().map(|&(y, _, weight)| (y, weight as f64));
        let p = || weighted.iter().map(|&(_, p, _)| f64::from(p) / 4.0);
        let (each_y, each_p) = (|| repeated.iter().map(|r| r.0), || repeated.iter().map(|r| r.1));
        prop_assume!(each_y().any(|y| y) && !each_y().all(|y| y));
        let pairs = [
            (brier_score(y(), p()), brier_score(each_y(), each_p())),
            (log_loss(y(), p()), log_loss(each_y(), each_p())),
            (roc_auc(y(), p()), roc_auc(each_y(), each_p())),
            (average_precision(y(), p()), average_precision(each_y(), each_p())),
        ];
        for (weighted, repeated) in pairs {
            let (a, b) = (weighted.expect("a value"), repeated.expect("a value"));
            prop_assert!((a - b).abs() <= 1e-12 * b.abs().max(1.0), "{a} is not {b}");
        }
        prop_assert_eq!(roc_curve(y(), p()).expect("a curve"), roc_curve(each_y(), each_p()).expect("a curve"));
        // The area under the curve, by trapezoids, is that of the pairs.
        let curve = roc_curve(y(), p()).expect("a curve");
        let area: f64 = curve
            .windows(2)
            .map(|w| {
                let width = w[1].false_positive_rate - w[0].false_positive_rate;
                width * (w[0].true_positive_rate + w[1].true_positive_rate) / 2.0
            })
            .sum();
        prop_assert!((area - roc_auc(y(), p()).expect("an area")).abs() <= 1e-12);
        for bins in [Bins::Uniform(3), Bins::Quantile(3)] {
            let bins = calibration_bins(y(), p(), bins).expect("bins");
            let total: f64 = bins.iter().map(|bin| bin.weight).sum();
            prop_assert_eq!(total, repeated.len() as f64);
            prop_assert!(bins.is_sorted_by(|a, b| a.predicted < b.predicted));
        }
    }
}
