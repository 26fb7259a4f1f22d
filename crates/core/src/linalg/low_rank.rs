//! A diagonal matrix plus multiples of a few squares: the second derivatives that steps have shown.

use crate::linalg::conjugate_gradients::ConjugateGradients;
use crate::linalg::vectors::{add_multiple, dot};

/// `D + Σₖ fₖ · uₖ·uₖᵀ`
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct LowRank {
    diagonal: Vec<f64>,
    squares: Vec<(f64, Vec<f64>)>,
}

impl LowRank {
    pub(crate) fn new(diagonal: Vec<f64>) -> Self {
        Self { diagonal, squares: Vec::new() }
    }

    pub(crate) fn add_square(&mut self, factor: f64, u: Vec<f64>) {
        self.squares.push((factor, u));
    }

    /// The number of squares.
    pub(crate) fn len(&self) -> usize {
        self.squares.len()
    }

    pub(crate) fn diagonal(&self, j: usize) -> f64 {
        self.diagonal[j] + self.squares.iter().map(|(factor, u)| factor * u[j] * u[j]).sum::<f64>()
    }

    pub(crate) fn product(&self, v: &[f64]) -> Vec<f64> {
        let mut product: Vec<f64> = self.diagonal.iter().zip(v).map(|(d, v)| d * v).collect();
        for (factor, u) in &self.squares {
            add_multiple(&mut product, factor * dot(u, v), u);
        }
        product
    }

    /// Element `j` of the product with a vector, without the diagonal. `products` holds the
    /// products of the vector with the `uₖ`.
    pub(crate) fn element(&self, j: usize, products: &[f64]) -> f64 {
        self.squares.iter().zip(products).map(|((factor, u), by)| factor * by * u[j]).sum()
    }

    /// Adds `by` to element `j` of a vector: updates its product with the diagonal and its products
    /// with the `uₖ`.
    pub(crate) fn add_element(&self, j: usize, by: f64, product: &mut [f64], products: &mut [f64]) {
        product[j] += by * self.diagonal[j];
        products.iter_mut().zip(&self.squares).for_each(|(product, (_, u))| *product += by * u[j]);
    }

    /// The rows and columns of some coordinates.
    pub(crate) fn part(&self, of: &[usize]) -> Self {
        let part = |v: &[f64]| of.iter().map(|&j| v[j]).collect();
        let squares = self.squares.iter().map(|(factor, u)| (*factor, part(u))).collect();
        Self { diagonal: part(&self.diagonal), squares }
    }

    /// The solution of `H·x = b` by conjugate gradients.
    ///
    /// Preconditioned by its diagonal, a matrix with k squares has at most k + 1 different
    /// eigenvalues. So k + 1 steps are enough (Nocedal and Wright, *Numerical Optimization*, 2nd
    /// ed. 2006, theorem 5.4).
    pub(crate) fn solve(&self, b: &[f64]) -> Vec<f64> {
        let mut gradients = ConjugateGradients::new(b, &self.diagonal);
        for _ in 0..=self.squares.len() {
            if !gradients.follow(&self.product(&gradients.direction)) {
                break;
            }
        }
        gradients.solution
    }
}
