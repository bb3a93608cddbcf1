//! What all convolutions share: the shape rules of the plain and the transposed one, and their gradient operator.

use super::spatial::{Axes, Windows, per_dimension};
use crate::forms::{BlockedConvolutionBackward, FusedConvolution};
use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::conv::{self, ConvGeometry};
use rsym_tensor::{Dims, Float, PartialShape, Shape, dispatch_float};

/// A convolution, or with `transposed` a transposed one, in full.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ConvSpec {
    pub(crate) windows: Windows,
    /// Extra extent of the output of a transposed convolution.
    pub(crate) adj: Dims,
    /// Extent of the output of a transposed convolution; 0 leaves it to padding and `adj`.
    pub(crate) target: Dims,
    pub(crate) filters: usize,
    pub(crate) groups: usize,
    pub(crate) axes: Axes,
    pub(crate) transposed: bool,
}

impl ConvSpec {
    /// A plain convolution.
    pub(crate) fn plain(
        windows: Windows,
        filters: u32,
        groups: u32,
        layout: Option<String>,
    ) -> Result<ConvSpec, String> {
        let axes = Axes::named(layout.as_deref(), windows.rank())?;
        let none = Dims::from_elem(0, windows.rank());
        let (filters, groups) = (filters as usize, groups as usize);
        ConvSpec { windows, adj: none.clone(), target: none, filters, groups, axes, transposed: false }.checked()
    }

    fn checked(self) -> Result<ConvSpec, String> {
        if self.groups == 0 || !self.filters.is_multiple_of(self.groups) {
            return Err(format!("num_group={} must divide num_filter={}", self.groups, self.filters));
        }
        Ok(self)
    }

    /// A transposed convolution.
    pub(crate) fn transposed(
        windows: Windows,
        (adj, target): (&Tuple, &Tuple),
        filters: u32,
        groups: u32,
        layout: Option<String>,
    ) -> Result<ConvSpec, String> {
        let rank = windows.rank();
        let adj = per_dimension("adj", adj, rank, 0, 0)?;
        let target = per_dimension("target_shape", target, rank, 0, 0)?;
        let plain = ConvSpec::plain(windows, filters, groups, layout)?;
        Ok(ConvSpec { adj, target, transposed: true, ..plain })
    }

    /// Shape inference for data, weight, optional bias and output.
    pub(crate) fn infer(&self, io: &mut ShapeIo) -> OpResult {
        let Some(dims) = io.inputs[0].dims() else { return Ok(()) };
        self.axes.check_rank(dims.len())?;
        let channels = dims[self.axes.channel()];
        if let Some(c) = channels.filter(|c| !c.is_multiple_of(self.groups)) {
            return Err(OpError::invalid(format!("num_group={} must divide the {c} channels of data", self.groups)));
        }
        io.set_input(1, self.weight(channels))?;
        if io.inputs.len() > 2 {
            io.set_input(2, [self.filters])?;
        }
        let spatial = self.axes.spatial_of(&dims).iter().enumerate();
        let sizes = spatial.map(|(d, size)| self.output_extent(d, *size)).collect::<OpResult<Vec<_>>>()?;
        io.set_output(0, self.axes.shape(dims[0], Some(self.filters), sizes))?;
        self.infer_back(io)
    }

    fn weight(&self, channels: Option<usize>) -> PartialShape {
        let kernel = self.windows.kernel.iter().map(|&k| Some(k));
        if self.transposed {
            self.axes.shape(channels, Some(self.filters / self.groups), kernel)
        } else {
            self.axes.shape(Some(self.filters), channels.map(|c| c / self.groups), kernel)
        }
    }

    fn output_extent(&self, d: usize, size: Option<usize>) -> OpResult<Option<usize>> {
        let Some(size) = size else { return Ok(Some(self.target[d]).filter(|&t| self.transposed && t > 0)) };
        if !self.transposed {
            return self.windows.count(d, size).map(Some);
        }
        let (pad, adj) = self.border(d, size)?;
        let full = self.full_extent(d, size) + adj;
        match full.checked_sub(2 * pad) {
            Some(extent) if extent > 0 => Ok(Some(extent)),
            _ => Err(OpError::invalid(format!("padding {pad} in spatial dimension {d} leaves nothing of {full}"))),
        }
    }

