//! Fits by several processes, to be run under mpirun: `.ci/run` does so with 1, 2, 3 and 4.
//!
//! Every process draws the same data, keeps its own part, and compares with a fit to all of it.

use std::cell::Cell;
use std::ops::Range;

use logit::ndarray::{Array2, s};
use logit::sprs::CsMat;
use logit::{
    Backend, CrossValidation, Error, Fit, Float, GradientDescent, Label, Lbfgs, LogisticRegression,
    Model, Ndarray, Newton, Path, ProximalNewton, Solver, Sprs,
};
use logit_mpi::mpi::topology::SimpleCommunicator;
use logit_mpi::mpi::{self, Threading, traits::*};
use logit_mpi::{ColumnsDiffer, Distributed};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

type Check = fn(&SimpleCommunicator);

fn main() {
    let (universe, _) = mpi::initialize_with_threading(Threading::Funneled).expect("MPI, once");
    // Not to wait in MPI's end for processes that wait for this one: mpirun then ends those.
    std::panic::set_hook(Box::new(|panic| {
        eprintln!("{panic}");
        std::process::exit(101);
    }));
    let world = &universe.world();
    let checks: [(&str, Check); 9] = [
        (
            "a_sum_is_over_all_ranks_and_the_same_in_each",
            a_sum_is_over_all_ranks_and_the_same_in_each,
        ),
        ("all_ranks_have_the_model_of_the_whole", all_ranks_have_the_model_of_the_whole),
        ("in_single_precision_too", in_single_precision_too),
        ("folds_are_dealt_from_all_rows", folds_are_dealt_from_all_rows),
        ("a_sample_and_sparse_rows", a_sample_and_sparse_rows),
        ("an_error_in_one_rank_ends_all", an_error_in_one_rank_ends_all),
        ("predictions_are_of_own_rows", predictions_are_of_own_rows),
        ("columns_must_be_equally_many", columns_must_be_equally_many),
        ("calls_on_other_threads_panic", calls_on_other_threads_panic),
    ];
    for (name, check) in checks {
        check(world);
        world.barrier();
        if world.rank() == 0 {
            println!("test {name} ... ok");
        }
    }
    if world.rank() == 0 {
        println!("test result: ok. {} passed; 0 failed; {} ranks", checks.len(), world.size());
    }
}

struct Data<F> {
    x: Array2<F>,
    y: Vec<u8>,
    weights: Vec<F>,
}

fn data<F: Float>(n: usize, d: usize) -> Data<F> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(n as u64);
    let x = Array2::from_shape_simple_fn((n, d), || F::narrow(rng.random_range(-1.0..1.0)));
    let mut label = |i: usize| x[(i, 0)].widen() + rng.random_range(-1.5..1.5) > 0.0;
    // Sorted, so that most ranks have one class only.
    let mut y: Vec<u8> = (0..n).map(|i| label(i).into()).collect();
    y.sort_unstable();
    let weights = (0..n).map(|i| F::narrow(0.5 + (i % 5) as f64)).collect();
    Data { x, y, weights }
}

/// Where each rank's rows are: evenly, all in the last rank, none in every second.
fn rows(world: &SimpleCommunicator, n: usize, way: usize) -> Range<usize> {
    let (rank, size) = (world.rank() as usize, world.size() as usize);
    let end = |rank: usize| match way {
        0 => n * rank / size,
        1 => {
            if rank == size {
                n
            } else {
                0
            }
        }
        _ => {
            if rank == size {
                n
            } else {
                n * (rank / 2 * 2) / size
            }
        }
    };
    end(rank)..end(rank + 1)
}

fn fits<F: Float, B: Backend<Scalar = F>>(x: &B, y: &[u8], weights: &[F]) -> Vec<Fit<F>> {
    let new = || LogisticRegression::new().l2(0.01);
    let descent = GradientDescent::new().learning_rate(0.1).max_iterations(20);
    vec![
        new().fit(x, y).expect("Auto"),
        fit(x, y, new().standardize(true).sample_weights(weights), descent.clone()),
        fit(x, y, new().balanced().standardize(true), descent.batch_size(7)),
        fit(x, y, new().offsets(weights).fit_intercept(false), Newton::new()),
        fit(x, y, new().class_weights(1.0, 2.0), Lbfgs::new().max_iterations(12)),
        fit(x, y, new().l1(0.02).standardize(true), ProximalNewton::new()),
        fit(x, y, new().l1(0.02), ProximalNewton::new().most_derivatives(0).max_iterations(8)),
    ]
}

