"""One call of every operator: inputs and parameters with which it runs, in rsym and in MXNet alike."""

import json
import pathlib

import numpy as np

_FILE = pathlib.Path(__file__).resolve().parent / "operators.json"
OPERATORS = {op["name"]: op for op in json.loads(_FILE.read_text())}
CASTS = ("amp_cast", "amp_multicast")
OPTIMIZER = sorted(name for name, op in OPERATORS.items() if op["tier"] == "optimizer" and name not in CASTS)
# What these are depends on Python classes and on graphs.
GRAPHS = ("Custom", "_cond", "_foreach", "_while_loop")
TIERS = ("seed", "core", "contrib", "optimizer")
RANDOM = {
    name
    for name in OPERATORS
    if name.startswith(("_random_", "_sample_", "_image_random_", "_shuffle")) and not name.startswith("_random_pdf_")
}
DRAWN_BY_SHAPE = sorted(name for name in RANDOM if name.startswith("_random_") and not name.endswith("_like"))
NAMES = sorted(name for name, op in OPERATORS.items() if op["tier"] in TIERS and name not in GRAPHS)

# Parameters with which an operator can be composed, where no arbitrary values will do.
BASE = {
    "Pad": dict(mode="constant", pad_width=(0, 0, 0, 0, 1, 1, 1, 1)),
    "_arange": dict(start=0, stop=3),
    "_linspace": dict(start=0, stop=1, num=5),
    "_random_randint": dict(low=0, high=5),
    "_sample_unique_zipfian": dict(range_max=20, shape=(2, 3)),
    "Pooling": dict(kernel=(2, 2)),
    "Pooling_v1": dict(kernel=(2, 2)),
    "_ravel_multi_index": dict(shape=(3, 4)),
    "_unravel_index": dict(shape=(3, 4)),
    "clip": dict(a_min=0.0, a_max=1.0),
    "ROIPooling": dict(pooled_size=(2, 2), spatial_scale=0.5),
    **{name: dict(lrs=(0.5,), wds=(0.5,), num_weights=1) for name in OPTIMIZER if name.startswith("multi_") and "sgd" in name},
    **{name: dict(num_weights=1) for name in OPTIMIZER if name.startswith("preloaded_")},
    **{
        name: dict(lrs=(0.5,), wds=(0.5,), etas=(1.0,), num_weights=1)
        for name in ("_multi_adamw_update", "_multi_mp_adamw_update")
    },
    **{
        name: dict(learning_rates=(0.5,), wds=(0.5,), step_count=(1,), num_tensors=1)
        for name in ("_multi_lamb_update", "_multi_mp_lamb_update")
    },
    "_image_adjust_lighting": dict(alpha=(0.1, 0.2, 0.3)),
    "_image_random_brightness": dict(min_factor=0.5, max_factor=1.5),
    "_image_random_contrast": dict(min_factor=0.5, max_factor=1.5),
    "_image_random_hue": dict(min_factor=0.5, max_factor=1.5),
    "_image_random_saturation": dict(min_factor=0.5, max_factor=1.5),
}

SAMPLES = {
    "boolean": True,
    "int": 1,
    "int (non-negative)": 1,
    "long": 1,
    "long (non-negative)": 1,
    "float": 0.5,
    "double": 0.5,
    "string": "text",
    "Shape(tuple)": (2, 2),
    "tuple of <int>": (2, 2),
    "tuple of <long or None>": (0, 1),
    "tuple of <float>": (0.5, 0.5),
    "tuple of <double>": (0.5, 0.5),
}


def kind_of(param):
    return "enum" if param.get("values") else param["type"].replace(" or None", "")


def needed(name):
    """Parameters that suffice to compose the operator."""
    op = OPERATORS[name]
    required = {k: p for k, p in op["params"].items() if p.get("required") and k != op["variadic"]}
    given = {k: p["values"][0] if p.get("values") else SAMPLES[kind_of(p)] for k, p in required.items()}
    return {**given, **BASE.get(name, {})}


def row(*inputs, grad=None, aux=None, **params):
    """Inputs (a shape, or an array), the positions of those whose gradient is compared, auxiliary states, parameters."""
    return inputs, grad, aux, params


