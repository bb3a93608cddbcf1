"""Functions of two arrays of one shape, of two arrays that broadcast, and of an array and a number."""

from .table import also, but, case, f, only, pos, unit, v, variadic, whole

NAN, INF = float("nan"), float("inf")
LEFT = v([0, 0, 1, -1, 2.5, -2.5, INF, -INF, NAN, 3, 1, INF, -0.0, 7, -7])
RIGHT = v([0, 2, 0, 0, -2, 2, 1, INF, 1, 3, NAN, -INF, 0.0, 3, 3])

ARITHMETIC = ("elemwise_add", "elemwise_sub", "elemwise_mul", "elemwise_div")
COMPARISON = ("_equal", "_not_equal", "_greater", "_greater_equal", "_lesser", "_lesser_equal")
LOGICAL = ("_logical_and", "_logical_or", "_logical_xor")
MORE = ("_power", "_mod", "_maximum", "_minimum", "_hypot")
WHOLE_SAFE = ("elemwise_add", "elemwise_sub", "elemwise_mul", "elemwise_div", "_mod", "_maximum", "_minimum")


def two(op, left, right, **params):
    return case(op, dict(lhs=left, rhs=right), **params)


def same_shape():
    cases = []
    for op in ARITHMETIC + MORE + COMPARISON + LOGICAL:
        left = pos(2, 3, 4) if op == "_power" else f(2, 3, 4)
        cases += also([two(op, left, f(2, 3, 4)), two(op, LEFT, RIGHT)], "float64")
        cases += only([two(op, left, f(2, 3, 4))], "float16")
    for op in WHOLE_SAFE + COMPARISON + LOGICAL:
        cases += [two(op, whole(-7, 8, 5, dtype=dtype), v([1, 2, -3, 3, 7], dtype)) for dtype in ("int32", "int64", "int8")]
    cases += [two(op, whole(0, 9, 5, dtype="uint8"), whole(1, 9, 5, dtype="uint8")) for op in ("elemwise_add", "elemwise_mul")]
    cases += [two(op, f(1), f(1)) for op in ARITHMETIC]
    cases += [two("_power", v([2, 3, 2, 5], "int32"), v([3, 2, 0, 1], "int32"))]
    cases += [
        two("elemwise_add", f(2, 3), f(1, 3)),
        two("elemwise_add", f(2, 3), f(2, 3, dtype="float64")),
        two("elemwise_mul", f(2), f(2, 1)),
        two("_maximum", f(2, 3), f(3, 2)),
    ]  # refused
    cases += [two(op, f(2, 3), f(2, 3)) for op in ("_plus", "_minus", "_mul", "_div", "_add", "_sub", "_Plus", "_Equal")]
    cases += [two("_maximum", v([1, 2, 3]), v([1, 3, 2])), two("_minimum", v([1, 2, 3]), v([1, 3, 2]))]  # ties: all to lhs
    return cases


PAIRS = [
    ((2, 3), (1, 3)),
    ((2, 1, 3), (1, 4, 1)),
    ((2, 3, 4), (2, 3, 4)),
    ((3,), (2, 3)),
    ((2, 3), (1,)),
    ((1, 1), (2, 3)),
    ((2, 3, 1, 2), (3, 4, 1)),
]
BROADCAST = (
    "add",
    "sub",
    "mul",
    "div",
    "mod",
    "power",
    "maximum",
    "minimum",
    "hypot",
    "equal",
    "not_equal",
    "greater",
    "greater_equal",
    "lesser",
    "lesser_equal",
    "logical_and",
    "logical_or",
    "logical_xor",
)


def broadcasting():
    cases = []
    for name in BROADCAST:
        op = f"broadcast_{name}"
        sign = pos if name in ("power", "mod", "div") else f
        cases += [two(op, sign(*left), sign(*right)) for left, right in PAIRS]
        cases += only([two(op, sign(2, 1, 3), sign(1, 4, 1))], "float64", "float16")
        cases += [two(op, LEFT, RIGHT)]
        if name not in ("power", "hypot"):
            cases += [two(op, whole(-7, 8, 2, 1, dtype=dtype), v([[1, 2, -3]], dtype)) for dtype in ("int32", "int64")]
    cases += [
        two("broadcast_add", f(2, 3), f(2, 2)),
        two("broadcast_add", f(2, 3), f(3, 2)),
        two("broadcast_mul", f(2, 3), f(2, 3, dtype="float64")),
    ]  # refused
    cases += [two(op, f(2, 1), f(1, 3)) for op in ("broadcast_plus", "broadcast_minus")]
    cases += [two("broadcast_maximum", v([[1, 2]]), v([[1], [3]]))]
    return cases


