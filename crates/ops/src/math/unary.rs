//! What all functions of one tensor share, and those that are exact on every numeric type.

use super::apply::{Exact, exact};
use super::formula::Formula;
use rsym_graph::*;
use rsym_kernels::number::Number;

/// Declares an operator on one input with an output of the same shape and type. `$run` computes it.
macro_rules! unary_operator {
    ($(#[doc = $doc:literal])* $op:ident($name:literal, [$($alias:literal),*]), $kind:path, $run:expr, $g:ident => $gradient:expr) => {
        operator! {
            $(#[doc = $doc])*
            ///
            /// | | shape | dtype |
            /// |---|---|---|
            /// | data | any | any but bool |
            /// | output | that of data | that of data |
            #[aliases($($alias),*)]
            #[unnamed(true)]
            pub struct $op($name) {
                inputs { data: "The input." }
                params {}
            }
        }

        impl Operator for $op {
            fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
                io.same()
            }

            fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
                $run(io)
            }

            fn pointwise(&self) -> Option<Pointwise> {
                $crate::math::apply::point(<$op as $kind>::SINGLE, 1)
            }

            fn gradient(&self, $g: &mut Grad) -> GraphResult {
                $gradient
            }

            fn inplace(&self) -> &'static [(usize, usize)] {
                &[(0, 0)]
            }
        }
    };
}
pub(super) use unary_operator;

/// Declares the hidden operator for the gradient of such a function, from the arriving gradient and the `data` or the
/// `output` of the function. After `then` comes the derivative of the slope by that value: a formula, `zero` or `unknown`.
macro_rules! slope_operator {
    ($grad:ident($name:literal), |$head:ident, $x:ident| $slope:expr $(=> $single:ident)?, then $($then:tt)+) => {
        operator! {
            /// The gradient of the function of the same name.
            #[hidden(true)]
            pub struct $grad($name) {
                inputs { ograd: "Gradient of the output.", value: "Input or output of the function." }
                params {}
            }
        }

        impl $crate::math::apply::Slope for $grad {
            const SINGLE: Option<rsym_kernels::fused::Op> = $crate::math::apply::vector!($($single)?);
            #[inline(always)]
            fn of<F: rsym_kernels::real::Real>($head: F, $x: F) -> F {
                $slope
            }
        }

        impl Operator for $grad {
            fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
                io.same()
            }

            fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
                $crate::math::apply::slope::<$grad>(io)
            }

            fn pointwise(&self) -> Option<Pointwise> {
                $crate::math::apply::point(<$grad as $crate::math::apply::Slope>::SINGLE, 2)
            }

            fn gradient(&self, g: &mut Grad) -> GraphResult {
                slope_operator!(@then g, $grad, $($then)+)
            }

            fn inplace(&self) -> &'static [(usize, usize)] {
                &[(0, 0), (1, 0)]
            }
        }
    };
    (@then $g:ident, $grad:ident, zero) => { $crate::math::formula::second($g, $grad {}, |_| None) };
    (@then $g:ident, $grad:ident, unknown) => {
        if $g.needs(1) {
            $g.not_differentiable()
        } else {
            $crate::math::formula::second($g, $grad {}, |_| None)
        }
    };
    (@then $g:ident, $grad:ident, |$v:ident| $derivative:expr) => {
        $crate::math::formula::second($g, $grad {}, |$v| Some($derivative.into()))
    };
}
pub(super) use slope_operator;

/// The gradient by `op`, from input (`data`) or output (`output`) of the function.
macro_rules! slope_gradient {
    ($g:ident, $grad:ident, data) => {{
        let inputs = [$g.head(0)?, $g.input(0)];
        let gradient = $g.apply($grad {}, &inputs);
        $g.set(0, gradient);
        Ok(())
    }};
    ($g:ident, $grad:ident, output) => {{
        let inputs = [$g.head(0)?, $g.output(0)];
        let gradient = $g.apply($grad {}, &inputs);
        $g.set(0, gradient);
        Ok(())
    }};
}
pub(super) use slope_gradient;

