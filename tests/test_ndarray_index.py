"""Indexing and slice assignment, against NumPy; which results share memory."""

import numpy as np
import pytest

import rsym as mx

nd = mx.nd
I = np.array([1, 0, 2, 1])

KEYS = [
    0,
    -1,
    2,
    np.int64(1),
    slice(None),
    slice(1, None),
    slice(None, -1),
    slice(1, 2),
    slice(2, 1),
    slice(-100, 100),
    slice(None, None, 2),
    slice(None, None, -1),
    slice(2, 0, -1),
    Ellipsis,
    None,
    (),
    (1, 2),
    (0, -1, 3),
    (0, 1, 2),
    (slice(None), 1),
    (slice(None), slice(1, 3)),
    (Ellipsis, 0),
    (0, Ellipsis),
    (1, slice(1, 3)),
    (1, slice(None), 2),
    (None, 1),
    (slice(None), None, 0),
    (slice(0, 1), slice(0, 2), slice(1, 2)),
    (1, 1, slice(0, 3)),
    (slice(None, None, -1), 0),
    [0, 2],
    [1],
    I,
    (I, I),
    (I, slice(None), 1),
    ([0, 1], [1, 2]),
    ([0, 1], [1, 2], [0, 3]),
    (slice(1, 2), I),
    (0, I),
    np.array([[0, 1], [2, 0]]),
    (np.array([[0], [1]]), np.array([0, 2])),
]
IDS = [str(k).replace("\n", "") for k in KEYS]


@pytest.fixture
def values():
    return np.arange(36, dtype="float32").reshape(3, 3, 4)


def element(result):
    """NumPy's single numbers are arrays of shape (1,) here."""
    return np.reshape(result, (1,)) if np.ndim(result) == 0 else result


@pytest.mark.parametrize("key", KEYS, ids=IDS)
def test_reading_as_numpy(values, key):
    np.testing.assert_array_equal(nd.array(values)[key].asnumpy(), element(values[key]))


@pytest.mark.parametrize("dtype", ["float64", "float16", "int8", "int32", "int64", "uint8", "bool"])
def test_reading_every_type(values, dtype):
    array, twin = nd.array(values, dtype=dtype), values.astype(dtype)
    for key in (1, (1, 2), (slice(None), 1), [0, 2], slice(None, None, -1)):
        assert array[key].dtype == np.dtype(dtype)
        np.testing.assert_array_equal(array[key].asnumpy(), element(twin[key]))


@pytest.mark.parametrize("key", KEYS, ids=IDS)
@pytest.mark.parametrize("kind", ["number", "array", "numpy", "list", "row"])
def test_writing_as_numpy(values, key, kind):
    target, shape = nd.array(values), np.shape(values[key])
    if kind == "list" and 0 in shape:
        kind = "numpy"  # nested lists cannot say (0, 3, 4)
    new = {
        "number": lambda: 7.5,
        "array": lambda: nd.array(np.arange(np.prod(shape, dtype=int)).reshape(shape) - 50),
        "numpy": lambda: np.arange(np.prod(shape, dtype=int)).reshape(shape) - 50,
        "list": lambda: (np.arange(np.prod(shape, dtype=int)).reshape(shape) - 50).tolist(),
        "row": lambda: nd.array(np.arange(shape[-1] if shape else 1) + 100),
    }[kind]()
    target[key] = new
    new = new.asnumpy() if isinstance(new, nd.NDArray) else new
    values[key] = new[0] if not shape and np.shape(new) == (1,) else new
    np.testing.assert_array_equal(target.asnumpy(), values)


def test_positions_as_arrays(values):
    array = nd.array(values)
    np.testing.assert_array_equal(array[nd.array([2, 0], dtype="int32")].asnumpy(), values[[2, 0]])
    # Positions of argmax and topk are single precision.
    np.testing.assert_array_equal(array[nd.array([2, 0])].asnumpy(), values[[2, 0]])
    array[nd.array([0, 1]), nd.array([1, 2])] = nd.array([[1], [2]])
    values[[0, 1], [1, 2]] = [[1], [2]]
    np.testing.assert_array_equal(array.asnumpy(), values)


def test_masks(values):
    array, mask = nd.array(values), values % 2 == 0
    np.testing.assert_array_equal(array[mask].asnumpy(), values[mask])
    np.testing.assert_array_equal(array[nd.array(mask, dtype="bool")].asnumpy(), values[mask])
    array[mask] = 0
    assert array.asnumpy()[mask].sum() == 0 and (array.asnumpy()[~mask] == values[~mask]).all()


VIEWS = [
    0,
    -1,
    slice(1, 3),
    slice(None),
    Ellipsis,
    (1, 2),
    (1, slice(1, 3)),
    (0, 1, 2),
    (1, 1, slice(1, 3)),
    (0, 0, slice(None)),
    None,
]


