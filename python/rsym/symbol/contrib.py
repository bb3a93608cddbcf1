"""Contributed operators and control flow, on symbols."""

from .. import _zipfian
from . import random
from ._control import cond, foreach, while_loop
from ._ops import contrib as _operators
from ._ops.contrib import *  # noqa: F401,F403

_made = _zipfian.make("Symbol", random.uniform)
globals().update(_made)
__all__ = [*_operators.__all__, "cond", "foreach", "while_loop", *_made]
