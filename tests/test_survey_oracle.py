"""Every operator against MXNet 1.9.1, asked what it infers and which types it computes: the questions of `oracle/survey.py`.

rsym may know more than MXNet and take more types; where MXNet answers, rsym answers the same, unless a table says why not.
"""

import json
import pathlib
import sys

import numpy as np
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import rsym as mx  # noqa: E402
from oracle import survey  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent / "oracle" / "recorded"
RECORDED = json.loads((HERE / "survey.json").read_text())
with np.load(HERE / "survey.npz") as file:
    NUMBERS = {dtype: file[dtype] for dtype in file.files}

# Whether MXNet is compared with its own answers (`oracle/selftest.py`).
ITSELF = mx.__name__ == "mxnet"
NO_ANSWER = ("refused", "crash")

# ---------------------------------------------------------------------------------------------------- what differs, and why

AS_ZERO = "MXNet counts what it does not know as 0 and passes the result on as if it were known"

# Calls that infer other shapes from shapes that are not complete.
SHAPES_DIFFER = dict.fromkeys(
    ["Concat", "Concat three", "Concat last", "Pad", "RNN", "RNN lstm", "RNN gru", "UpSampling two", "_rnn_param_concat"], AS_ZERO
)
# Calls that infer other types from types that are not complete.
TYPES_DIFFER = {
    "amp_multicast": "the types of the outputs follow from all inputs; MXNet passes on what follows from some",
    "mp_lamb_update_phase1": "the weight may be bfloat16, in MXNet it is float16 whatever is known",
    "_multi_adamw_update": "the type of rescale_grad says nothing of the weights",
}
INT8 = "int8 computation is left out"
PICTURES = "MXNet resizes pictures of these types as if they were bytes"
INTEGER_SCALE = "MXNet scales the squares by the largest, in whole numbers"
NOT_A_NUMBER = "no whole number is NaN: MXNet gives 0 here and the smallest number elsewhere, rsym the smallest everywhere"
# (call, types of the inputs): why the results are others.
VALUES_DIFFER = {
    ("Convolution", "int8 int8 int8"): INT8,
    ("Convolution grouped", "int8 int8"): INT8,
    ("Convolution line", "int8 int8 int8"): INT8,
    ("Convolution volume", "int8 int8 int8"): INT8,
    ("_image_adjust_lighting", "float64"): "MXNet computes in single precision",
    ("_image_resize", "int8"): PICTURES,
    ("_image_resize", "int64"): PICTURES,
    ("_rdiv_scalar", "bool"): "a division by zero in whole numbers is 0 here and undefined in MXNet",
    ("erfinv", "int32"): NOT_A_NUMBER,
    ("erfinv", "int64"): NOT_A_NUMBER,
    **{("norm", kind): INTEGER_SCALE for kind in ("uint8", "int8", "int32", "int64")},
}


def test_every_operator_is_recorded():
    assert list(RECORDED) == survey.CALLS


def agrees(ours, theirs):
    """Whether all that MXNet tells is told, in groups of shapes or types."""
    if theirs in NO_ANSWER:
        return True
    if ours == survey.REFUSED:
        return False
    pairs = zip(ours.split("|"), theirs.split("|"), strict=True)
    return all(alike_all(ours, theirs) for ours, theirs in pairs)


def alike(ours, theirs):
    """Whether a shape or type is what MXNet tells; what is open there may be known."""
    if theirs == "?":
        return True
    mine, other = ours.split("x"), theirs.split("x")
    return len(mine) == len(other) and all(b in ("0", a) for a, b in zip(mine, other))


def fits(name, known, heads):
    """Whether the shapes are those of the call, as far as they are known."""
    full = {f"x{i}": survey.shape_of(given) for i, given in enumerate(survey.row_of(name)[0])}
    full.update({f"h{i}": shape for i, shape in enumerate(heads)})
    return all(n in (0, m) for key, shape in known.items() for n, m in zip(shape, full[key]))


def computes(line, told):
    """Whether MXNet computes with types such as it infers."""
    args, outs, aux = told.split("|")
    inputs = " ".join(filter(None, (args, aux)))
    runs = [(given, [place[0] for place in places]) for given, places in line["run"].items() if places not in NO_ANSWER]
    return any(alike_all(given, inputs) and alike_all(" ".join(found), outs) for given, found in runs)


