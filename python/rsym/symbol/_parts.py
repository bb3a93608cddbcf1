"""Functions of symbols over operators that are awkward to call."""

import numbers

from ._creation import _create
from .symbol import Symbol

__all__ = ["split_v2", "histogram"]


def split_v2(ary, indices_or_sections, axis=0, squeeze_axis=False):
    """Cuts a symbol along an axis.

    Parameters
    ----------
    ary : Symbol
    indices_or_sections : int or tuple of int
        The number of parts, or where each part but the first begins.
    axis : int, default 0
    squeeze_axis : bool, default False
        Drop the axis, of which every part must have a single slice.

    Returns
    -------
    Symbol
        One output for each part.

    Raises
    ------
    ValueError
        For `indices_or_sections` of another type.

    Examples
    --------
    >>> import rsym as mx
    >>> mx.sym.split_v2(mx.sym.Variable("x"), (1, 3), axis=1, squeeze_axis=False).infer_shape(x=(2, 4))[1]
    [(2, 1), (2, 2), (2, 1)]
    """
    return _create("_split_v2", split_params(indices_or_sections, axis, squeeze_axis), {}, (ary,))


def split_params(indices_or_sections, axis, squeeze_axis):
    """The parameters of the operator `_split_v2`."""
    if isinstance(indices_or_sections, numbers.Integral):
        indices, sections = [], int(indices_or_sections)
    elif isinstance(indices_or_sections, tuple):
        indices, sections = [0, *indices_or_sections], 0
    else:
        raise ValueError("indices_or_sections must be either an int or a tuple of ints, got %r" % (indices_or_sections,))
    return {"indices": indices, "axis": axis, "squeeze_axis": squeeze_axis, "sections": sections}


def histogram(a, bins=10, range=None, **kwargs):
    """Counts how many elements fall into each bin.

    Parameters
    ----------
    a : Symbol
    bins : int or Symbol, default 10
        The number of bins of equal width, or the edges of the bins.
    range : tuple of float
        Lower edge of the first and upper edge of the last bin, for a number of bins.

    Returns
    -------
    Symbol
        Two outputs: the counts and the edges.

    Raises
    ------
    ValueError
        For `bins` of another type, and for a number of bins without `range`.

    Examples
    --------
    >>> import rsym as mx
    >>> counts, edges = mx.sym.histogram(mx.sym.Variable("x"), bins=2, range=(0.0, 4.0)).eval(x=mx.nd.array([0, 1, 3]))
    >>> counts.asnumpy().tolist()
    [2, 1]
    """
    if isinstance(bins, Symbol):
        return _create("_histogram", {}, kwargs, (a, bins))
    if not isinstance(bins, numbers.Integral):
        raise ValueError("bins must be either an int or a Symbol, got %r" % (bins,))
    if range is None:
        raise ValueError("a symbol has no values yet to take the range from: give range=(lowest, highest)")
    return _create("_histogram", {"bin_cnt": int(bins), "range": range}, kwargs, (a,))