class Between:
    """Random numbers of a shape between two bounds."""

    def __init__(self, shape, low, high):
        self.shape, self.low, self.high = shape, low, high

    def array(self, rng):
        return rng.uniform(self.low, self.high, self.shape)


def positive(*shape):
    return Between(shape, 0.2, 0.9)


def whole(*values):
    return np.array(values, dtype=float)


PICTURE, STATISTICS = (2, 3, 5, 5), (np.zeros(3), np.ones(3))
ROI = whole([0, 0, 0, 3, 3])
ROIS = whole([0, 0, 0, 3, 3], [1, 1, 1, 4, 3])

SPD = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 2.0]])
TWO = np.array([0.4, 0.7])

# Inputs and parameters of operators for which arrays of shape (2, 3) will not do.
ROWS = {
    "RNN": row((3, 2, 2), (32,), (1, 2, 4), state_size=4, num_layers=1, mode="rnn_tanh"),
    "_contrib_count_sketch": row((2, 3), whole([0, 1, 0]), whole([1, -1, 1]), grad=[0], out_dim=2),
    "_contrib_fft": row((2, 4)),
    "_contrib_ifft": row((2, 4)),
    "_linalg_det": row(SPD),
    "_linalg_extractdiag": row((3, 3)),
    "_linalg_extracttrian": row((3, 3)),
    "_linalg_gelqf": row((2, 3)),
    "_linalg_gemm": row((2, 3), (3, 2), (2, 2)),
    "_linalg_gemm2": row((2, 3), (3, 2)),
    "_linalg_inverse": row(SPD),
    "_linalg_makediag": row((2, 3)),
    "_linalg_maketrian": row((2, 6)),
    "_linalg_potri": row(np.tril(SPD)),
    "_linalg_slogdet": row(SPD),
    "_linalg_sumlogdiag": row(positive(3, 3)),
    "_linalg_syrk": row((2, 3)),
    "_linalg_trmm": row(np.tril(SPD), (3, 2)),
    "_linalg_trsm": row(np.tril(SPD), (3, 2)),
    "_random_pdf_dirichlet": row(np.array([[0.2, 0.3, 0.5]]), np.array([1.5, 2.0, 0.7])),
    "_random_pdf_exponential": row(positive(2, 3), TWO),
    "_random_pdf_gamma": row(positive(2, 3), TWO, TWO + 1),
    "_random_pdf_generalized_negative_binomial": row(whole([0, 1, 2], [3, 1, 0]), TWO + 1, TWO, grad=[1, 2]),
    "_random_pdf_negative_binomial": row(whole([0, 1, 2], [3, 1, 0]), TWO + 1, TWO, grad=[1, 2]),
    "_random_pdf_normal": row((2, 3), TWO, TWO + 1),
    "_random_pdf_poisson": row(whole([0, 1, 2], [3, 1, 0]), TWO + 1, grad=[1]),
    "_random_pdf_uniform": row(positive(2, 3), np.array([0.0, 0.1]), TWO + 1),
    "amp_cast": row((2, 3), dtype="float64"),
    "amp_multicast": row((2, 3), (2, 3), num_outputs=2),
    "col2im": row((1, 8, 9), output_size=(4, 4), kernel=(2, 2)),
    "im2col": row((1, 2, 4, 4), kernel=(2, 2)),
    "Activation": row((2, 3), act_type="tanh"),
    "BatchNorm": row(PICTURE, (3,), (3,), aux=STATISTICS, fix_gamma=False),
    "BatchNorm_v1": row(PICTURE, (3,), (3,), aux=STATISTICS, fix_gamma=False),
    "BilinearSampler": row((1, 2, 5, 5), Between((1, 2, 3, 3), -0.55, -0.45)),
    "Cast": row((2, 3), dtype="float64"),
    "Concat": row((2, 3), (2, 2), dim=1),
    "Convolution": row(PICTURE, (4, 3, 3, 3), (4,), kernel=(3, 3), num_filter=4),
    "Convolution_v1": row(PICTURE, (4, 3, 3, 3), (4,), kernel=(3, 3), num_filter=4),
    "Crop": row(PICTURE, h_w=(3, 3), num_args=1),
    "Deconvolution": row(PICTURE, (3, 2, 3, 3), (2,), kernel=(3, 3), num_filter=2, no_bias=False),
    "Embedding": row(whole(0, 2, 2), (3, 4), grad=[1], input_dim=3, output_dim=4),
    "FullyConnected": row((2, 3), (4, 3), (4,), num_hidden=4),
    "GridGenerator": row((2, 6), transform_type="affine", target_shape=(3, 4)),
    "GroupNorm": row((2, 4, 3), (2,), (2,), num_groups=2),
    "InstanceNorm": row(PICTURE, (3,), (3,)),
    "LRN": row(PICTURE, nsize=3),
    "L2Normalization": row(PICTURE),
    "LayerNorm": row((2, 3), (3,), (3,)),
    "LeakyReLU": row((2, 3), act_type="leaky"),
    "Pad": row((1, 2, 3, 3), mode="edge", pad_width=(0, 0, 0, 0, 1, 2, 1, 1)),
    "Pooling": row(PICTURE, kernel=(2, 2)),
    "Pooling_v1": row(PICTURE, kernel=(2, 2), pool_type="avg"),
    "ROIPooling": row(PICTURE, ROIS, grad=[0], pooled_size=(2, 2), spatial_scale=1.0),
    "Reshape": row((2, 3), shape=(3, 2)),
    "SequenceLast": row((3, 2, 2), whole(1, 3), grad=[0], use_sequence_length=True),
    "SequenceMask": row((3, 2, 2), whole(1, 3), grad=[0], use_sequence_length=True),
    "SequenceReverse": row((3, 2, 2), whole(1, 3), grad=[0], use_sequence_length=True),
    "SliceChannel": row((2, 4), num_outputs=2),
    "SpatialTransformer": row(
        (1, 2, 5, 5),
        whole([0.31, 0.02, 0.11, 0.03, 0.29, 0.07]),
        target_shape=(3, 3),
        transform_type="affine",
        sampler_type="bilinear",
    ),
    "SwapAxis": row((2, 3, 2), dim1=0, dim2=2),
    "UpSampling": row((1, 2, 3, 3), scale=2, sample_type="nearest", num_args=1),
    "Correlation": row((1, 2, 4, 4), (1, 2, 4, 4)),
    "_contrib_DeformableConvolution": row(
        (1, 2, 4, 4), Between((1, 18, 2, 2), 0.2, 0.4), (3, 2, 3, 3), (3,), kernel=(3, 3), num_filter=3
    ),
    "_contrib_DeformablePSROIPooling": row(
        (1, 8, 5, 5),
        whole([0, 1, 2, 8, 9], [0, 0, 0, 4, 6]),
        (2, 4, 2, 2),
        grad=[0, 2],
        spatial_scale=0.5,
        output_dim=2,
        group_size=2,
        pooled_size=2,
        part_size=2,
        trans_std=0.1,
    ),
    "_contrib_ModulatedDeformableConvolution": row(
        (1, 2, 4, 4), Between((1, 18, 2, 2), 0.2, 0.4), (1, 9, 2, 2), (3, 2, 3, 3), (3,), kernel=(3, 3), num_filter=3
    ),
    "_contrib_PSROIPooling": row((1, 8, 5, 5), ROI, grad=[0], output_dim=2, pooled_size=2, spatial_scale=1.0),
    "_contrib_ROIAlign": row(PICTURE, ROIS, grad=[0], pooled_size=(2, 2), spatial_scale=1.0),
    "_contrib_box_nms": row(Between((1, 4, 6), 0.1, 0.9)),
    "_contrib_AdaptiveAvgPooling2D": row(PICTURE, output_size=(2, 3)),
    "_contrib_BatchNormWithReLU": row(PICTURE, (3,), (3,), aux=STATISTICS, fix_gamma=False),
    "_contrib_BilinearResize2D": row(PICTURE, height=7, width=3),
    "_contrib_SparseEmbedding": row(whole(0, 2, 2), (3, 4), grad=[1], input_dim=3, output_dim=4),
    "_contrib_SyncBatchNorm": row(PICTURE, (3,), (3,), aux=STATISTICS, fix_gamma=False, key="registry"),
    "_contrib_index_copy": row((4, 3), whole(3, 0), (2, 3), grad=[0, 2]),
    "_contrib_interleaved_matmul_encdec_qk": row((3, 2, 4), (4, 2, 8), heads=2),
    "_contrib_interleaved_matmul_encdec_valatt": row((4, 2, 8), (4, 3, 4), heads=2),
    "_contrib_interleaved_matmul_selfatt_qk": row((3, 2, 12), heads=2),
    "_contrib_interleaved_matmul_selfatt_valatt": row((3, 2, 12), (4, 3, 3), heads=2),
    "_image_crop": row((2, 4, 5, 3), x=1, y=0, width=3, height=2),
    "_image_flip_left_right": row((4, 5, 3)),
    "_image_flip_top_bottom": row((4, 5, 3)),
    "_image_normalize": row((2, 3, 4, 4), mean=(0.1, 0.2, 0.3), std=2),
    "_power": row(positive(2, 3), (2, 3)),
    "_power_scalar": row(positive(2, 3), scalar=1.5),
    "_rdiv_scalar": row(positive(2, 3), scalar=2),
    "_rmod_scalar": row(positive(2, 3), scalar=2),
    "_rpower_scalar": row((2, 3), scalar=2),
    "_mod": row(Between((2, 3), 2.6, 2.9), Between((2, 3), 1.7, 1.9)),
    "broadcast_mod": row(Between((2, 3), 2.6, 2.9), Between((1, 3), 1.7, 1.9)),
    "broadcast_power": row(positive(2, 3), (1, 3)),
    "_rnn_param_concat": row((3,), (2,), dim=0, num_args=2),
    "_split_v2": row((4, 3), indices=(0, 1, 3), axis=0),
    "argsort": row((2, 3), dtype="float64"),
    "arccosh": row(Between((2, 3), 1.2, 2.5)),
    "broadcast_axis": row((2, 1), axis=1, size=3),
    "broadcast_like": row((2, 1), (2, 3)),
    "broadcast_to": row((2, 1), shape=(2, 3)),
    "batch_dot": row((2, 3, 4), (2, 4, 2)),
    "clip": row((2, 3), a_min=-0.5, a_max=0.5),
    "depth_to_space": row((1, 4, 2, 2), block_size=2),
    "diag": row((3, 3)),
    "dot": row((2, 3), (3, 4)),
    "expand_dims": row((2, 3), axis=1),
    "gamma": row(positive(2, 3)),
    "gammaln": row(positive(2, 3)),
    "gather_nd": row((3, 4), whole([0, 2], [3, 0]), grad=[0]),
    "log": row(positive(2, 3)),
    "log10": row(positive(2, 3)),
    "log2": row(positive(2, 3)),
    "moments": row((2, 3), axes=(1,)),
    "one_hot": row(whole(0.5, 2.5), depth=3, dtype="float64"),
    "pick": row((2, 3), whole(0, 2), grad=[0]),
    "repeat": row((2, 3), repeats=2),
    "reverse": row((2, 3), axis=1),
    "rsqrt": row(positive(2, 3)),
    "scatter_nd": row((2,), whole([0, 2], [3, 0]), grad=[0], shape=(3, 4)),
    "slice": row((3, 4), begin=(0, 1), end=(2, 4)),
    "slice_axis": row((3, 4), axis=1, begin=1, end=3),
    "slice_like": row((3, 4), (2, 3)),
    "smooth_l1": row((2, 3), scalar=1.5),
    "softmax_cross_entropy": row((2, 3), whole(0, 2), grad=[0]),
    "space_to_depth": row((1, 1, 4, 4), block_size=2),
    "sqrt": row(positive(2, 3)),
    "squeeze": row((2, 1, 3)),
    "stack": row((2, 3), (2, 3), num_args=2),
    "take": row((3, 4), whole(0, 2), grad=[0]),
    "tile": row((2, 3), reps=(2, 1)),
    "topk": row((2, 3), ret_typ="value", k=2),
    "where": row(whole([0, 1, 1], [1, 0, 0]), (2, 3), (2, 3), grad=[1, 2]),
}

