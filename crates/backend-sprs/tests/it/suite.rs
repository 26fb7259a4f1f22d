//! Every check of the conformance suite, in both compressed forms, with zeros stored or not.

use logit_conformance::Matrix;
use logit_core::{Backend, Float};
use logit_sprs::Sprs;
use logit_sprs::sprs::{CsMatI, SpIndex};

/// Whether a zero is stored: `STORED` of 5 are.
fn stores<const STORED: usize>(i: usize, j: usize) -> bool {
    (i + 3 * j) % 5 < STORED
}

/// Compressed lines of some elements.
fn compress<F: Float, I: SpIndex, Iptr: SpIndex>(
    (lines, len): (usize, usize),
    element: impl Fn(usize, usize) -> Option<F>,
) -> (Vec<Iptr>, Vec<I>, Vec<F>) {
    let (mut starts, mut indices, mut values) = (vec![Iptr::zero()], Vec::new(), Vec::new());
    for line in 0..lines {
        for k in 0..len {
            if let Some(value) = element(line, k) {
                indices.push(I::from_usize(k));
                values.push(value);
            }
        }
        starts.push(Iptr::from_usize(values.len()));
    }
    (starts, indices, values)
}

fn rows<const STORED: usize, F, I, Iptr>(matrix: &Matrix<F>) -> Sprs<'_, F, I, Iptr>
where
    F: Float,
    I: SpIndex + 'static,
    Iptr: SpIndex + 'static,
{
    Sprs::from(matrix.kept(|matrix| {
        let shape = (matrix.nrows(), matrix.ncols());
        let (starts, indices, values) = compress(shape, |i, j| {
            Some(matrix.get(i, j)).filter(|&x| x != F::zero() || stores::<STORED>(i, j))
        });
        CsMatI::<F, I, Iptr>::new(shape, starts, indices, values)
    }))
}

fn columns<const STORED: usize, F, I, Iptr>(matrix: &Matrix<F>) -> Sprs<'_, F, I, Iptr>
where
    F: Float,
    I: SpIndex + 'static,
    Iptr: SpIndex + 'static,
{
    Sprs::from(matrix.kept(|matrix| {
        let shape = (matrix.nrows(), matrix.ncols());
        let (starts, indices, values) = compress((shape.1, shape.0), |j, i| {
            Some(matrix.get(i, j)).filter(|&x| x != F::zero() || stores::<STORED>(i, j))
        });
        CsMatI::<F, I, Iptr>::new_csc(shape, starts, indices, values)
    }))
}

logit_conformance::suite!(rows_f64: f64, rows::<0, f64, usize, usize>);
logit_conformance::suite!(rows_f32: f32, rows::<0, f32, u32, usize>);
logit_conformance::suite!(rows_some_f64: f64, rows::<1, f64, u32, u32>);
logit_conformance::suite!(rows_all_f32: f32, rows::<5, f32, i32, u64>);
logit_conformance::suite!(columns_f64: f64, columns::<0, f64, u32, u32>);
logit_conformance::suite!(columns_f32: f32, columns::<0, f32, usize, usize>);
logit_conformance::suite!(columns_some_f64: f64, columns::<1, f64, i32, usize>);
