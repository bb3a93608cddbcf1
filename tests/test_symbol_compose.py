"""Composing symbols: calling, copying, pickling, sharing of nodes, groups and their parts."""

import copy
import pickle

import numpy as np
import pytest

import rsym as mx


@pytest.fixture(autouse=True)
def fresh_names():
    with mx.name.NameManager():
        yield


def variables(*names):
    return [mx.sym.Variable(n) for n in names]


def total(symbol, **values):
    """The outputs of a symbol for arguments given as numbers or lists."""
    arrays = {k: mx.nd.array(np.atleast_1d(v)) for k, v in values.items()}
    return [o.asnumpy().tolist() for o in symbol.eval(**arrays)]


def test_calling_by_name_replaces_arguments_in_a_copy():
    a, b, x = variables("a", "b", "x")
    c = a - b
    d = c(a=x)
    assert (c.list_arguments(), d.list_arguments()) == (["a", "b"], ["x", "b"])
    assert total(d, x=7, b=2) == [[5.0]]


def test_calling_by_position_follows_list_arguments():
    a, b, x, y = variables("a", "b", "x", "y")
    assert (a - b)(x, y).list_arguments() == ["x", "y"]
    assert (a - b)(x).list_arguments() == ["x", "b"]


def test_calling_replaces_every_use_of_an_argument():
    a, x = variables("a", "x")
    assert total((a * a + a)(a=x + 1), x=2) == [[12.0]]


def test_an_argument_may_be_replaced_by_something_that_contains_it():
    a, b = variables("a", "b")
    c = a + b
    d = c(a=c * 10)
    # The outer one is a copy, with a variable `b` of its own.
    assert d.list_arguments() == ["a", "b", "b"]
    assert total(d, a=1, b=2) == [[32.0]]


def test_calling_with_a_name_renames_the_copy_alone():
    a, b, x = variables("a", "b", "x")
    c = mx.sym.elemwise_add(a, b, name="old")
    assert (c(a=x, name="new").name, c.name) == ("new", "old")
    assert c(name="new").list_outputs() == ["new_output"]


def test_calling_a_group_composes_all_members():
    a, b, x = variables("a", "b", "x")
    group = mx.sym.Group([a + b, a * b])(a=x)
    assert total(group, x=3, b=4) == [[7.0], [12.0]]


def test_nodes_are_shared_by_what_is_composed_of_them():
    a = mx.sym.Variable("a")
    inner = mx.sym.exp(a, name="inner")
    outer = inner * 2
    inner._set_attr(name="renamed", mood="fine")
    assert outer.get_internals().list_outputs() == ["a", "renamed_output", "_mulscalar0_output"]
    assert outer.attr_dict()["renamed"] == {"mood": "fine"}
    a._set_attr(name="q")
    assert outer.list_arguments() == ["q"]


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))])
def test_copies_are_equal_and_share_nothing(duplicate):
    fc = mx.sym.FullyConnected(mx.sym.Variable("x", attr={"mood": "fine"}), num_hidden=3, name="fc")
    twin = duplicate(fc)
    assert type(twin) is mx.sym.Symbol
    assert twin.tojson() == fc.tojson()
    twin._set_attr(name="other")
    twin.get_internals()["x"]._set_attr(mood="angry")
    assert fc.name == "fc"
    assert fc.attr_dict()["x"] == {"mood": "fine"}


def test_copies_keep_what_is_shared_inside_them():
    x = mx.sym.Variable("x")
    shared = mx.sym.exp(x, name="e")
    twin = copy.deepcopy(shared * shared)
    assert twin.get_internals().list_outputs() == ["x", "e_output", "_mul0_output"]


def test_a_group_has_the_outputs_of_its_members_in_order():
    a, b = variables("a", "b")
    group = mx.sym.Group([a + b, b, a + b])
    assert group.list_outputs() == ["_plus0_output", "b", "_plus1_output"]
    assert (len(group), group.name, group.attr("mood"), group.list_attr()) == (3, None, None, {})
    e = mx.sym.exp(a, name="e")
    assert mx.sym.Group([e, e]).list_outputs() == ["e_output", "e_output"]


def test_groups_nest_flat():
    a, b, c = variables("a", "b", "c")
    assert mx.sym.Group([mx.sym.Group([a, b]), c]).list_outputs() == ["a", "b", "c"]


def test_indexing_by_number_name_and_slice():
    group = mx.sym.Group(variables("a", "b", "c"))
    assert [group[0].name, group[np.int64(2)].name, group["b"].name] == ["a", "c", "b"]
    assert group[0:2].list_outputs() == ["a", "b"]
    assert group[::2].list_outputs() == ["a", "c"]
    assert group[1:].list_outputs() == ["b", "c"]


