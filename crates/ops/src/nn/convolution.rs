//! `Convolution` and its older form `Convolution_v1`.

use super::conv_spec::ConvSpec;
use super::spatial::Windows;
use rsym_graph::*;

enum_param! {
    /// Orders of the dimensions of `Convolution` and `Deconvolution`.
    pub enum ConvLayout {
        Ncdhw = "NCDHW",
        Nchw = "NCHW",
        Ncw = "NCW",
        Ndhwc = "NDHWC",
        Nhwc = "NHWC",
    }
}

enum_param! {
    /// Orders of the dimensions of `Convolution_v1`.
    pub enum ConvV1Layout {
        Ncdhw = "NCDHW",
        Nchw = "NCHW",
        Ndhwc = "NDHWC",
        Nhwc = "NHWC",
    }
}

enum_param! {
    /// Ways of MXNet to choose an algorithm on a GPU.
    pub enum Tune {
        Fastest = "fastest",
        LimitedWorkspace = "limited_workspace",
        Off = "off",
    }
}

operator! {
    /// Convolves over one to three spatial dimensions:
    /// `out[n, f, y] = bias[f] + Σ_(c, k) weight[f, c, k] · data[n, c, stride·y + dilate·k - pad]`.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (batch, channels, space…) | float |
    /// | weight | (num_filter, channels / num_group, kernel…) | that of data |
    /// | bias | (num_filter,), absent with `no_bias` | that of data |
    /// | output | (batch, num_filter, space…) with (space + 2·pad - dilate·(kernel - 1) - 1) / stride + 1, rounded down | that of data |
    ///
    /// With a layout that ends in C the channel axis of data, weight and output is the last one.
    ///
    /// rsym takes every layout for every data type; `workspace`, `cudnn_tune` and `cudnn_off` have no effect.
    #[aliases("_npx_convolution")]
    #[check(|op: &Convolution| op.spec().map(|_| ()))]
    pub struct Convolution("Convolution") {
        inputs { data: "The input.", weight: "The filters.", bias: "What is added to each channel of the output." }
        params {
            /// Size of the window in every spatial dimension: (w,), (h, w) or (d, h, w).
            kernel: Tuple,
            /// Distance of two windows; 1 by default.
            stride: Tuple = Tuple::new(),
            /// Distance of two elements of a window; 1 by default.
            dilate: Tuple = Tuple::new(),
            /// Zeros around the input on both sides; 0 by default.
            pad: Tuple = Tuple::new(),
            /// Number of filters: channels of the output.
            #[range(1..)]
            num_filter: u32,
            /// Groups of channels that are convolved separately.
            #[range(1..)]
            num_group: u32 = 1,
            /// Ignored.
            workspace: u64 = 1024,
            /// Leave the bias out.
            no_bias: bool = false,
            /// Ignored.
            cudnn_tune: Option<Tune> = None,
            /// Ignored.
            cudnn_off: bool = false,
            /// Order of the dimensions; by default the channels come second.
            layout: Option<ConvLayout> = None,
        }
    }
}

operator! {
    /// The older form of `Convolution`, for two and three spatial dimensions.
    ///
    /// Formula, shapes and parameters are those of `Convolution`.
    #[check(|op: &ConvolutionV1| op.spec().map(|_| ()))]
    pub struct ConvolutionV1("Convolution_v1") {
        inputs { data: "The input.", weight: "The filters.", bias: "What is added to each channel of the output." }
        params {
            /// Size of the window in every spatial dimension: (h, w) or (d, h, w).
            kernel: Tuple,
            /// Distance of two windows; 1 by default.
            stride: Tuple = Tuple::new(),
            /// Distance of two elements of a window; 1 by default.
            dilate: Tuple = Tuple::new(),
            /// Zeros around the input on both sides; 0 by default.
            pad: Tuple = Tuple::new(),
            /// Number of filters: channels of the output.
            #[range(1..)]
            num_filter: u32,
            /// Groups of channels that are convolved separately.
            #[range(1..)]
            num_group: u32 = 1,
            /// Ignored.
            workspace: u64 = 1024,
            /// Leave the bias out.
            no_bias: bool = false,
            /// Ignored.
            cudnn_tune: Option<Tune> = None,
            /// Ignored.
            cudnn_off: bool = false,
            /// Order of the dimensions; by default the channels come second.
            layout: Option<ConvV1Layout> = None,
        }
    }
}

impl Convolution {
    fn spec(&self) -> Result<ConvSpec, String> {
        let windows = Windows::new(&self.kernel, &self.stride, &self.dilate, &self.pad)?;
        ConvSpec::plain(windows, self.num_filter, self.num_group, self.layout.map(|l| l.text()))
    }
}

impl ConvolutionV1 {
    fn spec(&self) -> Result<ConvSpec, String> {
        if self.kernel.len() == 1 {
            return Err("Convolution_v1 takes kernels of 2 and 3 dimensions: use Convolution".into());
        }
        let windows = Windows::new(&self.kernel, &self.stride, &self.dilate, &self.pad)?;
        ConvSpec::plain(windows, self.num_filter, self.num_group, self.layout.map(|l| l.text()))
    }
}

