//! A factor of second derivatives that tells nearly dependent columns from dependent ones.
//!
//! A Gram matrix `AᵀA` has the square of the condition number of A. In `f64`, its pivots are
//! rounding from a condition number of 1e7 on. So a pivot that is too small to be trusted is
//! replaced by a larger one. The Gram matrix is then summed again over the rows of `A·L⁻ᵀ`, which
//! is nearly orthonormal. Its factor M corrects the errors of the first one: `AᵀA = (L·M)(L·M)ᵀ`,
//! with the condition number of A alone (Fukaya and others, *Shifted Cholesky QR for computing the
//! QR factorization of ill-conditioned matrices*, 2020).

use crate::linalg::cholesky::{Cholesky, Pivot, expected_decrement};
use crate::linalg::vectors::add_multiple;

/// The factor of `A = L·M·(L·M)ᵀ`, without the columns that depend on earlier ones.
#[derive(Clone, Debug)]
pub(crate) struct Factor {
    first: Cholesky,
    /// M; `None` where the first factor is good enough.
    second: Option<Cholesky>,
    dependent: Vec<Dependent>,
}

/// A column that is left out: up to the rounding of its elements, it is a combination of earlier
/// ones.
#[derive(Clone, Debug)]
struct Dependent {
    column: usize,
    combination: Vec<f64>,
}

/// The rounding error of an element of a Gram matrix, as a share of the element.
const GRAM_ROUNDING: f64 = 1e-13;
/// The rounding error of the rows times the inverse of the first factor, as a share of the numbers
/// that they are computed from.
const SOLVE_ROUNDING: f64 = 64.0 * f64::EPSILON;
/// A pivot above this multiple of its rounding error has enough digits.
const TRUSTED: f64 = 1e3;
/// A pivot above this share of its diagonal element is trusted without a closer look.
const SAFE_PIVOT: f64 = 1e-6;

/// A pivot that the second factor will decide on.
struct Doubtful {
    column: usize,
    /// The larger pivot that replaced it.
    shifted: f64,
    /// The rounding error that it must exceed.
    rounding: f64,
    combination: Vec<f64>,
}

impl Factor {
    /// Factors a Gram matrix, given its lower triangle row by row.
    ///
    /// `rounding` holds the mean square of the rounding of each column's elements. A column that
    /// differs from a combination of others by no more depends on them. `again` sums the Gram
    /// matrix of the rows times the inverse of the transposed factor.
    pub(crate) fn new(
        gram: Vec<f64>,
        rounding: &[f64],
        again: impl FnOnce(&Cholesky) -> Vec<f64>,
    ) -> Self {
        let order = rounding.len();
        let diagonal: Vec<f64> = (0..order).map(|j| gram[j * order + j]).collect();
        let (mut dependent, mut doubtful) = (Vec::new(), Vec::new());
        let mut first = Cholesky::with_pivots(gram, order, |pivot| {
            let Pivot { column, value, .. } = *pivot;
            if value > SAFE_PIVOT * diagonal[column] && value > rounding[column] / SAFE_PIVOT {
                return value;
            }
            let combination = pivot.combination();
            let of_gram = GRAM_ROUNDING * pivot.weighted_square(&diagonal);
            let of_columns = pivot.weighted_square(rounding);
            if value <= TRUSTED * of_gram && of_gram > 0.0 {
                let shifted = value.max(of_gram);
                let of_solve = SOLVE_ROUNDING * SOLVE_ROUNDING / GRAM_ROUNDING * of_gram;
                let rounding = of_columns.max(of_solve);
                doubtful.push(Doubtful { column, shifted, rounding, combination });
                return shifted;
            }
            if value > of_columns {
                return value;
            }
            dependent.push(Dependent { column, combination });
            0.0
        });
        let second = (!doubtful.is_empty()).then(|| {
            let second = second_factor(again(&first), order, doubtful, &mut dependent);
            dependent.iter().for_each(|dependent| first.leave_out(dependent.column));
            second
        });
        Self { first, second, dependent }
    }

