//! `LeakyReLU`: activation functions with a soft or learned negative half.

use crate::math::apply::{Arg, point_with, single};
use crate::support::{operand, unsupported};
use crate::math::compare::LesserScalar;
use crate::math::formula::second;
use rsym_graph::*;
use rsym_kernels::broadcast::broadcast;
use rsym_kernels::elementwise::{Operand, binary, unary};
use rsym_kernels::fused::Op;
use rsym_kernels::math::{SELU_ALPHA, SELU_LAMBDA, constant, elu, gelu, gelu_slope, leaky, selu};
use rsym_kernels::parallel::map_indices;
use rsym_kernels::random::{self, Key};
use rsym_kernels::real::Real;
use rsym_tensor::{DType, Float, PartialShape, Shape, Tensor, dispatch_float};

enum_param! {
    /// The functions of `LeakyReLU`.
    pub enum LeakyAct {
        Elu = "elu",
        Gelu = "gelu",
        Leaky = "leaky",
        Prelu = "prelu",
        Rrelu = "rrelu",
        Selu = "selu",
    }
}

operator! {
    /// Applies an activation function with a soft negative half to every element.
    ///
    /// | act_type | f(x) for x > 0 | f(x) for x ≤ 0 |
    /// |---|---|---|
    /// | leaky | x | slope · x |
    /// | elu | x | slope · (exp(x) - 1) |
    /// | selu | 1.0507 · x | 1.0507 · 1.6733 · (exp(x) - 1) |
    /// | gelu | x · Φ(x), with the exact distribution function Φ of the normal distribution | the same |
    /// | prelu | x | gamma · x with a learned gamma |
    /// | rrelu | x | r · x with r random from `lower_bound` to `upper_bound` in training, their mean otherwise |
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | any | float |
    /// | gamma (prelu only) | (channels,), (1,) or (batch, channels) | that of data |
    /// | output | that of data | that of data |
    /// | mask (rrelu only): the r of every element | that of data | that of data |
    ///
    /// The gradient of selu for x ≤ 0 is MXNet's 1.0507 · (1.6733 + f(x)), which is not quite the derivative.
    ///
    /// Sources: Clevert et al. (elu, 2015), Klambauer et al. (selu, 2017), Hendrycks and Gimpel (gelu, 2016), He et al.
    /// (prelu, 2015), Xu et al. (rrelu, 2015). MXNet's CPU build crashes for rrelu in training; rsym computes it.
    #[aliases("_npx_leaky_relu")]
    pub struct LeakyRelu("LeakyReLU") {
        inputs { data: "The input.", gamma: "For prelu: the slope of the negative half, one for each channel or one for all." }
        params {
            /// The function.
            act_type: LeakyAct = LeakyAct::Leaky,
            /// Slope of the negative half of leaky and elu.
            slope: f32 = 0.25,
            /// Least slope of rrelu.
            lower_bound: f32 = 0.125,
            /// Greatest slope of rrelu.
            upper_bound: f32 = 0.334,
        }
    }
}

operator! {
    /// Gradient of `LeakyReLU` for data; `value` is the output for elu, selu and leaky of positive slope, else the data.
    #[hidden(true)]
    pub struct LeakyReluBackward("_backward_LeakyReLU") {
        inputs { ograd: "Gradient of the output.", value: "Output or input of the forward operator." }
        params {
            /// As in `LeakyReLU`.
            act_type: LeakyAct,
            /// As in `LeakyReLU`.
            slope: f32,
        }
    }
}

operator! {
    /// Gradient of prelu and rrelu for data, given the slopes.
    #[hidden(true)]
    pub struct PreluBackward("_backward_prelu") {
        inputs { ograd: "Gradient of the output.", data: "The input.", slopes: "Slopes of the negative half." }
        params {}
    }
}

operator! {
    /// Gradient of prelu for gamma.
    #[hidden(true)]
    pub struct PreluGammaBackward("_backward_prelu_gamma") {
        inputs { ograd: "Gradient of the output.", data: "The input.", gamma: "Slopes of the negative half." }
        params {}
    }
}

