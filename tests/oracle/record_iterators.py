"""Records what MXNet's iterators and decoder give: ``python tests/oracle/record_iterators.py``, where `import mxnet` works."""

import os
import sys
import tempfile

import mxnet
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import iterators  # noqa: E402

with tempfile.TemporaryDirectory() as folder:
    found = {name: np.asarray(array) for name, array in iterators.results(mxnet, folder)}
# All values are small whole numbers or halves of them, but for those of one case.
small = {name: a.astype(np.uint8) if (a == a.astype(np.uint8)).all() else a for name, a in found.items()}
np.savez_compressed(os.path.join(HERE, "recorded", "iterators.npz"), **small)
