//! The two precisions.

use std::fmt::{Debug, Display, LowerExp};
use std::iter::Sum;

/// A floating-point scalar: `f32` or `f64`, and nothing else (the trait is sealed).
///
/// Arithmetic comes from [`num_traits`]. This trait adds the constants of a precision. It converts
/// to and from `f64`, in which the elementwise functions are evaluated.
///
/// ```
/// # use logit_core as logit;
/// use logit::Float;
///
/// fn half<F: Float>(x: F) -> F {
///     F::narrow(x.widen() / 2.0)
/// }
/// assert_eq!(half(3.0f32), 1.5);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a precision: it must be `f32` or `f64`",
    label = "numbers must be `f32` or `f64`",
    note = "convert other numbers: `x.mapv(f64::from)` with ndarray, `x.map(f64::from)` with nalgebra and sprs"
)]
pub trait Float:
    num_traits::Float
    + num_traits::NumAssign
    + Debug
    + Default
    + Display
    + LowerExp
    + Sum
    + for<'a> Sum<&'a Self>
    + Send
    + Sync
    + Number<Float = Self>
    + private::Sealed
    + 'static
{
    /// The type's name, `"f32"` or `"f64"`.
    const NAME: &'static str;

    /// The distance from 0 and 1 to which a probability is clamped before its cross-entropy is
    /// taken. For `f64` it is `1e-9`, the epsilon of the classic recipe. For `f32` it is
    /// `2⁻²³ ≈ 1.2e-7`, because `1 - 1e-9` would round to 1 and the clamp would vanish.
    const PROBABILITY_EPSILON: f64;

    /// The same value as an `f64`, exactly.
    fn widen(self) -> f64;

    /// The nearest value of this precision, infinite if `value` is out of range.
    fn narrow(value: f64) -> Self;
}

impl Float for f32 {
    const NAME: &'static str = "f32";
    const PROBABILITY_EPSILON: f64 = f32::EPSILON as f64;

    fn widen(self) -> f64 {
        f64::from(self)
    }

    fn narrow(value: f64) -> Self {
        value as f32
    }
}

impl Float for f64 {
    const NAME: &'static str = "f64";
    const PROBABILITY_EPSILON: f64 = 1e-9;

    fn widen(self) -> f64 {
        self
    }

    fn narrow(value: f64) -> Self {
        value
    }
}

/// Seals [`Float`], and gives the vectorised functions the constants of a precision.
mod private {
    pub trait Sealed: crate::numbers::precision::Precision {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// A floating-point number or a reference to one, as iterators over any vector type yield them.
///
/// So `&Vec<f64>`, `&Array1<f32>`, `&DVector<f64>` and `[0.5, 0.1]` all serve where the library
/// takes numbers.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an `f32` or `f64`, nor a reference to one",
    label = "numbers must be `f32` or `f64`",
    note = "convert other numbers: `numbers.iter().map(|&number| f64::from(number))`"
)]
pub trait Number {
    /// The precision of the number.
    type Float: Float;

    /// The number itself.
    fn float(&self) -> Self::Float;
}

impl Number for f32 {
    type Float = f32;

    fn float(&self) -> f32 {
        *self
    }
}

impl Number for f64 {
    type Float = f64;

    fn float(&self) -> f64 {
        *self
    }
}

impl<R: Number> Number for &R {
    type Float = R::Float;

    fn float(&self) -> R::Float {
        (*self).float()
    }
}
