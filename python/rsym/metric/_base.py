"""What all metrics share, and how they are found by name.

Every metric keeps a sum and a count twice: since `reset_local`, which callbacks call, and since `reset`, for `get_global`.
"""

from .. import registry
from ..ndarray import NDArray


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
