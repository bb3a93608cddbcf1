"""Operators that look elements up: by position, by condition, by sequence length."""

from .table import also, but, case, f, v, whole

NO_INDEX = ("indices", "index")


def blind(cases, *names):
    """The cases without gradient for the named inputs."""
    return [but(one, no_grad=names) for one in cases]


def take(a, indices, **params):
    return case("take", dict(a=a, indices=indices), **params)


TAKE = blind(
    also(
        [
            take(f(4, 3), v([0, 3, 1])),
            take(f(4, 3), v([[1, 1], [2, 0]])),
            take(f(4, 3), v([2, 0]), axis=1),
            take(f(2, 3, 4), v([[3], [0]]), axis=-1),
            take(f(2, 3, 4), v([1, 1, 2]), axis=1),
            take(f(5), v([4, 0])),
            take(f(3, 2), v([-1, 5, 1])),
            take(f(3, 2), v([-1, 5, 1]), mode="clip"),
            take(f(3, 2), v([-1, 5, 1, -4]), mode="wrap"),
            take(f(3, 2), v([0.9, 1.9])),
            take(f(2, 3), v([-1, 4]), axis=1, mode="wrap"),
            take(f(4, 3), v([2])),
        ],
        "float64",
    )
    + [
        take(f(4, 3), v([0, 3, 1], "int32")),
        take(f(4, 3), v([0, 3, 1], "int64")),
        take(f(4, 3), v([0, 3], "uint8")),
        take(whole(0, 9, 4, 3, dtype="int32"), v([0, 3])),
        take(f(4, 3, dtype="float16"), v([0, 3])),
        take(f(3, 2), v([0, 3]), mode="raise"),
        take(f(3, 2), v([2, 0]), mode="raise"),
        take(f(3, 2), v([0]), axis=2),
        take(f(3, 2), v([0]), mode="nearest"),
    ],
    "indices",
)


def pick(data, index, **params):
    return case("pick", dict(data=data, index=index), **params)


PICK = blind(
    also(
        [
            pick(f(3, 4), v([0, 3, 2])),
            pick(f(3, 4), v([0, 1, 2, 1]), axis=0),
            pick(f(3, 4), v([0, 3, 2]), keepdims=True),
            pick(f(3, 4), v([[0], [3], [2]])),
            pick(f(2, 3, 4), v([[0, 1, 2, 0], [2, 1, 0, 0]]), axis=1),
            pick(f(3, 4), v([-1, 7, 2])),
            pick(f(3, 4), v([-1, 7, 2]), mode="wrap"),
            pick(f(4), v([2])),
            pick(f(3, 4), v([[0], [3], [2]]), keepdims=True),
            pick(f(2, 3, 2), v([[0, 1, 0], [1, 1, 0]]), axis=-1),
        ],
        "float64",
    )
    + [
        pick(f(3, 4), v([0, 3, 2], "int32")),
        pick(f(3, 4), v([0, 3])),
        pick(f(3, 4), v([0, 3, 2]), axis=2),
        case("choose_element_0index", dict(data=f(3, 4), index=v([0, 3, 2]))),
    ],
    "index",
)

ONE_HOT = blind(
    also(
        [
            case("one_hot", dict(indices=v([0, 2, 1])), depth=3),
            case("one_hot", dict(indices=v([[0, 2], [1, 1]])), depth=4),
            case("one_hot", dict(indices=v([0, 5, -1])), depth=3),
            case("one_hot", dict(indices=v([1, 0])), depth=2, on_value=5, off_value=-1.5),
            case("one_hot", dict(indices=v([1.9, 0.2])), depth=3),
        ],
        "float64",
    )
    + [
        case("one_hot", dict(indices=v([1, 0], dtype)), depth=2, dtype=to)
        for dtype, to in [
            ("int32", "float32"),
            ("int64", "int32"),
            ("uint8", "float64"),
            ("float32", "float16"),
            ("float32", "uint8"),
            ("float32", "int64"),
        ]
    ]
    + [case("one_hot", dict(indices=v([1])), depth=-1), case("one_hot", dict(indices=v([1])))],
    "indices",
)


def where(condition, x, y):
    return case("where", dict(condition=condition, x=x, y=y))


WHERE = blind(
    also(
        [
            where(v([[1, 0, -1], [0, 2, 0.5]]), f(2, 3), f(2, 3)),
            where(v([1, 0, 1]), f(3, 2), f(3, 2)),
            where(v([1, 0]), f(2), f(2)),
            where(v([float("nan"), 0, -0.0]), f(3), f(3)),
            where(v([1, 0]), f(2, 3, 2), f(2, 3, 2)),
        ],
        "float64",
        "float16",
    )
    + [
        where(v([1, 0, 1], "int32"), f(3), f(3)),
        where(v([1, 0, 255], "uint8"), f(3), f(3)),
        where(v([0, 1]), whole(0, 9, 2, dtype="int32"), whole(0, 9, 2, dtype="int32")),
        where(v([1, 0, 1]), f(2, 3), f(2, 3)),
        where(v([1, 0]), f(2), f(2, dtype="float64")),
        where(v([1, 0]), f(2), f(3)),
    ],
    "condition",
)

BATCH_TAKE = [
    but(case("batch_take", dict(a=f(3, 4), indices=v(index, "int32"))), forward_only="MXNet has no gradient for it")
    for index in ([0, 3, 2], [-1, 9, 1])
] + [
    but(
        case("batch_take", dict(a=f(3, 4, dtype="float64"), indices=v([0, 3, 2], "int32"))),
        forward_only="MXNet has no gradient for it",
    ),
    case("batch_take", dict(a=f(3, 4), indices=v([0, 3], "int32"))),
]

