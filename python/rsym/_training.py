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


def _trained(param_arrays, grad_arrays):
    """(index, weights, gradients) of the parameters that have gradients, by device."""
    for index, (weights, grads) in enumerate(zip(param_arrays, grad_arrays)):
        if grads[0] is not None:
            yield index, weights, grads


def _update_params_on_kvstore(param_arrays, grad_arrays, kvstore, param_names):
    """Hands the gradients to the store and fetches the parameters that it updated."""
    found = list(_trained(param_arrays, grad_arrays))
    if found:
        indices, weights, grads = map(list, zip(*found))
        kvstore.pushpull([param_names[i] for i in indices], grads, out=weights)


def _update_params(param_arrays, grad_arrays, updater, num_device, kvstore=None, param_names=None, indices=None):
    """Updates the parameters of every device, with gradients that the store, if there is one, summed over devices.

    Parameters
    ----------
    param_arrays, grad_arrays : list of lists of NDArray
        For each parameter the arrays of all devices.
    updater : optimizer.Updater
    num_device : int
    kvstore : KVStore, optional
    param_names : list of str, optional
        Keys of the store.
    indices : list of int, optional
        Numbers of the parameters for the updater; by default their places.
    """
    indices = range(len(param_arrays)) if indices is None else indices
    found = list(_trained(param_arrays, grad_arrays))
    if kvstore is not None and found:
        kvstore.pushpull([param_names[i] for i, _, _ in found], [grads for _, _, grads in found])
    for k in range(num_device):
        if found:
            rows = [(indices[i] * num_device + k, grads[k], weights[k]) for i, weights, grads in found]
            updater(*map(list, zip(*rows)))