/// The shape of gamma with one dimension for each of data: its dimensions belong to axis 1 or, failing that, 0.
fn aligned(gamma: &[usize], data: &[usize]) -> OpResult<Shape> {
    let mut rest = gamma.iter().rev().peekable();
    let mut shape: Vec<usize> = vec![1; data.len()];
    for axis in (0..data.len().min(2)).rev() {
        if let Some(&size) = rest.next_if(|&&g| g == data[axis] || g == 1) {
            shape[axis] = size;
        }
    }
    match rest.next() {
        None => Ok(shape.into()),
        Some(_) => Err(OpError::invalid(format!(
            "gamma of shape {} does not fit data of shape {}: expected one slope for each channel, or one for all",
            Shape::new(gamma),
            Shape::new(data)
        ))),
    }
}

impl LeakyAct {
    /// The vector form, of the data and, if it has two operands, the slope.
    pub(crate) fn function(self) -> Option<Op> {
        match self {
            LeakyAct::Leaky => Some(Op::Leaky),
            LeakyAct::Elu => Some(Op::Elu),
            LeakyAct::Selu => Some(Op::Selu),
            LeakyAct::Gelu => Some(Op::Gelu),
            LeakyAct::Prelu | LeakyAct::Rrelu => None,
        }
    }

    /// The vector form of `_backward_LeakyReLU`, of the arriving gradient, the value and, if it has three operands, the
    /// slope.
    pub(crate) fn slope(self) -> Option<Op> {
        match self {
            LeakyAct::Leaky => Some(Op::LeakyGrad),
            LeakyAct::Elu => Some(Op::EluGrad),
            LeakyAct::Gelu => Some(Op::GeluGrad),
            _ => None,
        }
    }
}

impl Operator for LeakyRelu {
    fn inputs(&self) -> Names {
        if self.act_type == LeakyAct::Prelu { names!["data", "gamma"] } else { names!["data"] }
    }

    fn num_inputs(&self) -> usize {
        if self.act_type == LeakyAct::Prelu { 2 } else { 1 }
    }

    fn initializer(&self, input: usize) -> Option<&'static str> {
        (input == 1).then_some(r#"["Constant", {"value": 0.25}]"#)
    }

    fn output_names(&self) -> Names {
        if self.act_type == LeakyAct::Rrelu { names!["output", "mask"] } else { names!["output"] }
    }

    fn num_outputs(&self) -> usize {
        if self.act_type == LeakyAct::Rrelu { 2 } else { 1 }
    }

    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(0), Port::Output(0)])?;
        if self.act_type == LeakyAct::Rrelu {
            return io.unify([Port::Input(0), Port::Output(1)]);
        }
        let Some(dims) = io.inputs[0].dims().filter(|_| self.act_type == LeakyAct::Prelu) else { return Ok(()) };
        match (io.input(0), io.input(1)) {
            (Some(data), Some(gamma)) => aligned(&gamma, &data).map(|_| ()),
            (_, None) if io.inputs[1].rank().is_none_or(|r| r == 1) => match dims.get(1) {
                Some(&channels) => io.set_input(1, PartialShape::partial([channels])),
                None => Err(OpError::invalid("prelu needs data with a channel axis, or gamma with a shape of its own")),
            },
            _ => Ok(()),
        }
    }

    fn forward(&self, io: &mut Io, ctx: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        if let (DType::Float32, Some(op)) = (dtype, self.act_type.function()) {
            let args = [Arg::input(io, 0), Arg::Scalar(self.slope as f64)];
            return single(op, &args[..op.arity()], &mut io.outputs[0]);
        }
        dispatch_float!(dtype, T => self.run::<T>(io, ctx), else unsupported(dtype, "a float type"))
    }

    fn pointwise(&self) -> Option<Pointwise> {
        let op = self.act_type.function()?;
        let args = [PointArg::Input(0), PointArg::Scalar(self.slope as f64)];
        point_with(Some(op), &args[..op.arity()])
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let head = g.head(0)?;
        if matches!(self.act_type, LeakyAct::Prelu | LeakyAct::Rrelu) {
            let slopes = if self.act_type == LeakyAct::Prelu { g.input(1) } else { g.output(1) };
            let inputs = [head, g.input(0), slopes];
            if self.act_type == LeakyAct::Prelu && g.needs(1) {
                let gradient = g.apply(PreluGammaBackward {}, &inputs);
                g.set(1, gradient);
            }
            let gradient = g.apply(PreluBackward {}, &inputs);
            g.set(0, gradient);
            return Ok(());
        }
        let (act_type, slope) = (self.act_type, self.slope);
        // The sign of the output tells that of the data only for a positive slope.
        let from_data = act_type == LeakyAct::Gelu || act_type != LeakyAct::Selu && slope <= 0.0;
        let value = if from_data { g.input(0) } else { g.output(0) };
        let gradient = if from_data && act_type == LeakyAct::Elu {
            g.apply(EluBackward { slope }, &[head, value])
        } else {
            g.apply(LeakyReluBackward { act_type, slope }, &[head, value])
        };
        g.set(0, gradient);
        Ok(())
    }

    fn inplace(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }

    fn is_random(&self) -> bool {
        self.act_type == LeakyAct::Rrelu
    }
}

