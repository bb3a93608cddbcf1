//! Functions that round as their formulas say: every bit is that of the formula.

use super::*;
use crate::math;
use crate::number::Number;

/// Pairs and triples of these meet all borders.
const VALUES: [f32; 15] =
    [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.5, -2.5, 0.3, -7.25, 1e-40, -3e38, f32::INFINITY, f32::NEG_INFINITY, f32::NAN];

type Twin = fn(f32, f32, f32) -> f32;

fn truth(b: bool) -> f32 {
    b as u8 as f32
}

/// The functions as formulas over scalars.
fn twins() -> Vec<(Op, Twin)> {
    vec![
        (Op::Copy, |x, _, _| x),
        (Op::Negative, |x, _, _| -x),
        (Op::Abs, |x, _, _| x.abs()),
        (Op::Sign, |x, _, _| x.sign()),
        (Op::Square, |x, _, _| x * x),
        (Op::Not, |x, _, _| truth(x == 0.0)),
        (Op::Relu, |x, _, _| math::relu(x)),
        (Op::Round, |x, _, _| x.round()),
        (Op::Rint, |x, _, _| math::rint(x)),
        (Op::Ceil, |x, _, _| x.ceil()),
        (Op::Floor, |x, _, _| x.floor()),
        (Op::Trunc, |x, _, _| x.trunc()),
        (Op::Sqrt, |x, _, _| x.sqrt()),
        (Op::Rsqrt, |x, _, _| math::rsqrt(x)),
        (Op::Reciprocal, |x, _, _| x.recip()),
        (Op::Softsign, |x, _, _| math::softsign(x)),
        (Op::Log2, |x, _, _| x.log2()),
        (Op::Log10, |x, _, _| x.log10()),
        (Op::Cbrt, |x, _, _| x.cbrt()),
        (Op::Rcbrt, |x, _, _| math::rcbrt(x)),
        (Op::Sin, |x, _, _| x.sin()),
        (Op::Cos, |x, _, _| x.cos()),
        (Op::Tan, |x, _, _| x.tan()),
        (Op::Arcsin, |x, _, _| x.asin()),
        (Op::Arccos, |x, _, _| x.acos()),
        (Op::Arctan, |x, _, _| x.atan()),
        (Op::Sinh, |x, _, _| x.sinh()),
        (Op::Cosh, |x, _, _| x.cosh()),
        (Op::Arcsinh, |x, _, _| x.asinh()),
        (Op::Arccosh, |x, _, _| x.acosh()),
        (Op::Arctanh, |x, _, _| x.atanh()),
        (Op::Erfinv, |x, _, _| math::erfinv(x)),
        (Op::Gamma, |x, _, _| math::gamma(x)),
        (Op::Gammaln, |x, _, _| math::gammaln(x)),
        (Op::Digamma, |x, _, _| math::digamma(x)),
        (Op::Add, |a, b, _| a + b),
        (Op::Sub, |a, b, _| a - b),
        (Op::Mul, |a, b, _| a * b),
        (Op::Div, |a, b, _| a / b),
        (Op::Max, |a, b, _| a.larger(b)),
        (Op::Min, |a, b, _| a.smaller(b)),
        (Op::Equal, |a, b, _| truth(a == b)),
        (Op::NotEqual, |a, b, _| truth(a != b)),
        (Op::Greater, |a, b, _| truth(a > b)),
        (Op::GreaterEqual, |a, b, _| truth(a >= b)),
        (Op::Less, |a, b, _| truth(a < b)),
        (Op::LessEqual, |a, b, _| truth(a <= b)),
        (Op::And, |a, b, _| truth(a.is_true() && b.is_true())),
        (Op::Or, |a, b, _| truth(a.is_true() || b.is_true())),
        (Op::Xor, |a, b, _| truth(a.is_true() != b.is_true())),
        (Op::SquaredDifference, |a, b, _| (a - b) * (a - b)),
        (Op::Leaky, |x, s, _| math::leaky(x, s)),
        (Op::SmoothL1, |x, s, _| math::smooth_l1(x, s)),
        (Op::Mod, |a, b, _| a.modulo(b)),
        (Op::Power, |a, b, _| a.powf(b)),
        (Op::Hypot, |a, b, _| a.hypot(b)),
        (Op::AbsGrad, |g, x, _| g * x.sign()),
        (Op::SquareGrad, |g, x, _| g * (x + x)),
        (Op::ReluGrad, |g, y, _| {
            if y.is_nan() {
                y
            } else if y > 0.0 {
                g
            } else {
                0.0
            }
        }),
        (Op::ReluSlope, |g, y, _| g * if y > 0.0 { 1.0 } else { y }),
        (Op::SqrtGrad, |g, y, _| g * 0.5 / y),
        (Op::RsqrtGrad, |g, y, _| g * -0.5 * y * y * y),
        (Op::ReciprocalGrad, |g, y, _| -g * y * y),
        (Op::Log1pGrad, |g, x, _| g / (1.0 + x)),
        (Op::SigmoidGrad, |g, y, _| g * (y * (1.0 - y))),
        (Op::TanhGrad, |g, y, _| g * (1.0 - y * y)),
        (Op::SoftsignGrad, |g, x, _| g / ((1.0 + x.abs()) * (1.0 + x.abs()))),
        (Op::Where, |c, a, b| if c != 0.0 { a } else { b }),
        (Op::Clip, |x, low, high| math::clip(x, low, high)),
        (Op::HardSigmoid, |x, a, b| math::hard_sigmoid(x, a, b)),
        (Op::MulAdd, |a, b, c| a * b + c),
        (Op::DivGrad, |g, a, b| -g * a / (b * b)),
        (Op::MaxGradLeft, |g, a, b| if a >= b { g } else { 0.0 }),
        (Op::MaxGradRight, |g, a, b| if a < b { g } else { 0.0 }),
        (Op::MinGradLeft, |g, a, b| if a <= b { g } else { 0.0 }),
        (Op::MinGradRight, |g, a, b| if a > b { g } else { 0.0 }),
        (Op::LeakyGrad, |g, v, s| g * if v > 0.0 { 1.0 } else { s }),
        (Op::EluGrad, |g, y, s| g * if y > 0.0 { 1.0 } else { y + s }),
        (Op::SmoothL1Grad, |g, x, s| g * math::smooth_l1_slope(x, s)),
        (Op::HardSigmoidGrad, |g, y, a| if y > 0.0 && y < 1.0 { a * g } else { 0.0 }),
    ]
}

