//! `UpSampling`: images enlarged by a whole number.

use super::conv_spec::ConvSpec;
use super::spatial::Windows;
use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::conv;
use rsym_kernels::elementwise::accumulate;
use rsym_kernels::number::Number;
use rsym_kernels::upsample::{upsample_nearest, upsample_nearest_backward};
use rsym_tensor::{Float, PartialShape, Shape, Tensor, dispatch_float};
use std::borrow::Cow;

enum_param! {
    /// How several inputs come together.
    pub enum MultiInput {
        Concat = "concat",
        Sum = "sum",
    }
}

enum_param! {
    /// How the new elements come about.
    pub enum SampleType {
        Bilinear = "bilinear",
        Nearest = "nearest",
    }
}

operator! {
    /// Enlarges images `scale` times in both directions.
    ///
    /// With `sample_type='nearest'` every element is repeated. Several inputs are brought to the size of the first,
    /// enlarged, and concatenated along the channels or added. With `'bilinear'` every channel is convolved in transposed
    /// form with its own kernel, the second input, which a bilinear initialiser fills: kernel 2·scale - scale % 2, stride
    /// `scale`, padding (scale - 1) / 2 rounded up.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | first input | (batch, channels, height, width) | float |
    /// | other inputs (nearest) | (batch, channels, h, w) with h, w that divide the output | that of the first |
    /// | weight (bilinear) | (channels, 1, kernel, kernel) | that of the first |
    /// | output | (batch, channels, scale · height, scale · width) | that of the first |
    ///
    /// `num_filter` and `workspace` have no effect: the number of channels says it.
    #[variadic("num_args")]
    pub struct UpSampling("UpSampling") {
        inputs { data: "The images; for bilinear one image and the kernels." }
        params {
            /// How many times larger the output is.
            #[range(1..)]
            scale: i32,
            /// Number of channels; ignored.
            num_filter: i32 = 0,
            /// How the new elements come about.
            sample_type: SampleType,
            /// How several inputs come together.
            multi_input_mode: MultiInput = MultiInput::Concat,
            /// Number of inputs; without meaning for bilinear, which has two.
            #[range(1..)]
            num_args: i32,
            /// Ignored.
            workspace: u64 = 512,
        }
    }
}

operator! {
    /// Gradients of `UpSampling` for all inputs, given the gradient of the output and the inputs.
    #[hidden(true)]
    pub struct UpSamplingBackward("_backward_UpSampling") {
        inputs {}
        params {
            /// As in `UpSampling`.
            scale: i32,
            /// As in `UpSampling`.
            sample_type: SampleType,
            /// As in `UpSampling`.
            multi_input_mode: MultiInput,
            /// As in `UpSampling`.
            num_args: i32,
        }
    }
}

/// The transposed convolution of `channels` separate channels.
fn bilinear(scale: i32, channels: usize) -> OpResult<ConvSpec> {
    let scale = scale as i64;
    let both = |v: i64| -> Tuple { [v, v].into_iter().collect() };
    let make = || {
        let kernel = both(2 * scale - scale % 2);
        let windows = Windows::new(&kernel, &both(scale), &Tuple::new(), &both(scale / 2))?;
        let none = Tuple::new();
        let spec = ConvSpec::transposed(windows, (&none, &none), 1, 1, None)?;
        Ok(ConvSpec { filters: channels, groups: channels, ..spec })
    };
    make().map_err(|text: String| OpError::invalid(text))
}

/// Planes, width, and how many times the output of height `height` is larger.
struct Part {
    channels: usize,
    width: usize,
    scale: usize,
}

impl Part {
    fn of(input: &Shape, height: usize) -> Part {
        Part { channels: input[1], width: input[3], scale: height / input[2].max(1) }
    }
}

impl UpSampling {
    fn infer_nearest(&self, io: &mut ShapeIo) -> OpResult {
        let Some(first) = io.inputs[0].dims() else { return Ok(()) };
        let scale = self.scale as usize;
        let target = [2, 3].map(|d| first[d].map(|n| n.saturating_mul(scale)));
        let mut channels = Some(0);
        for i in 0..io.inputs.len() {
            let dims = io.inputs[i].dims();
            let own = dims.as_ref().and_then(|d| d[1]);
            channels = if self.multi_input_mode == MultiInput::Sum {
                own.or(channels.filter(|&c| c > 0))
            } else {
                channels.zip(own).map(|(a, b)| a + b)
            };
            let Some(dims) = dims else { continue };
            check_factors(i, &[dims[2], dims[3]], &target)?;
        }
        io.set_output(0, PartialShape::partial([first[0], channels, target[0], target[1]]))
    }
}

