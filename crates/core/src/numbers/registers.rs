//! Vector registers of x86-64 for products with lines: the compiler's own code was slower.
//!
//! Numbers are taken 64 bytes at a time: one register of AVX-512 or two of AVX2. Both, and the
//! portable forms, take the same sums in the same order, so they give the same bits.
//!
//! This module is unsafe throughout, for two reasons only. First, the processor must have the
//! instructions. Callers of unsafe functions have checked that, as the two safe functions of
//! `register_products` do. Second, loads and stores must stay within a line or a slice. They touch
//! whole registers up to its length, and of the last register only the lanes of a mask. Memory
//! beyond may be prefetched, which never fails.

#![allow(unsafe_code, unsafe_op_in_unsafe_fn)]

use std::arch::x86_64::*;

/// A vector register: several numbers side by side.
///
/// # Safety
/// All functions need the instruction set of the type. Loads and stores need memory for the numbers
/// loaded or stored.
pub trait Register: Copy {
    type Scalar: Copy + Default + 'static;
    /// A selection of lanes.
    type Mask: Copy;

    const LANES: usize = size_of::<Self>() / size_of::<Self::Scalar>();

    /// The first `count` lanes, at most all.
    unsafe fn first(count: usize) -> Self::Mask;
    unsafe fn splat(value: Self::Scalar) -> Self;
    unsafe fn load(from: *const Self::Scalar) -> Self;
    /// Numbers that are not loaded are 0.
    unsafe fn load_some(mask: Self::Mask, from: *const Self::Scalar) -> Self;
    unsafe fn store(self, to: *mut Self::Scalar);
    unsafe fn store_some(self, mask: Self::Mask, to: *mut Self::Scalar);
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn multiply(self, other: Self) -> Self;
    /// The sums of eight registers. In each, the upper half is added to the lower until one number
    /// is left.
    unsafe fn sums(all: [Self; BATCH]) -> [Self::Scalar; BATCH];
}

/// The number of registers that are summed side by side.
pub(crate) const BATCH: usize = 8;

impl Register for __m512d {
    type Scalar = f64;
    type Mask = __mmask8;

    #[inline(always)]
    unsafe fn first(count: usize) -> __mmask8 {
        ((1 << count) - 1) as __mmask8
    }

    #[inline(always)]
    unsafe fn splat(value: f64) -> Self {
        _mm512_set1_pd(value)
    }

    #[inline(always)]
    unsafe fn load(from: *const f64) -> Self {
        _mm512_loadu_pd(from)
    }

    #[inline(always)]
    unsafe fn load_some(mask: __mmask8, from: *const f64) -> Self {
        _mm512_maskz_loadu_pd(mask, from)
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f64) {
        _mm512_storeu_pd(to, self);
    }

    #[inline(always)]
    unsafe fn store_some(self, mask: __mmask8, to: *mut f64) {
        _mm512_mask_storeu_pd(to, mask, self);
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        _mm512_add_pd(self, other)
    }

    #[inline(always)]
    unsafe fn multiply(self, other: Self) -> Self {
        _mm512_mul_pd(self, other)
    }

    #[inline(always)]
    unsafe fn sums([a, b, c, d, e, f, g, h]: [Self; BATCH]) -> [f64; BATCH] {
        // The last step interleaves the sums of both.
        let aceg = add_quarters(add_halves(a, c), add_halves(e, g));
        let bdfh = add_quarters(add_halves(b, d), add_halves(f, h));
        let sums = _mm512_add_pd(_mm512_unpacklo_pd(aceg, bdfh), _mm512_unpackhi_pd(aceg, bdfh));
        std::mem::transmute(sums)
    }
}

/// The lower half of each register plus its upper half, side by side.
#[inline(always)]
unsafe fn add_halves(a: __m512d, b: __m512d) -> __m512d {
    let (lower, upper) = (_mm512_shuffle_f64x2::<0x44>(a, b), _mm512_shuffle_f64x2::<0xee>(a, b));
    _mm512_add_pd(lower, upper)
}

/// The even quarters of each register plus its odd ones, side by side.
#[inline(always)]
unsafe fn add_quarters(a: __m512d, b: __m512d) -> __m512d {
    let (even, odd) = (_mm512_shuffle_f64x2::<0x88>(a, b), _mm512_shuffle_f64x2::<0xdd>(a, b));
    _mm512_add_pd(even, odd)
}

