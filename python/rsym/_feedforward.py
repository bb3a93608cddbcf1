"""`FeedForward`: a network that is trained, used and saved in one call each."""

import logging
import time

import numpy as np

from . import io, metric, module
from . import ndarray as nd
from ._checkpoint import load_checkpoint, save_checkpoint
from ._training import BatchEndParam, call_all
from .base import ArgumentError, NotReadyError
from .callback import LogValidationMetricsCallback
from .context import Context, cpu
from .initializer import Uniform
from .module._inputs import PARAMETER_ENDINGS
from .symbol import Symbol

__all__ = ["FeedForward"]

_ARRAYS = (np.ndarray, nd.NDArray)


class FeedForward:
    """A network that is trained, used and saved in one call each, with the methods of scikit-learn's estimators.

    Data are NumPy arrays, NDArrays or iterators. `Module` does the same step by step.

    Parameters
    ----------
    symbol : Symbol or callable
        A function takes the key of a bucket and gives a symbol, for iterators with buckets.
    ctx : Context or list of Context, optional
        Every batch is shared out over several contexts.
    num_epoch : int, optional
        The number of the epoch to end before; needed to train.
    epoch_size : int, optional
        Batches of an epoch; by default all that the data have.
    optimizer : str or optimizer.Optimizer
    initializer : Initializer
    numpy_batch_size : int
        Examples of a batch made of arrays.
    arg_params, aux_params : dict of str to NDArray, optional
        Parameters to start from.
    allow_extra_params : bool
        Whether these may have names that the symbol does not have.
    begin_epoch : int
        The number of the first epoch, when training goes on.
    **kwargs
        Parameters of the optimizer, such as `learning_rate`.

    Examples
    --------
    >>> import numpy as np
    >>> import rsym as mx
    >>> net = mx.sym.SoftmaxOutput(mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=2), name="softmax")
    >>> x = np.random.RandomState(1).randn(200, 2)
    >>> y = (x[:, 0] > 0).astype(float)
    >>> model = mx.model.FeedForward(net, num_epoch=20, numpy_batch_size=50, learning_rate=0.5, momentum=0.9)
    >>> _ = model.fit(x, y)
    >>> bool(np.mean(model.predict(x).argmax(axis=1) == y) > 0.9)
    True
    """

    def __init__(
        self,
        symbol,
        ctx=None,
        num_epoch=None,
        epoch_size=None,
        optimizer="sgd",
        initializer=Uniform(0.01),
        numpy_batch_size=128,
        arg_params=None,
        aux_params=None,
        allow_extra_params=False,
        begin_epoch=0,
        **kwargs,
    ):
        if not (isinstance(symbol, Symbol) or callable(symbol)):
            raise TypeError("symbol must be a Symbol or a function of the key of a bucket, got %r" % (symbol,))
        self.symbol = symbol if isinstance(symbol, Symbol) else None
        self.sym_gen = None if self.symbol is not None else symbol
        self.ctx = ctx
        self.num_epoch = num_epoch
        self.epoch_size = epoch_size
        self.optimizer = optimizer
        self.initializer = initializer
        self.numpy_batch_size = numpy_batch_size
        self.arg_params = arg_params
        self.aux_params = aux_params
        self.allow_extra_params = allow_extra_params
        self.begin_epoch = begin_epoch
        self.kwargs = dict(kwargs)
        self._predictor = None

    # -- scikit-learn ----------------------------------------------------------------------------------------------

    _PARAMS = (
        "ctx num_epoch epoch_size optimizer initializer numpy_batch_size arg_params aux_params allow_extra_params begin_epoch"
    ).split()

    def get_params(self, deep=True):
        """The parameters of the constructor by name, as scikit-learn asks for them.

        Returns
        -------
        dict
        """
        own = {name: getattr(self, name) for name in self._PARAMS}
        return {"symbol": self.sym_gen or self.symbol, **own, **self.kwargs}

    def set_params(self, **params):
        """Sets parameters of the constructor.

        Returns
        -------
        FeedForward
            This one.
        """
        for name, value in params.items():
            if name == "symbol":
                self.symbol, self.sym_gen = (value, None) if isinstance(value, Symbol) else (None, value)
            elif name in self._PARAMS:
                setattr(self, name, value)
            else:
                self.kwargs[name] = value
        self._predictor = None
        return self

    def __getstate__(self):
        return {**self.__dict__, "_predictor": None}

    # -- data ------------------------------------------------------------------------------------------------------

    def _contexts(self):
        return [cpu()] if self.ctx is None else [self.ctx] if isinstance(self.ctx, Context) else list(self.ctx)

    def _init_iter(self, X, y, is_train):
        """An iterator over arrays; iterators stay as they are."""
        if not isinstance(X, _ARRAYS):
            if not isinstance(X, io.DataIter):
                raise TypeError("X must be a DataIter, an NDArray or a NumPy array, got %s" % type(X))
            return X
        if y is None:
            if is_train:
                raise ValueError("y must be specified when X is an array")
            y = np.zeros(X.shape[0])
        y = self._labels(X, y)
        size = min(X.shape[0], self.numpy_batch_size)
        handling = dict(shuffle=True, last_batch_handle="roll_over") if is_train else {}
        names = dict(data_name=self._input("data", "data"), label_name=self._input("label", "softmax_label"))
        return io.NDArrayIter(X, y, size, **names, **handling)

    def _input(self, ending, otherwise):
        """The only argument whose name ends so."""
        names = () if self.symbol is None else self.symbol.list_arguments()
        found = [name for name in names if name.endswith(ending)]
        return found[0] if len(found) == 1 else otherwise

    @staticmethod
    def _labels(X, y):
        if not isinstance(y, _ARRAYS):
            raise TypeError("y must be an NDArray or a NumPy array when X is one, got %s" % type(y))
        if X.shape[0] != y.shape[0]:
            raise ValueError("X has %d examples, y has %d" % (X.shape[0], y.shape[0]))
        if len(y.shape) == 2 and y.shape[1] == 1:
            y = y.reshape((-1,))
        if len(y.shape) != 1:
            raise ValueError("y must have shape (n,) or (n, 1), got %s" % (y.shape,))
        return y

    def _init_eval_iter(self, eval_data):
        if eval_data is None or isinstance(eval_data, io.DataIter):
            return eval_data
        if not (isinstance(eval_data, (tuple, list)) and len(eval_data) == 2):
            raise TypeError("eval_data must be a DataIter or a pair of arrays, got %s" % type(eval_data))
        x, y = (np.array(part) if isinstance(part, list) else part for part in eval_data)
        if x is None:
            raise ValueError("eval_data has no X")
        return self._init_iter(x, y, is_train=True)

    # -- training --------------------------------------------------------------------------------------------------

    def fit(
        self,
        X,
        y=None,
        eval_data=None,
        eval_metric="acc",
        epoch_end_callback=None,
        batch_end_callback=None,
        kvstore="local",
        logger=None,
        work_load_list=None,
        monitor=None,
        eval_end_callback=LogValidationMetricsCallback(),
        eval_batch_end_callback=None,
    ):
        """Trains the network, from `arg_params` and `aux_params` if there are some.

        Parameters
        ----------
        X : DataIter, NDArray or numpy.ndarray
            Arrays are shuffled in every epoch.
        y : NDArray or numpy.ndarray, optional
            The labels of arrays, of shape (n,) or (n, 1).
        eval_data : DataIter or pair of arrays, optional
            Scored after each epoch.
        eval_metric : EvalMetric, or whatever `metric.create` takes
        epoch_end_callback : callable or list of callable, optional
            Called as ``callback(epoch, symbol, arg_params, aux_params)``.
        batch_end_callback, eval_batch_end_callback, eval_end_callback : callable or list of callable, optional
            Called with a `BatchEndParam`: after each batch, each batch of `eval_data`, and its end.
        kvstore : str, KVStore or None
            Where gradients of several contexts are summed.
        logger : logging.Logger, optional
        work_load_list : list of float, optional
            The share of each context.
        monitor : monitor.Monitor, optional

        Returns
        -------
        FeedForward
            This one.
        """
        if self.num_epoch is None:
            raise ArgumentError("fit: num_epoch is missing, the number of epochs: FeedForward(..., num_epoch=10)")
        data, eval_data = self._init_iter(X, y, is_train=True), self._init_eval_iter(eval_data)
        logger = logging if logger is None else logger
        trained = self._trainer(data, logger, work_load_list, kvstore)
        if monitor is not None:
            trained.install_monitor(monitor)
        eval_metric = eval_metric if isinstance(eval_metric, metric.EvalMetric) else metric.create(eval_metric)
        data.reset()
        logger.info("Start training with %s", self._contexts())
        for epoch in range(self.begin_epoch, self.num_epoch):
            begin = time.time()
            self._fit_epoch(trained, data, eval_metric, epoch, batch_end_callback, monitor, logger)
            logger.info("Epoch[%d] Time cost=%.3f", epoch, time.time() - begin)
            self.arg_params, self.aux_params = trained.get_params()
            call_all(epoch_end_callback, epoch, self.symbol, self.arg_params, self.aux_params)
            if eval_data is not None:
                ends = dict(batch_end_callback=eval_batch_end_callback, score_end_callback=eval_end_callback)
                trained.score(eval_data, eval_metric, epoch=epoch, **ends)
        self._predictor = None
        return self

    def _trainer(self, data, logger, work_load_list, kvstore):
        """The module that is trained."""
        names = [[desc[0] for desc in descs] for descs in (data.provide_data, data.provide_label)]
        options = dict(logger=logger, context=self._contexts(), work_load_list=work_load_list)
        if self.sym_gen is None:
            made = module.Module(self.symbol, *names, **options)
        else:
            key = data.default_bucket_key
            made = module.BucketingModule(lambda bucket: (self.sym_gen(bucket), *names), key, **options)
            self.symbol = self.sym_gen(key)
        made.bind(data.provide_data, data.provide_label)
        made.init_params(self.initializer, self.arg_params or {}, self.aux_params or {}, allow_missing=True)
        made.init_optimizer(kvstore, self.optimizer, self.kwargs)
        return made

    def _fit_epoch(self, trained, train_data, eval_metric, epoch, batch_end_callback, monitor, logger):
        eval_metric.reset()
        for nbatch, data_batch in enumerate(self._batches(train_data, epoch, logger), 1):
            if monitor is not None:
                monitor.tic()
            trained.forward_backward(data_batch)
            trained.update()
            if monitor is not None:
                monitor.toc_print()
            trained.update_metric(eval_metric, data_batch.label)
            if batch_end_callback is not None:
                call_all(batch_end_callback, BatchEndParam(epoch, nbatch, eval_metric, locals()))

    def _batches(self, data, epoch, logger):
        """The batches of an epoch: all of the data, or `epoch_size` of them, over and over if need be."""
        count, empty = 0, False
        while True:
            before = count
            for batch in data:
                yield batch
                count += 1
                if count == self.epoch_size:
                    return
            # The first pass may find the data at their end, the second not.
            if empty and count == before:
                raise ArgumentError("fit: epoch_size is %d, the data give no batch" % self.epoch_size)
            empty = count == before
            logger.info("Epoch[%d] Resetting Data Iterator", epoch)
            data.reset()
            if self.epoch_size is None:
                return

    # -- using it --------------------------------------------------------------------------------------------------

    def _bound(self, data):
        """A module for inference with the present parameters."""
        if self.arg_params is None:
            raise NotReadyError("FeedForward: there are no parameters; call fit, or load a model")
        symbol = self.symbol if self.symbol is not None else self.sym_gen(data.default_bucket_key)
        shapes = [tuple(desc) for desc in [*data.provide_data, *(data.provide_label or ())]]
        if self._predictor is None or self._predictor[0] is not symbol or self._predictor[1] != shapes:
            self._predictor = (symbol, shapes, self._inference_module(symbol, data))
        made = self._predictor[2]
        made.set_params(*self._known_params(symbol), allow_missing=True)
        return made

    def _inference_module(self, symbol, data):
        names = [desc[0] for desc in data.provide_data]
        labels = [desc for desc in data.provide_label or () if desc[0] in symbol.list_arguments()]
        given = {*names, *(desc[0] for desc in labels), *self.arg_params}
        missing = [name for name in symbol.list_arguments() if name not in given and name.endswith(PARAMETER_ENDINGS)]
        if missing:
            raise ValueError("FeedForward: there are no values for %s; add them to arg_params" % ", ".join(missing))
        made = module.Module(symbol, names, [desc[0] for desc in labels], context=self._contexts()[0])
        made.bind(data.provide_data, labels, for_training=False)
        return made

    def _known_params(self, symbol):
        """The parameters that the symbol has; ValueError for others, unless they are allowed."""
        found = []
        for given, names in (
            (self.arg_params, symbol.list_arguments()),
            (self.aux_params or {}, symbol.list_auxiliary_states()),
        ):
            extra = sorted(set(given) - set(names))
            if extra and not self.allow_extra_params:
                text = "the symbol has no %s; allow_extra_params=True passes over such parameters"
                raise ValueError(text % ", ".join(extra))
            found.append({name: value for name, value in given.items() if name in names})
        return found

    def predict(self, X, num_batch=None, return_data=False, reset=True):
        """Computes predictions.

        Parameters
        ----------
        X : DataIter, NDArray or numpy.ndarray
        num_batch : int, optional
            Batches to use; by default all.
        return_data : bool
            Whether to return the data and the labels too.
        reset : bool
            Start at the beginning of the data.

        Returns
        -------
        numpy.ndarray or list of numpy.ndarray
            The output, or a list of all outputs; with `return_data` a tuple of outputs, data and labels.
        """
        X = self._init_iter(X, None, is_train=False)
        steps = self._bound(X).iter_predict(X, num_batch, reset)
        groups = []
        for outputs, _, batch in steps:
            pad = batch.pad or 0
            inputs = [[a[: a.shape[0] - pad] for a in arrays or ()] for arrays in (batch.data, batch.label)]
            groups.append([[a.asnumpy() for a in arrays] for arrays in (outputs, *(inputs if return_data else ()))])
        joined = [_single([np.concatenate(parts) for parts in zip(*batches)]) for batches in zip(*groups)]
        return tuple(joined) if return_data else joined[0] if joined else []

    def score(self, X, eval_metric="acc", num_batch=None, batch_end_callback=None, reset=True, y=None):
        """Measures how good the predictions are.

        Parameters
        ----------
        X : DataIter, NDArray or numpy.ndarray
        eval_metric : EvalMetric, or whatever `metric.create` takes
        num_batch : int, optional
            Batches to use; by default all.
        batch_end_callback : callable or list of callable, optional
        reset : bool
            Start at the beginning of the data.
        y : NDArray or numpy.ndarray, optional
            The labels of arrays.

        Returns
        -------
        float or list of float
        """
        if isinstance(eval_metric, _ARRAYS):
            eval_metric, y = "acc", eval_metric
        eval_metric = eval_metric if isinstance(eval_metric, metric.EvalMetric) else metric.create(eval_metric)
        X = self._init_iter(X, y, is_train=False)
        self._bound(X).score(X, eval_metric, num_batch, batch_end_callback, reset=reset)
        return eval_metric.get()[1]

    # -- files -----------------------------------------------------------------------------------------------------

    def save(self, prefix, epoch=None, remove_amp_cast=True):
        """Writes the symbol and the parameters, as `save_checkpoint` does.

        Parameters
        ----------
        prefix : str
            Path or fsspec address, without the endings.
        epoch : int, optional
            By default `num_epoch`.
        remove_amp_cast : bool
            As in `Symbol.save`.
        """
        epoch = self.num_epoch if epoch is None else epoch
        if epoch is None:
            raise ArgumentError("save: epoch is missing, the number that the file of parameters gets")
        save_checkpoint(prefix, epoch, self.symbol, self.arg_params or {}, self.aux_params or {}, remove_amp_cast)

    @staticmethod
    def load(prefix, epoch, ctx=None, **kwargs):
        """A model from what `save` wrote; training goes on from `epoch`.

        Parameters
        ----------
        prefix : str
        epoch : int
        ctx, **kwargs
            As in `FeedForward`.

        Returns
        -------
        FeedForward
        """
        symbol, arg_params, aux_params = load_checkpoint(prefix, epoch)
        params = dict(arg_params=arg_params, aux_params=aux_params, begin_epoch=epoch)
        return FeedForward(symbol, ctx=ctx, **params, **kwargs)

    @staticmethod
    def create(
        symbol,
        X,
        y=None,
        ctx=None,
        num_epoch=None,
        epoch_size=None,
        optimizer="sgd",
        initializer=Uniform(0.01),
        eval_data=None,
        eval_metric="acc",
        epoch_end_callback=None,
        batch_end_callback=None,
        kvstore="local",
        logger=None,
        work_load_list=None,
        eval_end_callback=LogValidationMetricsCallback(),
        eval_batch_end_callback=None,
        **kwargs,
    ):
        """Makes a model and trains it: the parameters are those of `FeedForward` and of `fit`.

        Returns
        -------
        FeedForward
        """
        options = dict(num_epoch=num_epoch, epoch_size=epoch_size, optimizer=optimizer, initializer=initializer)
        return FeedForward(symbol, ctx=ctx, **options, **kwargs).fit(
            X,
            y,
            eval_data=eval_data,
            eval_metric=eval_metric,
            epoch_end_callback=epoch_end_callback,
            batch_end_callback=batch_end_callback,
            kvstore=kvstore,
            logger=logger,
            work_load_list=work_load_list,
            eval_end_callback=eval_end_callback,
            eval_batch_end_callback=eval_batch_end_callback,
        )


def _single(values):
    return values[0] if len(values) == 1 else values
