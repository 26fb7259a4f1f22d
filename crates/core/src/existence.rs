//! A proof that there is an optimum, from where a fit has come to.
//!
//! By Stiemke's theorem no direction separates the classes exactly if there are `λᵢ > 0` with
//! `Σ λᵢ sᵢ aᵢ = 0`, where `aᵢ` is a row, the intercept's 1 included, and `sᵢ = ±1` its class
//! (Stiemke, *Über positive Lösungen homogener linearer Gleichungen*, 1915). The residuals
//! `qᵢ = |yᵢ - pᵢ|` times the rows' weights satisfy that but for the gradient g, and those that follow
//! from Newton's step satisfy it exactly:
//!
//! ```text
//! λᵢ = ωᵢ qᵢ (1 - (1 - qᵢ) tᵢ)        tᵢ = -sᵢ aᵢ·H⁻¹g, by how much the step moves the logit to its side
//! ```
//!
//! The gradient's rounding e moves a row's logit by `aᵢ·H⁻¹e` more, which is at most `√(eᵀH⁻¹e / wᵢ)`, with
//! `wᵢ = ωᵢ qᵢ (1 - qᵢ) / Σω` the share of the row in H, and counts against the proof.
//! They are positive where `(1 - qᵢ) tᵢ < 1` in all rows, which near an optimum is so. On separated
//! data some row has `(1 - qᵢ) tᵢ ≥ 1` wherever the fit stands. So second derivatives and a pass decide.

use num_traits::Zero;

use crate::coordinates::Coordinates;
use crate::curvature::RowCurvature;
use crate::quasi_newton::{Point, widen};
use crate::rows::sample_size;
use crate::{Backend, Error, Float, Objective};

/// The largest `(1 - qᵢ) tᵢ` that proves an optimum: half of what exact arithmetic asks.
const MARGIN: f64 = 0.5;
/// Newton's steps over a sample, which cost little,
const SAMPLE_STEPS: usize = 10;
/// and over all rows, from the end of a fit.
const STEPS: usize = 2;

/// What second derivatives say at a point.
pub(crate) enum Verdict {
    /// There is an optimum.
    Exists,
    /// There may be none: Newton's step, to be added, moves some row too far to its side.
    Open { step: Vec<f64> },
}

/// Whether there is an optimum for certain. What a sample of the rows rules out, more rows do not
/// allow; so it is asked first.
///
/// # Errors
/// Where the spread of a column is out of range.
pub(crate) fn verdict<B: Backend + ?Sized>(
    objective: &mut Objective<'_, B>,
    point: &Point<B::Scalar>,
) -> Result<Verdict, Error> {
    let order = objective.dimension();
    if let Some(mut sample) = objective.sample(sample_size(order)) {
        let basis = sample.basis()?;
        let point = Point::new(&mut sample, point.at.clone());
        if proven_rank(&mut sample, &basis, point, SAMPLE_STEPS) == Ok(order) {
            return Ok(Verdict::Exists);
        }
    }
    let basis = objective.basis()?;
    let rank = match proven_rank(objective, &basis, point.clone(), STEPS) {
        Ok(rank) => rank,
        Err(step) => return Ok(Verdict::Open { step }),
    };
    // Columns that depend on others at this point, where rows have lost their curvature, may not do
    // so otherwise: then nothing is said of them.
    if rank == order || rank == order - dependent_columns(objective, &basis).len() {
        return Ok(Verdict::Exists);
    }
    Ok(Verdict::Open { step: vec![0.0; order] })
}

/// The columns that depend on others, whatever the rows' probabilities are.
pub(crate) fn dependent_columns<B: Backend + ?Sized>(
    objective: &mut Objective<'_, B>,
    basis: &Coordinates,
) -> Vec<usize> {
    let zeros = vec![B::Scalar::zero(); objective.dimension()];
    let gram = objective.curvature(&zeros, basis, RowCurvature::One);
    gram.factor().map_or_else(Vec::new, |factor| factor.left_out().collect())
}

/// Of how many independent columns it is proven that no direction along them separates, or else
/// the last step.
fn proven_rank<B: Backend + ?Sized>(
    objective: &mut Objective<'_, B>,
    basis: &Coordinates,
    mut point: Point<B::Scalar>,
    steps: usize,
) -> Result<usize, Vec<f64>> {
    let mut last = Vec::new();
    for step in 1..=steps {
        let curvature = objective.curvature(&point.at, basis, RowCurvature::Exact);
        last = curvature.solved(&widen(&point.gradient));
        last.iter_mut().for_each(|by| *by = -*by);
        let next = point.at.iter().zip(&last).map(|(at, by)| at.widen() + by);
        let next: Vec<_> = next.map(B::Scalar::narrow).collect();
        if let Some(factor) = curvature.factor() {
            let rounding = objective.rounding_of_decrement(point.loss, basis, factor).sqrt();
            if objective.largest_shift(&point.at, &next, rounding) <= MARGIN {
                return Ok(point.at.len() - factor.left_out().count());
            }
        }
        if step < steps {
            point = Point::new(objective, next);
        }
    }
    Err(last)
}
