//! Runs scalar functions over tensors: the bridge from the operators to the elementwise kernels.
//!
//! The functions are compiled for every type that is computed in natively; half precision and, for real functions,
//! integers go through a function pointer to the `f32` or `f64` version.

use crate::support::unsupported;
use rsym_graph::{Io, OpResult, PointArg, Pointwise};
use rsym_kernels::broadcast::{broadcast, broadcast3};
use rsym_kernels::elementwise::{Operand, unary};
use rsym_kernels::fused::{self, Given, Op};
use rsym_kernels::number::{Number, c_cast};
use rsym_kernels::real::Real;
use rsym_tensor::{DType, Element, Tensor, bf16, dispatch_num, f16};

const NUMERIC: &str = "a float or integer type";

/// A function of one number of any type. Where it has a vector form in single precision, that is what runs, here and in
/// all traits that follow.
pub(crate) trait Exact: 'static {
    /// The vector form.
    const SINGLE: Option<Op> = None;
    /// Its value.
    fn of<T: Number>(x: T) -> T;
}

/// A function of one real number; on integers it computes in double precision and truncates.
pub(crate) trait Unary: 'static {
    /// The vector form.
    const SINGLE: Option<Op> = None;
    /// Its value.
    fn of<F: Real>(x: F) -> F;
}

/// A function of two numbers of any type.
pub(crate) trait Binary: 'static {
    /// The vector form.
    const SINGLE: Option<Op> = None;
    /// Its value.
    fn of<T: Number>(a: T, b: T) -> T;
}

/// A function of an arriving gradient and one value.
pub(crate) trait Slope: 'static {
    /// The vector form.
    const SINGLE: Option<Op> = None;
    /// The gradient that leaves.
    fn of<F: Real>(head: F, x: F) -> F;
}

/// A function of an arriving gradient and two values.
pub(crate) trait Slope2: 'static {
    /// The vector form.
    const SINGLE: Option<Op> = None;
    /// The gradient that leaves.
    fn of<F: Real>(head: F, a: F, b: F) -> F;
}

/// An operand: a tensor that may be the output itself, or one number.
#[derive(Clone, Copy)]
pub(crate) enum Arg<'a> {
    Tensor(&'a Tensor),
    Out(&'a Tensor),
    Scalar(f64),
}

impl<'a> Arg<'a> {
    /// Input `i`, recognised when it is output 0.
    pub(crate) fn input(io: &Io<'a>, i: usize) -> Arg<'a> {
        if io.is_inplace(i, 0) { Arg::Out(&io.inputs[i]) } else { Arg::Tensor(&io.inputs[i]) }
    }

    fn shape(&self) -> &'a [usize] {
        match self {
            Arg::Tensor(t) | Arg::Out(t) => t.shape(),
            Arg::Scalar(_) => &[],
        }
    }

    /// The operand for a kernel; `place` is where a scalar comes to lie.
    fn operand<'b, T: Element>(&self, place: &'b mut [T; 1]) -> OpResult<Operand<'b, T>>
    where
        'a: 'b,
    {
        Ok(match *self {
            Arg::Tensor(t) => Operand::Slice(t.slice()?),
            Arg::Out(_) => Operand::Out,
            Arg::Scalar(value) => {
                place[0] = c_cast(value);
                Operand::Slice(place)
            }
        })
    }
}

/// `out = op(args)` on vectors of single precision, each operand broadcast to the shape of the output.
pub(crate) fn single(op: Op, args: &[Arg], out: &mut Tensor) -> OpResult {
    let (dims, mut given) = (out.shape().clone(), [Given::Scalar(0.0); 3]);
    for (given, arg) in given.iter_mut().zip(args) {
        *given = match *arg {
            Arg::Tensor(t) => Given::Tensor(fused::Operand::Slice(t.slice()?), t.shape()),
            Arg::Out(t) => Given::Tensor(fused::Operand::Out(0), t.shape()),
            Arg::Scalar(value) => Given::Scalar(value as f32),
        };
    }
    fused::apply(op, &given[..args.len()], (out.slice_mut()?, &dims));
    Ok(())
}

