"""What training costs besides forward and backward: fetching and copying batches, updates, metric, and the loop itself.

An MLP (784-128-64-10) is trained on batches of 64 by `Module.fit`, from `NDArrayIter`, by gradient descent with momentum, with
`Accuracy`. The time of an epoch less that of as many forward and backward passes, waited for, is the loop's own.

    python benchmarks/run.py --only 'training loop*' --mxnet PYTHON
"""

import logging
import time
import warnings

import numpy as np

BATCH = 64
BATCHES = 50


class Loop:
    """The loop of `rsym` or `mxnet`; `burst` measures it."""

    def __init__(self, mx):
        logging.disable(logging.CRITICAL)
        warnings.simplefilter("ignore")
        self.mx = mx
        random = np.random.RandomState(0)
        x = random.rand(BATCH * BATCHES, 784).astype("float32")
        y = random.randint(0, 10, len(x)).astype("float32")
        self.data = mx.io.NDArrayIter(x, y, BATCH)
        self.module = mx.mod.Module(mlp(mx))
        self.fit()
        self.executor = self.module._exec_group.execs[0]

    def __call__(self):
        self.fit()

    def fit(self):
        """An epoch."""
        self.data.reset()
        rates = {"learning_rate": 0.01, "momentum": 0.9}
        self.module.fit(self.data, num_epoch=1, eval_metric="acc", optimizer="sgd", optimizer_params=rates)
        self.mx.nd.waitall()

    def passes(self):
        """As many forward and backward passes, each waited for."""
        for _ in range(BATCHES):
            self.executor.forward(is_train=True)
            self.executor.backward()
            self.mx.nd.waitall()

    def burst(self, seconds):
        """The loop's own seconds for a batch, measured again and again for so long."""
        found, spent = [], 0.0
        while spent < seconds or not found:
            whole, passes = timed(self.fit), timed(self.passes)
            found.append(max(whole - passes, 0.0) / BATCHES)
            spent += whole + passes
        return found


def timed(call):
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def mlp(mx):
    net = mx.sym.Variable("data")
    for number, width in enumerate((128, 64)):
        net = mx.sym.FullyConnected(net, num_hidden=width, name="fc%d" % number)
        net = mx.sym.Activation(net, act_type="relu")
    return mx.sym.SoftmaxOutput(mx.sym.FullyConnected(net, num_hidden=10, name="fc2"), name="softmax")
