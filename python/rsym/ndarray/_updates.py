"""Update operators for lists of weights, as MXNet offers them in `ndarray.contrib`."""

from ._creation import array
from ._ops import internal
from .ndarray import NDArray

__all__ = [
    "adamw_update",
    "mp_adamw_update",
    "multi_adamw_update",
    "multi_mp_adamw_update",
    "multi_lamb_update",
    "multi_mp_lamb_update",
]


def _factor(rescale_grad, weight):
    """The factor of gradients as an array beside the weight."""
    if isinstance(rescale_grad, NDArray):
        return rescale_grad.as_in_context(weight.context)
    return array([rescale_grad], ctx=weight.context, dtype="float32")


def _in_turn(*lists):
    return [one for group in zip(*lists) for one in group]


def adamw_update(weight, grad, mean, var, rescale_grad, lr, eta, **kwargs):
    """`_adamw_update` with a number or an array as `rescale_grad`.

    Parameters
    ----------
    weight, grad, mean, var : NDArray
    rescale_grad : float or NDArray
    lr, eta : float
    **kwargs
        Further parameters of the operator, and `out`.
    """
    return internal._adamw_update(weight, grad, mean, var, _factor(rescale_grad, weight), lr=lr, eta=eta, **kwargs)


def mp_adamw_update(weight, grad, mean, var, weight32, rescale_grad, lr, eta, **kwargs):
    """`_mp_adamw_update` with a number or an array as `rescale_grad`; parameters as in `adamw_update`."""
    factor = _factor(rescale_grad, weight)
    return internal._mp_adamw_update(weight, grad, mean, var, weight32, factor, lr=lr, eta=eta, **kwargs)


def multi_adamw_update(weights, grads, mean, var, rescale_grad, lrs, wds, etas, out=None, size=0, **kwargs):
    """`_multi_adamw_update` on lists.

    Parameters
    ----------
    weights, grads, mean, var : list of NDArray
    rescale_grad : float or NDArray
    lrs, wds, etas : list of float
    out : list of NDArray, optional
    size : int, optional
        The number of weights.
    **kwargs
        Further parameters of the operator.
    """
    arrays = _in_turn(weights, grads, mean, var) + [_factor(rescale_grad, weights[0])]
    rates = dict(lrs=lrs, wds=wds, etas=etas, num_weights=size or len(weights))
    return internal._multi_adamw_update(*arrays, out=out, **rates, **kwargs)


def multi_mp_adamw_update(weights, grads, mean, var, weights32, rescale_grad, lrs, wds, etas, out=None, size=0, **kwargs):
    """`_multi_mp_adamw_update` on lists; parameters as in `multi_adamw_update`."""
    arrays = _in_turn(weights, grads, mean, var, weights32) + [_factor(rescale_grad, weights[0])]
    rates = dict(lrs=lrs, wds=wds, etas=etas, num_weights=size or len(weights))
    return internal._multi_mp_adamw_update(*arrays, out=out, **rates, **kwargs)


def multi_lamb_update(weights, grads, mean, var, step_count, lrs, wds, out=None, num_tensors=0, **kwargs):
    """`_multi_lamb_update` on lists.

    Parameters
    ----------
    weights, grads, mean, var : list of NDArray
    step_count : list of int
    lrs, wds : list of float
    out : list of NDArray, optional
    num_tensors : int, optional
        The number of weights.
    **kwargs
        Further parameters of the operator.
    """
    rates = dict(learning_rates=lrs, wds=wds, step_count=step_count, num_tensors=num_tensors or len(weights))
    return internal._multi_lamb_update(*_in_turn(weights, grads, mean, var), out=out, **rates, **kwargs)


def multi_mp_lamb_update(weights, grads, mean, var, weights32, step_count, lrs, wds, out=None, num_tensors=0, **kwargs):
    """`_multi_mp_lamb_update` on lists; parameters as in `multi_lamb_update`."""
    rates = dict(learning_rates=lrs, wds=wds, step_count=step_count, num_tensors=num_tensors or len(weights))
    return internal._multi_mp_lamb_update(*_in_turn(weights, grads, mean, var, weights32), out=out, **rates, **kwargs)
