"""Checkpoints of networks with recurrent cells: weights are on disk gate by gate."""

import warnings

from ..model import load_checkpoint, save_checkpoint
from ._base import BaseRNNCell, pack_all, unpack_all

__all__ = ["rnn_unroll", "save_rnn_checkpoint", "load_rnn_checkpoint", "do_rnn_checkpoint"]


def rnn_unroll(cell, length, inputs=None, begin_state=None, input_prefix="", layout="NTC"):
    """Deprecated: call ``cell.unroll``."""
    warnings.warn("rnn_unroll is deprecated. Please call cell.unroll directly.", UserWarning, stacklevel=2)
    return cell.unroll(length, inputs, begin_state=begin_state, layout=layout)


def _list(cells):
    return [cells] if isinstance(cells, BaseRNNCell) else cells


def save_rnn_checkpoint(cells, prefix, epoch, symbol, arg_params, aux_params):
    """Writes ``prefix-symbol.json`` and ``prefix-EPOCH.params`` with unpacked weights.

    Parameters
    ----------
    cells : BaseRNNCell or list of BaseRNNCell
        The cells of the symbol.
    prefix : str
    epoch : int
    symbol : Symbol
    arg_params, aux_params : dict of str to NDArray

    See Also
    --------
    rsym.model.save_checkpoint
    """
    save_checkpoint(prefix, epoch, symbol, unpack_all(_list(cells), arg_params), aux_params)


def load_rnn_checkpoint(cells, prefix, epoch):
    """Reads what `save_rnn_checkpoint` wrote, and packs the weights.

    Parameters
    ----------
    cells : BaseRNNCell or list of BaseRNNCell
        The cells of the symbol. They need not be those of the model that was saved: weights of a fused cell fit the
        cells that it unfuses to.
    prefix : str
    epoch : int

    Returns
    -------
    symbol : Symbol
    arg_params, aux_params : dict of str to NDArray
    """
    symbol, arg_params, aux_params = load_checkpoint(prefix, epoch)
    return symbol, pack_all(_list(cells), arg_params), aux_params


def do_rnn_checkpoint(cells, prefix, period=1):
    """A callback that writes checkpoints at the end of epochs.

    Parameters
    ----------
    cells : BaseRNNCell or list of BaseRNNCell
    prefix : str
    period : int
        Epochs from one checkpoint to the next.

    Returns
    -------
    callable
        For ``epoch_end_callback``: it takes the number of the epoch, the symbol and the parameters.
    """
    period = int(max(1, period))

    def callback(iter_no, sym=None, arg=None, aux=None):
        if (iter_no + 1) % period == 0:
            save_rnn_checkpoint(cells, prefix, iter_no + 1, sym, arg, aux)

    return callback
