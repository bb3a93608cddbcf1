"""Devices: `cpu()`, `gpu()` and the context that new arrays take when none is given."""

import operator

from ._scope import OWNER, Current, ScopeStack, scope_type
from .base import DeviceError, UnknownDeviceError

__all__ = [
    "Context",
    "cpu",
    "gpu",
    "cpu_pinned",
    "cpu_shared",
    "current_context",
    "num_gpus",
    "gpu_memory_info",
]

_contexts = ScopeStack("rsym_context", lambda: (Context("cpu", 0), None))


class Context(metaclass=scope_type("default_ctx")):
    """A device, and as a `with` block the device of all arrays that are created inside without naming one.

    Any number of CPU contexts may be named: sets of threads of the one CPU, which groups of operators and executors that run at
    once share out between them. A GPU may be named, but not used: `require_available` is what creating an array or binding calls.

    Parameters
    ----------
    device_type : {'cpu', 'gpu', 'cpu_pinned', 'cpu_shared'} or Context
        The kind of device; a context is copied.
    device_id : int, default 0
        Its number.

    Raises
    ------
    UnknownDeviceError
        (a KeyError) for any other type.
    TypeError
        For a number that is not whole.

    Examples
    --------
    >>> Context("cpu", 1)
    cpu(1)
    >>> with Context("cpu", 3):
    ...     current_context()
    cpu(3)
    """

    devtype2str = {1: "cpu", 2: "gpu", 3: "cpu_pinned", 5: "cpu_shared"}
    devstr2type = {"cpu": 1, "gpu": 2, "cpu_pinned": 3, "cpu_shared": 5}
    _default_ctx = _current = Current(_contexts)

    def __init__(self, device_type, device_id=0):
        if isinstance(device_type, Context):
            self.device_typeid, self.device_id = device_type.device_typeid, device_type.device_id
        else:
            self.device_typeid = _type_number(device_type)
            self.device_id = _device_number(device_id)

    @property
    def device_type(self):
        """The kind of device, as text: ``'cpu'``."""
        return Context.devtype2str[self.device_typeid]

    def require_available(self):
        """Give the context back if rsym can compute on it.

        Returns
        -------
        Context
            The context itself.

        Raises
        ------
        DeviceError
            (an MXNetError) for a GPU.
        """
        if self.device_typeid == 2:
            raise DeviceError("%s is not there: rsym runs on the CPU; use mx.cpu()" % self)
        return self

    def empty_cache(self):
        """Nothing to do on a CPU, where the memory of a dropped array is free at once; DeviceError for a GPU."""
        self.require_available()

    def __enter__(self):
        _contexts.push(self)
        return self

    def __exit__(self, kind, value, trace):
        _contexts.pop(self)

    def __eq__(self, other):
        if not isinstance(other, Context):
            return NotImplemented
        return (self.device_typeid, self.device_id) == (other.device_typeid, other.device_id)

    def __hash__(self):
        return hash((self.device_typeid, self.device_id))

    def __repr__(self):
        return "%s(%d)" % (self.device_type, self.device_id)


def _type_number(device_type):
    number = Context.devstr2type.get(device_type) if isinstance(device_type, str) else None
    if number is None:
        raise UnknownDeviceError("unknown device type %r; there are %s" % (device_type, ", ".join(Context.devstr2type)))
    return number


def _device_number(device_id):
    try:
        return operator.index(device_id)
    except TypeError:
        raise TypeError("a device id is a whole number, not %r" % (device_id,)) from None


def cpu(device_id=0):
    """The CPU.

    Parameters
    ----------
    device_id : int, default 0
        Any number; all of them are the same CPU, but contexts with different numbers are not equal.

    Examples
    --------
    >>> cpu()
    cpu(0)
    """
    return Context("cpu", device_id)


def cpu_pinned(device_id=0):
    """CPU memory that a GPU could read directly; here the same as `cpu()`."""
    return Context("cpu_pinned", device_id)


def cpu_shared(device_id=0):
    """CPU memory that processes share; here the same as `cpu()`."""
    return Context("cpu_shared", device_id)


def gpu(device_id=0):
    """A GPU, which rsym can name (in `group2ctx`, in old scripts) but not use.

    Examples
    --------
    >>> gpu(1).require_available()
    Traceback (most recent call last):
        ...
    rsym.base.DeviceError: gpu(1) is not there: rsym runs on the CPU; use mx.cpu()
    """
    return Context("gpu", device_id)


def num_gpus():
    """The number of GPUs that rsym can use: 0."""
    return 0


def gpu_memory_info(device_id=0):
    """Free and total bytes of a GPU: always a DeviceError (an MXNetError), there being none."""
    gpu(device_id).require_available()


def current_context():
    """The context that new arrays take: that of the innermost `with` block, else ``cpu(0)``.

    Examples
    --------
    >>> current_context()
    cpu(0)
    """
    return _contexts.frame()[OWNER]
