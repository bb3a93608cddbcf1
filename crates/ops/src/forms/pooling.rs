//! Pooling and its gradient on blocks of channels.

use super::planes_shape;
use crate::nn::pool_spec::PoolSpec;
use rsym_graph::*;
use rsym_kernels::pool::{PoolGeometry, blocked};
use rsym_tensor::{DType, Shape};
use std::sync::Arc;

/// A pooling, or its gradient, whose inputs and outputs are in blocks.
#[derive(Debug, Clone)]
pub(crate) struct BlockedPooling {
    spec: PoolSpec,
    gradient: bool,
}

internal_operator!(BlockedPooling, "_blocked_pooling");

impl BlockedPooling {
    /// The form on blocks of the pooling `spec` of data of this shape, if it comes in blocks.
    pub(crate) fn offer(spec: PoolSpec, gradient: bool, data: &Fact, have: &[bool]) -> Option<Blocked> {
        let fits = blocked_shape(&data.0).is_some() && data.1 == DType::Float32 && have.contains(&true);
        let g = geometry(&spec, &data.0).ok().filter(|g| fits && !g.channels_last)?;
        let count = if gradient { 3 } else { 1 };
        let op: OpRef = Arc::new(BlockedPooling { spec, gradient });
        let inputs = std::iter::repeat_n(true, count).collect();
        blocked::supports(g.kind).then(|| Blocked { op: Some(op), inputs, outputs: tuple![true] })
    }
}

fn geometry(spec: &PoolSpec, data: &Shape) -> OpResult<PoolGeometry> {
    spec.geometry(&planes_shape(data))
}

impl Operator for BlockedPooling {
    fn num_inputs(&self) -> usize {
        if self.gradient { 3 } else { 1 }
    }

    fn infer_shape(&self, _: &mut ShapeIo) -> OpResult {
        Ok(())
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let g = geometry(&self.spec, io.inputs[usize::from(self.gradient)].shape())?;
        if self.gradient {
            let (dout, data) = (io.inputs[0].slice()?, io.inputs[1].slice()?);
            blocked::backward(&g, data, dout, io.outputs[0].slice_mut()?);
        } else {
            blocked::forward(&g, io.inputs[0].slice()?, io.outputs[0].slice_mut()?);
        }
        Ok(())
    }

    fn reads(&self, input: usize) -> bool {
        !self.gradient || self.spec.gradient_reads(input)
    }
}
