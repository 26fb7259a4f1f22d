//! Whether the classes are separated, so that there is no optimum: decided, and proven.
//!
//! Let `vᵢ` be row `i` with the intercept's 1, times -1 if its class is 0. There is no optimum if
//! and only if some direction `u` has `vᵢ·u ≥ 0` in all rows, and not 0 in all (Albert and
//! Anderson, 1984). Lengths do not matter, so each `vᵢ` is scaled to length 1.
//!
//! Take the point nearest to 0 in the convex hull of the `vᵢ` (Wolfe, *Finding the nearest point in
//! a polytope*, 1976). If it is not 0, it is such a direction, a plane between the classes. If it
//! is 0, it is a mean of some rows. None of these can move to its side without moving another away,
//! so all directions are orthogonal to them. The search continues with the parts of the other rows
//! that are orthogonal to them. It ends with a plane for all rows that have such a part, or when no
//! row has one.

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

/// The logit from which on a fit checks whether all rows are on the sides of their classes.
const LARGE_LOGIT: f64 = 15.0;
/// The growth of the largest logit after which a fit checks again.
const LOGIT_GROWTH: f64 = std::f64::consts::SQRT_2;
/// The logit from which on the end of a fit checks. It is lower, because the logits of a few rows
/// may not be large yet. Many rows may share the loss, the precision may be low, or a solver may
/// stop too early.
const NOTABLE_LOGIT: f64 = 8.0;
/// The multiple of `ln 2 / n` above which a mean loss hardly leaves all rows on their sides. A row
/// on the other side has a loss of ln 2 or more.
const PLANE_LOSS: f64 = 8.0;
/// The shares of its largest component below which components of Newton's step may be dropped.
const NEGLIGIBLE_SHARES: [f64; 2] = [1e-6, 1e-3];
/// The length below which the rest of a row of length 1 is only rounding.
const RANK_TOLERANCE: f64 = 1e-10;
/// The distance up to which a hull may contain 0, because rows with a small rest have larger
/// rounding errors.
const HULL_TOLERANCE: f64 = 1e-8;
/// The largest number of rows taken from a pass, of those that a direction moves the wrong way.
const ROWS_PER_PASS: usize = 64;
/// The number of passes after which the question is left open.
const MAX_PASSES: usize = 1000;
/// The largest number of matrix elements that are held of rows: those of a square of 2048.
const MAX_STORED_NUMBERS: usize = 1 << 22;

/// When to check whether the data is separated.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Suspicion {
    /// The logit from which on to check again.
    logit: f64,
}

impl Default for Suspicion {
    fn default() -> Self {
        Self { logit: LARGE_LOGIT }
    }
}

impl Suspicion {
    /// Fails if the classes are separated at a point of a fit.
    pub(crate) fn check_on_the_way<B: Backend + ?Sized>(
        &mut self,
        objective: &mut Objective<'_, B>,
        point: &Evaluation<B::Scalar>,
    ) -> Result<(), Error> {
        if !may_separate(objective) {
            return Ok(());
        }
        let largest = objective.data.peers().max(point.own_largest_logit);
        let all_free = objective.penalty().is_none();
        if largest <= self.logit || all_free && !may_be_plane(objective, point.loss) {
            return Ok(());
        }
        self.logit = LOGIT_GROWTH * largest;
        match all_free {
            true => refuse_plane(objective, &model_at(objective, &point.at)),
            // The model's own direction has penalised columns too.
            false => check_at_the_end(objective, point),
        }
    }
}

/// Fails if the data is proven to have no optimum, at the end of a fit. It checks only if the
/// largest logit of all processes is notable.
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
        // If the spread of a column is out of range, the question stays open.
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

/// Fails if Newton's step separates, apart from its small components.
///
/// On separated data, all steps follow the same direction. They hardly move along columns that have
/// reached their best values.
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

/// Whether some weight can grow without a penalty.
fn may_separate<B: Backend + ?Sized>(objective: &Objective<'_, B>) -> bool {
    let penalty = objective.penalty();
    penalty.is_none() || penalty.free_columns().next().is_some()
}

/// The columns that no separating direction can have.
fn penalised_columns<B: Backend + ?Sized>(objective: &Objective<'_, B>) -> Vec<usize> {
    let penalty = objective.penalty();
    if penalty.is_none() {
        return Vec::new();
    }
    (0..objective.ncols()).filter(|&column| penalty.factor(column) > 0.0).collect()
}

