"""Activation, LeakyReLU, hard_sigmoid, Dropout, and the softmax family without labels."""

from .table import also, but, case, f, v

NAN, INF = float("nan"), float("inf")
SPECIAL = v([[-INF, -20, -2.5, -1, -0.5, -0.0], [0.0, 0.5, 1, 2.5, 20, INF], [NAN, 1e-6, -1e-6, 100, -100, 3]])
TAME = v([[-20, -2.5, -1, -0.5, -0.0], [0.0, 0.5, 1, 2.5, 20]])


def activation(kind, data):
    return case("Activation", dict(data=data), act_type=kind)


def leaky(kind, data, **more):
    return case("LeakyReLU", dict(data=data), act_type=kind, **more)


def hard(data, **more):
    return case("hard_sigmoid", dict(data=data), **more)


ACTIVATION = also(
    [
        activation(kind, data)
        for kind in ("relu", "sigmoid", "tanh", "softrelu", "softsign")
        for data in (f(2, 3, 5), f(1), SPECIAL)
    ],
    "float64",
    "float16",
) + [
    activation("swish", f(2, 3)),
    case("Activation", dict(data=f(2, 3))),
]

NO_NUMBER = "relu of NaN: oneDNN gives 0 in float32, the other types give NaN"
ACTIVATION = [but(one, undefined=NO_NUMBER) if one.id == "Activation/3x6v-act_type=relu" else one for one in ACTIVATION]

LEAKY = also(
    [
        *[leaky(kind, data) for kind in ("leaky", "elu", "selu", "gelu") for data in (f(2, 3, 2), TAME)],
        leaky("leaky", f(2, 5), slope=0.1),
        leaky("leaky", f(2, 5), slope=0),
        leaky("elu", f(2, 5), slope=1.5),
        leaky("prelu", f(2, 3)),
        leaky("prelu", f(2, 3, 2, 2)),
        leaky("prelu", f(1, 2, 5)),
        case("LeakyReLU", dict(data=f(2, 3, 4), gamma=v([0.3])), act_type="prelu"),  # one slope for all
        case("LeakyReLU", dict(data=f(2, 3))),  # leaky, 0.25
    ],
    "float64",
    "float16",
) + [
    leaky("prelu", f(5)),
    leaky("celu", f(2, 3)),
]

# MXNet takes the error function, and the constants of selu, in single precision.
ROUNDED = ("gelu", "selu")
LEAKY = [but(one, loose=1e-6) if one.id.endswith(ROUNDED) and "f64" in one.id else one for one in LEAKY]

HARD = also(
    [hard(f(2, 7)), hard(f(2, 7), alpha=0.5, beta=0.1), hard(f(2, 7), alpha=-1, beta=0.5), hard(SPECIAL)], "float64", "float16"
)

DROPOUT = also(
    [
        case("Dropout", dict(data=f(2, 3)), p=0),
        case("Dropout", dict(data=f(2, 3, 4)), p=0.0, mode="training"),
        case("Dropout", dict(data=f(2, 3)), p=0, axes=(1,)),
    ],
    "float64",
    "float16",
) + [
    case("Dropout", dict(data=f(2, 3)), p=-0.1),
    case("Dropout", dict(data=f(2, 3)), p=1.5),
    case("Dropout", dict(data=f(2, 3)), mode="never"),
]


def soft(op):
    return also(
        [
            case(op, dict(data=f(3, 4))),
            case(op, dict(data=f(2, 3, 4)), axis=1),
            case(op, dict(data=f(2, 3, 4)), axis=0),
            case(op, dict(data=f(2, 3, 4)), axis=-2, temperature=0.5),
            case(op, dict(data=f(3, 4)), temperature=2.5),
            case(op, dict(data=f(5))),
            case(op, dict(data=f(4, 1))),
            case(op, dict(data=v([[1000, 1001, 999], [-1000, 0, 1000], [0, 0, 0]]))),
            case(op, dict(data=v([[-INF, 0, 1], [2, -INF, -INF]]))),
        ],
        "float64",
        "float16",
    ) + [
        case(op, dict(data=f(2, 3)), axis=2),
        case(op, dict(data=f(2, 3)), axis=-3),
        case(op, dict(data=f(2, 3)), dtype="float64"),
        case(op, dict(data=f(2, 3, dtype="float16")), dtype="float32"),
    ]


LENGTHS = also(
    [
        but(case("softmax", dict(data=f(2, 4), length=v([1, 3], dtype)), use_length=True, **more), no_grad=("length",))
        for dtype in ("int32", "int64")
        for more in ({}, dict(temperature=2.0))
    ]
    + [
        case("softmax", dict(data=f(2, 3, 2), length=v([[1, 3], [2, 1]], "int32")), axis=1, use_length=True),
    ],
    "float64",
) + [
    case("softmax", dict(data=f(2, 4), length=v([1, 3, 2], "int32")), use_length=True),
]

# mode "instance" takes the last axis; float32 alone in MXNet
OTHER_AXIS = "forward goes along the last axis, MXNet's gradient along axis 1"
SOFTMAX_ACTIVATION = [
    case("SoftmaxActivation", dict(data=f(3, 4))),
    but(case("SoftmaxActivation", dict(data=f(2, 3, 4))), forward_only=OTHER_AXIS),
    but(case("SoftmaxActivation", dict(data=f(2, 3, 2, 2))), forward_only=OTHER_AXIS),
    case("SoftmaxActivation", dict(data=f(2, 3, 2, 2)), mode="channel"),
    case("SoftmaxActivation", dict(data=f(2, 3, 4)), mode="channel"),
    case("SoftmaxActivation", dict(data=f(2, 3)), mode="instance"),
    case("SoftmaxActivation", dict(data=f(2, 3)), mode="channel"),
    case("SoftmaxActivation", dict(data=f(2, 3)), mode="row"),
]

CASES = (
    ACTIVATION + LEAKY + HARD + DROPOUT + soft("softmax") + soft("log_softmax") + soft("softmin") + LENGTHS + SOFTMAX_ACTIVATION
)
