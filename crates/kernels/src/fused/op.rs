//! The functions that a program is made of.

/// A function of one, two or three numbers. The formulas are those of the operators, rounded after every step that is
/// written; `g` is an arriving gradient, and truth is 1 or 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Op {
    /// `x`
    Copy,
    /// `-x`
    Negative,
    /// `|x|`
    Abs,
    /// -1, 0 or 1; 0 for NaN.
    Sign,
    /// `x x`
    Square,
    /// Whether x is 0.
    Not,
    /// `max(x, 0)`; NaN stays.
    Relu,
    /// The nearest whole number, ties away from zero.
    Round,
    /// The nearest whole number, ties downwards.
    Rint,
    /// The whole number not below.
    Ceil,
    /// The whole number not above.
    Floor,
    /// The whole number towards zero.
    Trunc,
    /// The square root.
    Sqrt,
    /// `1 / sqrt(x)`
    Rsqrt,
    /// `1 / x`
    Reciprocal,
    /// `e^x`
    Exp,
    /// `e^x - 1`
    Expm1,
    /// The natural logarithm.
    Log,
    /// `log(1 + x)`
    Log1p,
    /// `1 / (1 + exp(-x))`
    Sigmoid,
    /// `log(sigmoid(x))`
    LogSigmoid,
    /// The hyperbolic tangent.
    Tanh,
    /// `x / (1 + |x|)`
    Softsign,
    /// `log(1 + exp(x))`
    Softrelu,
    /// `x tanh(softrelu(x))`
    Mish,
    /// The error function.
    Erf,
    /// `x Phi(x)`
    Gelu,
    /// The scaled exponential linear unit.
    Selu,
    /// The binary logarithm.
    Log2,
    /// The decimal logarithm.
    Log10,
    /// The cube root.
    Cbrt,
    /// `1 / cbrt(x)`
    Rcbrt,
    /// The sine.
    Sin,
    /// The cosine.
    Cos,
    /// The tangent.
    Tan,
    /// The inverse sine.
    Arcsin,
    /// The inverse cosine.
    Arccos,
    /// The inverse tangent.
    Arctan,
    /// The hyperbolic sine.
    Sinh,
    /// The hyperbolic cosine.
    Cosh,
    /// The inverse hyperbolic sine.
    Arcsinh,
    /// The inverse hyperbolic cosine.
    Arccosh,
    /// The inverse hyperbolic tangent.
    Arctanh,
    /// The inverse of the error function.
    Erfinv,
    /// The gamma function.
    Gamma,
    /// The logarithm of its absolute value.
    Gammaln,
    /// The derivative of that.
    Digamma,

    /// `a + b`
    Add,
    /// `a - b`
    Sub,
    /// `a b`
    Mul,
    /// `a / b`
    Div,
    /// The larger one, the first of equals; NaN if any is.
    Max,
    /// The smaller one, the first of equals; NaN if any is.
    Min,
    /// `a == b`
    Equal,
    /// `a != b`
    NotEqual,
    /// `a > b`
    Greater,
    /// `a >= b`
    GreaterEqual,
    /// `a < b`
    Less,
    /// `a <= b`
    LessEqual,
    /// Whether both differ from 0.
    And,
    /// Whether one differs from 0.
    Or,
    /// Whether exactly one differs from 0.
    Xor,
    /// `(a - b)^2`
    SquaredDifference,
    /// `x > 0 ? x : slope x` of (x, slope).
    Leaky,
    /// `x > 0 ? x : slope (exp(x) - 1)` of (x, slope).
    Elu,
    /// The Huber function of (x, sigma).
    SmoothL1,
    /// The remainder with the sign of the divisor.
    Mod,
    /// `a^b`
    Power,
    /// `sqrt(a^2 + b^2)`
    Hypot,
    /// `g sign(x)`
    AbsGrad,
    /// `g (x + x)`
    SquareGrad,
    /// g where the output y is positive, y where that is NaN, else 0.
    ReluGrad,
    /// `g (y > 0 ? 1 : y)` of the output y.
    ReluSlope,
    /// `g 0.5 / y` of the output y.
    SqrtGrad,
    /// `g (-0.5) y y y` of the output y.
    RsqrtGrad,
    /// `-g y y` of the output y.
    ReciprocalGrad,
    /// `g exp(x)`
    Expm1Grad,
    /// `g / (1 + x)`
    Log1pGrad,
    /// `g (y (1 - y))` of the output y.
    SigmoidGrad,
    /// `g (1 - y y)` of the output y.
    TanhGrad,
    /// `g / ((1 + |x|) (1 + |x|))`
    SoftsignGrad,
    /// `g (1 - exp(-y))` of the output y.
    SoftreluGrad,
    /// `g (2 / sqrt(pi)) exp(-x x)`
    ErfGrad,
    /// `g` times the derivative of `x Phi(x)`.
    GeluGrad,

    /// `c != 0 ? a : b` of (c, a, b).
    Where,
    /// x held between bounds, of (x, low, high): the upper one wins; NaN stays.
    Clip,
    /// `min(1, max(0, alpha x + beta))` of (x, alpha, beta).
    HardSigmoid,
    /// `a b + c`, rounded twice.
    MulAdd,
    /// `-g a / (b b)` of (g, a, b).
    DivGrad,
    /// `a >= b ? g : 0` of (g, a, b).
    MaxGradLeft,
    /// `a < b ? g : 0` of (g, a, b).
    MaxGradRight,
    /// `a <= b ? g : 0` of (g, a, b).
    MinGradLeft,
    /// `a > b ? g : 0` of (g, a, b).
    MinGradRight,
    /// `g (v > 0 ? 1 : slope)` of (g, v, slope), v being the input or the output.
    LeakyGrad,
    /// `g (y > 0 ? 1 : y + slope)` of (g, y, slope), y being the output.
    EluGrad,
    /// `g (x > 0 ? 1 : slope exp(x))` of (g, x, slope), x being the input.
    EluSlope,
    /// `g` times the derivative of the Huber function, of (g, x, sigma).
    SmoothL1Grad,
    /// `0 < y < 1 ? alpha g : 0` of (g, y, alpha), y being the output.
    HardSigmoidGrad,
}

