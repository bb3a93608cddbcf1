//! `BatchNorm` and its older form `BatchNorm_v1`.

use super::batch_norm_spec::{BatchNormSpec, batch_norm, batch_norm_frame};
use crate::forms::{BlockedBatchNorm, NormRelu};
use rsym_graph::*;

operator! {
    /// Batch normalisation: `out = gamma · (data - mean) / sqrt(var + eps) + beta`, channel by channel.
    ///
    /// In training mean and var are those of the batch over all axes but `axis` (var with the number of elements as
    /// divisor); in inference, and with `use_global_stats`, they are the moving statistics. Each backward pass of
    /// training moves these: `moving = momentum · moving + (1 - momentum) · batch`. A forward pass alone does not.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | any with a channel axis | float |
    /// | gamma, beta, moving_mean, moving_var | (channels,) | that of data; float32 for half precision |
    /// | output | that of data | that of data |
    /// | mean, var (shown with `output_mean_var`) | (channels,) | that of gamma |
    ///
    /// The output called var holds 1 / sqrt(var + eps). With `fix_gamma`, which is the default, the forward pass writes
    /// ones over gamma, whose gradient is 0. The gradients of mean and var are ignored.
    ///
    /// Source: Ioffe and Szegedy, Batch Normalization (2015).
    #[aliases("_npx_batch_norm")]
    pub struct BatchNorm("BatchNorm") {
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

operator! {
    /// The older form of `BatchNorm`, with the channels on axis 1 and the variance itself as third output.
    ///
    /// Formula, moving statistics and `fix_gamma` are as in `BatchNorm`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (batch, channels, …) | float |
    /// | gamma, beta, moving_mean, moving_var | (channels,) | that of data; float32 for half precision |
    /// | output | that of data | that of data |
    /// | mean, var (shown with `output_mean_var`) | (channels,) | that of gamma |
    ///
    /// MXNet takes data of 2 and 4 dimensions alone here; rsym takes any number.
    pub struct BatchNormV1("BatchNorm_v1") {
        inputs {
            data: "The input.",
            gamma: "The scale of every channel.",
            beta: "The shift of every channel.",
            moving_mean: "The running mean (auxiliary state).",
            moving_var: "The running variance (auxiliary state).",
        }
        params {
            /// Added to the variance against division by zero.
            eps: f32 = 1e-3,
            /// Share of the old moving statistics in the new ones.
            momentum: f32 = 0.9,
            /// Fix gamma to ones.
            fix_gamma: bool = true,
            /// Use the moving statistics in training too, and leave them as they are.
            use_global_stats: bool = false,
            /// Show the statistics as outputs.
            output_mean_var: bool = false,
        }
    }
}

impl BatchNorm {
    pub(crate) fn spec(&self) -> BatchNormSpec {
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

impl BatchNormV1 {
    pub(crate) fn spec(&self) -> BatchNormSpec {
        BatchNormSpec {
            eps: self.eps as f64,
            momentum: self.momentum,
            fix_gamma: self.fix_gamma,
            use_global_stats: self.use_global_stats,
            axis: 1,
            raw_variance: true,
        }
    }
}

batch_norm!(BatchNorm);
batch_norm!(BatchNormV1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, backward, check_gradient, infer, run_with, t32};
    use rsym_tensor::{DType, Tensor};

    const TRAIN: Ctx<'static> = Ctx { is_train: true, seed: 0, stream: 0, cache: None };

    fn op(fix_gamma: bool, use_global_stats: bool) -> BatchNorm {
        let texts = [("fix_gamma", fix_gamma), ("use_global_stats", use_global_stats)];
        BatchNorm::from_texts(&ParamTexts(texts.map(|(k, v)| (k.into(), v.text())).into())).unwrap()
    }

    fn inputs() -> Vec<Tensor> {
        let x: Vec<f32> = (0..12).map(|i| (i as f32).powf(1.3)).collect();
        vec![
            t32([2, 3, 2], &x),
            t32([3], &[2.0, 3.0, 4.0]),
            t32([3], &[0.1, 0.2, 0.3]),
            t32([3], &[1.0, 2.0, 3.0]),
            t32([3], &[0.5, 1.0, 2.0]),
        ]
    }

    fn head() -> Vec<Option<Tensor>> {
        vec![Some(t32([2, 3, 2], &[0.0, 1.0, 2.0, 3.0, 4.0, 0.0, 1.0, 2.0, 3.0, 4.0, 0.0, 1.0]))]
    }

    #[test]
    fn training_normalises_with_the_batch_and_leaves_the_moving_statistics() {
        let inputs = inputs();
        let out = run_with(&op(false, false), &inputs, &TRAIN).unwrap();
        let want = [-2.0554233, -1.6934735, -3.153498, -2.3660803, -4.213543, -3.078382];
        assert_close(&out[0].rows(0, 1).unwrap(), &want);
        assert_close(&out[1], &[5.9550366, 9.740154, 14.175816]);
        assert_close(&out[2], &[0.1809748, 0.15359348, 0.13908453]);
        assert_eq!(inputs[3].to_f64_vec(), [1.0, 2.0, 3.0]);
        assert_eq!(inputs[1].to_f64_vec(), [2.0, 3.0, 4.0]);
    }

    #[test]
    fn inference_uses_the_moving_statistics() {
        let out = run_with(&op(false, false), &inputs(), &Ctx::default()).unwrap();
        assert_close(&out[0].rows(0, 1).unwrap(), &[-2.725603, 0.1, 1.5861738, 6.710248, 8.960928, 14.730655]);
        assert_close(&out[2], &[1.4128015, 0.9995004, 0.7069301]);
        let first_form = BatchNormV1::from_texts(&ParamTexts::default()).unwrap();
        assert_close(&run_with(&first_form, &inputs(), &Ctx::default()).unwrap()[2], &[0.5, 1.0, 2.0]);
    }

    #[test]
    fn backward_moves_the_statistics_and_gives_the_gradients_of_mxnet() {
        let inputs = inputs();
        let found = backward(&op(false, false), &inputs, &head());
        assert_close(&found[1].clone().unwrap(), &[2.271148204803467, 2.294126033782959, -3.3440256118774414]);
        assert_close(&found[2].clone().unwrap(), &[4.0, 12.0, 5.0]);
        let dx = found[0].clone().unwrap().to_f64_vec();
        assert!((dx[4] - 1.0051151514053345).abs() < 1e-5, "{dx:?}");
        assert_close(&inputs[3], &[1.4955037832260132, 2.7740156650543213, 4.117581844329834]);
        assert_close(&inputs[4], &[3.5031609535217285, 5.138813495635986, 6.969326972961426]);
    }

    #[test]
    fn global_statistics_are_constants() {
        let inputs = inputs();
        let found = backward(&op(false, true), &inputs, &head());
        let dx = found[0].clone().unwrap().to_f64_vec();
        assert!((dx[4] - 11.310881614685059).abs() < 1e-5, "{dx:?}");
        assert_close(&found[1].clone().unwrap(), &[45.73192596435547, 107.76433563232422, 22.50579833984375]);
        assert_eq!(inputs[4].to_f64_vec(), [0.5, 1.0, 2.0]);
    }

    #[test]
    fn fixing_gamma_overwrites_it_with_ones() {
        let inputs = inputs();
        let found = backward(&op(true, false), &inputs, &head());
        assert_eq!(inputs[1].to_f64_vec(), [1.0; 3]);
        assert!(found[1].is_none());
    }

    #[test]
    fn the_first_form_moves_its_statistics_alike() {
        let inputs = inputs();
        backward(&BatchNormV1::from_texts(&ParamTexts::default()).unwrap(), &inputs, &head());
        assert_close(&inputs[4], &[3.5031609535217285, 5.138813495635986, 6.969326972961426]);
    }

    #[test]
    fn gradients_agree_with_differences_on_any_axis() {
        for axis in [0, -1] {
            let op = BatchNorm { axis, ..op(false, false) };
            let c = if axis == 0 { 4 } else { 3 };
            check_gradient(&op, &[[4, 2, 3].into(), [c].into(), [c].into(), [c].into(), [c].into()], DType::Float64);
        }
    }

    #[test]
    fn shapes_types_and_attributes_follow_from_the_data() {
        let got = infer(&op(true, false), &[&[0, 3, 0], &[], &[], &[], &[]], &[]).unwrap();
        assert!(got[1..5].iter().all(|s| s == &[3]));
        assert!(infer(&BatchNorm { axis: 3, ..op(true, false) }, &[&[2, 3, 4], &[], &[], &[], &[]], &[]).is_err());
        let mut types = [Some(DType::Float16), None, None, None, None];
        let mut outputs = [None; 3];
        op(true, false).infer_type(&mut TypeIo { inputs: &mut types, outputs: &mut outputs }).unwrap();
        assert_eq!((types[1], outputs[0]), (Some(DType::Float32), Some(DType::Float16)));
        assert_eq!(op(true, false).initializer(4), Some(r#"["one", {}]"#));
    }
}
