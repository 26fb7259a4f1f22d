//! The proof that classes can be told apart without error, so that there is no optimum.

use num_traits::Float as _;

use crate::coordinates::Coordinates;
use crate::quadratic::add_multiple;
use crate::quasi_newton::{Point, widen};
use crate::{Backend, Error, Float, Model, Objective};

/// From this logit on it is worth asking whether the data is separated.
const LARGE_LOGIT: f64 = 15.0;

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
    /// Fails where a point or the step from there prove that there is no optimum; looks only where
    /// a logit is suspiciously large, or just large at the `end`.
    ///
    /// `basis` has the scale of the columns where the objective's coordinates have none.
    pub(crate) fn check<B: Backend + ?Sized>(
        &mut self,
        objective: &mut Objective<'_, B>,
        basis: &Coordinates,
        point: &Point<B::Scalar>,
        step: &[f64],
        end: bool,
    ) -> Result<(), Error> {
        let logit = if end { LARGE_LOGIT } else { self.logit };
        if objective.l2() > 0.0 {
            return Ok(());
        }
        let largest = objective.largest(point.own_largest_logit);
        if largest > logit {
            self.logit = 1.5 * largest;
            refuse_separated(objective, basis, &point.at, step)?;
        }
        Ok(())
    }
}

/// Fails where moving along the parameters or the step takes no logit away from the class observed,
/// and some of them towards it.
fn refuse_separated<B: Backend + ?Sized>(
    objective: &mut Objective<'_, B>,
    basis: &Coordinates,
    at: &[B::Scalar],
    step: &[f64],
) -> Result<(), Error> {
    let at = direction(objective, &widen(at));
    if is_plane(objective, &at) {
        return Err(Error::Separated { complete: true, direction: Box::new(at) });
    }
    // What counts as nothing in a step.
    let rounding = B::Scalar::epsilon().widen().cbrt();
    let back: Vec<f64> = step.iter().map(|step| -step).collect();
    let mut direction = direction(objective, &back);
    let own = objective.coordinates();
    let scales = if own.is_standardized() { own } else { basis };
    scales.drop_small(&mut direction, rounding);
    let (least, most) = objective.margins(&direction);
    // A step makes the logits that grow without bound grow by 1.
    if least < -rounding || most < 0.5 {
        return Ok(());
    }
    // Rows that the step hardly moves may be on their sides already.
    let far = LENGTHS.map(|length| sum(&at, length, &direction));
    let plane = [direction.clone()].into_iter().chain(far).find(|far| is_plane(objective, far));
    let complete = plane.is_some();
    Err(Error::Separated { complete, direction: Box::new(plane.unwrap_or(direction)) })
}

/// Whether every row is on the side of its class, beyond the rounding of the sum of its terms.
fn is_plane<B: Backend + ?Sized>(objective: &mut Objective<'_, B>, model: &Model<f64>) -> bool {
    let terms = model.weights().len() + 1;
    objective.margins(model).0 > terms as f64 * f64::EPSILON
}

/// Multiples of a step to look for a plane between the classes at.
const LENGTHS: [f64; 4] = [1.0, 8.0, 64.0, 512.0];

/// `from + length · along`
fn sum(from: &Model<f64>, length: f64, along: &Model<f64>) -> Model<f64> {
    let mut sum = from.clone();
    add_multiple(&mut sum.weights, length, &along.weights);
    sum.intercept += length * along.intercept;
    sum
}

fn direction<B: Backend + ?Sized>(objective: &Objective<'_, B>, parameters: &[f64]) -> Model<f64> {
    let mut model = Model::zero(objective.ncols());
    objective.coordinates().unfold_into(parameters, &mut model);
    model
}