@pytest.mark.parametrize("key", VIEWS, ids=str)
def test_contiguous_parts_share_the_memory(values, key):
    array = nd.array(values)
    part = array[key]
    part[:] = -1
    values[key] = -1
    np.testing.assert_array_equal(array.asnumpy(), values)
    array[:] = 5
    assert (part.asnumpy() == 5).all()


@pytest.mark.parametrize("key", [(slice(None), 1), slice(None, None, 2), [0, 1], (Ellipsis, 0)], ids=str)
def test_scattered_parts_are_copies(values, key):
    array = nd.array(values)
    array[key][:] = -1
    np.testing.assert_array_equal(array.asnumpy(), values)


def test_chained_indices_share_the_memory(values):
    array = nd.array(values)
    array[1][2][3] = 99
    array[0:2][1][0][1:3] += 100
    values[1, 2, 3] = 99
    values[1, 0, 1:3] += 100
    np.testing.assert_array_equal(array.asnumpy(), values)


def test_a_part_outlives_the_array():
    part = nd.array([[1, 2], [3, 4]])[1]
    assert part.asnumpy().tolist() == [3, 4]


def test_one_dimension_gives_arrays_of_one_element():
    x = nd.array([1, 2, 3])
    assert x[0].shape == (1,) and x[-1].asscalar() == 3
    assert nd.array([[1, 2], [3, 4]])[1, 0].shape == (1,)


def test_writing_converts_types():
    x = nd.zeros((3,), dtype="int32")
    x[:] = nd.array([1.5, 2.5, -3.5])
    assert x.asnumpy().tolist() == [1, 2, -3]
    x[:] = 2.7
    assert x.asnumpy().tolist() == [2, 2, 2]
    x[0] = 9.9
    assert x.asnumpy().tolist() == [9, 2, 2]


def test_large_whole_numbers_are_exact():
    x = nd.zeros((2,), dtype="int64")
    x[:] = 2**53 + 1
    x[1] = -(2**62) - 1
    assert x.asnumpy().tolist() == [2**53 + 1, -(2**62) - 1]


def test_overlapping_parts_are_written_as_if_copied_first():
    x = nd.array([1, 2, 3, 4])
    x[1:] = x[:-1]
    assert x.asnumpy().tolist() == [1, 1, 2, 3]


WRONG = {
    "past the end": (5, IndexError, "5.*size 3|5.*3"),
    "before the start": (-4, IndexError, "-4"),
    "past the end of a later axis": ((0, 0, 9), IndexError, "9"),
    "too many": ((0, 0, 0, 0), IndexError, "too many"),
    "past the end in a list": ([0, 5], IndexError, "5"),
    "a text": ("a", ValueError, "'a'.*str"),
    "a fraction": (1.0, ValueError, "1.0.*float"),
    "a text among others": ((0, "a"), ValueError, "'a'.*str"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_positions(values, case):
    key, kind, pattern = WRONG[case]
    array = nd.array(values)
    with pytest.raises(kind, match=pattern):
        array[key]
    with pytest.raises(kind, match=pattern):
        array[key] = 1
    np.testing.assert_array_equal(array.asnumpy(), values)


@pytest.mark.parametrize(
    "key, value, kind",
    [
        (slice(None), np.zeros((2, 2)), ValueError),
        (0, [1, 2], ValueError),
        (slice(None), nd.zeros((5,)), ValueError),
        (0, "a", TypeError),
        (slice(None), "a", TypeError),
        (0, {}, TypeError),
        (0, object(), TypeError),
    ],
)
def test_wrong_values_change_nothing(values, key, value, kind):
    array = nd.array(values)
    with pytest.raises(kind):
        array[key] = value
    np.testing.assert_array_equal(array.asnumpy(), values)


def test_length_iteration_and_truth():
    x = nd.array([[1, 2], [3, 4], [5, 6]])
    assert len(x) == 3
    assert [row.asnumpy().tolist() for row in x] == [[1, 2], [3, 4], [5, 6]]
    for row in x:
        row += 10
    assert x.asnumpy().tolist() == [[11, 12], [13, 14], [15, 16]]
    assert bool(nd.array([2])) is True and bool(nd.array([[0]])) is False
    with pytest.raises(ValueError, match="ambiguous"):
        bool(x)
    with pytest.raises(ValueError, match=r"not a scalar.*\(3, 2\)"):
        x.asscalar()
    assert nd.array([2.5]).asscalar() == 2.5 and type(nd.array([2.5]).asscalar()) is np.float32


def test_a_number_is_written_into_a_slice():
    array = mx.nd.zeros((2, 3))
    assert array.slice_assign_scalar(5, (0, 1), (2, 3), (1, 1)) is array
    assert array.asnumpy().tolist() == [[0, 5, 5], [0, 5, 5]]


def test_arrays_are_dense_and_writable():
    array = mx.nd.ones((2, 3))
    copy = array.tostype("default")
    copy[:] = 5
    assert array.writable and array.asnumpy().tolist() == [[1, 1, 1], [1, 1, 1]]
    with pytest.raises(mx.base.NotSupportedForSparseNDArray, match="tostype"):
        array.tostype("csr")
