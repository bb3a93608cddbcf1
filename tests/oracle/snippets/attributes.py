"""Attributes: given directly, from a scope, copied onto created variables.

Not asked: whether `attr("x")` finds `__x__`. MXNet finds it for four keys alone, rsym for any.
"""

from .support import attributes, raised, seed, snippet


def x(mx, **more):
    return mx.sym.Variable("x", **more)


def fc(mx, **more):
    return mx.sym.FullyConnected(x(mx), name="fc", num_hidden=4, **more)


@snippet
def of_a_variable(mx):
    v = x(mx, attr={"mood": "angry", "__size__": "5"})
    return [v.attr("mood"), v.attr("__size__"), v.attr("missing"), v.list_attr(), v.attr_dict()]


@snippet
def parameters_are_found(mx):
    c = mx.sym.Convolution(x(mx), kernel=(3, 3), num_filter=2, stride=[1, 2], no_bias=True, workspace=512, name="c")
    return [c.attr(k) for k in ("kernel", "num_filter", "stride", "no_bias", "workspace", "pad", "kernels")]


@snippet
def of_keywords(mx):
    v = x(mx, shape=(2, 3), lr_mult=2.0, wd_mult=0.5, dtype="float64", init="zeros", stype="default")
    return [v.list_attr(), v.attr("lr_mult"), v.attr("__lr_mult__"), v.attr("__dtype__"), v.attr_dict()]


@snippet
def of_dtypes(mx):
    import numpy as np

    return [
        x(mx, dtype=d).attr("__dtype__")
        for d in ("float32", "float64", "float16", "uint8", "int32", "int8", "int64", np.float32, np.dtype("int64"))
    ]


@snippet
def of_shapes(mx):
    return [x(mx, shape=s).attr("__shape__") for s in ((), (1,), (2, 3), [2, 3], (0, 4))]


@snippet
def dunder_keywords(mx):
    v = x(mx, __group__="4")
    f = fc(mx, __mood__="fine")
    return [v.list_attr(), f.attr("__mood__"), attributes(f)]


@snippet
def special_keys_on_an_operator(mx):
    f = fc(mx, attr={"lr_mult": "2", "ctx_group": "dev1", "__wd_mult__": "3"})
    return [
        f.attr("lr_mult"),
        f.attr("__lr_mult__"),
        f.attr("ctx_group"),
        f.attr("__ctx_group__"),
        f.attr("__wd_mult__"),
        f.attr("wd_mult"),
        attributes(f),
    ]


@snippet
def special_keys_on_a_variable(mx):
    v = x(mx, attr={"lr_mult": "2", "force_mirroring": "True", "wd_mult": "0"})
    return [v.list_attr(), v.attr_dict()]


@snippet
def special_keywords_on_an_operator(mx):
    return [
        attributes(fc(mx, lr_mult="0.1")),
        raised(lambda: fc(mx, lr_mult=0.1)),
        raised(lambda: fc(mx, profiler_scope="s")),
        raised(lambda: fc(mx, init="zeros")),
        raised(lambda: fc(mx, shape=(2,))),
    ]


@snippet
def hidden_keys_of_old(mx):
    return fc(mx, attr={"__weight_lr_mult__": "1"}).attr("__weight_lr_mult__")


@snippet
def copied_to_created_variables_alone(mx):
    w = mx.sym.Variable("w", attr={"__mine__": "1"})
    f = mx.sym.FullyConnected(x(mx), weight=w, name="fc", num_hidden=4, attr={"__group__": "a", "lr_mult": "2"})
    return attributes(f)


@snippet
def copied_to_auxiliary_variables(mx):
    return attributes(mx.sym.BatchNorm(x(mx), name="bn", fix_gamma=False, attr={"__group__": "a"}))


@snippet
def scope(mx):
    with mx.AttrScope(__group__="4", __data__="great", ctx_group="dev"):
        v = x(mx)
        f = fc(mx)
    return [v.list_attr(), attributes(f), fc(mx).attr("__group__")]


@snippet
def nested_scopes(mx):
    with mx.AttrScope(__a__="1", __b__="1"):
        with mx.AttrScope(__b__="2", __c__="2"):
            inner = x(mx).list_attr()
        outer = x(mx).list_attr()
    return [inner, outer, x(mx).list_attr()]


@snippet
def explicit_beats_scope(mx):
    with mx.AttrScope(__a__="1", lr_mult="3"):
        return [x(mx, attr={"__a__": "2"}).list_attr(), fc(mx, attr={"__a__": "5"}).attr("__a__"), x(mx, lr_mult=7).list_attr()]


@snippet
def plain_scope_on_a_variable(mx):
    with mx.AttrScope(mood="fine"):
        return [x(mx).list_attr(), x(mx, attr={"mood": "bad"}).attr("mood")]


@snippet
def scope_of_one_entered_twice(mx):
    one = mx.AttrScope(__a__="1")
    with one:
        first = x(mx).attr("__a__")
    with one:
        second = x(mx).attr("__a__")
    return [first, second, x(mx).attr("__a__")]


