"""The JSON text of whole graphs, byte for byte."""

from .support import snippet, table, text


def x(mx, name="x", **more):
    return mx.sym.Variable(name, **more)


def mlp(mx):
    net = mx.sym.FullyConnected(x(mx, "data"), name="fc1", num_hidden=128)
    net = mx.sym.Activation(net, name="relu1", act_type="relu")
    return mx.sym.SoftmaxOutput(mx.sym.FullyConnected(net, name="fc2", num_hidden=10), name="softmax")


def lenet(mx):
    net = x(mx, "data")
    for i, filters in enumerate((20, 50)):
        net = mx.sym.Activation(
            mx.sym.Convolution(net, kernel=(5, 5), num_filter=filters, name=f"conv{i}"), act_type="tanh", name=f"tanh{i}"
        )
        net = mx.sym.Pooling(net, pool_type="avg", kernel=(2, 2), stride=(2, 2), name=f"pool{i}")
    return mx.sym.SoftmaxOutput(mx.sym.FullyConnected(mx.sym.Flatten(net), num_hidden=10, name="fc"), name="softmax")


def residual(mx):
    net = x(mx, "data")
    for i in range(2):
        short = net
        for j in range(2):
            net = mx.sym.BatchNorm(net, fix_gamma=False, eps=2e-5, momentum=0.9, name=f"bn{i}{j}")
            net = mx.sym.Convolution(
                mx.sym.Activation(net, act_type="relu"),
                num_filter=4,
                kernel=(3, 3),
                pad=(1, 1),
                no_bias=True,
                workspace=256,
                name=f"conv{i}{j}",
            )
        net = net + short
    return mx.sym.Pooling(net, global_pool=True, kernel=(7, 7), pool_type="avg", name="pool")


def lstm(mx):
    h, c = x(mx, "h"), x(mx, "c")
    wx, wh = x(mx, "wx"), x(mx, "wh")
    for t in range(2):
        gates = mx.sym.FullyConnected(x(mx, f"t{t}"), weight=wx, num_hidden=16, name=f"i2h{t}") + mx.sym.FullyConnected(
            h, weight=wh, num_hidden=16, name=f"h2h{t}"
        )
        i, g, f, o = mx.sym.SliceChannel(gates, num_outputs=4, name=f"gates{t}")
        c = mx.sym.sigmoid(f) * c + mx.sym.sigmoid(i) * mx.sym.tanh(g)
        h = mx.sym.sigmoid(o) * mx.sym.tanh(c)
    return mx.sym.Group([h, c])


def scoped(mx):
    with mx.AttrScope(ctx_group="dev1", __mood__="fine"):
        net = mx.sym.FullyConnected(x(mx, "data"), name="fc", num_hidden=2)
    with mx.AttrScope(ctx_group="dev2"):
        return mx.sym.BatchNorm(net, name="bn")


def tail(mx):
    data = x(mx, "data", shape=(0, 3), lr_mult=2, wd_mult=0.1, dtype="float64", init="zeros", attr={"mood": "angry"})
    return mx.sym.exp(data, name="e", attr={"__a__": "1", "lr_mult": "3"})


