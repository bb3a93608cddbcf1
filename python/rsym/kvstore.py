"""Key-value stores: what is shared between the devices of one machine, values summed over devices, updated in one place."""

import numpy as np

from . import ndarray as nd
from ._files import read_bytes, write_bytes
from .base import MXNetError
from .ndarray import NDArray

__all__ = ["KVStore", "KVStoreBase", "TestStore", "create"]

_LOCAL = ("local", "local_update_cpu", "local_allreduce_cpu", "device", "local_allreduce_device", "nccl")

# What a store says that lacks a part of the interface.
_MISSING = "%s does not define %s"


class KVStoreBase:
    """The interface of stores, with a registry of further ones."""

    OPTIMIZER = "optimizer"
    kv_registry = {}

    @staticmethod
    def register(klass):
        """Makes a store known to `create` under its lower-cased name; a decorator."""
        assert isinstance(klass, type), "a store is a class, got %r" % (klass,)
        KVStoreBase.kv_registry[klass.__name__.lower()] = klass
        return klass

    def broadcast(self, key, value, out, priority=0):
        """Stores values and copies them to `out`."""
        raise NotImplementedError(_MISSING % (type(self).__name__, "broadcast"))

    def pushpull(self, key, value, out=None, priority=0):
        """Sums values over devices and copies the result to `out`."""
        raise NotImplementedError(_MISSING % (type(self).__name__, "pushpull"))

    def set_optimizer(self, optimizer):
        """Updates what is stored by an optimizer."""
        raise NotImplementedError(_MISSING % (type(self).__name__, "set_optimizer"))

    def is_capable(self, capability):
        """Whether the store can do something, as ``KVStoreBase.OPTIMIZER``."""
        raise NotImplementedError(_MISSING % (type(self).__name__, "is_capable"))

    def save_optimizer_states(self, fname, dump_optimizer=False):
        """Saves the states of the optimizer."""
        raise NotImplementedError(_MISSING % (type(self).__name__, "save_optimizer_states"))

    def load_optimizer_states(self, fname):
        """Loads the states of the optimizer."""
        raise NotImplementedError(_MISSING % (type(self).__name__, "load_optimizer_states"))

    @property
    def type(self):
        """The name of the kind of store."""
        raise NotImplementedError(_MISSING % (type(self).__name__, "type"))

    @property
    def rank(self):
        """The number of this worker."""
        raise NotImplementedError(_MISSING % (type(self).__name__, "rank"))

    @property
    def num_workers(self):
        """How many workers share the store."""
        raise NotImplementedError(_MISSING % (type(self).__name__, "num_workers"))


def _pairs(key, value):
    """(key, list of arrays) for one key or several, each with one array or a list of them."""
    if not isinstance(key, (tuple, list)):
        assert isinstance(key, (int, str)), "a key must be an int or a str, got %r" % (key,)
        arrays = [value] if isinstance(value, NDArray) else list(value)
        assert all(isinstance(a, NDArray) for a in arrays), "the value of key %r must be one or several NDArrays" % (key,)
        return [(key, arrays)]
    assert len(key) == len(value), "%d keys for %d values" % (len(key), len(value))
    pairs = [pair for one, arrays in zip(key, value) for pair in _pairs(one, arrays)]
    assert len({type(k) for k, _ in pairs}) <= 1, "keys must be all int or all str, got %r" % (key,)
    return pairs


def _gathered(pairs):
    """The arrays of every key together: a key may be given several times."""
    arrays = {}
    for key, some in pairs:
        arrays.setdefault(key, []).extend(some)
    return arrays


