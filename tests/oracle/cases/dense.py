"""FullyConnected, dot, batch_dot, Embedding."""

from .table import also, but, case, f, v

FULLY_CONNECTED = also(
    [
        case("FullyConnected", dict(data=f(3, 5)), num_hidden=4),
        case("FullyConnected", dict(data=f(2, 3, 5)), num_hidden=4),
        case("FullyConnected", dict(data=f(2, 3, 5)), num_hidden=4, flatten=False),
        case("FullyConnected", dict(data=f(3, 5)), num_hidden=4, no_bias=True),
        case("FullyConnected", dict(data=f(2, 3, 5)), num_hidden=3, no_bias=True, flatten=False),
        case("FullyConnected", dict(data=f(7, 1)), num_hidden=1),
        case("FullyConnected", dict(data=f(1, 2, 3, 4)), num_hidden=2),
        case("FullyConnected", dict(data=f(5)), num_hidden=2),  # as (5, 1)
        case("FullyConnected", dict(data=f(5)), num_hidden=2, flatten=False),
        case("FullyConnected", dict(data=f(3, 5), weight=f(4, 5), bias=f(4)), num_hidden=4),
        case("FullyConnected", dict(data=f(3, 5), weight=f(4, 6)), num_hidden=4),  # refused: weight shape
        case("FullyConnected", dict(data=f(3, 5), weight=f(5, 5)), num_hidden=4),  # refused: weight shape
        case("FullyConnected", dict(data=f(3, 5), bias=f(5)), num_hidden=4),  # refused: bias shape
        case("FullyConnected", dict(data=f(3, 5), weight=f(4, 5)), num_hidden="4", no_bias="True"),
    ],
    "float64",
) + [
    but(case("FullyConnected", dict(data=f(3, 5, dtype="float16")), num_hidden=4), undefined="not on CPU"),
    case("FullyConnected", dict(data=f(3, 5, dtype="float64"), weight=f(4, 5)), num_hidden=4),  # refused: mixed dtypes
    case("FullyConnected", dict(data=f(3, 5)), num_hidden=0),
    case("FullyConnected", dict(data=f(3, 5)), num_hidden=-1),
    case("FullyConnected", dict(data=f(3, 5)), num_hidden=4.0),
    case("FullyConnected", dict(data=f(3, 5))),
    case("FullyConnected", dict(data=f(3, 5)), num_hidden=4, hidden=3),
]

DOT = also(
    [
        case("dot", dict(lhs=f(3, 4), rhs=f(4, 5))),
        case("dot", dict(lhs=f(4, 3), rhs=f(4, 5)), transpose_a=True),
        case("dot", dict(lhs=f(3, 4), rhs=f(5, 4)), transpose_b=True),
        case("dot", dict(lhs=f(4, 3), rhs=f(5, 4)), transpose_a=True, transpose_b=True),
        case("dot", dict(lhs=f(5), rhs=f(5))),  # shape (1,)
        case("dot", dict(lhs=f(3, 4), rhs=f(4))),
        case("dot", dict(lhs=f(4), rhs=f(4, 5))),
        case("dot", dict(lhs=f(2, 3, 4), rhs=f(4, 5))),
        case("dot", dict(lhs=f(2, 3, 4), rhs=f(4))),
        case("dot", dict(lhs=f(3, 4), rhs=f(4, 2, 2))),
        case("dot", dict(lhs=f(2, 3, 4), rhs=f(4, 2, 3))),
        case("dot", dict(lhs=f(4, 2, 3), rhs=f(4, 5)), transpose_a=True),
        case("dot", dict(lhs=f(3, 4), rhs=f(2, 3, 4)), transpose_b=True),
        case("dot", dict(lhs=f(1, 1), rhs=f(1, 1))),
        case("dot", dict(lhs=f(4, 3), rhs=f(4)), transpose_a=True),
        case("dot", dict(lhs=f(3, 4), rhs=f(3, 5))),  # refused: inner lengths
        case("dot", dict(lhs=f(3), rhs=f(4))),
    ],
    "float64",
) + [
    but(case("dot", dict(lhs=f(3, 4, dtype="float16"), rhs=f(4, 5, dtype="float16"))), undefined="not on CPU"),
]

BATCH_DOT = also(
    [
        case("batch_dot", dict(lhs=f(2, 3, 4), rhs=f(2, 4, 5))),
        case("batch_dot", dict(lhs=f(2, 4, 3), rhs=f(2, 4, 5)), transpose_a=True),
        case("batch_dot", dict(lhs=f(2, 3, 4), rhs=f(2, 5, 4)), transpose_b=True),
        case("batch_dot", dict(lhs=f(2, 4, 3), rhs=f(2, 5, 4)), transpose_a=True, transpose_b=True),
        case("batch_dot", dict(lhs=f(1, 1, 3), rhs=f(1, 3, 1))),
        case("batch_dot", dict(lhs=f(3, 1, 2), rhs=f(3, 2, 1))),
        case("batch_dot", dict(lhs=f(2, 2, 3, 2), rhs=f(2, 2, 2, 3))),
        case("batch_dot", dict(lhs=f(2, 3, 4), rhs=f(3, 4, 5))),  # refused: batches differ
        case("batch_dot", dict(lhs=f(2, 3, 4), rhs=f(2, 3, 5))),
        case("batch_dot", dict(lhs=f(3, 4), rhs=f(4, 5))),
    ],
    "float64",
)

INDEX = dict(data=v([[0, 3, 1], [2, 2, 0]]))
EMBEDDING = [
    but(one, no_grad=("data",))
    for one in also(
        [
            case("Embedding", INDEX, input_dim=4, output_dim=3),
            case("Embedding", dict(data=v([3, 0, 3, 3])), input_dim=5, output_dim=2),
            case("Embedding", dict(data=v([[[1]], [[0]]])), input_dim=2, output_dim=4),
            case("Embedding", dict(data=v([-1, 7, 2.9, 1.5])), input_dim=4, output_dim=3),  # clipped, truncated
            case("Embedding", dict(data=v([0, 3, 1])), input_dim=4, output_dim=3, dtype="float32", sparse_grad=False),
        ],
        "float64",
    )
    + [
        case("Embedding", dict(data=v([0, 3, 1], "int32")), input_dim=4, output_dim=3),
        case("Embedding", dict(data=v([0, 3, 1], "int64")), input_dim=4, output_dim=3),
        case("Embedding", dict(data=v([0, 3, 1], "uint8")), input_dim=4, output_dim=3),
        case("Embedding", dict(data=v([0, 3, 1])), input_dim=4, output_dim=3, dtype="float64"),
        case("Embedding", dict(data=v([0, 3, 1], "int32")), input_dim=4, output_dim=3, dtype="float16"),
        case("Embedding", dict(data=v([0, 1])), input_dim=0, output_dim=3),
        case("Embedding", dict(data=v([0, 1])), output_dim=3),
        case("Embedding", dict(data=v([0, 1]), weight=f(3, 3)), input_dim=4, output_dim=3),
    ]
] + [case("Embedding", INDEX, input_dim=4, output_dim=3)]  # refused: gradient of the indices

CASES = FULLY_CONNECTED + DOT + BATCH_DOT + EMBEDDING