BOXES = np.array([[[0.1, 0.1, 0.5, 0.5], [0.2, 0.3, 0.8, 0.9]]])

FURTHER_ROWS = {
    "CTCLoss": row((4, 2, 3), whole([1, 2], [2, 0])),
    "_linalg_potrf": row(SPD),
    "_linalg_syevd": row(SPD),
    "IdentityAttachKLSparseReg": row(positive(2, 3), aux=(np.full(3, 0.1),)),
    "_contrib_boolean_mask": row((2, 3), whole(0, 1)),
    "_contrib_MultiBoxDetection": row(positive(1, 2, 2), (1, 8), BOXES),
    "_contrib_MultiBoxPrior": row((1, 2, 3, 3)),
    "_contrib_MultiBoxTarget": row(BOXES, whole([[[0, 0.1, 0.1, 0.5, 0.5]]]).reshape(1, 1, 5), (1, 2, 2)),
    "_contrib_MultiProposal": row(positive(1, 2, 3, 3), (1, 4, 3, 3), whole([48, 48, 1]), scales=(4,), ratios=(1,)),
    "_contrib_Proposal": row(positive(1, 2, 3, 3), (1, 4, 3, 3), whole([48, 48, 1]), scales=(4,), ratios=(1,)),
    "_contrib_RROIAlign": row(PICTURE, whole([0, 2, 2, 3, 3, 30]), pooled_size=(2, 2), spatial_scale=1.0),
    "_contrib_bipartite_matching": row(positive(2, 3), threshold=0.01),
    "_contrib_box_decode": row((1, 2, 4), BOXES),
    "_contrib_box_encode": row(whole([1, -1]), whole([0, 1]), BOXES, BOXES + 0.1, np.zeros(4), np.ones(4)),
    "_contrib_box_iou": row(BOXES[0], BOXES[0] + 0.1),
    "_histogram": row((2, 3), whole(-2, 0, 1, 2)),
    "_image_resize": row((4, 5, 3), size=(3, 3)),
    "_image_adjust_lighting": row((4, 5, 3), alpha=(0.1, 0.2, 0.3)),
    "_image_to_tensor": row((4, 5, 3)),
    "_ravel_multi_index": row(whole([0, 1], [2, 1]), shape=(3, 4)),
    "_slice_assign": row((3, 4), (2, 2), begin=(0, 1), end=(2, 3)),
    "_slice_assign_scalar": row((3, 4), begin=(0, 1), end=(2, 3), scalar=2),
    "_unravel_index": row(whole(3, 7), shape=(3, 4)),
    "batch_take": row((2, 3), whole(0, 2)),
    "fill_element_0index": row((2, 3), whole(5, 6), whole(0, 2)),
    "khatri_rao": row((2, 3), (4, 3)),
    "softmax": row((2, 3)),
    "_contrib_group_adagrad_update": row((2, 3), (2, 3), (2, 1)),
    "reset_arrays": row((2, 3), num_arrays=1),
    **{name: row(shape=(2, 3)) for name in ("_zeros", "_ones")},
    "_full": row(shape=(2, 3), value=2.5),
    **{name: row(shape=(2, 3)) for name in DRAWN_BY_SHAPE},
    "multi_sgd_update": row(*[(2, 3)] * 2),
    "multi_sgd_mom_update": row(*[(2, 3)] * 3),
    "multi_mp_sgd_update": row(*[(2, 3)] * 3),
    "multi_mp_sgd_mom_update": row(*[(2, 3)] * 4),
    "preloaded_multi_sgd_update": row(*[(2, 3)] * 2, (1,), (1,)),
    "preloaded_multi_sgd_mom_update": row(*[(2, 3)] * 3, (1,), (1,)),
    "preloaded_multi_mp_sgd_update": row(*[(2, 3)] * 3, (1,), (1,)),
    "preloaded_multi_mp_sgd_mom_update": row(*[(2, 3)] * 4, (1,), (1,)),
    "_adamw_update": row(*[(2, 3)] * 4, (1,)),
    "_mp_adamw_update": row(*[(2, 3)] * 5, (1,)),
    "_multi_adamw_update": row(*[(2, 3)] * 4, (1,)),
    "_multi_mp_adamw_update": row(*[(2, 3)] * 5, (1,)),
    "_multi_lamb_update": row(*[(2, 3)] * 4),
    "_multi_mp_lamb_update": row(*[(2, 3)] * 5),
    "lamb_update_phase2": row((2, 3), (2, 3), (1,), (1,)),
    "mp_lamb_update_phase2": row((2, 3), (2, 3), (1,), (1,), (2, 3)),
    "multi_lars": row((3,), (3,), (3,), (3,)),
    **{name: row((4, 5, 3)) for name in OPERATORS if name.startswith("_image_random_")},
    **{name: row((2, 3), whole(0, 2)) for name in ("SVMOutput", "SoftmaxOutput")},
}


