"""Several devices on one machine: groups of operators with devices of their own, executors that run at once."""

import signal
import threading

import numpy as np
import pytest

import rsym as mx
from rsym import nd
from rsym import symbol as S


def dense(group, name, x, hidden=16):
    with mx.AttrScope(ctx_group=group) if group else mx.AttrScope():
        x = S.FullyConnected(x, num_hidden=hidden, name=name)
        return S.Activation(x, act_type="tanh", name=name + "_act")


def two_groups(moments=3):
    """Two layers over several moments, each on its device, and a loss that no group has."""
    states = [None, None]
    for t in range(moments):
        x = S.Variable("x%d" % t)
        for k, group in enumerate("ab"):
            own = dense(group, "l%d_%d" % (k, t), x)
            states[k] = x = own if states[k] is None else own + states[k]
    return S.SoftmaxOutput(S.FullyConnected(x, num_hidden=5, name="out"), name="softmax")


GROUPS = {"a": mx.cpu(1), "b": mx.cpu(2)}


def filled(net, **options):
    shapes = {name: (8, 12) for name in net.list_arguments() if name.startswith("x")}
    executor = net.simple_bind(mx.cpu(0), **options, **shapes)
    for k, array in enumerate(executor.arg_arrays):
        array[:] = np.random.RandomState(k).uniform(-0.5, 0.5, array.shape)
    return executor


def results(executor):
    executor.forward(is_train=True)
    executor.backward()
    return [a.asnumpy() for a in executor.outputs + [g for g in executor.grad_arrays if g is not None]]


def test_groups_compute_what_one_device_does():
    net = two_groups()
    for a, b in zip(results(filled(net)), results(filled(net, group2ctx=GROUPS))):
        np.testing.assert_array_equal(a, b)


def test_arrays_and_outputs_say_where_they_are():
    executor = filled(two_groups(), group2ctx=GROUPS)
    assert executor.arg_dict["l0_1_weight"].context == mx.cpu(1)
    assert executor.grad_dict["l1_0_bias"].context == mx.cpu(2)
    assert executor.arg_dict["x0"].context == executor.arg_dict["out_weight"].context == mx.cpu(0)
    # What no group has runs where its first input is.
    assert executor.outputs[0].context == mx.cpu(2)
    smaller = executor.reshape(partial_shaping=True, **{"x%d" % t: (4, 12) for t in range(3)})
    assert smaller.outputs[0].shape == (4, 5) and smaller.outputs[0].context == mx.cpu(2)


def test_the_memory_plan_tells_devices_and_copies():
    executor = filled(two_groups(), group2ctx=GROUPS)
    plan = executor.memory_plan()
    assert [d.context for d in plan.devices] == [mx.cpu(1), mx.cpu(2)]
    # Three values go forward, and their three gradients back.
    assert [d.copies for d in plan.devices] == [3, 3]
    assert sum(d.planned for d in plan.devices) == plan.planned
    assert {v.context for v in plan.values} == {mx.cpu(1), mx.cpu(2)}
    assert "_CrossDeviceCopy" in executor.debug_str() and "Device cpu(2)" in executor.debug_str()
    assert filled(two_groups()).memory_plan().devices == []


def test_groups_without_device_and_devices_without_group():
    net = two_groups()
    with pytest.raises(mx.MXNetError, match="ctx_group 'b', for which group2ctx has no device"):
        filled(net, group2ctx={"a": mx.cpu(1)})
    with pytest.raises(mx.MXNetError, match=r"gpu\(0\) is not there"):
        filled(net, group2ctx={"a": mx.gpu(0), "b": mx.cpu(1)})
    with pytest.raises(TypeError, match="group2ctx"):
        filled(net, group2ctx={"a": [mx.cpu(1)], "b": mx.cpu(1)})
    assert filled(net, group2ctx={**GROUPS, "other": mx.gpu(3)}).outputs[0].context == mx.cpu(2)
    assert filled(net, group2ctx={}).outputs[0].context == mx.cpu(0)


def test_arrays_that_are_bound_may_lie_elsewhere():
    net = dense("b", "fb", dense("a", "fa", S.Variable("x")))
    shapes, _, _ = net.infer_shape(x=(3, 4))
    args = [nd.array(np.random.RandomState(k).uniform(size=shape), ctx=mx.cpu(7)) for k, shape in enumerate(shapes)]
    grads = [nd.zeros(shape) for shape in shapes]
    alone = [nd.zeros(shape) for shape in shapes]
    for own, groups in ((grads, GROUPS), (alone, None)):
        executor = net.bind(mx.cpu(0), args, own, group2ctx=groups)
        executor.forward(is_train=True)
        executor.backward(nd.ones((3, 16)))
    for a, b in zip(grads, alone):
        np.testing.assert_array_equal(a.asnumpy(), b.asnumpy())


