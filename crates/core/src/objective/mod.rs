//! The mean cross-entropy over the rows plus the penalty, with its gradient, from one read of X.

pub(crate) mod blocks;
pub(crate) mod bound;
pub(crate) mod coordinates;
pub(crate) mod curvature;
mod losses;
mod moments;
mod null_model;
pub(crate) mod point;
mod product;
pub(crate) mod rows;
pub(crate) mod second;
mod temperature;
pub(crate) mod weights;

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use num_traits::Zero;

use crate::backend::contract::Backend;
use crate::backend::error::{Error, check_setting};
use crate::backend::model::Model;
use crate::backend::peers::Peers;
use crate::backend::shard::Shard;
use crate::numbers::float::Float;
use crate::objective::blocks::Partition;
use crate::objective::coordinates::{Coordinates, Moments};
use crate::objective::losses::LaneSums;
use crate::objective::rows::{Observed, Rows};

/// What a fit minimises, as a function of d weights and, unless the intercept is left out, the
/// intercept as the last parameter.
///
/// ```text
/// f(w, b) = Σᵢ ωᵢ cross_entropy(xᵢ·w + b + oᵢ, yᵢ) / Σᵢ ωᵢ  +  l2/2 · |w|²
/// ```
///
/// The sample weights `ωᵢ` are 1 and the offsets `oᵢ` 0 unless they are given. An L1 term,
/// [`l1`](Self::l1)` · |w|₁`, has no gradient where a weight is 0, so it is left to solvers that know
/// of it: what [`evaluate`](Self::evaluate) returns is the smooth rest, as above.
///
/// With standardisation, `xᵢ` and `w` are those of the standardised columns. Made by
/// [`LogisticRegression::objective`](crate::LogisticRegression::objective), for solvers of one's
/// own and for measuring; a fit needs no knowledge of it.
///
/// Residuals below `min_positive_value() / epsilon()`, 1e-292 or in `f32` 1e-31, count as 0.
/// Losses are `f64` in either precision: sums within a block of rows are taken in the precision of
/// the matrix, sums of blocks in `f64`, so that `f32` stays useful for tens of millions of rows.
/// All memory is allocated in advance, and none of it grows with the number of rows, except for
/// the labels, a byte each, and sample weights and offsets where given.
pub struct Objective<'a, B: Backend + ?Sized> {
    x: &'a B,
    shard: Shard,
    rows: Rows<'static>,
    /// How many rows the objective is over, in all processes.
    nrows: usize,
    observed: Observed<B::Scalar>,
    total_weight: f64,
    penalty: Penalty,
    coordinates: Coordinates,
    /// Of the columns that the weights belong to, where they have been measured.
    moments: OnceLock<Moments>,
    /// Those columns centred and scaled, where they have been measured.
    basis: OnceLock<Coordinates>,
    partition: Partition,
    /// The model at the parameters last evaluated, on the caller's scale.
    model: Model<B::Scalar>,
    partials: Vec<Partial<B::Scalar>>,
    /// The sums of all segments, of all processes.
    sums: Vec<f64>,
    /// The rows of a batch that this process holds.
    listed: Vec<usize>,
    /// The largest logit last seen, in absolute value.
    largest_logit: f64,
    /// How often the matrix has been read, in rows, by this and its samples.
    rows_read: Arc<AtomicUsize>,
}

/// What one segment works with and comes to.
struct Partial<F> {
    /// A block's logits, then its residuals.
    logits: Vec<F>,
    /// How a block's logits change along a direction.
    changes: Vec<F>,
    /// By how much those changes may be off; of no length before that is asked.
    roundings: Vec<F>,
    /// The segment's losses and residuals.
    losses: LaneSums<F>,
    /// What was observed in a block of listed rows.
    observed: Observed<F>,
    /// A block's gradient, before it is added to the sums.
    block: Vec<F>,
    /// The segment's sums of residual · x, d numbers, of the residual and of the loss.
    sums: Vec<f64>,
    largest_logit: f64,
    largest_shift: f64,
}

