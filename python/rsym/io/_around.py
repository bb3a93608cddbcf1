"""Iterators around other iterators."""

import queue
import threading
import weakref

from ._base import DataBatch, DataDesc, DataIter

__all__ = ["ResizeIter", "PrefetchingIter"]


class _HasBatch(DataIter):
    """An iterator whose current batch is `current_batch`."""

    current_batch = None

    def next(self):
        """The next batch, or StopIteration."""
        if not self.iter_next():
            raise StopIteration
        return self.current_batch

    def getdata(self):
        """The arrays of the current batch."""
        return self.current_batch.data

    def getlabel(self):
        """The labels of the current batch."""
        return self.current_batch.label

    def getindex(self):
        """Numbers of the examples of the current batch."""
        return self.current_batch.index

    def getpad(self):
        """How many examples only fill the current batch."""
        return self.current_batch.pad


class ResizeIter(_HasBatch):
    """An iterator with epochs of another length.

    Parameters
    ----------
    data_iter : DataIter
        Starts anew where it ends.
    size : int
        Batches of an epoch.
    reset_internal : bool
        Whether `reset` resets `data_iter` too.

    Examples
    --------
    >>> import rsym as mx
    >>> it = mx.io.NDArrayIter(mx.nd.ones((100, 10)), batch_size=25)
    >>> len(list(ResizeIter(it, 6)))
    6
    """

    def __init__(self, data_iter, size, reset_internal=True):
        super().__init__(data_iter.batch_size)
        self.data_iter = data_iter
        self.size = size
        self.reset_internal = reset_internal
        self.cur = 0
        self.provide_data = data_iter.provide_data
        self.provide_label = data_iter.provide_label
        if hasattr(data_iter, "default_bucket_key"):
            self.default_bucket_key = data_iter.default_bucket_key

    def reset(self):
        """Starts a new epoch."""
        self.cur = 0
        if self.reset_internal:
            self.data_iter.reset()

    def iter_next(self):
        """Moves to the next batch; False at the end."""
        if self.cur == self.size:
            return False
        try:
            self.current_batch = self.data_iter.next()
        except StopIteration:
            self.data_iter.reset()
            self.current_batch = self.data_iter.next()
        self.cur += 1
        return True


class _Ahead:
    """A thread that fetches the next batch of an iterator while the current one is used.

    What it gives is ``(batch, None)``, ``(None, None)`` at the end, or ``(None, error)``.
    """

    def __init__(self, iterator):
        self._orders, self.fetched = queue.Queue(), queue.Queue()
        threading.Thread(target=_work, args=(iterator, self._orders, self.fetched), daemon=True).start()
        self.order(True)

    def order(self, wanted):
        """Asks for a batch; False ends the thread."""
        self._orders.put(wanted)


def _work(iterator, orders, fetched):
    while orders.get():
        try:
            fetched.put((iterator.next(), None))
        except StopIteration:
            fetched.put((None, None))
        except Exception as error:
            fetched.put((None, error))


def _stop(threads):
    for thread in threads:
        thread.order(False)


class PrefetchingIter(_HasBatch):
    """Fetches the next batch in the background; several iterators become one with all of their arrays.

    Parameters
    ----------
    iters : DataIter or list of DataIter
        With equally many batches of equal size.
    rename_data, rename_label : list of dict, optional
        New names by old ones, a dict for each iterator.

    Raises
    ------
    Exception
        What an iterator raised in the background is raised by `next`.

    Examples
    --------
    >>> import rsym as mx
    >>> pair = [mx.io.NDArrayIter(mx.nd.ones((4, 10)), batch_size=2) for _ in range(2)]
    >>> it = PrefetchingIter(pair, rename_data=[{"data": "left"}, {"data": "right"}])
    >>> [desc.name for desc in it.provide_data], len(list(it))
    (['left', 'right'], 2)
    """

    def __init__(self, iters, rename_data=None, rename_label=None):
        super().__init__()
        self.iters = iters if isinstance(iters, list) else [iters]
        self.n_iter = len(self.iters)
        assert self.n_iter > 0
        self.rename_data = rename_data
        self.rename_label = rename_label
        self.batch_size = self.provide_data[0][1][0]
        # Whether batches were asked for and not taken.
        self._pending = True
        self._threads = [_Ahead(iterator) for iterator in self.iters]
        self._finalizer = weakref.finalize(self, _stop, self._threads)

    def _renamed(self, attribute, names):
        for iterator, renamed in zip(self.iters, names or [None] * self.n_iter):
            for desc in getattr(iterator, attribute):
                desc = desc if isinstance(desc, DataDesc) else DataDesc(*desc)
                name = desc.name if renamed is None else renamed[desc.name]
                yield DataDesc(name, desc.shape, desc.dtype, desc.layout)

    @property
    def provide_data(self):
        """Names and shapes of the data of all iterators: list of DataDesc."""
        return list(self._renamed("provide_data", self.rename_data))

    @property
    def provide_label(self):
        """Names and shapes of the labels of all iterators: list of DataDesc."""
        return list(self._renamed("provide_label", self.rename_label))

    def _fetched(self):
        """What the threads have got; nothing is under way afterwards."""
        self._pending = False
        return [thread.fetched.get() for thread in self._threads]

    def _order(self):
        self._pending = True
        for thread in self._threads:
            thread.order(True)

    def reset(self):
        """Goes back to the beginning of all iterators."""
        if self._pending:
            self._fetched()
        for iterator in self.iters:
            iterator.reset()
        self._order()

    def iter_next(self):
        """Moves to the next batch; False at the end."""
        if not self._pending:
            return False
        found = self._fetched()
        for _, error in found:
            if error is not None:
                raise error
        batches = [batch for batch, _ in found]
        if batches[0] is None:
            assert all(batch is None for batch in batches), "Number of entry mismatches between iterators"
            return False
        assert all(batch is not None and batch.pad == batches[0].pad for batch in batches), (
            "Number of entry mismatches between iterators"
        )
        self.current_batch = DataBatch(
            [array for batch in batches for array in batch.data],
            [array for batch in batches for array in batch.label or ()],
            batches[0].pad,
            batches[0].index,
            bucket_key=batches[0].bucket_key,
            provide_data=self.provide_data,
            provide_label=self.provide_label,
        )
        self._order()
        return True
