"""What a symbol lists: outputs, internals, children, groups, slices."""

from .support import lists, raised, snippet, table


def x(mx):
    return mx.sym.Variable("x")


def net(mx):
    hidden = mx.sym.FullyConnected(x(mx), name="fc1", num_hidden=8)
    hidden = mx.sym.Activation(hidden, name="relu1", act_type="relu")
    return mx.sym.SoftmaxOutput(mx.sym.FullyConnected(hidden, name="fc2", num_hidden=3), name="softmax")


def split(mx):
    return mx.sym.SliceChannel(x(mx), num_outputs=3, name="s")


LISTED = {
    "variable": x,
    "network": net,
    "split": split,
    "split_squeezed": lambda mx: mx.sym.SliceChannel(x(mx), num_outputs=2, squeeze_axis=True, name="s"),
    "batch_norm": lambda mx: mx.sym.BatchNorm(x(mx), name="bn"),
    "batch_norm_all": lambda mx: mx.sym.BatchNorm(x(mx), name="bn", output_mean_var=True),
    "layer_norm_all": lambda mx: mx.sym.LayerNorm(x(mx), name="ln", output_mean_var=True),
    "layer_norm": lambda mx: mx.sym.LayerNorm(x(mx), name="ln"),
    "group_norm_all": lambda mx: mx.sym.GroupNorm(x(mx), name="gn", output_mean_var=True),
    "group_norm": lambda mx: mx.sym.GroupNorm(x(mx), name="gn"),
    "rnn": lambda mx: mx.sym.RNN(x(mx), name="r", state_size=2, num_layers=1, mode="lstm"),
    "rnn_states": lambda mx: mx.sym.RNN(x(mx), name="r", state_size=2, num_layers=1, mode="lstm", state_outputs=True),
    "gru_states": lambda mx: mx.sym.RNN(x(mx), name="r", state_size=2, num_layers=1, mode="gru", state_outputs=True),
    "leaky": lambda mx: mx.sym.LeakyReLU(x(mx), name="l"),
    "prelu": lambda mx: mx.sym.LeakyReLU(x(mx), name="l", act_type="prelu"),
    "rrelu": lambda mx: mx.sym.LeakyReLU(x(mx), name="l", act_type="rrelu"),
    "topk": lambda mx: mx.sym.topk(x(mx), name="t"),
    "topk_both": lambda mx: mx.sym.topk(x(mx), name="t", ret_typ="both"),
    "topk_mask": lambda mx: mx.sym.topk(x(mx), name="t", ret_typ="mask"),
    "moments": lambda mx: mx.sym.moments(x(mx), axes=(0,), name="m"),
    "dropout": lambda mx: mx.sym.Dropout(x(mx), name="d"),
    "lrn": lambda mx: mx.sym.LRN(x(mx), nsize=3, name="l"),
    "pooling": lambda mx: mx.sym.Pooling(x(mx), kernel=(2, 2), name="p"),
    "l2": lambda mx: mx.sym.L2Normalization(x(mx), name="l"),
    "instance_norm": lambda mx: mx.sym.InstanceNorm(x(mx), name="i"),
    "ctc": lambda mx: mx.sym.CTCLoss(x(mx), name="c"),
    "sort": lambda mx: mx.sym.sort(x(mx), name="s"),
    "slogdet": lambda mx: mx.sym.linalg.slogdet(x(mx), name="s"),
    "group": lambda mx: mx.sym.Group([net(mx), split(mx)]),
    "group_of_one": lambda mx: mx.sym.Group([net(mx)]),
    "group_twice": lambda mx: mx.sym.Group([mx.sym.exp(x(mx), name="e")] * 2),
    "group_in_group": lambda mx: mx.sym.Group([mx.sym.Group([x(mx), split(mx)]), x(mx)]),
    "group_of_variables": lambda mx: mx.sym.Group([x(mx), mx.sym.Variable("y")]),
    "internals": lambda mx: net(mx).get_internals(),
    "internals_hidden": lambda mx: mx.sym.Dropout(mx.sym.BatchNorm(x(mx), name="bn"), name="d").get_internals(),
    "internals_split": lambda mx: split(mx).get_internals(),
    "internals_of_one_output": lambda mx: split(mx)[1].get_internals(),
    "internal_by_name": lambda mx: net(mx).get_internals()["relu1_output"],
    "internal_variable": lambda mx: net(mx).get_internals()["fc1_weight"],
    "children": lambda mx: net(mx).get_children(),
    "children_of_group": lambda mx: mx.sym.Group([net(mx), net(mx), mx.sym.exp(x(mx))]).get_children(),
    "children_of_batch_norm": lambda mx: mx.sym.BatchNorm(x(mx), name="bn").get_children(),
    "output_0": lambda mx: split(mx)[0],
    "output_2": lambda mx: split(mx)[2],
    "output_slice": lambda mx: split(mx)[0:2],
    "output_slice_end": lambda mx: split(mx)[1:],
    "output_slice_step": lambda mx: split(mx)[::2],
    "output_by_name": lambda mx: split(mx)["s_output1"],
    "only_output": lambda mx: net(mx)[0],
    "sum_of_outputs": lambda mx: split(mx)[0] + split(mx)[2],
    "iterated": lambda mx: mx.sym.Group(list(split(mx))),
    "diamond": lambda mx: (lambda v: mx.sym.exp(v, name="e") + mx.sym.log(v, name="l"))(x(mx)),
}
table("lists", LISTED, lists)


