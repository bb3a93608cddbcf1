"""Data for training and prediction, batch by batch.

Examples
--------
>>> import rsym as mx
>>> it = mx.io.NDArrayIter({"data": mx.nd.ones((10, 3))}, {"softmax_label": mx.nd.zeros((10,))}, batch_size=5)
>>> it.provide_data[0].shape, len(list(it))
((5, 3), 2)
"""

from . import _arrays, _around, _base, _native, _records
from ._base import *
from ._arrays import *
from ._around import *
from ._native import *
from ._records import *

__all__ = _base.__all__ + _arrays.__all__ + _around.__all__ + _native.__all__ + _records.__all__
