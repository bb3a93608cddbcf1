//! Tensors of one value in the shape of another.

use rsym_graph::*;

/// Declares an operator that fills its output, which looks like its input, with a value.
macro_rules! filled {
    ($(#[doc = $doc:literal])* $op:ident($name:literal, [$($alias:literal),*]) = $value:literal) => {
        operator! {
            $(#[doc = $doc])*
            ///
            /// | | shape | dtype |
            /// |---|---|---|
            /// | data | any | any |
            /// | output | that of data | that of data |
            ///
            /// The gradient of data is zero.
            #[aliases($($alias),*)]
            #[unnamed(true)]
            pub struct $op($name) {
                inputs { data: "Has the shape and type; its values are not read." }
                params {}
            }
        }

        impl Operator for $op {
            fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
                io.same()
            }

            fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
                io.outputs[0].fill($value);
                Ok(())
            }

            fn gradient(&self, _: &mut Grad) -> GraphResult {
                Ok(())
            }

            fn inplace(&self) -> &'static [(usize, usize)] {
                &[(0, 0)]
            }

            fn reads(&self, _: usize) -> bool {
                false
            }
        }
    };
}

filled! {
    /// Makes zeros of the shape and type of the input: `out = 0`.
    ZerosLike("zeros_like", ["_sparse_zeros_like"]) = 0.0
}

filled! {
    /// Makes ones of the shape and type of the input: `out = 1`.
    OnesLike("ones_like", []) = 1.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::run;
    use rsym_tensor::{DType, Tensor};

    #[test]
    fn every_type_is_filled() {
        for dtype in DType::ALL {
            let x = Tensor::full([2, 2], dtype, 3.0).unwrap();
            let ones = run(&OnesLike {}, std::slice::from_ref(&x)).remove(0);
            assert_eq!((ones.dtype(), ones.to_f64_vec()), (dtype, vec![1.0; 4]));
            assert_eq!(run(&ZerosLike {}, &[x])[0].to_f64_vec(), [0.0; 4]);
        }
    }
}
