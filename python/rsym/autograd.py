"""Gradients of what `rsym.nd` computes: `record` it, then go back with `backward`.

Examples
--------
>>> import rsym as mx
>>> x = mx.nd.array([1, 2, 3])
>>> x.attach_grad()
>>> with mx.autograd.record():
...     y = (x * x).sum()
>>> y.backward()
>>> x.grad.asnumpy()
array([2., 4., 6.], dtype=float32)
"""

import functools

from . import _rsym
from .ndarray import NDArray

__all__ = [
    "Function",
    "backward",
    "get_symbol",
    "grad",
    "is_recording",
    "is_training",
    "mark_variables",
    "pause",
    "predict_mode",
    "record",
    "set_recording",
    "set_training",
    "train_mode",
]

_REQUESTS = {"null": 0, "write": 1, "add": 3}


def set_recording(is_recording):
    """Switch recording in this thread.

    Parameters
    ----------
    is_recording : bool

    Returns
    -------
    bool
        What it was before.
    """
    return _rsym.set_recording(bool(is_recording))


def set_training(train_mode):
    """Switch training in this thread: whether `Dropout` drops and `BatchNorm` uses the statistics of the batch.

    Parameters
    ----------
    train_mode : bool

    Returns
    -------
    bool
        What it was before.
    """
    return _rsym.set_training(bool(train_mode))


def is_recording():
    """Whether this thread records."""
    return _rsym.autograd_mode()[0]


def is_training():
    """Whether operators run as in training in this thread."""
    return _rsym.autograd_mode()[1]


class _Scope:
    """Recording and training as given, within a ``with`` block; None leaves one as it is."""

    __slots__ = ("_recording", "_training", "_before")

    def __init__(self, recording, training):
        self._recording = recording
        self._training = training
        self._before = []

    def __enter__(self):
        self._before.append(_rsym.autograd_mode())
        if self._recording is not None:
            _rsym.set_recording(self._recording)
        if self._training is not None:
            _rsym.set_training(self._training)

    def __exit__(self, kind, error, trace):
        recording, training = self._before.pop()
        if self._recording is not None:
            _rsym.set_recording(recording)
        if self._training is not None:
            _rsym.set_training(training)


def record(train_mode=True):
    """A scope in which operators on arrays are recorded, so that `backward` can differentiate them.

    Only what depends on a marked array is recorded (see `NDArray.attach_grad`). Arrays that the record refers to cannot be
    written inside the scope: ``x += y``, ``x[:] = y`` and ``out=x`` raise MXNetError.

    Parameters
    ----------
    train_mode : bool, default True
        Whether operators run as in training; give `backward` the same.

    Examples
    --------
    >>> import rsym as mx
    >>> x = mx.nd.ones((2,))
    >>> x.attach_grad()
    >>> with mx.autograd.record():
    ...     y = mx.nd.exp(2 * x)
    >>> y.backward()
    >>> x.grad.asnumpy()
    array([14.778112, 14.778112], dtype=float32)
    """
    return _Scope(True, train_mode)


def pause(train_mode=False):
    """A scope in which nothing is recorded, for use inside `record`.

    Parameters
    ----------
    train_mode : bool, default False
        Whether operators run as in training.

    Examples
    --------
    >>> import rsym as mx
    >>> with mx.autograd.record():
    ...     with mx.autograd.pause():
    ...         print(mx.autograd.is_recording(), mx.autograd.is_training())
    False False
    """
    return _Scope(False, train_mode)


def train_mode():
    """A scope in which operators run as in training; recording stays as it is."""
    return _Scope(None, True)


def predict_mode():
    """A scope in which operators run as in inference; recording stays as it is."""
    return _Scope(None, False)


def request_number(grad_req):
    """The number of a `grad_req`. KeyError for texts that are none."""
    try:
        return _REQUESTS[grad_req]
    except (KeyError, TypeError):
        raise KeyError("grad_req must be 'write', 'add' or 'null', got %r" % (grad_req,)) from None


