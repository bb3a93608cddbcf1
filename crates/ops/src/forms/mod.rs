//! Forms of operators that only bound programs use: images in blocks of 16 channels (`[batch, channels / 16, height, width,
//! 16]`), and layers that have taken over what follows them.
//!
//! They are made by [`Operator::blocked`] and [`Operator::absorb`] of the operators of the graph, never by name.

mod batch_norm;
mod convert;
mod convolution;
mod convolution_backward;
mod dense;
mod pooling;

pub(crate) use batch_norm::{BlockedBatchNorm, BlockedBatchNormBackward, NormRelu};
pub use convert::{FromBlocked, ToBlocked};
pub(crate) use convolution::FusedConvolution;
pub(crate) use convolution_backward::BlockedConvolutionBackward;
pub(crate) use dense::FusedDense;
pub(crate) use pooling::BlockedPooling;

use crate::math::clip::Clip;
use crate::math::elemwise::ElemwiseAdd;
use crate::nn::activation::{Act, Activation};
use crate::nn::leaky_relu::{LeakyAct, LeakyRelu};
use rsym_graph::{BLOCK, Operator, Site};
use rsym_kernels::conv::{ConvGeometry, blocked};
use rsym_tensor::{DType, Shape};
use std::hash::{DefaultHasher, Hash, Hasher};

/// The shape of an image that lies in blocks, or has four dimensions anyway.
pub(crate) fn planes_shape(shape: &Shape) -> Shape {
    match shape[..] {
        [n, c, h, w, BLOCK] => [n, c * BLOCK, h, w].into(),
        _ => shape.clone(),
    }
}

/// The activation function that the operator is, if a convolution can apply it.
pub(crate) fn activation(op: &dyn Operator) -> Option<blocked::Activation> {
    let any = op.as_any();
    if let Some(op) = any.downcast_ref::<Activation>() {
        return (op.act_type == Act::Relu).then_some(blocked::Activation::Relu);
    }
    if let Some(op) = any.downcast_ref::<LeakyRelu>() {
        return (op.act_type == LeakyAct::Leaky).then_some(blocked::Activation::Leaky(op.slope));
    }
    if any.is::<crate::math::unary::Relu>() {
        return Some(blocked::Activation::Relu);
    }
    any.downcast_ref::<Clip>().map(|op| blocked::Activation::Clip(op.a_min, op.a_max))
}

/// Whether the operator adds two inputs of one shape in single precision.
pub(crate) fn is_addition(next: &Site) -> bool {
    let any = next.op.as_any();
    let adds = any.is::<ElemwiseAdd>() || any.is::<crate::math::broadcast::BroadcastAdd>();
    adds && next.inputs.iter().all(|(shape, dtype)| *shape == next.outputs[0].0 && *dtype == DType::Float32)
}

/// Applies the function to every element.
pub(crate) fn activate(function: blocked::Activation, out: &mut [f32]) {
    let each = |out: &mut [f32], f: &dyn Fn(f32) -> f32| out.iter_mut().for_each(|x| *x = f(*x));
    match function {
        blocked::Activation::None => {}
        blocked::Activation::Relu => each(out, &|x| if x < 0.0 { 0.0 } else { x }),
        blocked::Activation::Clip(low, high) => each(out, &|x| rsym_kernels::math::clip(x, low, high)),
        blocked::Activation::Leaky(slope) => each(out, &|x| if x > 0.0 { x } else { slope * x }),
    }
}

/// A number for the form that weights of this geometry have for one purpose.
pub(crate) fn geometry_hash(g: &ConvGeometry, purpose: impl Hash) -> u64 {
    let (mut hasher, w) = (DefaultHasher::new(), &g.window);
    purpose.hash(&mut hasher);
    (g.batch, g.channels, g.filters, g.groups).hash(&mut hasher);
    (&w.input[..], &w.kernel[..], &w.stride[..], &w.dilate[..], &w.pad[..]).hash(&mut hasher);
    hasher.finish()
}
