"""The networks, as symbols: written once for every module `mx` with MXNet's interface, and their first weights.

`NETS` maps a name to a `Net`. `torch_nets.py` has the same networks with the same names of parameters.
"""

import contextlib
import zlib
from typing import Callable, NamedTuple

import numpy as np


class Net(NamedTuple):
    """A network that is measured.

    `body(mx)` gives the symbol without its loss; `loss` is "softmax", "squared" or None for a network that is not trained;
    `torch` is the class in `torch_nets.py`; `classes` tells how many values the label of a "softmax" has; `groups` are those
    of its operators that get a device each.
    """

    body: Callable
    torch: str
    batch: int
    data: dict
    loss: str | None = None
    classes: int = 0
    groups: tuple = ()

    def symbol(self, mx):
        """The network with its loss."""
        body = self.body(mx)
        if self.loss == "softmax":
            return self._loss(mx, mx.sym.SoftmaxOutput, body)
        if self.loss == "squared":
            return self._loss(mx, mx.sym.LinearRegressionOutput, body)
        return body

    def _loss(self, mx, op, body):
        with mx.AttrScope(ctx_group=self.groups[-1]) if self.groups else contextlib.nullcontext():
            return op(body, mx.sym.Variable("label"), name="loss")

    def devices(self, mx):
        """The device of each group."""
        return {group: mx.cpu(k) for k, group in enumerate(self.groups)}

    def label(self):
        """The shape of the label by name; nothing without a loss."""
        if self.loss is None:
            return {}
        return {"label": (self.batch,) if self.loss == "softmax" else self.data["data"]}


def values(name, shape, classes=0):
    """The value of an input, by its name alone, so that signals stay of order one from layer to layer."""
    random = np.random.RandomState(zlib.crc32(name.encode()) & 0x7FFFFFFF)
    if name == "label" and classes:
        return random.randint(0, classes, shape).astype("float32")
    if name.endswith("moving_var"):
        return random.uniform(0.8, 1.2, shape).astype("float32")
    if name.endswith("gamma"):
        return random.uniform(0.3, 0.7, shape).astype("float32")
    if name.endswith(("bias", "beta", "moving_mean")):
        return random.uniform(-0.1, 0.1, shape).astype("float32")
    if name.endswith("weight"):
        scale = 1.0 if name.startswith("head") else 2.0
        return (random.standard_normal(shape) * np.sqrt(scale / np.prod(shape[1:]))).astype("float32")
    return random.uniform(-1, 1, shape).astype("float32")


def _conv_bn(sym, data, filters, kernel, stride, name, groups=1, relu=True):
    """Convolution, BatchNorm and, mostly, ReLU; the padding keeps the size at stride 1."""
    body = sym.Convolution(
        data,
        num_filter=filters,
        kernel=(kernel, kernel),
        stride=(stride, stride),
        pad=(kernel // 2, kernel // 2),
        num_group=groups,
        no_bias=True,
        name=name,
    )
    body = sym.BatchNorm(body, fix_gamma=False, eps=1e-5, momentum=0.9, name=name + "_bn")
    return sym.Activation(body, act_type="relu") if relu else body


def mlp(mx):
    """784-512-256-10."""
    sym, body = mx.sym, mx.sym.Variable("data")
    for k, width in enumerate((512, 256)):
        body = sym.Activation(sym.FullyConnected(body, num_hidden=width, name="fc%d" % (k + 1)), act_type="relu")
    return sym.FullyConnected(body, num_hidden=10, name="head")


def lenet(mx):
    """LeCun et al. 1998, in the form of MXNet's examples."""
    sym, body = mx.sym, mx.sym.Variable("data")
    for k, filters in enumerate((20, 50)):
        body = sym.Convolution(body, num_filter=filters, kernel=(5, 5), name="conv%d" % (k + 1))
        body = sym.Activation(body, act_type="tanh")
        body = sym.Pooling(body, kernel=(2, 2), stride=(2, 2), pool_type="max")
    body = sym.Activation(sym.FullyConnected(sym.Flatten(body), num_hidden=500, name="fc1"), act_type="tanh")
    return sym.FullyConnected(body, num_hidden=10, name="head")


def resnet(mx, units, bottleneck, classes=1000):
    """He et al. 2015; the stride is in the 3x3 convolution, as everybody has it now."""
    sym = mx.sym
    body = _conv_bn(sym, sym.Variable("data"), 64, 7, 2, "conv0")
    body = sym.Pooling(body, kernel=(3, 3), stride=(2, 2), pad=(1, 1), pool_type="max")
    for stage, count in enumerate(units):
        width = 64 << stage
        for k in range(count):
            name, stride = "stage%d_unit%d" % (stage + 1, k + 1), 2 if stage and not k else 1
            if bottleneck:
                branch = _conv_bn(sym, body, width, 1, 1, name + "_conv1")
                branch = _conv_bn(sym, branch, width, 3, stride, name + "_conv2")
                branch = _conv_bn(sym, branch, 4 * width, 1, 1, name + "_conv3", relu=False)
            else:
                branch = _conv_bn(sym, body, width, 3, stride, name + "_conv1")
                branch = _conv_bn(sym, branch, width, 3, 1, name + "_conv2", relu=False)
            if not k and (bottleneck or stage):
                body = _conv_bn(sym, body, 4 * width if bottleneck else width, 1, stride, name + "_short", relu=False)
            body = sym.Activation(branch + body, act_type="relu")
    body = sym.Flatten(sym.Pooling(body, global_pool=True, kernel=(7, 7), pool_type="avg"))
    return sym.FullyConnected(body, num_hidden=classes, name="head")


def vgg16(mx):
    """Simonyan and Zisserman 2014, without its Dropout, whose draws no two libraries share."""
    sym, body = mx.sym, mx.sym.Variable("data")
    for stage, (count, filters) in enumerate(((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))):
        for k in range(count):
            name = "conv%d_%d" % (stage + 1, k + 1)
            body = sym.Convolution(body, num_filter=filters, kernel=(3, 3), pad=(1, 1), name=name)
            body = sym.Activation(body, act_type="relu")
        body = sym.Pooling(body, kernel=(2, 2), stride=(2, 2), pool_type="max")
    body = sym.Flatten(body)
    for name in ("fc6", "fc7"):
        body = sym.Activation(sym.FullyConnected(body, num_hidden=4096, name=name), act_type="relu")
    return sym.FullyConnected(body, num_hidden=1000, name="head")


# Filters and stride of the 13 depthwise-separable blocks.
MOBILENET = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5, (1024, 2), (1024, 1))


