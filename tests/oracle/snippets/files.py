"""Symbol files of every version: what loads, what becomes of old spellings, and what is listed and inferred then."""

import json

from .support import attributes, lists, quietly, table, text

FIRST, MIDDLE, LAST = "first", "middle", "last"
DATA = ("null", "data", {}, {}, [])


def variable(name, **user):
    return ("null", name, {}, user, [])


def file(nodes, form=LAST, version=10901, shapes=None, heads=None, **top):
    """A program that loads a file and tells what it is.

    Nodes are operator, name, parameters, user attributes, places of the inputs. Before 0.9 (`first`) the two maps were apart,
    then (`middle`) they were one called `attr`, today it is called `attrs`.
    """

    def entry(place):
        place = place if isinstance(place, tuple) else (place, 0)
        return list(place) if form == FIRST else [*place, 0]

    def node(op, name, params, user, inputs):
        made = {"op": op, "name": name, "inputs": [entry(i) for i in inputs]}
        if form == FIRST:
            return {**made, "param": params, "attr": user, "backward_source_id": -1}
        key = "attr" if form == MIDDLE else "attrs"
        return {**made, key: {**params, **user}} if params or user else made

    whole = {
        "nodes": [node(*one) for one in nodes],
        "arg_nodes": [i for i, one in enumerate(nodes) if one[0] == "null"],
        "heads": [entry(i) for i in ([len(nodes) - 1] if heads is None else heads)],
    }
    if version:
        whole["attrs"] = {"mxnet_version": ["int", version]}
    whole.update(top)
    written = json.dumps({key: value for key, value in whole.items() if value is not None})
    return lambda mx: loaded(mx, written, shapes or {"data": (2, 3, 8, 8)})


def loaded(mx, written, shapes):
    """What is listed, told and inferred of a file."""

    def look():
        sym = mx.sym.load_json(written)
        return {
            "lists": lists(sym),
            "attributes": attributes(sym),
            "shapes": quietly(lambda: sym.infer_shape(**shapes)),
            "types": quietly(lambda: sym.infer_type(**dict.fromkeys(shapes, "float32"))),
            "nodes": nodes_of(text(sym)),
        }

    return quietly(look)


def nodes_of(written):
    """The nodes of a text, of the inputs without the third number, which nothing reads."""
    return [{**node, "inputs": [entry[:2] for entry in node["inputs"]]} for node in json.loads(written)["nodes"]]


def network(form, version, label=True, statistics=True, **user):
    """A small classifier; files of before 0.9 hold no auxiliary states."""
    nodes = [DATA, variable("c_weight"), variable("c_bias")]
    params = {"kernel": "(3,3)", "num_filter": "4", "pad": "(1, 1)", "workspace": "512", "no_bias": "False"}
    nodes.append(("Convolution", "c", params, user, [0, 1, 2]))
    nodes += [variable("b_gamma"), variable("b_beta")]
    extra = [variable("b_moving_mean"), variable("b_moving_var")] if statistics else []
    nodes += extra
    nodes.append(("BatchNorm", "b", {"eps": "0.001", "fix_gamma": "True"}, {}, [3, 4, 5] + [6, 7][: len(extra)]))
    at = len(nodes) - 1
    nodes.append(("Activation", "a", {"act_type": "relu"}, {}, [at]))
    nodes.append(("Pooling", "p", {"kernel": "[2,2]", "pool_type": "max", "stride": "(2L, 2L)"}, {}, [at + 1]))
    nodes += [("Flatten", "f", {}, {}, [at + 2]), variable("d_weight"), variable("d_bias")]
    nodes.append(("FullyConnected", "d", {"num_hidden": "5"}, user, [at + 3, at + 4, at + 5]))
    nodes += [variable("softmax_label")] if label else []
    nodes.append(("SoftmaxOutput", "softmax", {"grad_scale": "1"}, {}, [at + 6] + [at + 7] * label))
    return file(nodes, form, version)


