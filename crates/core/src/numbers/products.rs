//! Products with lines, with the best instructions of the processor.

use std::ops::Range;

use crate::numbers::float::Float;
use crate::numbers::lines::{Ahead, Lines, add_dots_by, add_multiples_by};
#[cfg(target_arch = "x86_64")]
use crate::numbers::register_products;

/// `y[i] += line(i) · x` for every line.
#[cfg_attr(not(target_arch = "x86_64"), expect(unused_variables))]
pub(crate) fn add_dots<F: Float>(lines: Lines<'_, F>, x: &[F], y: &mut [F], ahead: Ahead) {
    #[cfg(target_arch = "x86_64")]
    if register_products::add_dots(lines, x, y, ahead) {
        return;
    }
    if size_of::<F>() == 8 {
        add_dots_by::<F, 32>(lines, x, y);
    } else {
        add_dots_by::<F, 64>(lines, x, y);
    }
}

/// `y += Σᵢ x[i] · line(i)`. Only vector registers take `y` in strips.
#[cfg_attr(not(target_arch = "x86_64"), expect(unused_variables))]
pub(crate) fn add_multiples<F: Float>(
    lines: Lines<'_, F>,
    x: &[F],
    y: &mut [F],
    ahead: Ahead,
    in_strips: bool,
) {
    #[cfg(target_arch = "x86_64")]
    if register_products::add_multiples(lines, x, y, ahead, in_strips) {
        return;
    }
    add_multiples_by(lines, x, y);
}

/// `y[i] += matrix[rows.start + i, columns] · x` for a square matrix.
pub(crate) fn add_square_dots(
    matrix: &[f64],
    order: usize,
    rows: Range<usize>,
    columns: Range<usize>,
    x: &[f64],
    y: &mut [f64],
) {
    let lines = Lines::from_slice(matrix, order, order).some(rows).part(columns);
    add_dots(lines, x, y, Ahead::NONE);
}
