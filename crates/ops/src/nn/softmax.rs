//! `softmax`, `log_softmax` and `softmin`.

use super::softmax_spec::{OutType, SoftmaxSpec, softmax_operator};
use rsym_graph::*;

operator! {
    /// Softmax along an axis: `out_i = exp(x_i / t) / Σ_j exp(x_j / t)` with the temperature t.
    ///
    /// With `use_length` only the first `length` elements of every line take part and the others become 0.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | any | float |
    /// | length (with `use_length`) | that of data without the axis | any |
    /// | output | that of data | `dtype`, else that of data |
    #[aliases("_npx_softmax")]
    pub struct Softmax("softmax") {
        inputs { data: "The input.", length: "With `use_length`: the number of elements that count on every line." }
        params {
            /// The axis along which the values add up to 1; counted from the end if negative.
            axis: i32 = -1,
            /// Divides the data first; 1 by default.
            temperature: Option<f64> = None,
            /// Type of the output.
            dtype: Option<OutType> = None,
            /// Take a second input with the number of elements that count on every line.
            use_length: Option<bool> = Some(false),
        }
    }
}

impl Softmax {
    fn spec(&self) -> SoftmaxSpec {
        SoftmaxSpec {
            axis: self.axis,
            temperature: self.temperature.unwrap_or(1.0),
            dtype: self.dtype,
            use_length: self.use_length == Some(true),
            log: false,
            negate: false,
        }
    }
}

softmax_operator!(Softmax);

operator! {
    /// Logarithm of the softmax along an axis: `out_i = x_i / t - log(Σ_j exp(x_j / t))` with the temperature t.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | any | float |
    /// | output | that of data | `dtype`, else that of data |
    #[aliases("_npx_log_softmax")]
    pub struct LogSoftmax("log_softmax") {
        inputs { data: "The input." }
        params {
            /// The axis along which the values add up to 1; counted from the end if negative.
            axis: i32 = -1,
            /// Divides the data first; 1 by default.
            temperature: Option<f64> = None,
            /// Type of the output.
            dtype: Option<OutType> = None,
            /// Without effect here: only softmax takes lengths.
            use_length: Option<bool> = Some(false),
        }
    }
}

impl LogSoftmax {
    fn spec(&self) -> SoftmaxSpec {
        SoftmaxSpec {
            axis: self.axis,
            temperature: self.temperature.unwrap_or(1.0),
            dtype: self.dtype,
            use_length: false,
            log: true,
            negate: false,
        }
    }
}

softmax_operator!(LogSoftmax);

operator! {
    /// Softmax of the negated data along an axis: `out_i = exp(-x_i / t) / Σ_j exp(-x_j / t)` with the temperature t.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | any | float |
    /// | output | that of data | `dtype`, else that of data |
    #[unnamed(true)]
    pub struct Softmin("softmin") {
        inputs { data: "The input." }
        params {
            /// The axis along which the values add up to 1; counted from the end if negative.
            axis: i32 = -1,
            /// Divides the data first; 1 by default.
            temperature: Option<f64> = None,
            /// Type of the output.
            dtype: Option<OutType> = None,
            /// Without effect here: only softmax takes lengths.
            use_length: Option<bool> = Some(false),
        }
    }
}

impl Softmin {
    fn spec(&self) -> SoftmaxSpec {
        SoftmaxSpec {
            axis: self.axis,
            temperature: self.temperature.unwrap_or(1.0),
            dtype: self.dtype,
            use_length: false,
            log: false,
            negate: true,
        }
    }
}

softmax_operator!(Softmin);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, backward, check_gradient, infer, run, t32};
    use rsym_tensor::{DType, Tensor};

    fn plain() -> Softmax {
        Softmax { axis: -1, temperature: None, dtype: None, use_length: Some(false) }
    }

    fn data() -> Tensor {
        t32([2, 4], &[-1.0, 0.0, 2.0, 3.0, 1.0, 2.0, 3.0, 5.0])
    }

    #[test]
    fn values_are_those_of_mxnet() {
        let op = Softmax { temperature: Some(2.0), ..plain() };
        let want = [0.06887306, 0.11355247, 0.30866763, 0.50890684, 0.07839412, 0.12925005, 0.21309732, 0.57925856];
        assert_close(&run(&op, &[data()])[0], &want);
        let op = Softmax { axis: 0, temperature: Some(0.5), ..plain() };
        let want = [0.01798621, 0.01798621, 0.11920292, 0.01798621, 0.98201376, 0.98201376, 0.880797, 0.98201376];
        assert_close(&run(&op, &[data()])[0], &want);
        let logs = LogSoftmax::from_texts(&ParamTexts::default()).unwrap();
        let both = [run(&logs, &[data()]), run(&plain(), &[data()])].map(|o| o[0].to_f64_vec());
        assert!(both[0].iter().zip(&both[1]).all(|(l, p)| (l - p.ln()).abs() < 1e-5));
        let negated = t32([2, 4], &data().to_f64_vec().iter().map(|&v| -v as f32).collect::<Vec<_>>());
        let softmin = Softmin::from_texts(&ParamTexts::default()).unwrap();
        assert_eq!(run(&softmin, &[negated])[0].to_f64_vec(), both[1]);
    }

    #[test]
    fn lengths_cut_the_lines() {
        let op = Softmax { use_length: Some(true), ..plain() };
        let length = Tensor::from_slice([2], &[2i32, 0]).unwrap();
        let inputs = [data(), length];
        assert_close(&run(&op, &inputs)[0], &[0.26894143, 0.7310586, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        let head = t32([2, 4], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
        let found = backward(&op, &inputs, &[Some(head)]);
        assert_close(found[0].as_ref().unwrap(), &[-0.19661194, 0.19661193, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(infer(&op, &[&[2, 0, 4], &[]], &[]).unwrap()[1], [2, 0]);
    }

    #[test]
    fn the_output_type_can_be_chosen() {
        let op = Softmax { dtype: Some(OutType::Float64), ..plain() };
        let out = run(&op, &[data().cast(DType::Float16).unwrap()]);
        assert_eq!(out[0].dtype(), DType::Float64);
        assert!((out[0].to_f64_vec()[..4].iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let found = backward(&op, &[data()], &[Some(out[0].clone())]);
        assert_eq!(found[0].as_ref().unwrap().dtype(), DType::Float32);
    }

    #[test]
    fn gradients_agree_with_differences() {
        let shapes = [[2, 3, 4].into()];
        check_gradient(&Softmax { axis: 1, temperature: Some(1.5), ..plain() }, &shapes, DType::Float64);
        let texts = ParamTexts(vec![("axis".into(), "0".into())]);
        check_gradient(&LogSoftmax::from_texts(&texts).unwrap(), &shapes, DType::Float64);
        check_gradient(&Softmin::from_texts(&texts).unwrap(), &shapes, DType::Float64);
    }

    #[test]
    fn axes_outside_of_the_data_are_refused() {
        assert!(infer(&Softmax { axis: 2, ..plain() }, &[&[2, 3]], &[]).is_err());
    }
}
