"""Gradients under the names of MXNet's early versions; new code takes `rsym.autograd`.

Examples
--------
>>> import rsym as mx
>>> square = grad_and_loss(lambda x: x * x)
>>> gradients, loss = square(mx.nd.array([1, 2]))
>>> gradients[0].asnumpy().tolist(), loss.asnumpy().tolist()
([2.0, 4.0], [1.0, 4.0])
"""

import functools

from .. import autograd
from ..autograd import mark_variables
from ..ndarray import NDArray, zeros_like

__all__ = [
    "TrainingStateScope",
    "backward",
    "compute_gradient",
    "grad",
    "grad_and_loss",
    "mark_variables",
    "set_is_training",
    "test_section",
    "train_section",
]


def set_is_training(is_train):
    """Switches recording and training on or off together.

    Parameters
    ----------
    is_train : bool

    Returns
    -------
    bool
        Whether training was on before.
    """
    before = autograd.set_training(is_train)
    autograd.set_recording(is_train)
    return before


class TrainingStateScope:
    """A `with` block in which recording and training are on or off together.

    Parameters
    ----------
    enter_state : bool
    """

    def __init__(self, enter_state):
        self._enter_state = enter_state
        self._before = None

    def __enter__(self):
        self._before = set_is_training(self._enter_state)

    def __exit__(self, kind, error, trace):
        if self._before != self._enter_state:
            set_is_training(self._before)


def train_section():
    """A `with` block that is recorded as training.

    Examples
    --------
    >>> from rsym import autograd
    >>> with train_section():
    ...     autograd.is_recording(), autograd.is_training()
    (True, True)
    """
    return TrainingStateScope(True)


def test_section():
    """A `with` block inside of `train_section` that is not recorded."""
    return TrainingStateScope(False)


def backward(outputs, out_grads=None, retain_graph=False):
    """Computes the gradients of `outputs`; they go to the arrays that `mark_variables` said.

    Parameters
    ----------
    outputs : list of NDArray
    out_grads : list of NDArray or None, optional
        The gradients of the outputs; ones by default.
    retain_graph : bool, default False
        Whether the record may be used again.
    """
    autograd.backward(outputs, out_grads, retain_graph)


def compute_gradient(outputs):
    """As `backward`."""
    backward(outputs)


def grad_and_loss(func, argnum=None):
    """A function that computes the gradients of `func` with respect to its arguments, and what `func` gives.

    Parameters
    ----------
    func : function
        Takes arrays, gives an array or a list of them.
    argnum : int or list of int, optional
        The arguments whose gradients are wanted; all by default.

    Returns
    -------
    function
        Gives the list of gradients and the value of `func`.
    """

    @functools.wraps(func)
    def wrapped(*args):
        numbers = range(len(args)) if argnum is None else argnum if isinstance(argnum, (list, tuple)) else [argnum]
        variables = [args[number] for number in numbers]
        for variable in variables:
            if not isinstance(variable, NDArray):
                raise TypeError("expected NDArray arguments, got %s" % type(variable))
        grads = [zeros_like(variable) for variable in variables]
        mark_variables(variables, grads)
        with train_section():
            outputs = func(*args)
        backward([outputs] if isinstance(outputs, NDArray) else outputs)
        return grads, outputs

    return wrapped


def grad(func, argnum=None):
    """A function that computes the gradients of `func`; see `grad_and_loss`.

    Examples
    --------
    >>> import rsym as mx
    >>> grad(lambda x, y: x * y, argnum=1)(mx.nd.array([3]), mx.nd.array([5]))[0].asnumpy().tolist()
    [3.0]
    """
    both = grad_and_loss(func, argnum)

    @functools.wraps(both)
    def wrapped(*args):
        return both(*args)[0]

    return wrapped