/// The vector form of the first `inputs` inputs, for programs.
pub(crate) fn point(op: Option<Op>, inputs: usize) -> Option<Pointwise> {
    op.map(|op| Pointwise::of(op.number(), inputs))
}

/// The vector form of `args`, for programs.
pub(crate) fn point_with(op: Option<Op>, args: &[PointArg]) -> Option<Pointwise> {
    op.map(|op| Pointwise::with(op.number(), args))
}

/// The vector form to run for this output.
fn vector_form(op: Option<Op>, out: &Tensor) -> Option<Op> {
    op.filter(|_| out.dtype() == DType::Float32)
}

/// `out = F(input)`, exact on every numeric type.
pub(crate) fn exact<F: Exact>(io: &mut Io) -> OpResult {
    let x = Arg::input(io, 0);
    let out = &mut io.outputs[0];
    if let Some(op) = vector_form(F::SINGLE, out) {
        return single(op, &[x], out);
    }
    dispatch_num!(out.dtype(), T => unary(x.operand(&mut [T::default()])?, out.slice_mut::<T>()?, F::of::<T>),
        else return unsupported(DType::Bool, NUMERIC));
    Ok(())
}

/// `out = F(input)`
pub(crate) fn real<F: Unary>(io: &mut Io) -> OpResult {
    let x = Arg::input(io, 0);
    let out = &mut io.outputs[0];
    match vector_form(F::SINGLE, out) {
        Some(op) => single(op, &[x], out),
        None => real_with(x, out, F::of::<f32>, F::of::<f64>),
    }
}

/// `out = f(x)` for a function given in both precisions, for parameters that it captures.
pub(crate) fn real_with(
    x: Arg,
    out: &mut Tensor,
    f32_fn: impl Fn(f32) -> f32 + Sync,
    f64_fn: impl Fn(f64) -> f64 + Sync,
) -> OpResult {
    match out.dtype() {
        DType::Float32 => unary(x.operand(&mut [0.0])?, out.slice_mut::<f32>()?, f32_fn),
        DType::Float64 => unary(x.operand(&mut [0.0])?, out.slice_mut::<f64>()?, f64_fn),
        DType::Float16 => half1::<f16>(x, out, &f32_fn)?,
        DType::BFloat16 => half1::<bf16>(x, out, &f32_fn)?,
        DType::UInt8 => whole1::<u8>(x, out, &f64_fn)?,
        DType::Int8 => whole1::<i8>(x, out, &f64_fn)?,
        DType::Int32 => whole1::<i32>(x, out, &f64_fn)?,
        DType::Int64 => whole1::<i64>(x, out, &f64_fn)?,
        DType::Bool => return unsupported(DType::Bool, NUMERIC),
    }
    Ok(())
}

fn half1<T: Element<Compute = f32>>(x: Arg, out: &mut Tensor, f: &(dyn Fn(f32) -> f32 + Sync)) -> OpResult {
    unary(x.operand(&mut [T::default()])?, out.slice_mut::<T>()?, |x| T::narrow(f(x.widen())));
    Ok(())
}

fn whole1<T: Element>(x: Arg, out: &mut Tensor, f: &(dyn Fn(f64) -> f64 + Sync)) -> OpResult {
    unary(x.operand(&mut [T::default()])?, out.slice_mut::<T>()?, |x| c_cast(f(x.to_f64())));
    Ok(())
}

