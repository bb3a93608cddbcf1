"""Functions of arrays over operators that are awkward to call."""

import numbers

from ..symbol._parts import split_params
from ._invoke import invoke
from .ndarray import NDArray

__all__ = ["split_v2", "histogram"]


def split_v2(ary, indices_or_sections, axis=0, squeeze_axis=False):
    """Cuts an array along an axis.

    Parameters
    ----------
    ary : NDArray
    indices_or_sections : int or tuple of int
        The number of parts, all equal, or where each part but the first begins.
    axis : int, default 0
    squeeze_axis : bool, default False
        Drop the axis, of which every part must have a single slice.

    Returns
    -------
    NDArray or list of NDArray
        The parts; no list for a single one.

    Raises
    ------
    ValueError
        For `indices_or_sections` of another type, and for parts that cannot be equal.

    Examples
    --------
    >>> import rsym as mx
    >>> [part.shape for part in mx.nd.split_v2(mx.nd.zeros((2, 4)), (1, 3), axis=1)]
    [(2, 1), (2, 2), (2, 1)]
    """
    params = split_params(indices_or_sections, axis, squeeze_axis)
    if params["sections"] and ary.shape[axis] % params["sections"]:
        raise ValueError("axis %d of %d cannot be cut into %d equal parts" % (axis, ary.shape[axis], params["sections"]))
    return invoke("_split_v2", (ary,), params, None, {})


def histogram(a, bins=10, range=None):
    """Counts how many elements fall into each bin.

    Parameters
    ----------
    a : NDArray
    bins : int or NDArray, default 10
        The number of bins of equal width, or the edges of the bins.
    range : tuple of float, optional
        Lower edge of the first and upper edge of the last bin; by default the smallest and the largest element.

    Returns
    -------
    counts, edges : NDArray

    Raises
    ------
    ValueError
        For `bins` of another type.

    Examples
    --------
    >>> import rsym as mx
    >>> counts, edges = mx.nd.histogram(mx.nd.array([0, 1, 4]), bins=2)
    >>> counts.asnumpy().tolist(), edges.asnumpy().tolist()
    ([2, 1], [0.0, 2.0, 4.0])
    """
    if isinstance(bins, NDArray):
        return invoke("_histogram", (a, bins), {}, None, {})
    if not isinstance(bins, numbers.Integral):
        raise ValueError("bins must be either an int or an NDArray, got %r" % (bins,))
    if range is None:
        range = (float(a.min().asscalar()), float(a.max().asscalar()))
    return invoke("_histogram", (a,), {"bin_cnt": int(bins), "range": range}, None, {})
