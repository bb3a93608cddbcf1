//! Activation functions.

use super::{constant, erfc};
use num_traits::Float;

/// Scale of [`selu`].
pub const SELU_LAMBDA: f64 = 1.050_700_987_355_480_5;
/// Scale of the negative half of [`selu`], before [`SELU_LAMBDA`].
pub const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;

/// `1 / (1 + exp(-x))`
#[inline(always)]
pub fn sigmoid<F: Float>(x: F) -> F {
    (F::one() + (-x).exp()).recip()
}

/// The hyperbolic tangent. In single precision it is several times as fast as the standard library's and within two
/// units in the last place: S. Moshier's polynomial (Cephes) near zero, the exponential beyond.
#[inline(always)]
pub fn tanh<F: Float>(x: F) -> F {
    const NEAR: [f64; 5] =
        [-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1];
    if size_of::<F>() != size_of::<f32>() {
        return x.tanh();
    }
    let (size, two) = (x.abs(), constant::<F>(2.0));
    let result = if size < constant(0.625) {
        let square = x * x;
        size + size * square * NEAR.iter().fold(F::zero(), |sum, &c| sum * square + constant(c))
    } else {
        F::one() - two / ((size * two).exp() + F::one())
    };
    result.copysign(x)
}

/// `x / (1 + |x|)`
#[inline(always)]
pub fn softsign<F: Float>(x: F) -> F {
    x / (F::one() + x.abs())
}

/// `max(x, 0)`; NaN stays.
#[inline(always)]
pub fn relu<F: Float>(x: F) -> F {
    if x <= F::zero() { F::zero() } else { x }
}

/// `log(1 + exp(x))` without overflow or cancellation.
#[inline(always)]
pub fn softrelu<F: Float>(x: F) -> F {
    relu(x) + (-x.abs()).exp().ln_1p()
}

/// `log(sigmoid(x))` without overflow or cancellation.
#[inline(always)]
pub fn log_sigmoid<F: Float>(x: F) -> F {
    -softrelu(-x)
}

/// `x tanh(log(1 + exp(x)))`, computed without the hyperbolic function.
#[inline(always)]
pub fn mish<F: Float>(x: F) -> F {
    let two = constant::<F>(2.0);
    let e = (-x.abs()).exp();
    let ratio = if x >= F::zero() {
        (F::one() + two * e) / (F::one() + two * e + two * e * e)
    } else {
        e * (e + two) / (e * (e + two) + two)
    };
    x * ratio
}

/// `min(1, max(0, alpha x + beta))`
#[inline(always)]
pub fn hard_sigmoid<F: Float>(x: F, alpha: F, beta: F) -> F {
    super::clip(alpha * x + beta, F::zero(), F::one())
}

/// `x Phi(x)` with the normal distribution function in its exact, error function form.
#[inline(always)]
pub fn gelu<F: Float>(x: F) -> F {
    x * normal_cdf(x)
}

/// Derivative of [`gelu`].
#[inline(always)]
pub fn gelu_slope<F: Float>(x: F) -> F {
    let density = constant::<F>(0.398_942_280_401_432_7) * (constant::<F>(-0.5) * x * x).exp();
    normal_cdf(x) + x * density
}

/// The distribution function of the standard normal distribution.
#[inline(always)]
pub fn normal_cdf<F: Float>(x: F) -> F {
    constant::<F>(0.5) * erfc(x * constant(-std::f64::consts::FRAC_1_SQRT_2))
}

/// `x` for positive `x`, otherwise `slope (exp(x) - 1)`.
#[inline(always)]
pub fn elu<F: Float>(x: F, slope: F) -> F {
    if x > F::zero() { x } else { slope * x.exp_m1() }
}

/// `x` for positive `x`, otherwise `slope x`.
#[inline(always)]
pub fn leaky<F: Float>(x: F, slope: F) -> F {
    if x > F::zero() { x } else { slope * x }
}

/// [`elu`] with the constants that keep mean 0 and variance 1.
#[inline(always)]
pub fn selu<F: Float>(x: F) -> F {
    constant::<F>(SELU_LAMBDA) * elu(x, constant(SELU_ALPHA))
}

