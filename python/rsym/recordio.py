"""Record files: byte strings one after the other, as MXNet writes them.

Examples
--------
>>> import os, tempfile
>>> import rsym as mx
>>> folder = tempfile.TemporaryDirectory()
>>> path = os.path.join(folder.name, "a.rec")
>>> with mx.recordio.MXRecordIO(path, "w") as record:
...     record.write(b"one")
...     record.write(b"two")
>>> with mx.recordio.MXRecordIO(path, "r") as record:
...     print(record.read(), record.read(), record.read())
b'one' b'two' None
"""

import numbers
import os
import struct
from collections import namedtuple

import numpy as np

from . import _rsym
from . import ndarray as nd
from ._files import LocalFile, error_about
from .base import MXNetError

__all__ = ["MXRecordIO", "MXIndexedRecordIO", "IRHeader", "pack", "unpack", "pack_img", "unpack_img", "rescue"]


class MXRecordIO:
    """Reads or writes records one after the other.

    Parameters
    ----------
    uri : str or os.PathLike
        Path of the file, or a URL that fsspec knows.
    flag : str
        'w' to write a new file, 'r' to read.

    Raises
    ------
    FileError
        The file cannot be opened.
    MXNetError
        By `read`: the file is damaged; the message has the offset. See `rescue`.
    RuntimeError
        The process was forked after the file was opened: `reset` opens it anew.

    Examples
    --------
    >>> import os, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = os.path.join(folder.name, "a.rec")
    >>> record = MXRecordIO(path, "w")
    >>> for i in range(3):
    ...     record.write(b"record_%d" % i)
    >>> record.close()
    >>> list(MXRecordIO(path, "r"))
    [b'record_0', b'record_1', b'record_2']
    """

    def __init__(self, uri, flag):
        self.uri = os.fsdecode(uri)
        self.flag = flag
        self.pid = None
        self.is_open = False
        self.open()

    def open(self):
        """Opens the file, at its beginning; an existing one is emptied if it is to be written."""
        if self.flag not in ("r", "w"):
            raise ValueError("flag must be 'r' or 'w', got %r" % (self.flag,))
        self.writable = self.flag == "w"
        self._file = LocalFile(self.uri, self.writable)
        self.handle = (_rsym.RecordWriter if self.writable else _rsym.RecordReader)(self._file.path)
        self.pid = os.getpid()
        self.is_open = True

    def close(self):
        """Closes the file; what was written is complete then."""
        if not self.is_open:
            return
        self.is_open = False
        # What a fork has in its buffer is its parent's to write.
        own, self.pid = self.pid == os.getpid(), None
        if not self.writable:
            self.handle.close()
        elif own:
            self.handle.close()
            self._file.upload()

    def __del__(self):
        if getattr(self, "is_open", False):
            self.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __iter__(self):
        return iter(self.read, None)

    def __getstate__(self):
        if self.is_open and self.writable:
            raise RuntimeError("%s is open for writing: close it before pickling" % self.uri)
        return {key: value for key, value in self.__dict__.items() if key not in ("handle", "_file")}

    def __setstate__(self, state):
        self.__dict__.update(state)
        opens, self.is_open = self.is_open, False
        if opens:
            self.open()

    def _check_pid(self, allow_reset=False):
        if self.pid == os.getpid():
            return
        if not self.is_open:
            raise MXNetError("%s is closed" % self.uri)
        if not allow_reset:
            raise RuntimeError("%s was opened before the process was forked: call reset() first" % self.uri)
        self.reset()

    def reset(self):
        """Goes back to the first record; a file that is written becomes empty."""
        self.close()
        self.open()

    def write(self, buf):
        """Writes a record.

        Parameters
        ----------
        buf : bytes
            At most 2**29 - 1 of them.
        """
        assert self.writable, "%s is open for reading" % self.uri
        self._check_pid()
        self.handle.write(buf)

    def read(self):
        """The next record.

        Returns
        -------
        bytes or None
            None at the end of the file.
        """
        assert not self.writable, "%s is open for writing" % self.uri
        self._check_pid()
        return self.handle.read()


