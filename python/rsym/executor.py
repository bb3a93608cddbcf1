"""`Executor`: a symbol bound to arrays."""

import numpy as np

from . import _rsym
from .base import MXNetError, UnknownOutputError
from .ndarray import NDArray

__all__ = ["Executor", "forward_all", "backward_all"]


class Executor:
    """A symbol bound to arrays, ready to compute outputs and gradients; made by `Symbol.bind` and `simple_bind`.

    One executor runs in one thread at a time; the interpreter is free meanwhile. Different executors may share arrays that none
    of them writes.

    Attributes
    ----------
    arg_arrays, grad_arrays, aux_arrays : list of NDArray
        In the order of the symbol's lists; a gradient that is not wanted is None.
    outputs : list of NDArray
        The same arrays after every forward, with new values.

    Examples
    --------
    >>> import rsym as mx
    >>> x = mx.sym.Variable("x")
    >>> executor = (x * x).simple_bind(mx.cpu(), x=(2,))
    >>> executor.forward(is_train=True, x=mx.nd.array([3, 4]))[0].asnumpy()
    array([ 9., 16.], dtype=float32)
    >>> executor.backward(mx.nd.ones((2,)))
    >>> executor.grad_dict["x"].asnumpy()
    array([6., 8.], dtype=float32)
    """

    def __init__(self, core, symbol, ctx, grad_req, group2ctx):
        self._core = core
        self._symbol = symbol
        self._ctx = ctx
        self._grad_req = grad_req
        self._group2ctx = group2ctx
        self.arg_arrays = core.arg_arrays
        self.grad_arrays = core.grad_arrays
        self.aux_arrays = core.aux_arrays
        self.outputs = core.outputs
        self._memory_budget = None
        self._monitor = (None, False)
        self._dicts = {}

    def _dict(self, kind, list_names, arrays, what):
        """The arrays by name, found once."""
        if kind not in self._dicts:
            names = list_names()
            if len(set(names)) != len(names):
                twice = sorted({n for n in names if names.count(n) > 1})
                raise ValueError("Duplicate names detected, %s: %s" % (what, ", ".join(twice)))
            self._dicts[kind] = dict(zip(names, arrays))
        return self._dicts[kind]

    @property
    def arg_dict(self):
        """The arguments by name. ValueError if a name occurs twice."""
        return self._dict("arg", self._symbol.list_arguments, self.arg_arrays, "arguments")

    @property
    def grad_dict(self):
        """The gradients by the name of their argument."""
        return self._dict("grad", self._symbol.list_arguments, self.grad_arrays, "arguments")

    @property
    def aux_dict(self):
        """The auxiliary states by name."""
        return self._dict("aux", self._symbol.list_auxiliary_states, self.aux_arrays, "auxiliary states")

    @property
    def output_dict(self):
        """The outputs by name."""
        return self._dict("output", self._symbol.list_outputs, self.outputs, "outputs")

    def forward(self, is_train=False, **kwargs):
        """Computes the outputs.

        Parameters
        ----------
        is_train : bool, default False
            Whether this is for training: dropout drops, batch normalisation uses the batch.
        **kwargs : NDArray or array-like
            New values of arguments, by name.

        Returns
        -------
        list of NDArray
            `outputs`.

        Raises
        ------
        TypeError
            For a name that no argument has.
        ValueError
            For values of a wrong shape.
        """
        if kwargs:
            arguments = self.arg_dict
            for name, value in kwargs.items():
                if name not in arguments:
                    raise TypeError("Unknown argument %s; arguments: %s" % (name, ", ".join(arguments)))
                if not isinstance(value, (NDArray, np.ndarray)):
                    raise ValueError("only accept keyword argument of NDArrays, %s is %s" % (name, type(value)))
                if arguments[name].shape != value.shape:
                    raise ValueError(
                        "Shape not match! Argument %s, need: %s, received: %s" % (name, arguments[name].shape, value.shape)
                    )
            for name, value in kwargs.items():
                arguments[name][:] = value
        self._core._forward(bool(is_train))
        return self.outputs

    def backward(self, out_grads=None, is_train=True):
        """Computes the gradients of the arguments.

        Parameters
        ----------
        out_grads : NDArray, list of NDArray or dict of str to NDArray, optional
            The gradient that arrives at each output. Those of losses need none.
        is_train : bool
            Taken for compatibility; the pass follows the last forward.

        Raises
        ------
        TypeError
            If no gradient was asked for when the executor was bound.
        UnknownOutputError
            (a KeyError) for a name that no output has.
        MXNetError
            If an output that is no loss has no gradient.
        """
        self._core._backward(self._out_grads(out_grads))

    def _out_grads(self, out_grads):
        """The gradients of the outputs as a list."""
        if all(g is None for g in self.grad_arrays):
            raise TypeError("backward: no gradient was asked for; bind with grad_req='write' and gradient arrays")
        if out_grads is None:
            out_grads = []
        elif isinstance(out_grads, NDArray):
            out_grads = [out_grads]
        elif isinstance(out_grads, dict):
            names = self._symbol.list_outputs()
            for name in out_grads:
                if name not in names:
                    raise UnknownOutputError("backward: there is no output %r; outputs: %s" % (name, ", ".join(names)))
            out_grads = [out_grads.get(name) for name in names]
        for grad in out_grads:
            if grad is not None and not isinstance(grad, NDArray):
                raise TypeError("inputs must be NDArray, got %s" % type(grad))
        return list(out_grads)

    def _runs_alone(self):
        """Whether `forward_all` cannot run it beside others."""
        return self._monitor[0] is not None

    def copy_params_from(self, arg_params, aux_params=None, allow_extra_params=False):
        """Copies values into arguments and auxiliary states.

        Parameters
        ----------
        arg_params, aux_params : dict of str to NDArray
        allow_extra_params : bool, default False
            Whether names that the symbol does not have are passed over.

        Raises
        ------
        ValueError
            For an unknown name, unless they are allowed; nothing is copied then.
        """
        pairs = []
        for given, own, what in ((arg_params, self.arg_dict, "arguments"), (aux_params or {}, self.aux_dict, "auxiliary states")):
            for name, value in given.items():
                if name in own:
                    if own[name].shape != value.shape:
                        raise MXNetError("copy_params_from: '%s' needs shape %s, got %s" % (name, own[name].shape, value.shape))
                    pairs.append((own[name], value))
                elif not allow_extra_params:
                    raise ValueError('Find name "%s" that is not in the %s: %s' % (name, what, ", ".join(own)))
        for target, value in pairs:
            target[:] = value

    def reshape(self, partial_shaping=False, allow_up_sizing=False, **kwargs):
        """An executor for other shapes that shares parameters, memory and monitor with this one.

        Parameters
        ----------
        partial_shaping : bool, default False
            Whether arguments that are not named may change their shape, losing their values.
        allow_up_sizing : bool, default False
            Whether arrays may grow.
        **kwargs : tuple of int
            New shapes by name.

        Returns
        -------
        Executor
        """
        from ._bind import reshape

        return reshape(self, partial_shaping, allow_up_sizing, kwargs)

    def set_monitor_callback(self, callback, monitor_all=False):
        """Has ``callback(name, array)`` called for every output of every node, right after it was computed.

        Parameters
        ----------
        callback : callable or None
        monitor_all : bool, default False
            Whether inputs are shown as well.
        """
        self._monitor = (callback, bool(monitor_all))
        self._core._set_monitor(*self._monitor)

    def _watch_as(self, other):
        """Takes over the monitor of another executor."""
        if self._monitor != other._monitor:
            self.set_monitor_callback(*other._monitor)

    def get_optimized_symbol(self):
        """The symbol with equal subexpressions joined, unless the pass ``cse`` is off.

        Returns
        -------
        Symbol

        Examples
        --------
        >>> import rsym as mx
        >>> a, b = mx.sym.Variable("a"), mx.sym.Variable("b")
        >>> executor = ((a + b) * (a + b)).simple_bind(mx.cpu(), a=(2,), b=(2,))
        >>> len(executor.get_optimized_symbol().get_internals())
        4
        """
        return self._core._optimized_symbol()

    def memory_plan(self):
        """Where the bytes go: planned intermediate values, arrays, outputs, packed weights, and the largest values.

        Returns
        -------
        MemoryPlan
            Of the training pass if gradients were asked for, else of inference. Printing it shows a table.

        Examples
        --------
        >>> import rsym as mx
        >>> executor = mx.sym.exp(mx.sym.sin(mx.sym.Variable("x"))).simple_bind(mx.cpu(), x=(4, 256))
        >>> plan = executor.memory_plan()
        >>> plan.arguments, plan.gradients, plan.outputs
        (4096, 4096, 4096)
        """
        from ._memory import memory_plan

        return memory_plan(*self._core._memory())

    def debug_str(self):
        """A description of the graph and of the memory planned for it."""
        plan = self.memory_plan()
        lines = "Total %d MB allocated\nPlanned %d bytes for intermediate values, %d without sharing; %d values in place\n"
        numbers = (plan.planned >> 20, plan.planned, plan.unshared, plan.inplace)
        return self._symbol.debug_str() + lines % numbers + str(plan)