def mark_variables(variables, gradients, grad_reqs="write"):
    """Mark arrays as variables and give them their gradient arrays, as `NDArray.attach_grad` does with new ones.

    Parameters
    ----------
    variables : NDArray or list of NDArray
    gradients : NDArray or list of NDArray
        One for each variable, of its shape.
    grad_reqs : {'write', 'add', 'null'} or list of them, default 'write'
        Whether gradients replace what the arrays hold, are added to it, or are not computed.

    Raises
    ------
    MXNetError
        For a gradient array of another shape.
    KeyError
        For another `grad_reqs`.

    Examples
    --------
    >>> import rsym as mx
    >>> x, dx = mx.nd.ones((2,)), mx.nd.zeros((2,))
    >>> mx.autograd.mark_variables(x, dx)
    >>> with mx.autograd.record():
    ...     y = 3 * x
    >>> y.backward()
    >>> dx.asnumpy()
    array([3., 3.], dtype=float32)
    """
    if isinstance(variables, NDArray):
        if not isinstance(gradients, NDArray):
            raise AssertionError("mark_variables: the gradient of one array must be one array, got %s" % type(gradients))
        variables, gradients = [variables], [gradients]
    if isinstance(grad_reqs, str):
        grad_reqs = [grad_reqs] * len(variables)
    if not len(variables) == len(gradients) == len(grad_reqs):
        raise AssertionError(
            "mark_variables: expected as many gradients and grad_reqs as variables, got %d, %d and %d"
            % (len(gradients), len(grad_reqs), len(variables))
        )
    requests = [request_number(req) for req in grad_reqs]
    for variable, gradient, request in zip(variables, gradients, requests):
        variable._mark(gradient, request)


def _heads(heads, head_grads):
    """Heads and their gradients as lists of the same length."""
    heads = [heads] if isinstance(heads, NDArray) else list(heads)
    head_grads = [head_grads] if isinstance(head_grads, NDArray) else head_grads
    if head_grads is None:
        return heads, [None] * len(heads)
    head_grads = list(head_grads)
    if len(heads) != len(head_grads):
        raise AssertionError(
            "heads and head_grads must be lists of the same length, got %d and %d" % (len(heads), len(head_grads))
        )
    return heads, head_grads


def backward(heads, head_grads=None, retain_graph=False, train_mode=True):
    """Compute the gradients of recorded arrays with respect to the marked arrays that they depend on.

    The gradients go to the gradient arrays (`NDArray.grad`), as their `grad_req` says.

    Parameters
    ----------
    heads : NDArray or list of NDArray
        What is differentiated; of several, their sum.
    head_grads : NDArray or list of NDArray or None, optional
        The gradients that arrive at the heads, of their shapes and types; None stands for ones.
    retain_graph : bool, default False
        Whether to keep what was recorded, to go over it again. Else its memory is given free.
    train_mode : bool, default True
        Whether operators run as in training.

    Raises
    ------
    MXNetError
        If a head was not recorded or was given free, if no array wants a gradient, for a gradient of another shape, and
        where an operator has no gradient.
    AssertionError
        If there are not as many gradients as heads.

    Examples
    --------
    >>> import rsym as mx
    >>> x = mx.nd.array([1, 2])
    >>> x.attach_grad()
    >>> with mx.autograd.record():
    ...     a, b = x * x, 5 * x
    >>> mx.autograd.backward([a, b], [None, mx.nd.array([10, 20])])
    >>> x.grad.asnumpy()
    array([ 52., 104.], dtype=float32)
    """
    heads, head_grads = _heads(heads, head_grads)
    _rsym.backward(heads, head_grads, None, bool(retain_graph), False, bool(train_mode))


def grad(heads, variables, head_grads=None, retain_graph=None, create_graph=False, train_mode=True):
    """The gradients of recorded arrays with respect to `variables`, as new arrays.

    Parameters
    ----------
    heads : NDArray or list of NDArray
        What is differentiated; of several, their sum.
    variables : NDArray or list of NDArray
        Marked arrays that the heads depend on.
    head_grads : NDArray or list of NDArray or None, optional
        The gradients that arrive at the heads; None stands for ones.
    retain_graph : bool, optional
        Whether to keep what was recorded; by default as `create_graph`.
    create_graph : bool, default False
        Whether the computation of the gradients is recorded, so that they can be differentiated.
    train_mode : bool, default True
        Whether operators run as in training.

    Returns
    -------
    list of NDArray
        One for each variable, of its shape.

    Raises
    ------
    MXNetError
        As in `backward`; and for a variable that is not marked, or that no head depends on.
    AssertionError
        Without any variable.

    Examples
    --------
    >>> import rsym as mx
    >>> x = mx.nd.array([1, 2])
    >>> x.attach_grad()
    >>> with mx.autograd.record():
    ...     y = mx.nd.elemwise_mul(x, x)
    ...     dx = mx.autograd.grad(y, x, create_graph=True)[0]
    >>> dx.backward()
    >>> dx.asnumpy(), x.grad.asnumpy()
    (array([2., 4.], dtype=float32), array([2., 2.], dtype=float32))
    """
    heads, head_grads = _heads(heads, head_grads)
    variables = [variables] if isinstance(variables, NDArray) else list(variables)
    if not variables:
        raise AssertionError("variables cannot be an empty list")
    retain_graph = create_graph if retain_graph is None else retain_graph
    return _rsym.backward(heads, head_grads, variables, bool(retain_graph), bool(create_graph), bool(train_mode))


