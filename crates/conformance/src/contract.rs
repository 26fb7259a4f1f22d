//! One check per sentence of the contract of [`Backend`], by the same name.

use logit_core::{AnyBackend, Backend, ColumnMoments, Float};
use proptest::prelude::*;
use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

use crate::any::{AnySubject, compile, of};
use crate::matrix::Layout;
use crate::products::{dot, is_accumulated, is_product, within_accumulation};
use crate::runner::{Outcome, Runner, close, same_bits};
use crate::strategies::{layout, range, vector, wild};
use crate::sum::Sum;
use crate::tolerance;

/// What a check comes to: nothing, or the smallest failing case.
pub type Check = Result<(), String>;

type Subjects<'s, F> = &'s dyn AnySubject<F>;

compile! {
    shape, product, accumulation, ranges, exact_rows, non_finite_values, layouts, stored_elements,
    repeatability, order, wide_accumulation, copied_rows, moments,
}

/// The shape is that of the matrix.
pub fn shape<F: Float>(subject: Subjects<'_, F>, runner: &Runner) -> Check {
    runner.run(of(subject, wild::<F>(1)), |problem| {
        let backend = subject.lend(&problem.x);
        let expected = (problem.x.nrows(), problem.x.ncols());
        prop_assert_eq!((backend.nrows(), backend.ncols()), expected);
        backend.matvec(0..1, &problem.weights, &mut [F::zero()]);
        prop_assert_eq!((backend.nrows(), backend.ncols()), expected);
        Ok(())
    })
}

/// `matvec` is the product, and overwrites.
pub fn product<F: Float>(subject: Subjects<'_, F>, runner: &Runner) -> Check {
    runner.run(of(subject, wild::<F>(1)), |problem| {
        let rows = range(&mut problem.rng(), &problem.x);
        is_product(&subject.lend(&problem.x), &problem.x, rows, &problem.weights)
    })
}

/// `matvec_transpose` adds the transposed product.
pub fn accumulation<F: Float>(subject: Subjects<'_, F>, runner: &Runner) -> Check {
    runner.run(of(subject, wild::<F>(1)), |problem| {
        let mut rng = problem.rng();
        let rows = range(&mut rng, &problem.x);
        let r = vector(&mut rng, rows.len());
        let before = vector(&mut rng, problem.x.ncols());
        is_accumulated(&subject.lend(&problem.x), &problem.x, rows, &r, &before)
    })
}

/// An empty range changes nothing, and cutting a range in two computes the same.
pub fn ranges<F: Float>(subject: Subjects<'_, F>, runner: &Runner) -> Check {
    runner.run(of(subject, wild::<F>(1)), |problem| {
        let (x, w) = (&problem.x, &problem.weights);
        let backend = subject.lend(x);
        let mut rng = problem.rng();
        let (rows, n) = (range(&mut rng, x), x.nrows());
        let before: Vec<F> = vector(&mut rng, x.ncols());
        for empty in [0..0, rows.start..rows.start, n..n] {
            let mut acc = before.clone();
            backend.matvec(empty.clone(), w, &mut []);
            backend.matvec_transpose(empty, &[], &mut acc);
            same_bits("accumulator after an empty range", &acc, &before)?;
        }
        let middle = rows.start + rows.len() / 2;
        let r: Vec<F> = vector(&mut rng, rows.len());
        let (r_first, r_second) = r.split_at(middle - rows.start);
        for part in [rows.start..middle, middle..rows.end] {
            is_product(&backend, x, part, w)?;
        }
        let mut acc = before.clone();
        backend.matvec_transpose(rows.start..middle, r_first, &mut acc);
        backend.matvec_transpose(middle..rows.end, r_second, &mut acc);
        within_accumulation(x, rows, &r, &before, &acc)
    })
}

/// One row onto zeros is that row, exactly.
pub fn exact_rows<F: Float>(subject: Subjects<'_, F>, runner: &Runner) -> Check {
    runner.run(of(subject, wild::<F>(1)), |problem| {
        let backend = subject.lend(&problem.x);
        for (i, expected) in problem.x.rows().iter().enumerate() {
            let mut row = vec![F::zero(); problem.x.ncols()];
            backend.matvec_transpose(i..i + 1, &[F::one()], &mut row);
            same_numbers(&format!("row {i} onto zeros, column"), &row, expected)?;
        }
        Ok(())
    })
}