impl<F: Float> Partial<F> {
    fn new(ncols: usize, block_rows: usize) -> Self {
        Self {
            logits: vec![F::zero(); block_rows],
            changes: vec![F::zero(); block_rows],
            roundings: Vec::new(),
            losses: LaneSums::default(),
            observed: Observed::none(),
            block: vec![F::zero(); ncols],
            sums: vec![0.0; ncols + 2],
            largest_logit: 0.0,
            largest_shift: f64::NEG_INFINITY,
        }
    }
}

/// The strengths of the penalties.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Penalty {
    pub(crate) l1: f64,
    pub(crate) l2: f64,
}

impl Penalty {
    pub(crate) const NONE: Self = Self { l1: 0.0, l2: 0.0 };

    pub(crate) fn check(&self) -> Result<(), Error> {
        for (name, strength) in [("l1", self.l1), ("l2", self.l2)] {
            let holds = strength >= 0.0 && strength.is_finite();
            check_setting(name, strength, holds, "0 or positive, and finite")?;
        }
        Ok(())
    }
}

/// What is to be minimised, apart from the data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Terms {
    pub(crate) penalty: Penalty,
    pub(crate) fit_intercept: bool,
    pub(crate) standardize: bool,
}

impl<'a, B: Backend + ?Sized> Objective<'a, B> {
    /// Measures the columns where they are to be standardised; `observed` fits the rows.
    pub(crate) fn new(
        x: &'a B,
        shard: Shard,
        observed: Observed<B::Scalar>,
        terms: Terms,
    ) -> Result<Self, Error> {
        let rows = Rows::All(x.nrows());
        let coordinates = if terms.standardize {
            Coordinates::standardized(x, &rows, &observed, terms.fit_intercept)?
        } else {
            Coordinates::plain(x.ncols(), terms.fit_intercept)
        };
        Ok(Self::over(x, shard, rows, observed, terms.penalty, coordinates))
    }

    fn over(
        x: &'a B,
        shard: Shard,
        rows: Rows<'static>,
        observed: Observed<B::Scalar>,
        penalty: Penalty,
        coordinates: Coordinates,
    ) -> Self {
        let partition = rows.partition(x);
        let partial = |_| Partial::new(x.ncols(), partition.block_rows());
        let mut totals = [observed.total_weight(), rows.len() as f64];
        x.peers().sum(&mut totals);
        let [total_weight, nrows] = totals;
        Self {
            x,
            shard,
            rows,
            nrows: nrows as usize,
            total_weight,
            observed,
            penalty,
            basis: OnceLock::new(),
            moments: coordinates.moments().map_or_else(OnceLock::new, OnceLock::from),
            coordinates,
            partition,
            model: Model::zero(x.ncols()),
            partials: (0..partition.segments()).map(partial).collect(),
            sums: vec![0.0; x.ncols() + 2],
            listed: Vec::new(),
            largest_logit: 0.0,
            rows_read: Arc::default(),
        }
    }

    /// The same objective with other observations of the same rows, by which columns are standardised
    /// anew.
    pub(crate) fn with_observed(&self, observed: Observed<B::Scalar>) -> Result<Self, Error> {
        let (fit_intercept, standardize) =
            (self.coordinates.fit_intercept(), self.coordinates.is_standardized());
        let terms = Terms { penalty: self.penalty, fit_intercept, standardize };
        Self::new(self.x, self.shard, observed, terms)
    }

    /// The same objective without penalties and standardisation, with an intercept.
    pub(crate) fn plain(&self) -> Self {
        let coordinates = Coordinates::plain(self.x.ncols(), true);
        Self::over(self.x, self.shard, self.rows, self.observed.clone(), Penalty::NONE, coordinates)
    }

    /// The same objective over about `wanted` of the rows, evenly spread, or `None` where that is
    /// not much less.
    pub(crate) fn sample(&self, wanted: usize) -> Option<Self> {
        let rows = Rows::sample(wanted, self.shard);
        let (Rows::All(_), Rows::Runs(..)) = (self.rows, rows) else { return None };
        let mut observed = Observed::none();
        observed.gather(&self.observed, &rows, 0..rows.len());
        let coordinates = self.coordinates.clone();
        let sample = Self::over(self.x, self.shard, rows, observed, self.penalty, coordinates);
        Some(Self { rows_read: self.rows_read.clone(), ..sample })
    }

