//! Any sprs matrix or view can be lent; what its structure may be, and what follows.

use logit_core::dense::Dense;
use logit_core::{Backend, Error, Float, LogisticRegression, Model};
use logit_sprs::Sprs;
use logit_sprs::sprs::{CsMat, CsMatI, CsMatView, SpIndex, TriMat};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

/// The values of a backend, read through it, row by row.
fn read<I: SpIndex, Iptr: SpIndex>(x: &Sprs<'_, f64, I, Iptr>) -> Vec<f64> {
    let mut rows = vec![0.0; x.nrows() * x.ncols()];
    for (i, row) in rows.chunks_mut(x.ncols()).enumerate() {
        x.matvec_transpose(i..i + 1, &[1.0], row);
    }
    rows
}

/// The values of a matrix, from sprs itself.
fn values<I: SpIndex, Iptr: SpIndex>(x: &CsMatI<f64, I, Iptr>) -> Vec<f64> {
    x.to_dense().iter().copied().collect()
}

/// Some elements of a matrix, an empty row and an empty column among them.
fn data<I: SpIndex, Iptr: SpIndex>() -> CsMatI<f64, I, Iptr> {
    let mut x = TriMat::<f64>::new((12, 7));
    for i in (0..12).filter(|&i| i != 5) {
        for j in (0..7).filter(|&j| j != 3 && (i * 3 + j * 5) % 4 == 0) {
            x.add_triplet(i, j, (i * 7 + j * 3) as f64 % 11.0 - 4.5);
        }
    }
    x.to_csr::<usize>().to_other_types()
}

#[test]
fn any_types_of_index_in_either_order() {
    fn check<I: SpIndex, Iptr: SpIndex>() {
        let x = data::<I, Iptr>();
        assert_eq!(read(&Sprs::from(&x)), values(&x));
        assert_eq!(read(&Sprs::from(x.view())), values(&x));
        assert_eq!(read(&Sprs::from(&x.to_csc())), values(&x));
    }
    check::<usize, usize>();
    check::<u32, usize>();
    check::<u32, u32>();
    check::<u16, u64>();
    check::<i32, i32>();
}

#[test]
fn views_slices_and_transposes() {
    let mut x = data::<usize, usize>();
    let part = x.slice_outer(4..9);
    assert_eq!(read(&Sprs::from(part)), values(&part.to_owned()));
    let columns = x.to_csc();
    let part = columns.slice_outer(2..6);
    assert_eq!(read(&Sprs::from(&part)), values(&part.to_owned()));
    let transposed = x.transpose_view();
    assert_eq!(read(&Sprs::from(transposed)), values(&transposed.to_csr()));
    let expected = values(&x);
    assert_eq!(read(&Sprs::from(&x.view_mut())), expected);
}

/// The borrow lasts as long as the matrix, not as long as the view it was made through.
#[test]
fn a_backend_outlives_the_view_it_was_made_from() {
    let x = data::<u32, u32>();
    let lent = {
        let view = x.view();
        Sprs::from(view)
    };
    assert_eq!(read(&lent), values(&x));
}

/// Unsorted indices are sorted by sprs or refused, duplicates refused, or summed from triplets:
/// none reach a backend.
#[test]
fn structure_is_checked_by_sprs() {
    let new = |indices: &[usize], values: &[f64]| {
        CsMat::try_new((1, 3), vec![0, indices.len()], indices.to_vec(), values.to_vec())
    };
    assert!(new(&[2, 0], &[1.0, 2.0]).is_err());
    assert!(new(&[1, 1], &[1.0, 2.0]).is_err());
    assert!(new(&[3], &[1.0]).is_err());
    assert!(CsMatView::try_new((1, 3), &[0, 2][..], &[2, 0][..], &[1.0, 2.0][..]).is_err());
    let sorted = CsMat::new_from_unsorted((1, 3), vec![0, 2], vec![2, 0], vec![1.0, 2.0]);
    let sorted = sorted.expect("sorted by sprs");
    assert_eq!(read(&Sprs::from(&sorted)), [2.0, 0.0, 1.0]);
    assert!(CsMat::new_from_unsorted((1, 3), vec![0, 2], vec![1, 1], vec![1.0, 2.0]).is_err());
    let triplets = TriMat::from_triplets((1, 3), vec![0, 0], vec![1, 1], vec![1.0, 2.0]);
    assert_eq!(read(&Sprs::from(&triplets.to_csr::<usize>())), [0.0, 3.0, 0.0]);
}

fn fit(x: &impl Backend<Scalar = f64>, y: &[bool], standardize: bool) -> Model<f64> {
    let estimator = LogisticRegression::new().l2(0.1).standardize(standardize);
    estimator.fit(x, y).expect("a fit").model
}

