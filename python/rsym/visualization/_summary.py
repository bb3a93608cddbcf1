"""The table of layers."""

import math

from ._graph import Graph, dimensions

_TITLES = ("Layer (type)", "Output Shape", "Param #", "Previous Layer")


def print_summary(symbol, shape=None, line_length=120, positions=(0.44, 0.64, 0.74, 1.0)):
    """Print a table of the layers: output shapes, numbers of parameters, what each follows.

    Parameters
    ----------
    symbol : Symbol
    shape : dict of str to tuple of int, optional
        The shapes of the inputs, such as ``{'data': (1, 3, 224, 224)}``. Without it only what the variables
        say themselves is known.
    line_length : int, default 120
        Characters in a line.
    positions : sequence of four numbers
        Where the columns end, in characters or as shares of the line.

    Raises
    ------
    TypeError
        If it is no Symbol.
    MXNetError
        If the shapes contradict the graph, or name an input that does not exist.

    Notes
    -----
    Output shapes are shown without their first dimension, the batch; a dimension that is not known is ``?``.
    The parameters are all arguments that are neither in `shape` nor labels, in their inferred shapes; one that several
    layers share counts for the first of them. Auxiliary states do not count.

    Examples
    --------
    >>> import rsym as mx
    >>> words = mx.sym.Embedding(mx.sym.Variable("data"), input_dim=1000, output_dim=8, name="embed")
    >>> print_summary(words, {"data": (1, 5)}, line_length=80)
    ________________________________________________________________________________
    Layer (type)                       Output Shape    Param # Previous Layer
    ================================================================================
    data(null)                         5               0
    ________________________________________________________________________________
    embed(Embedding)                   5x8             8000    data
    ================================================================================
    Total params: 8000
    ________________________________________________________________________________
    """
    print(summary(symbol, shape, line_length, positions))


def summary(symbol, shape=None, line_length=120, positions=(0.44, 0.64, 0.74, 1.0)):
    """The text that `print_summary` prints.

    Parameters
    ----------
    symbol, shape, line_length, positions
        As for `print_summary`.

    Returns
    -------
    str
    """
    graph = Graph(symbol, shape)
    if positions[-1] <= 1:
        positions = [int(line_length * p) for p in positions]
    counts = _parameters(graph, shape or {})
    shown = [node for node in graph.nodes if not node.is_variable or _is_data(node, shape)]
    lines = ["_" * line_length, _row(_TITLES, positions), "=" * line_length]
    for node in shown:
        lines += _layer(node, graph, {n.position for n in shown}, counts[node.position], positions)
        lines.append(("=" if node is shown[-1] else "_") * line_length)
    return "\n".join([*lines, "Total params: %s" % _sum(counts), "_" * line_length])


def _is_data(variable, shape):
    return variable.position == 0 if shape is None else variable.name in shape


def _is_parameter(graph, node, shape):
    data = node.name in shape or node.name in graph.auxiliary or node.name.endswith("label")
    return node.is_variable and not data and not (node.name == "data" and not shape)


def _parameters(graph, shape):
    """How many numbers each layer is the first to take from parameters; None where a shape is missing."""
    counts, counted = [0] * len(graph.nodes), set()
    for node in graph.nodes:
        for position, _ in node.inputs:
            variable = graph.nodes[position]
            if position not in counted and _is_parameter(graph, variable, shape):
                counted.add(position)
                counts[node.position] = _add(counts[node.position], _size(variable.shapes.get(0)))
    return counts


def _size(shape):
    return None if shape is None or min(shape) <= 0 else math.prod(shape)


def _add(count, size):
    return None if count is None or size is None else count + size


def _sum(counts):
    """The total of what is known, marked if something is not."""
    total = sum(count or 0 for count in counts)
    return "%d (and those of unknown shape)" % total if None in counts else str(total)


def _layer(node, graph, shown, count, positions):
    shapes = ["?" if s is None else dimensions(s[1:]) for _, s in sorted(node.shapes.items())]
    known = ", ".join(shapes) if any(s is not None for s in node.shapes.values()) else ""
    before = [graph.nodes[position].name for position, _ in node.inputs if position in shown]
    before = list(dict.fromkeys(before)) or [""]
    first = ("%s(%s)" % (node.name, node.op), known, "?" if count is None else count, before[0])
    return [_row(first, positions), *(_row(("", "", "", name), positions) for name in before[1:])]


def _row(fields, positions):
    """One line; a field too long for its column is cut, with a blank after it."""
    line = ""
    for text, end in zip(fields, positions):
        room = end - len(line) - (end != positions[-1])
        line = (line + str(text)[: max(room, 0)]).ljust(end)
    return line.rstrip()
