"""Metrics of numbers: differences and correlation."""

import numpy

from ._base import EvalMetric, _Pairwise, alias, check_label_shapes, register


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
