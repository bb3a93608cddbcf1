//! Gradients of the functions of two operands.

use super::apply::{Arg, Slope2, functions, point, point_with, slope2};
use super::broadcast::{BroadcastDiv, BroadcastMul};
use super::broadcast_to::ReduceLike;
use super::elemwise::{ElemwiseDiv, ElemwiseMul};
use super::formula::{Formula, second};
use super::unary::Negative;
use rsym_graph::*;
use rsym_kernels::fused::Op;
use rsym_kernels::real::Real;

enum_param! {
    /// A partial derivative.
    pub enum Partial {
        /// Of `a / b` by `b`.
        DivRhs = "div_rhs",
        /// Of `a mod b` by `a`; zero for integers.
        ModLhs = "mod_lhs",
        /// Of `a mod b` by `b`; zero for integers.
        ModRhs = "mod_rhs",
        /// Of `a ** b` by `a`.
        PowerLhs = "power_lhs",
        /// Of `a ** b` by `b`.
        PowerRhs = "power_rhs",
        /// Of `hypot(a, b)` by `a`.
        HypotLhs = "hypot_lhs",
        /// Of `hypot(a, b)` by `b`.
        HypotRhs = "hypot_rhs",
        /// Of `max(a, b)` by `a`.
        MaximumLhs = "maximum_lhs",
        /// Of `max(a, b)` by `b`.
        MaximumRhs = "maximum_rhs",
        /// Of `min(a, b)` by `a`.
        MinimumLhs = "minimum_lhs",
        /// Of `min(a, b)` by `b`.
        MinimumRhs = "minimum_rhs",
    }
}

functions! { Slope2, (head, a, b), F: Real,
    DivRhs (DivGrad) = -head * a / (b * b);
    ModLhs = { let _ = (a, b); head };
    ModRhs = -head * (a / b).floor();
    PowerLhs = head * b * a.powf(b - F::one());
    PowerRhs = head * a.powf(b) * a.ln();
    HypotLhs = head * a / a.hypot(b);
    HypotRhs = head * b / a.hypot(b);
    MaximumLhs (MaxGradLeft) = if a >= b { head } else { F::zero() };
    MaximumRhs (MaxGradRight) = if a < b { head } else { F::zero() };
    MinimumLhs (MinGradLeft) = if a <= b { head } else { F::zero() };
    MinimumRhs (MinGradRight) = if a > b { head } else { F::zero() };
}

impl Partial {
    /// The vector form, of the arriving gradient and both operands.
    fn single(self) -> Option<Op> {
        match self {
            Partial::DivRhs => Some(Op::DivGrad),
            Partial::MaximumLhs => Some(Op::MaxGradLeft),
            Partial::MaximumRhs => Some(Op::MaxGradRight),
            Partial::MinimumLhs => Some(Op::MinGradLeft),
            Partial::MinimumRhs => Some(Op::MinGradRight),
            _ => None,
        }
    }

    fn run(self, args: [Arg; 3], out: &mut rsym_tensor::Tensor) -> OpResult {
        match self {
            Partial::DivRhs => slope2::<DivRhs>(args, out),
            // Steps everywhere, and no number at all for a divisor of 0.
            Partial::ModLhs | Partial::ModRhs if !out.dtype().is_float() => {
                out.fill(0.0);
                Ok(())
            }
            Partial::ModLhs => slope2::<ModLhs>(args, out),
            Partial::ModRhs => slope2::<ModRhs>(args, out),
            Partial::PowerLhs => slope2::<PowerLhs>(args, out),
            Partial::PowerRhs => slope2::<PowerRhs>(args, out),
            Partial::HypotLhs => slope2::<HypotLhs>(args, out),
            Partial::HypotRhs => slope2::<HypotRhs>(args, out),
            Partial::MaximumLhs => slope2::<MaximumLhs>(args, out),
            Partial::MaximumRhs => slope2::<MaximumRhs>(args, out),
            Partial::MinimumLhs => slope2::<MinimumLhs>(args, out),
            Partial::MinimumRhs => slope2::<MinimumRhs>(args, out),
        }
    }
}

