"""`BucketingModule`: networks for inputs of different lengths that share parameters."""

import logging
import numbers
import warnings

from .. import ndarray
from .. import symbol as sym
from .._checkpoint import load_params
from ..base import ArgumentError
from ..initializer import Uniform
from ..name import NameManager
from ._inputs import check_names
from .base_module import BaseModule
from .module import Module

__all__ = ["BucketingModule"]


class BucketingModule(BaseModule):
    """Networks for inputs of different lengths that share parameters: one for each bucket, made when it is first needed.

    Parameters
    ----------
    sym_gen : callable
        Takes the key of a bucket and gives a symbol, names of data and names of labels (or None).
    default_bucket_key : int or other hashable
        The bucket that is bound first. Its network should be the largest: the others use its memory.
    logger, context, work_load_list, fixed_param_names, state_names, group2ctxs, compression_params
        As in `Module`.

    Examples
    --------
    >>> import rsym as mx
    >>> def network(length):
    ...     data = mx.sym.Variable("data")
    ...     mean = mx.sym.mean(mx.sym.Embedding(data, input_dim=5, output_dim=3, name="embed"), axis=1)
    ...     return mx.sym.SoftmaxOutput(mean, name="softmax"), ["data"], ["softmax_label"]
    >>> module = mx.mod.BucketingModule(network, default_bucket_key=8)
    >>> module.bind([("data", (2, 8))], [("softmax_label", (2,))])
    >>> module.init_params(mx.init.One())
    >>> descs = dict(provide_data=[("data", (2, 4))], provide_label=[("softmax_label", (2,))])
    >>> module.forward(mx.io.DataBatch([mx.nd.ones((2, 4))], [mx.nd.zeros((2,))], bucket_key=4, **descs))
    >>> module.get_outputs()[0].shape
    (2, 3)
    """

    def __init__(
        self,
        sym_gen,
        default_bucket_key=None,
        logger=logging,
        context=None,
        work_load_list=None,
        fixed_param_names=None,
        state_names=None,
        group2ctxs=None,
        compression_params=None,
    ):
        super().__init__(logger=logger)
        if default_bucket_key is None:
            raise ArgumentError("BucketingModule: default_bucket_key is missing, the key of the largest network")
        self._sym_gen = sym_gen
        self._default_bucket_key = default_bucket_key
        self._options = dict(
            logger=logger,
            context=context,
            work_load_list=work_load_list,
            fixed_param_names=fixed_param_names,
            state_names=state_names,
            group2ctxs=group2ctxs,
            compression_params=compression_params,
        )
        self._check_default()
        self._reset_bind()
        self._params_dirty = False
        self._monitor = None
        self._grad_req = None

    def _check_default(self):
        symbol, data_names, label_names = self._call_sym_gen(self._default_bucket_key)
        check_names(symbol, data_names or (), "data", True)
        check_names(symbol, label_names or (), "label", False)
        check_names(symbol, self._options["state_names"] or (), "state", True)
        check_names(symbol, self._options["fixed_param_names"] or (), "fixed_param", True)

    def _reset_bind(self):
        self.binded = False
        self._buckets = {}
        self._curr_module = None
        self._curr_bucket_key = None

    def _call_sym_gen(self, key):
        """What `sym_gen` gives; automatic names begin anew, so that networks agree on them."""
        with NameManager():
            return self._sym_gen(key)

    def _module(self, key, symbol=None):
        """A new module for a bucket."""
        made, data_names, label_names = self._call_sym_gen(key)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore" if key != self._default_bucket_key else "default")
            return Module(made if symbol is None else symbol, data_names, label_names, **self._options)

    # -- facts -----------------------------------------------------------------------------------------------------

    @property
    def symbol(self):
        """The symbol of the present bucket."""
        self._require("symbol", "binded")
        return self._curr_module.symbol

    @property
    def data_names(self):
        """Names of the data inputs: list of str."""
        return self._curr_module.data_names if self.binded else self._call_sym_gen(self._default_bucket_key)[1]

    @property
    def output_names(self):
        """Names of the outputs: list of str."""
        if self.binded:
            return self._curr_module.output_names
        return self._call_sym_gen(self._default_bucket_key)[0].list_outputs()

    @property
    def data_shapes(self):
        """Names and shapes of the data of the present bucket."""
        self._require("data_shapes", "binded")
        return self._curr_module.data_shapes

    @property
    def label_shapes(self):
        """Names and shapes of the labels of the present bucket."""
        self._require("label_shapes", "binded")
        return self._curr_module.label_shapes

    @property
    def output_shapes(self):
        """Names and shapes of the outputs of the present bucket."""
        self._require("output_shapes", "binded")
        return self._curr_module.output_shapes

    # -- parameters ------------------------------------------------------------------------------------------------

    def get_params(self):
        """The parameters; see `Module.get_params`."""
        self._require("get_params", "params_initialized")
        self._curr_module._params_dirty |= self._params_dirty
        self._params_dirty = False
        return self._curr_module.get_params()

    def init_params(
        self,
        initializer=Uniform(0.01),
        arg_params=None,
        aux_params=None,
        allow_missing=False,
        force_init=False,
        allow_extra=False,
    ):
        """Sets the parameters before training; see `Module.init_params`."""
        if self.params_initialized and not force_init:
            return
        self._require("init_params", "binded")
        self._curr_module.init_params(initializer, arg_params, aux_params, allow_missing, force_init, allow_extra)
        self._params_dirty = False
        self.params_initialized = True

    def set_params(self, arg_params, aux_params, allow_missing=False, force_init=True, allow_extra=False):
        """Sets the parameters to values; see `Module.set_params`."""
        if not allow_missing:
            self.init_params(None, arg_params, aux_params, allow_missing, force_init, allow_extra)
            return
        if self.params_initialized and not force_init:
            warnings.warn("the parameters are set already, set_params does nothing without force_init=True", stacklevel=2)
            return
        self._require("set_params", "binded")
        self._curr_module.set_params(arg_params, aux_params, True, force_init, allow_extra)
        self._params_dirty = True
        self.params_initialized = True

    def get_states(self, merge_multi_context=True):
        """The states of the present bucket; see `Module.get_states`."""
        self._require("get_states", "binded", "params_initialized")
        return self._curr_module.get_states(merge_multi_context)

    def set_states(self, states=None, value=None):
        """Sets the states of the present bucket; see `Module.set_states`."""
        self._require("set_states", "binded", "params_initialized")
        self._curr_module.set_states(states, value)

    # -- getting ready ---------------------------------------------------------------------------------------------

    def bind(
        self,
        data_shapes,
        label_shapes=None,
        for_training=True,
        inputs_need_grad=False,
        force_rebind=False,
        shared_module=None,
        grad_req="write",
    ):
        """Binds the default bucket; see `BaseModule.bind`. The others are bound when they are first used."""
        if self.binded and not force_rebind:
            self.logger.warning("Already bound, ignoring bind()")
            return
        if shared_module is not None:
            raise ArgumentError("BucketingModule.bind takes no shared_module: buckets share parameters among themselves")
        params = self.get_params() if self.params_initialized else None
        loaded = {} if self.binded else self._buckets
        self._reset_bind()
        self.for_training, self.inputs_need_grad, self._grad_req = for_training, inputs_need_grad, grad_req
        module = loaded.get(self._default_bucket_key) or self._module(self._default_bucket_key)
        module.bind(data_shapes, label_shapes, for_training, inputs_need_grad, grad_req=grad_req)
        self._buckets = {**loaded, self._default_bucket_key: module}
        self._curr_module, self._curr_bucket_key = module, self._default_bucket_key
        self.binded = True
        if params is not None:
            self.set_params(*params)

    def _bucket(self, key, data_shapes, label_shapes):
        """The module of a bucket, bound; it is made if it is needed for the first time."""
        module = self._buckets.get(key)
        if module is None or not module.binded:
            module = module or self._module(key)
            flags = (self.for_training, self.inputs_need_grad)
            shared = self._buckets[self._default_bucket_key]
            module.bind(data_shapes, label_shapes, *flags, shared_module=shared, grad_req=self._grad_req)
            if self.optimizer_initialized and not module.optimizer_initialized:
                module.borrow_optimizer(self._curr_module)
            if self._monitor is not None:
                module.install_monitor(self._monitor)
            self._buckets[key] = module
        return module

    def switch_bucket(self, bucket_key, data_shapes, label_shapes=None):
        """Goes over to another bucket; `forward` does so by itself.

        Parameters
        ----------
        bucket_key : hashable
        data_shapes, label_shapes : list of (str, tuple) or list of DataDesc
            What a new bucket is bound with.
        """
        self._require("switch_bucket", "binded")
        self._curr_module = self._bucket(bucket_key, data_shapes, label_shapes)
        self._curr_bucket_key = bucket_key

    def init_optimizer(self, kvstore="local", optimizer="sgd", optimizer_params=(("learning_rate", 0.01),), force_init=False):
        """Gets ready to update the parameters, with one optimizer for all buckets; see `BaseModule.init_optimizer`."""
        self._require("init_optimizer", "binded", "params_initialized")
        if self.optimizer_initialized and not force_init:
            self.logger.warning("optimizer already initialized, ignoring.")
            return
        self._curr_module.init_optimizer(kvstore, optimizer, optimizer_params, force_init=force_init)
        for module in self._buckets.values():
            if module is not self._curr_module and module.binded:
                module.borrow_optimizer(self._curr_module)
        self.optimizer_initialized = True

    # -- computing -------------------------------------------------------------------------------------------------

    def prepare(self, data_batch, sparse_row_id_fn=None):
        """Binds the bucket of a batch if it is a new one; the present bucket stays."""
        self._require("prepare", "binded", "params_initialized")
        super().prepare(data_batch, sparse_row_id_fn)
        self._bucket(data_batch.bucket_key, data_batch.provide_data, data_batch.provide_label)

    def forward(self, data_batch, is_train=None):
        """Goes over to the bucket of a batch and computes the outputs.

        Parameters
        ----------
        data_batch : DataBatch
            With `bucket_key`, `provide_data` and `provide_label`.
        is_train : bool, optional
            By default what `bind` was told as `for_training`.
        """
        self._require("forward", "binded", "params_initialized")
        self.switch_bucket(data_batch.bucket_key, data_batch.provide_data, data_batch.provide_label)
        self._curr_module.forward(data_batch, is_train=is_train)

    def backward(self, out_grads=None):
        """Computes the gradients; see `BaseModule.backward`."""
        self._require("backward", "binded", "params_initialized")
        self._curr_module.backward(out_grads)

    def update(self):
        """Updates the parameters by the optimizer and the gradients of the last `backward`."""
        self._require("update", "binded", "params_initialized", "optimizer_initialized")
        self._params_dirty = True
        self._curr_module.update()

    def get_outputs(self, merge_multi_context=True):
        """The outputs of the last `forward`; see `BaseModule.get_outputs`."""
        self._require("get_outputs", "binded", "params_initialized")
        return self._curr_module.get_outputs(merge_multi_context)

    def get_input_grads(self, merge_multi_context=True):
        """The gradients of the data; see `BaseModule.get_input_grads`."""
        self._require("get_input_grads", "binded", "params_initialized")
        return self._curr_module.get_input_grads(merge_multi_context)

    def update_metric(self, eval_metric, labels, pre_sliced=False):
        """Lets a metric take in the outputs of the last `forward`; see `BaseModule.update_metric`."""
        self._require("update_metric", "binded", "params_initialized")
        self._curr_module.update_metric(eval_metric, labels, pre_sliced)

    def install_monitor(self, mon):
        """Lets a monitor watch all buckets, those too that are bound later."""
        self._require("install_monitor", "binded")
        self._monitor = mon
        for module in self._buckets.values():
            if module.binded:
                module.install_monitor(mon)

    # -- files -----------------------------------------------------------------------------------------------------

    def save_checkpoint(self, prefix, epoch, remove_amp_cast=False):
        """Writes the parameters, ``prefix-KEY-symbol.json`` of every bucket, and the keys as ``prefix.buckets``.

        Parameters
        ----------
        prefix : str
            Path or fsspec address, without the endings.
        epoch : int
            Written with four digits.
        remove_amp_cast : bool
            As in `Symbol.save`.

        Raises
        ------
        ValueError
            (an MXNetError) if a key is no whole number.
        """
        self._require("save_checkpoint", "binded")
        if not all(isinstance(key, numbers.Integral) for key in self._buckets):
            raise ArgumentError("save_checkpoint: keys of buckets must be whole numbers, got %s" % list(self._buckets))
        self.save_params("%s-%04d.params" % (prefix, epoch))
        for key in self._buckets:
            self._call_sym_gen(key)[0].save("%s-%s-symbol.json" % (prefix, key), remove_amp_cast=remove_amp_cast)
        ndarray.save("%s.buckets" % prefix, ndarray.array(list(self._buckets), dtype="int32"))

    @staticmethod
    def load(prefix, epoch, sym_gen=None, default_bucket_key=None, **kwargs):
        """A module from what `save_checkpoint` wrote.

        Parameters
        ----------
        prefix : str
        epoch : int
        sym_gen, default_bucket_key, **kwargs
            As in `BucketingModule`.

        Returns
        -------
        BucketingModule
            Not bound yet; its parameters are set.
        """
        keys = [int(key) for key in ndarray.load("%s.buckets" % prefix)[0].asnumpy()]
        symbols = {key: sym.load("%s-%s-symbol.json" % (prefix, key)) for key in keys}
        params = load_params(prefix, epoch)
        return BucketingModule.load_dict(symbols, sym_gen, default_bucket_key, *params, **kwargs)

    @staticmethod
    def load_dict(sym_dict=None, sym_gen=None, default_bucket_key=None, arg_params=None, aux_params=None, **kwargs):
        """A module from symbols and parameters.

        Parameters
        ----------
        sym_dict : dict of hashable to Symbol
            The symbols by the key of their bucket, that of the default among them.
        sym_gen, default_bucket_key, **kwargs
            As in `BucketingModule`.
        arg_params, aux_params : dict of str to NDArray

        Returns
        -------
        BucketingModule
            Not bound yet; its parameters are set.
        """
        given = dict(sym_dict=sym_dict, sym_gen=sym_gen, arg_params=arg_params, aux_params=aux_params)
        for name, value in given.items():
            if value is None:
                raise ArgumentError("BucketingModule: %s is missing" % name)
        if default_bucket_key not in sym_dict:
            text = "BucketingModule: there is no symbol for the default bucket %r; there are %s"
            raise ArgumentError(text % (default_bucket_key, list(sym_dict)))
        bucketing = BucketingModule(sym_gen, default_bucket_key, **kwargs)
        bucketing._buckets = {key: bucketing._module(key, symbol) for key, symbol in sym_dict.items()}
        bucketing._curr_module = bucketing._buckets[default_bucket_key]
        bucketing._curr_module._arg_params, bucketing._curr_module._aux_params = dict(arg_params), dict(aux_params)
        bucketing._curr_module.params_initialized = bucketing.params_initialized = True
        return bucketing
