"""Operators that move elements without computing: shapes, axes, cutting, joining, repeating."""

from .table import also, but, case, f, variadic, whole


def one(op, data, **params):
    return case(op, dict(data=data), **params)


# inference and forward accept these and overrun the memory
WRONG_SIZE = [
    but(one("Reshape", f(2, 3), shape=shape), undefined="the number of elements changes") for shape in [(-1, 4), (1, -2), (7,)]
]

RESHAPE = [
    one("Reshape", f(2, 3, 4), shape=shape)
    for shape in [
        (6, 4),
        (4, 3, 2),
        (-1,),
        (0, -1),
        (0, 0, 4),
        (2, -1, 2),
        (-2,),
        (0, -2),
        (-2, 1, 1),
        (-3, 4),
        (0, -3),
        (-3, -2),
        (-4, 1, 2, -2),
        (0, -4, -1, 3, 4),
        (-4, 2, -1, -2),
        (0, -4, 3, -1, -2),
        (-1, 0),
        (0, 0, -1),
        (0, 0, 0, -1),
        (24,),
        (1, 24, 1),
        (-3, -4, 2, -1),
        (-4, -1, 1, -3, 1),
        (2, 3, -4, 2, 2),
    ]
]
RESHAPE += [
    one("Reshape", f(10, 5, 4), shape=shape, reverse=True) for shape in [(-1, 0), (0, -3), (50, 0), (0, 0, -1), (-3, 0), (-2,)]
]
RESHAPE += [
    one("Reshape", f(2, 3, 4), shape=shape, reverse=True)
    for shape in [(-1, 0), (-4, 1, 2, 0, 0), (0, 0, 2, 2, -4), (0, -1, 3, -4, 0), (-2, 4, -1, -4)]
]
RESHAPE += [
    one("Reshape", f(2, 6), target_shape=(2, 0)),
    one("Reshape", f(2, 6), target_shape=(3, 4)),
    one("Reshape", f(2, 6), target_shape=(0, 3)),
    one("Reshape", f(2, 3, 4), target_shape=(0, 12), keep_highest=True),
    one("Reshape", f(2, 3, 4), target_shape=(5, 0), keep_highest=True),
    one("Reshape", f(5), shape=(5, 1)),
    one("Reshape", f(1), shape=(1, 1, 1)),
    one("reshape", f(2, 3), shape=(3, 2)),
    one("Reshape", f(2, 3), shape="(3, 2)"),
    one("Reshape", f(2, 3), shape=[3, 2]),
    one("Reshape", f(2, 3), shape=(-1, -1)),
    one("Reshape", f(2, 3), shape=(-5,)),
    *WRONG_SIZE,
    one("Reshape", f(2, 3), shape=(-4, 2, 2)),
    one("Reshape", f(2, 3, 4), shape=(-4, -1, -1, -2)),
    one("Reshape", f(2, 3), shape=("a",)),
    one("Reshape", whole(0, 9, 2, 3, dtype="int32"), shape=(-1,)),
    one("Reshape", f(2, 3, dtype="float16"), shape=(-1,)),
    one("Reshape", f(2, 3, dtype="float64"), shape=(3, -1)),
]
LIKE = [
    case("reshape_like", dict(lhs=f(2, 6), rhs=f(3, 4))),
    case("reshape_like", dict(lhs=f(30, 7), rhs=f(15, 2, 4)), lhs_begin=0, lhs_end=1, rhs_begin=0, rhs_end=2),
    case("reshape_like", dict(lhs=f(2, 12), rhs=f(3, 4)), lhs_begin=1, lhs_end=None, rhs_begin=0, rhs_end=None),
    case("reshape_like", dict(lhs=f(2, 6), rhs=f(3, 5))),
    case("slice_like", dict(data=f(3, 4), shape_like=f(2, 3))),
    case("slice_like", dict(data=f(3, 4, 5), shape_like=f(2, 3, 4)), axes=(0, 2)),
    case("slice_like", dict(data=f(3, 4), shape_like=f(5, 2)), axes=(-1,)),
    case("slice_like", dict(data=f(3, 4), shape_like=f(4, 3))),
    case("slice_like", dict(data=f(3, 4), shape_like=f(2, 3, 4)), axes=(0, 1)),
    case("slice_like", dict(data=f(3, 4), shape_like=f(2, 3)), axes=(2,)),
    case("broadcast_like", dict(lhs=f(1, 3), rhs=f(4, 3))),
    case("broadcast_like", dict(lhs=f(2, 1, 3), rhs=f(2, 5, 3))),
    case("broadcast_like", dict(lhs=f(1, 3), rhs=f(5, 6)), lhs_axes=(0,), rhs_axes=(1,)),
    case("broadcast_like", dict(lhs=f(2, 3), rhs=f(4, 3))),
]

