"""States of optimizers as bytes: those of rsym, and those that MXNet wrote."""

import io
import pickle
import struct

from ..ndarray import load_frombuffer

__all__ = ["read_states"]

# What stands before and behind a single array in a file of parameters: its mark, one array, no names.
_BEFORE, _BEHIND = struct.pack("<QQQ", 0x112, 0, 1), struct.pack("<Q", 0)


class _Array:
    """What an array of MXNet becomes while it is unpickled: its bytes, as in a file of parameters."""

    def __init__(self, handle=None):
        self.handle = handle

    def __setstate__(self, state):
        self.handle = state["handle"]


class _Reader(pickle.Unpickler):
    """Finds the classes of MXNet in rsym."""

    def find_class(self, module, name):
        if module.partition(".")[0] != "mxnet":
            return super().find_class(module, name)
        return _Array if name == "NDArray" else super().find_class("rsym" + module[len("mxnet") :], name)


def _converted(value):
    if isinstance(value, _Array):
        return None if value.handle is None else load_frombuffer(_BEFORE + bytes(value.handle) + _BEHIND)[0]
    if isinstance(value, (tuple, list)):
        return type(value)(map(_converted, value))
    return {key: _converted(item) for key, item in value.items()} if isinstance(value, dict) else value


def read_states(data):
    """What `Updater.get_states` made bytes of, here or in MXNet.

    Parameters
    ----------
    data : bytes
        Unpickled: take it only from where you trust.

    Returns
    -------
    dict, or tuple of dict and Optimizer
    """
    return _converted(_Reader(io.BytesIO(data)).load())
