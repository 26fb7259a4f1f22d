//! Backtracking line search to the Armijo condition (Nocedal and Wright, *Numerical Optimization*,
//! 2nd ed. 2006, algorithm 3.1 and equation 3.58).
//!
//! Gradient descent has its own search (`backtracking`). It tries rates from twice the last one
//! down, and requires half of the decrease that the slope promises.

/// The share of the decrease promised by the slope that a step must bring.
pub(crate) const ARMIJO_C1: f64 = 1e-4;
/// The largest factor that shortens a step at once.
const LEAST_SHORTENING: f64 = 0.5;
/// The factor that shortens a step where losses or slopes have left the range of the precision.
const SHORTENING_OUT_OF_RANGE: f64 = 0.1;

/// The result of a step length.
pub(crate) struct Trial<P> {
    pub(crate) point: P,
    /// The rise of the loss at the point.
    pub(crate) rise: f64,
    /// The fall of the loss, if the slope stayed as it is at the start.
    pub(crate) promised: f64,
    /// Whether the gradient at the point is finite.
    pub(crate) is_finite: bool,
}

/// The first point, from length 1 down, that meets the condition up to the noise of the losses, and
/// its length. `None` after `tries` lengths, or where `trial` returns `None`.
///
/// The next length minimises the parabola through both losses and the slope. It is at least a share
/// `shortest` of the last one.
pub(crate) fn backtrack<P>(
    tries: usize,
    shortest: f64,
    noise: f64,
    mut trial: impl FnMut(f64) -> Option<Trial<P>>,
) -> Option<(P, f64)> {
    let mut length = 1.0;
    for _ in 0..tries {
        let Trial { point, rise, promised, is_finite } = trial(length)?;
        if rise + ARMIJO_C1 * promised <= noise && is_finite {
            return Some((point, length));
        }
        let parabola = promised / (2.0 * (rise + promised));
        length *= match parabola.is_finite() {
            true => parabola.clamp(shortest, LEAST_SHORTENING),
            false => SHORTENING_OUT_OF_RANGE,
        };
    }
    None
}
