"""`SequentialModule`: modules one after another."""

import copy
import logging

from ..base import ArgumentError
from ..initializer import Uniform
from ..io import DataDesc
from ._inputs import descriptions
from .base_module import BaseModule

__all__ = ["SequentialModule"]


class SequentialModule(BaseModule):
    """Modules one after another: the outputs of each are the data of the next.

    Parameters
    ----------
    logger : logging.Logger

    Examples
    --------
    >>> import rsym as mx
    >>> first = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=4, name="fc1")
    >>> last = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=2, name="fc2"), name="softmax")
    >>> module = mx.mod.SequentialModule()
    >>> module = module.add(mx.mod.Module(first, label_names=[])).add(mx.mod.Module(last), take_labels=True, auto_wiring=True)
    >>> module.bind([("data", (8, 3))], [("softmax_label", (8,))])
    >>> module.init_params()
    >>> sorted(module.get_params()[0])
    ['fc1_bias', 'fc1_weight', 'fc2_bias', 'fc2_weight']
    """

    META_TAKE_LABELS = "take_labels"
    META_AUTO_WIRING = "auto_wiring"

    def __init__(self, logger=logging):
        super().__init__(logger=logger)
        self._modules = []
        self._metas = []
        self._data_shapes = self._label_shapes = None

    def add(self, module, **kwargs):
        """Adds a module at the end; the sequence is to be bound and initialised anew.

        Parameters
        ----------
        module : BaseModule
        take_labels : bool
            Whether the module gets the labels.
        auto_wiring : bool
            Whether the outputs of the module before are its data in the order of `data_names`, whatever they are called.

        Returns
        -------
        SequentialModule
            This one.
        """
        known = (self.META_TAKE_LABELS, self.META_AUTO_WIRING)
        for key in kwargs:
            if key not in known:
                raise ArgumentError("SequentialModule.add: there is no %r; there are %s" % (key, ", ".join(known)))
        self._modules.append(module)
        self._metas.append(kwargs)
        self.binded = self.params_initialized = self.optimizer_initialized = False
        return self

    # -- facts -----------------------------------------------------------------------------------------------------

    @property
    def data_names(self):
        """Names of the data inputs of the first module."""
        return self._modules[0].data_names if self._modules else []

    @property
    def output_names(self):
        """Names of the outputs of the last module."""
        return self._modules[-1].output_names if self._modules else []

    @property
    def data_shapes(self):
        """Names and shapes of the data of the first module."""
        self._require("data_shapes", "binded")
        return self._modules[0].data_shapes

    @property
    def label_shapes(self):
        """Names and shapes of the labels; None if no module takes them."""
        self._require("label_shapes", "binded")
        return self._label_shapes

    @property
    def output_shapes(self):
        """Names and shapes of the outputs of the last module."""
        self._require("output_shapes", "binded")
        return self._modules[-1].output_shapes

    # -- parameters ------------------------------------------------------------------------------------------------

    def get_params(self):
        """The parameters of all modules; see `BaseModule.get_params`."""
        self._require("get_params", "binded", "params_initialized")
        arg_params, aux_params = {}, {}
        for module in self._modules:
            args, aux = module.get_params()
            arg_params.update(args)
            aux_params.update(aux)
        return arg_params, aux_params

    def init_params(
        self,
        initializer=Uniform(0.01),
        arg_params=None,
        aux_params=None,
        allow_missing=False,
        force_init=False,
        allow_extra=False,
    ):
        """Sets the parameters of all modules; see `BaseModule.init_params`.

        Raises
        ------
        ValueError
            (an MXNetError) if two modules have a parameter of the same name.
        """
        if self.params_initialized and not force_init:
            return
        self._require("init_params", "binded")
        for module in self._modules:
            module.init_params(initializer, arg_params, aux_params, allow_missing, force_init, allow_extra)
        self._check_unique()
        self.params_initialized = True

    def _check_unique(self):
        owners = {}
        for number, module in enumerate(self._modules):
            for names in module.get_params():
                for name in names:
                    if name in owners:
                        text = "modules %d and %d both have a parameter '%s'; give their layers different names"
                        raise ArgumentError(text % (owners[name], number, name))
                    owners[name] = number

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
        """Binds all modules, each to the outputs of the one before; see `BaseModule.bind`."""
        if self.binded and not force_rebind:
            self.logger.warning("Already bound, ignoring bind()")
            return
        if inputs_need_grad and not for_training:
            raise ArgumentError("bind: inputs_need_grad=True needs for_training=True")
        if shared_module is not None:
            raise ArgumentError("SequentialModule.bind takes no shared_module")
        if not self._modules:
            raise ArgumentError("SequentialModule.bind: there is no module; add some first")
        self.for_training, self.inputs_need_grad = for_training, inputs_need_grad
        for number, (module, meta) in enumerate(zip(self._modules, self._metas)):
            module.bind(
                data_shapes=self._wired(module, meta, data_shapes),
                label_shapes=label_shapes if meta.get(self.META_TAKE_LABELS) else None,
                for_training=for_training,
                inputs_need_grad=inputs_need_grad or (for_training and number > 0),
                force_rebind=force_rebind,
                grad_req=grad_req,
            )
            data_shapes = module.output_shapes
        taken = any(meta.get(self.META_TAKE_LABELS) for meta in self._metas)
        self._label_shapes = label_shapes if taken else None
        self.binded = True

    def _wired(self, module, meta, data_shapes):
        """The data of a module under its own names, if it is wired."""
        if not meta.get(self.META_AUTO_WIRING):
            return data_shapes
        descs, names = descriptions(data_shapes), module.data_names
        if len(descs) != len(names):
            raise ArgumentError("auto_wiring: %d outputs for the data %s" % (len(descs), ", ".join(names)))
        return [DataDesc(name, desc.shape, desc.dtype, desc.layout) for name, desc in zip(names, descs)]

    def init_optimizer(self, kvstore="local", optimizer="sgd", optimizer_params=(("learning_rate", 0.01),), force_init=False):
        """Gets ready to update the parameters of all modules; see `BaseModule.init_optimizer`."""
        self._require("init_optimizer", "binded", "params_initialized")
        if self.optimizer_initialized and not force_init:
            self.logger.warning("optimizer already initialized, ignoring.")
            return
        for module in self._modules:
            module.init_optimizer(kvstore, optimizer, optimizer_params, force_init)
        self.optimizer_initialized = True

    # -- computing -------------------------------------------------------------------------------------------------

    def forward(self, data_batch, is_train=None):
        """Computes the outputs of all modules, one after another; see `BaseModule.forward`."""
        self._require("forward", "binded", "params_initialized")
        batch = copy.copy(data_batch)
        for module, following in zip(self._modules, [*self._modules[1:], None]):
            module.forward(batch, is_train=is_train)
            if following is not None:
                batch.data = module.get_outputs()
                batch.provide_data = [(desc[0], out.shape) for desc, out in zip(following.data_shapes, batch.data)]

    def backward(self, out_grads=None):
        """Computes the gradients of all modules, the last first; see `BaseModule.backward`."""
        self._require("backward", "binded", "params_initialized")
        for number, module in reversed(list(enumerate(self._modules))):
            module.backward(out_grads)
            out_grads = module.get_input_grads() if number else None

    def update(self):
        """Updates the parameters of all modules."""
        self._require("update", "binded", "params_initialized", "optimizer_initialized")
        for module in self._modules:
            module.update()

    def get_outputs(self, merge_multi_context=True):
        """The outputs of the last module; see `BaseModule.get_outputs`."""
        self._require("get_outputs", "binded", "params_initialized")
        return self._modules[-1].get_outputs(merge_multi_context)

    def get_input_grads(self, merge_multi_context=True):
        """The gradients of the data of the first module; see `BaseModule.get_input_grads`."""
        self._require("get_input_grads", "binded", "params_initialized")
        return self._modules[0].get_input_grads(merge_multi_context)

    def update_metric(self, eval_metric, labels, pre_sliced=False):
        """Lets a metric take in the outputs of the modules that take labels; see `BaseModule.update_metric`."""
        self._require("update_metric", "binded", "params_initialized")
        for module, meta in zip(self._modules, self._metas):
            if meta.get(self.META_TAKE_LABELS):
                module.update_metric(eval_metric, labels, pre_sliced)

    def install_monitor(self, mon):
        """Lets a monitor watch all modules."""
        self._require("install_monitor", "binded")
        for module in self._modules:
            module.install_monitor(mon)
