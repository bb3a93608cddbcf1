"""The short name of `rsym.visualization`."""

from .visualization import Plot, plot_network, print_summary, summary

__all__ = ["plot_network", "print_summary", "summary", "Plot"]
