"""Iterators that Rust runs, ahead of their use."""

from .. import _rsym
from .._dtypes import from_number, to_number
from .._files import LocalFile
from ..base import MXNetError
from ..context import Context
from ._around import _HasBatch
from ._base import DataBatch, DataDesc
from ._params import Param, documented, read_params

__all__ = ["MXDataIter", "CSVIter", "MNISTIter", "LibSVMIter"]

#: Where batches are: type number and number of the device.
_CPU = (Context.devstr2type["cpu"], 0)

#: The types that iterators can be asked for.
DTYPES = ("float32", "float64", "float16", "bfloat16", "int64", "int32", "uint8", "int8")

#: Parameters of every iterator of this kind.
COMMON = [
    Param("prefetch_buffer", int, 4, "How many batches are made ahead at most."),
    Param("ctx", ("cpu", "gpu"), "cpu", "Taken and ignored: batches are made for the CPU."),
    Param("dtype", DTYPES, None, "Type of data and labels; None for the usual one."),
    Param("data_name", str, "data", "Name of the data."),
    Param("label_name", str, "softmax_label", "Name of the labels."),
    Param("verbose", bool, True, "Taken and ignored: nothing is printed."),
]

#: Names of parameters of all iterators of this kind.
KNOWN = set()


class MXDataIter(_HasBatch):
    """An iterator that Rust runs: its batches are made ahead by threads of its own.

    `CSVIter`, `MNISTIter` and `ImageRecordIter` are of this class. Take their parameters by keyword; texts are read as
    values, as in MXNet, and names that no iterator knows are ignored with a warning.

    An iterator cannot be used in a process that was forked after it was made.
    """

    _params = COMMON

    def __init__(self, **given):
        self._given = read_params(type(self).__name__, self._params, given, KNOWN)
        data, label, self._batches = self._open(**self._given)
        super().__init__(data[0][0])
        self.provide_data = [DataDesc(self._given["data_name"], *data)]
        self.provide_label = [DataDesc(self._given["label_name"], *label)]
        self._skips_load = False

    def __init_subclass__(cls):
        KNOWN.update(param.name for param in cls._params)

    def reset(self):
        """Starts the next epoch. With ``round_batch`` it goes on behind the examples that filled the last batch."""
        self._batches.reset()

    def debug_skip_load(self):
        """From now on every batch is the present or first one: shows what reading costs."""
        self._skips_load = True

    def iter_next(self):
        """Moves to the next batch; False at the end."""
        if self._skips_load and self.current_batch is not None:
            return True
        made = self._batches.next(_CPU)
        if made is None:
            return False
        data, label, index, pad = made
        self.current_batch = DataBatch([data], [label], pad, index)
        return True

    def getdata(self):
        """The data of the current batch: NDArray."""
        return self.current_batch.data[0]

    def getlabel(self):
        """The labels of the current batch: NDArray."""
        return self.current_batch.label[0]


def labels_shape(batch_size, shape):
    """The shape of labels; one number each needs no axis of its own."""
    return (batch_size,) if shape == (1,) else (batch_size, *shape)


def positive(owner, **values):
    """Refuses numbers below 1, and shapes with such."""
    for name, value in values.items():
        if not all(v > 0 for v in (value if isinstance(value, tuple) else (value,))) or value == ():
            raise MXNetError("%s: %s must be positive, got %r" % (owner, name, value))


_CSV = [
    Param("data_csv", str, ..., "A file with a line of numbers and commas for each example, or a folder of such files."),
    Param("data_shape", "shape", ..., "Shape of an example."),
    Param("label_csv", str, "NULL", "The same for labels; without it all labels are 0."),
    Param("label_shape", "shape", (1,), "Shape of a label."),
    Param("batch_size", int, ..., "Examples of a batch."),
    Param("round_batch", bool, True, "Whether the last batch is filled with examples of the next epoch."),
    *COMMON,
]


