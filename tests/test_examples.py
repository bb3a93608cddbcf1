"""The examples run; what they save resumes to the bit; the curves tell what happened."""

import importlib.util
import json
import os
import subprocess
import sys

import numpy as np
import pytest

import rsym as mx

pytest.importorskip("sklearn", reason="the examples train on scikit-learn's data sets")

EXAMPLES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "examples")


def run(name, folder, *arguments, fails=False):
    """What an example prints."""
    command = [sys.executable, os.path.join(EXAMPLES, name), "--folder", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    return done.stdout + done.stderr


def curves(folder, name):
    with open(os.path.join(folder, name + "-curves.json")) as file:
        return json.load(file)


def module(name):
    """An example as a module."""
    sys.path.insert(0, EXAMPLES)
    try:
        spec = importlib.util.spec_from_file_location("example_" + name, os.path.join(EXAMPLES, name + ".py"))
        loaded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded)
        return loaded
    finally:
        sys.path.remove(EXAMPLES)


@pytest.mark.parametrize("example", ["regression.py", "recommender.py", "images.py"])
def test_examples_reach_what_they_promise(example, tmp_path):
    printed = run(example, tmp_path)
    assert "epoch   1" in printed and "held out" in printed


@pytest.mark.parametrize(
    "example, files",
    [("images.py", "lenet-digits"), ("regression.py", "regression"), ("recommender.py", "recommender")],
)
def test_a_run_that_is_resumed_ends_as_one_that_was_not_interrupted(example, files, tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for folder, epochs in ((whole, "3"), (parts, "2"), (parts, "3")):
        # Few epochs reach no goal: the exit status does not matter here.
        command = [sys.executable, os.path.join(EXAMPLES, example), "--epochs", epochs, "--resume", "--folder", str(folder)]
        subprocess.run(command, capture_output=True, timeout=300)
    if example == "regression.py":
        # Plain gradient descent without a state.
        assert "momentum" not in open(os.path.join(EXAMPLES, example)).read()
    assert curves(whole, files) == curves(parts, files)
    (_, one, _), (_, other, _) = (mx.model.load_checkpoint(str(folder / files), 3) for folder in (whole, parts))
    assert one.keys() == other.keys() and one
    for name in one:
        np.testing.assert_array_equal(one[name].asnumpy(), other[name].asnumpy(), err_msg=name)


def test_curves_hold_a_point_for_every_epoch(tmp_path):
    run("regression.py", tmp_path, "--epochs", "60")
    found = curves(tmp_path, "regression")
    assert len(found["training"]) == len(found["held out"]) == 60
    assert found["held out"][-1] < found["held out"][0]


def test_a_goal_that_is_missed_is_an_error(tmp_path):
    assert "expected more than 0.97" in run("images.py", tmp_path, "--epochs", "1", fails=True)


def test_the_text_is_read_in_buckets(tmp_path):
    text = module("text")
    (train, held_out), size = text.iterators()
    assert size < 130
    assert {batch.bucket_key for batch in train} <= set(text.BUCKETS)
    assert next(iter(held_out)).data[0].shape[0] == text.BATCH
    network, data_names, label_names = text.unrolled(size)(16)
    shapes = network.infer_shape(data=(text.BATCH, 16), softmax_label=(text.BATCH, 16))[1]
    assert (data_names, label_names, shapes) == (("data",), ("softmax_label",), [(text.BATCH * 16, size)])


def test_two_devices_compute_what_one_does():
    parallel = module("model_parallel")
    network = parallel.network(30)
    shapes = dict(data=(4, parallel.LENGTH), softmax_label=(4, parallel.LENGTH))
    outputs = []
    for groups in (None, {"first": mx.cpu(0), "second": mx.cpu(1)}):
        wanted = {name: "null" if name in shapes else "write" for name in network.list_arguments()}
        executor = network.simple_bind(mx.cpu(0), wanted, group2ctx=groups, **shapes)
        rng = np.random.RandomState(0)
        for name, array in executor.arg_dict.items():
            array[:] = rng.randint(0, 30, array.shape) if name in shapes else rng.uniform(-0.2, 0.2, array.shape)
        executor.forward(is_train=True)
        executor.backward()
        outputs.append([executor.outputs[0].asnumpy()] + [g.asnumpy() for g in executor.grad_dict.values() if g is not None])
    for one, other in zip(*outputs):
        np.testing.assert_array_equal(one, other)


def test_pieces_of_pictures_are_told_apart(tmp_path):
    pytest.importorskip("skimage", reason="the pictures are scikit-image's")
    images = module("images")
    train, held_out = images.pictures(str(tmp_path))
    batch = next(iter(held_out))
    assert batch.data[0].shape == (images.BATCH, 3, images.SIDE, images.SIDE)
    labels = np.concatenate([b.label[0].asnumpy()[: images.BATCH - b.pad] for b in train])
    assert set(labels) == set(range(len(images.PICTURES)))