    /// The number of parameters: one per column, plus one for the intercept where it is fitted.
    pub fn dimension(&self) -> usize {
        self.coordinates.dimension()
    }

    /// The number of columns.
    pub(crate) fn ncols(&self) -> usize {
        self.x.ncols()
    }

    /// The number of rows that the objective is over, in all processes.
    pub fn nrows(&self) -> usize {
        self.nrows
    }

    /// The loss at `parameters` but for the L1 term, and its gradient written to `gradient`. Reads
    /// the matrix once.
    ///
    /// The same bits come out for any number of threads.
    ///
    /// # Panics
    /// If either slice is not [`dimension`](Self::dimension) long.
    ///
    /// ```
    /// # use logit_conformance::Matrix;
    /// # use logit_core::LogisticRegression;
    /// let x = Matrix::from_rows([[-1.0], [3.0]]); // any backend
    /// let mut objective = LogisticRegression::new().objective(&x, [0, 1])?;
    /// let mut gradient = [0.0; 2];
    /// let loss = objective.evaluate(&[0.0, 0.0], &mut gradient);
    /// assert_eq!(loss, std::f64::consts::LN_2); // every probability is 1/2 …
    /// assert_eq!(gradient, [-1.0, 0.0]); // … so the residuals are 1/2 and -1/2
    /// # Ok::<(), logit_core::Error>(())
    /// ```
    pub fn evaluate(&mut self, parameters: &[B::Scalar], gradient: &mut [B::Scalar]) -> f64 {
        let (rows, partition, total) = (self.rows, self.partition, self.total_weight);
        self.count_read(self.nrows);
        self.evaluate_rows(rows, partition, total, parameters, gradient)
    }

    /// The same over some rows only: the mean is over those; where none of them counts it is 0.
    pub(crate) fn evaluate_batch(
        &mut self,
        batch: &[usize],
        parameters: &[B::Scalar],
        gradient: &mut [B::Scalar],
    ) -> f64 {
        let mut listed = std::mem::take(&mut self.listed);
        listed.clear();
        listed.extend(batch.iter().filter_map(|&row| self.shard.position(row)));
        let total = Some(self.batch_weight(&listed)).filter(|total| *total > 0.0).unwrap_or(1.0);
        self.count_read(batch.len());
        let rows = Rows::Listed(&listed);
        let loss = self.evaluate_rows(rows, rows.partition(self.x), total, parameters, gradient);
        self.listed = listed;
        loss
    }

    /// How much some of the rows held here count together with those of other processes.
    pub(crate) fn batch_weight(&self, batch: &[usize]) -> f64 {
        let weight =
            |&i| self.observed.weights.get(i).map_or(1.0, |weight: &B::Scalar| weight.widen());
        let mut total = [batch.iter().map(weight).sum()];
        self.x.peers().sum(&mut total);
        total[0]
    }

    /// How often the matrix has been read since this was made, in rows, samples included.
    pub(crate) fn rows_read(&self) -> usize {
        self.rows_read.load(Ordering::Relaxed)
    }

    fn count_read(&self, rows: usize) {
        self.rows_read.fetch_add(rows, Ordering::Relaxed);
    }

    pub(crate) fn coordinates(&self) -> &Coordinates {
        &self.coordinates
    }

    /// The strength of the L1 penalty, which [`evaluate`](Self::evaluate) leaves out.
    pub fn l1(&self) -> f64 {
        self.penalty.l1
    }

    pub(crate) fn l2(&self) -> f64 {
        self.penalty.l2
    }

    pub(crate) fn set_penalty(&mut self, penalty: Penalty) {
        self.penalty = penalty;
    }

    /// How much the rows of class 0 and of class 1 count together.
    pub(crate) fn class_totals(&self) -> (f64, f64) {
        self.observed.class_totals(self.x.peers())
    }

    /// The moments of the columns that the weights belong to, where they have been measured over
    /// all rows.
    pub(crate) fn moments(&self) -> Option<&Moments> {
        self.moments.get()
    }

