//! One problem: data and settings, as the library is given them.

use std::fmt;

/// A matrix with its labels, and all settings of a fit but the solver.
///
/// Numbers are exact in the precision of the case, except for strengths of penalties and class
/// weights.
#[derive(Clone, Debug, Default)]
pub(crate) struct Case {
    /// Row by row.
    pub(crate) x: Vec<Vec<f64>>,
    pub(crate) y: Vec<bool>,
    pub(crate) single: bool,
    pub(crate) weights: Option<Vec<f64>>,
    pub(crate) class_weights: Option<(f64, f64)>,
    pub(crate) offsets: Option<Vec<f64>>,
    pub(crate) start: Option<(Vec<f64>, f64)>,
    pub(crate) l1: f64,
    pub(crate) l2: f64,
    pub(crate) intercept: bool,
    pub(crate) standardize: bool,
}

impl Case {
    pub(crate) fn nrows(&self) -> usize {
        self.x.len()
    }

    pub(crate) fn ncols(&self) -> usize {
        self.x[0].len()
    }

    /// Half the distance from 1 to the next number of the precision.
    pub(crate) fn unit_roundoff(&self) -> f64 {
        if self.single { f64::from(f32::EPSILON) / 2.0 } else { f64::EPSILON / 2.0 }
    }

    pub(crate) fn penalized(&self) -> bool {
        self.l1 > 0.0 || self.l2 > 0.0
    }

    /// A row's own weight and that of its class, neither of which may be out of the range in which
    /// they can be multiplied.
    pub(crate) fn weights(&self, i: usize) -> (f64, f64) {
        let own = self.weights.as_ref().map_or(1.0, |weights| weights[i]);
        let (zero, one) = self.class_weights.unwrap_or((1.0, 1.0));
        (own, if self.y[i] { one } else { zero })
    }

    /// Whether a row has a weight that is not 0.
    pub(crate) fn counts(&self, i: usize) -> bool {
        let (own, of_class) = self.weights(i);
        own > 0.0 && of_class > 0.0
    }

    pub(crate) fn offset(&self, i: usize) -> f64 {
        self.offsets.as_ref().map_or(0.0, |offsets| offsets[i])
    }

    /// Whether rows that count are of either class.
    pub(crate) fn has_both_classes(&self) -> bool {
        let counts = |class| (0..self.nrows()).any(|i| self.counts(i) && self.y[i] == class);
        counts(true) && counts(false)
    }

    /// The same problem with every row as often as its weight says, where all are small integers.
    pub(crate) fn repeated(&self) -> Option<Case> {
        let weights = self.weights.as_ref()?;
        let whole = |w: &f64| w.fract() == 0.0 && *w <= 10.0;
        if !weights.iter().all(whole) {
            return None;
        }
        let rows = || (0..self.nrows()).flat_map(|i| vec![i; weights[i] as usize]);
        Some(Case {
            x: rows().map(|i| self.x[i].clone()).collect(),
            y: rows().map(|i| self.y[i]).collect(),
            weights: None,
            offsets: self.offsets.as_ref().map(|offsets| rows().map(|i| offsets[i]).collect()),
            ..self.clone()
        })
    }

    /// Rounds all numbers to the precision of the case.
    pub(crate) fn round(&mut self) {
        if !self.single {
            return;
        }
        let start = self.start.iter_mut().flat_map(|(w, b)| w.iter_mut().chain([b]));
        let rows = self.weights.iter_mut().chain(&mut self.offsets).flatten();
        let numbers = self.x.iter_mut().flatten().chain(rows).chain(start);
        numbers.for_each(|value| *value = f64::from(*value as f32));
    }
}

/// As literals that Rust, Python and JSON read alike; the matrix where it is small.
impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let precision = if self.single { "f32" } else { "f64" };
        writeln!(f, "{} rows, {} columns of {precision}", self.nrows(), self.ncols())?;
        writeln!(
            f,
            "l1 = {:?}, l2 = {:?}, intercept = {}, standardize = {}, class weights = {:?}",
            self.l1, self.l2, self.intercept, self.standardize, self.class_weights
        )?;
        if self.nrows() * self.ncols() > 400 {
            return writeln!(f, "(too large to print)");
        }
        writeln!(f, "x = {:?}", self.x)?;
        let labels: Vec<u8> = self.y.iter().map(|&y| y.into()).collect();
        writeln!(f, "y = {labels:?}")?;
        for (name, values) in [("weights", &self.weights), ("offsets", &self.offsets)] {
            if let Some(values) = values {
                writeln!(f, "{name} = {values:?}")?;
            }
        }
        match &self.start {
            Some((weights, intercept)) => writeln!(f, "start = {weights:?}, {intercept:?}"),
            None => Ok(()),
        }
    }
}
