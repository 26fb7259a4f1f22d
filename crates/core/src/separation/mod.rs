//! Whether the classes can be told apart, so that there is no optimum: decided, and proven.
//!
//! With `vᵢ` the row `i`, the intercept's 1 included, times -1 where the class is 0, there is no
//! optimum exactly if some direction `u` has `vᵢ·u ≥ 0` in all rows and not 0 in all (Albert and
//! Anderson, 1984). Lengths are nothing here, so each `vᵢ` is taken to be of length 1.
//!
//! If the point nearest to 0 among all means of the `vᵢ`, the hull, is not 0, it is such a direction,
//! a plane between the classes (Wolfe, *Finding the nearest point in a polytope*, 1976). If it is 0, it is a
//! mean of some rows, and none of these can be moved to its side without moving another away: all
//! directions are orthogonal to them. What is left of the rows beside those is asked the same
//! again, until a plane is found for all rows of which something is left, or nothing is.

mod existence;

use std::borrow::Cow;

use crate::backend::contract::Backend;
use crate::backend::error::Error;
use crate::backend::model::Model;
use crate::linalg::hull::{Hull, norm, without};
use crate::numbers::float::Float;
use crate::objective::Objective;
use crate::objective::columns::coordinates::Coordinates;
use crate::objective::data::rows::sample_size;
use crate::objective::evaluation::Evaluation;
use crate::objective::second::DENSE_HESSIAN_LIMIT;
use crate::separation::existence::Verdict;

/// From this logit on it is worth asking whether all rows are on the sides of their classes.
const LARGE_LOGIT: f64 = 15.0;
/// It is asked again when the largest logit has grown by this factor.
const LOGIT_GROWTH: f64 = std::f64::consts::SQRT_2;
/// At the end of a fit it is asked from this one on: where many rows have their share of the loss, the
/// precision is low or a solver thinks itself nearer to its end than it is, the logits of a few
/// rows have not become large.
const NOTABLE_LOGIT: f64 = 8.0;
/// Rows whose mean loss is more than this share of `ln 2 / n` are hardly all on their sides: one on
/// the other side has ln 2 or more.
const PLANE_LOSS: f64 = 8.0;
/// What may be dropped of Newton's step, as a share of its largest component.
const NEGLIGIBLE_SHARES: [f64; 2] = [1e-6, 1e-3];
/// What is left of a row of length 1 where nothing but rounding is.
const RANK_TOLERANCE: f64 = 1e-10;
/// A hull so near to 0 may hold it, for rows of which little is left are rounded by more than others.
const HULL_TOLERANCE: f64 = 1e-8;
/// Of a pass over the rows, so many are taken that a direction moves the wrong way.
const ROWS_PER_PASS: usize = 64;
/// After so many passes the question is left open.
const MAX_PASSES: usize = 1000;
/// No more numbers than this are held of rows: those of a square of 2048.
const MAX_STORED_NUMBERS: usize = 1 << 22;

/// When to ask whether the data is separated.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Suspicion {
    /// From this logit on, ask again.
    logit: f64,
}

impl Default for Suspicion {
    fn default() -> Self {
        Self { logit: LARGE_LOGIT }
    }
}

impl Suspicion {
    /// Fails where a point on the way tells the classes apart.
    pub(crate) fn check_on_the_way<B: Backend + ?Sized>(
        &mut self,
        objective: &Objective<'_, B>,
        point: &Evaluation<B::Scalar>,
    ) -> Result<(), Error> {
        if objective.penalty().is_none() {
            let largest = objective.data.peers().max(point.own_largest_logit);
            if largest > self.logit && may_be_plane(objective, point.loss) {
                self.logit = LOGIT_GROWTH * largest;
                return refuse_plane(objective, &model_at(objective, &point.at));
            }
        }
        Ok(())
    }
}