    /// Extent of a transposed convolution without padding.
    fn full_extent(&self, d: usize, size: usize) -> usize {
        self.windows.stride[d].saturating_mul(size.saturating_sub(1)).saturating_add(self.windows.extent(d))
    }

    /// Padding and adjustment of a transposed convolution, derived from the wanted extent where there is one.
    fn border(&self, d: usize, size: usize) -> OpResult<(usize, usize)> {
        let (target, full) = (self.target[d], self.full_extent(d, size));
        if target > full {
            let text = format!("target_shape {target} is more than the {full} of spatial dimension {d}");
            return Err(OpError::invalid(text));
        }
        let excess = full - target;
        let (pad, adj) =
            if target > 0 { (excess.div_ceil(2), excess % 2) } else { (self.windows.pad[d], self.adj[d]) };
        if adj >= self.windows.stride[d] {
            let stride = self.windows.stride[d];
            let text = format!("adj {adj} in spatial dimension {d} must be less than the stride {stride}");
            return Err(OpError::invalid(text));
        }
        Ok((pad, adj))
    }

    /// Takes back from the output of a plain convolution the batch, and extents where the stride is 1.
    fn infer_back(&self, io: &mut ShapeIo) -> OpResult {
        let (Some(dims), false) = (io.outputs[0].dims(), self.transposed) else { return Ok(()) };
        let w = &self.windows;
        let extent = |(d, size): (usize, &Option<usize>)| {
            size.filter(|_| w.stride[d] == 1).and_then(|s| (s + w.extent(d) - 1).checked_sub(2 * w.pad[d]))
        };
        let spatial: Vec<_> = self.axes.spatial_of(&dims).iter().enumerate().map(extent).collect();
        io.set_input(0, self.axes.shape(dims[0], None, spatial))
    }

    /// The geometry over data of a complete shape.
    pub(crate) fn geometry(&self, data: &Shape) -> OpResult<ConvGeometry> {
        let (batch, channels) = (data[0], data[self.axes.channel()]);
        let (input, w) = (self.axes.spatial_of(data), &self.windows);
        let (filters, groups, channels_last) = (self.filters, self.groups, self.axes.channels_last);
        if !self.transposed {
            return Ok(ConvGeometry { batch, channels, filters, groups, window: w.over(input), channels_last });
        }
        let borders = input.iter().enumerate().map(|(d, &size)| self.border(d, size)).collect::<OpResult<Vec<_>>>()?;
        let (pad, adj): (Vec<usize>, Vec<usize>) = borders.into_iter().unzip();
        let sizes = (batch, channels, filters, groups);
        let steps = (&w.kernel[..], &w.stride[..], &w.dilate[..]);
        Ok(ConvGeometry::transposed(sizes, input, steps, (&pad, &adj), channels_last))
    }

    /// Computes the output from data, weight and optional bias.
    pub(crate) fn forward(&self, io: &mut Io) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }

    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let g = self.geometry(io.inputs[0].shape())?;
        let bias = io.inputs.get(2).map(|b| b.slice::<T>()).transpose()?;
        let (data, weight) = (io.inputs[0].slice::<T>()?, io.inputs[1].slice::<T>()?);
        let kernel = if self.transposed { conv::deconv_forward } else { conv::conv_forward };
        kernel(&g, data, weight, bias, io.outputs[0].slice_mut()?);
        Ok(())
    }

    /// The operator that bound programs use for a plain convolution.
    pub(crate) fn fused(self, bias: bool) -> Option<FusedConvolution> {
        (!self.transposed).then(|| FusedConvolution::new(self, bias))
    }

    /// The gradient rule: one operator that computes what is needed.
    pub(crate) fn gradient(&self, g: &mut Grad) -> GraphResult {
        let tuple = |dims: &Dims| dims.iter().map(|&d| d as i64).collect();
        let w = &self.windows;
        let op = ConvolutionBackward {
            kernel: tuple(&w.kernel),
            stride: tuple(&w.stride),
            dilate: tuple(&w.dilate),
            pad: tuple(&w.pad),
            adj: tuple(&self.adj),
            target_shape: tuple(&self.target),
            num_filter: self.filters as u32,
            num_group: self.groups as u32,
            channels_last: self.axes.channels_last,
            transposed: self.transposed,
            for_data: g.needs(0),
            for_weight: g.needs(1),
            for_bias: g.num_inputs() > 2 && g.needs(2),
        };
        let wanted = op.wanted();
        let inputs = [g.head(0)?, g.input(0), g.input(1)];
        for (i, gradient) in wanted.into_iter().zip(g.apply_multi(op, &inputs)) {
            g.set(i, gradient);
        }
        Ok(())
    }
}

