//! `_contrib_BatchNormWithReLU`: batch normalisation and ReLU in one.

use crate::math::apply::{Arg, single};
use crate::math::unary::{Relu, ReluGrad};
use crate::nn::batch_norm_spec::{BatchNormSpec, batch_norm_frame};
use rsym_graph::*;
use rsym_kernels::fused::Op;
use rsym_tensor::DType;

operator! {
    /// Batch normalisation followed by ReLU: `out = max(0, gamma · (data - mean) / sqrt(var + eps) + beta)`.
    ///
    /// Parameters, moving statistics and shown outputs are those of `BatchNorm`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | any with a channel axis | float |
    /// | gamma, beta, moving_mean, moving_var | (channels,) | that of data; float32 for half precision |
    /// | output | that of data | that of data |
    /// | mean, var (shown with `output_mean_var`) | (channels,) | that of gamma |
    ///
    /// MXNet computes this on the CPU for float32 data of four dimensions alone; rsym does for all.
    pub struct BatchNormWithRelu("_contrib_BatchNormWithReLU") {
        inputs {
            data: "The input.",
            gamma: "The scale of every channel.",
            beta: "The shift of every channel.",
            moving_mean: "The running mean (auxiliary state).",
            moving_var: "The running variance (auxiliary state).",
        }
        params {
            /// Added to the variance against division by zero.
            eps: f64 = 1e-3f32 as f64,
            /// Share of the old moving statistics in the new ones.
            momentum: f32 = 0.9,
            /// Fix gamma to ones.
            fix_gamma: bool = true,
            /// Use the moving statistics in training too, and leave them as they are.
            use_global_stats: bool = false,
            /// Show the statistics as outputs.
            output_mean_var: bool = false,
            /// The channel axis; counted from the end if negative.
            axis: i32 = 1,
            /// Ignored.
            cudnn_off: bool = false,
            /// Ignored.
            min_calib_range: Option<f32> = None,
            /// Ignored.
            max_calib_range: Option<f32> = None,
        }
    }
}

impl BatchNormWithRelu {
    fn spec(&self) -> BatchNormSpec {
        BatchNormSpec {
            eps: self.eps,
            momentum: self.momentum,
            fix_gamma: self.fix_gamma,
            use_global_stats: self.use_global_stats,
            axis: self.axis,
            raw_variance: false,
        }
    }
}

/// `max(0, out)` in place.
fn relu(io: &mut Io, ctx: &Ctx) -> OpResult {
    let out = io.outputs[0].clone();
    if out.dtype() == DType::Float32 {
        return single(Op::Relu, &[Arg::Out(&out)], &mut io.outputs[0]);
    }
    Relu {}.forward(&mut Io { inputs: &[out], outputs: &mut io.outputs[..1] }, ctx)
}

impl Operator for BatchNormWithRelu {
    batch_norm_frame!();

    fn forward(&self, io: &mut Io, ctx: &Ctx) -> OpResult {
        self.spec().forward(io, ctx)?;
        relu(io, ctx)
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let inputs = [g.head(0)?, g.output(0)];
        let head = g.apply(ReluGrad {}, &inputs);
        self.spec().gradient_of(g, head)
    }

    fn depends_on_mode(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::batch_norm::BatchNorm;
    use crate::support::tests::{assert_close, backward, check_gradient, run, run_with, sample};
    use rsym_tensor::{Shape, Tensor};

    fn inputs() -> Vec<Tensor> {
        let shapes: [&[usize]; 5] = [&[3, 2, 4], &[2], &[2], &[2], &[2]];
        (0..5).map(|i| sample(&Shape::new(shapes[i]), DType::Float32, i as u64 + 1)).collect()
    }

    fn op() -> BatchNormWithRelu {
        BatchNormWithRelu::from_texts(&ParamTexts(vec![("fix_gamma".into(), "False".into())])).unwrap()
    }

    #[test]
    fn it_is_the_positive_part_of_batch_norm() {
        let plain = BatchNorm::from_texts(&ParamTexts(vec![("fix_gamma".into(), "False".into())])).unwrap();
        let want: Vec<f64> = run(&plain, &inputs())[0].to_f64_vec().iter().map(|v| v.max(0.0)).collect();
        assert_close(&run(&op(), &inputs())[0], &want);
        let doubles: Vec<Tensor> = inputs().iter().map(|t| t.cast(DType::Float64).unwrap()).collect();
        assert_close(&run_with(&op(), &doubles, &Ctx { is_train: true, ..Ctx::default() }).unwrap()[0], &want);
    }

    #[test]
    fn backward_moves_the_statistics() {
        let inputs = inputs();
        let before = inputs[3].to_f64_vec();
        backward(&op(), &inputs, &[Some(sample(&[3, 2, 4].into(), DType::Float32, 9))]);
        assert_ne!(inputs[3].to_f64_vec(), before);
    }

    #[test]
    fn gradients_agree_with_differences() {
        check_gradient(&op(), &[[4, 2, 3].into(), [2].into(), [2].into(), [2].into(), [2].into()], DType::Float64);
    }
}
