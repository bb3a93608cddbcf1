"""Cases of iterators and pictures, run by MXNet to be recorded and by rsym to be compared."""

import os
import random
import struct
import zlib

import numpy as np

PICTURES = os.path.join(os.path.dirname(__file__), "pictures")

#: Calls of `ImageRecordIter` on `records`, beside ``data_shape=(3, 14, 16), batch_size=4``. Nothing in them is random.
RECORDS = {
    "plain": {},
    "round": {"batch_size": 3},
    "resize": {"resize": 20},
    "resize-nearest": {"resize": 25, "inter_method": 0},
    "resize-cubic": {"resize": 20, "inter_method": 2},
    "resize-area": {"resize": 15, "inter_method": 3},
    "resize-lanczos": {"resize": 35, "inter_method": 4},
    "resize-auto": {"resize": 25, "inter_method": 9},
    "gray": {"data_shape": (1, 14, 16)},
    "mirror": {"mirror": True},
    "normalized": {"mean_r": 10, "mean_g": 20.5, "mean_b": 30, "std_r": 2, "std_g": 3, "std_b": 4, "scale": 0.5},
    "pad": {"pad": 10, "fill_value": 7, "data_shape": (3, 30, 35)},
    "rotate": {"rotate": 30},
    "rotate-90": {"rotate": 90, "fill_value": 3},
    "rotate-cubic": {"rotate": 17, "inter_method": 2},
    "rotate-lanczos": {"rotate": 17, "inter_method": 4},
    "scale": {"max_random_scale": 1.5, "min_random_scale": 1.5},
    "ratio": {"min_aspect_ratio": 1.5, "max_aspect_ratio": 1.5},
    "least-side": {"min_img_size": 25},
    "greatest-side": {"max_img_size": 20},
    "square": {"max_crop_size": 12, "min_crop_size": 12},
    "grow": {"data_shape": (3, 50, 60)},
    "grow-rows": {"data_shape": (3, 50, 10)},
    "labels": {"label_width": 3, "path_imgrec": "labels.rec"},
    "list": {"label_width": 2, "path_imglist": "a.lst"},
    "part": {"num_parts": 3, "part_index": 1, "batch_size": 2},
    "part-of-index": {"num_parts": 3, "part_index": 2, "batch_size": 2, "path_imgidx": "a.idx"},
    "uint8": {"dtype": "uint8"},
}

#: The same for `ImageRecordInt8Iter`.
SIGNED = {"centred": {"mean_r": 100, "mean_g": 100.4, "mean_b": 120.6}}

#: Calls of `ImageIter` on `a.rec`, after the same seeds.
IMAGE_ITER = {
    "plain": {},
    "cropped": {"resize": 20, "rand_crop": True, "rand_mirror": True, "shuffle": True},
    "resized": {"rand_crop": True, "rand_resize": True, "inter_method": 10},
    "coloured": {"brightness": 0.3, "contrast": 0.3, "saturation": 0.3, "hue": 0.2, "pca_noise": 0.1, "rand_gray": 0.5},
    "normalized": {"mean": True, "std": True, "last_batch_handle": "discard"},
}

#: Calls of `ImageDetIter` on `boxes.rec`, after the same seeds.
BOXES = {
    "plain": {},
    "cropped": {"rand_crop": 1, "rand_mirror": True},
    "padded": {"rand_pad": 1, "last_batch_handle": "roll_over"},
    "several": {"rand_crop": 0.7, "rand_pad": 0.6, "shuffle": True, "min_object_covered": [0.1, 0.5, 0.9], "mean": True},
}


def png(picture):
    """The bytes of a PNG file, without any library that could differ."""
    lines = b"".join(b"\0" + line.tobytes() for line in picture)

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", picture.shape[1], picture.shape[0], 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