AXES = also(
    [
        one("transpose", f(2, 3, 4)),
        one("transpose", f(2, 3, 4), axes=(1, 0, 2)),
        one("transpose", f(2, 3, 4), axes=(2, 0, 1)),
        one("transpose", f(5)),
        one("transpose", f(2, 1, 3, 2), axes=(3, 1, 0, 2)),
        one("transpose", f(2, 3), axes=()),
        one("transpose", f(1, 2, 1, 3, 2), axes=(4, 3, 2, 1, 0)),
        one("SwapAxis", f(2, 3, 4), dim1=0, dim2=2),
        one("SwapAxis", f(2, 3, 4), dim1=2, dim2=1),
        one("swapaxes", f(2, 3), dim1=0, dim2=1),
        one("SwapAxis", f(2, 3, 4), dim1=1, dim2=1),
        one("SwapAxis", f(2, 3, 4), dim1=-1, dim2=0),
        one("Flatten", f(2, 3, 4)),
        one("Flatten", f(3, 2)),
        one("Flatten", f(4)),
        one("flatten", f(1, 2, 1, 3)),
        one("expand_dims", f(2, 3), axis=0),
        one("expand_dims", f(2, 3), axis=1),
        one("expand_dims", f(2, 3), axis=-1),
        one("expand_dims", f(2, 3), axis=2),
        one("squeeze", f(1, 3, 1)),
        one("squeeze", f(1, 3, 1), axis=0),
        one("squeeze", f(1, 3, 1), axis=(0, 2)),
        one("squeeze", f(1, 3, 1), axis=-1),
        one("squeeze", f(1, 1)),
        one("reverse", f(2, 3, 4), axis=1),
        one("reverse", f(2, 3, 4), axis=(0, 2)),
        one("flip", f(5), axis=0),
        one("depth_to_space", f(1, 8, 2, 3), block_size=2),
        one("depth_to_space", f(2, 9, 1, 2), block_size=3),
        one("space_to_depth", f(1, 2, 4, 6), block_size=2),
        one("space_to_depth", f(2, 1, 3, 6), block_size=3),
        one("diag", f(4)),
        one("diag", f(3), k=1),
        one("diag", f(2), k=-2),
        one("diag", f(3, 4)),
        one("diag", f(3, 4), k=1),
        one("diag", f(4, 3), k=-1),
        one("diag", f(2, 3, 4)),
        one("diag", f(2, 3, 4), axis1=1, axis2=2),
        one("diag", f(2, 3, 4), axis1=-1, axis2=0, k=1),
    ],
    "float64",
) + [
    one("transpose", whole(0, 9, 2, 3, dtype="int32")),
    one("transpose", f(2, 3, dtype="float16")),
    one("transpose", f(2, 3), axes=(0,)),
    one("transpose", f(2, 3), axes=(0, 2)),
    one("transpose", f(2, 3), axes=(-1, 0)),
    one("SwapAxis", f(2, 3), dim1=0, dim2=2),
    one("expand_dims", f(2, 3), axis=4),
    one("expand_dims", f(2, 3)),
    one("squeeze", f(2, 3), axis=0),
    one("squeeze", f(1, 3), axis=2),
    one("reverse", f(2, 3), axis=2),
    one("reverse", f(2, 3)),
    one("depth_to_space", f(1, 3, 2, 2), block_size=2),
    one("space_to_depth", f(1, 2, 3, 3), block_size=2),
    one("diag", f(3, 4), k=9),
    one("Flatten", whole(0, 9, 2, 2, 2, dtype="int64")),
    one("depth_to_space", f(4, 2, 2), block_size=2),
]

