"""`NDArray`: an array that executors read and write."""

import math
import numbers
import struct
import warnings

import numpy as np

from .. import _dtypes, _rsym
from .._fluent import add_methods
from ..base import ArgumentError, MXNetError, NotSupportedForSparseNDArray
from ..context import Context, current_context
from ._arithmetic import Arithmetic
from ._views import Views

__all__ = ["NDArray", "waitall", "device_of"]

# Scripts import it from here: in this package the name `slice` is an operator.
py_slice = slice


def device_of(ctx):
    """The device numbers of a context, the current one for None; an error if the device is not there."""
    context = current_context() if ctx is None else ctx if isinstance(ctx, Context) else Context(ctx)
    context.require_available()
    return context.device_typeid, context.device_id


def waitall():
    """Does nothing: operators have finished when they return."""


class NDArray(Arithmetic, Views, _rsym.NDArray):
    """An array of numbers of one data type on one device.

    Made by `array`, `zeros` and their like, and by operators. Slices of the first dimension and reshapes share their
    memory with the array; ``numpy.asarray(x)`` does too.

    Examples
    --------
    >>> import rsym as mx
    >>> x = mx.nd.array([[1, 2], [3, 4]])
    >>> x[0] = 9
    >>> (x + 1).asnumpy()
    array([[10., 10.],
           [ 4.,  5.]], dtype=float32)
    """

    __slots__ = ()
    __module__ = "rsym.ndarray"
    __hash__ = object.__hash__
    __array_priority__ = 1000.0

    # -- looking at it ---------------------------------------------------------------------------------------------

    @property
    def dtype(self):
        """The data type, as NumPy's class."""
        return _dtypes.from_number(self._dtype)

    @property
    def context(self):
        """The device."""
        kind, number = self._device
        return Context(Context.devtype2str[kind], number)

    ctx = context

    @property
    def stype(self):
        """The storage type: always ``'default'``."""
        return "default"

    @property
    def handle(self):
        """The array itself, for code that passes handles on."""
        return self

    @property
    def T(self):
        """The array with its dimensions reversed, a copy."""
        return self.transpose() if self.ndim > 1 else self

    def __repr__(self):
        shape = "x".join(str(n) for n in self.shape)
        return "\n%s\n<%s %s @%s>" % (str(self.asnumpy()), type(self).__name__, shape, self.context)

    def __len__(self):
        if self.ndim == 0:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __bool__(self):
        if self.size == 0:
            return False
        if self.size == 1:
            return bool(self.asscalar())
        raise ValueError("The truth value of an NDArray with multiple elements is ambiguous.")

    def __float__(self):
        return float(self.asscalar())

    def __int__(self):
        return int(self.asscalar())

    def __index__(self):
        if self.size == 1 and np.issubdtype(self.dtype, np.integer):
            return int(self.asscalar())
        raise TypeError("only integer scalar arrays can be converted to a scalar index")

    def asscalar(self):
        """The only element, as a NumPy scalar.

        Raises
        ------
        ValueError
            If there is not exactly one element.
        """
        if self.size != 1:
            raise ValueError("The current array is not a scalar: its shape is %s" % (self.shape,))
        return self.asnumpy().reshape(-1)[0]

    def item(self):
        """The only element, as a Python number."""
        return self.asscalar().item()

    def tolist(self):
        """The elements as nested lists."""
        return self.asnumpy().tolist()

    def wait_to_read(self):
        """Does nothing: operators have finished when they return."""

    wait_to_write = wait_to_read

    # -- exchange --------------------------------------------------------------------------------------------------

    def _numpy(self):
        """A NumPy array on the same memory; a float32 copy of bfloat16."""
        return self.asnumpy() if self._dtype == 12 else self._memory()

    def _memory(self):
        """A NumPy array on the same memory; of bfloat16 it has the bits."""
        return np.asarray(_Memory(self))

    def _lent(self):
        """As ``_numpy``, for callers that may write to it at any time later."""
        self._expose()
        return self._numpy()

    def __array__(self, dtype=None, copy=None):
        values = self._numpy() if copy else self._lent()
        if copy:
            return np.array(values, dtype=dtype)
        return values if dtype is None else values.astype(dtype, copy=False)

    def __buffer__(self, flags):
        return memoryview(self._lent())

    def __dlpack__(self, **kwargs):
        return self._lent().__dlpack__(**kwargs)

    def __dlpack_device__(self):
        return (1, 0)

    def __reduce__(self):
        return _rebuild, (self._bytes(), self.shape, self._dtype, self._device)

    def __setstate__(self, state):
        """Takes over the elements of an array that MXNet pickled.

        Parameters
        ----------
        state : dict
            ``state['handle']`` is the array as `.params` files hold it.

        Raises
        ------
        MXNetError
            If that array has another shape or type.
        """
        if state["handle"] is None:
            return
        file = struct.pack("<QQQ", 0x112, 0, 1) + bytes(state["handle"]) + struct.pack("<Q", 0)
        (saved,) = _rsym.read_params(file, self._device)[1]
        if (saved.shape, saved._dtype) != (self.shape, self._dtype):
            raise MXNetError(
                "__setstate__: the array is %s %s, the saved one %s %s"
                % (self.shape, self.dtype.__name__, saved.shape, saved.dtype.__name__)
            )
        self._assign(saved)

    # -- copies ----------------------------------------------------------------------------------------------------

    def copy(self):
        """A copy in memory of its own."""
        return self._copy(self._device)

    __copy__ = copy

    def __deepcopy__(self, _):
        return self.copy()

    def copyto(self, other):
        """Copies to another array of the same shape, or to a device.

        Returns
        -------
        NDArray
            `other`, or the new array.
        """
        if isinstance(other, Context):
            return self._copy(device_of(other))
        if not isinstance(other, NDArray):
            raise TypeError("copyto does not support type %s; expected an NDArray or a Context" % type(other))
        if other._same_memory(self):
            warnings.warn("You are attempting to copy an array to itself", RuntimeWarning, stacklevel=2)
            return other
        if other.shape != self.shape:
            raise MXNetError("copyto: the target must have shape %s, got %s" % (self.shape, other.shape))
        other._assign(self)
        return other

    def as_in_context(self, context):
        """This array if it is on that device already, else a copy there."""
        return self if self.context == context else self._copy(device_of(context))

    as_in_ctx = as_in_context

    def as_nd_ndarray(self):
        """This array."""
        return self

    def astype(self, dtype, copy=True):
        """A copy with another data type; this array if the type is the same and `copy` is false."""
        number = _dtypes.to_number(dtype)
        if number == self._dtype and not copy:
            return self
        return self._cast(number)

    def tostype(self, stype):
        """A copy in a storage type, of which there is one: ``'default'``. NotSupportedForSparseNDArray for others."""
        if stype != "default":
            raise NotSupportedForSparseNDArray(self.tostype, None, stype)
        return self.copy()

    def reshape(self, *shape, **kwargs):
        """The same memory under another shape, with the special numbers of the operator `Reshape`.

        Parameters
        ----------
        shape : tuple of int, or separate numbers
            0 keeps a dimension, -1 is what is left; -2, -3 and -4 as in `Reshape`.
        reverse : bool
            Whether special numbers count from the right.
        """
        if len(shape) == 1 and isinstance(shape[0], (tuple, list, str)):
            shape = tuple(shape[0])
        elif not shape:
            shape = kwargs.pop("shape", None)
            if shape is None:
                raise AssertionError("Shape must be provided, as in x.reshape((2, -1))")
            shape = (shape,) if isinstance(shape, numbers.Integral) else tuple(shape)
        reverse = kwargs.pop("reverse", False)
        if kwargs:
            raise TypeError(
                "Got unknown keywords in reshape: %s. Accepted keyword arguments are 'shape' and 'reverse'." % ", ".join(kwargs)
            )
        if any(not isinstance(n, numbers.Integral) for n in shape):
            raise TypeError("reshape: a shape holds whole numbers, got %r" % (shape,))
        from .. import symbol

        try:
            if shape and all(n > 0 for n in shape):
                return self._view(shape)
            wanted = symbol.reshape(symbol.Variable("x"), shape=shape, reverse=reverse, name="reshape")
            return self._view(wanted.infer_shape_partial(x=self.shape)[1][0])
        except MXNetError:
            sizes = ": %d elements out of %d" % (math.prod(shape), self.size) if all(n > 0 for n in shape) else ""
            raise ArgumentError("Cannot reshape array of shape %s into shape %s%s" % (self.shape, shape, sizes)) from None

    @staticmethod
    def _basic_indexing_slice_is_contiguous(slices, shape):
        """Whether the elements at `slices` of an array of this shape lie together in memory, so that they are a view."""
        return np.empty(shape, np.int8)[slices].flags.c_contiguous

    # -- indexing --------------------------------------------------------------------------------------------------

    def __getitem__(self, key):
        """Elements by NumPy's rules; a view where the chosen elements lie together in memory, else a copy.

        A single element is an array of shape (1,).

        Raises
        ------
        IndexError
            For positions that the array does not have.
        ValueError
            For a key that is no position at all, such as a text.
        """
        rows = _range_of_rows(key, self)
        if rows is not None:
            return self._rows(*rows)
        memory, key = self._memory(), _plain(key)
        values = _checked(memory.__getitem__, key, self.shape)
        shape = np.shape(values) or (1,)
        if isinstance(values, np.ndarray) and values.flags.c_contiguous and values.size:
            if np.may_share_memory(values, memory):
                begin = (_address(values) - _address(memory)) // memory.itemsize
                return self._view((self.size,))._rows(begin, begin + values.size)._view(shape)
        elif _is_element(key, self.ndim):
            at = np.ravel_multi_index([k % n for k, n in zip(key if isinstance(key, tuple) else (key,), self.shape)], self.shape)
            return self._view((self.size,))._rows(int(at), int(at) + 1)
        if self._records:
            return _recorded_item(self, key, shape)
        new = _rsym.NDArray._zeros(shape, self._dtype, self._device)
        if new.size:
            new._memory()[...] = values
        return new

    def __setitem__(self, key, value):
        """Writes elements, by NumPy's rules; a value of another type is converted.

        Raises
        ------
        IndexError
            For positions that the array does not have.
        ValueError
            For a key that is no position, or a value of a shape that does not fit.
        TypeError
            For a value that is no array and no number.
        """
        key = _plain(key)
        everything = key is Ellipsis or (isinstance(key, slice) and key == slice(None))
        if everything and isinstance(value, NDArray) and value.shape == self.shape:
            self._assign(value)
            return
        if everything and self._dtype != 6 and isinstance(value, numbers.Real):
            self._fill(float(value))
            return
        if everything and isinstance(value, NDArray) and value._records:
            value = value._view((1,) * (self.ndim - value.ndim) + value.shape)
            self._assign(_functions().broadcast_to(value, shape=self.shape))
            return
        self._refuse_write(value if isinstance(value, NDArray) else None)
        memory = self._memory()
        target = _checked(memory.__getitem__, key, self.shape)
        value = self._converted(value)
        if value.shape == (1,) and np.ndim(target) == 0:
            value = value[0]
        memory[key] = value
        self._touch()

    def _converted(self, value):
        """Values to be written, as a NumPy array of what `_memory` holds."""
        from ._creation import array

        if isinstance(value, NDArray):
            return value._memory() if value._dtype == self._dtype else value._cast(self._dtype)._memory()
        try:
            if isinstance(value, (str, bytes)):
                raise TypeError
            return array(value, dtype=self.dtype)._memory()
        except TypeError:
            raise TypeError(
                "an NDArray cannot be assigned the %s %r; expected a number, an array or nested lists"
                % (type(value).__name__, value)
            ) from None

    def slice_assign(self, rhs, begin, end, step):
        """Writes `rhs` into the slice, one number of `begin`, `end`, `step` for each dimension."""
        self[tuple(slice(b, e, s) for b, e, s in zip(begin, end, step or (None,) * len(begin)))] = rhs
        return self

    def slice_assign_scalar(self, value, begin, end, step):
        """Writes the number `value` into the slice, as `slice_assign` does with arrays."""
        return self.slice_assign(float(value), begin, end, step)

    # -- gradients -------------------------------------------------------------------------------------------------

    def attach_grad(self, grad_req="write", stype=None):
        """Marks the array as a variable: `backward` puts its gradient into `grad`, which is zero until then.

        What the array was computed from is forgotten.

        Parameters
        ----------
        grad_req : {'write', 'add', 'null'}, default 'write'
            Whether a gradient replaces what `grad` holds, is added to it, or is not computed.
        stype : str, optional
            The storage type of the gradient: ``'default'``.

        Raises
        ------
        KeyError
            For another `grad_req`.

        Examples
        --------
        >>> import rsym as mx
        >>> x = mx.nd.ones((2,))
        >>> x.attach_grad()
        >>> with mx.autograd.record():
        ...     y = x * x
        >>> y.backward()
        >>> x.grad.asnumpy()
        array([2., 2.], dtype=float32)
        """
        from ..autograd import request_number

        if stype not in (None, "default"):
            raise NotSupportedForSparseNDArray(self.attach_grad, None, stype)
        self._mark(_rsym.NDArray._zeros(self.shape, self._dtype, self._device), request_number(grad_req))

    def zero_grad(self):
        """Fills `grad` with zeros, as is needed between steps with ``grad_req='add'``."""
        if self.grad is not None:
            self.grad._fill(0)

    def backward(self, out_grad=None, retain_graph=False, train_mode=True):
        """Computes the gradients of this recorded array with respect to the marked arrays it depends on.

        Parameters
        ----------
        out_grad : NDArray, optional
            The gradient that arrives at this array; ones by default.
        retain_graph : bool, default False
            Whether to keep what was recorded, to go over it again.
        train_mode : bool, default True
            Whether operators run as in training.

        Raises
        ------
        MXNetError
            See `rsym.autograd.backward`.
        """
        _rsym.backward([self], [out_grad], None, bool(retain_graph), False, bool(train_mode))


