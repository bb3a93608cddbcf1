"""Modules: training, scoring, predicting, checkpoints, several devices."""

import collections
import logging
import os
import warnings

import numpy as np
import pytest

import rsym as mx
from rsym.base import ArgumentError, NotReadyError

Batch = mx.io.DataBatch


def classifier(hidden=8, classes=3):
    net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=hidden, name="fc1")
    net = mx.sym.Activation(net, act_type="tanh")
    net = mx.sym.FullyConnected(net, num_hidden=classes, name="fc2")
    return mx.sym.SoftmaxOutput(net, name="softmax")


def regression(**weight):
    weight = mx.sym.Variable("fc_weight", **weight)
    net = mx.sym.FullyConnected(mx.sym.Variable("data"), weight=weight, num_hidden=1, name="fc")
    return mx.sym.LinearRegressionOutput(net, name="lro")


def blobs(count=120, seed=0):
    """Three clouds of points in the plane, and their numbers."""
    rng = np.random.RandomState(seed)
    y = rng.randint(0, 3, count)
    centres = np.array([[0, 3], [3, -2], [-3, -2]])
    return (centres[y] + rng.randn(count, 2) * 0.7).astype("float32"), y.astype("float32")


def bound(net, batch=4, features=2, label="softmax_label", **options):
    module = mx.mod.Module(net, label_names=[label], **{k: options.pop(k) for k in list(options) if k in MODULE})
    module.bind([("data", (batch, features))], [(label, (batch,))], **options)
    return module


MODULE = ("context", "fixed_param_names", "work_load_list", "logger", "compression_params")


def values(params):
    return {name: array.asnumpy() for name, array in params.items()}


def same(left, right):
    assert left.keys() == right.keys()
    for name in left:
        np.testing.assert_array_equal(left[name], right[name], err_msg=name)


def close(left, right):
    assert left.keys() == right.keys()
    for name in left:
        np.testing.assert_allclose(left[name], right[name], rtol=2e-5, atol=1e-6, err_msg=name)


class Descent:
    """Linear regression by momentum, in NumPy."""

    def __init__(self, weight, bias, lr, momentum=0.0, wd=0.0, lr_mult=1.0):
        self.w, self.b = weight.astype("float64"), bias.astype("float64")
        self.vw, self.vb = np.zeros_like(self.w), np.zeros_like(self.b)
        self.lr, self.momentum, self.wd, self.lr_mult = lr, momentum, wd, lr_mult

    def step(self, x, y):
        error = (x @ self.w.T + self.b - y[:, None]) / len(x)
        self.vw = self.momentum * self.vw - self.lr * self.lr_mult * (error.T @ x + self.wd * self.w)
        self.vb = self.momentum * self.vb - self.lr * error.sum(0)
        self.w, self.b = self.w + self.vw, self.b + self.vb

    def params(self):
        return {"fc_weight": self.w, "fc_bias": self.b}


def lines(count=32, seed=3):
    rng = np.random.RandomState(seed)
    x = rng.randn(count, 2).astype("float32")
    return x, (x @ [2.0, -1.0] + 0.5).astype("float32")


# ---------------------------------------------------------------------------------------------------- training


@pytest.mark.parametrize("momentum, wd, lr_mult", [(0.0, 0.0, 1.0), (0.9, 0.01, 1.0), (0.5, 0.1, 0.25)])
def test_training_follows_the_formula(momentum, wd, lr_mult):
    x, y = lines()
    module = bound(regression(lr_mult=lr_mult), batch=8, label="lro_label")
    module.init_params(mx.init.Normal(0.5))
    start = values(module.get_params()[0])
    twin = Descent(start["fc_weight"], start["fc_bias"], 0.1, momentum, wd, lr_mult)
    module.init_optimizer(optimizer_params={"learning_rate": 0.1, "momentum": momentum, "wd": wd})
    for k in range(0, 32, 8):
        module.forward_backward(Batch([mx.nd.array(x[k : k + 8])], [mx.nd.array(y[k : k + 8])]))
        module.update()
        twin.step(x[k : k + 8], y[k : k + 8])
    close(values(module.get_params()[0]), twin.params())


def test_weight_decay_is_taken_from_the_attribute():
    module = bound(regression(wd_mult=3.0), label="lro_label")
    module.init_params(mx.init.One())
    module.init_optimizer(optimizer_params={"learning_rate": 0.1, "wd": 0.5})
    module.forward(Batch([mx.nd.zeros((4, 2))], [mx.nd.ones((4,))]))
    module.get_outputs()[0][:] = 0
    module.backward()
    module.update()
    # Zero data give the weight no gradient but the decay.
    np.testing.assert_allclose(module.get_params()[0]["fc_weight"].asnumpy(), 1 - 0.1 * 0.5 * 3, rtol=1e-6)


