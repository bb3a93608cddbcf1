"""Models on disk: a symbol and its parameters."""

import logging

from . import ndarray as nd
from . import symbol as sym
from .base import MXNetError

__all__ = ["save_checkpoint", "load_checkpoint", "load_params"]


def save_checkpoint(prefix, epoch, symbol, arg_params, aux_params, remove_amp_cast=True):
    """Writes ``prefix-symbol.json`` and ``prefix-EPOCH.params``.

    Parameters
    ----------
    prefix : str
        Path or fsspec address, without the endings.
    epoch : int
        Written with four digits.
    symbol : Symbol or None
        None leaves the symbol file out.
    arg_params, aux_params : dict of str to NDArray
    remove_amp_cast : bool
        As in `Symbol.save`.
    """
    if symbol is not None:
        symbol.save("%s-symbol.json" % prefix, remove_amp_cast=remove_amp_cast)
    params = {"arg:%s" % k: v for k, v in arg_params.items()}
    params.update(("aux:%s" % k, v) for k, v in (aux_params or {}).items())
    name = "%s-%04d.params" % (prefix, epoch)
    nd.save(name, params)
    logging.info('Saved checkpoint to "%s"', name)


def load_params(prefix, epoch):
    """The parameters of ``prefix-EPOCH.params``.

    Returns
    -------
    arg_params, aux_params : dict of str to NDArray
        Names without ``arg:`` or ``aux:`` count as arguments.
    """
    loaded = nd.load("%s-%04d.params" % (prefix, epoch))
    if not isinstance(loaded, dict):
        raise MXNetError("%s-%04d.params has arrays without names: read it with nd.load" % (prefix, epoch))
    return split_params(loaded)


def split_params(loaded, auxiliary=()):
    """Arguments and auxiliary states of a dict as files hold it; bare names in `auxiliary` are auxiliary states."""
    args, aux = {}, {}
    for key, value in loaded.items():
        kind, _, name = key.partition(":")
        if kind == "arg" and name:
            args[name] = value
        elif kind == "aux" and name:
            aux[name] = value
        else:
            (aux if key in auxiliary else args)[key] = value
    return args, aux


def load_checkpoint(prefix, epoch):
    """What `save_checkpoint` wrote, or any published model of MXNet.

    Parameters
    ----------
    prefix : str
    epoch : int

    Returns
    -------
    symbol : Symbol
    arg_params, aux_params : dict of str to NDArray
        Parameters named without ``arg:`` or ``aux:``, as Gluon writes them, are told apart by the symbol.

    Raises
    ------
    MXNetError
        If a file is missing, damaged or of another kind; it says which.
    """
    symbol = sym.load("%s-symbol.json" % prefix)
    loaded = nd.load("%s-%04d.params" % (prefix, epoch))
    if not isinstance(loaded, dict):
        raise MXNetError("%s-%04d.params has arrays without names: read it with nd.load" % (prefix, epoch))
    return (symbol,) + split_params(loaded, set(symbol.list_auxiliary_states()))