operator! {
    /// Gradient of elu for data, from the data.
    #[hidden(true)]
    pub struct EluBackward("_backward_elu") {
        inputs { ograd: "Gradient of the output.", data: "The input." }
        params {
            /// As in `LeakyReLU`.
            slope: f32,
        }
    }
}

impl LeakyRelu {
    fn run<T: Float>(&self, io: &mut Io, ctx: &Ctx) -> OpResult {
        let slope = constant::<T::Compute>(self.slope as f64);
        match self.act_type {
            LeakyAct::Leaky => map::<T>(io, |x| leaky(x, slope)),
            LeakyAct::Elu => map::<T>(io, |x| elu(x, slope)),
            LeakyAct::Selu => map::<T>(io, selu),
            LeakyAct::Gelu => map::<T>(io, gelu),
            LeakyAct::Prelu => with_slopes::<T>(io, 0, &io.inputs[1].clone(), |x, r, _| leaky(x, r)),
            LeakyAct::Rrelu => {
                self.draw::<T>(io, ctx)?;
                let mask = io.outputs[1].clone();
                with_slopes::<T>(io, 0, &mask, |x, r, _| leaky(x, r))
            }
        }
    }

    fn draw<T: Float>(&self, io: &mut Io, ctx: &Ctx) -> OpResult {
        let (low, high) = (self.lower_bound as f64, self.upper_bound as f64);
        let mask = io.outputs[1].slice_mut::<T>()?;
        if ctx.is_train {
            random::uniform(Key { seed: ctx.seed, stream: ctx.stream }, low, high, mask);
        } else {
            mask.fill(T::from_f64((low + high) / 2.0));
        }
        Ok(())
    }
}

fn map<T: Float>(io: &mut Io, f: impl Fn(T::Compute) -> T::Compute + Sync) -> OpResult {
    let x = operand::<T>(io, 0, 0)?;
    unary(x, io.outputs[0].slice_mut()?, |x: T| T::narrow(f(x.widen())));
    Ok(())
}

/// `out = f(x, slope, x)` with broadcast slopes, where x is input `i`.
fn with_slopes<T: Float>(
    io: &mut Io,
    i: usize,
    slopes: &Tensor,
    f: impl Fn(T::Compute, T::Compute, T::Compute) -> T::Compute + Sync,
) -> OpResult {
    let x = operand::<T>(io, i, 0)?;
    let dims = io.inputs[i].shape().clone();
    let own = if slopes.shape() == &dims { dims.clone() } else { aligned(slopes.shape(), &dims)? };
    let slopes = (Operand::Slice(slopes.slice::<T>()?), &own[..]);
    broadcast((x, &dims), slopes, (io.outputs[0].slice_mut()?, &dims), |x, r| {
        T::narrow(f(x.widen(), r.widen(), x.widen()))
    });
    Ok(())
}

impl Operator for LeakyReluBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.same()
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        if let (DType::Float32, Some(op)) = (dtype, self.act_type.slope()) {
            let args = [Arg::input(io, 0), Arg::input(io, 1), Arg::Scalar(self.slope as f64)];
            return single(op, &args[..op.arity()], &mut io.outputs[0]);
        }
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        match self.act_type {
            LeakyAct::Leaky => second(g, self.clone(), |_| None),
            // Below zero the slope is the output and a constant.
            LeakyAct::Elu => second(g, self.clone(), |value| Some(value.apply(LesserScalar::by(0.0)))),
            _ if g.needs(1) => g.not_differentiable(),
            _ => second(g, self.clone(), |_| None),
        }
    }

    fn inplace(&self) -> &'static [(usize, usize)] {
        &[(0, 0), (1, 0)]
    }
}

