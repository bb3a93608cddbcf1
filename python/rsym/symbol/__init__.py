"""Symbols: expressions over named variables, composed by operator functions and arithmetic."""

import sys as _sys

from . import op
from ._arithmetic import hypot, maximum, minimum, pow, power
from ._creation import arange, eye, full, linspace, ones, zeros
from . import random
from . import contrib
from ._ops import image, linalg
from ._ops import internal as _internal
from ._ops.op import *  # noqa: F401,F403
from ._parts import histogram, split_v2
from .symbol import Group, Symbol, Variable, load, load_json, var

# `rsym.symbol.random` and its like are modules of their own, as they are in MXNet.
for _module in (image, linalg):
    _sys.modules["%s.%s" % (__name__, _module.__name__.rsplit(".", 1)[1])] = _module
_sys.modules[__name__ + "._internal"] = _internal
