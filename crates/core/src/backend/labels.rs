//! Class labels of any type.

use std::fmt::Display;

use crate::backend::error::{Error, quoted};

/// A value that says which of the two classes, 0 (`false`) or 1 (`true`), a row belongs to.
///
/// Implemented for `bool`, the integers, `f32`, `f64` and references to them. Implement it for a
/// type of your own to name the classes.
///
/// ```
/// # use logit_core as logit;
/// use logit::Label;
///
/// enum Diagnosis { Benign, Malignant }
///
/// impl std::fmt::Display for Diagnosis {
///     fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
///         f.write_str(if self.class() == Some(true) { "benign" } else { "malignant" })
///     }
/// }
/// impl Label for Diagnosis {
///     fn class(&self) -> Option<bool> {
///         Some(matches!(self, Diagnosis::Benign))
///     }
/// }
/// assert_eq!(Diagnosis::Benign.class(), Some(true));
/// assert_eq!(Diagnosis::Malignant.class(), Some(false));
/// assert_eq!(1u8.class(), Some(true));
/// assert_eq!(0.5.class(), None);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a label: it must be a `bool` or a number, 0 or 1",
    label = "labels must be `bool` or numbers",
    note = "make `bool` of names: `y.iter().map(|name| *name == \"yes\")`",
    note = "or implement `Label` for a type of your own"
)]
pub trait Label: Display {
    /// The class, or `None` for a value that is neither 0 nor 1.
    fn class(&self) -> Option<bool>;
}

impl Label for bool {
    fn class(&self) -> Option<bool> {
        Some(*self)
    }
}

impl<L: Label + ?Sized> Label for &L {
    fn class(&self) -> Option<bool> {
        (*self).class()
    }
}

macro_rules! numeric_labels {
    ($($number:ty)*) => { $(
        impl Label for $number {
            fn class(&self) -> Option<bool> {
                match *self {
                    x if x == 0 as $number => Some(false),
                    x if x == 1 as $number => Some(true),
                    _ => None,
                }
            }
        }
    )* };
}
numeric_labels!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64);

/// Reads one label per row; they may all be of one class.
pub(crate) fn read<L: Label>(
    rows: usize,
    labels: impl IntoIterator<Item = L>,
) -> Result<Vec<bool>, Error> {
    let mut labels = labels.into_iter();
    let classes = labels
        .by_ref()
        .take(rows)
        .enumerate()
        .map(|(row, label)| {
            let value = || quoted(&label.to_string());
            label.class().ok_or_else(|| Error::Label { row, value: value() })
        })
        .collect::<Result<Vec<_>, _>>()?;
    // An endless iterator says so in its size hint, and is not counted.
    let given = match labels.size_hint() {
        (usize::MAX, None) => usize::MAX,
        _ => classes.len() + labels.count(),
    };
    if given == rows { Ok(classes) } else { Err(Error::LabelCount { rows, labels: given }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_zero_and_one_are_classes() {
        assert_eq!((true.class(), false.class()), (Some(true), Some(false)));
        assert_eq!((1u8.class(), 0i128.class(), 2usize.class()), (Some(true), Some(false), None));
        assert_eq!(((-1i8).class(), 257u16.class(), u64::MAX.class()), (None, None, None));
        assert_eq!((1.0f32.class(), (-0.0f64).class()), (Some(true), Some(false)));
        assert_eq!((0.999_999_94f32.class(), f64::NAN.class()), (None, None));
        assert_eq!((&&1i32).class(), Some(true));
    }
}
