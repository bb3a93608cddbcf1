"""Python's operators on symbols, functions that take numbers, and fluent methods."""

import fractions
import operator

import numpy as np
import pytest

import rsym as mx
from rsym.base import NotImplementedForSymbol


@pytest.fixture(autouse=True)
def fresh_names():
    with mx.name.NameManager():
        yield


LEFT, RIGHT = np.float32([-2.5, 0.5, 3, 4]), np.float32([2, -0.75, 3, -1.5])
BINARY = [operator.add, operator.sub, operator.mul, operator.truediv, operator.mod]
COMPARISONS = [operator.eq, operator.ne, operator.gt, operator.ge, operator.lt, operator.le]


def value(symbol, **arrays):
    return symbol.eval(**{k: mx.nd.array(v) for k, v in arrays.items()})[0].asnumpy()


@pytest.mark.parametrize("op", BINARY + COMPARISONS)
def test_between_symbols_as_numpy(op):
    x, y = mx.sym.Variable("x"), mx.sym.Variable("y")
    np.testing.assert_allclose(value(op(x, y), x=LEFT, y=RIGHT), op(LEFT, RIGHT).astype("float32"), rtol=1e-6)


@pytest.mark.parametrize("number", [3, 2.5, np.float32(2.5), np.float64(-1.25), np.int64(3), np.array(2.0), -0.5])
@pytest.mark.parametrize("op", BINARY + COMPARISONS)
def test_with_a_number_on_either_side_as_numpy(op, number):
    x, plain = mx.sym.Variable("x"), float(number)
    np.testing.assert_allclose(value(op(x, number), x=LEFT), op(LEFT, np.float32(plain)).astype("float32"), rtol=1e-5)
    np.testing.assert_allclose(value(op(number, x), x=LEFT), op(np.float32(plain), LEFT).astype("float32"), rtol=1e-5)


def test_powers_and_signs_as_numpy():
    x, y, base = mx.sym.Variable("x"), mx.sym.Variable("y"), np.float32([0.5, 1, 2, 3])
    np.testing.assert_allclose(value(x**y, x=base, y=RIGHT), base**RIGHT, rtol=1e-6)
    np.testing.assert_allclose(value(x**2, x=base), base**2, rtol=1e-6)
    np.testing.assert_allclose(value(2**x, x=base), 2**base, rtol=1e-6)
    np.testing.assert_array_equal(value(-x, x=LEFT), -LEFT)
    np.testing.assert_array_equal(value(abs(x), x=LEFT), abs(LEFT))


@pytest.mark.parametrize(
    "make, name",
    [
        (lambda x: x + 1, "_plusscalar0"),
        (lambda x: 1 - x, "_rminusscalar0"),
        (lambda x: x * 2, "_mulscalar0"),
        (lambda x: 2 / x, "_rdivscalar0"),
        (lambda x: 5 % x, "_rmodscalar0"),
        (lambda x: 2**x, "_rpower_scalar0"),
        (lambda x: x == 2, "_equal_scalar0"),
        (lambda x: 5 < x, "_greater_scalar0"),
        (lambda x: np.float32(2) * x, "_mulscalar0"),
        (lambda x: np.int64(2) - x, "_rminusscalar0"),
        (lambda x: -x, "_mulscalar0"),
        (lambda x: mx.sym.pow(2, x), "_rpowerscalar0"),
        (lambda x: mx.sym.maximum(2, x), "_maximumscalar0"),
        (lambda x: mx.sym.hypot(x, x), "_hypot0"),
    ],
)
def test_names_of_arithmetic(make, name):
    assert make(mx.sym.Variable("x")).name == name


@pytest.mark.parametrize(
    "number, text", [(2, "2"), (2.5, "2.5"), (np.float32(2), "2.0"), (1e-7, "1e-07"), (float("inf"), "inf"), (np.int64(7), "7")]
)
def test_scalars_are_stored_as_python_writes_them(number, text):
    assert (mx.sym.Variable("x") + number).attr("scalar") == text


def test_in_place_operators_make_a_new_symbol():
    x = mx.sym.Variable("x")
    z = x
    z += 1
    z *= 3
    z -= x
    z /= 2
    assert x.list_outputs() == ["x"]
    assert value(z, x=[5.0]).tolist() == [6.5]


@pytest.mark.parametrize("other", [[1, 2], "a", None, np.array([1, 2]), object()])
@pytest.mark.parametrize("op", BINARY + COMPARISONS + [operator.pow])
def test_what_is_no_number_is_a_type_error_that_names_its_type(op, other):
    with pytest.raises(TypeError, match=type(other).__name__):
        op(mx.sym.Variable("x"), other)


def test_an_array_is_no_part_of_a_symbol():
    with pytest.raises(TypeError, match="NDArray"):
        mx.sym.Variable("x") + mx.nd.ones((2,))


def test_true_is_no_scalar():
    with pytest.raises(mx.MXNetError, match="'True'.*scalar.*double"):
        mx.sym.Variable("x") + True


