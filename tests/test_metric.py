"""Metrics against their formulas."""

import json
import math

import numpy as np
import pytest
from scipy import stats

import rsym as mx


def nd(x):
    return mx.nd.array(np.asarray(x, "float64"))


def one(metric, label, pred):
    metric.update([nd(label)], [nd(pred)])
    return metric.get()[1]


SCORES = np.array([[0.1, 0.7, 0.2], [0.6, 0.3, 0.1], [0.2, 0.3, 0.5], [0.3, 0.4, 0.3]])
BINARY = np.array([[0.3, 0.7], [0.6, 0.4], [0.1, 0.9], [0.8, 0.2], [0.2, 0.8]])
TRUTH = np.array([1, 0, 0, 1, 1])


def test_accuracy_of_scores_and_of_classes():
    assert one(mx.metric.Accuracy(), [1, 0, 1, 1], SCORES) == 0.75
    assert one(mx.metric.Accuracy(axis=0), [1, 0, 0], SCORES) == 2 / 3
    assert one(mx.metric.create("acc"), [1, 2, 3], [1, 2, 2]) == 2 / 3
    images = np.random.RandomState(0).rand(2, 3, 4, 5)
    assert one(mx.metric.Accuracy(), images.argmax(1), images) == 1.0


def test_the_best_k_scores():
    metric = mx.metric.create("top_k_acc", top_k=2)
    assert one(metric, [2, 1, 0, 1], SCORES) == 0.75 and metric.get()[0] == "top_k_accuracy_2"
    assert one(mx.metric.TopKAccuracy(top_k=9), [2, 1, 0, 0], SCORES) == 1.0
    with pytest.raises(AssertionError, match="Accuracy"):
        mx.metric.TopKAccuracy(top_k=1)


@pytest.mark.parametrize("average", ["macro", "micro"])
def test_two_classes(average):
    # true positives 2, false positives 1, false negatives 1, true negatives 1
    assert one(mx.metric.F1(average=average), TRUTH, BINARY) == pytest.approx(2 / 3)
    mcc = (2 * 1 - 1 * 1) / math.sqrt(3 * 3 * 2 * 2)
    assert one(mx.metric.MCC(average=average), TRUTH, BINARY) == pytest.approx(mcc)
    metric = mx.metric.F1(average=average)
    metric.update([nd(TRUTH), nd([0, 0])], [nd(BINARY), nd([[0, 1], [0, 1.0]])])
    assert metric.get()[1] == pytest.approx(4 / (4 + 3 + 1))
    metric.update([nd([1])], [nd([[0, 1.0]])])
    expected = {"macro": (0.5 + 1.0) / 2, "micro": 6 / (6 + 3 + 1)}[average]
    assert metric.get()[1] == pytest.approx(expected)
    with pytest.raises(ValueError, match="two classes"):
        metric.update([nd([0, 1, 2])], [nd(BINARY[:3])])


def test_scores_without_any_hit_are_zero():
    assert one(mx.metric.F1(), [0, 0], [[0, 1], [1, 0.0]]) == 0.0
    assert one(mx.metric.MCC(), [0, 0], [[1, 0], [1, 0.0]]) == 0.0


def test_correlation_of_many_classes_is_that_of_two():
    pairs = [mx.metric.PCC(), mx.metric.MCC(average="micro")]
    rng = np.random.RandomState(1)
    for _ in range(3):
        label, pred = rng.randint(0, 2, 20), rng.rand(20, 2)
        assert len({round(one(metric, label, pred), 12) for metric in pairs}) == 1
    label, chosen = rng.randint(0, 5, 50), rng.randint(0, 5, 50)
    metric = mx.metric.PCC()
    metric.update([nd(label), nd(label[:9])], [nd(chosen), nd(chosen[:9])])
    x, y = (np.eye(5)[np.concatenate([a, a[:9]])] for a in (chosen, label))
    cov = [(p * q).sum() - (p.sum(0) * q.sum(0)).sum() / len(p) for p, q in ((x, y), (x, x), (y, y))]
    assert metric.get()[1] == pytest.approx(cov[0] / math.sqrt(cov[1] * cov[2]))
    assert math.isnan(one(mx.metric.PCC(), [1, 1], [1, 1]))


def test_perplexity_leaves_labels_out():
    prob = SCORES[np.arange(4), [1, 0, 2, 0]]
    assert one(mx.metric.Perplexity(None), [1, 0, 2, 0], SCORES) == pytest.approx(np.exp(-np.log(prob).mean()))
    assert one(mx.metric.Perplexity(0), [1, 0, 2, 0], SCORES) == pytest.approx(np.exp(-np.log(prob[[0, 2]]).mean()))
    assert math.isnan(one(mx.metric.Perplexity(0), [0, 0], SCORES[:2]))


@pytest.mark.parametrize("name", ["ce", "nll_loss"])
def test_log_losses(name):
    expected = -np.log(SCORES[np.arange(4), [1, 0, 2, 0]]).mean()
    assert one(mx.metric.create(name), [1, 0, 2, 0], SCORES) == pytest.approx(expected)


