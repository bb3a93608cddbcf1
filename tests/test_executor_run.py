"""Forward and backward: values, requests, head gradients, states, what stays usable after errors."""

import numpy as np
import pytest

import rsym as mx

nd, S = mx.nd, mx.sym


@pytest.fixture(autouse=True)
def fresh_names():
    with mx.name.NameManager():
        yield


def square(grad_req="write"):
    x = S.Variable("x")
    return (x * x).bind(mx.cpu(), [nd.array([1, 2, 3])], [nd.array([100, 100, 100])], grad_req)


def lists(arrays):
    return [None if a is None else a.asnumpy().tolist() for a in arrays]


def test_forward_gives_the_outputs_which_stay_the_same_arrays():
    executor = square()
    first = executor.forward()
    kept = first[0]
    executor.arg_dict["x"][:] = 5
    again = executor.forward()
    assert again[0] is kept is executor.outputs[0] is executor.output_dict["_mul0_output"]
    assert kept.asnumpy().tolist() == [25, 25, 25]


def test_forward_takes_new_values_of_arguments():
    executor = square()
    assert lists(executor.forward(x=nd.array([4, 5, 6]))) == [[16, 25, 36]]
    assert lists(executor.forward(x=np.array([1, 0, 1]))) == [[1, 0, 1]]
    assert executor.arg_dict["x"].asnumpy().tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    "values, kind, pattern",
    [
        ({"y": nd.ones((3,))}, TypeError, "Unknown argument y.*x"),
        ({"x": nd.ones((4,))}, ValueError, r"x.*\(3,\).*\(4,\)"),
        ({"x": [1, 2, 3]}, ValueError, "x.*list"),
        ({"x": 3}, ValueError, "x.*int"),
        ({"x": nd.zeros((3,)), "y": nd.zeros((3,))}, TypeError, "y"),
    ],
)
def test_forward_with_wrong_values_changes_nothing(values, kind, pattern):
    executor = square()
    with pytest.raises(kind, match=pattern):
        executor.forward(**values)
    assert executor.arg_dict["x"].asnumpy().tolist() == [1, 2, 3]
    assert lists(executor.forward()) == [[1, 4, 9]]


@pytest.mark.parametrize("grad_req, after", [("write", [[2, 4, 6], [2, 4, 6]]), ("add", [[102, 104, 106], [104, 108, 112]])])
def test_gradients_are_written_or_added(grad_req, after):
    executor = square(grad_req)
    for expected in after:
        executor.forward(is_train=True)
        executor.backward(nd.ones((3,)))
        assert executor.grad_dict["x"].asnumpy().tolist() == expected


def test_backward_may_run_twice_after_one_forward_and_after_inference():
    executor = square()
    executor.forward(is_train=False)
    for scale in (1, 10):
        executor.backward(nd.full((3,), scale))
        assert executor.grad_dict["x"].asnumpy().tolist() == [2 * scale, 4 * scale, 6 * scale]


@pytest.mark.parametrize(
    "heads",
    [nd.array([1, 10, 100]), [nd.array([1, 10, 100])], (nd.array([1, 10, 100]),), {"_mul0_output": nd.array([1, 10, 100])}],
)
def test_head_gradients_alone_in_lists_and_by_name(heads):
    executor = square()
    executor.forward(is_train=True)
    executor.backward(heads)
    assert executor.grad_dict["x"].asnumpy().tolist() == [2, 40, 600]


BACKWARD = {
    "nothing given": (None, mx.MXNetError, ["_mul0_output", "no loss", "out_grads"]),
    "None given": ([None], mx.MXNetError, ["_mul0_output"]),
    "another shape": (nd.ones((4,)), mx.MXNetError, ["_mul0_output", "(3,)", "(4,)"]),
    "a number in a list": ([3], TypeError, ["NDArray", "int"]),
    "a number": (3, TypeError, []),
    "another name": ({"y": nd.ones((3,))}, mx.MXNetError, ["_mul0_output"]),
}


