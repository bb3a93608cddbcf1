"""Error classes by name, as `mxnet.error` keeps them.

Examples
--------
>>> @register
... class QuotaError(MXNetError):
...     pass
>>> error_types["QuotaError"] is QuotaError
True
"""

from .base import (
    ArgumentError,
    BoundsError,
    DeviceError,
    DTypeError,
    MXNetError,
    NotImplementedForSymbol,
    NotReadyError,
    NotSupportedForSparseNDArray,
    ReshapeError,
    UnknownDeviceError,
    UnknownOutputError,
)

__all__ = ["MXNetError", "InternalError", "register", "register_error", "error_types"]

error_types = {}


def register_error(func_name=None, cls=None):
    """Keep an exception class under a name in `error_types`; usable as a decorator with or without a name.

    Parameters
    ----------
    func_name : str or type, optional
        The name, or the class itself (its own name is taken).
    cls : type, optional
        The class; without it a decorator is returned.

    Returns
    -------
    type or function
        The class, unchanged, or the decorator.

    Examples
    --------
    >>> register_error("Timeout", TimeoutError)
    <class 'TimeoutError'>
    """
    if isinstance(func_name, type):
        return register_error(func_name.__name__, func_name)
    if cls is None:
        return lambda decorated: register_error(func_name or decorated.__name__, decorated)
    error_types[func_name or cls.__name__] = cls
    return cls


register = register_error


@register_error
class InternalError(MXNetError):
    """rsym broke a promise of its own; nothing in the call can mend it.

    Please report it together with ``symbol.tojson()`` and the shapes that were bound.
    """


for _cls in (
    MXNetError,
    NotImplementedForSymbol,
    NotSupportedForSparseNDArray,
    DeviceError,
    BoundsError,
    UnknownDeviceError,
    UnknownOutputError,
    ArgumentError,
    ReshapeError,
    DTypeError,
    NotReadyError,
    ValueError,
    TypeError,
    AttributeError,
    IndexError,
    NotImplementedError,
):
    register_error(_cls)
