//! Scalar functions over the compute types `f32` and `f64`, as the elementwise operators need them.

mod activation;
mod special;

pub use activation::*;
pub use special::*;

use num_traits::Float;

/// The constant `value` in the type of computation.
#[inline(always)]
pub fn constant<F: Float>(value: f64) -> F {
    F::from(value).unwrap_or_else(F::nan)
}

/// Evaluates `f` in double precision.
#[inline(always)]
pub(crate) fn in_f64<F: Float>(x: F, f: impl Fn(f64) -> f64) -> F {
    constant(f(x.to_f64().unwrap_or(f64::NAN)))
}

/// Remainder with the sign of the divisor; 0 for a zero divisor.
#[inline(always)]
pub fn modulo<F: Float>(a: F, b: F) -> F {
    let zero = F::zero();
    let rest = a % b;
    if b == zero {
        zero
    } else if rest != zero && (rest < zero) != (b < zero) {
        rest + b
    } else {
        rest
    }
}

/// -1, 0 or 1; 0 for NaN.
#[inline(always)]
pub fn sign<F: Float>(x: F) -> F {
    if x > F::zero() {
        F::one()
    } else if x < F::zero() {
        -F::one()
    } else {
        F::zero()
    }
}

/// The nearest whole number, ties downwards.
#[inline(always)]
pub fn rint<F: Float>(x: F) -> F {
    let (below, above) = (x.floor(), x.ceil());
    if x - below <= above - x { below } else { above }
}

/// The nearest whole number, ties away from zero.
#[inline(always)]
pub fn round<F: Float>(x: F) -> F {
    x.round()
}

/// The whole number towards zero.
#[inline(always)]
pub fn fix<F: Float>(x: F) -> F {
    x.trunc()
}

/// `1 / sqrt(x)`
#[inline(always)]
pub fn rsqrt<F: Float>(x: F) -> F {
    x.sqrt().recip()
}

/// The cube root.
#[inline(always)]
pub fn cbrt<F: Float>(x: F) -> F {
    x.cbrt()
}

/// `1 / cbrt(x)`
#[inline(always)]
pub fn rcbrt<F: Float>(x: F) -> F {
    x.cbrt().recip()
}

/// Radians to degrees.
#[inline(always)]
pub fn degrees<F: Float>(x: F) -> F {
    x * constant(180.0 / std::f64::consts::PI)
}

/// Degrees to radians.
#[inline(always)]
pub fn radians<F: Float>(x: F) -> F {
    x * constant(std::f64::consts::PI / 180.0)
}

/// `x` held between the bounds: above `high` gives `high`, otherwise below `low` gives `low`; NaN stays.
#[inline(always)]
pub fn clip<F: PartialOrd>(x: F, low: F, high: F) -> F {
    if x > high {
        high
    } else if x < low {
        low
    } else {
        x
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rint_breaks_ties_downwards_and_round_away_from_zero() {
        let x = [0.5f32, 1.5, 2.5, -0.5, -1.5, -2.5, 0.49999997, 4194304.5, f32::INFINITY];
        assert_eq!(x.map(rint), [0.0, 1.0, 2.0, -1.0, -2.0, -3.0, 0.0, 4194304.0, f32::INFINITY]);
        assert_eq!([0.5f64, 1.5, -0.5, -2.5].map(round), [1.0, 2.0, -1.0, -3.0]);
        assert_eq!([1.7f32, -1.7].map(fix), [1.0, -1.0]);
        assert!(rint(f32::NAN).is_nan());
    }

    #[test]
    fn clip_with_crossed_bounds_prefers_the_upper() {
        assert_eq!([0.0f32, 2.5, 5.0].map(|x| clip(x, 3.0, 2.0)), [3.0, 2.0, 2.0]);
        assert!(clip(f32::NAN, 0.0, 1.0).is_nan());
    }

    #[test]
    fn roots_and_angles() {
        assert_eq!((cbrt(27.0f32), rcbrt(-8.0f64), rsqrt(4.0f32)), (3.0, -0.5, 0.5));
        assert_eq!((degrees(std::f64::consts::PI), radians(180.0f32)), (180.0, std::f32::consts::PI));
        assert_eq!([f32::NAN, -0.0, 3.0, -3.0].map(sign), [0.0, 0.0, 1.0, -1.0]);
    }
}
