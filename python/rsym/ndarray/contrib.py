"""Contributed operators and control flow, on arrays."""

from .. import _zipfian
from . import _updates, random
from ._control import cond, foreach, while_loop
from ._ops import contrib as _operators
from ._ops.contrib import *  # noqa: F401,F403
from ._updates import *  # noqa: F401,F403

_made = _zipfian.make("NDArray", random.uniform)
globals().update(_made)
__all__ = [*_operators.__all__, "cond", "foreach", "while_loop", *_updates.__all__, *_made]
