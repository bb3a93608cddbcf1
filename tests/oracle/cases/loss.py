"""SoftmaxOutput, the regression outputs, MakeLoss, SVMOutput, softmax_cross_entropy, smooth_l1.

The head gradients that the replay passes are ignored by the losses. MXNet
leaves the gradient of a label unwritten, so labels are bound without.
"""

from .table import also, but, case, f, pos, unit, v

HEAD = "with out_grad=True MXNet multiplies by the output where the head gradient belongs"
LABEL = v([1, 0, 3])


def blind(cases):
    """The cases without gradient for the label."""
    return [but(one, no_grad=("label", "op_label")) for one in cases]


def softmax(data, label=None, **params):
    inputs = dict(data=data) if label is None else dict(data=data, label=label)
    return case("SoftmaxOutput", inputs, **params)


def bound(one, label):
    """The case with its label created by the operator; inference must find its shape."""
    return but(one, bind=dict(op_label=label))


SOFTMAX = also(
    [
        bound(softmax(f(3, 4)), LABEL),
        softmax(f(3, 4), LABEL, grad_scale=2.5),
        softmax(f(3, 4), LABEL, normalization="batch"),
        softmax(f(3, 4), LABEL, normalization="valid"),
        softmax(f(3, 4), LABEL, normalization="null"),
        softmax(f(4, 3), v([-1, 2, -1, 0]), use_ignore=True),
        softmax(f(4, 3), v([-1, 2, -1, 0]), use_ignore=True, normalization="valid"),
        softmax(f(4, 3), v([-1, 2, -1, 0]), use_ignore=True, normalization="batch"),
        softmax(f(4, 3), v([1, 2, 1, 0]), use_ignore=True, ignore_label=1, grad_scale=0.5),
        softmax(f(3, 4), v([-1, -1, -1]), use_ignore=True, normalization="valid"),  # nothing valid
        softmax(f(3, 4), LABEL, smooth_alpha=0.1),
        softmax(f(4, 3), v([-1, 2, 1, 0]), smooth_alpha=0.2, use_ignore=True, normalization="valid"),
        but(softmax(f(3, 4), LABEL, out_grad=True), forward_only=HEAD),
        but(softmax(f(3, 4), LABEL, out_grad=True, normalization="batch", grad_scale=2), forward_only=HEAD),
        softmax(f(3, 4), v([[0, 1, 0, 0], [0.25, 0.25, 0.5, 0], [0.1, 0.2, 0.3, 0.4]])),  # probabilities
        softmax(f(3, 4), v([[0, 1, 0, 0], [0.25, 0.25, 0.5, 0], [0.1, 0.2, 0.3, 0.4]]), grad_scale=3, normalization="batch"),
        # one row of 12 classes per sample, and its label is number `sample` of the FLAT label array: here 0 and 11
        softmax(f(2, 3, 4), v([[0, 11, 5], [3, 7, 2]])),
        bound(softmax(f(2, 3, 1)), v([[0, 2, 1], [1, 0, 2]])),
        bound(softmax(f(2, 3, 4), multi_output=True), v([[0, 1, 2, 0], [2, 2, 1, 0]])),
        softmax(f(2, 3, 2, 2), v([[0, 1, 2, 0], [2, 2, 1, 0]]), multi_output=True),
        softmax(f(2, 3, 2, 2), v([[[0, 1], [2, 0]], [[2, 2], [1, 0]]]), multi_output=True, normalization="batch"),
        softmax(f(2, 3, 2, 2), v([[0, 1, 2, 0], [2, 2, 1, 0]]), multi_output=True, normalization="valid"),
        softmax(f(2, 3, 2, 2), v([[0, -1, 2, 0], [-1, -1, 1, 0]]), multi_output=True, use_ignore=True, normalization="valid"),
        softmax(f(2, 3, 2, 2), v([[0, -1, 2, 0], [-1, -1, 1, 0]]), multi_output=True, use_ignore=True, normalization="batch"),
        softmax(f(2, 3, 4), v([[0, 1, 2, 0], [2, 2, 1, 0]]), multi_output=True, grad_scale=2, use_ignore=True, ignore_label=0),
        softmax(f(2, 3, 4), v([[0, 1, 3], [2, 2, 1]]), preserve_shape=True),
        softmax(f(2, 3, 4), v([[0, 1, 3], [2, 2, 1]]), preserve_shape=True, normalization="valid"),
        softmax(f(2, 3, 4), v([[0, 1, -1], [2, -1, 1]]), preserve_shape=True, use_ignore=True, normalization="batch"),
        softmax(f(1, 2), v([1])),
        softmax(v([[1000, 1001, 999], [0, 0, 0]]), v([1, 0])),
    ],
    "float64",
) + [
    softmax(f(2, 3, 4), v([0, 11])),  # refused: the label must have shape (2, 3)
    softmax(f(3, 4), v([1, 0])),  # refused: two labels for three rows
    softmax(f(3, 4), LABEL, normalization="mean"),
    softmax(f(3, 4), LABEL, smooth_alpha=1.5),
    case("Softmax", dict(data=f(3, 4), label=LABEL), grad_scale=2),
]


