"""Comparing arrays: equality, closeness and the report of what differs."""

import functools

import numpy as np

from ._tolerance import default_numerical_threshold, get_atol, get_etol, get_rtol, get_tols

__all__ = [
    "same",
    "same_array",
    "reldiff",
    "checkShapes",
    "almost_equal",
    "almost_equal_ignore_nan",
    "find_max_violation",
    "locationError",
    "assert_almost_equal",
    "assert_allclose",
    "assert_almost_equal_with_err",
    "assert_almost_equal_ignore_nan",
    "assert_exception",
    "compare_ndarray_tuple",
    "retry",
]


def _numpy(array):
    return array.asnumpy() if hasattr(array, "asnumpy") else np.asarray(array)


def same(a, b):
    """Whether two arrays have one shape and the same elements."""
    return np.array_equal(_numpy(a), _numpy(b))


def same_array(array1, array2):
    """Whether two NDArrays share their memory, found by writing into the first (and writing back).

    Parameters
    ----------
    array1, array2 : NDArray

    Returns
    -------
    bool
    """
    before = array1.asnumpy().copy()
    if not same(before, array2):
        return False
    array1[:] += 1
    shared = same(array1, array2)
    array1[:] = before
    return shared


def reldiff(a, b):
    """The relative difference ``|a - b| / (|a| + |b|)`` with sums of absolute values, 0 for equal arrays.

    Parameters
    ----------
    a, b : array_like of one shape

    Returns
    -------
    float
    """
    a, b = _numpy(a), _numpy(b)
    diff = np.sum(np.abs(a - b))
    return 0 if diff == 0 else diff / (np.sum(np.abs(a)) + np.sum(np.abs(b)))


def checkShapes(a, b):
    """AssertionError unless the shapes are the same."""
    if a.shape != b.shape:
        raise AssertionError("a.shape = %s and b.shape = %s are not equal" % (a.shape, b.shape))


def almost_equal(a, b, rtol=None, atol=None, equal_nan=False, use_broadcast=True, threshold=None):
    """Whether ``|a - b| <= atol + rtol * |b|`` everywhere.

    Parameters
    ----------
    a, b : array_like
    rtol, atol : float, optional
        Default: 1e-5 and 1e-20, those of float64.
    equal_nan : bool, default False
        Whether NaN equals NaN.
    use_broadcast : bool, default True
        False refuses different shapes with an AssertionError.
    threshold : float, optional
        Compare by `reldiff` instead, as MXNet 0.8 did.

    Returns
    -------
    bool
    """
    a, b = _numpy(a), _numpy(b)
    if not use_broadcast:
        checkShapes(a, b)
    if threshold is not None:
        return bool(reldiff(a, b) <= threshold)
    return np.allclose(a, b, rtol=get_rtol(rtol), atol=get_atol(atol), equal_nan=equal_nan)


def _without_nan(a, b):
    a, b = np.array(_numpy(a)), np.array(_numpy(b))
    nan = np.isnan(a) | np.isnan(b)
    a[nan] = b[nan] = 0
    return a, b


def almost_equal_ignore_nan(a, b, rtol=None, atol=None):
    """`almost_equal` of the elements that are NaN in neither array."""
    return almost_equal(*_without_nan(a, b), rtol, atol)


def _violations(a, b, rtol, atol):
    """How many times its tolerance each element differs: above 1 is too much, NaN on one side infinitely so."""
    with np.errstate(invalid="ignore", over="ignore"):
        wide_a, wide_b = a.astype(np.float64), b.astype(np.float64)
        diff = np.where(np.equal(a, b), 0, np.abs(wide_a - wide_b))
        violation = diff / (atol + rtol * np.abs(wide_b) + 1e-20)
    violation = np.where(np.isnan(violation), np.inf, violation)
    return np.where(np.isnan(wide_a) & np.isnan(wide_b), 0, violation)


