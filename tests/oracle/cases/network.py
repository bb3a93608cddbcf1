"""Graphs of several operators: shared inputs, several outputs, heads and losses mixed, the networks of every textbook."""

from .table import Case, but, f, pos, retyped, unit, v

NETWORKS = {}


def network(**inputs):
    """Registers a function of `mx` and variables that builds a symbol; `inputs` are the values of those variables."""

    def register(build):
        NETWORKS[build.__name__] = Case("network", build.__name__, inputs, {}, graph=build)
        return build

    return register


@network(x=f(2, 3))
def one_variable_three_times(mx, x):
    return x * x + mx.sym.exp(x)


@network(x=f(2, 3), y=f(2, 3))
def difference_of_squares(mx, x, y):
    return (x + y) * (x - y) - 2 * x / (y * y + 1)


@network(x=f(2, 3))
def long_chain(mx, x):
    for _ in range(20):
        x = mx.sym.tanh(x * 1.1) + 0.1 * x
    return x


@network(x=f(2, 3), y=f(2, 3))
def group_of_shared_parts(mx, x, y):
    inner = mx.sym.sigmoid(x * y)
    return mx.sym.Group([inner, inner + x, mx.sym.sum(inner)])


@network(x=f(2, 3))
def same_output_twice(mx, x):
    e = mx.sym.exp(x)
    return mx.sym.Group([e, e])


@network(x=f(2, 3))
def variable_among_the_outputs(mx, x):
    return mx.sym.Group([x, mx.sym.square(x)])


@network(x=f(2, 6))
def unused_outputs(mx, x):
    parts = mx.sym.SliceChannel(x, num_outputs=3)
    return parts[2] * mx.sym.exp(parts[0])


@network(x=f(2, 6))
def one_output_used_twice(mx, x):
    parts = mx.sym.SliceChannel(x, num_outputs=3)
    return mx.sym.Concat(parts[1], parts[0], parts[1], dim=1)


@network(x=f(2, 3))
def concat_of_itself(mx, x):
    return mx.sym.Concat(x, x, mx.sym.square(x), dim=0)


@network(x=f(2, 3), y=f(2, 3))
def stopped_gradient(mx, x, y):
    return mx.sym.BlockGrad(x * y) * y + mx.sym.BlockGrad(x)


@network(x=f(3, 4), w=f(4))
def only_through_an_index(mx, x, w):
    return mx.sym.argmax(x, axis=1) + mx.sym.sum(mx.sym.broadcast_mul(x, mx.sym.expand_dims(w, axis=0)), axis=1)


@network(x=f(2, 3))
def through_other_types(mx, x):
    return mx.sym.Cast(mx.sym.square(mx.sym.Cast(x, dtype="float64")), dtype="float32") * x


@network(x=f(3, 4), label=v([1, 0, 3]))
def loss_and_head(mx, x, label):
    hidden = mx.sym.FullyConnected(x, num_hidden=4, name="fc")
    return mx.sym.Group([mx.sym.SoftmaxOutput(hidden, label, name="softmax"), hidden])


@network(x=f(3, 4))
def made_loss(mx, x):
    return mx.sym.Group([mx.sym.MakeLoss(mx.sym.square(x), grad_scale=0.5), mx.sym.BlockGrad(x)])


@network(data=f(4, 5), softmax_label=v([0, 2, 1, 1]))
def mlp(mx, data, softmax_label):
    net = mx.sym.Activation(mx.sym.FullyConnected(data, num_hidden=6, name="fc1"), act_type="relu")
    return mx.sym.SoftmaxOutput(mx.sym.FullyConnected(net, num_hidden=3, name="fc2"), softmax_label, name="softmax")


