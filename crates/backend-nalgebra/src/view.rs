//! The unsafe lines: the same elements under another shape and strides, or for the dense kernels.

use logit_core::Float;
use logit_core::dense::Dense;
use nalgebra::{Dim, Dyn, Matrix, MatrixView, Scalar, ViewStorage};

/// A view whose shape and strides are known at run time.
pub(crate) type DynamicView<'a, T> = MatrixView<'a, T, Dyn, Dyn, Dyn, Dyn>;

/// The same view, for as long, with its shape and strides as values.
///
/// nalgebra offers this only by borrowing the view itself, which would tie the result to the life
/// of a temporary.
pub(crate) fn dynamic<'a, T: Scalar, R: Dim, C: Dim, RStride: Dim, CStride: Dim>(
    view: MatrixView<'a, T, R, C, RStride, CStride>,
) -> DynamicView<'a, T> {
    let (shape, strides) = (view.shape(), view.strides());
    with_shape_and_strides(view, shape, strides)
}

/// The transpose, by exchanging the strides.
pub(crate) fn transposed<'a, T: Scalar, R: Dim, C: Dim, RStride: Dim, CStride: Dim>(
    view: MatrixView<'a, T, R, C, RStride, CStride>,
) -> DynamicView<'a, T> {
    let ((nrows, ncols), (row_stride, column_stride)) = (view.shape(), view.strides());
    with_shape_and_strides(view, (ncols, nrows), (column_stride, row_stride))
}

/// The same matrix for the dense kernels, unless both strides have gaps.
#[allow(unsafe_code)]
pub(crate) fn dense<F: Float>(view: DynamicView<'_, F>) -> Option<Dense<'_, F>> {
    let (row_stride, column_stride) = view.strides();
    // SAFETY: the view vouches for exactly these elements, at these strides from this pointer, to be
    // readable and unwritten for its lifetime, which is that of the result.
    unsafe {
        let strides = (row_stride as isize, column_stride as isize);
        Dense::from_raw_parts(view.as_ptr(), view.shape(), strides)
    }
}

#[allow(unsafe_code)]
fn with_shape_and_strides<'a, T: Scalar, R: Dim, C: Dim, RStride: Dim, CStride: Dim>(
    view: MatrixView<'a, T, R, C, RStride, CStride>,
    (nrows, ncols): (usize, usize),
    (row_stride, column_stride): (usize, usize),
) -> DynamicView<'a, T> {
    let (shape, strides) = ((Dyn(nrows), Dyn(ncols)), (Dyn(row_stride), Dyn(column_stride)));
    // SAFETY: `view` itself says that for 'a every element within its shape may be read and is not
    // written. Both callers pass its own shape and strides, or both pairs exchanged, so the new
    // view addresses exactly the same elements, from the same pointer and for the same lifetime.
    let storage = unsafe { ViewStorage::from_raw_parts(view.as_ptr(), shape, strides) };
    Matrix::from_data(storage)
}

#[cfg(test)]
mod tests {
    use nalgebra::DMatrix;

    use super::{dense, dynamic, transposed};

    #[test]
    fn contiguous_rows_or_columns_go_to_the_kernels() {
        let x = DMatrix::<f64>::zeros(6, 4);
        assert!(dense(dynamic(x.columns(0, 4))).is_some());
        assert!(dense(dynamic(x.rows(1, 3))).is_some());
        assert!(dense(transposed(x.rows(1, 3))).is_some());
        assert!(dense(dynamic(x.rows_with_step(0, 3, 1))).is_none());
    }
}
