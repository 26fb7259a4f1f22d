//! An approximation of the inverse of the second derivatives, to solve with.

use crate::backend::model::Model;
use crate::linalg::factor::Factor;
use crate::objective::columns::coordinates::Coordinates;
use crate::objective::penalty::Penalty;

/// An approximation of the inverse of the second derivatives.
pub(crate) struct Curvature {
    inverse: Inverse,
    /// What the inverse belongs to.
    basis: Coordinates,
}

enum Inverse {
    Factored(Factor),
    Diagonal(Vec<f64>),
}

impl Curvature {
    pub(crate) fn factored(factor: Factor, basis: Coordinates) -> Self {
        Self { inverse: Inverse::Factored(factor), basis }
    }

    /// Of each parameter by itself, where columns are centred and scaled: `most` and its penalty.
    pub(crate) fn separate(most: f64, penalty: &Penalty, basis: &Coordinates) -> Self {
        let weights = basis.dimension() - usize::from(basis.fit_intercept());
        let inverse = (0..basis.dimension()).map(|j| {
            let ridge = |j| penalty.l2_of(j) * basis.inverse_scale(j) * basis.inverse_scale(j);
            1.0 / (most + if j < weights { ridge(j) } else { 0.0 })
        });
        Self { inverse: Inverse::Diagonal(inverse.collect()), basis: basis.clone() }
    }

    /// The same with the curvature divided by a factor.
    pub(crate) fn divided(mut self, by: f64) -> Self {
        if let Inverse::Diagonal(inverse) = &mut self.inverse {
            inverse.iter_mut().for_each(|inverse| *inverse *= by);
        }
        self
    }

    /// The factor of the second derivatives, if it is not only their diagonal that is known.
    pub(crate) fn factor(&self) -> Option<&Factor> {
        match &self.inverse {
            Inverse::Factored(factor) => Some(factor),
            Inverse::Diagonal(_) => None,
        }
    }

    /// The solution of `H·x = gradient`.
    pub(crate) fn solved(&self, gradient: &[f64]) -> Vec<f64> {
        self.solved_folded(self.folded(gradient))
    }

    /// The same of a gradient by the parameters that the inverse belongs to.
    pub(crate) fn solved_folded(&self, mut folded: Vec<f64>) -> Vec<f64> {
        self.inverse.apply(&mut folded);
        let basis = &self.basis;
        let mut step = Model::zero(folded.len() - usize::from(basis.fit_intercept()));
        basis.unfold_into(&folded, &mut step);
        let intercept = basis.fit_intercept().then_some(step.intercept());
        step.weights().iter().copied().chain(intercept).collect()
    }

    /// A gradient by the parameters that the inverse belongs to.
    pub(crate) fn folded(&self, gradient: &[f64]) -> Vec<f64> {
        let (basis, mut folded) = (&self.basis, gradient.to_vec());
        let d = gradient.len() - usize::from(basis.fit_intercept());
        let (by_weight, by_intercept) = gradient.split_at(d);
        let by_intercept = by_intercept.first().copied().unwrap_or(0.0);
        basis.gradient(by_weight.iter().copied(), by_intercept, |_| 0.0, by_weight, &mut folded);
        folded
    }
}

impl Inverse {
    fn apply(&self, gradient: &mut [f64]) {
        match self {
            Inverse::Factored(factor) => factor.solve(gradient),
            Inverse::Diagonal(inverse) => {
                gradient.iter_mut().zip(inverse).for_each(|(g, inverse)| *g *= inverse);
            }
        }
    }
}
