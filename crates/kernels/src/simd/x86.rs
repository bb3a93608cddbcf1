//! AVX-512 and AVX2.
//!
//! The methods are called from functions that [`super::tiered!`] compiled for the tier, into which they are inlined: that
//! the machine has the instructions is what the `SAFETY` lines below rest on.

use super::lanes::{Lanes, WIDTH};
use std::arch::x86_64::*;

/// One register of 512 bits.
#[derive(Clone, Copy)]
pub(crate) struct Avx512(__m512);

/// Two registers of 256 bits.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(__m256, __m256);

/// Mask of the first `n` of 16 lanes.
#[inline(always)]
fn first(n: usize) -> u16 {
    if n >= WIDTH { u16::MAX } else { (1u16 << n) - 1 }
}

/// Mask of the first `n` of 8 lanes, as `maskload` wants it.
#[inline(always)]
fn first8(n: usize) -> __m256i {
    // SAFETY: the tier has the instructions.
    unsafe { _mm256_cmpgt_epi32(_mm256_set1_epi32(n.min(8) as i32), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)) }
}

impl Lanes for Avx512 {
    const REGISTERS: usize = 1;
    const BUDGET: usize = 32;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        // SAFETY: the tier has the instructions.
        Avx512(unsafe { _mm512_set1_ps(x) })
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's contract.
        Avx512(unsafe { _mm512_loadu_ps(from) })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller's contract.
        unsafe { _mm512_storeu_ps(to, self.0) }
    }
    #[inline(always)]
    unsafe fn load_part(from: *const f32, n: usize) -> Self {
        // SAFETY: the caller's contract; masked lanes are not touched.
        Avx512(unsafe { _mm512_maskz_loadu_ps(first(n), from) })
    }
    #[inline(always)]
    unsafe fn store_part(self, to: *mut f32, n: usize) {
        // SAFETY: the caller's contract; masked lanes are not touched.
        unsafe { _mm512_mask_storeu_ps(to, first(n), self.0) }
    }
    #[inline(always)]
    fn add(self, b: Self) -> Self {
        // SAFETY: the tier has the instructions.
        Avx512(unsafe { _mm512_add_ps(self.0, b.0) })
    }
    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        // SAFETY: the tier has the instructions.
        Avx512(unsafe { _mm512_sub_ps(self.0, b.0) })
    }
    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        // SAFETY: the tier has the instructions.
        Avx512(unsafe { _mm512_mul_ps(self.0, b.0) })
    }
    #[inline(always)]
    fn div(self, b: Self) -> Self {
        // SAFETY: the tier has the instructions.
        Avx512(unsafe { _mm512_div_ps(self.0, b.0) })
    }
    #[inline(always)]
    fn max(self, b: Self) -> Self {
        // SAFETY: the tier has the instructions.
        Avx512(unsafe { _mm512_max_ps(self.0, b.0) })
    }
    #[inline(always)]
    fn min(self, b: Self) -> Self {
        // SAFETY: the tier has the instructions.
        Avx512(unsafe { _mm512_min_ps(self.0, b.0) })
    }
    #[inline(always)]
    fn mul_add(self, a: Self, b: Self) -> Self {
        // SAFETY: the tier has the instructions.
        Avx512(unsafe { _mm512_fmadd_ps(self.0, a.0, b.0) })
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        // SAFETY: the tier has the instructions.
        Avx512(unsafe { _mm512_sqrt_ps(self.0) })
    }
    #[inline(always)]
    fn abs(self) -> Self {
        // SAFETY: the tier has the instructions.
        Avx512(unsafe { _mm512_abs_ps(self.0) })
    }
    #[inline(always)]
    fn round(self) -> Self {
        // SAFETY: the tier has the instructions.
        Avx512(unsafe { _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(self.0) })
    }
    #[inline(always)]
    fn floor(self) -> Self {
        // SAFETY: the tier has the instructions.
        Avx512(unsafe { _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC }>(self.0) })
    }
    #[inline(always)]
    fn scale_by_power(self, n: Self) -> Self {
        // SAFETY: the tier has the instructions.
        Avx512(unsafe { _mm512_scalef_ps(self.0, n.0) })
    }
    #[inline(always)]
    fn scale_by_any_power(self, n: Self) -> Self {
        self.scale_by_power(n)
    }
    #[inline(always)]
    fn if_less(self, b: Self, then: Self, other: Self) -> Self {
        // SAFETY: the tier has the instructions.
        Avx512(unsafe { _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_LT_OQ>(self.0, b.0), other.0, then.0) })
    }
    #[inline(always)]
    fn if_equal(self, b: Self, then: Self, other: Self) -> Self {
        // SAFETY: the tier has the instructions.
        Avx512(unsafe { _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_EQ_OQ>(self.0, b.0), other.0, then.0) })
    }
    #[inline(always)]
    fn if_nan(self, then: Self, other: Self) -> Self {
        // SAFETY: the tier has the instructions.
        Avx512(unsafe { _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_UNORD_Q>(self.0, self.0), other.0, then.0) })
    }
    #[inline(always)]
    fn bit_and(self, mask: u32) -> Self {
        // SAFETY: the tier has the instructions.
        Avx512(unsafe { _mm512_and_ps(self.0, _mm512_castsi512_ps(_mm512_set1_epi32(mask as i32))) })
    }
    #[inline(always)]
    fn bit_or(self, mask: u32) -> Self {
        // SAFETY: the tier has the instructions.
        Avx512(unsafe { _mm512_or_ps(self.0, _mm512_castsi512_ps(_mm512_set1_epi32(mask as i32))) })
    }
    #[inline(always)]
    fn with_sign_of(self, b: Self) -> Self {
        // SAFETY: the tier has the instructions.
        Avx512(unsafe {
            let sign = _mm512_castsi512_ps(_mm512_set1_epi32(i32::MIN));
            _mm512_or_ps(_mm512_andnot_ps(sign, self.0), _mm512_and_ps(sign, b.0))
        })
    }
    #[inline(always)]
    fn exponent(self) -> Self {
        // SAFETY: the tier has the instructions.
        Avx512(unsafe { _mm512_getexp_ps(self.0) })
    }
    #[inline(always)]
    fn transposed(mut rows: [Self; WIDTH]) -> [Self; WIDTH] {
        // Lanes change places within quarters first, then whole quarters do.
        for base in (0..WIDTH).step_by(4) {
            let [a, b, c, d] = [0, 1, 2, 3].map(|i| rows[base + i].0);
            // SAFETY: the tier has the instructions.
            let quads = unsafe { quarters512(a, b, c, d) };
            (0..4).for_each(|i| rows[base + i].0 = quads[i]);
        }
        let mut out = rows;
        for i in 0..4 {
            let [a, b, c, d] = [0, 4, 8, 12].map(|base| rows[base + i].0);
            // SAFETY: the tier has the instructions.
            unsafe {
                let (ab, cd) = (_mm512_shuffle_f32x4::<0x88>(a, b), _mm512_shuffle_f32x4::<0x88>(c, d));
                out[i].0 = _mm512_shuffle_f32x4::<0x88>(ab, cd);
                out[i + 8].0 = _mm512_shuffle_f32x4::<0xdd>(ab, cd);
                let (ab, cd) = (_mm512_shuffle_f32x4::<0xdd>(a, b), _mm512_shuffle_f32x4::<0xdd>(c, d));
                out[i + 4].0 = _mm512_shuffle_f32x4::<0x88>(ab, cd);
                out[i + 12].0 = _mm512_shuffle_f32x4::<0xdd>(ab, cd);
            }
        }
        out
    }
}

