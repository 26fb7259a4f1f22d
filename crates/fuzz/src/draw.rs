//! Kinds of problems, and how one of a kind is drawn.

use std::fmt;

use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt, SeedableRng};
use rand_distr::{Distribution, StandardNormal};

use crate::case::Case;

/// What is odd about a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Normals,
    Integers,
    Dependent,
    Correlated,
    Shifted,
    Quadratics,
    Levels,
    Weighted,
    Repeated,
    Offsets,
    Starts,
    Wide,
    Sparse,
    Scaled,
    NearlyDependent,
    Shares,
    NearlyConstant,
    Polynomials,
    RareLevels,
    SaturatedOffsets,
    SaturatedStarts,
    ExtremeWeights,
    Outliers,
    Strong,
    TinyPenalties,
    Few,
    ExtremeScales,
}

use Kind::*;

/// What people have every day.
pub(crate) const TYPICAL: [Kind; 14] = [
    Normals, Integers, Dependent, Correlated, Shifted, Quadratics, Levels, Weighted, Repeated,
    Offsets, Starts, Wide, Sparse, Scaled,
];

/// What they have on other days.
pub(crate) const HOSTILE: [Kind; 13] = [
    NearlyDependent,
    Shares,
    NearlyConstant,
    Polynomials,
    RareLevels,
    SaturatedOffsets,
    SaturatedStarts,
    ExtremeWeights,
    Outliers,
    Strong,
    TinyPenalties,
    Few,
    ExtremeScales,
];

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{self:?}"))
    }
}

impl Kind {
    pub(crate) fn named(name: &str) -> Option<Self> {
        let same = |kind: &&Kind| kind.to_string().eq_ignore_ascii_case(name);
        TYPICAL.iter().chain(&HOSTILE).find(same).copied()
    }

    /// The problem of a seed.
    pub(crate) fn draw(self, seed: u64) -> Case {
        let mut draw = Draw { rng: Xoshiro256PlusPlus::seed_from_u64(seed), single: false };
        let mut case = draw.settings(self);
        let (n, d) = draw.shape(self);
        draw.single = case.single;
        case.x = draw.features(self, n, d);
        draw.per_row(self, &mut case);
        case.y = draw.labels(self, &case);
        case.round();
        draw.both_classes(&mut case);
        case
    }
}

struct Draw {
    rng: Xoshiro256PlusPlus,
    /// For `f32`.
    single: bool,
}

