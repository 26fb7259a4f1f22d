//! The recipe as one writes it directly against a library, with its own products: over the whole
//! matrix at once, or over blocks of rows. Sums of blocks are `f64`, as the library's are.

use std::ops::Range;

use logit::faer::linalg::matmul::matmul;
use logit::faer::traits::ComplexField;
use logit::faer::{Accum, ColMut, ColRef, Mat, Par};
use logit::nalgebra::{DMatrix, DVectorView, DVectorViewMut};
use logit::ndarray::linalg::general_mat_vec_mul;
use logit::ndarray::{Array2, ArrayView1, ArrayViewMut1, s};
use logit::sprs::CsMatI;
use logit::{Float, slice};

/// The library's two products with some rows of a matrix.
pub trait Products<F> {
    /// `out = X[rows] · w`
    fn multiply(&self, rows: Range<usize>, w: &[F], out: &mut [F]);
    /// `sums += X[rows]ᵀ · r`; `block` is as long as the sums.
    fn add_transposed(&self, rows: Range<usize>, r: &[F], block: &mut [F], sums: &mut [f64]);
}

fn add_widened<F: Float>(block: &[F], sums: &mut [f64]) {
    sums.iter_mut().zip(block).for_each(|(sum, value)| *sum += value.widen());
}

impl<F: Float> Products<F> for Array2<F> {
    fn multiply(&self, rows: Range<usize>, w: &[F], out: &mut [F]) {
        let (rows, mut out) = (self.slice(s![rows, ..]), ArrayViewMut1::from(out));
        general_mat_vec_mul(F::one(), &rows, &ArrayView1::from(w), F::zero(), &mut out);
    }

    fn add_transposed(&self, rows: Range<usize>, r: &[F], block: &mut [F], sums: &mut [f64]) {
        let (rows, r) = (self.slice(s![rows, ..]), ArrayView1::from(r));
        let mut out = ArrayViewMut1::from(&mut *block);
        general_mat_vec_mul(F::one(), &rows.t(), &r, F::zero(), &mut out);
        add_widened(block, sums);
    }
}

impl<F: Float> Products<F> for DMatrix<F> {
    fn multiply(&self, rows: Range<usize>, w: &[F], out: &mut [F]) {
        let (w, mut out) = (DVectorView::from(w), DVectorViewMut::from(out));
        out.gemv(F::one(), &self.rows_range(rows), &w, F::zero());
    }

    fn add_transposed(&self, rows: Range<usize>, r: &[F], block: &mut [F], sums: &mut [f64]) {
        let (r, mut out) = (DVectorView::from(r), DVectorViewMut::from(&mut *block));
        out.gemv_tr(F::one(), &self.rows_range(rows), &r, F::zero());
        add_widened(block, sums);
    }
}

impl<F: Float + ComplexField> Products<F> for Mat<F> {
    fn multiply(&self, rows: Range<usize>, w: &[F], out: &mut [F]) {
        let rows = self.subrows(rows.start, rows.len());
        let (w, out) = (ColRef::from_slice(w).as_mat(), ColMut::from_slice_mut(out).as_mat_mut());
        matmul(out, Accum::Replace, rows, w, F::one_impl(), Par::Seq);
    }

    fn add_transposed(&self, rows: Range<usize>, r: &[F], block: &mut [F], sums: &mut [f64]) {
        let rows = self.subrows(rows.start, rows.len()).transpose();
        let out = ColMut::from_slice_mut(&mut *block).as_mat_mut();
        matmul(out, Accum::Replace, rows, ColRef::from_slice(r).as_mat(), F::one_impl(), Par::Seq);
        add_widened(block, sums);
    }
}

impl<F: Float> Products<F> for CsMatI<F, u32, usize> {
    fn multiply(&self, rows: Range<usize>, w: &[F], out: &mut [F]) {
        for (row, out) in self.slice_outer(rows).outer_iterator().zip(out) {
            *out = row.iter().fold(F::zero(), |sum, (j, &x)| sum + x * w[j]);
        }
    }

    fn add_transposed(&self, rows: Range<usize>, r: &[F], _block: &mut [F], sums: &mut [f64]) {
        for (row, &r) in self.slice_outer(rows).outer_iterator().zip(r) {
            row.iter().for_each(|(j, &x)| sums[j] += (x * r).widen());
        }
    }
}

/// Probabilities of all rows.
pub fn predict<F: Float>(x: &impl Products<F>, rows: usize, w: &[F], b: F) -> Vec<F> {
    let mut z = vec![F::zero(); rows];
    x.multiply(0..rows, w, &mut z);
    z.iter_mut().for_each(|z| *z += b);
    slice::sigmoid(&mut z);
    z
}

/// Mean loss and gradient, intercept last, block by block.
pub fn pass<F: Float>(
    x: &impl Products<F>,
    y: &[bool],
    w: &[F],
    b: F,
    block_rows: usize,
) -> (f64, Vec<F>) {
    let n = y.len();
    let (mut sums, mut intercept, mut loss) = (vec![0.0; w.len()], 0.0, 0.0);
    let mut block = vec![F::zero(); w.len()];
    let mut z = vec![F::zero(); block_rows.min(n)];
    let mut losses = z.clone();
    for start in (0..n).step_by(block_rows) {
        let rows = start..n.min(start + block_rows);
        let (y, z) = (&y[rows.clone()], &mut z[..rows.len()]);
        x.multiply(rows.clone(), w, z);
        z.iter_mut().for_each(|z| *z += b);
        let losses = &mut losses[..rows.len()];
        losses.copy_from_slice(z);
        slice::cross_entropy(losses, y);
        loss += losses.iter().map(|loss| loss.widen()).sum::<f64>();
        slice::residual(z, y);
        intercept += z.iter().map(|r| r.widen()).sum::<f64>();
        x.add_transposed(rows, z, &mut block, &mut sums);
    }
    sums.push(intercept);
    let gradient = sums.iter().map(|sum| F::narrow(sum / n as f64)).collect();
    (loss / n as f64, gradient)
}

/// Gradient descent from zero over the whole matrix: losses, then weights and intercept.
pub fn fit<F: Float>(
    x: &impl Products<F>,
    y: &[bool],
    ncols: usize,
    rate: F,
    iterations: usize,
) -> (Vec<f64>, Vec<F>) {
    let (mut at, mut losses) = (vec![F::zero(); ncols + 1], Vec::new());
    for _ in 0..iterations {
        let (loss, gradient) = pass(x, y, &at[..ncols], at[ncols], y.len());
        losses.push(loss);
        for (parameter, slope) in at.iter_mut().zip(gradient) {
            *parameter -= rate * slope;
        }
    }
    (losses, at)
}
