"""Looking at a symbol: `print_summary` as a table, `plot_network` as a drawing.

Neither needs the graphviz package or program: a plot is DOT text and an SVG drawing by itself, and other formats
when the `dot` program is there.

Examples
--------
>>> import rsym as mx
>>> net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=10, name="fc")
>>> print_summary(net, {"data": (1, 20)}, line_length=80)
________________________________________________________________________________
Layer (type)                       Output Shape    Param # Previous Layer
================================================================================
data(null)                         20              0
________________________________________________________________________________
fc(FullyConnected)                 10              210     data
================================================================================
Total params: 210
________________________________________________________________________________
>>> plot = plot_network(net)
>>> '"fc" -> "data"' in plot.source, plot.svg().startswith("<svg")
(True, True)
"""

from ._plot import Plot, plot_network
from ._summary import print_summary, summary

__all__ = ["plot_network", "print_summary", "summary", "Plot"]
