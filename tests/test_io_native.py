"""Iterators that Rust runs: CSVIter and MNISTIter."""

import gzip
import os
import struct

import numpy as np
import pytest

import rsym as mx


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("1,2,3\n2,3,4\n3,4,5\n4,5,6\n")
    return str(path)


def epochs(it, count):
    """Data, label, pad and index of all batches of some epochs."""
    found = []
    for _ in range(count):
        for batch in it:
            (data,), (label,) = batch.data, batch.label
            found.append((data.asnumpy().tolist(), label.asnumpy().tolist(), batch.pad, batch.index.tolist()))
        it.reset()
    return found


# The values of MXNet 1.9.1 for the same calls.
def test_csv_batches_are_those_of_mxnet(table):
    rows = [[1, 2, 3], [2, 3, 4], [3, 4, 5], [4, 5, 6]]

    def expect(*batches):
        return [([rows[i] for i in index], [0] * len(index), pad, index) for index, pad in batches]

    it = mx.io.CSVIter(data_csv=table, data_shape=(3,), batch_size=3)
    assert it.provide_data == [mx.io.DataDesc("data", (3, 3))]
    assert it.provide_label == [mx.io.DataDesc("softmax_label", (3,))]
    assert epochs(it, 3) == expect(([0, 1, 2], 0), ([3, 0, 1], 2), ([2, 3, 0], 1), ([1, 2, 3], 0))
    it = mx.io.CSVIter(data_csv=table, data_shape=(3,), batch_size=3, round_batch=False)
    assert epochs(it, 2) == expect(([0, 1, 2], 0), ([3, 1, 2], 2)) * 2
    it = mx.io.CSVIter(data_csv=table, data_shape=(3,), batch_size=8)
    assert epochs(it, 3) == expect(([0, 1, 2, 3] * 2, 4)) * 2


def test_csv_labels_and_types(table, tmp_path):
    label = tmp_path / "l.csv"
    label.write_text("1,2\n2,3\n4,5\n6,7\n")
    it = mx.io.CSVIter(
        data_csv=table, data_shape="(3, 1)", label_csv=str(label), label_shape=2, batch_size="2", dtype="int32", data_name="x"
    )
    assert it.provide_data == [mx.io.DataDesc("x", (2, 3, 1))] and it.provide_data[0].dtype is np.int32
    batch = it.next()
    assert batch.data[0].dtype == batch.label[0].dtype == np.int32
    assert batch.data[0].shape == (2, 3, 1) and batch.label[0].asnumpy().tolist() == [[1, 2], [2, 3]]
    with pytest.raises(mx.MXNetError, match="dtype"):
        mx.io.CSVIter(data_csv=table, data_shape=(3,), batch_size=2, dtype="float64")


def test_csv_files_of_a_folder_are_read_one_after_the_other(table):
    with open(os.path.join(os.path.dirname(table), "b.csv"), "w") as file:
        file.write("7,8,9\n")
    it = mx.io.CSVIter(data_csv=os.path.dirname(table), data_shape=(3,), batch_size=5)
    for _ in range(2):
        assert [batch.data[0].asnumpy()[-1].tolist() for batch in it] == [[7, 8, 9]]
        it.reset()


def test_csv_damage_is_named(table, tmp_path):
    with open(table, "a") as file:
        file.write("5,six,7\n")
    it = mx.io.CSVIter(data_csv=table, data_shape=(3,), batch_size=2)
    with pytest.raises(mx.MXNetError, match=r"a\.csv, byte 26: line 5: 'six' is no number"):
        list(it)
    label = tmp_path / "l.csv"
    label.write_text("1\n")
    it = mx.io.CSVIter(data_csv=table, label_csv=str(label), data_shape=(3,), batch_size=2)
    with pytest.raises(mx.MXNetError, match="1 labels"):
        it.next()
    with pytest.raises(FileNotFoundError):
        mx.io.CSVIter(data_csv="nowhere.csv", data_shape=(3,), batch_size=2)


def test_iter_next_and_getters(table):
    it = mx.io.CSVIter(data_csv=table, data_shape=(3,), batch_size=2)
    assert it.iter_next() and it.iter_next()
    assert it.getdata().asnumpy().tolist() == [[3, 4, 5], [4, 5, 6]] and it.getlabel().shape == (2,)
    assert it.getpad() == 0 and it.getindex().tolist() == [2, 3]
    assert not it.iter_next()
    with pytest.raises(StopIteration):
        it.next()


