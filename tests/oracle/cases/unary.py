"""Functions of one array, element by element."""

from .table import also, but, case, f, pos, unit, v, whole

NAN, INF = float("nan"), float("inf")
SPECIAL = v([-INF, -20, -2.5, -1.5, -1, -0.5, -0.0, 0, 0.5, 1, 1.5, 2, 2.5, 3.5, 20, INF, NAN])
OVER_ONE = v([[1.0, 1.5, 2.25], [3.5, 10, 100]])

DOMAIN = {
    **dict.fromkeys(
        "abs arcsinh arctan cbrt ceil cos cosh degrees erf exp expm1 fix floor logical_not negative radians "
        "reciprocal rcbrt relu rint round sigmoid sign sin sinh softsign square tan tanh trunc".split(),
        f(2, 3, 5),
    ),
    **dict.fromkeys("log log10 log2 rsqrt sqrt gamma gammaln log1p".split(), pos(3, 5)),
    **dict.fromkeys("arccos arcsin arctanh erfinv".split(), unit(3, 5)),
    "arccosh": OVER_ONE,
}


def without_gradient(cases):
    """Leaves out gradients of MXNet that are no reference: digamma in float64 or at its poles, rsqrt at -0.0."""

    def reason(one):
        if one.op in ("gamma", "gammaln") and (one.inputs["data"].dtype == "float64" or one.inputs["data"].literal):
            return "digamma is computed in single precision and is arbitrary at the poles"
        return "the sign of infinity at -0.0" if one.op == "rsqrt" and one.inputs["data"].literal else ""

    return [but(one, forward_only=reason(one)) for one in cases]


PLAIN = also([case(op, dict(data=data)) for op, data in sorted(DOMAIN.items())], "float64", "float16")
EDGE = also([case(op, dict(data=SPECIAL)) for op in sorted(DOMAIN)], "float64")

# whole numbers: computed in floating point, then truncated
WHOLE = [
    case(op, dict(data=whole(-5, 6, 7, dtype=dtype)))
    for dtype in ("int32", "int64", "int8")
    for op in (
        "abs",
        "negative",
        "sign",
        "square",
        "relu",
        "ceil",
        "floor",
        "round",
        "rint",
        "fix",
        "trunc",
        "sigmoid",
        "sin",
        "cbrt",
        "logical_not",
    )
]
WHOLE += [
    case(op, dict(data=whole(1, 9, 7, dtype=dtype)))
    for dtype in ("int32", "uint8")
    for op in ("sqrt", "exp", "log", "square", "log2", "negative", "abs", "reciprocal", "degrees")
]

ALIKE = (
    also(
        [
            case(op, dict(data=data))
            for op in ("BlockGrad", "stop_gradient", "identity", "_copy", "zeros_like", "ones_like")
            for data in (f(2, 3), SPECIAL)
        ],
        "float64",
        "float16",
    )
    + [
        case(op, dict(data=whole(-3, 4, 2, 3, dtype=dtype)))
        for dtype in ("int32", "uint8")
        for op in ("BlockGrad", "identity", "zeros_like", "ones_like")
    ]
    + [case("_identity_with_attr_like_rhs", dict(lhs=f(2, 3), rhs=f(2, 3)))]
)

SIZES = [
    case(op, dict(data=data))
    for op in ("shape_array", "size_array")
    for data in (f(2, 3, 5), f(1), f(4, dtype="float64"), whole(0, 9, 3, 2, dtype="int32"))
]

CAST_FROM = {
    "float32": v([-2.5, -1, -0.5, -0.0, 0.5, 1.9, 100.7]),
    "float64": v([-2.5, 0.1, 1e-3, 7], "float64"),
    "float16": v([-2.5, 0.1, 7], "float16"),
    "int32": v([-300, -1, 0, 1, 300], "int32"),
    "int64": v([-300, 0, 1 << 40], "int64"),
    "uint8": v([0, 1, 200, 255], "uint8"),
    "int8": v([-128, -1, 0, 127], "int8"),
}
CAST = [
    case("Cast", dict(data=data), dtype=to)
    for data in CAST_FROM.values()
    for to in ("float16", "float32", "float64", "int8", "int32", "int64")
]
CAST += [case("Cast", dict(data=CAST_FROM[kind]), dtype="uint8") for kind in ("int32", "int64", "uint8", "int8")]
CAST += [
    case("Cast", dict(data=v([0, 1, 2.5, 254.9])), dtype="uint8"),
    case("Cast", dict(data=v([-2.5, 0.5, 0, -0.0])), dtype="bool"),
    case("cast", dict(data=f(2, 3)), dtype="float64"),
    case("Cast", dict(data=f(2, 3))),
    case("Cast", dict(data=f(2, 3)), dtype="complex64"),
]

CLIP = also(
    [
        case("clip", dict(data=f(2, 7)), a_min=-1, a_max=0.5),
        case("clip", dict(data=v([-2, -1, -0.5, 0.5, 1, 2])), a_min=-1, a_max=1),  # the bounds themselves pass the gradient
        case("clip", dict(data=SPECIAL), a_min=-1.5, a_max=2),
        case("clip", dict(data=f(5)), a_min=0, a_max=0),
        case("clip", dict(data=v([-2, 0, 2, 4])), a_min=1, a_max=-1),  # above a_max: a_max; the rest: a_min
        case("clip", dict(data=f(5)), a_min=-INF, a_max=0.25),
    ],
    "float64",
    "float16",
) + [
    case("clip", dict(data=whole(-9, 10, 7, dtype="int32")), a_min=-3, a_max=4),
    case("clip", dict(data=whole(0, 10, 7, dtype="uint8")), a_min=2, a_max=6),
    case("clip", dict(data=f(2)), a_min=0),
    case("clip", dict(data=f(2)), a_min="low", a_max=1),
]

CASES = without_gradient(PLAIN + EDGE) + WHOLE + ALIKE + SIZES + CAST + CLIP
