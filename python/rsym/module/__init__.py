"""Modules: symbols with parameters, devices and an optimizer, ready to be trained and used.

Examples
--------
>>> import numpy as np
>>> import rsym as mx
>>> net = mx.sym.LinearRegressionOutput(mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=1), name="lin")
>>> x = np.random.RandomState(0).rand(64, 2).astype("float32")
>>> data = mx.io.NDArrayIter(x, x @ [2.0, -1.0], batch_size=16, label_name="lin_label")
>>> module = mx.mod.Module(net, label_names=["lin_label"])
>>> module.fit(data, eval_metric="mse", optimizer_params={"learning_rate": 0.5, "momentum": 0.9}, num_epoch=30)
>>> module.score(data, "mse")[0][1] < 1e-3
True
"""

from .base_module import BaseModule
from .bucketing_module import BucketingModule
from .module import Module
from .python_module import PythonLossModule, PythonModule
from .sequential_module import SequentialModule

__all__ = ["BaseModule", "Module", "BucketingModule", "SequentialModule", "PythonModule", "PythonLossModule"]
