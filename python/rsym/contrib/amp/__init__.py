"""Automatic mixed precision is not part of rsym. Importing it is allowed, using it is an error that says what to do instead."""

from . import amp
from .amp import AmpError

__all__ = ["AmpError", "amp"]


def __getattr__(name):
    return getattr(amp, name)
