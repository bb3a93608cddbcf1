"""Shapes and types inferred from full, partial and contradictory information.

Left out are slips of MXNet: it raises where a width of 0 reaches a weight, where transpose sees its output alone and where
softmax_cross_entropy has no label; it adds 0 for an unknown input of Concat; it overlooks a contradictory auxiliary shape.
"""

from .graphs import lenet, lstm, mlp, residual
from .support import quietly, snippet, table


def x(mx, name="x", **more):
    return mx.sym.Variable(name, **more)


def pair(mx):
    return x(mx), x(mx, "y")


def of(operator, **params):
    """An operator with all its inputs created, named `op`."""
    return lambda mx: getattr(mx.sym, operator)(name="op", **params)


def on_x(operator, **params):
    return lambda mx: getattr(mx.sym, operator)(x(mx), name="op", **params)


SHAPES = {
    "mlp": (mlp, dict(data=(5, 20))),
    "mlp_partial_batch": (mlp, dict(data=(0, 20))),
    "mlp_nothing": (mlp, {}),
    "mlp_from_label": (mlp, dict(softmax_label=(5,))),
    "mlp_from_weight": (mlp, dict(fc1_weight=(128, 20))),
    "mlp_contradiction": (mlp, dict(data=(5, 20), fc1_weight=(128, 21))),
    "mlp_label_contradiction": (mlp, dict(data=(5, 20), softmax_label=(4,))),
    "mlp_unknown_name": (mlp, dict(nothing=(5,))),
    "mlp_given_internal": (mlp, dict(fc1_output=(5, 20))),
    "lenet": (lenet, dict(data=(2, 1, 28, 28))),
    "lenet_too_small": (lenet, dict(data=(2, 1, 4, 4))),
    "lenet_partial_channels": (lenet, dict(data=(2, 0, 28, 28))),
    "lenet_partial_batch": (lenet, dict(data=(0, 1, 28, 28))),
    "residual": (residual, dict(data=(2, 4, 8, 8))),
    "residual_contradiction": (residual, dict(data=(2, 3, 8, 8))),
    "residual_inner_only": (residual, dict(bn00_gamma=(4,))),
    "lstm": (lstm, dict(t0=(2, 3), t1=(2, 3), h=(2, 4), c=(2, 4))),
    "lstm_batch_from_state": (lstm, dict(t0=(2, 3), t1=(0, 3), h=(2, 4))),
    "lstm_one_input": (lstm, dict(t0=(2, 3), h=(2, 4))),
    "plus_forward": (lambda mx: pair(mx)[0] + pair(mx)[1], dict(x=(2, 3))),
    "plus_both_parts": (lambda mx: pair(mx)[0] + pair(mx)[1], dict(x=(2, 0), y=(0, 3))),
    "plus_contradiction": (lambda mx: pair(mx)[0] + pair(mx)[1], dict(x=(2, 3), y=(2, 4))),
    "plus_ranks": (lambda mx: pair(mx)[0] + pair(mx)[1], dict(x=(2, 3), y=(3,))),
    "chain_backwards": (lambda mx: mx.sym.exp(mx.sym.log(x(mx))) * x(mx, "y"), dict(y=(4, 5))),
    "unary_from_sibling": (lambda mx: mx.sym.Group([mx.sym.exp(x(mx, "a")) + x(mx, "b"), x(mx, "b") * 2]), dict(b=(3,))),
    "variable_shape": (lambda mx: x(mx, shape=(2, 3)) + x(mx, "y"), {}),
    "variable_shape_partial": (lambda mx: x(mx, shape=(0, 3)) + x(mx, "y"), dict(y=(2, 0))),
    "variable_shape_beaten": (lambda mx: mx.sym.exp(x(mx, shape=(2, 3))), dict(x=(4, 5))),
    "variable_alone": (x, {}),
    "variable_alone_given": (x, dict(x=(2,))),
    "fully_connected_partial": (on_x("FullyConnected", num_hidden=4), dict(x=(0, 3))),
    "fully_connected_weight": (on_x("FullyConnected", num_hidden=4), dict(op_weight=(4, 3))),
    "fully_connected_no_flatten": (on_x("FullyConnected", num_hidden=4, flatten=False), dict(x=(2, 3, 5))),
    "fully_connected_flatten_partial": (on_x("FullyConnected", num_hidden=4), dict(x=(0, 3, 5))),
    "convolution": (on_x("Convolution", kernel=(3, 3), num_filter=4, num_group=2), dict(x=(2, 6, 7, 7))),
    "convolution_partial_batch": (on_x("Convolution", kernel=(3, 3), num_filter=4), dict(x=(0, 6, 7, 7))),
    "convolution_partial_side": (on_x("Convolution", kernel=(3, 3), num_filter=4), dict(x=(2, 6, 0, 7))),
    "convolution_weight_only": (on_x("Convolution", kernel=(3, 3), num_filter=4), dict(op_weight=(4, 6, 3, 3))),
    "convolution_channels_from_weight": (
        on_x("Convolution", kernel=(3, 3), num_filter=4),
        dict(x=(2, 0, 7, 7), op_weight=(4, 6, 3, 3)),
    ),
    "deconvolution": (on_x("Deconvolution", kernel=(4, 4), num_filter=4, stride=(2, 2), pad=(1, 1)), dict(x=(2, 6, 7, 7))),
    "batch_norm": (on_x("BatchNorm"), dict(x=(2, 3, 4, 4))),
    "batch_norm_gamma": (on_x("BatchNorm"), dict(op_gamma=(3,))),
    "batch_norm_partial": (on_x("BatchNorm"), dict(x=(0, 3, 0, 4))),
    "batch_norm_unknown_channels": (on_x("BatchNorm"), dict(x=(2, 0, 4, 4))),
    "pooling_partial": (on_x("Pooling", kernel=(2, 2), pool_type="max"), dict(x=(0, 3, 8, 8))),
    "pooling_full": (
        on_x("Pooling", kernel=(3, 3), stride=(2, 2), pool_type="max", pooling_convention="full"),
        dict(x=(1, 1, 8, 8)),
    ),
    "concat_batch_from_sibling": (lambda mx: mx.sym.Concat(x(mx, "a"), x(mx, "b"), dim=1, name="op"), dict(a=(2, 3), b=(0, 4))),
    "concat_unknown_length": (lambda mx: mx.sym.Concat(x(mx, "a"), x(mx, "b"), dim=1, name="op"), dict(a=(2, 3), b=(2, 0))),
    "dot_one_side": (lambda mx: mx.sym.dot(*pair(mx)), dict(x=(2, 3))),
    "dot_vectors": (lambda mx: mx.sym.dot(*pair(mx)), dict(x=(3,), y=(3,))),
    "broadcast_one_side": (lambda mx: mx.sym.broadcast_add(*pair(mx)), dict(x=(2, 3))),
    "broadcast_ranks": (lambda mx: mx.sym.broadcast_add(*pair(mx)), dict(x=(2, 3), y=(3,))),
    "reshape_backwards": (lambda mx: mx.sym.Reshape(x(mx), shape=(0, -1)) + x(mx, "y"), dict(y=(2, 6))),
    "reshape_partial": (on_x("Reshape", shape=(0, -1)), dict(x=(2, 0, 3))),
    "reshape_partial_batch": (on_x("Reshape", shape=(-1, 6)), dict(x=(0, 6))),
    "flatten_partial": (on_x("Flatten"), dict(x=(0, 3, 4))),
    "transpose_partial": (on_x("transpose"), dict(x=(0, 3))),
    "swap_axis_partial": (on_x("SwapAxis", dim1=0, dim2=1), dict(x=(0, 3))),
    "expand_dims_backwards": (lambda mx: mx.sym.expand_dims(x(mx), axis=1) + x(mx, "y"), dict(y=(2, 1, 6))),
    "slice_channel": (on_x("SliceChannel", num_outputs=2), dict(x=(3, 4, 5))),
    "slice_channel_partial": (on_x("SliceChannel", num_outputs=2), dict(x=(0, 4))),
    "slice_channel_backwards": (lambda mx: mx.sym.SliceChannel(x(mx), num_outputs=2)[0] + x(mx, "y"), dict(y=(3, 2))),
    "sum_all": (on_x("sum"), dict(x=(2, 3))),
    "sum_partial": (on_x("sum", axis=1), dict(x=(0, 3))),
    "embedding": (on_x("Embedding", input_dim=5, output_dim=3), dict(x=(2, 4))),
    "embedding_weight_only": (on_x("Embedding", input_dim=5, output_dim=3), {}),
    "softmax_label": (on_x("SoftmaxOutput"), dict(x=(2, 3))),
    "softmax_multi_label": (on_x("SoftmaxOutput", multi_output=True), dict(x=(2, 3, 4, 4))),
    "softmax_multi_label_given": (on_x("SoftmaxOutput", multi_output=True), dict(x=(2, 3, 4, 4), op_label=(2, 4, 4))),
    "regression_label": (on_x("LinearRegressionOutput"), dict(x=(4, 1))),
    "regression_label_wide": (on_x("LinearRegressionOutput"), dict(x=(4, 3))),
    "prelu": (on_x("LeakyReLU", act_type="prelu"), dict(x=(2, 3, 4))),
    "layer_norm": (on_x("LayerNorm", axis=1), dict(x=(2, 3, 4))),
    "group_norm": (on_x("GroupNorm", num_groups=2), dict(x=(2, 4, 5))),
    "rnn": (on_x("RNN", state_size=3, num_layers=2, mode="lstm", bidirectional=True, state_outputs=True), dict(x=(5, 2, 4))),
    "where": (lambda mx: mx.sym.where(x(mx, "c"), *pair(mx)), dict(c=(2, 3), x=(2, 3))),
    "add_n_partial": (lambda mx: mx.sym.add_n(x(mx, "a"), x(mx, "b"), x(mx, "c")), dict(a=(2, 0), c=(0, 5))),
    "take": (lambda mx: mx.sym.take(*pair(mx)), dict(x=(5, 3), y=(2, 2))),
    "created": (lambda mx: mx.sym.zeros((2, 3)) + x(mx), {}),
    "created_partial": (lambda mx: mx.sym.zeros((0, 3)) + x(mx), dict(x=(4, 0))),
    "auxiliary_given": (on_x("BatchNorm"), dict(x=(2, 3), op_moving_mean=(3,))),
    "duplicate_names": (lambda mx: mx.sym.exp(x(mx)) + mx.sym.exp(x(mx)), dict(x=(2, 3))),
}