/// Fails where the data is proven to have no optimum, at the end of a fit; looks only where the largest
/// logit of the rows held here, or elsewhere, is notable.
pub(crate) fn check_at_the_end<B: Backend + ?Sized>(
    objective: &mut Objective<'_, B>,
    point: &Evaluation<B::Scalar>,
) -> Result<(), Error> {
    if !may_separate(objective)
        || objective.data.peers().max(point.own_largest_logit) <= NOTABLE_LOGIT
    {
        return Ok(());
    }
    let model = model_at(objective, &point.at);
    let penalised = penalised_columns(objective);
    let asked = penalised.is_empty() && may_be_plane(objective, point.loss);
    if asked {
        refuse_plane(objective, &model)?;
    }
    let few = objective.dimension() <= DENSE_HESSIAN_LIMIT;
    let mut step = None;
    if few {
        // Where the spread of a column is out of range nothing can be told.
        match existence::verdict(objective, point, &penalised) {
            Ok(Verdict::Open { step: open }) => step = Some(open),
            Ok(Verdict::Exists) | Err(_) => return Ok(()),
        }
    }
    if !asked && penalised.is_empty() {
        refuse_plane(objective, &model)?;
    }
    let Ok(mut basis) = objective.basis() else { return Ok(()) };
    basis.leave_out(&penalised);
    let mut basis = objective.coordinates().composed(&basis).into_owned();
    if let Some(step) = step {
        refuse_direction(objective, &basis, &step)?;
        basis.leave_out(&existence::dependent_columns(objective, &basis));
    }
    refuse_separated(objective, &basis, &model)
}

/// Fails where Newton's step separates, but for its small components.
///
/// On separated data steps move on along a direction, the same from one to the next; along columns
/// that have come to their best values they hardly do.
fn refuse_direction<B: Backend + ?Sized>(
    objective: &Objective<'_, B>,
    basis: &Coordinates,
    step: &[f64],
) -> Result<(), Error> {
    let mut direction = Model::zero(objective.ncols());
    objective.coordinates().unfold_into(step, &mut direction);
    for share in NEGLIGIBLE_SHARES {
        basis.drop_small(&mut direction, share);
        if moves_rows_to_their_sides(objective, &direction) {
            let complete = is_plane(objective, &direction);
            return Err(separated(objective, complete, direction));
        }
    }
    Ok(())
}

/// Whether some weight may grow without a penalty in its way.
fn may_separate<B: Backend + ?Sized>(objective: &Objective<'_, B>) -> bool {
    let penalty = objective.penalty();
    penalty.is_none() || penalty.free_columns().next().is_some()
}

/// The columns that no direction to infinity has.
fn penalised_columns<B: Backend + ?Sized>(objective: &Objective<'_, B>) -> Vec<usize> {
    let penalty = objective.penalty();
    if penalty.is_none() {
        return Vec::new();
    }
    (0..objective.ncols()).filter(|&column| penalty.factor(column) > 0.0).collect()
}

/// Whether the loss is as small as where all rows are on the sides of their classes, or nearly.
fn may_be_plane<B: Backend + ?Sized>(objective: &Objective<'_, B>, loss: f64) -> bool {
    loss * objective.nrows() as f64 <= PLANE_LOSS * std::f64::consts::LN_2
}

fn model_at<B: Backend + ?Sized>(objective: &Objective<'_, B>, at: &[B::Scalar]) -> Model<f64> {
    let mut model = Model::zero(objective.ncols());
    objective.coordinates().unfold_into(at, &mut model);
    model.widen()
}

/// Fails where a model has all rows on the sides of their classes.
fn refuse_plane<B: Backend + ?Sized>(
    objective: &Objective<'_, B>,
    model: &Model<f64>,
) -> Result<(), Error> {
    match is_plane(objective, model) {
        true => Err(separated(objective, true, model.clone())),
        false => Ok(()),
    }
}

/// Whether every row is on the side of its class, beyond the rounding of the sum of its terms.
fn is_plane<B: Backend + ?Sized>(objective: &Objective<'_, B>, model: &Model<f64>) -> bool {
    least_share(objective, model) > rounding(model)
}

/// Whether some rows are moved towards their class and none away, but for rounding.
fn moves_rows_to_their_sides<B: Backend + ?Sized>(
    objective: &Objective<'_, B>,
    direction: &Model<f64>,
) -> bool {
    let mut back = direction.clone();
    back.weights.iter_mut().chain([&mut back.intercept]).for_each(|u| *u = -*u);
    let rounding = rounding(direction);
    least_share(objective, direction) >= -rounding && least_share(objective, &back) < -rounding
}

/// The share of its terms by which a sum of them may be off: that of so many roundings, of the
/// sum and of what the direction has been through.
fn rounding(model: &Model<f64>) -> f64 {
    16.0 * (model.weights().len() + 1) as f64 * f64::EPSILON
}