/// Transposes the 4 by 4 matrices that the quarters of four registers are.
///
/// # Safety
/// The machine must have the instructions.
#[inline(always)]
unsafe fn quarters512(a: __m512, b: __m512, c: __m512, d: __m512) -> [__m512; 4] {
    // SAFETY: the caller's contract.
    unsafe {
        let pair = |x, y| (_mm512_castps_pd(x), _mm512_castps_pd(y));
        let (ab, cd) = pair(_mm512_unpacklo_ps(a, b), _mm512_unpacklo_ps(c, d));
        let (ef, gh) = pair(_mm512_unpackhi_ps(a, b), _mm512_unpackhi_ps(c, d));
        let all = [
            _mm512_unpacklo_pd(ab, cd),
            _mm512_unpackhi_pd(ab, cd),
            _mm512_unpacklo_pd(ef, gh),
            _mm512_unpackhi_pd(ef, gh),
        ];
        all.map(|x| _mm512_castpd_ps(x))
    }
}

/// Transposes an 8 by 8 matrix.
///
/// # Safety
/// The machine must have the instructions.
#[inline(always)]
unsafe fn transposed8(rows: [__m256; 8]) -> [__m256; 8] {
    let mut halves = rows;
    let mut out = rows;
    // SAFETY: the caller's contract.
    unsafe {
        for base in [0, 4] {
            let [a, b, c, d] = [0, 1, 2, 3].map(|i| rows[base + i]);
            let pair = |x, y| (_mm256_castps_pd(x), _mm256_castps_pd(y));
            let (ab, cd) = pair(_mm256_unpacklo_ps(a, b), _mm256_unpacklo_ps(c, d));
            let (ef, gh) = pair(_mm256_unpackhi_ps(a, b), _mm256_unpackhi_ps(c, d));
            halves[base] = _mm256_castpd_ps(_mm256_unpacklo_pd(ab, cd));
            halves[base + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(ab, cd));
            halves[base + 2] = _mm256_castpd_ps(_mm256_unpacklo_pd(ef, gh));
            halves[base + 3] = _mm256_castpd_ps(_mm256_unpackhi_pd(ef, gh));
        }
        for i in 0..4 {
            out[i] = _mm256_permute2f128_ps::<0x20>(halves[i], halves[i + 4]);
            out[i + 4] = _mm256_permute2f128_ps::<0x31>(halves[i], halves[i + 4]);
        }
    }
    out
}

