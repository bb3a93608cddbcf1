//! The arithmetic of gates, on 16 numbers of single precision or on one of double precision.

use crate::simd::{Lanes, functions};

/// Numbers that are computed together.
pub(super) trait Arith: Copy {
    /// The type in memory.
    type Elem: Copy;
    /// Numbers in one value.
    const WIDTH: usize;

    /// The `n <= WIDTH` numbers at `from`.
    ///
    /// # Safety
    /// They must be good for reads.
    unsafe fn get(from: *const Self::Elem, n: usize) -> Self;
    /// Stores the first `n <= WIDTH` numbers at `to`.
    ///
    /// # Safety
    /// They must be good for writes.
    unsafe fn put(self, to: *mut Self::Elem, n: usize);
    /// All numbers `x`.
    fn all(x: f64) -> Self;
    fn plus(self, b: Self) -> Self;
    fn minus(self, b: Self) -> Self;
    fn times(self, b: Self) -> Self;
    /// `self * a + b`
    fn times_plus(self, a: Self, b: Self) -> Self;
    fn sigmoid(self) -> Self;
    fn tanh(self) -> Self;
    fn relu(self) -> Self;
    /// `self` between the bounds; NaN stays unless `nan`, which makes it the lower bound.
    fn clipped(self, low: Self, high: Self, nan: bool) -> Self;
    /// `other` where `self > 0`, 0 elsewhere.
    fn zero_unless_positive(self, other: Self) -> Self;
    /// 0 where `self < b`, `other` elsewhere.
    fn zero_below(self, b: Self, other: Self) -> Self;
}

impl<V: Lanes> Arith for V {
    type Elem = f32;
    const WIDTH: usize = 16;

    #[inline(always)]
    unsafe fn get(from: *const f32, n: usize) -> V {
        // SAFETY: the caller's contract.
        unsafe { if n == Self::WIDTH { V::load(from) } else { V::load_part(from, n) } }
    }
    #[inline(always)]
    unsafe fn put(self, to: *mut f32, n: usize) {
        // SAFETY: the caller's contract.
        unsafe { if n == Self::WIDTH { self.store(to) } else { self.store_part(to, n) } }
    }
    #[inline(always)]
    fn all(x: f64) -> V {
        V::splat(x as f32)
    }
    #[inline(always)]
    fn plus(self, b: V) -> V {
        self.add(b)
    }
    #[inline(always)]
    fn minus(self, b: V) -> V {
        self.sub(b)
    }
    #[inline(always)]
    fn times(self, b: V) -> V {
        self.mul(b)
    }
    #[inline(always)]
    fn times_plus(self, a: V, b: V) -> V {
        self.mul_add(a, b)
    }
    #[inline(always)]
    fn sigmoid(self) -> V {
        functions::sigmoid(self)
    }
    #[inline(always)]
    fn tanh(self) -> V {
        functions::tanh(self)
    }
    #[inline(always)]
    fn relu(self) -> V {
        functions::relu(self)
    }
    #[inline(always)]
    fn clipped(self, low: V, high: V, nan: bool) -> V {
        let inside = Lanes::min(Lanes::max(self, low), high);
        if nan { inside } else { self.if_nan(self, inside) }
    }
    #[inline(always)]
    fn zero_unless_positive(self, other: V) -> V {
        V::zero().if_less(self, other, V::zero())
    }
    #[inline(always)]
    fn zero_below(self, b: V, other: V) -> V {
        self.if_less(b, V::zero(), other)
    }
}

impl Arith for f64 {
    type Elem = f64;
    const WIDTH: usize = 1;

    #[inline(always)]
    unsafe fn get(from: *const f64, _: usize) -> f64 {
        // SAFETY: the caller's contract.
        unsafe { *from }
    }
    #[inline(always)]
    unsafe fn put(self, to: *mut f64, _: usize) {
        // SAFETY: the caller's contract.
        unsafe { *to = self }
    }
    #[inline(always)]
    fn all(x: f64) -> f64 {
        x
    }
    #[inline(always)]
    fn plus(self, b: f64) -> f64 {
        self + b
    }
    #[inline(always)]
    fn minus(self, b: f64) -> f64 {
        self - b
    }
    #[inline(always)]
    fn times(self, b: f64) -> f64 {
        self * b
    }
    #[inline(always)]
    fn times_plus(self, a: f64, b: f64) -> f64 {
        self * a + b
    }
    #[inline(always)]
    fn sigmoid(self) -> f64 {
        crate::math::sigmoid(self)
    }
    #[inline(always)]
    fn tanh(self) -> f64 {
        f64::tanh(self)
    }
    #[inline(always)]
    fn relu(self) -> f64 {
        crate::math::relu(self)
    }
    #[inline(always)]
    fn clipped(self, low: f64, high: f64, nan: bool) -> f64 {
        if self.is_nan() && !nan { self } else { self.max(low).min(high) }
    }
    #[inline(always)]
    fn zero_unless_positive(self, other: f64) -> f64 {
        if self > 0.0 { other } else { 0.0 }
    }
    #[inline(always)]
    fn zero_below(self, b: f64, other: f64) -> f64 {
        if self < b { 0.0 } else { other }
    }
}
