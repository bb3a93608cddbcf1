"""Batches and the iterators that give them."""

from collections import namedtuple

from ..base import mx_real_t

__all__ = ["DataDesc", "DataBatch", "DataIter"]


class DataDesc(namedtuple("DataDesc", ["name", "shape"])):
    """Name and shape of an array, with its type and the meaning of its axes.

    Parameters
    ----------
    name : str
    shape : tuple of int
    dtype : type or str
    layout : str or None
        A letter for each axis, 'N' for the batch.

    Examples
    --------
    >>> desc = DataDesc("data", (8, 10))
    >>> name, shape = desc
    >>> shape, desc.layout
    ((8, 10), 'NCHW')
    """

    def __new__(cls, name, shape, dtype=mx_real_t, layout="NCHW"):
        desc = super().__new__(cls, name, shape)
        desc.dtype = dtype
        desc.layout = layout
        return desc

    def __getnewargs__(self):
        return self.name, self.shape, self.dtype, self.layout

    def __repr__(self):
        return "DataDesc[%s,%s,%s,%s]" % (self.name, self.shape, self.dtype, self.layout)

    @staticmethod
    def get_batch_axis(layout):
        """The axis of the batch in a layout; 0 for None, -1 if there is none.

        Examples
        --------
        >>> DataDesc.get_batch_axis("TNC")
        1
        """
        return 0 if layout is None else layout.find("N")

    @staticmethod
    def get_list(shapes, types):
        """Descriptions from (name, shape) pairs and, unless None, (name, type) pairs."""
        known = dict(types or ())
        return [DataDesc(*pair[:2], known[pair[0]]) if types is not None else DataDesc(*pair[:2]) for pair in shapes]


class DataBatch:
    """Arrays for one step of training or prediction.

    Parameters
    ----------
    data : list of NDArray
    label : list of NDArray, optional
    pad : int, optional
        How many examples at the end only fill the batch.
    index : numpy.ndarray, optional
        Numbers of the examples.
    bucket_key : int, optional
        Which network of several is meant.
    provide_data, provide_label : list of DataDesc, optional
        Names and shapes of the arrays.
    """

    def __init__(self, data, label=None, pad=None, index=None, bucket_key=None, provide_data=None, provide_label=None):
        if data is not None:
            assert isinstance(data, (list, tuple)), "Data must be list of NDArrays"
        if label is not None:
            assert isinstance(label, (list, tuple)), "Label must be list of NDArrays"
        self.data = data
        self.label = label
        self.pad = pad
        self.index = index
        self.bucket_key = bucket_key
        self.provide_data = provide_data
        self.provide_label = provide_label

    def __str__(self):
        data, label = ([x.shape for x in group] if group else None for group in (self.data, self.label))
        return "%s: data shapes: %s label shapes: %s" % (type(self).__name__, data, label)


class DataIter:
    """The base of data iterators: a Python iterator over batches that can be reset.

    Subclasses define `next`, or `iter_next` with `getdata`, `getlabel`, `getindex` and `getpad`; further ``provide_data``
    and ``provide_label``, lists of `DataDesc`.

    Parameters
    ----------
    batch_size : int
    """

    def __init__(self, batch_size=0):
        self.batch_size = batch_size

    def __iter__(self):
        return self

    def __next__(self):
        return self.next()

    def reset(self):
        """Goes back to the beginning."""

    def next(self):
        """The next batch.

        Returns
        -------
        DataBatch

        Raises
        ------
        StopIteration
            At the end of the data.
        """
        if not self.iter_next():
            raise StopIteration
        return DataBatch(data=self.getdata(), label=self.getlabel(), pad=self.getpad(), index=self.getindex())

    def iter_next(self):
        """Moves to the next batch; False at the end."""

    def getdata(self):
        """The arrays of the current batch: list of NDArray."""

    def getlabel(self):
        """The labels of the current batch: list of NDArray."""

    def getindex(self):
        """Numbers of the examples of the current batch, or None."""
        return None

    def getpad(self):
        """How many examples only fill the current batch."""
