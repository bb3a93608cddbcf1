"""Exceptions and small types that the whole package shares."""

import os

import numpy as np

__all__ = [
    "MXNetError",
    "NotImplementedForSymbol",
    "NotSupportedForSparseNDArray",
    "DeviceError",
    "UnknownDeviceError",
    "UnknownOutputError",
    "BoundsError",
    "ArgumentError",
    "ReshapeError",
    "DTypeError",
    "NotReadyError",
]

integer_types = (int, np.integer)
numeric_types = (float, int, np.generic)
string_types = (str,)
mx_real_t = np.float32
mx_int = int
mx_uint = int
mx_float = float


def py_str(text):
    """The `str` of UTF-8 bytes, or of a `str`.

    Examples
    --------
    >>> py_str(b"fc1_weight")
    'fc1_weight'
    """
    return text if isinstance(text, str) else text.decode("utf-8")


def _as_list(value):
    """A list: `value` itself if it is a list or tuple, otherwise the list of it alone. Scripts import it from MXNet.

    Examples
    --------
    >>> _as_list("data"), _as_list(("data", "label"))
    (['data'], ('data', 'label'))
    """
    return value if isinstance(value, (list, tuple)) else [value]


def data_dir_default():
    """Where downloaded files go unless MXNET_HOME says otherwise (`~/.mxnet`)."""
    if os.name == "nt":
        return os.path.join(os.environ.get("APPDATA", os.path.expanduser("~")), "mxnet")
    return os.path.join(os.path.expanduser("~"), ".mxnet")


def data_dir():
    """The folder for downloaded files: `$MXNET_HOME` or `data_dir_default()`."""
    return os.environ.get("MXNET_HOME") or data_dir_default()


class _NullType:
    """The type of `_Null`, the mark of a parameter that was not given (where `None` is a value)."""

    __slots__ = ()

    def __repr__(self):
        return "_Null"

    def __bool__(self):
        return False


_Null = _NullType()


class classproperty:
    """A property read on the class itself.

    Examples
    --------
    >>> class Circle:
    ...     @classproperty
    ...     def name(cls):
    ...         return cls.__name__.lower()
    >>> Circle.name
    'circle'
    """

    def __init__(self, getter):
        self._getter = getter

    def __get__(self, instance, owner=None):
        return self._getter(type(instance) if owner is None else owner)


class MXNetError(RuntimeError):
    """Something asked of rsym cannot be done; the message names the node, what was expected and what was found.

    It is a `RuntimeError`, as in MXNet, so both `except` clauses catch it. A frequent cause is an
    operator keyword that does not exist or a value it does not take::

        mx.sym.FullyConnected(data, num_hidden=0)          # MXNetError: num_hidden must be at least 1

    The mend is in the message, here::

        mx.sym.FullyConnected(data, num_hidden=10)

    Another is a shape that contradicts the graph::

        net.simple_bind(mx.cpu(), data=(32, 784), fc1_weight=(10, 100))   # MXNetError: expected (10, 784)

    where leaving `fc1_weight` out lets inference decide it.
    """


class _NotForType(MXNetError):
    """A function that does not exist for the kind of array or symbol it was called on."""

    _reason = ""

    def __init__(self, function, alias=None, *args):
        self.function = getattr(function, "__name__", str(function))
        self.alias = alias
        self._given = (function, alias, *args)
        super().__init__(self._message([str(type(a)) for a in args]))

    def _message(self, types):
        alias = ' (operator "%s")' % self.alias if self.alias else ""
        given = " with arguments (%s)" % ", ".join(types) if types else ""
        return "%s%s%s %s" % (self.function, alias, given, self._reason)

    def __reduce__(self):
        return _rebuild, (type(self), str(self), self.function, self.alias)


def _rebuild(cls, message, function, alias):
    """Unpickle: the arguments' values may not travel, the message does."""
    error = cls.__new__(cls, message)
    error.args = (message,)
    error.function, error.alias = function, alias
    return error