class MXIndexedRecordIO(MXRecordIO):
    """Reads records in any order, or writes them with the index that this needs.

    Parameters
    ----------
    idx_path : str or os.PathLike
        The index: lines of key and offset.
    uri, flag
        As for `MXRecordIO`.
    key_type : callable
        Makes a key from a text.

    Examples
    --------
    >>> import os, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> idx, rec = os.path.join(folder.name, "a.idx"), os.path.join(folder.name, "a.rec")
    >>> with MXIndexedRecordIO(idx, rec, "w") as record:
    ...     for i in range(5):
    ...         record.write_idx(i, b"record_%d" % i)
    >>> record = MXIndexedRecordIO(idx, rec, "r")
    >>> record.read_idx(3), record.keys
    (b'record_3', [0, 1, 2, 3, 4])
    """

    def __init__(self, idx_path, uri, flag, key_type=int):
        self.idx_path = os.fsdecode(idx_path)
        self.idx = {}
        self.keys = []
        self.key_type = key_type
        self.fidx = None
        super().__init__(uri, flag)

    def open(self):
        """Opens the files; the index is read as a whole."""
        super().open()
        self.idx, self.keys = {}, []
        self._index = LocalFile(self.idx_path, self.writable)
        try:
            self.fidx = open(self._index.path, self.flag)
        except OSError as error:
            raise error_about(error, self.idx_path) from error
        if not self.writable:
            for number, line in enumerate(self.fidx, 1):
                self._add(number, line)

    def _add(self, number, line):
        try:
            key, offset = line.strip().split("\t")
            key, offset = self.key_type(key), int(offset)
        except ValueError:
            what = "%s, line %d: expected a key, a tab and an offset, got %r" % (self.idx_path, number, line)
            raise MXNetError(what) from None
        self.idx[key] = offset
        self.keys.append(key)

    def close(self):
        """Closes the files; what was written is complete then."""
        if not self.is_open:
            return
        own = self.pid == os.getpid()
        super().close()
        if self.fidx is not None and (own or not self.writable):
            self.fidx.close()
            if self.writable:
                self._index.upload()

    def __getstate__(self):
        state = super().__getstate__()
        state.pop("_index", None)
        state["fidx"] = None
        return state

    def seek(self, idx):
        """Makes the record of key `idx` the next one; KeyError if there is none."""
        assert not self.writable, "%s is open for writing" % self.uri
        self._check_pid(allow_reset=True)
        self.handle.seek(self.idx[idx])

    def tell(self):
        """The offset of the next record that is written: int."""
        assert self.writable, "%s is open for reading" % self.uri
        return self.handle.tell()

    def read_idx(self, idx):
        """The record of key `idx`: bytes."""
        self.seek(idx)
        return self.read()

    def write_idx(self, idx, buf):
        """Writes a record under the key `idx`.

        Parameters
        ----------
        idx : int
        buf : bytes
        """
        key, offset = self.key_type(idx), self.tell()
        self.write(buf)
        self.fidx.write("%s\t%d\n" % (key, offset))
        self.idx[key] = offset
        self.keys.append(key)


IRHeader = namedtuple("HEADER", ["flag", "label", "id", "id2"])
IRHeader.__doc__ = """What stands before the content of an example in a record.

Parameters
----------
flag : int
    How many labels follow the header; set by `pack`.
label : float or array of float
id : int
    Number of the example.
id2 : int
    Upper half of the number, as a rule 0.
"""

_IR_FORMAT = "<IfQQ"
_IR_SIZE = struct.calcsize(_IR_FORMAT)


def pack(header, s):
    """A record from a header and content.

    Parameters
    ----------
    header : IRHeader
        Its label is a number or an array; the flag follows from it.
    s : bytes

    Returns
    -------
    bytes

    Examples
    --------
    >>> unpack(pack(IRHeader(0, 4, 2574, 0), b"content"))
    (HEADER(flag=0, label=4.0, id=2574, id2=0), b'content')
    >>> unpack(pack(IRHeader(0, [1, 2], 2574, 0), b"content"))[0].label
    array([1., 2.], dtype=float32)
    """
    header = IRHeader(*header)
    if isinstance(header.label, numbers.Number):
        return struct.pack(_IR_FORMAT, *header._replace(flag=0)) + s
    label = np.asarray(header.label, dtype="<f4")
    return struct.pack(_IR_FORMAT, *header._replace(flag=label.size, label=0)) + label.tobytes() + s


