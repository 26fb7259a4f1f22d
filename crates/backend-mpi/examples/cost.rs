//! What a pass costs and what joining it does: `mpirun -n 2 cargo run --release --example cost`, here.
//!
//! Prints the times of a pass over the rows of one process (here 100 000 of 100 numbers), and of
//! the all-reduce of its sums.

use std::time::{Duration, Instant};

use logit::ndarray::Array2;
use logit::{LogisticRegression, Ndarray};
use logit_core::Peers;
use logit_mpi::Distributed;
use logit_mpi::mpi::{self, Threading, traits::*};

const ROWS: usize = 100_000;
const COLUMNS: usize = 100;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (universe, _) = mpi::initialize_with_threading(Threading::Funneled).ok_or("no MPI")?;
    let world = universe.world();
    let own = Array2::from_shape_fn((ROWS, COLUMNS), |(i, j)| ((i * 31 + j * 17) % 101) as f64);
    let x = Distributed::new(&world, Ndarray::from(&own))?;
    let y = (0..ROWS).map(|i| i % 3 == 0);
    let mut objective = LogisticRegression::new().objective(&x, y)?;
    let at = vec![0.001; objective.dimension()];
    let pass = best(20, || {
        objective.evaluate(&at[..]);
    });
    let mut sums = vec![0.0; COLUMNS + 2];
    let join = best(1000, || x.sum(&mut sums));
    if world.rank() == 0 {
        println!(
            "{} processes: a pass {pass:.1?}, the all-reduce of {} numbers in it {join:.1?}",
            world.size(),
            sums.len()
        );
    }
    Ok(())
}

/// The best of so many times.
fn best(repetitions: usize, mut work: impl FnMut()) -> Duration {
    let times = (0..repetitions).map(|_| {
        let start = Instant::now();
        work();
        start.elapsed()
    });
    times.min().unwrap_or_default()
}