FORMS = {
    "first_form": network(FIRST, None, statistics=False),
    "first_form_with_statistics": network(FIRST, None),
    "first_form_without_label": network(FIRST, None, label=False, statistics=False),
    "middle_form": network(MIDDLE, None),
    "middle_form_without_statistics": network(MIDDLE, None, statistics=False),
    "middle_form_of_0_9": network(MIDDLE, 901),
    "middle_form_of_0_9_5": network(MIDDLE, 905),
    "middle_form_of_0_11": network(MIDDLE, 1100),
    "middle_form_of_1_9": network(MIDDLE, 10901),
    "last_form_without_version": network(LAST, None),
    "last_form_of_1_0": network(LAST, 10000),
    "last_form_of_1_5": network(LAST, 10500),
    "last_form_of_1_9": network(LAST, 10901),
    "last_form_of_2_0": network(LAST, 20000),
    "first_form_with_keys": network(FIRST, None, statistics=False, lr_mult="2", ctx_group="one"),
    "middle_form_with_keys": network(MIDDLE, None, lr_mult="2", ctx_group="one", force_mirroring="True"),
    "middle_form_of_0_11_with_keys": network(MIDDLE, 1100, lr_mult="2", wd_mult="0.5"),
    "last_form_with_keys": network(LAST, 10901, __lr_mult__="2", __ctx_group__="one"),
    "first_form_with_keys_of_inputs": network(FIRST, None, statistics=False, weight_lr_mult="2", bias_wd_mult="0"),
    "middle_form_with_keys_of_inputs": network(MIDDLE, 901, weight_lr_mult="2", bias_wd_mult="0"),
    "middle_form_of_0_11_with_keys_of_inputs": network(MIDDLE, 1100, bias_lr_mult="2"),
    "last_form_with_keys_of_inputs": network(LAST, 10901, __weight_lr_mult__="2"),
}


def call(op, params=None, inputs=1, form=LAST, version=10901, shape=(2, 3), user=None, heads=None):
    """A file with one operator on variables."""
    names = ["data", "other", "third", "fourth"][:inputs]
    node = (op, "op", params or {}, user or {}, list(range(inputs)))
    shapes = {name: shape for name in names}
    return file([variable(name) for name in names] + [node], form, version, shapes, heads)


OLD_NAMES = {}
for op in ("_Plus", "_Minus", "_Mul", "_Div", "_Power", "_Maximum", "_Minimum", "_plus", "_sub", "_Hypot", "_Mod"):
    OLD_NAMES[op] = call(op, inputs=2, form=FIRST, version=None)
for op in ("_Equal", "_Not_Equal", "_Greater", "_Greater_Equal", "_Lesser", "_Lesser_Equal", "_Logical_And", "_Logical_Or"):
    OLD_NAMES[op] = call(op, inputs=2, form=MIDDLE, version=905)
SCALAR = ("Plus", "Minus", "RMinus", "Mul", "Div", "RDiv", "Power", "RPower", "Maximum", "Minimum", "Mod", "RMod", "Hypot")
for op in SCALAR:
    OLD_NAMES[f"_{op}Scalar"] = call(f"_{op}Scalar", {"scalar": "2"}, form=FIRST, version=None)
for op in ("_EqualScalar", "_NotEqualScalar", "_GreaterScalar", "_LesserEqualScalar", "_plus_scalar", "_rminus_scalar"):
    OLD_NAMES[op] = call(op, {"scalar": "2.5"}, form=MIDDLE, version=905)
for op in ("ElementWiseSum", "add_n", "Concat", "concat", "stack"):
    OLD_NAMES[op] = call(op, {"num_args": "2"}, inputs=2, form=MIDDLE, version=None)
for op in (
    "identity",
    "_copy",
    "stop_gradient",
    "BlockGrad",
    "Flatten",
    "flatten",
    "sum_axis",
    "max_axis",
    "min_axis",
    "negative",
):
    OLD_NAMES[op] = call(op, form=MIDDLE, version=None)
for op in ("broadcast_plus", "broadcast_minus", "elemwise_add", "_grad_add", "dot"):
    OLD_NAMES[op] = call(op, inputs=2, form=MIDDLE, version=905, shape=(3, 3))