@pytest.mark.parametrize("case", BACKWARD)
def test_wrong_head_gradients_leave_the_executor_usable(case):
    heads, kind, parts = BACKWARD[case]
    executor = square()
    executor.forward(is_train=True)
    with pytest.raises(kind) as caught:
        executor.backward(heads)
    assert [p for p in parts if p not in str(caught.value)] == [], str(caught.value)
    assert executor.grad_dict["x"].asnumpy().tolist() == [100, 100, 100]
    executor.backward(nd.ones((3,)))
    assert executor.grad_dict["x"].asnumpy().tolist() == [2, 4, 6]


def test_backward_before_forward_does_the_forward_pass_first():
    executor = square()
    executor.backward(nd.ones((3,)))
    assert executor.grad_dict["x"].asnumpy().tolist() == [2, 4, 6]


def test_head_gradients_past_the_outputs_are_ignored():
    executor = square()
    executor.forward(is_train=True)
    executor.backward([nd.ones((3,)), nd.zeros((7,))])
    assert executor.grad_dict["x"].asnumpy().tolist() == [2, 4, 6]


def test_backward_without_gradients_is_a_type_error():
    x = S.Variable("x")
    executor = (x * x).simple_bind(mx.cpu(), grad_req="null", x=(3,))
    executor.forward(is_train=True)
    with pytest.raises(TypeError, match="grad_req"):
        executor.backward(nd.ones((3,)))


def test_losses_need_no_head_gradient():
    x = S.Variable("x")
    executor = S.MakeLoss(x * x).bind(mx.cpu(), [nd.array([3.0])], [nd.zeros((1,))])
    executor.forward(is_train=True)
    executor.backward()
    assert executor.grad_arrays[0].asscalar() == 6
    executor.backward(nd.array([1000.0]))
    assert executor.grad_arrays[0].asscalar() == 6


def test_in_a_group_only_what_is_no_loss_needs_a_head_gradient():
    x = S.Variable("x")
    executor = S.Group([x * 2, S.MakeLoss(x)]).bind(mx.cpu(), [nd.array([1.0])], [nd.zeros((1,))])
    executor.forward(is_train=True)
    for heads in ([nd.array([7.0])], {"_mulscalar0_output": nd.array([7.0])}, [nd.array([7.0]), None]):
        executor.backward(heads)
        assert executor.grad_arrays[0].asscalar() == 15
    with pytest.raises(mx.MXNetError, match="_mulscalar0_output"):
        executor.backward()


def test_blocked_gradients_are_zero():
    x = S.Variable("x")
    executor = (S.BlockGrad(x) * x).bind(mx.cpu(), [nd.array([3.0])], [nd.zeros((1,))])
    executor.forward(is_train=True)
    executor.backward(nd.ones((1,)))
    assert executor.grad_arrays[0].asscalar() == 3


def test_softmax_output_ignores_the_head_gradient_and_gives_the_label_zeros():
    net = S.SoftmaxOutput(S.Variable("x"), name="s")
    data = np.float32([[1, 2, 3], [1, 1, 1]])
    executor = net.simple_bind(mx.cpu(), x=(2, 3))
    p = executor.forward(is_train=True, x=nd.array(data), s_label=nd.array([2, 0]))[0].asnumpy()
    expected = np.exp(data) / np.exp(data).sum(1, keepdims=True)
    np.testing.assert_allclose(p, expected, rtol=1e-6)
    for heads in ((), (nd.ones((2, 3)),)):
        executor.backward(*heads)
        np.testing.assert_allclose(executor.grad_dict["x"].asnumpy(), expected - np.float32([[0, 0, 1], [1, 0, 0]]), atol=1e-6)
    assert not executor.grad_dict["s_label"].asnumpy().any()


def test_shared_subexpressions_are_summed():
    x = S.Variable("x")
    e = S.exp(x)
    total = e * e + e * 3 + x
    executor = total.bind(mx.cpu(), [nd.array([0.5])], [nd.zeros((1,))])
    executor.forward(is_train=True)
    executor.backward(nd.ones((1,)))
    expected = 2 * np.exp(1.0) + 3 * np.exp(0.5) + 1
    assert abs(executor.grad_arrays[0].asscalar() - expected) < 1e-4


