//! `Activation`: the basic activation functions.

use crate::math::apply::{Arg, point, single};
use crate::support::{operand, unsupported};
use num_traits::{Float as _, One, Zero};
use crate::math::formula::second;
use rsym_graph::*;
use rsym_kernels::elementwise::{binary, unary};
use rsym_kernels::fused::Op;
use rsym_kernels::math::{relu, sigmoid, softrelu, softsign};
use rsym_tensor::{DType, Float, dispatch_float};

enum_param! {
    /// The functions of `Activation`.
    pub enum Act {
        Relu = "relu",
        Sigmoid = "sigmoid",
        Softrelu = "softrelu",
        Softsign = "softsign",
        Tanh = "tanh",
    }
}

operator! {
    /// Applies an activation function to every element: `out = f(data)`.
    ///
    /// | act_type | f(x) |
    /// |---|---|
    /// | relu | max(x, 0) |
    /// | sigmoid | 1 / (1 + exp(-x)) |
    /// | softrelu | log(1 + exp(x)) |
    /// | softsign | x / (1 + abs(x)) |
    /// | tanh | the hyperbolic tangent |
    ///
    /// | | shape | dtype |
    /// |---|---|---|
    /// | data | any | float |
    /// | output | that of data | that of data |
    #[aliases("_npx_activation")]
    #[unnamed(true)]
    pub struct Activation("Activation") {
        inputs { data: "The input." }
        params {
            /// The function.
            act_type: Act,
        }
    }
}

operator! {
    /// Gradient of `Activation`; `value` is its output, for softsign its input.
    #[hidden(true)]
    pub struct ActivationBackward("_backward_Activation") {
        inputs { ograd: "Gradient of the output.", value: "Output or input of the forward operator." }
        params {
            /// As in `Activation`.
            act_type: Act,
        }
    }
}

impl Act {
    /// The vector form.
    pub(crate) fn function(self) -> Op {
        match self {
            Act::Relu => Op::Relu,
            Act::Sigmoid => Op::Sigmoid,
            Act::Softrelu => Op::Softrelu,
            Act::Softsign => Op::Softsign,
            Act::Tanh => Op::Tanh,
        }
    }

    /// The vector form of the gradient, from the arriving one and the input (softsign) or output.
    pub(crate) fn slope(self) -> Op {
        match self {
            Act::Relu => Op::ReluSlope,
            Act::Sigmoid => Op::SigmoidGrad,
            Act::Softrelu => Op::SoftreluGrad,
            Act::Softsign => Op::SoftsignGrad,
            Act::Tanh => Op::TanhGrad,
        }
    }
}

impl Operator for Activation {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.same()
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        if dtype == DType::Float32 {
            let x = Arg::input(io, 0);
            return single(self.act_type.function(), &[x], &mut io.outputs[0]);
        }
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }

    fn pointwise(&self) -> Option<Pointwise> {
        point(Some(self.act_type.function()), 1)
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let value = if self.act_type == Act::Softsign { g.input(0) } else { g.output(0) };
        let head = g.head(0)?;
        let gradient = g.apply(ActivationBackward { act_type: self.act_type }, &[head, value]);
        g.set(0, gradient);
        Ok(())
    }

    fn inplace(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }
}

impl Activation {
    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let x = operand::<T>(io, 0, 0)?;
        let out = io.outputs[0].slice_mut::<T>()?;
        match self.act_type {
            Act::Relu => unary(x, out, |x| T::narrow(relu(x.widen()))),
            Act::Sigmoid => unary(x, out, |x| T::narrow(sigmoid(x.widen()))),
            Act::Softrelu => unary(x, out, |x| T::narrow(softrelu(x.widen()))),
            Act::Softsign => unary(x, out, |x| T::narrow(softsign(x.widen()))),
            Act::Tanh => unary(x, out, |x| T::narrow(x.widen().tanh())),
        }
        Ok(())
    }
}

