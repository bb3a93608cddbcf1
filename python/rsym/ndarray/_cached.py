"""Symbols that are called on arrays, operator by operator."""

import json

from ..base import ArgumentError
from ._invoke import invoke


class CachedOp:
    """A symbol as a function of arrays. Its operators run one after the other, and are recorded by `autograd`.

    Parameters
    ----------
    sym : Symbol
        The graph.
    flags : sequence of pairs, optional
        Taken for compatibility.

    Examples
    --------
    >>> import rsym as mx
    >>> square = CachedOp(mx.sym.Variable("x") ** 2)
    >>> square(mx.nd.array([1, 2, 3])).asnumpy().tolist()
    [1.0, 4.0, 9.0]
    """

    def __init__(self, sym, flags=()):
        graph = json.loads(sym.tojson())
        self._inputs = sym.list_inputs()
        self._nodes = [_node(node) for node in graph["nodes"]]
        self._heads = [(head[0], head[1]) for head in graph["heads"]]

    def __call__(self, *args, out=None, **kwargs):
        """The outputs: one array, or a list of them.

        Parameters
        ----------
        *args : NDArray
            Arguments and auxiliary states in the order of `Symbol.list_inputs`.
        out : NDArray or list of NDArray, optional
            Arrays that take the result.

        Raises
        ------
        ValueError
            (an MXNetError) if the number of arrays is not that of the inputs.
        """
        if len(args) != len(self._inputs):
            raise ArgumentError("expected %d arrays (%s), got %d" % (len(self._inputs), ", ".join(self._inputs), len(args)))
        results = self.results(self.values(args))
        if out is not None:
            for target, result in zip(out if isinstance(out, (list, tuple)) else [out], results):
                target[:] = result
            return out
        return results[0] if len(results) == 1 else results

    def values(self, args):
        """The visible outputs of every node, variables included."""
        given = iter(args)
        values = []
        for op, params, inputs in self._nodes:
            if op == "null":
                values.append([next(given)])
                continue
            found = invoke(op, tuple(values[node][output] for node, output in inputs), params, None, {})
            values.append(found if isinstance(found, list) else [found])
        return values

    def results(self, values):
        """The outputs of the graph, from `values`."""
        return [values[node][output] for node, output in self._heads]

    def flat(self, values):
        """The arrays of `values` in one list, and for each whether it is a variable."""
        pairs = [(array, op == "null") for (op, _, _), found in zip(self._nodes, values) for array in found]
        return tuple(zip(*pairs))


def _node(node):
    """Operator, parameters and inputs of a node of a graph."""
    params = {key: text for key, text in node.get("attrs", {}).items() if not key.startswith("__")}
    return node["op"], params, [(entry[0], entry[1]) for entry in node["inputs"]]