def test_fit_learns_and_tells_its_callbacks(caplog):
    x, y = blobs()
    train, held = mx.io.NDArrayIter(x, y, batch_size=24), mx.io.NDArrayIter(*blobs(60, 1), batch_size=20)
    seen = collections.Counter()

    def each_batch(param):
        seen["batch"] += 1
        assert param.locals["self"] is module and param.eval_metric.get()[0] == "accuracy"
        assert param.nbatch == (seen["batch"] - 1) % 5 and param.locals["data_batch"].data[0].shape == (24, 2)

    def each_epoch(epoch, symbol, args, aux):
        assert epoch == 2 + seen["epoch"] and symbol is module.symbol and sorted(args)[0] == "fc1_bias" and aux == {}
        seen["epoch"] += 1

    module = mx.mod.Module(classifier())
    with caplog.at_level(logging.INFO):
        module.fit(
            train,
            eval_data=held,
            num_epoch=10,
            begin_epoch=2,
            initializer=mx.init.Xavier(),
            optimizer_params=(("learning_rate", 0.5), ("momentum", 0.9)),
            batch_end_callback=[each_batch],
            epoch_end_callback=each_epoch,
            eval_batch_end_callback=lambda param: seen.update(["held"]),
            eval_end_callback=lambda param: seen.update({"end": param.nbatch}),
        )
    assert seen == {"batch": 40, "epoch": 8, "held": 24, "end": 24}
    assert module.score(held, ["acc", "ce"])[0][1] > 0.95
    texts = [r.message.split("=")[0] for r in caplog.records]
    assert texts[:3] == ["Epoch[2] Train-accuracy", "Epoch[2] Time cost", "Epoch[2] Validation-accuracy"]


def test_adam_with_a_schedule_learns():
    x, y = blobs()
    schedule = mx.lr_scheduler.FactorScheduler(step=10, factor=0.9)
    module = mx.mod.Module(classifier())
    options = {"learning_rate": 0.05, "lr_scheduler": schedule}
    module.fit(mx.io.NDArrayIter(x, y, 30, shuffle=True), optimizer="adam", optimizer_params=options, num_epoch=15)
    assert module.score(mx.io.NDArrayIter(x, y, 30), "acc")[0][1] > 0.95
    assert module._optimizer.learning_rate < 0.05 and module._optimizer.rescale_grad == 1 / 30


def test_gradients_are_divided_by_the_batch_unless_said_otherwise():
    for params, scale in (({}, 0.25), ({"rescale_grad": 2.0}, 2.0)):
        module = bound(classifier())
        module.init_params()
        module.init_optimizer(optimizer_params=params)
        assert module._optimizer.rescale_grad == scale
    with pytest.warns(UserWarning, match="rescale_grad"):
        module.init_optimizer(optimizer=mx.optimizer.SGD(), force_init=True)
    assert module._optimizer.idx2name == dict(enumerate(module._param_names))


def test_fixed_parameters_stay():
    module = bound(classifier(), fixed_param_names=["fc1_weight", "fc1_bias"])
    module.init_params(mx.init.Uniform(1))
    before = values(module.get_params()[0])
    module.init_optimizer(optimizer_params={"learning_rate": 1.0})
    module.forward_backward(Batch([mx.nd.ones((4, 2))], [mx.nd.zeros((4,))]))
    module.update()
    after = values(module.get_params()[0])
    changed = {name for name in after if not np.array_equal(before[name], after[name])}
    assert changed == {"fc2_weight", "fc2_bias"}
    assert module._exec_group.grad_req["fc1_weight"] == "null"


@pytest.mark.parametrize("grad_req", ["add", {"fc_weight": "add"}, ["null", "add", "write", "null"]])
def test_gradients_may_be_added_up(grad_req):
    module = bound(regression(), label="lro_label", grad_req=grad_req)
    module.init_params(mx.init.Zero())
    for _ in range(3):
        module.forward_backward(Batch([mx.nd.ones((4, 2))], [mx.nd.ones((4,))]))
    grads = module._exec_group.execs[0].grad_dict
    assert grads["fc_weight"].asnumpy().tolist() == [[-12, -12]]
    assert grads["fc_bias"].asnumpy().tolist() == [-12 if grad_req == "add" else -4]