def test_monitors_see_what_was_written():
    executor = filled(two_groups(), group2ctx=GROUPS)
    expected = results(executor)
    seen = []
    executor.set_monitor_callback(lambda name, value: seen.append(name))
    for a, b in zip(results(executor), expected):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    assert {"l0_0_output", "l1_0_act_output", "softmax_output"} < set(seen)
    assert not [name for name in seen if "copy" in name]


def test_the_profiler_sees_operators_of_all_devices():
    executor = filled(two_groups(), group2ctx=GROUPS)
    mx.profiler.set_config(profile_symbolic=True, aggregate_stats=True)
    mx.profiler.set_state("run")
    try:
        executor.forward()
    finally:
        mx.profiler.set_state("stop")
    assert "_CrossDeviceCopy" in mx.profiler.dumps(reset=True)


def executors(count, **options):
    made = [filled(two_groups(), **options) for _ in range(count)]
    for k, executor in enumerate(made):
        executor.arg_dict["x0"][:] = k
    return made


def test_executors_run_at_once():
    alone, together = executors(3), executors(3)
    expected = [results(executor) for executor in alone]
    outputs = mx.executor.forward_all(together, is_train=True)
    mx.executor.backward_all(together)
    assert [out[0] is e.outputs[0] for out, e in zip(outputs, together)] == [True] * 3
    for executor, wanted in zip(together, expected):
        found = executor.outputs + [g for g in executor.grad_arrays if g is not None]
        for a, b in zip(found, wanted):
            np.testing.assert_array_equal(a.asnumpy(), b)


def test_what_executors_draw_does_not_depend_on_who_is_first():
    net = S.Dropout(S.Variable("x"), p=0.5)

    def draws(run):
        made = [net.simple_bind(mx.cpu(i), x=(40, 50)) for i in range(3)]
        for executor in made:
            executor.arg_arrays[0][:] = 1
        mx.random.seed(3)
        run(made)
        return [executor.outputs[0].asnumpy() for executor in made]

    def one_after_the_other(made):
        for executor in made:
            executor.forward(is_train=True)

    expected = draws(one_after_the_other)
    for _ in range(5):
        for a, b in zip(draws(lambda made: mx.executor.forward_all(made, is_train=True)), expected):
            np.testing.assert_array_equal(a, b)


def test_executors_with_monitors_run_one_after_the_other():
    made = executors(2)
    seen = []
    made[1].set_monitor_callback(lambda name, value: seen.append(name))
    mx.executor.forward_all(made, is_train=True)
    mx.executor.backward_all(made)
    assert "softmax_output" in seen


def test_executors_that_share_memory_stay_right():
    first = filled(two_groups())
    second = two_groups().simple_bind(mx.cpu(1), shared_exec=first, x0=(8, 12), x1=(8, 12), x2=(8, 12))
    expected = results(first)[0]
    for _ in range(5):
        mx.executor.forward_all([first, second], is_train=True)
        np.testing.assert_array_equal(second.outputs[0].asnumpy(), expected)


def test_bad_lists_of_executors():
    made = executors(2)
    with pytest.raises(mx.MXNetError, match="given twice"):
        mx.executor.forward_all([made[0], made[0]])
    with pytest.raises(ValueError, match="2 executors, got 1"):
        mx.executor.backward_all(made, [None])
    assert mx.executor.forward_all([]) == []


def test_errors_of_one_executor_are_raised():
    net = S.take(S.Variable("x"), S.Variable("at"), mode="raise", name="picked")
    made = [net.simple_bind(mx.cpu(i), x=(3, 4), at=(2,)) for i in range(2)]
    made[1].arg_dict["at"][:] = 9
    with pytest.raises(mx.MXNetError, match="picked"):
        mx.executor.forward_all(made)
    made[1].arg_dict["at"][:] = 2
    mx.executor.forward_all(made)


def test_threads_may_run_the_same_executors_in_any_order():
    made = executors(2)

    def work(order):
        for _ in range(50):
            mx.executor.forward_all(order, is_train=True)

    threads = [threading.Thread(target=work, args=(order,)) for order in (made, made[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()


@pytest.mark.parametrize("how", ["groups", "executors"])
def test_ctrl_c_stops_all_devices(how):
    def body(x):
        for i in range(400):
            x = S.softmax(x, name="s%d" % i)
        return x

    x = S.Variable("x")
    with mx.AttrScope(ctx_group="a"):
        a = body(x)
    with mx.AttrScope(ctx_group="b"):
        b = body(x * 2)
    if how == "groups":
        made = [(a + b).simple_bind(mx.cpu(), grad_req="null", group2ctx=GROUPS, x=(2000, 2000))]
    else:
        made = [net.simple_bind(mx.cpu(), grad_req="null", x=(2000, 2000)) for net in (a, b)]
    threading.Timer(0.3, signal.raise_signal, [signal.SIGINT]).start()
    with pytest.raises(KeyboardInterrupt):
        mx.executor.forward_all(made)
