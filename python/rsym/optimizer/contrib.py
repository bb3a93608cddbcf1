"""Contributed optimizers."""

from ..ndarray import contrib, zeros
from ._base import Optimizer, register

__all__ = ["GroupAdaGrad"]


@register
class GroupAdaGrad(Optimizer):
    """`AdaGrad` with one learning rate for each row of a matrix; see ``contrib.group_adagrad_update``.

    Parameters
    ----------
    eps : float, default 1e-5
    **kwargs
        As in `Optimizer`, without weight decay.
    """

    def __init__(self, eps=1e-5, **kwargs):
        super().__init__(**kwargs)
        self.float_stable_eps = eps

    def create_state(self, index, weight):
        """One number for each row."""
        assert len(weight.shape) == 2, "GroupAdaGrad updates matrices, got shape %s" % (weight.shape,)
        return zeros((weight.shape[0], 1), weight.context, dtype=weight.dtype)

    def update(self, index, weight, grad, state):
        """Updates one weight."""
        lr, wd, _ = self._begin(index)
        assert wd == 0, "GroupAdaGrad has no weight decay, got %g" % wd
        params = dict(self._scaling(), lr=lr, epsilon=self.float_stable_eps)
        contrib.group_adagrad_update(weight, grad, state, out=weight, **params)