/// Declares a function that is exact on every numeric type.
macro_rules! exact {
    ($(#[doc = $doc:literal])* $op:ident($name:literal, [$($alias:literal),*]) = |$x:ident| $f:expr => $single:ident, zero) => {
        exact! { @function $op |$x| $f => $single }
        unary_operator! {
            $(#[doc = $doc])*
            ///
            /// The gradient is zero.
            $op($name, [$($alias),*]), $crate::math::apply::Exact, exact::<$op>, _g => Ok(())
        }
    };
    ($(#[doc = $doc:literal])* $op:ident($name:literal, [$($alias:literal),*]) = |$x:ident| $f:expr => $single:ident,
     $grad:ident($gname:literal) of $port:ident = |$head:ident, $v:ident| $slope:expr => $gsingle:ident, then $($then:tt)+) => {
        exact! { @function $op |$x| $f => $single }
        unary_operator! { $(#[doc = $doc])* $op($name, [$($alias),*]), $crate::math::apply::Exact, exact::<$op>, g => slope_gradient!(g, $grad, $port) }
        slope_operator! { $grad($gname), |$head, $v| $slope => $gsingle, then $($then)+ }
    };
    (@function $op:ident |$x:ident| $f:expr => $single:ident) => {
        impl Exact for $op {
            const SINGLE: Option<rsym_kernels::fused::Op> = $crate::math::apply::vector!($single);
            #[inline(always)]
            fn of<T: Number>($x: T) -> T {
                $f
            }
        }
    };
}

/// Declares a function of real numbers.
macro_rules! real {
    ($(#[doc = $doc:literal])* $op:ident($name:literal, [$($alias:literal),*]) = |$x:ident| $f:expr $(=> $single:ident)?,
     $grad:ident($gname:literal) of $port:ident = |$head:ident, $v:ident| $slope:expr $(=> $gsingle:ident)?, then $($then:tt)+) => {
        impl $crate::math::apply::Unary for $op {
            const SINGLE: Option<rsym_kernels::fused::Op> = $crate::math::apply::vector!($($single)?);
            #[inline(always)]
            fn of<F: rsym_kernels::real::Real>($x: F) -> F {
                $f
            }
        }

        unary_operator! {
            $(#[doc = $doc])*
            ///
            /// Integers are computed in double precision and truncated.
            $op($name, [$($alias),*]), $crate::math::apply::Unary, $crate::math::apply::real::<$op>, g => slope_gradient!(g, $grad, $port)
        }

        slope_operator! { $grad($gname), |$head, $v| $slope $(=> $gsingle)?, then $($then)+ }
    };
}
pub(super) use real;

/// Declares a rounding function: the identity on integers.
macro_rules! rounding {
    ($(#[doc = $doc:literal])* $op:ident($name:literal, [$($alias:literal),*]) = $f:path => $single:ident) => {
        impl super::apply::Unary for $op {
            const SINGLE: Option<rsym_kernels::fused::Op> = $crate::math::apply::vector!($single);
            #[inline(always)]
            fn of<F: rsym_kernels::real::Real>(x: F) -> F {
                $f(x)
            }
        }

        unary_operator! {
            $(#[doc = $doc])*
            ///
            /// The gradient is zero.
            $op($name, [$($alias),*]), $crate::math::apply::Unary, rounded::<$op>, _g => Ok(())
        }
    };
}

/// Rounds; integers are handed on.
fn rounded<F: super::apply::Unary>(io: &mut Io) -> OpResult {
    let (data, out) = io.pair(0, 0);
    if matches!(out.dtype(), rsym_tensor::DType::Int64 | rsym_tensor::DType::Int32) {
        return Ok(out.assign(data)?);
    }
    super::apply::real::<F>(io)
}

exact! {
    /// Takes the absolute value: `out = |data|`.
    Abs("abs", ["_sparse_abs"]) = |x| x.magnitude() => Abs,
    AbsGrad("_backward_abs") of data = |g, x| g * rsym_kernels::math::sign(x) => AbsGrad,
    then zero
}

exact! {
    /// Takes the sign: `out` is -1, 0 or 1; 0 for NaN.
    Sign("sign", ["_sparse_sign"]) = |x| x.sign() => Sign, zero
}

exact! {
    /// Squares: `out = data²`.
    Square("square", ["_sparse_square"]) = |x| x.times(x) => Square,
    SquareGrad("_backward_square") of data = |g, x| g * (x + x) => SquareGrad,
    then |_x| Formula::Number(2.0)
}

exact! {
    /// Is 1 where the input is 0, otherwise 0: `out = not data`.
    LogicalNot("logical_not", []) = |x| T::truth(!x.is_true()) => Not, zero
}

exact! {
    /// Replaces negative values by 0: `out = max(data, 0)`; NaN stays.
    Relu("relu", ["_sparse_relu"]) = |x| if x.is_nan() || x > T::default() { x } else { T::default() } => Relu,
    ReluGrad("_backward_relu") of output = |g, y| if y.is_nan() { y } else if y > F::zero() { g } else { F::zero() } => ReluGrad,
    then zero
}

impl Exact for Negative {
    const SINGLE: Option<rsym_kernels::fused::Op> = super::apply::vector!(Negative);
    #[inline(always)]
    fn of<T: Number>(x: T) -> T {
        x.negate()
    }
}

unary_operator! {
    /// Negates: `out = -data`.
    Negative("negative", ["_sparse_negative"]), Exact, exact::<Negative>, g => {
        let head = g.head(0)?;
        let gradient = g.apply(Negative {}, &[head]);
        g.set(0, gradient);
        Ok(())
    }
}

rounding! {
    /// Rounds to the nearest whole number, halves away from zero.
    Round("round", ["_sparse_round"]) = rsym_kernels::math::round => Round
}

rounding! {
    /// Rounds to the nearest whole number, halves downwards.
    Rint("rint", ["_sparse_rint"]) = rsym_kernels::math::rint => Rint
}

rounding! {
    /// Rounds up to a whole number.
    Ceil("ceil", ["_sparse_ceil"]) = num_traits::Float::ceil => Ceil
}

rounding! {
    /// Rounds down to a whole number.
    Floor("floor", ["_sparse_floor"]) = num_traits::Float::floor => Floor
}

rounding! {
    /// Rounds to a whole number towards zero.
    Trunc("trunc", ["_sparse_trunc"]) = num_traits::Float::trunc => Trunc
}

rounding! {
    /// Rounds to a whole number towards zero, as `trunc` does.
    Fix("fix", ["_sparse_fix"]) = rsym_kernels::math::fix => Trunc
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient, run};
    use rsym_tensor::{DType, Element, Tensor};

    fn values<T: Element>(op: &dyn Operator, x: &[T]) -> Vec<f64> {
        run(op, &[Tensor::from_slice([x.len()], x).unwrap()]).remove(0).to_f64_vec()
    }

    #[test]
    fn integers_stay_exact() {
        let large = i64::MAX - 1;
        assert_eq!(run(&Negative {}, &[Tensor::from_slice([1], &[large]).unwrap()])[0].slice::<i64>().unwrap(), [-large]);
        assert_eq!(run(&Floor {}, &[Tensor::from_slice([1], &[large]).unwrap()])[0].slice::<i64>().unwrap(), [large]);
        assert_eq!(values(&Negative {}, &[3u8, 0, 5]), [253.0, 0.0, 251.0]);
        assert_eq!(values(&Square {}, &[100i8]), [16.0]);
        assert_eq!(values(&Relu {}, &[-3i32, 4]), [0.0, 4.0]);
        assert_eq!(values(&Ceil {}, &[7u8]), [7.0]);
    }

    #[test]
    fn ties_and_not_a_number_as_in_mxnet() {
        let halves = [0.5f32, 1.5, 2.5, -0.5, -2.5];
        assert_eq!(values(&Rint {}, &halves), [0.0, 1.0, 2.0, -1.0, -3.0]);
        assert_eq!(values(&Round {}, &halves), [1.0, 2.0, 3.0, -1.0, -3.0]);
        assert_eq!(values(&Fix {}, &halves), [0.0, 1.0, 2.0, 0.0, -2.0]);
        assert_eq!(values(&Sign {}, &[f32::NAN]), [0.0]);
        assert_eq!(values(&LogicalNot {}, &[f32::NAN, 0.0]), [0.0, 1.0]);
        assert!(values(&Relu {}, &[f32::NAN])[0].is_nan());
    }

    #[test]
    fn gradients_agree_with_differences() {
        let shapes = [[3, 4].into()];
        check_gradient(&Abs {}, &shapes, DType::Float64);
        check_gradient(&Square {}, &shapes, DType::Float64);
        check_gradient(&Relu {}, &shapes, DType::Float64);
        check_gradient(&Negative {}, &shapes, DType::Float64);
        check_gradient(&Floor {}, &shapes, DType::Float64);
    }
}
