"""See `rsym.contrib.amp`."""

__all__ = ["AmpError"]


class AmpError(AttributeError):
    """Something of automatic mixed precision was used::

        mx.contrib.amp.amp.init()           # AmpError: rsym has no contrib.amp.init

    Cast where half precision is wanted, and let the optimizer keep weights in single precision::

        net = mx.sym.FullyConnected(mx.sym.cast(data, dtype="float16"), num_hidden=10)
        module.init_optimizer(optimizer="sgd", optimizer_params={"multi_precision": True})
    """


def __getattr__(name):
    if name.startswith("__") and name.endswith("__"):
        raise AttributeError(name)
    text = "rsym has no contrib.amp.%s: cast where half precision is wanted (sym.cast), and train with multi_precision=True"
    raise AmpError(text % name)
