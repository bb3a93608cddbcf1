"""Gradients against central finite differences."""

import numpy as np

from .. import ndarray as nd
from .. import symbol
from ._symbolic import _check_gradient, check_dtype, parse_aux_states, parse_location, per_argument, refuse_sparse
from ._tolerance import default_context, default_dtype, default_numeric_eps, get_tolerance

__all__ = ["numeric_grad", "check_numeric_gradient"]

_PROJECTION = "__random_proj"


def numeric_grad(executor, location, aux_states=None, eps=1e-4, use_forward_train=True, dtype=default_dtype()):
    """The gradient of the sum of an executor's first output, by central differences.

    Parameters
    ----------
    executor : Executor
        Its arguments are changed while this runs and restored.
    location : dict of str to numpy.ndarray
        The point; arguments of whole numbers get zeros.
    aux_states : dict of str to numpy.ndarray, optional
        Written again before every forward.
    eps : float
        The distance of the two points of a difference.
    use_forward_train : bool, default True
        Run forward in training mode.
    dtype : dtype, default float32
        Of the gradients.

    Returns
    -------
    dict of str to numpy.ndarray
    """
    check_dtype(dtype, asnumpy=False)
    for name, value in location.items():
        executor.arg_dict[name][:] = value

    def total():
        for name, value in (aux_states or {}).items():
            executor.aux_dict[name][:] = value
        executor.forward(is_train=use_forward_train)
        return executor.outputs[0].asnumpy().astype(np.float64)

    return {
        name: _differences(executor.arg_dict[name], np.array(value, order="C"), total, eps, dtype)
        for name, value in location.items()
    }


def _differences(argument, value, output, eps, dtype):
    grad = np.zeros(value.shape, dtype=dtype)
    if value.dtype.kind != "f":
        return grad
    flat, flat_grad = value.reshape(-1), grad.reshape(-1)
    for i, original in enumerate(flat.copy()):
        flat[i] = original + eps / 2
        argument[:] = value
        above = output()
        flat[i] = original - eps / 2
        argument[:] = value
        flat_grad[i] = (above - output()).sum() / eps
        flat[i] = original
    argument[:] = value
    return grad


def check_numeric_gradient(
    sym,
    location,
    aux_states=None,
    numeric_eps=None,
    rtol=None,
    atol=None,
    grad_nodes=None,
    use_forward_train=True,
    ctx=None,
    grad_stype_dict=None,
    dtype=default_dtype(),
    check_eps=None,
):
    """Check the gradients of a symbol against finite differences.

    The output is multiplied by random numbers between 0.1 and 1.1, so that no error cancels in the sum.

    Parameters
    ----------
    sym : Symbol
        With one output.
    location : list, tuple or dict of numpy.ndarray
        The arguments, in the order of ``sym.list_arguments()`` or by name.
    aux_states : list, tuple or dict of numpy.ndarray, optional
    numeric_eps : float or dict of numpy.dtype to float, optional
        The step; default 2**-6, 2**-9, 2**-14 for float16, float32, float64.
    rtol, atol : float or dict of numpy.dtype to float, optional
        As for `assert_almost_equal`.
    grad_nodes : list, tuple or dict, optional
        The arguments to check, or a dict of their grad_req; default: all.
    use_forward_train : bool, default True
        Take the differences in training mode.
    ctx : Context, optional
    grad_stype_dict : dict of str to str, optional
        ``'default'`` alone; rsym's arrays are dense.
    dtype : dtype, default float32
        What the arguments are converted to. With float32 and float16 the step must be at least 1e-5.
    check_eps : float, optional
        Compare by `reldiff` instead, as MXNet 0.8 did.

    Raises
    ------
    AssertionError
        That names the argument.

    Examples
    --------
    >>> import rsym as mx
    >>> check_numeric_gradient(mx.sym.tanh(mx.sym.Variable("x")), [np.array([[0.5, -1.0]])])
    """
    check_dtype(dtype, asnumpy=False)
    refuse_sparse(check_numeric_gradient, grad_stype_dict)
    ctx = ctx or default_context()
    arguments = parse_location(sym, location, ctx, dtype)
    aux = parse_aux_states(sym, aux_states, ctx, dtype)
    requests = _requests(sym, grad_nodes)
    point = {name: value.asnumpy() for name, value in arguments.items()}
    aux_point = None if aux is None else {name: value.asnumpy() for name, value in aux.items()}
    before = {name: np.random.normal(0, 0.01, size=point[name].shape) for name in requests}
    grads = {name: nd.array(value, ctx=ctx, dtype=dtype) for name, value in before.items()}
    executor = _projected(sym, arguments, grads, aux, requests, ctx, dtype)
    executor.forward(is_train=True)
    step = get_tolerance(executor.outputs[0], numeric_eps, default_numeric_eps())
    if np.dtype(dtype) != np.float64 and step < 1e-5:
        raise AssertionError("a step of %g vanishes in %s: use at least 1e-5" % (step, np.dtype(dtype).name))
    executor.backward()
    grads = {name: grad.copy() for name, grad in grads.items()}
    checked = {name: point[name] for name, request in requests.items() if request != "null"}
    numeric = numeric_grad(executor, checked, aux_point, step, use_forward_train, dtype)
    for name, request in requests.items():
        _check_gradient(
            name,
            numeric.get(name),
            before[name],
            grads[name],
            request,
            rtol,
            atol,
            check_eps=check_eps,
            prefix="NUMERICAL_",
        )


def _requests(sym, grad_nodes):
    if grad_nodes is None:
        grad_nodes = sym.list_arguments()
    if not isinstance(grad_nodes, (list, tuple, dict)):
        raise ValueError("grad_nodes must be a list, tuple or dict, not %s" % type(grad_nodes).__name__)
    return dict(grad_nodes) if isinstance(grad_nodes, dict) else dict.fromkeys(grad_nodes, "write")


def _projected(sym, arguments, grads, aux, requests, ctx, dtype):
    """An executor of ``make_loss(sym * random)`` that writes into `grads`."""
    _, out_shapes, _ = sym.infer_shape(**{name: value.shape for name, value in arguments.items()})
    projection = np.random.uniform(0.1, 1.1, out_shapes[0])
    loss = symbol.make_loss(sym * symbol.Variable(_PROJECTION))
    values = {**arguments, _PROJECTION: nd.array(projection, ctx=ctx, dtype=dtype)}
    return loss.bind(ctx, args=values, args_grad=grads, aux_states=aux, grad_req=per_argument(loss.list_arguments(), requests))
