"""Automatic names."""

from .support import snippet, table


def var(mx, name="x"):
    return mx.sym.Variable(name)


def pair(mx):
    return var(mx), var(mx, "y")


DUNDER = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "pow": lambda x, y: x**y,
    "mod": lambda x, y: x % y,
    "eq": lambda x, y: x == y,
    "ne": lambda x, y: x != y,
    "gt": lambda x, y: x > y,
    "ge": lambda x, y: x >= y,
    "lt": lambda x, y: x < y,
    "le": lambda x, y: x <= y,
}
NUMBER = {
    "add": lambda x: x + 2,
    "radd": lambda x: 2 + x,
    "sub": lambda x: x - 2,
    "rsub": lambda x: 2 - x,
    "mul": lambda x: x * 2,
    "rmul": lambda x: 2 * x,
    "div": lambda x: x / 2,
    "rdiv": lambda x: 2 / x,
    "pow": lambda x: x**2,
    "rpow": lambda x: 2**x,
    "mod": lambda x: x % 2,
    "rmod": lambda x: 2 % x,
    "neg": lambda x: -x,
    "abs": abs,
    "eq": lambda x: x == 2,
    "ne": lambda x: x != 2,
    "gt": lambda x: x > 2,
    "ge": lambda x: x >= 2,
    "lt": lambda x: x < 2,
    "le": lambda x: x <= 2,
    "reflected_gt": lambda x: 2 > x,
    "reflected_le": lambda x: 2 <= x,
    "float": lambda x: x + 2.5,
    "negative_float": lambda x: x * -0.1,
    "tiny": lambda x: x + 1e-7,
    "huge": lambda x: x * 1e20,
    "long": lambda x: x + 12345678901,
}
FUNCTION = {
    "maximum": lambda mx, x, y: mx.sym.maximum(x, y),
    "maximum_number": lambda mx, x, y: mx.sym.maximum(x, 2),
    "number_maximum": lambda mx, x, y: mx.sym.maximum(2, x),
    "minimum": lambda mx, x, y: mx.sym.minimum(x, y),
    "minimum_number": lambda mx, x, y: mx.sym.minimum(x, 2),
    "number_minimum": lambda mx, x, y: mx.sym.minimum(2, x),
    "hypot": lambda mx, x, y: mx.sym.hypot(x, y),
    "hypot_number": lambda mx, x, y: mx.sym.hypot(x, 2),
    "number_hypot": lambda mx, x, y: mx.sym.hypot(2, x),
    "pow": lambda mx, x, y: mx.sym.pow(x, y),
    "pow_number": lambda mx, x, y: mx.sym.pow(x, 2),
    "number_pow": lambda mx, x, y: mx.sym.pow(2, x),
    "power": lambda mx, x, y: mx.sym.power(x, y),
    "number_power": lambda mx, x, y: mx.sym.power(2, x),
    "zeros": lambda mx, x, y: mx.sym.zeros((2, 3)),
    "ones": lambda mx, x, y: mx.sym.ones((2, 3), dtype="int32"),
    "full": lambda mx, x, y: mx.sym.full((2,), 5),
    "arange": lambda mx, x, y: mx.sym.arange(5),
    "arange_full": lambda mx, x, y: mx.sym.arange(1, 9, step=2, repeat=2, dtype="float64"),
    "eye": lambda mx, x, y: mx.sym.eye(3),
    "eye_more": lambda mx, x, y: mx.sym.eye(3, 4, 1),
    "linspace": lambda mx, x, y: mx.sym.linspace(0, 1, 5),
}


def named(sym):
    """Name, arguments, and the operator as JSON tells it."""
    import json

    last = json.loads(sym.tojson())["nodes"][-1]
    return {"name": sym.name, "arguments": sym.list_arguments(), "op": last["op"], "attrs": last.get("attrs", {})}


table("dunder", {f"symbols_{k}": lambda mx, call=call: call(*pair(mx)) for k, call in DUNDER.items()}, named)
table("dunder", {f"number_{k}": lambda mx, call=call: call(var(mx)) for k, call in NUMBER.items()}, named)
table("functions", {k: lambda mx, call=call: call(mx, *pair(mx)) for k, call in FUNCTION.items()}, named)

