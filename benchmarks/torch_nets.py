"""The networks of `nets.py` in torch.nn, written as a PyTorch user would; parameters keep the names of the symbols.

A class may have `VARIANTS`: names of other ways to compute the same that PyTorch offers. All are tried, the fastest is measured.
`parameter_name` tells under which name of the symbol's a parameter of a module is known.
"""

import torch
import torch.nn.functional as F
from torch import nn

from nets import MOBILENET

# The end of a parameter's name by the kind of its module.
NORM = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_var"}
RECURRENT = {"weight_ih_l0": "i2h_weight", "bias_ih_l0": "i2h_bias", "weight_hh_l0": "h2h_weight", "bias_hh_l0": "h2h_bias"}


def parameter_name(net, name):
    """The symbol's name of a parameter or buffer of a net: None for PyTorch's own counters."""
    owner, last = name.rsplit(".", 1)
    module = net.get_submodule(owner)
    if last == "num_batches_tracked":
        return None
    if isinstance(module, (nn.BatchNorm2d, nn.LayerNorm)):
        last = NORM[last]
    elif isinstance(module, nn.LSTM):
        last = RECURRENT[last]
    return owner.replace(".", "_") + "_" + last


class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(784, 512)
        self.fc2 = nn.Linear(512, 256)
        self.head = nn.Linear(256, 10)

    def forward(self, x):
        return self.head(F.relu(self.fc2(F.relu(self.fc1(x)))))


class Towers(nn.Module):
    def __init__(self, count=8, depth=6, width=64):
        super().__init__()
        names = [["tower%d_fc%d" % (k + 1, i + 1) for i in range(depth)] for k in range(count)]
        self.towers = names
        for name in sum(names, []):
            self.add_module(name, nn.Linear(width, width))
        self.head = nn.Linear(count * width, 10)

    def forward(self, x):
        ends = []
        for names in self.towers:
            end = x
            for name in names:
                end = torch.tanh(getattr(self, name)(end))
            ends.append(end)
        return self.head(torch.cat(ends, 1))


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 20, 5)
        self.conv2 = nn.Conv2d(20, 50, 5)
        self.fc1 = nn.Linear(800, 500)
        self.head = nn.Linear(500, 10)

    def forward(self, x):
        x = F.max_pool2d(torch.tanh(self.conv1(x)), 2)
        x = F.max_pool2d(torch.tanh(self.conv2(x)), 2)
        return self.head(torch.tanh(self.fc1(x.flatten(1))))


class ConvNorm(nn.Module):
    """Convolutions each followed by BatchNorm, as modules `name` and `name_bn` of the owner."""

    def add(self, name, inputs, filters, kernel, stride=1, groups=1):
        conv = nn.Conv2d(inputs, filters, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.add_module(name, conv)
        self.add_module(name + "_bn", nn.BatchNorm2d(filters, eps=1e-5, momentum=0.1))

    def apply_one(self, name, x):
        return getattr(self, name + "_bn")(getattr(self, name)(x))


class ResidualUnit(ConvNorm):
    def __init__(self, inputs, width, stride, bottleneck, project):
        super().__init__()
        self.count = 3 if bottleneck else 2
        outputs = 4 * width if bottleneck else width
        if bottleneck:
            self.add("conv1", inputs, width, 1)
            self.add("conv2", width, width, 3, stride)
            self.add("conv3", width, outputs, 1)
        else:
            self.add("conv1", inputs, width, 3, stride)
            self.add("conv2", width, width, 3)
        self.project = project
        if project:
            self.add("short", inputs, outputs, 1, stride)

    def forward(self, x):
        y = x
        for k in range(1, self.count):
            y = F.relu(self.apply_one("conv%d" % k, y), inplace=True)
        y = self.apply_one("conv%d" % self.count, y)
        return F.relu(y + (self.apply_one("short", x) if self.project else x), inplace=True)


class ResNet(ConvNorm):
    def __init__(self, units, bottleneck):
        super().__init__()
        self.add("conv0", 3, 64, 7, 2)
        self.units, inputs = [], 64
        for stage, count in enumerate(units):
            width = 64 << stage
            outputs = 4 * width if bottleneck else width
            for k in range(count):
                unit = ResidualUnit(inputs, width, 2 if stage and not k else 1, bottleneck, not k and (bottleneck or stage > 0))
                self.units.append("stage%d_unit%d" % (stage + 1, k + 1))
                self.add_module(self.units[-1], unit)
                inputs = outputs
        self.head = nn.Linear(inputs, 1000)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.apply_one("conv0", x), inplace=True), 3, 2, 1)
        for name in self.units:
            x = getattr(self, name)(x)
        return self.head(F.adaptive_avg_pool2d(x, 1).flatten(1))


