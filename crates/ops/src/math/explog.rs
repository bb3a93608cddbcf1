//! Roots, exponentials and logarithms.

use super::unary::{real, slope_gradient, slope_operator, unary_operator};
use super::formula::Formula;
use rsym_graph::*;
use rsym_kernels::math::{self, constant as c};

real! {
    /// Takes the square root: `out = sqrt(data)`.
    Sqrt("sqrt", ["_sparse_sqrt"]) = |x| x.sqrt() => Sqrt,
    SqrtGrad("_backward_sqrt") of output = |g, y| g * c(0.5) / y => SqrtGrad,
    then |y| -0.5 / (y.clone() * y)
}

real! {
    /// Takes the inverse square root: `out = 1 / sqrt(data)`.
    Rsqrt("rsqrt", ["_sparse_rsqrt"]) = |x| math::rsqrt(x) => Rsqrt,
    RsqrtGrad("_backward_rsqrt") of output = |g, y| g * c(-0.5) * y * y * y => RsqrtGrad,
    then |y| y.clone() * y * -1.5
}

real! {
    /// Takes the cube root: `out = data^(1/3)`.
    Cbrt("cbrt", ["_sparse_cbrt"]) = |x| math::cbrt(x) => Cbrt,
    CbrtGrad("_backward_cbrt") of output = |g, y| g / (y * y * c(3.0)),
    then |y| y.powf(-3.0) * (-2.0 / 3.0)
}

real! {
    /// Takes the inverse cube root: `out = data^(-1/3)`.
    Rcbrt("rcbrt", []) = |x| math::rcbrt(x) => Rcbrt,
    RcbrtGrad("_backward_rcbrt") of output = |g, y| g * c(-1.0 / 3.0) * y * y * y * y,
    then |y| y.powf(3.0) * (-4.0 / 3.0)
}

real! {
    /// Takes the reciprocal: `out = 1 / data`.
    Reciprocal("reciprocal", []) = |x| x.recip() => Reciprocal,
    ReciprocalGrad("_backward_reciprocal") of output = |g, y| -g * y * y => ReciprocalGrad,
    then |y| y * -2.0
}

real! {
    /// Takes the exponential: `out = e^data`.
    Exp("exp", ["_sparse_exp"]) = |x| x.exp() => Exp,
    ExpGrad("_backward_exp") of output = |g, y| g * y => Mul,
    then |_y| Formula::Number(1.0)
}

real! {
    /// Takes the exponential less 1, exact for small values: `out = e^data - 1`.
    Expm1("expm1", ["_sparse_expm1"]) = |x| x.exp_m1() => Expm1,
    Expm1Grad("_backward_expm1") of data = |g, x| g * x.exp() => Expm1Grad,
    then |x| x.exp()
}

real! {
    /// Takes the natural logarithm: `out = ln(data)`.
    Log("log", ["_sparse_log"]) = |x| x.ln() => Log,
    LogGrad("_backward_log") of data = |g, x| g / x => Div,
    then |x| -1.0 / (x.clone() * x)
}

real! {
    /// Takes the decimal logarithm: `out = log₁₀(data)`.
    Log10("log10", ["_sparse_log10"]) = |x| x.log10() => Log10,
    Log10Grad("_backward_log10") of data = |g, x| g / (x * c(std::f64::consts::LN_10)),
    then |x| -std::f64::consts::LOG10_E / (x.clone() * x)
}

real! {
    /// Takes the binary logarithm: `out = log₂(data)`.
    Log2("log2", ["_sparse_log2"]) = |x| x.log2() => Log2,
    Log2Grad("_backward_log2") of data = |g, x| g / (x * c(std::f64::consts::LN_2)),
    then |x| -std::f64::consts::LOG2_E / (x.clone() * x)
}

real! {
    /// Takes the natural logarithm of 1 more, exact for small values: `out = ln(1 + data)`.
    Log1p("log1p", ["_sparse_log1p"]) = |x| x.ln_1p() => Log1p,
    Log1pGrad("_backward_log1p") of data = |g, x| g / (F::one() + x) => Log1pGrad,
    then |x| -1.0 * (x + 1.0).powf(-2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient_at, run};
    use rsym_tensor::Tensor;

    fn value(op: &dyn Operator, x: f64) -> f64 {
        run(op, &[Tensor::from_slice([1], &[x]).unwrap()])[0].to_f64_vec()[0]
    }

    #[test]
    fn values_of_the_formula() {
        let near = |got: f64, want: f64| assert!((got - want).abs() <= 1e-14 * want.abs(), "{got} instead of {want}");
        near(value(&Sqrt {}, 2.0), std::f64::consts::SQRT_2);
        near(value(&Rsqrt {}, 4.0), 0.5);
        near(value(&Cbrt {}, -27.0), -3.0);
        near(value(&Rcbrt {}, 8.0), 0.5);
        near(value(&Reciprocal {}, -4.0), -0.25);
        near(value(&Exp {}, 1.5), 4.4816890703380645);
        near(value(&Expm1 {}, 1e-9), 1.0000000005000001e-09);
        near(value(&Log {}, 3.0), 1.0986122886681098);
        near(value(&Log10 {}, 1000.0), 3.0);
        near(value(&Log2 {}, 0.125), -3.0);
        near(value(&Log1p {}, 1e-9), 9.999999995e-10);
    }

    // MXNet 1.9.1: no promotion, results truncated.
    #[test]
    fn integers_are_computed_and_truncated() {
        let x = Tensor::from_slice([3], &[3i8, 0, 5]).unwrap();
        assert_eq!(run(&Exp {}, &[x])[0].to_f64_vec(), [20.0, 1.0, -108.0]);
        let x = Tensor::from_slice([2], &[0i32, -3]).unwrap();
        assert_eq!(run(&Reciprocal {}, std::slice::from_ref(&x))[0].to_f64_vec(), [i32::MIN as f64, 0.0]);
        assert_eq!(run(&Sqrt {}, &[x])[0].to_f64_vec(), [0.0, i32::MIN as f64]);
    }

    #[test]
    fn half_precision_rounds_the_single_precision_result() {
        let x = Tensor::from_slice([1], &[rsym_tensor::f16::from_f32(3.0)]).unwrap();
        assert_eq!(run(&Exp {}, &[x])[0].to_f64_vec(), [20.078125]);
    }

    #[test]
    fn gradients_agree_with_differences() {
        macro_rules! check { ($x:expr; $($op:ident)*) => { $(check_gradient_at(&$op {}, &[Tensor::from_slice([3], &$x).unwrap()]);)* } }
        check!([0.3, 1.0, 2.5]; Sqrt Rsqrt Cbrt Rcbrt Reciprocal Exp Expm1 Log Log10 Log2 Log1p);
    }
}
