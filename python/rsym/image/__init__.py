"""Pictures: reading, resizing and cropping them, augmenters, and an iterator over files of them.

Pictures are NDArrays of uint8 with the axes rows, columns and channels (red, green, blue). Random choices are drawn from Python's
`random` and NumPy's `numpy.random`, in MXNet's order: after the same seeds both choose the same.

`rsym.io.ImageRecordIter` is faster: it decodes and changes pictures in Rust, by several threads.

Examples
--------
>>> import numpy as np
>>> import rsym as mx
>>> picture = mx.nd.array(np.zeros((48, 64, 3)), dtype="uint8")
>>> mx.image.resize_short(picture, 24).shape
(24, 32, 3)
"""

from . import _augment, _detection, _iter, _picture, detection, image
from . import detection as det
from ._picture import *
from ._augment import *
from ._iter import *
from ._detection import *

__all__ = _picture.__all__ + _augment.__all__ + _iter.__all__ + _detection.__all__
