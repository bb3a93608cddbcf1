"""Values for parameters before training.

An initializer is called with the name of an array and the array. The name decides: weights are what the classes here differ
in, biases and betas become 0, gammas 1. A variable may ask for another initializer by its `__init__` attribute
(``Variable(..., init=...)``). Random numbers come from the stream of `rsym.random.seed`.

Examples
--------
>>> import rsym as mx
>>> weight = mx.nd.zeros((2, 3))
>>> mx.init.Constant(0.5)(mx.init.InitDesc("fc_weight"), weight)
>>> weight.asnumpy().tolist()
[[0.5, 0.5, 0.5], [0.5, 0.5, 0.5]]
"""

import json
import logging
import math
import re
import warnings

import numpy as np

from . import ndarray as nd
from . import random, registry

__all__ = [
    "InitDesc",
    "Initializer",
    "register",
    "alias",
    "create",
    "Load",
    "Mixed",
    "Zero",
    "One",
    "Constant",
    "Uniform",
    "Normal",
    "Orthogonal",
    "Xavier",
    "MSRAPrelu",
    "Bilinear",
    "LSTMBias",
    "FusedRNN",
]


class InitDesc(str):
    """The name of an array to initialise, with what else is known of it.

    Parameters
    ----------
    name : str
    attrs : dict of str to str, optional
        Attributes of the variable, as `Symbol.attr_dict` gives them.
    global_init : Initializer, optional
        The initializer that initializers of single variables fall back to.
    """

    def __new__(cls, name, attrs=None, global_init=None):
        desc = super().__new__(cls, name)
        desc.attrs = attrs or {}
        desc.global_init = global_init
        return desc


def _mean_size(array):
    return str((nd.norm(array) / math.sqrt(array.size)).asscalar())


