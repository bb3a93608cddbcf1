"""Composition, copies, pickling, and what a symbol refuses to be.

Composition by position is left out: MXNet 1.9.1 refuses it for everything but a lone operator.
Composition of a group is left out: MXNet changes nothing there.
"""

from .support import lists, raised, snippet, text


def x(mx, name="x"):
    return mx.sym.Variable(name)


def net(mx):
    return mx.sym.FullyConnected(x(mx, "data"), name="fc", num_hidden=3)


@snippet
def by_keyword(mx):
    first = net(mx)
    second = mx.sym.FullyConnected(x(mx, "in"), name="fc2", num_hidden=2)
    return [lists(second(**{"in": first})), lists(second)]


@snippet
def by_keyword_with_a_new_name(mx):
    first = net(mx)
    second = mx.sym.FullyConnected(x(mx, "in"), name="fc2", num_hidden=2)
    return [lists(second(**{"in": first}, name="new")), lists(second)]


@snippet
def of_a_shared_variable(mx):
    v = x(mx)
    s = mx.sym.exp(v, name="e") + mx.sym.log(v, name="l")
    return [lists(s(x=net(mx))), lists(s)]


@snippet
def keeps_attributes(mx):
    e = mx.sym.exp(x(mx), name="e", attr={"__a__": "1"})
    return e(x=mx.sym.Variable("y", attr={"__b__": "2"})).attr_dict()


@snippet
def wrong_calls(mx):
    e = mx.sym.exp(x(mx), name="e")
    return [
        raised(lambda: e(x(mx), x=x(mx, "y"))),
        raised(lambda: e(missing=x(mx, "y"))),
        raised(lambda: e(3)),
        raised(lambda: e(x="y")),
    ]


@snippet
def copies(mx):
    import copy

    e = net(mx)
    d, c = copy.deepcopy(e), copy.copy(e)
    d._set_attr(__a__="1")
    return [text(d) == text(e), text(c) == text(e), e.attr("__a__"), d.attr("__a__")]


@snippet
def pickles(mx):
    import pickle

    e = mx.sym.Group([net(mx), mx.sym.SliceChannel(x(mx), num_outputs=2, name="s")])
    return [text(pickle.loads(pickle.dumps(e))) == text(e), lists(pickle.loads(pickle.dumps(e)))]


@snippet
def representations(mx):
    s = mx.sym.SliceChannel(x(mx), num_outputs=2, name="s")
    return [repr(x(mx)), repr(net(mx)), repr(s), repr(s[1]), repr(mx.sym.Group([net(mx), s]))]


@snippet
def no_truth_value(mx):
    return [raised(lambda: bool(x(mx) == x(mx))), raised(lambda: bool(x(mx)))]


@snippet
def names_and_groups(mx):
    g = mx.sym.Group([x(mx), net(mx)])
    return [
        g.name,
        g.get_internals().name,
        g[0].name,
        g[1].name,
        [s.name for s in g],
        raised(lambda: mx.sym.Group([])),
        raised(lambda: mx.sym.Group([1])),
    ]


@snippet
def from_json(mx):
    s = mx.sym.load_json(text(mx.sym.SoftmaxOutput(net(mx), name="softmax")))
    return [lists(s), text(s) == text(mx.sym.load_json(text(s)))]


@snippet
def internals_are_usable(mx):
    inner = mx.sym.SoftmaxOutput(net(mx), name="softmax").get_internals()
    return [lists(inner["fc_output"]), lists(mx.sym.exp(inner["fc_output"], name="e")), lists(inner[1])]


@snippet
def fluent_methods(mx):
    v = x(mx)
    return [
        lists(s)
        for s in (
            v.reshape(shape=(2, 3)),
            v.sum(axis=0, name="s"),
            v.slice_axis(axis=0, begin=0, end=1),
            v.split(num_outputs=2),
            v.one_hot(depth=3),
            v.take(x(mx, "i")),
            v.dot(x(mx, "w")) if hasattr(v, "dot") else v,
            v.argmax(axis=0),
            v.broadcast_to(shape=(2,)),
            v.softmax(),
            v.relu(),
            v.log(),
            v.zeros_like(),
            v.tile(reps=(2,)),
            v.flip(axis=0),
            v.swapaxes(dim1=0, dim2=1),
            v.squeeze(),
            v.norm(),
            v.topk(k=2),
            v.astype(dtype="int32"),
        )
    ]
