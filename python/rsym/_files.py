"""Whole files by local path or URL: what everything that loads and saves goes through.

A local path needs nothing else. A path with a scheme (``s3://``, ``gs://``, ``memory://``, ``file://`` ...) is opened by
fsspec, which is imported only then.
"""

import contextlib
import os
import re
import secrets
import tempfile
import weakref

from .base import MXNetError

__all__ = ["read_bytes", "write_bytes", "LocalFile", "FileError", "MissingFileError", "ForbiddenFileError", "FolderError"]


class FileError(OSError, MXNetError):
    """A file cannot be read or written. Both an `OSError`, as in Python, and an `MXNetError`, as in MXNet::

        mx.sym.load("net-symbol.jsn")            # MissingFileError: No such file or directory: 'net-symbol.jsn'

    The path in the message is the one that was given; correct it::

        mx.sym.load("net-symbol.json")
    """


class MissingFileError(FileError, FileNotFoundError):
    """The file to read, or the folder to write into, does not exist."""


class ForbiddenFileError(FileError, PermissionError):
    """The file may not be read, or not be written."""


class FolderError(FileError, IsADirectoryError):
    """The path is a folder."""


_KINDS = (MissingFileError, ForbiddenFileError, FolderError)
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*::)*([A-Za-z][A-Za-z0-9+.\-]+)://")


def read_bytes(path):
    """The content of a file.

    Parameters
    ----------
    path : str or os.PathLike
        A local path or a URL that fsspec knows.

    Returns
    -------
    bytes

    Raises
    ------
    FileError
        The file cannot be read; a `MissingFileError` if it does not exist.
    MXNetError
        The URL needs a package that is not installed, or its scheme is unknown.

    Examples
    --------
    >>> import os
    >>> read_bytes(os.devnull)
    b''
    """
    path = os.fsdecode(path)
    with _errors_about(path):
        fs, where = _open_url(path)
        return _read_local(where) if fs is None else fs.cat_file(where)


def write_bytes(path, data):
    """Make `data` the content of a file.

    A local file is replaced as a whole: whoever opens it meanwhile, or after a crash, finds the old content or the new.
    It keeps its permissions, and a symbolic link stays one.

    Parameters
    ----------
    path : str or os.PathLike
        A local path or a URL that fsspec knows.
    data : bytes

    Raises
    ------
    FileError
        The file cannot be written; a `MissingFileError` if its folder does not exist.
    MXNetError
        The URL needs a package that is not installed, or its scheme is unknown.
    TypeError
        `data` is no bytes.

    Examples
    --------
    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_bytes(os.path.join(folder, "a"), b"content")
    ...     read_bytes(os.path.join(folder, "a"))
    b'content'
    """
    path, data = os.fsdecode(path), memoryview(data)
    with _errors_about(path):
        fs, where = _open_url(path)
        if fs is None:
            _write_local(where, data)
        else:
            fs.pipe_file(where, bytes(data))


def _open_url(path):
    """The file system and the path in it; no file system for local files."""
    url = _URL.match(path)
    if not url:
        return None, path
    fs, where = _fsspec(path).core.url_to_fs(path)
    return (None if "file" in _protocols(fs) else fs), where


def _protocols(fs):
    return (fs.protocol,) if isinstance(fs.protocol, str) else fs.protocol


def _fsspec(path):
    try:
        import fsspec
    except ImportError:
        raise MXNetError("%s is a URL: reading and writing it needs fsspec. %s" % (path, _install(path))) from None
    return fsspec


def _install(path):
    """The command that brings the packages for a URL."""
    extra = "s3" if _URL.match(path).group(2) in ("s3", "s3a") else "fsspec"
    return "Install it with: pip install 'rsym[%s]'" % extra


@contextlib.contextmanager
def _errors_about(path):
    """Turn what goes wrong inside into errors of this module that name `path`."""
    try:
        yield
    except MXNetError:
        raise
    except Exception as error:
        raise _translated(error, path) from error


def error_about(error, path):
    """The error of this module for an `OSError` about a path.

    Examples
    --------
    >>> error_about(FileNotFoundError(2, "No such file or directory"), "a.rec")
    MissingFileError(2, 'No such file or directory')
    """
    return _translated(error, path)


def _translated(error, path):
    if isinstance(error, ImportError):
        return MXNetError("%s: %s. %s" % (path, str(error).rstrip("."), _install(path)))
    if not isinstance(error, OSError):
        return FileError("%s: %s" % (path, error))
    kind = next((kind for kind in _KINDS if isinstance(error, kind.__bases__[1])), FileError)
    if error.errno is None:
        return kind("%s: %s" % (path, error))
    return kind(error.errno, error.strerror, path)


def _read_local(path):
    with open(path, "rb") as file:
        return file.read()


def _write_local(path, data):
    if os.path.exists(path) and not os.path.isfile(path):
        with open(path, "wb") as file:
            file.write(data)
        return
    target = os.path.realpath(path)
    temporary = os.path.join(os.path.dirname(target), ".rsym-%s.tmp" % secrets.token_hex(8))
    try:
        _write_through(temporary, data)
        if os.path.exists(target):
            os.chmod(temporary, os.stat(target).st_mode & 0o7777)
        os.replace(temporary, target)
    except BaseException:
        _remove(temporary)
        raise


def _write_through(path, data):
    """Write a new file and wait until it is on the disk."""
    with open(path, "xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _remove(path):
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


class LocalFile:
    """A file by a path that Rust can open: local files as they are, those behind a URL as a temporary copy.

    Parameters
    ----------
    path : str or os.PathLike
    written : bool
        Whether the file is to be written; `upload` then brings it to its URL. Otherwise it is downloaded at once.

    Examples
    --------
    >>> LocalFile("data/train.rec").path
    'data/train.rec'
    """

    def __init__(self, path, written=False):
        self._given = self.path = os.fsdecode(path)
        if self.is_url:
            handle, self.path = tempfile.mkstemp(".rsym")
            os.close(handle)
            weakref.finalize(self, _remove, self.path)
            if not written:
                _write_local(self.path, read_bytes(self._given))

    @property
    def is_url(self):
        """Whether `path` is a temporary copy."""
        return _URL.match(self._given) is not None

    def upload(self):
        """Bring what was written to its URL; a local file is there already."""
        if self.is_url:
            write_bytes(self._given, _read_local(self.path))