impl Register for __m512 {
    type Scalar = f32;
    type Mask = __mmask16;

    #[inline(always)]
    unsafe fn first(count: usize) -> __mmask16 {
        ((1 << count) - 1) as __mmask16
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        _mm512_set1_ps(value)
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        _mm512_loadu_ps(from)
    }

    #[inline(always)]
    unsafe fn load_some(mask: __mmask16, from: *const f32) -> Self {
        _mm512_maskz_loadu_ps(mask, from)
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        _mm512_storeu_ps(to, self);
    }

    #[inline(always)]
    unsafe fn store_some(self, mask: __mmask16, to: *mut f32) {
        _mm512_mask_storeu_ps(to, mask, self);
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        _mm512_add_ps(self, other)
    }

    #[inline(always)]
    unsafe fn multiply(self, other: Self) -> Self {
        _mm512_mul_ps(self, other)
    }

    #[inline(always)]
    unsafe fn sums([a, b, c, d, e, f, g, h]: [Self; BATCH]) -> [f32; BATCH] {
        let aceg = add_quarters_f32(add_halves_f32(a, c), add_halves_f32(e, g));
        let bdfh = add_quarters_f32(add_halves_f32(b, d), add_halves_f32(f, h));
        let (aceg, bdfh) = (_mm512_castps_pd(aceg), _mm512_castps_pd(bdfh));
        let (lower, upper) = (_mm512_unpacklo_pd(aceg, bdfh), _mm512_unpackhi_pd(aceg, bdfh));
        let pairs = _mm512_add_ps(_mm512_castpd_ps(lower), _mm512_castpd_ps(upper));
        let sums = _mm512_add_ps(pairs, _mm512_permute_ps::<0b11_11_01_01>(pairs));
        std::mem::transmute(_mm512_cvtepi64_epi32(_mm512_castps_si512(sums)))
    }
}

/// As [`add_halves`].
#[inline(always)]
unsafe fn add_halves_f32(a: __m512, b: __m512) -> __m512 {
    let (lower, upper) = (_mm512_shuffle_f32x4::<0x44>(a, b), _mm512_shuffle_f32x4::<0xee>(a, b));
    _mm512_add_ps(lower, upper)
}

/// As [`add_quarters`].
#[inline(always)]
unsafe fn add_quarters_f32(a: __m512, b: __m512) -> __m512 {
    let (even, odd) = (_mm512_shuffle_f32x4::<0x88>(a, b), _mm512_shuffle_f32x4::<0xdd>(a, b));
    _mm512_add_ps(even, odd)
}

impl Register for __m256d {
    type Scalar = f64;
    type Mask = __m256i;

    #[inline(always)]
    unsafe fn first(count: usize) -> __m256i {
        _mm256_cmpgt_epi64(_mm256_set1_epi64x(count as i64), _mm256_setr_epi64x(0, 1, 2, 3))
    }

    #[inline(always)]
    unsafe fn splat(value: f64) -> Self {
        _mm256_set1_pd(value)
    }

    #[inline(always)]
    unsafe fn load(from: *const f64) -> Self {
        _mm256_loadu_pd(from)
    }

    #[inline(always)]
    unsafe fn load_some(mask: __m256i, from: *const f64) -> Self {
        _mm256_maskload_pd(from, mask)
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f64) {
        _mm256_storeu_pd(to, self);
    }

    #[inline(always)]
    unsafe fn store_some(self, mask: __m256i, to: *mut f64) {
        _mm256_maskstore_pd(to, mask, self);
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        _mm256_add_pd(self, other)
    }

    #[inline(always)]
    unsafe fn multiply(self, other: Self) -> Self {
        _mm256_mul_pd(self, other)
    }

    #[inline(always)]
    unsafe fn sums([a, b, c, d, e, f, g, h]: [Self; BATCH]) -> [f64; BATCH] {
        std::mem::transmute([sums_of_four([a, b, c, d]), sums_of_four([e, f, g, h])])
    }
}

#[inline(always)]
unsafe fn sums_of_four([a, b, c, d]: [__m256d; 4]) -> __m256d {
    let (ac, bd) = (add_halves_256(a, c), add_halves_256(b, d));
    _mm256_add_pd(_mm256_unpacklo_pd(ac, bd), _mm256_unpackhi_pd(ac, bd))
}