    /// Replaces `b` by the solution of `A·x = b`, which is 0 for the columns left out.
    pub(crate) fn solve(&self, b: &mut [f64]) {
        self.first.solve_lower(b);
        if let Some(second) = &self.second {
            second.solve(b);
        }
        self.first.solve_upper(b);
    }

    /// Replaces `b` by the solution of `L·M·x = b`. The product of two such solutions is that of the two
    /// vectors with the inverse between them: `aᵀ·A⁻¹·b`.
    pub(crate) fn whiten(&self, b: &mut [f64]) {
        self.first.solve_lower(b);
        if let Some(second) = &self.second {
            second.solve_lower(b);
        }
    }

    /// Replaces `b` by the solution of `(L·M)ᵀ·x = b`: with [`whiten`](Self::whiten) before it, this is
    /// [`solve`](Self::solve).
    pub(crate) fn unwhiten(&self, b: &mut [f64]) {
        if let Some(second) = &self.second {
            second.solve_upper(b);
        }
        self.first.solve_upper(b);
    }

    /// The logarithm of the determinant of A without the columns left out.
    pub(crate) fn log_determinant(&self) -> f64 {
        let second = self.second.as_ref();
        [Some(&self.first), second].into_iter().flatten().map(Cholesky::log_determinant).sum()
    }

    /// Moves the numbers of the columns left out to the columns that make up for them, which changes
    /// no row times the vector, but for rounding.
    pub(crate) fn replace_left_out(&self, vector: &mut [f64]) {
        for Dependent { column, combination } in &self.dependent {
            let number = std::mem::take(&mut vector[*column]);
            add_multiple(vector, number, combination);
        }
    }

    /// The columns that are left out.
    pub(crate) fn left_out(&self) -> impl Iterator<Item = usize> {
        self.dependent.iter().map(|dependent| dependent.column)
    }

    /// For each column left out, the slope along the column minus its combination of others. That
    /// direction moves no row, up to rounding. The second number is the rounding error of the
    /// slope.
    pub(crate) fn slopes_left_out(&self, gradient: &[f64], rounding: &[f64]) -> Vec<(f64, f64)> {
        let slopes = |Dependent { column, combination }: &Dependent| {
            let terms = combination.iter().zip(gradient).zip(rounding);
            terms.fold((gradient[*column], rounding[*column]), |(slope, size), ((x, g), r)| {
                (slope - x * g, size + (x * r).abs())
            })
        };
        self.dependent.iter().map(slopes).collect()
    }

    /// The expectation of `eᵀ·A⁻¹·e`, `Σⱼ sⱼ (A⁻¹)ⱼⱼ`, for independent errors e of mean squares s.
    pub(crate) fn expected_decrement(&self, squares: &[f64]) -> f64 {
        let second = self.second.as_ref();
        expected_decrement([Some(&self.first), second].into_iter().flatten(), squares)
    }
}

