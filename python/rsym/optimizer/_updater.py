"""What calls an optimizer for the weights of a model, and keeps their states."""

import pickle

from ..ndarray import NDArray
from ._states import read_states

__all__ = ["Updater", "get_updater"]


class Updater:
    """Calls an optimizer with the states of the weights, which it makes when a weight is first seen.

    Parameters
    ----------
    optimizer : Optimizer
    """

    def __init__(self, optimizer):
        self.optimizer = optimizer
        self.states = {}
        self.states_synced = {}
        self.aggregate_updates = optimizer.aggregate_num > 0

    def __call__(self, index, grad, weight):
        """Updates one weight, or several at once.

        Parameters
        ----------
        index : int, str or list of such
        grad, weight : NDArray or list of NDArray
        """
        several = isinstance(index, (list, tuple))
        indices, grads, weights = (list(group) if several else [group] for group in (index, grad, weight))
        if weights:
            self.optimizer._set_current_context(weights[0].context.device_id)
        indices = [i.decode() if isinstance(i, bytes) else i for i in indices]
        for i, w in zip(indices, weights):
            if i not in self.states or not self.states_synced.get(i, True):
                self._prepare(i, w)
        if self.aggregate_updates:
            self._update_together(indices, weights, grads)
        else:
            for i, w, g in zip(indices, weights, grads):
                self.optimizer.update_multi_precision(i, w, g, self.states[i])

    def _prepare(self, index, weight):
        if index not in self.states:
            self.states[index] = self.optimizer.create_state_multi_precision(index, weight)
        elif not self.states_synced.get(index, True):
            self.states[index] = self.sync_state_context(self.states[index], weight.context)
        self.states_synced[index] = True

    def _update_together(self, indices, weights, grads):
        """Updates weights of one type together, as many at once as the optimizer takes."""
        by_type = {}
        for group in zip(indices, weights, grads):
            by_type.setdefault(group[1]._dtype, []).append(group)
        most = self.optimizer.aggregate_num
        for groups in by_type.values():
            for begin in range(0, len(groups), most):
                some, w, g = zip(*groups[begin : begin + most])
                self.optimizer.update_multi_precision(some, w, g, [self.states[i] for i in some])

    def sync_state_context(self, state, context):
        """The state on the device of its weight."""
        if isinstance(state, NDArray):
            return state.as_in_context(context)
        if isinstance(state, (tuple, list)):
            return type(state)(self.sync_state_context(part, context) for part in state)
        return state

    def set_states(self, states):
        """Takes over states, and the optimizer if it is there, from what `get_states` gave, here or in MXNet.

        Parameters
        ----------
        states : bytes
            Unpickled: take it only from where you trust.
        """
        states = read_states(states)
        if isinstance(states, tuple) and len(states) == 2:
            self.states, self.optimizer = states
            self.aggregate_updates = self.optimizer.aggregate_num > 0
        else:
            self.states = states
        self.states_synced = dict.fromkeys(self.states, False)

    def get_states(self, dump_optimizer=False):
        """The states as bytes.

        Parameters
        ----------
        dump_optimizer : bool, default False
            Put the optimizer in as well, with its counts and schedule.

        Returns
        -------
        bytes
        """
        return pickle.dumps((self.states, self.optimizer) if dump_optimizer else self.states)


def get_updater(optimizer):
    """A function ``update(index, grad, weight)`` that updates weights by the optimizer.

    Examples
    --------
    >>> import rsym as mx
    >>> update = mx.optimizer.get_updater(mx.optimizer.create("sgd", learning_rate=1.0))
    >>> weight = mx.nd.ones((2,))
    >>> update(0, mx.nd.array([0.25, 0.5]), weight)
    >>> weight.asnumpy().tolist()
    [0.75, 0.5]
    """
    return Updater(optimizer)
