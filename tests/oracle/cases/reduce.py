"""Reductions, sorting and positions of extremes."""

from .table import also, but, case, f, only, v, whole

NAN, INF = float("nan"), float("inf")
SPECIAL = v([[1, NAN, 3], [-INF, 0, INF], [2, 2, 1]])
FINITE = v([[1, 5, 3], [-4, 0, 7], [2, 2, 1]])


def one(op, data, **params):
    return case(op, dict(data=data), **params)


AXES = [
    {},
    dict(axis=0),
    dict(axis=1),
    dict(axis=-1),
    dict(axis=(0, 2)),
    dict(axis=(1,), keepdims=True),
    dict(keepdims=True),
    dict(axis=(0, 1, 2)),
    dict(axis=(0, -1), exclude=True),
    dict(axis=1, exclude=True, keepdims=True),
    dict(axis=()),
]
REDUCE = ("sum", "mean", "prod", "nansum", "nanprod", "max", "min")


BY_ZERO = "the gradient at a zero is divided by it"
SLIPS = {f"{op}/3x3v-axis={axis}": BY_ZERO for op in ("prod", "nanprod") for axis in (0, 1)}
SLIPS |= {"prod/2x3v-axis=1": BY_ZERO, "nansum/3x3v-axis=0": "compensated summation subtracts infinities"}


def reductions():
    cases = []
    for op in REDUCE:
        cases += [one(op, f(2, 3, 4), **params) for params in AXES]
        cases += only([one(op, f(2, 3, 4)), one(op, f(2, 3, 4), axis=1)], "float64", "float16")
        cases += [one(op, SPECIAL, axis=1), one(op, SPECIAL, axis=0), one(op, f(1)), one(op, f(7))]
        cases += [one(op, whole(-3, 4, 3, 4, dtype=dtype), axis=1) for dtype in ("int32", "int64")]
        cases += [one(op, f(2, 3), axis=2), one(op, f(2, 3), axis=-3), one(op, f(2, 3), axis=(0, 0))]
    cases += [one("max", v([[1, 3, 3], [2, 2, 2]]), axis=1), one("min", v([[1, 1, 3], [2, 2, 2]]), axis=1)]  # ties: all
    cases += [one("sum", whole(0, 99, 5, dtype=dtype)) for dtype in ("uint8", "int8")]
    cases += [one(alias, f(2, 3), axis=0) for alias in ("sum_axis", "max_axis", "min_axis")]
    cases += [
        one("prod", v([[2, 0, 3], [0, 0, 1]]), axis=1),
        one("sum", f(2, 3), axis="(0,)"),
        one("mean", whole(0, 9, 2, 3, dtype="uint8")),
    ]
    return [but(it, undefined=SLIPS[it.id]) if it.id in SLIPS else it for it in cases]


NORM = also(
    [
        one("norm", f(3, 4)),
        one("norm", f(3, 4), ord=1),
        one("norm", f(3, 4), axis=0),
        one("norm", f(3, 4), axis=-1, keepdims=True),
        one("norm", f(2, 3, 4), axis=(1, 2)),
        one("norm", f(2, 3, 4), ord=1, axis=1),
        one("norm", f(2, 3, 4), ord=1, axis=(0, 1), keepdims=True),
        one("norm", f(5), keepdims=True),
    ],
    "float64",
) + [one("norm", f(3, 4), ord=3), one("norm", f(3, 4), axis=2), one("norm", v([[0, 0], [3, 4]]), axis=1)]

EXTREMES = []
for OP in ("argmax", "argmin"):
    EXTREMES += also(
        [one(OP, f(2, 3, 4), axis=1), one(OP, f(2, 3, 4), axis=-1), one(OP, f(3, 4), axis=0, keepdims=True)], "float64", "float16"
    )
    EXTREMES += [
        one(OP, f(3, 4)),
        one(OP, f(3, 4), keepdims=True),
        one(OP, f(5)),
        one(OP, v([[1, 3, 3], [2, 2, 2]]), axis=1),
        one(OP, whole(-9, 10, 3, 4, dtype="int32"), axis=1),
        one(OP, f(2, 3), axis=2),
    ]
