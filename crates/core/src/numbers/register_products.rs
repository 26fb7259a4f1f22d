//! Both products with lines, in vector registers.

#![allow(unsafe_code, unsafe_op_in_unsafe_fn)]

use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

use crate::numbers::float::Float;
use crate::numbers::lines::{Ahead, Lines, add_multiples_by as add_portably};
use crate::numbers::registers::{BATCH, Register};

/// `N` registers of numbers; the last may be filled in part.
#[derive(Clone, Copy)]
struct Short<R: Register<Scalar: Float>, const N: usize> {
    last: R::Mask,
    values: [R; N],
}

impl<R: Register<Scalar: Float>, const N: usize> Short<R, N> {
    #[inline(always)]
    unsafe fn load(from: &[R::Scalar]) -> Self {
        let last = R::first(from.len() - (N - 1) * R::LANES);
        Self { last, values: Self::load_line(last, from.as_ptr()) }
    }

    /// Another line of the same length.
    #[inline(always)]
    unsafe fn load_line(last: R::Mask, line: *const R::Scalar) -> [R; N] {
        let mut values = [R::splat(R::Scalar::default()); N];
        for (k, value) in values.iter_mut().enumerate() {
            let at = line.wrapping_add(k * R::LANES);
            *value = if k < N - 1 { R::load(at) } else { R::load_some(last, at) };
        }
        values
    }
}

/// The vector that lines are multiplied with.
trait Factor<R: Register<Scalar: Float>> {
    /// The product with a line, one partial sum per lane. Prefetches memory at the distance
    /// `ask_at`, if it is given.
    unsafe fn product(&self, line: *const R::Scalar, ask_at: Option<isize>) -> R;
}

impl<R: Register<Scalar: Float>, const N: usize> Factor<R> for Short<R, N> {
    #[inline(always)]
    unsafe fn product(&self, line: *const R::Scalar, ask_at: Option<isize>) -> R {
        ask::<R>(N, line, ask_at);
        let mut products = Self::load_line(self.last, line);
        for (product, value) in products.iter_mut().zip(self.values) {
            *product = product.multiply(value);
        }
        add_up(products)
    }
}

/// A multiple of four registers of numbers, then `REST` registers, the last filled in part.
struct Long<'a, R: Register<Scalar: Float>, const REST: usize> {
    whole: &'a [R::Scalar],
    rest: Short<R, REST>,
}

impl<'a, R: Register<Scalar: Float>, const REST: usize> Long<'a, R, REST> {
    #[inline(always)]
    unsafe fn load(from: &'a [R::Scalar]) -> Self {
        let whole = (from.len().div_ceil(R::LANES) - REST) * R::LANES;
        Self { whole: &from[..whole], rest: Short::load(&from[whole..]) }
    }
}

impl<R: Register<Scalar: Float>, const REST: usize> Factor<R> for Long<'_, R, REST> {
    #[inline(always)]
    unsafe fn product(&self, line: *const R::Scalar, ask_at: Option<isize>) -> R {
        let mut sums = [R::splat(R::Scalar::default()); SUMS];
        for at in (0..self.whole.len()).step_by(SUMS * R::LANES) {
            ask::<R>(SUMS, line.wrapping_add(at), ask_at);
            for (k, sum) in sums.iter_mut().enumerate() {
                let at = at + k * R::LANES;
                let value = R::load(self.whole.as_ptr().add(at));
                *sum = sum.add(R::load(line.add(at)).multiply(value));
            }
        }
        let line = line.wrapping_add(self.whole.len());
        ask::<R>(REST, line, ask_at);
        let values = Short::<R, REST>::load_line(self.rest.last, line);
        for (sum, (a, b)) in sums.iter_mut().zip(self.rest.values.into_iter().zip(values)) {
            *sum = sum.add(b.multiply(a));
        }
        add_up(sums)
    }
}

