"""Batches of pictures in record files."""

import os

import numpy as np

from .. import _rsym
from .. import ndarray as nd
from .._dtypes import from_number, to_number
from .._files import LocalFile
from ..base import MXNetError
from ._native import COMMON, MXDataIter, labels_shape, positive
from ._params import Param, documented

__all__ = ["ImageRecordIter", "ImageRecordIter_v1", "ImageRecordUInt8Iter", "ImageRecordUInt8Iter_v1", "ImageRecordInt8Iter"]

_FILES = [
    Param("path_imgrec", str, ..., "A record file, a folder of such files, or several with ';' between them."),
    Param("path_imgidx", str, "", "The index of the only record file: nothing has to be looked up in the file then."),
    Param("path_imglist", str, "", "A list with labels that stand in place of those in the file: number, labels, path."),
    Param("data_shape", "shape", ..., "Channels (1, 3 or 4), rows and columns of a picture."),
    Param("batch_size", int, ..., "Pictures of a batch."),
    Param("label_width", int, 1, "How many labels a picture has."),
    Param("round_batch", bool, True, "Whether the last batch is filled with pictures of the next epoch."),
    Param("shuffle", bool, False, "Whether every epoch takes all pictures in another order."),
    Param("seed", int, 0, "Which orders and random changes."),
    Param("seed_aug", int, None, "Which random changes, the same in every epoch then."),
    Param("num_parts", int, 1, "Into how many parts the records are divided."),
    Param("part_index", int, 0, "The part to read."),
    Param("preprocess_threads", int, 4, "How many threads decode; at most the processors that there are."),
    Param("shuffle_chunk_size", int, 0, "Taken and ignored: shuffling takes no memory for pictures."),
    Param("shuffle_chunk_seed", int, 0, "Taken and ignored."),
    Param("device_id", int, 0, "Taken and ignored: batches are made for the CPU."),
    Param("aug_seq", str, "aug_default", "Taken and ignored: the changes come in one order."),
]

_AUGMENT = [
    Param("resize", int, -1, "What the shorter side becomes first; -1 leaves it."),
    Param("rand_crop", bool, False, "Whether the part of data_shape is taken from a random place, or from the middle."),
    Param("random_resized_crop", bool, False, "Whether a part of random area and ratio is brought to data_shape."),
    Param("max_rotate_angle", int, 0, "Turned by up to so many degrees, to both sides."),
    Param("rotate", int, -1, "Turned by this angle instead, if it is positive."),
    Param("rotate_list", str, "", "Turned by a random one of these angles instead: whole numbers with commas between them."),
    Param("max_aspect_ratio", float, 0.0, "The ratio of the sides changes by up to this; see min_aspect_ratio."),
    Param("min_aspect_ratio", float, None, "If given, the ratio is from this to max_aspect_ratio, else 1 - that to 1 + that."),
    Param("max_shear_ratio", float, 0.0, "Sheared by up to this, to both sides."),
    Param("max_crop_size", int, -1, "A square with a side from min_crop_size to this is brought to data_shape."),
    Param("min_crop_size", int, -1, "See max_crop_size."),
    Param("max_random_scale", float, 1.0, "Both sides are multiplied by a number from min_random_scale to this."),
    Param("min_random_scale", float, 1.0, "See max_random_scale."),
    Param("max_random_area", float, 1.0, "random_resized_crop takes a part from min_random_area to this of the picture."),
    Param("min_random_area", float, 1.0, "See max_random_area."),
    Param("max_img_size", float, 1e10, "Greatest side after turning and scaling."),
    Param("min_img_size", float, 0.0, "Least side after turning and scaling."),
    Param("pad", int, 0, "Rows and columns that are added at every side before cropping."),
    Param("fill_value", int, 255, "The value of pixels that are added."),
    Param("inter_method", int, 1, "0 nearest, 1 linear, 2 cubic, 3 area, 4 Lanczos, 9 by the sizes, 10 random."),
    Param("brightness", float, 0.0, "The brightness is multiplied by a number within this of 1."),
    Param("contrast", float, 0.0, "The same for the contrast."),
    Param("saturation", float, 0.0, "The same for the saturation."),
    Param("pca_noise", float, 0.0, "Standard deviation of noise along the main directions of colours."),
    Param("random_h", int, 0, "Added to the hue (of 180): a number within this of 0."),
    Param("random_s", int, 0, "The same for the saturation (of 255)."),
    Param("random_l", int, 0, "The same for the lightness (of 255)."),
]

