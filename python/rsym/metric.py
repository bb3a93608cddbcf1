"""Measures of how good predictions are, gathered over batches.

Every metric keeps a sum and a count twice: since `reset_local`, which callbacks call, and since `reset`, for `get_global`.
"""

import math

import numpy

from . import ndarray, registry
from .ndarray import NDArray

__all__ = [
    "Accuracy",
    "Caffe",
    "CompositeEvalMetric",
    "CrossEntropy",
    "CustomMetric",
    "EvalMetric",
    "F1",
    "Loss",
    "MAE",
    "MCC",
    "MSE",
    "NegativeLogLikelihood",
    "PCC",
    "PearsonCorrelation",
    "Perplexity",
    "RMSE",
    "TopKAccuracy",
    "Torch",
    "check_label_shapes",
    "create",
    "np",
    "register",
]


def check_label_shapes(labels, preds, wrap=False, shape=False):
    """Labels and predictions, which must be as many, or with `shape` of one shape.

    Parameters
    ----------
    labels, preds : list of NDArray, or NDArray
    wrap : bool, default False
        Make lists of single arrays.
    shape : bool, default False
        Compare shapes instead of lengths.

    Raises
    ------
    ValueError
        If they do not fit.
    """
    found = (labels.shape, preds.shape) if shape else (len(labels), len(preds))
    if found[0] != found[1]:
        raise ValueError("labels of %s do not fit predictions of %s" % found)
    if wrap:
        labels, preds = ([x] if isinstance(x, NDArray) else x for x in (labels, preds))
    return labels, preds


def _as_list(value):
    return value if isinstance(value, list) else [value]


def _ratio(above, below):
    return float("nan") if below == 0 else above / below


class EvalMetric:
    """The base class of metrics.

    A subclass overrides `update`, in which it calls `_count`.

    Parameters
    ----------
    name : str
        Shown beside the value.
    output_names, label_names : list of str, optional
        The outputs and labels that `update_dict` takes; by default all.
    **kwargs
        What `get_config` tells besides.
    """

    def __init__(self, name, output_names=None, label_names=None, **kwargs):
        self.name = str(name)
        self.output_names = output_names
        self.label_names = label_names
        self._has_global_stats = kwargs.pop("has_global_stats", False)
        self._kwargs = kwargs
        self.reset()

    def __str__(self):
        return "EvalMetric: %s" % dict(self.get_name_value())

    def get_config(self):
        """The configuration, from which `create` makes an equal metric.

        Returns
        -------
        dict
        """
        names = dict(name=self.name, output_names=self.output_names, label_names=self.label_names)
        return {**self._kwargs, "metric": type(self).__name__, **names}

    def update_dict(self, label, pred):
        """Takes in a batch.

        Parameters
        ----------
        label, pred : dict of str to NDArray
        """
        preds = list(pred.values()) if self.output_names is None else [pred[name] for name in self.output_names]
        labels = list(label.values()) if self.label_names is None else [label[name] for name in self.label_names]
        self.update(labels, preds)

    def update(self, labels, preds):
        """Takes in a batch.

        Parameters
        ----------
        labels, preds : list of NDArray
        """
        raise NotImplementedError("a metric must override update")

    def _count(self, total, number):
        """Adds to the sum and to the count."""
        self.sum_metric += total
        self.global_sum_metric += total
        self.num_inst += number
        self.global_num_inst += number

    def reset(self):
        """Forgets everything."""
        self.global_num_inst = 0
        self.global_sum_metric = 0.0
        self.num_inst = 0
        self.sum_metric = 0.0

    def reset_local(self):
        """Forgets all but what `get_global` tells."""
        self.num_inst = 0
        self.sum_metric = 0.0

    def _value(self, total, number):
        """The value for a sum and a count."""
        return _ratio(total, number)

    def get(self):
        """Name and value since the last reset.

        Returns
        -------
        name : str or list of str
        value : float or list of float
            NaN before the first batch.
        """
        return (self.name, self._value(self.sum_metric, self.num_inst))

    def get_global(self):
        """Name and value since the last `reset`, as `get` tells them."""
        if not self._has_global_stats:
            return self.get()
        return (self.name, self._value(self.global_sum_metric, self.global_num_inst))

    def get_name_value(self):
        """Pairs of name and value.

        Returns
        -------
        list of tuple
        """
        name, value = self.get()
        return list(zip(_as_list(name), _as_list(value)))

    def get_global_name_value(self):
        """Pairs of name and value since the last `reset`."""
        if not self._has_global_stats:
            return self.get_name_value()
        name, value = self.get_global()
        return list(zip(_as_list(name), _as_list(value)))


register = registry.get_register_func(EvalMetric, "metric")
alias = registry.get_alias_func(EvalMetric, "metric")
_create = registry.get_create_func(EvalMetric, "metric")


