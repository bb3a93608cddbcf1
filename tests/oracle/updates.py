"""Calls of the update operators on arrays: what they give, and what becomes of their states.

MXNet 1.9.1 cannot compose most of them as symbols, so they are no cases of `cases/`.
"""

import zlib

import numpy as np

SHAPE = (2, 3)
SINGLE = {"lr": 0.1, "wd": 0.01, "rescale_grad": 0.5}
CLIP = {"clip_gradient": 0.3}
MANY = {"lrs": (0.1, 0.2), "wds": (0.01, 0.0), "rescale_grad": 0.5, "num_weights": 2}
ADAMW = {"lr": 0.1, "eta": 0.7, "wd": 0.01}
MANY_ADAMW = {"lrs": (0.1, 0.2), "wds": (0.01, 0.0), "etas": (0.7, 1.0), "num_weights": 2}
LAMB = {"t": 3, "wd": 0.01, "rescale_grad": 0.5}
MANY_LAMB = {"learning_rates": (0.1, 0.2), "wds": (0.01, 0.0), "step_count": (3, 1), "num_tensors": 2, "rescale_grad": 0.5}

# Operator, names of the arrays of one weight, how many weights, further arrays, parameters. Names with a star are of single
# precision whatever the weight is; those in POSITIVE hold positive numbers.
POSITIVE = ("var", "n", "v", "d", "r1", "r2", "history")
CASES = []


def add(op, each, params, *variants, count=1, extra=(), dtypes=("float32",), out="weight"):
    """Adds the operator with the parameters, and with those of each variant besides."""
    for dtype in dtypes:
        for variant in ({},) + variants:
            CASES.append((op, tuple(each.split()), count, tuple(extra), {**params, **variant}, dtype, out))


FLOATS = ("float32", "float64", "float16")
add("sgd_update", "weight grad", SINGLE, CLIP, dtypes=FLOATS)
add("sgd_mom_update", "weight grad mom", SINGLE, CLIP, {"momentum": 0.9}, {**CLIP, "momentum": 0.9}, dtypes=FLOATS)
add("mp_sgd_update", "weight grad weight32*", SINGLE, CLIP, dtypes=("float16",))
add("mp_sgd_mom_update", "weight grad mom* weight32*", SINGLE, {**CLIP, "momentum": 0.9}, dtypes=("float16",))
add("nag_mom_update", "weight grad mom", SINGLE, {"momentum": 0.9}, {**CLIP, "momentum": 0.9}, dtypes=("float32", "float64"))
add("mp_nag_mom_update", "weight grad mom* weight32*", SINGLE, {**CLIP, "momentum": 0.9}, dtypes=("float16",))
add("signsgd_update", "weight grad", SINGLE, CLIP)
add("signum_update", "weight grad mom", SINGLE, {**CLIP, "momentum": 0.9, "wd_lh": 0.02})
add("adam_update", "weight grad mean var", SINGLE, CLIP, {"beta1": 0.8, "beta2": 0.9, "epsilon": 1e-3}, dtypes=FLOATS)
add(
    "rmsprop_update",
    "weight grad n",
    SINGLE,
    {**CLIP, "clip_weights": 0.4},
    {"gamma1": 0.5, "epsilon": 1e-3},
    dtypes=("float32", "float64"),
)
add("rmspropalex_update", "weight grad n g delta", {**SINGLE, "epsilon": 5.0}, {**CLIP, "clip_weights": 0.4}, {"gamma2": 0.5})
add("ftrl_update", "weight grad z n", SINGLE, {**CLIP, "lamda1": 0.5, "beta": 0.5}, dtypes=("float32", "float64"))
add("ftml_update", "weight grad d v z", {**SINGLE, "t": 3}, {"clip_grad": 0.3, "epsilon": 1e-3}, dtypes=("float32", "float64"))
add(
    "lamb_update_phase1",
    "weight grad mean var",
    LAMB,
    {**CLIP, "bias_correction": False},
    dtypes=("float32", "float64"),
    out=None,
)
add(
    "mp_lamb_update_phase1",
    "weight grad mean* var* weight32*",
    LAMB,
    {**CLIP, "bias_correction": False},
    dtypes=("float16",),
    out=None,
)
add("lamb_update_phase2", "weight grad", {"lr": 0.1}, {"lower_bound": 2.0}, {"upper_bound": 0.1}, extra=("r1", "r2"))
add("mp_lamb_update_phase2", "weight grad*", {"lr": 0.1}, extra=("r1*", "r2*", "weight32*"), dtypes=("float16",))
add("_adamw_update", "weight grad mean var", ADAMW, CLIP, extra=("rescale_grad*",))
add("_mp_adamw_update", "weight grad mean* var* weight32*", ADAMW, CLIP, extra=("rescale_grad*",), dtypes=("float16",))
add("_multi_adamw_update", "weight grad mean var", MANY_ADAMW, CLIP, count=2, extra=("rescale_grad*",))
add(
    "_multi_mp_adamw_update",
    "weight grad mean* var* weight32*",
    MANY_ADAMW,
    count=2,
    extra=("rescale_grad*",),
    dtypes=("float16",),
)
add("multi_sgd_update", "weight grad", MANY, CLIP, count=2, dtypes=("float32", "float64"))
add("multi_mp_sgd_update", "weight grad weight32*", MANY, CLIP, count=2, dtypes=("float16",))
add("multi_sgd_mom_update", "weight grad mom", MANY, {**CLIP, "momentum": 0.9}, count=2)
add("multi_mp_sgd_mom_update", "weight grad mom* weight32*", MANY, {**CLIP, "momentum": 0.9}, count=2, dtypes=("float16",))
LOADED = {"rescale_grad": 0.5, "num_weights": 2}
RATES = ("lrs*", "wds*")
add("preloaded_multi_sgd_update", "weight grad", LOADED, CLIP, count=2, extra=RATES)
add("preloaded_multi_mp_sgd_update", "weight grad weight32*", LOADED, count=2, extra=RATES, dtypes=("float16",))
add("preloaded_multi_sgd_mom_update", "weight grad mom", LOADED, {**CLIP, "momentum": 0.9}, count=2, extra=RATES)
add(
    "preloaded_multi_mp_sgd_mom_update",
    "weight grad mom* weight32*",
    LOADED,
    {"momentum": 0.9},
    count=2,
    extra=RATES,
    dtypes=("float16",),
)
add("_multi_lamb_update", "weight grad mean var", MANY_LAMB, {**CLIP, "bias_correction": False, "upper_bound": 0.5}, count=2)
add("_multi_mp_lamb_update", "weight grad mean* var* weight32*", MANY_LAMB, count=2, dtypes=("float16",))
add("multi_lars", "", {"eta": 0.5, "eps": 0.1, "rescale_grad": 2.0}, extra=("lrs*", "var*", "n*", "wds*"), out=None)
add("multi_sum_sq", "array", {"num_arrays": 2}, count=2, dtypes=("float32", "float64"), out=None)
add("all_finite", "array", {}, dtypes=FLOATS, out=None)
add("multi_all_finite", "array", {"num_arrays": 2}, count=2, out=None)
add("fill_element_0index", "", {}, extra=("lhs", "mhs", "rhs"), out=None)

