//! The minimum of a quadratic function with an L1 term, exactly, in doubled precision.

use crate::dd::{Dd, dot};

/// A symmetric matrix, positive semidefinite.
pub(crate) type Matrix = Vec<Vec<Dd>>;

/// The share of its diagonal element that a pivot must keep to count as more than rounding.
const PIVOT: f64 = 1e-28;

/// Solves `A x = r` among some coordinates by a Cholesky factorisation with complete pivoting;
/// coordinates that depend on others get 0.
pub(crate) fn solve(a: &Matrix, among: &[usize], r: &[Dd]) -> Vec<Dd> {
    let mut order = among.to_vec();
    // Row k of the factor, by coordinate.
    let mut factor: Vec<Vec<Dd>> = Vec::new();
    let mut left: Vec<Dd> = (0..a.len()).map(|j| a[j][j]).collect();
    let mut rank = 0;
    while rank < order.len() {
        let share = |&j: &usize| if a[j][j].hi > 0.0 { left[j].hi / a[j][j].hi } else { 0.0 };
        let best = (rank..order.len())
            .max_by(|&p, &q| share(&order[p]).total_cmp(&share(&order[q])))
            .expect("some are left");
        if share(&order[best]) <= PIVOT {
            break;
        }
        order.swap(rank, best);
        let pivot = order[rank];
        let root = left[pivot].sqrt();
        let mut row = vec![Dd::ZERO; a.len()];
        row[pivot] = root;
        for &j in &order[rank + 1..] {
            let done: Dd = factor.iter().map(|row| row[pivot] * row[j]).sum();
            row[j] = (a[pivot][j] - done) / root;
            left[j] -= row[j] * row[j];
        }
        factor.push(row);
        rank += 1;
    }
    let mut x = vec![Dd::ZERO; a.len()];
    for k in 0..rank {
        let done: Dd = (0..k).map(|l| factor[l][order[k]] * x[order[l]]).sum();
        x[order[k]] = (r[order[k]] - done) / factor[k][order[k]];
    }
    for k in (0..rank).rev() {
        let done: Dd = (k + 1..rank).map(|l| factor[k][order[l]] * x[order[l]]).sum();
        x[order[k]] = (x[order[k]] - done) / factor[k][order[k]];
    }
    x
}

/// `g·p + p·A·p / 2 + Σ λⱼ |uⱼ + pⱼ|` as a function of `u + p`.
pub(crate) struct Quadratic<'a> {
    pub(crate) a: &'a Matrix,
    pub(crate) gradient: &'a [Dd],
    pub(crate) at: &'a [Dd],
    pub(crate) l1: &'a [Dd],
}

impl Quadratic<'_> {
    /// The value above that at `p = 0`.
    pub(crate) fn change(&self, v: &[Dd]) -> Dd {
        let p = self.step_to(v);
        let slopes = self.slopes(&p);
        let smooth = (dot(self.gradient, &p) + dot(&slopes, &p)).scaled(0.5);
        let term = |(j, &l1): (usize, &Dd)| l1 * (v[j].abs() - self.at[j].abs());
        smooth + self.l1.iter().enumerate().map(term).sum()
    }

    fn step_to(&self, v: &[Dd]) -> Vec<Dd> {
        v.iter().zip(self.at).map(|(&v, &u)| v - u).collect()
    }

    /// `g + A p`
    fn slopes(&self, p: &[Dd]) -> Vec<Dd> {
        self.a.iter().zip(self.gradient).map(|(row, &g)| g + dot(row, p)).collect()
    }

    /// Where it is least, by feature-sign search (Lee, Battle, Raina and Ng, *Efficient sparse
    /// coding algorithms*, 2006): exact steps among the coordinates that are not 0, one more of
    /// which is let go whenever these are done.
    pub(crate) fn minimize(&self) -> Vec<Dd> {
        let m = self.at.len();
        let mut v = self.at.to_vec();
        let sign_of = |v: &[Dd], j: usize| if v[j].hi == 0.0 { 0.0 } else { v[j].hi.signum() };
        let mut signs: Vec<f64> = (0..m).map(|j| sign_of(&v, j)).collect();
        let mut let_go = false;
        for _ in 0..20 * m + 50 {
            let slopes = self.slopes(&self.step_to(&v));
            let free = |j: usize| self.l1[j].hi == 0.0;
            let among: Vec<usize> = (0..m).filter(|&j| free(j) || signs[j] != 0.0).collect();
            let r: Vec<Dd> = (0..m).map(|j| -slopes[j] - self.l1[j] * signs[j]).collect();
            let p = solve(self.a, &among, &r);
            let walk = self.walk(&mut v, &p, &among);
            for &j in &among {
                signs[j] = sign_of(&v, j);
            }
            match walk {
                Walk::Crossed => continue,
                // What seemed steep enough to let a coordinate go was rounding.
                Walk::Nowhere if let_go => break,
                _ => {}
            }
            // The coordinate at 0 whose slope exceeds its penalty most.
            let slopes = self.slopes(&self.step_to(&v));
            let excess = |j: usize| slopes[j].abs().hi / self.l1[j].hi - 1.0;
            let zeros = (0..m).filter(|&j| !free(j) && v[j].hi == 0.0);
            match zeros.max_by(|&p, &q| excess(p).total_cmp(&excess(q))) {
                Some(j) if excess(j) > 1e-20 => {
                    signs[j] = -slopes[j].hi.signum();
                    let_go = true;
                }
                _ => break,
            }
        }
        v
    }

    /// Goes along `p` to the best of its end and of the points where coordinates become 0.
    fn walk(&self, v: &mut Vec<Dd>, p: &[Dd], among: &[usize]) -> Walk {
        let mut stops: Vec<(Dd, Option<usize>)> = vec![(Dd::ONE, None)];
        for &j in among {
            if self.l1[j].hi > 0.0 && v[j].hi * p[j].hi < 0.0 {
                let share = -(v[j] / p[j]);
                if share < Dd::ONE {
                    stops.push((share, Some(j)));
                }
            }
        }
        let crossings = stops.len() > 1;
        let mut best: Option<(Dd, Vec<Dd>, bool)> = None;
        for (share, zero) in stops {
            let mut there: Vec<Dd> = v.iter().zip(p).map(|(&v, &p)| v + p * share).collect();
            if let Some(j) = zero {
                there[j] = Dd::ZERO;
            }
            let change = self.change(&there);
            if best.as_ref().is_none_or(|best| change < best.0) {
                best = Some((change, there, zero.is_some()));
            }
        }
        let (change, there, at_zero) = best.expect("the end at least");
        if change >= self.change(v) {
            return Walk::Nowhere;
        }
        *v = there;
        if at_zero || crossings { Walk::Crossed } else { Walk::ToTheEnd }
    }
}

/// How a step among the coordinates that are not 0 went.
enum Walk {
    /// It would not go down.
    Nowhere,
    /// To where the model is least for these signs.
    ToTheEnd,
    /// Past or to a 0, so that the next has other signs.
    Crossed,
}
