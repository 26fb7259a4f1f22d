//! How the time of a pass grows with the rows and shrinks with the threads, and what memory a fit
//! needs beside the matrix.
//!
//! `cargo run --release -p benches --bin scaling` (Linux, 2 GB) prints a line per number of rows,
//! of columns and of threads:
//!
//! ```text
//! rows=10000000 cols=20 threads=2 ns_per_element=0.29 speedup=1.10
//! ```
//!
//! and, for each shape, by how much the memory of the process grows during a whole fit, labels
//! included, beside what is allowed: 1 % of the matrix and 16 bytes a row. With 20 columns, 10 000 rows lie in the caches
//! of a core and 100 000 in that shared by all, where both are faster than memory, which limits
//! the rest. With 2 columns the exponentials take the time, and memory limits nothing.

use std::fs;

use benches::roofline::{fill, on, sum, threads, time};
use logit::ndarray::{Array2, s};
use logit::{LogisticRegression, Ndarray};

const SHAPES: [(usize, usize); 6] =
    [(10_000, 20), (100_000, 20), (1_000_000, 20), (10_000_000, 20), (100_000, 2), (10_000_000, 2)];

fn main() {
    for shape @ (rows, cols) in SHAPES {
        let len = rows * cols;
        let x = Array2::from_shape_vec(shape, fill::<f64>(len)).expect("the shape of the values");
        let (growth, allowed) = (growth_mb(&x), (0.08 * len as f64 + 16.0 * rows as f64) / 1e6);
        println!("rows={rows} cols={cols} fit_mb={growth:.1} allowed_mb={allowed:.1}");
        let pass = |threads| {
            on(threads, || time(&Ndarray::from(&x), || sum(x.as_slice().expect("contiguous"))).0)
        };
        let one = pass(1);
        for threads in threads() {
            let seconds = if threads == 1 { one } else { pass(threads) };
            let (ns, speedup) = (seconds * 1e9 / len as f64, one / seconds);
            println!(
                "rows={rows} cols={cols} threads={threads} ns_per_element={ns:.3} speedup={speedup:.2}"
            );
        }
    }
}

/// By how many megabytes the memory of this process grows for a while during a fit.
fn growth_mb(x: &Array2<f64>) -> f64 {
    let y = |rows: usize| (0..rows).map(|i| i % 3 == 0);
    // The program itself takes memory when it is first run.
    let few = x.slice(s![..1000, ..]);
    estimator().fit(&Ndarray::from(&few), y(1000)).expect("a valid problem");
    // Linux counts the peak anew from here on.
    fs::write("/proc/self/clear_refs", "5").expect("Linux");
    let before = status_mb("VmRSS:");
    estimator().fit(&Ndarray::from(x), y(x.nrows())).expect("a valid problem");
    status_mb("VmHWM:") - before
}

fn estimator() -> LogisticRegression {
    LogisticRegression::new().l2(1e-3)
}

fn status_mb(name: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("Linux");
    line.trim().trim_end_matches(" kB").parse::<f64>().expect("kilobytes") * 1.024e-3
}
