//! Columns that others give but for rounding, made to be exactly what others give.

use crate::dd::{Dd, dot};
use crate::problem::{DEPENDENT, Problem};

impl Problem {
    /// The problem of data within some roundings of this, in which columns depend on others exactly
    /// where here they do but for rounding: `e = 32 (d + 3) u` of their largest value in each row.
    ///
    /// By the modified Gram-Schmidt process with pivoting, the intercept first.
    pub(crate) fn cleaned(&self) -> Self {
        let d = self.ncols();
        let error = DEPENDENT * self.logit_error();
        let limits: Vec<f64> = (0..d).map(|j| error * self.largest(j) / self.scale(j)).collect();
        let mut left: Vec<Vec<Dd>> =
            (0..d).map(|j| self.x.iter().map(|row| row[j]).collect()).collect();
        let all: Vec<usize> = (0..d).collect();
        if self.dimension() > d {
            project(&mut left, &all, vec![Dd::ONE; self.x.len()]);
        }
        let excess = |column: &[Dd], j: usize| {
            column.iter().fold(0.0, |most: f64, x| most.max(x.hi.abs())) / limits[j]
        };
        // What is constant is no part of anything else.
        let constant = |&j: &usize| excess(&left[j], j) <= 1.0;
        let (constant, mut remaining): (Vec<usize>, Vec<usize>) =
            all.into_iter().partition(constant);
        while let Some(best) = (0..remaining.len()).max_by(|&p, &q| {
            let excess = |k: usize| excess(&left[remaining[k]], remaining[k]);
            excess(p).total_cmp(&excess(q))
        }) {
            if excess(&left[remaining[best]], remaining[best]) <= 1.0 {
                break;
            }
            let pivot = left[remaining.swap_remove(best)].clone();
            project(&mut left, &remaining, pivot);
        }
        let mut cleaned = self.clone();
        for j in constant.into_iter().chain(remaining) {
            for (row, &rounding) in cleaned.x.iter_mut().zip(&left[j]) {
                row[j] -= rounding;
            }
        }
        cleaned
    }
}

/// Takes off some columns what they have of a direction.
fn project(columns: &mut [Vec<Dd>], some: &[usize], direction: Vec<Dd>) {
    let square = dot(&direction, &direction);
    for &j in some {
        let share = dot(&direction, &columns[j]) / square;
        columns[j].iter_mut().zip(&direction).for_each(|(x, &q)| *x -= q * share);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Case;

    #[test]
    fn what_rounding_adds_is_taken_off_and_nothing_else() {
        let a = [0.1, 0.7, -0.3, 1.9, 0.4, -1.1];
        let b = [1.3, -0.2, 0.6, 0.5, -0.9, 0.8];
        let tiny = [1e-9, -1e-9, 2e-9, 0.0, 1e-9, 0.0];
        let y = vec![true, false, true, false, true, false];
        // What cleaning changes, and what cleaning again does.
        let changes = |third: &dyn Fn(usize) -> f64| {
            let x = (0..6).map(|i| vec![a[i], b[i], third(i)]).collect();
            let case = Case { x, y: y.clone(), intercept: true, ..Case::default() };
            let problem = Problem::new(&case);
            let change = |problem: &Problem| {
                let elements = |problem: &Problem| problem.x.iter().flatten().copied().collect();
                let (old, new): (Vec<Dd>, Vec<Dd>) =
                    (elements(problem), elements(&problem.cleaned()));
                old.iter().zip(&new).fold(0.0, |most: f64, (&a, &b)| most.max((a - b).abs().hi))
            };
            [change(&problem), change(&problem.cleaned())]
        };
        let [first, second] = changes(&|i| a[i] + b[i]);
        assert!(first > 1e-18 && first < 1e-15 && second < 1e-29, "{first:e} {second:e}");
        assert_eq!(changes(&|i| a[i] + b[i] + tiny[i]), [0.0, 0.0]);
    }
}