class KVStore(KVStoreBase):
    """A store on this machine: made by `create`.

    Every key holds an array. What is pushed is summed over the list of arrays that are given for a key, and then replaces
    what is stored, or updates it if there is an updater or an optimizer.

    Examples
    --------
    >>> import rsym as mx
    >>> kv = mx.kv.create("local")
    >>> kv.init("w", mx.nd.zeros((2,)))
    >>> kv.push("w", [mx.nd.ones((2,), mx.cpu(0)), mx.nd.ones((2,), mx.cpu(1))])
    >>> out = mx.nd.empty((2,))
    >>> kv.pull("w", out=out)
    >>> out.asnumpy().tolist()
    [2.0, 2.0]
    """

    def __init__(self, kind="local"):
        self._kind = kind
        self._stored = {}
        self._sums = {}
        self._updater = None

    # -- keys ------------------------------------------------------------------------------------------------------

    def _check_type(self, key):
        known = next(iter(self._stored), key)
        if isinstance(known, str) != isinstance(key, str):
            kinds = (type(known).__name__, key, type(key).__name__)
            raise MXNetError("the keys of this store are of type %s; key %r is of type %s" % kinds)

    def _at(self, key):
        self._check_type(key)
        if key not in self._stored:
            raise MXNetError("key %r has not been initialised: call init first" % (key,))
        return self._stored[key]

    # -- values ----------------------------------------------------------------------------------------------------

    def init(self, key, value):
        """Stores initial values.

        Parameters
        ----------
        key : int, str or list of such
            A store has keys of one type.
        value : NDArray or list of NDArray

        Raises
        ------
        MXNetError
            If a key is there already or of the other type.
        """
        for one, arrays in _pairs(key, value):
            self._check_type(one)
            if one in self._stored:
                raise MXNetError("key %r has been initialised already" % (one,))
            self._stored[one] = arrays[0].copy()

    def _checked(self, key, arrays):
        """The arrays that are pushed for a key; an error that says what does not fit."""
        stored = self._at(key)
        for array in arrays:
            if array.shape != stored.shape:
                raise MXNetError("key %r holds shape %s, got %s" % (key, stored.shape, array.shape))
            if array.dtype != arrays[0].dtype:
                types = tuple(np.dtype(a.dtype).name for a in (arrays[0], array))
                raise MXNetError("key %r: arrays of %s and of %s cannot be summed" % (key, *types))
        return arrays

    def _sum(self, key, arrays):
        """The sum of the arrays, from the first to the last, in memory of the store; of one array that itself."""
        if len(arrays) == 1:
            return arrays[0]
        if key not in self._sums or self._sums[key].dtype != arrays[0].dtype:
            stored = self._stored[key]
            self._sums[key] = nd.empty(stored.shape, stored.context, arrays[0].dtype)
        return nd.add_n(*arrays, out=self._sums[key])

    def _replace(self, key, arrays):
        """Stores the sum of the arrays, with their type."""
        stored = self._stored[key]
        if stored.dtype != arrays[0].dtype:
            self._stored[key] = nd.empty(stored.shape, stored.context, arrays[0].dtype)
        nd.add_n(*arrays, out=self._stored[key])

    def push(self, key, value, priority=0):
        """Sums values over devices and stores the sums, or updates what is stored with them.

        Parameters
        ----------
        key : int, str or list of such
        value : NDArray, list of NDArray, or list of lists of NDArray
            For each key one array, or one of each device.
        priority : int
            Taken for compatibility.

        Raises
        ------
        MXNetError
            If a key has not been initialised or an array has another shape; nothing has changed then.
        """
        pushed = {one: self._checked(one, some) for one, some in _gathered(_pairs(key, value)).items() if some}
        if self._updater is None:
            for one, arrays in pushed.items():
                self._replace(one, arrays)
            return
        sums = {one: self._sum(one, arrays) for one, arrays in pushed.items()}
        if getattr(self._updater, "aggregate_updates", False):
            self._updater(list(sums), list(sums.values()), [self._stored[one] for one in sums])
        else:
            for one, total in sums.items():
                self._updater(one, total, self._stored[one])

    def pull(self, key, out=None, priority=0, ignore_sparse=True):
        """Copies what is stored.

        Parameters
        ----------
        key : int, str or list of such
        out : NDArray, list of NDArray, or list of lists of NDArray
            For each key one array, or one of each device.
        priority, ignore_sparse
            Taken for compatibility.
        """
        assert out is not None, "pull needs out"
        for one, arrays in _pairs(key, out):
            stored = self._at(one)
            for array in arrays:
                stored.copyto(array)

    def pushpull(self, key, value, out=None, priority=0):
        """`push`, then `pull` into `out`, or into `value` itself."""
        self.push(key, value, priority)
        self.pull(key, value if out is None else out, priority)

    def broadcast(self, key, value, out, priority=0):
        """`init`, then `pull` into `out`."""
        self.init(key, value)
        self.pull(key, out, priority)

    def row_sparse_pull(self, key, out=None, priority=0, row_ids=None):
        """Copies some rows of what is stored; the other rows of `out` become 0. Arrays are dense here, where MXNet wants sparse.

        Parameters
        ----------
        key : int, str or list of such
        out : NDArray or list of NDArray
            Dense arrays: there is no sparse storage.
        priority : int
            Taken for compatibility.
        row_ids : NDArray or list of NDArray
            Numbers of rows, for each array of `out` or for all.
        """
        assert out is not None and row_ids is not None, "row_sparse_pull needs out and row_ids"
        outs = _pairs(key, out)
        ids = [row_ids] if isinstance(row_ids, NDArray) else list(row_ids)
        targets = [(one, array) for one, arrays in outs for array in arrays]
        ids = [i for some in ids for i in ([some] if isinstance(some, NDArray) else some)]
        ids = ids * len(targets) if len(ids) == 1 else ids
        assert len(ids) == len(targets), "%d row_ids for %d arrays" % (len(ids), len(targets))
        for (one, array), rows in zip(targets, ids):
            self._copy_rows(one, array, rows)

    def _copy_rows(self, key, out, row_ids):
        stored = self._at(key)
        rows = np.unique(row_ids.asnumpy().astype("int64"))
        if len(rows) and not 0 <= rows[0] <= rows[-1] < stored.shape[0]:
            raise MXNetError("key %r has %d rows, got row_ids from %d to %d" % (key, stored.shape[0], rows[0], rows[-1]))
        if out.shape != stored.shape:
            raise MXNetError("key %r holds shape %s, got %s" % (key, stored.shape, out.shape))
        out[:] = 0
        if len(rows):
            at = nd.array(rows, dtype="int64")
            out[at] = nd.take(stored, at)

    # -- updates ---------------------------------------------------------------------------------------------------

    def set_optimizer(self, optimizer):
        """Updates what is stored by an optimizer, with pushed values as gradients.

        Parameters
        ----------
        optimizer : optimizer.Optimizer
        """
        from .optimizer import get_updater

        self._set_updater(get_updater(optimizer))

    def _set_updater(self, updater):
        """Updates what is stored by ``updater(key, pushed, stored)``."""
        self._updater = updater

    def set_gradient_compression(self, compression_params):
        """Refused but for ``{'type': 'none'}``: devices of one machine see the same memory, so there is nothing to send."""
        if compression_params.get("type", "none") != "none":
            text = "gradient compression is not supported: the devices of one machine see the same memory, got %r"
            raise MXNetError(text % (compression_params,))

    def save_optimizer_states(self, fname, dump_optimizer=False):
        """Saves the states of the optimizer.

        Parameters
        ----------
        fname : str
        dump_optimizer : bool, default False
            Put the optimizer in as well.
        """
        assert self._updater is not None, "there is no optimizer: call set_optimizer first"
        write_bytes(fname, self._updater.get_states(dump_optimizer))

    def load_optimizer_states(self, fname):
        """Loads what `save_optimizer_states` wrote. The file is unpickled: take it only from where you trust."""
        assert self._updater is not None, "there is no optimizer: call set_optimizer first"
        self._updater.set_states(read_bytes(fname))

    # -- facts -----------------------------------------------------------------------------------------------------

    def is_capable(self, capability):
        """Whether the store can do something: an optimizer on the store, yes."""
        if capability.lower() == KVStoreBase.OPTIMIZER:
            return True
        raise ValueError("unknown capability %r" % (capability,))

    @property
    def type(self):
        """The name that the store was created with."""
        return self._kind

    @property
    def rank(self):
        """0: there is one worker."""
        return 0

    @property
    def num_workers(self):
        """1."""
        return 1

    def _barrier(self):
        """Does nothing: there is one worker."""


