"""Metrics of classes: accuracy, scores of two classes, correlation of classes."""

import math

import numpy

from ._base import EvalMetric, _Pairwise, alias, check_label_shapes, register


@register
@alias("acc")
class Accuracy(_Pairwise):
    """The share of predictions that are right.

    Predictions of another shape than the labels are scores, of which the largest along `axis` counts.

    Parameters
    ----------
    axis : int, default 1
    name, output_names, label_names
        As in `EvalMetric`.

    Examples
    --------
    >>> import rsym as mx
    >>> metric = mx.metric.Accuracy()
    >>> metric.update([mx.nd.array([0, 1, 1])], [mx.nd.array([[0.3, 0.7], [0, 1.0], [0.4, 0.6]])])
    >>> metric.get()
    ('accuracy', 0.6666666666666666)
    """

    def __init__(self, axis=1, name="accuracy", output_names=None, label_names=None):
        super().__init__(name, output_names, label_names, axis=axis)
        self.axis = axis

    def _measure(self, label, pred):
        label, scores = label.asnumpy(), pred.asnumpy()
        chosen = scores if scores.shape == label.shape else scores.argmax(self.axis)
        label, chosen = label.astype(numpy.int32).ravel(), chosen.astype(numpy.int32).ravel()
        check_label_shapes(label, chosen)
        return int((label == chosen).sum()), label.size


@register
@alias("top_k_accuracy", "top_k_acc")
class TopKAccuracy(_Pairwise):
    """The share of labels among the `top_k` largest scores.

    Parameters
    ----------
    top_k : int
        More than 1.
    name, output_names, label_names
        As in `EvalMetric`.
    """

    def __init__(self, top_k=1, name="top_k_accuracy", output_names=None, label_names=None):
        super().__init__(name, output_names, label_names, top_k=top_k)
        assert top_k > 1, "top_k must be more than 1, got %d: Accuracy is for one" % top_k
        self.top_k = top_k
        self.name += "_%d" % top_k

    def _measure(self, label, pred):
        label, scores = label.asnumpy().astype(numpy.int32).ravel(), pred.asnumpy().astype(numpy.float32)
        assert scores.ndim <= 2, "predictions must have one or two dimensions, got %d" % scores.ndim
        check_label_shapes(label, scores)
        if scores.ndim == 1:
            order = numpy.argpartition(scores, -self.top_k)
            return int((order == label).sum()), label.size
        most = min(self.top_k, scores.shape[1])
        best = numpy.argpartition(scores, -most, axis=1)[:, -most:]
        return int((best == label[:, None]).sum()), label.size


class _Counts:
    """How often which of two classes was predicted for which."""

    def __init__(self):
        self.true_pos = self.false_pos = self.false_neg = self.true_neg = 0

    def add(self, label, pred, whose):
        """Counts scores of shape (n, 2) against labels 0 and 1."""
        label, chosen = label.asnumpy().astype(numpy.int32), pred.asnumpy().argmax(axis=1)
        check_label_shapes(label, chosen)
        if len(numpy.unique(label)) > 2:
            raise ValueError("%s is for two classes, got labels of more" % whose)
        wanted, found = label.ravel() == 1, chosen == 1
        self.true_pos += int((wanted & found).sum())
        self.false_pos += int((~wanted & found).sum())
        self.false_neg += int((wanted & ~found).sum())
        self.true_neg += int((~wanted & ~found).sum())

    @property
    def total(self):
        return self.true_pos + self.false_pos + self.false_neg + self.true_neg

    def fscore(self):
        """The harmonic mean of precision and recall."""
        wrong = self.false_pos + self.false_neg
        return 2.0 * self.true_pos / (2 * self.true_pos + wrong) if self.true_pos else 0.0

    def matthews(self):
        """The correlation of label and prediction; factors of 0 are left out below."""
        if not self.total:
            return 0.0
        sums = (
            self.true_pos + self.false_pos,
            self.true_pos + self.false_neg,
            self.true_neg + self.false_pos,
            self.true_neg + self.false_neg,
        )
        below = math.prod(float(s) for s in sums if s)
        return (self.true_pos * self.true_neg - self.false_pos * self.false_neg) / math.sqrt(below)


