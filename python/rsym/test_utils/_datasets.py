"""Data sets that scripts and tutorials fetch, each taken from the folder where it is if it is there already."""

import bz2
import gzip
import os
import shutil
import zipfile

import numpy as np

from ..base import MXNetError
from ._process import download

__all__ = ["get_bz2_data", "get_mnist", "get_mnist_iterator", "get_mnist_ubyte", "get_zip_data"]

MNIST_SOURCES = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/")
"""Addresses of folders with the four files; MXNet's own is gone."""

PARTS = {"train": "train-%s-idx%d-ubyte", "test": "t10k-%s-idx%d-ubyte"}


def get_mnist(dirname="", sources=MNIST_SOURCES):
    """The handwritten digits of MNIST (LeCun et al. 1998), fetched if their files are not in the folder.

    Parameters
    ----------
    dirname : str, default ''
        The folder of the four files ``train-images-idx3-ubyte.gz``, ... (or without ``.gz``).
    sources : sequence of str
        Addresses to fetch them from, tried in turn.

    Returns
    -------
    dict of str to ndarray
        ``train_data`` (60000, 1, 28, 28) and ``test_data`` (10000, 1, 28, 28), float32 from 0 to 1, and ``train_label``,
        ``test_label``, int8.

    Raises
    ------
    MXNetError
        If a file is neither there nor can be fetched, or is no such file.
    """
    found = {}
    for part, name in PARTS.items():
        found[part + "_data"] = _idx(_file(dirname, name % ("images", 3), sources), 3)[:, None].astype(np.float32) / 255
        found[part + "_label"] = _idx(_file(dirname, name % ("labels", 1), sources), 1).astype(np.int8)
    return found


def _file(dirname, name, sources):
    """The path of a file of the set, which is fetched if need be."""
    plain = os.path.join(dirname, name)
    for path in (plain, plain + ".gz"):
        if os.path.exists(path):
            return path
    errors = []
    for source in sources:
        try:
            return download(source + name + ".gz", dirname=dirname, retries=1)
        except OSError as error:
            errors.append("%s: %s" % (source, error))
    raise MXNetError("MNIST: %s.gz is not in %r and cannot be fetched (%s)" % (plain, dirname or ".", "; ".join(errors)))


def _idx(path, dimensions):
    """The bytes of an idx file as an array."""
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
        content = file.read()
    header = 4 + 4 * dimensions
    shape = np.frombuffer(content, ">u4", dimensions, 4).astype(int) if len(content) >= header else ()
    if content[:4] != bytes([0, 0, 8, dimensions]) or len(content) != header + np.prod(shape):
        raise MXNetError("%s: no idx file of bytes with %d dimensions; remove it to have it fetched again" % (path, dimensions))
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def get_mnist_ubyte(dirname="data", sources=MNIST_SOURCES):
    """The four files of MNIST, unpacked in a folder, under the names that `MNISTIter` takes.

    Parameters
    ----------
    dirname : str, default 'data'
    sources : sequence of str
        As in `get_mnist`.
    """
    for name in PARTS.values():
        for kind in (("images", 3), ("labels", 1)):
            path = _file(dirname, name % kind, sources)
            if path.endswith(".gz"):
                with gzip.open(path) as packed, open(path[:-3], "wb") as plain:
                    shutil.copyfileobj(packed, plain)


def get_mnist_iterator(batch_size, input_shape, num_parts=1, part_index=0, dirname="data", sources=MNIST_SOURCES):
    """Iterators over MNIST, for training (mixed) and for validation.

    Parameters
    ----------
    batch_size : int
    input_shape : tuple of int
        ``(784,)`` for flat images, else ``(1, 28, 28)``. Pixels go from 0 to 255 / 256.
    num_parts, part_index : int
        How many parts the images are divided into, and which of them to give.
    dirname, sources
        As in `get_mnist_ubyte`.

    Returns
    -------
    tuple of DataIter
    """
    from ..io import MNISTIter

    get_mnist_ubyte(dirname, sources)

    def iterator(part, shuffle):
        files = {
            key: os.path.join(dirname, PARTS[part] % kind) for key, kind in (("image", ("images", 3)), ("label", ("labels", 1)))
        }
        common = dict(batch_size=batch_size, flat=len(input_shape) != 3, shuffle=shuffle)
        return MNISTIter(num_parts=num_parts, part_index=part_index, **files, **common)

    return iterator("train", True), iterator("test", False)


def get_zip_data(data_dir, url, data_origin_name):
    """Fetches an archive into a folder and unpacks it there.

    Parameters
    ----------
    data_dir : str
    url : str
    data_origin_name : str
        What to call the archive.
    """
    path = download(url, fname=data_origin_name, dirname=data_dir)
    with zipfile.ZipFile(path) as archive:
        archive.extractall(data_dir)


def get_bz2_data(data_dir, data_name, url, data_origin_name):
    """Fetches a file that is packed with bzip2 into a folder and unpacks it there, unless it is there.

    Parameters
    ----------
    data_dir, data_name : str
        Where the unpacked file goes.
    url : str
    data_origin_name : str
        What to call the packed file, which is removed in the end.
    """
    wanted = os.path.join(data_dir, data_name)
    if os.path.exists(wanted):
        return
    path = download(url, fname=data_origin_name, dirname=data_dir)
    with bz2.open(path) as packed, open(wanted, "wb") as plain:
        shutil.copyfileobj(packed, plain)
    os.remove(path)
