"""Published models of MXNet: every file loads, lists and infers as MXNet 1.9.1 does; those with parameters answer alike."""

import json
import pathlib
import re
import sys

import numpy as np
import pytest

import rsym as mx
from conftest import SHARED
from rsym import _rsym

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "examples"))
import pretrained  # noqa: E402

FOLDERS = sorted(p.parent for p in SHARED.glob("models/*/expect.json")) if SHARED else []
ANSWERING = [f for f in FOLDERS if (f / "oracle_1.9.1.npz").exists()]


def stages():
    """The models of stage `first`, from the index."""
    rows = [line.split("|") for line in (SHARED / "models/INDEX.md").read_text().split("\n") if line.startswith("| ")]
    return {row[1].strip() for row in rows if row[5].strip() == "first"}


FIRST = stages() if SHARED else set()


def by_name(folders):
    return pytest.mark.parametrize("folder", folders, ids=[f.name for f in folders])


def test_the_models_are_there(shared):
    assert len(FOLDERS) == 113
    assert len(FIRST) == 80


def load(folder):
    expect = json.loads((folder / "expect.json").read_text())
    return expect, mx.sym.load(folder / expect["symbol"])


@by_name(FOLDERS)
@pytest.mark.filterwarnings("ignore")
def test_lists_what_mxnet_lists_and_saves_stably(folder):
    expect, symbol = load(folder)
    if "arguments" in expect:
        assert symbol.list_arguments() == expect["arguments"]
        assert symbol.list_outputs() == expect["outputs"]
        assert symbol.list_auxiliary_states() == expect["aux"]
    text = symbol.tojson()
    assert mx.sym.load_json(text).tojson() == text


DETECTORS = ("deepjavalibrary__ssd_512_resnet50_v1", "deepjavalibrary__ssd_512_vgg16_atrous")


@by_name([f for f in FOLDERS if f.name in FIRST or f.name in DETECTORS])
@pytest.mark.filterwarnings("ignore")
def test_infers_what_mxnet_infers(folder):
    expect, symbol = load(folder)
    shapes = symbol.infer_shape(**{k: tuple(v) for k, v in expect.get("input_shapes", {}).items()})
    for got, key in zip(shapes, ("arg_shapes", "out_shapes", "aux_shapes")):
        wanted = expect.get(key)
        assert got == (None if wanted is None else [tuple(s) for s in wanted])


# Models that the test below leaves out, and why.
NOT_RUN = {"amzn__NewsGroupsSourceModel": "the shapes of the index give Reshape no whole number of rows"}
REGISTERED = {name for op in _rsym.operators() for name in [op["name"], *op["aliases"]]} | {"null"}


def complete(folder):
    """Whether MXNet infers all shapes of the model and rsym has all its operators."""
    expect = json.loads((folder / "expect.json").read_text())
    nodes = json.loads((folder / expect["symbol"]).read_text())["nodes"]
    return bool(expect.get("out_shapes")) and {node["op"] for node in nodes} <= REGISTERED


@by_name([f for f in ANSWERING if complete(f)])
def test_answers_what_mxnet_answers(folder):
    expect = json.loads((folder / "expect.json").read_text())
    model = pretrained.load(None, 0, folder / expect["symbol"], folder / expect["params"])
    inputs = pretrained.read_inputs(folder / "oracle_1.9.1.npz", model[0], model[1])
    recorded = np.load(folder / "oracle_1.9.1.npz")
    outputs = pretrained.predict(*model, inputs)
    wanted = [recorded[k] for k in sorted(recorded.files, key=lambda k: int(re.sub(r"\D", "", k) or 0)) if k.startswith("out_")]
    assert len(outputs) == len(wanted)
    for got, want in zip(outputs, wanted):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-6)


RUNNING = [f for f in FOLDERS if complete(f) and f.name not in NOT_RUN]


def test_nearly_all_models_run(shared):
    assert len(RUNNING) >= 80


@by_name(RUNNING)
@pytest.mark.filterwarnings("ignore")
def test_models_of_registered_operators_bind_and_run(folder):
    expect, symbol = load(folder)
    executor = symbol.simple_bind(mx.cpu(), grad_req="null", **{k: tuple(v) for k, v in expect["input_shapes"].items()})
    assert [o.shape for o in executor.forward()] == [tuple(s) for s in expect["out_shapes"]]
