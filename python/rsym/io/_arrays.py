"""Batches of arrays in memory or in memory-mapped files."""

import numpy as np

from .. import ndarray as nd
from ._base import DataBatch, DataDesc, DataIter

__all__ = ["NDArrayIter"]


def _is_array(value):
    return isinstance(value, (np.ndarray, nd.NDArray)) or _is_file(value)


def _is_file(value):
    """Whether the array lies in a file and is read piece by piece: HDF5, or memory-mapped by NumPy."""
    return isinstance(value, np.memmap) or type(value).__module__.split(".")[0] == "h5py"


def _named(data, allow_empty, default_name):
    """The arrays as a list of (name, array), sorted by name."""
    if data is None:
        assert allow_empty, "data must be given"
        return []
    if _is_array(data):
        data = [data]
    if isinstance(data, (list, tuple)):
        assert data or allow_empty, "data must not be empty"
        single = len(data) == 1
        data = {default_name if single else "_%d_%s" % (i, default_name): array for i, array in enumerate(data)}
    if not isinstance(data, dict):
        raise TypeError("Input must be NDArray, numpy.ndarray, h5py.Dataset a list of them or dict with them as values")
    return sorted((name, _loaded(name, array)) for name, array in data.items())


def _loaded(name, array):
    if isinstance(array, nd.NDArray) or _is_file(array):
        return array
    try:
        return nd.array(array)
    except Exception as error:
        raise TypeError(
            "Invalid type '%s' for %s, should be NDArray, numpy.ndarray or h5py.Dataset" % (type(array), name)
        ) from error


class NDArrayIter(DataIter):
    """Batches of arrays.

    Parameters
    ----------
    data : array, list of array or dict of str to array
        NDArrays, NumPy arrays, memory-mapped ones or h5py datasets; those in files are read batch by batch. Numbers become
        float32 unless the array is an NDArray.
    label : the same, optional
    batch_size : int
    shuffle : bool
        Whether every epoch has another order, by NumPy's random numbers.
    last_batch_handle : str
        What becomes of the rest of an epoch: 'pad' fills it from the beginning (see `DataBatch.pad`), 'discard' leaves it
        out, 'roll_over' puts it before the next epoch.
    data_name, label_name : str
        Names for arrays without name; several get ``_0_data``, ``_1_data`` ...
    layout : str
        The axes, 'N' being that of the batch.

    Examples
    --------
    >>> import numpy as np
    >>> it = NDArrayIter(np.arange(10).reshape(5, 2), np.zeros(5), batch_size=2)
    >>> [(batch.data[0].shape, batch.pad) for batch in it]
    [((2, 2), 0), ((2, 2), 0), ((2, 2), 1)]
    """

    def __init__(
        self,
        data,
        label=None,
        batch_size=1,
        shuffle=False,
        last_batch_handle="pad",
        data_name="data",
        label_name="softmax_label",
        layout="NCHW",
    ):
        super().__init__(batch_size)
        if last_batch_handle not in ("pad", "discard", "roll_over"):
            raise ValueError("last_batch_handle must be 'pad', 'discard' or 'roll_over', got %r" % (last_batch_handle,))
        self.data = _named(data, allow_empty=False, default_name=data_name)
        self.label = _named(label, allow_empty=True, default_name=label_name)
        self.layout = layout
        self.shuffle = shuffle
        self.last_batch_handle = last_batch_handle
        self._axis = layout.find("N")
        self.num_data = self.data[0][1].shape[self._axis]
        self.idx = np.arange(self.num_data)
        self._kept = np.arange(0)
        self.hard_reset()

    @property
    def num_source(self):
        """Number of arrays, labels included."""
        return len(self.data) + len(self.label)

    @property
    def data_list(self):
        """All arrays, labels last."""
        return [array for _, array in self.data + self.label]

    def _describe(self, named):
        for name, array in named:
            shape = list(array.shape)
            shape[self._axis] = self.batch_size
            dtype = np.float32 if not isinstance(array, nd.NDArray) else array.dtype
            yield DataDesc(name, tuple(shape), dtype, layout=self.layout)

    @property
    def provide_data(self):
        """Names and shapes of the data: list of DataDesc."""
        return list(self._describe(self.data))

    @property
    def provide_label(self):
        """Names and shapes of the labels: list of DataDesc."""
        return list(self._describe(self.label))

    def hard_reset(self):
        """Goes back to the beginning, and forgets what would roll over."""
        self._kept = self._kept[:0]
        self._start()

    def reset(self):
        """Goes back to the beginning; with 'roll_over' the rest of the epoch comes first."""
        rest = self.idx[self.cursor :] if 0 <= self.cursor < self.num_data else self.idx[:0]
        rolls = self.last_batch_handle == "roll_over" and 0 < len(rest) < self.batch_size
        self._kept = self._order[len(self._order) - len(rest) :] if rolls else self._kept[:0]
        self._start()

    def _start(self):
        if self.shuffle:
            np.random.shuffle(self.idx)
        self._order = np.concatenate([self._kept, self.idx])
        self.cursor = -self.batch_size - len(self._kept)

    def iter_next(self):
        """Moves to the next batch; False at the end."""
        self.cursor += self.batch_size
        rest = self.num_data - self.cursor
        return rest >= self.batch_size or (rest > 0 and self.last_batch_handle == "pad")

    def _rows(self):
        """The numbers of the examples of the current batch."""
        start = self.cursor + len(self._kept)
        rows = self._order[start : start + self.batch_size]
        assert len(rows), "DataIter needs reset."
        return rows if len(rows) == self.batch_size else np.resize(np.append(rows, self.idx), self.batch_size)

    def _take(self, named):
        rows = self._rows()
        return [_take(array, rows, self._axis) for _, array in named]

    def next(self):
        """The next batch: a `DataBatch`, or StopIteration."""
        if not self.iter_next():
            raise StopIteration
        return DataBatch(data=self.getdata(), label=self.getlabel(), pad=self.getpad(), index=None)

    def getdata(self):
        """The arrays of the current batch: list of NDArray."""
        return self._take(self.data)

    def getlabel(self):
        """The labels of the current batch: list of NDArray."""
        return self._take(self.label)

    def getpad(self):
        """How many examples only fill the current batch; with 'roll_over' how many came from the epoch before."""
        if self.last_batch_handle == "roll_over":
            return max(0, -self.cursor)
        return max(0, self.cursor + self.batch_size - self.num_data)


def _take(array, rows, axis):
    """The examples `rows` of an array: in memory, where they are neighbours."""
    first, end = int(rows[0]), int(rows[-1]) + 1
    if end - first == len(rows) and (rows[1:] - rows[:-1] == 1).all():
        if isinstance(array, nd.NDArray):
            return array._rows(first, end) if axis == 0 else array.slice_axis(axis=axis, begin=first, end=end)
        return nd.array(array[(slice(None),) * axis + (slice(first, end),)])
    if isinstance(array, nd.NDArray):
        return nd.take(array, nd.array(rows, dtype="int64"), axis=axis)
    # h5py takes increasing indices alone.
    unique, places = np.unique(rows, return_inverse=True)
    return nd.array(np.take(array[(slice(None),) * axis + (unique,)], places, axis=axis))
