"""Gradient descent and its closest kin."""

import math

import numpy as np

from .. import ndarray as nd
from ..ndarray import random
from ._base import OneOperator, Optimizer, aggregation, arrays_of, is_half, register, update_each, zeros_like

__all__ = ["SGD", "ccSGD", "NAG", "Signum", "SGLD", "DCASGD"]


def flattened(*lists):
    """The first elements of all lists, then the second ones, and so on."""
    return [array for group in zip(*lists) for array in group]


class MomentumOptimizer(Optimizer):
    """An optimizer whose state is a momentum, or None, with a copy in single precision second if it keeps one."""

    def __init__(self, momentum=0.0, **kwargs):
        super().__init__(**kwargs)
        self.momentum = momentum

    def create_state(self, index, weight):
        """Zeros, or None without momentum."""
        return zeros_like(weight) if self.momentum != 0.0 else None

    def create_state_multi_precision(self, index, weight):
        """The momentum; with the copy in single precision second for half precision and `multi_precision`."""
        if is_half(weight):
            if self.multi_precision:
                master = weight.astype(np.float32)
                return (self.create_state(index, master), master)
            self._warn_of_half()
        return self.create_state(index, weight)

    def update(self, index, weight, grad, state):
        """Updates one weight, or several given as lists."""
        self._update_impl(index, weight, grad, state, False)

    def update_multi_precision(self, index, weight, grad, state):
        """Updates one weight, or several given as lists."""
        self._update_impl(index, weight, grad, state, self.multi_precision and is_half(weight))

    def _with_momentum(self):
        scaling = self._scaling()
        if self.momentum != 0.0:
            scaling["momentum"] = self.momentum
        return scaling


@register
class SGD(MomentumOptimizer):
    """Stochastic gradient descent with momentum and weight decay.

    ::

        state = momentum * state - lr * (clip(rescale_grad * grad) + wd * weight)
        weight = weight + state

    Parameters
    ----------
    momentum : float, default 0
    lazy_update : bool, default True
        Ignored: it is for sparse gradients.
    **kwargs
        As in `Optimizer`. Weights are updated many at once; MXNET_OPTIMIZER_AGGREGATION_SIZE says how many.

    Examples
    --------
    >>> import rsym as mx
    >>> update = mx.optimizer.get_updater(mx.optimizer.SGD(learning_rate=0.5))
    >>> weight = mx.nd.array([1.0, 2.0])
    >>> update(0, mx.nd.array([1.0, -1.0]), weight)
    >>> weight.asnumpy().tolist()
    [0.5, 2.5]
    """

    def __init__(self, momentum=0.0, lazy_update=True, **kwargs):
        super().__init__(momentum=momentum, **kwargs)
        self.lazy_update = lazy_update
        self.aggregate_num = aggregation(64)

    def _update_impl(self, indices, weights, grads, states, multi_precision):
        if not isinstance(indices, (tuple, list)):
            indices, weights, grads, states = [indices], [weights], [grads], [states]
        self._update_count(indices)
        params = self._with_momentum()
        params.update(lrs=self._get_lrs(indices), wds=self._get_wds(indices), num_weights=len(weights))
        operator, arrays = sgd_call("", weights, grads, states, self.momentum != 0.0, multi_precision)
        operator(*arrays, out=list(weights), **params)


def sgd_call(prefix, weights, grads, states, momentum, multi_precision):
    """The operator for several weights, and its arrays in turn."""
    name = "%smulti_%ssgd_%supdate" % (prefix, "mp_" if multi_precision else "", "mom_" if momentum else "")
    if not multi_precision:
        return getattr(nd, name), flattened(weights, grads, *([states] if momentum else []))
    momenta, masters = zip(*states)
    return getattr(nd, name), flattened(weights, grads, *([momenta] if momentum else []), masters)


@register
class ccSGD(SGD):
    """Another name of `SGD`, which older scripts use."""


