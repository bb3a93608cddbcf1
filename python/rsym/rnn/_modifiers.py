"""Cells that change what other cells do."""

from .. import symbol as sym
from ..base import numeric_types
from ._base import BaseRNNCell, normalize_sequence
from ._stacks import BidirectionalCell

__all__ = ["DropoutCell", "ModifierCell", "ZoneoutCell", "ResidualCell"]


class DropoutCell(BaseRNNCell):
    """A cell without states that drops elements of its input in training.

    Parameters
    ----------
    dropout : float
        Probability that an element becomes zero.
    prefix : str
    params : RNNParams, optional
    """

    def __init__(self, dropout, prefix="dropout_", params=None):
        super().__init__(prefix, params)
        assert isinstance(dropout, numeric_types), "dropout probability must be a number"
        self.dropout = dropout

    @property
    def state_info(self):
        return []

    def __call__(self, inputs, states):
        if self.dropout > 0:
            inputs = sym.Dropout(data=inputs, p=self.dropout)
        return inputs, states

    def unroll(self, length, inputs, begin_state=None, layout="NTC", merge_outputs=None):
        """Drops elements of the whole sequence at once, if it is one symbol; see `BaseRNNCell.unroll`."""
        self.reset()
        inputs, _ = normalize_sequence(length, inputs, layout, merge_outputs)
        if isinstance(inputs, sym.Symbol):
            return self(inputs, [])
        return super().unroll(length, inputs, begin_state=begin_state, layout=layout, merge_outputs=merge_outputs)


class ModifierCell(BaseRNNCell):
    """The base of cells that change what another cell does, and have its weights and states.

    Parameters
    ----------
    base_cell : BaseRNNCell
        From now on to be called through the modifier alone.
    """

    def __init__(self, base_cell):
        super().__init__()
        base_cell._modified = True
        self.base_cell = base_cell

    @property
    def params(self):
        self._own_params = False
        return self.base_cell.params

    @property
    def state_info(self):
        return self.base_cell.state_info

    def begin_state(self, init_sym=sym.zeros, **kwargs):
        """The first states of the cell; see `BaseRNNCell.begin_state`."""
        self._assert_unmodified()
        self.base_cell._modified = False
        try:
            return self.base_cell.begin_state(**{"func": init_sym, **kwargs})
        finally:
            self.base_cell._modified = True

    def unpack_weights(self, args):
        """See `BaseRNNCell.unpack_weights`."""
        return self.base_cell.unpack_weights(args)

    def pack_weights(self, args):
        """See `BaseRNNCell.pack_weights`."""
        return self.base_cell.pack_weights(args)

    def __call__(self, inputs, states):
        raise NotImplementedError


class ZoneoutCell(ModifierCell):
    """Lets outputs and states keep, at random, the values of the step before.

    Parameters
    ----------
    base_cell : BaseRNNCell
        One that makes single steps.
    zoneout_outputs, zoneout_states : float
        Shares of elements that keep their values in training.

    Notes
    -----
    Krueger et al., Zoneout: Regularizing RNNs by Randomly Preserving Hidden Activations (2016).
    """

    def __init__(self, base_cell, zoneout_outputs=0.0, zoneout_states=0.0):
        from ._fused import FusedRNNCell

        assert not isinstance(base_cell, FusedRNNCell), "FusedRNNCell doesn't support zoneout. Please unfuse first."
        assert not isinstance(base_cell, BidirectionalCell), (
            "BidirectionalCell doesn't support zoneout since it doesn't support step. Please add ZoneoutCell to the "
            "cells underneath instead."
        )
        assert not any(isinstance(cell, BidirectionalCell) for cell in getattr(base_cell, "_cells", ())), (
            "Bidirectional SequentialRNNCell doesn't support zoneout. Please add ZoneoutCell to the cells underneath instead."
        )
        super().__init__(base_cell)
        self.zoneout_outputs = zoneout_outputs
        self.zoneout_states = zoneout_states
        self.prev_output = None

    def reset(self):
        """Forgets the output of the step before; see `BaseRNNCell.reset`."""
        super().reset()
        self.prev_output = None

    def __call__(self, inputs, states):
        output, next_states = self.base_cell(inputs, states)

        def mix(share, new, old):
            if share == 0.0:
                return new
            return sym.where(sym.Dropout(sym.ones_like(new), p=share), new, old)

        before = sym.zeros((0, 0)) if self.prev_output is None else self.prev_output
        output = mix(self.zoneout_outputs, output, before)
        self.prev_output = output
        return output, [mix(self.zoneout_states, new, old) for new, old in zip(next_states, states)]


class ResidualCell(ModifierCell):
    """Adds the input to the output of a cell.

    Parameters
    ----------
    base_cell : BaseRNNCell
        With outputs of the shape of its inputs.

    Notes
    -----
    Wu et al., Google's Neural Machine Translation System (2016).
    """

    def __init__(self, base_cell):
        super().__init__(base_cell)

    @staticmethod
    def _plus(output, inputs):
        return sym.elemwise_add(output, inputs, name="%s_plus_residual" % output.name)

    def __call__(self, inputs, states):
        output, states = self.base_cell(inputs, states)
        return self._plus(output, inputs), states

    def unroll(self, length, inputs, begin_state=None, layout="NTC", merge_outputs=None):
        """Runs the cell over several steps; see `BaseRNNCell.unroll`."""
        self.reset()
        self.base_cell._modified = False
        try:
            outputs, states = self.base_cell.unroll(
                length, inputs=inputs, begin_state=begin_state, layout=layout, merge_outputs=merge_outputs
            )
        finally:
            self.base_cell._modified = True
        if merge_outputs is None:
            merge_outputs = isinstance(outputs, sym.Symbol)
        inputs, _ = normalize_sequence(length, inputs, layout, merge_outputs)
        if merge_outputs:
            return self._plus(outputs, inputs), states
        return [self._plus(output, step) for output, step in zip(outputs, inputs)], states
