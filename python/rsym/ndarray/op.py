"""Operator functions under their own names."""

from ._ops.op import *  # noqa: F401,F403
from ._ops.op import __all__  # noqa: F401
