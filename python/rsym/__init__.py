"""MXNet's symbolic API, reborn: graphs composed from symbols, annotated, saved as JSON, bound and executed.

    import rsym as mx

`rsym.symbol` (also `rsym.sym`) has symbols and operators, `rsym.ndarray` (also `rsym.nd`) arrays. Importing starts no
thread and prints nothing.
"""

import importlib as _importlib

from . import _rsym
from . import attribute, base, context, name
from . import ndarray, symbol
from . import ndarray as nd
from . import symbol as sym
from . import executor
from .attribute import AttrScope
from .base import MXNetError
from .context import Context, cpu, cpu_pinned, cpu_shared, current_context, gpu, gpu_memory_info, num_gpus
from .executor import Executor
from .ndarray import waitall
from .parallel import get_num_threads, set_num_threads

_rsym.register_classes(symbol.Symbol, ndarray.NDArray, base._Null)
_rsym.register_scopes((name._managers, name.NameManager), (attribute._scopes, AttrScope), attribute.merge)

# Modules that are imported when they are first used, by the name they are used under.
_LAZY = {
    "autograd": "autograd",
    "callback": "callback",
    "contrib": "contrib",
    "engine": "engine",
    "error": "error",
    "executor_manager": "executor_manager",
    "gluon": "gluon",
    "image": "image",
    "img": "image",
    "init": "initializer",
    "initializer": "initializer",
    "io": "io",
    "kv": "kvstore",
    "kvstore": "kvstore",
    "libinfo": "libinfo",
    "log": "log",
    "lr_scheduler": "lr_scheduler",
    "metric": "metric",
    "mod": "module",
    "model": "model",
    "module": "module",
    "mon": "monitor",
    "monitor": "monitor",
    "operator": "operator",
    "optimizer": "optimizer",
    "passes": "passes",
    "profiler": "profiler",
    "random": "random",
    "recordio": "recordio",
    "registry": "registry",
    "rnd": "random",
    "rnn": "rnn",
    "runtime": "runtime",
    "test_utils": "test_utils",
    "util": "util",
    "visualization": "visualization",
    "viz": "visualization",
}

# Functions of `rsym.util` that MXNet offers at the top as well.
_UTIL = ("is_np_array", "is_np_shape", "np_array", "np_shape", "set_np_shape", "use_np", "use_np_array", "use_np_shape")


def __getattr__(wanted):
    if wanted == "__version__":
        return _importlib.import_module(".libinfo", __name__).__version__
    if wanted in _LAZY:
        return _importlib.import_module("." + _LAZY[wanted], __name__)
    if wanted in _UTIL:
        return getattr(_importlib.import_module(".util", __name__), wanted)
    raise AttributeError("module '%s' has no attribute '%s'" % (__name__, wanted))


def __dir__():
    return sorted(set(globals()) | set(_LAZY) | set(_UTIL))
