"""Pictures with boxes: augmenters that change both, and an iterator.

Labels are arrays with a row for each object: class, left, top, right, bottom, and possibly more; places are parts of the sides
of the picture, from 0 to 1.
"""

import json
import random
import warnings
from math import sqrt
from numbers import Number

import numpy as np

from .. import ndarray as nd
from ..base import MXNetError
from ..io import DataBatch
from ._augment import (
    Augmenter,
    CastAug,
    ColorJitterAug,
    ColorNormalizeAug,
    ForceResizeAug,
    HueJitterAug,
    LightingAug,
    RandomGrayAug,
    ResizeAug,
    _imagenet_directions,
    _per_channel,
)
from ._iter import ImageIter
from ._picture import copyMakeBorder, fixed_crop

__all__ = [
    "DetAugmenter",
    "DetBorrowAug",
    "DetRandomSelectAug",
    "DetHorizontalFlipAug",
    "DetRandomCropAug",
    "DetRandomPadAug",
    "CreateMultiRandCropAugmenter",
    "CreateDetAugmenter",
    "ImageDetIter",
]


class DetAugmenter:
    """The base of augmenters of pictures with boxes. Subclasses define ``__call__(src, label)``, which gives both, changed.

    Parameters
    ----------
    **kwargs
        What `dumps` writes.
    """

    def __init__(self, **kwargs):
        self._kwargs = {key: value.tolist() if hasattr(value, "tolist") else value for key, value in kwargs.items()}

    def dumps(self):
        """The name and the parameters, as JSON."""
        return json.dumps([type(self).__name__.lower(), self._kwargs])

    def __call__(self, src, label):
        raise NotImplementedError("%s does not define __call__" % type(self).__name__)


class DetBorrowAug(DetAugmenter):
    """An augmenter of pictures that moves nothing: the boxes stay.

    Parameters
    ----------
    augmenter : Augmenter
    """

    def __init__(self, augmenter):
        if not isinstance(augmenter, Augmenter):
            raise TypeError("augmenter must be an Augmenter, got %s" % type(augmenter).__name__)
        super().__init__(augmenter=augmenter.dumps())
        self.augmenter = augmenter

    def dumps(self):
        """The name, and what the augmenter dumps: list."""
        return [type(self).__name__.lower(), self.augmenter.dumps()]

    def __call__(self, src, label):
        return self.augmenter(src), label


class DetRandomSelectAug(DetAugmenter):
    """One of several augmenters, by chance, or none.

    Parameters
    ----------
    aug_list : list of DetAugmenter
    skip_prob : float
        The probability of none.
    """

    def __init__(self, aug_list, skip_prob=0):
        super().__init__(skip_prob=skip_prob)
        self.aug_list = list(aug_list) if isinstance(aug_list, (list, tuple)) else [aug_list]
        if not all(isinstance(augmenter, DetAugmenter) for augmenter in self.aug_list):
            raise ValueError("aug_list must have DetAugmenters alone")
        self.skip_prob = skip_prob if self.aug_list else 1

    def dumps(self):
        """The name, and what the augmenters dump: list."""
        return [type(self).__name__.lower(), [augmenter.dumps() for augmenter in self.aug_list]]

    def __call__(self, src, label):
        if random.random() < self.skip_prob:
            return src, label
        random.shuffle(self.aug_list)
        return self.aug_list[0](src, label)


class DetHorizontalFlipAug(DetAugmenter):
    """Mirrors picture and boxes, left to right, with the probability `p`; the label is changed in place."""

    def __init__(self, p):
        super().__init__(p=p)
        self.p = p

    def __call__(self, src, label):
        if random.random() < self.p:
            src = nd.flip(src, axis=1)
            label[:, [1, 3]] = 1.0 - label[:, [3, 1]]
        return src, label


def _areas(boxes):
    """Areas of boxes: left, top, right, bottom."""
    return np.maximum(0, boxes[:, 2] - boxes[:, 0]) * np.maximum(0, boxes[:, 3] - boxes[:, 1])