EXTREMES += also([one("argmax_channel", f(3, 4)), one("argmax_channel", f(2, 3, 2))], "float64")
EXTREMES = [
    but(each, forward_only="argmax_channel has no gradient") if each.op == "argmax_channel" else each for each in EXTREMES
]

SORT = also(
    [
        one("sort", f(2, 5), axis=-1),
        one("sort", f(2, 5), axis=0),
        one("sort", f(2, 5), axis=-1, is_ascend=False),
        one("sort", f(2, 3, 2), axis=1),
        one("sort", f(7), axis=0),
        one("argsort", f(2, 5)),
        one("argsort", f(2, 5), axis=0, is_ascend=False),
        one("argsort", f(2, 3, 2), axis=1),
    ],
    "float64",
) + [
    but(one("sort", f(2, 5)), forward_only="MXNet cannot write the default axis down for the gradient"),
    one("sort", whole(-9, 10, 7, dtype="int32")),
    one("argsort", f(5), dtype="int32"),
    one("argsort", f(2, 3), dtype="int64", axis=1),
    one("sort", f(2, 5), axis=None),
    one("argsort", f(2, 5), axis=None),
    one("sort", f(2, 3), axis=2),
    one("argsort", f(4), dtype="uint8"),
    one("argsort", v([5, 1, 7, 3], "int32")),
]

TOPK = also(
    [
        one("topk", f(2, 5)),
        one("topk", f(2, 5), k=3),
        one("topk", f(2, 5), k=2, ret_typ="value"),
        one("topk", f(2, 5), k=2, ret_typ="mask"),
        one("topk", f(2, 5), k=2, ret_typ="both"),
        one("topk", f(3, 4), axis=0, k=2, ret_typ="both"),
        one("topk", f(2, 3, 4), axis=1, k=2, ret_typ="value"),
        one("topk", f(2, 5), k=2, is_ascend=True, ret_typ="both"),
        one("topk", f(2, 5), k=0, ret_typ="value"),
        one("topk", f(7), k=7),
        one("topk", f(3, 4), axis=0, k=1, ret_typ="mask", is_ascend=True),
    ],
    "float64",
) + [
    one("topk", f(2, 5), k=2, dtype="int32"),
    one("topk", f(2, 5), k=2, dtype="int64", ret_typ="both"),
    one("topk", f(2, 3), axis=None, k=2, ret_typ="both"),
    one("topk", f(2, 3), k=4),
    one("topk", f(2, 3), k=-1),
    one("topk", f(2, 3), ret_typ="index"),
    one("topk", v([[3, 9, 4, 7]], "int32"), k=2, ret_typ="both"),
    one("topk", f(2, 3), axis=2),
]

MOMENTS = also(
    [
        one("moments", f(3, 4), axes=(0,)),
        one("moments", f(2, 3, 4), axes=(0, 2)),
        one("moments", f(2, 3, 4), axes=(1,), keepdims=True),
        one("moments", f(3, 4)),
        one("moments", f(2, 3), axes=(-1,)),
    ],
    "float64",
)

CUMSUM = also(
    [case("cumsum", dict(a=f(2, 3, 2)), **params) for params in ({}, dict(axis=0), dict(axis=1), dict(axis=2))],
    "float64",
    "float16",
) + [
    case("cumsum", dict(a=v([0.6, 0.6, 0.6, -1.2])), dtype="int32"),
    case("cumsum", dict(a=whole(-9, 10, 3, 2, dtype="int32")), axis=0),
    but(case("cumsum", dict(a=f(2, 3)), axis=-1), undefined="accepted, then fails with a check on the internal index"),
    case("cumsum", dict(a=f(3)), dtype="float64"),
    case("cumsum", dict(a=f(2, 3)), axis=2),
]

CASES = reductions() + NORM + EXTREMES + SORT + TOPK + MOMENTS + CUMSUM
