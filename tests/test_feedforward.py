"""`FeedForward`: trained, used and saved in one call each, from arrays and iterators."""

import collections
import logging
import pickle

import numpy as np
import pytest

import rsym as mx
from rsym.base import ArgumentError, NotReadyError


def classifier():
    net = mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=8, name="fc1")
    net = mx.sym.FullyConnected(mx.sym.Activation(net, act_type="tanh"), num_hidden=3, name="fc2")
    return mx.sym.SoftmaxOutput(net, name="softmax")


def blobs(count=120, seed=0):
    """Three clouds of points in the plane, and their numbers."""
    rng = np.random.RandomState(seed)
    y = rng.randint(0, 3, count)
    return (np.array([[0, 3], [3, -2], [-3, -2]])[y] + rng.randn(count, 2) * 0.7).astype("float32"), y.astype("float32")


def model(**options):
    options = {"num_epoch": 8, "numpy_batch_size": 24, "learning_rate": 0.5, "momentum": 0.9, **options}
    return mx.model.FeedForward(classifier(), initializer=mx.init.Xavier(), **options)


def values(params):
    return {name: array.asnumpy() for name, array in params.items()}


def same(left, right):
    assert left.keys() == right.keys()
    for name in left:
        np.testing.assert_array_equal(left[name], right[name], err_msg=name)


def test_it_learns_from_arrays_and_iterators():
    x, y = blobs()
    for data in ((x, y), (mx.nd.array(x), mx.nd.array(y)), (x, y[:, None]), (mx.io.NDArrayIter(x, y, 24),)):
        made = model()
        assert made.fit(*data) is made
        assert (made.predict(x).argmax(axis=1) == y).mean() > 0.95
    assert sorted(made.arg_params) == ["fc1_bias", "fc1_weight", "fc2_bias", "fc2_weight"] and made.aux_params == {}


def test_predictions_are_those_of_the_formula_without_padding():
    x, y = blobs(50)
    made = model(num_epoch=1).fit(x, y)
    args = values(made.arg_params)
    scores = np.tanh(x @ args["fc1_weight"].T + args["fc1_bias"]) @ args["fc2_weight"].T + args["fc2_bias"]
    expected = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    found = made.predict(x)
    assert type(found) is np.ndarray and found.shape == (50, 3)
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    assert made.predict(x, num_batch=1).shape == (24, 3)
    outputs, data, labels = made.predict(mx.io.NDArrayIter(x, y, 24), return_data=True)
    np.testing.assert_array_equal(data, x)
    np.testing.assert_array_equal(labels, y)
    np.testing.assert_allclose(outputs, expected, rtol=1e-4)


def test_it_trains_as_a_module_does():
    x, y = blobs(48)
    start = mx.mod.Module(classifier())
    data = mx.io.NDArrayIter(x, y, 24)
    start.bind(data.provide_data, data.provide_label)
    start.init_params(mx.init.Xavier())
    given = {name: array.copy() for name, array in start.get_params()[0].items()}
    made = model(num_epoch=3, arg_params=given).fit(data)
    data.reset()
    start.fit(data, num_epoch=3, optimizer_params={"learning_rate": 0.5, "momentum": 0.9})
    same(values(made.arg_params), values(start.get_params()[0]))


def test_scores_of_iterators_and_arrays():
    x, y = blobs()
    made = model().fit(x, y)
    right = (made.predict(x).argmax(axis=1) == y).mean()
    assert made.score(mx.io.NDArrayIter(x, y, 24)) == made.score(x, y=y) == made.score(x, y) == right
    first = (made.predict(x[:24]).argmax(axis=1) == y[:24]).mean()
    assert made.score(mx.io.NDArrayIter(x, y, 24), "acc", num_batch=1) == first


def test_callbacks_and_evaluation(caplog):
    x, y = blobs()
    seen = collections.Counter()
    with caplog.at_level(logging.INFO):
        model(num_epoch=4, begin_epoch=1).fit(
            x,
            y,
            eval_data=blobs(60, 1),
            batch_end_callback=lambda p: seen.update({"batch": 1, "sum": p.nbatch}),
            epoch_end_callback=lambda epoch, symbol, args, aux: seen.update({"epochs": epoch}),
            eval_batch_end_callback=lambda p: seen.update(["held"]),
        )
    # Batches count from 1; what an epoch of the held data leaves over rolls over into the next.
    assert seen == {"batch": 15, "sum": 3 * 15, "epochs": 6, "held": 7}
    texts = [r.message.split("=")[0] for r in caplog.records]
    assert texts[1:4] == ["Epoch[1] Resetting Data Iterator", "Epoch[1] Time cost", "Epoch[1] Validation-accuracy"]


def test_epochs_of_another_length():
    x, y = blobs(48)
    seen = collections.Counter()
    made = model(num_epoch=3, epoch_size=5)
    made.fit(mx.io.NDArrayIter(x, y, 24), batch_end_callback=lambda p: seen.update([p.epoch]))
    assert seen == {0: 5, 1: 5, 2: 5}
    with pytest.raises(ArgumentError, match="epoch_size is 5, the data give no batch"):
        made.fit(mx.io.NDArrayIter(x[:3], y[:3], 24, last_batch_handle="discard"))


