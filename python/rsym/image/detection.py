"""The classes of `rsym.image` for pictures with boxes, under the name that MXNet has for this module."""

from . import _detection
from ._detection import *  # noqa: F403

__all__ = _detection.__all__
