"""The update operators against MXNet 1.9.1: outputs and states as `oracle/record_updates.py` wrote them down."""

import json
import pathlib
import sys

import numpy as np
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import rsym as mx  # noqa: E402
from oracle import updates  # noqa: E402

RECORDED = json.loads((pathlib.Path(__file__).resolve().parent / "oracle" / "updates.json").read_text())
# MXNet rounds the squares of a norm to half precision.
LOOSE = {"_multi_mp_lamb_update": (1e-4, 1e-5)}
TOLERANCE = {"float16": (2e-3, 1e-3), "float32": (1e-5, 1e-6), "float64": (1e-10, 1e-12)}


def test_every_case_is_recorded_and_every_recording_has_its_case():
    assert list(RECORDED) == [updates.label(case) for case in updates.CASES]


@pytest.mark.parametrize("case", updates.CASES, ids=updates.label)
def test_answers_as_recorded(case):
    recorded = RECORDED[updates.label(case)]
    seen = updates.observe(mx, case)
    assert list(seen) == list(recorded)
    for name, value in seen.items():
        want = recorded[name]
        assert (value.dtype.name, list(value.shape)) == (want["dtype"], want["shape"]), name
        rtol, atol = max(TOLERANCE[want["dtype"]], LOOSE.get(case[0], (0, 0)))
        np.testing.assert_allclose(value.ravel(), want["data"], rtol=rtol, atol=atol, err_msg=name)
