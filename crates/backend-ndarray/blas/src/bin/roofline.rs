//! ndarray's products by OpenBLAS in the roofline, beside the default.
//!
//! `OPENBLAS_NUM_THREADS=1 cargo run --release --bin roofline` in this folder, since blocks of rows
//! are on all cores already. Lines and arguments are those of the roofline in `benches`.

use benches::roofline::{COLUMNS, Table, fill, on, rows, sum, threads, time};
use logit_core::Float;
use logit_ndarray::Ndarray;
use logit_ndarray::ndarray::Array2;

fn main() {
    let mut table = Table::from_args();
    for cols in COLUMNS {
        measure::<f64>(cols, &mut table);
        measure::<f32>(cols, &mut table);
    }
    table.report_worst();
}

fn measure<F: Float>(cols: usize, table: &mut Table) {
    let shape @ (rows, _) = (rows::<F>(cols), cols);
    let x = Array2::from_shape_vec(shape, fill::<F>(rows * cols)).expect("the shape of the values");
    let values = x.as_slice().expect("contiguous");
    for (backend, x) in [
        ("ndarray", Ndarray::from(&x)),
        ("ndarray-openblas", Ndarray::from(&x).with_own_products()),
    ] {
        for threads in threads() {
            if let Some(id) = table.wanted::<F>(backend, threads, shape) {
                let times = on(threads, || time(&x, || sum(values)));
                table.report(&id, size_of_val(values), times);
            }
        }
    }
}
