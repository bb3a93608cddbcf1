"""Execution in bulk, which scripts ask for.

rsym plans whole graphs and runs them in one call, so that the size has no effect; it is only kept, in each thread.

Examples
--------
>>> import rsym as mx
>>> with mx.engine.bulk(10):
...     mx.engine.set_bulk_size(20)
10
>>> mx.engine.set_bulk_size(0)
0
"""

import contextlib
import operator
import threading

__all__ = ["bulk", "set_bulk_size"]

_sizes = threading.local()


def set_bulk_size(size):
    """Sets the number of operators that may be run in one go.

    Parameters
    ----------
    size : int

    Returns
    -------
    int
        The number of before; 0 at the start.
    """
    before = getattr(_sizes, "size", 0)
    _sizes.size = operator.index(size)
    return before


@contextlib.contextmanager
def bulk(size):
    """A `with` block in which up to `size` operators may be run in one go.

    Parameters
    ----------
    size : int
    """
    before = set_bulk_size(size)
    try:
        yield
    finally:
        set_bulk_size(before)
