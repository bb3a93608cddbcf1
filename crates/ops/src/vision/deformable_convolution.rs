//! `_contrib_DeformableConvolution` (J. Dai et al., "Deformable Convolutional Networks", 2017) and
//! `_contrib_ModulatedDeformableConvolution` (X. Zhu et al., "Deformable ConvNets v2", 2019).
//!
//! They differ in the mask and at the border: taps that move beyond the last row or column repeat it in the former, and fade out
//! over one pixel on all sides in the latter. MXNet has no gradient of the latter on the CPU; rsym has.

use crate::nn::spatial::Windows;
use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::vision::deformable::{Deformable, Gradients, Inputs, deformable_conv, deformable_conv_backward};
use rsym_tensor::{Float, PartialShape, Shape, Tensor, dispatch_float};

enum_param! {
    /// Orders of the dimensions.
    pub enum DeformableLayout { Ncdhw = "NCDHW", Nchw = "NCHW", Ncw = "NCW" }
}

operator! {
    /// Convolution whose taps move: `out[n, f, y, x] = Σ weight[f, c, i, j] * data[n, c](y * stride + i * dilate - pad + offset)`, plus bias.
    ///
    /// Values between pixels are bilinear. Taps that move out of the picture count as 0; between the last row (or column) and the
    /// border they repeat it.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (n, c, h, w) | float |
    /// | offset | (n, num_deformable_group * kernel * 2, h', w'): y, then x, for each tap | that of data |
    /// | weight | (num_filter, c / num_group, kernel…) | that of data |
    /// | bias | (num_filter,), absent with `no_bias` | that of data |
    /// | output | (n, num_filter, h', w') as of `Convolution` | that of data |
    ///
    /// Source: J. Dai et al., "Deformable Convolutional Networks", 2017.
    #[check(|op: &DeformableConvolution| op.spec().map(|_| ()))]
    pub struct DeformableConvolution("_contrib_DeformableConvolution") {
        inputs {
            data: "The pictures.",
            offset: "How far each tap moves.",
            weight: "The filters.",
            bias: "What is added to each channel of the output."
        }
        params {
            /// Size of the window: (h, w).
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
            /// Groups of channels with offsets of their own.
            #[range(1..)]
            num_deformable_group: u32 = 1,
            /// Ignored.
            workspace: u64 = 1024,
            /// Leave the bias out.
            no_bias: bool = false,
            /// Order of the dimensions: `NCHW`.
            layout: Option<DeformableLayout> = None,
        }
    }
}

operator! {
    /// Convolution whose taps move and are weighed:
    /// `out[n, f, y, x] = Σ weight[f, c, i, j] * mask * data[n, c](y * stride + i * dilate - pad + offset)`, plus bias.
    ///
    /// Values between pixels are bilinear; pixels outside of the picture are 0.
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | (n, c, h, w) | float |
    /// | offset | (n, num_deformable_group * kernel * 2, h', w'): y, then x, for each tap | that of data |
    /// | mask | (n, num_deformable_group * kernel, h', w') | that of data |
    /// | weight | (num_filter, c / num_group, kernel…) | that of data |
    /// | bias | (num_filter,), absent with `no_bias` | that of data |
    /// | output | (n, num_filter, h', w') as of `Convolution` | that of data |
    ///
    /// Source: X. Zhu et al., "Deformable ConvNets v2: More Deformable, Better Results", 2019.
    #[check(|op: &ModulatedDeformableConvolution| op.spec().map(|_| ()))]
    pub struct ModulatedDeformableConvolution("_contrib_ModulatedDeformableConvolution") {
        inputs {
            data: "The pictures.",
            offset: "How far each tap moves.",
            mask: "What each tap is multiplied by.",
            weight: "The filters.",
            bias: "What is added to each channel of the output."
        }
        params {
            /// Size of the window: (h, w).
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
            /// Groups of channels with offsets of their own.
            #[range(1..)]
            num_deformable_group: u32 = 1,
            /// Ignored.
            workspace: u64 = 1024,
            /// Leave the bias out.
            no_bias: bool = false,
            /// A larger batch must be a multiple of it; else ignored.
            #[range(1..)]
            im2col_step: u32 = 64,
            /// Order of the dimensions: `NCHW`.
            layout: Option<DeformableLayout> = None,
        }
    }
}

