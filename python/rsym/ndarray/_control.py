"""Control flow on arrays: the functions run at once, step by step; gradients follow from what they call."""

from .._nested import flatten, regroup
from ..symbol._control import checked_iterations
from . import op
from ._creation import zeros
from .ndarray import NDArray

__all__ = ["foreach", "while_loop", "cond"]


def foreach(body, data, init_states):
    """Runs a step for every row of some arrays, and hands states from step to step.

    Parameters
    ----------
    body : function
        `out, states = body(row, states)`, all of them arrays or nested lists of arrays.
    data : NDArray or nested list of NDArray
        Shapes (n, ...); rows of an array of shape (n,) have shape (1,).
    init_states : NDArray or nested list of NDArray

    Returns
    -------
    out : NDArray or nested list of NDArray
        Shapes (n, ...), in the form in which `body` gives them; an empty list if there are no rows.
    states : NDArray or nested list of NDArray
        What the last step gave.

    Raises
    ------
    AssertionError
        For data or states that are no arrays.

    Examples
    --------
    >>> import rsym as mx
    >>> out, total = mx.nd.contrib.foreach(lambda row, s: (row + s, row + s), mx.nd.array([1, 2, 3]), mx.nd.array([10]))
    >>> out.asnumpy().ravel().tolist(), float(total.asscalar())
    ([11.0, 13.0, 16.0], 16.0)
    """
    arrays, form = flatten(data, NDArray, "the data of foreach")
    flatten(init_states, NDArray, "the states of foreach")
    outputs, out_form, states = [], [], init_states
    for t in range(arrays[0].shape[0]):
        out, states = body(regroup([a[t] for a in arrays], form), states)
        leaves, out_form = flatten(out, NDArray, "the output of the body")
        outputs.append(leaves)
    return regroup([op.stack(*rows) for rows in zip(*outputs)], out_form), states


def while_loop(cond, func, loop_vars, max_iterations=None):
    """Runs a step as long as a condition holds.

    Parameters
    ----------
    cond : function
        `cond(*loop_vars)` is an array of a single number, or a Python value.
    func : function
        `out, loop_vars = func(*loop_vars)`, arrays or nested lists of arrays; `out` may be None.
    loop_vars : NDArray or nested list of NDArray
        The first loop variables, at least one.
    max_iterations : int
        The most steps; required.

    Returns
    -------
    out : NDArray or nested list of NDArray
        Shapes (max_iterations, ...); rows behind the last step are zero. An empty list if there was no step.
    loop_vars : NDArray or nested list of NDArray
        The last ones.

    Raises
    ------
    ValueError
        Without `max_iterations` or loop variables, and if the number of outputs or loop variables changes, or the shape
        of an output.

    Examples
    --------
    >>> import rsym as mx
    >>> out, (i, s) = mx.nd.contrib.while_loop(
    ...     lambda i, s: i <= 3, lambda i, s: (s, (i + 1, s + i)), (mx.nd.array([1]), mx.nd.array([0])), max_iterations=4
    ... )
    >>> out.asnumpy().ravel().tolist(), float(s.asscalar())
    ([0.0, 1.0, 3.0, 0.0], 6.0)
    """
    max_iterations = checked_iterations(max_iterations, loop_vars)
    is_single = isinstance(loop_vars, NDArray)
    variables = [loop_vars] if is_single else list(loop_vars)
    outputs, form = [], []
    while len(outputs) < max_iterations and _truth(cond(*variables), "what cond gives"):
        out, new = func(*variables)
        leaves, form = flatten([] if out is None else out, NDArray, "the output of func")
        new = [] if new is None else [new] if isinstance(new, NDArray) else list(new)
        if len(new) != len(variables):
            raise ValueError("the number of loop_vars must not change: %d, then %d" % (len(variables), len(new)))
        if outputs and len(leaves) != len(outputs[0]):
            raise ValueError("the number of outputs must not change: %d, then %d" % (len(outputs[0]), len(leaves)))
        variables = new
        outputs.append(leaves)
    stacked = [_padded(k, rows, max_iterations) for k, rows in enumerate(zip(*outputs))]
    return regroup(stacked, form), variables[0] if is_single else variables


def _padded(number, rows, count):
    """Rows as one array of `count` rows, the missing ones being zero."""
    shapes = {row.shape for row in rows}
    if len(shapes) > 1:
        raise ValueError("output %d has different shapes in different steps: %s" % (number, sorted(shapes)))
    parts = [row.expand_dims(0) for row in rows]
    if count > len(rows):
        parts.append(zeros((count - len(rows), *rows[0].shape), ctx=rows[0].context, dtype=rows[0].dtype))
    return op.concat(*parts, dim=0)


def cond(pred, then_func, else_func):
    """Computes one of two things: `then_func()` if `pred` is not zero, else `else_func()`.

    Parameters
    ----------
    pred : NDArray
        A single number.
    then_func, else_func : function
        Called without any argument.

    Returns
    -------
    object
        What the function gives.

    Raises
    ------
    ValueError
        If `pred` is not a single number.

    Examples
    --------
    >>> import rsym as mx
    >>> a = mx.nd.array([5])
    >>> float(mx.nd.contrib.cond(a > 0, lambda: a * 2, lambda: a * 3).asscalar())
    10.0
    """
    return then_func() if _truth(pred, "pred") else else_func()


def _truth(value, what):
    """Whether a number, in an array or not, is not zero."""
    try:
        return bool(value.asscalar() if hasattr(value, "asscalar") else value)
    except (TypeError, ValueError):
        raise ValueError("%s must be a single number, got %r" % (what, value)) from None
