//! Metrics at their edges; `crates/logit/tests/it/references.rs` compares them with scikit-learn.

use logit_core::Error;
use logit_core::metrics::{Confusion, log_loss, roc_auc};
use proptest::prelude::*;

#[test]
fn a_confusion_counts_each_pair() {
    let observed = [1, 1, 1, 1, 0, 0, 0, 1, 1, 0, 0];
    let predicted = [1, 1, 1, 0, 1, 1, 0, 1, 0, 0, 1];
    let confusion = Confusion::new(observed, predicted.map(|p| p == 1)).expect("counts");
    let expected =
        Confusion { true_positives: 4, false_positives: 3, true_negatives: 2, false_negatives: 2 };
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
}
