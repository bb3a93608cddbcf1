"""Holds for every operator of the registry.

Its names, inputs and parameters are those of MXNet 1.9.1 (`oracle/operators.json`); its parameters take every accepted
spelling and refuse all else in words that help; its gradient agrees with finite differences.
"""

import pathlib
import sys

import numpy as np
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import rsym as mx  # noqa: E402
from oracle.rows import (  # noqa: E402
    CASTS,
    GRAPHS,
    OPERATORS,
    OPTIMIZER,
    ROWS,
    array_of,
    arrays_of,
    kind_of,
    needed,
    row_of,
)
from rsym import _rsym  # noqa: E402
from rsym.ndarray import _ops as _nd_ops  # noqa: E402
from rsym.symbol import _ops  # noqa: E402
from rsym.test_utils import check_numeric_gradient  # noqa: E402

OURS = {op["name"]: op for op in _rsym.operators()}
THEIRS = OPERATORS
# What these are depends on Python classes and on graphs; test_operator and test_control_flow have their tests.
NAMES = sorted(OURS.keys() - set(GRAPHS))

# ---------------------------------------------------------------------------------------------------- the registry

SPARSE = "sparse storage is left out"
QUANTIZED = "int8 computation is left out"
AUXILIARY = "MXNet's list leaves the auxiliary states of its older operators out"
MORE_TYPES = "rsym takes bfloat16, bool and small integers wherever a type is chosen"
UNDOCUMENTED = "MXNet takes more than its documentation lists, and rsym lists what it takes"

LEFT_OUT_TIERS = {"sparse": SPARSE, "quantized": QUANTIZED}

# (operator, what differs): why. An operator that is missing differs in its "name".
KNOWN = {
    ("BatchNorm_v1", "inputs"): AUXILIARY,
    ("IdentityAttachKLSparseReg", "inputs"): AUXILIARY,
    ("_linspace", "parameters"): "MXNet documents those of _arange, and takes these",
    ("_linspace", "stop: type"): "as above",
    ("_linspace", "stop: default"): "as above",
    **{
        ("_contrib_DeformableConvolution", f"{param}: type"): "such a number is never negative"
        for param in ("num_filter", "num_group", "num_deformable_group")
    },
    ("_histogram", "range: type"): UNDOCUMENTED,
    ("smooth_l1", "scalar: type"): "the number is read in double precision",
    ("smooth_l1", "scalar: default"): UNDOCUMENTED,
    **{
        (op, f"{param}: type"): "elements may be None, which MXNet's name of the type does not say"
        for op in ("slice", "_slice_assign", "_slice_assign_scalar")
        for param in ("begin", "end", "step")
    },
    **{
        (op, f"{param}_locs: type"): "positions of inputs are read like a shape"
        for op, params in [
            ("_cond", ["cond_input", "then_input", "else_input"]),
            ("_foreach", ["in_state", "in_data", "remain"]),
            ("_while_loop", ["cond_input", "func_input", "func_var"]),
        ]
        for param in params
    },
    ("_linalg_potrf", "parameters"): UNDOCUMENTED,
    ("_linalg_potri", "parameters"): UNDOCUMENTED,
    **{
        (op, f"{param}: values"): MORE_TYPES
        for op, param in [
            ("_arange", "dtype"),
            ("_eye", "dtype"),
            ("_linspace", "dtype"),
            ("_np_cumsum", "dtype"),
            ("_sample_multinomial", "dtype"),
            ("amp_cast", "dtype"),
            ("argsort", "dtype"),
            ("norm", "out_dtype"),
            ("one_hot", "dtype"),
            ("topk", "dtype"),
        ]
    },
}


def spelled(text):
    """A default in one spelling: numbers in single precision, truth values as numbers, lists in brackets."""
    if text is None:
        return None
    text = {"False": "0", "True": "1"}.get(text, text).replace(" ", "").replace("(", "[").replace(")", "]").replace(",]", "]")
    try:
        return repr(float(np.float32(text)))
    except ValueError:
        return text