class ResNet18(ResNet):
    def __init__(self):
        super().__init__((2, 2, 2, 2), False)


class ResNet50(ResNet):
    def __init__(self):
        super().__init__((3, 4, 6, 3), True)


class VGG16(nn.Module):
    def __init__(self):
        super().__init__()
        self.stages, inputs = [], 3
        for stage, (count, filters) in enumerate(((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))):
            self.stages.append(["conv%d_%d" % (stage + 1, k + 1) for k in range(count)])
            for name in self.stages[-1]:
                self.add_module(name, nn.Conv2d(inputs, filters, 3, padding=1))
                inputs = filters
        self.fc6 = nn.Linear(512 * 49, 4096)
        self.fc7 = nn.Linear(4096, 4096)
        self.head = nn.Linear(4096, 1000)

    def forward(self, x):
        for stage in self.stages:
            for name in stage:
                x = F.relu(getattr(self, name)(x), inplace=True)
            x = F.max_pool2d(x, 2)
        x = F.relu(self.fc6(x.flatten(1)), inplace=True)
        return self.head(F.relu(self.fc7(x), inplace=True))


class MobileNet(ConvNorm):
    def __init__(self):
        super().__init__()
        self.names, width = ["conv0"], 32
        self.add("conv0", 3, width, 3, 2)
        for k, (filters, stride) in enumerate(MOBILENET):
            names = ["block%d_depth" % (k + 1), "block%d_point" % (k + 1)]
            self.add(names[0], width, width, 3, stride, groups=width)
            self.add(names[1], width, filters, 1)
            self.names += names
            width = filters
        self.head = nn.Linear(width, 1000)

    def forward(self, x):
        for name in self.names:
            x = F.relu(self.apply_one(name, x), inplace=True)
        return self.head(F.adaptive_avg_pool2d(x, 1).flatten(1))


class LSTM(nn.Module):
    """By PyTorch's own LSTM, or one step after the other as the symbol has it."""

    VARIANTS = ("nn.LSTM", "cells")

    def __init__(self, variant="nn.LSTM"):
        super().__init__()
        self.variant = variant
        if variant == "nn.LSTM":
            self.lstm = nn.LSTM(128, 256)
        else:
            self.lstm_i2h, self.lstm_h2h = nn.Linear(128, 1024), nn.Linear(256, 1024)
        self.head = nn.Linear(256, 10)

    def forward(self, x, state, cell):
        if self.variant == "nn.LSTM":
            return self.head(self.lstm(x, (state[None], cell[None]))[0][-1])
        for step in x.unbind(0):
            into, forget, new, out = (self.lstm_i2h(step) + self.lstm_h2h(state)).chunk(4, 1)
            cell = torch.sigmoid(forget) * cell + torch.sigmoid(into) * torch.tanh(new)
            state = torch.sigmoid(out) * torch.tanh(cell)
        return self.head(state)


class TransformerLayer(nn.Module):
    def __init__(self, width, heads, fused):
        super().__init__()
        self.heads, self.fused = heads, fused
        self.query, self.key, self.value, self.proj = (nn.Linear(width, width) for _ in range(4))
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-5), nn.LayerNorm(width, eps=1e-5)
        self.ffn1, self.ffn2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        parts = (f(x).unflatten(2, (self.heads, -1)).transpose(1, 2) for f in (self.query, self.key, self.value))
        query, key, value = parts
        if self.fused:
            mixed = F.scaled_dot_product_attention(query, key, value)
        else:
            mixed = F.softmax((query * query.shape[-1] ** -0.5) @ key.transpose(2, 3), -1) @ value
        x = self.norm1(x + self.proj(mixed.transpose(1, 2).flatten(2)))
        return self.norm2(x + self.ffn2(F.relu(self.ffn1(x))))


class Transformer(nn.Module):
    """With PyTorch's fused attention, or spelled out."""

    VARIANTS = ("fused attention", "plain")

    def __init__(self, variant="fused attention"):
        super().__init__()
        self.layer1, self.layer2 = (TransformerLayer(256, 4, variant == "fused attention") for _ in range(2))

    def forward(self, x):
        return self.layer2(self.layer1(x))


class Elementwise(nn.Module):
    def forward(self, x, y):
        for _ in range(5):
            x = F.relu(x * y + 1.0) * 0.5
            x = torch.exp(torch.square(x - y) * -0.1)
        return x
