//! How one pass over the data is held against the speed at which memory can be read.

use std::hint::black_box;
use std::time::{Duration, Instant};

use logit::{Backend, Float, LogisticRegression};
use rayon::prelude::*;

/// Columns of the dense matrices.
pub const COLUMNS: [usize; 6] = [16, 28, 50, 100, 500, 1000];
const MATRIX_BYTES: usize = 512 << 20;
const REPETITIONS: usize = 7;
const ENOUGH: Duration = Duration::from_millis(100);

/// Prints a line per measurement that the arguments of the program want, and the worst of them.
///
/// ```text
/// backend=ndarray precision=f64 threads=1 rows=671088 cols=100 gbs=14.9 read_gbs=17.1 fraction=0.87
/// ```
///
/// `gbs` counts the matrix once per pass; `read_gbs` is the same matrix summed, nothing else, in
/// the same run. Both are the best of several alternating repetitions. With arguments, only lines
/// that contain all of them are measured: `ndarray f32 cols=100`.
pub struct Table {
    wanted: Vec<String>,
    worst: Option<(f64, String)>,
}

impl Table {
    /// By the arguments of the program.
    pub fn from_args() -> Self {
        Self { wanted: std::env::args().skip(1).collect(), worst: None }
    }

    /// What a line begins with, if it is wanted.
    pub fn wanted<F: Float>(
        &self,
        backend: &str,
        threads: usize,
        (rows, cols): (usize, usize),
    ) -> Option<String> {
        let id = format!(
            "backend={backend} precision={} threads={threads} rows={rows} cols={cols} ",
            F::NAME
        );
        let is_in =
            |part: &String| id.contains(&format!("{part} ")) || id.contains(&format!("={part} "));
        self.wanted.iter().all(is_in).then_some(id)
    }

    /// Prints a line, from the bytes of the matrix and the times of a pass and of a read.
    pub fn report(&mut self, id: &str, bytes: usize, (pass, read): (f64, f64)) {
        let (gbs, read_gbs) = (bytes as f64 / pass / 1e9, bytes as f64 / read / 1e9);
        let fraction = gbs / read_gbs;
        let line = format!("{id}gbs={gbs:.1} read_gbs={read_gbs:.1} fraction={fraction:.2}");
        println!("{line}");
        if self.worst.as_ref().is_none_or(|worst| fraction < worst.0) {
            self.worst = Some((fraction, line));
        }
    }

    /// Prints the worst line so far, if there is one.
    pub fn report_worst(&self) {
        if let Some((_, line)) = &self.worst {
            println!("worst {line}");
        }
    }
}

/// One, and as many as there are.
pub fn threads() -> [usize; 2] {
    [1, rayon::current_num_threads()]
}

/// Does the work on so many threads.
///
/// # Panics
/// If the system has no threads to give.
pub fn on<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads").install(work)
}

/// How many rows of so many columns make a matrix far larger than any cache.
pub fn rows<F>(cols: usize) -> usize {
    MATRIX_BYTES / size_of::<F>() / cols
}

/// Numbers from -1 to 1.
pub fn fill<F: Float>(len: usize) -> Vec<F> {
    (0..len).into_par_iter().map(|i| F::narrow((i % 1009) as f64 / 504.0 - 1.0)).collect()
}

/// The best times of a pass and of a read, in seconds.
///
/// # Panics
/// If the matrix is empty.
pub fn time<F: Float>(x: &impl Backend<Scalar = F>, read_all: impl Fn() -> F) -> (f64, f64) {
    let y = (0..x.nrows()).map(|i| i % 3 == 0);
    let mut objective = LogisticRegression::new().objective(x, y).expect("a valid problem");
    let parameters = vec![F::narrow(0.01); objective.dimension()];
    let (mut pass, mut read) = (f64::INFINITY, f64::INFINITY);
    let (start, mut repetitions) = (Instant::now(), 0);
    while repetitions < REPETITIONS || start.elapsed() < ENOUGH {
        let start = Instant::now();
        black_box(objective.evaluate(&parameters[..]));
        pass = pass.min(start.elapsed().as_secs_f64());
        let start = Instant::now();
        black_box(read_all());
        read = read.min(start.elapsed().as_secs_f64());
        repetitions += 1;
    }
    (pass, read)
}

/// Reads everything once, on all threads, with enough independent sums not to wait for any.
pub fn sum<F: Float>(values: &[F]) -> F {
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