/// How far a direction moves the logits towards the classes observed at least, over rows that
/// count, as a share of what its terms add up to without their signs: only rounding beside the
/// terms makes a logit that does not move.
fn least_share<B: Backend + ?Sized>(objective: &Objective<'_, B>, direction: &Model<f64>) -> f64 {
    let (weights, intercept) = (direction.weights(), direction.intercept());
    let mut least = vec![f64::INFINITY; objective.data.segments()];
    objective.data.for_each_row(&mut least, |least, _, row, y| {
        let terms = row.iter().zip(weights).map(|(x, w)| x.widen() * w);
        let (z, size) = terms
            .fold((intercept, intercept.abs()), |(z, size), term| (z + term, size + term.abs()));
        let margin = if y { z } else { -z };
        *least = least.min(if size > 0.0 { margin / size } else { 0.0 });
    });
    -objective.data.peers().max(-least.into_iter().fold(f64::INFINITY, f64::min))
}

/// Fails where the data is separated; looks first at the rows that a model has on the wrong side.
fn refuse_separated<B: Backend + ?Sized>(
    objective: &Objective<'_, B>,
    basis: &Coordinates,
    model: &Model<f64>,
) -> Result<(), Error> {
    let start = basis.fold(model.weights(), model.intercept());
    if overlap_shows(objective, basis, &start) {
        return Ok(());
    }
    let mut sides = Sides::new(objective, basis);
    sides.direction(start).map_or(Ok(()), |direction| {
        let complete = sides.normals.is_empty() && is_plane(objective, &direction);
        Err(separated(objective, complete, direction))
    })
}

/// The error for a direction. Its columns are compared on a common scale.
fn separated<B: Backend + ?Sized>(
    objective: &Objective<'_, B>,
    complete: bool,
    direction: Model<f64>,
) -> Error {
    let own = objective.coordinates();
    let sample = objective.sample(sample_size(objective.dimension()));
    let measured = objective.basis_from(sample.as_ref()).ok();
    let scaled = measured.as_ref().map_or(Cow::Borrowed(own), |basis| own.composed(basis));
    let spread = |j| scaled.inverse_scale(j).recip();
    let moves = direction.weights().iter().enumerate().filter(|(_, weight)| **weight != 0.0);
    let mut columns: Vec<_> = moves.map(|(j, weight)| (weight.abs() * spread(j), j)).collect();
    columns.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let columns = columns.into_iter().map(|(_, j)| j).collect();
    Error::Separated { complete, direction: Box::new(direction), columns }
}

/// Whether a sample of the rows suffices to leave no direction: what it rules out stays so.
fn overlap_shows<B: Backend + ?Sized>(
    objective: &Objective<'_, B>,
    basis: &Coordinates,
    start: &[f64],
) -> bool {
    let Some(sample) = objective.sample(sample_size(start.len())) else { return false };
    let mut sides = Sides::new(&sample, basis);
    let none = sides.direction(start.to_vec()).is_none();
    none && sides.normals.len() == start.len()
}

/// The rows `vᵢ`, on columns centred and scaled.
struct Sides<'s, 'a, B: Backend + ?Sized> {
    objective: &'s Objective<'a, B>,
    basis: &'s Coordinates,
    /// What every direction is orthogonal to: orthonormal.
    normals: Vec<Vec<f64>>,
    segments: Vec<Segment>,
}

#[derive(Clone, Default)]
struct Segment {
    /// The lengths of its rows that count, without what is along the normals; 0 where nothing is
    /// left.
    lengths: Vec<f64>,
    /// The row that a direction moves away from its class most, and by how much it moves towards.
    worst: Option<(f64, Vec<f64>)>,
}

impl<'s, 'a, B: Backend + ?Sized> Sides<'s, 'a, B> {
    fn new(objective: &'s Objective<'a, B>, basis: &'s Coordinates) -> Self {
        let segments = vec![Segment::default(); objective.data.segments()];
        Self { objective, basis, normals: Vec::new(), segments }
    }