    /// What was observed in the rows held here.
    pub(crate) fn observed(&self) -> &Observed<B::Scalar> {
        &self.observed
    }

    /// How much all rows count together.
    pub(crate) fn total_weight(&self) -> f64 {
        self.total_weight
    }

    /// The least and the largest offset of a row that counts.
    pub(crate) fn offset_range(&self) -> [f64; 2] {
        let [least, most] = self.observed.offset_range();
        [-self.peers().max(-least), self.peers().max(most)]
    }

    /// The weighted mean of the squares of the offsets.
    pub(crate) fn mean_square_offset(&self) -> f64 {
        let mut sum = [self.observed.offset_squares()];
        self.x.peers().sum(&mut sum);
        sum[0] / self.total_weight
    }

    /// How much a row held here counts at most.
    pub(crate) fn own_largest_weight(&self) -> f64 {
        self.observed.largest_weight()
    }

    /// The largest logit of the rows held here where it was last evaluated, in absolute value.
    pub(crate) fn own_largest_logit(&self) -> f64 {
        self.largest_logit
    }

    /// The processes that hold the rows.
    pub(crate) fn peers(&self) -> &dyn Peers {
        self.x.peers()
    }

    /// How many elements the rows of the matrix store, in all processes.
    pub(crate) fn stored(&self) -> f64 {
        let mut stored = [self.x.stored_before(self.x.nrows()) as f64];
        self.peers().sum(&mut stored);
        stored[0]
    }

    /// A basis of centred and scaled columns for [`curvature`](Self::curvature), measured over these
    /// rows unless the solver's own columns are standardised.
    pub(crate) fn basis(&self) -> Result<Coordinates, Error> {
        if let Some(basis) = self.coordinates.basis_of_standardized() {
            return Ok(basis);
        }
        if let Some(basis) = self.basis.get() {
            return Ok(basis.clone());
        }
        let fit_intercept = self.coordinates.fit_intercept();
        let (basis, moments, passes) =
            Coordinates::basis(self.x, &self.rows, &self.observed, fit_intercept)?;
        self.count_read(passes * self.nrows);
        self.moments.get_or_init(|| moments);
        Ok(self.basis.get_or_init(|| basis).clone())
    }

    /// The same measured over a sample, if there is one, unless columns are constant there.
    pub(crate) fn basis_from(&self, sample: Option<&Self>) -> Result<Coordinates, Error> {
        if let Some(sample) = sample.filter(|_| !self.coordinates.is_standardized()) {
            let basis = sample.basis()?;
            if !sample.moments().is_some_and(|moments| moments.constant) {
                return Ok(basis);
            }
        }
        self.basis()
    }

    /// The columns that vary in a basis, but not among these rows.
    pub(crate) fn columns_not_shown(&self, basis: &Coordinates) -> Vec<usize> {
        let Ok(own) = self.basis() else { return Vec::new() };
        let is_missing = |&j: &usize| own.is_constant(j) && !basis.is_constant(j);
        (0..self.ncols()).filter(is_missing).collect()
    }

    /// How far a direction moves the logits towards the classes observed at least, over rows that
    /// count, as a share of what its terms add up to without their signs: only rounding beside the
    /// terms makes a logit that does not move.
    pub(crate) fn least_share(&self, direction: &Model<f64>) -> f64 {
        let (weights, intercept) = (direction.weights(), direction.intercept());
        let mut least = vec![f64::INFINITY; self.segments()];
        self.for_each_row(&mut least, |least, _, row, y| {
            let terms = row.iter().zip(weights).map(|(x, w)| x.widen() * w);
            let (z, size) = terms.fold((intercept, intercept.abs()), |(z, size), term| {
                (z + term, size + term.abs())
            });
            let margin = if y { z } else { -z };
            *least = least.min(if size > 0.0 { margin / size } else { 0.0 });
        });
        -self.peers().max(-least.into_iter().fold(f64::INFINITY, f64::min))
    }

    /// Into how many segments the rows held here are cut.
    pub(crate) fn segments(&self) -> usize {
        self.partition.segments()
    }

