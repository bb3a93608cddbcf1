"""How much two results may differ, by data type."""

import numbers

import numpy as np

from ..context import Context, current_context

__all__ = [
    "default_context",
    "set_default_context",
    "default_dtype",
    "default_rtols",
    "default_atols",
    "default_numeric_eps",
    "default_numerical_threshold",
    "effective_dtype",
    "get_tolerance",
    "get_tols",
    "get_rtol",
    "get_atol",
    "get_etol",
]

_EXACT = ("bool", "int8", "uint8", "int32", "uint32", "int64", "uint64")


def default_context():
    """The context that checks run on when none is given: the current one."""
    return current_context()


def set_default_context(ctx):
    """Make `ctx` the context that checks, and new arrays, take when none is given."""
    Context._default_ctx.value = ctx


def default_dtype():
    """The data type of checks: float32."""
    return np.float32


def _by_dtype(half, single, double):
    table = {np.dtype(name): value for name, value in (("float16", half), ("float32", single), ("float64", double))}
    return {**table, **{np.dtype(name): 0 for name in _EXACT}}


def default_rtols():
    """Relative tolerance for each data type.

    Returns
    -------
    dict of numpy.dtype to float
    """
    return _by_dtype(1e-2, 1e-4, 1e-5)


def default_atols():
    """Absolute tolerance for each data type.

    Returns
    -------
    dict of numpy.dtype to float
    """
    return _by_dtype(1e-1, 1e-3, 1e-20)


def default_numeric_eps():
    """Step of finite differences for each floating type, a power of two so that adding it drops no bits.

    Returns
    -------
    dict of numpy.dtype to float
    """
    return {np.dtype("float16"): 2.0**-6, np.dtype("float32"): 2.0**-9, np.dtype("float64"): 2.0**-14}


def default_numerical_threshold():
    """The `reldiff` that checks of MXNet 0.8 accept: 1e-6."""
    return 1e-6


def effective_dtype(dat):
    """The data type that decides about the tolerance of `dat`: on a CPU its own.

    Parameters
    ----------
    dat : numpy.ndarray or NDArray

    Returns
    -------
    numpy.dtype
    """
    return np.dtype(dat.dtype)


def get_tolerance(dat, tol, default_tol):
    """The tolerance for `dat`.

    Parameters
    ----------
    dat : numpy.ndarray or NDArray
    tol : float, dict of numpy.dtype to float, or None
        A number is taken as it is, a dict asked for the type of `dat`.
    default_tol : dict of numpy.dtype to float
        Asked where `tol` says nothing. Types in neither, such as bfloat16, are treated as float16 if they
        are narrow floating types and compared exactly otherwise.

    Returns
    -------
    float
    """
    if isinstance(tol, numbers.Number):
        return tol
    dtype = effective_dtype(dat)
    found = (tol or {}).get(dtype, default_tol.get(dtype))
    if found is None:
        found = default_tol[np.dtype("float16")] if dtype.name == "bfloat16" else 0
    return found


def _with_dtype(x):
    return x if hasattr(x, "dtype") else np.asarray(x)


def get_tols(x, y, rtol, atol):
    """The tolerances for comparing `x` and `y`: the larger of their two.

    Parameters
    ----------
    x, y : array_like
    rtol, atol : float, dict of numpy.dtype to float, or None

    Returns
    -------
    rtol, atol : float

    Examples
    --------
    >>> get_tols(np.float32(1), np.float64(1), None, None)
    (0.0001, 0.001)
    """
    pair = _with_dtype(x), _with_dtype(y)
    return (
        max(get_tolerance(one, rtol, default_rtols()) for one in pair),
        max(get_tolerance(one, atol, default_atols()) for one in pair),
    )


def get_atol(atol=None, dtype=np.dtype("float64")):
    """`atol`, or the default for `dtype`."""
    return default_atols()[np.dtype(dtype)] if atol is None else atol


def get_rtol(rtol=None, dtype=np.dtype("float64")):
    """`rtol`, or the default for `dtype`."""
    return default_rtols()[np.dtype(dtype)] if rtol is None else rtol


def get_etol(etol=None):
    """`etol`, the share of elements that may differ, or 0."""
    return 0 if etol is None else etol
