"""Statistics of all values of a network while it trains."""

import logging
import math
import re

from . import ndarray
from .ndarray import NDArray

__all__ = ["Monitor"]


def _magnitude(x):
    """The root of the mean square."""
    return ndarray.norm(x) / math.sqrt(x.size)


class Monitor:
    """Gathers a statistic of every output, argument and auxiliary state whose name fits.

    Parameters
    ----------
    interval : int
        Gather in every `interval`-th batch.
    stat_func : callable, optional
        Takes an NDArray and gives one or a list of them; by default the norm over the root of the size.
    pattern : str, default '.*'
        Regular expression for the beginning of names.
    sort : bool, default False
        Sort by name.
    monitor_all : bool, default False
        Look at the inputs of operators too.

    Examples
    --------
    >>> import rsym as mx
    >>> net = mx.sym.exp(mx.sym.Variable("x"), name="e")
    >>> bound = net.bind(mx.cpu(), {"x": mx.nd.zeros((2,))})
    >>> monitor = mx.monitor.Monitor(1, stat_func=lambda x: x.max())
    >>> monitor.install(bound)
    >>> monitor.tic()
    >>> _ = bound.forward()
    >>> [(name, value.strip()) for _, name, value in monitor.toc()]
    [('e_output', '1.0'), ('x', '0.0')]
    """

    def __init__(self, interval, stat_func=None, pattern=".*", sort=False, monitor_all=False):
        self.stat_func = stat_func or _magnitude
        self.interval = interval
        self.activated = False
        self.queue = []
        self.step = 0
        self.exes = []
        self.re_prog = re.compile(pattern)
        self.sort = sort
        self.monitor_all = monitor_all

    def stat_helper(self, name, array):
        """What executors call with every value."""
        if self.activated and self.re_prog.match(name):
            self.queue.append((self.step, name, self.stat_func(array)))

    def install(self, exe):
        """Watches an executor.

        Parameters
        ----------
        exe : Executor
        """
        exe.set_monitor_callback(self.stat_helper, self.monitor_all)
        self.exes.append(exe)

    def tic(self):
        """Begins a batch: called before `forward`."""
        if self.step % self.interval == 0:
            self.queue = []
            self.activated = True
        self.step += 1

    def toc(self):
        """Ends a batch: called after `forward`, or after `backward`.

        Returns
        -------
        list of tuple
            Number of the batch, name, and the statistic as text; empty if nothing was gathered in this batch.
        """
        if not self.activated:
            return []
        for exe in self.exes:
            for name, array in [*exe.arg_dict.items(), *exe.aux_dict.items()]:
                self.stat_helper(name, array)
        self.activated = False
        if self.sort:
            self.queue.sort(key=lambda entry: entry[1])
        gathered, self.queue = self.queue, []
        return [(step, name, self._text(value)) for step, name, value in gathered]

    @staticmethod
    def _text(values):
        values = [values] if isinstance(values, NDArray) else values
        assert isinstance(values, list), "stat_func must give an NDArray or a list of them, got %r" % (values,)
        return "".join("%s\t" % (v.asscalar() if v.shape == (1,) else v.asnumpy()) for v in values)

    def toc_print(self):
        """As `toc`, and logs what it gives."""
        for step, name, value in self.toc():
            logging.info("Batch: {:7d} {:30s} {:s}".format(step, name, value))
