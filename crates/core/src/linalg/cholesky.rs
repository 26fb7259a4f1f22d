//! The Cholesky factor of a small positive semidefinite matrix.

use std::ops::Range;

use crate::linalg::vectors::{add_multiple, dot};
use crate::numbers::products::add_square_dots;

/// The factor L of `A = L·Lᵀ`, without the rows and columns that depend on earlier ones.
///
/// It is computed in panels of columns (Golub and Van Loan, *Matrix Computations*, 4th ed. 2013,
/// section 4.2). A pivot that may be mere rounding marks a dependent column. A system is then
/// solved without that column, and the solution is 0 there.
#[derive(Clone, Debug)]
pub(crate) struct Cholesky {
    order: usize,
    /// Row by row; the diagonal is 0 where a column is left out.
    factor: Vec<f64>,
}

/// The number of columns that are factored at once, and of rows that are multiplied at once.
const PANEL: usize = 32;
/// The rounding error of a diagonal element, as a share of the element.
const PIVOT_ROUNDING: f64 = 1e-13;
/// A pivot above this share of its diagonal element is not rounding.
const SAFE_PIVOT: f64 = 1e-6;

/// A pivot that is about to enter the factor.
pub(crate) struct Pivot<'a> {
    pub(crate) column: usize,
    pub(crate) value: f64,
    factor: &'a [f64],
    order: usize,
    row: &'a [f64],
}

impl Pivot<'_> {
    /// The combination of the earlier columns that is nearest to this one.
    pub(crate) fn combination(&self) -> Vec<f64> {
        let mut combination = self.row.to_vec();
        solve_transposed(self.factor, self.order, &mut combination);
        combination
    }

    /// `Σ xⱼ² dⱼ` for the difference x of the column and its combination. The pivot is `xᵀ·A·x`, so
    /// its error from rounding in A grows with this sum.
    pub(crate) fn weighted_square(&self, diagonal: &[f64]) -> f64 {
        let earlier = self.combination().into_iter().zip(diagonal);
        earlier.map(|(x, d)| x * x * d).sum::<f64>() + diagonal[self.column]
    }
}

impl Cholesky {
    /// Factors a matrix, given its lower triangle row by row.
    pub(crate) fn new(matrix: Vec<f64>, order: usize) -> Self {
        let diagonal: Vec<f64> = (0..order).map(|j| matrix[j * order + j]).collect();
        Self::with_pivots(matrix, order, |pivot| {
            let stays = pivot.value > SAFE_PIVOT * diagonal[pivot.column]
                || pivot.value > PIVOT_ROUNDING * pivot.weighted_square(&diagonal);
            if stays { pivot.value } else { 0.0 }
        })
    }

