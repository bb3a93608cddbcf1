//! `hard_sigmoid`: a sigmoid of three straight lines.

use super::apply::{Arg, real_with, single, slope_with};
use crate::support::unsupported;
use super::formula::second;
use rsym_graph::*;
use rsym_kernels::fused::Op;
use rsym_kernels::math;
use rsym_tensor::DType;

operator! {
    /// Takes a sigmoid of three straight lines: `out = max(0, min(1, alpha·data + beta))`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | any | float |
    /// | output | that of data | that of data |
    #[unnamed(true)]
    pub struct HardSigmoid("hard_sigmoid") {
        inputs { data: "The input." }
        params {
            /// Slope of the middle line.
            alpha: f32 = 0.2,
            /// Height of the middle line at 0.
            beta: f32 = 0.5,
        }
    }
}

operator! {
    /// The gradient of `hard_sigmoid`.
    #[hidden(true)]
    pub struct HardSigmoidGrad("_backward_hard_sigmoid") {
        inputs { ograd: "Gradient of the output.", output: "The output." }
        params {
            /// Slope of the middle line.
            alpha: f32,
        }
    }
}

impl Operator for HardSigmoid {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.same()
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (x, alpha, beta) = (Arg::input(io, 0), self.alpha, self.beta);
        let out = &mut io.outputs[0];
        if !out.dtype().is_float() {
            return unsupported(out.dtype(), "a float type");
        }
        if out.dtype() == DType::Float32 {
            return single(Op::HardSigmoid, &[x, Arg::Scalar(alpha as f64), Arg::Scalar(beta as f64)], out);
        }
        let double = |x| math::hard_sigmoid(x, alpha as f64, beta as f64);
        real_with(x, out, |x| math::hard_sigmoid(x, alpha, beta), double)
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let inputs = [g.head(0)?, g.output(0)];
        let gradient = g.apply(HardSigmoidGrad { alpha: self.alpha }, &inputs);
        g.set(0, gradient);
        Ok(())
    }

    fn inplace(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }
}

impl Operator for HardSigmoidGrad {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.same()
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let alpha = self.alpha;
        if io.outputs[0].dtype() == DType::Float32 {
            let args = [Arg::input(io, 0), Arg::input(io, 1), Arg::Scalar(alpha as f64)];
            return single(Op::HardSigmoidGrad, &args, &mut io.outputs[0]);
        }
        let half = |g, y| if y > 0.0 && y < 1.0 { alpha * g } else { 0.0 };
        slope_with(io, half, |g, y| if y > 0.0 && y < 1.0 { alpha as f64 * g } else { 0.0 })
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        second(g, self.clone(), |_| None)
    }

    fn inplace(&self) -> &'static [(usize, usize)] {
        &[(0, 0), (1, 0)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{check_gradient_at, run, run_with};
    use rsym_tensor::Tensor;

    #[test]
    fn three_lines() {
        let op = HardSigmoid { alpha: 0.25, beta: 0.5 };
        let x = [Tensor::from_slice([4], &[-3.0, -1.0, 1.0, 3.0]).unwrap()];
        assert_eq!(run(&op, &x)[0].to_f64_vec(), [0.0, 0.25, 0.75, 1.0]);
        check_gradient_at(&op, &x);
        assert!(run_with(&op, &[Tensor::zeros([1], DType::Int32).unwrap()], &Ctx::default()).is_err());
    }
}