def test_it_is_saved_and_goes_on(tmp_path):
    x, y = blobs()
    prefix = str(tmp_path / "net")
    made = model(num_epoch=4).fit(x, y)
    made.save(prefix)
    loaded = mx.model.FeedForward.load(prefix, 4, num_epoch=6, learning_rate=0.1)
    np.testing.assert_array_equal(loaded.predict(x), made.predict(x))
    epochs = []
    loaded.fit(mx.io.NDArrayIter(x, y, 24), epoch_end_callback=lambda epoch, *_: epochs.append(epoch))
    assert epochs == [4, 5]
    again = pickle.loads(pickle.dumps(made))
    np.testing.assert_array_equal(again.predict(x), made.predict(x))


def test_create_makes_and_trains():
    x, y = blobs()
    made = mx.model.FeedForward.create(
        classifier(), x, y, num_epoch=8, initializer=mx.init.Xavier(), learning_rate=0.5, momentum=0.9
    )
    assert made.score(x, y) > 0.9


def test_several_devices_and_an_optimizer_object():
    x, y = blobs()
    optimizer = mx.optimizer.Adam(learning_rate=0.05, rescale_grad=1 / 24)
    made = model(ctx=[mx.cpu(0), mx.cpu(1)], optimizer=optimizer).fit(x, y)
    assert made.score(x, y) > 0.9


def test_the_label_of_the_symbol_is_found():
    net = mx.sym.LinearRegressionOutput(mx.sym.FullyConnected(mx.sym.Variable("data"), num_hidden=1), name="line")
    x = np.random.RandomState(0).randn(64, 2).astype("float32")
    y = x @ np.array([2.0, -1.0], "float32")
    made = mx.model.FeedForward(net, num_epoch=30, numpy_batch_size=16, learning_rate=0.3).fit(x, y, eval_metric="mse")
    np.testing.assert_allclose(made.predict(x)[:, 0], y, atol=1e-2)


def test_networks_with_buckets():
    def network(length):
        data = mx.sym.Variable("data")
        total = mx.sym.sum(mx.sym.Embedding(data, input_dim=3, output_dim=4, name="embed"), axis=1)
        return mx.sym.SoftmaxOutput(mx.sym.FullyConnected(total, num_hidden=2, name="fc"), name="softmax")

    class Lengths(mx.io.DataIter):
        default_bucket_key = 6
        provide_data, provide_label = [("data", (8, 6))], [("softmax_label", (8,))]

        def __init__(self):
            super().__init__(8)
            self.reset()

        def reset(self):
            self.rest = [(length, seed) for seed in range(6) for length in (3, 6)]

        def next(self):
            if not self.rest:
                raise StopIteration
            length, seed = self.rest.pop()
            x = np.random.RandomState(seed).randint(0, 3, (8, length))
            descs = dict(provide_data=[("data", (8, length))], provide_label=self.provide_label)
            label = mx.nd.array((x == 2).any(axis=1))
            return mx.io.DataBatch([mx.nd.array(x)], [label], pad=0, bucket_key=length, **descs)

    made = mx.model.FeedForward(network, num_epoch=15, learning_rate=0.2, momentum=0.5, initializer=mx.init.Xavier())
    scores = []
    made.fit(Lengths(), batch_end_callback=lambda p: scores.append(p.eval_metric.get()[1]))
    assert scores[-1] > 0.9 and "embed_weight" in made.arg_params


def test_parameters_too_many_or_too_few():
    x, y = blobs()
    made = model().fit(x, y)
    params = {**made.arg_params, "extra": mx.nd.ones((1,))}
    with pytest.raises(ValueError, match="no extra; allow_extra_params=True"):
        mx.model.FeedForward(classifier(), arg_params=params).predict(x)
    allowed = mx.model.FeedForward(classifier(), arg_params=params, allow_extra_params=True)
    np.testing.assert_array_equal(allowed.predict(x), made.predict(x))
    del params["fc1_weight"]
    with pytest.raises(ValueError, match="no values for fc1_weight"):
        mx.model.FeedForward(classifier(), arg_params=params).predict(x)


def test_mistakes_are_told():
    x, y = blobs()
    with pytest.raises(NotReadyError, match="call fit"):
        model().predict(x)
    with pytest.raises(ArgumentError, match="num_epoch"):
        model(num_epoch=None).fit(x, y)
    with pytest.raises(ValueError, match="y must be specified"):
        model().fit(x)
    with pytest.raises(ValueError, match="120 examples, y has 3"):
        model().fit(x, y[:3])
    with pytest.raises(ValueError, match=r"\(n,\) or \(n, 1\)"):
        model().fit(x, np.zeros((120, 2)))
    with pytest.raises(TypeError, match="DataIter"):
        model().fit([1, 2])
    with pytest.raises(TypeError, match="pair of arrays"):
        model().fit(x, y, eval_data=3)
    with pytest.raises(TypeError, match="Symbol"):
        mx.model.FeedForward(3)


def test_it_is_an_estimator_of_scikit_learn():
    base = pytest.importorskip("sklearn.base")
    x, y = blobs()
    made = model()
    copy = base.clone(made)
    assert copy.get_params()["learning_rate"] == 0.5 and copy.num_epoch == 8
    copy.set_params(num_epoch=2, momentum=0.5)
    assert copy.num_epoch == 2 and copy.kwargs["momentum"] == 0.5
    assert copy.fit(x, y).predict(x).shape == (120, 3)