/// `(sigma x)^2 / 2` for `|x| < 1/sigma^2`, otherwise `|x| - 1/(2 sigma^2)`.
#[inline(always)]
pub fn smooth_l1<F: Float>(x: F, sigma: F) -> F {
    let (half, square) = (constant::<F>(0.5), sigma * sigma);
    if x.abs() < square.recip() { half * x * x * square } else { x.abs() - half / square }
}

/// Derivative of [`smooth_l1`] by `x`.
#[inline(always)]
pub fn smooth_l1_slope<F: Float>(x: F, sigma: F) -> F {
    let square = sigma * sigma;
    if x.abs() > square.recip() { super::sign(x) } else { square * x }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: f64, want: f64) {
        assert!((got - want).abs() <= 2e-15 * want.abs(), "{got} instead of {want}");
    }

    #[test]
    fn softrelu_holds_at_both_ends() {
        assert_eq!([-f32::INFINITY, f32::INFINITY, 100.0, -200.0].map(softrelu), [0.0, f32::INFINITY, 100.0, 0.0]);
        close(softrelu(-30.0), 9.35762296883973e-14);
        close(softrelu(0.0), 2f64.ln());
        close(log_sigmoid(30.0), -9.35762296883973e-14);
        assert!(softrelu(f32::NAN).is_nan());
    }

    #[test]
    fn tanh_is_good_to_two_units_in_the_last_place() {
        for i in 0..200_000 {
            let x = i as f32 * 1e-4 - 10.0;
            let want = (x as f64).tanh();
            let ulp = (want as f32).abs().max(f32::MIN_POSITIVE) * f32::EPSILON;
            assert!((tanh(x) as f64 - want).abs() <= 2.0 * ulp as f64, "at {x}");
        }
        assert_eq!([f32::INFINITY, -90.0, 1e-30].map(tanh), [1.0, -1.0, 1e-30]);
        assert!(tanh(f32::NAN).is_nan() && tanh(-0.0f32).is_sign_negative());
        assert_eq!(tanh(0.3f64), 0.3f64.tanh());
    }

    #[test]
    fn mish_is_its_formula() {
        for x in [-30.0f64, -3.0, -0.5, 0.0, 0.7, 3.0, 18.0] {
            assert!((mish(x) - x * softrelu(x).tanh()).abs() <= 4e-15 * x.abs(), "at {x}");
        }
        assert_eq!(mish(1e30f32), 1e30);
    }

    #[test]
    fn relu_keeps_not_a_number() {
        assert!(relu(f32::NAN).is_nan());
        assert_eq!([-1.0f32, -0.0, 2.0].map(relu), [0.0, 0.0, 2.0]);
        assert!(softsign(f32::INFINITY).is_nan());
    }

    // MXNet 1.9.1, LeakyReLU and smooth_l1 in float32.
    #[test]
    fn values_of_mxnet() {
        let near = |got: f32, want: f32| assert!((got - want).abs() <= 2e-7 * want.abs(), "{got} instead of {want}");
        [-2.0, -1.0, 1.0, -0.3]
            .map(selu)
            .iter()
            .zip([-1.5201665, -1.1113307, 1.050701, -0.45566735])
            .for_each(|(g, w)| near(*g, w));
        [-1.0, 1.0, 0.5].map(gelu).iter().zip([-0.15865527, 0.84134465, 0.3457312]).for_each(|(g, w)| near(*g, w));
        [-2.0, 0.5].map(|x| elu(x, 0.25)).iter().zip([-0.21616618, 0.5]).for_each(|(g, w)| near(*g, w));
        [-2.0, 0.1, 0.5].map(|x| smooth_l1(x, 2.0)).iter().zip([1.875, 0.02, 0.375]).for_each(|(g, w)| near(*g, w));
        [-3.0, 0.5, 3.0].map(|x| hard_sigmoid(x, 0.2, 0.5)).iter().zip([0.0, 0.6, 1.0]).for_each(|(g, w)| near(*g, w));
    }

    #[test]
    fn slopes_are_the_differences() {
        let h = 1e-6;
        for x in [-2.0f64, -0.2, 0.1, 0.24, 1.5] {
            let near =
                |f: fn(f64) -> f64, slope: f64| assert!(((f(x + h) - f(x - h)) / (2.0 * h) - slope).abs() < 1e-9);
            near(gelu, gelu_slope(x));
            near(|x| smooth_l1(x, 2.0), smooth_l1_slope(x, 2.0));
        }
    }
}