/// The functions that [`super::accuracy`] tests.
const ROUNDED: [Op; 16] = [
    Op::Exp,
    Op::Expm1,
    Op::Log,
    Op::Log1p,
    Op::Sigmoid,
    Op::LogSigmoid,
    Op::Tanh,
    Op::Softrelu,
    Op::Mish,
    Op::Erf,
    Op::Gelu,
    Op::Selu,
    Op::Elu,
    Op::Expm1Grad,
    Op::SoftreluGrad,
    Op::ErfGrad,
];

#[test]
fn every_function_is_tested() {
    let known: Vec<Op> = twins().iter().map(|t| t.0).chain(ROUNDED).chain([Op::GeluGrad, Op::EluSlope]).collect();
    Op::all().for_each(|op| assert!(known.contains(&op), "no test of {op:?}"));
}

#[test]
fn every_bit_is_that_of_the_formula() {
    for (op, twin) in twins() {
        let (mut args, mut want) = (vec![vec![]; op.arity()], vec![]);
        for a in VALUES {
            for b in VALUES.iter().take(if op.arity() > 1 { VALUES.len() } else { 1 }) {
                for c in VALUES.iter().take(if op.arity() > 2 { VALUES.len() } else { 1 }) {
                    args.iter_mut().zip([a, *b, *c]).for_each(|(list, v)| list.push(v));
                    want.push(twin(a, *b, *c));
                }
            }
        }
        on_every_tier(op, &args, |tier, got| {
            for (i, (got, want)) in got.iter().zip(&want).enumerate() {
                let same = got.to_bits() == want.to_bits() || got.is_nan() && want.is_nan();
                let at: Vec<f32> = args.iter().map(|x| x[i]).collect();
                assert!(same, "{op:?}{at:?} on {tier}: {got}, not {want}");
            }
        });
    }
}
