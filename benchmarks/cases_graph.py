"""Work on graphs rather than on arrays, and what an executor costs per operator.

`functions(mx)` and `torch_functions(torch)` map a case's name to a function that prepares it and returns the function to time.
"""

import functools

# How many operators each call of a case runs, for those that are told per operator.
TINY = 1000
COUNT = {"tiny additions": TINY, "tiny mixed operators": TINY}


def resnet152(mx, classes=1000):
    """ResNet-152 with pre-activated bottleneck units (He et al. 2016), as MXNet's model zoo has it."""
    sym = mx.sym

    def norm(data, name):
        return sym.BatchNorm(data, fix_gamma=False, eps=2e-5, momentum=0.9, name=name)

    def conv(data, filters, kernel, stride, name):
        size = {"kernel": (kernel, kernel), "stride": (stride, stride), "pad": (kernel // 2, kernel // 2)}
        return sym.Convolution(data, num_filter=filters, no_bias=True, name=name, **size)

    def relu(data, name):
        return sym.Activation(data, act_type="relu", name=name)

    def unit(data, filters, stride, same, name):
        first = relu(norm(data, name + "_bn1"), name + "_relu1")
        body = conv(first, filters // 4, 1, 1, name + "_conv1")
        body = conv(relu(norm(body, name + "_bn2"), name + "_relu2"), filters // 4, 3, stride, name + "_conv2")
        body = conv(relu(norm(body, name + "_bn3"), name + "_relu3"), filters, 1, 1, name + "_conv3")
        return body + (data if same else conv(first, filters, 1, stride, name + "_sc"))

    body = norm(sym.Variable("data"), "bn_data")
    body = relu(norm(conv(body, 64, 7, 2, "conv0"), "bn0"), "relu0")
    body = sym.Pooling(body, kernel=(3, 3), stride=(2, 2), pad=(1, 1), pool_type="max")
    for stage, count in enumerate((3, 8, 36, 3)):
        for k in range(count):
            body = unit(body, 256 << stage, 2 if stage and not k else 1, k > 0, "stage%d_unit%d" % (stage + 1, k + 1))
    body = relu(norm(body, "bn1"), "relu1")
    body = sym.Flatten(sym.Pooling(body, global_pool=True, kernel=(7, 7), pool_type="avg"))
    return sym.SoftmaxOutput(sym.FullyConnected(body, num_hidden=classes, name="fc1"), name="softmax")


def chain(mx, length=10000):
    """`length` additions of 1, one after the other."""
    x = mx.sym.Variable("x")
    for _ in range(length):
        x = x + 1
    return x


def mixed(mx):
    """Tiny operators of several kinds that no pass could make one of."""
    x = first = mx.sym.Variable("x")
    weight = mx.sym.Variable("weight")
    for _ in range(TINY // 4):
        x = mx.sym.FullyConnected(x, weight, no_bias=True, num_hidden=4)
        x = mx.sym.transpose(mx.sym.Activation(x, act_type="tanh"))
        x = mx.sym.elemwise_add(x, first)
    return x


GRAPHS = {"ResNet-152": (resnet152, {"data": (1, 3, 224, 224)}), "10,000-node chain": (chain, {"x": (2,)})}
TINY_GRAPHS = {
    "tiny additions": (lambda mx: chain(mx, TINY), {"x": (2,)}),
    "tiny mixed operators": (mixed, {"x": (4, 4), "weight": (4, 4)}),
}


# What is done with a graph, by the first word or words of a case's name.
WORK = {
    "compose": lambda mx, make, shapes: lambda: make(mx),
    "tojson": lambda mx, make, shapes: make(mx).tojson,
    "load_json": lambda mx, make, shapes: _load_json(mx, make(mx).tojson()),
    "infer_shape": lambda mx, make, shapes: _infer_shape(make(mx), shapes),
    "bind": lambda mx, make, shapes: _bind(mx, make(mx), shapes, "null"),
    "bind for training": lambda mx, make, shapes: _bind(mx, make(mx), shapes, "write"),
}


def functions(mx):
    found = {}
    for name, (make, shapes) in GRAPHS.items():
        for what, prepare in WORK.items():
            found[what + " " + name] = functools.partial(prepare, mx, make, shapes)
    for name, (make, shapes) in TINY_GRAPHS.items():
        found[name + " forward"] = functools.partial(_tiny, _forward, mx, make, shapes)
        found[name + " training"] = functools.partial(_tiny, _training, mx, make, shapes)
    return found


def _tiny(prepare, mx, make, shapes):
    return prepare(mx, make(mx), shapes)


def _load_json(mx, text):
    return lambda: mx.sym.load_json(text)


def _infer_shape(symbol, shapes):
    return lambda: symbol.infer_shape(**shapes)


def _bind(mx, symbol, shapes, request):
    return lambda: symbol.simple_bind(mx.cpu(), grad_req=request, **shapes)


def _forward(mx, symbol, shapes):
    executor = symbol.simple_bind(mx.cpu(), grad_req="null", **shapes)

    def forward():
        executor.forward()
        executor.outputs[0].wait_to_read()

    return forward


def _training(mx, symbol, shapes):
    """Forward and backward."""
    executor = symbol.simple_bind(mx.cpu(), grad_req="write", **shapes)
    head = mx.nd.ones(executor.outputs[0].shape)

    def training():
        executor.forward(is_train=True)
        executor.backward(head)
        mx.nd.waitall()

    return training


def torch_functions(torch):
    """The same tiny operators in eager mode."""

    def additions(x, weight):
        for _ in range(TINY):
            x = x + 1
        return x

    def several(x, weight):
        first = x
        for _ in range(TINY // 4):
            x = torch.tanh(torch.nn.functional.linear(x, weight)).t() + first
        return x

    def forward(run):
        x, weight = torch.zeros(4, 4), torch.zeros(4, 4)

        def call():
            with torch.inference_mode():
                run(x, weight)

        return call

    def training(run):
        x, weight = torch.zeros(4, 4, requires_grad=True), torch.zeros(4, 4, requires_grad=True)
        head = torch.ones(4, 4)

        def call():
            x.grad = weight.grad = None
            run(x, weight).backward(head)

        return call

    found = {}
    for name, run in (("tiny additions", additions), ("tiny mixed operators", several)):
        found[name + " forward"] = functools.partial(forward, run)
        found[name + " training"] = functools.partial(training, run)
    return found