/// As [`add_halves`].
#[inline(always)]
unsafe fn add_halves_256(a: __m256d, b: __m256d) -> __m256d {
    let (lower, upper) =
        (_mm256_permute2f128_pd::<0x20>(a, b), _mm256_permute2f128_pd::<0x31>(a, b));
    _mm256_add_pd(lower, upper)
}

impl Register for __m256 {
    type Scalar = f32;
    type Mask = __m256i;

    #[inline(always)]
    unsafe fn first(count: usize) -> __m256i {
        let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        _mm256_cmpgt_epi32(_mm256_set1_epi32(count as i32), lanes)
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        _mm256_set1_ps(value)
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        _mm256_loadu_ps(from)
    }

    #[inline(always)]
    unsafe fn load_some(mask: __m256i, from: *const f32) -> Self {
        _mm256_maskload_ps(from, mask)
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        _mm256_storeu_ps(to, self);
    }

    #[inline(always)]
    unsafe fn store_some(self, mask: __m256i, to: *mut f32) {
        _mm256_maskstore_ps(to, mask, self);
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        _mm256_add_ps(self, other)
    }

    #[inline(always)]
    unsafe fn multiply(self, other: Self) -> Self {
        _mm256_mul_ps(self, other)
    }

    #[inline(always)]
    unsafe fn sums([a, b, c, d, e, f, g, h]: [Self; BATCH]) -> [f32; BATCH] {
        let (ae, bf) = (add_halves_256_f32(a, e), add_halves_256_f32(b, f));
        let (cg, dh) = (add_halves_256_f32(c, g), add_halves_256_f32(d, h));
        let (abef, cdgh) = (add_quarters_256(ae, bf), add_quarters_256(cg, dh));
        let even = _mm256_shuffle_ps::<0b10_00_10_00>(abef, cdgh);
        let odd = _mm256_shuffle_ps::<0b11_01_11_01>(abef, cdgh);
        std::mem::transmute(_mm256_add_ps(even, odd))
    }
}

/// As [`add_halves`].
#[inline(always)]
unsafe fn add_halves_256_f32(a: __m256, b: __m256) -> __m256 {
    let (lower, upper) =
        (_mm256_permute2f128_ps::<0x20>(a, b), _mm256_permute2f128_ps::<0x31>(a, b));
    _mm256_add_ps(lower, upper)
}

/// The lower pair plus the upper pair of each half of `a`, and of `b`.
#[inline(always)]
unsafe fn add_quarters_256(a: __m256, b: __m256) -> __m256 {
    let (lower, upper) = (_mm256_shuffle_ps::<0x44>(a, b), _mm256_shuffle_ps::<0xee>(a, b));
    _mm256_add_ps(lower, upper)
}

/// Two registers as one.
impl<R: Register> Register for [R; 2] {
    type Scalar = R::Scalar;
    type Mask = [R::Mask; 2];

    #[inline(always)]
    unsafe fn first(count: usize) -> [R::Mask; 2] {
        [R::first(count.min(R::LANES)), R::first(count.saturating_sub(R::LANES))]
    }

    #[inline(always)]
    unsafe fn splat(value: R::Scalar) -> Self {
        [R::splat(value); 2]
    }

    #[inline(always)]
    unsafe fn load(from: *const R::Scalar) -> Self {
        [R::load(from), R::load(from.add(R::LANES))]
    }

    #[inline(always)]
    unsafe fn load_some(mask: [R::Mask; 2], from: *const R::Scalar) -> Self {
        [R::load_some(mask[0], from), R::load_some(mask[1], from.wrapping_add(R::LANES))]
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut R::Scalar) {
        self[0].store(to);
        self[1].store(to.add(R::LANES));
    }

    #[inline(always)]
    unsafe fn store_some(self, mask: [R::Mask; 2], to: *mut R::Scalar) {
        self[0].store_some(mask[0], to);
        self[1].store_some(mask[1], to.wrapping_add(R::LANES));
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        [self[0].add(other[0]), self[1].add(other[1])]
    }

    #[inline(always)]
    unsafe fn multiply(self, other: Self) -> Self {
        [self[0].multiply(other[0]), self[1].multiply(other[1])]
    }

    #[inline(always)]
    unsafe fn sums(all: [Self; BATCH]) -> [R::Scalar; BATCH] {
        // Not with `map`: its closure would not be compiled for the instruction set.
        let mut joined = [all[0][0]; BATCH];
        for k in 0..BATCH {
            joined[k] = all[k][0].add(all[k][1]);
        }
        R::sums(joined)
    }
}
