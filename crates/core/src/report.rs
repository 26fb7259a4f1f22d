//! What a fit tells about itself.

use std::fmt;
use std::ops::ControlFlow;

use crate::coordinates::Coordinates;
use crate::{Backend, Error, Float, Model, Objective};

/// Why a fit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StopReason {
    /// The solver's tolerance is met.
    Converged,
    /// No step changes the loss by more than its rounding: nearer to the optimum than the tolerance
    /// asks cannot be reached in this precision.
    PrecisionLimit,
    /// All iterations were made.
    MaxIterations,
    /// The observer asked for it.
    Observer,
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            StopReason::Converged => "converged",
            StopReason::PrecisionLimit => "precision limit",
            StopReason::MaxIterations => "max iterations",
            StopReason::Observer => "observer",
        })
    }
}

/// The course of a fit and how it ended.
///
/// Losses are those of the [`Objective`](crate::Objective), penalty included, over all rows.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// Why the fit ended.
    pub stop: StopReason,
    /// The number of iterations made.
    pub iterations: usize,
    /// How often the matrix was read, in the number of its rows: for losses, gradients, second
    /// derivatives and the scale of columns, over all rows or a sample.
    pub passes: f64,
    /// The loss at the start of every iteration: `iterations` numbers, the first of them that of
    /// the initial parameters.
    pub losses: Vec<f64>,
    /// The largest component of the gradient there, in absolute value; with an L1 penalty that of
    /// the least subgradient.
    pub gradient_norms: Vec<f64>,
    /// The loss of the model returned.
    pub loss: f64,
    /// The largest component of its gradient in absolute value.
    pub gradient_norm: f64,
    /// How far the loss is estimated to lie above its minimum, by solvers that know of second
    /// derivatives: half the squared Newton decrement (Boyd and Vandenberghe, *Convex
    /// Optimization*, 2004, section 9.5.1). With an L1 penalty it is a bound from the gradient: see
    /// [`ProximalNewton::tolerance`](crate::ProximalNewton::tolerance).
    pub suboptimality: Option<f64>,
    /// The lowest loss seen at the start of an iteration or at the end.
    pub best_loss: f64,
    /// The iteration that started there; `iterations` where it is the model returned.
    pub best_iteration: usize,
}

impl Report {
    /// How far the loss of the model returned lies above the best one seen; 0 where it is the best.
    pub fn regression(&self) -> f64 {
        self.loss - self.best_loss
    }
}

/// The share of the loss from which a regression is more than the rounding of either precision.
const NOTABLE: f64 = 1e-6;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.stop {
            StopReason::Converged => "the tolerance is met",
            StopReason::PrecisionLimit => "the limit of the precision",
            StopReason::MaxIterations => "the maximum was reached before the tolerance",
            StopReason::Observer => "the observer asked to stop",
        };
        let digits = usize::from(self.passes.fract() != 0.0);
        writeln!(
            f,
            "{} iterations, {:.digits$} reads of the data: {why}",
            self.iterations, self.passes
        )?;
        write!(f, "loss {:.6e}, gradient norm {:.1e}", self.loss, self.gradient_norm)?;
        if let Some(suboptimality) = self.suboptimality {
            write!(f, ", about {suboptimality:.1e} above the minimum")?;
        }
        // At the bottom the loss moves by its own rounding, about which there is nothing to say.
        if self.regression() > NOTABLE * self.best_loss {
            write!(
                f,
                "\nthe last loss is not the best: at iteration {} it was {:.6e}, lower by {:.3e}",
                self.best_iteration,
                self.best_loss,
                self.regression()
            )?;
        }
        Ok(())
    }
}

/// Where a fit stands at the start of an iteration, for an observer.
pub struct Progress<'a, F> {
    /// The number of iterations made so far.
    pub iteration: usize,
    /// The loss at the present parameters.
    pub loss: f64,
    /// The largest component of the gradient in absolute value.
    pub gradient_norm: f64,
    pub(crate) parameters: &'a [F],
    pub(crate) coordinates: &'a Coordinates,
}

impl<F: Float> Progress<'_, F> {
    /// The model at the present parameters, on the scale of the data.
    ///
    /// # Errors
    /// [`Error::NonFiniteParameter`] where the coefficients leave the range of the precision.
    pub fn model(&self) -> Result<Model<F>, Error> {
        self.coordinates.unfold(self.parameters)
    }
}

