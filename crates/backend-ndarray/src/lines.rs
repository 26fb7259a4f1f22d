//! The one unsafe line: a view whose rows or columns are contiguous, for the dense kernels.

use logit_core::Float;
use logit_core::dense::Dense;
use ndarray::ArrayView2;

/// The same matrix for the kernels, unless both strides have gaps.
#[allow(unsafe_code)]
pub(crate) fn dense<F: Float>(x: ArrayView2<'_, F>) -> Option<Dense<'_, F>> {
    let strides = (x.strides()[0], x.strides()[1]);
    // SAFETY: the view vouches for exactly these elements, at these strides from this pointer, to be
    // readable and unwritten for its lifetime, which is that of the result.
    unsafe { Dense::from_raw_parts(x.as_ptr(), x.dim(), strides) }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, s};

    use super::dense;

    #[test]
    fn contiguous_rows_or_columns_go_to_the_kernels() {
        let x = Array2::<f64>::zeros((6, 4));
        for view in [x.view(), x.t(), x.slice(s![..;-1, 1..]), x.slice(s![1..;2, ..])] {
            assert!(dense(view).is_some());
        }
        for view in [x.slice(s![.., ..;2]), x.slice(s![.., ..;-1])] {
            assert!(dense(view).is_none());
        }
    }
}