operator! {
    /// Gradients of the convolutions, plain and transposed: of data, weight and bias, those that are asked for.
    #[hidden(true)]
    pub struct ConvolutionBackward("_backward_Convolution") {
        inputs { ograd: "Gradient of the output.", data: "The input.", weight: "The weight." }
        params {
            /// As in `Convolution`.
            kernel: Tuple,
            /// As in `Convolution`.
            stride: Tuple,
            /// As in `Convolution`.
            dilate: Tuple,
            /// As in `Convolution`.
            pad: Tuple,
            /// As in `Deconvolution`.
            adj: Tuple,
            /// As in `Deconvolution`.
            target_shape: Tuple,
            /// As in `Convolution`.
            num_filter: u32,
            /// As in `Convolution`.
            num_group: u32,
            /// Whether the channels come last.
            channels_last: bool,
            /// Whether this is the gradient of `Deconvolution`.
            transposed: bool,
            /// Give the gradient of data.
            for_data: bool,
            /// Give the gradient of the weight.
            for_weight: bool,
            /// Give the gradient of the bias.
            for_bias: bool,
        }
    }
}

impl ConvolutionBackward {
    pub(crate) fn spec(&self) -> OpResult<ConvSpec> {
        let make = || {
            let windows = Windows::new(&self.kernel, &self.stride, &self.dilate, &self.pad)?;
            let extra = (&self.adj, &self.target_shape);
            let spec = ConvSpec::transposed(windows, extra, self.num_filter, self.num_group, None)?;
            let axes = Axes { channels_last: self.channels_last, ..spec.axes };
            Ok(ConvSpec { axes, transposed: self.transposed, ..spec })
        };
        make().map_err(|text: String| OpError::invalid(text))
    }

    /// The inputs of the forward operator whose gradients are the outputs.
    pub(crate) fn wanted(&self) -> Vec<usize> {
        let flags = [self.for_data, self.for_weight, self.for_bias];
        (0..3).filter(|&i| flags[i]).collect()
    }
}

impl Operator for ConvolutionBackward {
    fn num_outputs(&self) -> usize {
        self.wanted().len()
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        let shapes = [io.inputs[1].clone(), io.inputs[2].clone(), [self.num_filter as usize].into()];
        self.wanted().into_iter().enumerate().try_for_each(|(o, i)| io.set_output(o, shapes[i].clone()))
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.inputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }

    fn blocked(&self, here: &Site, _: &[bool]) -> Option<Blocked> {
        BlockedConvolutionBackward::offer(self, here)
    }

    fn reads(&self, input: usize) -> bool {
        [self.for_data || self.for_weight || self.for_bias, self.for_weight, self.for_data][input]
    }
}

impl ConvolutionBackward {
    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let g = self.spec()?.geometry(io.inputs[1].shape())?;
        let [ograd, data, weight] = [0, 1, 2].map(|i| io.inputs[i].slice::<T>());
        let (ograd, data, weight) = (ograd?, data?, weight?);
        for (o, i) in self.wanted().into_iter().enumerate() {
            let out = io.outputs[o].slice_mut::<T>()?;
            match (i, self.transposed) {
                (0, false) => conv::conv_backward_data(&g, weight, ograd, out),
                (1, false) => conv::conv_backward_weight(&g, data, ograd, out),
                (_, false) => conv::conv_backward_bias(&g, ograd, out),
                (0, true) => conv::deconv_backward_data(&g, weight, ograd, out),
                (1, true) => conv::deconv_backward_weight(&g, data, ograd, out),
                (_, true) => conv::deconv_backward_bias(&g, ograd, out),
            }
        }
        Ok(())
    }
}
