//! The one unsafe line: a view whose rows or columns are contiguous, for the dense kernels.

use faer::MatRef;
use logit_core::Float;
use logit_core::dense::Dense;

/// The same matrix for the kernels, unless both strides have gaps.
#[allow(unsafe_code)]
pub(crate) fn dense<F: Float>(x: MatRef<'_, F>) -> Option<Dense<'_, F>> {
    let strides = (x.row_stride(), x.col_stride());
    // SAFETY: the view vouches for exactly these elements, at these strides from this pointer, to be
    // readable and unwritten for its lifetime, which is that of the result.
    unsafe { Dense::from_raw_parts(x.as_ptr(), x.shape(), strides) }
}

#[cfg(test)]
mod tests {
    use faer::{Mat, MatRef};

    use super::dense;

    #[test]
    fn contiguous_rows_or_columns_go_to_the_kernels() {
        let x = Mat::<f64>::zeros(6, 4);
        for view in [x.as_ref(), x.transpose(), x.submatrix(1, 1, 4, 2), x.reverse_cols()] {
            assert!(dense(view).is_some());
        }
        let one = 1.0;
        for view in [x.reverse_rows(), MatRef::from_repeated_ref(&one, 6, 4)] {
            assert!(dense(view).is_none());
        }
    }
}