ALIASES = {
    "flatten": {},
    "Flatten": {},
    "identity": {},
    "BlockGrad": {},
    "stop_gradient": {},
    "broadcast_plus": {},
    "broadcast_add": {},
    "broadcast_minus": {},
    "elemwise_add": {},
    "sum_axis": dict(axis=0),
    "sum": {},
    "max_axis": dict(axis=0),
    "min_axis": dict(axis=0),
    "split": dict(num_outputs=1),
    "SliceChannel": dict(num_outputs=1),
    "reshape": dict(shape=(1,)),
    "Reshape": dict(shape=(1,)),
    "cast": dict(dtype="float32"),
    "Cast": dict(dtype="float32"),
    "swapaxes": dict(dim1=0, dim2=1),
    "SwapAxis": dict(dim1=0, dim2=1),
    "flip": dict(axis=0),
    "reverse": dict(axis=0),
    "crop": dict(begin=(0,), end=(1,)),
    "slice": dict(begin=(0,), end=(1,)),
    "broadcast_axes": dict(axis=0, size=2),
    "pad": dict(mode="edge", pad_width=(0,) * 8),
    "Softmax": {},
    "SoftmaxOutput": {},
    "FullyConnected": dict(num_hidden=2),
    "Convolution": dict(kernel=(1, 1), num_filter=1),
    "Deconvolution": dict(kernel=(1, 1), num_filter=1),
    "BatchNorm": {},
    "Activation": dict(act_type="relu"),
    "LeakyReLU": {},
    "Pooling": dict(kernel=(1, 1)),
    "Dropout": {},
    "LRN": dict(nsize=1),
    "Embedding": dict(input_dim=2, output_dim=2),
    "LinearRegressionOutput": {},
    "MAERegressionOutput": {},
    "LogisticRegressionOutput": {},
    "MakeLoss": {},
    "make_loss": {},
    "SVMOutput": {},
    "softmax": {},
    "log_softmax": {},
    "SoftmaxActivation": {},
    "LayerNorm": {},
    "GroupNorm": {},
    "InstanceNorm": {},
    "L2Normalization": {},
    "relu": {},
    "sigmoid": {},
    "exp": {},
    "transpose": {},
    "expand_dims": dict(axis=0),
    "slice_axis": dict(axis=0, begin=0, end=1),
    "clip": dict(a_min=0, a_max=1),
    "one_hot": dict(depth=3),
    "take": {},
    "pick": {},
    "where": {},
    "dot": {},
    "batch_dot": {},
    "broadcast_to": dict(shape=(1,)),
    "tile": dict(reps=(2,)),
    "repeat": dict(repeats=2),
    "argmax": dict(axis=0),
    "topk": {},
    "sort": {},
    "norm": {},
    "mean": {},
    "SequenceMask": {},
    "SequenceLast": {},
    "SequenceReverse": {},
    "smooth_l1": {},
    "softmax_cross_entropy": {},
    "gather_nd": {},
    "zeros_like": {},
    "hard_sigmoid": {},
    "square": {},
    "random_uniform": {},
    "uniform": {},
    "normal": {},
    "random_normal": {},
    "RNN": dict(state_size=2, num_layers=1, mode="lstm"),
    "batch_take": {},
    "choose_element_0index": {},
}


def twice(name, params):
    def build(mx):
        call = getattr(mx.sym, name)
        return call(**params), call(**params)

    return build


def both(symbols):
    return [named(symbols[0]), symbols[1].name, symbols[0].list_outputs(), symbols[0].list_auxiliary_states()]


# every input left out: the operator creates it
table("aliases", {name: twice(name, params) for name, params in ALIASES.items()}, both)


@snippet
def flatten_and_Flatten_share_a_counter(mx):
    return [f().name for f in (mx.sym.flatten, mx.sym.Flatten, mx.sym.flatten, mx.sym.Flatten)]


@snippet
def concat_and_Concat_share_a_counter(mx):
    x, y = pair(mx)
    return [f(x, y).name for f in (mx.sym.concat, mx.sym.Concat, mx.sym.concat)]


@snippet
def counters_are_per_stem(mx):
    x, y = pair(mx)
    return [s.name for s in (x + y, x + 1, x + y, x - y, 1 + x, x * 2, -x, 2 - x, mx.sym.exp(x), abs(x), mx.sym.abs(x))]


@snippet
def names_of_slices_and_methods(mx):
    x = mx.sym.Variable("x")
    return [
        s.name
        for s in (
            x.reshape((2, 3)),
            x.sum(axis=0),
            x.exp(),
            x.transpose(),
            x.flatten(),
            x.astype("float64"),
            x.slice_axis(axis=0, begin=0, end=1),
            x.mean(),
            x.square(),
            x.clip(0, 1),
            x.expand_dims(axis=0),
            x.softmax(),
            x.sqrt(),
        )
    ]