def test_gradients_of_the_data():
    net = mx.sym.Variable("a") + 2 * mx.sym.Variable("b")
    module = mx.mod.Module(net, data_names=["b", "a"], label_names=None)
    module.bind([("b", (2, 3)), ("a", (2, 3))], inputs_need_grad=True)
    module.init_params()
    module.forward(Batch([mx.nd.ones((2, 3)), mx.nd.ones((2, 3))]))
    module.backward(mx.nd.ones((2, 3)))
    assert [grad.asnumpy()[0, 0] for grad in module.get_input_grads()] == [2, 1]


def test_a_monitor_sees_every_batch(caplog):
    x, y = blobs(8)
    monitor = mx.mon.Monitor(1, stat_func=lambda a: a.max(), pattern="softmax_output|fc1_weight")
    with caplog.at_level(logging.INFO):
        mx.mod.Module(classifier()).fit(mx.io.NDArrayIter(x, y, 4), num_epoch=1, monitor=monitor)
    names = [r.message.split()[2] for r in caplog.records if r.message.startswith("Batch:")]
    assert names == ["softmax_output", "fc1_weight"] * 2


def test_states_outlive_batches():
    net = mx.sym.Variable("data") + mx.sym.Variable("memory")
    module = mx.mod.Module(net, label_names=None, state_names=["memory"])
    module.bind([("data", (2, 3))], for_training=False)
    module.init_params()
    module.set_states(value=1)
    batch = Batch([mx.nd.ones((2, 3))])
    for expected in (2, 3):
        module.forward(batch)
        assert (module.get_outputs()[0].asnumpy() == expected).all()
        module.set_states(states=module.get_outputs(merge_multi_context=False))
    assert (module.get_states(merge_multi_context=False)[0][0].asnumpy() == 3).all()


# ---------------------------------------------------------------------------------------------------- shapes


def test_forward_follows_the_shape_of_the_batch():
    module = bound(classifier())
    module.init_params(mx.init.Uniform(1))
    module.init_optimizer()
    x, y = blobs(12)
    for count in (4, 7, 2, 4, 12):
        module.forward(Batch([mx.nd.array(x[:count])], [mx.nd.array(y[:count])]))
        assert module.get_outputs()[0].shape == (count, 3) == module.output_shapes[0][1]
        assert module.data_shapes[0].shape == (count, 2) and module.label_shapes[0].shape == (count,)
        module.backward()
        module.update()
    args = values(module.get_params()[0])
    hidden = np.tanh(x @ args["fc1_weight"].T + args["fc1_bias"])
    scores = hidden @ args["fc2_weight"].T + args["fc2_bias"]
    module.forward(Batch([mx.nd.array(x)]), is_train=False)
    expected = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    np.testing.assert_allclose(module.get_outputs()[0].asnumpy(), expected, rtol=1e-4)


def test_executors_of_a_shape_are_used_again():
    module = bound(classifier())
    module.init_params()
    first = module._exec_group.execs
    for count in (3, 4):
        module.reshape([("data", (count, 2))], [("softmax_label", (count,))])
    assert module._exec_group.execs is first
    for count in range(5, 30):
        module.reshape([("data", (count, 2))], [("softmax_label", (count,))])
    assert len(module._exec_group._kept) <= 10


def test_a_shape_that_does_not_fit_leaves_the_module_as_it_was():
    module = bound(classifier())
    module.init_params()
    with pytest.raises(mx.MXNetError, match="fc1_weight"):
        module.forward(Batch([mx.nd.ones((4, 5))], [mx.nd.ones((4,))]))
    module.forward(Batch([mx.nd.ones((4, 2))], [mx.nd.ones((4,))]))
    assert module.get_outputs()[0].shape == (4, 3)
    with pytest.raises(ValueError, match=r"'softmax_label' was bound with shape \(4,\), the batch has \(3,\)"):
        module.forward(Batch([mx.nd.ones((4, 2))], [mx.nd.ones((3,))]))


def test_half_precision_inputs():
    module = mx.mod.Module(mx.sym.Variable("data") * 2, label_names=None)
    module.bind([mx.io.DataDesc("data", (2, 2), "float16")])
    module.init_params()
    module.forward(Batch([mx.nd.ones((2, 2), dtype="float16")]))
    assert module.get_outputs()[0].dtype == np.float16


# ---------------------------------------------------------------------------------------------------- predicting


def trained():
    x, y = blobs()
    module = mx.mod.Module(classifier())
    params = {"learning_rate": 0.5, "momentum": 0.9}
    module.fit(mx.io.NDArrayIter(x, y, 24), num_epoch=5, optimizer_params=params, initializer=mx.init.Xavier())
    return module, x, y


