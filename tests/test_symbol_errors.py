"""Bad input to symbols: the class is that of MXNet or derived from it, the message names what is wrong."""

import numpy as np
import pytest

import rsym as mx
from rsym.base import NotImplementedForSymbol

S = mx.sym


def x(name="x"):
    return S.Variable(name)


def fc(**more):
    return S.FullyConnected(x(), **more)


def pair():
    return S.Group([x("a"), x("b")])


# What is done, the class of the error, and parts of its message.
CASES = {
    "parameter unknown": (lambda: fc(num_hidden=4, units=3), mx.MXNetError, ["FullyConnected", "'units'", "num_hidden"]),
    "parameter misspelt": (lambda: fc(num_hiden=4), mx.MXNetError, ["num_hiden"]),
    "parameter missing": (lambda: fc(), mx.MXNetError, ["FullyConnected", "num_hidden", "missing"]),
    "parameter too small": (lambda: fc(num_hidden=0, name="fc1"), mx.MXNetError, ["fc1", "'0'", "num_hidden", "1.."]),
    "parameter negative": (lambda: fc(num_hidden=-1), mx.MXNetError, ["'-1'", "num_hidden"]),
    "parameter no whole number": (lambda: fc(num_hidden=4.0), mx.MXNetError, ["'4.0'", "num_hidden", "int"]),
    "parameter True for a number": (lambda: fc(num_hidden=True), mx.MXNetError, ["'True'", "num_hidden", "int"]),
    "parameter no truth value": (lambda: fc(num_hidden=4, no_bias="yes"), mx.MXNetError, ["'yes'", "no_bias", "boolean"]),
    "parameter no choice": (lambda: S.Activation(x(), act_type="foo"), mx.MXNetError, ["'foo'", "act_type", "'relu'", "'tanh'"]),
    "parameter no shape": (lambda: S.Convolution(x(), kernel="a", num_filter=2), mx.MXNetError, ["'a'", "kernel", "Shape"]),
    "parameter given as symbol": (lambda: fc(num_hidden=x("n")), (TypeError, mx.MXNetError), ["num_hidden", "<Symbol n>"]),
    "outputs beyond all measure": (
        lambda: S.SliceChannel(x(), num_outputs=2**31 - 1),
        mx.MXNetError,
        ["SliceChannel", "2147483647"],
    ),
    "inputs beyond all measure": (lambda: S.Concat(num_args=2**31 - 1), mx.MXNetError, ["Concat", "2147483647"]),
    "input a number": (lambda: S.exp(3.0), AssertionError, ["exp", "data", "3.0"]),
    "input a text": (lambda: S.exp("a"), AssertionError, ["exp", "data", "'a'"]),
    "input a list": (lambda: S.FullyConnected(data=[x()], num_hidden=3), AssertionError, ["FullyConnected", "data"]),
    "input an array": (lambda: S.exp(mx.nd.ones((2,))), AssertionError, ["exp", "data"]),
    "parameter by position": (lambda: S.FullyConnected(x(), 4), AssertionError, ["FullyConnected", "weight", "4"]),
    "input twice": (lambda: S.exp(x(), data=x("y")), TypeError, ["data"]),
    "input unknown": (lambda: S.exp(foo=x()), mx.MXNetError, ["exp", "'foo'", "data"]),
    "inputs too many": (lambda: S.exp(x(), x("y")), NotImplementedForSymbol, ["exp", "<Symbol y>", "too many"]),
    "input of two outputs": (lambda: S.FullyConnected(pair(), num_hidden=3), mx.MXNetError, ["a, b", "symbol[0]"]),
    "name a number": (lambda: S.exp(x(), name=3), TypeError, ["exp", "name", "3"]),
    "operator unknown": (lambda: S.no_such_operator(x()), AttributeError, ["no_such_operator"]),
    "variable without name": (lambda: S.Variable(None), TypeError, ["name", "None"]),
    "variable named by a number": (lambda: S.Variable(3), TypeError, ["name", "3"]),
    "variable of a bad type": (lambda: S.Variable("x", dtype="complex64"), KeyError, ["complex64", "float32"]),
    "variable of no type": (lambda: S.Variable("x", dtype="foo"), TypeError, ["foo", "float32"]),
    "variable of a bad shape": (lambda: S.Variable("x", shape=("a",)), TypeError, ["'x'", "('a',)"]),
    "variable stored sparsely": (lambda: S.Variable("x", stype="csr"), ValueError, ["'x'", "csr", "default"]),
    "group of nothing": (lambda: S.Group([]), TypeError, ["list of symbols"]),
    "group of numbers": (lambda: S.Group([3]), TypeError, ["list of symbols", "3"]),
    "index past the end": (lambda: pair()[5], IndexError, ["5", "2 outputs"]),
    "index negative": (lambda: pair()[-1], mx.MXNetError, ["-1", "2 outputs"]),
    "index a fraction": (lambda: pair()[1.5], TypeError, ["integer", "1.5"]),
    "index None": (lambda: pair()[None], TypeError, ["None"]),
    "index of no output": (lambda: pair()["zz"], ValueError, ["'zz'"]),
    "index of two outputs": (lambda: S.Group([x(), x()])["x"], ValueError, ["several", "'x'"]),
    "slice of nothing": (lambda: pair()[1:1], TypeError, ["empty"]),
    "call with unknown name": (lambda: (x() + 1)(zz=x()), mx.MXNetError, ["'zz'", "x"]),
    "call with too many": (lambda: (x() + 1)(x(), x(), x()), mx.MXNetError, ["1", "3"]),
    "call with both kinds": (lambda: (x() + x("y"))(x(), y=x()), TypeError, ["positional", "keyword"]),
    "call with a number": (lambda: (x() + 1)(x=3), TypeError, ["Symbol", "3"]),
    "call with a pair": (lambda: (x() + 1)(x=pair()), mx.MXNetError, ["a, b"]),
    "attribute key a number": (lambda: x().attr(3), TypeError, ["int"]),
    "json a number": (lambda: S.load_json(3), TypeError, ["string"]),
    "json a path": (lambda: S.load_json("net.json"), mx.MXNetError, ["net.json", "load"]),
    "json empty": (lambda: S.load_json("{}"), mx.MXNetError, ["nodes"]),
    "file a number": (lambda: S.load(3), TypeError, ["string", "3"]),
    "file missing": (lambda: S.load("/no/such/file.json"), mx.MXNetError, ["/no/such/file.json"]),
    "file missing for Python": (lambda: S.load("/no/such/file.json"), FileNotFoundError, ["/no/such/file.json"]),
    "shape of unknown name": (lambda: (x() * 2).infer_shape(y=(2,)), mx.MXNetError, ["'y'", "x"]),
    "shape a number": (lambda: (x() * 2).infer_shape(x=3), TypeError, ["'x'", "int"]),
    "shape of fractions": (lambda: (x() * 2).infer_shape(x=(2.5,)), TypeError, ["'x'", "2.5"]),
    "shape an array": (lambda: (x() * 2).infer_shape(x=np.zeros(2)), TypeError, ["'x'", "shape"]),
    "shapes in both ways": (lambda: (x() * 2).infer_shape((2,), x=(2,)), ValueError, ["positional", "kwargs"]),
    "shapes too many": (lambda: (x() * 2).infer_shape((2,), (2,)), mx.MXNetError, ["2", "x"]),
    "type of unknown name": (lambda: (x() * 2).infer_type(y="float32"), mx.MXNetError, ["'y'", "x"]),
    "type unknown": (lambda: (x() * 2).infer_type(x="foo"), TypeError, ["'x'", "foo", "float32"]),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_an_error_that_says_what_is_wrong(case):
    act, kind, parts = CASES[case]
    with pytest.raises(kind) as caught:
        act()
    message = str(caught.value)
    assert [p for p in parts if p not in message] == [], message


def test_errors_of_symbols_are_runtime_errors():
    with pytest.raises(RuntimeError):
        fc(num_hidden=0)


def test_numbers_may_be_given_as_text_and_truth_values_as_numbers():
    net = S.FullyConnected(x(), num_hidden="4", no_bias=1, name="n")
    assert net.list_arguments() == ["x", "n_weight"]
    assert net.infer_shape(x=(2, 3))[1] == [(2, 4)]
    assert S.FullyConnected(x(), num_hidden=np.int64(4), no_bias="False", name="n").list_arguments() == [
        "x",
        "n_weight",
        "n_bias",
    ]


def test_none_stands_for_an_input_to_be_created():
    conv = S.Convolution(x(), None, x("b"), kernel=(3, 3), num_filter=2, name="c")
    assert conv.list_arguments() == ["x", "c_weight", "b"]
    assert S.exp(None, name="e").list_arguments() == ["e_data"]


@pytest.mark.parametrize("index", [3, -5])
def test_positions_outside_of_an_axis_are_index_errors(index):
    data, indices = mx.nd.ones((2, 3)), mx.nd.array([[0, 1], [0, index]])
    for error in (IndexError, mx.MXNetError):
        with pytest.raises(error, match=r"index %d .* outside of 0\.\.3" % index):
            mx.nd.gather_nd(data, indices)
    executor = S.gather_nd(x("d"), x("i"), name="g").bind(mx.cpu(), [data, indices])
    with pytest.raises(IndexError, match="'g'"):
        executor.forward()


@pytest.mark.parametrize("op, shape", [("depth_to_space", (1, 4, 0, 3)), ("space_to_depth", (1, 0, 2, 2))])
def test_blocks_of_nothing_are_refused(op, shape):
    with pytest.raises(mx.MXNetError, match="must not be empty"):
        getattr(mx.nd, op)(mx.nd.zeros(shape), 2)
