//! Trains from a file many times larger than memory.
//!
//! ```sh
//! cargo run --release --example memory_mapped -- 4 f32
//! ```
//!
//! writes an `.npy` file of 4 GB (default: 1 GB of `f64`), limits itself to 100 MB of memory, maps
//! the file and fits to it. A mapped file is a slice that the system reads when it is touched and
//! drops when it wants the memory back; ndarray views the slice, `Ndarray` borrows the view, and
//! nothing is copied. Each row holds the features and, last, the label.

mod map;

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use logit::ndarray::{ArrayView1, ArrayView2, s};
use logit::{Fit, Float, Label, LogisticRegression, Ndarray};
use ndarray_npy::{ViewElement, ViewNpyError, ViewNpyExt, WritableElement, write_zeroed_npy};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

type Outcome<T> = Result<T, Box<dyn Error>>;

const FEATURES: usize = 99;
const MEMORY: u64 = 100 << 20;

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let gigabytes: f64 = arguments.next().as_deref().unwrap_or("1").parse()?;
    match arguments.next().as_deref().unwrap_or("f64") {
        "f64" => run::<f64>(gigabytes),
        "f32" => run::<f32>(gigabytes),
        other => Err(format!("precision {other}: it must be f32 or f64").into()),
    }
}

/// A precision that `.npy` files are written and viewed in.
trait Element: Float + Label + ViewElement + WritableElement {
    fn bytes(values: &[Self]) -> Vec<u8>;
}

impl Element for f32 {
    fn bytes(values: &[f32]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_ne_bytes()).collect()
    }
}

impl Element for f64 {
    fn bytes(values: &[f64]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_ne_bytes()).collect()
    }
}

fn run<F: Element>(gigabytes: f64) -> Outcome<()> {
    let rows = (gigabytes * 1e9) as usize / size_of::<F>() / (FEATURES + 1);
    let path = std::env::temp_dir().join(format!("logit-{}.npy", F::NAME));
    write::<F>(&path, rows)?;
    limit_memory()?;

    let file = map::file(&path)?;
    let matrix = view::<F>(&file)?;
    let start = Instant::now();
    let (fit, anonymous) = fit(matrix, &path)?;
    let seconds = start.elapsed().as_secs_f64();
    println!("{}", fit.report);
    // The labels are read before the passes, from every row.
    let read = (fit.report.passes + 1.0) * file.len() as f64 / 1e9;
    println!(
        "{rows} rows of {FEATURES} features in {}, {:.2} GB on disk: {seconds:.2} s, {:.2} GB/s; \
         {:.1} MB of anonymous memory at most",
        F::NAME,
        file.len() as f64 / 1e9,
        read / seconds,
        anonymous as f64 / 1e6,
    );
    std::fs::remove_file(&path)?;
    Ok(())
}

/// The matrix in a file, features and labels, as it lies there.
fn view<F: Element>(file: &[u8]) -> Outcome<ArrayView2<'_, F>> {
    let matrix = ArrayView2::<F>::view_npy(file).map_err(|error| match error {
        ViewNpyError::Io(_) => "the file ends within its header".to_owned(),
        error => format!("the file is no .npy matrix of {}: {error}", F::NAME),
    })?;
    match matrix.ncols() {
        0 | 1 => Err("the file needs columns: features, then the label".into()),
        _ => Ok(matrix),
    }
}

/// Features and labels.
fn split<F>(matrix: ArrayView2<'_, F>) -> (ArrayView2<'_, F>, ArrayView1<'_, F>) {
    let last = matrix.ncols() - 1;
    let labels = matrix.slice_move(s![.., last]);
    (matrix.slice_move(s![.., ..last]), labels)
}

/// A fit, and the most anonymous memory in bytes that was seen during its iterations.
fn fit<F: Element>(matrix: ArrayView2<'_, F>, path: &Path) -> Outcome<(Fit<F>, u64)> {
    let (x, y) = split(matrix);
    let mut anonymous = anonymous_memory();
    let fit = LogisticRegression::new().fit_observed(&Ndarray::from(x), y, |_| {
        anonymous = anonymous.max(anonymous_memory());
        ControlFlow::Continue(())
    });
    let fit = fit.map_err(|error| format!("{}: {error}", path.display()))?;
    Ok((fit, anonymous.max(anonymous_memory())))
}

/// Writes random rows whose labels follow from them, a thousand rows at a time.
fn write<F: Element>(path: &Path, rows: usize) -> Outcome<()> {
    let mut file = File::create(path)?;
    let columns = FEATURES + 1;
    // The header, and the length.
    write_zeroed_npy::<F, _>(&file, (rows, columns))?;
    let header = file.metadata()?.len() - (rows * columns * size_of::<F>()) as u64;
    file.seek(SeekFrom::Start(header))?;
    let mut file = BufWriter::new(file);
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(0);
    let mut piece = Vec::new();
    for row in 1..=rows {
        let mut logit = 0.5;
        for j in 0..FEATURES {
            let x: f64 = rng.random_range(-1.0..1.0);
            logit += x * ((j % 7) as f64 - 3.0) / 10.0;
            piece.push(F::narrow(x));
        }
        let label = rng.random::<f64>() < logit::sigmoid(logit);
        piece.push(if label { F::one() } else { F::zero() });
        if row % 1000 == 0 || row == rows {
            file.write_all(&F::bytes(&piece))?;
            piece.clear();
        }
    }
    Ok(file.flush()?)
}

