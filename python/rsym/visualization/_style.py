"""How nodes and edges of a plot look: labels, colours, what is left out."""

import re

from ._graph import dimensions, type_name

NODE_ATTRS = {"shape": "box", "fixedsize": "true", "width": "1.3", "height": "0.8034", "style": "filled"}

_INPUT = "#8dd3c7"
_OTHER = "#fccde5"
_COLOURS = {
    "Convolution": "#fb8072",
    "Deconvolution": "#fb8072",
    "FullyConnected": "#fb8072",
    "Activation": "#ffffb3",
    "LeakyReLU": "#ffffb3",
    "BatchNorm": "#bebada",
    "Pooling": "#80b1d3",
    "Concat": "#fdb462",
    "Flatten": "#fdb462",
    "Reshape": "#fdb462",
    "Softmax": "#b3de69",
    "SoftmaxOutput": "#b3de69",
    "softmax": "#b3de69",
}
_WEIGHTS = (
    "_weight",
    "_bias",
    "_beta",
    "_gamma",
    "_moving_var",
    "_moving_mean",
    "_running_var",
    "_running_mean",
)


def is_weight(node):
    """Whether a variable is called like a parameter of a layer."""
    return node.is_variable and node.name.endswith(_WEIGHTS)


def node_attrs(node, given):
    """The DOT attributes of a node: its own label, shape and colour before the given ones for all."""
    attrs = {"label": label(node), **NODE_ATTRS, **given}
    if node.is_variable:
        attrs["shape"] = "oval"
    attrs["fillcolor"] = _INPUT if node.is_variable else _COLOURS.get(node.op, _OTHER)
    return attrs


def label(node):
    """What is written into a node: the layer and its main parameters, or the name."""
    describe = _LABELS.get(node.op)
    return node.name if describe is None else describe(node)


def edge_label(node, number, with_shape, with_dtype):
    """Shape (without batch) and type of what flows along an edge."""
    shape, dtype = node.shapes.get(number), node.dtypes.get(number)
    text = "" if not with_shape else "?" if shape is None else dimensions(shape[1:])
    return text + ("(%s)" % type_name(dtype) if with_dtype and dtype is not None else "")


def _tuple(node, key, default):
    return "x".join(re.findall(r"\d+", node.attrs.get(key, ""))) or default


def _convolution(node):
    return "%s\n%s/%s, %s" % (
        node.op,
        _tuple(node, "kernel", "?"),
        _tuple(node, "stride", "1"),
        node.attrs.get("num_filter", "?"),
    )


def _pooling(node):
    return "Pooling\n%s, %s/%s" % (
        node.attrs.get("pool_type", "max"),
        _tuple(node, "kernel", "[]"),
        _tuple(node, "stride", "1"),
    )


_LABELS = {
    "Convolution": _convolution,
    "Deconvolution": _convolution,
    "Pooling": _pooling,
    "FullyConnected": lambda node: "FullyConnected\n%s" % node.attrs.get("num_hidden", "?"),
    "Activation": lambda node: "Activation\n%s" % node.attrs.get("act_type", "?"),
    "LeakyReLU": lambda node: "LeakyReLU\n%s" % node.attrs.get("act_type", "leaky"),
    "Custom": lambda node: node.attrs.get("op_type", node.name),
}
