//! A fully connected layer with what it has taken over: an addition, then an activation function.
//!
//! Inputs: those of the layer, the other term of the addition.

use super::{activation, is_addition};
use crate::nn::fully_connected::FullyConnected;
use rsym_graph::*;
use rsym_kernels::conv::blocked::Activation;
use rsym_tensor::DType;
use std::sync::Arc;

/// The layer in full.
#[derive(Debug, Clone)]
pub(crate) struct FusedDense {
    layer: FullyConnected,
    residual: bool,
    activation: Activation,
}

internal_operator!(FusedDense, "_fused_fully_connected");

impl FusedDense {
    /// The layer alone.
    pub(crate) fn new(layer: FullyConnected) -> FusedDense {
        FusedDense { layer, residual: false, activation: Activation::None }
    }

    /// The layer together with the operator at `next`, if it can take that over.
    pub(crate) fn extended(self, here: &Site, next: &Site) -> Option<OpRef> {
        if here.outputs[0].1 != DType::Float32 || self.activation != Activation::None {
            return None;
        }
        let made = if is_addition(next) && !self.residual {
            FusedDense { residual: true, ..self }
        } else {
            FusedDense { activation: activation(next.op)?, ..self }
        };
        Some(Arc::new(made))
    }
}

impl Operator for FusedDense {
    fn num_inputs(&self) -> usize {
        self.layer.num_inputs() + usize::from(self.residual)
    }

    fn infer_shape(&self, _: &mut ShapeIo) -> OpResult {
        Ok(())
    }

    fn infer_type(&self, _: &mut TypeIo) -> OpResult {
        Ok(())
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn inplace(&self) -> &[(usize, usize)] {
        match (self.residual, self.layer.no_bias) {
            (true, true) => &[(2, 0)],
            (true, false) => &[(3, 0)],
            _ => &[],
        }
    }

    fn forward(&self, io: &mut Io, ctx: &Ctx) -> OpResult {
        if self.residual {
            let last = io.inputs.len() - 1;
            if !io.is_inplace(last, 0) {
                io.outputs[0].assign(&io.inputs[last])?;
            }
        }
        self.layer.single(io, ctx, self.residual, self.activation)
    }

    fn absorbs(&self) -> bool {
        true
    }

    fn absorb(&self, here: &Site, next: &Site, _: usize) -> Option<OpRef> {
        self.clone().extended(here, next)
    }
}
