//! Arithmetic on every numeric element type, with the overflow rules of C on the machines MXNet runs on.

use crate::math;
use rsym_tensor::{Element, bf16, f16};

/// An [`Element`] to compute with. Half precision computes in `f32`; integers wrap and never trap.
pub trait Number: Element {
    /// What sums of this type are carried in: `f64` for floating point, `i64` for integers.
    type Acc: Number<Acc = Self::Acc>;
    /// Conversion for accumulation; exact.
    fn to_acc(self) -> Self::Acc;
    /// Conversion of an accumulated value; rounds, or wraps for integers.
    fn from_acc(acc: Self::Acc) -> Self;
    /// `self + other`
    fn plus(self, other: Self) -> Self;
    /// `self - other`
    fn minus(self, other: Self) -> Self;
    /// `self * other`
    fn times(self, other: Self) -> Self;
    /// `self / other`; integers divide towards zero, and by zero give 0.
    fn over(self, other: Self) -> Self;
    /// Remainder with the sign of the divisor; 0 for a zero divisor.
    fn modulo(self, other: Self) -> Self;
    /// `self` to the power `other`; integers compute in `f64` and convert as [`c_cast`].
    fn power(self, other: Self) -> Self;
    /// Length of the hypotenuse; integers compute in `f64` and convert as [`c_cast`].
    fn hypot(self, other: Self) -> Self;
    /// The absolute value.
    fn magnitude(self) -> Self;
    /// Whether this is not a number.
    fn is_nan(self) -> bool;

    /// `-self`
    #[inline(always)]
    fn negate(self) -> Self {
        Self::from_i64(0).minus(self)
    }
    /// -1, 0 or 1; 0 for NaN.
    #[inline(always)]
    fn sign(self) -> Self {
        let zero = Self::from_i64(0);
        Self::from_i64((self > zero) as i64 - (self < zero) as i64)
    }
    /// The larger one; NaN if any is.
    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        if self >= other || self.is_nan() { self } else { other }
    }
    /// The smaller one; NaN if any is.
    #[inline(always)]
    fn smaller(self, other: Self) -> Self {
        if self <= other || self.is_nan() { self } else { other }
    }
    /// 1 or 0.
    #[inline(always)]
    fn truth(value: bool) -> Self {
        Self::from_i64(value as i64)
    }
    /// Whether this differs from zero; NaN does.
    #[inline(always)]
    fn is_true(self) -> bool {
        self != Self::from_i64(0)
    }
}

/// Conversion to an integer type as the machine instruction of C's cast does: towards zero, and the most negative
/// `i64` (for 64 bits) or `i32` (for fewer, then wrapped) for what does not fit. Floating point types just round.
pub fn c_cast<T: Element>(value: f64) -> T {
    if T::DTYPE.is_float() {
        T::from_f64(value)
    } else if T::DTYPE.size() == 8 {
        let fits = value.abs() < 9_223_372_036_854_775_808.0;
        T::from_i64(if fits { value as i64 } else { i64::MIN })
    } else {
        let fits = value > -2_147_483_649.0 && value < 2_147_483_648.0;
        T::from_i64(if fits { value as i64 } else { i32::MIN as i64 })
    }
}

macro_rules! native_float {
    ($($t:ty),*) => {$(
        impl Number for $t {
            type Acc = f64;
            #[inline(always)] fn to_acc(self) -> f64 { self as f64 }
            #[inline(always)] fn from_acc(acc: f64) -> $t { acc as $t }
            #[inline(always)] fn plus(self, other: $t) -> $t { self + other }
            #[inline(always)] fn minus(self, other: $t) -> $t { self - other }
            #[inline(always)] fn times(self, other: $t) -> $t { self * other }
            #[inline(always)] fn over(self, other: $t) -> $t { self / other }
            #[inline(always)] fn modulo(self, other: $t) -> $t { math::modulo(self, other) }
            #[inline(always)] fn power(self, other: $t) -> $t { self.powf(other) }
            #[inline(always)] fn hypot(self, other: $t) -> $t { <$t>::hypot(self, other) }
            #[inline(always)] fn magnitude(self) -> $t { self.abs() }
            #[inline(always)] fn is_nan(self) -> bool { self != self }
            #[inline(always)] fn negate(self) -> $t { -self }
        }
    )*};
}

native_float!(f32, f64);