WIDE = np.zeros(5), np.ones(5)
# Calls beside the one of the row, where inference depends on parameters; named by the operator and what is special.
VARIANTS = {
    "Activation softsign": row((2, 3), act_type="softsign"),
    "BatchNorm last": row(PICTURE, (5,), (5,), aux=WIDE, axis=-1, output_mean_var=True),
    "BatchNorm plain": row((4, 3), (3,), (3,), aux=STATISTICS, use_global_stats=True),
    "Concat three": row((2, 3), (4, 3), (1, 3), dim=0),
    "Concat last": row((2, 1, 3), (2, 1, 2), dim=-1),
    "Convolution grouped": row((2, 4, 7, 6), (6, 2, 3, 2), kernel=(3, 2), num_filter=6, num_group=2, stride=(2, 1), no_bias=True),
    "Convolution line": row((2, 3, 9), (4, 3, 3), (4,), kernel=(3,), num_filter=4, dilate=(2,), pad=(1,)),
    "Convolution volume": row((1, 2, 3, 4, 3), (3, 2, 2, 2, 2), (3,), kernel=(2, 2, 2), num_filter=3),
    "Crop like": row(PICTURE, (2, 3, 3, 2), num_args=2, offset=(1, 2)),
    "Crop centre": row(PICTURE, (2, 1, 3, 3), num_args=2, center_crop=True),
    "Deconvolution grouped": row((1, 4, 3, 3), (4, 3, 3, 3), kernel=(3, 3), num_filter=6, num_group=2, stride=(2, 2), adj=(1, 1)),
    "Deconvolution target": row((1, 2, 3, 3), (2, 3, 4, 4), kernel=(4, 4), num_filter=3, stride=(2, 2), target_shape=(6, 6)),
    "Deconvolution line": row((1, 2, 5), (2, 3, 4), (3,), kernel=(4,), num_filter=3, stride=(2,), pad=(1,), no_bias=False),
    "Dropout none": row((2, 3), p=0),
    "Dropout always": row((2, 3), p=0.5),
    "Embedding half": row(whole(0, 2, 2), (3, 4), grad=[1], input_dim=3, output_dim=4, dtype="float16"),
    "FullyConnected rows": row((2, 3, 4), (5, 4), (5,), num_hidden=5, flatten=False),
    "FullyConnected bare": row((2, 3, 4), (5, 12), num_hidden=5, no_bias=True),
    "GridGenerator warp": row((1, 2, 3, 4), transform_type="warp"),
    "L2Normalization channel": row(PICTURE, mode="channel"),
    "LayerNorm first": row((2, 3), (2,), (2,), axis=0, output_mean_var=True),
    "LeakyReLU prelu": row(PICTURE, (3,), act_type="prelu"),
    "LeakyReLU gelu": row((2, 3), act_type="gelu"),
    "LinearRegressionOutput column": row((3, 1), (3,)),
    "LogisticRegressionOutput column": row((3, 1), (3,)),
    "Pad reflect": row((1, 2, 4, 4), mode="reflect", pad_width=(0, 0, 0, 0, 1, 2, 2, 1)),
    "Pooling global": row(PICTURE, global_pool=True, pool_type="avg"),
    "Pooling full": row((1, 2, 6, 7), kernel=(3, 3), stride=(2, 2), pooling_convention="full", pool_type="sum"),
    "Pooling line": row((1, 2, 7), kernel=(3,), stride=(2,), pad=(1,), pool_type="avg", count_include_pad=False),
    "Pooling last": row((1, 5, 5, 2), kernel=(2, 2), layout="NHWC"),
    "RNN lstm": row((3, 2, 2), (256,), (2, 2, 4), (2, 2, 4), state_size=4, num_layers=1, mode="lstm", bidirectional=True),
    "RNN gru": row((3, 2, 2), (96,), (1, 2, 4), state_size=4, num_layers=1, mode="gru", state_outputs=True),
    "Reshape rest": row((2, 3, 4), shape=(0, -1)),
    "Reshape copied": row((2, 3, 4), shape=(-2,)),
    "Reshape joined": row((2, 3, 4), shape=(-3, 0)),
    "Reshape split": row((2, 6, 4), shape=(0, -4, 2, -1, 0)),
    "Reshape reverse": row((2, 3, 4), shape=(-1, 0), reverse=True),
    "Reshape target": row((2, 3, 4), target_shape=(2, 0)),
    "SequenceLast plain": row((3, 2, 2)),
    "SliceChannel squeezed": row((2, 3, 4), num_outputs=3, axis=1, squeeze_axis=True),
    "SoftmaxOutput multi": row((2, 3, 4), np.zeros((2, 4)), multi_output=True),
    "SoftmaxOutput preserved": row((2, 4, 3), np.zeros((2, 4)), preserve_shape=True),
    "SoftmaxOutput picture": row((2, 3, 2, 2), np.zeros((2, 4)), multi_output=True),
    "UpSampling two": row((1, 2, 3, 3), (1, 1, 6, 6), scale=2, sample_type="nearest", num_args=2),
    "UpSampling bilinear": row((1, 2, 3, 3), (2, 1, 4, 4), scale=2, sample_type="bilinear", num_filter=2, num_args=2),
    "_arange wide": row(start=1, stop=4, step=0.5, repeat=2, dtype="float64"),
    "_eye shifted": row(N=3, M=4, k=1, dtype="int32"),
    "_full whole": row(shape=(2, 3), value=3, dtype="int32"),
    "_zeros half": row(shape=(2, 3), dtype="float16"),
    "_zeros bytes": row(shape=(2, 3), dtype="uint8"),
    "_random_uniform double": row(shape=(2, 3), dtype="float64"),
    "_random_randint wide": row(shape=(2, 3), low=0, high=5, dtype="int64"),
    "_sample_normal many": row((2,), (2,), shape=(3, 4), dtype="float64"),
    "_sample_multinomial many": row(np.array([[0.2, 0.8], [0.5, 0.5]]), shape=(3,), get_prob=True),
    "_split_v2 sections": row((4, 3), indices=(), axis=0, sections=2, squeeze_axis=False),
    "_contrib_BilinearResize2D scale": row(PICTURE, scale_height=2.0, scale_width=2.0),
    "_contrib_MultiBoxPrior many": row((1, 2, 3, 3), sizes=(0.2, 0.5), ratios=(1, 2, 0.5)),
    "_linalg_gemm2 turned": row((3, 2), (4, 3), transpose_a=True, transpose_b=True),
    "argmax kept": row((2, 3), axis=1, keepdims=True),
    "argmin kept": row((2, 3), axis=0),
    "argsort whole": row((2, 3), axis=None, dtype="int32"),
    "batch_dot turned": row((2, 4, 3), (2, 5, 4), transpose_a=True, transpose_b=True),
    "broadcast_add both": row((2, 1), (1, 3)),
    "broadcast_add longer": row((4, 2, 3), (2, 1)),
    "broadcast_equal both": row((2, 1), (1, 3)),
    "broadcast_like axes": row((2, 1, 3), (4, 5), lhs_axes=(1,), rhs_axes=(1,)),
    "broadcast_to kept": row((2, 1), shape=(0, 3)),
    "depth_to_space plain": row((1, 8, 2, 3), block_size=2),
    "diag made": row((3,), k=1),
    "dot turned": row((3, 2), (4, 3), transpose_a=True, transpose_b=True),
    "dot vector": row((3,), (3,)),
    "expand_dims last": row((2, 3), axis=-1),
    "gather_nd rows": row((3, 4, 2), whole([0, 2])),
    "max kept": row((2, 3, 4), axis=(0, 2), keepdims=True),
    "mean others": row((2, 3, 4), axis=1, exclude=True),
    "norm rows": row((2, 3), ord=1, axis=1),
    "one_hot bytes": row(whole(0, 2), depth=3, dtype="uint8"),
    "pick kept": row((2, 3), whole(0, 2), keepdims=True, axis=1),
    "repeat rows": row((2, 3), repeats=2, axis=0),
    "reverse both": row((2, 3), axis=(0, 1)),
    "slice steps": row((5, 6), begin=(None, 4), end=(None, 0), step=(2, -2)),
    "slice_axis end": row((3, 4), axis=-1, begin=1, end=None),
    "slice_like rows": row((3, 4), (2, 5), axes=(0,)),
    "softmax length": row((2, 3), whole(1, 3), use_length=True),
    "softmax typed": row((2, 3), dtype="float64"),
    "sort down": row((2, 3), axis=0, is_ascend=False),
    "squeeze one": row((1, 2, 1), axis=0),
    "stack last": row((2, 3), (2, 3), (2, 3), axis=-1),
    "sum all": row((2, 3, 4)),
    "sum kept": row((2, 3, 4), axis=-1, keepdims=True),
    "take rows": row((3, 4), whole([0, 2], [1, 1]), axis=1, mode="wrap"),
    "tile longer": row((2, 3), reps=(2, 1, 2)),
    "topk both": row((2, 3), ret_typ="both", k=2, dtype="int32"),
    "topk mask": row((2, 3), ret_typ="mask", k=1),
    "transpose turned": row((2, 3, 4), axes=(2, 0, 1)),
    "where rows": row(whole(0, 1), (2, 3), (2, 3)),
    "_mul_scalar half": row((2, 3), scalar=2.5),
    "_plus_scalar whole": row((2, 3), scalar=3, is_int=True),
    "_plus_scalar half": row((2, 3), scalar=2.7, is_int=False),
    "_rminus_scalar half": row((2, 3), scalar=2.7),
    "_power_scalar half": row((2, 3), scalar=2.5),
    "_maximum_scalar half": row((2, 3), scalar=2.5),
    "_equal_scalar half": row((2, 3), scalar=2.7),
    "clip whole": row((2, 3), a_min=2, a_max=3.5),
}


