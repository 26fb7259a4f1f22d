//! Matrices and problems to try, from 1 x 1 to a few hundred each way, a quarter of them mostly zero.
//!
//! Shapes, layouts and settings are drawn, and shrink, as proptest values; the numbers come from a
//! generator whose seed is drawn.

use std::fmt;
use std::ops::RangeInclusive;

use logit_core::{Backend, Float};
use proptest::prelude::*;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use crate::matrix::{Layout, Matrix, some};
use crate::oracle::Setup;

/// A matrix, labels of both classes where there are two rows, parameters and settings.
#[derive(Clone)]
pub struct Problem<F: Float> {
    /// The matrix.
    pub x: Matrix<F>,
    /// One label per row.
    pub y: Vec<bool>,
    /// Weights that give moderate logits, mostly.
    pub weights: Vec<F>,
    /// An intercept.
    pub intercept: F,
    /// The settings of the objective.
    pub setup: Setup,
    /// For whatever else a check draws.
    pub seed: u64,
}

/// The beginning of each part: a case of 300 x 300 would fill pages.
impl<F: Float> fmt::Debug for Problem<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "x: {:?}", self.x)?;
        writeln!(f, "y: {}", some(&self.y))?;
        writeln!(f, "weights: {}, intercept: {:?}", some(&self.weights), self.intercept)?;
        write!(f, "{:?}, seed: {}", self.setup, self.seed)
    }
}

impl<F: Float> Problem<F> {
    /// The weights, and the intercept where the setup has one.
    pub fn parameters(&self) -> Vec<F> {
        let mut parameters = self.weights.clone();
        if self.setup.fit_intercept {
            parameters.push(self.intercept);
        }
        parameters
    }

    /// A generator for whatever else a check draws.
    pub fn rng(&self) -> Xoshiro256PlusPlus {
        Xoshiro256PlusPlus::seed_from_u64(self.seed ^ 0x5eed)
    }
}

/// How the columns are scaled.
#[derive(Clone, Copy, Debug)]
enum Columns {
    /// Ten orders of magnitude apart, some constant, some far from 0.
    Wild,
    /// Within an order of magnitude of 1.
    Tame,
}

/// Any layout.
pub fn layout() -> impl Strategy<Value = Layout> {
    (any::<bool>(), (0usize..3, 0usize..3), any::<(bool, bool)>())
        .prop_map(|(column_major, gaps, reversed)| Layout { column_major, gaps, reversed })
}

/// Badly scaled problems of up to 300 x 300, with at least `min_rows` rows.
pub fn wild<F: Float>(min_rows: usize) -> impl Strategy<Value = Problem<F>> {
    let size = |min| prop_oneof![min..=6usize, min..=40, min..=300];
    problem((size(min_rows), size(1)), Columns::Wild)
}

/// Well-scaled problems of up to 60 x 12, quick to iterate on.
pub fn tame<F: Float>() -> impl Strategy<Value = Problem<F>> {
    problem((2..=60usize, 1..=12usize), Columns::Tame)
}

/// Problems with enough rows to be cut into several segments.
pub fn tall<F: Float>() -> impl Strategy<Value = Problem<F>> {
    let cols: RangeInclusive<usize> = 60..=90;
    problem((2500..=6000usize, cols), Columns::Wild)
}

fn problem<F: Float>(
    shape: (impl Strategy<Value = usize>, impl Strategy<Value = usize>),
    columns: Columns,
) -> impl Strategy<Value = Problem<F>> {
    let l2 = prop_oneof![Just(0.0), 1e-4..2.0];
    let setup = (l2, any::<(bool, bool)>()).prop_map(|(l2, (fit_intercept, standardize))| Setup {
        l2,
        fit_intercept,
        standardize,
    });
    // Few zeros, or few other numbers: then whole rows and columns are zero.
    let zeros = prop_oneof![3 => Just(0.05), 1 => Just(0.9)];
    (shape, layout(), setup, any::<u64>(), zeros).prop_map(
        move |(shape, layout, setup, seed, zeros)| {
            generate(shape, layout, columns, zeros, setup, seed)
        },
    )
}

fn generate<F: Float>(
    (n, d): (usize, usize),
    layout: Layout,
    columns: Columns,
    zeros: f64,
    setup: Setup,
    seed: u64,
) -> Problem<F> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut values = vec![vec![0.0; d]; n];
    let mut weights = Vec::new();
    for j in 0..d {
        let (scale, offset) = match columns {
            Columns::Wild => (
                10f64.powf(rng.random_range(-5.0..5.0)),
                if rng.random_bool(0.3) { rng.random_range(-10.0..10.0) } else { 0.0 },
            ),
            Columns::Tame => (rng.random_range(0.3..3.0), rng.random_range(-1.0..1.0)),
        };
        let constant = rng.random_bool(0.1);
        let common = rng.random_range(-1.0..1.0);
        for row in &mut values {
            let free = rng.random_range(-1.0..1.0);
            let zero = !constant && rng.random_bool(zeros);
            let deviation = if constant { common } else { free };
            row[j] = if zero { 0.0 } else { scale * (offset + deviation) };
        }
        weights.push(F::narrow(rng.random_range(-2.0..2.0) / (scale * (1.0 + offset.abs()))));
    }
    let mut y: Vec<bool> = (0..n).map(|_| rng.random()).collect();
    if n >= 2 {
        (y[0], y[n - 1]) = (true, false);
    }
    Problem {
        x: Matrix::new((n, d), layout, |i, j| F::narrow(values[i][j])),
        y,
        weights,
        intercept: F::narrow(rng.random_range(-2.0..2.0)),
        setup,
        seed,
    }
}

/// Random numbers within -1 to 1.
pub fn vector<F: Float>(rng: &mut Xoshiro256PlusPlus, len: usize) -> Vec<F> {
    (0..len).map(|_| F::narrow(rng.random_range(-1.0..1.0))).collect()
}

/// A random range of rows, sometimes empty, sometimes one row, sometimes all.
pub fn range<F: Float>(rng: &mut Xoshiro256PlusPlus, x: &Matrix<F>) -> std::ops::Range<usize> {
    let n = x.nrows();
    match rng.random_range(0..6) {
        0 => 0..n,
        1 => {
            let i = rng.random_range(0..=n);
            i..i
        }
        2 => {
            let i = rng.random_range(0..n);
            i..i + 1
        }
        _ => {
            let (a, b) = (rng.random_range(0..=n), rng.random_range(0..=n));
            a.min(b)..a.max(b)
        }
    }
}
