"""Symbols of random arrays."""

from .. import _distributions
from ._ops import internal, op, random
from .symbol import Symbol


def _extra(kwargs, scalar):
    """All keywords but the device, which a symbol does not have yet.

    Distributions with numbers for parameters have no inputs. As in MXNet they pass over one that is given.
    """
    kwargs.pop("ctx", None)
    return {key: v for key, v in kwargs.items() if not (scalar and isinstance(v, Symbol))}


def _scalar(name):
    return getattr(internal, "_random_" + name)


def _array(name):
    return getattr(internal, "_sample_" + name)


_made = _distributions.functions(Symbol, _scalar, _array, lambda name: getattr(op, name), _extra)
# The operators whose arguments are no numbers of a distribution, such as `uniform_like`, are offered as they are.
_made = {name: getattr(random, name) for name in random.__all__} | _made
globals().update(_made)
__all__ = list(_made)