def test_predictions_leave_padding_out():
    module, x, y = trained()
    data = mx.io.NDArrayIter(x[:50], batch_size=24)
    whole = module.predict(x[:50]).asnumpy()
    assert whole.shape == (50, 3)
    np.testing.assert_allclose(module.predict(data).asnumpy(), whole, rtol=1e-5)
    parts = module.predict(data, merge_batches=False)
    assert [part[0].shape for part in parts] == [(24, 3), (24, 3), (2, 3)]
    assert isinstance(module.predict(data, always_output_list=True), list)
    assert module.predict(data, num_batch=1).shape == (24, 3)
    assert module.predict(data, num_batch=0) == []
    rows = [(outputs[0].shape, number, batch.pad) for outputs, number, batch in module.iter_predict(data)]
    assert rows == [((24, 3), 0, 0), ((24, 3), 1, 0), ((2, 3), 2, 22)]
    with pytest.raises(ValueError, match="DataIter"):
        module.predict([1, 2])


def test_predicting_drops_nothing():
    module = mx.mod.Module(mx.sym.Dropout(mx.sym.Variable("data"), p=0.5), label_names=None)
    module.bind([("data", (4, 50))], for_training=True)
    module.init_params()
    assert (module.predict(np.ones((4, 50), "float32")).asnumpy() == 1).all()


def test_scores_of_some_batches():
    module, x, y = trained()
    data = mx.io.NDArrayIter(x, y, 24)
    right = module.predict(x[:48]).asnumpy().argmax(1) == y[:48]
    assert module.score(data, "acc", num_batch=2) == [("accuracy", right.mean())]


# ---------------------------------------------------------------------------------------------------- parameters


def test_parameters_that_are_missing_or_too_many():
    module = bound(classifier())
    module.init_params(mx.init.Zero())
    full = module.get_params()[0]
    part = {"fc1_bias": mx.nd.ones((8,))}
    with pytest.raises(RuntimeError, match="fc1_weight is not presented.*fc2_bias"):
        module.set_params(part, {})
    module.set_params(part, {}, allow_missing=True)
    assert module.get_params()[0]["fc1_bias"].asnumpy().tolist() == [1] * 8
    with pytest.raises(ValueError, match="extra"):
        module.set_params({"extra": part["fc1_bias"]}, {}, allow_missing=True)
    module.set_params({**full, "extra": part["fc1_bias"]}, {}, allow_missing=True, allow_extra=True)
    with pytest.raises(ValueError, match=r"parameter 'fc1_bias' has shape \(8,\), got \(3,\)"):
        module.set_params({**full, "fc1_bias": mx.nd.ones((3,))}, {})
    with pytest.warns(UserWarning, match="force_init"):
        module.set_params(full, {}, force_init=False)


def test_initial_values_by_attribute_dict_and_initializer():
    net = regression(init=mx.init.Constant(3))
    module = bound(net, label="lro_label")
    module.init_params(mx.init.Zero())
    assert module.get_params()[0]["fc_weight"].asnumpy().tolist() == [[3, 3]]
    module.init_params(mx.init.One(), {"fc_bias": mx.nd.array([7])}, allow_missing=True, force_init=True)
    assert module.get_params()[0]["fc_bias"].asnumpy().tolist() == [7]


def test_moving_statistics_are_parameters():
    net = mx.sym.BatchNorm(mx.sym.Variable("data"), name="bn", fix_gamma=False)
    module = bound(mx.sym.SoftmaxOutput(net, name="softmax"))
    module.init_params()
    aux = values(module.get_params()[1])
    assert aux["bn_moving_mean"].tolist() == [0, 0] and aux["bn_moving_var"].tolist() == [1, 1]
    module.init_optimizer()
    x = np.array([[1, 2], [3, 4], [5, 6], [7, 8]], "float32")
    module.forward_backward(Batch([mx.nd.array(x)], [mx.nd.zeros((4,))]))
    module.update()
    np.testing.assert_allclose(module.get_params()[1]["bn_moving_mean"].asnumpy(), 0.1 * x.mean(0), rtol=1e-5)


def test_a_module_may_share_parameters_and_optimizer():
    first = bound(classifier())
    first.init_params(mx.init.Uniform(1))
    first.init_optimizer(optimizer_params={"learning_rate": 1.0, "momentum": 0.9})
    second = mx.mod.Module(classifier())
    second.bind([("data", (2, 2))], [("softmax_label", (2,))], shared_module=first)
    assert second.optimizer_initialized and second._updater is first._updater
    same(values(first.get_params()[0]), values(second.get_params()[0]))
    second.forward_backward(Batch([mx.nd.ones((2, 2))], [mx.nd.zeros((2,))]))
    second.update()
    first._params_dirty = True
    same(values(first.get_params()[0]), values(second.get_params()[0]))


# ---------------------------------------------------------------------------------------------------- checkpoints


