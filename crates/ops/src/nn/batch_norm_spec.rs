//! What all batch normalisations share: inference, computation and the gradient operator that moves the statistics.

use super::batch_norm::{BatchNorm, BatchNormV1};
use crate::contrib::sync_batch_norm::SyncBatchNorm;
use crate::forms::BlockedBatchNormBackward;
use crate::support::{axis_of, unsupported};
use rsym_graph::*;
use rsym_kernels::norm::{self, AxisDims, BatchStats};
use rsym_tensor::{DType, Element, Float, PartialShape, Tensor, dispatch_float};

/// A batch normalisation in full.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct BatchNormSpec {
    pub(crate) eps: f64,
    pub(crate) momentum: f32,
    pub(crate) fix_gamma: bool,
    pub(crate) use_global_stats: bool,
    pub(crate) axis: i32,
    /// Whether the third output is the variance instead of `1 / sqrt(variance + eps)`.
    pub(crate) raw_variance: bool,
}

/// Type of the parameters and statistics for data of type `dtype`.
pub(crate) fn stats_type(dtype: DType) -> DType {
    if dtype == DType::Float64 { dtype } else { DType::Float32 }
}

/// Gamma, unless it is fixed to ones, and beta.
pub(crate) type Params<'a, C> = (Option<&'a [C]>, &'a [C]);
/// Mean and variance that are given.
pub(crate) type Fixed<'a, C> = (&'a [C], &'a [C]);

impl BatchNormSpec {
    /// The normalisation that the operator is, unless it shows its statistics.
    pub(crate) fn of(op: &dyn Operator) -> Option<BatchNormSpec> {
        let any = op.as_any();
        let plain = any.downcast_ref::<BatchNorm>().filter(|op| !op.output_mean_var).map(BatchNorm::spec);
        let first = || any.downcast_ref::<BatchNormV1>().filter(|op| !op.output_mean_var).map(BatchNormV1::spec);
        let sync = || any.downcast_ref::<SyncBatchNorm>().filter(|op| !op.output_mean_var).map(SyncBatchNorm::spec);
        plain.or_else(first).or_else(sync)
    }

    pub(crate) fn infer(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(0), Port::Output(0)])?;
        let Some(dims) = io.inputs[0].dims() else { return Ok(()) };
        let channels = PartialShape::partial([dims[axis_of(self.axis as i64, dims.len())?]]);
        (1..5).try_for_each(|i| io.set_input(i, channels.clone()))?;
        (1..3).try_for_each(|o| io.set_output(o, channels.clone()))
    }

    pub(crate) fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.unify(&[0], &[0])?;
        let Some(dtype) = io.inputs[0] else { return Ok(()) };
        if !dtype.is_float() {
            return unsupported(dtype, "a float type");
        }
        (1..5).try_for_each(|i| io.set_input(i, stats_type(dtype)))?;
        (1..3).try_for_each(|o| io.set_output(o, stats_type(dtype)))
    }

    fn dims(&self, data: &Tensor) -> OpResult<AxisDims> {
        Ok(AxisDims::new(data.shape(), axis_of(self.axis as i64, data.shape().len())?))
    }

    pub(crate) fn forward(&self, io: &mut Io, ctx: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.run::<T>(io, ctx.is_train), else unsupported(dtype, "a float type"))
    }

    fn run<T: Float>(&self, io: &mut Io, is_train: bool) -> OpResult {
        let dims = self.dims(&io.inputs[0])?;
        self.run_with::<T>(io, is_train, |x, params, out, stats| match stats {
            Ok(batch) => norm::batch_norm_train(dims, x, params, self.eps, out, batch),
            Err(fixed) => norm::batch_norm_inference(dims, x, params, fixed, self.eps, out),
        })
    }

    /// Runs `kernel` with data, parameters (gamma, unless it is fixed, and beta), output, and either a place for the
    /// statistics of the batch or the fixed ones.
    pub(crate) fn run_with<T: Float>(
        &self,
        io: &mut Io,
        is_train: bool,
        kernel: impl FnOnce(&[T], Params<T::Compute>, &mut [T], Result<BatchStats<T::Compute>, Fixed<T::Compute>>),
    ) -> OpResult {
        if self.fix_gamma {
            fill_ones::<T::Compute>(&io.inputs[1])?;
        }
        let x = io.inputs[0].slice::<T>()?;
        let [gamma, beta, moving_mean, moving_var] = [1, 2, 3, 4].map(|i| io.inputs[i].slice::<T::Compute>());
        let (gamma, beta, moving_mean, moving_var) = (gamma?, beta?, moving_mean?, moving_var?);
        let params = ((!self.fix_gamma).then_some(gamma), beta);
        let [out, mean, third] = &mut io.outputs else {
            return Err(OpError::invalid("batch normalisation has three outputs"));
        };
        let (out, mean, third) = (out.slice_mut::<T>()?, mean.slice_mut()?, third.slice_mut()?);
        if is_train && !self.use_global_stats {
            let mut other = vec![T::Compute::default(); mean.len()];
            let (var, inv_std) = if self.raw_variance { (third, &mut other[..]) } else { (&mut other[..], third) };
            kernel(x, params, out, Ok(BatchStats { mean, var, inv_std }));
        } else {
            kernel(x, params, out, Err((moving_mean, moving_var)));
            mean.copy_from_slice(moving_mean);
            third.iter_mut().zip(moving_var).for_each(|(t, v)| *t = self.third(*v));
        }
        Ok(())
    }

    /// The third output for a given variance.
    fn third<C: Element>(&self, var: C) -> C {
        if self.raw_variance { var } else { C::from_f64(1.0 / (var.to_f64() + self.eps).sqrt()) }
    }

    pub(crate) fn gradient(&self, g: &mut Grad) -> GraphResult {
        let head = g.head(0)?;
        self.gradient_of(g, head)
    }

    /// The gradient for a normalised output at which `head` arrives.
    pub(crate) fn gradient_of(&self, g: &mut Grad, head: Entry) -> GraphResult {
        let op = BatchNormBackward {
            eps: self.eps,
            momentum: self.momentum,
            fix_gamma: self.fix_gamma,
            use_global_stats: self.use_global_stats,
            axis: self.axis,
            raw_variance: self.raw_variance,
        };
        let statistics = [g.output(1), g.output(2), g.input(3), g.input(4)];
        let inputs = [&[head, g.input(0), g.input(1)], &statistics[..]].concat();
        for (i, gradient) in g.apply_multi(op, &inputs).into_iter().enumerate() {
            if !(i == 1 && self.fix_gamma) {
                g.set(i, gradient);
            }
        }
        Ok(())
    }
}

