"""Callbacks of training loops: checkpoints, speed, progress, metrics.

A batch callback gets an object with the fields `epoch`, `nbatch`, `eval_metric` and `locals`; an epoch callback gets the number
of the epoch, the symbol, the arguments and the auxiliary states.
"""

import logging
import math
import sys
import time

from ._checkpoint import save_checkpoint

__all__ = [
    "LogValidationMetricsCallback",
    "ProgressBar",
    "Speedometer",
    "do_checkpoint",
    "log_train_metric",
    "module_checkpoint",
]


def module_checkpoint(mod, prefix, period=1, save_optimizer_states=False):
    """An epoch callback that saves a module after every `period` epochs.

    Parameters
    ----------
    mod : BaseModule
    prefix : str
        Path without the endings.
    period : int, default 1
    save_optimizer_states : bool, default False
        Save the optimizer's states too, to go on from there.
    """
    period = max(1, int(period))

    def callback(iter_no, sym=None, arg=None, aux=None):
        if (iter_no + 1) % period == 0:
            mod.save_checkpoint(prefix, iter_no + 1, save_optimizer_states)

    return callback


def do_checkpoint(prefix, period=1):
    """An epoch callback that saves symbol and parameters after every `period` epochs.

    Parameters
    ----------
    prefix : str
        Path without the endings: ``prefix-symbol.json`` and ``prefix-0001.params`` are written.
    period : int, default 1
    """
    period = max(1, int(period))

    def callback(iter_no, sym, arg, aux):
        if (iter_no + 1) % period == 0:
            save_checkpoint(prefix, iter_no + 1, sym, arg, aux)

    return callback


def log_train_metric(period, auto_reset=False):
    """A batch callback that logs the training metric after every `period` batches.

    Parameters
    ----------
    period : int
    auto_reset : bool, default False
        Let the metric begin anew then.
    """

    def callback(param):
        if param.nbatch % period or param.eval_metric is None:
            return
        for name, value in param.eval_metric.get_name_value():
            logging.info("Iter[%d] Batch[%d] Train-%s=%f", param.epoch, param.nbatch, name, value)
        if auto_reset:
            param.eval_metric.reset_local()

    return callback


class Speedometer:
    """A batch callback that logs samples per second, and the metric, after every `frequent` batches.

    Parameters
    ----------
    batch_size : int
    frequent : int, default 50
    auto_reset : bool, default True
        Let the metric begin anew then.

    Examples
    --------
    >>> import rsym as mx
    >>> speed = mx.callback.Speedometer(batch_size=32, frequent=10)
    """

    def __init__(self, batch_size, frequent=50, auto_reset=True):
        self.batch_size = batch_size
        self.frequent = frequent
        self.auto_reset = auto_reset
        self.init = False
        self.tic = 0
        self.last_count = 0

    def __call__(self, param):
        """Takes note of a batch."""
        count = param.nbatch
        if self.last_count > count:
            self.init = False
        self.last_count = count
        if not self.init:
            self.init, self.tic = True, time.time()
        elif count % self.frequent == 0:
            passed = time.time() - self.tic
            self._log(param, self.frequent * self.batch_size / passed if passed else float("inf"))
            self.tic = time.time()

    def _log(self, param, speed):
        if param.eval_metric is None:
            logging.info("Iter[%d] Batch [%d]\tSpeed: %.2f samples/sec", param.epoch, param.nbatch, speed)
            return
        values = param.eval_metric.get_name_value()
        begin = 0
        if self.auto_reset:
            begin = param.nbatch - self.frequent
            param.eval_metric.reset_local()
        text = "Epoch[%d] Batch [%d-%d]\tSpeed: %.2f samples/sec" + "\t%s=%f" * len(values)
        logging.info(text, param.epoch, begin, param.nbatch, speed, *sum(values, ()))


class ProgressBar:
    """A batch callback that shows how far the epoch is: a bar in a terminal or notebook, log lines elsewhere.

    With the package tqdm installed its bar is used.

    Parameters
    ----------
    total : int
        Batches of an epoch.
    length : int, default 80
        Characters of the bar.
    """

    def __init__(self, total, length=80):
        self.bar_len = length
        self.total = total
        self._bar = None

    def __call__(self, param):
        """Takes note of a batch."""
        if not self._show(param.nbatch):
            logging.info("%s\r", self.text(param.nbatch))

    def text(self, count):
        """The bar after `count` batches.

        Examples
        --------
        >>> import rsym as mx
        >>> mx.callback.ProgressBar(total=4, length=8).text(1)
        '[==------] 25%'
        """
        filled = int(round(self.bar_len * count / float(self.total)))
        percent = math.ceil(100.0 * count / float(self.total))
        return "[%s%s] %d%%" % ("=" * filled, "-" * (self.bar_len - filled), percent)

    def _show(self, count):
        """Moves tqdm's bar; False where there is none."""
        if not (sys.stderr.isatty() or "ipykernel" in sys.modules):
            return False
        if self._bar is None or count < self._bar.n:
            try:
                from tqdm.auto import tqdm
            except ImportError:
                return False
            self._bar = tqdm(total=self.total, unit="batch")
        self._bar.update(count - self._bar.n)
        if count >= self.total:
            self._bar.close()
            self._bar = None
        return True


class LogValidationMetricsCallback:
    """An evaluation callback that logs the metric of an epoch."""

    def __call__(self, param):
        """Logs the metric."""
        if param.eval_metric is None:
            return
        for name, value in param.eval_metric.get_name_value():
            logging.info("Epoch[%d] Validation-%s=%f", param.epoch, name, value)
