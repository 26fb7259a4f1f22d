//! What the benches share: problems, the same jobs written by hand, and how they are timed.

pub mod by_hand;

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};
use logit::nalgebra::DMatrix;
use logit::ndarray::Array2;
use logit::{Backend, Float, Nalgebra, Ndarray};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

/// Small enough for cache, tall and narrow, and in between.
const SHAPES: [(usize, usize); 3] = [(569, 30), (10_000, 100), (200_000, 20)];

/// One problem in both libraries, each in its usual layout.
pub struct Problem<F: Float> {
    /// Rows contiguous.
    pub ndarray: Array2<F>,
    /// Columns contiguous.
    pub nalgebra: DMatrix<F>,
    /// One label per row.
    pub y: Vec<bool>,
    /// One weight per column.
    pub weights: Vec<F>,
    /// The intercept.
    pub intercept: F,
}

impl<F: Float> Problem<F> {
    fn new((n, d): (usize, usize)) -> Self {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let ndarray = Array2::from_shape_simple_fn((n, d), || draw(&mut rng));
        let nalgebra = DMatrix::from_fn(n, d, |i, j| ndarray[(i, j)]);
        let weights = (0..d).map(|_| draw(&mut rng)).collect();
        let y = (0..n).map(|_| rng.random()).collect();
        Self { ndarray, nalgebra, y, weights, intercept: F::narrow(0.25) }
    }

    /// Both as backends.
    pub fn backends(&self) -> (Ndarray<'_, F>, Nalgebra<'_, F>) {
        ((&self.ndarray).into(), (&self.nalgebra).into())
    }
}

fn draw<F: Float>(rng: &mut Xoshiro256PlusPlus) -> F {
    F::narrow(rng.random_range(-1.0..1.0))
}

/// One operation, in all the ways to be compared. Every way returns the numbers that it computes.
pub trait Operation {
    /// The first part of every id.
    const NAME: &'static str;

    /// The operation by this library.
    fn logit<B: Backend>(x: &B, problem: &Problem<B::Scalar>) -> Vec<B::Scalar>;

    /// The operation by hand with ndarray.
    fn ndarray<F: Float>(problem: &Problem<F>) -> Vec<F>;

    /// The operation by hand with nalgebra.
    fn nalgebra<F: Float>(problem: &Problem<F>) -> Vec<F>;
}

/// Times an operation for every shape and precision.
///
/// Ids are `op/shape/precision/backend`; `-1` behind a backend means one thread, as those by hand
/// have.
pub fn bench<O: Operation>(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group(O::NAME);
    group.sample_size(10);
    group.warm_up_time(Duration::from_millis(200));
    group.measurement_time(Duration::from_millis(800));
    for shape in SHAPES {
        bench_problem::<O, f64>(&mut group, shape);
        bench_problem::<O, f32>(&mut group, shape);
    }
    group.finish();
}

fn bench_problem<O: Operation, F: Float>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    shape: (usize, usize),
) {
    let problem = &Problem::<F>::new(shape);
    let (ndarray, nalgebra) = &problem.backends();
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let one_thread = &one_thread;
    let ways: [(&str, &(dyn Fn() -> Vec<F> + Sync)); 6] = [
        ("ndarray", &|| O::logit(ndarray, problem)),
        ("ndarray-1", &|| one_thread.install(|| O::logit(ndarray, problem))),
        ("ndarray-by-hand", &|| O::ndarray(problem)),
        ("nalgebra", &|| O::logit(nalgebra, problem)),
        ("nalgebra-1", &|| one_thread.install(|| O::logit(nalgebra, problem))),
        ("nalgebra-by-hand", &|| O::nalgebra(problem)),
    ];
    let expected = ways[0].1();
    for (name, way) in ways {
        assert_same::<F>(name, &way(), &expected);
        let id = format!("{}x{}/{}/{name}", shape.0, shape.1, F::NAME);
        group.bench_function(id, |bencher| bencher.iter(|| black_box(way())));
    }
}

/// Fails unless both ways computed the same, within the rounding of long sums.
fn assert_same<F: Float>(name: &str, got: &[F], expected: &[F]) {
    let tolerance = F::epsilon().widen().powf(0.7);
    assert_eq!(got.len(), expected.len(), "{name}");
    for (got, expected) in got.iter().zip(expected) {
        let error = (*got - *expected).abs().widen();
        assert!(error <= tolerance, "{name}: {got} is not {expected}");
    }
}
