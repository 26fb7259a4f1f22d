//! The mean cross-entropy over the rows plus the penalty, with its gradient, from one read of X.

use std::ops::Range;

use num_traits::Zero;

use crate::backend::add_widened;
use crate::blocks::Partition;
use crate::coordinates::Coordinates;
use crate::{Backend, Error, Float, Label, Model, labels, slice};

/// What a fit minimises, as a function of d weights and, unless the intercept is left out, the
/// intercept as the last parameter.
///
/// ```text
/// f(w, b) = 1/n Σᵢ cross_entropy(xᵢ·w + b, yᵢ)  +  l2/2 · |w|²
/// ```
///
/// With standardisation, `xᵢ` and `w` are those of the standardised columns. Made by
/// [`LogisticRegression::objective`](crate::LogisticRegression::objective), for solvers of one's
/// own and for measuring; a fit needs no knowledge of it.
///
/// Losses are `f64` in either precision: sums within a block of rows are taken in the precision of
/// the matrix, sums of blocks in `f64`, so that `f32` stays useful for tens of millions of rows.
/// All memory is allocated in advance, and none of it grows with the number of rows, except for
/// the labels, a byte each.
pub struct Objective<'a, B: Backend + ?Sized> {
    x: &'a B,
    y: Vec<bool>,
    l2: f64,
    coordinates: Coordinates,
    partition: Partition,
    /// The model at the parameters last evaluated, on the caller's scale.
    model: Model<B::Scalar>,
    partials: Vec<Partial<B::Scalar>>,
}

/// What one segment works with and comes to.
struct Partial<F> {
    /// A block's logits, then its residuals.
    logits: Vec<F>,
    /// A block's losses.
    losses: Vec<F>,
    /// The labels of a block of listed rows.
    labels: Vec<bool>,
    /// A block's gradient, before it is added to the sums.
    block: Vec<F>,
    /// The segment's sums of residual · x, d numbers, of the residual and of the loss.
    sums: Vec<f64>,
}

impl<F: Float> Partial<F> {
    fn new(ncols: usize, block_rows: usize) -> Self {
        Self {
            logits: vec![F::zero(); block_rows],
            losses: vec![F::zero(); block_rows],
            labels: vec![false; block_rows],
            block: vec![F::zero(); ncols],
            sums: vec![0.0; ncols + 2],
        }
    }
}

impl<'a, B: Backend + ?Sized> Objective<'a, B> {
    /// Checks shape and labels; measures the columns where they are to be standardised.
    pub(crate) fn new<L: Label>(
        x: &'a B,
        y: impl IntoIterator<Item = L>,
        l2: f64,
        fit_intercept: bool,
        standardize: bool,
    ) -> Result<Self, Error> {
        let (n, d) = (x.nrows(), x.ncols());
        if n == 0 {
            return Err(Error::NoRows);
        }
        if d == 0 {
            return Err(Error::NoColumns);
        }
        let y = labels::read(n, y)?;
        labels::require_both_classes(&y)?;
        let partition = Partition::of(x);
        let coordinates = if standardize {
            Coordinates::standardized(x, &partition, fit_intercept)?
        } else {
            Coordinates::plain(d, fit_intercept)
        };
        let partials = (0..partition.segments()).map(|_| Partial::new(d, partition.block_rows()));
        Ok(Self {
            x,
            y,
            l2,
            coordinates,
            partition,
            model: Model::zero(d),
            partials: partials.collect(),
        })
    }

    /// The number of parameters: one per column, plus one for the intercept where it is fitted.
    pub fn dimension(&self) -> usize {
        self.coordinates.dimension()
    }

