//! Vectors as plain arrays, which the compiler lays over whatever registers there are.

use super::lanes::{Lanes, WIDTH};

/// 16 numbers in an array.
#[derive(Clone, Copy)]
#[repr(align(16))]
pub(crate) struct Portable([f32; WIDTH]);

#[inline(always)]
fn map(a: Portable, f: impl Fn(f32) -> f32) -> Portable {
    let mut out = a.0;
    out.iter_mut().for_each(|x| *x = f(*x));
    Portable(out)
}

#[inline(always)]
fn zip(a: Portable, b: Portable, f: impl Fn(f32, f32) -> f32) -> Portable {
    let mut out = a.0;
    out.iter_mut().zip(b.0).for_each(|(x, y)| *x = f(*x, y));
    Portable(out)
}

#[inline(always)]
fn choose(which: impl Fn(usize) -> bool, then: Portable, other: Portable) -> Portable {
    let mut out = other.0;
    out.iter_mut().enumerate().for_each(|(i, x)| *x = if which(i) { then.0[i] } else { *x });
    Portable(out)
}

impl Lanes for Portable {
    const REGISTERS: usize = 4;
    const BUDGET: usize = 16;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        Portable([x; WIDTH])
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's contract.
        Portable(unsafe { from.cast::<[f32; WIDTH]>().read_unaligned() })
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller's contract.
        unsafe { to.cast::<[f32; WIDTH]>().write_unaligned(self.0) }
    }
    #[inline(always)]
    unsafe fn load_part(from: *const f32, n: usize) -> Self {
        let mut out = [0.0; WIDTH];
        // SAFETY: the caller's contract, and the array has room for 16.
        unsafe { std::ptr::copy_nonoverlapping(from, out.as_mut_ptr(), n.min(WIDTH)) };
        Portable(out)
    }
    #[inline(always)]
    unsafe fn store_part(self, to: *mut f32, n: usize) {
        // SAFETY: the caller's contract, and the array has 16.
        unsafe { std::ptr::copy_nonoverlapping(self.0.as_ptr(), to, n.min(WIDTH)) };
    }
    #[inline(always)]
    fn add(self, b: Self) -> Self {
        zip(self, b, |x, y| x + y)
    }
    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        zip(self, b, |x, y| x - y)
    }
    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        zip(self, b, |x, y| x * y)
    }
    #[inline(always)]
    fn div(self, b: Self) -> Self {
        zip(self, b, |x, y| x / y)
    }
    #[inline(always)]
    fn mul_add(self, a: Self, b: Self) -> Self {
        self.mul(a).add(b)
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        map(self, f32::sqrt)
    }
    #[inline(always)]
    fn abs(self) -> Self {
        map(self, f32::abs)
    }
    #[inline(always)]
    fn max(self, b: Self) -> Self {
        zip(self, b, |x, y| if x > y { x } else { y })
    }
    #[inline(always)]
    fn min(self, b: Self) -> Self {
        zip(self, b, |x, y| if x < y { x } else { y })
    }
    #[inline(always)]
    fn round(self) -> Self {
        map(self, f32::round_ties_even)
    }
    #[inline(always)]
    fn floor(self) -> Self {
        map(self, f32::floor)
    }
    #[inline(always)]
    fn scale_by_power(self, n: Self) -> Self {
        zip(self, n, |x, n| x * f32::from_bits(((n as i32 + 127) as u32) << 23))
    }
    #[inline(always)]
    fn if_less(self, b: Self, then: Self, other: Self) -> Self {
        choose(|i| self.0[i] < b.0[i], then, other)
    }
    #[inline(always)]
    fn if_equal(self, b: Self, then: Self, other: Self) -> Self {
        choose(|i| self.0[i] == b.0[i], then, other)
    }
    #[inline(always)]
    fn if_nan(self, then: Self, other: Self) -> Self {
        choose(|i| self.0[i].is_nan(), then, other)
    }
    #[inline(always)]
    fn bit_and(self, mask: u32) -> Self {
        map(self, |x| f32::from_bits(x.to_bits() & mask))
    }
    #[inline(always)]
    fn bit_or(self, mask: u32) -> Self {
        map(self, |x| f32::from_bits(x.to_bits() | mask))
    }
    #[inline(always)]
    fn with_sign_of(self, b: Self) -> Self {
        zip(self, b, f32::copysign)
    }
    #[inline(always)]
    fn exponent(self) -> Self {
        map(self, |x| ((x.to_bits() >> 23) as i32 - 127) as f32)
    }
}
