"""The data sets of `test_utils`, from folders and from an address."""

import bz2
import gzip
import zipfile

import numpy as np
import pytest

import rsym as mx
from rsym import test_utils


def idx(array):
    """The bytes of an idx file."""
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.astype(np.uint8).tobytes()


@pytest.fixture
def small(tmp_path):
    """A folder with three images for training and two for tests, packed; and their pixels and labels."""
    rng = np.random.RandomState(0)
    content = {}
    for part, count in (("train", 3), ("t10k", 2)):
        content[part] = rng.randint(0, 256, (count, 28, 28)), rng.randint(0, 10, count)
        for kind, array in zip(("images-idx3", "labels-idx1"), content[part]):
            with gzip.open(tmp_path / ("%s-%s-ubyte.gz" % (part, kind)), "wb") as file:
                file.write(idx(array))
    return tmp_path, content


def test_mnist_is_read_where_it_is(small):
    folder, content = small
    found = test_utils.get_mnist(str(folder), sources=())
    assert {name: (a.shape, a.dtype.name) for name, a in found.items()} == {
        "train_data": ((3, 1, 28, 28), "float32"),
        "train_label": ((3,), "int8"),
        "test_data": ((2, 1, 28, 28), "float32"),
        "test_label": ((2,), "int8"),
    }
    np.testing.assert_array_equal(found["train_data"][:, 0], content["train"][0].astype(np.float32) / 255)
    np.testing.assert_array_equal(found["test_label"], content["t10k"][1])


def test_mnist_is_fetched_where_it_is_not(small, tmp_path):
    folder, content = small
    sources = (folder.joinpath("nothing").as_uri() + "/", folder.as_uri() + "/")
    found = test_utils.get_mnist(str(tmp_path / "new"), sources)
    np.testing.assert_array_equal(found["train_label"], content["train"][1])
    assert (tmp_path / "new" / "t10k-labels-idx1-ubyte.gz").exists()


def test_files_that_are_missing_or_damaged_are_named(small, tmp_path):
    folder, _ = small
    with pytest.raises(mx.MXNetError, match="train-images-idx3-ubyte.gz is not in .* cannot be fetched"):
        test_utils.get_mnist(str(tmp_path / "none"), sources=(tmp_path.joinpath("nothing").as_uri() + "/",))
    (folder / "t10k-labels-idx1-ubyte").write_bytes(idx(np.zeros(2))[:-1])
    with pytest.raises(mx.MXNetError, match="t10k-labels-idx1-ubyte: no idx file"):
        test_utils.get_mnist(str(folder), sources=())


def test_mnist_iterators_give_the_images(small):
    folder, content = small
    train, test = test_utils.get_mnist_iterator(1, (1, 28, 28), dirname=str(folder), sources=())
    images = sorted(float(batch.data[0].sum().asscalar()) for batch in train)
    np.testing.assert_allclose(images, np.sort(content["train"][0].sum((1, 2)) / 256), rtol=1e-4)
    flat, _ = test_utils.get_mnist_iterator(1, (784,), dirname=str(folder), sources=())
    assert flat.provide_data[0].shape == (1, 784)
    assert [int(batch.label[0].asscalar()) for batch in test] == content["t10k"][1].tolist()


def test_archives_are_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("inside/file.txt", "text")
    test_utils.get_zip_data(str(tmp_path / "zip"), tmp_path.joinpath("a.zip").as_uri(), "b.zip")
    assert (tmp_path / "zip" / "inside" / "file.txt").read_text() == "text"
    (tmp_path / "a.bz2").write_bytes(bz2.compress(b"more"))
    test_utils.get_bz2_data(str(tmp_path / "bz2"), "plain", tmp_path.joinpath("a.bz2").as_uri(), "a.bz2")
    assert (tmp_path / "bz2" / "plain").read_bytes() == b"more"
    assert not (tmp_path / "bz2" / "a.bz2").exists()
