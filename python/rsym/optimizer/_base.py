"""What all optimizers share: rates, multipliers of single weights, counts of updates, and the registry."""

import os
import warnings

import numpy as np

from .._rsym import update_each
from ..ndarray import cast, zeros

__all__ = ["Optimizer", "Test", "register", "create"]


def aggregation(most):
    """How many weights are updated at once: the environment's MXNET_OPTIMIZER_AGGREGATION_SIZE, else `most`."""
    return int(os.getenv("MXNET_OPTIMIZER_AGGREGATION_SIZE", str(most)))


def zeros_like(weight):
    """A state: zeros of the weight's shape and type, on its device."""
    return zeros(weight.shape, weight.context, dtype=weight.dtype)


def is_half(weight):
    """Whether the weight, or the first of several, is of half precision."""
    first = weight[0] if isinstance(weight, (tuple, list)) else weight
    return first.dtype == np.float16


class Optimizer:
    """The base class of optimizers.

    A subclass has `create_state` and `update`, and is registered with `register`.

    Parameters
    ----------
    rescale_grad : float, default 1.0
        Factor of gradients, often one over the batch size.
    param_idx2name : dict of int to str, optional
        Names of the weights by their index. Weights whose name ends in neither ``_weight`` nor ``_gamma`` are not decayed.
    wd : float, default 0
        Weight decay.
    clip_gradient : float, optional
        Bound of the elements of gradients.
    learning_rate : float, optional
        By default that of the scheduler, or 0.01. Given with a scheduler it sets the scheduler's `base_lr`.
    lr_scheduler : lr_scheduler.LRScheduler, optional
    sym : Symbol, optional
        Where the attributes ``__lr_mult__`` and ``__wd_mult__`` of weights are read.
    begin_num_update : int, default 0
        The number of updates to start from.
    multi_precision : bool, default False
        Keep a copy of weights of half precision in single precision, and update that.
    param_dict : dict of int to object, optional
        Objects with `lr_mult` and `wd_mult`, by the index of the weight.
    """

    opt_registry = {}

    def __init__(
        self,
        rescale_grad=1.0,
        param_idx2name=None,
        wd=0.0,
        clip_gradient=None,
        learning_rate=None,
        lr_scheduler=None,
        sym=None,
        begin_num_update=0,
        multi_precision=False,
        param_dict=None,
    ):
        assert param_idx2name is None or isinstance(param_idx2name, dict), (
            "param_idx2name must be a dict of indices to names, got %r" % (param_idx2name,)
        )
        if lr_scheduler is None and learning_rate is None:
            learning_rate = 0.01
        if lr_scheduler is not None and learning_rate is not None:
            lr_scheduler.base_lr = learning_rate
        self.rescale_grad = rescale_grad
        self.lr_scheduler = lr_scheduler
        self.lr = learning_rate
        self.wd = wd
        self.begin_num_update = begin_num_update
        self.num_update = begin_num_update
        self._all_index_update_counts = {0: {}}
        self._index_update_count = self._all_index_update_counts[0]
        self.clip_gradient = clip_gradient
        self.multi_precision = multi_precision
        self.aggregate_num = 0
        self.idx2name = dict(param_idx2name or {})
        self.sym_info = (sym.attr_dict(), sym.list_arguments()) if sym is not None else ()
        self.param_dict = param_dict or {}
        self.set_lr_mult({})
        self.set_wd_mult({})

    # -- the registry ----------------------------------------------------------------------------------------------

    @staticmethod
    def register(klass):
        """Makes an optimizer known to `create_optimizer` under its lower-cased name; a decorator.

        Examples
        --------
        >>> import rsym as mx
        >>> @mx.optimizer.register
        ... class Mine(mx.optimizer.SGD):
        ...     pass
        >>> type(mx.optimizer.create("mine")).__name__
        'Mine'
        """
        assert isinstance(klass, type), "an optimizer is a class, got %r" % (klass,)
        name = klass.__name__.lower()
        known = Optimizer.opt_registry.get(name)
        if known is not None and (known.__module__, known.__qualname__) != (klass.__module__, klass.__qualname__):
            warnings.warn(
                "the new optimizer %s.%s takes the name of %s.%s"
                % (klass.__module__, klass.__name__, known.__module__, known.__name__),
                stacklevel=2,
            )
        Optimizer.opt_registry[name] = klass
        return klass

    @staticmethod
    def create_optimizer(name, **kwargs):
        """An optimizer by its name, in any case.

        Parameters
        ----------
        name : str
        **kwargs
            Parameters of the optimizer.

        Raises
        ------
        ValueError
            If there is none of that name.

        Examples
        --------
        >>> import rsym as mx
        >>> mx.optimizer.create("adam", learning_rate=0.1).learning_rate
        0.1
        """
        klass = Optimizer.opt_registry.get(name.lower())
        if klass is None:
            raise ValueError("there is no optimizer '%s'; there are %s" % (name, ", ".join(sorted(Optimizer.opt_registry))))
        return klass(**kwargs)

    # -- what subclasses define ------------------------------------------------------------------------------------

    def create_state(self, index, weight):
        """The state that the weight is updated with: None, an array or a tuple of such.

        Parameters
        ----------
        index : int or str
            Which weight.
        weight : NDArray
        """

    def update(self, index, weight, grad, state):
        """Updates the weight in place.

        Parameters
        ----------
        index : int or str
        weight, grad : NDArray
        state
            From `create_state`.
        """
        raise NotImplementedError("an optimizer must override update")

    def create_state_multi_precision(self, index, weight):
        """As `create_state`; with a copy in single precision first for half precision and `multi_precision`."""
        if is_half(weight):
            if self.multi_precision:
                master = weight.astype(np.float32)
                return (master, self.create_state(index, master))
            self._warn_of_half()
        return self.create_state(index, weight)

    def update_multi_precision(self, index, weight, grad, state):
        """As `update`, with a state from `create_state_multi_precision`."""
        if not (self.multi_precision and is_half(weight)):
            self.update(index, weight, grad, state)
            return
        master, inner = state
        self.update(index, master, grad.astype(np.float32), inner)
        cast(master, dtype=weight.dtype, out=weight)

    def _warn_of_half(self):
        text = "%s accumulates in float16, which loses small updates; consider multi_precision=True"
        warnings.warn(text % type(self).__name__, stacklevel=3)

    # -- rates -----------------------------------------------------------------------------------------------------

    @property
    def learning_rate(self):
        """The present learning rate, without multipliers."""
        return self.lr if self.lr_scheduler is None else self.lr_scheduler(self.num_update)

    def set_learning_rate(self, lr):
        """Sets the learning rate.

        Raises
        ------
        UserWarning
            If a scheduler decides on the rate.
        """
        if self.lr_scheduler is not None:
            raise UserWarning("the learning rate follows lr_scheduler: set lr_scheduler.base_lr instead")
        self.lr = lr

    def set_lr_scale(self, args_lrscale):
        """Gone: use `set_lr_mult`."""
        raise DeprecationWarning("set_lr_scale is gone: use set_lr_mult")

    def _from_attributes(self, key):
        """The numbers that the symbol's arguments carry as attribute `key`."""
        if not self.sym_info:
            return {}
        attributes, arguments = self.sym_info
        return {name: float(attributes[name][key]) for name in arguments if key in attributes.get(name, ())}

    def _decays(self, name):
        """Whether a weight of this name is decayed unless somebody says otherwise."""
        return name.endswith(("_weight", "_gamma"))

    def set_lr_mult(self, args_lr_mult):
        """Sets factors of the learning rate for single weights, over those of the symbol's attributes.

        Parameters
        ----------
        args_lr_mult : dict of str or int to float
            By name or index.
        """
        self.lr_mult = {**self._from_attributes("__lr_mult__"), **args_lr_mult}

    def set_wd_mult(self, args_wd_mult):
        """Sets factors of the weight decay for single weights, over those of the symbol's attributes.

        Weights known by name that end in neither ``_weight`` nor ``_gamma`` have 0 unless something else is said.

        Parameters
        ----------
        args_wd_mult : dict of str or int to float
            By name or index.
        """
        plain = {name: 0.0 for name in self.idx2name.values() if not self._decays(name)}
        self.wd_mult = {**plain, **self._from_attributes("__wd_mult__"), **args_wd_mult}

    def _multiplier(self, index, attribute):
        if index in self.param_dict:
            return getattr(self.param_dict[index], attribute)
        known = getattr(self, attribute)
        if index in known:
            return known[index]
        return known.get(self.idx2name.get(index), 1.0)

    def _get_lrs(self, indices):
        """The learning rates of several weights."""
        rate = self.learning_rate
        return [rate * self._multiplier(index, "lr_mult") for index in indices]

    def _get_lr(self, index):
        """The learning rate of one weight."""
        return self._get_lrs([index])[0]

    def _get_wds(self, indices):
        """The weight decays of several weights."""
        return [self.wd * self._multiplier(index, "wd_mult") for index in indices]

    def _get_wd(self, index):
        """The weight decay of one weight."""
        return self._get_wds([index])[0]

    # -- counts ----------------------------------------------------------------------------------------------------

    def _set_current_context(self, device_id):
        """Counts for the device of this number from now on: every device updates its own copy of a weight."""
        self._index_update_count = self._all_index_update_counts.setdefault(device_id, {})

    def _update_count(self, index):
        """Counts an update of one or several weights."""
        for one in index if isinstance(index, (list, tuple)) else [index]:
            count = self._index_update_count.get(one, self.begin_num_update) + 1
            self._index_update_count[one] = count
            self.num_update = max(count, self.num_update)

    def _begin(self, index):
        """Counts an update of one weight; its learning rate, weight decay and number of updates."""
        self._update_count(index)
        return self._get_lr(index), self._get_wd(index), self._index_update_count[index]

    def _scaling(self):
        """What operators are told of gradients."""
        scaling = {"rescale_grad": self.rescale_grad}
        if self.clip_gradient:
            scaling["clip_gradient"] = self.clip_gradient
        return scaling

    def _scaled(self, grad):
        """The rescaled and clipped gradient."""
        return self._clipped(grad * self.rescale_grad)

    def _clipped(self, grad):
        return grad if self.clip_gradient is None else grad.clip(-self.clip_gradient, self.clip_gradient)

    # -- pickling --------------------------------------------------------------------------------------------------

    def __getstate__(self):
        state = self.__dict__.copy()
        del state["param_dict"]
        return state

    def __setstate__(self, state):
        self.__dict__ = state
        self.param_dict = {}


