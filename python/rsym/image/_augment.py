"""Augmenters: callables from picture to picture."""

import json
import random
import warnings

import numpy as np

from .. import ndarray as nd
from ._picture import (
    _get_interp_method,
    center_crop,
    color_normalize,
    imresize,
    random_crop,
    random_size_crop,
    resize_short,
)

__all__ = [
    "Augmenter",
    "SequentialAug",
    "ResizeAug",
    "ForceResizeAug",
    "RandomCropAug",
    "RandomSizedCropAug",
    "CenterCropAug",
    "RandomOrderAug",
    "BrightnessJitterAug",
    "ContrastJitterAug",
    "SaturationJitterAug",
    "HueJitterAug",
    "ColorJitterAug",
    "LightingAug",
    "ColorNormalizeAug",
    "RandomGrayAug",
    "HorizontalFlipAug",
    "CastAug",
    "CreateAugmenter",
]

#: Weights of red, green and blue in a gray.
_GRAY = (0.299, 0.587, 0.114)


class Augmenter:
    """The base of augmenters. Subclasses define ``__call__(src)``, which gives the changed picture.

    Parameters
    ----------
    **kwargs
        What `dumps` writes.
    """

    def __init__(self, **kwargs):
        self._kwargs = {key: value.tolist() if hasattr(value, "tolist") else value for key, value in kwargs.items()}
        for key, value in kwargs.items():
            if isinstance(value, nd.NDArray):
                self._kwargs[key] = value.asnumpy().tolist()

    def dumps(self):
        """The name and the parameters, as JSON.

        Examples
        --------
        >>> ResizeAug(8).dumps()
        '["resizeaug", {"size": 8, "interp": 2}]'
        """
        return json.dumps([type(self).__name__.lower(), self._kwargs])

    def __call__(self, src):
        raise NotImplementedError("%s does not define __call__" % type(self).__name__)


class SequentialAug(Augmenter):
    """Augmenters one after the other.

    Parameters
    ----------
    ts : list of Augmenter
    """

    def __init__(self, ts):
        super().__init__()
        self.ts = ts

    def dumps(self):
        """The name, and what the augmenters dump: list."""
        return [type(self).__name__.lower(), [augmenter.dumps() for augmenter in self.ts]]

    def __call__(self, src):
        for augmenter in self.ts:
            src = augmenter(src)
        return src


class RandomOrderAug(SequentialAug):
    """Augmenters one after the other, each time in another order."""

    def __call__(self, src):
        random.shuffle(self.ts)
        return super().__call__(src)


class _SizeAug(Augmenter):
    """One that brings pictures to a size."""

    def __init__(self, size, interp=2):
        super().__init__(size=size, interp=interp)
        self.size = size
        self.interp = interp


class ResizeAug(_SizeAug):
    """`resize_short`: the shorter side becomes `size`."""

    def __call__(self, src):
        return resize_short(src, self.size, self.interp)


class ForceResizeAug(_SizeAug):
    """`imresize`: width and height become `size`, whatever the ratio."""

    def __call__(self, src):
        sizes = (src.shape[0], src.shape[1], self.size[1], self.size[0])
        return imresize(src, *self.size, interp=_get_interp_method(self.interp, sizes))


class RandomCropAug(_SizeAug):
    """`random_crop` of width and height `size`."""

    def __call__(self, src):
        return random_crop(src, self.size, self.interp)[0]


class CenterCropAug(_SizeAug):
    """`center_crop` of width and height `size`."""

    def __call__(self, src):
        return center_crop(src, self.size, self.interp)[0]


class RandomSizedCropAug(Augmenter):
    """`random_size_crop`.

    Parameters
    ----------
    size : tuple of int
        Width and height.
    area : float or tuple of float
        Least part of the area, or least and greatest.
    ratio : tuple of float
        Least and greatest ratio of width to height.
    interp : int
        See `imresize`.
    """

    def __init__(self, size, area, ratio, interp=2, **kwargs):
        if "min_area" in kwargs:
            warnings.warn("min_area is now called area", DeprecationWarning, stacklevel=2)
            area = kwargs.pop("min_area")
        if kwargs:
            raise TypeError("RandomSizedCropAug has no parameter %s" % ", ".join(kwargs))
        super().__init__(size=size, area=area, ratio=ratio, interp=interp)
        self.size, self.area, self.ratio, self.interp = size, area, ratio, interp

    def __call__(self, src):
        return random_size_crop(src, self.size, self.area, self.ratio, self.interp)[0]


