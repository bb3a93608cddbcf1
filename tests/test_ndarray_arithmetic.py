"""Arithmetic and functions of arrays, against NumPy where MXNet agrees with it."""

import operator

import numpy as np
import pytest

import rsym as mx

nd = mx.nd
BINARY = [operator.add, operator.sub, operator.mul, operator.truediv, operator.mod, operator.pow]
COMPARISONS = [operator.eq, operator.ne, operator.gt, operator.ge, operator.lt, operator.le]
IN_PLACE = [operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.imod]
LEFT = np.float32([[0.5, 1, 2], [3, 4.5, 6]])
PARTNERS = {
    "same shape": np.float32([[2, -1.5, 3], [0.25, 4.5, -2]]),
    "row": np.float32([2, 1, -0.5]),
    "column": np.float32([[2], [3]]),
    "one": np.float32([2]),
    "more dimensions": np.float32([[[2, 1, 3]], [[1, 2, 3]]]),
}


def close(array, values):
    assert array.shape == values.shape
    np.testing.assert_allclose(array.asnumpy(), values.astype("float32"), rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize("partner", PARTNERS)
@pytest.mark.parametrize("op", BINARY + COMPARISONS)
def test_between_arrays_with_broadcasting(op, partner):
    right = PARTNERS[partner]
    close(op(nd.array(LEFT), nd.array(right)), op(LEFT, right))
    if op is not operator.pow:
        close(op(nd.array(right), nd.array(LEFT)), op(right, LEFT))


@pytest.mark.parametrize(
    "number", [2, 2.5, -0.5, True, np.float32(2.5), np.float64(3), np.int64(2), np.array(2.0), np.bool_(True)]
)
@pytest.mark.parametrize("op", BINARY + COMPARISONS)
def test_with_a_number_on_either_side(op, number):
    plain = np.float32(number)
    close(op(nd.array(LEFT), number), op(LEFT, plain))
    if op is not operator.pow or plain > 0:
        close(op(number, nd.array(LEFT)), op(plain, LEFT))


@pytest.mark.parametrize("other", [PARTNERS["same shape"], PARTNERS["row"], 2, 2.5, np.float64(3)], ids=str)
@pytest.mark.parametrize("op", IN_PLACE)
def test_in_place_keeps_the_array_and_its_memory(op, other):
    array = nd.array(LEFT)
    first, view = array, array[0:1]
    array = op(array, nd.array(other) if isinstance(other, np.ndarray) else other)
    expected = op(LEFT.copy(), other if isinstance(other, np.ndarray) else np.float32(other))
    assert array is first
    close(array, expected)
    close(view, expected[:1])


def test_in_place_with_itself():
    x = nd.array([1, 2])
    x += x
    x *= x
    x -= x
    assert x.asnumpy().tolist() == [0, 0]


def test_negation_and_magnitude():
    close(-nd.array(LEFT), -LEFT)
    close(abs(nd.array(-LEFT)), LEFT)
    assert (-nd.array([1, 2], dtype="uint8")).asnumpy().tolist() == [255, 254]


@pytest.mark.parametrize("dtype", ["float16", "float64", "int8", "int32", "int64", "uint8"])
def test_types_stay_what_they_are(dtype):
    x = nd.array([7, 8], dtype=dtype)
    for result in (x + x, x + 1, 1 - x, x * 2, x == x, x > 1, -x, x / x):
        assert result.dtype == np.dtype(dtype)


def test_whole_numbers_divide_to_whole_numbers_and_truncate_scalars():
    x = nd.array([7, 8, -7], dtype="int32")
    assert (x / 2).asnumpy().tolist() == [3, 4, -3]
    assert (x / nd.array([2, 3, 2], dtype="int32")).asnumpy().tolist() == [3, 2, -3]
    assert (x + 1.9).asnumpy().tolist() == [8, 9, -6]
    assert (x * 2.7).asnumpy().tolist() == [14, 16, -14]
    assert (nd.array([2], dtype="int32") == 2.7).asnumpy().tolist() == [1]
    assert (nd.array([7, -7]) % 3).asnumpy().tolist() == [1, 2]


def test_comparisons_have_the_type_of_their_inputs():
    assert (nd.array([1, 2]) == nd.array([1, 3])).dtype == np.float32
    assert (nd.array([1, 2], dtype="int32") > 1).dtype == np.int32


@pytest.mark.parametrize("other", ["a", None, [1, 2], 1j, object()])
@pytest.mark.parametrize("op", BINARY + [operator.gt, operator.iadd])
def test_what_is_no_number_is_a_type_error_that_names_its_type(op, other):
    x = nd.array([1, 2])
    with pytest.raises(TypeError, match=type(other).__name__):
        op(x, other)
    assert x.asnumpy().tolist() == [1, 2]


def test_an_array_equals_no_other_object():
    assert (nd.array([1]) == None) is False  # noqa: E711
    assert (nd.array([1]) != None) is True  # noqa: E711


ERRORS = {
    "shapes": (lambda: nd.ones((2,)) + nd.ones((3,)), mx.MXNetError, ["broadcast_add", "(2,)", "(3,)"]),
    "shapes that must agree": (
        lambda: nd.elemwise_add(nd.ones((2,)), nd.ones((3,))),
        mx.MXNetError,
        ["elemwise_add", "(2,)", "(3,)"],
    ),
    "types": (lambda: nd.ones((2,)) + nd.ones((2,), dtype="int32"), mx.MXNetError, ["broadcast_add", "float32", "int32"]),
    "numbers": (lambda: nd.exp(3.0), AssertionError, ["exp", "data", "float", "nd.array"]),
    "numpy": (lambda: nd.exp(np.ones(2)), AssertionError, ["exp", "data", "ndarray", "nd.array"]),
    "nothing": (lambda: nd.exp(), mx.MXNetError, ["exp", "data"]),
    "unknown input": (lambda: nd.exp(foo=nd.ones((1,))), mx.MXNetError, ["exp", "'foo'", "data"]),
    "input twice": (lambda: nd.exp(nd.ones((1,)), data=nd.ones((1,))), TypeError, ["data"]),
    "unknown parameter": (
        lambda: nd.FullyConnected(nd.ones((1, 2)), num_hidden=3, foo=2),
        mx.MXNetError,
        ["FullyConnected", "'foo'"],
    ),
    "missing parameter": (
        lambda: nd.FullyConnected(nd.ones((1, 2)), nd.ones((3, 2)), no_bias=True),
        mx.MXNetError,
        ["num_hidden"],
    ),
    "bad parameter": (lambda: nd.Activation(nd.ones((1,)), act_type="foo"), mx.MXNetError, ["Activation", "'foo'", "'relu'"]),
    "weights": (
        lambda: nd.FullyConnected(nd.ones((1, 2)), nd.ones((3, 5)), no_bias=True, num_hidden=3),
        mx.MXNetError,
        ["FullyConnected", "(3, 2)", "(3, 5)", "data=(1, 2)"],
    ),
    "out of another shape": (lambda: nd.exp(nd.ones((2,)), out=nd.ones((3,))), mx.MXNetError, ["exp", "out", "(2,)", "(3,)"]),
    "out of another type": (
        lambda: nd.exp(nd.ones((2,)), out=nd.ones((2,), dtype="float64")),
        mx.MXNetError,
        ["exp", "out", "float32", "float64"],
    ),
    "out a number": (lambda: nd.exp(nd.ones((2,)), out=3), TypeError, ["NDArray"]),
    "growing in place": (lambda: operator.iadd(nd.ones((2,)), nd.ones((2, 2))), mx.MXNetError, ["(2, 2)", "(2,)"]),
    "operator unknown": (lambda: nd.no_such_operator(), AttributeError, ["no_such_operator"]),
    "method unknown": (lambda: nd.ones((1,)).no_such_method(), AttributeError, ["no_such_method"]),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors_say_what_is_wrong(case):
    act, kind, parts = ERRORS[case]
    with pytest.raises(kind) as caught:
        act()
    assert [p for p in parts if p not in str(caught.value)] == [], str(caught.value)


def test_out_is_written_and_given_back():
    x, target = nd.array([0, 1]), nd.zeros((2,))
    view = target[0:1]
    assert nd.exp(x, out=target) is target
    np.testing.assert_allclose(target.asnumpy(), np.exp([0, 1]), rtol=1e-6)
    assert view.asscalar() == 1
    assert nd.exp(x, out=x) is x and x.asnumpy()[0] == 1


def test_out_may_be_an_input_in_another_place():
    x = nd.array([[1, 2], [3, 4]])
    nd.broadcast_add(x, x[0:1], out=x)
    assert x.asnumpy().tolist() == [[2, 4], [4, 6]]


def test_several_outputs_are_a_list():
    parts = nd.SliceChannel(nd.array([[1, 2, 3, 4]]), num_outputs=2)
    assert [p.asnumpy().tolist() for p in parts] == [[[1, 2]], [[3, 4]]]


@pytest.mark.parametrize(
    "name, twin",
    [
        ("add", np.add),
        ("subtract", np.subtract),
        ("multiply", np.multiply),
        ("divide", np.divide),
        ("power", np.power),
        ("maximum", np.maximum),
        ("minimum", np.minimum),
        ("equal", np.equal),
        ("not_equal", np.not_equal),
        ("greater", np.greater),
        ("lesser", np.less),
        ("greater_equal", np.greater_equal),
        ("lesser_equal", np.less_equal),
        ("modulo", np.mod),
        ("logical_and", np.logical_and),
        ("logical_or", np.logical_or),
        ("logical_xor", np.logical_xor),
    ],
)
def test_functions_of_arrays_and_numbers(name, twin):
    call, right = getattr(nd, name), PARTNERS["same shape"]
    close(call(nd.array(LEFT), nd.array(abs(right))), twin(LEFT, abs(right)))
    close(call(nd.array(LEFT), 2), twin(LEFT, np.float32(2)))
    close(call(2, nd.array(LEFT)), twin(np.float32(2), LEFT))
    assert call(3, 2) == twin(3, 2)


def test_functions_name_the_types_they_do_not_take():
    with pytest.raises(TypeError, match="str.*not supported"):
        nd.add(nd.ones((2,)), "a")


def test_methods_are_the_functions():
    x = nd.array(LEFT)
    close(x.exp(), np.exp(LEFT))
    close(x.sum(axis=0), LEFT.sum(0))
    close(x.transpose(), LEFT.T)
    close(x.clip(1, 3), LEFT.clip(1, 3))
    close(x.max(), LEFT.max().reshape(1))