/// Prefetches a number of registers at a distance from `place`, if a distance is given.
#[inline(always)]
unsafe fn ask<R: Register<Scalar: Float>>(
    registers: usize,
    place: *const R::Scalar,
    ask_at: Option<isize>,
) {
    let Some(distance) = ask_at else { return };
    for k in 0..registers {
        let at = place.wrapping_offset(distance).wrapping_add(k * R::LANES);
        _mm_prefetch::<_MM_HINT_T0>(at.cast());
    }
}

/// The number of registers that hold partial sums of a line: enough not to wait for the last
/// addition.
const SUMS: usize = 4;

/// See [`add_dots`].
#[inline(always)]
unsafe fn add_dots_by<R: Register<Scalar: Float>>(
    lines: Lines<'_, R::Scalar>,
    x: &[R::Scalar],
    y: &mut [R::Scalar],
    ahead: Ahead,
) {
    let registers = x.len().div_ceil(R::LANES);
    match (registers, registers % SUMS) {
        (0, _) => {}
        (1, _) => add_products(lines, &Short::<R, 1>::load(x), y, ahead),
        (2, _) => add_products(lines, &Short::<R, 2>::load(x), y, ahead),
        (3, _) => add_products(lines, &Short::<R, 3>::load(x), y, ahead),
        (4, _) => add_products(lines, &Short::<R, 4>::load(x), y, ahead),
        (5, _) => add_products(lines, &Short::<R, 5>::load(x), y, ahead),
        (6, _) => add_products(lines, &Short::<R, 6>::load(x), y, ahead),
        (7, _) => add_products(lines, &Short::<R, 7>::load(x), y, ahead),
        (8, _) => add_products(lines, &Short::<R, 8>::load(x), y, ahead),
        (_, 1) => add_products(lines, &Long::<R, 1>::load(x), y, ahead),
        (_, 2) => add_products(lines, &Long::<R, 2>::load(x), y, ahead),
        (_, 3) => add_products(lines, &Long::<R, 3>::load(x), y, ahead),
        _ => add_products(lines, &Long::<R, 4>::load(x), y, ahead),
    }
}

/// See [`add_dots`].
#[inline(always)]
unsafe fn add_products<R: Register<Scalar: Float>>(
    lines: Lines<'_, R::Scalar>,
    x: &impl Factor<R>,
    y: &mut [R::Scalar],
    ahead: Ahead,
) {
    let (batches, rest) = y.as_chunks_mut::<BATCH>();
    let done = BATCH * batches.len();
    for (k, y) in batches.iter_mut().enumerate() {
        add_batch(lines, BATCH * k, x, y, ahead);
    }
    add_batch(lines, done, x, rest, ahead);
}

/// Adds the products of at most [`BATCH`] lines, from `first` on.
#[inline(always)]
unsafe fn add_batch<R: Register<Scalar: Float>>(
    lines: Lines<'_, R::Scalar>,
    first: usize,
    x: &impl Factor<R>,
    y: &mut [R::Scalar],
    ahead: Ahead,
) {
    let mut products = [R::splat(R::Scalar::default()); BATCH];
    for (k, product) in products[..y.len()].iter_mut().enumerate() {
        *product = x.product(lines.pointer(first + k), ahead.asked_by(k));
    }
    for (y, sum) in y.iter_mut().zip(R::sums(products)) {
        *y += sum;
    }
}

/// The sum of up to eight registers. The last four are added to the first four, then the upper half
/// to the lower.
#[inline(always)]
unsafe fn add_up<R: Register<Scalar: Float>, const N: usize>(mut sums: [R; N]) -> R {
    for k in SUMS..N {
        sums[k - SUMS] = sums[k - SUMS].add(sums[k]);
    }
    match N {
        1 => sums[0],
        2 => sums[0].add(sums[1]),
        3 => sums[0].add(sums[2]).add(sums[1]),
        _ => sums[0].add(sums[2]).add(sums[1].add(sums[3])),
    }
}

/// The number of registers of sums in a strip, all held at once.
const STRIP: usize = 4;

