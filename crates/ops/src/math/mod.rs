//! Elementwise arithmetic, unary maths, comparison, reduction and products.

mod apply;

family! {
    add_n { AddN }
    binary_grad { BinaryGrad, ScalarGrad }
    cast { Cast, CastLike }
    compare {
        Equal, NotEqual, Greater, GreaterEqual, Lesser, LesserEqual, LogicalAnd, LogicalOr, LogicalXor, EqualScalar,
        NotEqualScalar, GreaterScalar, GreaterEqualScalar, LesserScalar, LesserEqualScalar, LogicalAndScalar,
        LogicalOrScalar, LogicalXorScalar,
    }
    constant { ZerosLike, OnesLike }
    elemwise {
        ElemwiseAdd, ElemwiseSub, ElemwiseMul, ElemwiseDiv, Mod, Power, Maximum, Minimum, Hypot, GradAdd,
    }
    identity { Copy, BlockGrad, MakeLossOp, IdentityLike }
    scalar {
        PlusScalar, MinusScalar, RMinusScalar, MulScalar, DivScalar, RDivScalar, ModScalar, RModScalar, PowerScalar,
        RPowerScalar, MaximumScalar, MinimumScalar, HypotScalar,
    }
    unary {
        Abs, AbsGrad, Sign, Square, SquareGrad, LogicalNot, Relu, ReluGrad, Negative, Round, Rint, Ceil, Floor, Trunc,
        Fix,
    }
}