def steps(module, x, y, size=8):
    for k in range(0, len(x), size):
        module.forward_backward(Batch([mx.nd.array(x[k : k + size])], [mx.nd.array(y[k : k + size])]))
        module.update()


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop"])
def test_training_resumes_from_a_checkpoint(tmp_path, optimizer):
    prefix, (x, y) = str(tmp_path / "net"), blobs(64)
    params = {"learning_rate": 0.1, **({"momentum": 0.9} if optimizer == "sgd" else {})}
    module = bound(classifier(), batch=8)
    module.init_params(mx.init.Xavier())
    module.init_optimizer(optimizer=optimizer, optimizer_params=params)
    steps(module, x[:32], y[:32])
    module.save_checkpoint(prefix, 3, save_optimizer_states=True)
    assert sorted(os.listdir(tmp_path)) == ["net-0003.params", "net-0003.states", "net-symbol.json"]
    resumed = mx.mod.Module.load(prefix, 3, load_optimizer_states=True)
    resumed.bind([("data", (8, 2))], [("softmax_label", (8,))])
    resumed.init_optimizer(optimizer=optimizer, optimizer_params=params)
    if optimizer == "adam":
        # As in MXNet, states do not hold how often they were updated.
        resumed._optimizer._index_update_count.update(module._optimizer._index_update_count)
    for one in (module, resumed):
        steps(one, x[32:], y[32:])
    same(values(module.get_params()[0]), values(resumed.get_params()[0]))


def test_checkpoints_may_be_urls():
    pytest.importorskip("fsspec")
    module = bound(classifier())
    module.init_params(mx.init.One())
    module.init_optimizer(optimizer_params={"momentum": 0.5})
    steps(module, *blobs(8), 4)
    module.save_checkpoint("memory://modules/net", 1, save_optimizer_states=True)
    loaded = mx.mod.Module.load("memory://modules/net", 1, load_optimizer_states=True)
    loaded.bind([("data", (4, 2))], [("softmax_label", (4,))])
    loaded.init_optimizer(optimizer_params={"momentum": 0.5})
    states = [values(one._updater.states) for one in (module, loaded)]
    same(*states)
    assert any(state.any() for state in states[0].values())


def test_parameters_in_a_file(tmp_path):
    module, _, _ = trained()
    module.save_params(str(tmp_path / "p.params"))
    other = bound(classifier())
    other.init_params()
    other.load_params(str(tmp_path / "p.params"))
    same(values(module.get_params()[0]), values(other.get_params()[0]))
    mx.nd.save(str(tmp_path / "bare.params"), {"fc1_weight": mx.nd.ones((8, 2))})
    with pytest.raises(ValueError, match="'arg:' or 'aux:'"):
        other.load_params(str(tmp_path / "bare.params"))


def test_a_checkpoint_that_lacks_a_parameter(tmp_path):
    prefix = str(tmp_path / "net")
    mx.model.save_checkpoint(prefix, 0, classifier(), {"fc1_weight": mx.nd.ones((8, 2))}, {})
    module = mx.mod.Module.load(prefix, 0)
    with pytest.warns(UserWarning, match="no values are known of fc1_bias, fc2_weight, fc2_bias"):
        module.bind([("data", (4, 2))], [("softmax_label", (4,))])


# ---------------------------------------------------------------------------------------------------- devices


@pytest.mark.parametrize("kvstore", ["local", "device", None])
@pytest.mark.parametrize("on_store", ["1", "0"])
def test_two_devices_train_like_one(monkeypatch, kvstore, on_store):
    monkeypatch.setenv("MXNET_UPDATE_ON_KVSTORE", on_store)
    x, y = blobs(64)
    modules = [bound(classifier(), batch=16, context=c) for c in (mx.cpu(), [mx.cpu(0), mx.cpu(1)])]
    modules[0].init_params(mx.init.Xavier())
    modules[1].init_params(None, *modules[0].get_params())
    for module in modules:
        module.init_optimizer(kvstore, optimizer_params={"learning_rate": 0.5, "momentum": 0.9})
        steps(module, x, y, 16)
    if kvstore is None:
        # Nobody adds up the gradients: the devices go apart.
        weights = modules[1]._exec_group.param_arrays[0]
        assert not np.array_equal(weights[0].asnumpy(), weights[1].asnumpy())
        return
    close(*(values(module.get_params()[0]) for module in modules))
    np.testing.assert_allclose(*(module.predict(x).asnumpy() for module in modules), rtol=1e-4, atol=1e-6)


