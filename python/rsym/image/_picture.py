"""Functions on single pictures."""

import random
import warnings
from numbers import Number

import numpy as np

from .. import _rsym
from .. import ndarray as nd
from .._files import read_bytes
from ..base import ArgumentError, MXNetError

__all__ = [
    "imread",
    "imdecode",
    "imresize",
    "copyMakeBorder",
    "scale_down",
    "resize_short",
    "fixed_crop",
    "random_crop",
    "center_crop",
    "random_size_crop",
    "color_normalize",
    "imrotate",
    "random_rotate",
]


def imread(filename, flag=1, to_rgb=True, out=None):
    """The picture in a JPEG or PNG file.

    Parameters
    ----------
    filename : str or os.PathLike
        A path, or a URL that fsspec knows.
    flag, to_rgb, out
        As for `imdecode`.

    Returns
    -------
    NDArray of uint8, shape (rows, columns, 3) or (rows, columns, 1)

    Raises
    ------
    FileError
        The file cannot be read.
    MXNetError
        It has no picture; the message has the path.
    """
    content = read_bytes(filename)
    try:
        return imdecode(content, flag, to_rgb, out)
    except MXNetError as error:
        raise MXNetError("%s: %s" % (filename, error)) from error


def imdecode(buf, flag=1, to_rgb=True, out=None):
    """The picture in the bytes of a JPEG or PNG file.

    Parameters
    ----------
    buf : bytes, bytearray, numpy.ndarray or NDArray
    flag : int
        1 for three channels, 0 for gray.
    to_rgb : bool
        Whether the channels are red, green and blue, or the other way round as in OpenCV.
    out : NDArray, optional
        An array of the right shape for the result.

    Returns
    -------
    NDArray of uint8, shape (rows, columns, 3) or (rows, columns, 1)

    Raises
    ------
    MXNetError
        The bytes are no picture, or a damaged one.

    Examples
    --------
    >>> import rsym as mx
    >>> record = mx.recordio.pack_img(mx.recordio.IRHeader(0, 0, 0, 0), np.zeros((4, 6, 3), "uint8"))
    >>> imdecode(mx.recordio.unpack(record)[1]).shape
    (4, 6, 3)
    """
    if isinstance(buf, nd.NDArray):
        buf = buf.asnumpy()
    if not isinstance(buf, (bytes, bytearray, np.ndarray)):
        raise ValueError("buf must be bytes, bytearray, numpy.ndarray or NDArray, got %s" % type(buf).__name__)
    if flag not in (0, 1):
        raise MXNetError("flag must be 0 (gray) or 1 (colours), got %r" % (flag,))
    picture = _rsym.decode_picture(bytes(buf), 3 if flag else 1, False)
    return _given(picture if to_rgb or not flag else nd.flip(picture, axis=2), out)


def _given(result, out):
    """The result, in the array `out` if there is one."""
    if out is None:
        return result
    out[:] = result
    return out


def imresize(src, w, h, interp=1, out=None):
    """A picture in another size, with OpenCV's values.

    Parameters
    ----------
    src : NDArray, shape (rows, columns, channels)
        Of type uint8, or any float type.
    w, h : int
    interp : int
        0 nearest, 1 linear, 2 cubic, 3 area, 4 Lanczos; 9 cubic to enlarge, area to shrink, linear otherwise; 10 random.
    out : NDArray, optional

    Returns
    -------
    NDArray, shape (h, w, channels)

    Examples
    --------
    >>> imresize(nd.zeros((4, 6, 3), dtype="uint8"), 3, 2).shape
    (2, 3, 3)
    """
    interp = _get_interp_method(interp, (src.shape[0], src.shape[1], h, w))
    if src.dtype == np.uint8:
        return _given(_rsym.resize_picture(src, h, w, interp), out)
    return _given(nd.image.resize(src, size=(w, h), interp=interp), out)


#: NumPy's names for OpenCV's borders.
_BORDERS = {1: "edge", 2: "symmetric", 3: "wrap", 4: "reflect"}