/// See [`add_multiples`].
#[inline(always)]
unsafe fn add_multiples_by<R: Register<Scalar: Float>>(
    lines: Lines<'_, R::Scalar>,
    x: &[R::Scalar],
    y: &mut [R::Scalar],
    ahead: Ahead,
    in_strips: bool,
) {
    if !in_strips && y.len() > STRIP * R::LANES {
        return add_long_multiples::<R>(lines, x, y, ahead);
    }
    let mut start = 0;
    for y in y.chunks_mut(STRIP * R::LANES) {
        let end = start + y.len();
        let strip = lines.part(start..end);
        match y.len().div_ceil(R::LANES) {
            1 => add_short_multiples::<R, 1>(strip, x, y, ahead),
            2 => add_short_multiples::<R, 2>(strip, x, y, ahead),
            3 => add_short_multiples::<R, 3>(strip, x, y, ahead),
            _ => add_short_multiples::<R, STRIP>(strip, x, y, ahead),
        }
        start = end;
    }
}

/// Four lines and their factors.
struct Four<R: Register<Scalar: Float>> {
    factors: [R; 4],
    lines: [*const R::Scalar; 4],
}

impl<R: Register<Scalar: Float>> Four<R> {
    /// The lines from `first` on.
    #[inline(always)]
    unsafe fn new(lines: &Lines<'_, R::Scalar>, first: usize, factors: &[R::Scalar; 4]) -> Self {
        let [a, b, c, d] = *factors;
        Self {
            factors: [R::splat(a), R::splat(b), R::splat(c), R::splat(d)],
            lines: [0, 1, 2, 3].map(|k| lines.pointer(first + k)),
        }
    }

    /// Prefetches a number of registers of each line from `start` on, as [`ask`].
    #[inline(always)]
    unsafe fn ask(&self, registers: usize, start: usize, ask_at: Option<isize>) {
        for line in self.lines {
            ask::<R>(registers, line.wrapping_add(start), ask_at);
        }
    }

    /// The sum of one register of each line, times the line's factor.
    #[inline(always)]
    unsafe fn sum(&self, [p, q, r, s]: [R; 4]) -> R {
        let [a, b, c, d] = self.factors;
        a.multiply(p).add(b.multiply(q)).add(c.multiply(r).add(d.multiply(s)))
    }
}

/// Lines of `N` registers. The registers of `y` are loaded and stored once.
#[inline(always)]
unsafe fn add_short_multiples<R: Register<Scalar: Float>, const N: usize>(
    lines: Lines<'_, R::Scalar>,
    x: &[R::Scalar],
    y: &mut [R::Scalar],
    ahead: Ahead,
) {
    let Short { last, values: mut sums } = Short::<R, N>::load(y);
    let (fours, rest) = x.as_chunks::<4>();
    for (i, factors) in fours.iter().enumerate() {
        let four = Four::<R>::new(&lines, 4 * i, factors);
        four.ask(N, 0, ahead.asked_by(4 * i));
        let [p, q, r, s] = four.lines;
        let p = Short::<R, N>::load_line(last, p);
        let q = Short::<R, N>::load_line(last, q);
        let r = Short::<R, N>::load_line(last, r);
        let s = Short::<R, N>::load_line(last, s);
        for (k, sum) in sums.iter_mut().enumerate() {
            *sum = sum.add(four.sum([p[k], q[k], r[k], s[k]]));
        }
    }
    for (i, &a) in rest.iter().enumerate() {
        let line = lines.pointer(4 * fours.len() + i);
        let (a, p) = (R::splat(a), Short::<R, N>::load_line(last, line));
        for k in 0..N {
            sums[k] = sums[k].add(a.multiply(p[k]));
        }
    }
    for (k, sum) in sums.iter().enumerate() {
        let at = y.as_mut_ptr().wrapping_add(k * R::LANES);
        if k < N - 1 { sum.store(at) } else { sum.store_some(last, at) }
    }
}