@KVStoreBase.register
class TestStore(KVStoreBase):
    """A store that keeps nothing: the simplest that data parallel training can use, without optimizer.

    Examples
    --------
    >>> import rsym as mx
    >>> kv = mx.kv.create("teststore")
    >>> out = mx.nd.empty((2,))
    >>> kv.pushpull(0, [mx.nd.ones((2,)), mx.nd.ones((2,))], out=out)
    >>> out.asnumpy().tolist()
    [2.0, 2.0]
    """

    __test__ = False

    def broadcast(self, key, value, out, priority=0):
        """Copies `value` to every array of `out`."""
        for array in [out] if isinstance(out, NDArray) else out:
            array[:] = value

    def pushpull(self, key, value, out=None, priority=0):
        """Copies the sum of the arrays to every array of `out`, or of `value`."""
        values = [value] if isinstance(value, NDArray) else value
        self.broadcast(key, nd.add_n(*values), values if out is None else out)

    @staticmethod
    def is_capable(capability):
        """Whether the store can do something: an optimizer on the store, no."""
        if capability.lower() == KVStoreBase.OPTIMIZER:
            return False
        raise ValueError("unknown capability %r" % (capability,))

    @property
    def type(self):
        """``'teststore'``."""
        return "teststore"

    @property
    def rank(self):
        """0: there is one worker."""
        return 0

    @property
    def num_workers(self):
        """1."""
        return 1


def create(name="local"):
    """A store by its name.

    Parameters
    ----------
    name : str, default 'local'
        'local' or 'device' (the same here), MXNet's other names of stores on one machine, or that of a registered class.

    Raises
    ------
    MXNetError
        For distributed stores.
    """
    if not isinstance(name, str):
        raise TypeError("name must be a string, got %r" % (name,))
    kind = name.lower()
    if kind in KVStoreBase.kv_registry:
        return KVStoreBase.kv_registry[kind]()
    if kind not in _LOCAL:
        raise MXNetError("there is no store '%s'; there are %s" % (name, ", ".join(_LOCAL)))
    return KVStore(kind)