    /// Calls `work` with each row held here that counts, its class, and how many of these come before
    /// in its segment, of which there is one for each of the states. Reads the matrix once.
    pub(crate) fn for_each_row<S: Send>(
        &self,
        states: &mut [S],
        work: impl Fn(&mut S, usize, &[B::Scalar], bool) + Sync,
    ) {
        const BATCH: usize = 64;
        self.count_read(self.nrows);
        let (d, x, rows, observed) = (self.ncols(), self.x, self.rows, &self.observed);
        self.partition.for_each_segment(states, |segment, state| {
            let mut copied = vec![B::Scalar::zero(); BATCH * d];
            let (end, mut index) = (segment.end, 0);
            for start in segment.step_by(BATCH) {
                let positions = start..end.min(start + BATCH);
                rows.copy(x, positions.clone(), &mut copied);
                let block = observed.block(positions);
                for (k, row) in copied.chunks_exact(d).take(block.y.len()).enumerate() {
                    if block.weights.get(k).is_none_or(|weight| !weight.is_zero()) {
                        work(state, index, row, block.y[k]);
                        index += 1;
                    }
                }
            }
        });
    }

    fn evaluate_rows(
        &mut self,
        rows: Rows<'_>,
        partition: Partition,
        total_weight: f64,
        parameters: &[B::Scalar],
        gradient: &mut [B::Scalar],
    ) -> f64 {
        let (given, expected) = ((parameters.len(), gradient.len()), self.dimension());
        assert_eq!(given, (expected, expected), "lengths of parameters and gradient");
        self.coordinates.unfold_into(parameters, &mut self.model);
        let (x, observed, model) = (self.x, &self.observed, &self.model);
        partition.for_each_segment(&mut self.partials, |segment, partial| {
            partial.sums.fill(0.0);
            partial.losses = LaneSums::default();
            for block in partition.blocks(segment) {
                partial.add_block(x, observed, &rows, block, model);
            }
            partial.finish();
        });
        self.join(partition);
        let partials = &self.partials[..partition.segments()];
        let mean = |k: usize| self.sums[k] / total_weight;
        self.largest_logit = partials.iter().fold(0.0, |max, p| p.largest_logit.max(max));
        let d = x.ncols();
        let v = &parameters[..d];
        self.coordinates.gradient((0..d).map(mean), mean(d), self.l2(), v, gradient);
        // Infinite weights can leave a cross-entropy of 0; here they make the loss NaN or infinite
        // even without a penalty, 0 · ∞ being NaN.
        mean(d + 1) + self.l2() / 2.0 * v.iter().map(|v| v.widen().powi(2)).sum::<f64>()
    }

    /// Adds up what the segments of all processes came to.
    fn join(&mut self, partition: Partition) {
        self.sums.fill(0.0);
        for partial in &self.partials[..partition.segments()] {
            self.sums.iter_mut().zip(&partial.sums).for_each(|(all, sum)| *all += sum);
        }
        self.x.peers().sum(&mut self.sums);
    }
}

impl<F: Float> Partial<F> {
    /// Adds one block: logits, residuals and losses, gradient, while its rows are in cache.
    fn add_block<B: Backend<Scalar = F> + ?Sized>(
        &mut self,
        x: &B,
        observed: &Observed<F>,
        rows: &Rows<'_>,
        positions: Range<usize>,
        model: &Model<F>,
    ) {
        let d = model.weights.len();
        let logits = &mut self.logits[..positions.len()];
        rows.matvec(x, positions.clone(), &model.weights, logits);
        let block = if let Rows::Listed(_) = rows {
            self.observed.gather(observed, rows, positions.clone());
            self.observed.block(0..positions.len())
        } else {
            observed.block(positions.clone())
        };
        for (z, offset) in logits.iter_mut().zip(block.offsets) {
            *z += *offset;
        }
        self.losses.add(logits, model.intercept, block.y, block.weights);
        rows.matvec_transpose(x, positions, logits, &mut self.block, &mut self.sums[..d]);
    }

    /// What is left to be done after the last block.
    fn finish(&mut self) {
        let losses = self.losses.finish();
        let [.., residual, loss] = &mut self.sums[..] else { return };
        (*residual, *loss) = (losses.residual, losses.loss);
        self.largest_logit = losses.largest_logit;
    }
}