def get_symbol(x):
    """What was recorded on the way to an array, as a symbol.

    Marked arrays become variables called ``var`` and a number, other arrays ``null`` and a number.

    Parameters
    ----------
    x : NDArray

    Returns
    -------
    Symbol

    Raises
    ------
    MXNetError
        If the array was not recorded.

    Examples
    --------
    >>> import rsym as mx
    >>> x = mx.nd.ones((1,))
    >>> x.attach_grad()
    >>> with mx.autograd.record():
    ...     y = x * x + 2 * x
    >>> len(mx.autograd.get_symbol(y).list_arguments())
    1
    """
    if not isinstance(x, NDArray):
        raise AssertionError("get_symbol: expected an NDArray, got %s" % type(x))
    return _rsym.recorded_symbol(x)


class Function:
    """An operation with a gradient written in Python.

    Derive from it and write `forward` and `backward`; call an instance once, with the arrays. What `backward` computes
    cannot be differentiated again.

    Examples
    --------
    >>> import rsym as mx
    >>> class Sigmoid(mx.autograd.Function):
    ...     def forward(self, x):
    ...         y = 1 / (1 + mx.nd.exp(-x))
    ...         self.save_for_backward(y)
    ...         return y
    ...
    ...     def backward(self, dy):
    ...         (y,) = self.saved_tensors
    ...         return dy * y * (1 - y)
    >>> x = mx.nd.zeros((2,))
    >>> x.attach_grad()
    >>> with mx.autograd.record():
    ...     y = Sigmoid()(x)
    >>> y.backward()
    >>> x.grad.asnumpy()
    array([0.25, 0.25], dtype=float32)
    """

    def __init__(self):
        self._used = False
        self.saved_tensors = ()

    def save_for_backward(self, *args):
        """Keep arrays for `backward`, in `saved_tensors`."""
        self.saved_tensors = args

    def __call__(self, *inputs):
        """Run `forward`, and record it if the thread records."""
        if self._used:
            raise AssertionError("Each Function instance can only be called once. Please create another instance.")
        self._used = True
        recording = _rsym.set_recording(False)
        try:
            outputs = self.forward(*inputs)
        finally:
            _rsym.set_recording(recording)
        if not recording:
            return outputs
        # The arrays that `forward` made stay off the tape: `self` may hold them, and the tape holds `self`.
        single = isinstance(outputs, NDArray)
        gradients = functools.partial(self._gradients, len(inputs))
        made = _rsym.record_function(type(self).__name__, gradients, list(inputs), [outputs] if single else list(outputs))
        return made[0] if single else tuple(made)

    def _gradients(self, count, *heads):
        """What `backward` gives, checked: a list of `count` arrays."""
        found = self.backward(*heads)
        found = [found] if isinstance(found, NDArray) else list(found)
        name = type(self).__name__
        if len(found) != count:
            raise AssertionError(
                "%s.backward must return as many arrays as forward takes: expected %d, got %d" % (name, count, len(found))
            )
        for gradient in found:
            if not isinstance(gradient, NDArray):
                raise AssertionError("%s.backward must return NDArrays, got %s" % (name, type(gradient)))
        return found

    def forward(self, *inputs):
        """Computes the outputs: one array or several, of as many arrays as it likes."""
        raise NotImplementedError("%s.forward is to be written" % type(self).__name__)

    def backward(self, *output_grads):
        """Computes the gradients of the inputs, one array for each, from those of the outputs."""
        raise NotImplementedError("%s.backward is to be written" % type(self).__name__)
