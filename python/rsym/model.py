"""Models on disk, and `FeedForward`: a model that is trained and used in one call each."""

from ._checkpoint import load_checkpoint, load_params, save_checkpoint, split_params
from ._feedforward import FeedForward
from ._training import (  # noqa: F401
    BatchEndParam,
    _create_kvstore,
    _initialize_kvstore,
    _update_params,
    _update_params_on_kvstore,
)

__all__ = ["BatchEndParam", "FeedForward", "load_checkpoint", "load_params", "save_checkpoint", "split_params"]
