"""Small trainings against MXNet 1.9.1, as `oracle/record_training.py` wrote them down."""

import json
import pathlib
import sys

import numpy as np
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import rsym as mx  # noqa: E402
from oracle import training  # noqa: E402

RECORDED = json.loads((pathlib.Path(__file__).resolve().parent / "oracle" / "training.json").read_text())


def test_every_case_is_recorded_and_every_recording_has_its_case():
    assert list(RECORDED) == [training.label(case) for case in training.CASES]


@pytest.mark.parametrize("case", training.CASES, ids=training.label)
def test_trainings_go_as_recorded(case):
    recorded, seen = RECORDED[training.label(case)], training.observe(mx, case)
    assert seen["events"] == recorded["events"]
    assert seen["log"] == recorded["log"]
    assert seen["arrays"].keys() == recorded["arrays"].keys()
    for name, array in seen["arrays"].items():
        np.testing.assert_allclose(array.ravel(), recorded["arrays"][name], rtol=5e-4, atol=5e-5, err_msg=name)
