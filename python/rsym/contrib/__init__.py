"""Contributed operators under the names of MXNet's early versions.

`rsym.contrib.nd` (also `ndarray`) offers what `rsym.nd.contrib` offers, `rsym.contrib.sym` (also `symbol`) what
`rsym.sym.contrib` does.

Examples
--------
Of boxes that overlap, the one with the highest score stays:

>>> import rsym as mx
>>> boxes = mx.nd.array([[0.5, 0, 0, 2, 2], [0.4, 0, 0, 2, 1.9], [0.6, 5, 5, 7, 8]])
>>> mx.contrib.nd.box_nms(boxes, coord_start=1, score_index=0).asnumpy()[:, 0].tolist()
[0.6000000238418579, 0.5, -1.0]
"""

from . import autograd, ndarray, symbol
from . import ndarray as nd
from . import symbol as sym

__all__ = ["autograd", "nd", "ndarray", "sym", "symbol"]
