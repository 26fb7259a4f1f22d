//! Fits to rows that several processes hold, played by threads.

use std::ops::{ControlFlow, Range};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use logit_conformance::{DynBackend, Matrix};
use logit_core::{
    Backend, CrossValidated, CrossValidation, EarlyStopping, Error, Fit, GradientDescent, Lbfgs,
    LogisticRegression, Newton, Path, PathFit, Peers, ProximalNewton, Solver, TrustRegion,
};
use proptest::prelude::*;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

/// Where the threads meet to sum.
struct Meeting {
    round: Mutex<Round>,
    over: Condvar,
}

#[derive(Default)]
struct Round {
    number: usize,
    brought: Vec<Option<Vec<f64>>>,
    total: Vec<f64>,
}

struct Threads {
    meeting: Arc<Meeting>,
    rank: usize,
    size: usize,
    /// How many numbers each sum was over.
    sums: Mutex<Vec<usize>>,
}

impl Peers for Threads {
    fn size(&self) -> usize {
        self.size
    }

    fn rank(&self) -> usize {
        self.rank
    }

    fn sum(&self, numbers: &mut [f64]) {
        self.sums.lock().unwrap().push(numbers.len());
        let mut round = self.meeting.round.lock().unwrap();
        round.brought.resize(self.size, None);
        round.brought[self.rank] = Some(numbers.to_vec());
        if round.brought.iter().all(Option::is_some) {
            let mut total = vec![0.0; numbers.len()];
            for brought in round.brought.iter_mut().filter_map(Option::take) {
                assert_eq!(brought.len(), total.len(), "all sum equally many numbers");
                total.iter_mut().zip(brought).for_each(|(total, x)| *total += x);
            }
            (round.total, round.number) = (total, round.number + 1);
            self.meeting.over.notify_all();
        } else {
            let this = round.number;
            let patience = Duration::from_secs(20);
            let is_on = |round: &mut Round| round.number == this;
            let (ended, wait) =
                self.meeting.over.wait_timeout_while(round, patience, is_on).unwrap();
            assert!(!wait.timed_out(), "rank {} waits for others that do not come", self.rank);
            round = ended;
        }
        numbers.copy_from_slice(&round.total);
    }
}

/// The rows of one thread, or all: fits to either are compiled once.
pub(crate) type Any<'x> = DynBackend<'x, f64>;

/// The rows of one thread.
struct Part {
    x: Matrix<f64>,
    peers: Threads,
}

impl Backend for Part {
    type Scalar = f64;
    type Vector = Vec<f64>;

    fn nrows(&self) -> usize {
        self.x.nrows()
    }

    fn ncols(&self) -> usize {
        self.x.ncols()
    }

    fn matvec(&self, rows: Range<usize>, w: &[f64], out: &mut [f64]) {
        self.x.matvec(rows, w, out);
    }

    fn matvec_transpose(&self, rows: Range<usize>, r: &[f64], acc: &mut [f64]) {
        self.x.matvec_transpose(rows, r, acc);
    }

    fn vector(&self, values: Vec<f64>) -> Vec<f64> {
        values
    }

    fn peers(&self) -> &dyn Peers {
        &self.peers
    }
}

/// Rows with what is known of each, by default of overlapping classes.
#[derive(Clone)]
pub(crate) struct Data {
    pub(crate) rows: Vec<Vec<f64>>,
    pub(crate) y: Vec<f64>,
    pub(crate) weights: Vec<f64>,
    pub(crate) offsets: Vec<f64>,
}

impl Data {
    pub(crate) fn new(n: usize, d: usize, seed: u64) -> Self {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut draw = |low: f64, high: f64| rng.random_range(low..high);
        let rows: Vec<Vec<f64>> = (0..n)
            .map(|_| (0..d).map(|j| 3.0 * j as f64 + draw(-1.0, 1.0) * (j + 1) as f64).collect())
            .collect();
        let label = |row: &Vec<f64>| f64::from(row[0] + draw(-1.5, 1.5) > 0.0);
        let mut y: Vec<f64> = rows.iter().map(label).collect();
        (y[0], y[n - 1]) = (1.0, 0.0);
        let weights = (0..n).map(|_| draw(0.5, 2.0)).collect();
        let offsets = (0..n).map(|_| draw(-0.5, 0.5)).collect();
        Self { rows, y, weights, offsets }
    }

