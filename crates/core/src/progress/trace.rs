//! The record of a solver's work, for an observer and for the report.

use std::ops::ControlFlow;

use crate::backend::contract::Backend;
use crate::backend::error::Error;
use crate::backend::model::Model;
use crate::numbers::float::Float;
use crate::objective::Objective;
use crate::objective::bound::Bound;
use crate::objective::columns::coordinates::Coordinates;
use crate::objective::evaluation::Evaluation;
use crate::progress::checkpoint::Checkpoint;
use crate::progress::report::{Report, StopReason};
use crate::progress::same::require_same;
use crate::progress::state::{Saved, SolverState};
use crate::separation;
use crate::separation::Suspicion;

/// The state of a fit at the start of an iteration, for an observer.
pub struct Progress<'a, F> {
    /// The number of iterations made so far.
    pub iteration: usize,
    /// The loss at the present parameters.
    pub loss: f64,
    /// The largest absolute component of the gradient.
    pub gradient_norm: f64,
    pub(crate) parameters: &'a [F],
    pub(crate) coordinates: &'a Coordinates,
    pub(crate) checkpoint: &'a dyn Fn() -> Option<Checkpoint>,
}

impl<F: Float> Progress<'_, F> {
    /// The model at the present parameters, on the scale of the data.
    ///
    /// # Errors
    /// [`Error::NonFiniteParameter`] if the coefficients leave the range of the precision.
    pub fn model(&self) -> Result<Model<F>, Error> {
        self.coordinates.unfold(self.parameters)
    }

    /// The state of the fit, for [`LogisticRegression::resume`](crate::LogisticRegression::resume);
    /// `None` from a solver that saves no state.
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        (self.checkpoint)()
    }
}

/// Called at the start of every iteration; `Break` ends the fit there.
pub(crate) type Observer<'a, F> = &'a mut dyn FnMut(&Progress<'_, F>) -> ControlFlow<()>;

/// The record of what a [`Solver`](crate::Solver) has seen so far, which becomes the [`Report`].
pub struct Trace<'a, F> {
    observe: Observer<'a, F>,
    /// The report if the observer stopped the fit at once.
    report: Report,
    bound: Bound,
    best: Model<F>,
    /// The number of rows read that are not of this fit. It wraps around if the fit was resumed and
    /// has read fewer rows since.
    others_rows: usize,
    resumed: Option<Resumed>,
    suspicion: Suspicion,
    /// Whether this fit only leads to another one, which checks separation itself.
    is_aside: bool,
    /// The evaluation recorded last.
    last: Option<Evaluation<F>>,
}

/// The part of a checkpoint that a resumed fit has not taken up yet.
struct Resumed {
    /// The state for the solver.
    solver: Option<Saved>,
    /// The number of rows read when the checkpoint was made. Rows that a solver reads to restore
    /// its state do not count.
    rows_read: usize,
}

