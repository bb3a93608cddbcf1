"""How many threads operators use."""

import sys as _sys

from . import _rsym

__all__ = ["get_num_threads", "set_num_threads"]


def set_num_threads(n):
    """Sets the number of threads that operators of this process may use, the calling one included.

    Results have the same bits for every number. Executors that run at the same time share the threads.

    Parameters
    ----------
    n : int
        1 to 256.

    Raises
    ------
    MXNetError
        If `n` is out of range.

    Examples
    --------
    >>> import rsym as mx
    >>> before = mx.get_num_threads()
    >>> mx.set_num_threads(2)
    >>> mx.get_num_threads()
    2
    >>> mx.set_num_threads(before)
    """
    _rsym.set_num_threads(n)


def get_num_threads():
    """The number of threads that operators of this process may use.

    It is what `set_num_threads` said, else the environment variable ``RSYM_NUM_THREADS``, else the number of cores that
    the process may use by its affinity and control group. A process of `multiprocessing`, like any forked one, uses a
    single thread unless it is told otherwise.

    Returns
    -------
    int
    """
    return _rsym.get_num_threads()


def _of_multiprocessing():
    """Whether `multiprocessing` started this process."""
    process = _sys.modules.get("multiprocessing.process")
    if process is None:
        return False
    # A process that is being spawned has no parent yet while it imports what it needs.
    return process.parent_process() is not None or getattr(process.current_process(), "_inheriting", False)


_rsym.loaded(_of_multiprocessing())