def test_batchnorm_updates_its_statistics_in_training_alone():
    bn = S.BatchNorm(S.Variable("x"), name="bn", fix_gamma=False, momentum=0.75, eps=1e-5)
    executor = bn.simple_bind(mx.cpu(), x=(4, 2))
    executor.arg_dict["bn_gamma"][:] = 1
    executor.aux_dict["bn_moving_var"][:] = 1
    data = np.float32([[1, 10], [2, 20], [3, 30], [6, 60]])
    executor.forward(is_train=False, x=nd.array(data))
    np.testing.assert_allclose(executor.outputs[0].asnumpy(), data / np.sqrt(1 + 1e-5), rtol=1e-5)
    assert not executor.aux_dict["bn_moving_mean"].asnumpy().any()
    executor.forward(is_train=True)
    executor.backward(nd.ones((4, 2)))
    np.testing.assert_allclose(executor.aux_dict["bn_moving_mean"].asnumpy(), 0.25 * data.mean(0), rtol=1e-5)
    np.testing.assert_allclose(executor.aux_dict["bn_moving_var"].asnumpy(), 0.75 + 0.25 * data.var(0), rtol=1e-5)
    normal = (data - data.mean(0)) / np.sqrt(data.var(0) + 1e-5)
    np.testing.assert_allclose(executor.outputs[0].asnumpy(), normal, atol=1e-5)


def test_dropout_drops_in_training_alone():
    net = S.Dropout(S.Variable("x"), p=0.5)
    executor = net.bind(mx.cpu(), [nd.ones((1000,))], [nd.zeros((1000,))])
    assert executor.forward(is_train=False)[0].asnumpy().tolist() == [1] * 1000
    kept = executor.forward(is_train=True)[0].asnumpy()
    assert set(kept.tolist()) == {0.0, 2.0} and 350 < np.count_nonzero(kept) < 650
    executor.backward(nd.ones((1000,)))
    np.testing.assert_array_equal(executor.grad_arrays[0].asnumpy(), kept)
    assert (executor.forward(is_train=True)[0].asnumpy() != kept).any()


def test_dropout_that_keeps_nothing_gives_nan():
    executor = S.Dropout(S.Variable("x"), p=1).simple_bind(mx.cpu(), x=(3,))
    assert np.isnan(executor.forward(is_train=True)[0].asnumpy()).all()
    executor.backward(nd.ones((3,)))
    assert np.isnan(executor.grad_dict["x"].asnumpy()).all()
    assert executor.forward()[0].asnumpy().tolist() == [0, 0, 0]


@pytest.mark.parametrize("rest", [lambda x: x % S.cast(S.Variable("y"), dtype="int32"), lambda x: x % 3, lambda x: 17 % x])
def test_remainders_of_whole_numbers_have_no_gradient(rest):
    net = S.cast(rest(S.cast(S.Variable("x"), dtype="int32")), dtype="float32")
    executor = net.simple_bind(mx.cpu(), x=(3,), **({"y": (3,)} if "y" in net.list_arguments() else {}))
    for array, values in zip(executor.arg_arrays, ([7, 9, 4], [3, 5, 4])):
        array[:] = nd.array(values)
    executor.forward(is_train=True)
    executor.backward(nd.array([20, 30, 40]))
    assert lists(executor.grad_arrays) == [[0, 0, 0]] * len(executor.grad_arrays)


def test_a_variable_alone_can_be_bound():
    executor = S.Variable("x").bind(mx.cpu(), [nd.array([1, 2])], [nd.zeros((2,))])
    assert lists(executor.forward(is_train=True)) == [[1, 2]]
    executor.backward(nd.array([5, 6]))
    assert lists(executor.grad_arrays) == [[5, 6]]


def test_an_output_may_be_given_twice_and_be_an_input():
    x = S.Variable("x")
    e = S.exp(x)
    executor = S.Group([e, e, x, e * 2]).bind(mx.cpu(), [nd.array([0.0])], [nd.zeros((1,))])
    assert lists(executor.forward(is_train=True)) == [[1], [1], [0], [2]]
    executor.backward([nd.array([1.0]), nd.array([10.0]), nd.array([100.0]), nd.array([1000.0])])
    assert executor.grad_arrays[0].asscalar() == 2111


