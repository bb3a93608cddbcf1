//! One function over one tile: the loops that the vector units run.

use super::op::{Kind, Op};
use crate::math::{SELU_ALPHA, SELU_LAMBDA};
use crate::simd::functions as f;
use crate::simd::{Lanes, Tier, tiered};
use std::f64::consts::FRAC_2_SQRT_PI;

/// The numbers of a vector.
pub(super) const WIDTH: usize = 16;

/// Where an operand is read: `step` is [`WIDTH`], or 0 for one vector that serves the whole tile.
#[derive(Clone, Copy)]
pub(super) struct Source {
    pub(super) at: *const f32,
    pub(super) step: usize,
}

impl Source {
    pub(super) const NONE: Source = Source { at: std::ptr::null(), step: 0 };
}

/// A walk over a tile, the last numbers of which may be fewer than a vector has: these are computed in buffers.
struct Walk {
    args: [Source; 3],
    out: *mut f32,
    vectors: usize,
    rest: usize,
    buffers: [[f32; WIDTH]; 4],
}

impl Walk {
    #[inline(always)]
    fn new(n: usize, args: [Source; 3], out: *mut f32) -> Walk {
        Walk { args, out, vectors: n / WIDTH, rest: n % WIDTH, buffers: [[0.0; WIDTH]; 4] }
    }

    /// Goes on to the rest; false when there is none.
    ///
    /// # Safety
    /// The operands and the output must be as long as the walk.
    #[inline(never)]
    unsafe fn go_on(&mut self) -> bool {
        if self.rest == 0 {
            return false;
        }
        let done = self.vectors * WIDTH;
        // SAFETY: the caller's contract; buffers have 16 elements, `rest` is less.
        unsafe {
            for (arg, buffer) in self.args.iter_mut().zip(&mut self.buffers) {
                if arg.step > 0 {
                    std::ptr::copy_nonoverlapping(arg.at.add(done), buffer.as_mut_ptr(), self.rest);
                    arg.at = buffer.as_ptr();
                }
            }
            self.out = self.out.add(done);
        }
        self.vectors = 1;
        true
    }

    /// Brings the rest from its buffer to the output.
    ///
    /// # Safety
    /// As `go_on`, which must have returned true.
    unsafe fn finish(&mut self) {
        // SAFETY: the caller's contract.
        unsafe { std::ptr::copy_nonoverlapping(self.buffers[3].as_ptr(), self.out, self.rest) };
    }
}

/// `out = function(operands)` for `n` elements. An operand may be the output.
///
/// # Safety
/// The operands that the function has must be good for `n` reads, or 16 where their step is 0; `out` for `n` writes.
pub(super) unsafe fn run(tier: Tier, op: Op, n: usize, args: [Source; 3], out: *mut f32) {
    // SAFETY: the caller's contract.
    unsafe {
        match op.kind() {
            Kind::Vector => vectors(tier, op, n, args, out),
            Kind::One(f) => (0..n).for_each(|i| *out.add(i) = f(number(args[0], i))),
            Kind::Two(f) => (0..n).for_each(|i| *out.add(i) = f(number(args[0], i), number(args[1], i))),
        }
    }
}

/// # Safety
/// The operand must reach to element `i`.
unsafe fn number(arg: Source, i: usize) -> f32 {
    // SAFETY: the caller's contract.
    unsafe { if arg.step == 0 { *arg.at } else { *arg.at.add(i) } }
}

/// Runs `$value` for every vector of the walk, the operands loaded as `$a`, `$b` and `$c`.
macro_rules! each {
    ($walk:ident, |$a:ident $(, $b:ident $(, $c:ident)?)?| $value:expr) => {{
        let mut rest = false;
        loop {
            let (vectors, [a, _b, _c], out) = ($walk.vectors, $walk.args, $walk.out);
            let out = if rest { $walk.buffers[3].as_mut_ptr() } else { out };
            for i in 0..vectors {
                let $a = V::load(a.at.add(i * a.step));
                $(let $b = V::load(_b.at.add(i * _b.step));
                $(let $c = V::load(_c.at.add(i * _c.step));)?)?
                V::store($value, out.add(i * WIDTH));
            }
            if rest {
                break $walk.finish();
            }
            rest = $walk.go_on();
            if !rest {
                break;
            }
        }
    }};
}