/// NaN and infinities reach what they touch, past zero factors too, and nothing else.
pub fn non_finite_values<F: Float>(subject: Subjects<'_, F>, runner: &Runner) -> Check {
    let bad = prop_oneof![Just(F::nan()), Just(F::infinity()), Just(F::neg_infinity())];
    runner.run((of(subject, wild::<F>(1)), bad), |(problem, bad)| {
        let (n, d) = (problem.x.nrows(), problem.x.ncols());
        let (i, j) = ((problem.seed % n as u64) as usize, (problem.seed / 7 % d as u64) as usize);
        let mut x = problem.x.clone();
        x.set(i, j, bad);
        let x = subject.represented(&x);
        let (mut w, mut r) = (problem.weights.clone(), vec![F::one(); n]);
        (w[j], r[i]) = (F::zero(), F::zero());
        let (mut out, mut acc) = (vec![F::zero(); n], vec![F::zero(); d]);
        // Storage of few bits may have neither NaN nor infinity.
        if !x.get(i, j).is_finite() {
            let backend = subject.lend(&x);
            backend.matvec(0..n, &w, &mut out);
            backend.matvec_transpose(0..n, &r, &mut acc);
            let what = format!("element ({i}, {j}) is {bad}, and w[{j}] is 0: NaN in out");
            nan_exactly_where(&what, &out, |k| k == i)?;
            let what = format!("element ({i}, {j}) is {bad}, and r[{i}] is 0: NaN in acc");
            nan_exactly_where(&what, &acc, |k| k == j)?;
            acc.fill(F::zero());
        }
        let backend = subject.lend(&problem.x);
        let stored = stored(&backend);
        (w[j], r[i]) = (F::nan(), F::nan());
        backend.matvec(0..n, &w, &mut out);
        nan_exactly_where(&format!("w[{j}] is NaN: NaN in out"), &out, |k| stored[k][j])?;
        acc.fill(F::zero());
        backend.matvec_transpose(0..n, &r, &mut acc);
        nan_exactly_where(&format!("r[{i}] is NaN: NaN in acc"), &acc, |k| stored[i][k])
    })
}

/// Fails unless a NaN has reached the places that it touches, and no other.
fn nan_exactly_where<F: Float>(
    what: &str,
    found: &[F],
    touched: impl Fn(usize) -> bool,
) -> Outcome {
    for (k, found) in found.iter().enumerate() {
        let must =
            if touched(k) { "must be NaN: no term may be skipped" } else { "must not be NaN" };
        prop_assert!(found.is_nan() == touched(k), "{what}[{k}] is {found:?}, and {must}");
    }
    Ok(())
}

/// Fails unless the numbers are equal.
fn same_numbers<F: Float>(what: &str, found: &[F], expected: &[F]) -> Outcome {
    prop_assert_eq!(found.len(), expected.len());
    for (k, (found, expected)) in found.iter().zip(expected).enumerate() {
        prop_assert!(found == expected, "{what} {k}: {found:e}, expected exactly {expected:e}");
    }
    Ok(())
}

