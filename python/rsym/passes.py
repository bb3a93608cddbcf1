"""The passes that make a bound graph cheaper to run, by name."""

import contextlib

from . import _rsym

__all__ = ["names", "off"]


def names():
    """Names of all passes, in the order in which `bind` and `simple_bind` run them; at last comes what runs small
    independent operators side by side.

    Returns
    -------
    list of str

    Examples
    --------
    >>> import rsym as mx
    >>> mx.passes.names()
    ['identity', 'fold', 'gather', 'cse', 'absorb', 'layout', 'dead', 'fuse', 'branches']
    """
    return _rsym.pass_names()


@contextlib.contextmanager
def off(*left_out):
    """Executors bound inside do without some passes.

    The environment variable ``RSYM_PASSES_OFF`` (names separated by commas, or ``all``) does the same for a whole process.
    The setting belongs to the process, not to the thread.

    Parameters
    ----------
    left_out : str
        Names as `names` gives them; ``'all'`` is every pass.

    Raises
    ------
    MXNetError
        For a name that no pass has; the message lists the names.

    Examples
    --------
    >>> import rsym as mx
    >>> x = mx.sym.Variable("x")
    >>> with mx.passes.off("fuse"):
    ...     executor = (x * 2 + 1).simple_bind(mx.cpu(), x=(3,))
    >>> executor.forward(x=mx.nd.ones((3,)))[0].asnumpy()
    array([3., 3., 3.], dtype=float32)
    """
    before = _rsym.switch_off_passes(list(left_out))
    try:
        yield
    finally:
        _rsym.switch_off_passes(before)
