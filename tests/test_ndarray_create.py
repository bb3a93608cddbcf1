"""Making arrays: values, types, devices, copies and what is refused."""

import pickle

import numpy as np
import pytest

import rsym as mx

nd = mx.nd
DTYPES = ["float16", "float32", "float64", "int8", "int32", "int64", "uint8", "bool"]


def same(array, values, dtype):
    assert array.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(array.asnumpy(), np.asarray(values, dtype=dtype))
    assert array.asnumpy().dtype == np.dtype(dtype)


@pytest.mark.parametrize("source", [[1, 2], (1.0, 2.0), np.array([1, 2]), np.array([1.0, 2.0]), np.int16([1, 2]), [True, 2]])
def test_arrays_are_single_precision_whatever_they_come_from(source):
    same(nd.array(source), [1, 2], "float32")


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_type_holds_values(dtype):
    same(nd.array([0, 1, 1], dtype=dtype), [0, 1, 1], dtype)
    same(nd.zeros((2, 3), dtype=dtype), np.zeros((2, 3)), dtype)
    same(nd.ones((2,), dtype=dtype), [1, 1], dtype)
    same(nd.full((2,), 1, dtype=dtype), [1, 1], dtype)
    same(nd.empty((2,), dtype=dtype), [0, 0], dtype)


def test_arrays_of_arrays_keep_their_type():
    same(nd.array(nd.array([1, 2], dtype="int32")), [1, 2], "int32")
    same(nd.array(nd.array([1.5, 2], dtype="float32"), dtype="float64"), [1.5, 2], "float64")


def test_an_array_is_a_copy():
    source = np.float32([1, 2])
    array = nd.array(source)
    source[:] = 7
    assert array.asnumpy().tolist() == [1, 2]
    twin = nd.array(array)
    twin[:] = 9
    assert array.asnumpy().tolist() == [1, 2]


def test_layouts_of_numpy_do_not_matter():
    values = np.arange(12, dtype="float32").reshape(3, 4)
    for view in (values.T, values[:, ::2], values[::-1], np.asfortranarray(values), values.astype(">f4")):
        np.testing.assert_array_equal(nd.array(view).asnumpy(), view)


@pytest.mark.parametrize("source", [np.uint16([1, 65535]), np.int16([-5, 7]), np.uint32([0, 2**32 - 1])])
def test_types_that_arrays_do_not_have_are_converted(source):
    np.testing.assert_array_equal(nd.array(source, dtype="int64").asnumpy(), source.astype("int64"))


def test_numbers_that_do_not_fit_wrap_around():
    same(nd.array([300, 257], dtype="uint8"), [44, 1], "uint8")
    same(nd.array([1.7, -1.7], dtype="int32"), [1, -1], "int32")


def test_brain_floats_are_shown_in_single_precision():
    array = nd.array([1.5, -2.0, 3.14159], dtype="bfloat16")
    assert array.asnumpy().dtype == np.float32
    # 3.14159 has 8 significant bits: 3.140625.
    assert array.asnumpy().tolist() == [1.5, -2.0, 3.140625]
    assert array.dtype == nd.zeros((1,), dtype="bfloat16").dtype
    assert array.astype("float32").asnumpy().tolist() == [1.5, -2.0, 3.140625]


def test_brain_floats_are_indexed_written_and_pickled():
    array = nd.zeros((2, 3), dtype="bfloat16")
    array[0] = 1.5
    array[:, 1] = nd.array([7, 8])
    array[1][2] = -3
    expected = [[1.5, 7, 1.5], [0, 8, -3]]
    assert array.asnumpy().tolist() == expected
    assert array[:, ::-1].asnumpy().tolist() == [row[::-1] for row in expected]
    assert array[nd.array([1])].asnumpy().tolist() == expected[1:]
    again = pickle.loads(pickle.dumps(array))
    assert again.dtype == array.dtype and again.asnumpy().tolist() == expected


def test_ranges():
    same(nd.arange(3), [0, 1, 2], "float32")
    same(nd.arange(1, 4, dtype="int32"), [1, 2, 3], "int32")
    same(nd.arange(5, 0, -2), [5, 3, 1], "float32")
    same(nd.arange(3, repeat=2), [0, 0, 1, 1, 2, 2], "float32")
    # The arithmetic of the type itself, as MXNet: 3 * 0.3 in single precision.
    same(nd.arange(0, 1, 0.3), np.arange(4, dtype="float32") * np.float32(0.3), "float32")
    for empty in ((0,), (5, 0), (1, 2, 0)):
        with pytest.raises(mx.MXNetError, match="arange"):
            nd.arange(*empty)


def test_numbers_at_equal_distances_and_diagonals():
    same(nd.linspace(0, 1, 5), np.linspace(0, 1, 5), "float32")
    same(nd.linspace(0, 1, 4, endpoint=False), [0, 0.25, 0.5, 0.75], "float32")
    same(nd.eye(2), np.eye(2), "float32")
    same(nd.eye(2, 3, 1, dtype="int32"), np.eye(2, 3, 1), "int32")