def test_the_share_of_each_device():
    module = bound(classifier(), batch=10, context=[mx.cpu(0), mx.cpu(1)], work_load_list=[1, 4])
    module.init_params()
    assert [(part.start, part.stop) for part in module._exec_group.slices] == [(0, 2), (2, 10)]
    module.forward(Batch([mx.nd.ones((10, 2))], [mx.nd.zeros((10,))]))
    assert [part.shape for part in module.get_outputs(merge_multi_context=False)[0]] == [(2, 3), (8, 3)]
    metric = mx.metric.Accuracy()
    module.update_metric(metric, [mx.nd.zeros((10,))])
    assert metric.num_inst == 10
    with pytest.raises(ValueError, match="too small for 2 devices"):
        module.reshape([("data", (1, 2))], [("softmax_label", (1,))])


def test_a_batch_for_each_device():
    module = bound(classifier(), context=[mx.cpu(0), mx.cpu(1)])
    module.init_params()
    batches = [Batch([mx.nd.ones((2, 2)) * k], [mx.nd.zeros((2,))]) for k in range(2)]
    module.forward(batches, is_train=True)
    assert [e.arg_dict["data"].asnumpy()[0, 0] for e in module._exec_group.execs] == [0, 1]
    module.backward()
    metric = mx.metric.Accuracy()
    module.update_metric(metric, [batch.label for batch in batches], pre_sliced=True)
    assert metric.num_inst == 4


def test_batches_along_another_axis():
    net = mx.sym.Activation(mx.sym.Variable("data"), act_type="relu", __layout__="TNC")
    module = mx.mod.Module(net, label_names=None, context=[mx.cpu(0), mx.cpu(1)])
    module.bind([mx.io.DataDesc("data", (3, 8, 7), layout="TNC")], inputs_need_grad=True)
    module.init_params()
    x = np.random.RandomState(0).randn(3, 8, 7).astype("float32")
    module.forward(Batch([mx.nd.array(x)]))
    module.backward([mx.nd.ones((3, 8, 7))])
    np.testing.assert_array_equal(module.get_outputs()[0].asnumpy(), np.maximum(x, 0))
    np.testing.assert_array_equal(module.get_input_grads()[0].asnumpy(), (x > 0).astype("float32"))
    assert [a.shape for a in module.get_outputs(merge_multi_context=False)[0]] == [(3, 4, 7)] * 2


# ---------------------------------------------------------------------------------------------------- mistakes


def test_the_order_of_calls_is_told():
    module = mx.mod.Module(classifier())
    with pytest.raises(NotReadyError, match="Module.init_params: call bind first"):
        module.init_params()
    with pytest.raises(AssertionError, match="Module.forward: call bind first"):
        module.forward(Batch([mx.nd.ones((4, 2))]))
    module.bind([("data", (4, 2))], [("softmax_label", (4,))])
    with pytest.raises(NotReadyError, match="Module.get_params: call init_params first"):
        module.get_params()
    module.init_params()
    with pytest.raises(mx.MXNetError, match="Module.update: call init_optimizer first"):
        module.update()
    with pytest.raises(NotReadyError, match="inputs_need_grad=True"):
        module.get_input_grads()
    module.bind([("data", (4, 2))], for_training=False, force_rebind=True)
    with pytest.raises(NotReadyError, match="for_training=True"):
        module.backward()


def test_names_and_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match="no argument 'image'; it has data, softmax_label besides weights"):
        mx.mod.Module(classifier(), data_names=["image"])
    with pytest.warns(UserWarning, match="no argument 'target'"):
        mx.mod.Module(classifier(), label_names=["target"])
    module = mx.mod.Module(classifier())
    with pytest.raises(ValueError, match="data_names are"):
        module.bind([("image", (4, 2))])
    with pytest.raises(TypeError, match="'data': expected a shape such as"):
        module.bind([("data", mx.nd.array([4, 2]))])
    with pytest.raises(ArgumentError, match="same number of examples, got data 4, softmax_label 5"):
        module.bind([("data", (4, 2))], [("softmax_label", (5,))])
    assert not module.binded
    with pytest.raises(ValueError, match="expected 4 entries"):
        bound(regression(), label="lro_label", grad_req=["write"])
    with pytest.raises(ArgumentError, match="inputs_need_grad=True needs for_training=True"):
        module.bind([("data", (4, 2))], for_training=False, inputs_need_grad=True)


def test_what_is_not_there_is_refused():
    module = bound(classifier(), compression_params={"type": "2bit", "threshold": 0.5})
    module.init_params()
    with pytest.raises(mx.MXNetError, match="compression"):
        module.init_optimizer()
    module = bound(classifier())
    module.init_params()
    with pytest.raises(TypeError, match="kvstore"):
        module.init_optimizer(kvstore=3)
    with pytest.raises(mx.MXNetError, match="dist_sync"):
        module.init_optimizer(kvstore="dist_sync")
    with pytest.raises(TypeError, match="'sgd'"):
        module.init_optimizer(optimizer=3)
    with pytest.warns(UserWarning, match="sparse"):
        module.prepare(Batch([mx.nd.ones((4, 2))]), sparse_row_id_fn=len)


