"""Making arrays."""

import math
import numbers

import numpy as np

from .. import _dtypes, _rsym
from ..base import MXNetError, NotSupportedForSparseNDArray
from ._invoke import invoke
from .ndarray import NDArray, device_of

__all__ = [
    "array",
    "zeros",
    "ones",
    "full",
    "empty",
    "arange",
    "linspace",
    "eye",
    "concatenate",
    "moveaxis",
    "onehot_encode",
    "from_numpy",
    "from_dlpack",
    "to_dlpack_for_read",
    "to_dlpack_for_write",
]


def array(source_array, ctx=None, dtype=None):
    """An array with a copy of the given values.

    Parameters
    ----------
    source_array : array-like
    ctx : Context, optional
    dtype : data type, optional
        That of `source_array` if it is an NDArray, else float32.

    Examples
    --------
    >>> import rsym as mx
    >>> mx.nd.array([[1, 2], [3, 4]]).shape
    (2, 2)
    """
    if dtype is None:
        dtype = source_array.dtype if isinstance(source_array, NDArray) else np.float32
    number = _dtypes.to_number(dtype)
    if isinstance(source_array, NDArray):
        return source_array.astype(dtype).as_in_context(ctx or source_array.context)
    if number == 12 or not isinstance(source_array, np.ndarray):
        wanted = np.float32 if number == 12 else _dtypes.from_number(number)
        source_array = _numbers(source_array, wanted)
    source = np.ascontiguousarray(_known(source_array)).reshape(np.shape(source_array))
    return _rsym.NDArray._from_numpy(source, number, device_of(ctx))


def _numbers(values, dtype):
    """A NumPy array of any array-like; numbers that do not fit the type wrap around, as in a cast."""
    try:
        try:
            return np.asarray(values, dtype=dtype)
        except OverflowError:
            return np.asarray(values).astype(dtype)
    except (TypeError, ValueError, OverflowError) as error:
        raise TypeError("source_array must be array like object: %s" % error) from None


def _known(values):
    """The values in a type that rsym has: other numbers become the nearest wider one."""
    if values.dtype in (np.uint16, np.int16):
        return values.astype(np.int32)
    if values.dtype in (np.uint32, np.uint64):
        return values.astype(np.int64)
    return values if values.dtype.isnative else values.astype(values.dtype.newbyteorder("="))


def zeros(shape, ctx=None, dtype=None, stype=None, **kwargs):
    """An array of zeros.

    Parameters
    ----------
    shape : int or tuple of int
    ctx : Context, optional
    dtype : data type, default float32

    Examples
    --------
    >>> import rsym as mx
    >>> mx.nd.zeros((1, 2)).asnumpy()
    array([[0., 0.]], dtype=float32)
    """
    if stype not in (None, "default"):
        raise NotSupportedForSparseNDArray(zeros, None, stype)
    out = kwargs.pop("out", None)
    if kwargs:
        raise MXNetError(
            "zeros: cannot find argument '%s'; possible arguments: shape, ctx, dtype, stype, out" % next(iter(kwargs))
        )
    new = _rsym.NDArray._zeros(_shape(shape), _dtypes.to_number(dtype), device_of(ctx))
    return _into(out, new)


def _shape(shape):
    sizes = (shape,) if isinstance(shape, numbers.Integral) else shape.tolist() if isinstance(shape, np.ndarray) else shape
    if not isinstance(sizes, (tuple, list)) or any(not isinstance(n, numbers.Integral) for n in sizes):
        raise MXNetError("a shape is a whole number or a tuple of them, got %r" % (shape,))
    if any(n >= 1 << 63 for n in sizes):
        raise MXNetError("the shape %r has a number that is too large for any array" % (shape,))
    return tuple(int(n) for n in sizes)


def _into(out, values):
    if out is None:
        return values
    out[:] = values
    return out


def empty(shape, ctx=None, dtype=None, stype=None):
    """An array of arbitrary values (of zeros, in fact)."""
    return zeros(shape, ctx, dtype, stype)


def full(shape, val, ctx=None, dtype=np.float32, out=None):
    """An array of which every element is `val`; see `zeros`."""
    return _into(out, _filled(zeros(shape, ctx, dtype), val))


def _filled(new, value):
    new[:] = value
    return new


def ones(shape, ctx=None, dtype=None, **kwargs):
    """An array of ones; see `zeros`."""
    return _into(kwargs.pop("out", None), _filled(zeros(shape, ctx, dtype, **kwargs), 1))