def alike_all(ours, theirs):
    return all(alike(a, b) for a, b in zip(ours.split(" "), theirs.split(" "), strict=True))


def questions(call, line, what):
    """What is known, and what MXNet makes of it."""
    name = call.name
    asked = survey.shape_questions(name, call.arguments, line["heads"])
    if what == "type":
        asked = survey.type_questions(call.arguments, call.outputs)
    return zip(asked, [line[f"{what} answers"][answer] for answer in line[what]], strict=True)


def may_refuse(name, line, what, known, theirs):
    """rsym refuses shapes that contradict each other, and types with which MXNet computes nothing, as soon as it sees them."""
    return not (fits(name, known, line["heads"]) if what == "shape" else computes(line, theirs))


def whole_question(known, call):
    return set(known) >= set(call.arguments) and all(0 not in shape for shape in known.values() if isinstance(shape, tuple))


def differences(name, what):
    """What differs, as (question, line); the tables speak of questions that leave something open."""
    line = RECORDED[name]
    call = survey.Call(mx, name)
    assert [call.arguments, call.auxiliary, call.outputs] == [line["arguments"], line["auxiliary"], line["outputs"]]
    told = {"shape": survey.told_shapes, "type": survey.told_types}[what]
    for known, theirs in questions(call, line, what):
        ours = told(call.infer(what, known))
        if not agrees(ours, theirs) and not (ours == survey.REFUSED and may_refuse(name, line, what, known, theirs)):
            yield whole_question(known, call), f"{name} {known}: {ours}, MXNet {theirs}"


@pytest.mark.parametrize("name", survey.CALLS)
def test_shapes_follow_as_in_mxnet(name):
    compared(name, "shape", SHAPES_DIFFER)


@pytest.mark.parametrize("name", survey.CALLS)
def test_types_follow_as_in_mxnet(name):
    compared(name, "type", TYPES_DIFFER)


def compared(name, what, table):
    found = list(differences(name, what))
    unknown = [line for whole, line in found if whole or name not in table]
    assert not unknown, "\n".join(unknown)
    assert found or name not in table or ITSELF, "a stale entry"


TOLERANCE = {"float16": (1e-2, 4e-3), "float32": (1e-4, 1e-5), "float64": (1e-7, 1e-8)}


def other_values(name, types, places):
    """What differs in the results."""
    call = survey.Call(mx, name)
    kinds = dict(zip(call.arguments + call.auxiliary, types.split()))
    try:
        outputs = call.run(kinds)
    except mx.MXNetError as error:
        return [f"refused: {error}"]
    found = []
    for out, (dtype, offset, shape) in zip(outputs, places, strict=True):
        if out.dtype.name != dtype or list(out.shape) != shape:
            found.append(f"{out.dtype.name} {out.shape}, MXNet {dtype} {shape}")
        elif offset is not None:
            want = NUMBERS[dtype][offset : offset + int(np.prod(shape, dtype=int))].reshape(shape)
            rtol, atol = max([TOLERANCE.get(kind, (0, 0)) for kind in (dtype, *kinds.values())])
            if not np.allclose(out.astype("float64"), want.astype("float64"), rtol, atol, equal_nan=True):
                found.append(f"{out.ravel()[:8]}, MXNet {want.ravel()[:8]}")
    return found


COMPUTED = [
    pytest.param(name, types, places, id=f"{name}-{types.replace(' ', ',')}")
    for name, line in RECORDED.items()
    for types, places in line["run"].items()
    if places not in NO_ANSWER
]


@pytest.mark.parametrize("name, types, places", COMPUTED)
def test_computes_what_mxnet_computes(name, types, places):
    found = other_values(name, types, places)
    if (name, types) in VALUES_DIFFER:
        assert found or ITSELF, "a stale entry"
    else:
        assert not found, "\n".join(found)


def test_the_tables_name_recorded_calls():
    computed = {(one.values[0], one.values[1]) for one in COMPUTED}
    assert set(VALUES_DIFFER) <= computed
    assert {*SHAPES_DIFFER, *TYPES_DIFFER} <= set(RECORDED)