def our_type(param):
    """The type in MXNet's words."""
    kind = "enum" if param["values"] else param["type"]
    if kind == "Shape(tuple) or None":
        return "Shape or None"
    return kind


def their_type(param):
    # A shape that is None by default may be None, whatever its type is called.
    nullable = param["type"] == "Shape(tuple)" and param.get("default") == "None"
    return "Shape or None" if nullable else param["type"]


def parameter_differences(ours, theirs):
    values = list(ours["values"])
    if values and ours["type"].endswith("or None"):
        values.append("None")
    pairs = {
        "type": (our_type(ours), their_type(theirs)),
        "values": (sorted(values), sorted(theirs.get("values", []))),
        "default": (spelled(ours["default"]), spelled(theirs.get("default"))),
    }
    return {what: pair for what, pair in pairs.items() if pair[0] != pair[1]}


def differences(ours, theirs):
    """What differs between two descriptions of an operator, as {what: (ours, theirs)}."""
    if ours is None:
        return {"name": (None, theirs["name"])}
    found = {}
    variadic = theirs["variadic"]
    if ours["variadic"] != variadic:
        found["variadic"] = (ours["variadic"], variadic)
    # Inputs that a parameter counts have no names of their own.
    if not variadic and [name for name, _ in ours["inputs"]] != theirs["inputs"]:
        found["inputs"] = ([name for name, _ in ours["inputs"]], theirs["inputs"])
    if sorted(ours["aliases"]) != sorted(theirs["aliases"]):
        found["aliases"] = (sorted(ours["aliases"]), sorted(theirs["aliases"]))
    # Whether the counting parameter is listed differs from operator to operator in MXNet.
    own = {p["name"]: p for p in ours["params"] if p["name"] != variadic}
    other = {name: p for name, p in theirs["params"].items() if name != variadic}
    if list(own) != list(other):
        found["parameters"] = (list(own), list(other))
    for name in own.keys() & other.keys():
        found.update({f"{name}: {k}": v for k, v in parameter_differences(own[name], other[name]).items()})
    return found


def test_the_registry_is_that_of_mxnet():
    found = {}
    for name, theirs in THEIRS.items():
        if name not in OURS and theirs["tier"] in LEFT_OUT_TIERS:
            continue
        found.update({(name, what): pair for what, pair in differences(OURS.get(name), theirs).items()})
    unknown = [
        f"{name}, {what}: {ours}, MXNet {theirs}" for (name, what), (ours, theirs) in found.items() if (name, what) not in KNOWN
    ]
    assert not unknown, "\n".join(unknown)
    assert not sorted(set(KNOWN) - set(found)), "stale entries"
    assert not sorted(set(OURS) - set(THEIRS)), "operators that MXNet does not have"


def test_what_is_left_out_is_left_out_whole():
    here = [name for name, op in THEIRS.items() if op["tier"] in LEFT_OUT_TIERS and name in OURS]
    assert not here, f"no longer left out: {here}"


# ---------------------------------------------------------------------------------------------------- parameters


def function(op):
    """The function of an operator among those that are made from the registry, by its name or its first offered alias."""
    for name in [op["name"], *op["aliases"]]:
        home = next((h for h in ("contrib", "linalg", "random", "image") if name.startswith(f"_{h}_")), None)
        own = name.removeprefix(f"_{home}_") if home else name
        module = getattr(_ops, home or ("internal" if name.startswith("_") else "op"))
        if hasattr(module, own):
            return getattr(module, own)
    raise AssertionError(f"{op['name']} cannot be called under any name")


def compose(op, **params):
    inputs = [mx.sym.Variable("a")] if op["variadic"] else []
    return function(op)(*inputs, **params)


def parse(text, kind):
    """A value of a parameter from the text of its default."""
    if text in ("None", None):
        return None
    if kind == "boolean":
        return text == "True"
    if kind.startswith(("Shape", "tuple")):
        number = float if "float" in kind or "double" in kind else int
        return tuple(number(item) for item in text.strip("()").split(",") if item.strip())
    if kind in ("float", "double"):
        return float(text)
    return int(text) if kind.startswith(("int", "long")) else text