_NORMALIZE = [
    Param("mirror", bool, False, "Whether all pictures are mirrored, left to right."),
    Param("rand_mirror", bool, False, "Whether half of the pictures are mirrored."),
    Param("mean_img", str, "", "A file with an array of the shape data_shape to subtract; made if there is none."),
    *(Param("mean_" + c, float, 0.0, "What is subtracted from channel %s." % c) for c in "rgba"),
    *(Param("std_" + c, float, 1.0, "By what channel %s is divided." % c) for c in "rgba"),
    Param("scale", float, 1.0, "By what everything is multiplied."),
    Param("max_random_contrast", float, 0.0, "Multiplied by a number within this of 1, after the mean is subtracted."),
    Param("max_random_illumination", float, 0.0, "To which a number within this of 0 is added."),
]

_PARAMS = _FILES + _AUGMENT + _NORMALIZE + COMMON


@documented(_PARAMS)
class ImageRecordIter(MXDataIter):
    """Batches of pictures in record files: read, decoded and changed ahead of their use, by several threads.

    Every picture is decoded from JPEG or PNG, then in this order: resized (`resize`), turned, sheared and scaled, padded,
    cropped to `data_shape`, changed in its colours, mirrored, and normalised to
    ``((value - mean) * contrast + illumination) * scale / std``. Batches have the shape ``(batch_size, *data_shape)``, labels
    ``(batch_size,)`` or ``(batch_size, label_width)``.

    What is random follows from `seed`, the number of the epoch and the record: the same bits for every number of threads.

    {parameters}

    Raises
    ------
    FileError
        A file cannot be read.
    MXNetError
        A record or picture is damaged, or does not fit: the message has the file and the offset. Or the settings contradict each
        other.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> import rsym as mx
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = os.path.join(folder.name, "a.rec")
    >>> with mx.recordio.MXRecordIO(path, "w") as record:
    ...     for i in range(5):
    ...         picture = np.full((40, 50, 3), 50 * i, "uint8")
    ...         record.write(mx.recordio.pack_img(mx.recordio.IRHeader(0, i, i, 0), picture, img_fmt=".png"))
    >>> it = mx.io.ImageRecordIter(path_imgrec=path, data_shape=(3, 32, 32), batch_size=2, rand_crop=True, scale=1 / 255)
    >>> [(batch.data[0].shape, batch.label[0].asnumpy().tolist(), batch.pad) for batch in it]
    [((2, 3, 32, 32), [0.0, 1.0], 0), ((2, 3, 32, 32), [2.0, 3.0], 0), ((2, 3, 32, 32), [4.0, 0.0], 1)]
    """

    _params = _PARAMS
    #: The type of data where `dtype` does not say it.
    _dtype = "float32"

    def _open(self, **p):
        name = type(self).__name__
        _check(name, p)
        self._files = {key: LocalFile(p[key]) for key in ("path_imgidx", "path_imglist") if p[key]}
        mean_image = self._mean_image(p) if p["mean_img"] else None
        number = to_number(p["dtype"] or self._dtype)
        batches = _rsym.record_batches(_for_rust(p, self._local(p["path_imgrec"]), self._files, mean_image, number))
        size = p["batch_size"]
        label = (labels_shape(size, (p["label_width"],)), np.float32)
        return ((size, *p["data_shape"]), from_number(number)), label, batches

    def _local(self, paths):
        """The record files, as paths that Rust can open."""
        self._records = [LocalFile(path) for path in paths.split(";") if path]
        return ";".join(file.path for file in self._records)

    def _mean_image(self, p):
        """The array to subtract, as a list; computed and saved if there is no file."""
        path, shape = p["mean_img"], p["data_shape"]
        if not os.path.exists(LocalFile(path).path):
            nd.save(path, {"mean_img": nd.array(self._computed_mean(p))})
        loaded = nd.load(path)
        arrays = list(loaded.values()) if isinstance(loaded, dict) else loaded
        if len(arrays) != 1 or arrays[0].shape != shape:
            got = [array.shape for array in arrays]
            raise MXNetError("%s: mean_img has arrays of the shapes %s, expected one of %s" % (path, got, shape))
        return arrays[0].asnumpy().astype(np.float32).ravel()

    def _computed_mean(self, p):
        total, count = np.zeros(p["data_shape"]), 0
        for batch in type(self)(**{**p, "mean_img": "", "shuffle": False, "round_batch": False, "dtype": "float32"}):
            found = p["batch_size"] - batch.pad
            total += batch.data[0].asnumpy()[:found].sum(axis=0, dtype=np.float64)
            count += found
        return (total / count).astype(np.float32)


