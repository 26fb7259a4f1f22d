//! The Cholesky factor of a small positive semidefinite matrix.

use crate::dense::add_square_dots;
use crate::quadratic::{add_multiple, dot};

/// The factor of `A = L·Lᵀ`, where rows and columns that depend on earlier ones are left out.
///
/// Column by column (Golub and Van Loan, *Matrix Computations*, 4th ed. 2013, section 4.2.5). A
/// pivot that is mere rounding beside its diagonal element marks a dependent column; the solution
/// is then that of the system without it, and 0 there.
#[derive(Clone, Debug)]
pub(crate) struct Cholesky {
    order: usize,
    /// Row by row; the diagonal is 0 where a column is left out.
    factor: Vec<f64>,
}

/// What is left of a diagonal element, relative to it, when nothing but rounding is.
const NOTHING: f64 = 1e-13;

impl Cholesky {
    /// Factors the matrix of which the lower triangle is given, row by row.
    pub(crate) fn new(mut matrix: Vec<f64>, order: usize) -> Self {
        let (mut row, mut products) = (vec![0.0; order], vec![0.0; order]);
        for j in 0..order {
            let (row, products) = (&mut row[..j], &mut products[j..]);
            row.copy_from_slice(&matrix[j * order..][..j]);
            products.fill(0.0);
            add_square_dots(&matrix, order, j, row, products);
            let diagonal = matrix[j * order + j];
            let pivot = diagonal - products[0];
            let root = if pivot > NOTHING * diagonal { pivot.sqrt() } else { 0.0 };
            matrix[j * order + j] = root;
            for (i, product) in (j + 1..order).zip(&products[1..]) {
                let element = &mut matrix[i * order + j];
                *element = if root > 0.0 { (*element - product) / root } else { 0.0 };
            }
        }
        Self { order, factor: matrix }
    }

    fn row(&self, j: usize) -> (&[f64], f64) {
        let row = &self.factor[j * self.order..][..=j];
        (&row[..j], row[j])
    }

    /// The rows and columns that are left out.
    pub(crate) fn left_out(&self) -> impl Iterator<Item = usize> {
        (0..self.order).filter(|&j| self.row(j).1 == 0.0)
    }

    /// Replaces `b` by the solution of `A·x = b`.
    pub(crate) fn solve(&self, b: &mut [f64]) {
        for j in 0..self.order {
            let (row, root) = self.row(j);
            b[j] = if root > 0.0 { (b[j] - dot(row, &b[..j])) / root } else { 0.0 };
        }
        for j in (0..self.order).rev() {
            let (row, root) = self.row(j);
            if root > 0.0 {
                b[j] /= root;
            }
            let (rest, last) = b.split_at_mut(j);
            add_multiple(rest, -last[0], row);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The product of a matrix, by rows, with its transpose.
    fn square(rows: &[Vec<f64>]) -> Vec<f64> {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        rows.iter().flat_map(|a| rows.iter().map(|b| dot(a, b)).collect::<Vec<_>>()).collect()
    }

    proptest! {
        #[test]
        fn a_solution_satisfies_the_system(
            rows in (1usize..20).prop_flat_map(|n| {
                prop::collection::vec(prop::collection::vec(-1.0..1.0f64, n + 5), n)
            }),
            repeated in any::<prop::sample::Index>(),
        ) {
            let mut rows = rows;
            // The last row depends on another one.
            rows.push(rows[repeated.index(rows.len())].iter().map(|x| -2.0 * x).collect());
            let n = rows.len();
            let a = square(&rows);
            let exact: Vec<f64> = (0..n).map(|i| 1.0 + i as f64).collect();
            let mut b: Vec<f64> =
                a.chunks(n).map(|row| row.iter().zip(&exact).map(|(a, x)| a * x).sum()).collect();
            let given = b.clone();
            Cholesky::new(a.clone(), n).solve(&mut b);
            prop_assert_eq!(b[n - 1], 0.0);
            let size = given.iter().fold(1.0f64, |max, b| max.max(b.abs()));
            for (row, given) in a.chunks(n).zip(given) {
                let product: f64 = row.iter().zip(&b).map(|(a, x)| a * x).sum();
                prop_assert!((product - given).abs() <= 1e-6 * size, "{product} for {given}");
            }
        }
    }
}
