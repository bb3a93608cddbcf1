"""ImageRecordIter: the values of MXNet where nothing is random, the same bits for every number of threads elsewhere."""

import os
import pathlib

import numpy as np
import pytest

import rsym as mx
from oracle import iterators

RECORDED = np.load(pathlib.Path(__file__).parent / "oracle/recorded/iterators.npz")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("records"))
    iterators.write(mx, path)
    return path


@pytest.mark.parametrize("name", iterators.RECORDS)
def test_batches_are_those_of_mxnet(folder, name):
    data, label, pad = iterators.epochs(mx, folder, iterators.RECORDS[name])
    difference = np.abs(data.astype(np.float32) - RECORDED[name + "/data"])
    # Sums of many weights are rounded in another order: a step of one in a few places.
    assert difference.max() <= 1 and (difference > 0).mean() < 0.005
    assert difference.max() == 0 or name in (
        "resize-cubic",
        "resize-lanczos",
        "resize-auto",
        "rotate-cubic",
        "rotate-lanczos",
    )
    assert np.array_equal(label, RECORDED[name + "/label"])
    assert np.array_equal(pad, RECORDED[name + "/pad"])


def test_int8_batches_are_those_of_mxnet(folder):
    data = iterators.epochs(mx, folder, iterators.SIGNED["centred"], "ImageRecordInt8Iter")[0]
    assert data.dtype == np.int8 and np.array_equal(data, RECORDED["centred/data"])


def test_jpeg_pictures_are_turned_as_they_say(folder):
    with open(os.path.join(iterators.PICTURES, "turned.jpg"), "rb") as file, recorder(folder, "turned.rec") as record:
        record.write(mx.recordio.pack((0, 0.0, 0, 0), file.read()))
    given = {"path_imgrec": "turned.rec", "data_shape": (3, 40, 24), "batch_size": 1}
    difference = np.abs(iterators.epochs(mx, folder, given)[0][0] - RECORDED["turned.rec"][0].astype(np.float32))
    assert difference.max() <= 8 and difference.mean() < 0.6


def recorder(folder, name):
    return mx.recordio.MXRecordIO(os.path.join(folder, name), "w")


def make(folder, **given):
    defaults = {"path_imgrec": os.path.join(folder, "a.rec"), "data_shape": (3, 14, 16), "batch_size": 4}
    return mx.io.ImageRecordIter(**{**defaults, **given})


def all_data(it, epochs=1):
    found = []
    for _ in range(epochs):
        found += [np.append(batch.data[0].asnumpy().ravel(), batch.label[0].asnumpy()) for batch in it]
        it.reset()
    return np.stack(found)


EVERYTHING = {
    "shuffle": True,
    "resize": 30,
    "rand_crop": True,
    "rand_mirror": True,
    "max_rotate_angle": 20,
    "max_shear_ratio": 0.1,
    "max_aspect_ratio": 0.2,
    "min_random_scale": 0.8,
    "max_random_scale": 1.2,
    "pad": 2,
    "brightness": 0.3,
    "contrast": 0.3,
    "saturation": 0.3,
    "pca_noise": 0.1,
    "random_h": 20,
    "random_s": 30,
    "random_l": 30,
    "max_random_contrast": 0.2,
    "max_random_illumination": 3,
}


def test_random_batches_do_not_depend_on_the_number_of_threads(folder, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(8), raising=False)
    one = all_data(make(folder, **EVERYTHING, preprocess_threads=1), 3)
    for threads in (2, 5):
        for _ in range(3):
            assert np.array_equal(one, all_data(make(folder, **EVERYTHING, preprocess_threads=threads), 3))


def test_seeds_decide(folder):
    random = {"rand_crop": True, "rand_mirror": True, "resize": 30}
    assert np.array_equal(all_data(make(folder, **random)), all_data(make(folder, **random)))
    assert not np.array_equal(all_data(make(folder, **random)), all_data(make(folder, **random, seed=1)))
    # Every epoch is another, unless seed_aug says which changes to make.
    once = all_data(make(folder, **random, batch_size=7), 2)
    assert not np.array_equal(once[0], once[1])
    fixed = all_data(make(folder, **random, batch_size=7, seed_aug=3), 2)
    assert np.array_equal(fixed[0], fixed[1])