@network(data=f(1, 1, 10, 10), softmax_label=v([1]))
def lenet(mx, data, softmax_label):
    net = mx.sym.Pooling(
        mx.sym.Activation(mx.sym.Convolution(data, kernel=(3, 3), num_filter=2, name="c1"), act_type="tanh"),
        kernel=(2, 2),
        stride=(2, 2),
        pool_type="max",
    )
    net = mx.sym.Pooling(
        mx.sym.Activation(mx.sym.Convolution(net, kernel=(3, 3), num_filter=3, name="c2"), act_type="tanh"),
        kernel=(2, 2),
        stride=(2, 2),
        pool_type="avg",
    )
    net = mx.sym.Activation(mx.sym.FullyConnected(mx.sym.Flatten(net), num_hidden=4, name="f1"), act_type="tanh")
    return mx.sym.SoftmaxOutput(mx.sym.FullyConnected(net, num_hidden=3, name="f2"), softmax_label, name="softmax")


def unit_of_resnet(mx, data, i, filters):
    a = mx.sym.Activation(mx.sym.BatchNorm(data, fix_gamma=False, eps=2e-5, name=f"bn{i}a"), act_type="relu")
    b = mx.sym.Convolution(a, kernel=(3, 3), pad=(1, 1), num_filter=filters, no_bias=True, name=f"conv{i}a")
    b = mx.sym.Activation(mx.sym.BatchNorm(b, fix_gamma=False, eps=2e-5, name=f"bn{i}b"), act_type="relu")
    b = mx.sym.Convolution(b, kernel=(3, 3), pad=(1, 1), num_filter=filters, no_bias=True, name=f"conv{i}b")
    return b + mx.sym.Convolution(a, kernel=(1, 1), num_filter=filters, no_bias=True, name=f"sc{i}")


@network(data=f(2, 2, 4, 4))
def residual(mx, data):
    net = unit_of_resnet(mx, unit_of_resnet(mx, data, 1, 3), 2, 2)
    net = mx.sym.Pooling(net, global_pool=True, kernel=(4, 4), pool_type="avg")
    return mx.sym.FullyConnected(mx.sym.Flatten(net), num_hidden=3, name="fc")


@network(
    t0=unit(2, 3),
    t1=unit(2, 3),
    t2=unit(2, 3),
    h=unit(2, 4),
    c=unit(2, 4),
    wx=unit(16, 3),
    wh=unit(16, 4),
    bx=unit(16),
    bh=unit(16),
)
def lstm(mx, t0, t1, t2, h, c, wx, wh, bx, bh):
    outputs = []
    for step in (t0, t1, t2):
        gates = mx.sym.FullyConnected(step, wx, bx, num_hidden=16) + mx.sym.FullyConnected(h, wh, bh, num_hidden=16)
        i, g, forget, o = mx.sym.SliceChannel(gates, num_outputs=4)
        c = mx.sym.Activation(forget, act_type="sigmoid") * c + mx.sym.sigmoid(i) * mx.sym.Activation(g, act_type="tanh")
        h = mx.sym.sigmoid(o) * mx.sym.tanh(c)
        outputs.append(h)
    return mx.sym.Group([mx.sym.Concat(*outputs, dim=0), c])


@network(q=f(2, 3, 4), k=f(2, 5, 4), val=f(2, 5, 2))
def attention(mx, q, k, val):
    weights = mx.sym.softmax(mx.sym.batch_dot(q, k, transpose_b=True) / 2, axis=-1)
    return mx.sym.LayerNorm(mx.sym.batch_dot(weights, val), name="ln")


@network(data=f(1, 2, 5, 5))
def inception(mx, data):
    a = mx.sym.Convolution(data, kernel=(1, 1), num_filter=2, name="a")
    b = mx.sym.Convolution(data, kernel=(3, 3), pad=(1, 1), num_filter=2, name="b")
    c = mx.sym.Pooling(data, kernel=(3, 3), stride=(1, 1), pad=(1, 1), pool_type="max")
    return mx.sym.Activation(mx.sym.Concat(a, b, c, dim=1), act_type="relu")


