//! Nothing is copied: what a fit and a prediction allocate, counted.
#![cfg(all(feature = "ndarray", feature = "nalgebra"))]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use logit::nalgebra::DMatrix;
use logit::ndarray::{Array2, s};
use logit::{Backend, GradientDescent, LogisticRegression, Nalgebra, Ndarray};

/// The system's allocator, keeping count.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static CALLS: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: both methods pass their arguments on to the system's allocator, unchanged.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        PEAK.fetch_max(NOW.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
        CALLS.fetch_add(1, Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// The most bytes that `work` held at once, beyond what was held before, and its allocations.
fn allocated(work: impl FnOnce()) -> (usize, usize) {
    let (before, calls) = (NOW.load(Relaxed), CALLS.load(Relaxed));
    PEAK.store(before, Relaxed);
    work();
    (PEAK.load(Relaxed) - before, CALLS.load(Relaxed) - calls)
}

const ROWS: usize = 100_000;
const COLUMNS: usize = 40;

fn value(i: usize, j: usize) -> f64 {
    ((i * 31 + j * 17) % 101) as f64 / 50.0 - 1.0
}

/// A fit needs a byte per label and some blocks, a prediction its results and a bool each; a row
/// of the matrix has 320 bytes.
fn copies_nothing(x: &impl Backend<Scalar = f64>) {
    let y: Vec<bool> = (0..ROWS).map(|i| i % 3 == 0).collect();
    let solver = GradientDescent::new().max_iterations(3);
    let estimator = LogisticRegression::new().standardize(true).solver(solver);
    let matrix = ROWS * COLUMNS * size_of::<f64>();
    let mut model = None;
    let (peak, _) = allocated(|| model = Some(estimator.fit(x, &y).expect("a fit").model));
    assert!(peak < 8 * ROWS + matrix / 100, "a fit held {peak} bytes");
    let (peak, _) = allocated(|| drop(LogisticRegression::new().fit(x, &y).expect("a fit")));
    assert!(peak < 16 * ROWS + matrix / 100, "a fit by second derivatives held {peak} bytes");
    let model = model.expect("a model");
    let (peak, _) = allocated(|| drop(model.predict(x).expect("classes")));
    assert!(peak < 10 * ROWS + matrix / 100, "a prediction held {peak} bytes");
}

/// One test, since the counters count whatever else runs.
#[test]
fn memory_is_as_documented() {
    fits_and_predictions_copy_no_matrix();
    #[cfg(feature = "sprs")]
    a_fit_to_a_sparse_matrix_needs_a_tenth_of_it();
    an_iteration_allocates_nothing_but_its_entry_in_the_history();
}

fn fits_and_predictions_copy_no_matrix() {
    let x = Array2::from_shape_fn((ROWS, COLUMNS), |(i, j)| value(i, j));
    copies_nothing(&Ndarray::from(&x));
    let mut wide = Array2::zeros((2 * ROWS, COLUMNS + 3));
    wide.slice_mut(s![..;-2, 2..COLUMNS + 2]).assign(&x);
    copies_nothing(&Ndarray::from(wide.slice(s![..;-2, 2..COLUMNS + 2])));
    drop((x, wide));
    let x = DMatrix::from_fn(2 * ROWS, COLUMNS, value);
    copies_nothing(&Nalgebra::from(x.rows(5, ROWS)));
    copies_nothing(&Nalgebra::from(x.rows_with_step(0, ROWS, 1)));
}

/// A sparse matrix has no rows of d numbers, but sums of d numbers are taken all the same: a fit
/// needs less than a tenth of the matrix for them.
#[cfg(feature = "sprs")]
fn a_fit_to_a_sparse_matrix_needs_a_tenth_of_it() {
    use logit::{Sprs, sprs::CsMatI};

    let starts: Vec<usize> = (0..=ROWS).map(|i| i * COLUMNS).collect();
    let indices = (0..ROWS * COLUMNS).map(|k| (k % COLUMNS * 125 + k % 123) as u32).collect();
    let values = (0..ROWS * COLUMNS).map(|k| value(k, k)).collect();
    let x = CsMatI::<f64, u32, usize>::new((ROWS, 5000), starts, indices, values);
    let y: Vec<bool> = (0..ROWS).map(|i| i % 3 == 0).collect();
    let solver = GradientDescent::new().max_iterations(3);
    let estimator = LogisticRegression::new().standardize(true).solver(solver);
    let (peak, _) = allocated(|| drop(estimator.fit(&Sprs::from(&x), &y).expect("a fit")));
    let matrix = ROWS * COLUMNS * (size_of::<f64>() + size_of::<u32>());
    assert!(peak < matrix / 10, "a fit held {peak} bytes");
}

fn an_iteration_allocates_nothing_but_its_entry_in_the_history() {
    let x = Array2::from_shape_fn((569, 30), |(i, j)| value(i, j));
    let y: Vec<bool> = (0..569).map(|i| i % 3 == 0).collect();
    let calls = |iterations: usize| {
        let estimator =
            LogisticRegression::new().solver(GradientDescent::new().max_iterations(iterations));
        let fit = || drop(estimator.fit(&Ndarray::from(&x), &y).expect("a fit"));
        allocated(fit).1
    };
    // A growing vector doubles: from 1024 to 4096 entries each of the two histories moves twice.
    assert!(calls(4096) <= calls(1024) + 4);
}
