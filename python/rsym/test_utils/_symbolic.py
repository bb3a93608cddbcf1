"""Checking what a symbol computes, forward and backward."""

import json
import time

import numpy as np

from .. import ndarray as nd
from ._compare import assert_almost_equal
from ._tolerance import default_context, default_dtype

__all__ = [
    "simple_forward",
    "check_symbolic_forward",
    "check_symbolic_backward",
    "check_speed",
    "same_symbol_structure",
]

_FLOATS = (np.float16, np.float32, np.float64)


def check_dtype(dtype, asnumpy=True):
    """AssertionError unless `dtype` is a floating type, or ``'asnumpy'`` if that may be."""
    if not (asnumpy and isinstance(dtype, str) and dtype == "asnumpy") and dtype not in _FLOATS:
        raise AssertionError("dtype must be float16, float32, float64%s, not %r" % (" or 'asnumpy'" if asnumpy else "", dtype))


def to_ndarray(value, ctx, dtype):
    """A NumPy array as NDArray of `dtype` (its own for ``'asnumpy'``); anything else is given back."""
    if not isinstance(value, np.ndarray):
        return value
    own = isinstance(dtype, str) and dtype == "asnumpy"
    return nd.array(value, ctx=ctx, dtype=value.dtype if own else dtype)


def _by_name(names, values, what):
    if not isinstance(values, dict):
        return dict(zip(names, values))
    if set(values) != set(names):
        raise ValueError(
            "%s of the symbol and keys of the given ones do not match: missing %s, unknown %s"
            % (what, sorted(set(names) - set(values)), sorted(set(values) - set(names)))
        )
    return values


def parse_location(sym, location, ctx, dtype=np.float32):
    """The arguments of a symbol as NDArrays by name, in the order of their names.

    Parameters
    ----------
    sym : Symbol
    location : list, tuple or dict of numpy.ndarray or NDArray
        In the order of ``sym.list_arguments()``, or by name.
    ctx : Context
    dtype : dtype or 'asnumpy'

    Returns
    -------
    dict of str to NDArray

    Raises
    ------
    ValueError
        If the names do not match.
    """
    if not isinstance(location, (dict, list, tuple)):
        raise AssertionError("location must be a list, tuple or dict, not %s" % type(location).__name__)
    check_dtype(dtype)
    values = _by_name(sym.list_arguments(), location, "arguments")
    return {name: to_ndarray(values[name], ctx, dtype) for name in sorted(values)}


def parse_aux_states(sym, aux_states, ctx, dtype=np.float32):
    """The auxiliary states of a symbol as NDArrays by name, None for None; see `parse_location`."""
    check_dtype(dtype)
    if aux_states is None:
        return None
    values = _by_name(sym.list_auxiliary_states(), aux_states, "auxiliary states")
    own = isinstance(dtype, str)
    return {name: nd.array(v, ctx=ctx, dtype=v.dtype if own else dtype) for name, v in values.items()}


_parse_location = parse_location
_parse_aux_states = parse_aux_states


def simple_forward(sym, ctx=None, is_train=False, **inputs):
    """Run a symbol once on NumPy arrays.

    Parameters
    ----------
    sym : Symbol
    ctx : Context, optional
    is_train : bool, default False
    **inputs : array_like
        A value for every argument, by name.

    Returns
    -------
    numpy.ndarray or list of numpy.ndarray
        The output itself if there is one.
    """
    executor = sym.bind(ctx or default_context(), args={name: nd.array(value) for name, value in inputs.items()})
    executor.forward(is_train=is_train)
    outputs = [output.asnumpy() for output in executor.outputs]
    return outputs[0] if len(outputs) == 1 else outputs


