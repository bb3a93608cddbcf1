"""Operators beside the updates of optimizers, which `updates.py` has: mixed precision, sums, finiteness, layerwise rates."""

from .table import also, but, case, f, pos, v, variadic

ONEDNN = "this build of MXNet hands the arrays to oneDNN, which does not know the type"
AMP = [
    case("amp_cast", dict(data=f(2, 3, dtype=dtype)), dtype=to)
    for dtype in ("float16", "float32")
    for to in ("float16", "float32")
]
AMP += [
    but(case("amp_cast", dict(data=f(2, 3, dtype="float64")), dtype="float16"), undefined=ONEDNN),
    but(case("amp_cast", dict(data=v([1, 2], "int32")), dtype="float16"), forward_only="whole numbers"),
    case("amp_cast", dict(data=f(2, 3)), dtype="complex"),
    case("amp_cast", dict(data=f(2, 3))),
    but(variadic("amp_multicast", [f(2, 3), f(3, dtype="float16")], num_outputs=2), undefined=ONEDNN),
    but(variadic("amp_multicast", [f(2, 3, dtype="float16"), f(3)], num_outputs=2, cast_narrow=True), undefined=ONEDNN),
    variadic("amp_multicast", [f(2, 3), f(3)], num_outputs=2),
    variadic("amp_multicast", [f(2, 3), f(3), f(1)], num_outputs=3, cast_narrow=True),
    variadic("amp_multicast", [f(2, 3), f(3)]),
]

FINITE = [
    but(one, forward_only="no gradient")
    for one in also(
        [
            case("all_finite", dict(data=f(2, 3))),
            case("all_finite", dict(data=v([1.0, float("inf")]))),
            case("all_finite", dict(data=v([1.0, float("nan"), 2.0]))),
            variadic("multi_all_finite", [f(2, 3), f(4)], num_arrays=2),
            variadic("multi_all_finite", [f(2, 3), v([float("-inf")])], num_arrays=2),
        ],
        "float64",
        "float16",
    )
]

SUMS = [
    but(one, forward_only="no gradient")
    for one in also(
        [variadic("multi_sum_sq", [f(2, 3), f(4), f(1)], num_arrays=3), variadic("multi_sum_sq", [f(2, 3)])], "float64"
    )
]
LARS = [
    but(
        case("multi_lars", dict(lrs=pos(3), weights_sum_sq=pos(3), grads_sum_sq=pos(3), wds=f(3)), **params),
        forward_only="no gradient",
    )
    for params in ({"eta": 0.5, "eps": 0.1}, {"eta": 0.5, "eps": 0.1, "rescale_grad": 2.0}, {"eta": 0.5})
]
LARS += [
    but(
        case(
            "multi_lars",
            dict(lrs=pos(3), weights_sum_sq=v([0.0, 1.0, 1.0]), grads_sum_sq=v([1.0, 0.0, 1.0]), wds=f(3)),
            eta=0.5,
            eps=0.1,
        ),
        forward_only="no gradient",
    )
]

CASES = AMP + FINITE + SUMS + LARS