/// Factors the Gram matrix in the coordinates of the first factor. Its pivots tell which of the doubtful
/// columns depend on others.
fn second_factor(
    gram: Vec<f64>,
    order: usize,
    doubtful: Vec<Doubtful>,
    dependent: &mut Vec<Dependent>,
) -> Cholesky {
    let mut doubtful = doubtful.into_iter().peekable();
    Cholesky::with_pivots(gram, order, |pivot| {
        match doubtful.next_if(|doubtful| doubtful.column == pivot.column) {
            Some(doubt) if pivot.value * doubt.shifted <= doubt.rounding => {
                let Doubtful { column, combination, .. } = doubt;
                dependent.push(Dependent { column, combination });
                0.0
            }
            _ => pivot.value.max(0.0),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn gram(rows: &[Vec<f64>]) -> Vec<f64> {
        let order = rows[0].len();
        let element = |j: usize, k: usize| rows.iter().map(|row| row[j] * row[k]).sum::<f64>();
        (0..order * order).map(|at| element(at / order, at % order)).collect()
    }

    fn factored(rows: &[Vec<f64>]) -> Factor {
        let squares =
            (0..rows[0].len()).map(|j| rows.iter().map(|row| row[j].powi(2)).sum::<f64>());
        let rounding: Vec<f64> = squares.map(|sum| (32.0 * f64::EPSILON).powi(2) * sum).collect();
        Factor::new(gram(rows), &rounding, |first| {
            let mut again = rows.to_vec();
            again.iter_mut().for_each(|row| first.solve_lower(row));
            gram(&again)
        })
    }

    /// Rows of independent columns and one more, near a combination of them.
    fn rows(apart: f64) -> impl Strategy<Value = Vec<Vec<f64>>> {
        let row = prop::collection::vec(-1.0..1.0f64, 5);
        prop::collection::vec(row, 12..40).prop_map(move |mut rows| {
            for row in &mut rows {
                row[4] = row[0] - 2.0 * row[1] + apart * row[4];
            }
            rows
        })
    }

    proptest! {
        #[test]
        fn nearly_dependent_columns_are_solved_for(
            (apart, rows) in prop_oneof![Just(1e-3), Just(1e-7), Just(1e-9), Just(1e-11)]
                .prop_flat_map(|apart| (Just(apart), rows(apart))),
            wanted in prop::collection::vec(-1.0..1.0f64, 5),
        ) {
            let factor = factored(&rows);
            prop_assert_eq!(factor.left_out().count(), 0);
            // The solution also has a part along the difference of the last column.
            let far = wanted[4] / apart;
            let wanted = [wanted[0] - far, wanted[1] + 2.0 * far, wanted[2], wanted[3], far];
            let images: Vec<f64> = rows
                .iter()
                .map(|row| wanted[4] * (row[4] - row[0] + 2.0 * row[1])
                    + (wanted[0] + far) * row[0] + (wanted[1] - 2.0 * far) * row[1]
                    + wanted[2] * row[2] + wanted[3] * row[3])
                .collect();
            let mut x: Vec<f64> = (0..5)
                .map(|j| rows.iter().zip(&images).map(|(row, image)| row[j] * image).sum())
                .collect();
            factor.solve(&mut x);
            // The right-hand side is rounded by 1e-16, and the small difference of the columns
            // magnifies that.
            let tolerance = 1e-3 + 1e-14 / apart;
            for (row, image) in rows.iter().zip(&images) {
                let got: f64 = row[4] * x[4]
                    + row.iter().zip(&x).take(4).map(|(a, x)| a * x).sum::<f64>();
                prop_assert!((got - image).abs() <= tolerance * 10.0, "{got} for {image}");
            }
        }

        #[test]
        fn a_column_that_others_give_but_for_rounding_is_left_out(rows in rows(0.0)) {
            let factor = factored(&rows);
            prop_assert_eq!(factor.left_out().collect::<Vec<_>>(), [4]);
            let mut x = vec![1.0; 5];
            factor.solve(&mut x);
            prop_assert_eq!(x[4], 0.0);
            // Along the combination that is 0 in all rows, a gradient of residuals has no slope.
            let gradient: Vec<f64> = (0..5).map(|j| rows.iter().map(|row| row[j]).sum()).collect();
            let slopes = factor.slopes_left_out(&gradient, &[1e-13; 5]);
            prop_assert!(slopes.iter().all(|(slope, rounding)| slope.abs() <= *rounding));
        }

        #[test]
        fn the_expected_decrement_is_the_trace_of_the_inverse(rows in rows(1.0)) {
            let factor = factored(&rows);
            let inverse = |j: usize| {
                let mut unit = vec![0.0; 5];
                unit[j] = 1.0;
                factor.solve(&mut unit);
                unit
            };
            let squares = [1.0, 4.0, 9.0, 0.25, 1.0];
            let expected: f64 = (0..5).map(|j| squares[j] * inverse(j)[j]).sum();
            prop_assert!((factor.expected_decrement(&squares) - expected).abs() <= 1e-9 * expected);
            // And it is the inverse.
            let gram = gram(&rows);
            for j in 0..5 {
                let column = inverse(j);
                for (i, row) in gram.chunks(5).enumerate() {
                    let product: f64 = row.iter().zip(&column).map(|(a, x)| a * x).sum();
                    prop_assert!((product - f64::from(u8::from(i == j))).abs() <= 1e-6);
                }
            }
        }
    }
}
