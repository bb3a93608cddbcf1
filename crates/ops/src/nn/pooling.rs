//! `Pooling` and its older form `Pooling_v1`.

use super::pool_spec::{PoolSpec, pooling};
use super::spatial::Windows;
use crate::forms::BlockedPooling;
use rsym_graph::*;

enum_param! {
    /// Reductions of `Pooling`.
    pub enum PoolType {
        Avg = "avg",
        Lp = "lp",
        Max = "max",
        Sum = "sum",
    }
}

enum_param! {
    /// Reductions of `Pooling_v1`.
    pub enum PoolV1Type {
        Avg = "avg",
        Max = "max",
        Sum = "sum",
    }
}

enum_param! {
    /// How many windows there are.
    pub enum Convention {
        Full = "full",
        Same = "same",
        Valid = "valid",
    }
}

enum_param! {
    /// How many windows there are in `Pooling_v1`.
    pub enum ConventionV1 {
        Full = "full",
        Valid = "valid",
    }
}

enum_param! {
    /// Orders of the dimensions of `Pooling`.
    pub enum PoolLayout {
        Ncdhw = "NCDHW",
        Nchw = "NCHW",
        Ncw = "NCW",
        Ndhwc = "NDHWC",
        Nhwc = "NHWC",
        Nwc = "NWC",
    }
}

operator! {
    /// Reduces sliding windows over one to three spatial dimensions to their maximum, mean, sum or norm.
    ///
    /// | pool_type | of a window's elements v |
    /// |---|---|
    /// | max | max(v) |
    /// | avg | Σ v / number of positions, zeros of the padding among them unless `count_include_pad=False` |
    /// | sum | Σ v |
    /// | lp | (Σ v^p)^(1/p) for p = `p_value` of 1, 2 or 3 |
    ///
    /// | pooling_convention | windows along a dimension |
    /// |---|---|
    /// | valid | (space + 2·pad - kernel) / stride + 1, rounded down |
    /// | full | the same, rounded up: the last window may hang over the border |
    /// | same | space / stride, rounded up; for one spatial dimension without padding |
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (batch, channels, space…) | float |
    /// | output | (batch, channels, windows…), with `global_pool` (batch, channels, 1…) | that of data |
    ///
    /// With a layout that ends in C the channels come last. Of equal maxima the first gets the gradient. MXNet's CPU
    /// build fails for `same`; rsym computes it.
    #[aliases("_npx_pooling")]
    #[check(|op: &Pooling| op.spec().map(|_| ()))]
    pub struct Pooling("Pooling") {
        inputs { data: "The input." }
        params {
            /// Size of the window in every spatial dimension; not needed with `global_pool`.
            kernel: Tuple = Tuple::new(),
            /// The reduction.
            pool_type: PoolType = PoolType::Max,
            /// Take the whole input as one window; kernel, stride and pad are ignored.
            global_pool: bool = false,
            /// Ignored.
            cudnn_off: bool = false,
            /// How many windows there are.
            pooling_convention: Convention = Convention::Valid,
            /// Distance of two windows; 1 by default.
            stride: Tuple = Tuple::new(),
            /// Padding around the input on both sides; 0 by default.
            pad: Tuple = Tuple::new(),
            /// The p of the norm.
            p_value: Option<i32> = None,
            /// Count the padding in means; so by default.
            count_include_pad: Option<bool> = None,
            /// Order of the dimensions; by default the channels come second.
            layout: Option<PoolLayout> = None,
        }
    }
}

operator! {
    /// The older form of `Pooling`, for two and three spatial dimensions.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (batch, channels, space…) | float |
    /// | output | (batch, channels, windows…), with `global_pool` (batch, channels, 1…) | that of data |
    ///
    /// Unlike with `Pooling`, means divide by the size of the kernel even where the window hangs over the border, padding
    /// counts as zeros in maxima, and each of several equal maxima gets the whole gradient.
    #[check(|op: &PoolingV1| op.spec().map(|_| ()))]
    pub struct PoolingV1("Pooling_v1") {
        inputs { data: "The input." }
        params {
            /// Size of the window in every spatial dimension; not needed with `global_pool`.
            kernel: Tuple = Tuple::new(),
            /// The reduction.
            pool_type: PoolV1Type = PoolV1Type::Max,
            /// Take the whole input as one window; kernel, stride and pad are ignored.
            global_pool: bool = false,
            /// How many windows there are: with `full` the last may hang over the border.
            pooling_convention: ConventionV1 = ConventionV1::Valid,
            /// Distance of two windows; 1 by default.
            stride: Tuple = Tuple::new(),
            /// Padding around the input on both sides; 0 by default.
            pad: Tuple = Tuple::new(),
        }
    }
}

