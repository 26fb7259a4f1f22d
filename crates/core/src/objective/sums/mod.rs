//! Sums over the rows: losses with their gradient, products with second derivatives, Gram matrices.
//! Each is one pass, which reads a block of rows from memory once and uses it twice.

mod bernoulli;
pub(crate) mod gram;
mod losses;
pub(crate) mod row_curvature;

use std::ops::Range;

use crate::backend::contract::Backend;
use crate::backend::model::Model;
use crate::numbers::float::Float;
use crate::numbers::slice;
use crate::objective::data::Data;
use crate::objective::data::blocks::Partition;
use crate::objective::data::observed::Observed;
use crate::objective::data::rows::Rows;
use crate::objective::sums::losses::LaneSums;

/// The memory of passes over the same data, allocated in advance.
pub(crate) struct RowSums<F> {
    segments: Vec<Segment<F>>,
    /// The sums of all segments, of all processes.
    totals: Vec<f64>,
}

/// What all rows come to, in all processes.
pub(crate) struct Totals<'s> {
    /// The sums of each row's number, such as its residual, times the row.
    pub(crate) products: &'s [f64],
    /// The sum of these numbers alone.
    pub(crate) factors: f64,
    /// The sum of the losses.
    pub(crate) loss: f64,
    /// The largest logit of the rows held here, in absolute value.
    pub(crate) own_largest_logit: f64,
}

/// What one segment works with and comes to.
struct Segment<F> {
    /// The products of a block's rows with the weights of models, or what follows from them.
    products: [Vec<F>; 3],
    losses: LaneSums<F>,
    /// What was observed in a block of a batch.
    observed: Observed<F>,
    /// A block's gradient, before it is added to the sums.
    gradient: Vec<F>,
    /// The sums of factor · x, d numbers, of the factors, and of the losses.
    sums: Vec<f64>,
    largest_logit: f64,
    largest_shift: f64,
}

impl<F: Float> RowSums<F> {
    pub(crate) fn new<B: Backend<Scalar = F> + ?Sized>(data: &Data<'_, B>) -> Self {
        let (d, block_rows) = (data.ncols(), data.partition.block_rows());
        let block = || vec![F::zero(); block_rows];
        let segment = |_| Segment {
            products: [block(), block(), Vec::new()],
            losses: LaneSums::default(),
            observed: Observed::none(),
            gradient: vec![F::zero(); d],
            sums: vec![0.0; d + 2],
            largest_logit: 0.0,
            largest_shift: f64::NEG_INFINITY,
        };
        let segments = (0..data.segments()).map(segment).collect();
        Self { segments, totals: vec![0.0; d + 2] }
    }

    /// The losses of the rows at a model, with their gradient: of all rows, or of a batch of those
    /// held here.
    pub(crate) fn losses<B: Backend<Scalar = F> + ?Sized>(
        &mut self,
        data: &Data<'_, B>,
        batch: Option<&[usize]>,
        model: &Model<F>,
    ) -> Totals<'_> {
        let (rows, partition) = match batch.map(Rows::Listed) {
            None => (data.rows, data.partition),
            Some(rows) => (rows, rows.partition(data.x)),
        };
        partition.for_each_segment(&mut self.segments, |range, segment| {
            segment.sums.fill(0.0);
            segment.losses = LaneSums::default();
            for block in partition.blocks(range) {
                segment.add_losses(data, rows, block, model);
            }
            segment.finish_losses();
        });
        self.join(data, partition)
    }

    /// The second derivatives of all rows at a model times a direction.
    pub(crate) fn hessian_product<B: Backend<Scalar = F> + ?Sized>(
        &mut self,
        data: &Data<'_, B>,
        model: &Model<F>,
        along: &Model<F>,
    ) -> Totals<'_> {
        let partition = data.partition;
        partition.for_each_segment(&mut self.segments, |range, segment| {
            segment.sums.fill(0.0);
            for block in partition.blocks(range) {
                segment.add_hessian_products(data, block, model, along);
            }
        });
        self.join(data, partition)
    }

    /// The largest shift of a row (see `Block::largest_shift`), in all processes.
    pub(crate) fn largest_shift<B: Backend<Scalar = F> + ?Sized>(
        &mut self,
        data: &Data<'_, B>,
        models: &[Model<F>; 3],
    ) -> f64 {
        let partition = data.partition;
        partition.for_each_segment(&mut self.segments, |range, segment| {
            segment.largest_shift = f64::NEG_INFINITY;
            for block in partition.blocks(range) {
                segment.take_shifts(data, block, models);
            }
        });
        let segments = self.segments[..partition.segments()].iter();
        let own = segments.fold(f64::NEG_INFINITY, |max, segment| segment.largest_shift.max(max));
        data.peers().max(own)
    }

    /// Adds up what the segments of all processes came to.
    fn join<B: Backend<Scalar = F> + ?Sized>(
        &mut self,
        data: &Data<'_, B>,
        partition: Partition,
    ) -> Totals<'_> {
        let segments = &self.segments[..partition.segments()];
        self.totals.fill(0.0);
        for segment in segments {
            self.totals.iter_mut().zip(&segment.sums).for_each(|(all, sum)| *all += sum);
        }
        data.peers().sum(&mut self.totals);
        let own_largest_logit = segments.iter().fold(0.0, |max, s| s.largest_logit.max(max));
        let (products, rest) = self.totals.split_at(data.ncols());
        Totals { products, factors: rest[0], loss: rest[1], own_largest_logit }
    }
}

