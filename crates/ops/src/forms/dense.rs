//! A fully connected layer together with the rectification behind it.

use super::activation;
use crate::nn::fully_connected::FullyConnected;
use rsym_graph::*;
use rsym_kernels::conv::blocked;
use rsym_kernels::gemm::Activation;
use rsym_tensor::DType;
use std::sync::Arc;

/// The layer; negative outputs become 0.
#[derive(Debug, Clone)]
pub(crate) struct DenseRelu(FullyConnected);

internal_operator!(DenseRelu, "_fully_connected_relu");

impl DenseRelu {
    /// The layer together with the operator at `next`, if that rectifies.
    pub(crate) fn offer(layer: &FullyConnected, here: &Site, next: &Site) -> Option<OpRef> {
        let fits = here.outputs[0].1 == DType::Float32 && activation(next.op) == Some(blocked::Activation::Relu);
        fits.then(|| Arc::new(DenseRelu(layer.clone())) as OpRef)
    }
}

impl Operator for DenseRelu {
    fn num_inputs(&self) -> usize {
        self.0.num_inputs()
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        self.0.infer_shape(io)
    }

    fn forward(&self, io: &mut Io, ctx: &Ctx) -> OpResult {
        self.0.single(io, ctx, Activation::Relu)
    }
}