def copyMakeBorder(src, top, bot, left, right, type=0, value=0.0, values=(), out=None):
    """A picture with more rows and columns around it.

    Parameters
    ----------
    src : NDArray, shape (rows, columns, channels)
    top, bot, left, right : int
    type : int
        What the border has: 0 `value` or `values`; 1 the nearest pixel; 2 the picture mirrored; 3 the picture again; 4 the
        picture mirrored at its outermost pixels.
    value : float
    values : tuple of float
        One for each channel, instead of `value`.
    out : NDArray, optional

    Returns
    -------
    NDArray, shape (top + rows + bot, left + columns + right, channels)

    Examples
    --------
    >>> copyMakeBorder(nd.ones((1, 2, 1)), 0, 0, 1, 1, value=7).asnumpy().ravel()
    array([7., 1., 1., 7.], dtype=float32)
    """
    picture, widths = src.asnumpy(), ((top, bot), (left, right), (0, 0))
    if type in _BORDERS:
        return _given(nd.array(np.pad(picture, widths, _BORDERS[type]), dtype=src.dtype), out)
    if type != 0:
        raise MXNetError("type must be 0 to 4, got %r" % (type,))
    fill = np.resize(np.append(values, np.zeros(4)), picture.shape[2]) if len(values) else value
    shape = (top + picture.shape[0] + bot, left + picture.shape[1] + right, picture.shape[2])
    padded = np.broadcast_to(np.asarray(fill, picture.dtype), shape).copy()
    padded[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return _given(nd.array(padded, dtype=src.dtype), out)


def scale_down(src_size, size):
    """The size of a part, made smaller with its ratio kept until it fits into a picture.

    Parameters
    ----------
    src_size, size : tuple of int
        Width and height of the picture, and of the part.

    Returns
    -------
    tuple of int

    Examples
    --------
    >>> scale_down((640, 480), (720, 120))
    (640, 106)
    """
    (w, h), (most_w, most_h) = size, src_size
    if most_h < h:
        w, h = w * most_h / h, most_h
    if most_w < w:
        w, h = most_w, h * most_w / w
    return int(w), int(h)


def _get_interp_method(interp, sizes=()):
    """The interpolation from 0 to 4 for one that may be 9 or 10; `sizes` are old height and width, new height and width."""
    if interp == 9:
        old_h, old_w, new_h, new_w = sizes or (0, 0, 1, 1)
        grows, shrinks = new_h > old_h and new_w > old_w, new_h < old_h and new_w < old_w
        return 2 if grows else 3 if shrinks else 1
    if interp == 10:
        return random.randint(0, 4)
    if interp not in (0, 1, 2, 3, 4):
        raise ArgumentError("interp must be 0 to 4, 9 or 10, got %r" % (interp,))
    return interp


def resize_short(src, size, interp=2):
    """A picture whose shorter side has `size` pixels; the other keeps its ratio to it, rounded down.

    Parameters
    ----------
    src : NDArray, shape (rows, columns, channels)
    size : int
    interp : int
        See `imresize`.

    Returns
    -------
    NDArray

    Examples
    --------
    >>> resize_short(nd.zeros((40, 61, 3), dtype="uint8"), 20).shape
    (20, 30, 3)
    """
    h, w = src.shape[:2]
    new_h, new_w = (size * h // w, size) if h > w else (size, size * w // h)
    return imresize(src, new_w, new_h, _get_interp_method(interp, (h, w, new_h, new_w)))


def fixed_crop(src, x0, y0, w, h, size=None, interp=2):
    """A part of a picture.

    Parameters
    ----------
    src : NDArray, shape (rows, columns, channels)
    x0, y0 : int
        First column and row.
    w, h : int
        Columns and rows.
    size : tuple of int, optional
        Width and height to bring the part to.
    interp : int
        See `imresize`.

    Returns
    -------
    NDArray
    """
    part = src[y0 : y0 + h, x0 : x0 + w]
    if size is None or (w, h) == tuple(size):
        return part
    return imresize(part, *size, interp=_get_interp_method(interp, (h, w, size[1], size[0])))


def _crop_at(src, size, interp, place):
    """A part of `size`, or of its ratio if the picture is smaller, at the place that `place` takes from what is left over."""
    h, w = src.shape[:2]
    new_w, new_h = scale_down((w, h), size)
    x0, y0 = place(w - new_w), place(h - new_h)
    return fixed_crop(src, x0, y0, new_w, new_h, size, interp), (x0, y0, new_w, new_h)


def random_crop(src, size, interp=2):
    """A part of a picture from a random place; a smaller picture is enlarged.

    Parameters
    ----------
    src : NDArray, shape (rows, columns, channels)
    size : tuple of int
        Width and height.
    interp : int
        See `imresize`.

    Returns
    -------
    NDArray
    tuple of int
        First column and row, columns and rows of the part.
    """
    return _crop_at(src, size, interp, lambda rest: random.randint(0, rest))


def center_crop(src, size, interp=2):
    """The middle of a picture; a smaller picture is enlarged.

    Parameters and results are those of `random_crop`.

    Examples
    --------
    >>> part, where = center_crop(nd.zeros((40, 60, 3), dtype="uint8"), (20, 10))
    >>> part.shape, where
    ((10, 20, 3), (20, 15, 20, 10))
    """
    return _crop_at(src, size, interp, lambda rest: rest // 2)


def random_size_crop(src, size, area, ratio, interp=2, **kwargs):
    """A part of random area and ratio, brought to a size; the middle of the picture if ten of them do not fit.

    Parameters
    ----------
    src : NDArray, shape (rows, columns, channels)
    size : tuple of int
        Width and height.
    area : float or tuple of float
        Least part of the area, or least and greatest.
    ratio : tuple of float
        Least and greatest ratio of width to height.
    interp : int
        See `imresize`.

    Returns
    -------
    NDArray
    tuple of int
        First column and row, columns and rows of the part.
    """
    if "min_area" in kwargs:
        warnings.warn("min_area is now called area", DeprecationWarning, stacklevel=2)
        area = kwargs.pop("min_area")
    if kwargs:
        raise TypeError("random_size_crop has no parameter %s" % ", ".join(kwargs))
    h, w = src.shape[:2]
    least, greatest = (area, 1.0) if isinstance(area, Number) else area
    for _ in range(10):
        target = random.uniform(least, greatest) * h * w
        drawn = np.exp(random.uniform(np.log(ratio[0]), np.log(ratio[1])))
        new_w, new_h = int(round(np.sqrt(target * drawn))), int(round(np.sqrt(target / drawn)))
        if new_w <= w and new_h <= h:
            x0, y0 = random.randint(0, w - new_w), random.randint(0, h - new_h)
            return fixed_crop(src, x0, y0, new_w, new_h, size, interp), (x0, y0, new_w, new_h)
    return center_crop(src, size, interp)


def color_normalize(src, mean, std=None):
    """Subtracts the mean from a float picture and divides it by the deviation, in place.

    Parameters
    ----------
    src : NDArray of a float type, shape (rows, columns, channels)
    mean, std : NDArray or None
        Of a shape that `src` can be combined with.

    Returns
    -------
    NDArray
        `src`.
    """
    if mean is not None:
        src -= mean
    if std is not None:
        src /= std
    return src


def imrotate(src, rotation_degrees, zoom_in=False, zoom_out=False):
    """Pictures turned around their middle, by bilinear sampling; what comes from outside is 0.

    Parameters
    ----------
    src : NDArray of float32, shape (channels, rows, columns) or (n, channels, rows, columns)
    rotation_degrees : float or NDArray
        One angle, or one for each picture.
    zoom_in : bool
        Whether the result shows nothing from outside.
    zoom_out : bool
        Whether the result shows all of the picture.

    Returns
    -------
    NDArray
        Of the shape of `src`.
    """
    if zoom_in and zoom_out:
        raise ValueError("zoom_in and zoom_out cannot both be true")
    if src.dtype != np.float32:
        raise TypeError("src must be float32, got %s" % np.dtype(src.dtype).name)
    if src.ndim == 3:
        if not isinstance(rotation_degrees, Number):
            raise TypeError("one picture has one angle, got %s" % type(rotation_degrees).__name__)
        return imrotate(src.expand_dims(0), rotation_degrees, zoom_in, zoom_out)[0]
    if src.ndim != 4:
        raise ValueError("src must have 3 or 4 axes, got %d" % src.ndim)
    count = src.shape[0]
    if isinstance(rotation_degrees, Number):
        rotation_degrees = nd.array([rotation_degrees] * count)
    if len(rotation_degrees) != count:
        raise ValueError("there are %d pictures, but %d angles" % (count, len(rotation_degrees)))
    angles = np.radians(rotation_degrees.asnumpy().astype(np.float32))[:, None, None]
    return nd.BilinearSampler(src, nd.array(_turned_grid(angles, src.shape[2:], zoom_in, zoom_out)))


def _turned_grid(angles, shape, zoom_in, zoom_out):
    """Where the pixels of turned pictures come from, from -1 to 1: shape (n, 2, rows, columns)."""
    h, w = shape
    half_h, half_w = (h - 1) / 2, (w - 1) / 2
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    y, x = y - half_h, x - half_w
    cos, sin = np.cos(angles), np.sin(angles)
    grid = np.stack([(x * cos - y * sin) / half_w, (x * sin + y * cos) / half_h], axis=1)
    if not (zoom_in or zoom_out):
        return grid
    # Half of the diagonal, and the angles that it has with the axes after turning.
    diagonal, corner = np.hypot(h, w), np.arctan2(h, w)
    reach = [np.abs(angles) + corner, corner - np.abs(angles)]
    width = diagonal * np.max([np.abs(np.cos(a)) for a in reach], axis=0)
    height = diagonal * np.max([np.abs(np.sin(a)) for a in reach], axis=0)
    factor = np.maximum(width / w, height / h) if zoom_out else np.minimum(w / width, h / height)
    return grid * factor[:, None]


def random_rotate(src, angle_limits, zoom_in=False, zoom_out=False):
    """Pictures turned by random angles; see `imrotate`.

    Parameters
    ----------
    src : NDArray of float32
    angle_limits : tuple of float
        Least and greatest angle, in degrees.

    Returns
    -------
    NDArray
    """
    if src.ndim == 3:
        return imrotate(src, np.random.uniform(*angle_limits), zoom_in, zoom_out)
    return imrotate(src, nd.array(np.random.uniform(*angle_limits, size=src.shape[0])), zoom_in, zoom_out)