    /// The loss at `parameters`, and its gradient written to `gradient`. Reads the matrix once.
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
        self.evaluate_rows(Rows::All, self.partition, parameters, gradient)
    }

    /// The same over some rows only: the mean is over those.
    pub(crate) fn evaluate_batch(
        &mut self,
        batch: &[usize],
        parameters: &[B::Scalar],
        gradient: &mut [B::Scalar],
    ) -> f64 {
        let (n, block_rows) = (self.nrows(), self.partition.block_rows());
        let mean_stored = self.x.stored_before(n) / n;
        let partition =
            Partition::new(batch.len(), self.x.ncols(), block_rows, |rows| mean_stored * rows);
        self.evaluate_rows(Rows::Listed(batch), partition, parameters, gradient)
    }

    /// The number of rows.
    pub(crate) fn nrows(&self) -> usize {
        self.y.len()
    }

    pub(crate) fn coordinates(&self) -> &Coordinates {
        &self.coordinates
    }

    fn evaluate_rows(
        &mut self,
        rows: Rows<'_>,
        partition: Partition,
        parameters: &[B::Scalar],
        gradient: &mut [B::Scalar],
    ) -> f64 {
        let (given, expected) = ((parameters.len(), gradient.len()), self.dimension());
        assert_eq!(given, (expected, expected), "lengths of parameters and gradient");
        self.coordinates.unfold_into(parameters, &mut self.model);
        let (x, y, model) = (self.x, &self.y, &self.model);
        partition.for_each_segment(&mut self.partials, |segment, partial| {
            partial.sums.fill(0.0);
            for block in partition.blocks(segment) {
                partial.add_block(x, y, &rows, block, model);
            }
        });
        let n = rows.len(x) as f64;
        let partials = &self.partials[..partition.segments()];
        let mean = |k: usize| partials.iter().map(|partial| partial.sums[k]).sum::<f64>() / n;
        let d = x.ncols();
        let v = &parameters[..d];
        self.coordinates.gradient((0..d).map(mean), mean(d), self.l2, v, gradient);
        // Infinite weights can leave a cross-entropy of 0; here they make the loss NaN or infinite
        // even without a penalty, 0 · ∞ being NaN.
        mean(d + 1) + self.l2 / 2.0 * v.iter().map(|v| v.widen().powi(2)).sum::<f64>()
    }
}

impl<F: Float> Partial<F> {
    /// Adds one block: logits, residuals and losses, gradient, while its rows are in cache.
    fn add_block<B: Backend<Scalar = F> + ?Sized>(
        &mut self,
        x: &B,
        y: &[bool],
        rows: &Rows<'_>,
        block: Range<usize>,
        model: &Model<F>,
    ) {
        let d = model.weights.len();
        let logits = &mut self.logits[..block.len()];
        rows.matvec(x, block.clone(), &model.weights, logits);
        let losses = &mut self.losses[..block.len()];
        let labels = rows.labels(y, block.clone(), &mut self.labels);
        slice::losses_and_residuals(logits, model.intercept, labels, losses);
        rows.matvec_transpose(x, block, logits, &mut self.block, &mut self.sums[..d]);
        self.sums[d] += slice::sum(logits);
        self.sums[d + 1] += slice::sum(losses);
    }
}

/// The rows that an evaluation sums over; positions among them count from 0.
enum Rows<'a> {
    All,
    Listed(&'a [usize]),
}

impl Rows<'_> {
    fn len<B: Backend + ?Sized>(&self, x: &B) -> usize {
        match self {
            Rows::All => x.nrows(),
            Rows::Listed(list) => list.len(),
        }
    }

    /// The labels at some positions, gathered where they are not in order anyway.
    fn labels<'y>(
        &self,
        y: &'y [bool],
        positions: Range<usize>,
        gathered: &'y mut [bool],
    ) -> &'y [bool] {
        match self {
            Rows::All => &y[positions],
            Rows::Listed(list) => {
                let gathered = &mut gathered[..positions.len()];
                for (label, &i) in gathered.iter_mut().zip(&list[positions]) {
                    *label = y[i];
                }
                gathered
            }
        }
    }

    fn matvec<B: Backend + ?Sized>(
        &self,
        x: &B,
        positions: Range<usize>,
        w: &[B::Scalar],
        out: &mut [B::Scalar],
    ) {
        match self {
            Rows::All => x.matvec(positions, w, out),
            Rows::Listed(list) => {
                for (&i, out) in list[positions].iter().zip(out) {
                    x.matvec(i..i + 1, w, std::slice::from_mut(out));
                }
            }
        }
    }

    fn matvec_transpose<B: Backend + ?Sized>(
        &self,
        x: &B,
        positions: Range<usize>,
        r: &[B::Scalar],
        scratch: &mut [B::Scalar],
        sums: &mut [f64],
    ) {
        match self {
            Rows::All => x.matvec_transpose_wide(positions, r, scratch, sums),
            Rows::Listed(list) => {
                scratch.fill(B::Scalar::zero());
                for (&i, r) in list[positions].iter().zip(r) {
                    x.matvec_transpose(i..i + 1, std::slice::from_ref(r), scratch);
                }
                add_widened(scratch, sums);
            }
        }
    }
}