ND = blind(
    also(
        [
            case("gather_nd", dict(data=f(3, 4), indices=v([[0, 2, 1], [3, 0, 1]]))),
            case("gather_nd", dict(data=f(3, 4), indices=v([[2, 0]]))),
            case("gather_nd", dict(data=f(2, 3, 2), indices=v([[1, 0], [2, 1]]))),
            case("gather_nd", dict(data=f(2, 3, 2), indices=v([[1, 0, 1], [2, 1, 2], [0, 1, 0]]))),
            case("gather_nd", dict(data=f(3), indices=v([[2, 2, 2]]))),
            case("gather_nd", dict(data=f(2, 2), indices=v([[[0, 1], [1, 1]], [[1, 0], [0, 0]]]))),
            case("scatter_nd", dict(data=f(3), indices=v([[0, 2, 1], [1, 0, 3]])), shape=(3, 4)),
            case("scatter_nd", dict(data=f(2, 4), indices=v([[2, 0]])), shape=(3, 4)),
            case("scatter_nd", dict(data=f(2), indices=v([[1, 3]])), shape=(5,)),
        ],
        "float64",
    )
    + [
        case("gather_nd", dict(data=f(3, 4), indices=v([[0, 2], [3, 0]], "int32"))),
        case("gather_nd", dict(data=f(3, 4), indices=v([[0, 2], [3, 0]], "int64"))),
        case("scatter_nd", dict(data=f(2), indices=v([[1, 3]], "int32")), shape=(5,)),
        case("gather_nd", dict(data=f(3), indices=v([[0], [1]]))),
        case("scatter_nd", dict(data=f(2), indices=v([[1, 3]]))),
        case("scatter_nd", dict(data=f(3), indices=v([[1, 3]])), shape=(5,)),
        case("_ravel_multi_index", dict(data=v([[1, 0, 2], [3, 1, 0]])), shape=(3, 4)),
        case("_unravel_index", dict(data=v([7, 1, 8])), shape=(3, 4)),
    ],
    "indices",
)
ND = [but(one, no_grad=("data",)) if "ravel" in one.op else one for one in ND]


def sequence(op, data, length=None, **params):
    if length is None:
        return case(op, dict(data=data), **params)
    return but(
        case(op, dict(data=data, sequence_length=v(length)), use_sequence_length=True, **params), no_grad=("sequence_length",)
    )


SEQUENCE = (
    also(
        [
            sequence("SequenceMask", f(4, 3)),
            sequence("SequenceMask", f(4, 3), [1, 4, 2]),
            sequence("SequenceMask", f(4, 3, 2), [1, 4, 0], value=-1.5),
            sequence("SequenceMask", f(3, 4), [1, 4, 2], axis=1),
            sequence("SequenceMask", f(2, 4, 2), [3, 1], axis=1, value=9),
            sequence("SequenceLast", f(4, 3)),
            sequence("SequenceLast", f(4, 3), [1, 4, 2]),
            sequence("SequenceLast", f(4, 2, 3), [3, 1]),
            sequence("SequenceLast", f(2, 4, 2), [3, 1], axis=1),
            sequence("SequenceLast", f(2, 4), axis=1),
            sequence("SequenceReverse", f(4, 3)),
            sequence("SequenceReverse", f(4, 3), [1, 4, 2]),
            sequence("SequenceReverse", f(4, 2, 3), [3, 2]),
            sequence("SequenceReverse", f(4, 2, 3), [1, 0]),
        ],
        "float64",
    )
    + [
        but(
            case(op, dict(data=f(4, 2), sequence_length=v([3, 1], dtype)), use_sequence_length=True), no_grad=("sequence_length",)
        )
        for op in ("SequenceMask", "SequenceLast", "SequenceReverse")
        for dtype in ("int32", "int64", "float64")
    ]
    + [
        sequence("SequenceMask", f(4, 2, dtype="float16")),
        sequence("SequenceMask", f(4, 3), [1, 2]),
        sequence("SequenceLast", f(4)),
        sequence("SequenceMask", f(4, 3), axis=2),
        sequence("SequenceReverse", f(4, 3), axis=1),
        case("SequenceMask", dict(data=f(4, 3)), use_sequence_length=False, value=3),
    ]
)

NUMBERS = dict(data=v([0.0, 0.4, 1.0, 2.5, 2.5, 3.0, 9.0, -1.0]))
HISTOGRAM = [
    but(one, forward_only="no gradient")
    for one in [
        case("_histogram", dict(**NUMBERS, bins=v([0.0, 1.0, 2.0, 3.0]))),
        case("_histogram", dict(**NUMBERS, bins=v([0.0, 0.5, 2.5]))),
        case("_histogram", NUMBERS, bin_cnt=4, range=(0.0, 3.0)),
        case("_histogram", NUMBERS, bin_cnt=3, range=(-1.0, 9.0)),
        case("_histogram", dict(data=v([1, 2, 2, 5], "int32"), bins=v([0, 2, 5], "int32"))),
        case("_histogram", dict(data=f(2, 3, dtype="float64"), bins=v([-1.0, 0.0, 1.0], "float64"))),
        case("_histogram", NUMBERS, bin_cnt=4),
    ]
]

CASES = HISTOGRAM + TAKE + PICK + ONE_HOT + WHERE + BATCH_TAKE + ND + SEQUENCE
