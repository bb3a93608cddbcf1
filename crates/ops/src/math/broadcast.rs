//! Functions of two tensors whose shapes are broadcast against each other.

use super::apply::{self, Arg, binary};
use super::binary_grad::{self, pull};
use rsym_graph::*;
use rsym_tensor::PartialShape;

/// The shape of the result, as far as both shapes are known: where a dimension is not, the result's is not.
pub(super) fn broadcast_shape(lhs: &PartialShape, rhs: &PartialShape) -> OpResult<PartialShape> {
    let (Some(a), Some(b)) = (lhs.dims(), rhs.dims()) else { return Ok(PartialShape::unknown()) };
    let rank = a.len().max(b.len());
    let at = |dims: &[Option<usize>], i: usize| if i + dims.len() < rank { Some(1) } else { dims[i + dims.len() - rank] };
    let join = |i| match (at(&a, i), at(&b, i)) {
        (Some(x), Some(y)) if x != y && x != 1 && y != 1 => Err(mismatch(lhs, rhs)),
        (Some(x), Some(y)) => Ok(Some(if x == 1 { y } else { x })),
        _ => Ok(None),
    };
    Ok(PartialShape::partial((0..rank).map(join).collect::<OpResult<Vec<_>>>()?))
}

fn mismatch(lhs: &PartialShape, rhs: &PartialShape) -> OpError {
    OpError::invalid(format!(
        "shapes {lhs} and {rhs} cannot be broadcast: aligned at the right, dimensions must be equal or 1"
    ))
}

/// Declares an operator on two broadcast inputs, its function and its gradient rule.
macro_rules! broadcast {
    ($(#[doc = $doc:literal])* $op:ident($name:literal, [$($alias:literal),*]) = $function:ty, $g:ident => $gradient:expr) => {
        operator! {
            $(#[doc = $doc])*
            ///
            /// | | shape | dtype |
            /// |---|---|---|
            /// | lhs, rhs | aligned at the right, dimensions equal or 1 | any but bool, both equal |
            /// | output | the larger of each dimension | that dtype |
            #[aliases($($alias),*)]
            pub struct $op($name) {
                inputs { lhs: "The left operand.", rhs: "The right operand, of the same type." }
                params {}
            }
        }

        impl Operator for $op {
            fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
                let shape = broadcast_shape(&io.inputs[0], &io.inputs[1])?;
                io.set_output(0, shape)
            }

            fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
                let (lhs, rhs) = (Arg::input(io, 0), Arg::input(io, 1));
                binary::<$function>(lhs, rhs, &mut io.outputs[0])
            }

            fn pointwise(&self) -> Option<Pointwise> {
                $crate::math::apply::point(<$function as $crate::math::apply::Binary>::SINGLE, 2)
            }

            fn gradient(&self, $g: &mut Grad) -> GraphResult {
                $gradient
            }

            fn inplace(&self) -> &'static [(usize, usize)] {
                &[(0, 0), (1, 0)]
            }
        }
    };
}

broadcast! {
    /// Adds two inputs with broadcasting: `out = lhs + rhs`.
    BroadcastAdd("broadcast_add", ["_sparse_broadcast_add", "_sparse_broadcast_plus", "broadcast_plus"]) = apply::Plus,
    g => pull(g, true, binary_grad::add)
}

broadcast! {
    /// Subtracts the second input from the first with broadcasting: `out = lhs - rhs`.
    BroadcastSub("broadcast_sub", ["_sparse_broadcast_minus", "_sparse_broadcast_sub", "broadcast_minus"]) = apply::Minus,
    g => pull(g, true, binary_grad::sub)
}

broadcast! {
    /// Multiplies two inputs with broadcasting: `out = lhs * rhs`.
    BroadcastMul("broadcast_mul", ["_sparse_broadcast_mul"]) = apply::Times,
    g => pull(g, true, binary_grad::mul)
}

broadcast! {
    /// Divides the first input by the second with broadcasting: `out = lhs / rhs`.
    BroadcastDiv("broadcast_div", ["_sparse_broadcast_div"]) = apply::Over,
    g => pull(g, true, binary_grad::div)
}

broadcast! {
    /// Takes the remainder of a division with broadcasting: `out = lhs mod rhs`, with the sign of the divisor.
    BroadcastMod("broadcast_mod", []) = apply::Modulo,
    g => pull(g, true, binary_grad::modulo)
}

broadcast! {
    /// Raises to a power with broadcasting: `out = lhs ** rhs`.
    BroadcastPower("broadcast_power", []) = apply::Power,
    g => pull(g, true, binary_grad::power)
}

broadcast! {
    /// Takes the larger of two inputs with broadcasting: `out = max(lhs, rhs)`; the gradient of equals goes to lhs.
    BroadcastMaximum("broadcast_maximum", ["_npi_maximum"]) = apply::Larger,
    g => pull(g, true, binary_grad::maximum)
}

broadcast! {
    /// Takes the smaller of two inputs with broadcasting: `out = min(lhs, rhs)`; the gradient of equals goes to lhs.
    BroadcastMinimum("broadcast_minimum", ["_npi_minimum"]) = apply::Smaller,
    g => pull(g, true, binary_grad::minimum)
}

broadcast! {
    /// Computes the hypotenuse of right triangles with broadcasting: `out = sqrt(lhs² + rhs²)`.
    BroadcastHypot("broadcast_hypot", []) = apply::Hypot,
    g => pull(g, true, binary_grad::hypot)
}