impl Pooling {
    fn spec(&self) -> Result<PoolSpec, String> {
        Ok(PoolSpec {
            windows: windows(self.global_pool, &self.kernel, &self.stride, &self.pad)?,
            pool_type: self.pool_type,
            p_value: self.p_value,
            count_include_pad: self.count_include_pad.unwrap_or(true),
            convention: self.pooling_convention,
            layout: self.layout,
            first_form: false,
        })
    }
}

impl PoolingV1 {
    fn spec(&self) -> Result<PoolSpec, String> {
        if self.kernel.len() == 1 {
            return Err("Pooling_v1 takes kernels of 2 and 3 dimensions: use Pooling".into());
        }
        Ok(PoolSpec {
            windows: windows(self.global_pool, &self.kernel, &self.stride, &self.pad)?,
            pool_type: match self.pool_type {
                PoolV1Type::Avg => PoolType::Avg,
                PoolV1Type::Max => PoolType::Max,
                PoolV1Type::Sum => PoolType::Sum,
            },
            p_value: None,
            count_include_pad: true,
            convention: match self.pooling_convention {
                ConventionV1::Full => Convention::Full,
                ConventionV1::Valid => Convention::Valid,
            },
            layout: None,
            first_form: true,
        })
    }
}

/// The windows; strides and padding of dimensions that the kernel does not have are ignored.
fn windows(global: bool, kernel: &Tuple, stride: &Tuple, pad: &Tuple) -> Result<Option<Windows>, String> {
    let head = |t: &Tuple| t.iter().take(kernel.len()).copied().collect::<Tuple>();
    if global { Ok(None) } else { Windows::new(kernel, &head(stride), &Tuple::new(), &head(pad)).map(Some) }
}