def unpack(s):
    """The header and the content of a record.

    Parameters
    ----------
    s : bytes

    Returns
    -------
    header : IRHeader
        Its label is a float, or a float32 array if there are several.
    s : bytes

    Raises
    ------
    MXNetError
        The record is too short for a header or its labels.
    """
    if len(s) < _IR_SIZE:
        raise MXNetError("this record has %d bytes: too few for the header of an example" % len(s))
    header, s = IRHeader(*struct.unpack(_IR_FORMAT, s[:_IR_SIZE])), s[_IR_SIZE:]
    if header.flag == 0:
        return header, s
    if len(s) < 4 * header.flag:
        raise MXNetError("the header speaks of %d labels, but only %d bytes follow" % (header.flag, len(s)))
    return header._replace(label=np.frombuffer(s, "<f4", header.flag)), s[4 * header.flag :]


def pack_img(header, img, quality=95, img_fmt=".jpg"):
    """A record from a header and a picture.

    Parameters
    ----------
    header : IRHeader
    img : numpy.ndarray or NDArray of uint8
        Shape (rows, columns) or (rows, columns, channels); the channels are blue, green, red, as in OpenCV.
    quality : int
        For JPEG 1 (small) to 100 (good); for PNG 0 (fast) to 9 (small).
    img_fmt : str
        '.jpg', '.jpeg' or '.png'.

    Returns
    -------
    bytes

    Examples
    --------
    >>> picture = np.arange(24, dtype="uint8").reshape(2, 4, 3)
    >>> header, again = unpack_img(pack_img(IRHeader(0, 1, 0, 0), picture, 3, ".png"))
    >>> bool((again == picture).all())
    True
    """
    picture = img.asnumpy() if hasattr(img, "asnumpy") else np.asarray(img)
    if picture.dtype != np.uint8 or picture.ndim not in (2, 3):
        raise MXNetError("img must be uint8 with 2 or 3 axes, got %s with shape %s" % (picture.dtype, picture.shape))
    known = {".JPG": False, ".JPEG": False, ".PNG": True}
    if img_fmt.upper() not in known:
        raise MXNetError("img_fmt must be '.jpg', '.jpeg' or '.png', got %r" % (img_fmt,))
    png = known[img_fmt.upper()]
    low, high = (0, 9) if png else (1, 100)
    quality = min(max(int(quality), low), high)
    return pack(header, _rsym.encode_picture(nd.array(_swapped(picture), dtype="uint8"), png, quality))


def unpack_img(s, iscolor=-1):
    """The header and the picture of a record.

    Parameters
    ----------
    s : bytes
    iscolor : int
        1 for blue, green and red; 0 for gray; -1 for what the file has.

    Returns
    -------
    header : IRHeader
    img : numpy.ndarray of uint8
        Shape (rows, columns) or (rows, columns, channels); the channels are blue, green, red, as in OpenCV.

    Raises
    ------
    MXNetError
        The content is no JPEG or PNG picture.
    """
    header, content = unpack(s)
    channels = {0: 1, -1: 0}.get(iscolor, 3)
    picture = _rsym.decode_picture(content, channels, iscolor != -1).asnumpy()
    return header, picture[:, :, 0] if picture.shape[2] == 1 else _swapped(picture)


def _swapped(picture):
    """The picture with red and blue in each other's place."""
    if picture.ndim == 2 or picture.shape[2] < 3:
        return picture
    return np.ascontiguousarray(picture[:, :, [2, 1, 0] + list(range(3, picture.shape[2]))])


def rescue(uri, new_uri):
    """Copies what is whole of a damaged record file.

    Parameters
    ----------
    uri : str or os.PathLike
        The damaged file.
    new_uri : str or os.PathLike
        The file to write.

    Returns
    -------
    kept : int
        How many records were copied.
    damage : list of str
        What was wrong, and where.

    Examples
    --------
    >>> import os, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = os.path.join(folder.name, "a.rec")
    >>> with MXRecordIO(path, "w") as record:
    ...     record.write(b"one")
    ...     record.write(b"two")
    >>> os.truncate(path, 20)
    >>> rescue(path, path + ".new")[0]
    1
    """
    kept, damage = 0, []
    with MXRecordIO(uri, "r") as source, MXRecordIO(new_uri, "w") as target:
        while True:
            start = source.handle.tell()
            try:
                record = source.read()
            except MXNetError as error:
                damage.append(str(error))
                source.handle.seek(start + 4)
                if source.handle.recover() is None:
                    return kept, damage
                continue
            if record is None:
                return kept, damage
            target.write(record)
            kept += 1