impl LeakyReluBackward {
    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let slope = constant::<T::Compute>(self.slope as f64);
        match self.act_type {
            LeakyAct::Elu => slopes::<T>(io, |y| negative_or_one(y, y + slope)),
            LeakyAct::Selu => {
                let [lambda, alpha] = [SELU_LAMBDA, SELU_ALPHA].map(constant::<T::Compute>);
                slopes::<T>(io, |y| lambda * negative_or_one(y, y + alpha))
            }
            LeakyAct::Gelu => slopes::<T>(io, gelu_slope),
            _ => slopes::<T>(io, |y| negative_or_one(y, slope)),
        }
    }
}

fn negative_or_one<C: Real>(y: C, negative: C) -> C {
    if y > C::zero() { C::one() } else { negative }
}

fn slopes<T: Float>(io: &mut Io, slope: impl Fn(T::Compute) -> T::Compute + Sync) -> OpResult {
    let (ograd, value) = (operand::<T>(io, 0, 0)?, operand::<T>(io, 1, 0)?);
    binary(ograd, value, io.outputs[0].slice_mut()?, |g: T, v: T| T::narrow(g.widen() * slope(v.widen())));
    Ok(())
}

impl Operator for EluBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.same()
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        fn run<T: Float>(io: &mut Io, slope: f32) -> OpResult {
            let slope = constant::<T::Compute>(slope as f64);
            slopes::<T>(io, |x| negative_or_one(x, slope * num_traits::Float::exp(x)))
        }
        let dtype = io.outputs[0].dtype();
        if dtype == DType::Float32 {
            let args = [Arg::input(io, 0), Arg::input(io, 1), Arg::Scalar(self.slope as f64)];
            return single(Op::EluSlope, &args, &mut io.outputs[0]);
        }
        dispatch_float!(dtype, T => run::<T>(io, self.slope), else unsupported(dtype, "a float type"))
    }

    fn inplace(&self) -> &'static [(usize, usize)] {
        &[(0, 0), (1, 0)]
    }
}

impl Operator for PreluBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(0), Port::Input(1), Port::Output(0)])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        fn run<T: Float>(io: &mut Io) -> OpResult {
            let slopes = io.inputs[2].clone();
            with_slopes::<T>(io, 1, &slopes, |_, r, x| negative_or_one(x, r))?;
            let ograd = Operand::Slice(io.inputs[0].slice::<T>()?);
            binary(ograd, Operand::Out, io.outputs[0].slice_mut()?, |g: T, s: T| T::narrow(g.widen() * s.widen()));
            Ok(())
        }
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => run::<T>(io), else unsupported(dtype, "a float type"))
    }
}

impl Operator for PreluGammaBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(2), Port::Output(0)])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        dispatch_float!(dtype, T => gamma_gradient::<T>(io), else unsupported(dtype, "a float type"))
    }

    fn reads(&self, input: usize) -> bool {
        input < 2
    }
}

