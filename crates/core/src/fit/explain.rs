//! Why a fit cannot start: searched when it has failed, so that good data is never searched.

use num_traits::{Float as _, One, Zero};

use crate::backend::contract::{Backend, check_finite, check_products, in_range};
use crate::backend::error::Error;
use crate::backend::model::Model;
use crate::numbers::float::Float;
use crate::objective::Objective;
use crate::objective::penalty::Penalty;

/// Fails, the same in all processes, with the reason why the `loss` or its gradient is not finite at
/// the model that a fit starts from.
pub(crate) fn start<B: Backend + ?Sized>(
    x: &B,
    objective: &mut Objective<'_, B>,
    model: &Model<f64>,
    loss: f64,
) -> Result<(), Error> {
    let model: Model<B::Scalar> = model.cast()?;
    let rows = 0..x.nrows();
    let products = check_finite(x, rows.clone());
    x.peers().agree(products.and_then(|()| check_products(x, rows, model.weights())))?;
    let penalized = !objective.penalty().is_none();
    objective.set_penalty(Penalty::NONE);
    let at = objective.coordinates().fold(model.weights(), model.intercept());
    let start = objective.evaluate(at);
    let (fit_loss, slopes) = (start.loss, &start.gradient[..x.ncols()]);
    if let Some(column) = slopes.iter().position(|slope| !slope.is_finite())
        && fit_loss.is_finite()
    {
        let largest_weight = objective.data.observed.largest_weight();
        check_sums(x, column, largest_weight, slopes[column].widen())?;
        return Err(Error::ColumnSize { column, precision: B::Scalar::NAME });
    }
    match penalized || !fit_loss.is_finite() {
        true => Err(Error::InitialLoss { loss }),
        false => Ok(()),
    }
}

/// Fails where the backend is to blame for the `value` of a sum over a column, times factors up to
/// `factor`: such a sum cannot leave the range of the precision.
fn check_sums<B: Backend + ?Sized>(
    x: &B,
    column: usize,
    factor: f64,
    value: f64,
) -> Result<(), Error> {
    let mut unit = vec![B::Scalar::zero(); x.ncols()];
    unit[column] = B::Scalar::one();
    let mut elements = vec![B::Scalar::zero(); x.nrows()];
    x.matvec(0..x.nrows(), &unit, &mut elements);
    let mut size = [elements.iter().map(|x| x.widen().abs() * factor).sum()];
    x.peers().sum(&mut size);
    if !in_range::<B::Scalar>(size[0]) {
        return Ok(());
    }
    let (method, place) = ("matvec_transpose", format!("column {column}"));
    Err(Error::BackendProduct { method, place, value })
}
