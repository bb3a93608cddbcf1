"""Random arrays, and the seed of all random operators."""

from . import _rsym
from .ndarray import random as _random
from .ndarray.random import *  # noqa: F401,F403

__all__ = ["seed"] + _random.__all__


def seed(seed_state, ctx="all"):
    """Starts the stream of random numbers anew: the same seed is followed by the same draws, for every number of threads.

    Parameters
    ----------
    seed_state : int
    ctx : str or Context
        Taken for compatibility: all devices share one stream.

    Raises
    ------
    ValueError
        If the seed is not a whole number.
    """
    try:
        number = int(seed_state)
    except (TypeError, ValueError):
        raise ValueError("seed_state must be int, got %r" % (seed_state,)) from None
    _rsym.seed(number % 2**64)
