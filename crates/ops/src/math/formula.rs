//! Formulas over tensors, to be written into gradients as operators.

use super::broadcast::{BroadcastAdd, BroadcastDiv, BroadcastMul, BroadcastPower, BroadcastSub};
use super::elemwise::ElemwiseAdd;
use super::explog::{Exp, Log};
use super::scalar::{
    DivScalar, MinusScalar, MulScalar, PlusScalar, PowerScalar, RDivScalar, RMinusScalar, RPowerScalar,
};
use super::trigonometry::{Cos, Cosh, Sin, Sinh};
use super::unary::{Abs, Negative, Sign};
use rsym_graph::*;
use std::ops::{Add, Div, Mul, Neg, Sub};
use std::sync::Arc;

/// An expression of tensors that broadcast to each other, and of numbers.
#[derive(Clone)]
pub(crate) enum Formula {
    /// A number.
    Number(f64),
    /// A tensor.
    Value(Entry),
    /// An operator with one output, on formulas that are no numbers.
    Apply(OpRef, Vec<Formula>),
}

impl Formula {
    /// The operator `op` of this one.
    pub(crate) fn apply(self, op: impl Operator) -> Formula {
        Formula::Apply(Arc::new(op), vec![self])
    }

    /// A tensor with its value, or `None` if it is a number.
    pub(crate) fn write(self, g: &mut Grad) -> Option<Entry> {
        match self {
            Formula::Number(_) => None,
            Formula::Value(entry) => Some(entry),
            Formula::Apply(op, inputs) => {
                let inputs = inputs.into_iter().map(|i| i.write(g)).collect::<Option<Vec<Entry>>>()?;
                Some(g.apply_op(op, &inputs))
            }
        }
    }

    /// This to the power of `exponent`.
    pub(crate) fn power(self, exponent: Formula) -> Formula {
        combine(self, exponent, f64::powf, BroadcastPower {}, PowerScalar::by, RPowerScalar::by)
    }

    /// This to the power of a number.
    pub(crate) fn powf(self, exponent: f64) -> Formula {
        self.power(Formula::Number(exponent))
    }
}

macro_rules! functions {
    ($($function:ident $op:ident $number:expr;)*) => {
        impl Formula {
            $(
                /// The operator of this name.
                pub(crate) fn $function(self) -> Formula {
                    match self {
                        Formula::Number(x) => Formula::Number(($number)(x)),
                        formula => formula.apply($op {}),
                    }
                }
            )*
        }
    };
}

functions! {
    exp Exp f64::exp;
    ln Log f64::ln;
    sin Sin f64::sin;
    cos Cos f64::cos;
    sinh Sinh f64::sinh;
    cosh Cosh f64::cosh;
    abs Abs f64::abs;
    sign Sign f64::signum;
}

/// Two formulas combined: by `both`, or by `right` or `left` where the operand on that side is a number.
fn combine<R: Operator, L: Operator>(
    a: Formula,
    b: Formula,
    numbers: fn(f64, f64) -> f64,
    both: impl Operator,
    right: fn(f64) -> R,
    left: fn(f64) -> L,
) -> Formula {
    match (a, b) {
        (Formula::Number(a), Formula::Number(b)) => Formula::Number(numbers(a, b)),
        (a, Formula::Number(b)) => a.apply(right(b)),
        (Formula::Number(a), b) => b.apply(left(a)),
        (a, b) => Formula::Apply(Arc::new(both), vec![a, b]),
    }
}

macro_rules! arithmetic {
    ($($trait:ident $method:ident $both:ident $right:ident $left:ident;)*) => {$(
        impl $trait for Formula {
            type Output = Formula;

            fn $method(self, other: Formula) -> Formula {
                combine(self, other, $trait::$method, $both {}, $right::by, $left::by)
            }
        }

        impl $trait<f64> for Formula {
            type Output = Formula;

            fn $method(self, other: f64) -> Formula {
                $trait::$method(self, Formula::Number(other))
            }
        }

        impl $trait<Formula> for f64 {
            type Output = Formula;

            fn $method(self, other: Formula) -> Formula {
                $trait::$method(Formula::Number(self), other)
            }
        }
    )*};
}

arithmetic! {
    Add add BroadcastAdd PlusScalar PlusScalar;
    Sub sub BroadcastSub MinusScalar RMinusScalar;
    Mul mul BroadcastMul MulScalar MulScalar;
    Div div BroadcastDiv DivScalar RDivScalar;
}

impl Neg for Formula {
    type Output = Formula;

