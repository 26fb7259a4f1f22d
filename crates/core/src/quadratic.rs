//! A convex quadratic plus absolute values, and its minimum: the model that a step of
//! [`ProximalNewton`](crate::ProximalNewton) is taken from.
//!
//! ```text
//! q(v) = g·(v - v₀) + (v - v₀)ᵀ H (v - v₀) / 2  +  Σⱼ λⱼ |vⱼ|
//! ```
//!
//! Coordinate descent finds which coordinates are zero and the signs of the others (Friedman,
//! Hastie and Tibshirani, *Regularization paths for generalized linear models via coordinate
//! descent*, 2010, section 2.1, "covariance updates"). It creeps where columns are correlated, so
//! every few sweeps a step goes to the minimum of the quadratic with those signs, which a
//! factorisation gives at once, or to the first coordinate that would change its sign. Where columns
//! depend on each other, nothing but the L1 term changes along some directions, and on straight
//! lines: there a step goes to the first coordinate that becomes 0.

mod descent;

use crate::checkpoint::all_sound;
use crate::cholesky::Cholesky;
use crate::squares::Squares;
use descent::Descent;

/// The second derivatives H, of which steps can tell more.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Quadratic {
    order: usize,
    hessian: Hessian,
}

#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
enum Hessian {
    /// Row by row, both triangles.
    Matrix(Vec<f64>),
    Squares(Squares),
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

    /// Nothing but a diagonal, as long as no step tells more.
    pub(crate) fn separate(diagonal: Vec<f64>) -> Self {
        Self { order: diagonal.len(), hessian: Hessian::Squares(Squares::new(diagonal)) }
    }

    /// Whether this is a matrix of so many coordinates, and finite.
    pub(crate) fn is_sound(&self, order: usize) -> bool {
        let matrix = match &self.hessian {
            Hessian::Matrix(matrix) => all_sound([&matrix[..]], order * order),
            Hessian::Squares(_) => false,
        };
        matrix && self.order == order
    }

    fn diagonal(&self, j: usize) -> f64 {
        match &self.hessian {
            Hessian::Matrix(matrix) => matrix[j * self.order + j],
            Hessian::Squares(squares) => squares.diagonal(j),
        }
    }

    pub(crate) fn product(&self, v: &[f64]) -> Vec<f64> {
        match &self.hessian {
            Hessian::Matrix(matrix) => {
                matrix.chunks(self.order.max(1)).map(|row| dot(row, v)).collect()
            }
            Hessian::Squares(squares) => squares.product(v),
        }
    }

    /// Makes the matrix map a step to the change of the gradient seen along it: the BFGS update
    /// (Nocedal and Wright, *Numerical Optimization*, 2nd ed. 2006, section 6.1).
    ///
    /// Without positive curvature beyond the rounding `epsilon` the step teaches nothing.
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
            Hessian::Squares(squares) => squares.add_square(factor, u),
        }
    }

    /// The second derivatives by some coordinates, ready to solve with.
    fn factored(&self, free: &[usize]) -> Factored {
        match &self.hessian {
            Hessian::Matrix(matrix) => {
                let rows = free.iter().map(|j| &matrix[j * self.order..][..self.order]);
                let part = rows.flat_map(|row| free.iter().map(|&k| row[k])).collect();
                Factored::Matrix(Cholesky::new(part, free.len()))
            }
            Hessian::Squares(squares) => Factored::Squares(squares.part(free)),
        }
    }

    /// The directions among some coordinates along which the slope does not change: one for each
    /// column that depends on others.
    fn flat_directions(&self, free: &[usize], factored: &Factored) -> Vec<Vec<f64>> {
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

    /// The minimum of q, given the gradient at `from` of all but the absolute values, and whether it
    /// was found: where signs go on changing, it is a point on the way there. What gains no more than
    /// `negligible` is no way.
    pub(crate) fn minimum(
        &self,
        gradient: &[f64],
        from: &[f64],
        l1: &[f64],
        negligible: f64,
    ) -> (Vec<f64>, bool) {
        Descent::new(self, gradient, from, l1).run(negligible)
    }

    /// The expectation of `eᵀ·H⁻¹·e` by some coordinates for errors e of such mean squares.
    pub(crate) fn expected_decrement(&self, of: &[usize], squares: &[f64]) -> f64 {
        let Factored::Matrix(factor) = self.factored(of) else { return f64::INFINITY };
        let squares: Vec<f64> = of.iter().map(|&j| squares[j]).collect();
        factor.expected_decrement(&squares)
    }
}

/// Second derivatives by some coordinates.
enum Factored {
    Matrix(Cholesky),
    Squares(Squares),
}

impl Factored {
    fn solve(&self, b: &[f64]) -> Vec<f64> {
        match self {
            Factored::Matrix(factor) => {
                let mut solution = b.to_vec();
                factor.solve(&mut solution);
                solution
            }
            Factored::Squares(squares) => squares.solve(b),
        }
    }
}

/// The minimum of `(u - value)² / 2 + by · |u|`: the value nearer to 0, or 0.
pub(crate) fn shrunk(value: f64, by: f64) -> f64 {
    value - value.clamp(-by, by)
}

/// By eight partial sums.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let mut sums = [0.0; 8];
    for (a, b) in a.iter().zip(b) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

