//! Sums from which the means and standard deviations of columns follow.

use crate::numbers::float::Float;

/// Sums of each column's deviations from an origin, over the rows that were added.
///
/// ```text
/// sums[j]    = Σᵢ ωᵢ (x[i, j] - origin[j])
/// squares[j] = Σᵢ ωᵢ (x[i, j] - origin[j])²
/// largest[j] = max |x[i, j] - origin[j]|, over rows with ωᵢ ≠ 0
/// ```
///
/// [`Backend::column_moments`](crate::Backend::column_moments) adds the rows of a matrix.
///
/// ```
/// # use logit_core as logit;
/// use logit::ColumnMoments;
///
/// let mut moments = ColumnMoments::new(&[10.0]);
/// moments.add(0, 1.0, 13.0);
/// moments.add(0, 2.0, 9.0); // a row that counts twice
/// moments.add(0, 0.0, 1e9); // one that does not count
/// assert_eq!(moments.sums(), [1.0]);
/// assert_eq!(moments.squares(), [11.0]);
/// assert_eq!(moments.largest(), [3.0]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnMoments<'a> {
    origin: &'a [f64],
    pub(crate) sums: Vec<f64>,
    pub(crate) squares: Vec<f64>,
    pub(crate) largest: Vec<f64>,
}

impl<'a> ColumnMoments<'a> {
    /// Sums over no rows yet. `origin` has one number per column.
    pub fn new(origin: &'a [f64]) -> Self {
        let zeros = vec![0.0; origin.len()];
        Self { origin, sums: zeros.clone(), squares: zeros.clone(), largest: zeros }
    }

    /// The origins from which deviations are measured, one per column.
    pub fn origin(&self) -> &[f64] {
        self.origin
    }

    /// The weighted sum of each column's deviations.
    pub fn sums(&self) -> &[f64] {
        &self.sums
    }

    /// The weighted sum of the squares of each column's deviations.
    pub fn squares(&self) -> &[f64] {
        &self.squares
    }

    /// The largest absolute deviation of each column.
    pub fn largest(&self) -> &[f64] {
        &self.largest
    }

    /// Adds an element of a column, with the weight of its row. Equal elements of several rows can
    /// be added at once, with the sum of their weights.
    ///
    /// # Panics
    /// If there is no such column.
    #[inline(always)]
    pub fn add(&mut self, column: usize, weight: f64, value: f64) {
        let column = column..column + 1;
        add_elements(
            &[value],
            [weight].into_iter(),
            self.origin[column.clone()].iter().copied(),
            &mut self.sums[column.clone()],
            &mut self.squares[column.clone()],
            &mut self.largest[column],
        );
    }

    /// Adds a row.
    #[inline(always)]
    pub(crate) fn add_row<F: Float>(&mut self, weight: f64, row: &[F]) {
        let origins = self.origin.iter().copied();
        let weights = std::iter::repeat(weight);
        add_elements(row, weights, origins, &mut self.sums, &mut self.squares, &mut self.largest);
    }

    /// Adds the moments of other rows of a column: sum, sum of squares, and largest deviation.
    pub(crate) fn join(&mut self, column: usize, [sum, square, largest]: [f64; 3]) {
        self.sums[column] += sum;
        self.squares[column] += square;
        self.largest[column] = self.largest[column].max(largest);
    }
}

/// Adds elements, each to sums of its own.
#[inline(always)]
pub(crate) fn add_elements<F: Float>(
    elements: &[F],
    weights: impl Iterator<Item = f64>,
    origins: impl Iterator<Item = f64>,
    sums: &mut [f64],
    squares: &mut [f64],
    largest: &mut [f64],
) {
    let sums = sums.iter_mut().zip(squares).zip(largest);
    for (((x, weight), origin), ((sum, square), largest)) in
        elements.iter().zip(weights).zip(origins).zip(sums)
    {
        let deviation = if weight == 0.0 { 0.0 } else { x.widen() - origin };
        let weighted = weight * deviation;
        *sum += weighted;
        *square += weighted * deviation;
        let size = deviation.abs();
        *largest = if size > *largest { size } else { *largest };
    }
}
