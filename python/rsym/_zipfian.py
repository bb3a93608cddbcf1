"""Functions of `contrib` that are the same for arrays and for symbols."""

import math

__all__ = ["make"]


def make(kind, uniform):
    """The functions `isinf`, `isnan`, `isfinite` and `rand_zipfian` for one kind of values.

    Parameters
    ----------
    kind : str
        `NDArray` or `Symbol`, for the documentation.
    uniform : function
        That of the kind.
    """

    def isinf(data):
        return data.abs() == math.inf

    def isnan(data):
        return data != data

    def isfinite(data):
        return (data.abs() != math.inf) * (data == data)

    def rand_zipfian(true_classes, num_sampled, range_max, **kwargs):
        log_range = math.log(range_max + 1)
        draws = uniform(0, log_range, shape=(num_sampled,), dtype="float64", **kwargs)
        samples = (draws.exp() - 1).astype("int64") % range_max

        def expected(classes):
            classes = classes.astype("float64")
            return ((classes + 2.0) / (classes + 1.0)).log() / log_range * num_sampled

        return samples, expected(true_classes), expected(samples)

    for function, what in [(isinf, "is infinite"), (isnan, "is NaN"), (isfinite, "is neither infinite nor NaN")]:
        function.__doc__ = _CHECK % (what, kind, kind)
    rand_zipfian.__doc__ = _ZIPFIAN % (kind, kind, kind, kind)
    return {f.__name__: f for f in (isinf, isnan, isfinite, rand_zipfian)}


_CHECK = """1 where an element %s, and 0 elsewhere.

Parameters
----------
data : %s
    Of any float type.

Returns
-------
%s
    Of the shape and type of `data`.
"""

_ZIPFIAN = """Draws classes from an approximately log-uniform (Zipfian) distribution, with replacement.

`P(class) = (log(class + 2) - log(class + 1)) / log(range_max + 1)`, which fits classes sorted by falling frequency.

Parameters
----------
true_classes : %s
    Classes whose expected count is asked for, of any shape.
num_sampled : int
    How many are drawn.
range_max : int
    The number of classes.

Returns
-------
samples : %s
    Shape (num_sampled,), int64.
expected_count_true : %s
    How often each true class is expected, float64.
expected_count_sample : %s
    How often each class that was drawn is expected, float64.
"""
