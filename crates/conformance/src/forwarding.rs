//! Whether a backend that wraps another passes every question on.

use std::ops::Range;
use std::sync::{Arc, Mutex};

use logit_core::dense::Dense;
use logit_core::{Backend, ColumnMoments, Peers};

/// The methods that a wrapper of a backend answers by itself, instead of asking the backend inside.
///
/// A wrapper that leaves out a provided method is right, but it is slower than the backend inside: on
/// sparse data many times. [`vector`](Backend::vector) is not among the methods.
///
/// ```
/// use logit_conformance::not_forwarded;
///
/// // For a wrapper of your own: `not_forwarded(Mine::new)`.
/// assert_eq!(not_forwarded(Box::new), [""; 0]);
/// ```
pub fn not_forwarded<B: Backend<Scalar = f64>>(
    wrap: impl FnOnce(Recorder) -> B,
) -> Vec<&'static str> {
    let recorder = Recorder::default();
    let x = wrap(recorder.clone());
    let mut missing = Vec::new();
    let mut ask = |method, call: &mut dyn FnMut()| {
        recorder.asked().clear();
        call();
        if !recorder.asked().contains(&method) {
            missing.push(method);
        }
    };
    let (rows, numbers) = (0..ROWS, [0.0; COLUMNS]);
    ask("nrows", &mut || _ = x.nrows());
    ask("ncols", &mut || _ = x.ncols());
    ask("matvec", &mut || x.matvec(rows.clone(), &numbers, &mut [0.0; ROWS]));
    ask("matvec_transpose", &mut || {
        x.matvec_transpose(rows.clone(), &[0.0; ROWS], &mut numbers.clone());
    });
    ask("dense", &mut || _ = x.dense());
    ask("block_rows", &mut || _ = x.block_rows());
    ask("stored_before", &mut || _ = x.stored_before(1));
    ask("matvec_transpose_wide", &mut || {
        x.matvec_transpose_wide(
            rows.clone(),
            &[0.0; ROWS],
            &mut numbers.clone(),
            &mut numbers.clone(),
        );
    });
    ask("copy_rows", &mut || x.copy_rows(rows.clone(), &mut [0.0; ROWS * COLUMNS]));
    ask("column_moments", &mut || {
        x.column_moments(rows.clone(), &[], &mut ColumnMoments::new(&numbers));
    });
    ask("peers", &mut || _ = x.peers().size());
    missing
}

const ROWS: usize = 3;
const COLUMNS: usize = 2;

/// A matrix of zeros that records which of its methods are called.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    asked: Arc<Mutex<Vec<&'static str>>>,
}

impl Recorder {
    fn asked(&self) -> std::sync::MutexGuard<'_, Vec<&'static str>> {
        self.asked.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn record(&self, method: &'static str) {
        self.asked().push(method);
    }
}

// A method that is new in the trait must be recorded, and asked about, too.
#[warn(clippy::missing_trait_methods)]
impl Backend for Recorder {
    type Scalar = f64;
    type Vector = Vec<f64>;

    fn nrows(&self) -> usize {
        self.record("nrows");
        ROWS
    }

    fn ncols(&self) -> usize {
        self.record("ncols");
        COLUMNS
    }

    fn matvec(&self, _: Range<usize>, _: &[f64], out: &mut [f64]) {
        self.record("matvec");
        out.fill(0.0);
    }

    fn matvec_transpose(&self, _: Range<usize>, _: &[f64], _: &mut [f64]) {
        self.record("matvec_transpose");
    }

    fn vector(&self, values: Vec<f64>) -> Vec<f64> {
        values
    }

    fn dense(&self) -> Option<Dense<'_, f64>> {
        self.record("dense");
        None
    }

    fn block_rows(&self) -> usize {
        self.record("block_rows");
        ROWS
    }

    fn stored_before(&self, row: usize) -> usize {
        self.record("stored_before");
        row * COLUMNS
    }

    fn matvec_transpose_wide(&self, _: Range<usize>, _: &[f64], _: &mut [f64], _: &mut [f64]) {
        self.record("matvec_transpose_wide");
    }

    fn copy_rows(&self, _: Range<usize>, out: &mut [f64]) {
        self.record("copy_rows");
        out.fill(0.0);
    }

    fn column_moments(&self, _: Range<usize>, _: &[f64], _: &mut ColumnMoments<'_>) {
        self.record("column_moments");
    }

    fn peers(&self) -> &dyn Peers {
        self.record("peers");
        self
    }
}

impl Peers for Recorder {
    fn size(&self) -> usize {
        1
    }

    fn rank(&self) -> usize {
        0
    }

    fn sum(&self, _: &mut [f64]) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A wrapper that forwards what it must, and no more.
    struct Lazy(Recorder);

    impl Backend for Lazy {
        type Scalar = f64;
        type Vector = Vec<f64>;

        fn nrows(&self) -> usize {
            self.0.nrows()
        }

        fn ncols(&self) -> usize {
            self.0.ncols()
        }

        fn matvec(&self, rows: Range<usize>, w: &[f64], out: &mut [f64]) {
            self.0.matvec(rows, w, out);
        }

        fn matvec_transpose(&self, rows: Range<usize>, r: &[f64], acc: &mut [f64]) {
            self.0.matvec_transpose(rows, r, acc);
        }

        fn vector(&self, values: Vec<f64>) -> Vec<f64> {
            values
        }
    }

    #[test]
    fn provided_methods_that_are_left_out_are_named() {
        let provided = [
            "dense",
            "block_rows",
            "stored_before",
            "matvec_transpose_wide",
            "copy_rows",
            "column_moments",
            "peers",
        ];
        assert_eq!(not_forwarded(Lazy), provided);
    }
}
