//! What a vector of 16 single-precision numbers can do.

/// The number of elements of a [`Lanes`].
pub(crate) const WIDTH: usize = 16;

/// 16 single-precision numbers.
///
/// The methods compute lane by lane as the operations of `f32` do, apart from `mul_add`, which is fused on every tier but
/// the portable one.
pub(crate) trait Lanes: Copy {
    /// Registers that one vector takes.
    const REGISTERS: usize;
    /// Registers that the machine has for vectors.
    const BUDGET: usize;

    /// All lanes 0.
    fn zero() -> Self {
        Self::splat(0.0)
    }
    /// All lanes `x`.
    fn splat(x: f32) -> Self;
    /// # Safety
    /// `from` must be good for 16 reads; any alignment.
    unsafe fn load(from: *const f32) -> Self;
    /// # Safety
    /// `to` must be good for 16 writes; any alignment.
    unsafe fn store(self, to: *mut f32);
    /// The first `n` lanes from memory, the others 0.
    ///
    /// # Safety
    /// `from` must be good for `n <= 16` reads.
    unsafe fn load_part(from: *const f32, n: usize) -> Self;
    /// The first `n` lanes to memory.
    ///
    /// # Safety
    /// `to` must be good for `n <= 16` writes.
    unsafe fn store_part(self, to: *mut f32, n: usize);

    /// `self + b`
    fn add(self, b: Self) -> Self;
    /// `self - b`
    fn sub(self, b: Self) -> Self;
    /// `self * b`
    fn mul(self, b: Self) -> Self;
    /// `self / b`
    fn div(self, b: Self) -> Self;
    /// `self * a + b`
    fn mul_add(self, a: Self, b: Self) -> Self;
    /// The square root.
    fn sqrt(self) -> Self;
    /// The absolute value.
    fn abs(self) -> Self;
    /// `self > b ? self : b`: the second operand where one is NaN.
    fn max(self, b: Self) -> Self;
    /// `self < b ? self : b`: the second operand where one is NaN.
    fn min(self, b: Self) -> Self;
    /// The nearest whole number, ties to even.
    fn round(self) -> Self;
    /// The greatest whole number not above.
    fn floor(self) -> Self;
    /// `self * 2^n` for whole `n` (as numbers) of -126 to 127.
    fn scale_by_power(self, n: Self) -> Self;
    /// `self * 2^n` for whole `n` (as numbers) of -252 to 254, rounded once or, below the normal numbers, twice.
    #[inline(always)]
    fn scale_by_any_power(self, n: Self) -> Self {
        let half = n.mul(Self::splat(0.5)).floor();
        self.scale_by_power(half).scale_by_power(n.sub(half))
    }
    /// `then` where `self < b`, `other` elsewhere and where one is NaN.
    fn if_less(self, b: Self, then: Self, other: Self) -> Self;
    /// `then` where `self == b`, `other` elsewhere.
    fn if_equal(self, b: Self, then: Self, other: Self) -> Self;
    /// `then` where `self` is NaN, `other` elsewhere.
    fn if_nan(self, then: Self, other: Self) -> Self;
    /// The bits.
    fn bit_and(self, mask: u32) -> Self;
    /// The bits.
    fn bit_or(self, mask: u32) -> Self;
    /// The sign of `b` on the magnitude of `self`.
    fn with_sign_of(self, b: Self) -> Self;
    /// The exponent `e` of `self = m * 2^e` with `m` in [1, 2), for normal positive numbers.
    fn exponent(self) -> Self;

    /// Lane `j` of vector `i` as lane `i` of vector `j`.
    #[inline(always)]
    fn transposed(rows: [Self; WIDTH]) -> [Self; WIDTH] {
        let mut all = [0.0; WIDTH * WIDTH];
        for (i, row) in rows.into_iter().enumerate() {
            row.to_array().into_iter().enumerate().for_each(|(j, x)| all[j * WIDTH + i] = x);
        }
        let mut out = rows;
        // SAFETY: every row has 16 elements.
        out.iter_mut().enumerate().for_each(|(i, row)| *row = unsafe { Self::load(all[i * WIDTH..].as_ptr()) });
        out
    }

    /// The lanes as an array.
    #[inline(always)]
    fn to_array(self) -> [f32; WIDTH] {
        let mut out = [0.0; WIDTH];
        // SAFETY: the array has 16 elements.
        unsafe { self.store(out.as_mut_ptr()) };
        out
    }
    /// The sum of the lanes, in one fixed order on every tier: halves are added until one lane is left.
    #[inline(always)]
    fn sum(self) -> f32 {
        fold(self.to_array(), |a, b| a + b)
    }
    /// The greatest lane; NaN lanes may be ignored.
    #[inline(always)]
    fn greatest(self) -> f32 {
        fold(self.to_array(), |a, b| if a > b { a } else { b })
    }
}

#[inline(always)]
fn fold(mut x: [f32; WIDTH], f: impl Fn(f32, f32) -> f32) -> f32 {
    let mut half = WIDTH / 2;
    while half > 0 {
        for i in 0..half {
            x[i] = f(x[i], x[i + half]);
        }
        half /= 2;
    }
    x[0]
}
