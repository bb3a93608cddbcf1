"""Cells that make one step: plain, LSTM, GRU."""

from .. import initializer as init
from .. import symbol as sym
from ._base import BaseRNNCell
from ._gates import GRU_GATES, LSTM_GATES, gru_step, lstm_step

__all__ = ["RNNCell", "LSTMCell", "GRUCell"]


def _tanh(data, **kwargs):
    return sym.Activation(data, act_type="tanh", **kwargs)


class _DenseCell(BaseRNNCell):
    """A cell whose gates are dense layers of input and state."""

    def __init__(self, num_hidden, prefix, params, i2h_bias_init=None):
        super().__init__(prefix=prefix, params=params)
        self._num_hidden = num_hidden
        self._iW = self.params.get("i2h_weight")
        self._iB = self.params.get("i2h_bias", **({} if i2h_bias_init is None else {"init": i2h_bias_init}))
        self._hW = self.params.get("h2h_weight")
        self._hB = self.params.get("h2h_bias")

    @property
    def state_info(self):
        return [{"shape": (0, self._num_hidden), "__layout__": "NC"}]

    def _sums(self, inputs, state, name):
        size = self._num_hidden * len(self._gate_names)
        i2h = sym.FullyConnected(data=inputs, weight=self._iW, bias=self._iB, num_hidden=size, name="%si2h" % name)
        h2h = sym.FullyConnected(data=state, weight=self._hW, bias=self._hB, num_hidden=size, name="%sh2h" % name)
        return i2h, h2h


class RNNCell(_DenseCell):
    """A plain recurrent cell: ``activation(W x + b + R h + c)``.

    Parameters
    ----------
    num_hidden : int
        Number of units.
    activation : str or callable
        'tanh', 'relu' or another function of `sym.Activation`, or a function of a symbol.
    prefix : str
    params : RNNParams, optional
        A container to share weights with other cells.
    """

    def __init__(self, num_hidden, activation="tanh", prefix="rnn_", params=None):
        super().__init__(num_hidden, prefix, params)
        self._activation = activation

    @property
    def _gate_names(self):
        return ("",)

    def __call__(self, inputs, states):
        name = self._step_name()
        i2h, h2h = self._sums(inputs, states[0], name)
        output = self._get_activation(i2h + h2h, self._activation, name="%sout" % name)
        return output, [output]


class LSTMCell(_DenseCell):
    """A cell with long short-term memory; its states are the output and the cell.

    Parameters
    ----------
    num_hidden : int
        Number of units.
    prefix : str
    params : RNNParams, optional
        A container to share weights with other cells.
    forget_bias : float
        What the bias of the forget gate begins with.

    Notes
    -----
    Hochreiter and Schmidhuber, Long Short-Term Memory (1997).
    """

    def __init__(self, num_hidden, prefix="lstm_", params=None, forget_bias=1.0):
        super().__init__(num_hidden, prefix, params, init.LSTMBias(forget_bias=forget_bias))

    @property
    def state_info(self):
        return super().state_info * 2

    @property
    def _gate_names(self):
        return LSTM_GATES

    def __call__(self, inputs, states):
        name = self._step_name()
        i2h, h2h = self._sums(inputs, states[0], name)
        output, cell = lstm_step(name, i2h + h2h, states[1], _tanh)
        return output, [output, cell]


class GRUCell(_DenseCell):
    """A gated recurrent unit, in the form of cuDNN: the reset gate acts on the product of state and weight.

    Parameters
    ----------
    num_hidden : int
        Number of units.
    prefix : str
    params : RNNParams, optional
        A container to share weights with other cells.

    Notes
    -----
    Cho et al., Learning Phrase Representations using RNN Encoder-Decoder (2014).
    """

    def __init__(self, num_hidden, prefix="gru_", params=None):
        super().__init__(num_hidden, prefix, params)

    @property
    def _gate_names(self):
        return GRU_GATES

    def __call__(self, inputs, states):
        name = self._step_name()
        i2h, h2h = self._sums(inputs, states[0], name + "_")
        output = gru_step(name, i2h, h2h, states[0], _tanh)
        return output, [output]
