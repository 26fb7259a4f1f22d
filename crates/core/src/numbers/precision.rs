//! The constants and the vector registers of the two precisions.

#[cfg(target_arch = "x86_64")]
use crate::numbers::registers::Register;

/// The constants and the vector registers of a precision.
pub trait Precision: Copy + 'static {
    /// 1.5 · 2^(mantissa bits): adding and subtracting it rounds to an integer.
    const ROUNDER: Self;
    /// From here down, `e^x` is 0; the smallest subnormal lies above.
    const LOWEST_EXPONENT: Self;
    /// From here up, `e^x` is a normal number.
    const LOWEST_NORMAL_EXPONENT: Self;
    /// The leading bits of ln 2, few enough that its products with exponents are exact.
    const LN_2_HIGH: Self;
    /// The rest of ln 2.
    const LN_2_LOW: Self;
    /// Coefficients for `e^r`, highest first.
    const EXP: &'static [Self];
    /// Coefficients for `(atanh(w)/w - 1) / w²`, highest first.
    const ATANH: &'static [Self];

    /// A register of AVX-512.
    #[cfg(target_arch = "x86_64")]
    type Avx512: Register<Scalar = Self>;
    /// A register of AVX2, half as wide.
    #[cfg(target_arch = "x86_64")]
    type Avx2: Register<Scalar = Self>;

    /// `2^k`, given `k + ROUNDER` for an exponent `k` of the normal range.
    fn power_of_two(k_rounded: Self) -> Self;
}

impl Precision for f64 {
    #[cfg(target_arch = "x86_64")]
    type Avx512 = std::arch::x86_64::__m512d;
    #[cfg(target_arch = "x86_64")]
    type Avx2 = std::arch::x86_64::__m256d;

    const ROUNDER: f64 = 6_755_399_441_055_744.0;
    const LOWEST_EXPONENT: f64 = -760.0;
    const LOWEST_NORMAL_EXPONENT: f64 = -708.0;
    const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
    const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    const EXP: &'static [f64] = &[
        2.511_004_920_481_865_8e-8,
        2.763_265_472_252_779e-7,
        2.755_724_088_722_987e-6,
        2.480_148_544_156_131_3e-5,
        0.000_198_412_698_900_764_03,
        0.001_388_888_895_235_286_3,
        0.008_333_333_333_319_589,
        0.041_666_666_666_487_95,
        0.166_666_666_666_666_8,
        0.500_000_000_000_001_9,
        1.0,
        1.0,
    ];
    const ATANH: &'static [f64] = &[
        0.073_096_717_267_563_07,
        0.076_657_436_179_328_67,
        0.090_914_480_917_415_43,
        0.111_111_055_189_082_94,
        0.142_857_143_132_851_03,
        0.199_999_999_999_490_95,
        0.333_333_333_333_333_5,
    ];

    #[inline(always)]
    fn power_of_two(k_rounded: f64) -> f64 {
        f64::from_bits(k_rounded.to_bits().wrapping_add(1023) << 52)
    }
}

impl Precision for f32 {
    #[cfg(target_arch = "x86_64")]
    type Avx512 = std::arch::x86_64::__m512;
    #[cfg(target_arch = "x86_64")]
    type Avx2 = std::arch::x86_64::__m256;

    const ROUNDER: f32 = 12_582_912.0;
    const LOWEST_EXPONENT: f32 = -110.0;
    const LOWEST_NORMAL_EXPONENT: f32 = -87.0;
    const LN_2_HIGH: f32 = 0.693_115_23;
    const LN_2_LOW: f32 = 3.194_618_3e-5;
    const EXP: &'static [f32] =
        &[0.001_394_111_9, 0.008_375_134, 0.041_666_35, 0.166_664_15, 0.5, 1.0, 1.0];
    const ATANH: &'static [f32] = &[0.116_664_566, 0.142_753_66, 0.200_000_61, 0.333_333_34];

    #[inline(always)]
    fn power_of_two(k_rounded: f32) -> f32 {
        f32::from_bits(k_rounded.to_bits().wrapping_add(127) << 23)
    }
}