OLD_NAMES |= {
    "Softmax": call("Softmax", inputs=1, form=FIRST, version=None),
    "SoftmaxActivation": call("SoftmaxActivation", {"mode": "channel"}, form=FIRST, version=None, shape=(1, 2, 3, 3)),
    "crop": call("crop", {"begin": "(0, 1)", "end": "(1, 3)"}, form=MIDDLE, version=None),
    "SwapAxis": call("SwapAxis", {"dim1": "0", "dim2": "1"}, form=FIRST, version=None),
    "swapaxes": call("swapaxes", {"dim1": "0", "dim2": "1"}, form=MIDDLE, version=None),
    "argmax_of_all": call("argmax", {"axis": "-1"}, form=MIDDLE, version=901),
    "argmax_of_last": call("argmax", {"axis": "-1"}, form=MIDDLE, version=905),
    "argmin_of_all": call("argmin", {"axis": "-1", "keepdims": "True"}, form=MIDDLE, version=None),
    "argmax_channel": call("argmax_channel", form=FIRST, version=None),
    "Reshape_target": call("Reshape", {"target_shape": "(3, 0)"}, form=FIRST, version=None),
    "Reshape_both": call(
        "Reshape", {"target_shape": "(0, 0)", "shape": "(6,)", "keep_highest": "False"}, form=MIDDLE, version=905
    ),
    "reshape_reverse": call("reshape", {"shape": "(-1, 2)", "reverse": "True"}, form=MIDDLE, version=1000),
    "Cast": call("Cast", {"dtype": "float16"}, form=FIRST, version=None),
    "LRN": call(
        "LRN", {"nsize": "5", "alpha": "0.0001", "beta": "0.75", "knorm": "2"}, form=FIRST, version=None, shape=(1, 4, 3, 3)
    ),
    "L2Normalization": call("L2Normalization", {"mode": "channel"}, form=FIRST, version=None, shape=(1, 4, 3, 3)),
    "LeakyReLU": call("LeakyReLU", {"act_type": "prelu"}, inputs=1, form=FIRST, version=None, shape=(1, 4, 3, 3)),
    "InstanceNorm": call("InstanceNorm", {"eps": "0.1"}, inputs=1, form=FIRST, version=None, shape=(1, 4, 3, 3)),
    "Deconvolution": call(
        "Deconvolution",
        {"kernel": "(4,4)", "stride": "(2,2)", "num_filter": "2", "num_group": "2", "no_bias": "True", "workspace": "1024"},
        form=FIRST,
        version=None,
        shape=(1, 2, 3, 3),
    ),
    "UpSampling": call(
        "UpSampling",
        {"scale": "2", "sample_type": "nearest", "num_args": "1", "workspace": "512"},
        form=FIRST,
        shape=(1, 2, 3, 3),
    ),
    "Crop_one": call(
        "Crop", {"num_args": "1", "h_w": "(2, 2)", "offset": "(1, 0)"}, form=FIRST, version=None, shape=(1, 2, 3, 3)
    ),
    "Crop_two": call("Crop", {"num_args": "2", "center_crop": "true"}, inputs=2, form=FIRST, version=None, shape=(1, 2, 3, 3)),
    "Embedding": call("Embedding", {"input_dim": "5", "output_dim": "2"}, form=FIRST, version=None),
    "RNN": call(
        "RNN",
        {"state_size": "4", "num_layers": "2", "mode": "lstm", "bidirectional": "True", "p": "0.5", "state_outputs": "False"},
        form=FIRST,
        version=None,
        shape=(5, 2, 3),
    ),
    "SliceChannel": call(
        "SliceChannel", {"num_outputs": "3", "squeeze_axis": "1"}, form=FIRST, version=None, heads=[(1, 0), (1, 2)]
    ),
    "Dropout": call("Dropout", {"p": "0.5"}, form=FIRST, version=None),
    "Dropout_mode": call("Dropout", {"p": "0.5", "mode": "always", "axes": "[]", "cudnn_off": "0"}),
    "LinearRegressionOutput": call("LinearRegressionOutput", {"grad_scale": "1"}, form=FIRST, version=None),
    "MakeLoss": call("MakeLoss", {"grad_scale": "0.5", "normalization": "valid"}, form=FIRST, version=None),
    "Proposal": call("_contrib_Proposal", {"rpn_min_size": "16", "feature_stride": "16"}, inputs=3, shape=(1, 24, 3, 3)),
    "Proposal_old": call(
        "_contrib_Proposal", {"scales": "(8, 16, 32)", "ratios": "(0.5, 1, 2)"}, inputs=3, form=MIDDLE, version=905
    ),
    "MultiBoxPrior": call(
        "_contrib_MultiBoxPrior", {"sizes": "(0.2,)", "ratios": "(1.0, 2.0)", "clip": "False"}, shape=(1, 2, 3, 3)
    ),
    "MultiBoxDetection": call("_contrib_MultiBoxDetection", {"nms_threshold": "0.5"}, inputs=3, form=MIDDLE, version=1000),
    "Pooling_v1": call("Pooling_v1", {"kernel": "(2,2)", "pooling_convention": "full"}, shape=(1, 2, 3, 3)),
    "Pooling_global": call(
        "Pooling",
        {"kernel": "(2,2)", "global_pool": "True", "pool_type": "avg", "pooling_convention": "full"},
        form=FIRST,
        version=None,
        shape=(1, 2, 3, 3),
    ),
    "SequenceLast": call("SequenceLast", {"use_sequence_length": "False"}, form=FIRST, version=None),
    "slice_none": call("slice", {"begin": "(None, 1)", "end": "(None, None)", "step": "[]"}),
    "sum_no_axis": call("sum", {"axis": "()", "keepdims": "False"}, form=MIDDLE, version=905),
    "sum_old_axis": call("sum", {"axis": "1"}, form=FIRST, version=None),
    "clip": call("clip", {"a_min": "0", "a_max": "6"}, form=MIDDLE, version=1000),
    "softmax": call("softmax", {"axis": "-1", "temperature": "None"}),
    "broadcast_axis": call("broadcast_axis", {"axis": "0", "size": "4"}, shape=(1, 3)),
    "Unknown_parameter": call("Flatten", {"nothing": "1"}),
    "Unknown_parameter_of_before": call("Flatten", {"nothing": "1"}, form=FIRST, version=None),
    "Parameter_missing": call("FullyConnected", {}, inputs=3),
    "Parameter_wrong": call("FullyConnected", {"num_hidden": "many"}, inputs=3),
    "Own_key": call("exp", user={"__mood__": "fine"}),
    "Own_plain_key": call("exp", user={"mood": "fine"}),
    "Own_plain_key_of_before": call("exp", user={"mood": "fine"}, form=FIRST, version=None),
    "Own_plain_key_in_the_middle": call("exp", user={"mood": "fine"}, form=MIDDLE, version=905),
}
OLD_NAMES["Key_of_gamma"] = call(
    "BatchNorm", {}, inputs=3, form=FIRST, version=None, shape=(3,), user={"gamma_lr_mult": "0", "wd_mult": "2"}
)
REFUSED = {
    "statistics_missing": network(MIDDLE, 901, statistics=False),
    "statistics_missing_today": network(LAST, 10901, statistics=False),
    "label_missing": network(LAST, 10901, label=False),
    "gamma_missing": call("LeakyReLU", {"act_type": "prelu"}, form=MIDDLE, version=901, shape=(1, 4)),
    "weight_missing": call(
        "Convolution_v1", {"kernel": "(2,2)", "num_filter": "3"}, form=MIDDLE, version=905, shape=(1, 2, 3, 3)
    ),
    "input_missing": call("elemwise_add", inputs=1),
    "input_too_many": call("exp", inputs=2),
}