class _Memory:
    """What NumPy sees of an array's memory; it keeps the array alive."""

    def __init__(self, array):
        self._array = array
        if array._dtype == 12:
            # NumPy has no bfloat16: its bits are shown as whole numbers.
            self.__array_interface__ = {"version": 3, "typestr": "<u2", "shape": array.shape, "data": (array._address, False)}
        else:
            self.__array_interface__ = array._interface()


def _rebuild(data, shape, number, device):
    new = _rsym.NDArray._zeros(shape, number, device)
    memory = new._memory()
    memory[...] = np.frombuffer(data, memory.dtype).reshape(shape)
    return new


def _recorded_item(array, key, shape):
    """The elements at `key`, which have the shape `shape`, by operators that are recorded."""
    functions = _functions()
    parts = key if isinstance(key, tuple) else (key,)
    simple = all(isinstance(p, slice) or (isinstance(p, numbers.Integral) and not isinstance(p, bool)) for p in parts)
    if simple:
        ranges = [p.indices(n) if isinstance(p, slice) else (p % n, p % n + 1, 1) for p, n in zip(parts, array.shape)]
        if all(step > 0 for _, _, step in ranges):
            begin, end, step = zip(*ranges)
            return functions.slice(array, begin=begin, end=end, step=step)._view(shape)
    places = np.arange(array.size).reshape(array.shape)[key].reshape(-1)
    return functions.take(array._view((array.size,)), functions.array(places, dtype=np.int64))._view(shape)


