"""`BaseModule`: what all modules can do, by a few methods that each kind defines."""

import logging
import warnings

from .. import ndarray
from .._checkpoint import split_params
from ..base import ArgumentError, MXNetError, NotReadyError
from ..context import cpu
from ..initializer import Uniform
from ._inputs import check_names as _check_input_names  # noqa: F401
from ._inputs import parse_descriptions as _parse_data_desc  # noqa: F401
from ._loops import Loops

__all__ = ["BaseModule"]

# What is to be called before a module has the attribute.
_CALLS = {"binded": "bind", "params_initialized": "init_params", "optimizer_initialized": "init_optimizer"}


class BaseModule(Loops):
    """The base of modules.

    A module goes through `bind`, `init_params` and `init_optimizer`, then through `forward`, `backward`, `update` and
    `update_metric` for each batch; `fit`, `score` and `predict` do all of that.

    A subclass defines the properties `data_names`, `output_names`, `data_shapes`, `label_shapes`, `output_shapes` and the
    methods `bind`, `get_params`, `init_params`, `init_optimizer`, `forward`, `backward`, `update`, `get_outputs`,
    `get_input_grads`, `update_metric` and `install_monitor`.

    Parameters
    ----------
    logger : logging.Logger

    Attributes
    ----------
    binded, params_initialized, optimizer_initialized : bool
        How far the module is.
    for_training, inputs_need_grad : bool
        As given to `bind`.
    """

    _total_exec_bytes = 0

    def __init__(self, logger=logging):
        self.logger = logger
        self.binded = False
        self.for_training = False
        self.inputs_need_grad = False
        self.params_initialized = False
        self.optimizer_initialized = False
        self._symbol = None

    def _require(self, what, *stages):
        """NotReadyError unless the module has gone through the stages, told by the names of their attributes."""
        for stage in stages:
            if not getattr(self, stage):
                raise NotReadyError("%s.%s: call %s first" % (type(self).__name__, what, _CALLS[stage]))

    # -- facts -----------------------------------------------------------------------------------------------------

    @property
    def symbol(self):
        """The symbol: Symbol or None."""
        return self._symbol

    @property
    def data_names(self):
        """Names of the data inputs: list of str."""
        raise NotImplementedError

    @property
    def output_names(self):
        """Names of the outputs: list of str."""
        raise NotImplementedError

    @property
    def data_shapes(self):
        """What `bind` was told of the data: list of DataDesc."""
        raise NotImplementedError

    @property
    def label_shapes(self):
        """What `bind` was told of the labels: list of DataDesc, or None."""
        raise NotImplementedError

    @property
    def output_shapes(self):
        """Names and shapes of the outputs: list of (str, tuple)."""
        raise NotImplementedError

    # -- parameters ------------------------------------------------------------------------------------------------

    def get_params(self):
        """The parameters.

        Returns
        -------
        arg_params, aux_params : dict of str to NDArray
            Copies; the next call writes to the same arrays.
        """
        raise NotImplementedError

    def init_params(
        self,
        initializer=Uniform(0.01),
        arg_params=None,
        aux_params=None,
        allow_missing=False,
        force_init=False,
        allow_extra=False,
    ):
        """Sets the parameters before training.

        Parameters
        ----------
        initializer : Initializer or callable
            For what is not given.
        arg_params, aux_params : dict of str to NDArray, optional
            Values to start from.
        allow_missing : bool, default False
            Whether the initializer may set what dicts that are given lack.
        force_init : bool, default False
            Set them again if they have been set.
        allow_extra : bool, default False
            Whether dicts may have further names.
        """
        raise NotImplementedError

    def set_params(self, arg_params, aux_params, allow_missing=False, force_init=True, allow_extra=False):
        """Sets the parameters to values.

        Parameters
        ----------
        arg_params, aux_params : dict of str to NDArray
        allow_missing : bool, default False
            Whether parameters that are not given stay as they are.
        force_init : bool, default True
            Set them also if they have been set.
        allow_extra : bool, default False
            Whether the dicts may have further names.

        Raises
        ------
        RuntimeError
            (an MXNetError) if parameters are missing; it names them.
        ValueError
            For names that the module does not have.
        """
        self.init_params(None, arg_params, aux_params, allow_missing, force_init, allow_extra)

    def save_params(self, fname):
        """Writes the parameters to a file.

        Parameters
        ----------
        fname : str
            Path or fsspec address.
        """
        arg_params, aux_params = self.get_params()
        named = {"arg:%s" % name: array.as_in_context(cpu()) for name, array in arg_params.items()}
        named.update(("aux:%s" % name, array.as_in_context(cpu())) for name, array in aux_params.items())
        ndarray.save(fname, named)

    def load_params(self, fname):
        """Sets the parameters to what `save_params`, or `save_checkpoint`, wrote.

        Raises
        ------
        ValueError
            (an MXNetError) if the file holds something else.
        """
        loaded = ndarray.load(fname)
        if not isinstance(loaded, dict) or any(not key.startswith(("arg:", "aux:")) for key in loaded):
            raise ArgumentError("%s is no file of parameters: names in one begin with 'arg:' or 'aux:'" % fname)
        self.set_params(*split_params(loaded))

    def get_states(self, merge_multi_context=True):
        """The states that outlive a batch: none, unless a subclass has some."""
        self._require("get_states", "binded", "params_initialized")
        assert not merge_multi_context, "get_states: states are not merged; ask with merge_multi_context=False"
        return []

    def set_states(self, states=None, value=None):
        """Sets the states that outlive a batch: there are none, unless a subclass has some."""
        self._require("set_states", "binded", "params_initialized")
        if states or value:
            raise MXNetError("%s has no states to set" % type(self).__name__)

    def install_monitor(self, mon):
        """Lets a monitor watch all executors.

        Parameters
        ----------
        mon : monitor.Monitor
        """
        raise NotImplementedError

    # -- computing -------------------------------------------------------------------------------------------------

    def prepare(self, data_batch, sparse_row_id_fn=None):
        """Gets ready for a batch: binds what it needs. `forward` does so too.

        Parameters
        ----------
        data_batch : DataBatch
        sparse_row_id_fn : callable, optional
            For sparse parameters, which rsym does not have: a warning.
        """
        if sparse_row_id_fn is not None:
            warnings.warn("sparse_row_id_fn is not called: rsym has no sparse parameters", stacklevel=2)

    def forward(self, data_batch, is_train=None):
        """Computes the outputs.

        Parameters
        ----------
        data_batch : DataBatch
            Or anything with the attributes `data` and, if there are labels, `label`.
        is_train : bool, optional
            By default what `bind` was told as `for_training`.
        """
        raise NotImplementedError

    def backward(self, out_grads=None):
        """Computes the gradients.

        Parameters
        ----------
        out_grads : NDArray or list of NDArray, optional
            The gradient that arrives at each output. Those of losses need none.
        """
        raise NotImplementedError

    def forward_backward(self, data_batch):
        """Computes outputs and gradients for training."""
        self.forward(data_batch, is_train=True)
        self.backward()

    def get_outputs(self, merge_multi_context=True):
        """The outputs of the last `forward`.

        Parameters
        ----------
        merge_multi_context : bool, default True
            Join what the devices computed.

        Returns
        -------
        list of NDArray, or list of lists of NDArray
            For each output an array, or one of each device. The next `forward` may write to them.
        """
        raise NotImplementedError

    def get_input_grads(self, merge_multi_context=True):
        """The gradients of the data; `bind` must have been told ``inputs_need_grad=True``.

        Returns
        -------
        list of NDArray, or list of lists of NDArray
            As in `get_outputs`.
        """
        raise NotImplementedError

    def update(self):
        """Updates the parameters by the optimizer and the gradients of the last `backward`."""
        raise NotImplementedError

    def update_metric(self, eval_metric, labels, pre_sliced=False):
        """Lets a metric take in the outputs of the last `forward`.

        Parameters
        ----------
        eval_metric : metric.EvalMetric
        labels : list of NDArray
            Typically ``data_batch.label``.
        pre_sliced : bool, default False
            Whether `labels` has a list for each device.
        """
        raise NotImplementedError

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
        """Binds the symbol to arrays for inputs of given shapes.

        Parameters
        ----------
        data_shapes, label_shapes : list of (str, tuple) or list of DataDesc
        for_training : bool, default True
            Whether there will be backward passes.
        inputs_need_grad : bool, default False
            Whether the gradients of the data are wanted.
        force_rebind : bool, default False
            Bind again if it has been bound.
        shared_module : BaseModule, optional
            Shares its parameters.
        grad_req : str, list of str or dict of str to str
            What is done with gradients: 'write', 'add' or 'null', for all or for each argument.
        """
        raise NotImplementedError

    def init_optimizer(self, kvstore="local", optimizer="sgd", optimizer_params=(("learning_rate", 0.01),), force_init=False):
        """Gets ready to update the parameters.

        Parameters
        ----------
        kvstore : str, KVStore or None
            Where gradients of several devices are summed.
        optimizer : str or optimizer.Optimizer
            A name gets ``rescale_grad`` of one over the batch size, unless the parameters say otherwise.
        optimizer_params : dict, or pairs
        force_init : bool, default False
            Do so again if it has been done.
        """
        raise NotImplementedError
