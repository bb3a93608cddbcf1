use crate::DType;
pub use half::{bf16, f16};
use num_traits::{NumAssign, NumCast};
use std::fmt::{Debug, Display};

/// A Rust type that tensors can hold.
///
/// Safe to implement only for plain data without padding, for which all-zero bytes are a value; sealed by being
/// implemented here for exactly the types of [`DType`].
pub trait Element:
    Copy + Send + Sync + Default + PartialEq + PartialOrd + Debug + Display + sealed::Sealed + 'static
{
    /// The data type this is the Rust type of.
    const DTYPE: DType;
    /// The type in which kernels compute: `f32` for half precision, the type itself otherwise (`u8` for `bool`).
    type Compute: Element + NumAssign + NumCast;
    /// The value in the type of computation.
    fn widen(self) -> Self::Compute;
    /// The nearest value of this type; integers wrap as C casts do.
    fn narrow(value: Self::Compute) -> Self;
    /// Conversion to double precision.
    fn to_f64(self) -> f64;
    /// Conversion from double precision: truncates for integers and wraps as MXNet's C casts do; `bool` is `!= 0`.
    fn from_f64(value: f64) -> Self;
    /// Conversion to a 64-bit integer, towards zero.
    fn to_i64(self) -> i64;
    /// Conversion from a 64-bit integer, wrapping.
    fn from_i64(value: i64) -> Self;
}

/// A floating point [`Element`]; `Compute` is `f32` or `f64`.
pub trait Float: Element<Compute: num_traits::Float + num_traits::FloatConst + NumAssign> {}

impl Float for f32 {}
impl Float for f64 {}
impl Float for f16 {}
impl Float for bf16 {}

mod sealed {
    pub trait Sealed {}
}

macro_rules! plain {
    ($($t:ty, $d:ident, $from:expr;)*) => {$(
        impl sealed::Sealed for $t {}
        impl Element for $t {
            const DTYPE: DType = DType::$d;
            type Compute = $t;
            #[inline(always)] fn widen(self) -> $t { self }
            #[inline(always)] fn narrow(value: $t) -> $t { value }
            #[inline(always)] fn to_f64(self) -> f64 { self as f64 }
            #[inline(always)] fn from_f64(value: f64) -> $t { $from(value) }
            #[inline(always)] fn to_i64(self) -> i64 { self as i64 }
            #[inline(always)] fn from_i64(value: i64) -> $t { value as $t }
        }
    )*};
}

plain! {
    f32, Float32, |v: f64| v as f32;
    f64, Float64, |v: f64| v;
    u8, UInt8, |v: f64| v as i64 as u8;
    i8, Int8, |v: f64| v as i64 as i8;
    i32, Int32, |v: f64| v as i64 as i32;
    i64, Int64, |v: f64| v as i64;
}

macro_rules! half {
    ($($t:ty, $d:ident;)*) => {$(
        impl sealed::Sealed for $t {}
        impl Element for $t {
            const DTYPE: DType = DType::$d;
            type Compute = f32;
            #[inline(always)] fn widen(self) -> f32 { self.to_f32() }
            #[inline(always)] fn narrow(value: f32) -> $t { <$t>::from_f32(value) }
            #[inline(always)] fn to_f64(self) -> f64 { <$t>::to_f64(self) }
            #[inline(always)] fn from_f64(value: f64) -> $t { <$t>::from_f64(value) }
            #[inline(always)] fn to_i64(self) -> i64 { self.to_f32() as i64 }
            #[inline(always)] fn from_i64(value: i64) -> $t { <$t>::from_f64(value as f64) }
        }
    )*};
}

half! {
    f16, Float16;
    bf16, BFloat16;
}

impl sealed::Sealed for bool {}
impl Element for bool {
    const DTYPE: DType = DType::Bool;
    type Compute = u8;
    #[inline(always)]
    fn widen(self) -> u8 {
        self as u8
    }
    #[inline(always)]
    fn narrow(value: u8) -> bool {
        value != 0
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self as u8 as f64
    }
    #[inline(always)]
    fn from_f64(value: f64) -> bool {
        value != 0.0
    }
    #[inline(always)]
    fn to_i64(self) -> i64 {
        self as i64
    }
    #[inline(always)]
    fn from_i64(value: i64) -> bool {
        value != 0
    }
}
