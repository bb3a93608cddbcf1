"""Gluon is not part of rsym. Importing it is allowed, using it is an error that says what to do instead.

Scripts often import Gluon beside the symbolic API and need only the latter: they run. A Gluon model itself is taken over
where MXNet still runs, by `net.export("model")`, and loaded here with `rsym.model.load_checkpoint("model", 0)`.
"""

import sys
import types

__all__ = ["Block", "HybridBlock", "SymbolBlock"]

_PARTS = ("block", "contrib", "data", "loss", "model_zoo", "nn", "parameter", "probability", "rnn", "trainer", "utils")


class GluonError(AttributeError):
    """Something of Gluon was used::

        net = mx.gluon.nn.Dense(10)          # GluonError: rsym has no gluon.nn.Dense

    Build the network from symbols::

        net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=10)

    or export it where MXNet runs, with ``net.export("model")``, and load the two files::

        net, arg_params, aux_params = mx.model.load_checkpoint("model", 0)
    """


def _error(path):
    return GluonError(
        "rsym has no %s: it is the symbolic API alone. Export the model where MXNet runs, with net.export(prefix), and load it "
        "with rsym.model.load_checkpoint(prefix, 0), or build it from rsym.sym" % path
    )


def _refuse(path):
    def missing(name):
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        raise _error("%s.%s" % (path, name))

    return missing


class Block:
    """What Gluon's layers derive from: such classes can be defined, not made."""

    def __new__(cls, *args, **kwargs):
        raise _error("gluon.Block, from which %s derives" % cls.__name__)


class HybridBlock(Block):
    """See `Block`."""


class SymbolBlock(HybridBlock):
    """See `Block`."""


for _part in _PARTS:
    _module = types.ModuleType("%s.%s" % (__name__, _part), "Not part of rsym: see `rsym.gluon`.")
    _module.__getattr__ = _refuse("gluon." + _part)
    sys.modules[_module.__name__] = globals()[_part] = _module

__getattr__ = _refuse("gluon")