JOIN = also(
    [
        variadic("Concat", [f(2, 3), f(2, 3)]),
        variadic("Concat", [f(2, 3), f(4, 3)], dim=0),
        variadic("Concat", [f(2, 1, 2), f(2, 3, 2), f(2, 2, 2)], dim=1),
        variadic("Concat", [f(2, 3), f(2, 1)], dim=-1),
        variadic("Concat", [f(2, 3)]),
        variadic("concat", [f(3), f(2)], dim=0),
        variadic("Concat", [f(1, 2, 2, 1), f(1, 2, 2, 3)], dim=3),
        variadic("stack", [f(2, 3), f(2, 3)]),
        variadic("stack", [f(2, 3), f(2, 3), f(2, 3)], axis=1),
        variadic("stack", [f(2, 3), f(2, 3)], axis=-1),
        variadic("stack", [f(2)]),
    ],
    "float64",
    "float16",
) + [
    variadic("Concat", [f(2, 3), f(3, 3)], dim=1),
    variadic("Concat", [f(2, 3), f(2, 3, 1)]),
    variadic("Concat", [f(2, 3), f(2, 3)], dim=2),
    variadic("Concat", [f(2, 3), f(2, 3, dtype="float64")]),
    variadic("Concat", [whole(0, 9, 2, 1, dtype="int32"), whole(0, 9, 2, 2, dtype="int32")]),
    but(variadic("stack", [f(2, 3), f(3, 2)]), undefined="accepted, and reads beyond the end"),
    variadic("stack", [f(2, 3), f(2, 3)], axis=3),
]

SPLIT = also(
    [
        one("SliceChannel", f(2, 4), num_outputs=2),
        one("SliceChannel", f(2, 6, 2), num_outputs=3),
        one("SliceChannel", f(4, 3), num_outputs=2, axis=0),
        one("SliceChannel", f(2, 3), num_outputs=3, squeeze_axis=True),
        one("SliceChannel", f(2, 3, 4), num_outputs=4, axis=-1, squeeze_axis=True),
        one("SliceChannel", f(2, 3, 4), num_outputs=2, axis=2),
        one("split", f(6), num_outputs=3, axis=0),
        one("SliceChannel", f(2, 3), num_outputs=1),
    ],
    "float64",
    "float16",
) + [
    one("SliceChannel", f(2, 4), num_outputs=3),
    one("SliceChannel", f(2, 4), num_outputs=2, squeeze_axis=True),
    one("SliceChannel", f(2, 4)),
    one("SliceChannel", f(2, 4), num_outputs=0),
    one("SliceChannel", f(2, 4), num_outputs=2, axis=2),
    one("SliceChannel", whole(0, 9, 2, 4, dtype="int32"), num_outputs=2),
    one("_split_v2", f(6, 2), indices=(0, 2, 3), axis=0),
    one("_split_v2", f(2, 6), indices=(0, 1, 4), axis=1),
    one("_split_v2", f(2, 4), indices=(0,), sections=2, axis=1),
    one("_split_v2", f(2, 3), indices=(0,), sections=3, axis=1, squeeze_axis=True),
    one("_split_v2", f(2, 3), indices=(0,), sections=2, axis=1),
]

SLICE = also(
    [
        one("slice", f(3, 4), begin=(1, 0), end=(3, 2)),
        one("slice", f(3, 4), begin=(0, 1), end=(None, None)),
        one("slice", f(3, 4), begin=(None, -2), end=(2, None)),
        one("slice", f(3, 4), begin=(1,), end=(3,)),
        one("slice", f(5, 6), begin=(0, 1), end=(5, 6), step=(2, 3)),
        one("slice", f(5), begin=(4,), end=(None,), step=(-1,)),
        one("slice", f(5, 4), begin=(4, 3), end=(0, None), step=(-2, -1)),
        one("slice", f(5, 4), begin=(None, 0), end=(None, 2), step=(-1, None)),
        one("slice", f(3, 4), begin=(-2, -3), end=(-1, -1)),
        one("slice", f(3, 4), begin=(0, 0), end=(9, 2)),
        one("slice", f(2, 3, 4), begin=(0, 1, 1), end=(2, 3, 3)),
        one("crop", f(3, 4), begin=(1, 1), end=(2, 3)),
        one("slice_axis", f(3, 4), axis=0, begin=1, end=3),
        one("slice_axis", f(3, 4), axis=1, begin=0, end=None),
        one("slice_axis", f(3, 4), axis=-1, begin=-3, end=-1),
        one("slice_axis", f(2, 3, 4), axis=1, begin=2, end=None),
    ],
    "float64",
) + [
    one("slice", whole(0, 9, 3, 4, dtype="int32"), begin=(1, 0), end=(3, 2)),
    one("slice", f(3, 4, dtype="float16"), begin=(1, 0), end=(3, 2)),
    one("slice", f(3, 4), begin=(1, 0, 0), end=(3, 2, 1)),
    one("slice", f(3, 4), begin=(1,), end=(2, 3)),
    one("slice", f(3, 4), begin=(0,), end=(2,), step=(0,)),
    one("slice", f(3, 4), begin=(1,)),
    one("slice_axis", f(3, 4), axis=0, begin=1, end=4),
    one("slice_axis", f(3, 4), axis=2, begin=0, end=1),
    one("slice_axis", f(3, 4), axis=0, begin=2, end=2),
    one("slice_axis", f(3, 4), axis=0, begin=0),
    one("slice_axis", whole(0, 9, 3, 4, dtype="int64"), axis=1, begin=1, end=2),
]