def test_parameters_are_checked(table):
    with pytest.raises(mx.MXNetError, match="data_csv and data_shape must be given"):
        mx.io.CSVIter(batch_size=2)
    with pytest.raises(mx.MXNetError, match="batch_size must be a whole number, got 'a'"):
        mx.io.CSVIter(data_csv=table, data_shape=(3,), batch_size="a")
    with pytest.raises(mx.MXNetError, match="batch_size must be positive"):
        mx.io.CSVIter(data_csv=table, data_shape=(3,), batch_size=0)
    with pytest.warns(UserWarning, match="did you mean round_batch"):
        mx.io.CSVIter(data_csv=table, data_shape=(3,), batch_size=2, roundbatch=True)
    with pytest.raises(TypeError):
        mx.io.CSVIter(table)
    with pytest.raises(mx.MXNetError, match="NDArrayIter"):
        mx.io.LibSVMIter(data_libsvm="a", data_shape=(3,), batch_size=2)


def write_idx(path, array, opener=open):
    with opener(path, "wb") as file:
        file.write(struct.pack(">BBBB%dI" % array.ndim, 0, 0, 8, array.ndim, *array.shape) + array.tobytes())
    return str(path)


@pytest.fixture
def mnist(tmp_path):
    images = (np.arange(7 * 2 * 3) * 5 % 256).astype("u1").reshape(7, 2, 3)
    return {
        "image": write_idx(tmp_path / "images", images),
        "label": write_idx(tmp_path / "labels", np.arange(7, dtype="u1")),
    }


# The values of MXNet 1.9.1 for the same calls.
def test_mnist_batches_are_those_of_mxnet(mnist):
    expected = (np.arange(42, dtype="f4") * 5 / 256).reshape(7, 1, 2, 3)
    it = mx.io.MNISTIter(**mnist, batch_size=3, shuffle=False, silent=1)
    assert it.provide_data == [mx.io.DataDesc("data", (3, 1, 2, 3))]
    for _ in range(2):
        batches = list(it)
        assert [batch.label[0].asnumpy().tolist() for batch in batches] == [[0, 1, 2], [3, 4, 5]]
        assert np.array_equal(np.concatenate([batch.data[0].asnumpy() for batch in batches]), expected[:6])
        it.reset()
    it = mx.io.MNISTIter(**mnist, batch_size=2, shuffle=False, flat=True, num_parts=2, part_index=1)
    assert [batch.label[0].asnumpy().tolist() for batch in it] == [[3, 4], [5, 6]]
    assert it.provide_data == [mx.io.DataDesc("data", (2, 6))]


def test_mnist_shuffles_once(mnist):
    def labels(**given):
        it = mx.io.MNISTIter(**mnist, batch_size=7, **given)
        found = [it.next().label[0].asnumpy().tolist()]
        it.reset()
        return found + [it.next().label[0].asnumpy().tolist()]

    first, again = labels(seed=3)
    assert first == again == labels(seed=3)[0] and sorted(first) == list(range(7))
    assert len({str(labels(seed=seed)[0]) for seed in range(5)}) > 1


def test_mnist_reads_compressed_files(mnist, tmp_path):
    image = write_idx(tmp_path / "z", np.full((7, 2, 3), 128, "u1"), gzip.open)
    it = mx.io.MNISTIter(image=image, label=mnist["label"], batch_size=7, dtype="float16")
    batch = it.next()
    assert (batch.data[0].asnumpy() == 0.5).all() and batch.data[0].dtype == np.float16


def test_mnist_damage_is_named(mnist):
    with pytest.raises(mx.MXNetError, match="labels, byte 2: .*swapped"):
        mx.io.MNISTIter(image=mnist["label"], label=mnist["label"])
    os.truncate(mnist["image"], 30)
    with pytest.raises(mx.MXNetError, match="images, byte 30: .*28 bytes more"):
        mx.io.MNISTIter(**mnist)
    with pytest.raises(mx.MXNetError, match="part_index"):
        mx.io.MNISTIter(**mnist, num_parts=2, part_index=2)
    with pytest.raises(mx.MXNetError, match="float"):
        mx.io.MNISTIter(**mnist, dtype="uint8")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forks_are_told_to_make_their_own(table):
    it = mx.io.CSVIter(data_csv=table, data_shape=(3,), batch_size=2)
    it.next()
    child = os.fork()
    if child == 0:
        try:
            it.next()
        except mx.MXNetError as error:
            del it
            os._exit(0 if "forked" in str(error) else 1)
        os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
