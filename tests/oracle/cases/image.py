"""UpSampling, Crop, Pad: operators on planes."""

from .table import also, but, case, f, variadic


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

CASES = UPSAMPLING + CROP + PAD
