//! Runs one peer on one problem and prints `ready` once the data are read, then a line of JSON.
//!
//! `compare.py` runs this for every peer in Rust and `python_peers.py`, which takes the same
//! arguments, for those in Python.

mod peers;
mod timer;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::{fs, io};

use clap::Parser;
use serde::Serialize;

use peers::{Job, Peer, Problem};
use timer::Timer;

#[derive(Parser)]
#[command(about = "Runs one peer on one problem and prints a line of JSON.")]
struct Args {
    /// Who does it.
    #[arg(long, value_enum)]
    peer: Peer,
    /// What to do.
    #[arg(long, value_enum)]
    job: Job,
    /// A file of the matrix: f64, little-endian, row by row.
    #[arg(long)]
    x: PathBuf,
    /// Where the matrix is sparse, a file of the columns of its numbers: u32, little-endian. Every
    /// row has as many.
    #[arg(long)]
    columns: Option<PathBuf>,
    /// A file of the labels: a byte a row, 0 or 1.
    #[arg(long)]
    y: PathBuf,
    #[arg(long)]
    rows: usize,
    #[arg(long)]
    cols: usize,
    /// The penalty: l2/2 · |w|² beside the mean cross-entropy.
    #[arg(long, default_value_t = 0.0)]
    l2: f64,
    /// The peer's own tolerance; not read by those that have none.
    #[arg(long, default_value_t = 0.0)]
    tolerance: f64,
    #[command(flatten)]
    timer: Timer,
}

#[derive(Serialize)]
struct Failure {
    error: String,
}

/// The rows of the warm-up, whose penalty of 1 makes it short for everyone.
const WARM_UP_ROWS: usize = 1000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args = Args::parse();
    let problem = read(&args)?;
    let line = match catch_unwind(AssertUnwindSafe(|| measure(&args, problem))) {
        Ok(Ok(measured)) => serde_json::to_string(&measured)?,
        Ok(Err(error)) => serde_json::to_string(&Failure { error })?,
        Err(panic) => {
            let message = panic.downcast_ref::<String>().map(String::as_str);
            let message = message.or(panic.downcast_ref::<&str>().copied()).unwrap_or("");
            serde_json::to_string(&Failure { error: format!("panicked: {message}") })?
        }
    };
    println!("{line}");
    Ok(())
}

fn measure(args: &Args, problem: Problem) -> Result<timer::Measured, String> {
    let warm_up = Problem { l2: 1.0, ..problem.head(WARM_UP_ROWS) };
    // So few rows may be too much for a solver that does well on all of them.
    let _ = peers::run(args.peer, args.job, warm_up, &Timer::warm_up());
    peers::run(args.peer, args.job, problem, &args.timer)
}

fn read(args: &Args) -> io::Result<Problem> {
    let (rows, cols, l2, tolerance) = (args.rows, args.cols, args.l2, args.tolerance);
    let y = fs::read(&args.y)?.into_iter().map(|label| label == 1).collect();
    let x = read_numbers(&args.x, f64::from_le_bytes)?;
    let columns = args.columns.as_deref();
    let columns = columns.map(|path| read_numbers(path, u32::from_le_bytes)).transpose()?;
    Ok(Problem { x, columns, y, rows, cols, l2, tolerance })
}

fn read_numbers<T, const SIZE: usize>(
    path: &Path,
    number: impl Fn([u8; SIZE]) -> T,
) -> io::Result<Vec<T>> {
    let bytes = fs::read(path)?;
    let (numbers, _) = bytes.as_chunks();
    Ok(numbers.iter().map(|&bytes| number(bytes)).collect())
}