    /// Factors a matrix with the pivots that `accept` returns for those found. 0 leaves a column
    /// out.
    pub(crate) fn with_pivots(
        mut matrix: Vec<f64>,
        order: usize,
        mut accept: impl FnMut(&Pivot<'_>) -> f64,
    ) -> Self {
        for start in (0..order).step_by(PANEL) {
            let panel = start..order.min(start + PANEL);
            subtract_products(&mut matrix, order, panel.clone());
            for j in panel {
                let row = matrix[j * order..][..j].to_vec();
                let mut products = vec![0.0; order - j];
                add_square_dots(&matrix, order, j..order, start..j, &row[start..], &mut products);
                let value = matrix[j * order + j] - products[0];
                let root =
                    accept(&Pivot { column: j, value, factor: &matrix, order, row: &row }).sqrt();
                matrix[j * order + j] = root;
                for (i, product) in (j + 1..order).zip(&products[1..]) {
                    let element = &mut matrix[i * order + j];
                    *element = if root > 0.0 { (*element - product) / root } else { 0.0 };
                }
            }
        }
        Self { order, factor: matrix }
    }

    /// Leaves a column out after all.
    pub(crate) fn leave_out(&mut self, column: usize) {
        self.factor[column * self.order..][..=column].fill(0.0);
        self.factor.iter_mut().skip(column).step_by(self.order).for_each(|element| *element = 0.0);
    }

    pub(crate) fn order(&self) -> usize {
        self.order
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
        self.solve_lower(b);
        self.solve_upper(b);
    }

    /// Replaces `b` by the solution of `L·x = b`.
    pub(crate) fn solve_lower(&self, b: &mut [f64]) {
        self.solve_lower_from(0, b);
    }

    /// Replaces `b` by the solution of `L·x = b`, if the first numbers of `b` are 0.
    pub(crate) fn solve_lower_from(&self, first: usize, b: &mut [f64]) {
        for j in first..self.order {
            let (row, root) = self.row(j);
            let product = dot(&row[first..], &b[first..j]);
            b[j] = if root > 0.0 { (b[j] - product) / root } else { 0.0 };
        }
    }

    /// The logarithm of the determinant of A without the rows and columns left out.
    pub(crate) fn log_determinant(&self) -> f64 {
        let roots = (0..self.order).map(|j| self.row(j).1).filter(|root| *root > 0.0);
        2.0 * roots.map(f64::ln).sum::<f64>()
    }

    /// The expectation of `eᵀ·A⁻¹·e`, `Σⱼ sⱼ (A⁻¹)ⱼⱼ`, for independent errors e of mean squares s.
    pub(crate) fn expected_decrement(&self, squares: &[f64]) -> f64 {
        expected_decrement(std::iter::once(self), squares)
    }

    /// Replaces `b` by the solution of `Lᵀ·x = b`.
    pub(crate) fn solve_upper(&self, b: &mut [f64]) {
        solve_transposed(&self.factor, self.order, &mut b[..self.order]);
    }
}

/// Subtracts products of rows from the elements of a panel, from its diagonal down. For an element
/// these rows are its own and that of its column, over the columns before the panel. A few rows at
/// a time stay in cache.
fn subtract_products(matrix: &mut [f64], order: usize, panel: Range<usize>) {
    let start = panel.start;
    let of_panel: Vec<f64> =
        panel.clone().flat_map(|j| &matrix[j * order..][..start]).copied().collect();
    for first in (start..order).step_by(PANEL) {
        let rows = first..order.min(first + PANEL);
        for (j, row) in panel.clone().zip(of_panel.chunks(start.max(1))) {
            let mut products = [0.0; PANEL];
            let products = &mut products[..rows.len()];
            add_square_dots(matrix, order, rows.clone(), 0..start, row, products);
            for (i, product) in rows.clone().zip(products) {
                matrix[i * order + j] -= *product;
            }
        }
    }
}

/// Replaces `b` by the solution of `Lᵀ·x = b`, with as many leading rows and columns as `b` has.
fn solve_transposed(factor: &[f64], order: usize, b: &mut [f64]) {
    for j in (0..b.len()).rev() {
        let row = &factor[j * order..][..=j];
        if row[j] > 0.0 {
            b[j] /= row[j];
        }
        let (rest, last) = b.split_at_mut(j);
        add_multiple(rest, -last[0], &row[..j]);
    }
}

/// [`Cholesky::expected_decrement`] for a product of factors, the outermost first.
pub(crate) fn expected_decrement<'f>(
    factors: impl Iterator<Item = &'f Cholesky> + Clone,
    squares: &[f64],
) -> f64 {
    let mut column = vec![0.0; squares.len()];
    let of_unit = |(j, square): (usize, &f64)| {
        // A column of the inverse factor; its first j numbers are 0.
        column.fill(0.0);
        column[j] = 1.0;
        factors.clone().for_each(|factor| factor.solve_lower_from(j, &mut column));
        square * dot(&column, &column)
    };
    squares.iter().enumerate().map(of_unit).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The product of a matrix, given by its rows, with its transpose.
    fn square(rows: &[Vec<f64>]) -> Vec<f64> {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        rows.iter().flat_map(|a| rows.iter().map(|b| dot(a, b)).collect::<Vec<_>>()).collect()
    }

    logit_properties::properties! {
        #[test]
        fn a_solution_satisfies_the_system(
            rows in (1usize..80).prop_flat_map(|n| {
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

        #[test]
        fn of_dependent_columns_one_is_left_out(
            rows in (2usize..9).prop_flat_map(|n| {
                let row = (prop::collection::vec(-1.0..1.0f64, n), -2.0..0.0f64);
                prop::collection::vec(row, n + 2..40)
            }),
            size in -2.0..0.0f64,
        ) {
            // A small difference of large columns, in rows of weights far apart.
            let weight = |(row, weight): &(Vec<f64>, f64), j: usize| row[j] * 10f64.powf(*weight);
            let mut columns: Vec<Vec<f64>> = (0..rows[0].0.len())
                .map(|j| rows.iter().map(|row| weight(row, j)).collect())
                .collect();
            let small: Vec<f64> = columns[0].iter().map(|x| x * 10f64.powf(size)).collect();
            columns[0] = (0..rows.len())
                .map(|i| small[i] + columns[1..].iter().map(|column| column[i]).sum::<f64>())
                .collect();
            columns.push(small);
            let factor = Cholesky::new(square(&columns), columns.len());
            prop_assert!(factor.left_out().next().is_some());
        }
    }
}
