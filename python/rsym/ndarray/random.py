"""Random arrays."""

from .. import _distributions
from ._ops import internal, op, random
from .ndarray import NDArray


def _extra(kwargs, scalar):
    """Keywords without `ctx`: arrays are made where the current context says."""
    context = kwargs.pop("ctx", None)
    if context is not None:
        from .ndarray import device_of

        device_of(context)
    return kwargs


def _scalar(name):
    return getattr(internal, "_random_" + name)


def _array(name):
    return getattr(internal, "_sample_" + name)


_made = _distributions.functions(NDArray, _scalar, _array, lambda name: getattr(op, name), _extra)
# The operators whose arguments are no numbers of a distribution, such as `uniform_like`, are offered as they are.
_made = {name: getattr(random, name) for name in random.__all__} | _made
globals().update(_made)
__all__ = list(_made)