/// Lines of many registers. The registers of `y` are loaded and stored with every four lines.
#[inline(always)]
unsafe fn add_long_multiples<R: Register<Scalar: Float>>(
    lines: Lines<'_, R::Scalar>,
    x: &[R::Scalar],
    y: &mut [R::Scalar],
    ahead: Ahead,
) {
    let (fours, rest) = x.as_chunks::<4>();
    let whole = y.len() / R::LANES * R::LANES;
    let last = R::first(y.len() - whole);
    let y_at = y.as_mut_ptr();
    for (i, factors) in fours.iter().enumerate() {
        let four = Four::<R>::new(&lines, 4 * i, factors);
        let ask_at = ahead.asked_by(4 * i);
        let [p, q, r, s] = four.lines;
        for at in (0..whole).step_by(R::LANES) {
            four.ask(1, at, ask_at);
            let [p, q, r, s] = [p, q, r, s].map(|line| line.add(at));
            let sum = four.sum([R::load(p), R::load(q), R::load(r), R::load(s)]);
            R::load(y_at.add(at)).add(sum).store(y_at.add(at));
        }
        let (p, q) = (R::load_some(last, p.add(whole)), R::load_some(last, q.add(whole)));
        let (r, s) = (R::load_some(last, r.add(whole)), R::load_some(last, s.add(whole)));
        let sum = R::load_some(last, y_at.add(whole)).add(four.sum([p, q, r, s]));
        sum.store_some(last, y_at.add(whole));
    }
    add_portably(lines.some(4 * fours.len()..x.len()), rest, y);
}

#[target_feature(enable = "avx512f")]
unsafe fn add_dots_avx512<F: Float>(lines: Lines<'_, F>, x: &[F], y: &mut [F], ahead: Ahead) {
    add_dots_by::<F::Avx512>(lines, x, y, ahead);
}

#[target_feature(enable = "avx2")]
unsafe fn add_dots_avx2<F: Float>(lines: Lines<'_, F>, x: &[F], y: &mut [F], ahead: Ahead) {
    add_dots_by::<[F::Avx2; 2]>(lines, x, y, ahead);
}

#[target_feature(enable = "avx512f")]
unsafe fn add_multiples_avx512<F: Float>(
    lines: Lines<'_, F>,
    x: &[F],
    y: &mut [F],
    ahead: Ahead,
    in_strips: bool,
) {
    add_multiples_by::<F::Avx512>(lines, x, y, ahead, in_strips);
}

#[target_feature(enable = "avx2")]
unsafe fn add_multiples_avx2<F: Float>(
    lines: Lines<'_, F>,
    x: &[F],
    y: &mut [F],
    ahead: Ahead,
    in_strips: bool,
) {
    add_multiples_by::<[F::Avx2; 2]>(lines, x, y, ahead, in_strips);
}

/// `y[i] += line(i) · x` for every line. Returns whether the processor has the instructions;
/// without them, nothing is done.
pub(crate) fn add_dots<F: Float>(lines: Lines<'_, F>, x: &[F], y: &mut [F], ahead: Ahead) -> bool {
    assert_eq!((x.len(), y.len()), lines.shape(), "lengths of vectors");
    if is_x86_feature_detected!("avx512f") {
        // SAFETY: the processor has AVX-512, and `x` is as long as the lines.
        unsafe { add_dots_avx512(lines, x, y, ahead) };
    } else if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2, and `x` is as long as the lines.
        unsafe { add_dots_avx2(lines, x, y, ahead) };
    } else {
        return false;
    }
    true
}