impl<F: Float> Segment<F> {
    /// Adds one block: logits, residuals and losses, gradient, while its rows are in cache.
    fn add_losses<B: Backend<Scalar = F> + ?Sized>(
        &mut self,
        data: &Data<'_, B>,
        rows: Rows<'_>,
        positions: Range<usize>,
        model: &Model<F>,
    ) {
        let d = data.ncols();
        let logits = &mut self.products[0][..positions.len()];
        rows.matvec(data.x, positions.clone(), &model.weights, logits);
        let block = if let Rows::Listed(_) = rows {
            self.observed.gather(&data.observed, &rows, positions.clone());
            self.observed.block(0..positions.len())
        } else {
            data.observed.block(positions.clone())
        };
        block.residuals(logits, model.intercept, &mut self.losses);
        rows.matvec_transpose(data.x, positions, logits, &mut self.gradient, &mut self.sums[..d]);
    }

    /// What is left to be done after the last block.
    fn finish_losses(&mut self) {
        let losses = self.losses.finish();
        let [.., residual, loss] = &mut self.sums[..] else { return };
        (*residual, *loss) = (losses.residual, losses.loss);
        self.largest_logit = losses.largest_logit;
    }

    /// Adds one block: logits, their changes along the direction, and the products of what comes
    /// of both with the columns, while its rows are in cache.
    fn add_hessian_products<B: Backend<Scalar = F> + ?Sized>(
        &mut self,
        data: &Data<'_, B>,
        positions: Range<usize>,
        model: &Model<F>,
        along: &Model<F>,
    ) {
        let (d, rows) = (data.ncols(), &data.rows);
        let [products, changes, _] = &mut self.products;
        let (products, changes) =
            (&mut products[..positions.len()], &mut changes[..positions.len()]);
        rows.matvec(data.x, positions.clone(), &model.weights, products);
        rows.matvec(data.x, positions.clone(), &along.weights, changes);
        let block = data.observed.block(positions.clone());
        block.hessian_products(products, model.intercept, changes, along.intercept);
        rows.matvec_transpose(data.x, positions, products, &mut self.gradient, &mut self.sums[..d]);
        self.sums[d] += slice::sum(products);
    }

    /// Takes the largest shift of a block.
    fn take_shifts<B: Backend<Scalar = F> + ?Sized>(
        &mut self,
        data: &Data<'_, B>,
        positions: Range<usize>,
        models: &[Model<F>; 3],
    ) {
        let block_rows = self.products[0].len();
        self.products[2].resize(block_rows, F::zero());
        let mut products = self.products.each_mut().map(|product| &mut product[..positions.len()]);
        for (product, model) in products.iter_mut().zip(models) {
            data.rows.matvec(data.x, positions.clone(), &model.weights, product);
        }
        let intercepts = models.each_ref().map(|model| model.intercept.widen());
        let shift = data.observed.block(positions).largest_shift(products, intercepts);
        self.largest_shift = self.largest_shift.max(shift);
    }
}
