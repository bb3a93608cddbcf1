"""`DataParallelExecutorGroup`: one executor for each device, which share the examples of every batch."""

import logging

import numpy as np

from .. import _dtypes
from .._devices import copy_in, cut, groups_of_devices, merged, split_batch
from ..base import ArgumentError, NotReadyError
from ..executor import backward_all, forward_all
from ..io import DataDesc
from ..ndarray import NDArray
from ._inputs import descriptions

__all__ = ["DataParallelExecutorGroup"]

# How many shapes of batches keep their executors; the first, those of the binding, always do.
_SHAPES_KEPT = 8


class _Input:
    """An input of the symbol: which part of it goes into which array."""

    __slots__ = ("name", "axis", "parts", "whole")

    def __init__(self, desc, slices, executors):
        self.name = desc.name
        self.axis = DataDesc.get_batch_axis(desc.layout)
        self.parts = [(part, e.arg_dict.get(desc.name)) for part, e in zip(slices, executors)]
        # The only array, or None.
        self.whole = self.parts[0][1] if len(self.parts) == 1 else None

    def load(self, source):
        """Copies an array that holds the examples of all devices."""
        if self.whole is not None:
            copy_in(self.name, source, self.whole)
            return
        for part, target in self.parts:
            if target is not None:
                copy_in(self.name, cut(source, self.axis, part), target)

    def load_parts(self, sources):
        """Copies an array for each device."""
        for source, (_, target) in zip(sources, self.parts):
            if target is not None:
                copy_in(self.name, source, target)