impl Partial {
    /// The derivatives of this one by `a` and by `b`; `None` where they are zero.
    fn derivatives(self, a: Formula, b: Formula) -> [Option<Formula>; 2] {
        let (a, b) = (|| a.clone(), || b.clone());
        match self {
            Partial::DivRhs => [Some(-1.0 / (b() * b())), Some(a() * 2.0 / (b() * b() * b()))],
            Partial::PowerLhs => [
                Some(b() * (b() - 1.0) * a().power(b() - 2.0)),
                Some(a().power(b() - 1.0) * (b() * a().ln() + 1.0)),
            ],
            Partial::PowerRhs => [
                Some(a().power(b() - 1.0) * (b() * a().ln() + 1.0)),
                Some(a().power(b()) * a().ln() * a().ln()),
            ],
            Partial::HypotLhs => [Some(b() * b() * cube(a(), b())), Some(-(a() * b() * cube(a(), b())))],
            Partial::HypotRhs => [Some(-(a() * b() * cube(a(), b()))), Some(a() * a() * cube(a(), b()))],
            Partial::ModLhs
            | Partial::ModRhs
            | Partial::MaximumLhs
            | Partial::MaximumRhs
            | Partial::MinimumLhs
            | Partial::MinimumRhs => [None, None],
        }
    }
}

/// `1 / hypot(a, b)³`
fn cube(a: Formula, b: Formula) -> Formula {
    (a.clone() * a + b.clone() * b).powf(-1.5)
}

operator! {
    /// A partial derivative of a function of two operands times the arriving gradient.
    #[hidden(true)]
    pub struct BinaryGrad("_backward_binary") {
        inputs { ograd: "Gradient of the output.", lhs: "Broadcasts to ograd.", rhs: "Broadcasts to ograd." }
        params {
            /// Which derivative.
            partial: Partial,
        }
    }
}

operator! {
    /// A partial derivative of a function of a tensor and a number times the arriving gradient.
    #[hidden(true)]
    pub struct ScalarGrad("_backward_scalar") {
        inputs { ograd: "Gradient of the output.", data: "The tensor." }
        params {
            /// Which derivative; its side is that of the tensor.
            partial: Partial,
            /// The number, on the other side.
            scalar: f64,
        }
    }
}

impl Operator for BinaryGrad {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.unify([Port::Input(0), Port::Output(0)])
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let args = [Arg::input(io, 0), Arg::input(io, 1), Arg::input(io, 2)];
        self.partial.run(args, &mut io.outputs[0])
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let (head, ograd, lhs, rhs) = (g.head(0)?, g.input(0), g.input(1), g.input(2));
        if g.needs(0) {
            let gradient = g.apply(self.clone(), &[head.clone(), lhs.clone(), rhs.clone()]);
            g.set(0, gradient);
        }
        let found = self.partial.derivatives(lhs.clone().into(), rhs.clone().into());
        for (i, (slope, like)) in found.into_iter().zip([lhs, rhs]).enumerate() {
            let product = |slope| Formula::from(head.clone()) * Formula::from(ograd.clone()) * slope;
            if g.needs(i + 1)
                && let Some(gradient) = slope.map(product).and_then(|formula| formula.write(g))
            {
                let gradient = g.apply(ReduceLike {}, &[gradient, like]);
                g.set(i + 1, gradient);
            }
        }
        Ok(())
    }

    fn pointwise(&self) -> Option<Pointwise> {
        point(self.partial.single(), 3)
    }

    fn inplace(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }
}

impl Operator for ScalarGrad {
    fn infer_shape(&self, io: &mut ShapeIo) -> OpResult {
        io.same()
    }

    fn forward(&self, io: &mut Io, _: &Ctx) -> OpResult {
        let (head, data, scalar) = (Arg::input(io, 0), Arg::input(io, 1), Arg::Scalar(self.scalar));
        let by_lhs = self.partial.text().ends_with("lhs");
        let args = if by_lhs { [head, data, scalar] } else { [head, scalar, data] };
        self.partial.run(args, &mut io.outputs[0])
    }