    /// A direction that moves every row of which something is left beside the normals towards its
    /// class, and no other one; `None` where none is found.
    fn direction(&mut self, start: Vec<f64>) -> Option<Model<f64>> {
        loop {
            self.measure();
            let hull = self.hull(&start)?;
            if !hull.holds_zero() {
                // Of a point near 0, what rounding leaves along the normals is a larger share.
                let proven = self.proven(&without(&self.normals, hull.nearest()));
                if proven.is_some() || hull.distance() > HULL_TOLERANCE {
                    return proven;
                }
            }
            let known = self.normals.len();
            for row in hull.spanning(RANK_TOLERANCE) {
                let left = without(&self.normals, row.to_vec());
                let length = norm(&left);
                if length > RANK_TOLERANCE {
                    self.normals.push(left.into_iter().map(|x| x / length).collect());
                }
            }
            if self.normals.len() == known {
                return None;
            }
        }
    }

    /// A direction, if it does what it is to do to the rows as they are.
    fn proven(&self, direction: &[f64]) -> Option<Model<f64>> {
        let mut raw = Model::zero(self.objective.ncols());
        self.basis.unfold_into(direction, &mut raw);
        let mut clean = raw.clone();
        self.basis.drop_small(&mut clean, RANK_TOLERANCE);
        [clean, raw].into_iter().find(|model| moves_rows_to_their_sides(self.objective, model))
    }

    /// Measures the rows.
    fn measure(&mut self) {
        let (basis, normals) = (self.basis, &self.normals);
        self.segments.fill(Segment::default());
        self.objective.data.for_each_row(&mut self.segments, |segment, _, row, y| {
            let signed = signed(basis, row, y);
            let length = norm(&signed);
            let left = if normals.is_empty() { length } else { norm(&without(normals, signed)) };
            segment.lengths.push(if left > RANK_TOLERANCE * length { left } else { 0.0 });
        });
    }

    /// The hull of as many of the rows as hold its point nearest to 0; `None` where there are no
    /// rows, or where it takes too many of them or too many passes.
    fn hull(&mut self, start: &[f64]) -> Option<Hull> {
        let mut hull = Hull::new(self.basis.dimension());
        let mut along = start.to_vec();
        for _ in 0..MAX_PASSES {
            let closer = hull.extend(self.worst(&along));
            if !closer || hull.holds_zero() {
                return (!hull.is_empty()).then_some(hull);
            }
            if hull.numbers() > MAX_STORED_NUMBERS {
                return None;
            }
            along = hull.nearest();
        }
        None
    }

    /// Rows that a direction moves away from their class, or towards it least; the same in all
    /// processes.
    fn worst(&mut self, along: &[f64]) -> Vec<Vec<f64>> {
        let basis = self.basis;
        self.objective.data.for_each_row(&mut self.segments, |segment, index, row, y| {
            let length = segment.lengths[index];
            if length > 0.0 {
                let moved = moved(basis, row, y, along) / length;
                if segment.worst.as_ref().is_none_or(|(least, _)| moved < *least) {
                    segment.worst = Some((moved, signed(basis, row, y)));
                }
            }
        });
        let mut worst: Vec<_> =
            self.segments.iter_mut().filter_map(|segment| segment.worst.take()).collect();
        worst.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let rows = worst.into_iter().map(|(_, row)| {
            let row = without(&self.normals, row);
            let length = norm(&row);
            row.into_iter().map(|x| x / length).collect()
        });
        self.objective.data.peers().share(rows, ROWS_PER_PASS, along.len())
    }
}

/// A row, centred and scaled, times -1 where its class is 0.
fn signed<F: Float>(basis: &Coordinates, row: &[F], y: bool) -> Vec<f64> {
    let sign = if y { 1.0 } else { -1.0 };
    let scaled = |(j, x): (usize, &F)| sign * (x.widen() - basis.mean(j)) * basis.inverse_scale(j);
    let intercept = basis.fit_intercept().then_some(sign);
    row.iter().enumerate().map(scaled).chain(intercept).collect()
}

/// How far a direction moves a row towards its class.
fn moved<F: Float>(basis: &Coordinates, row: &[F], y: bool, along: &[f64]) -> f64 {
    let (weights, intercept) = along.split_at(row.len());
    let term =
        |(j, (x, u)): (usize, (&F, &f64))| (x.widen() - basis.mean(j)) * basis.inverse_scale(j) * u;
    let intercept = intercept.first().copied().unwrap_or(0.0);
    let moved = row.iter().zip(weights).enumerate().map(term).sum::<f64>() + intercept;
    if y { moved } else { -moved }
}
