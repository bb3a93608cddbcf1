"""`plot_network` and the plot that it gives."""

import os
import shutil
import subprocess
import warnings

from .._files import write_bytes
from . import _style
from ._graph import Graph
from ._svg import svg


class Plot:
    """A drawing of a graph, as `plot_network` makes it.

    Parameters
    ----------
    name : str
        Its title, and the name of its files.
    nodes : dict of str to dict
        DOT attributes by node, in an order in which inputs come before their consumers.
    edges : list of (str, str, dict)
        Consumer, input and DOT attributes.
    format : str, default 'pdf'
        What `render` writes.

    Attributes
    ----------
    source : str
        The graph in DOT, the language of graphviz.

    Examples
    --------
    >>> nodes = {"x": {"label": "x", "shape": "oval"}, "relu": {"label": "relu"}}
    >>> print(Plot("tiny", nodes, [("relu", "x", {"dir": "back"})]).source)
    digraph "tiny" {
        "x" [label="x" shape="oval"]
        "relu" [label="relu"]
        "relu" -> "x" [dir="back"]
    }
    """

    def __init__(self, name, nodes, edges, format="pdf"):
        self.name, self.nodes, self.edges, self.format = name, nodes, edges, format

    @property
    def source(self):
        lines = ["%s [%s]" % (_quoted(node), _attributes(attrs)) for node, attrs in self.nodes.items()]
        lines += ["%s -> %s [%s]" % (_quoted(a), _quoted(b), _attributes(attrs)) for a, b, attrs in self.edges]
        return "digraph %s {\n%s}" % (_quoted(self.name), "".join("    %s\n" % line for line in lines))

    def __str__(self):
        return self.source

    def svg(self):
        """The drawing as SVG, without graphviz.

        Returns
        -------
        str
        """
        number = {node: i for i, node in enumerate(self.nodes)}
        edges = [(number[a], number[b], attrs.get("label", "")) for a, b, attrs in self.edges]
        return svg(self.name, list(self.nodes.values()), edges)

    def _repr_svg_(self):
        return self.svg()

    def pipe(self, format=None):
        """The drawing in a format.

        Parameters
        ----------
        format : str, optional
            ``'svg'``, ``'dot'`` or ``'gv'``, or what the `dot` program of graphviz knows, such as
            ``'pdf'`` and ``'png'``. Default: the plot's own.

        Returns
        -------
        bytes

        Raises
        ------
        RuntimeError
            If the format needs the `dot` program and there is none, or it fails.
        """
        format = format or self.format
        if format in ("dot", "gv"):
            return self.source.encode()
        program = shutil.which("dot")
        if program is not None:
            return _run(program, format, self.source)
        if format == "svg":
            return self.svg().encode()
        raise RuntimeError(
            "%s needs the graphviz program `dot`, which is not in PATH; format='svg' and .source do without" % format
        )

    def save(self, filename=None, directory=None):
        """Write the DOT text.

        Parameters
        ----------
        filename : str, optional
            Default: the name of the plot and ``.gv``.
        directory : str, optional
            Created if need be.

        Returns
        -------
        str
            The path.
        """
        return _write(self.source.encode(), filename or self.name + ".gv", directory)

    def render(self, filename=None, directory=None, view=False, cleanup=False, format=None):
        """Write the DOT text and the drawing.

        Parameters
        ----------
        filename, directory : str, optional
            As for `save`; the drawing has its format appended.
        view : bool, default False
            Open it in the browser.
        cleanup : bool, default False
            Leave the drawing alone.
        format : str, optional
            Default: the plot's own.

        Returns
        -------
        str
            The path of the drawing.

        Raises
        ------
        RuntimeError
            As for `pipe`.
        """
        format = format or self.format
        drawing = self.pipe(format)
        filename = filename or self.name + ".gv"
        if not cleanup:
            self.save(filename, directory)
        path = _write(drawing, "%s.%s" % (filename, format), directory)
        if view:
            import webbrowser

            webbrowser.open("file://" + os.path.abspath(path))
        return path

    def view(self, filename=None, directory=None, cleanup=False):
        """`render` and open; in SVG if the plot's own format cannot be had."""
        format = self.format if shutil.which("dot") else "svg"
        return self.render(filename, directory, view=True, cleanup=cleanup, format=format)


