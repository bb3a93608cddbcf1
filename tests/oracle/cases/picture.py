"""The `image` namespace: pictures with the channels last."""

from .table import Input, but, case, f, v

COPIED = "MXNet copies the arriving gradient as it lies in memory"
NONE = "MXNet has no gradient for it"


def bytes_(*shape):
    return Input("whole", shape, "uint8", 0, 256)


def levels(*shape, dtype="float32"):
    return Input("whole", shape, dtype, 0, 256)


def both(op, *shape, **params):
    """The same call on bytes and on floating point numbers."""
    return [case(op, dict(data=bytes_(*shape)), **params), case(op, dict(data=levels(*shape)), **params)]


TENSOR = [
    but(case("_image_to_tensor", dict(data=spec)), forward_only=COPIED)
    for spec in (bytes_(2, 3, 3), bytes_(2, 2, 3, 1), levels(2, 3, 4), levels(2, 2, 2, dtype="float64"), levels(3, 3))
]

NORMALIZE = [
    case("_image_normalize", dict(data=f(3, 2, 3)), mean=(0.5, 1, 1.5), std=(2, 3, 4)),
    case("_image_normalize", dict(data=f(2, 3, 2, 2)), mean=0.5, std=(2, 3, 4)),
    case("_image_normalize", dict(data=f(1, 2, 2)), mean=(0.5,), std=(2,)),
    case("_image_normalize", dict(data=f(3, 2, 2, dtype="float64")), mean=(1, 2, 3), std=(0.5,)),
    case("_image_normalize", dict(data=f(3, 2, 2))),
    case("_image_normalize", dict(data=f(4, 2, 2)), mean=(0,), std=(1,)),
    case("_image_normalize", dict(data=f(3, 2)), mean=(0,), std=(1,)),
]

CROP = both("_image_crop", 4, 5, 3, x=1, y=2, width=3, height=2) + [
    case("_image_crop", dict(data=f(2, 4, 5, 1)), x=0, y=1, width=5, height=1),
    case("_image_crop", dict(data=f(4, 5, 3)), x=3, y=0, width=3, height=2),
    case("_image_crop", dict(data=f(4, 5, 3)), x=0, y=0, width=0, height=2),
    case("_image_crop", dict(data=f(4, 5, 2)), x=0, y=0, width=1, height=2),
]

SIZES = ((4, 3), (14, 10), (3, 2), (7, 5), (9, 4), (5, 11))
RESIZE = [
    but(one, forward_only=NONE)
    for interp in range(5)
    for size in SIZES
    for one in both("_image_resize", 5, 7, 3, size=size, interp=interp)
] + [
    but(case("_image_resize", dict(data=spec), **params), forward_only=NONE)
    for spec, params in [
        (bytes_(8, 6, 3), dict(size=(3, 4))),
        (levels(8, 6, 3), dict(size=(3, 4))),
        (bytes_(8, 6, 1), dict(size=(2, 2), interp=3)),
        (bytes_(2, 4, 6, 3), dict(size=3)),
        (levels(5, 6, 3), dict(size=4, keep_ratio=True)),
        (levels(6, 5, 3), dict(size=4, keep_ratio=True)),
        (levels(4, 6, 3, dtype="float64"), dict(size=(3, 5))),
        (levels(4, 6, 3), dict()),
        (levels(4, 6, 3), dict(size=(0, 3))),
        (levels(4, 6), dict(size=3)),
    ]
]

FLIP = [
    but(one, forward_only="MXNet forgets to mirror the gradient")
    for op in ("_image_flip_left_right", "_image_flip_top_bottom")
    for one in both(op, 4, 6, 3) + both(op, 2, 2, 1) + [case(op, dict(data=f(2, 4, 4, 3))), case(op, dict(data=f(4, 4, 2)))]
] + [
    but(case("_image_flip_left_right", dict(data=f(2, 3, 3))), undefined="MXNet leaves the middle column unwritten"),
]

FACTORS = ("brightness", 0.5), ("brightness", 1.75), ("contrast", 0.5), ("contrast", 2), ("saturation", 0.25), ("saturation", 3)
COLOURS = [
    one
    for kind, factor in (*FACTORS, ("hue", 0.3), ("hue", 0.85))
    for one in both(f"_image_random_{kind}", 3, 4, 3, min_factor=factor, max_factor=factor)
] + [
    case("_image_random_contrast", dict(data=bytes_(3, 4, 1)), min_factor=0.5, max_factor=0.5),
    case("_image_random_saturation", dict(data=bytes_(3, 4, 1)), min_factor=0.5, max_factor=0.5),
    case("_image_random_brightness", dict(data=bytes_(3, 4, 3)), min_factor=-0.5, max_factor=0.5),
    case("_image_random_hue", dict(data=levels(3, 4))),
    *both("_image_adjust_lighting", 3, 4, 3, alpha=(0.1, -0.2, 0.3)),
    case("_image_adjust_lighting", dict(data=v([[[10.0, 20.0, 30.0]]])), alpha=(2, 1, 0)),
]

CASES = TENSOR + NORMALIZE + CROP + RESIZE + FLIP + COLOURS
