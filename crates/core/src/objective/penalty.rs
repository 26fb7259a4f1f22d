//! The penalty of the weights.

use std::sync::Arc;

use crate::backend::error::{Error, check_setting};
use crate::numbers::float::Float;

/// ```text
/// l1 Σⱼ φⱼ |wⱼ|  +  l2/2 Σⱼ φⱼ wⱼ²
/// ```
///
/// The factors `φⱼ` are 1 unless they are given. The intercept has no penalty.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Penalty {
    pub(crate) l1: f64,
    pub(crate) l2: f64,
    /// One factor per column.
    pub(crate) factors: Option<Arc<[f64]>>,
}

impl Penalty {
    pub(crate) const NONE: Self = Self { l1: 0.0, l2: 0.0, factors: None };

    /// The same factors with other strengths.
    pub(crate) fn with(&self, l1: f64, l2: f64) -> Self {
        Self { l1, l2, factors: self.factors.clone() }
    }

    pub(crate) fn is_none(&self) -> bool {
        self.l1 == 0.0 && self.l2 == 0.0
    }

    pub(crate) fn factor(&self, column: usize) -> f64 {
        self.factors.as_ref().map_or(1.0, |factors| factors[column])
    }

    /// The strength of the L1 term of a column.
    pub(crate) fn l1_of(&self, column: usize) -> f64 {
        self.l1 * self.factor(column)
    }

    /// The strength of the L2 term of a column.
    pub(crate) fn l2_of(&self, column: usize) -> f64 {
        self.l2 * self.factor(column)
    }

    /// The least strength of the L2 term of any column.
    pub(crate) fn least_l2(&self) -> f64 {
        let least = |factors: &Arc<[f64]>| factors.iter().fold(f64::INFINITY, |a, &b| b.min(a));
        self.l2 * self.factors.as_ref().map_or(1.0, least)
    }

    /// The columns of factor 0.
    pub(crate) fn free_columns(&self) -> impl Iterator<Item = usize> {
        let factors = self.factors.iter().flat_map(|factors| factors.iter());
        factors.enumerate().filter(|(_, factor)| **factor == 0.0).map(|(j, _)| j)
    }

    /// The penalty of some weights.
    pub(crate) fn of<F: Float>(&self, weights: &[F]) -> f64 {
        let sum = |term: &dyn Fn(f64) -> f64| -> f64 {
            let factored = |(j, w): (usize, &F)| self.factor(j) * term(w.widen());
            weights.iter().enumerate().map(factored).sum()
        };
        let ridge = self.l2 / 2.0 * sum(&|w| w.powi(2));
        if self.l1 > 0.0 { ridge + self.l1 * sum(&f64::abs) } else { ridge }
    }

    /// Fails on strengths and factors that are not 0 or positive and finite, or on a number of factors
    /// that is not that of the columns.
    pub(crate) fn check(&self, ncols: usize) -> Result<(), Error> {
        let holds = |value: f64| value >= 0.0 && value.is_finite();
        let accepted = "0 or positive, and finite";
        for (name, strength) in [("l1", self.l1), ("l2", self.l2)] {
            check_setting(name, strength, holds(strength), accepted)?;
        }
        let (name, Some(factors)) = ("penalty factor", &self.factors) else { return Ok(()) };
        if factors.len() != ncols {
            return Err(Error::ColumnCount { name, given: factors.len(), columns: ncols });
        }
        match factors.iter().position(|factor| !holds(*factor)) {
            Some(column) => {
                Err(Error::ColumnSetting { name, column, value: factors[column], accepted })
            }
            None => Ok(()),
        }
    }
}