/// As many elements are stored as the matrix says, those that are not zero among them: all, unless
/// it is sparse.
pub fn stored_elements<F: Float>(subject: Subjects<'_, F>, runner: &Runner) -> Check {
    runner.run(of(subject, wild::<F>(1)), |problem| {
        let (x, backend) = (&problem.x, subject.lend(&problem.x));
        let before: Vec<usize> = (0..=x.nrows()).map(|row| backend.stored_before(row)).collect();
        prop_assert!(before[0] == 0, "stored_before(0) is {}, and must be 0", before[0]);
        for (row, pair) in before.windows(2).enumerate() {
            let [this, next] = [pair[0], pair[1]];
            prop_assert!(this <= next, "stored_before falls from {this} to {next} after row {row}");
        }
        let (stored, promised) = (stored(&backend), before[x.nrows()]);
        let mut lost = None;
        for (i, row) in stored.iter().enumerate() {
            for (j, &stored) in row.iter().enumerate() {
                let value = x.get(i, j);
                prop_assert!(
                    stored || value == F::zero(),
                    "element ({i}, {j}) is {value:e}, and NaN in r[{i}] does not reach acc[{j}]"
                );
                lost = lost.or((!stored).then_some((i, j)));
            }
        }
        let count = stored.iter().flatten().filter(|&&stored| stored).count();
        let place = lost.map_or(String::new(), |(i, j)| {
            format!(": not through element ({i}, {j}), which is 0, for one")
        });
        prop_assert!(
            count == promised,
            "stored_before({}) says that {promised} elements are stored, and NaN in r passes through \
             {count}{place}",
            x.nrows()
        );
        Ok(())
    })
}

/// Which elements a matrix stores: those through which a NaN passes.
fn stored<F: Float>(x: &AnyBackend<'_, F>) -> Vec<Vec<bool>> {
    let row = |i| {
        let mut acc = vec![F::zero(); x.ncols()];
        x.matvec_transpose(i..i + 1, &[F::nan()], &mut acc);
        acc.iter().map(|acc| acc.is_nan()).collect()
    };
    (0..x.nrows()).map(row).collect()
}

/// Layout in memory changes nothing but rounding.
pub fn layouts<F: Float>(subject: Subjects<'_, F>, runner: &Runner) -> Check {
    runner.run((of(subject, wild::<F>(1)), layout()), |(problem, layout)| {
        let (plain, other) = (problem.x.laid_out(Layout::default()), problem.x.laid_out(layout));
        let (rows, d) = (0..plain.nrows(), plain.ncols());
        let r = vector(&mut problem.rng(), rows.len());
        for x in [&plain, &other] {
            let backend = subject.lend(x);
            is_product(&backend, &problem.x, rows.clone(), &problem.weights)?;
            is_accumulated(&backend, &problem.x, rows.clone(), &r, &vec![F::zero(); d])?;
        }
        Ok(())
    })
}

/// Equal calls give equal bits, on several threads at once too.
pub fn repeatability<F: Float>(subject: Subjects<'_, F>, runner: &Runner) -> Check {
    runner.run(of(subject, wild::<F>(1)), |problem| {
        let (n, d) = (problem.x.nrows(), problem.x.ncols());
        let backend = &subject.lend(&problem.x);
        let r: Vec<F> = vector(&mut problem.rng(), n);
        let call = || {
            let (mut out, mut acc) = (vec![F::zero(); n], vec![F::one(); d]);
            backend.matvec(0..n, &problem.weights, &mut out);
            backend.matvec_transpose(0..n, &r, &mut acc);
            (out, acc)
        };
        let (first, (second, third)) = rayon::join(call, || rayon::join(call, call));
        for again in [second, third, call()] {
            same_bits("matvec", &first.0, &again.0)?;
            same_bits("matvec_transpose", &first.1, &again.1)?;
        }
        Ok(())
    })
}

/// `vector` keeps the values and their order.
pub fn order<F: Float>(subject: Subjects<'_, F>, runner: &Runner) -> Check {
    runner.run(of(subject, wild::<F>(1)), |problem| {
        let read = subject.vector(&problem.x, problem.weights.clone());
        same_bits("vector", &read, &problem.weights)
    })
}

/// `matvec_transpose_wide` adds the transposed product to sums in `f64`, whatever `scratch` held.
pub fn wide_accumulation<F: Float>(subject: Subjects<'_, F>, runner: &Runner) -> Check {
    runner.run(of(subject, wild::<F>(1)), |problem| {
        let (mut rng, x) = (problem.rng(), &problem.x);
        let rows = range(&mut rng, x);
        let r: Vec<F> = vector(&mut rng, rows.len());
        let before: Vec<f64> = vector(&mut rng, x.ncols());
        let (mut scratch, mut sums) = (vec![F::nan(); x.ncols()], before.clone());
        subject.lend(x).matvec_transpose_wide(rows.clone(), &r, &mut scratch, &mut sums);
        for (j, (sum, before)) in sums.into_iter().zip(before).enumerate() {
            let terms = || rows.clone().zip(&r).map(|(i, r)| (x.get(i, j).widen(), r.widen()));
            // A rounding per product in the one precision, and per sum in either.
            let (expected, bound) = dot::<f64, _>(before, terms);
            let bound = bound + dot::<F, _>(0.0, terms).1;
            close(&format!("wide sum of column {j}"), sum, expected, bound)?;
        }
        Ok(())
    })
}

