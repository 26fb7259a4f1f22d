//! Whether a model is the optimum for some data.

use crate::backend::contract::Backend;
use crate::backend::error::Error;
use crate::backend::model::Model;
use crate::fit::explain;
use crate::inference::information::Information;
use crate::linalg::vectors::{dot, widen};
use crate::objective::Objective;
use crate::objective::evaluation::Evaluation;
use crate::separation;

/// A model this many standard errors from the optimum or nearer is as good as the optimum.
const MAX_DISTANCE: f64 = 0.01;

/// The objective at some parameters; fails with the reason where it is not finite.
pub(super) fn evaluated<B: Backend + ?Sized>(
    objective: &mut Objective<'_, B>,
    at: Vec<B::Scalar>,
) -> Result<Evaluation<B::Scalar>, Error> {
    let evaluation = objective.evaluate(at);
    if evaluation.is_finite() {
        return Ok(evaluation);
    }
    let model = objective.coordinates().unfold(&evaluation.at)?.widen();
    explain::start(objective.data.x, objective, &model, evaluation.loss)?;
    Err(Error::InitialLoss { loss: evaluation.loss })
}

/// Fails where a model is not the optimum, or where there is none.
pub(super) fn check<B: Backend + ?Sized>(
    objective: &mut Objective<'_, B>,
    evaluation: &Evaluation<B::Scalar>,
    information: &Information,
) -> Result<(), Error> {
    check_distance(objective, evaluation, information, &widen(&evaluation.gradient))?;
    separation::check_at_the_end(objective, evaluation)
}

/// Fails where a gradient, or what of it should be 0, tells that the optimum is elsewhere.
///
/// The Newton step is the way to the optimum. The distance in standard errors is the length of that step in
/// the norm of the information. No combination of coefficients is further away.
pub(super) fn check_distance<B: Backend + ?Sized>(
    objective: &Objective<'_, B>,
    evaluation: &Evaluation<B::Scalar>,
    information: &Information,
    gradient: &[f64],
) -> Result<(), Error> {
    let whitened = information.whitened(gradient);
    let distance = (information.total * dot(&whitened, &whitened)).sqrt();
    let accepted = MAX_DISTANCE + hidden(objective, evaluation, information).sqrt();
    match distance <= accepted {
        true => Ok(()),
        false => Err(Error::NotOptimum { distance, accepted }),
    }
}

/// The square of the distance from the optimum, in standard errors, that rounding may hide.
pub(super) fn hidden<B: Backend + ?Sized>(
    objective: &Objective<'_, B>,
    evaluation: &Evaluation<B::Scalar>,
    information: &Information,
) -> f64 {
    let (loss, basis, factor) = (evaluation.loss, information.basis(), information.factor());
    let of_gradient = objective.rounding_of_decrement(loss, basis, factor);
    let of_logits = objective.hidden_by_logits(&evaluation.at, loss, basis);
    information.total * (of_gradient + of_logits)
}

/// The same model with weights of 0 for columns that depend on others.
pub(super) fn without_dependent(information: &Information, model: Model<f64>) -> Model<f64> {
    let basis = information.basis();
    let is_zero = |&j: &usize| model.weights().get(j).is_none_or(|weight| *weight == 0.0);
    if information.left_out().iter().all(is_zero) {
        return model;
    }
    let mut parameters = basis.fold(model.weights(), model.intercept());
    information.factor().replace_left_out(&mut parameters);
    let mut model = model;
    basis.unfold_into(&parameters, &mut model);
    model
}
