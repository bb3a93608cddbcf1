"""Small helpers that scripts take from `mxnet.util`."""

import contextlib
import functools
import os
from contextvars import ContextVar

from .base import MXNetError
from .context import current_context, gpu, num_gpus

__all__ = [
    "default_array",
    "getenv",
    "setenv",
    "makedirs",
    "get_gpu_count",
    "get_gpu_memory",
    "get_cuda_compute_capability",
    "is_np_shape",
    "set_np_shape",
    "np_shape",
    "use_np_shape",
    "is_np_array",
    "np_array",
    "use_np_array",
    "use_np",
    "set_np",
    "reset_np",
    "set_module",
]

_np_shape = ContextVar("rsym_np_shape", default=False)


def default_array(source_array, ctx=None, dtype=None):
    """An NDArray of the given values.

    Parameters
    ----------
    source_array : array_like
    ctx : Context, optional
        Default: the current one.
    dtype : dtype, optional
        Default: that of `source_array`, or float32 for lists.

    Returns
    -------
    NDArray
    """
    from . import ndarray

    return ndarray.array(source_array, ctx=ctx or current_context(), dtype=dtype)


def getenv(name):
    """The value of an environment variable, or None."""
    return os.environ.get(name)


def setenv(name, value):
    """Set an environment variable; None removes it."""
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def makedirs(d):
    """Create a folder with its parents; nothing if it is there.

    Parameters
    ----------
    d : str or os.PathLike
    """
    os.makedirs(os.path.expanduser(d), exist_ok=True)


def get_gpu_count():
    """The number of GPUs that rsym can use: 0."""
    return num_gpus()


def get_gpu_memory(gpu_dev_id):
    """Free and total memory of a GPU: always a DeviceError (an MXNetError)."""
    gpu(gpu_dev_id).require_available()


def get_cuda_compute_capability(ctx):
    """The compute capability of a GPU context.

    Raises
    ------
    ValueError
        For a context that is no GPU.
    DeviceError
        (an MXNetError) for a GPU.
    """
    if ctx.device_type != "gpu":
        raise ValueError("Expecting a gpu context to get cuda compute capability, while received ctx %s" % ctx)
    ctx.require_available()


def is_np_shape():
    """Whether symbols are marked as built with NumPy's shapes, see `np_shape`.

    Examples
    --------
    >>> is_np_shape()
    False
    """
    return _np_shape.get()


def set_np_shape(active):
    """Switch the mark of `np_shape` on or off.

    Parameters
    ----------
    active : bool

    Returns
    -------
    bool
        What it was before.
    """
    before = is_np_shape()
    _np_shape.set(bool(active))
    return before


@contextlib.contextmanager
def np_shape(active=True):
    """A block in which symbols are marked as built with NumPy's shapes.

    The mark is what MXNet writes into the JSON of a symbol (``is_np_shape``). rsym's inference keeps to the
    classic meaning, where 0 is a dimension that is not known yet.

    Parameters
    ----------
    active : bool, default True

    Examples
    --------
    >>> with np_shape():
    ...     is_np_shape()
    True
    """
    before = set_np_shape(active)
    try:
        yield
    finally:
        set_np_shape(before)


def use_np_shape(func):
    """A function that runs inside `np_shape`."""

    @functools.wraps(func)
    def wrapped(*args, **kwargs):
        with np_shape():
            return func(*args, **kwargs)

    return wrapped


def is_np_array():
    """Whether `mx.np` arrays are made: never, rsym has the classic arrays alone."""
    return False


def _refuse_np_arrays(what):
    raise MXNetError("%s asks for mx.np arrays, which rsym does not have: use mx.nd, mx.sym and NumPy itself" % what)


class _NumpyArrayScope:
    """A block with `mx.np` arrays or without."""

    def __init__(self, is_np_array):
        self._is_np_array = is_np_array

    def __enter__(self):
        if self._is_np_array:
            _refuse_np_arrays("np_array()")

    def __exit__(self, kind, value, trace):
        pass


def np_array(active=True):
    """A block with `mx.np` arrays: an MXNetError unless `active` is false."""
    return _NumpyArrayScope(active)


def _refusing(func, what):
    if isinstance(func, type):
        _refuse_np_arrays(what)

    @functools.wraps(func)
    def wrapped(*args, **kwargs):
        _refuse_np_arrays("%s, decorated with %s," % (func.__name__, what))

    return wrapped


def use_np_array(func):
    """A function that may be defined, but raises MXNetError when called: it wants `mx.np` arrays."""
    return _refusing(func, "use_np_array")


def use_np(func):
    """A function that may be defined, but raises MXNetError when called: it wants `mx.np` arrays."""
    return _refusing(func, "use_np")


def set_np(shape=True, array=True):
    """Switch to NumPy's semantics: the shapes alone (see `np_shape`); `array=True` is an MXNetError."""
    if array:
        _refuse_np_arrays("set_np(array=True)")
    set_np_shape(shape)


def reset_np():
    """Back to the classic semantics."""
    set_np(shape=False, array=False)


def set_module(module):
    """A decorator that gives a function or class another `__module__`; None leaves it."""

    def decorate(func):
        if module is not None:
            func.__module__ = module
        return func

    return decorate
