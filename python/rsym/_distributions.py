"""The functions of `rsym.nd.random` and `rsym.sym.random`: parameters may be numbers or arrays (symbols)."""

import numpy as np

from .base import _Null

__all__ = ["functions"]


def functions(kind, scalar_op, array_op, op, extra):
    """The functions by name.

    Parameters
    ----------
    kind : class
        `NDArray` or `Symbol`: what is taken for an array of parameters.
    scalar_op, array_op, op : function
        Give the operator function of a distribution with numbers as parameters, with arrays as parameters, and by name.
    extra : function
        Completes the keywords of a call from `ctx`.
    """

    def draw(name, params, shape, dtype, kwargs):
        shape = _Null if shape is None else shape
        arrays = [isinstance(v, kind) for v in params.values()]
        if all(arrays):
            return array_op(name)(*params.values(), shape=shape, dtype=dtype, **extra(kwargs, False))
        if any(arrays):
            raise ValueError(
                "Distribution parameters must all have the same type, but got "
                + ", ".join("%s: %s" % (k, type(v)) for k, v in params.items())
            )
        shape = (1,) if shape is _Null and "out" not in kwargs else shape
        return scalar_op(name)(**params, shape=shape, dtype=dtype, **extra(kwargs, True))

    def uniform(low=0, high=1, shape=_Null, dtype=_Null, **kwargs):
        """Draws from the uniform distribution on [low, high)."""
        return draw("uniform", {"low": low, "high": high}, shape, dtype, kwargs)

    def normal(loc=0, scale=1, shape=_Null, dtype=_Null, **kwargs):
        """Draws from the normal distribution with mean `loc` and standard deviation `scale`."""
        if isinstance(loc, kind):
            return draw("normal", {"mu": loc, "sigma": scale}, shape, dtype, kwargs)
        return draw("normal", {"loc": loc, "scale": scale}, shape, dtype, kwargs)

    def randn(*shape, **kwargs):
        """Draws from the normal distribution, by default the standard one, in the given shape."""
        return normal(kwargs.pop("loc", 0), kwargs.pop("scale", 1), shape, kwargs.pop("dtype", _Null), **kwargs)

    def gamma(alpha=1, beta=1, shape=_Null, dtype=_Null, **kwargs):
        """Draws from the gamma distribution with shape `alpha` and scale `beta`."""
        return draw("gamma", {"alpha": alpha, "beta": beta}, shape, dtype, kwargs)

    def exponential(scale=1, shape=_Null, dtype=_Null, **kwargs):
        """Draws from the exponential distribution with mean `scale`."""
        return draw("exponential", {"lam": 1.0 / scale}, shape, dtype, kwargs)

    def poisson(lam=1, shape=_Null, dtype=_Null, **kwargs):
        """Draws from the Poisson distribution with mean `lam`."""
        return draw("poisson", {"lam": lam}, shape, dtype, kwargs)

    def negative_binomial(k=1, p=1, shape=_Null, dtype=_Null, **kwargs):
        """Draws the number of failures before `k` successes, each of probability `p`."""
        return draw("negative_binomial", {"k": k, "p": p}, shape, dtype, kwargs)

    def generalized_negative_binomial(mu=1, alpha=1, shape=_Null, dtype=_Null, **kwargs):
        """Draws from the negative binomial distribution with mean `mu` and dispersion `alpha`."""
        return draw("generalized_negative_binomial", {"mu": mu, "alpha": alpha}, shape, dtype, kwargs)

    def randint(low, high, shape=_Null, dtype=_Null, **kwargs):
        """Draws whole numbers from [low, high)."""
        return draw("randint", {"low": low, "high": high}, shape, dtype, kwargs)

    def multinomial(data, shape=_Null, get_prob=False, dtype="int32", **kwargs):
        """Draws positions with the probabilities in the rows of `data`."""
        return op("sample_multinomial")(data, shape=shape, get_prob=get_prob, dtype=dtype, **kwargs)

    def shuffle(data, **kwargs):
        """The rows of `data` in random order."""
        return op("shuffle")(data, **kwargs)

    made = (
        uniform,
        normal,
        randn,
        gamma,
        exponential,
        poisson,
        negative_binomial,
        generalized_negative_binomial,
        randint,
        multinomial,
        shuffle,
    )
    return {f.__name__: f for f in made}


def numpy_dtype(dtype):
    """A data type as its name."""
    return dtype if dtype is _Null or dtype is None or isinstance(dtype, str) else np.dtype(dtype).name
