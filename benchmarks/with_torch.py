"""What PyTorch does in the benchmark: eager mode, the fastest of its ways to compute the same."""

import time
import warnings

import numpy as np
import torch
import torch.nn.functional as F

import cases_graph
import torch_nets

RATE = 0.01


class Library:
    def __init__(self, name, threads):
        warnings.filterwarnings("ignore")
        torch.set_num_threads(threads)
        self.version = torch.__version__
        self.train_once()

    @staticmethod
    def train_once():
        """Loads the parts of PyTorch that come with the first backward pass: they are no memory of a case."""
        weight = torch.ones(2, 2, requires_grad=True)
        optimizer = torch.optim.SGD([weight], lr=RATE)
        (weight @ weight).sum().backward()
        optimizer.step()

    def function(self, name):
        return cases_graph.torch_functions(torch)[name]()

    def inference(self, net, path):
        return fastest(Inference, net, path)

    def training(self, net, path):
        return fastest(Training, net, path)

    def export(self, net, path, target):
        """Writes the net as ONNX for ONNX Runtime; one file for each of its variants, whose names are returned."""
        found = {}
        for variant in variants(net):
            bound = Inference(net, path, variant, torch.contiguous_format)
            file = "%s.%d.onnx" % (target, len(found))
            names = list(net.data)
            torch.onnx.export(bound.whole, bound.inputs, file, input_names=names, dynamo=False, opset_version=17)
            found[variant or "exported"] = file
        return found


def variants(net):
    return getattr(getattr(torch_nets, net.torch), "VARIANTS", (None,))


def fastest(kind, net, path, trials=4):
    """The fastest of the net's variants and of the two layouts of images, tried in turn."""
    formats = [torch.contiguous_format]
    if len(net.data["data"]) == 4:
        formats.append(torch.channels_last)
    found = [kind(net, path, variant, layout) for variant in variants(net) for layout in formats]
    if len(found) == 1:
        return found[0]
    best = [float("inf")] * len(found)
    for trial in range(trials):
        for k, bound in enumerate(found):
            begin = time.perf_counter()
            bound.step()
            best[k] = min(best[k], time.perf_counter() - begin) if trial else best[k]
    chosen = found[best.index(min(best))]
    chosen.fill(path)
    return chosen


class Bound:
    """A net in one variant and one layout, filled with its values."""

    def __init__(self, net, path, variant, layout):
        self.net = net
        self.model = getattr(torch_nets, net.torch)(*[variant] if variant else [])
        self.layout = layout
        last = layout is torch.channels_last
        self.variant = variant or (("channels_last" if last else "NCHW") if len(net.data["data"]) == 4 else None)
        self.fill(path)

    def fill(self, path):
        with np.load(path) as stored, torch.no_grad():
            for name, array in self.named_arrays():
                array.copy_(torch.from_numpy(stored[name].reshape(array.shape)))
            self.inputs = tuple(self.arranged(torch.from_numpy(stored[name])) for name in self.net.data)
            if self.net.loss:
                label = torch.from_numpy(stored["label"])
                self.label = label.long() if self.net.loss == "softmax" else label
        self.model.to(memory_format=self.layout)

    def arranged(self, array):
        return array.contiguous(memory_format=self.layout) if array.ndim == 4 else array

    def named_arrays(self):
        """Parameters and buffers by the name in the symbol."""
        arrays = {**dict(self.model.named_parameters()), **dict(self.model.named_buffers())}
        named = ((torch_nets.parameter_name(self.model, name), array) for name, array in arrays.items())
        return [(name, array) for name, array in named if name]

    def planned_bytes(self):
        return None


class WithSoftmax(torch.nn.Module):
    """A classifier's probabilities."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, *inputs):
        return F.softmax(self.model(*inputs), -1)


class Inference(Bound):
    def fill(self, path):
        super().fill(path)
        self.model.eval()
        self.whole = WithSoftmax(self.model) if self.net.loss == "softmax" else self.model

    def step(self):
        with torch.inference_mode():
            self.output = self.whole(*self.inputs)

    def result(self):
        return {"output": self.output.numpy()}


class Training(Bound):
    def fill(self, path):
        super().fill(path)
        self.model.train()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=RATE)

    def step(self):
        self.optimizer.zero_grad()
        output = self.model(*self.inputs)
        loss = F.cross_entropy(output, self.label) if self.net.loss == "softmax" else F.mse_loss(output, self.label) / 2
        loss.backward()
        self.optimizer.step()

    def result(self):
        return {n: a.detach().numpy() for n, a in self.named_arrays() if not n.endswith("moving_var")}