fn check_factors(i: usize, size: &[Option<usize>; 2], target: &[Option<usize>; 2]) -> OpResult {
    let ([Some(h), Some(w)], [Some(height), Some(width)]) = (size, target) else { return Ok(()) };
    let fits = *h > 0 && *w > 0 && height % h == 0 && width % w == 0 && height / h == width / w;
    if fits {
        return Ok(());
    }
    let expected = format!("a height and width of which {height} and {width} are one whole multiple");
    Err(OpError::Mismatch { port: Port::Input(i), expected, got: format!("{h} and {w}") })
}

impl Operator for UpSampling {
    fn inputs(&self) -> Names {
        match self.sample_type {
            SampleType::Bilinear => names!["data", "weight"],
            SampleType::Nearest => (0..self.num_args).map(|i| Cow::Owned(format!("arg{i}"))).collect(),
        }
    }

    fn initializer(&self, input: usize) -> Option<&'static str> {
        (input == 1).then_some(r#"["bilinear", {}]"#)
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let images = if self.sample_type == SampleType::Nearest { io.inputs.len() } else { 1 };
        (0..images).try_for_each(|i| io.set_input(i, PartialShape::of_rank(4)))?;
        if self.sample_type == SampleType::Nearest {
            return self.infer_nearest(io);
        }
        match io.inputs[0].dim(1) {
            Some(channels) => bilinear(self.scale, channels.max(1))?.infer(io),
            None => Ok(()),
        }
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        if self.sample_type == SampleType::Bilinear {
            return bilinear(self.scale, io.inputs[0].shape()[1])?.forward(io);
        }
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.nearest::<T>(io), else unsupported(dtype, "a float type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let op = UpSamplingBackward {
            scale: self.scale,
            sample_type: self.sample_type,
            multi_input_mode: self.multi_input_mode,
            num_args: self.num_inputs() as i32,
        };
        let mut inputs = vec![g.head(0)?];
        inputs.extend((0..g.num_inputs()).map(|i| g.input(i)));
        for (i, gradient) in g.apply_multi(op, &inputs).into_iter().enumerate() {
            g.set(i, gradient);
        }
        Ok(())
    }
}

impl UpSampling {
    fn nearest<T: Float + Number>(&self, io: &mut Io) -> OpResult {
        let shape = io.outputs[0].shape().clone();
        let (height, plane) = (shape[2], shape.product(2..));
        let out = io.outputs[0].slice_mut::<T>()?;
        let mut first = 0;
        for (i, input) in io.inputs.iter().enumerate() {
            let (part, data) = (Part::of(input.shape(), height), input.slice::<T>()?);
            let size = part.channels * plane;
            let added = i > 0 && self.multi_input_mode == MultiInput::Sum;
            let mut buffer = vec![T::default(); if added { size } else { 0 }];
            let image_size = (data.len() / shape[0].max(1)).max(1);
            for (image, data) in out.chunks_mut(shape.product(1..).max(1)).zip(data.chunks(image_size)) {
                if !added {
                    upsample_nearest(data, part.width, part.scale, &mut image[first * plane..][..size]);
                } else {
                    upsample_nearest(data, part.width, part.scale, &mut buffer);
                    accumulate(&buffer, image);
                }
            }
            first += if self.multi_input_mode == MultiInput::Sum { 0 } else { part.channels };
        }
        Ok(())
    }
}

impl Operator for UpSamplingBackward {
    fn inputs(&self) -> Names {
        std::iter::once(Cow::Borrowed("ograd")).chain((0..self.num_args).map(|i| Cow::Owned(format!("arg{i}")))).collect()
    }

    fn num_inputs(&self) -> usize {
        1 + self.num_args as usize
    }

    fn num_outputs(&self) -> usize {
        self.num_args as usize
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        (0..io.outputs.len()).try_for_each(|i| io.unify([Port::Input(i + 1), Port::Output(i)]))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => match self.sample_type {
            SampleType::Bilinear => self.bilinear::<T>(io),
            SampleType::Nearest => self.nearest::<T>(io),
        }, else unsupported(dtype, "a float type"))
    }

    fn reads(&self, input: usize) -> bool {
        input == 0 || self.sample_type == SampleType::Bilinear
    }
}

impl UpSamplingBackward {
    fn bilinear<T: Float>(&self, io: &mut Io) -> OpResult {
        let shape = io.inputs[1].shape();
        let g = bilinear(self.scale, shape[1])?.geometry(shape)?;
        let [ograd, data, weight] = [0, 1, 2].map(|i| io.inputs[i].slice::<T>());
        let (ograd, data, weight) = (ograd?, data?, weight?);
        conv::deconv_backward_data(&g, weight, ograd, io.outputs[0].slice_mut()?);
        conv::deconv_backward_weight(&g, data, ograd, io.outputs[1].slice_mut()?);
        Ok(())
    }

