//! A convolution with what it has taken over: batch normalisation with fixed statistics (folded into the weights), an
//! addition, an activation function; on planes or on blocks.
//!
//! Inputs: data, weight, bias (if any), gamma, beta, mean, variance (with a normalisation), the other term of the addition.

use super::{activate, activation, geometry_hash, is_addition, planes_shape};
use crate::nn::batch_norm_spec::{BatchNormSpec, fill_ones};
use crate::nn::conv_spec::ConvSpec;
use rsym_graph::*;
use rsym_kernels::conv::blocked::{Activation, ConvPlan, Epilogue, Layout, Packed};
use rsym_kernels::conv::{ConvGeometry, conv_forward};
use rsym_tensor::{DType, Tensor};
use std::sync::Arc;

/// Multiplications for one element of input and output below which blocks cost more than they save.
const LEAST_WORK: usize = 16;

/// The convolution in full.
#[derive(Debug, Clone)]
pub(crate) struct FusedConvolution {
    spec: ConvSpec,
    bias: bool,
    norm: Option<BatchNormSpec>,
    residual: bool,
    activation: Activation,
    /// How the data lies; then the output is in blocks. `None`: both are in planes.
    layout: Option<Layout>,
    /// Whether the weight changes between runs, so that packing it counts.
    one_run: bool,
}

internal_operator!(FusedConvolution, "_fused_convolution");

/// What is made of the weights once.
enum Weights {
    Blocked { packed: Packed, bias: Option<Vec<f32>> },
    Planes { weight: Vec<f32>, bias: Option<Vec<f32>> },
}

impl FusedConvolution {
    /// The convolution alone.
    pub(crate) fn new(spec: ConvSpec, bias: bool) -> FusedConvolution {
        FusedConvolution {
            spec,
            bias,
            norm: None,
            residual: false,
            activation: Activation::None,
            layout: None,
            one_run: false,
        }
    }

    /// The convolution together with the operator at `next`.
    pub(crate) fn extended(self, here: &Site, next: &Site, at: usize) -> Option<OpRef> {
        if here.outputs[0].1 != DType::Float32 || self.activation != Activation::None || self.spec.axes.channels_last {
            return None;
        }
        let norm = BatchNormSpec::of(next.op).filter(|s| s.axis == 1 && at == 0);
        let made = if norm.is_some() && self.norm.is_none() && !self.residual {
            FusedConvolution { norm, ..self }
        } else if is_addition(next) && !self.residual {
            FusedConvolution { residual: true, ..self }
        } else {
            FusedConvolution { activation: activation(next.op)?, ..self }
        };
        Some(Arc::new(made))
    }

    /// The form on blocks, where it pays.
    pub(crate) fn in_blocks(self, here: &Site, have: &[bool]) -> Option<Blocked> {
        let g = self.spec.geometry(&here.inputs[0].0).ok()?;
        let work = g.group_channels() * g.window.taps();
        let layout = if g.channels.is_multiple_of(BLOCK) { Layout::Blocked } else { Layout::Planes };
        let pays = have[0] || g.groups > 1 || work >= LEAST_WORK;
        if here.inputs[0].1 != DType::Float32 || self.spec.axes.channels_last || self.spec.windows.rank() != 2 || !pays
        {
            return None;
        }
        plan(&g, layout, here.is_train)?;
        let residual = self.residual.then_some(here.inputs.len() - 1);
        let inputs =
            (0..here.inputs.len()).map(|i| i == 0 && layout == Layout::Blocked || Some(i) == residual).collect();
        let op: OpRef = Arc::new(FusedConvolution { layout: Some(layout), one_run: here.is_train, ..self });
        Some(Blocked { op: Some(op), inputs, outputs: tuple![true] })
    }

