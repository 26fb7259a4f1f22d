//! The minimum of a convex quadratic plus absolute values: the model for a step of
//! [`ProximalNewton`](crate::ProximalNewton).
//!
//! ```text
//! q(v) = g·(v - v₀) + (v - v₀)ᵀ H (v - v₀) / 2  +  Σⱼ λⱼ |vⱼ|
//! ```
//!
//! Coordinate descent finds which coordinates are zero, and the signs of the others (Friedman,
//! Hastie and Tibshirani, *Regularization paths for generalized linear models via coordinate
//! descent*, 2010, section 2.1, "covariance updates"). It is slow where columns are correlated. So
//! every few sweeps, a factorisation gives the minimum of the quadratic with those signs. A step
//! goes there, or to the first coordinate that would change its sign. Where columns depend on each
//! other, only the L1 term changes along some directions, and it is linear there. A step then goes
//! to the first coordinate that becomes 0.

use crate::linalg::quadratic::{Hessian, Quadratic};
use crate::linalg::vectors::{add_multiple, dot, shrunk};

/// The number of sweeps over the non-zero coordinates before each step with fixed signs.
const SUPPORT_SWEEPS: usize = 4;
/// The largest number of steps with fixed signs. Where signs keep changing, a new model is worth
/// more than the exact minimum of this one.
const MAX_STEPS: usize = 64;
/// A sweep that gains less than this share of all gains is the last, if no coordinate is freed.
const SWEEP_TOLERANCE: f64 = 1e-12;
/// The share of its penalty by which the slope at a zero coordinate must exceed the penalty to free
/// the coordinate.
const SLOPE_TOLERANCE: f64 = 1e-9;
/// A diagonal element below this share of the largest is rounding: the column is constant.
const CONSTANT_TOLERANCE: f64 = 1e-14;
/// A slope along dependent columns below this share of its terms is rounding.
const FLAT_TOLERANCE: f64 = 1e-12;

/// The minimum of a quadratic plus absolute values, and whether it was found. Where signs keep
/// changing, the point is still on the way to the minimum. `gradient` is the gradient of the
/// quadratic alone, at `from`. A sweep that gains no more than `negligible` is the last.
pub(crate) fn minimum(
    quadratic: &Quadratic,
    gradient: &[f64],
    from: &[f64],
    l1: &[f64],
    negligible: f64,
) -> (Vec<f64>, bool) {
    Descent::new(quadratic, gradient, from, l1).run(negligible)
}

/// The state of one minimisation.
struct Descent<'a> {
    quadratic: &'a Quadratic,
    l1: &'a [f64],
    /// Diagonal elements up to this value are rounding.
    flat: f64,
    v: Vec<f64>,
    /// The gradient of the quadratic at `v`, without the part that `products` adds.
    slope: Vec<f64>,
    /// The products of the moves of single coordinates with the squares of the matrix.
    products: Vec<f64>,
    /// The sum of the gains of all sweeps.
    gained: f64,
}

impl<'a> Descent<'a> {
    fn new(quadratic: &'a Quadratic, gradient: &[f64], from: &[f64], l1: &'a [f64]) -> Self {
        let largest = (0..quadratic.order).map(|j| quadratic.diagonal(j)).fold(0.0, f64::max);
        let squares = match &quadratic.hessian {
            Hessian::Matrix(_) => 0,
            Hessian::LowRank(squares) => squares.len(),
        };
        Self {
            quadratic,
            l1,
            flat: CONSTANT_TOLERANCE * largest,
            v: from.to_vec(),
            slope: gradient.to_vec(),
            products: vec![0.0; squares],
            gained: 0.0,
        }
    }

    /// The minimum, and whether it was found.
    fn run(mut self, negligible: f64) -> (Vec<f64>, bool) {
        let mut steps = 0;
        while steps < MAX_STEPS && self.sweep(false, negligible) {
            let mut signs_change = true;
            while signs_change && steps < MAX_STEPS {
                let _still_gains = (0..SUPPORT_SWEEPS).all(|_| self.sweep(true, negligible));
                signs_change = self.step_with_signs();
                steps += 1;
            }
        }
        (self.v, steps < MAX_STEPS)
    }

