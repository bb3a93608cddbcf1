"""Contributed operators that belong to no other family."""

from .table import also, but, case, f, only, pos, v, whole


def one(op, *shape, **params):
    return case(op, dict(data=f(*shape)), **params)


POOLING = also(
    [
        one("_contrib_AdaptiveAvgPooling2D", 2, 2, 5, 4),
        one("_contrib_AdaptiveAvgPooling2D", 2, 2, 5, 4, output_size=2),
        one("_contrib_AdaptiveAvgPooling2D", 2, 2, 5, 4, output_size=(3, 2)),
        one("_contrib_AdaptiveAvgPooling2D", 1, 2, 5, 4, output_size=(7, 5)),
        one("_contrib_AdaptiveAvgPooling2D", 1, 2, 5, 4, output_size=(1, 2, 3)),
    ],
    "float64",
) + [one("_contrib_AdaptiveAvgPooling2D", 2, 5, 4)]

RESIZE = "_contrib_BilinearResize2D"
RESIZING = also(
    [
        one(RESIZE, 1, 2, 3, 4, height=5, width=7),
        one(RESIZE, 2, 1, 5, 6, height=3, width=2),
        one(RESIZE, 1, 1, 3, 3, height=3, width=3),
        one(RESIZE, 1, 1, 3, 4),
        one(RESIZE, 1, 2, 3, 4, height=5, width=7, align_corners=False),
        one(RESIZE, 1, 1, 6, 5, height=2, width=3, align_corners=False),
        one(RESIZE, 1, 1, 4, 5, scale_height=1.5, scale_width=1.3),
        one(RESIZE, 1, 1, 4, 5, scale_height=2, scale_width=0.5, mode="odd_scale"),
        one(RESIZE, 1, 1, 5, 4, mode="to_even_down"),
        one(RESIZE, 1, 1, 5, 4, mode="to_even_up"),
        one(RESIZE, 1, 1, 5, 4, mode="to_odd_down"),
        one(RESIZE, 1, 1, 5, 4, mode="to_odd_up"),
        case(RESIZE, dict(data=f(1, 2, 3, 4), like=f(1, 3, 5, 2)), mode="like"),
    ],
    "float64",
) + [
    one(RESIZE, 1, 1, 3, 4, height=0),
    one(RESIZE, 3, 4, height=2, width=2),
    one(RESIZE, 1, 1, 3, 4, mode="odd_scale"),
    one(RESIZE, 1, 1, 3, 4, mode="nearest"),
]


def norm(op, *shape, **params):
    return case(op, dict(data=f(*shape)), **params)


NORMS = [
    norm("_contrib_BatchNormWithReLU", 2, 3, 2, 2),
    norm("_contrib_BatchNormWithReLU", 2, 3, 2, 2, fix_gamma=False),
    norm("_contrib_BatchNormWithReLU", 2, 3, 2, 2, fix_gamma=False, use_global_stats=True),
    norm("_contrib_BatchNormWithReLU", 3, 2, 2, 3, fix_gamma=False, momentum=0.5, eps=0.01),
    *(
        norm("_contrib_SyncBatchNorm", *shape, key=f"case{i}", **params)
        for i, (shape, params) in enumerate(
            [
                ((2, 3, 2, 2), {}),
                ((2, 3, 2, 2), dict(fix_gamma=False)),
                ((4, 3), dict(fix_gamma=False, momentum=0.5)),
                ((2, 3, 4), dict(fix_gamma=False, eps=0.01)),
                ((2, 3, 2, 2), dict(fix_gamma=False, use_global_stats=True)),
            ]
        )
    ),
]

EMBEDDING = [
    but(
        case("_contrib_SparseEmbedding", dict(data=v(rows)), input_dim=4, output_dim=3),
        forward_only="MXNet's gradient is sparse",
    )
    for rows in ([0, 3, 3], [[1, 0], [2, 2]], [0.7, 5])
]

CLOSE = [
    but(case("_contrib_allclose", dict(a=v(a), b=v(b)), **params), forward_only="MXNet has no gradient for it")
    for a, b, params in [
        ([1, 2.00001], [1, 2], {}),
        ([1, 2.001], [1, 2], {}),
        ([1, 2.001], [1, 2], dict(rtol=1e-2)),
        ([0, 0.001], [0, 0], dict(atol=1e-2)),
        ([float("nan")], [float("nan")], {}),
        ([float("nan")], [float("nan")], dict(equal_nan=False)),
        ([float("inf")], [float("-inf")], {}),
    ]
]

