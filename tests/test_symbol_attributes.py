"""User attributes: where they come from, where they go, under which names they are seen."""

import pytest

import rsym as mx


@pytest.fixture(autouse=True)
def fresh_names():
    with mx.name.NameManager():
        yield


def variable(**more):
    return mx.sym.Variable("x", **more)


def fc(data=None, **more):
    return mx.sym.FullyConnected(variable() if data is None else data, name="fc", num_hidden=4, **more)


ODD_KEYS = ["mood", "__mood__", "num_hidden_", "with space", "ключ", "a.b", "_", "", "shape", "data", "weight", "name_"]


@pytest.mark.parametrize("key", ODD_KEYS)
def test_any_text_is_a_key_on_variables_and_operators(key):
    assert variable(attr={key: "v"}).list_attr() == {key: "v"}
    assert fc(attr={key: "v"}).list_attr() == {key: "v"}
    with mx.AttrScope(**{key: "scoped"}):
        assert variable().list_attr() == {key: "scoped"}
        assert fc().list_attr() == {key: "scoped"}


@pytest.mark.parametrize("key", ODD_KEYS)
def test_attributes_survive_files(key):
    net = fc(attr={key: "v"})
    again = mx.sym.load_json(net.tojson())
    assert again.list_attr() == {key: "v"}
    assert again.list_attr(recursive=True) == net.list_attr(recursive=True)
    assert again.tojson() == net.tojson()


def test_created_variables_take_the_attributes_and_given_ones_do_not():
    weight = mx.sym.Variable("w", attr={"size": "5"})
    net = mx.sym.FullyConnected(variable(attr={"mood": "angry"}), weight=weight, name="fc", num_hidden=4, attr={"mood": "so so"})
    assert net.list_attr(recursive=True) == {
        "x_mood": "angry",
        "w_size": "5",
        "fc_bias_mood": "so so",
        "fc_mood": "so so",
    }


def test_created_auxiliary_states_take_the_attributes_too():
    bn = mx.sym.BatchNorm(variable(), name="bn", attr={"mood": "fine"})
    found = bn.attr_dict()
    assert found["bn_moving_mean"]["mood"] == found["bn_gamma"]["mood"] == "fine"
    assert found["bn_moving_mean"]["__init__"] == '["zero", {}]'
    assert found["bn_moving_var"]["__init__"] == '["one", {}]'


def test_parameters_are_no_attributes_but_attr_and_attr_dict_find_them():
    net = fc(attr={"mood": "fine"})
    assert net.list_attr() == {"mood": "fine"}
    assert (net.attr("num_hidden"), net.attr("no_bias"), net.attr("mood")) == ("4", None, "fine")
    assert net.attr_dict() == {
        "fc": {"num_hidden": "4", "mood": "fine"},
        "fc_weight": {"mood": "fine"},
        "fc_bias": {"mood": "fine"},
    }


@pytest.mark.parametrize("key", ["lr_mult", "wd_mult", "ctx_group", "force_mirroring"])
def test_special_keys_are_seen_under_both_names(key):
    for symbol in (variable(attr={key: "2"}), fc(attr={key: "2"}), variable(attr={"__%s__" % key: "2"})):
        assert symbol.list_attr() == {key: "2", "__%s__" % key: "2"}
        assert symbol.attr(key) == symbol.attr("__%s__" % key) == "2"
        assert '"__%s__": "2"' % key in symbol.tojson() and '"%s": "2"' % key not in symbol.tojson()


def test_attr_finds_the_dunder_form_of_a_key():
    assert variable(attr={"__mood__": "fine"}).attr("mood") == "fine"
    assert variable().attr("mood") is None


def test_keywords_of_variables_become_dunder_attributes():
    v = variable(shape=(2, 3), lr_mult=2.0, wd_mult=0.5, dtype="float64", init="zeros", __mood__="fine")
    expected = {
        "__shape__": "(2, 3)",
        "__lr_mult__": "2.0",
        "__wd_mult__": "0.5",
        "__dtype__": "1",
        "__init__": "zeros",
        "__mood__": "fine",
    }
    assert v.list_attr() == {**expected, "lr_mult": "2.0", "wd_mult": "0.5"}


