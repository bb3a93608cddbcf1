"""Small networks of the kinds that were published: detectors, faces, segmentation, styles, readers, recommenders, exports."""

from .table import Case, but, f, pos, unit, v

NETWORKS = {}


def network(forward_only="", loose=0.0, no_grad=(), **inputs):
    """Registers a function of `mx` and variables that builds a symbol; `inputs` are the values of those variables."""

    def register(build):
        one = Case("published", build.__name__, inputs, {}, graph=build, forward_only=forward_only, loose=loose)
        NETWORKS[build.__name__] = but(one, no_grad=no_grad)
        return build

    return register


def conv(mx, data, name, filters, kernel=3, act=None, **params):
    pad = (kernel // 2,) * 2
    out = mx.sym.Convolution(data, num_filter=filters, kernel=(kernel, kernel), pad=pad, name=name, **params)
    return mx.sym.Activation(out, act_type=act, name=f"{name}_act") if act else out


def anchors(mx, feature):
    return mx.sym.contrib.MultiBoxPrior(feature, sizes=(0.3, 0.6), ratios=(1, 2), clip=True, name="anchors")


def heads(mx, feature):
    """Scores by class and offsets by anchor, as SSD has them."""
    scores = mx.sym.transpose(conv(mx, feature, "cls", 3 * 3), axes=(0, 2, 3, 1))
    scores = mx.sym.Reshape(mx.sym.Flatten(scores), shape=(0, -1, 3))
    offsets = mx.sym.Flatten(mx.sym.transpose(conv(mx, feature, "loc", 3 * 4), axes=(0, 2, 3, 1)))
    return mx.sym.transpose(scores, axes=(0, 2, 1)), offsets


LABEL = v([[[1.0, 0.1, 0.1, 0.5, 0.6], [-1, -1, -1, -1, -1]], [[0.0, 0.4, 0.3, 0.9, 0.9], [1.0, 0.0, 0.5, 0.3, 1.0]]])


@network(data=unit(2, 2, 4, 4), label=LABEL, no_grad=("label",), loose=2e-4)
def ssd_in_training(mx, data, label):
    scores, offsets = heads(mx, data)
    loc_target, loc_mask, cls_target = mx.sym.contrib.MultiBoxTarget(
        anchors(mx, data),
        label,
        scores,
        overlap_threshold=0.5,
        ignore_label=-1,
        negative_mining_ratio=3,
        negative_mining_thresh=0.5,
        minimum_negative_samples=0,
        variances=(0.1, 0.1, 0.2, 0.2),
        name="target",
    )
    classes = mx.sym.SoftmaxOutput(
        scores,
        cls_target,
        ignore_label=-1,
        use_ignore=True,
        multi_output=True,
        normalization="valid",
        grad_scale=1.0,
        name="cls_prob",
    )
    near = mx.sym.smooth_l1(loc_mask * (offsets - loc_target), scalar=1.0)
    boxes = mx.sym.MakeLoss(near, grad_scale=1.0, normalization="valid", name="loc_loss")
    return mx.sym.Group([classes, boxes, mx.sym.MakeLoss(cls_target, grad_scale=0, name="cls_label")])


@network(data=unit(1, 2, 4, 4), forward_only="boxes")
def ssd_in_use(mx, data):
    scores, offsets = heads(mx, data)
    probabilities = mx.sym.SoftmaxActivation(scores, mode="channel")
    return mx.sym.contrib.MultiBoxDetection(
        probabilities, offsets, anchors(mx, data), nms_threshold=0.5, force_suppress=False, nms_topk=20, name="detection"
    )


@network(data=unit(1, 2, 6, 6), im_info=v([[96.0, 96.0, 1.0]]), forward_only="boxes")
def faster_rcnn(mx, data, im_info):
    feature = conv(mx, data, "rpn", 3, act="relu")
    score = mx.sym.Convolution(feature, kernel=(1, 1), num_filter=6, name="rpn_cls_score")
    boxes = mx.sym.Convolution(feature, kernel=(1, 1), num_filter=12, name="rpn_bbox_pred")
    score = mx.sym.Reshape(score, shape=(0, 2, -1, 0))
    score = mx.sym.Reshape(mx.sym.SoftmaxActivation(score, mode="channel"), shape=(0, 6, -1, 0))
    rois = mx.sym.contrib.Proposal(
        cls_prob=score,
        bbox_pred=boxes * 0.1,
        im_info=im_info,
        feature_stride=16,
        scales=(2,),
        ratios=(0.5, 1, 2),
        rpn_pre_nms_top_n=30,
        rpn_post_nms_top_n=5,
        threshold=0.7,
        rpn_min_size=8,
        name="rois",
    )
    pooled = mx.sym.ROIPooling(data, rois, pooled_size=(2, 2), spatial_scale=0.0625, name="roi_pool")
    hidden = mx.sym.Dropout(mx.sym.FullyConnected(mx.sym.Flatten(pooled), num_hidden=4, name="fc6"), p=0.0)
    classes = mx.sym.softmax(mx.sym.FullyConnected(hidden, num_hidden=3, name="cls"))
    return mx.sym.Group(
        [rois, mx.sym.Reshape(classes, shape=(1, -1, 3)), mx.sym.FullyConnected(hidden, num_hidden=12, name="bbox")]
    )


@network(data=unit(1, 2, 6, 6), rois=v([[0.0, 0.0, 0.0, 40.0, 60.0], [0.0, 16.0, 16.0, 90.0, 80.0]]), no_grad=("rois",))
def mask_head(mx, data, rois):
    pooled = mx.sym.contrib.ROIAlign(data, rois, pooled_size=(3, 3), spatial_scale=0.0625, sample_ratio=2)
    up = mx.sym.Deconvolution(pooled, kernel=(2, 2), stride=(2, 2), num_filter=2, name="up")
    return mx.sym.sigmoid(mx.sym.Convolution(mx.sym.relu(up), kernel=(1, 1), num_filter=1, name="mask"))


@network(data=unit(1, 2, 5, 5), rois=v([[0.0, 0.0, 0.0, 64.0, 64.0]]), no_grad=("rois",), loose=2e-4)
def deformable_position_sensitive(mx, data, rois):
    offset = conv(mx, data, "offset", 18) * 0.1
    feature = mx.sym.contrib.DeformableConvolution(data, offset, kernel=(3, 3), pad=(1, 1), num_filter=8, no_bias=True, name="d")
    pooled = mx.sym.contrib.PSROIPooling(feature, rois, spatial_scale=0.0625, output_dim=2, pooled_size=2, group_size=2)
    return mx.sym.Pooling(pooled, global_pool=True, kernel=(2, 2), pool_type="avg")


def face_unit(mx, data, name, filters, stride=1, groups=1):
    out = mx.sym.Convolution(
        data,
        num_filter=filters,
        kernel=(3, 3),
        stride=(stride,) * 2,
        pad=(1, 1),
        num_group=groups,
        no_bias=True,
        name=f"{name}_conv",
    )
    out = mx.sym.BatchNorm(out, fix_gamma=False, eps=2e-5, momentum=0.9, name=f"{name}_bn")
    return mx.sym.LeakyReLU(out, act_type="prelu", name=f"{name}_relu")


@network(data=v([[[[0.0, 90, 180, 255]] * 4] * 2]), loose=2e-4)
def face_embedding(mx, data):
    data = (mx.sym.identity(data, name="id") - 127.5) * 0.0078125
    net = face_unit(mx, face_unit(mx, data, "a", 4), "b", 4, 2, 4)
    net = mx.sym.Dropout(mx.sym.BatchNorm(net, fix_gamma=False, name="bn1"), p=0.0)
    net = mx.sym.FullyConnected(net, num_hidden=5, name="pre_fc1")
    return mx.sym.L2Normalization(mx.sym.BatchNorm(net, fix_gamma=True, name="fc1"), mode="instance")


@network(data=unit(3, 4), weight=unit(5, 4), label=v([1.0, 4.0, 0.0]), no_grad=("label",), loose=2e-4)
def arc_face(mx, data, weight, label):
    weight = mx.sym.L2Normalization(weight, mode="instance")
    feature = mx.sym.L2Normalization(data, mode="instance", name="fc1n") * 64
    fc7 = mx.sym.FullyConnected(feature, weight, no_bias=True, num_hidden=5, name="fc7")
    cosine = mx.sym.pick(fc7, label, axis=1) / 64
    sine = mx.sym.sqrt(1 - cosine * cosine)
    moved = cosine * 0.8775825618903728 - sine * 0.479425538604203
    moved = mx.sym.where(mx.sym.Activation(cosine + 0.8775, act_type="relu"), moved, cosine - 0.2397)
    change = mx.sym.expand_dims(moved * 64 - cosine * 64, 1)
    hot = mx.sym.one_hot(label, depth=5, on_value=1.0, off_value=0.0)
    fc7 = fc7 + mx.sym.broadcast_mul(hot, change)
    return mx.sym.Group([mx.sym.BlockGrad(feature), mx.sym.SoftmaxOutput(fc7, label, name="softmax", normalization="valid")])


@network(data=unit(1, 2, 8, 8), label=v([[[1.0, 255.0], [0.0, 2.0]] * 4] * 1), forward_only="labels do not fit in training")
def segmentation_scores(mx, data, label):
    pool = mx.sym.Pooling(conv(mx, data, "c1", 2, act="relu"), kernel=(2, 2), stride=(2, 2), pool_type="max")
    score = mx.sym.Convolution(pool, kernel=(1, 1), num_filter=3, name="score")
    big = mx.sym.Deconvolution(score, kernel=(4, 4), stride=(2, 2), num_filter=3, num_group=3, no_bias=True, name="bigscore")
    return mx.sym.Group([mx.sym.Crop(big, data, offset=(1, 1), num_args=2, name="upscore"), mx.sym.BlockGrad(label)])


@network(data=unit(1, 2, 4, 4), label=v([[[1, 2, 0, 255]] * 4]), no_grad=("label",))
def segmentation_in_training(mx, data, label):
    pool = mx.sym.Pooling(data, kernel=(2, 2), stride=(2, 2), pool_type="avg")
    score = mx.sym.Convolution(pool, kernel=(1, 1), num_filter=3, name="score")
    up = mx.sym.Deconvolution(score, kernel=(4, 4), stride=(2, 2), pad=(1, 1), num_filter=3, no_bias=False, name="up")
    skip = mx.sym.Convolution(data, kernel=(1, 1), num_filter=3, name="skip")
    fused = mx.sym.ElementWiseSum(up, skip)
    return mx.sym.SoftmaxOutput(fused, label, multi_output=True, use_ignore=True, ignore_label=255, name="softmax")


@network(data=unit(1, 2, 3, 3), loose=2e-4)
def up_and_down(mx, data):
    big = mx.sym.UpSampling(data, scale=2, sample_type="bilinear", num_filter=2, num_args=2, name="up")
    near = mx.sym.UpSampling(
        conv(mx, data, "c", 1), mx.sym.Pooling(big, kernel=(2, 2), stride=(2, 2)), scale=2, sample_type="nearest", num_args=2
    )
    return mx.sym.Concat(big, near, dim=1)


@network(data=unit(1, 2, 4, 4), loose=2e-4)
def style(mx, data):
    net = mx.sym.Pad(data, mode="reflect", pad_width=(0, 0, 0, 0, 1, 1, 1, 1))
    net = mx.sym.Convolution(net, kernel=(3, 3), num_filter=2, name="c1")
    net = mx.sym.Activation(mx.sym.InstanceNorm(net, eps=1e-3, name="in1"), act_type="relu")
    net = mx.sym.UpSampling(net, scale=2, sample_type="nearest", num_args=1)
    return mx.sym.tanh(conv(mx, net, "c2", 2)) * 150 + 127.5


@network(rand=unit(2, 3, 1, 1), label=v([1.0, 0.0]), no_grad=("label",), loose=5e-4)
def adversaries(mx, rand, label):
    net = mx.sym.Deconvolution(rand, kernel=(3, 3), num_filter=3, no_bias=True, name="g1")
    net = mx.sym.Activation(mx.sym.BatchNorm(net, fix_gamma=True, eps=1e-5, name="gbn1"), act_type="relu")
    net = mx.sym.Deconvolution(net, kernel=(4, 4), stride=(2, 2), pad=(1, 1), num_filter=1, name="g2")
    picture = mx.sym.Activation(net, act_type="tanh", name="gact")
    net = mx.sym.LeakyReLU(conv(mx, picture, "d1", 2, stride=(2, 2)), act_type="leaky", slope=0.2)
    net = mx.sym.Flatten(mx.sym.FullyConnected(net, num_hidden=1, name="d2"))
    return mx.sym.Group([picture, mx.sym.LogisticRegressionOutput(net, label, name="dloss")])


@network(data=unit(1, 2, 9, 9), softmax_label=v([1.0]), no_grad=("softmax_label",), loose=2e-4)
def alex_net(mx, data, softmax_label):
    net = mx.sym.Convolution(data, kernel=(3, 3), stride=(2, 2), num_filter=4, name="conv1")
    net = mx.sym.LRN(mx.sym.Activation(net, act_type="relu"), alpha=1e-4, beta=0.75, knorm=2, nsize=5, name="norm1")
    net = mx.sym.Pooling(net, kernel=(3, 3), stride=(2, 2), pool_type="max", pooling_convention="full")
    net = mx.sym.Convolution(net, kernel=(2, 2), num_filter=4, num_group=2, name="conv2")
    net = mx.sym.FullyConnected(mx.sym.Flatten(net), num_hidden=3, name="fc8")
    return mx.sym.SoftmaxOutput(net, softmax_label, name="prob")


@network(data=unit(1, 4, 4, 4), loose=2e-4)
def squeeze_and_shuffle(mx, data):
    gate = mx.sym.Pooling(data, global_pool=True, kernel=(7, 7), pool_type="avg", name="se_pool")
    gate = mx.sym.sigmoid(mx.sym.Convolution(mx.sym.relu(conv(mx, gate, "se1", 2, 1)), kernel=(1, 1), num_filter=4, name="se2"))
    net = mx.sym.broadcast_mul(data, gate)
    net = mx.sym.Reshape(net, shape=(0, -4, 2, -1, -2))
    net = mx.sym.Reshape(mx.sym.SwapAxis(net, dim1=1, dim2=2), shape=(0, -3, -2))
    low, high = mx.sym.split(net, num_outputs=2, axis=1)
    return mx.sym.Concat(conv(mx, low, "half", 2, num_group=2), high, dim=1)


@network(data=unit(1, 3, 4, 4), loose=2e-4)
def mobile(mx, data):
    net = mx.sym.BatchNorm(conv(mx, data, "c1", 4, no_bias=True), fix_gamma=False, name="bn1")
    net = mx.sym.clip(net, a_min=0, a_max=6, name="relu6")
    deep = conv(mx, net, "dw", 4, num_group=4, no_bias=True)
    hard = deep * (mx.sym.clip(deep + 3, a_min=0, a_max=6) / 6)
    net = mx.sym.elemwise_add(conv(mx, hard, "pw", 4, 1), net)
    return mx.sym.Reshape(mx.sym.contrib.AdaptiveAvgPooling2D(net, output_size=1), shape=(-1, 4))


@network(data=unit(2, 1, 6, 6), loose=5e-4)
def localised(mx, data):
    loc = mx.sym.Flatten(mx.sym.Pooling(conv(mx, data, "lc", 2, act="relu"), kernel=(2, 2), stride=(2, 2), pool_type="avg"))
    loc = mx.sym.tanh(mx.sym.FullyConnected(loc, num_hidden=6, name="lf")) * 0.4
    turned = mx.sym.SpatialTransformer(data, loc, target_shape=(4, 4), transform_type="affine", sampler_type="bilinear")
    return mx.sym.FullyConnected(turned, num_hidden=3, name="out")


@network(one=unit(1, 2, 5, 5), two=unit(1, 2, 5, 5), loose=2e-4)
def flow(mx, one, two):
    cost = mx.sym.Correlation(one, two, kernel_size=1, max_displacement=1, stride1=1, stride2=1, pad_size=1, is_multiply=True)
    moved = conv(mx, mx.sym.LeakyReLU(cost, act_type="leaky", slope=0.1), "flow", 2) * 0.25
    grid = mx.sym.GridGenerator(moved, transform_type="warp")
    warped = mx.sym.BilinearSampler(two, grid)
    return mx.sym.Group([moved, mx.sym.abs(one - warped)])


@network(
    data=v([[1.0, 3.0, 0.0], [2.0, 2.0, 4.0]]),
    softmax_label=v([[1.0, 0.0, 2.0], [3.0, 1.0, 0.0]]),
    no_grad=("data", "softmax_label"),
)
def language_model(mx, data, softmax_label):
    words = mx.sym.Embedding(data, input_dim=5, output_dim=3, name="embed")
    words = mx.sym.SwapAxis(words, dim1=0, dim2=1)
    net = mx.sym.RNN(words, state_size=4, num_layers=1, mode="lstm", bidirectional=True, p=0.0, state_outputs=False, name="lstm")
    net = mx.sym.Reshape(mx.sym.SwapAxis(net, dim1=0, dim2=1), shape=(-1, 8))
    net = mx.sym.FullyConnected(net, num_hidden=5, name="pred")
    return mx.sym.SoftmaxOutput(net, mx.sym.Reshape(softmax_label, shape=(-1,)), name="softmax")


def lstm_step(mx, data, hidden, cell, shared, name):
    gates = mx.sym.FullyConnected(data, shared["i2h_weight"], shared["i2h_bias"], num_hidden=8, name=f"{name}_i2h")
    gates = gates + mx.sym.FullyConnected(hidden, shared["h2h_weight"], shared["h2h_bias"], num_hidden=8, name=f"{name}_h2h")
    parts = mx.sym.SliceChannel(gates, num_outputs=4, name=f"{name}_slice")
    kept = mx.sym.Activation(parts[2], act_type="sigmoid") * cell
    cell = kept + mx.sym.Activation(parts[0], act_type="sigmoid") * mx.sym.Activation(parts[1], act_type="tanh")
    return mx.sym.Activation(parts[3], act_type="sigmoid") * mx.sym.Activation(cell, act_type="tanh"), cell


@network(data=unit(2, 3, 4), init_h=unit(2, 2), init_c=unit(2, 2))
def unrolled(mx, data, init_h, init_c):
    shared = {key: mx.sym.Variable(f"l0_{key}") for key in ("i2h_weight", "i2h_bias", "h2h_weight", "h2h_bias")}
    steps = mx.sym.SliceChannel(data, num_outputs=3, axis=1, squeeze_axis=True)
    hidden, cell, outputs = init_h, init_c, []
    for t in range(3):
        hidden, cell = lstm_step(mx, steps[t], hidden, cell, shared, f"t{t}_l0")
        outputs.append(mx.sym.expand_dims(hidden, axis=1))
    return mx.sym.Group([mx.sym.Concat(*outputs, dim=1), mx.sym.BlockGrad(cell)])


@network(data=unit(1, 1, 4, 6), label=v([[1.0, 2.0, 0.0]]), no_grad=("label",), loose=5e-4)
def reader(mx, data, label):
    net = mx.sym.Pooling(conv(mx, data, "c", 2, act="relu"), kernel=(4, 1), pool_type="max")
    net = mx.sym.Reshape(mx.sym.transpose(net, axes=(3, 0, 1, 2)), shape=(0, 0, -1))
    net = mx.sym.FullyConnected(net, num_hidden=4, flatten=False, name="pred")
    return mx.sym.Group([mx.sym.contrib.ctc_loss(net, label, name="ctc"), mx.sym.BlockGrad(mx.sym.softmax(net, axis=-1))])


@network(words=v([[1.0, 3.0, 0.0, 2.0], [2.0, 2.0, 4.0, 0.0]]), valid=v([3.0, 2.0]), no_grad=("words", "valid"), loose=5e-4)
def encoder(mx, words, valid):
    data = mx.sym.Embedding(words, input_dim=5, output_dim=6, name="word") * 0.5
    places = mx.sym.expand_dims(mx.sym.contrib.arange_like(words, axis=1), axis=0)
    mask = mx.sym.broadcast_lesser(places, mx.sym.reshape(valid, shape=(-1, 1)))
    mask = mx.sym.broadcast_axis(mx.sym.expand_dims(mask, axis=1), axis=1, size=4)
    query, key, value = [mx.sym.FullyConnected(data, num_hidden=6, flatten=False, name=n) for n in ("query", "key", "value")]
    scores = mx.sym.batch_dot(mx.sym.contrib.div_sqrt_dim(query), key, transpose_b=True)
    weights = mx.sym.softmax(mx.sym.where(mask, scores, -1e18 * mx.sym.ones_like(scores)), axis=-1) * mask
    attended = mx.sym.Dropout(mx.sym.batch_dot(weights, value), p=0.0, axes=())
    net = mx.sym.LayerNorm(attended + data, axis=-1, eps=1e-12, name="ln")
    hidden = mx.sym.LeakyReLU(mx.sym.FullyConnected(net, num_hidden=8, flatten=False, name="ffn1"), act_type="gelu")
    gelu = 0.5 * hidden * (1 + mx.sym.erf(hidden / 1.4142135623730951))
    first = mx.sym.Reshape(mx.sym.slice_axis(gelu, axis=1, begin=0, end=1), shape=(0, -1))
    return mx.sym.tanh(mx.sym.FullyConnected(first, num_hidden=3, name="pooler"))


@network(user=v([0.0, 2.0, 1.0]), item=v([3.0, 3.0, 0.0]), score=v([1.0, 4.0, 2.0]), no_grad=("user", "item", "score"))
def recommender(mx, user, item, score):
    user = mx.sym.Embedding(user, input_dim=3, output_dim=2, name="user")
    item = mx.sym.Embedding(item, input_dim=4, output_dim=2, name="item")
    both = mx.sym.sum(user * item, axis=1)
    deep = mx.sym.FullyConnected(mx.sym.Concat(user, item, dim=1), num_hidden=1, name="deep")
    return mx.sym.LinearRegressionOutput(mx.sym.Flatten(both) + mx.sym.Reshape(deep, shape=(-1, 1)), score, name="lro")


@network(
    data=v([[0.0, 2.0], [1.0, 1.0]]),
    label=v([[1.0, 3.0, 0.0], [2.0, 0.0, 4.0]]),
    label_weight=v([[1.0, 0, 0]] * 2),
    no_grad=("data", "label", "label_weight"),
)
def noise_contrastive(mx, data, label, label_weight):
    hidden = mx.sym.FullyConnected(mx.sym.Embedding(data, input_dim=3, output_dim=2, name="in"), num_hidden=2, name="fc")
    hidden = mx.sym.Reshape(hidden, shape=(-1, 1, 2))
    known = mx.sym.Embedding(label, input_dim=5, output_dim=2, name="out")
    scores = mx.sym.sum(mx.sym.broadcast_mul(hidden, known), axis=2)
    return mx.sym.LogisticRegressionOutput(scores, label_weight)


@network(anchor=unit(3, 4), same=unit(3, 4), other=unit(3, 4))
def triplet(mx, anchor, same, other):
    near = mx.sym.sum(mx.sym.square(anchor - same), axis=1, keepdims=True)
    far = mx.sym.sum(mx.sym.square(anchor - other), axis=1, keepdims=True)
    return mx.sym.MakeLoss(mx.sym.Activation(near - far + 0.2, act_type="relu"), normalization="batch")


@network(data=unit(1, 3, 4, 4), a=f(1, 3, 1, 1), b=pos(3, 1, 1), loose=2e-4)
def exported(mx, data, a, b):
    net = mx.sym.broadcast_div(mx.sym.broadcast_sub(data, a), b)
    net = mx.sym.pad(net, mode="constant", pad_width=(0, 0, 0, 0, 0, 1, 0, 1), constant_value=0)
    net = mx.sym.Convolution(net, kernel=(2, 2), num_filter=4, dilate=(1, 1), num_group=1, name="c")
    net = mx.sym.LeakyReLU(net, act_type="elu", slope=1.0)
    net = mx.sym.broadcast_add(net, mx.sym.mean(net, axis=(2, 3), keepdims=1))
    net = mx.sym.max(mx.sym.transpose(net, axes=(0, 2, 3, 1)), axis=(1,), keepdims=False)
    first = mx.sym.slice_axis(net, axis=1, begin=0, end=2)
    rest = mx.sym.squeeze(mx.sym.slice_axis(net, axis=1, begin=2, end=3), axis=(1,))
    made = mx.sym.linalg.gemm2(mx.sym.Flatten(first), mx.sym.Variable("w", shape=(8, 4)), alpha=1.5)
    out = mx.sym.Cast(mx.sym.broadcast_maximum(made, rest), dtype="float32")
    return mx.sym.log_softmax(mx.sym.reshape(out, shape=(1, -1)), axis=1)


@network(data=unit(1, 12, 2, 2), forward_only="boxes")
def yolo(mx, data):
    data = mx.sym.reshape(mx.sym.transpose(data, axes=(0, 2, 3, 1)), shape=(0, -1, 6))
    centre = mx.sym.sigmoid(mx.sym.slice_axis(data, axis=-1, begin=0, end=2))
    extent = mx.sym.exp(mx.sym.slice_axis(data, axis=-1, begin=2, end=4)) * 0.5
    score = mx.sym.sigmoid(mx.sym.slice_axis(data, axis=-1, begin=4, end=5))
    kind = mx.sym.zeros_like(score)
    boxes = mx.sym.concat(kind, score, centre - extent / 2, centre + extent / 2, dim=-1)
    kept = mx.sym.contrib.box_nms(boxes, overlap_thresh=0.45, valid_thresh=0.01, topk=4, id_index=0, score_index=1, coord_start=2)
    return mx.sym.slice_axis(kept, axis=1, begin=0, end=4)


@network(data=unit(4, 3), svm_label=v([0.0, 2.0, 1.0, 1.0]), no_grad=("svm_label",))
def support_vectors(mx, data, svm_label):
    net = mx.sym.FullyConnected(mx.sym.IdentityAttachKLSparseReg(mx.sym.sigmoid(data), penalty=0.1), num_hidden=3, name="fc")
    return mx.sym.SVMOutput(net, svm_label, margin=0.5, regularization_coefficient=0.7, use_linear=True)


@network(data=unit(5, 2, 3), lengths=v([2.0, 4.0]), no_grad=("lengths",))
def sequences(mx, data, lengths):
    masked = mx.sym.SequenceMask(data, lengths, use_sequence_length=True, value=-1.0)
    turned = mx.sym.SequenceReverse(masked, lengths, use_sequence_length=True)
    last = mx.sym.SequenceLast(mx.sym.tanh(turned), lengths, use_sequence_length=True)
    return mx.sym.broadcast_add(mx.sym.dot(last, mx.sym.Variable("w", shape=(3, 2))), mx.sym.Variable("b", shape=(1, 2)))


CASES = list(NETWORKS.values())