def arange(start, stop=None, step=1.0, repeat=1, infer_range=None, ctx=None, dtype=np.float32):
    """The numbers from `start` up to `stop`, exclusive, each `repeat` times; with one number given that is `stop`.

    Raises
    ------
    MXNetError
        If `stop` cannot be reached from `start`, or is reached at once.
    """
    if stop is None:
        start, stop = 0, start
    if not (stop - start) * step > 0:
        raise MXNetError("arange: there is no number from %s up to %s in steps of %s" % (start, stop, step))
    wanted = np.float32 if _dtypes.to_number(dtype) == 12 else dtype
    count = math.ceil((stop - start) / step)
    # The arithmetic of the type itself: 3 * 0.3 is 0.90000004 in single precision.
    values = np.arange(count).astype(wanted) * np.asarray(step).astype(wanted) + np.asarray(start).astype(wanted)
    return array(np.repeat(values, repeat), ctx, dtype)


def linspace(start, stop, num, endpoint=True, ctx=None, dtype=np.float32):
    """`num` numbers at equal distances from `start` to `stop`, which is included if `endpoint`."""
    return array(np.linspace(start, stop, num, endpoint), ctx, dtype)


def eye(N, M=0, k=0, ctx=None, dtype=None, **kwargs):
    """An `N` by `M` matrix (square if `M` is 0) with ones on its diagonal number `k`."""
    return _into(kwargs.get("out"), array(np.eye(N, M or N, k), ctx, np.float32 if dtype is None else dtype))


def concatenate(arrays, axis=0, always_copy=True):
    """Joins arrays along an axis."""
    arrays = list(arrays)
    if not arrays:
        raise AssertionError("concatenate: expected at least one array, got none")
    if len(arrays) == 1 and not always_copy:
        return arrays[0]
    return invoke("Concat", tuple(arrays), {"dim": axis}, None, {})


def moveaxis(tensor, source, destination):
    """`tensor` with the axes `source` moved to the places `destination`."""
    # Axes of different lengths tell by their new order where each went.
    axes = np.moveaxis(np.empty(tuple(range(tensor.ndim))), source, destination).shape
    return invoke("transpose", (tensor,), {"axes": axes}, None, {})


def onehot_encode(indices, out):
    """Writes into `out`, of shape (n, classes), a row for each index that is 1 there and else 0."""
    out[:] = np.eye(out.shape[1])[np.asarray(indices).astype(np.int64)]
    return out


def from_numpy(ndarray, zero_copy=True):
    """An array with the values of a NumPy array, sharing its memory if `zero_copy`.

    A shared array must be C-contiguous; NumPy's one is made read-only, as MXNet does.
    """
    if not zero_copy:
        return array(ndarray, dtype=ndarray.dtype)
    if not ndarray.flags["C_CONTIGUOUS"]:
        raise ValueError("Only c-contiguous arrays are supported for zero-copy")
    new = _share(ndarray)
    ndarray.flags["WRITEABLE"] = False
    return new


def _share(values, owner=None):
    address = values.__array_interface__["data"][0]
    number = _dtypes.to_number(values.dtype)
    return _rsym.NDArray._over(address, values.shape, number, values if owner is None else owner, device_of(None))


def from_dlpack(dlpack):
    """An array over the memory of a DLPack producer (an object with ``__dlpack__``), or a copy if it is not C-contiguous.

    Examples
    --------
    >>> import numpy as np, rsym as mx
    >>> values = np.ones(2, "float32")
    >>> shared = mx.nd.from_dlpack(values)
    >>> shared[:] = 5
    >>> values
    array([5., 5.], dtype=float32)
    """
    values = np.from_dlpack(dlpack if hasattr(dlpack, "__dlpack__") else _Capsule(dlpack))
    if not values.flags["C_CONTIGUOUS"] or values.size == 0:
        return array(values, dtype=values.dtype)
    return _share(values)


class _Capsule:
    """A bare DLPack capsule as a producer."""

    def __init__(self, capsule):
        self._capsule = capsule

    def __dlpack__(self, **_):
        return self._capsule

    def __dlpack_device__(self):
        return (1, 0)


def to_dlpack_for_read(data):
    """A DLPack capsule over the memory of an array."""
    return data.__dlpack__()


def to_dlpack_for_write(data):
    """A DLPack capsule over the memory of an array, to be written through."""
    return data.__dlpack__()
