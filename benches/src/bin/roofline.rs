//! How close one pass over the data comes to the speed at which memory can be read.
//!
//! `cargo run --release -p benches --bin roofline` prints a line per backend, precision, number of
//! threads and number of columns, the worst of them, and then sparse rows like text, which count
//! their indices and values. [`Table`] says what a line holds and how to choose among them.
//!
//! BLAS stands beside the default in `crates/backend-ndarray/blas`.

use std::hint::black_box;

use benches::roofline::{COLUMNS, Table, fill, on, rows, sum, threads, time};
use logit::faer::{MatRef, traits::ComplexField};
use logit::nalgebra::DMatrix;
use logit::ndarray::{Array2, ShapeBuilder};
use logit::{Faer, Float, Nalgebra, Ndarray, Sprs};
use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rayon::prelude::*;

fn main() {
    let mut table = Table::from_args();
    for cols in COLUMNS {
        measure::<f64>(cols, &mut table);
        measure::<f32>(cols, &mut table);
    }
    table.report_worst();
    measure_text::<f64>(&mut table);
    measure_text::<f32>(&mut table);
}

/// Documents by words, of which each has some.
const TEXT: (usize, usize) = (700_000, 47_000);
const WORDS: usize = 75;

fn measure_text<F: Float>(table: &mut Table) {
    let mut x = None;
    for threads in threads() {
        let Some(id) = table.wanted::<F>("sprs", threads, TEXT) else {
            continue;
        };
        let rng = &mut Xoshiro256PlusPlus::seed_from_u64(1);
        let x = x.get_or_insert_with(|| benches::text::<F>(TEXT, WORDS, rng));
        let times = on(threads, || {
            let indices = || {
                let parts = x.indices().par_chunks(1 << 16);
                black_box(parts.map(|part| part.iter().fold(0, |a, b| a ^ b)).max());
            };
            time(&Sprs::from(&*x), || (indices(), sum(x.data())).1)
        });
        table.report(&id, x.nnz() * (size_of::<F>() + size_of::<u32>()), times);
    }
}

fn measure<F: Float + ComplexField>(cols: usize, table: &mut Table) {
    let shape @ (rows, _) = (rows::<F>(cols), cols);
    // Read by whichever library first: filled only where something is wanted.
    let mut values = Vec::new();
    for backend in ["ndarray", "ndarray-f-order", "nalgebra", "faer"] {
        for threads in threads() {
            let Some(id) = table.wanted::<F>(backend, threads, shape) else {
                continue;
            };
            if values.is_empty() {
                values = fill::<F>(rows * cols);
            }
            let times = on(threads, || match backend {
                "ndarray" => {
                    let x = Array2::from_shape_vec(shape, std::mem::take(&mut values));
                    let x = x.expect("the shape of the values");
                    let times = time(&Ndarray::from(&x), || sum(x.as_slice().expect("contiguous")));
                    values = x.into_raw_vec_and_offset().0;
                    times
                }
                "ndarray-f-order" => {
                    let x = Array2::from_shape_vec(shape.f(), std::mem::take(&mut values));
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
            table.report(&id, rows * cols * size_of::<F>(), times);
        }
    }
}