def test_outputs_of_one_operator_are_found_by_their_names():
    parts = mx.sym.SliceChannel(mx.sym.Variable("x"), num_outputs=2, name="s")
    assert parts["s_output1"].list_outputs() == ["s_output1"]
    assert [p.list_outputs() for p in parts] == [["s_output0"], ["s_output1"]]
    a, b = parts
    assert total(b - a, x=[[1.0, 5.0]]) == [[[4.0]]]


def test_iteration_length_and_membership():
    group = mx.sym.Group(variables("a", "b"))
    assert [s.name for s in group] == ["a", "b"]
    assert len(list(mx.sym.Variable("x"))) == 1
    assert "a" in group and "x" not in group


def test_repr_names_the_symbol_or_the_members():
    a, b = variables("a", "b")
    assert repr(a) == "<Symbol a>"
    assert repr(a + b) == "<Symbol _plus0>"
    assert repr(mx.sym.Group([a, b])) == "<Symbol group [a, b]>"


def test_internals_list_every_visible_output_inputs_first():
    x = mx.sym.Variable("x")
    bn = mx.sym.BatchNorm(x, name="bn")
    net = mx.sym.Activation(bn, act_type="relu", name="r")
    names = ["x", "bn_gamma", "bn_beta", "bn_moving_mean", "bn_moving_var", "bn_output", "r_output"]
    assert net.get_internals().list_outputs() == names
    assert net.get_internals().name is None
    assert net.get_internals()["bn_output"].list_arguments() == ["x", "bn_gamma", "bn_beta"]
    assert net.list_auxiliary_states() == ["bn_moving_mean", "bn_moving_var"]
    assert net.list_inputs() == names[:5]


def test_children_are_the_inputs():
    a, b = variables("a", "b")
    c = a + b
    assert c.get_children().list_outputs() == ["a", "b"]
    assert a.get_children() is None
    both = mx.sym.Group([mx.sym.exp(a), mx.sym.exp(a)])
    assert both.get_children().list_outputs() == ["a", "a"]


def test_names_may_occur_twice():
    twice = mx.sym.Variable("x") * 2 + mx.sym.Variable("x")
    assert twice.list_arguments() == ["x", "x"]
    executor = twice.bind(mx.cpu(), [mx.nd.array([10.0]), mx.nd.array([1.0])])
    assert executor.forward()[0].asnumpy().tolist() == [21.0]


def test_arguments_of_one_name_may_have_different_shapes():
    group = mx.sym.Group([mx.sym.Variable("x") * 2, mx.sym.Variable("x") * 3])
    executor = group.bind(mx.cpu(), [mx.nd.array([1.0]), mx.nd.array([2.0, 3.0])])
    assert [o.asnumpy().tolist() for o in executor.forward()] == [[2.0], [6.0, 9.0]]
    assert group.infer_shape((1,), (2,))[1] == [(1,), (2,)]
    assert group.infer_shape(x=(4,))[0] == [(4,), (4,)]


def test_debug_str_describes_every_node():
    fc = mx.sym.FullyConnected(mx.sym.Variable("x"), num_hidden=3, name="fc", attr={"mood": "fine"})
    text = fc.debug_str()
    assert text.startswith("Symbol Outputs:\n\toutput[0]=fc(0)\n")
    for line in (
        "Variable:x\n",
        "Variable:fc_weight\n",
        "Op:FullyConnected, Name=fc\n",
        "arg[0]=x(0)",
        "\tnum_hidden=3\n",
        "\tmood=fine\n",
    ):
        assert line in text


def test_gradient_is_a_symbol_of_the_derivatives():
    x, y = variables("x", "y")
    gradient = (x * x * y).gradient(["x", "y"])
    assert len(gradient) == 2
    values = dict(x=mx.nd.array([3.0]), y=mx.nd.array([5.0]))
    known = {name: values[name] for name in gradient.list_arguments() if name in values}
    heads = [n for n in gradient.list_arguments() if n not in values]
    results = gradient.eval(**known, **{h: mx.nd.ones((1,)) for h in heads})
    assert [r.asnumpy().tolist() for r in results] == [[30.0], [9.0]]


def test_gradient_of_an_unknown_name_is_an_error_that_names_it():
    with pytest.raises((ValueError, mx.MXNetError), match="nope"):
        mx.sym.exp(mx.sym.Variable("x")).gradient(["nope"])