def create(metric, *args, **kwargs):
    """A metric by its name, from its configuration, from a function or from a list of such.

    Parameters
    ----------
    metric : str, dict, callable, list or EvalMetric
        A function takes label and prediction as NumPy arrays and gives the value, or sum and count.
    *args, **kwargs
        Parameters of the metric.

    Returns
    -------
    EvalMetric

    Examples
    --------
    >>> import rsym as mx
    >>> metric = mx.metric.create(["acc", "ce"])
    >>> metric.update([mx.nd.array([1, 0])], [mx.nd.array([[0.5, 0.5], [0.75, 0.25]])])
    >>> [name for name, value in metric.get_name_value()]
    ['accuracy', 'cross-entropy']
    """
    if callable(metric):
        return CustomMetric(metric, *args, **kwargs)
    if isinstance(metric, list):
        composite = CompositeEvalMetric()
        for child in metric:
            composite.add(create(child, *args, **kwargs))
        return composite
    return _create(metric, *args, **kwargs)


@register
@alias("composite")
class CompositeEvalMetric(EvalMetric):
    """Several metrics as one.

    Parameters
    ----------
    metrics : list, optional
        Whatever `create` takes.
    name, output_names, label_names
        As in `EvalMetric`.
    """

    def __init__(self, metrics=None, name="composite", output_names=None, label_names=None):
        self.metrics = []
        super().__init__(name, output_names, label_names, has_global_stats=True)
        self.metrics = [create(metric) for metric in metrics or ()]

    def add(self, metric):
        """Adds whatever `create` takes."""
        self.metrics.append(create(metric))

    def get_metric(self, index):
        """Metric number `index`.

        Returns
        -------
        EvalMetric
            Or, as in MXNet, a ValueError where there is none.
        """
        if -len(self.metrics) <= index < len(self.metrics):
            return self.metrics[index]
        return ValueError("there is no metric number %d among %d" % (index, len(self.metrics)))

    def update_dict(self, labels, preds):
        """Takes in a batch, as dicts by name."""
        if self.label_names is not None:
            labels = {name: value for name, value in labels.items() if name in self.label_names}
        if self.output_names is not None:
            preds = {name: value for name, value in preds.items() if name in self.output_names}
        for metric in self.metrics:
            metric.update_dict(labels, preds)

    def update(self, labels, preds):
        """Takes in a batch."""
        for metric in self.metrics:
            metric.update(labels, preds)

    def reset(self):
        """Forgets everything."""
        for metric in self.metrics:
            metric.reset()

    def reset_local(self):
        """Forgets all but what `get_global` tells."""
        for metric in self.metrics:
            metric.reset_local()

    def _gathered(self, pairs):
        names, values = [], []
        for name, value in pairs:
            names += _as_list(name)
            values += _as_list(value)
        return (names, values)

    def get(self):
        """Names and values."""
        return self._gathered(metric.get() for metric in self.metrics)

    def get_global(self):
        """Names and values since the last `reset`."""
        return self._gathered(metric.get_global() for metric in self.metrics)

    def get_config(self):
        """The configuration, with those of the metrics."""
        return {**super().get_config(), "metrics": [metric.get_config() for metric in self.metrics]}


class _Pairwise(EvalMetric):
    """A metric of pairs of label and prediction; subclasses say what one pair adds."""

    def __init__(self, name, output_names, label_names, **kwargs):
        super().__init__(name, output_names, label_names, has_global_stats=True, **kwargs)

    def update(self, labels, preds):
        """Takes in a batch."""
        for label, pred in zip(*check_label_shapes(labels, preds, True)):
            self._count(*self._measure(label, pred))

    def _measure(self, label, pred):
        """What a pair of arrays adds to sum and count."""
        raise NotImplementedError


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


class _Difference(_Pairwise):
    """The mean over arrays of a measure of their difference."""

    def _measure(self, label, pred):
        label, pred = (x.reshape(-1, 1) if x.ndim == 1 else x for x in (label.asnumpy(), pred.asnumpy()))
        return float(self._distance(label - pred)), 1

    def _distance(self, difference):
        raise NotImplementedError


@register
class MAE(_Difference):
    """The mean absolute difference; parameters as in `EvalMetric`."""

    def __init__(self, name="mae", output_names=None, label_names=None):
        super().__init__(name, output_names, label_names)

    def _distance(self, difference):
        return numpy.abs(difference).mean()


@register
class MSE(_Difference):
    """The mean square of the difference; parameters as in `EvalMetric`."""

    def __init__(self, name="mse", output_names=None, label_names=None):
        super().__init__(name, output_names, label_names)

    def _distance(self, difference):
        return (difference**2.0).mean()


@register
class RMSE(_Difference):
    """The root of the mean square of the difference, batch by batch; parameters as in `EvalMetric`."""

    def __init__(self, name="rmse", output_names=None, label_names=None):
        super().__init__(name, output_names, label_names)

    def _distance(self, difference):
        return numpy.sqrt((difference**2.0).mean())


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


