//! The method of conjugate gradients, which needs only products with the matrix.

use crate::linalg::vectors::{add_multiple, dot};

/// A solution of `H·x = b` in progress, for a positive semidefinite `H`. The preconditioner is a
/// positive diagonal (Nocedal and Wright, *Numerical Optimization*, 2nd ed. 2006, algorithm 5.3).
pub(crate) struct ConjugateGradients<'a> {
    diagonal: &'a [f64],
    pub(crate) solution: Vec<f64>,
    residual: Vec<f64>,
    /// The vector to multiply `H` with next.
    pub(crate) direction: Vec<f64>,
    /// The square of the residual, in the norm of the inverse of the diagonal.
    pub(crate) size: f64,
}

impl<'a> ConjugateGradients<'a> {
    pub(crate) fn new(b: &[f64], diagonal: &'a [f64]) -> Self {
        let direction = quotient(b, diagonal);
        let size = dot(b, &direction);
        Self { diagonal, solution: vec![0.0; b.len()], residual: b.to_vec(), direction, size }
    }

    /// Minimises along the direction, given its product with `H`. Returns `false` if there is no
    /// curvature or no residual.
    pub(crate) fn follow(&mut self, product: &[f64]) -> bool {
        let length = self.size / dot(&self.direction, product);
        if !(length.is_finite() && length > 0.0) {
            return false;
        }
        add_multiple(&mut self.solution, length, &self.direction);
        add_multiple(&mut self.residual, -length, product);
        let mut next = quotient(&self.residual, self.diagonal);
        let before = std::mem::replace(&mut self.size, dot(&self.residual, &next));
        add_multiple(&mut next, self.size / before, &self.direction);
        self.direction = next;
        true
    }
}

pub(crate) fn quotient(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a / b).collect()
}