@network(data=f(1, 2, 4, 4))
def autoencoder(mx, data):
    code = mx.sym.Convolution(data, kernel=(2, 2), stride=(2, 2), num_filter=3, name="down")
    back = mx.sym.Deconvolution(mx.sym.sigmoid(code), kernel=(2, 2), stride=(2, 2), num_filter=2, name="up")
    return mx.sym.LinearRegressionOutput(back, mx.sym.BlockGrad(data), name="lro")


@network(a=f(3, 4), b=f(3, 4), m=v([[1, 0, 1, 0], [0, 0, 1, 1], [1, 1, 0, 0]]))
def masked(mx, a, b, m):
    return mx.sym.sum(mx.sym.where(m, mx.sym.square(a), mx.sym.abs(b)), axis=1) / (1 + mx.sym.sum(m, axis=1))


@network(x=f(2, 3, 4))
def shapes_moved_around(mx, x):
    y = mx.sym.transpose(mx.sym.Reshape(x, shape=(0, -1)), axes=(1, 0))
    y = mx.sym.slice_axis(mx.sym.expand_dims(y, axis=0), axis=1, begin=2, end=9)
    return mx.sym.broadcast_mul(y, mx.sym.Reshape(mx.sym.sum(x), shape=(1, 1, 1)))


@network(x=f(2, 3))
def created_inside(mx, x):
    return x * mx.sym.arange(3, dtype="float32").reshape((1, 3)).broadcast_to((2, 3)) + mx.sym.ones((2, 3))


@network(x=f(4, 3), p=pos(3))
def whitening(mx, x, p):
    centred = mx.sym.broadcast_sub(x, mx.sym.mean(x, axis=0, keepdims=True))
    scale = mx.sym.sqrt(mx.sym.mean(mx.sym.square(centred), axis=0, keepdims=True) + 1e-3)
    return mx.sym.broadcast_mul(mx.sym.broadcast_div(centred, scale), mx.sym.Reshape(p, shape=(1, -1)))


@network(data=f(2, 3, 4))
def batch_norm_shared_gamma(mx, data):
    gamma, beta = mx.sym.Variable("gamma"), mx.sym.Variable("beta")
    first = mx.sym.BatchNorm(data, gamma, beta, fix_gamma=False, name="bn1")
    return mx.sym.BatchNorm(mx.sym.relu(first), gamma, beta, fix_gamma=False, name="bn2")


FORGOTTEN = "of two heads on one output the first is forgotten"
NETWORKS["same_output_twice"] = but(NETWORKS["same_output_twice"], undefined=FORGOTTEN)
ALIVE = dict(bn1a_beta=unit(2), bn1b_beta=pos(3), bn2a_beta=pos(3), bn2b_beta=pos(2), bn2b_gamma=pos(2))
NETWORKS["residual"] = but(NETWORKS["residual"], bind=ALIVE)
BLIND = ("label", "softmax_label")


def adding(name, *arguments):
    """The network with gradients added to what the arrays hold."""
    return but(NETWORKS[name], label=f"{name}-add", add=arguments, no_grad=BLIND)


def double(one):
    """The network in float64."""
    return but(retyped(one, "float64"), label=f"{one.label}-f64")


ADDING = [
    adding("one_variable_three_times", "x"),
    adding("difference_of_squares", "x"),
    adding("unused_outputs", "x"),
    adding("lstm", "wx", "bh", "c"),
    adding("attention", "q", "val"),
    adding("inception", "data", "a_weight", "b_bias"),
    adding("residual", "data", "bn1a_gamma", "conv2b_weight", "fc_bias"),
    adding("whitening", "x", "p"),
    adding("shapes_moved_around", "x"),
    adding("batch_norm_shared_gamma", "gamma"),
    adding("mlp", "fc1_weight", "fc2_bias", "data"),
]
SINGLE = [but(one, no_grad=("data",) if name == "autoencoder" else BLIND) for name, one in NETWORKS.items()]
DOUBLE = [double(one) for one in SINGLE if one.label not in ("through_other_types", "created_inside")]
CASES = [but(one, loose=1e-4) for one in SINGLE + ADDING] + DOUBLE
