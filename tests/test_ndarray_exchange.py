"""Copies, shapes, types, files, and the ways to other libraries."""

import copy
import os
import pickle
import threading

import numpy as np
import pytest

import rsym as mx

nd = mx.nd


@pytest.fixture
def values():
    return np.arange(6, dtype="float32").reshape(2, 3)


def test_asnumpy_is_a_copy(values):
    array = nd.array(values)
    array.asnumpy()[:] = 7
    np.testing.assert_array_equal(array.asnumpy(), values)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "int32", "int64", "uint8", "bool"])
def test_numpy_sees_the_memory(values, dtype):
    array = nd.array(values, dtype=dtype)
    seen = np.asarray(array)
    assert seen.dtype == np.dtype(dtype) and seen.shape == (2, 3)
    seen[1, 2] = 0
    assert array[1, 2].asscalar() == 0
    array[:] = 1
    assert seen.all()


def test_numpy_may_ask_for_a_copy_or_another_type(values):
    array = nd.array(values)
    copied = np.array(array)
    copied[:] = 9
    assert np.asarray(array, dtype="float64").dtype == np.float64
    np.testing.assert_array_equal(array.asnumpy(), values)


def test_what_numpy_sees_outlives_the_array():
    seen = np.asarray(nd.array([1, 2, 3]))
    assert (seen + 1).tolist() == [2, 3, 4]


def test_numpy_functions_take_arrays(values):
    array = nd.array(values)
    np.testing.assert_allclose(np.exp(array), np.exp(values), rtol=1e-6)
    assert np.array([nd.array([1]), nd.array([2])]).shape == (2, 1)
    assert np.allclose(array, values)
    assert np.concatenate([array, values]).shape == (4, 3)


def test_arithmetic_with_numpy_arrays_gives_arrays(values):
    for result in (nd.array(values) + values, values + nd.array(values)):
        assert type(result) is nd.NDArray
        np.testing.assert_array_equal(result.asnumpy(), values * 2)


def test_dlpack_from_numpy_shares_the_memory(values):
    shared = nd.from_dlpack(values)
    shared[0] = -1
    assert values[0].tolist() == [-1, -1, -1]
    values[1, 1] = 50
    assert shared[1, 1].asscalar() == 50


def test_dlpack_to_numpy_shares_the_memory(values):
    array = nd.array(values)
    seen = np.from_dlpack(array)
    array[0, 0] = 99
    assert seen[0, 0] == 99


def test_dlpack_capsules_go_round(values):
    array = nd.array(values)
    again = nd.from_dlpack(nd.to_dlpack_for_write(array))
    again[0, 0] = 42
    assert array[0, 0].asscalar() == 42
    np.testing.assert_array_equal(nd.from_dlpack(nd.to_dlpack_for_read(array)).asnumpy(), array.asnumpy())


def test_dlpack_of_a_strided_array_is_a_copy(values):
    taken = nd.from_dlpack(values.T)
    np.testing.assert_array_equal(taken.asnumpy(), values.T)


def test_from_numpy_shares_and_protects(values):
    shared = nd.from_numpy(values)
    shared[:] = 3
    assert values.tolist() == [[3] * 3] * 2 and not values.flags.writeable
    separate = nd.from_numpy(np.float32([1, 2]), zero_copy=False)
    assert separate.asnumpy().tolist() == [1, 2]
    with pytest.raises(ValueError, match="c-contiguous"):
        nd.from_numpy(np.ones((2, 3)).T)


def test_shared_memory_outlives_its_source():
    shared = nd.from_dlpack(np.arange(1000, dtype="float32"))
    for _ in range(10):
        np.ones(1000)
    assert shared.asnumpy().sum() == 499500


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda x: x.copy(), lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_share_nothing(values, duplicate):
    array = nd.array(values)
    twin = duplicate(array)
    twin[:] = 0
    assert type(twin) is nd.NDArray
    np.testing.assert_array_equal(array.asnumpy(), values)


def test_copyto_an_array_converts_the_type(values):
    target = nd.zeros((2, 3), dtype="int32")
    assert nd.array(values + 0.5).copyto(target) is target
    np.testing.assert_array_equal(target.asnumpy(), values.astype("int32"))


def test_copyto_errors(values):
    array = nd.array(values)
    with pytest.raises(mx.MXNetError, match=r"\(2, 3\).*\(3, 2\)"):
        array.copyto(nd.zeros((3, 2)))
    with pytest.raises(TypeError, match="copyto.*str"):
        array.copyto("a")
    with pytest.warns(RuntimeWarning, match="itself"):
        array.copyto(array)


def test_astype(values):
    array = nd.array(values + 0.75)
    assert array.astype("int32").asnumpy().tolist() == values.astype(int).tolist()
    assert array.astype(np.float16).dtype == np.float16
    assert array.astype("float32", copy=False) is array and array.astype("float32") is not array
    assert nd.array([0, 2.5]).astype("bool").asnumpy().tolist() == [False, True]
    with pytest.raises(TypeError, match="foo.*float32"):
        array.astype("foo")