pub(crate) fn fill_ones<C: Element>(gamma: &Tensor) -> OpResult {
    let one = C::from_f64(1.0);
    if gamma.slice::<C>()?.iter().any(|&g| g != one) {
        gamma.clone().fill(1.0);
    }
    Ok(())
}

operator! {
    /// Gradients of batch normalisation for data, gamma and beta; also moves the running statistics.
    #[hidden(true)]
    pub struct BatchNormBackward("_backward_BatchNorm") {
        inputs {
            ograd: "Gradient of the output.",
            data: "The input.",
            gamma: "The scale.",
            mean: "The mean that was used.",
            var: "The third output of the forward operator.",
            moving_mean: "The running mean (auxiliary state).",
            moving_var: "The running variance (auxiliary state).",
        }
        params {
            /// As in `BatchNorm`.
            eps: f64,
            /// As in `BatchNorm`.
            momentum: f32,
            /// As in `BatchNorm`.
            fix_gamma: bool,
            /// As in `BatchNorm`.
            use_global_stats: bool,
            /// As in `BatchNorm`.
            axis: i32,
            /// Whether `var` is the variance instead of `1 / sqrt(variance + eps)`.
            raw_variance: bool,
        }
    }
}

impl Operator for BatchNormBackward {
    fn aux(&self) -> &'static [usize] {
        &[5, 6]
    }

    fn num_outputs(&self) -> usize {
        3
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(0), Port::Input(1), Port::Output(0)])?;
        let channels = io.inputs[2].clone();
        (1..3).try_for_each(|o| io.set_output(o, channels.clone()))
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.unify(&[0, 1], &[0])?;
        io.unify(&[2, 3, 4, 5, 6], &[1, 2])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => self.spec().run_backward::<T>(io), else unsupported(dtype, "a float type"))
    }

    fn blocked(&self, here: &Site, have: &[bool]) -> Option<Blocked> {
        BlockedBatchNormBackward::offer(self.spec(), here, have)
    }
}

impl BatchNormBackward {
    fn spec(&self) -> BatchNormSpec {
        BatchNormSpec {
            eps: self.eps,
            momentum: self.momentum,
            fix_gamma: self.fix_gamma,
            use_global_stats: self.use_global_stats,
            axis: self.axis,
            raw_variance: self.raw_variance,
        }
    }
}

impl BatchNormSpec {
    fn run_backward<T: Float>(&self, io: &mut Io) -> OpResult {
        let dims = AxisDims::new(io.inputs[1].shape(), axis_of(self.axis as i64, io.inputs[1].shape().len())?);
        self.backward_with::<T>(io, |data, gamma, stats, batch_stats, dx, params| {
            norm::batch_norm_backward(dims, data, gamma, stats, batch_stats, dx, params);
        })
    }

