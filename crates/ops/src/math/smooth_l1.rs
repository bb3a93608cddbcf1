//! `smooth_l1`: the Huber-like loss of Fast R-CNN.

use super::apply::{Arg, real_with, single, slope_with};
use super::compare::LesserScalar;
use super::formula::second;
use rsym_graph::*;
use rsym_kernels::fused::Op;
use rsym_kernels::math;
use rsym_tensor::DType;

operator! {
    /// Takes the smooth L1 loss: `out = (σ·data)² / 2` for `|data| <= 1/σ²`, otherwise `|data| - 0.5/σ²`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | any | any but bool |
    /// | output | that of data | that of data |
    ///
    /// Source: R. Girshick, Fast R-CNN, ICCV 2015.
    #[aliases("_npx_smooth_l1")]
    #[unnamed(true)]
    pub struct SmoothL1("smooth_l1") {
        inputs { data: "The deviation." }
        params {
            /// The σ of the formula.
            scalar: f64 = 1.0,
        }
    }
}

operator! {
    /// The gradient of `smooth_l1`.
    #[hidden(true)]
    pub struct SmoothL1Grad("_backward_smooth_l1") {
        inputs { ograd: "Gradient of the output.", data: "The deviation." }
        params {
            /// The σ of the formula.
            scalar: f64,
        }
    }
}

impl Operator for SmoothL1 {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.same()
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (x, sigma) = (Arg::input(io, 0), self.scalar);
        let out = &mut io.outputs[0];
        if out.dtype() == DType::Float32 {
            return single(Op::SmoothL1, &[x, Arg::Scalar(sigma)], out);
        }
        real_with(x, out, |x| math::smooth_l1(x, sigma as f32), |x| math::smooth_l1(x, sigma))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let inputs = [g.head(0)?, g.input(0)];
        let gradient = g.apply(SmoothL1Grad { scalar: self.scalar }, &inputs);
        g.set(0, gradient);
        Ok(())
    }

    fn inplace(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }
}

impl Operator for SmoothL1Grad {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.same()
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let sigma = self.scalar;
        if io.outputs[0].dtype() == DType::Float32 {
            let args = [Arg::input(io, 0), Arg::input(io, 1), Arg::Scalar(sigma)];
            return single(Op::SmoothL1Grad, &args, &mut io.outputs[0]);
        }
        let half = |g, x| g * math::smooth_l1_slope(x, sigma as f32);
        slope_with(io, half, |g, x| g * math::smooth_l1_slope(x, sigma))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let square = self.scalar * self.scalar;
        second(g, self.clone(), |x| Some(x.abs().apply(LesserScalar::by(1.0 / square)) * square))
    }

    fn inplace(&self) -> &'static [(usize, usize)] {
        &[(0, 0), (1, 0)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient_at, run};
    use rsym_tensor::Tensor;

    #[test]
    fn values_of_the_formula() {
        let x = [Tensor::from_slice([3], &[-2.0, 0.1, 0.5]).unwrap()];
        assert_eq!(run(&SmoothL1 { scalar: 2.0 }, &x)[0].to_f64_vec(), [1.875, 0.5 * 0.1 * 0.1 * 4.0, 0.375]);
        assert_eq!(SmoothL1::from_texts(&ParamTexts::default()).unwrap().scalar, 1.0);
        check_gradient_at(&SmoothL1 { scalar: 1.3 }, &x);
    }
}