def test_shapes_may_be_numbers_and_lists():
    assert [nd.zeros(s).shape for s in (3, (3,), [3, 2], (np.int64(3), 2))] == [(3,), (3,), (3, 2), (3, 2)]
    same(nd.full(2, 2.5), [2.5, 2.5], "float32")


def test_an_array_to_write_into():
    target = nd.zeros((2,))
    assert nd.ones((2,), out=target) is target and target.asnumpy().tolist() == [1, 1]
    assert nd.full((2,), 5, out=target) is target and target.asnumpy().tolist() == [5, 5]


def test_joining_and_moving_axes():
    a, b = nd.ones((1, 2)), nd.zeros((1, 2))
    same(nd.concatenate([a, b]), [[1, 1], [0, 0]], "float32")
    same(nd.concat(a, b, dim=1), [[1, 1, 0, 0]], "float32")
    assert nd.concatenate([a], always_copy=False) is a
    assert nd.moveaxis(nd.zeros((2, 3, 4)), 0, 2).shape == (3, 4, 2)
    same(nd.onehot_encode(nd.array([0, 2]), nd.zeros((2, 3))), [[1, 0, 0], [0, 0, 1]], "float32")


def test_devices():
    assert nd.zeros((1,)).context == mx.cpu(0)
    assert nd.zeros((1,), ctx=mx.cpu(2)).context == mx.cpu(2)
    with mx.cpu(3):
        assert nd.array([1]).context == nd.ones((1,)).context == mx.cpu(3)
    x = nd.array([1, 2])
    assert x.as_in_context(mx.cpu(0)) is x
    moved = x.as_in_context(mx.cpu(1))
    moved[:] = 0
    assert moved.context == mx.cpu(1) and x.asnumpy().tolist() == [1, 2]
    assert (moved + 1).context == mx.cpu(1)
    assert x.copyto(mx.cpu(4)).context == mx.cpu(4)


@pytest.mark.parametrize(
    "act",
    [
        lambda gpu: nd.zeros((1,), ctx=gpu),
        lambda gpu: nd.array([1], ctx=gpu),
        lambda gpu: nd.ones((1,), gpu),
        lambda gpu: nd.arange(3, ctx=gpu),
        lambda gpu: nd.zeros((1,)).as_in_context(gpu),
        lambda gpu: nd.zeros((1,)).copyto(gpu),
    ],
)
def test_a_gpu_is_a_clear_error(act):
    with pytest.raises(mx.MXNetError, match=r"gpu\(3\) is not there.*mx.cpu"):
        act(mx.gpu(3))


REFUSED = {
    "text": (lambda: nd.array("abc"), TypeError, "array like"),
    "texts": (lambda: nd.array(["a"]), TypeError, "array like"),
    "ragged lists": (lambda: nd.array([[1, 2], [3]]), TypeError, "array like"),
    "a number beyond all types": (lambda: nd.array([2**70], dtype="int64"), TypeError, "array like"),
    "type not there": (lambda: nd.array([1], dtype="complex64"), KeyError, "complex64.*float32"),
    "type not there, of zeros": (lambda: nd.zeros((1,), dtype="complex64"), mx.MXNetError, "complex64.*float32"),
    "type unknown": (lambda: nd.zeros((1,), dtype="foo"), TypeError, "foo.*float32"),
    "negative shape": (lambda: nd.zeros((2, -1)), mx.MXNetError, "-1"),
    "fractional shape": (lambda: nd.zeros((2.5,)), mx.MXNetError, "2.5"),
    "shape a text": (lambda: nd.zeros("a"), mx.MXNetError, "'a'"),
    "keyword unknown": (lambda: nd.zeros((2,), foo=3), mx.MXNetError, "'foo'.*shape"),
    "sparse storage": (lambda: nd.zeros((2,), stype="csr"), mx.MXNetError, "dense"),
    "too large": (lambda: nd.zeros((1 << 40, 1 << 40)), (mx.MXNetError, MemoryError), "%d" % (1 << 40)),
    "too large for the machine": (lambda: nd.zeros((1 << 50,)), (mx.MXNetError, MemoryError), "%d" % (1 << 50)),
    "nothing to join": (lambda: nd.concatenate([]), AssertionError, "at least one"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case):
    act, kind, pattern = REFUSED[case]
    with pytest.raises(kind, match=pattern):
        act()


def test_empty_arrays():
    empty = nd.array([])
    assert (empty.shape, empty.size, empty.asnumpy().tolist(), bool(empty)) == ((0,), 0, [], False)
    assert nd.array(np.zeros((0, 3))).shape == (0, 3)


def test_repr_shows_values_shape_and_device():
    assert repr(nd.array([[1, 2]])) == "\n[[1. 2.]]\n<NDArray 1x2 @cpu(0)>"


@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_are_pickled_with_type_and_device(dtype):
    array = nd.array([[0, 1], [1, 1]], ctx=mx.cpu(1), dtype=dtype)
    again = pickle.loads(pickle.dumps(array))
    same(again, array.asnumpy(), dtype)
    assert again.context == mx.cpu(1) and type(again) is nd.NDArray
    again[:] = 0
    assert array.asnumpy().any()


@pytest.mark.parametrize("axis", [-4, -1, 0, 2, 3])
def test_expand_dims_in_place_shares_the_memory(axis):
    x = mx.nd.array(np.arange(24).reshape(2, 3, 4))
    view = x.expand_dims(axis, inplace=True)
    assert view.shape == np.expand_dims(x.asnumpy(), axis).shape == x.expand_dims(axis).shape
    view[:] = 7
    assert (x.asnumpy() == 7).all()


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2), (0, 2, 4)])
def test_squeeze_in_place_shares_the_memory(axis):
    x = mx.nd.array(np.arange(6).reshape(1, 2, 1, 3, 1))
    view = x.squeeze(axis, inplace=True)
    assert view.shape == np.squeeze(x.asnumpy(), axis).shape == x.squeeze(axis).shape
    view[:] = 7
    assert (x.asnumpy() == 7).all()
    assert mx.nd.ones((1, 1)).squeeze(inplace=True).shape == (1,)


