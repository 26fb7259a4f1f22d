//! Stopping where more iterations make predictions of other rows worse.

use std::ops::ControlFlow;

use crate::backend::contract::Backend;
use crate::backend::error::Error;
use crate::backend::labels;
use crate::backend::labels::Label;
use crate::backend::model::Model;
use crate::fit::estimator::Fit;
use crate::numbers::float::Float;
use crate::numbers::slice;
use crate::progress::report::Report;
use crate::progress::trace::Progress;

/// An observer that judges every iteration on rows held out, stops the fit when it no longer gets
/// better, and keeps the best model.
///
/// ```text
/// loss of a model = Σᵢ cross_entropy(xᵢ·w + b, yᵢ) / n,   over the n rows held out, no penalty
/// ```
///
/// Each look at a model reads the rows held out once. It takes a method that nears the optimum by
/// small steps, [`GradientDescent`](crate::GradientDescent) or [`Lbfgs`](crate::Lbfgs), for the best
/// model to be on the way; with the others a penalty is the better means, and
/// [`CrossValidation`](crate::CrossValidation) chooses it.
///
/// Source: Prechelt, *Early stopping, but when?* (1998), criterion UP.
///
/// ```
/// # use logit_core as logit;
/// use logit::{Dense, EarlyStopping, GradientDescent, LogisticRegression};
///
/// let values: [f64; 150] = std::array::from_fn(|i| ((7 * i) % 11) as f64);
/// let y: Vec<bool> = (0..50).map(|i| (i * 3) % 11 > i % 7).collect();
/// let x = Dense::from_rows(&values[..120], 40, 3); // or any other backend
/// let x_held_out = Dense::from_rows(&values[120..], 10, 3);
/// let (y, y_held_out) = y.split_at(40);
///
/// let estimator = LogisticRegression::new().solver(GradientDescent::new().learning_rate(0.01));
/// let mut held_out = EarlyStopping::new(&x_held_out, y_held_out)?.patience(20);
/// let fit = estimator.fit_observed(&x, y, |progress| held_out.observe(progress))?;
/// let best = held_out.finish(fit)?;
/// println!("{}\nbest after {} iterations", best.report, best.iteration);
/// assert!(best.losses.iter().all(|loss| *loss >= best.loss));
/// # Ok::<(), logit::Error>(())
/// ```
pub struct EarlyStopping<'a, B: Backend + ?Sized> {
    x: &'a B,
    y: Vec<bool>,
    patience: usize,
    losses: Vec<f64>,
    best: Option<Best<B::Scalar>>,
    /// How many models in a row were no better than the best.
    worse: usize,
    /// The iteration last seen.
    last: Option<usize>,
    failed: Option<Error>,
}

/// The best model so far.
struct Best<F> {
    model: Model<F>,
    loss: f64,
    iteration: usize,
}

/// What comes of a fit with [`EarlyStopping`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct EarlyStopped<F: Float> {
    /// The model of the lowest loss on the rows held out, the first of several.
    pub model: Model<F>,
    /// That loss.
    pub loss: f64,
    /// After how many iterations it was reached.
    pub iteration: usize,
    /// The loss on the rows held out of every model looked at, the last of the fit included.
    pub losses: Vec<f64>,
    /// The course of the fit, up to its own last model.
    pub report: Report,
}

impl<'a, B: Backend + ?Sized> EarlyStopping<'a, B> {
    /// Judges by the rows of `x`, with a label each, which are not among those fitted to; it stops
    /// after 5 iterations without a better one.
    ///
    /// Where several processes hold the rows fitted to, they hold those of `x` together too.
    ///
    /// # Errors
    /// [`Error::NoRows`], and on labels that do not fit.
    pub fn new(x: &'a B, y: impl IntoIterator<Item: Label>) -> Result<Self, Error> {
        let y = x.peers().agree(labels::read(x.nrows(), y))?;
        let mut rows = [y.len() as f64];
        x.peers().sum(&mut rows);
        if rows == [0.0] {
            return Err(Error::NoRows);
        }
        let (losses, best, last, failed) = (Vec::new(), None, None, None);
        Ok(Self { x, y, patience: 5, losses, best, worse: 0, last, failed })
    }

    /// Stop once so many models in a row were no better than the best before them; with 0 as with 1
    /// at the first. Default: 5.
    pub fn patience(mut self, patience: usize) -> Self {
        self.patience = patience;
        self
    }

    /// Looks at the present model; `Break` says to stop. For every iteration or for some of them.
    pub fn observe(&mut self, progress: &Progress<'_, B::Scalar>) -> ControlFlow<()> {
        self.last = Some(progress.iteration);
        match progress.model().and_then(|model| self.look(model, progress.iteration)) {
            Ok(()) if self.worse < self.patience.max(1) => ControlFlow::Continue(()),
            seen => {
                self.failed = seen.err();
                ControlFlow::Break(())
            }
        }
    }

    /// The best of the models seen and the fit's own.
    ///
    /// # Errors
    /// As for [`Model::decision_function`], where one of the models could not be judged.
    pub fn finish(mut self, fit: Fit<B::Scalar>) -> Result<EarlyStopped<B::Scalar>, Error> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let Fit { model, report } = fit;
        let (loss, iteration) = (self.loss(&model)?, report.iterations);
        if self.last != Some(iteration) {
            self.losses.push(loss);
        }
        let best = match self.best {
            Some(best) if best.loss <= loss => best,
            _ => Best { model, loss, iteration },
        };
        let Best { model, loss, iteration } = best;
        Ok(EarlyStopped { model, loss, iteration, losses: self.losses, report })
    }

    fn look(&mut self, model: Model<B::Scalar>, iteration: usize) -> Result<(), Error> {
        let loss = self.loss(&model)?;
        self.losses.push(loss);
        self.worse += 1;
        if self.best.as_ref().is_none_or(|best| loss < best.loss) {
            self.best = Some(Best { model, loss, iteration });
            self.worse = 0;
        }
        Ok(())
    }

    fn loss(&self, model: &Model<B::Scalar>) -> Result<f64, Error> {
        let peers = self.x.peers();
        let mut losses = peers.agree(model.map_logits(self.x, |_| {}))?;
        slice::cross_entropy(&mut losses, &self.y);
        let mut sums = [slice::sum(&losses), losses.len() as f64];
        peers.sum(&mut sums);
        Ok(sums[0] / sums[1])
    }
}