class Initializer:
    """The base of all initializers. Subclasses define ``_init_weight(desc, array)``.

    Parameters
    ----------
    **kwargs
        What `dumps` writes: the arguments that make an equal initializer.
    """

    # What is done to an array whose name ends so: the first that fits.
    _ENDINGS = (
        ("weight", "_init_weight"),
        ("bias", "_init_bias"),
        ("gamma", "_init_gamma"),
        ("beta", "_init_beta"),
        ("min", "_init_zero"),
        ("max", "_init_one"),
        ("weight_quantize", "_init_quantized_weight"),
        ("bias_quantize", "_init_quantized_bias"),
    )
    # The same where the name is a plain str.
    _LEGACY_ENDINGS = (
        ("bias", "_init_bias"),
        ("gamma", "_init_gamma"),
        ("beta", "_init_beta"),
        ("weight", "_init_weight"),
        ("moving_mean", "_init_zero"),
        ("moving_var", "_init_one"),
        ("moving_inv_var", "_init_zero"),
        ("moving_avg", "_init_zero"),
        ("min", "_init_zero"),
        ("max", "_init_one"),
    )

    def __init__(self, **kwargs):
        self._kwargs = kwargs
        self._verbose = False
        self._print_func = None

    def set_verbosity(self, verbose=False, print_func=None):
        """Says whether every initialised array is logged.

        Parameters
        ----------
        verbose : bool
        print_func : callable, optional
            Makes text of an NDArray; by default its norm over the root of its size.

        Returns
        -------
        Initializer
            Itself.
        """
        self._verbose = verbose
        self._print_func = print_func or _mean_size
        return self

    def _verbose_print(self, desc, how, array):
        if self._verbose and self._print_func:
            logging.info("Initialized %s as %s: %s", desc, how, self._print_func(array))

    def dumps(self):
        """The initializer as JSON text, which `create` reads.

        Examples
        --------
        >>> Normal(0.5).dumps()
        '["normal", {"sigma": 0.5}]'
        """
        return json.dumps([type(self).__name__.lower(), self._kwargs])

    def __call__(self, desc, arr):
        """Initialises an array.

        Parameters
        ----------
        desc : InitDesc or str
            With a plain str, which is deprecated, some further endings and beginnings are known.
        arr : NDArray

        Raises
        ------
        ValueError
            If the name does not tell what to do.
        """
        if not isinstance(desc, InitDesc):
            self._legacy_init(desc, arr)
            return
        if desc.global_init is None:
            desc.global_init = self
        own = desc.attrs.get("__init__", "")
        if own:
            create(own)._init_weight(desc, arr)
            self._verbose_print(desc, own, arr)
            return
        for ending, method in self._ENDINGS:
            if desc.endswith(ending):
                getattr(self, method)(desc, arr)
                self._verbose_print(desc, ending, arr)
                return
        self._init_default(desc, arr)

    def _legacy_init(self, name, arr):
        warnings.warn(
            "Calling an initializer with (str, NDArray) is deprecated; use init(rsym.init.InitDesc(...), NDArray)",
            DeprecationWarning,
            stacklevel=3,
        )
        if not isinstance(name, str):
            raise TypeError("name must be string")
        if not isinstance(arr, nd.NDArray):
            raise TypeError("arr must be NDArray")
        if name.startswith("upsampling"):
            return self._init_bilinear(name, arr)
        if name.startswith("stn_loc") and name.endswith(("weight", "bias")):
            return self._init_zero(name, arr) if name.endswith("weight") else self._init_loc_bias(name, arr)
        for ending, method in self._LEGACY_ENDINGS:
            if name.endswith(ending):
                return getattr(self, method)(name, arr)
        return self._init_default(name, arr)

    def _init_bilinear(self, _, arr):
        height, width = arr.shape[2:]
        half = math.ceil(width / 2.0)
        centre = (2 * half - 1 - half % 2) / (2.0 * half)
        rows, columns = (1 - np.abs(np.arange(n) / half - centre) for n in (height, width))
        arr[:] = np.broadcast_to(np.outer(rows, columns), arr.shape).astype("float32")

    def _init_loc_bias(self, _, arr):
        assert arr.shape[0] == 6
        arr[:] = np.array([1.0, 0, 0, 0, 1.0, 0])

    def _init_zero(self, _, arr):
        arr[:] = 0.0

    def _init_one(self, _, arr):
        arr[:] = 1.0

    def _init_bias(self, _, arr):
        arr[:] = 0.0

    def _init_gamma(self, _, arr):
        arr[:] = 1.0

    def _init_beta(self, _, arr):
        arr[:] = 0.0

    def _init_weight(self, name, arr):
        raise NotImplementedError("%s does not define _init_weight, which '%s' needs" % (type(self).__name__, name))

    def _init_quantized_weight(self, _, arr):
        arr[:] = random.randint(-127, 127, shape=arr.shape, dtype="int32").asnumpy().astype("int8")

    def _init_quantized_bias(self, _, arr):
        arr[:] = 0

    def _init_default(self, name, _):
        raise ValueError(
            "Unknown initialization pattern for %s. Default initialization is limited to names that end with "
            '"weight", "bias", "gamma" (1.0) and "beta" (0.0). Use sym.Variable(init=...) to say how a variable '
            "is initialised." % name
        )

    def __eq__(self, other):
        if not isinstance(other, Initializer):
            return NotImplemented
        return type(self) is type(other) and self._kwargs == other._kwargs

    __hash__ = object.__hash__


register = registry.get_register_func(Initializer, "initializer")
alias = registry.get_alias_func(Initializer, "initializer")
create = registry.get_create_func(Initializer, "initializer")


class Load:
    """Takes values from a file or dict.

    Parameters
    ----------
    param : str or dict of str to NDArray
        A parameter file or the arrays; ``arg:`` and ``aux:`` before names are dropped.
    default_init : Initializer, optional
        For names that are not there.
    verbose : bool
        Log where values come from.

    Examples
    --------
    >>> import rsym as mx
    >>> weight = mx.nd.zeros((2,))
    >>> Load({"arg:fc_weight": mx.nd.array([1, 2])})("fc_weight", weight)
    >>> weight.asnumpy().tolist()
    [1.0, 2.0]
    """

    def __init__(self, param, default_init=None, verbose=False):
        if isinstance(param, str):
            param = nd.load(param)
        assert isinstance(param, dict)
        self.param = {name[4:] if name.startswith(("arg:", "aux:")) else name: arr for name, arr in param.items()}
        self.default_init = default_init
        self.verbose = verbose

    def __call__(self, name, arr):
        """Initialises an array; an AssertionError if the shape is another one or nothing is known of the name."""
        value = self.param.get(name)
        if value is None:
            assert self.default_init is not None, (
                "Cannot Initialize %s. Not found in loaded param and no default Initializer is provided." % name
            )
            self.default_init(name, arr)
        else:
            assert arr.shape == value.shape, (
                "Parameter %s cannot be initialized from loading. Shape mismatch, target %s vs loaded %s"
                % (name, arr.shape, value.shape)
            )
            arr[:] = value
        if self.verbose:
            logging.info("Initialized %s by %s", name, "default" if value is None else "loading")


