//! What a fit tells about itself.

use std::fmt;
use std::ops::ControlFlow;

use crate::bound::Bound;
use crate::checkpoint::{Checkpoint, Saved, require_same};
use crate::coordinates::Coordinates;
use crate::error::named;
use crate::quasi_newton::Point;
use crate::separation::{self, Suspicion};
use crate::{Backend, Error, Float, Model, Objective};

/// Why a fit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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
    /// How far the loss lies above its minimum at most, but for the rounding of the gradient. With
    /// an L2 penalty the objective is strongly convex in the weights: without an intercept
    ///
    /// ```text
    /// f(w) - min f  ≤  |∇f(w)|² / (2 · l2)
    /// ```
    ///
    /// (Boyd and Vandenberghe, *Convex Optimization*, 2004, section 9.1.2); with an L1 penalty too,
    /// for a subgradient. An intercept has no penalty. How far it is from its best at most, Chebyshev's
    /// inequality tells, since there the probabilities have the mean of the labels: with `(g, h)`
    /// the gradient by weights and intercept
    ///
    /// ```text
    /// f(w, b) - min f  ≤  (|g| + k σ |h|)² / (2 · l2)
    ///                     + |h| · (ln(2 q/p) + b · sign(h) + k (σ |w| + rms(o)))      k = √(2/p)
    /// ```
    ///
    /// p is the share of class 1 where h is positive, else that of class 0, and q the other's; σ² the
    /// sum of the variances of the columns, times the largest of the rows' weights as a multiple of
    /// their mean; o the offsets. Columns that are not standardised are taken as centred: b is the
    /// intercept, and g the gradient, that go with that. `loss` where it is less.
    ///
    /// `None` without an L2 penalty. With an intercept also where no one has measured the columns
    /// over all rows, since that would take another read: with
    /// [`standardize`](crate::LogisticRegression::standardize) the fit does; else
    /// [`Lbfgs`](crate::Lbfgs) and [`TrustRegion`](crate::TrustRegion) do,
    /// [`Newton`](crate::Newton) and [`ProximalNewton`](crate::ProximalNewton) unless a sample of
    /// the rows serves them, and [`GradientDescent`](crate::GradientDescent) does not.
    pub suboptimality_bound: Option<f64>,
    /// The columns, in order, that the fit has left out: each is constant, or a combination of
    /// earlier ones within the rounding of its elements. They keep the weights that they started
    /// with, 0 by default. Solvers that sum no second derivatives leave none out.
    pub left_out: Vec<usize>,
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
        let about = self.suboptimality.map(|by| format!("about {by:.1e}"));
        let at_most = self.suboptimality_bound.map(|by| format!("at most {by:.1e}"));
        let above: Vec<String> = about.into_iter().chain(at_most).collect();
        if !above.is_empty() {
            write!(f, ", {} above the minimum", above.join(" and "))?;
        }
        if !self.left_out.is_empty() {
            write!(f, "\nleft out, constant or dependent: {}", named(&self.left_out))?;
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
    pub(crate) checkpoint: &'a dyn Fn() -> Option<Checkpoint>,
}

impl<F: Float> Progress<'_, F> {
    /// The model at the present parameters, on the scale of the data.
    ///
    /// # Errors
    /// [`Error::NonFiniteParameter`] where the coefficients leave the range of the precision.
    pub fn model(&self) -> Result<Model<F>, Error> {
        self.coordinates.unfold(self.parameters)
    }

    /// The state of the fit, for [`LogisticRegression::resume`](crate::LogisticRegression::resume);
    /// `None` from a solver that is not of this library and built on none of it.
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        (self.checkpoint)()
    }
}

/// Called at the start of every iteration; `Break` ends the fit there.
pub(crate) type Observer<'a, F> = &'a mut dyn FnMut(&Progress<'_, F>) -> ControlFlow<()>;

/// What a [`Solver`](crate::Solver) has seen so far: it becomes the [`Report`].
pub struct Trace<'a, F> {
    observe: Observer<'a, F>,
    /// As it would be if the observer stopped the fit at once.
    report: Report,
    bound: Bound,
    best: Model<F>,
    /// How many of the rows read are not this fit's; modulo the range of integers, where it was
    /// resumed and read less since.
    others_rows: usize,
    resumed: Option<Resumed>,
    suspicion: Suspicion,
    /// The largest logit of the rows held here at what was recorded last, in absolute value.
    own_largest_logit: f64,
    /// The gradient recorded last.
    gradient: Vec<F>,
}

