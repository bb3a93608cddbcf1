"""MXNet's type numbers and NumPy's types."""

import numpy as np

from .base import DTypeError

__all__ = ["BFLOAT16", "from_number", "to_number", "name_of"]

#: NumPy has no bfloat16; this is the type that MXNet shows for it.
BFLOAT16 = np.dtype([("bfloat16", np.uint16)])

_TYPES = {
    0: np.float32,
    1: np.float64,
    2: np.float16,
    3: np.uint8,
    4: np.int32,
    5: np.int8,
    6: np.int64,
    7: np.bool_,
    12: BFLOAT16,
}
_NUMBERS = {np.dtype(t): n for n, t in _TYPES.items()}


def from_number(number):
    """NumPy's type for a type number; None for None."""
    return None if number is None else _TYPES[number]


def to_number(dtype):
    """The type number of anything that NumPy takes for a data type, or of ``'bfloat16'``; float32 for None.

    Raises
    ------
    DTypeError
        (a TypeError and a KeyError) for a type that arrays cannot have; the possible ones are named.
    """
    if dtype is None:
        return 0
    if isinstance(dtype, str) and dtype == "bfloat16":
        return 12
    try:
        number = _NUMBERS.get(np.dtype(dtype))
    except TypeError:
        number = None
    if number is None:
        names = ", ".join(name_of(n) for n in _TYPES)
        raise DTypeError("data type %s is not supported; expected one of: %s" % (_shown(dtype), names))
    return number


def _shown(dtype):
    return getattr(dtype, "__name__", None) or repr(dtype)


def name_of(number):
    """The name of a type number, as in ``'float32'``."""
    return "bfloat16" if number == 12 else np.dtype(_TYPES[number]).name
