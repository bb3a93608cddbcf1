"""The loops over batches: training, scoring, predicting."""

import time

import numpy as np

from .. import metric as metrics
from .. import ndarray
from .._training import BatchEndParam, call_all, log_values
from ..initializer import Uniform
from ..io import DataBatch, DataIter

__all__ = ["Loops"]


def _metric(given):
    return given if isinstance(given, metrics.EvalMetric) else metrics.create(given)


def _batches(data, most, reset):
    """(number, batch) of the first `most` batches, or of all."""
    if reset:
        data.reset()
    for number, batch in enumerate(data):
        if number == most:
            return
        yield number, batch


class Loops:
    """The part of `BaseModule` that goes over data."""

    def _update_metric_of(self, batch, eval_metric):
        """Lets the metric take in a batch, or the batches of all devices."""
        if isinstance(batch, list):
            self.update_metric(eval_metric, [one.label for one in batch], pre_sliced=True)
        else:
            self.update_metric(eval_metric, batch.label)

    # -- using it --------------------------------------------------------------------------------------------------

    def score(
        self,
        eval_data,
        eval_metric,
        num_batch=None,
        batch_end_callback=None,
        score_end_callback=None,
        reset=True,
        epoch=0,
        sparse_row_id_fn=None,
    ):
        """Measures how good the predictions are.

        Parameters
        ----------
        eval_data : DataIter
        eval_metric : EvalMetric, or whatever `metric.create` takes
        num_batch : int, optional
            Batches to use; by default all.
        batch_end_callback, score_end_callback : callable or list of callable, optional
            Called after each batch, and at the end.
        reset : bool, default True
            Start at the beginning of the data.
        epoch : int, default 0
            For callbacks.
        sparse_row_id_fn : callable, optional
            As in `prepare`.

        Returns
        -------
        list of (str, float)
            Names and values of the metric.
        """
        self._require("score", "binded", "params_initialized")
        eval_metric = _metric(eval_metric)
        eval_metric.reset()
        count = 0
        for nbatch, eval_batch in _batches(eval_data, num_batch, reset):
            self.prepare(eval_batch, sparse_row_id_fn=sparse_row_id_fn)
            self.forward(eval_batch, is_train=False)
            self._update_metric_of(eval_batch, eval_metric)
            if batch_end_callback is not None:
                call_all(batch_end_callback, BatchEndParam(epoch, nbatch, eval_metric, locals()))
            count += 1
        if score_end_callback is not None:
            call_all(score_end_callback, BatchEndParam(epoch, count, eval_metric, locals()))
        return eval_metric.get_name_value()

    def iter_predict(self, eval_data, num_batch=None, reset=True, sparse_row_id_fn=None):
        """Goes over the predictions batch by batch.

        Parameters
        ----------
        eval_data : DataIter
        num_batch, reset, sparse_row_id_fn
            As in `score`.

        Yields
        ------
        outputs : list of NDArray
            Without the examples that only fill a batch; valid until the next batch.
        nbatch : int
        batch : DataBatch
        """
        self._require("iter_predict", "binded", "params_initialized")
        for nbatch, batch in _batches(eval_data, num_batch, reset):
            self.prepare(batch, sparse_row_id_fn=sparse_row_id_fn)
            self.forward(batch, is_train=False)
            pad = batch.pad or 0
            yield [out[: out.shape[0] - pad] if pad else out for out in self.get_outputs()], nbatch, batch

    def predict(self, eval_data, num_batch=None, merge_batches=True, reset=True, always_output_list=False, sparse_row_id_fn=None):
        """Computes predictions.

        Parameters
        ----------
        eval_data : DataIter, NDArray or numpy.ndarray
            An array is taken as one batch.
        num_batch : int, optional
            Batches to use; by default all.
        merge_batches : bool, default True
            Join the batches.
        reset : bool, default True
            Start at the beginning of the data.
        always_output_list : bool, default False
            Give a list of joined outputs also if there is one output.
        sparse_row_id_fn : callable, optional
            As in `prepare`.

        Returns
        -------
        NDArray, list of NDArray, or list of lists of NDArray
            The joined output, or a list of them; with ``merge_batches=False`` the outputs of each batch. Examples that only
            fill a batch are left out.
        """
        self._require("predict", "binded", "params_initialized")
        if isinstance(eval_data, (ndarray.NDArray, np.ndarray)):
            self.forward(DataBatch([ndarray.array(eval_data) if isinstance(eval_data, np.ndarray) else eval_data]), False)
            return self.get_outputs()[0]
        if not isinstance(eval_data, DataIter):
            raise ValueError("predict: eval_data must be a DataIter, an NDArray or a NumPy array, got %s" % type(eval_data))
        steps = self.iter_predict(eval_data, num_batch, reset, sparse_row_id_fn)
        batches = [[out.copy() for out in outputs] for outputs, _, _ in steps]
        if not (batches and merge_batches):
            return batches
        if len({len(outputs) for outputs in batches}) > 1:
            raise ValueError("predict: batches have different numbers of outputs; use merge_batches=False")
        joined = [ndarray.concatenate(list(parts)) for parts in zip(*batches)]
        return joined if always_output_list or len(joined) != 1 else joined[0]

    # -- training --------------------------------------------------------------------------------------------------

    def fit(
        self,
        train_data,
        eval_data=None,
        eval_metric="acc",
        epoch_end_callback=None,
        batch_end_callback=None,
        kvstore="local",
        optimizer="sgd",
        optimizer_params=(("learning_rate", 0.01),),
        eval_end_callback=None,
        eval_batch_end_callback=None,
        initializer=Uniform(0.01),
        arg_params=None,
        aux_params=None,
        allow_missing=False,
        force_rebind=False,
        force_init=False,
        begin_epoch=0,
        num_epoch=None,
        validation_metric=None,
        monitor=None,
        sparse_row_id_fn=None,
    ):
        """Trains the module.

        Parameters
        ----------
        train_data : DataIter
        eval_data : DataIter, optional
            Scored after each epoch.
        eval_metric, validation_metric : EvalMetric, or whatever `metric.create` takes
            Of training, and of `eval_data` (by default the same).
        epoch_end_callback : callable or list of callable, optional
            Called as ``callback(epoch, symbol, arg_params, aux_params)``, such as `callback.do_checkpoint` makes.
        batch_end_callback, eval_batch_end_callback, eval_end_callback : callable or list of callable, optional
            Called with a `BatchEndParam`: after each batch, each batch of `eval_data`, and its end.
        kvstore, optimizer, optimizer_params
            As in `init_optimizer`.
        initializer, arg_params, aux_params, allow_missing, force_init
            As in `init_params`.
        force_rebind : bool, default False
            Bind again if the module has been bound.
        begin_epoch : int, default 0
            Number of the first epoch, when training goes on.
        num_epoch : int
            Number of the epoch to end before: ``num_epoch - begin_epoch`` epochs are trained.
        monitor : monitor.Monitor, optional
        sparse_row_id_fn : callable, optional
            As in `prepare`.
        """
        assert num_epoch is not None, "fit: num_epoch is missing, the number of epochs to train"
        self.bind(train_data.provide_data, train_data.provide_label, for_training=True, force_rebind=force_rebind)
        if monitor is not None:
            self.install_monitor(monitor)
        if force_init or not self.params_initialized or arg_params or aux_params:
            self.init_params(
                initializer=initializer,
                arg_params=arg_params,
                aux_params=aux_params,
                allow_missing=allow_missing,
                force_init=force_init,
            )
        self.init_optimizer(kvstore=kvstore, optimizer=optimizer, optimizer_params=optimizer_params)
        validation_metric = eval_metric if validation_metric is None else validation_metric
        eval_metric = _metric(eval_metric)
        for epoch in range(begin_epoch, num_epoch):
            begin = time.time()
            values = self._fit_epoch(locals())
            log_values(self.logger, epoch, "Train", values)
            self.logger.info("Epoch[%d] Time cost=%.3f", epoch, time.time() - begin)
            # Devices may differ in what they keep for themselves, such as moving averages: they go on from the mean.
            arg_params, aux_params = self.get_params()
            self.set_params(arg_params, aux_params)
            call_all(epoch_end_callback, epoch, self.symbol, arg_params, aux_params)
            if eval_data is not None:
                ends = dict(score_end_callback=eval_end_callback, batch_end_callback=eval_batch_end_callback)
                log_values(self.logger, epoch, "Validation", self.score(eval_data, validation_metric, epoch=epoch, **ends))
            train_data.reset()

    def _fit_epoch(self, of_fit):
        """Trains on all batches; names and values of the metric.

        The next batch is fetched when the metric is done with the present one: an iterator may use its arrays again.

        Parameters
        ----------
        of_fit : dict
            The variables of `fit`, which callbacks see too.
        """
        train_data, eval_metric, epoch = (of_fit[name] for name in ("train_data", "eval_metric", "epoch"))
        batch_end_callback, monitor = of_fit["batch_end_callback"], of_fit["monitor"]
        eval_metric.reset()
        batches = iter(train_data)
        next_data_batch, nbatch = next(batches, None), 0
        values = eval_metric.get_global_name_value()
        while next_data_batch is not None:
            data_batch = next_data_batch
            if monitor is not None:
                monitor.tic()
            self.forward_backward(data_batch)
            self.update()
            self._update_metric_of(data_batch, eval_metric)
            next_data_batch = next(batches, None)
            if next_data_batch is not None:
                self.prepare(next_data_batch, sparse_row_id_fn=of_fit["sparse_row_id_fn"])
            else:
                # A callback may let the metric begin anew.
                values = eval_metric.get_global_name_value()
            if monitor is not None:
                monitor.toc_print()
            if batch_end_callback is not None:
                call_all(batch_end_callback, BatchEndParam(epoch, nbatch, eval_metric, {**of_fit, **locals()}))
            nbatch += 1
        return values
