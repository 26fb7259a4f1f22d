//! The report of a fit.

use std::fmt;

use crate::backend::error::{count, named};

/// Why a fit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum StopReason {
    /// The solver's tolerance is met.
    Converged,
    /// No step changes the loss by more than its rounding. This precision cannot come nearer to the
    /// optimum, although the tolerance asks for it.
    PrecisionLimit,
    /// All iterations were made.
    MaxIterations,
    /// The observer asked to stop.
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
    /// The number of passes over the data: the rows read, divided by the number of rows. Losses,
    /// gradients, second derivatives and the scale of columns count, over all rows or a sample.
    pub passes: f64,
    /// The loss at the start of every iteration: `iterations` numbers. The first one is that of the
    /// initial parameters.
    pub losses: Vec<f64>,
    /// The largest absolute component of the gradient there. With an L1 penalty, that of the least
    /// subgradient.
    pub gradient_norms: Vec<f64>,
    /// The loss of the model returned.
    pub loss: f64,
    /// The largest absolute component of its gradient.
    pub gradient_norm: f64,
    /// An estimate of how far the loss lies above its minimum, by solvers that know second
    /// derivatives. `None` where the point may be far from the minimum.
    ///
    /// It is the squared Newton decrement plus what rounding hides. Near the minimum that is a
    /// bound (Boyd and Vandenberghe, *Convex Optimization*, 2004, equation 9.50). With an L1
    /// penalty it follows from the gradient; see
    /// [`ProximalNewton::tolerance`](crate::ProximalNewton::tolerance).
    pub suboptimality: Option<f64>,
    /// An upper bound on how far the loss lies above its minimum, up to the rounding of the
    /// gradient. With an L2 penalty the objective is strongly convex in the weights. So, without an
    /// intercept,
    ///
    /// ```text
    /// f(w) - min f  ≤  |∇f(w)|² / (2 · l2)
    /// ```
    ///
    /// (Boyd and Vandenberghe, *Convex Optimization*, 2004, section 9.1.2). With an L1 penalty too,
    /// this holds for a subgradient. An intercept has no penalty. At its best, the mean of the
    /// probabilities is that of the labels, so Chebyshev's inequality limits its distance from
    /// there. With `(g, h)` the gradient with respect to weights and intercept,
    ///
    /// ```text
    /// f(w, b) - min f  ≤  (|g| + k σ |h|)² / (2 · l2)
    ///                     + |h| · (ln(2 q/p) + b · sign(h) + k (σ |w| + rms(o)))      k = √(2/p)
    /// ```
    ///
    /// Here p is the share of class 1 if h is positive, else that of class 0; q is the share of the
    /// other class. σ² is the sum of the variances of the columns, times the largest row weight as
    /// a multiple of the mean row weight. o are the offsets. Columns that are not standardised are
    /// taken as centred, and b and g are the intercept and gradient of centred columns. The bound
    /// is `loss` if that is less.
    ///
    /// `None` without an L2 penalty. With an intercept, it also takes the columns' moments over all
    /// rows; a pass for the bound alone is never made. With
    /// [`standardize`](crate::LogisticRegression::standardize), the fit measures the columns.
    /// Otherwise [`Lbfgs`](crate::Lbfgs) and [`TrustRegion`](crate::TrustRegion) do.
    /// [`Newton`](crate::Newton) and [`ProximalNewton`](crate::ProximalNewton) do, unless they
    /// measure a sample of the rows. [`GradientDescent`](crate::GradientDescent) does not.
    pub suboptimality_bound: Option<f64>,
    /// The columns that the fit has left out, in order. Each is constant or, within the rounding of
    /// its elements, a combination of earlier ones. They keep the weights that they started with, 0
    /// by default. Solvers that sum no second derivatives leave none out.
    pub left_out: Vec<usize>,
    /// The lowest loss seen at the start of an iteration or at the end.
    pub best_loss: f64,
    /// The iteration that started with that loss; `iterations` if the model returned has it.
    pub best_iteration: usize,
}

impl Report {
    /// How far the loss of the model returned lies above the best one seen; 0 if it is the best.
    pub fn regression(&self) -> f64 {
        self.loss - self.best_loss
    }
}

/// The share of the loss above which a regression is more than the rounding of either precision.
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
            "{}, {:.digits$} {} over the data: {why}",
            count(self.iterations, "iteration"),
            self.passes,
            if self.passes == 1.0 { "pass" } else { "passes" },
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
        // Near the minimum the loss moves by its own rounding, which is not worth a line.
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