def _check(name, p):
    positive(name, data_shape=p["data_shape"])
    positive(name, **{key: p[key] for key in ("batch_size", "label_width", "num_parts", "preprocess_threads")})
    if len(p["data_shape"]) != 3:
        raise MXNetError("%s: data_shape must be (channels, rows, columns), got %r" % (name, p["data_shape"]))
    if not 0 <= p["part_index"] < p["num_parts"]:
        raise MXNetError("%s: part_index must be in 0..%d, got %d" % (name, p["num_parts"] - 1, p["part_index"]))
    if not 0 <= p["fill_value"] <= 255:
        raise MXNetError("%s: fill_value must be in 0..255, got %d" % (name, p["fill_value"]))
    if p["pad"] < 0:
        raise MXNetError("%s: pad must not be negative, got %d" % (name, p["pad"]))
    if p["aug_seq"] != "aug_default":
        raise MXNetError("%s: aug_seq can be 'aug_default' alone, got %r" % (name, p["aug_seq"]))
    if (p["max_crop_size"] == -1) != (p["min_crop_size"] == -1):
        raise MXNetError("%s: give both of min_crop_size and max_crop_size, or neither" % name)


def _for_rust(p, paths, files, mean_image, dtype):
    """The parameters as `record_batches` takes them."""
    low, high = p["min_aspect_ratio"], p["max_aspect_ratio"]
    threads = min(p["preprocess_threads"], len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())
    return {
        **p,
        "path_imgrec": paths,
        "path_imgidx": files["path_imgidx"].path if "path_imgidx" in files else None,
        "path_imglist": files["path_imglist"].path if "path_imglist" in files else None,
        "seed": p["seed"] % 2**64,
        "seed_aug": None if p["seed_aug"] is None else p["seed_aug"] % 2**64,
        "preprocess_threads": threads,
        "prefetch_buffer": max(1, p["prefetch_buffer"]),
        "dtype": dtype,
        "resize": p["resize"] if p["resize"] > 0 else None,
        "rotate": p["rotate"] if p["rotate"] > 0 else None,
        "rotate_list": [int(angle) for angle in p["rotate_list"].strip("[]()").split(",") if angle.strip()],
        "aspect_ratio": (1 - high, 1 + high) if low is None else (low, high),
        "crop_size": None if p["max_crop_size"] == -1 else (p["min_crop_size"], p["max_crop_size"]),
        "random_scale": (p["min_random_scale"], p["max_random_scale"]),
        "random_area": (p["min_random_area"], p["max_random_area"]),
        "image_size": (p["min_img_size"], p["max_img_size"]),
        "hsl": [abs(p["random_h"]), abs(p["random_s"]), abs(p["random_l"])],
        "mean": [p["mean_" + c] for c in "rgba"],
        "std": [p["std_" + c] for c in "rgba"],
        "mean_image": mean_image,
    }


class ImageRecordUInt8Iter(ImageRecordIter):
    """`ImageRecordIter` with data of type uint8: mean, std, scale, contrast and illumination are left out."""

    _dtype = "uint8"


class ImageRecordInt8Iter(ImageRecordIter):
    """`ImageRecordIter` with data of type int8: the mean is subtracted, rounded; std, scale and the like are left out."""

    _dtype = "int8"


class ImageRecordIter_v1(ImageRecordIter):
    """`ImageRecordIter`, under its old name."""


class ImageRecordUInt8Iter_v1(ImageRecordUInt8Iter):
    """`ImageRecordUInt8Iter`, under its old name."""
