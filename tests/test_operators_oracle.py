"""Every recorded case: what MXNet 1.9.1 lists, infers, computes and refuses, rsym lists, infers, computes and refuses.

The cases are `oracle/cases`, the recordings `oracle/recorded`, made by `oracle/record.py`.
"""

import json
import pathlib
import re
import sys

import numpy as np
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import rsym as mx  # noqa: E402
from oracle import cases, observe, updates  # noqa: E402
from oracle.rows import OPERATORS, TIERS  # noqa: E402
from oracle.snippets.support import lacking  # noqa: E402

RECORDED = pathlib.Path(__file__).resolve().parent / "oracle" / "recorded"
TOLERANCE = {"float16": (1e-2, 4e-3), "float32": (1e-4, 1e-5), "float64": (1e-7, 1e-8)}


class Recording:
    """One family: its cases, the lines of its index and its numbers."""

    def __init__(self, family):
        self.cases = {one.id: one for one in cases.family(family)}
        self.lines = json.loads((RECORDED / f"{family}.json").read_text())
        with np.load(RECORDED / f"{family}.npz") as file:
            self.numbers = {dtype: file[dtype] for dtype in file.files}

    def array(self, place):
        dtype, offset, shape = place
        return self.numbers[dtype][offset : offset + int(np.prod(shape, dtype=int))].reshape(shape)


CANONICAL = {alias: name for name, op in OPERATORS.items() for alias in op["aliases"]}
RECORDINGS = {family: Recording(family) for family in cases.FAMILIES}
DEFINED = [
    pytest.param(recording, key, id=key)
    for recording in RECORDINGS.values()
    for key, one in recording.cases.items()
    if not one.undefined
]


# Operators that no recording of a call shows, and why.
UNRECORDED = {
    "Custom": "is what a Python class says; test_custom_op has its tests",
    "_contrib_count_sketch": "MXNet computes it on GPUs alone",
    "_contrib_fft": "MXNet computes it on GPUs alone",
    "_contrib_ifft": "MXNet computes it on GPUs alone",
    "_contrib_group_adagrad_update": "MXNet takes gradients of sparse storage alone",
    "reset_arrays": "has no outputs",
}


def answered():
    """The operators of which recordings show an answer."""
    found = {case[0] for case in updates.CASES}
    for recording in RECORDINGS.values():
        for key, one in recording.cases.items():
            if "arguments" in recording.lines[key]:
                found |= {one.op} if one.graph is None else set(re.findall(r'"op": "(\w+)"', observe.build(mx, one).tojson()))
    return {CANONICAL.get(name, name) for name in found}


def test_every_operator_is_recorded():
    here = {name for name, op in OPERATORS.items() if op["tier"] in TIERS}
    missing = here - answered()
    assert sorted(missing - set(UNRECORDED)) == [], "without a recording"
    assert sorted(set(UNRECORDED) - missing) == [], "stale entries"


def tolerance(one, dtype):
    """Of the coarsest floating type among the inputs and the answer; none for whole numbers."""
    if one.loose or dtype not in TOLERANCE:
        return one.loose, one.loose
    return max([TOLERANCE[dtype]] + [TOLERANCE[s.dtype] for s in one.inputs.values() if s.dtype in TOLERANCE])


def close(actual, expected, one, what):
    """Same dtype, same shape, same numbers within the tolerance; whole numbers exactly."""
    assert actual.dtype == expected.dtype, f"{what}: dtype {actual.dtype}, MXNet has {expected.dtype}"
    assert actual.shape == expected.shape, f"{what}: shape {actual.shape}, MXNet has {expected.shape}"
    rtol, atol = tolerance(one, expected.dtype.name)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol, err_msg=what)


def known(one):
    if one.graph is None and observe.function(mx, one.op) is None:
        pytest.skip(f"rsym has no operator {one.op}")


@pytest.mark.parametrize("family", cases.FAMILIES)
def test_every_case_is_recorded_and_every_recording_has_its_case(family):
    assert list(RECORDINGS[family].lines) == list(RECORDINGS[family].cases)


@pytest.mark.parametrize("recording, key", DEFINED)
def test_answers_as_recorded(recording, key):
    one, line = recording.cases[key], recording.lines[key]
    known(one)
    if "refused" in line:
        expected = getattr(mx, line["refused"]["class"], None) or getattr(__import__("builtins"), line["refused"]["class"])
        with pytest.raises(observe.Refused) as caught:
            observe.observe(mx, one)
        assert isinstance(caught.value.error, expected), f"{caught.value.error!r}, MXNet: {line['refused']}"
        return
    try:
        seen = observe.observe(mx, one)
    except observe.Refused as refused:
        if one.graph and lacking(refused.error):
            pytest.skip(f"rsym has no operator {lacking(refused.error)}")
        raise AssertionError(f"refused at {refused.stage}: {refused.error}") from refused
    for part in ("arguments", "auxiliary", "outputs", "shapes", "types"):
        # Inference may decide what MXNet leaves open.
        assert seen[part] == line[part] or part == "shapes" and line[part] == [None, None, None], part
    for part in ("out", "train"):
        assert len(seen[part]) == len(line[part])
        for place, value in enumerate(seen[part]):
            if one.drawn:
                assert [value.dtype.name, None, list(value.shape)] == line[part][place]
            else:
                close(value, recording.array(line[part][place]), one, f"{part} {place}")
    for part in ("grad", "aux"):
        assert sorted(seen.get(part, {})) == sorted(line[part])
        for name, value in seen.get(part, {}).items():
            close(value, recording.array(line[part][name]), one, f"{part} {name}")