fn assert_same(a: &Model<f64>, b: &Model<f64>) {
    assert!((a.intercept() - b.intercept()).abs() < 1e-13);
    for (a, b) in a.weights().iter().zip(b.weights()) {
        assert!((a - b).abs() < 1e-13);
    }
}

#[test]
fn a_fit_is_that_of_the_dense_matrix_whatever_is_stored() {
    let x = data::<u32, usize>();
    let dense = values(&x);
    let y: Vec<bool> = (0..12).map(|i| i % 3 == 0).collect();
    let stored: Vec<u32> = (0..12).flat_map(|_| 0..7).collect();
    let starts = (0..=12).map(|i| 7 * i).collect();
    let with_zeros = CsMatI::<f64, u32, usize>::new((12, 7), starts, stored, dense.clone());
    for standardize in [false, true] {
        let expected = fit(&Dense::from_rows(&dense, 12, 7), &y, standardize);
        assert_eq!(expected.weights()[3], 0.0);
        assert_same(&fit(&Sprs::from(&x), &y, standardize), &expected);
        assert_same(&fit(&Sprs::from(&x.to_csc()), &y, standardize), &expected);
        assert_same(&fit(&Sprs::from(&with_zeros), &y, standardize), &expected);
    }
}

#[test]
fn empty_matrices_are_errors() {
    let fit = LogisticRegression::new();
    for x in [CsMat::<f64>::zero((0, 3)), CsMat::zero((0, 3)).into_csc()] {
        assert_eq!(fit.fit(&Sprs::from(&x), [0u8; 0]), Err(Error::NoRows));
    }
    for x in [CsMat::<f64>::zero((2, 0)), CsMat::zero((2, 0)).into_csc()] {
        assert_eq!(fit.fit(&Sprs::from(&x), [0, 1]), Err(Error::NoColumns));
    }
    let x = CsMat::<f64>::zero((2, 3));
    let fit = fit.standardize(true).fit(&Sprs::from(&x), [0, 1]).expect("an intercept");
    assert_eq!(fit.model.weights(), [0.0; 3]);
}

/// Rows of very different lengths, enough of them for several segments, and their labels.
fn text<F: Float>() -> (CsMatI<F, u32, usize>, Vec<bool>) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
    let (mut starts, mut indices, mut values) = (vec![0], Vec::new(), Vec::new());
    for i in 0..8000 {
        let density = if i < 1000 { 0.3 } else { 0.02 };
        for j in 0..600 {
            if rng.random_bool(density) {
                indices.push(j);
                values.push(F::narrow(rng.random_range(-1.0..1.0)));
            }
        }
        starts.push(values.len());
    }
    let y = (0..8000).map(|_| rng.random()).collect();
    (CsMatI::new((8000, 600), starts, indices, values), y)
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    fn check<F: Float>() {
        let (rows, y) = text::<F>();
        for x in [&rows, &rows.to_csc()] {
            let x = Sprs::from(x);
            let on = |threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
                pool.expect("threads").install(|| {
                    let objective = LogisticRegression::new().standardize(true).objective(&x, &y);
                    let mut objective = objective.expect("valid");
                    let found = objective.evaluate(vec![F::narrow(0.1); objective.dimension()]);
                    (found.loss(), found.gradient().to_vec())
                })
            };
            let expected = on(1);
            assert!([2, 3, 8].into_iter().all(|threads| on(threads) == expected));
        }
    }
    check::<f64>();
    check::<f32>();
}

#[test]
fn a_nan_is_named_among_many_rows() {
    let (mut x, y) = text::<f64>();
    let at = x.nnz() - 1;
    let column = x.indices()[at] as usize;
    x.data_mut()[at] = f64::NAN;
    for x in [&x, &x.to_csc()] {
        let error = LogisticRegression::new().l2(0.1).fit(&Sprs::from(x), &y).expect_err("a NaN");
        let Error::NonFiniteFeature { row: 7999, column: named, .. } = error else {
            panic!("{error}");
        };
        assert_eq!(named, column);
    }
}

#[test]
fn blocks_and_stored_elements_follow_what_is_stored() {
    let (x, _) = text::<f64>();
    let lent = Sprs::from(&x);
    let mean = x.nnz() / 8000;
    assert_eq!(lent.block_rows(), 256 * 1024 / 12 * 8000 / x.nnz());
    assert!((20..80).contains(&mean));
    assert_eq!(lent.stored_before(1), x.outer_view(0).expect("a row").nnz());
    let columns = x.to_csc();
    let lent = Sprs::from(&columns);
    assert_eq!((lent.stored_before(4000), lent.stored_before(8000)), (x.nnz() / 2, x.nnz()));
    assert!(lent.block_rows() * mean >= (1 << 16) - mean);
    let empty = CsMat::<f64>::zero((10, 10));
    assert!(Sprs::from(&empty).block_rows() > 0);
    assert!(Sprs::from(&empty.into_csc()).block_rows() > 0);
}
