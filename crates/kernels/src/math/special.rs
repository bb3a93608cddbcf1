//! The error function, the gamma function and their relatives.

use super::in_f64;
use num_traits::Float;
use std::f64::consts::{FRAC_2_SQRT_PI, PI};

/// The error function.
#[inline]
pub fn erf<F: Float>(x: F) -> F {
    in_f64(x, libm::erf)
}

/// `1 - erf(x)` without cancellation.
#[inline]
pub fn erfc<F: Float>(x: F) -> F {
    in_f64(x, libm::erfc)
}

/// The inverse of the error function: infinite at -1 and 1, NaN beyond.
#[inline]
pub fn erfinv<F: Float>(x: F) -> F {
    in_f64(x, erfinv_f64)
}

fn erfinv_f64(x: f64) -> f64 {
    let size = x.abs();
    if size > 1.0 || x.is_nan() {
        f64::NAN
    } else if size == 1.0 {
        f64::INFINITY.copysign(x)
    } else if size == 0.0 {
        x
    } else {
        halley(size, erfinv_guess(size)).copysign(x)
    }
}

/// S. Winitzki's approximation, good to three digits.
fn erfinv_guess(x: f64) -> f64 {
    let a = 0.147;
    let log = (-x * x).ln_1p();
    let half = 2.0 / (PI * a) + log / 2.0;
    ((half * half - log / a).sqrt() - half).sqrt()
}

/// Three steps of Halley's method for `erf(y) = x`, `x` positive; the upper half solves `erfc(y) = 1 - x` instead.
fn halley(x: f64, mut y: f64) -> f64 {
    for _ in 0..3 {
        let miss = if x > 0.5 { (1.0 - x) - libm::erfc(y) } else { libm::erf(y) - x };
        let step = miss / (FRAC_2_SQRT_PI * (-y * y).exp());
        y -= step / (1.0 + y * step);
    }
    y
}

/// The gamma function; NaN at negative whole numbers, infinite at zero with the sign of the zero.
#[inline]
pub fn gamma<F: Float>(x: F) -> F {
    in_f64(x, libm::tgamma)
}

/// Logarithm of the absolute value of the gamma function; infinite at zero and the negative whole numbers.
#[inline]
pub fn gammaln<F: Float>(x: F) -> F {
    in_f64(x, libm::lgamma)
}

/// Derivative of [`gammaln`]; NaN at zero and the negative whole numbers.
#[inline]
pub fn digamma<F: Float>(x: F) -> F {
    in_f64(x, digamma_f64)
}

fn digamma_f64(x: f64) -> f64 {
    if x <= 0.0 && x == x.floor() {
        return f64::NAN;
    }
    if x < 0.0 {
        return digamma_positive(1.0 - x) - PI / (PI * (x - x.floor())).tan();
    }
    digamma_positive(x)
}

/// Recurrence up to 10, then the asymptotic series (Abramowitz and Stegun 6.3.18).
fn digamma_positive(mut x: f64) -> f64 {
    const SERIES: [f64; 7] =
        [1.0 / 12.0, -1.0 / 120.0, 1.0 / 252.0, -1.0 / 240.0, 1.0 / 132.0, -691.0 / 32760.0, 1.0 / 12.0];
    let mut below = 0.0;
    while x < 10.0 {
        below += 1.0 / x;
        x += 1.0;
    }
    let inverse = 1.0 / (x * x);
    let tail = SERIES.iter().rev().fold(0.0, |sum, c| (sum + c) * inverse);
    x.ln() - 0.5 / x - tail - below
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: f64, want: f64, relative: f64) {
        assert!((got - want).abs() <= relative * want.abs(), "{got} instead of {want}");
    }

    const ERFINV: [f64; 5] =
        [0.4769362762044699, -2.75106390571208, 8.862269254527581e-11, 3.7665625816384707, 0.2724627147267543];
    const DIGAMMA: [(f64, f64); 10] = [
        (1.0, -0.5772156649015329),
        (0.5, -1.9635100260214235),
        (0.1, -10.423754940411076),
        (2.3, 0.6000398803639695),
        (7.7, 1.9748820949131018),
        (100.0, 4.600161852738088),
        (-0.5, 0.03648997397857651),
        (-3.25, 4.4662758723502805),
        (-20.1, 12.694217212892514),
        (1e-05, -100000.57719921567),
    ];

    // SciPy 1.10: special.erfinv, special.digamma, special.gammaln, special.erf.
    #[test]
    fn erfinv_agrees_with_scipy() {
        let cases =
            [(0.5, ERFINV[0]), (-0.9999, ERFINV[1]), (1e-10, ERFINV[2]), (0.9999999, ERFINV[3]), (0.3, ERFINV[4])];
        cases.iter().for_each(|&(x, want)| close(erfinv(x), want, 1e-15));
        assert_eq!((erfinv(1.0f32), erfinv(-1.0f64)), (f32::INFINITY, f64::NEG_INFINITY));
        assert!(erfinv(1.5f32).is_nan() && erfinv(f32::NAN).is_nan() && erfinv(0.0f32) == 0.0);
    }

    #[test]
    fn erfinv_inverts_erf() {
        for i in 1..200 {
            let x = i as f64 * 0.02;
            close(erfinv(erf(x)), x, 1e-15 * (x * x).exp().max(4.0));
        }
    }

    #[test]
    fn digamma_agrees_with_scipy() {
        for (x, want) in DIGAMMA {
            assert!((digamma(x) - want).abs() <= 4e-15 * want.abs().max(1.0), "at {x}");
        }
        assert!(digamma(0.0f32).is_nan() && digamma(-3.0f64).is_nan());
    }

    #[test]
    fn digamma_is_the_slope_of_gammaln() {
        for x in [0.2f64, 0.9, 1.7, 5.5, 20.0, -0.3, -4.6] {
            let h = 1e-5;
            close(digamma(x), (gammaln(x + h) - gammaln(x - h)) / (2.0 * h), 1e-8);
        }
    }

    #[test]
    fn gamma_at_its_poles() {
        assert!(gamma(-1.0f32).is_nan() && gamma(f32::NEG_INFINITY).is_nan());
        assert_eq!((gamma(0.0f32), gamma(-0.0f32)), (f32::INFINITY, f32::NEG_INFINITY));
        assert_eq!([-1.0f32, 0.0, -0.0, f32::INFINITY].map(gammaln), [f32::INFINITY; 4]);
        close(gamma(0.5), PI.sqrt(), 1e-15);
        close(gamma(-2.5), -0.9453087204829419, 1e-15);
        close(gammaln(171.0), 706.5730622457874, 1e-15);
    }
}