TWO = [DATA, ("exp", "e", {}, {}, [0])]
SHAPED = variable("data", __shape__="(2, 3)", __dtype__="1", __lr_mult__="0.5", __init__='["zero", {}]')
SHAPES = {
    "of_variables": file([SHAPED, ("exp", "e", {}, {}, [0])], shapes={}),
    "of_old_variables": file([variable("data", lr_mult="2", wd_mult="0"), ("exp", "e", {}, {}, [0])], FIRST, None, {}),
    "of_variables_with_own_keys": file([variable("data", mood="fine"), ("exp", "e", {}, {}, [0])], MIDDLE, 905),
    "without_row_pointers": file(TWO),
    "with_row_pointers": file(TWO, node_row_ptr=[0, 1, 2]),
    "with_wrong_row_pointers": file(TWO, node_row_ptr=[0, 7, 9]),
    "without_arg_nodes": file(TWO, arg_nodes=None),
    "with_more_attributes": file(TWO, attrs={"mxnet_version": ["int", 10901], "author": ["str", "me"]}),
    "with_unknown_top": file(TWO, comment="nothing"),
    "with_two_heads": file([*TWO, ("log", "l", {}, {}, [0])], heads=[1, 2]),
    "with_a_head_twice": file(TWO, heads=[1, 1]),
    "with_a_variable_as_head": file(TWO, heads=[0, 1]),
    "with_an_unused_node": file([*TWO, variable("unused"), ("log", "l", {}, {}, [0])]),
    "in_another_order": file([("exp", "e", {}, {}, [1]), DATA], heads=[0]),
    "with_an_input_out_of_range": file([DATA, ("exp", "e", {}, {}, [7])]),
    "with_a_hidden_head": file([DATA, ("Dropout", "e", {"p": "0.5"}, {}, [0])], heads=[(1, 1)]),
    "with_a_shared_weight": file(
        [
            DATA,
            variable("w"),
            ("FullyConnected", "a", {"num_hidden": "4", "no_bias": "True"}, {}, [0, 1]),
            ("FullyConnected", "b", {"num_hidden": "4", "no_bias": "True"}, {}, [2, 1]),
        ],
        shapes={"data": (2, 4)},
    ),
    "with_names_twice": file([DATA, ("exp", "e", {}, {}, [0]), ("log", "e", {}, {}, [1])]),
    "with_an_empty_name": file([DATA, ("exp", "", {}, {}, [0])]),
}


def refused(told):
    """Whether a file is refused, at the latest when shapes are inferred."""
    return told if isinstance(told, str) else told["shapes"]


table("refused_files", REFUSED, refused)
table("files", FORMS, lambda told: told)
table("old", OLD_NAMES, lambda told: told)
table("shapes_of_files", SHAPES, lambda told: told)
