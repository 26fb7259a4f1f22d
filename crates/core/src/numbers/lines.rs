//! Contiguous lines of numbers, and their products in portable code.

use std::marker::PhantomData;
use std::ops::Range;

use multiversion::multiversion;

use crate::numbers::float::Float;

/// The memory to prefetch while lines are multiplied, so that memory is never idle.
#[derive(Clone, Copy)]
#[cfg_attr(not(target_arch = "x86_64"), expect(dead_code))]
pub(crate) struct Ahead {
    /// The distance from the numbers in use to those prefetched, counted in numbers.
    pub(crate) distance: isize,
    /// Whether the first four of every eight lines prefetch, and whether the last four do.
    pub(crate) fours: [bool; 2],
}

impl Ahead {
    pub(crate) const NONE: Self = Self { distance: 0, fours: [false; 2] };

    /// The distance at which a line prefetches, if it does.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(crate) fn asked_by(&self, line: usize) -> Option<isize> {
        self.fours[line / 4 % 2].then_some(self.distance)
    }
}

/// `y[i] += line(i) · x`, as `SUMS` partial sums, which are added up in halves.
pub(crate) fn add_dots_by<F: Float, const SUMS: usize>(lines: Lines<'_, F>, x: &[F], y: &mut [F]) {
    assert_eq!((x.len(), y.len()), lines.shape(), "lengths of vectors");
    for (i, y) in y.iter_mut().enumerate() {
        let mut sums = [F::zero(); SUMS];
        for (line, x) in lines.get(i).chunks(SUMS).zip(x.chunks(SUMS)) {
            for (sum, (&a, &b)) in sums.iter_mut().zip(line.iter().zip(x)) {
                *sum += a * b;
            }
        }
        let mut half = SUMS / 2;
        while half > 0 {
            for k in 0..half {
                let upper = sums[half + k];
                sums[k] += upper;
            }
            half /= 2;
        }
        *y += sums[0];
    }
}

#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
pub(crate) fn add_multiples_by<F: Float>(lines: Lines<'_, F>, x: &[F], y: &mut [F]) {
    assert_eq!((y.len(), x.len()), lines.shape(), "lengths of vectors");
    let (fours, rest) = x.as_chunks::<4>();
    for (k, &[a, b, c, d]) in fours.iter().enumerate() {
        // Not through a closure: it would not be compiled for the instruction set.
        let (p, q) = (lines.get(4 * k), lines.get(4 * k + 1));
        let (r, s) = (lines.get(4 * k + 2), lines.get(4 * k + 3));
        for (y, ((&p, &q), (&r, &s))) in y.iter_mut().zip(p.iter().zip(q).zip(r.iter().zip(s))) {
            *y += (a * p + b * q) + (c * r + d * s);
        }
    }
    for (k, &a) in rest.iter().enumerate() {
        for (y, &p) in y.iter_mut().zip(lines.get(lines.count - rest.len() + k)) {
            *y += a * p;
        }
    }
}

/// Contiguous lines of equal length, a stride apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lines<'a, F> {
    pub(crate) first: *const F,
    pub(crate) count: usize,
    pub(crate) len: usize,
    pub(crate) stride: isize,
    pub(crate) life: PhantomData<&'a [F]>,
}

#[allow(unsafe_code)]
mod memory {
    //! The unsafe part: lines as slices of memory, for which the maker of the `Lines` vouches.

    use super::{Float, Lines, PhantomData, Range};

    // SAFETY: lines are shared references to numbers, which any thread may hold.
    unsafe impl<F: Sync> Send for Lines<'_, F> {}
    // SAFETY: as above.
    unsafe impl<F: Sync> Sync for Lines<'_, F> {}

    impl<'a, F: Float> Lines<'a, F> {
        pub(crate) fn from_slice(values: &'a [F], count: usize, len: usize) -> Self {
            assert_eq!(Some(values.len()), count.checked_mul(len), "as many values as elements");
            Self::with_stride(values, count, len, len)
        }

        /// Lines that begin a stride apart, and may overlap.
        pub(crate) fn with_stride(
            values: &'a [F],
            count: usize,
            len: usize,
            stride: usize,
        ) -> Self {
            let empty = count == 0 || len == 0;
            let end = || (count - 1).checked_mul(stride)?.checked_add(len);
            let fits = empty || end().is_some_and(|end| end <= values.len());
            assert!(fits, "{} values for {count} lines of {len}, {stride} apart", values.len());
            // Where there are not two lines, nothing is a stride away.
            let stride = if empty || count == 1 { len } else { stride } as isize;
            let first = values.as_ptr();
            Self { first, count, len, stride, life: PhantomData }
        }

        /// The lines of a range.
        pub(crate) fn some(self, range: Range<usize>) -> Self {
            let within = range.start <= range.end && range.end <= self.count;
            assert!(within, "lines {range:?} of a matrix of {} lines", self.count);
            let first = self.first.wrapping_offset(range.start as isize * self.stride);
            Self { first, count: range.len(), ..self }
        }

        /// The same range of every line.
        pub(crate) fn part(self, range: Range<usize>) -> Self {
            let within = range.start <= range.end && range.end <= self.len;
            assert!(within, "elements {range:?} of lines of {} elements", self.len);
            Self { first: self.first.wrapping_add(range.start), len: range.len(), ..self }
        }

        #[cfg(all(test, target_arch = "x86_64"))]
        pub(crate) fn every_second(self) -> Self {
            let first = self.first.wrapping_offset(self.stride);
            Self { first, count: self.count / 2, stride: 2 * self.stride, ..self }
        }

        /// All numbers of all lines, if no others lie between them.
        pub(crate) fn joined(self) -> Option<&'a [F]> {
            let len = self.count.checked_mul(self.len)?;
            let joined = self.stride == self.len as isize;
            joined.then(|| Self { count: 1, len, ..self }.get(0))
        }

        /// The length and the number of lines.
        pub(crate) fn shape(&self) -> (usize, usize) {
            (self.len, self.count)
        }

        /// The start of a line. `index` may be that of a line beyond the last.
        #[inline(always)]
        pub(crate) fn pointer(&self, index: usize) -> *const F {
            self.first.wrapping_offset(index as isize * self.stride)
        }

        #[inline(always)]
        pub(crate) fn get(&self, index: usize) -> &'a [F] {
            assert!(index < self.count, "line {index} of {}", self.count);
            // SAFETY: the maker of the first `Lines` vouched for its `count` lines for 'a: each has
            // `len` contiguous elements, and they lie `stride` apart. `with_stride` has checked that
            // its slice holds them all; `Dense::from_raw_parts` has this in its own contract.
            // `some` and `part` only narrow, within bounds that they check. `joined` has the same
            // numbers in one line. An empty line may have any address that is not null, and offsets
            // from one that is not null stay so.
            unsafe { std::slice::from_raw_parts(self.pointer(index), self.len) }
        }
    }
}