def mobilenet(mx):
    """Howard et al. 2017 (version 1), width 1."""
    sym, width = mx.sym, 32
    body = _conv_bn(sym, sym.Variable("data"), width, 3, 2, "conv0")
    for k, (filters, stride) in enumerate(MOBILENET):
        body = _conv_bn(sym, body, width, 3, stride, "block%d_depth" % (k + 1), groups=width)
        body = _conv_bn(sym, body, filters, 1, 1, "block%d_point" % (k + 1))
        width = filters
    body = sym.Flatten(sym.Pooling(body, global_pool=True, kernel=(7, 7), pool_type="avg"))
    return sym.FullyConnected(body, num_hidden=1000, name="head")


class LstmLayer:
    """Weights and state of a layer; a call is a step."""

    def __init__(self, mx, hidden, name="lstm", prefix=""):
        self.sym, self.hidden = mx.sym, hidden
        self.weights = [mx.sym.Variable(name + part) for part in ("_i2h_weight", "_i2h_bias", "_h2h_weight", "_h2h_bias")]
        self.state, self.cell = mx.sym.Variable(prefix + "state"), mx.sym.Variable(prefix + "cell")

    def __call__(self, data):
        sym = self.sym
        i2h_weight, i2h_bias, h2h_weight, h2h_bias = self.weights
        gates = sym.FullyConnected(data, i2h_weight, i2h_bias, num_hidden=4 * self.hidden)
        gates = gates + sym.FullyConnected(self.state, h2h_weight, h2h_bias, num_hidden=4 * self.hidden)
        into, forget, new, out = sym.SliceChannel(gates, num_outputs=4)
        self.cell = sym.sigmoid(forget) * self.cell + sym.sigmoid(into) * sym.tanh(new)
        self.state = sym.sigmoid(out) * sym.tanh(self.cell)
        return self.state


def lstm(mx, steps=32, hidden=256):
    """An LSTM unrolled over the first axis of its data; classifies from the last state."""
    layer = LstmLayer(mx, hidden)
    inputs = mx.sym.SliceChannel(mx.sym.Variable("data"), num_outputs=steps, axis=0, squeeze_axis=True)
    for t in range(steps):
        layer(inputs[t])
    return mx.sym.FullyConnected(layer.state, num_hidden=10, name="head")


def grouped_lstm(mx, steps=32, hidden=256):
    """Two layers of LSTM, each a group of its own: one works on a step while the other is at the next."""
    layers = []
    for group in LAYERS:
        with mx.AttrScope(ctx_group=group):
            layers.append(LstmLayer(mx, hidden, group, group + "_"))
    with mx.AttrScope(ctx_group=LAYERS[0]):
        inputs = mx.sym.SliceChannel(mx.sym.Variable("data"), num_outputs=steps, axis=0, squeeze_axis=True)
    for t in range(steps):
        body = inputs[t]
        for group, layer in zip(LAYERS, layers):
            with mx.AttrScope(ctx_group=group):
                body = layer(body)
    with mx.AttrScope(ctx_group=LAYERS[1]):
        return mx.sym.FullyConnected(body, num_hidden=10, name="head")


