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
