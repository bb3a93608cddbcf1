//! `_contrib_gradientmultiplier`: a factor on the gradient alone.

use crate::math::apply::point;
use rsym_graph::*;
use rsym_kernels::fused::Op;

operator! {
    /// Hands its input on, and multiplies the gradient that comes back: `out = data`, `d data = scalar · d out`.
    ///
    /// A negative factor turns the gradient round (Ganin and Lempitsky, 2015).
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | any | any |
    /// | output | that of data | that of data |
    #[unnamed(true)]
    pub struct GradientMultiplier("_contrib_gradientmultiplier") {
        inputs { data: "The input." }
        params {
            /// The factor.
            scalar: f64 = 1.0,
            /// Whether the factor counts as a whole number; matters for gradients of integers alone.
            is_int: bool = true,
        }
    }
}

impl Operator for GradientMultiplier {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.same()
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (data, out) = io.pair(0, 0);
        Ok(out.assign(data)?)
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let head = g.head(0)?;
        let gradient = g.named("_mul_scalar", &[("scalar", &self.scalar.text())], &[head])?;
        g.set(0, gradient);
        Ok(())
    }

    fn inplace(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }

    fn is_identity(&self, _: bool) -> bool {
        true
    }

    fn pointwise(&self) -> Option<Pointwise> {
        point(Some(Op::Copy), 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{backward, run, t32};

    #[test]
    fn only_the_gradient_is_multiplied() {
        let op = GradientMultiplier { scalar: -2.5, is_int: true };
        let x = t32([2], &[1.0, 3.0]);
        assert_eq!(run(&op, std::slice::from_ref(&x))[0].to_f64_vec(), [1.0, 3.0]);
        let found = backward(&op, std::slice::from_ref(&x), &[Some(x.clone())]);
        assert_eq!(found[0].as_ref().unwrap().to_f64_vec(), [-2.5, -7.5]);
    }
}
