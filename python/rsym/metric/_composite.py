"""Metrics by name, and several as one."""

from ._base import EvalMetric, _as_list, _create, alias, register
from ._own import CustomMetric


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
