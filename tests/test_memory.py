"""Where the bytes of an executor go, and how computing values again in the backward pass makes them fewer."""

import re

import numpy as np
import pytest

import rsym as mx

nd, S = mx.nd, mx.sym


@pytest.fixture(autouse=True)
def fresh_names():
    with mx.name.NameManager():
        yield


def mlp(layers=12, dropout=False):
    x = S.Variable("x")
    for i in range(layers):
        x = S.FullyConnected(x, num_hidden=16, name="fc%d" % i)
        x = S.BatchNorm(x, fix_gamma=False, name="bn%d" % i)
        x = S.tanh(x, name="act%d" % i)
        if dropout and i % 3 == 1:
            x = S.Dropout(x, p=0.3, name="drop%d" % i)
    return S.SoftmaxOutput(x, name="softmax")


def conv_net(units=6):
    x = S.Variable("x")
    for i in range(units):
        y = S.Convolution(x, num_filter=16, kernel=(3, 3), pad=(1, 1), no_bias=True, name="conv%d" % i)
        y = S.Activation(S.BatchNorm(y, name="bn%d" % i), act_type="relu", name="relu%d" % i)
        x = x + y
    return S.LinearRegressionOutput(S.Pooling(x, global_pool=True, pool_type="avg"), name="out")


def train(executor, steps=3):
    """Outputs, gradients and states after some steps that change the arguments."""
    mx.random.seed(5)
    random = np.random.RandomState(0)
    for _, array in sorted(executor.arg_dict.items()):
        array[:] = random.uniform(-0.5, 0.5, array.shape)
    for _, array in sorted(executor.aux_dict.items()):
        array[:] = 0.5
    for _ in range(steps):
        executor.forward(is_train=True)
        executor.backward()
        for array, grad in zip(executor.arg_arrays, executor.grad_arrays):
            array[:] = array - 0.1 * grad
    arrays = executor.outputs + executor.grad_arrays + executor.arg_arrays + executor.aux_arrays
    return [a.asnumpy().tobytes() for a in arrays]


def least(symbol, **shapes):
    with pytest.raises(mx.MXNetError) as error:
        symbol.simple_bind(mx.cpu(), memory_budget=0, **shapes)
    return int(re.search(r"at least (\d+) bytes", str(error.value)).group(1))


# -- the plan ----------------------------------------------------------------------------------------------------------


def test_a_plan_counts_every_array():
    x = S.Variable("x")
    executor = S.FullyConnected(x, num_hidden=3, name="fc").simple_bind(mx.cpu(), x=(2, 4))
    plan = executor.memory_plan()
    assert (plan.arguments, plan.gradients, plan.auxiliary_states) == (4 * (8 + 12 + 3), 4 * (8 + 12 + 3), 0)
    assert (plan.outputs, plan.output_gradients, plan.planned, plan.values) == (24, 24, 0, [])
    assert plan.total == 2 * 4 * 23 + 48 + plan.constants + plan.packed_weights
    assert (plan.forward_steps, plan.recomputed, plan.saved) == (1, 0, 0)
    inference = S.BatchNorm(x, name="bn").simple_bind(mx.cpu(), grad_req="null", x=(2, 4)).memory_plan()
    assert (inference.gradients, inference.auxiliary_states, inference.output_gradients) == (0, 32, 0)


def test_values_have_names_sizes_and_lives():
    plan = mlp().simple_bind(mx.cpu(), x=(32, 8)).memory_plan()
    assert [v.bytes for v in plan.values] == sorted((v.bytes for v in plan.values), reverse=True)
    assert plan.planned < plan.unshared
    by_name = {v.name: v for v in plan.values}
    first = by_name["fc0_output"]
    assert (first.op, first.bytes, first.recomputed) == ("FullyConnected", 32 * 16 * 4, False)
    assert first.first_step < plan.forward_steps <= first.last_step < plan.steps
    for value in plan.values:
        assert 0 <= value.offset and value.offset + value.bytes <= plan.planned
        assert 0 <= value.first_step <= value.last_step < plan.steps


def test_values_that_live_at_once_do_not_overlap():
    plan = conv_net(3).simple_bind(mx.cpu(), x=(2, 16, 6, 6)).memory_plan()
    for i, a in enumerate(plan.values):
        for b in plan.values[i + 1 :]:
            # A value may take over the place of one that is read for the last time.
            together = a.first_step < b.last_step and b.first_step < a.last_step
            apart = a.offset + a.bytes <= b.offset or b.offset + b.bytes <= a.offset
            assert apart or not together, (a, b)


def test_packed_weights_are_counted_once_they_exist():
    conv = S.Convolution(S.Variable("x"), num_filter=32, kernel=(3, 3), no_bias=True, name="conv")
    executor = conv.simple_bind(mx.cpu(), grad_req="null", x=(1, 16, 9, 9))
    assert executor.memory_plan().packed_weights == 0
    executor.forward()
    assert executor.memory_plan().packed_weights == executor.arg_dict["conv_weight"].size * 4


