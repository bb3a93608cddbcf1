"""Convolution and Deconvolution in one to three dimensions."""

from .table import also, but, case, f, only


def conv(*shape, **params):
    return case("Convolution", dict(data=f(*shape)), **params)


def deconv(*shape, **params):
    return case("Deconvolution", dict(data=f(*shape)), **params)


CONVOLUTION = also(
    [
        conv(2, 3, 5, 6, kernel=(3, 2), num_filter=4),
        conv(1, 2, 5, 5, kernel=(3, 3), num_filter=3, pad=(1, 1)),
        conv(1, 2, 7, 6, kernel=(3, 3), num_filter=2, stride=(2, 3), pad=(1, 2)),
        conv(1, 2, 7, 7, kernel=(3, 2), num_filter=2, dilate=(2, 3)),
        conv(2, 4, 5, 5, kernel=(3, 3), num_filter=6, num_group=2, pad=(1, 1)),
        conv(1, 3, 5, 4, kernel=(3, 3), num_filter=3, num_group=3),  # depthwise
        conv(1, 3, 5, 4, kernel=(2, 2), num_filter=6, num_group=3, no_bias=True),
        conv(2, 3, 3, 3, kernel=(1, 1), num_filter=2, no_bias=True),
        conv(2, 3, 4, 4, kernel=(1, 1), num_filter=2, stride=(2, 2)),
        conv(1, 1, 4, 4, kernel=(4, 4), num_filter=1),
        conv(1, 2, 8, 5, kernel=(3, 3), num_filter=2, stride=(2, 2), dilate=(2, 1), pad=(2, 1), num_group=2),
        conv(1, 2, 1, 1, kernel=(3, 3), num_filter=2, pad=(1, 1)),
        conv(2, 3, 7, kernel=(3,), num_filter=4),
        conv(2, 4, 9, kernel=(3,), num_filter=4, stride=(2,), pad=(1,), num_group=2),
        conv(1, 2, 9, kernel=(3,), num_filter=3, dilate=(3,), pad=(2,), no_bias=True),
        conv(1, 2, 3, 4, 3, kernel=(2, 3, 2), num_filter=3),
        conv(1, 2, 4, 3, 4, kernel=(3, 2, 3), num_filter=2, stride=(2, 1, 2), pad=(1, 1, 1)),
        conv(1, 4, 3, 3, 3, kernel=(2, 2, 2), num_filter=2, num_group=2, dilate=(1, 2, 1), no_bias=True),
    ],
    "float64",
) + [
    conv(1, 2, 5, 5, kernel=(3, 3), num_filter=2, layout="NCHW"),
    conv(1, 2, 5, 5, kernel=(3, 3), num_filter=2, workspace=256, cudnn_tune="off", cudnn_off=True),
    conv(1, 2, 5, 5, kernel="(3, 3)", num_filter="2", pad="(1,1)"),
    conv(1, 2, 5, 5, kernel=[3, 3], num_filter=2, stride=[1, 2]),
    but(conv(1, 5, 5, 2, kernel=(3, 3), num_filter=2, layout="NHWC"), undefined="not on CPU"),
    case("Convolution", dict(data=f(1, 2, 5, 5), weight=f(3, 2, 3, 3), bias=f(3)), kernel=(3, 3), num_filter=3),
    case("Convolution", dict(data=f(1, 2, 5, 5), weight=f(3, 2, 3, 2)), kernel=(3, 3), num_filter=3),
    but(case("Convolution", dict(data=f(1, 2, 5, 5, dtype="float16")), kernel=(3, 3), num_filter=3), undefined="not on CPU"),
    conv(1, 2, 3, 3, kernel=(4, 4), num_filter=2),  # refused: kernel larger than the input
    conv(1, 2, 5, 5, kernel=(3, 3), num_filter=3, num_group=2),  # refused: filters not divisible
    conv(1, 3, 5, 5, kernel=(3, 3), num_filter=2, num_group=2),  # refused: channels not divisible
    conv(1, 2, 5, 5, kernel=(3,), num_filter=2),
    conv(2, 5, kernel=(3,), num_filter=2),
    conv(1, 2, 5, 5, kernel=(3, 3), num_filter=2, stride=(0, 1)),
    conv(1, 2, 5, 5, kernel=(3, 3), num_filter=2, stride=(1,)),
    conv(1, 2, 5, 5, kernel=(0, 3), num_filter=2),
    conv(1, 2, 5, 5, kernel=(3, 3), num_filter=0),
    conv(1, 2, 5, 5, num_filter=2),
    conv(1, 2, 5, 5, kernel=(3, 3)),
]

