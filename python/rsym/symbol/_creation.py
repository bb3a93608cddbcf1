"""Symbols of constant arrays."""

import numpy as np

from ._compose import compose

__all__ = ["zeros", "ones", "full", "eye", "arange", "linspace"]


def _create(op, params, kwargs, inputs=()):
    name, attr = kwargs.pop("name", None), kwargs.pop("attr", None)
    params = {k: v for k, v in params.items() if v is not None}
    return compose(op, op, inputs, params, name, attr, kwargs)


def zeros(shape, dtype=None, **kwargs):
    """A symbol of zeros.

    Parameters
    ----------
    shape : int or tuple of int
        0 stands for a dimension that is inferred.
    dtype : data type, default float32

    Examples
    --------
    >>> import rsym as mx
    >>> mx.sym.zeros((2,)).eval()[0].asnumpy()
    array([0., 0.], dtype=float32)
    """
    return _create("_zeros", {"shape": shape, "dtype": dtype or np.float32}, kwargs)


def ones(shape, dtype=None, **kwargs):
    """A symbol of ones; see `zeros`."""
    return _create("_ones", {"shape": shape, "dtype": dtype or np.float32}, kwargs)


def full(shape, val, dtype=None, **kwargs):
    """A symbol of which every element is `val`; see `zeros`."""
    return _create("_full", {"shape": shape, "value": float(val), "dtype": dtype or np.float32}, kwargs)


def eye(N, M=0, k=0, dtype=None, **kwargs):
    """A symbol of an `N` by `M` matrix (square if `M` is 0) with ones on its diagonal number `k`."""
    return _create("_eye", {"N": N, "M": M, "k": k, "dtype": dtype or np.float32}, kwargs)


def arange(start, stop=None, step=1.0, repeat=1, infer_range=False, name=None, dtype=None):
    """A symbol of the numbers from `start` up to `stop`, exclusive, each `repeat` times.

    With one number given, that is `stop` and `start` is 0.
    """
    params = {
        "start": start,
        "stop": "None" if stop is None else stop,
        "step": step,
        "repeat": repeat,
        "infer_range": infer_range,
        "dtype": dtype or np.float32,
    }
    return _create("_arange", params, {"name": name})


def linspace(start, stop, num, endpoint=True, name=None, dtype=None):
    """A symbol of `num` numbers at equal distances from `start` to `stop`, which is included if `endpoint`."""
    params = {"start": start, "stop": stop, "num": num, "endpoint": endpoint, "dtype": dtype or np.float32}
    return _create("_linspace", params, {"name": name})