class OneOperator(Optimizer):
    """An optimizer whose update is one operator, which takes many weights at once.

    A subclass defines `_operator` and, unless they are `lr` and `wd` alone, `_rates`. One that overrides `update` gets weights
    one by one.

    Parameters
    ----------
    **kwargs
        As in `Optimizer`. MXNET_OPTIMIZER_AGGREGATION_SIZE says how many weights are updated at once.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.aggregate_num = aggregation(64) if type(self).update is OneOperator.update else 0

    def _operator(self, state):
        """The name of the operator for a weight with such a state, and the parameters that all weights share."""
        raise NotImplementedError("an optimizer must override update")

    def _rates(self, indices):
        """The parameters that differ from weight to weight: lists by name."""
        return {"lr": self._get_lrs(indices), "wd": self._get_wds(indices)}

    def update(self, index, weight, grad, state):
        """Updates one weight, or several given as lists."""
        if not isinstance(index, (list, tuple)):
            index, weight, grad, state = [index], [weight], [grad], [state]
        self._update_count(index)
        operator, params = self._operator(state[0])
        arrays = [arrays_of(*group) for group in zip(weight, grad, state)]
        update_each(operator, arrays, params, self._rates(index))

    def update_multi_precision(self, index, weight, grad, state):
        """As `update`, with states from `create_state_multi_precision`."""
        if not (self.multi_precision and is_half(weight)):
            self.update(index, weight, grad, state)
            return
        if not isinstance(index, (list, tuple)):
            index, weight, grad, state = [index], [weight], [grad], [state]
        for one in zip(index, weight, grad, state):
            super().update_multi_precision(*one)


def arrays_of(weight, grad, state):
    """The inputs of an update: weight, gradient, and the arrays of the state."""
    states = state if isinstance(state, (list, tuple)) else () if state is None else (state,)
    return [weight, grad, *(array for array in states if array is not None)]


register = Optimizer.register
create = Optimizer.create_optimizer


@register
class Test(Optimizer):
    """Adds the rescaled gradient to the weight and copies the weight into the state: for tests of stores."""

    def create_state(self, index, weight):
        """Zeros."""
        return zeros_like(weight)

    def update(self, index, weight, grad, state):
        """``weight += rescale_grad * grad``"""
        weight[:] += grad * self.rescale_grad
        state[:] = weight
