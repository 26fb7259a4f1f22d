//! The model of no columns: the best intercept, given the offsets.

use num_traits::Zero;

use crate::backend::contract::Backend;
use crate::numbers::float::Float;
use crate::numbers::slice;
use crate::objective::Objective;
use crate::objective::evaluation::Evaluation;

/// What [`Objective::null_model`] finds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct NullModel {
    /// 0 where none is fitted.
    pub(crate) intercept: f64,
    pub(crate) loss: f64,
}

/// A start of zeros gives way to the model of no columns where that has less than this share of its
/// loss,
const ZERO_START_RATIO: f64 = 0.5;
/// and any other start where it has less than this share: a few roundings are no reason.
const START_RATIO: f64 = 1.0 - 1e-6;

/// The logits that are worked on at once.
const CHUNK: usize = 512;

/// The loss of an intercept, with its first and second derivative.
struct Derivatives {
    loss: f64,
    first: f64,
    second: f64,
}

impl<B: Backend + ?Sized> Objective<'_, B> {
    /// Whether parameters are zeros, and nothing is known of the logits: the loss is ln 2 there.
    fn is_plain(&self, at: &[B::Scalar]) -> bool {
        at.iter().all(Zero::is_zero) && self.data.offset_range() == [0.0, 0.0]
    }

    /// The evaluation to start from: at the parameters given, or at the model of no columns where that
    /// is better.
    pub(crate) fn start(&mut self, at: Vec<B::Scalar>) -> Evaluation<B::Scalar> {
        if self.is_plain(&at) {
            let null = self.better_start(&at, std::f64::consts::LN_2);
            return self.evaluate(null.unwrap_or(at));
        }
        let point = self.evaluate(at);
        match self.better_start(&point.at, point.loss) {
            Some(null) => self.evaluate(null),
            None => point,
        }
    }

    /// The parameters of the model of no columns, where it is a better start than those given, of
    /// such a loss.
    ///
    /// In the far reaches second derivatives vanish, and steps by them lead anywhere.
    pub(crate) fn better_start(&self, at: &[B::Scalar], loss: f64) -> Option<Vec<B::Scalar>> {
        let null = self.null_model();
        let share = if self.is_plain(at) { ZERO_START_RATIO } else { START_RATIO };
        (loss.is_nan() || null.loss < share * loss).then(|| {
            let mut parameters = vec![B::Scalar::zero(); at.len()];
            if let Some(intercept) = parameters.get_mut(self.ncols()) {
                *intercept = B::Scalar::narrow(null.intercept);
            }
            parameters
        })
    }

    /// The best intercept where all weights are 0, and the loss there. Reads labels, weights and
    /// offsets, not the matrix.
    ///
    /// Where `b + oᵢ` is at most the logit of the share of class 1 in all rows, so is the mean
    /// probability, and the same the other way round. This brackets the root of the derivative;
    /// Newton's steps find it, halving the bracket where they leave it or shrink it too little
    /// (Press and others, *Numerical Recipes*, 3rd ed. 2007, section 9.4).
    pub(crate) fn null_model(&self) -> NullModel {
        if !self.coordinates().fit_intercept() {
            return NullModel { intercept: 0.0, loss: self.intercept_derivatives(0.0).loss };
        }
        let (zero, one) = self.data.class_totals();
        let logit = (one / zero).ln();
        let [least, most] = self.data.offset_range();
        if least == most {
            let (p, q) = (one / (zero + one), zero / (zero + one));
            return NullModel { intercept: logit - least, loss: -p * p.ln() - q * q.ln() };
        }
        let (mut low, mut high) = (logit - most, logit - least);
        let mut intercept = low.midpoint(high);
        loop {
            let at = self.intercept_derivatives(intercept);
            let width = high - low;
            if at.first > 0.0 {
                high = intercept;
            } else {
                low = intercept;
            }
            let newton = intercept - at.first / at.second;
            let shrinks = low < newton && newton < high && high - low <= width / 2.0;
            let next = if shrinks { newton } else { low.midpoint(high) };
            let rounding = f64::EPSILON * intercept.abs().max(1.0);
            if at.first == 0.0 || (next - intercept).abs() <= rounding {
                return NullModel { intercept, loss: at.loss };
            }
            intercept = next;
        }
    }

    /// Means over the rows of all processes.
    fn intercept_derivatives(&self, intercept: f64) -> Derivatives {
        let rows = &self.data.observed;
        let (mut sums, mut place) = ([0.0; 3], [[0.0; CHUNK]; 3]);
        for start in (0..rows.y.len()).step_by(CHUNK) {
            let block = rows.block(start..rows.y.len().min(start + CHUNK));
            let [losses, residuals, p] = place.each_mut().map(|z| &mut z[..block.y.len()]);
            losses.fill(intercept);
            losses.iter_mut().zip(block.offsets).for_each(|(z, offset)| *z += offset.widen());
            residuals.copy_from_slice(losses);
            // p (1 - p) is the same for either sign, and does not cancel for this one.
            p.iter_mut().zip(&*losses).for_each(|(p, z)| *p = -z.abs());
            slice::cross_entropy(losses, block.y);
            slice::residual(residuals, block.y);
            slice::sigmoid(p);
            for (i, p) in p.iter().enumerate() {
                let weight = block.weights.get(i).map_or(1.0, |weight| weight.widen());
                let terms = [losses[i], residuals[i], p * (1.0 - p)];
                sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += weight * term);
            }
        }
        self.data.peers().sum(&mut sums);
        let [loss, first, second] = sums.map(|sum| sum / self.data.total_weight());
        Derivatives { loss, first, second }
    }
}

#[cfg(test)]
mod tests {
    use crate::backend::dense::Dense;
    use crate::backend::error::Error;
    use crate::fit::estimator::LogisticRegression;
    use proptest::prelude::*;

    logit_properties::properties! {
        #[test]
        fn no_intercept_is_better_and_its_loss_is_the_objectives(
            rows in prop::collection::vec((any::<bool>(), -1.0..1.0f64, 0.0..2.0f64), 3..40),
            scale in prop_oneof![Just(0.0), Just(1.0), Just(50.0), Just(1e3), Just(1e8)],
            shift in prop_oneof![Just(0.0), Just(300.0), Just(-1e6)],
        ) {
            let values = vec![0.0; rows.len()];
            let x = Dense::from_columns(&values, rows.len(), 1);
            let mut y: Vec<bool> = rows.iter().map(|row| row.0).collect();
            (y[0], y[1]) = (false, true);
            let weights = rows.iter().enumerate().map(|(i, row)| if i < 2 { 1.0 } else { row.2 });
            let offsets = rows.iter().map(|row| shift + scale * row.1);
            let estimator = LogisticRegression::new().sample_weights(weights).offsets(offsets);
            let found: Result<_, Error> = estimator.objective(&x, &y).map(|mut objective| {
                let null = objective.null_model();
                let mut loss = |by: f64| objective.evaluate([0.0, null.intercept + by]).loss();
                let step = 1e-3 * null.intercept.abs().max(1.0);
                (null.loss, loss(0.0), loss(step), loss(-step))
            });
            let (null, here, above, below) = found.expect("both classes count");
            let rounding = 1e-12 * (1.0 + here);
            prop_assert!((null - here).abs() <= rounding, "{null} is not {here}");
            prop_assert!(here <= above + rounding && here <= below + rounding);
        }
    }
}