def _factor(range_):
    return 1.0 + random.uniform(-range_, range_)


class BrightnessJitterAug(Augmenter):
    """Multiplies a float picture, in place, by a random number within `brightness` of 1."""

    def __init__(self, brightness):
        super().__init__(brightness=brightness)
        self.brightness = brightness

    def __call__(self, src):
        src *= _factor(self.brightness)
        return src


class ContrastJitterAug(Augmenter):
    """Moves a float picture, in place, away from its mean gray or towards it, by a factor within `contrast` of 1."""

    def __init__(self, contrast):
        super().__init__(contrast=contrast)
        self.contrast = contrast
        self.coef = nd.array([[_GRAY]])

    def __call__(self, src):
        factor = _factor(self.contrast)
        gray = 3.0 * (1.0 - factor) / src.size * nd.sum(src * self.coef)
        src *= factor
        src += gray
        return src


class SaturationJitterAug(Augmenter):
    """Moves the pixels of a float picture, in place, away from their grays or towards them: a factor within `saturation` of 1."""

    def __init__(self, saturation):
        super().__init__(saturation=saturation)
        self.saturation = saturation
        self.coef = nd.array([[_GRAY]])

    def __call__(self, src):
        factor = _factor(self.saturation)
        gray = (1.0 - factor) * nd.sum(src * self.coef, axis=2, keepdims=True)
        src *= factor
        src += gray
        return src


class HueJitterAug(Augmenter):
    """Turns the hue of a float picture by a random part, up to `hue`, of half a turn, in the colours of YIQ."""

    def __init__(self, hue):
        super().__init__(hue=hue)
        self.hue = hue
        self.tyiq = np.array([_GRAY, (0.596, -0.274, -0.321), (0.211, -0.523, 0.311)])
        self.ityiq = np.array([(1.0, 0.956, 0.621), (1.0, -0.272, -0.647), (1.0, -1.107, 1.705)])

    def __call__(self, src):
        angle = np.pi * random.uniform(-self.hue, self.hue)
        cos, sin = np.cos(angle), np.sin(angle)
        turn = np.array([[1.0, 0.0, 0.0], [0.0, cos, -sin], [0.0, sin, cos]])
        return nd.dot(src, nd.array((self.ityiq @ turn @ self.tyiq).T))


class ColorJitterAug(RandomOrderAug):
    """Brightness, contrast and saturation in random order; those that are 0 are left out."""

    def __init__(self, brightness, contrast, saturation):
        kinds = ((BrightnessJitterAug, brightness), (ContrastJitterAug, contrast), (SaturationJitterAug, saturation))
        super().__init__([kind(range_) for kind, range_ in kinds if range_ > 0])


class LightingAug(Augmenter):
    """Adds noise along the main directions of colours to a float picture, in place.

    Parameters
    ----------
    alphastd : float
        Standard deviation of the noise.
    eigval : numpy.ndarray, shape (3,)
    eigvec : numpy.ndarray, shape (3, 3)
        A column for each direction.
    """

    def __init__(self, alphastd, eigval, eigvec):
        super().__init__(alphastd=alphastd, eigval=eigval, eigvec=eigvec)
        self.alphastd, self.eigval, self.eigvec = alphastd, eigval, eigvec

    def __call__(self, src):
        noise = np.random.normal(0, self.alphastd, size=(3,))
        src += nd.array(np.dot(self.eigvec * noise, self.eigval))
        return src


class ColorNormalizeAug(Augmenter):
    """`color_normalize`, in place.

    Parameters
    ----------
    mean, std : NDArray, numpy.ndarray or None
    """

    def __init__(self, mean, std):
        super().__init__(mean=mean, std=std)
        self.mean, self.std = (v if v is None or isinstance(v, nd.NDArray) else nd.array(v) for v in (mean, std))

    def __call__(self, src):
        return color_normalize(src, self.mean, self.std)