    fn part(&self, rows: Range<usize>) -> Self {
        Self {
            rows: self.rows[rows.clone()].to_vec(),
            y: self.y[rows.clone()].to_vec(),
            weights: self.weights[rows.clone()].to_vec(),
            offsets: self.offsets[rows].to_vec(),
        }
    }

    pub(crate) fn matrix(&self, d: usize) -> Matrix<f64> {
        Matrix::new((self.rows.len(), d), Default::default(), |i, j| self.rows[i][j])
    }
}

/// What every rank comes to, and the sums that it took part in.
pub(crate) fn together<R: Send>(
    data: &Data,
    ends: &[usize],
    work: impl Fn(&Any<'_>, &Data) -> R + Sync,
) -> Vec<(R, Vec<usize>)> {
    let meeting = Arc::new(Meeting { round: Mutex::default(), over: Condvar::new() });
    let (d, work) = (data.rows[0].len(), &work);
    std::thread::scope(|scope| {
        let rank = |rank: usize| {
            let start = if rank == 0 { 0 } else { ends[rank - 1] };
            let part = data.part(start..ends[rank]);
            let sums = Mutex::default();
            let peers = Threads { meeting: meeting.clone(), rank, size: ends.len(), sums };
            scope.spawn(move || {
                let x = Part { x: part.matrix(d), peers };
                (work(&x, &part), x.peers.sums.into_inner().unwrap())
            })
        };
        let ranks: Vec<_> = (0..ends.len()).map(rank).collect();
        ranks.into_iter().map(|rank| rank.join().expect("no rank panics")).collect()
    })
}

#[derive(Clone, Copy, Debug)]
struct Setup {
    solver: usize,
    standardize: bool,
    fit_intercept: bool,
    balanced: bool,
    per_row: bool,
}

fn setup() -> impl Strategy<Value = Setup> {
    (0..7usize, any::<(bool, bool, bool, bool)>()).prop_map(
        |(solver, (standardize, fit_intercept, balanced, per_row))| Setup {
            solver,
            standardize,
            fit_intercept,
            balanced,
            per_row,
        },
    )
}

fn fit(x: &Any<'_>, data: &Data, setup: Setup) -> Result<Fit<f64>, Error> {
    let mut estimator = LogisticRegression::new()
        .l2(0.01)
        .standardize(setup.standardize)
        .fit_intercept(setup.fit_intercept);
    if setup.balanced {
        estimator = estimator.balanced();
    }
    if setup.per_row {
        estimator = estimator.sample_weights(&data.weights).offsets(&data.offsets);
    }
    fn with(
        x: &Any<'_>,
        data: &Data,
        estimator: LogisticRegression,
        solver: impl Solver,
    ) -> Result<Fit<f64>, Error> {
        estimator.solver(solver).fit(x, &data.y)
    }
    let descent = GradientDescent::new().learning_rate(0.01).max_iterations(20);
    match setup.solver {
        0 => with(x, data, estimator, descent),
        1 => with(x, data, estimator, descent.batch_size(7)),
        2 => with(x, data, estimator, Newton::new()),
        3 => with(x, data, estimator, Lbfgs::new().max_iterations(8)),
        4 => with(x, data, estimator.l1(0.02), ProximalNewton::new().max_iterations(4)),
        5 => with(x, data, estimator, TrustRegion::new().max_iterations(3)),
        _ => {
            let solver = ProximalNewton::new().most_derivatives(0).max_iterations(8);
            with(x, data, estimator.l1(0.02), solver)
        }
    }
}

/// What a process comes to, and how many numbers it summed each time.
type Fitted = (Result<Fit<f64>, Error>, Vec<usize>);

/// Fails unless every rank has the same fit, and that of the whole within rounding, which may decide
/// about `passes` reads.
fn assert_same(fits: Vec<Fitted>, expected: &Fit<f64>, passes: f64) {
    for (fit, sums) in &fits {
        assert_eq!(fit, &fits[0].0);
        assert_eq!(sums, &fits[0].1);
    }
    let first = fits[0].0.as_ref().expect("a fit");
    let read = (first.report.passes, expected.report.passes);
    assert!((read.0 - read.1).abs() <= passes, "{read:?}");
    assert_within_rounding(first, expected);
}

fn assert_within_rounding(first: &Fit<f64>, expected: &Fit<f64>) {
    let parameters = |fit: &Fit<f64>| {
        let intercept = [fit.model.intercept()];
        [fit.model.weights(), &intercept, &fit.report.losses, &[fit.report.loss]].concat()
    };
    let (report, of_whole) = (&first.report, &expected.report);
    assert_eq!((report.stop, report.iterations), (of_whole.stop, of_whole.iterations));
    for (got, expected) in parameters(first).into_iter().zip(parameters(expected)) {
        assert!((got - expected).abs() <= 1e-10 * expected.abs().max(1e-3), "{got} {expected}");
    }
    // The square of a slope over the penalty, both with their factors: a millionfold rounding.
    let bounds = (report.suboptimality_bound, of_whole.suboptimality_bound);
    assert_eq!(bounds.0.is_some(), bounds.1.is_some());
    let (got, expected) = (bounds.0.unwrap_or(0.0), bounds.1.unwrap_or(0.0));
    assert!((got - expected).abs() <= 1e-7, "{got} {expected}");
}

logit_conformance::properties! {
    #![cases(64)]

    #[test]
    fn rows_held_apart_give_the_model_of_the_whole(
        n in 4..200usize, d in 1..5usize, seed: u64, setup in setup(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let data = Data::new(n, d, seed);
        let expected = fit(&data.matrix(d), &data, setup).expect("a fit");
        let mut ends: Vec<_> = cuts.iter().map(|cut| cut.index(n + 1)).chain([n]).collect();
        ends.sort_unstable();
        // The last products of conjugate gradients.
        let passes = if setup.solver == 5 { 2.0 } else { 0.0 };
        assert_same(together(&data, &ends, |x, data| fit(x, data, setup)), &expected, passes);
    }

    #[test]
    fn every_rank_sees_saves_and_resumes_the_same(
        n in 20..120usize, seed: u64, cut in any::<prop::sample::Index>(), at in 0..6usize,
    ) {
        let (data, cut) = (Data::new(n, 2, seed), cut.index(n + 1));
        let solver = GradientDescent::new().learning_rate(0.01).momentum(0.5).batch_size(7);
        let estimator = LogisticRegression::new().solver(solver.max_iterations(6));
        let ranks = together(&data, &[cut, n], |x, data| {
            let (mut saved, mut judge) = (None, EarlyStopping::new(x, &data.y).expect("rows"));
            let full = estimator.fit_observed(x, &data.y, |progress| {
                if progress.iteration == at {
                    saved = progress.checkpoint();
                }
                let _ = judge.observe(progress);
                ControlFlow::Continue(())
            });
            let resumed = estimator.clone().resume(saved.clone()).fit(x, &data.y);
            assert_eq!(resumed, full);
            (saved, judge.finish(full.expect("a fit")).expect("a model"))
        });
        assert_eq!(ranks[0].0, ranks[1].0);
        let (_, judged) = &ranks[0].0;
        // Without penalty, weights and offsets the loss on the rows fitted to is that of the fit.
        for (got, expected) in judged.losses.iter().zip(&judged.report.losses) {
            assert!((got - expected).abs() <= 1e-12 * expected, "{got} {expected}");
        }
    }

    #[test]
    fn an_error_in_one_rank_ends_all(
        n in 4..60usize, seed: u64, setup in setup(), kind in 0..5usize,
        cut in any::<prop::sample::Index>(), bad in any::<prop::sample::Index>(),
    ) {
        let setup = Setup { per_row: true, ..setup };
        let (mut data, cut, bad) = (Data::new(n, 2, seed), cut.index(n + 1), bad.index(n));
        match kind {
            0 => data.rows[bad][1] = f64::NAN,
            1 => data.rows[bad][0] = f64::INFINITY,
            2 => data.y[bad] = 0.5,
            3 => data.weights[bad] = -1.0,
            _ => data.offsets[bad] = f64::NAN,
        }
        let rank = usize::from(bad >= cut);
        let results = together(&data, &[cut, n], |x, data| fit(x, data, setup));
        let own = results[rank].0.clone().expect_err("a bad value");
        let row = format!("row {}", bad - if rank == 0 { 0 } else { cut });
        prop_assert!(own.to_string().contains(&row), "{}", own);
        let expected = Error::Elsewhere { rank, message: own.to_string() };
        prop_assert_eq!(results[1 - rank].0.as_ref().err(), Some(&expected));
    }
}

/// More rows than a sample takes: each rank holds some of the same sample.
#[test]
fn a_sample_is_taken_across_ranks() {
    let data = Data::new(20_000, 2, 1);
    let setup = |solver| Setup {
        solver,
        standardize: false,
        fit_intercept: true,
        balanced: false,
        per_row: false,
    };
    let expected = fit(&data.matrix(2), &data, setup(2)).expect("a fit");
    assert!(expected.report.passes.fract() != 0.0, "{}", expected.report);
    for ends in [vec![20_000], vec![7, 20_000], vec![11_111, 11_111, 20_000]] {
        assert_same(together(&data, &ends, |x, data| fit(x, data, setup(2))), &expected, 0.0);
    }
}

#[test]
fn the_first_rank_that_fails_is_named() {
    let mut data = Data::new(30, 2, 1);
    (data.y[12], data.y[25]) = (2.0, 3.0);
    let results = together(&data, &[10, 20, 30], |x, data| {
        LogisticRegression::new().fit(x, &data.y).expect_err("bad labels")
    });
    let own = Error::Label { row: 2, value: "2".to_owned() };
    let elsewhere = Error::Elsewhere { rank: 1, message: own.to_string() };
    assert_eq!(elsewhere.to_string(), format!("process 1: {own}"));
    let errors: Vec<_> = results.into_iter().map(|(error, _)| error).collect();
    assert_eq!(errors, [elsewhere.clone(), own, elsewhere]);
}

/// Labels of one class, no weight, no rows: facts about all rows, not about those of one rank.
#[test]
fn what_is_wrong_with_the_whole_is_the_same_error_everywhere() {
    let mut data = Data::new(30, 2, 1);
    data.y.sort_by(f64::total_cmp);
    let ends = [10, 10, 30];
    let sorted = together(&data, &ends, |x, data| LogisticRegression::new().fit(x, &data.y));
    assert!(sorted.iter().all(|(fit, _)| fit.is_ok()), "each class in one rank alone");
    let all = |data: &Data, work: &(dyn Fn(&Any<'_>, &Data) -> Error + Sync), expected: Error| {
        let results = together(data, &ends, work);
        assert!(results.iter().all(|(error, _)| *error == expected), "{expected}");
    };
    let fit = |x: &Any<'_>, data: &Data| {
        LogisticRegression::new().fit(x, &data.y).expect_err("nothing to tell apart")
    };
    data.y.fill(1.0);
    all(&data, &fit, Error::OneClass { class: 1 });
    let weightless = |x: &Any<'_>, data: &Data| {
        let estimator = LogisticRegression::new().sample_weights(vec![0.0; x.nrows()]);
        estimator.fit(x, &data.y).expect_err("no weight")
    };
    all(&data, &weightless, Error::NoWeight);
    let results = together(&data, &[0, 0], fit);
    assert!(results.iter().all(|(error, _)| *error == Error::NoRows));
}

/// The rows of each rank are separated by another plane, or all by one.
#[test]
fn separation_is_found_across_ranks() {
    let mut data = Data::new(60, 2, 3);
    for (y, row) in data.y.iter_mut().zip(&data.rows) {
        *y = f64::from(row[0] > 0.1);
    }
    let estimator = LogisticRegression::new();
    let Err(Error::Separated { complete: true, .. }) = estimator.fit(&data.matrix(2), &data.y)
    else {
        panic!("the whole is separated");
    };
    let results = together(&data, &[0, 20, 60], |x, data| estimator.fit(x, &data.y));
    for (result, _) in &results {
        assert!(matches!(result, Err(Error::Separated { complete: true, .. })));
        assert_eq!(result, &results[0].0);
    }
    // A row of either class on the edge.
    let mut tied = data.clone();
    let above = |&i: &usize| data.rows[i][0] > 0.1;
    let first = (0..60).filter(above).min_by(|&i, &j| data.rows[i][0].total_cmp(&data.rows[j][0]));
    let edge = data.rows[first.expect("a row")].clone();
    tied.rows.push(edge);
    tied.y.push(0.0);
    tied.weights.push(1.0);
    tied.offsets.push(0.0);
    fn ranks_agree(tied: &Data, solver: impl Solver + Sync) {
        let estimator = LogisticRegression::new().solver(solver);
        let results = together(tied, &[0, 20, 61], |x, data| estimator.fit(x, &data.y));
        for (result, _) in &results {
            assert!(matches!(result, Err(Error::Separated { complete: false, .. })), "{result:?}");
            assert_eq!(result, &results[0].0);
        }
    }
    ranks_agree(&tied, Newton::new());
    ranks_agree(&tied, TrustRegion::new());
    ranks_agree(&tied, Lbfgs::new());
    for (y, row) in data.y[..20].iter_mut().zip(&data.rows) {
        *y = f64::from(row[0] < 0.1);
    }
    let results = together(&data, &[20, 60], |x, data| estimator.fit(x, &data.y));
    assert!(results.iter().all(|(result, _)| result.is_ok()), "{results:?}");
}

/// The scale of weights is that of the largest in any rank.
#[test]
fn weights_of_any_size_are_scaled_alike_across_ranks() {
    let data = Data::new(60, 2, 1);
    let times = |factor: f64| {
        let mut data = data.clone();
        data.weights.iter_mut().for_each(|weight| *weight *= factor);
        data.weights[50..].iter_mut().for_each(|weight| *weight *= 2f64.powi(-10));
        let estimator = LogisticRegression::new().l2(0.01);
        together(&data, &[0, 50, 60], |x, data| {
            let estimator = estimator.clone().sample_weights(&data.weights);
            [estimator.fit(x, &data.y), estimator.balanced().fit(x, &data.y)]
        })
    };
    let expected = times(1.0);
    for factor in [2f64.powi(-1000), 2f64.powi(1000)] {
        for ((fits, _), (expected, _)) in times(factor).iter().zip(&expected) {
            assert!(fits == expected && fits.iter().all(Result::is_ok), "{fits:?}");
        }
    }
    let mut lost = data.clone();
    lost.weights[52] = 1e-310;
    let results = together(&lost, &[0, 50, 60], |x, data| {
        let estimator = LogisticRegression::new().sample_weights(&data.weights);
        estimator.fit(x, &data.y).unwrap_err().to_string()
    });
    for (rank, (message, _)) in results.into_iter().enumerate() {
        let own = message.starts_with("sample weight of row 2 is 1e-310: ");
        assert!(if rank == 2 { own } else { message.starts_with("process 2: sample weight") });
    }
}

#[test]
fn an_iteration_of_gradient_descent_is_one_sum_of_two_more_numbers_than_columns() {
    let data = Data::new(50, 3, 1);
    let sums = |iterations| {
        let solver = GradientDescent::new().max_iterations(iterations);
        let estimator = LogisticRegression::new().standardize(true).solver(solver);
        let results = together(&data, &[20, 50], |x, data| estimator.fit(x, &data.y).is_ok());
        results.into_iter().next().expect("a rank").1
    };
    let (few, many) = (sums(10), sums(110));
    assert_eq!(many, [few, vec![3 + 2; 100]].concat());
}

/// Its spread is exactly 0 in all ranks together, though 3 · 0.1 / 3 is not 0.1.
#[test]
fn a_constant_column_is_constant_across_ranks() {
    let mut data = Data::new(30, 3, 1);
    data.rows.iter_mut().for_each(|row| row[1] = 0.1);
    let estimator = LogisticRegression::new().l2(0.1).standardize(true);
    let results = together(&data, &[0, 10, 20, 30], |x, data| estimator.fit(x, &data.y));
    for (fit, _) in results {
        assert_eq!(fit.expect("a fit").model.weights()[1], 0.0);
    }
}

/// Their weights are 0, and they come first in the whole and in a rank.
#[test]
fn rows_that_do_not_count_have_no_influence_on_the_scale_in_any_rank() {
    let data = Data::new(90, 3, 1);
    let mut with = data.clone();
    for at in [31, 7, 0] {
        let others = Data::new(8, 3, at as u64);
        with.rows
            .splice(at..at, others.rows.iter().map(|row| row.iter().map(|x| 1e8 * x).collect()));
        with.y.splice(at..at, others.y);
        with.weights.splice(at..at, [0.0; 8]);
        with.offsets.splice(at..at, others.offsets);
    }
    let fit = |x: &Any<'_>, data: &Data| {
        let estimator = LogisticRegression::new().l2(0.1).standardize(true);
        estimator.sample_weights(&data.weights).offsets(&data.offsets).fit(x, &data.y)
    };
    let expected = together(&data, &[90], fit).remove(0).0.expect("a fit");
    for ends in [&[114][..], &[8, 114], &[5, 23, 114], &[0, 8, 40, 114]] {
        for (fit, _) in together(&with, ends, fit) {
            assert_within_rounding(&fit.expect("a fit"), &expected);
        }
    }
}

