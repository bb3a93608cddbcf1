//! Batch normalisation on blocks of channels, its gradient, and the rectification behind it.

use super::{activate, activation, planes_shape};
use crate::nn::batch_norm_spec::{BatchNormSpec, fill_ones};
use rsym_graph::*;
use rsym_kernels::conv::blocked::Activation;
use rsym_kernels::layout::AxisDims;
use rsym_kernels::norm::{self, blocked};
use rsym_tensor::{DType, Shape};
use std::sync::Arc;

/// A batch normalisation over the channels whose data and output are in blocks.
#[derive(Debug, Clone)]
pub(crate) struct BlockedBatchNorm {
    spec: BatchNormSpec,
}

/// Its gradient.
#[derive(Debug, Clone)]
pub(crate) struct BlockedBatchNormBackward {
    spec: BatchNormSpec,
}

/// A batch normalisation with fixed statistics followed by a rectification, on planes or on blocks.
#[derive(Debug, Clone)]
pub(crate) struct NormRelu {
    spec: BatchNormSpec,
    blocked: bool,
}

internal_operator!(BlockedBatchNorm, "_blocked_batch_norm");
internal_operator!(BlockedBatchNormBackward, "_blocked_backward_batch_norm");
internal_operator!(NormRelu, "_batch_norm_relu");

fn fits(spec: &BatchNormSpec, data: &Fact, have: bool) -> bool {
    have && spec.axis == 1 && data.1 == DType::Float32 && blocked_shape(&data.0).is_some()
}

fn dims(shape: &Shape) -> AxisDims {
    AxisDims::new(&planes_shape(shape), 1)
}

impl BlockedBatchNorm {
    /// The form on blocks, if the data comes so.
    pub(crate) fn offer(spec: BatchNormSpec, here: &Site, have: &[bool]) -> Option<Blocked> {
        let op: OpRef = Arc::new(BlockedBatchNorm { spec });
        fits(&spec, &here.inputs[0], have[0]).then(|| Blocked {
            op: Some(op),
            inputs: tuple![true, false, false, false, false],
            outputs: tuple![true, false, false],
        })
    }
}

impl BlockedBatchNormBackward {
    /// The form on blocks, if data or arriving gradient come so.
    pub(crate) fn offer(spec: BatchNormSpec, here: &Site, have: &[bool]) -> Option<Blocked> {
        let op: OpRef = Arc::new(BlockedBatchNormBackward { spec });
        fits(&spec, &here.inputs[1], have[0] || have[1]).then(|| Blocked {
            op: Some(op),
            inputs: tuple![true, true, false, false, false, false, false],
            outputs: tuple![true, false, false],
        })
    }
}

impl NormRelu {
    /// The normalisation together with the operator at `next`, if that rectifies.
    pub(crate) fn offer(spec: BatchNormSpec, here: &Site, next: &Site) -> Option<OpRef> {
        let single = here.outputs[0].1 == DType::Float32 && here.outputs[0].0.len() > 1 && spec.axis == 1;
        (single && activation(next.op) == Some(Activation::Relu))
            .then(|| Arc::new(NormRelu { spec, blocked: false }) as OpRef)
    }
}

impl Operator for BlockedBatchNorm {
    fn num_inputs(&self) -> usize {
        5
    }

    fn num_outputs(&self) -> usize {
        3
    }

    fn infer_shape(&self, _: &mut ShapeIo) -> OpResult {
        Ok(())
    }

    fn forward(&self, io: &mut Io, ctx: &Ctx) -> OpResult {
        let dims = dims(io.inputs[0].shape());
        self.spec.run_with(io, ctx.is_train, |x, params, out, stats| match stats {
            Ok(batch) => blocked::batch_norm_train(dims, x, params, self.spec.eps, false, out, batch),
            Err(fixed) => blocked::batch_norm_inference(dims, x, params, fixed, self.spec.eps, false, out),
        })
    }
}

impl Operator for BlockedBatchNormBackward {
    fn aux(&self) -> &[usize] {
        &[5, 6]
    }

    fn num_inputs(&self) -> usize {
        7
    }

    fn num_outputs(&self) -> usize {
        3
    }

    fn infer_shape(&self, _: &mut ShapeIo) -> OpResult {
        Ok(())
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dims = dims(io.inputs[1].shape());
        self.spec.backward_with(io, |data, gamma, stats, batch_stats, dx, params| {
            blocked::batch_norm_backward(dims, data, (gamma, None), stats, batch_stats, dx, params);
        })
    }
}

impl Operator for NormRelu {
    fn num_inputs(&self) -> usize {
        5
    }

    fn infer_shape(&self, _: &mut ShapeIo) -> OpResult {
        Ok(())
    }

    fn infer_type(&self, _: &mut TypeIo) -> OpResult {
        Ok(())
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (shape, eps) = (io.inputs[0].shape(), self.spec.eps);
        let dims = if self.blocked { dims(shape) } else { AxisDims::new(shape, 1) };
        if self.spec.fix_gamma {
            fill_ones::<f32>(&io.inputs[1])?;
        }
        let [x, gamma, beta, mean, var] = [0, 1, 2, 3, 4].map(|i| io.inputs[i].slice::<f32>());
        let (x, params, fixed) = (x?, ((!self.spec.fix_gamma).then_some(gamma?), beta?), (mean?, var?));
        let out = io.outputs[0].slice_mut::<f32>()?;
        if self.blocked {
            blocked::batch_norm_inference(dims, x, params, fixed, eps, true, out);
        } else {
            norm::batch_norm_inference(dims, x, params, fixed, eps, out);
            activate(Activation::Relu, out);
        }
        Ok(())
    }

    fn blocked(&self, here: &Site, have: &[bool]) -> Option<Blocked> {
        let op: OpRef = Arc::new(NormRelu { blocked: true, ..self.clone() });
        let inputs = tuple![true, false, false, false, false];
        fits(&self.spec, &here.inputs[0], have[0]).then(|| Blocked { op: Some(op), inputs, outputs: tuple![true] })
    }
}
