//! Gradients of a convolution, the arriving one in blocks of channels.

use super::planes_shape;
use crate::nn::conv_spec::{ConvSpec, ConvolutionBackward};
use rsym_graph::*;
use rsym_kernels::conv::ConvGeometry;
use rsym_kernels::conv::blocked::{DataGradient, Layout, supports_weight_gradient, weight_gradient};
use rsym_kernels::reduce::{Reduction, reduce};
use rsym_tensor::DType;
use std::sync::Arc;

/// The gradients of data, weight and bias that are wanted, from the arriving gradient, data and weight.
#[derive(Debug, Clone)]
pub(crate) struct BlockedConvolutionBackward {
    spec: ConvSpec,
    /// How the data lies.
    layout: Layout,
    /// Inputs of the convolution whose gradients are the outputs.
    wanted: Vec<usize>,
}

internal_operator!(BlockedConvolutionBackward, "_blocked_backward_convolution");

impl BlockedConvolutionBackward {
    /// The form on blocks, where there are kernels for it.
    pub(crate) fn offer(op: &ConvolutionBackward, here: &Site) -> Option<Blocked> {
        let spec = op.spec().ok()?;
        let plain = !spec.transposed && !spec.axes.channels_last && spec.windows.rank() == 2;
        let g = spec.geometry(&here.inputs[1].0).ok().filter(|_| plain && here.inputs[0].1 == DType::Float32)?;
        let layout = if g.channels.is_multiple_of(BLOCK) { Layout::Blocked } else { Layout::Planes };
        let wanted = op.wanted();
        let weight = !wanted.contains(&1) || supports_weight_gradient(&g, layout);
        let data = !wanted.contains(&0) || (layout == Layout::Blocked && DataGradient::new(&g).is_some());
        let inputs = tuple![true, layout == Layout::Blocked, false];
        let outputs = wanted.iter().map(|&i| i == 0).collect();
        let fits = weight && data && g.filters.is_multiple_of(BLOCK);
        fits.then(|| Blocked {
            op: Some(Arc::new(BlockedConvolutionBackward { spec, layout, wanted })),
            inputs,
            outputs,
        })
    }

    fn data(&self, g: &ConvGeometry, io: &mut Io, o: usize, ctx: &Ctx) -> OpResult {
        let plan =
            DataGradient::new(g).ok_or_else(|| OpError::invalid("no kernel for this data gradient on blocks"))?;
        let weight = io.inputs[2].slice::<f32>()?;
        let pack = |old| plan.repack(old, weight);
        let dout = io.inputs[0].slice()?;
        let form = super::geometry_hash(g, "data gradient");
        match ctx.cache {
            Some(cache) => plan.run(dout, &cache.get(form, &[&io.inputs[2]], pack), io.outputs[o].slice_mut()?),
            None => plan.run(dout, &pack(None), io.outputs[o].slice_mut()?),
        }
        Ok(())
    }
}

impl Operator for BlockedConvolutionBackward {
    fn num_inputs(&self) -> usize {
        3
    }

    fn num_outputs(&self) -> usize {
        self.wanted.len()
    }

    fn infer_shape(&self, _: &mut ShapeIo) -> OpResult {
        Ok(())
    }

    fn forward(&self, io: &mut Io, ctx: &Ctx) -> OpResult {
        let g = self.spec.geometry(&planes_shape(io.inputs[1].shape()))?;
        for (o, &i) in self.wanted.iter().enumerate() {
            let dout = io.inputs[0].slice::<f32>()?;
            match i {
                0 => self.data(&g, io, o, ctx)?,
                1 => weight_gradient(&g, self.layout, io.inputs[1].slice()?, dout, io.outputs[o].slice_mut()?),
                _ => {
                    let dims = [g.batch, g.filters / BLOCK, g.window.output_size(), BLOCK];
                    reduce(Reduction::Sum, dout, &dims, &[0, 2], io.outputs[o].slice_mut()?);
                }
            }
        }
        Ok(())
    }

    fn reads(&self, input: usize) -> bool {
        match input {
            0 => true,
            1 => self.wanted.contains(&1),
            _ => self.wanted.contains(&0),
        }
    }
}
