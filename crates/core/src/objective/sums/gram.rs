//! Gram matrices: second derivatives summed over the rows.
//!
//! ```text
//! Σᵢ ωᵢ pᵢ (1 - pᵢ) aᵢ aᵢᵀ
//! ```
//!
//! with `aᵢ` the row, and 1 for the intercept. Columns are centred and scaled for it, whatever the
//! solver's parameters belong to: a Gram matrix of columns as they are squares their condition number.

use std::ops::Range;

use multiversion::multiversion;

use crate::backend::contract::Backend;
use crate::backend::model::Model;
use crate::linalg::cholesky::Cholesky;
use crate::numbers::float::Float;
use crate::numbers::gram::{add_gram, padded};
use crate::objective::columns::coordinates::Coordinates;
use crate::objective::data::Data;
use crate::objective::sums::row_curvature::RowCurvature;

/// What to sum, over the rows of some data.
pub(crate) struct Gram<'g, 'a, B: Backend + ?Sized> {
    pub(crate) data: &'g Data<'a, B>,
    /// Which of the columns, the intercept the last of them, the result is for.
    pub(crate) columns: &'g [usize],
    pub(crate) of_rows: RowCurvature,
    /// The Gram matrix is that of the rows times the inverse of this factor, transposed.
    pub(crate) factor: Option<&'g Cholesky>,
}

/// The largest number of rows that are copied and multiplied at once,
const BATCH: usize = 64;
/// and of matrix elements, so that they stay in cache.
const BATCH_NUMBERS: usize = 1 << 16;
/// The largest number of sums at once, each of the size of the result.
const MAX_SUMS: usize = 8;

/// What one sum works with and comes to.
struct Partial<F> {
    logits: Vec<F>,
    rows: Vec<F>,
    /// The roots of the rows' curvatures times their weights.
    roots: Vec<f64>,
    /// The columns that are asked for, centred, scaled and times the root.
    folded: Vec<f64>,
    sum: Vec<f64>,
}

impl<B: Backend + ?Sized> Gram<'_, '_, B> {
    /// The lower triangle of the sum at a model, row by row.
    pub(crate) fn sum(&self, model: &Model<B::Scalar>, basis: &Coordinates) -> Vec<f64> {
        let (d, order) = (self.data.ncols(), padded(self.columns.len()));
        let batch = (BATCH_NUMBERS / d.max(1)).clamp(1, BATCH);
        let columns = Columns::new(self.columns, d, basis);
        let mut partials: Vec<_> =
            (0..self.sums_at_once(order)).map(|_| Partial::new(batch, d, order)).collect();
        self.data.partition.for_each_segment(&mut partials, |segment, partial| {
            let end = segment.end;
            for start in segment.step_by(batch) {
                self.add(start..end.min(start + batch), model, &columns, partial);
            }
        });
        let mut partials = partials.into_iter();
        let mut total = partials.next().map_or_else(Vec::new, |partial| partial.sum);
        for partial in partials {
            total.iter_mut().zip(&partial.sum).for_each(|(total, sum)| *total += sum);
        }
        unpadded(total, order, self.columns.len())
    }

    /// Fewer rows than some times the numbers in a row of the sum are not worth one of their own, and
    /// beyond two the sums are to take less than 1 % of the memory of the matrix.
    fn sums_at_once(&self, order: usize) -> usize {
        let Data { x, rows, partition, .. } = self.data;
        let worthwhile = rows.len() / (4 * order.max(1));
        let affordable = x.nrows().saturating_mul(x.ncols()) / (100 * order * order).max(1);
        worthwhile.clamp(1, affordable.clamp(2, MAX_SUMS)).min(partition.segments())
    }

