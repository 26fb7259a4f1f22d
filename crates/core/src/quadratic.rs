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
//! factorisation gives at once, or to the first coordinate that would change its sign.

use crate::checkpoint::all_sound;
use crate::cholesky::Cholesky;
use crate::squares::Squares;

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

/// So many sweeps over coordinates that are not zero come between steps with fixed signs.
const SWEEPS: usize = 4;
/// So many of these at most: where signs go on changing, another model is worth more than the exact
/// minimum of this one.
const STEPS: usize = 64;
/// A sweep that gains less than this share of all that was gained is the last.
const SHARE: f64 = 1e-12;
/// A diagonal element smaller than this share of the largest is rounding: the column is constant.
const NOTHING: f64 = 1e-14;

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

    fn product(&self, v: &[f64]) -> Vec<f64> {
        match &self.hessian {
            Hessian::Matrix(matrix) => matrix.chunks(self.order).map(|row| dot(row, v)).collect(),
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
                for (row, element) in matrix.chunks_mut(self.order).zip(&u) {
                    add_multiple(row, factor * element, &u);
                }
            }
            Hessian::Squares(squares) => squares.add_square(factor, u),
        }
    }

    /// The solution of `H·x = b` among some coordinates.
    fn solve(&self, free: &[usize], b: &[f64]) -> Vec<f64> {
        match &self.hessian {
            Hessian::Matrix(matrix) => {
                let rows = free.iter().map(|j| &matrix[j * self.order..][..self.order]);
                let part = rows.flat_map(|row| free.iter().map(|&k| row[k])).collect();
                let mut solution = b.to_vec();
                Cholesky::new(part, free.len()).solve(&mut solution);
                solution
            }
            Hessian::Squares(squares) => squares.part(free).solve(b),
        }
    }

    /// The minimum of q, given the gradient at `from` of all but the absolute values.
    pub(crate) fn minimum(&self, gradient: &[f64], from: &[f64], l1: &[f64]) -> Vec<f64> {
        let largest = (0..self.order).map(|j| self.diagonal(j)).fold(0.0, f64::max);
        let squares = match &self.hessian {
            Hessian::Matrix(_) => 0,
            Hessian::Squares(squares) => squares.len(),
        };
        let mut descent = Descent {
            quadratic: self,
            l1,
            flat: NOTHING * largest,
            v: from.to_vec(),
            slope: gradient.to_vec(),
            products: vec![0.0; squares],
            gained: 0.0,
        };
        let mut steps = 0;
        while steps < STEPS && !descent.sweep(false) {
            let mut signs_change = true;
            while signs_change && steps < STEPS {
                let _nothing_gained = (0..SWEEPS).any(|_| descent.sweep(true));
                signs_change = descent.step_with_signs();
                steps += 1;
            }
        }
        descent.v
    }
}

/// The state of one minimisation.
struct Descent<'a> {
    quadratic: &'a Quadratic,
    l1: &'a [f64],
    /// Diagonal elements up to this are rounding.
    flat: f64,
    v: Vec<f64>,
    /// The gradient at `v` of all but the absolute values; without what `products` adds.
    slope: Vec<f64>,
    /// What coordinates moved one by one come to with each square of the matrix.
    products: Vec<f64>,
    /// The sum of what the sweeps have gained.
    gained: f64,
}

impl Descent<'_> {
    /// Moves every coordinate, or every one that is not zero, to its own minimum; whether that
    /// gained nothing to speak of.
    fn sweep(&mut self, support: bool) -> bool {
        let mut gained = 0.0;
        for j in 0..self.v.len() {
            if !support || self.is_free(j) {
                gained += self.minimize(j);
            }
        }
        self.gained += gained;
        gained <= SHARE * self.gained
    }

    fn is_free(&self, j: usize) -> bool {
        self.v[j] != 0.0 || self.l1[j] == 0.0
    }

    fn minimize(&mut self, j: usize) -> f64 {
        let (curvature, before) = (self.quadratic.diagonal(j), self.v[j]);
        let after = if curvature > self.flat {
            shrunk(curvature * before - self.slope(j), self.l1[j]) / curvature
        } else {
            0.0
        };
        if after == before {
            return 0.0;
        }
        self.place(j, after);
        curvature * (after - before).powi(2) / 2.0
    }

    fn slope(&self, j: usize) -> f64 {
        match &self.quadratic.hessian {
            Hessian::Matrix(_) => self.slope[j],
            Hessian::Squares(squares) => self.slope[j] + squares.element(j, &self.products),
        }
    }

    /// Moves one coordinate.
    fn place(&mut self, j: usize, to: f64) {
        let by = to - std::mem::replace(&mut self.v[j], to);
        match &self.quadratic.hessian {
            Hessian::Matrix(matrix) => {
                let order = self.v.len();
                add_multiple(&mut self.slope, by, &matrix[j * order..][..order]);
            }
            Hessian::Squares(squares) => {
                squares.add_element(j, by, &mut self.slope, &mut self.products);
            }
        }
    }

    /// Steps to the minimum among points of the same signs, or to where the first coordinate
    /// becomes 0, or to where all do that would change their sign, if that is lower; whether any did.
    fn step_with_signs(&mut self) -> bool {
        let free: Vec<usize> = (0..self.v.len()).filter(|&j| self.is_free(j)).collect();
        let sign = |j: usize| if self.l1[j] > 0.0 { self.v[j].signum() } else { 0.0 };
        let downhill: Vec<f64> =
            free.iter().map(|&j| -self.slope(j) - self.l1[j] * sign(j)).collect();
        let solution = self.quadratic.solve(&free, &downhill);
        let spread = |values: &[f64]| {
            let mut all = vec![0.0; self.v.len()];
            free.iter().zip(values).for_each(|(&j, &value)| all[j] = value);
            all
        };
        let (step, downhill) = (spread(&solution), spread(&downhill));
        let change = self.quadratic.product(&step);
        let (slope, curvature) = (dot(&downhill, &step), dot(&step, &change));
        // 1 but for rounding, which matters where the matrix is nearly singular.
        let best = slope / curvature;
        if !(best.is_finite() && best > 0.0) {
            return false;
        }
        let reach = |j: usize| -self.v[j] / step[j];
        let crosses = |&j: &usize| self.l1[j] > 0.0 && reach(j) > 0.0 && reach(j) <= best;
        let crossing: Vec<usize> = free.into_iter().filter(crosses).collect();
        let Some(&first) = crossing.iter().min_by(|&&a, &&b| reach(a).total_cmp(&reach(b))) else {
            self.add(best, &step, &change);
            return false;
        };
        let length = reach(first);
        let mut clipped: Vec<f64> = step.iter().map(|by| best * by).collect();
        crossing.iter().for_each(|&j| clipped[j] = -self.v[j]);
        let product = self.quadratic.product(&clipped);
        let gain = dot(&downhill, &clipped) - dot(&clipped, &product) / 2.0;
        if gain > length * (slope - length * curvature / 2.0) {
            self.add(1.0, &clipped, &product);
            crossing.into_iter().for_each(|j| self.place(j, 0.0));
        } else {
            self.add(length, &step, &change);
            self.place(first, 0.0);
        }
        true
    }

    fn add(&mut self, length: f64, step: &[f64], change: &[f64]) {
        add_multiple(&mut self.v, length, step);
        add_multiple(&mut self.slope, length, change);
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

    proptest! {
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
            let minimum = quadratic.minimum(&gradient, &from, &l1);
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
