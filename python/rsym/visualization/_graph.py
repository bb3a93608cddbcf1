"""A symbol as a list of nodes, with what inference knows about them."""

import json
from dataclasses import dataclass, field

import numpy as np

from ..base import MXNetError


@dataclass
class Node:
    """One node of the graph; its inputs have smaller positions than its own.

    `inputs` are pairs of position and output number; `shapes` and `dtypes` hold one entry for each visible output,
    None where nothing is known.
    """

    position: int
    name: str
    op: str
    attrs: dict
    inputs: list
    is_head: bool = False
    shapes: dict = field(default_factory=dict)
    dtypes: dict = field(default_factory=dict)

    @property
    def is_variable(self):
        return self.op == "null"


class Graph:
    """The nodes of a symbol in the order of its JSON.

    Parameters
    ----------
    symbol : Symbol
    shape : dict of str to tuple of int, optional
        Shapes of inputs. Without it, what the variables say themselves (``__shape__``) is used, and a
        contradiction in it is no error.
    dtype : dict of str to dtype, optional
        Types of inputs.

    Raises
    ------
    TypeError
        If it is no Symbol.
    MXNetError
        If the given shapes or types contradict the graph.
    """

    def __init__(self, symbol, shape=None, dtype=None):
        from ..symbol import Symbol

        if not isinstance(symbol, Symbol):
            raise TypeError("symbol must be a Symbol, not %s" % type(symbol).__name__)
        internals = symbol.get_internals()
        written = json.loads(internals.tojson())
        self.nodes = [_node(i, node) for i, node in enumerate(written["nodes"])]
        self._outputs = [(head[0], head[1]) for head in written["heads"]]
        self.auxiliary = set(symbol.list_auxiliary_states())
        for position, _ in _heads(symbol):
            self.nodes[position].is_head = True
        self._infer(internals, shape, dtype)

    def _infer(self, internals, shape, dtype):
        try:
            self._note("shapes", _known_shapes(internals.infer_shape_partial(**(shape or {}))[1]))
        except MXNetError:
            if shape is not None:
                raise
        if dtype is not None:
            self._note("dtypes", internals.infer_type_partial(**dtype)[1])

    def _note(self, what, values):
        for (position, number), value in zip(self._outputs, values or []):
            getattr(self.nodes[position], what)[number] = value

    def consumers(self):
        """For each node the positions of those that take it as an input."""
        taken_by = [[] for _ in self.nodes]
        for node in self.nodes:
            for position, _ in node.inputs:
                taken_by[position].append(node.position)
        return taken_by


def _node(position, written):
    return Node(
        position,
        written["name"],
        written["op"],
        written.get("attrs") or {},
        [(entry[0], entry[1]) for entry in written["inputs"]],
    )


def _heads(symbol):
    return [(head[0], head[1]) for head in json.loads(symbol.tojson())["heads"]]


def _known_shapes(shapes):
    """Shapes without those of which nothing is known; their unknown dimensions are 0 or -1."""
    return [shape if shape else None for shape in shapes or []]


def dimensions(shape):
    """A shape for reading, ``32x?x5``, with ``?`` for unknown dimensions."""
    return "x".join(str(n) if n > 0 else "?" for n in shape)


def type_name(dtype):
    """The name of a data type, ``float32``."""
    return getattr(dtype, "__name__", None) or np.dtype(dtype).name
