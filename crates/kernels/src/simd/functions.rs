//! Exponentials, logarithms and what is built on them, over 16 numbers at a time.
//!
//! The polynomials of `exp`, `log` and `tanh` are those of S. Moshier's Cephes library; those of the error function were
//! fitted for this file (minimax on the stated intervals). Errors are stated in units in the last place and held by the
//! tests; the portable tier, whose `mul_add` rounds twice, has up to one unit more.

use super::Lanes;
use std::f32::consts::{FRAC_1_SQRT_2, LOG2_E, SQRT_2};

/// ln 2 as a number with few bits and the rest.
const LN2: (f32, f32) = (0.693_359_4, -2.121_944_4e-4);
/// `(exp(r) - 1 - r) / r^2` on [-ln 2 / 2, ln 2 / 2], highest power first, as all that follow.
const EXP: [f32; 6] = [1.987_569_1e-4, 1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5];
/// `(log(1 + f) - f + f^2 / 2) / f^3` on [sqrt(1/2) - 1, sqrt(2) - 1].
const LOG: [f32; 9] = [
    7.037_683_6e-2,
    -1.151_461e-1,
    1.167_699_9e-1,
    -1.242_014_1e-1,
    1.424_932_3e-1,
    -1.666_805_7e-1,
    2.000_071_4e-1,
    -2.499_999_4e-1,
    3.333_333e-1,
];
/// `(tanh(x) / x - 1) / x^2` as a polynomial of `x^2`, for x to 0.625.
const TANH: [f32; 5] = [-5.704_988_7e-3, 2.063_908_8e-2, -5.373_971_6e-2, 1.333_144_2e-1, -3.333_328e-1];
/// `erf(x) / x - 1` as a polynomial of `x^2`, for x to 1.
const ERF: [f32; 7] =
    [7.889_119e-5, -8.020_841e-4, 5.189_535e-3, -2.685_444_4e-2, 1.128_36e-1, -3.761_262_6e-1, 1.283_791_7e-1];
/// `erfc(t) exp(t^2) (1 + 2 t)` as a polynomial of `(t - 2) / (t + 2)`, for t to 11.
const ERFC: [f32; 10] = [
    -3.906_831_3e-4,
    -1.213_305_9e-3,
    1.311_040_3e-3,
    8.617_54e-3,
    -8.061_941e-3,
    -5.420_047_4e-2,
    1.640_56e-1,
    -1.660_317_7e-1,
    -9.276_402e-2,
    1.276_978_4,
];

/// A polynomial by Horner's scheme, the coefficient of the highest power first.
#[inline(always)]
pub(crate) fn polynomial<V: Lanes, const N: usize>(x: V, coefficients: &[f32; N]) -> V {
    let mut sum = V::splat(coefficients[0]);
    for &c in &coefficients[1..] {
        sum = sum.mul_add(x, V::splat(c));
    }
    sum
}

/// The `n` and `r` of `x = n ln 2 + r`, `n` whole and `|r|` at most half of ln 2.
#[inline(always)]
fn reduce<V: Lanes>(x: V) -> (V, V) {
    let n = x.mul(V::splat(LOG2_E)).round();
    let r = n.mul_add(V::splat(-LN2.0), x);
    (n, n.mul_add(V::splat(-LN2.1), r))
}

/// `exp(r) - 1` for `|r|` up to about half of ln 2.
#[inline(always)]
fn exp_m1_near<V: Lanes>(r: V) -> V {
    polynomial(r, &EXP).mul(r).mul_add(r, r)
}

/// The exponential, within 1 unit.
#[inline(always)]
pub(crate) fn exp<V: Lanes>(x: V) -> V {
    let (n, r) = reduce(V::splat(-104.0).max(V::splat(89.0).min(x)));
    exp_m1_near(r).add(V::splat(1.0)).scale_by_any_power(n)
}

/// The exponential of what is not positive, 0 where the result is below the normal numbers.
#[inline(always)]
pub(crate) fn exp_negative<V: Lanes>(x: V) -> V {
    let (n, r) = reduce(V::splat(-87.3).max(x));
    let value = exp_m1_near(r).add(V::splat(1.0)).scale_by_power(n);
    x.if_less(V::splat(-87.3), V::zero(), value)
}

/// `exp(x) - 1` without cancellation, within 2 units.
#[inline(always)]
pub(crate) fn exp_m1<V: Lanes>(x: V) -> V {
    let (n, r) = reduce(V::splat(-20.0).max(V::splat(89.0).min(x)));
    let half = V::splat(1.0).scale_by_power(n.sub(V::splat(1.0)));
    let value = half.mul_add(exp_m1_near(r), half.sub(V::splat(0.5)));
    x.if_equal(V::zero(), x, value.add(value))
}

/// The natural logarithm of normal positive numbers.
#[inline(always)]
fn log_normal<V: Lanes>(x: V, bias: V) -> V {
    let (exponent, mantissa) = (x.exponent().add(bias), x.bit_and(0x007f_ffff).bit_or(0x3f80_0000));
    let e = V::splat(SQRT_2).if_less(mantissa, exponent.add(V::splat(1.0)), exponent);
    let m = V::splat(SQRT_2).if_less(mantissa, mantissa.mul(V::splat(0.5)), mantissa);
    let f = m.sub(V::splat(1.0));
    let square = f.mul(f);
    let tail = polynomial(f, &LOG).mul(f).mul(square);
    let tail = e.mul_add(V::splat(LN2.1), tail);
    let tail = square.mul_add(V::splat(-0.5), tail);
    e.mul_add(V::splat(LN2.0), f.add(tail))
}

