//! The exponential of numbers that are not positive, open to vector instructions in single precision.

use crate::real::{Real, double, real};
use rsym_tensor::DType;

/// Below this the exponential is under the smallest normal number and becomes 0.
const UNDERFLOW: f32 = -87.33;
/// Adding and subtracting this rounds to a whole number, which the low bits of the sum hold.
const ROUND: f32 = 12_582_912.0;
/// ln 2 as a number with few bits and the rest.
const LN2: (f32, f32) = (0.693_359_4, -2.121_944_4e-4);
/// The minimax polynomial of `(exp(r) - 1 - r) / r^2` on [-ln 2 / 2, ln 2 / 2], highest power first.
const POLYNOMIAL: [f32; 6] = [1.987_569_1e-4, 1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5];

/// `exp(x)` for `x <= 0` or NaN.
#[inline(always)]
pub(super) fn exp<C: Real>(x: C) -> C {
    if C::DTYPE == DType::Float32 { real(exp_f32(double(x) as f32) as f64) } else { x.exp() }
}

#[inline(always)]
fn exp_f32(x: f32) -> f32 {
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * LN2.0) - n * LN2.1;
    let p = POLYNOMIAL.iter().fold(0.0, |p, c| p * r + c);
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23));
    let value = (p * r * r + r + 1.0) * power;
    if x < UNDERFLOW { 0.0 } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_precision_agrees_with_double() {
        for i in 0..200_000 {
            let x = -87.3 * i as f32 / 200_000.0;
            let want = (x as f64).exp();
            assert!((exp(x) as f64 - want).abs() <= 1.5e-7 * want, "exp({x})");
        }
    }

    #[test]
    fn borders_are_exact() {
        assert_eq!(exp(0.0f32), 1.0);
        assert_eq!(exp(-0.0f32), 1.0);
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp(-100.0f32), 0.0);
        assert!(exp(f32::NAN).is_nan());
        assert_eq!(exp(-1.0f64), (-1.0f64).exp());
    }
}
