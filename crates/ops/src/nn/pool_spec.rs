//! What both poolings share: shape rule, computation and gradient operator.

use super::pooling::{Convention, PoolLayout, PoolType};
use super::spatial::{Axes, Windows};
use crate::forms::BlockedPooling;
use crate::support::unsupported;
use rsym_graph::*;
use rsym_kernels::pool::{PoolGeometry, PoolKind, pool_backward, pool_forward};
use rsym_kernels::window::Window;
use rsym_tensor::{Float, Shape, dispatch_float};

/// A pooling in full.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PoolSpec {
    /// The windows; `None` for one that covers everything.
    pub(crate) windows: Option<Windows>,
    pub(crate) pool_type: PoolType,
    pub(crate) p_value: Option<i32>,
    pub(crate) count_include_pad: bool,
    pub(crate) convention: Convention,
    pub(crate) layout: Option<PoolLayout>,
    /// Whether this is `Pooling_v1`.
    pub(crate) first_form: bool,
}

impl PoolSpec {
    fn kind(&self) -> OpResult<PoolKind> {
        Ok(match (self.pool_type, self.p_value) {
            (PoolType::Max, _) if self.first_form => PoolKind::MaxEach,
            (PoolType::Max, _) => PoolKind::Max,
            (PoolType::Avg, _) if self.first_form && self.windows.is_some() => PoolKind::AvgTaps,
            (PoolType::Avg, _) => PoolKind::Avg { count_include_pad: self.count_include_pad },
            (PoolType::Sum, _) => PoolKind::Sum,
            (PoolType::Lp, Some(1)) => PoolKind::L1,
            (PoolType::Lp, Some(2)) => PoolKind::L2,
            (PoolType::Lp, Some(3)) => PoolKind::L3,
            (PoolType::Lp, p) => {
                let got = p.map_or("none".to_string(), |p| p.to_string());
                return Err(OpError::invalid(format!("pool_type='lp' needs p_value of 1, 2 or 3, got {got}")));
            }
        })
    }

    /// The axes of data with `rank` dimensions.
    fn axes(&self, rank: usize) -> OpResult<Axes> {
        let spatial = self.windows.as_ref().map_or(rank.saturating_sub(2), Windows::rank);
        let layout = self.layout.map(|l| l.text());
        let axes = Axes::named(layout.as_deref(), spatial).map_err(OpError::Invalid)?;
        axes.check_rank(rank)?;
        if !(1..=3).contains(&spatial) {
            return Err(OpError::invalid(format!("data must have 3 to 5 dimensions, got {rank}")));
        }
        Ok(axes)
    }

    /// Number of windows along dimension `d` of a given size.
    fn count(&self, d: usize, size: usize) -> OpResult<usize> {
        let Some(w) = &self.windows else { return Ok(1) };
        let whole = w.count(d, size)?;
        let rest = size + 2 * w.pad[d] - w.kernel[d];
        match self.convention {
            Convention::Valid => Ok(whole),
            Convention::Full => Ok(rest.div_ceil(w.stride[d]) + 1),
            Convention::Same if w.rank() > 1 || w.pad[d] > 0 => {
                Err(OpError::invalid("pooling_convention='same' takes one spatial dimension and no padding"))
            }
            Convention::Same => Ok(size.div_ceil(w.stride[d])),
        }
    }

    pub(crate) fn infer(&self, io: &mut ShapeIo) -> OpResult {
        self.kind()?;
        let Some(dims) = io.inputs[0].dims() else { return Ok(()) };
        let axes = self.axes(dims.len())?;
        let count = |(d, size): (usize, &Option<usize>)| match (size, &self.windows) {
            (Some(size), _) => self.count(d, *size).map(Some),
            (None, None) => Ok(Some(1)),
            (None, Some(_)) => Ok(None),
        };
        let spatial = axes.spatial_of(&dims).iter().enumerate().map(count).collect::<OpResult<Vec<_>>>()?;
        io.set_output(0, axes.shape(dims[0], dims[axes.channel()], spatial))
    }

    /// Whether the gradient needs the values of its input: arriving gradient, data, output.
    pub(crate) fn gradient_reads(&self, input: usize) -> bool {
        match self.pool_type {
            PoolType::Avg | PoolType::Sum => input == 0,
            PoolType::Max => input < 2 || self.first_form,
            PoolType::Lp => true,
        }
    }

    pub(crate) fn geometry(&self, data: &Shape) -> OpResult<PoolGeometry> {
        let axes = self.axes(data.len())?;
        let input = axes.spatial_of(data);
        let window = match &self.windows {
            None => Window::global(input),
            Some(w) => {
                check_padding(w)?;
                let sizes = input.iter().enumerate().map(|(d, &size)| self.count(d, size));
                w.over(input).with_output(&sizes.collect::<OpResult<Vec<_>>>()?)
            }
        };
        let (batch, channels) = (data[0], data[axes.channel()]);
        Ok(PoolGeometry { batch, channels, window, kind: self.kind()?, channels_last: axes.channels_last })
    }