@snippet
def set_attr(mx):
    v = x(mx)
    v._set_attr(mood="angry", __lr_mult__="2")
    f = fc(mx)
    f._set_attr(__x__="1")
    return [v.list_attr(), v.attr("lr_mult"), f.attr("__x__"), attributes(f)]


@snippet
def set_attr_overwrites_and_is_seen_through_users(mx):
    v = x(mx, attr={"__a__": "1"})
    e = mx.sym.exp(v, name="e")
    v._set_attr(__a__="2")
    return [v.attr("__a__"), e.attr_dict()]


@snippet
def wrong_kinds(mx):
    return [
        raised(lambda: x(mx, attr={"a": 1})),
        raised(lambda: mx.AttrScope(a=1)),
        raised(lambda: x(mx, mood="fine")),
        raised(lambda: x(mx)._set_attr(a=1)),
    ]


@snippet
def values_are_kept_as_written(mx):
    f = mx.sym.Convolution(x(mx), kernel="(3,3)", num_filter="2", pad=[1, 1], stride=(1, 1), no_bias=1, name="c")
    d = mx.sym.Dropout(x(mx), p=0.5)
    c = mx.sym.clip(x(mx), a_min=1e-7, a_max=-0.0)
    s = mx.sym.slice(x(mx), begin=(None, 1), end=(2, None))
    m = mx.sym.sum(x(mx), axis=(1,), keepdims=True)
    return [
        f.attr("kernel"),
        f.attr("num_filter"),
        f.attr("pad"),
        f.attr("no_bias"),
        d.attr("p"),
        c.attr("a_min"),
        c.attr("a_max"),
        s.attr("begin"),
        s.attr("end"),
        m.attr("axis"),
        m.attr("keepdims"),
        m.attr("exclude"),
    ]


@snippet
def dtype_parameters(mx):
    import numpy as np

    return [mx.sym.Cast(x(mx), dtype=d).attr("dtype") for d in ("float32", np.float64, np.dtype("int8"))]


@snippet
def of_a_group_and_of_an_output(mx):
    s = mx.sym.SliceChannel(x(mx, attr={"__v__": "1"}), num_outputs=2, name="s", attr={"__g__": "1"})
    return [s.attr("__g__"), s[0].attr("__g__"), s.attr_dict(), mx.sym.Group([s, x(mx)]).attr_dict()]


@snippet
def auxiliary_initializers(mx):
    return {k: v.get("__init__") for k, v in mx.sym.BatchNorm(x(mx), name="bn").attr_dict().items()}


@snippet
def variable_arguments(mx):
    return [
        raised(lambda: mx.sym.Variable(None)),
        raised(lambda: mx.sym.Variable(3)),
        mx.sym.var("q").name,
        mx.sym.Variable("a b/c:é").name,
    ]


# From here on the seed wins: any key goes on an operator, `list_attr` tells the user's attributes alone,
# and `list_attr(recursive=True)` works.


@seed(
    [
        {"mood": "so so"},
        "so so",
        "(1, 1)",
        {"data_mood": "angry", "conv_mood": "so so", "conv_weight_mood": "so so", "conv_bias_mood": "so so"},
    ]
)
def plain_key_on_an_operator(mx):
    data = mx.sym.Variable("data", attr={"mood": "angry"})
    op = mx.sym.Convolution(data=data, name="conv", kernel=(1, 1), num_filter=1, attr={"mood": "so so"})
    return [op.list_attr(), op.attr("mood"), op.attr("kernel"), op.list_attr(recursive=True)]


@seed({"conv_mood": "so so", "conv_bias_mood": "so so", "crazy_weight_size": "5", "data_mood": "angry"})
def explicit_variables_inherit_nothing(mx):
    weight = mx.sym.Variable("crazy_weight", attr={"size": "5"})
    data = mx.sym.Variable("data", attr={"mood": "angry"})
    op = mx.sym.Convolution(data=data, weight=weight, name="conv", kernel=(1, 1), num_filter=1, attr={"mood": "so so"})
    return op.list_attr(recursive=True)


@seed(["great", "great", "0.0", "4", None])
def plain_scope_on_operators(mx):
    data = mx.sym.Variable("data")
    with mx.AttrScope(group="4", data="great"):
        fc1 = mx.sym.Activation(data, act_type="relu")
        with mx.AttrScope(init_bias="0.0"):
            fc2 = mx.sym.FullyConnected(fc1, num_hidden=10, name="fc2")
    return [
        fc1.attr("data"),
        fc2.attr("data"),
        fc2.attr("init_bias"),
        fc2.get_internals()["fc2_weight"].attr("group"),
        data.attr("data"),
    ]


@seed([{}, {"__lr_mult__": "2", "lr_mult": "2"}, {"__mood__": "m"}])
def list_attr_of_an_operator_is_without_parameters(mx):
    return [fc(mx).list_attr(), fc(mx, attr={"lr_mult": "2"}).list_attr(), fc(mx, __mood__="m").list_attr()]


@seed("raises ValueError")
def operators_take_text_alone(mx):
    return raised(lambda: fc(mx, attr={"__a__": 1}))