TYPES = {
    "mlp": (mlp, {}),
    "mlp_float64": (mlp, dict(data="float64")),
    "mlp_float16_from_weight": (mlp, dict(fc1_weight="float16")),
    "mlp_mixed": (mlp, dict(data="float32", fc1_weight="float64")),
    "mlp_unknown_name": (mlp, dict(nothing="float32")),
    "residual_float16": (residual, dict(data="float16")),
    "residual": (residual, {}),
    "lstm_float64": (lstm, dict(h="float64")),
    "plus": (lambda mx: pair(mx)[0] + pair(mx)[1], dict(x="int32")),
    "plus_mixed": (lambda mx: pair(mx)[0] + pair(mx)[1], dict(x="int32", y="float32")),
    "plus_nothing": (lambda mx: pair(mx)[0] + pair(mx)[1], {}),
    "batch_norm_float16": (on_x("BatchNorm"), dict(x="float16")),
    "batch_norm_float64": (on_x("BatchNorm"), dict(x="float64")),
    "embedding": (on_x("Embedding", input_dim=5, output_dim=3), dict(x="int32")),
    "embedding_float64": (on_x("Embedding", input_dim=5, output_dim=3, dtype="float64"), dict(x="int64")),
    "cast": (on_x("Cast", dtype="float16"), dict(x="int32")),
    "cast_nothing": (on_x("Cast", dtype="float16"), {}),
    "cast_backwards": (lambda mx: mx.sym.Cast(x(mx), dtype="float64") + x(mx, "y"), dict(x="float32")),
    "comparison": (lambda mx: pair(mx)[0] > pair(mx)[1], dict(x="int64")),
    "comparison_number": (lambda mx: x(mx) > 1.5, dict(x="uint8")),
    "number_on_whole": (lambda mx: x(mx) + 1.5, dict(x="int32")),
    "argmax": (on_x("argmax", axis=0), dict(x="float64")),
    "argmax_whole": (on_x("argmax", axis=0), dict(x="int32")),
    "topk_both": (on_x("topk", ret_typ="both"), dict(x="float64")),
    "topk_dtype": (on_x("topk", ret_typ="both", dtype="int32"), dict(x="float64")),
    "argsort": (on_x("argsort"), dict(x="float64")),
    "one_hot": (on_x("one_hot", depth=3, dtype="float64"), dict(x="int32")),
    "take": (lambda mx: mx.sym.take(*pair(mx)), dict(x="float64", y="int32")),
    "where": (lambda mx: mx.sym.where(x(mx, "c"), *pair(mx)), dict(c="int32", x="float64")),
    "softmax_output": (on_x("SoftmaxOutput"), dict(x="float64")),
    "softmax_dtype": (on_x("softmax", dtype="float64"), dict(x="float32")),
    "regression": (on_x("LinearRegressionOutput"), dict(x="float64")),
    "variable_dtype": (lambda mx: x(mx, dtype="float64") * x(mx, "y"), {}),
    "variable_dtype_beaten": (lambda mx: mx.sym.exp(x(mx, dtype="float64")), dict(x="float32")),
    "variable_alone": (x, {}),
    "created": (lambda mx: mx.sym.zeros((2,), dtype="float64") + x(mx), {}),
    "created_mixed": (lambda mx: mx.sym.zeros((2,), dtype="float64") + x(mx), dict(x="float32")),
    "shape_array": (on_x("shape_array"), dict(x="float32")),
    "zeros_like": (on_x("zeros_like"), dict(x="int32")),
    "split": (on_x("SliceChannel", num_outputs=2), dict(x="int32")),
    "dot": (lambda mx: mx.sym.dot(*pair(mx)), dict(x="float64")),
    "batch_dot": (lambda mx: mx.sym.batch_dot(*pair(mx)), dict(x="float64")),
    "sequence_mask": (on_x("SequenceMask", use_sequence_length=True), dict(x="float64")),
    "layer_norm": (on_x("LayerNorm"), dict(x="float16")),
    "norm": (on_x("norm"), dict(x="float16")),
    "convolution_float16": (on_x("Convolution", kernel=(1, 1), num_filter=1), dict(x="float16")),
    "auxiliary_given": (on_x("BatchNorm"), dict(op_moving_mean="float64")),
}


def shapes(row):
    build, given = row
    return lambda mx: (build(mx), given)


def look_shapes(found):
    sym, given = found
    return {"full": quietly(lambda: sym.infer_shape(**given)), "partial": quietly(lambda: sym.infer_shape_partial(**given))}


def look_types(found):
    sym, given = found
    return {"full": quietly(lambda: sym.infer_type(**given)), "partial": quietly(lambda: sym.infer_type_partial(**given))}


table("shapes", {name: shapes(row) for name, row in SHAPES.items()}, look_shapes)
table("types", {name: shapes(row) for name, row in TYPES.items()}, look_types)


@snippet
def internals_infer(mx):
    inner = mlp(mx).get_internals()
    return quietly(lambda: dict(zip(inner.list_outputs(), inner.infer_shape(data=(5, 20))[1])))


@snippet
def nothing_is_remembered(mx):
    net = mlp(mx)
    first = quietly(lambda: net.infer_shape(data=(5, 20)))
    return [first == quietly(lambda: net.infer_shape(data=(5, 20))), quietly(lambda: net.infer_shape(data=(7, 20)))]