def _range_of_rows(key, array):
    """Begin and end of the rows that a slice without step chooses, if there are any."""
    if type(key) is not slice or key.step is not None or not array.ndim or not array.size:
        return None
    if not all(end is None or type(end) is int for end in (key.start, key.stop)):
        return None
    begin, end, _ = key.indices(array.shape[0])
    return (begin, end) if begin < end else None


def _plain(key):
    """An index with arrays as NumPy arrays; floating point positions, as `argmax` gives them, as whole numbers."""
    if isinstance(key, tuple):
        return tuple(_plain(k) for k in key)
    if isinstance(key, NDArray):
        values = key._numpy()
        return values if values.dtype.kind in "biu" else values.astype(np.int64)
    if isinstance(key, list):
        return [_plain(k) for k in key]
    return key


def _checked(get, key, shape):
    """`get(key)`, with errors that name key and shape."""
    try:
        return get(key)
    except IndexError as error:
        parts = key if isinstance(key, tuple) else (key,)
        wrong = [k for k in parts if isinstance(k, (str, float, bytes, dict))]
        if wrong:
            raise ValueError(
                "NDArray does not support slicing with key %r of type %s; expected whole numbers, slices, "
                "None, ... or arrays of them" % (wrong[0], type(wrong[0]))
            ) from None
        raise IndexError("%s (the index is %s, the shape is %s)" % (error, key, shape)) from None


def _is_element(key, ndim):
    parts = key if isinstance(key, tuple) else (key,)
    return len(parts) == ndim > 0 and all(isinstance(k, numbers.Integral) and not isinstance(k, bool) for k in parts)


def _address(values):
    return values.__array_interface__["data"][0]


def _functions():
    from .. import ndarray

    return ndarray


add_methods(NDArray, _functions, skip=("reshape", "flatten", "squeeze", "expand_dims"))