@register
class NAG(MomentumOptimizer):
    """Nesterov's accelerated gradient.

    ::

        state = momentum * state - lr * (clip(rescale_grad * grad) + wd * weight)
        weight = weight + momentum * state - lr * (clip(rescale_grad * grad) + wd * weight)

    Parameters
    ----------
    momentum : float, default 0
    **kwargs
        As in `Optimizer`.
    """

    def __init__(self, momentum=0.0, **kwargs):
        super().__init__(momentum=momentum, **kwargs)
        self.aggregate_num = aggregation(64)

    def _update_impl(self, indices, weights, grads, states, multi_precision):
        if not isinstance(indices, (tuple, list)):
            indices, weights, grads, states = [indices], [weights], [grads], [states]
        self._update_count(indices)
        operator = ("mp_" if multi_precision else "") + ("nag_mom_update" if self.momentum != 0.0 else "sgd_update")
        if multi_precision and self.momentum == 0.0:
            states = [master for _, master in states]
        rates = {"lr": self._get_lrs(indices), "wd": self._get_wds(indices)}
        arrays = [arrays_of(*group) for group in zip(weights, grads, states)]
        update_each(operator, arrays, self._with_momentum(), rates)


@register
class Signum(OneOperator):
    """Descent by the sign of the momentum, or of the gradient if there is none.

    ::

        state = momentum * state - (1 - momentum) * (clip(rescale_grad * grad) + wd * weight)
        weight = (1 - lr * wd_lh) * weight + lr * sign(state)

    Parameters
    ----------
    learning_rate : float, default 0.01
    momentum : float, default 0.9
    wd_lh : float, default 0
        Weight decay beside the momentum.
    **kwargs
        As in `Optimizer`.

    References
    ----------
    Bernstein et al., signSGD: Compressed Optimisation for Non-Convex Problems (2018).
    """

    def __init__(self, learning_rate=0.01, momentum=0.9, wd_lh=0.0, **kwargs):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.momentum = momentum
        self.wd_lh = wd_lh

    def create_state(self, index, weight):
        """Zeros, or None without momentum."""
        return zeros_like(weight) if self.momentum != 0.0 else None

    def _operator(self, state):
        if state is None:
            return "signsgd_update", self._scaling()
        return "signum_update", dict(self._scaling(), momentum=self.momentum, wd_lh=self.wd_lh)


@register
class SGLD(OneOperator):
    """Langevin dynamics: half a step of descent, and noise of variance `lr`.

    References
    ----------
    Patterson and Teh, Stochastic Gradient Riemannian Langevin Dynamics on the Probability Simplex (2013).
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.aggregate_num = aggregation(64) if type(self).update is SGLD.update else 0

    def create_state(self, index, weight):
        """None."""

    def _operator(self, state):
        return "sgd_update", self._scaling()

    def _rates(self, indices):
        return {"lr": [lr / 2 for lr in self._get_lrs(indices)], "wd": self._get_wds(indices)}

    def update(self, index, weight, grad, state):
        """Updates one weight, or several given as lists."""
        super().update(index, weight, grad, state)
        several = isinstance(index, (list, tuple))
        for w, lr in zip(weight if several else [weight], self._get_lrs(index if several else [index])):
            w[:] += random.normal(0, math.sqrt(lr), shape=w.shape, dtype=w.dtype, ctx=w.context)


@register
class DCASGD(OneOperator):
    """Descent that compensates for the delay of gradients from other workers.

    ::

        grad = clip(rescale_grad * grad)
        state = momentum * state - lr * (grad + wd * weight + lamda * grad^2 * (weight - previous))
        previous, weight = weight, weight + state

    Parameters
    ----------
    momentum : float, default 0
    lamda : float, default 0.04
    **kwargs
        As in `Optimizer`.

    References
    ----------
    Zheng et al., Asynchronous Stochastic Gradient Descent with Delay Compensation (2016).
    """

    def __init__(self, momentum=0.0, lamda=0.04, **kwargs):
        super().__init__(**kwargs)
        self.momentum = momentum
        self.weight_previous = {}
        self.lamda = lamda

    def create_state(self, index, weight):
        """The momentum, or None, and the weight before the last update."""
        return (zeros_like(weight) if self.momentum != 0.0 else None, weight.copy())

    def _operator(self, state):
        params = dict(self._scaling(), lamda=self.lamda)
        if state[0] is None:
            return "_dcasgd_update", params
        return "_dcasgd_mom_update", dict(params, momentum=self.momentum)
