"""Pooling: every type, convention and dimension."""

from .table import also, but, case, f, v


def pool(*shape, **params):
    return case("Pooling", dict(data=f(*shape)), **params)


KINDS = ("max", "avg", "sum", "lp")
SHARED = [
    pool(*shape, kernel=kernel, pool_type=kind, **more)
    for kind in KINDS
    for shape, kernel, more in [
        ((1, 2, 5, 4), (2, 3), {}),
        ((2, 1, 5, 6), (3, 2), dict(stride=(2, 2))),
        ((1, 2, 6, 5), (3, 3), dict(stride=(2, 2), pad=(1, 1))),
        ((1, 2, 6, 5), (3, 3), dict(stride=(2, 3), pad=(1, 1), pooling_convention="full")),
        ((1, 1, 8, 7), (3, 2), dict(stride=(3, 2), pooling_convention="full")),
        ((1, 2, 7, 6), (3, 3), dict(stride=(2, 2), pooling_convention="same")),
        ((2, 2, 7), (3,), {}),
        ((2, 2, 8), (3,), dict(stride=(2,), pad=(1,))),
        ((2, 2, 8), (3,), dict(stride=(2,), pad=(1,), pooling_convention="full")),
        ((1, 2, 3, 4, 3), (2, 2, 3), {}),
        ((1, 1, 4, 5, 4), (3, 2, 2), dict(stride=(2, 2, 1), pad=(1, 1, 0))),
        ((1, 1, 4, 5, 4), (3, 2, 3), dict(stride=(2, 2, 2), pad=(1, 0, 1), pooling_convention="full")),
    ]
]
SHARED = [case(one.op, one.inputs, p_value=2, **one.params) if one.params["pool_type"] == "lp" else one for one in SHARED]

GLOBAL = [
    pool(*shape, global_pool=True, pool_type=kind, **more)
    for kind in ("max", "avg", "sum")
    for shape, more in [
        ((2, 3, 4, 5), dict(kernel=(2, 2))),
        ((2, 3, 4, 5), {}),
        ((2, 3, 5), dict(kernel=(2,))),
        ((1, 2, 3, 2, 3), dict(kernel=(1, 1, 1))),
        ((1, 2, 3, 3), dict(kernel=(2, 2), pad=(1, 1), stride=(2, 2))),
    ]
]

OTHER = [
    pool(1, 2, 5, 5, kernel=(3, 3), pad=(1, 1), pool_type="avg", count_include_pad=False),
    pool(
        1, 2, 6, 5, kernel=(3, 2), stride=(2, 2), pad=(1, 1), pool_type="avg", count_include_pad=False, pooling_convention="full"
    ),
    pool(1, 2, 8, kernel=(3,), stride=(2,), pad=(1,), pool_type="avg", count_include_pad=False),
    pool(1, 1, 4, 4, 4, kernel=(3, 3, 3), stride=(2, 2, 2), pad=(1, 1, 1), pool_type="avg", count_include_pad=False),
    pool(1, 1, 4, 5, kernel=(2, 2), pool_type="lp", p_value=1),
    pool(1, 1, 4, 5, kernel=(2, 2), pool_type="lp", p_value=3),
    pool(1, 2, 4, 5, kernel=(2, 2), pool_type="lp", p_value=2, global_pool=True),
    pool(1, 2, 5, 4, kernel=(2, 2)),  # max by default
    pool(1, 2, 5, 4, kernel=(5, 4), stride=(7, 7)),
    pool(1, 4, 5, 2, kernel=(2, 2), layout="NHWC", pool_type="max"),
    pool(1, 4, 5, 2, kernel=(2, 2), layout="NHWC", pool_type="avg", stride=(2, 2), pad=(1, 1)),
    pool(1, 5, 2, kernel=(2,), layout="NWC", pool_type="max"),
    pool(1, 3, 3, 3, 2, kernel=(2, 2, 2), layout="NDHWC", pool_type="avg"),
    pool(2, 4, 5, 3, global_pool=True, layout="NHWC", pool_type="avg"),
]

NAN = float("nan")
INF = float("inf")
SPECIAL = [
    case("Pooling", dict(data=v([[[[1, 1, 1], [1, 1, 1], [1, 2, 2]]]])), kernel=(2, 2), pool_type="max"),  # ties: the first
    case("Pooling", dict(data=v([[[[-INF, -4, 0], [-INF, -INF, -3], [INF, -1, -2]]]])), kernel=(2, 2), pool_type="max"),
    case("Pooling", dict(data=v([[[[-3, -2], [-5, -4]]]])), kernel=(2, 2), pad=(1, 1), pool_type="max"),  # padding never wins
    case("Pooling", dict(data=v([[[[-3, -2], [-5, -4]]]])), kernel=(3, 3), pad=(1, 1), stride=(2, 2), pool_type="avg"),
]

REFUSED = [
    pool(1, 2, 5, 5),
    pool(1, 2, 3, 3, kernel=(4, 4)),
    pool(1, 2, 3, 3, kernel=(2, 2), pad=(2, 2)),
    pool(1, 2, 5, 5, kernel=(3, 3), pool_type="mean"),
    pool(1, 2, 5, 5, kernel=(3, 3), pooling_convention="half"),
    pool(1, 2, 5, 5, kernel=(3,)),
    pool(5, 5, kernel=(2,)),
    pool(1, 2, 5, 5, kernel=(2, 2), stride=(0, 0)),
    pool(1, 2, 5, 5, kernel=(2, 2), pool_type="lp"),
]

VERSION_1 = [
    but(one, op="Pooling_v1")
    for kind in ("max", "avg", "sum")
    for one in (
        pool(1, 2, 5, 4, kernel=(2, 3), pool_type=kind),
        pool(1, 2, 6, 5, kernel=(3, 3), pool_type=kind, stride=(2, 2), pad=(1, 1)),
        pool(1, 2, 6, 5, kernel=(3, 3), pool_type=kind, stride=(2, 3), pad=(1, 1), pooling_convention="full"),
        pool(2, 3, 4, 5, kernel=(2, 2), pool_type=kind, global_pool=True),
    )
]

# oneDNN's gradient divides by the whole kernel there, unlike its own forward pass and unlike float64
OVERHANG = "the gradient of an overhanging average is wrong in float32"
HANGING = (
    "1x1x8x7-kernel=(3,2)-pool_type=avg-stride=(3,2)-pooling_convention=full",
    "2x2x8-kernel=(3,)-pool_type=avg-stride=(2,)-pad=(1,)-pooling_convention=full",
)
SHARED = [but(one, undefined=OVERHANG) if one.label in HANGING else one for one in also(SHARED, "float64")]

CASES = VERSION_1 + SHARED + GLOBAL + also(OTHER, "float64") + SPECIAL + REFUSED