    fn neg(self) -> Formula {
        match self {
            Formula::Number(x) => Formula::Number(-x),
            formula => formula.apply(Negative {}),
        }
    }
}

impl From<Entry> for Formula {
    fn from(entry: Entry) -> Formula {
        Formula::Value(entry)
    }
}

/// Leaves the sum of `parts`, if there are any, as the gradient of input `i`.
pub(crate) fn set_sum(g: &mut Grad, i: usize, parts: Vec<Entry>) {
    let sum = parts.into_iter().reduce(|sum, part| g.apply(ElemwiseAdd {}, &[sum, part]));
    if let Some(sum) = sum {
        g.set(i, sum);
    }
}

/// The gradient of `op`, which multiplies its input 0 by a function of its input 1: `derivative` is that of the function,
/// `None` where it is zero.
pub(crate) fn second(
    g: &mut Grad,
    op: impl Operator,
    derivative: impl FnOnce(Formula) -> Option<Formula>,
) -> GraphResult {
    let (head, ograd, value) = (g.head(0)?, g.input(0), g.input(1));
    if g.needs(0) {
        let gradient = g.apply(op, &[head.clone(), value.clone()]);
        g.set(0, gradient);
    }
    if g.needs(1)
        && let Some(slope) = derivative(value.into())
        && let Some(gradient) = (Formula::from(head) * Formula::from(ograd) * slope).write(g)
    {
        g.set(1, gradient);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::support::tests::{check_gradient_at, sample};
    use rsym_graph::*;
    use rsym_tensor::{DType, Shape, Tensor};

    /// Checks the gradient of the hidden operator `name`: values between 0.2 and 0.8 for every input.
    fn check(name: &str, params: &[(&str, &str)], shapes: &[&[usize]]) {
        let inputs: Vec<Tensor> = shapes.iter().enumerate().map(|(i, s)| values(s, i as u64)).collect();
        check_with(name, params, &inputs);
    }

    fn values(shape: &[usize], seed: u64) -> Tensor {
        let raw = sample(&Shape::new(shape), DType::Float64, seed + 5).to_f64_vec();
        let values: Vec<f64> = raw.iter().map(|v| 0.5 + 0.3 * v).collect();
        Tensor::from_slice(Shape::new(shape), &values).unwrap()
    }

    fn check_with(name: &str, params: &[(&str, &str)], inputs: &[Tensor]) {
        #[derive(Clone, Debug)]
        struct Shared(OpRef);
        impl OpInfo for Shared {
            fn def(&self) -> &'static OpDef {
                self.0.def()
            }
            fn param_texts(&self) -> ParamTexts {
                self.0.param_texts()
            }
            fn as_any(&self) -> &dyn std::any::Any {
                self.0.as_any()
            }
        }
        impl Operator for Shared {
            fn inputs(&self) -> Names {
                self.0.inputs()
            }
            fn num_inputs(&self) -> usize {
                self.0.num_inputs()
            }
            fn num_outputs(&self) -> usize {
                self.0.num_outputs()
            }
            fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
                self.0.infer_shape(io)
            }
            fn infer_type(&self, io: &mut TypeIo) -> OpResult {
                self.0.infer_type(io)
            }
            fn forward(&self, io: &mut Io, ctx: &Ctx) -> OpResult {
                self.0.forward(io, ctx)
            }
            fn gradient(&self, grad: &mut Grad) -> GraphResult {
                self.0.gradient(grad)
            }
        }
        check_gradient_at(&Shared(crate::registry().make(name, params).unwrap()), inputs);
    }

    #[test]
    fn slopes_of_functions_have_gradients() {
        for name in
            "sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arctanh degrees radians abs square relu sqrt \
                     rsqrt cbrt rcbrt reciprocal exp expm1 log log10 log2 log1p sigmoid softsign erf erfinv"
                .split_whitespace()
        {
            check(&format!("_backward_{name}"), &[], &[&[3], &[3]]);
        }
        let beyond_one = Tensor::from_slice([3], &[1.2, 2.0, 5.0]).unwrap();
        check_with("_backward_arccosh", &[], &[values(&[3], 1), beyond_one]);
    }

    #[test]
    fn slopes_with_parameters_have_gradients() {
        for act in ["relu", "sigmoid", "softrelu", "softsign", "tanh"] {
            check("_backward_Activation", &[("act_type", act)], &[&[4], &[4]]);
        }
        for act in ["leaky", "elu"] {
            check("_backward_LeakyReLU", &[("act_type", act), ("slope", "0.25")], &[&[4], &[4]]);
        }
        check("_backward_clip", &[("a_min", "0.4"), ("a_max", "0.6")], &[&[8], &[8]]);
        check("_backward_hard_sigmoid", &[("alpha", "0.2")], &[&[8], &[8]]);
        check("_backward_smooth_l1", &[("scalar", "1.5")], &[&[8], &[8]]);
    }

    #[test]
    fn partial_derivatives_have_gradients() {
        for partial in ["div_rhs", "power_lhs", "power_rhs", "hypot_lhs", "hypot_rhs", "maximum_lhs", "minimum_rhs"] {
            check("_backward_binary", &[("partial", partial)], &[&[2, 3], &[3], &[2, 1]]);
            check("_backward_scalar", &[("partial", partial), ("scalar", "1.7")], &[&[3], &[3]]);
        }
    }

    #[test]
    fn gradients_of_products_have_gradients() {
        for (of, a, b) in [("True", "False", "True"), ("False", "True", "False")] {
            let params = [("of_lhs", of), ("transpose_a", a), ("transpose_b", b)];
            let (lhs, rhs): (&[usize], &[usize]) = if of == "True" { (&[2, 3], &[4, 3]) } else { (&[3, 2], &[3, 4]) };
            let (other, own) = if of == "True" { (rhs, lhs) } else { (lhs, rhs) };
            check("_backward_dot", &params, &[&[2, 4], other, own]);
        }
        for flags in [
            ["True", "True", "True"],
            ["True", "False", "False"],
            ["False", "True", "False"],
            ["False", "False", "True"],
        ] {
            let params = [("for_data", flags[0]), ("for_weight", flags[1]), ("for_bias", flags[2])];
            for (flatten, ograd) in [("True", &[2usize, 4][..]), ("False", &[2, 3, 4][..])] {
                let weight: &[usize] = if flatten == "True" { &[4, 15] } else { &[4, 5] };
                let all = [&params[..], &[("num_hidden", "4"), ("flatten", flatten)][..]].concat();
                check("_backward_FullyConnected", &all, &[ograd, &[2, 3, 5], weight]);
            }
        }
    }

    #[test]
    fn gradients_of_softmax_have_gradients() {
        for (log, negate) in [("False", "False"), ("False", "True"), ("True", "False")] {
            let params =
                [("axis", "1"), ("temperature", "1.5"), ("log", log), ("negate", negate), ("use_length", "False")];
            check("_backward_softmax", &params, &[&[2, 3], &[2, 3], &[2, 3]]);
        }
    }

    #[test]
    fn gradients_of_reductions_have_gradients() {
        for of in ["sum", "mean"] {
            check("_backward_reduce", &[("of", of), ("axis", "1")], &[&[2, 1, 2], &[2, 3, 2]]);
        }
        for of in ["nansum", "l1"] {
            check("_backward_reduce", &[("of", of), ("axis", "1")], &[&[2, 2], &[2, 3, 2], &[2, 2]]);
        }
    }

    #[test]
    fn gradients_that_move_elements_have_gradients() {
        check("_reduce_like", &[], &[&[2, 3, 4], &[3, 1]]);
        check("_backward_slice", &[("begin", "(1,)"), ("end", "(5,)"), ("step", "(2,)")], &[&[2, 3], &[6, 3]]);
        check("_backward_slice_axis", &[("axis", "1"), ("begin", "1"), ("end", "3")], &[&[2, 2], &[2, 4]]);
        check("_backward_slice_like", &[], &[&[2, 2], &[3, 4]]);
        check("_backward_Concat", &[("num_args", "2"), ("dim", "1")], &[&[2, 5], &[2, 2], &[2, 3]]);
        let at = Tensor::from_slice([3], &[1i32, 0, 1]).unwrap();
        check_with("_backward_take", &[("axis", "0")], &[values(&[3, 2], 1), values(&[4, 2], 2), at.clone()]);
        let dims = [("input_dim", "4"), ("output_dim", "2")];
        check_with("_backward_Embedding", &dims, &[values(&[3, 2], 1), at]);
        let places = Tensor::from_slice([2, 2], &[1i32, 0, 2, 1]).unwrap();
        check_with("_backward_gather_nd", &[], &[values(&[2], 1), values(&[3, 3], 2), places]);
        let condition = Tensor::from_slice([2, 2], &[1i32, 0, 0, 3]).unwrap();
        check_with("_backward_where", &[], &[values(&[2, 2], 1), condition]);
    }
}