broadcast! {
    /// Is 1 where both inputs are equal, otherwise 0, with broadcasting: `out = lhs == rhs`.
    BroadcastEqual("broadcast_equal", []) = apply::Equal, _g => Ok(())
}

broadcast! {
    /// Is 1 where the inputs differ, otherwise 0, with broadcasting: `out = lhs != rhs`.
    BroadcastNotEqual("broadcast_not_equal", []) = apply::NotEqual, _g => Ok(())
}

broadcast! {
    /// Is 1 where lhs is greater, otherwise 0, with broadcasting: `out = lhs > rhs`.
    BroadcastGreater("broadcast_greater", []) = apply::Greater, _g => Ok(())
}

broadcast! {
    /// Is 1 where lhs is greater or equal, otherwise 0, with broadcasting: `out = lhs >= rhs`.
    BroadcastGreaterEqual("broadcast_greater_equal", []) = apply::GreaterEqual, _g => Ok(())
}

broadcast! {
    /// Is 1 where lhs is smaller, otherwise 0, with broadcasting: `out = lhs < rhs`.
    BroadcastLesser("broadcast_lesser", []) = apply::Lesser, _g => Ok(())
}

broadcast! {
    /// Is 1 where lhs is smaller or equal, otherwise 0, with broadcasting: `out = lhs <= rhs`.
    BroadcastLesserEqual("broadcast_lesser_equal", []) = apply::LesserEqual, _g => Ok(())
}

broadcast! {
    /// Is 1 where neither input is 0, otherwise 0, with broadcasting: `out = lhs and rhs`.
    BroadcastAnd("broadcast_logical_and", []) = apply::And, _g => Ok(())
}

broadcast! {
    /// Is 1 where one of the inputs is not 0, otherwise 0, with broadcasting: `out = lhs or rhs`.
    BroadcastOr("broadcast_logical_or", []) = apply::Or, _g => Ok(())
}

broadcast! {
    /// Is 1 where exactly one of the inputs is 0, otherwise 0, with broadcasting: `out = lhs xor rhs`.
    BroadcastXor("broadcast_logical_xor", []) = apply::Xor, _g => Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient, check_gradient_at, run};
    use rsym_tensor::{DType, Shape, Tensor};

    fn infer(lhs: &[i64], rhs: &[i64]) -> OpResult<PartialShape> {
        broadcast_shape(&PartialShape::from_legacy(lhs), &PartialShape::from_legacy(rhs))
    }

    // MXNet 1.9.1: infer_shape_partial of broadcast_add.
    #[test]
    fn shapes_of_mxnet() {
        assert_eq!(infer(&[2, 0], &[1, 3]).unwrap(), PartialShape::from_legacy(&[2, 0]));
        assert_eq!(infer(&[2, 3], &[0, 3]).unwrap(), PartialShape::from_legacy(&[0, 3]));
        assert_eq!(infer(&[2, 0], &[3]).unwrap(), PartialShape::from_legacy(&[2, 0]));
        assert_eq!(infer(&[2, 3], &[]).unwrap(), PartialShape::unknown());
        assert_eq!(infer(&[4, 1, 3], &[5, 1]).unwrap(), PartialShape::from([4, 5, 3]));
        assert!(infer(&[2, 3], &[4]).is_err());
    }

    #[test]
    fn operands_are_repeated() {
        let a = Tensor::from_slice([2, 1], &[1f32, 2.0]).unwrap();
        let b = Tensor::from_slice([3], &[10f32, 20.0, 2.0]).unwrap();
        let value = |op: &dyn Operator| run(op, &[a.clone(), b.clone()]).remove(0).to_f64_vec();
        assert_eq!(value(&BroadcastSub {}), [-9.0, -19.0, -1.0, -8.0, -18.0, 0.0]);
        assert_eq!(value(&BroadcastGreaterEqual {}), [0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
        assert_eq!(value(&BroadcastMaximum {}), [10.0, 20.0, 2.0, 10.0, 20.0, 2.0]);
    }

    #[test]
    fn gradients_are_summed_down() {
        let shapes: [[Shape; 2]; 3] =
            [[[2, 3].into(), [3].into()], [[2, 1, 3].into(), [4, 1].into()], [[2, 3].into(), [2, 3].into()]];
        for shapes in &shapes {
            check_gradient(&BroadcastAdd {}, shapes, DType::Float64);
            check_gradient(&BroadcastSub {}, shapes, DType::Float64);
            check_gradient(&BroadcastMul {}, shapes, DType::Float64);
            check_gradient(&BroadcastDiv {}, shapes, DType::Float64);
            check_gradient(&BroadcastMaximum {}, shapes, DType::Float64);
            check_gradient(&BroadcastMinimum {}, shapes, DType::Float64);
            check_gradient(&BroadcastHypot {}, shapes, DType::Float64);
            check_gradient(&BroadcastXor {}, shapes, DType::Float64);
        }
        let a = Tensor::from_slice([3, 1], &[0.5, 1.7, 2.2]).unwrap();
        let b = Tensor::from_slice([2], &[0.3, -0.8]).unwrap();
        check_gradient_at(&BroadcastPower {}, &[a.clone(), b.clone()]);
        check_gradient_at(&BroadcastMod {}, &[a, b]);
    }
}
