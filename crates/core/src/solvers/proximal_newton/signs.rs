//! Newton's steps among points of the same signs, where the L1 term is linear. They need only
//! products with the second derivatives.
//!
//! Sources: Byrd, Chin, Nocedal and Oztoprak, *A family of second-order methods for convex
//! l1-regularized optimization* (2016); Chen, Curtis and Robinson, *A reduced-space algorithm for
//! minimizing l1-regularized convex functions* (2017), for when to take such a step and when to
//! break it off.

use crate::backend::contract::Backend;
use crate::linalg::conjugate_gradients::ConjugateGradients;
use crate::linalg::vectors::{difference, dot};
use crate::numbers::float::Float;
use crate::objective::evaluation::least_subgradient;
use crate::objective::second::MAX_ROW_CURVATURE;
use crate::solvers::proximal_newton::composite::{Composite, Point};

/// The largest number of products for a step.
const MAX_CG_ITERATIONS: usize = 100;
/// The share of their initial size to which a step reduces the slopes.
const FORCING_TERM: f64 = 0.1;
/// The share of the signs that may change before a step leads astray and ends.
const MAX_SIGN_CHANGES: f64 = 0.03;
/// The ratio of the slopes of zero coordinates to those of the others above which the zero
/// coordinates move first.
const FREE_SPACE_RATIO: f64 = 2.0;

/// The points of the same signs as one of them: coordinates at zero stay there.
struct Orthant<'p> {
    from: &'p [f64],
    l1: &'p [f64],
    /// Minus the gradient of F with respect to the coordinates that move; 0 for the others.
    downhill: Vec<f64>,
}

impl<'p> Orthant<'p> {
    /// `None` if the coordinates that stay are much steeper than those that move.
    fn of<F: Float>(point: &'p Point<F>, l1: &'p [f64]) -> Option<Self> {
        let mut orthant = Self { from: &point.v, l1, downhill: vec![0.0; l1.len()] };
        let mut others = 0.0;
        for (j, &l1) in l1.iter().enumerate() {
            let slope = least_subgradient(point.gradient[j], point.v[j], l1);
            if orthant.moves(j) {
                orthant.downhill[j] = -slope;
            } else {
                others += slope * slope;
            }
        }
        let steep = dot(&orthant.downhill, &orthant.downhill);
        (others <= FREE_SPACE_RATIO * FREE_SPACE_RATIO * steep).then_some(orthant)
    }

    fn moves(&self, j: usize) -> bool {
        self.from[j] != 0.0 || self.l1[j] == 0.0
    }

    /// The point after a share of a step. Coordinates that would change their sign become 0.
    fn moved(&self, step: &[f64], share: f64) -> Vec<f64> {
        let moved = |j: usize| {
            let to = self.from[j] + share * step[j];
            if self.l1[j] > 0.0 && to * self.from[j] < 0.0 { 0.0 } else { to }
        };
        (0..step.len()).map(moved).collect()
    }

    fn is_left_by(&self, step: &[f64]) -> bool {
        let signs = |v: &[f64]| v.iter().filter(|v| **v != 0.0).count() as f64;
        signs(&self.moved(step, 1.0)) < (1.0 - MAX_SIGN_CHANGES) * signs(self.from)
    }
}

impl<B: Backend + ?Sized> Composite<'_, '_, B> {
    /// Takes a step along the non-zero coordinates. `None` if it gains nothing, or the others are
    /// much steeper.
    ///
    /// Each of its conjugate gradients takes a pass.
    pub(crate) fn move_with_signs(&mut self, point: &Point<B::Scalar>) -> Option<Point<B::Scalar>> {
        let l1 = self.l1.clone();
        let orthant = Orthant::of(point, &l1)?;
        let step = self.step_within(&orthant, point);
        let path = |length: f64| {
            let to = orthant.moved(&step, length);
            let gain = dot(&orthant.downhill, &difference(&to, &point.v));
            (to, gain)
        };
        self.search(point, path, usize::MAX)
    }

    fn step_within(&mut self, orthant: &Orthant<'_>, point: &Point<B::Scalar>) -> Vec<f64> {
        let diagonal = self.most_curvature(MAX_ROW_CURVATURE);
        let mut gradients = ConjugateGradients::new(&orthant.downhill, &diagonal);
        let enough = FORCING_TERM * FORCING_TERM * gradients.size;
        for _ in 0..MAX_CG_ITERATIONS {
            let mut product = self.product(point, &gradients.direction);
            for (j, product) in product.iter_mut().enumerate() {
                *product = if orthant.moves(j) { *product } else { 0.0 };
            }
            let followed = gradients.follow(&product);
            if !followed || gradients.size <= enough || orthant.is_left_by(&gradients.solution) {
                break;
            }
        }
        gradients.solution
    }

    /// The second derivatives of f with respect to `v`, times a direction. Takes a pass.
    fn product(&mut self, point: &Point<B::Scalar>, direction: &[f64]) -> Vec<f64> {
        let direction = self.parameters(direction);
        let mut product = direction.clone();
        self.objective.hessian_product(point.at(), &direction, &mut product);
        self.slopes(&product)
    }
}
