"""Arrays in MXNet's binary files."""

import os

from .. import _files, _rsym
from ..base import MXNetError
from ..context import current_context
from .ndarray import NDArray

__all__ = ["save", "load", "load_frombuffer"]


def save(fname, data):
    """Writes arrays in MXNet's ``.params`` format.

    Parameters
    ----------
    fname : str or path
        A file, written whole or not at all, or an fsspec address.
    data : NDArray, list of NDArray, or dict of str to NDArray

    Raises
    ------
    TypeError
        For data of another kind.

    Examples
    --------
    >>> import rsym as mx, tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "x.params")
    >>> mx.nd.save(path, {"w": mx.nd.ones((2,))})
    >>> mx.nd.load(path)["w"].asnumpy()
    array([1., 1.], dtype=float32)
    """
    if isinstance(data, NDArray):
        data = [data]
    if isinstance(data, dict):
        names, arrays = list(data.keys()), list(data.values())
    elif isinstance(data, (list, tuple)):
        names, arrays = [], list(data)
    else:
        raise ValueError(
            "data needs to either be a NDArray, dict of str, NDArray pairs or a list of NDarrays, got %s" % type(data)
        )
    if any(not isinstance(n, str) for n in names):
        raise TypeError("save only accept dict str->NDArray or list of NDArray: a name is no text")
    for array in arrays:
        if not isinstance(array, NDArray):
            raise TypeError("save only accept dict str->NDArray or list of NDArray, got %s" % type(array))
    _files.write_bytes(fname, _rsym.write_params(names, arrays))


def load(fname):
    """The arrays of a ``.params`` file, of any version of MXNet.

    Parameters
    ----------
    fname : str or path
        A file, or an fsspec address.

    Returns
    -------
    dict of str to NDArray, or list of NDArray if the file has no names

    Raises
    ------
    MXNetError
        If the file is damaged, or of another kind; it names the file and says which.
    """
    if not (isinstance(fname, str) or hasattr(fname, "__fspath__")):
        raise TypeError("fname required to be a string, got %r" % (fname,))
    content = _files.read_bytes(fname)
    try:
        return load_frombuffer(content)
    except MXNetError as error:
        raise type(error)("%s: %s" % (os.fsdecode(fname), error)) from None


def load_frombuffer(buf):
    """As `load`, from bytes."""
    if isinstance(buf, str):
        buf = buf.encode()
    if not isinstance(buf, (bytes, bytearray, memoryview)):
        raise TypeError("buf required to be a string or bytes, got %s" % type(buf))
    context = current_context()
    names, arrays = _rsym.read_params(bytes(buf), (context.device_typeid, context.device_id))
    return dict(zip(names, arrays)) if names else arrays