@snippet
def sub_namespaces_drop_their_prefix(mx):
    x, y = pair(mx)
    return [
        mx.sym.linalg.gemm2(x, y).name,
        mx.sym.random.uniform().name,
        mx.sym.random.normal().name,
        mx.sym.uniform().name,
        mx.sym.contrib.box_iou(x, y).name,
    ]


@snippet
def variadic_inputs_are_numbered(mx):
    x, y = pair(mx)
    return [
        mx.sym.Concat(num_args=2).list_arguments(),
        mx.sym.add_n(num_args=3).list_arguments(),
        mx.sym.stack(num_args=2).list_arguments(),
        mx.sym.ElementWiseSum(x, y).name,
        mx.sym.add_n(x, y).name,
        mx.sym.UpSampling(num_args=1, scale=2, sample_type="bilinear", num_filter=1).list_arguments(),
        mx.sym.UpSampling(x, scale=2, sample_type="nearest", num_args=1).list_arguments(),
        mx.sym.Crop(num_args=2).list_arguments(),
    ]


@snippet
def created_inputs(mx):
    x = mx.sym.Variable("x")
    symbols = [
        mx.sym.FullyConnected(x, num_hidden=2),
        mx.sym.FullyConnected(x, num_hidden=2, no_bias=True, name="fc"),
        mx.sym.Convolution(x, kernel=(1, 1), num_filter=1, name="c"),
        mx.sym.Deconvolution(x, kernel=(1, 1), num_filter=1, name="d"),
        mx.sym.BatchNorm(x, name="b"),
        mx.sym.SoftmaxOutput(x, name="s"),
        mx.sym.RNN(x, state_size=2, num_layers=1, mode="lstm", name="r"),
        mx.sym.RNN(x, state_size=2, num_layers=1, mode="gru", name="g"),
        mx.sym.LeakyReLU(x, act_type="prelu", name="p"),
        mx.sym.LeakyReLU(x, name="l"),
        mx.sym.Embedding(x, input_dim=2, output_dim=2, name="e"),
        mx.sym.LayerNorm(x, name="n"),
        mx.sym.softmax(x, use_length=True, name="sl"),
        mx.sym.SequenceMask(x, use_sequence_length=True, name="q"),
    ]
    return [[s.list_arguments(), s.list_auxiliary_states()] for s in symbols]


@snippet
def None_means_create(mx):
    x, y = pair(mx)
    return [
        mx.sym.Convolution(x, None, y, kernel=(1, 1), num_filter=1, name="c").list_arguments(),
        mx.sym.FullyConnected(x, weight=None, bias=y, num_hidden=1, name="f").list_arguments(),
        mx.sym.FullyConnected(None, y, num_hidden=1, name="g").list_arguments(),
    ]


@snippet
def prefix(mx):
    with mx.name.Prefix("net_"):
        x = mx.sym.Variable("x")
        return [
            mx.sym.exp(x).name,
            mx.sym.exp(x, name="mine").name,
            x.name,
            (x + 1).name,
            mx.sym.FullyConnected(x, num_hidden=2).list_arguments(),
            mx.sym.FullyConnected(x, num_hidden=2, name="fc").list_arguments(),
        ]


@snippet
def nested_prefix(mx):
    x = mx.sym.Variable("x")
    with mx.name.Prefix("a_"):
        first = mx.sym.exp(x).name
        with mx.name.Prefix("b_"):
            inner = mx.sym.exp(x).name
        again = mx.sym.exp(x).name
    return [first, inner, again, mx.sym.exp(x).name]


@snippet
def name_manager_starts_at_zero(mx):
    x = mx.sym.Variable("x")
    before = mx.sym.exp(x).name
    with mx.name.NameManager():
        inner = [mx.sym.exp(x).name, mx.sym.exp(x).name]
    return [before, inner, mx.sym.exp(x).name]


@snippet
def duplicate_names(mx):
    x = mx.sym.Variable("x")
    s = mx.sym.exp(x, name="e") + mx.sym.exp(mx.sym.Variable("x"), name="e")
    return [s.list_arguments(), s.get_internals().list_outputs()]


@snippet
def explicit_names_do_not_count(mx):
    x = mx.sym.Variable("x")
    return [mx.sym.exp(x, name="exp5").name, mx.sym.exp(x).name, mx.sym.exp(x, name="q").name, mx.sym.exp(x).name]
