"""What all training loops share: callbacks, stores for several devices, and updates of all parameters at once."""

import os
from collections import namedtuple

from . import kvstore as kvs

__all__ = ["BatchEndParam"]

# What a batch callback gets.
BatchEndParam = namedtuple("BatchEndParams", ["epoch", "nbatch", "eval_metric", "locals"])

# The largest parameter that a 'local' store updates by itself, in elements.
_LARGEST_ON_STORE = 16 << 20


def call_all(callbacks, *args):
    """Calls a callback, each of a list of them, or none."""
    if callbacks is None:
        return
    for callback in callbacks if isinstance(callbacks, (list, tuple)) else [callbacks]:
        callback(*args)


def log_values(logger, epoch, what, pairs):
    """Logs names and values of a metric."""
    for name, value in pairs:
        logger.info("Epoch[%d] %s-%s=%f", epoch, what, name, value)


def _create_kvstore(kvstore, num_device, arg_params):
    """The store for so many devices, and whether it updates the parameters itself.

    Parameters
    ----------
    kvstore : str, KVStore or None
        A single device needs none: a name then gives None.
    num_device : int
    arg_params : dict of str to NDArray

    Returns
    -------
    store : KVStore or None
    update_on_kvstore : bool
        The variable MXNET_UPDATE_ON_KVSTORE=0 makes it False.
    """
    if kvstore is not None and not isinstance(kvstore, (str, kvs.KVStoreBase)):
        raise TypeError("kvstore must be a KVStore, its name such as 'local', or None; got %r" % (kvstore,))
    on_store = os.environ.get("MXNET_UPDATE_ON_KVSTORE", "1") != "0"
    if isinstance(kvstore, str):
        if num_device == 1 and "dist" not in kvstore:
            return None, False
        if kvstore == "local":
            on_store &= max((p.size for p in arg_params.values()), default=0) <= _LARGEST_ON_STORE
        kvstore = kvs.create(kvstore)
    if kvstore is None:
        return None, False
    return kvstore, on_store and kvstore.is_capable(kvs.KVStoreBase.OPTIMIZER)


def _initialize_kvstore(kvstore, param_arrays, arg_params, param_names, update_on_kvstore):
    """Puts the parameters into the store, and from there into the arrays of all devices if it updates them."""
    for name, arrays in zip(param_names, param_arrays):
        if update_on_kvstore:
            kvstore.broadcast(name, arg_params[name], out=arrays)
        else:
            kvstore.init(name, arg_params[name])


class Updates:
    """The parameters that have gradients, arranged once for all updates.

    Parameters
    ----------
    param_arrays, grad_arrays : list of lists of NDArray
        For each parameter the arrays of all devices; the gradients None where there are none.
    param_names : list of str, optional
        Keys of the store.
    indices : list of int, optional
        Numbers of the parameters for the updater; by default their places.
    """

    def __init__(self, param_arrays, grad_arrays, param_names=None, indices=None):
        trained = [i for i, grads in enumerate(grad_arrays) if grads[0] is not None]
        self.weights = [param_arrays[i] for i in trained]
        self.grads = [grad_arrays[i] for i in trained]
        self.names = None if param_names is None else [param_names[i] for i in trained]
        count = len(self.weights[0]) if trained else 0
        numbers = trained if indices is None else [indices[i] for i in trained]
        columns = (([n * count + k for n in numbers], k) for k in range(count))
        # What an updater takes, for each device.
        self.by_device = [(own, [g[k] for g in self.grads], [w[k] for w in self.weights]) for own, k in columns]

    def on_store(self, kvstore):
        """Hands the gradients to the store and fetches the parameters that it updated."""
        if self.names:
            kvstore.pushpull(self.names, self.grads, out=self.weights)

    def by(self, updater, kvstore=None):
        """Updates the parameters of every device, with gradients that the store, if there is one, sums over devices."""
        if kvstore is not None and self.names:
            kvstore.pushpull(self.names, self.grads)
        for own in self.by_device:
            updater(*own)


def _update_params_on_kvstore(param_arrays, grad_arrays, kvstore, param_names):
    """Updates the parameters on a store."""
    Updates(param_arrays, grad_arrays, param_names).on_store(kvstore)


def _update_params(param_arrays, grad_arrays, updater, num_device, kvstore=None, param_names=None):
    """Updates the parameters of every device by an updater."""
    Updates(param_arrays, grad_arrays, param_names).by(updater, kvstore)
