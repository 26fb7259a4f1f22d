//! The recipe as one writes it directly against a library: whole-matrix products, no blocks.

use logit::nalgebra::{DMatrix, DVector};
use logit::ndarray::{Array1, Array2};
use logit::{Float, slice};

/// The library's two products with a whole matrix.
pub trait Products<F> {
    /// `X · w`
    fn times(&self, w: &[F]) -> Vec<F>;
    /// `Xᵀ · r`
    fn transposed_times(&self, r: Vec<F>) -> Vec<F>;
}

impl<F: Float> Products<F> for Array2<F> {
    fn times(&self, w: &[F]) -> Vec<F> {
        self.dot(&Array1::from(w.to_vec())).into_raw_vec_and_offset().0
    }

    fn transposed_times(&self, r: Vec<F>) -> Vec<F> {
        self.t().dot(&Array1::from(r)).into_raw_vec_and_offset().0
    }
}

impl<F: Float> Products<F> for DMatrix<F> {
    fn times(&self, w: &[F]) -> Vec<F> {
        (self * DVector::from_column_slice(w)).data.into()
    }

    fn transposed_times(&self, r: Vec<F>) -> Vec<F> {
        self.tr_mul(&DVector::from(r)).data.into()
    }
}

/// Probabilities of all rows.
pub fn predict<F: Float>(x: &impl Products<F>, w: &[F], b: F) -> Vec<F> {
    let mut z = x.times(w);
    z.iter_mut().for_each(|z| *z += b);
    slice::sigmoid(&mut z);
    z
}

/// Mean loss and gradient; intercept last.
pub fn pass<F: Float>(x: &impl Products<F>, y: &[bool], w: &[F], b: F) -> (f64, Vec<F>) {
    let n = y.len() as f64;
    let mut z = x.times(w);
    z.iter_mut().for_each(|z| *z += b);
    let mut losses = z.clone();
    slice::cross_entropy(&mut losses, y);
    let loss = losses.iter().map(|loss| loss.widen()).sum::<f64>() / n;
    slice::residual(&mut z, y);
    let intercept = z.iter().map(|r| r.widen()).sum::<f64>();
    let mut gradient = x.transposed_times(z);
    gradient.push(F::narrow(intercept));
    gradient.iter_mut().for_each(|g| *g = F::narrow(g.widen() / n));
    (loss, gradient)
}

/// Gradient descent from zero: weights and intercept.
pub fn fit<F: Float>(
    x: &impl Products<F>,
    y: &[bool],
    ncols: usize,
    rate: F,
    iterations: usize,
) -> (Vec<f64>, Vec<F>) {
    let (mut at, mut losses) = (vec![F::zero(); ncols + 1], Vec::new());
    for _ in 0..iterations {
        let (loss, gradient) = pass(x, y, &at[..ncols], at[ncols]);
        losses.push(loss);
        for (parameter, slope) in at.iter_mut().zip(gradient) {
            *parameter -= rate * slope;
        }
    }
    (losses, at)
}