@pytest.mark.parametrize("ask", [bool, lambda s: bool(s == s), lambda s: s in [mx.sym.Variable("x")], lambda s: s in s])
def test_truth_is_refused(ask):
    with pytest.raises(NotImplementedForSymbol, match="not implemented for Symbol"):
        ask(mx.sym.Variable("a"))


def test_a_symbol_is_hashed_by_identity():
    x = mx.sym.Variable("x")
    assert {x: 1}[x] == 1


@pytest.mark.parametrize(
    "function, left, right, result",
    [("pow", 2, 3, 8), ("power", 2, 3, 8), ("maximum", 1, 2, 2), ("minimum", 1, 2, 1), ("hypot", 3, 4, 5.0)],
)
def test_functions_of_two_numbers_give_a_number(function, left, right, result):
    assert getattr(mx.sym, function)(left, right) == result


@pytest.mark.parametrize(
    "function, twin", [("maximum", np.maximum), ("minimum", np.minimum), ("hypot", np.hypot), ("pow", np.power)]
)
def test_functions_of_symbols_and_numbers_as_numpy(function, twin):
    x, y, call = mx.sym.Variable("x"), mx.sym.Variable("y"), getattr(mx.sym, function)
    left, right = abs(LEFT), RIGHT
    np.testing.assert_allclose(value(call(x, y), x=left, y=right), twin(left, right), rtol=1e-6)
    np.testing.assert_allclose(value(call(x, 1.5), x=left), twin(left, np.float32(1.5)), rtol=1e-6)
    np.testing.assert_allclose(value(call(1.5, x), x=left), twin(np.float32(1.5), left), rtol=1e-6)


@pytest.mark.parametrize("function", ["pow", "maximum", "minimum", "hypot"])
def test_functions_name_the_types_they_do_not_take(function):
    with pytest.raises(TypeError, match="%s.*str.*not supported" % function):
        getattr(mx.sym, function)(mx.sym.Variable("x"), "a")


def test_fractions_are_numbers_too():
    assert value(mx.sym.Variable("x") * float(fractions.Fraction(1, 4)), x=[8.0]).tolist() == [2.0]


@pytest.mark.parametrize(
    "name", ["exp", "log", "sqrt", "square", "abs", "sin", "tanh", "sigmoid", "relu", "floor", "sign", "round"]
)
def test_fluent_methods_are_the_functions(name):
    x, values = mx.sym.Variable("x"), np.float32([0.25, 1.5, 2.75])
    np.testing.assert_array_equal(value(getattr(x, name)(), x=values), value(getattr(mx.sym, name)(x), x=values))


def test_fluent_methods_take_the_arguments_of_the_functions():
    x, values = mx.sym.Variable("x"), np.arange(6, dtype="float32").reshape(2, 3)
    np.testing.assert_array_equal(value(x.reshape(3, 2), x=values), values.reshape(3, 2))
    np.testing.assert_array_equal(value(x.reshape((-1,)), x=values), values.reshape(-1))
    np.testing.assert_array_equal(value(x.reshape(shape=(3, 2)), x=values), values.reshape(3, 2))
    np.testing.assert_array_equal(value(x.transpose(), x=values), values.T)
    np.testing.assert_array_equal(value(x.sum(axis=1), x=values), values.sum(1))
    np.testing.assert_array_equal(value(x.max(axis=0, keepdims=True), x=values), values.max(0, keepdims=True))
    np.testing.assert_array_equal(value(x.clip(1, 3), x=values), values.clip(1, 3))
    np.testing.assert_array_equal(value(x.slice_axis(axis=1, begin=0, end=2), x=values), values[:, :2])
    np.testing.assert_array_equal(value(x.expand_dims(0), x=values), values[None])
    assert x.astype("int32").eval(x=mx.nd.array(values))[0].dtype == np.int32


@pytest.mark.parametrize("name", ["asnumpy", "asscalar", "copy", "backward", "detach", "wait_to_read", "as_in_context"])
def test_methods_of_arrays_are_refused_by_name(name):
    with pytest.raises(NotImplementedForSymbol, match=name):
        getattr(mx.sym.Variable("x"), name)()


def test_every_fluent_method_of_mxnet_exists():
    names = """abs arccos arccosh arcsin arcsinh arctan arctanh argmax argmax_channel argmin argsort astype broadcast_axes
        broadcast_like broadcast_to cbrt ceil clip cos cosh degrees depth_to_space diag exp expand_dims expm1 fix flatten flip
        floor log log10 log1p log2 log_softmax max mean min nanprod nansum norm one_hot ones_like pad pick prod radians rcbrt
        reciprocal relu repeat reshape reshape_like rint round rsqrt shape_array sigmoid sign sin sinh size_array slice
        slice_axis slice_like softmax softmin sort space_to_depth split split_v2 sqrt square squeeze sum swapaxes take tan tanh
        tile topk transpose trunc zeros_like""".split()
    assert [n for n in names if not callable(getattr(mx.sym.Symbol, n, None))] == []
    assert [n for n in names if not callable(getattr(mx.nd.NDArray, n, None))] == []