/// A deformable convolution in full.
#[derive(Clone, Debug)]
struct Spec {
    windows: Windows,
    filters: usize,
    groups: usize,
    moves: usize,
    masked: bool,
    /// What a larger batch must be a multiple of.
    step: usize,
}

impl Spec {
    fn checked(self, layout: Option<DeformableLayout>) -> Result<Spec, String> {
        if self.windows.rank() != 2 || layout.is_some_and(|l| l != DeformableLayout::Nchw) {
            return Err("deformable convolutions have two dimensions: kernel=(h, w), layout NCHW".into());
        }
        if !self.filters.is_multiple_of(self.groups) {
            return Err(format!("num_group={} must divide num_filter={}", self.groups, self.filters));
        }
        if self.masked && !self.filters.is_multiple_of(self.moves) {
            return Err(format!("num_deformable_group={} must divide num_filter={}", self.moves, self.filters));
        }
        Ok(self)
    }

    /// Place of the weight among the inputs; the bias follows.
    fn weight(&self) -> usize {
        2 + usize::from(self.masked)
    }

    fn taps(&self) -> usize {
        self.windows.kernel.iter().product()
    }

    fn infer(&self, io: &mut ShapeIo) -> OpResult {
        let Some(dims) = io.inputs[0].dims() else { return Ok(()) };
        let [batch, channels, h, w] = dims[..] else {
            return Err(OpError::invalid(format!("data must have four dimensions, got {}", io.inputs[0])));
        };
        self.check(batch, channels)?;
        let count = |d: usize, size: Option<usize>| size.map(|s| self.windows.count(d, s)).transpose();
        let (rows, columns) = (count(0, h)?, count(1, w)?);
        let kernel = &self.windows.kernel;
        let weight = [Some(self.filters), channels.map(|c| c / self.groups), Some(kernel[0]), Some(kernel[1])];
        let map = |channels: usize| PartialShape::partial([batch, Some(channels), rows, columns]);
        io.set_input(1, map(2 * self.moves * self.taps()))?;
        if self.masked {
            io.set_input(2, map(self.moves * self.taps()))?;
        }
        io.set_input(self.weight(), PartialShape::partial(weight))?;
        if io.inputs.len() > self.weight() + 1 {
            io.set_input(self.weight() + 1, [self.filters])?;
        }
        io.set_output(0, map(self.filters))
    }

    fn check(&self, batch: Option<usize>, channels: Option<usize>) -> OpResult {
        for (name, n) in [("num_group", self.groups), ("num_deformable_group", self.moves)] {
            if let Some(c) = channels.filter(|c| !c.is_multiple_of(n)) {
                return Err(OpError::invalid(format!("{name}={n} must divide the {c} channels of data")));
            }
        }
        match batch.filter(|&n| n > self.step && !n.is_multiple_of(self.step)) {
            Some(n) => Err(OpError::invalid(format!("im2col_step={} must divide the batch of {n}", self.step))),
            None => Ok(()),
        }
    }

    fn geometry(&self, data: &Shape) -> OpResult<Deformable> {
        let [batch, channels, height, width] = data[..] else {
            return Err(OpError::invalid("data must have four dimensions"));
        };
        let window = self.windows.over(&[height, width]);
        Ok(Deformable { batch, channels, filters: self.filters, groups: self.groups, moves: self.moves, window })
    }

    fn slices<'a, T: Float>(&self, inputs: &'a [Tensor]) -> OpResult<Inputs<'a, T>> {
        Ok(Inputs {
            data: inputs[0].slice()?,
            offset: inputs[1].slice()?,
            mask: self.masked.then(|| inputs[2].slice()).transpose()?,
            weight: inputs[self.weight()].slice()?,
        })
    }

    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let bias = io.inputs.get(self.weight() + 1).map(|b| b.slice::<T>()).transpose()?;
        let g = self.geometry(io.inputs[0].shape())?;
        deformable_conv(&g, self.slices(io.inputs)?, bias, io.outputs[0].slice_mut()?);
        Ok(())
    }

    fn gradient(self, g: &mut Grad) -> GraphResult {
        let wanted: Vec<usize> = (0..g.num_inputs()).filter(|&i| g.needs(i)).collect();
        let mut inputs = vec![g.head(0)?];
        inputs.extend((0..=self.weight()).map(|i| g.input(i)));
        let op = DeformableConvolutionBackward { spec: self, wanted: wanted.clone() };
        for (i, gradient) in wanted.into_iter().zip(g.apply_multi(op, &inputs)) {
            g.set(i, gradient);
        }
        Ok(())
    }
}