def check_symbolic_forward(
    sym,
    location,
    expected,
    rtol=None,
    atol=None,
    aux_states=None,
    ctx=None,
    equal_nan=False,
    dtype=default_dtype(),
    check_eps=None,
):
    """Check the outputs of a symbol.

    Parameters
    ----------
    sym : Symbol
    location : list, tuple or dict of numpy.ndarray
        The arguments, in the order of ``sym.list_arguments()`` or by name.
    expected : list, tuple or dict of numpy.ndarray
        The outputs, in the order of ``sym.list_outputs()`` or by name.
    rtol, atol : float or dict of numpy.dtype to float, optional
        As for `assert_almost_equal`.
    aux_states : list, tuple or dict of numpy.ndarray, optional
    ctx : Context, optional
    equal_nan : bool, default False
        Whether NaN equals NaN.
    dtype : dtype or 'asnumpy', default float32
        What the arguments are converted to; ``'asnumpy'`` keeps the type of each.
    check_eps : float, optional
        Compare by `reldiff` instead, as MXNet 0.8 did.

    Returns
    -------
    list of NDArray
        The outputs.

    Raises
    ------
    AssertionError
        That names the output.

    Examples
    --------
    >>> import rsym as mx
    >>> product = mx.sym.dot(mx.sym.Variable("lhs"), mx.sym.Variable("rhs"))
    >>> lhs, rhs = np.array([[1, 2], [3, 4]]), np.array([[5, 6], [7, 8]])
    >>> _ = check_symbolic_forward(product, [lhs, rhs], [lhs @ rhs])
    """
    ctx = ctx or default_context()
    arguments = parse_location(sym, location, ctx, dtype)
    aux = parse_aux_states(sym, aux_states, ctx, dtype)
    names = sym.list_outputs()
    if isinstance(expected, dict):
        expected = [expected[name] for name in names]
    executor = sym.bind(ctx=ctx, args=arguments, grad_req="null", aux_states=aux)
    executor.forward(is_train=False)
    for name, want, got in zip(names, expected, executor.outputs):
        assert_almost_equal(want, got, rtol, atol, ("EXPECTED_" + name, "FORWARD_" + name), equal_nan, threshold=check_eps)
    return executor.outputs


def check_symbolic_backward(
    sym,
    location,
    out_grads,
    expected,
    rtol=None,
    atol=None,
    aux_states=None,
    grad_req="write",
    ctx=None,
    grad_stypes=None,
    equal_nan=False,
    dtype=default_dtype(),
    check_eps=None,
):
    """Check the gradients of a symbol.

    Parameters
    ----------
    sym : Symbol
    location : list, tuple or dict of numpy.ndarray
        The arguments, in the order of ``sym.list_arguments()`` or by name.
    out_grads : list, tuple or dict of numpy.ndarray, or None
        The gradients of the outputs, in their order or by name; None if all outputs are losses.
    expected : list, tuple or dict of numpy.ndarray
        The gradients, in the order of ``sym.list_arguments()`` or by name; by name some may be left out.
    rtol, atol : float or dict of numpy.dtype to float, optional
        As for `assert_almost_equal`.
    aux_states : list, tuple or dict of numpy.ndarray, optional
    grad_req : str, list or dict of str, default 'write'
        With ``'add'`` the gradient must be added to random numbers, with ``'null'`` those must stay.
    ctx : Context, optional
    grad_stypes : dict of str to str, optional
        ``'default'`` alone; rsym's arrays are dense.
    equal_nan : bool, default False
        Whether NaN equals NaN.
    dtype : dtype or 'asnumpy', default float32
        What the arguments are converted to; ``'asnumpy'`` keeps the type of each.
    check_eps : float, optional
        Compare by `reldiff` instead, as MXNet 0.8 did.

    Returns
    -------
    dict of str to NDArray
        The gradients.

    Raises
    ------
    AssertionError
        That names the argument.

    Examples
    --------
    >>> import rsym as mx
    >>> total = mx.sym.Variable("lhs") + mx.sym.Variable("rhs")
    >>> one = np.ones((2, 2))
    >>> _ = check_symbolic_backward(total, [one, 2 * one], [3 * one], {"rhs": 3 * one})
    """
    refuse_sparse(check_symbolic_backward, grad_stypes)
    ctx = ctx or default_context()
    names = sym.list_arguments()
    arguments = parse_location(sym, location, ctx, dtype)
    aux = parse_aux_states(sym, aux_states, ctx, dtype)
    expected = expected if isinstance(expected, dict) else dict(zip(names, expected))
    requests = per_argument(names, grad_req)
    before = {name: np.random.standard_normal(np.shape(expected[name])) for name in sorted(expected)}
    grads = {name: nd.array(value, ctx=ctx, dtype=arguments[name].dtype) for name, value in before.items()}
    executor = sym.bind(
        ctx=ctx,
        args=arguments,
        args_grad=grads,
        aux_states=aux,
        grad_req={name: requests[name] if name in grads else "null" for name in names},
    )
    executor.forward(is_train=True)
    executor.backward(_head_gradients(out_grads, ctx, dtype))
    for name, want in expected.items():
        _check_gradient(name, want, before[name], grads[name], requests[name], rtol, atol, equal_nan, check_eps)
    return grads


