"""Metrics of probabilities: perplexity, cross entropy."""

import math

import numpy

from .. import ndarray
from ._base import EvalMetric, _Pairwise, alias, register


@register
class Perplexity(EvalMetric):
    """``exp(-mean(log p))`` of the probabilities of the labels.

    Parameters
    ----------
    ignore_label : int or None
        Labels that do not count.
    axis : int, default -1
        The axis of the classes.
    name, output_names, label_names
        As in `EvalMetric`.
    """

    def __init__(self, ignore_label, axis=-1, name="perplexity", output_names=None, label_names=None):
        super().__init__(name, output_names, label_names, has_global_stats=True, ignore_label=ignore_label)
        self.ignore_label = ignore_label
        self.axis = axis

    def update(self, labels, preds):
        """Takes in a batch; all its pairs together."""
        assert len(labels) == len(preds), "%d labels for %d predictions" % (len(labels), len(preds))
        loss, count = 0.0, 0
        for label, pred in zip(labels, preds):
            assert label.size == pred.size // pred.shape[-1], "labels %s do not fit %s" % (label.shape, pred.shape)
            label = label.as_in_context(pred.context).reshape((label.size,)).astype("int32")
            prob = ndarray.pick(pred, label, axis=self.axis).asnumpy().ravel()
            if self.ignore_label is not None:
                prob = prob[label.asnumpy() != self.ignore_label]
            loss -= float(numpy.log(numpy.maximum(1e-10, prob)).sum(dtype=numpy.float64))
            count += prob.size
        self._count(loss, count)

    def _value(self, total, number):
        return float("nan") if number == 0 else math.exp(total / number)


class _LogLoss(_Pairwise):
    """``-log(p + eps)`` of the probabilities of the labels."""

    def __init__(self, eps, name, output_names, label_names):
        super().__init__(name, output_names, label_names, eps=eps)
        self.eps = eps

    def _measure(self, label, pred):
        label, pred = label.asnumpy().ravel(), pred.asnumpy()
        assert label.size == pred.shape[0], "%d labels for predictions of shape %s" % (label.size, pred.shape)
        prob = pred[numpy.arange(label.size), label.astype(numpy.int64)]
        return float((-numpy.log(prob + self.eps)).sum()), label.size


@register
@alias("ce")
class CrossEntropy(_LogLoss):
    """The mean of ``-log(p + eps)`` over the probabilities of the labels.

    Parameters
    ----------
    eps : float, default 1e-12
    name, output_names, label_names
        As in `EvalMetric`.
    """

    def __init__(self, eps=1e-12, name="cross-entropy", output_names=None, label_names=None):
        super().__init__(eps, name, output_names, label_names)


@register
@alias("nll_loss")
class NegativeLogLikelihood(_LogLoss):
    """The mean of ``-log(p + eps)`` over the probabilities of the labels, under another name.

    Parameters
    ----------
    eps : float, default 1e-12
    name, output_names, label_names
        As in `EvalMetric`.
    """

    def __init__(self, eps=1e-12, name="nll-loss", output_names=None, label_names=None):
        super().__init__(eps, name, output_names, label_names)