# ---------------------------------------------------------------------------------------------------- buckets


def counter(length):
    """A network that tells by the sum of a sequence, whatever its length."""
    data = mx.sym.Variable("data")
    total = mx.sym.sum(mx.sym.Embedding(data, input_dim=3, output_dim=4, name="embed"), axis=1)
    return (
        mx.sym.SoftmaxOutput(mx.sym.FullyConnected(total, num_hidden=2, name="fc"), name="softmax"),
        ["data"],
        ["softmax_label"],
    )


def sequences(length, seed, size=8):
    rng = np.random.RandomState(seed)
    x = rng.randint(0, 3, (size, length))
    y = (x == 2).any(axis=1).astype("float32")
    descs = dict(provide_data=[("data", (size, length))], provide_label=[("softmax_label", (size,))])
    return Batch([mx.nd.array(x)], [mx.nd.array(y)], bucket_key=length, **descs)


class Lengths(mx.io.DataIter):
    """Batches of two lengths in turn."""

    default_bucket_key = 6
    provide_data = [("data", (8, 6))]
    provide_label = [("softmax_label", (8,))]

    def __init__(self):
        super().__init__(8)
        self.reset()

    def reset(self):
        self.rest = [sequences(length, seed) for seed in range(6) for length in (3, 6)]

    def next(self):
        if not self.rest:
            raise StopIteration
        return self.rest.pop()


def test_buckets_share_parameters_and_optimizer(tmp_path):
    module = mx.mod.BucketingModule(counter, default_bucket_key=6)
    assert module.data_names == ["data"] and module.output_names == ["softmax_output"]
    params = {"learning_rate": 0.2, "momentum": 0.5}
    module.fit(Lengths(), num_epoch=12, optimizer_params=params, initializer=mx.init.Xavier())
    assert module.score(Lengths(), "acc")[0][1] > 0.9
    assert set(module._buckets) == {3, 6}
    parts = [module._buckets[key]._exec_group.execs[0].arg_dict["fc_weight"] for key in (3, 6)]
    assert mx.test_utils.same_array(*parts)
    module.save_checkpoint(str(tmp_path / "b"), 2)
    files = {"b-0002.params", "b-3-symbol.json", "b-6-symbol.json", "b.buckets"}
    assert set(os.listdir(tmp_path)) == files
    loaded = mx.mod.BucketingModule.load(str(tmp_path / "b"), 2, counter, 6)
    loaded.bind(Lengths.provide_data, Lengths.provide_label, for_training=False)
    batch = sequences(3, 9)
    outputs = []
    for one in (module, loaded):
        one.forward(batch, is_train=False)
        outputs.append(one.get_outputs()[0].asnumpy())
    np.testing.assert_array_equal(*outputs)


def test_a_bucket_trains_like_a_module():
    bucketing = mx.mod.BucketingModule(counter, default_bucket_key=6)
    bucketing.bind(Lengths.provide_data, Lengths.provide_label)
    bucketing.init_params(mx.init.Xavier())
    bucketing.init_optimizer(optimizer_params={"learning_rate": 0.3, "momentum": 0.9})
    plain = mx.mod.Module(*counter(3))
    plain.bind([("data", (8, 3))], Lengths.provide_label)
    plain.init_params(None, *bucketing.get_params())
    plain.init_optimizer(optimizer_params={"learning_rate": 0.3, "momentum": 0.9})
    for k in range(3):
        for module in (bucketing, plain):
            module.forward_backward(sequences(3, k))
            module.update()
    same(values(bucketing.get_params()[0]), values(plain.get_params()[0]))


def test_mistakes_with_buckets():
    with pytest.raises(ArgumentError, match="default_bucket_key"):
        mx.mod.BucketingModule(counter)
    module = mx.mod.BucketingModule(counter, default_bucket_key=6)
    with pytest.raises(NotReadyError, match="BucketingModule.forward: call bind first"):
        module.forward(sequences(3, 0))
    with pytest.raises(ArgumentError, match="sym_gen is missing"):
        mx.mod.BucketingModule.load_dict({6: None}, None, 6, {}, {})

    def growing(length):
        net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=2, name="fc")
        return mx.sym.SoftmaxOutput(net, name="softmax"), ["data"], ["softmax_label"]

    module = mx.mod.BucketingModule(growing, default_bucket_key=6)
    module.bind(Lengths.provide_data, Lengths.provide_label)
    module.init_params()
    with pytest.raises(ArgumentError, match=r"'fc_weight' is to be shared: it has shape \(2, 3\) here, \(2, 6\) there"):
        module.forward(sequences(3, 0))