def regression(op):
    return also(
        [
            but(case(op, dict(data=f(4, 1))), bind=dict(op_label=unit(4))),
            but(case(op, dict(data=f(3, 4))), bind=dict(op_label=unit(3, 4))),
            case(op, dict(data=f(4, 1), label=unit(4)), grad_scale=2),
            case(op, dict(data=f(4, 1), label=unit(4, 1))),
            case(op, dict(data=f(3, 4), label=unit(3, 4)), grad_scale=0.5),
            case(op, dict(data=f(2, 3, 2), label=unit(2, 3, 2))),
            case(op, dict(data=f(5), label=unit(5))),
            case(op, dict(data=v([1.0, 0, -1, 2]), label=v([1.0, 1, -1, -2]))),  # equal: no gradient
        ],
        "float64",
    ) + [case(op, dict(data=f(3, 4), label=f(3, 3)))]


MAKE_LOSS = also(
    [
        case("MakeLoss", dict(data=f(3, 4))),
        case("MakeLoss", dict(data=f(3, 4)), grad_scale=2.5),
        case("MakeLoss", dict(data=f(3, 4)), normalization="batch"),
        case("MakeLoss", dict(data=f(3, 4)), normalization="valid"),
        case("MakeLoss", dict(data=f(3, 4)), normalization="valid", valid_thresh=0.5, grad_scale=3),
        case("MakeLoss", dict(data=v([[-1, -2]])), normalization="valid"),
        case("make_loss", dict(data=f(3, 4))),
        case("make_loss", dict(data=f(2))),
    ],
    "float64",
    "float16",
) + [case("MakeLoss", dict(data=f(3)), normalization="sum")]

SVM = also(
    [
        but(case("SVMOutput", dict(data=f(3, 4))), bind=dict(op_label=LABEL)),
        case("SVMOutput", dict(data=f(3, 4), label=LABEL), margin=0.5),
        case("SVMOutput", dict(data=f(3, 4), label=LABEL), use_linear=True),
        case("SVMOutput", dict(data=f(3, 4), label=LABEL), use_linear=True, regularization_coefficient=0.3, margin=2),
        case("SVMOutput", dict(data=f(3, 4), label=LABEL), regularization_coefficient=2),
    ],
    "float64",
)

CROSS_ENTROPY = [
    but(one, no_grad=("label",))
    for one in also(
        [
            case("softmax_cross_entropy", dict(data=f(3, 4), label=LABEL)),
            case("softmax_cross_entropy", dict(data=f(1, 2), label=v([0]))),
            case("softmax_cross_entropy", dict(data=v([[100, 0, -100], [0, 0, 0]]), label=v([2, 1]))),
        ],
        "float64",
    )
] + [
    case("softmax_cross_entropy", dict(data=f(3, 4), label=LABEL)),  # refused: gradient of the label
    case("softmax_cross_entropy", dict(data=f(3, 4), label=v([1, 0]))),
]

SMOOTH_L1 = also(
    [
        case("smooth_l1", dict(data=f(2, 5))),
        case("smooth_l1", dict(data=f(2, 5)), scalar=1.0),
        case("smooth_l1", dict(data=f(2, 5)), scalar=3.0),
        case("smooth_l1", dict(data=f(2, 5)), scalar=0.5),
        case("smooth_l1", dict(data=v([-1, -0.5, 0, 0.5, 1, -0.0, float("inf"), float("nan")])), scalar=1.0),
    ],
    "float64",
    "float16",
)

REGRESSION = [one for kind in ("Linear", "Logistic", "MAE") for one in regression(f"{kind}RegressionOutput")]

KL = [
    case("IdentityAttachKLSparseReg", dict(data=pos(3, 2)), **params)
    for params in ({}, dict(sparseness_target=0.2, penalty=0.5, momentum=0.3))
]

CASES = KL + blind(SOFTMAX + REGRESSION + SVM) + MAKE_LOSS + CROSS_ENTROPY + SMOOTH_L1