/// The gradients of a deformable convolution that are wanted, by the places of the inputs.
#[derive(Clone, Debug)]
struct DeformableConvolutionBackward {
    spec: Spec,
    wanted: Vec<usize>,
}

internal_operator!(DeformableConvolutionBackward, "_backward_DeformableConvolution");

impl DeformableConvolutionBackward {
    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let [head, inputs @ ..] = io.inputs else { return Err(OpError::invalid("takes the forward inputs")) };
        let g = self.spec.geometry(inputs[0].shape())?;
        let mut to = Gradients { data: None, offset: None, mask: None, weight: None, bias: None };
        for (&i, out) in self.wanted.iter().zip(io.outputs.iter_mut()) {
            let slot = match i {
                0 => &mut to.data,
                1 => &mut to.offset,
                _ if i < self.spec.weight() => &mut to.mask,
                _ if i == self.spec.weight() => &mut to.weight,
                _ => &mut to.bias,
            };
            *slot = Some(out.slice_mut::<T>()?);
        }
        deformable_conv_backward(&g, self.spec.slices(inputs)?, head.slice()?, to);
        Ok(())
    }
}

impl Operator for DeformableConvolutionBackward {
    fn inputs(&self) -> Names {
        if self.spec.masked {
            names!["ograd", "data", "offset", "mask", "weight"]
        } else {
            names!["ograd", "data", "offset", "weight"]
        }
    }

    fn num_inputs(&self) -> usize {
        self.spec.weight() + 2
    }

    fn num_outputs(&self) -> usize {
        self.wanted.len()
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        for (o, &i) in self.wanted.iter().enumerate() {
            if i > self.spec.weight() {
                io.set_output(o, [self.spec.filters])?;
            } else {
                io.unify([Port::Input(i + 1), Port::Output(o)])?;
            }
        }
        Ok(())
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.inputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }
}

impl DeformableConvolution {
    fn spec(&self) -> Result<Spec, String> {
        let windows = Windows::new(&self.kernel, &self.stride, &self.dilate, &self.pad)?;
        let (filters, groups, moves) = (self.num_filter, self.num_group, self.num_deformable_group);
        let [filters, groups, moves] = [filters, groups, moves].map(|n| n as usize);
        Spec { windows, filters, groups, moves, masked: false, step: 1 }.checked(self.layout)
    }
}

impl ModulatedDeformableConvolution {
    fn spec(&self) -> Result<Spec, String> {
        let windows = Windows::new(&self.kernel, &self.stride, &self.dilate, &self.pad)?;
        let (filters, groups, moves) = (self.num_filter, self.num_group, self.num_deformable_group);
        let [filters, groups, moves] = [filters, groups, moves].map(|n| n as usize);
        Spec { windows, filters, groups, moves, masked: true, step: self.im2col_step as usize }.checked(self.layout)
    }
}

/// Implements a deformable convolution by its specification; the names are its inputs without and with bias.
macro_rules! deformable {
    ($op:ident, [$($name:literal),*]) => {
        impl Operator for $op {
            fn inputs(&self) -> Names {
                if self.no_bias { names![$($name),*] } else { names![$($name),*, "bias"] }
            }

            fn num_inputs(&self) -> usize {
                self.inputs().len()
            }

            fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
                self.spec().map_err(OpError::Invalid)?.infer(io)
            }

            fn is_costly(&self) -> bool {
                true
            }

            fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
                let (spec, dtype) = (self.spec().map_err(OpError::Invalid)?, io.outputs[0].dtype());
                dispatch_float!(dtype, T => spec.run::<T>(io), else unsupported(dtype, "a float type"))
            }

            fn gradient(&self, g: &mut Grad) -> GraphResult {
                self.spec().map_err(GraphError::Invalid)?.gradient(g)
            }
        }
    };
}

