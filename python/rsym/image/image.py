"""The functions and classes of `rsym.image`, under the name that MXNet has for this module."""

from . import _augment, _iter, _picture
from ._augment import *  # noqa: F403
from ._iter import *  # noqa: F403
from ._picture import *  # noqa: F403

__all__ = _picture.__all__ + _augment.__all__ + _iter.__all__