def spellings(param, value):
    """All the ways to write a value."""
    kind = kind_of(param)
    if value is None:
        return [None, "None"]
    if kind == "boolean":
        return [value, str(value), str(value).lower(), int(value), str(int(value)), np.bool_(value)]
    if kind.startswith(("Shape", "tuple")):
        ways = [value, list(value), str(value), str(list(value)), str(value).replace(" ", ""), f" {value} "]
        return ways
    if kind.startswith(("int", "long")):
        return [value, str(value), f" {value} ", f"{value}L", np.int32(value), np.int64(value)]
    if kind in ("float", "double"):
        return [value, str(value), f"{value:e}", np.float32(value), np.float64(value)] + [int(value)] * (value == int(value))
    if kind == "enum" and value in ("float16", "float32", "float64", "int8", "uint8", "int32", "int64", "bool"):
        return [value, np.dtype(value), np.dtype(value).type]
    return [value]


WRONG = {
    "boolean": ["yes", 2, ""],
    "int": [4.5, "a", True],
    "long": [4.5, "a", True],
    "float": ["a", True, "1,2"],
    "double": ["a", True, "1,2"],
    "Shape": ["(2", "a", "(1.5, 2)"],
    "tuple": ["(2", "a"],
    "enum": ["no_such_value"],
}


def wrong(param):
    kind = kind_of(param)
    return next((values for start, values in WRONG.items() if kind.startswith(start)), [])


def bounds(text):
    """A value outside of a range as Rust writes it, such as `1..` or `0.0..=1.0`."""
    low, high = text.replace(" ", "").split("..")
    number = float if "." in low or "." in high.strip("=") else int
    if low:
        return number(low) - 1
    return number(high.strip("=")) + 1


@pytest.mark.parametrize("name", NAMES)
def test_every_spelling_of_every_parameter_is_accepted(name):
    op = OURS[name]
    given = needed(op["name"])
    compose(op, **given)
    for param in op["params"]:
        key = param["name"]
        if key == op["variadic"] or param["type"].startswith("string") and not param["values"]:
            continue
        value = given[key] if key in given else parse(param["default"], kind_of(param))
        for way in spellings(param, value):
            compose(op, **{**given, key: way})


@pytest.mark.parametrize("name", NAMES)
def test_wrong_values_are_refused_with_what_is_allowed(name):
    op = OURS[name]
    for param in op["params"]:
        if param["name"] == op["variadic"]:
            continue
        for value in wrong(param):
            with pytest.raises(mx.MXNetError) as caught:
                compose(op, **{**needed(op["name"]), param["name"]: value})
            told = str(caught.value)
            assert name in told and param["name"] in told and str(value) in told, told
            for allowed in param["values"]:
                assert allowed in told, told
        if param["range"]:
            value = bounds(param["range"])
            with pytest.raises(mx.MXNetError) as caught:
                compose(op, **{**needed(op["name"]), param["name"]: value})
            assert param["name"] in str(caught.value), str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_unknown_parameters_are_refused_with_a_near_one(name):
    op = OURS[name]
    with pytest.raises(mx.MXNetError, match="no_such_parameter"):
        compose(op, **needed(op["name"]), no_such_parameter=1)
    for param in op["params"]:
        misspelled = param["name"][:-1] + "_" + param["name"][-1] if len(param["name"]) > 3 else None
        if misspelled is None or misspelled in [p["name"] for p in op["params"]]:
            continue
        with pytest.raises(mx.MXNetError) as caught:
            compose(op, **needed(op["name"]), **{misspelled: 1})
        assert f"did you mean '{param['name']}'" in str(caught.value), str(caught.value)


# ---------------------------------------------------------------------------------------------------- gradients

RANDOM = "draws random numbers; the gradient is zero, or that of the drawn mask"
LOSS = "a loss: its gradient is not that of its output"
NO_GRADIENT = "no gradient in MXNet either"
CONSTANT = "has no inputs"
ZERO = "the gradient is zero by MXNet's decision"
BY_DESIGN = "its gradient is not that of its output, by definition"
UPDATE = "changes weights and states in place; test_optimizer and the recordings compare it with MXNet"
HALF = "reads one half of a symmetric matrix; the tests in crates/ops change both halves"
SHAPES_OPEN = "the shape of the output depends on values, so it cannot be bound"

