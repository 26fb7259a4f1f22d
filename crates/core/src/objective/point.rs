//! A point with what is known there.

use crate::backend::contract::Backend;
use crate::numbers::float::Float;
use crate::objective::Objective;

/// A point with what is known there.
#[derive(Clone)]
pub(crate) struct Point<F> {
    pub(crate) at: Vec<F>,
    pub(crate) loss: f64,
    pub(crate) gradient: Vec<F>,
}

impl<F: Float> Point<F> {
    pub(crate) fn new<B>(objective: &mut Objective<'_, B>, at: Vec<F>) -> Self
    where
        B: Backend<Scalar = F> + ?Sized,
    {
        let mut gradient = at.clone();
        let loss = objective.evaluate(&at, &mut gradient);
        Self { at, loss, gradient }
    }

    /// The point to start from: the one given, or the model of no columns where that is better.
    pub(crate) fn start<B>(objective: &mut Objective<'_, B>, at: Vec<F>) -> Self
    where
        B: Backend<Scalar = F> + ?Sized,
    {
        if objective.is_plain(&at) {
            let null = objective.better_start(&at, std::f64::consts::LN_2);
            return Self::new(objective, null.unwrap_or(at));
        }
        let point = Self::new(objective, at);
        match objective.better_start(&point.at, point.loss) {
            Some(null) => Self::new(objective, null),
            None => point,
        }
    }
}