/// Sums `ograd · data` over the negative elements that each gamma serves.
fn gamma_gradient<T: Float>(io: &mut Io) -> OpResult {
    let (ograd, data) = (io.inputs[0].slice::<T>()?, io.inputs[1].slice::<T>()?);
    let dims = io.inputs[1].shape();
    let gamma = aligned(io.inputs[2].shape(), dims)?;
    let channels = dims.get(1).copied().unwrap_or(1);
    let inner = dims.product(dims.len().min(2)..);
    let rows = dims.product(..dims.len().min(2));
    let sums = map_indices(rows, 2 * inner, |row| {
        let terms = ograd[row * inner..][..inner].iter().zip(&data[row * inner..]);
        terms.filter(|(_, x)| x.to_f64() <= 0.0).map(|(g, x)| g.to_f64() * x.to_f64()).sum::<f64>()
    });
    let wide = |axis: usize| gamma.get(axis).is_some_and(|&g| g > 1);
    let mut totals = vec![0.0; io.outputs[0].size()];
    for (row, sum) in sums.into_iter().enumerate() {
        let (n, c) = (row / channels, row % channels);
        let width = if wide(1) { channels } else { 1 };
        totals[if wide(0) { n * width } else { 0 } + if wide(1) { c } else { 0 }] += sum;
    }
    let out = io.outputs[0].slice_mut::<T>()?;
    out.iter_mut().zip(totals).for_each(|(o, t)| *o = T::from_f64(t));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, backward, check_gradient, infer, run, run_with, t32};

    fn op(act_type: LeakyAct) -> LeakyRelu {
        LeakyRelu { act_type, slope: 0.25, lower_bound: 0.125, upper_bound: 0.334 }
    }

    #[test]
    fn values_are_those_of_mxnet() {
        let of = |act, x: f32| run(&op(act), &[t32([1], &[x])])[0].to_f64_vec()[0];
        let near = |got: f64, want: f64| assert!((got - want).abs() < 1e-6, "{got} instead of {want}");
        near(of(LeakyAct::Leaky, -2.0), -0.5);
        near(of(LeakyAct::Elu, -20.0), -0.25);
        near(of(LeakyAct::Selu, -2.0), -1.5201665);
        near(of(LeakyAct::Gelu, -1.0), -0.15865527);
        let x = t32([2, 4], &[-1.0, 0.0, 2.0, 3.0, 1.0, -2.0, 3.0, -4.0]);
        let out = run(&op(LeakyAct::Prelu), &[x.clone(), t32([4], &[0.1, 0.2, 0.3, 0.4])]);
        assert_close(&out[0], &[-0.1, 0.0, 2.0, 3.0, 1.0, -0.4, 3.0, -1.6]);
        let out = run(&op(LeakyAct::Prelu), &[x, t32([1], &[0.5])]);
        assert_close(&out[0], &[-0.5, 0.0, 2.0, 3.0, 1.0, -1.0, 3.0, -2.0]);
    }

    #[test]
    fn random_slopes_stay_inside_their_bounds() {
        let x = t32([1000], &[-1.0; 1000]);
        let out = run(&op(LeakyAct::Rrelu), std::slice::from_ref(&x));
        let mask = out[1].to_f64_vec();
        assert!(mask.iter().all(|r| (0.125..0.334).contains(r)));
        assert!((mask.iter().sum::<f64>() / 1000.0 - 0.2295).abs() < 0.01);
        assert!(out[0].to_f64_vec().iter().zip(&mask).all(|(o, r)| *o == -r));
        let still = run_with(&op(LeakyAct::Rrelu), &[x], &Ctx::default()).unwrap();
        assert!((still[0].to_f64_vec()[0] + 0.2295).abs() < 1e-6);
    }

    #[test]
    fn gradients_agree_with_differences() {
        for act in [LeakyAct::Leaky, LeakyAct::Elu, LeakyAct::Gelu, LeakyAct::Rrelu] {
            check_gradient(&op(act), &[[3, 4].into()], DType::Float64);
        }
        for act_type in [LeakyAct::Leaky, LeakyAct::Elu] {
            check_gradient(&LeakyRelu { slope: -0.5, ..op(act_type) }, &[[3, 4].into()], DType::Float64);
        }
        for gamma in [Shape::from([3]), [1].into(), [2, 3].into()] {
            check_gradient(&op(LeakyAct::Prelu), &[[2, 3, 4].into(), gamma], DType::Float64);
        }
    }

    #[test]
    fn the_gradient_of_selu_is_that_of_mxnet() {
        let found = backward(&op(LeakyAct::Selu), &[t32([2], &[-1.0, 1.0])], &[Some(t32([2], &[1.0, 1.0]))]);
        assert_close(found[0].as_ref().unwrap(), &[1.050701 * (1.6732632 - 1.1113307), 1.050701]);
    }

    #[test]
    fn gamma_has_the_channels() {
        let prelu = op(LeakyAct::Prelu);
        assert_eq!(infer(&prelu, &[&[0, 3, 5], &[]], &[]).unwrap()[1], [3]);
        assert!(infer(&prelu, &[&[4], &[]], &[]).is_err());
        assert!(infer(&prelu, &[&[2, 3, 4], &[4]], &[]).is_err());
        assert_eq!(prelu.initializer(1), Some(r#"["Constant", {"value": 0.25}]"#));
    }
}