@pytest.mark.parametrize(
    "dtype, number", [("float32", 0), ("float64", 1), ("float16", 2), ("uint8", 3), ("int32", 4), ("int8", 5), ("int64", 6)]
)
def test_types_are_stored_by_number_and_take_part_in_inference(dtype, number):
    v = variable(dtype=dtype)
    assert v.attr("__dtype__") == str(number)
    assert (v * 2).infer_type()[1] == [mx.nd.zeros((1,), dtype=dtype).dtype]


def test_shapes_take_part_in_inference_and_given_ones_win():
    net = fc(variable(shape=(0, 3)))
    assert net.infer_shape_partial()[0][1] == (4, 3)
    assert net.infer_shape(x=(2, 5))[1] == [(2, 4)]
    assert mx.sym.Variable("x", shape=7).attr("__shape__") == "(7,)"


def test_initializers_are_stored_by_what_they_dump():
    class Fill:
        def dumps(self):
            return '["fill", {"value": 3}]'

    assert variable(init=Fill()).attr("__init__") == '["fill", {"value": 3}]'


def test_scopes_give_and_explicit_attributes_win():
    with mx.AttrScope(mood="outer", group="4"):
        with mx.AttrScope(mood="inner"):
            assert variable().list_attr() == {"mood": "inner", "group": "4"}
            assert variable(attr={"mood": "own"}).attr("mood") == "own"
            assert fc(attr={"mood": "own"}).attr_dict()["fc_weight"] == {"mood": "own", "group": "4"}
    assert variable().list_attr() == {}


def test_dunder_keywords_of_operators_are_attributes():
    net = fc(__mood__="fine")
    assert net.list_attr() == {"__mood__": "fine"}
    assert net.attr_dict()["fc_weight"] == {"__mood__": "fine"}


def test_arithmetic_takes_the_attributes_of_the_scope():
    with mx.AttrScope(ctx_group="dev1"):
        assert (variable() + 1).attr("ctx_group") == "dev1"


def test_set_attr_changes_the_node_for_all_who_share_it():
    x = variable()
    net = mx.sym.exp(x)
    x._set_attr(mood="fine", lr_mult="2")
    assert net.attr_dict()["x"] == {"mood": "fine", "lr_mult": "2", "__lr_mult__": "2"}


@pytest.mark.parametrize("value", [3, 2.5, None, (1,), b"x"])
def test_values_that_are_no_text_are_named(value):
    for call in (
        lambda: variable(attr={"good_key": value}),
        lambda: fc(attr={"good_key": value}),
        lambda: mx.AttrScope(good_key=value),
        lambda: variable()._set_attr(good_key=value),
    ):
        with pytest.raises(ValueError, match="good_key"):
            call()


def test_a_failed_set_attr_changes_nothing():
    x = variable()
    with pytest.raises(ValueError):
        x._set_attr(first="fine", second=2)
    assert x.list_attr() == {}


def test_keys_that_are_no_text_are_named():
    with pytest.raises(ValueError, match="attribute 3.*key must be text"):
        variable(attr={3: "v"})
    with pytest.raises(ValueError, match="attribute 3.*key must be text"):
        fc(attr={3: "v"})


def test_attr_must_be_a_dict():
    for call in (variable, fc):
        with pytest.raises(TypeError, match="attr must be a dict.*'mood'"):
            call(attr="mood")


@pytest.mark.parametrize(
    "key, mend", [("weight_lr_mult", "weight=Variable.*lr_mult"), ("bias_wd_mult", "bias=Variable.*wd_mult")]
)
def test_attributes_for_an_input_name_their_replacement(key, mend):
    with pytest.raises(mx.MXNetError, match=mend):
        fc(attr={key: "2"})
    assert fc(attr={"__%s__" % key: "2"}).attr("__%s__" % key) == "2"


def test_unknown_keywords_of_variables_are_refused_with_the_mend():
    with pytest.raises(ValueError, match="mood.*double underscores"):
        variable(mood="fine")


def test_a_group_has_no_attributes_to_set():
    group = mx.sym.Group([variable(), mx.sym.Variable("y")])
    with pytest.raises(mx.MXNetError, match="group"):
        group._set_attr(mood="fine")
    assert group.list_attr(recursive=True) == {}
