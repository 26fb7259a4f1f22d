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
//! They are positive where `(1 - qᵢ) tᵢ < 1` in all rows, which near an optimum is so. On separated
//! data some row has `(1 - qᵢ) tᵢ ≥ 1` wherever the fit stands. So second derivatives and a pass decide.
//!
//! The rounding e of the gradient moves a row's logit by `aᵢ·H⁻¹e` more. That counts against the proof: in
//! `f32` the slope along a separated column is nothing but rounding from logits of 17 on.

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

/// The largest `(1 - qᵢ) tᵢ` that proves an optimum: half of what exact arithmetic asks.
const MARGIN: f64 = 0.5;
/// Newton's steps over a sample at most,
const SAMPLE_STEPS: usize = 10;
/// each of which takes about so many passes over it; together they take no more than a tenth of a pass
/// over all rows, for where a level is rare in the sample they prove nothing.
const PASSES_OF_STEP: usize = 3;
/// Newton's steps over all rows, from the end of a fit.
const STEPS: usize = 2;

/// What second derivatives say at a point.
pub(crate) enum Verdict {
    /// There is an optimum.
    Exists,
    /// There may be none: Newton's step, to be added, moves some row too far to its side.
    Open { step: Vec<f64> },
}

/// Whether there is an optimum for certain. What a sample of the rows rules out, more rows do not
/// allow; so it is asked first. No direction has a share of the `penalised` columns.
///
/// # Errors
/// Where the spread of a column is out of range.
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
    // Columns that depend on others at this point, where rows have lost their curvature, may not do
    // so otherwise: then nothing is said of them.
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

/// The columns left out of a proof that no direction along the others separates, or else the last
/// step.
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

/// A step that rounding of the gradient may make, several times over: slopes as far off as they
/// can be, with mixed signs.
fn rounding_of_step<B: Backend + ?Sized>(
    objective: &Objective<'_, B>,
    basis: &Coordinates,
    curvature: &Curvature,
    loss: f64,
) -> Vec<f64> {
    const SAFETY: f64 = 8.0;
    let mut slopes = objective.rounding_of_slopes(basis, loss);
    let signed = |(j, slope): (usize, &mut f64)| {
        // The parity of the bits: no column of a design repeats it (Thue and Morse).
        *slope *= if j.count_ones() % 2 == 0 { SAFETY } else { -SAFETY };
    };
    slopes.iter_mut().enumerate().for_each(signed);
    curvature.solved_folded(slopes)
}
