//! Sigmoids, the error function, the gamma function and their relatives.

use super::unary::{real, slope_gradient, slope_operator, unary_operator};
use rsym_graph::*;
use rsym_kernels::math::{self, constant as c};

real! {
    /// Takes the logistic function: `out = 1 / (1 + e^-data)`.
    Sigmoid("sigmoid", ["_sparse_sigmoid"]) = |x| math::sigmoid(x) => Sigmoid,
    SigmoidGrad("_backward_sigmoid") of output = |g, y| g * (y * (F::one() - y)) => SigmoidGrad,
    then |y| 1.0 - y * 2.0
}

real! {
    /// Takes the softsign: `out = data / (1 + |data|)`.
    Softsign("softsign", []) = |x| math::softsign(x) => Softsign,
    SoftsignGrad("_backward_softsign") of data = |g, x| g / ((F::one() + x.abs()) * (F::one() + x.abs())) => SoftsignGrad,
    then |x| x.clone().sign() * (x.abs() + 1.0).powf(-3.0) * -2.0
}

real! {
    /// Takes the error function: `out = 2/√π ∫₀^data e^(-t²) dt`.
    Erf("erf", ["_npx_erf"]) = |x| math::erf(x) => Erf,
    ErfGrad("_backward_erf") of data = |g, x| g * c(std::f64::consts::FRAC_2_SQRT_PI) * (-x * x).exp() => ErfGrad,
    then |x| (-(x.clone() * x.clone())).exp() * x * (-2.0 * std::f64::consts::FRAC_2_SQRT_PI)
}

real! {
    /// Takes the inverse of the error function: ±infinity at ±1, NaN beyond.
    Erfinv("erfinv", ["_npx_erfinv"]) = |x| math::erfinv(x) => Erfinv,
    ErfinvGrad("_backward_erfinv") of output = |g, y| g / c(std::f64::consts::FRAC_2_SQRT_PI) * (y * y).exp(),
    then |y| (y.clone() * y.clone()).exp() * y * (2.0 / std::f64::consts::FRAC_2_SQRT_PI)
}

real! {
    /// Takes the gamma function: `out = Γ(data)`.
    Gamma("gamma", ["_npx_gamma", "_sparse_gamma"]) = |x| math::gamma(x) => Gamma,
    GammaGrad("_backward_gamma") of data = |g, x| g * math::gamma(x) * math::digamma(x),
    then unknown
}

real! {
    /// Takes the logarithm of the absolute gamma function: `out = ln|Γ(data)|`.
    Gammaln("gammaln", ["_npx_gammaln", "_sparse_gammaln"]) = |x| math::gammaln(x) => Gammaln,
    GammalnGrad("_backward_gammaln") of data = |g, x| g * math::digamma(x),
    then unknown
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
        near(value(&Sigmoid {}, 0.7), 0.6681877721681662);
        near(value(&Softsign {}, -3.0), -0.75);
        near(value(&Erf {}, 0.7), 0.6778011938374184);
        near(value(&Erfinv {}, 0.6778011938374184), 0.7);
        near(value(&Gamma {}, 4.5), 11.631728396567446);
        near(value(&Gammaln {}, 0.3), 1.0957979948180752);
    }

    #[test]
    fn gradients_agree_with_differences() {
        macro_rules! check { ($x:expr; $($op:ident)*) => { $(check_gradient_at(&$op {}, &[Tensor::from_slice([3], &$x).unwrap()]);)* } }
        check!([0.3, 0.6, 0.85]; Sigmoid Softsign Erf Erfinv Gamma Gammaln);
    }
}