def test_the_description_shows_the_plan():
    executor = mlp().simple_bind(mx.cpu(), x=(32, 8))
    text, plan = executor.debug_str(), executor.memory_plan()
    assert "Planned %d bytes" % plan.planned in text
    assert re.search(r"Total \d+ MB allocated", text)
    assert re.search(r"arguments +%d\n" % plan.arguments, text) and re.search(r"total +%d\n" % plan.total, text)
    assert "%s [%s]" % (plan.values[0].name, plan.values[0].op) in text
    assert "Recomputed" not in text


# -- computing again ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "symbol, shapes", [(mlp(dropout=True), {"x": (32, 8)}), (conv_net(), {"x": (2, 16, 12, 12)})], ids=["dense", "convolutions"]
)
def test_every_budget_that_can_be_kept_gives_the_same_bits(symbol, shapes):
    plain = symbol.simple_bind(mx.cpu(), **shapes)
    kept, lowest = plain.memory_plan().planned, least(symbol, **shapes)
    assert lowest < 0.8 * kept
    want = train(plain)
    for budget in (kept, (kept + lowest) // 2, lowest):
        executor = symbol.simple_bind(mx.cpu(), memory_budget=budget, **shapes)
        plan = executor.memory_plan()
        assert plan.planned <= budget
        assert (plan.recomputed > 0) == (budget < kept)
        assert plan.planned_without_recomputing == kept and plan.saved == kept - plan.planned
        assert train(executor) == want


def test_the_trade_is_shown():
    shapes = {"x": (32, 8)}
    executor = mlp().simple_bind(mx.cpu(), memory_budget=least(mlp(), **shapes), **shapes)
    plan = executor.memory_plan()
    assert any(v.recomputed for v in plan.values)
    line = "Recomputed %d operators in the backward pass: %d bytes instead of %d"
    assert line % (plan.recomputed, plan.planned, plan.planned_without_recomputing) in executor.debug_str()


def test_a_budget_that_cannot_be_kept_names_the_least():
    lowest = least(mlp(), x=(32, 8))
    with pytest.raises(mx.MXNetError, match=r"memory_budget.*at least %d bytes.*%d" % (lowest, lowest - 1)):
        mlp().simple_bind(mx.cpu(), memory_budget=lowest - 1, x=(32, 8))


@pytest.mark.parametrize("budget", [-1, 1.5, "1 GB"])
def test_a_budget_is_a_number_of_bytes(budget):
    with pytest.raises(mx.MXNetError, match="memory_budget: expected a number of bytes"):
        mlp().simple_bind(mx.cpu(), memory_budget=budget, x=(32, 8))


def test_marked_nodes_are_computed_again():
    def net(**attrs):
        with mx.AttrScope(**attrs):
            return mlp(dropout=True)

    plain = net().simple_bind(mx.cpu(), x=(32, 8))
    marked = net(__force_mirroring__="True").simple_bind(mx.cpu(), x=(32, 8))
    before, after = plain.memory_plan(), marked.memory_plan()
    assert after.recomputed > 0 and after.planned < before.planned == after.planned_without_recomputing
    assert not any(v.recomputed and v.op == "Dropout" for v in after.values)
    assert train(plain) == train(marked)


def test_the_variable_of_mxnet_recomputes_what_is_cheap(monkeypatch):
    plain = mlp().simple_bind(mx.cpu(), x=(32, 8))
    monkeypatch.setenv("MXNET_BACKWARD_DO_MIRROR", "1")
    mirrored = mlp().simple_bind(mx.cpu(), x=(32, 8))
    plan = mirrored.memory_plan()
    assert plan.recomputed > 0
    assert not any(v.recomputed and v.op == "FullyConnected" for v in plan.values)
    assert train(plain) == train(mirrored)


def test_reshaping_keeps_the_budget():
    lowest = least(mlp(), x=(32, 8))
    executor = mlp().simple_bind(mx.cpu(), memory_budget=lowest, x=(32, 8))
    smaller = executor.reshape(x=(16, 8), softmax_label=(16,))
    assert smaller.memory_plan().planned <= lowest
    with pytest.raises(mx.MXNetError, match="memory_budget"):
        executor.reshape(allow_up_sizing=True, x=(320, 8), softmax_label=(320,))


def test_gradients_are_added_as_without():
    def bind(**budget):
        executor = mlp().simple_bind(mx.cpu(), grad_req="add", x=(32, 8), **budget)
        for grad in executor.grad_arrays:
            grad[:] = 1
        return executor

    budget = (bind().memory_plan().planned + least(mlp(), x=(32, 8))) // 2
    assert train(bind()) == train(bind(memory_budget=budget))