class _Binary(EvalMetric):
    """A metric of two classes: the mean over batches ("macro"), or of all predictions together ("micro")."""

    def __init__(self, name, output_names, label_names, average):
        self.average = average
        super().__init__(name, output_names, label_names, has_global_stats=True)

    def get_config(self):
        """The configuration."""
        return {**super().get_config(), "average": self.average}

    def reset(self):
        """Forgets everything."""
        super().reset()
        self._local, self._all = _Counts(), _Counts()

    def reset_local(self):
        """Forgets all but what `get_global` tells."""
        super().reset_local()
        self._local = _Counts()

    def _score(self, counts):
        raise NotImplementedError

    def update(self, labels, preds):
        """Takes in a batch."""
        labels, preds = check_label_shapes(labels, preds, True)
        for counts in (self._local, self._all):
            for label, pred in zip(labels, preds):
                counts.add(label, pred, type(self).__name__)
        if self.average == "macro":
            self._count(self._score(self._local), 1)
            self._local, self._all = _Counts(), _Counts()
            return
        self.num_inst, self.global_num_inst = self._local.total, self._all.total
        self.sum_metric = self._score(self._local) * self.num_inst
        self.global_sum_metric = self._score(self._all) * self.global_num_inst


@register
class F1(_Binary):
    """The harmonic mean of precision and recall of class 1 of two.

    Parameters
    ----------
    name, output_names, label_names
        As in `EvalMetric`.
    average : {'macro', 'micro'}, default 'macro'
        The mean over batches, or the value of all predictions together.
    """

    def __init__(self, name="f1", output_names=None, label_names=None, average="macro"):
        super().__init__(name, output_names, label_names, average)

    def _score(self, counts):
        return counts.fscore()


@register
class MCC(_Binary):
    """The correlation of labels and predictions of two classes (Matthews).

    Parameters
    ----------
    name, output_names, label_names
        As in `EvalMetric`.
    average : {'macro', 'micro'}, default 'macro'
        The mean over batches, or the value of all predictions together.
    """

    def __init__(self, name="mcc", output_names=None, label_names=None, average="macro"):
        super().__init__(name, output_names, label_names, average)

    def _score(self, counts):
        return counts.matthews()


@register
class PCC(EvalMetric):
    """The correlation of labels and predictions of any number of classes, from the table of their counts.

    For two classes it is that of `MCC` with ``average="micro"``.

    Parameters
    ----------
    name, output_names, label_names
        As in `EvalMetric`.
    has_global_stats : bool, default True
        Whether `get_global` keeps a table of its own.
    """

    def __init__(self, name="pcc", output_names=None, label_names=None, has_global_stats=True):
        self.k = 2
        super().__init__(name, output_names, label_names, has_global_stats=has_global_stats)

    def reset(self):
        """Forgets everything."""
        self.global_num_inst = 0
        self.gcm = numpy.zeros((self.k, self.k))
        self.reset_local()

    def reset_local(self):
        """Forgets all but what `get_global` tells."""
        self.num_inst = 0
        self.lcm = numpy.zeros((self.k, self.k))

    def _grow(self, classes):
        more = ((0, classes - self.k),) * 2
        self.lcm, self.gcm, self.k = numpy.pad(self.lcm, more), numpy.pad(self.gcm, more), classes

    def update(self, labels, preds):
        """Takes in a batch."""
        for label, pred in zip(*check_label_shapes(labels, preds, True)):
            label, pred = label.asnumpy(), pred.asnumpy()
            chosen = (pred if pred.shape == label.shape else pred.argmax(axis=1)).astype(numpy.int64).ravel()
            label = label.astype(numpy.int64).ravel()
            classes = int(max(chosen.max(initial=0), label.max(initial=0))) + 1
            if classes > self.k:
                self._grow(classes)
            table = numpy.bincount(chosen * self.k + label, minlength=self.k**2).reshape(self.k, self.k)
            self.lcm += table
            self.gcm += table
        self.num_inst += 1
        self.global_num_inst += 1

    @staticmethod
    def _correlation(table):
        count, chosen, label = table.sum(), table.sum(axis=1), table.sum(axis=0)
        spread = (chosen * (count - chosen)).sum(), (label * (count - label)).sum()
        if 0 in spread:
            return float("nan")
        return float((table.diagonal() * count - chosen * label).sum() / (spread[0] * spread[1]) ** 0.5)

    @property
    def sum_metric(self):
        """The value times the number of batches."""
        return self._correlation(self.lcm) * self.num_inst

    @property
    def global_sum_metric(self):
        """The value since the last `reset` times the number of batches."""
        return self._correlation(self.gcm) * self.global_num_inst
