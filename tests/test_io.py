"""Data iterators: batches, the rest of an epoch, prefetching."""

import gc
import threading

import numpy as np
import pytest

import rsym as mx


def rows(it):
    """First column of the data, and the padding, of every batch."""
    return [(batch.data[0].asnumpy()[:, 0].astype(int).tolist(), batch.pad) for batch in it]


def numbers(n=7, **options):
    data = np.stack([np.arange(n), np.arange(n) * 10], axis=1)
    return mx.io.NDArrayIter(data, np.arange(n), batch_size=3, **options)


def test_the_rest_is_padded_from_the_beginning():
    it = numbers()
    want = [([0, 1, 2], 0), ([3, 4, 5], 0), ([6, 0, 1], 2)]
    assert rows(it) == want
    assert rows(it) == []
    it.reset()
    assert rows(it) == want


def test_the_rest_is_left_out():
    it = numbers(last_batch_handle="discard")
    assert rows(it) == [([0, 1, 2], 0), ([3, 4, 5], 0)]


def test_the_rest_rolls_over():
    it = numbers(last_batch_handle="roll_over")
    assert rows(it) == [([0, 1, 2], 0), ([3, 4, 5], 0)]
    it.reset()
    assert rows(it) == [([6, 0, 1], 1), ([2, 3, 4], 0)]
    it.reset()
    assert rows(it) == [([5, 6, 0], 2), ([1, 2, 3], 0), ([4, 5, 6], 0)]
    it.reset()
    assert rows(it)[0] == ([0, 1, 2], 0)
    it.hard_reset()
    assert rows(it)[0] == ([0, 1, 2], 0)


def test_few_examples_fill_a_batch_several_times():
    it = mx.io.NDArrayIter(np.arange(4).reshape(2, 2), batch_size=5)
    assert rows(it) == [([0, 2, 0, 2, 0], 3)]


def test_shuffling_keeps_data_and_labels_together():
    np.random.seed(1)
    it = numbers(20, shuffle=True, last_batch_handle="discard")
    seen = []
    for batch in it:
        np.testing.assert_array_equal(batch.data[0].asnumpy()[:, 0], batch.label[0].asnumpy())
        seen += batch.label[0].asnumpy().tolist()
    assert len(set(seen)) == 18 and seen != sorted(seen)


def test_names_shapes_and_types():
    it = mx.io.NDArrayIter(
        {"b": np.zeros((4, 2)), "a": mx.nd.zeros((4, 3), dtype="int32")}, [np.zeros(4), np.zeros((4, 1))], batch_size=2
    )
    assert it.provide_data == [("a", (2, 3)), ("b", (2, 2))]
    assert [np.dtype(d.dtype).name for d in it.provide_data] == ["int32", "float32"]
    assert it.provide_label == [("_0_softmax_label", (2,)), ("_1_softmax_label", (2, 1))]
    assert it.num_source == 4
    with pytest.raises(TypeError, match="for data"):
        mx.io.NDArrayIter({"data": object()})
    with pytest.raises(ValueError, match="last_batch_handle"):
        mx.io.NDArrayIter(np.zeros(3), last_batch_handle="wrap")


def test_the_batch_may_be_another_axis():
    it = mx.io.NDArrayIter(np.arange(12).reshape(2, 6), batch_size=4, layout="TN", shuffle=False)
    assert it.provide_data == [("data", (2, 4))]
    assert [batch.data[0].asnumpy().tolist() for batch in it] == [
        [[0, 1, 2, 3], [6, 7, 8, 9]],
        [[4, 5, 0, 1], [10, 11, 6, 7]],
    ]


@pytest.mark.parametrize("shuffle", [False, True])
def test_files_are_read_batch_by_batch(tmp_path, shuffle):
    values = np.arange(14, dtype="float32").reshape(7, 2)
    np.save(tmp_path / "data.npy", values)
    sources = [np.load(tmp_path / "data.npy", mmap_mode="r")]
    try:
        import h5py

        file = h5py.File(tmp_path / "data.h5", "w")
        sources.append(file.create_dataset("data", data=values))
    except ImportError:
        pass
    for source in sources:
        it = mx.io.NDArrayIter(source, values[:, 1], batch_size=3, shuffle=shuffle)
        assert it.provide_data == [("data", (3, 2))]
        for batch in it:
            np.testing.assert_array_equal(batch.data[0].asnumpy()[:, 1], batch.label[0].asnumpy())
            assert batch.data[0].dtype == np.float32


def test_resizing_goes_on_from_the_beginning():
    it = mx.io.ResizeIter(numbers(6), 3)
    assert rows(it) == [([0, 1, 2], 0), ([3, 4, 5], 0), ([0, 1, 2], 0)]
    it.reset()
    assert len(rows(it)) == 3
    kept = mx.io.ResizeIter(numbers(6), 1, reset_internal=False)
    assert rows(kept) == [([0, 1, 2], 0)]
    kept.reset()
    assert rows(kept) == [([3, 4, 5], 0)]


def test_prefetching_gives_the_same_batches():
    it = mx.io.PrefetchingIter(numbers())
    want = rows(numbers())
    for _ in range(3):
        assert rows(it) == want
        assert rows(it) == []
        it.reset()
    it.next()
    it.reset()
    assert rows(it) == want


def test_prefetching_joins_iterators():
    pair = mx.io.PrefetchingIter(
        [numbers(), numbers()],
        rename_data=[{"data": "left"}, {"data": "right"}],
        rename_label=[{"softmax_label": "a"}, {"softmax_label": "b"}],
    )
    assert [d.name for d in pair.provide_data + pair.provide_label] == ["left", "right", "a", "b"]
    batch = pair.next()
    assert (len(batch.data), len(batch.label)) == (2, 2)


class Broken(mx.io.DataIter):
    provide_data = [mx.io.DataDesc("data", (1,))]
    provide_label = []

    def next(self):
        raise OSError("the disk is gone")


def test_errors_in_the_background_arrive():
    with pytest.raises(OSError, match="the disk is gone"):
        mx.io.PrefetchingIter(Broken()).next()


def test_threads_end_with_the_iterator():
    before = set(threading.enumerate())
    it = mx.io.PrefetchingIter([numbers(), numbers()])
    it.next()
    started = set(threading.enumerate()) - before
    assert len(started) == 2
    del it
    gc.collect()
    for thread in started:
        thread.join(timeout=10)
        assert not thread.is_alive()


def test_descriptions():
    desc = mx.io.DataDesc("data", (2, 3), "int32", layout="TN")
    assert repr(desc) == "DataDesc[data,(2, 3),int32,TN]"
    assert [mx.io.DataDesc.get_batch_axis(layout) for layout in ("NCHW", "TN", None, "C")] == [0, 1, 0, -1]
    assert mx.io.DataDesc.get_list([("a", (1,))], [("a", "int8")])[0].dtype == "int8"
    batch = mx.io.DataBatch([mx.nd.zeros((2, 3))], None)
    assert str(batch) == "DataBatch: data shapes: [(2, 3)] label shapes: None"