def test_an_output_that_is_an_argument_shows_its_new_values():
    x = S.Variable("x")
    executor = S.Group([x, x + 1]).bind(mx.cpu(), [nd.array([1.0])])
    executor.forward()
    executor.arg_arrays[0][:] = 5
    assert lists(executor.forward()) == [[5], [6]]


@pytest.mark.parametrize("dtype", ["float16", "float64", "int32", "int64", "uint8"])
def test_other_types_run(dtype):
    executor = (S.Variable("x") * 3).bind(mx.cpu(), [nd.array([1, 2], dtype=dtype)])
    assert executor.forward()[0].dtype == np.dtype(dtype)
    assert lists(executor.outputs) == [[3, 6]]


def test_names_that_occur_twice_have_no_dict():
    group = S.Group([S.Variable("a") * 2, S.Variable("a") * 3])
    executor = group.bind(mx.cpu(), [nd.array([1.0]), nd.array([2.0])])
    assert lists(executor.forward()) == [[2], [6]]
    with pytest.raises(ValueError, match="Duplicate names.*a"):
        executor.arg_dict  # noqa: B018


def test_a_failing_operator_leaves_the_executor_usable():
    net = S.take(S.Variable("x"), S.Variable("i"), mode="raise")
    executor = net.bind(mx.cpu(), [nd.array([10, 20]), nd.array([0.0])])
    with pytest.raises(mx.MXNetError, match="take0.*take"):
        executor.forward(i=nd.array([7.0]))
    assert lists(executor.forward(i=nd.array([1.0]))) == [[20]]


def test_eval_computes_once():
    x = S.Variable("x")
    assert lists((2 * x).eval(x=nd.array([1, 2]))) == [[2, 4]]
    assert lists(S.Group([x, x + 1]).eval(ctx=mx.cpu(), x=nd.array([1]))) == [[1], [2]]


def test_gradients_that_are_added_are_kept_where_a_head_gradient_is_a_gradient_too():
    i, s, w, x = map(mx.sym.Variable, "iswx")
    product = s * w * (mx.sym.squeeze(mx.sym.take(x, i), axis=0) * 2)
    net = mx.sym.Group([product, i + 1])
    args = {
        "i": mx.nd.zeros((1,)),
        "s": mx.nd.array([2, 3]),
        "w": mx.nd.array([0.5, 0.75]),
        "x": mx.nd.array([[1, 2], [3, 4]]),
    }
    grads = {name: mx.nd.zeros(value.shape) for name, value in args.items()}
    bound = net.bind(mx.cpu(), args, grads, "add")
    bound.forward(is_train=True)
    bound.backward([mx.nd.ones((2,)), mx.nd.ones((1,))])
    assert {name: grad.asnumpy().tolist() for name, grad in grads.items()} == {
        "i": [1],
        "s": [1, 3],
        "w": [4, 12],
        "x": [[2, 4.5], [0, 0]],
    }


def test_gradients_after_an_inference_pass_are_those_of_the_numbers_that_were_drawn():
    x = mx.sym.Variable("x")
    executor = (x * mx.sym.random.uniform(shape=(50,))).simple_bind(mx.cpu(), x=(50,))
    executor.arg_dict["x"][:] = 1
    drawn = executor.forward(is_train=False)[0].asnumpy()
    executor.backward(mx.nd.ones((50,)))
    np.testing.assert_array_equal(executor.grad_dict["x"].asnumpy(), drawn)
    np.testing.assert_array_equal(executor.outputs[0].asnumpy(), drawn)


def test_monitors_call_inputs_as_mxnet_does():
    data = S.Variable("data")
    for net, names in [
        (S.Activation(data, act_type="relu", name="op"), ["data", "op_input0", "op_output"]),
        (S.exp(data, name="op"), ["data", "op_input0", "op_output"]),
        (S.softmax(data, name="op"), ["data", "op_data", "op_output"]),
        (S.concat(data, data, dim=0, name="op"), ["data", "op_arg0", "data", "op_arg1", "op_output"]),
    ]:
        seen = []
        executor = net.simple_bind(mx.cpu(), data=(2, 3))
        executor.set_monitor_callback(lambda name, value, seen=seen: seen.append(name), monitor_all=True)
        executor.forward()
        assert seen == names