@pytest.mark.parametrize(
    "shape, options, result",
    [
        ((6,), {}, (6,)),
        ((3, -1), {}, (3, 2)),
        ((-1,), {}, (6,)),
        ((0, -1), {}, (2, 3)),
        ((-2,), {}, (2, 3)),
        ((-3,), {}, (6,)),
        ((-4, 1, 2, -2), {}, (1, 2, 3)),
        ((-4, -1, 2, 3), {}, (1, 2, 3)),
        ((2, 3, 1), {}, (2, 3, 1)),
        ((-1, 0), {"reverse": True}, (2, 3)),
    ],
)
def test_reshape_shares_the_memory(values, shape, options, result):
    array = nd.array(values)
    view = array.reshape(shape, **options)
    assert view.shape == result
    view[:] = 5
    assert (array.asnumpy() == 5).all()


def test_reshape_takes_numbers_and_keywords(values):
    array = nd.array(values)
    assert array.reshape(3, 2).shape == array.reshape(shape=(3, 2)).shape == (3, 2)
    assert array.reshape(-1).shape == (6,)


@pytest.mark.parametrize(
    "shape, kind, pattern",
    [
        ((4, 2), mx.MXNetError, "8.*6"),
        ((-1, 4), ValueError, r"\(2, 3\).*\(-1, 4\)"),
        ((-1, -1), mx.MXNetError, r"\(-1, -1\)"),
        ((), ValueError, r"\(\)"),
        (("a",), TypeError, "'a'"),
        ((2.5,), TypeError, "2.5"),
    ],
)
def test_reshape_errors(values, shape, kind, pattern):
    with pytest.raises(kind, match=pattern):
        nd.array(values).reshape(shape)


def test_reshape_of_an_array_takes_no_name_of_a_symbol(values):
    with mx.name.NameManager():
        nd.array(values).reshape((0, -1))
        assert mx.sym.reshape(mx.sym.Variable("x"), shape=(-1,)).name == "reshape0"


def test_reshape_wants_a_shape(values):
    with pytest.raises(AssertionError, match="Shape must be provided"):
        nd.array(values).reshape()
    with pytest.raises(TypeError, match="foo"):
        nd.array(values).reshape((6,), foo=1)


def test_transposed(values):
    np.testing.assert_array_equal(nd.array(values).T.asnumpy(), values.T)
    assert nd.zeros((2, 3, 4)).T.shape == (4, 3, 2)
    assert nd.array([1, 2]).T.shape == (2,)


def test_properties(values):
    array = nd.array(values)
    assert (array.shape, array.size, array.ndim, array.stype) == ((2, 3), 6, 2, "default")
    assert array.dtype is np.float32 and array.context == array.ctx == mx.cpu()
    assert array.grad is None
    array.attach_grad()
    assert array.grad.shape == (2, 3) and not array.grad.asnumpy().any()
    array.wait_to_read()
    nd.waitall()
    mx.waitall()


def test_files_of_lists_and_dicts(tmp_path, values):
    path = str(tmp_path / "x.params")
    arrays = [nd.array(values), nd.array([1, 2], dtype="int64"), nd.array([1.5], dtype="bfloat16")]
    nd.save(path, arrays)
    for one, two in zip(arrays, nd.load(path)):
        assert one.dtype == two.dtype and one.asnumpy().tolist() == two.asnumpy().tolist()
    nd.save(path, {"arg:w": arrays[0]})
    assert list(nd.load(path)) == ["arg:w"]
    nd.save(path, arrays[0])
    assert len(nd.load(path)) == 1
    with open(path, "rb") as file:
        np.testing.assert_array_equal(nd.load_frombuffer(file.read())[0].asnumpy(), values)


FILES = {
    "a number": (lambda p: nd.save(p, 3), ValueError, "int"),
    "a dict of numbers": (lambda p: nd.save(p, {"a": 3}), TypeError, "int"),
    "a list of numbers": (lambda p: nd.save(p, [3]), TypeError, "int"),
    "names that are numbers": (lambda p: nd.save(p, {1: nd.ones((1,))}), TypeError, "name"),
    "no path": (lambda p: nd.load(3), TypeError, "3"),
    "no file": (lambda p: nd.load(p + "none"), mx.MXNetError, "none"),
    "no bytes": (lambda p: nd.load_frombuffer(3), TypeError, "int"),
    "other bytes": (lambda p: nd.load_frombuffer(b"abc"), mx.MXNetError, "not a parameter file"),
}


@pytest.mark.parametrize("case", FILES)
def test_file_errors(tmp_path, case):
    act, kind, pattern = FILES[case]
    with pytest.raises(kind, match=pattern):
        act(str(tmp_path / "x.params"))
    assert os.listdir(tmp_path) == []


def test_arrays_in_several_threads():
    results = {}

    def work(k):
        x = nd.full((200,), k)
        for _ in range(50):
            x = x * 2 / 2 + 1 - 1
        results[k] = x.asnumpy().tolist()

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {k: [float(k)] * 200 for k in range(8)}
