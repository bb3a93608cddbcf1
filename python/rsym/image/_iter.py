"""Batches of pictures in files or records, changed by augmenters in Python."""

import os
import random
from numbers import Number

import numpy as np

from .. import ndarray as nd
from .. import recordio
from .._files import read_bytes
from ..base import MXNetError
from ..io import DataBatch, DataIter
from ._augment import CreateAugmenter
from ._picture import imdecode

__all__ = ["ImageIter"]


class ImageIter(DataIter):
    """Batches of pictures: of a record file, of a list file, or of a list.

    Parameters
    ----------
    batch_size : int
    data_shape : tuple of int
        3 channels, rows and columns.
    label_width : int
        How many labels a picture has.
    path_imgrec : str, optional
        A record file.
    path_imglist : str, optional
        A list file: lines with number, labels and path, with tabs between them.
    path_root : str, optional
        The folder of the pictures of a list.
    path_imgidx : str, optional
        The index of the record file: needed to shuffle and to divide.
    shuffle : bool
        Whether every epoch has another order.
    part_index, num_parts : int
        The part of the pictures to take, and how many parts there are.
    aug_list : list of Augmenter, optional
        Instead of those that `CreateAugmenter` makes of the other parameters.
    imglist : list, optional
        Lists of one or several labels and a path.
    data_name, label_name : str
    dtype : str
        The type of the labels of a list: float32, float64, int32 or int64.
    last_batch_handle : str
        What becomes of the rest of an epoch: 'pad' fills it from the beginning, 'discard' leaves it out, 'roll_over' puts it
        before the next epoch.
    **kwargs
        For `CreateAugmenter`.

    Raises
    ------
    MXNetError
        A record or picture is damaged: the message says which.

    Examples
    --------
    >>> import tempfile
    >>> import rsym as mx
    >>> folder = tempfile.TemporaryDirectory()
    >>> header = mx.recordio.IRHeader(0, 0, 0, 0)
    >>> for i in range(3):
    ...     content = mx.recordio.unpack(mx.recordio.pack_img(header, np.zeros((20, 30, 3), "uint8")))[1]
    ...     with open(os.path.join(folder.name, "%d.jpg" % i), "wb") as file:
    ...         _ = file.write(content)
    >>> it = ImageIter(2, (3, 16, 16), imglist=[[i, "%d.jpg" % i] for i in range(3)], path_root=folder.name)
    >>> [(batch.data[0].shape, batch.label[0].asnumpy().tolist(), batch.pad) for batch in it]
    [((2, 3, 16, 16), [0.0, 1.0], 0), ((2, 3, 16, 16), [2.0, 0.0], 1)]
    """

    def __init__(
        self,
        batch_size,
        data_shape,
        label_width=1,
        path_imgrec=None,
        path_imglist=None,
        path_root=None,
        path_imgidx=None,
        shuffle=False,
        part_index=0,
        num_parts=1,
        aug_list=None,
        imglist=None,
        data_name="data",
        label_name="softmax_label",
        dtype="float32",
        last_batch_handle="pad",
        **kwargs,
    ):
        super().__init__(batch_size)
        assert path_imgrec or path_imglist or isinstance(imglist, list), "give path_imgrec, path_imglist or imglist"
        assert dtype in ("int32", "float32", "int64", "float64"), "dtype of labels is %r" % (dtype,)
        if last_batch_handle not in ("pad", "discard", "roll_over"):
            raise ValueError("last_batch_handle must be 'pad', 'discard' or 'roll_over', got %r" % (last_batch_handle,))
        self.check_data_shape(data_shape)
        self.data_shape, self.label_width, self.path_root = tuple(data_shape), label_width, path_root
        self.shuffle, self.last_batch_handle = shuffle, last_batch_handle
        self.provide_data = [(data_name, (batch_size,) + self.data_shape)]
        self.provide_label = [(label_name, (batch_size, label_width) if label_width > 1 else (batch_size,))]
        self.imgrec = _open_records(path_imgrec, path_imgidx)
        self.imglist = _read_list(path_imglist, dtype) if path_imglist else _given_list(imglist, dtype)
        self.seq = self._all_keys(shuffle or num_parts > 1 or path_imgidx)
        if num_parts > 1:
            assert 0 <= part_index < num_parts, "part_index must be in 0..%d, got %d" % (num_parts - 1, part_index)
            size = len(self.seq) // num_parts
            self.seq = self.seq[part_index * size : (part_index + 1) * size]
        self.num_image = None if self.seq is None else len(self.seq)
        self.auglist = CreateAugmenter(data_shape, **kwargs) if aug_list is None else aug_list
        self.cur = 0
        # Pictures that come before those of the next epoch.
        self._kept = []
        self._ended = False
        self.reset()

    def _all_keys(self, needs_index):
        """Keys of all pictures in order; None for a record file that is read from its beginning to its end."""
        if self.imgrec is None:
            return list(self.imglist)
        if not needs_index:
            return None
        assert isinstance(self.imgrec, recordio.MXIndexedRecordIO), "shuffle and num_parts need path_imgidx"
        return list(self.imgrec.keys)

    def reset(self):
        """Starts a new epoch; with 'roll_over', what was left over comes first."""
        if self.seq is not None and self.shuffle:
            random.shuffle(self.seq)
        self._ended = False
        self._rewind()

    def hard_reset(self):
        """Starts a new epoch and forgets what was left over."""
        self._kept = []
        self.reset()

    def _rewind(self):
        self.cur = 0
        if self.imgrec is not None:
            self.imgrec.reset()

    def next_sample(self):
        """The label and the bytes of the next picture; StopIteration at the end."""
        if self.seq is None:
            record = self.imgrec.read()
            if record is None:
                raise StopIteration
            self.cur += 1
            header, content = recordio.unpack(record)
            return header.label, content
        if self.cur >= self.num_image:
            raise StopIteration
        key = self.seq[self.cur]
        self.cur += 1
        if self.imgrec is None:
            label, name = self.imglist[key]
            return label, self.read_image(name)
        header, content = recordio.unpack(self.imgrec.read_idx(key))
        return header.label if self.imglist is None else self.imglist[key][0], content

    def _samples(self):
        """The pictures and labels up to the end of the files."""
        while True:
            try:
                label, content = self.next_sample()
            except StopIteration:
                return
            picture = self.imdecode(content)
            self.check_valid_image(picture)
            yield self.postprocess_data(self.augmentation_transform(picture)), label

    def next(self):
        """The next batch: a `DataBatch`, or StopIteration."""
        if self._ended:
            raise StopIteration
        found, self._kept = self._kept, []
        # Of a batch that begins with what was left over, pad is how many pictures of the new epoch it has, as in MXNet.
        pad = self.batch_size - len(found) if found else 0
        for sample in self._samples():
            found.append(sample)
            if len(found) == self.batch_size:
                return self._batch(found, pad)
        self._ended = True
        if not found or self.last_batch_handle == "discard":
            raise StopIteration
        if self.last_batch_handle == "roll_over":
            self._kept = found
            raise StopIteration
        return self._batch(self._filled(found), self.batch_size - len(found))

    def _filled(self, found):
        """As many pictures as a batch has, those missing from the beginning."""
        found = list(found)
        while len(found) < self.batch_size:
            self._rewind()
            before = len(found)
            for sample in self._samples():
                found.append(sample)
                if len(found) == self.batch_size:
                    break
            assert len(found) > before, "there are no pictures"
        return found

    def _batch(self, found, pad):
        data, label = nd.zeros(self.provide_data[0][1]), nd.zeros(self.provide_label[0][1])
        for i, (picture, one) in enumerate(found):
            data[i] = picture
            label[i] = one if isinstance(one, Number) or self.label_width > 1 else float(np.ravel(_plain(one))[0])
        return DataBatch([data], [label], pad=pad)

    def check_data_shape(self, data_shape):
        """Refuses shapes that are not (3, rows, columns)."""
        if len(data_shape) != 3 or data_shape[0] != 3:
            raise ValueError("data_shape must be (3, rows, columns), got %r" % (data_shape,))

    def check_valid_image(self, data):
        """Refuses what is no picture."""
        if len(data.shape) != 3:
            raise MXNetError("a picture has 3 axes, got shape %r" % (data.shape,))

    def imdecode(self, s):
        """The picture in the bytes of a file; the error says which picture it was."""
        try:
            return imdecode(s)
        except MXNetError as error:
            raise MXNetError("%s: %s" % (self._where(), error)) from error

    def _where(self):
        """Which picture was read last."""
        if self.seq is None:
            return "record number %d of %s" % (self.cur - 1, self.imgrec.uri)
        key = self.seq[self.cur - 1]
        return "record %r of %s" % (key, self.imgrec.uri) if self.imgrec is not None else self.imglist[key][1]

    def read_image(self, fname):
        """The bytes of a file in `path_root`."""
        return read_bytes(os.path.join(self.path_root or "", fname))

    def augmentation_transform(self, data):
        """The picture behind all augmenters."""
        for augmenter in self.auglist:
            data = augmenter(data)
        return data

    def postprocess_data(self, datum):
        """The picture as it comes into the batch: its channels first."""
        return nd.transpose(datum, axes=(2, 0, 1))


def _plain(label):
    return label.asnumpy() if isinstance(label, nd.NDArray) else label


def _open_records(path, index):
    if not path:
        return None
    return recordio.MXIndexedRecordIO(index, path, "r") if index else recordio.MXRecordIO(path, "r")


def _read_list(path, dtype):
    """Labels and paths by key from the lines of a file."""
    found = {}
    for number, line in enumerate(read_bytes(path).decode().splitlines(), 1):
        fields = line.strip().split("\t")
        if not line.strip():
            continue
        try:
            found[int(fields[0])] = (nd.array([float(field) for field in fields[1:-1]], dtype=dtype), fields[-1])
        except ValueError:
            what = "%s, line %d: expected a number, labels and a path with tabs between them, got %r"
            raise MXNetError(what % (path, number, line)) from None
    return found


def _given_list(imglist, dtype):
    """The same from a list of lists."""
    if not isinstance(imglist, list):
        return None
    found = {}
    for i, (*label, name) in enumerate(imglist, 1):
        label = label if len(label) > 1 or isinstance(label[0], Number) else label[0]
        found[str(i)] = (nd.array(label, dtype=dtype), name)
    return found
