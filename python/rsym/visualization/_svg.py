"""A plot as SVG."""

from xml.sax.saxutils import escape, quoteattr

from . import _layout

_INCH = 72
_GAP_X, _GAP_Y, _MARGIN = 20, 40, 8
_OVALS = ("oval", "ellipse", "circle")


def svg(title, nodes, edges):
    """Draw a graph.

    Parameters
    ----------
    title : str
    nodes : list of dict
        The DOT attributes of each; ``label``, ``shape``, ``fillcolor``, ``width`` and ``height`` (inches) count.
    edges : list of (int, int, str)
        Consumer, input (with the smaller number) and label.

    Returns
    -------
    str
    """
    width, height = _largest(nodes, "width", 1.3), _largest(nodes, "height", 0.8034)
    x, y, paths, size = _arrange(len(nodes), edges, width, height)
    lines = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d">' % (*size, *size)]
    lines += [_HEAD, "<title>%s</title>" % escape(title)]
    for path, (_, _, label) in zip(paths, edges):
        lines += _edge([(x[n], y[n]) for n in path], height, label)
    for i, node in enumerate(nodes):
        lines += _node(node, x[i], y[i])
    return "\n".join([*lines, "</svg>"])


_HEAD = """<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7"
orient="auto"><path d="M0 1 L9 5 L0 9" fill="none" stroke="black"/></marker></defs>
<style>text { font-family: Helvetica, Arial, sans-serif; text-anchor: middle; }
path { fill: none; stroke: black; } .label { font-size: 9px; fill: #444; }</style>"""


def _largest(nodes, key, default):
    return _INCH * max((_inches(node, key, default) for node in nodes), default=default)


def _inches(node, key, default):
    try:
        return float(node.get(key, default))
    except ValueError:
        return default


def _arrange(count, edges, width, height):
    inputs = [[] for _ in range(count)]
    for upper, lower, _ in edges:
        inputs[upper].append(lower)
    rows = _layout.Rows(_layout.layers(count, inputs), [(upper, lower) for upper, lower, _ in edges])
    rows.sort()
    x = {node: at + _MARGIN for node, at in _layout.places(rows, width, _GAP_X).items()}
    y = {node: _MARGIN + height / 2 + i * (height + _GAP_Y) for i, row in enumerate(rows.rows) for node in row}
    right, low = max(x.values(), default=0), max(y.values(), default=0)
    return x, y, rows.paths, (round(right + width / 2 + _MARGIN), round(low + height / 2 + _MARGIN))


def _edge(points, height, label):
    """A curve from the lower end, the input, up to the consumer, straight through the rows that it crosses."""
    half = height / 2
    corners = [(points[-1][0], points[-1][1] - half)]
    for px, py in points[-2:0:-1]:
        corners += [(px, py + half), (px, py - half)]
    corners.append((points[0][0], points[0][1] + half))
    d = ["M%.1f %.1f" % corners[0]]
    for i, ((ax, ay), (bx, by)) in enumerate(zip(corners, corners[1:])):
        middle = (ay + by) / 2
        d.append("L%.1f %.1f" % (bx, by) if i % 2 else "C%.1f %.1f %.1f %.1f %.1f %.1f" % (ax, middle, bx, middle, bx, by))
    lines = ['<path d="%s" marker-end="url(#head)"/>' % "".join(d)]
    if label:
        at = ((corners[0][0] + corners[1][0]) / 2, (corners[0][1] + corners[1][1]) / 2)
        lines.append('<text class="label" x="%.1f" y="%.1f">%s</text>' % (*at, escape(label)))
    return lines


def _node(node, x, y):
    width, height = _INCH * _inches(node, "width", 1.3), _INCH * _inches(node, "height", 0.8034)
    fill = quoteattr(node.get("fillcolor", "white"))
    if node.get("shape") in _OVALS:
        outline = '<ellipse cx="%.1f" cy="%.1f" rx="%.1f" ry="%.1f" fill=%s stroke="black"/>' % (
            x,
            y,
            width / 2,
            height / 2,
            fill,
        )
    else:
        outline = '<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill=%s stroke="black"/>' % (
            x - width / 2,
            y - height / 2,
            width,
            height,
            fill,
        )
    return [outline, *_text(node.get("label", "").split("\n"), x, y, width)]


def _text(lines, x, y, width):
    """Centred lines, in letters small enough for the longest one."""
    longest = max(len(line) for line in lines)
    font = max(4.0, min(12.0, (width - 8) / max(0.58 * longest, 1)))
    top = y - 1.2 * font * (len(lines) - 1) / 2 + 0.35 * font
    return [
        '<text x="%.1f" y="%.1f" font-size="%.1f">%s</text>' % (x, top + 1.2 * font * i, font, escape(line))
        for i, line in enumerate(lines)
    ]
