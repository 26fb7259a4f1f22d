//! The lines of README for sources that have no backend of their own, each against its library.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{ArrayRef, Float64Array, RecordBatch};
use logit::sprs::CsMatView;
use logit::{Backend, Dense, LogisticRegression, Sprs};

const README: &str = include_str!("../../../README.md");

const ROWS: [[f64; 2]; 4] = [[0.5, 6.0], [1.0, 8.0], [3.5, 5.0], [4.0, 8.0]];

/// Code that stands in README too, but for white space.
macro_rules! as_in_readme {
    ($($code:tt)*) => {
        let squeezed = |text: &str| text.replace(|c: char| c.is_whitespace() || c == '\\', "");
        let code = squeezed(stringify!($($code)*));
        assert!(squeezed(README).contains(&format!("`{code}`")), "README has no `{code}`");
        $($code)*
    };
}

/// Fails unless the matrix is that of `ROWS`, to the last bit, and can be fitted to.
fn is_rows<B: Backend<Scalar = f64>>(x: &B) {
    assert_eq!((x.nrows(), x.ncols()), (4, 2));
    let mut values = [f64::NAN; 8];
    x.copy_rows(0..4, &mut values);
    assert_eq!(values, *ROWS.as_flattened());
    let fit = LogisticRegression::new().l2(0.1).fit(x, [0, 1, 0, 1]).expect("a fit");
    assert!(fit.report.loss < 0.6);
}

#[test]
fn slices() {
    let (values, nrows, ncols) = (ROWS.as_flattened(), 4, 2);
    is_rows(&{ as_in_readme!(Dense::from_rows(values, nrows, ncols)) });
}

#[test]
fn rows_in_vectors() {
    let rows: Vec<Vec<f64>> = ROWS.map(Vec::from).to_vec();
    let (nrows, ncols) = (4, 2);
    as_in_readme!(let values = rows.concat(););
    is_rows(&{ as_in_readme!(Dense::from_rows(&values, nrows, ncols)) });
}

#[test]
fn older_ndarray() {
    let by_columns = ndarray_016::arr2(&ROWS).reversed_axes().as_standard_layout().into_owned();
    for x in [ndarray_016::arr2(&ROWS), by_columns.reversed_axes()] {
        as_in_readme!(let x = x.as_standard_layout(););
        is_rows(&{ as_in_readme!(Dense::from_rows(x.as_slice().unwrap(), x.nrows(), x.ncols())) });
    }
}

#[test]
fn older_nalgebra() {
    let x = nalgebra_033::DMatrix::from_row_slice(4, 2, ROWS.as_flattened());
    is_rows(&{ as_in_readme!(Dense::from_columns(x.as_slice(), x.nrows(), x.ncols())) });
}

#[test]
fn sparse_nalgebra() {
    let dense = nalgebra_sparse::na::DMatrix::from_row_slice(4, 2, ROWS.as_flattened());
    let x = nalgebra_sparse::CsrMatrix::from(&dense);
    as_in_readme!(
        let x = CsMatView::new((x.nrows(), x.ncols()), x.row_offsets(), x.col_indices(), x.values());
    );
    is_rows(&{ as_in_readme!(Sprs::from(x)) });
}

#[test]
fn candle() -> candle_core::Result<()> {
    let x = candle_core::Tensor::new(&ROWS, &candle_core::Device::Cpu)?;
    let (nrows, ncols) = x.dims2()?;
    as_in_readme!(let values: Vec<f64> = x.flatten_all()?.to_vec1()?;);
    is_rows(&{ as_in_readme!(Dense::from_rows(&values, nrows, ncols)) });
    Ok(())
}

#[test]
fn arrow() -> Result<(), Box<dyn std::error::Error>> {
    let column = |j: usize| -> ArrayRef {
        Arc::new(ROWS.iter().map(|row| row[j]).collect::<Float64Array>())
    };
    let batch = RecordBatch::try_from_iter([("hours", column(0)), ("sleep", column(1))])?;
    let (nrows, ncols) = (batch.num_rows(), batch.num_columns());
    as_in_readme!(
        let values: Vec<f64> = batch.columns().iter().flat_map(|x| x.as_primitive::<Float64Type>().values().to_vec()).collect();
    );
    is_rows(&{ as_in_readme!(Dense::from_columns(&values, nrows, ncols)) });
    Ok(())
}