fn fit<B: Backend, L: Label>(
    x: &B,
    y: impl IntoIterator<Item = L>,
    estimator: LogisticRegression,
    solver: impl Solver,
) -> Fit<B::Scalar> {
    estimator.solver(solver).fit(x, y).expect("a fit")
}

fn numbers<F: Float>(fit: &Fit<F>) -> Vec<f64> {
    let model = fit.model.weights().iter().map(|w| w.widen());
    let model = model.chain([fit.model.intercept().widen(), fit.report.loss]);
    model.chain(fit.report.losses.iter().copied()).collect()
}

/// Fails unless every rank has the same bits.
fn assert_same_everywhere(world: &SimpleCommunicator, own: &[f64]) {
    let mut all = vec![0.0; own.len() * world.size() as usize];
    world.all_gather_into(own, &mut all[..]);
    let bits = |numbers: &[f64]| numbers.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert!(all.chunks(own.len()).all(|rank| bits(rank) == bits(own)));
}

fn assert_close(got: &[f64], expected: &[f64], bound: f64) {
    for (got, expected) in got.iter().zip(expected) {
        assert!((got - expected).abs() <= bound * expected.abs().max(1e-3), "{got} {expected}");
    }
}

/// Fails unless every rank has the same bits, and the course of the whole within rounding.
fn assert_same(world: &SimpleCommunicator, got: &Fit<f64>, whole: &Fit<f64>) {
    // Where a gain equals the tolerance but for rounding, a fit may end a step sooner or later.
    assert!((got.report.passes - whole.report.passes).abs() <= 2.0);
    assert_same_everywhere(world, &[got.report.passes]);
    assert_same_everywhere(world, &numbers(got));
    assert_eq!(got.report.stop, whole.report.stop);
    assert_close(&numbers(got), &numbers(whole), 1e-10);
}

/// The same, but the course may end an iteration earlier or later, at the limit of the precision.
fn assert_same_model(world: &SimpleCommunicator, got: &Fit<f32>, whole: &Fit<f32>) {
    assert_same_everywhere(world, &numbers(got));
    let model = got.model.weights().len() + 2;
    for (got, expected) in numbers(got)[..model].iter().zip(numbers(whole)) {
        assert!((got - expected).abs() <= 1e-3, "{got} {expected}");
    }
}

fn agree_with_the_whole<F: Float>(
    world: &SimpleCommunicator,
    n: usize,
    assert_same: fn(&SimpleCommunicator, &Fit<F>, &Fit<F>),
) {
    let data = data::<F>(n, 5);
    let whole = fits(&Ndarray::from(&data.x), &data.y, &data.weights);
    for way in 0..3 {
        let rows = rows(world, n, way);
        let own = Ndarray::from(data.x.slice(s![rows.clone(), ..]));
        let x = Distributed::new(world, own).expect("five columns everywhere");
        let joined = fits(&x, &data.y[rows.clone()], &data.weights[rows]);
        for (joined, whole) in joined.iter().zip(&whole) {
            assert_same(world, joined, whole);
        }
    }
}

fn a_sum_is_over_all_ranks_and_the_same_in_each(world: &SimpleCommunicator) {
    let x = Array2::<f64>::zeros((1, 1));
    let x = Distributed::new(world, Ndarray::from(&x)).expect("a column");
    let (peers, rank) = (x.peers(), f64::from(world.rank()));
    let mut numbers = [1.0, rank, 0.1 * (rank + 1.0)];
    peers.sum(&mut numbers);
    let size = f64::from(world.size());
    assert_eq!(numbers[..2], [size, size * (size - 1.0) / 2.0]);
    assert_same_everywhere(world, &numbers);
}

fn all_ranks_have_the_model_of_the_whole(world: &SimpleCommunicator) {
    for n in [4, 53, 3000] {
        agree_with_the_whole::<f64>(world, n, assert_same);
    }
}

fn in_single_precision_too(world: &SimpleCommunicator) {
    for n in [4, 53, 3000] {
        agree_with_the_whole::<f32>(world, n, assert_same_model);
    }
}

