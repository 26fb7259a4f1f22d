//! Intervals by the profile likelihood, which is the maximum over all other parameters.
//!
//! They end where twice its logarithm has fallen by a quantile of the chi-square distribution.

use crate::backend::contract::Backend;
use crate::backend::error::{Error, check_setting};
use crate::inference::Inference;
use crate::inference::estimates::quantile;
use crate::inference::maximum::ascent::{Ascent, Local};

const MAX_ITERATIONS: usize = 100;
/// The ends are found to this many standard errors.
const TOLERANCE: f64 = 1e-9;
/// Where the likelihood has not fallen enough this many standard errors away, it never does.
const FAR: f64 = 1e6;

impl<B: Backend + ?Sized> Inference<'_, B> {
    /// Profile-likelihood intervals `[lower, upper]` of some coefficients: of columns, or of the
    /// intercept by the number of columns.
    ///
    /// ```text
    /// { b : 2 (ℓ(ŵ) - max ℓ(w | wⱼ = b)) ≤ χ²₁(level) }
    /// ```
    ///
    /// They need not be symmetric, and hold in smaller samples than Wald's. The ends are roots found to
    /// all digits that matter; R's `MASS::confint` interpolates. Takes some tens of passes per end.
    /// Source: Venzon and Moolgavkar, *A method for computing profile-likelihood-based confidence
    /// intervals* (1988).
    ///
    /// # Errors
    /// [`Error::Setting`] where the level is not between 0 and 1, or a column is out of range or left
    /// out; [`Error::NotConverged`] where a search does not end.
    ///
    /// ```
    /// # use logit_core as logit;
    /// use logit::{Dense, LogisticRegression};
    /// let x = Dense::from_columns(&[0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0], 8, 1);
    /// let y = [0, 0, 1, 0, 1, 0, 1, 1];
    /// let estimator = LogisticRegression::new();
    /// let model = estimator.fit(&x, y)?.model;
    /// let mut inference = estimator.inference(&model, &x, y)?;
    /// let [lower, upper] = inference.profile_intervals(&[0], 0.95)?[0];
    /// assert!(lower < 0.0 && upper > 3.5);
    /// # Ok::<(), logit::Error>(())
    /// ```
    pub fn profile_intervals(
        &mut self,
        which: &[usize],
        level: f64,
    ) -> Result<Vec<[f64; 2]>, Error> {
        let total = self.information.total;
        let ascent = Ascent { objective: &mut self.objective, total, has_prior: false };
        intervals(ascent, &self.estimates.values, which, level)
    }
}

/// The intervals about the maximum that some parameters are near.
pub(super) fn intervals<B: Backend + ?Sized>(
    mut ascent: Ascent<'_, '_, B>,
    near: &[f64],
    which: &[usize],
    level: f64,
) -> Result<Vec<[f64; 2]>, Error> {
    let drop = quantile(level)?.powi(2);
    let top = ascent.maximum(near, None)?;
    let left_out = top.information.left_out();
    let mut intervals = Vec::with_capacity(which.len());
    for &j in which {
        let holds = j < near.len() && !left_out.contains(&j);
        check_setting("column", j, holds, "within range, and not left out")?;
        let mut end = |side: f64| End { ascent: &mut ascent, top: &top, j, drop }.find(side);
        intervals.push([end(-1.0)?, end(1.0)?]);
    }
    Ok(intervals)
}

/// The search for an end.
struct End<'s, 'o, 'a, B: Backend + ?Sized> {
    ascent: &'s mut Ascent<'o, 'a, B>,
    top: &'s Local,
    /// The parameter.
    j: usize,
    /// By how much twice the log-likelihood falls to the end.
    drop: f64,
}

impl<B: Backend + ?Sized> End<'_, '_, '_, B> {
    /// Newton's method, between a point where the likelihood has not fallen enough and one where it has.
    fn find(&mut self, side: f64) -> Result<f64, Error> {
        let (from, error) = (self.top.at[self.j], self.top.standard_error(self.j));
        let (mut inside, mut outside) = (from, side * f64::INFINITY);
        let mut b = from + side * self.drop.sqrt() * error;
        let mut start = self.top.at.clone();
        for _ in 0..MAX_ITERATIONS {
            let at = self.profile(&start, b)?;
            let excess = 2.0 * (self.top.value - at.value) - self.drop;
            *(if excess < 0.0 { &mut inside } else { &mut outside }) = b;
            let newton = b + excess / (2.0 * at.score[self.j]);
            if (newton - b).abs() <= TOLERANCE * error {
                return Ok(newton);
            }
            if (inside - from).abs() > FAR * error {
                return Ok(side * f64::INFINITY);
            }
            // No more than twice as far at a time, and never beyond what is known.
            let most = if outside.is_finite() { outside } else { inside + (inside - from) };
            let most = if inside == from && outside.is_infinite() { b } else { most };
            let is_between = side * (newton - inside) > 0.0 && side * (most - newton) >= 0.0;
            let next = match (is_between, outside.is_finite()) {
                (true, _) => newton,
                (false, true) => inside.midpoint(outside),
                (false, false) => most,
            };
            start = at.at;
            b = next;
        }
        Err(Error::NotConverged { what: "a profile interval", iterations: MAX_ITERATIONS })
    }

    /// The maximum where the parameter is b. With a prior there may be several: the higher one of
    /// those from the last point and from the top.
    fn profile(&mut self, start: &[f64], b: f64) -> Result<Local, Error> {
        let mut at = start.to_vec();
        at[self.j] = b;
        let near = self.ascent.maximum(&at, Some(self.j));
        if !self.ascent.has_prior {
            return near;
        }
        let mut at = self.top.at.clone();
        at[self.j] = b;
        match (near, self.ascent.maximum(&at, Some(self.j))) {
            (Ok(a), Ok(b)) => Ok(if a.value >= b.value { a } else { b }),
            (Ok(found), Err(_)) | (Err(_), Ok(found)) => Ok(found),
            (Err(error), Err(_)) => Err(error),
        }
    }
}