def test_shuffling_takes_every_record_once(folder):
    orders = []
    for index in ({}, {"path_imgidx": os.path.join(folder, "a.idx")}):
        it = make(folder, shuffle=True, batch_size=7, seed=5, **index)
        for _ in range(3):
            orders.append(it.next().label[0].asnumpy().astype(int).tolist())
            it.reset()
    assert all(sorted(order) == list(range(7)) for order in orders)
    assert orders[:3] == orders[3:] and len({str(order) for order in orders}) > 1


def test_the_last_batch_is_filled(folder):
    it = make(folder, batch_size=4, round_batch=False)
    assert [batch.pad for batch in it] == [0, 1]
    it = make(folder, batch_size=10)
    batch = it.next()
    assert batch.pad == 3 and batch.label[0].asnumpy().tolist() == [0, 1, 2, 3, 4, 5, 6, 0, 1, 2]
    assert batch.index.tolist() == [100, 101, 102, 103, 104, 105, 106, 100, 101, 102]


def test_the_mean_image_is_made_and_used(folder, tmp_path):
    path = str(tmp_path / "mean.bin")
    plain = np.concatenate([batch.data[0].asnumpy() for batch in make(folder, batch_size=7)])
    it = make(folder, batch_size=7, mean_img=path)
    np.testing.assert_allclose(it.next().data[0].asnumpy(), plain - plain.mean(axis=0), atol=1e-4)
    assert mx.nd.load(path)["mean_img"].shape == (3, 14, 16)
    with pytest.raises(mx.MXNetError, match="expected one of"):
        make(folder, data_shape=(3, 10, 10), mean_img=path)


def test_types_and_names(folder):
    it = make(folder, dtype="float16", data_name="x", label_name="y")
    assert [desc.name for desc in it.provide_data + it.provide_label] == ["x", "y"]
    assert it.next().data[0].dtype == np.float16 and it.provide_data[0].dtype == np.float16
    uint8 = mx.io.ImageRecordUInt8Iter(path_imgrec=os.path.join(folder, "a.rec"), data_shape="(3,14,16)", batch_size="2")
    assert uint8.next().data[0].dtype == np.uint8 and isinstance(uint8, mx.io.MXDataIter)


def test_damaged_records_are_named_with_file_and_offset(folder, tmp_path):
    with open(os.path.join(folder, "a.rec"), "rb") as file:
        content = bytearray(file.read())
    second = 8 + int.from_bytes(content[4:8], "little")
    second += -second % 4
    path = str(tmp_path / "bad.rec")

    def error(change, **given):
        bad = bytearray(content)
        change(bad)
        pathlib.Path(path).write_bytes(bad)
        with pytest.raises(mx.MXNetError) as caught:
            for _ in make(folder, path_imgrec=path, **given):
                pass
        return str(caught.value)

    assert "bad.rec, byte %d: " % second in error(lambda b: b.__setitem__(second, 0))
    assert "bad.rec, byte %d: this PNG picture is damaged" % second in error(
        lambda b: b.__setitem__(second + 80, b[second + 80] ^ 255)
    )
    assert "no JPEG or PNG" in error(lambda b: b.__setitem__(second + 32, 0))
    assert "rescue" in error(lambda b: b.__delitem__(slice(-20, None)))
    assert "label_width is 2, but this record has 1" in error(lambda b: None, label_width=2)
    assert "label" in error(lambda b: b.__setitem__(slice(8, 12), b"\xff\xff\xff\x7f"))


def test_settings_that_contradict_each_other_are_refused(folder):
    for given, match in [
        ({"data_shape": (5, 28, 28)}, "channels"),
        ({"data_shape": (28, 28)}, "data_shape"),
        ({"random_resized_crop": True, "rand_crop": True}, "random_resized_crop"),
        ({"max_crop_size": 10}, "min_crop_size"),
        ({"max_crop_size": 100, "min_crop_size": 50}, "smaller than max_crop_size"),
        ({"max_aspect_ratio": 2}, "aspect"),
        ({"inter_method": 7}, "interpolation"),
        ({"inter_method": 0, "rotate": 10}, "inter_method"),
        ({"fill_value": 256}, "fill_value"),
        ({"part_index": 3, "num_parts": 3}, "part_index"),
        ({"path_imgrec": "nowhere.rec"}, "nowhere"),
        ({"aug_seq": "aug_det"}, "aug_seq"),
    ]:
        with pytest.raises(mx.MXNetError, match=match):
            list(make(folder, **given))


def test_a_training_run_ends_where_it_should(folder):
    it = mx.io.ResizeIter(make(folder, shuffle=True, rand_mirror=True), 9)
    assert len(list(it)) == 9
    it.reset()
    assert len(list(it)) == 9