# ---------------------------------------------------------------------------------------------------- sequences


def test_a_sequence_trains_like_one_network():
    first = mx.sym.Activation(mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=8, name="fc1"), act_type="tanh")
    last = mx.sym.FullyConnected(mx.sym.Variable("hidden"), num_hidden=3, name="fc2")
    last = mx.sym.SoftmaxOutput(last, name="softmax")
    chain = mx.mod.SequentialModule()
    chain.add(mx.mod.Module(first, label_names=None))
    chain.add(mx.mod.Module(last, data_names=["hidden"]), take_labels=True, auto_wiring=True)
    chain.bind([("data", (8, 2))], [("softmax_label", (8,))])
    whole = bound(classifier(), batch=8)
    whole.init_params(mx.init.Xavier())
    chain.init_params(None, *whole.get_params())
    x, y = blobs(32)
    for module in (chain, whole):
        module.init_optimizer(optimizer_params={"learning_rate": 0.5, "momentum": 0.9})
        steps(module, x, y)
    close(values(chain.get_params()[0]), values(whole.get_params()[0]))
    assert chain.output_names == ["softmax_output"] and chain.output_shapes == [("softmax_output", (8, 3))]
    chain.forward(Batch([mx.nd.array(x[:5])], [mx.nd.array(y[:5])]), is_train=False)
    np.testing.assert_allclose(chain.get_outputs()[0].asnumpy(), whole.predict(x[:5]).asnumpy(), rtol=1e-5)
    assert chain.score(mx.io.NDArrayIter(x, y, 8), "acc") == whole.score(mx.io.NDArrayIter(x, y, 8), "acc")


def test_a_loss_in_python_ends_a_sequence():
    def gradient(scores, labels):
        p = np.exp(scores.asnumpy() - scores.asnumpy().max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        p[np.arange(len(p)), labels.asnumpy().astype(int)] -= 1
        return p

    net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=3, name="fc")
    chain = mx.mod.SequentialModule().add(mx.mod.Module(net, label_names=None))
    chain.add(mx.mod.PythonLossModule(grad_func=gradient), take_labels=True, auto_wiring=True)
    x, y = blobs()
    chain.fit(mx.io.NDArrayIter(x, y, 24), num_epoch=5, optimizer_params={"learning_rate": 0.5})
    assert chain.score(mx.io.NDArrayIter(x, y, 24), "acc")[0][1] > 0.9
    assert chain.params_initialized and chain.label_shapes[0].name == "softmax_label"


def test_mistakes_with_sequences():
    chain = mx.mod.SequentialModule()
    with pytest.raises(ArgumentError, match="add some first"):
        chain.bind([("data", (8, 2))])
    with pytest.raises(ArgumentError, match="no 'labels'; there are take_labels, auto_wiring"):
        chain.add(mx.mod.Module(classifier()), labels=True)
    chain.add(mx.mod.Module(classifier())).add(mx.mod.Module(classifier()), auto_wiring=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        chain.bind([("data", (8, 2))])
    with pytest.raises(ArgumentError, match="modules 0 and 1 both have a parameter"):
        chain.init_params()


def test_bulk_sizes_nest():
    before = mx.engine.set_bulk_size(5)
    with mx.engine.bulk(7):
        assert mx.engine.set_bulk_size(9) == 7
    assert mx.engine.set_bulk_size(before) == 5


def test_shares_as_mxnet_rounds_them():
    split = mx.executor_manager._split_input_slice
    assert [p.stop - p.start for p in split(10, [1, 1, 1])] == [3, 3, 4]
    with pytest.raises(ValueError):
        split(2, [1, 1, 1])


def test_what_watches_an_executor_watches_those_of_other_shapes():
    module = mx.mod.Module(mx.sym.sqrt(mx.sym.Variable("data"), name="root"), label_names=None)
    module.bind([("data", (2, 3))], for_training=False)
    module.init_params()
    seen = []

    def watch(name, array):
        seen.append((name, array.shape))

    module._exec_group.execs[0].set_monitor_callback(watch)
    for shape in ((4, 3), (2, 3), (4, 3)):
        module.forward(mx.io.DataBatch([mx.nd.ones(shape)], []))
    module._exec_group.execs[0].set_monitor_callback(None)
    module.forward(mx.io.DataBatch([mx.nd.ones((2, 3))], []))
    assert seen == [("root_output", (4, 3)), ("root_output", (2, 3)), ("root_output", (4, 3))]