SCALAR = {
    "_plus_scalar": f(2, 3),
    "_minus_scalar": f(2, 3),
    "_rminus_scalar": f(2, 3),
    "_mul_scalar": f(2, 3),
    "_div_scalar": f(2, 3),
    "_rdiv_scalar": f(2, 3),
    "_power_scalar": pos(2, 3),
    "_rpower_scalar": f(2, 3),
    "_mod_scalar": f(2, 3),
    "_rmod_scalar": f(2, 3),
    "_maximum_scalar": f(2, 3),
    "_minimum_scalar": f(2, 3),
    "_hypot_scalar": f(2, 3),
    "_equal_scalar": v([1.5, 2, -1]),
    "_not_equal_scalar": v([1.5, 2, -1]),
    "_greater_scalar": f(2, 3),
    "_greater_equal_scalar": v([1.5, 2, -1]),
    "_lesser_scalar": f(2, 3),
    "_lesser_equal_scalar": v([1.5, 2, -1]),
    "_logical_and_scalar": v([0, 1.5, -1]),
    "_logical_or_scalar": v([0, 1.5, -1]),
    "_logical_xor_scalar": v([0, 1.5, -1]),
}
EDGE = v([-INF, -2, -0.0, 0, 0.5, 2, INF, NAN])


def with_number():
    cases = []
    for op, data in SCALAR.items():
        cases += also([case(op, dict(data=data), scalar=1.5)], "float64", "float16")
        cases += [case(op, dict(data=EDGE), scalar=number) for number in (2, 0, -0.5)]
        divides = op in ("_rdiv_scalar", "_rmod_scalar", "_rpower_scalar", "_power_scalar")
        if not divides:
            cases += [
                case(op, dict(data=whole(-7, 8, 7, dtype=dtype)), scalar=number)
                for dtype in ("int32", "int64")
                for number in (2, 2.7)
            ]
    cases += [
        case("_rdiv_scalar", dict(data=v([1, 2, -3], "int32")), scalar=7),
        case("_power_scalar", dict(data=v([1, 2, 4], "int32")), scalar=2.7),
        case("_plus_scalar", dict(data=v([1, 2], "int32")), scalar=2.5, is_int=False),
        case("_mul_scalar", dict(data=whole(0, 9, 5, dtype="uint8")), scalar=3),
        case("_plus_scalar", dict(data=f(2, 3))),
        case("_plus_scalar", dict(data=f(2)), scalar=True),
        case("_plus_scalar", dict(data=f(2)), scalar="two"),
        case("_plus_scalar", dict(data=f(2)), scalar="1e-1"),
        case("_PlusScalar", dict(data=f(2)), scalar=3),
    ]
    return cases


SUMS = also(
    [
        variadic("add_n", [f(2, 3)]),
        variadic("add_n", [f(2, 3), f(2, 3)]),
        variadic("add_n", [f(2, 3), unit(2, 3), f(2, 3), pos(2, 3)]),
        variadic("ElementWiseSum", [f(5), f(5), f(5)]),
        variadic("add_n", [LEFT, RIGHT]),
    ],
    "float64",
    "float16",
) + [
    variadic("add_n", [whole(-3, 4, 4, dtype="int32"), whole(-3, 4, 4, dtype="int32")]),
    variadic("add_n", [f(2), f(3)]),
    variadic("add_n", [f(2), f(2, dtype="float64")]),
]

GRAD_ADD = [
    but(case("_grad_add", dict(lhs=f(2, 3, dtype=dtype), rhs=f(2, 3, dtype=dtype))), forward_only="no gradient")
    for dtype in ("float32", "float64", "float16")
] + [case("_grad_add", dict(lhs=f(2, 3), rhs=f(3, 2)))]

CASES = GRAD_ADD + same_shape() + broadcasting() + with_number() + SUMS
