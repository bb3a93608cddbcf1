"""Checks for operators and symbols: gradients against finite differences, values within tolerances.

The names, signatures and tolerances are those of `mxnet.test_utils`, spellings of 0.8 and 0.9 included, as far as
they concern dense arrays. A failed check is an AssertionError that tells the worst elements; nothing is printed.

Examples
--------
>>> import numpy as np
>>> import rsym as mx
>>> x, y = mx.sym.Variable("x"), mx.sym.Variable("y")
>>> a, b = np.ones((2, 3)), np.full((2, 3), 2.0)
>>> _ = check_symbolic_forward(x * y, [a, b], [a * b])
>>> check_numeric_gradient(x * y, [a, b])
"""

# ruff: noqa: F401, F403
import logging
import sys

import numpy as np
import numpy.testing as npt

from ..ndarray import array
from ..util import getenv, setenv, use_np
from ._compare import *
from ._consistency import *
from ._datasets import *
from ._gradient import *
from ._matrices import *
from ._process import *
from ._sample import *
from ._statistics import *
from ._symbolic import *
from ._symbolic import _parse_aux_states, _parse_location
from ._tolerance import *

# No __all__: scripts that say `from mxnet.test_utils import *` take np, npt, array, logging and sys from here too.
