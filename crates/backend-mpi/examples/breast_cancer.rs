//! A file split over processes: `mpirun -n 4 cargo run --release --example breast_cancer`, here.
//!
//! Each process parses every n-th line, fits with the others, and prints nothing but for the first.

use std::error::Error;

use logit::ndarray::Array2;
use logit::{LogisticRegression, Ndarray};
use logit_mpi::Distributed;
use logit_mpi::mpi::{self, Threading, traits::*};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/breast_cancer.csv");
const FEATURES: usize = 30;

fn main() -> Result<(), Box<dyn Error>> {
    let (universe, _) = mpi::initialize_with_threading(Threading::Funneled).ok_or("no MPI")?;
    let world = universe.world();
    let (rank, size) = (world.rank() as usize, world.size() as usize);

    let (mut features, mut y) = (Vec::new(), Vec::new());
    for record in csv::Reader::from_path(DATA)?.into_records().skip(rank).step_by(size) {
        let record = record?;
        let mut fields = record.iter();
        y.push(fields.next_back() == Some("benign"));
        for field in fields {
            features.push(field.parse::<f64>()?);
        }
    }
    let own = Array2::from_shape_vec((y.len(), FEATURES), features)?;
    let x = Distributed::new(&world, Ndarray::from(&own))?;
    let fit = LogisticRegression::new().standardize(true).l2(0.01).fit(&x, &y)?;

    let right = fit.model.predict(&x)?.iter().zip(&y).filter(|(p, y)| p == y).count();
    let (own, mut all) = ([right as u64, y.len() as u64], [0u64; 2]);
    world.all_reduce_into(&own[..], &mut all[..], mpi::collective::SystemOperation::sum());
    if rank == 0 {
        println!("{size} processes\n{}\n{} of {} rows are told right", fit.report, all[0], all[1]);
    }
    Ok(())
}
