"""The work that is timed, written once for rsym and for MXNet: every case is made by a function of the module `mx`."""


def resnet(mx, layers=152, classes=1000):
    """ResNet with bottleneck units (He et al. 2015, version 2)."""
    units = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}[layers]
    sym = mx.sym

    def norm(data, name):
        return sym.BatchNorm(data, fix_gamma=False, eps=2e-5, momentum=0.9, name=name)

    def conv(data, filters, kernel, stride, pad, name):
        return sym.Convolution(
            data, num_filter=filters, kernel=(kernel, kernel), stride=(stride, stride), pad=(pad, pad), no_bias=True, name=name
        )

    def relu(data, name):
        return sym.Activation(data, act_type="relu", name=name)

    def unit(data, filters, stride, same, name):
        first = relu(norm(data, name + "_bn1"), name + "_relu1")
        body = conv(first, filters // 4, 1, 1, 0, name + "_conv1")
        body = conv(relu(norm(body, name + "_bn2"), name + "_relu2"), filters // 4, 3, stride, 1, name + "_conv2")
        body = conv(relu(norm(body, name + "_bn3"), name + "_relu3"), filters, 1, 1, 0, name + "_conv3")
        return body + (data if same else conv(first, filters, 1, stride, 0, name + "_sc"))

    body = norm(sym.Variable("data"), "bn_data")
    body = relu(norm(conv(body, 64, 7, 2, 3, "conv0"), "bn0"), "relu0")
    body = sym.Pooling(body, kernel=(3, 3), stride=(2, 2), pad=(1, 1), pool_type="max")
    for stage, count in enumerate(units):
        for k in range(count):
            stride = 1 if stage == 0 or k else 2
            body = unit(body, 256 << stage, stride, k > 0, "stage%d_unit%d" % (stage + 1, k + 1))
    body = relu(norm(body, "bn1"), "relu1")
    body = sym.Flatten(sym.Pooling(body, global_pool=True, kernel=(7, 7), pool_type="avg"))
    return sym.SoftmaxOutput(sym.FullyConnected(body, num_hidden=classes, name="fc1"), name="softmax")


def chain(mx, length=10000):
    """`length` additions of 1, one after the other."""
    x = mx.sym.Variable("x")
    for _ in range(length):
        x = x + 1
    return x


def cases(mx):
    """Functions by name; what they need is made once, before."""
    nets = {"ResNet-152": (resnet, {"data": (1, 3, 224, 224)}), "chain of 10,000": (chain, {"x": (2,)})}
    found = {}
    for name, (make, shapes) in nets.items():
        symbol = make(mx)
        text = symbol.tojson()
        found["compose " + name] = lambda make=make: make(mx)
        found["tojson " + name] = symbol.tojson
        found["load_json " + name] = lambda text=text: mx.sym.load_json(text)
        found["infer_shape " + name] = lambda symbol=symbol, shapes=shapes: symbol.infer_shape(**shapes)
        found["simple_bind " + name] = lambda symbol=symbol, shapes=shapes: symbol.simple_bind(
            mx.cpu(), grad_req="null", **shapes
        )
    executor = chain(mx, 1000).simple_bind(mx.cpu(), grad_req="null", x=(2,))

    def forward():
        executor.forward()
        executor.outputs[0].wait_to_read()

    found["forward of 1,000 tiny operators"] = forward
    return found