class _Moments:
    """Means and centred sums of pairs, carried on batch by batch."""

    def __init__(self):
        self.count = 0
        self.mean = numpy.zeros(2)
        self.squares = numpy.zeros((2, 2))

    def add(self, pairs):
        """Takes in an array of shape (2, n)."""
        number, mean = pairs.shape[1], pairs.mean(axis=1)
        shift, total = mean - self.mean, self.count + number
        centred = pairs - mean[:, None]
        self.squares += centred @ centred.T + numpy.outer(shift, shift) * (self.count * number / total)
        self.mean = self.mean + shift * (number / total)
        self.count = total

    def correlation(self):
        return float(self.squares[0, 1] / numpy.sqrt(self.squares[0, 0] * self.squares[1, 1]))


@register
@alias("pearsonr")
class PearsonCorrelation(EvalMetric):
    """The correlation of labels and predictions.

    Parameters
    ----------
    name, output_names, label_names
        As in `EvalMetric`.
    average : {'macro', 'micro'}, default 'macro'
        The mean over batches, or the value of all predictions together.
    """

    def __init__(self, name="pearsonr", output_names=None, label_names=None, average="macro"):
        self.average = average
        super().__init__(name, output_names, label_names, has_global_stats=True)

    def get_config(self):
        """The configuration."""
        return {**super().get_config(), "average": self.average}

    def reset(self):
        """Forgets everything."""
        super().reset()
        self._local, self._all = _Moments(), _Moments()

    def reset_local(self):
        """Forgets all but what `get_global` tells."""
        super().reset_local()
        self._local = _Moments()

    def update(self, labels, preds):
        """Takes in a batch."""
        for label, pred in zip(*check_label_shapes(labels, preds, True)):
            check_label_shapes(label, pred, False, True)
            pairs = numpy.stack([x.asnumpy().ravel().astype(numpy.float64) for x in (pred, label)])
            self._count(float(numpy.corrcoef(pairs)[0, 1]) if self.average == "macro" else 0.0, 1)
            if self.average != "macro":
                self._local.add(pairs)
                self._all.add(pairs)

    def _together(self, macro, number, moments):
        if self.average == "macro" or number == 0:
            return macro
        return (self.name, moments.correlation())

    def get(self):
        """Name and value."""
        return self._together(super().get(), self.num_inst, self._local)

    def get_global(self):
        """Name and value since the last `reset`."""
        return self._together(super().get_global(), self.global_num_inst, self._all)


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


@register
class Loss(EvalMetric):
    """The mean of the outputs themselves, for networks that end in their loss; parameters as in `EvalMetric`."""

    def __init__(self, name="loss", output_names=None, label_names=None):
        super().__init__(name, output_names, label_names, has_global_stats=True)

    def update(self, _, preds):
        """Takes in a batch; labels are ignored."""
        for pred in [preds] if isinstance(preds, NDArray) else preds:
            self._count(float(ndarray.sum(pred).asscalar()), pred.size)


@register
class Torch(Loss):
    """`Loss` under another name."""

    def __init__(self, name="torch", output_names=None, label_names=None):
        super().__init__(name, output_names, label_names)


@register
class Caffe(Loss):
    """`Loss` under another name."""

    def __init__(self, name="caffe", output_names=None, label_names=None):
        super().__init__(name, output_names, label_names)


@register
class CustomMetric(EvalMetric):
    """A metric by a function.

    Parameters
    ----------
    feval : callable
        Takes label and prediction as NumPy arrays and gives the value, or a tuple of sum and count.
    name : str, optional
        By default that of the function.
    allow_extra_outputs : bool, default False
        Let there be more predictions than labels.
    output_names, label_names
        As in `EvalMetric`.
    """

    def __init__(self, feval, name=None, allow_extra_outputs=False, output_names=None, label_names=None):
        if name is None:
            name = feval.__name__
            name = "custom(%s)" % name if "<" in name else name
        kwargs = dict(feval=feval, allow_extra_outputs=allow_extra_outputs)
        super().__init__(name, output_names, label_names, has_global_stats=True, **kwargs)
        self._feval = feval
        self._allow_extra_outputs = allow_extra_outputs

    def update(self, labels, preds):
        """Takes in a batch."""
        if not self._allow_extra_outputs:
            labels, preds = check_label_shapes(labels, preds, True)
        for pred, label in zip(preds, labels):
            value = self._feval(label.asnumpy(), pred.asnumpy())
            self._count(*(value if isinstance(value, tuple) else (value, 1)))

    def get_config(self):
        """Refused: a function has no configuration."""
        raise NotImplementedError("CustomMetric has no configuration")


def np(numpy_feval, name=None, allow_extra_outputs=False):
    """A metric by a function of NumPy arrays, as `CustomMetric`.

    Examples
    --------
    >>> import rsym as mx
    >>> metric = mx.metric.np(lambda label, pred: abs(label - pred).max(), name="worst")
    >>> metric.update([mx.nd.array([1, 2])], [mx.nd.array([1, 4])])
    >>> print(*metric.get())
    worst 2.0
    """

    def feval(label, pred):
        return numpy_feval(label, pred)

    feval.__name__ = numpy_feval.__name__
    return CustomMetric(feval, name, allow_extra_outputs)