/// `out = F(lhs, rhs)`, each broadcast to the shape of the output.
pub(crate) fn binary<F: Binary>(lhs: Arg, rhs: Arg, out: &mut Tensor) -> OpResult {
    if let Some(op) = vector_form(F::SINGLE, out) {
        return single(op, &[lhs, rhs], out);
    }
    match out.dtype() {
        DType::Float32 => native2::<f32>(lhs, rhs, out, F::of::<f32>),
        DType::Float64 => native2::<f64>(lhs, rhs, out, F::of::<f64>),
        DType::Float16 => half2::<f16>(lhs, rhs, out, &F::of::<f32>),
        DType::BFloat16 => half2::<bf16>(lhs, rhs, out, &F::of::<f32>),
        DType::UInt8 => native2::<u8>(lhs, rhs, out, F::of::<u8>),
        DType::Int8 => native2::<i8>(lhs, rhs, out, F::of::<i8>),
        DType::Int32 => native2::<i32>(lhs, rhs, out, F::of::<i32>),
        DType::Int64 => native2::<i64>(lhs, rhs, out, F::of::<i64>),
        DType::Bool => unsupported(DType::Bool, NUMERIC),
    }
}

fn native2<T: Element>(lhs: Arg, rhs: Arg, out: &mut Tensor, f: impl Fn(T, T) -> T + Sync) -> OpResult {
    let (mut a, mut b, dims) = ([T::default()], [T::default()], out.shape().clone());
    let (x, y) = (lhs.operand(&mut a)?, rhs.operand(&mut b)?);
    broadcast((x, lhs.shape()), (y, rhs.shape()), (out.slice_mut::<T>()?, &dims), f);
    Ok(())
}

type Two<'a, F> = &'a (dyn Fn(F, F) -> F + Sync);

fn half2<T: Element<Compute = f32>>(lhs: Arg, rhs: Arg, out: &mut Tensor, f: Two<f32>) -> OpResult {
    native2::<T>(lhs, rhs, out, |a, b| T::narrow(f(a.widen(), b.widen())))
}

fn whole2<T: Element>(lhs: Arg, rhs: Arg, out: &mut Tensor, f: Two<f64>) -> OpResult {
    native2::<T>(lhs, rhs, out, |a, b| c_cast(f(a.to_f64(), b.to_f64())))
}

/// `out = F(head, x)`
pub(crate) fn slope<F: Slope>(io: &mut Io) -> OpResult {
    if let Some(op) = vector_form(F::SINGLE, &io.outputs[0]) {
        let args = [Arg::input(io, 0), Arg::input(io, 1)];
        return single(op, &args, &mut io.outputs[0]);
    }
    slope_with(io, F::of::<f32>, F::of::<f64>)
}

/// `out = f(head, x)` for a function given in both precisions, for parameters that it captures.
pub(crate) fn slope_with(
    io: &mut Io,
    f32_fn: impl Fn(f32, f32) -> f32 + Sync,
    f64_fn: impl Fn(f64, f64) -> f64 + Sync,
) -> OpResult {
    let (head, x) = (Arg::input(io, 0), Arg::input(io, 1));
    let out = &mut io.outputs[0];
    match out.dtype() {
        DType::Float32 => native2::<f32>(head, x, out, f32_fn),
        DType::Float64 => native2::<f64>(head, x, out, f64_fn),
        DType::Float16 => half2::<f16>(head, x, out, &f32_fn),
        DType::BFloat16 => half2::<bf16>(head, x, out, &f32_fn),
        DType::UInt8 => whole2::<u8>(head, x, out, &f64_fn),
        DType::Int8 => whole2::<i8>(head, x, out, &f64_fn),
        DType::Int32 => whole2::<i32>(head, x, out, &f64_fn),
        DType::Int64 => whole2::<i64>(head, x, out, &f64_fn),
        DType::Bool => unsupported(DType::Bool, NUMERIC),
    }
}