/// How a function is computed.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// By vector instructions.
    Vector,
    /// Number by number.
    One(fn(f32) -> f32),
    /// Number by number.
    Two(fn(f32, f32) -> f32),
}

impl Op {
    /// The number of the function, by which [`Op::numbered`] finds it.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The function with this number, if there is one.
    pub fn numbered(number: u8) -> Option<Op> {
        // SAFETY: the numbers of the functions run from 0 to that of the last one.
        (number <= Op::HardSigmoidGrad as u8).then(|| unsafe { std::mem::transmute::<u8, Op>(number) })
    }

    /// The number of operands.
    pub fn arity(self) -> usize {
        match self {
            _ if self < Op::Add => 1,
            _ if self < Op::Where => 2,
            _ => 3,
        }
    }

    /// Estimated cost of 16 elements in the units of [`crate::parallel`].
    pub(super) fn cost(self) -> usize {
        match (self.kind(), self) {
            (Kind::Vector, Op::Sqrt | Op::Rsqrt | Op::Reciprocal | Op::Div | Op::Softsign | Op::SqrtGrad) => 6,
            (Kind::Vector, Op::Exp | Op::Log | Op::Expm1 | Op::Expm1Grad | Op::Elu | Op::EluSlope | Op::Selu) => 20,
            (Kind::Vector, Op::Sigmoid | Op::Tanh | Op::SoftreluGrad | Op::ErfGrad | Op::Log1p) => 30,
            (Kind::Vector, Op::Softrelu | Op::LogSigmoid | Op::Mish | Op::Erf | Op::Gelu | Op::GeluGrad) => 60,
            (Kind::Vector, _) => 2,
            _ => 300,
        }
    }

    pub(super) fn kind(self) -> Kind {
        use crate::math;
        Kind::One(match self {
            Op::Log2 => f32::log2,
            Op::Log10 => f32::log10,
            Op::Cbrt => f32::cbrt,
            Op::Rcbrt => math::rcbrt,
            Op::Sin => f32::sin,
            Op::Cos => f32::cos,
            Op::Tan => f32::tan,
            Op::Arcsin => f32::asin,
            Op::Arccos => f32::acos,
            Op::Arctan => f32::atan,
            Op::Sinh => f32::sinh,
            Op::Cosh => f32::cosh,
            Op::Arcsinh => f32::asinh,
            Op::Arccosh => f32::acosh,
            Op::Arctanh => f32::atanh,
            Op::Erfinv => math::erfinv,
            Op::Gamma => math::gamma,
            Op::Gammaln => math::gammaln,
            Op::Digamma => math::digamma,
            Op::Mod => return Kind::Two(math::modulo),
            Op::Power => return Kind::Two(f32::powf),
            Op::Hypot => return Kind::Two(f32::hypot),
            _ => return Kind::Vector,
        })
    }
}

impl PartialOrd for Op {
    fn partial_cmp(&self, other: &Op) -> Option<std::cmp::Ordering> {
        (*self as u8).partial_cmp(&(*other as u8))
    }
}

#[cfg(test)]
impl Op {
    /// Every function.
    pub(super) fn all() -> impl Iterator<Item = Op> {
        (0..=u8::MAX).map_while(Op::numbered)
    }
}
