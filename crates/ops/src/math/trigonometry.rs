//! Circular and hyperbolic functions, and angles.

use super::unary::{real, slope_gradient, slope_operator, unary_operator};
use rsym_graph::*;
use rsym_kernels::math;

real! {
    /// Takes the sine of radians: `out = sin(data)`.
    Sin("sin", ["_sparse_sin"]) = |x| x.sin() => Sin,
    SinGrad("_backward_sin") of data = |g, x| g * x.cos(),
    then |x| -x.sin()
}

real! {
    /// Takes the cosine of radians: `out = cos(data)`.
    Cos("cos", ["_sparse_cos"]) = |x| x.cos() => Cos,
    CosGrad("_backward_cos") of data = |g, x| -g * x.sin(),
    then |x| -x.cos()
}

real! {
    /// Takes the tangent of radians: `out = tan(data)`.
    Tan("tan", ["_sparse_tan"]) = |x| x.tan() => Tan,
    TanGrad("_backward_tan") of output = |g, y| g * (y * y + F::one()),
    then |y| y * 2.0
}

real! {
    /// Takes the inverse sine, in radians: `out = arcsin(data)`.
    Arcsin("arcsin", ["_sparse_arcsin"]) = |x| x.asin() => Arcsin,
    ArcsinGrad("_backward_arcsin") of data = |g, x| g / (F::one() - x * x).sqrt(),
    then |x| x.clone() * (1.0 - x.clone() * x).powf(-1.5)
}

real! {
    /// Takes the inverse cosine, in radians: `out = arccos(data)`.
    Arccos("arccos", ["_sparse_arccos"]) = |x| x.acos() => Arccos,
    ArccosGrad("_backward_arccos") of data = |g, x| -g / (F::one() - x * x).sqrt(),
    then |x| -x.clone() * (1.0 - x.clone() * x).powf(-1.5)
}

real! {
    /// Takes the inverse tangent, in radians: `out = arctan(data)`.
    Arctan("arctan", ["_sparse_arctan"]) = |x| x.atan() => Arctan,
    ArctanGrad("_backward_arctan") of data = |g, x| g / (F::one() + x * x),
    then |x| x.clone() * (x.clone() * x + 1.0).powf(-2.0) * -2.0
}

real! {
    /// Takes the hyperbolic sine: `out = (e^data - e^-data) / 2`.
    Sinh("sinh", ["_sparse_sinh"]) = |x| x.sinh() => Sinh,
    SinhGrad("_backward_sinh") of data = |g, x| g * x.cosh(),
    then |x| x.sinh()
}

real! {
    /// Takes the hyperbolic cosine: `out = (e^data + e^-data) / 2`.
    Cosh("cosh", ["_sparse_cosh"]) = |x| x.cosh() => Cosh,
    CoshGrad("_backward_cosh") of data = |g, x| g * x.sinh(),
    then |x| x.cosh()
}

real! {
    /// Takes the hyperbolic tangent: `out = sinh(data) / cosh(data)`.
    Tanh("tanh", ["_sparse_tanh"]) = |x| math::tanh(x) => Tanh,
    TanhGrad("_backward_tanh") of output = |g, y| g * (F::one() - y * y) => TanhGrad,
    then |y| y * -2.0
}

real! {
    /// Takes the inverse hyperbolic sine: `out = arcsinh(data)`.
    Arcsinh("arcsinh", ["_sparse_arcsinh"]) = |x| x.asinh() => Arcsinh,
    ArcsinhGrad("_backward_arcsinh") of data = |g, x| g / (F::one() + x * x).sqrt(),
    then |x| -x.clone() * (x.clone() * x + 1.0).powf(-1.5)
}

real! {
    /// Takes the inverse hyperbolic cosine: `out = arccosh(data)`.
    Arccosh("arccosh", ["_sparse_arccosh"]) = |x| x.acosh() => Arccosh,
    ArccoshGrad("_backward_arccosh") of data = |g, x| g / (x * x - F::one()).sqrt(),
    then |x| -x.clone() * (x.clone() * x - 1.0).powf(-1.5)
}

real! {
    /// Takes the inverse hyperbolic tangent: `out = arctanh(data)`.
    Arctanh("arctanh", ["_sparse_arctanh"]) = |x| x.atanh() => Arctanh,
    ArctanhGrad("_backward_arctanh") of data = |g, x| g / (F::one() - x * x),
    then |x| x.clone() * (1.0 - x.clone() * x).powf(-2.0) * 2.0
}

real! {
    /// Converts radians to degrees: `out = data · 180 / π`.
    Degrees("degrees", ["_sparse_degrees"]) = |x| math::degrees(x),
    DegreesGrad("_backward_degrees") of data = |g, x| { let _ = x; math::degrees(g) },
    then zero
}

real! {
    /// Converts degrees to radians: `out = data · π / 180`.
    Radians("radians", ["_sparse_radians"]) = |x| math::radians(x),
    RadiansGrad("_backward_radians") of data = |g, x| { let _ = x; math::radians(g) },
    then zero
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
        near(value(&Sin {}, 0.7), 0.644217687237691);
        near(value(&Cos {}, 0.7), 0.7648421872844885);
        near(value(&Tan {}, 0.7), 0.8422883804630794);
        near(value(&Arcsin {}, 0.7), 0.775397496610753);
        near(value(&Arccos {}, 0.7), 0.7953988301841436);
        near(value(&Arctan {}, 0.7), 0.6107259643892086);
        near(value(&Sinh {}, 0.7), 0.7585837018395334);
        near(value(&Cosh {}, 0.7), 1.255169005630943);
        near(value(&Tanh {}, 0.7), 0.6043677771171636);
        near(value(&Arcsinh {}, 0.7), 0.6526665660823557);
        near(value(&Arccosh {}, 1.7), 1.123230982587296);
        near(value(&Arctanh {}, 0.7), 0.8673005276940531);
        near(value(&Degrees {}, std::f64::consts::PI), 180.0);
        near(value(&Radians {}, 90.0), std::f64::consts::FRAC_PI_2);
    }

    #[test]
    fn gradients_agree_with_differences() {
        macro_rules! check { ($x:expr; $($op:ident)*) => { $(check_gradient_at(&$op {}, &[Tensor::from_slice([3], &$x).unwrap()]);)* } }
        check!([-0.6, 0.1, 0.8]; Sin Cos Tan Arcsin Arccos Arctan Sinh Cosh Tanh Arcsinh Arctanh Degrees Radians);
        check!([1.2, 2.0, 5.0]; Arccosh);
    }
}