    pub(crate) fn forward(&self, io: &mut Io) -> OpResult {
        fn run<T: Float>(g: &PoolGeometry, io: &mut Io) -> OpResult {
            pool_forward(g, io.inputs[0].slice::<T>()?, io.outputs[0].slice_mut()?);
            Ok(())
        }
        let (g, dtype) = (self.geometry(io.inputs[0].shape())?, io.outputs[0].dtype());
        dispatch_float!(dtype, T => run::<T>(&g, io), else unsupported(dtype, "a float type"))
    }

    pub(crate) fn gradient(&self, g: &mut Grad) -> GraphResult {
        let of = |part: fn(&Windows) -> &[usize]| -> Tuple {
            self.windows.iter().flat_map(part).map(|&v| v as i64).collect()
        };
        let op = PoolingBackward {
            kernel: of(|w| &w.kernel),
            stride: of(|w| &w.stride),
            pad: of(|w| &w.pad),
            pool_type: self.pool_type,
            p_value: self.p_value,
            count_include_pad: self.count_include_pad,
            pooling_convention: self.convention,
            layout: self.layout,
            first_form: self.first_form,
        };
        let inputs = [g.head(0)?, g.input(0), g.output(0)];
        let gradient = g.apply(op, &inputs);
        g.set(0, gradient);
        Ok(())
    }
}

fn check_padding(w: &Windows) -> OpResult {
    match (0..w.rank()).find(|&d| w.pad[d] >= w.kernel[d]) {
        Some(d) => Err(OpError::invalid(format!(
            "padding {} in spatial dimension {d} must be less than the kernel {}",
            w.pad[d], w.kernel[d]
        ))),
        None => Ok(()),
    }
}

operator! {
    /// Gradient of the poolings for data; an empty kernel stands for global pooling.
    #[hidden(true)]
    pub struct PoolingBackward("_backward_Pooling") {
        inputs { ograd: "Gradient of the output.", data: "The input.", output: "The output." }
        params {
            /// As in `Pooling`.
            kernel: Tuple,
            /// As in `Pooling`.
            stride: Tuple,
            /// As in `Pooling`.
            pad: Tuple,
            /// As in `Pooling`.
            pool_type: PoolType,
            /// As in `Pooling`.
            p_value: Option<i32>,
            /// As in `Pooling`.
            count_include_pad: bool,
            /// As in `Pooling`.
            pooling_convention: Convention,
            /// As in `Pooling`.
            layout: Option<PoolLayout>,
            /// Whether this is the gradient of `Pooling_v1`.
            first_form: bool,
        }
    }
}

impl PoolingBackward {
    fn spec(&self) -> OpResult<PoolSpec> {
        let windows = Windows::new(&self.kernel, &self.stride, &Tuple::new(), &self.pad);
        Ok(PoolSpec {
            windows: if self.kernel.is_empty() { None } else { Some(windows.map_err(OpError::Invalid)?) },
            pool_type: self.pool_type,
            p_value: self.p_value,
            count_include_pad: self.count_include_pad,
            convention: self.pooling_convention,
            layout: self.layout,
            first_form: self.first_form,
        })
    }
}

impl Operator for PoolingBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(1), Port::Output(0)])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        fn run<T: Float>(g: &PoolGeometry, io: &mut Io) -> OpResult {
            let [ograd, data, output] = [0, 1, 2].map(|i| io.inputs[i].slice::<T>());
            pool_backward(g, data?, output?, ograd?, io.outputs[0].slice_mut()?);
            Ok(())
        }
        let (g, dtype) = (self.spec()?.geometry(io.inputs[1].shape())?, io.outputs[0].dtype());
        dispatch_float!(dtype, T => run::<T>(&g, io), else unsupported(dtype, "a float type"))
    }

    fn reads(&self, input: usize) -> bool {
        self.spec().map_or(true, |spec| spec.gradient_reads(input))
    }

    fn blocked(&self, here: &Site, have: &[bool]) -> Option<Blocked> {
        BlockedPooling::offer(self.spec().ok()?, true, &here.inputs[1], have)
    }
}

/// Implements a pooling by its specification.
macro_rules! pooling {
    ($op:ident) => {
        impl Operator for $op {
            fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
                self.spec().map_err(OpError::Invalid)?.infer(io)
            }

            fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
                self.spec().map_err(OpError::Invalid)?.forward(io)
            }

            fn gradient(&self, g: &mut Grad) -> GraphResult {
                self.spec().map_err(GraphError::Invalid)?.gradient(g)
            }

            fn blocked(&self, here: &Site, have: &[bool]) -> Option<Blocked> {
                BlockedPooling::offer(self.spec().ok()?, false, &here.inputs[0], have)
            }
        }
    };
}
pub(crate) use pooling;
