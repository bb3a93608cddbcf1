"""The distributions of every operator that draws, held by Kolmogorov's and Pearson's tests at fixed seeds."""

import math

import numpy as np
import pytest

import rsym as mx

COUNT = 20000


def normal(x):
    return 0.5 * (1 + np.vectorize(math.erf)((x - 1) / (2 * math.sqrt(2))))


def erlang(x):
    return 1 - np.exp(-2 * x) * (1 + 2 * x + 2 * x * x)


def poisson(k):
    return math.exp(k * math.log(4.5) - 4.5 - math.lgamma(k + 1))


def negative_binomial(k):
    return math.exp(math.lgamma(k + 4) - math.lgamma(4) - math.lgamma(k + 1) + 4 * math.log(0.3) + k * math.log(0.7))


def generalized(k):
    return math.exp(math.lgamma(k + 2) - math.lgamma(2) - math.lgamma(k + 1) + 2 * math.log(0.4) + k * math.log(0.6))


# Parameters by position, and the distribution function or the probabilities of 0, 1, 2, …
CONTINUOUS = {
    "uniform": (dict(low=-2, high=3), lambda x: (x + 2) / 5),
    "normal": (dict(loc=1, scale=2), normal),
    "exponential": (dict(lam=2), lambda x: 1 - np.exp(-2 * x)),
    "gamma": (dict(alpha=3, beta=0.5), erlang),
}
DISCRETE = {
    "poisson": (dict(lam=4.5), poisson),
    "negative_binomial": (dict(k=4, p=0.3), negative_binomial),
    "generalized_negative_binomial": (dict(mu=3, alpha=0.5), generalized),
}
SAMPLED = {"loc": "mu", "scale": "sigma"}
ALL = {**CONTINUOUS, **DISCRETE}


def by_shape(name, params):
    return getattr(mx.nd._internal, f"_random_{name}")(shape=(COUNT,), **params)


def like(name, params):
    return getattr(mx.nd.random, f"{name}_like", None)(mx.nd.zeros((COUNT,)), **params)


def by_parameters(name, params):
    inputs = {SAMPLED.get(key, key): mx.nd.full((2,), value) for key, value in params.items()}
    return getattr(mx.nd._internal, f"_sample_{name}")(**inputs, shape=(COUNT // 2,)).reshape((-1,))


def as_symbol(name, params):
    drawn = getattr(mx.sym._internal, f"_random_{name}")(shape=(COUNT,), **params)
    return drawn.bind(mx.cpu(), {}).forward()[0]


def distance(numbers, cdf):
    """Kolmogorov's distance of a sample from a distribution."""
    places = cdf(np.sort(numbers))
    steps = np.arange(len(numbers) + 1) / len(numbers)
    return max(np.abs(places - steps[:-1]).max(), np.abs(places - steps[1:]).max())


def chi_square(numbers, probability):
    """Pearson's statistic less its mean, in standard deviations; counts expected below 10 are put together."""
    counts = np.bincount(numbers.astype(int))
    expected = np.array([probability(k) * len(numbers) for k in range(len(counts))])
    common = expected >= 10
    rest = len(numbers) - expected[common].sum()
    want, got = np.append(expected[common], rest), np.append(counts[common], counts[~common].sum())
    if rest < 1e-6 * len(numbers):
        assert got[-1] == 0
        want, got = want[:-1], got[:-1]
    freedom = len(want) - 1
    return (((got - want) ** 2 / want).sum() - freedom) / math.sqrt(2 * freedom)


@pytest.mark.parametrize("draw", [by_shape, like, by_parameters, as_symbol])
@pytest.mark.parametrize("name", ALL)
def test_numbers_have_their_distribution(name, draw):
    params, law = ALL[name]
    mx.random.seed(11)
    numbers = draw(name, params).asnumpy().astype("float64")
    assert numbers.shape == (COUNT,)
    if name in CONTINUOUS:
        assert distance(numbers, law) < 1.95 / math.sqrt(COUNT)
    else:
        assert abs(chi_square(numbers, law)) < 4


def test_whole_numbers_are_equally_likely():
    mx.random.seed(11)
    numbers = mx.nd.random.randint(-3, 7, shape=(COUNT,)).asnumpy() + 3
    assert abs(chi_square(numbers, lambda k: 0.1)) < 4


def test_categories_have_their_shares():
    mx.random.seed(11)
    shares = [[0.1, 0.2, 0.3, 0.4], [0.25, 0.25, 0.25, 0.25]]
    drawn, logs = mx.nd.sample_multinomial(mx.nd.array(shares), shape=(COUNT,), get_prob=True)
    for row, log, share in zip(drawn.asnumpy(), logs.asnumpy(), shares):
        assert abs(chi_square(row, lambda k, share=share: share[k])) < 4
        np.testing.assert_allclose(np.exp(log[:50]), [share[k] for k in row[:50]], rtol=1e-5)


def test_every_order_is_equally_likely():
    mx.random.seed(11)
    orders = [tuple(mx.nd.shuffle(mx.nd.array([0, 1, 2])).asnumpy().astype(int)) for _ in range(3000)]
    places = {order: i for i, order in enumerate(sorted(set(orders)))}
    assert len(places) == 6
    assert abs(chi_square(np.array([places[order] for order in orders]), lambda k: 1 / 6)) < 4


def test_dropout_keeps_its_share_and_its_mean():
    mx.random.seed(11)
    with mx.autograd.record():
        kept = mx.nd.Dropout(mx.nd.ones((COUNT,)), p=0.3).asnumpy()
    np.testing.assert_allclose(np.unique(kept), [0, 1 / 0.7], rtol=1e-6)
    assert abs((kept > 0).mean() - 0.7) < 4 * math.sqrt(0.3 * 0.7 / COUNT)