def test_views_in_place_refuse_axes_that_do_not_fit():
    x = mx.nd.ones((1, 3))
    for call in (lambda: x.expand_dims(3, inplace=True), lambda: x.squeeze(1, inplace=True), lambda: x.squeeze(2, inplace=True)):
        with pytest.raises(ValueError):
            call()
    assert x.flatten(inplace=True).shape == x.flatten().shape == (1, 3)
    with pytest.raises(ValueError, match="into shape"):
        x.reshape((2, 3))


def test_a_numpy_shape_is_a_parameter():
    x = mx.nd.ones((1, 3))
    assert x.broadcast_to(shape=np.array([2, 3])).shape == (2, 3)
    assert mx.sym.broadcast_to(mx.sym.Variable("x"), shape=np.array([2, 3])).attr("shape") == "[2, 3]"


def test_cached_op_is_a_symbol_on_arrays():
    net = mx.sym.FullyConnected(mx.sym.Variable("x"), num_hidden=2, name="fc", attr={"ctx_group": "a"})
    op = mx.nd.CachedOp(mx.sym.Group([net, mx.sym.split(net, num_outputs=2, axis=1)[1]]))
    x, w, b = mx.nd.array([[1, 2]]), mx.nd.array([[1, 0], [3, 4]]), mx.nd.array([10, 20])
    dense, second = op(x, w, b)
    assert (dense.asnumpy().tolist(), second.asnumpy().tolist()) == ([[11, 31]], [[31]])
    out = [mx.nd.zeros((1, 2)), mx.nd.zeros((1, 1))]
    assert op(x, w, b, out=out) is out and out[1].asnumpy().tolist() == [[31]]
    with pytest.raises(ValueError, match="fc_bias"):
        op(x, w)


def test_values_that_mxnet_pickled():
    # The float32 array [0.5, 2] on a GPU, as NDArray.__getstate__ of MXNet 1.9.1 gives it.
    content = bytes.fromhex("c9fa93f9 00000000 01000000 0200000000000000 02000000 00000000 00000000 0000003f 00000040")
    array = nd.zeros((2,))
    array.__setstate__({"handle": bytearray(content)})
    assert array.asnumpy().tolist() == [0.5, 2]
    array.__setstate__({"handle": None})
    assert array.asnumpy().tolist() == [0.5, 2]
    with pytest.raises(mx.MXNetError, match="float64"):
        nd.zeros((2,), dtype="float64").__setstate__({"handle": content})


def test_there_is_one_storage_type():
    array = nd.array([1, 2])
    copy = array.tostype("default")
    copy[:] = 0
    assert array.asnumpy().tolist() == [1, 2]
    with pytest.raises(mx.base.NotSupportedForSparseNDArray):
        array.tostype("csr")


def test_symbols_that_draw_pass_over_an_input_and_take_the_shape_of_their_surroundings():
    other = mx.sym.Variable("other")
    net = mx.sym.random.randn(data=other) + mx.sym.Variable("x")
    assert net.list_arguments() == ["x"] and net.infer_shape(x=(4, 5))[1] == [(4, 5)]
    assert mx.sym.random.uniform(shape=(3,), data=other).infer_shape() == ([], [(3,)], [])
    with pytest.raises(mx.MXNetError, match="data"):
        mx.nd.random.randn(data=nd.ones((2, 3)))


def test_operators_that_draw_nothing_leave_the_random_numbers_as_they_are():
    mx.random.seed(7)
    expected = mx.nd.random.uniform(shape=(5,)).asnumpy()
    mx.random.seed(7)
    (mx.nd.ones((3,)) + 1).exp()
    np.testing.assert_array_equal(mx.nd.random.uniform(shape=(5,)).asnumpy(), expected)