    /// Runs `kernel` with data and its arriving gradient, gamma unless it is fixed, mean and inverse deviation, whether these
    /// are those of the batch, the gradient of the data, and those of gamma and beta; then moves the running statistics.
    pub(crate) fn backward_with<T: Float>(
        &self,
        io: &mut Io,
        kernel: impl FnOnce(
            (&[T], &[T]),
            Option<&[T::Compute]>,
            Fixed<T::Compute>,
            bool,
            &mut [T],
            (&mut [T::Compute], &mut [T::Compute]),
        ),
    ) -> OpResult {
        let (ograd, x) = (io.inputs[0].slice::<T>()?, io.inputs[1].slice::<T>()?);
        let [gamma, mean, third] = [2, 3, 4].map(|i| io.inputs[i].slice::<T::Compute>());
        let (gamma, mean, third) = (gamma?, mean?, third?);
        let other: Vec<f64> = third.iter().map(|v| self.convert(v.to_f64())).collect();
        let narrow: Vec<T::Compute> = other.iter().map(|&v| Element::from_f64(v)).collect();
        let inv_std = if self.raw_variance { &narrow } else { third };
        let batch_stats = !self.use_global_stats;
        let [dx, dgamma, dbeta] = &mut io.outputs else {
            return Err(OpError::invalid("the gradient of batch normalisation has three outputs"));
        };
        let gamma = (!self.fix_gamma).then_some(gamma);
        let params = (dgamma.slice_mut()?, dbeta.slice_mut()?);
        kernel((x, ograd), gamma, (mean, inv_std), batch_stats, dx.slice_mut()?, params);
        if batch_stats {
            let var = |c: usize| if self.raw_variance { third[c].to_f64() } else { other[c] };
            self.advance::<T::Compute>(&io.inputs[5], |c| mean[c].to_f64())?;
            self.advance::<T::Compute>(&io.inputs[6], var)?;
        }
        Ok(())
    }

    /// The variance from `1 / sqrt(variance + eps)`, or the other way round if the variance itself came.
    fn convert(&self, third: f64) -> f64 {
        if self.raw_variance { 1.0 / (third + self.eps).sqrt() } else { (third * third).recip() - self.eps }
    }

    fn advance<C: Element>(&self, moving: &Tensor, batch: impl Fn(usize) -> f64) -> OpResult {
        let momentum = self.momentum as f64;
        let mut moving = moving.clone();
        for (c, m) in moving.slice_mut::<C>()?.iter_mut().enumerate() {
            *m = C::from_f64(momentum * m.to_f64() + (1.0 - momentum) * batch(c));
        }
        Ok(())
    }
}

/// What every batch normalisation tells of itself.
macro_rules! batch_norm_frame {
    () => {
        fn aux(&self) -> &'static [usize] {
            &[3, 4]
        }

        fn initializer(&self, input: usize) -> Option<&'static str> {
            match input {
                3 => Some(r#"["zero", {}]"#),
                4 => Some(r#"["one", {}]"#),
                _ => None,
            }
        }

        fn output_names(&self) -> Names {
            names!["output", "mean", "var"]
        }

        fn num_outputs(&self) -> usize {
            3
        }

        fn num_visible(&self) -> usize {
            if self.output_mean_var { 3 } else { 1 }
        }

        fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
            self.spec().infer(io)
        }

        fn infer_type(&self, io: &mut TypeIo) -> OpResult {
            self.spec().infer_type(io)
        }

        // The gradient moves the statistics.
        fn is_repeatable(&self) -> bool {
            true
        }
    };
}
pub(crate) use batch_norm_frame;

/// Implements a batch normalisation by its specification.
macro_rules! batch_norm {
    ($op:ident) => {
        impl Operator for $op {
            batch_norm_frame!();

            fn forward(&self, io: &mut Io, ctx: &Ctx) -> OpResult {
                self.spec().forward(io, ctx)
            }

            fn gradient(&self, g: &mut Grad) -> GraphResult {
                self.spec().gradient(g)
            }

            fn absorbs(&self) -> bool {
                true
            }

            fn absorb(&self, here: &Site, next: &Site, _: usize) -> Option<OpRef> {
                NormRelu::offer(BatchNormSpec::of(self)?, here, next)
            }

            fn blocked(&self, here: &Site, have: &[bool]) -> Option<Blocked> {
                BlockedBatchNorm::offer(self.spec(), here, have)
            }
        }
    };
}
pub(crate) use batch_norm;