impl Draw {
    fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.rng)
    }

    fn chance(&mut self, p: f64) -> bool {
        self.rng.random_bool(p)
    }

    /// Equally likely in every order of magnitude.
    fn log_uniform(&mut self, low: f64, high: f64) -> f64 {
        (self.rng.random_range(low.ln()..high.ln())).exp()
    }

    fn whole(&mut self, low: f64, high: f64) -> usize {
        self.log_uniform(low, high + 1.0) as usize
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        *of.choose(&mut self.rng).expect("something to choose from")
    }

    fn settings(&mut self, kind: Kind) -> Case {
        let least = if kind == TinyPenalties { 1e-12 } else { 1e-5 };
        let most = if kind == TinyPenalties { 1e-6 } else { 1.0 };
        let penalties = if matches!(kind, Wide | TinyPenalties) { 1 } else { 0 };
        let (l1, l2) = match self.rng.random_range(penalties..4) {
            0 => (0.0, 0.0),
            1 => (0.0, self.log_uniform(least, most)),
            2 => (self.log_uniform(least, most), 0.0),
            _ => (self.log_uniform(least, most), self.log_uniform(least, most)),
        };
        let intercept = self.chance(0.8);
        let (single, standardize) = (self.chance(0.25), self.chance(0.4));
        Case { l1, l2, intercept, standardize, single, ..Case::default() }
    }

    /// The numbers of rows and columns.
    fn shape(&mut self, kind: Kind) -> (usize, usize) {
        match kind {
            Wide => (self.whole(20.0, 80.0), self.whole(30.0, 150.0)),
            Few => (self.whole(2.0, 12.0), self.whole(1.0, 4.0)),
            Quadratics | Polynomials => (self.whole(20.0, 1000.0), 0),
            _ => {
                let n = self.whole(20.0, 2000.0);
                (n, self.whole(1.0, 30.0).min(n / 5))
            }
        }
    }

    fn features(&mut self, kind: Kind, n: usize, d: usize) -> Vec<Vec<f64>> {
        match kind {
            Integers | Few => self.integers(n, d),
            TinyPenalties if self.chance(0.5) => self.dependent_integers(n, d),
            Quadratics => self.powers(n, 2, 4),
            Polynomials => self.powers(n, 5, 8),
            Levels => self.with_levels(n, d, (n / 12).clamp(2, 6)),
            RareLevels => self.with_levels(n, d, (n / 6).clamp(2, 30)),
            Sparse => self.sparse(n, d),
            Shares => self.shares(n, d),
            _ => self.columns_of(kind, n, d),
        }
    }

    fn normals(&mut self, n: usize, d: usize) -> Vec<Vec<f64>> {
        (0..n).map(|_| (0..d).map(|_| self.rounded_normal()).collect()).collect()
    }

    /// In the precision of the case, so that what is made of it is made of what is fitted.
    fn rounded_normal(&mut self) -> f64 {
        let x = self.normal();
        if self.single { f64::from(x as f32) } else { x }
    }

    fn integers(&mut self, n: usize, d: usize) -> Vec<Vec<f64>> {
        let levels = self.rng.random_range(2..8);
        let low = self.pick(&[0, -3]);
        let mut value = || f64::from(self.rng.random_range(low..low + levels));
        (0..n).map(|_| (0..d).map(|_| value()).collect()).collect()
    }

    /// One of them a multiple of another.
    fn dependent_integers(&mut self, n: usize, d: usize) -> Vec<Vec<f64>> {
        let by = self.pick(&[1.0, -1.0, 2.0, 3.0]);
        let mut x = self.integers(n, d);
        x.iter_mut().for_each(|row| row.push(row[0] * by));
        x
    }

    /// x, x², … of numbers in an interval.
    fn powers(&mut self, n: usize, least: i32, most: i32) -> Vec<Vec<f64>> {
        let degree = self.rng.random_range(least..=most);
        let (low, width) = (self.rng.random_range(-10.0..10.0), self.log_uniform(1.0, 10.0));
        let row = |x: f64| (1..=degree).map(|k| x.powi(k)).collect();
        (0..n).map(|_| row(self.rng.random_range(low..low + width))).collect()
    }

    /// Normals and one column for each level of a category, with or without the last.
    fn with_levels(&mut self, n: usize, d: usize, levels: usize) -> Vec<Vec<f64>> {
        let mut x = self.normals(n, d.clamp(1, 6));
        let rare = n / levels < 12;
        let (all, sum) = (self.chance(0.5), rare && self.chance(0.5));
        for (i, row) in x.iter_mut().enumerate() {
            // A few rows for each rare level, all others of the last one.
            let of = if rare && i < levels * 6 { i / 6 } else { self.rng.random_range(0..levels) };
            if sum {
                row.push(row[0] + row.get(1).unwrap_or(&1.0));
            }
            row.extend((0..levels - usize::from(!all)).map(|k| f64::from(u8::from(k == of))));
        }
        x
    }

    fn sparse(&mut self, n: usize, d: usize) -> Vec<Vec<f64>> {
        let filled = self.log_uniform(0.05, 0.5);
        let mut value = || if self.chance(filled) { self.normal().abs() + 0.1 } else { 0.0 };
        (0..n).map(|_| (0..d).map(|_| value()).collect()).collect()
    }

    /// Parts of a whole, with or without their computed sum, perhaps beside other columns.
    fn shares(&mut self, n: usize, d: usize) -> Vec<Vec<f64>> {
        let parts = d.clamp(2, 6);
        let (others, with_sum) = (self.rng.random_range(0..3), self.chance(0.5));
        let row = |_| {
            let raw: Vec<f64> = (0..parts).map(|_| self.rng.random_range(0.05..1.0)).collect();
            let sum: f64 = raw.iter().sum();
            let mut row: Vec<f64> = raw.iter().map(|part| part / sum).collect();
            if with_sum {
                row.push(row.iter().sum());
            }
            row.extend((0..others).map(|_| self.normal()));
            row
        };
        (0..n).map(row).collect()
    }

    /// Normals, changed column by column.
    fn columns_of(&mut self, kind: Kind, n: usize, d: usize) -> Vec<Vec<f64>> {
        let two = matches!(kind, Dependent | Correlated | NearlyDependent);
        let d = if two { d.max(2) } else { d };
        let mut x = self.normals(n, d);
        for j in 0..d {
            let (from, odd) = (self.rng.random_range(0..d), j == 0 || self.chance(0.4));
            if !odd {
                continue;
            }
            let other = if from == j { (j + 1) % d } else { from };
            let by = match kind {
                Correlated => self.log_uniform(1e-3, 1.0),
                NearlyDependent => self.log_uniform(1e-9, 1e-3),
                Shifted => self.log_uniform(10.0, 1e4) * self.pick(&[-1.0, 1.0]),
                NearlyConstant => self.log_uniform(1e4, 1e17) * self.pick(&[-1.0, 1.0]),
                Scaled => self.log_uniform(1e-6, 1e6),
                ExtremeScales if self.single => self.log_uniform(1e-12, 1e12),
                ExtremeScales => self.log_uniform(1e-140, 1e140),
                _ => self.pick(&[1.0, 2.0, -1.0, 3.0]),
            };
            let sum = self.chance(0.5);
            for row in &mut x {
                match kind {
                    Dependent if d > 2 && sum => row[j] = row[other] * by + row[(other + 1) % d],
                    Dependent => row[j] = row[other] * by,
                    Correlated | NearlyDependent => row[j] = row[other] + by * row[j],
                    // A spread of 1, or a mean of 1: the shares are the same.
                    Shifted => row[j] += by,
                    NearlyConstant => row[j] = 1.0 + row[j] / by,
                    Scaled | ExtremeScales => row[j] *= by,
                    _ => {}
                }
            }
        }
        x
    }

    /// Weights, offsets, a start and class weights.
    fn per_row(&mut self, kind: Kind, case: &mut Case) {
        let (n, d) = (case.nrows(), case.ncols());
        match kind {
            Weighted => {
                let zeros = self.pick(&[0.0, 0.1]);
                let mut weight =
                    || if self.chance(zeros) { 0.0 } else { self.log_uniform(0.1, 10.0) };
                case.weights = Some((0..n).map(|_| weight()).collect());
            }
            Repeated => {
                let mut weight = || f64::from(self.rng.random_range(0..6));
                case.weights = Some((0..n).map(|_| weight()).collect());
            }
            ExtremeWeights => case.weights = Some(self.extreme_weights(n)),
            Outliers => self.outliers(case),
            Offsets => case.offsets = Some((0..n).map(|_| self.normal() * 2.0).collect()),
            SaturatedOffsets => case.offsets = Some(self.saturated_offsets(n)),
            Starts => {
                case.start = Some(((0..d).map(|_| self.normal()).collect(), self.normal()));
            }
            SaturatedStarts => {
                let size = self.log_uniform(10.0, 1000.0);
                let weights = (0..d).map(|_| self.normal() * size).collect();
                case.start = Some((weights, self.normal() * size));
            }
            _ => {}
        }
        if let Some((_, intercept)) = case.start.as_mut().filter(|_| !case.intercept) {
            *intercept = 0.0;
        }
        if self.chance(if matches!(kind, Weighted | ExtremeWeights) { 0.4 } else { 0.05 }) {
            let most = if kind == ExtremeWeights { 1e6 } else { 10.0 };
            let mut weight = || self.log_uniform(1.0 / most, most);
            case.class_weights = Some((weight(), weight()));
        }
    }

    fn extreme_weights(&mut self, n: usize) -> Vec<f64> {
        let some = [0.0, 1e-12, 1e-6, 1.0, 1e6, 1e12];
        // Within the range of `f32` for those who fit in it.
        match self.rng.random_range(if self.single { 3 } else { 0 }..8) {
            0 => vec![5e-324; n],
            1 => (0..n).map(|_| self.log_uniform(1e306, 1e307)).collect(),
            2 => (0..n).map(|_| self.log_uniform(1e-310, 1e-290)).collect(),
            3 => (0..n).map(|_| self.log_uniform(1e-12, 1e12)).collect(),
            4 => (0..n).map(|_| self.pick(&some)).collect(),
            5 => (0..n).map(|_| self.log_uniform(1e-30, 2e-30)).collect(),
            6 => (0..n).map(|_| self.log_uniform(1e30, 2e30)).collect(),
            _ => (0..n).map(|_| if self.chance(0.1) { 1e12 } else { 1.0 }).collect(),
        }
    }

    /// Rows of weight 0 far from all others.
    fn outliers(&mut self, case: &mut Case) {
        let size = self.log_uniform(10.0, 1e6);
        let mut weights = vec![1.0; case.nrows()];
        for (row, weight) in case.x.iter_mut().zip(&mut weights) {
            if self.chance(0.25) {
                *weight = 0.0;
                row.iter_mut().for_each(|x| *x = size * (2.0 + self.normal()));
            }
        }
        case.weights = Some(weights);
    }

    fn saturated_offsets(&mut self, n: usize) -> Vec<f64> {
        let size = self.pick(&[20.0, 40.0, 300.0, 700.0]) * self.pick(&[-1.0, 1.0]);
        match self.rng.random_range(0..3) {
            0 => vec![size; n],
            1 => (0..n).map(|_| size * self.pick(&[-1.0, 1.0])).collect(),
            _ => (0..n).map(|_| size + self.normal()).collect(),
        }
    }

    /// Labels that a logistic model gives, of a signal on the scale of the columns.
    fn labels(&mut self, kind: Kind, case: &Case) -> Vec<bool> {
        let (n, d) = (case.nrows(), case.ncols());
        let strength = match kind {
            Strong => self.log_uniform(3.0, 100.0),
            Few => self.rng.random_range(0.0..3.0),
            _ => self.rng.random_range(0.0..1.5),
        };
        let shift = if self.chance(0.2) { self.rng.random_range(-3.0..3.0) } else { 0.0 };
        let mut logits = vec![shift; n];
        for j in 0..d {
            let column = || case.x.iter().map(|row| row[j]);
            let mean = column().sum::<f64>() / n as f64;
            let most = column().map(|x| (x - mean).abs()).fold(f64::MIN_POSITIVE, f64::max);
            let slope = strength * self.normal() / (d as f64).sqrt() * 2.0;
            for (logit, x) in logits.iter_mut().zip(column()) {
                *logit += slope * ((x - mean) / most);
            }
        }
        logits.iter().map(|z| self.rng.random::<f64>() < 1.0 / (1.0 + (-z).exp())).collect()
    }

    /// Changes the label of a row that counts where all are the same.
    fn both_classes(&mut self, case: &mut Case) {
        let counting: Vec<usize> = (0..case.nrows()).filter(|&i| case.counts(i)).collect();
        if !case.has_both_classes() && counting.len() > 1 && self.rng.random::<f64>() < 0.95 {
            let row = self.pick(&counting);
            case.y[row] = !case.y[row];
        }
    }
}

/// The seed of case number `index` of a run.
pub(crate) fn case_seed(seed: u64, index: u64) -> u64 {
    let mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(index);
    Xoshiro256PlusPlus::seed_from_u64(mixed).next_u64()
}
