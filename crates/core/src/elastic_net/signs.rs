//! Newton's steps among points of the same signs, where the L1 term is linear: by products with the
//! second derivatives alone.
//!
//! Sources: Byrd, Chin, Nocedal and Oztoprak, *A family of second-order methods for convex
//! l1-regularized optimization* (2016); Chen, Curtis and Robinson, *A reduced-space algorithm for
//! minimizing l1-regularized convex functions* (2017), for when to take such a step and when to
//! break it off.

use super::{ElasticNet, Point, least_subgradient};
use crate::Backend;
use crate::conjugate_gradients::ConjugateGradients;
use crate::memory::difference;
use crate::quadratic::dot;
use crate::quasi_newton::MOST_CURVATURE;

/// So many products at most make a step,
const PRODUCTS: usize = 100;
/// which ends where the slopes that it leaves are this share of what they were,
const SMALL: f64 = 0.1;
/// or more than this share of the signs would change, and it leads astray.
const ASTRAY: f64 = 0.03;
/// Coordinates at zero have their turn first where they are so many times as steep as the others.
const STEEPER: f64 = 2.0;

impl<B: Backend + ?Sized> ElasticNet<'_, '_, B> {
    /// Takes a step by the coordinates that are not zero, of which those that would change their sign
    /// become zero; `None` where it brings nothing, or the others are much steeper.
    ///
    /// Each of its conjugate gradients reads the matrix once.
    pub(crate) fn move_with_signs(&mut self, point: &Point<B::Scalar>) -> Option<Point<B::Scalar>> {
        let l1 = self.l1.clone();
        let free: Vec<bool> =
            point.v.iter().zip(&l1).map(|(v, l1)| *v != 0.0 || *l1 == 0.0).collect();
        let slopes = |of: bool| -> Vec<f64> {
            let slope = |j: usize| match free[j] == of {
                true => least_subgradient(point.gradient[j], point.v[j], l1[j]),
                false => 0.0,
            };
            (0..l1.len()).map(slope).collect()
        };
        let (downhill, others) = (slopes(true), slopes(false));
        let downhill: Vec<f64> = downhill.into_iter().map(|slope| -slope).collect();
        if STEEPER * STEEPER * dot(&downhill, &downhill) < dot(&others, &others) {
            return None;
        }
        let path = |step: &[f64], length: f64| {
            let moved = |j: usize| {
                let to = point.v[j] + length * step[j];
                if l1[j] > 0.0 && to * point.v[j] < 0.0 { 0.0 } else { to }
            };
            (0..l1.len()).map(moved).collect::<Vec<_>>()
        };
        let signs = |v: &[f64]| v.iter().filter(|v| **v != 0.0).count() as f64;
        let fewest = (1.0 - ASTRAY) * signs(&point.v);

        let diagonal = self.most_curvature(MOST_CURVATURE);
        let mut gradients = ConjugateGradients::new(&downhill, &diagonal);
        let enough = SMALL * SMALL * gradients.size;
        for _ in 0..PRODUCTS {
            let mut product = self.product(point, &gradients.direction);
            product
                .iter_mut()
                .zip(&free)
                .filter(|of| !of.1)
                .for_each(|(product, _)| *product = 0.0);
            let followed = gradients.follow(&product);
            if !followed
                || gradients.size <= enough
                || signs(&path(&gradients.solution, 1.0)) < fewest
            {
                break;
            }
        }
        self.search(point, |length| {
            let to = path(&gradients.solution, length);
            let gain = dot(&downhill, &difference(&to, &point.v));
            (to, gain)
        })
    }

    /// The second derivatives of f by `v` times a direction. Reads the matrix once.
    fn product(&mut self, point: &Point<B::Scalar>, direction: &[f64]) -> Vec<f64> {
        let direction = self.parameters(direction);
        let mut product = direction.clone();
        self.objective.hessian_product(&point.at, &direction, &mut product);
        self.slopes(&product)
    }
}
