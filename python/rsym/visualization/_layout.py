"""Where the nodes of a plot go: layers, their order, their places (after Sugiyama, Tagawa and Toda 1981).

Nodes are numbers; every edge goes from a node to one with a smaller number, its input. Layer 0 is on top.
"""

from collections import defaultdict

_SWEEPS = 4


def layers(count, inputs):
    """A layer for each node, inputs always below.

    A node lies as near to the outputs as it can, unless it has fewer consumers than inputs to be near to.

    Parameters
    ----------
    count : int
    inputs : list of lists of int

    Returns
    -------
    list of int
    """
    layer, consumers = [0] * count, [0] * count
    for node in reversed(range(count)):
        for below in inputs[node]:
            layer[below] = max(layer[below], layer[node] + 1)
            consumers[below] += 1
    for node in range(count):
        if inputs[node] and consumers[node] <= len(inputs[node]):
            layer[node] = min(layer[below] for below in inputs[node]) - 1
    return layer


class Rows:
    """The nodes of each layer in order, with a dummy node wherever an edge crosses a layer.

    Attributes
    ----------
    rows : list of list of int
        Dummies are numbers from `count` on.
    up, down : dict of int to list of int
        Neighbours in the layer above and below.
    paths : list of list of int
        For each edge the nodes that it runs through, from the upper end to the lower one.
    """

    def __init__(self, layer, edges):
        self.count = len(layer)
        self.rows = [[] for _ in range(max(layer, default=-1) + 1)]
        self.up, self.down = defaultdict(list), defaultdict(list)
        for node in reversed(range(self.count)):
            self.rows[layer[node]].append(node)
        self._next = self.count
        self.paths = [self._path(layer, upper, lower) for upper, lower in edges]

    def _path(self, layer, upper, lower):
        path = [upper, *(self._dummy(row) for row in range(layer[upper] + 1, layer[lower])), lower]
        for above, below in zip(path, path[1:]):
            self.down[above].append(below)
            self.up[below].append(above)
        return path

    def _dummy(self, row):
        self.rows[row].append(self._next)
        self._next += 1
        return self._next - 1

    def sort(self):
        """Reduce crossings: sweep down and up, each row in the order of the mean place of its neighbours."""
        for _ in range(_SWEEPS):
            self._sweep(self.rows[1:], self.rows[:-1], self.up)
            self._sweep(self.rows[-2::-1], self.rows[:0:-1], self.down)

    def width(self, node, width):
        """`width`, or 0 for a dummy."""
        return width if node < self.count else 0.0

    @staticmethod
    def _sweep(rows, fixed, neighbours):
        for row, before in zip(rows, fixed):
            place = {node: i for i, node in enumerate(before)}
            own = {node: i for i, node in enumerate(row)}
            scale = len(before) / max(len(row), 1)
            row.sort(key=lambda node: _mean([place[n] for n in neighbours[node]], own[node] * scale))


def _mean(values, default):
    return sum(values) / len(values) if values else default


def places(rows, width, gap):
    """The horizontal centre of every node: near the mean of its neighbours, without overlap.

    Parameters
    ----------
    rows : Rows
    width : float
        Of a node; a dummy has none.
    gap : float
        Between two nodes.

    Returns
    -------
    dict of int to float
        The smallest is at half a width or more.
    """
    x = {}
    for row in rows.rows:
        _spread(rows, row, dict.fromkeys(row, 0.0), x, width, gap)
    for _ in range(_SWEEPS):
        _pull(rows, rows.rows[1:], rows.up, x, width, gap)
        _pull(rows, rows.rows[-2::-1], rows.down, x, width, gap)
    left = min((at - rows.width(node, width) / 2 for node, at in x.items()), default=0.0)
    return {node: at - left for node, at in x.items()}


def _pull(rows, order, neighbours, x, width, gap):
    for row in order:
        wanted = {node: _mean([x[n] for n in neighbours[node]], x[node]) for node in row}
        _spread(rows, row, wanted, x, width, gap)


def _spread(rows, row, wanted, x, width, gap):
    """Least squares of place minus wanted place, with the order kept and `gap` between: pool adjacent violators.

    Dummies weigh more, so that long edges run straight.
    """
    offset, offsets = 0.0, []
    for i, node in enumerate(row):
        offset += (rows.width(row[i - 1], width) + rows.width(node, width)) / 2 + gap if i else 0.0
        offsets.append(offset)
    blocks = []
    for node, shift in zip(row, offsets):
        weight = 1.0 if node < rows.count else 4.0
        blocks.append([weight, weight * (wanted[node] - shift), 1])
        while len(blocks) > 1 and blocks[-2][1] * blocks[-1][0] > blocks[-1][1] * blocks[-2][0]:
            last = blocks.pop()
            blocks[-1] = [a + b for a, b in zip(blocks[-1], last)]
    values = [total / weight for weight, total, members in blocks for _ in range(members)]
    x.update((node, value + shift) for node, value, shift in zip(row, values, offsets))