POINTWISE = also(
    [
        one("_contrib_quadratic", 2, 3, a=1.5, b=-2, c=0.25),
        one("_contrib_quadratic", 2, 3),
        one("_contrib_round_ste", 2, 3),
        case("_contrib_round_ste", dict(data=v([0.5, 1.5, -0.5, -2.5]))),
        one("_contrib_sign_ste", 2, 3),
        case("_contrib_sign_ste", dict(data=v([0, -0.0, 3]))),
        one("_contrib_gradientmultiplier", 2, 3, scalar=-2.5),
        one("_contrib_gradientmultiplier", 2, 3),
    ],
    "float64",
    "float16",
) + [
    case("_contrib_quadratic", dict(data=whole(-3, 4, 5, dtype="int32")), a=1.5, b=1),
    case("_contrib_gradientmultiplier", dict(data=whole(-3, 4, 5, dtype="int64")), scalar=2.5),
    case("_contrib_sign_ste", dict(data=whole(-3, 4, 5, dtype="int8"))),
]

INDEX = also(
    [
        one("_contrib_index_array", 2, 3),
        one("_contrib_index_array", 2, 3, 2, axes=(1, -1)),
        one("_contrib_index_array", 2, 2, axes=(3,)),
    ],
    "float64",
) + [
    but(
        case("_contrib_index_copy", dict(old_tensor=f(4, *rest), index_vector=v(rows, dtype), new_tensor=f(2, *rest))),
        no_grad=("index_vector",),
    )
    for rest, rows, dtype in [
        ((3,), [3, 0], "int32"),
        ((3,), [3, 0], "float32"),
        ((2, 2), [1, 2], "int64"),
        ((), [2, 1], "int32"),
    ]
]

QK, VALUES = "_contrib_interleaved_matmul_{}_qk", "_contrib_interleaved_matmul_{}_valatt"
ATTENTION = [
    case(QK.format("selfatt"), dict(queries_keys_values=f(4, 2, 12)), heads=2),
    case(QK.format("selfatt"), dict(queries_keys_values=f(1, 3, 9)), heads=1),
    case(QK.format("encdec"), dict(queries=f(3, 2, 4), keys_values=f(4, 2, 8)), heads=2),
    case(QK.format("encdec"), dict(queries=f(3, 2, 4), keys_values=f(4, 2, 6)), heads=2),
    case(VALUES.format("selfatt"), dict(queries_keys_values=f(4, 2, 12), attention=pos(4, 4, 4)), heads=2),
    case(VALUES.format("selfatt"), dict(queries_keys_values=f(4, 2, 12), attention=pos(4, 4, 3)), heads=2),
    case(VALUES.format("encdec"), dict(keys_values=f(4, 2, 8), attention=pos(4, 3, 4)), heads=2),
    case(VALUES.format("encdec"), dict(keys_values=f(4, 2, 8), attention=pos(3, 3, 4)), heads=2),
]

LIKE = [
    but(case("_contrib_arange_like", dict(data=f(2, 3)), **params), forward_only="no gradient")
    for params in [
        dict(),
        dict(axis=1),
        dict(axis=-1, start=2, step=0.5),
        dict(start=1, repeat=2),
        dict(axis=0, repeat=2),
        dict(axis=2),
    ]
]
LIKE += [but(one, forward_only="no gradient") for one in only([case("_contrib_arange_like", dict(data=f(3)))], "float64")]
SCALED = also([one("_contrib_div_sqrt_dim", 2, 3), one("_contrib_div_sqrt_dim", 2, 2, 4)], "float64", "float16") + [
    case("_contrib_div_sqrt_dim", dict(data=whole(-9, 10, 2, 5, dtype="int32"))),
]

MASK = [
    but(one, no_grad=("index",))
    for one in also(
        [
            case("_contrib_boolean_mask", dict(data=f(4, 3), index=v([0.0, 1.0, 0.0, 2.0]))),
            case("_contrib_boolean_mask", dict(data=f(3), index=v([1.0, 1.0, 1.0]))),
            case("_contrib_boolean_mask", dict(data=f(2, 1, 2), index=v([1, 0], "int32"))),
        ],
        "float64",
    )
]

CASES = MASK + LIKE + SCALED + POOLING + RESIZING + NORMS + EMBEDDING + CLOSE + POINTWISE + INDEX + ATTENTION
