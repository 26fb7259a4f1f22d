//! How far a loss lies above its minimum at most.
//!
//! With an L2 penalty the objective F is strongly convex in the weights `w` and convex in the
//! intercept `b`. For the minimum `(w*, b*)`, `s = |w* - w|` and a (sub)gradient `(g, h)` at `(w, b)`
//!
//! ```text
//! F(w, b) - F*  ≤  g·(w - w*) + h (b - b*) - l2/2 · s²  ≤  |g| s + h (b - b*) - l2/2 · s²
//! ```
//!
//! (Boyd and Vandenberghe, *Convex Optimization*, 2004, section 9.1.2). Without an intercept that is
//! `|g|²/(2 l2)` at most. With one `b*` has to be found. It has no penalty, so at the minimum the
//! probabilities have the weighted mean of the labels: `mean sigmoid(u + b*) = y` for `u = x·w* + o`.
//! By Chebyshev's inequality no more than a share ε of the rows has `u < -rms(u)/√ε`. If now
//! `b* > logit(q) + rms(u)/√ε`, the probabilities of the others are above q and the mean above
//! `(1 - ε) q`. That is y where `ε = (1 - y)/2` and `q = 2y/(1 + y)`, and so
//!
//! ```text
//! b*   ≤  ln(2y/(1 - y)) + √(2/(1 - y)) · rms(u)
//! -b*  ≤  ln(2(1 - y)/y) + √(2/y) · rms(u)              with the classes exchanged
//! rms(u)  ≤  σ|w*| + rms(o)  ≤  σ (|w| + s) + rms(o)    σ² = mean |x|²
//! ```
//!
//! The sign of h tells which of the two is needed. With it the first line is a parabola in s, with
//! its maximum at
//!
//! ```text
//! (|g| + k σ |h|)²/(2 l2) + |h| (r ± b + k (σ|w| + rms(o)))
//! ```
//!
//! where r is the logarithm, k the root in front of rms(u), and b has the sign of h. All of this
//! holds for columns shifted by whatever is taken off, and σ² is least where that is the mean:
//! `g - h μ` and `b + μ·w` then take the places of g and b.

use crate::backend::contract::Backend;
use crate::numbers::float::Float;
use crate::objective::Objective;
use crate::objective::evaluation::Evaluation;

/// What bounds the losses of a fit from their minimum, beside their gradients.
pub(crate) struct Bound {
    intercept: Option<InterceptReach>,
}

/// What tells how far the intercept can be from its best.
pub(crate) struct InterceptReach {
    /// How much the rows of class 0 and of class 1 count together.
    classes: (f64, f64),
    /// The root of the mean square of the offsets.
    offset: f64,
}

impl Bound {
    pub(crate) fn new<B: Backend + ?Sized>(objective: &Objective<'_, B>) -> Self {
        let penalised = objective.penalty().least_l2() > 0.0;
        Self { intercept: penalised.then(|| InterceptReach::new(objective)).flatten() }
    }

    /// How far a loss lies above its minimum at most, where that is known. Nothing lies further
    /// above than it is itself, since no loss is negative.
    pub(crate) fn above_minimum<B: Backend + ?Sized>(
        &self,
        objective: &Objective<'_, B>,
        point: &Evaluation<B::Scalar>,
    ) -> Option<f64> {
        let (l2, gradient) = (objective.penalty().least_l2(), point.subgradient());
        let (slope, of_intercept) = match &self.intercept {
            Some(intercept) => intercept.slope_and_rest(objective, &point.at, &gradient)?,
            None => (norm(gradient.iter().map(|slope| slope.widen())), 0.0),
        };
        (l2 > 0.0).then(|| (slope.powi(2) / (2.0 * l2) + of_intercept).min(point.loss))
    }
}

impl InterceptReach {
    /// `None` where there is no intercept.
    pub(crate) fn new<B: Backend + ?Sized>(objective: &Objective<'_, B>) -> Option<Self> {
        objective.coordinates().fit_intercept().then(|| Self {
            classes: objective.data.class_totals(),
            offset: objective.data.mean_square_offset().sqrt(),
        })
    }

    /// How far the best intercept is from `b` at most, on the side where the loss falls, given the
    /// slope `h` there and a bound of the root mean square of the best `x·w`.
    pub(crate) fn farthest(&self, b: f64, h: f64, rms: f64) -> f64 {
        let (k, r) = self.terms(h);
        (r + if h > 0.0 { b } else { -b } + k * (rms + self.offset)).max(0.0)
    }

    /// The k and the r of the module's documentation.
    fn terms(&self, h: f64) -> (f64, f64) {
        let (zero, one) = self.classes;
        // Where probabilities are too high, the best intercept is further down.
        let [of, other] = if h > 0.0 { [one, zero] } else { [zero, one] };
        ((2.0 * (1.0 + other / of)).sqrt(), (2.0 * other / of).ln())
    }

    /// `|g| + k σ |h|` and `|h| (r ± b + k (σ|w| + rms(o)))`, where the moments of the columns are
    /// known.
    fn slope_and_rest<B: Backend + ?Sized>(
        &self,
        objective: &Objective<'_, B>,
        at: &[B::Scalar],
        gradient: &[B::Scalar],
    ) -> Option<(f64, f64)> {
        let moments = objective.moments()?;
        let d = moments.mean.len();
        let (b, h) = (at[d].widen(), gradient[d].widen());
        let weights = || at[..d].iter().map(|w| w.widen());
        let slopes = gradient[..d].iter().map(|g| g.widen());
        let slope = norm(slopes.zip(&moments.mean).map(|(g, mean)| g - mean * h));
        let b = b + weights().zip(&moments.mean).map(|(w, mean)| w * mean).sum::<f64>();
        let ((k, r), sigma) = (self.terms(h), moments.variance.sqrt());
        let b = if h > 0.0 { b } else { -b };
        let reach = r + b + k * (sigma * norm(weights()) + self.offset);
        Some((slope + k * sigma * h.abs(), h.abs() * reach))
    }
}

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|value| value * value).sum::<f64>().sqrt()
}
