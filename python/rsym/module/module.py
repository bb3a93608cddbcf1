"""`Module`: a symbol with parameters, on one or several devices."""

import logging
import warnings

from .. import optimizer as opt
from .._checkpoint import load_checkpoint
from .._files import read_bytes, write_bytes
from .._training import Updates, _create_kvstore, _initialize_kvstore
from ..base import ArgumentError, MXNetError, NotReadyError
from ..context import Context, cpu
from ..initializer import InitDesc, Uniform
from ..io import DataDesc
from ..ndarray import zeros
from ._inputs import check_names, descriptions, parse_descriptions
from .base_module import BaseModule
from .executor_group import DataParallelExecutorGroup

__all__ = ["Module"]


class Module(BaseModule):
    """A symbol with parameters, on one or several devices.

    Parameters
    ----------
    symbol : Symbol
    data_names, label_names : list of str
        The inputs that batches fill. Labels that the symbol does not have are passed over, with a warning.
    logger : logging.Logger
    context : Context or list of Context
        Every batch is shared out over several contexts, and their gradients are summed.
    work_load_list : list of float, optional
        The share of each context; by default they are equal.
    fixed_param_names : list of str, optional
        Parameters that are not trained.
    state_names : list of str, optional
        Inputs that neither batches fill nor training changes; see `set_states`.
    group2ctxs : dict of str to Context, or list of such dicts, optional
        The contexts of the groups of a model (attribute ``ctx_group``).
    compression_params : dict, optional
        Of gradients between devices: ``{'type': 'none'}``.

    Raises
    ------
    ValueError
        If the symbol lacks a name; the message tells which inputs it has.

    Examples
    --------
    >>> import rsym as mx
    >>> net = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=3, name="fc"), name="softmax")
    >>> module = mx.mod.Module(net)
    >>> module.bind(data_shapes=[("data", (4, 2))], label_shapes=[("softmax_label", (4,))])
    >>> module.init_params(mx.init.One())
    >>> module.forward(mx.io.DataBatch([mx.nd.ones((4, 2))], [mx.nd.zeros((4,))]))
    >>> module.backward()
    >>> module.get_outputs()[0][0].asnumpy().round(2)
    array([0.33, 0.33, 0.33], dtype=float32)
    """

    def __init__(
        self,
        symbol,
        data_names=("data",),
        label_names=("softmax_label",),
        logger=logging,
        context=None,
        work_load_list=None,
        fixed_param_names=None,
        state_names=None,
        group2ctxs=None,
        compression_params=None,
    ):
        super().__init__(logger=logger)
        context = cpu() if context is None else context
        self._context = [context] if isinstance(context, Context) else list(context)
        self._work_load_list = [1] * len(self._context) if work_load_list is None else list(work_load_list)
        if len(self._work_load_list) != len(self._context):
            text = "work_load_list: expected %d entries, one for each context, got %s"
            raise ArgumentError(text % (len(self._context), self._work_load_list))
        self._group2ctxs = group2ctxs
        self._compression_params = compression_params
        self._symbol = symbol
        self._name_inputs(data_names or (), label_names or (), state_names or (), fixed_param_names or ())
        self._arg_params = self._aux_params = None
        self._params_dirty = False
        self._optimizer = self._kvstore = self._update_on_kvstore = self._updater = None
        # The number of each parameter for the updater, which modules that share an optimizer agree on.
        self._places = {}
        self._updates = self._updates_of = None
        self._preload_opt_states = None
        self._grad_req = None
        self._reset_bind()

    def _name_inputs(self, data, label, state, fixed):
        self._data_names, self._label_names, self._state_names = list(data), list(label), list(state)
        self._fixed_param_names = list(fixed)
        check_names(self._symbol, self._data_names, "data", True)
        check_names(self._symbol, self._label_names, "label", False)
        check_names(self._symbol, self._state_names, "state", True)
        check_names(self._symbol, self._fixed_param_names, "fixed_param", True)
        inputs = {*self._data_names, *self._label_names, *self._state_names}
        self._param_names = [name for name in self._symbol.list_arguments() if name not in inputs]
        self._aux_names = self._symbol.list_auxiliary_states()
        self._output_names = self._symbol.list_outputs()

    def _reset_bind(self):
        self.binded = False
        self._exec_group = None
        self._data_shapes = self._label_shapes = None

    # -- files -----------------------------------------------------------------------------------------------------

    @staticmethod
    def load(prefix, epoch, load_optimizer_states=False, **kwargs):
        """A module from a checkpoint.

        Parameters
        ----------
        prefix : str
            Path or fsspec address, without the endings.
        epoch : int
        load_optimizer_states : bool, default False
            Let `init_optimizer` load the optimizer's states too, to go on from there.
        **kwargs
            For `Module`: contexts, names of inputs and so on.

        Returns
        -------
        Module
            Not bound yet; its parameters are set.
        """
        symbol, arg_params, aux_params = load_checkpoint(prefix, epoch)
        module = Module(symbol=symbol, **kwargs)
        module._arg_params, module._aux_params = arg_params, aux_params
        module.params_initialized = True
        if load_optimizer_states:
            module._preload_opt_states = "%s-%04d.states" % (prefix, epoch)
        return module

    def save_checkpoint(self, prefix, epoch, save_optimizer_states=False, remove_amp_cast=True):
        """Writes ``prefix-symbol.json``, ``prefix-EPOCH.params`` and, if asked for, ``prefix-EPOCH.states``.

        Parameters
        ----------
        prefix : str
            Path or fsspec address, without the endings.
        epoch : int
            Written with four digits.
        save_optimizer_states : bool, default False
        remove_amp_cast : bool
            As in `Symbol.save`.
        """
        self._symbol.save("%s-symbol.json" % prefix, remove_amp_cast=remove_amp_cast)
        name = "%s-%04d.params" % (prefix, epoch)
        self.save_params(name)
        logging.info('Saved checkpoint to "%s"', name)
        if save_optimizer_states:
            self.save_optimizer_states("%s-%04d.states" % (prefix, epoch))
            logging.info('Saved optimizer state to "%s-%04d.states"', prefix, epoch)

    def save_optimizer_states(self, fname):
        """Writes the optimizer's states, such as momenta, to a file."""
        self._require("save_optimizer_states", "optimizer_initialized")
        if self._update_on_kvstore:
            self._kvstore.save_optimizer_states(fname)
            return
        write_bytes(fname, self._updater.get_states())

    def load_optimizer_states(self, fname):
        """Reads what `save_optimizer_states` wrote, here or in MXNet.

        The file is unpickled: take it only from where you trust.
        """
        self._require("load_optimizer_states", "optimizer_initialized")
        if self._update_on_kvstore:
            self._kvstore.load_optimizer_states(fname)
            return
        self._updater.set_states(read_bytes(fname))

    # -- facts -----------------------------------------------------------------------------------------------------

    @property
    def data_names(self):
        """Names of the data inputs: list of str."""
        return self._data_names

    @property
    def label_names(self):
        """Names of the labels: list of str."""
        return self._label_names

    @property
    def output_names(self):
        """Names of the outputs: list of str."""
        return self._output_names

    @property
    def data_shapes(self):
        """Names and shapes of the data: list of DataDesc."""
        self._require("data_shapes", "binded")
        return self._data_shapes

    @property
    def label_shapes(self):
        """Names and shapes of the labels: list of DataDesc, or None."""
        self._require("label_shapes", "binded")
        return self._label_shapes

    @property
    def output_shapes(self):
        """Names and shapes of the outputs: list of (str, tuple)."""
        self._require("output_shapes", "binded")
        return self._exec_group.get_output_shapes()

    @property
    def _total_exec_bytes(self):
        return self._exec_group._total_exec_bytes if self.binded else 0

    # -- parameters ------------------------------------------------------------------------------------------------

    def get_params(self):
        """The parameters, averaged over the contexts.

        Returns
        -------
        arg_params, aux_params : dict of str to NDArray
            Copies; the next call writes to the same arrays.
        """
        self._require("get_params", "params_initialized")
        if self._params_dirty:
            self._sync_params_from_devices()
        return self._arg_params, self._aux_params

    def _sync_params_from_devices(self):
        self._exec_group.get_params(self._arg_params, self._aux_params)
        self._params_dirty = False

    def init_params(
        self,
        initializer=Uniform(0.01),
        arg_params=None,
        aux_params=None,
        allow_missing=False,
        force_init=False,
        allow_extra=False,
    ):
        """Sets the parameters before training; see `BaseModule.init_params`.

        An initializer sees the names in their order, with the attributes of their variables.

        Raises
        ------
        RuntimeError
            (an MXNetError) if what is given lacks parameters, unless `allow_missing`; it names them.
        ValueError
            For a value of a wrong shape.
        """
        if self.params_initialized and not force_init:
            warnings.warn("the parameters are set already, init_params does nothing without force_init=True", stacklevel=2)
            return
        self._require("init_params", "binded")
        attributes = self._symbol.attr_dict()
        for own, given in ((self._arg_params, arg_params), (self._aux_params, aux_params)):
            self._check_given(own, given, allow_missing)
            for name in sorted(own):
                if given is not None and name in given:
                    own[name][:] = given[name]
                elif initializer is not None:
                    initializer(InitDesc(name, attributes.get(name)), own[name])
        self.params_initialized = True
        self._params_dirty = False
        self._exec_group.set_params(self._arg_params, self._aux_params, allow_extra=allow_extra)

    @staticmethod
    def _check_given(own, given, allow_missing):
        """Refuses values that do not fit, before anything is written."""
        if given is None:
            return
        missing = sorted(set(own) - set(given))
        if missing and not allow_missing:
            text = "%s is not presented: values for %s are missing; give them, or allow_missing=True with an initializer"
            raise MXNetError(text % (missing[0], ", ".join(missing)))
        for name in sorted(set(own) & set(given)):
            if given[name].shape != own[name].shape:
                raise ArgumentError("parameter '%s' has shape %s, got %s" % (name, own[name].shape, given[name].shape))

    def set_params(self, arg_params, aux_params, allow_missing=False, force_init=True, allow_extra=False):
        """Sets the parameters to values; see `BaseModule.set_params`."""
        if not allow_missing:
            self.init_params(None, arg_params, aux_params, allow_missing, force_init, allow_extra)
            return
        if self.params_initialized and not force_init:
            warnings.warn("the parameters are set already, set_params does nothing without force_init=True", stacklevel=2)
            return
        self._require("set_params", "binded")
        self._exec_group.set_params(arg_params, aux_params, allow_extra=allow_extra)
        self._params_dirty = True
        self.params_initialized = True

    # -- binding ---------------------------------------------------------------------------------------------------

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
        """Binds the symbol to arrays for inputs of given shapes; see `BaseModule.bind`.

        Raises
        ------
        ValueError
            If the names of the data are not those of the module.
        TypeError
            If a shape is no tuple of whole numbers.
        MXNetError
            If shapes or types contradict the symbol, or do not decide all others.
        """
        if self.binded and not force_rebind:
            self.logger.warning("Already bound, ignoring bind()")
            return
        if inputs_need_grad and not for_training:
            raise ArgumentError("bind: inputs_need_grad=True needs for_training=True")
        if self.params_initialized and self._params_dirty:
            self._sync_params_from_devices()
        self._reset_bind()
        data, labels = parse_descriptions(self._data_names, self._label_names, data_shapes, label_shapes)
        self._exec_group = DataParallelExecutorGroup(
            self._symbol,
            self._context,
            self._work_load_list,
            data,
            labels,
            self._param_names,
            for_training,
            inputs_need_grad,
            self._shared_group(shared_module),
            logger=self.logger,
            fixed_param_names=self._fixed_param_names,
            grad_req=grad_req,
            group2ctxs=self._group2ctxs,
            state_names=self._state_names,
        )
        self.for_training, self.inputs_need_grad, self._grad_req = for_training, inputs_need_grad, grad_req
        self._data_shapes, self._label_shapes, self._label_descs = data, labels, labels
        self.binded = True
        self._take_params(shared_module)
        if shared_module is not None and shared_module.optimizer_initialized:
            self.borrow_optimizer(shared_module)

    def _shared_group(self, shared_module):
        if shared_module is None:
            return None
        if not isinstance(shared_module, Module):
            raise TypeError("bind: shared_module must be a Module, got %s" % type(shared_module))
        shared_module._require("bind(shared_module=...)", "binded", "params_initialized")
        if len(shared_module._exec_group.execs) < len(self._context):
            raise ArgumentError("bind: shared_module is on fewer contexts than this module")
        return shared_module._exec_group

    def _take_params(self, shared_module):
        """The parameters of the shared module, those that were loaded, or zeros."""
        loaded = self.params_initialized
        if shared_module is not None:
            self._arg_params, self._aux_params = (dict(d) for d in (shared_module._arg_params, shared_module._aux_params))
            self.params_initialized = True
        self._arg_params, self._aux_params = self._arg_params or {}, self._aux_params or {}
        missing = self._add_missing()
        if shared_module is not None:
            return
        if loaded and missing:
            text = "no values are known of %s, which are 0 now; init_params(..., allow_missing=True, force_init=True) sets them"
            warnings.warn(text % ", ".join(missing), stacklevel=4)
        if loaded:
            self._exec_group.set_params(self._arg_params, self._aux_params)

    def _add_missing(self):
        """Makes arrays of zeros for parameters that have none; their names."""
        group, missing = self._exec_group, []
        for names, arrays, known in (
            (self._param_names, group.param_arrays, self._arg_params),
            (self._aux_names, group.aux_arrays, self._aux_params),
        ):
            for name, copies in zip(names, arrays):
                if name not in known:
                    known[name] = zeros(copies[0].shape, dtype=copies[0].dtype)
                    missing.append(name)
        return missing

    def reshape(self, data_shapes, label_shapes=None):
        """Goes over to inputs of other shapes; parameters and optimizer stay. `forward` does so by itself.

        Parameters
        ----------
        data_shapes, label_shapes : list of (str, tuple) or list of DataDesc
        """
        self._require("reshape", "binded")
        self._reshape(*parse_descriptions(self._data_names, self._label_names, data_shapes, label_shapes))

    def _reshape(self, data, labels):
        self._exec_group.reshape(data, labels)
        self._data_shapes, self._label_shapes = data, labels

    # -- the optimizer ---------------------------------------------------------------------------------------------

    def init_optimizer(self, kvstore="local", optimizer="sgd", optimizer_params=(("learning_rate", 0.01),), force_init=False):
        """Gets ready to update the parameters; see `BaseModule.init_optimizer`.

        Factors of rates come from the attributes ``__lr_mult__`` and ``__wd_mult__`` of the symbol's variables.
        """
        self._require("init_optimizer", "binded", "params_initialized")
        if self.optimizer_initialized and not force_init:
            self.logger.warning("optimizer already initialized, ignoring...")
            return
        if self._params_dirty:
            self._sync_params_from_devices()
        kvstore, on_kvstore = _create_kvstore(kvstore, len(self._context), self._arg_params)
        self._refuse_compression(kvstore)
        self._optimizer = self._made_optimizer(optimizer, dict(optimizer_params), on_kvstore)
        self._places, self._updates = {name: i for i, name in enumerate(self._param_names)}, None
        self._kvstore, self._update_on_kvstore = kvstore, on_kvstore
        self._updater = None if on_kvstore else opt.get_updater(self._optimizer)
        if on_kvstore:
            kvstore.set_optimizer(self._optimizer)
        if kvstore is not None:
            _initialize_kvstore(kvstore, self._exec_group.param_arrays, self._arg_params, self._param_names, on_kvstore)
        self.optimizer_initialized = True
        if self._preload_opt_states is not None:
            self.load_optimizer_states(self._preload_opt_states)
            self._preload_opt_states = None

    def _refuse_compression(self, kvstore):
        kind = (self._compression_params or {}).get("type", "none")
        if kvstore is not None and self._compression_params:
            kvstore.set_gradient_compression(self._compression_params)
        elif kind != "none":
            raise MXNetError("compression_params: type %r is not there: devices of one machine share memory; use 'none'" % kind)

    def _made_optimizer(self, optimizer, params, on_kvstore):
        count = 1 if on_kvstore else len(self._context)
        names = {i * count + k: name for i, name in enumerate(self._param_names) for k in range(count)}
        scale = 1.0 / (self._exec_group.batch_size or 1)
        if isinstance(optimizer, str):
            params.setdefault("rescale_grad", scale)
            return opt.create(optimizer, sym=self._symbol, param_idx2name=names, **params)
        if not isinstance(optimizer, opt.Optimizer):
            raise TypeError("optimizer must be a name such as 'sgd', or an Optimizer; got %r" % (optimizer,))
        if optimizer.rescale_grad != scale:
            text = "the optimizer has rescale_grad %s, not one over the batch size, %s: is this intended?"
            warnings.warn(text % (optimizer.rescale_grad, scale), stacklevel=3)
        if not optimizer.idx2name:
            optimizer.idx2name = names
        return optimizer

    def borrow_optimizer(self, shared_module):
        """Uses the optimizer of another module, with its states.

        Parameters
        ----------
        shared_module : Module
            Its optimizer must be initialised.
        """
        shared_module._require("borrow_optimizer", "optimizer_initialized")
        for name in ("_optimizer", "_kvstore", "_update_on_kvstore", "_updater", "_places"):
            setattr(self, name, getattr(shared_module, name))
        for name in self._param_names:
            self._places.setdefault(name, len(self._places))
        self._updates = None
        self.optimizer_initialized = True

    def update(self):
        """Updates the parameters by the optimizer and the gradients of the last `backward`."""
        if not self.optimizer_initialized:
            self._require("update", "binded", "params_initialized", "optimizer_initialized")
        group = self._exec_group
        if group.grad_arrays is None:
            raise NotReadyError("Module.update: bind with for_training=True first")
        self._params_dirty = True
        if self._updates is None or self._updates_of is not group.execs:
            indices = [self._places[name] for name in self._param_names]
            self._updates = Updates(group.param_arrays, group.grad_arrays, self._param_names, indices)
            self._updates_of = group.execs
        if self._update_on_kvstore:
            self._updates.on_store(self._kvstore)
        else:
            self._updates.by(self._updater, self._kvstore)

    # -- computing -------------------------------------------------------------------------------------------------

    def forward(self, data_batch, is_train=None):
        """Computes the outputs; a batch of other shapes binds executors for these first.

        Parameters
        ----------
        data_batch : DataBatch
            Or anything with the attributes `data` and, if there are labels, `label`; or a list with one for each context.
        is_train : bool, optional
            By default what `bind` was told as `for_training`.
        """
        if not (self.binded and self.params_initialized):
            self._require("forward", "binded", "params_initialized")
        shapes = _joined_shapes(data_batch) if isinstance(data_batch, list) else [a.shape for a in data_batch.data]
        if shapes != [desc.shape for desc in self._data_shapes]:
            self._follow(data_batch, shapes)
        self._exec_group.forward(data_batch, is_train)

    def _follow(self, batch, shapes):
        """Reshapes to what the batch says, or to the shapes of its arrays."""
        if isinstance(batch, list):
            labels = _joined_shapes(batch, "label")
            data_descs = label_descs = None
        else:
            labels = [array.shape for array in getattr(batch, "label", None) or ()]
            data_descs, label_descs = (getattr(batch, what, None) for what in ("provide_data", "provide_label"))
        if not label_descs:
            label_descs = _with_shapes(self._label_descs or (), labels) or None
        self._reshape(descriptions(data_descs or _with_shapes(self._data_shapes, shapes)), descriptions(label_descs))

    def backward(self, out_grads=None):
        """Computes the gradients; see `BaseModule.backward`."""
        if not (self.binded and self.params_initialized):
            self._require("backward", "binded", "params_initialized")
        self._exec_group.backward(out_grads=out_grads)

    def get_outputs(self, merge_multi_context=True):
        """The outputs of the last `forward`; see `BaseModule.get_outputs`."""
        self._require("get_outputs", "binded", "params_initialized")
        return self._exec_group.get_outputs(merge_multi_context)

    def get_input_grads(self, merge_multi_context=True):
        """The gradients of the data; see `BaseModule.get_input_grads`."""
        self._require("get_input_grads", "binded", "params_initialized")
        return self._exec_group.get_input_grads(merge_multi_context)

    def get_states(self, merge_multi_context=True):
        """For each state the arrays of all contexts; ask with ``merge_multi_context=False``."""
        self._require("get_states", "binded", "params_initialized")
        return self._exec_group.get_states(merge_multi_context)

    def set_states(self, states=None, value=None):
        """Sets the states.

        Parameters
        ----------
        states : list of lists of NDArray, optional
            For each state an array for each context.
        value : float, optional
            One number for all.
        """
        self._require("set_states", "binded", "params_initialized")
        self._exec_group.set_states(states, value)

    def update_metric(self, eval_metric, labels, pre_sliced=False):
        """Lets a metric take in the outputs of the last `forward`; see `BaseModule.update_metric`."""
        self._exec_group.update_metric(eval_metric, labels, pre_sliced)

    def install_monitor(self, mon):
        """Lets a monitor watch the executors of all contexts."""
        self._require("install_monitor", "binded")
        self._exec_group.install_monitor(mon)


def _joined_shapes(batches, what="data"):
    """The shapes of all batches of a list together, which must be equal."""
    found = [[array.shape for array in getattr(batch, what) or ()] for batch in batches]
    if any(shapes != found[0] for shapes in found):
        raise ArgumentError("forward: all batches of a list must have the same shapes, got %s" % (found,))
    return [(len(batches) * shape[0], *shape[1:]) for shape in found[0]] if found else []


def _with_shapes(descs, shapes):
    return [DataDesc(desc.name, shape, desc.dtype, desc.layout) for desc, shape in zip(descs, shapes)]