@documented(_CSV)
class CSVIter(MXDataIter):
    """Batches of rows of text files.

    The type is float32, int32 or int64. Empty lines are left out. With ``round_batch=True`` the last batch is filled with
    the first examples, and the epoch after `reset` begins behind them. With False every epoch has all examples once, and the
    last batch is filled with what the batch before it has there.

    {parameters}

    Raises
    ------
    FileError
        A file cannot be read.
    MXNetError
        A line has not as many numbers as the shape, or something else than numbers: the message says where.

    Examples
    --------
    >>> import os, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = os.path.join(folder.name, "a.csv")
    >>> with open(path, "w") as file:
    ...     _ = file.write("1,2,3\\n2,3,4\\n3,4,5\\n")
    >>> it = CSVIter(data_csv=path, data_shape=(3,), batch_size=2)
    >>> [(batch.data[0].asnumpy().tolist(), batch.pad) for batch in it]
    [([[1.0, 2.0, 3.0], [2.0, 3.0, 4.0]], 0), ([[3.0, 4.0, 5.0], [1.0, 2.0, 3.0]], 1)]
    """

    _params = _CSV

    def _open(self, data_csv, data_shape, label_csv, label_shape, batch_size, round_batch, dtype, prefetch_buffer, **_):
        positive("CSVIter", batch_size=batch_size, data_shape=data_shape, label_shape=label_shape)
        self._files = [LocalFile(path) for path in (data_csv, label_csv) if path != "NULL"]
        paths = [file.path for file in self._files] + [None]
        number = to_number(dtype)
        batches = _rsym.csv_batches(
            paths[0], data_shape, paths[1], label_shape, batch_size, round_batch, number, max(1, prefetch_buffer)
        )
        dtype = from_number(number)
        return ((batch_size, *data_shape), dtype), (labels_shape(batch_size, label_shape), dtype), batches


_MNIST = [
    Param("image", str, "./train-images-idx3-ubyte", "File of the images, plain or compressed with gzip."),
    Param("label", str, "./train-labels-idx1-ubyte", "File of the labels, plain or compressed with gzip."),
    Param("batch_size", int, 128, "Examples of a batch."),
    Param("shuffle", bool, True, "Whether to take the examples in another order, the same in every epoch."),
    Param("flat", bool, False, "Whether an example is a row rather than a picture with one channel."),
    Param("seed", int, 0, "Which order."),
    Param("silent", bool, False, "Taken and ignored: nothing is printed."),
    Param("num_parts", int, 1, "Into how many parts the examples are divided."),
    Param("part_index", int, 0, "The part to read."),
    *COMMON,
]


@documented(_MNIST)
class MNISTIter(MXDataIter):
    """Batches of the images of MNIST, or of others in files of the same format.

    Values are from 0 to 255/256. Examples that fill no batch are left out.

    {parameters}

    Raises
    ------
    FileError
        A file cannot be read.
    MXNetError
        A file is cut off or not of the format: the message has the offset.

    Examples
    --------
    >>> import os, struct, tempfile
    >>> import numpy as np
    >>> folder = tempfile.TemporaryDirectory()
    >>> for name, array in ("images", np.zeros((5, 28, 28), "u1")), ("labels", np.arange(5, dtype="u1")):
    ...     with open(os.path.join(folder.name, name), "wb") as file:
    ...         head = struct.pack(">BBBB%dI" % array.ndim, 0, 0, 8, array.ndim, *array.shape)
    ...         _ = file.write(head + array.tobytes())
    >>> it = MNISTIter(image=os.path.join(folder.name, "images"), label=os.path.join(folder.name, "labels"),
    ...                batch_size=2, shuffle=False)
    >>> [(batch.data[0].shape, batch.label[0].asnumpy().tolist()) for batch in it]
    [((2, 1, 28, 28), [0.0, 1.0]), ((2, 1, 28, 28), [2.0, 3.0])]
    """

    _params = _MNIST

    def _open(self, image, label, batch_size, shuffle, flat, seed, num_parts, part_index, dtype, prefetch_buffer, **_):
        positive("MNISTIter", batch_size=batch_size, num_parts=num_parts)
        if not 0 <= part_index < num_parts:
            raise MXNetError("MNISTIter: part_index must be in 0..%d, got %d" % (num_parts - 1, part_index))
        self._files = [LocalFile(image), LocalFile(label)]
        if dtype is not None and "float" not in dtype:
            raise MXNetError("MNISTIter: dtype must be a float type, as values are below 1, got %r" % dtype)
        number, part = to_number(dtype), (part_index, num_parts)
        batches, shape = _rsym.mnist_batches(
            *(file.path for file in self._files), batch_size, shuffle, flat, seed % 2**64, part, number, max(1, prefetch_buffer)
        )
        dtype = from_number(number)
        return ((batch_size, *shape), dtype), ((batch_size,), dtype), batches


class LibSVMIter:
    """Refused: its batches are sparse arrays, and arrays are dense here.

    Read the file with scikit-learn instead, and make its rows dense batch by batch::

        data, label = sklearn.datasets.load_svmlight_file("train.libsvm")
        mx.io.NDArrayIter(data.toarray(), label, batch_size=32)
    """

    def __init__(self, **_):
        raise MXNetError(
            "LibSVMIter gives sparse arrays, which rsym does not have: read the file with "
            "sklearn.datasets.load_svmlight_file and give data.toarray() to NDArrayIter"
        )
