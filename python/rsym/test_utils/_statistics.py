"""Whether random numbers follow their distribution. The chi-square test needs SciPy."""

import numpy as np

from .. import ndarray as nd
from ..base import NotSupportedForSparseNDArray
from ._compare import _numpy, assert_almost_equal, compare_ndarray_tuple
from ._tolerance import default_context

__all__ = [
    "gen_buckets_probs_with_ppf",
    "mean_check",
    "var_check",
    "chi_square_check",
    "verify_generator",
    "compare_optimizer",
]


def gen_buckets_probs_with_ppf(ppf, nbuckets):
    """Intervals of equal probability.

    Parameters
    ----------
    ppf : function
        The quantile function, from probability to value.
    nbuckets : int
        How many.

    Returns
    -------
    buckets : list of tuple
        Lower and upper end of each.
    probs : list of float

    Examples
    --------
    >>> gen_buckets_probs_with_ppf(lambda p: 10 * p, 2)
    ([(0.0, 5.0), (5.0, 10.0)], [0.5, 0.5])
    """
    if nbuckets < 1:
        raise AssertionError("nbuckets must be at least 1, not %r" % (nbuckets,))
    ends = [ppf(i / nbuckets) for i in range(nbuckets + 1)]
    return list(zip(ends[:-1], ends[1:])), [1.0 / nbuckets] * nbuckets


def mean_check(generator, mu, sigma, nsamples=1000000):
    """Whether the mean of many samples is within three standard errors, ``sigma / sqrt(n)``, of `mu`.

    Parameters
    ----------
    generator : function
        Gives n independent samples for n.
    mu, sigma : float
        Mean and standard deviation that the samples should have.
    nsamples : int

    Returns
    -------
    bool
    """
    mean = np.mean(_numpy(generator(nsamples)))
    return bool(abs(mean - mu) < 3 * sigma / np.sqrt(nsamples))


def var_check(generator, sigma, nsamples=1000000):
    """Whether the variance of many normal samples is within ``3 sqrt(2 sigma^4 / (n - 1))`` of ``sigma^2``.

    Parameters
    ----------
    generator : function
        Gives n independent samples for n.
    sigma : float
        Standard deviation that the samples should have.
    nsamples : int

    Returns
    -------
    bool
    """
    variance = np.var(_numpy(generator(nsamples)), ddof=1)
    return bool(abs(variance - sigma**2) < 3 * np.sqrt(2 * sigma**4 / (nsamples - 1)))


def _observed(samples, buckets):
    """How many samples fall into each interval (lower end included), or equal each value."""
    if not isinstance(buckets[0], (list, tuple)):
        return np.array([np.count_nonzero(samples == value) for value in buckets])
    ends = np.array(buckets, dtype=np.float32)
    if np.any(np.diff(ends.ravel()) < 0):
        raise AssertionError("buckets must ascend without overlap: %s" % (buckets,))
    at = np.searchsorted(ends.ravel(), samples.ravel(), side="right")
    return np.bincount(at[at % 2 == 1] // 2, minlength=len(buckets))


def chi_square_check(generator, buckets, probs, nsamples=1000000):
    """Pearson's chi-square test of a generator.

    Parameters
    ----------
    generator : function
        Gives n independent samples for n.
    buckets : list of (lower, upper), or list of numbers
        Ascending intervals without overlap for a continuous distribution; all values of a discrete one.
    probs : sequence of float
        The probability of each.
    nsamples : int

    Returns
    -------
    p : float
        Small if the samples hardly come from this distribution.
    obs_freq, expected_freq : numpy.ndarray of int
        Counts for each bucket.

    Raises
    ------
    ImportError
        Without SciPy.
    """
    try:
        from scipy.stats import chi2
    except ImportError as error:
        raise ImportError("chi_square_check needs SciPy: pip install scipy") from error
    if len(probs) != len(buckets):
        raise AssertionError("%d buckets but %d probabilities" % (len(buckets), len(probs)))
    observed = _observed(_numpy(generator(nsamples)), buckets)
    expected = (nsamples * np.array(probs, dtype=np.float32)).astype(np.int32)
    statistic = np.sum((observed - expected) ** 2 / expected.astype(np.float64))
    return float(chi2.sf(statistic, len(buckets) - 1)), observed, expected


def verify_generator(generator, buckets, probs, nsamples=1000000, nrepeat=5, success_rate=0.2, alpha=0.05):
    """Check a generator by repeated chi-square tests.

    Parameters
    ----------
    generator, buckets, probs, nsamples
        As for `chi_square_check`.
    nrepeat : int
        How many tests.
    success_rate : float
        The share of them that must pass.
    alpha : float
        A test passes if its p is larger.

    Returns
    -------
    list of float
        The p of each test.

    Raises
    ------
    AssertionError
        If too few pass.
    """
    tests = [chi_square_check(generator, buckets, probs, nsamples) for _ in range(nrepeat)]
    p_values = [p for p, _, _ in tests]
    if sum(p > alpha for p in p_values) < nrepeat * success_rate:
        raise AssertionError(
            "Generator test fails: chi-square p=%s, observed %s, expected %s.\nbuckets=%s, probs=%s"
            % (p_values, [t[1].tolist() for t in tests], tests[0][2].tolist(), buckets, probs)
        )
    return p_values


def compare_optimizer(
    opt1,
    opt2,
    shape,
    dtype,
    w_stype="default",
    g_stype="default",
    rtol=1e-4,
    atol=1e-5,
    compare_states=True,
    ntensors=1,
):
    """Check that two optimizers change the same weight in the same way.

    Parameters
    ----------
    opt1, opt2 : Optimizer
    shape : tuple of int, or list of tuples
        With a list, `opt1` updates the weights one by one and `opt2` all at once.
    dtype : dtype
    w_stype, g_stype : str
        ``'default'``; rsym's arrays are dense.
    rtol, atol : float
    compare_states : bool
        Whether to compare the states (momentum, ...) too.
    ntensors : int
        The length of the list.
    """
    for stype in (w_stype, g_stype):
        if stype != "default":
            raise NotSupportedForSparseNDArray(compare_optimizer, stype)
    shapes = shape if isinstance(shape, list) else [shape]
    weights1, weights2 = _equal_pairs(shapes, dtype)
    grads1, grads2 = _equal_pairs(shapes, dtype)
    states1 = [opt1.create_state_multi_precision(i, w) for i, w in enumerate(weights1)]
    states2 = [opt2.create_state_multi_precision(i, w) for i, w in enumerate(weights2)]
    for i, (weight, grad, state) in enumerate(zip(weights1, grads1, states1)):
        opt1.update_multi_precision(i, weight, grad, state)
    if isinstance(shape, list):
        opt2.update_multi_precision(list(range(ntensors)), weights2, grads2, states2)
    else:
        opt2.update_multi_precision(0, weights2[0], grads2[0], states2[0])
    for i in range(len(shapes)):
        if compare_states:
            compare_ndarray_tuple(states1[i], states2[i], rtol, atol)
        assert_almost_equal(weights1[i], weights2[i], rtol=rtol, atol=atol)


def _equal_pairs(shapes, dtype):
    values = [np.random.uniform(size=shape).astype(dtype) for shape in shapes]
    return tuple(tuple(nd.array(v, ctx=default_context(), dtype=dtype) for v in values) for _ in range(2))