class DataParallelExecutorGroup:
    """One executor for each context; every one gets a part of the batch.

    Parameters
    ----------
    symbol : Symbol
    contexts : list of Context
    workload : list of float
        The shares of the contexts.
    data_shapes, label_shapes : list of DataDesc or of (str, tuple)
        Of whole batches.
    param_names : list of str
        The arguments that are parameters.
    for_training, inputs_need_grad : bool
    shared_group : DataParallelExecutorGroup, optional
        Shares its parameters, their gradients and its memory.
    logger : logging.Logger
    fixed_param_names, state_names : list of str, optional
        Parameters without gradients; inputs that outlive a batch.
    grad_req : str, list of str or dict of str to str
    group2ctxs : dict or list of dict, optional
        Contexts for the groups of a model.

    Attributes
    ----------
    execs : list of Executor
    param_arrays, grad_arrays, aux_arrays, state_arrays : list of lists of NDArray
        For each name the arrays of all contexts. `grad_arrays` is None unless `for_training`.
    batch_size : int
    slices : list of slice
        The examples of each context.
    """

    def __init__(
        self,
        symbol,
        contexts,
        workload,
        data_shapes,
        label_shapes,
        param_names,
        for_training,
        inputs_need_grad,
        shared_group=None,
        logger=logging,
        fixed_param_names=None,
        grad_req="write",
        state_names=None,
        group2ctxs=None,
    ):
        self.symbol = symbol
        self.contexts = contexts
        self.workload = workload
        self.param_names = param_names
        self.arg_names = symbol.list_arguments()
        self.aux_names = symbol.list_auxiliary_states()
        self.output_names = symbol.list_outputs()
        self.for_training = for_training
        self.inputs_need_grad = inputs_need_grad
        self.logger = logger
        self.fixed_param_names = fixed_param_names or []
        self.state_names = state_names or []
        self.group2ctxs = groups_of_devices(group2ctxs, len(contexts))
        data_shapes, label_shapes = descriptions(data_shapes), descriptions(label_shapes)
        self.grad_req = self._requests(grad_req, {desc.name for desc in data_shapes})
        self.output_layouts = [DataDesc.get_batch_axis(output.attr("__layout__")) for output in symbol]
        self.shared_data_arrays = shared_group.shared_data_arrays if shared_group else [{} for _ in contexts]
        self._monitors = []
        self._describe(data_shapes, label_shapes)
        self.execs = [self._bind(i, shared_group) for i in range(len(contexts))]
        self._first = self.execs
        self._kept = {self._key(): self.execs}
        self._collect()

    # -- binding ---------------------------------------------------------------------------------------------------

    def _requests(self, grad_req, data_names):
        """What is done with the gradient of each argument, by name."""
        plain = grad_req if isinstance(grad_req, str) else "write"
        found = {}
        for name in self.arg_names:
            wanted = name not in self.fixed_param_names if name in self.param_names else self._wants(name, data_names)
            found[name] = plain if wanted and self.for_training else "null"
        if isinstance(grad_req, (list, tuple)):
            if len(grad_req) != len(self.arg_names):
                text = "grad_req: expected %d entries, one for each argument (%s), got %d"
                raise ArgumentError(text % (len(self.arg_names), ", ".join(self.arg_names), len(grad_req)))
            grad_req = dict(zip(self.arg_names, grad_req))
        if isinstance(grad_req, dict):
            found.update(grad_req if self.for_training else {})
        elif not isinstance(grad_req, str):
            raise ValueError("grad_req must be a text, a list or a dict, got %r" % (grad_req,))
        return found

    def _wants(self, name, data_names):
        return self.inputs_need_grad and name in data_names

    def _describe(self, data_shapes, label_shapes):
        """Takes over the descriptions of a batch, and shares it out."""
        self.data_shapes, self.label_shapes = data_shapes, label_shapes
        self.data_names = [desc.name for desc in data_shapes]
        self.label_names = [desc.name for desc in label_shapes or ()]
        self.data_layouts, self.label_layouts = (
            [DataDesc.get_batch_axis(desc.layout) for desc in descs or ()] for descs in (data_shapes, label_shapes)
        )
        self.batch_size = self._batch_size()
        count = len(self.contexts)
        self.slices = [slice(0, 1)] * count if self.batch_size is None else split_batch(self.batch_size, self.workload)

    def _batch_size(self):
        """The number of examples, which all inputs must agree on; None if none has an axis for them."""
        descs = [*self.data_shapes, *(self.label_shapes or ())]
        axes = [*self.data_layouts, *self.label_layouts]
        sizes = [(desc.name, desc.shape[axis]) for desc, axis in zip(descs, axes) if 0 <= axis < len(desc.shape)]
        if len({size for _, size in sizes}) > 1:
            found = ", ".join("%s %d" % pair for pair in sizes)
            raise ArgumentError("all inputs must have the same number of examples, got %s" % found)
        return sizes[0][1] if sizes else None

    def _shapes(self, i):
        """The shapes of the inputs of executor `i` that the symbol has, by name."""
        found = {}
        for desc in [*self.data_shapes, *(self.label_shapes or ())]:
            axis, shape = DataDesc.get_batch_axis(desc.layout), list(desc.shape)
            if 0 <= axis < len(shape):
                shape[axis] = self.slices[i].stop - self.slices[i].start
            if desc.name in self.arg_names:
                found[desc.name] = tuple(shape)
        return found

    def _types(self):
        """The types of the inputs; an attribute of the variable counts more than a description."""
        attributes = self.symbol.attr_dict()
        types = {}
        for desc in self.data_shapes:
            number = attributes.get(desc.name, {}).get("__dtype__", "-1")
            types[desc.name] = desc.dtype if number == "-1" else _dtypes.from_number(int(number))
        types.update((desc.name, desc.dtype) for desc in self.label_shapes or ())
        return types

    def _bind(self, i, shared_group):
        shared = shared_group.execs[i] if shared_group else None
        executor = self.symbol.simple_bind(
            ctx=self.contexts[i],
            grad_req=self.grad_req,
            type_dict=self._types(),
            shared_arg_names=self.param_names,
            shared_exec=shared,
            group2ctx=self.group2ctxs[i],
            shared_buffer=self.shared_data_arrays[i],
            **self._shapes(i),
        )
        if shared is not None:
            self._check_shared(executor, shared)
        return executor

    def _check_shared(self, executor, shared):
        for name in self.param_names:
            own, other = executor.arg_dict[name].shape, shared.arg_dict.get(name)
            if other is not None and own != other.shape:
                raise ArgumentError("parameter '%s' is to be shared: it has shape %s here, %s there" % (name, own, other.shape))

    def _key(self):
        return tuple(tuple(shapes.items()) for shapes in map(self._shapes, range(len(self.contexts))))

    def reshape(self, data_shapes, label_shapes):
        """Goes over to executors for other shapes, which share the parameters.

        Parameters
        ----------
        data_shapes, label_shapes : list of DataDesc
        """
        before, watched = (self.data_shapes, self.label_shapes), self.execs
        try:
            self._describe(descriptions(data_shapes), descriptions(label_shapes))
            self.execs = self._executors()
        except Exception:
            self._describe(*before)
            raise
        for executor, old in zip(self.execs, watched):
            executor._watch_as(old)
        self._collect()

    def _executors(self):
        """The executors for the present shapes."""
        key = self._key()
        if key not in self._kept:
            if len(self._kept) > _SHAPES_KEPT:
                del self._kept[list(self._kept)[1]]
            self._kept[key] = [self._reshaped(i) for i in range(len(self.contexts))]
        return self._kept[key]

    def _reshaped(self, i):
        shapes = self._shapes(i)
        open_inputs = set(self.arg_names) - set(self.param_names) - set(shapes)
        if open_inputs:
            inferred = zip(self.arg_names, self.symbol.infer_shape(**shapes)[0] or ())
            shapes.update((name, shape) for name, shape in inferred if name in open_inputs)
        executor = self._first[i].reshape(allow_up_sizing=True, **shapes)
        for monitor in self._monitors:
            monitor.install(executor)
        return executor

    def _collect(self):
        """Finds the arrays of all executors."""
        execs = self.execs
        self._inputs = [_Input(desc, self.slices, execs) for desc in self.data_shapes]
        self._labels = [_Input(desc, self.slices, execs) for desc in self.label_shapes or ()]
        params = [i for i, name in enumerate(self.arg_names) if name in set(self.param_names)]
        self.param_arrays = [[e.arg_arrays[i] for e in execs] for i in params]
        self.grad_arrays = [[e.grad_arrays[i] for e in execs] for i in params] if self.for_training else None
        self._has_gradients = any(grad is not None for grad in execs[0].grad_arrays)
        self.aux_arrays = [[e.aux_arrays[i] for e in execs] for i in range(len(self.aux_names))]
        self.state_arrays = [[e.arg_dict[name] for e in execs] for name in self.state_names]
        self.data_arrays = [entry.parts for entry in self._inputs]
        self.label_arrays = [entry.parts for entry in self._labels] or None
        self.input_grad_arrays = None
        if self.inputs_need_grad:
            self.input_grad_arrays = [[e.grad_dict.get(name) for e in execs] for name in self.data_names]

    @property
    def _total_exec_bytes(self):
        """Bytes planned for intermediate values."""
        return sum(executor.memory_plan().planned for executor in self._first)

    # -- parameters ------------------------------------------------------------------------------------------------

    def set_params(self, arg_params, aux_params, allow_extra=False):
        """Copies parameters to all executors.

        Parameters
        ----------
        arg_params, aux_params : dict of str to NDArray
        allow_extra : bool, default False
            Whether there may be names that the symbol does not have.
        """
        for executor in self.execs:
            executor.copy_params_from(arg_params, aux_params, allow_extra_params=allow_extra)

    def get_params(self, arg_params, aux_params):
        """Copies the parameters, averaged over the executors, into arrays.

        Parameters
        ----------
        arg_params, aux_params : dict of str to NDArray
        """
        for names, arrays, into in (
            (self.param_names, self.param_arrays, arg_params),
            (self.aux_names, self.aux_arrays, aux_params),
        ):
            for name, copies in zip(names, arrays):
                into[name]._assign(_mean(copies))

    def get_states(self, merge_multi_context=True):
        """For each state the arrays of all executors."""
        assert not merge_multi_context, "get_states: states are not merged; ask with merge_multi_context=False"
        return self.state_arrays

    def set_states(self, states=None, value=None):
        """Sets the states.

        Parameters
        ----------
        states : list of lists of NDArray, optional
            For each state an array for each executor, as `get_states` and `get_outputs` give them.
        value : float, optional
            One number for all.
        """
        if (states is None) == (value is None):
            raise ArgumentError("set_states: give either states or value")
        for k, targets in enumerate(self.state_arrays):
            for i, target in enumerate(targets):
                if states is None:
                    target[:] = value
                else:
                    whole = isinstance(states[k], NDArray)
                    copy_in(self.state_names[k], cut(states[k], 0, self.slices[i]) if whole else states[k][i], target)

    # -- computing -------------------------------------------------------------------------------------------------

    def forward(self, data_batch, is_train=None):
        """Copies a batch to the executors and computes the outputs.

        Parameters
        ----------
        data_batch : DataBatch, or a list with one for each executor
        is_train : bool, optional
            By default `for_training`.
        """
        if isinstance(data_batch, list):
            self._load_batches(data_batch)
        else:
            self._load(self._inputs, data_batch.data, "data")
            if self._labels:
                labels = getattr(data_batch, "label", None)
                if labels:
                    self._load(self._labels, labels, "labels")
        is_train = self.for_training if is_train is None else is_train
        if len(self.execs) == 1:
            self.execs[0].forward(is_train=is_train)
        else:
            forward_all(self.execs, is_train)

    @staticmethod
    def _load(inputs, sources, what):
        if len(sources) < len(inputs):
            names = ", ".join(entry.name for entry in inputs)
            raise ArgumentError("the batch has %d %s, expected %d: %s" % (len(sources), what, len(inputs), names))
        for entry, source in zip(inputs, sources):
            entry.load(source)

    def _load_batches(self, batches):
        for k, entry in enumerate(self._inputs):
            entry.load_parts([batch.data[k] for batch in batches])
        if self._labels and batches[0].label:
            for k, entry in enumerate(self._labels):
                entry.load_parts([batch.label[k] for batch in batches])

    def backward(self, out_grads=None):
        """Computes the gradients.

        Parameters
        ----------
        out_grads : NDArray or list of NDArray, optional
            Of whole batches, for each output.
        """
        if not self.for_training:
            raise NotReadyError("backward: bind with for_training=True first")
        if not self._has_gradients:
            return
        out_grads = [out_grads] if isinstance(out_grads, NDArray) else out_grads or []
        if not out_grads:
            heads = [None] * len(self.execs)
        else:
            places = list(zip(self.contexts, self.slices))
            pairs = list(zip(out_grads, self.output_layouts))
            heads = [[cut(grad, axis, part).as_in_context(context) for grad, axis in pairs] for context, part in places]
        if len(self.execs) == 1:
            self.execs[0].backward(heads[0])
        else:
            backward_all(self.execs, heads)

    def get_output_shapes(self):
        """Names and shapes of the outputs of whole batches: list of (str, tuple)."""
        found = []
        for name, output, axis in zip(self.output_names, self.execs[0].outputs, self.output_layouts):
            shape = list(output.shape)
            if 0 <= axis < len(shape) and len(self.execs) > 1:
                shape[axis] = sum(e.outputs[len(found)].shape[axis] for e in self.execs)
            found.append((name, tuple(shape)))
        return found

    def get_outputs(self, merge_multi_context=True, begin=0, end=None):
        """The outputs number `begin` to `end` of whole batches, or for each the arrays of all executors."""
        if merge_multi_context and len(self.execs) == 1:
            return self.execs[0].outputs[begin:end]
        outputs = list(map(list, zip(*(executor.outputs[begin:end] for executor in self.execs))))
        if not merge_multi_context:
            return outputs
        return [merged(parts, axis) for parts, axis in zip(outputs, self.output_layouts[begin:end])]

    def get_input_grads(self, merge_multi_context=True):
        """The gradients of the data of whole batches, or for each the arrays of all executors."""
        if self.input_grad_arrays is None:
            raise NotReadyError("get_input_grads: bind with inputs_need_grad=True first")
        if not merge_multi_context:
            return self.input_grad_arrays
        return [merged(parts, axis) for parts, axis in zip(self.input_grad_arrays, self.data_layouts)]

    def update_metric(self, eval_metric, labels, pre_sliced=False):
        """Lets a metric take in the outputs of every executor.

        Parameters
        ----------
        eval_metric : metric.EvalMetric
        labels : list of NDArray
        pre_sliced : bool, default False
            Whether `labels` has a list for each executor.
        """
        labels = labels or ()
        for i, executor in enumerate(self.execs):
            own = labels[i] if pre_sliced else labels if len(self.execs) == 1 else self._labels_of(i, labels)
            # Without descriptions of labels, their places are their names.
            names = self.label_names or range(len(own))
            eval_metric.update_dict(dict(zip(names, own)), dict(zip(self.output_names, executor.outputs)))

    def _labels_of(self, i, labels):
        axes = self.label_layouts or [0] * len(labels)
        return [cut(label, axis, self.slices[i]) for label, axis in zip(labels, axes)]

    def install_monitor(self, mon):
        """Lets a monitor watch every executor."""
        self._monitors.append(mon)
        for executors in self._kept.values():
            for executor in executors:
                mon.install(executor)


def _mean(arrays):
    """The mean of the arrays of all devices."""
    if len(arrays) == 1:
        return arrays[0]
    here = [array.as_in_context(arrays[0].context) for array in arrays]
    if np.issubdtype(here[0].dtype, np.integer):
        return here[0]
    return sum(here[1:], here[0]) / len(here)