    fn nearest<T: Float>(&self, io: &mut Io) -> OpResult {
        let shape = io.inputs[0].shape();
        let ograd = io.inputs[0].slice::<T>()?;
        let mut first = 0;
        for out in io.outputs.iter_mut() {
            let part = Part::of(out.shape(), shape[2]);
            scatter::<T>(&part, ograd, shape, first, out)?;
            first += if self.multi_input_mode == MultiInput::Sum { 0 } else { part.channels };
        }
        Ok(())
    }
}

/// The gradient of one input, whose channels begin at `first` in the output.
fn scatter<T: Float>(part: &Part, ograd: &[T], shape: &Shape, first: usize, out: &mut Tensor) -> OpResult {
    let (plane, image) = (shape.product(2..), shape.product(1..));
    let size = out.size() / shape[0].max(1);
    for (dx, ograd) in out.slice_mut::<T>()?.chunks_mut(size.max(1)).zip(ograd.chunks(image.max(1))) {
        upsample_nearest_backward(&ograd[first * plane..][..part.channels * plane], part.width, part.scale, dx);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, check_gradient, infer, run, t32};
    use rsym_tensor::DType;

    fn op(scale: i32, sample_type: SampleType, multi_input_mode: MultiInput, num_args: i32) -> UpSampling {
        UpSampling { scale, num_filter: 0, sample_type, multi_input_mode, num_args, workspace: 0 }
    }

    fn image() -> Tensor {
        t32([1, 1, 2, 2], &[0.0, 1.0, 2.0, 3.0])
    }

    #[test]
    fn nearest_values_are_those_of_mxnet() {
        let concat = op(2, SampleType::Nearest, MultiInput::Concat, 2);
        let out = run(&concat, &[image(), t32([1, 2, 1, 1], &[0.0, 1.0])]);
        let large = [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 2.0, 2.0, 3.0, 3.0];
        assert_eq!(out[0].to_f64_vec(), [large, [0.0; 16], [1.0; 16]].concat());
        let sum = op(2, SampleType::Nearest, MultiInput::Sum, 2);
        assert_eq!(run(&sum, &[image(), image()])[0].to_f64_vec(), large.map(|v| 2.0 * v));
    }

    #[test]
    fn bilinear_values_are_those_of_mxnet() {
        let of = |scale, kernel: usize| {
            let weight = t32([1, 1, kernel, kernel], &vec![1.0; kernel * kernel]);
            run(&op(scale, SampleType::Bilinear, MultiInput::Concat, 2), &[image(), weight]).remove(0)
        };
        let want = [0.0, 1.0, 1.0, 1.0, 2.0, 6.0, 6.0, 4.0, 2.0, 6.0, 6.0, 4.0, 2.0, 5.0, 5.0, 3.0];
        assert_close(&of(2, 4), &want);
        assert_close(&of(3, 5).reshape([6, 6]).unwrap().rows(2, 3).unwrap(), &[2.0, 2.0, 6.0, 6.0, 4.0, 4.0]);
    }

    #[test]
    fn gradients_agree_with_differences() {
        let (a, b) = (Shape::from([2, 1, 2, 4]), Shape::from([2, 2, 1, 2]));
        check_gradient(&op(2, SampleType::Nearest, MultiInput::Concat, 2), &[a.clone(), b], DType::Float64);
        check_gradient(&op(2, SampleType::Nearest, MultiInput::Sum, 2), &[a.clone(), a], DType::Float64);
        let weight = [2, 1, 4, 4].into();
        check_gradient(
            &op(2, SampleType::Bilinear, MultiInput::Concat, 1),
            &[[1, 2, 2, 3].into(), weight],
            DType::Float64,
        );
    }

    #[test]
    fn shapes_are_those_of_mxnet() {
        let bilinear = op(2, SampleType::Bilinear, MultiInput::Concat, 1);
        assert_eq!(infer(&bilinear, &[&[1, 3, 4, 4], &[]], &[]).unwrap()[1..], [[3, 1, 4, 4], [1, 3, 8, 8]]);
        assert_eq!(bilinear.initializer(1), Some(r#"["bilinear", {}]"#));
        let nearest = op(2, SampleType::Nearest, MultiInput::Concat, 1);
        assert_eq!(infer(&nearest, &[&[0, 3, 4, 4]], &[]).unwrap()[1], [0, 3, 8, 8]);
        let two = op(2, SampleType::Nearest, MultiInput::Concat, 2);
        assert!(infer(&two, &[&[1, 3, 4, 4], &[1, 3, 3, 4]], &[]).is_err());
    }
}