REPEAT = also(
    [
        one("tile", f(2, 3), reps=(2,)),
        one("tile", f(2, 3), reps=(2, 1)),
        one("tile", f(2, 3), reps=(2, 1, 3)),
        one("tile", f(3), reps=(2, 2)),
        one("tile", f(2, 3), reps=()),
        one("repeat", f(2, 3), repeats=2),
        one("repeat", f(2, 3), repeats=2, axis=0),
        one("repeat", f(2, 3), repeats=3, axis=-1),
        one("repeat", f(2, 3), repeats=1, axis=1),
        one("broadcast_to", f(1, 3), shape=(4, 3)),
        one("broadcast_to", f(2, 1, 1), shape=(0, 3, 2)),
        one("broadcast_to", f(1), shape=(5,)),
        one("broadcast_axis", f(1, 2, 1), axis=0, size=3),
        one("broadcast_axis", f(1, 2, 1), axis=(0, 2), size=(2, 3)),
        one("broadcast_axes", f(2, 1), axis=1, size=2),
    ],
    "float64",
) + [
    one("tile", whole(0, 9, 2, dtype="int32"), reps=(3,)),
    one("repeat", whole(0, 9, 2, 2, dtype="int32"), repeats=2),
    one("repeat", f(2, 3), repeats=2, axis=2),
    one("repeat", f(2, 3)),
    one("tile", f(2, 3)),
    one("broadcast_to", f(2, 3), shape=(2, 4)),
    one("broadcast_to", f(3), shape=(2, 3)),
    one("broadcast_axis", f(2, 3), axis=1, size=2),
    one("broadcast_axis", f(1, 3), axis=2, size=2),
    one("broadcast_axis", f(1, 1), axis=(0, 1), size=(2,)),
]

# refused with a failed check on an internal index; a negative axis has a plain meaning
NEGATIVE = [
    but(one("reverse", f(2, 3), axis=(-1,)), undefined="fails on negative axes"),
    but(one("broadcast_axis", f(2, 1), axis=-1, size=3), undefined="fails on negative axes"),
]

PART = dict(begin=(0, 1), end=(2, 3))
ASSIGN = [
    but(one, forward_only="no gradient")
    for one in also(
        [
            case("_slice_assign", dict(lhs=f(3, 4), rhs=f(2, 2)), **PART),
            case("_slice_assign", dict(lhs=f(5), rhs=f(2)), begin=(4,), end=(0,), step=(-2,)),
            case("_slice_assign", dict(lhs=f(3, 4), rhs=f(3, 2)), begin=(None, 1), end=(None, 3)),
            case("_slice_assign", dict(lhs=f(3, 4), rhs=f(2, 3)), **PART),  # refused: another shape
            case("_slice_assign_scalar", dict(data=f(3, 4)), scalar=2.5, **PART),
            case("_slice_assign_scalar", dict(data=f(6)), scalar=-1, begin=(1,), end=(6,), step=(2,)),
            case("_slice_assign_scalar", dict(data=f(2, 3)), begin=(1,), end=(2,)),
        ],
        "float64",
        "int32",
    )
]

CASES = ASSIGN + NEGATIVE + RESHAPE + LIKE + AXES + JOIN + SPLIT + SLICE + REPEAT
