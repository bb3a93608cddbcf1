//! Arithmetic of a tensor and a number.

use super::apply::{self, Arg, Binary, binary};
use super::binary_grad::{Partial, ScalarGrad};
use super::elemwise::ElemwiseMul;
use super::unary::Negative;
use rsym_graph::*;
use rsym_tensor::DType;

/// Which side of a function the number is on.
#[derive(Clone, Copy)]
pub(super) enum Side {
    Left,
    Right,
}

/// Types of an operator with a number: floating point stays; a whole number keeps the type of integers and makes bool
/// `int64`, any other makes both `float64`.
pub(super) fn infer_type(io: &mut TypeIo, is_int: bool) -> OpResult {
    match io.inputs[0] {
        Some(DType::Bool) => io.set_output(0, if is_int { DType::Int64 } else { DType::Float64 }),
        Some(dtype) if !dtype.is_float() && !is_int => io.set_output(0, DType::Float64),
        Some(dtype) => io.set_output(0, dtype),
        None => io.unify(&[0], &[0]),
    }
}

/// `out = F(data, scalar)` or with the number on the left.
pub(super) fn forward<F: Binary>(io: &mut Io, scalar: f64, side: Side) -> OpResult {
    let dtype = io.outputs[0].dtype();
    let converted;
    let data = if io.inputs[0].dtype() == dtype {
        Arg::input(io, 0)
    } else {
        converted = io.inputs[0].cast(dtype)?;
        Arg::Tensor(&converted)
    };
    let out = &mut io.outputs[0];
    match side {
        Side::Left => binary::<F>(Arg::Scalar(scalar), data, out),
        Side::Right => binary::<F>(data, Arg::Scalar(scalar), out),
    }
}

/// Declares an operator on a tensor and a number.
macro_rules! scalar {
    ($(#[doc = $doc:literal])* $op:ident($name:literal, [$($alias:literal),*]) = $function:ty, $side:ident,
     |$this:ident, $g:ident| $gradient:expr) => {
        operator! {
            $(#[doc = $doc])*
            ///
            /// | | shape | dtype |
            /// |---|---|---|
            /// | data | any | any |
            /// | output | that of data | that of data; int64 for bool; float64 for bool and integers unless `is_int` |
            ///
            /// With integers the number is truncated to a whole number first, unless `is_int` is off.
            #[aliases($($alias),*)]
            #[unnamed(true)]
            pub struct $op($name) {
                inputs { data: "The tensor." }
                params {
                    /// The number.
                    scalar: f64 = 1.0,
                    /// Whether the number counts as a whole number, so that integers stay integers.
                    is_int: bool = true,
                }
            }
        }

        impl $op {
            /// The operator with this number.
            pub fn by(scalar: f64) -> $op {
                $op { scalar, is_int: true }
            }
        }

        impl Operator for $op {
            fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
                io.same()
            }

            fn infer_type(&self, io: &mut TypeIo) -> OpResult {
                $crate::math::scalar::infer_type(io, self.is_int)
            }

            fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
                use $crate::math::scalar::Side;
                $crate::math::scalar::forward::<$function>(io, self.scalar, Side::$side)
            }

            fn pointwise(&self) -> Option<Pointwise> {
                use $crate::math::scalar::Side;
                let (data, scalar) = (PointArg::Input(0), PointArg::Scalar(self.scalar));
                let args = match Side::$side {
                    Side::Left => [scalar, data],
                    Side::Right => [data, scalar],
                };
                $crate::math::apply::point_with(<$function as $crate::math::apply::Binary>::SINGLE, &args)
            }

            fn gradient(&self, $g: &mut Grad) -> GraphResult {
                let $this = self;
                $gradient
            }

            fn inplace(&self) -> &'static [(usize, usize)] {
                &[(0, 0)]
            }
        }
    };
}
pub(super) use scalar;

/// The arriving gradient changed by `op`.
fn chain(g: &mut Grad, op: impl Operator) -> GraphResult {
    let head = g.head(0)?;
    let gradient = g.apply(op, &[head]);
    g.set(0, gradient);
    Ok(())
}

fn pass(g: &mut Grad) -> GraphResult {
    let head = g.head(0)?;
    g.set(0, head);
    Ok(())
}

fn by(g: &mut Grad, partial: Partial, scalar: f64) -> GraphResult {
    let inputs = [g.head(0)?, g.input(0)];
    let gradient = g.apply(ScalarGrad { partial, scalar }, &inputs);
    g.set(0, gradient);
    Ok(())
}

scalar! {
    /// Adds a number: `out = data + scalar`.
    PlusScalar("_plus_scalar", ["_PlusScalar"]) = apply::Plus, Right, |_op, g| pass(g)
}

scalar! {
    /// Subtracts a number: `out = data - scalar`.
    MinusScalar("_minus_scalar", ["_MinusScalar"]) = apply::Minus, Right, |_op, g| pass(g)
}

scalar! {
    /// Subtracts from a number: `out = scalar - data`.
    RMinusScalar("_rminus_scalar", ["_RMinusScalar"]) = apply::Minus, Left, |_op, g| chain(g, Negative {})
}

scalar! {
    /// Multiplies by a number: `out = data * scalar`.
    MulScalar("_mul_scalar", ["_MulScalar"]) = apply::Times, Right, |op, g| chain(g, op.clone())
}

scalar! {
    /// Divides by a number: `out = data / scalar`.
    DivScalar("_div_scalar", ["_DivScalar"]) = apply::Over, Right, |op, g| chain(g, op.clone())
}