    fn gradient(&self, g: &mut Grad) -> GraphResult {
        let by_lhs = self.partial.text().ends_with("lhs");
        second(g, self.clone(), |data| {
            let scalar = Formula::Number(self.scalar);
            let (a, b) = if by_lhs { (data, scalar) } else { (scalar, data) };
            let [by_a, by_b] = self.partial.derivatives(a, b);
            if by_lhs { by_a } else { by_b }
        })
    }

    fn pointwise(&self) -> Option<Pointwise> {
        let (head, data, scalar) = (PointArg::Input(0), PointArg::Input(1), PointArg::Scalar(self.scalar));
        let by_lhs = self.partial.text().ends_with("lhs");
        let args = if by_lhs { [head, data, scalar] } else { [head, scalar, data] };
        point_with(self.partial.single(), &args)
    }

    fn inplace(&self) -> &'static [(usize, usize)] {
        &[(0, 0), (1, 0)]
    }
}

/// A rule: the gradient of input `i` from that of the output, before it is summed down to the shape of the input.
/// The flag says whether the operands are broadcast.
pub(super) type Rule = fn(&mut Grad, usize, Entry, bool) -> GraphResult<Entry>;

/// Applies `rule` to both inputs; with `broadcast` their gradients are summed down to their shapes.
pub(super) fn pull(g: &mut Grad, broadcast: bool, rule: Rule) -> GraphResult {
    let head = g.head(0)?;
    for i in 0..2 {
        if g.needs(i) {
            let gradient = rule(g, i, head.clone(), broadcast)?;
            let gradient = if broadcast { g.apply(ReduceLike {}, &[gradient, g.input(i)]) } else { gradient };
            g.set(i, gradient);
        }
    }
    Ok(())
}

pub(super) fn add(_: &mut Grad, _: usize, head: Entry, _: bool) -> GraphResult<Entry> {
    Ok(head)
}

pub(super) fn sub(g: &mut Grad, i: usize, head: Entry, _: bool) -> GraphResult<Entry> {
    Ok(if i == 0 { head } else { g.apply(Negative {}, &[head]) })
}

pub(super) fn mul(g: &mut Grad, i: usize, head: Entry, broadcast: bool) -> GraphResult<Entry> {
    let factors = [head, g.input(1 - i)];
    Ok(if broadcast { g.apply(BroadcastMul {}, &factors) } else { g.apply(ElemwiseMul {}, &factors) })
}

pub(super) fn modulo(g: &mut Grad, i: usize, head: Entry, _: bool) -> GraphResult<Entry> {
    by(g, [Partial::ModLhs, Partial::ModRhs][i], head)
}

pub(super) fn div(g: &mut Grad, i: usize, head: Entry, broadcast: bool) -> GraphResult<Entry> {
    if i == 1 {
        return by(g, Partial::DivRhs, head);
    }
    let operands = [head, g.input(1)];
    Ok(if broadcast { g.apply(BroadcastDiv {}, &operands) } else { g.apply(ElemwiseDiv {}, &operands) })
}

pub(super) fn power(g: &mut Grad, i: usize, head: Entry, _: bool) -> GraphResult<Entry> {
    by(g, [Partial::PowerLhs, Partial::PowerRhs][i], head)
}

pub(super) fn hypot(g: &mut Grad, i: usize, head: Entry, _: bool) -> GraphResult<Entry> {
    by(g, [Partial::HypotLhs, Partial::HypotRhs][i], head)
}

pub(super) fn maximum(g: &mut Grad, i: usize, head: Entry, _: bool) -> GraphResult<Entry> {
    by(g, [Partial::MaximumLhs, Partial::MaximumRhs][i], head)
}

pub(super) fn minimum(g: &mut Grad, i: usize, head: Entry, _: bool) -> GraphResult<Entry> {
    by(g, [Partial::MinimumLhs, Partial::MinimumRhs][i], head)
}

fn by(g: &mut Grad, partial: Partial, head: Entry) -> GraphResult<Entry> {
    let inputs = [head, g.input(0), g.input(1)];
    Ok(g.apply(BinaryGrad { partial }, &inputs))
}
