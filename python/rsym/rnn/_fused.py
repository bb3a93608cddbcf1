"""The cell whose layers and steps are one operator."""

import warnings

from .. import initializer as init
from .. import ndarray as nd
from .. import symbol as sym
from ._base import BaseRNNCell, normalize_sequence
from ._cells import GRUCell, LSTMCell, RNNCell
from ._gates import GRU_GATES, LSTM_GATES
from ._modifiers import DropoutCell
from ._stacks import BidirectionalCell, SequentialRNNCell

__all__ = ["FusedRNNCell"]

_GATES = {"rnn_relu": [""], "rnn_tanh": [""], "lstm": LSTM_GATES, "gru": GRU_GATES}


class FusedRNNCell(BaseRNNCell):
    """Several layers over all steps in one operator, `sym.RNN`: the fast form.

    Parameters
    ----------
    num_hidden : int
        Units of a layer in one direction.
    num_layers : int
    mode : str
        'rnn_relu', 'rnn_tanh', 'lstm' or 'gru'.
    bidirectional : bool
        Whether every layer also runs backwards in time.
    dropout : float
        Share of elements between two layers that becomes zero in training.
    get_next_state : bool
        Whether `unroll` gives the last states.
    forget_bias : float
        What the biases of the forget gates begin with.
    prefix : str, optional
        By default the mode and ``_``.
    params : RNNParams, optional
        A container to share weights with other cells.

    Examples
    --------
    >>> import rsym as mx
    >>> cell = mx.rnn.FusedRNNCell(8, num_layers=2, mode="gru")
    >>> outputs, _ = cell.unroll(5, mx.sym.Variable("data"), layout="TNC", merge_outputs=True)
    >>> outputs.infer_shape(data=(5, 3, 4))[1]
    [(5, 3, 8)]
    """

    def __init__(
        self,
        num_hidden,
        num_layers=1,
        mode="lstm",
        bidirectional=False,
        dropout=0.0,
        get_next_state=False,
        forget_bias=1.0,
        prefix=None,
        params=None,
    ):
        super().__init__(prefix="%s_" % mode if prefix is None else prefix, params=params)
        self._num_hidden = num_hidden
        self._num_layers = num_layers
        self._mode = mode
        self._bidirectional = bidirectional
        self._dropout = dropout
        self._get_next_state = get_next_state
        self._directions = ["l", "r"] if bidirectional else ["l"]
        initializer = init.FusedRNN(None, num_hidden, num_layers, mode, bidirectional, forget_bias)
        self._parameter = self.params.get("parameters", init=initializer)

    @property
    def state_info(self):
        shape = (len(self._directions) * self._num_layers, 0, self._num_hidden)
        return [{"shape": shape, "__layout__": "LNC"} for _ in range(2 if self._mode == "lstm" else 1)]

    @property
    def _gate_names(self):
        return _GATES[self._mode]

    @property
    def _num_gates(self):
        return len(self._gate_names)

    def _parts(self, num_input):
        """Names and shapes of the weights and biases of single gates, in their order."""
        hidden = self._num_hidden
        places = [(layer, d) for layer in range(self._num_layers) for d in self._directions]
        for kind in ("weight", "bias"):
            for layer, direction in places:
                below = len(self._directions) * hidden if layer else num_input
                for group, width in (("i2h", below), ("h2h", hidden)):
                    for gate in self._gate_names:
                        name = "%s%s%d_%s%s_%s" % (self._prefix, direction, layer, group, gate, kind)
                        yield name, (hidden, width) if kind == "weight" else (hidden,)

    def _slice_weights(self, arr, num_input, _=None):
        """Views of the weights and biases in the vector `arr`, by name."""
        args, start = {}, 0
        for name, shape in self._parts(num_input):
            size = shape[0] * (shape[1] if len(shape) > 1 else 1)
            args[name] = arr[start : start + size].reshape(shape)
            start += size
        assert start == arr.size, "Invalid parameters size for FusedRNNCell"
        return args

    def _num_input(self, size):
        """The features of the data, from the number of parameters."""
        b, h = len(self._directions), self._num_hidden
        return size // b // h // self._num_gates - (self._num_layers - 1) * (h + b * h + 2) - h - 2

    def unpack_weights(self, args):
        """Cuts the vector of parameters into the weights and biases of single gates; see `BaseRNNCell.unpack_weights`."""
        args = args.copy()
        arr = args.pop(self._parameter.name)
        parts = self._slice_weights(arr, self._num_input(arr.size))
        args.update((name, part.copy()) for name, part in parts.items())
        return args

    def pack_weights(self, args):
        """Joins weights and biases to the vector of parameters; see `BaseRNNCell.pack_weights`."""
        args = args.copy()
        first = args["%sl0_i2h%s_weight" % (self._prefix, self._gate_names[0])]
        names = [name for name, _ in self._parts(first.shape[1])]
        args[self._parameter.name] = nd.concatenate([args.pop(name).reshape((-1,)) for name in names])
        return args

    def __call__(self, inputs, states):
        raise NotImplementedError("FusedRNNCell cannot be stepped. Please use unroll")

    def unroll(self, length, inputs, begin_state=None, layout="NTC", merge_outputs=None):
        """Runs all layers over all steps; 'TNC' is the faster layout. See `BaseRNNCell.unroll`."""
        self.reset()
        inputs, axis = normalize_sequence(length, inputs, layout, True)
        if axis == 1:
            warnings.warn("NTC layout detected. Consider using TNC for FusedRNNCell for faster speed", UserWarning, stacklevel=2)
            inputs = sym.swapaxes(inputs, dim1=0, dim2=1)
        else:
            assert axis == 0, "Unsupported layout %s" % layout
        begin_state = self.begin_state() if begin_state is None else begin_state
        rnn = sym.RNN(
            data=inputs,
            parameters=self._parameter,
            state_size=self._num_hidden,
            num_layers=self._num_layers,
            bidirectional=self._bidirectional,
            p=self._dropout,
            state_outputs=self._get_next_state,
            mode=self._mode,
            name=self._prefix + "rnn",
            **dict(zip(("state", "state_cell"), begin_state)),
        )
        outputs, *states = list(rnn) if self._get_next_state else [rnn]
        for state in states:
            state._set_attr(__layout__="LNC")
        if axis == 1:
            outputs = sym.swapaxes(outputs, dim1=0, dim2=1)
        return normalize_sequence(length, outputs, layout, merge_outputs)[0], states

    def _step_cell(self, prefix):
        if self._mode in ("lstm", "gru"):
            return {"lstm": LSTMCell, "gru": GRUCell}[self._mode](self._num_hidden, prefix=prefix)
        return RNNCell(self._num_hidden, activation=self._mode[len("rnn_") :], prefix=prefix)

    def unfuse(self):
        """The same layers as cells that make single steps.

        Returns
        -------
        SequentialRNNCell
            Its weights are what `unpack_weights` of this cell, then its own `pack_weights` give.
        """
        stack = SequentialRNNCell()
        for layer in range(self._num_layers):
            cells = [self._step_cell("%s%s%d_" % (self._prefix, d, layer)) for d in self._directions]
            if self._bidirectional:
                stack.add(BidirectionalCell(*cells, output_prefix="%sbi_l%d_" % (self._prefix, layer)))
            else:
                stack.add(cells[0])
            if self._dropout > 0 and layer != self._num_layers - 1:
                stack.add(DropoutCell(self._dropout, prefix="%s_dropout%d_" % (self._prefix, layer)))
        return stack
