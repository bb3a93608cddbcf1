"""Cases of iterators and pictures, run by MXNet to be recorded and by rsym to be compared."""

import os
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


def epochs(mx, folder, given, kind="ImageRecordIter"):
    """Data and labels of two epochs, and the pad of each batch."""
    given = {"path_imgrec": "a.rec", "data_shape": (3, 14, 16), "batch_size": 4, "preprocess_threads": 2, **given}
    given = {k: os.path.join(folder, v) if k.startswith("path") else v for k, v in given.items()}
    it, found = getattr(mx.io, kind)(verbose=False, **given), []
    for _ in range(2):
        found += [(batch.data[0].asnumpy(), batch.label[0].asnumpy(), batch.pad) for batch in it]
        it.reset()
    return [np.stack(part) for part in zip(*found)]


def results(mx, folder):
    """All arrays by name."""
    write(mx, folder)
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