def default_row(name):
    """Arrays of shape (2, 3) for every input that the operator has."""
    op = OPERATORS[name]
    return row(*[(2, 3)] * (2 if op["variadic"] else len(op["inputs"])))


def array_of(given, rng):
    """The array of an input: random numbers apart from 0, 1/2 and 1, where functions have steps, unless it is given."""
    if isinstance(given, Between):
        return given.array(rng)
    if isinstance(given, np.ndarray):
        return given
    return rng.uniform(0.1, 0.45, given) * rng.choice([-1, 1], given) + rng.choice([0, 0.52], given)


def operator_of(name):
    """The operator that a call is of."""
    return name.split(" ")[0]


def row_of(name):
    """The row of an operator or of one of the variants, with the parameters that it needs at least."""
    inputs, grad, aux, params = ROWS.get(name) or FURTHER_ROWS.get(name) or VARIANTS.get(name) or default_row(name)
    missing = {k: v for k, v in needed(operator_of(name)).items() if k not in params}
    return inputs, grad, aux, {**missing, **params}


def arrays_of(name):
    """The inputs of an operator, its auxiliary states and its parameters."""
    inputs, _, aux, params = row_of(name)
    rng = np.random.RandomState(len(name))
    return [array_of(given, rng) for given in inputs], aux, params