pooling!(Pooling);
pooling!(PoolingV1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry;
    use crate::support::tests::{assert_close, backward, check_gradient, infer, run, t32};
    use rsym_tensor::{DType, Tensor};

    fn make(params: &[(&str, &str)]) -> OpRef {
        registry().make("Pooling", params).unwrap()
    }

    fn texts(params: &[(&str, &str)]) -> ParamTexts {
        ParamTexts(params.iter().map(|(k, v)| (k.to_string().into(), v.to_string())).collect())
    }

    fn ramp() -> Tensor {
        t32([1, 1, 5, 5], &(0..25).map(|i| i as f32 - 7.0).collect::<Vec<_>>())
    }

    #[test]
    fn values_are_those_of_mxnet() {
        let of = |params: &[(&str, &str)]| run(make(params).as_ref(), &[ramp()]).remove(0);
        let base = [("kernel", "(2, 2)"), ("stride", "(2, 2)")];
        let with = |more: &[(&'static str, &'static str)]| of(&[&base[..], more].concat());
        assert_close(&with(&[]), &[-1.0, 1.0, 9.0, 11.0]);
        let full = ("pooling_convention", "full");
        assert_close(&with(&[("pool_type", "avg"), full]), &[-4.0, -2.0, -0.5, 6.0, 8.0, 9.5, 13.5, 15.5, 17.0]);
        let lp = [("pool_type", "lp"), ("p_value", "3")];
        assert_close(&with(&lp), &[-8.281599998474121, -5.728700160980225, 11.002799987792969, 13.876500129699707]);
        let avg = [("kernel", "(3, 3)"), ("stride", "(2, 2)"), ("pad", "(1, 1)"), ("pool_type", "avg")];
        let want = [-1.77778, -1.66667, -0.44444, 2.33333, 5.0, 4.33333, 4.88889, 8.33333, 6.22222];
        assert_close(&of(&avg), &want);
        let inside = of(&[&avg[..], &[("count_include_pad", "False")]].concat());
        assert_close(&inside, &[-4.0, -2.5, -1.0, 3.5, 5.0, 6.5, 11.0, 12.5, 14.0]);
        assert_close(&of(&[("global_pool", "True"), ("pool_type", "avg"), ("pad", "(1, 1)")]), &[5.0]);
    }

    #[test]
    fn the_first_form_divides_by_the_kernel_and_feeds_every_maximum() {
        let base = [("kernel", "(2, 2)"), ("stride", "(2, 2)"), ("pooling_convention", "full")];
        let avg = PoolingV1::from_texts(&texts(&[&base[..], &[("pool_type", "avg")]].concat())).unwrap();
        assert_close(&run(&avg, &[ramp()])[0], &[-4.0, -2.0, -0.25, 6.0, 8.0, 4.75, 6.75, 7.75, 4.25]);
        let max = PoolingV1::from_texts(&texts(&base[..2])).unwrap();
        let zeros = Tensor::zeros([1, 1, 2, 2], DType::Float32).unwrap();
        let found = backward(&max, &[zeros], &[Some(t32([1, 1, 1, 1], &[3.0]))]);
        assert_eq!(found[0].as_ref().unwrap().to_f64_vec(), [3.0; 4]);
    }

    #[test]
    fn shapes_are_those_of_mxnet() {
        let of = |params: &[(&str, &str)], data: &[i64]| infer(make(params).as_ref(), &[data], &[]).unwrap()[1].clone();
        assert_eq!(of(&[("kernel", "(2, 2)")], &[2, 3, 8, 7]), [2, 3, 7, 6]);
        let full = [("kernel", "(3, 3)"), ("stride", "(2, 2)"), ("pooling_convention", "full")];
        assert_eq!(of(&full, &[2, 3, 8, 7]), [2, 3, 4, 3]);
        let longer = [("kernel", "(3, 3)"), ("stride", "(2, 2, 2)"), ("pad", "(0, 0, 7)")];
        assert_eq!(of(&longer, &[2, 3, 9, 7]), [2, 3, 4, 3]);
        assert_eq!(of(&[("global_pool", "True")], &[0, 3, 0, 7]), [0, 3, 1, 1]);
        assert_eq!(of(&[("kernel", "(2, 2)"), ("layout", "NHWC")], &[2, 3, 8, 7]), [2, 2, 7, 7]);
        assert_eq!(of(&[("kernel", "(2,)"), ("layout", "NWC")], &[2, 8, 3]), [2, 7, 3]);
        let same = [("kernel", "(3,)"), ("stride", "(2,)"), ("pooling_convention", "same")];
        assert_eq!(of(&same, &[2, 3, 7]), [2, 3, 4]);
    }

    #[test]
    fn wrong_parameters_are_refused() {
        let refused = |params: &[(&str, &str)]| infer(make(params).as_ref(), &[&[2, 3, 8, 7]], &[]).is_err();
        assert!(refused(&[("kernel", "(9, 9)")]));
        assert!(refused(&[("kernel", "(2, 2)"), ("pool_type", "lp")]));
        assert!(refused(&[("kernel", "(2, 2)"), ("pooling_convention", "same")]));
        assert!(refused(&[("kernel", "(2,)")]));
        assert!(registry().make("Pooling", &[]).is_err());
        assert!(registry().make("Pooling", &[("kernel", "(2, 2)"), ("stride", "(0, 1)")]).is_err());
    }

    #[test]
    fn gradients_agree_with_differences() {
        let base = [("kernel", "(3, 2)"), ("stride", "(2, 1)"), ("pad", "(1, 0)"), ("pooling_convention", "full")];
        for more in [
            &[("pool_type", "max")][..],
            &[("pool_type", "avg")],
            &[("pool_type", "avg"), ("count_include_pad", "False")],
            &[("pool_type", "sum"), ("layout", "NHWC")],
            &[("pool_type", "lp"), ("p_value", "2")],
            &[("pool_type", "max"), ("global_pool", "True")],
        ] {
            let op = Pooling::from_texts(&texts(&[&base[..], more].concat())).unwrap();
            check_gradient(&op, &[[2, 5, 4, 2].into()], DType::Float64);
        }
    }
}