def pictures():
    """Pictures of several sizes."""
    for i, (height, width) in enumerate([(16, 20), (30, 18), (17, 41), (22, 22), (14, 16), (33, 29), (25, 19)]):
        y, x, c = np.mgrid[0:height, 0:width, 0:3]
        yield ((x * (5 + i) + y * (3 + c) * 2 + (x * y * (c + 1)) // 3) % 256).astype(np.uint8)


def write(mx, folder):
    """Writes the record files, the index and the list."""
    rec = mx.recordio.MXIndexedRecordIO(os.path.join(folder, "a.idx"), os.path.join(folder, "a.rec"), "w")
    labels = mx.recordio.MXRecordIO(os.path.join(folder, "labels.rec"), "w")
    with open(os.path.join(folder, "a.lst"), "w") as lines:
        for i, picture in enumerate(pictures()):
            rec.write_idx(i, mx.recordio.pack((0, float(i), 100 + i, 0), png(picture)))
            several = np.array([i, 2 * i, 0.5], np.float32)
            labels.write(mx.recordio.pack((0, several, 100 + i, 0), png(picture)))
            lines.write("%d\t%f\t%f\tpicture%d.png\n" % (100 + i, 3 * i, i + 0.5, i))
    rec.close()
    labels.close()
    boxes = mx.recordio.MXIndexedRecordIO(os.path.join(folder, "boxes.idx"), os.path.join(folder, "boxes.rec"), "w")
    for i, picture in enumerate(pictures()):
        objects = [(k, 0.1 * k, 0.05 * i, 0.4 + 0.1 * k, 0.5 + 0.05 * i) for k in range(1 + i % 4)]
        label = np.concatenate([[3, 5, 99], *objects]).astype(np.float32)
        boxes.write_idx(i, mx.recordio.pack((0, label, i, 0), png(picture)))
    boxes.close()


def epochs(mx, folder, given, kind="ImageRecordIter"):
    """Data and labels of two epochs, and the pad of each batch."""
    given = {"path_imgrec": "a.rec", "data_shape": (3, 14, 16), "batch_size": 4, "preprocess_threads": 2, **given}
    given = {k: os.path.join(folder, v) if k.startswith("path") else v for k, v in given.items()}
    it, found = getattr(mx.io, kind)(verbose=False, **given), []
    for _ in range(2):
        found += [(batch.data[0].asnumpy(), batch.label[0].asnumpy(), batch.pad) for batch in it]
        it.reset()
    return [np.stack(part) for part in zip(*found)]


def seed():
    """What random choices of `mx.image` follow from."""
    random.seed(3)
    np.random.seed(3)


def functions(mx):
    """What the functions of `mx.image` give, by name."""
    image = mx.image
    picture = image.imdecode(png(list(pictures())[1]))
    for kind in range(5):
        yield "border-%d" % kind, image.copyMakeBorder(picture, 2, 3, 4, 5, type=kind)
        yield "resize-%d" % kind, image.imresize(picture, 13, 11, interp=kind)
    yield "border-values", image.copyMakeBorder(picture, 1, 0, 0, 2, type=0, values=(7, 8, 9))
    yield "border-value", image.copyMakeBorder(picture, 1, 0, 0, 2, value=7)
    yield "bgr", image.imdecode(png(list(pictures())[1]), to_rgb=0)
    yield "resize-float", image.imresize(picture.astype("float32"), 13, 11)
    yield "resize_short", image.resize_short(picture, 10)
    yield "center_crop", image.center_crop(picture, (10, 8))[0]
    yield "center_crop-large", image.center_crop(picture, (60, 40))[0]
    yield "fixed_crop", image.fixed_crop(picture, 2, 3, 10, 11, (20, 22))
    seed()
    yield "random_crop", image.random_crop(picture, (10, 8))[0]
    yield "random_size_crop", image.random_size_crop(picture, (10, 8), 0.2, (0.7, 1.4))[0]
    planes = mx.nd.transpose(picture.astype("float32"), axes=(2, 0, 1))
    yield "imrotate", image.imrotate(planes, 33)
    both = mx.nd.stack(planes, planes * 0.5)
    yield "imrotate-in", image.imrotate(both, mx.nd.array([30, -70]), zoom_in=True)
    yield "imrotate-out", image.imrotate(both, mx.nd.array([30, -70]), zoom_out=True)


def image_epochs(mx, folder, given):
    """Data and labels of two epochs of `ImageIter`, and the pad of each batch."""
    seed()
    paths = {"path_imgrec": os.path.join(folder, "a.rec"), "path_imgidx": os.path.join(folder, "a.idx")}
    it, found = mx.image.ImageIter(4, (3, 14, 16), **paths, **given), []
    for _ in range(2):
        found += [(batch.data[0].asnumpy(), batch.label[0].asnumpy(), batch.pad) for batch in it]
        it.reset()
    return [np.stack(part) for part in zip(*found)]


def box_epochs(mx, folder, given):
    """The same of `ImageDetIter`."""
    seed()
    paths = {"path_imgrec": os.path.join(folder, "boxes.rec"), "path_imgidx": os.path.join(folder, "boxes.idx")}
    it, found = mx.image.ImageDetIter(4, (3, 20, 24), **paths, **given), []
    for _ in range(2):
        found += [(batch.data[0].asnumpy(), batch.label[0].asnumpy(), batch.pad) for batch in it]
        it.reset()
    return [np.stack(part) for part in zip(*found)]


def results(mx, folder):
    """All arrays by name."""
    write(mx, folder)
    for name, array in functions(mx):
        yield "image/" + name, array.asnumpy()
    for name, given in IMAGE_ITER.items():
        names = ("image-iter/" + name + end for end in ("/data", "/label", "/pad"))
        yield from zip(names, image_epochs(mx, folder, given))
    for name, given in BOXES.items():
        names = ("boxes/" + name + end for end in ("/data", "/label", "/pad"))
        yield from zip(names, box_epochs(mx, folder, given))
    for name, given in RECORDS.items():
        yield from zip((name + "/data", name + "/label", name + "/pad"), epochs(mx, folder, given))
    for name, given in SIGNED.items():
        yield name + "/data", epochs(mx, folder, given, "ImageRecordInt8Iter")[0]
    for name in sorted(os.listdir(PICTURES)):
        with open(os.path.join(PICTURES, name), "rb") as file:
            content = file.read()
        for flag in (0, 1):
            yield "%s/%d" % (name, flag), mx.image.imdecode(content, flag=flag).asnumpy()
        if name == "turned.jpg":
            rec = mx.recordio.MXRecordIO(os.path.join(folder, "turned.rec"), "w")
            rec.write(mx.recordio.pack((0, 0.0, 0, 0), content))
            rec.close()
            given = {"path_imgrec": "turned.rec", "data_shape": (3, 40, 24), "batch_size": 1}
            yield "turned.rec", epochs(mx, folder, given)[0][:1]