    /// The tensors of bias and normalisation, without data, weight and residual.
    fn extras<'a>(&self, inputs: &'a [Tensor]) -> &'a [Tensor] {
        &inputs[2..inputs.len() - usize::from(self.residual)]
    }

    /// The weights as they are multiplied, made anew when a parameter was written.
    fn weights(
        &self,
        g: &ConvGeometry,
        plan: Option<&ConvPlan>,
        inputs: &[Tensor],
        ctx: &Ctx,
    ) -> OpResult<Arc<Weights>> {
        let sources: Vec<&Tensor> = std::iter::once(&inputs[1]).chain(self.extras(inputs)).collect();
        let (weight, folded) = (inputs[1].slice::<f32>()?, self.folded(self.extras(inputs))?);
        let make = |old: Option<Weights>| {
            let (scale, bias) = match &folded {
                Some((scale, bias)) => (Some(&scale[..]), Some(bias.clone())),
                None => (None, None),
            };
            match plan {
                Some(plan) => {
                    let old =
                        old.and_then(|old| if let Weights::Blocked { packed, .. } = old { Some(packed) } else { None });
                    Weights::Blocked { packed: plan.repack(old, weight, scale), bias }
                }
                None => Weights::Planes { weight: scaled(weight, scale, g.filters), bias },
            }
        };
        match ctx.cache {
            Some(cache) => Ok(cache.get(self.form(g), &sources, make)),
            None => Ok(Arc::new(make(None))),
        }
    }

    /// What tells apart the weights of this operator from others made of the same arrays.
    fn form(&self, g: &ConvGeometry) -> u64 {
        let norm = self.norm.as_ref().map(|n| (n.eps.to_bits(), n.fix_gamma));
        geometry_hash(g, (self.layout == Some(Layout::Planes), self.layout.is_some(), self.one_run, norm, self.bias))
    }

    /// Factor and summand of every filter, from bias and normalisation; `None` without a normalisation.
    fn folded(&self, extras: &[Tensor]) -> OpResult<Option<(Vec<f32>, Vec<f32>)>> {
        let Some(norm) = &self.norm else { return Ok(None) };
        let (bias, rest) = extras.split_at(usize::from(self.bias));
        if norm.fix_gamma {
            fill_ones::<f32>(&rest[0])?;
        }
        let bias = bias.first().map(|b| b.slice::<f32>()).transpose()?;
        let (gamma, beta) = (rest[0].slice::<f32>()?, rest[1].slice::<f32>()?);
        let (mean, var) = (rest[2].slice::<f32>()?, rest[3].slice::<f32>()?);
        let scale: Vec<f64> = gamma.iter().zip(var).map(|(&g, &v)| g as f64 / (v as f64 + norm.eps).sqrt()).collect();
        let at = |f: usize| beta[f] as f64 + (bias.map_or(0.0, |b| b[f] as f64) - mean[f] as f64) * scale[f];
        Ok(Some((scale.iter().map(|&s| s as f32).collect(), (0..scale.len()).map(|f| at(f) as f32).collect())))
    }
}

/// How the convolution is computed on blocks.
fn plan(g: &ConvGeometry, layout: Layout, one_run: bool) -> Option<ConvPlan> {
    if one_run { ConvPlan::for_one_run(g, layout) } else { ConvPlan::new(g, layout) }
}

fn scaled(weight: &[f32], scale: Option<&[f32]>, filters: usize) -> Vec<f32> {
    let mut weight = weight.to_vec();
    let size = weight.len() / filters.max(1);
    for (filter, &s) in weight.chunks_mut(size.max(1)).zip(scale.unwrap_or_default()) {
        filter.iter_mut().for_each(|w| *w *= s);
    }
    weight
}

impl Operator for FusedConvolution {
    fn num_inputs(&self) -> usize {
        2 + usize::from(self.bias) + if self.norm.is_some() { 4 } else { 0 } + usize::from(self.residual)
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

    fn forward(&self, io: &mut Io, ctx: &Ctx) -> OpResult {
        let data = io.inputs[0].shape();
        let blocked = self.layout == Some(Layout::Blocked);
        let g = self.spec.geometry(&if blocked { planes_shape(data) } else { data.clone() })?;
        let plan = self.layout.and_then(|layout| plan(&g, layout, self.one_run));
        if self.layout.is_some() && plan.is_none() {
            return Err(OpError::invalid(
                "no kernel for this convolution on blocks: bind anew, with the pass 'layout' off",
            ));
        }
        let weights = self.weights(&g, plan.as_ref(), io.inputs, ctx)?;
        let data = io.inputs[0].slice::<f32>()?;
        let residual = self.residual.then(|| io.inputs[io.inputs.len() - 1].slice::<f32>()).transpose()?;
        let own = if self.bias { Some(io.inputs[2].slice::<f32>()?) } else { None };
        let out = io.outputs[0].slice_mut::<f32>()?;
        match (&*weights, &plan) {
            (Weights::Blocked { packed, bias }, Some(plan)) => {
                let bias = bias.as_deref().or(own);
                plan.run(data, packed, &Epilogue { bias, residual, activation: self.activation }, out);
            }
            (Weights::Planes { weight, bias }, _) => {
                conv_forward(&g, data, weight, bias.as_deref().or(own), out);
                residual.iter().for_each(|r| out.iter_mut().zip(*r).for_each(|(o, r)| *o += r));
                activate(self.activation, out);
            }
            _ => return Err(OpError::invalid("weights of a convolution in another form than its plan")),
        }
        Ok(())
    }

    fn absorbs(&self) -> bool {
        true
    }

    fn absorb(&self, here: &Site, next: &Site, at: usize) -> Option<OpRef> {
        self.clone().extended(here, next, at)
    }

    fn blocked(&self, here: &Site, have: &[bool]) -> Option<Blocked> {
        self.clone().in_blocks(here, have)
    }
}
