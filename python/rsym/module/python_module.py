"""`PythonModule` and `PythonLossModule`: modules that are written in Python."""

import logging

from .. import ndarray
from ..base import ArgumentError, NotReadyError
from ..initializer import Uniform
from ._inputs import descriptions
from .base_module import BaseModule

__all__ = ["PythonModule", "PythonLossModule"]


class PythonModule(BaseModule):
    """The base of modules written in Python: without parameters, so that little is left to define.

    A subclass defines ``_compute_output_shapes()``, which gives a list of (name, shape), further `forward`, `backward`,
    `get_outputs` and `get_input_grads`.

    Parameters
    ----------
    data_names, label_names, output_names : list of str
        `label_names` may be None.
    logger : logging.Logger
    """

    def __init__(self, data_names, label_names, output_names, logger=logging):
        super().__init__(logger=logger)
        self._data_names = list(data_names)
        self._label_names = None if label_names is None else list(label_names)
        self._output_names = list(output_names)
        self._data_shapes = self._label_shapes = self._output_shapes = None

    @property
    def data_names(self):
        """Names of the data inputs: list of str."""
        return self._data_names

    @property
    def output_names(self):
        """Names of the outputs: list of str."""
        return self._output_names

    @property
    def data_shapes(self):
        """Names and shapes of the data: list of DataDesc."""
        return self._data_shapes

    @property
    def label_shapes(self):
        """Names and shapes of the labels: list of DataDesc, or None."""
        return self._label_shapes

    @property
    def output_shapes(self):
        """Names and shapes of the outputs: list of (str, tuple)."""
        return self._output_shapes

    def get_params(self):
        """Two empty dicts, unless a subclass has parameters."""
        return {}, {}

    def init_params(
        self,
        initializer=Uniform(0.01),
        arg_params=None,
        aux_params=None,
        allow_missing=False,
        force_init=False,
        allow_extra=False,
    ):
        """Nothing is to be done, unless a subclass has parameters."""
        self.params_initialized = True

    def update(self):
        """Nothing is to be done, unless a subclass has parameters."""

    def update_metric(self, eval_metric, labels, pre_sliced=False):
        """Lets a metric take in the outputs, if there are labels."""
        if self._label_shapes is None:
            return
        if pre_sliced:
            raise ArgumentError("%s computes whole batches: pre_sliced must be False" % type(self).__name__)
        eval_metric.update(labels, self.get_outputs())

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
        """Takes note of the shapes; see `BaseModule.bind`. `grad_req` must be 'write'."""
        if self.binded and not force_rebind:
            self.logger.warning("Already bound, ignoring bind()")
            return
        if grad_req != "write":
            raise ArgumentError("%s.bind: grad_req must be 'write', got %r" % (type(self).__name__, grad_req))
        data, labels = descriptions(data_shapes), descriptions(label_shapes)
        self._check("data", data, self._data_names)
        if labels is not None:
            self._check("label", labels, self._label_names)
        self.for_training, self.inputs_need_grad = for_training, inputs_need_grad
        self._data_shapes, self._label_shapes = data, labels
        self._output_shapes = self._compute_output_shapes()
        self.binded = True

    def _check(self, kind, descs, names):
        found = [desc.name for desc in descs]
        if found != names:
            raise ArgumentError("%s.bind: %s_names are %s, got %s" % (type(self).__name__, kind, names, found))

    def _compute_output_shapes(self):
        """The names and shapes of the outputs, by `data_shapes` and `label_shapes`."""
        raise NotImplementedError

    def init_optimizer(self, kvstore="local", optimizer="sgd", optimizer_params=(("learning_rate", 0.01),), force_init=False):
        """Nothing is to be done, unless a subclass has parameters."""
        self.optimizer_initialized = True


class PythonLossModule(PythonModule):
    """A loss in Python: its outputs are its data, its gradient is a function.

    Parameters
    ----------
    name : str
        The output is called ``name_output``.
    data_names, label_names : list of str
        One name each.
    logger : logging.Logger
    grad_func : callable, optional
        Takes scores and labels, NDArrays, and gives the gradient of the scores as NDArray or NumPy array. Without it a
        subclass defines ``_backward_impl``, which sets ``_scores_grad``.

    Examples
    --------
    >>> import rsym as mx
    >>> loss = mx.mod.PythonLossModule(grad_func=lambda scores, labels: scores - labels)
    >>> loss.bind([("data", (2,))], [("softmax_label", (2,))])
    >>> loss.forward(mx.io.DataBatch([mx.nd.array([3, 5])], [mx.nd.array([1, 1])]))
    >>> loss.backward()
    >>> loss.get_input_grads()[0].asnumpy().tolist()
    [2.0, 4.0]
    """

    def __init__(self, name="pyloss", data_names=("data",), label_names=("softmax_label",), logger=logging, grad_func=None):
        super().__init__(data_names, label_names, [name + "_output"], logger=logger)
        if len(self._data_names) != 1 or len(self._label_names) != 1:
            raise ArgumentError("PythonLossModule has one input and one label, got %s, %s" % (data_names, label_names))
        if grad_func is not None and not callable(grad_func):
            raise TypeError("grad_func must be a function of scores and labels, got %r" % (grad_func,))
        self._name = name
        self._grad_func = grad_func
        self._scores = self._labels = self._scores_grad = None

    def _compute_output_shapes(self):
        return [(self._name + "_output", self._data_shapes[0].shape)]

    def forward(self, data_batch, is_train=None):
        """Keeps the scores, and for training the labels."""
        self._scores = data_batch.data[0]
        if self.for_training if is_train is None else is_train:
            self._labels = data_batch.label[0]

    def get_outputs(self, merge_multi_context=True):
        """The scores."""
        self._check_merged(merge_multi_context)
        return [self._scores]

    def _check_merged(self, merge_multi_context):
        if not merge_multi_context:
            raise ArgumentError("%s is on one device: merge_multi_context must be True" % type(self).__name__)

    def backward(self, out_grads=None):
        """Computes the gradient of the scores."""
        if out_grads is not None:
            raise ArgumentError("%s is a loss: backward takes no out_grads" % type(self).__name__)
        if not self.for_training:
            raise NotReadyError("%s.backward: bind with for_training=True first" % type(self).__name__)
        self._backward_impl()

    def _backward_impl(self):
        """Sets ``_scores_grad``."""
        if self._grad_func is None:
            raise NotImplementedError("give grad_func, or override _backward_impl")
        grad = self._grad_func(self._scores, self._labels)
        self._scores_grad = grad if isinstance(grad, ndarray.NDArray) else ndarray.array(grad)

    def get_input_grads(self, merge_multi_context=True):
        """The gradient of the scores."""
        self._check_merged(merge_multi_context)
        return [self._scores_grad]
