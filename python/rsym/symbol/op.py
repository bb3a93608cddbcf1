"""Operator functions under their own names, without the ones that numbers may take part in."""

from ._ops.op import *  # noqa: F401,F403
from ._ops.op import __all__  # noqa: F401
