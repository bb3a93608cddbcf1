//! Gradients of the reductions: what arrives is spread over the elements that were reduced.

use super::apply::{self, Arg, Slope2, binary, functions, slope2};
use super::reduced::{kept_shape, reduced_axes};
use super::constant::OnesLike;
use super::formula::Formula;
use super::reduce::{Mean, Sum};
use crate::shape::restore::Restore;
use rsym_graph::*;
use rsym_kernels::arrange::broadcast_to;
use rsym_kernels::real::Real;
use rsym_kernels::reduce::{Reduction, reduce};
use rsym_tensor::{Float, Tensor, dispatch, dispatch_float};

enum_param! {
    /// A reduction, as far as its gradient is concerned.
    pub enum Reduced {
        Sum = "sum",
        Mean = "mean",
        Prod = "prod",
        NanSum = "nansum",
        NanProd = "nanprod",
        Max = "max",
        Min = "min",
        L1 = "l1",
        L2 = "l2",
        Variance = "variance",
    }
}

functions! { Slope2, (g, x, y), F: Real,
    Factor = if x == F::zero() || x.is_nan() { F::zero() } else { g * y / x };
    FactorOrNan = if x == F::zero() { F::zero() } else { g * y / x };
    Unless = if x.is_nan() { F::zero() } else { let _ = y; g };
    Hit = if x == y { g } else { F::zero() };
    Signed = { let _ = y; g * rsym_kernels::math::sign(x) };
    Direction = g * x / y;
    Deviation = g * (x - y);
    AtZero = if x == F::zero() { g * y } else { F::zero() };
}

operator! {
    /// The gradient of a reduction with respect to its data.
    #[hidden(true)]
    pub struct ReduceGrad("_backward_reduce") {
        inputs { ograd: "Gradient of the output.", data: "What was reduced.", output: "The result; not for sum and mean." }
        params {
            /// The reduction.
            of: Reduced,
            /// Its axes.
            axis: Option<Tuple> = None,
            /// Whether the other axes were reduced.
            exclude: bool = false,
        }
    }
}

impl ReduceGrad {
    /// Leaves the gradient of the node's only input.
    pub(super) fn apply(self, g: &mut Grad) -> GraphResult {
        let head = g.head(0)?;
        let gradient = self.entry(g, head, 0);
        g.set(0, gradient);
        Ok(())
    }

    /// The gradient of the node's only input when `head` arrives at a result that is output `out`.
    pub(super) fn entry(self, g: &mut Grad, head: Entry, out: usize) -> Entry {
        let (data, output) = (g.input(0), g.output(out));
        if self.spreads() { g.apply(self, &[head, data]) } else { g.apply(self, &[head, data, output]) }
    }

    /// Whether neither data nor the result matter.
    fn spreads(&self) -> bool {
        matches!(self.of, Reduced::Sum | Reduced::Mean)
    }

    /// Input `i` in the shape from which it broadcasts to that of the data, and in the type of the data.
    fn spread(&self, io: &Io, i: usize, axes: &[usize]) -> OpResult<Tensor> {
        let kept = io.inputs[i].reshape(kept_shape(io.outputs[0].shape(), axes))?;
        let dtype = io.outputs[0].dtype();
        Ok(if kept.dtype() == dtype { kept } else { kept.cast(dtype)? })
    }
}

impl Operator for ReduceGrad {
    fn inputs(&self) -> Names {
        if self.spreads() { names!["ograd", "data"] } else { names!["ograd", "data", "output"] }
    }

