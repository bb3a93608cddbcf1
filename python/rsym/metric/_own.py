"""Metrics of losses, and those that are written as a function."""

from .. import ndarray
from ..ndarray import NDArray
from ._base import EvalMetric, check_label_shapes, register


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