impl Lanes for Avx2 {
    const REGISTERS: usize = 2;
    const BUDGET: usize = 16;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        // SAFETY: the tier has the instructions.
        let x = unsafe { _mm256_set1_ps(x) };
        Avx2(x, x)
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's contract.
        unsafe { Avx2(_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller's contract.
        unsafe {
            _mm256_storeu_ps(to, self.0);
            _mm256_storeu_ps(to.add(8), self.1);
        }
    }
    #[inline(always)]
    unsafe fn load_part(from: *const f32, n: usize) -> Self {
        // SAFETY: the caller's contract; masked lanes are not touched.
        unsafe {
            let low = _mm256_maskload_ps(from, first8(n));
            Avx2(low, _mm256_maskload_ps(from.wrapping_add(8), first8(n.saturating_sub(8))))
        }
    }
    #[inline(always)]
    unsafe fn store_part(self, to: *mut f32, n: usize) {
        // SAFETY: the caller's contract; masked lanes are not touched.
        unsafe {
            _mm256_maskstore_ps(to, first8(n), self.0);
            _mm256_maskstore_ps(to.wrapping_add(8), first8(n.saturating_sub(8)), self.1);
        }
    }
    #[inline(always)]
    fn add(self, b: Self) -> Self {
        // SAFETY: the tier has the instructions.
        unsafe { Avx2(_mm256_add_ps(self.0, b.0), _mm256_add_ps(self.1, b.1)) }
    }
    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        // SAFETY: the tier has the instructions.
        unsafe { Avx2(_mm256_sub_ps(self.0, b.0), _mm256_sub_ps(self.1, b.1)) }
    }
    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        // SAFETY: the tier has the instructions.
        unsafe { Avx2(_mm256_mul_ps(self.0, b.0), _mm256_mul_ps(self.1, b.1)) }
    }
    #[inline(always)]
    fn div(self, b: Self) -> Self {
        // SAFETY: the tier has the instructions.
        unsafe { Avx2(_mm256_div_ps(self.0, b.0), _mm256_div_ps(self.1, b.1)) }
    }
    #[inline(always)]
    fn max(self, b: Self) -> Self {
        // SAFETY: the tier has the instructions.
        unsafe { Avx2(_mm256_max_ps(self.0, b.0), _mm256_max_ps(self.1, b.1)) }
    }
    #[inline(always)]
    fn min(self, b: Self) -> Self {
        // SAFETY: the tier has the instructions.
        unsafe { Avx2(_mm256_min_ps(self.0, b.0), _mm256_min_ps(self.1, b.1)) }
    }
    #[inline(always)]
    fn mul_add(self, a: Self, b: Self) -> Self {
        // SAFETY: the tier has the instructions.
        unsafe { Avx2(_mm256_fmadd_ps(self.0, a.0, b.0), _mm256_fmadd_ps(self.1, a.1, b.1)) }
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        // SAFETY: the tier has the instructions.
        unsafe { Avx2(_mm256_sqrt_ps(self.0), _mm256_sqrt_ps(self.1)) }
    }
    #[inline(always)]
    fn abs(self) -> Self {
        self.bit_and(0x7fff_ffff)
    }
    #[inline(always)]
    fn round(self) -> Self {
        // SAFETY: the tier has the instructions.
        unsafe {
            Avx2(
                _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(self.0),
                _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(self.1),
            )
        }
    }
    #[inline(always)]
    fn floor(self) -> Self {
        // SAFETY: the tier has the instructions.
        unsafe {
            Avx2(
                _mm256_round_ps::<{ _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC }>(self.0),
                _mm256_round_ps::<{ _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC }>(self.1),
            )
        }
    }
    #[inline(always)]
    fn scale_by_power(self, n: Self) -> Self {
        // SAFETY: the tier has the instructions.
        let power = |n: __m256| unsafe {
            let biased = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
            _mm256_castsi256_ps(_mm256_slli_epi32::<23>(biased))
        };
        self.mul(Avx2(power(n.0), power(n.1)))
    }
    #[inline(always)]
    fn if_less(self, b: Self, then: Self, other: Self) -> Self {
        // SAFETY: the tier has the instructions.
        unsafe {
            Avx2(
                _mm256_blendv_ps(other.0, then.0, _mm256_cmp_ps::<_CMP_LT_OQ>(self.0, b.0)),
                _mm256_blendv_ps(other.1, then.1, _mm256_cmp_ps::<_CMP_LT_OQ>(self.1, b.1)),
            )
        }
    }
    #[inline(always)]
    fn if_equal(self, b: Self, then: Self, other: Self) -> Self {
        // SAFETY: the tier has the instructions.
        unsafe {
            Avx2(
                _mm256_blendv_ps(other.0, then.0, _mm256_cmp_ps::<_CMP_EQ_OQ>(self.0, b.0)),
                _mm256_blendv_ps(other.1, then.1, _mm256_cmp_ps::<_CMP_EQ_OQ>(self.1, b.1)),
            )
        }
    }
    #[inline(always)]
    fn if_nan(self, then: Self, other: Self) -> Self {
        // SAFETY: the tier has the instructions.
        unsafe {
            Avx2(
                _mm256_blendv_ps(other.0, then.0, _mm256_cmp_ps::<_CMP_UNORD_Q>(self.0, self.0)),
                _mm256_blendv_ps(other.1, then.1, _mm256_cmp_ps::<_CMP_UNORD_Q>(self.1, self.1)),
            )
        }
    }
    #[inline(always)]
    fn bit_and(self, mask: u32) -> Self {
        // SAFETY: the tier has the instructions.
        unsafe {
            Avx2(
                _mm256_and_ps(self.0, _mm256_castsi256_ps(_mm256_set1_epi32(mask as i32))),
                _mm256_and_ps(self.1, _mm256_castsi256_ps(_mm256_set1_epi32(mask as i32))),
            )
        }
    }
    #[inline(always)]
    fn bit_or(self, mask: u32) -> Self {
        // SAFETY: the tier has the instructions.
        unsafe {
            Avx2(
                _mm256_or_ps(self.0, _mm256_castsi256_ps(_mm256_set1_epi32(mask as i32))),
                _mm256_or_ps(self.1, _mm256_castsi256_ps(_mm256_set1_epi32(mask as i32))),
            )
        }
    }
    #[inline(always)]
    fn with_sign_of(self, b: Self) -> Self {
        // SAFETY: the tier has the instructions.
        unsafe {
            let sign = _mm256_castsi256_ps(_mm256_set1_epi32(i32::MIN));
            Avx2(
                _mm256_or_ps(_mm256_andnot_ps(sign, self.0), _mm256_and_ps(sign, b.0)),
                _mm256_or_ps(_mm256_andnot_ps(sign, self.1), _mm256_and_ps(sign, b.1)),
            )
        }
    }
    #[inline(always)]
    fn exponent(self) -> Self {
        // SAFETY: the tier has the instructions.
        let of = |x: __m256| unsafe {
            let biased = _mm256_srli_epi32::<23>(_mm256_castps_si256(x));
            _mm256_cvtepi32_ps(_mm256_sub_epi32(biased, _mm256_set1_epi32(127)))
        };
        Avx2(of(self.0), of(self.1))
    }
    #[inline(always)]
    fn transposed(rows: [Self; WIDTH]) -> [Self; WIDTH] {
        let mut out = rows;
        // SAFETY: the tier has the instructions.
        unsafe {
            let (low, high) = (std::array::from_fn(|i| rows[i].0), std::array::from_fn(|i| rows[i].1));
            let (below_low, below_high) =
                (std::array::from_fn(|i| rows[i + 8].0), std::array::from_fn(|i| rows[i + 8].1));
            let (a, b, c, d) = (transposed8(low), transposed8(below_low), transposed8(high), transposed8(below_high));
            for i in 0..8 {
                out[i] = Avx2(a[i], b[i]);
                out[i + 8] = Avx2(c[i], d[i]);
            }
        }
        out
    }
}