    fn add(
        &self,
        positions: Range<usize>,
        model: &Model<B::Scalar>,
        columns: &Columns<'_>,
        partial: &mut Partial<B::Scalar>,
    ) {
        let Data { x, rows, observed, .. } = self.data;
        let (d, order, count) = (x.ncols(), padded(self.columns.len()), positions.len());
        let logits = &mut partial.logits[..count];
        rows.matvec(*x, positions.clone(), model.weights(), logits);
        rows.copy(*x, positions.clone(), &mut partial.rows);
        let roots = &mut partial.roots[..count];
        let block = observed.block(positions);
        block.roots_of_curvature(self.of_rows, logits, model.intercept(), roots);
        let folded = &mut partial.folded[..count * order];
        columns.fold(&partial.rows[..count * d], roots, folded);
        if let Some(factor) = self.factor {
            folded.chunks_exact_mut(order).for_each(|row| factor.solve_lower(row));
        }
        add_gram(folded, &mut partial.sum, order);
    }
}

impl<F: Float> Partial<F> {
    fn new(batch: usize, ncols: usize, order: usize) -> Self {
        Self {
            logits: vec![F::zero(); batch],
            rows: vec![F::zero(); batch * ncols],
            roots: vec![0.0; batch],
            folded: vec![0.0; batch * order],
            // Adding to -0.0 changes nothing, and it is written at once: of memory that is all zeros
            // the system makes pages when they are read, and makes them anew when they are written.
            sum: vec![-0.0; order * order],
        }
    }
}

/// The columns that are asked for.
struct Columns<'a> {
    /// The columns of the matrix.
    ncols: usize,
    of_matrix: &'a [usize],
    with_intercept: bool,
    mean: Vec<f64>,
    inverse_scale: Vec<f64>,
}

impl<'a> Columns<'a> {
    /// `columns` of `ncols`, the intercept, if any, as the last of them.
    fn new(columns: &'a [usize], ncols: usize, basis: &Coordinates) -> Self {
        let with_intercept = columns.last() == Some(&ncols);
        let of_matrix = &columns[..columns.len() - usize::from(with_intercept)];
        Self {
            ncols,
            of_matrix,
            with_intercept,
            mean: of_matrix.iter().map(|&j| basis.mean(j)).collect(),
            inverse_scale: of_matrix.iter().map(|&j| basis.inverse_scale(j)).collect(),
        }
    }

    /// Their part of each row, centred, scaled and times the row's root, row by row.
    fn fold<F: Float>(&self, rows: &[F], roots: &[f64], folded: &mut [f64]) {
        let order = folded.len() / roots.len();
        let asked = self.of_matrix.len();
        if self.of_matrix.iter().copied().eq(0..asked) {
            fold(rows, self.ncols, &self.mean, &self.inverse_scale, roots, folded);
        } else {
            let picked: Vec<F> = rows
                .chunks_exact(self.ncols)
                .flat_map(|row| self.of_matrix.iter().map(|&j| row[j]))
                .collect();
            fold(&picked, asked, &self.mean, &self.inverse_scale, roots, folded);
        }
        if self.with_intercept {
            let intercepts = folded.iter_mut().skip(asked).step_by(order);
            intercepts.zip(roots).for_each(|(folded, root)| *folded = *root);
        }
    }
}

/// The first numbers of each of the rows of `ncols` numbers.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn fold<F: Float>(
    rows: &[F],
    ncols: usize,
    mean: &[f64],
    inverse_scale: &[f64],
    roots: &[f64],
    folded: &mut [f64],
) {
    let order = folded.len() / roots.len();
    for (k, root) in roots.iter().enumerate() {
        let row = &rows[k * ncols..][..mean.len()];
        let folded = &mut folded[k * order..][..mean.len()];
        for ((folded, x), (mean, inverse)) in
            folded.iter_mut().zip(row).zip(mean.iter().zip(inverse_scale))
        {
            *folded = (x.widen() - mean) * inverse * root;
        }
    }
}

/// The leading rows and columns of a square matrix.
fn unpadded(mut matrix: Vec<f64>, order: usize, leading: usize) -> Vec<f64> {
    for j in 0..leading {
        matrix.copy_within(j * order..j * order + leading, j * leading);
    }
    matrix.truncate(leading * leading);
    matrix
}