/// Called at the start of every iteration; `Break` ends the fit there.
pub(crate) type Observer<'a, F> = &'a mut dyn FnMut(&Progress<'_, F>) -> ControlFlow<()>;

/// What a [`Solver`](crate::Solver) has seen so far: it becomes the [`Report`].
pub struct Trace<'a, F> {
    observe: Observer<'a, F>,
    losses: Vec<f64>,
    gradient_norms: Vec<f64>,
    loss: f64,
    gradient_norm: f64,
    suboptimality: Option<f64>,
    best: Model<F>,
    best_loss: f64,
    best_iteration: usize,
}

impl<'a, F: Float> Trace<'a, F> {
    /// Nothing yet; `initial` is the model to start from.
    pub(crate) fn new(initial: Model<F>, observe: Observer<'a, F>) -> Self {
        Self {
            observe,
            losses: Vec::new(),
            gradient_norms: Vec::new(),
            loss: f64::INFINITY,
            gradient_norm: f64::INFINITY,
            suboptimality: None,
            best: initial,
            best_loss: f64::INFINITY,
            best_iteration: 0,
        }
    }

    /// Records the loss and its gradient at the parameters of the iteration that now starts;
    /// returns the largest component of the gradient in absolute value.
    ///
    /// # Errors
    /// [`Error::Diverged`] where any of them is not finite.
    pub fn record<B: Backend<Scalar = F> + ?Sized>(
        &mut self,
        objective: &Objective<'_, B>,
        at: &[F],
        loss: f64,
        gradient: &[F],
    ) -> Result<f64, Error> {
        if !(loss.is_finite() && all_finite(gradient)) {
            return Err(Error::Diverged {
                iteration: self.losses.len(),
                loss,
                best: Box::new(self.best.widen()),
                best_loss: self.best_loss,
            });
        }
        self.loss = loss;
        self.gradient_norm = gradient.iter().fold(0.0, |max: f64, g| max.max(g.widen().abs()));
        if loss < self.best_loss {
            objective.coordinates().unfold_into(at, &mut self.best);
            (self.best_loss, self.best_iteration) = (loss, self.losses.len());
        }
        Ok(self.gradient_norm)
    }

    /// Records how far the loss is estimated to lie above its minimum.
    pub fn estimate(&mut self, suboptimality: f64) {
        self.suboptimality = Some(suboptimality);
    }

    /// Whether there is to be another iteration: `None`, or why not. Asks the observer.
    pub fn proceed<B: Backend<Scalar = F> + ?Sized>(
        &mut self,
        objective: &Objective<'_, B>,
        at: &[F],
        max_iterations: usize,
    ) -> Option<StopReason> {
        let iteration = self.losses.len();
        if iteration == max_iterations {
            return Some(StopReason::MaxIterations);
        }
        let (loss, gradient_norm) = (self.loss, self.gradient_norm);
        let coordinates = objective.coordinates();
        let progress = Progress { iteration, loss, gradient_norm, parameters: at, coordinates };
        if (self.observe)(&progress).is_break() {
            return Some(StopReason::Observer);
        }
        self.losses.push(loss);
        self.gradient_norms.push(gradient_norm);
        None
    }

    pub(crate) fn report(self, stop: StopReason, passes: f64) -> Report {
        Report {
            stop,
            iterations: self.losses.len(),
            passes,
            losses: self.losses,
            gradient_norms: self.gradient_norms,
            loss: self.loss,
            gradient_norm: self.gradient_norm,
            suboptimality: self.suboptimality,
            best_loss: self.best_loss,
            best_iteration: self.best_iteration,
        }
    }
}

pub(crate) fn all_finite<F: Float>(values: &[F]) -> bool {
    values.iter().all(|value| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regression_is_told_where_it_is_more_than_rounding() {
        let told = |best_loss: f64, loss: f64| {
            let report = Report {
                stop: StopReason::MaxIterations,
                iterations: 1,
                passes: 2.0,
                losses: vec![best_loss],
                gradient_norms: vec![1.0],
                suboptimality: None,
                loss,
                gradient_norm: 0.0,
                best_loss,
                best_iteration: 0,
            };
            report.to_string().contains("not the best")
        };
        assert!(told(0.7, 0.71) && told(100.0, 100.001) && told(0.001, 0.001_01));
        assert!(!told(0.7, 0.7) && !told(100.0, 100.000_01) && !told(0.0, 0.0));
    }
}
