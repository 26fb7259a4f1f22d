//! The second derivatives of a quadratic: a matrix, or a diagonal and a few squares.

use crate::linalg::cholesky::Cholesky;
use crate::linalg::low_rank::LowRank;
use crate::linalg::vectors::{add_multiple, all_sound, dot};

/// The second derivatives H, which steps can refine.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Quadratic {
    pub(super) order: usize,
    pub(super) hessian: Hessian,
}

#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(super) enum Hessian {
    /// Row by row, both triangles.
    Matrix(Vec<f64>),
    LowRank(LowRank),
}

impl Quadratic {
    /// Takes the lower triangle, row by row.
    pub(crate) fn new(mut matrix: Vec<f64>, order: usize) -> Self {
        for j in 0..order {
            for k in 0..j {
                matrix[k * order + j] = matrix[j * order + k];
            }
        }
        Self { order, hessian: Hessian::Matrix(matrix) }
    }

    /// A diagonal matrix, until steps add squares.
    pub(crate) fn separate(diagonal: Vec<f64>) -> Self {
        Self { order: diagonal.len(), hessian: Hessian::LowRank(LowRank::new(diagonal)) }
    }

    /// Whether this is a finite matrix of the given order.
    pub(crate) fn is_sound(&self, order: usize) -> bool {
        let matrix = match &self.hessian {
            Hessian::Matrix(matrix) => all_sound([&matrix[..]], order * order),
            Hessian::LowRank(_) => false,
        };
        matrix && self.order == order
    }

    pub(super) fn diagonal(&self, j: usize) -> f64 {
        match &self.hessian {
            Hessian::Matrix(matrix) => matrix[j * self.order + j],
            Hessian::LowRank(squares) => squares.diagonal(j),
        }
    }

    pub(crate) fn product(&self, v: &[f64]) -> Vec<f64> {
        match &self.hessian {
            Hessian::Matrix(matrix) => {
                matrix.chunks(self.order.max(1)).map(|row| dot(row, v)).collect()
            }
            Hessian::LowRank(squares) => squares.product(v),
        }
    }

    /// Makes the matrix map a step to the change of the gradient seen along it: the BFGS update
    /// (Nocedal and Wright, *Numerical Optimization*, 2nd ed. 2006, section 6.1).
    ///
    /// A step without positive curvature beyond the rounding `epsilon` changes nothing.
    pub(crate) fn learn(&mut self, step: &[f64], change: &[f64], epsilon: f64) {
        let seen = dot(step, change);
        let product = self.product(step);
        let expected = dot(step, &product);
        let size = (dot(step, step) * dot(change, change)).sqrt();
        if seen <= epsilon * size || expected <= 0.0 {
            return;
        }
        self.add_square(-1.0 / expected, product);
        self.add_square(1.0 / seen, change.to_vec());
    }

    fn add_square(&mut self, factor: f64, u: Vec<f64>) {
        match &mut self.hessian {
            Hessian::Matrix(matrix) => {
                for (row, element) in matrix.chunks_mut(self.order.max(1)).zip(&u) {
                    add_multiple(row, factor * element, &u);
                }
            }
            Hessian::LowRank(squares) => squares.add_square(factor, u),
        }
    }

    /// The second derivatives with respect to some coordinates, factored.
    pub(super) fn factored(&self, free: &[usize]) -> Factored {
        match &self.hessian {
            Hessian::Matrix(matrix) => {
                let rows = free.iter().map(|j| &matrix[j * self.order..][..self.order]);
                let part = rows.flat_map(|row| free.iter().map(|&k| row[k])).collect();
                Factored::Matrix(Cholesky::new(part, free.len()))
            }
            Hessian::LowRank(squares) => Factored::LowRank(squares.part(free)),
        }
    }

    /// The directions among some coordinates along which the slope does not change. There is one
    /// for each column that depends on others.
    pub(super) fn flat_directions(&self, free: &[usize], factored: &Factored) -> Vec<Vec<f64>> {
        let (Hessian::Matrix(matrix), Factored::Matrix(factor)) = (&self.hessian, factored) else {
            return Vec::new();
        };
        let direction = |k: usize| {
            let row = &matrix[free[k] * self.order..][..self.order];
            let mut direction: Vec<f64> = free.iter().map(|&j| -row[j]).collect();
            factor.solve(&mut direction);
            direction[k] = 1.0;
            direction
        };
        factor.left_out().map(direction).collect()
    }

    /// The expectation of `eᵀ·H⁻¹·e` over some coordinates, for errors e of the mean squares given.
    pub(crate) fn expected_decrement(&self, of: &[usize], squares: &[f64]) -> f64 {
        let Factored::Matrix(factor) = self.factored(of) else { return f64::INFINITY };
        let squares: Vec<f64> = of.iter().map(|&j| squares[j]).collect();
        factor.expected_decrement(&squares)
    }
}

/// Factored second derivatives with respect to some coordinates.
pub(super) enum Factored {
    Matrix(Cholesky),
    LowRank(LowRank),
}

impl Factored {
    pub(super) fn solve(&self, b: &[f64]) -> Vec<f64> {
        match self {
            Factored::Matrix(factor) => {
                let mut solution = b.to_vec();
                factor.solve(&mut solution);
                solution
            }
            Factored::LowRank(squares) => squares.solve(b),
        }
    }
}
