"""What rsym and MXNet do in the benchmark: both have the same interface, so both run this."""

import importlib
import re

import numpy as np

import cases_graph
from loop import Loop
from nets import values

RATE = 0.01


class Library:
    """`rsym` or `mxnet`, by name."""

    def __init__(self, name, threads):
        self.mx = importlib.import_module(name)
        if name == "rsym" and hasattr(self.mx, "set_num_threads"):
            self.mx.set_num_threads(threads)
        self.version = self.mx.__version__

    def function(self, name):
        """A case of `cases_graph.py`."""
        return cases_graph.functions(self.mx)[name]()

    def loop(self):
        """The training loop of `loop.py`."""
        return Loop(self.mx)

    def write_values(self, net, path):
        """First values of all arguments and states of a net, for every library to start from."""
        symbol = net.symbol(self.mx)
        arg_shapes, _, aux_shapes = symbol.infer_shape(**net.data)
        names = symbol.list_arguments() + symbol.list_auxiliary_states()
        shapes = dict(zip(names, arg_shapes + aux_shapes))
        np.savez(path, **{name: values(name, shape, net.classes) for name, shape in shapes.items()})

    def inference(self, net, path, grouped=True):
        return Inference(self.mx, net, path, grouped)

    def training(self, net, path, grouped=True):
        return Training(self.mx, net, path, grouped)


class Bound:
    """A net that is bound and filled with its values, its groups on devices of their own if `grouped`."""

    def __init__(self, mx, net, path, requests, grouped):
        self.mx, self.net = mx, net
        inputs = {**net.data, **net.label()}
        self.symbol = net.symbol(mx)
        if requests:
            requests = {name: "null" if name in inputs else "write" for name in self.symbol.list_arguments()}
        devices = {"group2ctx": net.devices(mx)} if net.groups and grouped else {}
        self.executor = self.symbol.simple_bind(mx.cpu(), grad_req=requests or "null", **devices, **inputs)
        self.parameters = [name for name in self.executor.arg_dict if name not in inputs]
        with np.load(path) as stored:
            for name, array in (*self.executor.arg_dict.items(), *self.executor.aux_dict.items()):
                array[:] = stored[name]
        mx.nd.waitall()

    def planned_bytes(self):
        """Bytes planned for intermediate values, as far as `debug_str` tells; MXNet tells whole MiB."""
        text = self.executor.debug_str()
        exact = re.search(r"Planned (\d+) bytes", text)
        if exact:
            return int(exact.group(1))
        rough = re.search(r"Total (\d+) MB allocated", text)
        return int(rough.group(1)) << 20 if rough else None


class Inference(Bound):
    """Forward passes without gradients."""

    variant = None

    def __init__(self, mx, net, path, grouped):
        super().__init__(mx, net, path, None, grouped)

    def step(self):
        self.executor.forward(is_train=False)
        self.executor.outputs[0].wait_to_read()

    def result(self):
        return {"output": self.executor.outputs[0].asnumpy()}


class Training(Bound):
    """Forward and backward passes, each followed by an update of every parameter by gradient descent."""

    variant = None

    def __init__(self, mx, net, path, grouped):
        super().__init__(mx, net, path, True, grouped)
        self.pairs = [(self.executor.arg_dict[n], self.executor.grad_dict[n]) for n in self.parameters]
        self.update = getattr(mx.nd, "sgd_update", None) or self.plain_update

    @staticmethod
    def plain_update(weight, grad, out, lr, rescale_grad):
        out[:] = weight - grad * (lr * rescale_grad)

    def step(self):
        self.executor.forward(is_train=True)
        self.executor.backward()
        for weight, grad in self.pairs:
            self.update(weight, grad, out=weight, lr=RATE, rescale_grad=1 / self.net.batch)
        self.mx.nd.waitall()

    def result(self):
        """All parameters, and the moving means of BatchNorm (PyTorch divides the variance by another number)."""
        means = [n for n in self.executor.aux_dict if n.endswith("moving_mean")]
        found = {n: self.executor.arg_dict[n] for n in self.parameters} | {n: self.executor.aux_dict[n] for n in means}
        return {name: array.asnumpy() for name, array in found.items()}
