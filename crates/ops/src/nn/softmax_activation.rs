//! `SoftmaxActivation`: the older form of softmax.

use super::softmax_spec::SoftmaxSpec;
use rsym_graph::*;

enum_param! {
    /// Along which axis.
    pub enum SoftmaxMode {
        Channel = "channel",
        Instance = "instance",
    }
}

operator! {
    /// Softmax along the last axis, or with `mode='channel'` along axis 1: `out_i = exp(x_i) / Σ_j exp(x_j)`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | any; at least 3 dimensions for `mode='channel'` | float |
    /// | output | that of data | that of data |
    #[unnamed(true)]
    pub struct SoftmaxActivation("SoftmaxActivation") {
        inputs { data: "The input." }
        params {
            /// Along which axis: the last one or that of the channels.
            mode: SoftmaxMode = SoftmaxMode::Instance,
        }
    }
}

impl SoftmaxActivation {
    fn spec(&self) -> SoftmaxSpec {
        let axis = if self.mode == SoftmaxMode::Channel { 1 } else { -1 };
        SoftmaxSpec { axis, temperature: 1.0, dtype: None, use_length: false, log: false, negate: false }
    }
}

impl Operator for SoftmaxActivation {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        self.spec().infer(io)?;
        match io.inputs[0].rank() {
            Some(rank) if rank < 3 && self.mode == SoftmaxMode::Channel => {
                Err(OpError::invalid(format!("mode='channel' needs data of at least 3 dimensions, got {rank}")))
            }
            _ => Ok(()),
        }
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        self.spec().infer_type(io)
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        self.spec().forward(io)
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        self.spec().gradient(g)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, check_gradient, infer, run, t32};
    use rsym_tensor::DType;

    #[test]
    fn values_are_those_of_mxnet() {
        let data = t32([1, 3, 4], &(0..12).map(|i| i as f32 / 7.0).collect::<Vec<_>>());
        let of = |mode| run(&SoftmaxActivation { mode }, std::slice::from_ref(&data)).remove(0);
        let want = [0.19922936, 0.22982402, 0.26511693, 0.3058296].repeat(3);
        assert_close(&of(SoftmaxMode::Instance), &want);
        let channel = of(SoftmaxMode::Channel).to_f64_vec();
        assert!(channel[..4].iter().all(|v| (v - 0.16930471).abs() < 1e-6), "{channel:?}");
    }

    #[test]
    fn gradients_agree_with_differences() {
        for mode in [SoftmaxMode::Channel, SoftmaxMode::Instance] {
            check_gradient(&SoftmaxActivation { mode }, &[[2, 3, 2].into()], DType::Float64);
        }
    }

    #[test]
    fn channels_need_three_dimensions() {
        assert!(infer(&SoftmaxActivation { mode: SoftmaxMode::Channel }, &[&[2, 3]], &[]).is_err());
    }
}
