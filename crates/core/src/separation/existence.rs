//! A proof that there is an optimum, from the point that a fit has reached.
//!
//! By Stiemke's theorem, no direction separates the classes if and only if some `λᵢ > 0` have
//! `Σ λᵢ sᵢ aᵢ = 0`. Here `aᵢ` is a row with the intercept's 1, and `sᵢ = ±1` is its class
//! (Stiemke, *Über positive Lösungen homogener linearer Gleichungen*, 1915). The residuals
//! `qᵢ = |yᵢ - pᵢ|` times the rows' weights satisfy this but for the gradient g. Those that follow
//! from Newton's step satisfy it exactly:
//!
//! ```text
//! λᵢ = ωᵢ qᵢ (1 - (1 - qᵢ) tᵢ)        tᵢ = -sᵢ aᵢ·H⁻¹g, the step of the logit to its side
//! ```
//!
//! They are positive if `(1 - qᵢ) tᵢ < 1` in all rows, as it is near an optimum. On separated data,
//! some row has `(1 - qᵢ) tᵢ ≥ 1` at every point. So second derivatives and a pass decide.
//!
//! The rounding e of the gradient moves a row's logit by `aᵢ·H⁻¹e` more. That counts against the
//! proof: in `f32`, from logits of 17 on, the slope along a separated column is only rounding.

use num_traits::Zero;

use crate::backend::contract::Backend;
use crate::backend::error::Error;
use crate::linalg::factor::Factor;
use crate::linalg::vectors::widen;
use crate::numbers::float::Float;
use crate::objective::Objective;
use crate::objective::columns::coordinates::Coordinates;
use crate::objective::curvature::Curvature;
use crate::objective::data::rows::sample_size;
use crate::objective::evaluation::Evaluation;
use crate::objective::sums::row_curvature::RowCurvature;

/// The largest `(1 - qᵢ) tᵢ` that proves an optimum: half of the limit in exact arithmetic.
const MARGIN: f64 = 0.5;
/// The largest number of Newton steps over a sample. They take no more than a tenth of a pass over
/// all rows, because they prove nothing where a level is rare in the sample.
const SAMPLE_STEPS: usize = 10;
/// The cost of a Newton step over a sample, in passes over it.
const PASSES_OF_STEP: usize = 3;
/// The number of Newton steps over all rows, from the end of a fit.
const STEPS: usize = 2;

/// What second derivatives say at a point.
pub(crate) enum Verdict {
    /// There is an optimum.
    Exists,
    /// There may be none: Newton's step, which is to be added, moves some row too far to its side.
    Open { step: Vec<f64> },
}

/// Whether there is certainly an optimum. The sample is checked first: a direction that it rules
/// out stays ruled out with more rows. Only directions without `penalised` columns count.
///
/// # Errors
/// If the spread of a column is out of range.
pub(crate) fn verdict<B: Backend + ?Sized>(
    objective: &mut Objective<'_, B>,
    point: &Evaluation<B::Scalar>,
    penalised: &[usize],
) -> Result<Verdict, Error> {
    let order = objective.dimension();
    let affordable = |sample: &Objective<'_, B>| {
        SAMPLE_STEPS.min(objective.nrows() / (10 * PASSES_OF_STEP * sample.nrows()))
    };
    if let Some(mut sample) = objective.sample(sample_size(order))
        && let steps @ 1.. = affordable(&sample)
    {
        let mut basis = sample.basis()?;
        basis.leave_out(penalised);
        let point = sample.evaluate(&point.at[..]);
        let left_out = proven_but_for(&mut sample, &basis, point, steps);
        if left_out.is_ok_and(|columns| columns == penalised) {
            return Ok(Verdict::Exists);
        }
    }
    let mut basis = objective.basis()?;
    basis.leave_out(penalised);
    let left_out = match proven_but_for(objective, &basis, point.clone(), STEPS) {
        Ok(columns) => columns,
        Err(step) => return Ok(Verdict::Open { step }),
    };
    // Where rows have lost their curvature, columns may depend on others at this point only.
    // Nothing is proven about such columns.
    if left_out == penalised || left_out == dependent_columns(objective, &basis) {
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
    gram.factor().map_or_else(Vec::new, sorted_left_out)
}

fn sorted_left_out(factor: &Factor) -> Vec<usize> {
    let mut columns: Vec<usize> = factor.left_out().collect();
    columns.sort_unstable();
    columns
}

/// The columns left out of a proof that no direction along the other columns separates. Without a
/// proof, the last step.
fn proven_but_for<B: Backend + ?Sized>(
    objective: &mut Objective<'_, B>,
    basis: &Coordinates,
    mut point: Evaluation<B::Scalar>,
    steps: usize,
) -> Result<Vec<usize>, Vec<f64>> {
    let mut last = Vec::new();
    for step in 1..=steps {
        let curvature = objective.curvature(&point.at, basis, RowCurvature::Exact);
        last = curvature.solved(&widen(&point.gradient));
        last.iter_mut().for_each(|by| *by = -*by);
        let off = rounding_of_step(objective, basis, &curvature, point.loss);
        let [by, off] =
            [&last, &off].map(|v| v.iter().map(|&v| B::Scalar::narrow(v)).collect::<Vec<_>>());
        let proven = objective.largest_shift(&point.at, &by, &off) <= MARGIN;
        if let (true, Some(factor)) = (proven, curvature.factor()) {
            return Ok(sorted_left_out(factor));
        }
        let next = point.at.iter().zip(&last).map(|(at, by)| B::Scalar::narrow(at.widen() + by));
        let next: Vec<_> = next.collect();
        if step < steps {
            point = objective.evaluate(next);
        }
    }
    Err(last)
}

/// The step that rounding of the gradient may cause, times a safety factor. The slopes have their
/// largest errors, with mixed signs.
fn rounding_of_step<B: Backend + ?Sized>(
    objective: &Objective<'_, B>,
    basis: &Coordinates,
    curvature: &Curvature,
    loss: f64,
) -> Vec<f64> {
    const SAFETY: f64 = 8.0;
    let mut slopes = objective.rounding_of_slopes(basis, loss);
    let signed = |(j, slope): (usize, &mut f64)| {
        // The sign is the parity of the bits of j (Thue and Morse): no column of a design repeats
        // it.
        *slope *= if j.count_ones() % 2 == 0 { SAFETY } else { -SAFETY };
    };
    slopes.iter_mut().enumerate().for_each(signed);
    curvature.solved_folded(slopes)
}