#[test]
fn predictions_are_of_own_rows_and_ask_nobody() {
    let data = Data::new(50, 3, 1);
    let model = logit_core::Model::new([0.5, -0.5, 0.25], 0.1).expect("finite");
    let whole = model.predict_proba(&data.matrix(3)).expect("probabilities");
    let parts = together(&data, &[20, 20, 50], |x, _| model.predict_proba(x).expect("own rows"));
    assert!(parts.iter().all(|(_, sums)| sums.is_empty()));
    let parts: Vec<_> = parts.into_iter().map(|(p, _)| p).collect();
    assert_eq!(parts.concat(), whole);
}

fn assert_paths_within_rounding(path: &PathFit<f64>, expected: &PathFit<f64>) {
    for (strength, expected) in path.strengths.iter().zip(&expected.strengths) {
        assert!((strength - expected).abs() <= 1e-12 * expected, "{strength} {expected}");
    }
    assert_eq!(path.fits.len(), expected.fits.len());
    path.fits.iter().zip(&expected.fits).for_each(|(a, b)| assert_within_rounding(a, b));
}

/// Where the rows of so many processes end: unevenly, with none in the first, a middle and the last.
const SHARDS: [&[usize]; 4] = [&[90], &[7, 90], &[0, 50, 50, 90], &[31, 90, 90]];