/// `out = F(head, a, b)`, each broadcast to the shape of the output.
pub(crate) fn slope2<F: Slope2>(args: [Arg; 3], out: &mut Tensor) -> OpResult {
    if let Some(op) = vector_form(F::SINGLE, out) {
        return single(op, &args, out);
    }
    match out.dtype() {
        DType::Float32 => native3::<f32>(args, out, F::of::<f32>),
        DType::Float64 => native3::<f64>(args, out, F::of::<f64>),
        DType::Float16 => half3::<f16>(args, out, F::of::<f32>),
        DType::BFloat16 => half3::<bf16>(args, out, F::of::<f32>),
        DType::UInt8 => whole3::<u8>(args, out, F::of::<f64>),
        DType::Int8 => whole3::<i8>(args, out, F::of::<f64>),
        DType::Int32 => whole3::<i32>(args, out, F::of::<f64>),
        DType::Int64 => whole3::<i64>(args, out, F::of::<f64>),
        DType::Bool => unsupported(DType::Bool, NUMERIC),
    }
}

fn native3<T: Element>(args: [Arg; 3], out: &mut Tensor, f: impl Fn(T, T, T) -> T + Sync) -> OpResult {
    let (mut places, dims) = ([[T::default()]; 3], out.shape().clone());
    let [a, b, c] = &mut places;
    let (x, y, z) = (args[0].operand(a)?, args[1].operand(b)?, args[2].operand(c)?);
    let operands = [(x, args[0].shape()), (y, args[1].shape()), (z, args[2].shape())];
    broadcast3(operands, (out.slice_mut::<T>()?, &dims), f);
    Ok(())
}

fn half3<T: Element<Compute = f32>>(args: [Arg; 3], out: &mut Tensor, f: fn(f32, f32, f32) -> f32) -> OpResult {
    native3::<T>(args, out, |a, b, c| T::narrow(f(a.widen(), b.widen(), c.widen())))
}

fn whole3<T: Element>(args: [Arg; 3], out: &mut Tensor, f: fn(f64, f64, f64) -> f64) -> OpResult {
    native3::<T>(args, out, |a, b, c| c_cast(f(a.to_f64(), b.to_f64(), c.to_f64())))
}

/// The vector form of that name, if one is given.
macro_rules! vector {
    () => {
        None
    };
    ($op:ident) => {
        Some(rsym_kernels::fused::Op::$op)
    };
}
pub(crate) use vector;

/// Declares functions of several numbers, as implementations of a trait, some with a vector form.
macro_rules! functions {
    ($trait:ident, $args:tt, $T:ident: $bound:path, $($name:ident $(($op:ident))? = $body:expr;)*) => {
        $(functions! { @one $trait, $args, $T: $bound, $name ($($op)?) = $body })*
    };
    (@one $trait:ident, ($($arg:ident),*), $T:ident: $bound:path, $name:ident ($($op:ident)?) = $body:expr) => {
        pub(crate) struct $name;
        impl $trait for $name {
            const SINGLE: Option<rsym_kernels::fused::Op> = $crate::math::apply::vector!($($op)?);
            #[inline(always)]
            fn of<$T: $bound>($($arg: $T),*) -> $T {
                $body
            }
        }
    };
}
pub(crate) use functions;

functions! { Binary, (a, b), T: Number,
    Plus (Add) = a.plus(b);
    Minus (Sub) = a.minus(b);
    Times (Mul) = a.times(b);
    Over (Div) = a.over(b);
    Modulo (Mod) = a.modulo(b);
    Power (Power) = a.power(b);
    Hypot (Hypot) = a.hypot(b);
    Larger (Max) = a.larger(b);
    Smaller (Min) = a.smaller(b);
    Equal (Equal) = T::truth(a == b);
    NotEqual (NotEqual) = T::truth(a != b);
    Greater (Greater) = T::truth(a > b);
    GreaterEqual (GreaterEqual) = T::truth(a >= b);
    Lesser (Less) = T::truth(a < b);
    LesserEqual (LessEqual) = T::truth(a <= b);
    And (And) = T::truth(a.is_true() && b.is_true());
    Or (Or) = T::truth(a.is_true() || b.is_true());
    SquaredDifference (SquaredDifference) = { let d = a.minus(b); d.times(d) };
    Xor (Xor) = T::truth(a.is_true() != b.is_true());
}
