"""Inference of shapes and types: both ways, partial, undecided, contradicting."""

import warnings

import numpy as np
import pytest

import rsym as mx

S = mx.sym


@pytest.fixture(autouse=True)
def fresh_names():
    with mx.name.NameManager():
        yield


def fc(num_hidden=4, **more):
    return S.FullyConnected(S.Variable("x"), num_hidden=num_hidden, name="fc", **more)


def test_three_lists_in_the_order_of_the_names():
    net = S.BatchNorm(fc(), name="bn")
    args, outs, aux = net.infer_shape(x=(2, 3))
    assert dict(zip(net.list_arguments(), args)) == {
        "x": (2, 3),
        "fc_weight": (4, 3),
        "fc_bias": (4,),
        "bn_gamma": (4,),
        "bn_beta": (4,),
    }
    assert (outs, aux) == ([(2, 4)], [(4,), (4,)])


def test_shapes_by_position_with_none_for_unknown_ones():
    assert fc().infer_shape((2, 3))[1] == [(2, 4)]
    assert (S.Variable("a") + S.Variable("b")).infer_shape(None, (5,))[0] == [(5,), (5,)]


def test_shapes_may_be_lists_and_numpy_numbers():
    shapes = fc().infer_shape(x=[np.int64(2), 3])
    assert shapes[1] == [(2, 4)] and all(type(n) is int for n in shapes[0][0])


def test_shapes_flow_back_from_outputs_to_inputs():
    x, y = S.Variable("x"), S.Variable("y")
    assert S.exp(S.exp(x) + y).infer_shape(y=(2, 3))[0] == [(2, 3), (2, 3)]


def test_dimensions_flow_both_ways():
    total = S.Variable("x") + S.Variable("y")
    assert total.infer_shape(x=(2, 0), y=(0, 3)) == ([(2, 3), (2, 3)], [(2, 3)], [])


def test_a_partial_batch_is_fine():
    assert fc().infer_shape_partial(x=(0, 3)) == ([(0, 3), (4, 3), (4,)], [(0, 4)], [])


def test_nothing_known_is_empty_shapes_in_partial_inference():
    assert S.exp(S.Variable("x")).infer_shape_partial() == ([()], [()], [])


def test_undecided_shapes_are_a_warning_that_names_them():
    net = S.Variable("known") + S.exp(S.Variable("open1")) * 0
    net = S.Group([net, S.FullyConnected(S.Variable("open2"), num_hidden=3, name="fc")])
    with pytest.warns(UserWarning, match=r"open2.*fc_weight") as caught:
        assert net.infer_shape(known=(2,)) == (None, None, None)
    text = str(caught[0].message)
    assert "known" not in text.replace("unknown", "") and "shape" in text
    assert caught[0].filename == __file__


def test_partially_known_shapes_are_shown_in_the_warning():
    with pytest.warns(UserWarning, match=r"x: \(0, 3\)"):
        assert fc().infer_shape(x=(0, 3)) == (None, None, None)


def test_partial_inference_never_warns():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fc().infer_shape_partial()
        fc().infer_type_partial()


def message_of(act):
    with pytest.raises(mx.MXNetError) as caught:
        act()
    return str(caught.value)


def test_contradicting_shapes_name_node_operator_input_expected_and_got():
    text = message_of(lambda: fc().infer_shape(x=(2, 3), fc_weight=(4, 5)))
    for part in ("'fc'", "FullyConnected", "weight", "(4, 3)", "(4, 5)", "data=(2, 3)"):
        assert part in text


def test_contradicting_shapes_show_the_path_from_the_inputs():
    net = S.Activation(fc(), act_type="relu", name="relu1")
    net = S.elemwise_add(net, S.Variable("y"), name="sum1")
    text = message_of(lambda: net.infer_shape(x=(2, 3), y=(2, 5)))
    assert "'sum1'" in text and "x -> fc -> relu1 -> sum1" in text


def test_a_long_path_is_cut():
    net = S.Variable("x")
    for _ in range(1000):
        net = net + 1
    text = message_of(lambda: (net + S.Variable("y")).infer_shape(x=(2,), y=(3,)))
    assert len(text) < 1000 and "…" in text


def test_aux_states_may_be_given():
    bn = S.BatchNorm(S.Variable("x"), name="bn")
    assert bn.infer_shape(x=(2, 3), bn_moving_mean=(3,))[2] == [(3,), (3,)]
    assert "moving_mean" in message_of(lambda: bn.infer_shape(x=(2, 3), bn_moving_mean=(4,)))


def test_types_flow_both_ways():
    total = S.Variable("x") + S.Variable("y")
    assert total.infer_type(y="float16") == ([np.float16, np.float16], [np.float16], [])
    assert fc().infer_type(x=np.float64) == ([np.float64] * 3, [np.float64], [])
    assert total.infer_type(np.dtype("int32"))[1] == [np.int32]


def test_types_of_nothing_are_undecided():
    total = S.Variable("x") + S.Variable("y")
    with pytest.warns(UserWarning, match="type of: x, y"):
        assert total.infer_type() == (None, None, None)
    assert total.infer_type_partial() == ([None, None], [None], [])


def test_contradicting_types_name_node_input_expected_and_got():
    text = message_of(lambda: (S.Variable("x") + S.Variable("y")).infer_type(x="float16", y="float32"))
    for part in ("'_plus0'", "elemwise_add", "rhs", "float16", "float32"):
        assert part in text


def test_batchnorm_of_half_precision_keeps_single_statistics():
    args, outs, aux = S.BatchNorm(S.Variable("x"), name="bn").infer_type(x="float16")
    assert (args, outs, aux) == ([np.float16, np.float32, np.float32], [np.float16], [np.float32, np.float32])


@pytest.mark.parametrize(
    "shape, options, label",
    [((5, 3), {}, (5,)), ((5, 3, 2, 2), {"multi_output": True}, (5, 4)), ((5, 3, 7), {}, (5, 3))],
)
def test_labels_of_softmax_are_inferred(shape, options, label):
    assert S.SoftmaxOutput(S.Variable("x"), name="s", **options).infer_shape(x=shape)[0][1] == label


@pytest.mark.parametrize("shape, label", [((5, 1), (5,)), ((5, 3), (5, 3))])
def test_labels_of_regressions_are_inferred(shape, label):
    assert S.LinearRegressionOutput(S.Variable("x"), name="s").infer_shape(x=shape)[0][1] == label


def test_graphs_are_not_changed_by_inference():
    net = fc()
    before = net.tojson()
    net.infer_shape(x=(2, 3))
    net.infer_type(x="float64")
    assert net.tojson() == before and net.infer_shape(x=(7, 2))[1] == [(7, 4)]
