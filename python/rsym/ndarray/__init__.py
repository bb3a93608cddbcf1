"""Arrays, and operators that run on them at once."""

import sys as _sys

from . import op
from ._arithmetic import (
    add,
    divide,
    equal,
    greater,
    greater_equal,
    lesser,
    lesser_equal,
    logical_and,
    logical_or,
    logical_xor,
    maximum,
    minimum,
    modulo,
    multiply,
    not_equal,
    power,
    subtract,
    true_divide,
)
from ._creation import (
    arange,
    array,
    concatenate,
    empty,
    eye,
    from_dlpack,
    from_numpy,
    full,
    linspace,
    moveaxis,
    ones,
    onehot_encode,
    to_dlpack_for_read,
    to_dlpack_for_write,
    zeros,
)
from ._cached import CachedOp
from ._files import load, load_frombuffer, save
from . import random
from . import contrib
from ._ops import image, linalg
from ._ops import internal as _internal
from ._ops.op import *  # noqa: F401,F403
from ._parts import histogram, split_v2
from .ndarray import NDArray, waitall

for _module in (image, linalg):
    _sys.modules["%s.%s" % (__name__, _module.__name__.rsplit(".", 1)[1])] = _module
_sys.modules[__name__ + "._internal"] = _internal