/// Whether the loss is small enough for all rows to be on the sides of their classes, or nearly.
fn may_be_plane<B: Backend + ?Sized>(objective: &Objective<'_, B>, loss: f64) -> bool {
    loss * objective.nrows() as f64 <= PLANE_LOSS * std::f64::consts::LN_2
}

fn model_at<B: Backend + ?Sized>(objective: &Objective<'_, B>, at: &[B::Scalar]) -> Model<f64> {
    let mut model = Model::zero(objective.ncols());
    objective.coordinates().unfold_into(at, &mut model);
    model.widen()
}

/// Fails if a model has all rows on the sides of their classes.
fn refuse_plane<B: Backend + ?Sized>(
    objective: &Objective<'_, B>,
    model: &Model<f64>,
) -> Result<(), Error> {
    match is_plane(objective, model) {
        true => Err(separated(objective, true, model.clone())),
        false => Ok(()),
    }
}

/// Whether every row is on the side of its class, by more than the rounding of its logit.
fn is_plane<B: Backend + ?Sized>(objective: &Objective<'_, B>, model: &Model<f64>) -> bool {
    least_share(objective, model) > rounding(model)
}

/// Whether a direction moves some rows towards their class and none away, up to rounding.
fn moves_rows_to_their_sides<B: Backend + ?Sized>(
    objective: &Objective<'_, B>,
    direction: &Model<f64>,
) -> bool {
    let mut back = direction.clone();
    back.weights.iter_mut().chain([&mut back.intercept]).for_each(|u| *u = -*u);
    let rounding = rounding(direction);
    least_share(objective, direction) >= -rounding && least_share(objective, &back) < -rounding
}

/// The rounding error of a logit as a share of its terms: that of the sum, and of the direction.
fn rounding(model: &Model<f64>) -> f64 {
    16.0 * (model.weights().len() + 1) as f64 * f64::EPSILON
}

/// The smallest move of a logit towards its observed class, over rows that count. It is a share of
/// the sum of the absolute values of the logit's terms. A share within rounding is no move.
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

/// Fails if the data is separated. It looks first at the rows on the wrong side of a model.
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

/// Whether a sample of the rows rules out every direction. More rows cannot allow one again.
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

/// The rows `vᵢ`, on centred and scaled columns.
struct Sides<'s, 'a, B: Backend + ?Sized> {
    objective: &'s Objective<'a, B>,
    basis: &'s Coordinates,
    /// Orthonormal vectors, to which every direction is orthogonal.
    normals: Vec<Vec<f64>>,
    segments: Vec<Segment>,
}

#[derive(Clone, Default)]
struct Segment {
    /// The lengths of its rows that count, without their parts along the normals. 0 where nothing
    /// is left.
    lengths: Vec<f64>,
    /// The row that a direction moves farthest away from its class, and its move towards the class.
    worst: Option<(f64, Vec<f64>)>,
}

impl<'s, 'a, B: Backend + ?Sized> Sides<'s, 'a, B> {
    fn new(objective: &'s Objective<'a, B>, basis: &'s Coordinates) -> Self {
        let segments = vec![Segment::default(); objective.data.segments()];
        Self { objective, basis, normals: Vec::new(), segments }
    }

    /// A direction that moves towards its class every row with a part orthogonal to the normals,
    /// and moves no other row. `None` if none is found.
    fn direction(&mut self, start: Vec<f64>) -> Option<Model<f64>> {
        loop {
            self.measure();
            let hull = self.hull(&start)?;
            if !hull.holds_zero() {
                // Near 0, the rounding that is left along the normals is a larger share of the
                // point.
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

    /// The direction as a model, if it moves the rows themselves to their sides.
    fn proven(&self, direction: &[f64]) -> Option<Model<f64>> {
        let mut raw = Model::zero(self.objective.ncols());
        self.basis.unfold_into(direction, &mut raw);
        let mut clean = raw.clone();
        self.basis.drop_small(&mut clean, RANK_TOLERANCE);
        [clean, raw].into_iter().find(|model| moves_rows_to_their_sides(self.objective, model))
    }

    /// Measures the parts of the rows that are orthogonal to the normals.
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

    /// The hull of the rows that determine its point nearest to 0. `None` if there are no rows, or
    /// if it takes too many rows or passes.
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

    /// The rows that a direction moves away from their class, or least towards it. They are the
    /// same in all processes.
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

/// A row, centred and scaled, times -1 if its class is 0.
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