/// `copy_rows` copies the rows of a range, exactly.
pub fn copied_rows<F: Float>(subject: Subjects<'_, F>, runner: &Runner) -> Check {
    runner.run(of(subject, wild::<F>(1)), |problem| {
        let (x, d) = (&problem.x, problem.x.ncols());
        let rows = range(&mut problem.rng(), x);
        let mut copied = vec![F::nan(); rows.len() * d];
        subject.lend(x).copy_rows(rows.clone(), &mut copied);
        let expected: Vec<F> = rows.flat_map(|i| (0..d).map(move |j| x.get(i, j))).collect();
        same_numbers("copied rows, place", &copied, &expected)
    })
}

/// `column_moments` adds rows by their weights: sums within rounding, largest deviations exactly,
/// zeros for constant columns, nothing for rows of weight 0.
pub fn moments<F: Float>(subject: Subjects<'_, F>, runner: &Runner) -> Check {
    runner.run(of(subject, wild::<F>(1)), |problem| {
        let (mut rng, n, d) = (problem.rng(), problem.x.nrows(), problem.x.ncols());
        let rows = range(&mut rng, &problem.x);
        let origin: Vec<f64> = (0..d).map(|j| problem.x.get(0, j).widen()).collect();
        let weights: Vec<F> = match rng.random() {
            true => Vec::new(),
            false => (0..n).map(|_| weight(&mut rng)).collect(),
        };
        let weight = |i: usize| weights.get(i).map_or(1.0, |weight| weight.widen());
        let hidden = |i: usize, j: usize| weight(i) == 0.0 && j.is_multiple_of(2);
        let x = problem.x.map(|i, j, value| if hidden(i, j) { F::nan() } else { value });
        let x = subject.represented(&x);
        let mut got = ColumnMoments::new(&origin);
        let middle = rng.random_range(rows.start..=rows.end);
        for part in [rows.start..middle, middle..rows.end] {
            let weights = if weights.is_empty() { &[][..] } else { &weights[part.clone()] };
            subject.lend(&x).column_moments(part, weights, &mut got);
        }
        for (j, origin) in origin.iter().enumerate() {
            let counted = rows.clone().filter(|&i| weight(i) != 0.0);
            let deviations: Vec<(f64, f64)> =
                counted.map(|i| (weight(i), x.get(i, j).widen() - origin)).collect();
            let total =
                |f: fn(f64) -> f64| deviations.iter().map(|&(w, v)| w * f(v)).collect::<Sum>();
            let rounding = 2.0 * tolerance::dot::<f64>(rows.len() + 2);
            let (sum, size) = (total(|v| v).value(), total(f64::abs).value());
            close("sum of deviations", got.sums()[j], sum, rounding * size)?;
            let square = total(|v| v * v).value();
            close("sum of squares", got.squares()[j], square, rounding * square)?;
            let largest = deviations.iter().fold(0.0, |largest: f64, (_, v)| largest.max(v.abs()));
            prop_assert_eq!(got.largest()[j], largest, "largest deviation of column {}", j);
            if largest == 0.0 {
                prop_assert_eq!((got.sums()[j], got.squares()[j]), (0.0, 0.0), "column {}", j);
            }
        }
        Ok(())
    })
}

/// How much a row counts: often nothing, else anything.
fn weight<F: Float>(rng: &mut Xoshiro256PlusPlus) -> F {
    let count = f64::from(u8::from(rng.random_bool(0.7)));
    F::narrow(count * 10f64.powf(rng.random_range(-12.0..4.0)))
}