def test_differences():
    label, pred = [1.0, 2.0, 4.0], [1.5, 2.0, 2.0]
    assert one(mx.metric.MAE(), label, pred) == pytest.approx(2.5 / 3)
    assert one(mx.metric.MSE(), label, pred) == pytest.approx(4.25 / 3)
    assert one(mx.metric.RMSE(), label, pred) == pytest.approx(math.sqrt(4.25 / 3))
    assert one(mx.metric.MAE(), label, np.array(pred)[:, None]) == pytest.approx(2.5 / 3)


def test_correlation_of_numbers():
    rng = np.random.RandomState(2)
    batches = [(rng.rand(7), rng.rand(7)) for _ in range(3)]
    macro, micro = mx.metric.PearsonCorrelation(), mx.metric.create("pearsonr", average="micro")
    for label, pred in batches:
        one(macro, label, pred)
        one(micro, label, pred)
    each = [stats.pearsonr(*batch)[0] for batch in batches]
    together = stats.pearsonr(*(np.concatenate(x) for x in zip(*batches)))[0]
    assert macro.get()[1] == pytest.approx(np.mean(each)) and micro.get()[1] == pytest.approx(together)
    assert micro.get_global()[1] == pytest.approx(together)
    with pytest.raises(ValueError, match="shape|labels"):
        one(macro, [1, 2], [1, 2, 3])


def test_losses_and_functions():
    assert one(mx.metric.Loss(), [0], [[1.0, 2.0], [3.0, 6.0]]) == 3.0
    assert [mx.metric.create(n).get()[0] for n in ("torch", "caffe")] == ["torch", "caffe"]
    metric = mx.metric.create(lambda label, pred: (float((label * pred).sum()), label.size))
    assert one(metric, [1, 2], [3, 4]) == 5.5 and metric.get()[0] == "custom(<lambda>)"
    extra = mx.metric.np(lambda label, pred: pred.max(), name="most", allow_extra_outputs=True)
    extra.update([nd([0])], [nd([7]), nd([8])])
    assert extra.get() == ("most", 7.0)
    with pytest.raises(NotImplementedError):
        extra.get_config()


def test_values_since_the_last_reset_and_since_the_last_local_one():
    metric = mx.metric.Accuracy()
    assert math.isnan(metric.get()[1]) and math.isnan(metric.get_global()[1])
    one(metric, [1], [1])
    metric.reset_local()
    assert math.isnan(metric.get()[1])
    one(metric, [1], [0])
    assert metric.get() == ("accuracy", 0.0) and metric.get_global_name_value() == [("accuracy", 0.5)]
    metric.reset()
    assert math.isnan(metric.get_global()[1])


def test_several_metrics_as_one():
    metric = mx.metric.create(["acc", mx.metric.MSE(), lambda a, b: 1.0])
    one(metric, [0.0, 1.0], [0.0, 0.0])
    assert metric.get() == (["accuracy", "mse", "custom(<lambda>)"], [0.5, 0.5, 1.0])
    assert [n for n, _ in metric.get_global_name_value()] == ["accuracy", "mse", "custom(<lambda>)"]
    assert metric.get_metric(1).name == "mse" and isinstance(metric.get_metric(3), ValueError)
    metric.reset()
    assert all(math.isnan(v) for v in metric.get()[1])


def test_dictionaries_pick_outputs_and_labels():
    metric = mx.metric.Accuracy(output_names=["b_output"], label_names=["b_label"])
    labels = {"a_label": nd([0]), "b_label": nd([1])}
    metric.update_dict(labels, {"a_output": nd([1]), "b_output": nd([1])})
    assert metric.get()[1] == 1.0
    both = mx.metric.CompositeEvalMetric([mx.metric.Accuracy()], output_names=["a_output"], label_names=["a_label"])
    both.update_dict(labels, {"a_output": nd([1]), "b_output": nd([1])})
    assert both.get()[1] == [0.0]


@pytest.mark.parametrize(
    "name, params", [("acc", {"axis": 0}), ("f1", {"average": "micro"}), ("perplexity", {"ignore_label": -1})]
)
def test_configurations_make_equal_metrics(name, params):
    metric = mx.metric.create(name, **params)
    again = mx.metric.create(json.dumps(metric.get_config()))
    assert again.get_config() == metric.get_config() and type(again) is type(metric)
    assert mx.metric.create(metric.get_config()).get_config() == metric.get_config()
    assert mx.metric.create(metric) is metric


def test_unknown_names_and_unequal_lengths_are_refused():
    with pytest.raises(AssertionError, match="accuracy"):
        mx.metric.create("acuracy")
    with pytest.raises(ValueError):
        mx.metric.Accuracy().update([nd([1]), nd([1])], [nd([1])])


def test_registered_classes_are_made_by_name():
    @mx.metric.register
    class Largest(mx.metric.EvalMetric):
        def update(self, labels, preds):
            self._count(max(p.max().asscalar() for p in preds), 1)

    metric = mx.metric.create("largest", name="largest")
    assert one(metric, [0], [3.0, 5.0]) == 5.0
    assert "largest" in mx.registry.get_registry(mx.metric.EvalMetric)