    fn num_inputs(&self) -> usize {
        if self.spreads() { 2 } else { 3 }
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(1), Port::Output(0)])
    }

    fn infer_type(&self, io: &mut TypeIo) -> OpResult {
        io.unify(&[1], &[0])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let axes = reduced_axes(&self.axis, self.exclude, io.outputs[0].shape().len())?;
        let head = self.spread(io, 0, &axes)?;
        let count: usize = axes.iter().map(|&a| io.outputs[0].shape()[a]).product();
        let data = Arg::input(io, 1);
        match self.of {
            Reduced::Sum => return repeat(&head, &mut io.outputs[0]),
            Reduced::Mean => return divide(Arg::Tensor(&head), count, &mut io.outputs[0]),
            _ => {}
        }
        let result = self.spread(io, 2, &axes)?;
        let args = [Arg::Tensor(&head), data, Arg::Tensor(&result)];
        let out = &mut io.outputs[0];
        match self.of {
            Reduced::NanSum => slope2::<Unless>(args, out),
            Reduced::Prod => product(args, &io.inputs[1], &axes, out, slope2::<FactorOrNan>),
            Reduced::NanProd => product(args, &io.inputs[1], &axes, out, slope2::<Factor>),
            Reduced::L1 => slope2::<Signed>(args, out),
            Reduced::L2 => slope2::<Direction>(args, out),
            Reduced::Variance => {
                slope2::<Deviation>(args, out)?;
                scale(2.0 / count as f64, out)
            }
            _ => slope2::<Hit>(args, out),
        }
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let (head, ograd) = (g.head(0)?, g.input(0));
        let (axis, exclude) = (self.axis.clone(), self.exclude);
        let sum = |formula: Formula| formula.apply(Sum { axis: axis.clone(), keepdims: false, exclude });
        let restored = |g: &mut Grad, formula: Formula| {
            formula.write(g).map(|sum| g.apply(Restore {}, &[sum, ograd.clone()]))
        };
        let by_ograd = match self.of {
            Reduced::Sum => sum(head.clone().into()),
            Reduced::Mean => Formula::from(head.clone()).apply(Mean { axis: axis.clone(), keepdims: false, exclude }),
            Reduced::NanSum | Reduced::Max | Reduced::Min | Reduced::L1 => {
                let ones = g.apply(OnesLike {}, std::slice::from_ref(&ograd));
                let slopes = g.apply(self.clone(), &[ones, g.input(1), g.input(2)]);
                sum(Formula::from(head.clone()) * Formula::from(slopes))
            }
            Reduced::Prod | Reduced::NanProd | Reduced::L2 | Reduced::Variance => return g.not_differentiable(),
        };
        if g.needs(0)
            && let Some(gradient) = restored(g, by_ograd)
        {
            g.set(0, gradient);
        }
        Ok(())
    }

    fn inplace(&self) -> &'static [(usize, usize)] {
        if matches!(self.of, Reduced::Prod | Reduced::NanProd) { &[] } else { &[(1, 0)] }
    }

    fn reads(&self, input: usize) -> bool {
        input != 1 || !self.spreads()
    }
}

fn repeat(head: &Tensor, out: &mut Tensor) -> OpResult {
    let target = out.shape().clone();
    dispatch!(out.dtype(), T => broadcast_to::<T>(head.slice()?, head.shape(), &target, out.slice_mut()?));
    Ok(())
}

fn divide(head: Arg, count: usize, out: &mut Tensor) -> OpResult {
    binary::<apply::Over>(head, Arg::Scalar(count as f64), out)
}

fn scale(factor: f64, out: &mut Tensor) -> OpResult {
    let view = out.clone();
    binary::<apply::Times>(Arg::Out(&view), Arg::Scalar(factor), out)
}

/// The gradient of a product: by `quotient` away from zeros. A zero gets the product of the others.
fn product(
    args: [Arg; 3],
    data: &Tensor,
    axes: &[usize],
    out: &mut Tensor,
    quotient: fn([Arg; 3], &mut Tensor) -> OpResult,
) -> OpResult {
    quotient(args, out)?;
    let dtype = out.dtype();
    let others = dispatch_float!(dtype, T => product_of_others::<T>(data, axes)?, else None);
    let Some(others) = others else { return Ok(()) };
    let mut at_zeros = Tensor::zeros(out.shape().clone(), dtype)?;
    slope2::<AtZero>([args[0], args[1], Arg::Tensor(&others)], &mut at_zeros)?;
    let view = out.clone();
    binary::<apply::Plus>(Arg::Out(&view), Arg::Tensor(&at_zeros), out)
}

/// For every result the product of the elements that are not 0 (NaN excluded), or 0 where more than one is; nothing if
/// there is no zero at all.
fn product_of_others<T: Float>(data: &Tensor, axes: &[usize]) -> OpResult<Option<Tensor>> {
    let values = data.slice::<T>()?;
    let zero = T::default();
    if !values.contains(&zero) {
        return Ok(None);
    }
    let one = T::from_f64(1.0);
    let flags: Vec<f64> = values.iter().map(|v| (*v == zero) as u8 as f64).collect();
    let others: Vec<f64> = values.iter().map(|v| if *v == zero { one } else { *v }.to_f64()).collect();
    let shape = kept_shape(data.shape(), axes);
    let (mut counts, mut products) = (vec![0.0; shape.size()], vec![0.0; shape.size()]);
    reduce(Reduction::Sum, &flags, data.shape(), axes, &mut counts);
    reduce(Reduction::NanProd, &others, data.shape(), axes, &mut products);
    products.iter_mut().zip(&counts).for_each(|(p, &c)| *p = if c > 1.0 { 0.0 } else { *p });
    Ok(Some(Tensor::from_slice(shape, &products)?.cast(T::DTYPE)?))
}