/// What is still to be done about a fit that was resumed.
struct Resumed {
    /// What the solver is to take up.
    solver: Option<Saved>,
    /// The rows that had been read when the checkpoint was made; what a solver reads to come back
    /// there does not count.
    rows_read: usize,
}

impl<'a, F: Float> Trace<'a, F> {
    /// Nothing yet; `initial` is the model to start from.
    pub(crate) fn new<B: Backend<Scalar = F> + ?Sized>(
        objective: &Objective<'_, B>,
        initial: Model<F>,
        observe: Observer<'a, F>,
    ) -> Self {
        let report = Report {
            stop: StopReason::Observer,
            iterations: 0,
            passes: 0.0,
            losses: Vec::new(),
            gradient_norms: Vec::new(),
            loss: f64::INFINITY,
            gradient_norm: f64::INFINITY,
            suboptimality: None,
            suboptimality_bound: None,
            left_out: Vec::new(),
            best_loss: f64::INFINITY,
            best_iteration: 0,
        };
        let bound = Bound::new(objective);
        Self {
            observe,
            report,
            bound,
            best: initial,
            others_rows: objective.rows_read(),
            resumed: None,
            suspicion: Suspicion::default(),
            own_largest_logit: 0.0,
            gradient: Vec::new(),
        }
    }

    /// What was seen until a checkpoint was made.
    pub(crate) fn from_checkpoint<B: Backend<Scalar = F> + ?Sized>(
        objective: &Objective<'_, B>,
        best: Model<F>,
        report: &Report,
        suspicion: &Suspicion,
        solver: &Saved,
        observe: Observer<'a, F>,
    ) -> Self {
        // Exact, since they are whole.
        let rows_read = (report.passes * objective.nrows() as f64).round() as usize;
        let others_rows = objective.rows_read().wrapping_sub(rows_read);
        let resumed = Some(Resumed { solver: Some(solver.clone()), rows_read });
        let (report, suspicion) = (report.clone(), suspicion.clone());
        let bound = Bound::new(objective);
        Self {
            observe,
            report,
            bound,
            best,
            others_rows,
            resumed,
            suspicion,
            own_largest_logit: 0.0,
            gradient: Vec::new(),
        }
    }

    /// What a solver has to take up, where the fit is resumed; with an error unless that was saved
    /// by a solver of the same name.
    pub(crate) fn resume(&mut self, solver: &str) -> Result<Option<Saved>, Error> {
        let saved = self.resumed.as_mut().and_then(|resumed| resumed.solver.take());
        if let Some(saved) = &saved {
            require_same("solver", saved.solver(), solver)?;
        }
        Ok(saved)
    }

    /// The number of iterations made so far.
    pub(crate) fn iterations(&self) -> usize {
        self.report.iterations
    }

    /// Records the loss and its gradient at the parameters of the iteration that now starts;
    /// returns the largest component of the gradient in absolute value.
    ///
    /// # Errors
    /// [`Error::Diverged`] where any of them is not finite, which [`LogisticRegression::fit`] makes
    /// more of at the start; [`Error::Checkpoint`] where the fit is resumed and they are not what
    /// they were, or the solver cannot resume.
    ///
    /// [`LogisticRegression::fit`]: crate::LogisticRegression::fit
    pub fn record<B: Backend<Scalar = F> + ?Sized>(
        &mut self,
        objective: &Objective<'_, B>,
        at: &[F],
        loss: f64,
        gradient: &[F],
    ) -> Result<f64, Error> {
        let report = &mut self.report;
        let gradient_norm = gradient.iter().fold(0.0, |max: f64, g| max.max(g.widen().abs()));
        if let Some(resumed) = &self.resumed {
            let solver = resumed.solver.as_ref().map_or("taken up", Saved::solver);
            require_same("solver", solver, "taken up")?;
            require_same("loss", report.loss, loss)?;
            require_same("gradient norm", report.gradient_norm, gradient_norm)?;
        }
        if !(loss.is_finite() && all_finite(gradient)) {
            return Err(Error::Diverged {
                iteration: report.iterations,
                loss,
                best: Box::new(self.best.widen()),
                best_loss: report.best_loss,
                learning_rate: None,
            });
        }
        (report.loss, report.gradient_norm) = (loss, gradient_norm);
        report.suboptimality = None;
        report.suboptimality_bound = self.bound.above_minimum(objective, at, loss, gradient);
        if loss < report.best_loss {
            objective.coordinates().unfold_into(at, &mut self.best);
            (report.best_loss, report.best_iteration) = (loss, report.iterations);
        }
        self.own_largest_logit = objective.own_largest_logit();
        self.gradient.clear();
        self.gradient.extend_from_slice(gradient);
        Ok(gradient_norm)
    }

