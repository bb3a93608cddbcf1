"""Initial values: which initializer an array gets, and what it writes."""

import json

import numpy as np
import pytest

import rsym as mx

InitDesc = mx.init.InitDesc


def initialised(init, name, shape, **attrs):
    array = mx.nd.full(shape, 7.0)
    init(InitDesc(name, attrs), array)
    return array.asnumpy()


@pytest.mark.parametrize(
    "name, value",
    [("fc_weight", 3), ("fc_bias", 0), ("bn_gamma", 1), ("bn_beta", 0), ("q_min", 0), ("q_max", 1)],
)
def test_the_ending_of_the_name_decides(name, value):
    assert (initialised(mx.init.Constant(3), name, (2, 3)) == value).all()


def test_other_names_are_refused_with_advice():
    with pytest.raises(ValueError, match="Variable"):
        initialised(mx.init.Zero(), "parameters", (2,))


def test_variables_may_ask_for_their_own():
    variable = mx.sym.Variable("anything", init=mx.init.Constant(4))
    attrs = variable.attr_dict()["anything"]
    assert (initialised(mx.init.Zero(), "anything", (2,), **attrs) == 4).all()


def test_what_is_dumped_can_be_created():
    for init in (
        mx.init.Normal(0.5),
        mx.init.Xavier("gaussian", "in", 2),
        mx.init.MSRAPrelu(slope=0.1),
        mx.init.LSTMBias(2.0),
        mx.init.FusedRNN(mx.init.One(), 3, 2, "gru"),
        mx.init.Orthogonal(),
    ):
        assert mx.init.create(init.dumps()) == init
    assert mx.init.create("zeros") == mx.init.Zero() != mx.init.One()
    assert json.loads(mx.init.Constant(np.ones((1, 2))).dumps()) == ["constant", {"value": [[1.0, 1.0]]}]


def test_random_values_follow_the_seed():
    for init in (mx.init.Uniform(0.2), mx.init.Normal(), mx.init.Xavier(), mx.init.Orthogonal(rand_type="normal")):
        mx.random.seed(3)
        first = initialised(init, "w_weight", (4, 5))
        mx.random.seed(3)
        assert (initialised(init, "w_weight", (4, 5)) == first).all()
        assert (initialised(init, "w_weight", (4, 5)) != first).any()


def test_sizes_of_random_values():
    uniform = initialised(mx.init.Uniform(0.2), "weight", (100, 100))
    assert 0.19 < abs(uniform).max() <= 0.2
    assert abs(initialised(mx.init.Normal(0.3), "weight", (100, 100)).std() - 0.3) < 0.01
    shape = (64, 16, 3, 3)
    for factor, n in (("in", 144), ("out", 576), ("avg", 360)):
        uniform = initialised(mx.init.Xavier("uniform", factor, 2), "weight", shape)
        assert 0.99 < abs(uniform).max() / np.sqrt(2 / n) <= 1
        normal = initialised(mx.init.MSRAPrelu(factor, 0.5), "weight", shape)
        assert abs(normal.std() / np.sqrt(2 / 1.25 / n) - 1) < 0.05
    with pytest.raises(ValueError, match="2D"):
        initialised(mx.init.Xavier(), "weight", (3,))


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 2, 2)])
def test_orthogonal_rows_or_columns(shape):
    found = initialised(mx.init.Orthogonal(scale=2.0), "weight", shape).reshape(shape[0], -1)
    product = found @ found.T if found.shape[0] <= found.shape[1] else found.T @ found
    np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-5)


def test_bilinear_weights_interpolate():
    found = initialised(mx.init.Bilinear(), "weight", (2, 1, 4, 4))
    line = np.array([0.25, 0.75, 0.75, 0.25])
    np.testing.assert_array_equal(found, np.broadcast_to(np.outer(line, line), (2, 1, 4, 4)))


def test_biases_of_lstm():
    assert initialised(mx.init.LSTMBias(2.0), "x", (8,), __init__=mx.init.LSTMBias(2.0).dumps()).tolist() == [
        0, 0, 2, 2, 0, 0, 0, 0,
    ]  # fmt: skip


def test_fused_parameters_are_initialised_one_by_one():
    cell = mx.rnn.FusedRNNCell(2, num_layers=2, mode="lstm", forget_bias=3.0, prefix="")
    own = cell.params.get("parameters").attr_dict()["parameters"]
    size = 4 * 2 * (5 + 2 + 2) + 4 * 2 * (2 + 2 + 2)
    array = mx.nd.zeros((size,))
    mx.init.Constant(0.5)(InitDesc("parameters", own), array)
    parts = {name: part.asnumpy() for name, part in cell.unpack_weights({"parameters": array}).items()}
    assert len(parts) == 2 * 2 * 2 * 4
    for name, part in parts.items():
        value = 0.5 if name.endswith("weight") else 3.0 if name.endswith("_f_bias") else 0.0
        assert (part == value).all(), name


def test_mixed_takes_the_first_pattern_that_matches():
    mixed = mx.init.Mixed([".*bias", "fc1"], [mx.init.One(), mx.init.Constant(2)])
    array = mx.nd.zeros((2,))
    mixed(InitDesc("fc1_weight"), array)
    assert array.asnumpy().tolist() == [2, 2]
    with pytest.raises(ValueError, match="fc2_weight"):
        mixed(InitDesc("fc2_weight"), array)


def test_load_takes_arrays_and_falls_back(tmp_path):
    path = str(tmp_path / "some.params")
    mx.nd.save(path, {"arg:a": mx.nd.array([1, 2]), "aux:b": mx.nd.array([3, 4])})
    load = mx.init.Load(path, default_init=mx.init.Constant(9))
    array = mx.nd.zeros((2,))
    for name, want in (("a", [1, 2]), ("b", [3, 4])):
        load(name, array)
        assert array.asnumpy().tolist() == want
    load(InitDesc("c_weight"), array)
    assert array.asnumpy().tolist() == [9, 9]
    with pytest.raises(AssertionError, match="Shape mismatch"):
        load("a", mx.nd.zeros((3,)))
    with pytest.raises(AssertionError, match="Not found"):
        mx.init.Load(path)("c", array)


def test_custom_initializers_have_names():
    @mx.init.register
    @mx.init.alias("halves")
    class Half(mx.init.Initializer):
        def _init_weight(self, _, arr):
            arr[:] = 0.5

    assert (initialised(mx.init.create("half"), "w_weight", (2,)) == 0.5).all()
    assert type(mx.init.create("halves")) is Half


def test_plain_names_are_deprecated_and_know_more_endings():
    array = mx.nd.zeros((2,))
    with pytest.warns(DeprecationWarning):
        mx.init.Zero()("bn_moving_var", array)
    assert array.asnumpy().tolist() == [1, 1]
