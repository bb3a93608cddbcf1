"""Optimizers for large batches: every weight has a rate in proportion to its norm."""

import logging
import math

from .. import ndarray as nd
from ._base import Optimizer, aggregation, is_half, register, zeros_like
from ._descent import SGD, MomentumOptimizer, flattened, sgd_call

__all__ = ["LARS", "LBSGD", "LAMB"]


@register
class LARS(SGD):
    """`SGD` with the rate ``lr * eta * |weight| / (|grad| + wd * |weight| + eps)`` for every weight.

    Weights whose name ends in ``gamma``, ``beta`` or ``bias`` keep the rate `lr`.

    Parameters
    ----------
    momentum : float, default 0
    lazy_update : bool, default True
        Ignored: it is for sparse gradients.
    eta : float, default 0.001
    eps : float, default 0
    momentum_correction : bool, default True
        Scale the momentum by the change of the scheduled rate (Goyal et al., 2017).
    **kwargs
        As in `Optimizer`.

    References
    ----------
    You, Gitman and Ginsburg, Large Batch Training of Convolutional Networks (2017).
    """

    def __init__(self, momentum=0.0, lazy_update=True, eta=0.001, eps=0, momentum_correction=True, **kwargs):
        super().__init__(momentum=momentum, lazy_update=lazy_update, **kwargs)
        self.momentum_correction = momentum_correction
        self.eta = eta
        self.eps = eps
        self.skip = 0
        self.last_lr = None
        self.cur_lr = None

    def _decays(self, name):
        return name.endswith("_weight")

    def _get_lrs(self, indices):
        rate = self.learning_rate
        self.last_lr = rate if self.cur_lr is None else self.cur_lr
        self.cur_lr = rate
        return [rate * self._multiplier(index, "lr_mult") for index in indices]

    def _adapts(self, index):
        return not str(self.idx2name.get(index, index)).endswith(("gamma", "beta", "bias"))

    def _corrected_momentum(self):
        if self.momentum_correction and self.last_lr:
            return self.momentum * (self.cur_lr / self.last_lr)
        return self.momentum

    def _rates(self, order, weights, grads, adaptive):
        """Learning rates and weight decays of the weights `order` as arrays, the first `adaptive` ones by their norms."""
        device = weights[0].context
        lrs = nd.array(self._get_lrs(order), ctx=device, dtype="float32")
        wds = nd.array(self._get_wds(order), ctx=device, dtype="float32")
        if adaptive:
            sums = [nd.multi_sum_sq(*arrays[:adaptive], num_arrays=adaptive) for arrays in (weights, grads)]
            params = dict(eta=self.eta, eps=self.eps, rescale_grad=self.rescale_grad)
            lrs[:adaptive] = nd.multi_lars(lrs[:adaptive], *sums, wds[:adaptive], **params)
        return lrs, wds

    def _update_impl(self, indices, weights, grads, states, multi_precision):
        if not isinstance(indices, (tuple, list)):
            indices, weights, grads, states = [indices], [weights], [grads], [states]
        self._update_count(indices)
        places = sorted(range(len(indices)), key=lambda k: not self._adapts(indices[k]))
        order, weights, grads, states = ([group[k] for k in places] for group in (indices, weights, grads, states))
        lrs, wds = self._rates(order, weights, grads, sum(map(self._adapts, order)))
        params = self._scaling()
        if self.momentum != 0.0:
            params["momentum"] = self._corrected_momentum()
        operator, arrays = sgd_call("preloaded_", weights, grads, states, self.momentum != 0.0, multi_precision)
        operator(*arrays, lrs, wds, out=weights, num_weights=len(weights), **params)


