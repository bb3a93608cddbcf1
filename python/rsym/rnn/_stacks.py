"""Cells made of cells: one after the other, or in both directions."""

from .. import symbol as sym
from ._base import BaseRNNCell, begin_states, normalize_sequence, pack_all, split_steps, state_info, unpack_all

__all__ = ["SequentialRNNCell", "BidirectionalCell"]


class _Stack(BaseRNNCell):
    """A cell that keeps its weights and states in others."""

    def __init__(self, params):
        super().__init__(prefix="", params=params)
        self._override_cell_params = params is not None
        self._cells = []

    def _adopt(self, cell):
        if self._override_cell_params:
            assert cell._own_params, "Either specify params for %s or child cells, not both." % type(self).__name__
            cell.params._params.update(self.params._params)
        self.params._params.update(cell.params._params)
        self._cells.append(cell)

    @property
    def state_info(self):
        return state_info(self._cells)

    def begin_state(self, **kwargs):
        """The first states of all cells; see `BaseRNNCell.begin_state`."""
        self._assert_unmodified()
        return begin_states(self._cells, **kwargs)

    def unpack_weights(self, args):
        """The weights of all cells, unpacked; see `BaseRNNCell.unpack_weights`."""
        return unpack_all(self._cells, args)

    def pack_weights(self, args):
        """The weights of all cells, packed; see `BaseRNNCell.pack_weights`."""
        return pack_all(self._cells, args)

    def _shares(self, states):
        """Each cell with its part of the states."""
        start = 0
        for cell in self._cells:
            count = len(cell.state_info)
            yield cell, states[start : start + count]
            start += count


class SequentialRNNCell(_Stack):
    """Several cells, the output of one being the input of the next.

    Parameters
    ----------
    params : RNNParams, optional
        A container to share weights with other cells.

    Examples
    --------
    >>> from rsym.rnn import LSTMCell
    >>> stack = SequentialRNNCell()
    >>> for i in range(2):
    ...     stack.add(LSTMCell(20, prefix="l%d_" % i))
    >>> len(stack.begin_state())
    4
    """

    def __init__(self, params=None):
        super().__init__(params)

    def add(self, cell):
        """Puts a cell behind those that are there.

        Parameters
        ----------
        cell : BaseRNNCell
        """
        self._adopt(cell)

    def __call__(self, inputs, states):
        self._counter += 1
        found = []
        for cell, share in self._shares(states):
            assert not isinstance(cell, BidirectionalCell)
            inputs, share = cell(inputs, share)
            found.extend(share)
        return inputs, found

    def unroll(self, length, inputs, begin_state=None, layout="NTC", merge_outputs=None):
        """Runs each cell over all steps, one cell after the other; see `BaseRNNCell.unroll`."""
        self.reset()
        found = []
        for cell, share in self._shares(self.begin_state() if begin_state is None else begin_state):
            inputs, share = cell.unroll(
                length,
                inputs=inputs,
                begin_state=share,
                layout=layout,
                merge_outputs=merge_outputs if cell is self._cells[-1] else None,
            )
            found.extend(share)
        return inputs, found


class BidirectionalCell(_Stack):
    """Two cells, one of which runs backwards in time; outputs are joined along the features.

    Parameters
    ----------
    l_cell, r_cell : BaseRNNCell
        Those for the forward and the backward direction.
    params : RNNParams, optional
        A container to share weights with other cells.
    output_prefix : str
        Put before the names of outputs.
    """

    def __init__(self, l_cell, r_cell, params=None, output_prefix="bi_"):
        super().__init__(params)
        self._output_prefix = output_prefix
        if params is not None:
            assert l_cell._own_params and r_cell._own_params, (
                "Either specify params for BidirectionalCell or child cells, not both."
            )
        self._adopt(l_cell)
        self._adopt(r_cell)

    def __call__(self, inputs, states):
        raise NotImplementedError("Bidirectional cannot be stepped. Please use unroll")

    def unroll(self, length, inputs, begin_state=None, layout="NTC", merge_outputs=None):
        """Runs both cells; the states come as a list for each direction. See `BaseRNNCell.unroll`."""
        self.reset()
        inputs, axis = normalize_sequence(length, inputs, layout, False)
        begin_state = self.begin_state() if begin_state is None else begin_state
        sequences = (inputs, list(reversed(inputs)))
        (left, left_states), (right, right_states) = (
            cell.unroll(length, inputs=sequence, begin_state=share, layout=layout, merge_outputs=merge_outputs)
            for (cell, share), sequence in zip(self._shares(begin_state), sequences)
        )
        if merge_outputs is None:
            merge_outputs = isinstance(left, sym.Symbol) and isinstance(right, sym.Symbol)
            if not merge_outputs:
                left, right = (split_steps(x, axis, length) if isinstance(x, sym.Symbol) else x for x in (left, right))
        states = [left_states, right_states]
        if merge_outputs:
            right = sym.reverse(right, axis=axis)
            return sym.Concat(left, right, dim=2, name="%sout" % self._output_prefix), states
        pairs = enumerate(zip(left, reversed(right)))
        return [sym.Concat(l, r, dim=1, name="%st%d" % (self._output_prefix, i)) for i, (l, r) in pairs], states