tiered! {
    unsafe fn vectors<V>(op: Op, n: usize, args: [Source; 3], out: *mut f32) {
        let mut walk = Walk::new(n, args, out);
        let (zero, one, half) = (V::zero(), V::splat(1.0), V::splat(0.5));
        match op {
            Op::Copy => each!(walk, |x| x),
            Op::Negative => each!(walk, |x| x.mul(V::splat(-1.0))),
            Op::Abs => each!(walk, |x| x.abs()),
            Op::Sign => each!(walk, |x| sign(x)),
            Op::Square => each!(walk, |x| x.mul(x)),
            Op::Not => each!(walk, |x| x.if_equal(zero, one, zero)),
            Op::Relu => each!(walk, |x| f::relu(x)),
            Op::Round => each!(walk, |x| {
                let whole = x.abs().floor();
                x.abs().sub(whole).if_less(half, whole, whole.add(one)).with_sign_of(x)
            }),
            Op::Rint => each!(walk, |x| {
                let (below, above) = (x.floor(), ceil(x));
                let (down, up) = (x.sub(below), above.sub(x));
                down.if_less(up, below, down.if_equal(up, below, above))
            }),
            Op::Ceil => each!(walk, |x| ceil(x)),
            Op::Floor => each!(walk, |x| x.floor()),
            Op::Trunc => each!(walk, |x| x.abs().floor().with_sign_of(x)),
            Op::Sqrt => each!(walk, |x| x.sqrt()),
            Op::Rsqrt => each!(walk, |x| one.div(x.sqrt())),
            Op::Reciprocal => each!(walk, |x| one.div(x)),
            Op::Exp => each!(walk, |x| f::exp(x)),
            Op::Expm1 => each!(walk, |x| f::exp_m1(x)),
            Op::Log => each!(walk, |x| f::log(x)),
            Op::Log1p => each!(walk, |x| f::log_1p(x)),
            Op::Sigmoid => each!(walk, |x| f::sigmoid(x)),
            Op::LogSigmoid => each!(walk, |x| f::softrelu(x.mul(V::splat(-1.0))).mul(V::splat(-1.0))),
            Op::Tanh => each!(walk, |x| f::tanh(x)),
            Op::Softsign => each!(walk, |x| x.div(one.add(x.abs()))),
            Op::Softrelu => each!(walk, |x| f::softrelu(x)),
            Op::Mish => each!(walk, |x| f::mish(x)),
            Op::Erf => each!(walk, |x| f::erf(x)),
            Op::Gelu => each!(walk, |x| f::gelu(x)),
            Op::Selu => each!(walk, |x| {
                let negative = V::splat(SELU_ALPHA as f32).mul(f::exp_m1(x));
                V::splat(SELU_LAMBDA as f32).mul(zero.if_less(x, x, negative))
            }),

            Op::Add => each!(walk, |a, b| a.add(b)),
            Op::Sub => each!(walk, |a, b| a.sub(b)),
            Op::Mul => each!(walk, |a, b| a.mul(b)),
            Op::Div => each!(walk, |a, b| a.div(b)),
            Op::Max => each!(walk, |a, b| b.if_nan(b, b.max(a))),
            Op::Min => each!(walk, |a, b| b.if_nan(b, b.min(a))),
            Op::Equal => each!(walk, |a, b| a.if_equal(b, one, zero)),
            Op::NotEqual => each!(walk, |a, b| a.if_equal(b, zero, one)),
            Op::Greater => each!(walk, |a, b| b.if_less(a, one, zero)),
            Op::GreaterEqual => each!(walk, |a, b| b.if_less(a, one, a.if_equal(b, one, zero))),
            Op::Less => each!(walk, |a, b| a.if_less(b, one, zero)),
            Op::LessEqual => each!(walk, |a, b| a.if_less(b, one, a.if_equal(b, one, zero))),
            Op::And => each!(walk, |a, b| truth(a).mul(truth(b))),
            Op::Or => each!(walk, |a, b| truth(a).max(truth(b))),
            Op::Xor => each!(walk, |a, b| truth(a).if_equal(truth(b), zero, one)),
            Op::SquaredDifference => each!(walk, |a, b| a.sub(b).mul(a.sub(b))),
            Op::Leaky => each!(walk, |x, slope| zero.if_less(x, x, slope.mul(x))),
            Op::Elu => each!(walk, |x, slope| zero.if_less(x, x, slope.mul(f::exp_m1(x)))),
            Op::SmoothL1 => each!(walk, |x, sigma| {
                let square = sigma.mul(sigma);
                let inner = half.mul(x).mul(x).mul(square);
                x.abs().if_less(one.div(square), inner, x.abs().sub(half.div(square)))
            }),
            Op::AbsGrad => each!(walk, |g, x| g.mul(sign(x))),
            Op::SquareGrad => each!(walk, |g, x| g.mul(x.add(x))),
            Op::ReluGrad => each!(walk, |g, y| y.if_nan(y, zero.if_less(y, g, zero))),
            Op::ReluSlope => each!(walk, |g, y| g.mul(zero.if_less(y, one, y))),
            Op::SqrtGrad => each!(walk, |g, y| g.mul(half).div(y)),
            Op::RsqrtGrad => each!(walk, |g, y| g.mul(V::splat(-0.5)).mul(y).mul(y).mul(y)),
            Op::ReciprocalGrad => each!(walk, |g, y| g.mul(V::splat(-1.0)).mul(y).mul(y)),
            Op::Expm1Grad => each!(walk, |g, x| g.mul(f::exp(x))),
            Op::Log1pGrad => each!(walk, |g, x| g.div(one.add(x))),
            Op::SigmoidGrad => each!(walk, |g, y| g.mul(y.mul(one.sub(y)))),
            Op::TanhGrad => each!(walk, |g, y| g.mul(one.sub(y.mul(y)))),
            Op::SoftsignGrad => each!(walk, |g, x| g.div(one.add(x.abs()).mul(one.add(x.abs())))),
            Op::SoftreluGrad => each!(walk, |g, y| g.mul(zero.sub(f::exp_m1(zero.sub(y))))),
            Op::ErfGrad => each!(walk, |g, x| g.mul(V::splat(FRAC_2_SQRT_PI as f32)).mul(f::exp(zero.sub(x.mul(x))))),
            Op::GeluGrad => each!(walk, |g, x| g.mul(f::gelu_slope(x))),

            Op::Where => each!(walk, |c, a, b| c.if_equal(zero, b, a)),
            Op::Clip => each!(walk, |x, low, high| high.if_less(x, high, x.if_less(low, low, x))),
            Op::HardSigmoid => each!(walk, |x, alpha, beta| {
                let line = alpha.mul(x).add(beta);
                one.if_less(line, one, line.if_less(zero, zero, line))
            }),
            Op::MulAdd => each!(walk, |a, b, c| a.mul(b).add(c)),
            Op::DivGrad => each!(walk, |g, a, b| g.mul(V::splat(-1.0)).mul(a).div(b.mul(b))),
            Op::MaxGradLeft => each!(walk, |g, a, b| b.if_less(a, g, a.if_equal(b, g, zero))),
            Op::MaxGradRight => each!(walk, |g, a, b| a.if_less(b, g, zero)),
            Op::MinGradLeft => each!(walk, |g, a, b| a.if_less(b, g, a.if_equal(b, g, zero))),
            Op::MinGradRight => each!(walk, |g, a, b| b.if_less(a, g, zero)),
            Op::LeakyGrad => each!(walk, |g, v, slope| g.mul(zero.if_less(v, one, slope))),
            Op::EluGrad => each!(walk, |g, y, slope| g.mul(zero.if_less(y, one, y.add(slope)))),
            Op::EluSlope => each!(walk, |g, x, slope| g.mul(zero.if_less(x, one, slope.mul(f::exp(x))))),
            Op::SmoothL1Grad => each!(walk, |g, x, sigma| {
                let square = sigma.mul(sigma);
                g.mul(one.div(square).if_less(x.abs(), sign(x), square.mul(x)))
            }),
            Op::HardSigmoidGrad => each!(walk, |g, y, alpha| {
                let below = y.if_less(one, alpha.mul(g), zero);
                zero.if_less(y, below, zero)
            }),
            // The functions that are computed number by number.
            _ => unreachable!("no vector function: {op:?}"),
        }
    }
}

#[inline(always)]
fn sign<V: Lanes>(x: V) -> V {
    V::zero().if_less(x, V::splat(1.0), x.if_less(V::zero(), V::splat(-1.0), V::zero()))
}

#[inline(always)]
fn ceil<V: Lanes>(x: V) -> V {
    x.mul(V::splat(-1.0)).floor().mul(V::splat(-1.0))
}

#[inline(always)]
fn truth<V: Lanes>(x: V) -> V {
    x.if_equal(V::zero(), V::zero(), V::splat(1.0))
}