def find_max_violation(a, b, rtol=None, atol=None):
    """The place of the worst difference, and how many times the tolerance it is.

    Returns
    -------
    index : tuple of int
    violation : float
    """
    violation = _violations(*np.broadcast_arrays(_numpy(a), _numpy(b)), get_rtol(rtol), get_atol(atol))
    index = np.unravel_index(np.argmax(violation), violation.shape)
    return index, violation[index]


_find_max_violation = find_max_violation


def locationError(a, b, index, names, maxError=False):
    """One line about a difference: its place and the two values.

    Parameters
    ----------
    a, b : numpy.ndarray
    index : tuple of int
    names : tuple of two str
    maxError : bool, default False
        Whether it is called the maximum.

    Returns
    -------
    str
    """
    return "Location of %serror: %s, %s=%.8f, %s=%.8f" % (
        "maximum " if maxError else "",
        tuple(int(i) for i in index),
        names[0],
        a[index],
        names[1],
        b[index],
    )


def _listing(a, b, violation, names, count):
    worst = np.argsort(violation, axis=None)[::-1][:count]
    places = [np.unravel_index(i, violation.shape) for i in worst]
    return [
        "%s, %g times the tolerance" % (locationError(a, b, at, names, at is places[0]), violation[at])
        for at in places
        if violation[at] > 1
    ]


def _message(a, b, rtol, atol, names, shown):
    """What differs, worst first."""
    if a.shape != b.shape:
        try:
            wide_a, wide_b = np.broadcast_arrays(a, b)
        except ValueError:
            return "%s has shape %s, %s has shape %s" % (names[0], a.shape, names[1], b.shape)
    else:
        wide_a, wide_b = a, b
    violation = _violations(wide_a, wide_b, rtol, atol)
    wrong = np.count_nonzero(violation > 1)
    head = "Error %f exceeds tolerance rtol=%.1e, atol=%.1e (mismatch %.4f%%: %d of %d)." % (
        violation.max(initial=0),
        rtol,
        atol,
        100 * wrong / max(violation.size, 1),
        wrong,
        violation.size,
    )
    arrays = ["%s: %s" % (name, np.array2string(x, threshold=8, edgeitems=2)) for name, x in zip(names, (a, b))]
    return "\n".join([head, *_listing(wide_a, wide_b, violation, names, shown), *arrays])


def _close(a, b, rtol, atol, equal_nan):
    try:
        return np.allclose(a, b, rtol=rtol, atol=atol, equal_nan=equal_nan)
    except ValueError:
        return False


def assert_almost_equal(
    a,
    b,
    rtol=None,
    atol=None,
    names=("a", "b"),
    equal_nan=False,
    use_broadcast=True,
    mismatches=(10, 10),
    threshold=None,
):
    """Check that ``|a - b| <= atol + rtol * |b|`` everywhere.

    Parameters
    ----------
    a, b : NDArray or array_like
    rtol, atol : float or dict of numpy.dtype to float, optional
        Default: the larger of the two that belong to the types of `a` and `b`
        (float16 1e-2 and 1e-1, float32 1e-4 and 1e-3, float64 1e-5 and 1e-20, whole numbers 0).
    names : tuple of two str
        How the message calls them.
    equal_nan : bool, default False
        Whether NaN equals NaN.
    use_broadcast : bool, default True
        False refuses different shapes.
    mismatches : tuple of two int
        The first is how many differing elements the message lists.
    threshold : float, optional
        Compare by `reldiff` instead, as MXNet 0.8 did.

    Raises
    ------
    AssertionError
        With the worst elements, their places and values.

    Examples
    --------
    >>> assert_almost_equal(np.float32([1, 2]), np.float32([1, 2.0001]))
    >>> assert_almost_equal(np.float32([1, 2]), np.float32([1, 2.5]))
    Traceback (most recent call last):
        ...
    AssertionError: Error 400.000000 exceeds tolerance rtol=1.0e-04, atol=1.0e-03 (mismatch 50.0000%: 1 of 2).
    Location of maximum error: (1,), a=2.00000000, b=2.50000000, 400 times the tolerance
    a: [1. 2.]
    b: [1.  2.5]
    """
    a, b = _numpy(a), _numpy(b)
    if not use_broadcast:
        checkShapes(a, b)
    if threshold is not None:
        _assert_reldiff(a, b, threshold, names)
        return
    rtol, atol = get_tols(a, b, rtol, atol)
    if not _close(a, b, rtol, atol, equal_nan):
        raise AssertionError(_message(a, b, rtol, atol, names, mismatches[0]))