#[test]
fn a_path_is_that_of_the_whole() {
    let data = Data::new(90, 4, 1);
    for (l1_ratio, standardize) in [(1.0, false), (0.5, true), (0.0, false)] {
        let path = Path::new().l1_ratio(l1_ratio).steps(8).least_ratio(0.01);
        let estimator = LogisticRegression::new().standardize(standardize);
        let expected = path.fit(&estimator, &data.matrix(4), &data.y).expect("a path");
        for ends in SHARDS {
            let results = together(&data, ends, |x, data| path.fit(&estimator, x, &data.y));
            let first = results[0].0.as_ref().expect("a path");
            assert_paths_within_rounding(first, &expected);
            assert!(results.iter().all(|result| result == &results[0]));
        }
    }
}

#[test]
fn folds_are_dealt_from_the_rows_of_all_ranks() {
    let mut data = Data::new(90, 4, 1);
    data.weights[10..20].fill(0.0);
    let path = Path::new().l1_ratio(0.8).steps(6).least_ratio(0.05);
    let cross_validation = CrossValidation::new().path(path).folds(4).seed(3);
    let fit = |x: &Any<'_>, data: &Data| {
        let estimator = LogisticRegression::new().sample_weights(&data.weights);
        cross_validation.fit(&estimator, x, &data.y).expect("a cross-validation")
    };
    let whole = together(&data, &[90], fit).remove(0).0;
    for ends in SHARDS {
        let (results, sums): (Vec<CrossValidated<f64>>, Vec<_>) =
            together(&data, ends, fit).into_iter().unzip();
        assert!(sums.iter().all(|of_rank| of_rank == &sums[0]));
        let folds: Vec<_> = results.iter().flat_map(|result| result.folds.clone()).collect();
        assert_eq!(folds, whole.folds);
        for result in &results {
            assert_eq!(result.path, results[0].path);
            assert_eq!(result.losses, results[0].losses);
            assert_eq!(result.best, whole.best);
            assert_eq!(result.one_standard_error, whole.one_standard_error);
            assert_paths_within_rounding(&result.path, &whole.path);
            let judged = result.losses.iter().chain(&result.standard_errors);
            for (got, want) in judged.zip(whole.losses.iter().chain(&whole.standard_errors)) {
                assert!((got - want).abs() <= 1e-10, "{got} {want}");
            }
        }
    }
}

#[test]
fn too_many_folds_for_the_rarer_class_of_the_whole_is_the_same_error_everywhere() {
    let mut data = Data::new(30, 2, 1);
    data.y.fill(0.0);
    data.y[12..15].fill(1.0);
    let fit = |folds| {
        let cross_validation = CrossValidation::new().path(Path::new().steps(2)).folds(folds);
        together(&data, &[10, 13, 30], |x, data| {
            cross_validation.fit(&LogisticRegression::new(), x, &data.y).map(|_| ())
        })
    };
    assert!(fit(3).iter().all(|(result, _)| result.is_ok()));
    let refused = |error: &Error| matches!(error, Error::Setting { name: "folds", .. });
    assert!(fit(4).iter().all(|(result, _)| result.as_ref().is_err_and(refused)));
}