class NotImplementedForSymbol(_NotForType):
    """An operation that needs numbers was asked of a `Symbol`, which has none yet.

    The usual cause is a Python decision about a symbol::

        if x == y:                   # NotImplementedForSymbol: bool(x == y)
            z = x

    A graph is built before any value is known, so let the graph decide::

        z = mx.sym.where(x == y, x, y)

    or bind the symbol and decide about the arrays of `executor.outputs`.

    Parameters
    ----------
    function : function
        What was called; its name is shown.
    alias : str, optional
        The operator it stands for, such as ``'*='``.
    *args
        What it was called with; the types are shown.
    """

    _reason = "is not implemented for Symbol, only for NDArray: a symbol has no values until it is bound."


class NotSupportedForSparseNDArray(_NotForType):
    """A sparse array was asked for, or given where a dense one is needed::

        mx.test_utils.rand_ndarray((3, 4), stype="csr")      # NotSupportedForSparseNDArray

    rsym's arrays are dense; use the same array with ``stype='default'``::

        mx.test_utils.rand_ndarray((3, 4))

    Parameters
    ----------
    function : function
        What was called; its name is shown.
    alias : str, optional
        The operator it stands for.
    *args
        What it was called with; the types are shown.
    """

    _reason = "is not supported for sparse arrays: use dense ones (stype='default')."


class DeviceError(MXNetError):
    """Work was asked of a device that is not there::

        mx.nd.zeros((2, 3), ctx=mx.gpu(0))       # DeviceError: gpu(0) is not there

    rsym computes on the CPU. Name no context, or::

        mx.nd.zeros((2, 3), ctx=mx.cpu())

    Naming a GPU (`mx.gpu(0)`, a `with` block) is no error by itself, so that scripts which pick a
    context by `mx.context.num_gpus()` run unchanged.
    """


class ArgumentError(MXNetError, ValueError):
    """An argument of a binding call does not fit: a `grad_req` that does not exist, a shape that is none::

        net.simple_bind(mx.cpu(), grad_req="wrte", data=(2, 3))      # ArgumentError: expected 'write', 'add' or 'null'

    It is a `ValueError`, as `bind` raises in MXNet, and an `MXNetError`, as `simple_bind` does.
    """


class ReshapeError(ArgumentError, AssertionError):
    """`Executor.reshape` would change an array that it was not allowed to change::

        executor.reshape(data=(64, 10))      # ReshapeError: data is larger than before

    Allow it, with ``allow_up_sizing=True`` for larger arrays and ``partial_shaping=True`` for arrays that are not named::

        executor.reshape(allow_up_sizing=True, data=(64, 10))

    It is an `AssertionError`, as in MXNet 0.9, and an `MXNetError`, as in MXNet 1.9.
    """


class NotReadyError(MXNetError, AssertionError):
    """A module was asked for something before it was ready for it::

        module = mx.mod.Module(net)
        module.init_params()                          # NotReadyError: call bind first

    The message names what is missing. The order is `bind`, `init_params`, `init_optimizer`; `fit` calls all three::

        module.bind(data_shapes=[("data", (32, 784))])
        module.init_params()

    It is an `AssertionError`, as in MXNet.
    """


class DTypeError(MXNetError, TypeError, KeyError):
    """A data type that arrays cannot have::

        mx.nd.zeros((2,), dtype="complex64")      # DTypeError

    The possible ones are float16, float32, float64, bfloat16, int8, int32, int64, uint8 and bool. MXNet raises
    one of the classes it derives from, depending on the function.
    """

    __str__ = RuntimeError.__str__


class BoundsError(MXNetError, IndexError):
    """A position that an axis does not have was among the indices of an operator::

        mx.nd.gather_nd(mx.nd.zeros((2, 3)), mx.nd.array([[0], [3]]))       # BoundsError: index 3 is outside of 0..3

    Check the indices, or take an operator with ``mode='clip'`` or ``mode='wrap'``, such as `take` or `pick`. It is an
    `IndexError`, as in MXNet.
    """


class UnknownDeviceError(DeviceError, KeyError):
    """A device type that does not exist: ``mx.Context('tpu')``. It is a `KeyError` as in MXNet.

    The types are ``'cpu'``, ``'gpu'``, ``'cpu_pinned'`` and ``'cpu_shared'``.
    """

    __str__ = RuntimeError.__str__


class UnknownOutputError(MXNetError, KeyError):
    """A gradient for an output that does not exist::

        executor.backward({"wrong": gradient})      # UnknownOutputError

    The outputs are called as in `Symbol.list_outputs`. It is a `KeyError` as in MXNet.
    """

    __str__ = RuntimeError.__str__
