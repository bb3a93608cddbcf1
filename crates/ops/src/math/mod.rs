//! Elementwise arithmetic, unary maths, comparison, reduction and products.

pub(crate) mod apply;
pub(crate) mod formula;
mod reduced;

family! {
    add_n { AddN }
    argmax { Argmax, Argmin, ArgmaxChannel }
    binary_grad { BinaryGrad, ScalarGrad }
    broadcast {
        BroadcastAdd, BroadcastSub, BroadcastMul, BroadcastDiv, BroadcastMod, BroadcastPower, BroadcastMaximum,
        BroadcastMinimum, BroadcastHypot, BroadcastEqual, BroadcastNotEqual, BroadcastGreater, BroadcastGreaterEqual,
        BroadcastLesser, BroadcastLesserEqual, BroadcastAnd, BroadcastOr, BroadcastXor,
    }
    broadcast_to { BroadcastTo, BroadcastAxis, BroadcastLike, ReduceLike }
    cast { Cast, CastLike }
    clip { Clip, ClipGrad }
    compare {
        Equal, NotEqual, Greater, GreaterEqual, Lesser, LesserEqual, LogicalAnd, LogicalOr, LogicalXor, EqualScalar,
        NotEqualScalar, GreaterScalar, GreaterEqualScalar, LesserScalar, LesserEqualScalar, LogicalAndScalar,
        LogicalOrScalar, LogicalXorScalar,
    }
    constant { ZerosLike, OnesLike }
    count_sketch { CountSketch, CountSketchBackward }
    cumsum { Cumsum, CumsumGrad }
    div_sqrt_dim { DivSqrtDim }
    dot { Dot, DotGrad, BatchDot }
    elemwise {
        ElemwiseAdd, ElemwiseSub, ElemwiseMul, ElemwiseDiv, Mod, Power, Maximum, Minimum, Hypot, GradAdd,
    }
    explog { Sqrt, SqrtGrad, Rsqrt, RsqrtGrad, Cbrt, CbrtGrad, Rcbrt, RcbrtGrad, Reciprocal, ReciprocalGrad, Exp, ExpGrad, Expm1, Expm1Grad, Log, LogGrad, Log10, Log10Grad, Log2, Log2Grad, Log1p, Log1pGrad }
    fft { Fft, Ifft }
    hard_sigmoid { HardSigmoid, HardSigmoidGrad }
    identity { Copy, BlockGrad, MakeLossOp, IdentityLike }
    khatri_rao { KhatriRao }
    moments { Moments }
    norm { Norm }
    reduce { Sum, Mean, Prod, NanSum, NanProd, Max, Min }
    reduce_grad { ReduceGrad }
    scalar {
        PlusScalar, MinusScalar, RMinusScalar, MulScalar, DivScalar, RDivScalar, ModScalar, RModScalar, PowerScalar,
        RPowerScalar, MaximumScalar, MinimumScalar, HypotScalar,
    }
    smooth_l1 { SmoothL1, SmoothL1Grad }
    special { Sigmoid, SigmoidGrad, Softsign, SoftsignGrad, Erf, ErfGrad, Erfinv, ErfinvGrad, Gamma, GammaGrad, Gammaln, GammalnGrad }
    trigonometry { Sin, SinGrad, Cos, CosGrad, Tan, TanGrad, Arcsin, ArcsinGrad, Arccos, ArccosGrad, Arctan, ArctanGrad, Sinh, SinhGrad, Cosh, CoshGrad, Tanh, TanhGrad, Arcsinh, ArcsinhGrad, Arccosh, ArccoshGrad, Arctanh, ArctanhGrad, Degrees, DegreesGrad, Radians, RadiansGrad }
    unary {
        Abs, AbsGrad, Sign, Square, SquareGrad, LogicalNot, Relu, ReluGrad, Negative, Round, Rint, Ceil, Floor, Trunc,
        Fix,
    }
}