/// The natural logarithm, within 1 unit: -infinity at 0, NaN below.
#[inline(always)]
pub(crate) fn log<V: Lanes>(x: V) -> V {
    let least = V::splat(f32::MIN_POSITIVE);
    let scaled = x.if_less(least, x.mul(V::splat((1u32 << 23) as f32)), x);
    let value = log_normal(scaled, x.if_less(least, V::splat(-23.0), V::zero()));
    let value = x.if_equal(V::zero(), V::splat(f32::NEG_INFINITY), value);
    let value = x.if_less(V::zero(), V::splat(f32::NAN), value);
    x.if_less(V::splat(f32::INFINITY), value, x)
}

/// `log(1 + x)` without cancellation, within 2 units.
#[inline(always)]
pub(crate) fn log_1p<V: Lanes>(x: V) -> V {
    let sum = x.add(V::splat(1.0));
    let lost = x.sub(sum.sub(V::splat(1.0))).div(sum);
    let value = log(sum).add(lost.if_nan(V::zero(), lost));
    x.if_equal(V::zero(), x, value)
}

/// `log(1 + x)` for x from 0 to 1, within 2 units.
#[inline(always)]
fn log_1p_unit<V: Lanes>(x: V) -> V {
    let sum = x.add(V::splat(1.0));
    let lost = x.sub(sum.sub(V::splat(1.0))).div(sum);
    log_normal(sum, V::zero()).add(lost)
}

/// `1 / (1 + exp(-x))`, within 3 units.
#[inline(always)]
pub(crate) fn sigmoid<V: Lanes>(x: V) -> V {
    let one = V::splat(1.0);
    one.div(one.add(exp(V::zero().sub(x))))
}

/// The hyperbolic tangent, within 2 units.
#[inline(always)]
pub(crate) fn tanh<V: Lanes>(x: V) -> V {
    let (one, two, size) = (V::splat(1.0), V::splat(2.0), x.abs());
    let square = x.mul(x);
    let near = polynomial(square, &TANH).mul(square).mul_add(size, size);
    let far = one.sub(two.div(exp(size.add(size)).add(one)));
    size.if_less(V::splat(0.625), near, far).with_sign_of(x)
}

/// `max(x, 0)`; NaN stays.
#[inline(always)]
pub(crate) fn relu<V: Lanes>(x: V) -> V {
    V::zero().max(x).add(V::zero())
}

/// `log(1 + exp(x))` without overflow or cancellation, within 2 units.
#[inline(always)]
pub(crate) fn softrelu<V: Lanes>(x: V) -> V {
    let tail = log_1p_unit(exp(V::zero().sub(x.abs())));
    relu(x).add(tail)
}

/// `x tanh(log(1 + exp(x)))`, within 4 units.
#[inline(always)]
pub(crate) fn mish<V: Lanes>(x: V) -> V {
    let (one, two) = (V::splat(1.0), V::splat(2.0));
    let e = exp(V::zero().sub(x.abs()));
    let negative = x.if_less(V::zero(), e.mul(e.add(two)), two.mul(e).add(one));
    let rest = x.if_less(V::zero(), two, two.mul(e).mul(e));
    x.mul(negative.div(negative.add(rest)))
}

/// `exp(-factor x^2)` for a power of two, although the square is not a number of single precision.
#[inline(always)]
fn gauss<V: Lanes>(x: V, factor: f32) -> V {
    let high = x.bit_and(0xffff_f000);
    let rest = x.sub(high).mul(x.add(high)).mul(V::splat(-factor));
    let square = V::splat(-104.0).max(high.mul(high).mul(V::splat(-factor)));
    let (n, r) = reduce(square);
    exp_m1_near(r.add(rest)).add(V::splat(1.0)).scale_by_any_power(n)
}

/// `erfc(t) exp(t^2)` for t from 0.
#[inline(always)]
fn erfc_scaled<V: Lanes>(t: V) -> V {
    let (one, two) = (V::splat(1.0), V::splat(2.0));
    let t = V::splat(11.0).min(t);
    let q = t.sub(two).div(t.add(two));
    polynomial(q, &ERFC).div(t.mul_add(two, one))
}

/// The error function, within 2 units.
#[inline(always)]
pub(crate) fn erf<V: Lanes>(x: V) -> V {
    let size = V::splat(11.0).min(x.abs());
    let near = polynomial(size.mul(size), &ERF).mul_add(size, size);
    let far = V::splat(1.0).sub(gauss(size, 1.0).mul(erfc_scaled(size)));
    size.if_less(V::splat(1.0), near, far).with_sign_of(x)
}

/// The distribution function of the standard normal distribution and `exp(-x^2 / 2)`.
#[inline(always)]
fn normal<V: Lanes>(x: V) -> (V, V) {
    let size = V::splat(15.0).min(x.abs());
    let bell = gauss(size, 0.5);
    let tail = bell.mul(erfc_scaled(size.mul(V::splat(FRAC_1_SQRT_2)))).mul(V::splat(0.5));
    (x.if_less(V::zero(), tail, V::splat(1.0).sub(tail)), bell)
}

/// `x Phi(x)` with the distribution function of the standard normal distribution, within 4 units.
#[inline(always)]
pub(crate) fn gelu<V: Lanes>(x: V) -> V {
    // Beyond -15 the product is 0, also at -infinity, where it is none.
    V::splat(-15.0).max(x).mul(normal(x).0)
}

/// Derivative of [`gelu`].
#[inline(always)]
pub(crate) fn gelu_slope<V: Lanes>(x: V) -> V {
    let (cdf, bell) = normal(x);
    let held = V::splat(-15.0).max(V::splat(15.0).min(x));
    cdf.add(held.mul(bell.mul(V::splat(0.398_942_3))))
}
