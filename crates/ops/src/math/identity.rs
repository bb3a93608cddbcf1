//! Operators that hand on their input, or constants of its shape.

use crate::math::apply::point;
use crate::math::constant::OnesLike;
use rsym_graph::*;
use rsym_kernels::fused::Op;

/// Hands the first input on; nothing happens when it already is the output.
fn copy(io: &mut Io) -> OpResult {
    let (data, out) = io.pair(0, 0);
    Ok(out.assign(data)?)
}

/// Declares an operator whose output equals its input.
macro_rules! identity {
    ($(#[doc = $doc:literal])* $op:ident($name:literal, [$($alias:literal),*]) { $($rest:tt)* }) => {
        operator! {
            $(#[doc = $doc])*
            ///
            /// | | shape | dtype |
            /// |---|---|---|
            /// | data | any | any |
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
                copy(io)
            }

            fn inplace(&self) -> &'static [(usize, usize)] {
                &[(0, 0)]
            }

            fn pointwise(&self) -> Option<Pointwise> {
                point(Some(Op::Copy), 1)
            }

            $($rest)*
        }
    };
}

identity! {
    /// Hands its input on unchanged: `out = data`.
    Copy("_copy", ["identity"]) {
        fn is_identity(&self, _: bool) -> bool {
            true
        }

        fn gradient(&self, g: &mut Grad) -> GraphResult {
            let head = g.head(0)?;
            g.set(0, head);
            Ok(())
        }
    }
}

identity! {
    /// Hands its input on and lets no gradient back through: `out = data`, with a gradient of zero.
    BlockGrad("BlockGrad", ["_sparse_stop_gradient", "stop_gradient"]) {
        fn is_identity(&self, _: bool) -> bool {
            true
        }

        fn gradient(&self, _: &mut Grad) -> GraphResult {
            Ok(())
        }
    }
}

identity! {
    /// Makes its input a loss: `out = data`, and the gradient of data is 1 whatever gradient arrives.
    MakeLossOp("make_loss", ["_sparse_make_loss"]) {
        fn is_identity(&self, _: bool) -> bool {
            true
        }

        fn output_names(&self) -> Names {
            names!["loss"]
        }

        fn gradient(&self, g: &mut Grad) -> GraphResult {
            let data = g.input(0);
            let ones = g.apply(OnesLike {}, &[data]);
            g.set(0, ones);
            Ok(())
        }

        fn is_loss(&self) -> bool {
            true
        }
    }
}

operator! {
    /// Hands its first input on and makes it have the shape and type of the second: `out = lhs`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | lhs, rhs | any, both equal | any, both equal |
    /// | output | that shape | that dtype |
    pub struct IdentityLike("_identity_with_attr_like_rhs") {
        inputs { lhs: "What is handed on.", rhs: "Has the shape and type; its values are not read." }
        params {}
    }
}

impl Operator for IdentityLike {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.same()
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        copy(io)
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let head = g.head(0)?;
        g.set(0, head);
        Ok(())
    }

    fn inplace(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }

    fn reads(&self, input: usize) -> bool {
        input == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient, run, sample};
    use rsym_tensor::{DType, Tensor};

    #[test]
    fn every_type_is_handed_on() {
        for dtype in DType::ALL {
            let x = Tensor::from_slice([3], &[3f64, 0.0, 5.0]).unwrap().cast(dtype).unwrap();
            for op in [&Copy {} as &dyn Operator, &BlockGrad {}, &MakeLossOp {}] {
                assert_eq!(run(op, std::slice::from_ref(&x))[0].to_f64_vec(), x.to_f64_vec());
            }
        }
    }

    #[test]
    fn the_loss_is_named_and_its_gradient_ignores_the_head() {
        let op = MakeLossOp {};
        assert_eq!((op.is_loss(), &*op.output_names()[0]), (true, "loss"));
        let (x, w) = (Node::variable("x", Default::default()), Node::variable("w", Default::default()));
        let node =
            Node::operator("l", std::sync::Arc::new(op), Default::default(), Default::default(), vec![Entry::new(&x, 0)]);
        let heads = [Entry::new(&node, 0)];
        for head_grad in [None, Some(Entry::new(&w, 0))] {
            let found = gradients(crate::registry(), &heads, &[head_grad], std::slice::from_ref(&x)).unwrap();
            let values = [("x".to_string(), sample(&[2].into(), DType::Float32, 1))].into();
            let got = crate::support::tests::eval(&[found[0].clone().unwrap()], &values, &Ctx::default());
            assert_eq!(got[0].to_f64_vec(), [1.0, 1.0]);
        }
    }

    #[test]
    fn gradients_pass() {
        check_gradient(&Copy {}, &[[2, 3].into()], DType::Float64);
        check_gradient(&IdentityLike {}, &[[2].into(), [2].into()], DType::Float64);
    }
}