class RandomGrayAug(Augmenter):
    """Makes a float picture gray with the probability `p`; it keeps three channels."""

    def __init__(self, p):
        super().__init__(p=p)
        self.p = p
        self.mat = nd.array([[0.21] * 3, [0.72] * 3, [0.07] * 3])

    def __call__(self, src):
        return nd.dot(src, self.mat) if random.random() < self.p else src


class HorizontalFlipAug(Augmenter):
    """Mirrors a picture, left to right, with the probability `p`."""

    def __init__(self, p):
        super().__init__(p=p)
        self.p = p

    def __call__(self, src):
        return nd.flip(src, axis=1) if random.random() < self.p else src


class CastAug(Augmenter):
    """Brings a picture to the type `typ`."""

    def __init__(self, typ="float32"):
        super().__init__(type=typ)
        self.typ = typ

    def __call__(self, src):
        return src.astype(self.typ)


def CreateAugmenter(
    data_shape,
    resize=0,
    rand_crop=False,
    rand_resize=False,
    rand_mirror=False,
    mean=None,
    std=None,
    brightness=0,
    contrast=0,
    saturation=0,
    hue=0,
    pca_noise=0,
    rand_gray=0,
    inter_method=2,
):
    """The usual augmenters, in their usual order.

    Parameters
    ----------
    data_shape : tuple of int
        Channels, rows and columns of the result.
    resize : int
        What the shorter side becomes first, if positive.
    rand_crop : bool
        Whether the part is taken from a random place, or from the middle.
    rand_resize : bool
        Whether the part has a random area and ratio; needs `rand_crop`.
    rand_mirror : bool
        Whether half of the pictures are mirrored.
    mean, std : array, True or None
        For red, green and blue; True for those of ImageNet.
    brightness, contrast, saturation, hue : float
        Ranges of random factors around 1; for the hue, of parts of half a turn.
    pca_noise : float
        Deviation of noise along the main directions of colours.
    rand_gray : float
        The probability of a gray picture.
    inter_method : int
        See `imresize`.

    Returns
    -------
    list of Augmenter

    Examples
    --------
    >>> [type(augmenter).__name__ for augmenter in CreateAugmenter((3, 8, 8), resize=10, rand_mirror=True, mean=True)]
    ['ResizeAug', 'CenterCropAug', 'HorizontalFlipAug', 'CastAug', 'ColorNormalizeAug']
    """
    augmenters = [ResizeAug(resize, inter_method)] if resize > 0 else []
    augmenters.append(_crop_for((data_shape[2], data_shape[1]), rand_crop, rand_resize, inter_method))
    if rand_mirror:
        augmenters.append(HorizontalFlipAug(0.5))
    augmenters.append(CastAug())
    if brightness or contrast or saturation:
        augmenters.append(ColorJitterAug(brightness, contrast, saturation))
    if hue:
        augmenters.append(HueJitterAug(hue))
    if pca_noise > 0:
        augmenters.append(LightingAug(pca_noise, *_imagenet_directions()))
    if rand_gray > 0:
        augmenters.append(RandomGrayAug(rand_gray))
    mean = _per_channel("mean", mean, (123.68, 116.28, 103.53))
    std = _per_channel("std", std, (58.395, 57.12, 57.375))
    if mean is not None or std is not None:
        augmenters.append(ColorNormalizeAug(mean, std))
    return augmenters


def _crop_for(size, rand_crop, rand_resize, inter_method):
    if rand_resize:
        assert rand_crop, "rand_resize needs rand_crop"
        return RandomSizedCropAug(size, 0.08, (3.0 / 4.0, 4.0 / 3.0), inter_method)
    return (RandomCropAug if rand_crop else CenterCropAug)(size, inter_method)


def _imagenet_directions():
    """Eigenvalues and eigenvectors of the colours of ImageNet."""
    vectors = [[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]]
    return np.array([55.46, 4.794, 1.148]), np.array(vectors)


def _per_channel(name, value, imagenet):
    if value is True:
        return nd.array(imagenet)
    if value is None or value is False:
        return None
    if not hasattr(value, "shape") or value.shape[0] not in (1, 3):
        raise AssertionError("%s must be an array with 1 or 3 numbers, True or None, got %r" % (name, value))
    return value