SINGLE = "computes in single precision, too coarse for these differences; test_contrib compares it"

# Operators whose gradient is not compared, and why.
EXEMPT = {
    **{
        name: RANDOM
        for name in OURS
        if name.startswith(("_random_", "_sample_", "_image_random_")) and not name.startswith("_random_pdf_")
    },
    **{name: RANDOM for name in ("Dropout", "_shuffle")},
    **{name: UPDATE for name in OPTIMIZER},
    **{name: HALF for name in ("_linalg_potrf", "_linalg_syevd")},
    **{name: BY_DESIGN for name in ("CTCLoss",)},
    **{
        name: LOSS
        for name in (
            "IdentityAttachKLSparseReg",
            "LinearRegressionOutput",
            "LogisticRegressionOutput",
            "MAERegressionOutput",
            "MakeLoss",
            "SVMOutput",
            "SoftmaxOutput",
            "make_loss",
        )
    },
    **{name: BY_DESIGN for name in ("BlockGrad", "_contrib_gradientmultiplier", "_contrib_round_ste", "_contrib_sign_ste")},
    **{name: CONSTANT for name in ("_arange", "_eye", "_full", "_linspace", "_ones", "_zeros")},
    **{
        name: NO_GRADIENT
        for name in (
            "_contrib_allclose",
            "_grad_add",
            "_histogram",
            "_image_resize",
            "_ravel_multi_index",
            "_slice_assign",
            "_slice_assign_scalar",
            "_unravel_index",
            "argmax_channel",
            "batch_take",
            "fill_element_0index",
            "khatri_rao",
            "_contrib_RROIAlign",
        )
    },
    **{
        name: ZERO
        for name in (
            "_contrib_MultiBoxDetection",
            "_contrib_MultiBoxPrior",
            "_contrib_MultiBoxTarget",
            "_contrib_MultiProposal",
            "_contrib_Proposal",
            "_contrib_bipartite_matching",
            "_contrib_box_decode",
            "_contrib_box_encode",
            "_contrib_box_iou",
        )
    },
    "_contrib_boolean_mask": SHAPES_OPEN,
    **{name: SINGLE for name in ("_image_adjust_lighting", "_image_to_tensor")},
}


def differentiable(sym, types):
    """The outputs of a symbol that have a floating point type."""
    _, kinds, _ = sym.infer_type(**types)
    return [sym[i] for i, kind in enumerate(kinds) if np.issubdtype(kind, np.floating)]


@pytest.mark.parametrize("name", [name for name in NAMES if name not in EXEMPT])
def test_gradients_agree_with_differences(name):
    op = OURS[name]
    inputs, grad, aux, params = row_of(name)
    rng = np.random.RandomState(len(name))
    variables = [mx.sym.Variable(f"x{i}") for i in range(len(inputs))]
    sym = function(op)(*variables, **params)
    arrays = {v.name: array_of(given, rng) for v, given in zip(variables, inputs)}
    wanted = [variables[i].name for i in (range(len(inputs)) if grad is None else grad)]
    states = None if aux is None else dict(zip(sym.list_auxiliary_states(), aux))
    for output in differentiable(sym, {key: "float64" for key in arrays}):
        check_numeric_gradient(
            output, arrays, states, numeric_eps=1e-5, rtol=1e-4, atol=1e-6, grad_nodes=wanted, dtype=np.float64
        )


def test_the_tables_name_registered_operators_once():
    assert not sorted(set(ROWS) - set(OURS)) + sorted(set(EXEMPT) - set(OURS)), "not registered"
    assert not sorted(set(ROWS) & set(EXEMPT)), "both compared and exempt"


# ---------------------------------------------------------------------------------------------------- types and extents

TOLERANCE = {"float16": (2e-2, 1e-2), "bfloat16": (1e-1, 6e-2), "float64": (1e-4, 1e-5)}

