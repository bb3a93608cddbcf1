"""BatchNorm, LayerNorm, GroupNorm, InstanceNorm, L2Normalization, LRN."""

from .table import also, but, case, f, v


def norm(op):
    return lambda *shape, **params: case(op, dict(data=f(*shape)), **params)


batch, layer, group, instance, l2, lrn = map(
    norm, ("BatchNorm", "LayerNorm", "GroupNorm", "InstanceNorm", "L2Normalization", "LRN")
)

BATCH_NORM = also(
    [
        batch(3, 2, 4, 3),  # fix_gamma by default: gamma becomes ones, its gradient zeros
        batch(3, 2, 4, 3, fix_gamma=False),
        batch(4, 3, fix_gamma=False),
        batch(2, 3, 5, fix_gamma=False, eps=0.1),
        batch(2, 3, 2, 2, 3, fix_gamma=False, momentum=0.5),
        batch(3, 2, 2, 2, fix_gamma=False, use_global_stats=True),
        batch(3, 2, 2, 2, use_global_stats=True),
        batch(3, 2, 4, fix_gamma=False, axis=2),
        batch(3, 4, 5, 2, fix_gamma=False, axis=-1),
        batch(3, 4, 2, fix_gamma=False, axis=0),
        batch(1, 3, 1, 1, fix_gamma=False),
        batch(3, 2, 4, 3, fix_gamma=False, momentum=0),
        batch(3, 2, 4, 3, fix_gamma=False, cudnn_off=True, eps=1e-5, momentum=1),
    ],
    "float64",
) + [
    but(
        batch(3, 2, 4, 3, fix_gamma=False, output_mean_var=True),
        undefined="whether the gradient takes in the heads of mean and var depends on the dtype's backend",
    ),
    batch(3, 2, axis=2),  # refused: no such axis
    batch(3, 2, eps="small"),
    but(
        case("BatchNorm", dict(data=f(3, 2, 4), gamma=f(3)), fix_gamma=False),
        undefined="a gamma of the wrong length is accepted and read in part",
    ),
]

LAYER_NORM = also(
    [
        layer(3, 5),
        layer(2, 3, 4),
        layer(2, 3, 4, axis=1),
        layer(2, 3, 4, axis=0, eps=0.01),
        layer(2, 3, 4, axis=-2),
        layer(7, 1),
        layer(6),
        layer(2, 2, 3, 2, eps=1e-3),
        layer(2, 5, output_mean_var=True),
        layer(2, 3, 4, axis=1, output_mean_var=True),
    ],
    "float64",
) + [
    case("LayerNorm", dict(data=v([[3, 3, 3], [1, 2, 3]]))),
    layer(2, 3, axis=2),
    case("LayerNorm", dict(data=f(2, 3), gamma=f(2))),
]

GROUP_NORM = also(
    [
        group(2, 4, 3, num_groups=2),
        group(2, 4, 3),
        group(1, 3, 2, 2, num_groups=3),
        group(2, 6, 1, 3, num_groups=3, eps=0.01),
        group(2, 4, 3, num_groups=2, output_mean_var=True),
    ],
    "float64",
) + [
    group(2, 4, 3, num_groups=3),
    but(group(2, 4, 3, num_groups=0), undefined="crashes the process"),
]

OTHER = also(
    [
        l2(3, 4),
        l2(2, 3, 4),
        l2(2, 3, 4, mode="channel"),
        l2(2, 3, 2, 2, mode="channel", eps=0.1),
        l2(2, 3, 4, mode="spatial"),
        l2(2, 3, 2, 3, mode="spatial"),
        l2(2, 3, 2, 2, mode="instance", eps=1e-3),
    ],
    "float64",
) + [
    instance(2, 3, 4),  # float32 alone in MXNet
    instance(2, 3, 2, 3, eps=0.1),
    instance(1, 2, 2, 2, 2),
    instance(3, 4),  # refused in forward: needs three dimensions
    case("L2Normalization", dict(data=v([[0, 0, 0], [1, 2, 2]]))),  # at 0 the gradient is the head over sqrt(eps)
    l2(3, 4, mode="channel"),
    l2(3, 4, mode="spatial"),
    l2(3, 4, mode="all"),
]

# float32 alone in MXNet
LOCAL_RESPONSE = [
    lrn(1, 4, 3, 2, nsize=3),
    lrn(2, 5, 2, 2, nsize=5, alpha=0.1, beta=0.5, knorm=1),
    lrn(1, 7, 2, 3, nsize=5, alpha=1, beta=0.75, knorm=2),
    lrn(1, 3, 2, 2, nsize=7, alpha=0.5),
    lrn(1, 2, 2, 2, nsize=1, alpha=2),
    lrn(1, 4, 3, 2),
    lrn(1, 4, 3, nsize=3),
    lrn(1, 4, 3, 2, nsize=4),
]

VERSION_1 = [
    norm("BatchNorm_v1")(*shape, **params)
    for shape, params in [
        ((3, 2, 4, 3), {}),
        ((3, 2, 4, 3), dict(fix_gamma=False, momentum=0.5)),
        ((4, 3), dict(fix_gamma=False, eps=0.1)),
        ((3, 2, 2, 2), dict(fix_gamma=False, use_global_stats=True)),
    ]
]

CASES = VERSION_1 + BATCH_NORM + LAYER_NORM + GROUP_NORM + OTHER + LOCAL_RESPONSE