impl<'a, F: Float> Trace<'a, F> {
    /// An empty trace. `initial` is the model to start from.
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
            others_rows: objective.data.rows_read(),
            resumed: None,
            suspicion: Suspicion::default(),
            is_aside: false,
            last: None,
        }
    }

    /// The trace of a fit whose model is only a start for another fit. Nobody observes it.
    pub(crate) fn aside<B: Backend<Scalar = F> + ?Sized>(
        objective: &Objective<'_, B>,
        observe: Observer<'a, F>,
    ) -> Self {
        let new = Self::new(objective, Model::zero(objective.ncols()), observe);
        Self { is_aside: true, ..new }
    }

    /// The trace up to a checkpoint, which must be of this objective.
    pub(crate) fn from_checkpoint<B: Backend<Scalar = F> + ?Sized>(
        objective: &Objective<'_, B>,
        checkpoint: &Checkpoint,
        observe: Observer<'a, F>,
    ) -> Result<Self, Error> {
        checkpoint.check(objective)?;
        let Checkpoint { report, best, suspicion, solver, .. } = checkpoint;
        // Exact, because the number of rows is an integer.
        let rows_read = (report.passes * objective.nrows() as f64).round() as usize;
        let others_rows = objective.data.rows_read().wrapping_sub(rows_read);
        let resumed = Some(Resumed { solver: Some(solver.clone()), rows_read });
        let (report, suspicion) = (report.clone(), suspicion.clone());
        let new = Self::new(objective, best.cast()?, observe);
        Ok(Self { report, others_rows, resumed, suspicion, ..new })
    }

    /// The state that a solver has to take up, if the fit is resumed from a checkpoint. Then `at`
    /// are the parameters of the checkpoint. A solver that has a state calls this before anything
    /// else.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] if a solver of another name made it, or if it is damaged.
    pub fn resume<S: SolverState>(&mut self, solver: &str, at: &[F]) -> Result<Option<S>, Error> {
        let saved = self.resumed.as_mut().and_then(|resumed| resumed.solver.take());
        let Some(saved) = saved else { return Ok(None) };
        require_same("solver", saved.solver(), solver)?;
        saved.take(at.len()).map(Some)
    }

    /// The number of iterations made so far.
    pub(crate) fn iterations(&self) -> usize {
        self.report.iterations
    }

    /// Records the evaluation at the start of an iteration.
    ///
    /// # Errors
    /// [`Error::Diverged`] if the loss or the gradient is not finite; at the start of a fit,
    /// [`LogisticRegression::fit`] finds out why. [`Error::Checkpoint`] if a resumed fit finds
    /// another loss or gradient norm, or its solver cannot resume.
    ///
    /// # Panics
    /// If the number of parameters is not the objective's.
    ///
    /// [`LogisticRegression::fit`]: crate::fit::estimator::LogisticRegression::fit
    pub fn record<B: Backend<Scalar = F> + ?Sized>(
        &mut self,
        objective: &Objective<'_, B>,
        evaluation: &Evaluation<F>,
    ) -> Result<(), Error> {
        let report = &mut self.report;
        let Evaluation { at, loss, .. } = evaluation;
        let (loss, gradient_norm) = (*loss, evaluation.gradient_norm());
        if let Some(resumed) = &self.resumed {
            let solver = resumed.solver.as_ref().map_or("taken up", Saved::solver);
            require_same("solver", solver, "taken up")?;
            require_same("loss", report.loss, loss)?;
            require_same("gradient norm", report.gradient_norm, gradient_norm)?;
        }
        if !evaluation.is_finite() {
            return Err(Error::Diverged {
                iteration: report.iterations,
                loss,
                best: Box::new(self.best.widen()),
                best_loss: report.best_loss,
                learning_rate: None,
                solver: "",
            });
        }
        (report.loss, report.gradient_norm) = (loss, gradient_norm);
        report.suboptimality = None;
        report.suboptimality_bound = self.bound.above_minimum(objective, evaluation);
        if loss < report.best_loss {
            objective.coordinates().unfold_into(at, &mut self.best);
            (report.best_loss, report.best_iteration) = (loss, report.iterations);
        }
        match &mut self.last {
            Some(last) => last.copy_from(evaluation),
            None => self.last = Some(evaluation.clone()),
        }
        Ok(())
    }

    /// Fails if logits are so large that the data may have no optimum, and it has none. This serves
    /// iterations before the end, which [`finish`](Self::finish) checks, and the end after the last
    /// iteration.
    pub(crate) fn refuse_separated<B: Backend<Scalar = F> + ?Sized>(
        &mut self,
        objective: &mut Objective<'_, B>,
        max_iterations: usize,
    ) -> Result<(), Error> {
        let Some(point) = self.last.as_ref().filter(|_| !self.is_aside) else { return Ok(()) };
        if self.report.iterations >= max_iterations {
            separation::check_at_the_end(objective, point)
        } else {
            self.suspicion.check_on_the_way(objective, point)
        }
    }

    /// Records an estimate of how far the loss last recorded lies above its minimum. It is capped
    /// at the loss itself, since no loss is negative.
    pub fn estimate(&mut self, suboptimality: f64) {
        self.report.suboptimality = Some(suboptimality.min(self.report.loss));
    }

    /// Records the columns left out of the fit, which are constant or depend on others.
    pub(crate) fn leave_out(&mut self, columns: impl Iterator<Item = usize>) {
        self.report.left_out = columns.collect();
        self.report.left_out.sort_unstable();
    }

    /// The upper bound on how far the loss last recorded lies above its minimum, if it is known.
    pub(crate) fn bound(&self) -> Option<f64> {
        self.report.suboptimality_bound
    }

    /// The reason to stop after the evaluation last recorded, or `None` to go on. Asks the
    /// observer, and offers it no checkpoint.
    ///
    /// # Panics
    /// If nothing has been recorded.
    pub fn proceed<B: Backend<Scalar = F> + ?Sized>(
        &mut self,
        objective: &Objective<'_, B>,
        max_iterations: usize,
    ) -> Option<StopReason> {
        self.proceed_with(objective, max_iterations, None)
    }

    /// As [`proceed`](Self::proceed), with checkpoints. `save` gives the state from which the named
    /// solver resumes at the start of this iteration, with nothing changed.
    ///
    /// # Panics
    /// If nothing has been recorded.
    pub fn proceed_from<B: Backend<Scalar = F> + ?Sized, S: SolverState>(
        &mut self,
        objective: &Objective<'_, B>,
        max_iterations: usize,
        solver: &str,
        save: impl Fn() -> S,
    ) -> Option<StopReason> {
        let save = || Saved::new(solver, save());
        self.proceed_with(objective, max_iterations, Some(&save))
    }

    fn proceed_with<B: Backend<Scalar = F> + ?Sized>(
        &mut self,
        objective: &Objective<'_, B>,
        max_iterations: usize,
        save: Option<&dyn Fn() -> Saved>,
    ) -> Option<StopReason> {
        self.report.passes = self.passes(objective);
        let Report { iterations: iteration, loss, gradient_norm, .. } = self.report;
        if iteration >= max_iterations {
            return Some(StopReason::MaxIterations);
        }
        let at = &self.last.as_ref().expect("a solver records before it proceeds").at[..];
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

    /// The passes of this fit, without those that a solver made to restore its state.
    fn passes<B: Backend<Scalar = F> + ?Sized>(&mut self, objective: &Objective<'_, B>) -> f64 {
        if let Some(resumed) = self.resumed.take() {
            self.others_rows = objective.data.rows_read().wrapping_sub(resumed.rows_read);
        }
        objective.data.rows_read().wrapping_sub(self.others_rows) as f64 / objective.nrows() as f64
    }

    /// The report of a fit that ended at a point.
    ///
    /// # Errors
    /// As [`record`](Self::record). [`Error::Separated`] if logits are large at the point and there
    /// is no optimum. This is not checked if the observer or the maximum of iterations ended the
    /// fit.
    pub(crate) fn finish<B: Backend<Scalar = F> + ?Sized>(
        mut self,
        objective: &mut Objective<'_, B>,
        point: &Evaluation<F>,
        stop: StopReason,
    ) -> Result<Report, Error> {
        if self.last.as_ref() != Some(point) {
            self.record(objective, point)?;
        }
        if matches!(stop, StopReason::Converged | StopReason::PrecisionLimit) {
            separation::check_at_the_end(objective, point)?;
        }
        let passes = self.passes(objective);
        Ok(Report { stop, passes, ..self.report })
    }
}
