//! NEON: four registers of 128 bits. Every 64-bit ARM has it.

use super::lanes::{Lanes, WIDTH};
use std::arch::aarch64::*;

/// Four registers of 128 bits.
#[derive(Clone, Copy)]
pub(crate) struct Neon([float32x4_t; 4]);

impl Lanes for Neon {
    const REGISTERS: usize = 4;
    const BUDGET: usize = 32;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        // SAFETY: every 64-bit ARM has the instructions.
        Neon([unsafe { vdupq_n_f32(x) }; 4])
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's contract.
        unsafe { Neon([vld1q_f32(from), vld1q_f32(from.add(4)), vld1q_f32(from.add(8)), vld1q_f32(from.add(12))]) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller's contract.
        unsafe { (0..4).for_each(|k| vst1q_f32(to.add(4 * k), self.0[k])) }
    }
    #[inline(always)]
    unsafe fn load_part(from: *const f32, n: usize) -> Self {
        let mut out = [0.0; WIDTH];
        // SAFETY: the caller's contract, and the array has room for 16.
        unsafe {
            std::ptr::copy_nonoverlapping(from, out.as_mut_ptr(), n.min(WIDTH));
            Self::load(out.as_ptr())
        }
    }
    #[inline(always)]
    unsafe fn store_part(self, to: *mut f32, n: usize) {
        // SAFETY: the caller's contract, and the array has 16.
        unsafe { std::ptr::copy_nonoverlapping(self.to_array().as_ptr(), to, n.min(WIDTH)) }
    }
    #[inline(always)]
    fn add(self, b: Self) -> Self {
        // SAFETY: every 64-bit ARM has the instructions.
        unsafe {
            Neon([
                vaddq_f32(self.0[0], b.0[0]),
                vaddq_f32(self.0[1], b.0[1]),
                vaddq_f32(self.0[2], b.0[2]),
                vaddq_f32(self.0[3], b.0[3]),
            ])
        }
    }
    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        // SAFETY: every 64-bit ARM has the instructions.
        unsafe {
            Neon([
                vsubq_f32(self.0[0], b.0[0]),
                vsubq_f32(self.0[1], b.0[1]),
                vsubq_f32(self.0[2], b.0[2]),
                vsubq_f32(self.0[3], b.0[3]),
            ])
        }
    }
    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        // SAFETY: every 64-bit ARM has the instructions.
        unsafe {
            Neon([
                vmulq_f32(self.0[0], b.0[0]),
                vmulq_f32(self.0[1], b.0[1]),
                vmulq_f32(self.0[2], b.0[2]),
                vmulq_f32(self.0[3], b.0[3]),
            ])
        }
    }
    #[inline(always)]
    fn div(self, b: Self) -> Self {
        // SAFETY: every 64-bit ARM has the instructions.
        unsafe {
            Neon([
                vdivq_f32(self.0[0], b.0[0]),
                vdivq_f32(self.0[1], b.0[1]),
                vdivq_f32(self.0[2], b.0[2]),
                vdivq_f32(self.0[3], b.0[3]),
            ])
        }
    }
    #[inline(always)]
    fn mul_add(self, a: Self, b: Self) -> Self {
        // SAFETY: every 64-bit ARM has the instructions.
        unsafe {
            Neon([
                vfmaq_f32(b.0[0], self.0[0], a.0[0]),
                vfmaq_f32(b.0[1], self.0[1], a.0[1]),
                vfmaq_f32(b.0[2], self.0[2], a.0[2]),
                vfmaq_f32(b.0[3], self.0[3], a.0[3]),
            ])
        }
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        // SAFETY: every 64-bit ARM has the instructions.
        unsafe { Neon([vsqrtq_f32(self.0[0]), vsqrtq_f32(self.0[1]), vsqrtq_f32(self.0[2]), vsqrtq_f32(self.0[3])]) }
    }
    #[inline(always)]
    fn abs(self) -> Self {
        // SAFETY: every 64-bit ARM has the instructions.
        unsafe { Neon([vabsq_f32(self.0[0]), vabsq_f32(self.0[1]), vabsq_f32(self.0[2]), vabsq_f32(self.0[3])]) }
    }
    #[inline(always)]
    fn round(self) -> Self {
        // SAFETY: every 64-bit ARM has the instructions.
        unsafe { Neon([vrndnq_f32(self.0[0]), vrndnq_f32(self.0[1]), vrndnq_f32(self.0[2]), vrndnq_f32(self.0[3])]) }
    }
    #[inline(always)]
    fn floor(self) -> Self {
        // SAFETY: every 64-bit ARM has the instructions.
        unsafe { Neon([vrndmq_f32(self.0[0]), vrndmq_f32(self.0[1]), vrndmq_f32(self.0[2]), vrndmq_f32(self.0[3])]) }
    }
    #[inline(always)]
    fn max(self, b: Self) -> Self {
        // SAFETY: every 64-bit ARM has the instructions.
        unsafe {
            Neon([
                vbslq_f32(vcgtq_f32(self.0[0], b.0[0]), self.0[0], b.0[0]),
                vbslq_f32(vcgtq_f32(self.0[1], b.0[1]), self.0[1], b.0[1]),
                vbslq_f32(vcgtq_f32(self.0[2], b.0[2]), self.0[2], b.0[2]),
                vbslq_f32(vcgtq_f32(self.0[3], b.0[3]), self.0[3], b.0[3]),
            ])
        }
    }
    #[inline(always)]
    fn min(self, b: Self) -> Self {
        // SAFETY: every 64-bit ARM has the instructions.
        unsafe {
            Neon([
                vbslq_f32(vcltq_f32(self.0[0], b.0[0]), self.0[0], b.0[0]),
                vbslq_f32(vcltq_f32(self.0[1], b.0[1]), self.0[1], b.0[1]),
                vbslq_f32(vcltq_f32(self.0[2], b.0[2]), self.0[2], b.0[2]),
                vbslq_f32(vcltq_f32(self.0[3], b.0[3]), self.0[3], b.0[3]),
            ])
        }
    }
    #[inline(always)]
    fn scale_by_power(self, n: Self) -> Self {
        // SAFETY: every 64-bit ARM has the instructions.
        unsafe {
            Neon([
                vmulq_f32(
                    self.0[0],
                    vreinterpretq_f32_s32(vshlq_n_s32::<23>(vaddq_s32(vcvtq_s32_f32(n.0[0]), vdupq_n_s32(127)))),
                ),
                vmulq_f32(
                    self.0[1],
                    vreinterpretq_f32_s32(vshlq_n_s32::<23>(vaddq_s32(vcvtq_s32_f32(n.0[1]), vdupq_n_s32(127)))),
                ),
                vmulq_f32(
                    self.0[2],
                    vreinterpretq_f32_s32(vshlq_n_s32::<23>(vaddq_s32(vcvtq_s32_f32(n.0[2]), vdupq_n_s32(127)))),
                ),
                vmulq_f32(
                    self.0[3],
                    vreinterpretq_f32_s32(vshlq_n_s32::<23>(vaddq_s32(vcvtq_s32_f32(n.0[3]), vdupq_n_s32(127)))),
                ),
            ])
        }
    }
    #[inline(always)]
    fn if_less(self, b: Self, then: Self, other: Self) -> Self {
        // SAFETY: every 64-bit ARM has the instructions.
        unsafe {
            Neon([
                vbslq_f32(vcltq_f32(self.0[0], b.0[0]), then.0[0], other.0[0]),
                vbslq_f32(vcltq_f32(self.0[1], b.0[1]), then.0[1], other.0[1]),
                vbslq_f32(vcltq_f32(self.0[2], b.0[2]), then.0[2], other.0[2]),
                vbslq_f32(vcltq_f32(self.0[3], b.0[3]), then.0[3], other.0[3]),
            ])
        }
    }
    #[inline(always)]
    fn if_equal(self, b: Self, then: Self, other: Self) -> Self {
        // SAFETY: every 64-bit ARM has the instructions.
        unsafe {
            Neon([
                vbslq_f32(vceqq_f32(self.0[0], b.0[0]), then.0[0], other.0[0]),
                vbslq_f32(vceqq_f32(self.0[1], b.0[1]), then.0[1], other.0[1]),
                vbslq_f32(vceqq_f32(self.0[2], b.0[2]), then.0[2], other.0[2]),
                vbslq_f32(vceqq_f32(self.0[3], b.0[3]), then.0[3], other.0[3]),
            ])
        }
    }
    #[inline(always)]
    fn if_nan(self, then: Self, other: Self) -> Self {
        // SAFETY: every 64-bit ARM has the instructions.
        unsafe {
            Neon([
                vbslq_f32(vceqq_f32(self.0[0], self.0[0]), other.0[0], then.0[0]),
                vbslq_f32(vceqq_f32(self.0[1], self.0[1]), other.0[1], then.0[1]),
                vbslq_f32(vceqq_f32(self.0[2], self.0[2]), other.0[2], then.0[2]),
                vbslq_f32(vceqq_f32(self.0[3], self.0[3]), other.0[3], then.0[3]),
            ])
        }
    }
    #[inline(always)]
    fn bit_and(self, mask: u32) -> Self {
        // SAFETY: every 64-bit ARM has the instructions.
        unsafe {
            Neon([
                vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(self.0[0]), vdupq_n_u32(mask))),
                vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(self.0[1]), vdupq_n_u32(mask))),
                vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(self.0[2]), vdupq_n_u32(mask))),
                vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(self.0[3]), vdupq_n_u32(mask))),
            ])
        }
    }
    #[inline(always)]
    fn bit_or(self, mask: u32) -> Self {
        // SAFETY: every 64-bit ARM has the instructions.
        unsafe {
            Neon([
                vreinterpretq_f32_u32(vorrq_u32(vreinterpretq_u32_f32(self.0[0]), vdupq_n_u32(mask))),
                vreinterpretq_f32_u32(vorrq_u32(vreinterpretq_u32_f32(self.0[1]), vdupq_n_u32(mask))),
                vreinterpretq_f32_u32(vorrq_u32(vreinterpretq_u32_f32(self.0[2]), vdupq_n_u32(mask))),
                vreinterpretq_f32_u32(vorrq_u32(vreinterpretq_u32_f32(self.0[3]), vdupq_n_u32(mask))),
            ])
        }
    }
    #[inline(always)]
    fn with_sign_of(self, b: Self) -> Self {
        // SAFETY: every 64-bit ARM has the instructions.
        unsafe {
            Neon([
                vbslq_f32(vdupq_n_u32(0x8000_0000), b.0[0], self.0[0]),
                vbslq_f32(vdupq_n_u32(0x8000_0000), b.0[1], self.0[1]),
                vbslq_f32(vdupq_n_u32(0x8000_0000), b.0[2], self.0[2]),
                vbslq_f32(vdupq_n_u32(0x8000_0000), b.0[3], self.0[3]),
            ])
        }
    }
    #[inline(always)]
    fn exponent(self) -> Self {
        // SAFETY: every 64-bit ARM has the instructions.
        unsafe {
            Neon([
                vcvtq_f32_s32(vsubq_s32(
                    vreinterpretq_s32_u32(vshrq_n_u32::<23>(vreinterpretq_u32_f32(self.0[0]))),
                    vdupq_n_s32(127),
                )),
                vcvtq_f32_s32(vsubq_s32(
                    vreinterpretq_s32_u32(vshrq_n_u32::<23>(vreinterpretq_u32_f32(self.0[1]))),
                    vdupq_n_s32(127),
                )),
                vcvtq_f32_s32(vsubq_s32(
                    vreinterpretq_s32_u32(vshrq_n_u32::<23>(vreinterpretq_u32_f32(self.0[2]))),
                    vdupq_n_s32(127),
                )),
                vcvtq_f32_s32(vsubq_s32(
                    vreinterpretq_s32_u32(vshrq_n_u32::<23>(vreinterpretq_u32_f32(self.0[3]))),
                    vdupq_n_s32(127),
                )),
            ])
        }
    }
}
