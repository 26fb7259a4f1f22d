//! How close one pass over the data comes to the speed at which memory can be read.
//!
//! `cargo run --release -p benches --bin roofline` prints a line per backend, precision, number of
//! threads and number of columns, the worst of them, and then sparse rows like text:
//!
//! ```text
//! backend=ndarray precision=f64 threads=1 rows=671088 cols=100 gbs=14.9 read_gbs=17.1 fraction=0.87
//! ```
//!
//! `gbs` counts the matrix once per pass; `read_gbs` is the same matrix summed, nothing else, in
//! the same run. Sparse rows count their indices and values. Both are the best of several
//! alternating repetitions. With arguments, only lines that contain all of them are measured:
//! `roofline ndarray f32 cols=100`.

use std::hint::black_box;
use std::time::Instant;

use logit::faer::{MatRef, traits::ComplexField};
use logit::nalgebra::DMatrix;
use logit::ndarray::{Array2, ShapeBuilder};
use logit::{Backend, Faer, Float, LogisticRegression, Nalgebra, Ndarray, Sprs};
use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rayon::prelude::*;

const MATRIX_BYTES: usize = 512 << 20;
const COLUMNS: [usize; 6] = [16, 28, 50, 100, 500, 1000];
const REPETITIONS: usize = 7;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let mut worst: Option<(f64, String)> = None;
    for cols in COLUMNS {
        measure::<f64>(cols, &wanted, &mut worst);
        measure::<f32>(cols, &wanted, &mut worst);
    }
    if let Some((_, line)) = &worst {
        println!("worst {line}");
    }
    let text = measure_text::<f64>(&wanted) | measure_text::<f32>(&wanted);
    if worst.is_none() && !text {
        println!("nothing measured: no line has all of {wanted:?}");
    }
}

/// Documents by words, of which each has some.
const TEXT: (usize, usize) = (700_000, 47_000);
const WORDS: usize = 75;

/// Whether any of it was wanted.
fn measure_text<F: Float>(wanted: &[String]) -> bool {
    let mut x = None;
    for threads in [1, rayon::current_num_threads()] {
        let (precision, (rows, cols)) = (F::NAME, TEXT);
        let id = format!(
            "backend=sprs precision={precision} threads={threads} rows={rows} cols={cols} "
        );
        if !is_wanted(&id, wanted) {
            continue;
        }
        let rng = &mut Xoshiro256PlusPlus::seed_from_u64(1);
        let x = x.get_or_insert_with(|| benches::text::<F>(TEXT, WORDS, rng));
        let times = on(threads, || {
            let indices = || {
                let parts = x.indices().par_chunks(1 << 16);
                black_box(parts.map(|part| part.iter().fold(0, |a, b| a ^ b)).max());
            };
            time(&Sprs::from(&*x), || (indices(), sum(x.data())).1)
        });
        report(&id, x.nnz() * (size_of::<F>() + size_of::<u32>()), times);
    }
    x.is_some()
}

fn is_wanted(id: &str, wanted: &[String]) -> bool {
    let is_in =
        |part: &String| id.contains(&format!("{part} ")) || id.contains(&format!("={part} "));
    wanted.iter().all(is_in)
}

fn on<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads").install(work)
}

/// Prints a line, and returns it behind its fraction.
fn report(id: &str, bytes: usize, times: (f64, f64)) -> (f64, String) {
    let (gbs, read_gbs) = (bytes as f64 / times.0 / 1e9, bytes as f64 / times.1 / 1e9);
    let fraction = gbs / read_gbs;
    let line = format!("{id}gbs={gbs:.1} read_gbs={read_gbs:.1} fraction={fraction:.2}");
    println!("{line}");
    (fraction, line)
}

fn measure<F: Float + ComplexField>(
    cols: usize,
    wanted: &[String],
    worst: &mut Option<(f64, String)>,
) {
    let rows = MATRIX_BYTES / size_of::<F>() / cols;
    // Read by whichever library first: filled only where something is wanted.
    let mut values = Vec::new();
    for backend in ["ndarray", "ndarray-f-order", "nalgebra", "faer"] {
        for threads in [1, rayon::current_num_threads()] {
            let precision = F::NAME;
            let id = format!(
                "backend={backend} precision={precision} threads={threads} rows={rows} cols={cols} "
            );
            if !is_wanted(&id, wanted) {
                continue;
            }
            if values.is_empty() {
                values = fill::<F>(rows * cols);
            }
            let times = on(threads, || match backend {
                "ndarray" => {
                    let x = Array2::from_shape_vec((rows, cols), std::mem::take(&mut values));
                    let x = x.expect("the shape of the values");
                    let times = time(&Ndarray::from(&x), || sum(x.as_slice().expect("contiguous")));
                    values = x.into_raw_vec_and_offset().0;
                    times
                }
                "ndarray-f-order" => {
                    let x = Array2::from_shape_vec((rows, cols).f(), std::mem::take(&mut values));
                    let x = x.expect("the shape of the values");
                    let times =
                        time(&Ndarray::from(&x), || sum(x.t().to_slice().expect("contiguous")));
                    values = x.into_raw_vec_and_offset().0;
                    times
                }
                "nalgebra" => {
                    let x = DMatrix::from_vec(rows, cols, std::mem::take(&mut values));
                    let times = time(&Nalgebra::from(&x), || sum(x.as_slice()));
                    values = x.data.into();
                    times
                }
                _ => {
                    let x = MatRef::from_column_major_slice(&values, rows, cols);
                    time(&Faer::from(x), || sum(&values))
                }
            });
            let line = report(&id, rows * cols * size_of::<F>(), times);
            if worst.as_ref().is_none_or(|worst| line.0 < worst.0) {
                *worst = Some(line);
            }
        }
    }
}

fn fill<F: Float>(len: usize) -> Vec<F> {
    (0..len).into_par_iter().map(|i| F::narrow((i % 1009) as f64 / 504.0 - 1.0)).collect()
}

/// The best times of a pass and of a read, in seconds.
fn time<F: Float>(x: &impl Backend<Scalar = F>, read_all: impl Fn() -> F) -> (f64, f64) {
    let y = (0..x.nrows()).map(|i| i % 3 == 0);
    let mut objective = LogisticRegression::new().objective(x, y).expect("a valid problem");
    let parameters = vec![F::narrow(0.01); objective.dimension()];
    let mut gradient = parameters.clone();
    let (mut pass, mut read) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..REPETITIONS {
        let start = Instant::now();
        black_box(objective.evaluate(&parameters, &mut gradient));
        pass = pass.min(start.elapsed().as_secs_f64());
        let start = Instant::now();
        black_box(read_all());
        read = read.min(start.elapsed().as_secs_f64());
    }
    (pass, read)
}

/// Reads everything once, on all threads, with enough independent sums not to wait for any.
fn sum<F: Float>(values: &[F]) -> F {
    let partial = |part: &[F]| {
        let (chunks, _) = part.as_chunks::<64>();
        let mut sums = [F::zero(); 64];
        for chunk in chunks {
            sums.iter_mut().zip(chunk).for_each(|(sum, &value)| *sum += value);
        }
        sums.into_iter().fold(F::zero(), |a, b| a + b)
    };
    values.par_chunks(1 << 16).map(partial).reduce(F::zero, |a, b| a + b)
}
