//! A matrix in any memory layout, and the naive backend on top of it.

use std::any::Any;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use logit_core::{Backend, Float};

use crate::sum::Sum;

/// How a matrix lies in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Whether columns are contiguous rather than rows.
    pub column_major: bool,
    /// Unused places between elements, and between lines of them.
    pub gaps: (usize, usize),
    /// Whether rows, and columns, run backwards through memory.
    pub reversed: (bool, bool),
}

/// A matrix of known values in a known layout.
///
/// The places between its elements hold NaN, so whoever reads them is found out. As a [`Backend`]
/// it is the oracle: plain loops with compensated sums, slow and accurate.
#[derive(Clone)]
pub struct Matrix<F> {
    layout: Layout,
    buffer: Vec<F>,
    columns: Vec<F>,
    nrows: usize,
    ncols: usize,
    first: usize,
    strides: (isize, isize),
    kept: OnceLock<Arc<dyn Any + Send + Sync>>,
}

impl<F: Float> Matrix<F> {
    /// A matrix of `value(row, column)`.
    pub fn new(
        (nrows, ncols): (usize, usize),
        layout: Layout,
        value: impl Fn(usize, usize) -> F,
    ) -> Self {
        let (lines, line_len) = if layout.column_major { (ncols, nrows) } else { (nrows, ncols) };
        let within = 1 + layout.gaps.0;
        let between = line_len * within + layout.gaps.1;
        let (row, column) = if layout.column_major { (within, between) } else { (between, within) };
        let place = |reversed: bool, len: usize, stride: usize| match reversed {
            true => (len.saturating_sub(1) * stride, -(stride as isize)),
            false => (0, stride as isize),
        };
        let (first_row, row_stride) = place(layout.reversed.0, nrows, row);
        let (first_column, column_stride) = place(layout.reversed.1, ncols, column);
        let mut matrix = Self {
            layout,
            buffer: vec![F::nan(); lines * between],
            columns: vec![F::nan(); nrows * ncols],
            nrows,
            ncols,
            first: first_row + first_column,
            strides: (row_stride, column_stride),
            kept: OnceLock::new(),
        };
        for i in 0..nrows {
            for j in 0..ncols {
                matrix.set(i, j, value(i, j));
            }
        }
        matrix
    }

    /// A row-major matrix of these rows.
    ///
    /// # Panics
    /// If the rows differ in length.
    pub fn from_rows(rows: impl IntoIterator<Item: AsRef<[F]>>) -> Self {
        let rows: Vec<Vec<F>> = rows.into_iter().map(|row| row.as_ref().to_vec()).collect();
        let ncols = rows.first().map_or(0, Vec::len);
        assert!(rows.iter().all(|row| row.len() == ncols), "rows of one length");
        Self::new((rows.len(), ncols), Layout::default(), |i, j| rows[i][j])
    }

    /// Other values in the same shape and layout: `value(row, column, present value)`.
    #[must_use]
    pub fn map(&self, value: impl Fn(usize, usize, F) -> F) -> Self {
        let value = |i, j| value(i, j, self.get(i, j));
        Self::new((self.nrows, self.ncols), self.layout, value)
    }

    /// The same values in another layout.
    #[must_use]
    pub fn laid_out(&self, layout: Layout) -> Self {
        Self::new((self.nrows, self.ncols), layout, |i, j| self.get(i, j))
    }

    /// The element at a row and column.
    pub fn get(&self, row: usize, column: usize) -> F {
        self.buffer[self.index(row, column)]
    }

    /// Replaces the element at a row and column.
    pub fn set(&mut self, row: usize, column: usize, value: F) {
        let index = self.index(row, column);
        self.kept = OnceLock::new();
        self.buffer[index] = value;
        self.columns[column * self.nrows + row] = value;
    }

    fn index(&self, row: usize, column: usize) -> usize {
        assert!(row < self.nrows && column < self.ncols, "({row}, {column}) is inside");
        let (rs, cs) = self.strides;
        self.first.wrapping_add_signed(row as isize * rs + column as isize * cs)
    }

    /// The rows, for a backend that stores its matrix its own way.
    pub fn rows(&self) -> Vec<Vec<F>> {
        (0..self.nrows).map(|i| (0..self.ncols).map(|j| self.get(i, j)).collect()).collect()
    }

    /// The same values one column after the other, for a backend that borrows nothing else.
    pub fn columns(&self) -> &[F] {
        &self.columns
    }

    /// What `make` makes of the matrix: made once and kept with it, for a backend that borrows a
    /// matrix in a form of its own, a sparse one for instance.
    ///
    /// # Panics
    /// If something of another type has been made of it before.
    pub fn kept<T: Any + Send + Sync>(&self, make: impl FnOnce(&Self) -> T) -> &T {
        let kept = self.kept.get_or_init(|| Arc::new(make(self)));
        kept.downcast_ref().expect("one form per matrix")
    }

    /// The layout.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// All places in memory, those between elements included, for a backend that borrows.
    ///
    /// Element (i, j) is at `first + i · strides.0 + j · strides.1`; see
    /// [`first`](Self::first) and [`strides`](Self::strides).
    pub fn buffer(&self) -> &[F] {
        &self.buffer
    }

    /// Where in the buffer element (0, 0) is.
    pub fn first(&self) -> usize {
        self.first
    }

    /// The distance in memory from one row, and one column, to the next.
    pub fn strides(&self) -> (isize, isize) {
        self.strides
    }
}

/// The most rows, and numbers of a row, that are printed.
const PRINTED: usize = 8;

/// Some of the numbers, printed.
pub(crate) fn some<T: fmt::Debug>(values: &[T]) -> String {
    let more = values.len().saturating_sub(PRINTED);
    let shown: Vec<_> = values.iter().take(PRINTED).map(|value| format!("{value:?}")).collect();
    let rest = if more > 0 { format!(", … {} in all", values.len()) } else { String::new() };
    format!("[{}{rest}]", shown.join(", "))
}

impl<F: Float> fmt::Debug for Matrix<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} x {} of {}, {:?}", self.nrows, self.ncols, F::NAME, self.layout)?;
        for row in self.rows().iter().take(PRINTED) {
            write!(f, "\n  {}", some(row))?;
        }
        if self.nrows > PRINTED { write!(f, "\n  … {} rows in all", self.nrows) } else { Ok(()) }
    }
}

impl<F: Float> Backend for Matrix<F> {
    type Scalar = F;
    type Vector = Vec<F>;

    fn nrows(&self) -> usize {
        self.nrows
    }

    fn ncols(&self) -> usize {
        self.ncols
    }

    fn matvec(&self, rows: Range<usize>, w: &[F], out: &mut [F]) {
        for (i, out) in rows.zip(out) {
            let mut sum = Sum::default();
            for (j, w) in w.iter().enumerate() {
                sum.add_product(self.get(i, j).widen(), w.widen());
            }
            *out = F::narrow(sum.value());
        }
    }

    fn matvec_transpose(&self, rows: Range<usize>, r: &[F], acc: &mut [F]) {
        for (j, acc) in acc.iter_mut().enumerate() {
            let mut sum = Sum::default();
            sum.add(acc.widen());
            for (i, r) in rows.clone().zip(r) {
                sum.add_product(self.get(i, j).widen(), r.widen());
            }
            *acc = F::narrow(sum.value());
        }
    }

    fn vector(&self, values: Vec<F>) -> Vec<F> {
        values
    }
}