class Mixed:
    """Chooses an initializer by the name of the array.

    Parameters
    ----------
    patterns : list of str
        Regular expressions for the beginning of names; the first that matches counts.
    initializers : list of Initializer

    Examples
    --------
    >>> import rsym as mx
    >>> bias = mx.nd.ones((2,))
    >>> Mixed(["fc.*bias", ".*"], [Zero(), Uniform(0.1)])(InitDesc("fc_bias"), bias)
    >>> bias.asnumpy().tolist()
    [0.0, 0.0]
    """

    def __init__(self, patterns, initializers):
        assert len(patterns) == len(initializers)
        self.map = [(re.compile(pattern), init) for pattern, init in zip(patterns, initializers)]

    def __call__(self, name, arr):
        """Initialises an array; a ValueError if no pattern matches."""
        for pattern, init in self.map:
            if pattern.match(name):
                init(name, arr)
                return
        raise ValueError(
            'Parameter name %s did not match any pattern. Consider adding a ".*" pattern at the end with a default '
            "Initializer." % name
        )


@alias("zeros")
@register
class Zero(Initializer):
    """Weights of 0."""

    def __init__(self):
        super().__init__()

    def _init_weight(self, _, arr):
        arr[:] = 0


@alias("ones")
@register
class One(Initializer):
    """Weights of 1."""

    def __init__(self):
        super().__init__()

    def _init_weight(self, _, arr):
        arr[:] = 1


@register
class Constant(Initializer):
    """Weights of a given value.

    Parameters
    ----------
    value : float, NDArray or numpy.ndarray
        A number, or an array of the shape of the weight.

    Examples
    --------
    >>> Constant(1).dumps()
    '["constant", {"value": 1}]'
    """

    def __init__(self, value):
        super().__init__(value=value)
        self.value = value

    def _init_weight(self, _, arr):
        arr[:] = self.value

    def dumps(self):
        """The initializer as JSON text."""
        value = self._kwargs["value"]
        if not np.isscalar(value):
            array = value.asnumpy() if isinstance(value, nd.NDArray) else np.asarray(value)
            self._kwargs["value"] = array.tolist()
        return super().dumps()


@register
class Uniform(Initializer):
    """Weights uniform in [-scale, scale].

    Parameters
    ----------
    scale : float
    """

    def __init__(self, scale=0.07):
        super().__init__(scale=scale)
        self.scale = scale

    def _init_weight(self, _, arr):
        random.uniform(-self.scale, self.scale, arr.shape, out=arr)


@register
class Normal(Initializer):
    """Normal weights around 0.

    Parameters
    ----------
    sigma : float
        The standard deviation.
    """

    def __init__(self, sigma=0.01):
        super().__init__(sigma=sigma)
        self.sigma = sigma

    def _init_weight(self, _, arr):
        random.normal(0, self.sigma, arr.shape, out=arr)


@register
class Orthogonal(Initializer):
    """Weights whose rows, or columns if they are fewer, are orthogonal, all axes but the first counting as one.

    Source: Saxe, McClelland and Ganguli, Exact solutions to the nonlinear dynamics of learning in deep linear neural
    networks (2013).

    Parameters
    ----------
    scale : float
        Length of the rows.
    rand_type : str
        Distribution of the matrix whose singular vectors are taken: 'uniform' or 'normal'.
    """

    def __init__(self, scale=1.414, rand_type="uniform"):
        super().__init__(scale=scale, rand_type=rand_type)
        self.scale = scale
        self.rand_type = rand_type

    def _init_weight(self, _, arr):
        shape = (arr.shape[0], int(np.prod(arr.shape[1:])))
        if self.rand_type == "uniform":
            drawn = random.uniform(-1.0, 1.0, shape=shape)
        elif self.rand_type == "normal":
            drawn = random.normal(0.0, 1.0, shape=shape)
        else:
            raise ValueError("rand_type must be 'uniform' or 'normal', got %r" % (self.rand_type,))
        left, _, right = np.linalg.svd(drawn.asnumpy(), full_matrices=False)
        arr[:] = self.scale * (left if left.shape == shape else right).reshape(arr.shape)