/// Implements a convolution by its specification.
macro_rules! convolution {
    ($op:ident) => {
        impl Operator for $op {
            fn inputs(&self) -> Names {
                if self.no_bias { names!["data", "weight"] } else { names!["data", "weight", "bias"] }
            }

            fn num_inputs(&self) -> usize {
                if self.no_bias { 2 } else { 3 }
            }

            fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
                self.spec().map_err(OpError::Invalid)?.infer(io)
            }

            fn is_costly(&self) -> bool {
                true
            }

            fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
                self.spec().map_err(OpError::Invalid)?.forward(io)
            }

            fn gradient(&self, g: &mut Grad) -> GraphResult {
                self.spec().map_err(GraphError::Invalid)?.gradient(g)
            }

            fn absorbs(&self) -> bool {
                true
            }

            fn absorb(&self, here: &Site, next: &Site, at: usize) -> Option<OpRef> {
                self.spec().ok()?.fused(!self.no_bias)?.extended(here, next, at)
            }

            fn blocked(&self, here: &Site, have: &[bool]) -> Option<Blocked> {
                self.spec().ok()?.fused(!self.no_bias)?.in_blocks(here, have)
            }
        }
    };
}
pub(crate) use convolution;

convolution!(Convolution);
convolution!(ConvolutionV1);

#[cfg(test)]
mod tests {
    use crate::registry;
    use crate::support::tests::{assert_close, infer, run, t32};
    use rsym_graph::*;
    use rsym_tensor::{DType, Shape};

    fn make(params: &[(&str, &str)]) -> OpRef {
        registry().make("Convolution", params).unwrap()
    }

    #[test]
    fn slides_the_filter_over_the_padded_input() {
        let op = make(&[("kernel", "(2,)"), ("pad", "(1,)"), ("stride", "(2,)"), ("num_filter", "1")]);
        let data = t32([1, 1, 4], &[1.0, 2.0, 3.0, 4.0]);
        let out = run(op.as_ref(), &[data, t32([1, 1, 2], &[10.0, 1.0]), t32([1], &[100.0])]);
        assert_close(&out[0], &[101.0, 123.0, 140.0]);
    }

    #[test]
    fn shapes_are_those_of_mxnet() {
        let op = make(&[("kernel", "(3, 3)"), ("num_filter", "2"), ("pad", "(1, 0)"), ("stride", "(1, 2)")]);
        let got = infer(op.as_ref(), &[&[0, 4, 0, 9], &[], &[]], &[]).unwrap();
        assert_eq!(got, [vec![0, 4, 0, 9], vec![2, 4, 3, 3], vec![2], vec![0, 2, 0, 4]]);
        let op = make(&[("kernel", "(3, 3)"), ("num_filter", "4")]);
        let got = infer(op.as_ref(), &[&[0, 3, 0, 0], &[], &[]], &[&[5, 4, 7, 7]]).unwrap();
        assert_eq!(got[0], [5, 3, 9, 9]);
        let params = [("kernel", "(3, 3)"), ("num_filter", "6"), ("num_group", "2"), ("layout", "NHWC")];
        let got = infer(make(&params).as_ref(), &[&[2, 8, 8, 4], &[], &[]], &[]).unwrap();
        assert_eq!(got[1..], [vec![6, 3, 3, 2], vec![6], vec![2, 6, 6, 6]]);
        assert!(infer(op.as_ref(), &[&[1, 3, 2, 9], &[], &[]], &[]).is_err());
    }

    #[test]
    fn contradictions_are_refused_when_the_operator_is_made() {
        for params in [
            [("kernel", "()"), ("pad", "()")],
            [("kernel", "(3, 3)"), ("pad", "(1,)")],
            [("kernel", "(3, 3)"), ("stride", "(0, 1)")],
            [("kernel", "(3, 3)"), ("layout", "NCW")],
            [("kernel", "(3, 3)"), ("num_group", "2")],
        ] {
            let params = [params[0], params[1], ("num_filter", "3")];
            assert!(registry().make("Convolution", &params).is_err(), "{params:?}");
        }
    }

    #[test]
    fn gradients_agree_with_differences() {
        let check = |params: &[(&str, &str)], shapes: &[Shape]| {
            let texts = ParamTexts(params.iter().map(|(k, v)| (k.to_string().into(), v.to_string())).collect());
            let op = super::Convolution::from_texts(&texts).unwrap();
            crate::support::tests::check_gradient(&op, shapes, DType::Float64);
        };
        let shapes = [[2, 2, 5, 4].into(), [4, 1, 3, 2].into(), [4].into()];
        check(&[("kernel", "(3, 2)"), ("num_filter", "4"), ("num_group", "2"), ("pad", "(1, 1)")], &shapes);
        let ncw = [("kernel", "(2,)"), ("num_filter", "3"), ("no_bias", "True"), ("dilate", "(2,)")];
        check(&ncw, &[[1, 2, 7].into(), [3, 2, 2].into()]);
        let nhwc = [("kernel", "(2, 2)"), ("num_filter", "2"), ("stride", "(2, 1)"), ("layout", "NHWC")];
        check(&nhwc, &[[1, 4, 3, 2].into(), [2, 2, 2, 2].into(), [2].into()]);
    }
}