DECONVOLUTION = (
    also(
        [
            deconv(2, 3, 4, 3, kernel=(3, 2), num_filter=2),  # without bias by default
            deconv(1, 2, 3, 3, kernel=(3, 3), num_filter=2, no_bias=False),
            deconv(1, 2, 3, 4, kernel=(3, 3), num_filter=2, stride=(2, 2), pad=(1, 1)),
            deconv(1, 2, 3, 3, kernel=(4, 4), num_filter=2, stride=(2, 2), pad=(1, 1), no_bias=False),
            deconv(1, 2, 3, 3, kernel=(3, 3), num_filter=2, stride=(2, 2), pad=(1, 1), adj=(1, 1)),
            deconv(1, 4, 3, 3, kernel=(2, 3), num_filter=4, num_group=2, no_bias=False),
            deconv(1, 3, 3, 2, kernel=(4, 4), stride=(2, 2), pad=(1, 1), num_filter=3, num_group=3),
            deconv(1, 2, 3, 3, kernel=(2, 2), num_filter=3, dilate=(2, 2)),
            deconv(1, 2, 3, 3, kernel=(1, 1), num_filter=3, stride=(2, 3)),
            deconv(2, 3, 5, kernel=(3,), num_filter=2),
            deconv(1, 2, 4, kernel=(4,), num_filter=2, stride=(2,), pad=(1,), no_bias=False),
            deconv(1, 4, 4, kernel=(3,), num_filter=2, num_group=2, stride=(3,), adj=(2,)),
        ],
        "float64",
    )
    + only(
        [  # oneDNN cannot do these in float32
            deconv(1, 2, 3, 3, kernel=(3, 3), num_filter=2, stride=(2, 2), target_shape=(6, 7)),
            deconv(1, 2, 3, 3, kernel=(3, 3), num_filter=2, stride=(2, 2), target_shape=(6, 6), pad=(2, 2), adj=(1, 1)),
        ],
        "float64",
    )
    + [
        # three dimensions: with oneDNN alone, so float32 alone
        deconv(1, 2, 2, 3, 2, kernel=(2, 2, 3), num_filter=2),
        deconv(1, 2, 2, 2, 3, kernel=(3, 2, 2), num_filter=2, stride=(2, 1, 2), pad=(1, 0, 0), no_bias=False),
        deconv(1, 2, 3, 3, kernel=(3, 3), num_filter=2, stride=(2, 2), adj=(2, 2)),  # refused: adj not below stride
        deconv(1, 2, 3, 3, kernel=(3, 3), num_filter=3, num_group=2),
        deconv(1, 3, 3, 3, kernel=(3, 3), num_filter=2, num_group=2),
        deconv(1, 2, 3, 3, kernel=(3, 3), num_filter=2, target_shape=(20, 20)),
        deconv(1, 2, 3, 3, kernel=(3, 3), num_filter=2, target_shape=(2, 2)),
        deconv(1, 2, 3, 3, num_filter=2),
        case(
            "Deconvolution", dict(data=f(1, 2, 3, 3), weight=f(2, 3, 2, 2), bias=f(3)), kernel=(2, 2), num_filter=3, no_bias=False
        ),
        case("Deconvolution", dict(data=f(1, 2, 3, 3), weight=f(3, 2, 2, 2)), kernel=(2, 2), num_filter=3),
    ]
)

VERSION_1 = [
    but(one, op="Convolution_v1")
    for one in (
        conv(2, 3, 5, 6, kernel=(3, 2), num_filter=4),
        conv(1, 2, 7, 6, kernel=(3, 3), num_filter=2, stride=(2, 3), pad=(1, 2)),
        conv(2, 4, 5, 5, kernel=(3, 3), num_filter=6, num_group=2, pad=(1, 1)),
        conv(1, 2, 7, 7, kernel=(3, 2), num_filter=2, dilate=(2, 3), no_bias=True),
    )
]

CASES = VERSION_1 + CONVOLUTION + DECONVOLUTION