scalar! {
    /// Divides a number: `out = scalar / data`.
    RDivScalar("_rdiv_scalar", ["_RDivScalar"]) = apply::Over, Left, |op, g| by(g, Partial::DivRhs, op.scalar)
}

scalar! {
    /// Takes the remainder of the division by a number: `out = data mod scalar`, with the sign of the number.
    ModScalar("_mod_scalar", ["_ModScalar"]) = apply::Modulo, Right, |op, g| by(g, Partial::ModLhs, op.scalar)
}

scalar! {
    /// Takes the remainder of the division of a number: `out = scalar mod data`, with the sign of data.
    RModScalar("_rmod_scalar", ["_RModScalar"]) = apply::Modulo, Left, |op, g| by(g, Partial::ModRhs, op.scalar)
}

scalar! {
    /// Raises to the power of a number: `out = data ** scalar`.
    PowerScalar("_power_scalar", ["_PowerScalar"]) = apply::Power, Right, |op, g| by(g, Partial::PowerLhs, op.scalar)
}

scalar! {
    /// Raises a number to powers: `out = scalar ** data`.
    RPowerScalar("_rpower_scalar", ["_RPowerScalar"]) = apply::Power, Left, |op, g| {
        let factors = [g.head(0)?, g.output(0)];
        let product = g.apply(ElemwiseMul {}, &factors);
        let gradient = g.apply(MulScalar::by(op.scalar.ln()), &[product]);
        g.set(0, gradient);
        Ok(())
    }
}

scalar! {
    /// Takes the larger of data and a number: `out = max(data, scalar)`. Where both are equal, the gradient passes.
    MaximumScalar("_maximum_scalar", ["_MaximumScalar", "_npi_maximum_scalar"]) = apply::Larger, Right,
    |op, g| by(g, Partial::MaximumLhs, op.scalar)
}

scalar! {
    /// Takes the smaller of data and a number: `out = min(data, scalar)`. Where both are equal, the gradient passes.
    MinimumScalar("_minimum_scalar", ["_MinimumScalar", "_npi_minimum_scalar"]) = apply::Smaller, Right,
    |op, g| by(g, Partial::MinimumLhs, op.scalar)
}

scalar! {
    /// Computes the hypotenuse of a right triangle: `out = sqrt(data² + scalar²)`.
    HypotScalar("_hypot_scalar", ["_HypotScalar", "_npi_hypot_scalar"]) = apply::Hypot, Right,
    |op, g| by(g, Partial::HypotLhs, op.scalar)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient_at, run};
    use rsym_tensor::{Element, Tensor};

    fn result<T: Element>(op: &dyn Operator, x: &[T]) -> (DType, Vec<f64>) {
        let out = run(op, &[Tensor::from_slice([x.len()], x).unwrap()]).remove(0);
        (out.dtype(), out.to_f64_vec())
    }

    // MXNet 1.9.1 with scalar 2.7 on [3, 0, 5].
    #[test]
    fn integers_truncate_the_number_or_become_double() {
        let x = [3i32, 0, 5];
        assert_eq!(result(&PlusScalar::by(2.7), &x), (DType::Int32, vec![5.0, 2.0, 7.0]));
        assert_eq!(result(&PowerScalar::by(2.7), &x), (DType::Int32, vec![9.0, 0.0, 25.0]));
        assert_eq!(result(&PlusScalar { scalar: 2.7, is_int: false }, &x), (DType::Float64, vec![5.7, 2.7, 7.7]));
        assert_eq!(result(&RModScalar { scalar: 2.7, is_int: false }, &x), (DType::Float64, vec![2.7, 0.0, 2.7]));
        assert_eq!(result(&PlusScalar::by(2.7), &[true, false]), (DType::Int64, vec![3.0, 2.0]));
        let op = PlusScalar { scalar: 2.7, is_int: false };
        assert_eq!(result(&op, &[true, false]), (DType::Float64, vec![3.7, 2.7]));
    }

    #[test]
    fn both_sides() {
        let x = [2.0f64, 8.0];
        assert_eq!(result(&RMinusScalar::by(3.0), &x).1, [1.0, -5.0]);
        assert_eq!(result(&RDivScalar::by(4.0), &x).1, [2.0, 0.5]);
        assert_eq!(result(&RPowerScalar::by(2.0), &x).1, [4.0, 256.0]);
        assert_eq!(result(&DivScalar::by(4.0), &x).1, [0.5, 2.0]);
        assert_eq!(result(&MaximumScalar::by(3.0), &x).1, [3.0, 8.0]);
        let mut io = [Tensor::from_slice([2], &x).unwrap()];
        let inputs = io.clone();
        RMinusScalar::by(3.0).forward(&mut Io { inputs: &inputs, outputs: &mut io }, &Ctx::default()).unwrap();
        assert_eq!(io[0].to_f64_vec(), [1.0, -5.0]);
    }

    #[test]
    fn an_unknown_type_stays_unknown() {
        let (mut inputs, mut outputs) = ([None], [None]);
        PlusScalar::by(1.0).infer_type(&mut TypeIo { inputs: &mut inputs, outputs: &mut outputs }).unwrap();
        assert_eq!((inputs[0], outputs[0]), (None, None));
    }

    #[test]
    fn gradients_agree_with_differences() {
        let x = [Tensor::from_slice([4], &[0.4, 1.7, 2.5, 0.9]).unwrap()];
        macro_rules! check { ($($op:ident)*) => { $(check_gradient_at(&$op::by(1.3), &x);)* } }
        check! { PlusScalar MinusScalar RMinusScalar MulScalar DivScalar RDivScalar ModScalar RModScalar PowerScalar
        RPowerScalar MaximumScalar MinimumScalar HypotScalar }
    }
}