impl Operator for ActivationBackward {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.same()
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let dtype = io.outputs[0].dtype();
        if dtype == DType::Float32 {
            let args = [Arg::input(io, 0), Arg::input(io, 1)];
            return single(self.act_type.slope(), &args, &mut io.outputs[0]);
        }
        dispatch_float!(dtype, T => self.run::<T>(io), else unsupported(dtype, "a float type"))
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        second(g, self.clone(), |value| match self.act_type {
            Act::Relu => None,
            Act::Sigmoid => Some(1.0 - value * 2.0),
            Act::Softrelu => Some((-value).exp()),
            Act::Softsign => Some(value.clone().sign() * (value.abs() + 1.0).powf(-3.0) * -2.0),
            Act::Tanh => Some(value * -2.0),
        })
    }

    fn pointwise(&self) -> Option<Pointwise> {
        point(Some(self.act_type.slope()), 2)
    }

    fn inplace(&self) -> &'static [(usize, usize)] {
        &[(0, 0), (1, 0)]
    }
}

impl ActivationBackward {
    fn run<T: Float>(&self, io: &mut Io) -> OpResult {
        let one = <T::Compute as One>::one();
        match self.act_type {
            Act::Relu => each::<T>(io, |y| if y > Zero::zero() { one } else { y }),
            Act::Sigmoid => each::<T>(io, |y| y * (one - y)),
            Act::Softrelu => each::<T>(io, |y| -(-y).exp_m1()),
            Act::Softsign => each::<T>(io, |x| (one + x.abs()).powi(-2)),
            Act::Tanh => each::<T>(io, |y| one - y * y),
        }
    }
}

/// Output gradient times `slope` of the forward value.
fn each<T: Float>(io: &mut Io, slope: impl Fn(T::Compute) -> T::Compute + Sync) -> OpResult {
    let (ograd, value) = (operand::<T>(io, 0, 0)?, operand::<T>(io, 1, 0)?);
    let out = io.outputs[0].slice_mut::<T>()?;
    binary(ograd, value, out, |g, v| T::narrow(g.widen() * slope(v.widen())));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::tests::{assert_close, check_gradient, run, run_with, t32};
    use rsym_tensor::Tensor;

    const ALL: [Act; 5] = [Act::Relu, Act::Sigmoid, Act::Softrelu, Act::Softsign, Act::Tanh];

    #[test]
    fn values_are_those_of_the_formulas() {
        let x = t32([3], &[-2.0, 0.0, 1.0]);
        let of = |act_type| run(&Activation { act_type }, std::slice::from_ref(&x)).remove(0);
        assert_close(&of(Act::Relu), &[0.0, 0.0, 1.0]);
        assert_close(&of(Act::Sigmoid), &[0.119202922, 0.5, 0.731058579]);
        assert_close(&of(Act::Softrelu), &[0.126928011, std::f64::consts::LN_2, 1.313261688]);
        assert_close(&of(Act::Softsign), &[-2.0 / 3.0, 0.0, 0.5]);
        assert_close(&of(Act::Tanh), &[-0.96402758, 0.0, 0.761594156]);
    }

    #[test]
    fn gradients_agree_with_differences() {
        ALL.iter().for_each(|&act_type| check_gradient(&Activation { act_type }, &[[2, 5].into()], DType::Float64));
    }

    #[test]
    fn works_in_place_and_in_half_precision() {
        let x = t32([2], &[-1.0, 2.0]).cast(DType::Float16).unwrap();
        let mut outputs = [x.clone()];
        let op = Activation { act_type: Act::Relu };
        op.forward(&mut Io { inputs: &[x], outputs: &mut outputs }, &Ctx::default()).unwrap();
        assert_eq!(outputs[0].to_f64_vec(), [0.0, 2.0]);
    }

    #[test]
    fn whole_numbers_are_refused() {
        let x = Tensor::zeros([2], DType::Int32).unwrap();
        let error = run_with(&Activation { act_type: Act::Tanh }, &[x], &Ctx::default()).unwrap_err();
        assert!(error.to_string().contains("int32 is not supported"), "{error}");
    }
}
