"""Executors of graphs in which shapes depend on values, as behind `contrib.boolean_mask`.

Such graphs cannot be planned. Their operators run one by one, as `nd` functions do, and the gradients are those of
`autograd`'s tape.
"""

from . import _rsym, autograd
from .executor import Executor
from .ndarray._cached import CachedOp

__all__ = ["DynamicCore", "DynamicExecutor"]


class DynamicExecutor(Executor):
    """An `Executor` whose `outputs` have other shapes after every `forward`: there are none before the first.

    It has no memory plan. Outputs whose gradient is not given to `backward` count with a gradient of ones.
    """

    @property
    def output_dict(self):
        self._dicts.pop("output", None)
        return super().output_dict

    def _runs_alone(self):
        return True


class DynamicCore:
    """What an `Executor` asks of its Rust half.

    Parameters
    ----------
    symbol : Symbol
    args, aux : list of NDArray
        In the order of the symbol's lists.
    grads : list of NDArray or None
    requests : list of {'write', 'add', 'null'}
    """

    def __init__(self, symbol, args, grads, requests, aux):
        self.arg_arrays, self.grad_arrays, self.aux_arrays, self.outputs = args, grads, aux, []
        self._symbol = symbol
        self._run = CachedOp(symbol)
        self._inputs = self._in_order(map(_marked, args, grads, requests), aux)
        self._heads = None
        self._monitor = self._names = None

    def _in_order(self, args, aux):
        """The arrays in the order of `Symbol.list_inputs`."""
        states = set(self._symbol.list_auxiliary_states())
        args, aux = iter(args), iter(aux)
        return [next(aux if name in states else args) for name in self._symbol.list_inputs()]

    def _forward(self, is_train):
        with autograd.record(train_mode=is_train):
            values = self._run.values(self._inputs)
            self.outputs[:] = self._run.results(values)
            self._heads = [output._records for output in self.outputs]
        self._is_train = is_train
        if self._monitor is not None:
            self._show(values)

    def _backward(self, out_grads):
        if self._heads is None:
            self._forward(True)
        given = out_grads + [None] * (len(self.outputs) - len(out_grads))
        pairs = [(output, grad) for output, grad, depends in zip(self.outputs, given, self._heads) if depends]
        if pairs:
            heads, grads = map(list, zip(*pairs))
            _rsym.backward(heads, grads, None, True, False, self._is_train)

    def _show(self, values):
        """Shows the monitor every value of the graph."""
        callback, inputs = self._monitor
        for name, value, is_input in zip(self._names, *self._run.flat(values)):
            if inputs or not is_input:
                callback(name, value.copy())

    def _set_monitor(self, callback, monitor_all):
        self._monitor = None if callback is None else (callback, monitor_all)
        self._names = self._symbol.get_internals().list_outputs()

    def _optimized_symbol(self):
        return self._symbol

    def _memory(self):
        return {}, [], []


def _marked(array, grad, request):
    """The memory of `array` as a variable of its own, whose gradient goes to `grad`."""
    share = array.detach()
    if grad is not None and request != "null":
        share._mark(grad, autograd.request_number(request))
    return share
