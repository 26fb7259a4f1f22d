//! Means and standard deviations of columns.

use num_traits::Zero;

use crate::backend::column_moments::ColumnMoments;
use crate::backend::contract::{Backend, copy_row, explain};
use crate::backend::error::Error;
use crate::numbers::float::Float;
use crate::objective::data::Data;

/// A column whose standard deviation is at most this many units of its mean's rounding is constant
/// but for rounding: columns of `f64` are often computed in several steps,
const CONSTANT_ROUNDINGS: f64 = 32.0;
/// those of `f32` are mostly rounded from `f64` once.
const CONSTANT_ROUNDINGS_F32: f64 = 3.0;
/// Rounding has no outliers: no element of a constant column deviates by more than so many times the
/// standard deviation allowed.
const MAX_DEVIATION: f64 = 8.0;
/// An origin this many standard deviations from the mean leaves too few digits of the variance.
const FAR_ORIGIN: f64 = 4.0;
/// Each origin is nearer to the mean than the one before by nearly all digits of `f64`.
const MAX_PASSES: usize = 4;

/// The mean and standard deviation of each column, by the weights of the rows.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    pub(crate) mean: Vec<f64>,
    pub(crate) deviation: Vec<f64>,
    /// Whether the column is constant but for rounding.
    pub(crate) constant: Vec<bool>,
    /// How often the rows have been read.
    pub(crate) passes: usize,
}

impl Columns {
    /// Measures the columns over some rows, from deviations from the first row that counts.
    ///
    /// That origin makes a constant column exactly constant. It loses digits to cancellation only
    /// by the square of the row's own distance from the mean in standard deviations (Chan, Golub and
    /// LeVeque, *Algorithms for computing the sample variance*, 1983). Where that is far, as with
    /// the elements that a sparse row stores, the means found serve as another origin.
    pub(crate) fn measure<B: Backend + ?Sized>(data: &Data<'_, B>) -> Result<Self, Error> {
        let mut origin = first_row(data);
        let mut passes = 0;
        loop {
            passes += 1;
            let columns = Self { passes, ..Self::about(&origin, data) };
            let is_far = |j: usize| {
                let distance = (columns.mean[j] - origin[j]).abs();
                !columns.constant[j] && distance > FAR_ORIGIN * columns.deviation[j]
            };
            if passes == MAX_PASSES || !(0..origin.len()).any(is_far) {
                columns.check_deviations::<B::Scalar>().map_err(|error| explain(error, data.x))?;
                return Ok(columns);
            }
            origin = columns.mean;
        }
    }

    fn about<B: Backend + ?Sized>(origin: &[f64], data: &Data<'_, B>) -> Self {
        let moments = ColumnMoments::of(origin, data);
        let (d, spread) = (origin.len(), constant_spread::<B::Scalar>());
        // Processes can join sums, so each says whether it has an outlier.
        let is_outlier = |(largest, origin): (&f64, &f64)| {
            f64::from(u8::from(*largest > MAX_DEVIATION * spread * origin.abs()))
        };
        let outliers = moments.largest.iter().zip(origin).map(is_outlier).collect();
        let mut totals = [moments.sums, moments.squares, outliers].concat();
        totals.push(data.observed.total_weight());
        data.peers().sum(&mut totals);
        // Rows that do not count have sums of 0.
        let total_weight = if totals[3 * d] == 0.0 { 1.0 } else { totals[3 * d] };
        let (mut mean, mut deviation, mut constant) = (origin.to_vec(), vec![0.0; d], vec![]);
        for j in 0..d {
            let shift = totals[j] / total_weight;
            let variance = totals[d + j] / total_weight - shift * shift;
            // Rounding may leave less than nothing. NaN stays.
            deviation[j] = if variance < 0.0 { 0.0 } else { variance.sqrt() };
            mean[j] += shift;
            constant.push(totals[2 * d + j] == 0.0 && deviation[j] <= spread * mean[j].abs());
        }
        Self { mean, deviation, constant, passes: 1 }
    }

    /// Fails where squares of deviations, or products with them, have left the range of the precision.
    fn check_deviations<F: Float>(&self) -> Result<(), Error> {
        let (range, accepted) = match F::NAME {
            "f32" => (1e-35..=1e35, "0, or within 1e-35 to 1e35"),
            _ => (1e-150..=1e150, "0, or within 1e-150 to 1e150"),
        };
        let bad = |j: &usize| !self.constant[*j] && !range.contains(&self.deviation[*j]);
        (0..self.mean.len()).find(bad).map_or(Ok(()), |column| {
            Err(Error::ColumnSpread { column, deviation: self.deviation[column], accepted })
        })
    }
}

impl<'a> ColumnMoments<'a> {
    /// Those of some rows held here.
    fn of<B: Backend + ?Sized>(origin: &'a [f64], data: &Data<'_, B>) -> Self {
        let Data { x, rows, partition, observed, .. } = data;
        let mut parts = vec![Self::new(origin); partition.segments()];
        partition.for_each_segment(&mut parts, |segment, moments| {
            let mut start = segment.start;
            rows.for_each_piece(segment, |rows| {
                let positions = start..start + rows.len();
                start = positions.end;
                x.column_moments(rows, observed.block(positions).weights, moments);
            });
        });
        let mut all = Self::new(origin);
        for part in parts {
            for j in 0..origin.len() {
                all.join(j, [part.sums[j], part.squares[j], part.largest[j]]);
            }
        }
        all
    }
}

/// The first row that counts in any process; zeros where none does.
fn first_row<B: Backend + ?Sized>(data: &Data<'_, B>) -> Vec<f64> {
    let Data { x, rows, observed, .. } = data;
    let block = observed.block(0..rows.len());
    let (first, peers) = ((0..rows.len()).find(|row| block.counts(*row)), x.peers());
    let has = peers.gather(f64::from(u8::from(first.is_some())));
    let mut origin = vec![0.0; x.ncols()];
    if let Some(first) = first.filter(|_| has[..peers.rank()].iter().all(|has| *has == 0.0)) {
        let mut row = vec![B::Scalar::zero(); origin.len()];
        rows.for_each_piece(first..first + 1, |rows| copy_row(*x, rows.start, &mut row));
        origin.iter_mut().zip(row).for_each(|(origin, x)| *origin = x.widen());
    }
    peers.sum(&mut origin);
    origin
}

/// The largest standard deviation of a constant column, as a share of its mean.
fn constant_spread<F: Float>() -> f64 {
    let roundings = if F::NAME == "f32" { CONSTANT_ROUNDINGS_F32 } else { CONSTANT_ROUNDINGS };
    roundings * F::epsilon().widen()
}
