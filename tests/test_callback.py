"""Callbacks and monitors."""

import collections
import logging

import numpy as np

import rsym as mx

Batch = collections.namedtuple("Batch", "epoch nbatch eval_metric locals")


def batch(number, metric=None):
    return Batch(2, number, metric, None)


def accuracy():
    metric = mx.metric.Accuracy()
    metric.update([mx.nd.array([1, 0])], [mx.nd.array([1, 1])])
    return metric


def test_a_checkpoint_after_every_other_epoch(tmp_path):
    net = mx.sym.FullyConnected(mx.sym.Variable("x"), num_hidden=1, name="fc")
    callback = mx.callback.do_checkpoint(str(tmp_path / "net"), period=2)
    for epoch in range(3):
        callback(epoch, net, {"fc_bias": mx.nd.ones((1,)) * epoch}, {})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net-0002.params", "net-symbol.json"]
    symbol, args, _ = mx.model.load_checkpoint(str(tmp_path / "net"), 2)
    assert symbol.tojson() == net.tojson() and args["fc_bias"].asscalar() == 1


def test_modules_save_themselves():
    calls = []

    class Module:
        def save_checkpoint(self, *args):
            calls.append(args)

    callback = mx.callback.module_checkpoint(Module(), "p", period=2, save_optimizer_states=True)
    for epoch in range(4):
        callback(epoch)
    assert calls == [("p", 2, True), ("p", 4, True)]


def test_metrics_are_logged(caplog):
    caplog.set_level(logging.INFO)
    callback, metric = mx.callback.log_train_metric(2, auto_reset=True), accuracy()
    callback(batch(1, metric))
    callback(batch(2, metric))
    callback(batch(2))
    mx.callback.LogValidationMetricsCallback()(batch(0, accuracy()))
    assert caplog.messages == ["Iter[2] Batch[2] Train-accuracy=0.500000", "Epoch[2] Validation-accuracy=0.500000"]
    assert np.isnan(metric.get()[1]) and metric.get_global()[1] == 0.5


def test_the_speed_is_logged(caplog, monkeypatch):
    caplog.set_level(logging.INFO)
    clock = iter(np.arange(100, dtype=float))
    monkeypatch.setattr("rsym.callback.time.time", lambda: next(clock))
    speed, metric = mx.callback.Speedometer(batch_size=10, frequent=2), accuracy()
    for number in range(3):
        speed(batch(number, metric))
    speed(batch(3))
    speed(batch(4))
    assert caplog.messages == [
        "Epoch[2] Batch [0-2]\tSpeed: 20.00 samples/sec\taccuracy=0.500000",
        "Iter[2] Batch [4]\tSpeed: 20.00 samples/sec",
    ]
    assert np.isnan(metric.get()[1])


def test_a_bar_is_logged_outside_of_terminals(caplog):
    caplog.set_level(logging.INFO)
    mx.callback.ProgressBar(total=3, length=6)(batch(1))
    assert caplog.messages == ["[==----] 34%\r"]


def bound():
    net = mx.sym.FullyConnected(mx.sym.Variable("x"), num_hidden=2, name="fc")
    return mx.sym.Activation(net, act_type="relu", name="act").simple_bind(mx.cpu(), x=(1, 2))


def test_monitors_see_outputs_and_arguments_of_every_other_batch():
    executor = bound()
    executor.arg_dict["x"][:] = 3
    executor.arg_dict["fc_weight"][:] = 1
    monitor = mx.monitor.Monitor(2, sort=True)
    monitor.install(executor)
    seen = []
    for _ in range(3):
        monitor.tic()
        executor.forward()
        seen.append(monitor.toc())
    names = ["act_output", "fc_bias", "fc_output", "fc_weight", "x"]
    assert [[name for _, name, _ in some] for some in seen] == [names, [], names]
    assert [(step, value) for step, name, value in seen[2] if name == "fc_output"] == [(3, "6.0\t")]


def test_monitors_look_at_names_that_fit(caplog):
    caplog.set_level(logging.INFO)
    executor = bound()
    monitor = mx.mon.Monitor(1, stat_func=lambda x: [x.max(), x], pattern="fc_o")
    monitor.install(executor)
    monitor.tic()
    executor.forward()
    monitor.toc_print()
    assert len(caplog.messages) == 1 and "fc_output" in caplog.messages[0] and "[[0. 0.]]" in caplog.messages[0]
