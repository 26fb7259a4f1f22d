//! How much rows count: sample weights times the weights of classes, on a scale of their own.
//!
//! The loss is a weighted mean, so only ratios matter. One power of two, which rounds nothing,
//! scales all weights so that the largest is about 1. Then neither their products and sums nor their
//! narrowing to the precision of the data leave the range of normal numbers.

use num_traits::Float as _;

use crate::backend::error::{Error, check_setting};
use crate::backend::peers::Peers;
use crate::numbers::float::Float;

/// How much the rows of the two classes count, beside their own weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ClassWeights {
    Given(f64, f64),
    Balanced,
}

impl ClassWeights {
    fn check(&self) -> Result<(), Error> {
        let ClassWeights::Given(zero, one) = *self else { return Ok(()) };
        for (name, weight) in [("class weight of 0", zero), ("class weight of 1", one)] {
            let holds = weight >= 0.0 && weight.is_finite();
            check_setting(name, weight, holds, "0 or positive, and finite")?;
        }
        Ok(())
    }
}

/// The least share of all weights that a class must have.
///
/// At the optimum the residuals of the other class have about this size on average, and so has the
/// gradient on the way there. Below `min_positive_value() / epsilon()` residuals count as 0. In
/// `f64` no wider precision is left for the squares of gradients, and it must be the square of the
/// share that stays above. A factor of a million is left for rows whose residuals are below average.
fn least_share<F: Float>() -> f64 {
    const MARGIN: f64 = 1e6;
    let least = (F::min_positive_value() / F::epsilon()).widen();
    MARGIN * least.max((f64::MIN_POSITIVE / f64::EPSILON).sqrt())
}

/// The weights of rows of classes `y`, on one scale in all processes; none where all are 1.
/// `sample` has a weight per row, 0 or positive and finite, or none where all are 1.
///
/// Fails where a class does not count or too little beside the other, or a row too little beside
/// others.
pub(crate) fn scaled<F: Float>(
    sample: &[f64],
    y: &[bool],
    classes: ClassWeights,
    peers: &dyn Peers,
) -> Result<Vec<F>, Error> {
    classes.check()?;
    let largest = [false, true].map(|class| peers.max(largest(sample, y, class)));
    let (zero, one) = match classes {
        ClassWeights::Given(zero, one) => (zero, one),
        ClassWeights::Balanced => (1.0, 1.0),
    };
    match (largest[0] > 0.0 && zero > 0.0, largest[1] > 0.0 && one > 0.0) {
        (false, false) => return Err(Error::NoWeight),
        (false, true) => return Err(Error::OneClass { class: 1 }),
        (true, false) => return Err(Error::OneClass { class: 0 }),
        (true, true) => {}
    }
    let unit = largest.map(exponent);
    let to_unit = unit.map(|exponent| PowerOfTwo::new(-exponent));
    let mut totals = [0, 1].map(|class| total(sample, y, class == 1, to_unit[class]));
    peers.sum(&mut totals);
    let multipliers = match classes {
        ClassWeights::Given(zero, one) => given([zero, one], unit, totals, least_share::<F>())?,
        ClassWeights::Balanced => balanced(unit, totals),
    };
    // As with no sample weights, or where a process holds no rows.
    let all_1 = sample.is_empty() && multipliers == [1.0, 1.0] && unit == [0, 0];
    let rows = if all_1 { 0 } else { y.len() };
    let narrowed = y[..rows].iter().enumerate().map(|(row, &y)| {
        let (class, value) = (usize::from(y), sample.get(row).copied().unwrap_or(1.0));
        let narrow = F::narrow(to_unit[class].times(value) * multipliers[class]);
        match narrow.is_normal() || value == 0.0 {
            true => Ok(narrow),
            false => Err(Error::RowSetting { name: "sample weight", row, value, accepted: RATIO }),
        }
    });
    peers.agree(narrowed.collect())
}

/// The largest weight of a row of a class, 0 where there is none.
fn largest(sample: &[f64], y: &[bool], class: bool) -> f64 {
    match sample.is_empty() {
        true => f64::from(y.contains(&class)),
        false => of_class(sample, y, class).fold(0.0, f64::max),
    }
}

/// The sum of the weights of the rows of a class, each times a power of two.
fn total(sample: &[f64], y: &[bool], class: bool, factor: PowerOfTwo) -> f64 {
    match sample.is_empty() {
        true => factor.times(y.iter().filter(|&&y| y == class).count() as f64),
        false => of_class(sample, y, class).map(|weight| factor.times(weight)).sum(),
    }
}

fn of_class(sample: &[f64], y: &[bool], class: bool) -> impl Iterator<Item = f64> {
    sample.iter().zip(y).filter(move |(_, y)| **y == class).map(|(&weight, _)| weight)
}

const RATIO: &str =
    "0, or at least 1e-37 (in f64 1e-307) of the largest, classes' weights included";

/// What the rows of both classes, on scales of `unit`, are to be multiplied by.
fn given(
    classes: [f64; 2],
    unit: [i32; 2],
    totals: [f64; 2],
    least: f64,
) -> Result<[f64; 2], Error> {
    let own = classes.map(exponent);
    let most = (unit[0] + own[0]).max(unit[1] + own[1]);
    let multipliers = [0, 1].map(|k| PowerOfTwo::new(unit[k] - most).times(classes[k]));
    let sizes = [0, 1].map(|k| totals[k] * multipliers[k]);
    for (class, size) in [0, 1].into_iter().zip(sizes) {
        let share = size / (sizes[0] + sizes[1]);
        if share < least {
            return Err(Error::ClassShare { class, share, least });
        }
    }
    Ok(multipliers)
}

/// The same such that the classes come to the same.
fn balanced(unit: [i32; 2], totals: [f64; 2]) -> [f64; 2] {
    let most = unit[0].max(unit[1]);
    let all: f64 = [0, 1].map(|k| PowerOfTwo::new(unit[k] - most).times(totals[k])).iter().sum();
    totals.map(|total| all / (2.0 * total))
}

/// That of the largest power of two that a positive number holds.
fn exponent(x: f64) -> i32 {
    let (mantissa, exponent, _) = x.integer_decode();
    i32::from(exponent) + mantissa.ilog2() as i32
}

/// A power of two, in two factors, since it may be out of range itself where its products are not.
#[derive(Clone, Copy)]
struct PowerOfTwo(f64, f64);

impl PowerOfTwo {
    fn new(exponent: i32) -> Self {
        let half = exponent / 2;
        Self(2f64.powi(half), 2f64.powi(exponent - half))
    }

    /// Exact where it is a normal number.
    fn times(self, x: f64) -> f64 {
        x * self.0 * self.1
    }
}
