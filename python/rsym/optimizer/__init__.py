"""Optimizers: how gradients change weights.

`create` makes one by its name, `get_updater` what a key-value store or a training loop calls for every weight.
"""

from . import contrib, optimizer
from . import optimizer as opt
from .optimizer import *  # noqa: F401,F403
from .optimizer import __all__ as _names

__all__ = _names + ["contrib", "opt", "optimizer"]
