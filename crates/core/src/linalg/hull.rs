//! The point nearest to 0 in the convex hull of some vectors.

use crate::linalg::vectors::{add_multiple, dot};

/// Vectors of length 1 at most, and the point of their convex hull nearest to 0. Vectors can be
/// added. Those that do not contribute to the nearest point are dropped.
///
/// The problem is one of nonnegative least squares (Lawson and Hanson, *Solving Least Squares
/// Problems*, 1974, chapter 23, algorithms NNLS and LDP). Each vector gets another coordinate, 1.
/// The aim is 1 in that coordinate and 0 in the others:
///
/// ```text
/// residual = aim - Σₖ shareₖ (vectorₖ, 1)      as short as possible, shares ≥ 0
/// ```
///
/// The nearest point has the direction of the residual's other coordinates, times -1. A vector
/// brings the hull nearer if its product with the residual is positive. The vectors kept are
/// independent. They are the columns of a matrix whose QR factors are held.
pub(crate) struct Hull {
    vectors: Vec<Vec<f64>>,
    shares: Vec<f64>,
    q: Vec<Vec<f64>>,
    /// The columns of R, down to the diagonal.
    r: Vec<Vec<f64>>,
    residual: Vec<f64>,
    /// The rounding error of sums of products of vectors.
    rounding: f64,
}

impl Hull {
    /// The hull of no vectors yet, whose dimension is given.
    pub(crate) fn new(dimension: usize) -> Self {
        let rounding = 16.0 * (dimension + 1) as f64 * f64::EPSILON;
        let (vectors, shares, q, r) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut hull = Self { vectors, shares, q, r, residual: vec![0.0; dimension + 1], rounding };
        hull.measure();
        hull
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.vectors.is_empty()
    }

    /// The number of elements of the vectors kept.
    pub(crate) fn numbers(&self) -> usize {
        self.vectors.len() * self.residual.len()
    }

    /// Whether the nearest point is 0, up to rounding.
    pub(crate) fn holds_zero(&self) -> bool {
        self.distance() <= self.rounding
    }

    /// The distance of the nearest point from 0, or a little less.
    pub(crate) fn distance(&self) -> f64 {
        norm(&self.residual)
    }

    /// The direction of the nearest point.
    pub(crate) fn nearest(&self) -> Vec<f64> {
        let coordinates = self.residual.len() - 1;
        let length = self.distance();
        self.residual[..coordinates].iter().map(|x| -x / length).collect()
    }

    /// Vectors with the same span as all those with a share above `nothing`, if their mean is 0.
    /// The vector with the largest share is left out: it follows from the others with the least
    /// error.
    pub(crate) fn spanning(&self, nothing: f64) -> impl Iterator<Item = &[f64]> {
        let shares = self.shares.iter().enumerate();
        let largest = shares.max_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(k, _)| k);
        let needed = move |&k: &usize| self.shares[k] > nothing && Some(k) != largest;
        let needed = (0..self.vectors.len()).filter(needed);
        needed.map(|k| &self.vectors[k][..self.residual.len() - 1])
    }

    /// Adds the candidates that bring the hull nearer to 0. Returns whether any did.
    pub(crate) fn extend(&mut self, mut candidates: Vec<Vec<f64>>) -> bool {
        candidates.iter_mut().for_each(|vector| vector.push(1.0));
        let before = self.distance();
        loop {
            let distance = self.distance();
            let slope = |vector: &Vec<f64>| dot(vector, &self.residual) / distance;
            let steepest = (0..candidates.len())
                .map(|k| (slope(&candidates[k]), k))
                .max_by(|(a, _), (b, _)| a.total_cmp(b));
            match steepest {
                Some((slope, k)) if slope > self.rounding && !self.holds_zero() => {
                    self.add(candidates.swap_remove(k));
                }
                _ => return distance < before,
            }
        }
    }

    /// Adds a vector and moves the shares to the best ones. A vector whose share would become
    /// negative on the way is removed.
    fn add(&mut self, vector: Vec<f64>) {
        self.factor(vector);
        self.shares.push(0.0);
        loop {
            let best = self.best_shares();
            let limit = |k: usize| match self.shares[k] {
                0.0 => (0.0, k),
                share => (share / (share - best[k]), k),
            };
            let limits = (0..best.len()).filter(|&k| best[k] <= 0.0).map(limit);
            let Some((length, k)) = limits.min_by(|(a, _), (b, _)| a.total_cmp(b)) else {
                self.shares = best;
                return self.measure();
            };
            for (share, best) in self.shares.iter_mut().zip(best) {
                *share += length * (best - *share);
            }
            self.remove(k);
        }
    }

    fn remove(&mut self, k: usize) {
        self.shares.remove(k);
        let later = self.vectors.split_off(k);
        self.q.truncate(k);
        self.r.truncate(k);
        later.into_iter().skip(1).for_each(|vector| self.factor(vector));
    }

    /// Appends a column to the QR factors, with the Gram-Schmidt process applied twice.
    fn factor(&mut self, vector: Vec<f64>) {
        let (mut left, mut column) = (vector.clone(), vec![0.0; self.q.len()]);
        for _ in 0..2 {
            for (q, sum) in self.q.iter().zip(&mut column) {
                let share = dot(q, &left);
                add_multiple(&mut left, -share, q);
                *sum += share;
            }
        }
        let length = norm(&left);
        left.iter_mut().for_each(|x| *x /= length);
        column.push(length);
        self.vectors.push(vector);
        self.q.push(left);
        self.r.push(column);
    }

    /// The shares of any sign that make the residual shortest.
    fn best_shares(&self) -> Vec<f64> {
        let aim = self.residual.len() - 1;
        let mut shares: Vec<f64> = self.q.iter().map(|q| q[aim]).collect();
        for k in (0..shares.len()).rev() {
            let (above, diagonal) = self.r[k].split_at(k);
            shares[k] /= diagonal[0];
            let share = shares[k];
            shares.iter_mut().zip(above).for_each(|(other, r)| *other -= share * r);
        }
        shares
    }

    /// Measures the residual.
    fn measure(&mut self) {
        let mut aim = vec![0.0; self.residual.len()];
        aim[self.residual.len() - 1] = 1.0;
        self.residual = without(&self.q, aim);
    }
}

/// The part of a vector that is orthogonal to some orthonormal ones. The rest is subtracted twice,
/// so that rounding leaves nothing of it.
pub(crate) fn without(orthonormal: &[Vec<f64>], mut vector: Vec<f64>) -> Vec<f64> {
    for _ in 0..2 {
        for q in orthonormal {
            let share = dot(q, &vector);
            add_multiple(&mut vector, -share, q);
        }
    }
    vector
}

pub(crate) fn norm(vector: &[f64]) -> f64 {
    dot(vector, vector).sqrt()
}