    /// Moves every coordinate, or every non-zero one, to its own minimum. Returns whether that
    /// gained enough, or freed a coordinate that may let others gain.
    fn sweep(&mut self, support: bool, negligible: f64) -> bool {
        let (mut gained, mut freed) = (0.0, false);
        for j in 0..self.v.len() {
            if !support || self.is_free(j) {
                freed |=
                    !self.is_free(j) && self.slope(j).abs() > (1.0 + SLOPE_TOLERANCE) * self.l1[j];
                gained += self.minimize(j);
            }
        }
        self.gained += gained;
        gained > negligible && (gained > SWEEP_TOLERANCE * self.gained || freed)
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
            Hessian::LowRank(squares) => self.slope[j] + squares.element(j, &self.products),
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
            Hessian::LowRank(squares) => {
                squares.add_element(j, by, &mut self.slope, &mut self.products);
            }
        }
    }

    /// Steps to the minimum among points of the same signs, or to where coordinates become 0 on the
    /// way. Returns whether any did.
    fn step_with_signs(&mut self) -> bool {
        let free: Vec<usize> = (0..self.v.len()).filter(|&j| self.is_free(j)).collect();
        let factored = self.quadratic.factored(&free);
        let downhill = self.downhill(&free);
        if self.step_along(&free, &factored.solve(&downhill), &downhill) {
            return true;
        }
        let flat = self.quadratic.flat_directions(&free, &factored);
        self.go_to_corner(&free, flat)
    }

    /// Steps along directions in which only the L1 term changes, to the first coordinate that
    /// becomes 0. That coordinate stays fixed in later directions. Returns whether any became 0.
    fn go_to_corner(&mut self, free: &[usize], mut flat: Vec<Vec<f64>>) -> bool {
        let mut signs_change = false;
        while let Some(direction) = flat.pop() {
            let downhill = self.downhill(free);
            let size = |(&j, by): (&usize, &f64)| (self.slope(j).abs() + self.l1[j]) * by.abs();
            let terms: f64 = free.iter().zip(&direction).map(size).sum();
            let slope = dot(&downhill, &direction);
            let along: Vec<f64> = direction.iter().map(|by| by * slope.signum()).collect();
            if slope.abs() <= FLAT_TOLERANCE * terms || !self.step_along(free, &along, &downhill) {
                continue;
            }
            signs_change = true;
            let became_zero = |&k: &usize| direction[k] != 0.0 && self.v[free[k]] == 0.0;
            let zeros: Vec<usize> = (0..free.len()).filter(became_zero).collect();
            let [zero] = zeros[..] else { break };
            for other in &mut flat {
                let multiple = -other[zero] / direction[zero];
                add_multiple(other, multiple, &direction);
                other[zero] = 0.0;
            }
        }
        signs_change
    }

    /// Minus the slope of q with respect to the free coordinates, whose signs are fixed.
    fn downhill(&self, free: &[usize]) -> Vec<f64> {
        let sign = |j: usize| if self.l1[j] > 0.0 { self.v[j].signum() } else { 0.0 };
        free.iter().map(|&j| -self.slope(j) - self.l1[j] * sign(j)).collect()
    }

    /// Steps along a direction to the minimum among points of the same signs. If coordinates would
    /// change their sign, the step ends where the first one becomes 0. If setting all of them to 0
    /// is lower, that is done instead. Returns whether any became 0.
    fn step_along(&mut self, free: &[usize], direction: &[f64], downhill: &[f64]) -> bool {
        let spread = |values: &[f64]| {
            let mut all = vec![0.0; self.v.len()];
            free.iter().zip(values).for_each(|(&j, &value)| all[j] = value);
            all
        };
        let (step, downhill) = (spread(direction), spread(downhill));
        let change = self.quadratic.product(&step);
        let (slope, curvature) = (dot(&downhill, &step), dot(&step, &change));
        if !(slope.is_finite() && slope > 0.0) {
            return false;
        }
        // The length is 1 but for rounding, which matters where the matrix is nearly singular.
        let best = if curvature > 0.0 { slope / curvature } else { f64::INFINITY };
        let reach = |j: usize| -self.v[j] / step[j];
        let crosses = |&j: &usize| self.l1[j] > 0.0 && reach(j) > 0.0 && reach(j) <= best;
        let crossing: Vec<usize> = free.iter().copied().filter(crosses).collect();
        let Some(&first) = crossing.iter().min_by(|&&a, &&b| reach(a).total_cmp(&reach(b))) else {
            // Without curvature and without a coordinate that becomes 0, no length is best.
            if best.is_finite() {
                self.add(best, &step, &change);
            }
            return false;
        };
        let length = reach(first);
        let mut clipped: Vec<f64> = step.iter().map(|by| best * by).collect();
        crossing.iter().for_each(|&j| clipped[j] = -self.v[j]);
        let product = self.quadratic.product(&clipped);
        let gain = dot(&downhill, &clipped) - dot(&clipped, &product) / 2.0;
        // Without curvature `clipped` is not finite, and this is false.
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

    logit_properties::properties! {
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
            // Coordinates are strongly correlated if a large number is common to all.
            let rows: Vec<Vec<f64>> = rows
                .into_iter()
                .map(|row| row.into_iter().map(|x| (x + common) / (1.0 + common)).collect())
                .collect();
            let order = rows.len();
            let quadratic = quadratic(&rows, ridge);
            let (gradient, from): (Vec<f64>, Vec<f64>) = seed[..order].iter().copied().unzip();
            let mut l1 = vec![strength; order];
            l1[order - 1] = 0.0;
            let (minimum, _) = super::minimum(&quadratic, &gradient, &from, &l1, 0.0);
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
            let (minimum, _) = super::minimum(&quadratic, &gradient, &from, &l1, 0.0);
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