/// `y += Σᵢ x[i] · line(i)`. Returns whether the processor has the instructions; without them,
/// nothing is done.
///
/// With `in_strips`, `y` is cut into strips of four registers. Each strip takes all lines before
/// the next strip starts.
pub(crate) fn add_multiples<F: Float>(
    lines: Lines<'_, F>,
    x: &[F],
    y: &mut [F],
    ahead: Ahead,
    in_strips: bool,
) -> bool {
    assert_eq!((y.len(), x.len()), lines.shape(), "lengths of vectors");
    if is_x86_feature_detected!("avx512f") {
        // SAFETY: the processor has AVX-512, and `y` is as long as the lines.
        unsafe { add_multiples_avx512(lines, x, y, ahead, in_strips) };
    } else if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2, and `y` is as long as the lines.
        unsafe { add_multiples_avx2(lines, x, y, ahead, in_strips) };
    } else {
        return false;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numbers::lines::{
        add_dots_by as portable_dots, add_multiples_by as portable_multiples,
    };
    use proptest::prelude::*;

    /// Far beyond the memory of the test: prefetching never fails.
    const AHEAD: Ahead = Ahead { distance: isize::MAX / 16, fours: [true, false] };

    /// A line, and NaN on both sides of it.
    fn fenced<F: Float>(values: &[f64]) -> Vec<F> {
        let values = values.iter().map(|&value| F::narrow(value));
        [F::nan()].into_iter().chain(values).chain([F::nan()]).collect()
    }

    fn bits<F: Float>(values: &[F]) -> Vec<u64> {
        values.iter().map(|value| value.widen().to_bits()).collect()
    }

    /// Runs `work` with each instruction set on a fenced copy of `y`. All must give the same bits
    /// and leave the fence alone.
    fn same<F: Float>(y: &[f64], work: impl Fn(&str, &mut [F])) -> Result<(), TestCaseError> {
        let mut results = Vec::new();
        for by in ["portable", "AVX2", "AVX-512"] {
            if by == "AVX2" && !is_x86_feature_detected!("avx2")
                || by == "AVX-512" && !is_x86_feature_detected!("avx512f")
            {
                continue;
            }
            let mut y = fenced(y);
            let end = y.len() - 1;
            work(by, &mut y[1..end]);
            prop_assert!(y[0].is_nan() && y[end].is_nan(), "{} wrote beyond the slice", by);
            results.push((by, bits(&y[1..end])));
        }
        for (by, result) in &results {
            prop_assert_eq!(result, &results[0].1, "{}", by);
        }
        Ok(())
    }

    fn all_agree<F: Float>(rows: &[Vec<f64>], by_row: &[f64], by_column: &[f64]) {
        let (count, len) = (rows.len(), by_column.len());
        // A line of NaN before, between and after the lines.
        let mut memory = vec![F::nan(); len];
        for row in rows {
            memory.extend(row[..len].iter().map(|&value| F::narrow(value)));
            memory.extend(vec![F::nan(); len]);
        }
        let numbers = |values: &[f64]| -> Vec<F> { values.iter().map(|&x| F::narrow(x)).collect() };
        let lines = || Lines::from_slice(&memory, 2 * count + 1, len).every_second();
        let x = numbers(by_column);
        let dots = same::<F>(by_row, |by, y| match by {
            "portable" if size_of::<F>() == 8 => portable_dots::<F, 32>(lines(), &x, y),
            "portable" => portable_dots::<F, 64>(lines(), &x, y),
            // SAFETY: `same` has seen that the processor has the instructions.
            "AVX2" => unsafe { add_dots_avx2(lines(), &x, y, AHEAD) },
            _ => unsafe { add_dots_avx512(lines(), &x, y, AHEAD) },
        });
        dots.expect("dots");
        let x = numbers(by_row);
        for in_strips in [false, true] {
            let multiples = same::<F>(by_column, |by, y| match by {
                "portable" => portable_multiples(lines(), &x, y),
                // SAFETY: as above.
                "AVX2" => unsafe { add_multiples_avx2(lines(), &x, y, AHEAD, in_strips) },
                _ => unsafe { add_multiples_avx512(lines(), &x, y, AHEAD, in_strips) },
            });
            multiples.expect("multiples");
        }
    }

    logit_properties::properties! {
        #[test]
        fn all_instruction_sets_give_the_same_bits(
            rows in prop::collection::vec(prop::collection::vec(-9.0f64..9.0, 300), 0..21),
            by_column in prop_oneof![
                prop::collection::vec(-9.0f64..9.0, 0..65),
                prop::collection::vec(-9.0f64..9.0, 0..300),
            ],
            by_row in prop::collection::vec(-9.0f64..9.0, 21),
        ) {
            all_agree::<f64>(&rows, &by_row[..rows.len()], &by_column);
            all_agree::<f32>(&rows, &by_row[..rows.len()], &by_column);
        }
    }
}