def _range(value):
    return value if isinstance(value, (tuple, list)) else (value, value)


class _DetSizeAug(DetAugmenter):
    """One that draws a ratio and an area."""

    #: What the greatest area must be above.
    _least = 0.0

    def __init__(self, aspect_ratio_range, area_range, max_attempts, **kwargs):
        self.aspect_ratio_range, self.area_range = _range(aspect_ratio_range), _range(area_range)
        self.max_attempts = max_attempts
        super().__init__(
            aspect_ratio_range=self.aspect_ratio_range, area_range=self.area_range, max_attempts=max_attempts, **kwargs
        )
        self.enabled = self._makes_sense("area_range", self.area_range, self.area_range[1] > self._least)
        ratios = self.aspect_ratio_range
        self.enabled &= self._makes_sense("aspect_ratio_range", ratios, ratios[0] > 0)

    def _makes_sense(self, name, given, fits):
        if fits and given[0] <= given[1]:
            return True
        warnings.warn("%s does nothing, as %s is %s" % (type(self).__name__, name, given), stacklevel=4)
        return False

    def _heights(self, height, width):
        """A drawn ratio, and least and greatest height for it."""
        ratio = random.uniform(*self.aspect_ratio_range)
        return ratio, *(int(round(sqrt(part * height * width / ratio))) for part in self.area_range)