# States that MXNet leaves as they were, against its documentation.
KEPT = {"mp_lamb_update_phase2": ("weight32",)}


def label(case):
    """What a case is called."""
    op, _, _, _, params, dtype, _ = case
    return "%s-%s-%s" % (op, dtype, ",".join("%s=%s" % pair for pair in params.items()).replace(" ", ""))


def values(name, place, shape):
    """The numbers of an array: the same on every machine."""
    rng = np.random.RandomState(zlib.crc32(("%s %d" % (name, place)).encode()))
    whole = rng.permutation(999)[: int(np.prod(shape))].reshape(shape)
    return (whole + 200) / 512.0 if name in POSITIVE else (whole - 499) / 256.0


def observe(mx, case):
    """The outputs, then the states, by name; the weight is updated in place where there is one."""
    op, each, count, extra, params, dtype, out = case
    arrays = {}

    def make(name, place, shape):
        plain = name.rstrip("*")
        kind = "float32" if name.endswith("*") else dtype
        number = {"rescale_grad": 0.5, "lrs": (0.1, 0.2), "wds": (0.01, 0.0), "rhs": (2, 0)}.get(plain)
        data = values(plain, place, shape) if number is None else np.full(shape, number)
        if plain == "weight32":
            data = values("weight", place, shape)
        arrays["%s %d" % (plain, place)] = mx.nd.array(data, dtype=kind)
        return arrays["%s %d" % (plain, place)]

    given = [make(name, place, SHAPE) for place in range(count) for name in each]
    shapes = {"rescale_grad": (1,), "r1": (1,), "r2": (1,), "weight32": SHAPE, "lhs": SHAPE}
    given += [make(name, 0, shapes.get(name.rstrip("*"), (2,))) for name in extra]
    call = getattr(mx.nd, op, None) or getattr(mx.nd._internal, op)
    targets = [arrays["weight %d" % place] for place in range(count)] if out else None
    result = call(*given, out=targets[0] if targets and count == 1 else targets, **params)
    outputs = targets or (result if isinstance(result, list) else [result])
    seen = {"out %d" % i: value.asnumpy() for i, value in enumerate(outputs)}
    kept = KEPT.get(op, ())
    states = {k: v.asnumpy() for k, v in arrays.items() if k.split()[0] not in ("weight", "grad", "array") + kept}
    return {**seen, **states}