/// Fewer and smaller stacks than by default, since they count; then the limit, which holds for
/// everything but mapped files.
fn limit_memory() -> Outcome<()> {
    let threads = std::thread::available_parallelism()?.get().min(64);
    rayon::ThreadPoolBuilder::new().num_threads(threads).stack_size(1 << 19).build_global()?;
    #[cfg(target_os = "linux")]
    rlimit::setrlimit(rlimit::Resource::DATA, MEMORY, MEMORY)?;
    println!("memory is limited to {} MB", MEMORY >> 20);
    Ok(())
}

/// The memory in use, in bytes, that no file backs; 0 where the system does not say.
fn anonymous_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use logit::ndarray::{Array2, ShapeBuilder};
    use ndarray_npy::WriteNpyExt;

    use super::*;

    /// Enough rows for several segments.
    const ROWS: usize = 3000;

    fn temporary(name: &str) -> std::path::PathBuf {
        std::env::temp_dir().join(format!("logit-{}-{name}.npy", std::process::id()))
    }

    fn bits<F: Float>(fit: &Fit<F>) -> Vec<u64> {
        let parameters = fit.model.weights().iter().copied().chain([fit.model.intercept()]);
        let parameters = parameters.map(|value| value.widen());
        parameters.chain(fit.report.losses.iter().copied()).map(f64::to_bits).collect()
    }

    /// The fit to a mapped file is the fit to its contents in memory, in either order.
    fn same_bits<F: Element + ndarray_npy::ReadableElement>(name: &str) {
        let path = temporary(name);
        write::<F>(&path, ROWS).expect("room for a small file");
        let matrix: Array2<F> = ndarray_npy::read_npy(&path).expect("what was written");
        let columns = matrix.ncols();
        let by_columns = Array2::from_shape_fn((ROWS, columns).f(), |at| matrix[at]);
        for matrix in [matrix, by_columns] {
            matrix.write_npy(File::create(&path).expect("a file")).expect("room for a small file");
            let file = map::file(&path).expect("a file");
            let mapped = view::<F>(&file).expect("a matrix");
            assert_eq!(mapped.strides(), matrix.strides());
            let (mapped, _) = fit(mapped, &path).expect("a fit");
            let (in_memory, _) = fit(matrix.view(), &path).expect("a fit");
            assert_eq!(bits(&mapped), bits(&in_memory));
            assert!(mapped.report.loss < 0.69, "{}", mapped.report);
        }
        std::fs::remove_file(&path).expect("the file");
    }

    #[test]
    fn mapped_and_in_memory_fits_have_the_same_bits() {
        same_bits::<f64>("bits-f64");
        same_bits::<f32>("bits-f32");
    }

    /// What is said of a file.
    fn refused(bytes: &[u8]) -> String {
        view::<f64>(bytes).map(|_| ()).expect_err("a bad file").to_string()
    }

    #[test]
    fn a_truncated_file_or_a_wrong_shape_is_a_clear_error() {
        let path = temporary("bad");
        write::<f64>(&path, 10).expect("room for a small file");
        // Aligned as a map is.
        let file = map::file(&path).expect("a file");
        assert!(view::<f64>(&file).is_ok());
        let message = view::<f32>(&file).map(|_| ()).expect_err("f64 is not f32").to_string();
        assert!(message.contains("descriptor"), "{message}");
        let message = refused(&file[..file.len() - 1]);
        assert!(message.contains("missing 1 bytes"), "{message}");
        let message = refused(&file[..20]);
        assert!(message.contains("header"), "{message}");
        drop(file);
        // A line of the same length in the place of `(10, 100)`.
        for (lie, expected) in [
            ("(11, 100)", "missing 800 bytes"),
            ("(90, 100)", "missing"),
            ("(1, 100) ", "extra"),
            ("(1000,)  ", "ndim"),
            ("(1000, 1)", "features, then the label"),
            ("(0, 0)   ", "extra"),
            ("(9**9, 9)", "header"),
        ] {
            let mut bytes = std::fs::read(&path).expect("the file");
            let at = bytes.windows(9).position(|part| part == b"(10, 100)").expect("its shape");
            bytes[at..at + 9].copy_from_slice(lie.as_bytes());
            let lying = temporary("lying");
            std::fs::write(&lying, &bytes).expect("room for a small file");
            let file = map::file(&lying).expect("a file");
            let message = refused(&file);
            assert!(message.contains(expected), "{lie}: {message}");
            std::fs::remove_file(&lying).expect("the file");
        }
        std::fs::remove_file(&path).expect("the file");
        let message = map::file(&path).expect_err("the file is gone").to_string();
        assert!(message.contains("logit-") && message.contains("bad.npy"), "{message}");
    }
}