deformable!(DeformableConvolution, ["data", "offset", "weight"]);
deformable!(ModulatedDeformableConvolution, ["data", "offset", "mask", "weight"]);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry;
    use crate::support::tests::{assert_close, check_gradient_at, infer, run, sample, t32};
    use rsym_tensor::DType;

    fn texts(params: &[(&str, &str)]) -> ParamTexts {
        ParamTexts(params.iter().map(|(k, v)| (k.to_string().into(), v.to_string())).collect())
    }

    const SMALL: [(&str, &str); 3] = [("kernel", "(1, 1)"), ("num_filter", "1"), ("no_bias", "True")];

    #[test]
    fn taps_move_between_pixels() {
        let (data, weight) = (t32([1, 1, 2, 2], &[1.0, 2.0, 3.0, 4.0]), t32([1, 1, 1, 1], &[1.0]));
        let offset = t32([1, 2, 2, 2], &[0.5, 0.0, 0.0, 0.5, 0.0, -0.25, -1.5, 0.0]);
        let plain = DeformableConvolution::from_texts(&texts(&SMALL)).unwrap();
        let out = run(&plain, &[data.clone(), offset.clone(), weight.clone()]);
        assert_close(&out[0], &[2.0, 1.75, 0.0, 4.0]);
        let masked = ModulatedDeformableConvolution::from_texts(&texts(&SMALL)).unwrap();
        let out = run(&masked, &[data, offset, t32([1, 1, 2, 2], &[1.0, 2.0, 1.0, 1.0]), weight]);
        assert_close(&out[0], &[2.0, 3.5, 0.0, 2.0]);
    }

    #[test]
    fn gradients_agree_with_differences() {
        let params = [("kernel", "(3, 2)"), ("num_filter", "4"), ("num_group", "2"), ("num_deformable_group", "2")];
        let params = texts(&[&params[..], &[("pad", "(1, 1)"), ("stride", "(2, 1)"), ("dilate", "(1, 2)")]].concat());
        let double = |shape: &[usize], seed: u64| sample(&Shape::new(shape), DType::Float64, seed);
        let (data, offset, mask) = (double(&[2, 4, 5, 4], 1), double(&[2, 24, 3, 4], 2), double(&[2, 12, 3, 4], 3));
        let (weight, bias) = (double(&[4, 2, 3, 2], 4), double(&[4], 5));
        let op = DeformableConvolution::from_texts(&params).unwrap();
        check_gradient_at(&op, &[data.clone(), offset.clone(), weight.clone(), bias.clone()]);
        let op = ModulatedDeformableConvolution::from_texts(&params).unwrap();
        check_gradient_at(&op, &[data, offset, mask, weight, bias]);
    }

    #[test]
    fn shapes_and_refusals() {
        let params = [("kernel", "(3, 3)"), ("num_filter", "6"), ("num_deformable_group", "2"), ("pad", "(1, 1)")];
        let op = ModulatedDeformableConvolution::from_texts(&texts(&params)).unwrap();
        let got = infer(&op, &[&[2, 4, 5, 6], &[], &[], &[], &[]], &[]).unwrap();
        let want = [vec![2, 36, 5, 6], vec![2, 18, 5, 6], vec![6, 4, 3, 3], vec![6], vec![2, 6, 5, 6]];
        assert_eq!(got[1..], want);
        assert!(infer(&op, &[&[2, 3, 5, 6], &[], &[], &[], &[]], &[]).is_err());
        assert!(infer(&op, &[&[65, 4, 5, 6], &[], &[], &[], &[]], &[]).is_err());
        for bad in [("kernel", "(3,)"), ("layout", "NCW"), ("num_group", "5"), ("num_deformable_group", "4")] {
            let mut params = texts(&params);
            params.set(bad.0, bad.1.to_string());
            assert!(ModulatedDeformableConvolution::from_texts(&params).is_err(), "{bad:?}");
        }
        assert!(registry().make("_contrib_DeformableConvolution", &[("kernel", "(3, 3)")]).is_err());
    }
}