RANKED = "ranks by scores, which half precision makes equal"

# Operators whose result in another type is not that of float32, and why.
OTHER_IN_OTHER_TYPES = {
    **{name: RANDOM for name, why in EXEMPT.items() if why == RANDOM},
    **{name: CONSTANT for name, why in EXEMPT.items() if why == CONSTANT},
    "_contrib_boolean_mask": SHAPES_OPEN,
    "_contrib_allclose": "compares within tolerances finer than half precision",
    **{name: RANKED for name in ("_contrib_MultiProposal", "_contrib_Proposal")},
    **{name: UPDATE for name in OPTIMIZER},
    "RNN": "takes float32 and float64 alone, as in MXNet",
    **{name: "chooses the type itself" for name in CASTS},
    "batch_take": "takes int32 indices alone",
    "shape_array": "tells of the shape alone",
    "size_array": "tells of the shape alone",
}


def computed(name, dtype):
    """The outputs of an operator on inputs that are converted to a type first, in double precision."""
    arrays, aux, params = arrays_of(name)
    kinds = [dtype] + ["float32" if aux and dtype != "float64" else dtype] * (len(arrays) - 1)
    given = [mx.sym.Cast(mx.sym.Variable(f"x{i}"), dtype=kind) for i, kind in enumerate(kinds[: len(arrays)])]
    sym = function(OURS[name])(*given, **params)
    sym = mx.sym.Group([mx.sym.Cast(one, dtype="float64") for one in sym])
    shapes = {f"x{i}": a.shape for i, a in enumerate(arrays)}
    bound = sym.simple_bind(mx.cpu(), grad_req="null", **shapes)
    for i, array in enumerate(arrays):
        bound.arg_dict[f"x{i}"][:] = array
    for array, state in zip(bound.aux_arrays, aux or ()):
        array[:] = state
    return [out.asnumpy() for out in bound.forward(is_train=True)]


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", [name for name in NAMES if name not in OTHER_IN_OTHER_TYPES])
def test_every_floating_type_computes_what_float32_does(name, dtype):
    rtol, atol = TOLERANCE[dtype]
    for found, want in zip(computed(name, dtype), computed(name, "float32")):
        np.testing.assert_allclose(found, want, rtol=rtol, atol=atol)


@pytest.mark.parametrize("name", NAMES)
def test_arrays_without_elements_are_computed_or_refused(name):
    arrays, aux, params = arrays_of(name)
    states = [mx.nd.array(state) for state in aux or ()]
    made = function(OURS[name])
    call = getattr(getattr(_nd_ops, made.__module__.rsplit(".", 1)[1]), made.__name__)
    for axis in range(max((a.ndim for a in arrays), default=0)):
        for emptied in (arrays, arrays[:1]):
            shapes = [tuple(0 if i == axis else n for i, n in enumerate(a.shape)) for a in emptied]
            shapes += [a.shape for a in arrays[len(emptied) :]]
            try:
                call(*[mx.nd.zeros(shape) for shape in shapes], *states, **params)
            except mx.MXNetError as refusal:
                assert name in str(refusal), refusal


@pytest.mark.parametrize("name", [name for name in NAMES if name not in OPTIMIZER])
def test_gradients_without_elements_have_the_shapes_of_their_arrays(name):
    arrays, aux, params = arrays_of(name)
    made = function(OURS[name])
    call = getattr(getattr(_nd_ops, made.__module__.rsplit(".", 1)[1]), made.__name__)
    for axis in range(max((a.ndim for a in arrays), default=0)):
        given = [mx.nd.zeros(tuple(0 if i == axis else n for i, n in enumerate(a.shape))) for a in arrays]
        states = [mx.nd.array(state) for state in aux or ()]
        for array in given:
            array.attach_grad()
        try:
            with mx.autograd.record():
                outputs = call(*given, *states, **params)
            mx.autograd.backward(outputs if isinstance(outputs, list) else [outputs])
        except mx.MXNetError:
            continue
        assert [array.grad.shape for array in given] == [array.shape for array in given]
