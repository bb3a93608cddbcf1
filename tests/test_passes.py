"""Passes can be switched off by name, and what users see does not depend on them."""

import os
import subprocess
import sys

import numpy as np
import pytest

import rsym as mx


def unit():
    x = mx.sym.Variable("x")
    conv = mx.sym.Convolution(x, name="conv", num_filter=16, kernel=(3, 3), pad=(1, 1))
    norm = mx.sym.BatchNorm(conv, name="norm", fix_gamma=False)
    return mx.sym.Activation(norm + mx.sym.tanh(norm * 2), name="act", act_type="relu")


def bound(symbol, **shapes):
    executor = symbol.simple_bind(mx.cpu(), grad_req="null", **shapes)
    random = np.random.RandomState(3)
    for _, array in sorted({**executor.arg_dict, **executor.aux_dict}.items()):
        array[:] = random.uniform(0.2, 1, array.shape)
    return executor


@pytest.mark.parametrize("left_out", [[name] for name in mx.passes.names()] + [["all"], ["fuse", "layout"]])
def test_results_do_not_depend_on_a_pass(left_out):
    want = bound(unit(), x=(2, 16, 9, 10)).forward()[0].asnumpy()
    with mx.passes.off(*left_out):
        executor = bound(unit(), x=(2, 16, 9, 10))
    np.testing.assert_allclose(executor.forward()[0].asnumpy(), want, rtol=1e-5, atol=1e-5)


def test_monitors_see_every_value_of_the_graph_as_written():
    symbol = unit()
    executor = bound(symbol, x=(1, 16, 5, 5))
    seen = {}
    executor.set_monitor_callback(lambda name, array: seen.update({name: array.asnumpy()}))
    with_monitor = executor.forward()[0].asnumpy()
    assert list(seen) == [name for name in symbol.get_internals().list_outputs() if name.endswith("output")]
    parts = bound(symbol.get_internals(), x=(1, 16, 5, 5))
    parts.forward()
    for name, array in seen.items():
        np.testing.assert_allclose(array, parts.output_dict[name].asnumpy(), rtol=1e-5, atol=1e-5)
    executor.set_monitor_callback(None)
    np.testing.assert_allclose(executor.forward()[0].asnumpy(), with_monitor, rtol=1e-5, atol=1e-5)


def test_weights_written_through_numpy_take_effect():
    executor = bound(unit(), x=(1, 16, 5, 5))
    before = executor.forward()[0].asnumpy()
    view = np.asarray(executor.arg_dict["conv_weight"])
    executor.forward()
    view *= 2
    assert not np.allclose(executor.forward()[0].asnumpy(), before)


def test_an_unknown_pass_is_refused_with_the_names_of_the_known_ones():
    with pytest.raises(mx.MXNetError, match="no pass 'speed'.*cse.*all"):
        with mx.passes.off("speed"):
            pass
    code = "import rsym as mx; mx.sym.Variable('x').simple_bind(mx.cpu(), x=(1,))"
    run = subprocess.run([sys.executable, "-c", code], env=dict(os.environ, RSYM_PASSES_OFF="cse,speed"), capture_output=True)
    assert run.returncode == 1 and b"no pass 'speed'" in run.stderr


def test_switched_off_passes_come_back():
    x = mx.sym.Variable("x")
    with mx.passes.off("all"):
        with mx.passes.off("cse"):
            pass
        plain = (x + 1 + (x + 1)).simple_bind(mx.cpu(), x=(2,))
    fast = (x + 1 + (x + 1)).simple_bind(mx.cpu(), x=(2,))
    assert len(plain.get_optimized_symbol().get_internals()) == 4
    assert len(fast.get_optimized_symbol().get_internals()) == 3
