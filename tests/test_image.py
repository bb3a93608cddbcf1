"""Pictures, augmenters and ImageIter: the values of MXNet, random ones after the same seeds."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

import rsym as mx
from oracle import iterators
from rsym import image

RECORDED = np.load(pathlib.Path(__file__).parent / "oracle/recorded/iterators.npz")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("records"))
    iterators.write(mx, path)
    return path


def test_functions_give_the_values_of_mxnet():
    for name, array in iterators.functions(mx):
        expected = RECORDED["image/" + name]
        assert array.shape == expected.shape, name
        # Turning samples between pixels.
        atol = 0.01 if "rotate" in name else 0
        np.testing.assert_allclose(array.asnumpy().astype(np.float32), expected, atol=atol, err_msg=name)


@pytest.mark.parametrize("name", iterators.IMAGE_ITER)
def test_image_iter_gives_the_batches_of_mxnet(folder, name):
    data, label, pad = iterators.image_epochs(mx, folder, iterators.IMAGE_ITER[name])
    difference = np.abs(data - RECORDED["image-iter/%s/data" % name])
    # Bytes are rounded in another order in a few places, and what is made of them follows.
    assert difference.max() <= 1 and (difference > 1e-3).mean() < 0.002
    assert np.array_equal(label, RECORDED["image-iter/%s/label" % name])
    assert np.array_equal(pad, RECORDED["image-iter/%s/pad" % name])


@pytest.mark.parametrize("name", sorted(os.listdir(iterators.PICTURES)))
@pytest.mark.parametrize("flag", [0, 1])
def test_pictures_are_decoded_as_mxnet_does(name, flag):
    with open(os.path.join(iterators.PICTURES, name), "rb") as file:
        picture = image.imdecode(file.read(), flag=flag).asnumpy()
    expected = RECORDED["%s/%d" % (name, flag)]
    assert picture.shape == expected.shape and picture.dtype == np.uint8
    difference = np.abs(picture.astype(int) - expected)
    if name.endswith(".png"):
        assert difference.max() == 0
    elif name == "cmyk.jpg":
        # Both products of ink and paper are rounded in another way.
        assert difference.max() <= 3
    elif flag == 0 or name in ("full.jpg", "gray.jpg"):
        # The transform is rounded in another way.
        assert difference.max() <= 3 and difference.mean() < 0.05
    else:
        # So is the enlarging of colours with half of the resolution.
        assert difference.max() <= 8 and difference.mean() < 0.7


def test_what_is_no_picture_is_named(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(b"\xff\xd8nothing")
    with pytest.raises(mx.MXNetError, match=r"a\.jpg: .*JPEG"):
        image.imread(path)
    with pytest.raises(mx.MXNetError, match="47 49 46"):
        image.imdecode(b"GIF89a")
    with pytest.raises(ValueError, match="buf"):
        image.imdecode("text")
    with pytest.raises(FileNotFoundError):
        image.imread(tmp_path / "none.jpg")
    with pytest.raises(ValueError, match="interp"):
        image.imresize(mx.nd.zeros((2, 2, 3), dtype="uint8"), 3, 3, interp=7)


def test_out_takes_the_result():
    picture = mx.nd.array(np.arange(24).reshape(2, 4, 3), dtype="uint8")
    out = mx.nd.zeros((4, 2, 3), dtype="uint8")
    assert image.imresize(picture, 2, 4, out=out) is out and out.asnumpy().any()


def test_augmenters_dump_what_they_are():
    augmenters = image.CreateAugmenter((3, 8, 9), resize=10, rand_crop=True, brightness=0.1, mean=np.array([1, 2, 3]))
    dumped = [augmenter.dumps() for augmenter in augmenters]
    assert dumped[0] == '["resizeaug", {"size": 10, "interp": 2}]'
    assert dumped[3] == ["colorjitteraug", ['["brightnessjitteraug", {"brightness": 0.1}]']]
    assert json.loads(dumped[4])[1]["mean"] == [1, 2, 3]
    with pytest.raises(NotImplementedError):
        image.Augmenter()(None)
    sequence = image.SequentialAug([image.ForceResizeAug((5, 4)), image.CastAug()])
    assert sequence(mx.nd.zeros((8, 8, 3), dtype="uint8")).shape == (4, 5, 3)


@pytest.mark.parametrize("handle, labels", [("pad", [4, 4] * 2), ("discard", [4] * 2), ("roll_over", [4, 4, 4])])
def test_image_iter_handles_the_rest(folder, handle, labels):
    it = image.ImageIter(4, (3, 14, 16), path_imgrec=os.path.join(folder, "a.rec"), last_batch_handle=handle)
    found = []
    for _ in range(2):
        found += [batch.label[0].asnumpy().tolist() for batch in it]
        it.reset()
    assert [len(label) for label in found] == labels
    assert found[0] == [0, 1, 2, 3]
    if handle == "roll_over":
        assert found[1:] == [[4, 5, 6, 0], [1, 2, 3, 4]]
        assert it.next().pad == 2
        it.hard_reset()
        assert it.next().label[0].asnumpy().tolist() == [0, 1, 2, 3]


def test_image_iter_takes_lists(folder, tmp_path):
    names = []
    for i, picture in enumerate(iterators.pictures()):
        names.append("picture%d.png" % i)
        (tmp_path / names[-1]).write_bytes(iterators.png(picture))
    it = image.ImageIter(
        7, (3, 14, 16), label_width=2, path_imglist=os.path.join(folder, "a.lst"), path_root=str(tmp_path), data_name="x"
    )
    assert it.provide_data == [("x", (7, 3, 14, 16))] and it.provide_label == [("softmax_label", (7, 2))]
    batch = it.next()
    assert batch.label[0].asnumpy().tolist() == [[3 * i, i + 0.5] for i in range(7)]
    given = [[i, name] for i, name in enumerate(names)]
    part = image.ImageIter(2, (3, 14, 16), imglist=given, path_root=str(tmp_path), num_parts=3, part_index=1)
    assert part.next().label[0].asnumpy().tolist() == [2, 3]
    (tmp_path / names[2]).write_bytes(b"nothing")
    with pytest.raises(mx.MXNetError, match=r"picture2\.png: .*no JPEG or PNG"):
        part.reset()
        part.next()


@pytest.mark.parametrize("name", iterators.BOXES)
def test_pictures_with_boxes_are_those_of_mxnet(folder, name):
    data, label, pad = iterators.box_epochs(mx, folder, iterators.BOXES[name])
    difference = np.abs(data - RECORDED["boxes/%s/data" % name])
    assert difference.max() <= 1 and (difference > 1e-3).mean() < 0.002
    np.testing.assert_allclose(label, RECORDED["boxes/%s/label" % name], atol=1e-6)
    assert np.array_equal(pad, RECORDED["boxes/%s/pad" % name])


def test_boxes_are_checked_and_reshaped(folder, tmp_path):
    paths = {"path_imgrec": os.path.join(folder, "boxes.rec"), "path_imgidx": os.path.join(folder, "boxes.idx")}
    it = image.ImageDetIter(2, (3, 20, 24), **paths)
    other = image.ImageDetIter(2, (3, 20, 24), **paths, num_parts=7)
    assert it.provide_label == [("label", (2, 4, 5))] and other.provide_label == [("label", (2, 1, 5))]
    other.sync_label_shape(it)
    assert other.next().label[0].shape == (2, 4, 5)
    with pytest.raises(ValueError, match="label_shape"):
        it.reshape(label_shape=(3, 5))
    for label, match in [([2, 5, 0], "at least 7"), ([2, 4] + [0] * 8, "at least 5"), ([2, 5] + [0] * 5, "no object")]:
        path = str(tmp_path / "bad.rec")
        with mx.recordio.MXRecordIO(path, "w") as record:
            record.write(mx.recordio.pack((0, label, 0, 0), b""))
        with pytest.raises(mx.MXNetError, match="record number 0 of .*" + match):
            image.ImageDetIter(1, (3, 20, 24), path_imgrec=path)
    with pytest.warns(UserWarning, match="does nothing"):
        assert not image.DetRandomPadAug(area_range=(0.5, 1.0)).enabled


def test_image_iter_refuses_what_makes_no_sense(folder):
    rec = os.path.join(folder, "a.rec")
    with pytest.raises(ValueError, match="data_shape"):
        image.ImageIter(4, (1, 14, 16), path_imgrec=rec)
    with pytest.raises(AssertionError, match="path_imgidx"):
        image.ImageIter(4, (3, 14, 16), path_imgrec=rec, shuffle=True)
    with pytest.raises(ValueError, match="last_batch_handle"):
        image.ImageIter(4, (3, 14, 16), path_imgrec=rec, last_batch_handle="none")


@pytest.fixture
def tree(tmp_path):
    """Folders with pictures, and a file that is none."""
    for i, picture in enumerate(iterators.pictures()):
        kind = tmp_path / "pictures" / ("cats" if i % 2 else "ants")
        kind.mkdir(parents=True, exist_ok=True)
        (kind / ("%d.png" % i)).write_bytes(iterators.png(picture))
    (tmp_path / "pictures/ants/broken.png").write_bytes(b"nothing")
    (tmp_path / "pictures/ants/readme.txt").write_text("no picture")
    return tmp_path


def im2rec(*arguments):
    command = [sys.executable, "-m", "rsym.tools.im2rec", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def test_im2rec_writes_what_image_record_iter_reads(tree):
    prefix, root = tree / "train", tree / "pictures"
    assert im2rec("--list", "--recursive", prefix, root).returncode == 0
    lines = [line.split("\t") for line in (tree / "train.lst").read_text().splitlines()]
    assert len(lines) == 8 and {path.split(os.sep)[0]: float(label) for _, label, path in lines} == {"ants": 0, "cats": 1}
    done = im2rec("--resize", 20, "--encoding", ".png", "--quality", 3, "--num-thread", 3, prefix, root)
    assert done.returncode == 0 and "7 records" in done.stdout and "broken.png: these bytes are no JPEG" in done.stderr
    it = mx.io.ImageRecordIter(
        path_imgrec=str(tree / "train.rec"), path_imgidx=str(tree / "train.idx"), data_shape=(3, 20, 20), batch_size=7
    )
    batch = it.next()
    expected = {int(number): float(label) for number, label, _ in lines}
    assert batch.label[0].asnumpy().tolist() == [expected[number] for number in batch.index.tolist()]
    number, _, path = next(line for line in lines if "broken" not in line[2])
    place = batch.index.tolist().index(int(number))
    source = image.imread(root / path)
    expected = image.center_crop(image.resize_short(source, 20, interp=1), (20, 20))[0].asnumpy().transpose(2, 0, 1)
    assert np.array_equal(batch.data[0].asnumpy()[place], expected)


def test_im2rec_divides_lists_and_packs_labels(tree):
    prefix, root = tree / "some", tree / "pictures"
    done = im2rec("--list", "--recursive", "--train-ratio", 0.5, "--test-ratio", 0.25, "--no-shuffle", prefix, root)
    assert done.returncode == 0
    sizes = {end: len((tree / ("some_%s.lst" % end)).read_text().splitlines()) for end in ("train", "val", "test")}
    assert sizes == {"train": 4, "val": 2, "test": 2}
    (tree / "two.lst").write_text("5\t1\t2.5\tcats/1.png\n")
    assert im2rec("--pack-label", "--pass-through", tree / "two", root).returncode == 0
    header, content = mx.recordio.unpack(mx.recordio.MXIndexedRecordIO(tree / "two.idx", tree / "two.rec", "r").read_idx(5))
    assert header.label.tolist() == [1, 2.5] and header.id == 5
    assert content == (root / "cats/1.png").read_bytes()


def test_im2rec_says_what_is_wrong(tree):
    assert "no folder" in im2rec("--list", tree / "x", tree / "nowhere").stderr
    assert "--list" in im2rec(tree / "nothing", tree / "pictures").stderr
    (tree / "bad.lst").write_text("1\tcats/1.png\n")
    done = im2rec(tree / "bad", tree / "pictures")
    assert done.returncode == 1 and "bad.lst, line 1" in done.stderr


def test_pictures_are_packed_into_records():
    picture = list(iterators.pictures())[1]
    header, again = mx.recordio.unpack_img(mx.recordio.pack_img((0, 3, 1, 0), picture, quality=5, img_fmt=".png"))
    assert header.label == 3 and np.array_equal(again, picture)
    # As OpenCV, these functions have blue first.
    content = mx.recordio.unpack(mx.recordio.pack_img((0, 3, 1, 0), picture, img_fmt=".png"))[1]
    assert np.array_equal(image.imdecode(content).asnumpy(), picture[:, :, ::-1])
    gray = mx.recordio.unpack_img(mx.recordio.pack_img((0, 3, 1, 0), picture[:, :, 0], img_fmt=".png"))[1]
    assert np.array_equal(gray, picture[:, :, 0])
    smooth = np.tile(np.arange(0, 200, 4, dtype="uint8")[:, None, None], (1, 40, 3))
    again = mx.recordio.unpack_img(mx.recordio.pack_img((0, 3, 1, 0), smooth))[1]
    assert np.abs(again.astype(int) - smooth).max() < 6
    with pytest.raises(mx.MXNetError, match="img_fmt"):
        mx.recordio.pack_img((0, 3, 1, 0), picture, img_fmt=".gif")
    with pytest.raises(mx.MXNetError, match="uint8"):
        mx.recordio.pack_img((0, 3, 1, 0), picture.astype("float32"))