class DetRandomCropAug(_DetSizeAug):
    """A random part of the picture that shows enough of the objects.

    Parameters
    ----------
    min_object_covered : float
        How much of every object that is seen must be seen.
    aspect_ratio_range : tuple of float
        Least and greatest ratio of width to height.
    area_range : tuple of float
        Least and greatest part of the area.
    min_eject_coverage : float
        Objects of which not more than this is seen are left out.
    max_attempts : int
        After so many parts that do not fit, the picture stays as it is.
    """

    def __init__(
        self,
        min_object_covered=0.1,
        aspect_ratio_range=(0.75, 1.33),
        area_range=(0.05, 1.0),
        min_eject_coverage=0.3,
        max_attempts=50,
    ):
        kept = {"min_object_covered": min_object_covered, "min_eject_coverage": min_eject_coverage}
        super().__init__(aspect_ratio_range, area_range, max_attempts, **kept)
        self.min_object_covered, self.min_eject_coverage = min_object_covered, min_eject_coverage

    def __call__(self, src, label):
        height, width = src.shape[:2]
        for _ in range(self.max_attempts if self.enabled else 0):
            part = self._drawn(height, width)
            new = None if part is None or not self._shows(label, part, height, width) else self._moved(label, part, height, width)
            if new is not None:
                return fixed_crop(src, *part), new
        return src, label

    def _drawn(self, height, width):
        """Left, top, width and height of a random part; None if rounding made it too small or too large."""
        least, greatest = (part * height * width for part in self.area_range)
        ratio, h, most = self._heights(height, width)
        if round(most * ratio) > width:
            most = int((width + 0.4999999) / ratio)
        most = min(most, height)
        h = random.randint(h, most) if h < most else most
        w = int(round(h * ratio))
        if w * h < least:
            h += 1
            w = int(round(h * ratio))
        if w * h > greatest:
            h -= 1
            w = int(round(h * ratio))
        if not (least <= w * h <= greatest and 0 <= w <= width and 0 <= h <= height):
            return None
        y = random.randint(0, height - h)
        return random.randint(0, width - w), y, w, h

    def _shows(self, label, part, height, width):
        """Whether enough of every object is seen that is seen at all."""
        x, y, w, h = part
        areas = _areas(label[:, 1:5])
        large = areas * width * height > 2
        if w * h < 2 or not large.any():
            return False
        boxes, areas = label[large, 1:5], areas[large]
        low = np.maximum(boxes[:, :2], (x / width, y / height))
        high = np.minimum(boxes[:, 2:], ((x + w) / width, (y + h) / height))
        seen = _areas(np.concatenate([low, high], axis=1)) / areas
        seen = seen[seen > 0]
        return seen.size > 0 and seen.min() > self.min_object_covered

    def _moved(self, label, part, height, width):
        """The boxes as parts of the part; None if none is left."""
        x, y, w, h = (side / whole for side, whole in zip(part, (width, height, width, height)))
        out = label.copy()
        out[:, [1, 3]] = np.clip((out[:, [1, 3]] - x) / w, 0, 1)
        out[:, [2, 4]] = np.clip((out[:, [2, 4]] - y) / h, 0, 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            seen = _areas(out[:, 1:5]) * w * h / _areas(label[:, 1:5])
        valid = (out[:, 3] > out[:, 1]) & (out[:, 4] > out[:, 2]) & (seen > self.min_eject_coverage)
        return out[valid] if valid.any() else None


class DetRandomPadAug(_DetSizeAug):
    """Puts the picture at a random place of a larger one.

    Parameters
    ----------
    aspect_ratio_range : tuple of float
        Least and greatest ratio of width to height of the larger one.
    area_range : tuple of float
        Least and greatest area, as a multiple.
    max_attempts : int
        After so many sizes that do not fit, the picture stays as it is.
    pad_val : tuple of float
        Red, green and blue around the picture.
    """

    _least = 1.0

    def __init__(self, aspect_ratio_range=(0.75, 1.33), area_range=(1.0, 3.0), max_attempts=50, pad_val=(128, 128, 128)):
        super().__init__(aspect_ratio_range, area_range, max_attempts, pad_val=pad_val)
        self.pad_val = (pad_val,) * 3 if isinstance(pad_val, Number) else pad_val

    def __call__(self, src, label):
        height, width = src.shape[:2]
        for _ in range(self.max_attempts if self.enabled else 0):
            ratio, h, most = self._heights(height, width)
            if round(h * ratio) < width:
                h = int((width + 0.499999) / ratio)
            h = max(h, height)
            h = random.randint(h, most) if h < most else most
            w = int(round(h * ratio))
            if h - height < 2 or w - width < 2:
                continue
            y, x = random.randint(0, h - height), random.randint(0, w - width)
            out = label.copy()
            out[:, [1, 3]] = (out[:, [1, 3]] * width + x) / w
            out[:, [2, 4]] = (out[:, [2, 4]] * height + y) / h
            return copyMakeBorder(src, y, h - y - height, x, w - x - width, values=self.pad_val), out
        return src, label


def CreateMultiRandCropAugmenter(
    min_object_covered=0.1,
    aspect_ratio_range=(0.75, 1.33),
    area_range=(0.05, 1.0),
    min_eject_coverage=0.3,
    max_attempts=50,
    skip_prob=0,
):
    """One of several `DetRandomCropAug`, by chance. Parameters that are lists have a value for each; others one for all.

    Returns
    -------
    DetRandomSelectAug

    Examples
    --------
    >>> len(CreateMultiRandCropAugmenter(min_object_covered=[0.1, 0.3, 0.5]).aug_list)
    3
    """
    given = (min_object_covered, aspect_ratio_range, area_range, min_eject_coverage, max_attempts)
    lists = [value if isinstance(value, list) else [value] for value in given]
    count = max(map(len, lists))
    if any(len(values) not in (1, count) for values in lists):
        raise MXNetError("lists must have equally many values, got %s" % [len(values) for values in lists])
    crops = [DetRandomCropAug(*values) for values in zip(*(v * (count // len(v)) for v in lists))]
    return DetRandomSelectAug(crops, skip_prob=skip_prob)


def CreateDetAugmenter(
    data_shape,
    resize=0,
    rand_crop=0,
    rand_pad=0,
    rand_gray=0,
    rand_mirror=False,
    mean=None,
    std=None,
    brightness=0,
    contrast=0,
    saturation=0,
    pca_noise=0,
    hue=0,
    inter_method=2,
    min_object_covered=0.1,
    aspect_ratio_range=(0.75, 1.33),
    area_range=(0.05, 3.0),
    min_eject_coverage=0.3,
    max_attempts=50,
    pad_val=(127, 127, 127),
):
    """The usual augmenters of pictures with boxes, in their usual order.

    Parameters
    ----------
    data_shape : tuple of int
        Channels, rows and columns of the result.
    rand_crop, rand_pad : float
        Probabilities of `CreateMultiRandCropAugmenter` and of `DetRandomPadAug`, which take the last parameters.
    resize, rand_gray, rand_mirror, mean, std, brightness, contrast, saturation, pca_noise, hue, inter_method
        As for `CreateAugmenter`.

    Returns
    -------
    list of DetAugmenter

    Examples
    --------
    >>> [type(augmenter).__name__ for augmenter in CreateDetAugmenter((3, 8, 8), rand_mirror=True)]
    ['DetHorizontalFlipAug', 'DetBorrowAug', 'DetBorrowAug']
    """
    augmenters = [DetBorrowAug(ResizeAug(resize, inter_method))] if resize > 0 else []
    if rand_crop > 0:
        crop = (min_object_covered, aspect_ratio_range, area_range, min_eject_coverage, max_attempts)
        augmenters.append(CreateMultiRandCropAugmenter(*crop, skip_prob=1 - rand_crop))
    if rand_mirror:
        augmenters.append(DetHorizontalFlipAug(0.5))
    if rand_pad > 0:
        pad = DetRandomPadAug(aspect_ratio_range, (1.0, area_range[1]), max_attempts, pad_val)
        augmenters.append(DetRandomSelectAug([pad], 1 - rand_pad))
    borrowed = [ForceResizeAug((data_shape[2], data_shape[1]), inter_method), CastAug()]
    if brightness or contrast or saturation:
        borrowed.append(ColorJitterAug(brightness, contrast, saturation))
    if hue:
        borrowed.append(HueJitterAug(hue))
    if pca_noise > 0:
        borrowed.append(LightingAug(pca_noise, *_imagenet_directions()))
    if rand_gray > 0:
        borrowed.append(RandomGrayAug(rand_gray))
    mean = _per_channel("mean", mean, (123.68, 116.28, 103.53))
    std = _per_channel("std", std, (58.395, 57.12, 57.375))
    if mean is not None or std is not None:
        borrowed.append(ColorNormalizeAug(mean, std))
    return augmenters + [DetBorrowAug(augmenter) for augmenter in borrowed]


class ImageDetIter(ImageIter):
    """Batches of pictures with boxes.

    The label of a record or list is flat: how many numbers stand before the first object, how many an object has (at least
    5), further numbers up to the first object, then the objects. Labels of a batch have the shape (batch_size, objects, numbers);
    rows of -1 are no objects. Pictures without an object are left out.

    Parameters
    ----------
    batch_size, data_shape, path_imgrec, path_imglist, path_root, path_imgidx, shuffle, part_index, num_parts, imglist
        As for `ImageIter`.
    data_name, label_name, last_batch_handle
        As for `ImageIter`.
    aug_list : list of DetAugmenter, optional
        Instead of those that `CreateDetAugmenter` makes of the other parameters.
    **kwargs
        For `CreateDetAugmenter`.
    """

    def __init__(
        self,
        batch_size,
        data_shape,
        path_imgrec=None,
        path_imglist=None,
        path_root=None,
        path_imgidx=None,
        shuffle=False,
        part_index=0,
        num_parts=1,
        aug_list=None,
        imglist=None,
        data_name="data",
        label_name="label",
        last_batch_handle="pad",
        **kwargs,
    ):
        super().__init__(
            batch_size,
            data_shape,
            path_imgrec=path_imgrec,
            path_imglist=path_imglist,
            path_root=path_root,
            path_imgidx=path_imgidx,
            shuffle=shuffle,
            part_index=part_index,
            num_parts=num_parts,
            aug_list=[],
            imglist=imglist,
            data_name=data_name,
            label_name=label_name,
            last_batch_handle=last_batch_handle,
        )
        self.auglist = CreateDetAugmenter(data_shape, **kwargs) if aug_list is None else aug_list
        self.label_shape = self._estimate_label_shape()
        self.provide_label = [(label_name, (batch_size, *self.label_shape))]

    def _estimate_label_shape(self):
        """Most objects of a picture, and numbers of an object."""
        self.reset()
        shapes = []
        while True:
            try:
                shapes.append(self._parse_label(self.next_sample()[0]).shape)
            except StopIteration:
                break
        self.reset()
        if not shapes:
            raise MXNetError("there are no pictures")
        return max(shape[0] for shape in shapes), shapes[-1][1]

    def _parse_label(self, label):
        """The objects of a flat label, those without area left out."""
        flat = np.ravel(label.asnumpy() if isinstance(label, nd.NDArray) else label)
        if flat.size < 7:
            raise MXNetError("%s: a label of objects has at least 7 numbers, got %d" % (self._where(), flat.size))
        before, width = int(flat[0]), int(flat[1])
        if before < 2 or width < 5 or (flat.size - before) % width:
            what = "%s: a label of %d numbers is no %d numbers and objects of %d (at least 5) each"
            raise MXNetError(what % (self._where(), flat.size, before, width))
        objects = flat[before:].reshape(-1, width)
        objects = objects[(objects[:, 3] > objects[:, 1]) & (objects[:, 4] > objects[:, 2])]
        if not len(objects):
            raise MXNetError("%s: there is no object in it" % self._where())
        return objects

    def _samples(self):
        while True:
            try:
                label, content = self.next_sample()
            except StopIteration:
                return
            picture, label = self.augmentation_transform(self.imdecode(content), self._parse_label(label))
            if ((label[:, 0] >= 0) & (label[:, 3] > label[:, 1]) & (label[:, 4] > label[:, 2])).any():
                yield self.postprocess_data(picture), label

    def _batch(self, found, pad):
        data, label = nd.zeros(self.provide_data[0][1]), np.full(self.provide_label[0][1], -1, np.float32)
        for i, (picture, objects) in enumerate(found):
            data[i] = picture
            label[i, : len(objects)] = objects
        return DataBatch([data], [nd.array(label)], pad=pad)

    def augmentation_transform(self, data, label):
        """The picture and its boxes behind all augmenters."""
        for augmenter in self.auglist:
            data, label = augmenter(data, label)
        return data, label

    def reshape(self, data_shape=None, label_shape=None):
        """Gives batches of other shapes from now on.

        Parameters
        ----------
        data_shape : tuple of int, optional
            The augmenters stay as they are.
        label_shape : tuple of int, optional
            Objects and numbers of an object; not fewer objects than now.
        """
        if data_shape is not None:
            self.check_data_shape(data_shape)
            self.provide_data = [(self.provide_data[0][0], (self.batch_size, *data_shape))]
            self.data_shape = tuple(data_shape)
        if label_shape is not None:
            self.check_label_shape(label_shape)
            self.provide_label = [(self.provide_label[0][0], (self.batch_size, *label_shape))]
            self.label_shape = tuple(label_shape)

    def check_label_shape(self, label_shape):
        """Refuses shapes of labels that have no room."""
        if len(label_shape) != 2 or label_shape[0] < self.label_shape[0] or label_shape[1] != self.label_shape[1]:
            what = "label_shape must be (objects, numbers) with at least %d objects and %d numbers, got %r"
            raise ValueError(what % (*self.label_shape, label_shape))

    def sync_label_shape(self, it, verbose=False):
        """Makes the labels of two iterators equally large.

        Parameters
        ----------
        it : ImageDetIter
        verbose : bool
            Taken and ignored.

        Returns
        -------
        ImageDetIter
            `it`.
        """
        assert isinstance(it, ImageDetIter), "it must be an ImageDetIter"
        most = max(self.label_shape[0], it.label_shape[0])
        for one in (self, it):
            one.reshape(None, (most, self.label_shape[1]))
        return it