@register
class LBSGD(MomentumOptimizer):
    """`SGD` that gathers the gradients of `batch_scale` batches before it updates, with a rate that warms up.

    Parameters
    ----------
    momentum : float, default 0
    multi_precision : bool, default False
    warmup_strategy : {'linear', 'power2', 'sqrt', 'lars'}, default 'linear'
        How the factor of the rate rises from 1 to `batch_scale`; with 'lars' it follows the norms of weight and gradient.
    warmup_epochs : int, default 5
    batch_scale : int, default 1
    updates_per_epoch : int, default 32
    begin_epoch : int, default 0
    num_epochs : int, default 60
        Taken for compatibility.
    **kwargs
        As in `Optimizer`.
    """

    def __init__(
        self,
        momentum=0.0,
        multi_precision=False,
        warmup_strategy="linear",
        warmup_epochs=5,
        batch_scale=1,
        updates_per_epoch=32,
        begin_epoch=0,
        num_epochs=60,
        **kwargs,
    ):
        super().__init__(momentum=momentum, multi_precision=multi_precision, **kwargs)
        logging.info("LBSGD: %d batches at once, warm-up %s over %d epochs", batch_scale, warmup_strategy, warmup_epochs)
        self.warmup_strategy = warmup_strategy
        self.warmup_epochs = warmup_epochs
        self.batch_scale = batch_scale
        self.updates_per_epoch = updates_per_epoch
        self.init_updates = begin_epoch * updates_per_epoch
        self.num_epochs = num_epochs
        self.cumgrads = {}
        self.aggregate_num = aggregation(64)

    def _get_lbmult(self, nup):
        """The factor of the rate after `nup` batches."""
        warmup, rise = self.warmup_epochs * self.updates_per_epoch, float(self.batch_scale) - 1
        if nup >= warmup:
            return 1.0 + rise
        if warmup <= 1:
            return 1.0
        share = float(nup) / warmup
        return 1.0 + rise * {"linear": share, "power2": share * share, "sqrt": math.sqrt(share)}.get(self.warmup_strategy, 0.0)

    def _get_lars(self, weight, g, wd):
        """The factor of the rate by the norms, between 0.01 and 100."""
        weights, grads = float(nd.square(weight).sum().asscalar()), float(nd.square(g).sum().asscalar())
        return min(max(math.sqrt(weights / (grads + wd * weights + 1e-18)), 0.01), 100)

    def _cumulate_gradient(self, grad, index):
        """Adds the gradient to those gathered since the last update; their sum and the number of batches so far."""
        known = self.cumgrads.get(index)
        if known is None:
            known = {"cum_grad": grad.copy(), "num_cums": self.init_updates + 1}
        else:
            known = {"cum_grad": known["cum_grad"] + grad, "num_cums": known["num_cums"] + 1}
        self.cumgrads[index] = known
        return known

    def _update_impl(self, indices, weights, grads, states, multi_precision):
        if not isinstance(indices, (tuple, list)):
            indices, weights, grads, states = [indices], [weights], [grads], [states]
        due = []
        for index, weight, grad, state in zip(indices, weights, grads, states):
            lr, wd, _ = self._begin(index)
            gathered = self._cumulate_gradient(grad, index)
            if gathered["num_cums"] % self.batch_scale == 0:
                mean, gathered["cum_grad"] = gathered["cum_grad"] / self.batch_scale, 0
                due.append((weight, mean, state, lr * self._factor(weight, mean, wd, gathered["num_cums"]), wd))
        if due:
            weights, grads, states, lrs, wds = zip(*due)
            params = dict(self._with_momentum(), lrs=lrs, wds=wds, num_weights=len(due))
            operator, arrays = sgd_call("", weights, grads, states, self.momentum != 0.0, multi_precision)
            operator(*arrays, out=list(weights), **params)

    def _factor(self, weight, grad, wd, batches):
        """The factor of the rate."""
        return self._get_lars(weight, grad, wd) if self.warmup_strategy == "lars" else self._get_lbmult(batches)


@register
class LAMB(Optimizer):
    """Adaptive moments with steps in proportion to the norm of the weight; see ``lamb_update_phase1`` and ``phase2``.

    Parameters
    ----------
    learning_rate : float, default 0.001
    beta1, beta2 : float, default 0.9 and 0.999
    epsilon : float, default 1e-6
    lower_bound, upper_bound : float, optional
        Bounds of the norm of the weight.
    bias_correction : bool, default True
    **kwargs
        As in `Optimizer`. Weights are updated many at once; MXNET_OPTIMIZER_AGGREGATION_SIZE says how many.

    References
    ----------
    You et al., Large Batch Optimization for Deep Learning: Training BERT in 76 minutes (2019).
    """

    def __init__(
        self,
        learning_rate=0.001,
        beta1=0.9,
        beta2=0.999,
        epsilon=1e-6,
        lower_bound=None,
        upper_bound=None,
        bias_correction=True,
        **kwargs,
    ):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.lower_bound = lower_bound
        self.upper_bound = upper_bound
        self.bias_correction = bias_correction
        self.aggregate_num = max(1, aggregation(45))

    def create_state(self, index, weight):
        """Mean and mean square."""
        return (zeros_like(weight), zeros_like(weight))

    def _params(self):
        names = ("beta1", "beta2", "epsilon", "bias_correction")
        params = dict(self._scaling(), **{name: getattr(self, name) for name in names})
        bounds = ("lower_bound", "upper_bound")
        return {**params, **{name: getattr(self, name) for name in bounds if getattr(self, name)}}

    def _update_impl(self, indices, weights, grads, states, multi_precision):
        if not isinstance(indices, (tuple, list)):
            indices, weights, grads, states = [indices], [weights], [grads], [states]
        self._update_count(indices)
        masters, moments = zip(*states) if multi_precision else ((), states)
        means, variances = zip(*moments)
        arrays = flattened(weights, grads, means, variances, *([masters] if multi_precision else []))
        update = nd._internal._multi_mp_lamb_update if multi_precision else nd._internal._multi_lamb_update
        update(
            *arrays,
            out=list(weights),
            num_tensors=len(weights),
            learning_rates=self._get_lrs(indices),
            wds=self._get_wds(indices),
            step_count=[self._index_update_count[index] for index in indices],
            **self._params(),
        )

    def update(self, index, weight, grad, state):
        """Updates one weight, or several given as lists."""
        self._update_impl(index, weight, grad, state, False)

    def update_multi_precision(self, index, weight, grad, state):
        """Updates one weight, or several given as lists."""
        self._update_impl(index, weight, grad, state, self.multi_precision and is_half(weight))