@snippet
def lengths(mx):
    return [
        len(s) for s in (x(mx), net(mx), split(mx), split(mx)[0:2], mx.sym.Group([net(mx), split(mx)]), net(mx).get_internals())
    ]


@snippet
def children_of_a_variable(mx):
    return x(mx).get_children()


@snippet
def list_inputs(mx):
    return [
        mx.sym.BatchNorm(x(mx), name="bn").list_inputs(),
        net(mx).list_inputs(),
        split(mx)[1].list_inputs(),
        mx.sym.Group([x(mx), x(mx)]).list_inputs(),
    ]


@snippet
def indexing_errors(mx):
    s = split(mx)
    return [
        raised(lambda: s["missing"]),
        raised(lambda: s[3]),
        raised(lambda: s[-1]),
        raised(lambda: s[1.5]),
        raised(lambda: net(mx)["fc1_output"]),
    ]


@snippet
def a_name_twice_cannot_be_chosen(mx):
    e = mx.sym.exp(x(mx), name="e")
    return raised(lambda: mx.sym.Group([e, e])["e_output"])


@snippet
def several_outputs_are_no_input(mx):
    s = split(mx)
    return [
        raised(lambda: mx.sym.exp(s)),
        raised(lambda: s + 1),
        raised(lambda: mx.sym.Concat(s, x(mx))),
        mx.sym.exp(s[1]).list_outputs(),
    ]


@snippet
def hidden_outputs_leave_one_input(mx):
    b = mx.sym.BatchNorm(x(mx), name="bn")
    return [
        mx.sym.exp(b, name="e").list_arguments(),
        len(b),
        raised(lambda: mx.sym.exp(mx.sym.BatchNorm(x(mx), output_mean_var=True))),
    ]


@snippet
def order_of_arguments(mx):
    a, b, c = (mx.sym.Variable(n) for n in "abc")
    return [
        (a + b * c).list_arguments(),
        (c * b + a).list_arguments(),
        mx.sym.FullyConnected(data=c, weight=b, bias=a, num_hidden=1).list_arguments(),
        ((a + b) * (c + a)).list_arguments(),
        mx.sym.Group([c, a + b]).list_arguments(),
    ]


@snippet
def order_of_internals(mx):
    a, b, c = (mx.sym.Variable(n) for n in "abc")
    return [((a + b) * (c + a)).get_internals().list_outputs(), mx.sym.Group([c, a + b]).get_internals().list_outputs()]


@snippet
def auxiliary_of_a_shared_layer(mx):
    mean, gamma = mx.sym.Variable("m"), mx.sym.Variable("g")
    b = mx.sym.BatchNorm(x(mx), gamma=gamma, moving_mean=mean, name="bn")
    return [b.list_arguments(), b.list_auxiliary_states(), b.get_internals().list_outputs()]
