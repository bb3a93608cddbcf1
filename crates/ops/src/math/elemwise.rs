//! Arithmetic of two tensors of one shape.

use super::apply::{self, Arg, binary};
use super::binary_grad::{self, pull};
use rsym_graph::*;

/// Declares an operator on two inputs of equal shape, its function and its gradient rule.
macro_rules! elemwise {
    ($(#[doc = $doc:literal])* $op:ident($name:literal, [$($alias:literal),*]) = $function:ty, $g:ident => $gradient:expr) => {
        operator! {
            $(#[doc = $doc])*
            ///
            /// | | shape | dtype |
            /// |---|---|---|
            /// | lhs, rhs | any, both equal | any but bool, both equal |
            /// | output | that shape | that dtype |
            #[aliases($($alias),*)]
            pub struct $op($name) {
                inputs { lhs: "The left operand.", rhs: "The right operand, of the same shape and type." }
                params {}
            }
        }

        impl Operator for $op {
            fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
                io.same()
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
pub(super) use elemwise;

elemwise! {
    /// Adds two inputs element by element: `out = lhs + rhs`.
    ElemwiseAdd("elemwise_add", ["_Plus", "_add", "_plus", "_sparse_elemwise_add"]) = apply::Plus,
    g => pull(g, false, binary_grad::add)
}

elemwise! {
    /// Subtracts the second input from the first element by element: `out = lhs - rhs`.
    ElemwiseSub("elemwise_sub", ["_Minus", "_minus", "_sparse_elemwise_sub", "_sub"]) = apply::Minus,
    g => pull(g, false, binary_grad::sub)
}

elemwise! {
    /// Multiplies two inputs element by element: `out = lhs * rhs`.
    ElemwiseMul("elemwise_mul", ["_Mul", "_mul", "_sparse_elemwise_mul"]) = apply::Times,
    g => pull(g, false, binary_grad::mul)
}

elemwise! {
    /// Divides the first input by the second element by element: `out = lhs / rhs`.
    ///
    /// Integers divide towards zero; a division of an integer by zero gives 0.
    ElemwiseDiv("elemwise_div", ["_Div", "_div", "_sparse_elemwise_div"]) = apply::Over,
    g => pull(g, false, binary_grad::div)
}

elemwise! {
    /// Takes the remainder of a division element by element: `out = lhs mod rhs`, with the sign of the divisor.
    ///
    /// A divisor of 0 gives 0.
    Mod("_mod", ["_Mod"]) = apply::Modulo, g => pull(g, false, binary_grad::modulo)
}

elemwise! {
    /// Raises to a power element by element: `out = lhs ** rhs`.
    Power("_power", ["_Power"]) = apply::Power, g => pull(g, false, binary_grad::power)
}

elemwise! {
    /// Takes the larger of two inputs element by element: `out = max(lhs, rhs)`; NaN if one of them is NaN.
    ///
    /// Where both are equal, the whole gradient goes to lhs.
    Maximum("_maximum", ["_Maximum"]) = apply::Larger, g => pull(g, false, binary_grad::maximum)
}

elemwise! {
    /// Takes the smaller of two inputs element by element: `out = min(lhs, rhs)`; NaN if one of them is NaN.
    ///
    /// Where both are equal, the whole gradient goes to lhs.
    Minimum("_minimum", ["_Minimum"]) = apply::Smaller, g => pull(g, false, binary_grad::minimum)
}

elemwise! {
    /// Computes the hypotenuse of a right triangle element by element: `out = sqrt(lhs² + rhs²)`.
    Hypot("_hypot", ["_Hypot"]) = apply::Hypot, g => pull(g, false, binary_grad::hypot)
}

elemwise! {
    /// Adds two gradients element by element: `out = lhs + rhs`.
    ///
    /// Unlike `elemwise_add` it has no gradient of its own.
    GradAdd("_grad_add", []) = apply::Plus, g => g.not_differentiable()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient, check_gradient_at, run};
    use rsym_tensor::{DType, Element, PartialShape, Tensor};

    fn values<T: Element>(op: &dyn Operator, a: &[T], b: &[T]) -> Vec<f64> {
        let tensor = |x: &[T]| Tensor::from_slice([x.len()], x).unwrap();
        run(op, &[tensor(a), tensor(b)]).remove(0).to_f64_vec()
    }

    #[test]
    fn values_of_mxnet() {
        let (a, b) = ([3f32, -5.0, 7.5], [2f32, 3.0, 7.5]);
        assert_eq!(values(&ElemwiseAdd {}, &a, &b), [5.0, -2.0, 15.0]);
        assert_eq!(values(&ElemwiseDiv {}, &a, &b), [1.5, (-5f32 / 3.0) as f64, 1.0]);
        assert_eq!(values(&Mod {}, &a, &b), [1.0, 1.0, 0.0]);
        assert_eq!(values(&Maximum {}, &[f32::NEG_INFINITY, 1.0], &[0.0, 2.0]), [0.0, 2.0]);
        assert_eq!(values(&Power {}, &[3u8, 0, 5], &[2, 2, 5]), [9.0, 0.0, 53.0]);
        assert_eq!(values(&Hypot {}, &[3i32, 0, 5], &[2, 2, 5]), [3.0, 2.0, 7.0]);
    }

    #[test]
    fn shapes_flow_in_both_directions() {
        let mut inputs = [PartialShape::from_legacy(&[2, 0]), PartialShape::from_legacy(&[0, 3])];
        let mut outputs = [PartialShape::unknown()];
        ElemwiseAdd {}.infer_shape(&mut ShapeIo { inputs: &mut inputs, outputs: &mut outputs }).unwrap();
        assert!(inputs.iter().chain(&outputs).all(|s| *s == PartialShape::from([2, 3])));
        let mut inputs = [PartialShape::from([2, 3]), PartialShape::from([2, 1])];
        let error = ElemwiseAdd {}.infer_shape(&mut ShapeIo { inputs: &mut inputs, outputs: &mut outputs });
        assert!(matches!(error, Err(OpError::Mismatch { port: Port::Input(1), .. })));
    }

    #[test]
    fn in_place_on_either_side() {
        for i in 0..2 {
            let inputs = [2f64, 6.0].map(|v| Tensor::full([5], DType::Float64, v).unwrap());
            let mut outputs = [inputs[i].clone()];
            let mut io = Io { inputs: &inputs, outputs: &mut outputs };
            ElemwiseDiv {}.forward(&mut io, &Ctx::default()).unwrap();
            assert_eq!(outputs[0].to_f64_vec(), [2.0 / 6.0; 5]);
        }
    }

    #[test]
    fn bool_is_refused() {
        let flags = [Tensor::zeros([2], DType::Bool).unwrap(), Tensor::zeros([2], DType::Bool).unwrap()];
        let mut outputs = [Tensor::zeros([2], DType::Bool).unwrap()];
        let mut io = Io { inputs: &flags, outputs: &mut outputs };
        assert!(ElemwiseAdd {}.forward(&mut io, &Ctx::default()).is_err());
    }

    #[test]
    fn gradients_agree_with_differences() {
        let shapes = [[2, 3].into(), [2, 3].into()];
        check_gradient(&ElemwiseAdd {}, &shapes, DType::Float64);
        check_gradient(&ElemwiseSub {}, &shapes, DType::Float64);
        check_gradient(&ElemwiseMul {}, &shapes, DType::Float64);
        check_gradient(&ElemwiseDiv {}, &shapes, DType::Float64);
        check_gradient(&Maximum {}, &shapes, DType::Float64);
        check_gradient(&Minimum {}, &shapes, DType::Float64);
        check_gradient(&Hypot {}, &shapes, DType::Float64);
        let at = |x: [f64; 3]| Tensor::from_slice([3], &x).unwrap();
        check_gradient_at(&Power {}, &[at([0.5, 1.5, 2.0]), at([2.0, -1.0, 0.3])]);
        check_gradient_at(&Mod {}, &[at([5.5, -7.3, 2.2]), at([2.0, 3.0, -0.7])]);
    }
}
