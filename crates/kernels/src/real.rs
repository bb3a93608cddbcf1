//! The types that kernels compute in, and conversion of half precision buffers to them.
//!
//! Heavy kernels have one core per [`Real`]; half precision comes in and goes out through widened copies, so that a
//! core is compiled for `f32` and `f64` alone.

use crate::parallel::for_elements;
use num_traits::{FloatConst, NumAssign};
use rsym_tensor::{Element, Float};
use std::borrow::Cow;

/// A type to compute in: `f32` or `f64`.
pub trait Real: Element + num_traits::Float + FloatConst + NumAssign {}

impl<C: Element + num_traits::Float + FloatConst + NumAssign> Real for C {}

/// The value in type `C`, rounded.
#[inline(always)]
pub(crate) fn real<C: Real>(value: f64) -> C {
    <C as Element>::from_f64(value)
}

/// The value in double precision.
#[inline(always)]
pub(crate) fn double<C: Real>(value: C) -> f64 {
    Element::to_f64(value)
}

/// The values in the type of computation: borrowed where that is the type itself.
pub(crate) fn wide<T: Float>(x: &[T]) -> Cow<'_, [T::Compute]> {
    if T::DTYPE == <T::Compute as Element>::DTYPE {
        // SAFETY: `Element` is sealed with one type per DTYPE, so T and T::Compute are the same type.
        return Cow::Borrowed(unsafe { std::slice::from_raw_parts(x.as_ptr().cast(), x.len()) });
    }
    let mut out = vec![T::Compute::default(); x.len()];
    for_elements(&mut out, 1, |at, out| out.iter_mut().zip(&x[at..]).for_each(|(o, v)| *o = v.widen()));
    Cow::Owned(out)
}

/// Lets `f` update `x` in the type of computation.
pub(crate) fn with_wide<T: Float, R>(x: &mut [T], f: impl FnOnce(&mut [T::Compute]) -> R) -> R {
    if let Some(same) = as_wide(x) {
        return f(same);
    }
    let mut buffer = wide(x).into_owned();
    let result = f(&mut buffer);
    narrow_into(&buffer, x);
    result
}

/// Lets `f` overwrite `x` in the type of computation; what `x` held before is not to be read.
pub(crate) fn with_wide_out<T: Float, R>(x: &mut [T], f: impl FnOnce(&mut [T::Compute]) -> R) -> R {
    if let Some(same) = as_wide(x) {
        return f(same);
    }
    let mut buffer = vec![T::Compute::default(); x.len()];
    let result = f(&mut buffer);
    narrow_into(&buffer, x);
    result
}

/// The slice itself when its type is the type of computation.
fn as_wide<T: Float>(x: &mut [T]) -> Option<&mut [T::Compute]> {
    // SAFETY: `Element` is sealed with one type per DTYPE, so T and T::Compute are the same type.
    (T::DTYPE == <T::Compute as Element>::DTYPE)
        .then(|| unsafe { std::slice::from_raw_parts_mut(x.as_mut_ptr().cast(), x.len()) })
}

fn narrow_into<T: Float>(from: &[T::Compute], to: &mut [T]) {
    for_elements(to, 1, |at, to| to.iter_mut().zip(&from[at..]).for_each(|(o, v)| *o = T::narrow(*v)));
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use rsym_tensor::f16;

    /// Deterministic values in about [-1, 1) without ties, different for every `seed`.
    pub(crate) fn noise<T: Element>(len: usize, seed: u64) -> Vec<T> {
        let step = |state: &mut u64| {
            *state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            T::from_f64((*state >> 40) as f64 / (1u64 << 23) as f64 - 1.0)
        };
        let mut state = seed.wrapping_add(0x9e3779b97f4a7c15);
        (0..len + 3).map(|_| step(&mut state)).skip(3).collect()
    }

    /// Asserts |got - want| <= tol * (1 + |want|) everywhere.
    pub(crate) fn assert_close<T: Element>(got: &[T], want: &[f64], tol: f64) {
        assert_eq!(got.len(), want.len());
        for (i, (g, w)) in got.iter().zip(want).enumerate() {
            let g = g.to_f64();
            assert!((g - w).abs() <= tol * (1.0 + w.abs()), "element {i}: got {g}, want {w}");
        }
    }

    /// The values in double precision.
    pub(crate) fn doubles<T: Element>(x: &[T]) -> Vec<f64> {
        x.iter().map(|v| v.to_f64()).collect()
    }

    #[test]
    fn half_precision_goes_through_a_copy() {
        let mut x = [f16::from_f32(1.5), f16::from_f32(-2.0)];
        assert_eq!(&*wide(&x), &[1.5f32, -2.0]);
        with_wide(&mut x, |w| w[0] += 0.25);
        assert_eq!(x[0], f16::from_f32(1.75));
    }

    #[test]
    fn single_precision_is_borrowed() {
        let mut x = [1.5f32, 2.0];
        assert!(matches!(wide(&x), Cow::Borrowed(_)));
        with_wide_out(&mut x, |w| w[1] = 3.0);
        assert_eq!(x, [1.5, 3.0]);
    }
}
