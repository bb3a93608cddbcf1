"""The benchmark runs without any peer, and its comparisons tell like from unlike."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

BENCHMARKS = pathlib.Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def modules(monkeypatch):
    """The modules of benchmarks/ by name."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import cases
    import check
    import measure
    import report

    return {"cases": cases, "check": check, "measure": measure, "report": report}


def run(*arguments):
    command = [sys.executable, str(BENCHMARKS / "run.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=200)


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    """What a tiny run writes."""
    folder = tmp_path_factory.mktemp("bench")
    only = ["--only=" + name for name in ("tojson ResNet-152", "tiny additions forward", "training loop*", "mlp*")]
    done = run(*only, "--seconds=0.01", "--burst=0.002", "--threads=1", "--out=%s" % folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_a_run_without_peers_writes_every_case(result):
    found = json.loads((result / "results.json").read_text())
    assert {"when", "command", "machine", "threads", "versions", "cases"} == set(found)
    assert [c["name"] for c in found["cases"]] == [
        "tojson ResNet-152",
        "tiny additions forward",
        "training loop MLP b64",
        "MLP b64 inference",
        "MLP b64 training",
    ]
    for case in found["cases"]:
        own = case["libraries"]["rsym"]
        assert own["bursts"] >= 3 and 0 < own["least"] <= own["median"]
        assert (case["ratios"], case["best_peer"], case["errors"]) == ({}, None, {})
    assert found["cases"][4]["libraries"]["rsym"]["peak_bytes"] > 0
    assert found["cases"][4]["libraries"]["rsym"]["planned_bytes"] > 0


def test_a_run_writes_a_table_and_a_plot(result):
    assert "MLP b64 training" in (result / "table.txt").read_text()
    assert (result / "ratios.svg").read_text().startswith("<svg")


def test_an_unknown_case_is_an_error():
    done = run("--only", "no such case")
    assert done.returncode != 0
    assert "no case is called no such case" in done.stderr


def test_a_ratio_comes_from_moments_that_are_alike(modules):
    burst = modules["measure"].Burst
    own = [burst(1.0, 0.9, 1.0, 1.0)] * 4 + [burst(9.0, 0.5, 5.0, 5.0)]
    other = [burst(2.0, 1.8, 1.0, 1.05)] * 4 + [burst(2.0, 1.8, 1.0, 1.0)]
    assert modules["measure"].compare(own, other) == (2.0, 4, True)


def test_a_ratio_from_unlike_moments_is_that_of_the_fastest_calls_and_marked(modules):
    burst = modules["measure"].Burst
    bursts = {"rsym": [burst(1.0, 0.8, 1.0, 1.0)] * 3, "MXNet": [burst(4.0, 2.4, 2.0, 2.0)] * 3}
    case = modules["cases"].row("some case", bursts)
    assert case["ratios"]["MXNet"] == pytest.approx(3.0)
    assert case["best_peer"] == "MXNet"
    assert not case["counted"]["MXNet"]["alike"]
    assert "3.00x~" in modules["report"].table_row({"versions": {"rsym": "", "MXNet": ""}}, case)


def test_wrong_outputs_are_told_from_rounded_ones(modules, tmp_path):
    right = np.linspace(0, 1, 20, dtype="float32")
    for name, array in (("own", right), ("near", right * (1 + 1e-6)), ("far", right[::-1])):
        np.savez(tmp_path / (name + ".npz"), output=array)
    difference, tolerance = modules["check"].difference, modules["check"].TOLERANCE["inference"]
    own, near, far = (tmp_path / (name + ".npz") for name in ("own", "near", "far"))
    assert difference("inference", own, near, None) < tolerance < difference("inference", own, far, None)


def test_wrong_updates_are_told_from_rounded_ones(modules, tmp_path):
    start = {"weight": np.ones(9, "float32"), "bias": np.ones(3, "float32")}
    after = {name: array - 0.01 * np.arange(array.size, dtype="float32") for name, array in start.items()}
    missed = {**after, "bias": start["bias"]}
    lost = {**after, "bias": np.full(3, np.nan, "float32")}
    files = {}
    for name, arrays in (("start", start), ("own", after), ("missed", missed), ("lost", lost)):
        files[name] = tmp_path / (name + ".npz")
        np.savez(files[name], **arrays)
    difference, tolerance = modules["check"].difference, modules["check"].TOLERANCE["training"]
    assert difference("training", files["own"], files["own"], files["start"]) == 0
    assert difference("training", files["own"], files["missed"], files["start"]) > tolerance
    assert difference("training", files["own"], files["lost"], files["start"]) > tolerance