def _quoted(text):
    return '"%s"' % str(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _attributes(attrs):
    return " ".join("%s=%s" % (key, _quoted(value)) for key, value in attrs.items())


def _run(program, format, source):
    done = subprocess.run([program, "-T" + format], input=source.encode(), capture_output=True)
    if done.returncode:
        raise RuntimeError("%s -T%s: %s" % (program, format, done.stderr.decode(errors="replace").strip()))
    return done.stdout


def _write(content, filename, directory):
    path = os.path.join(directory or "", filename)
    if os.path.dirname(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
    write_bytes(path, content)
    return path


def plot_network(symbol, title="plot", save_format="pdf", shape=None, dtype=None, node_attrs=None, hide_weights=True):
    """Draw the graph of a symbol, outputs on top.

    Parameters
    ----------
    symbol : Symbol
        Any, operators that rsym does not know included.
    title : str, default 'plot'
    save_format : str, default 'pdf'
        What `Plot.render` writes.
    shape : dict of str to tuple of int, optional
        The shapes of inputs; with it every edge is marked with the shape (without batch) of what flows there,
        ``?`` where that is not known.
    dtype : dict of str to dtype, optional
        The types of inputs; with it every edge is marked with the type.
    node_attrs : dict of str to str, optional
        DOT attributes for all nodes, such as ``{'shape': 'oval', 'fixedsize': 'false'}``.
    hide_weights : bool, default True
        Leave out variables that are called like parameters: ``*_weight``, ``*_bias``, ``*_gamma``, ...

    Returns
    -------
    Plot
        Shows itself in a notebook; ``.source`` is DOT text, ``.svg()`` a drawing, ``.render()`` a file.

    Raises
    ------
    TypeError
        If it is no Symbol.
    MXNetError
        If the shapes or types contradict the graph.

    Warns
    -----
    RuntimeWarning
        If nodes share a name; they are drawn apart.

    Examples
    --------
    >>> import rsym as mx
    >>> net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=128, name="fc1")
    >>> net = mx.sym.Activation(net, act_type="relu", name="relu1")
    >>> plot = plot_network(net, shape={"data": (100, 200)})
    >>> [(consumer, taken, attrs["label"]) for consumer, taken, attrs in plot.edges]
    [('fc1', 'data', '200'), ('relu1', 'fc1', '128')]
    """
    graph = Graph(symbol, shape, dtype)
    names = _unique_names(graph.nodes)
    hidden = {node.position for node in graph.nodes if hide_weights and _style.is_weight(node) and not node.is_head}
    drawn = [node for node in graph.nodes if node.position not in hidden]
    nodes = {names[node.position]: _style.node_attrs(node, node_attrs or {}) for node in drawn}
    edges = []
    for node in drawn:
        for position, number in node.inputs:
            if position not in hidden:
                label = _style.edge_label(graph.nodes[position], number, shape is not None, dtype is not None)
                attrs = {"dir": "back", "arrowtail": "open", "label": label}
                edges.append((names[node.position], names[position], attrs))
    return Plot(title, nodes, edges, save_format)


def _unique_names(nodes):
    """Names that tell the nodes apart; a repeated one gets a number."""
    taken, names, repeated = {node.name for node in nodes}, [], {}
    for node in nodes:
        name = node.name
        if name in repeated:
            while name in taken:
                repeated[node.name] += 1
                name = "%s (%d)" % (node.name, repeated[node.name])
            taken.add(name)
        else:
            repeated[name] = 1
        names.append(name)
    several = sorted(name for name, count in repeated.items() if count > 1)
    if several:
        warnings.warn(
            "There are multiple variables with the same name in your graph; they are drawn apart: " + ", ".join(several),
            RuntimeWarning,
            stacklevel=3,
        )
    return names