@register
class Xavier(Initializer):
    """Random weights that keep the size of gradients alike in all layers: variance magnitude / (3 n) for 'uniform'.

    Source: Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks (2010).

    Parameters
    ----------
    rnd_type : str
        'uniform' in [-c, c] or 'gaussian' with the standard deviation c, where c = sqrt(magnitude / n).
    factor_type : str
        What n is: 'in', the inputs of a unit; 'out', the units that an input feeds; or 'avg', their mean.
    magnitude : float

    Raises
    ------
    ValueError
        When called on an array of fewer than two dimensions, or for other texts.
    """

    def __init__(self, rnd_type="uniform", factor_type="avg", magnitude=3):
        super().__init__(rnd_type=rnd_type, factor_type=factor_type, magnitude=magnitude)
        self.rnd_type = rnd_type
        self.factor_type = factor_type
        self.magnitude = float(magnitude)

    def _init_weight(self, name, arr):
        if len(arr.shape) < 2:
            raise ValueError("Xavier initializer cannot be applied to vector %s. It requires at least 2D." % name)
        around = float(np.prod(arr.shape[2:]))
        fan_in, fan_out = arr.shape[1] * around, arr.shape[0] * around
        factors = {"avg": (fan_in + fan_out) / 2.0, "in": fan_in, "out": fan_out}
        if self.factor_type not in factors:
            raise ValueError("Incorrect factor type")
        scale = math.sqrt(self.magnitude / factors[self.factor_type])
        if self.rnd_type == "uniform":
            random.uniform(-scale, scale, arr.shape, out=arr)
        elif self.rnd_type == "gaussian":
            random.normal(0, scale, arr.shape, out=arr)
        else:
            raise ValueError("Unknown random type")


@register
class MSRAPrelu(Xavier):
    """Normal weights for layers in front of rectifiers: `Xavier` with the magnitude 2 / (1 + slope²).

    Source: He et al., Delving Deep into Rectifiers (2015).

    Parameters
    ----------
    factor_type : str
        As in `Xavier`.
    slope : float
        The rectifier's slope for negative numbers.
    """

    def __init__(self, factor_type="avg", slope=0.25):
        super().__init__("gaussian", factor_type, 2.0 / (1 + slope**2))
        self._kwargs = {"factor_type": factor_type, "slope": slope}


@register
class Bilinear(Initializer):
    """Weights of shape (n, m, h, w) with which a Deconvolution interpolates bilinearly."""

    def __init__(self):
        super().__init__()

    def _init_weight(self, name, arr):
        self._init_bilinear(name, arr)


@register
class LSTMBias(Initializer):
    """Biases of an LSTMCell: 0, and another value for the forget gate.

    Parameters
    ----------
    forget_bias : float
        Jozefowicz et al., An Empirical Exploration of Recurrent Network Architectures (2015), advise 1.
    """

    def __init__(self, forget_bias=1.0):
        super().__init__(forget_bias=forget_bias)
        self.forget_bias = forget_bias

    def _init_weight(self, name, arr):
        hidden = arr.shape[0] // 4
        arr[:] = 0.0
        arr[hidden : 2 * hidden] = self.forget_bias


@register
class FusedRNN(Initializer):
    """Parameters of a FusedRNNCell: each weight and bias by itself.

    Parameters
    ----------
    init : Initializer, str or None
        For the single arrays; None for the global initializer.
    num_hidden, num_layers : int
        As in the cell, like all that follow.
    mode : str
    bidirectional : bool
    forget_bias : float
        Bias of the input part of LSTM's forget gates, and of their recurrent part.
    """

    def __init__(self, init, num_hidden, num_layers, mode, bidirectional=False, forget_bias=1.0):
        if isinstance(init, str):
            init = create(init)
        super().__init__(
            init=None if init is None else init.dumps(),
            num_hidden=num_hidden,
            num_layers=num_layers,
            mode=mode,
            bidirectional=bidirectional,
            forget_bias=forget_bias,
        )
        self._init = init
        self._num_hidden = num_hidden
        self._num_layers = num_layers
        self._mode = mode
        self._bidirectional = bidirectional
        self._forget_bias = forget_bias

    def _init_weight(self, desc, arr):
        from .rnn import FusedRNNCell

        cell = FusedRNNCell(
            self._num_hidden,
            self._num_layers,
            self._mode,
            self._bidirectional,
            forget_bias=self._forget_bias,
            prefix="",
        )
        global_init = getattr(desc, "global_init", None)
        args = cell.unpack_weights({"parameters": arr})
        for name, part in args.items():
            if self._mode == "lstm" and name.endswith("_f_bias"):
                part[:] = self._forget_bias
            else:
                (self._init or global_init)(InitDesc(name, global_init=global_init), part)
        arr[:] = cell.pack_weights(args)["parameters"]