def forward_all(executors, is_train=False):
    """Computes the outputs of several executors, as data parallel training has them, at once.

    Every executor gets its share of the threads while others run, and all of them once it is alone. Outputs, and the numbers
    that are drawn, are those of calling `Executor.forward` on one after the other. That is also what happens where a monitor
    watches one of them, or where one writes memory that another one uses.

    Parameters
    ----------
    executors : list of Executor
        Different ones; their arguments hold the values to use.
    is_train : bool, default False

    Returns
    -------
    list of list of NDArray
        The outputs of each.

    Raises
    ------
    MXNetError
        For an executor that is given twice, and the first error of a run.

    Examples
    --------
    >>> import rsym as mx
    >>> net = mx.sym.exp(mx.sym.Variable("x"))
    >>> executors = [net.simple_bind(mx.cpu(i), x=(2,)) for i in range(2)]
    >>> [out.asnumpy().tolist() for (out,) in mx.executor.forward_all(executors)]
    [[1.0, 1.0], [1.0, 1.0]]
    """
    executors = list(executors)
    if any(e._runs_alone() for e in executors):
        return [e.forward(is_train) for e in executors]
    _rsym.forward_all([e._core for e in executors], bool(is_train))
    return [e.outputs for e in executors]


def backward_all(executors, out_grads=None):
    """Computes the gradients of several executors at once, under the conditions of `forward_all`.

    Parameters
    ----------
    executors : list of Executor
    out_grads : list, optional
        For each executor what `Executor.backward` takes; none where all outputs are losses.

    Raises
    ------
    ValueError
        If there is not one entry for each executor.
    MXNetError, TypeError
        As `Executor.backward`.

    Examples
    --------
    >>> import rsym as mx
    >>> net = mx.sym.LinearRegressionOutput(mx.sym.Variable("x"), mx.sym.Variable("y"))
    >>> executors = [net.simple_bind(mx.cpu(i), x=(1, 1), y=(1, 1)) for i in range(2)]
    >>> executors[1].arg_dict["x"][:] = 3
    >>> _ = mx.executor.forward_all(executors, is_train=True)
    >>> mx.executor.backward_all(executors)
    >>> [e.grad_dict["x"].asscalar().item() for e in executors]
    [0.0, 3.0]
    """
    executors = list(executors)
    heads = [None] * len(executors) if out_grads is None else list(out_grads)
    if len(heads) != len(executors):
        raise ValueError("out_grads: expected one entry for each of %d executors, got %d" % (len(executors), len(heads)))
    if any(e._runs_alone() for e in executors):
        for executor, grads in zip(executors, heads):
            executor.backward(grads)
        return
    _rsym.backward_all([e._core for e in executors], [e._out_grads(grads) for e, grads in zip(executors, heads)])
