"""Bound graphs in which shapes depend on values: `boolean_mask` and what follows it. Values of MXNet 1.9.1, or counted."""

import numpy as np
import pytest

import rsym as mx
from rsym import nd
from rsym import sym as S

DATA = np.arange(6, dtype="float32").reshape(3, 2)


def bound(net, grad_req="write", **more):
    arrays = {"data": nd.array(DATA), "index": nd.array([1, 0, 1]), **more}
    grads = {"data": nd.zeros((3, 2))}
    requests = {"data": grad_req}
    return net.bind(mx.cpu(), {n: arrays[n] for n in net.list_arguments()}, grads, requests)


@pytest.fixture
def rows():
    with mx.name.NameManager():
        yield S.contrib.boolean_mask(S.Variable("data"), S.Variable("index"))


@pytest.mark.parametrize(
    "behind, out, grad",
    [
        (lambda x: x, [[0, 1], [4, 5]], [[1, 1], [0, 0], [1, 1]]),
        (S.exp, np.exp([[0, 1], [4, 5]]), [np.exp([0, 1]), [0, 0], np.exp([4, 5])]),
        (S.sum, [10], [[1, 1], [0, 0], [1, 1]]),
    ],
)
def test_values_and_gradients(rows, behind, out, grad):
    executor = bound(behind(rows))
    found = executor.forward(is_train=True)
    assert found is executor.outputs
    np.testing.assert_allclose(found[0].asnumpy(), out, rtol=1e-6)
    executor.backward([nd.ones(found[0].shape)])
    np.testing.assert_allclose(executor.grad_dict["data"].asnumpy(), grad, rtol=1e-6)


def test_shapes_follow_the_mask(rows):
    executor = bound(rows * 2)
    assert executor.outputs == []
    for mask in ([0, 1, 0], [1, 1, 1], [0, 0, 0]):
        found = executor.forward(index=nd.array(mask))[0].asnumpy()
        np.testing.assert_array_equal(found, DATA[np.array(mask, bool)] * 2)
        assert executor.output_dict["_mulscalar0_output"].shape == found.shape


def test_gradients_are_added_and_backward_may_come_first_and_again(rows):
    executor = bound(rows, grad_req="add")
    for times in (1, 2, 3):
        executor.backward([nd.ones((2, 2))])
        assert executor.grad_dict["data"].asnumpy().tolist() == [[times, times], [0, 0], [times, times]]


def test_other_outputs_and_states(rows):
    x = S.Variable("x")
    loss = S.LinearRegressionOutput(S.sum(rows, axis=1, keepdims=True), S.Variable("label"), name="loss")
    net = S.Group([loss, S.BlockGrad(x), S.BatchNorm(x, name="norm", momentum=0.5)])
    arrays = {
        "data": nd.array(DATA),
        "index": nd.array([0, 1, 1]),
        "label": nd.array([[4], [10]]),
        "x": nd.array([[1], [3]]),
        "norm_gamma": nd.ones((1,)),
        "norm_beta": nd.zeros((1,)),
    }
    grads = {name: nd.zeros(array.shape) for name, array in arrays.items()}
    states = {"norm_moving_mean": nd.zeros((1,)), "norm_moving_var": nd.ones((1,))}
    executor = net.bind(mx.cpu(), arrays, grads, "write", states)
    executor.forward(is_train=True)
    executor.backward()
    assert grads["data"].asnumpy().tolist() == [[0, 0], [1, 1], [-1, -1]]
    assert states["norm_moving_mean"].asnumpy().tolist() == [1]


def test_monitors_see_every_value(rows):
    seen = {}
    executor = bound(rows + 1)
    executor.set_monitor_callback(lambda name, value: seen.update({name: value.shape}))
    executor.forward()
    assert seen == {"boolean_mask0_output": (2, 2), "_plusscalar0_output": (2, 2)}
    executor.set_monitor_callback(lambda name, value: seen.update({name: value.shape}), monitor_all=True)
    executor.forward()
    assert seen["data"] == (3, 2)


def test_it_runs_beside_others(rows):
    executors = [bound(rows), bound(S.Variable("data") * 2)]
    (first,), (second,) = mx.executor.forward_all(executors, is_train=True)
    assert first.shape == (2, 2) and second.shape == (3, 2)
    mx.executor.backward_all(executors, [nd.ones((2, 2)), nd.ones((3, 2))])
    assert executors[0].grad_dict["data"].asnumpy().tolist() == [[1, 1], [0, 0], [1, 1]]


def test_it_has_no_plan_and_no_shapes_beforehand(rows):
    executor = bound(rows)
    assert executor.memory_plan().steps == 0
    assert executor.get_optimized_symbol().list_arguments() == ["data", "index"]
    with pytest.raises(mx.MXNetError, match="depends on values"):
        rows.simple_bind(mx.cpu(), data=(3, 2), index=(3,))
    with pytest.raises(TypeError, match="no gradient"):
        rows.bind(mx.cpu(), {"data": nd.array(DATA), "index": nd.ones((3,))}).backward()


def test_other_errors_stay_what_they_are(rows):
    executor = bound(S.dot(rows, S.Variable("w")), w=nd.ones((3, 1)))
    with pytest.raises(mx.MXNetError, match="dot"):
        executor.forward()