def per_argument(names, grad_req):
    """`grad_req` as a dict by argument name; names that a dict lacks are ``'null'``."""
    if isinstance(grad_req, str):
        return dict.fromkeys(names, grad_req)
    return {**dict.fromkeys(names, "null"), **(grad_req if isinstance(grad_req, dict) else dict(zip(names, grad_req)))}


def refuse_sparse(function, stypes):
    """NotSupportedForSparseNDArray if a storage type other than ``'default'`` is asked for."""
    from ..base import NotSupportedForSparseNDArray

    for stype in (stypes or {}).values():
        if stype not in (None, "default"):
            raise NotSupportedForSparseNDArray(function, stype)


def _head_gradients(out_grads, ctx, dtype):
    if isinstance(out_grads, (list, tuple)):
        return [to_ndarray(grad, ctx, dtype) for grad in out_grads]
    if isinstance(out_grads, dict):
        return {name: to_ndarray(grad, ctx, dtype) for name, grad in out_grads.items()}
    if out_grads is not None:
        raise AssertionError("out_grads must be a list, tuple or dict, not %s" % type(out_grads).__name__)
    return None


def _check_gradient(name, want, before, got, request, rtol, atol, equal_nan=False, check_eps=None, prefix="EXPECTED_"):
    if request == "add":
        got = got.asnumpy() - before
    elif request == "null":
        want = before
    elif request != "write":
        raise ValueError("Invalid grad_req %s for argument %s" % (request, name))
    assert_almost_equal(want, got, rtol, atol, (prefix + name, "BACKWARD_" + name), equal_nan, threshold=check_eps)


def check_speed(sym, location=None, ctx=None, N=20, grad_req=None, typ="whole", **kwargs):
    """Measure how long a symbol takes.

    Parameters
    ----------
    sym : Symbol
    location : dict of str to numpy.ndarray, optional
        The arguments; random numbers if left out.
    ctx : Context, optional
    N : int, default 20
        How many runs to average over.
    grad_req : str, list or dict of str, default 'write'
    typ : {'whole', 'forward'}
        Forward in training mode and backward, or forward in inference mode.
    **kwargs : tuple of int
        The shapes of the inputs, if there is no `location`.

    Returns
    -------
    float
        Seconds for one run.
    """
    runs = {"whole": _forward_backward, "forward": lambda executor: executor.forward(is_train=False)}
    if typ not in runs:
        raise ValueError('typ can only be "whole" or "forward", not %r' % (typ,))
    shapes = kwargs if location is None else {name: value.shape for name, value in location.items()}
    executor = sym.simple_bind(ctx=ctx or default_context(), grad_req=grad_req or "write", **shapes)
    for name, array in executor.arg_dict.items():
        if location is None:
            array[:] = np.random.standard_normal(array.shape).astype(array.dtype)
        elif name in location:
            array[:] = location[name].astype(array.dtype)
    runs[typ](executor)
    nd.waitall()
    start = time.perf_counter()
    for _ in range(N):
        runs[typ](executor)
    nd.waitall()
    return (time.perf_counter() - start) / N


def _forward_backward(executor):
    executor.forward(is_train=True)
    executor.backward(out_grads=executor.outputs)


def same_symbol_structure(sym1, sym2):
    """Whether two symbols have the same operators, node by node in the order of their JSON.

    Parameters
    ----------
    sym1, sym2 : Symbol

    Returns
    -------
    bool
    """
    ops = [[node["op"] for node in json.loads(symbol.tojson())["nodes"]] for symbol in (sym1, sym2)]
    return ops[0] == ops[1]