fn folds_are_dealt_from_all_rows(world: &SimpleCommunicator) {
    let (data, estimator) = (data::<f64>(90, 5), LogisticRegression::new().standardize(true));
    let path = Path::new().l1_ratio(0.7).steps(8).least_ratio(0.02);
    let choice = CrossValidation::new().path(path).folds(4);
    let whole = choice.fit(&estimator, &Ndarray::from(&data.x), &data.y).expect("a choice");
    for way in 0..3 {
        let rows = rows(world, 90, way);
        let own = Ndarray::from(data.x.slice(s![rows.clone(), ..]));
        let x = Distributed::new(world, own).expect("five columns everywhere");
        let joined = choice.fit(&estimator, &x, &data.y[rows.clone()]).expect("a choice");
        assert_eq!(joined.folds, whole.folds[rows]);
        assert_eq!((joined.best, joined.path.fits.len()), (whole.best, 8));
        assert_same_everywhere(world, &joined.losses);
        assert_close(&joined.losses, &whole.losses, 1e-10);
        assert_close(&joined.path.strengths, &whole.path.strengths, 1e-10);
        for (joined, whole) in joined.path.fits.iter().zip(&whole.path.fits) {
            assert_same_everywhere(world, &numbers(joined));
            // Weights, intercept and loss: a search at the limit of rounding may take a read more.
            assert_close(&numbers(joined)[..7], &numbers(whole)[..7], 1e-10);
        }
    }
}

fn a_sample_and_sparse_rows(world: &SimpleCommunicator) {
    let data = data::<f64>(20_000, 3);
    let whole = LogisticRegression::new().fit(&Ndarray::from(&data.x), &data.y).expect("a fit");
    for way in 0..3 {
        let rows = rows(world, data.y.len(), way);
        let own = CsMat::csr_from_dense(data.x.slice(s![rows.clone(), ..]), 0.0);
        let x = Distributed::new(world, Sprs::from(&own)).expect("three columns everywhere");
        let joined = LogisticRegression::new().fit(&x, &data.y[rows]).expect("a fit");
        assert!(joined.report.passes.fract() != 0.0, "{}", joined.report);
        assert_same(world, &joined, &whole);
    }
}

/// A NaN, and a bad label, in the last rank.
fn an_error_in_one_rank_ends_all(world: &SimpleCommunicator) {
    let last = world.size() as usize - 1;
    let is_last = world.rank() as usize == last;
    let data = data::<f64>(40, 2);
    let check = |x: &Array2<f64>, y: &[u8], standardize, expected: Error| {
        let x = Distributed::new(world, Ndarray::from(x)).expect("two columns everywhere");
        let error = LogisticRegression::new().standardize(standardize).fit(&x, y);
        let error = error.expect_err("a bad value");
        if is_last {
            assert!(format!("{error:?}") == format!("{expected:?}"), "{error}");
        } else {
            assert_eq!(error, Error::Elsewhere { rank: last, message: expected.to_string() });
        }
    };
    let mut x = data.x.clone();
    if is_last {
        x[(7, 1)] = f64::NAN;
    }
    for standardize in [false, true] {
        let expected = Error::NonFiniteFeature { row: 7, column: 1, value: f64::NAN };
        check(&x, &data.y, standardize, expected);
    }
    let mut y = data.y.clone();
    if is_last {
        y[3] = 9;
    }
    check(&data.x, &y, false, Error::Label { row: 3, value: "9".to_owned() });
}

fn predictions_are_of_own_rows(world: &SimpleCommunicator) {
    let data = data::<f64>(50, 3);
    let model = Model::new([0.5, -0.25, 1.0], 0.1).expect("finite");
    let whole = model.predict_proba(&Ndarray::from(&data.x)).expect("probabilities");
    let rows = rows(world, 50, 0);
    let own = Ndarray::from(data.x.slice(s![rows.clone(), ..]));
    let x = Distributed::new(world, own).expect("three columns everywhere");
    assert_eq!(model.predict_proba(&x).expect("probabilities"), whole.slice(s![rows]));
}

fn columns_must_be_equally_many(world: &SimpleCommunicator) {
    let last = world.size() as usize - 1;
    let columns = if world.rank() as usize == last { 4 } else { 3 };
    let x = Array2::<f64>::zeros((2, columns));
    let joined = Distributed::new(world, Ndarray::from(&x)).map(|_| ());
    let differ = ColumnsDiffer { rank: last, columns: 4, expected: 3 };
    assert_eq!(joined, if last == 0 { Ok(()) } else { Err(differ) });
}

/// MPI is initialised for calls from one thread: others are told so.
fn calls_on_other_threads_panic(world: &SimpleCommunicator) {
    let x = Array2::<f64>::zeros((2, 1));
    let x = Distributed::new(world, Ndarray::from(&x)).expect("a column everywhere");
    thread_local!(static EXPECTED: Cell<bool> = const { Cell::new(false) });
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !EXPECTED.get() {
            hook(panic);
        }
    }));
    let elsewhere = std::thread::scope(|scope| {
        let fit = || {
            EXPECTED.set(true);
            LogisticRegression::new().fit(&x, [0, 1]).is_ok()
        };
        scope.spawn(fit).join().is_ok()
    });
    assert_eq!(elsewhere, world.size() == 1);
}