pub(crate) fn add_multiple(to: &mut [f64], factor: f64, from: &[f64]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += factor * from);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A positive semidefinite matrix from rows that may be dependent, its lower triangle only.
    fn quadratic(rows: &[Vec<f64>], ridge: f64) -> Quadratic {
        let order = rows.len();
        let element =
            |j: usize, k: usize| dot(&rows[j], &rows[k]) + if j == k { ridge } else { 0.0 };
        let lower = |at: usize| {
            let (j, k) = (at / order, at % order);
            if k <= j { element(j, k) } else { f64::NAN }
        };
        Quadratic::new((0..order * order).map(lower).collect(), order)
    }

    logit_conformance::properties! {
        #[test]
        fn the_minimum_has_the_slopes_of_a_minimum(
            rows in (1usize..15, 1usize..10).prop_flat_map(|(order, rank)| {
                prop::collection::vec(prop::collection::vec(-1.0..1.0f64, rank), order)
            }),
            common in prop_oneof![Just(0.0), Just(100.0)],
            // Without a ridge the gradient may lie outside the range, but L1 bounds the minimum.
            ridge in prop_oneof![Just(1e-6), 1e-3..1.0f64],
            strength in 0.0..2.0f64,
            seed in prop::collection::vec((-1.0..1.0f64, -2.0..2.0f64), 15),
        ) {
            // Strongly correlated coordinates, where some large number is common to all.
            let rows: Vec<Vec<f64>> = rows
                .into_iter()
                .map(|row| row.into_iter().map(|x| (x + common) / (1.0 + common)).collect())
                .collect();
            let order = rows.len();
            let quadratic = quadratic(&rows, ridge);
            let (gradient, from): (Vec<f64>, Vec<f64>) = seed[..order].iter().copied().unzip();
            let mut l1 = vec![strength; order];
            l1[order - 1] = 0.0;
            let (minimum, _) = quadratic.minimum(&gradient, &from, &l1, 0.0);
            let moved: Vec<f64> = minimum.iter().zip(&from).map(|(a, b)| a - b).collect();
            let slope = quadratic.product(&moved);
            let size = 4.0 + minimum.iter().fold(0.0f64, |max, v| max.max(v.abs()));
            for j in 0..order {
                let slope = slope[j] + gradient[j];
                let wrong = match minimum[j] == 0.0 {
                    true => slope.abs() - l1[j],
                    false => (slope + l1[j] * minimum[j].signum()).abs(),
                };
                prop_assert!(wrong <= 1e-6 * size, "slope {slope} of {} at {j}", minimum[j]);
            }
        }

        /// Where columns depend on each other, the shares of each follow from the L1 term alone.
        #[test]
        fn of_dependent_coordinates_those_of_the_least_penalty_are_not_zero(
            rows in (2usize..8).prop_flat_map(|order| {
                prop::collection::vec(prop::collection::vec(-1.0..1.0f64, 12), order)
            }),
            seed in prop::collection::vec((-2.0..2.0f64, -2.0..2.0f64, 0.5..1.0f64), 10),
            multiple in prop_oneof![-3.0..-0.3f64, 0.3..3.0f64],
            strength in -8.0..0.0f64,
        ) {
            let mut rows = rows;
            let multiplied = |row: &Vec<f64>| row.iter().map(|x| multiple * x).collect();
            rows.push(multiplied(&rows[0]));
            rows.push(rows[0].iter().zip(&rows[1]).map(|(a, b)| a + b).collect());
            let quadratic = quadratic(&rows, 0.0);
            let seed = &seed[..rows.len()];
            let (to, from): (Vec<f64>, Vec<f64>) = seed.iter().map(|seed| (seed.0, seed.1)).unzip();
            let gradient = quadratic.product(&to);
            let l1: Vec<f64> = seed.iter().map(|seed| 10f64.powf(strength) * seed.2).collect();
            let (minimum, _) = quadratic.minimum(&gradient, &from, &l1, 0.0);
            let moved: Vec<f64> = minimum.iter().zip(&from).map(|(a, b)| a - b).collect();
            for (j, by) in quadratic.product(&moved).into_iter().enumerate() {
                let slope = gradient[j] + by;
                let wrong = match minimum[j] == 0.0 {
                    true => slope.abs() - l1[j],
                    false => (slope + l1[j] * minimum[j].signum()).abs(),
                };
                let rounding = 1e-13 * quadratic.diagonal(j).max(1.0);
                prop_assert!(wrong <= 1e-6 * l1[j] + rounding, "{slope} of {} at {j}", minimum[j]);
            }
        }

        #[test]
        fn what_was_learnt_maps_the_step_to_the_change(
            rows in prop::collection::vec(prop::collection::vec(-1.0..1.0f64, 6), 6),
            step in prop::collection::vec(-1.0..1.0f64, 6),
        ) {
            let mut learning = quadratic(&rows, 0.1);
            let mut change = learning.product(&step);
            add_multiple(&mut change, 0.5, &step);
            learning.learn(&step, &change, 1e-16);
            for (got, want) in learning.product(&step).iter().zip(&change) {
                prop_assert!((got - want).abs() <= 1e-9, "{got} for {want}");
            }
        }
    }
}