def transformer(mx, layers=2, width=256, heads=4):
    """Encoder layers of Vaswani et al. 2017: normalised after each addition, ReLU between."""
    sym, body = mx.sym, mx.sym.Variable("data")

    def dense(data, size, name):
        return sym.FullyConnected(data, num_hidden=size, flatten=False, name=name)

    def split(data):
        """(batch, time, width) to (batch * heads, time, width / heads)."""
        return sym.reshape(sym.transpose(sym.reshape(data, shape=(0, 0, heads, -1)), axes=(0, 2, 1, 3)), shape=(-3, 0, 0))

    def join(data):
        parts = sym.reshape(data, shape=(-4, -1, heads, 0, 0))
        return sym.reshape(sym.transpose(parts, axes=(0, 2, 1, 3)), shape=(0, 0, -3))

    for k in range(layers):
        name = "layer%d_" % (k + 1)
        query, key, value = (split(dense(body, width, name + part)) for part in ("query", "key", "value"))
        scores = sym.softmax(sym.batch_dot(query * (width // heads) ** -0.5, key, transpose_b=True), axis=-1)
        mixed = dense(join(sym.batch_dot(scores, value)), width, name + "proj")
        body = sym.LayerNorm(body + mixed, name=name + "norm1")
        inner = sym.Activation(dense(body, 4 * width, name + "ffn1"), act_type="relu")
        body = sym.LayerNorm(body + dense(inner, width, name + "ffn2"), name=name + "norm2")
    return body


def elementwise(mx, rounds=5):
    """Eight elementwise operators, `rounds` times."""
    x, y = mx.sym.Variable("data"), mx.sym.Variable("other")
    for _ in range(rounds):
        x = mx.sym.relu(x * y + 1.0) * 0.5
        x = mx.sym.exp(mx.sym.square(x - y) * -0.1)
    return x


def towers(mx, count=8, depth=6, width=64):
    """Small dense layers in branches that know nothing of each other until their end."""
    sym, data, ends = mx.sym, mx.sym.Variable("data"), []
    for k in range(count):
        body = data
        for i in range(depth):
            name = "tower%d_fc%d" % (k + 1, i + 1)
            body = sym.Activation(sym.FullyConnected(body, num_hidden=width, name=name), act_type="tanh")
        ends.append(body)
    return sym.FullyConnected(sym.Concat(*ends), num_hidden=10, name="head")


def _resnet18(mx):
    return resnet(mx, (2, 2, 2, 2), False)


def _resnet50(mx):
    return resnet(mx, (3, 4, 6, 3), True)


def _images(body, torch, batch):
    """A net that sorts images into the classes of ImageNet."""
    return Net(body, torch, batch, {"data": (batch, 3, 224, 224)}, "softmax", 1000)


LAYERS = ("layer1", "layer2")
_STATES = {"%s_%s" % (layer, what): (32, 256) for layer in LAYERS for what in ("state", "cell")}

NETS = {
    "elementwise chain": Net(elementwise, "Elementwise", 4096, {"data": (4096, 1024), "other": (4096, 1024)}),
    "small towers b16": Net(towers, "Towers", 16, {"data": (16, 64)}, "softmax", 10),
    "MLP b64": Net(mlp, "MLP", 64, {"data": (64, 784)}, "softmax", 10),
    "LeNet b64": Net(lenet, "LeNet", 64, {"data": (64, 1, 28, 28)}, "softmax", 10),
    "ResNet-18 b1": _images(_resnet18, "ResNet18", 1),
    "ResNet-18 b8": _images(_resnet18, "ResNet18", 8),
    "ResNet-50 b1": _images(_resnet50, "ResNet50", 1),
    "ResNet-50 b8": _images(_resnet50, "ResNet50", 8),
    "VGG-16 b1": _images(vgg16, "VGG16", 1),
    "MobileNet b1": _images(mobilenet, "MobileNet", 1),
    "MobileNet b8": _images(mobilenet, "MobileNet", 8),
    "LSTM b32": Net(lstm, "LSTM", 32, {"data": (32, 32, 128), "state": (32, 256), "cell": (32, 256)}, "softmax", 10),
    "two-device LSTM b32": Net(grouped_lstm, "", 32, {"data": (32, 32, 256), **_STATES}, "softmax", 10, LAYERS),
    "transformer b8": Net(transformer, "Transformer", 8, {"data": (8, 128, 256)}, "squared"),
}
