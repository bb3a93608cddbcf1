"""UpSampling, Crop, Pad, ROIPooling, samplers: operators on planes."""

from .table import also, but, case, f, unit, v, variadic


def up(*shapes, **params):
    one = variadic("UpSampling", [f(*shape) for shape in shapes], **params)
    return but(one, params=dict(one.params, num_args=len(shapes)))


UPSAMPLING = also(
    [
        up((1, 2, 2, 3), scale=2, sample_type="nearest"),
        up((2, 1, 3, 2), scale=3, sample_type="nearest"),
        up((1, 2, 2, 2), scale=1, sample_type="nearest"),
        up((1, 1, 4, 4), (1, 2, 2, 2), scale=2, sample_type="nearest"),
        up((1, 2, 4, 4), (1, 2, 2, 2), scale=2, sample_type="nearest", multi_input_mode="sum"),
        up((1, 2, 2, 2), (1, 1, 4, 4), (1, 1, 1, 1), scale=4, sample_type="nearest"),
        up((1, 2, 2, 3), scale=2, sample_type="bilinear", num_filter=2),
        up((1, 1, 3, 2), scale=3, sample_type="bilinear", num_filter=1),
    ],
    "float64",
) + [
    up((1, 2, 2, 2), scale=2),
    up((1, 2, 2, 2), sample_type="nearest"),
    up((1, 2, 2, 2), scale=0, sample_type="nearest"),
    up((1, 2, 2), scale=2, sample_type="nearest"),
    up((1, 1, 4, 4), (1, 2, 3, 3), scale=2, sample_type="nearest"),
    up((1, 2, 2, 2), scale=2, sample_type="cubic"),
]


def crop(*shapes, **params):
    one = variadic("Crop", [f(*shape) for shape in shapes], **params)
    return but(one, params=dict(one.params, num_args=len(shapes)))


CROP = [
    crop((1, 2, 5, 6), h_w=(3, 4)),
    crop((1, 2, 5, 6), h_w=(3, 4), offset=(1, 2)),
    crop((2, 1, 5, 5), h_w=(2, 2), center_crop=True),
    crop((1, 1, 5, 6), h_w=(2, 3), center_crop=True),
    crop((1, 2, 5, 6), (1, 3, 3, 4)),
    crop((1, 2, 5, 6), (1, 3, 3, 4), offset=(2, 1)),
    crop((1, 2, 5, 6), (1, 3, 3, 4), center_crop=True),
    crop((1, 1, 3, 3), h_w=(3, 3)),
    crop((1, 1, 3, 3)),
    crop((1, 1, 3, 3), h_w=(2, 2), offset=(2, 2)),
    crop((1, 1, 3, 3), h_w=(4, 4)),
    crop((1, 1, 3, 3), (1, 1, 4, 4)),
    crop((3, 3), h_w=(2, 2)),
]

WIDTHS4, WIDTHS5 = (0, 0, 0, 0, 1, 2, 2, 1), (0, 0, 0, 0, 1, 0, 0, 1, 1, 1)
PAD = also(
    [case("Pad", dict(data=f(1, 2, 3, 3)), mode=mode, pad_width=WIDTHS4) for mode in ("constant", "edge", "reflect")]
    + [case("Pad", dict(data=f(1, 1, 2, 3, 2)), mode=mode, pad_width=WIDTHS5) for mode in ("constant", "edge", "reflect")]
    + [
        case("Pad", dict(data=f(1, 2, 2, 2)), mode="constant", pad_width=WIDTHS4, constant_value=-1.5),
        case("pad", dict(data=f(2, 1, 3, 4)), mode="edge", pad_width=(0, 0, 0, 0, 0, 3, 2, 0)),
        case("Pad", dict(data=f(1, 2, 3, 3)), mode="constant", pad_width=(0, 0, 0, 0, 0, 0, 0, 0)),
    ],
    "float64",
) + [
    case("Pad", dict(data=f(1, 2, 3, 3)), mode="constant", pad_width=(0, 0, 1, 0, 1, 1, 1, 1)),
    case("Pad", dict(data=f(2, 3)), mode="constant", pad_width=(0, 0, 1, 1)),
    case("Pad", dict(data=f(1, 2, 3, 3)), mode="constant", pad_width=(0, 0, 0, 0, 1, 1)),
    case("Pad", dict(data=f(1, 2, 3, 3)), mode="reflect", pad_width=(0, 0, 0, 0, 3, 0, 0, 0)),
    case("Pad", dict(data=f(1, 2, 3, 3)), mode="symmetric", pad_width=WIDTHS4),
    case("Pad", dict(data=f(1, 2, 3, 3)), mode="edge"),
    case("Pad", dict(data=f(1, 2, 3, 3)), pad_width=WIDTHS4),
]

ROIS = [[0, 0, 0, 4, 4], [1, 1.3, 2.7, 9.1, 5.2], [0, 3, 1, 3, 1], [1, -3, -2, 20, 17], [0, 5.5, 4.5, 6, 8], [1, 6, 6, 2, 2]]


def regions(rois=ROIS, **params):
    return case("ROIPooling", dict(data=f(2, 2, 7, 8), rois=v(rois)), **params)


ROI = also(
    [
        regions(pooled_size=(1, 1), spatial_scale=1.0),
        regions(pooled_size=(3, 2), spatial_scale=0.7),
        regions(pooled_size=(7, 7), spatial_scale=0.0625),
    ],
    "float64",
) + [
    regions(pooled_size=(0, 2), spatial_scale=1.0),
    regions(pooled_size=(2,), spatial_scale=1.0),
    regions(pooled_size=(2, 2), spatial_scale=1.5),
    regions([[0, 1, 2, 3]], pooled_size=(2, 2), spatial_scale=1.0),
]


def transform(data, loc, **params):
    inputs = dict(data=f(*data), loc=unit(*loc))
    return case("SpatialTransformer", inputs, transform_type="affine", sampler_type="bilinear", **params)


SAMPLERS = (
    also(
        [
            case("BilinearSampler", dict(data=f(2, 2, 5, 6), grid=f(2, 2, 3, 4))),
            case("BilinearSampler", dict(data=f(1, 1, 1, 4), grid=unit(1, 2, 2, 5))),
            transform((2, 2, 5, 6), (2, 6), target_shape=(3, 4)),
            transform((1, 3, 4, 4), (1, 6), target_shape=(6, 5)),
        ],
        "float64",
    )
    + [
        case("GridGenerator", dict(data=f(2, 6)), transform_type="affine", target_shape=(3, 4)),
        case("GridGenerator", dict(data=f(2, 2, 4, 5)), transform_type="warp"),
    ]
    + [
        case("GridGenerator", dict(data=f(2, 6)), transform_type="affine"),
        case("GridGenerator", dict(data=f(2, 5)), transform_type="affine", target_shape=(3, 4)),
        case("GridGenerator", dict(data=f(2, 3, 4, 5)), transform_type="warp"),
        case("GridGenerator", dict(data=f(2, 6)), target_shape=(3, 4)),
        case("BilinearSampler", dict(data=f(2, 3, 4, 5), grid=f(2, 3, 4, 5))),
        case("BilinearSampler", dict(data=f(2, 3, 4, 5), grid=f(1, 2, 4, 5))),
        transform((2, 3, 4, 5), (2, 6)),
        transform((2, 3, 4, 5), (2, 5), target_shape=(2, 2)),
    ]
)

CASES = UPSAMPLING + CROP + PAD + ROI + SAMPLERS
