//! `_contrib_SyncBatchNorm`: batch normalisation over all devices, of which there is one.

use crate::forms::{BlockedBatchNorm, NormRelu};
use crate::nn::batch_norm_spec::{BatchNormSpec, batch_norm, batch_norm_frame};
use rsym_graph::*;

operator! {
    /// Batch normalisation with the statistics of the whole batch over several devices.
    ///
    /// rsym computes with the statistics of the data that it is given, which is the whole batch on one device. Formula,
    /// moving statistics and `fix_gamma` are as in `BatchNorm`; channels are on axis 1.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (batch, channels, …) | float |
    /// | gamma, beta, moving_mean, moving_var | (channels,) | that of data; float32 for half precision |
    /// | output | that of data | that of data |
    /// | mean, var (shown with `output_mean_var`) | (channels,) | that of gamma |
    ///
    /// The output called var holds the variance.
    ///
    /// Source: Zhang et al., Context Encoding for Semantic Segmentation (2018).
    pub struct SyncBatchNorm("_contrib_SyncBatchNorm") {
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
            /// Number of devices; ignored.
            ndev: i32 = 1,
            /// Name under which the devices find each other; ignored.
            key: String,
        }
    }
}

impl SyncBatchNorm {
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

batch_norm!(SyncBatchNorm);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, check_gradient, run, sample};
    use rsym_tensor::DType;

    fn op() -> SyncBatchNorm {
        let texts = [("key", "k"), ("fix_gamma", "False"), ("output_mean_var", "True")];
        SyncBatchNorm::from_texts(&ParamTexts(texts.map(|(k, v)| (k.into(), v.to_string())).into())).unwrap()
    }

    #[test]
    fn the_third_output_is_the_variance() {
        let inputs: Vec<_> = [&[4, 2][..], &[2], &[2], &[2], &[2]]
            .iter()
            .map(|s| sample(&rsym_tensor::Shape::new(s), DType::Float64, s.len() as u64))
            .collect();
        let x = inputs[0].to_f64_vec();
        let moments = |c: usize| {
            let mean = (0..4).map(|i| x[2 * i + c]).sum::<f64>() / 4.0;
            (mean, (0..4).map(|i| (x[2 * i + c] - mean).powi(2)).sum::<f64>() / 4.0)
        };
        let out = run(&op(), &inputs);
        assert_close(&out[1], &[moments(0).0, moments(1).0]);
        assert_close(&out[2], &[moments(0).1, moments(1).1]);
    }

    #[test]
    fn gradients_agree_with_differences() {
        let op = SyncBatchNorm { output_mean_var: false, ..op() };
        check_gradient(&op, &[[4, 2, 3].into(), [2].into(), [2].into(), [2].into(), [2].into()], DType::Float64);
    }
}