macro_rules! half_float {
    ($($t:ty),*) => {$(
        impl Number for $t {
            type Acc = f64;
            #[inline(always)] fn to_acc(self) -> f64 { self.widen() as f64 }
            #[inline(always)] fn from_acc(acc: f64) -> $t { <$t>::from_f64(acc) }
            #[inline(always)] fn plus(self, other: $t) -> $t { <$t>::narrow(self.widen() + other.widen()) }
            #[inline(always)] fn minus(self, other: $t) -> $t { <$t>::narrow(self.widen() - other.widen()) }
            #[inline(always)] fn times(self, other: $t) -> $t { <$t>::narrow(self.widen() * other.widen()) }
            #[inline(always)] fn over(self, other: $t) -> $t { <$t>::narrow(self.widen() / other.widen()) }
            #[inline(always)] fn modulo(self, other: $t) -> $t { <$t>::narrow(self.widen().modulo(other.widen())) }
            #[inline(always)] fn power(self, other: $t) -> $t { <$t>::narrow(self.widen().powf(other.widen())) }
            #[inline(always)] fn hypot(self, other: $t) -> $t { <$t>::narrow(self.widen().hypot(other.widen())) }
            #[inline(always)] fn magnitude(self) -> $t { <$t>::narrow(self.widen().abs()) }
            #[inline(always)] fn is_nan(self) -> bool { self != self }
            #[inline(always)] fn negate(self) -> $t { <$t>::narrow(-self.widen()) }
        }
    )*};
}

half_float!(f16, bf16);

macro_rules! integer {
    ($($t:ty),*) => {$(
        impl Number for $t {
            type Acc = i64;
            #[inline(always)] fn to_acc(self) -> i64 { self as i64 }
            #[inline(always)] fn from_acc(acc: i64) -> $t { acc as $t }
            #[inline(always)] fn plus(self, other: $t) -> $t { self.wrapping_add(other) }
            #[inline(always)] fn minus(self, other: $t) -> $t { self.wrapping_sub(other) }
            #[inline(always)] fn times(self, other: $t) -> $t { self.wrapping_mul(other) }
            #[inline(always)] fn over(self, other: $t) -> $t { if other == 0 { 0 } else { self.wrapping_div(other) } }
            #[inline(always)] fn modulo(self, other: $t) -> $t { integer_modulo(self as i64, other as i64) as $t }
            #[inline(always)] fn power(self, other: $t) -> $t { c_cast((self as f64).powf(other as f64)) }
            #[inline(always)] fn hypot(self, other: $t) -> $t { c_cast((self as f64).hypot(other as f64)) }
            #[inline(always)] #[allow(unused_comparisons)]
            fn magnitude(self) -> $t { if self < 0 { self.negate() } else { self } }
            #[inline(always)] fn is_nan(self) -> bool { false }
        }
    )*};
}

integer!(u8, i8, i32, i64);

fn integer_modulo(a: i64, b: i64) -> i64 {
    if b == 0 {
        return 0;
    }
    let rest = a.wrapping_rem(b);
    if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_wrap_and_never_trap() {
        assert_eq!(i8::MIN.over(-1), i8::MIN);
        assert_eq!(i64::MIN.modulo(-1), 0);
        assert_eq!((7i32.over(0), 7i32.modulo(0), (-7i32).over(2)), (0, 0, -3));
        assert_eq!((200u8.plus(100), 3u8.minus(4), i8::MIN.magnitude()), (44, 255, i8::MIN));
    }

    #[test]
    fn modulo_takes_the_sign_of_the_divisor() {
        let got = [(5i32, 2), (5, -2), (-5, 2), (-5, -2), (4, -2)].map(|(a, b)| a.modulo(b));
        assert_eq!(got, [1, -1, 1, -1, 0]);
        let got =
            [(5.5f32, -2.0), (-5.5, 2.0), (-5.5, -2.0), (5.5, 0.0), (5.5, f32::NEG_INFINITY)].map(|(a, b)| a.modulo(b));
        assert_eq!(got, [-0.5, 0.5, -1.5, 0.0, f32::NEG_INFINITY]);
        assert!(f32::INFINITY.modulo(2.0).is_nan() && f32::NAN.modulo(0.0) == 0.0);
    }

    #[test]
    fn integer_powers_compute_in_floating_point() {
        assert_eq!([(7i32, 2), (-7, 2), (2, -1), (0, 0), (2, 40)].map(|(a, b)| a.power(b)), [49, 49, 0, 1, i32::MIN]);
        assert_eq!((3u8.power(7), 2u8.hypot(4)), (139, 4));
    }

    #[test]
    fn casts_follow_the_machine() {
        assert_eq!((c_cast::<i32>(f64::NAN), c_cast::<i64>(-1e30), c_cast::<u8>(1e20)), (i32::MIN, i64::MIN, 0));
        assert_eq!((c_cast::<u8>(485165195.4), c_cast::<i8>(-3.9), c_cast::<f32>(0.5)), (139, -3, 0.5));
    }

    #[test]
    fn extremes_pass_not_a_number() {
        let nan = f32::NAN;
        assert!(nan.larger(1.0).is_nan() && 1f32.larger(nan).is_nan() && nan.smaller(1.0).is_nan());
        assert!(1f32.smaller(nan).is_nan() && nan.sign() == 0.0 && nan.is_true() && !0f32.is_true());
    }
}