def _assert_reldiff(a, b, threshold, names):
    threshold = threshold or default_numerical_threshold()
    rel = reldiff(a, b)
    if not rel <= threshold:
        raise AssertionError("relative difference %g of %s and %s, expected <= %g\n%s\n%s" % (rel, *names, threshold, a, b))


def assert_allclose(a, b, rtol=1e-07, atol=0, equal_nan=True):
    """`assert_almost_equal` with the defaults of `numpy.testing.assert_allclose`."""
    assert_almost_equal(a, b, rtol=rtol, atol=atol, equal_nan=equal_nan)


def assert_almost_equal_with_err(a, b, rtol=None, atol=None, etol=None, names=("a", "b"), equal_nan=False, mismatches=(10, 10)):
    """`assert_almost_equal` where a share of the elements may differ.

    Parameters
    ----------
    a, b, rtol, atol, names, equal_nan, mismatches
        As for `assert_almost_equal`.
    etol : float, optional
        The share, 0 to 1, of elements that may differ; default 0.
    """
    etol = get_etol(etol)
    if etol <= 0:
        assert_almost_equal(a, b, rtol, atol, names, equal_nan, mismatches=mismatches)
        return
    a, b = _numpy(a), _numpy(b)
    rtol, atol = get_tols(a, b, rtol, atol)
    wrong = 1 - np.mean(np.isclose(a, b, rtol=rtol, atol=atol, equal_nan=equal_nan))
    if wrong > etol:
        raise AssertionError(_message(a, b, rtol, atol, names, mismatches[0]))


def assert_almost_equal_ignore_nan(a, b, rtol=None, atol=None, names=("a", "b")):
    """`assert_almost_equal` of the elements that are NaN in neither array."""
    assert_almost_equal(*_without_nan(a, b), rtol, atol, names)


def assert_exception(f, exception_type, *args, **kwargs):
    """Check that ``f(*args, **kwargs)`` raises `exception_type`.

    Examples
    --------
    >>> assert_exception(int, ValueError, "x")
    >>> assert_exception(int, ValueError, "1")
    Traceback (most recent call last):
        ...
    AssertionError: int did not raise ValueError
    """
    try:
        f(*args, **kwargs)
    except exception_type:
        return
    raise AssertionError("%s did not raise %s" % (getattr(f, "__name__", f), getattr(exception_type, "__name__", exception_type)))


def compare_ndarray_tuple(t1, t2, rtol=None, atol=None):
    """`assert_almost_equal` of all pairs in two tuples, nested ones too; None is equal to anything."""
    if t1 is None or t2 is None:
        return
    if isinstance(t1, tuple):
        for one, other in zip(t1, t2):
            compare_ndarray_tuple(one, other, rtol, atol)
    else:
        assert_almost_equal(t1, t2, rtol=rtol, atol=atol)


def retry(n):
    """A decorator for tests of random results: try up to `n` times while an AssertionError comes.

    Parameters
    ----------
    n : int
        At least 1.
    """
    if n < 1:
        raise AssertionError("retry takes a positive number, not %r" % (n,))

    def decorate(test):
        @functools.wraps(test)
        def wrapped(*args, **kwargs):
            for _ in range(n - 1):
                try:
                    return test(*args, **kwargs)
                except AssertionError:
                    continue
            return test(*args, **kwargs)

        return wrapped

    return decorate
