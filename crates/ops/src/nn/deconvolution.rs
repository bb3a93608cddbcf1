//! `Deconvolution`: transposed convolution.

use super::conv_spec::ConvSpec;
use super::convolution::{ConvLayout, Tune, convolution};
use super::spatial::Windows;
use rsym_graph::*;

operator! {
    /// Transposed convolution: the linear map that takes gradients of a `Convolution`'s output to gradients of its data.
    ///
    /// Every element of the input adds the filter, multiplied by it, to the output at `stride·position - pad`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (batch, channels, space…) | float |
    /// | weight | (channels, num_filter / num_group, kernel…) | that of data |
    /// | bias | (num_filter,), absent with `no_bias` as by default | that of data |
    /// | output | (batch, num_filter, space…) with stride·(space - 1) + dilate·(kernel - 1) + 1 - 2·pad + adj | that of data |
    ///
    /// With `target_shape` the padding and `adj` follow from the wanted extent: of what is too much, the rounded up half
    /// is cut off on both sides and an odd one given back behind. A 0 in it leaves that dimension to `pad` and `adj`
    /// (MXNet makes the extent 0). With a layout that ends in C the channel axis of data, weight and output is the last.
    ///
    /// rsym dilates in three dimensions too; `workspace`, `cudnn_tune` and `cudnn_off` have no effect.
    #[aliases("_npx_deconvolution")]
    #[check(|op: &Deconvolution| op.spec().map(|_| ()))]
    pub struct Deconvolution("Deconvolution") {
        inputs { data: "The input.", weight: "The filters.", bias: "What is added to each channel of the output." }
        params {
            /// Size of the window in every spatial dimension: (w,), (h, w) or (d, h, w).
            kernel: Tuple,
            /// Distance of two windows in the output; 1 by default.
            stride: Tuple = Tuple::new(),
            /// Distance of two elements of a window; 1 by default.
            dilate: Tuple = Tuple::new(),
            /// What is cut off the output on both sides; 0 by default.
            pad: Tuple = Tuple::new(),
            /// What is added to the extent of the output, less than the stride; 0 by default.
            adj: Tuple = Tuple::new(),
            /// Extent of the output; overrides `pad` and `adj`.
            target_shape: Tuple = Tuple::new(),
            /// Number of filters: channels of the output.
            #[range(1..)]
            num_filter: u32,
            /// Groups of channels that are convolved separately.
            #[range(1..)]
            num_group: u32 = 1,
            /// Ignored.
            workspace: u64 = 512,
            /// Leave the bias out.
            no_bias: bool = true,
            /// Ignored.
            cudnn_tune: Option<Tune> = None,
            /// Ignored.
            cudnn_off: bool = false,
            /// Order of the dimensions; by default the channels come second.
            layout: Option<ConvLayout> = None,
        }
    }
}

impl Deconvolution {
    fn spec(&self) -> Result<ConvSpec, String> {
        let windows = Windows::new(&self.kernel, &self.stride, &self.dilate, &self.pad)?;
        let extra = (&self.adj, &self.target_shape);
        ConvSpec::transposed(windows, extra, self.num_filter, self.num_group, self.layout.map(|l| l.text()))
    }
}

convolution!(Deconvolution);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, check_gradient, infer, run, t32};
    use rsym_tensor::{DType, Shape};

    fn make(params: &[(&str, &str)]) -> Deconvolution {
        let texts = params.iter().chain(&[("kernel", "(3, 3)"), ("num_filter", "2")]);
        let mut all = ParamTexts::default();
        texts.rev().for_each(|(k, v)| all.set(k.to_string(), v.to_string()));
        Deconvolution::from_texts(&all).unwrap()
    }

    #[test]
    fn spreads_the_filter_over_the_output() {
        let op = make(&[("kernel", "(3,)"), ("stride", "(2,)"), ("num_filter", "1")]);
        let out = run(&op, &[t32([1, 1, 2], &[1.0, 10.0]), t32([1, 1, 3], &[1.0, 2.0, 3.0])]);
        assert_close(&out[0], &[1.0, 2.0, 13.0, 20.0, 30.0]);
    }

    #[test]
    fn shapes_are_those_of_mxnet() {
        let output = |params: &[(&str, &str)]| infer(&make(params), &[&[2, 4, 8, 8], &[]], &[]).map(|s| s[2].clone());
        assert_eq!(output(&[("stride", "(2, 2)"), ("target_shape", "(9, 9)")]).unwrap(), [2, 2, 9, 9]);
        assert_eq!(output(&[("stride", "(2, 2)"), ("target_shape", "(16, 16)")]).unwrap(), [2, 2, 16, 16]);
        assert_eq!(output(&[("stride", "(2, 2)"), ("adj", "(1, 1)")]).unwrap(), [2, 2, 18, 18]);
        assert!(output(&[("adj", "(1, 1)")]).is_err());
        assert!(output(&[("target_shape", "(20, 20)")]).is_err());
        assert!(output(&[("pad", "(5, 5)")]).is_err());
        let got = infer(&make(&[("num_filter", "4")]), &[&[0, 0, 0, 0], &[]], &[]).unwrap();
        assert_eq!(got[1..], [vec![0, 4, 3, 3], vec![0, 4, 0, 0]]);
        let nhwc = make(&[("num_filter", "6"), ("num_group", "2"), ("layout", "NHWC")]);
        let got = infer(&nhwc, &[&[2, 8, 8, 4], &[]], &[]).unwrap();
        assert_eq!(got[1..], [vec![4, 3, 3, 3], vec![2, 10, 10, 6]]);
    }

    #[test]
    fn gradients_agree_with_differences() {
        let check = |params: &[(&str, &str)], shapes: &[Shape]| check_gradient(&make(params), shapes, DType::Float64);
        let with_bias = [("stride", "(2, 1)"), ("adj", "(1, 0)"), ("pad", "(1, 1)"), ("no_bias", "False")];
        check(&with_bias, &[[1, 2, 3, 3].into(), [2, 2, 3, 3].into(), [2].into()]);
        let target = [("stride", "(2, 2)"), ("target_shape", "(6, 5)"), ("num_group", "2")];
        check(&target, &[[1, 2, 3, 3].into(), [2, 1, 3, 3].into()]);
    }
}