GRAPHS = {
    "variable": x,
    "variable_with_everything": lambda mx: x(
        mx, "data", shape=(0, 3), lr_mult=2, wd_mult=0.1, dtype="float64", init="zeros", stype="default", attr={"mood": "angry"}
    ),
    "variable_one_attribute": lambda mx: x(mx, attr={"mood": "a"}),
    "variable_text_to_escape": lambda mx: x(mx, 'a"b\\c\n\t/é', attr={"__key__": 'v"\\\n\té'}),
    "operator_attributes": tail,
    "mlp": mlp,
    "lenet": lenet,
    "residual": residual,
    "lstm": lstm,
    "scoped": scoped,
    "plus": lambda mx: x(mx) + x(mx, "y"),
    "formula": lambda mx: (x(mx) + 1) * (2 - x(mx, "y")) / 3 - x(mx) ** 2,
    "formula_shared": lambda mx: (lambda a: (a + 1) * (a - 1) + a)(x(mx)),
    "comparisons": lambda mx: mx.sym.Group([x(mx) > 1, x(mx) == x(mx, "y"), -x(mx), 2 ** x(mx), abs(x(mx)), x(mx) % 2]),
    "concat": lambda mx: mx.sym.Concat(x(mx, "a"), x(mx, "b"), x(mx, "c"), dim=0, name="c"),
    "concat_lower": lambda mx: mx.sym.concat(*[x(mx, n) for n in "abc"], dim=2),
    "add_n": lambda mx: mx.sym.add_n(x(mx, "a"), x(mx, "b"), name="s"),
    "element_wise_sum": lambda mx: mx.sym.ElementWiseSum(*[x(mx, n) for n in "abc"], name="s"),
    "stack": lambda mx: mx.sym.stack(x(mx, "a"), x(mx, "b"), axis=1),
    "upsampling": lambda mx: mx.sym.UpSampling(x(mx), scale=2, sample_type="nearest", num_args=1, name="up"),
    "upsampling_bilinear": lambda mx: mx.sym.UpSampling(
        x(mx), scale=2, sample_type="bilinear", num_filter=3, num_args=1, name="up"
    ),
    "crop_two": lambda mx: mx.sym.Crop(x(mx), x(mx, "like"), num_args=2, name="c"),
    "split": lambda mx: mx.sym.SliceChannel(x(mx), num_outputs=3, name="s"),
    "split_one": lambda mx: mx.sym.SliceChannel(x(mx), num_outputs=3, name="s")[1],
    "split_some": lambda mx: mx.sym.SliceChannel(x(mx), num_outputs=3, name="s")[1:],
    "split_used": lambda mx: (lambda s: s[2] * s[0])(mx.sym.SliceChannel(x(mx), num_outputs=3, name="s")),
    "batch_norm": lambda mx: mx.sym.BatchNorm(x(mx), name="bn"),
    "batch_norm_all": lambda mx: mx.sym.BatchNorm(x(mx), name="bn", output_mean_var=True),
    "batch_norm_attributes": lambda mx: mx.sym.BatchNorm(x(mx), name="bn", momentum=0.99, attr={"__g__": "1", "lr_mult": "0"}),
    "layer_norm": lambda mx: mx.sym.LayerNorm(x(mx), name="ln", axis=1),
    "dropout": lambda mx: mx.sym.Dropout(x(mx), p=0.3, name="d"),
    "leaky": lambda mx: mx.sym.LeakyReLU(x(mx), act_type="prelu", name="l"),
    "topk_both": lambda mx: mx.sym.topk(x(mx), k=2, ret_typ="both", name="t"),
    "embedding": lambda mx: mx.sym.Embedding(x(mx), input_dim=5, output_dim=3, name="e"),
    "reshape": lambda mx: mx.sym.Reshape(x(mx), shape=(-1, 0), reverse=True, name="r"),
    "slice_none": lambda mx: mx.sym.slice(x(mx), begin=(None, 1), end=(2, None), step=(None, -1), name="s"),
    "aliases": lambda mx: mx.sym.broadcast_plus(
        mx.sym.flatten(mx.sym.identity(x(mx))), mx.sym.stop_gradient(mx.sym.sum_axis(x(mx, "y"), axis=1))
    ),
    "created": lambda mx: mx.sym.zeros((2, 3)) + mx.sym.ones((2, 3)) * mx.sym.arange(3) - mx.sym.full((2,), 0.5),
    "loss": lambda mx: mx.sym.MakeLoss(mx.sym.smooth_l1(x(mx), scalar=1.5), grad_scale=0.1, normalization="batch"),
    "regression": lambda mx: mx.sym.LinearRegressionOutput(
        mx.sym.FullyConnected(x(mx), num_hidden=1, name="fc"), label=x(mx, "y"), name="lro"
    ),
    "deconvolution": lambda mx: mx.sym.Deconvolution(
        x(mx), kernel=(4, 4), stride=(2, 2), pad=(1, 1), num_filter=3, no_bias=False, name="d"
    ),
    "cast": lambda mx: mx.sym.Cast(x(mx), dtype="float16", name="c"),
    "rnn": lambda mx: mx.sym.RNN(x(mx), state_size=3, num_layers=2, mode="lstm", bidirectional=True, p=0.5, name="r"),
    "group": lambda mx: mx.sym.Group([mlp(mx), x(mx), mx.sym.exp(x(mx))]),
    "group_of_shared": lambda mx: (lambda a: mx.sym.Group([mx.sym.exp(a, name="e"), a, mx.sym.log(a, name="l")]))(x(mx)),
    "group_twice": lambda mx: mx.sym.Group([mx.sym.exp(x(mx), name="e")] * 2),
    "internals": lambda mx: mlp(mx).get_internals(),
    "internal": lambda mx: mlp(mx).get_internals()["relu1_output"],
    "children": lambda mx: mlp(mx).get_children(),
    "duplicate_names": lambda mx: mx.sym.exp(x(mx), name="x") + mx.sym.Variable("x"),
    "composed": lambda mx: mx.sym.exp(x(mx, "in"), name="e")(**{"in": mlp(mx)}),
    "parameters_as_text": lambda mx: mx.sym.Convolution(x(mx), kernel="(3,3)", num_filter="2", pad=[1, 1], no_bias=1, name="c"),
}
table("json", GRAPHS, text)


def survives(mx, sym):
    """Whether loading the text and writing it again gives the same text."""
    return text(mx.sym.load_json(text(sym))) == text(sym)


@snippet
def loading_and_writing_again_changes_nothing(mx):
    return {name: survives(mx, build(mx)) for name, build in GRAPHS.items()}


@snippet
def file_and_text_are_one(mx):
    import os
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "net-symbol.json")
        mlp(mx).save(path)
        with open(path) as file:
            written = file.read()
        return [
            mx.sym.load_json(written).tojson() == written,
            mx.sym.load(path).tojson() == written,
            mx.sym.load(path).list_arguments(),
        ]
