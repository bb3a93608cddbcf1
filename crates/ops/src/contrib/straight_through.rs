//! Straight-through estimators: step functions whose gradient passes unchanged (Y. Bengio et al., "Estimating or
//! propagating gradients through stochastic neurons for conditional computation", 2013).

use crate::math::apply::point;
use crate::math::unary::{Round, Sign};
use rsym_graph::*;

/// Declares an operator that computes as `$of` does and hands gradients through.
macro_rules! straight_through {
    ($(#[doc = $doc:literal])* $op:ident($name:literal, $alias:literal), $of:ident, $kind:path) => {
        operator! {
            $(#[doc = $doc])*
            ///
            /// The gradient passes unchanged, as if the function were the identity (Bengio et al., 2013).
            ///
            /// | | shape | dtype |
            /// |---|---|---|
            /// | data | any | any but bool |
            /// | output | that of data | that of data |
            #[aliases($alias)]
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

            fn forward(&self, io: &mut Io, ctx: &Ctx) -> OpResult {
                $of {}.forward(io, ctx)
            }

            fn gradient(&self, g: &mut Grad) -> GraphResult {
                let head = g.head(0)?;
                g.set(0, head);
                Ok(())
            }

            fn inplace(&self) -> &'static [(usize, usize)] {
                &[(0, 0)]
            }

            fn pointwise(&self) -> Option<Pointwise> {
                point(<$of as $kind>::SINGLE, 1)
            }
        }
    };
}

straight_through! {
    /// Rounds to the nearest whole number, halves away from zero.
    RoundSte("_contrib_round_ste", "_sparse__contrib_round_ste"), Round, crate::math::apply::Unary
}

straight_through! {
    /// Takes the sign: `out` is -1, 0 or 1; 0 for NaN.
    SignSte("_contrib_sign_ste", "_sparse__contrib_sign_ste"), Sign, crate::math::apply::Exact
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{backward, run, t32};

    #[test]
    fn gradients_pass_through_the_steps() {
        let x = t32([4], &[-1.5, 0.5, 2.5, 0.0]);
        assert_eq!(run(&RoundSte {}, std::slice::from_ref(&x))[0].to_f64_vec(), [-2.0, 1.0, 3.0, 0.0]);
        assert_eq!(run(&SignSte {}, std::slice::from_ref(&x))[0].to_f64_vec(), [-1.0, 1.0, 1.0, 0.0]);
        let found = backward(&SignSte {}, std::slice::from_ref(&x), &[Some(x.clone())]);
        assert_eq!(found[0].as_ref().unwrap().to_f64_vec(), x.to_f64_vec());
    }
}