    /// Fails where logits have become so large that the data may have no optimum, and it has none:
    /// before the end, where [`finish`](Self::finish) asks, or after the last iteration.
    pub(crate) fn refuse_separated<B: Backend<Scalar = F> + ?Sized>(
        &mut self,
        objective: &mut Objective<'_, B>,
        point: &Point<F>,
        max_iterations: usize,
    ) -> Result<(), Error> {
        let largest = self.own_largest_logit;
        if self.report.iterations >= max_iterations {
            separation::check_at_the_end(objective, point, largest)
        } else {
            self.suspicion.check_on_the_way(objective, point, largest)
        }
    }

    /// Records how far the loss last recorded is estimated to lie above its minimum. No more than
    /// the loss itself, since no loss is negative.
    pub fn estimate(&mut self, suboptimality: f64) {
        self.report.suboptimality = Some(suboptimality.min(self.report.loss));
    }

    /// Records which columns are left out of the fit, constant or dependent on others.
    pub(crate) fn leave_out(&mut self, columns: impl Iterator<Item = usize>) {
        self.report.left_out = columns.collect();
        self.report.left_out.sort_unstable();
    }

    /// How far the loss last recorded lies above its minimum at most, where that is known.
    pub(crate) fn bound(&self) -> Option<f64> {
        self.report.suboptimality_bound
    }

    /// Whether there is to be another iteration: `None`, or why not. Asks the observer, to whom it
    /// offers no checkpoint.
    pub fn proceed<B: Backend<Scalar = F> + ?Sized>(
        &mut self,
        objective: &Objective<'_, B>,
        at: &[F],
        max_iterations: usize,
    ) -> Option<StopReason> {
        self.proceed_from(objective, at, max_iterations, None)
    }

    /// The same with checkpoints, for which `save` gives what the solver must know to come back
    /// here.
    pub(crate) fn proceed_from<B: Backend<Scalar = F> + ?Sized>(
        &mut self,
        objective: &Objective<'_, B>,
        at: &[F],
        max_iterations: usize,
        save: Option<&dyn Fn() -> Saved>,
    ) -> Option<StopReason> {
        if let Some(resumed) = self.resumed.take() {
            self.others_rows = objective.rows_read().wrapping_sub(resumed.rows_read);
        }
        self.report.passes = self.passes(objective);
        let Report { iterations: iteration, loss, gradient_norm, .. } = self.report;
        if iteration >= max_iterations {
            return Some(StopReason::MaxIterations);
        }
        let (report, best, coordinates) = (&self.report, &self.best, objective.coordinates());
        let suspicion = &self.suspicion;
        let checkpoint =
            || save.map(|save| Checkpoint::new(objective, at, report, best, suspicion, save()));
        let (parameters, checkpoint) = (at, &checkpoint);
        let progress =
            Progress { iteration, loss, gradient_norm, parameters, coordinates, checkpoint };
        if (self.observe)(&progress).is_break() {
            return Some(StopReason::Observer);
        }
        self.report.iterations += 1;
        self.report.losses.push(loss);
        self.report.gradient_norms.push(gradient_norm);
        None
    }

    fn passes<B: Backend<Scalar = F> + ?Sized>(&self, objective: &Objective<'_, B>) -> f64 {
        objective.rows_read().wrapping_sub(self.others_rows) as f64 / objective.nrows() as f64
    }

    /// The report of a fit that ended `at` some parameters.
    ///
    /// # Errors
    /// [`Error::Separated`] where logits are large there and there is no optimum, unless the fit was
    /// ended before it came to one: by the observer or the most iterations there may be.
    pub(crate) fn finish<B: Backend<Scalar = F> + ?Sized>(
        mut self,
        objective: &mut Objective<'_, B>,
        at: &[F],
        stop: StopReason,
    ) -> Result<Report, Error> {
        if matches!(stop, StopReason::Converged | StopReason::PrecisionLimit) {
            let (loss, gradient) = (self.report.loss, std::mem::take(&mut self.gradient));
            let point = Point { at: at.to_vec(), loss, gradient };
            separation::check_at_the_end(objective, &point, self.own_largest_logit)?;
        }
        Ok(Report { stop, passes: self.passes(objective), ..self.report })
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
                suboptimality_bound: None,
                left_out: Vec::new(),
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
