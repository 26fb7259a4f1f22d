//! What the benches share: problems, the same jobs written by hand, and how they are timed.

pub mod by_hand;
pub mod roofline;

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};
use logit::faer::{Mat, traits::ComplexField};
use logit::nalgebra::DMatrix;
use logit::ndarray::Array2;
use logit::sprs::CsMatI;
use logit::{Backend, Faer, Float, Nalgebra, Ndarray, Sprs};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use by_hand::Products;

/// Small enough for cache, tall and narrow, and in between.
const SHAPES: [(usize, usize); 3] = [(569, 30), (10_000, 100), (200_000, 20)];

/// Documents by words, of which each has some.
const TEXT: (usize, usize) = (20_000, 10_000);
const WORDS: usize = 75;

/// What a matrix is multiplied with.
pub struct Problem<F: Float> {
    /// One label per row.
    pub y: Vec<bool>,
    /// One weight per column.
    pub weights: Vec<F>,
    /// The intercept.
    pub intercept: F,
}

impl<F: Float> Problem<F> {
    fn new((n, d): (usize, usize), rng: &mut Xoshiro256PlusPlus) -> Self {
        let weights = (0..d).map(|_| draw(rng)).collect();
        let y = (0..n).map(|_| rng.random()).collect();
        Self { y, weights, intercept: F::narrow(0.25) }
    }
}

/// A sparse matrix like text: up to `words` elements a row, the k-th column as frequent as `1 / k`.
pub fn text<F: Float>(
    (n, d): (usize, usize),
    words: usize,
    rng: &mut Xoshiro256PlusPlus,
) -> CsMatI<F, u32, usize> {
    let (mut starts, mut indices, mut values) = (vec![0], Vec::new(), Vec::new());
    for _ in 0..n {
        let word = |_| (d as f64).powf(rng.random()) as usize - 1;
        let mut row: Vec<u32> = (0..words).map(word).map(|word| word as u32).collect();
        row.sort_unstable();
        row.dedup();
        values.extend((0..row.len()).map(|_| draw::<F>(rng)));
        indices.extend(row);
        starts.push(values.len());
    }
    CsMatI::new((n, d), starts, indices, values)
}

fn draw<F: Float>(rng: &mut Xoshiro256PlusPlus) -> F {
    F::narrow(rng.random_range(-1.0..1.0))
}

/// One operation, by this library and by hand. Every way returns the numbers that it computes.
pub trait Operation {
    /// The first part of every id.
    const NAME: &'static str;

    /// The ways to do it by hand: what to call them, and how many rows they take at once.
    const BY_HAND: &'static [(&'static str, usize)] = &[("by-hand", usize::MAX)];

    /// The operation by this library, with what is set up once for many of them.
    fn logit<'a, B: Backend + ?Sized>(
        x: &'a B,
        problem: &'a Problem<B::Scalar>,
    ) -> impl FnMut() -> Vec<B::Scalar> + Send + 'a;

    /// The operation by hand.
    fn by_hand<F: Float>(x: &impl Products<F>, problem: &Problem<F>, rows: usize) -> Vec<F>;
}

/// Times an operation for every shape and precision.
///
/// Ids are `op/shape/precision/backend`; `-1` behind a backend means one thread, as those by hand
/// have, and `-dyn` a backend behind `dyn`.
pub fn bench<O: Operation>(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group(O::NAME);
    group.sample_size(10);
    group.warm_up_time(Duration::from_millis(200));
    group.measurement_time(Duration::from_millis(800));
    for shape in SHAPES {
        bench_dense::<O, f64>(&mut group, shape);
        bench_dense::<O, f32>(&mut group, shape);
    }
    bench_text::<O, f64>(&mut group);
    bench_text::<O, f32>(&mut group);
    group.finish();
}

/// One matrix in every library, each in its usual layout.
fn bench_dense<O: Operation, F: Float + ComplexField>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    shape: (usize, usize),
) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    let x = &Array2::from_shape_simple_fn(shape, || draw(&mut rng));
    let problem = Problem::new(shape, &mut rng);
    let id = |backend: &str| format!("{}x{}/{}/{backend}", shape.0, shape.1, F::NAME);
    bench_backend::<O, F, _, _>(group, &id("ndarray"), &problem, x, Ndarray::from(x));
    let copy = &DMatrix::from_fn(shape.0, shape.1, |i, j| x[(i, j)]);
    bench_backend::<O, F, _, _>(group, &id("nalgebra"), &problem, copy, Nalgebra::from(copy));
    let copy = &Mat::from_fn(shape.0, shape.1, |i, j| x[(i, j)]);
    bench_backend::<O, F, _, _>(group, &id("faer"), &problem, copy, Faer::from(copy));
}

fn bench_text<O: Operation, F: Float>(group: &mut BenchmarkGroup<'_, WallTime>) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    let x = &text(TEXT, WORDS, &mut rng);
    let problem = Problem::new(TEXT, &mut rng);
    let id = format!("{}x{}/{}/sprs", TEXT.0, TEXT.1, F::NAME);
    bench_backend::<O, F, _, _>(group, &id, &problem, x, Sprs::from(x));
}

fn bench_backend<O: Operation, F: Float, M: Products<F> + Sync, B: Backend<Scalar = F>>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    id: &str,
    problem: &Problem<F>,
    matrix: &M,
    backend: B,
) {
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let expected = O::logit(&backend, problem)();
    let mut time = |id: String, way: &mut (dyn FnMut() -> Vec<F> + Send), one: bool| {
        assert_same(&id, &way(), &expected);
        group.bench_function(id, |bencher| match one {
            true => one_thread.install(|| bencher.iter(|| black_box(way()))),
            false => bencher.iter(|| black_box(way())),
        });
    };
    time(id.to_owned(), &mut O::logit(&backend, problem), false);
    time(format!("{id}-1"), &mut O::logit(&backend, problem), true);
    let chosen: &dyn Backend<Scalar = F, Vector = B::Vector> = &backend;
    time(format!("{id}-dyn-1"), &mut O::logit(chosen, problem), true);
    for &(name, rows) in O::BY_HAND {
        time(format!("{id}-{name}"), &mut || O::by_hand(matrix, problem, rows), true);
    }
}

/// Fails unless both ways computed the same, within the rounding of long sums.
fn assert_same<F: Float>(id: &str, got: &[F], expected: &[F]) {
    let tolerance = F::epsilon().widen().powf(0.7);
    assert_eq!(got.len(), expected.len(), "{id}");
    for (got, expected) in got.iter().zip(expected) {
        let error = (*got - *expected).abs().widen();
        assert!(error <= tolerance, "{id}: {got} is not {expected}");
    }
}
